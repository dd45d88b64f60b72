"""Tables: the encoder of their columns, and the ensembles that read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...preprocessing import SquashingScaler, TableEncoder
from ...preprocessing.encodings import (
    CodeEncoding,
    IndicatorEncoding,
    NumberEncoding,
)
from ...preprocessing.frames import is_frame, labels_of
from ...tabular import TabularClassifier, TabularRegressor
from .estimators import Input, converts_estimator, joined
from .graph import ML, Graph, Output, Outputs
from .links import inverse_link
from .predictors import decided, restored
from .registry import convert

_TOO_LARGE = 1e150


def columns_of(model: Any, X: Any, dtype: DTypeLike) -> list[Input]:
    """Return the inputs of a model that reads tables: one, or one for each column of a frame.

    Parameters
    ----------
    model : TableEncoder or BaseTabular
        Fitted.
    X : array-like, data frame or None
        An example; None stands for what the model was fitted to.
    dtype : dtype
        Element type of numbers.

    Returns
    -------
    inputs : list of Input
        The inputs.
    """
    encoder = getattr(model, "encoder_", model)
    by_name = encoder._names is not None if X is None else is_frame(X)
    holds_strings = {e.position for e in encoder._encodings if _is_of_strings(e)}
    if not by_name:
        if holds_strings:
            raise ValueError(
                f"{type(model).__name__} was fitted to an array with strings, which ONNX cannot "
                "have beside numbers. Fit it to a data frame."
            )
        return [Input("X", dtype, (None, encoder.n_features_in_))]
    names = encoder._names if X is None or encoder._names is not None else labels_of(X)
    return [
        Input(str(name), np.dtype(object) if j in holds_strings else dtype, (None, 1))
        for j, name in enumerate(names)
    ]


def _is_of_strings(encoding):
    levels = getattr(encoding, "levels", None)
    return levels is not None and any(isinstance(level, str) for level in levels.levels)


def encoded(graph: Graph, encoder: Any, inputs: Sequence[str]) -> tuple[str | None, str | None]:
    """Add what a table encoder makes of its columns.

    Parameters
    ----------
    graph : Graph
        The graph.
    encoder : TableEncoder
        Fitted.
    inputs : sequence of str
        The table, or its columns.

    Returns
    -------
    numbers, codes : str or None
        Floats of numbers and indicators, (N, F), and int64 of codes, (N, C).
    """
    columns = inputs
    if len(inputs) < encoder.n_features_in_:
        table = joined(graph, inputs)
        columns = [graph.slice(table, j, j + 1, 1) for j in range(encoder.n_features_in_)]
    numbers, indicators, codes = [], [], []
    for encoding in encoder._encodings:
        column = columns[encoding.position]
        if isinstance(encoding, NumberEncoding):
            missing = graph.op("IsNaN", column)
            numbers += [column] * encoding.varies
            indicators += [graph.cast(missing, graph.dtype)] * encoding.has_missing
        elif isinstance(encoding, CodeEncoding):
            found = _codes(graph, encoding, column)
            if isinstance(encoding, IndicatorEncoding):
                indicators.append(_indicators(graph, encoding, found))
            else:
                codes.append(found)
        else:
            names = getattr(encoder, "feature_names_in_", None)
            at = (
                f"at position {encoding.position}"
                if names is None
                else repr(str(names[encoding.position]))
            )
            raise ValueError(
                f"TableEncoder cannot be converted to ONNX: the column {at} holds dates. Replace "
                "them by numbers before, such as years."
            )
    scaled = _squashed(graph, encoder, numbers + indicators, len(numbers))
    return scaled, graph.op("Concat", *codes, axis=1) if codes else None


def _codes(graph, encoding, column):
    """Return the codes of the levels, (N, 1) of int64; 0 for other cells."""
    levels = encoding.levels.levels
    kinds = {isinstance(level, str) for level in levels}
    if kinds == {True, False}:
        raise ValueError(
            f"TableEncoder cannot be converted to ONNX: the column at position "
            f"{encoding.position} holds strings beside numbers. Make it strings."
        )
    if kinds == {True}:
        return graph.op(
            "LabelEncoder",
            column,
            domain=ML,
            keys_strings=levels,
            values_int64s=list(range(1, len(levels) + 1)),
            default_int64=0,
        )
    numbers = _numbers(levels, graph.dtype, encoding.position)
    hits = graph.op("Equal", column, numbers[None])
    numbered = graph.op("Mul", graph.cast(hits, np.int64), np.arange(1, len(levels) + 1)[None])
    return graph.op("ReduceSum", numbered, [1])


def _numbers(levels, dtype, position):
    """Return levels as numbers, if they are numbers that the graph tells from all others."""
    owner = f"TableEncoder cannot be converted to ONNX: the column at position {position} holds"
    try:
        numbers = np.array([float(level) for level in levels])
    except TypeError:
        kind = type(levels[0]).__name__
        raise ValueError(
            f"{owner} categories of the type {kind}. Make them strings before."
        ) from None
    are_apart = len(np.unique(numbers.astype(dtype))) == len(levels)
    if not are_apart or np.abs(numbers).max() >= 2.0 ** (np.finfo(dtype).nmant + 1):
        raise ValueError(
            f"{owner} categories that are numbers which {np.dtype(dtype).name} does not tell from "
            "others. Make them strings before, or pass dtype='float64' if they are below 2**53."
        )
    return numbers


def _indicators(graph, encoding, codes):
    n_levels = len(encoding.levels)
    if n_levels == 2:
        return graph.op("Gather", [0.0, -1.0, 1.0], codes, axis=0)
    hits = graph.op("Equal", codes, np.arange(1, n_levels + 1)[None])
    return graph.cast(hits, graph.dtype)


def _squashed(graph, encoder, columns, n_numbers):
    """Return numbers and indicators as `SquashingScaler` scales them."""
    if not columns:
        return None
    return squashed(graph, encoder._scaler, graph.op("Concat", *columns, axis=1), 0.0)


def squashed(graph: Graph, scaler: Any, x: str, missing: float | None = None) -> str:
    """Scale columns and squash them into an interval.

    Parameters
    ----------
    graph : Graph
        The graph.
    scaler : SquashingScaler
        Fitted.
    x : str
        Tensor (N, F).
    missing : float, default=None
        What replaces NaN; None keeps it.

    Returns
    -------
    out : str
        The result.
    """
    limit, double = float(scaler.max_absolute_value), np.float64

    def constant(value):
        return graph.constant(value, double)

    out = graph.op("Sub", graph.cast(x, double), constant(scaler.center_))
    out = graph.op("Div", out, constant(scaler.scale_ * limit))
    out = graph.op("Clip", out, constant(-_TOO_LARGE), constant(_TOO_LARGE))
    root = graph.op("Sqrt", graph.op("Add", graph.op("Mul", out, out), constant(1.0)))
    out = graph.op("Mul", graph.op("Div", out, root), constant(limit))
    out = graph.cast(out, graph.dtype)
    value = float("nan") if missing is None else missing
    return graph.op("Where", graph.op("IsNaN", x), value, out)


@converts_estimator(SquashingScaler)
def _squashing_scaler(graph: Graph, scaler: Any, *inputs: str) -> Outputs:
    out = squashed(graph, scaler, joined(graph, inputs))
    return {"variable": Output(out, graph.dtype, (None, scaler.n_features_in_))}


@converts_estimator(TableEncoder, inputs=columns_of)
def _table_encoder(graph: Graph, encoder: Any, *inputs: str) -> Outputs:
    out = _joined_parts(graph, *encoded(graph, encoder, inputs))
    width = encoder.n_numbers_ + encoder.n_indicators_ + len(encoder.cardinalities_)
    return {"variable": Output(out, graph.dtype, (None, width))}


def _joined_parts(graph, scaled, codes):
    parts = [scaled, None if codes is None else graph.cast(codes, graph.dtype)]
    return joined(graph, [part for part in parts if part is not None])


def _raw_of_members(graph, estimator, inputs):
    """Return the raw outputs of the members."""
    scaled, codes = encoded(graph, estimator.encoder_, inputs)
    if codes is not None:
        firsts = estimator._first_codes.astype(np.int64)
        codes = graph.op("Add", codes, firsts[None])
    x = _joined_parts(graph, scaled, codes)
    return [convert(graph, member.network_.layer, x)[0] for member in estimator.members_]


@converts_estimator(TabularClassifier, inputs=columns_of)
def _tabular_classifier(graph: Graph, estimator: Any, *inputs: str) -> Outputs:
    raws, found = _raw_of_members(graph, estimator, inputs), []
    for member, raw in zip(estimator.members_, raws, strict=True):
        scaled = graph.op("Div", raw, float(estimator.temperature_))
        found.append(inverse_link(graph, member._loss, scaled))
    weights = estimator.member_weights_
    if estimator._target.kind == "multioutput":
        means = [graph.mean(parts, weights) for parts in zip(*found, strict=True)]
    else:
        means = graph.mean(found, weights)
    return decided(graph, estimator, means)


@converts_estimator(TabularRegressor, inputs=columns_of)
def _tabular_regressor(graph: Graph, estimator: Any, *inputs: str) -> Outputs:
    raws, found = _raw_of_members(graph, estimator, inputs), []
    bounds = [np.atleast_1d(each) for each in (estimator._lowest, estimator._highest)]
    for member, raw in zip(estimator.members_, raws, strict=True):
        scale = member._target_scale
        part, dtype = restored(graph, scale, inverse_link(graph, member._loss, raw))
        low, high = (graph.constant(bound, dtype) for bound in bounds)
        found.append((dtype, graph.op("Min", graph.op("Max", part, low), high)))
    dtype = max((each for each, _ in found), key=lambda each: each.itemsize)
    parts = [part if each == dtype else graph.cast(part, dtype) for each, part in found]
    width = estimator.oof_prediction_.shape[1:] or (1,)
    mean = graph.mean(parts, estimator.member_weights_)
    return {"variable": Output(mean, dtype, (None, *width))}
