/* Sums whose order depends on the number of elements alone. */

#define LANES 16

/* The sum of lanes, by halves. */
static inline REAL joined(REAL lanes[LANES]) {
#pragma GCC unroll 4
    for (int half = LANES / 2; half; half /= 2)
        for (int k = 0; k < half; k++)
            lanes[k] += lanes[k + half];
    return lanes[0];
}

static inline REAL sum(ptrdiff_t n, const REAL *x) {
    REAL lanes[LANES] = {0}, total = 0;
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++)
            lanes[k] += x[i + k];
    for (; i < n; i++)
        total += x[i];
    return n < LANES ? total : total + joined(lanes);
}

static inline REAL dot(ptrdiff_t n, const REAL *x, const REAL *y) {
    REAL lanes[LANES] = {0}, total = 0;
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++)
            lanes[k] += x[i + k] * y[i + k];
    for (; i < n; i++)
        total += x[i] * y[i];
    return n < LANES ? total : total + joined(lanes);
}
