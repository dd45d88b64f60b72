/* Convolution: windows of padded arrays times a kernel (taps, channels, filters). Rows behind
   pointers are multiplied with a panel of packed filters, so that no window is copied. Each
   element is one chain of sums, wherever the rows are cut. */

#define ROWS 6                             /* whose sums stay in registers */
#define PANEL (2 * PER_VECTOR)             /* filters */
#define DEPTH (24576 / (2 * VECTOR_BYTES)) /* of a panel that stays in the cache */

/* totals[r, f] += factors[r] panel[f] for `vectors` of columns */
static inline __attribute__((always_inline)) void
add_row(vector totals[ROWS][2], const REAL factors[ROWS], const REAL *panel, int vectors) {
    const vector first = load(panel), second = load(panel + PER_VECTOR);
#pragma GCC unroll 6
    for (int r = 0; r < ROWS; r++) {
        const vector factor = factors[r] - (vector){0};
        totals[r][0] = VECTOR_FMA(factor, first, totals[r][0]);
        if (vectors == 2)
            totals[r][1] = VECTOR_FMA(factor, second, totals[r][1]);
    }
}

/* sums[r, f] += sum over s, k of x[r][places[s] + k] panel[s, k, f] */
static inline void multiply_rows(const REAL *const x[ROWS], const ptrdiff_t *places, ptrdiff_t n,
                                 ptrdiff_t length, const REAL *panel, REAL sums[][PANEL]) {
    vector totals[ROWS][2];
    memcpy(totals, sums, sizeof(totals));
    const REAL *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3], *x4 = x[4], *x5 = x[5];
    for (ptrdiff_t s = 0; s < n; s++)
        for (ptrdiff_t k = places[s]; k < places[s] + length; k++, panel += PANEL) {
            const REAL factors[ROWS] = {x0[k], x1[k], x2[k], x3[k], x4[k], x5[k]};
            add_row(totals, factors, panel, 2);
        }
    memcpy(sums, totals, sizeof(totals));
}

/* Multiply all windows with a panel; out has the products with the parts of the kernel before. */
static void multiply_all(const struct arguments *a, const ptrdiff_t *places, ptrdiff_t n,
                         ptrdiff_t length, const REAL *panel, ptrdiff_t f, int is_first) {
    const struct windows *w = &a->windows;
    const ptrdiff_t width = least(PANEL, w->filters - f);
    REAL *out = part(a, 2, f);
    ptrdiff_t o[4] = {0};
    for (int more = 1; more; out += ROWS * w->filters) {
        const REAL *x[ROWS];
        REAL sums[ROWS][PANEL];
        ptrdiff_t height = 0;
        for (; height < ROWS && more; height++, more = next_window(w, o))
            x[height] = part(a, 0, first_of(w, o));
        for (ptrdiff_t r = height; r < ROWS; r++) /* whose sums are dropped */
            x[r] = x[0];
        for (ptrdiff_t r = 0; r < ROWS; r++)
            copy_part(sums[r], out + r * w->filters, is_first || r >= height ? 0 : width, PANEL);
        multiply_rows(x, places, n, length, panel, sums);
        for (ptrdiff_t r = 0; r < height; r++)
            copy_part(out + r * w->filters, sums[r], width, width);
    }
}

