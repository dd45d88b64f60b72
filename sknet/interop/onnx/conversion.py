"""From a fitted model to a file of ONNX."""

from __future__ import annotations

from os import PathLike
from typing import Any, Literal

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ...base import brief
from ...network import Network
from ...typing import EstimatorLike, Precision, Samples
from .estimators import converter_of, is_known
from .graph import ML, ML_OPSET, OPSET, Graph, element_type
from .packages import import_package
from .pipelines import convert_by_skl2onnx


def to_onnx(
    model: EstimatorLike | Network,
    X: Samples | None = None,
    *,
    method: Literal[
        "decision_function", "transform", "inverse_transform", "reconstruct", "advance"
    ]
    | None = None,
    dtype: Precision = "float32",
) -> Any:
    """Convert a fitted estimator, a pipeline or a network to ONNX.

    The result runs in onnxruntime and whatever else reads ONNX, without Python. It takes any
    number of rows, and sequences of any length if the network does. It needs the package onnx,
    and skl2onnx for anything but an estimator of sknet alone.

    The input is called ``X``; tables and pipelines of data frames have one input for each column,
    of shape (rows, 1), called as the column. For a list of sequences there is a second input,
    ``lengths``. The outputs of a classifier are ``label`` and ``probabilities``, of a regressor
    and of a transformer ``variable``, of a network ``raw``.

    Parameters
    ----------
    model : estimator, Pipeline or Network
        Fitted.
    X : array-like or data frame, default=None
        A few rows of what the method takes: the input has their form. None stands for samples of
        the shape `input_shape`, or rows for a pipeline.
    method : str, default=None
        None computes what is wanted most. `NeuralClassifier` knows "decision_function", which
        gives scores in the place of probabilities; `AutoencoderTransformer` "transform", the
        default, "inverse_transform" and "reconstruct"; `NeuralLanguageModel` and causal networks
        "advance", which reads the next steps with a memory of those before.
    dtype : {"float32", "float64"}, default="float32"
        Element type of inputs, weights and outputs. Runtimes know float64 for some operators
        alone.

    Returns
    -------
    onnx_model : onnx.ModelProto
        The model, of operator set 18; write its ``SerializeToString()`` to a file.

    Raises
    ------
    ValueError
        If something in it cannot be converted: the message names the layer and says why.
    TypeError
        If X is the path of a file.
    ImportError
        If onnx, or skl2onnx for a pipeline, is not installed.

    Examples
    --------
    >>> import sknet
    >>> from sknet import NeuralClassifier
    >>> classifier = NeuralClassifier(max_iter=5, tol=0).fit([[0.0], [1.0]], ["no", "yes"])
    >>> model = sknet.interop.to_onnx(classifier)  # doctest: +SKIP
    """
    dtype = _read_dtype(dtype)
    if isinstance(X, str | PathLike):
        raise TypeError(
            f"to_onnx expects X to be a few rows, got {brief(X)}. It returns the model: write its "
            "SerializeToString() to a file."
        )
    if not is_known(model):
        if method is not None:
            raise ValueError(f"to_onnx expects method=None for {type(model).__name__}.")
        return convert_by_skl2onnx(model, X, dtype)
    if not isinstance(model, Network):
        check_is_fitted(model)
    converter, graph = converter_of(model, method), Graph(dtype)
    inputs = converter.inputs(model, X, dtype)
    outputs = converter.outputs(graph, model, *(each.name for each in inputs))
    if graph.memory is not None:
        inputs += graph.memory.inputs
    _check_names(graph, inputs, outputs, type(model).__name__)
    return _as_proto(graph, inputs, outputs)


def _read_dtype(dtype):
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found not in (np.float32, np.float64):
        raise ValueError(f"to_onnx expects dtype 'float32' or 'float64', got {brief(dtype)}.")
    return found


def _check_names(graph, inputs, outputs, owner):
    """Refuse columns whose names the graph cannot give to its inputs."""
    inner = {name for node in graph.nodes for name in node.outputs}
    taken = inner.union(graph.constants, outputs, [""])
    wrong = [name for name, *_ in inputs if name in taken]
    if wrong:
        raise ValueError(
            f"{owner} cannot be converted to ONNX with the column name {wrong[0]!r}: inputs are "
            "called as the columns, and that name is empty or taken in the graph, as "
            f"{' and '.join(outputs)} are by its outputs. Rename the column and fit again."
        )


def _as_proto(graph, inputs, outputs):
    """Return a graph as a model, whose outputs have the names of `outputs`."""
    onnx = import_package("onnx")
    helper = onnx.helper
    graph.finish({name: output.tensor for name, output in outputs.items()})
    described = [(name, out.dtype, out.shape) for name, out in outputs.items()]
    infos = [
        [helper.make_tensor_value_info(n, element_type(d), _axes(s)) for n, d, s in group]
        for group in (inputs, described)
    ]
    nodes = [
        helper.make_node(
            n.kind, n.inputs, n.outputs, n.outputs[0], domain=n.domain, **n.attributes
        )
        for n in graph.nodes
    ]
    constants = [
        onnx.numpy_helper.from_array(value, name) for name, value in graph.constants.items()
    ]
    proto = helper.make_graph(nodes, "sknet", *infos, constants)
    sets = {"": OPSET, ML: ML_OPSET}
    used = {node.domain for node in graph.nodes}
    opsets = [helper.make_opsetid(*each) for each in sets.items() if each[0] in used]
    version = helper.find_min_ir_version_for(opsets)
    model = helper.make_model(
        proto, opset_imports=opsets, ir_version=version, producer_name="sknet"
    )
    onnx.checker.check_model(model)
    return model


def _axes(shape):
    """Name the axes of any length: the rows and the steps."""
    names = ["rows", "steps"]
    return [n if n is not None else names[axis > 0] for axis, n in enumerate(shape)]
