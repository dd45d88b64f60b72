"""Estimators that transform: autoencoders and feature extractors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...estimators import AutoencoderTransformer, FeatureExtractor
from ...estimators.codec import Decoder, Encoder, RepeatCode, SequenceCodec, ZeroMissing
from ...losses.observed import ObservedLoss
from ...losses.sequence import SequenceLoss
from .composites import sequential
from .estimators import Input, converts_estimator, raw_outputs, samples, shaped
from .graph import Graph, Output, Outputs
from .links import inverse_link
from .registry import Found, convert, converts

converts(Encoder, Decoder)(sequential)


@converts(SequenceCodec)
def _codec(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    given, kept = x, mask
    for _, part in layer.sublayers():
        if isinstance(part, RepeatCode):
            n_steps = graph.op("Gather", graph.op("Shape", given), [1])
            shape = graph.op("Concat", [1], n_steps, [1], axis=0)
            x, mask = graph.op("Expand", graph.op("Unsqueeze", x, [1]), shape), kept
        else:
            x, mask = convert(graph, part, x, mask)
    return x, mask


@converts(ZeroMissing)
def _zero_missing(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    return graph.op("Where", graph.op("IsNaN", x), 0.0, x)


@converts_estimator(AutoencoderTransformer)
@converts_estimator(AutoencoderTransformer, method="transform")
def _encoder(graph: Graph, estimator: Any, *inputs: str) -> Outputs:
    parts = dict(estimator.network_.layer.sublayers())
    x, mask = shaped(graph, estimator.network_, inputs)
    if "missing" in parts:
        x, _ = convert(graph, parts["missing"], x)
    code, _ = convert(graph, parts["encoder"], x, mask)
    shape = (None, *parts["encoder"].output_shape_)
    return {"variable": Output(code, graph.dtype, shape)}


def codes(estimator: Any, X: Any, dtype: DTypeLike) -> list[Input]:
    """Return the input of a decoder.

    Parameters
    ----------
    estimator : AutoencoderTransformer
        Fitted.
    X : array-like or None
        Ignored.
    dtype : dtype
        Element type.

    Returns
    -------
    inputs : list of Input
        The input.
    """
    return [Input("X", dtype, (None, estimator._code_size))]


@converts_estimator(AutoencoderTransformer, method="inverse_transform", inputs=codes)
def _decoder(graph: Graph, estimator: Any, code: str) -> Outputs:
    network, parts = estimator.network_, dict(estimator.network_.layer.sublayers())
    if None in network.input_shape:
        raise ValueError(
            "The decoder of sequences of any length cannot be converted to ONNX: a code does not "
            "tell how many steps a sequence has. Use method='reconstruct'."
        )
    raw, _ = convert(graph, parts["decoder"], code)
    raw, _ = convert(graph, parts["output"], raw)
    return _features(graph, estimator, raw, (None, *parts["output"].output_shape_))


@converts_estimator(AutoencoderTransformer, method="reconstruct")
def _reconstruction(graph: Graph, estimator: Any, *inputs: str) -> Outputs:
    return _features(graph, estimator, *raw_outputs(graph, estimator, *inputs))


def _features(graph, estimator, raw, shape):
    loss = estimator._loss
    while isinstance(loss, ObservedLoss | SequenceLoss):
        loss = loss._inner
    return {"variable": Output(inverse_link(graph, loss, raw), graph.dtype, shape)}


def samples_of_inner(extractor: Any, X: Any, dtype: DTypeLike) -> list[Input]:
    """Return the input of a feature extractor: that of its estimator.

    Parameters
    ----------
    extractor : FeatureExtractor
        Fitted.
    X : array-like or None
        An example of what `transform` takes.
    dtype : dtype
        Element type.

    Returns
    -------
    inputs : list of Input
        The input.
    """
    return samples(_inner(extractor), X, dtype)


def _inner(extractor):
    estimator = extractor.estimator_
    if not hasattr(estimator, "network_"):
        raise ValueError(
            f"FeatureExtractor of a {type(estimator).__name__} cannot be converted to ONNX: put "
            "the steps before the network into a pipeline that ends with the FeatureExtractor."
        )
    return estimator


@converts_estimator(FeatureExtractor, inputs=samples_of_inner)
def _extracted(graph: Graph, extractor: Any, *inputs: str) -> Outputs:
    estimator = _inner(extractor)
    _, layer = extractor._layer_of(estimator)
    raw_outputs(graph, estimator, *inputs)
    size = int(np.prod(layer.output_shape_))
    out = graph.reshape(graph.found[id(layer)], (size,))
    return {"variable": Output(out, graph.dtype, (None, size))}
