"""Waves of numbers, mixed to a vector for each."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from ...typing import Array


def waves(
    x: Array,
    frequencies: Array,
    kernel: Array,
    cosines: Array | None,
    sines: Array | None,
    phases: Array,
    bias: Array,
    out: Array,
    work: Any,
) -> None:
    """Write x and the mixed cosines of its waves 2 pi f x + p to out, (N, F, 1 + mixed).

    The cosines and sines, (N, F, waves), are what the way back needs; None where there is none.
    """
    has_way_back = cosines is not None
    if not has_way_back:
        shape = (*x.shape, kernel.shape[1])
        cosines, sines = (work(name, shape, x.dtype) for name in ("cosines", "sines"))
    turns = np.multiply(x[:, :, None], frequencies, out=cosines)
    turns += phases / (2 * pi)
    turns -= np.rint(turns, out=sines)
    turns *= 2 * pi
    if has_way_back:
        np.sin(turns, out=sines)
    np.cos(turns, out=cosines)
    mixed = _of_features("mixed", work, len(x), kernel)
    np.matmul(cosines.transpose(1, 0, 2), kernel, out=mixed)
    out[:, :, 0] = x
    np.add(mixed.transpose(1, 0, 2), bias, out=out[:, :, 1:])


def waves_backward(
    x: Array,
    frequencies: Array,
    kernel: Array,
    cosines: Array,
    sines: Array,
    grad: Array,
    frequencies_grad: Array,
    phases_grad: Array,
    kernel_grad: Array,
    bias_grad: Array,
    grad_x: Array | None,
    work: Any,
) -> None:
    """Assign the gradients of the weights, given that of the vectors, and that of x, if wanted."""
    mixed = _of_features("mixed", work, len(x), kernel)
    np.copyto(mixed, grad[:, :, 1:].transpose(1, 0, 2))
    np.sum(mixed, axis=1, out=bias_grad)
    np.matmul(cosines.transpose(1, 2, 0), mixed, out=kernel_grad)
    # The cosines have served; minus the sines they become the gradients of the phases.
    np.matmul(mixed, kernel.transpose(0, 2, 1), out=cosines.transpose(1, 0, 2))
    cosines *= sines
    np.negative(cosines, out=cosines)
    np.sum(cosines, axis=0, out=phases_grad)
    np.einsum("nfw,nf->fw", cosines, x, out=frequencies_grad)
    frequencies_grad *= 2 * pi
    if grad_x is not None:
        np.einsum("nfw,fw->nf", cosines, frequencies, out=grad_x)
        grad_x *= 2 * pi
        grad_x += grad[:, :, 0]


def _of_features(name, work, n_rows, kernel):
    """Return scratch memory (F, N, mixed)."""
    n_features, _, n_mixed = kernel.shape
    memory = work(name, (n_rows, n_features * n_mixed), kernel.dtype)
    return memory.reshape(n_features, n_rows, n_mixed)
