/* Dropout: 32 random bits an element, from 8 generators side by side. */

#define STREAMS 8
#define CHUNK 4096 /* elements with streams of their own: their bits depend on no others */

typedef uint32_t lanes __attribute__((vector_size(4 * STREAMS)));

/* The states of a chunk's streams, by SplitMix64 from `seed` on: so xoshiro's authors advise. */
static inline void start_streams(lanes state[4], uint64_t seed, uint64_t chunk) {
    uint32_t words[4 * STREAMS];
    for (uint64_t k = 0; k < 2 * STREAMS; k++) {
        uint64_t z = seed + (chunk * 2 * STREAMS + k + 1) * 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        z ^= z >> 31;
        words[2 * k] = (uint32_t)z;
        words[2 * k + 1] = (uint32_t)(z >> 32);
    }
    memcpy(state, words, sizeof words);
}

/* xoshiro128++ of Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021. */
static inline lanes draw(lanes s[4]) {
    lanes sum = s[0] + s[3], draws = (sum << 7 | sum >> 25) + s[0], t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3] << 11 | s[3] >> 21;
    return draws;
}

/* kept = draw < 2^32 keep;  out = factor kept x */
static void dropout(struct arguments *a) {
    const REAL *x = a->arrays[0], factor = a->numbers[5];
    REAL *out = a->arrays[1];
    uint8_t *kept = a->arrays[2];
    const double limit = a->numbers[4] * 4294967296.0; /* 2^32 keep */
    const uint32_t largest = limit >= 1 ? (uint32_t)(limit - 1) : 0;
    for (ptrdiff_t chunk = 0; chunk < a->m; chunk += CHUNK) {
        const ptrdiff_t end = least(chunk + CHUNK, a->m);
        lanes streams[4];
        start_streams(streams, a->seed, chunk / CHUNK);
        for (ptrdiff_t start = chunk; start < end; start += STREAMS) {
            lanes draws = draw(streams);
            uint32_t words[STREAMS];
            uint8_t mask[STREAMS];
            memcpy(words, &draws, sizeof words);
            EACH (i, STREAMS)
                mask[i] = words[i] <= largest;
            if (start + STREAMS <= end)
                memcpy(kept + start, mask, STREAMS);
            else
                memcpy(kept + start, mask, end - start);
        }
    }
    EACH (i, a->m)
        out[i] = x[i] * ((REAL)kept[i] * factor);
}

/* grad = factor kept grad */
static void dropout_backward(struct arguments *a) {
    REAL *grad = a->arrays[0];
    const REAL factor = a->numbers[2];
    const uint8_t *kept = a->arrays[1];
    EACH (i, a->m)
        grad[i] *= (REAL)kept[i] * factor;
}
