"""Activations that are bounded on both sides."""

import numpy as np

from .base import Activation


class Logistic(Activation):
    """The logistic sigmoid, f(x) = 1 / (1 + exp(-x)), with values in [0, 1].

    Small values are exact to rounding: -100 gives 3.7e-44 in float64, and 0 only where the dtype
    has no smaller number. The derivative is f (1 - f), taken from the output.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import Logistic
    >>> activation = Logistic()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[0.269, 0.5  , 0.881]])
    """

    def forward(self, x, out, training=False):
        return logistic(x, out)

    def backward(self, grad, out):
        derivative = np.subtract(1.0, out, out=self._work("scratch", out.shape))
        derivative *= out
        return np.multiply(grad, derivative, out=grad)


class Tanh(Activation):
    """The hyperbolic tangent, f(x) = tanh(x), with values in [-1, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import Tanh
    >>> activation = Tanh()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[-0.762,  0.   ,  0.964]])
    """

    def forward(self, x, out, training=False):
        return np.tanh(x, out=out)

    def backward(self, grad, out):
        derivative = np.square(out, out=self._work("scratch", out.shape))
        np.subtract(1.0, derivative, out=derivative)
        return np.multiply(grad, derivative, out=grad)


class HardSigmoid(Activation):
    """The logistic sigmoid in three straight lines, f(x) = min(max(x / 6 + 1 / 2, 0), 1) [1]_.

    Its derivatives at -3 and 3 are taken as 0.

    References
    ----------
    .. [1] Howard et al., "Searching for MobileNetV3", 2019, arXiv:1905.02244

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import HardSigmoid
    >>> activation = HardSigmoid()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[0.333, 0.5  , 0.833]])
    """

    def forward(self, x, out, training=False):
        return hard_sigmoid(x, out)

    def backward(self, grad, out):
        slope = hard_sigmoid_slope(out, self._work("scratch", out.shape), self._work)
        return np.multiply(grad, slope, out=grad)


class Softsign(Activation):
    """The softsign, f(x) = x / (1 + abs(x)), with values in (-1, 1) [1]_.

    References
    ----------
    .. [1] Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
       networks", AISTATS 2010, https://proceedings.mlr.press/v9/glorot10a.html

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import Softsign
    >>> activation = Softsign()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[-0.5  ,  0.   ,  0.667]])
    """

    def forward(self, x, out, training=False):
        size = np.absolute(x, out=self._work("scratch", x.shape))
        size += 1.0
        return np.divide(x, size, out=out)

    def backward(self, grad, out):
        # The derivative, 1 / (1 + |x|)**2, is (1 - |f|)**2.
        derivative = np.absolute(out, out=self._work("scratch", out.shape))
        np.subtract(1.0, derivative, out=derivative)
        np.square(derivative, out=derivative)
        return np.multiply(grad, derivative, out=grad)


def logistic(x, out):
    """Write the logistic sigmoid of x to out, which may be x itself, and return it."""
    np.negative(x, out=out)
    with np.errstate(over="ignore"):  # 1 / (1 + inf) is 0, as it should be
        np.exp(out, out=out)
    out += 1.0
    return np.reciprocal(out, out=out)


def hard_sigmoid(x, out):
    """Write min(max(x / 6 + 1 / 2, 0), 1) to out, which may be x itself, and return it."""
    np.multiply(x, 1.0 / 6.0, out=out)
    out += 0.5
    return np.clip(out, 0.0, 1.0, out=out)


def hard_sigmoid_slope(gate, out, work):
    """Write the derivative of the hard sigmoid, given its values, to out and return it."""
    inside = np.greater(gate, 0.0, out=work("above", gate.shape, bool))
    inside &= np.less(gate, 1.0, out=work("below", gate.shape, bool))
    return np.multiply(inside, 1.0 / 6.0, out=out, dtype=out.dtype)
