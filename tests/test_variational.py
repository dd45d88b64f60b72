"""The code of variational autoencoders: its divergence, its draws, its gradients."""

from math import exp, log, pi, sqrt

import numpy as np
import pytest
from scipy.integrate import quad

from sknet import NeuralClassifier, NeuralRegressor
from sknet.layers import Dense, GaussianCode, Sequential
from sknet.network import Network
from sknet.testing import check_layer

X = np.random.default_rng(0).normal(size=(6, 4))


def run(x, layer=None, training=False, dtype=np.float64, weights=None, scale=1.0):
    """Return the layer of a replica after one forward pass, and a copy of its outputs."""
    network = Network(layer or GaussianCode(3), x.shape[1:], dtype, 0)
    network.params += np.random.default_rng(2).normal(size=network.n_params) / 3
    network.params *= scale
    replica = network.replica(len(x), np.random.default_rng(1), np.empty_like(network.params))
    replica.layer.row_weights = weights
    out = replica.forward(x.astype(dtype), training).copy()
    return replica.layer, out


@pytest.mark.parametrize(
    "layer",
    [
        GaussianCode(3),
        GaussianCode(2, beta=0.3),
        GaussianCode(2, beta=0),
        Sequential([Dense(5, activation="tanh"), GaussianCode(2, beta=4), Dense(3)]),
    ],
)
def test_the_layer_keeps_its_contract(layer):
    check_layer(layer, (4,))


def test_gradients_are_exact_where_the_log_variance_is_bounded():
    check_layer(GaussianCode(2, beta=1e-6), (4,), x=60 * X[:5])


def test_the_divergence_is_the_integral_that_defines_it():
    layer, _ = run(X)
    expected = np.zeros(len(X))
    for (row, unit), mean in np.ndenumerate(layer.code_mean):
        std = np.exp(layer.code_log_variance[row, unit] / 2)

        def integrand(z, mean=mean, std=std):
            log_density = -(((z - mean) / std) ** 2) / 2 - log(std * sqrt(2 * pi))
            return exp(log_density) * (log_density + z**2 / 2 + log(2 * pi) / 2)

        width = 12 * std
        expected[row] += quad(integrand, mean - width, mean + width)[0]
    np.testing.assert_allclose(layer.divergence, expected, rtol=1e-6)


def test_the_divergence_of_a_standard_normal_code_is_zero():
    layer, out = run(X, scale=0.0)
    np.testing.assert_array_equal(layer.divergence, 0)
    np.testing.assert_array_equal(out, 0)


def test_beta_times_the_mean_divergence_is_added_to_the_loss():
    layer, _ = run(X, GaussianCode(3, beta=0.5))
    assert layer.added_loss == pytest.approx(0.5 * np.mean(layer.divergence))
    weights = np.arange(6) / 3
    weighted, _ = run(X, GaussianCode(3, beta=0.5), weights=weights)
    assert weighted.added_loss == pytest.approx(0.5 * np.mean(weights * layer.divergence))


def test_draws_have_the_mean_and_the_variance_of_the_code():
    rows = np.repeat(X[:1], 100_000, axis=0)
    layer, draws = run(rows, training=True)
    deviation = np.exp(layer.code_log_variance[0] / 2)
    np.testing.assert_allclose(draws.mean(axis=0), layer.code_mean[0], atol=0.02)
    np.testing.assert_allclose(draws.std(axis=0), deviation, rtol=0.02)
    np.testing.assert_allclose(np.corrcoef(draws.T), np.eye(3), atol=0.02)


def test_inference_returns_the_mean():
    layer, out = run(X)
    np.testing.assert_array_equal(out, layer.code_mean)
    np.testing.assert_array_equal(out, run(X)[1])
    expected = X @ layer.kernel_[:, :3] + layer.bias_[:3]
    np.testing.assert_allclose(out, expected, rtol=1e-12)


def test_a_row_of_weight_two_counts_as_the_row_twice():
    twice = np.concatenate([X, X[:2]])
    weights = np.where(np.arange(len(X)) < 2, 2.0, 1.0)
    weighted, _ = run(X, weights=weights)
    repeated, _ = run(twice)
    assert len(X) * weighted.added_loss == pytest.approx(len(twice) * repeated.added_loss)


