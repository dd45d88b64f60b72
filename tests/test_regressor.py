"""The regressor: losses against scikit-learn's models, several targets, what MLP's users read."""

from re import search

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    GammaRegressor,
    HuberRegressor,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
)
from sklearn.metrics import d2_pinball_score, mean_gamma_deviance, mean_poisson_deviance, r2_score
from sklearn.neural_network import MLPRegressor

from sknet import NeuralRegressor
from sknet.losses import Huber, Quantile


def small(**params):
    defaults = {"hidden_layer_sizes": (8,), "max_iter": 20, "tol": 0, "random_state": 0}
    return NeuralRegressor(**{**defaults, **params})


def linear(loss, **params):
    """A network without hidden layers, which is the linear model of the loss."""
    defaults = {"solver": "lbfgs", "alpha": 0.0, "max_iter": 2000, "tol": 1e-7}
    return NeuralRegressor((), loss=loss, random_state=0, **{**defaults, **params})


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    mean = X @ [1.0, -0.5, 0.2] + 0.5
    return X, mean, rng


def test_squared_error_without_hidden_layers_is_ridge_regression(data):
    X, mean, rng = data
    y = mean + rng.normal(size=200)
    # alpha / 2 * |w|^2 + sum of r^2 / 2 is Ridge's objective halved.
    expected = Ridge(alpha=3.0).fit(X, y)
    network = linear("squared_error", alpha=3.0).fit(X, y)
    assert_allclose(network.predict(X), expected.predict(X), atol=1e-5)
    assert network.score(X, y) == pytest.approx(r2_score(y, network.predict(X)))


def test_poisson_without_hidden_layers_is_poisson_regression(data):
    X, mean, rng = data
    y = rng.poisson(np.exp(mean)).astype(float)
    expected = PoissonRegressor(alpha=0, tol=1e-8, max_iter=1000).fit(X, y).predict(X)
    network = linear("poisson").fit(X, y)
    assert_allclose(network.predict(X), expected, rtol=1e-4)
    assert network.out_activation_ == "exp"
    deep = NeuralRegressor(
        (16,), loss="poisson", solver="lbfgs", max_iter=100, tol=0, random_state=0
    ).fit(X, y)
    assert mean_poisson_deviance(y, deep.predict(X)) < mean_poisson_deviance(y, expected)


def test_gamma_without_hidden_layers_is_gamma_regression(data):
    X, mean, rng = data
    y = rng.gamma(2.0, np.exp(mean) / 2)
    expected = GammaRegressor(alpha=0, tol=1e-8, max_iter=1000).fit(X, y).predict(X)
    predicted = linear("gamma").fit(X, y).predict(X)
    assert_allclose(predicted, expected, rtol=1e-4)
    assert mean_gamma_deviance(y, predicted) <= mean_gamma_deviance(y, expected) + 1e-8


@pytest.mark.parametrize("loss", ["absolute_error", "quantile", Quantile(0.8)])
def test_quantiles_without_hidden_layers_come_near_quantile_regression(data, loss):
    X, mean, rng = data
    y = mean + rng.standard_t(3, size=200)
    quantile = loss.quantiles if isinstance(loss, Quantile) else 0.5
    expected = QuantileRegressor(quantile=quantile, alpha=0).fit(X, y).predict(X)
    network = linear(
        loss,
        solver="adam",
        learning_rate="cosine",
        learning_rate_init=0.03,
        max_iter=1500,
        n_iter_no_change=np.inf,
    ).fit(X, y)
    best = d2_pinball_score(y, expected, alpha=quantile)
    assert d2_pinball_score(y, network.predict(X), alpha=quantile) > best - 1e-3
    assert np.mean(y <= network.predict(X)) == pytest.approx(quantile, abs=0.03)


