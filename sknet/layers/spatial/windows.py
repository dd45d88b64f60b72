"""Windows that slide over the axes of a sample: their sizes, their padding and their masks."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions

from ...typing import Array, Shape, Window
from .repetition import Repetition

#: Constraints of the parameters that layers with windows share.
SIZE: list[Any] = [Interval(Integral, 1, None, closed="left"), "array-like"]
PADDING: list[Any] = [StrOptions({"valid", "same"})]
PADDING_OF_CONVOLUTIONS: list[Any] = [StrOptions({"valid", "same", "reflect", "circular"})]
PADDING_OF_SEQUENCES: list[Any] = [StrOptions({"valid", "same", "causal", "reflect", "circular"})]


def per_axis(
    value: int | ArrayLike, n_axes: int, parameter: str, minimum: int = 1
) -> tuple[int, ...]:
    """Return one int an axis for an int or a sequence of ints.

    Parameters
    ----------
    value : int or array-like of int
        The parameter.
    n_axes : int
        Number of axes.
    parameter : str
        Its name, for the error.
    minimum : int, default=1
        Smallest value.

    Returns
    -------
    values : tuple of int
        One an axis.

    Raises
    ------
    ValueError
        If `value` is neither an int nor `n_axes` of them.
    """
    values = (value,) * n_axes if isinstance(value, Integral) else tuple(value)
    right = all(isinstance(n, Integral) and not isinstance(n, bool) for n in values)
    if len(values) != n_axes or not right or min(values) < minimum:
        count = "an int" if n_axes == 1 else f"an int or {n_axes} ints"
        raise ValueError(f"{parameter} must be {count} of at least {minimum}, got {value!r}.")
    return tuple(int(n) for n in values)


class Windows:
    """Geometry of windows over the axes between the batch and the channels.

    Along an axis of length L, windows of `size` elements, `dilation` apart, span
    (size - 1) dilation + 1 and start every `strides` elements. Padding "valid" adds nothing;
    "same" adds so much, evenly and the odd one at the end, that ceil(L / stride) windows fit;
    "causal" adds all of that, for stride 1, in front, so that no window sees what comes later.
    "reflect" and "circular" add as much as "same", elements of the sample in place of zeros: those
    from the edge inward, without the edge, or those from the other end.

    Parameters
    ----------
    size, strides, dilation : tuple of int
        One int an axis.
    padding : {"valid", "same", "causal", "reflect", "circular"}
        What is added around.
    """

    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]

    def __init__(
        self,
        size: Shape,
        strides: Window,
        dilation: Shape,
        padding: Literal["valid", "same", "causal", "reflect", "circular"],
    ) -> None:
        self.size, self.strides, self.dilation, self.padding = size, strides, dilation, padding
        self.repeats = padding in ("reflect", "circular")
        self.span: tuple[int, ...] = tuple(
            (k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)
        )

    def amounts(self, lengths: Shape) -> list[tuple[int, int]]:
        """Return (before, after), what padding adds, for each axis.

        Steps too few for a window are filled up to one, which `output_mask` knows not to be real.

        Parameters
        ----------
        lengths : tuple of int
            Lengths of the axes.

        Returns
        -------
        amounts : list of (int, int)
            Elements before and after.
        """
        found = [self._amount(axis, length) for axis, length in enumerate(lengths)]
        if self.padding == "valid":
            found[0] = 0, max(0, self.span[0] - lengths[0])
        return found

    def _amount(self, axis, length):
        span, stride = self.span[axis], self.strides[axis]
        if self.padding == "valid":
            return 0, 0
        if self.padding == "causal":
            return span - 1, 0
        total = max((-(-length // stride) - 1) * stride + span - length, 0)
        return total // 2, total - total // 2

    def output_lengths(self, lengths: Shape | None) -> Shape | None:
        """Return how many windows there are along each axis.

        Parameters
        ----------
        lengths : tuple of int or None
            Lengths of the axes; None, any length, stays None.

        Returns
        -------
        lengths : tuple of int or None
            Numbers of windows, below 1 where none fits.
        """
        found = []
        for axis, length in enumerate(lengths):
            if length is not None:
                padded = length + sum(self._amount(axis, length))
                length = (padded - self.span[axis]) // self.strides[axis] + 1
            found.append(length)
        return tuple(found)

    def counts(self, lengths: Shape) -> Shape:
        """Return how many windows a batch has along each axis, at least one of steps.

        Parameters
        ----------
        lengths : tuple of int
            Lengths of the axes.

        Returns
        -------
        counts : tuple of int
            Numbers of windows.
        """
        n_steps, *others = self.output_lengths(lengths)
        return (max(1, n_steps), *others)

    def output_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return which windows a sequence has, given which of its steps are real.

        Parameters
        ----------
        x : ndarray of shape (N, T, ...)
            The sequences.
        mask : ndarray of shape (N, T) of bool or None
            True at real steps, which come first; None when all are.

        Returns
        -------
        mask : ndarray of shape (N, T_out) of bool or None
            True for the windows that the sequence without its padding would have.
        """
        first = self.span[0] - 1 if self.padding == "valid" else 0
        if x.shape[1] <= first:
            return np.zeros((len(x), 1), bool)
        return None if mask is None else mask[:, first :: self.strides[0]]

    def pad(self, x: Array, mask: Array | None, work: Any, value: float = 0.0) -> Array:
        """Return x with padding around it, and with `value` at padded and masked places.

        Parameters
        ----------
        x : ndarray of shape (N, ..., C)
            Inputs; left as they are, and returned if there is nothing to do.
        mask : ndarray of shape (N, T) of bool or None
            True at real steps, which come first.
        work : Workspace
            Gives the memory, under the name "padded".
        value : float, default=0.0
            What to fill in.

        Returns
        -------
        padded : ndarray of shape (N, ..., C)
            Ready for windows without padding.
        """
        if self.repeats:
            return Repetition(self).pad(x, mask, work)
        amounts = self.amounts(x.shape[1:-1])
        if mask is None and not any(map(any, amounts)):
            return x
        lengths = [n + sum(amount) for n, amount in zip(x.shape[1:-1], amounts, strict=True)]
        padded = work("padded", (len(x), *lengths, x.shape[-1]))
        if mask is None:
            fill_border(padded, amounts, value)
            padded[interior(amounts, padded)] = x
            return padded
        padded[...] = value
        real = mask.reshape(*mask.shape, *(1,) * (x.ndim - 2))
        inside = padded[interior([(0, 0), *amounts[1:]], padded)]
        for rows, shift in self._shifts(mask):
            n_steps = inside[0, shift : shift + x.shape[1]].shape[0]
            target = rows, slice(shift, shift + n_steps)
            _copy_real(inside, target, x[rows, :n_steps], real[rows, :n_steps])
        return padded

    def unpad(self, grad_padded: Array, shape: Shape, mask: Array | None, work: Any) -> Array:
        """Return the gradient of x from that of what `pad` made of it.

        Parameters
        ----------
        grad_padded : ndarray of shape (N, ..., C)
            Gradient of the padded array.
        shape : tuple of int
            Shape of x.
        mask : ndarray of shape (N, T) of bool or None
            The mask that `pad` was given.
        work : Workspace
            Gives the memory, under the name "unpadded".

        Returns
        -------
        grad : ndarray of shape `shape`
            Gradient of x, zero at masked steps; contiguous.
        """
        if self.repeats:
            return Repetition(self).unpad(grad_padded, shape, mask, work)
        amounts = self.amounts(shape[1:-1])
        if mask is None and not any(map(any, amounts)):
            return grad_padded
        grad = work("unpadded", shape)
        if mask is None:
            np.copyto(grad, grad_padded[interior(amounts, grad_padded)])
            return grad
        grad[...] = 0.0
        real = mask.reshape(*mask.shape, *(1,) * (len(shape) - 2))
        inside = grad_padded[interior([(0, 0), *amounts[1:]], grad_padded)]
        for rows, shift in self._shifts(mask):
            shifted = inside[rows, shift : shift + shape[1]]
            n_steps = shifted.shape[1]
            _copy_real(grad, (rows, slice(0, n_steps)), shifted, real[rows, :n_steps])
        return grad

    def _shifts(self, mask):
        """Yield (rows, padding in front of them)."""
        n_steps = mask.shape[1]
        if self.padding in ("valid", "causal") or self.strides[0] == 1:
            yield _ALL, self._amount(0, n_steps)[0]
            return
        # With strides, how much "same" adds in front depends on the length of the sequence.
        shifts = np.array([self._amount(0, length)[0] for length in mask.sum(axis=1).tolist()])
        for shift in np.unique(shifts).tolist():
            yield np.flatnonzero(shifts == shift), shift


