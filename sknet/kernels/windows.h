/* Windows of arrays (n, lengths of three axes, channels), and where they are in memory. */

/* Offset of the first element of window o = (sample, its number along each axis). */
static inline ptrdiff_t first_of(const struct windows *w, const ptrdiff_t *o) {
    const ptrdiff_t row = (o[0] * w->in[0] + o[1] * w->strides[0]) * w->in[1];
    return ((row + o[2] * w->strides[1]) * w->in[2] + o[3] * w->strides[2]) * w->channels;
}

/* Offset of an element's channels in its window. */
static inline ptrdiff_t tap_at(const struct windows *w, ptrdiff_t k0, ptrdiff_t k1, ptrdiff_t k2) {
    const ptrdiff_t row = k0 * w->dilation[0] * w->in[1] + k1 * w->dilation[1];
    return (row * w->in[2] + k2 * w->dilation[2]) * w->channels;
}

/* The same of the element with the numbers k, which goes on to the next one. */
static inline ptrdiff_t next_tap(const struct windows *w, ptrdiff_t *k) {
    const ptrdiff_t at = tap_at(w, k[0], k[1], k[2]);
    for (int axis = MOST_AXES - 1; axis >= 0 && ++k[axis] == w->size[axis]; axis--)
        k[axis] = 0;
    return at;
}

/* Go on to the next window. */
static inline int next_window(const struct windows *w, ptrdiff_t *o) {
    for (int axis = 3; axis > 0; axis--) {
        if (++o[axis] < w->count[axis - 1])
            return 1;
        o[axis] = 0;
    }
    return ++o[0] < w->n;
}
