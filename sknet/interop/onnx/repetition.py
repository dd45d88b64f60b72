"""Padding by elements of the sample itself: mirrored at the edges, or from the other end."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layers.spatial.repetition import Repetition
from .graph import TO_END, Graph
from .masks import count, n_steps, take_steps


def repeated(graph: Graph, layer: Any, x: str, mask: str | None) -> tuple[str, str | None]:
    """Pad samples by what they hold, as `Windows.pad` does with "reflect" and "circular".

    Parameters
    ----------
    graph : Graph
        The graph.
    layer : Layer
        The layer with the windows.
    x : str
        Tensor (N, ..., C).
    mask : str or None
        Which steps are real, (N, T); they come first.

    Returns
    -------
    padded : str
        Ready for windows without padding.
    mask : str or None
        Which windows are real.
    """
    windows, lengths = layer._windows, list(layer.input_shape_[:-1])
    if mask is not None or lengths[0] is None:
        x = _steps(graph, windows, x, mask)
        lengths[0] = 0
    for axis, length in enumerate(lengths):
        before, after = windows._amount(axis, length) if length else (0, 0)
        if before or after:  # runtimes know the mode "wrap" of Pad since operator set 19 alone
            index = Repetition(windows)._source(np.arange(-before, length + after), length)
            x = graph.op("Gather", x, index, axis=axis + 1)
    if mask is not None:
        mask = graph.slice(mask, 0, TO_END, 1, windows.strides[0])
    return x, mask


def _steps(graph, windows, x, mask):
    """Return sequences of any length with padding around their real steps."""
    length, span, stride = n_steps(graph, x), windows.span[0], windows.strides[0]
    counts = length if mask is None else count(graph, mask)
    n_more = missing_steps(graph, counts, span, stride)
    longest = graph.op("Add", length, missing_steps(graph, length, span, stride))
    steps = graph.op("Range", np.int64(0), graph.op("Squeeze", longest), np.int64(1))
    index = _source(graph, windows, graph.op("Sub", steps, graph.op("Div", n_more, 2)), counts)
    if mask is None:
        return graph.op("Gather", x, index, axis=1)
    ends = graph.op("Mul", graph.op("Add", counts, n_more), graph.op("Min", counts, 1))
    inside = graph.op("Unsqueeze", graph.op("Less", steps, ends), list(_later(windows)))
    return graph.op("Where", inside, take_steps(graph, x, index), 0.0)


def _later(windows):
    return range(2, len(windows.size) + 2)


def _source(graph, windows, places, counts):
    """Return which of the real steps stand at places before and after them."""
    if windows.padding == "circular":
        return graph.op("Mod", places, graph.op("Max", counts, 1))
    period = graph.op("Max", graph.op("Mul", graph.op("Sub", counts, 1), 2), 1)
    folded = graph.op("Mod", places, period)
    return graph.op("Min", folded, graph.op("Sub", period, folded))


def missing_steps(graph: Graph, lengths: str, span: int, stride: int) -> str:
    """Return by how much sequences are too short for a window at every stride.

    Parameters
    ----------
    graph : Graph
        The graph.
    lengths : str
        Numbers of steps, of int64.
    span, stride : int
        Length of a window, and steps from one to the next.

    Returns
    -------
    n_missing : str
        What padding adds, in the shape of `lengths`.
    """
    n_windows = graph.op("Div", graph.op("Add", lengths, stride - 1), stride)
    needed = graph.op("Mul", graph.op("Sub", n_windows, 1), stride)
    return graph.op("Max", graph.op("Sub", graph.op("Add", needed, span), lengths), 0)
