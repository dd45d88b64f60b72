/* Normalization by columns: rows (segments, rows, channels), vectors (segments, channels). */

#define COLUMNS 256
#define ROWS 64 /* that are added up by themselves, which keeps rounding small */

/* total = sum of x, or of grad; products = sum of (x - mean)^2, or of grad (x - mean) */
static void channel_sums(void *arguments) {
    const struct channels *a = arguments;
    for (ptrdiff_t segment = 0; segment < a->segments; segment++)
        for (ptrdiff_t start = 0; start < a->width; start += COLUMNS) {
            const ptrdiff_t n = least(COLUMNS, a->width - start);
            const ptrdiff_t at = segment * a->width + start;
            const REAL *mean = a->mean ? (const REAL *)a->mean + at : NULL;
            REAL *out[2] = {a->total ? (REAL *)a->total + at : NULL,
                            a->products ? (REAL *)a->products + at : NULL};
            for (int k = 0; k < 2; k++)
                if (out[k])
                    memset(out[k], 0, n * sizeof(REAL));
            for (ptrdiff_t first = 0; first < a->rows; first += ROWS) {
                REAL sums[2][COLUMNS] = {{0}}, *total = sums[0], *products = sums[1];
                for (ptrdiff_t row = first; row < least(first + ROWS, a->rows); row++) {
                    const ptrdiff_t offset = (segment * a->rows + row) * a->width + start;
                    const REAL *x = (const REAL *)a->x + offset;
                    const REAL *grad = a->grad ? (const REAL *)a->grad + offset : NULL;
                    if (!mean)
                        EACH (c, n)
                            total[c] += x[c];
                    else if (!grad)
                        EACH (c, n)
                            products[c] = FMA(x[c] - mean[c], x[c] - mean[c], products[c]);
                    else
                        EACH (c, n) {
                            total[c] += grad[c];
                            products[c] = FMA(x[c] - mean[c], grad[c], products[c]);
                        }
                }
                for (int k = 0; k < 2; k++)
                    for (ptrdiff_t c = 0; out[k] && c < n; c++)
                        out[k][c] += sums[k][c];
            }
        }
}

/* out = scale (x - mean) + shift, or grad = scale grad - slope (x - mean) - shift */
static void channel_linear(void *arguments) {
    const struct channels *a = arguments;
    const REAL *x = a->x;
    REAL *out = a->out;
    for (ptrdiff_t row = 0; row < a->segments * a->rows; row++, x += a->width, out += a->width) {
        const ptrdiff_t at = row / a->rows * a->width;
        const REAL *mean = (const REAL *)a->mean + at, *scale = (const REAL *)a->scale + at;
        const REAL *shift = (const REAL *)a->shift + at;
        const REAL *slope = a->slope ? (const REAL *)a->slope + at : NULL;
        if (slope)
            EACH (c, a->width)
                out[c] = out[c] * scale[c] - (x[c] - mean[c]) * slope[c] - shift[c];
        else
            EACH (c, a->width)
                out[c] = (x[c] - mean[c]) * scale[c] + shift[c];
    }
}

#undef COLUMNS
#undef ROWS
