"""Values of X: finite numbers, aligned in memory."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array

from .cells import as_numbers, column_of, named, place_of
from .typing import Array, Samples

_TOO_LARGE = "Replace such values, or scale X."


def check_finite(values: Array, name: str, advice: str) -> None:
    """Refuse NaN and infinity.

    Parameters
    ----------
    values : ndarray
        Numbers.
    name : str
        Name of the argument.
    advice : str
        What to do about them.

    Raises
    ------
    ValueError
        If there are any.
    """
    is_finite = np.isfinite(values)
    if is_finite.all():
        return
    fault = f"infinity or a value too large for {values.dtype!r}"
    if (is_missing := np.isnan(values)).any():
        is_finite, fault = ~is_missing, "NaN"
    place = place_of(np.argwhere(~is_finite)[0])
    raise ValueError(f"Input {name} contains {fault}{place}. {advice}")


def checked(
    rows: Samples,
    X: Any,
    advice: str,
    *,
    dtype: Any,
    order: Literal["C", "F"] = "C",
    **options: Any,
) -> Any:
    """Return rows as scikit-learn's `check_array` does, or say where X is not finite.

    Parameters
    ----------
    rows : {array-like, sparse matrix}
        What is checked.
    X : {ndarray, table, sparse matrix} or list of ndarray
        What the rows were made of, for errors.
    advice : str
        What to do about NaN, for errors.
    dtype : dtype or tuple of dtype
        Element type of the result, or those to keep.
    order : {"C", "F"}, default="C"
        Layout in memory.
    **options : dict
        Further options of `check_array`.

    Returns
    -------
    rows : {ndarray, sparse matrix}
        The checked rows.

    Raises
    ------
    ValueError
        If they are no rows of finite numbers.
    """
    try:
        return aligned(check_array(rows, dtype=dtype, order=order, input_name="X", **options))
    except ValueError as error:
        raise located(error, X, dtype, advice) from None


def aligned(rows: Any) -> Any:
    """Return rows that are aligned in memory, as arrays inside a message may not be.

    The kernels leave unaligned arrays to NumPy, whose last bit may differ.

    Parameters
    ----------
    rows : {ndarray, sparse matrix}
        Any rows.

    Returns
    -------
    rows : {ndarray, sparse matrix}
        The same, or a copy.
    """
    return np.require(rows, requirements="A") if isinstance(rows, np.ndarray) else rows


def located(error: ValueError, X: Any, dtype: Any, advice: str) -> ValueError:
    """Say where NaN or infinity stands that scikit-learn has found.

    Parameters
    ----------
    error : ValueError
        What scikit-learn has raised.
    X : {ndarray, table, sparse matrix} or list of ndarray
        What it was raised for.
    dtype : dtype or tuple of dtype
        Element type that X is converted to, or those to keep.
    advice : str
        What to do about NaN.

    Returns
    -------
    error : ValueError
        One that names the columns or the sample, or `error` itself where it is about something
        else.
    """
    fault = str(error).partition("\n")[0].rstrip(".")
    if not fault.startswith(("Input X contains NaN", "Input X contains infinity")):
        return error
    is_missing = "NaN" in fault
    dtype = np.float64 if isinstance(dtype, tuple) else dtype
    with np.errstate(over="ignore"):
        place = _wrong_place(np.isnan if is_missing else np.isinf, X, dtype)
    return ValueError(f"{fault}{place}. {advice if is_missing else _TOO_LARGE}")


def _wrong_place(is_wrong, X, dtype):
    """Say in which columns, or else in which sample, a cell is wrong."""
    if isinstance(X, list) or len(X.shape) > 2:
        samples = (np.asarray(sample).astype(dtype) for sample in X)
        first = next((i for i, sample in enumerate(samples) if is_wrong(sample).any()), None)
        return "" if first is None else f" in the sample at position {first}"
    if issparse(X):
        cells = X.tocoo()
        columns = np.unique(cells.col[is_wrong(cells.data.astype(dtype))]).tolist()
    elif hasattr(X, "columns"):
        tested = [is_wrong(_floats(column_of(X, i), dtype)).any() for i in range(X.shape[1])]
        columns = [column for column, wrong in zip(X.columns, tested, strict=True) if wrong]
    else:
        wrong = is_wrong(X.astype(dtype)).reshape(len(X), -1)
        columns = np.flatnonzero(wrong.any(axis=0)).tolist()
    return f" in {named(columns)}" if columns else ""


def _floats(column, dtype):
    return as_numbers(np.asarray(column), "X", "").astype(dtype)
