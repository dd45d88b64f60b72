import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats
from scipy.sparse import csr_matrix

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor
from sknet.batches import Data
from sknet.initialization import initialize_from_data
from sknet.layers import (
    LSTM,
    Branch,
    ColumnBranches,
    ContractiveDense,
    Conv1D,
    Dense,
    GlobalAveragePool1D,
    LayerNorm,
    Pretrained,
    Reshape,
    Residual,
    Sequential,
    TimeDistributed,
)
from sknet.layers.affine import AffineLayer
from sknet.layers.base import build_layer
from sknet.network import Network

FROM_DATA = {"kernel_initializer": "unit_variance", "bias_initializer": "data_points"}


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(3.0, 2.0, size=shape)


def initialized(layers, X):
    network = Network(Sequential(layers), X.shape[1:], X.dtype, 0)
    initialize_from_data(network, Data(X, None), 0)
    return network


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_layer_has_unit_variance_whatever_stands_before_it(dtype):
    X = (draw(200, 5) * [1, 1e4, 1e-3, 1, 1]).astype(dtype)
    network = initialized([Dense(8, "tanh", **FROM_DATA), ("second", Dense(4, **FROM_DATA))], X)
    first, second = network[0], network[1]
    for inputs, layer in ((X, first), (network.activations(X, 0), second)):
        deviations = (inputs.astype(np.float64) @ layer.kernel_).std(axis=0)
        np.testing.assert_allclose(deviations, 1.0, rtol=1e-3 if dtype == np.float32 else 1e-9)


def test_each_unit_is_zero_at_a_point_between_rows():
    X = draw(50, 3)
    layer = initialized([Dense(200, **FROM_DATA)], X)[0]
    values = X @ layer.kernel_
    assert np.all((values.min(axis=0) <= -layer.bias_) & (-layer.bias_ <= values.max(axis=0)))
    # The mean of a uniform point of the simplex of 5 rows is the mean of the rows, and its
    # variance that of the rows times E[sum of squared shares] = 2 / (5 + 1).
    centred = -layer.bias_ - values.mean(axis=0)
    assert abs(centred.mean()) < 0.15
    assert centred.var() == pytest.approx(1 / 3, rel=0.25)


def test_a_kernel_is_scaled_with_any_bias_and_a_bias_set_with_any_kernel():
    X = draw(60, 3)
    layer = initialized(
        [Dense(4, kernel_initializer="unit_variance", bias_initializer="ones")], X
    )[0]
    np.testing.assert_allclose((X @ layer.kernel_).std(axis=0), 1.0)
    np.testing.assert_array_equal(layer.bias_, 1.0)
    layer = initialized([Dense(4, kernel_initializer="ones", bias_initializer="data_points")], X)[
        0
    ]
    np.testing.assert_array_equal(layer.kernel_, 1.0)
    assert np.all((-layer.bias_ >= X.sum(axis=1).min()) & (-layer.bias_ <= X.sum(axis=1).max()))


@pytest.mark.parametrize("value", [0.0, 0.1, 1e30])
@pytest.mark.parametrize("n_rows", [1, 40])
def test_units_that_are_constant_keep_their_kernel(n_rows, value):
    X = np.full((n_rows, 3), value, np.float32)
    network = initialized([Dense(4, **FROM_DATA)], X)
    drawn = Network(Sequential([Dense(4, **FROM_DATA)]), (3,), np.float32, 0)
    np.testing.assert_array_equal(network[0].kernel_, drawn[0].kernel_)
    assert np.isfinite(network.params).all()


def z_scores(X):
    return stats.zscore(X, axis=1)


@pytest.mark.parametrize(
    ("layers", "inputs"),
    [
        ([Residual([LayerNorm(epsilon=1e-12), Dense(4, **FROM_DATA)])], z_scores),
        (
            [ColumnBranches([Branch([0], []), Branch([1, 3], [Dense(4, **FROM_DATA)])])],
            lambda X: X[:, [1, 3]],
        ),
        ([Sequential([("inner", Dense(4, "relu", **FROM_DATA))])], lambda X: X),
        ([Reshape((2, 2)), Dense(3, **FROM_DATA)], lambda X: X.reshape(-1, 2)),
        ([Reshape((4, 1)), Conv1D(3, 2, **FROM_DATA)], lambda X: sliding(X, 2)),
        ([Reshape((4, 1)), TimeDistributed([Dense(3, **FROM_DATA)])], lambda X: X.reshape(-1, 1)),
        ([ContractiveDense(3, **FROM_DATA)], lambda X: X),
    ],
    ids=lambda value: value[-1].__class__.__name__ if isinstance(value, list) else "",
)
def test_layers_inside_others_and_convolutions_see_their_own_inputs(layers, inputs):
    X = draw(100, 4)
    network = initialized(layers, X)
    [layer] = [part for part in network.layer.walk() if isinstance(part, AffineLayer)]
    kernel = layer.kernel_.reshape(-1, layer.kernel_.shape[-1])
    values = inputs(X) @ kernel
    np.testing.assert_allclose(values.std(axis=0), 1.0)
    assert np.all((values.min(axis=0) <= -layer.bias_) & (-layer.bias_ <= values.max(axis=0)))
    assert layer.bias_.all()


