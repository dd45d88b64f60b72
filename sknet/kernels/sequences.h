/* Kernels of layers over sequences: attention and embeddings. */

#define TILE 64 /* queries that are treated at a time */

/* Softmax over the keys: e^(score - highest) / total, 0 for keys that are masked or later than the
   query. The scores are (N, heads, keys, queries), and the queries are those of the last keys. */
static void softmax_of_keys(void *arguments) {
    const struct softmax_of_keys *a = arguments;
    REAL *scores = a->scores;
    const ptrdiff_t queries = a->queries, first = a->keys - a->queries;
    REAL highest[TILE], total[TILE];
    for (ptrdiff_t head = 0; head < a->rows * a->heads; head++, scores += a->keys * queries) {
        const uint8_t *mask = a->mask ? a->mask + head / a->heads * a->keys : NULL;
        for (ptrdiff_t tile = 0; tile < queries; tile += TILE) {
            const ptrdiff_t n = least(TILE, queries - tile);
            for (ptrdiff_t q = 0; q < n; q++) {
                highest[q] = mask ? -LARGEST : -(REAL)INFINITY; /* inf - inf would be NaN */
                total[q] = 0;
            }
            for (ptrdiff_t key = 0; key < a->keys; key++) {
                REAL *row = scores + key * queries + tile;
                ptrdiff_t hidden = a->causal ? least(key - first - tile, n) : 0;
                hidden = mask && !mask[key] ? n : hidden;
                for (ptrdiff_t q = 0; q < hidden; q++)
                    row[q] = -(REAL)INFINITY;
                EACH (q, n)
                    highest[q] = row[q] > highest[q] ? row[q] : highest[q];
            }
            for (ptrdiff_t key = 0; key < a->keys; key++) {
                REAL *row = scores + key * queries + tile;
                EACH (q, n) {
                    row[q] = exp_of(row[q] - highest[q]);
                    total[q] += row[q];
                }
            }
            for (ptrdiff_t q = 0; q < n; q++) /* at least 1, unless there is no key */
                total[q] = 1 / (mask && total[q] < 1 ? 1 : total[q]);
            for (ptrdiff_t key = 0; key < a->keys; key++) {
                REAL *row = scores + key * queries + tile;
                EACH (q, n)
                    row[q] *= total[q];
            }
        }
    }
}

/* codes = x, accurate unless one is no whole number from 0 to limit - 1 */
static void read_codes(void *arguments) {
    struct codes *a = arguments;
    const REAL *x = a->values, limit = a->limit;
    ptrdiff_t wrong = 0;
    for (ptrdiff_t i = 0; i < a->n_codes; i++) {
        int fits = x[i] >= 0 && x[i] < limit;
        a->codes[i] = fits ? (int64_t)x[i] : 0;
        wrong += !fits || (REAL)a->codes[i] != x[i];
    }
    a->accurate = !wrong;
}

/* table[code] = sum of the rows of that code */
static void add_by_code(void *arguments) {
    const struct codes *a = arguments;
    const REAL *values = a->values;
    REAL *table = a->table;
    memset(table, 0, a->n_rows * a->width * sizeof(REAL));
    for (ptrdiff_t i = 0; i < a->n_codes; i++, values += a->width) {
        REAL *row = table + a->codes[i] * a->width;
        EACH (k, a->width)
            row[k] += values[k];
    }
}
