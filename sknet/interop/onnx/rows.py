"""Layers that work on the last axis, or on each element."""

from ...layers import (
    Activation,
    ActivityPenalty,
    ContractiveDense,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    MaskingNoise,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    Reshape,
    SpatialDropout1D,
    SpatialDropout2D,
    TransposedDense,
)
from .functions import activate
from .registry import converts


@converts(Dense, ContractiveDense, TransposedDense)
def dense(graph, layer, x, mask):
    out = graph.op("MatMul", x, layer.kernel_)
    return with_bias(graph, layer, out)


def with_bias(graph, layer, product):
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
def activation(graph, layer, x, mask):
    return activate(graph, layer, layer._activation, x)


@converts(
    ActivityPenalty,
    Dropout,
    GaussianNoise,
    MaskingNoise,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    SpatialDropout1D,
    SpatialDropout2D,
)
def nothing(graph, layer, x, mask):
    return x


@converts(Flatten, Reshape)
def reshaping(graph, layer, x, mask):
    keeps_steps = layer.output_shape_[0] == layer.input_shape_[0] and not isinstance(
        layer, Flatten
    )
    return graph.reshape(x, layer.output_shape_), mask if keeps_steps else None
