"""Layers that summarize small windows of a sequence, an image or a video."""

from __future__ import annotations

from math import prod
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from ...base import Workspace
from ...typing import Shape, Window
from .axes import OrderedLayer
from .reduction import add_or_write, along, clear_gaps, elements_of_windows, give_to_maxima
from .windows import PADDING, SIZE, Windows

#: Elements of one operation: with the scratch memory, those of all windows stay in a core's cache,
#: and threads side by side seldom wait for the interpreter. With 2**16, steps of a network of
#: images took up to 1.1 times as long.
_BLOCK_ELEMENTS = 2**17


class _Pooling(OrderedLayer):
    """Pooling over any number of axes, one axis after the other.

    The maximum, or sum, of a window is that along one axis of those along the others: k + l
    operations for a window of k x l, most of them on long contiguous rows.
    """

    #: What joins two elements of a window, and the value that changes nothing.
    _join = None
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
        # Windows of one element that leave no gaps change nothing along their axis.
        steps = enumerate(zip(size, strides, strict=True))
        self._stages = [(axis, *step) for axis, step in steps if step != (1, 1)]
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

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator) -> None:
        """Prepare scratch memory, some of it for a few samples only."""
        super().allocate(batch_size, dtype, rng)
        self._few = Workspace(1, dtype)

    def _output_mask(self, x, mask):
        return self._windows.output_mask(x, mask)

    def _pool(self, x, mask):
        """Return x with padding, and what joins the elements of its windows."""
        lengths = self._counts(x.shape[1:-1])
        padded = self._windows.pad(x, mask, self._work, self._neutral)
        out = self._work("out", (len(x), *lengths, x.shape[-1]))
        for block in self._blocks(padded):
            if self._stages:
                inputs = self._stage_inputs(padded[block])
                self._run_stage(-1, inputs[-1], out[block])
            else:
                np.copyto(out[block], padded[block])
        return padded, out

    def _blocks(self, x):
        """Yield slices of as many samples as are worked on at a time."""
        longest = max((size for _, size, _ in self._stages), default=1)
        n_samples = max(1, _BLOCK_ELEMENTS * longest // prod(x.shape[1:]))
        for start in range(0, len(x), n_samples):
            yield slice(start, start + n_samples)

    def _stage_shapes(self, shape):
        """Return the shapes of the inputs of all stages."""
        shapes = [shape]
        for axis, size, stride in self._stages[:-1]:
            shape = list(shape)
            shape[1 + axis] = (shape[1 + axis] - size) // stride + 1
            shapes.append(tuple(shape))
        return shapes

    def _stage_inputs(self, x):
        """Return the inputs of all stages: x, and what each but the last makes of it."""
        inputs = [x]
        for stage, shape in enumerate(self._stage_shapes(x.shape)[1:]):
            out = self._few(f"stage_{stage}", shape)
            inputs.append(self._run_stage(stage, inputs[-1], out))
        return inputs

    def _run_stage(self, stage, x, out):
        axis, size, stride = self._stages[stage]
        n_windows = out.shape[1 + axis]
        x, target = along(x, axis), along(out, axis)
        if n_windows == 1:
            self._join.reduce(x[:, :size], axis=1, out=target[:, 0])
            return out
        first, *others = elements_of_windows(x, size, stride, n_windows)
        if not others:
            np.copyto(target, first)
        for other in others:
            first = self._join(first, other, out=target)
        return out

    def _unpool(self, grad_output, padded, shape, mask):
        """Return the gradient of x, of the given shape."""
        grad_padded = self._work("grad_padded", padded.shape)
        for block in self._blocks(padded):
            grad, values = grad_output[block], self._values(padded, block)
            shapes = self._stage_shapes(padded[block].shape)
            for stage in reversed(range(1, len(self._stages))):
                target = self._few(f"grad_{stage}", shapes[stage])
                grad = self._unpool_stage(stage, grad, target, values)
            if self._stages:
                self._unpool_stage(0, grad, grad_padded[block], values)
            else:
                np.copyto(grad_padded[block], grad)
        return self._windows.unpad(grad_padded, shape, mask, self._work)

    def _unpool_stage(self, stage, grad, grad_input, values):
        axis, size, stride = self._stages[stage]
        rows, grad = along(grad_input, axis), along(grad, axis)
        clear_gaps(rows, size, stride, grad.shape[1])
        targets = elements_of_windows(rows, size, stride, grad.shape[1])
        self._share_out(stage, grad, targets, values)
        return grad_input

    def _values(self, padded, block):
        """Return what `_share_out` needs to know of the forward pass."""


class MaxPooling(_Pooling):
    """Maximum over windows, of any number of axes."""

    _join = np.maximum
    _neutral = -np.inf

    def _forward(self, x, training, mask):
        padded, out = self._pool(x, mask)
        if mask is not None:
            # Windows without a real step have no maximum.
            np.copyto(out, 0.0, where=np.isneginf(out))
        if training:
            self._padded, self._out, self._batch = padded, out, (x.shape, mask)
        return out

    def _backward(self, grad_output, input_grad):
        """Give each gradient to one maximal element of its window."""
        return self._unpool(grad_output, self._padded, *self._batch) if input_grad else None

    def _values(self, padded, block):
        return [*self._stage_inputs(padded[block]), self._out[block]]

    def _share_out(self, stage, grad, targets, values):
        axis, size, stride = self._stages[stage]
        elements = elements_of_windows(along(values[stage], axis), size, stride, grad.shape[1])
        if grad.shape[1] == 1:
            # NumPy compares scattered rows of few elements by way of a buffer.
            elements = (self._copy(element) for element in elements)
        maxima = along(values[stage + 1], axis)
        give_to_maxima(grad, elements, maxima, targets, stride, self._few)

    def _copy(self, element):
        copy = self._few("element", element.shape)
        np.copyto(copy, element)
        return copy


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
    _join = np.add
    _neutral = 0.0

    def _forward(self, x, training, mask):
        padded, out = self._pool(x, mask)
        if training:
            self._padded, self._batch = padded, (x.shape, mask)
        return self._divide(out, x.shape, mask)

    def _backward(self, grad_output, input_grad):
        """Share each gradient out among the real elements of its window."""
        if not input_grad:
            return None
        grad = self._divide(grad_output, *self._batch)
        return self._unpool(grad, self._padded, *self._batch)

    def _share_out(self, stage, grad, targets, values):
        for position, target in enumerate(targets):
            add_or_write(target, grad, position, self._stages[stage][2])

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
        counts = sum(elements_of_windows(real, size, stride, n_windows))
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
