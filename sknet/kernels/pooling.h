/* Maxima of windows. */

/* Visit the elements of a window: f(place, offset of the element's channels). Of several maxima
   the first along the last axis counts, and then along those before it. */
#define EACH_PLACE(a, o, place, at)                                                               \
    for (ptrdiff_t k2 = 0, place = 0; k2 < a->size[2]; k2++)                                      \
        for (ptrdiff_t k1 = 0; k1 < a->size[1]; k1++)                                             \
            for (ptrdiff_t k0 = 0, at;                                                            \
                 k0 < a->size[0] && (at = NAME(place_of)(a, o, k0, k1, k2), 1); k0++, place++)

static inline ptrdiff_t NAME(place_of)(const struct max_pool *a, const ptrdiff_t *o, ptrdiff_t k0,
                                       ptrdiff_t k1, ptrdiff_t k2) {
    ptrdiff_t i0 = o[1] * a->strides[0] + k0, i1 = o[2] * a->strides[1] + k1;
    ptrdiff_t i2 = o[3] * a->strides[2] + k2;
    return (((o[0] * a->in[0] + i0) * a->in[1] + i1) * a->in[2] + i2) * a->channels;
}

/* Go on to the next window o = (sample, and its number along each axis). */
static inline int NAME(next_window)(const struct max_pool *a, ptrdiff_t *o) {
    for (int axis = 3; axis > 0; axis--) {
        if (++o[axis] < a->windows[axis - 1])
            return 1;
        o[axis] = 0;
    }
    return ++o[0] < a->n;
}

#define CHANNELS 64 /* that are treated at a time */

/* out = max of the window, or NaN if there is one */
static void NAME(max_pool)(void *arguments) {
    const struct max_pool *a = arguments;
    REAL *out = a->out;
    uint8_t *places = a->places;
    ptrdiff_t o[4] = {0};
    do {
        for (ptrdiff_t start = 0; start < a->channels; start += CHANNELS) {
            const ptrdiff_t n = NAME(least)(CHANNELS, a->channels - start);
            const REAL *x = (const REAL *)a->x + start;
            REAL best[CHANNELS];
            UINT found[CHANNELS] = {0}; /* as wide as the values, so that both fit one vector */
            EACH_PLACE(a, o, place, at) {
                const UINT here = (UINT)place;
                if (place == 0)
                    memcpy(best, x + at, n * sizeof(REAL));
                else if (places)
                    EACH (c, n) {
                        REAL value = x[at + c];
                        UINT larger = (value > best[c]) | (value != value);
                        found[c] = larger ? here : found[c];
                        best[c] = larger ? value : best[c];
                    }
                else
                    EACH (c, n) {
                        REAL value = x[at + c];
                        best[c] = (value > best[c]) | (value != value) ? value : best[c];
                    }
            }
            memcpy(out + start, best, n * sizeof(REAL));
            if (places)
                EACH (c, n)
                    places[start + c] = (uint8_t)found[c];
        }
        out += a->channels;
        places += places ? a->channels : 0;
    } while (NAME(next_window)(a, o));
}

/* grad_x = grad at the maximum of each window, and 0 elsewhere */
static void NAME(max_unpool)(void *arguments) {
    const struct max_pool *a = arguments;
    const ptrdiff_t channels = a->channels;
    const REAL *grad = a->grad;
    const uint8_t *places = a->places;
    int overlap = 0, gaps = 0;
    for (int axis = 0; axis < MOST_AXES; axis++) {
        overlap |= a->strides[axis] < a->size[axis];
        gaps |= a->strides[axis] > a->size[axis] ||
                a->in[axis] != (a->windows[axis] - 1) * a->strides[axis] + a->size[axis];
    }
    if (overlap || gaps)
        memset(a->grad_x, 0,
               a->n * a->in[0] * a->in[1] * a->in[2] * channels * (ptrdiff_t)sizeof(REAL));
    ptrdiff_t o[4] = {0};
    do {
        EACH_PLACE(a, o, place, at) {
            REAL *to = (REAL *)a->grad_x + at;
            const uint8_t here = (uint8_t)place;
            if (overlap)
                EACH (c, channels)
                    to[c] += places[c] == here ? grad[c] : 0;
            else
                EACH (c, channels)
                    to[c] = places[c] == here ? grad[c] : 0;
        }
        grad += channels;
        places += channels;
    } while (NAME(next_window)(a, o));
}
