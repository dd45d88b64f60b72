"""Pipelines: estimators of sknet as skl2onnx, which converts those of scikit-learn, sees them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...base import brief
from ...estimators import NeuralClassifier
from .estimators import classes_of_estimators, converter_of, is_known
from .graph import ML, ML_OPSET, OPSET, Graph, element_type
from .packages import import_package


def convert_by_skl2onnx(model: Any, X: Any, dtype: DTypeLike) -> Any:
    """Convert a model that holds estimators of scikit-learn.

    Parameters
    ----------
    model : estimator
        Fitted, such as a Pipeline.
    X : array-like or data frame, default=None
        A few rows; None stands for rows of numbers.
    dtype : dtype
        Element type of numbers.

    Returns
    -------
    onnx_model : onnx.ModelProto
        The model.
    """
    if not hasattr(model, "fit"):
        raise TypeError(f"to_onnx expects a fitted estimator or a network, got {brief(model)}.")
    skl2onnx = import_package("skl2onnx")
    _check_members(model)
    register_converters()
    from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator

    try:
        return skl2onnx.to_onnx(
            model,
            initial_types=_initial_types(model, X, dtype),
            target_opset={"": OPSET, ML: ML_OPSET},
            options=_without_zipmap(model),
        )
    except (MissingConverter, MissingShapeCalculator) as error:
        name = re.search(r"(\w+)'>", str(error))
        why = f"it has no converter for {name[1] if name else 'a step'}"
    except (NotImplementedError, RuntimeError) as error:
        why = str(error).partition("\n")[0].rstrip(".")
    if X is None and hasattr(model, "feature_names_in_"):
        raise ValueError(
            f"{type(model).__name__} cannot be converted to ONNX without its columns: pass a few "
            f"rows of the data frame as X ({why})."
        )
    raise ValueError(
        f"{type(model).__name__} cannot be converted to ONNX by skl2onnx: {why}. Apply such steps "
        "before, and convert the others."
    )


def _end_of(model):
    """Return the last step of a pipeline, or of the best one that a search has found."""
    while hasattr(model, "steps") or hasattr(model, "best_estimator_"):
        model = model.steps[-1][1] if hasattr(model, "steps") else model.best_estimator_
    return model


def _check_members(model):
    """Refuse ensembles whose members have scores, which skl2onnx takes for probabilities."""
    ensemble = _end_of(model)
    for member in getattr(ensemble, "estimators_", ()):
        last = _end_of(member)
        if isinstance(last, NeuralClassifier) and not last._loss.gives_probabilities:
            raise ValueError(
                f"{type(ensemble).__name__} cannot be converted to ONNX by skl2onnx: it takes the "
                f"scores of loss={last.loss!r} for probabilities. Choose loss='log_loss' in it."
            )


def _without_zipmap(model):
    """Let a classifier of scikit-learn at the end return probabilities as an array."""
    from sklearn.base import is_classifier

    last = _end_of(model)
    foreign = is_classifier(last) and not is_known(last)
    return {id(last): {"zipmap": False}} if foreign else None


def _initial_types(model, X, dtype):
    """Return the inputs as skl2onnx wants them: one, or one for each column of a frame."""
    if X is None:
        if not hasattr(model, "n_features_in_"):
            raise ValueError(
                f"to_onnx expects X for a {type(model).__name__} of texts: pass a few of them."
            )
        return [("X", _type_of(dtype, [None, model.n_features_in_]))]
    names = list(getattr(model, "feature_names_in_", ()))
    if hasattr(X, "columns") and names and list(X.columns) != names:
        raise ValueError(
            f"to_onnx expects X with the columns {brief(names)}, as in fit, got "
            f"{brief(list(X.columns))}. Reorder them."
        )
    if not hasattr(X, "columns"):
        return [("X", _type_of(dtype, [None, *np.shape(X)[1:]]))]
    types = []
    for name in X.columns:
        is_number = np.asarray(X[name]).dtype.kind in "biuf"
        types.append((name, _type_of(dtype if is_number else object, [None, 1])))
    return types


def _type_of(dtype, shape):
    from skl2onnx.common import data_types

    classes = {
        np.dtype(np.float32): data_types.FloatTensorType,
        np.dtype(np.float64): data_types.DoubleTensorType,
        np.dtype(np.int64): data_types.Int64TensorType,
        np.dtype(bool): data_types.BooleanTensorType,
        np.dtype(object): data_types.StringTensorType,
    }
    return classes[np.dtype(dtype)](shape)


#: Options of skl2onnx that its converters of classifiers know.
_OPTIONS = {"zipmap": [True, False, "columns"], "nocl": [True, False]}
#: By it, ensembles ask for what `decision_function` gives in the place of probabilities.
_OF_SCORES = {"raw_scores": [True, False]}


def register_converters() -> None:
    """Let skl2onnx convert the estimators of sknet.

    `sknet.interop.to_onnx` does so by itself; call it to use `skl2onnx.to_onnx`, with its options,
    on pipelines that end with estimators of sknet.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    Examples
    --------
    >>> import sknet
    >>> sknet.interop.onnx.register_converters()  # doctest: +SKIP
    """
    for cls in classes_of_estimators():
        import_package("skl2onnx").update_registered_converter(
            cls,
            f"Sknet{cls.__name__}",
            _check_inputs,
            _convert,
            parser=_parse,
            options=_OPTIONS | (_OF_SCORES if issubclass(cls, NeuralClassifier) else {}),
        )


def _check_inputs(operator):
    """Do nothing: the parser knows the types of the outputs already."""


def _dtype_of(variables):
    from skl2onnx.common.data_types import DoubleTensorType

    is_double = any(isinstance(each.type, DoubleTensorType) for each in variables)
    return np.float64 if is_double else np.float32


def _parse(scope, model, inputs, custom_parsers=None):
    """Declare the outputs of an estimator; skl2onnx calls it before it converts anything."""
    operator = scope.declare_local_operator(f"Sknet{type(model).__name__}", model)
    operator.inputs = inputs
    graph = Graph(_dtype_of(inputs))  # a trial run tells what they are
    outputs = converter_of(model).outputs(graph, model, *(each.full_name for each in inputs))
    for name, output in outputs.items():
        variable = scope.declare_local_variable(name, _type_of(output.dtype, list(output.shape)))
        operator.outputs.append(variable)
    return operator.outputs


def _convert(scope, operator, container):
    """Add the nodes of an estimator to those of skl2onnx."""
    from skl2onnx.common.data_types import StringTensorType

    graph = Graph(_dtype_of(operator.inputs), scope.get_unique_variable_name)
    model = operator.raw_operator
    inputs = [
        each.full_name
        if isinstance(each.type, StringTensorType)
        else graph.cast(each.full_name, graph.dtype)
        for each in operator.inputs
    ]
    wants_scores = (
        container.has_options(model, "raw_scores")
        and (container.get_options(model, {"raw_scores": False})["raw_scores"])
    )
    converter = converter_of(model, "decision_function" if wants_scores else None)
    found = converter.outputs(graph, model, *inputs).values()
    names = [variable.full_name for variable in operator.outputs]
    graph.finish({name: each.tensor for name, each in zip(names, found, strict=True)})
    for name, value in graph.constants.items():
        values = value.ravel()
        values = [str(each).encode() for each in values] if value.dtype == object else values
        container.add_initializer(name, element_type(value.dtype), value.shape, values)
    for node in graph.nodes:
        container.add_node(
            node.kind,
            node.inputs,
            node.outputs,
            op_domain=node.domain,
            name=scope.get_unique_operator_name(node.kind),
            **node.attributes,
        )
