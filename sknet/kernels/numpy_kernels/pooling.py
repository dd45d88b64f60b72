"""Extremes and sums of windows over any number of axes, one axis after the other.

The maximum, or sum, of a window is that along one axis of those along the others: k + l operations
for a window of k x l, most of them on long contiguous rows. `work` is scratch memory by name and
shape, for a few samples.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ...typing import Array

#: Elements of one operation: with the scratch memory, those of all windows stay in a core's cache,
#: and threads side by side seldom wait for the interpreter. With 2**16, steps of a network of
#: images took up to 1.1 times as long.
_BLOCK_ELEMENTS = 2**17


def max_pool(x: Array, out: Array, places: Any, size: Any, strides: Any, work: Any) -> bool:
    """Put the maximum of each window into out; return whether places tell where they are.

    The compiled one notes in `places`, if that is not None, which element of a window is the
    first of its maximal ones, along the last axis and then along those before it.
    """
    pool(np.maximum, x, out, size, strides, work)
    return False


def max_unpool(
    grad: Array, grad_x: Any, places: Any, x: Array, out: Array, size: Any, strides: Any, work: Any
) -> None:
    """Put into grad_x the gradient of each window, at the first of its maximal elements.

    x and out are those of `max_pool`, and places are None where it returned False.
    """
    stages = _stages(size, strides)
    for block in _blocks(x, stages):
        values = [*_stage_inputs(np.maximum, x[block], stages, work), out[block]]

        def share_out(position, grad, targets, values=values):
            axis, size, stride = stages[position]
            elements = _elements(along(values[position], axis), size, stride, grad.shape[1])
            if grad.shape[1] == 1:
                # NumPy compares scattered rows of few elements by way of a buffer.
                elements = (_copy(element, work) for element in elements)
            _give_to_maxima(
                grad, elements, along(values[position + 1], axis), targets, stride, work
            )

        _unpool_block(grad[block], grad_x[block], stages, share_out, work)


def pool(join: Any, x: Array, out: Array, size: Any, strides: Any, work: Any) -> None:
    """Put into out what joins the elements of each window; there is no compiled one.

    Parameters
    ----------
    join : ufunc
        What joins two elements.
    x : ndarray of shape (N, ..., C)
        The elements.
    out : ndarray of shape (N, ..., C)
        One value a window and channel; written.
    size, strides : tuple of int
        Lengths of the windows and steps between them, along each axis.
    work : callable
        Scratch memory.
    """
    stages = _stages(size, strides)
    for block in _blocks(x, stages):
        if stages:
            inputs = _stage_inputs(join, x[block], stages, work)
            _run_stage(join, inputs[-1], out[block], stages[-1])
        else:
            np.copyto(out[block], x[block])


def unpool_sums(grad: Array, grad_x: Any, size: Any, strides: Any, work: Any) -> None:
    """Add the gradient of each window up at all of its elements; there is no compiled one."""
    stages = _stages(size, strides)

    def share_out(position, grad, targets):
        for place, target in enumerate(targets):
            _add_or_write(target, grad, place, stages[position][2])

    for block in _blocks(grad_x, stages):
        _unpool_block(grad[block], grad_x[block], stages, share_out, work)


def along(x: Array, axis: Any) -> Array:
    """View samples as (rows, length of an axis, elements after it)."""
    return x.reshape(prod(x.shape[: 1 + axis]), x.shape[1 + axis], -1)


def _stages(size, strides):
    """List (axis, size, stride); windows of one element without gaps change nothing."""
    steps = enumerate(zip(size, strides, strict=True))
    return [(axis, *step) for axis, step in steps if step != (1, 1)]


def _blocks(x, stages):
    """Yield slices of as many samples as are worked on at a time."""
    longest = max((size for _, size, _ in stages), default=1)
    n_samples = max(1, _BLOCK_ELEMENTS * longest // max(1, prod(x.shape[1:])))
    for start in range(0, len(x), n_samples):
        yield slice(start, start + n_samples)


def _stage_shapes(shape, stages):
    """Return the shapes of the inputs of all stages."""
    shapes = [shape]
    for axis, size, stride in stages[:-1]:
        shape = list(shape)
        shape[1 + axis] = (shape[1 + axis] - size) // stride + 1
        shapes.append(tuple(shape))
    return shapes


def _stage_inputs(join, x, stages, work):
    """Return the inputs of all stages: x, and what each but the last makes of it."""
    inputs = [x]
    for position, shape in enumerate(_stage_shapes(x.shape, stages)[1:]):
        out = work(f"stage_{position}", shape)
        inputs.append(_run_stage(join, inputs[-1], out, stages[position]))
    return inputs


def _run_stage(join, x, out, stage):
    axis, size, stride = stage
    n_windows = out.shape[1 + axis]
    x, target = along(x, axis), along(out, axis)
    if n_windows == 1:
        join.reduce(x[:, :size], axis=1, out=target[:, 0])
        return out
    first, *others = _elements(x, size, stride, n_windows)
    if not others:
        np.copyto(target, first)
    for other in others:
        first = join(first, other, out=target)
    return out


def _unpool_block(grad, grad_x, stages, share_out, work):
    """Run the stages back, each of which shares the gradients of its windows out."""
    shapes = _stage_shapes(grad_x.shape, stages)
    for position in reversed(range(len(stages))):
        axis, size, stride = stages[position]
        target = work(f"grad_{position}", shapes[position]) if position else grad_x
        rows, given = along(target, axis), along(grad, axis)
        _clear_gaps(rows, size, stride, given.shape[1])
        share_out(position, given, _elements(rows, size, stride, given.shape[1]))
        grad = target
    if not stages:
        np.copyto(grad_x, grad)


def _elements(x, size, stride, n_windows):
    """List views of the first, second, ... elements of all windows along the middle axis."""
    span = (n_windows - 1) * stride + 1
    return [x[:, start : start + span : stride] for start in range(size)]


def _clear_gaps(grad, size, stride, n_windows):
    """Zero what lies in no window, or is added to before it is written."""
    end = n_windows * stride
    grad[:, end:] = 0.0
    for start in range(size, stride):
        grad[:, start:end:stride] = 0.0


def _add_or_write(target, values, place, stride):
    """Write or, where windows overlap and an earlier one has written, add."""
    if place < stride:
        np.copyto(target, values)
    else:
        target += values


def _give_to_maxima(grad, elements, maxima, targets, stride, work):
    """Give the gradient of each window to the first of its maximal elements.

    `grad` is overwritten: it holds what has not been given yet.
    """
    last = len(targets) - 1
    for place, (target, element) in enumerate(zip(targets[:last], elements, strict=False)):
        hit = np.equal(element, maxima, out=work("hit", maxima.shape, bool))
        share = work("share", grad.shape)
        np.copyto(share, hit)
        share *= grad
        _add_or_write(target, share, place, stride)
        if place + 1 == last < stride:
            np.subtract(grad, share, out=targets[last])
            return
        grad -= share
    _add_or_write(targets[last], grad, last, stride)


def _copy(element, work):
    copy = work("element", element.shape)
    np.copyto(copy, element)
    return copy
