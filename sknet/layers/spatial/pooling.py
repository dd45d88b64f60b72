"""Layers that summarize small windows of a sequence, an image or a video."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from ... import kernels
from ...base import Workspace
from ...kernels.numpy_kernels.pooling import pool, unpool_sums
from ...typing import Shape, Window
from .axes import OrderedLayer
from .windows import PADDING, SIZE, Windows


class _Pooling(OrderedLayer):
    """Pooling over any number of axes."""

    #: What padding is filled with.
    _neutral = None
    _parameter_constraints = {"pool_size": SIZE, "strides": [*SIZE, None], "padding": PADDING}

    def __init__(
        self,
        pool_size: Window = 2,
        strides: Window | None = None,
        padding: Literal["valid", "same"] = "valid",
    ) -> None:
        self.pool_size = pool_size
        self.strides = strides
        self.padding = padding

    def build(self, input_shape: Shape) -> Shape:
        """Work out the number of windows; there are no weights."""
        self._check_axes(input_shape)
        size = self._per_axis("pool_size")
        strides = size if self.strides is None else self._per_axis("strides")
        self._windows = Windows(size, strides, (1,) * len(size), self.padding)
        return (*self._count_windows(input_shape[:-1]), input_shape[-1])

    def _count_windows(self, lengths):
        found = self._windows.output_lengths(lengths)
        if any(n is not None and n < 1 for n in found):
            size = " x ".join(map(str, self._windows.size))
            self._refuse(
                f"inputs of at least {size} ({', '.join(self._axes)})",
                " x ".join("any" if n is None else str(n) for n in lengths),
                'Choose a smaller pool_size or padding="same".',
            )
        return found

    def _counts(self, lengths):
        """Return how many windows a batch has along each axis."""
        return self._windows.counts(lengths)

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory, some of it for a few samples only."""
        super().allocate(batch_size, dtype, rng)
        self._few = Workspace(1, dtype)

    def _output_mask(self, x, mask):
        return self._windows.output_mask(x, mask)

    def _lay_out(self, x, mask):
        """Return x with padding, and memory for the values of its windows."""
        lengths = self._counts(x.shape[1:-1])
        padded = self._windows.pad(x, mask, self._work, self._neutral)
        return padded, self._work("out", (len(x), *lengths, x.shape[-1]))


class MaxPooling(_Pooling):
    """Maximum over windows, of any number of axes."""

    _neutral = -np.inf

    def _forward(self, x, training, mask):
        padded, out = self._lay_out(x, mask)
        places = self._work("places", out.shape, np.uint8) if training else None
        known = kernels.max_pool(padded, out, places, *self._geometry(padded), self._few)
        if training:
            self._padded, self._out, self._places = padded, out, places if known else None
            self._batch = x.shape, mask
        if mask is not None:
            # Windows without a real step have no maximum.
            np.copyto(out, 0.0, where=np.isneginf(out))
        return out

    def _geometry(self, padded):
        return self._windows.size, self._windows.strides

    def _backward(self, grad_output, input_grad):
        """Give each gradient to one maximal element of its window."""
        if not input_grad:
            return None
        padded, geometry = self._padded, self._geometry(self._padded)
        grad = self._work("grad_padded", padded.shape)
        arrays = grad_output, grad, self._places, padded, self._out
        kernels.max_unpool(*arrays, *geometry, self._few)
        return self._windows.unpad(grad, *self._batch, self._work)


class MaxPool1D(MaxPooling):
    """Maximum of each window over the steps of a sequence.

    out[o, c] = maximum over j of x[o strides + j, c], for j below pool_size. Input shape (T,
    C), where T may be None; output shape (T_out, C). T_out is (T - pool_size) / strides + 1,
    rounded down, for padding "valid" and T / strides, rounded up, for "same". Padding and
    masked steps are never the maximum. The gradient goes to one maximal element: the first.
    The mask that is passed on is True at the steps that each sequence would have alone.

    Parameters
    ----------
    pool_size : int, default=2
        Length of the windows, at least 1.
    strides : int, default=None
        Elements from one window to the next, at least 1. None is `pool_size`:
        windows side by side.
    padding : {"valid", "same"}, default="valid"
        "valid" takes the windows that fit; "same" lets windows reach over the ends, evenly.

    References
    ----------
    Scherer, Müller and Behnke (2010), Evaluation of pooling operations in convolutional
    architectures for object recognition, ICANN, :doi:`10.1007/978-3-642-15825-4_10`.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.layers import MaxPool1D
    >>> from sknet.network import Network
    >>> x = np.array([[[1.0], [5.0], [2.0], [4.0]]])
    >>> Network(MaxPool1D(2), (4, 1)).predict(x).ravel()
    array([5., 4.])
    """

    _axes = ("steps",)


