"""Layers that mark steps of sequences as padding."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from ...typing import Array, Shape
from ..base import Layer


class Masking(Layer):
    """Mark the steps whose features all equal one value as padding.

    Layers after it skip these steps; they are set to zero, as are those that a mask from
    before had marked. Input shape (T, F), output shape (T, F).

    Parameters
    ----------
    mask_value : float, default=0.0
        What every feature of a padded step equals.

    Examples
    --------
    >>> from sknet import NeuralRegressor
    >>> from sknet.layers import Dense, Flatten, Masking
    >>> X = [[[1.0, 2.0], [-1.0, -1.0]], [[3.0, -1.0], [4.0, 5.0]]]
    >>> layers = [Masking(mask_value=-1.0), Dense(4, activation="relu"), Flatten()]
    >>> model = NeuralRegressor(layers=layers, input_shape=(2, 2))
    """

    _parameter_constraints = {"mask_value": [Interval(Real, None, None, closed="neither")]}
    is_causal = True
    marks_steps = True

    def __init__(self, mask_value: float = 0.0) -> None:
        self.mask_value = mask_value

    def build(self, input_shape: Shape) -> Shape:
        """Take sequences of any number of steps."""
        if len(input_shape) < 2:
            self._refuse(
                "sequences of shape (T, F)",
                input_shape,
                "Pass input_shape=(T, 1) for one feature a step, or use mask_zero of Embedding "
                "for token ids.",
            )
        return input_shape

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Set the padded steps of x to zero."""
        steps = x.reshape(*x.shape[:2], -1)
        differs = np.not_equal(
            steps, float(self.mask_value), out=self._work("differs", steps.shape, bool)
        )
        real = np.logical_or.reduce(differs, axis=2, out=self._work("real", x.shape[:2], bool))
        if mask is not None:
            real &= mask
        self._mask = None if real.all() else real
        # A factor of the dtype of x: products with booleans are slow.
        self._factor = self._work("factor", (*x.shape[:2], *(1,) * (x.ndim - 2)))
        self._factor.reshape(real.shape)[...] = real
        return np.multiply(x, self._factor, out=self._work("out", x.shape))

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Pass on the gradient of the steps that are real."""
        if not input_grad:
            return None
        grad_output *= self._factor
        return grad_output

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return which steps the last forward pass found real; None if all are."""
        return self._mask
