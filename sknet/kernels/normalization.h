/* Layers that normalize each row; layers/normalization.py explains them. */

/* Variances below this part of the squared mean drown in the rounding of the mean. */
#define LEAST_SPREAD 0x1p-14

/* x_hat = (x - mean) s, s = 1 / sqrt(mean((x - mean)^2) + epsilon), out = gamma x_hat + beta;
   without beta nothing is subtracted. margin is negative or NaN where the row has to be computed
   again. */
static void row_norm(void *arguments) {
    struct row_norm *a = arguments;
    const REAL *x = a->x, *gamma = a->gamma, *beta = a->beta;
    REAL *x_hat = a->x_hat, *out = a->out, *inverse_std = a->inverse_std, *margin = a->margin;
    const ptrdiff_t n = a->width;
    const REAL epsilon = a->epsilon;
    a->accurate = 1;
    for (ptrdiff_t row = 0; row < a->rows; row++, x += n, x_hat += n, out += n) {
        const REAL mean = beta ? sum(n, x) / n : 0;
        EACH (i, n)
            x_hat[i] = x[i] - mean;
        const REAL variance = dot(n, x_hat, x_hat) / n, s = 1 / sqrt(variance + epsilon);
        margin[row] = beta ? (mean * (REAL)-LEAST_SPREAD * mean + variance) * s : 0;
        inverse_std[row] = s;
        a->accurate &= margin[row] >= 0 && s > 0;
        EACH (i, n) {
            x_hat[i] *= s;
            out[i] = x_hat[i] * gamma[i] + (beta ? beta[i] : 0);
        }
    }
}

/* d gamma = sum(g x_hat), d beta = sum(g) over the rows, and with t = gamma g
   d x = s (t - x_hat mean(t x_hat) - mean(t)), without the last where there is no beta. */
static void row_norm_backward(void *arguments) {
    const struct row_norm *a = arguments;
    const REAL *x_hat = a->x_hat, *gamma = a->gamma, *inverse_std = a->inverse_std;
    REAL *grad = a->out, *gamma_grad = a->gamma_grad, *beta_grad = a->beta_grad;
    const ptrdiff_t n = a->width;
    memset(gamma_grad, 0, n * sizeof(REAL));
    if (beta_grad)
        memset(beta_grad, 0, n * sizeof(REAL));
    for (ptrdiff_t row = 0; row < a->rows; row++, grad += n, x_hat += n) {
        EACH (i, n)
            gamma_grad[i] += grad[i] * x_hat[i];
        if (beta_grad)
            EACH (i, n)
                beta_grad[i] += grad[i];
        if (!a->input_grad)
            continue;
        EACH (i, n)
            grad[i] *= gamma[i];
        const REAL slope = dot(n, grad, x_hat) / n, s = inverse_std[row];
        const REAL mean = beta_grad ? sum(n, grad) / n : 0;
        EACH (i, n)
            grad[i] = (grad[i] - x_hat[i] * slope - mean) * s;
    }
}
