"""Layers that normalize each row over its features."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import DTypeLike

from .. import kernels
from ..kernels.numpy_kernels.normalization import scale_and_shift
from ..typing import Array, Shape
from .channel_moments import LEAST_SPREAD, deviations
from .normalized_axes import AXES, last_axes
from .scaled_and_shifted import ScaledAndShifted, representable


class _RowNorm(ScaledAndShifted):
    """Shared arithmetic of layers that divide each row by the root of its mean square."""

    _parameter_constraints = {**ScaledAndShifted._parameter_constraints, "axis": AXES}
    #: Whether the mean is subtracted first, and whether beta is added.
    _centres = True

    axis = -1

    @property
    def is_causal(self) -> bool:
        """Whether each step is treated alone: it is unless the axis of the steps is normalized."""
        return len(self.input_shape_) > len(self._shape)

    def build(self, input_shape: Shape) -> Shape:
        """Declare the weights for inputs of shape (..., F)."""
        self._shape = last_axes(self, input_shape)
        self._declare(self._shape)
        return input_shape

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory."""
        super().allocate(batch_size, dtype, rng)
        self._fill_in(self._shape, dtype)
        length = prod(self._shape)
        numbers = length, -LEAST_SPREAD, representable(self.epsilon, dtype)
        ones = np.ones(length, dtype)
        self._numbers = ones, *(np.array([number], dtype) for number in numbers)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Normalize the last axis of x, or the last ones."""
        rows = x.reshape(-1, prod(self._shape))
        gamma, beta = self.gamma_.reshape(-1), None
        x_hat, out = self._work("x_hat", rows.shape), self._work("out", rows.shape)
        scale = self._work("inverse_std", (len(rows), 1))
        margin = self._work("margin", (len(rows), 1))
        self._x_hat, self._inverse_std = x_hat, scale
        if self._centres:
            beta = self.beta_.reshape(-1)
        epsilon = float(self._numbers[3][0])
        if not kernels.row_norm(
            *(rows, gamma, beta, x_hat, scale, margin, out),
            *(epsilon, self._numbers, self._work),
        ):
            wrong = ~(margin[:, 0] >= 0) if self._centres else ~(scale[:, 0] > 0)
            self._normalize_again(rows, wrong)
            scale_and_shift(x_hat, gamma, beta, out, self._work)
        return out.reshape(x.shape)

    def _normalize_again(self, rows, chosen):
        """Normalize the chosen rows accurately, whatever their size and spread."""
        rows = rows[chosen]
        x_hat, scaling = deviations(rows, rows[:, :1] if self._centres else 0.0, 1)
        if self._centres:
            x_hat -= x_hat.mean(axis=1, keepdims=True)
        variance = np.square(x_hat).mean(axis=1, keepdims=True)
        inverse_std = 1 / np.sqrt(variance + self._numbers[3] * scaling**2)
        x_hat *= inverse_std
        self._work("x_hat", (len(chosen), rows.shape[1]))[chosen] = x_hat
        self._work("inverse_std", (len(chosen), 1))[chosen] = inverse_std * scaling

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradients of the weights; return that of x."""
        grad = grad_output.reshape(-1, prod(self._shape))
        gamma, gamma_grad = self.gamma_.reshape(-1), self.gamma_grad_.reshape(-1)
        beta_grad = self.beta_grad_.reshape(-1) if self._centres else None
        kernels.row_norm_backward(
            *(grad, self._x_hat, self._inverse_std, gamma, gamma_grad),
            *(beta_grad, input_grad, self._numbers, self._work),
        )
        return grad.reshape(grad_output.shape) if input_grad else None


class LayerNorm(_RowNorm):
    """Normalize each sample (each step of a sequence) over its last axis.

    out = gamma (x - mean) / sqrt(variance + epsilon) + beta. Output shape as the input's.

    Parameters
    ----------
    epsilon : float, default=1e-5
        Added to the variance, above 0.
    axis : int or tuple of int, default=-1
        The last axis, -1, or several last axes, such as (-3, -2, -1) for whole images, that are
        normalized together; gamma and beta have their shape.
    center : bool, default=True
        Whether to add beta.
    scale : bool, default=True
        Whether to multiply by gamma.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes gamma and beta.

    Attributes
    ----------
    gamma_, beta_ : ndarray of shape (F,)
        Scale and shift.

    References
    ----------
    Ba, Kiros and Hinton (2016), Layer normalization, :arxiv:`1607.06450`.

    Examples
    --------
    >>> from sknet.layers import Activation, Dense, LayerNorm, Sequential
    >>> block = Sequential([Dense(64), LayerNorm(), Activation("relu")])
    """

    def __init__(
        self,
        *,
        epsilon: float = 1e-5,
        axis: int | Sequence[int] = -1,
        center: bool = True,
        scale: bool = True,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.epsilon = epsilon
        self.axis = axis
        self.center = center
        self.scale = scale
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable


class RMSNorm(_RowNorm):
    """Divide each sample (each step of a sequence) by the root mean square of its last axis.

    out = gamma x / sqrt(mean(x ** 2) + epsilon). Output shape as the input's.

    Parameters
    ----------
    epsilon : float, default=1e-6
        Added to the mean square, above 0.
    axis : int or tuple of int, default=-1
        The last axis, -1, or several last axes, such as (-3, -2, -1) for whole images, that are
        normalized together; gamma has their shape.
    scale : bool, default=True
        Whether to multiply by gamma.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes gamma.

    Attributes
    ----------
    gamma_ : ndarray of shape (F,)
        Scale.

    References
    ----------
    Zhang and Sennrich (2019), Root mean square layer normalization, :arxiv:`1910.07467`.

    Examples
    --------
    >>> from sknet.layers import Dense, Residual, RMSNorm
    >>> block = Residual([RMSNorm(), Dense(256, activation="gelu"), Dense(64)])
    """

    _centres = center = False

    def __init__(
        self,
        *,
        epsilon: float = 1e-6,
        axis: int | Sequence[int] = -1,
        scale: bool = True,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.epsilon = epsilon
        self.axis = axis
        self.scale = scale
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable
