"""Activations with a learned number for each neuron."""

from __future__ import annotations

from numbers import Real
from typing import Self

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import Interval

from .. import kernels
from ..activations import Activation as ActivationFunction
from ..activations import ActivationName, get_activation
from ..initializers import Constant
from ..typing import Array, NamedActivation, Shape
from .scaling import LayerOfFeatures


class ParametricActivation(LayerOfFeatures):
    """Mix an activation f with the identity, in each neuron by its own learned weight.

    out = mixing * f(x) + (1 - mixing) * x, with one mixing weight for each element of the last
    axis. Output shape as the input's.

    Parameters
    ----------
    activation : str or sknet.activations.Activation, default="selu"
        The function f. RealMLP takes "selu" for classification and "mish" for regression.
    learning_rate_factor : float, default=0.1
        Multiplies the learning rate of the mixing weights, above 0. L-BFGS takes no notice of
        it.
    decay : bool, default=True
        Whether the penalty `alpha` and weight decay apply to the mixing weights, as they do to
        kernels.
    trainable : bool, default=True
        Whether training changes the mixing weights.

    Attributes
    ----------
    mixing_ : ndarray of shape (F,)
        Weights of f; 1 at the start, where the layer is f itself.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart (2024), Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data, :arxiv:`2407.04491`.

    Examples
    --------
    >>> from sknet.layers import Dense, ParametricActivation, Sequential
    >>> block = Sequential([Dense(64), ParametricActivation("mish")])
    """

    _parameter_constraints = {
        **LayerOfFeatures._parameter_constraints,
        "activation": [ActivationName(), ActivationFunction],
    }

    def __init__(
        self,
        activation: NamedActivation | ActivationFunction | None = "selu",
        *,
        learning_rate_factor: float = 0.1,
        decay: bool = True,
        trainable: bool = True,
    ) -> None:
        self.activation = activation
        self.learning_rate_factor = learning_rate_factor
        self.decay = decay
        self.trainable = trainable

    def build(self, input_shape: Shape) -> Shape:
        """Declare one mixing weight for each feature of inputs of shape (..., F)."""
        self._activation = get_activation(self.activation)
        self._declare("mixing", input_shape)
        return input_shape

    def replicate(self) -> Self:
        """Return a copy that shares the weights, with an activation of its own."""
        copy = super().replicate()
        copy._activation = get_activation(self._activation)
        return copy

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory for the layer and its activation."""
        super().allocate(batch_size, dtype, rng)
        self._activation.allocate(batch_size, dtype)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Compute x + mixing * (f(x) - x)."""
        activated = self._activation.forward(x, self._work("activated", x.shape), training)
        if training:
            self._x, self._activated = x, activated
        out = self._work("out", x.shape)
        kernels.blend(x, activated, self.mixing_, out)
        return out

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradient of the mixing weights; return that of x."""
        x, activated = self._x, self._activated
        mixed = self._work("mixed", x.shape)
        kernels.blend_backward(grad_output, x, activated, self.mixing_, mixed, self.mixing_grad_)
        if not input_grad:
            return None
        # The derivative is 1 - mixing + mixing * f'(x).
        grad_output += self._activation.backward(mixed, activated)
        return grad_output


class PReLU(LayerOfFeatures):
    """The rectifier with a learned slope for negative values, one for each feature.

    out = max(x, 0) + slope * min(x, 0). Output shape as the input's.

    Parameters
    ----------
    initial_slope : float, default=0.25
        Slopes at the start.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the slopes, above 0. L-BFGS takes no notice of it.
    decay : bool, default=False
        Whether the penalty `alpha` and weight decay apply to the slopes, which would make a
        rectifier of each.
    trainable : bool, default=True
        Whether training changes the slopes.

    Attributes
    ----------
    slope_ : ndarray of shape (F,)
        Slopes for negative values.

    References
    ----------
    He et al. (2015), Delving deep into rectifiers: surpassing human-level performance on ImageNet
    classification, :arxiv:`1502.01852`.

    Examples
    --------
    >>> from sknet.layers import Dense, PReLU, Sequential
    >>> block = Sequential([Dense(64), PReLU()])
    """

    _parameter_constraints = {
        **LayerOfFeatures._parameter_constraints,
        "initial_slope": [Interval(Real, None, None, closed="neither")],
    }

    def __init__(
        self,
        initial_slope: float = 0.25,
        *,
        learning_rate_factor: float = 1.0,
        decay: bool = False,
        trainable: bool = True,
    ) -> None:
        self.initial_slope = initial_slope
        self.learning_rate_factor = learning_rate_factor
        self.decay = decay
        self.trainable = trainable

    def build(self, input_shape: Shape) -> Shape:
        """Declare one slope for each feature of inputs of shape (..., F)."""
        self._declare("slope", input_shape, Constant(float(self.initial_slope)))
        return input_shape

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Compute max(x, 0) + slope * min(x, 0)."""
        negative = np.minimum(x, 0.0, out=self._work("negative", x.shape))
        if training:
            self._negative = negative
        out = np.multiply(negative, self.slope_, out=self._work("out", x.shape))
        positive = np.maximum(x, 0.0, out=self._work("positive", x.shape))
        out += positive
        return out

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradient of the slopes; return that of x."""
        negative = self._negative
        self._sum_of_products(grad_output, negative, self.slope_grad_)
        if not input_grad:
            return None
        below = np.less(negative, 0.0, out=self._work("below", negative.shape, bool))
        slopes = np.multiply(below, self.slope_ - 1.0, out=self._work("slopes", negative.shape))
        slopes += 1.0
        return np.multiply(grad_output, slopes, out=grad_output)
