/* Waves of numbers, mixed to a vector for each; layers/periodic_embedding.py. */

/* sin 2 pi x of |x| <= 1/4, by its series */
static inline REAL quarter_sine(REAL x) {
    static const double terms[] = {
        6.283185307179586,  -41.34170224039976,  81.60524927607506,     -76.70585975306139,
        42.058693944897655, -15.09464257682299,  3.819952584848282,     -0.7181223017785006,
        0.1042291622081398, -0.0120315859421206, 0.0011309237482517963, -8.823533599243006e-5};
    REAL square = x * x, sum = (REAL)terms[N_TERMS - 1];
#pragma GCC unroll 16
    for (int k = N_TERMS - 2; k >= 0; k--)
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

static void transpose(ptrdiff_t rows, ptrdiff_t columns, const REAL *from, REAL *to) {
    for (ptrdiff_t row = 0; row < rows; row++)
        for (ptrdiff_t column = 0; column < columns; column++)
            to[column * rows + row] = *from++;
}

/* out = [x, kernel cos(2 pi f x + p) + bias], and cosines and sines for the way back, if any */
static void waves(struct arguments *a) {
    const ptrdiff_t n = a->o, mixed = a->p;
    REAL kernel[MOST_WAVES], passing[MOST_WAVES];
    for (ptrdiff_t j = 0; j < a->n; j++) {
        const REAL *f = part(a, 1, j * n), *p = part(a, 5, j * n), *bias = part(a, 6, j * mixed);
        transpose(n, mixed, part(a, 2, j * n * mixed), kernel);
        for (ptrdiff_t row = 0, at = j; row < a->m; row++, at += a->n) {
            REAL x = *part(a, 0, at), *out = part(a, 7, at * (mixed + 1));
            REAL *cosines = a->arrays[3] ? part(a, 3, at * n) : passing;
            turn(n, x, f, p, cosines, part_or_null(a, 4, at * n));
            out[0] = x;
            for (ptrdiff_t k = 0; k < mixed; k++)
                out[k + 1] = bias[k] + dot(n, kernel + k * n, cosines);
        }
    }
}

/* The gradients of all weights, and that of x unless that is NULL. */
static void waves_backward(struct arguments *a) {
    const ptrdiff_t n = a->o, mixed = a->p;
    REAL *grad_x = a->arrays[10];
    for (ptrdiff_t j = 0; j < a->n; j++) {
        const REAL *f = part(a, 1, j * n);
        REAL *of_f = part(a, 6, j * n), *of_p = part(a, 7, j * n),
             *of_bias = part(a, 9, j * mixed);
        REAL kernel[MOST_WAVES], of_kernel[MOST_WAVES] = {0}, slopes[MOST_WAVES];
        transpose(n, mixed, part(a, 2, j * n * mixed), kernel);
        memset(of_f, 0, n * sizeof(REAL));
        memset(of_p, 0, n * sizeof(REAL));
        memset(of_bias, 0, mixed * sizeof(REAL));
        for (ptrdiff_t row = 0, at = j; row < a->m; row++, at += a->n) {
            const REAL x = *part(a, 0, at), *grad = part(a, 5, at * (mixed + 1));
            const REAL *cosines = part(a, 3, at * n), *sines = part(a, 4, at * n);
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
            if (grad_x)
                grad_x[at] = grad[0] + dot(n, slopes, f) * (REAL)6.283185307179586;
        }
        EACH (i, n)
            of_f[i] *= (REAL)6.283185307179586;
        transpose(mixed, n, of_kernel, part(a, 8, j * n * mixed));
    }
}
