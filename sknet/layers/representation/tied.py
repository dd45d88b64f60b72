"""Dense layers that share one kernel: forward in one of them, transposed in the other."""

from __future__ import annotations

from typing import Any, Self

from ...activations import get_activation
from ...activations.base import Activation
from ...blas import matmul
from ...initializers.base import Initializer
from ...typing import Array, NamedActivation, NamedInitializer, Shape
from ..affine import AffineLayer
from ..base import OF_TRAINING
from ..composite import Sequential, named_layers
from ..dense import Dense, _rows


class TransposedDense(AffineLayer):
    """Dense layer with the transposed kernel of one before it: activation(x @ kernel.T + bias).

    It stands in a `TiedSequential`, which tells it whose kernel to use.
    Input shape (..., U), output shape (..., F), for a `Dense` from F features to U units.

    Parameters
    ----------
    activation : str or sknet.activations.Activation, default=None
        Activation function; None is the identity.
    use_bias : bool, default=True
        Whether to add a bias of its own.
    bias_initializer : str or sknet.initializers.Initializer, default="zeros"
        Start of the bias.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the bias; the kernel belongs to the other layer.

    Attributes
    ----------
    kernel_ : ndarray of shape (U, F)
        Transposed view of the other layer's kernel.
    bias_ : ndarray of shape (F,)
        Bias.

    Examples
    --------
    >>> from sknet.layers import Dense, TiedSequential, TransposedDense
    >>> TiedSequential([Dense(8, activation="relu"), TransposedDense()])
    TiedSequential(layers=[Dense(activation='relu', units=8), TransposedDense()])
    """

    _parameter_constraints = {
        name: AffineLayer._parameter_constraints[name]
        for name in ("activation", "use_bias", "bias_initializer", *OF_TRAINING)
    }

    def __init__(
        self,
        activation: NamedActivation | Activation | None = None,
        use_bias: bool = True,
        *,
        bias_initializer: NamedInitializer | Initializer = "zeros",
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.activation = activation
        self.use_bias = use_bias
        self.bias_initializer = bias_initializer
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    @property
    def is_causal(self) -> bool:
        """Whether each step is treated alone: it is unless the last axis is that of the steps."""
        return len(self.input_shape_) > 1

    @property
    def kernel_(self) -> Array:
        """The other layer's kernel, transposed."""
        return self._source.kernel_.T

    def build(self, input_shape: Shape) -> Shape:
        """Declare the bias for inputs of shape (..., U)."""
        source = getattr(self, "_source", None)
        if source is None:
            self._refuse(
                "a TiedSequential around it, and in that a Dense for each TransposedDense",
                "none that is left for it",
                "Put both into one TiedSequential, or use Dense.",
            )
        if not input_shape or input_shape[-1] != source.units:
            self._refuse(
                f"inputs of shape (..., {source.units}), as many as the units of the Dense whose "
                "kernel it uses",
                input_shape,
                "The first TransposedDense uses the last Dense before it, and so on back.",
            )
        n_outputs = source.input_shape_[-1]
        self._activation = get_activation(self.activation)
        if self.use_bias:
            fan = (source.units, n_outputs)
            self.add_weight("bias", (n_outputs,), self.bias_initializer, fan=fan)
        return (*input_shape[:-1], n_outputs)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Compute activation(x @ kernel.T + bias) for x of shape (N, ..., U)."""
        out = self._work("out", (*x.shape[:-1], self.output_shape_[-1]))
        matmul(_rows(x), self.kernel_, _rows(out))
        if training:
            self._x = x
        return self._activate(out, training)

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradient of the bias, keep that of the kernel; return that of x."""
        x = self._x
        grad = _rows(self._deactivate(grad_output))
        kernel = self._source.kernel_
        self.tied_grad: Any = self._work("tied_grad", kernel.shape)
        matmul(grad.T, _rows(x), self.tied_grad)
        if not input_grad:
            return None
        grad_x = self._work("grad_x", x.shape)
        matmul(grad, kernel, _rows(grad_x))
        return grad_x


class TiedSequential(Sequential):
    """Run layers one after the other, some of which use the kernels of others: tied weights.

    The first `TransposedDense` uses the kernel of the last `Dense` before it, the next one that
    of the `Dense` before that, and so on, also inside other lists of layers. An autoencoder
    whose decoder mirrors its encoder then has half the weights.

    Parameters
    ----------
    layers : list
        Layers, pairs ("name", layer), or ints: n is short for a dense layer of n units
        with the estimator's activation.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights inside, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights inside.

    References
    ----------
    Vincent et al. (2010), Stacked denoising autoencoders: learning useful representations in
    a deep network with a local denoising criterion, JMLR 11.

    Examples
    --------
    >>> from sknet.layers import Dense, Sequential, TiedSequential, TransposedDense
    >>> encoder = Sequential([Dense(64, activation="relu"), Dense(8)])
    >>> decoder = Sequential([TransposedDense("relu"), TransposedDense()])
    >>> autoencoder = TiedSequential([("encoder", encoder), ("decoder", decoder)])
    """

    def _build_children(self, input_shape, owner):
        given = self.layers
        # Named once here, so that an int is the same layer when it is tied and when it is built.
        self.layers: Any = named_layers(given, owner=owner)
        try:
            self._ties = _tie(_parts(self.layers))
            return super()._build_children(input_shape, owner)
        finally:
            self.layers = given

    def replicate(self) -> Self:
        """Return a copy whose layers share the weights, tied to each other."""
        copy = super().replicate()
        copies = dict(zip(map(id, self.walk()), copy.walk(), strict=True))
        copy._ties = [(copies[id(source)], copies[id(user)]) for source, user in self._ties]
        for source, user in copy._ties:
            user._source = source
        return copy

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Run the layers backward, and add up the gradients of both uses of each kernel."""
        grad_x = super().backward(grad_output, input_grad)
        for source, user in self._ties:
            # Assigned by the source's own backward, which has run after that of the user.
            if not source.is_frozen:  # where all before is frozen, neither has run
                source.kernel_grad_ += user.tied_grad
        return grad_x


def _tie(parts):
    """Give each TransposedDense its source; return the pairs of source and user."""
    free, ties = [], []
    for layer in parts:
        if isinstance(layer, TransposedDense):
            layer._source = free.pop() if free else None
            ties.append((layer._source, layer))
        elif isinstance(layer, Dense):
            free.append(layer)
    return ties


def _parts(layers):
    """Yield the layers of a list that is not built yet, and those in lists inside."""
    for _, layer in named_layers(layers):
        yield layer
        for parameter in layer._list_parameters:
            inner = getattr(layer, parameter)
            if isinstance(inner, list | tuple):
                yield from _parts(inner)