/* out[o, f] = sum over k, c of x[window o, k, c] kernel[k, c, f] */
static void correlate(struct arguments *a) {
    const struct windows *w = &a->windows;
    const REAL *kernel = a->arrays[1];
    /* Neighbours along the last axis are one piece of memory; a long one is cut. */
    struct windows pieces = *w;
    pieces.size[2] = w->dilation[2] == 1 ? 1 : w->size[2];
    const ptrdiff_t size = w->size[2] / pieces.size[2] * w->channels;
    const ptrdiff_t n_pieces = w->size[0] * w->size[1] * pieces.size[2];
    const ptrdiff_t n_cuts = (size + DEPTH - 1) / DEPTH, cut = (size + n_cuts - 1) / n_cuts;
    const ptrdiff_t together = size < DEPTH ? DEPTH / size : 1;
    REAL panel[DEPTH * PANEL];
    ptrdiff_t places[DEPTH];
    for (ptrdiff_t f = 0; f < w->filters; f += PANEL) {
        const ptrdiff_t width = least(PANEL, w->filters - f);
        ptrdiff_t k[MOST_AXES] = {0};
        for (ptrdiff_t piece = 0; piece < n_pieces; piece += together) {
            const ptrdiff_t n = least(together, n_pieces - piece);
            for (ptrdiff_t s = 0; s < n; s++)
                places[s] = next_tap(&pieces, k);
            for (ptrdiff_t start = 0; start < size; start += cut, places[0] += cut) {
                const ptrdiff_t length = least(cut, size - start);
                const REAL *from = kernel + (piece * size + start) * w->filters + f;
                for (ptrdiff_t row = 0; row < n * length; row++)
                    copy_part(panel + row * PANEL, from + row * w->filters, width, PANEL);
                multiply_all(a, places, n, length, panel, f, piece + start == 0);
            }
        }
    }
}

/* sums[i, f] += sum over r of x[rows[r] + places[i]] panel[r, f] */
static inline void add_products(const REAL *x, const ptrdiff_t *rows, ptrdiff_t n,
                                const ptrdiff_t *places, const REAL *panel, REAL sums[][PANEL]) {
    vector totals[ROWS][2] = {0};
    const ptrdiff_t p0 = places[0], p1 = places[1], p2 = places[2];
    const ptrdiff_t p3 = places[3], p4 = places[4], p5 = places[5];
    for (ptrdiff_t r = 0; r < n; r++, panel += PANEL) {
        const REAL *row = x + rows[r];
        const REAL factors[ROWS] = {row[p0], row[p1], row[p2], row[p3], row[p4], row[p5]};
        add_row(totals, factors, panel, 2);
    }
    memcpy(sums, totals, sizeof(totals));
}

/* out[k, c, f] = sum over o of x[window o, k, c] grad[o, f] */
static void correlate_gradient(struct arguments *a) {
    const struct windows *w = &a->windows;
    const ptrdiff_t size = w->size[0] * w->size[1] * w->size[2] * w->channels;
    const REAL *grad = a->arrays[1];
    REAL panel[DEPTH * PANEL], sums[ROWS][PANEL];
    ptrdiff_t rows[DEPTH], places[ROWS], o[4] = {0};
    memset(a->arrays[2], 0, size * w->filters * sizeof(REAL));
    for (int more = 1; more;) {
        ptrdiff_t n = 0;
        for (; n < DEPTH && more; n++, more = next_window(w, o))
            rows[n] = first_of(w, o);
        for (ptrdiff_t f = 0; f < w->filters; f += PANEL) {
            const ptrdiff_t width = least(PANEL, w->filters - f);
            for (ptrdiff_t r = 0; r < n; r++)
                copy_part(panel + r * PANEL, grad + r * w->filters + f, width, PANEL);
            ptrdiff_t at[MOST_AXES] = {0}, first = 0, channel = w->channels;
            for (ptrdiff_t k = 0; k < size; k += ROWS) {
                const ptrdiff_t height = least(ROWS, size - k);
                for (ptrdiff_t i = 0; i < ROWS; i++) {
                    if (i < height && channel == w->channels)
                        first = next_tap(w, at), channel = 0;
                    places[i] = i < height ? first + channel++ : 0; /* whose sums are dropped */
                }
                add_products(a->arrays[0], rows, n, places, panel, sums);
                for (ptrdiff_t i = 0; i < height; i++) {
                    REAL *out = part(a, 2, (k + i) * w->filters + f);
                    for (ptrdiff_t c = 0; c < width; c++)
                        out[c] += sums[i][c];
                }
            }
        }
        grad += n * w->filters;
    }
}
