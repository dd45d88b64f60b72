/* Updates of a vector of parameters, element by element, with the bits of numpy_kernels.py.
   p is left in grads, for Optimizer.undo, and shrink is 1 less the weight decay. */

/* g s = rate g;  with momentum  v = v + s,  step v or (Nesterov) s + momentum v,  v = momentum v;
   p = shrink p - step */
static void sgd(void *arguments) {
    const struct sgd a = *(struct sgd *)arguments;
    REAL *params = a.params, *grads = a.grads, *velocity = a.velocity;
    const REAL shrink = a.shrink, rate = a.rate, momentum = a.momentum;
    EACH (i, a.size) {
        REAL p = params[i], step = grads[i] * rate;
        if (velocity) {
            REAL v = velocity[i] + step, later = v * momentum;
            velocity[i] = later;
            step = a.nesterov ? step + later : v;
        }
        params[i] = p * shrink - step;
        grads[i] = p;
    }
}

/* v = rho v + g^2;  s = rate g / sqrt(v + epsilon);  with momentum  b = s = momentum b + s;
   p = shrink p - s */
static void rmsprop(void *arguments) {
    const struct rmsprop a = *(struct rmsprop *)arguments;
    REAL *params = a.params, *grads = a.grads, *square = a.square, *velocity = a.velocity;
    const REAL shrink = a.shrink, rate = a.rate, rho = a.rho, epsilon = a.epsilon;
    const REAL momentum = a.momentum;
    EACH (i, a.size) {
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
}

/* m = beta_1 m + g;  v = beta_2 v + g^2;  p = shrink p - rate d / (sqrt(v) + epsilon), where d is
   m, or for Nadam nesterov m + g */
static void adam(void *arguments) {
    const struct adam a = *(struct adam *)arguments;
    REAL *params = a.params, *grads = a.grads, *mean = a.mean, *square = a.square;
    const REAL shrink = a.shrink, rate = a.rate, beta_1 = a.beta_1, beta_2 = a.beta_2;
    const REAL epsilon = a.epsilon, nesterov = a.nesterov;
    EACH (i, a.size) {
        REAL p = params[i], g = grads[i];
        REAL m = mean[i] * beta_1 + g, v = square[i] * beta_2 + g * g;
        REAL d = nesterov == 0 ? m : g + m * nesterov;
        mean[i] = m;
        square[i] = v;
        params[i] = p * shrink - d / (sqrt(v) + epsilon) * rate;
        grads[i] = p;
    }
}

/* d = weight m + g;  m = beta_2 m + g;  p = shrink p - rate sign(d), sign(d) = d / (|d| + tiny) */
static void lion(void *arguments) {
    const struct lion a = *(struct lion *)arguments;
    REAL *params = a.params, *grads = a.grads, *mean = a.mean;
    const REAL shrink = a.shrink, rate = a.rate, weight = a.weight, beta_2 = a.beta_2;
    const REAL tiny = a.tiny;
    EACH (i, a.size) {
        REAL p = params[i], g = grads[i], m = mean[i], d = m * weight + g;
        mean[i] = m * beta_2 + g;
        params[i] = p * shrink - d / (fabs(d) + tiny) * rate;
        grads[i] = p;
    }
}
