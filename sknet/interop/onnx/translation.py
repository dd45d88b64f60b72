"""Translators and transcribers, and the layers of a decoder that look at a source."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...estimators import NeuralTranscriber, NeuralTranslator
from ...estimators.encoder_decoder import EncoderDecoder
from ...layers import SourceState
from .attention import source_of
from .estimators import Input, converts_estimator, raw_outputs
from .graph import Graph, Output, Outputs
from .masks import positions, take_steps
from .recurrent import run_cells
from .registry import Found, convert, converts, refuse


def pairs(model: Any, X: Any, dtype: DTypeLike) -> list[Input]:
    """Return the inputs of a translator.

    Parameters
    ----------
    model : NeuralTranslator
        Fitted.
    X : None
        Ignored.
    dtype : dtype
        Ignored.

    Returns
    -------
    inputs : list of Input
        Numbers of tokens of sources and of targets; 0 fills what is shorter than others.
    """
    return [Input(name, np.dtype(np.int64), (None, name)) for name in ("source", "target")]


@converts_estimator(NeuralTranslator, inputs=pairs)
def _translator(graph: Graph, model: Any, source: str, target: str) -> Outputs:
    parts = dict(model.network_.layer.sublayers())
    real = graph.op("Not", graph.op("Equal", source, 0))
    code, real = convert(graph, parts["encoder"], graph.cast(source, graph.dtype), real)
    if len(parts["encoder"].output_shape_) == 1:
        code, real = graph.op("Unsqueeze", code, [1]), None
    graph.source = code, real
    # What fills a target comes last, where nothing looks at it.
    out, _ = convert(graph, parts["decoder"], graph.cast(target, graph.dtype))
    logits, _ = convert(graph, parts["output"], out)
    width = model.network_.output_shape[-1]
    return {"logits": Output(logits, graph.dtype, (None, "target", width))}


@converts(EncoderDecoder)
def _encoder_decoder(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    refuse(layer, "it has two inputs. Convert the NeuralTranslator that it is a part of.")


@converts(SourceState)
def _source_state(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    source, real = source_of(graph, layer)
    if mask is not None or layer.layer.go_backwards:
        refuse(layer, "with a source it takes no masks and does not run backwards.")
    start = graph.op("MatMul", _last_steps(graph, source, real), layer.kernel_)
    start = graph.op("Tanh", graph.op("Add", start, layer.bias_))
    units = layer.layer.units
    starts = [graph.slice(start, i * units, (i + 1) * units, 1) for i in range(len(layer._names))]
    states, last = run_cells(graph, layer.layer, x, starts)[:2]
    return states if layer.layer.return_sequences else last


def _last_steps(graph, source, real):
    """Return the last real step of each source, (N, C)."""
    steps = positions(graph, source)
    if real is None:
        last = graph.op("ReduceMax", steps, [0], keepdims=0)
        return graph.op("Gather", source, last, axis=1)
    last = graph.op("ReduceMax", graph.op("Mul", steps, graph.cast(real, np.int64)), [1])
    return graph.op("Squeeze", take_steps(graph, source, last), [1])


@converts_estimator(NeuralTranscriber)
def _transcriber(graph: Graph, model: Any, *inputs: str) -> Outputs:
    raw, shape = raw_outputs(graph, model, *inputs)
    found = graph.op("Softmax", raw, axis=-1)
    return {"probabilities": Output(found, graph.dtype, shape)}
