"""What is a number is taken, what NumPy could only cast to one is refused."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_matrix

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor
from sknet.cells import as_array, as_numbers
from sknet.finite import check_finite
from sknet.layers import GRU

BRIEF = {"hidden_layer_sizes": (3,), "max_iter": 1, "tol": 0, "random_state": 0}
RNG = np.random.default_rng(0)
X = RNG.standard_normal((8, 3))
DAYS = np.datetime64("2020-01-01") + np.arange(3)
FRAME = pd.DataFrame(X, columns=list("abc"))


def objects(cells):
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2.5], [1, 2.5]),
        (
            objects([True, 2, np.float32(0.5), Decimal("1.5"), Fraction(1, 4)]),
            [1, 2, 0.5, 1.5, 0.25],
        ),
        (objects([None, pd.NA, 3]), [np.nan, np.nan, 3]),
        ([2**70, 1], [2.0**70, 1]),
        (pd.Series([1, None], dtype="Int64"), [1, np.nan]),
        (pl.Series([1, 2]), [1, 2]),
        (np.ma.masked_equal([1, 2], 2), [1, np.nan]),
        (pd.DataFrame({"a": [1, 2], "b": [True, False]}), [[1, 1], [2, 0]]),
    ],
)
def test_numbers_of_all_types_are_taken(values, expected):
    assert_array_equal(as_array(values, "X", "Someone"), expected)


@pytest.mark.parametrize("largest", [True, 2**53 + 1, 2**64 - 1])
def test_whole_numbers_in_an_object_array_stay_exact(largest):
    assert as_numbers(objects([True, largest]), "X", "Someone").tolist() == [True, largest]


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (["1.5", "2"], ValueError, r"got strings at position 0\. Convert digits"),
        ([[1.0, 2], [3, "b"]], ValueError, r"got strings in row 1, column 1\. "),
        (np.array([b"a"]), ValueError, r"got bytes\. "),
        (np.array(["1"], np.dtypes.StringDType()), ValueError, r"got strings\. .*Tokenizer"),
        (DAYS, ValueError, r"got dates\. .*timedelta64"),
        (DAYS - DAYS[0], ValueError, r"got time spans\. "),
        ([np.timedelta64("NaT"), 1.0], ValueError, r"got time spans at position 0\. "),
        ([datetime.date(2020, 1, 1)], ValueError, r"got dates at position 0\. "),
        ([1.0, pd.NaT], ValueError, r"got dates at position 1\. "),
        ([1, 1j], ValueError, r"^Complex data not supported: .* at position 1\. "),
        (np.zeros(2, [("a", float)]), ValueError, r"got records\. "),
        ([1, 10**400], ValueError, r"one above 1\.8e308 at position 1\. "),
        ([[1, 2], [1]], ValueError, r"lists of one length and depth; item 1 differs"),
        ([[1, 2], [[1], [2]]], ValueError, r"lists of one length and depth; item 1 differs"),
        ([[1, [2]]], ValueError, r"lists of one length and depth; item 0 differs"),
        (objects([[1], [2]]), ValueError, r"got sequences at position 0\. .*to_list"),
        ([[1, 2], None], ValueError, r"item of type NoneType at position 1\. Leave it out"),
        ([[1, 2], [1], "ab"], ValueError, r"item of type str at position 2\. "),
        (
            objects([csr_matrix([[1.0]])]),
            ValueError,
            r"sparse matrices .*scipy\.sparse\.vstack",
        ),
        (pl.LazyFrame({"n": [1]}), ValueError, r"got a LazyFrame, which has not been evaluated"),
        (objects([{}]), TypeError, r"got objects of type dict at position 0\. "),
        ({1, 2}, TypeError, r"got a set, which has no order\. Pass a list, such as sorted\(X\)"),
        ({"a": [1]}, TypeError, r"got a dict\. Pass list\(X\.values\(\)\)"),
        (None, ValueError, r"got None\."),
        (
            FRAME.assign(a="x", b=pd.Timestamp(0)),
            ValueError,
            r"got strings in column 'a' and dates in column 'b'\. ",
        ),
        (pl.DataFrame({"n": [1], "s": ["x"], "d": DAYS[:1]}), ValueError, r"'s' and dates .*'d'"),
        (FRAME.assign(b=pd.Categorical(["u", "v"] * 4)), ValueError, r"strings in column 'b'"),
        (
            FRAME.assign(b=pd.Series([10**400] * 8, dtype=object)),
            ValueError,
            r"above 1\.8e308 at position 0 in column 'b'",
        ),
        (pd.DataFrame([["x"] * 7]), ValueError, r"columns 0, 1, 2, 3, 4 and 2 more"),
    ],
)
def test_what_is_no_number_is_refused_by_its_place(values, error, message):
    with pytest.raises(error, match=message) as caught:
        as_numbers(values, "X", "Someone")
    assert "Someone expects " in str(caught.value)


def test_the_first_cell_that_is_not_finite_is_named():
    with pytest.raises(ValueError, match=r"Input y contains NaN in row 1, column 0\. Do this\."):
        check_finite(np.array([[np.inf, 1], [np.nan, 1]]), "y", "Do this.")
    with pytest.raises(ValueError, match=r"too large for dtype\('float32'\) at position 1\. "):
        check_finite(np.array([1, np.inf], np.float32), "y", "Do this.")


@pytest.mark.parametrize(
    ("values", "place"),
    [
        (FRAME.assign(b=np.nan, c=[np.nan, 1] * 4), "columns 'b', 'c'"),
        (np.where(np.arange(3) == 1, np.nan, X), "column 1"),
        (csr_matrix(np.where(np.arange(3) == 2, np.nan, X)), "column 2"),
        (FRAME.assign(b=[None, 1.5] * 4).astype({"b": object}), "column 'b'"),
    ],
)
@pytest.mark.parametrize("kind", [NeuralRegressor, AutoencoderTransformer])
def test_missing_values_are_told_by_their_columns(kind, values, place):
    advice = "handle_missing='ignore'" if kind is AutoencoderTransformer else "SimpleImputer"
    with pytest.raises(ValueError, match=f"Input X contains NaN in {place}. .*{advice}"):
        kind(**BRIEF).fit(values, X[:, 0])


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (NeuralClassifier, "TabularClassifier"),
        (NeuralRegressor, "TabularRegressor"),
        (AutoencoderTransformer, "TableEncoder"),
    ],
)
@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_who_takes_a_table_of_strings_and_gaps_is_named(kind, named, library):
    y = [0, 1] * 4
    tables = [
        ({"n": y, "s": list("abcdefgh"), "t": ["x"] * 8}, "strings in columns 's', 't'"),
        ({"n": [None, 1.0] * 4, "s": y}, "NaN in column 'n'"),
        ({"n": y, "d": DAYS.repeat(3)[:8]}, "dates in column 'd'"),
    ]
    for columns, fault in tables:
        network, X = kind(**BRIEF), library(columns)
        with pytest.raises(ValueError, match=f"{fault}\\. .*{named}"):
            network.fit(X, y)
    fitted = kind(**BRIEF).fit(np.zeros((8, 2)), y)
    with pytest.raises(ValueError, match=f"Input X contains NaN in column 0. .*{named}"):
        getattr(fitted, "predict", getattr(fitted, "transform", None))([[np.nan, 1]])


def test_samples_of_a_shape_are_no_table():
    for params in ({"input_shape": (2, 2)}, {"layers": [GRU(1)], "input_shape": (None, 1)}):
        network = NeuralClassifier(**{**BRIEF, "hidden_layer_sizes": (100,)}, **params)
        for X in (np.full((4, 4), np.nan), np.full((4, 4), "a")):
            with pytest.raises(ValueError, match=r"NaN|strings") as caught:
                network.fit(X, [0, 1, 0, 1])
            assert "Tabular" not in str(caught.value)


def test_missing_values_are_told_by_their_sample():
    images = np.ones((3, 2, 2))
    images[1, 0, 1] = np.inf
    with pytest.raises(ValueError, match=r"contains infinity .* in the sample at position 1\. "):
        NeuralClassifier(layers=[GRU(1)]).fit(images, [0, 1, 0])
    with pytest.raises(ValueError, match=r"contains NaN in the sample at position 1\. "):
        NeuralClassifier(layers=[GRU(1)]).fit([[[1.0]], [[np.nan], [1]]], [0, 1])


def test_an_autoencoder_that_ignores_missing_cells_takes_none_and_na_for_nan():
    gaps = X.astype(object)
    gaps[1, 0], gaps[2, 1] = None, pd.NA
    network = AutoencoderTransformer(handle_missing="ignore", **BRIEF).fit(gaps)
    assert_array_equal(
        network.transform(gaps), network.transform(np.where(pd.isna(gaps), np.nan, X))
    )


DATES = np.tile(DAYS, (8, 1))


@pytest.mark.parametrize("wrong", [DATES, X.astype(str), FRAME.assign(a="x")])
def test_all_that_takes_x_refuses_what_is_no_number(wrong):
    classifier = NeuralClassifier(**BRIEF).fit(X, [0, 1] * 4)
    autoencoder = AutoencoderTransformer(**BRIEF).fit(X)
    calls = [
        lambda: classifier.predict(wrong),
        lambda: classifier.partial_fit(wrong, [0, 1] * 4),
        lambda: NeuralClassifier(**BRIEF).fit(X, [0, 1] * 4, X_val=wrong, y_val=[0, 1] * 4),
        lambda: classifier.network_.activations(wrong, 0),
        lambda: autoencoder.transform(wrong),
        lambda: autoencoder.inverse_transform(wrong),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"expects numbers in X, got"):
            call()


@pytest.mark.parametrize("wrong", [DAYS.repeat(3)[:8], X[:, 0].astype(str), [None] * 8])
def test_all_that_takes_y_refuses_what_is_no_number(wrong):
    regressor = NeuralRegressor(**BRIEF).fit(X, X[:, 0])
    calls = [
        lambda: regressor.partial_fit(X, wrong),
        lambda: regressor.score(X, wrong),
        lambda: NeuralRegressor(**BRIEF).fit(X, X[:, 0], X_val=X, y_val=wrong),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"(numbers in y, got|Input y contains NaN at)"):
            call()


def test_columns_may_have_the_names_of_methods_of_frames():
    X = pd.DataFrame(np.eye(4), columns=["collect", "to_list", "columns", "dtype"])
    network = NeuralRegressor((4,), max_iter=2, tol=0, random_state=0).fit(X, X["collect"])
    assert network.feature_names_in_.tolist() == X.columns.tolist()
