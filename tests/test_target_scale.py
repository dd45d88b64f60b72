"""A regressor standardizes its target: any scale is learned alike, and y's unit comes back."""

import pickle
from copy import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler

from sknet import NeuralRegressor
from sknet.estimators.target_scale import moments
from sknet.losses import Huber, Loss, Quantile, SquaredError

BRIEF = {"hidden_layer_sizes": (4,), "max_iter": 3, "tol": 0, "random_state": 0}
SCALED = ["squared_error", "absolute_error", "huber", "quantile", "gaussian", Quantile([0.1, 0.9])]


def small(**params):
    return NeuralRegressor(**{**BRIEF, **params})


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    return X, np.sin(X[:, 0]) + X[:, 1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("scale", "offset"), [(1e-6, 0), (1e-6, 1), (1e5, 3e5), (1e12, -1e20)])
def test_the_score_does_not_depend_on_scale_and_offset(scale, offset, dtype, data):
    X, y = data
    network = small(max_iter=30, learning_rate_init=0.01, dtype=dtype)
    standardized = (y - y.mean()) / y.std()
    expected = network.fit(X, standardized).score(X, standardized)
    assert expected > 0.1
    y = y * scale + offset
    assert network.fit(X, y).score(X, y) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("loss", SCALED)
def test_predictions_are_those_of_a_target_scaled_by_hand(loss, data):
    X, y = data
    y = 1e4 * y + 3e5
    given = small(loss=loss, standardize_target=False).fit(X, (y - y.mean()) / y.std())
    network = small(loss=loss).fit(X, y)
    assert_allclose(network.predict(X), given.predict(X) * y.std() + y.mean(), rtol=1e-9)
    assert_allclose(network.loss_curve_, given.loss_curve_, rtol=1e-9)
    assert_allclose([network.target_mean_, network.target_scale_], [[y.mean()], [y.std()]])
    assert given.target_mean_ is given.target_scale_ is None
    if loss == "gaussian":
        std = given.predict(X, return_std=True)[1] * y.std()
        assert_allclose(network.predict(X, return_std=True)[1], std)


def test_parameters_of_losses_are_in_units_of_the_deviation(data):
    X, y = data
    y = 10 * y
    options = {"solver": "lbfgs", "alpha": 0, "max_iter": 200, "tol": 1e-9}
    given = small(**options, hidden_layer_sizes=(), loss=Huber(2.0), standardize_target=False)
    scaled = small(**options, hidden_layer_sizes=(), loss=Huber(2.0 / y.std()))
    assert_allclose(scaled.fit(X, y).predict(X), given.fit(X, y).predict(X), atol=1e-3)


class Own(SquaredError):
    takes_standardized = Loss.takes_standardized


@pytest.mark.parametrize("loss", ["poisson", "gamma", Own()])
def test_losses_that_standardizing_would_change_take_y_as_it_is(loss, data):
    X, y = data
    y = 100 * np.exp(y)
    network, plain = small(loss=loss), small(loss=loss, standardize_target=False)
    assert_array_equal(network.fit(X, y).predict(X), plain.fit(X, y).predict(X))
    assert network.target_scale_ is None


def test_each_target_has_a_scale_of_its_own(data):
    X, y = data
    Y = np.column_stack([1e6 * y, 1e-3 * y + 5, np.full(60, 0.1)])
    network = small().fit(X, Y)
    expected = StandardScaler().fit(Y)
    assert_allclose(network.target_mean_, expected.mean_, rtol=1e-12)
    assert_allclose(network.target_scale_, expected.scale_, rtol=1e-12)
    assert network.target_scale_[2] == 1
    assert network.predict(X).shape == Y.shape


def test_the_scale_is_that_of_the_weighted_training_rows(data):
    X, y = data
    weight = np.arange(60) % 3
    expected = StandardScaler().fit(y[:, None], sample_weight=weight)
    wild = np.where(weight == 0, 1e9, y)
    network = small().fit(X, wild, weight, X_val=X[:9], y_val=y[:9] + 1)
    assert_allclose(network.target_mean_, expected.mean_)
    assert_allclose(network.target_scale_, expected.scale_)


def test_rows_that_are_held_out_do_not_set_the_scale(data):
    X, y = data
    params = {"early_stopping": True, "scoring": lambda estimator, X, y: held.append(y) or 0.0}
    held = []
    network = small(**params).fit(X, 10 * y)
    kept = np.setdiff1d(10 * y, held[0])
    assert len(kept) == 54
    assert_allclose([network.target_mean_[0], network.target_scale_[0]], [kept.mean(), kept.std()])