def test_huber_is_as_robust_as_huber_regression(data):
    X, mean, rng = data
    y = mean + 0.1 * rng.normal(size=200)
    y[::10] += 50
    expected = HuberRegressor(epsilon=1.35, alpha=0).fit(X, y)
    network = linear(Huber(0.135 / y.std())).fit(X, y)
    assert_allclose(network.predict(X), expected.predict(X), atol=0.05)
    assert np.abs(network.predict(X) - mean).max() < 0.2
    assert np.abs(Ridge().fit(X, y).predict(X) - mean).max() > 2


def test_several_quantiles_never_cross_and_cover_their_share(data):
    X, mean, rng = data
    y = mean + np.exp(0.5 * X[:, 0]) * rng.normal(size=200)
    quantiles = [0.1, 0.5, 0.9]
    network = NeuralRegressor(
        (16,),
        loss=Quantile(quantiles),
        learning_rate_init=0.01,
        max_iter=300,
        tol=0,
        random_state=0,
    ).fit(X, y)
    predicted = network.predict(X)
    assert predicted.shape == (200, 3)
    assert_allclose(np.mean(y[:, None] <= predicted, axis=0), quantiles, atol=0.05)
    far = 100 * rng.normal(size=(500, 3))
    assert (np.diff(network.predict(far), axis=1) >= 0).all()
    columns = zip(quantiles, predicted.T, strict=True)
    scores = [d2_pinball_score(y, column, alpha=q) for q, column in columns]
    assert network.score(X, y) == pytest.approx(np.mean(scores))


def test_gaussian_gives_mean_and_standard_deviation(data):
    X, mean, rng = data
    std = np.exp(0.5 * X[:, 0])
    y = mean + std * rng.normal(size=200)
    network = linear("gaussian").fit(X, y)
    predicted, deviation = network.predict(X, return_std=True)
    assert_array_equal(predicted, network.predict(X))
    assert predicted.shape == deviation.shape == (200,)
    assert np.corrcoef(np.log(deviation), X[:, 0])[0, 1] > 0.95
    assert np.mean(np.abs(y - predicted) < deviation) == pytest.approx(0.68, abs=0.06)
    # At the maximum of the likelihood, with a free intercept of the log-variance.
    assert np.mean(((y - predicted) / deviation) ** 2) == pytest.approx(1, abs=1e-3)


def test_gaussian_of_several_targets_has_one_deviation_each(data):
    X, mean, rng = data
    Y = np.column_stack([mean, mean]) + rng.normal(size=(200, 2)) * [0.1, 2.0]
    predicted, deviation = linear("gaussian").fit(X, Y).predict(X, return_std=True)
    assert predicted.shape == deviation.shape == (200, 2)
    assert_allclose(deviation.mean(axis=0), [0.1, 2.0], rtol=0.15)


def test_return_std_follows_the_loss_of_the_fit(data):
    X, mean, _ = data
    network = small(max_iter=2, loss="gaussian").fit(X, mean)
    expected = network.predict(X, return_std=True)[1]
    network.set_params(loss="squared_error")
    assert_array_equal(network.predict(X, return_std=True)[1], expected)
    network.fit(X, mean).set_params(loss="gaussian")
    with pytest.raises(ValueError, match=r"was fitted with SquaredError\. Set .* fit again"):
        network.predict(X, return_std=True)


def test_return_std_is_refused_for_other_losses(data):
    X, mean, _ = data
    network = small().fit(X, mean)
    with pytest.raises(ValueError, match="return_std=True needs loss='gaussian'"):
        network.predict(X, return_std=True)


def test_several_targets_are_fitted_at_once(data):
    X, mean, _ = data
    Y = np.column_stack([mean, -2 * mean, X[:, 0] ** 2])
    network = NeuralRegressor((32,), solver="lbfgs", max_iter=300, tol=0, random_state=0)
    assert network.fit(X, Y).predict(X).shape == (200, 3)
    assert network.score(X, Y) > 0.99
    assert network.n_outputs_ == 3


def test_the_shape_of_predictions_follows_the_target(data):
    X, mean, _ = data
    assert small().fit(X, mean).predict(X).shape == (200,)
    assert small().fit(X, np.column_stack([mean, mean])).predict(X).shape == (200, 2)
    assert small(loss=Quantile([0.5])).fit(X, mean).predict(X).shape == (200,)


