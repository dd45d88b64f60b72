/* Convolution: windows of padded arrays times a kernel (taps, channels, filters). Rows behind
   pointers are multiplied with a panel of packed filters, so that no window is copied. Each
   element is one chain of sums, wherever the rows are cut. */

#define ROWS 6                             /* whose sums stay in registers */
#define PANEL (2 * PER_VECTOR)             /* filters */
#define DEPTH (26624 / (2 * VECTOR_BYTES)) /* of a panel that stays in the cache */

/* multiply_rows for a number of half vectors of columns */
INLINED void add_up(const REAL *const x[ROWS], const ptrdiff_t *places, ptrdiff_t n,
                    const REAL *panel, int halves, REAL sums[][PANEL]) {
    vector totals[ROWS][2];
    half_vector tails[ROWS], tail;
    const ptrdiff_t last = halves / 2 * PER_VECTOR;
    memcpy(&tail, panel + last % PANEL, sizeof(tail));
    for (int r = 0; r < ROWS; r++)
        totals[r][0] = load(panel), totals[r][1] = load(panel + PER_VECTOR), tails[r] = tail;
    const REAL *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3], *x4 = x[4], *x5 = x[5];
    for (ptrdiff_t k = 0; k < n; k++) {
        const ptrdiff_t i = places[k];
        const REAL factors[ROWS] = {x0[i], x1[i], x2[i], x3[i], x4[i], x5[i]};
        panel += PANEL;
        memcpy(&tail, panel + last % PANEL, sizeof(tail));
#pragma GCC unroll 6
        for (int r = 0; r < ROWS; r++) {
            for (int v = 0; v < halves / 2; v++)
                totals[r][v] = VECTOR_FMA(factors[r] - (vector){0}, load(panel + v * PER_VECTOR),
                                          totals[r][v]);
            if (halves % 2)
                tails[r] = HALF_FMA(factors[r] - (half_vector){0}, tail, tails[r]);
        }
    }
    memcpy(sums, totals, sizeof(totals));
    for (int r = 0; halves % 2 && r < ROWS; r++)
        memcpy(sums[r] + last, tails + r, sizeof(tail));
}

/* sums[r, f] = panel[0, f] + sum over k of x[r][places[k]] panel[1 + k, f] for f < width */
INLINED void multiply_rows(const REAL *const x[ROWS], const ptrdiff_t *places, ptrdiff_t n,
                           const REAL *panel, ptrdiff_t width, REAL sums[][PANEL]) {
    const int rest = VECTOR_BYTES < 64; /* where half a vector takes as long as a whole one */
    if (2 * width > 3 * PER_VECTOR)
        add_up(x, places, n, panel, 4, sums);
    else if (width > PER_VECTOR)
        add_up(x, places, n, panel, 3 + rest, sums);
    else if (2 * width > PER_VECTOR)
        add_up(x, places, n, panel, 2, sums);
    else
        add_up(x, places, n, panel, 1 + rest, sums);
}

/* Multiply all windows with a panel; out has the products with the parts of the kernel before. */
static void multiply_all(const struct arguments *a, const ptrdiff_t *places, ptrdiff_t n,
                         const REAL *panel, ptrdiff_t f, int is_first) {
    const struct windows *w = &a->windows;
    const ptrdiff_t width = least(PANEL, w->filters - f);
    REAL *out = part(a, 2, f);
    REAL sums[ROWS][PANEL] ALIGNED;
    ptrdiff_t o[4] = {0};
    for (int more = 1; more; out += ROWS * w->filters) {
        const REAL *x[ROWS];
        ptrdiff_t height = 0;
        for (; height < ROWS && more; height++, more = next_window(w, o))
            x[height] = part(a, 0, first_of(w, o));
        for (ptrdiff_t r = height; r < ROWS; r++) /* whose sums are dropped */
            x[r] = x[0];
        multiply_rows(x, places, n, panel, width, sums);
        for (ptrdiff_t r = 0; r < height; r++)
            put(out + r * w->filters, sums[r], width, !is_first);
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
    REAL panel[(1 + DEPTH) * PANEL] ALIGNED = {0};
    ptrdiff_t firsts[DEPTH], places[DEPTH];
    for (ptrdiff_t f = 0; f < w->filters; f += PANEL) {
        const ptrdiff_t width = least(PANEL, w->filters - f);
        ptrdiff_t k[MOST_AXES] = {0};
        for (ptrdiff_t piece = 0; piece < n_pieces; piece += together) {
            const ptrdiff_t n = least(together, n_pieces - piece);
            for (ptrdiff_t s = 0; s < n; s++)
                firsts[s] = next_tap(&pieces, k);
            for (ptrdiff_t start = 0; start < size; start += cut) {
                const ptrdiff_t length = least(cut, size - start);
                const REAL *from = kernel + (piece * size + start) * w->filters + f;
                for (ptrdiff_t row = 0; row < n * length; row++) {
                    places[row] = firsts[row / length] + start + row % length;
                    copy_few(panel + (1 + row) * PANEL, from + row * w->filters, width);
                }
                multiply_all(a, places, n * length, panel, f, piece + start == 0);
            }
        }
    }
}

/* out[k, c, f] = sum over o of x[window o, k, c] grad[o, f] */
static void correlate_gradient(struct arguments *a) {
    const struct windows *w = &a->windows;
    const ptrdiff_t size = w->size[0] * w->size[1] * w->size[2] * w->channels;
    const REAL *grad = a->arrays[1];
    REAL panel[(1 + DEPTH) * PANEL] ALIGNED = {0};
    ptrdiff_t rows[DEPTH], o[4] = {0};
    memset(a->arrays[2], 0, size * w->filters * sizeof(REAL));
    for (int more = 1; more;) {
        ptrdiff_t n = 0;
        for (; n < DEPTH && more; n++, more = next_window(w, o))
            rows[n] = first_of(w, o);
        for (ptrdiff_t f = 0; f < w->filters; f += PANEL) {
            const ptrdiff_t width = least(PANEL, w->filters - f);
            for (ptrdiff_t r = 0; r < n; r++)
                copy_few(panel + (1 + r) * PANEL, grad + r * w->filters + f, width);
            ptrdiff_t at[MOST_AXES] = {0}, first = 0, channel = w->channels;
            for (ptrdiff_t k = 0; k < size; k += ROWS) {
                const ptrdiff_t height = least(ROWS, size - k);
                REAL sums[ROWS][PANEL] ALIGNED;
                const REAL *x[ROWS];
                for (ptrdiff_t i = 0; i < ROWS; i++) {
                    if (i < height && channel == w->channels)
                        first = next_tap(w, at), channel = 0;
                    x[i] = part(a, 0, i < height ? first + channel++ : 0); /* or dropped */
                }
                multiply_rows(x, rows, n, panel, width, sums);
                for (ptrdiff_t i = 0; i < height; i++)
                    put(part(a, 2, (k + i) * w->filters + f), sums[i], width, 1);
            }
        }
        grad += n * w->filters;
    }
}
