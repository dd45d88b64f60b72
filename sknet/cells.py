"""Which cells of X, y and weights are numbers, and what to do about those that are not.

NumPy casts more to floats than is a number: dates, time spans, strings of digits, None. Here such
cells are refused, by their column or position.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from numbers import Complex, Real
from typing import Any

import numpy as np
from scipy.sparse import issparse

from .typing import Array

_KINDS = {
    "U": "strings",
    "T": "strings",
    "S": "bytes",
    "M": "dates",
    "m": "time spans",
    "c": "complex numbers",
    "V": "records",
}
_ENCODE = (
    "Convert digits by astype(float), text by sknet.preprocessing.TokenizerTransformer, and "
    "categories in a ColumnTransformer: by OrdinalEncoder, whose codes an Embedding in "
    "ColumnBranches takes, OneHotEncoder or TargetEncoder."
)
_CONVERT = "Convert digits by astype(float)."
_COUNT = "Turn {} into numbers first, such as days: {} / np.timedelta64(1, 'D')."
_ADVICE = {
    "strings": _ENCODE,
    "bytes": _ENCODE,
    "dates": _COUNT.format("dates", "(dates - first)"),
    "time spans": _COUNT.format("time spans", "spans"),
    "complex numbers": "Pass their real and imaginary parts side by side.",
    "records": "Pass their fields as columns of a 2-D array.",
    "sparse matrices": "Stack sparse rows by scipy.sparse.vstack, or take their toarray().",
    "sequences": "Pass sequences as a list of arrays, such as column.to_list(), one a sample.",
}
#: Names of float32 in NumPy, in polars and nullable in pandas, and in PyArrow.
_SINGLE = {"float32", "Float32", "float[pyarrow]"}
#: What tables hold as a rule, beside numbers.
_OF_TABLES = {"strings", "dates", "time spans"}
_OTHER = "The argument must be free of strings and other objects: pass an array of numbers."


def as_numbers(values: Any, name: str, owner: str, where: str = "", on_tables: str = "") -> Any:
    """Return numbers as an array; tables and sparse matrices as they are.

    Parameters
    ----------
    values : array-like, table or sparse matrix
        What the user passes.
    name : str
        Name of the argument, for errors.
    owner : str
        Who takes it, for errors.
    where : str, default=""
        Which part of the argument it is, for errors.
    on_tables : str, default=""
        What takes tables with strings, dates and time spans, for errors.

    Returns
    -------
    values : ndarray, table or sparse matrix
        An array of bools, ints or floats, missing values NaN; `values` itself if it is one, or a
        table or a sparse matrix.

    Raises
    ------
    ValueError
        If a cell is a string, a date, a time span, complex or too large, if lists in it differ
        in length, or if there is nothing.
    TypeError
        If a cell is another object that is no number.
    """
    if isinstance(values, np.ma.MaskedArray):
        values = _filled(values)
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return values
    if values is None:
        raise ValueError(f"{owner} expects numbers in {name}, got None{where}.")
    if isinstance(values, type):
        raise TypeError(
            f"{owner} expects numbers in {name}, got the class {values.__name__}{where}. Pass an "
            "array."
        )
    if hasattr(type(values), "collect"):  # a column may have this name
        raise ValueError(
            f"{owner} expects numbers in {name}, got a {type(values).__name__}{where}, which has "
            f"not been evaluated. Pass {name}.collect()."
        )
    if hasattr(values, "dtypes") and hasattr(values, "columns"):
        _check_table(values, name, owner, where, on_tables)
        return values
    if issparse(values):
        if kind := _KINDS.get(values.dtype.kind):
            _refuse(owner, name, f"{kind}{where}", [kind])
        return values
    if advice := without_order(values, name):
        raise TypeError(f"{owner} expects numbers in {name}, got {advice}")
    array = _as_array(values, name, owner, where)
    kind, index = _find_wrong(array)
    if kind and array.dtype != object and isinstance(values, list | tuple):
        index = _find_wrong(np.array(values, dtype=object))[1]  # NumPy has made all cells alike
    if kind:
        _refuse(owner, name, f"{kind}{place_of(index)}{where}", [kind], on_tables)
    return _converted(array, name, owner, where) if array.dtype == object else array


def as_array(values: Any, name: str, owner: str, where: Any = "") -> Array:
    """Return numbers as an array; tables too.

    Parameters
    ----------
    values, name, owner, where
        As for `as_numbers`.

    Returns
    -------
    array : ndarray
        An array of bools, ints or floats, missing values NaN.

    Raises
    ------
    ValueError or TypeError
        As `as_numbers`.
    TypeError
        If it is a sparse matrix.
    """
    values = as_numbers(values, name, owner, where)
    if issparse(values):
        raise TypeError(
            f"{owner} expects dense data in {name}, got a sparse matrix{where}. Pass "
            f"{name}.toarray()."
        )
    return as_numbers(np.asarray(values), name, owner, where)


def without_order(values: Any, name: str = "X") -> str | None:
    """Say what to pass in place of a dict or a set; None for anything else.

    Parameters
    ----------
    values : object
        What the user passes.
    name : str, default="X"
        Name of the argument.

    Returns
    -------
    advice : str or None
        What it is, and what to do.
    """
    kind = type(values).__name__
    if isinstance(values, Mapping):
        return f"a {kind}. Pass list({name}.values())."
    if isinstance(values, set | frozenset):
        return f"a {kind}, which has no order. Pass a list, such as sorted({name})."
    return None


def _filled(values):
    """Return the values of a masked array, NaN where they are masked."""
    if not np.ma.is_masked(values):
        return values.data
    is_number = values.dtype.kind in "biuf"
    dtype = np.result_type(values.dtype, np.float32) if is_number else object
    return values.astype(dtype).filled(np.nan)


def _as_array(values, name, owner, where):
    try:
        return np.asarray(values)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # of tensors with gradients
        pass
    if not isinstance(values, list | tuple):
        raise ValueError(
            f"{owner} expects numbers in {name}, got an object of type {type(values).__name__} "
            f"that NumPy makes no array of{where}. Pass an array."
        )
    for i, item in enumerate(values):
        if not isinstance(item, Real) and not _is_nested(item) and any(map(_is_nested, values)):
            raise ValueError(
                f"{owner} expects lists or arrays of numbers in {name}, got an item of type "
                f"{type(item).__name__} at position {i}{where}. Leave it out, or replace it."
            )
    shapes = [_shape(item) for item in values]
    odd = [i for i, shape in enumerate(shapes) if shape is None or shape != shapes[0]]
    if odd:
        raise ValueError(
            f"{owner} expects {name} to hold lists of one length and depth{where}; item {odd[0]} "
            "differs from those before it, or its own items differ."
        )
    return np.array(values, dtype=object)  # types that NumPy does not bring together


def _is_nested(item):
    return hasattr(item, "__len__") and not isinstance(item, str | bytes | dict | set)


def _shape(item):
    """Return the shape of nested lists, None if they have none."""
    try:
        return np.asarray(item).shape
    except ValueError:
        return None
    except (TypeError, OverflowError):
        return np.array(item, dtype=object).shape


def kind_of(cell_type: type) -> str | None:
    """Name the kind of cells of a type.

    Parameters
    ----------
    cell_type : type
        Type of a cell.

    Returns
    -------
    kind : str or None
        Such as "strings", "dates" or "sequences"; None for numbers and missing values.
    """
    if issubclass(cell_type, np.timedelta64 | datetime.timedelta):
        return "time spans"
    if issubclass(cell_type, np.datetime64 | datetime.date):
        return "dates"
    if issubclass(cell_type, str):
        return "strings"
    if issubclass(cell_type, bytes | bytearray):
        return "bytes"
    if issubclass(cell_type, Real | Decimal | np.bool_) or is_missing(cell_type):
        return None
    if issubclass(cell_type, Complex):
        return "complex numbers"
    if hasattr(cell_type, "toarray"):
        return "sparse matrices"
    is_sequence = hasattr(cell_type, "__len__") and not issubclass(cell_type, dict | set)
    return "sequences" if is_sequence else f"objects of type {cell_type.__name__}"


def is_missing(cell_type: type) -> bool:
    """Tell whether cells of a type are missing values: None or pandas.NA.

    Parameters
    ----------
    cell_type : type
        Type of a cell.

    Returns
    -------
    is_missing : bool
        Not so for numbers and dates, among which NaN and NaT are.
    """
    return cell_type is type(None) or cell_type.__name__ == "NAType"  # pandas need not be there


def _find_wrong(array):
    """Return the kind and the index of the first cell that is no number, or None and None."""
    if array.dtype != object:
        return _KINDS.get(array.dtype.kind), None
    kinds = {cell_type: kind_of(cell_type) for cell_type in set(map(type, array.flat))}
    if not any(kinds.values()):
        return None, None
    cells = enumerate(array.flat)
    position, kind = next((i, kinds[type(cell)]) for i, cell in cells if kinds[type(cell)])
    return kind, np.unravel_index(position, array.shape)


def _converted(array, name, owner, where):
    """Return an object array of numbers as an array of the smallest type that holds them."""
    cells = array.ravel().tolist()
    if any(map(is_missing, set(map(type, cells)))):
        cells = [np.nan if is_missing(type(cell)) else cell for cell in cells]
    try:
        numbers = np.array(cells)
        if numbers.dtype == object:  # decimals and fractions, or ints beyond those of NumPy
            numbers = numbers.astype(np.float64)
    except OverflowError:
        position = next(i for i, cell in enumerate(cells) if not _fits(cell))
        place = place_of(np.unravel_index(position, array.shape))
        raise ValueError(
            f"{owner} expects numbers that a float can hold in {name}, got one above 1.8e308"
            f"{place}{where}. Scale {name}, or take its logarithm."
        ) from None
    return numbers.reshape(array.shape)


def _fits(cell):
    try:
        float(cell)
    except OverflowError:
        return False
    return True


def place_of(index: Any) -> str:
    """Say where an element is.

    Parameters
    ----------
    index : sequence of int or None
        Its index.

    Returns
    -------
    place : str
        Text for an error, which begins with a space; empty where there is no index.
    """
    if index is None or len(index) == 0:
        return ""
    if len(index) == 1:
        return f" at position {index[0]}"
    if len(index) == 2:
        return f" in row {index[0]}, column {index[1]}"
    return f" at position ({', '.join(map(str, index))})"


def _check_table(table, name, owner, where, on_tables):
    """Refuse the columns of a table that do not hold numbers, or have one name."""
    counts = Counter(table.columns)
    if name == "X" and len(counts) < len(table.columns):
        several = [column for column, n in counts.items() if n > 1]
        raise ValueError(
            f"{owner} expects the columns of X to differ in their names, got {named(several)} "
            f"more than once{where}. Rename them."
        )
    found = {}
    for position in (i for i, dtype in enumerate(table.dtypes) if not _is_numeric(dtype)):
        column = table.columns[position]
        cells = np.asarray(column_of(table, position))
        kind = _find_wrong(cells)[0]
        if kind:
            found.setdefault(kind, []).append(column)
        elif cells.dtype == object:
            _converted(cells, name, owner, f" in column {column!r}{where}")
    if found:
        what = " and ".join(f"{kind} in {named(columns)}" for kind, columns in found.items())
        _refuse(owner, name, f"{what}{where}", found, on_tables)


def _is_numeric(dtype):
    if hasattr(dtype, "kind"):
        return dtype.kind in "biuf"
    return dtype.is_numeric() or str(dtype) == "Boolean"  # one of polars


def is_single(X: object) -> bool:
    """Tell whether all columns of a table hold float32, in whatever type of its library.

    Parameters
    ----------
    X : object
        A table of pandas or polars; anything else is none.

    Returns
    -------
    is_single : bool
        Whether it is such a table.
    """
    is_table = hasattr(X, "columns") and hasattr(X, "dtypes")
    return is_table and {str(dtype) for dtype in X.dtypes} <= _SINGLE


def column_of(table: Any, position: int) -> Any:
    """Return a column of a pandas or polars table.

    Parameters
    ----------
    table : DataFrame
        The table.
    position : int
        Which column.

    Returns
    -------
    column : Series
        The column.
    """
    return table.iloc[:, position] if hasattr(table, "iloc") else table[:, position]


def named(columns: Sequence[Any], kind: str = "column") -> str:
    """Return names of columns, the first few of many, in words.

    Parameters
    ----------
    columns : list
        Names or positions.
    kind : str, default="column"
        What they are.

    Returns
    -------
    words : str
        Such as "columns 'a', 'b' and 3 more".
    """
    shown = ", ".join(map(repr, columns[:5]))
    more = f" and {len(columns) - 5} more" if len(columns) > 5 else ""
    return f"{kind}{'s' * (len(columns) > 1)} {shown}{more}"


def _refuse(owner, name, what, kinds, on_tables=""):
    advice = dict.fromkeys(_ADVICE.get(kind, _OTHER) for kind in kinds)
    advice = " ".join(_CONVERT if each == _ENCODE and name != "X" else each for each in advice)
    if on_tables and _OF_TABLES.issuperset(kinds):
        advice += f" {on_tables}"
    start = "Complex data not supported: " if "complex numbers" in kinds else ""
    error = ValueError if all(kind in _ADVICE for kind in kinds) else TypeError
    raise error(f"{start}{owner} expects numbers in {name}, got {what}. {advice}")
