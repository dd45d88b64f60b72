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


@converts(SimpleRNN)
def _simple_rnn(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    return _recurrent(graph, layer, x, mask, "RNN", (0,), activations=[_NAMES[layer.activation]])


@converts(LSTM)
def _lstm(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    return _recurrent(graph, layer, x, mask, "LSTM", _LSTM_ORDER)


@converts(GRU)
def _gru(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    return _recurrent(graph, layer, x, mask, "GRU", (0, 1, 2), linear_before_reset=1)


def _recurrent(graph, layer, x, mask, kind, order, **attributes):
    if layer.go_backwards:
        x, mask = (None if each is None else _reversed(graph, each) for each in (x, mask))
    if graph.memory is not None:
        return _from_past(graph, layer, x, mask, kind, order, **attributes)
    lengths, given = None, mask
    if mask is not None:
        x, mask, lengths = _in_order(graph, x, mask)
    states, last = run_cells(graph, layer, x, kind, order, None, lengths, **attributes)[:2]
    if not layer.return_sequences:
        return last, None
    if mask is not None:
        states = _kept_over_masked(graph, states, given)
    return states, given


def _from_past(graph, layer, x, mask, kind, order, **attributes):
    """Run on from the states after the steps before."""
    shape, n_states = (None, int(layer.units)), 2 if kind == "LSTM" else 1
    pasts = [graph.memory.past(layer, mask, shape, graph.dtype) for _ in range(n_states)]
    states, *last = run_cells(graph, layer, x, kind, order, pasts, **attributes)
    for past, state in zip(pasts, last, strict=True):
        graph.memory.keep(past, state)
    return states


def run_cells(
    graph: Graph,
    layer: Any,
    x: str,
    kind: str,
    order: tuple[int, ...],
    start: Sequence[str] | None,
    lengths: str | None = None,
    **attributes: Any,
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
    kind : str
        Operator of ONNX.
    order : tuple of int
        Blocks of the kernels in the order of ONNX.
    start : list of str or None
        States before the first step, (N, U) each; None for zeros.
    lengths : str, default=None
        Number of steps of each sequence, (N,) of int32; None for all.
    **attributes
        Attributes of the operator.

    Returns
    -------
    states : str
        States after each step, (N, T, U).
    *last : str
        States after the last step, (N, U) each.
    """
    units, n_states = layer.units, 2 if kind == "LSTM" else 1
    kernels = [
        _gates(each.T, order, units)[None] for each in (layer.kernel_, layer.recurrent_kernel_)
    ]
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
