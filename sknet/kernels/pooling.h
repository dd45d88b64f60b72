/* Maxima of windows. */

/* Visit the elements of a window: f(place, offset of the element's channels). Of several maxima
   the first along the last axis counts, and then along those before it. */
#define EACH_PLACE(w, o, place, at)                                                               \
    for (ptrdiff_t k2 = 0, place = 0; k2 < (w)->size[2]; k2++)                                    \
        for (ptrdiff_t k1 = 0; k1 < (w)->size[1]; k1++)                                           \
            for (ptrdiff_t k0 = 0, at;                                                            \
                 k0 < (w)->size[0] && (at = first_of(w, o) + tap_at(w, k0, k1, k2), 1);           \
                 k0++, place++)

#define CHANNELS 64 /* that are treated at a time */

/* out = max of the window, or NaN if there is one */
static void max_pool(struct arguments *a) {
    const struct windows *w = &a->windows;
    const REAL *all = a->arrays[0];
    REAL *out = a->arrays[1];
    uint8_t *places = a->arrays[2]; /* which element of its window is the maximum, or NULL */
    ptrdiff_t o[4] = {0};
    do {
        for (ptrdiff_t start = 0; start < w->channels; start += CHANNELS) {
            const ptrdiff_t n = least(CHANNELS, w->channels - start);
            const REAL *x = all + start;
            REAL best[CHANNELS];
            UINT found[CHANNELS] = {0}; /* as wide as the values, so that both fit one vector */
            EACH_PLACE(w, o, place, at) {
                const UINT here = (UINT)place;
                if (place == 0)
                    memcpy(best, x + at, n * sizeof(REAL));
                else
                    EACH (c, n) {
                        REAL value = x[at + c];
                        UINT larger = (value > best[c]) | (value != value);
                        found[c] = larger ? here : found[c];
                        best[c] = larger ? value : best[c];
                    }
            }
            memcpy(out + start, best, n * sizeof(REAL));
            EACH (c, places ? n : 0)
                places[start + c] = (uint8_t)found[c];
        }
        out += w->channels;
        places += places ? w->channels : 0;
    } while (next_window(w, o));
}

/* grad_x = grad at the maximum of each window, and 0 elsewhere */
static void max_unpool(struct arguments *a) {
    const struct windows *w = &a->windows;
    const ptrdiff_t channels = w->channels;
    const REAL *grad = a->arrays[0];
    const uint8_t *places = a->arrays[2];
    int overlap = 0, gaps = 0;
    for (int axis = 0; axis < MOST_AXES; axis++) {
        overlap |= w->strides[axis] < w->size[axis];
        gaps |= w->strides[axis] > w->size[axis] ||
                w->in[axis] != (w->count[axis] - 1) * w->strides[axis] + w->size[axis];
    }
    if (overlap || gaps)
        memset(a->arrays[1], 0, a->m * sizeof(REAL));
    ptrdiff_t o[4] = {0};
    do {
        EACH_PLACE(w, o, place, at) {
            REAL *to = part(a, 1, at);
            const uint8_t here = (uint8_t)place;
            EACH (c, channels)
                to[c] = (overlap ? to[c] : 0) + (places[c] == here ? grad[c] : 0);
        }
        grad += channels;
        places += channels;
    } while (next_window(w, o));
}
