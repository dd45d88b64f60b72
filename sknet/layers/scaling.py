"""A learned factor for each feature, and a fixed one for all."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval

from ..typing import Array, Shape
from .base import OF_TRAINING, Layer


class LayerOfFeatures(Layer):
    """Base class of layers that keep the shape and learn one number for each feature."""

    _parameter_constraints = {
        "decay": ["boolean"],
        **OF_TRAINING,
    }

    @property
    def is_causal(self) -> bool:
        """Whether each step is treated alone: it is unless the last axis is that of the steps."""
        return len(self.input_shape_) > 1

    def _declare(self, name, input_shape, initializer="ones"):
        """Declare one weight a feature."""
        if not input_shape or input_shape[-1] is None:
            self._refuse(
                "inputs whose last axis has a known length", input_shape, "Check input_shape."
            )
        self.add_weight(name, input_shape[-1:], initializer, decay=self.decay)

    def _sum_of_products(self, a, b, out):
        """Add up the products of two arrays of shape (N, ..., F) in each feature."""
        n_features = a.shape[-1]
        np.einsum("nf,nf->f", a.reshape(-1, n_features), b.reshape(-1, n_features), out=out)


class Scaling(LayerOfFeatures):
    """Multiply each feature by a learned factor: out = scale * x.

    RealMLP puts it after the embeddings and before the first dense layer. With its large
    learning rate, the network soon learns which features matter. Output shape as the input's.

    Parameters
    ----------
    learning_rate_factor : float, default=6.0
        Multiplies the learning rate of the factors, above 0. L-BFGS takes no notice of it.
    decay : bool, default=True
        Whether the penalty `alpha` and weight decay apply to the factors, as they do to kernels.
    trainable : bool, default=True
        Whether training changes the factors.

    Attributes
    ----------
    scale_ : ndarray of shape (F,)
        Factors; 1 at the start.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart (2024), Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data, :arxiv:`2407.04491`.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import Dense, Scaling
    >>> NeuralClassifier(layers=[Scaling(), Dense(64, activation="selu")])
    NeuralClassifier(layers=[Scaling(), Dense(activation='selu', units=64)])
    """

    def __init__(
        self, *, learning_rate_factor: float = 6.0, decay: bool = True, trainable: bool = True
    ) -> None:
        self.learning_rate_factor = learning_rate_factor
        self.decay = decay
        self.trainable = trainable

    def build(self, input_shape: Shape) -> Shape:
        """Declare one factor for each feature of inputs of shape (..., F)."""
        self._declare("scale", input_shape)
        return input_shape

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Compute scale * x."""
        if training:
            self._x = x
        return np.multiply(x, self.scale_, out=self._work("out", x.shape))

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradient of the factors; return that of x."""
        self._sum_of_products(grad_output, self._x, self.scale_grad_)
        return np.multiply(grad_output, self.scale_, out=grad_output) if input_grad else None


class Rescaling(Layer):
    """Multiply all inputs by a number and add another: out = scale * x + offset.

    The defaults bring pixels of 8 bits to [0, 1]. Output shape as the input's.

    Parameters
    ----------
    scale : float, default=1 / 255
        The factor.
    offset : float, default=0.0
        What is added.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import Conv2D, Flatten, Rescaling
    >>> layers = [Rescaling(1 / 127.5, offset=-1.0), Conv2D(16, 3, activation="relu"), Flatten()]
    >>> model = NeuralClassifier(layers=layers, input_shape=(28, 28, 1))
    """

    _parameter_constraints = {
        "scale": [Interval(Real, None, None, closed="neither")],
        "offset": [Interval(Real, None, None, closed="neither")],
    }
    is_causal = True

    def __init__(self, scale: Any = 1 / 255, offset: float = 0.0) -> None:
        self.scale = scale
        self.offset = offset

    def build(self, input_shape: Shape) -> Shape:
        """Take any shape."""
        return input_shape

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Compute scale * x + offset."""
        out = np.multiply(x, float(self.scale), out=self._work("out", x.shape))
        if self.offset:
            out += float(self.offset)
        return out

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Multiply the gradient by the factor."""
        if input_grad:
            grad_output *= float(self.scale)
        return grad_output if input_grad else None
