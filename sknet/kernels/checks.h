/* What the signatures of kernels do not say of their arguments. */
#ifndef SKNET_CHECKS_H
#define SKNET_CHECKS_H

#include "products.h"
#include "signatures.h"

static PyArrayObject *array_at(const struct call *call, int i) {
    return (PyArrayObject *)call->args[i];
}

/* Leave a call to NumPy on a condition. */
static void leave_if(struct call *call, int condition) {
    if (condition && call->fate == RUNS)
        call->fate = IS_LEFT;
}

static void check_kind(struct call *call, struct arguments *a) {
    const double kind = a->numbers[0];
    if (!(kind >= IDENTITY && kind <= EXACT_GELU && kind == (int)kind))
        fail(call, PyExc_ValueError, 0, "is no activation");
    leave_if(call, kind == EXACT_GELU);
}

static void check_dense(struct call *call, struct arguments *a) {
    check_kind(call, a);
    leave_if(call, !a->m || !a->n || !a->o);
}

/* Refuse codes that are not below a limit. */
static void check_below(struct call *call, int i, const int64_t *codes, ptrdiff_t n,
                        int64_t limit) {
    for (ptrdiff_t k = 0; call->fate == RUNS && k < n; k++)
        if (codes[k] < 0 || codes[k] >= limit)
            fail(call, PyExc_ValueError, i, "has a code that is out of range");
}

static void check_classes(struct call *call, struct arguments *a) {
    if (!PyArray_ISINTEGER(array_at(call, 1)))
        fail(call, PyExc_TypeError, 1, "must have integers");
    check_below(call, 1, a->arrays[1], a->m, a->n);
}

/* Note whether the labels are integers. */
static void check_labels(struct call *call, struct arguments *a) {
    a->has_integers = PyArray_TYPE(array_at(call, 1)) == NPY_INT64;
}

/* Check where the layers of a network have their weights, and the targets of its n outputs. */
static void check_layers(struct call *call, struct arguments *a) {
    const int64_t *layer = a->arrays[5];
    const double loss = a->numbers[10];
    ptrdiff_t inputs = a->o, width = 0;
    for (ptrdiff_t k = 0; call->fate == RUNS && k < a->q; k++, layer += 4) {
        const int64_t n = layer[0], kind = layer[1], last = a->p - n;
        if (inputs < 1 || n < 1 || n > a->p / inputs || kind < IDENTITY || kind >= EXACT_GELU ||
            layer[2] < 0 || layer[2] > a->p - inputs * n || layer[3] < 0 || layer[3] > last)
            fail(call, PyExc_ValueError, 5, "has a layer that does not fit");
        width += n * (kind < GELU ? 2 : 3);
        inputs = n;
    }
    leave_if(call, !a->m || !a->q || a->q > MOST_LAYERS || width > a->n);
    a->n = inputs;
    check_labels(call, a);
    if (loss == 0)
        check_classes(call, a);
    else if (call->fate == RUNS && (inputs > 1 || (loss != 1 && (loss != 2 || a->has_integers))))
        fail(call, PyExc_ValueError, 10, "is no loss of such targets and outputs");
}

static void check_codes(struct call *call, struct arguments *a) {
    check_below(call, 1, a->arrays[1], a->m, a->o);
}

/* Leave masks that are broadcast to NumPy. */
static void check_mask(struct call *call, struct arguments *a) {
    leave_if(call, a->m != a->n);
}

/* Draw the seed from NumPy's generator, once nothing else can be refused. */
static void check_dropout(struct call *call, struct arguments *a) {
    check_mask(call, a);
    if (!(a->numbers[4] > 0 && a->numbers[4] <= 1))
        fail(call, PyExc_ValueError, 4, "must be in (0, 1]");
    check_overlap(call);
    if (call->fate != RUNS)
        return;
    PyObject *bits = PyObject_GetAttrString(call->args[3], "bit_generator");
    PyObject *drawn = bits ? PyObject_CallMethod(bits, "random_raw", NULL) : NULL;
    if (drawn && PyLong_Check(drawn))
        a->seed = PyLong_AsUnsignedLongLongMask(drawn);
    else {
        PyErr_Clear();
        fail(call, PyExc_TypeError, 3, "must be a numpy.random.Generator");
    }
    Py_XDECREF(drawn);
    Py_XDECREF(bits);
}