def test_a_network_learns_a_curve():
    X = np.linspace(-3, 3, 150).reshape(-1, 1)
    y = np.sin(2 * X[:, 0])
    for params in ({"solver": "lbfgs"}, {"learning_rate_init": 0.01, "averaging": 0.9}):
        network = NeuralRegressor(
            (32, 32), activation="tanh", max_iter=500, tol=0, random_state=0, **params
        )
        assert network.fit(X, y).score(X, y) > 0.97


def test_one_row_one_feature_and_a_constant_feature_can_be_fitted(data):
    X, mean, _ = data
    assert small().fit(X[:1], mean[:1]).predict(X[:1]) == pytest.approx(mean[:1], abs=0.3)
    assert small().fit(X[:, :1], mean).predict(X[:, :1]).shape == (200,)
    constant = linear("squared_error").fit(np.ones((4, 1)), [1.0, 2.0, 3.0, 6.0])
    assert_allclose(constant.predict([[1.0]]), 3.0, atol=1e-6)


def test_training_starts_from_the_mean_of_the_target(data):
    X, mean, _ = data
    network = small(learning_rate_init=1e-300, max_iter=1).fit(np.zeros_like(X), mean + 1000)
    assert_allclose(network.predict(np.zeros((1, 3))), mean.mean() + 1000, rtol=1e-12)


