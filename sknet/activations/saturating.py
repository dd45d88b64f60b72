"""Activations that are bounded on both sides."""

from __future__ import annotations

import numpy as np

from ..typing import Array
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

    def forward(self, x: Array, out: Array | None, training: bool = False) -> Array:
        return logistic(x, out)

    def backward(self, grad: Array, out: Array | None) -> Array | None:
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

    def forward(self, x: Array, out: Array | None, training: bool = False) -> Array:
        return np.tanh(x, out=out)

    def backward(self, grad: Array, out: Array | None) -> Array | None:
        derivative = np.square(out, out=self._work("scratch", out.shape))
        np.subtract(1.0, derivative, out=derivative)
        return np.multiply(grad, derivative, out=grad)


def logistic(x: Array, out: Array | None) -> Array:
    """Write the logistic sigmoid of x to out, which may be x itself, and return it."""
    np.negative(x, out=out)
    with np.errstate(over="ignore"):  # 1 / (1 + inf) is 0, as it should be
        np.exp(out, out=out)
    out += 1.0
    return np.reciprocal(out, out=out)
