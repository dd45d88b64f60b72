/* Products of matrices: out = a b, in panels of fixed size, each by one call of NumPy's BLAS. */
#ifndef SKNET_PRODUCTS_H
#define SKNET_PRODUCTS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* OpenBLAS's cblas_sgemm and cblas_dgemm, NULL where they are unknown, and the size of their
   integers; BLAS runs on one thread. */
static struct {
    void *_Atomic gemm[2];
    atomic_int has_long;
} blas;

/* A matrix: the distance of its rows, or of its columns if it is transposed, in elements. */
struct matrix {
    char *data;
    ptrdiff_t shape[2], distance;
    int is_transposed;
};

struct product {
    struct matrix a, b, out;
    ptrdiff_t panel[2]; /* rows and columns of a panel; the last ones are smaller */
    int is_double;
};

static const char *element(const struct matrix *x, ptrdiff_t row, ptrdiff_t column,
                           ptrdiff_t item) {
    return x->data +
           item * (x->is_transposed ? row + column * x->distance : row * x->distance + column);
}

#define GEMM(real, integer)                                                                       \
    ((void (*)(int, int, int, integer, integer, integer, real, const void *, integer,             \
               const void *, integer, real, void *, integer))gemm)(                               \
        101, p->a.is_transposed ? 112 : 111, p->b.is_transposed ? 112 : 111, (integer)rows,       \
        (integer)columns, (integer)p->a.shape[1], 1, a, (integer)p->a.distance, b,                \
        (integer)p->b.distance, 0, out, (integer)p->out.distance)

static void multiply_panel(void *job, ptrdiff_t panel) {
    const struct product *p = job;
    const ptrdiff_t item = p->is_double ? sizeof(double) : sizeof(float);
    const ptrdiff_t n_across = (p->out.shape[1] + p->panel[1] - 1) / p->panel[1];
    const ptrdiff_t row = panel / n_across * p->panel[0], column = panel % n_across * p->panel[1];
    ptrdiff_t rows = p->out.shape[0] - row, columns = p->out.shape[1] - column;
    rows = rows < p->panel[0] ? rows : p->panel[0];
    columns = columns < p->panel[1] ? columns : p->panel[1];
    const void *a = element(&p->a, row, 0, item), *b = element(&p->b, 0, column, item);
    void *out = (void *)element(&p->out, row, column, item), *gemm = blas.gemm[p->is_double];
    if (blas.has_long && p->is_double)
        GEMM(double, int64_t);
    else if (blas.has_long)
        GEMM(float, int64_t);
    else if (p->is_double)
        GEMM(double, int32_t);
    else
        GEMM(float, int32_t);
}

#endif
