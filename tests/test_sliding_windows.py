"""Windows of series and what follows them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import NeuralRegressor
from sknet.layers import GRU, Branch, ColumnBranches, Dense
from sknet.preprocessing import sliding_windows


def windows_by_hand(series, window, horizon, stride):
    X, y = [], []
    start = 0
    while start + window + horizon <= len(series):
        X.append([series[start + t] for t in range(window)])
        y.append([series[start + window + t] for t in range(horizon)])
        start += stride
    return np.array(X), np.array(y)


COUNT = st.integers(1, 5)


@given(n=st.integers(2, 30), window=COUNT, horizon=COUNT, stride=COUNT)
def test_windows_of_one_series(n, window, horizon, stride):
    series = np.arange(n) ** 2
    if n < window + horizon:
        with pytest.raises(ValueError, match=f"at least window . horizon = {window + horizon}"):
            sliding_windows(series, window, horizon, stride=stride)
        return
    X, y = sliding_windows(series, window, horizon, stride=stride)
    X_expected, y_expected = windows_by_hand(series, window, horizon, stride)
    assert X.shape == ((n - window - horizon) // stride + 1, window)
    assert np.array_equal(X, X_expected)
    assert np.array_equal(y, y_expected[:, 0] if horizon == 1 else y_expected)


@given(
    n_features=st.integers(1, 3),
    window=COUNT,
    horizon=COUNT,
    stride=COUNT,
    target=st.none() | st.integers(-3, 2),
)
def test_windows_of_several_series(n_features, window, horizon, stride, target):
    series = np.random.default_rng(0).normal(size=(14, n_features))
    if target is not None and not -n_features <= target < n_features:
        with pytest.raises(ValueError, match="target to be a position from 0"):
            sliding_windows(series, window, horizon, target=target)
        return
    X, y = sliding_windows(series, window, horizon, stride=stride, target=target)
    X_expected, y_expected = windows_by_hand(series, window, horizon, stride)
    if target is not None:
        y_expected = y_expected[:, :, target]
    if horizon == 1:
        y_expected = y_expected[:, 0]
    assert np.array_equal(X, X_expected)
    assert np.array_equal(y, y_expected)


def test_windows_are_copies_in_the_order_of_their_rows():
    series = np.arange(20.0).reshape(10, 2)
    X, y = sliding_windows(series, 3, 2)
    for array in (X, y):
        assert array.flags.c_contiguous and array.flags.writeable
        array -= 100
    assert np.array_equal(series, np.arange(20.0).reshape(10, 2))
    assert np.array_equal(X[:, 1], X[:, 0] + 2)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8"])
def test_the_type_of_the_values_is_kept(dtype):
    X, y = sliding_windows(np.arange(5, dtype=dtype), 2)
    assert X.dtype == y.dtype == dtype


def test_missing_values_are_kept():
    X, y = sliding_windows([1.0, np.nan, 3.0], 1)
    assert np.array_equal(X, [[1], [np.nan]], equal_nan=True)
    assert np.array_equal(y, [np.nan, 3], equal_nan=True)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_data_frames_and_their_columns(frame):
    data = {"load": [1.0, 2, 3, 4, 5], "heat": [9, 8, 7, 6, 5]}
    array = np.column_stack(list(data.values()))
    X, y = sliding_windows(frame(data), 2, target="heat")
    assert np.array_equal(X, sliding_windows(array, 2)[0])
    assert y.tolist() == [7, 6, 5]
    X, y = sliding_windows(frame(data)["heat"], 2)
    assert X.tolist() == [[9, 8], [8, 7], [7, 6]]
    assert y.tolist() == [7, 6, 5]
    with pytest.raises(ValueError, match=r"target='cold' .* columns \['load', 'heat'\]"):
        sliding_windows(frame(data), 2, target="cold")


def test_series_with_dates_as_index():
    series = pd.Series(np.arange(5.0), index=pd.date_range("2020-01-01", periods=5))
    assert sliding_windows(series, 3)[1].tolist() == [3, 4]


@pytest.mark.parametrize("horizon", [1, 3])
def test_with_a_gap_no_value_is_forecast_on_both_sides_of_a_split(horizon):
    X, y = sliding_windows(np.arange(40), 5, horizon)
    y = y.reshape(len(X), -1)
    for train, test in TimeSeriesSplit(n_splits=3, gap=horizon - 1).split(X):
        # What is forecast in training is known when the first test forecast is made.
        assert y[train].max() == X[test].max(axis=1)[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2, 3], 0), "'window' parameter of sliding_windows must be an int"),
        (([1, 2, 3], 1.5), "'window' parameter"),
        (([1, 2, 3], 1, 0), "'horizon' parameter"),
        (([], 1), r"at least window \+ horizon = 2 steps, got 0. Pass a longer series"),
        ((3, 1), r"got shape \(\)"),
        ((np.zeros((2, 5, 3)), 1), r"got shape \(2, 5, 3\). Call it for one series"),
        ((np.zeros((5, 0)), 1), r"got shape \(5, 0\)"),
        ((["a", "b", "c"], 1), "expects numbers in series, got strings at position 0"),
        (([[1, 2], [3]], 1), "lists of one length and depth; item 1"),
    ],
)
def test_what_is_no_series_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sliding_windows(*arguments)


def test_wrong_strides_and_targets_are_refused():
    with pytest.raises(ValueError, match="'stride' parameter"):
        sliding_windows([1, 2, 3], 1, stride=0)
    with pytest.raises(ValueError, match="2-D series where target is given, got a 1-D one"):
        sliding_windows([1, 2, 3], 1, target=0)
    with pytest.raises(ValueError, match="got one without names of columns"):
        sliding_windows(np.zeros((5, 2)), 1, target="a")


def test_frames_of_mixed_and_nullable_columns():
    data = {"a": pd.array([1, None, 3], dtype="Int64"), "b": [True, False, True]}
    X, y = sliding_windows(pd.DataFrame(data), 2, target="a")
    assert np.array_equal(X, [[[1, 1], [np.nan, 0]]], equal_nan=True) and y.tolist() == [3]
    X, _ = sliding_windows(pl.DataFrame({"a": [1, None, 3], "b": data["b"]}), 2)
    assert np.array_equal(X, [[[1, 1], [np.nan, 0]]], equal_nan=True)


def test_a_stride_beyond_the_end_gives_one_window():
    assert sliding_windows(np.arange(5), 2, stride=2**62)[0].tolist() == [[0, 1]]


def test_a_name_of_two_columns_is_refused():
    frame = pd.DataFrame(np.ones((4, 2)), columns=["a", "a"])
    with pytest.raises(ValueError, match="one column target='a', got 2 of this name"):
        sliding_windows(frame, 2, target="a")


SALES = {"count": np.arange(20.0), "heat": np.arange(100.0, 120), "hour": np.arange(20.0) % 5}


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, None])
@pytest.mark.parametrize("horizon", [1, 3])
def test_known_values_of_the_future_follow_the_window(frame, horizon):
    array = np.column_stack(list(SALES.values()))
    series, names = (frame(SALES), ["count", "heat", "hour"]) if frame else (array, [0, -2, 2])
    count, heat, hour = names
    X, y = sliding_windows(
        series, 4, horizon, stride=2, target=count, past=[heat, count], future=[hour, heat]
    )
    starts = range(0, 20 - 4 - horizon + 1, 2)
    rows = [
        [array[s + t, f] for t in range(4) for f in (1, 0)]
        + [array[s + 4 + t, f] for t in range(horizon) for f in (2, 1)]
        for s in starts
    ]
    forecast = [[array[s + 4 + t, 0] for t in range(horizon)] for s in starts]
    assert np.array_equal(X, rows) and X.flags.c_contiguous and X.flags.owndata
    assert np.array_equal(y.reshape(len(X), -1), forecast)


def test_without_future_the_past_columns_keep_their_axis():
    X, y = sliding_windows(pd.DataFrame(SALES), 4, 2, target="count", past=["heat"])
    assert X.shape == (15, 4, 1) and y.shape == (15, 2)
    assert np.array_equal(X[:, 0, 0], np.arange(100, 115))


def test_no_future_value_of_the_target_is_in_X():
    table = pd.DataFrame(SALES)
    arguments = {"window": 4, "horizon": 3, "target": "count", "future": ["heat", "hour"]}
    X = sliding_windows(table, **arguments)[0]
    for now in range(len(X)):
        changed = table.copy()
        changed.loc[now + 4 :, "count"] = np.nan  # what is not known when row `now` is forecast
        X_known, y_known = sliding_windows(changed, **arguments)
        assert np.array_equal(X_known[now], X[now])
        assert np.isnan(y_known[now]).all()
        changed.loc[now + 7 :] = np.nan  # and no covariate beyond the horizon
        assert np.array_equal(sliding_windows(changed, **arguments)[0][now], X[now])


def test_the_future_of_the_past_columns_is_not_known():
    table = pd.DataFrame(SALES)
    X, _ = sliding_windows(table, 4, 3, target="count", future=["hour"])
    table.loc[4:, ["count", "heat"]] = np.nan
    assert np.array_equal(
        sliding_windows(table, 4, 3, target="count", future=["hour"])[0][0], X[0]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"future": ["hour"]}, "expects target where future is given, got None"),
        ({"target": "count", "future": ["hour", "count"]}, "got 'count' in both"),
        ({"target": -3, "future": [0]}, "got -3 in both"),
        ({"target": 0, "future": ["date"]}, "future='date' to be a column of series"),
        ({"target": 0, "future": [3]}, "future to be a position from 0 to 2, .* got 3"),
        ({"target": 0, "future": []}, r"future to be a list .* got \[\]"),
        ({"target": 0, "future": [1.5]}, "future to be a list .* got 1.5 in it"),
        ({"target": 0, "future": "hour"}, "'future' parameter of sliding_windows must be"),
        ({"past": [0, "count"]}, "past to have each column once"),
    ],
)
def test_wrong_columns_of_past_and_future_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sliding_windows(pd.DataFrame(SALES), 4, 3, **arguments)


def test_past_and_future_are_columns_of_a_table():
    with pytest.raises(ValueError, match="2-D series where past is given, got a 1-D one"):
        sliding_windows(np.arange(9), 2, past=[0])


def test_several_steps_are_forecast_from_known_covariates():
    heat = np.random.default_rng(0).normal(size=300)
    count = 0.5 * np.sin(np.arange(300)) + heat  # of which no past value tells the second part
    table = np.column_stack([count, heat])
    X, y = sliding_windows(table, 8, 4, target=0, future=[1])
    branches = [
        ("past", Branch(slice(0, 16), [GRU(8)], input_shape=(8, 2))),
        ("future", Branch(slice(16, None), [])),
    ]
    network = NeuralRegressor(
        layers=[("branches", ColumnBranches(branches)), Dense(16, activation="relu")],
        learning_rate_init=0.02,
        max_iter=30,
        tol=0,
        random_state=0,
    )
    model = make_pipeline(StandardScaler(), network)
    splits = TimeSeriesSplit(n_splits=2, test_size=60, gap=3)
    assert cross_val_score(model, X, y, cv=splits).min() > 0.8
    alone = cross_val_score(make_pipeline(StandardScaler(), Ridge()), X[:, :16], y, cv=splits)
    assert alone.max() < 0.3
