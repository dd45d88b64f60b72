/* Updates of a vector of parameters, element by element, with the bits of numpy_kernels.py: p is
   left in grads, for Optimizer.undo; array 2 counts; and shrink is 1 less the weight decay. */

/* g s = rate g;  with momentum  v = v + s,  step v or (Nesterov) s + momentum v,  v = momentum v;
   p = shrink p - step */
static void sgd(struct arguments *a) {
    REAL *params = a->arrays[0], *grads = a->arrays[1], *velocity = a->arrays[3];
    const REAL shrink = a->numbers[5], rate = a->numbers[6], momentum = a->numbers[7];
    const int nesterov = a->numbers[8] != 0;
    EACH (i, a->m) {
        REAL p = params[i], step = grads[i] * rate;
        if (velocity) {
            REAL v = velocity[i] + step, later = v * momentum;
            velocity[i] = later;
            step = nesterov ? step + later : v;
        }
        params[i] = p * shrink - step;
        grads[i] = p;
    }
    ++*(int64_t *)a->arrays[2];
}

/* v = rho v + g^2;  s = rate g / sqrt(v + epsilon);  with momentum  b = s = momentum b + s;
   p = shrink p - s */
static void rmsprop(struct arguments *a) {
    REAL *params = a->arrays[0], *grads = a->arrays[1];
    REAL *square = a->arrays[3], *velocity = a->arrays[4];
    const REAL shrink = a->numbers[6], rate = a->numbers[7], rho = a->numbers[8];
    const REAL epsilon = a->numbers[9], momentum = a->numbers[10];
    EACH (i, a->m) {
        REAL p = params[i], g = grads[i], v = square[i] * rho + g * g;
        REAL step = g / sqrt(v + epsilon) * rate;
        square[i] = v;
        if (velocity) {
            step = velocity[i] * momentum + step;
            velocity[i] = step;
        }
        params[i] = p * shrink - step;
        grads[i] = p;
    }
    ++*(int64_t *)a->arrays[2];
}

/* m = beta_1 m + g;  v = beta_2 v + g^2;  p = shrink p - rate d / (sqrt(v) + epsilon), where d is
   m, or for Nadam nesterov m + g */
static void adam(struct arguments *a) {
    REAL *params = a->arrays[0], *grads = a->arrays[1];
    REAL *mean = a->arrays[3], *square = a->arrays[4];
    const REAL shrink = a->numbers[6], rate = a->numbers[7], beta_1 = a->numbers[8];
    const REAL beta_2 = a->numbers[9], epsilon = a->numbers[10], nesterov = a->numbers[11];
    EACH (i, a->m) {
        REAL p = params[i], g = grads[i];
        REAL m = mean[i] * beta_1 + g, v = square[i] * beta_2 + g * g;
        REAL d = nesterov == 0 ? m : g + m * nesterov;
        mean[i] = m;
        square[i] = v;
        params[i] = p * shrink - d / (sqrt(v) + epsilon) * rate;
        grads[i] = p;
    }
    ++*(int64_t *)a->arrays[2];
}

/* d = weight m + g;  m = beta_2 m + g;  p = shrink p - rate d / (|d| + tiny), the sign of d */
static void lion(struct arguments *a) {
    REAL *params = a->arrays[0], *grads = a->arrays[1], *mean = a->arrays[3];
    const REAL shrink = a->numbers[5], rate = a->numbers[6];
    const REAL weight = a->numbers[7], beta_2 = a->numbers[8];
    const REAL tiny = power_of_2(1 - EXPONENT_BIAS); /* the smallest normal one keeps 0 / 0 away */
    EACH (i, a->m) {
        REAL p = params[i], g = grads[i], m = mean[i], d = m * weight + g;
        mean[i] = m * beta_2 + g;
        params[i] = p * shrink - d / (fabs(d) + tiny) * rate;
        grads[i] = p;
    }
    ++*(int64_t *)a->arrays[2];
}
