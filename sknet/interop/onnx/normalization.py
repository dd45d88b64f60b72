"""Normalization layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layers import BatchNorm, GroupNorm, LayerNorm, RMSNorm
from .graph import Graph
from .masks import over_steps
from .registry import Found, converts


@converts(BatchNorm)
def _batch_norm(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    unit = 2.0 ** float(layer.exponent_[0])
    variance = layer.moving_variance_.astype(np.float64) * unit**2 + layer.epsilon
    centred = graph.op("Sub", x, layer.moving_mean_)
    return _affine(graph, centred, layer.gamma_ / np.sqrt(variance), layer.beta_)


def _affine(graph, x, factor, term):
    return graph.op("Add", graph.op("Mul", x, factor), term)


@converts(LayerNorm)
def _layer_norm(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    # Runtimes take the variance from the mean square, which cancels where means are large.
    centred = graph.op("Sub", x, graph.op("ReduceMean", x, [-1]))
    inputs = (layer.gamma_, layer.beta_)
    return graph.op("LayerNormalization", centred, *inputs, axis=-1, epsilon=float(layer.epsilon))


@converts(RMSNorm)
def _rms_norm(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    square = graph.op("ReduceMean", graph.op("Mul", x, x), [-1])
    return graph.op("Mul", _divided_by_root(graph, x, square, layer.epsilon), layer.gamma_)


def _divided_by_root(graph, x, square, epsilon):
    return graph.op("Div", x, graph.op("Sqrt", graph.op("Add", square, float(epsilon))))


@converts(GroupNorm)
def _group_norm(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    *axes, channels = layer.input_shape_
    n_groups, n_inner = layer._n_groups, int(np.prod(axes[1:]))
    size = channels // n_groups
    x = graph.reshape(x, (axes[0] if axes else 1, n_inner, n_groups, size))
    weights = None if mask is None else over_steps(graph, mask, 4)
    centred = graph.op("Sub", x, _group_mean(graph, x, weights, n_inner * size))
    if weights is not None:
        centred = graph.op("Mul", centred, weights)
    square = _group_mean(graph, graph.op("Mul", centred, centred), weights, n_inner * size)
    out = _divided_by_root(graph, centred, square, layer.epsilon)
    return _affine(graph, graph.reshape(out, layer.input_shape_), layer.gamma_, layer.beta_)


def _group_mean(graph, x, weights, n_each):
    """Return the means over real steps, with `n_each` elements each, and channels of a group."""
    if weights is None:
        return graph.op("ReduceMean", x, [1, 2, 4])
    total = graph.op("ReduceSum", graph.op("Mul", x, weights), [1, 2, 4])
    n_steps = graph.op("Max", graph.op("ReduceSum", weights, [1]), 1.0)
    return graph.op("Div", total, graph.op("Mul", n_steps, float(n_each)))
