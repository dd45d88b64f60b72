"""Layers that add elements around sequences, images and videos, or cut them off."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import Interval

from ...typing import Shape
from .axes import OrderedLayer
from .windows import fill_border, interior, per_axis

_BORDER = [Interval(Integral, 0, None, closed="left"), "array-like"]


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

    def __init__(self, padding: int = 1) -> None:
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


class ZeroPadding3D(_ZeroPadding):
    """Put zeros around videos or volumes.

    Input shape (T, H, W, C), where T may be None; output shape (first + T + last,
    top + H + bottom, left + W + right, C). With a mask, the zeros stand around the real steps,
    and count as real.

    Parameters
    ----------
    padding : int or tuple, default=1
        Width of the border, at least 0: one int, (steps, height, width), or three pairs
        (before, after).

    Examples
    --------
    >>> from sknet.layers import Flatten, Reshape, Sequential, ZeroPadding3D
    >>> framed = Sequential([Reshape((4, 4, 4, 1)), ZeroPadding3D((0, 1, 1)), Flatten()])
    """

    _axes = ("steps", "height", "width")
    _forms = "an int, (steps, height, width) or three pairs (before, after)"


class _Cropping(_Border):
    _parameter_constraints = {"cropping": _BORDER}

    def __init__(self, cropping: int = 1) -> None:
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


class Cropping3D(_Cropping):
    """Cut off the border of videos or volumes.

    Input shape (T, H, W, C), where T may be None; output shape (T - first - last,
    H - top - bottom, W - left - right, C). With a mask, the last real steps are cut off.

    Parameters
    ----------
    cropping : int or tuple, default=1
        Width of what is cut off, at least 0: one int, (steps, height, width), or three pairs
        (before, after).

    Examples
    --------
    >>> from sknet.layers import Cropping3D, Flatten, Reshape, Sequential
    >>> inner = Sequential([Reshape((4, 4, 4, 1)), Cropping3D(1), Flatten()])
    """

    _axes = ("steps", "height", "width")
    _forms = "an int, (steps, height, width) or three pairs (before, after)"