/* Check the mask, and note whether later keys are hidden. */
static void check_keys(struct call *call, struct arguments *a) {
    if (a->arrays[1] && PyArray_TYPE(array_at(call, 1)) != NPY_BOOL)
        fail(call, PyExc_TypeError, 1, "must be of type bool");
    a->is_causal = call->args[2] != Py_None;
}

static void check_waves(struct call *call, struct arguments *a) {
    leave_if(call, a->o * a->p > MOST_WAVES);
}

static void check_tiles(struct call *call, struct arguments *a) {
    leave_if(call, a->o < 1 || a->o > MOST_MIXED);
    for (int k = 0; k < 2; k++) {
        const npy_intp *strides = PyArray_STRIDES(array_at(call, k + 1));
        memcpy(a->strides[k], strides, sizeof a->strides[k]);
        leave_if(call, a->q > 1 && strides[3] != PyArray_ITEMSIZE(array_at(call, k + 1)));
    }
}

/* Take a tuple of a whole number of at least 1 for each axis, as the last ones of three. */
static void take_lengths(struct call *call, int i, int n_axes, ptrdiff_t *lengths) {
    PyObject *tuple = call->args[i];
    const int first = MOST_AXES - n_axes;
    if (first < 0 || n_axes < 1 || !PyTuple_Check(tuple) || PyTuple_Size(tuple) != n_axes)
        fail(call, PyExc_ValueError, i, "must have a number for each of one to three axes");
    for (int axis = 0; axis < MOST_AXES && call->fate != FAILED; axis++) {
        lengths[axis] = axis < first ? 1 : PyLong_AsSsize_t(PyTuple_GetItem(tuple, axis - first));
        if (lengths[axis] < 1) {
            PyErr_Clear();
            fail(call, PyExc_ValueError, i, "must have whole numbers of at least 1");
        }
    }
}

/* The same of the axes of an array from `skipped` on. */
static void copy_lengths(PyArrayObject *array, int skipped, int n_axes, ptrdiff_t *lengths) {
    for (int axis = 0, first = MOST_AXES - n_axes; axis < MOST_AXES; axis++)
        lengths[axis] = axis < first ? 1 : PyArray_DIM(array, skipped + axis - first);
}

/* Take the shapes of x and of argument i, which has one value for each window over x. */
static void take_windows(struct call *call, struct windows *w, PyArrayObject *x, int i) {
    PyArrayObject *values = array_at(call, i);
    const int n_axes = PyArray_NDIM(x) - 2;
    int fits = PyArray_NDIM(values) == n_axes + 2 && PyArray_DIM(values, 0) == PyArray_DIM(x, 0);
    if (fits) {
        w->n = PyArray_DIM(x, 0), w->channels = PyArray_DIM(x, n_axes + 1);
        copy_lengths(x, 1, n_axes, w->in);
        copy_lengths(values, 1, n_axes, w->count);
    }
    for (int axis = 0; axis < MOST_AXES && fits; axis++) {
        const ptrdiff_t length = w->in[axis];
        if (w->strides[axis] > length) /* no second window, and no product that overflows */
            w->strides[axis] = length + 1;
        fits = length > 0 && w->size[axis] > 0 &&
               w->size[axis] - 1 <= (length - 1) / w->dilation[axis];
        const ptrdiff_t last = fits ? length - 1 - (w->size[axis] - 1) * w->dilation[axis] : 0;
        fits = fits && w->count[axis] <= last / w->strides[axis] + 1;
    }
    if (!fits)
        fail(call, PyExc_ValueError, i, "does not fit the windows of x");
    leave_if(call, PyArray_SIZE(x) == 0 || PyArray_SIZE(values) == 0);
}

