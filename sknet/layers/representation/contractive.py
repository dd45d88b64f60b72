"""A dense layer that is penalised for following its input."""

from __future__ import annotations

from numbers import Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval

from ...activations import Activation as ActivationFunction
from ...activations import (
    ActivationName,
    Identity,
    Logistic,
    ReLU,
    Softplus,
    Tanh,
)
from ...initializers.base import Initializer
from ...regularization import KernelConstraint, Regularizer
from ...typing import Array, NamedActivation, NamedInitializer, Shape
from ..dense import Dense
from .row_loss import RowLoss, as_column


class ContractiveDense(RowLoss, Dense):
    """Dense layer that adds the squared size of its Jacobian to the loss.

    The layer computes h = activation(a), a = x @ kernel + bias, and each row adds
    penalty * ||dh/dx||^2 = penalty * sum_j activation'(a_j)^2 sum_i kernel_ij^2 to the loss. As
    the first layer of an autoencoder, with the code as its output, it makes a contractive
    autoencoder: the code keeps still where rows do not vary in the data. The penalty is exact
    for this layer; it says nothing of layers before and after it.
    Input shape (F,), output shape (U,).

    Parameters
    ----------
    units : int
        Number of outputs U, at least 1.
    activation : {"identity", "logistic", "sigmoid", "tanh", "relu", "softplus"} or \
sknet.activations.Activation, default="logistic"
        Activation function: one of these, whose second derivatives the layer knows. None is the
        identity.
    penalty : float, default=0.1
        Strength of the penalty, at least 0.
    use_bias : bool, default=True
        Whether to add a bias.
    kernel_initializer : str or sknet.initializers.Initializer, default="auto"
        Start of the kernel; "auto" is "glorot_uniform".
    bias_initializer : str or sknet.initializers.Initializer, default="zeros"
        Start of the bias.
    kernel_regularizer : sknet.regularization.Regularizer, default=None
        Penalty on the kernel, such as ``L1L2(l1=1e-4)``, in addition to `alpha`.
    kernel_constraint : str or sknet.regularization.KernelConstraint, default=None
        What the kernel is brought back to after each step: max_norm, non_negative, unit_norm, or
        an object.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights.

    Attributes
    ----------
    kernel_ : ndarray of shape (F, U)
        Weights.
    bias_ : ndarray of shape (U,)
        Bias.

    References
    ----------
    Rifai et al. (2011), Contractive auto-encoders: explicit invariance during feature
    extraction, ICML.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import ContractiveDense
    >>> NeuralClassifier(layers=[("code", ContractiveDense(32, penalty=0.01))])
    NeuralClassifier(layers=[('code', ContractiveDense(penalty=0.01, units=32))])
    """

    _parameter_constraints = {
        **Dense._parameter_constraints,
        "activation": [ActivationName(), ActivationFunction, None],
        "penalty": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        units: int,
        activation: NamedActivation | ActivationFunction | None = "logistic",
        *,
        penalty: float = 0.1,
        use_bias: bool = True,
        kernel_initializer: NamedInitializer | Initializer | Literal["auto"] = "auto",
        bias_initializer: NamedInitializer | Initializer = "zeros",
        kernel_regularizer: Regularizer | None = None,
        kernel_constraint: KernelConstraint | None = None,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint,
            learning_rate_factor=learning_rate_factor,
            trainable=trainable,
        )
        self.penalty = penalty

    def build(self, input_shape: Shape) -> Shape:
        """Declare kernel and bias for inputs of shape (F,)."""
        if len(input_shape) != 1:
            self._refuse("inputs of shape (features,)", input_shape, "Put a Flatten before it.")
        output_shape = super().build(input_shape)
        if type(self._activation) not in _DERIVATIVES:
            known = ", ".join(repr(kind.__name__.lower()) for kind in _DERIVATIVES)
            self._refuse(
                f"an activation among {known}, whose second derivatives it knows",
                repr(self.activation),
                "Choose one of these, or use Dense with an ActivityPenalty or noise.",
            )
        return output_shape

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Compute activation(x @ kernel + bias); leave the penalty in `added_loss`."""
        out = super().forward(x, training, mask)
        slope, bend = self._work("slope", out.shape), self._work("bend", out.shape)
        _DERIVATIVES[type(self._activation)](out, slope, bend)
        # sum_i kernel_ij^2: what unit j adds where its slope is 1.
        self._lengths = np.einsum("ij,ij->j", self.kernel_, self.kernel_)
        self._slope, self._bend = np.square(slope, out=slope), bend
        losses = self._work("losses", (len(out),))
        self._add(self.penalty, np.matmul(slope, self._lengths, out=losses))
        return out

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradients of kernel and bias, the penalty's included."""
        shares = self._shares(self.penalty, len(grad_output))
        # The slope's own gradient is 2 f' f'' lengths; the activation multiplies by f' below.
        bend = self._bend
        bend *= self._lengths
        bend *= as_column(shares)
        bend *= 2.0
        grad_output += bend
        slope = self._slope
        slope *= as_column(shares)
        grad_x = super().backward(grad_output, input_grad)
        pull = np.multiply(self.kernel_, slope.sum(axis=0), out=self._work("pull", self._shape))
        pull *= 2.0
        self.kernel_grad_ += pull
        return grad_x

    @property
    def _shape(self):
        return self.kernel_.shape


# Each writes f'(a) and f''(a) for the output f(a).


def _identity(out, slope, bend):
    slope.fill(1)
    bend.fill(0)


def _logistic(out, slope, bend):
    np.subtract(1.0, out, out=slope)
    np.subtract(slope, out, out=bend)
    slope *= out
    bend *= slope


def _tanh(out, slope, bend):
    np.square(out, out=slope)
    np.subtract(1.0, slope, out=slope)
    np.multiply(out, slope, out=bend)
    bend *= -2.0


def _relu(out, slope, bend):
    np.sign(out, out=slope)
    bend.fill(0)


def _softplus(out, slope, bend):
    np.negative(out, out=bend)
    np.expm1(bend, out=slope)
    np.negative(slope, out=slope)
    np.exp(bend, out=bend)
    bend *= slope


_DERIVATIVES = {
    Identity: _identity,
    Logistic: _logistic,
    Tanh: _tanh,
    ReLU: _relu,
    Softplus: _softplus,
}
