"""Padding by elements of the sample itself: mirrored at the edges, or from the other end."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...base import Workspace
from ...typing import Array


class Repetition:
    """Pads samples by what they hold, one axis after the other.

    Parameters
    ----------
    windows : Windows
        Says how much is added, and whether "reflect" or "circular".
    """

    def __init__(self, windows: Any) -> None:
        self._windows = windows

    def pad(self, x: Array, mask: Array | None, work: Workspace) -> Any:
        """Return x with padding around the real steps; see `Windows.pad`."""
        if mask is not None:
            x = self._pad_steps(x, mask, work)
        for axis, index in self._axes(x.shape if mask is None else (x.shape[0], 0, *x.shape[2:])):
            shape = list(x.shape)
            shape[axis] = len(index)
            out = work(f"repeated_{axis}", tuple(shape))
            x = x.take(index, axis=axis, out=out, mode="clip")
        return x

    def unpad(
        self, grad: Array, shape: tuple[int, ...], mask: Array | None, work: Workspace
    ) -> Any:
        """Return the gradient of x from that of what `pad` made of it; see `Windows.unpad`."""
        start = shape if mask is None else (shape[0], 0, *shape[2:])
        for axis, index in reversed(list(self._axes(start))):
            length = shape[axis]
            before = self._windows._amount(axis - 1, length)[0]
            inner = work(f"folded_{axis}", (*grad.shape[:axis], length, *grad.shape[axis + 1 :]))
            # Views in which axis 1 is the one that gets shorter.
            lines, inner_lines = grad.swapaxes(1, axis), inner.swapaxes(1, axis)
            np.copyto(inner_lines, lines[:, before : before + length])
            for place in (*range(before), *range(before + length, len(index))):
                target = inner_lines[:, index[place]]
                np.add(target, lines[:, place], out=target)
            grad = inner
        return grad if mask is None else self._unpad_steps(grad, shape, mask, work)

    def _axes(self, shape):
        """Yield the axes that get longer, and which element each of the new ones is."""
        for axis, length in enumerate(shape[1:-1], start=1):
            before, after = self._windows._amount(axis - 1, length) if length else (0, 0)
            if before or after:
                yield axis, self._source(np.arange(-before, length + after), length)

    def _source(self, places, length):
        """Return which of the elements 0 to length - 1 stand at places before and after them."""
        if self._windows.padding == "circular":
            return places % np.maximum(length, 1)
        period = np.maximum(2 * (length - 1), 1)
        folded = places % period
        return np.minimum(folded, period - folded) * (length > 1)

    def _steps(self, mask):
        """Return which real step each step of padded sequences is, and whether it is one."""
        lengths = np.count_nonzero(mask, axis=1)
        amounts = [self._windows._amount(0, n) if n else (0, 0) for n in lengths.tolist()]
        before, after = np.array(amounts).T.reshape(2, -1)
        longest = sum(self._windows._amount(0, mask.shape[1])) + mask.shape[1]
        places = np.arange(longest) - before[:, None]
        real = places < (lengths + after * (lengths > 0))[:, None]
        return self._source(places, lengths[:, None]), real & (lengths > 0)[:, None]

    def _pad_steps(self, x, mask, work):
        source, real = self._steps(mask)
        out = work("repeated_steps", (*source.shape, *x.shape[2:]))
        out[...] = 0.0
        rows, steps = np.nonzero(real)
        out[rows, steps] = x[rows, source[rows, steps]]
        return out

    def _unpad_steps(self, grad_padded, shape, mask, work):
        source, real = self._steps(mask)
        grad = work("folded_steps", shape)
        grad[...] = 0.0
        rows, steps = np.nonzero(real)
        np.add.at(grad, (rows, source[rows, steps]), grad_padded[rows, steps])
        return grad
