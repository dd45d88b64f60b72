"""A recurrent layer that reads sequences in both directions."""

import numpy as np
from sklearn.base import clone
from sklearn.utils._param_validation import StrOptions

from .base import Layer, build_layer
from .recurrent import RecurrentLayer


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
        "trainable": ["boolean"],
    }

    def __init__(self, layer, merge_mode="concat", trainable=True):
        self.layer = layer
        self.merge_mode = merge_mode
        self.trainable = trainable

    def build(self, input_shape):
        """Build the layer and its copy for inputs of shape (T, F)."""
        backward = clone(self.layer).set_params(go_backwards=not self.layer.go_backwards)
        self._directions = [("forward", self.layer), ("backward", backward)]
        for name, layer in self._directions:
            layer._inside_frozen = self.is_frozen
            path = f"{self._path}__layer" if name == "forward" else f"{self._path} ({name})"
            *n_steps, units = build_layer(layer, path, input_shape)
        return (*n_steps, 2 * units if self.merge_mode == "concat" else units)

    def sublayers(self):
        """Return the two built layers as (name, layer) pairs."""
        return self._directions

    def replicate(self):
        """Return a copy whose layers share the weights and have no scratch memory."""
        copy = super().replicate()
        copy._directions = [(name, layer.replicate()) for name, layer in self._directions]
        return copy

    def allocate(self, batch_size, dtype, rng):
        """Prepare both layers to run."""
        super().allocate(batch_size, dtype, rng)
        for _, layer in self._directions:
            layer.allocate(batch_size, dtype, rng)

    def compute_mask(self, x, mask):
        """Return the mask of the forward layer's output."""
        return self._directions[0][1].compute_mask(x, mask)

    def forward(self, x, training=False, mask=None):
        """Run both layers and merge their outputs, in the order of the forward layer's."""
        first, second = (layer.forward(x, training, mask) for _, layer in self._directions)
        second = self._in_time(second)
        out = self._work("out", (*first.shape[:-1], self.output_shape_[-1]))
        if self.merge_mode == "sum":
            return np.add(first, second, out=out)
        units = first.shape[-1]
        out[..., :units] = first
        out[..., units:] = second
        return out

    def backward(self, grad_output, input_grad=True):
        """Run both layers backward and add the gradients of their inputs."""
        if self.merge_mode == "concat":
            units = grad_output.shape[-1] // 2
            first, second = grad_output[..., :units], grad_output[..., units:]
        else:
            # A layer may overwrite its gradient.
            first, second = self._work("grad", grad_output.shape), grad_output
            np.copyto(first, grad_output)
        grad = self._directions[0][1].backward(first, input_grad)
        other = self._directions[1][1].backward(self._in_time(second), input_grad)
        return np.add(grad, other, out=grad) if input_grad else None

    def _in_time(self, outputs):
        """View outputs of the backward layer, or gradients of them, in the other's order."""
        return outputs[:, ::-1] if outputs.ndim == 3 else outputs
