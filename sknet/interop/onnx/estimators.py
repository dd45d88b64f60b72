"""Which function converts estimators of which class, and the networks in them."""

from typing import NamedTuple

import numpy as np

from ...base import brief
from ...network import Network
from .graph import Output
from .registry import convert

_converters = {}


class Input(NamedTuple):
    """What a model takes: a name, an element type, and a shape.

    None in the shape is any number of rows or steps.
    """

    name: str
    dtype: np.dtype
    shape: tuple


def converts_estimator(*classes):
    """Register a function that converts estimators of sknet; use it as a decorator.

    The function is called with the graph, the fitted estimator and the name of its input, and
    returns a dict of `Output` by their names.

    Parameters
    ----------
    *classes : type
        Classes of estimators.

    Returns
    -------
    decorator : callable
        Registers a function and returns it.
    """

    def register(function):
        _converters.update(dict.fromkeys(classes, function))
        return function

    return register


def converter_of(model):
    """Return the function that converts an estimator or a network of sknet, or None.

    Parameters
    ----------
    model : object
        Anything.

    Returns
    -------
    function : callable or None
        The function.
    """
    return next((_converters[cls] for cls in type(model).__mro__ if cls in _converters), None)


def classes_of_estimators():
    """List the classes that can be converted.

    Returns
    -------
    classes : list of type
        The classes.
    """
    return list(_converters)


@converts_estimator(Network)
def network(graph, network, x):
    out, _ = convert(graph, network.layer, graph.reshape(x, network.input_shape))
    return {"raw": Output(out, graph.dtype, (None, *network.output_shape))}


def raw_outputs(graph, estimator, x):
    """Add what the network of an estimator computes.

    Parameters
    ----------
    graph : Graph
        The graph.
    estimator : BaseNeuralEstimator
        Fitted estimator.
    x : str
        Its input, rows or samples.

    Returns
    -------
    raw : str
        Raw outputs.
    shape : tuple of int or None
        Their shape.
    """
    raw = network(graph, estimator.network_, x)["raw"]
    return raw.tensor, raw.shape


def inputs_of(model, X, dtype):
    """Return the inputs of the graph of an estimator of sknet.

    Parameters
    ----------
    model : estimator or Network
        Fitted.
    X : array-like or None
        An example of what `predict` takes; None stands for samples of the network's shape.
    dtype : dtype
        Element type.

    Returns
    -------
    inputs : list of Input
        The inputs.
    """
    shape = getattr(model, "network_", model).input_shape
    if X is not None:
        found = np.shape(X)
        if len(found) not in (2, len(shape) + 1):
            raise ValueError(
                f"to_onnx expects X as samples of shape {shape} or as rows, got {brief(found)}."
            )
        if len(found) == 2:
            shape = (None,) if None in shape else (int(np.prod(shape)),)
    return [Input("X", dtype, (None, *shape))]
