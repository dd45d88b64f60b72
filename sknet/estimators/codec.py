"""The encoder and the decoder of an autoencoder, as layers."""

import numpy as np
from sklearn.base import clone

from ..layers import Dense, Flatten, Layer, Sequential, TransposedDense
from ..layers.base import build_layer


class Encoder(Sequential):
    """The layers from a sample to its code; errors call them ``encoder__0``."""

    def _owner(self):
        return "encoder"


class Decoder(Sequential):
    """The layers from a code to what the output layer takes; errors call them ``decoder__0``."""

    def _owner(self):
        return "decoder"


class ZeroMissing(Layer):
    """Put 0 in the place of NaN. Output shape as the input's."""

    def build(self, input_shape):
        """Take any shape."""
        return input_shape

    def forward(self, x, training=False, mask=None):
        """Copy x with 0 where it is NaN."""
        self._missing = np.isnan(x, out=self._work("missing", x.shape, bool))
        out = self._work("out", x.shape)
        np.copyto(out, x)
        np.copyto(out, 0, where=self._missing)
        return out

    def backward(self, grad_output, input_grad=True):
        """Pass on the gradient of what was there."""
        if not input_grad:
            return None
        np.copyto(grad_output, 0, where=self._missing)
        return grad_output


def ends_in_reconstruction(parts, input_shape):
    """Tell whether a decoder gives the sample itself, so that no layer need follow.

    Parameters
    ----------
    parts : list of (str, Layer)
        Encoder and decoder; the decoder ends with the Flatten that the estimator adds.
    input_shape : tuple of int
        Shape of one sample.

    Returns
    -------
    ends : bool
        Whether the user's last layer returns the shape of a sample. Where that has one axis, the
        layer may be a hidden one that happens to have this width: it must be a `Dense` without
        activation.
    """
    trial = Sequential(clone(parts, safe=False))
    build_layer(trial, "", input_shape)
    *users, (_, flatten) = dict(trial.sublayers())["decoder"].sublayers()
    if not users or flatten.input_shape_ != tuple(input_shape):
        return False
    last = users[-1][1]
    is_linear = isinstance(last, Dense) and last.activation in (None, "identity")
    return len(input_shape) > 1 or is_linear


def flattened(layers):
    """Return layers with a `Flatten` behind them.

    Parameters
    ----------
    layers : list of (str, Layer)
        Names and layers.

    Returns
    -------
    layers : list of (str, Layer)
        The same, and what makes one row of each sample.
    """
    return [*layers, ("flatten", Flatten())]


def transposed(layers):
    """Return plain layers whose kernels are those of the encoder, transposed.

    Parameters
    ----------
    layers : list of (str, Layer)
        Names and layers.

    Returns
    -------
    layers : list of (str, Layer)
        The same, with a `TransposedDense` for each `Dense`.
    """
    return [
        (name, TransposedDense(layer.activation) if isinstance(layer, Dense) else layer)
        for name, layer in layers
    ]
