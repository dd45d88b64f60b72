"""The weights of a classifier's classes."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from numbers import Real
from typing import Any, Literal

import numpy as np

from ..base import brief
from ..typing import Array
from ..weights import bounded
from .classes import encode
from .labels import as_labels, shown


class ClassWeights:
    """Mixin of a classifier whose rows are weighted by their classes."""

    def _weigh_target(self, data, training):
        if training:
            self._class_factors = None
        if self.class_weight is not None:
            codes = np.reshape(data.y, (len(data.y), -1)).astype(np.intp)
            if training:
                self._learn_class_weights(data, codes)
            self._apply_class_weights(data, codes)

    def _learn_class_weights(self, data, codes):
        rows = slice(None) if data.rows is None else data.rows
        weight = None if data.sample_weight is None else data.sample_weight[rows]
        classes = self._classes_of_outputs()
        self._class_factors = class_factors(self.class_weight, classes, codes[rows], weight)

    def _apply_class_weights(self, data, codes):
        """Multiply the sample weights by those of the classes."""
        with np.errstate(over="ignore"):
            weight = times_factors(data.sample_weight, self._class_factors, codes)
            finite = np.isfinite(weight.sum())
        if not finite:
            raise ValueError(
                "The weights of the rows, sample_weight times class_weight, overflow; only their "
                "ratios count, so divide them by the largest."
            )
        if not weight.any():
            raise ValueError("class_weight makes the weight of every row zero.")
        data.sample_weight = weight
        data.rows = None if weight.all() else np.flatnonzero(weight)


def class_factors(
    class_weight: dict[str, Any] | Sequence[dict[str, Any]] | Literal["balanced"],
    classes: Sequence[Array],
    codes: Array,
    sample_weight: Array | None,
) -> list[Array]:
    """Return what the weights of rows are multiplied by, for each class of each output.

    Parameters
    ----------
    class_weight : dict, list of dict or "balanced"
        The estimator's parameter.
    classes : list of ndarray
        The classes of each output.
    codes : ndarray of int of shape (n_rows, n_outputs)
        The classes of the rows in use.
    sample_weight : ndarray of shape (n_rows,) or None
        Weights of those rows.

    Returns
    -------
    factors : list of ndarray
        One array for each output, of one factor a class.

    Raises
    ------
    ValueError
        If `class_weight` does not fit the classes.
    """
    if isinstance(class_weight, str):
        columns = zip(codes.T, classes, strict=True)
        return [_balanced(column, len(labels), sample_weight) for column, labels in columns]
    n_outputs = len(classes)
    given = class_weight
    if n_outputs == 1 and isinstance(class_weight, dict):
        given = [class_weight]
    if len(given) != n_outputs or not all(isinstance(one, dict) for one in given):
        allowed = "a dict" if n_outputs == 1 else f"a list of {n_outputs} dicts, one an output"
        raise ValueError(
            f"class_weight must be 'balanced' or {allowed}, got {brief(class_weight)}."
        )
    return [bounded(_chosen(one, labels)) for one, labels in zip(given, classes, strict=True)]


def times_factors(sample_weight: Array | None, factors: Sequence[Array], codes: Array) -> Array:
    """Return the weights of rows times those of their classes.

    Parameters
    ----------
    sample_weight : ndarray of shape (n_rows,) or None
        Weights of the rows; None for 1.
    factors : list of ndarray
        What `class_factors` returns.
    codes : ndarray of int of shape (n_rows, n_outputs)
        The classes of the rows.

    Returns
    -------
    sample_weight : ndarray of shape (n_rows,)
        The products.
    """
    weight = np.ones(len(codes)) if sample_weight is None else sample_weight
    for of_classes, column in zip(factors, codes.T, strict=True):
        weight = weight * of_classes[column]
    return weight


def _balanced(codes, n_classes, sample_weight):
    counts = np.bincount(codes, sample_weight, minlength=n_classes)
    present = counts > 0
    factors = np.ones(n_classes)
    factors[present] = counts.sum() / (np.count_nonzero(present) * counts[present])
    return factors


def _chosen(given, classes):
    """Return the factors of a dict, whose keys are labels as those of y are."""
    factors = np.ones(len(classes))
    if not given:
        return factors
    values = np.array([_number(value) for value in given.values()])
    if not np.isfinite(values).all() or (values < 0).any():
        raise ValueError(
            f"class_weight must hold finite numbers of at least 0, got {brief(given)}."
        )
    labels = as_labels(list(given), "class_weight")
    if labels.ndim != 1:
        raise ValueError(f"class_weight must map labels to numbers, got {brief(given)}.")
    codes, known = encode(labels, classes)
    if not known.all() and len(np.unique(codes[known])) < len(classes):
        raise ValueError(
            f"class_weight={brief(given)} has labels that do not occur in y, "
            f"{shown(labels[~known])}, and not all that do, {shown(classes)}; correct the labels."
        )
    factors[codes[known]] = values[known]
    return factors


def _number(value):
    try:
        return float(value) if isinstance(value, Real) else nan
    except OverflowError:  # an integer beyond floats
        return nan
