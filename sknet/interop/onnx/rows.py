"""Layers that work on the last axis, or on each element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...layers import (
    GLU,
    Activation,
    ActivityPenalty,
    AlphaDropout,
    ContractiveDense,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianCode,
    GaussianNoise,
    Lambda,
    MaskingNoise,
    ParametricActivation,
    PeriodicEmbedding,
    Permute,
    PReLU,
    RandomBrightness,
    RandomContrast,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    RepeatVector,
    Rescaling,
    Reshape,
    Scaling,
    SpatialDropout1D,
    SpatialDropout2D,
    TransposedDense,
)
from .functions import activate
from .graph import TO_END, Graph
from .masks import over_steps
from .registry import Found, converts, refuse


@converts(Dense, ContractiveDense, TransposedDense)
def _dense(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    return with_bias(graph, layer, graph.op("MatMul", x, layer.kernel_))


def with_bias(graph: Graph, layer: Any, product: str) -> str:
    """Add the bias of an affine layer to a product and apply the layer's activation.

    Parameters
    ----------
    graph : Graph
        The graph.
    layer : AffineLayer
        The layer.
    product : str
        Tensor (N, ..., U).

    Returns
    -------
    out : str
        The layer's output.
    """
    if layer.use_bias:
        product = graph.op("Add", product, layer.bias_)
    return activate(graph, layer, layer._activation, product)


@converts(Activation)
def _activation(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    return activate(graph, layer, layer._activation, x)


@converts(ParametricActivation)
def _parametric_activation(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    change = graph.op("Sub", activate(graph, layer, layer._activation, x), x)
    return graph.op("Add", x, graph.op("Mul", change, layer.mixing_))


@converts(Scaling)
def _scaling(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    return graph.op("Mul", x, layer.scale_)


@converts(Rescaling)
def _rescaling(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    return graph.op("Add", graph.op("Mul", x, float(layer.scale)), float(layer.offset))


@converts(PReLU)
def _prelu(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    # Runtimes know the operator of this name for float32 alone.
    negative = graph.op("Mul", graph.op("Min", x, 0.0), layer.slope_)
    return graph.op("Add", graph.op("Max", x, 0.0), negative)


@converts(GLU)
def _glu(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    half = layer.output_shape_[-1]
    gates = activate(graph, layer, layer._activation, graph.slice(x, half, TO_END, -1))
    return graph.op("Mul", graph.slice(x, 0, half, -1), gates)


@converts(Lambda)
def _lambda(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    refuse(
        layer,
        "its function is one of Python. Make it a layer of your own and register a converter by "
        "@sknet.interop.onnx.converts, or apply it to X before.",
    )


@converts(
    ActivityPenalty,
    AlphaDropout,
    Dropout,
    GaussianNoise,
    MaskingNoise,
    RandomBrightness,
    RandomContrast,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    SpatialDropout1D,
    SpatialDropout2D,
)
def _nothing(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    return x


@converts(Flatten, Reshape)
def _reshaping(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    keeps_steps = layer.output_shape_[0] == layer.input_shape_[0]
    has_steps = keeps_steps and not isinstance(layer, Flatten)
    return graph.reshape(x, layer.output_shape_), mask if has_steps else None


@converts(Permute)
def _permute(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    moved = graph.op("Transpose", x, perm=list(layer._order))
    return moved, mask if layer.is_causal else None


@converts(RepeatVector)
def _repeat_vector(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    return graph.op("Tile", graph.op("Unsqueeze", x, [1]), [1, int(layer.n), 1]), None


@converts(GaussianCode)
def _gaussian_code(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    means = graph.op("MatMul", x, layer.kernel_[:, : layer.units])
    return graph.op("Add", means, layer.bias_[: layer.units])


@converts(PeriodicEmbedding)
def _periodic_embedding(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    angles = graph.op("Mul", graph.op("Unsqueeze", x, [-1]), 2 * math.pi * layer.frequencies_)
    waves = graph.op("Cos", graph.op("Add", angles, layer.phases_))  # (N, ..., F, waves)
    mixed = graph.op("MatMul", graph.op("Unsqueeze", waves, [-2]), layer.kernel_)
    mixed = graph.op("Add", graph.op("Squeeze", mixed, [-2]), layer.bias_)
    vectors = graph.op("Concat", graph.op("Unsqueeze", x, [-1]), mixed, axis=-1)
    return graph.reshape(vectors, layer.output_shape_)


@converts(Embedding)
def _embedding(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    real = mask
    if layer.mask_zero:
        real = graph.op("Not", graph.op("Equal", x, 0.0))
        real = real if mask is None else graph.op("And", real, mask)
    if mask is not None:
        x = graph.op("Mul", x, over_steps(graph, mask, len(layer.input_shape_)))
    codes = graph.cast(x, np.int64)
    # Negative ones would count from the end: now they are out of range as those too large are.
    codes = graph.op("Where", graph.op("Less", codes, 0), int(layer.input_dim), codes)
    return graph.op("Gather", layer.embeddings_, codes, axis=0), real
