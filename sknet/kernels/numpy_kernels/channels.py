"""Sums and linear functions of channels, for normalization by columns.

Arrays have the shape (segments, rows, channels) and vectors (segments, 1, channels). Rows may have
weights of 0 or 1, of shape (segments, 1, rows), or None; compiled kernels leave those to NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...typing import Array

#: Elements of a block: it is read, and read again, while it is in a core's cache.
_BLOCK_ELEMENTS = 2**16


def channel_sums(
    x: Array, mean: Any, grad: Any, weights: Any, total: Any, products: Any, work: Any
) -> None:
    """Add up columns: grad into total, and grad (x - mean) into products.

    Without grad, (x - mean) ** 2 into products; without a mean, x into total.
    """
    blocks = list(_blocks(*x.shape))
    for out in (total, products):
        if out is not None and len(blocks) != 1:
            out.fill(0)
    for at in blocks:
        if mean is None:
            _add_columns(x, x[at], at, weights, total, work)
            continue
        centred = _centred(x[at], at, mean, weights, work)
        if grad is None:
            np.multiply(centred, centred, out=centred)
        else:
            part = grad[at] if weights is None else _clear(grad[at], at, weights)
            _add_columns(x, part, at, weights, total, work)
            np.multiply(centred, part, out=centred)
        _add_columns(x, centred, at, weights, products, work)


def channel_linear(
    x: Array, mean: Any, weights: Any, scale: Any, shift: Any, out: Array, work: Any
) -> None:
    """Write scale (x - mean) + shift to out."""
    for at in _blocks(*x.shape):
        segments, part = at[0], out[at]
        if weights is None:
            np.subtract(x[at], mean[segments], out=part)
        else:
            part[...] = _centred(x[at], at, mean, weights, work)
        part *= scale[segments]
        part += shift[segments]


def channel_gradient(
    grad: Array,
    x: Array,
    mean: Any,
    weights: Any,
    scale: Any,
    slope: Any,
    constant: Any,
    work: Any,
) -> None:
    """Turn grad into scale grad - slope (x - mean) - constant."""
    for at in _blocks(*x.shape):
        part, segments = grad[at], at[0]
        centred = _centred(x[at], at, mean, weights, work)
        centred *= slope[segments]
        part *= scale[segments]
        part -= centred
        part -= constant[segments]
        if weights is not None:
            _clear(part, at, weights)


def _add_columns(x, part, at, weights, total, work):
    n_segments, n_rows, width = part.shape
    if weights is None:
        factors = work("ones", (1, n_rows))
        factors.fill(1)
    else:
        factors = weights[at[0], :, at[1]]
    # A column sum as a product is several times faster than sum(axis=1).
    if part.shape == x.shape:
        np.matmul(factors, part, out=total)
    else:
        total[at[0]] += np.matmul(factors, part, out=work("sums", (n_segments, 1, width)))


def _centred(part, at, mean, weights, work):
    """Return a block of x - mean, and 0 where weights are 0."""
    out = np.subtract(part, mean[at[0]], out=work("centred", part.shape))
    return out if weights is None else _clear(out, at, weights)


def _clear(part, at, weights):
    part *= weights[at[0], 0, at[1], None]
    return part


def _blocks(n_segments: int, n_rows: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Yield (segments, rows), slices that cover all."""
    n_fitting = max(1, _BLOCK_ELEMENTS // max(1, width))
    if n_rows > n_fitting:
        for segment in range(n_segments):
            for row in range(0, n_rows, n_fitting):
                yield slice(segment, segment + 1), slice(row, row + n_fitting)
        return
    step = max(1, n_fitting // max(1, n_rows))
    for segment in range(0, n_segments, step):
        yield slice(segment, segment + step), slice(None)
