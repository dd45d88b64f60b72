import pickle

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.preprocessing import RobustScaler
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.fixes import parse_version

from sknet.preprocessing import SquashingScaler


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_cauchy(shape)


@pytest.mark.parametrize(
    "scaler", [SquashingScaler(), SquashingScaler(0.5, quantile_range=(10, 95.0))], ids=repr
)
def test_the_checks_of_scikit_learn_pass(scaler):
    check_estimator(scaler, on_skip=None)


@pytest.mark.parametrize("limit", [0.7, 3.0, 1e300])
@pytest.mark.parametrize("quantiles", [(25.0, 75.0), (10, 100)])
def test_it_is_the_robust_scaler_with_a_smooth_limit(limit, quantiles):
    X, new = draw(200, 3), draw(50, 3, seed=1)
    scaler = SquashingScaler(limit, quantile_range=quantiles).fit(X)
    u = RobustScaler(quantile_range=quantiles).fit(X).transform(new)
    assert_allclose(scaler.transform(new), u / np.hypot(1, u / limit), rtol=1e-12)


def test_a_rare_value_is_scaled_by_half_the_range_and_a_constant_vanishes():
    X = np.zeros((8, 3))
    X[0, 0], X[:, 1], X[:, 2] = 1.0, 5.0, np.nan
    scaler = SquashingScaler().fit(X)
    assert_array_equal(scaler.scale_, [0.5, np.inf, np.inf])
    assert_array_equal(scaler.center_, [0.0, 5.0, 0.0])
    out = scaler.transform([[1.0, 7.0, 2.0], [0.0, np.nan, np.nan]])
    assert_allclose(out, [[2 / np.sqrt(1 + 4 / 9), 0.0, 0.0], [0.0, np.nan, np.nan]], rtol=1e-14)


@pytest.mark.parametrize(("n_far", "half"), [(1, 0.5), (25, 0.5), (26, 333.0), (50, 333.0)])
def test_a_few_far_values_do_not_hide_what_a_column_of_zeros_holds(n_far, half):
    X = np.zeros((1000, 1))
    X[:50], X[:n_far] = 1.0, 666.0
    assert SquashingScaler().fit(X).scale_ == half
    X[2:] = 0
    assert SquashingScaler().fit(X).scale_ == (0.5 if n_far == 1 else 333.0)


def test_the_smallest_difference_is_none():
    scaler = SquashingScaler().fit([[0.0]] * 10 + [[5e-324]])
    assert_array_equal(scaler.transform([[0.0], [5e-324]]), [[0.0], [0.0]])


def test_missing_values_are_ignored_and_kept():
    X = draw(60, 2)
    holes = X.copy()
    holes[::3, 0] = np.nan
    scaler = SquashingScaler().fit(holes)
    known = SquashingScaler().fit(X[np.arange(60) % 3 > 0])
    assert (scaler.center_[0], scaler.scale_[0]) == (known.center_[0], known.scale_[0])
    out = scaler.transform(holes)
    assert_array_equal(np.isnan(out), np.isnan(holes))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_inverse_returns_the_values_in_their_type(dtype):
    X = np.random.default_rng(0).normal(50.0, 8.0, (100, 3)).astype(dtype)
    X[:, 1], X[4, 2] = 3.0, np.nan
    scaler = SquashingScaler()
    out = scaler.fit_transform(X)
    assert out.dtype == dtype
    back = scaler.inverse_transform(out)
    assert back.dtype == dtype
    assert_allclose(back, X, rtol=1e-5 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_at_the_limit_come_back_finite(dtype):
    scaler = SquashingScaler().fit(np.arange(5.0, dtype=dtype)[:, None])
    largest = np.finfo(dtype).max
    out = scaler.transform(np.array([[-largest], [largest]]))
    assert_allclose(out, [[-3.0], [3.0]])
    back = scaler.inverse_transform(np.array([[-7.0], [3.0]], dtype))
    assert np.isfinite(back).all() and back[0] < -1000 and back[1] > 1000


def test_differences_that_overflow_are_refused():
    X = np.array([[0.0, -1.7e308], [1.0, 1.7e308]])
    with pytest.raises(ValueError, match=r"quantiles differ by less than .* in column 1"):
        SquashingScaler(quantile_range=(0, 100)).fit(X)


def test_a_failed_fit_changes_nothing():
    scaler = SquashingScaler().fit(draw(9, 2))
    before = pickle.dumps(scaler)
    with pytest.raises(ValueError, match="infinity"):
        scaler.fit([[np.inf, 1.0, 2.0]])
    assert_array_equal(scaler.center_, pickle.loads(before).center_)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_keep_their_names(library):
    module = pytest.importorskip(library)
    if library == "polars" and parse_version(sklearn.__version__) < parse_version("1.9"):
        pytest.skip("older scikit-learn reads no names of polars 2")
    frame = module.DataFrame({"size": [1, 2, 3], "new": [True, False, True]})
    scaler = SquashingScaler().set_output(transform=library)
    out = scaler.fit_transform(frame)
    assert list(out.columns) == list(scaler.get_feature_names_out()) == ["size", "new"]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([["a"], ["b"]], "SquashingScaler expects numbers in X, got strings"),
        (np.array([["2020-01-01"]], "datetime64[D]"), "SquashingScaler expects numbers in X"),
        (csr_matrix(np.eye(2)), "Sparse data was passed"),
    ],
    ids=["strings", "dates", "sparse"],
)
def test_what_are_no_numbers_is_refused(X, message):
    with pytest.raises((ValueError, TypeError), match=message):
        SquashingScaler().fit(X)


@pytest.mark.parametrize("pair", [(75.0, 25.0), (25.0,), (0, 101), ("a", "b"), (True, 2)])
def test_wrong_quantiles_are_refused(pair):
    with pytest.raises(ValueError, match="quantile_range as two increasing percentages"):
        SquashingScaler(quantile_range=pair).fit([[1.0]])


@pytest.mark.parametrize("parameters", [{"max_absolute_value": 0}, {"quantile_range": [25, 75]}])
def test_wrong_parameters_are_refused(parameters):
    with pytest.raises(InvalidParameterError, match=next(iter(parameters))):
        clone(SquashingScaler(**parameters)).fit([[1.0]])


def test_an_inverse_of_other_features_is_refused():
    scaler = SquashingScaler().fit(draw(5, 2))
    with pytest.raises(ValueError, match="X has 3 features, but SquashingScaler is expecting 2"):
        scaler.inverse_transform(draw(5, 3))


@pytest.mark.parametrize("dtype", ["Float32", "float[pyarrow]"])
def test_nullable_float32_columns_stay_float32(dtype):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    X = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    expected = SquashingScaler().fit_transform(X)
    found = SquashingScaler().fit_transform(pandas.DataFrame(X, columns=["a", "b"]).astype(dtype))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
