/* The boundary to Python: checks what the kernels are given, and chooses their level.

   A call with plain arrays (contiguous, aligned, of float32 or float64) runs here. One with other
   arrays, such as strided ones, is handed to the function of the same name in numpy_kernels.py.
   Arrays that do not fit each other are refused before anything is written. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <numpy/arrayobject.h>
#include <numpy/random/bitgen.h>

#include "arguments.h"
#include "pool.h"
#include "products.h"

#define MAX_ARRAYS 11
#define MANY 16384 /* elements from which the loop runs without the interpreter's lock */

/* The kernels of a level of processors, in single and in double precision. */
struct level {
    const char *name;
    kernel_function *const *kernels[2];
};
#define KERNELS(level)                                                                            \
    kernels_##level##_single[N_KERNELS], *const kernels_##level##_double[N_KERNELS]
#define LEVEL(level) {#level, {kernels_##level##_single, kernels_##level##_double}},
extern kernel_function *const KERNELS(generic);
#ifdef __x86_64__
extern kernel_function *const KERNELS(x86_64_v2), *const KERNELS(x86_64_v3),
                                                      *const KERNELS(x86_64_v4);
#define LEVELS LEVEL(generic) LEVEL(x86_64_v2) LEVEL(x86_64_v3) LEVEL(x86_64_v4)
#else
#define LEVELS LEVEL(generic)
#endif
static const struct level levels[] = {LEVELS}, *current_level;

/* What to do with a call: run it, leave it to NumPy, or report an error that is set. */
enum fate { RUNS, IS_LEFT, FAILED };

struct call {
    const char *name;
    PyObject *const *args;
    Py_ssize_t n_args;
    enum fate fate;
    int type; /* of the first array */
    int n_arrays, is_output[MAX_ARRAYS];
    char *data[MAX_ARRAYS];
    npy_intp n_bytes[MAX_ARRAYS];
    int may_coincide;     /* whether the first two arrays may be the same */
    kernel_function *run; /* in place of that of the level, or NULL */
    int64_t *counter;     /* what the kernel counts, or NULL */
    const double *value;  /* what it returns, or NULL; truth likewise */
    const int *truth;
};

enum use { READ, WRITE };

static struct call begin(const char *name, PyObject *const *args, Py_ssize_t n_args,
                         Py_ssize_t expected) {
    struct call call = {.name = name, .args = args, .n_args = n_args, .type = -1};
    if (n_args != expected) {
        PyErr_Format(PyExc_TypeError, "%s takes %zd arguments, got %zd", name, expected, n_args);
        call.fate = FAILED;
    }
    return call;
}

static void fail(struct call *call, PyObject *kind, const char *what) {
    if (call->fate != FAILED)
        PyErr_Format(kind, "%s: %s", call->name, what);
    call->fate = FAILED;
}

/* Return argument i as an array, and its address in `data`; leave to NumPy what is not plain. */
static PyArrayObject *take(struct call *call, int i, enum use use, int type, void **data) {
    *data = NULL;
    if (call->fate == FAILED)
        return NULL;
    if (!PyArray_Check(call->args[i])) {
        PyErr_Format(PyExc_TypeError, "%s: argument %d must be an array, got %R", call->name, i,
                     (PyObject *)Py_TYPE(call->args[i]));
        call->fate = FAILED;
        return NULL;
    }
    PyArrayObject *array = (PyArrayObject *)call->args[i];
    int flags = PyArray_FLAGS(array), found = PyArray_DESCR(array)->type_num;
    if (use == WRITE && !(flags & NPY_ARRAY_WRITEABLE)) {
        fail(call, PyExc_ValueError, "an output is read-only");
        return NULL;
    }
    if (type < 0 && call->type < 0)
        call->type = found;
    int plain = flags & NPY_ARRAY_C_CONTIGUOUS && flags & NPY_ARRAY_ALIGNED &&
                found == (type < 0 ? call->type : type) &&
                PyArray_ISNBO(PyArray_DESCR(array)->byteorder);
    if (!plain || (type < 0 && found != NPY_FLOAT && found != NPY_DOUBLE))
        call->fate = IS_LEFT;
    *data = PyArray_DATA(array);
    call->is_output[call->n_arrays] = use == WRITE;
    call->data[call->n_arrays] = PyArray_BYTES(array);
    call->n_bytes[call->n_arrays++] = PyArray_NBYTES(array);
    return array;
}

/* Take an array of a given number of elements. */
static void *take_sized(struct call *call, int i, enum use use, npy_intp size) {
    void *data;
    PyArrayObject *array = take(call, i, use, -1, &data);
    if (array && (PyArray_SIZE(array) != size || PyArray_NDIM(array) == 0))
        fail(call, PyExc_ValueError, "arrays differ in size");
    return data;
}

/* The same of an array with one column. */
static void *take_column(struct call *call, int i, enum use use, npy_intp size) {
    void *data = take_sized(call, i, use, size);
    PyArrayObject *array = (PyArrayObject *)call->args[i];
    if (call->fate != FAILED && !(PyArray_NDIM(array) == 2 && PyArray_DIM(array, 1) == 1))
        fail(call, PyExc_ValueError, "an array must be a column");
    return data;
}

/* Take a sized array, or NULL for None. */
static void *take_optional(struct call *call, int i, enum use use, npy_intp size) {
    return call->fate != FAILED && call->args[i] == Py_None ? NULL
                                                            : take_sized(call, i, use, size);
}

/* Take a matrix, of which all axes but the last are rows. */
static void *take_rows(struct call *call, int i, enum use use, ptrdiff_t *rows, ptrdiff_t *width) {
    void *data;
    PyArrayObject *array = take(call, i, use, -1, &data);
    *rows = *width = 0;
    if (!array)
        return NULL;
    if (PyArray_NDIM(array) == 0) {
        fail(call, PyExc_ValueError, "an array without axes has no rows");
        return NULL;
    }
    *width = PyArray_DIM(array, PyArray_NDIM(array) - 1);
    *rows = *width ? PyArray_SIZE(array) / *width : 0;
    return data;
}

