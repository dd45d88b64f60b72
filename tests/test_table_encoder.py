import datetime as dt
import pickle
import sys
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix, dok_matrix
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import OrdinalEncoder
from sklearn.utils.estimator_checks import check_estimator

from sknet import TabularClassifier
from sknet.preprocessing import SquashingScaler, TableEncoder

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
pytest.importorskip("narwhals")

BERLIN = ZoneInfo("Europe/Berlin")
N = 60


def scaled(column):
    """Return a column as the scaler alone gives it; a missing value is the median."""
    column = np.asarray(column, dtype=float)[:, None]
    return np.nan_to_num(SquashingScaler().fit_transform(column))[:, 0].astype(np.float32)


def encoded(X, *, new=None, **params):
    """Return the encoded columns by name."""
    encoder = TableEncoder(**params).fit(X)
    out = encoder.transform(X if new is None else new)
    return dict(zip(encoder.get_feature_names_out(), out.T, strict=True))


def draw():
    """Return columns of every kind as lists, each with missing values in other rows."""
    rng = np.random.default_rng(0)

    def holes(values):
        return [None if rng.random() < 0.2 else value for value in values]

    start = dt.datetime(2018, 11, 30)
    dates = [
        start + dt.timedelta(hours=int(i), microseconds=7) for i in rng.integers(40000, size=N)
    ]
    whole = rng.integers(-5, 5, size=N).tolist()
    return {
        "float": holes(rng.normal(size=N).tolist()),
        "int": whole,
        "holes": holes(whole),
        "bool": (rng.random(N) > 0.4).tolist(),
        "maybe": holes((rng.random(N) > 0.4).tolist()),
        "few": holes(rng.choice(["x", "yy", "z"], N).tolist()),
        "many": holes([f"level {i}" for i in rng.integers(12, size=N)]),
        "date": holes([date.date() for date in dates]),
        "when": holes(dates),
        "zoned": holes([date.replace(tzinfo=dt.UTC).astimezone(BERLIN) for date in dates]),
        "span": holes([dt.timedelta(microseconds=int(i)) for i in rng.integers(10**9, size=N)]),
        "clock": holes([date.time() for date in dates]),
        "money": holes([Decimal(int(i)) / 100 for i in rng.integers(10**5, size=N)]),
        "zip": holes(rng.integers(10, size=N).tolist()),
        "constant": [3.5] * N,
        "empty": [None] * N,
        "id": [f"user {i}" for i in range(N)],
    }


ROWS = draw()


def frame(library):
    """Return the columns as a frame of a library."""
    table = pd.DataFrame(ROWS)
    if library == "pandas":
        return table
    if library == "objects":
        return table.astype(object)
    if library == "nullable":
        return table.convert_dtypes()
    if library == "nanoseconds":
        types = {"when": "M8[ns]", "span": "m8[ns]", "zoned": "datetime64[ns, Europe/Berlin]"}
        return table.astype(types)
    if library == "categories":
        return table.astype(dict.fromkeys(["few", "many", "zip"], "category"))
    types = {"money": pl.Decimal(12, 2), "zoned": pl.Datetime("us", "Europe/Berlin")}
    polars = pl.DataFrame(ROWS, schema_overrides=types)
    if library == "enum":
        levels = sorted(set(ROWS["many"]) - {None})
        return polars.with_columns(
            pl.col("few").cast(pl.Categorical), pl.col("many").cast(pl.Enum(levels))
        )
    if library == "pyarrow":
        return polars.to_arrow()
    if library == "arrow in pandas":
        return polars.to_arrow().to_pandas(types_mapper=pd.ArrowDtype)
    return polars


LIBRARIES = [
    "pandas",
    "objects",
    "nullable",
    "nanoseconds",
    "categories",
    "arrow in pandas",
    "polars",
    "enum",
    "pyarrow",
]
REFERENCE = TableEncoder(["zip"]).fit(frame("polars"))
ENCODED = REFERENCE.transform(frame("polars"))


