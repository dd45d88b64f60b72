/* Bias and activation of rows, and back: a block at a time, which stays in the cache. */

#define BLOCK 2048 /* elements */
#define NARROW 64  /* rows shorter than this are joined, so that loops along them pay */

static inline ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) {
    return a < b ? a : b;
}

/* e^x, up to where tanh(log(1 + e^x)) rounds to 1 */
static inline REAL capped_exp(REAL x) {
    return exp_of(x > 20 ? 20 : x);
}

/* tanh(log(1 + e)) = n / (n + 2), n = e (e + 2) */
static inline REAL mish_gate(REAL e) {
    REAL n = e * (e + 2);
    return n / (n + 2);
}

/* out = f(x) of n elements; derivative may be NULL */
static void apply(const struct activate *a, ptrdiff_t n, const REAL *x, REAL *out,
                  REAL *derivative) {
    const REAL slope = a->slope, limit = a->limit;
    switch (a->kind) {
    case IDENTITY:
        if (x != out)
            memmove(out, x, n * sizeof(REAL));
        break;
#define MAP(VALUE)                                                                                \
    EACH (i, n) {                                                                                 \
        const REAL v = x[i];                                                                      \
        out[i] = VALUE;                                                                           \
    }                                                                                             \
    break;
    case RELU: /* max(x, 0) */
        MAP(v < 0 ? 0 : v)
    case LEAKY_RELU: /* max(x, slope x) */
        MAP(v >= v * slope ? v : v * slope)
    case EXPONENTIAL: /* slope x of x > 0, else limit (e^x - 1) */
        MAP((v < 0 ? 0 : v) * slope + negative_expm1(v > 0 ? 0 : v) * limit)
    case SOFTPLUS: /* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|) */
        MAP((v < 0 ? 0 : v) + small_log1p(exp_of(-fabs(v))))
    case LOGISTIC: /* 1 / (1 + e^-x) */
        MAP(logistic(v))
    case TANH:
        MAP(tanh_of(v))
#undef MAP
#define GATED(GATE, SLOPE)                                                                        \
    if (derivative) {                                                                             \
        EACH (i, n) {                                                                             \
            REAL v = x[i], gate = GATE;                                                           \
            derivative[i] = (SLOPE) * v + gate;                                                   \
            out[i] = v * gate;                                                                    \
        }                                                                                         \
    } else {                                                                                      \
        EACH (i, n) {                                                                             \
            REAL v = x[i], gate = GATE;                                                           \
            out[i] = v * gate;                                                                    \
        }                                                                                         \
    }                                                                                             \
    break;
    case GELU: { /* x (1 + tanh u) / 2, the logistic of 2 u, u = slope x + limit x^3 */
        const REAL linear = 2 * a->slope, cubic = 2 * a->limit, triple = 6 * a->limit;
        GATED(logistic((v * v * cubic + linear) * v),
              (v * v * triple + linear) * gate * (1 - gate))
    }
    case SILU: /* x logistic(x) */
        GATED(logistic(v), (1 - gate) * gate)
    case MISH: /* x tanh(log(1 + e^x)) */
        GATED(mish_gate(capped_exp(v)), (1 - gate * gate) * (capped_exp(v) / (capped_exp(v) + 1)))
#undef GATED
    case EXACT_GELU:
        break;
    }
}

/* f(x + bias) */
static void activate(void *arguments) {
    const struct activate *a = arguments;
    const REAL *x = a->x, *bias = a->bias;
    REAL *out = a->out, *derivative = a->derivative;
    const ptrdiff_t size = a->rows * a->width;
    if (!size)
        return;
    REAL tile[2 * NARROW];
    ptrdiff_t width = a->width;
    if (bias && width < NARROW) {
        for (width = 0; width + a->width <= 2 * NARROW; width += a->width)
            memcpy(tile + width, bias, a->width * sizeof(REAL));
        bias = tile;
    }
    ptrdiff_t step = bias ? width * (BLOCK / width + (BLOCK < width)) : BLOCK;
    for (ptrdiff_t start = 0; start < size; start += step) {
        ptrdiff_t n = least(step, size - start);
        const REAL *from = x + start;
        if (bias) {
            for (ptrdiff_t at = start; at < start + n; at += width) {
                ptrdiff_t end = least(width, start + n - at);
                EACH (i, end)
                    out[at + i] = x[at + i] + bias[i];
            }
            from = out + start;
        }
        apply(a, n, from, out + start, derivative ? derivative + start : NULL);
    }
}

/* grad f'(x) of n elements, f' from out = f(x) */
static void apply_slope(const struct deactivate *a, ptrdiff_t n, REAL *grad, const REAL *out) {
    const REAL slope = a->slope, limit = a->limit, steep = 1 - a->slope,
               jump = a->slope - a->limit;
    switch (a->kind) {
    case IDENTITY:
        break;
#define TIMES(SLOPE)                                                                              \
    EACH (i, n) {                                                                                 \
        const REAL v = out[i];                                                                    \
        grad[i] *= SLOPE;                                                                         \
    }                                                                                             \
    break;
    case RELU:
        TIMES((REAL)(v > 0))
    case LEAKY_RELU:
        TIMES((REAL)(v > 0) * steep + slope)
    case EXPONENTIAL: /* out + limit of x <= 0, else slope */
        TIMES(((v > 0 ? 0 : v) + limit) + (REAL)(v > 0) * jump)
    case SOFTPLUS: /* logistic(x) = 1 - e^-out */
        TIMES(-negative_expm1(-v))
    case LOGISTIC:
        TIMES((1 - v) * v)
    case TANH:
        TIMES(1 - v * v)
    default: /* gated: out is the derivative */
        TIMES(v)
#undef TIMES
    }
}

/* total += the sums of the columns of some rows */
static void add_rows(ptrdiff_t rows, ptrdiff_t width, const REAL *values, REAL *total) {
    ptrdiff_t row = 0;
    for (; row + 4 <= rows; row += 4) {
        const REAL *at = values + row * width;
        EACH (i, width)
            total[i] += (at[i] + at[i + width]) + (at[i + 2 * width] + at[i + 3 * width]);
    }
    for (; row < rows; row++) {
        const REAL *at = values + row * width;
        EACH (i, width)
            total[i] += at[i];
    }
}

/* grad f'(x), and the sums of its columns in bias_grad */
static void deactivate(void *arguments) {
    const struct deactivate *a = arguments;
    REAL *grad = a->grad, *total = a->bias_grad;
    const REAL *out = a->out;
    const ptrdiff_t size = a->rows * a->width;
    REAL tile[2 * NARROW] = {0};
    ptrdiff_t joined = 1;
    if (total && a->width < NARROW && a->width) {
        joined = 2 * NARROW / a->width;
        total = tile;
    } else if (total)
        memset(total, 0, a->width * sizeof(REAL));
    ptrdiff_t width = joined * a->width, step = BLOCK;
    if (total && width)
        step = 4 * width * (BLOCK / (4 * width) + (BLOCK < 4 * width));
    for (ptrdiff_t start = 0; start < size; start += step) {
        ptrdiff_t n = least(step, size - start);
        apply_slope(a, n, grad + start, out + start);
        if (total) {
            add_rows(n / width, width, grad + start, total);
            for (ptrdiff_t i = n - n % width; i < n; i++) /* of the last block */
                total[i % width] += grad[start + i];
        }
    }
    if (total == tile) {
        REAL *bias_grad = a->bias_grad;
        memset(bias_grad, 0, a->width * sizeof(REAL));
        add_rows(joined, a->width, tile, bias_grad);
    }
}
