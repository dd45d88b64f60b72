"""Layers that repeat, add or cut off elements of a sequence or an image."""

from __future__ import annotations

from math import prod
from numbers import Integral
from typing import Any, Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from ...kernels.numpy_kernels.pooling import along
from ...typing import Shape
from .axes import OrderedLayer
from .windows import SIZE, fill_border, interior, per_axis

_BORDER = [Interval(Integral, 0, None, closed="left"), "array-like"]


class _UpSampling(OrderedLayer):
    """Repetition of elements along any number of axes."""

    _parameter_constraints = {"size": SIZE}

    def build(self, input_shape: Shape) -> Shape:
        """Work out the lengths; there are no weights."""
        self._check_axes(input_shape)
        self._size = self._per_axis("size")
        return (*self._lengths(input_shape[:-1]), input_shape[-1])

    def _lengths(self, lengths):
        pairs = zip(lengths, self._size, strict=True)
        return tuple(None if n is None else n * size for n, size in pairs)

    def _output_mask(self, x, mask):
        return None if mask is None else np.repeat(mask, self._size[0], axis=1)

    def _forward(self, x, training, mask):
        """Repeat the elements."""
        out = self._work("out", (len(x), *self._lengths(x.shape[1:-1]), x.shape[-1]))
        repeated, single = [len(x)], [len(x)]
        for length, size in zip(x.shape[1:-1], self._size, strict=True):
            repeated += [length, size]
            single += [length, 1]
        np.copyto(out.reshape(*repeated, x.shape[-1]), x.reshape(*single, x.shape[-1]))
        return out

    def _backward(self, grad_output, input_grad):
        """Sum the gradients of the repetitions of each element."""
        if not input_grad:
            return None
        grad, shape = grad_output, list(grad_output.shape)
        for axis, size in enumerate(self._size):
            shape[1 + axis] //= size
            total = self._work(f"grad_{axis}", tuple(shape))
            # The repetitions of one element, (rows, size, elements after them).
            repetitions = along(grad, axis).reshape(prod(shape[: 2 + axis]), size, -1)
            np.add.reduce(repetitions, axis=1, out=total.reshape(len(repetitions), -1))
            grad = total
        return grad


class UpSampling1D(_UpSampling):
    """Repeat each step of a sequence.

    out[t] = x[t // size]. Input shape (T, C), where T may be None; output shape (T size, C).
    The mask is repeated, too.

    Parameters
    ----------
    size : int, default=2
        How many times each step stands in the output, at least 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.layers import UpSampling1D
    >>> from sknet.network import Network
    >>> Network(UpSampling1D(2), (3, 1)).predict(np.array([[[1.0], [2.0], [3.0]]])).ravel()
    array([1., 1., 2., 2., 3., 3.])
    """

    _axes = ("steps",)

    def __init__(self, size: int = 2) -> None:
        self.size = size


class UpSampling2D(_UpSampling):
    """Enlarge images by whole factors.

    "nearest" repeats each pixel; "bilinear" interpolates between the centres of the pixels and
    takes the nearest one outside of them. Input shape (H, W, C), output shape
    (H size, W size, C).

    Parameters
    ----------
    size : int or tuple of 2 int, default=2
        Factors of height and width, at least 1.
    interpolation : {"nearest", "bilinear"}, default="nearest"
        How the new pixels are made.

    Examples
    --------
    >>> from sknet.layers import Flatten, Reshape, Sequential, UpSampling2D
    >>> larger = Sequential([Reshape((8, 8, 1)), UpSampling2D(2), Flatten()])
    """

    _axes = ("height", "width")
    _parameter_constraints = {
        **_UpSampling._parameter_constraints,
        "interpolation": [StrOptions({"nearest", "bilinear"})],
    }

    def __init__(
        self,
        size: int | tuple[int, int] = 2,
        *,
        interpolation: Literal["nearest", "bilinear"] = "nearest",
    ) -> None:
        self.size = size
        self.interpolation = interpolation

    def _forward(self, x, training, mask):
        """Repeat the pixels, or interpolate between them."""
        if self.interpolation == "nearest":
            return super()._forward(x, training, mask)
        matrices = self._interpolations(x, mask)
        if training:
            self._matrices = matrices
        return self._transform("out", x, *matrices)

    def _backward(self, grad_output, input_grad):
        """Sum the gradients that each pixel contributes to."""
        if not input_grad or self.interpolation == "nearest":
            return super()._backward(grad_output, input_grad)
        transposed = [matrix.swapaxes(-1, -2) for matrix in self._matrices]
        return self._transform("grad_x", grad_output, *transposed)

    def _interpolations(self, x, mask):
        """Return the matrices of height, one a sample if there is a mask, and of width."""
        n_samples, height, width, _ = x.shape
        rows, columns = self._size
        by_width = _bilinear(width, columns)
        if mask is None:
            by_height = _bilinear(height, rows)
        else:
            by_height = np.zeros((n_samples, height * rows, height))
            for matrix, length in zip(by_height, mask.sum(axis=1), strict=True):
                matrix[: length * rows, :length] = _bilinear(length, rows)
        return by_height.astype(x.dtype), by_width.astype(x.dtype)

    def _transform(self, name, x, by_height, by_width):
        """Multiply columns by one matrix and rows by the other."""
        n_samples, height, width, channels = x.shape
        tall = self._work(f"{name}_tall", (n_samples, by_height.shape[-2], width * channels))
        np.matmul(by_height, x.reshape(n_samples, height, width * channels), out=tall)
        out = self._work(name, (n_samples, by_height.shape[-2], len(by_width), channels))
        rows = tall.reshape(-1, width, channels)
        np.matmul(by_width, rows, out=out.reshape(-1, len(by_width), channels))
        return out


