"""Values and gradients of the losses of classes and labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...typing import Array


def softmax_loss(
    raw: Array,
    codes: Array,
    shares: Array,
    smoothing: float,
    out: Array,
    class_losses: Array | None,
) -> float:
    """Return the weighted loss of logits (N, K), its gradient in `out`, which may be raw.

    `shares` are what multiplies the losses of the rows; None is 1 / N for all.

    `out` is contiguous. No one-hot is built: the gradient is the softmax, less 1 at the true
    classes. Where a row is predicted well, the loss and that difference are far below 1: both
    come from the sum over the other classes, so they are exact to rounding. `class_losses` is
    None for the log loss, or a function of the log-probabilities of the true classes.
    """
    n, n_classes = raw.shape
    shares = row_shares(n, None, out.dtype) if shares is None else shares
    smoothing = smoothing if n_classes > 1 else 0.0
    starts = np.arange(0, n * n_classes, n_classes)  # of the rows in flat memory
    true = starts + codes
    # The maximum through argmax: NumPy's max along short rows is three times slower.
    top = starts + raw.argmax(axis=1)
    np.subtract(raw, raw.reshape(-1)[top][:, None], out=out)
    flat = out.reshape(-1)
    log_p = flat[true]
    ones = np.ones(n_classes, out.dtype)
    spread = (out @ ones) * (smoothing / n_classes) if smoothing else None
    np.exp(out, out=out)
    flat[top] = 0  # of 1, beside which small probabilities would be rounded away
    rest = out @ ones
    flat[top] = 1
    misses = (1 - flat[true]) + rest
    totals = 1 + rest
    log_totals = np.log1p(rest)
    log_p -= log_totals
    losses, slopes = (-log_p, 1.0) if class_losses is None else class_losses(log_p)
    slopes = slopes * shares
    misses *= slopes / totals
    out *= (slopes / totals)[:, None]
    if smoothing:
        # The target is y * (1 - s) + s / K, and log p_k = raw_k - max - log(total).
        losses = losses * (1 - smoothing) + smoothing * log_totals - spread
        part = slopes * (smoothing / n_classes)
        out -= part[:, None]
        misses -= part * (n_classes - 1)
    flat[true] = -misses
    return float(shares @ losses)


def sigmoid_loss(
    raw: Array, y: Array, shares: Array | None, smoothing: float, out: Array, work: Any
) -> float:
    """Return the weighted log loss of log-odds (N, L), its gradient in `out`.

    `shares` are what multiplies the losses of the rows; None is 1 / N for all.
    """
    losses = work("losses", raw.shape)
    excess, rest = cross_entropy(raw, y, losses, smoothing, work)
    np.subtract(excess, rest, out=out)
    return scaled(losses, out, shares)


def cross_entropy(
    raw: Array, y: Array, losses: Array, smoothing: float, work: Any
) -> tuple[Any, Any]:
    """Write ``-log p(y)`` of labels in `losses`; return two parts of its derivative.

    With t the (smoothed) target and z the log-odds, the loss is
    ``log(1 + exp(-|z|)) + z d`` and its derivative ``d - q``. Here d is 1 - t for positive
    z and -t for negative ones, and q, which has the sign of z, is the smaller of the two
    probabilities. Nothing overflows, and nothing small is rounded beside 1.
    """
    excess, rest = work("excess", raw.shape), work("rest", raw.shape)
    positive = np.signbit(raw, out=work("positive", raw.shape, bool))
    np.logical_not(positive, out=positive)
    if smoothing:
        y = np.multiply(y, 1 - smoothing, out=excess)
        y += smoothing / 2
    np.subtract(positive, y, out=excess)
    np.absolute(raw, out=rest)
    np.negative(rest, out=rest)
    np.exp(rest, out=rest)
    np.log1p(rest, out=losses)
    scratch = np.add(rest, 1, out=work("scratch", raw.shape))
    rest /= scratch
    np.copysign(rest, raw, out=rest)
    np.multiply(excess, raw, out=scratch)
    losses += scratch
    return excess, rest


def average(losses: Array, gradient: Array, sample_weight: Array | None) -> float:
    """Return the weighted mean of losses (N, K) or (N,); scale their gradient to match."""
    weighted = sample_weight is not None
    shares = row_shares(len(losses), sample_weight, gradient.dtype) if weighted else None
    return scaled(losses, gradient, shares)


def scaled(losses: Array, gradient: Array, shares: Array | None) -> float:
    """Return the sum of losses times shares, None is 1 / N; scale their gradient to match."""
    if shares is None:
        n = max(len(losses), 1)
        gradient *= 1 / n
        return float(losses.sum()) / n
    gradient *= shares[:, None]
    return float((shares @ losses).sum())


def row_shares(n: int, sample_weight: Array | None, dtype: DTypeLike) -> Array:
    """Return the factors (N,) that sum up row losses: the weights over N."""
    share = 1 / max(n, 1)
    if sample_weight is None:
        return np.full(n, share, dtype)
    return np.multiply(sample_weight, share, dtype=dtype)
