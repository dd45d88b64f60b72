/* Waves of numbers, mixed to a vector for each; layers/periodic_embedding.py. */

/* sin 2 pi x of |x| <= 1/4, by its series */
static inline REAL quarter_sine(REAL x) {
    static const double terms[] = {
        6.283185307179586,  -41.34170224039976,  81.60524927607506,     -76.70585975306139,
        42.058693944897655, -15.09464257682299,  3.819952584848282,     -0.7181223017785006,
        0.1042291622081398, -0.0120315859421206, 0.0011309237482517963, -8.823533599243006e-5};
    REAL square = x * x, sum = (REAL)terms[N_SINES - 1];
#pragma GCC unroll 16
    for (int k = N_SINES - 2; k >= 0; k--)
        sum = FMA(sum, square, (REAL)terms[k]);
    return sum * x;
}

/* cosines and, unless they are NULL, sines of the waves 2 pi f x + p of one number */
static inline void turn(ptrdiff_t n, REAL x, const REAL *f, const REAL *p, REAL *cosines,
                        REAL *sines) {
    REAL turns[MOST_WAVES];
    EACH (i, n) {
        REAL all = f[i] * x + p[i] * (REAL)0.15915494309189535, whole = (all + ROUND) - ROUND;
        turns[i] = fabs(all) < ROUND / 4 ? all - whole : all - all; /* NaN if not finite */
        cosines[i] = quarter_sine((REAL)0.25 - fabs(turns[i]));
    }
    EACH (i, sines ? n : 0) {
        REAL quarter = (REAL)0.25 - fabs(fabs(turns[i]) - (REAL)0.25);
        sines[i] = quarter_sine(copysign(quarter, turns[i]));
    }
}

/* out = [x, kernel cos(2 pi f x + p) + bias], and the cosines and sines for the way back, if there
   is one */
static void waves(void *arguments) {
    const struct waves *a = arguments;
    const ptrdiff_t n = a->waves, mixed = a->mixed;
    REAL kernel[MOST_WAVES], passing[MOST_WAVES];
    for (ptrdiff_t j = 0; j < a->width; j++) {
        const REAL *f = (REAL *)a->frequencies + j * n, *p = (REAL *)a->phases + j * n;
        const REAL *weights = (REAL *)a->kernel + j * n * mixed,
                   *bias = (REAL *)a->bias + j * mixed;
        for (ptrdiff_t i = 0; i < n * mixed; i++)
            kernel[i % mixed * n + i / mixed] = weights[i];
        for (ptrdiff_t row = 0, at = j; row < a->rows; row++, at += a->width) {
            REAL x = ((REAL *)a->x)[at], *out = (REAL *)a->out + at * (mixed + 1);
            REAL *cosines = a->cosines ? (REAL *)a->cosines + at * n : passing;
            turn(n, x, f, p, cosines, a->sines ? (REAL *)a->sines + at * n : NULL);
            out[0] = x;
            for (ptrdiff_t k = 0; k < mixed; k++)
                out[k + 1] = bias[k] + dot(n, kernel + k * n, cosines);
        }
    }
}

/* The gradients of all weights, and that of x, in out, unless it is NULL. */
static void waves_backward(void *arguments) {
    const struct waves *a = arguments;
    const ptrdiff_t n = a->waves, mixed = a->mixed;
    for (ptrdiff_t j = 0; j < a->width; j++) {
        const REAL *f = (REAL *)a->frequencies + j * n,
                   *weights = (REAL *)a->kernel + j * n * mixed;
        REAL kernel[MOST_WAVES], of_kernel[MOST_WAVES] = {0}, slopes[MOST_WAVES];
        REAL *of_f = (REAL *)a->frequencies_grad + j * n, *of_p = (REAL *)a->phases_grad + j * n;
        REAL *of_bias = (REAL *)a->bias_grad + j * mixed;
        for (ptrdiff_t i = 0; i < n * mixed; i++)
            kernel[i % mixed * n + i / mixed] = weights[i];
        for (ptrdiff_t i = 0; i < n; i++)
            of_f[i] = of_p[i] = 0;
        for (ptrdiff_t k = 0; k < mixed; k++)
            of_bias[k] = 0;
        for (ptrdiff_t row = 0, at = j; row < a->rows; row++, at += a->width) {
            const REAL x = ((REAL *)a->x)[at], *grad = (REAL *)a->grad + at * (mixed + 1);
            const REAL *cosines = (REAL *)a->cosines + at * n, *sines = (REAL *)a->sines + at * n;
            EACH (i, n)
                slopes[i] = 0;
            for (ptrdiff_t k = 0; k < mixed; k++) {
                const REAL g = grad[k + 1], *row_of = kernel + k * n;
                REAL *total = of_kernel + k * n;
                of_bias[k] += g;
                EACH (i, n) {
                    total[i] += g * cosines[i];
                    slopes[i] += g * row_of[i];
                }
            }
            EACH (i, n) {
                slopes[i] *= -sines[i];
                of_p[i] += slopes[i];
                of_f[i] += slopes[i] * x;
            }
            if (a->out)
                ((REAL *)a->out)[at] = grad[0] + dot(n, slopes, f) * (REAL)6.283185307179586;
        }
        EACH (i, n)
            of_f[i] *= (REAL)6.283185307179586;
        for (ptrdiff_t i = 0; i < n * mixed; i++)
            ((REAL *)a->kernel_grad)[j * n * mixed + i] = of_kernel[i % mixed * n + i / mixed];
    }
}
