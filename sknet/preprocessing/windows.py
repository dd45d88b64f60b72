"""Windows of a series, to learn to forecast it."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from ..cells import as_array
from ..constraints import Constraints
from ..typing import Array

_COUNT = [Interval(Integral, 1, None, closed="left")]
_CONSTRAINTS = Constraints(
    {
        "window": _COUNT,
        "horizon": _COUNT,
        "stride": _COUNT,
        "target": [Interval(Integral, None, None, closed="neither"), str, None],
        "past": ["array-like", None],
        "future": ["array-like", None],
    }
)


def sliding_windows(
    series: ArrayLike,
    window: int,
    horizon: int = 1,
    *,
    stride: int = 1,
    target: int | str | None = None,
    past: Sequence[int] | str | None = None,
    future: Sequence[int] | str | None = None,
) -> tuple[Array, Any]:
    """Cut a series into windows and the values that follow each.

    Row i of X is ``series[s : s + window]`` and row i of y is
    ``series[s + window : s + window + horizon]``, with ``s = i * stride``: the forecast of row i
    is made at the time ``s + window - 1``. There are
    ``(n_steps - window - horizon) // stride + 1`` rows, in the order of time.

    Parameters
    ----------
    series : array-like of shape (n_steps,) or (n_steps, n_features)
        One or several series over the same steps of time, as an array or a data frame of numbers;
        its missing values become NaN.
    window : int
        Number of steps in a window, at least 1.
    horizon : int, default=1
        Number of steps to forecast after each window, at least 1.
    stride : int, default=1
        Number of steps from the start of a window to that of the next, at least 1.
    target : int or str, default=None
        Column of a 2-D series that is forecast, by its position or, in a data frame, by its
        name. None is all columns.
    past : list of int or str, default=None
        Columns of a 2-D series that the windows hold, in this order. None is all columns.
    future : list of int or str, default=None
        Columns of a 2-D series that are known in advance, such as the calendar or planned
        prices: X gets their values at the steps that are forecast, too. Needs `target`, which
        can't be among them.

    Returns
    -------
    X : ndarray of shape (n_windows, window), (n_windows, window, n_past) or (n_windows, width)
        The windows, of the rank of the series and one more. With `future`, flat rows of
        ``width = window * n_past + horizon * n_future`` values: the window, step by step, then
        the known future, step by step.
    y : ndarray of shape (n_windows,), with further axes (horizon,) and (n_features,)
        What follows them; without the axis of the horizon if that is 1, and without the axis of
        the features if the series is 1-D or `target` is given.

    Raises
    ------
    ValueError
        If the series is shorter than ``window + horizon``, or if `target`, `past` or `future`
        are not columns of it.

    Notes
    -----
    Both are copies, `window` and `horizon` times the memory of the series, which may be changed
    in place. Missing values are kept.

    Split the rows in the order of time: before `sliding_windows` by cutting the series, or after
    it by `sklearn.model_selection.TimeSeriesSplit`. With ``gap=horizon - 1`` (for stride 1) what
    is forecast in training lies before the first forecast that is tested.

    To forecast beyond the end of the data, append `horizon` steps with their known values in the
    columns of `future` and NaN in all others: the last row of X is the one to predict from.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.preprocessing import sliding_windows
    >>> X, y = sliding_windows([0, 1, 2, 3, 4, 5], window=3)
    >>> X
    array([[0, 1, 2],
           [1, 2, 3],
           [2, 3, 4]])
    >>> y
    array([3, 4, 5])

    Three years of months, and forecasts of three months at a time:

    >>> from sklearn.model_selection import TimeSeriesSplit, cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknet import NeuralRegressor
    >>> series = np.sin(np.arange(36) * 2 * np.pi / 12)
    >>> X, y = sliding_windows(series, window=12, horizon=3)
    >>> X.shape, y.shape
    ((22, 12), (22, 3))
    >>> network = NeuralRegressor(solver="lbfgs", random_state=0)
    >>> model = make_pipeline(StandardScaler(), network)
    >>> splits = TimeSeriesSplit(n_splits=3, gap=2)
    >>> scores = cross_val_score(model, X, y, cv=splits)
    >>> bool(scores[-1] > 0.9)
    True

    The sales of two days from those of three days and the known prices of these two. Two branches
    read the two parts of a row:

    >>> table = np.column_stack([[10, 11, 12, 13, 14, 15], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]])
    >>> X, y = sliding_windows(table, 3, horizon=2, target=0, past=[0], future=[1])
    >>> X
    array([[10. , 11. , 12. ,  0.4,  0.5],
           [11. , 12. , 13. ,  0.5,  0.6]])
    >>> y
    array([[13., 14.],
           [14., 15.]])
    >>> from sknet.layers import GRU, Branch, ColumnBranches, Dense
    >>> sales = Branch(slice(0, 3), [GRU(8)], input_shape=(3, 1))
    >>> prices = Branch(slice(3, None), [Dense(8, activation="relu")])
    >>> network = NeuralRegressor(layers=[ColumnBranches([sales, prices]), Dense(8)])
    """
    given = {"window": window, "horizon": horizon, "stride": stride, "target": target}
    _CONSTRAINTS.validate({**given, "past": past, "future": future}, "sliding_windows")
    names = list(getattr(series, "columns", []))
    series = _check_series(series)  # (T,) or (T, F)
    places = _Columns(names, series.shape)
    column = None if target is None else places.find(target, "target")
    past = None if past is None else places.find_all(past, "past")
    future = None if future is None else places.find_all(future, "future")
    _check_known(column, future, target)
    span = window + horizon
    if len(series) < span:
        raise ValueError(
            f"sliding_windows expects a series of at least window + horizon = {span} steps, got "
            f"{len(series)}. Pass a longer series or a smaller window."
        )
    # The axis of the steps within a window comes last: (N, span) or (N, F, span).
    spans = sliding_window_view(series, span, axis=0)[:: min(stride, len(series))]
    spans = np.moveaxis(spans, -1, 1)
    X, y = spans[:, :window], spans[:, window:]
    if past is not None:
        X = X[..., past]
    if future is not None:
        parts = X, y[..., future]
        X = np.hstack([part.reshape(len(part), -1) for part in parts])
    if column is not None:
        y = y[..., column]
    if horizon == 1:
        y = y[:, 0]
    return np.array(X, order="C"), y.copy()


class _Columns:
    """Finds the columns of a series by their positions or names."""

    def __init__(self, names: Any, shape: tuple[int, ...]) -> None:
        self.names, self.shape = names, shape

    def find_all(self, columns: Any, parameter: Any) -> Any:
        """Return the positions of a list of columns, none of them twice."""
        columns = list(columns)
        wrong = [c for c in columns if not isinstance(c, Integral | str) or isinstance(c, bool)]
        if wrong or not columns:
            raise ValueError(
                f"sliding_windows expects {parameter} to be a list of positions or names of "
                f"columns, got {wrong[0] if wrong else columns!r}{' in it' if wrong else ''}. "
                "Leave it out or name columns."
            )
        found = [self.find(column, parameter) for column in columns]
        if len(set(found)) < len(found):
            raise ValueError(
                f"sliding_windows expects {parameter} to have each column once, got {columns}. "
                "Drop the repeated ones."
            )
        return found

    def find(self, column: Any, parameter: Any) -> Any:
        """Return the position of a column."""
        if len(self.shape) == 1:
            raise ValueError(
                f"sliding_windows expects a 2-D series where {parameter} is given, got a 1-D one. "
                f"Leave {parameter} out."
            )
        if isinstance(column, str):
            return self._position(column, parameter)
        if not -self.shape[1] <= column < self.shape[1]:
            raise ValueError(
                f"sliding_windows expects {parameter} to be a position from 0 to "
                f"{self.shape[1] - 1}, the last column of series, got {column}."
            )
        return int(column) % self.shape[1]

    def _position(self, name, parameter):
        count = self.names.count(name)
        if count == 1:
            return self.names.index(name)
        if count:
            raise ValueError(
                f"sliding_windows expects one column {parameter}={name!r}, got {count} of this "
                "name. Pass the position of the column."
            )
        known = f"with the columns {self.names}" if self.names else "without names of columns"
        raise ValueError(
            f"sliding_windows expects {parameter}={name!r} to be a column of series, got one "
            f"{known}. Pass a data frame that has it, or the position of the column."
        )


def _check_known(column, future, target):
    """Refuse a future whose values are those to forecast."""
    if future is None:
        return
    if column is None:
        raise ValueError(
            "sliding_windows expects target where future is given, got None: every column would "
            "be forecast, the known ones among them. Name the column to forecast."
        )
    if column in future:
        raise ValueError(
            f"sliding_windows expects future without the target, got {target!r} in both: its "
            "future values are what is forecast. Drop it from future."
        )


def _check_series(series):
    series = as_array(series, "series", "sliding_windows")
    if series.ndim not in (1, 2) or 0 in series.shape[1:]:
        raise ValueError(
            "sliding_windows expects a series of shape (n_steps,) or (n_steps, n_features), got "
            f"shape {series.shape}. Call it for one series at a time."
        )
    return series
