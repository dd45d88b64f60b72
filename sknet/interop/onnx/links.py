"""Inverse links of losses: what turns raw outputs into predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...losses import FunctionLoss, Gaussian, Hinge, KLDivergence, Quantile
from ...losses.base import Loss
from ...losses.classification import ClassificationLoss
from ...losses.regression import RegressionLoss
from .functions import softplus
from .graph import Graph


def _quantiles(graph, loss, raw):
    if not loss._several:
        return raw
    last = len(loss._levels)
    steps = softplus(graph, graph.slice(raw, 1, last, -1))
    steps = graph.op("Concat", graph.slice(raw, 0, 1, -1), steps, axis=-1)
    return graph.op("MatMul", steps, np.triu(np.ones((last, last))))


def _mean(graph, loss, raw):
    return graph.slice(raw, 0, loss._target.n_outputs, -1)


def _regression(graph, loss, raw):
    return graph.op("Exp", raw) if loss.link == "exp" else raw


def _probabilities(graph, loss, raw):
    def of_labels(raw):
        return graph.op("Sigmoid", raw)

    def of_classes(block):
        return graph.op("Softmax", block, axis=-1)

    return _by_kind(graph, loss, raw, of_labels, of_classes)


def _votes(graph, loss, raw):
    def of_labels(raw):
        return graph.cast(graph.op("Greater", raw, 0.0), graph.dtype)

    def of_classes(block):
        return graph.op("Hardmax", block, axis=-1)

    return _by_kind(graph, loss, raw, of_labels, of_classes)


def _by_kind(graph, loss, raw, of_labels, of_classes):
    kind = loss._target.kind
    if kind == "binary":
        raw = graph.op("Concat", graph.op("Neg", raw), raw, axis=-1)
    if kind in ("binary", "multilabel"):
        return of_labels(raw)
    blocks = [of_classes(block) for block in blocks_of(graph, loss, raw)]
    return blocks if kind == "multioutput" else blocks[0]


def blocks_of(graph: Graph, loss: Any, raw: str) -> list[str]:
    """Split raw outputs into those of several multiclass targets.

    Parameters
    ----------
    graph : Graph
        The graph.
    loss : ClassificationLoss
        Built for one or several multiclass targets.
    raw : str
        Tensor (N, ..., K).

    Returns
    -------
    blocks : list of str
        One tensor a target.
    """
    if len(loss._blocks) == 1:
        return [raw]
    return [graph.slice(raw, block.start, block.stop, -1) for block in loss._blocks]


#: By the method that computes the link, so that a loss with one of its own has no entry.
_LINKS = {
    Loss.inverse_link: lambda graph, loss, raw: raw,
    ClassificationLoss.inverse_link: _probabilities,
    FunctionLoss.inverse_link: lambda graph, loss, raw: raw,
    Gaussian.inverse_link: _mean,
    Hinge.inverse_link: _votes,
    KLDivergence.inverse_link: lambda graph, loss, raw: graph.op("Softmax", raw, axis=-1),
    Quantile.inverse_link: _quantiles,
    RegressionLoss.inverse_link: _regression,
}


def inverse_link(graph: Graph, loss: Any, raw: str) -> Any:
    """Turn raw outputs into predictions.

    Parameters
    ----------
    graph : Graph
        The graph.
    loss : Loss
        Built loss.
    raw : str
        Tensor (N, ..., K).

    Returns
    -------
    predictions : str or list of str
        What ``loss.inverse_link`` returns; a list for several multiclass targets.

    Raises
    ------
    ValueError
        If the loss has a link of its own.
    """
    known = _LINKS.get(type(loss).inverse_link)
    if known is None:
        raise ValueError(
            f"The loss {type(loss).__name__} cannot be converted to ONNX: it overrides "
            "inverse_link. Convert estimator.network_, which gives the raw outputs."
        )
    return known(graph, loss, raw)
