"""Which function converts estimators of which class, and the networks in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ...base import brief
from ...inputs import sequence_list
from ...network import Network
from ...typing import F, Shape
from .graph import Graph, Output, Outputs
from .masks import first_steps, n_steps, over_steps
from .registry import convert, overridden_methods

_converters: dict[type, dict[str | None, Converter]] = {}
#: Methods whose results are converted: a subclass that overrides one is not.
_OF_PREDICTION = {
    "decision_function",
    "forward",
    "inverse_transform",
    "predict",
    "predict_proba",
    "reconstruct",
    "score_samples",
    "transform",
}


class Input(NamedTuple):
    """What a model takes: a name, an element type, and a shape.

    None in the shape is any number of rows or steps.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[Any, ...]


class Converter(NamedTuple):
    """How estimators of a class are converted."""

    outputs: Callable[..., Outputs]
    inputs: Callable[..., list[Input]]


def samples(model: Any, X: Any, dtype: DTypeLike) -> list[Input]:
    """Return the input of a model that takes samples, or rows of them.

    For a list of sequences there are two: padded sequences, and their lengths.

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
        The input.
    """
    shape = getattr(model, "network_", model).input_shape
    if None in shape and sequence_list(X) is not None:
        return [Input("X", dtype, (None, *shape)), Input("lengths", np.dtype(np.int64), (None,))]
    if X is not None:
        found = _shape_of(X)
        if len(shape) > 2 and (*found[1:], 1) == shape:  # gray images
            return [Input("X", dtype, (None, *shape[:-1]))]
        rows = (None,) if None in shape else (int(np.prod(shape)),)
        fits = [len(found) == len(each) + 1 and _agree(found[1:], each) for each in (shape, rows)]
        if not any(fits):
            raise ValueError(
                f"to_onnx expects X as samples of shape {shape} or as rows, got "
                f"{f'an array of shape {found}' if found else 'something else'}."
            )
        if len(found) == 2:
            shape = rows
    return [Input("X", dtype, (None, *shape))]


def _agree(lengths, shape):
    return all(n in (m, None) for m, n in zip(lengths, shape, strict=True))


def _shape_of(X):
    try:
        return np.shape(X)
    except ValueError:  # sequences of unequal length
        return ()


def converts_estimator(
    *classes: type, method: str | None = None, inputs: Callable[..., list[Input]] = samples
) -> Callable[[F], F]:
    """Register a function that converts estimators of sknet; use it as a decorator.

    The function is called with the graph, the fitted estimator and the names of its inputs, and
    returns a dict of `Output` by their names. An estimator that takes rows may get one input for
    each column.

    Parameters
    ----------
    *classes : type
        Classes of estimators.
    method : str, default=None
        Name of the method whose results the graph gives; None is what is wanted most.
    inputs : callable, default=samples
        Returns the list of `Input` for an estimator, an X or None, and an element type.

    Returns
    -------
    decorator : callable
        Registers a function and returns it.
    """

    def register(function):
        for cls in classes:
            _converters.setdefault(cls, {})[method] = Converter(function, inputs)
        return function

    return register


def is_known(model: Any) -> bool:
    """Tell whether an estimator or a network is one that sknet converts itself.

    Parameters
    ----------
    model : object
        Anything.

    Returns
    -------
    known : bool
        Whether there is a converter for it.
    """
    return any(cls in _converters for cls in type(model).__mro__)


def converter_of(model: Any, method: str | None = None) -> Converter:
    """Return the converter of an estimator or a network of sknet.

    Parameters
    ----------
    model : object
        An estimator or a network.
    method : str, default=None
        Name of the method whose results the graph gives.

    Returns
    -------
    converter : Converter
        Makes inputs and outputs.

    Raises
    ------
    ValueError
        If there is none for this method, or the class predicts in a way of its own.
    """
    cls = next(cls for cls in type(model).__mro__ if cls in _converters)
    overridden = sorted(overridden_methods(type(model), cls) & _OF_PREDICTION)
    if overridden:
        raise ValueError(
            f"{type(model).__name__} cannot be converted to ONNX: it overrides "
            f"{' and '.join(overridden)} of {cls.__name__}. Convert its network_, which gives the "
            "raw outputs."
        )
    known = _converters[cls]
    if method not in known:
        others = " or ".join(repr(each) for each in known)
        raise ValueError(
            f"to_onnx expects method={others} for {type(model).__name__}, got {brief(method)}."
        )
    return known[method]


def classes_of_estimators() -> list[type]:
    """List the classes that can be converted.

    Returns
    -------
    classes : list of type
        The classes.
    """
    return list(_converters)


def joined(graph: Graph, inputs: Sequence[str]) -> str:
    """Return the columns of a table, or the input itself if there is one, as one tensor.

    Parameters
    ----------
    graph : Graph
        The graph.
    inputs : sequence of str
        Tensors (N, ...).

    Returns
    -------
    x : str
        The tensor.
    """
    return inputs[0] if len(inputs) == 1 else graph.op("Concat", *inputs, axis=1)


def shaped(graph: Graph, network: Any, inputs: Sequence[str]) -> tuple[str, str | None]:
    """Return samples in the shape of a network, and the mask of real steps or None.

    Parameters
    ----------
    graph : Graph
        The graph.
    network : Network
        The network.
    inputs : sequence of str
        Samples, rows or columns; for sequences of any length also their lengths.

    Returns
    -------
    x : str
        Tensor ``(N, *network.input_shape)``.
    mask : str or None
        Tensor (N, T).
    """
    shape = network.input_shape
    if len(inputs) == 1 or None not in shape:
        return graph.reshape(joined(graph, inputs), shape), None
    x, lengths = graph.reshape(inputs[0], shape), graph.op("Unsqueeze", inputs[1], [1])
    mask = first_steps(graph, n_steps(graph, x), lengths)
    return graph.op("Mul", x, over_steps(graph, mask, len(shape))), mask


@converts_estimator(Network)
def _network(graph: Graph, network: Any, *inputs: str) -> Outputs:
    out, _ = convert(graph, network.layer, *shaped(graph, network, inputs))
    return {"raw": Output(out, graph.dtype, (None, *network.output_shape))}


def raw_outputs(graph: Graph, estimator: Any, *inputs: str) -> tuple[str, Shape]:
    """Add what the network of an estimator computes.

    Parameters
    ----------
    graph : Graph
        The graph.
    estimator : BaseNeuralEstimator
        Fitted estimator.
    *inputs : str
        Its input, rows or samples; or its columns.

    Returns
    -------
    raw : str
        Raw outputs.
    shape : tuple of int or None
        Their shape.
    """
    raw = _network(graph, estimator.network_, *inputs)["raw"]
    return raw.tensor, raw.shape
