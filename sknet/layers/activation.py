"""An activation function as a layer of its own."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import DTypeLike

from ..activations import Activation as ActivationFunction
from ..activations import ActivationName, get_activation
from ..typing import Array, NamedActivation, Shape
from .base import Layer


class Activation(Layer):
    """Apply an activation function.

    Output shape as the input's.

    Parameters
    ----------
    activation : str or sknet.activations.Activation, default="relu"
        The function.

    Examples
    --------
    >>> from sknet.layers import Activation, BatchNorm, Dense, Sequential
    >>> block = Sequential([Dense(64), BatchNorm(), Activation("gelu")])
    """

    _parameter_constraints = {"activation": [ActivationName(), ActivationFunction]}

    def __init__(self, activation: NamedActivation | ActivationFunction | None = "relu") -> None:
        self.activation = activation

    @property
    def is_causal(self) -> bool:
        """Whether each step is treated alone: it is unless a softmax sums over the steps."""
        return self._activation.is_elementwise or len(self.input_shape_) > 1

    def build(self, input_shape: Shape) -> Shape:
        """Make the function; any shape will do."""
        self._activation = get_activation(self.activation)
        return input_shape

    def replicate(self) -> Self:
        """Return a copy with an activation of its own."""
        copy = super().replicate()
        copy._activation = get_activation(self._activation)
        return copy

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory for the layer and its activation."""
        super().allocate(batch_size, dtype, rng)
        self._activation.allocate(batch_size, dtype)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Compute activation(x)."""
        out = self._activation.forward(x, self._work("out", x.shape), training)
        if training:
            self._out = out
        return out

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Multiply the gradient by the derivative."""
        return self._activation.backward(grad_output, self._out) if input_grad else None
