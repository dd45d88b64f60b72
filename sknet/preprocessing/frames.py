"""Columns of tables: of data frames of any library, and of arrays."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from ..cells import is_missing, kind_of
from ..typing import Array
from .dates import as_dates, as_seconds, in_microseconds, zone_named

#: Frames with at most so many rows are read row by row, which is faster.
FEW_ROWS = 32
#: Kinds of NumPy's types whose arrays are read as they are.
_FLAT = "iufMm"
_KINDS = {"i": "numbers", "u": "numbers", "f": "numbers", "M": "dates", "m": "time spans"}


class Column:
    """One column of a table.

    Parameters
    ----------
    label : object
        Name or position, for errors.
    values : ndarray or list
        Numbers, dates or time spans in an array; anything else cell by cell in a list.
    dates : narwhals.Series, default=None
        Where dates with a time zone come from.
    is_declared : bool, default=False
        Whether its type is that of categories.
    """

    label: Any
    values: Any
    is_declared: bool

    def __init__(
        self,
        label: Any,
        values: Array | Sequence[Any],
        dates: Any = None,
        is_declared: bool = False,
    ) -> None:
        self.label, self.values, self.is_declared = label, values, is_declared
        self._dates = dates

    def __len__(self) -> int:
        return len(self.values)

    @property
    def kinds(self) -> set[str]:
        """Kinds of the cells that are not missing, such as {"numbers", "strings"}."""
        if isinstance(self.values, list):
            return _kinds_of(self.values)
        kind = self.values.dtype.kind
        if kind in "fMm" and (np.isnan if kind == "f" else np.isnat)(self.values).all():
            return set()
        return {"dates with a time zone" if self.zone else _KINDS[kind]}

    @property
    def zone(self) -> str | None:
        """Time zone of dates: its name, "" if only the cells know it, None if there is none."""
        if isinstance(self.values, list):
            zones = {getattr(cell, "tzinfo", None) for cell in self.values} - {None}
            return (str(zones.pop()) if len(zones) == 1 else "") if zones else None
        return None if self._dates is None else self._dates.dtype.time_zone

    def cells(self) -> list[Any]:
        """Return the values as Python's objects.

        Returns
        -------
        cells : list
            One a row.
        """
        if isinstance(self.values, list):
            return self.values
        values = self.values
        if values.dtype.kind in "Mm" and np.datetime_data(values.dtype)[0] == "ns":
            values = values.astype(f"{values.dtype.kind}8[us]")  # else they become integers
        return values.tolist()

    def numbers(self) -> Array:
        """Return the values as numbers; time spans and times of the day in seconds.

        Returns
        -------
        numbers : ndarray of float64
            Missing ones are NaN.
        """
        if isinstance(self.values, list):
            return np.array([_number(cell) for cell in self.values], dtype=np.float64)
        if self.values.dtype.kind == "m":
            return self.values / np.timedelta64(1, "s")
        return self.values.astype(np.float64, copy=False)

    def dates(self, zone: str | None) -> tuple[Any, Any]:
        """Return dates as clocks show them, and as instants.

        Parameters
        ----------
        zone : str or None
            Time zone of the clocks; that of the cells if it is "" or None.

        Returns
        -------
        local, instants : ndarray of datetime64[us]
            NaT where missing.
        """
        if isinstance(self.values, list):
            cells = [None if is_hole(cell) else cell for cell in self.values]
            return as_dates(cells, zone)
        instants = in_microseconds(self.values)
        if self.zone is None:
            return instants, instants
        clocks, named = self._dates, zone_named(zone)
        if isinstance(named, datetime.timezone):  # not all libraries know fixed offsets by name
            return instants + np.timedelta64(named.utcoffset(None)), instants
        if named is not None and zone != self.zone:
            clocks = clocks.dt.convert_time_zone(zone)
        return clocks.dt.replace_time_zone(None).to_numpy().astype("M8[us]"), instants


def is_hole(cell: Any) -> bool:
    """Tell whether a cell is missing.

    Parameters
    ----------
    cell : object
        Any cell.

    Returns
    -------
    is_hole : bool
        True for None, NaN, NaT and pandas.NA.
    """
    return _is_missing(type(cell)) or bool(cell != cell)


def _is_missing(cell_type):
    return is_missing(cell_type) or cell_type.__name__ == "NaTType"


def _kinds_of(cells):
    types = {each for each in set(map(type, cells)) if not _is_missing(each)}
    may_be_nan = {each for each in types if issubclass(each, float | Decimal | np.generic)}
    if may_be_nan:
        types -= may_be_nan
        types |= {type(cell) for cell in cells if type(cell) in may_be_nan and cell == cell}
    kinds = set(map(_kind, types))
    if kinds == {"dates"} and any(issubclass(each, datetime.datetime) for each in types):
        has_zone = {_has_zone(cell) for cell in cells if not is_hole(cell)}
        kinds |= {"dates with a time zone"} if True in has_zone else set()
        kinds -= set() if False in has_zone else {"dates"}
    return kinds


def _has_zone(cell):
    return getattr(cell, "tzinfo", None) is not None


def _kind(cell_type):
    if issubclass(cell_type, bool | np.bool_):
        return "booleans"
    if issubclass(cell_type, datetime.time):
        return "times"
    return kind_of(cell_type) or "numbers"


def _number(cell):
    if is_hole(cell):
        return np.nan
    if isinstance(cell, Real | Decimal) and not isinstance(cell, np.timedelta64):
        return float(cell)
    return as_seconds(cell)


def is_frame(X: Any) -> bool:
    """Tell whether X is a data frame.

    Parameters
    ----------
    X : object
        What the user passes.

    Returns
    -------
    is_frame : bool
        Whether it has named columns.
    """
    return hasattr(type(X), "columns") or hasattr(type(X), "column_names")


def labels_of(X: Any) -> list[Any]:
    """Return the names of the columns of a data frame.

    Parameters
    ----------
    X : data frame
        Of any library.

    Returns
    -------
    labels : list
        Strings, or what else pandas takes.
    """
    return list(X.column_names if hasattr(type(X), "column_names") else X.columns)


def frame_columns(X: Any, owner: str) -> list[Column]:
    """Return the columns of a data frame.

    Parameters
    ----------
    X : data frame
        Of pandas, polars, or any library that narwhals reads.
    owner : str
        Who takes it, for errors.

    Returns
    -------
    columns : list of Column
        Labelled by their names.

    Raises
    ------
    ImportError
        If narwhals is not installed.
    TypeError
        If narwhals does not read it, or it has not been evaluated.
    """
    columns = zip(labels_of(X), _eager(X, owner).iter_columns(), strict=True)
    return [_read(label, series) for label, series in columns]


def row_columns(X: Any, owner: str) -> list[Column]:
    """Return the columns of a data frame of few rows, which is read row by row.

    Their types are not known, and the cells are the same.

    Parameters
    ----------
    X, owner
        As for `frame_columns`.

    Returns
    -------
    columns : list of Column
        Labelled by their names.
    """
    is_pandas = hasattr(X, "iloc")
    rows = X.to_numpy(dtype=object).tolist() if is_pandas else _eager(X, owner).rows()
    cells = map(list, zip(*rows, strict=True))
    return [Column(label, each) for label, each in zip(labels_of(X), cells, strict=True)]


def library_of(frame: Any) -> str:
    """Return the name of the library of a data frame.

    Parameters
    ----------
    frame : data frame
        Of any library that narwhals reads.

    Returns
    -------
    library : str
        Such as "pandas".
    """
    return type(frame).__module__.partition(".")[0]


def make_frame(columns: dict[str, Array], library: str, X: Any) -> Any:
    """Return a data frame.

    Parameters
    ----------
    columns : dict of str to ndarray of shape (n_samples,)
        Values by the names of the columns.
    library : str
        What `library_of` returned of another frame.
    X : object
        If it is a frame of pandas, and so is the new one, both have the same index.

    Returns
    -------
    frame : data frame
        Of this library.
    """
    from narwhals import from_dict

    frame = from_dict(columns, backend=library).to_native()
    if hasattr(frame, "iloc") and hasattr(X, "iloc"):
        frame.index = X.index
    return frame


def array_columns(X: Array) -> list[Column]:
    """Return the columns of an array.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Of any type.

    Returns
    -------
    columns : list of Column
        Labelled by their positions.
    """
    is_flat = X.dtype.kind in _FLAT
    return [Column(i, column if is_flat else column.tolist()) for i, column in enumerate(X.T)]


def _eager(X, owner):
    try:
        import narwhals as nw
    except ImportError:
        raise ImportError(
            f"{owner} reads data frames by narwhals, which is not installed. Install it: pip "
            "install narwhals."
        ) from None
    try:
        return nw.from_native(X, eager_only=True)
    except TypeError:
        raise TypeError(
            f"{owner} expects an array or a data frame that narwhals reads and that has been "
            f"evaluated, got a {type(X).__module__.split('.')[0]} {type(X).__name__}. Convert it "
            "to pandas, polars or an array."
        ) from None


def _read(label, series):
    from narwhals import Categorical, Datetime, Enum

    is_pandas = hasattr(series.to_native(), "iloc")
    is_declared = isinstance(series.dtype, Categorical | Enum)
    if is_declared and not is_pandas:
        return Column(label, series.to_list(), is_declared=True)  # an array has no null in Arrow
    values = (series if is_pandas else _readable(series)).to_numpy()
    if values.ndim > 1:  # structs and arrays of polars
        return Column(label, series.to_list())
    if values.dtype.kind not in _FLAT:
        return Column(label, values.tolist(), is_declared=is_declared)
    has_zone = isinstance(series.dtype, Datetime) and series.dtype.time_zone is not None
    if has_zone and is_pandas:
        series = _of_numpy(series)
    return Column(label, values, series if has_zone else None, is_declared)


def _readable(series):
    """Return a column of polars or Arrow in a type that NumPy or Python has."""
    from narwhals import Float64, Time, from_native

    if str(series.dtype) in ("Int128", "UInt128"):
        return series.cast(Float64)
    native = series.to_native()
    if series.dtype == Time and hasattr(native, "combine_chunks"):  # Arrow's may have nanoseconds
        return from_native(native.cast("time64[us]", safe=False), series_only=True)
    return series


def _of_numpy(dates):
    """Return dates of pandas in its own type: before pandas 3 Arrow's show the clocks of UTC."""
    from narwhals import from_native

    own = f"datetime64[{dates.dtype.time_unit}, {dates.dtype.time_zone}]"
    return from_native(dates.to_native().astype(own), series_only=True)
