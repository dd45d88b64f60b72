/* Kernels of layers over sequences: attention and embeddings. */

#define TILE 64 /* queries that are treated at a time */

/* Softmax over the keys: e^(score - highest) / total, 0 for keys that are masked or later than the
   query. The scores are (N, heads, keys, queries), and the queries are those of the last keys. */
static void softmax_of_keys(struct arguments *a) {
    REAL *scores = a->arrays[0];
    const uint8_t *masks = a->arrays[1]; /* (N, keys), or NULL */
    const ptrdiff_t keys = a->o, queries = a->p, first = keys - queries;
    REAL highest[TILE], total[TILE], lowest = nextafter(-(REAL)INFINITY, (REAL)0);
    for (ptrdiff_t head = 0; head < a->m * a->n; head++, scores += keys * queries) {
        const uint8_t *mask = masks ? masks + head / a->n * keys : NULL;
        for (ptrdiff_t tile = 0; tile < queries; tile += TILE) {
            const ptrdiff_t n = least(TILE, queries - tile);
            for (ptrdiff_t q = 0; q < n; q++) {
                highest[q] = mask ? lowest : -(REAL)INFINITY; /* inf - inf would be NaN */
                total[q] = 0;
            }
            for (ptrdiff_t key = 0; key < keys; key++) {
                REAL *row = scores + key * queries + tile;
                ptrdiff_t hidden = a->is_causal ? least(key - first - tile, n) : 0;
                hidden = mask && !mask[key] ? n : hidden;
                for (ptrdiff_t q = 0; q < hidden; q++)
                    row[q] = -(REAL)INFINITY;
                EACH (q, n)
                    highest[q] = row[q] > highest[q] ? row[q] : highest[q];
            }
            for (ptrdiff_t key = 0; key < keys; key++) {
                REAL *row = scores + key * queries + tile;
                EACH (q, n) {
                    row[q] = exp_of(row[q] - highest[q]);
                    total[q] += row[q];
                }
            }
            for (ptrdiff_t q = 0; q < n; q++) /* at least 1, unless there is no key */
                total[q] = 1 / (mask && total[q] < 1 ? 1 : total[q]);
            for (ptrdiff_t key = 0; key < keys; key++) {
                REAL *row = scores + key * queries + tile;
                EACH (q, n)
                    row[q] *= total[q];
            }
        }
    }
}

/* codes = x, true unless one is no whole number from 0 to limit - 1 */
static void read_codes(struct arguments *a) {
    const REAL *x = a->arrays[0], limit = fmin(a->numbers[2], 0x1p53);
    int64_t *codes = a->arrays[1];
    ptrdiff_t wrong = 0;
    for (ptrdiff_t i = 0; i < a->m; i++) {
        int fits = x[i] >= 0 && x[i] < limit;
        codes[i] = fits ? (int64_t)x[i] : 0;
        wrong += !fits || (REAL)codes[i] != x[i];
    }
    a->result = !wrong;
}

/* table[code] = sum of the rows of that code */
static void add_by_code(struct arguments *a) {
    const REAL *values = a->arrays[0];
    const int64_t *codes = a->arrays[1];
    REAL *table = a->arrays[2]; /* (o, n) */
    const ptrdiff_t n = a->n;
    memset(table, 0, a->o * n * sizeof(REAL));
    for (ptrdiff_t i = 0; i < a->m; i++, values += n) {
        REAL *row = table + codes[i] * n;
        EACH (k, n)
            row[k] += values[k];
    }
}
