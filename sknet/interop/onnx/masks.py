"""Masks: which steps of a sequence are real."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .graph import Graph


def over_steps(graph: Graph, mask: str, n_axes: int) -> str:
    """Return a mask as factors for tensors of several axes.

    Parameters
    ----------
    graph : Graph
        The graph.
    mask : str
        Tensor (N, T).
    n_axes : int
        Axes of a sample.

    Returns
    -------
    factors : str
        Floats of shape (N, T, 1, ..., 1), 1 where a step is real and 0 elsewhere.
    """
    factors = graph.cast(mask, graph.dtype)
    later = list(range(2, n_axes + 1))
    return graph.op("Unsqueeze", factors, later) if later else factors


def take_steps(graph: Graph, x: str, index: str) -> str:
    """Take steps of each sequence by their positions.

    Parameters
    ----------
    graph : Graph
        The graph.
    x : str
        Tensor (N, T, ...).
    index : str
        Positions, (N, S) of int64.

    Returns
    -------
    out : str
        Tensor (N, S, ...).
    """
    return graph.op("GatherND", x, graph.op("Unsqueeze", index, [-1]), batch_dims=1)


def count(graph: Graph, mask: str) -> str:
    """Count the real steps of each sequence.

    Parameters
    ----------
    graph : Graph
        The graph.
    mask : str
        Tensor (N, T).

    Returns
    -------
    counts : str
        int64 of shape (N, 1).
    """
    return graph.op("ReduceSum", graph.cast(mask, np.int64), [1])


def positions(graph: Graph, x: str) -> str:
    """Return the positions of the steps, from 0 on.

    Parameters
    ----------
    graph : Graph
        The graph.
    x : str
        Tensor (N, T, ...).

    Returns
    -------
    positions : str
        int64 of shape (T,).
    """
    return graph.op("Range", np.int64(0), graph.op("Gather", graph.op("Shape", x), 1), np.int64(1))


def real_first(graph: Graph, mask: str) -> tuple[str, str, str]:
    """Sort the steps of each sequence: the real ones first, all in their order.

    Parameters
    ----------
    graph : Graph
        The graph.
    mask : str
        Tensor (N, T).

    Returns
    -------
    order : str
        Where each sorted step comes from, (N, T) of int64.
    places : str
        Where each step went, of the same shape.
    sorted_mask : str
        Which of the sorted steps are real.
    """
    steps = positions(graph, mask)
    length = graph.op("Gather", graph.op("Shape", mask), [1])
    last = graph.op("Mul", graph.cast(graph.op("Not", mask), np.int64), length)
    order = _argsort(graph, graph.op("Add", last, steps), length)
    return (
        order,
        _argsort(graph, order, length),
        graph.op("Less", steps, count(graph, mask)),
    )


def _argsort(graph, keys, length):
    return graph.op("TopK", keys, length, axis=1, largest=0, sorted=1, n_outputs=2)[1]


def n_steps(graph: Graph, x: str) -> str:
    """Return the number of steps.

    Parameters
    ----------
    graph : Graph
        The graph.
    x : str
        Tensor (N, T, ...).

    Returns
    -------
    n_steps : str
        int64 of shape (1,).
    """
    return graph.op("Gather", graph.op("Shape", x), [1])


def first_steps(graph: Graph, length: str, counts: str) -> str:
    """Return the mask of sequences whose first steps are real.

    Parameters
    ----------
    graph : Graph
        The graph.
    length : str
        Number of steps T, int64 of shape (1,).
    counts : str
        Number of real ones, int64 of shape (N, 1).

    Returns
    -------
    mask : str
        Tensor (N, T).
    """
    steps = graph.op("Range", np.int64(0), graph.op("Squeeze", length), np.int64(1))
    return graph.op("Less", steps, counts)


def in_order(
    graph: Graph, x: str, mask: str | None, keeps_steps: bool, run: Callable[..., Any]
) -> tuple[str, str | None]:
    """Run a layer that sees neighbouring steps on sequences with their real steps first.

    Parameters
    ----------
    graph : Graph
        The graph.
    x : str
        Tensor (N, T, ...).
    mask : str or None
        Tensor (N, T).
    keeps_steps : bool
        Whether the layer returns as many steps as it takes.
    run : callable
        Called with the ordered sequences and their mask; returns the same of the output.

    Returns
    -------
    out : str
        Output, with the steps back in their places if they are as many.
    mask : str or None
        Its mask.
    """
    if mask is None:
        return run(x, None)
    order, places, ordered_mask = real_first(graph, mask)
    out, found = run(take_steps(graph, x, order), ordered_mask)
    return (take_steps(graph, out, places), mask) if keeps_steps else (out, found)
