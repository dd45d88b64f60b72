"""Layers that summarize a whole sequence, image or video by one number a channel."""

from __future__ import annotations

from math import prod

import numpy as np

from ...typing import Array, Shape
from .axes import LayerOverAxes
from .pooling import MaxPooling
from .windows import Windows


class _GlobalMaxPooling(MaxPooling):
    """Pooling with one window as large as the sample."""

    _parameter_constraints = {}

    def __init__(self) -> None:
        pass

    def build(self, input_shape: Shape) -> Shape:
        """Take any number of steps; there are no weights."""
        self._check_axes(input_shape)
        single = (1,) * len(self._axes)
        self._windows = Windows(single, single, single, "valid")
        return (input_shape[-1],)

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return None: the output has no steps."""
        return None

    def _counts(self, lengths):
        return (1,) * len(lengths)

    def _forward(self, x, training, mask):
        """Take the maximum of each channel over the real steps."""
        return super()._forward(x, training, mask).reshape(len(x), x.shape[-1])

    def _geometry(self, padded):
        return padded.shape[1:-1], padded.shape[1:-1]

    def _backward(self, grad_output, input_grad):
        """Give each gradient to one maximal element of its channel."""
        n_samples, channels = grad_output.shape
        grad = grad_output.reshape(n_samples, *self._counts(self._axes), channels)
        return super()._backward(grad, input_grad)


class GlobalMaxPool1D(_GlobalMaxPooling):
    """Maximum of each channel over the steps of a sequence.

    Input shape (T, C), where T may be None; output shape (C,). Masked steps are not looked at;
    a sequence without a real step gives zeros. The gradient goes to one maximal element, the
    first.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import Dense, GlobalMaxPool1D
    >>> model = NeuralClassifier(
    ...     layers=[Dense(16, activation="relu"), GlobalMaxPool1D()], input_shape=(None, 3)
    ... )
    """

    _axes = ("steps",)


class GlobalMaxPool2D(_GlobalMaxPooling):
    """Maximum of each channel over an image.

    Input shape (H, W, C), output shape (C,). The gradient goes to one maximal
    element: of several equal ones the first along the last axis, then along the axis before it.

    Examples
    --------
    >>> from sknet.layers import Dense, GlobalMaxPool2D, Reshape, Sequential
    >>> images = [Reshape((8, 8, 1)), Dense(4, activation="relu"), GlobalMaxPool2D()]
    >>> summary = Sequential(images)
    """

    _axes = ("height", "width")


class GlobalMaxPool3D(_GlobalMaxPooling):
    """Maximum of each channel over a video.

    Input shape (T, H, W, C), where T may be None; output shape (C,). Masked steps are not
    looked at; a sequence without a real step gives zeros. The gradient goes to one maximal
    element, of
    several equal ones the first along the last axis, then along the axis before it.

    Examples
    --------
    >>> from sknet.layers import Dense, GlobalMaxPool3D, Reshape, Sequential
    >>> clips = [Reshape((4, 4, 4, 1)), Dense(2, activation="relu"), GlobalMaxPool3D()]
    >>> summary = Sequential(clips)
    """

    _axes = ("steps", "height", "width")


class _GlobalAveragePooling(LayerOverAxes):
    """Product of the places of a sample with the share that each has in the mean."""

    def build(self, input_shape: Shape) -> Shape:
        """Take any number of steps; there are no weights."""
        self._check_axes(input_shape)
        return (input_shape[-1],)

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return None: the output has no steps."""
        return None

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Take the mean of each channel over the real steps."""
        places = x.reshape(len(x), prod(x.shape[1:-1]), x.shape[-1])
        out = self._work("out", (len(x), x.shape[-1]))
        shares = self._shares_of_places(x, mask)
        # A product with the shares is faster than a sum along the axis.
        np.matmul(shares.swapaxes(1, 2), places, out=out[:, None])
        if training:
            self._shares, self._shape, self._is_even = shares, x.shape, mask is None
        return out

    def _shares_of_places(self, x, mask):
        """Return the weight of each place in the mean: (N, places, 1), or (1, places, 1)."""
        n_places = prod(x.shape[1:-1])
        if mask is None:
            return np.full((1, n_places, 1), 1 / n_places, x.dtype)
        real = np.repeat(mask, prod(x.shape[2:-1]), axis=1)[..., None]
        counts = np.count_nonzero(real, axis=1, keepdims=True)
        return (real / np.maximum(counts, 1)).astype(x.dtype)

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Share each gradient out among the real places of its channel."""
        if not input_grad:
            return None
        shape = self._shape
        grad = self._work("grad_x", (len(grad_output), prod(shape[1:-1]), shape[-1]))
        if self._is_even:  # copies of what all places get are three times as fast
            grad_output *= self._shares[0, 0]
            np.copyto(grad, grad_output[:, None])
        else:
            np.multiply(self._shares, grad_output[:, None], out=grad)
        return grad.reshape(shape)


class GlobalAveragePool1D(_GlobalAveragePooling):
    """Mean of each channel over the steps of a sequence.

    Input shape (T, C), where T may be None; output shape (C,). Masked steps are not counted; a
    sequence without a real step gives zeros.

    References
    ----------
    Lin, Chen and Yan (2014), Network in network, :arxiv:`1312.4400`.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import Dense, GlobalAveragePool1D
    >>> model = NeuralClassifier(
    ...     layers=[Dense(16, activation="relu"), GlobalAveragePool1D()], input_shape=(None, 3)
    ... )
    """

    _axes = ("steps",)


class GlobalAveragePool2D(_GlobalAveragePooling):
    """Mean of each channel over an image.

    Input shape (H, W, C), output shape (C,).

    References
    ----------
    Lin, Chen and Yan (2014), Network in network, :arxiv:`1312.4400`.

    Examples
    --------
    >>> from sknet.layers import Dense, GlobalAveragePool2D, Reshape, Sequential
    >>> images = [Reshape((8, 8, 1)), Dense(4, activation="relu"), GlobalAveragePool2D()]
    >>> summary = Sequential(images)
    """

    _axes = ("height", "width")


class GlobalAveragePool3D(_GlobalAveragePooling):
    """Mean of each channel over a video.

    Input shape (T, H, W, C), where T may be None; output shape (C,). Masked steps are not
    counted; a sequence without a real step gives zeros.

    References
    ----------
    Lin, Chen and Yan (2014), Network in network, :arxiv:`1312.4400`.

    Examples
    --------
    >>> from sknet.layers import Dense, GlobalAveragePool3D, Reshape, Sequential
    >>> clips = [Reshape((4, 4, 4, 1)), Dense(2, activation="relu"), GlobalAveragePool3D()]
    >>> summary = Sequential(clips)
    """

    _axes = ("steps", "height", "width")
