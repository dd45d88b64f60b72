"""Recurrent layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...layers import GRU, LSTM, Bidirectional, SimpleRNN
from .graph import TO_START, Graph
from .masks import count, real_first, take_steps
from .registry import Found, convert, converts

#: Where ONNX wants the gates of sknet's order: input, output, forget, cell.
_LSTM_ORDER = (0, 3, 1, 2)
_NAMES = {"tanh": "Tanh", "relu": "Relu"}


def cells_of(layer: Any) -> tuple[str, tuple[int, ...], dict[str, Any]]:
    """Return how ONNX calls the cells of a recurrent layer.

    Parameters
    ----------
    layer : SimpleRNN, LSTM or GRU
        The layer.

    Returns
    -------
    kind : str
        Operator.
    order : tuple of int
        Blocks of the kernels in its order.
    attributes : dict
        Attributes of the operator.
    """
    if isinstance(layer, SimpleRNN):
        return "RNN", (0,), {"activations": [_NAMES[layer.activation]]}
    if isinstance(layer, LSTM):
        return "LSTM", _LSTM_ORDER, {}
    return "GRU", (0, 1, 2), {"linear_before_reset": 1}


@converts(SimpleRNN, LSTM, GRU)
def _recurrent(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    if layer.go_backwards:
        x, mask = (None if each is None else _reversed(graph, each) for each in (x, mask))
    if graph.memory is not None:
        return _from_past(graph, layer, x, mask)
    lengths, given = None, mask
    if mask is not None:
        x, mask, lengths = _in_order(graph, x, mask)
    states, last = run_cells(graph, layer, x, lengths=lengths)[:2]
    if not layer.return_sequences:
        return last, None
    if mask is not None:
        states = _kept_over_masked(graph, states, given)
    return states, given


def _from_past(graph, layer, x, mask):
    """Run on from the states after the steps before."""
    shape, n_states = (None, int(layer.units)), 1 + len(layer._carried)
    pasts = [graph.memory.past(layer, mask, shape, graph.dtype) for _ in range(n_states)]
    states, *last = run_cells(graph, layer, x, pasts)
    for past, state in zip(pasts, last, strict=True):
        graph.memory.keep(past, state)
    return states


def run_cells(
    graph: Graph,
    layer: Any,
    x: str,
    start: Sequence[str] | None = None,
    lengths: str | None = None,
) -> tuple[str, ...]:
    """Run the cells of a recurrent layer over the steps of sequences.

    Parameters
    ----------
    graph : Graph
        The graph.
    layer : RecurrentLayer
        The layer.
    x : str
        Tensor (N, T, F).
    start : sequence of str, default=None
        States before the first step, (N, U) each; None for zeros.
    lengths : str, default=None
        Number of steps of each sequence, (N,) of int32; None for all.

    Returns
    -------
    states : str
        States after each step, (N, T, U).
    *last : str
        States after the last step, (N, U) each.
    """
    kind, order, attributes = cells_of(layer)
    units, n_states = layer.units, 1 + len(layer._carried)
    kernels = [layer.kernel_, layer.recurrent_kernel_]
    kernels = [_gates(kernel.T, order, units)[None] for kernel in kernels]
    starts = [graph.op("Unsqueeze", each, [0]) for each in start or ()]
    found = graph.op(
        kind,
        graph.op("Transpose", x, perm=[1, 0, 2]),
        *kernels,
        _bias(layer, order, kind),
        lengths,
        *starts,
        n_outputs=1 + n_states,
        hidden_size=int(units),
        **attributes,
    )
    states = graph.op("Transpose", graph.op("Squeeze", found[0], [1]), perm=[1, 0, 2])
    return states, *(graph.op("Squeeze", last, [0]) for last in found[1:])


def _gates(weights, order, units):
    """Return weights (gates * units, ...) in the order of ONNX."""
    blocks = np.split(weights, len(weights) // units)
    return np.concatenate([blocks[i] for i in order])


def _bias(layer, order, kind):
    if not layer.use_bias:
        return None
    of_inputs, of_states = layer.bias_ if kind == "GRU" else (layer.bias_, 0 * layer.bias_)
    parts = [_gates(each, order, layer.units) for each in (of_inputs, of_states)]
    return np.concatenate(parts)[None]


def _reversed(graph, x):
    return graph.slice(x, -1, TO_START, 1, -1)


def _in_order(graph, x, mask):
    """Return sequences with their real steps first, and how many there are."""
    order, _, mask = real_first(graph, mask)
    lengths = graph.op("Cast", graph.op("Squeeze", count(graph, mask), [1]), to=6)  # int32
    return take_steps(graph, x, order), mask, lengths


def _kept_over_masked(graph, states, mask):
    """Return states in the places of their steps; masked steps keep the state before them."""
    n_past = graph.op("CumSum", graph.cast(mask, np.int64), np.int64(1))
    index = graph.op("Max", graph.op("Sub", n_past, 1), 0)
    states = take_steps(graph, states, index)
    some = graph.op("Unsqueeze", graph.op("Greater", n_past, 0), [-1])
    return graph.op("Where", some, states, 0.0)


@converts(Bidirectional)
def _bidirectional(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    (_, forward), (_, backward) = layer.sublayers()
    first, found = convert(graph, forward, x, mask)
    second, _ = convert(graph, backward, x, mask)
    if forward.return_sequences:
        second = _reversed(graph, second)
    if layer.merge_mode == "sum":
        return graph.op("Add", first, second), found
    return graph.op("Concat", first, second, axis=-1), found
