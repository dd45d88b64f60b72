/* Sums whose order depends on the number of elements alone. */

#define LANES 16

static inline REAL sum(ptrdiff_t n, const REAL *x) {
    REAL lanes[LANES] = {0}, total = 0;
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++)
            lanes[k] += x[i + k];
    for (; i < n; i++)
        total += x[i];
    for (int k = 0; n >= LANES && k < LANES; k++)
        total += lanes[k];
    return total;
}

static inline REAL dot(ptrdiff_t n, const REAL *x, const REAL *y) {
    REAL lanes[LANES] = {0}, total = 0;
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++)
            lanes[k] += x[i + k] * y[i + k];
    for (; i < n; i++)
        total += x[i] * y[i];
    for (int k = 0; n >= LANES && k < LANES; k++)
        total += lanes[k];
    return total;
}
