"""Classifiers and regressors: what becomes of the raw outputs of their networks."""

import numpy as np

from ...estimators import NeuralClassifier, NeuralRegressor
from ...losses import Gaussian
from .estimators import converts_estimator, raw_outputs
from .graph import Output
from .links import blocks_of, inverse_link


@converts_estimator(NeuralClassifier)
def classifier(graph, estimator, x):
    raw, shape = raw_outputs(graph, estimator, x)
    loss, kind, places = estimator._loss, estimator._target.kind, shape[:-1]
    found = inverse_link(graph, loss, raw)
    if kind == "multilabel":
        label = graph.cast(graph.op("Greater", raw, 0.0), np.int64)
        return {
            "label": Output(label, np.int64, shape),
            "probabilities": Output(found, graph.dtype, shape),
        }
    if kind == "multioutput":
        return _several(graph, estimator, raw, found, places)
    n_classes = 2 if kind == "binary" else shape[-1]
    label, dtype = _labels(graph, estimator.classes_, _codes(graph, raw, kind))
    return {
        "label": Output(label, dtype, places),
        "probabilities": Output(found, graph.dtype, (*places, n_classes)),
    }


def _codes(graph, raw, kind):
    """Return the positions of the most probable classes, from raw outputs as `predict` does."""
    if kind == "binary":
        return graph.cast(graph.op("Squeeze", graph.op("Greater", raw, 0.0), [-1]), np.int64)
    return graph.op("ArgMax", raw, axis=-1, keepdims=0)


_TYPES_OF_LABELS = {"b": bool, "f": np.float32, "i": np.int64, "u": np.int64}


def _labels(graph, classes, codes):
    """Return the labels of positions among the classes, and their element type."""
    dtype = np.dtype(_TYPES_OF_LABELS.get(classes.dtype.kind, object))
    values = [str(each) for each in classes] if dtype.kind == "O" else classes
    return graph.op("Gather", graph.constant(values, dtype), codes, axis=0), dtype


def _several(graph, estimator, raw, probabilities, places):
    blocks, outputs, labels = blocks_of(graph, estimator._loss, raw), {}, []
    for block, classes in zip(blocks, estimator.classes_, strict=True):
        label, dtype = _labels(graph, classes, _codes(graph, block, "multiclass"))
        labels.append(graph.op("Unsqueeze", label, [-1]))
    label = graph.op("Concat", *labels, axis=-1)
    outputs["label"] = Output(label, dtype, (*places, len(labels)))
    for j, each in enumerate(probabilities):
        shape = (*places, len(estimator.classes_[j]))
        outputs[f"probabilities_{j}"] = Output(each, graph.dtype, shape)
    return outputs


@converts_estimator(NeuralRegressor)
def regressor(graph, estimator, x):
    raw, shape = raw_outputs(graph, estimator, x)
    loss, scale = estimator._loss, estimator._target_scale
    found = restored(graph, scale, inverse_link(graph, loss, raw))
    width = estimator.n_outputs_ // (2 if isinstance(loss, Gaussian) else 1)
    return {"variable": Output(found, graph.dtype, (*shape[:-1], width))}


def restored(graph, scale, predictions):
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
    """
    if scale is None:
        return predictions
    return graph.op("Add", graph.op("Mul", predictions, scale.deviation), scale.mean)