def _bilinear(length, size):
    """Return the matrix (length size, length) that interpolates between centres of pixels."""
    n_out = length * size
    centres = np.clip((np.arange(n_out) + 0.5) / size - 0.5, 0, max(length - 1, 0))
    left = np.floor(centres).astype(int)
    matrix = np.zeros((n_out, length))
    matrix[np.arange(n_out), left] = 1 - (centres - left)
    matrix[np.arange(n_out), np.minimum(left + 1, length - 1)] += centres - left
    return matrix


class _Border(OrderedLayer):
    """Elements before and after the axes, which are added or cut off."""

    def _read_amounts(self, parameter):
        """Return (before, after) for each axis."""
        value, n_axes = getattr(self, parameter), len(self._axes)
        try:
            # Along one axis, two ints are (before, after); along two, one int for each of them.
            whole = n_axes == 1 or isinstance(value, Integral)
            items = [value] * n_axes if whole else list(value)
            amounts = [per_axis(item, 2, parameter, minimum=0) for item in items]
        except (TypeError, ValueError):
            amounts = []
        if len(amounts) != n_axes:
            raise ValueError(
                f"Layer {self._label()}: {parameter} must be {self._forms}, with ints of at "
                f"least 0, got {value!r}."
            )
        return amounts

    def _surround(self, name, x, real=None):
        """Return a copy of x, or of its real steps, with zeros around it."""
        pairs = zip(x.shape[1:-1], self._amounts, strict=True)
        lengths = [n + before + after for n, (before, after) in pairs]
        out = self._work(name, (len(x), *lengths, x.shape[-1]))
        inside = out[interior(self._amounts, out)]
        if real is None:
            fill_border(out, self._amounts, 0.0)
            np.copyto(inside, x)
        else:
            out[...] = 0.0
            np.copyto(inside, x, where=real)
        return out

    def _cut(self, name, x):
        """Return a copy of x without what is around it."""
        inside = x[interior(self._amounts, x)]
        out = self._work(name, inside.shape)
        np.copyto(out, inside)
        return out


class _ZeroPadding(_Border):
    _parameter_constraints = {"padding": _BORDER}

    def __init__(self, padding: Literal["valid", "same"] = 1) -> None:
        self.padding = padding

    def build(self, input_shape: Shape) -> Shape:
        """Work out the lengths; there are no weights."""
        self._check_axes(input_shape)
        self._amounts = self._read_amounts("padding")
        pairs = zip(input_shape[:-1], self._amounts, strict=True)
        return (*(None if n is None else n + sum(pair) for n, pair in pairs), input_shape[-1])

    def _forward(self, x, training, mask):
        """Put zeros around the real steps of x."""
        real = None if mask is None else mask.reshape(*mask.shape, *(1,) * (x.ndim - 2))
        if training:
            self._real = real
        return self._surround("out", x, real)

    def _backward(self, grad_output, input_grad):
        """Cut off the gradient of the zeros."""
        if not input_grad:
            return None
        grad = self._cut("grad_x", grad_output)
        if self._real is not None:
            grad *= self._real
        return grad

    def _output_mask(self, x, mask):
        if mask is None:
            return None
        n_more = sum(self._amounts[0])
        return np.arange(mask.shape[1] + n_more) < mask.sum(axis=1)[:, None] + n_more


