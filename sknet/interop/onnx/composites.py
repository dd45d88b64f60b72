"""Layers made of layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layers import (
    Branch,
    ColumnBranches,
    Parallel,
    Pretrained,
    Residual,
    SeparableConv1D,
    SeparableConv2D,
    Sequential,
    SwiGLU,
    TiedSequential,
    TimeDistributed,
    WeightNorm,
)
from ...layers.composite import LayerList
from ...layers.merging import Add, Average, Concatenate, Dot, Maximum, Multiply
from .graph import Graph
from .masks import over_steps
from .registry import Found, convert, converts, refuse


@converts(
    LayerList, Pretrained, SeparableConv1D, SeparableConv2D, Sequential, SwiGLU, TiedSequential
)
def sequential(graph: Graph, layer: Any, x: str, mask: str | None) -> tuple[str, str | None]:
    """Convert layers that run one after the other.

    Parameters
    ----------
    graph : Graph
        The graph.
    layer : Layer
        The layer around them.
    x : str
        Its input.
    mask : str or None
        Which steps are real.

    Returns
    -------
    out : str
        Its output.
    mask : str or None
        Which of its steps are real.
    """
    for _, part in layer.sublayers():
        x, mask = convert(graph, part, x, mask)
    return x, mask


@converts(WeightNorm)
def _weight_norm(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    ((_, part),) = layer.sublayers()
    inner, direction = part.replicate(), np.asarray(layer.direction_, np.float64)
    norms = np.sqrt((direction**2).sum(axis=tuple(range(direction.ndim - 1))))
    norms[norms == 0] = 1.0
    inner.kernel_ = direction * (layer.length_ / norms)
    found = convert(graph, inner, x, mask)
    graph.found[id(part)] = found[0]
    return found


@converts(Residual)
def residual(graph: Graph, layer: Any, x: str, mask: str | None) -> tuple[str, str | None]:
    """Convert layers whose input is added to their output.

    Parameters
    ----------
    graph : Graph
        The graph.
    layer : Layer
        The layer around them.
    x : str
        Its input.
    mask : str or None
        Which steps are real.

    Returns
    -------
    out : str
        Its output.
    mask : str or None
        Which of its steps are real.
    """
    inner, found = sequential(graph, layer, x, mask)
    if mask is not None and found != mask:
        refuse(layer, "a layer in it changes which steps are real. Leave out Masking inside it.")
    return graph.op("Add", x, inner), found


@converts(TimeDistributed)
def _time_distributed(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    _, *step = layer.input_shape_
    steps = graph.op("Reshape", x, [-1, *step])
    steps, _ = sequential(graph, layer, steps, None)
    axes = graph.slice(graph.op("Shape", x), 0, 2, 0)
    shape = graph.op("Concat", axes, list(layer.output_shape_[1:]), axis=0)
    out = graph.op("Reshape", steps, shape)
    if mask is not None:
        out = graph.op("Mul", out, over_steps(graph, mask, len(layer.output_shape_)))
    return out


@converts(Branch)
def _branch(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    columns = np.arange(layer.input_shape_[0])[layer._columns]
    chosen = x if layer._takes_all else graph.op("Gather", x, columns, axis=1)
    out, _ = sequential(graph, layer, graph.reshape(chosen, layer._shape_inside), None)
    return graph.reshape(out, layer.output_shape_), None


@converts(Parallel, ColumnBranches)
def _parallel(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    found = [convert(graph, part, x, mask) for _, part in layer.sublayers()]
    outputs, masks = zip(*found, strict=True)
    masks = set(masks) if len(layer.output_shape_) > 1 else {None}
    if len(masks) > 1:
        refuse(
            layer,
            "its branches do not agree on which steps are real. Put a Masking before it, or give "
            "all branches layers that keep the steps.",
        )
    return _MERGES[type(layer._merge)](graph, layer, outputs), masks.pop()


def _dot(graph, layer, outputs):
    n = len(outputs)
    stacked = [graph.op("Unsqueeze", each, [-2]) for each in outputs]
    stacked = graph.op("Concat", *stacked, axis=-2)
    axes = len(layer.output_shape_)
    perm = [*range(axes), axes + 1, axes]
    products = graph.op("MatMul", stacked, graph.op("Transpose", stacked, perm=perm))
    products = graph.reshape(products, (*layer.output_shape_[:-1], n * n))
    pairs = [i * n + j for i in range(n) for j in range(i + 1, n)]
    return graph.op("Gather", products, pairs, axis=-1)


_MERGES = {
    Add: lambda graph, layer, outputs: graph.op("Sum", *outputs),
    Average: lambda graph, layer, outputs: graph.mean(outputs),
    Concatenate: lambda graph, layer, outputs: graph.op("Concat", *outputs, axis=-1),
    Dot: _dot,
    Maximum: lambda graph, layer, outputs: graph.op("Max", *outputs),
    Multiply: lambda graph, layer, outputs: _product(graph, outputs),
}


def _product(graph, outputs):
    first, *others = outputs
    for other in others:
        first = graph.op("Mul", first, other)
    return first
