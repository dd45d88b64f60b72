/* Mixtures of rows, for minimal filtering. */

#define STRETCH 1024 /* elements of a row that stay in the cache */

/* out[n, t, m] = sum over r of weights[m, r] x[n, t, r], of rows of `width` elements */
static void mix_rows(struct arguments *a) {
    const ptrdiff_t n_in = a->o, n_out = a->p, width = a->q;
    const ptrdiff_t *x_strides = a->strides[0], *out_strides = a->strides[1];
    for (ptrdiff_t tile = 0; tile < a->m * a->n; tile++)
        for (ptrdiff_t start = 0; start < width; start += STRETCH) {
            const ptrdiff_t length = least(STRETCH, width - start);
            const ptrdiff_t n = tile / a->n, t = tile % a->n;
            const char *from = (char *)a->arrays[1] + n * x_strides[0] + t * x_strides[1];
            char *to = (char *)a->arrays[2] + n * out_strides[0] + t * out_strides[1];
            const REAL *x[MOST_MIXED], *weights = a->arrays[0];
            for (ptrdiff_t r = 0; r < MOST_MIXED; r++) /* what is beyond has the weight 0 */
                x[r] = (const REAL *)(from + (r < n_in ? r : 0) * x_strides[2]) + start;
            for (ptrdiff_t m = 0; m < n_out; m++, weights += n_in) {
                REAL *out = (REAL *)(to + m * out_strides[2]) + start;
                REAL w[MOST_MIXED] = {0};
                memcpy(w, weights, n_in * sizeof(REAL));
                EACH (e, length) {
                    REAL sum = w[0] * x[0][e];
#pragma GCC unroll 5
                    for (int r = 1; r < MOST_MIXED; r++)
                        sum = FMA(w[r], x[r][e], sum);
                    out[e] = sum;
                }
            }
        }
}
