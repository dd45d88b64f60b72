/* Normalization by columns: rows (segments, rows, channels), vectors (segments, channels). */

#define SUMMED_COLUMNS 256
#define SUMMED_ROWS 64 /* that are added up by themselves, which keeps rounding small */

/* total = sum of x, or of grad; products = sum of (x - mean)^2, or of grad (x - mean) */
static void channel_sums(struct arguments *a) {
    const ptrdiff_t rows = a->n, width = a->o;
    for (ptrdiff_t segment = 0; segment < a->m; segment++)
        for (ptrdiff_t start = 0; start < width; start += SUMMED_COLUMNS) {
            const ptrdiff_t n = least(SUMMED_COLUMNS, width - start), at = segment * width + start;
            const REAL *mean = part_or_null(a, 1, at);
            REAL *out[2] = {part_or_null(a, 4, at), part_or_null(a, 5, at)};
            for (int k = 0; k < 2; k++)
                if (out[k])
                    memset(out[k], 0, n * sizeof(REAL));
            for (ptrdiff_t first = 0; first < rows; first += SUMMED_ROWS) {
                REAL sums[2][SUMMED_COLUMNS] = {{0}}, *total = sums[0], *products = sums[1];
                for (ptrdiff_t row = first; row < least(first + SUMMED_ROWS, rows); row++) {
                    const ptrdiff_t offset = (segment * rows + row) * width + start;
                    const REAL *x = part(a, 0, offset), *grad = part_or_null(a, 2, offset);
                    EACH (c, out[0] ? n : 0)
                        total[c] += grad ? grad[c] : x[c];
                    EACH (c, out[1] && mean ? n : 0)
                        products[c] =
                            FMA(x[c] - mean[c], grad ? grad[c] : x[c] - mean[c], products[c]);
                }
                for (int k = 0; k < 2; k++)
                    for (ptrdiff_t c = 0; out[k] && c < n; c++)
                        out[k][c] += sums[k][c];
            }
        }
}

/* out = scale (x - mean) + shift */
static void channel_linear(struct arguments *a) {
    const ptrdiff_t rows = a->n, n = a->o;
    const REAL *x = a->arrays[0];
    REAL *out = a->arrays[5];
    for (ptrdiff_t at = 0; at < a->m * n; at += n) {
        const REAL *mean = part(a, 1, at), *scale = part(a, 3, at), *shift = part(a, 4, at);
        for (ptrdiff_t row = 0; row < rows; row++, x += n, out += n)
            EACH (c, n)
                out[c] = (x[c] - mean[c]) * scale[c] + shift[c];
    }
}

/* grad = scale grad - slope (x - mean) - shift */
static void channel_gradient(struct arguments *a) {
    const ptrdiff_t rows = a->n, n = a->o;
    const REAL *x = a->arrays[1];
    REAL *grad = a->arrays[0];
    for (ptrdiff_t at = 0; at < a->m * n; at += n) {
        const REAL *mean = part(a, 2, at), *scale = part(a, 4, at);
        const REAL *slope = part(a, 5, at), *shift = part(a, 6, at);
        for (ptrdiff_t row = 0; row < rows; row++, x += n, grad += n)
            EACH (c, n)
                grad[c] = grad[c] * scale[c] - (x[c] - mean[c]) * slope[c] - shift[c];
    }
}
