/* Losses of classes and of labels with their gradients; losses/classification.py explains them. */

/* Row by row, with top the largest logit, e_k = e^(raw_k - top) and rest the sum of the e_k but
   that of the top: the loss is log(1 + rest) - (raw_y - top), its gradient e_k / (1 + rest), and
   less the others' sum, (1 - e_y) + rest, for the true class y; all times the share of the row.
   Smoothing s spreads s / K of the target. */
static void softmax_loss(struct arguments *a) {
    const REAL *raw = a->arrays[0], *shares = a->arrays[2];
    REAL *out = a->arrays[4];
    const ptrdiff_t K = a->n;
    const REAL smoothing = K > 1 ? a->numbers[3] : 0, even = smoothing / K, share = 1.0 / a->m;
    const ptrdiff_t n_together = K && K < BLOCK ? BLOCK / K : 1;
    REAL log_ps[BLOCK], spreads[BLOCK], rests[BLOCK], log_totals[BLOCK];
    int64_t tops[BLOCK];
    double value = 0;
    for (ptrdiff_t first = 0; first < a->m; first += n_together) {
        const ptrdiff_t n = least(n_together, a->m - first);
        const int64_t *codes = (int64_t *)a->arrays[1] + first;
        REAL *block = out;
        for (ptrdiff_t row = 0; row < n; row++, raw += K, block += K) {
            REAL largest = raw[0];
            ptrdiff_t top = 0;
            for (ptrdiff_t k = 1; k < least(K, 64); k++) { /* a branch would be guessed wrong */
                const int is_larger = raw[k] > largest;
                largest = is_larger ? raw[k] : largest;
                top = is_larger ? k : top;
            }
            for (ptrdiff_t k = 64; k < K; k++)
                if (raw[k] > largest)
                    largest = raw[top = k];
            tops[row] = top;
            EACH (k, K)
                block[k] = raw[k] - largest;
            log_ps[row] = block[codes[row]];
            spreads[row] = smoothing > 0 ? sum(K, block) : 0;
        }
        EACH (i, n * K)
            out[i] = exp_of(out[i]);
        block = out;
        for (ptrdiff_t row = 0; row < n; row++, block += K) {
            block[tops[row]] = 0; /* of 1, where small probabilities would be rounded away */
            rests[row] = sum(K, block);
            block[tops[row]] = 1;
        }
        EACH (row, n)
            log_totals[row] = log1p_of(rests[row]);
        for (ptrdiff_t row = 0; row < n; row++, out += K) {
            const ptrdiff_t y = codes[row];
            const REAL rest = rests[row], log_total = log_totals[row];
            REAL slope = shares ? shares[first + row] : share, scale = slope / (1 + rest);
            REAL part = slope * even, miss = ((1 - out[y]) + rest) * scale - part * (K - 1);
            REAL loss = (log_total - log_ps[row]) * (1 - smoothing);
            loss += smoothing * log_total - spreads[row] * even;
            EACH (k, K)
                out[k] = out[k] * scale - part;
            out[y] = -miss;
            value += slope * loss;
        }
    }
    a->result = value;
}

/* Element by element, with z the log-odds, t the (smoothed) target and e = e^-|z|: the loss is
   log(1 + e) + z d, its derivative d - q, where d is 1 - t for z >= 0 and -t for others, and q is
   e / (1 + e) with the sign of z. */
static void sigmoid_loss(struct arguments *a) {
    const REAL *raw = a->arrays[0], *reals = a->arrays[1], *shares = a->arrays[2];
    const int64_t *integers = a->arrays[1];
    REAL *out = a->arrays[4];
    const REAL keep = 1 - a->numbers[3], even = a->numbers[3] / 2, share = 1.0 / a->m;
    const ptrdiff_t size = a->m * a->n;
    REAL losses[BLOCK], targets[BLOCK];
    double value = 0;
    for (ptrdiff_t start = 0; start < size; start += BLOCK) {
        const ptrdiff_t n = least(BLOCK, size - start);
        const REAL *z = raw + start;
        REAL *gradient = out + start;
        EACH (i, n)
            targets[i] = (a->has_integers ? integers[start + i] : reals[start + i]) * keep + even;
        EACH (i, n) {
            REAL e = exp_of(-fabs(z[i])), q = e / (1 + e);
            REAL d = (REAL)(copysign((REAL)1, z[i]) > 0) - targets[i];
            losses[i] = small_log1p(e) + d * z[i];
            gradient[i] = d - copysign(q, z[i]);
        }
        for (ptrdiff_t i = 0; i < n; i++) {
            REAL part = shares ? shares[(start + i) / a->n] : share;
            losses[i] *= part;
            gradient[i] *= part;
        }
        value += sum(n, losses);
    }
    a->result = value;
}

/* r^2 / 2 of r = raw - y, and r, times the share of the row; of one output */
static void squared_loss(struct arguments *a) {
    const REAL *raw = a->arrays[0], *y = a->arrays[1], *shares = a->arrays[2];
    REAL *out = a->arrays[4];
    a->result = 0;
    for (ptrdiff_t row = 0; row < a->m; row++) {
        const REAL share = shares ? shares[row] : (REAL)1 / a->m, r = raw[row] - y[row];
        out[row] = share * r;
        a->result += out[row] * r / 2;
    }
}
