"""Classifiers and regressors: what becomes of the raw outputs of their networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...estimators import NeuralClassifier, NeuralRegressor
from ...losses import Gaussian
from .estimators import converts_estimator, raw_outputs
from .graph import Graph, Output, Outputs
from .links import blocks_of, inverse_link


@converts_estimator(NeuralClassifier)
def _classifier(graph: Graph, estimator: Any, *inputs: str) -> Outputs:
    loss, kind = estimator._loss, estimator._target.kind
    if not loss.gives_probabilities:
        return _decisions(graph, estimator, *inputs)
    raw, (*places, width) = raw_outputs(graph, estimator, *inputs)
    found = inverse_link(graph, loss, raw)
    if kind == "multilabel":
        label = graph.cast(graph.op("Greater", raw, 0.0), np.int64)
        return _outputs(graph, label, np.int64, (*places, width), found, places, width)
    if kind == "multioutput":
        return _several(graph, estimator, blocks_of(graph, loss, raw), found, places)
    label, dtype = _labels(graph, estimator.classes_, _codes(graph, raw, kind))
    return _outputs(graph, label, dtype, places, found, places, len(estimator.classes_))


@converts_estimator(NeuralClassifier, method="decision_function")
def _decisions(graph: Graph, estimator: Any, *inputs: str) -> Outputs:
    raw, (*places, width) = raw_outputs(graph, estimator, *inputs)
    kind = estimator._target.kind
    if kind == "multilabel":
        label = graph.cast(graph.op("Greater", raw, 0.0), np.int64), np.dtype(np.int64)
        label = Output(*label, (*places, width))
    elif kind == "multioutput":
        blocks = blocks_of(graph, estimator._loss, raw)
        label = _several(graph, estimator, blocks, [], places)["label"]
    else:
        label = _labels(graph, estimator.classes_, _codes(graph, raw, kind))
        label = Output(*label, tuple(places))
    if kind == "binary":
        raw, width = graph.op("Concat", graph.op("Neg", raw), raw, axis=-1), 2
    scores = Output(raw, graph.dtype, (*places, width))
    return {"label": label, "scores": scores}


def _outputs(graph, label, dtype, shape, probabilities, places, width):
    return {
        "label": Output(label, np.dtype(dtype), tuple(shape)),
        "probabilities": Output(probabilities, graph.dtype, (*places, width)),
    }


def _codes(graph, raw, kind):
    """Return the positions of the most probable classes, from raw outputs as `predict` does."""
    if kind == "binary":
        return graph.cast(graph.op("Squeeze", graph.op("Greater", raw, 0.0), [-1]), np.int64)
    return graph.op("ArgMax", raw, axis=-1, keepdims=0)


_TYPES_OF_LABELS = {"b": bool, "f": np.float64, "i": np.int64, "u": np.int64}


def _labels(graph, classes, codes):
    """Return the labels of positions among the classes, and their element type."""
    dtype = np.dtype(_TYPES_OF_LABELS.get(classes.dtype.kind, object))
    values = [str(each) for each in classes] if dtype.kind == "O" else classes
    wrong = [each for each in values if not _is_label_of_onnx(each)]
    if wrong:
        raise ValueError(
            f"ONNX has labels that are strings in UTF-8 and end in no NUL, or integers of 64 bits "
            f"with a sign, got the class {wrong[0]!r}. Rename such classes."
        )
    return graph.op("Gather", graph.constant(values, dtype), codes, axis=0), dtype


def _is_label_of_onnx(label):
    if not isinstance(label, str):
        return np.issubdtype(type(label), np.floating) or label <= np.iinfo(np.int64).max
    try:
        label.encode()
    except UnicodeEncodeError:  # half of a pair of surrogates
        return False
    return not label.endswith("\0")


def _several(graph, estimator, blocks, probabilities, places):
    outputs, labels = {}, []
    for block, classes in zip(blocks, estimator.classes_, strict=True):
        label, dtype = _labels(graph, classes, _codes(graph, block, "multiclass"))
        labels.append(graph.op("Unsqueeze", label, [-1]))
    label = graph.op("Concat", *labels, axis=-1)
    outputs["label"] = Output(label, dtype, (*places, len(labels)))
    for j, each in enumerate(probabilities):
        shape = (*places, len(estimator.classes_[j]))
        outputs[f"probabilities_{j}"] = Output(each, graph.dtype, shape)
    return outputs


def decided(graph: Graph, estimator: Any, probabilities: str | list[str]) -> Outputs:
    """Return labels and probabilities of an ensemble, which decides by the probabilities.

    Parameters
    ----------
    graph : Graph
        The graph.
    estimator : classifier
        Fitted.
    probabilities : str or list of str
        Tensor (N, K); a list for several multiclass targets.

    Returns
    -------
    outputs : dict of Output
        As of a single classifier.
    """
    kind = estimator._target.kind
    if kind == "multilabel":
        label = graph.cast(graph.op("Greater", probabilities, 0.5), np.int64)
        width = estimator._target.n_outputs
        return _outputs(graph, label, np.int64, (None, width), probabilities, (None,), width)
    if kind == "multioutput":
        return _several(graph, estimator, probabilities, probabilities, (None,))
    codes = _codes(graph, probabilities, "multiclass")
    label, dtype = _labels(graph, estimator.classes_, codes)
    width = len(estimator.classes_)
    return _outputs(graph, label, dtype, (None,), probabilities, (None,), width)


@converts_estimator(NeuralRegressor)
def _regressor(graph: Graph, estimator: Any, *inputs: str) -> Outputs:
    raw, (*places, n_raw) = raw_outputs(graph, estimator, *inputs)
    if estimator._targets is not None:
        return _by_columns(graph, estimator, raw)
    loss, scale = estimator._loss, estimator._target_scale
    found, dtype = restored(graph, scale, inverse_link(graph, loss, raw))
    width = n_raw // 2 if isinstance(loss, Gaussian) else n_raw
    return {"variable": Output(found, dtype, (*places, width))}


def _by_columns(graph, estimator, raw):
    """Return the outputs of a regressor that has a loss for each column of y."""
    targets, outputs = estimator._targets, {}
    parts = zip(targets.names, estimator._loss._members, targets._scales, strict=True)
    for name, member, scale in parts:
        block = graph.slice(raw, member.block.start, member.block.stop, -1)
        found = inverse_link(graph, member.loss, block)
        if name not in targets.classes:
            outputs[name] = Output(*restored(graph, scale, found), (None, 1))
            continue
        classes = targets.classes[name]
        label, dtype = _labels(graph, classes, _codes(graph, found, "multiclass"))
        outputs[name] = Output(label, dtype, (None,))
        shape = (None, len(classes))
        outputs[f"{name}_probabilities"] = Output(found, graph.dtype, shape)
    return outputs


def restored(graph: Graph, scale: Any, predictions: str) -> tuple[str, np.dtype[Any]]:
    """Bring predictions of a standardized target back to its scale.

    Parameters
    ----------
    graph : Graph
        The graph.
    scale : TargetScale or None
        The target's mean and standard deviation; None leaves the predictions as they are.
    predictions : str
        Tensor (N, ..., K).

    Returns
    -------
    out : str
        The predictions.
    dtype : dtype
        Their element type: float64 where float32 could not tell them apart.
    """
    if scale is None:
        return predictions, graph.dtype
    dtype = graph.dtype if scale.fits_float32 else np.dtype(np.float64)
    if dtype != graph.dtype:
        predictions = graph.cast(predictions, dtype)
    deviation, mean = (graph.constant(each, dtype) for each in (scale.deviation, scale.mean))
    return graph.op("Add", graph.op("Mul", predictions, deviation), mean), dtype
