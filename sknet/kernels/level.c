/* The kernels of one level of processors: compiled once for each and each precision. */
#include "arguments.h"
#include "windows.h"

#include <string.h>
#include <tgmath.h>

#if defined(__clang__)
#define LOOP _Pragma("clang loop vectorize(assume_safety)")
#else
#define LOOP _Pragma("GCC ivdep")
#endif
/* Arrays are the same or apart, so no element depends on another, and the loop becomes vectors. */
#define EACH(i, n) LOOP for (ptrdiff_t i = 0; i < (n); i++)

/* Bytes of a vector of the processor, and a b + c of vectors and of numbers. */
#ifdef __FMA__
#include <immintrin.h>
#define FMA fma
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#endif
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define FUSED(type) _mm512_fmadd_##type
#define HALF_FUSED(type) _mm256_fmadd_##type
#elif defined(__FMA__)
#define VECTOR_BYTES 32
#define FUSED(type) _mm256_fmadd_##type
#define HALF_FUSED(type) _mm_fmadd_##type
#else
#define VECTOR_BYTES 16
#define FUSED(type) FMA
#define HALF_FUSED(type) FMA
#endif

#ifdef DOUBLE
#define PRECISION double
#define REAL double
#define UINT uint64_t
#define MANTISSA_BITS 52
#define EXPONENT_BIAS 1023
#define ROUND 6755399441055744.0
#define LN2_HIGH 6.93145751953125e-1
#define LN2_LOW 1.42860682030941723212e-6
#define EXP_LOWEST -746.0
#define EXP_HIGHEST 710.0
#define N_TERMS 12
#define N_ODD 16
#define VECTOR_FMA FUSED(pd)
#define HALF_FMA HALF_FUSED(pd)
#else
#define PRECISION single
#define REAL float
#define UINT uint32_t
#define MANTISSA_BITS 23
#define EXPONENT_BIAS 127
#define ROUND 12582912.0f /* 1.5 2^23: adding and subtracting it rounds to a whole number */
#define LN2_HIGH 0.693359375f
#define LN2_LOW -2.12194440e-4f
#define EXP_LOWEST -104.5f
#define EXP_HIGHEST 89.0f
#define N_TERMS 6
#define N_ODD 7
#define VECTOR_FMA FUSED(ps)
#define HALF_FMA HALF_FUSED(ps)
#endif

union bits {
    REAL real;
    UINT bits;
};

#include "elementary.h"
#include "reductions.h"
#include "vectors.h"

#include "activations.h"
#include "blend.h"
#include "channels.h"
#include "correlation.h"
#include "dense.h"
#include "depthwise.h"
#include "dropout.h"
#include "losses.h"
#include "mixing.h"
#include "network.h"
#include "normalization.h"
#include "optimizers.h"
#include "pooling.h"
#include "recurrent.h"
#include "sequences.h"
#include "waves.h"

#define multiply NULL /* products.h has it */
#ifndef __FMA__       /* without fused operations BLAS multiplies faster */
#define correlate NULL
#define correlate_gradient NULL
#define dense NULL
#define dense_back NULL
#define dense_gradient NULL
#endif
#define JOINED(level, precision) kernels_##level##_##precision
#define SYMBOL(level, precision) JOINED(level, precision)
#define AS_ENTRY(name, check, signature) [KERNEL_##name] = name,

kernel_function *const SYMBOL(LEVEL, PRECISION)[N_KERNELS] = {EACH_KERNEL(AS_ENTRY)};
