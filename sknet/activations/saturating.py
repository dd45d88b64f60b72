"""Activations that are bounded on both sides."""

from __future__ import annotations

import numpy as np

from .. import kernels
from ..typing import Array
from .base import Activation, CompiledActivation


class Logistic(CompiledActivation):
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

    _kind = kernels.LOGISTIC


class Tanh(CompiledActivation):
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

    _kind = kernels.TANH


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

    def forward(self, x: Array, out: Array, training: bool = False) -> Array:
        size = np.absolute(x, out=self._work("scratch", x.shape))
        size += 1.0
        return np.divide(x, size, out=out)

    def backward(self, grad: Array, out: Array) -> Array:
        # The derivative, 1 / (1 + |x|)**2, is (1 - |f|)**2.
        derivative = np.absolute(out, out=self._work("scratch", out.shape))
        np.subtract(1.0, derivative, out=derivative)
        np.square(derivative, out=derivative)
        return np.multiply(grad, derivative, out=grad)


def logistic(x: Array, out: Array | None) -> Array:
    """Write the logistic sigmoid of x to out, which may be x itself, and return it."""
    kernels.activate(kernels.LOGISTIC, x, None, out, None, 0.0, 0.0, None)
    return out
