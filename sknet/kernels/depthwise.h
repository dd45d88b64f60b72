/* Convolution of each channel by itself: windows of padded arrays times a kernel (taps, C). */

#define COLUMNS 8 /* windows of a row whose sums stay in registers */
#define TAPS 5    /* whose gradients do */

/* out[o, c] = sum over k of x[window o, k, c] kernel[k, c] */
static void depthwise(struct arguments *a) {
    const struct windows *w = &a->windows;
    const ptrdiff_t channels = w->channels, n_taps = w->size[0] * w->size[1] * w->size[2];
    REAL *out = a->arrays[2];
    ptrdiff_t o[4] = {0};
    do {
        const ptrdiff_t n = least(COLUMNS, w->count[2] - o[3]);
        const REAL *x = part(a, 0, first_of(w, o)), *kernel = a->arrays[1];
        ptrdiff_t c = 0, steps[COLUMNS];
        for (ptrdiff_t i = 0; i < COLUMNS; i++) /* sums beyond are dropped */
            steps[i] = i < n ? i * w->strides[2] * channels : 0;
        for (; c + PER_VECTOR <= channels; c += PER_VECTOR) {
            vector sums[COLUMNS] = {0};
            for (ptrdiff_t i = 0, k[MOST_AXES] = {0}; i < n_taps; i++) {
                const REAL *at = x + next_tap(w, k) + c;
                const vector factor = load(kernel + i * channels + c);
#pragma GCC unroll 8
                for (int i = 0; i < COLUMNS; i++)
                    sums[i] = VECTOR_FMA(load(at + steps[i]), factor, sums[i]);
            }
#pragma GCC unroll 8
            for (int i = 0; i < COLUMNS; i++)
                if (i < n)
                    memcpy(out + i * channels + c, &sums[i], sizeof(sums[i]));
        }
        for (; c < channels; c++)
            for (ptrdiff_t i = 0; i < n; i++) {
                REAL sum = 0;
                for (ptrdiff_t j = 0, k[MOST_AXES] = {0}; j < n_taps; j++)
                    sum = FMA(x[next_tap(w, k) + steps[i] + c], kernel[j * channels + c], sum);
                out[i * channels + c] = sum;
            }
        out += n * channels;
        o[3] += n - 1;
    } while (next_window(w, o));
}

/* out[k, c] = sum over o of x[window o, k, c] grad[o, c] */
static void depthwise_gradient(struct arguments *a) {
    const struct windows *w = &a->windows;
    const ptrdiff_t channels = w->channels, n_taps = w->size[0] * w->size[1] * w->size[2];
    const ptrdiff_t step = w->strides[2] * channels;
    const REAL *grad = a->arrays[1];
    ptrdiff_t o[4] = {0};
    memset(a->arrays[2], 0, n_taps * channels * sizeof(REAL));
    do { /* rows of windows */
        const REAL *x = part(a, 0, first_of(w, o));
        ptrdiff_t k[MOST_AXES] = {0};
        for (ptrdiff_t tap = 0; tap < n_taps; tap += TAPS) {
            const ptrdiff_t n = least(TAPS, n_taps - tap);
            REAL *out = part(a, 2, tap * channels);
            const REAL *at[TAPS];
            ptrdiff_t c = 0;
            for (ptrdiff_t i = 0; i < TAPS; i++) /* sums beyond are dropped */
                at[i] = i < n ? x + next_tap(w, k) : x;
            for (; c + PER_VECTOR <= channels; c += PER_VECTOR) {
                vector sums[TAPS] = {0};
#pragma GCC unroll 5
                for (int i = 0; i < TAPS; i++)
                    if (i < n)
                        sums[i] = load(out + i * channels + c);
                for (ptrdiff_t j = 0; j < w->count[2]; j++) {
                    const vector factor = load(grad + j * channels + c);
#pragma GCC unroll 5
                    for (int i = 0; i < TAPS; i++)
                        sums[i] = VECTOR_FMA(load(at[i] + j * step + c), factor, sums[i]);
                }
#pragma GCC unroll 5
                for (int i = 0; i < TAPS; i++)
                    if (i < n)
                        memcpy(out + i * channels + c, &sums[i], sizeof(sums[i]));
            }
            for (; c < channels; c++)
                for (ptrdiff_t i = 0; i < n; i++)
                    for (ptrdiff_t j = 0; j < w->count[2]; j++)
                        out[i * channels + c] = FMA(at[i][j * step + c], grad[j * channels + c],
                                                    out[i * channels + c]);
        }
        grad += w->count[2] * channels;
        o[3] = w->count[2] - 1;
    } while (next_window(w, o));
}
