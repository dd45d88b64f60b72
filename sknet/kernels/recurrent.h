/* Steps of recurrent layers. The sums of sigmoids come halved: s(x) = (1 + tanh(x / 2)) / 2. */

static inline REAL of_half(REAL half) {
    return FMA(tanh_of(half), (REAL)0.5, (REAL)0.5);
}

/* c = f c + i g and h = o tanh(c), of the slots (free, g, i, f, o). While training the slots
   become (dc/da_i, dc/da_f, dc/da_c, f, dh/da_o), and squashed dh/dc = o (1 - tanh(c)^2). */
static void lstm_step(struct arguments *a) {
    const ptrdiff_t n = a->m * a->n;
    REAL *s0 = a->arrays[0], *s1 = s0 + n, *s2 = s1 + n, *s3 = s2 + n, *s4 = s3 + n;
    REAL *cell = a->arrays[1], *squashed = a->arrays[2], *after = a->arrays[3];
    EACH (k, n) {
        REAL g = tanh_of(s1[k]), i = of_half(s2[k]);
        REAL f = of_half(s3[k]), o = of_half(s4[k]);
        REAL i_g = i * g, f_c = f * cell[k], c = i_g + f_c, t = tanh_of(c), h = o * t;
        cell[k] = c;
        after[k] = h;
        s1[k] = f_c - f * f_c;
        s0[k] = i_g - i * i_g;
        s2[k] = i - g * i_g;
        s3[k] = f;
        s4[k] = h - o * h;
        squashed[k] = o - t * h;
    }
}

/* Gradients (i, f, c, o) of the sums, of those of h and c; that of c goes to the step before. */
static void lstm_step_back(struct arguments *a) {
    const ptrdiff_t width = a->n, n = a->m * width;
    for (ptrdiff_t at = 0; at < n; at += width) {
        const REAL *grad = part(a, 0, at), *slope = part(a, 2, at), *s0 = part(a, 1, at);
        const REAL *s1 = s0 + n, *s2 = s1 + n, *s3 = s2 + n, *s4 = s3 + n;
        REAL *grad_cell = part(a, 3, at), *to = part(a, 4, 4 * at);
        EACH (k, width) {
            REAL of_cell = grad_cell[k] + slope[k] * grad[k];
            to[k] = s0[k] * of_cell;
            to[width + k] = s1[k] * of_cell;
            to[2 * width + k] = s2[k] * of_cell;
            to[3 * width + k] = s4[k] * grad[k];
            grad_cell[k] = of_cell * s3[k];
        }
    }
}

/* h = z h + (1 - z) g with g = tanh(x + r y), of the slots (x, z, r, y, free). While training the
   slots become (dh/da_g, z, r, da_g/da_r, dh/da_z). */
static void gru_step(struct arguments *a) {
    const ptrdiff_t n = a->m * a->n;
    REAL *s0 = a->arrays[0], *s1 = s0 + n, *s2 = s1 + n, *s3 = s2 + n, *s4 = s3 + n;
    REAL *after = a->arrays[2];
    const REAL *before = a->arrays[1];
    EACH (k, n) {
        REAL z = of_half(s1[k]), r = of_half(s2[k]), y = s3[k];
        REAL g = tanh_of(s0[k] + r * y), difference = before[k] - g, rest = 1 - z;
        after[k] = z * difference + g;
        s0[k] = rest - rest * (g * g);
        s1[k] = z;
        s2[k] = r;
        s3[k] = y * (r - r * r);
        s4[k] = (z - z * z) * difference;
    }
}

/* The gradients (x, z, r, y) of the sums; that of h goes on to the step before. */
static void gru_step_back(struct arguments *a) {
    const ptrdiff_t width = a->n, n = a->m * width;
    for (ptrdiff_t at = 0; at < n; at += width) {
        const REAL *s0 = part(a, 1, at), *s1 = s0 + n, *s2 = s1 + n, *s3 = s2 + n, *s4 = s3 + n;
        REAL *grad = part(a, 0, at), *to = part(a, 2, 4 * at);
        EACH (k, width) {
            REAL of_sum = s0[k] * grad[k];
            to[k] = of_sum;
            to[width + k] = s4[k] * grad[k];
            to[2 * width + k] = s3[k] * of_sum;
            to[3 * width + k] = s2[k] * of_sum;
            grad[k] *= s1[k];
        }
    }
}
