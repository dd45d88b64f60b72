"""Products of a kernel with windows, and mixtures of rows for minimal filtering.

`work` is scratch memory by name and shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ...typing import Array

#: Elements of the columns of one piece: 512 KB in float32 stay in a core's cache. With kernels of
#: 3 x 3, pieces of 2**14 took 1.4 times as long, and larger ones than these were not faster.
_PIECE_ELEMENTS = 2**17
#: Elements in a row of memory from which columns are copied window by window.
_LONG_RUN = 16


def correlate(x: Array, kernel: Array, out: Array, strides: Any, dilation: Any, work: Any) -> None:
    """Write the products of windows of x (N, ..., C) with a kernel (..., C, filters).

    out[n, o, f] = sum over j, c of x[n, o strides + j dilation, c] kernel[j, c, f], where o and j
    run over all axes. The windows of a piece of the batch, a few samples or a part of one, are
    copied into columns, whose product with the kernel is one of matrices; the columns of the next
    piece take the same memory. The compiled one copies no window.
    """
    view = windows_of(x, out.shape, kernel.shape[:-2], strides, dilation)
    for piece in pieces(view):
        np.matmul(_columns(view[piece], work), as_matrix(kernel), out=as_matrix(out[piece]))


def correlate_gradient(
    x: Array, grad: Array, out: Array, strides: Any, dilation: Any, work: Any
) -> None:
    """Write the gradient of the kernel, given that of the products."""
    view = windows_of(x, grad.shape, out.shape[:-2], strides, dilation)
    sums = as_matrix(out)
    products = work("products", sums.shape)
    out[...] = 0.0
    for piece in pieces(view):
        sums += np.matmul(_columns(view[piece], work).T, as_matrix(grad[piece]), out=products)


def mix_rows(weights: Any, x: Array, out: Array) -> None:
    """Put weights @ x into out: of each tile (n_rows, E), mixtures of its rows."""
    np.matmul(weights, x, out=out)


def windows_of(x: Array, shape: Any, size: Any, strides: Any, dilation: Any) -> Array:
    """View the windows of x as an array (N, ..., *size, C), as many as an array of `shape` has."""
    steps = x.strides[1:-1]
    of_windows = [s * n for s, n in zip(strides, steps, strict=True)]
    of_taps = [d * n for d, n in zip(dilation, steps, strict=True)]
    return as_strided(
        x,
        (*shape[:-1], *size, x.shape[-1]),
        (x.strides[0], *of_windows, *of_taps, x.strides[-1]),
    )


def as_matrix(array: Array) -> Array:
    """View an array of shape (..., C) as a matrix of rows."""
    return array.reshape(-1, array.shape[-1])


def pieces(view: Array) -> Iterator[Any]:
    """Yield the indices of pieces of windows: of some samples, or of a part of one."""
    n_elements, n_first = prod(view.shape[1:]), view.shape[1]
    if not n_elements:
        return
    n_together = max(1, _PIECE_ELEMENTS // n_elements)
    length = -(-n_first // min(n_first, -(-n_elements // _PIECE_ELEMENTS)))
    for start in range(0, len(view), n_together):
        for first in range(0, n_first, length):
            yield slice(start, start + n_together), slice(first, first + length)


def _columns(windows: Array, work: Any) -> Array:
    """Return windows as a matrix with one window a row."""
    n_axes = (windows.ndim - 2) // 2
    n_rows = prod(windows.shape[: n_axes + 1])
    if windows.flags.c_contiguous:  # those of one element
        return windows.reshape(n_rows, -1)
    if windows.shape[-1] * windows.shape[-2] >= _LONG_RUN:
        columns = work("columns", windows.shape)
        np.copyto(columns, windows)
        return columns.reshape(n_rows, -1)
    # Of few channels, whole planes of the image are copied.
    axes = (*range(n_axes + 1, 2 * n_axes + 2), *range(n_axes + 1))
    planes = windows.transpose(axes)
    columns = work("columns", planes.shape)
    np.copyto(columns, planes)
    return columns.reshape(-1, n_rows).T