/* Take an array of so many axes, which may be anywhere. */
static PyArrayObject *take_axes(struct call *call, int i, enum use use, int n_axes,
                                const char *wrong) {
    void *data;
    enum fate before = call->fate;
    PyArrayObject *array = take(call, i, use, -1, &data);
    if (array && PyArray_NDIM(array) != n_axes)
        fail(call, PyExc_ValueError, wrong);
    if (call->fate == FAILED)
        return NULL;
    const int found = PyArray_DESCR(array)->type_num;
    npy_intp extent = PyArray_ITEMSIZE(array);
    int plain = found == call->type && (found == NPY_FLOAT || found == NPY_DOUBLE) &&
                PyArray_FLAGS(array) & NPY_ARRAY_ALIGNED &&
                PyArray_ISNBO(PyArray_DESCR(array)->byteorder);
    for (int axis = 0; axis < n_axes; axis++) {
        plain = plain && PyArray_STRIDE(array, axis) >= 0;
        extent += (PyArray_DIM(array, axis) - 1) * PyArray_STRIDE(array, axis);
    }
    call->fate = plain ? before : IS_LEFT;
    call->n_bytes[call->n_arrays - 1] = PyArray_SIZE(array) ? extent : 0;
    return array;
}

/* Take an array of four axes whose last lies in one piece; the others may be anywhere. */
static void *take_tiles(struct call *call, int i, enum use use, npy_intp *shape,
                        npy_intp *strides) {
    const char *wrong = "tiles have the axes (N, tiles, rows, elements)";
    PyArrayObject *array = take_axes(call, i, use, 4, wrong);
    if (!array)
        return NULL;
    memcpy(shape, PyArray_DIMS(array), 4 * sizeof *shape);
    memcpy(strides, PyArray_STRIDES(array), 4 * sizeof *strides);
    if (strides[3] != PyArray_ITEMSIZE(array) && shape[3] > 1)
        call->fate = IS_LEFT;
    return PyArray_DATA(array);
}

static double take_number(struct call *call, int i) {
    if (call->fate == FAILED)
        return 0;
    double value = PyFloat_AsDouble(call->args[i]);
    if (value == -1 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError))
            fail(call, PyExc_ValueError, "a number is too large");
        call->fate = FAILED;
    }
    return value;
}

/* Take numbers one after the other, from argument i on. */
#define TAKE_NUMBERS(call, i, ...) take_numbers(call, i, (double *[]){__VA_ARGS__, NULL})
static void take_numbers(struct call *call, int i, double **numbers) {
    for (; *numbers; numbers++, i++)
        **numbers = take_number(call, i);
}

/* Take an array of one int64. */
static int64_t *take_counter(struct call *call, int i) {
    void *data;
    PyArrayObject *array = take(call, i, WRITE, NPY_INT64, &data);
    if (array && !(PyArray_NDIM(array) == 1 && PyArray_SIZE(array) == 1))
        fail(call, PyExc_ValueError, "the counter must be a vector of one number");
    return data;
}

/* Refuse outputs that overlap other arrays. */
static void check_overlap(struct call *call) {
    for (int i = 0; i < call->n_arrays && call->fate == RUNS; i++)
        for (int j = i + 1; j < call->n_arrays; j++) {
            if (!call->is_output[i] && !call->is_output[j])
                continue;
            if (call->data[i] + call->n_bytes[i] <= call->data[j] ||
                call->data[j] + call->n_bytes[j] <= call->data[i])
                continue;
            if (call->may_coincide && j == 1 && call->data[i] == call->data[j] &&
                call->n_bytes[i] == call->n_bytes[j])
                continue;
            fail(call, PyExc_ValueError, "an output overlaps another array");
            return;
        }
}

/* Call the function of the same name in numpy_kernels.py. */
static PyObject *leave_to_numpy(const struct call *call) {
    PyObject *numpy_kernels = PyImport_ImportModule("sknet.kernels.numpy_kernels");
    PyObject *function = numpy_kernels ? PyObject_GetAttrString(numpy_kernels, call->name) : NULL;
    PyObject *arguments = PyTuple_New(call->n_args);
    for (Py_ssize_t i = 0; arguments && i < call->n_args; i++)
        PyTuple_SetItem(arguments, i, Py_NewRef(call->args[i]));
    PyObject *result = function && arguments ? PyObject_Call(function, arguments, NULL) : NULL;
    Py_XDECREF(numpy_kernels);
    Py_XDECREF(function);
    Py_XDECREF(arguments);
    return result;
}

/* Run a kernel, or what stands in for it. */
static PyObject *finish(struct call *call, enum kernel kernel, void *arguments, npy_intp size) {
    check_overlap(call);
    if (call->fate == FAILED)
        return NULL;
    kernel_function *of_level = current_level->kernels[call->type == NPY_DOUBLE][kernel];
    kernel_function *run = call->run ? call->run : of_level;
    if (call->fate == IS_LEFT || !run)
        return leave_to_numpy(call);
    if (size >= MANY) {
        Py_BEGIN_ALLOW_THREADS run(arguments);
        Py_END_ALLOW_THREADS
    } else
        run(arguments);
    if (call->counter) /* with nothing in between for an interruption */
        ++*call->counter;
    if (call->value)
        return PyFloat_FromDouble(*call->value);
    return call->truth ? PyBool_FromLong(*call->truth) : Py_NewRef(Py_None);
}

