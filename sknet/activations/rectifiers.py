"""Rectifiers: activations that let positive values pass and damp negative ones."""

from abc import abstractmethod
from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from .base import Activation


class ReLU(Activation):
    """The rectified linear unit, f(x) = max(x, 0) [1]_; its derivative at 0 is taken as 0.

    References
    ----------
    .. [1] Glorot, Bordes and Bengio, "Deep sparse rectifier neural networks", AISTATS 2011,
       https://proceedings.mlr.press/v15/glorot11a.html

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import ReLU
    >>> activation = ReLU()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x)
    array([[0., 0., 2.]])
    """

    def forward(self, x, out, training=False):
        return np.maximum(x, self._zeros(x.shape), out=out)

    def backward(self, grad, out):
        return np.multiply(grad, self._positive(out), out=grad)


class ReLU6(Activation):
    """The rectifier that ends at 6, f(x) = min(max(x, 0), 6) [1]_.

    Its derivatives at 0 and 6 are taken as 0.

    References
    ----------
    .. [1] Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision
       applications", 2017, arXiv:1704.04861

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import ReLU6
    >>> activation = ReLU6()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[0., 0., 2.]])
    """

    def forward(self, x, out, training=False):
        return np.clip(x, 0.0, 6.0, out=out)

    def backward(self, grad, out):
        inside = self._positive(out)
        inside &= np.less(out, 6.0, out=self._work("below", out.shape, bool))
        return np.multiply(grad, inside, out=grad)


class LeakyReLU(Activation):
    """The leaky rectifier, f(x) = max(x, negative_slope * x) [1]_.

    Its derivative at 0 is taken as `negative_slope`.

    Parameters
    ----------
    negative_slope : float, default=0.01
        Slope for negative x, in [0, 1].

    References
    ----------
    .. [1] Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic
       models", ICML Workshop on Deep Learning for Audio, Speech and Language Processing, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import LeakyReLU
    >>> activation = LeakyReLU(negative_slope=0.25)
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x)
    array([[-0.25,  0.  ,  2.  ]])
    """

    # A slope in [0, 1] lets the maximum choose the branch and keeps the sign of x in the output.
    _parameter_constraints = {"negative_slope": [Interval(Real, 0, 1, closed="both")]}

    def __init__(self, negative_slope=0.01):
        self.negative_slope = negative_slope

    def forward(self, x, out, training=False):
        leak = np.multiply(x, float(self.negative_slope), out=self._work("scratch", x.shape))
        return np.maximum(x, leak, out=out)

    def backward(self, grad, out):
        slope = float(self.negative_slope)
        derivative = self._work("scratch", out.shape)
        np.multiply(self._positive(out), 1.0 - slope, out=derivative, dtype=derivative.dtype)
        derivative += slope
        return np.multiply(grad, derivative, out=grad)


class _ExponentialLinear(Activation):
    """f(x) = slope * x for x > 0, else limit * (exp(x) - 1)."""

    @abstractmethod
    def _coefficients(self):
        """Return (slope, limit) as Python floats."""

    def forward(self, x, out, training=False):
        slope, limit = self._coefficients()
        zeros = self._zeros(x.shape)
        negative = np.minimum(x, zeros, out=self._work("scratch", x.shape))
        self._subtract_one_from_exp(negative)
        negative *= limit
        np.maximum(x, zeros, out=out)
        if slope != 1.0:
            out *= slope
        return np.add(out, negative, out=out)

    def _subtract_one_from_exp(self, x):
        """Replace x by exp(x) - 1, as exact where x is near 0."""
        if x.dtype != np.float32:
            np.expm1(x, out=x)
            return
        # With t = tanh(x / 2) it is 2 t / (1 - t), and nothing cancels as x is not above 0. NumPy
        # has vector instructions for tanh in single precision and none for expm1.
        x *= 0.5
        t = np.tanh(x, out=x)
        np.divide(t, np.subtract(1.0, t, out=self._work("exp", x.shape)), out=x)
        x *= 2.0

    def backward(self, grad, out):
        # limit * exp(x) = out + limit for x <= 0; for x > 0, slope = 0 + limit + (slope - limit).
        slope, limit = self._coefficients()
        derivative = np.minimum(out, self._zeros(out.shape), out=self._work("scratch", out.shape))
        derivative += limit
        if slope != limit:
            jump = self._work("jump", out.shape)
            np.multiply(self._positive(out), slope - limit, out=jump, dtype=jump.dtype)
            derivative += jump
        return np.multiply(grad, derivative, out=grad)


class ELU(_ExponentialLinear):
    """The exponential linear unit, f(x) = x for x > 0, else alpha * (exp(x) - 1) [1]_.

    Its derivative at 0 is taken as `alpha`.

    Parameters
    ----------
    alpha : float, default=1.0
        The value that f tends to for negative x is -alpha; at least 0. The derivative is
        continuous for ``alpha=1``.

    References
    ----------
    .. [1] Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by
       exponential linear units (ELUs)", 2015, arXiv:1511.07289

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import ELU
    >>> activation = ELU()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[-0.632,  0.   ,  2.   ]])
    """

    # A negative alpha would hide the sign of x, which the derivative is read from.
    _parameter_constraints = {"alpha": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def _coefficients(self):
        return 1.0, float(self.alpha)


class SELU(_ExponentialLinear):
    """The scaled exponential linear unit, which keeps activations normalised [1]_.

    f(x) = s * x for x > 0, else s * a * (exp(x) - 1), with s = 1.0507 and a = 1.6733: the pair
    for which mean 0 and variance 1 are a stable fixed point, with kernels drawn by LeCun's
    normal rule.

    References
    ----------
    .. [1] Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks",
       2017, arXiv:1706.02515

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import SELU
    >>> activation = SELU()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[-1.111,  0.   ,  2.101]])
    """

    initializer = "lecun_normal"
    _scale = 1.0507009873554805
    _alpha = 1.6732632423543772

    def _coefficients(self):
        return self._scale, self._scale * self._alpha


class Softplus(Activation):
    """The softplus, f(x) = log(1 + exp(x)), a smooth rectifier with positive values [1]_.

    References
    ----------
    .. [1] Glorot, Bordes and Bengio, "Deep sparse rectifier neural networks", AISTATS 2011,
       https://proceedings.mlr.press/v15/glorot11a.html

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import Softplus
    >>> activation = Softplus()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[0.313, 0.693, 2.127]])
    """

    def forward(self, x, out, training=False):
        # max(x, 0) + log(1 + exp(-|x|)) does not overflow.
        correction = np.absolute(x, out=self._work("scratch", x.shape))
        np.negative(correction, out=correction)
        np.exp(correction, out=correction)
        np.log1p(correction, out=correction)
        np.maximum(x, self._zeros(x.shape), out=out)
        return np.add(out, correction, out=out)

    def backward(self, grad, out):
        # The derivative, the logistic of x, is 1 - exp(-out).
        derivative = np.negative(out, out=self._work("scratch", out.shape))
        np.expm1(derivative, out=derivative)
        np.negative(derivative, out=derivative)
        return np.multiply(grad, derivative, out=grad)