_ALL = slice(None)


def _copy_real(to, where, values, real):
    """Copy values to to[where] at real steps."""
    if where[0] is _ALL:
        np.copyto(to[where], values, where=real)
    else:  # indexing with numbers of rows makes a copy
        to[where] = np.where(real, values, to[where])


def interior(amounts: Sequence[tuple[int, int]], padded: Array) -> tuple[slice, ...]:
    """Return the index of what padding is around.

    Parameters
    ----------
    amounts : list of (int, int)
        Elements before and after, for each axis.
    padded : ndarray of shape (N, ..., C)
        With the padding.

    Returns
    -------
    index : tuple of slice
        So that ``padded[index]`` is what was padded.
    """
    slices = (slice(a, n - b) for (a, b), n in zip(amounts, padded.shape[1:-1], strict=True))
    return (_ALL, *slices)


def fill_border(padded: Array, amounts: Sequence[tuple[int, int]], value: float) -> None:
    """Write a value to the padding of an array.

    Parameters
    ----------
    padded : ndarray of shape (N, ..., C)
        With the padding; written.
    amounts : list of (int, int)
        Elements before and after, for each axis.
    value : float
        The value.
    """
    for axis, (before, after) in enumerate(amounts, start=1):
        if before:
            padded[(*(_ALL,) * axis, slice(0, before))] = value
        if after:
            padded[(*(_ALL,) * axis, slice(-after, None))] = value