EVERY_LOSS = ["squared_error", "absolute_error", "huber", "quantile", "gaussian"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("loss", [*EVERY_LOSS, Quantile([0.1, 0.9])])
@pytest.mark.parametrize(
    "y", [np.full(8, 1e308), np.repeat([-1e308, 1e308], 4), np.linspace(-1e200, 1e200, 8)]
)
def test_training_starts_at_finite_numbers_or_fit_says_why_not(loss, y):
    X = np.arange(8.0)[:, None] / 8
    try:
        network = small(loss=loss, max_iter=1).fit(X, y)
    except ValueError as error:
        assert "whose mean or spread overflows float64. Scale y." in str(error)
        assert y.max() - y[0] / 2 > 1e154  # half the spread, whose square overflows
    else:
        assert np.isfinite(network.predict(X)).all()
        assert np.isfinite(network.network_.params).all()


@pytest.mark.parametrize("loss", ["squared_error", "huber", "gamma", Quantile([0.1, 0.9])])
def test_a_target_too_large_for_the_dtype_is_refused(loss):
    X, y = np.ones((4, 1)), np.array([1.0, 1, 1e39, 1])
    network = small(loss=loss, dtype="float32", max_iter=1, standardize_target=False)
    message = r"Input y contains infinity or a value too large for dtype\('float32'\) in row 2"
    with pytest.raises(ValueError, match=message):
        network.fit(X, y)
    network.fit(X, np.ones(4))
    with pytest.raises(ValueError, match=message):
        network.partial_fit(X, y)
    with pytest.raises(ValueError, match=f"In the validation set: {message}"):
        network.fit(X, np.ones(4), X_val=X, y_val=y)


@pytest.mark.parametrize(
    ("scale", "shift", "params", "told"),
    [
        (1e4, 0, {}, True),
        (1e-4, 0, {}, True),
        (1, 1e4, {}, True),
        (1e4, 0, {"solver": "lbfgs"}, True),
        (1e200, 0, {}, True),
        (1e200, 0, {"solver": "lbfgs"}, True),
        (1, 1, {}, False),
        (0, 1e6, {}, False),
        (1e3, 1e4, {"loss": "poisson"}, False),
    ],
)
def test_a_warning_of_slow_or_diverged_training_tells_of_the_scale_of_y(
    scale, shift, params, told, data
):
    X, mean, _ = data
    with pytest.warns(ConvergenceWarning) as caught:
        small(tol=1e-9, max_iter=2, standardize_target=False, **params).fit(
            X, mean * scale + shift
        )
    advice = r"y has mean .* and standard deviation .*: set standardize_target=True"
    assert [bool(search(advice, str(warning.message))) for warning in caught] == [told]
    with pytest.warns(ConvergenceWarning) as caught:
        small(tol=1e-9, max_iter=2, **params).fit(X, mean * scale + shift)
    assert "standardize" not in str(caught[0].message)


@pytest.mark.parametrize("scale", [1e6, 1e-6])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_a_target_whose_scale_kept_the_network_from_learning_is_told_of(scale, loss, data):
    X, mean, _ = data
    given = {"standardize_target": False}
    with pytest.warns(UserWarning, match="not learned more than a constant, .*: set standardize"):
        small(loss=loss, **given).fit(X, mean * scale)
    # Warn of nothing: too few epochs to tell, and scales that have been learned.
    small(loss=loss, max_iter=9, **given).fit(X, mean * scale)
    linear("squared_error", max_iter=20, tol=0, **given).fit(X, mean * scale)
    small(loss=loss).fit(X, mean * scale)


@pytest.mark.parametrize(
    ("loss", "y"), [("poisson", [1.0, -1.0]), ("gamma", [1.0, 0.0])], ids=["poisson", "gamma"]
)
def test_targets_out_of_the_range_of_the_loss_are_refused(loss, y):
    with pytest.raises(ValueError, match=r"y|target"):
        small(loss=loss).fit([[0.0], [1.0]], y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_attributes_of_the_mlp_have_its_shapes_and_types(data):
    X, mean, _ = data
    params = {"hidden_layer_sizes": (7, 4), "max_iter": 5, "random_state": 0}
    ours, theirs = NeuralRegressor(**params).fit(X, mean), MLPRegressor(**params).fit(X, mean)
    for name in ("n_iter_", "n_layers_", "n_outputs_", "out_activation_", "t_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert [c.shape for c in ours.coefs_] == [c.shape for c in theirs.coefs_]
    assert ours.best_loss_ == min(ours.loss_curve_)


def test_the_network_can_be_summarized(data):
    X, mean, _ = data
    summary = str(small().fit(X, mean).network_)
    assert "hidden_0 (Dense)" in summary
    assert "(8,)" in summary
    assert f"{3 * 8 + 8 + 8 + 1} weights" in summary


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.coo_matrix])
def test_a_sparse_target_is_refused(container):
    X = np.arange(12.0).reshape(6, 2)
    y = container(X)
    network = NeuralRegressor((2,), max_iter=1, tol=0)
    for call in (
        lambda: network.fit(X, y),
        lambda: network.partial_fit(X, y),
        lambda: network.fit(X, X, X_val=X, y_val=y),
    ):
        with pytest.raises(
            TypeError, match=r"dense data in y, got a sparse matrix\. Pass y\.toarray\(\)"
        ):
            call()
    assert not hasattr(network, "network_")


@pytest.mark.parametrize("unit", [2.0**-600, 2.0**600])
def test_the_score_does_not_depend_on_the_unit_of_very_small_and_large_targets(unit):
    X = np.arange(8.0)[:, None] / 8
    Y = np.column_stack([X[:, 0] ** 2, X[:, 0] * unit])
    network = NeuralRegressor((2,), max_iter=20, tol=0, random_state=0).fit(X, Y)
    scores = r2_score(Y / [1, unit], network.predict(X) / [1, unit], multioutput="raw_values")
    assert (scores < 1).all()
    assert network.score(X, Y) == pytest.approx(scores.mean())


def test_a_score_that_overflows_is_warned_of():
    X = np.arange(8.0)[:, None] / 8
    for unit in (1e200, 1e308):
        network = NeuralRegressor((2,), max_iter=1, tol=0, random_state=0).fit(X, X[:, 0] * unit)
        for y in (X[:, 0], X[:, 0] * 1e-3):
            with pytest.warns(
                RuntimeWarning, match=r"NeuralRegressor\.score is -inf: .* overflow"
            ):
                network.score(X, y)
