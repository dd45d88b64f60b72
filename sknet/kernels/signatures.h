/* Reads the arguments of a call by the signature of its kernel; arguments.h explains those. */
#ifndef SKNET_SIGNATURES_H
#define SKNET_SIGNATURES_H

#include "arguments.h"

#include <string.h>

/* What to do with a call: run it, leave it to NumPy, or report an error that is set. */
enum fate { RUNS, IS_LEFT, FAILED };

/* What a signature says of an argument. */
struct item {
    const char *lengths; /* of its axes, or the size */
    char mark, type;     /* the first character; I, B, U or E, or 0 */
    char n_lengths, is_optional, is_output, may_be_first, is_free, states_axes, is_joined;
};

struct call;

struct kernel {
    const char *name, *signature;
    void (*check)(struct call *call, struct arguments *a);
    enum kernel_number number;
    struct item items[MOST_ARGUMENTS];
    int n_items;
    const char *work;
    char result; /* first letter of what is returned, or 0 */
};

/* Skip a mark, and tell whether it is there. */
static int has(const char **text, char mark) {
    const int is_there = **text == mark;
    *text += is_there;
    return is_there;
}

static struct item read_item(const char *text) {
    struct item item = {.mark = *text, .n_lengths = 1};
    item.is_optional = has(&text, '?');
    item.is_output = has(&text, '!');
    item.may_be_first = has(&text, '=');
    item.is_free = has(&text, '*');
    if (strchr("IBUE", *text))
        item.type = *text++;
    item.states_axes = has(&text, '(');
    item.is_joined = has(&text, '.') && has(&text, '.');
    item.lengths = text;
    while (item.lengths[2 * item.n_lengths - 1] == ',')
        item.n_lengths++;
    return item;
}

/* Read the signature of a kernel. */
static void read_signature(struct kernel *kernel) {
    const char *text = kernel->signature, *arrow = strchr(text, '>');
    for (kernel->n_items = 0; *text != '~'; text = strchr(text, ' ') + 1)
        kernel->items[kernel->n_items++] = read_item(text);
    kernel->work = text + 1;
    kernel->result = arrow ? arrow[2] : 0;
}

struct array {
    const struct item *item;
    int argument;
    npy_intp size, n_bytes;
    char *data;
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

static void fail(struct call *call, PyObject *kind, int argument, const char *what) {
    if (call->fate != FAILED)
        PyErr_Format(kind, "%s: argument %d %s", call->kernel->name, argument, what);
    call->fate = FAILED;
}

/* Return the size that a signature states, such as 5mn or mn+mnp; -1 if it is too large. */
static ptrdiff_t stated_size(const struct arguments *a, const char *text) {
    ptrdiff_t size = 0, product = 1;
    for (;; text++) {
        const int is_letter = *text >= 'm' && *text <= 'q';
        if (is_letter || (*text >= '1' && *text <= '9')) {
            const ptrdiff_t factor = is_letter ? a->lengths[*text - 'm'] : *text - '0';
            if (__builtin_mul_overflow(product, factor, &product))
                return -1;
        } else {
            if (__builtin_add_overflow(size, product, &size))
                return -1;
            if (*text != '+')
                return size;
            product = 1;
        }
    }
}

/* Tell whether an array has the axes of an item; lengths that are new are taken from it. */
static int has_axes(struct arguments *a, PyArrayObject *array, const struct item *item) {
    const int n_first = PyArray_NDIM(array) - item->n_lengths + 1; /* axes of the first length */
    if (n_first < 0 || (n_first != 1 && !item->is_joined))
        return 0;
    for (int k = 0, axis = 0; k < item->n_lengths; k++) {
        const char name = item->lengths[2 * k];
        ptrdiff_t found = 1, number = name - '0';
        ptrdiff_t *length = name <= '9' ? &number : &a->lengths[name - 'm'];
        for (; axis < n_first + k; axis++)
            found *= PyArray_DIM(array, axis);
        if (*length < 0)
            *length = found;
        if (*length != found)
            return 0;
    }
    return 1;
}

/* Return the type that an item asks for, if need be that of the array found. */
static int stated_type(struct call *call, char type, int found) {
    if (type == 'I' || (type == 'E' && found == NPY_INT64))
        return NPY_INT64;
    if (type == 'B' || type == 'U')
        return type == 'B' ? NPY_BOOL : NPY_UINT8;
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

static void take_array(struct call *call, struct arguments *a, int i) {
    const struct item *item = &call->kernel->items[i];
    PyArrayObject *array = (PyArrayObject *)call->args[i];
    a->arrays[i] = NULL;
    if (item->is_optional && call->args[i] == Py_None)
        return;
    if (!PyArray_Check(call->args[i])) {
        fail(call, PyExc_TypeError, i, "must be an array");
        return;
    }
    const int flags = PyArray_FLAGS(array), found = PyArray_TYPE(array);
    const npy_intp size = PyArray_SIZE(array);
    const npy_intp n_bytes = item->is_free ? extent_of(array) : size * PyArray_ITEMSIZE(array);
    if (found != stated_type(call, item->type, found) || n_bytes < 0 ||
        !(flags & NPY_ARRAY_ALIGNED) || !(item->is_free || flags & NPY_ARRAY_C_CONTIGUOUS) ||
        !PyArray_ISNBO(PyArray_DESCR(array)->byteorder))
        call->fate = IS_LEFT;
    if (PyArray_NDIM(array) == 0 || (item->states_axes && !has_axes(a, array, item)))
        fail(call, PyExc_ValueError, i, "does not fit the others in shape");
    if (item->is_output && !(flags & NPY_ARRAY_WRITEABLE))
        fail(call, PyExc_ValueError, i, "is an output, but read-only");
    a->arrays[i] = PyArray_DATA(array);
    call->arrays[call->n_arrays++] = (struct array){item, i, size, n_bytes, PyArray_BYTES(array)};
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

/* Lengths are known when all arrays have been taken, so sizes are compared after that. */
static void take_arguments(struct call *call, struct arguments *a) {
    memset(a->lengths, -1, sizeof a->lengths); /* unknown */
    for (int i = 0; i < call->n_args && call->fate != FAILED; i++) {
        const char mark = call->kernel->items[i].mark;
        if (mark == '#')
            a->numbers[i] = take_number(call, i);
        else if (mark == 'N')
            call->fate = call->args[i] == Py_None ? call->fate : IS_LEFT;
        else if (mark != '-')
            take_array(call, a, i);
    }
    for (const struct array *x = call->arrays; x < call->arrays + call->n_arrays; x++)
        if (!x->item->states_axes && x->size != stated_size(a, x->item->lengths))
            fail(call, PyExc_ValueError, x->argument, "does not fit the others in size");
    call->work = call->fate == FAILED ? 0 : stated_size(a, call->kernel->work);
    a->is_double = call->type == NPY_DOUBLE;
}

/* Refuse outputs that overlap other arrays. */
static void check_overlap(struct call *call) {
    for (int i = 0; i < call->n_arrays && call->fate == RUNS; i++)
        for (int j = i + 1; j < call->n_arrays; j++) {
            const struct array *x = &call->arrays[i], *y = &call->arrays[j];
            if (x->data >= y->data + y->n_bytes || y->data >= x->data + x->n_bytes)
                continue;
            const int is_same = x->data == y->data && x->n_bytes == y->n_bytes;
            if ((x->item->is_output || y->item->is_output) &&
                !(i == 0 && y->item->may_be_first && is_same))
                fail(call, PyExc_ValueError, y->argument, "overlaps another one");
        }
}

#endif
