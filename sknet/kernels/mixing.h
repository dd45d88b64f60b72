/* Mixtures of rows, for minimal filtering. */

#define STRETCH 1024 /* elements of a row that stay in the cache */

/* out[n, t, m] = sum over r of weights[m, r] x[n, t, r], of rows of `width` elements */
static void mix_rows(void *arguments) {
    const struct mix_rows *a = arguments;
    for (ptrdiff_t n = 0; n < a->shape[0]; n++)
        for (ptrdiff_t t = 0; t < a->shape[1]; t++)
            for (ptrdiff_t start = 0; start < a->width; start += STRETCH) {
                const ptrdiff_t length = least(STRETCH, a->width - start);
                const REAL *x[MOST_MIXED];
                for (ptrdiff_t r = 0; r < MOST_MIXED; r++) /* what is beyond has the weight 0 */
                    x[r] = (const REAL *)(a->x + n * a->x_strides[0] + t * a->x_strides[1] +
                                          (r < a->n_in ? r : 0) * a->x_strides[2]) +
                           start;
                const REAL *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3], *x4 = x[4], *x5 = x[5];
                for (ptrdiff_t m = 0; m < a->n_out; m++) {
                    REAL w[MOST_MIXED] = {0};
                    for (ptrdiff_t r = 0; r < a->n_in; r++)
                        w[r] = ((const REAL *)a->weights)[m * a->n_in + r];
                    REAL *out = (REAL *)(a->out + n * a->out_strides[0] + t * a->out_strides[1] +
                                         m * a->out_strides[2]) +
                                start;
                    EACH (e, length) {
                        REAL sum = w[0] * x0[e];
                        sum = FMA(w[1], x1[e], sum);
                        sum = FMA(w[2], x2[e], sum);
                        sum = FMA(w[3], x3[e], sum);
                        sum = FMA(w[4], x4[e], sum);
                        out[e] = FMA(w[5], x5[e], sum);
                    }
                }
            }
}
