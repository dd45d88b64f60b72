"""Activations that are bounded on both sides."""

import numpy as np

from .base import Activation


class Logistic(Activation):
    """The logistic sigmoid, f(x) = 1 / (1 + exp(-x)), with values in [0, 1].

    It is computed as (tanh(x / 2) + 1) / 2, which is fast and never overflows; its error is
    absolute, so that values below about 1e-16 (float64) come out as 0.

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


def logistic(x, out):
    """Write the logistic sigmoid of x to out, which may be x itself, and return it."""
    np.multiply(x, 0.5, out=out)
    np.tanh(out, out=out)
    out += 1.0
    out *= 0.5
    return out
