/* Layers that normalize each row; layers/normalization.py explains them. */

/* Variances below this part of the squared mean drown in the rounding of the mean. */
#define LEAST_SPREAD 0x1p-14

/* x_hat = (x - mean) s, s = 1 / sqrt(mean((x - mean)^2) + epsilon), out = gamma x_hat + beta;
   without beta nothing is subtracted. Rows of negative or NaN margin must be computed again. */
static void row_norm(struct arguments *a) {
    const REAL *x = a->arrays[0], *gamma = a->arrays[1], *beta = a->arrays[2];
    REAL *x_hat = a->arrays[3], *inverse_std = a->arrays[4], *margin = a->arrays[5];
    REAL *out = a->arrays[6];
    const ptrdiff_t n = a->n;
    const REAL epsilon = a->numbers[7];
    int is_accurate = 1;
    for (ptrdiff_t row = 0; row < a->m; row++, x += n, x_hat += n, out += n) {
        const REAL mean = beta ? sum(n, x) / n : 0;
        EACH (i, n)
            x_hat[i] = x[i] - mean;
        const REAL variance = dot(n, x_hat, x_hat) / n, s = 1 / sqrt(variance + epsilon);
        margin[row] = beta ? (mean * (REAL)-LEAST_SPREAD * mean + variance) * s : 0;
        inverse_std[row] = s;
        is_accurate &= margin[row] >= 0 && s > 0;
        EACH (i, n) {
            x_hat[i] *= s;
            out[i] = x_hat[i] * gamma[i] + (beta ? beta[i] : 0);
        }
    }
    a->result = is_accurate;
}

/* d gamma = sum(g x_hat), d beta = sum(g) over the rows, and with t = gamma g
   d x = s (t - x_hat mean(t x_hat) - mean(t)), without the last where there is no beta. */
static void row_norm_backward(struct arguments *a) {
    const REAL *x_hat = a->arrays[1], *inverse_std = a->arrays[2], *gamma = a->arrays[3];
    REAL *grad = a->arrays[0], *gamma_grad = a->arrays[4], *beta_grad = a->arrays[5];
    const ptrdiff_t n = a->n;
    const int is_wanted = a->numbers[6] != 0; /* the gradient of x */
    memset(gamma_grad, 0, n * sizeof(REAL));
    if (beta_grad)
        memset(beta_grad, 0, n * sizeof(REAL));
    for (ptrdiff_t row = 0; row < a->m; row++, grad += n, x_hat += n) {
        EACH (i, n)
            gamma_grad[i] += grad[i] * x_hat[i];
        EACH (i, beta_grad ? n : 0)
            beta_grad[i] += grad[i];
        if (!is_wanted)
            continue;
        EACH (i, n)
            grad[i] *= gamma[i];
        const REAL slope = dot(n, grad, x_hat) / n, s = inverse_std[row];
        const REAL mean = beta_grad ? sum(n, grad) / n : 0;
        EACH (i, n)
            grad[i] = (grad[i] - x_hat[i] * slope - mean) * s;
    }
}
