"""Normalization layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layers import BatchNorm, GroupNorm, LayerNorm, RMSNorm, UnitNorm
from ...layers.scaled_and_shifted import representable
from .graph import Graph
from .masks import over_steps
from .registry import Found, converts


@converts(BatchNorm)
def _batch_norm(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    unit = 2.0 ** float(layer.exponent_[0])
    variance = layer.moving_variance_.astype(np.float64) * unit**2
    variance += representable(layer.epsilon, graph.dtype)
    n_later = -1 - layer._axis
    centred = graph.op("Sub", x, _before(layer.moving_mean_, n_later))
    return _affine(graph, layer, centred, 1 / np.sqrt(variance), n_later)


def _affine(graph, layer, x, factor=1.0, n_later=0):
    """Multiply by a factor and gamma, and add beta, where the layer has them."""
    if layer.scale:
        factor = factor * layer.gamma_
    if np.ndim(factor):
        x = graph.op("Mul", x, _before(factor, n_later))
    return graph.op("Add", x, _before(layer.beta_, n_later)) if layer.center else x


def _before(vector, n_later):
    """Return a vector of the channels with axes for those that come after them."""
    return vector.reshape(*vector.shape, *(1,) * n_later)


@converts(LayerNorm)
def _layer_norm(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    # Runtimes take the variance from the mean square, which cancels where means are large.
    axes = _last_axes(layer)
    centred = graph.op("Sub", x, graph.op("ReduceMean", x, axes))
    gamma = layer.gamma_ if layer.scale else np.ones(layer._shape)
    inputs = (gamma, layer.beta_) if layer.center else (gamma,)
    options = {"axis": axes[0], "epsilon": representable(layer.epsilon, graph.dtype)}
    return graph.op("LayerNormalization", centred, *inputs, **options)


def _last_axes(layer):
    """Return the axes that are normalized together."""
    return list(range(-len(layer._shape), 0))


@converts(RMSNorm)
def _rms_norm(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    square = graph.op("ReduceMean", graph.op("Mul", x, x), _last_axes(layer))
    return _affine(graph, layer, _divided_by_root(graph, x, square, layer.epsilon))


def _divided_by_root(graph, x, square, epsilon):
    square = graph.op("Add", square, representable(epsilon, graph.dtype))
    return graph.op("Div", x, graph.op("Sqrt", square))


@converts(UnitNorm)
def _unit_norm(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    square = graph.op("ReduceSum", graph.op("Mul", x, x), _last_axes(layer))
    square = graph.op("Max", square, representable(layer.epsilon, graph.dtype))
    return graph.op("Div", x, graph.op("Sqrt", square))


@converts(GroupNorm)
def _group_norm(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    x = _channels_last(graph, layer, x)
    axes, channels = list(layer.input_shape_), layer._channels
    del axes[layer._axis]
    n_groups, n_inner = layer._n_groups, int(np.prod(axes[1:]))
    size = channels // n_groups
    x = graph.reshape(x, (axes[0] if axes else 1, n_inner, n_groups, size))
    weights = None if mask is None else over_steps(graph, mask, 4)
    centred = graph.op("Sub", x, _group_mean(graph, x, weights, n_inner * size))
    if weights is not None:
        centred = graph.op("Mul", centred, weights)
    square = _group_mean(graph, graph.op("Mul", centred, centred), weights, n_inner * size)
    out = _divided_by_root(graph, centred, square, layer.epsilon)
    out = _affine(graph, layer, graph.reshape(out, (*axes, channels)))
    return _channels_last(graph, layer, out, back=True)


def _channels_last(graph, layer, x, back=False):
    """Return x with the axis of the channels at its end, or back in its place."""
    if layer._axis == -1:
        return x
    order = list(range(len(layer.input_shape_) + 1))
    if back:
        order.insert(layer._axis + len(order), order.pop())
    else:
        order.append(order.pop(layer._axis))
    return graph.op("Transpose", x, perm=order)


def _group_mean(graph, x, weights, n_each):
    """Return the means over real steps, with `n_each` elements each, and channels of a group."""
    if weights is None:
        return graph.op("ReduceMean", x, [1, 2, 4])
    total = graph.op("ReduceSum", graph.op("Mul", x, weights), [1, 2, 4])
    n_steps = graph.op("Max", graph.op("ReduceSum", weights, [1]), 1.0)
    return graph.op("Div", total, graph.op("Mul", n_steps, float(n_each)))
