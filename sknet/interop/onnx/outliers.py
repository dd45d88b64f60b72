"""Outlier detectors: how badly rows are reconstructed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...estimators import NeuralOutlierDetector
from ...losses import AbsoluteError, Huber, LogLoss, SquaredError
from ...losses.observed import ObservedLoss
from .estimators import converts_estimator, joined, raw_outputs
from .functions import softplus
from .graph import Graph, Output, Outputs


@converts_estimator(NeuralOutlierDetector)
def _outlier_detector(graph: Graph, estimator: Any, *inputs: str) -> Outputs:
    loss, x = estimator._loss, joined(graph, inputs)
    if None in estimator.network_.input_shape or estimator._is_variational():
        kind = "variational codes" if estimator._is_variational() else "sequences of any length"
        raise ValueError(
            f"The scores of a NeuralOutlierDetector of {kind} cannot be converted to ONNX. Use "
            "method='reconstruct' and compare."
        )
    raw, _ = raw_outputs(graph, estimator, x)
    given = x = graph.reshape(x, (int(np.prod(estimator.network_.input_shape)),))
    if isinstance(loss, ObservedLoss):
        missing, loss = graph.op("IsNaN", given), loss._inner
        x = graph.op("Where", missing, 0.0, given)
    losses = _losses_of(loss)(graph, loss, raw, x)
    if x != given:
        losses = graph.op("Where", missing, 0.0, losses)
    scores = graph.op("Neg", graph.op("ReduceSum", losses, [-1], keepdims=0))
    is_inlier = graph.op("GreaterOrEqual", scores, float(estimator.offset_))
    return {
        "label": Output(graph.op("Where", is_inlier, 1, -1), np.int64, (None,)),
        "scores": Output(scores, graph.dtype, (None,)),
    }


def _losses_of(loss):
    known = _LOSSES.get(type(loss))
    if known is None:
        raise ValueError(
            f"The scores of a NeuralOutlierDetector with {type(loss).__name__} cannot be "
            "converted to ONNX. Choose a loss among 'squared_error', 'absolute_error', 'huber' "
            "and 'log_loss'."
        )
    return known


def _squared_error(graph, loss, raw, y):
    error = graph.op("Sub", raw, y)
    return graph.op("Mul", graph.op("Mul", error, error), 0.5)


def _huber(graph, loss, raw, y):
    # With the residual r clipped to c, both branches are c * (r - c / 2).
    error, delta = graph.op("Sub", raw, y), float(loss.delta)
    clipped = graph.op("Clip", error, -delta, delta)
    return graph.op("Mul", clipped, graph.op("Sub", error, graph.op("Mul", clipped, 0.5)))


def _log_loss(graph, loss, raw, y):
    smoothing = loss._smoothing
    y = graph.op("Add", graph.op("Mul", y, 1.0 - smoothing), smoothing / 2)
    return graph.op("Sub", softplus(graph, raw), graph.op("Mul", y, raw))


_LOSSES = {
    AbsoluteError: lambda graph, loss, raw, y: graph.op("Abs", graph.op("Sub", raw, y)),
    Huber: _huber,
    LogLoss: _log_loss,
    SquaredError: _squared_error,
}
