"""Windows of a series, to learn to forecast it."""

from numbers import Integral

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.utils._param_validation import Interval

from ..cells import as_array
from ..constraints import Constraints

_COUNT = [Interval(Integral, 1, None, closed="left")]
_CONSTRAINTS = Constraints(
    {
        "window": _COUNT,
        "horizon": _COUNT,
        "stride": _COUNT,
        "target": [Interval(Integral, None, None, closed="neither"), str, None],
    }
)


def sliding_windows(series, window, horizon=1, *, stride=1, target=None):
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

    Returns
    -------
    X : ndarray of shape (n_windows, window) or (n_windows, window, n_features)
        The windows, of the rank of the series and one more.
    y : ndarray of shape (n_windows,), with further axes (horizon,) and (n_features,)
        What follows them; without the axis of the horizon if that is 1, and without the axis of
        the features if the series is 1-D or `target` is given.

    Raises
    ------
    ValueError
        If the series is shorter than ``window + horizon``.

    Notes
    -----
    Both are copies, `window` and `horizon` times the memory of the series, which may be changed
    in place. Missing values are kept.

    Split the rows in the order of time: before `sliding_windows` by cutting the series, or after
    it by `sklearn.model_selection.TimeSeriesSplit`. With ``gap=horizon - 1`` (for stride 1) what
    is forecast in training lies before the first forecast that is tested.

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
    """
    given = {"window": window, "horizon": horizon, "stride": stride, "target": target}
    _CONSTRAINTS.validate(given, "sliding_windows")
    column = None if target is None else _position(series, target)
    series = _check_series(series)  # (T,) or (T, F)
    if column is not None:
        _check_column(column, series.shape)
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
    if column is not None:
        y = y[..., column]
    if horizon == 1:
        y = y[:, 0]
    return X.copy(), y.copy()


def _position(series, target):
    """Return the position of a column that is given by its position or name."""
    if not isinstance(target, str):
        return target
    columns = list(getattr(series, "columns", []))
    if target not in columns:
        known = f"one with the columns {columns}" if columns else "one without names of columns"
        raise ValueError(
            f"sliding_windows expects target={target!r} to be a column of series, got {known}. "
            "Pass a data frame that has it, or the position of the column."
        )
    if columns.count(target) > 1:
        raise ValueError(
            f"sliding_windows expects one column target={target!r}, got {columns.count(target)} "
            "of this name. Pass the position of the column."
        )
    return columns.index(target)


def _check_series(series):
    series = as_array(series, "series", "sliding_windows")
    if series.ndim not in (1, 2) or 0 in series.shape[1:]:
        raise ValueError(
            "sliding_windows expects a series of shape (n_steps,) or (n_steps, n_features), got "
            f"shape {series.shape}. Call it for one series at a time."
        )
    return series


def _check_column(column, shape):
    if len(shape) == 1:
        raise ValueError(
            "sliding_windows expects a 2-D series where target is given, got a 1-D one. Leave "
            "target out."
        )
    if not -shape[1] <= column < shape[1]:
        raise ValueError(
            f"sliding_windows expects target to be a position from 0 to {shape[1] - 1}, the last "
            f"column of series, got {column}."
        )