class MaxPool2D(MaxPooling):
    """Maximum of each window over an image.

    out[o, p, c] = maximum over j, k of x[o strides + j, p strides + k, c], for j and k below
    pool_size. Input shape (H, W, C), output shape (H_out, W_out, C): each length L becomes (L
    - pool_size) / strides + 1, rounded down, for padding "valid" and L / strides, rounded up,
    for "same". Padding and masked steps are never the maximum. The gradient goes to one
    maximal element: of several equal ones the first along the last axis, then along the axis
    before it.

    Parameters
    ----------
    pool_size : int or tuple of 2 int, default=2
        Length of the windows, or one int an axis, at least 1.
    strides : int or tuple of 2 int, default=None
        Elements from one window to the next, or one int an axis, at least 1. None is `pool_size`:
        windows side by side.
    padding : {"valid", "same"}, default="valid"
        "valid" takes the windows that fit; "same" lets windows reach over the ends, evenly.

    References
    ----------
    Scherer, Müller and Behnke (2010), Evaluation of pooling operations in convolutional
    architectures for object recognition, ICANN, :doi:`10.1007/978-3-642-15825-4_10`.

    Examples
    --------
    >>> from sknet.layers import Flatten, MaxPool2D, Reshape, Sequential
    >>> coarse = Sequential([Reshape((8, 8, 1)), MaxPool2D(2), Flatten()])
    """

    _axes = ("height", "width")


class MaxPool3D(MaxPooling):
    """Maximum of each window over a video.

    The same as `MaxPool2D` with a third axis, time, before the other two. Input shape (T, H,
    W, C), where T may be None; output shape (T_out, H_out, W_out, C). Padding and masked steps
    are never the maximum. The gradient goes to one maximal element: of several equal ones the
    first along the last axis, then along the axis before it. The mask that is passed on is
    True at the steps that each sequence would have alone.

    Parameters
    ----------
    pool_size : int or tuple of 3 int, default=2
        Length of the windows, or one int an axis, at least 1.
    strides : int or tuple of 3 int, default=None
        Elements from one window to the next, or one int an axis, at least 1. None is `pool_size`:
        windows side by side.
    padding : {"valid", "same"}, default="valid"
        "valid" takes the windows that fit; "same" lets windows reach over the ends, evenly.

    References
    ----------
    Scherer, Müller and Behnke (2010), Evaluation of pooling operations in convolutional
    architectures for object recognition, ICANN, :doi:`10.1007/978-3-642-15825-4_10`.

    Examples
    --------
    >>> from sknet.layers import Flatten, MaxPool3D, Reshape, Sequential
    >>> coarse = Sequential([Reshape((9, 8, 8, 1)), MaxPool3D((1, 2, 2)), Flatten()])
    """

    _axes = ("steps", "height", "width")


class _AveragePooling(_Pooling):
    _neutral = 0.0

    def _forward(self, x, training, mask):
        padded, out = self._lay_out(x, mask)
        pool(np.add, padded, out, self._windows.size, self._windows.strides, self._few)
        if training:
            self._padded, self._batch = padded, (x.shape, mask)
        return self._divide(out, x.shape, mask)

    def _backward(self, grad_output, input_grad):
        """Share each gradient out among the real elements of its window."""
        if not input_grad:
            return None
        sums = self._divide(grad_output, *self._batch)
        grad = self._work("grad_padded", self._padded.shape)
        unpool_sums(sums, grad, self._windows.size, self._windows.strides, self._few)
        return self._windows.unpad(grad, *self._batch, self._work)

    def _divide(self, out, shape, mask):
        """Divide what is known of each window, in place, by its number of real elements."""
        constant = 1
        for axis in range(len(self._axes)):
            masked = axis == 0 and mask is not None
            counts = self._count_steps(mask) if masked else self._count_elements(shape, axis)
            if isinstance(counts, int):
                constant *= counts
            else:
                inverse = (1.0 / counts).astype(out.dtype)
                out *= inverse.reshape(*inverse.shape, *(1,) * (len(self._axes) - axis))
        if constant > 1:
            out *= 1.0 / constant
        return out

    def _count_elements(self, shape, axis):
        """Return how many elements of the windows along an axis are not padding."""
        before, after = self._windows.amounts(shape[1:-1])[axis]
        size, stride, length = (
            self._windows.size[axis],
            self._windows.strides[axis],
            shape[1 + axis],
        )
        if before == after == 0:
            return size
        starts = np.arange(-before, length + after - size + 1, stride)
        return np.minimum(starts + size, length) - np.maximum(starts, 0)

    def _count_steps(self, mask):
        """Return how many steps of each window are real, at least 1: shape (N, T_out)."""
        size, stride = self._windows.size[0], self._windows.strides[0]
        first = Windows((size,), (stride,), (1,), self.padding)
        real = first.pad(mask[..., None], mask, lambda _, shape: np.empty(shape))
        (n_windows,) = first.counts(mask.shape[1:])
        counts = np.empty((len(mask), n_windows, 1))
        pool(np.add, real, counts, (size,), (stride,), Workspace(1, counts.dtype))
        return np.maximum(counts[..., 0], 1)