class ZeroPadding1D(_ZeroPadding):
    """Put zeros before and after the steps of a sequence.

    Input shape (T, C), where T may be None; output shape (before + T + after, C). With a mask,
    the zeros stand around the real steps of each sequence, and count as real.

    Parameters
    ----------
    padding : int or tuple of 2 int, default=1
        Number of zeros at each end, at least 0, or (before, after).

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.layers import ZeroPadding1D
    >>> from sknet.network import Network
    >>> Network(ZeroPadding1D((1, 2)), (2, 1)).predict(np.array([[[5.0], [7.0]]])).ravel()
    array([0., 5., 7., 0., 0.])
    """

    _axes = ("steps",)
    _forms = "an int or a pair (before, after)"


class ZeroPadding2D(_ZeroPadding):
    """Put zeros around images.

    Input shape (H, W, C), output shape (top + H + bottom, left + W + right, C).

    Parameters
    ----------
    padding : int or tuple, default=1
        Width of the border, at least 0: one int, (height, width), or
        ((top, bottom), (left, right)).

    Examples
    --------
    >>> from sknet.layers import Flatten, Reshape, Sequential, ZeroPadding2D
    >>> framed = Sequential([Reshape((8, 8, 1)), ZeroPadding2D(2), Flatten()])
    """

    _axes = ("height", "width")
    _forms = "an int, a pair (height, width) or ((top, bottom), (left, right))"


class _Cropping(_Border):
    _parameter_constraints = {"cropping": _BORDER}

    def __init__(self, cropping: Any = 1) -> None:
        self.cropping = cropping

    def build(self, input_shape: Shape) -> Shape:
        """Work out the lengths; there are no weights."""
        self._check_axes(input_shape)
        self._amounts = self._read_amounts("cropping")
        return (*self._lengths(input_shape[:-1]), input_shape[-1])

    def _lengths(self, lengths):
        pairs = zip(lengths, self._amounts, strict=True)
        left = tuple(None if n is None else n - sum(pair) for n, pair in pairs)
        free = self.input_shape_[0] is None
        if any(n is not None and n < 1 for n in left[free:]):
            least = " x ".join(str(sum(pair) + 1) for pair in self._amounts)
            self._refuse(
                f"inputs of at least {least} ({', '.join(self._axes)})",
                " x ".join("any" if n is None else str(n) for n in lengths),
                "Cut off less, so that something is left.",
            )
        return left

    def _forward(self, x, training, mask):
        """Cut off the elements around x."""
        self._shape = x.shape
        if not self._cuts_off_all(x):
            return self._cut("out", x)
        shape = (len(x), 1, *self._lengths(x.shape[1:-1])[1:], x.shape[-1])
        out = self._work("out", shape)
        out.fill(0.0)
        return out

    def _cuts_off_all(self, x):
        """Tell whether no step is left of sequences: one that is not real stands for them."""
        return self.input_shape_[0] is None and x.shape[1] <= sum(self._amounts[0])

    def _backward(self, grad_output, input_grad):
        """Put zeros around the gradient."""
        if not input_grad:
            return None
        if grad_output.shape[1] + sum(self._amounts[0]) == self._shape[1]:
            return self._surround("grad_x", grad_output)
        grad = self._work("grad_x", self._shape)
        grad.fill(0.0)
        return grad

    def _output_mask(self, x, mask):
        if self._cuts_off_all(x):
            return np.zeros((len(x), 1), bool)
        if mask is None:
            return None
        return mask[:, sum(self._amounts[0]) :]


class Cropping1D(_Cropping):
    """Cut off steps at the beginning and the end of a sequence.

    Input shape (T, C), where T may be None; output shape (T - before - after, C). With a mask,
    the last real steps of each sequence are cut off.

    Parameters
    ----------
    cropping : int or tuple of 2 int, default=1
        Number of steps to cut off at each end, at least 0, or (before, after).

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.layers import Cropping1D
    >>> from sknet.network import Network
    >>> x = np.array([[[1.0], [2.0], [3.0], [4.0]]])
    >>> Network(Cropping1D((1, 0)), (4, 1)).predict(x).ravel()
    array([2., 3., 4.])
    """

    _axes = ("steps",)
    _forms = "an int or a pair (before, after)"


class Cropping2D(_Cropping):
    """Cut off the border of images.

    Input shape (H, W, C), output shape (H - top - bottom, W - left - right, C).

    Parameters
    ----------
    cropping : int or tuple, default=1
        Width of what is cut off, at least 0: one int, (height, width), or
        ((top, bottom), (left, right)).

    Examples
    --------
    >>> from sknet.layers import Cropping2D, Flatten, Reshape, Sequential
    >>> inner = Sequential([Reshape((8, 8, 1)), Cropping2D(2), Flatten()])
    """

    _axes = ("height", "width")
    _forms = "an int, a pair (height, width) or ((top, bottom), (left, right))"
