"""What layers share that add a bias to a product and apply an activation."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import StrOptions

from ..activations import Activation as ActivationFunction
from ..activations import ActivationName, Identity, get_activation
from ..initializers import INITIALIZERS, Initializer
from ..regularization import OF_KERNELS
from ..typing import Array
from .base import OF_TRAINING, Layer


class AffineLayer(Layer):
    """Base class of layers that return activation(product with a kernel + bias)."""

    use_bias: bool

    #: What multiplies the learning rate of the bias, if not that of the kernel.
    bias_learning_rate_factor = None
    parametrization = "standard"

    _parameter_constraints = {
        "activation": [ActivationName(), ActivationFunction, None],
        "use_bias": ["boolean"],
        "kernel_initializer": [StrOptions({"auto", *INITIALIZERS}), Initializer],
        "bias_initializer": [StrOptions(set(INITIALIZERS)), Initializer],
        **OF_KERNELS,
        **OF_TRAINING,
    }

    def _declare(self, kernel_shape, n_outputs, fan):
        """Declare the weights and make the activation."""
        self._activation = get_activation(self.activation)
        initializer = self.kernel_initializer
        if isinstance(initializer, str) and initializer == "auto":
            initializer = self._activation.initializer
        rate, own = self.learning_rate_factor, self.bias_learning_rate_factor
        root = fan[0] ** 0.5 if self.parametrization == "neural_tangent" else 1.0
        self.add_weight(
            "kernel", kernel_shape, initializer, rate_factor=rate / root, decay=root, fan=fan
        )
        if self.use_bias:
            rate = rate if own is None else own
            self.add_weight("bias", (n_outputs,), self.bias_initializer, rate_factor=rate, fan=fan)

    def initialize_from(
        self, x: Array, rng: np.random.Generator, mask: Array | None = None
    ) -> None:
        """Let initializers that need data set kernel and bias; called on a replica.

        Parameters
        ----------
        x : ndarray of shape (N, *input_shape)
            Training inputs of the layer.
        rng : numpy.random.Generator
            Source of random values.
        mask : ndarray of shape (N, T) of bool, default=None
            True where a step of a sequence is real; None when all are.
        """
        products = self._products(x, mask)
        for weight in self._weights:  # the kernel comes first
            if weight.initializer.needs_data:
                out = getattr(self, weight.name + "_")
                weight.initializer.initialize_from(products, rng, out)

    def _products(self, x, mask):
        """Return a copy of the outputs of real steps without bias and activation, as rows."""
        given = self.use_bias, self._activation
        self.use_bias, self._activation = False, Identity()
        try:
            out = self.forward(x, False, mask)
            mask = self.compute_mask(x, mask)
        finally:
            self.use_bias, self._activation = given
        return out.reshape(-1, out.shape[-1]).copy() if mask is None else out[mask]

    def replicate(self) -> Self:
        """Return a copy that shares the weights, with an activation of its own."""
        copy = super().replicate()
        copy._activation = get_activation(self._activation)
        return copy

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory for the layer and its activation."""
        super().allocate(batch_size, dtype, rng)
        self._activation.allocate(batch_size, dtype)

    def _activate(self, out, training):
        """Add the bias to a product and apply the activation, in place."""
        if training:
            self._out = out
        if not self.use_bias:
            return self._activation.forward(out, out, training)
        return self._activation.forward_biased(out, self.bias_, training)

    def _deactivate(self, grad_output):
        """Return the gradient of the product; assign that of the bias."""
        if not self.use_bias:
            return self._activation.backward(grad_output, self._out)
        return self._activation.backward_biased(grad_output, self._out, self.bias_grad_)
