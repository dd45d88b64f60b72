/* Bias and activation of rows, and back: a block at a time, which stays in the cache. */

#define BLOCK 2048 /* elements */
#define NARROW 64  /* rows shorter than this are joined, so that loops along them pay */

struct function {
    enum activation kind;
    double slope, limit;
};

/* The function of a call, whose parameters begin with argument i. */
static inline struct function function_of(const struct arguments *a, int i) {
    return (struct function){(int)a->numbers[0], a->numbers[i], a->numbers[i + 1]};
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
static void apply(struct function f, ptrdiff_t n, const REAL *x, REAL *out, REAL *derivative) {
    const REAL slope = f.slope, limit = f.limit;
    switch (f.kind) {
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
    EACH (i, n) {                                                                                 \
        REAL v = x[i], gate = GATE;                                                               \
        if (derivative)                                                                           \
            derivative[i] = (SLOPE) * v + gate;                                                   \
        out[i] = v * gate;                                                                        \
    }                                                                                             \
    break;
    case GELU: { /* x (1 + tanh u) / 2, the logistic of 2 u, u = slope x + limit x^3 */
        const REAL linear = 2 * f.slope, cubic = 2 * f.limit, triple = 6 * f.limit;
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

/* out = f(x + bias) of rows; bias and derivative may be NULL */
static void apply_to_rows(struct function f, ptrdiff_t rows, ptrdiff_t columns, const REAL *x,
                          const REAL *bias, REAL *out, REAL *derivative) {
    const ptrdiff_t size = rows * columns;
    if (!size)
        return;
    REAL tile[2 * NARROW];
    ptrdiff_t width = columns;
    if (bias && width < NARROW) {
        for (width = 0; width + columns <= 2 * NARROW; width += columns)
            memcpy(tile + width, bias, columns * sizeof(REAL));
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
        apply(f, n, from, out + start, derivative ? derivative + start : NULL);
    }
}

static void activate(struct arguments *a) {
    apply_to_rows(function_of(a, 5), a->m, a->n, a->arrays[1], a->arrays[2], a->arrays[3],
                  a->arrays[4]);
}

/* grad f'(x) of n elements, f' from out = f(x) */
static void apply_slope(struct function f, ptrdiff_t n, REAL *grad, const REAL *out) {
    const REAL slope = f.slope, limit = f.limit, steep = 1 - f.slope, jump = f.slope - f.limit;
    switch (f.kind) {
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

/* grad f'(x) of rows, and the sums of its columns in bias_grad, unless that is NULL */
static void apply_slope_to_rows(struct function f, ptrdiff_t rows, ptrdiff_t columns, REAL *grad,
                                const REAL *out, REAL *bias_grad) {
    const ptrdiff_t size = rows * columns;
    REAL tile[2 * NARROW] = {0}, *total = bias_grad;
    ptrdiff_t joined = 1;
    if (total)
        memset(total, 0, columns * sizeof(REAL));
    if (total && columns < NARROW && columns) {
        joined = 2 * NARROW / columns;
        total = tile;
    }
    ptrdiff_t width = joined * columns, step = BLOCK;
    if (total && width)
        step = 4 * width * (BLOCK / (4 * width) + (BLOCK < 4 * width));
    for (ptrdiff_t start = 0; start < size; start += step) {
        ptrdiff_t n = least(step, size - start);
        apply_slope(f, n, grad + start, out + start);
        if (total) {
            add_rows(n / width, width, grad + start, total);
            for (ptrdiff_t i = n - n % width; i < n; i++) /* of the last block */
                total[i % width] += grad[start + i];
        }
    }
    if (total == tile)
        add_rows(joined, columns, tile, bias_grad);
}

static void deactivate(struct arguments *a) {
    apply_slope_to_rows(function_of(a, 4), a->m, a->n, a->arrays[1], a->arrays[2], a->arrays[3]);
}
