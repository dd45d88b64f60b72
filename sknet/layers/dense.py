"""The fully connected layer."""

from numbers import Integral

import numpy as np
from scipy.sparse import issparse
from sklearn.utils._param_validation import Interval, StrOptions

from ..activations import ACTIVATIONS, get_activation
from ..activations import Activation as ActivationFunction
from ..blas import matmul
from ..initializers import INITIALIZERS, Initializer
from .base import Layer


class Dense(Layer):
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

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import Dense
    >>> NeuralClassifier(layers=[Dense(64, activation="relu"), ("code", Dense(8))])
    NeuralClassifier(layers=[Dense(activation='relu', units=64),
                             ('code', Dense(units=8))])
    """

    _parameter_constraints = {
        "units": [Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS)), ActivationFunction, None],
        "use_bias": ["boolean"],
        "kernel_initializer": [StrOptions({"auto", *INITIALIZERS}), Initializer],
        "bias_initializer": [StrOptions(set(INITIALIZERS)), Initializer],
        "trainable": ["boolean"],
    }
    accepts_sparse = True

    def __init__(
        self,
        units,
        activation=None,
        use_bias=True,
        kernel_initializer="auto",
        bias_initializer="zeros",
        trainable=True,
    ):
        self.units = units
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.trainable = trainable

    def build(self, input_shape):
        """Declare kernel and bias for inputs of shape (..., F)."""
        if not input_shape or input_shape[-1] is None:
            self._refuse(
                "inputs of at least one axis, the last one of known length",
                f"{input_shape}",
                "Sequences of numbers have the input_shape (None, 1), of tokens an Embedding.",
            )
        self._activation = get_activation(self.activation)
        initializer = self.kernel_initializer
        if isinstance(initializer, str) and initializer == "auto":
            initializer = self._activation.initializer
        self.add_weight("kernel", (input_shape[-1], self.units), initializer, decay=True)
        if self.use_bias:
            fan = (input_shape[-1], self.units)
            self.add_weight("bias", (self.units,), self.bias_initializer, fan=fan)
        return (*input_shape[:-1], self.units)

    def replicate(self):
        """Return a copy that shares the weights, with an activation of its own."""
        copy = super().replicate()
        copy._activation = get_activation(self._activation)
        return copy

    def allocate(self, batch_size, dtype, rng):
        """Prepare scratch memory for the layer and its activation."""
        super().allocate(batch_size, dtype, rng)
        self._activation.allocate(batch_size, dtype)
        self._ones = np.empty(0, dtype)

    def forward(self, x, training=False, mask=None):
        """Compute activation(x @ kernel + bias) for x of shape (N, ..., F)."""
        out = self._work("out", (*x.shape[:-1], self.units))
        if issparse(x):
            out[:] = x @ self.kernel_
        else:
            matmul(_rows(x), self.kernel_, _rows(out))
        if self.use_bias:
            out += self.bias_
        if training:
            self._x, self._out = x, out
        return self._activation.forward(out, out, training)

    def backward(self, grad_output, input_grad=True):
        """Assign the gradients of kernel and bias; return that of x."""
        x = self._x
        grad = _rows(self._activation.backward(grad_output, self._out))
        if issparse(x):
            self.kernel_grad_[:] = x.T @ grad
        else:
            matmul(_rows(x).T, grad, self.kernel_grad_)
        if self.use_bias:
            # A column sum as a product with ones is several times faster than sum(axis=0).
            if len(self._ones) < len(grad):
                self._ones = np.ones(len(grad), grad.dtype)
            np.matmul(self._ones[: len(grad)], grad, out=self.bias_grad_)
        if not input_grad:
            return None
        grad_x = self._work("grad_x", x.shape)
        matmul(grad, self.kernel_.T, _rows(grad_x))
        return grad_x


def _rows(x):
    """View an array of shape (..., F) as a matrix of rows."""
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])
