/* Reads the arguments of a call by the signature of its kernel; arguments.h explains those. */
#ifndef SKNET_SIGNATURES_H
#define SKNET_SIGNATURES_H

#include "arguments.h"

#include <string.h>

/* What to do with a call: run it, leave it to NumPy, or report an error that is set. */
enum fate { RUNS, IS_LEFT, FAILED };

struct array {
    char *data;
    npy_intp size, n_bytes;
    const char *stated_size; /* in the signature; NULL where that states axes */
    int argument, is_output, may_be_first;
};

struct call {
    const struct kernel *kernel;
    PyObject *const *args;
    Py_ssize_t n_args;
    enum fate fate;
    int type; /* of the real numbers, -1 before the first array of such */
    int n_arrays;
    struct array *arrays;
    ptrdiff_t work;
    kernel_function *run; /* in place of that of the level, or NULL */
};

struct kernel {
    const char *name, *signature;
    void (*check)(struct call *call, struct arguments *a);
    enum kernel_number number;
    const char *items[MOST_ARGUMENTS], *work; /* where these are in the signature */
    int n_args;
    char result; /* first letter of what is returned */
};

static void fail(struct call *call, PyObject *kind, int argument, const char *what) {
    if (call->fate != FAILED)
        PyErr_Format(kind, "%s: argument %d %s", call->kernel->name, argument, what);
    call->fate = FAILED;
}

/* Skip a mark of a signature, and tell whether it is there. */
static inline int has(const char **item, char mark) {
    const int is_there = **item == mark;
    *item += is_there;
    return is_there;
}

/* Return the size that a signature states, such as 5mn or mn+mnp; -1 if it is too large. */
static ptrdiff_t stated_size(const struct arguments *a, const char *text) {
    ptrdiff_t size = 0, product = 1;
    for (int overflows = 0;; text++)
        if (*text >= 'm' && *text <= 'q')
            overflows |= __builtin_mul_overflow(product, a->lengths[*text - 'm'], &product);
        else if (*text >= '1' && *text <= '9')
            overflows |= __builtin_mul_overflow(product, *text - '0', &product);
        else {
            overflows |= __builtin_add_overflow(size, product, &size);
            product = 1;
            if (*text != '+')
                return overflows ? -1 : size;
        }
}

/* Tell whether an array has the axes of a signature; lengths that are new are taken from it. */
static int has_axes(struct arguments *a, PyArrayObject *array, const char *names) {
    const int n_axes = PyArray_NDIM(array), is_joined = has(&names, '.') && has(&names, '.');
    int n_names = 1, axis = 0;
    while (names[2 * n_names - 1] == ',')
        n_names++;
    const int n_first = n_axes - n_names + 1; /* axes of the first length */
    if (n_first < 0 || (n_first != 1 && !is_joined))
        return 0;
    for (int k = 0; k < n_names; k++) {
        npy_intp found = 1;
        for (int end = n_first + k; axis < end; axis++)
            found *= PyArray_DIM(array, axis);
        ptrdiff_t one = 1, *length = names[2 * k] == '1' ? &one : &a->lengths[names[2 * k] - 'm'];
        if (*length < 0)
            *length = found;
        if (*length != found)
            return 0;
    }
    return 1;
}

/* Return the type that a signature asks for, if need be that of the array found. */
static int stated_type(struct call *call, const char **item, int found) {
    if (has(item, 'I') || (has(item, 'E') && found == NPY_INT64))
        return NPY_INT64;
    if (has(item, 'B'))
        return NPY_BOOL;
    if (has(item, 'U'))
        return NPY_UINT8;
    if (call->type < 0)
        call->type = found;
    if (call->type != NPY_FLOAT && call->type != NPY_DOUBLE)
        call->fate = IS_LEFT;
    return call->type;
}

