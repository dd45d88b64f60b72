"""From a fitted model to a file of ONNX."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ...base import brief
from ...network import Network
from .estimators import converter_of, inputs_of
from .graph import OPSET, Graph, element_type
from .packages import import_package
from .pipelines import convert_by_skl2onnx


def to_onnx(model, X=None, *, dtype="float32"):
    """Convert a fitted estimator, a pipeline or a network to ONNX.

    The result runs in onnxruntime and whatever else reads ONNX, without Python. It takes any
    number of rows. It needs the package onnx, and skl2onnx for anything but an estimator of sknet
    alone: both come with ``pip install "sknet-learn[onnx]"``.

    The inputs are called ``X``, or as the columns of a data frame. The outputs of a classifier
    are ``label`` and ``probabilities``, of a regressor ``variable``, of a network ``raw``.

    Parameters
    ----------
    model : estimator, Pipeline or Network
        Fitted.
    X : array-like or data frame, default=None
        A few rows of what `predict` takes: the input has their form. None stands for samples of
        the shape `input_shape`, or rows for a pipeline.
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
    if converter_of(model) is None:
        return convert_by_skl2onnx(model, X, dtype)
    if not isinstance(model, Network):
        check_is_fitted(model)
    inputs, graph = inputs_of(model, X, dtype), Graph(dtype)
    outputs = converter_of(model)(graph, model, *(each.name for each in inputs))
    return _as_proto(graph, inputs, outputs)


def _read_dtype(dtype):
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found not in (np.float32, np.float64):
        raise ValueError(f"to_onnx expects dtype 'float32' or 'float64', got {brief(dtype)}.")
    return found


def _as_proto(graph, inputs, outputs):
    """Return a graph as a model, whose outputs have the names of `outputs`."""
    onnx = import_package("onnx")
    helper = onnx.helper
    for name, output in outputs.items():
        graph.name(output.tensor, name)
    described = [(name, out.dtype, out.shape) for name, out in outputs.items()]
    infos = [
        [helper.make_tensor_value_info(n, element_type(d), _axes(s)) for n, d, s in group]
        for group in (inputs, described)
    ]
    nodes = [helper.make_node(n.kind, n.inputs, n.outputs, **n.attributes) for n in graph.nodes]
    constants = [
        onnx.numpy_helper.from_array(value, name) for name, value in graph.constants.items()
    ]
    proto = helper.make_graph(nodes, "sknet", *infos, constants)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(
        proto,
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="sknet",
    )
    onnx.checker.check_model(model)
    return model


def _axes(shape):
    """Name the axes of any length: the rows and the steps."""
    names = ["rows", "steps"]
    return [n if n is not None else names[axis > 0] for axis, n in enumerate(shape)]
