/* Products of matrices: out = a b, in panels of fixed size, each by one call of NumPy's BLAS. */
#ifndef SKNET_PRODUCTS_H
#define SKNET_PRODUCTS_H

/* OpenBLAS's cblas_sgemm and cblas_dgemm for integers of 64 bits, NULL where they are unknown. */
static void *_Atomic gemm_functions[2];

/* `distance` is that of its rows, or of its columns if it is transposed, in elements. */
struct matrix {
    char *data;
    ptrdiff_t shape[2], distance;
    int is_transposed;
};

struct product {
    struct matrix a, b, out;
    ptrdiff_t panel[2], n_panels[2]; /* rows and columns of a panel; the last ones are smaller */
    int is_double;
};

static void *element(const struct matrix *x, ptrdiff_t row, ptrdiff_t column, ptrdiff_t item) {
    return x->data +
           item * (x->is_transposed ? row + column * x->distance : row * x->distance + column);
}

#define GEMM(real)                                                                                \
    ((void (*)(int, int, int, int64_t, int64_t, int64_t, real, void *, int64_t, void *, int64_t,  \
               real, void *, int64_t))gemm_functions[p->is_double])(                              \
        101, 111 + p->a.is_transposed, 111 + p->b.is_transposed, rows, columns, p->a.shape[1], 1, \
        a, p->a.distance, b, p->b.distance, 0, out, p->out.distance)

static void multiply_panel(void *job, ptrdiff_t panel) {
    const struct product *p = job;
    const ptrdiff_t item = p->is_double ? sizeof(double) : sizeof(float);
    const ptrdiff_t row = panel / p->n_panels[1] * p->panel[0], left = p->out.shape[0] - row;
    const ptrdiff_t column = panel % p->n_panels[1] * p->panel[1];
    const ptrdiff_t rows = left < p->panel[0] ? left : p->panel[0];
    const ptrdiff_t rest = p->out.shape[1] - column;
    const ptrdiff_t columns = rest < p->panel[1] ? rest : p->panel[1];
    void *a = element(&p->a, row, 0, item), *b = element(&p->b, 0, column, item);
    void *out = element(&p->out, row, column, item);
    if (p->is_double)
        GEMM(double);
    else
        GEMM(float);
}

static void multiply_panels(void *arguments) {
    const struct product *p = arguments;
    share_out(multiply_panel, arguments, p->n_panels[0] * p->n_panels[1]);
}

#endif