class AveragePool1D(_AveragePooling):
    """Mean of each window over the steps of a sequence.

    out[o, c] = mean over j of x[o strides + j, c], for j below pool_size. Input shape (T, C),
    where T may be None; output shape (T_out, C). T_out is (T - pool_size) / strides + 1,
    rounded down, for padding "valid" and T / strides, rounded up, for "same". Padding and
    masked steps are not counted. The mask that is passed on is True at the steps that each
    sequence would have alone.

    Parameters
    ----------
    pool_size : int, default=2
        Length of the windows, at least 1.
    strides : int, default=None
        Elements from one window to the next, at least 1. None is `pool_size`:
        windows side by side.
    padding : {"valid", "same"}, default="valid"
        "valid" takes the windows that fit; "same" lets windows reach over the ends, evenly.

    References
    ----------
    LeCun et al. (1998), Gradient-based learning applied to document recognition,
    Proceedings of the IEEE 86, :doi:`10.1109/5.726791`.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.layers import AveragePool1D
    >>> from sknet.network import Network
    >>> x = np.array([[[1.0], [5.0], [2.0], [4.0]]])
    >>> Network(AveragePool1D(2), (4, 1)).predict(x).ravel()
    array([3., 3.])
    """

    _axes = ("steps",)


class AveragePool2D(_AveragePooling):
    """Mean of each window over an image.

    out[o, p, c] = mean over j, k of x[o strides + j, p strides + k, c], for j and k below
    pool_size. Input shape (H, W, C), output shape (H_out, W_out, C): each length L becomes (L
    - pool_size) / strides + 1, rounded down, for padding "valid" and L / strides, rounded up,
    for "same". Padding and masked steps are not counted.

    Parameters
    ----------
    pool_size : int or tuple of 2 int, default=2
        Length of the windows, or one int an axis, at least 1.
    strides : int or tuple of 2 int, default=None
        Elements from one window to the next, or one int an axis, at least 1. None is `pool_size`:
        windows side by side.
    padding : {"valid", "same"}, default="valid"
        "valid" takes the windows that fit; "same" lets windows reach over the ends, evenly.

    References
    ----------
    LeCun et al. (1998), Gradient-based learning applied to document recognition,
    Proceedings of the IEEE 86, :doi:`10.1109/5.726791`.

    Examples
    --------
    >>> from sknet.layers import AveragePool2D, Flatten, Reshape, Sequential
    >>> coarse = Sequential([Reshape((8, 8, 1)), AveragePool2D(2), Flatten()])
    """

    _axes = ("height", "width")


class AveragePool3D(_AveragePooling):
    """Mean of each window over a video.

    The same as `AveragePool2D` with a third axis, time, before the other two. Input shape (T,
    H, W, C), where T may be None; output shape (T_out, H_out, W_out, C). Padding and masked
    steps are not counted. The mask that is passed on is True at the steps that each sequence
    would have alone.

    Parameters
    ----------
    pool_size : int or tuple of 3 int, default=2
        Length of the windows, or one int an axis, at least 1.
    strides : int or tuple of 3 int, default=None
        Elements from one window to the next, or one int an axis, at least 1. None is `pool_size`:
        windows side by side.
    padding : {"valid", "same"}, default="valid"
        "valid" takes the windows that fit; "same" lets windows reach over the ends, evenly.

    References
    ----------
    LeCun et al. (1998), Gradient-based learning applied to document recognition,
    Proceedings of the IEEE 86, :doi:`10.1109/5.726791`.

    Examples
    --------
    >>> from sknet.layers import AveragePool3D, Flatten, Reshape, Sequential
    >>> coarse = Sequential([Reshape((9, 8, 8, 1)), AveragePool3D((1, 2, 2)), Flatten()])
    """

    _axes = ("steps", "height", "width")
