"""A graph of ONNX as it grows: nodes, their constants, and names for both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ...typing import Array, Shape

#: Operator set of the graphs that sknet writes; all operators in them are of this set.
OPSET = 18
#: Domain of operators for machine learning, and its operator set.
ML, ML_OPSET = "ai.onnx.ml", 3


class Node(NamedTuple):
    """One operation."""

    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    domain: str = ""


class Output(NamedTuple):
    """What a model returns: the name of a tensor, its element type, and its shape.

    None in the shape is any number of rows or steps.
    """

    tensor: str
    dtype: np.dtype[Any]
    shape: tuple[Any, ...]


#: What a model returns, by the names of its outputs.
Outputs: TypeAlias = dict[str, Output]


class Graph:
    """Nodes and constants of an ONNX graph; tensors are known by their names, which are strings.

    Parameters
    ----------
    dtype : dtype, default=numpy.float32
        Element type of the network's arithmetic: weights are converted to it.
    name : callable, default=None
        Returns a name that no other tensor has, given the beginning of one. None counts.

    Attributes
    ----------
    nodes : list of Node
        The operations, in their order.
    constants : dict of ndarray
        Constants by name.
    found : dict of str
        Outputs of the layers that were converted, by their `id`.
    memory : Memory or None
        States of layers that read sequences a few steps at a time; None where they read all.
    source : tuple of (str, str or None) or None
        Outputs of an encoder that the decoder looks at, and which of their steps are real.

    Examples
    --------
    >>> from sknet.interop.onnx import Graph
    >>> graph = Graph()
    >>> graph.op("Relu", graph.op("Add", "x", 1.0))
    'Relu_2'
    >>> [node.kind for node in graph.nodes]
    ['Add', 'Relu']
    """

    def __init__(
        self, dtype: DTypeLike = np.float32, name: Callable[[str], str] | None = None
    ) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self._known: dict[Any, Any] = {}
        self.found: dict[int, str] = {}
        self.memory: Any = None
        self.source: tuple[str, str | None] | None = None
        numbers = count()
        self._name = name or (lambda start: f"{start}_{next(numbers)}")

    def op(
        self, kind: str, *inputs: Any, n_outputs: int = 1, domain: str = "", **attributes: Any
    ) -> Any:
        """Add an operation and return the name of its output.

        Parameters
        ----------
        kind : str
            Operator of ONNX, such as ``"MatMul"``.
        *inputs : str, array-like or None
            Tensors by name, constants, or None for an input that is left out.
        n_outputs : int, default=1
            Number of outputs.
        domain : str, default=""
            Domain of the operator.
        **attributes
            Attributes of the operator.

        Returns
        -------
        output : str or tuple of str
            Names of the outputs; of one, its name alone.
        """
        names = ["" if each is None else self.tensor(each) for each in inputs]
        key = domain, kind, *names, n_outputs, repr(sorted(attributes.items()))
        if key not in self._known:  # what is asked for twice is computed once
            outputs = tuple(self._name(kind) for _ in range(n_outputs))
            self.nodes.append(Node(kind, names, list(outputs), attributes, domain))
            self._known[key] = outputs[0] if n_outputs == 1 else outputs
        return self._known[key]

    def tensor(self, value: Any) -> str:
        """Return the name of a tensor that is given by its name or its value.

        Parameters
        ----------
        value : str or array-like
            Name, or a constant: floats get the graph's element type, ints become int64.

        Returns
        -------
        name : str
            Its name.
        """
        return value if isinstance(value, str) else self.constant(value)

    def constant(self, value: Any, dtype: DTypeLike | None = None) -> str:
        """Return the name of a constant.

        Parameters
        ----------
        value : array-like
            Numbers, truth values or strings.
        dtype : dtype, default=None
            Element type; None is that of the graph for floats and int64 for ints.

        Returns
        -------
        name : str
            Its name. Equal small constants have one.
        """
        array = np.asarray(value)
        if dtype is None and array.dtype.kind in "fiu":
            dtype = self.dtype if array.dtype.kind == "f" else np.int64
        array = _converted(array, dtype)
        if array.size > _FEW or array.dtype == object:
            return self._store(array)
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._known:
            self._known[key] = self._store(array)
        return self._known[key]

    def _store(self, array):
        name = self._name("constant")
        self.constants[name] = array
        return name

    def cast(self, x: str, dtype: DTypeLike) -> str:
        """Convert the elements of a tensor.

        Parameters
        ----------
        x : str
            Tensor.
        dtype : dtype
            Element type of the result.

        Returns
        -------
        out : str
            The result.
        """
        return self.op("Cast", x, to=element_type(dtype))

    def reshape(self, x: str, shape: Shape) -> str:
        """Give samples another shape.

        Parameters
        ----------
        x : str
            Tensor (N, ...).
        shape : tuple of int or None
            Shape of one sample; None for one axis of any length.

        Returns
        -------
        out : str
            Tensor (N, *shape).
        """
        return self.op("Reshape", x, [0, *(-1 if n is None else n for n in shape)])

    def slice(self, x: str, start: int, stop: int, axis: int, step: int = 1) -> str:
        """Take a part of an axis.

        Parameters
        ----------
        x : str
            Tensor.
        start, stop : int
            Bounds.
        axis : int
            The axis.
        step : int, default=1
            Step.

        Returns
        -------
        out : str
            The part.
        """
        return self.op("Slice", x, [start], [stop], [axis], [step])

    def mean(self, tensors: Sequence[str], weights: Any = None) -> str:
        """Average tensors of one shape.

        Parameters
        ----------
        tensors : sequence of str
            The tensors.
        weights : ndarray of shape (n_tensors,), default=None
            Their weights, whose sum is 1. By default they are equal.

        Returns
        -------
        out : str
            Their mean.
        """
        weights = np.full(len(tensors), 1 / len(tensors)) if weights is None else weights
        parts = [
            # In float64, so that the sum is 1 in any type.
            self.op("Mul", x, self.op("CastLike", self.constant(weight, np.float64), x))
            for x, weight in zip(tensors, weights, strict=True)
        ]
        return self.op("Sum", *parts)

    def finish(self, outputs: dict[str, str]) -> None:
        """Name the outputs, and leave out what none of them needs.

        Parameters
        ----------
        outputs : dict of str
            Tensors by the names that they get.
        """
        self.nodes += [Node("Identity", [x], [name], {}) for name, x in outputs.items()]
        needed, kept = set(outputs), []
        for node in reversed(self.nodes):
            if needed.intersection(node.outputs):
                needed.update(node.inputs)
                kept.append(node)
        self.nodes = kept[::-1]
        self.constants = {k: v for k, v in self.constants.items() if k in needed}


#: Elements up to which equal constants are stored once.
_FEW = 100


def _converted(array, dtype):
    with np.errstate(over="ignore"):
        found = np.ascontiguousarray(array, dtype).reshape(array.shape)
    if array.dtype.kind == "f" and found.dtype.kind == "f" and _overflows(array, found):
        raise ValueError(
            f"to_onnx expects numbers that {found.dtype} can hold, got {np.abs(array).max():.3g} "
            "among the weights or scales. Pass dtype='float64'."
        )
    return found


def _overflows(array, found):
    return array.dtype.itemsize > found.dtype.itemsize and bool(
        (np.isinf(found) & np.isfinite(array)).any()
    )


#: Bounds of a slice that goes to the last element, or backwards to the first.
TO_END, TO_START = 2**62, -(2**62)

#: Numbers by which ONNX knows element types, which its standard fixes.
_ELEMENTS = {
    np.dtype(np.float32): 1,
    np.dtype(np.int64): 7,
    np.dtype(object): 8,
    np.dtype(bool): 9,
    np.dtype(np.float64): 11,
}


def element_type(dtype: DTypeLike) -> int:
    """Return the number by which ONNX knows an element type.

    Parameters
    ----------
    dtype : dtype
        float32, float64, int64, bool, or object for strings.

    Returns
    -------
    number : int
        A value of ``onnx.TensorProto.DataType``.
    """
    dtype = np.dtype(dtype)
    return _ELEMENTS[np.dtype(object) if dtype.kind == "U" else dtype]
