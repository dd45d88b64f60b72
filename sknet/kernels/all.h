/* All kernels. */
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
#include "normalization.h"
#include "optimizers.h"
#include "pooling.h"
#include "recurrent.h"
#include "sequences.h"
#include "waves.h"
