"""Attention and Transformer blocks, and positions."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from ...layers import (
    CrossAttention,
    Masking,
    MultiHeadAttention,
    PositionalEmbedding,
    TransformerBlock,
    TransformerDecoderBlock,
)
from ...layers.sequential.rotation import Rotation
from ...layers.sequential.transformer import _Branch
from .composites import residual
from .graph import TO_END, Graph
from .masks import n_steps, over_steps, positions, real_first
from .registry import Found, convert, converts, refuse


@converts(MultiHeadAttention)
def _attention(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    queries, keys, values = _heads(graph, layer, x)
    if layer.rotary:
        queries, keys = _rotated(graph, layer, x, mask, queries, keys)
    if graph.memory is not None:
        keys, values = (
            _with_past(graph, layer, mask, each, dim)
            for each, dim in zip((keys, values), layer._dims[1:], strict=True)
        )
    keys, values = (_for_all_heads(graph, layer, each) for each in (keys, values))
    visible = _visible(graph, layer, queries, keys, mask)
    may_see_none = mask is not None or layer.attention_mask is not None
    context = _attend(graph, queries, keys, values, visible, may_see_none)
    return _joined(graph, layer, context)


def _heads(graph, layer, x):
    """Return queries, keys and values, (N, heads, T, dim) each."""
    factors = np.ones(layer.kernel_.shape[1])
    factors[: layer.num_heads * layer._dims[0]] = layer._dims[0] ** -0.5
    bias = layer.bias_ * factors if layer.use_bias else None
    return _split(graph, layer._heads, x, layer.kernel_ * factors, bias, layer._dims)


def _rotated(graph, layer, x, mask, queries, keys):
    """Return queries and keys turned by the positions of their steps."""
    if mask is not None:
        steps = graph.op("Unsqueeze", _real_positions(graph, mask), [1])
    else:
        steps = positions(graph, x)
    if graph.memory is not None:
        past = graph.memory.past(layer, mask, (1,), np.int64)
        steps = graph.op("Add", steps, past)
        graph.memory.keep(past, graph.op("Add", past, n_steps(graph, x)))
    half = layer._dims[0] // 2
    # In float64: sines of large angles in float32 would be off by more than the angles' rounding.
    frequencies = graph.constant(Rotation(layer._dims[0], np.float64)._frequencies, np.float64)
    angles = graph.op("Unsqueeze", graph.cast(steps, np.float64), [-1])
    angles = graph.op("Mul", angles, frequencies)
    sines = graph.cast(graph.op("Sin", angles), graph.dtype)
    quarter = graph.constant(np.pi / 2, np.float64)
    cosines = graph.cast(graph.op("Sin", graph.op("Add", angles, quarter)), graph.dtype)

    def turned(pairs):
        first, second = graph.slice(pairs, 0, half, -1), graph.slice(pairs, half, TO_END, -1)
        real = graph.op("Mul", first, cosines), graph.op("Mul", second, sines)
        other = graph.op("Mul", second, cosines), graph.op("Mul", first, sines)
        return graph.op("Concat", graph.op("Sub", *real), graph.op("Add", *other), axis=-1)

    return turned(queries), turned(keys)


def _for_all_heads(graph, layer, steps):
    """Return keys or values once for each head of queries that they serve."""
    n_heads, n_groups, _ = layer._heads
    if n_heads == n_groups:
        return steps
    return graph.op("Gather", steps, np.repeat(np.arange(n_groups), n_heads // n_groups), axis=1)


def _split(graph, n_heads, x, kernel, bias, dims):
    """Return products with parts of a kernel, one for each head, (N, heads, T, dim) each."""
    projected = graph.op("MatMul", x, kernel)
    if bias is not None:
        projected = graph.op("Add", projected, bias)
    sizes = [n * dim for n, dim in zip(n_heads, dims, strict=True)]
    parts = [projected]
    if len(dims) > 1:
        parts = graph.op("Split", projected, sizes, n_outputs=len(dims), axis=-1)
    heads = []
    for part, n, dim in zip(parts, n_heads, dims, strict=True):
        part = graph.op("Reshape", part, [0, 0, n, dim])
        heads.append(graph.op("Transpose", part, perm=[0, 2, 1, 3]))
    return heads


@converts(CrossAttention)
def _cross_attention(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    source, real = source_of(graph, layer)
    factor, biases = layer._dims[0] ** -0.5, [None, None]
    if layer.use_bias:
        biases = [layer.bias_ * factor, layer.source_bias_]
    (of_queries, *others), (dim, *dims) = layer._heads, layer._dims
    (queries,) = _split(graph, [of_queries], x, layer.kernel_ * factor, biases[0], [dim])
    keys, values = _split(graph, others, source, layer.source_kernel_, biases[1], dims)
    visible = None if real is None else graph.op("Unsqueeze", real, [1, 2])
    context = _attend(graph, queries, keys, values, visible, real is not None)
    return _joined(graph, layer, context)


def source_of(graph: Graph, layer: Any) -> tuple[str, str | None]:
    """Return what a layer of a decoder looks at.

    Parameters
    ----------
    graph : Graph
        The graph.
    layer : Layer
        The layer.

    Returns
    -------
    source : str
        Outputs of the encoder.
    mask : str or None
        Which of their steps are real.
    """
    if graph.source is None:
        refuse(layer, "it looks at a source. Convert the NeuralTranslator that it is a part of.")
    return graph.source


def _with_past(graph, layer, mask, steps, dim):
    """Return keys or values with those of the steps before them."""
    shape = (None, int(layer._heads[1]), "past", int(dim))
    past = graph.memory.past(layer, mask, shape, graph.dtype)
    steps = graph.op("Concat", past, steps, axis=2)
    graph.memory.keep(past, steps)
    return steps


def _visible(graph, layer, queries, keys, mask):
    """Return which keys each query sees, broadcast to (N, heads, queries, keys), or None."""
    seen = [] if mask is None else [graph.op("Unsqueeze", mask, [1, 2])]
    if layer.causal or layer._visibility is not None:
        n_queries, n_keys = (
            graph.op("Gather", graph.op("Shape", each), 2) for each in (queries, keys)
        )
        first = graph.op("Sub", n_keys, n_queries)
        steps = graph.op("Range", np.int64(0), n_keys, np.int64(1))
    if layer.causal:
        own = graph.op("Range", first, n_keys, np.int64(1))
        seen.append(graph.op("LessOrEqual", steps, graph.op("Unsqueeze", own, [-1])))
    if layer._visibility is not None:
        places = graph.op("Unsqueeze", steps, [0])
        places = places if mask is None else _real_positions(graph, mask)
        own = graph.op("Slice", places, graph.op("Unsqueeze", first, [0]), [TO_END], [1])
        seen += _seen(graph, layer._visibility, own, places)
    return reduce(lambda one, other: graph.op("And", one, other), seen) if seen else None


def _seen(graph, visibility, queries, keys):
    """Yield which positions see which, (N, 1, queries, keys)."""
    queries, keys = graph.op("Unsqueeze", queries, [1, 3]), graph.op("Unsqueeze", keys, [1, 2])
    if visibility.window is not None:
        apart = graph.op("Abs", graph.op("Sub", queries, keys))
        yield graph.op("Less", apart, np.int64(visibility.window))
    if visibility.table is not None:
        places = graph.op("Mul", queries, np.int64(len(visibility.table)))
        yield graph.op("Gather", visibility.table.ravel(), graph.op("Add", places, keys), axis=0)


def _real_positions(graph, mask):
    """Return positions among the real steps, (N, T); padding has that of the step before it."""
    n_past = graph.op("CumSum", graph.cast(mask, np.int64), np.int64(1))
    return graph.op("Max", graph.op("Sub", n_past, 1), 0)


def _attend(graph, queries, keys, values, visible, may_see_none):
    scores = graph.op("MatMul", queries, graph.op("Transpose", keys, perm=[0, 1, 3, 2]))
    if visible is not None:
        scores = graph.op("Where", visible, scores, float(np.finfo(graph.dtype).min) / 2)
    shares = graph.op("Softmax", scores, axis=-1)
    if may_see_none:
        shares = graph.op("Mul", shares, graph.cast(visible, graph.dtype))
    return graph.op("MatMul", shares, values)


def _joined(graph, layer, context):
    context = graph.op("Transpose", context, perm=[0, 2, 1, 3])
    context = graph.op("Reshape", context, [0, 0, layer.num_heads * layer._dims[2]])
    out = graph.op("MatMul", context, layer.output_kernel_)
    return graph.op("Add", out, layer.output_bias_) if layer.use_bias else out


@converts(TransformerBlock, TransformerDecoderBlock)
def _transformer_block(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    for branch in layer._branches:
        x, _ = convert(graph, branch, x, mask)
    return x, mask


converts(_Branch)(residual)


@converts(PositionalEmbedding)
def _positional_embedding(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    if graph.memory is not None:
        past = graph.memory.past(layer, mask, (1,), np.int64)
        steps = graph.op("Add", positions(graph, x), past)
        graph.memory.keep(past, graph.op("Add", past, n_steps(graph, x)))
        return graph.op("Add", x, _table(graph, layer, steps))
    if mask is None:
        return graph.op("Add", x, _table(graph, layer, positions(graph, x)))
    _, places, _ = real_first(graph, mask)
    if layer._limit is not None:  # steps further on are padding
        places = graph.op("Min", places, int(layer._limit) - 1)
    return graph.op("Add", x, _table(graph, layer, places))


def _table(graph, layer, steps):
    """Return the vectors of some steps."""
    if layer.kind == "learned":
        return graph.op("Gather", layer.embeddings_, steps, axis=0)
    features = layer.input_shape_[-1]
    column = np.arange(features)
    # In float64: sines of large angles in float32 would be off by more than the angles' rounding.
    frequencies = graph.constant(10000.0 ** (-(column // 2 * 2) / features), np.float64)
    phases = graph.constant(column % 2 * (np.pi / 2), np.float64)
    angles = graph.op("Unsqueeze", graph.cast(steps, np.float64), [-1])
    angles = graph.op("Add", graph.op("Mul", angles, frequencies), phases)
    return graph.cast(graph.op("Sin", angles), graph.dtype)


@converts(Masking)
def _masking(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    differs = graph.op("Not", graph.op("Equal", x, float(layer.mask_value)))
    axes = list(range(2, len(layer.input_shape_) + 1))
    real = graph.op("ReduceMax", graph.cast(differs, graph.dtype), axes, keepdims=0)
    real = graph.op("Greater", real, 0.0)
    real = real if mask is None else graph.op("And", real, mask)
    return graph.op("Mul", x, over_steps(graph, real, len(layer.input_shape_))), real