/* Return the bytes from the first to the last element, or -1 if a stride is negative. */
static npy_intp extent_of(PyArrayObject *array) {
    npy_intp extent = PyArray_ITEMSIZE(array);
    for (int axis = 0; axis < PyArray_NDIM(array); axis++) {
        if (PyArray_STRIDE(array, axis) < 0)
            return -1;
        extent += (PyArray_DIM(array, axis) - 1) * PyArray_STRIDE(array, axis);
    }
    return PyArray_SIZE(array) ? extent : 0;
}

static void take_array(struct call *call, struct arguments *a, int i, const char *item) {
    const int is_optional = has(&item, '?'), is_output = has(&item, '!');
    const int may_be_first = has(&item, '='), is_free = has(&item, '*');
    a->arrays[i] = NULL;
    if (is_optional && call->args[i] == Py_None)
        return;
    if (!PyArray_Check(call->args[i])) {
        fail(call, PyExc_TypeError, i, "must be an array");
        return;
    }
    PyArrayObject *array = (PyArrayObject *)call->args[i];
    const int flags = PyArray_FLAGS(array), found = PyArray_TYPE(array);
    const int type = stated_type(call, &item, found), states_axes = has(&item, '(');
    const npy_intp size = PyArray_SIZE(array);
    const npy_intp n_bytes = is_free ? extent_of(array) : size * PyArray_ITEMSIZE(array);
    if (!(flags & NPY_ARRAY_ALIGNED) || !(is_free || flags & NPY_ARRAY_C_CONTIGUOUS) ||
        found != type || !PyArray_ISNBO(PyArray_DESCR(array)->byteorder) || n_bytes < 0)
        call->fate = IS_LEFT;
    if (PyArray_NDIM(array) == 0 || (states_axes && !has_axes(a, array, item)))
        fail(call, PyExc_ValueError, i, "does not fit the others in shape");
    if (is_output && !(flags & NPY_ARRAY_WRITEABLE))
        fail(call, PyExc_ValueError, i, "is an output, but read-only");
    a->arrays[i] = PyArray_DATA(array);
    call->arrays[call->n_arrays++] = (struct array){.data = PyArray_BYTES(array),
                                                    .size = size,
                                                    .n_bytes = n_bytes,
                                                    .stated_size = states_axes ? NULL : item,
                                                    .argument = i,
                                                    .is_output = is_output,
                                                    .may_be_first = may_be_first};
}

static double take_number(struct call *call, int i) {
    const double value = PyFloat_AsDouble(call->args[i]);
    if (value == -1 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError))
            fail(call, PyExc_ValueError, i, "is too large");
        call->fate = FAILED;
    }
    return value;
}

static void take_arguments(struct call *call, struct arguments *a) {
    memset(a->lengths, -1, sizeof a->lengths); /* not known yet */
    for (int i = 0; i < call->n_args && call->fate != FAILED; i++) {
        const char *item = call->kernel->items[i];
        if (*item == '#')
            a->numbers[i] = take_number(call, i);
        else if (*item == 'N')
            call->fate = call->args[i] == Py_None ? call->fate : IS_LEFT;
        else if (*item != '-')
            take_array(call, a, i, item);
    }
    for (struct array *array = call->arrays; array < call->arrays + call->n_arrays; array++)
        if (array->stated_size && array->size != stated_size(a, array->stated_size))
            fail(call, PyExc_ValueError, array->argument, "does not fit the others in size");
    call->work = call->fate == FAILED ? 0 : stated_size(a, call->kernel->work);
    a->is_double = call->type == NPY_DOUBLE;
}

/* Refuse outputs that overlap other arrays. */
static void check_overlap(struct call *call) {
    for (int i = 0; i < call->n_arrays && call->fate == RUNS; i++)
        for (int j = i + 1; j < call->n_arrays; j++) {
            const struct array *x = &call->arrays[i], *y = &call->arrays[j];
            const int is_same = x->data == y->data && x->n_bytes == y->n_bytes;
            if ((x->is_output || y->is_output) && x->data < y->data + y->n_bytes &&
                y->data < x->data + x->n_bytes && !(i == 0 && y->may_be_first && is_same))
                fail(call, PyExc_ValueError, y->argument, "overlaps another one");
        }
}

#endif
