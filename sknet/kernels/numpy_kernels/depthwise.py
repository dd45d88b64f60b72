"""Kernels of convolutions that treat each channel by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ...typing import Array

#: Elements of one piece: what is read again for each element of the kernel stays in the cache.
_PIECE_ELEMENTS = 2**16


def depthwise(x: Array, kernel: Any, out: Array, strides: Any, dilation: Any) -> None:
    """Multiply windows over any number of axes with a kernel; one pass an element of it.

    Along the last axis, neighbouring elements and their channels make one long row of memory, for
    which the kernel is repeated.
    """
    case = _Windows(x, out.shape, kernel.shape[:-1], strides, dilation)
    rows = case.rows(out)
    weights = np.tile(kernel, out.shape[-2]) if case.joins else kernel
    sums = f"n{case.places_and_taps}f,{case.taps}f->n{case.places}f"
    for piece in case.pieces(rows):
        np.einsum(sums, case.view[piece], weights, out=rows[piece])


def depthwise_gradient(x: Array, grad: Array, out: Array, strides: Any, dilation: Any) -> None:
    """Sum up the products of windows with the gradient of theirs."""
    case = _Windows(x, grad.shape, out.shape[:-1], strides, dilation)
    rows = case.rows(grad)
    total = np.zeros((*out.shape[:-1], rows.shape[-1]), out.dtype)
    sums = f"n{case.places_and_taps}f,n{case.places}f->{case.taps}f"
    for piece in case.pieces(rows):
        total += np.einsum(sums, case.view[piece], rows[piece])
    joined = grad.shape[-2] if case.joins else 1
    np.sum(total.reshape(*out.shape[:-1], joined, out.shape[-1]), axis=-2, out=out)


class _Windows:
    """View of all windows as an array of shape (N, ..., *size, [W,] elements of a row)."""

    def __init__(self, x: Array, shape: Any, size: Any, strides: Any, dilation: Any) -> None:
        n_axes = len(size)
        # Only without strides do windows along the last axis lie next to each other.
        self.joins = strides[-1] == 1 and x.flags.c_contiguous
        self.taps = "ijk"[:n_axes]
        first = "abc"[: n_axes - 1]
        self.places = first + ("" if self.joins else "w")
        self.places_and_taps = first + self.taps + ("" if self.joins else "w")
        steps, item = x.strides[1:-1], x.strides[-1]
        of_places = [s * n for s, n in zip(strides, steps, strict=True)]
        of_taps = [d * n for d, n in zip(dilation, steps, strict=True)]
        counts, channels = shape[1:-1], x.shape[-1]
        last = (counts[-1] * channels,) if self.joins else (counts[-1], channels)
        of_last = (item,) if self.joins else (of_places[-1], item)
        self.view = as_strided(
            x,
            (len(x), *counts[:-1], *size, *last),
            (x.strides[0], *of_places[:-1], *of_taps, *of_last),
        )

    def rows(self, array: Any) -> Any:
        """View products in the same way."""
        *shape, width, channels = array.shape
        return array.reshape(*shape, width * channels) if self.joins else array

    def pieces(self, rows: Array) -> Iterator[Any]:
        """Yield the indices of pieces: of some samples, or of a part of one along its rows."""
        if not rows.size:
            return
        of_sample, n_first = rows[0].size, rows.shape[1]
        n_together = max(1, _PIECE_ELEMENTS // of_sample)
        length = max(1, n_first * _PIECE_ELEMENTS // of_sample)
        for start in range(0, len(rows), n_together):
            part = slice(start, start + n_together)
            if n_together > 1 or len(self.taps) == 1:
                yield (part,)
                continue
            for first in range(0, n_first, length):
                yield part, slice(first, first + length)
