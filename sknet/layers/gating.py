"""Layers of which one half opens and closes the other."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import Interval, StrOptions

from ..activations import Activation as ActivationFunction
from ..activations import ActivationName, get_activation
from ..initializers import INITIALIZERS, Initializer
from ..regularization import OF_KERNELS
from ..typing import Array, Shape
from .base import OF_TRAINING, Layer
from .composite import Sequential
from .dense import Dense


class GLU(Layer):
    """Gated linear unit: the first half of the features times a function of the second half.

    out = a * f(b) for x = [a, b]. Input shape (..., 2 F), output shape (..., F).

    Parameters
    ----------
    activation : str or sknet.activations.Activation, default="logistic"
        The function f of the gates: "logistic" makes a GLU, "silu" a SwiGLU, "gelu" a GEGLU,
        "relu" a ReGLU and "identity" a bilinear unit.

    References
    ----------
    Dauphin et al. (2017), Language modeling with gated convolutional networks,
    :arxiv:`1612.08083`.
    Shazeer (2020), GLU variants improve Transformer, :arxiv:`2002.05202`.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.layers import GLU
    >>> from sknet.network import Network
    >>> Network(GLU("relu"), (4,)).predict(np.array([[3.0, 5.0, 2.0, -1.0]]))
    array([[6., 0.]])
    """

    _parameter_constraints = {"activation": [ActivationName(), ActivationFunction]}

    def __init__(self, activation: str = "logistic") -> None:
        self.activation = activation

    @property
    def is_causal(self) -> bool:
        """Whether each step is treated alone: it is unless the last axis is that of the steps."""
        return len(self.input_shape_) > 1

    def build(self, input_shape: Shape) -> Shape:
        """Take inputs of shape (..., 2 F)."""
        if not input_shape or input_shape[-1] is None or input_shape[-1] % 2:
            self._refuse(
                "inputs with an even number of features",
                f"inputs of shape {input_shape}",
                "Give the layer before it twice as many units as you want.",
            )
        self._activation = get_activation(self.activation)
        return (*input_shape[:-1], input_shape[-1] // 2)

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
        """Compute a * f(b)."""
        half = x.shape[-1] // 2
        shape = (*x.shape[:-1], half)
        second = self._work("second", shape)
        np.copyto(second, x[..., half:])
        gates = self._activation.forward(second, self._work("gates", shape), training)
        if training:
            self._first, self._gates = x[..., :half], gates
        return np.multiply(x[..., :half], gates, out=self._work("out", shape))

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Return the gradient of both halves."""
        if not input_grad:
            return None
        half = grad_output.shape[-1]
        grad_x = self._work("grad_x", (*grad_output.shape[:-1], 2 * half))
        np.multiply(grad_output, self._gates, out=grad_x[..., :half])
        grad_output *= self._first
        grad_x[..., half:] = self._activation.backward(grad_output, self._gates)
        return grad_x


class SwiGLU(Sequential):
    """Dense layer with a swish-gated linear unit: silu(x W + b) * (x V + c).

    It is ``Dense(2 * units)``, whose kernel is [V, W], and ``GLU("silu")``. Input shape
    (..., F), output shape (..., units).

    Parameters
    ----------
    units : int
        Number of outputs, at least 1.
    use_bias : bool, default=True
        Whether to add biases.
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

    References
    ----------
    Shazeer (2020), GLU variants improve Transformer, :arxiv:`2002.05202`.

    Examples
    --------
    >>> from sknet.layers import Dense, LayerNorm, Residual, SwiGLU
    >>> block = Residual([LayerNorm(), SwiGLU(128), Dense(64)])
    """

    _list_parameters = ()
    _parameter_constraints = {
        "units": [Interval(Integral, 1, None, closed="left")],
        "use_bias": ["boolean"],
        "kernel_initializer": [StrOptions({"auto", *INITIALIZERS}), Initializer],
        "bias_initializer": [StrOptions(set(INITIALIZERS)), Initializer],
        **OF_KERNELS,
        **OF_TRAINING,
    }
    accepts_sparse = True

    def __init__(
        self,
        units: Any,
        *,
        use_bias: bool = True,
        kernel_initializer: str = "auto",
        bias_initializer: str = "zeros",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.units = units
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.kernel_constraint = kernel_constraint
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    def _owner(self):
        return getattr(self, "_path", "")

    def _items(self):
        dense = Dense(
            2 * self.units,
            use_bias=self.use_bias,
            kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer,
            kernel_regularizer=self.kernel_regularizer,
            kernel_constraint=self.kernel_constraint,
        )
        return [("dense", dense), ("glu", GLU("silu"))]
