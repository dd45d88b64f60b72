/* Elementary functions without branches, so that loops over them become vector instructions.
   Largest errors in units in the last place are measured in tests/test_kernels.py. */

/* e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2. */
struct reduced {
    REAL n, r;
};

static inline struct reduced reduce(REAL x) {
    REAL n = FMA(x, (REAL)1.4426950408889634, ROUND) - ROUND;
    REAL r = FMA(n, -LN2_HIGH, x);
    return (struct reduced){n, FMA(n, -LN2_LOW, r)};
}

/* e^r - 1 = r + r^2 (1 / 2! + r / 3! + ...). */
static inline REAL small_expm1(REAL r) {
    static const double inverse_factorials[] = {1.0 / 2,        1.0 / 6,         1.0 / 24,
                                                1.0 / 120,      1.0 / 720,       1.0 / 5040,
                                                1.0 / 40320,    1.0 / 362880,    1.0 / 3628800,
                                                1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
    REAL sum = (REAL)inverse_factorials[N_TERMS - 1];
#pragma GCC unroll 16
    for (int k = N_TERMS - 2; k >= 0; k--)
        sum = FMA(sum, r, (REAL)inverse_factorials[k]);
    return FMA(r * r, sum, r);
}

/* 2^n of a whole number n that is the exponent of a normal number. */
static inline REAL power_of_2(REAL n) {
    union bits shifted = {n + ROUND}, zero = {ROUND};
    shifted.bits = (shifted.bits - zero.bits + EXPONENT_BIAS) << MANTISSA_BITS;
    return shifted.real;
}

/* e^x; inf where it overflows, NaN of NaN. Two factors reach the numbers below the normal ones. */
static inline REAL exp_of(REAL x) {
    x = x > EXP_HIGHEST ? EXP_HIGHEST : x;
    x = x < EXP_LOWEST ? EXP_LOWEST : x;
    struct reduced at = reduce(x);
    REAL half = FMA(at.n, (REAL)0.5, ROUND) - ROUND;
    REAL value = 1 + small_expm1(at.r);
    return value * power_of_2(half) * power_of_2(at.n - half);
}

/* e^x - 1 of x <= 0. */
static inline REAL negative_expm1(REAL x) {
    x = x < -60 ? -60 : x;
    struct reduced at = reduce(x);
    REAL power = power_of_2(at.n);
    return FMA(power, small_expm1(at.r), power - 1);
}

/* tanh |x| = -t / (t + 2) with t = e^(-2 |x|) - 1. */
static inline REAL tanh_of(REAL x) {
    REAL t = negative_expm1(-2 * fabs(x));
    return copysign(t / (t + 2), x);
}

static inline REAL logistic(REAL x) {
    return 1 / (1 + exp_of(-x));
}

/* log(1 + x) of x in [0, 1]: 2 atanh(s) = 2 (s + s^3 / 3 + s^5 / 5 + ...) with s = x / (x + 2). */
static inline REAL small_log1p(REAL x) {
    REAL s = x / (x + 2), square = s * s, sum = 0;
#pragma GCC unroll 20
    for (int k = N_ODD; k > 0; k--)
        sum = FMA(sum, square, (REAL)(1.0 / (2 * k + 1)));
    return 2 * FMA(s * square, sum, s);
}

/* log(1 + x) = n ln 2 + log(1 + (x + 1 - 2^n) / 2^n) of x >= 0, where 2^n <= 1 + x < 2^(n + 1). */
static inline REAL log1p_of(REAL x) {
    union bits total = {1 + x}, power = total, n = {ROUND};
    power.bits = power.bits >> MANTISSA_BITS << MANTISSA_BITS;
    n.bits += (total.bits >> MANTISSA_BITS) - EXPONENT_BIAS;
    REAL rest = (x - (power.real - 1)) / power.real;
    return FMA(n.real - ROUND, LN2_HIGH, FMA(n.real - ROUND, LN2_LOW, small_log1p(rest)));
}
