"""Normalization of rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...typing import Array

#: NumPy pays for every row of a broadcast operation: rows are joined until they are this long.
_ROW_ELEMENTS = 256
#: Rows that have to be left, or joining them only makes the vectors longer.
_FEWEST_ROWS = 256


def row_norm(
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    x_hat: Array,
    inverse_std: Array,
    margin: float,
    out: Array,
    epsilon: float,
    numbers: Any,
    work: Any,
) -> bool:
    """Normalize rows (N, F), times gamma, plus beta; without beta no mean is subtracted.

    Returns whether all rows are accurate: where beta is given and `margin` is not at least 0, or
    where `inverse_std` is not positive, they are not. `numbers` are ones (F,), and arrays of F,
    minus the least spread and epsilon: NumPy takes a microsecond less over those than over
    Python's numbers.
    """
    ones, length, spread, epsilon = numbers
    rows, scale = x, inverse_std
    if beta is not None:
        mean = _row_mean("mean", rows, ones, length, work)
        rows = np.subtract(rows, mean, out=x_hat)
    np.vecdot(rows, rows, out=scale[:, 0])
    scale /= length
    if beta is not None:
        np.multiply(mean, spread, out=margin)
        margin *= mean
        margin += scale
    scale += epsilon
    np.sqrt(scale, out=scale)
    np.reciprocal(scale, out=scale)
    np.multiply(rows, scale, out=x_hat)
    scale_and_shift(x_hat, gamma, beta, out, work)
    if beta is None:
        margin.fill(0)
        return bool(least(scale) > 0)
    margin *= scale  # inf * 0 for squares that have overflowed
    return bool(least(margin) >= 0)


def scale_and_shift(
    x_hat: Array, gamma: Array | None, beta: Array | None, out: Array, work: Any
) -> None:
    """Write gamma x_hat + beta to out; there is no compiled one."""
    wide = _joined(out)
    np.multiply(_joined(x_hat), _tiled("gammas", gamma, x_hat, work), out=wide)
    if beta is not None:
        wide += _tiled("betas", beta, out, work)


def row_norm_backward(
    grad: Array,
    x_hat: Array,
    inverse_std: Array,
    gamma: Array | None,
    gamma_grad: Array | None,
    beta_grad: Array | None,
    input_grad: bool,
    numbers: Any,
    work: Any,
) -> None:
    """Turn grad into the gradient of x, if that is asked for; assign those of gamma and beta."""
    length = numbers[1]
    # Not in the memory of the output, which the next layer may still need.
    product = np.multiply(grad, x_hat, out=work("product", grad.shape))
    _column_sums(product, gamma_grad, work)
    if beta_grad is not None:
        _column_sums(grad, beta_grad, work)
    if not input_grad:
        return
    # d x = (g - mean(g) - x_hat mean(g x_hat)) / std with g = gamma d out
    slope = _row_mean("slope", product, gamma, length, work)
    mean = None if beta_grad is None else _row_mean("mean", grad, gamma, length, work)
    wide = _joined(grad)
    wide *= _tiled("gammas", gamma, grad, work)
    np.multiply(x_hat, slope, out=product)
    grad -= product
    if mean is not None:
        grad -= mean
    grad *= inverse_std


def rows_to_join(n_rows: int, width: int) -> int:
    """Return how many rows to view as one, for elementwise operations with a vector.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    width : int
        Elements of a row.

    Returns
    -------
    n_joined : int
        A power of two that divides `n_rows`.
    """
    n_joined = 1
    while (
        width * n_joined < _ROW_ELEMENTS
        and n_rows % (2 * n_joined) == 0
        and n_rows // n_joined > _FEWEST_ROWS
    ):
        n_joined *= 2
    return n_joined


def least(values: Array) -> float:
    """Return the smallest of some values, NaN if there is one, 0 if there is none.

    Parameters
    ----------
    values : ndarray
        Values.

    Returns
    -------
    value : float
        By argmin, which takes a third of the time of min for few values.
    """
    flat = values.reshape(-1)
    return flat[flat.argmin()] if flat.size else 0.0


def _row_mean(name, rows, weights, length, work):
    """Return the weighted sums of rows, divided by their length; a product is fastest."""
    out = work(name, (len(rows), 1))
    np.matmul(rows, weights, out=out[:, 0])
    out /= length
    return out


def _column_sums(rows, out, work):
    ones = work("ones", (len(rows),))
    ones.fill(1)
    np.matmul(ones, rows, out=out)


def _tiled(name, vector, rows, work):
    """Repeat a vector for every row that is joined to one."""
    n_joined = rows_to_join(*rows.shape)
    if n_joined == 1:
        return vector
    out = work(name, (n_joined * len(vector),))
    out.reshape(n_joined, -1)[...] = vector
    return out


def _joined(rows):
    """View several rows as one where that makes operations with a vector faster."""
    n_joined = rows_to_join(*rows.shape)
    return rows.reshape(-1, n_joined * rows.shape[1])
