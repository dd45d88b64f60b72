"""Reading the labels that users give."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ..cells import is_missing, kind_of
from ..typing import Array, Samples


def as_labels(labels: Samples, name: str = "y") -> Array:
    """Return labels as an array whose elements can be compared and sorted.

    Parameters
    ----------
    labels : {array-like, sparse matrix}
        Labels: integers, strings, dates or durations, all of one type.
    name : str, default="y"
        What they are called, for errors.

    Returns
    -------
    labels : ndarray
        The labels, of one or two axes. An array of strings as objects stays one.

    Raises
    ------
    TypeError
        If the labels are bytes.
    ValueError
        If they are no array of labels, of several types or of a type that is no label, or if
        one is missing.
    """
    if issparse(labels):
        array = labels.toarray()
    elif hasattr(labels, "__array__"):
        if isinstance(labels, np.ma.MaskedArray) and labels.ndim and np.ma.is_masked(labels):
            _refuse_missing(_first_row(np.ma.getmaskarray(labels)), "masked values", name)
        array = np.asarray(labels)
    else:  # a list is not converted at once: NumPy would turn [1, "a"] into two strings
        array = _as_objects(labels, name)
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] == 0):
        found = type(labels).__name__ if array.ndim == 0 else f"an array of shape {array.shape}"
        raise ValueError(f"{name} must be an array of labels with one axis or two, got {found}.")
    if array.dtype.kind in "OT":
        array = _of_one_type(array, name, keep=hasattr(labels, "__array__"))
    return _check_values(array, name)


def _as_objects(labels, name):
    try:
        return np.array(labels, dtype=object)
    except ValueError:  # arrays of several shapes
        raise ValueError(
            f"{name} must be an array of labels with one axis or two, got rows of unequal shape."
        ) from None


def _of_one_type(array, name, keep):
    """Check the types of objects; return strings as they are with `keep`, others as numbers."""
    values = array.ravel().tolist()
    kinds = {each: kind_of(each) for each in set(map(type, values))}
    if kinds.keys() - {str, int, bool}:  # else there is nothing to look for
        _refuse_missing_objects(values, kinds, array.shape, name)
    kind = _only_kind(kinds, name)
    if kind == "strings":
        # NumPy's strings of a str that is an Enum are those of its representation.
        keep = keep or not kinds.keys() <= {str, np.str_}
        return array.astype(object) if keep else np.array(values).reshape(array.shape)
    if kind is None:
        return _as_numbers(values, kinds, name).reshape(array.shape)
    if any(getattr(value, "tzinfo", None) for value in values):
        raise ValueError(f"{name} has dates with a time zone; make them UTC without one.")
    return np.array(values, "M8" if kind == "dates" else "m8").reshape(array.shape)


def _as_numbers(values, types, name):
    try:
        numbers = np.array(values)
        exact = numbers.dtype.kind != "O"
    except OverflowError:  # floats, and an integer beyond them
        exact = False
    integral = types and not any(issubclass(each, float | np.floating) for each in types)
    if not exact or (integral and numbers.dtype.kind == "f"):
        raise ValueError(
            f"{name} has numbers that no type of 64 bits holds together; make them strings."
        )
    return numbers


def _refuse_missing_objects(values, kinds, shape, name):
    n_columns = shape[1] if len(shape) > 1 else 1
    for position, value in enumerate(values):
        can_be_nan = kinds[type(value)] in (None, "dates", "time spans")
        if is_missing(type(value)) or (can_be_nan and value != value):
            _refuse_missing(position // n_columns, str(value).replace("nan", "NaN"), name)


def _only_kind(kinds, name):
    """Return the kind of all types; refuse more than one, and what is no label."""
    names = ", ".join(sorted(each.__name__ for each in kinds))
    found = set(kinds.values()) or {None}  # no label at all is none of a wrong kind
    if "bytes" in found:
        _refuse_bytes(name)
    if "complex numbers" in found:
        _refuse_complex(name)
    if any(issubclass(each, Sized) and not issubclass(each, str) for each in kinds):
        raise ValueError(
            f"{name} has elements of type {names} in place of labels; make all rows of one "
            "length, or turn lists of labels into columns of 0 and 1 by MultiLabelBinarizer."
        )
    allowed = found & {None, "strings", "dates", "time spans"}
    if len(found) > 1 or not allowed:
        several = f"of several types, {names}" if len(kinds) > 1 else f"of type {names}"
        advice = "make them all of one type" if allowed else "make them strings or integers"
        raise ValueError(f"{name} has labels {several}; {advice}.")
    return found.pop()


def _check_values(array, name):
    kind = array.dtype.kind
    if kind == "S":
        _refuse_bytes(name)
    if kind == "c":
        _refuse_complex(name)
    if kind not in "biufUOMm":
        raise ValueError(f"{name} has labels of dtype {array.dtype}; make them strings or ints.")
    if kind in "fMm":
        wrong = np.isnan(array) if kind == "f" else np.isnat(array)
        if wrong.any():
            _refuse_missing(_first_row(wrong), "NaN" if kind == "f" else "NaT", name)
    if kind == "f" and np.isinf(array).any():
        raise ValueError(f"Input {name} contains infinity, which is no label.")
    return array


def _first_row(where):
    return int(np.argwhere(where)[0, 0])


def _refuse_missing(row, value, name):
    raise ValueError(
        f"Input {name} contains {value}, the first at position {row}; fill in missing labels, or "
        "leave them out."
    )


def _refuse_bytes(name):
    raise TypeError(
        f"{name} has labels of bytes: support for labels represented as bytes is not supported. "
        "Decode them into strings, as np.char.decode does."
    )


def _refuse_complex(name):
    raise ValueError(
        f"Complex data not supported: {name} has complex labels. Make them strings or integers."
    )


def family(labels: Array) -> str:
    """Name the kind of labels: only those of one kind can be compared.

    Parameters
    ----------
    labels : ndarray
        Labels, as `as_labels` returns them.

    Returns
    -------
    family : str
        The name.
    """
    kind = labels.dtype.kind
    return "numbers" if kind in "biuf" else "strings" if kind in "UO" else kind


def shown(labels: Array) -> list[Any]:
    """Return labels as a list for messages.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Labels.

    Returns
    -------
    shown : list
        At most ten of them; dates as strings.
    """
    labels = labels[:10]
    return (labels.astype(str) if labels.dtype.kind in "Mm" else labels).tolist()
