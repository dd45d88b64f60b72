/* The gradient of a network of dense layers; check_layers knows that their weights are there.

   Of a layer there are units, kind of activation, where kernel and bias begin; slope, limit and
   decay. To one of three losses factor / 2 times the sum of decay kernel^2 is added, and if that
   is not finite, no gradient is written. */
static void dense_gradient(struct arguments *a) {
    static kernel_function *const losses[] = {softmax_loss, sigmoid_loss, squared_loss};
    const int64_t *layer = a->arrays[5];
    const REAL *real = a->arrays[6], factor = a->numbers[9];
    REAL *out = a->arrays[0], *next = a->arrays[7];
    struct arguments calls[MOST_LAYERS], loss = *a;
    double squares = 0;
    for (ptrdiff_t k = 0, inputs = a->o; k < a->q; k++, layer += 4, real += 3) {
        const ptrdiff_t n = layer[0], size = a->m * n;
        REAL *kernel = part(a, 3, layer[2]), *derivative = layer[1] < GELU ? NULL : next + size;
        void *arrays[] = {NULL, out, kernel, part(a, 3, layer[3]), next, derivative};
        const double numbers[] = {layer[1], 0, 0, 0, 0, 0, real[0], real[1], real[0], real[1]};
        calls[k] = (struct arguments){.m = a->m, .n = n, .o = inputs};
        memcpy(calls[k].arrays, arrays, sizeof arrays);
        memcpy(calls[k].numbers, numbers, sizeof numbers);
        dense(&calls[k]);
        squares += real[2] * dot(inputs * n, kernel, kernel);
        out = next, next += derivative ? 2 * size : size, inputs = n;
    }
    REAL *grad = next;
    loss.arrays[0] = out, loss.arrays[4] = grad, loss.numbers[3] = a->numbers[8];
    losses[(int)a->numbers[10]](&loss);
    a->result = loss.result + 0.5 * factor * squares;
    for (ptrdiff_t k = a->q - 1; k >= 0 && isfinite(a->result); k--, grad = next) {
        layer -= 4, real -= 3, next = grad + a->m * layer[0];
        REAL *kernel = part(a, 3, layer[2]), *to = part(a, 4, layer[2]), decay = factor * real[2];
        void **given = calls[k].arrays, *after = given[given[5] ? 5 : 4], *of_x = k ? next : NULL;
        void *arrays[] = {NULL, grad, after, given[1], kernel, to, part(a, 4, layer[3]), of_x};
        memcpy(given, arrays, sizeof arrays);
        dense_back(&calls[k]);
        EACH (i, calls[k].o * calls[k].n)
            to[i] += decay * kernel[i];
    }
}
