"""The fully connected layer."""

from __future__ import annotations

from numbers import Integral
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import Interval, StrOptions

from .. import kernels
from ..activations.base import Activation
from ..blas import matmul
from ..initializers.base import Initializer
from ..regularization import KernelConstraint, Regularizer
from ..typing import Array, NamedActivation, NamedInitializer, Shape
from .affine import AffineLayer
from .base import RATE_FACTOR

#: Multiply-adds up to which a kernel of our own multiplies in the time of BLAS or less.
_SMALL = 2**21


class Dense(AffineLayer):
    """Fully connected layer: activation(x @ kernel + bias) on the last axis.

    Input shape (..., F), output shape (..., U).

    Parameters
    ----------
    units : int
        Number of outputs U, at least 1.
    activation : str or sknet.activations.Activation, default=None
        Activation function; None is the identity.
    use_bias : bool, default=True
        Whether to add a bias.
    kernel_initializer : str or sknet.initializers.Initializer, default="auto"
        Start of the kernel; "auto" is "lecun_normal" for selu, which needs it, and
        "glorot_uniform" for all others.
    bias_initializer : str or sknet.initializers.Initializer, default="zeros"
        Start of the bias.
    kernel_regularizer : sknet.regularization.Regularizer, default=None
        Penalty on the kernel, such as ``L1L2(l1=1e-4)``, in addition to `alpha`.
    kernel_constraint : str or sknet.regularization.KernelConstraint, default=None
        What the kernel is brought back to after each step: max_norm, non_negative, unit_norm, or
        an object.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of kernel and bias, above 0. L-BFGS takes no notice of it.
    bias_learning_rate_factor : float, default=None
        Multiplies the learning rate of the bias in place of `learning_rate_factor`, above 0.
        None takes that.
    parametrization : {"standard", "neural_tangent"}, default="standard"
        "neural_tangent" trains the kernel as K / sqrt(F), where K has elements of about 1: its
        learning rate is divided by sqrt(F), and its decay is not, so that one rate suits layers
        of any width. L-BFGS takes no notice of it.
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
    Klambauer et al. (2017), Self-normalizing neural networks, :arxiv:`1706.02515`.
    Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward
    neural networks, AISTATS.
    Jacot, Gabriel and Hongler (2018), Neural tangent kernel: convergence and generalization in
    neural networks, :arxiv:`1806.07572`.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import Dense
    >>> NeuralClassifier(layers=[Dense(64, activation="relu"), ("code", Dense(8))])
    NeuralClassifier(layers=[Dense(activation='relu', units=64),
                             ('code', Dense(units=8))])
    """

    _parameter_constraints = {
        **AffineLayer._parameter_constraints,
        "units": [Interval(Integral, 1, None, closed="left")],
        "bias_learning_rate_factor": [*RATE_FACTOR, None],
        "parametrization": [StrOptions({"standard", "neural_tangent"})],
    }
    accepts_sparse = True

    def __init__(
        self,
        units: int,
        activation: NamedActivation | Activation | None = None,
        use_bias: bool = True,
        kernel_initializer: NamedInitializer | Initializer | Literal["auto"] = "auto",
        bias_initializer: NamedInitializer | Initializer = "zeros",
        *,
        kernel_regularizer: Regularizer | None = None,
        kernel_constraint: KernelConstraint | None = None,
        learning_rate_factor: float = 1.0,
        bias_learning_rate_factor: float | None = None,
        parametrization: Literal["standard", "neural_tangent"] = "standard",
        trainable: bool = True,
    ) -> None:
        self.units = units
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.kernel_constraint = kernel_constraint
        self.learning_rate_factor = learning_rate_factor
        self.bias_learning_rate_factor = bias_learning_rate_factor
        self.parametrization = parametrization
        self.trainable = trainable

    @property
    def calls_blas(self) -> bool:
        """Whether products of a few rows are left to BLAS."""
        return not (kernels.MULTIPLIES and self.use_bias and self._activation.is_compiled)

    def is_small(self, n_rows: int) -> bool:
        """Return whether a kernel multiplies as fast as BLAS, and applies bias and activation.

        Parameters
        ----------
        n_rows : int
            Number of rows of x.

        Returns
        -------
        is_small : bool
            Whether it does.
        """
        size = n_rows * self.input_shape_[-1] * self.units
        return self.use_bias and self._activation.is_compiled and size <= _SMALL

    @property
    def is_causal(self) -> bool:
        """Whether each step is treated alone: it is unless the last axis is that of the steps."""
        return len(self.input_shape_) > 1

    def build(self, input_shape: Shape) -> Shape:
        """Declare kernel and bias for inputs of shape (..., F)."""
        if not input_shape or input_shape[-1] is None:
            self._refuse(
                "inputs of at least one axis, the last one of known length",
                f"{input_shape}",
                "Sequences of numbers have the input_shape (None, 1), of tokens an Embedding.",
            )
        fan = (input_shape[-1], self.units)
        self._declare(fan, self.units, fan)
        return (*input_shape[:-1], self.units)

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory for the layer and its activation."""
        super().allocate(batch_size, dtype, rng)
        self._calls, self._memory = {}, None

    def _prepare(self, x, training):
        """Return what a kernel is called with if it multiplies as well, or else nothing."""
        if not isinstance(x, np.ndarray) or not self.is_small(x.size // x.shape[-1]):
            return ()
        kind, is_gated, *coefficients = self._activation.compiled
        out = self._work("out", (*x.shape[:-1], self.units))
        derivative = self._work("derivative", out.shape) if training and is_gated else None
        if out.base is not self._memory:  # scratch memory has grown: nothing may hold the old one
            self._calls.clear()
            self._memory = out.base
        return kind, out, derivative, (*coefficients, self._activation._work)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Compute activation(x @ kernel + bias) for x of shape (N, ..., F)."""
        key = type(x), x.shape, training
        call = self._calls.get(key) if self.use_bias else ()  # which initializers switch off
        if call is None:
            if len(self._calls) > 1000:  # sequences of any length
                self._calls.clear()
            call = self._calls[key] = self._prepare(x, training)
        if training:
            self._x, self._call = x, call
        if call:
            kind, out, derivative, rest = call
            kernels.dense(kind, x, self.kernel_, self.bias_, out, derivative, *rest)
            return out
        out = self._work("out", (*x.shape[:-1], self.units))
        if isinstance(x, np.ndarray):
            matmul(_rows(x), self.kernel_, _rows(out))
        else:  # sparse
            out[:] = x @ self.kernel_
        return self._activate(out, training)

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradients of kernel and bias; return that of x."""
        x = self._x
        if self._call:
            kind, out, derivative, rest = self._call
            grad_x = self._work("grad_x", x.shape) if input_grad else None
            kernels.dense_back(
                *(kind, grad_output, out if derivative is None else derivative, x),
                *(self.kernel_, self.kernel_grad_, self.bias_grad_, grad_x, *rest),
            )
            return grad_x
        grad = _rows(self._deactivate(grad_output))
        if isinstance(x, np.ndarray):
            matmul(_rows(x).T, grad, self.kernel_grad_)
        else:  # sparse
            self.kernel_grad_[:] = x.T @ grad
        if not input_grad:
            return None
        grad_x = self._work("grad_x", x.shape)
        matmul(grad, self.kernel_.T, _rows(grad_x))
        return grad_x


def _rows(x):
    """View an array of shape (..., F) as a matrix of rows."""
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])
