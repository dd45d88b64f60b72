"""Dense layers whose products are small."""

from __future__ import annotations

from typing import Any

import numpy as np

from .activations import activate, deactivate


def dense(
    kind: int,
    x: Any,
    kernel: Any,
    bias: Any,
    out: Any,
    derivative: Any,
    slope: float,
    limit: float,
    work: Any,
) -> None:
    """Compute out = f(x @ kernel + bias) for x of shape (..., F); the rest as for `activate`."""
    _multiply(x, kernel, out)
    activate(kind, out, bias, out, derivative, slope, limit, work)


def dense_back(
    kind: int,
    grad: Any,
    out: Any,
    x: Any,
    kernel: Any,
    kernel_grad: Any,
    bias_grad: Any,
    grad_x: Any,
    slope: float,
    limit: float,
    work: Any,
) -> None:
    """Assign the gradients of kernel, bias and, unless it is None, x; the rest as `deactivate`."""
    deactivate(kind, grad, out, bias_grad, slope, limit, work)
    _multiply(x.reshape(-1, x.shape[-1]).T, grad.reshape(-1, grad.shape[-1]), kernel_grad)
    if grad_x is not None:
        _multiply(grad, kernel.T, grad_x)


def _multiply(a, b, out):
    # BLAS takes three times as long for an outer product.
    (np.multiply if b.shape[0] == 1 else np.matmul)(a, b, out=out)
