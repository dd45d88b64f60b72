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

#ifdef __x86_64__
extern const struct level kernels_x86_64_v2, kernels_x86_64_v3, kernels_x86_64_v4;
#endif
extern const struct level kernels_generic;

struct state {
    const struct level *level;
    PyObject *numpy_kernels;
};

/* What to do with a call: run it, leave it to NumPy, or report an error that is set. */
enum fate { RUNS, IS_LEFT, FAILED };

struct call {
    PyObject *module;
    const char *name;
    PyObject *const *args;
    Py_ssize_t n_args;
    enum fate fate;
    int type; /* of the first array */
    int n_arrays, is_output[MAX_ARRAYS];
    char *data[MAX_ARRAYS];
    npy_intp n_bytes[MAX_ARRAYS];
};

enum use { READ, WRITE };

static struct call begin(PyObject *module, const char *name, PyObject *const *args,
                         Py_ssize_t n_args, Py_ssize_t expected) {
    struct call call = {.module = module, .name = name, .args = args, .n_args = n_args};
    call.type = -1;
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

/* Take an array of one int64. */
static int64_t *take_counter(struct call *call, int i) {
    void *data;
    PyArrayObject *array = take(call, i, WRITE, NPY_INT64, &data);
    if (array && !(PyArray_NDIM(array) == 1 && PyArray_SIZE(array) == 1))
        fail(call, PyExc_ValueError, "the counter must be a vector of one number");
    return data;
}

/* Refuse outputs that overlap other arrays; the first and the second may be the same array. */
static void check_overlap(struct call *call, int first, int second) {
    for (int i = 0; i < call->n_arrays && call->fate == RUNS; i++)
        for (int j = i + 1; j < call->n_arrays; j++) {
            if (!call->is_output[i] && !call->is_output[j])
                continue;
            if (call->data[i] + call->n_bytes[i] <= call->data[j] ||
                call->data[j] + call->n_bytes[j] <= call->data[i])
                continue;
            if (i == first && j == second && call->data[i] == call->data[j] &&
                call->n_bytes[i] == call->n_bytes[j])
                continue;
            fail(call, PyExc_ValueError, "an output overlaps another array");
            return;
        }
}

/* Call the function of the same name in numpy_kernels.py. */
static PyObject *leave_to_numpy(const struct call *call, PyObject *numpy_kernels) {
    PyObject *function = PyObject_GetAttrString(numpy_kernels, call->name);
    PyObject *arguments = PyTuple_New(call->n_args), *result = NULL;
    for (Py_ssize_t i = 0; arguments && i < call->n_args; i++)
        PyTuple_SetItem(arguments, i, Py_NewRef(call->args[i]));
    if (function && arguments)
        result = PyObject_Call(function, arguments, NULL);
    Py_XDECREF(function);
    Py_XDECREF(arguments);
    return result;
}

/* Run a kernel, or what stands in for it. */
static PyObject *finish(struct call *call, enum kernel kernel, void *arguments, npy_intp size) {
    if (call->fate == FAILED)
        return NULL;
    struct state *state = PyModule_GetState(call->module);
    kernel_function *run = NULL;
    if (call->fate == RUNS)
        run = state->level->kernels[call->type == NPY_DOUBLE][kernel];
    if (!run)
        return leave_to_numpy(call, state->numpy_kernels);
    if (size >= MANY) {
        Py_BEGIN_ALLOW_THREADS run(arguments);
        Py_END_ALLOW_THREADS
    } else
        run(arguments);
    return Py_NewRef(Py_None);
}

/* A kernel that returns a number. */
static PyObject *finish_value(struct call *call, enum kernel kernel, void *arguments,
                              npy_intp size, const double *value) {
    int runs = call->fate == RUNS;
    PyObject *result = finish(call, kernel, arguments, size);
    if (!runs || !result)
        return result;
    Py_DECREF(result);
    return PyFloat_FromDouble(*value);
}

#define KERNEL(name)                                                                              \
    static PyObject *name(PyObject *module, PyObject *const *args, Py_ssize_t n_args)

/* Take the vector of parameters and the gradient, with which every update begins. */
#define TAKE_PARAMS(name, n_expected)                                                             \
    struct call call = begin(module, #name, args, n_args, n_expected);                            \
    struct name a = {0};                                                                          \
    PyArrayObject *params = take(&call, 0, WRITE, -1, &a.params);                                 \
    a.size = params ? PyArray_SIZE(params) : 0;                                                   \
    a.grads = take_sized(&call, 1, WRITE, a.size);                                                \
    int64_t *moved = take_counter(&call, 2);

#define MOST_VECTORS 4
#define PART 32768 /* elements of a part of an update */

/* Every update has a size and pointers to vectors, and then numbers. */
union update {
    struct {
        ptrdiff_t size;
        char *vectors[MOST_VECTORS];
    } any;
    struct adam adam; /* the largest */
};

struct parts {
    kernel_function *run;
    const void *arguments;
    size_t n_bytes;
    ptrdiff_t size, item;
    int n_vectors;
};

_Static_assert(sizeof(union update) >= sizeof(struct rmsprop), "updates fit");

static void update_part(void *job, ptrdiff_t part) {
    const struct parts *parts = job;
    const ptrdiff_t start = part * PART, left = parts->size - start;
    union update update;
    memcpy(&update, parts->arguments, parts->n_bytes);
    update.any.size = left < PART ? left : PART;
    for (int i = 0; i < parts->n_vectors; i++)
        if (update.any.vectors[i])
            update.any.vectors[i] += start * parts->item;
    parts->run(&update);
}

/* Run the update, large ones in parts, and count it, with nothing in between for an interruption.
 */
static PyObject *finish_update(struct call *call, enum kernel kernel, void *arguments,
                               size_t n_bytes, int64_t *moved) {
    const ptrdiff_t size = *(ptrdiff_t *)arguments;
    check_overlap(call, -1, -1);
    const int runs = call->fate == RUNS, is_large = runs && size >= 4 * PART;
    if (is_large) {
        struct state *state = PyModule_GetState(call->module);
        const int is_double = call->type == NPY_DOUBLE;
        struct parts parts = {.run = state->level->kernels[is_double][kernel],
                              .arguments = arguments,
                              .n_bytes = n_bytes,
                              .size = size,
                              .item = is_double ? sizeof(double) : sizeof(float),
                              .n_vectors = kernel == SGD || kernel == LION ? 3 : 4};
        Py_BEGIN_ALLOW_THREADS share_out(update_part, &parts, (size + PART - 1) / PART);
        Py_END_ALLOW_THREADS
    }
    PyObject *result = is_large ? Py_NewRef(Py_None) : finish(call, kernel, arguments, size);
    if (runs && result)
        ++*moved;
    return result;
}

KERNEL(sgd) {
    TAKE_PARAMS(sgd, 9)
    a.velocity = take_optional(&call, 3, WRITE, a.size);
    a.shrink = take_number(&call, 5);
    a.rate = take_number(&call, 6);
    a.momentum = take_number(&call, 7);
    a.nesterov = take_number(&call, 8) != 0;
    return finish_update(&call, SGD, &a, sizeof a, moved);
}

KERNEL(rmsprop) {
    TAKE_PARAMS(rmsprop, 11)
    a.square = take_sized(&call, 3, WRITE, a.size);
    a.velocity = take_optional(&call, 4, WRITE, a.size);
    a.shrink = take_number(&call, 6);
    a.rate = take_number(&call, 7);
    a.rho = take_number(&call, 8);
    a.epsilon = take_number(&call, 9);
    a.momentum = take_number(&call, 10);
    return finish_update(&call, RMSPROP, &a, sizeof a, moved);
}

KERNEL(adam) {
    TAKE_PARAMS(adam, 12)
    a.mean = take_sized(&call, 3, WRITE, a.size);
    a.square = take_sized(&call, 4, WRITE, a.size);
    a.shrink = take_number(&call, 6);
    a.rate = take_number(&call, 7);
    a.beta_1 = take_number(&call, 8);
    a.beta_2 = take_number(&call, 9);
    a.epsilon = take_number(&call, 10);
    a.nesterov = take_number(&call, 11);
    return finish_update(&call, ADAM, &a, sizeof a, moved);
}

KERNEL(lion) {
    TAKE_PARAMS(lion, 9)
    a.mean = take_sized(&call, 3, WRITE, a.size);
    a.shrink = take_number(&call, 5);
    a.rate = take_number(&call, 6);
    a.weight = take_number(&call, 7);
    a.beta_2 = take_number(&call, 8);
    /* The smallest normal number keeps 0 / 0 from the sign. */
    a.tiny = call.type == NPY_DOUBLE ? 2.2250738585072014e-308 : 1.17549435e-38;
    return finish_update(&call, LION, &a, sizeof a, moved);
}

static int take_kind(struct call *call, int i) {
    double kind = take_number(call, i);
    if (call->fate != FAILED && !(kind >= IDENTITY && kind <= EXACT_GELU && kind == (int)kind))
        fail(call, PyExc_ValueError, "no such activation");
    if (call->fate != FAILED && kind == EXACT_GELU)
        call->fate = IS_LEFT;
    return call->fate == FAILED ? IDENTITY : (int)kind;
}

KERNEL(activate) {
    struct call call = begin(module, "activate", args, n_args, 8);
    struct activate a = {0};
    a.kind = take_kind(&call, 0);
    a.x = take_rows(&call, 1, READ, &a.rows, &a.width);
    a.out = take_sized(&call, 3, WRITE, a.rows * a.width);
    a.bias = take_optional(&call, 2, READ, a.width);
    a.derivative = take_optional(&call, 4, WRITE, a.rows * a.width);
    a.slope = take_number(&call, 5);
    a.limit = take_number(&call, 6);
    check_overlap(&call, 0, 1);
    return finish(&call, ACTIVATE, &a, a.rows * a.width);
}

KERNEL(deactivate) {
    struct call call = begin(module, "deactivate", args, n_args, 7);
    struct deactivate a = {0};
    a.kind = take_kind(&call, 0);
    a.grad = take_rows(&call, 1, WRITE, &a.rows, &a.width);
    a.out = take_sized(&call, 2, READ, a.rows * a.width);
    a.bias_grad = take_optional(&call, 3, WRITE, a.width);
    a.slope = take_number(&call, 4);
    a.limit = take_number(&call, 5);
    check_overlap(&call, 0, 1);
    return finish(&call, DEACTIVATE, &a, a.rows * a.width);
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

KERNEL(dense) {
    struct call call = begin(module, "dense", args, n_args, 9);
    struct dense a = {0};
    struct activate *f = &a.forward;
    f->kind = take_kind(&call, 0);
    f->x = f->out = take_rows(&call, 4, WRITE, &f->rows, &f->width);
    take_dense(&call, &a, 1, f->rows, f->width);
    f->bias = take_optional(&call, 3, READ, f->width);
    f->derivative = take_optional(&call, 5, WRITE, f->rows * f->width);
    f->slope = take_number(&call, 6);
    f->limit = take_number(&call, 7);
    check_overlap(&call, -1, -1);
    return finish(&call, DENSE, &a, f->rows * f->width * a.inputs);
}

KERNEL(dense_back) {
    struct call call = begin(module, "dense_back", args, n_args, 11);
    struct dense a = {0};
    struct deactivate *f = &a.back;
    f->kind = take_kind(&call, 0);
    f->grad = take_rows(&call, 1, WRITE, &f->rows, &f->width);
    f->out = take_sized(&call, 2, READ, f->rows * f->width);
    const npy_intp size = take_dense(&call, &a, 3, f->rows, f->width);
    a.kernel_grad = take_sized(&call, 5, WRITE, a.inputs * f->width);
    f->bias_grad = take_optional(&call, 6, WRITE, f->width);
    a.grad_x = take_optional(&call, 7, WRITE, size);
    f->slope = take_number(&call, 8);
    f->limit = take_number(&call, 9);
    check_overlap(&call, 0, 1);
    return finish(&call, DENSE_BACK, &a, f->width * size);
}

KERNEL(softmax_loss) {
    struct call call = begin(module, "softmax_loss", args, n_args, 6);
    struct softmax_loss a = {0};
    void *codes;
    a.raw = take_rows(&call, 0, READ, &a.rows, &a.width);
    a.out = take_sized(&call, 4, WRITE, a.rows * a.width);
    a.shares = take_optional(&call, 2, READ, a.rows);
    PyArrayObject *array = take(&call, 1, READ, NPY_INT64, &codes);
    if (array && !PyArray_ISINTEGER(array))
        fail(&call, PyExc_TypeError, "codes must be integers");
    if (array && PyArray_SIZE(array) != a.rows)
        fail(&call, PyExc_ValueError, "there must be one code a row");
    a.codes = codes;
    a.smoothing = take_number(&call, 3);
    if (call.fate != FAILED && args[5] != Py_None)
        call.fate = IS_LEFT;
    check_overlap(&call, 0, 1);
    for (ptrdiff_t row = 0; call.fate == RUNS && row < a.rows; row++)
        if (a.codes[row] < 0 || a.codes[row] >= a.width)
            fail(&call, PyExc_ValueError, "a code is no class");
    return finish_value(&call, SOFTMAX_LOSS, &a, 4 * a.rows * a.width, &a.value);
}

KERNEL(sigmoid_loss) {
    struct call call = begin(module, "sigmoid_loss", args, n_args, 6);
    struct sigmoid_loss a = {0};
    void *y;
    a.raw = take_rows(&call, 0, READ, &a.rows, &a.width);
    a.out = take_sized(&call, 4, WRITE, a.rows * a.width);
    a.sample_weight = take_optional(&call, 2, READ, a.rows);
    if (call.fate != FAILED)
        a.integers = PyArray_Check(args[1]) &&
                     PyArray_DESCR((PyArrayObject *)args[1])->type_num == NPY_INT64;
    PyArrayObject *array = take(&call, 1, READ, a.integers ? NPY_INT64 : -1, &y);
    if (array && PyArray_SIZE(array) != a.rows * a.width)
        fail(&call, PyExc_ValueError, "there must be one target a raw prediction");
    a.y = y;
    a.smoothing = take_number(&call, 3);
    check_overlap(&call, 0, 1);
    return finish_value(&call, SIGMOID_LOSS, &a, 4 * a.rows * a.width, &a.value);
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

KERNEL(dropout) {
    struct call call = begin(module, "dropout", args, n_args, 7);
    struct dropout a = {0};
    ptrdiff_t rows, width;
    a.x = take_rows(&call, 0, READ, &rows, &width);
    a.size = rows * width;
    a.out = take_sized(&call, 1, WRITE, a.size);
    a.kept = take_kept(&call, 2, WRITE, a.size);
    double keep = take_number(&call, 4);
    a.factor = take_number(&call, 5);
    if (!(keep > 0 && keep <= 1))
        fail(&call, PyExc_ValueError, "the part that is kept must be in (0, 1]");
    else
        a.largest = keep * 4294967296.0 >= 1 ? (uint32_t)(keep * 4294967296.0 - 1) : 0;
    check_overlap(&call, 0, 1);
    a.seed = take_seed(&call, 3);
    return finish(&call, DROPOUT, &a, 4 * a.size);
}

KERNEL(dropout_backward) {
    struct call call = begin(module, "dropout_backward", args, n_args, 4);
    struct dropout a = {0};
    ptrdiff_t rows, width;
    a.out = take_rows(&call, 0, WRITE, &rows, &width);
    a.size = rows * width;
    a.kept = take_kept(&call, 1, READ, a.size);
    a.factor = take_number(&call, 2);
    check_overlap(&call, -1, -1);
    return finish(&call, DROPOUT_BACKWARD, &a, a.size);
}

/* The same for a kernel that tells whether something held. */
static PyObject *finish_truth(struct call *call, enum kernel kernel, void *arguments,
                              npy_intp size, const int *truth) {
    int runs = call->fate == RUNS;
    PyObject *result = finish(call, kernel, arguments, size);
    if (!runs || !result)
        return result;
    Py_DECREF(result);
    return PyBool_FromLong(*truth);
}

KERNEL(row_norm) {
    struct call call = begin(module, "row_norm", args, n_args, 10);
    struct row_norm a = {0};
    a.x = take_rows(&call, 0, READ, &a.rows, &a.width);
    a.gamma = take_sized(&call, 1, READ, a.width);
    a.beta = take_optional(&call, 2, READ, a.width);
    a.x_hat = take_sized(&call, 3, WRITE, a.rows * a.width);
    a.inverse_std = take_column(&call, 4, WRITE, a.rows);
    a.margin = take_column(&call, 5, WRITE, a.rows);
    a.out = take_sized(&call, 6, WRITE, a.rows * a.width);
    a.epsilon = take_number(&call, 7);
    check_overlap(&call, -1, -1);
    return finish_truth(&call, ROW_NORM, &a, 2 * a.rows * a.width, &a.accurate);
}

KERNEL(row_norm_backward) {
    struct call call = begin(module, "row_norm_backward", args, n_args, 9);
    struct row_norm a = {0};
    a.out = take_rows(&call, 0, WRITE, &a.rows, &a.width);
    a.x_hat = take_sized(&call, 1, READ, a.rows * a.width);
    a.inverse_std = take_column(&call, 2, READ, a.rows);
    a.gamma = take_sized(&call, 3, READ, a.width);
    a.gamma_grad = take_sized(&call, 4, WRITE, a.width);
    a.beta_grad = take_optional(&call, 5, WRITE, a.width);
    a.input_grad = take_number(&call, 6) != 0;
    check_overlap(&call, -1, -1);
    return finish(&call, ROW_NORM_BACKWARD, &a, 2 * a.rows * a.width);
}

KERNEL(blend) {
    struct call call = begin(module, "blend", args, n_args, 4);
    struct blend a = {0};
    a.x = take_rows(&call, 0, READ, &a.rows, &a.width);
    a.y = take_sized(&call, 1, READ, a.rows * a.width);
    a.weight = take_sized(&call, 2, READ, a.width);
    a.out = take_sized(&call, 3, WRITE, a.rows * a.width);
    check_overlap(&call, -1, -1);
    return finish(&call, BLEND, &a, a.rows * a.width);
}

KERNEL(blend_backward) {
    struct call call = begin(module, "blend_backward", args, n_args, 6);
    struct blend a = {0};
    a.out = take_rows(&call, 0, WRITE, &a.rows, &a.width);
    a.x = take_sized(&call, 1, READ, a.rows * a.width);
    a.y = take_sized(&call, 2, READ, a.rows * a.width);
    a.weight = take_sized(&call, 3, READ, a.width);
    a.mixed = take_sized(&call, 4, WRITE, a.rows * a.width);
    a.weight_grad = take_sized(&call, 5, WRITE, a.width);
    check_overlap(&call, -1, -1);
    return finish(&call, BLEND_BACKWARD, &a, a.rows * a.width);
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

KERNEL(channel_sums) {
    struct call call = begin(module, "channel_sums", args, n_args, 7);
    struct channels a = take_channels(&call, 0, 3);
    const ptrdiff_t size = a.segments * a.width;
    a.mean = take_optional(&call, 1, READ, size);
    a.grad = take_optional(&call, 2, READ, size * a.rows);
    a.total = take_optional(&call, 4, WRITE, size);
    a.products = take_optional(&call, 5, WRITE, size);
    if (call.fate == RUNS && (a.mean ? !a.products || !a.total != !a.grad : !a.total || a.grad))
        fail(&call, PyExc_TypeError, "sums and what is summed up do not fit each other");
    check_overlap(&call, -1, -1);
    return finish(&call, CHANNEL_SUMS, &a, size * a.rows);
}

KERNEL(channel_linear) {
    struct call call = begin(module, "channel_linear", args, n_args, 7);
    struct channels a = take_channels(&call, 0, 2);
    const ptrdiff_t size = a.segments * a.width;
    a.mean = take_sized(&call, 1, READ, size);
    a.scale = take_sized(&call, 3, READ, size);
    a.shift = take_sized(&call, 4, READ, size);
    a.out = take_sized(&call, 5, WRITE, size * a.rows);
    check_overlap(&call, -1, -1);
    return finish(&call, CHANNEL_LINEAR, &a, size * a.rows);
}

KERNEL(channel_gradient) {
    struct call call = begin(module, "channel_gradient", args, n_args, 8);
    struct channels a = take_channels(&call, 1, 3);
    const ptrdiff_t size = a.segments * a.width;
    a.out = take_sized(&call, 0, WRITE, size * a.rows);
    a.mean = take_sized(&call, 2, READ, size);
    a.scale = take_sized(&call, 4, READ, size);
    a.slope = take_sized(&call, 5, READ, size);
    a.shift = take_sized(&call, 6, READ, size);
    check_overlap(&call, -1, -1);
    return finish(&call, CHANNEL_LINEAR, &a, size * a.rows);
}

KERNEL(softmax_of_keys) {
    struct call call = begin(module, "softmax_of_keys", args, n_args, 5);
    struct softmax_of_keys a = {0};
    void *mask = NULL;
    PyArrayObject *scores = take(&call, 0, WRITE, -1, &a.scores);
    if (scores && PyArray_NDIM(scores) != 4)
        fail(&call, PyExc_ValueError, "scores have the axes (N, heads, keys, queries)");
    else if (scores) {
        const npy_intp *shape = PyArray_DIMS(scores);
        a.rows = shape[0], a.heads = shape[1], a.keys = shape[2], a.queries = shape[3];
    }
    if (call.fate != FAILED && args[1] != Py_None) {
        PyArrayObject *array = take(&call, 1, READ, NPY_BOOL, &mask);
        if (array && PyArray_TYPE(array) != NPY_BOOL)
            fail(&call, PyExc_TypeError, "the mask must be of type bool");
        if (array && !(PyArray_NDIM(array) == 2 && PyArray_DIM(array, 0) == a.rows &&
                       PyArray_DIM(array, 1) == a.keys))
            fail(&call, PyExc_ValueError, "the mask has the axes (N, keys)");
    }
    a.mask = mask;
    a.causal = call.fate != FAILED && args[2] != Py_None;
    check_overlap(&call, -1, -1);
    return finish(&call, SOFTMAX_OF_KEYS, &a, 4 * a.rows * a.heads * a.keys * a.queries);
}

KERNEL(read_codes) {
    struct call call = begin(module, "read_codes", args, n_args, 4);
    struct codes a = {0};
    void *codes;
    a.values = take_rows(&call, 0, READ, &a.n_rows, &a.width);
    a.n_codes = a.n_rows * a.width;
    PyArrayObject *array = take(&call, 1, WRITE, NPY_INT64, &codes);
    if (array && PyArray_SIZE(array) != a.n_codes)
        fail(&call, PyExc_ValueError, "there must be one code a value");
    a.codes = codes;
    a.limit = take_number(&call, 2);
    if (call.fate == RUNS && !(a.limit <= 9007199254740992.0)) /* codes are exact up to there */
        fail(&call, PyExc_ValueError, "there are too many codes");
    check_overlap(&call, -1, -1);
    return finish_truth(&call, READ_CODES, &a, a.n_codes, &a.accurate);
}

KERNEL(add_by_code) {
    struct call call = begin(module, "add_by_code", args, n_args, 4);
    struct codes a = {0};
    void *values, *codes;
    PyArrayObject *array = take(&call, 0, READ, -1, &values);
    a.values = values;
    npy_intp size = array ? PyArray_SIZE(array) : 0;
    array = take(&call, 1, READ, NPY_INT64, &codes);
    a.codes = codes;
    a.n_codes = array ? PyArray_SIZE(array) : 0;
    a.table = take_rows(&call, 2, WRITE, &a.n_rows, &a.width);
    if (call.fate != FAILED && size != a.n_codes * a.width)
        fail(&call, PyExc_ValueError, "there must be one row a code");
    check_overlap(&call, -1, -1);
    for (ptrdiff_t i = 0; call.fate == RUNS && i < a.n_codes; i++)
        if (a.codes[i] < 0 || a.codes[i] >= a.n_rows)
            fail(&call, PyExc_ValueError, "a code is no row of the table");
    return finish(&call, ADD_BY_CODE, &a, size + a.n_rows * a.width);
}

/* A step works on five arrays of (rows, width) in a row, and its gradients are (rows, 4 width). */
#define SLOTS 5
#define GATES 4
/* Multiply-adds of a hyperbolic tangent, about. */
#define OF_TANH 5

KERNEL(lstm_step) {
    struct call call = begin(module, "lstm_step", args, n_args, 6);
    struct lstm_step a = {0};
    a.cell = take_rows(&call, 1, WRITE, &a.rows, &a.width);
    const ptrdiff_t size = a.rows * a.width;
    a.slots = take_sized(&call, 0, WRITE, SLOTS * size);
    a.squashed = take_sized(&call, 2, WRITE, size);
    a.after = take_sized(&call, 3, WRITE, size);
    take_number(&call, 4);
    check_overlap(&call, -1, -1);
    return finish(&call, LSTM_STEP, &a, SLOTS * OF_TANH * size);
}

KERNEL(lstm_step_back) {
    struct call call = begin(module, "lstm_step_back", args, n_args, 6);
    struct lstm_step a = {0};
    a.grad = take_rows(&call, 0, READ, &a.rows, &a.width);
    const ptrdiff_t size = a.rows * a.width;
    a.slots = take_sized(&call, 1, READ, SLOTS * size);
    a.squashed = take_sized(&call, 2, READ, size);
    a.cell = take_sized(&call, 3, WRITE, size);
    a.grad_gates = take_sized(&call, 4, WRITE, GATES * size);
    check_overlap(&call, -1, -1);
    return finish(&call, LSTM_STEP_BACK, &a, SLOTS * size);
}

KERNEL(gru_step) {
    struct call call = begin(module, "gru_step", args, n_args, 5);
    struct gru_step a = {0};
    a.before = take_rows(&call, 1, READ, &a.rows, &a.width);
    const ptrdiff_t size = a.rows * a.width;
    a.slots = take_sized(&call, 0, WRITE, SLOTS * size);
    a.after = take_sized(&call, 2, WRITE, size);
    take_number(&call, 3);
    check_overlap(&call, -1, -1);
    return finish(&call, GRU_STEP, &a, GATES * OF_TANH * size);
}

KERNEL(gru_step_back) {
    struct call call = begin(module, "gru_step_back", args, n_args, 4);
    struct gru_step a = {0};
    a.after = take_rows(&call, 0, WRITE, &a.rows, &a.width);
    const ptrdiff_t size = a.rows * a.width;
    a.slots = take_sized(&call, 1, READ, SLOTS * size);
    a.grad_gates = take_sized(&call, 2, WRITE, GATES * size);
    check_overlap(&call, -1, -1);
    return finish(&call, GRU_STEP_BACK, &a, SLOTS * size);
}

KERNEL(mix_rows) {
    struct call call = begin(module, "mix_rows", args, n_args, 3);
    struct mix_rows a = {0};
    npy_intp x_shape[4] = {0}, out_shape[4] = {0}, strides[4] = {0};
    void *weights = take_rows(&call, 0, READ, &a.n_out, &a.n_in);
    a.weights = weights;
    a.x = take_tiles(&call, 1, READ, x_shape, strides);
    memcpy(a.x_strides, strides, sizeof a.x_strides);
    a.out = take_tiles(&call, 2, WRITE, out_shape, strides);
    memcpy(a.out_strides, strides, sizeof a.out_strides);
    if (call.fate != FAILED &&
        !(PyArray_NDIM((PyArrayObject *)args[0]) == 2 && x_shape[0] == out_shape[0] &&
          x_shape[1] == out_shape[1] && x_shape[2] == a.n_in && out_shape[2] == a.n_out &&
          x_shape[3] == out_shape[3]))
        fail(&call, PyExc_ValueError, "weights, rows and mixtures differ in number");
    if (call.fate == RUNS && (a.n_in < 1 || a.n_in > MOST_MIXED))
        call.fate = IS_LEFT;
    a.shape[0] = x_shape[0], a.shape[1] = x_shape[1], a.width = x_shape[3];
    check_overlap(&call, -1, -1);
    return finish(&call, MIX_ROWS, &a, x_shape[0] * x_shape[1] * x_shape[3] * MOST_MIXED);
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
static PyObject *convolve(PyObject *module, const char *name, enum kernel kernel,
                          PyObject *const *args, Py_ssize_t n_args) {
    const int dense = kernel == CORRELATE || kernel == CORRELATE_GRADIENT;
    const int gradient = kernel == CORRELATE_GRADIENT || kernel == DEPTHWISE_GRADIENT;
    struct call call = begin(module, name, args, n_args, dense ? 6 : 5);
    struct convolution a = {0};
    void *data, *other;
    PyArrayObject *x = take(&call, 0, READ, -1, &data);
    PyArrayObject *second = take(&call, 1, READ, -1, &other);
    PyArrayObject *result = take(&call, 2, WRITE, -1, &a.out);
    PyArrayObject *taps = gradient ? result : second, *products = gradient ? second : result;
    const int n_axes = window_axes(&call, x);
    a.x = data, a.other = other;
    take_lengths(&call, 3, n_axes, a.windows.strides);
    take_lengths(&call, 4, n_axes, a.windows.dilation);
    if (call.fate == FAILED)
        return NULL;
    const npy_intp *shape = PyArray_DIMS(taps);
    if (PyArray_NDIM(taps) != n_axes + 1 + dense || PyArray_NDIM(products) != n_axes + 2 ||
        shape[n_axes] != PyArray_DIM(x, n_axes + 1) ||
        PyArray_DIM(products, n_axes + 1) != shape[n_axes + dense]) {
        fail(&call, PyExc_ValueError, "arrays differ in axes, channels or filters");
        return NULL;
    }
    a.filters = shape[n_axes + dense];
    npy_intp n_taps = 1;
    for (int axis = 0; axis < MOST_AXES; axis++) {
        const int at = axis - (MOST_AXES - n_axes);
        n_taps *= a.windows.size[axis] = at < 0 ? 1 : shape[at];
    }
    take_windows(&call, &a.windows, x, products);
    check_overlap(&call, -1, -1);
    return finish(&call, kernel, &a, PyArray_SIZE(products) * n_taps);
}

#define CONVOLUTION(name, kernel)                                                                 \
    KERNEL(name) {                                                                                \
        return convolve(module, #name, kernel, args, n_args);                                     \
    }

CONVOLUTION(correlate, CORRELATE)
CONVOLUTION(correlate_gradient, CORRELATE_GRADIENT)
CONVOLUTION(depthwise, DEPTHWISE)
CONVOLUTION(depthwise_gradient, DEPTHWISE_GRADIENT)

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

KERNEL(max_pool) {
    struct call call = begin(module, "max_pool", args, n_args, 6);
    struct max_pool a = {0};
    void *x_data, *out_data;
    PyArrayObject *x = take(&call, 0, READ, -1, &x_data);
    PyArrayObject *out = take(&call, 1, WRITE, -1, &out_data);
    a.x = x_data, a.out = out_data;
    a.places = take_places(&call, 2, WRITE, out);
    take_pool(&call, &a.windows, x, out, 3);
    check_overlap(&call, -1, -1);
    if (call.fate != RUNS)
        return finish(&call, MAX_POOL, &a, 0);
    PyObject *result = finish(&call, MAX_POOL, &a, PyArray_SIZE(x));
    Py_XDECREF(result);
    return result ? PyBool_FromLong(1) : NULL;
}

KERNEL(max_unpool) {
    struct call call = begin(module, "max_unpool", args, n_args, 8);
    struct max_pool a = {0};
    void *grad_data;
    PyArrayObject *grad = take(&call, 0, READ, -1, &grad_data);
    PyArrayObject *grad_x = take(&call, 1, WRITE, -1, &a.grad_x);
    a.grad = grad_data;
    a.places = take_places(&call, 2, READ, grad);
    take_sized(&call, 3, READ, grad_x ? PyArray_SIZE(grad_x) : 0);
    take_sized(&call, 4, READ, grad ? PyArray_SIZE(grad) : 0);
    take_pool(&call, &a.windows, grad_x, grad, 5);
    if (call.fate == RUNS && !a.places)
        call.fate = IS_LEFT;
    check_overlap(&call, -1, -1);
    return finish(&call, MAX_UNPOOL, &a, grad_x ? PyArray_SIZE(grad_x) : 0);
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

KERNEL(multiply) {
    struct call call = begin(module, "multiply", args, n_args, 6);
    struct product p = {0};
    p.a = take_matrix(&call, 0, READ);
    p.b = take_matrix(&call, 1, READ);
    p.out = take_matrix(&call, 2, WRITE);
    p.is_double = call.type == NPY_DOUBLE;
    ptrdiff_t n_panels[2] = {0};
    for (int axis = 0; axis < 2; axis++) {
        const double length = take_number(&call, 3 + axis);
        if (!(length >= 1 && length <= INT32_MAX))
            fail(&call, PyExc_ValueError, "a panel has at least one row and column");
        p.panel[axis] = call.fate == FAILED ? 1 : (ptrdiff_t)length;
        n_panels[axis] = (p.out.shape[axis] + p.panel[axis] - 1) / p.panel[axis];
    }
    p.n_across = n_panels[1];
    if (call.fate == RUNS && (p.a.shape[1] != p.b.shape[0] || p.a.shape[0] != p.out.shape[0] ||
                              p.b.shape[1] != p.out.shape[1]))
        fail(&call, PyExc_ValueError, "matrices do not fit each other");
    check_overlap(&call, -1, -1);
    if (call.fate == RUNS && !gemm_functions[p.is_double])
        call.fate = IS_LEFT;
    if (call.fate != RUNS)
        return finish(&call, N_KERNELS, NULL, 0);
    Py_BEGIN_ALLOW_THREADS share_out(multiply_panel, &p, n_panels[0] * n_panels[1]);
    Py_END_ALLOW_THREADS return Py_NewRef(Py_None);
}

/* Take the addresses of cblas_sgemm and cblas_dgemm. */
static PyObject *use_blas(PyObject *module, PyObject *const *args, Py_ssize_t n_args) {
    struct call call = begin(module, "use_blas", args, n_args, 2);
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
#ifdef __x86_64__
    __builtin_cpu_init();
    int v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("bmi2");
    if (v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return &kernels_x86_64_v4;
    if (v3)
        return &kernels_x86_64_v3;
    if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"))
        return &kernels_x86_64_v2;
#endif
    return &kernels_generic;
}

static PyObject *level(PyObject *module, PyObject *none) {
    struct state *state = PyModule_GetState(module);
    (void)none;
    return PyUnicode_FromString(state->level->name);
}

static PyObject *use_level(PyObject *module, PyObject *name) {
    struct state *state = PyModule_GetState(module);
    const struct level *levels[] = {
        &kernels_generic,
#ifdef __x86_64__
        &kernels_x86_64_v2,
        &kernels_x86_64_v3,
        &kernels_x86_64_v4,
#endif
    };
    const struct level *best = best_level();
    for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
        if (PyUnicode_Check(name) &&
            PyUnicode_CompareWithASCIIString(name, levels[i]->name) == 0) {
            state->level = levels[i];
            Py_RETURN_NONE;
        }
        if (levels[i] == best) /* the processor has no more */
            break;
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
    a->cosines = take_sized(call, first + 2, WRITE, n);
    a->sines = take_sized(call, first + 3, WRITE, n);
}

KERNEL(waves) {
    struct call call = begin(module, "waves", args, n_args, 9);
    struct waves a = {0};
    a.x = take_rows(&call, 0, READ, &a.rows, &a.width);
    take_waves(&call, &a, 1);
    a.phases = take_sized(&call, 5, READ, a.width * a.waves);
    a.bias = take_sized(&call, 6, READ, a.width * a.mixed);
    a.out = take_sized(&call, 7, WRITE, a.rows * a.width * (a.mixed + 1));
    check_overlap(&call, -1, -1);
    return finish(&call, WAVES, &a, 4 * a.rows * a.width * a.waves);
}

KERNEL(waves_backward) {
    struct call call = begin(module, "waves_backward", args, n_args, 12);
    struct waves a = {0};
    a.x = take_rows(&call, 0, READ, &a.rows, &a.width);
    take_waves(&call, &a, 1);
    a.grad = take_sized(&call, 5, READ, a.rows * a.width * (a.mixed + 1));
    a.frequencies_grad = take_sized(&call, 6, WRITE, a.width * a.waves);
    a.phases_grad = take_sized(&call, 7, WRITE, a.width * a.waves);
    a.kernel_grad = take_sized(&call, 8, WRITE, a.width * a.waves * a.mixed);
    a.bias_grad = take_sized(&call, 9, WRITE, a.width * a.mixed);
    a.out = take_optional(&call, 10, WRITE, a.rows * a.width);
    check_overlap(&call, -1, -1);
    return finish(&call, WAVES_BACKWARD, &a, 4 * a.rows * a.width * a.waves);
}

#define METHOD(name) {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL}

static PyMethodDef methods[] = {
    METHOD(sgd),
    METHOD(rmsprop),
    METHOD(adam),
    METHOD(lion),
    METHOD(activate),
    METHOD(deactivate),
    METHOD(dense),
    METHOD(dense_back),
    METHOD(softmax_loss),
    METHOD(sigmoid_loss),
    METHOD(dropout),
    METHOD(dropout_backward),
    METHOD(row_norm),
    METHOD(row_norm_backward),
    METHOD(blend),
    METHOD(blend_backward),
    METHOD(softmax_of_keys),
    METHOD(read_codes),
    METHOD(add_by_code),
    METHOD(lstm_step),
    METHOD(lstm_step_back),
    METHOD(gru_step),
    METHOD(gru_step_back),
    METHOD(mix_rows),
    METHOD(multiply),
    METHOD(max_pool),
    METHOD(max_unpool),
    METHOD(channel_gradient),
    METHOD(channel_linear),
    METHOD(channel_sums),
    METHOD(correlate),
    METHOD(correlate_gradient),
    METHOD(depthwise),
    METHOD(depthwise_gradient),
    METHOD(waves),
    METHOD(waves_backward),
    METHOD(use_blas),
    {"use_threads", use_threads, METH_O, "Let so many threads share a call, the caller's too."},
    {"run_alone", run_alone, METH_O, "Let the calls of this thread run on it alone, or not."},
    {"level", level, METH_NOARGS, "Return the level of processors whose kernels run."},
    {"use_level", use_level, METH_O, "Run the kernels of a level that this processor has."},
    {NULL, NULL, 0, NULL},
};

static int execute(PyObject *module) {
    struct state *state = PyModule_GetState(module);
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (PyArray_ImportNumPyAPI() < 0)
        return -1;
    pthread_once(&once, watch_forks);
    state->level = best_level();
    state->numpy_kernels = PyImport_ImportModule("sknet.kernels.numpy_kernels");
    return state->numpy_kernels ? 0 : -1;
}

static int traverse(PyObject *module, visitproc visit, void *arg) {
    struct state *state = PyModule_GetState(module);
    Py_VISIT(state->numpy_kernels);
    return 0;
}

static int clear(PyObject *module) {
    struct state *state = PyModule_GetState(module);
    Py_CLEAR(state->numpy_kernels);
    return 0;
}

static void release(void *module) {
    clear(module);
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
    .m_size = sizeof(struct state),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = release,
};

PyMODINIT_FUNC PyInit__extension(void) {
    return PyModuleDef_Init(&definition);
}
