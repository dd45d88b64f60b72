/* Vectors of the processor, in whose registers sums of products stay. */
typedef REAL vector __attribute__((vector_size(VECTOR_BYTES)));
#define PER_VECTOR ((ptrdiff_t)(VECTOR_BYTES / sizeof(REAL)))

static inline vector load(const REAL *from) {
    vector v;
    memcpy(&v, from, sizeof(v));
    return v;
}

/* The elements of array i from the given one on. */
static inline REAL *part(const struct arguments *a, int i, ptrdiff_t first) {
    return (REAL *)a->arrays[i] + first;
}

/* The same of an array that may be NULL. */
static inline REAL *part_or_null(const struct arguments *a, int i, ptrdiff_t first) {
    return a->arrays[i] ? part(a, i, first) : NULL;
}

/* Copy some elements, and fill up with zeros. */
static inline void copy_part(REAL *to, const REAL *from, ptrdiff_t n, ptrdiff_t size) {
    if (n == size)
        memcpy(to, from, size * sizeof(REAL));
    else
        for (ptrdiff_t i = 0; i < size; i++)
            to[i] = i < n ? from[i] : 0;
}
