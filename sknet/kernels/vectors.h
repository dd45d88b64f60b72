/* Vectors of the processor, in whose registers sums of products stay. */
typedef REAL vector __attribute__((vector_size(VECTOR_BYTES)));
typedef REAL half_vector __attribute__((vector_size(VECTOR_BYTES / 2)));
#define INLINED static inline __attribute__((always_inline))
#define ALIGNED __attribute__((aligned(VECTOR_BYTES)))
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

/* Copy up to 64 elements in pieces of 64, 32, ... 1, whose sizes the compiler knows. */
static inline void copy_few(REAL *to, const REAL *from, ptrdiff_t n) {
#pragma GCC unroll 7
    for (ptrdiff_t piece = 64; piece; piece /= 2)
        if (n & piece) {
            memcpy(to, from, piece * sizeof(REAL));
            to += piece, from += piece;
        }
}

/* Put sums into an array, or add them to what is there. */
static inline void put(REAL *to, REAL *sums, ptrdiff_t n, int adds) {
    for (ptrdiff_t i = 0; adds && i < n; i++)
        sums[i] += to[i];
    copy_few(to, sums, n);
}
