"""Estimators of sknet that compute what models of Keras compute."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ... import layers
from ...base import brief
from ...estimators import NeuralClassifier, NeuralRegressor
from ..foreign import ForeignModel, Part, fitted, joined_weights, plain_name
from .options import check_axis, refuse
from .parts import PartReader
from .table import MERGES


def from_keras(
    model: Any,
    estimator: NeuralClassifier | NeuralRegressor | None = None,
    *,
    classes: ArrayLike | None = None,
) -> NeuralClassifier | NeuralRegressor:
    """Return a fitted estimator with the layers and the weights of a Keras model.

    It predicts as the model does, without Keras. Training is resumed from the weights by `fit`,
    as its `warm_start` is True, or by `partial_fit`, and `sknet.layers.Pretrained` takes its
    layers for another network.

    The function at the end of the model decides: after softmax or sigmoid it is a
    `NeuralClassifier`, of one or of several labels, otherwise a `NeuralRegressor`. A model that
    does not end with a dense layer gets an output layer that starts as the identity.

    Parameters
    ----------
    model : keras.Model
        A built Sequential model, or a functional one of one input and one output, in which layers
        follow one another or run side by side and are merged again.
    estimator : NeuralClassifier or NeuralRegressor, default=None
        Decides what it is to be, and how it is trained further: all its parameters are kept but
        `layers`, `input_shape`, `warm_start` and `standardize_target`. A classifier of a model
        that ends with no function takes its outputs as scores before softmax.
    classes : array-like, default=None
        Labels of the classes in the order of the model's outputs; 0, 1, .. by default.

    Returns
    -------
    estimator : NeuralClassifier or NeuralRegressor
        Fitted estimator in the precision of the model's weights.

    Raises
    ------
    ImportError
        If Keras is not installed.
    TypeError
        If `model` is no Keras model.
    ValueError
        If the model has a layer, or an option of a layer, that sknet does not have.

    See Also
    --------
    to_keras : The way back.
    """
    keras = import_keras("from_keras")
    if not isinstance(model, keras.Model):
        raise TypeError(f"from_keras expects a Keras model, got {brief(model)}.")
    if not model.built or not getattr(model, "outputs", None):
        raise ValueError(
            f"from_keras expects a Sequential or functional model that has been built, got "
            f"{model.name!r}, a {type(model).__name__}. Begin it with keras.Input(...), and write "
            "it without a class of its own."
        )
    return fitted(_Reader(model).read(), estimator, classes)


def import_keras(caller: str) -> Any:
    """Return Keras, or say that it is missing.

    Parameters
    ----------
    caller : str
        Name of the function that needs it.
    """
    try:
        import keras
    except ImportError:
        raise ImportError(f"{caller} needs Keras: run pip install keras.") from None
    return keras


class _Reader(PartReader):
    """Reads the graph of a model from its end to its beginning."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self._seen = set()
        self._names = set()
        self._last = _operation(model.outputs[0])
        while _is_model(self._last):
            self._last = _operation(self._last.outputs[0])

    def read(self) -> Any:
        """Return the layers as those of sknet."""
        self._check_ends(self.model)
        parts = self._chain(self.model.outputs[0], self.model.inputs[0])
        shape = tuple(self.model.inputs[0].shape[1:])
        is_double = str(self.model.outputs[0].dtype) == "float64"
        dtype = np.dtype(np.float64 if is_double else np.float32)
        return ForeignModel(parts, shape, dtype, "from_keras")

    def _check_ends(self, model):
        for name in ("inputs", "outputs"):
            n = len(getattr(model, name))
            if n != 1:
                raise ValueError(
                    f"from_keras expects a model of one input and one output, got {n} {name} of "
                    f"{model.name!r}."
                )

    def _chain(self, end, start):
        """Return the layers between two tensors, as (name, part) pairs."""
        found = []
        while end is not start:
            operation, node = _operation(end), _node(end)
            if type(operation).__name__ in MERGES:
                end, parts = self._merged(operation, node)
            elif _is_model(operation):
                self._check_ends(operation)
                parts = self._chain(operation.outputs[0], operation.inputs[0])
                end = self._only_input(operation, node)
            else:
                parts = [(self._name(operation), self._part(operation, node))]
                end = self._only_input(operation, node)
            found = parts + found
        return [(name, part) for name, part in found if part is not None]

    def _only_input(self, operation, node):
        if id(operation) in self._seen:
            refuse(operation, "is used twice, and layers of sknet do not share weights")
        self._seen.add(id(operation))
        inputs = _inputs(node)
        if any(each is not inputs[0] for each in inputs):
            refuse(operation, "takes several different inputs, which sknet has no layer for")
        return inputs[0]

    def _merged(self, operation, node):
        """Return where branches begin that an operation merges, and a layer that runs them."""
        inputs, kind = _inputs(node), MERGES[type(operation).__name__]
        if len(inputs) < 2:
            refuse(operation, "takes a constant, which sknet has no layer for")
        if kind == "concatenate":
            check_axis(operation, operation.axis, len(inputs[0].shape))
        paths = [_necks(each) for each in inputs]
        start = next(each for each in paths[0] if all(_holds(path, each) for path in paths))
        branches = [self._chain(each, start) for each in inputs]
        filled = [branch for branch in branches if branch]
        pairs = [[(name, part.layer) for name, part in branch] for branch in branches]
        if kind == "add" and len(branches) == 2 and len(filled) == 1:
            layer, weights = layers.Residual(max(pairs, key=len)), joined_weights(filled[0])
        else:
            layer = layers.Parallel(pairs, merge=kind)
            branches = [Part(None, joined_weights(branch)) for branch in branches]
            weights = joined_weights((str(i), part) for i, part in enumerate(branches))
        return start, [(self._name(operation), Part(layer, weights))]

    def _name(self, operation):
        name = plain_name(operation.name, self._names)
        self._names.add(name)
        return name

    def _read_TimeDistributed(self, layer, node, shape):
        inner = layer.layer
        if _is_model(inner):
            self._check_ends(inner)
            parts = self._chain(inner.outputs[0], inner.inputs[0])
        else:
            inside = SimpleNamespace(input_tensors=[SimpleNamespace(shape=(None, *shape[1:]))])
            parts = [(plain_name(inner.name, set()), self._part(inner, inside))]
        distributed = layers.TimeDistributed([(name, part.layer) for name, part in parts])
        return Part(distributed, joined_weights(parts))


def _operation(tensor):
    return tensor._keras_history.operation


def _node(tensor):
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def _inputs(node):
    """Return the tensors that an operation takes, without the masks that they bring along."""
    masks = [getattr(each, "_keras_mask", None) for each in node.input_tensors]
    return [each for each in node.input_tensors if not _holds(masks, each)]


def _is_model(operation):
    return hasattr(operation, "inputs") and hasattr(operation, "outputs") and operation.layers


def _necks(tensor):
    """Return the tensors through which all ways to a tensor lead, the nearest first."""
    inputs = _inputs(_node(tensor))
    if not inputs:
        return [tensor]
    first, *others = [_necks(each) for each in inputs]
    return [tensor, *(each for each in first if all(_holds(other, each) for other in others))]


def _holds(tensors, tensor):
    return any(each is tensor for each in tensors)
