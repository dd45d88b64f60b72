/* Convolution of each channel by itself: windows of padded images (N, height, width, C). */

#define CHANNEL_BLOCK 16 /* channels whose sums stay in registers */

static inline const REAL *NAME(window)(const struct depthwise *a, ptrdiff_t n, ptrdiff_t y,
                                       ptrdiff_t x) {
    const ptrdiff_t row = (n * a->height + y * a->stride[0]) * a->width + x * a->stride[1];
    return (const REAL *)a->x + row * a->channels;
}

static inline const REAL *NAME(tap)(const struct depthwise *a, const REAL *window, ptrdiff_t i,
                                    ptrdiff_t j) {
    return window + (i * a->dilation[0] * a->width + j * a->dilation[1]) * a->channels;
}

/* out[n, y, x, c] = sum over i, j of window[i, j, c] kernel[i, j, c] */
static void NAME(depthwise)(void *arguments) {
    const struct depthwise *a = arguments;
    const ptrdiff_t channels = a->channels;
    REAL *out = a->out;
    for (ptrdiff_t n = 0; n < a->images; n++)
        for (ptrdiff_t y = 0; y < a->rows; y++)
            for (ptrdiff_t x = 0; x < a->columns; x++, out += channels) {
                const REAL *window = NAME(window)(a, n, y, x);
                ptrdiff_t c = 0;
                for (; c + CHANNEL_BLOCK <= channels; c += CHANNEL_BLOCK) {
                    REAL sums[CHANNEL_BLOCK] = {0};
                    const REAL *kernel = (const REAL *)a->kernel + c;
                    for (ptrdiff_t i = 0; i < a->size[0]; i++)
                        for (ptrdiff_t j = 0; j < a->size[1]; j++, kernel += channels) {
                            const REAL *in = NAME(tap)(a, window, i, j) + c;
                            for (int k = 0; k < CHANNEL_BLOCK; k++)
                                sums[k] = FMA(in[k], kernel[k], sums[k]);
                        }
                    memcpy(out + c, sums, sizeof(sums));
                }
                for (; c < channels; c++) {
                    REAL sum = 0;
                    const REAL *kernel = (const REAL *)a->kernel + c;
                    for (ptrdiff_t i = 0; i < a->size[0]; i++)
                        for (ptrdiff_t j = 0; j < a->size[1]; j++, kernel += channels)
                            sum = FMA(NAME(tap)(a, window, i, j)[c], *kernel, sum);
                    out[c] = sum;
                }
            }
}

/* out[i, j, c] = sum over n, y, x of window[i, j, c] grad[n, y, x, c], with grad as the kernel */
static void NAME(depthwise_gradient)(void *arguments) {
    const struct depthwise *a = arguments;
    const ptrdiff_t channels = a->channels;
    const REAL *grad = a->kernel;
    memset(a->out, 0, a->size[0] * a->size[1] * channels * sizeof(REAL));
    for (ptrdiff_t n = 0; n < a->images; n++)
        for (ptrdiff_t y = 0; y < a->rows; y++)
            for (ptrdiff_t x = 0; x < a->columns; x++, grad += channels) {
                const REAL *window = NAME(window)(a, n, y, x);
                REAL *out = a->out;
                for (ptrdiff_t i = 0; i < a->size[0]; i++)
                    for (ptrdiff_t j = 0; j < a->size[1]; j++, out += channels) {
                        const REAL *in = NAME(tap)(a, window, i, j);
                        EACH (c, channels)
                            out[c] = FMA(in[c], grad[c], out[c]);
                    }
            }
}

#undef CHANNEL_BLOCK