def test_the_checks_of_scikit_learn_pass():
    check_estimator(TableEncoder(), on_skip=None)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_same_data_are_the_same_bits_from_each_library(library):
    X = frame(library)
    encoder = TableEncoder(["zip"])
    assert_array_equal(encoder.fit_transform(X), ENCODED)
    assert_array_equal(encoder.transform(X), ENCODED)
    names = REFERENCE.get_feature_names_out().tolist()
    assert encoder.get_feature_names_out().tolist() == names
    assert_array_equal(REFERENCE.transform(X), ENCODED)
    assert_array_equal(encoder.transform(frame("polars")), ENCODED)
    for i in (0, 7, N - 1):  # single rows are read another way
        assert_array_equal(REFERENCE.transform(X[i : i + 1]), ENCODED[i : i + 1])


def test_an_object_array_and_lists_are_the_same_as_a_frame():
    rows = list(zip(*ROWS.values(), strict=True))
    position = list(ROWS).index("zip")
    for X in (rows, [list(row) for row in rows], np.array(rows, dtype=object)):
        assert_array_equal(TableEncoder([position]).fit_transform(X), ENCODED)


def test_columns_have_their_order_and_are_counted():
    encoder, out = REFERENCE, ENCODED
    assert out.dtype == np.float32 and out.flags.c_contiguous
    names = encoder.get_feature_names_out().tolist()
    parts = ["year", "month", "weekday", "hour", "elapsed"]
    numbers = [
        *["float", "int", "holes"],
        *[f"date_{part}" for part in parts if part != "hour"],
        *[f"{name}_{part}" for name in ("when", "zoned") for part in parts],
        *["span", "clock", "money"],
    ]
    missing = ["date", "when", "zoned", "span", "clock", "money"]
    indicators = [
        *["float_missing", "holes_missing", "bool", "maybe", "few_x", "few_yy", "few_z"],
        *[f"{name}_missing" for name in missing],
    ]
    assert names == [*numbers, *indicators, "many", "zip"]
    assert (encoder.n_numbers_, encoder.n_indicators_) == (len(numbers), len(indicators))
    for codes, cardinality in zip(out[:, -2:].T, encoder.cardinalities_, strict=True):
        assert codes.min() == 0 and codes.max() == cardinality - 1
    assert encoder.n_features_in_ == len(ROWS)
    assert encoder.feature_names_in_.tolist() == list(ROWS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_are_squashed_and_missing_ones_are_zero(dtype):
    age = [20.0, np.nan, 40.0, 1e9, 30.0, 35.0]
    out = encoded(pd.DataFrame({"age": age}), dtype=dtype)
    assert list(out) == ["age", "age_missing"]
    assert out["age"].dtype == dtype
    assert_allclose(out["age"], scaled(age), rtol=1e-6)
    assert out["age"][1] == 0
    assert_allclose(out["age_missing"], scaled([0, 1, 0, 0, 0, 0]), rtol=1e-6)


def test_categories_become_indicators():
    X = pd.DataFrame(
        {
            "two": ["b", "a", None, "b", "a", "b"],
            "three": ["q", "r", "r", "p", None, "q"],
            "one": ["k", None, "k", "k", None, "k"],
        }
    )
    new = pd.DataFrame({"two": ["b", None, "new"], "three": ["new", "p", None], "one": ["k"] * 3})
    encoder = TableEncoder().fit(X)
    names = ["two", "three_p", "three_q", "three_r", "one_k"]
    assert encoder.get_feature_names_out().tolist() == names
    raw = np.array(
        [
            [1, 0, 1, 0, 1],
            [-1, 0, 0, 1, 0],
            [0, 0, 0, 1, 1],
            [1, 1, 0, 0, 1],
            [-1, 0, 0, 0, 0],
            [1, 0, 1, 0, 1],
        ]
    )
    scaler = SquashingScaler().fit(raw)
    assert_allclose(encoder.transform(X), scaler.transform(raw), rtol=1e-6)
    expected = scaler.transform([[1, 0, 0, 0, 1], [0, 1, 0, 0, 1], [0, 0, 0, 0, 1]])
    assert_allclose(encoder.transform(new), expected, rtol=1e-6)


def test_codes_are_those_of_the_ordinal_encoder_without_the_rare_levels():
    rng = np.random.default_rng(1)
    cells = rng.choice(
        [f"level {i:02}" for i in range(30)], 200, p=np.arange(1, 31) / 465
    ).tolist()
    cells[5] = None
    X = pd.DataFrame({"x": cells})
    encoder = TableEncoder(min_frequency=5).fit(X)
    out = encoder.transform(X)[:, 0]
    counts = X["x"].value_counts()
    kept = sorted(counts.index[counts >= 5])
    assert 0 < len(kept) < len(counts)
    known = OrdinalEncoder(
        categories=[kept],
        handle_unknown="use_encoded_value",
        unknown_value=-1,
        encoded_missing_value=-1,
    )
    assert_array_equal(out, 1 + known.fit_transform(X)[:, 0])
    assert encoder.cardinalities_ == (1 + len(kept),)
    assert encoder.transform(pd.DataFrame({"x": ["never seen"]})).tolist() == [[0]]


def test_the_most_frequent_levels_have_codes():
    cells = [i for i in range(10) for _ in range(i + 1)]
    encoder = TableEncoder([0], max_categories=4, max_one_hot=2).fit([[cell] for cell in cells])
    assert encoder.cardinalities_ == (4,)
    assert encoder.transform([[6], [7], [8], [9]]).tolist() == [[0], [1], [2], [3]]


def test_a_share_is_a_frequency_of_its_number_of_rows():
    X = pd.DataFrame({"x": [*"abcdefghi", *"abc" * 7]})
    for min_frequency in (5, 5 / 30, 4.5 / 30):
        encoder = TableEncoder(min_frequency=min_frequency).fit(X)
        # The three frequent levels are left, and are few.
        assert encoder.get_feature_names_out().tolist() == ["x_a", "x_b", "x_c"]


@pytest.mark.parametrize("n_levels, is_one_hot", [(4, True), (5, False)])
@pytest.mark.parametrize("has_missing", [False, True])
def test_a_missing_value_counts_as_a_level(n_levels, is_one_hot, has_missing):
    cells = [f"l{i}" for i in range(n_levels - has_missing)] * 3 + [None] * has_missing
    encoder = TableEncoder(max_one_hot=4).fit(pd.DataFrame({"x": cells}))
    assert (encoder.cardinalities_ == ()) == is_one_hot


def test_dates_become_the_parts_that_vary():
    when = pd.to_datetime(
        ["2020-02-29 13:30", "2021-02-01 13:00", None, "2023-02-05 13:59", "1969-02-03 13:00"],
        format="mixed",
    )
    out = encoded(pd.DataFrame({"t": when}))
    assert list(out) == ["t_year", "t_weekday", "t_elapsed", "t_missing"]
    assert_allclose(out["t_year"], scaled([2020, 2021, np.nan, 2023, 1969]), rtol=1e-6)
    assert_allclose(out["t_weekday"], scaled([5, 0, np.nan, 6, 0]), rtol=1e-6)
    days = (when - pd.Timestamp("2000-01-01")) / pd.Timedelta(days=1)
    assert_allclose(out["t_elapsed"], scaled(days), rtol=1e-6)


@pytest.mark.parametrize("zone", ["Europe/Berlin", dt.timezone(dt.timedelta(hours=-3))])
@pytest.mark.parametrize("n", [3, 50])
def test_dates_are_read_from_the_clocks_of_the_training_rows(zone, n):
    local = pd.Series(pd.date_range("2021-03-27", periods=50, freq="5h", tz=zone))
    X = pd.DataFrame({"t": local})
    encoder = TableEncoder().fit(X)
    out = dict(zip(encoder.get_feature_names_out(), encoder.transform(X).T, strict=True))
    assert_allclose(out["t_hour"], scaled(local.dt.hour), rtol=1e-6)
    abroad = X["t"].dt.tz_convert("Asia/Tokyo")
    for other in (abroad, abroad.astype(object)):
        new = pd.DataFrame({"t": other})[:n]
        assert_array_equal(encoder.transform(new), encoder.transform(X)[:n])
    new = pl.from_pandas(pd.DataFrame({"t": abroad}))[:n]
    assert_array_equal(encoder.transform(new), encoder.transform(X)[:n])


def test_time_spans_and_times_of_the_day_are_seconds():
    spans = [dt.timedelta(days=1), dt.timedelta(milliseconds=1), None, dt.timedelta(hours=-1)]
    clocks = [dt.time(1, 2, 3, 500000), dt.time(0), None, dt.time(23, 59)]
    out = encoded(pd.DataFrame({"span": spans, "clock": clocks}))
    assert_allclose(out["span"], scaled([86400, 0.001, np.nan, -3600]), rtol=1e-6)
    assert_allclose(out["clock"], scaled([3723.5, 0, np.nan, 86340]), rtol=1e-6)


def test_strings_beside_numbers_are_categories():
    X = pd.DataFrame({"x": [1, "1", 2.0, None, "b", np.nan, 1.0, Decimal(2)]})
    assert list(encoded(X)) == ["x_1", "x_2", "x_1_", "x_b"]
    assert encoded(X)["x_1"].tolist() == scaled([1, 0, 0, 0, 0, 0, 1, 0]).tolist()


def test_columns_that_say_nothing_vanish():
    X = pd.DataFrame(
        {
            "constant": 1.0,
            "word": "same",
            "empty": None,
            "nan": np.nan,
            "day": pd.Timestamp("2020-01-01"),
            "id": [f"u{i}" for i in range(20)],
            "x": np.arange(20),
            "again": np.arange(20),
        }
    )
    out = encoded(X)
    assert list(out) == ["x", "again"]
    assert_array_equal(out["x"], out["again"])
    # What they hold later does not matter.
    other = X.assign(constant="a", empty=3, day=1.5, word=2)
    assert_array_equal(TableEncoder().fit(X).transform(other), TableEncoder().fit_transform(X))


def test_a_constant_with_holes_is_an_indicator():
    out = encoded(pd.DataFrame({"x": [2.0, None, 2.0, 2.0], "c": ["a", None, "a", "a"]}))
    assert {name: column.tolist() for name, column in out.items()} == {
        "x_missing": scaled([0, 1, 0, 0]).tolist(),
        "c_a": scaled([1, 0, 1, 1]).tolist(),
    }


def test_all_kinds_of_missing_values_are_read_where_training_had_none():
    when = [dt.datetime(2020, 1, 1), dt.datetime(2021, 2, 2), dt.datetime(2022, 3, 3)]
    X = pd.DataFrame({"x": [1.0, 2.0, 4.0], "c": ["a", "b", "c"], "t": when})
    encoder = TableEncoder().fit(X)
    for missing in (None, np.nan, pd.NA, pd.NaT):
        for n in (1, 40):
            new = pd.DataFrame({name: [missing] * n for name in X})
            assert not encoder.transform(new).any()
    assert not encoder.transform(pl.DataFrame({name: [None] for name in X})).any()


@pytest.mark.parametrize(
    "chosen",
    [["b", "d"], [1, 3], np.array([1, 3]), [False, True, False, True], pd.Index(["d", "b"])],
)
def test_numbers_are_categories_where_declared(chosen):
    X = pd.DataFrame(np.arange(24).reshape(6, 4) % [6, 5, 24, 5], columns=list("abcd"))
    for table in (X, pl.from_pandas(X)):
        encoder = TableEncoder(chosen).fit(table)
        assert encoder.n_numbers_ == 2
        levels = encoder.get_feature_names_out().tolist()[2:]
        assert levels == [f"{name}_{i}" for name in "bd" for i in sorted(set(X[name]))]


def test_the_type_declares_numbers_as_categories():
    X = pd.DataFrame({"x": pd.Categorical([3, 1, 2, None])})
    assert list(encoded(X)) == ["x_1", "x_2", "x_3"]
    for chosen in (None, []):
        assert list(encoded(X, categorical_features=chosen)) == ["x", "x_missing"]
    assert list(encoded(X, new=pl.DataFrame({"x": [1, 2]}))) == ["x_1", "x_2", "x_3"]


def test_intervals_of_pandas_are_levels():
    X = pd.DataFrame({"x": pd.cut(pd.Series([0.5, 1.5, 2.5]), [0, 1, 2, 3])})
    assert list(encoded(X)) == ["x_(0, 1]", "x_(1, 2]", "x_(2, 3]"]


def test_booleans_are_categories_in_arrays_too():
    X = np.array([[True], [False], [True]])
    encoder = TableEncoder().fit(X)
    assert (encoder.n_numbers_, encoder.n_indicators_) == (0, 1)
    assert_array_equal(encoder.transform(X), TableEncoder().fit_transform(pd.DataFrame(X)))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_are_found_by_name(library):
    X = frame(library)
    assert_array_equal(REFERENCE.transform(X[list(ROWS)[::-1]]), ENCODED)
    assert_array_equal(REFERENCE.transform(X[list(ROWS)[::-1]][3:4]), ENCODED[3:4])


def test_columns_named_by_numbers_are_found_too():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(9, 3)))
    encoder = TableEncoder().fit(X)
    assert not hasattr(encoder, "feature_names_in_")
    assert_array_equal(encoder.transform(X[[2, 0, 1]]), encoder.transform(X.to_numpy()))


