/* Two arrays mixed in each column by a weight of its own; layers/parametric_activation.py. */

/* out = x + weight (y - x) */
static void blend(void *arguments) {
    const struct blend *a = arguments;
    const REAL *x = a->x, *y = a->y, *weight = a->weight;
    REAL *out = a->out;
    const ptrdiff_t n = a->width;
    for (ptrdiff_t row = 0; row < a->rows; row++, x += n, y += n, out += n)
        EACH (i, n)
            out[i] = (y[i] - x[i]) * weight[i] + x[i];
}

/* d weight = sum(grad (y - x)) over the rows, d y = weight grad, d x = grad - d y */
static void blend_backward(void *arguments) {
    const struct blend *a = arguments;
    const REAL *x = a->x, *y = a->y, *weight = a->weight;
    REAL *grad = a->out, *mixed = a->mixed, *weight_grad = a->weight_grad;
    const ptrdiff_t n = a->width;
    memset(weight_grad, 0, n * sizeof(REAL));
    for (ptrdiff_t row = 0; row < a->rows; row++, x += n, y += n, grad += n, mixed += n)
        EACH (i, n) {
            weight_grad[i] += (y[i] - x[i]) * grad[i];
            mixed[i] = grad[i] * weight[i];
            grad[i] -= mixed[i];
        }
}
