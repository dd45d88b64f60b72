"""The kind of a classifier's target, its classes, and their codes."""

from __future__ import annotations

from collections.abc import Sequence, Sized

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.multiclass import check_classification_targets

from ..base import brief
from ..losses import Target
from ..typing import Array
from .labels import as_labels, family


def as_classes(classes: ArrayLike | Sequence[ArrayLike], n_outputs: int) -> Array | list[Array]:
    """Check the `classes` of ``partial_fit`` and return them as ``classes_`` has them.

    Parameters
    ----------
    classes : array-like or list of array-like
        What the user passes.
    n_outputs : int
        Number of columns of y; 1 for one label a row.

    Returns
    -------
    classes : ndarray or list of ndarray
        The sorted labels; for several outputs one array each. For labels of 0 and 1 (multilabel)
        their numbers.

    Raises
    ------
    TypeError
        If the labels are bytes.
    ValueError
        If `classes` does not say which labels there are.
    """
    several = _are_arrays(classes)
    if several and n_outputs == 1:
        raise ValueError(
            f"classes must be one array of labels, as y has one label a row; got {brief(classes)}."
        )
    if several and len(classes) == n_outputs:
        parts = [_unique(part, f"classes[{i}]") for i, part in enumerate(classes)]
        if len({family(part) for part in parts}) > 1:
            raise ValueError(
                "classes has labels of several types; make them all of one type, for all outputs."
            )
        return parts
    if not several:
        labels = _unique(classes, "classes")
        if n_outputs == 1:
            return labels
        numbers = np.arange(n_outputs)
        if any(_same(labels, values) for values in (numbers, np.arange(2))):
            return numbers
    raise ValueError(
        f"classes must be a list of {n_outputs} arrays, the labels of each column of y, or "
        f"np.arange({n_outputs}) if all columns hold 0 and 1 only; got {brief(classes)}."
    )


def _are_arrays(classes):
    """Tell whether there is an array for each output, rather than one of labels."""
    if isinstance(classes, np.ndarray) and classes.ndim > 0:
        classes = list(classes)
    return isinstance(classes, list | tuple) and any(
        isinstance(part, Sized) and not isinstance(part, str | bytes) for part in classes
    )


def _unique(classes, name):
    labels = as_labels(classes, name)
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"{name} must be an array of labels of one axis, got {brief(classes)}.")
    _refuse_continuous(labels, name)
    return np.unique(labels)


def same_classes(a: Array | Sequence[Array], b: Array | Sequence[Array]) -> bool:
    """Tell whether two sets of classes are the same.

    Parameters
    ----------
    a, b : ndarray or list of ndarray
        Classes as `as_classes` returns them.

    Returns
    -------
    same : bool
        Whether they are.
    """
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return not isinstance(a, list) and not isinstance(b, list) and _same(a, b)


def _same(a, b):
    return len(a) == len(b) and bool(encode(a, b)[1].all())


def learn_classes(
    y: Array, classes: ArrayLike | Sequence[ArrayLike] | None = None
) -> tuple[Array | list[Array], Target]:
    """Learn the kind of target, which never changes after, and its classes.

    Only values of 0 and 1 in several columns are labels that occur or do not (multilabel).

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Labels of the rows in use, as `as_labels` returns them.
    classes : array-like or list of array-like, default=None
        The labels that ``partial_fit`` was told; those of `y` by default.

    Returns
    -------
    classes : ndarray or list of ndarray
        What ``classes_`` is to be.
    target : Target
        What the loss has to know.

    Raises
    ------
    TypeError
        If `classes` holds bytes.
    ValueError
        If y is continuous or `classes` is wrong.
    """
    n_outputs = 1 if y.ndim == 1 else y.shape[1]
    if classes is not None:
        classes = as_classes(classes, n_outputs)
    else:
        _refuse_continuous(y, "y")
        with np.errstate(invalid="ignore"):  # large floats
            check_classification_targets(y)
        if y.ndim == 1:
            classes = np.unique(y)
        elif _is_indicator(y):
            classes = np.arange(n_outputs)
        else:
            classes = [np.unique(column) for column in y.T]
    if isinstance(classes, list):
        return classes, Target("multioutput", n_outputs, tuple(map(len, classes)))
    if n_outputs > 1:
        return classes, Target("multilabel", n_outputs, (2,) * n_outputs)
    kind = "binary" if len(classes) == 2 else "multiclass"
    return classes, Target(kind, 1, (len(classes),))


def _is_indicator(y):
    return family(y) == "numbers" and bool(((y == 0) | (y == 1)).all())


def _refuse_continuous(labels, name):
    if labels.dtype.kind == "f" and (labels != np.floor(labels)).any():
        raise ValueError(
            f"Unknown label type: continuous. Maybe you are trying to fit a classifier to a "
            f"regression target: {name} has floats that are no integers. Use a regressor, or "
            "make them strings."
        )


def encode(labels: Array, classes: Array) -> tuple[Array, Array]:
    """Find labels among the classes.

    Parameters
    ----------
    labels : ndarray
        Labels, as `as_labels` returns them.
    classes : ndarray of shape (n_classes,)
        The sorted classes.

    Returns
    -------
    codes : ndarray of int of the shape of `labels`
        The position of each label.
    known : ndarray of bool of the shape of `labels`
        Whether it is there at all; where it is not, its code is that of another.
    """
    if family(labels) != family(classes):
        return np.zeros(labels.shape, np.intp), np.zeros(labels.shape, bool)
    with np.errstate(invalid="ignore"):  # what changes in the cast is not known, as seen below
        cast = labels.astype(classes.dtype, copy=False)
    codes = np.searchsorted(classes, cast).clip(max=len(classes) - 1)
    return codes, classes[codes] == labels
