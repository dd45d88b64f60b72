/* Dense layers whose products are small: sums of six rows by two vectors stay in registers, and
   each element is one chain of sums, wherever rows and columns are cut (see correlation.h). */

struct matrix {
    const REAL *values;
    ptrdiff_t row, column; /* strides */
};

/* out (n, m) = a (n, length) b (length, m) + bias, unless that is NULL */
static void multiply_small(ptrdiff_t n, ptrdiff_t length, ptrdiff_t m, struct matrix a,
                           struct matrix b, const REAL *bias, REAL *out) {
    REAL panel[(1 + DEPTH) * PANEL] ALIGNED, *rest = panel + PANEL;
    ptrdiff_t places[DEPTH];
    if (m % PANEL)
        memset(rest, 0, least(DEPTH, length) * PANEL * sizeof(REAL));
    for (ptrdiff_t k = 0; k < least(DEPTH, length); k++)
        places[k] = k * a.column;
    for (ptrdiff_t c = 0; c < m; c += PANEL)
        for (ptrdiff_t start = 0; start < length; start += DEPTH) {
            const ptrdiff_t width = least(PANEL, m - c);
            const ptrdiff_t depth = least(DEPTH, length - start);
            for (ptrdiff_t i = 0; i < PANEL; i++)
                panel[i] = bias && !start && i < width ? bias[c + i] : 0;
            const REAL *from = b.values + start * b.row + c * b.column;
            for (ptrdiff_t k = 0; k < depth; k++)
                if (b.column == 1)
                    copy_few(rest + k * PANEL, from + k * b.row, width);
                else
                    for (ptrdiff_t i = 0; i < width; i++)
                        rest[k * PANEL + i] = from[k * b.row + i * b.column];
            for (ptrdiff_t row = 0; row < n; row += ROWS) {
                const ptrdiff_t height = least(ROWS, n - row);
                REAL sums[ROWS][PANEL] ALIGNED;
                const REAL *rows[ROWS];
                for (ptrdiff_t r = 0; r < ROWS; r++) /* the sums of rows beyond are dropped */
                    rows[r] = a.values + (row + (r < height ? r : 0)) * a.row + start * a.column;
                multiply_rows(rows, places, depth, panel, width, sums);
                for (ptrdiff_t r = 0; r < height; r++)
                    put(out + (row + r) * m + c, sums[r], width, start > 0);
            }
        }
}

/* out = f(x kernel + bias) */
static void dense(struct arguments *a) {
    const ptrdiff_t rows = a->m, inputs = a->o, units = a->n;
    const struct matrix x = {a->arrays[1], inputs, 1}, kernel = {a->arrays[2], units, 1};
    REAL *bias = a->arrays[3], *out = a->arrays[4];
    if (units == 1) /* no panel would be full */
        for (ptrdiff_t row = 0; row < rows; row++)
            out[row] = dot(inputs, x.values + row * inputs, kernel.values) + (bias ? *bias : 0);
    else
        multiply_small(rows, inputs, units, x, kernel, bias, out);
    apply_to_rows(function_of(a, 6), rows, units, out, NULL, out, a->arrays[5]);
}

/* grad f'(out) in place; then kernel_grad = x^T grad and grad_x = grad kernel^T */
static void dense_back(struct arguments *a) {
    const ptrdiff_t rows = a->m, inputs = a->o, units = a->n;
    const struct matrix grad = {a->arrays[1], units, 1}, x = {a->arrays[3], 1, inputs};
    const struct matrix kernel = {a->arrays[4], 1, units};
    REAL *kernel_grad = a->arrays[5], *grad_x = a->arrays[7];
    apply_slope_to_rows(function_of(a, 8), rows, units, a->arrays[1], a->arrays[2], a->arrays[6]);
    if (units > 1) {
        multiply_small(inputs, rows, units, x, grad, NULL, kernel_grad);
        if (grad_x)
            multiply_small(rows, units, inputs, grad, kernel, NULL, grad_x);
        return;
    }
    memset(kernel_grad, 0, inputs * sizeof(REAL));
    for (ptrdiff_t row = 0; row < rows; row++) {
        const REAL slope = grad.values[row], *from = x.values + row * inputs;
        EACH (i, inputs)
            kernel_grad[i] += slope * from[i];
        EACH (i, grad_x ? inputs : 0)
            grad_x[row * inputs + i] = slope * kernel.values[i];
    }
}
