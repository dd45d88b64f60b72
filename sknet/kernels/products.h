/* Products of matrices: out = a b, in panels of fixed size, each by one call of NumPy's BLAS. */
#ifndef SKNET_PRODUCTS_H
#define SKNET_PRODUCTS_H

#include "arguments.h"
#include "pool.h"

/* OpenBLAS's cblas_sgemm and cblas_dgemm for integers of 64 bits, NULL where they are unknown. */
static void *_Atomic gemm_functions[2];

/* Address of an element of array i. */
static void *element(const struct arguments *a, int i, ptrdiff_t row, ptrdiff_t column) {
    const struct layout x = a->layouts[i];
    const ptrdiff_t at = x.is_transposed ? row + column * x.distance : row * x.distance + column;
    return (char *)a->arrays[i] + at * (ptrdiff_t)(a->is_double ? sizeof(double) : sizeof(float));
}

#define GEMM(real)                                                                                \
    ((void (*)(int, int, int, int64_t, int64_t, int64_t, real, void *, int64_t, void *, int64_t,  \
               real, void *, int64_t))gemm_functions[a->is_double])(                              \
        101, 111 + x[0].is_transposed, 111 + x[1].is_transposed, rows, columns, a->o, 1,          \
        element(a, 0, row, 0), x[0].distance, element(a, 1, 0, column), x[1].distance, 0,         \
        element(a, 2, row, column), x[2].distance)

/* Panels have numbers[3] rows and numbers[4] columns, the last ones fewer. */
static ptrdiff_t n_panels(const struct arguments *a, int axis) {
    const ptrdiff_t length = a->lengths[axis], panel = a->numbers[3 + axis];
    return (length + panel - 1) / panel;
}

static void multiply_panel(void *job, ptrdiff_t panel) {
    const struct arguments *a = job;
    const struct layout *x = a->layouts;
    const ptrdiff_t height = a->numbers[3], width = a->numbers[4];
    const ptrdiff_t row = panel / n_panels(a, 1) * height, rows = least(height, a->m - row);
    const ptrdiff_t column = panel % n_panels(a, 1) * width, columns = least(width, a->n - column);
    if (a->is_double)
        GEMM(double);
    else
        GEMM(float);
}

static void multiply_panels(struct arguments *a) {
    share_out(multiply_panel, a, n_panels(a, 0) * n_panels(a, 1));
}

#endif
