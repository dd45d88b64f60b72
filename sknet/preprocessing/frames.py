"""Columns of tables: of data frames of any library, and of arrays."""

import datetime
from decimal import Decimal
from numbers import Complex, Real

import numpy as np

from ..cells import is_missing, kind_of, named, without_order

_FLAT = "biufMm"


class Column:
    """One column of a table.

    Parameters
    ----------
    label : object
        Name or position, for errors.
    values : ndarray or list
        Numbers, dates or time spans in an array; anything else cell by cell in a list.
    series : narwhals.Series, default=None
        Where the values come from, if not from an array.
    is_declared : bool, default=False
        Whether its type says that it holds categories.
    """

    def __init__(self, label, values, series=None, is_declared=False):
        self.label, self.values, self.is_declared = label, values, is_declared
        self._series = series
        self._kind = None

    @property
    def kind(self):
        """What it holds: "numbers", "categories", "dates", or None if all cells are missing."""
        if self._kind is None and isinstance(self.values, list):
            self._kind = _kind_of_cells(self.values, self.label)
            return self._kind
        if self._kind is None:
            self._kind = "dates" if self.values.dtype.kind == "M" else "numbers"
            if _missing(self.values).all():
                return None
        return self._kind

    @property
    def zone(self):
        """Name of the time zone of dates; "" if it differs from cell to cell, None without one."""
        if isinstance(self.values, list):
            zoned = [cell for cell in self.values if getattr(cell, "tzinfo", None) is not None]
            return "" if zoned else None
        return None if self._series is None else getattr(self._series.dtype, "time_zone", None)

    def cells(self):
        """Return the values as a list."""
        if isinstance(self.values, list):
            return self.values
        return self.values.tolist()

    def numbers(self):
        """Return the values as float64, missing ones NaN; time spans in seconds."""
        values = self.values
        if isinstance(values, list):
            return np.array([_number(cell) for cell in values], dtype=np.float64)
        if values.dtype.kind == "m":
            seconds = values.astype("m8[us]").astype(np.float64) / 1e6
            seconds[np.isnat(values)] = np.nan
            return seconds
        return values.astype(np.float64, copy=False)

    def dates(self, zone):
        """Return dates as their clocks show them, and as instants.

        Parameters
        ----------
        zone : str or None
            Time zone of the clocks; "" for that of each cell.

        Returns
        -------
        local, instants : ndarray of datetime64[us]
            NaT where missing.
        """
        if isinstance(self.values, list):
            pairs = [_date(cell) for cell in self.values]
            local, instants = (np.array(each, dtype="M8[us]") for each in zip(*pairs, strict=True))
            return local, instants
        instants = self.values.astype("M8[us]")
        if not self.zone:
            return instants, instants
        clocks = self._series
        if zone and zone != self.zone:
            clocks = clocks.dt.convert_time_zone(zone)
        return clocks.dt.replace_time_zone(None).to_numpy().astype("M8[us]"), instants


def _kind_of_cells(cells, label):
    types = {each for each in set(map(type, cells)) if not is_missing(each)}
    types = {each for each in types if each.__name__ != "NaTType"}
    if not types or (types == {float} and all(cell != cell for cell in cells if cell is not None)):
        return None
    kinds = {each: _kind(each) for each in types}
    found = set(kinds.values())
    if types == {bool}:
        return "categories"
    if found == {"numbers"} or found == {"dates"} or found == {"categories"}:
        return found.pop()
    if found <= {"categories", "numbers"}:
        return "categories"
    raise TypeError(f"{label} {found}")


def _kind(cell_type):
    if issubclass(cell_type, str):
        return "categories"
    if issubclass(cell_type, np.datetime64 | datetime.date):
        return "dates"
    return "numbers" if kind_of(cell_type) in (None, "time spans") else "other"


def _number(cell):
    if cell is None or is_missing(type(cell)) or type(cell).__name__ == "NaTType":
        return np.nan
    if isinstance(cell, datetime.timedelta):
        return cell / datetime.timedelta(microseconds=1) / 1e6
    return float(cell)


def _date(cell):
    if cell is None or cell != cell or is_missing(type(cell)):
        return None, None
    if getattr(cell, "tzinfo", None) is None:
        return cell, cell
    return cell.replace(tzinfo=None), cell.astimezone(datetime.UTC).replace(tzinfo=None)


def _missing(values):
    return np.isnat(values) if values.dtype.kind in "Mm" else values != values


def is_frame(X):
    """Tell whether X is a data frame."""
    return hasattr(X, "columns") and not isinstance(X, np.ndarray) or hasattr(X, "column_names")


def frame_columns(X, owner):
    """Return the columns of a data frame."""
    try:
        import narwhals as nw
    except ImportError:
        raise ImportError(
            f"{owner} reads data frames with narwhals. Install it: pip install narwhals."
        ) from None
    frame = nw.from_native(X, eager_only=True)
    return [_read(series) for series in frame.iter_columns()]


def _read(series):
    import narwhals as nw

    dtype = series.dtype
    if isinstance(dtype, nw.Categorical | nw.Enum):
        return Column(series.name, series.to_list(), series, is_declared=True)
    if isinstance(dtype, nw.String | nw.Boolean | nw.Object):
        return Column(series.name, series.to_list(), series)
    values = series.to_numpy()
    if values.dtype.kind not in _FLAT:
        values = series.to_list()
    return Column(series.name, values, series)


def array_columns(X):
    """Return the columns of an array of two axes."""
    is_flat = X.dtype.kind in _FLAT
    return [Column(i, X[:, i] if is_flat else X[:, i].tolist()) for i in range(X.shape[1])]
