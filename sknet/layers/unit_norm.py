"""A layer that brings vectors to length one."""

from __future__ import annotations

from math import prod
from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from ..typing import Array, Shape
from .base import Layer
from .normalized_axes import AXES, last_axes


class UnitNorm(Layer):
    """Divide each sample (each step of a sequence) by its Euclidean norm.

    out = x / sqrt(max(sum(x ** 2), epsilon)), over the last axis. Output shape as the input's.

    Parameters
    ----------
    epsilon : float, default=1e-12
        Least sum of squares to divide by the root of, above 0.
    axis : int or tuple of int, default=-1
        The last axis, -1, or several last axes, such as (-2, -1), which are summed up together.

    References
    ----------
    Wang et al. (2017), NormFace: L2 hypersphere embedding for face verification,
    :arxiv:`1704.06369`.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.layers import UnitNorm
    >>> from sknet.network import Network
    >>> Network(UnitNorm(), (2,)).predict(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]])
    """

    _parameter_constraints = {"epsilon": [Interval(Real, 0, None, closed="neither")], "axis": AXES}

    def __init__(self, *, epsilon: float = 1e-12, axis: int = -1) -> None:
        self.epsilon = epsilon
        self.axis = axis

    @property
    def is_causal(self) -> bool:
        """Whether each step is treated alone: it is unless the axis of the steps is summed up."""
        return len(self.input_shape_) > len(self._shape)

    def build(self, input_shape: Shape) -> Shape:
        """Take inputs whose last axes have known lengths."""
        self._shape = last_axes(self, input_shape)
        return input_shape

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Divide by the norms."""
        rows = x.reshape(-1, prod(self._shape))
        norms = self._work("norms", (len(rows), 1))
        np.vecdot(rows, rows, out=norms[:, 0])
        # Where the norm is a constant, the gradient has one term less.
        self._moves = np.greater(norms, self.epsilon, out=self._work("moves", norms.shape, bool))
        np.maximum(norms, max(self.epsilon, float(np.finfo(x.dtype).tiny)), out=norms)
        np.sqrt(norms, out=norms)
        out = np.divide(rows, norms, out=self._work("out", rows.shape))
        self._norms, self._out = norms, out
        return out.reshape(x.shape)

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Return what is orthogonal to the output, over the norm."""
        if not input_grad:
            return None
        grad = grad_output.reshape(self._out.shape)
        along = self._work("along", self._norms.shape)
        np.vecdot(grad, self._out, out=along[:, 0])
        along *= self._moves
        grad -= np.multiply(self._out, along, out=self._work("part", grad.shape))
        grad /= self._norms
        return grad.reshape(grad_output.shape)
