/* All kernels in one precision, and then its names are free again. */
union NAME(bits) {
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
#include "normalization.h"
#include "optimizers.h"
#include "pooling.h"
#include "recurrent.h"
#include "sequences.h"
#include "waves.h"

#undef REAL
#undef NAME
#undef UINT
#undef MANTISSA_BITS
#undef EXPONENT_BIAS
#undef ROUND
#undef LN2_HIGH
#undef LN2_LOW
#undef EXP_LOWEST
#undef EXP_HIGHEST
#undef N_FACTORIALS
#undef N_ODD
#undef N_SINES
#undef SQRT
#undef FABS
#undef COPYSIGN
#undef LOG1P
#undef LARGEST
#undef FMA
#undef VECTOR_FMA
#undef PER_VECTOR