def test_columns_may_be_named_like_methods():
    X = pd.DataFrame({"collect": [1, 2], "column_names": [3, 4], "dtypes": ["a", "b"]})
    assert list(encoded(X)) == ["collect", "column_names", "dtypes"]


def test_names_of_the_result_are_different():
    out = encoded(pd.DataFrame({"a": [1.0, None, 2.0], "a_missing": [1, 2, 3]}))
    assert list(out) == ["a", "a_missing", "a_missing_"]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_the_result_can_be_a_frame(library):
    out = TableEncoder(["zip"]).set_output(transform=library).fit_transform(frame(library))
    assert list(out.columns) == REFERENCE.get_feature_names_out().tolist()
    assert_array_equal(out.to_numpy(), ENCODED)


def test_a_pickle_holds_no_rows():
    encoder = clone(REFERENCE).fit(frame("pandas"))
    data = pickle.dumps(encoder)
    assert b"user 7" not in data
    assert_array_equal(pickle.loads(data).transform(frame("pandas")), ENCODED)
    twice = pd.concat([frame("pandas")] * 20)
    assert len(pickle.dumps(clone(encoder).set_params(min_frequency=60).fit(twice))) < 1.2 * len(
        data
    )


@pytest.mark.parametrize(
    "cells, kind",
    [
        ([f"{i}.5" for i in range(20)], "numbers"),
        ([f"2020-01-{i + 1:02}" for i in range(20)], "dates"),
        ([f"2020-01-{i % 10 + 1:02} 10:00" for i in range(60)], "dates"),
    ],
)
def test_numbers_and_dates_in_the_form_of_strings_are_warned_of(cells, kind):
    X = pd.DataFrame({"x": np.arange(len(cells)), "s": cells})
    with pytest.warns(UserWarning, match=rf"takes column 's' for a category: it holds {kind}"):
        TableEncoder().fit(X)
    model, y = TabularClassifier(cv=2, max_iter=1), np.arange(len(X)) % 2
    with pytest.warns(UserWarning, match="^TabularClassifier takes column 's' for a category"):
        model.fit(X, y)
    TableEncoder(["s"]).fit(X)  # declared


