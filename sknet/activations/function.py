"""An activation that plain functions give."""

from __future__ import annotations

import numpy as np

from ..functions import FunctionComponent, read_only, refusing_writes, wrong_slopes
from ..typing import Array, Function
from .base import Activation

#: Where the derivative is checked.
_POINTS = np.array([[-3.1, -1.7, -0.6, -0.23], [0.31, 0.9, 2.2, 4.4]])


class FunctionActivation(FunctionComponent, Activation):
    """Activation that is given by two plain functions: f, and its derivative.

    `fit` compares the derivative with central differences of f at a few points.

    Parameters
    ----------
    f : callable
        ``f(x)`` returns an array of the shape of x, which it must not change; elementwise, for x
        of any shape.
    derivative : callable
        ``derivative(x)`` returns the derivatives at x in the same way.

    See Also
    --------
    Activation : The base class, for an activation that needs no new memory in each step, or whose
        derivative is not that of f, as that of a straight-through estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import FunctionActivation
    >>> from sknet.layers import Dense
    >>> sine = FunctionActivation(np.sin, np.cos)
    >>> sine.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[0.0, 0.5, 1.0]])
    >>> sine.forward(x, out=x).round(3)
    array([[0.   , 0.479, 0.841]])
    >>> layers = [Dense(16, activation=FunctionActivation(np.sin, np.cos))]
    """

    _parameter_constraints = {"f": [callable], "derivative": [callable]}

    def __init__(self, f: Function, derivative: Function) -> None:
        self.f = f
        self.derivative = derivative

    def forward(self, x: Array, out: Array | None, training: bool = False) -> Array:
        if training:
            np.copyto(self._work("derivative", x.shape), self.derivative(x), casting="same_kind")
        np.copyto(out, self.f(x), casting="same_kind")
        return out

    def backward(self, grad: Array, out: Array | None) -> Array | None:
        return np.multiply(grad, self._work("derivative", grad.shape), out=grad)

    def check(self) -> None:
        """Refuse functions that do not fit together.

        Raises
        ------
        ValueError
            If a function returns something else than it has to, or if the derivative is not that
            of f; the message says where.
        """
        step = 1e-5
        slopes = self._at("derivative", _POINTS)
        values = self._at("f", _POINTS)
        if not np.allclose(self._at("f", _POINTS[:1]), values[:1], equal_nan=True):
            raise ValueError(
                f"{type(self).__name__}: f returns other values for a row among others than for "
                "the same row alone. It must work on each element by itself."
            )
        pair = (self._at("f", _POINTS + sign * step).ravel() for sign in (-1, 1))
        width = np.full(_POINTS.size, 2 * step)
        for point, slope, difference in wrong_slopes(slopes.ravel(), *pair, width):
            raise ValueError(
                f"{type(self).__name__}: derivative is not that of f: at x = "
                f"{_POINTS.flat[point]} it returns {slope:.6g}, and central differences of f give "
                f"{difference:.6g}. Correct one of the two."
            )

    def _at(self, name, x):
        """Return what a function gives for x, which it cannot write to."""
        sentence = (
            f"{type(self).__name__}: {name} writes to x; let it compute in an array of its own."
        )
        with refusing_writes(sentence), np.errstate(all="ignore"):
            found = getattr(self, name)(read_only(x))
        return self._numbers(name, found, x.shape, "one number for each element of x")
