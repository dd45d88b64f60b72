"""Which function converts layers of which class."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isfunction
from typing import Any, NoReturn, TypeAlias

from ...base import brief
from ...layers import Layer
from ...typing import F
from .graph import Graph

#: What converts a layer returns: its output, and its mask where that is not the input's.
Found: TypeAlias = str | tuple[str, str | None]

_converters: dict[type, Callable[..., Found]] = {}
#: Methods that a subclass may override and still compute what its base class computes.
_FREE = {"__init__", "build", "allocate", "adapt", "backward", "initialize_from", "resolve_names"}


def converts(*classes: type) -> Callable[[F], F]:
    """Register a function that converts layers to ONNX; use it as a decorator.

    The function is called with the graph, the layer and the names of its input and of the mask of
    real steps, of shape (N, T), or None. It returns the name of the output; or that and the
    output's mask, where it is not that of the input. A registered class serves its subclasses
    too, unless they override what runs in prediction.

    Parameters
    ----------
    *classes : type
        Subclasses of `sknet.layers.Layer`.

    Returns
    -------
    decorator : callable
        Registers a function and returns it.

    Raises
    ------
    TypeError
        If one of them is not a class of layers.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.interop.onnx import converts
    >>> from sknet.layers import Layer
    >>> class Sine(Layer):
    ...     def build(self, input_shape):
    ...         return input_shape
    ...
    ...     def forward(self, x, training=False, mask=None):
    ...         return np.sin(x)
    ...
    ...     def backward(self, grad_output, input_grad=True):
    ...         return grad_output * np.cos(self._x)
    >>> @converts(Sine)
    ... def sine(graph, layer, x, mask):
    ...     return graph.op("Sin", x)
    """
    for cls in classes:
        if not isinstance(cls, type) or not issubclass(cls, Layer):
            raise TypeError(f"converts expects classes of layers, got {brief(cls)}.")

    def register(function):
        _converters.update(dict.fromkeys(classes, function))
        return function

    return register


def convert(graph: Graph, layer: Any, x: str, mask: str | None = None) -> tuple[str, str | None]:
    """Add what a built layer computes in prediction to a graph.

    Parameters
    ----------
    graph : Graph
        The graph.
    layer : Layer
        The layer.
    x : str
        Its input, of shape ``(N, *layer.input_shape_)``.
    mask : str, default=None
        Which steps are real, of shape (N, T); None if all are.

    Returns
    -------
    out : str
        Its output.
    mask : str or None
        Which steps of the output are real.

    Raises
    ------
    ValueError
        If it cannot be converted; the message says why.
    """
    found = _converter_of(layer)(graph, layer, x, mask)
    found = found if isinstance(found, tuple) else (found, mask)
    graph.found[id(layer)] = found[0]
    return found


def _converter_of(layer):
    cls = type(layer)
    known = next((base for base in cls.__mro__ if base in _converters), None)
    advice = f"Register one by @sknet.interop.onnx.converts({cls.__name__})."
    if known is None:
        refuse(layer, f"no converter is registered for its class. {advice}")
    overridden = overridden_methods(cls, known) - _FREE
    if overridden:
        methods = " and ".join(sorted(overridden))
        refuse(layer, f"it overrides {methods} of {known.__name__}. {advice}")
    return _converters[known]


def overridden_methods(cls: type, known: type) -> set[str]:
    """List the methods of a class that are not those of another that it extends.

    Parameters
    ----------
    cls : type
        The class.
    known : type
        A class that it extends, or itself.

    Returns
    -------
    names : set of str
        Names of methods of `known`.
    """
    own = cls.__mro__[: cls.__mro__.index(known)]
    methods = {name for base in own for name, value in vars(base).items() if isfunction(value)}
    return {name for name in methods if hasattr(known, name)}


def refuse(layer: Any, why: str) -> NoReturn:
    """Raise the error of a layer that cannot be converted.

    Parameters
    ----------
    layer : Layer
        The layer.
    why : str
        The reason, and what to do.

    Raises
    ------
    ValueError
        Always.
    """
    raise ValueError(f"Layer {layer._label()} cannot be converted to ONNX: {why}")
