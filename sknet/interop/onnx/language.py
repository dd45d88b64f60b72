"""Language models, and networks that read sequences a few steps at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...estimators import NeuralLanguageModel
from ...network import Network
from .estimators import Input, converts_estimator
from .graph import Graph, Output, Outputs
from .memory import Memory
from .registry import convert


def tokens(model: Any, X: Any, dtype: DTypeLike) -> list[Input]:
    """Return the input of a language model.

    Parameters
    ----------
    model : NeuralLanguageModel
        Fitted.
    X : None
        Ignored.
    dtype : dtype
        Ignored.

    Returns
    -------
    inputs : list of Input
        Ids of tokens.
    """
    return [Input("tokens", np.dtype(np.int64), (None, None))]


@converts_estimator(NeuralLanguageModel, inputs=tokens)
def _language_model(graph: Graph, model: Any, ids: str) -> Outputs:
    network = model.network_
    logits, _ = convert(graph, network.layer, graph.cast(ids, graph.dtype))
    return {"logits": Output(logits, graph.dtype, (None, *network.output_shape))}


@converts_estimator(NeuralLanguageModel, method="advance", inputs=tokens)
def _next_tokens(graph: Graph, model: Any, ids: str) -> Outputs:
    graph.memory = Memory()
    return _language_model(graph, model, ids) | graph.memory.outputs


@converts_estimator(Network, method="advance")
def _next_steps(graph: Graph, network: Any, x: str) -> Outputs:
    network.layer._check_causal()
    graph.memory = Memory()
    out, _ = convert(graph, network.layer, graph.reshape(x, network.input_shape))
    outputs = {"raw": Output(out, graph.dtype, (None, *network.output_shape))}
    return outputs | graph.memory.outputs
