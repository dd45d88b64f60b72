"""Activations made of straight lines and, for one of them, a parabola."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..base import Workspace
from ..typing import Array
from .base import Activation


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

    def forward(self, x: Array, out: Array, training: bool = False) -> Array:
        return np.clip(x, 0.0, 6.0, out=out)

    def backward(self, grad: Array, out: Array) -> Array:
        inside = np.greater(out, 0.0, out=self._work("above", out.shape, bool))
        inside &= np.less(out, 6.0, out=self._work("below", out.shape, bool))
        return np.multiply(grad, inside, out=grad)


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

    def forward(self, x: Array, out: Array, training: bool = False) -> Array:
        return hard_sigmoid(x, out)

    def backward(self, grad: Array, out: Array) -> Array:
        slope = hard_sigmoid_slope(out, self._work("scratch", out.shape), self._work)
        return np.multiply(grad, slope, out=grad)


class HardSwish(Activation):
    """The swish with straight lines, f(x) = x * min(max(x / 6 + 1 / 2, 0), 1) [1]_.

    References
    ----------
    .. [1] Howard et al., "Searching for MobileNetV3", 2019, arXiv:1905.02244

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import HardSwish
    >>> activation = HardSwish()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[-0.333,  0.   ,  1.667]])
    """

    def forward(self, x: Array, out: Array, training: bool = False) -> Array:
        gate = hard_sigmoid(x, self._work("gate", x.shape))
        if training:
            # The derivative is gate(x) + x gate'(x).
            derivative = hard_sigmoid_slope(gate, self._work("derivative", x.shape), self._work)
            derivative *= x
            derivative += gate
        return np.multiply(x, gate, out=out)

    def backward(self, grad: Array, out: Array) -> Array:
        return np.multiply(grad, self._work("derivative", grad.shape), out=grad)


def hard_sigmoid(x: Array, out: Array | None) -> Any:
    """Write min(max(x / 6 + 1 / 2, 0), 1) to out, which may be x itself, and return it."""
    np.multiply(x, 1.0 / 6.0, out=out)
    out += 0.5
    return np.clip(out, 0.0, 1.0, out=out)


def hard_sigmoid_slope(gate: Any, out: Array | None, work: Workspace) -> Any:
    """Write the derivative of the hard sigmoid, given its values, to out and return it."""
    inside = np.greater(gate, 0.0, out=work("above", gate.shape, bool))
    inside &= np.less(gate, 1.0, out=work("below", gate.shape, bool))
    return np.multiply(inside, 1.0 / 6.0, out=out, dtype=out.dtype)