def test_log_variances_start_at_zero():
    layer = Network(GaussianCode(3), (4,), np.float64, 0).replica(6).layer
    layer.forward(100 * X)
    np.testing.assert_array_equal(layer.code_log_variance, 0)
    assert np.all(layer.code_mean != 0)
    np.testing.assert_array_equal(np.abs(layer.kernel_) <= np.sqrt(6 / (4 + 3)), True)


def test_weights_of_another_number_of_rows_are_refused():
    with pytest.raises(ValueError, match="expects one row for each sample, got 6 rows for 3"):
        run(X, weights=np.ones(3))


@pytest.mark.parametrize("scale", [30.0, 1e4])
def test_float32_does_not_overflow(scale):
    layer, out = run(X, training=True, dtype=np.float32, scale=scale)
    assert np.max(layer.code_log_variance) > 20
    grad = layer.backward(np.ones_like(out))
    for array in (out, layer.divergence, grad, layer.kernel_grad_, layer.bias_grad_):
        assert array.dtype == np.float32
        assert np.isfinite(array).all()
    assert np.isfinite(layer.added_loss)


def test_above_the_bound_the_divergence_goes_on_as_a_tangent():
    log_variance = np.array([19.9, 20.1, 25.0])[:, None]
    layer = GaussianCode(1)
    network = Network(layer, (1,), np.float64, 0)
    layer.kernel_[:] = [[0.0, 1.0]]
    replica = network.replica(3)
    replica.forward(log_variance)
    tangent = np.exp(20) * np.array([np.exp(-0.1), 1.1, 6.0])
    expected = (tangent - log_variance[:, 0] - 1) / 2
    np.testing.assert_allclose(replica.layer.divergence, expected, rtol=1e-12)


def test_inputs_of_several_axes_are_refused():
    with pytest.raises(ValueError, match=r"expects inputs of shape \(features,\), got \(3, 4\)"):
        Network(GaussianCode(2), (3, 4))
    with pytest.raises(ValueError, match="The 'beta' parameter of GaussianCode"):
        Network(GaussianCode(2, beta=-1), (4,))


def test_an_autoencoder_with_the_layer_learns_to_reconstruct():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(200, 2))
    rows = np.tanh(hidden @ rng.normal(size=(2, 6)))
    layers = [
        ("encoder", Sequential([Dense(16, "tanh"), ("code", GaussianCode(2, beta=0.01))])),
        ("decoder", Sequential([Dense(16, "tanh")])),
    ]
    options = {"learning_rate_init": 0.01, "random_state": 0, "max_iter": 150, "tol": 0}
    network = NeuralRegressor(layers=layers, **options).fit(rows, rows)
    assert network.score(rows, rows) > 0.8
    assert network.network_.predict(rows, "encoder").shape == (200, 2)
    # At inference the code is its mean: the same each time.
    np.testing.assert_array_equal(network.predict(rows), network.predict(rows))


def test_a_large_beta_makes_all_codes_standard_normal():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 4))
    layers = [("code", GaussianCode(2, beta=100.0))]
    options = {"learning_rate_init": 0.02, "random_state": 0, "max_iter": 200, "tol": 0}
    network = NeuralRegressor(layers=layers, **options).fit(rows, rows)
    layer = network.network_.replica(len(rows)).layer
    layer.forward(rows)
    assert dict(layer.sublayers())["code"].divergence.max() < 0.01


def test_a_classifier_takes_the_layer_and_sample_weights():
    y = (X[:, 0] > 0).astype(int)
    layers = [Dense(8, "relu"), GaussianCode(2, beta=0.01)]
    options = {"random_state": 0, "early_stopping": False, "max_iter": 5, "tol": 0}
    network = NeuralClassifier(layers=layers, **options)
    network.fit(X, y, np.arange(1, 7), X_val=X, y_val=y)
    assert np.isfinite(network.history_["validation_loss"]).all()
