"""Activation functions as nodes."""

from __future__ import annotations

import math
from typing import Any

from ...activations import (
    ELU,
    GELU,
    SELU,
    FunctionActivation,
    HardSigmoid,
    HardSwish,
    Identity,
    LeakyReLU,
    Logistic,
    Mish,
    ReLU,
    ReLU6,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from .graph import Graph
from .registry import refuse


def _elu(graph, function, x):
    return graph.op("Elu", x, alpha=float(function.alpha))


def _selu(graph, function, x):
    return graph.op("Selu", x, alpha=function._alpha, gamma=function._scale)


def _leaky_relu(graph, function, x):
    return graph.op("LeakyRelu", x, alpha=float(function.negative_slope))


def _gelu(graph, function, x):
    if function.approximate:
        inner = graph.op("Mul", graph.op("Mul", x, x), 2.0 * function._cubic)
        inner = graph.op("Mul", graph.op("Add", inner, 2.0 * function._linear), x)
        return graph.op("Mul", x, graph.op("Sigmoid", inner))
    erf = graph.op("Erf", graph.op("Mul", x, math.sqrt(0.5)))
    return graph.op("Mul", x, graph.op("Mul", graph.op("Add", erf, 1.0), 0.5))


def _silu(graph, function, x):
    return graph.op("Mul", x, graph.op("Sigmoid", x))


def _mish(graph, function, x):
    return graph.op("Mul", x, graph.op("Tanh", softplus(graph, x)))


def _hard_sigmoid(graph, function, x):
    # Runtimes know the operator of this name for float32 alone.
    line = graph.op("Add", graph.op("Mul", x, 1.0 / 6.0), 0.5)
    return graph.op("Clip", line, 0.0, 1.0)


def _hard_swish(graph, function, x):
    return graph.op("Mul", x, _hard_sigmoid(graph, function, x))


def _softsign(graph, function, x):
    return graph.op("Div", x, graph.op("Add", graph.op("Abs", x), 1.0))


def softplus(graph: Graph, x: str) -> str:
    """Compute log(1 + exp(x)) without overflow.

    Parameters
    ----------
    graph : Graph
        The graph.
    x : str
        Tensor.

    Returns
    -------
    out : str
        The result.
    """
    return graph.op("Softplus", x)


_FUNCTIONS = {
    ELU: _elu,
    GELU: _gelu,
    HardSigmoid: _hard_sigmoid,
    HardSwish: _hard_swish,
    Identity: lambda graph, function, x: x,
    LeakyReLU: _leaky_relu,
    Logistic: lambda graph, function, x: graph.op("Sigmoid", x),
    Mish: _mish,
    ReLU: lambda graph, function, x: graph.op("Relu", x),
    ReLU6: lambda graph, function, x: graph.op("Clip", x, 0.0, 6.0),
    SELU: _selu,
    SiLU: _silu,
    Softmax: lambda graph, function, x: graph.op("Softmax", x, axis=-1),
    Softplus: lambda graph, function, x: softplus(graph, x),
    Softsign: _softsign,
    Tanh: lambda graph, function, x: graph.op("Tanh", x),
}


def activate(graph: Graph, layer: Any, function: Any, x: str) -> str:
    """Apply the activation function of a layer.

    Parameters
    ----------
    graph : Graph
        The graph.
    layer : Layer
        Whose function it is, for errors.
    function : sknet.activations.Activation
        The function.
    x : str
        Tensor.

    Returns
    -------
    out : str
        The result.
    """
    known = _FUNCTIONS.get(type(function))
    if known is None:
        name = type(function).__name__
        why = f"its activation {name} is not one of sknet's own"
        if isinstance(function, FunctionActivation):
            why = f"its activation {name} is a plain function of Python"
        refuse(layer, f"{why}. Choose one of sknet.activations.")
    return known(graph, function, x)