def test_scorers_see_the_unit_of_y(data):
    X, y = data
    y = 1e3 * y + 7e3
    network = small(early_stopping=True, scoring="neg_mean_absolute_error")
    network.fit(X, y, X_val=X, y_val=y)
    best = network.validation_scores_[network.best_iter_ - 1]
    assert best == pytest.approx(-np.abs(network.predict(X) - y).mean())
    assert network.history_["validation_loss"][-1] < 10


def test_the_first_call_sets_the_scale_of_later_ones(data):
    X, y = data
    network = small(warm_start=True).fit(X, y).fit(X, 2 * y)
    assert network.target_scale_ == pytest.approx(y.std())
    network.partial_fit(X, 2 * y)
    assert network.target_scale_ == pytest.approx(y.std())
    assert small().partial_fit(X, y).partial_fit(X, 9 * y).target_scale_ == pytest.approx(y.std())


def test_resuming_tells_of_a_target_of_another_scale(data):
    X, y = data
    network = small(warm_start=True, max_iter=12).fit(X, y)
    with pytest.warns(UserWarning, match=r"as in the first call, y has mean .*: set warm_start=F"):
        network.fit(X, 1e7 * y)


@pytest.mark.parametrize("changed", [{"standardize_target": False}, {"loss": "poisson"}])
def test_resuming_with_another_unit_is_refused(changed, data):
    X, y = data
    network = small(warm_start=True).fit(X, y)
    before = network.predict(X)
    network.set_params(**changed)
    message = r"was fitted to y standardized and .* which take y as it is; set warm_start=False"
    for resume in (network.fit, network.partial_fit):
        with pytest.raises(ValueError, match=message):
            resume(X, np.abs(y))
    assert_array_equal(network.predict(X), before)


@pytest.mark.parametrize("value", [0.1, -3e12, 0.0])
@pytest.mark.parametrize("weight", [None, np.linspace(0, 1, 60)])
def test_a_constant_target_has_the_deviation_1(value, weight, data):
    network = small(learning_rate_init=1e-300).fit(data[0], np.full(60, value), weight)
    assert network.target_mean_ == value
    assert network.target_scale_ == 1


def test_float32_gives_way_where_it_would_lose_the_offset(data):
    X, y = data[0].astype(np.float32), data[1].astype(np.float32)
    assert small().fit(X, y + 3).predict(X).dtype == np.float32
    far = small(max_iter=300).fit(X, y.astype(np.float64) + 1e9)
    assert far.predict(X).dtype == np.float64
    assert r2_score(y, far.predict(X) - 1e9) > 0.3
    assert far.network_.dtype == np.float32
    assert np.isfinite(small().fit(X, y.astype(np.float64) * 1e39).predict(X)).all()


def test_values_that_overflow_when_standardized_are_refused(data):
    X, y = data[0].astype(np.float32), data[1]
    network = small().fit(X, y)
    far = np.where(np.arange(60) == 2, 1e39, y)
    with pytest.raises(ValueError, match=r"Input y_val contains .* in row 2.* It overflows when"):
        network.fit(X, y, X_val=X, y_val=far)
    with pytest.raises(ValueError, match=r"Input y contains .* in row 2.* It overflows when"):
        network.partial_fit(X, far)


def test_moments_are_those_of_numpy_without_overflow():
    y = np.random.default_rng(0).normal(size=(50, 1)) + 3
    for factor in (2.0**-1060, 2.0**-500, 1.0, 2.0**1015):
        mean, deviation = moments(y * factor)
        assert_allclose([mean / factor, deviation / factor], [[y.mean()], [y.std()]], rtol=1e-5)


def test_the_target_is_left_as_it_was(data):
    X, y = data
    before = y.copy()
    small(early_stopping=True).fit(X, y, X_val=X, y_val=y)
    assert_array_equal(y, before)


def test_copies_keep_the_scale(data):
    X, y = data
    network = small(warm_start=True).fit(X, 1e6 * y)
    expected = network.predict(X)
    for other in (pickle.loads(pickle.dumps(network)), copy(network)):
        assert_array_equal(other.predict(X), expected)
        assert_array_equal(
            other.fit(X, 1e6 * y).predict(X), copy(network).fit(X, 1e6 * y).predict(X)
        )
    assert_array_equal(network.without_training_state().predict(X), expected)
