"""The encoder and the decoder of an autoencoder, as layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.base import clone

from ..layers import Dense, Flatten, Layer, Sequential, TransposedDense
from ..layers.base import build_layer
from ..typing import Array, Shape


class Encoder(Sequential):
    """The layers from a sample to its code; errors call them ``encoder__0``."""

    def _owner(self):
        return "encoder"


class Decoder(Sequential):
    """The layers from a code to what the output layer takes; errors call them ``decoder__0``."""

    def _owner(self):
        return "decoder"


class RepeatCode(Layer):
    """Repeat a code for each step of the sequence that it stands for: (U,) to (T, U)."""

    #: Number of steps and mask of the sequences; told by `SequenceCodec`.
    steps: tuple[int, None] = 0, None

    def build(self, input_shape: Shape) -> Shape:
        """Take codes of shape (U,)."""
        return (None, *input_shape)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Copy the codes x of shape (N, U) to each step."""
        out = self._work("out", (len(x), self.steps[0], x.shape[1]))
        np.copyto(out, x[:, None])
        return out

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Add up the gradients of the steps."""
        if not input_grad:
            return None
        n_rows, _, width = grad_output.shape
        return np.sum(grad_output, axis=1, out=self._work("grad_x", (n_rows, width)))

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return the mask of the sequences."""
        return self.steps[1]


class SequenceCodec(Sequential):
    """Encoder, decoder and output layer of sequences, which must give each step back."""

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Run the layers; codes of whole sequences are repeated for as many steps as x has."""
        for part in self.walk():
            if isinstance(part, RepeatCode):
                part.steps = x.shape[1], mask
        out = super().forward(x, training, mask)
        if out.shape[1] != x.shape[1]:
            raise ValueError(
                f"The encoder and the decoder together have to return as many steps as they take, "
                f"but of {x.shape[1]} they make {out.shape[1]}. Set padding='same' in layers with "
                "windows, and leave out strides and pooling."
            )
        found = self._mask
        if mask is not None and found is not None and not np.array_equal(found, mask):
            raise ValueError(
                "The encoder and the decoder have to return each step in its place, but move or "
                "leave out some. Set go_backwards=False in recurrent layers, and use no Masking."
            )
        return out


class ZeroMissing(Layer):
    """Put 0 in the place of NaN. Output shape as the input's."""

    def build(self, input_shape: Shape) -> Shape:
        """Take any shape."""
        return input_shape

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Copy x with 0 where it is NaN."""
        self._missing = np.isnan(x, out=self._work("missing", x.shape, bool))
        out = self._work("out", x.shape)
        np.copyto(out, x)
        np.copyto(out, 0, where=self._missing)
        return out

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Pass on the gradient of what was there."""
        if not input_grad:
            return None
        np.copyto(grad_output, 0, where=self._missing)
        return grad_output


def ends_in_reconstruction(parts: Sequence[tuple[str, Layer]], input_shape: Shape) -> bool:
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
    *users, (_, flatten) = dict(tried(parts, input_shape).sublayers())["decoder"].sublayers()
    if not users or flatten.input_shape_ != tuple(input_shape):
        return False
    last = users[-1][1]
    is_linear = isinstance(last, Dense) and last.activation in (None, "identity")
    return len(input_shape) > 1 or is_linear


def tried(parts: Sequence[tuple[str, Layer]], input_shape: Shape) -> Sequential:
    """Return copies of layers, built to see which shapes they give.

    Parameters
    ----------
    parts : list of (str, Layer)
        Names and layers.
    input_shape : tuple of int
        Shape of one sample.

    Returns
    -------
    trial : Sequential
        The built layers.
    """
    trial = Sequential(clone(parts, safe=False))
    build_layer(trial, "", input_shape)
    return trial


def flattened(layers: Sequence[tuple[str, Layer]]) -> list[tuple[str, Layer]]:
    """Return layers with a `Flatten` after them.

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


def transposed(layers: Sequence[tuple[str, Layer]]) -> list[tuple[str, Layer]]:
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
