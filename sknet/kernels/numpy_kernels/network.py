"""The gradient of a network of dense layers."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from ...typing import Array
from .activations import GELU
from .dense import dense, dense_back
from .losses import scaled, sigmoid_loss, softmax_loss

#: Losses: of classes, of the labels 0 and 1 of one output, and half the squared error of one.
OF_CLASSES, OF_LABELS, SQUARED = range(3)
#: Layers of a network that the compiled kernel takes.
MOST_LAYERS = 16


def dense_gradient(
    x: Array,
    y: Array,
    shares: Array | None,
    params: Array,
    grads: Array,
    integers: Array,
    reals: Array,
    memory: Array,
    smoothing: float,
    factor: float,
    loss: int,
    work: Any,
) -> float:
    """Return the loss of dense layers with its penalty, the gradient of `params` in `grads`.

    Unless the loss is finite, `grads` is left alone. A layer has a row of `integers`, its units,
    the kind of its activation and where its kernel and its bias begin in `params`, and one of
    `reals`, the slope and the limit of its activation and the decay of its kernel: the penalty is
    ``factor / 2`` times the sum of ``decay * kernel**2``. `memory` is for the compiled kernel.
    """
    penalty, passed = 0.0, []
    rows = zip(integers.tolist(), reals.tolist(), strict=True)
    for (units, kind, at_kernel, at_bias), (slope, limit, decay) in rows:
        where = slice(at_kernel, at_kernel + x.shape[1] * units)
        bias, kernel = slice(at_bias, at_bias + units), params[where].reshape(-1, units)
        out = np.empty((len(x), units), x.dtype)
        derivative = np.empty_like(out) if kind >= GELU else None
        dense(kind, x, kernel, params[bias], out, derivative, slope, limit, work)
        after = out if derivative is None else derivative
        passed.append((where, bias, decay, (kind, after, x, kernel), (slope, limit, work)))
        penalty += decay * float(params[where] @ params[where])
        x = out
    value, grad = _loss(x, y, shares, smoothing, loss, work)
    value += 0.5 * factor * penalty
    if isfinite(value):
        for where, bias, decay, (kind, after, x, kernel), rest in reversed(passed):
            kernel_grad = grads[where].reshape(kernel.shape)
            grad_x = np.empty_like(x) if where is not passed[0][0] else None
            dense_back(kind, grad, after, x, kernel, kernel_grad, grads[bias], grad_x, *rest)
            grads[where] += factor * decay * params[where]
            grad = grad_x
    return value


def _loss(raw, y, shares, smoothing, loss, work):
    grad = np.empty_like(raw)
    if loss == OF_CLASSES:
        return softmax_loss(raw, y.reshape(-1), shares, smoothing, grad, None), grad
    y = y.reshape(raw.shape)
    if loss == OF_LABELS:
        return sigmoid_loss(raw, y, shares, smoothing, grad, work), grad
    np.subtract(raw, y, out=grad)
    return scaled(grad * grad / 2, grad, shares), grad
