/* Sums whose order depends on the number of elements alone. */

#define LANES 16
#define FEW(n) __attribute__((vector_size(n * sizeof(REAL)), may_alias, aligned(sizeof(REAL))))
typedef REAL eight FEW(8), four FEW(4);

/* The sum of lanes, by halves: vectors, as compilers write slow code for parts of an array. */
static inline REAL joined(const REAL *lanes) {
    const eight *eights = (const eight *)lanes, half = eights[0] + eights[1];
    const four *fours = (const four *)&half, quarter = fours[0] + fours[1];
    return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
}

static inline REAL sum(ptrdiff_t n, const REAL *x) {
    REAL lanes[LANES] = {0}, total = 0;
    for (ptrdiff_t i = n - n % LANES; i < n; i++)
        total += x[i];
    if (n < LANES)
        return total;
    for (ptrdiff_t i = 0; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++)
            lanes[k] += x[i + k];
    return total + joined(lanes);
}

static inline REAL dot(ptrdiff_t n, const REAL *x, const REAL *y) {
    REAL lanes[LANES] = {0}, total = 0;
    for (ptrdiff_t i = n - n % LANES; i < n; i++)
        total += x[i] * y[i];
    if (n < LANES)
        return total;
    for (ptrdiff_t i = 0; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++)
            lanes[k] += x[i + k] * y[i + k];
    return total + joined(lanes);
}