def test_codes_in_the_form_of_digits_are_not_warned_of():
    TableEncoder().fit(pd.DataFrame({"zip": [f"{10000 + i % 12}" for i in range(60)]}))


def test_a_fit_that_fails_leaves_the_encoder_as_it_was():
    encoder = TableEncoder().fit(pd.DataFrame({"x": [1.0, 2.0]}))
    before = vars(encoder).copy()
    with pytest.raises(ValueError, match="infinity"):
        encoder.fit(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, np.inf]}))
    assert vars(encoder) == before


def test_without_narwhals_a_frame_is_refused(monkeypatch):
    X = pd.DataFrame({"x": [1.0, 2.0]})
    monkeypatch.setitem(sys.modules, "narwhals", None)
    with pytest.raises(ImportError, match="pip install narwhals"):
        TableEncoder().fit(X)


X = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": ["x", "y", "x", "z"]})
WHEN = pd.DataFrame({"t": pd.date_range("2020", periods=4)})
TEXT = [f"the film number {i} was a really great one" for i in range(20)]


def one(*cells):
    """Return a frame of one column, some of whose cells are wrong."""
    return pd.DataFrame({"x": pd.Series(list(cells), dtype=object)})


@pytest.mark.parametrize(
    "wrong, message",
    [
        (None, "expects a table in X, got a NoneType"),
        ("table.csv", "expects a table in X, got a str"),
        (3.0, "expects a table in X, got a float"),
        (pd.DataFrame, "expects a table in X, got a type"),
        ({"a": [1, 2]}, r"expects a table in X, got a dict. Pass pandas.DataFrame\(X\)"),
        ({1, 2}, "got a set, which has no order"),
        ((row for row in [[1], [2]]), "expects a table in X, got a generator"),
        ([[1, 2], [3]], "expects rows of one length in X"),
        ([1, 2, 3], "Expected 2D array, got 1D array"),
        (X["a"], "Expected a 2-dimensional container"),
        (pl.Series([1, 2]), "Expected 2D array, got 1D array"),
        (np.zeros((3, 2, 2)), "Found array with dim 3"),
        (csr_matrix((3, 2)), "Sparse data was passed"),
        (dok_matrix((3, 2)), "Sparse data was passed"),
        (pl.LazyFrame({"a": [1, 2]}), r"not been evaluated. Pass X.collect\(\)"),
        (X[:0], r"Found array with 0 sample\(s\) \(shape=\(0, 2\)\)"),
        (pl.DataFrame({"a": []}), r"Found array with 0 sample\(s\)"),
        (X[[]], r"Found array with 0 feature\(s\) \(shape=\(4, 0\)\)"),
        (np.zeros((0, 2)), r"Found array with 0 sample\(s\)"),
        (X[["a", "a"]], "differ in their names, got column 'a' more than once"),
        (X.rename(columns={"a": 1}), "named by strings only or by none"),
        (X[:1], r"nothing to learn from in X .* 1 sample\(s\)"),
        (pd.DataFrame({"a": [1, 1], "b": [None, None]}), "nothing to learn from in X of 2 column"),
        (one(1.0, np.inf), "expects finite or missing numbers in X.* in column 'x'"),
        (one(1.0, -np.inf), "expects finite or missing numbers in X.* in column 'x'"),
        (one(1, 10**400), "numbers too large for a float in column 'x'"),
        (one(1e308, -1e308), "numbers too large for a float in column 'x'"),
        (np.array([[1.0], [np.inf]]), "expects finite or missing numbers in X.* in column 0"),
        (np.array([[1j], [2]]), "Complex data not supported"),
        (one(1j, 2), "got complex numbers and numbers in column 'x'"),
        (one(b"a", b"b"), "got bytes in column 'x'"),
        (one([1], [2, 3]), "got sequences in column 'x'"),
        (one({"k": 1}, {}), "got objects of type dict in column 'x'"),
        (one(object(), 1), "got numbers and objects of type object in column 'x'"),
        (one(dt.datetime(2020, 1, 1), "a"), "got dates and strings in column 'x'"),
        (one(dt.datetime(2020, 1, 1), 3), "got dates and numbers in column 'x'"),
        (
            one(dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
            "got dates and dates with a time zone in column 'x'",
        ),
        (one(dt.datetime(2020, 1, 1), np.arange(2)), "got dates and sequences in column 'x'"),
        (one(dt.timedelta(1), 3), "got numbers and time spans in column 'x'"),
        (pl.DataFrame({"x": [[1], [2]]}), "got sequences in column 'x'"),
        (pl.DataFrame({"x": [{"k": 1}, {"k": 2}]}), "got objects of type dict in column 'x'"),
        (one(*pd.period_range("2020", periods=2)), "got objects of type Period in column 'x'"),
        (np.array([["2000"], ["100000000000"]], "M8[Y]"), "290,000 years away .* in column 0"),
        (one(*TEXT), "got text of 9 words a cell in column 'x'.*TokenizerTransformer.*skrub"),
    ],
)
def test_a_wrong_table_has_its_sentence(wrong, message):
    with pytest.raises((ValueError, TypeError), match=message):
        TableEncoder().fit(wrong)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"categorical_features": "b"}, "Put a single name into a list"),
        ({"categorical_features": ["q"]}, "finds no column 'q' in X"),
        ({"categorical_features": [2]}, "expects positions from 0 to 1.*, got 2"),
        ({"categorical_features": [-1]}, "expects positions from 0 to 1.*, got -1"),
        ({"categorical_features": [True]}, "expects a mask of 2 entries.*, got 1"),
        ({"categorical_features": ["a", 1]}, "all of one type"),
        ({"categorical_features": [0.5]}, "names, positions or a mask, all of one type"),
        ({"categorical_features": [["a"], ["b"]]}, "as a flat list, got 2 axes"),
        ({"categorical_features": 1}, "'categorical_features' parameter of TableEncoder must be"),
        ({"categorical_features": {"a": 1}}, "'categorical_features' parameter"),
        ({"max_one_hot": 1}, "'max_one_hot' parameter of TableEncoder must be an int"),
        ({"max_one_hot": 2.5}, "'max_one_hot' parameter"),
        ({"min_frequency": 0}, "'min_frequency' parameter"),
        ({"min_frequency": 1.5}, "'min_frequency' parameter"),
        ({"max_categories": 1}, "'max_categories' parameter"),
        ({"dtype": int}, "expects dtype=np.float32 or np.float64, got <class 'int'>"),
        ({"dtype": "float16"}, "got 'float16'"),
        ({"dtype": "number"}, "got 'number'"),
        ({"dtype": None}, "got None"),
    ],
)
def test_a_wrong_parameter_has_its_sentence(params, message):
    with pytest.raises(ValueError, match=message):
        TableEncoder(**params).fit(X)


