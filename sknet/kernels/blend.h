/* Two arrays mixed in each column by a weight of its own; layers/parametric_activation.py. */

/* out = x + weight (y - x) */
static void blend(struct arguments *a) {
    const REAL *x = a->arrays[0], *y = a->arrays[1], *weight = a->arrays[2];
    REAL *out = a->arrays[3];
    const ptrdiff_t n = a->n;
    for (ptrdiff_t row = 0; row < a->m; row++, x += n, y += n, out += n)
        EACH (i, n)
            out[i] = (y[i] - x[i]) * weight[i] + x[i];
}

/* d weight = sum(grad (y - x)) over the rows, d y = weight grad, d x = grad - d y */
static void blend_backward(struct arguments *a) {
    const REAL *x = a->arrays[1], *y = a->arrays[2], *weight = a->arrays[3];
    REAL *grad = a->arrays[0], *mixed = a->arrays[4], *weight_grad = a->arrays[5];
    const ptrdiff_t n = a->n;
    memset(weight_grad, 0, n * sizeof(REAL));
    for (ptrdiff_t row = 0; row < a->m; row++, x += n, y += n, grad += n, mixed += n)
        EACH (i, n) {
            weight_grad[i] += (y[i] - x[i]) * grad[i];
            mixed[i] = grad[i] * weight[i];
            grad[i] -= mixed[i];
        }
}
