"""Weights as directions and lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..initializers import Initializer, get_initializer
from ..typing import Array, Shape
from .affine import AffineLayer
from .composite import Composite
from .weight import Weight


class _Direction(Initializer):
    """Draws directions as kernels, and keeps their norms."""

    def __init__(self, initializer: Any) -> None:
        self.initializer = initializer

    def _values(self, rng, shape, fan_in, fan_out):
        values = np.empty(shape)
        self.initializer(rng, shape, fan_in, fan_out, values)
        self.norms = _norms(values)
        return values


class _Length(Initializer):
    """Starts lengths as the norms of directions, so that the kernel is as it was drawn."""

    def __init__(self, direction: Any) -> None:
        self.direction = direction

    def _values(self, rng, shape, fan_in, fan_out):
        return self.direction.norms


def _norms(kernel):
    vectors = kernel.reshape(-1, kernel.shape[-1])
    return np.sqrt(np.einsum("iu,iu->u", vectors, vectors))


class WeightNorm(Composite):
    """Train the kernel of a layer as directions and lengths: kernel = length v / norm(v).

    The vector v of a unit, of all axes of the kernel but the last, gives its direction, and a
    number its length, so that a step changes one without the other. The penalty `alpha` and
    weight decay apply to the lengths, whose squares add up to those of the kernel. At the start
    the kernel is that which the layer draws. Shapes are those of the layer.

    Parameters
    ----------
    layer : Dense or convolution
        The layer; it has one kernel, and filters on the last axis of it.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights inside, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights inside.

    Attributes
    ----------
    direction_ : ndarray of the kernel's shape
        The vectors v.
    length_ : ndarray of shape (units,)
        The lengths.

    References
    ----------
    Salimans and Kingma (2016), Weight normalization: a simple reparameterization to accelerate
    training of deep neural networks, :arxiv:`1602.07868`.

    Examples
    --------
    >>> from sknet.layers import Dense, WeightNorm
    >>> layers = [WeightNorm(Dense(64, activation="relu")), WeightNorm(Dense(32, "relu"))]
    """

    _list_parameters = ()
    _parameter_constraints = {
        **{k: v for k, v in Composite._parameter_constraints.items() if k != "layers"},
        "layer": [AffineLayer],
    }
    accepts_sparse = False

    def __init__(
        self, layer: Any, *, learning_rate_factor: float = 1.0, trainable: bool = True
    ) -> None:
        self.layer = layer
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    def _owner(self):
        return getattr(self, "_path", "")

    def _items(self):
        return [("layer", self.layer)]

    @property
    def is_causal(self) -> bool:
        """Whether the layer is causal."""
        return self._children[0][1].is_causal

    def build(self, input_shape: Shape) -> Shape:
        """Build the layer, and declare directions and lengths for its kernel."""
        output_shape = super().build(input_shape)
        inner = self._children[0][1]
        names = [weight.name for weight in inner._weights]
        if "kernel" not in names or inner.kernel_regularizer or inner.kernel_constraint:
            self._refuse(
                "a layer with one kernel, without a regularizer or constraint of it",
                f"{inner!r}",
                "Set alpha, which penalizes the lengths.",
            )
        kernel = inner._weights.pop(names.index("kernel"))
        initializer = get_initializer(kernel.initializer)
        if initializer.needs_data:
            self._refuse(
                "a kernel_initializer that needs no training rows",
                f"{initializer!r}",
                'Choose another one, such as "glorot_uniform".',
            )
        direction = _Direction(initializer)
        size = kernel.shape[-1:]
        rate, fan = kernel.rate_factor * self.learning_rate_factor, kernel[-2:]
        self._weights += [
            Weight("direction", kernel.shape, direction, rate, False, *fan),
            Weight("length", size, _Length(direction), rate, 1.0, *fan),
        ]
        return output_shape

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare the layer to run, on a kernel that is made anew for each batch."""
        super().allocate(batch_size, dtype, rng)
        inner = self._children[0][1]
        inner.kernel_ = np.empty(self.direction_.shape, dtype)
        inner.kernel_grad_ = np.empty(self.direction_.shape, dtype)

    def _make_kernel(self):
        self._norms = _norms(self.direction_)
        self._norms[self._norms == 0] = 1.0
        kernel = self._children[0][1].kernel_
        np.multiply(self.direction_, self.length_ / self._norms, out=kernel)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Run the layer forward."""
        self._make_kernel()
        return self._forward_children(x, training, mask, self._children)

    def advance(self, x: Array, memory: dict[str, Any], mask: Array | None = None) -> Array:
        """Run the layer on the next steps."""
        self._check_causal()
        self._make_kernel()
        return self._advance_children(x, memory, mask)

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Run the layer backward; assign the gradients of directions and lengths."""
        grad_x = self._children[0][1].backward(grad_output, input_grad)
        grad, direction = self._children[0][1].kernel_grad_, self.direction_
        n_units = direction.shape[-1]
        unit = direction / self._norms
        np.einsum(
            "iu,iu->u", grad.reshape(-1, n_units), unit.reshape(-1, n_units), out=self.length_grad_
        )
        # Of the gradient, what is orthogonal to the direction.
        np.multiply(unit, self.length_grad_, out=unit)
        np.subtract(grad, unit, out=self.direction_grad_)
        self.direction_grad_ *= self.length_ / self._norms
        return grad_x
