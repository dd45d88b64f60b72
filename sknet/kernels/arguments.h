/* The kernels, and what they are given.

   The signature of a kernel has an item for each argument, much as those of NumPy's gufuncs:

     (m,n)     array of two axes; a letter is the same length wherever it stands, a digit itself
     (..m,n)   array of any number of axes, of which those before the last have m rows in all
     mn        array of any number of axes and m n elements; also 5mn, or mn+mnp
     Imn       array of int64, B of bool, U of uint8, E of int64 or real numbers; arrays without
               such a letter have real numbers, all of the same precision
     ?mn       array or None
     !mn       array that is written, and may not overlap others
     =mn       array that may nevertheless be the same as the first one
     *(m,n)    array with any strides
     #         number
     N         None; calls with anything else are left to NumPy
     -         scratch memory for NumPy, or an argument that the check reads
     ~4mn      after the arguments: about how many multiply-adds the call takes
     -> float  what is returned, unless it is None: float, bool or True

   Marks come in the order ?!=*I. So blend reads m rows of n elements, as many others and n
   weights, and writes as many. The check is of checks.h, or NULL if nothing is left to check. */
#ifndef SKNET_ARGUMENTS_H
#define SKNET_ARGUMENTS_H

#include <stddef.h>
#include <stdint.h>

/* clang-format off */
#define EACH_KERNEL(X) \
    X(sgd, NULL, "!(..m) !m !I(1) ?!m - # # # # ~m") \
    X(rmsprop, NULL, "!(..m) !m !I(1) !m ?!m - # # # # # ~m") \
    X(adam, NULL, "!(..m) !m !I(1) !m !m - # # # # # # ~m") \
    X(lion, NULL, "!(..m) !m !I(1) !m - # # # # ~m") \
    X(activate, check_kind, "# (..m,n) ?n !=mn ?!mn # # - ~mn") \
    X(deactivate, check_kind, "# !(..m,n) =mn ?!n # # - ~mn") \
    X(dense, check_dense, "# (..m,o) (o,n) ?n !(..m,n) ?!mn # # - ~mno") \
    X(dense_back, check_dense, "# !(..m,n) =mn (..m,o) (o,n) !no ?!n ?!mo # # - ~mno") \
    X(dense_gradient, check_layers, \
      "(m,o) Em ?m (p) !p I(q,4) (q,3) !(m,n) # # # - ~mp -> float") \
    X(softmax_loss, check_classes, "(..m,n) Im ?m # !=mn N ~4mn -> float") \
    X(sigmoid_loss, check_labels, "(..m,n) Emn ?m # !=mn - ~4mn -> float") \
    X(dropout, check_dropout, "(..m) !=m !B(..n) - # # - ~4m") \
    X(dropout_backward, check_mask, "!(..m) B(..n) # - ~m") \
    X(row_norm, NULL, "(..m,n) n ?n !mn !(m,1) !(m,1) !mn # - - ~2mn -> bool") \
    X(row_norm_backward, NULL, "!(..m,n) mn (m,1) n !n ?!n # - - ~2mn") \
    X(channel_sums, NULL, "(m,n,o) ?mo ?mno N ?!mo ?!mo - ~mno") \
    X(channel_linear, NULL, "(m,n,o) mo N mo mo !mno - ~mno") \
    X(channel_gradient, NULL, "!mno (m,n,o) mo N mo mo mo - ~mno") \
    X(blend, NULL, "(..m,n) mn n !mn ~mn") \
    X(blend_backward, NULL, "!(..m,n) mn mn n !mn !n ~mn") \
    X(softmax_of_keys, check_keys, "!(m,n,o,p) ?B(m,o) - - - ~4mnop") \
    X(read_codes, NULL, "(..m) !Im # - ~m -> bool") \
    X(add_by_code, check_codes, "mn I(..m) !(..o,n) - ~mn+on") \
    X(lstm_step, NULL, "!5mn !(..m,n) !mn !mn # - ~9mn") \
    X(lstm_step_back, NULL, "(..m,n) 5mn mn !mn !4mn - ~5mn") \
    X(gru_step, NULL, "!5mn (..m,n) !mn # - ~9mn") \
    X(gru_step_back, NULL, "!(..m,n) 5mn !4mn - ~5mn") \
    X(waves, check_waves, "(..m,n) (n,o) (n,o,p) ?!mno ?!mno no np !mn+mnp - ~4mno") \
    X(waves_backward, check_waves, \
      "(..m,n) (n,o) (n,o,p) !mno !mno mn+mnp !no !no !nop !np ?!mn - ~4mno") \
    X(mix_rows, check_tiles, "(p,o) *(m,n,o,q) !*(m,n,p,q) ~6mnq") \
    X(max_pool, check_pool, "(..m) !(..n) ?!Un - - - ~m -> True") \
    X(max_unpool, check_pool, "(..n) !(..m) ?Un m n - - - ~m") \
    X(correlate, check_convolution, "(..m) (..n) !(..o) - - - ~o") \
    X(correlate_gradient, check_convolution, "(..m) (..o) !(..n) - - - ~o") \
    X(depthwise, check_convolution, "(..m) (..n) !(..o) - - ~o") \
    X(depthwise_gradient, check_convolution, "(..m) (..o) !(..n) - - ~o") \
    X(multiply, check_panels, "*(m,o) *(o,n) !*(m,n) # # - ~mno")

/* The activations; numpy_kernels has the same numbers, and the last one for itself. */
enum activation {
    IDENTITY, RELU, LEAKY_RELU, EXPONENTIAL, SOFTPLUS, LOGISTIC, TANH, GELU, SILU, MISH, EXACT_GELU
};
/* clang-format on */

#define AS_NUMBER(name, check, signature) KERNEL_##name,
enum kernel_number { EACH_KERNEL(AS_NUMBER) N_KERNELS };

#define MOST_ARGUMENTS 12
#define MOST_AXES 3    /* of windows */
#define MOST_LAYERS 16 /* of a network */
#define MOST_MIXED 6   /* rows */
#define MOST_WAVES 256 /* of a feature, times the elements that they are mixed to */

/* Windows over axes; those that an array lacks have the length 1, and come first. */
struct windows {
    ptrdiff_t n, channels, filters, in[MOST_AXES], count[MOST_AXES];
    ptrdiff_t size[MOST_AXES], strides[MOST_AXES], dilation[MOST_AXES];
};

/* Distance of the rows of a matrix, or of its columns if it is transposed, in elements. */
struct layout {
    ptrdiff_t distance;
    int is_transposed;
};

/* The arguments of a call: the i-th of the function in numpy_kernels, counted from 0, is
   arrays[i], which is NULL for None, or numbers[i]. */
struct arguments {
    union {
        struct {
            ptrdiff_t m, n, o, p, q; /* lengths of the signature */
        };
        ptrdiff_t lengths[5];
    };
    void *arrays[MOST_ARGUMENTS];
    double numbers[MOST_ARGUMENTS];
    double result; /* of the kernel, unless that is None */
    int is_double;
    union { /* added by checks */
        uint64_t seed;
        int has_integers, is_causal;
        struct windows windows;
        struct layout layouts[3];
        ptrdiff_t strides[2][3]; /* of two arrays, in bytes */
    };
};

typedef void kernel_function(struct arguments *a);

static inline ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) {
    return a < b ? a : b;
}

#endif