/* Convolutions: x, the kernel and the products; or x, the products' gradient and the kernel's. */
static void check_convolution(struct call *call, struct arguments *a) {
    const enum kernel_number number = call->kernel->number;
    const int is_dense = number == KERNEL_correlate || number == KERNEL_correlate_gradient;
    const int is_back = number == KERNEL_correlate_gradient || number == KERNEL_depthwise_gradient;
    PyArrayObject *x = array_at(call, 0), *kernel = array_at(call, 1 + is_back);
    PyArrayObject *products = array_at(call, 2 - is_back);
    struct windows *w = &a->windows;
    const int n_axes = PyArray_NDIM(x) - 2;
    take_lengths(call, 3, n_axes, w->strides);
    take_lengths(call, 4, n_axes, w->dilation);
    if (call->fate == FAILED)
        return;
    const npy_intp *shape = PyArray_DIMS(kernel);
    if (PyArray_NDIM(kernel) != n_axes + 1 + is_dense || PyArray_NDIM(products) != n_axes + 2 ||
        shape[n_axes] != PyArray_DIM(x, n_axes + 1) ||
        shape[n_axes + is_dense] != PyArray_DIM(products, n_axes + 1)) {
        fail(call, PyExc_ValueError, 1, "does not fit the others in axes, channels or filters");
        return;
    }
    w->filters = shape[n_axes + is_dense];
    copy_lengths(kernel, 0, n_axes, w->size);
    take_windows(call, w, x, 2 - is_back);
    call->work *= w->size[0] * w->size[1] * w->size[2];
}

/* Pooling: x, maxima and places; or the maxima's gradient, that of x and places. Windows are all
   that fit; those whose elements a byte does not count are left to NumPy. */
static void check_pool(struct call *call, struct arguments *a) {
    const int is_back = call->kernel->number == KERNEL_max_unpool, first = is_back ? 5 : 3;
    PyArrayObject *x = array_at(call, is_back), *out = array_at(call, !is_back);
    struct windows *w = &a->windows;
    const int n_axes = PyArray_NDIM(x) - 2;
    take_lengths(call, first, n_axes, w->size);
    take_lengths(call, first + 1, n_axes, w->strides);
    if (call->fate == FAILED)
        return;
    w->dilation[0] = w->dilation[1] = w->dilation[2] = 1;
    take_windows(call, w, x, !is_back);
    ptrdiff_t n_elements = 1;
    int fits = call->fate != FAILED && PyArray_DIM(out, n_axes + 1) == w->channels;
    for (int axis = 0; axis < MOST_AXES && fits; axis++) {
        n_elements *= n_elements <= UINT8_MAX ? w->size[axis] : 1;
        fits = w->count[axis] == (w->in[axis] - w->size[axis]) / w->strides[axis] + 1;
    }
    if (!fits)
        fail(call, PyExc_ValueError, !is_back, "does not fit the windows of x");
    leave_if(call, n_elements > UINT8_MAX + 1 || (is_back && !a->arrays[2]));
}

/* Products in panels: matrices whose rows or columns lie in one piece each. */
static void check_panels(struct call *call, struct arguments *a) {
    for (int i = 0; i < 3; i++) {
        const npy_intp *strides = PyArray_STRIDES(array_at(call, i));
        const npy_intp *shape = PyArray_DIMS(array_at(call, i));
        const npy_intp item = PyArray_ITEMSIZE(array_at(call, i));
        const int is_transposed = i < 2 && strides[1] != item;
        const ptrdiff_t distance = item ? strides[is_transposed] / item : 0;
        a->layouts[i] = (struct layout){distance, is_transposed};
        leave_if(call, strides[!is_transposed] != item ||
                           strides[is_transposed] != distance * item ||
                           distance < shape[!is_transposed] || !shape[0] || !shape[1]);
    }
    for (int i = 3; i < 5; i++)
        if (!(a->numbers[i] >= 1 && a->numbers[i] <= INT32_MAX))
            fail(call, PyExc_ValueError, i, "must be at least 1");
    if (gemm_functions[a->is_double])
        call->run = multiply_panels;
}

#endif
