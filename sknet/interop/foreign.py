"""Estimators of the layers and the weights that models of other frameworks have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from ..activations import Identity, get_activation
from ..base import brief
from ..estimators import NeuralClassifier, NeuralRegressor
from ..layers import Activation, Dense, SeparableConv1D, SeparableConv2D, Sequential
from ..layers.affine import AffineLayer
from ..layers.channel_norms import MANY_VALUES
from ..losses import Target
from ..network import Network
from ..typing import Array, Shape

#: Functions at the end of a model that belong to the loss.
_LINKS = ("logistic", "softmax", "exp")
#: Layers that apply their activation last.
_ENDS = (Activation, AffineLayer, SeparableConv1D, SeparableConv2D)
#: Largest width of an output layer that starts as the identity.
_WIDEST = 10_000
#: Numbers of steps that are tried where a model takes sequences of any length.
_LENGTHS = [2**n for n in range(13)]


@dataclass
class Part:
    """A layer of sknet and its weights by name, such as "kernel" or "forward.kernel"."""

    layer: Any
    weights: dict[str, Array] = field(default_factory=dict)


@dataclass
class ForeignModel:
    """What a model of another framework is in terms of sknet.

    Parameters
    ----------
    parts : list of (str, Part)
        Names and layers, in the order in which they run. The last one may have the activation
        "logistic", "softmax" or "exp", which becomes that of the loss.
    input_shape : tuple of int
        Shape of one sample, as sknet has it.
    dtype : dtype
        Precision of the weights.
    source : str
        Name of the function that the user has called, for errors.
    """

    parts: list[tuple[str, Part]]
    input_shape: Shape
    dtype: np.dtype[Any]
    source: str
    link: str = "identity"

    def __post_init__(self) -> None:
        """Take the function that belongs to the loss off the last layer."""
        last = self.parts[-1][1].layer if self.parts else None
        if not isinstance(last, _ENDS) or last.activation not in _LINKS:
            return
        name, last = self.parts.pop()
        self.link = last.layer.activation
        if not isinstance(last.layer, Activation):
            layer = clone(last.layer).set_params(activation=None)
            self.parts.append((name, Part(layer, last.weights)))


def joined_weights(parts: Iterable[tuple[str, Part]]) -> dict[str, Array]:
    """Return the weights of several parts by the names that a layer that holds them gives them.

    Parameters
    ----------
    parts : list of (str, Part)
        Names and layers.

    Returns
    -------
    weights : dict of str to ndarray
        ``"name.kernel"``, or ``"name__inner.kernel"`` where the layer holds others.
    """
    return {
        f"{name}__{weight}" if "." in weight else f"{name}.{weight}": array
        for name, part in parts
        for weight, array in part.weights.items()
    }


def plain_name(name: str, taken: set[str]) -> str:
    """Return a name that a layer may have, near that of another framework.

    Parameters
    ----------
    name : str
        Name in the other framework.
    taken : set of str
        Names of other layers.
    """
    name = re.sub(r"[\W_]+", "_", name).strip("_") or "layer"
    name = f"layer_{name}" if name.isdecimal() or name == "output" else name
    numbers = (f"{name}_{n}" for n in count(1))
    return name if name not in taken else next(each for each in numbers if each not in taken)


def settled_counts(momentum: float) -> dict[str, Array]:
    """Return the weights of a `BatchNorm` whose averages are those of many batches.

    Parameters
    ----------
    momentum : float
        That of the layer.
    """
    return {"counts": np.full(2, MANY_VALUES / max(1 - momentum, 1e-9)), "exponent": np.zeros(1)}


def identity(width: int, source: str) -> Array:
    """Return the kernel of an output layer that changes nothing, if it is not too large.

    Parameters
    ----------
    width : int
        Number of outputs.
    source : str
        Name of the function that the user has called, for errors.
    """
    if width > _WIDEST:
        raise ValueError(
            f"{source}: the model ends with {width} values and no dense layer, so an output layer "
            f"would need {width} x {width} weights. End the model with global pooling or a dense "
            "layer."
        )
    return np.eye(width)


def fitted(
    model: ForeignModel,
    estimator: NeuralClassifier | NeuralRegressor | None,
    classes: ArrayLike | None,
) -> NeuralClassifier | NeuralRegressor:
    """Return a fitted estimator that predicts as a model of another framework does.

    Parameters
    ----------
    model : ForeignModel
        The model.
    estimator : NeuralClassifier, NeuralRegressor or None
        Its other parameters are kept; None chooses by what the model ends with.
    classes : array-like or None
        Labels in the order of the outputs.

    Returns
    -------
    estimator : NeuralClassifier or NeuralRegressor
        Fitted, and with ``warm_start=True``.
    """
    estimator = _chosen(model, estimator, classes)
    hidden, kernel, bias = _divided(model, estimator)
    pairs = [(name, part.layer) for name, part in hidden]
    estimator.set_params(layers=pairs, warm_start=True)
    if len(model.input_shape) > 1 or None in model.input_shape:
        estimator.set_params(input_shape=model.input_shape)
    places, sample = _example(pairs, model)
    if isinstance(estimator, NeuralClassifier):
        y, kernel, bias = _labels(model, classes, kernel, bias)
    else:
        estimator.set_params(standardize_target=False)
        n_outputs = kernel.shape[1]
        loss = estimator._named_loss()
        if loss.build(Target("continuous", n_outputs)) != n_outputs:
            raise ValueError(
                f"{model.source} expects a loss with one output for each target, got "
                f"{estimator.loss!r}."
            )
        y = np.ones((1, n_outputs) if n_outputs > 1 else 1)
    y = np.broadcast_to(
        np.reshape(y, (len(y), *[1] * len(places), *y.shape[1:])), (len(y), *places, *y.shape[1:])
    )
    X = np.repeat(sample, len(y), axis=0)
    weights = joined_weights(hidden) | {"output.kernel": kernel, "output.bias": bias}
    return estimator._take_weights(X, y, weights)


def _chosen(model, estimator, classes):
    """Return a copy of the estimator, or the one that fits what the model ends with."""
    if estimator is None:
        is_classifier = model.link in ("logistic", "softmax") or classes is not None
        estimator = NeuralClassifier() if is_classifier else NeuralRegressor()
        return estimator if model.link != "exp" else estimator.set_params(loss="poisson")
    if not isinstance(estimator, NeuralClassifier | NeuralRegressor):
        raise TypeError(
            f"{model.source} expects estimator to be a NeuralClassifier or a NeuralRegressor, "
            f"got {brief(estimator)}."
        )
    if classes is not None and isinstance(estimator, NeuralRegressor):
        raise ValueError(f"{model.source} got classes for a NeuralRegressor, which has none.")
    if isinstance(estimator.loss, dict):
        raise ValueError(f"{model.source} expects one loss for all outputs, got a dict of losses.")
    estimator = clone(estimator)
    estimator._validate_params()
    return estimator


def _divided(model, estimator):
    """Return the hidden layers, and kernel and bias of the output layer, as in the model."""
    parts, link = list(model.parts), model.link
    if isinstance(estimator, NeuralRegressor):
        expected = estimator._named_loss().link
        if link != expected:
            if link != "logistic" or expected != "identity":
                raise ValueError(
                    f"{model.source}: the model ends with the function {link!r}, and the loss of "
                    f"the NeuralRegressor with {expected!r}. Choose another loss or a "
                    "NeuralClassifier."
                )
            parts.append(("link", Part(Activation("logistic"))))
    elif link == "exp":
        raise ValueError(
            f"{model.source}: the model ends with the function 'exp', which gives no "
            "probabilities. Pass a NeuralRegressor(loss='poisson')."
        )
    last = parts[-1][1] if parts else Part(None)
    if isinstance(last.layer, Dense) and isinstance(
        get_activation(last.layer.activation), Identity
    ):
        kernel = last.weights["kernel"]
        return parts[:-1], kernel, last.weights.get("bias", np.zeros(kernel.shape[1]))
    # An output layer that starts as the identity changes nothing.
    width = Sequential([(n, clone(p.layer)) for n, p in parts])
    width = Network(width, model.input_shape).output_shape[-1]
    return parts, identity(width, model.source), np.zeros(width)


def _example(pairs, model):
    """Return the places of an output, and an example of an input, all zero."""
    layer = Sequential([(name, clone(part)) for name, part in pairs])
    shape = model.input_shape
    network = Network(layer, shape, model.dtype)
    if None not in shape:
        return network.output_shape[:-1], np.zeros((1, *shape), model.dtype)
    for length in _LENGTHS:  # the shortest that layers with windows take
        sample = np.zeros((1, length, *shape[1:]), model.dtype)
        try:
            return network.predict(sample).shape[1:-1], sample
        except ValueError as error:
            refusal = error
    raise refusal


def _labels(model, classes, kernel, bias):
    """Return one row of y a class, and the output layer in the order of the sorted classes."""
    n_outputs = kernel.shape[1]
    if model.link == "logistic" and n_outputs > 1:
        if classes is not None and not np.array_equal(classes, np.arange(n_outputs)):
            raise ValueError(
                f"{model.source}: the model has {n_outputs} outputs of a logistic function, each "
                "of them a label that occurs or not. Leave out classes."
            )
        return np.array([[0] * n_outputs, [1] * n_outputs]), kernel, bias
    if n_outputs == 1 and model.link == "softmax":
        raise ValueError(f"{model.source}: softmax of a single output is 1, whatever the input.")
    if n_outputs == 1:  # as a softmax function whose first score is 0
        kernel, bias = np.hstack([np.zeros_like(kernel), kernel]), np.append(0 * bias, bias)
    n_classes = kernel.shape[1]
    labels = np.arange(n_classes) if classes is None else np.asarray(classes)
    if labels.shape != (n_classes,) or len(np.unique(labels)) < n_classes:
        raise ValueError(
            f"{model.source} expects classes to be {n_classes} different labels in the order of "
            f"the model's outputs, got {brief(classes)}."
        )
    order = np.argsort(labels)
    kernel, bias = kernel[:, order], bias[order]
    if n_classes == 2:
        kernel, bias = np.diff(kernel), np.diff(bias)
    return labels, kernel, bias
