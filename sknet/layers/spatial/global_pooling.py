"""Layers that summarize a whole sequence, image or video by one number a channel."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import DTypeLike

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

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory and the numbers of samples."""
        super().allocate(batch_size, dtype, rng)
        self._numbers = np.empty((0, 1), np.intp)

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return None: the output has no steps."""
        return None

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Take the mean of each channel over the real steps."""
        n, n_places = len(x), prod(x.shape[1:-1])
        if mask is None:
            real, share = None, 1 / n_places if n_places else 0.0
            shares = np.full((1, 1, n_places), share, x.dtype)
        else:
            real = np.repeat(mask, prod(x.shape[2:-1]), axis=1)
            counts = np.count_nonzero(real, axis=1, keepdims=True)
            share = np.divide(1, np.maximum(counts, 1), dtype=x.dtype)
            shares = np.multiply(real, share, dtype=x.dtype)[:, None]
        out = self._work("out", (n, x.shape[-1]))
        # A product with the shares is faster than a sum along the axis.
        np.matmul(shares, x.reshape(n, n_places, x.shape[-1]), out=out[:, None])
        if training:
            self._shape, self._real, self._share = x.shape, real, share
        return out

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Share each gradient out among the real places of its channel."""
        if not input_grad:
            return None
        n, *places, n_channels = self._shape
        rows = self._work("rows", (n + 1, n_channels))
        np.multiply(grad_output, self._share, out=rows[:n])
        rows[n] = 0  # of padded steps
        grad = self._work("grad_x", (n, prod(places), n_channels))
        source = self._work("source", grad.shape[:2], np.intp)
        if len(self._numbers) < n:
            self._numbers = np.arange(n)[:, None]
        source[:] = self._numbers[:n]
        if self._real is not None:
            source[~self._real] = n
        # Copies of rows are several times as fast as a product with the shares.
        return np.take(rows, source, axis=0, out=grad, mode="clip").reshape(self._shape)


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