def test_names_need_a_frame():
    with pytest.raises(ValueError, match=r"expects positions .* if X is an array, got names"):
        TableEncoder(["a"]).fit(X.to_numpy())


@pytest.mark.parametrize(
    "fitted, wrong, message",
    [
        (X, X[["a"]], "X lacks column 'b'"),
        (X, X.rename(columns={"a": "A"}), "X lacks column 'a' and has column 'A'"),
        (X, X.assign(c=1, d=2), "was fitted without columns 'c', 'd' of X"),
        (X, X[["a", "b", "a"]], "got column 'a' more than once"),
        (X, X[:0], r"Found array with 0 sample\(s\)"),
        (X, pl.DataFrame(X.to_dict("list")).lazy(), "has not been evaluated"),
        (X, None, "expects a table in X"),
        (X, X.assign(a="p"), "expects booleans or numbers in column 'a', as in training, got str"),
        (X, X.assign(a="1.5"), "as in training, got strings"),
        (X, X.assign(a=pd.Timestamp("2020")), "as in training, got dates"),
        (X, X.assign(a=pd.Timedelta(1)), "as in training, got time spans"),
        (X, X.assign(a=[np.inf, 1, 2, 3]), "expects finite or missing numbers .* column 'a'"),
        (X, X.assign(b=1.5), "expects strings in column 'b', as in training, got numbers"),
        (X, X.assign(b=[[1], [2], [3], [4]]), "got sequences in column 'b'"),
        (X, pd.concat([X.assign(b=[[1], [2], [3], [4]])] * 10), "got sequences in column 'b'"),
        (WHEN, WHEN.astype(str), "expects dates in column 't', as in training, got strings"),
        (WHEN, WHEN.astype("int64"), "expects dates in column 't', as in training, got numbers"),
        (WHEN, pd.DataFrame({"t": WHEN["t"].dt.tz_localize("UTC")}), "got dates with a time zone"),
        (np.eye(3), np.eye(4), "X has 4 features, but TableEncoder is expecting 3"),
    ],
)
def test_wrong_rows_have_their_sentence(fitted, wrong, message):
    encoder = TableEncoder().fit(fitted)
    with pytest.raises((ValueError, TypeError), match=message):
        encoder.transform(wrong)


