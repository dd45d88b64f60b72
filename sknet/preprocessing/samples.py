"""What users pass as samples: items that are read once, and arrays of numbers."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from numbers import Real
from reprlib import repr as shortened

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing

_ADVICE = "Pass arrays of numbers."


def shown(value):
    """Return a value as an error shows it: short, in one line.

    Parameters
    ----------
    value : object
        Any value.

    Returns
    -------
    text : str
        The beginning and the end of its ``repr``.
    """
    return " ".join(shortened(value).split())


def reread(X):
    """Return what can be read twice: the items of an iterator as a list, anything else as it is.

    Parameters
    ----------
    X : object
        What the user passes.

    Returns
    -------
    X : object
        A list where X was a generator, a file or another iterable without positions.
    """
    is_read_once = hasattr(X, "__iter__") and not hasattr(X, "__getitem__")
    return list(X) if is_read_once and not isinstance(X, set | frozenset | type) else X


def listed(X, who, expected, single=""):
    """Return the items of an iterable as a list.

    Parameters
    ----------
    X : iterable
        What the user passes.
    who : str
        Who takes it, for errors.
    expected : str
        What is expected, for errors.
    single : str, default=""
        What a value that is no list is called, for errors.

    Returns
    -------
    items : list
        Its items in their order.

    Raises
    ------
    ValueError
        If X has no items, or they have no order.
    """
    kind, items, advice = type(X).__name__, "texts" if single else "all samples", None
    if isinstance(X, type):
        advice = f"the class {X.__name__}. Pass {items}, in a list."
    elif isinstance(X, str | bytes | bytearray) or not hasattr(X, "__iter__"):
        advice = f"{single}{kind}. Put {items} into a list."
    elif isinstance(X, Mapping):
        advice = f"a {kind}. Pass list(X.values())."
    elif isinstance(X, set | frozenset):
        advice = f"a {kind}, which has no order. Pass a list, such as sorted(X)."
    elif getattr(X, "shape", None) == ():
        advice = f"shape (). Put {items} into a list."
    if advice:
        raise ValueError(f"{who} expects {expected}, got {advice}")
    return list(X)


def shape_of(X):
    """Return the shape of an array or a table.

    Parameters
    ----------
    X : object
        What the user passes.

    Returns
    -------
    shape : tuple of int or None
        None of anything else, such as the class of an array.
    """
    return None if isinstance(X, type) else getattr(X, "shape", None)


def is_ragged(X):
    """Tell whether samples come one by one: in a list, an iterator or a column of arrays.

    Parameters
    ----------
    X : object
        What the user passes.

    Returns
    -------
    is_ragged : bool
        False for an array of numbers or a table.
    """
    shape = shape_of(X)
    if shape is None:
        is_text = isinstance(X, str | bytes | bytearray)
        return hasattr(X, "__iter__") and not is_text
    # A polars dtype has no kind.
    return len(shape) == 1 and hasattr(X, "dtype") and getattr(X.dtype, "kind", "O") == "O"


def as_sequences(X, who):
    """Return the samples as a list of numeric arrays.

    Parameters
    ----------
    X : iterable of array-like, or array-like of two axes or more
        Samples one by one, or in the rows of an array or a data frame.
    who : str
        Who takes them, for errors.

    Returns
    -------
    sequences : list of ndarray
        One array a sample.

    Raises
    ------
    ValueError
        If there are none, or they do not hold numbers.
    """
    if len(shape_of(X) or ()) > 1:
        sequences = list(numeric_array(X, who))
    else:
        items = listed(X, who, "a list of arrays")
        sequences = [numeric_array(each, who, f" at position {i}") for i, each in enumerate(items)]
    if not sequences:
        raise ValueError(f"{who} expects at least one series, got none.")
    return sequences


def numeric_array(X, who, where="", expected="numbers in arrays"):
    """Return numbers as an array, or refuse what is none.

    Data frames may have columns of several types, and missing values become NaN.

    Parameters
    ----------
    X : array-like
        What the user passes.
    who : str
        The function that takes it, for errors.
    where : str, default=""
        Where in the argument it stands, for errors.
    expected : str, default="numbers in arrays"
        What is expected, for errors.

    Returns
    -------
    array : ndarray
        The numbers; `X` itself if it is an array of numbers.

    Raises
    ------
    ValueError
        If the elements are not real numbers.
    """
    try:
        return _table(X) if _is_frame(X) else _numbers(X)
    except _NotNumbers as error:
        raise ValueError(f"{who} expects {expected}, got {error}{where}. {error.advice}") from None


class _NotNumbers(Exception):
    """What stands where numbers are expected, and what to do about it."""

    def __init__(self, found, advice=_ADVICE):
        super().__init__(found)
        self.advice = advice


def _is_frame(X):
    """Tell whether X is a data frame of pandas or polars with columns."""
    shape, is_table = shape_of(X) or (), hasattr(X, "iloc") or hasattr(X, "get_columns")
    return is_table and len(shape) == 2 and shape[1] > 0


def _table(frame):
    """Return the columns of a data frame in the one type that holds them."""
    # Converted as a whole, polars gives dates as ints, and pandas mixed columns as objects.
    columns = []
    for i, name in enumerate(frame.columns):
        try:
            columns.append(_numbers(_safe_indexing(frame, i, axis=1)))
        except _NotNumbers as error:
            raise _NotNumbers(f"{error} in column {name!r}", error.advice) from None
    return np.column_stack(columns)


def _numbers(X):
    if issparse(X):
        raise _NotNumbers("a sparse matrix", "Pass X.toarray().")
    if isinstance(X, np.ma.MaskedArray):
        hidden = np.ma.getmaskarray(X)  # NumPy's conversion would show what the mask hides
        X = X.data.astype(object)
        X[hidden] = None
    try:
        array = np.asarray(X)
    except OverflowError:
        raise _NotNumbers("a number too large for float64") from None
    except (TypeError, ValueError):  # lists of unequal length, nested too deep
        raise _NotNumbers("lists of unequal length") from None
    if array.dtype == object:
        return _unboxed(array)
    if array.dtype.kind not in "biuf":
        raise _NotNumbers(f"elements of dtype {array.dtype}", _advice(array.dtype.type))
    return array


def _unboxed(array):
    """Return the numbers of an object array, None and pandas.NA as NaN."""
    values = array.ravel().tolist()
    kinds = set(map(type, values))
    missing = {kind for kind in kinds if kind is type(None) or kind.__name__ == "NAType"}
    wrong = {kind for kind in kinds - missing if not _is_number(kind)}
    if wrong:
        value = next(value for value in values if type(value) in wrong)
        if isinstance(value, list | tuple) or getattr(value, "shape", ()) != ():
            raise _NotNumbers("lists of unequal length")
        kind = type(value)
        raise _NotNumbers(f"{shown(value)} of type {kind.__name__}", _advice(kind))
    if missing:
        values = [np.nan if type(value) in missing else value for value in values]
    try:
        numbers = np.array(values)
        if numbers.dtype == object:  # decimals and fractions, or ints beyond those of NumPy
            numbers = numbers.astype(np.float64)
    except (OverflowError, ValueError):
        raise _NotNumbers("a number too large for float64") from None
    return numbers.reshape(array.shape)


def _is_number(kind):
    # A difference of dates counts as an integer for NumPy.
    return issubclass(kind, Real | Decimal | np.bool_) and not issubclass(kind, np.timedelta64)


def _advice(kind):
    if issubclass(kind, np.datetime64 | np.timedelta64 | date | timedelta):
        return "Turn dates into numbers, such as days since the first."
    if issubclass(kind, str | bytes):
        return f"{_ADVICE} Number categories first, for example by OrdinalEncoder."
    return _ADVICE