/* A function of Python: the body takes its arguments and returns how much work there is. */
#define KERNEL_AS(name, kernel, arguments, expected)                                              \
    static npy_intp arguments_of_##name(struct call *call, struct arguments *a);                  \
    static PyObject *name(PyObject *module, PyObject *const *args, Py_ssize_t n_args) {           \
        struct arguments a = {0};                                                                 \
        struct call call = begin(#name, args, n_args, expected);                                  \
        const npy_intp size = call.fate == FAILED ? 0 : arguments_of_##name(&call, &a);           \
        (void)module;                                                                             \
        return finish(&call, KERNEL_##kernel, &a, size);                                          \
    }                                                                                             \
    static npy_intp arguments_of_##name(struct call *call, struct arguments *a)
#define KERNEL(name, arguments, expected) KERNEL_AS(name, name, arguments, expected)

/* Take the vector of parameters, the gradient and the counter, with which every update begins. */
static ptrdiff_t take_params(struct call *call, void **params, void **grads) {
    PyArrayObject *array = take(call, 0, WRITE, -1, params);
    const ptrdiff_t size = array ? PyArray_SIZE(array) : 0;
    *grads = take_sized(call, 1, WRITE, size);
    call->counter = take_counter(call, 2);
    return size;
}

KERNEL(sgd, sgd, 9) {
    a->size = take_params(call, &a->params, &a->grads);
    a->velocity = take_optional(call, 3, WRITE, a->size);
    TAKE_NUMBERS(call, 5, &a->shrink, &a->rate, &a->momentum);
    a->nesterov = take_number(call, 8) != 0;
    return a->size;
}

KERNEL(rmsprop, rmsprop, 11) {
    a->size = take_params(call, &a->params, &a->grads);
    a->square = take_sized(call, 3, WRITE, a->size);
    a->velocity = take_optional(call, 4, WRITE, a->size);
    TAKE_NUMBERS(call, 6, &a->shrink, &a->rate, &a->rho, &a->epsilon, &a->momentum);
    return a->size;
}

KERNEL(adam, adam, 12) {
    a->size = take_params(call, &a->params, &a->grads);
    a->mean = take_sized(call, 3, WRITE, a->size);
    a->square = take_sized(call, 4, WRITE, a->size);
    TAKE_NUMBERS(call, 6, &a->shrink, &a->rate, &a->beta_1, &a->beta_2, &a->epsilon, &a->nesterov);
    return a->size;
}

KERNEL(lion, lion, 9) {
    a->size = take_params(call, &a->params, &a->grads);
    a->mean = take_sized(call, 3, WRITE, a->size);
    TAKE_NUMBERS(call, 5, &a->shrink, &a->rate, &a->weight, &a->beta_2);
    /* The smallest normal number keeps 0 / 0 from the sign. */
    a->tiny = call->type == NPY_DOUBLE ? 2.2250738585072014e-308 : 1.17549435e-38;
    return a->size;
}

static int take_kind(struct call *call, int i) {
    double kind = take_number(call, i);
    if (call->fate != FAILED && !(kind >= IDENTITY && kind <= EXACT_GELU && kind == (int)kind))
        fail(call, PyExc_ValueError, "no such activation");
    if (call->fate != FAILED && kind == EXACT_GELU)
        call->fate = IS_LEFT;
    return call->fate == FAILED ? IDENTITY : (int)kind;
}

KERNEL(activate, activate, 8) {
    a->kind = take_kind(call, 0);
    a->x = take_rows(call, 1, READ, &a->rows, &a->width);
    a->out = take_sized(call, 3, WRITE, a->rows * a->width);
    a->bias = take_optional(call, 2, READ, a->width);
    a->derivative = take_optional(call, 4, WRITE, a->rows * a->width);
    TAKE_NUMBERS(call, 5, &a->slope, &a->limit);
    call->may_coincide = 1;
    return a->rows * a->width;
}

KERNEL(deactivate, deactivate, 7) {
    a->kind = take_kind(call, 0);
    a->grad = take_rows(call, 1, WRITE, &a->rows, &a->width);
    a->out = take_sized(call, 2, READ, a->rows * a->width);
    a->bias_grad = take_optional(call, 3, WRITE, a->width);
    TAKE_NUMBERS(call, 4, &a->slope, &a->limit);
    call->may_coincide = 1;
    return a->rows * a->width;
}

/* Take x and the kernel of a dense layer, and return the size of x; leave what has no elements to
   NumPy. */
static npy_intp take_dense(struct call *call, struct dense *a, int first, ptrdiff_t rows,
                           ptrdiff_t units) {
    ptrdiff_t n_rows, height, width;
    a->x = take_rows(call, first, READ, &n_rows, &a->inputs);
    a->kernel = take_rows(call, first + 1, READ, &height, &width);
    if (call->fate != FAILED && PyArray_NDIM((PyArrayObject *)call->args[first + 1]) != 2)
        fail(call, PyExc_ValueError, "a kernel has two axes");
    if (!rows || !units || !n_rows || !a->inputs)
        call->fate = call->fate == RUNS ? IS_LEFT : call->fate;
    else if (n_rows != rows || height != a->inputs || width != units)
        fail(call, PyExc_ValueError, "x, kernel and outputs do not fit each other");
    return n_rows * a->inputs;
}

KERNEL(dense, dense, 9) {
    struct activate *f = &a->forward;
    f->kind = take_kind(call, 0);
    f->x = f->out = take_rows(call, 4, WRITE, &f->rows, &f->width);
    take_dense(call, a, 1, f->rows, f->width);
    f->bias = take_optional(call, 3, READ, f->width);
    f->derivative = take_optional(call, 5, WRITE, f->rows * f->width);
    TAKE_NUMBERS(call, 6, &f->slope, &f->limit);
    return f->rows * f->width * a->inputs;
}

KERNEL(dense_back, dense, 11) {
    struct deactivate *f = &a->back;
    f->kind = take_kind(call, 0);
    f->grad = take_rows(call, 1, WRITE, &f->rows, &f->width);
    f->out = take_sized(call, 2, READ, f->rows * f->width);
    const npy_intp size = take_dense(call, a, 3, f->rows, f->width);
    a->kernel_grad = take_sized(call, 5, WRITE, a->inputs * f->width);
    f->bias_grad = take_optional(call, 6, WRITE, f->width);
    a->grad_x = take_optional(call, 7, WRITE, size);
    TAKE_NUMBERS(call, 8, &f->slope, &f->limit);
    call->may_coincide = 1;
    return f->width * size;
}

KERNEL(softmax_loss, softmax_loss, 6) {
    void *codes;
    a->raw = take_rows(call, 0, READ, &a->rows, &a->width);
    a->out = take_sized(call, 4, WRITE, a->rows * a->width);
    a->shares = take_optional(call, 2, READ, a->rows);
    PyArrayObject *array = take(call, 1, READ, NPY_INT64, &codes);
    if (array && !PyArray_ISINTEGER(array))
        fail(call, PyExc_TypeError, "codes must be integers");
    if (array && PyArray_SIZE(array) != a->rows)
        fail(call, PyExc_ValueError, "there must be one code a row");
    a->codes = codes;
    a->smoothing = take_number(call, 3);
    if (call->fate != FAILED && call->args[5] != Py_None)
        call->fate = IS_LEFT;
    call->may_coincide = 1;
    for (ptrdiff_t row = 0; call->fate == RUNS && row < a->rows; row++)
        if (a->codes[row] < 0 || a->codes[row] >= a->width)
            fail(call, PyExc_ValueError, "a code is no class");
    call->value = &a->value;
    return 4 * a->rows * a->width;
}

KERNEL(sigmoid_loss, sigmoid_loss, 6) {
    void *y;
    a->raw = take_rows(call, 0, READ, &a->rows, &a->width);
    a->out = take_sized(call, 4, WRITE, a->rows * a->width);
    a->sample_weight = take_optional(call, 2, READ, a->rows);
    if (call->fate != FAILED)
        a->integers = PyArray_Check(call->args[1]) &&
                      PyArray_DESCR((PyArrayObject *)call->args[1])->type_num == NPY_INT64;
    PyArrayObject *array = take(call, 1, READ, a->integers ? NPY_INT64 : -1, &y);
    if (array && PyArray_SIZE(array) != a->rows * a->width)
        fail(call, PyExc_ValueError, "there must be one target a raw prediction");
    a->y = y;
    a->smoothing = take_number(call, 3);
    call->may_coincide = 1;
    call->value = &a->value;
    return 4 * a->rows * a->width;
}

/* Take the mask, and leave one that is broadcast to NumPy. */
static uint8_t *take_kept(struct call *call, int i, enum use use, npy_intp size) {
    void *data;
    PyArrayObject *array = take(call, i, use, NPY_BOOL, &data);
    if (array && PyArray_NDIM(array) == 0)
        fail(call, PyExc_ValueError, "the mask has no axes");
    else if (array && PyArray_SIZE(array) != size)
        call->fate = IS_LEFT;
    return data;
}

/* Draw the seed of a call from NumPy's generator. */
static uint64_t take_seed(struct call *call, int i) {
    uint64_t seed = 0;
    if (call->fate != RUNS)
        return seed;
    PyObject *bits = PyObject_GetAttrString(call->args[i], "bit_generator");
    PyObject *capsule = bits ? PyObject_GetAttrString(bits, "capsule") : NULL;
    bitgen_t *generator = capsule ? PyCapsule_GetPointer(capsule, "BitGenerator") : NULL;
    if (generator)
        seed = generator->next_uint64(generator->state);
    else {
        PyErr_Clear();
        fail(call, PyExc_TypeError, "noise comes from a numpy.random.Generator");
    }
    Py_XDECREF(capsule);
    Py_XDECREF(bits);
    return seed;
}

KERNEL(dropout, dropout, 7) {
    ptrdiff_t rows, width;
    a->x = take_rows(call, 0, READ, &rows, &width);
    a->size = rows * width;
    a->out = take_sized(call, 1, WRITE, a->size);
    a->kept = take_kept(call, 2, WRITE, a->size);
    double keep = take_number(call, 4);
    a->factor = take_number(call, 5);
    if (!(keep > 0 && keep <= 1))
        fail(call, PyExc_ValueError, "the part that is kept must be in (0, 1]");
    else
        a->largest = keep * 4294967296.0 >= 1 ? (uint32_t)(keep * 4294967296.0 - 1) : 0;
    call->may_coincide = 1;
    check_overlap(call);
    a->seed = take_seed(call, 3);
    return 4 * a->size;
}

KERNEL(dropout_backward, dropout, 4) {
    ptrdiff_t rows, width;
    a->out = take_rows(call, 0, WRITE, &rows, &width);
    a->size = rows * width;
    a->kept = take_kept(call, 1, READ, a->size);
    a->factor = take_number(call, 2);
    return a->size;
}

KERNEL(row_norm, row_norm, 10) {
    a->x = take_rows(call, 0, READ, &a->rows, &a->width);
    a->gamma = take_sized(call, 1, READ, a->width);
    a->beta = take_optional(call, 2, READ, a->width);
    a->x_hat = take_sized(call, 3, WRITE, a->rows * a->width);
    a->inverse_std = take_column(call, 4, WRITE, a->rows);
    a->margin = take_column(call, 5, WRITE, a->rows);
    a->out = take_sized(call, 6, WRITE, a->rows * a->width);
    a->epsilon = take_number(call, 7);
    call->truth = &a->accurate;
    return 2 * a->rows * a->width;
}

KERNEL(row_norm_backward, row_norm, 9) {
    a->out = take_rows(call, 0, WRITE, &a->rows, &a->width);
    a->x_hat = take_sized(call, 1, READ, a->rows * a->width);
    a->inverse_std = take_column(call, 2, READ, a->rows);
    a->gamma = take_sized(call, 3, READ, a->width);
    a->gamma_grad = take_sized(call, 4, WRITE, a->width);
    a->beta_grad = take_optional(call, 5, WRITE, a->width);
    a->input_grad = take_number(call, 6) != 0;
    return 2 * a->rows * a->width;
}

KERNEL(blend, blend, 4) {
    a->x = take_rows(call, 0, READ, &a->rows, &a->width);
    a->y = take_sized(call, 1, READ, a->rows * a->width);
    a->weight = take_sized(call, 2, READ, a->width);
    a->out = take_sized(call, 3, WRITE, a->rows * a->width);
    return a->rows * a->width;
}

KERNEL(blend_backward, blend, 6) {
    a->out = take_rows(call, 0, WRITE, &a->rows, &a->width);
    a->x = take_sized(call, 1, READ, a->rows * a->width);
    a->y = take_sized(call, 2, READ, a->rows * a->width);
    a->weight = take_sized(call, 3, READ, a->width);
    a->mixed = take_sized(call, 4, WRITE, a->rows * a->width);
    a->weight_grad = take_sized(call, 5, WRITE, a->width);
    return a->rows * a->width;
}

/* Take rows of segments; leave those with weights to NumPy. */
static struct channels take_channels(struct call *call, int x, int weights) {
    struct channels a = {0};
    void *data;
    PyArrayObject *array = take(call, x, READ, -1, &data);
    if (array && PyArray_NDIM(array) != 3)
        fail(call, PyExc_ValueError, "rows have the axes (segments, rows, channels)");
    if (call->fate == FAILED)
        return a;
    a.x = data;
    a.segments = PyArray_DIM(array, 0), a.rows = PyArray_DIM(array, 1);
    a.width = PyArray_DIM(array, 2);
    if (call->args[weights] != Py_None)
        call->fate = IS_LEFT;
    return a;
}

KERNEL(channel_sums, channels, 7) {
    *a = take_channels(call, 0, 3);
    const ptrdiff_t size = a->segments * a->width;
    a->mean = take_optional(call, 1, READ, size);
    a->grad = take_optional(call, 2, READ, size * a->rows);
    a->total = take_optional(call, 4, WRITE, size);
    a->products = take_optional(call, 5, WRITE, size);
    if (call->fate == RUNS &&
        (a->mean ? !a->products || !a->total != !a->grad : !a->total || a->grad))
        fail(call, PyExc_TypeError, "sums and what is summed up do not fit each other");
    return size * a->rows;
}

KERNEL(channel_linear, channels, 7) {
    *a = take_channels(call, 0, 2);
    const ptrdiff_t size = a->segments * a->width;
    a->mean = take_sized(call, 1, READ, size);
    a->scale = take_sized(call, 3, READ, size);
    a->shift = take_sized(call, 4, READ, size);
    a->out = take_sized(call, 5, WRITE, size * a->rows);
    return size * a->rows;
}

KERNEL_AS(channel_gradient, channel_linear, channels, 8) {
    *a = take_channels(call, 1, 3);
    const ptrdiff_t size = a->segments * a->width;
    a->out = take_sized(call, 0, WRITE, size * a->rows);
    a->mean = take_sized(call, 2, READ, size);
    a->scale = take_sized(call, 4, READ, size);
    a->slope = take_sized(call, 5, READ, size);
    a->shift = take_sized(call, 6, READ, size);
    return size * a->rows;
}

KERNEL(softmax_of_keys, softmax_of_keys, 5) {
    void *mask = NULL;
    PyArrayObject *scores = take(call, 0, WRITE, -1, &a->scores);
    if (scores && PyArray_NDIM(scores) != 4)
        fail(call, PyExc_ValueError, "scores have the axes (N, heads, keys, queries)");
    else if (scores) {
        const npy_intp *shape = PyArray_DIMS(scores);
        a->rows = shape[0], a->heads = shape[1], a->keys = shape[2], a->queries = shape[3];
    }
    if (call->fate != FAILED && call->args[1] != Py_None) {
        PyArrayObject *array = take(call, 1, READ, NPY_BOOL, &mask);
        if (array && PyArray_TYPE(array) != NPY_BOOL)
            fail(call, PyExc_TypeError, "the mask must be of type bool");
        if (array && !(PyArray_NDIM(array) == 2 && PyArray_DIM(array, 0) == a->rows &&
                       PyArray_DIM(array, 1) == a->keys))
            fail(call, PyExc_ValueError, "the mask has the axes (N, keys)");
    }
    a->mask = mask;
    a->causal = call->fate != FAILED && call->args[2] != Py_None;
    return 4 * a->rows * a->heads * a->keys * a->queries;
}

KERNEL(read_codes, codes, 4) {
    void *codes;
    a->values = take_rows(call, 0, READ, &a->n_rows, &a->width);
    a->n_codes = a->n_rows * a->width;
    PyArrayObject *array = take(call, 1, WRITE, NPY_INT64, &codes);
    if (array && PyArray_SIZE(array) != a->n_codes)
        fail(call, PyExc_ValueError, "there must be one code a value");
    a->codes = codes;
    a->limit = take_number(call, 2);
    if (call->fate == RUNS && !(a->limit <= 9007199254740992.0)) /* codes are exact up to there */
        fail(call, PyExc_ValueError, "there are too many codes");
    call->truth = &a->accurate;
    return a->n_codes;
}

KERNEL(add_by_code, codes, 4) {
    void *values, *codes;
    PyArrayObject *array = take(call, 0, READ, -1, &values);
    a->values = values;
    npy_intp size = array ? PyArray_SIZE(array) : 0;
    array = take(call, 1, READ, NPY_INT64, &codes);
    a->codes = codes;
    a->n_codes = array ? PyArray_SIZE(array) : 0;
    a->table = take_rows(call, 2, WRITE, &a->n_rows, &a->width);
    if (call->fate != FAILED && size != a->n_codes * a->width)
        fail(call, PyExc_ValueError, "there must be one row a code");
    for (ptrdiff_t i = 0; call->fate == RUNS && i < a->n_codes; i++)
        if (a->codes[i] < 0 || a->codes[i] >= a->n_rows)
            fail(call, PyExc_ValueError, "a code is no row of the table");
    return size + a->n_rows * a->width;
}

/* A step works on five arrays of (rows, width) in a row, and its gradients are (rows, 4 width). */
#define SLOTS 5
#define GATES 4
/* Multiply-adds of a hyperbolic tangent, about. */
#define OF_TANH 5

KERNEL(lstm_step, lstm_step, 6) {
    a->cell = take_rows(call, 1, WRITE, &a->rows, &a->width);
    const ptrdiff_t size = a->rows * a->width;
    a->slots = take_sized(call, 0, WRITE, SLOTS * size);
    a->squashed = take_sized(call, 2, WRITE, size);
    a->after = take_sized(call, 3, WRITE, size);
    take_number(call, 4);
    return SLOTS * OF_TANH * size;
}

KERNEL(lstm_step_back, lstm_step, 6) {
    a->grad = take_rows(call, 0, READ, &a->rows, &a->width);
    const ptrdiff_t size = a->rows * a->width;
    a->slots = take_sized(call, 1, READ, SLOTS * size);
    a->squashed = take_sized(call, 2, READ, size);
    a->cell = take_sized(call, 3, WRITE, size);
    a->grad_gates = take_sized(call, 4, WRITE, GATES * size);
    return SLOTS * size;
}

KERNEL(gru_step, gru_step, 5) {
    a->before = take_rows(call, 1, READ, &a->rows, &a->width);
    const ptrdiff_t size = a->rows * a->width;
    a->slots = take_sized(call, 0, WRITE, SLOTS * size);
    a->after = take_sized(call, 2, WRITE, size);
    take_number(call, 3);
    return GATES * OF_TANH * size;
}

KERNEL(gru_step_back, gru_step, 4) {
    a->after = take_rows(call, 0, WRITE, &a->rows, &a->width);
    const ptrdiff_t size = a->rows * a->width;
    a->slots = take_sized(call, 1, READ, SLOTS * size);
    a->grad_gates = take_sized(call, 2, WRITE, GATES * size);
    return SLOTS * size;
}

KERNEL(mix_rows, mix_rows, 3) {
    npy_intp x_shape[4] = {0}, out_shape[4] = {0}, strides[4] = {0};
    void *weights = take_rows(call, 0, READ, &a->n_out, &a->n_in);
    a->weights = weights;
    a->x = take_tiles(call, 1, READ, x_shape, strides);
    memcpy(a->x_strides, strides, sizeof a->x_strides);
    a->out = take_tiles(call, 2, WRITE, out_shape, strides);
    memcpy(a->out_strides, strides, sizeof a->out_strides);
    if (call->fate != FAILED &&
        !(PyArray_NDIM((PyArrayObject *)call->args[0]) == 2 && x_shape[0] == out_shape[0] &&
          x_shape[1] == out_shape[1] && x_shape[2] == a->n_in && out_shape[2] == a->n_out &&
          x_shape[3] == out_shape[3]))
        fail(call, PyExc_ValueError, "weights, rows and mixtures differ in number");
    if (call->fate == RUNS && (a->n_in < 1 || a->n_in > MOST_MIXED))
        call->fate = IS_LEFT;
    a->shape[0] = x_shape[0], a->shape[1] = x_shape[1], a->width = x_shape[3];
    return x_shape[0] * x_shape[1] * x_shape[3] * MOST_MIXED;
}

/* Take a tuple of a whole number of at least 1 for each axis, as the last ones of three. */
static void take_lengths(struct call *call, int i, int n_axes, ptrdiff_t *lengths) {
    if (call->fate == FAILED)
        return;
    PyObject *tuple = call->args[i];
    if (!PyTuple_Check(tuple) || PyTuple_Size(tuple) != n_axes) {
        fail(call, PyExc_ValueError, "windows have one whole number for each axis");
        return;
    }
    for (int axis = 0; axis < MOST_AXES; axis++) {
        int at = axis - (MOST_AXES - n_axes);
        lengths[axis] = at < 0 ? 1 : PyLong_AsSsize_t(PyTuple_GetItem(tuple, at));
        if (lengths[axis] < 1) {
            PyErr_Clear();
            fail(call, PyExc_ValueError, "windows have whole numbers of at least 1");
            return;
        }
    }
}

/* Take the shapes of x and of one value a window, which have to fit each other and the windows. */
static void take_windows(struct call *call, struct windows *w, PyArrayObject *x,
                         PyArrayObject *values) {
    const int n_axes = PyArray_NDIM(x) - 2;
    int fits = PyArray_NDIM(values) == n_axes + 2 && PyArray_DIM(values, 0) == PyArray_DIM(x, 0);
    w->n = PyArray_DIM(x, 0), w->channels = PyArray_DIM(x, n_axes + 1);
    for (int axis = 0; axis < MOST_AXES && fits; axis++) {
        const int at = axis - (MOST_AXES - n_axes);
        const ptrdiff_t length = at < 0 ? 1 : PyArray_DIM(x, at + 1);
        w->in[axis] = length;
        w->count[axis] = at < 0 ? 1 : PyArray_DIM(values, at + 1);
        if (w->strides[axis] > length) /* no second window, and no product that overflows */
            w->strides[axis] = length + 1;
        fits = length > 0 && w->size[axis] > 0 &&
               w->size[axis] - 1 <= (length - 1) / w->dilation[axis];
        const ptrdiff_t last = fits ? length - 1 - (w->size[axis] - 1) * w->dilation[axis] : 0;
        fits = fits && w->count[axis] <= last / w->strides[axis] + 1;
    }
    if (!fits)
        fail(call, PyExc_ValueError, "arrays and windows do not fit each other");
    else if (PyArray_SIZE(x) == 0 || PyArray_SIZE(values) == 0)
        call->fate = IS_LEFT;
}

/* Return the number of axes of windows over an array, or -1 where that is wrong. */
static int window_axes(struct call *call, PyArrayObject *x) {
    const int n_axes = call->fate == FAILED ? -1 : PyArray_NDIM(x) - 2;
    if (n_axes >= 1 && n_axes <= MOST_AXES)
        return n_axes;
    fail(call, PyExc_ValueError, "windows have one to three axes");
    return -1;
}

/* Take x, a kernel and the products of both, or x, their gradient and that of the kernel. */
static npy_intp take_convolution(struct call *call, struct convolution *a, int dense,
                                 int gradient) {
    void *data, *other;
    PyArrayObject *x = take(call, 0, READ, -1, &data);
    PyArrayObject *second = take(call, 1, READ, -1, &other);
    PyArrayObject *result = take(call, 2, WRITE, -1, &a->out);
    PyArrayObject *taps = gradient ? result : second, *products = gradient ? second : result;
    const int n_axes = window_axes(call, x);
    a->x = data, a->other = other;
    take_lengths(call, 3, n_axes, a->windows.strides);
    take_lengths(call, 4, n_axes, a->windows.dilation);
    if (call->fate == FAILED)
        return 0;
    const npy_intp *shape = PyArray_DIMS(taps);
    if (PyArray_NDIM(taps) != n_axes + 1 + dense || PyArray_NDIM(products) != n_axes + 2 ||
        shape[n_axes] != PyArray_DIM(x, n_axes + 1) ||
        PyArray_DIM(products, n_axes + 1) != shape[n_axes + dense]) {
        fail(call, PyExc_ValueError, "arrays differ in axes, channels or filters");
        return 0;
    }
    a->filters = shape[n_axes + dense];
    npy_intp n_taps = 1;
    for (int axis = 0; axis < MOST_AXES; axis++) {
        const int at = axis - (MOST_AXES - n_axes);
        n_taps *= a->windows.size[axis] = at < 0 ? 1 : shape[at];
    }
    take_windows(call, &a->windows, x, products);
    return PyArray_SIZE(products) * n_taps;
}

KERNEL(correlate, convolution, 6) {
    return take_convolution(call, a, 1, 0);
}

KERNEL(correlate_gradient, convolution, 6) {
    return take_convolution(call, a, 1, 1);
}

KERNEL(depthwise, convolution, 5) {
    return take_convolution(call, a, 0, 0);
}

KERNEL(depthwise_gradient, convolution, 5) {
    return take_convolution(call, a, 0, 1);
}

/* Take the windows of a pooling, which are all that fit; leave those whose elements a byte does
   not count to NumPy. */
static void take_pool(struct call *call, struct windows *w, PyArrayObject *x, PyArrayObject *out,
                      int first) {
    const int n_axes = window_axes(call, x);
    take_lengths(call, first, n_axes, w->size);
    take_lengths(call, first + 1, n_axes, w->strides);
    if (call->fate == FAILED)
        return;
    w->dilation[0] = w->dilation[1] = w->dilation[2] = 1;
    take_windows(call, w, x, out);
    ptrdiff_t n_elements = 1;
    int fits = call->fate != FAILED && PyArray_DIM(out, n_axes + 1) == w->channels;
    for (int axis = 0; axis < MOST_AXES && fits; axis++) {
        n_elements *= n_elements <= UINT8_MAX ? w->size[axis] : 1;
        fits = w->count[axis] == (w->in[axis] - w->size[axis]) / w->strides[axis] + 1;
    }
    if (!fits)
        fail(call, PyExc_ValueError, "arrays and windows do not fit each other");
    else if (n_elements > UINT8_MAX + 1)
        call->fate = IS_LEFT;
}

/* Take the places of maxima, or NULL for None. */
static uint8_t *take_places(struct call *call, int i, enum use use, const PyArrayObject *out) {
    void *data = NULL;
    if (call->fate == FAILED || call->args[i] == Py_None)
        return NULL;
    PyArrayObject *places = take(call, i, use, NPY_UINT8, &data);
    if (places && out && PyArray_SIZE(places) != PyArray_SIZE((PyArrayObject *)out))
        fail(call, PyExc_ValueError, "places and maxima differ in size");
    return data;
}

KERNEL(max_pool, max_pool, 6) {
    void *x_data, *out_data;
    PyArrayObject *x = take(call, 0, READ, -1, &x_data);
    PyArrayObject *out = take(call, 1, WRITE, -1, &out_data);
    a->x = x_data, a->out = out_data;
    a->places = take_places(call, 2, WRITE, out);
    take_pool(call, &a->windows, x, out, 3);
    static const int is_taken = 1;
    call->truth = &is_taken;
    return call->fate == FAILED ? 0 : PyArray_SIZE(x);
}

KERNEL(max_unpool, max_pool, 8) {
    void *grad_data;
    PyArrayObject *grad = take(call, 0, READ, -1, &grad_data);
    PyArrayObject *grad_x = take(call, 1, WRITE, -1, &a->grad_x);
    a->grad = grad_data;
    a->places = take_places(call, 2, READ, grad);
    take_sized(call, 3, READ, grad_x ? PyArray_SIZE(grad_x) : 0);
    take_sized(call, 4, READ, grad ? PyArray_SIZE(grad) : 0);
    take_pool(call, &a->windows, grad_x, grad, 5);
    if (call->fate == RUNS && !a->places)
        call->fate = IS_LEFT;
    return grad_x ? PyArray_SIZE(grad_x) : 0;
}

/* Take a matrix whose rows or columns lie in one piece each. */
static struct matrix take_matrix(struct call *call, int i, enum use use) {
    struct matrix x = {0};
    PyArrayObject *array = take_axes(call, i, use, 2, "a matrix has two axes");
    if (!array)
        return x;
    const npy_intp *strides = PyArray_STRIDES(array), item = PyArray_ITEMSIZE(array);
    memcpy(x.shape, PyArray_DIMS(array), sizeof x.shape);
    x.data = PyArray_DATA(array);
    x.is_transposed = use == READ && strides[1] != item;
    x.distance = item ? strides[x.is_transposed] / item : 0;
    if (strides[!x.is_transposed] != item || strides[x.is_transposed] != x.distance * item ||
        x.distance < x.shape[!x.is_transposed] || !x.shape[0] || !x.shape[1])
        call->fate = IS_LEFT;
    return x;
}

KERNEL_AS(multiply, of_no_level, product, 6) {
    a->a = take_matrix(call, 0, READ);
    a->b = take_matrix(call, 1, READ);
    a->out = take_matrix(call, 2, WRITE);
    a->is_double = call->type == NPY_DOUBLE;
    for (int axis = 0; axis < 2; axis++) {
        const double length = take_number(call, 3 + axis);
        if (!(length >= 1 && length <= INT32_MAX))
            fail(call, PyExc_ValueError, "a panel has at least one row and column");
        a->panel[axis] = call->fate == FAILED ? 1 : (ptrdiff_t)length;
        a->n_panels[axis] = (a->out.shape[axis] + a->panel[axis] - 1) / a->panel[axis];
    }
    if (call->fate == RUNS &&
        (a->a.shape[1] != a->b.shape[0] || a->a.shape[0] != a->out.shape[0] ||
         a->b.shape[1] != a->out.shape[1]))
        fail(call, PyExc_ValueError, "matrices do not fit each other");
    if (gemm_functions[a->is_double])
        call->run = multiply_panels;
    return MANY;
}

/* Take the addresses of cblas_sgemm and cblas_dgemm. */
static PyObject *use_blas(PyObject *module, PyObject *const *args, Py_ssize_t n_args) {
    struct call call = begin("use_blas", args, n_args, 2);
    (void)module;
    for (int i = 0; i < 2 && call.fate == RUNS && !PyErr_Occurred(); i++)
        gemm_functions[i] = PyLong_AsVoidPtr(args[i]);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *use_threads(PyObject *module, PyObject *number) {
    (void)module;
    const long n = PyLong_AsLong(number);
    pool.n_threads = (int)(n < 1 ? 1 : n > MOST_THREADS ? MOST_THREADS : n);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *run_alone(PyObject *module, PyObject *truth) {
    (void)module;
    is_alone = PyObject_IsTrue(truth);
    return Py_NewRef(Py_None);
}

static const struct level *best_level(void) {
    int best = 0;
#ifdef __x86_64__
    __builtin_cpu_init();
    best += __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    best += best == 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
            __builtin_cpu_supports("bmi2");
    best += best == 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl");
#endif
    return &levels[best];
}

static PyObject *level(PyObject *module, PyObject *none) {
    (void)module, (void)none;
    return PyUnicode_FromString(current_level->name);
}

static PyObject *use_level(PyObject *module, PyObject *name) {
    (void)module;
    for (const struct level *level = levels; level <= best_level(); level++)
        if (PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, level->name) == 0) {
            current_level = level;
            Py_RETURN_NONE;
        }
    return PyErr_Format(PyExc_ValueError, "this processor has no level %R", name);
}

/* Take the weights that both ways need, and what the waves have been. */
static void take_waves(struct call *call, struct waves *a, int first) {
    a->frequencies = take_rows(call, first, READ, &a->mixed, &a->waves);
    a->kernel = take_rows(call, first + 1, READ, &(ptrdiff_t){0}, &a->mixed);
    npy_intp n = a->rows * a->width * a->waves;
    if (call->fate != FAILED &&
        (PyArray_SIZE((PyArrayObject *)call->args[first]) != a->width * a->waves ||
         PyArray_SIZE((PyArrayObject *)call->args[first + 1]) != a->width * a->waves * a->mixed))
        fail(call, PyExc_ValueError, "arrays differ in size");
    if (call->fate != FAILED && a->waves * a->mixed > MOST_WAVES)
        call->fate = IS_LEFT;
    a->cosines = take_optional(call, first + 2, WRITE, n);
    a->sines = take_optional(call, first + 3, WRITE, n);
    if (call->fate == RUNS && !a->cosines != !a->sines)
        fail(call, PyExc_TypeError, "the way back needs cosines and sines");
}

KERNEL(waves, waves, 9) {
    a->x = take_rows(call, 0, READ, &a->rows, &a->width);
    take_waves(call, a, 1);
    a->phases = take_sized(call, 5, READ, a->width * a->waves);
    a->bias = take_sized(call, 6, READ, a->width * a->mixed);
    a->out = take_sized(call, 7, WRITE, a->rows * a->width * (a->mixed + 1));
    return 4 * a->rows * a->width * a->waves;
}

KERNEL(waves_backward, waves, 12) {
    a->x = take_rows(call, 0, READ, &a->rows, &a->width);
    take_waves(call, a, 1);
    if (call->fate == RUNS && !a->cosines)
        fail(call, PyExc_TypeError, "the way back needs cosines and sines");
    a->grad = take_sized(call, 5, READ, a->rows * a->width * (a->mixed + 1));
    a->frequencies_grad = take_sized(call, 6, WRITE, a->width * a->waves);
    a->phases_grad = take_sized(call, 7, WRITE, a->width * a->waves);
    a->kernel_grad = take_sized(call, 8, WRITE, a->width * a->waves * a->mixed);
    a->bias_grad = take_sized(call, 9, WRITE, a->width * a->mixed);
    a->out = take_optional(call, 10, WRITE, a->rows * a->width);
    return 4 * a->rows * a->width * a->waves;
}

#define METHOD(name) {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL},

/* clang-format off */
static PyMethodDef methods[] = {
    EACH_KERNEL(METHOD)
    METHOD(channel_gradient)
    METHOD(multiply)
    METHOD(use_blas)
    {"use_threads", use_threads, METH_O, "Let so many threads share a call, the caller's too."},
    {"run_alone", run_alone, METH_O, "Let the calls of this thread run on it alone, or not."},
    {"level", level, METH_NOARGS, "Return the level of processors whose kernels run."},
    {"use_level", use_level, METH_O, "Run the kernels of a level that this processor has."},
    {NULL, NULL, 0, NULL},
};
/* clang-format on */

static int execute(PyObject *module) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)module;
    if (PyArray_ImportNumPyAPI() < 0)
        return -1;
    pthread_once(&once, watch_forks);
    current_level = best_level();
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "sknet.kernels._extension",
    .m_doc = "The kernels of numpy_kernels.py, compiled.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__extension(void) {
    return PyModuleDef_Init(&definition);
}
