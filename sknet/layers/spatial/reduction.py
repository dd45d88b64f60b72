"""The arithmetic of pooling: the elements of windows along one axis."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ...base import Workspace
from ...typing import Array


def along(x: Array, axis: Any) -> Array:
    """View samples as (rows, length of an axis, elements after it)."""
    return x.reshape(prod(x.shape[: 1 + axis]), x.shape[1 + axis], -1)


def elements_of_windows(x: Array, size: Any, stride: Any, n_windows: Any) -> list[Array]:
    """List views of the first, second, ... elements of all windows along the middle axis."""
    span = (n_windows - 1) * stride + 1
    return [x[:, start : start + span : stride] for start in range(size)]


def clear_gaps(grad: Array, size: Any, stride: Any, n_windows: Any) -> None:
    """Zero what lies in no window, or is added to before it is written."""
    end = n_windows * stride
    grad[:, end:] = 0.0
    for start in range(size, stride):
        grad[:, start:end:stride] = 0.0


def add_or_write(target: Any, values: Any, position: int, stride: Any) -> None:
    """Write or, where windows overlap and an earlier one has written, add."""
    if position < stride:
        np.copyto(target, values)
    else:
        target += values


def give_to_maxima(
    grad: Array, elements: Any, maxima: Any, targets: Any, stride: Any, work: Workspace
) -> None:
    """Give the gradient of each window to the first of its maximal elements.

    `grad` is overwritten: it holds what has not been given yet.
    """
    last = len(targets) - 1
    for position, (target, element) in enumerate(zip(targets[:last], elements, strict=False)):
        hit = np.equal(element, maxima, out=work("hit", maxima.shape, bool))
        share = work("share", grad.shape)
        np.copyto(share, hit)
        share *= grad
        add_or_write(target, share, position, stride)
        if position + 1 == last < stride:
            np.subtract(grad, share, out=targets[last])
            return
        grad -= share
    add_or_write(targets[last], grad, last, stride)
