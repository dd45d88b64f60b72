"""Two arrays mixed in each column by a weight of its own."""

from __future__ import annotations

import numpy as np

from ...typing import Array


def blend(x: Array, y: Array, weight: Array, out: Array) -> None:
    """Write x + weight (y - x) to out; weight is one number for each column."""
    np.subtract(y, x, out=out)
    out *= weight
    out += x


def blend_backward(
    grad: Array, x: Array, y: Array, weight: Array, mixed: Array, weight_grad: Array
) -> None:
    """Turn the gradient of the output into that of x; write those of y, to mixed, and weight."""
    np.subtract(y, x, out=mixed)
    columns = grad.shape[-1]
    np.einsum("nf,nf->f", mixed.reshape(-1, columns), grad.reshape(-1, columns), out=weight_grad)
    np.multiply(grad, weight, out=mixed)
    grad -= mixed
