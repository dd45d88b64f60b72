/* What each kernel is given: all arrays are contiguous, and checked by module.c. */
#ifndef SKNET_ARGUMENTS_H
#define SKNET_ARGUMENTS_H

#include <stddef.h>
#include <stdint.h>

/* The activations; numpy_kernels.py has the same numbers. */
enum activation {
    IDENTITY,
    RELU,
    LEAKY_RELU,
    EXPONENTIAL,
    SOFTPLUS,
    LOGISTIC,
    TANH,
    GELU,
    SILU,
    MISH,
    EXACT_GELU /* left to NumPy */
};

struct sgd {
    ptrdiff_t size;
    void *params, *grads, *velocity; /* velocity is NULL without momentum */
    double shrink, rate, momentum;
    int nesterov;
};

struct rmsprop {
    ptrdiff_t size;
    void *params, *grads, *square, *velocity;
    double shrink, rate, rho, epsilon, momentum;
};

struct adam {
    ptrdiff_t size;
    void *params, *grads, *mean, *square;
    double shrink, rate, beta_1, beta_2, epsilon,
        nesterov; /* nesterov: weight of the mean, or 0 */
};

struct lion {
    ptrdiff_t size;
    void *params, *grads, *mean;
    double shrink, rate, weight, beta_2, tiny;
};

struct activate {
    ptrdiff_t rows, width;
    const void *x, *bias;   /* bias is NULL where there is none */
    void *out, *derivative; /* derivative of gated activations while training, or NULL */
    double slope, limit;
    enum activation kind;
};

struct deactivate {
    ptrdiff_t rows, width;
    void *grad, *bias_grad;
    const void *out; /* of the activation; the derivative of gated ones */
    double slope, limit;
    enum activation kind;
};

/* A dense layer and, on the way back, the gradients of its kernel and of x. */
struct dense {
    ptrdiff_t inputs;
    const void *x, *kernel;
    void *kernel_grad, *grad_x; /* grad_x may be NULL */
    struct activate forward;    /* in place */
    struct deactivate back;
};

struct softmax_loss {
    ptrdiff_t rows, width;
    const void *raw, *shares; /* shares are NULL where all are 1 / rows */
    const int64_t *codes;
    void *out;
    double smoothing, value;
};

struct sigmoid_loss {
    ptrdiff_t rows, width;
    const void *raw, *y, *sample_weight;
    void *out;
    double smoothing, value;
    int integers; /* whether y is int64, or else of the precision of raw */
};

struct dropout {
    ptrdiff_t size;
    const void *x;
    void *out; /* or the gradient */
    uint8_t *kept;
    double factor;
    uint32_t largest; /* draw that keeps an element */
    uint64_t seed;
};

struct row_norm {
    ptrdiff_t rows, width;
    const void *x, *gamma, *beta;             /* beta is NULL where no mean is subtracted */
    void *x_hat, *inverse_std, *margin, *out; /* out is the gradient on the way back */
    void *gamma_grad, *beta_grad;
    double epsilon;
    int input_grad, accurate;
};

struct blend {
    ptrdiff_t rows, width;
    const void *x, *y, *weight;
    void *out, *mixed, *weight_grad; /* out is the gradient on the way back */
};

struct channels {
    ptrdiff_t segments, rows, width;
    const void *x, *mean, *grad, *scale, *slope, *shift; /* NULL where there is none */
    void *total, *products, *out;
};

struct softmax_of_keys {
    ptrdiff_t rows, heads, keys, queries;
    void *scores;
    const uint8_t *mask; /* (rows, keys), or NULL */
    int causal;
};

struct codes {
    ptrdiff_t n_codes, n_rows, width;
    const void *values;
    int64_t *codes;
    void *table; /* (n_rows, width) */
    double limit;
    int accurate;
};

struct lstm_step {
    ptrdiff_t rows, width;
    void *slots, *cell, *squashed, *after; /* on the way back cell is its gradient */
    const void *grad;
    void *grad_gates;
};

struct gru_step {
    ptrdiff_t rows, width;
    void *slots, *after; /* on the way back after is its gradient */
    const void *before;
    void *grad_gates;
};

#define MOST_AXES 3

/* Windows over axes; those that an array lacks have the length 1, and come first. */
struct windows {
    ptrdiff_t n, channels, in[MOST_AXES], count[MOST_AXES];
    ptrdiff_t size[MOST_AXES], strides[MOST_AXES], dilation[MOST_AXES];
};

struct max_pool {
    struct windows windows;
    const void *x, *grad;
    void *out, *grad_x;
    uint8_t *places; /* which element of its window was the maximum, or NULL */
};

/* Products of windows and a kernel: of all channels, or of each by itself. */
struct convolution {
    struct windows windows;
    ptrdiff_t filters;
    const void *x, *other; /* the kernel, or the gradient of the products */
    void *out;
};

#define MOST_MIXED 6 /* rows */

struct mix_rows {
    ptrdiff_t shape[2], n_in, n_out, width;
    const void *weights; /* (n_out, n_in) */
    const char *x;
    char *out;
    ptrdiff_t x_strides[3], out_strides[3]; /* bytes */
};

#define MOST_WAVES 256 /* of a feature, times the elements that they are mixed to */

struct waves {
    ptrdiff_t rows, width, waves, mixed; /* waves of each feature, and what they are mixed to */
    const void *x, *frequencies, *phases, *kernel, *bias, *grad;
    void *cosines, *sines; /* NULL where there is no way back */
    void *out;             /* out is the gradient of x on the way back, or NULL */
    void *frequencies_grad, *phases_grad, *kernel_grad, *bias_grad;
};

/* All kernels, for which X is to be done. */
/* clang-format off */
#define EACH_KERNEL(X) \
    X(sgd) X(rmsprop) X(adam) X(lion) X(activate) X(deactivate) X(softmax_loss) \
    X(sigmoid_loss) X(dropout) X(dropout_backward) X(row_norm) X(row_norm_backward) X(blend) \
    X(blend_backward) X(softmax_of_keys) X(read_codes) X(add_by_code) X(lstm_step) \
    X(lstm_step_back) X(gru_step) X(gru_step_back) X(mix_rows) X(max_pool) X(max_unpool) \
    X(depthwise) X(depthwise_gradient) X(waves) X(waves_backward) X(correlate) \
    X(correlate_gradient) X(channel_sums) X(channel_linear) X(dense) X(dense_back)
/* clang-format on */

#define AS_NUMBER(name) KERNEL_##name,
enum kernel { EACH_KERNEL(AS_NUMBER) KERNEL_of_no_level, N_KERNELS };

typedef void kernel_function(void *arguments);

#endif
