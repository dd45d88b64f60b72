"""A recurrent layer that reads sequences in both directions."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from numpy.typing import DTypeLike
from sklearn.base import clone
from sklearn.utils._param_validation import StrOptions

from ...blas import side_by_side
from ...lanes import noise_of_a_lane, reseed
from ...typing import Array, Shape
from ..base import OF_TRAINING, Layer, build_layer
from .recurrent import RecurrentLayer

#: Multiply-adds of a step from which the two directions run in two threads: with half as many,
#: handing over the interpreter takes as long as they gain.
_MANY = 2**20


class Bidirectional(Layer):
    """Run a recurrent layer, and a second one of its kind from the end to the start.

    Input shape (T, F), output shape (2 * U,) or (U,), depending on `merge_mode`, or
    (T, 2 * U) or (T, U) if the layer returns sequences: then both outputs of a step have seen
    that step last.

    Parameters
    ----------
    layer : SimpleRNN, LSTM or GRU
        The recurrent layer; the second one has the same parameters but for `go_backwards`, and
        weights of its own.
    merge_mode : {"concat", "sum"}, default="concat"
        Whether the outputs of the two stand side by side, forward first, or are added.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights inside, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights inside.

    References
    ----------
    Schuster and Paliwal (1997), Bidirectional recurrent neural networks, IEEE Transactions on
    Signal Processing 45, :doi:`10.1109/78.650093`.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import GRU, Bidirectional
    >>> layers = [("both", Bidirectional(GRU(32)))]
    >>> model = NeuralClassifier(layers=layers, input_shape=(None, 12))
    >>> model.set_params(layers__both__layer__units=16).layers
    [('both', Bidirectional(layer=GRU(units=16)))]
    """

    _parameter_constraints = {
        "layer": [RecurrentLayer],
        "merge_mode": [StrOptions({"concat", "sum"})],
        **OF_TRAINING,
    }

    def __init__(
        self,
        layer: Layer,
        merge_mode: Literal["concat", "sum"] = "concat",
        *,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.layer = layer
        self.merge_mode = merge_mode
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    def build(self, input_shape: Shape) -> Shape:
        """Build the layer and its copy for inputs of shape (T, F)."""
        backward = clone(self.layer).set_params(go_backwards=not self.layer.go_backwards)
        self._directions = [("forward", self.layer), ("backward", backward)]
        for name, layer in self._directions:
            layer._inside_frozen = self.is_frozen
            path = f"{self._path}__layer" if name == "forward" else f"{self._path} ({name})"
            *n_steps, units = build_layer(layer, path, input_shape)
        return (*n_steps, 2 * units if self.merge_mode == "concat" else units)

    def sublayers(self) -> list[tuple[str, Layer]]:
        """Return the two built layers as (name, layer) pairs."""
        return self._directions

    def replicate(self) -> Self:
        """Return a copy whose layers share the weights and have no scratch memory."""
        copy = super().replicate()
        copy._directions = [(name, layer.replicate()) for name, layer in self._directions]
        return copy

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare both layers to run."""
        super().allocate(batch_size, dtype, rng)
        self._noise = [noise_of_a_lane() for _ in self._directions]
        for (_, layer), noise in zip(self._directions, self._noise, strict=True):
            layer.allocate(batch_size, dtype, noise)

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return the mask of the forward layer's output."""
        return self._directions[0][1].compute_mask(x, mask)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Run both layers and merge their outputs, in the order of the forward layer's."""
        if training and self.is_stochastic:
            for noise in self._noise:
                reseed(noise, self._rng)
        first, second = self._run(len(x), lambda i, layer: layer.forward(x, training, mask))
        second = self._in_time(second)
        out = self._work("out", (*first.shape[:-1], self.output_shape_[-1]))
        if self.merge_mode == "sum":
            return np.add(first, second, out=out)
        units = first.shape[-1]
        out[..., :units] = first
        out[..., units:] = second
        return out

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Run both layers backward and add the gradients of their inputs."""
        if self.merge_mode == "concat":
            units = grad_output.shape[-1] // 2
            first, second = grad_output[..., :units], grad_output[..., units:]
        else:
            # A layer may overwrite its gradient.
            first, second = self._work("grad", grad_output.shape), grad_output
            np.copyto(first, grad_output)
        grads = first, self._in_time(second)
        grad, other = self._run(
            len(grad_output), lambda i, layer: layer.backward(grads[i], input_grad)
        )
        return np.add(grad, other, out=grad) if input_grad else None

    def _run(self, n_rows, function):
        """Return what a function gives for the two layers, one after the other or at a time."""
        layers = [layer for _, layer in self._directions]
        if n_rows * layers[0].recurrent_kernel_.size < _MANY:
            return [function(i, layer) for i, layer in enumerate(layers)]
        return side_by_side(lambda i: function(i, layers[i]), 2)

    def _in_time(self, outputs):
        """View outputs of the backward layer, or gradients of them, in the other's order."""
        return outputs[:, ::-1] if outputs.ndim == 3 else outputs