def sliding(X, width):
    return np.lib.stride_tricks.sliding_window_view(X, width, axis=1).reshape(-1, width)


def test_padded_steps_do_not_count():
    X = [draw(n, 3, seed=n) for n in (2, 9, 5)]
    layers = [Dense(4, **FROM_DATA), GlobalAveragePool1D()]
    model = NeuralClassifier(layers=layers, max_iter=1, learning_rate_init=1e-12, tol=0)
    kernel = model.fit(X, [0, 1, 0]).network_[0].kernel_
    np.testing.assert_allclose((np.concatenate(X) @ kernel).std(axis=0), 1.0, rtol=1e-4)


def test_sparse_rows_and_the_chosen_rows_count():
    X, rows = draw(30, 4), np.arange(3, 20)
    for given in (X, csr_matrix(X)):
        network = Network(Sequential([Dense(3, **FROM_DATA)]), (4,), np.float64, 0)
        initialize_from_data(network, Data(given, None, rows=rows), 0)
        np.testing.assert_allclose((X[rows] @ network[0].kernel_).std(axis=0), 1.0)


def test_of_many_rows_some_that_are_evenly_spaced_are_looked_at():
    X = np.linspace(0.0, 1.0, 20_000)[:, None]
    kernel = initialized([Dense(3, **FROM_DATA)], X)[0].kernel_
    np.testing.assert_allclose((X @ kernel).std(axis=0), 1.0, rtol=1e-3)


@pytest.mark.parametrize("estimator", [NeuralClassifier, NeuralRegressor])
def test_fit_and_partial_fit_start_alike_and_the_seed_decides(estimator):
    X, y = draw(40, 3), np.arange(40) % 2
    kernels = []
    for method, seed in (("fit", 0), ("partial_fit", 0), ("fit", 1)):
        layers = [Dense(4, **FROM_DATA)]
        model = estimator(layers=layers, max_iter=1, learning_rate_init=1e-12, random_state=seed)
        extra = (
            {"classes": [0, 1]} if (method, estimator) == ("partial_fit", NeuralClassifier) else {}
        )
        kernels.append(getattr(model.set_params(tol=0), method)(X, y, **extra).network_.params)
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert (kernels[0][:12] != kernels[2][:12]).all()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (LSTM(2, kernel_initializer="unit_variance"), (3, 4), r"LSTM.*for kernel .*UnitVariance"),
        (Dense(2, kernel_initializer="data_points"), (4,), r"Dense.*for kernel .*DataPoints"),
        (Dense(2, bias_initializer="unit_variance"), (4,), r"Dense.*for bias .*UnitVariance"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_weights_that_they_cannot_set_are_refused(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        Network(layer, shape)


def test_resumed_training_does_not_start_anew():
    X, y = draw(40, 3), np.arange(40.0)
    model = NeuralRegressor(layers=[Dense(4, **FROM_DATA)], max_iter=2, tol=0, warm_start=True)
    before = model.fit(X, y).network_.params.copy()
    model.set_params(learning_rate_init=1e-12).fit(10 * X, y)
    np.testing.assert_allclose(model.network_.params, before, atol=1e-6)


def test_an_encoder_that_was_trained_before_keeps_its_weights():
    X, y = draw(40, 3), np.arange(40) % 2
    autoencoder = AutoencoderTransformer(2, encoder=[Dense(4, **FROM_DATA)], max_iter=1, tol=0)
    layers = [Pretrained(autoencoder.fit(X)), Dense(3, **FROM_DATA)]
    model = NeuralClassifier(layers=layers, max_iter=1, learning_rate_init=1e-12, tol=0).fit(X, y)
    fitted = autoencoder.network_["encoder__0"].kernel_
    np.testing.assert_allclose(model.network_["0__0"].kernel_, fitted, atol=1e-6)


def test_data_see_the_products_of_a_layer_that_has_run_before():
    layer = Dense(5, activation="relu", bias_initializer="data_points")
    build_layer(layer, "layer", (4,))
    x, found = draw(30, 4), []
    for has_run in (False, True):
        replica, bias = layer.replicate(), np.ones(5)
        replica.bind([draw(4, 5, seed=1), bias])
        replica.allocate(30, np.float64, None)
        if has_run:
            replica.forward(x)
        replica.initialize_from(x, np.random.default_rng(2))
        found.append(bias)
    assert_array_equal(*found)