def test_an_encoder_without_fit_says_so():
    for call in (lambda: TableEncoder().transform(X), TableEncoder().get_feature_names_out):
        with pytest.raises(NotFittedError):
            call()


def test_arrays_for_frames_are_warned_of_as_scikit_learn_does():
    encoder = TableEncoder().fit(X)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        assert_array_equal(encoder.transform(X.to_numpy()), encoder.transform(X))
    encoder.fit(X.to_numpy())
    with pytest.warns(UserWarning, match="TableEncoder was fitted without feature names"):
        encoder.transform(X)


def test_each_column_of_the_result_tells_what_it_is_made_of():
    encoder = TableEncoder(["zip"]).fit(frame("pandas"))
    names_in = encoder.feature_names_in_[encoder.feature_indices_]
    names = encoder.get_feature_names_out()
    assert len(names) == len(names_in) > 10
    assert all(name.startswith(origin) for name, origin in zip(names, names_in, strict=True))


def test_long_integers_and_nanoseconds_are_read():
    whole = pl.DataFrame({"x": [*range(20), None], "y": np.arange(21.0)})
    long = whole.with_columns(whole["x"].cast(pl.Int128))
    assert_array_equal(TableEncoder().fit_transform(long), TableEncoder().fit_transform(whole))
    times = [i * 1_000_000_001 for i in range(20)]
    found = TableEncoder().fit_transform(pa.table({"t": pa.array(times, pa.time64("ns"))}))
    expected = TableEncoder().fit_transform(pd.DataFrame({"t": np.arange(20.0)}))
    assert_allclose(found, expected, rtol=1e-5)
