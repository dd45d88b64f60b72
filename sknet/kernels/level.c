/* The kernels of one level of processors: compiled once for each, with LEVEL its name. */
#include "arguments.h"
#include "windows.h"

#include <float.h>
#include <math.h>
#include <string.h>
#ifdef __FMA__
#include <immintrin.h>
#endif

#if defined(__clang__)
#define LOOP _Pragma("clang loop vectorize(assume_safety)")
#else
#define LOOP _Pragma("GCC ivdep")
#endif
/* Arrays are the same or apart, so no element depends on another, and the loop becomes vectors. */
#define EACH(i, n) LOOP for (ptrdiff_t i = 0; i < (n); i++)

/* Bytes of a vector of the processor. */
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__FMA__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

/* Single precision */
#define REAL float
#define NAME(f) f##_single
#define UINT uint32_t
#define MANTISSA_BITS 23
#define EXPONENT_BIAS 127
#define ROUND 12582912.0f /* 1.5 2^23: adding and subtracting it rounds to a whole number */
#define LN2_HIGH 0.693359375f
#define LN2_LOW -2.12194440e-4f
#define EXP_LOWEST -104.5f
#define EXP_HIGHEST 89.0f
#define N_FACTORIALS 6
#define N_ODD 7
#define N_SINES 6
#define SQRT sqrtf
#define FABS fabsf
#define COPYSIGN copysignf
#define LOG1P log1pf
#define LARGEST FLT_MAX
#ifdef __FMA__
#define FMA fmaf
#ifdef __AVX512F__
#define VECTOR_FMA _mm512_fmadd_ps
#else
#define VECTOR_FMA _mm256_fmadd_ps
#endif
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#define VECTOR_FMA FMA
#endif
#include "all.h"

/* Double precision */
#define REAL double
#define NAME(f) f##_double
#define UINT uint64_t
#define MANTISSA_BITS 52
#define EXPONENT_BIAS 1023
#define ROUND 6755399441055744.0
#define LN2_HIGH 6.93145751953125e-1
#define LN2_LOW 1.42860682030941723212e-6
#define EXP_LOWEST -746.0
#define EXP_HIGHEST 710.0
#define N_FACTORIALS 12
#define N_ODD 16
#define N_SINES 12
#define SQRT sqrt
#define FABS fabs
#define COPYSIGN copysign
#define LOG1P log1p
#define LARGEST DBL_MAX
#ifdef __FMA__
#define FMA fma
#ifdef __AVX512F__
#define VECTOR_FMA _mm512_fmadd_pd
#else
#define VECTOR_FMA _mm256_fmadd_pd
#endif
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#define VECTOR_FMA FMA
#endif
#include "all.h"

#define JOINED(a, b) a##b
#define SYMBOL(level) JOINED(kernels_, level)
#define TEXT(name) #name
#define QUOTED(name) TEXT(name)
/* Without fused operations BLAS multiplies faster. */
#ifdef __FMA__
#define FUSED(kernel) kernel
#else
#define FUSED(kernel) NULL
#endif
#define KERNELS(precision)                                                                        \
    {[SGD] = sgd_##precision,                                                                     \
     [RMSPROP] = rmsprop_##precision,                                                             \
     [ADAM] = adam_##precision,                                                                   \
     [LION] = lion_##precision,                                                                   \
     [ACTIVATE] = activate_##precision,                                                           \
     [DEACTIVATE] = deactivate_##precision,                                                       \
     [SOFTMAX_LOSS] = softmax_loss_##precision,                                                   \
     [SIGMOID_LOSS] = sigmoid_loss_##precision,                                                   \
     [DROPOUT] = dropout_##precision,                                                             \
     [DROPOUT_BACKWARD] = dropout_backward_##precision,                                           \
     [ROW_NORM] = row_norm_##precision,                                                           \
     [ROW_NORM_BACKWARD] = row_norm_backward_##precision,                                         \
     [BLEND] = blend_##precision,                                                                 \
     [BLEND_BACKWARD] = blend_backward_##precision,                                               \
     [SOFTMAX_OF_KEYS] = softmax_of_keys_##precision,                                             \
     [READ_CODES] = read_codes_##precision,                                                       \
     [ADD_BY_CODE] = add_by_code_##precision,                                                     \
     [LSTM_STEP] = lstm_step_##precision,                                                         \
     [LSTM_STEP_BACK] = lstm_step_back_##precision,                                               \
     [GRU_STEP] = gru_step_##precision,                                                           \
     [GRU_STEP_BACK] = gru_step_back_##precision,                                                 \
     [MIX_ROWS] = mix_rows_##precision,                                                           \
     [MAX_POOL] = max_pool_##precision,                                                           \
     [MAX_UNPOOL] = max_unpool_##precision,                                                       \
     [DEPTHWISE] = depthwise_##precision,                                                         \
     [DEPTHWISE_GRADIENT] = depthwise_gradient_##precision,                                       \
     [WAVES] = waves_##precision,                                                                 \
     [WAVES_BACKWARD] = waves_backward_##precision,                                               \
     [CORRELATE] = FUSED(correlate_##precision),                                                  \
     [CORRELATE_GRADIENT] = FUSED(correlate_gradient_##precision),                                \
     [CHANNEL_SUMS] = channel_sums_##precision,                                                   \
     [CHANNEL_LINEAR] = channel_linear_##precision,                                               \
     [DENSE] = FUSED(dense_##precision),                                                          \
     [DENSE_BACK] = FUSED(dense_back_##precision)}

const struct level SYMBOL(LEVEL) = {QUOTED(LEVEL), {KERNELS(single), KERNELS(double)}};
