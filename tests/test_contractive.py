"""The dense layer that is penalised for following its input."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from sknet import NeuralClassifier, NeuralRegressor
from sknet.activations import Softplus
from sknet.layers import ContractiveDense, Dense, Sequential
from sknet.network import Network
from sknet.testing import check_layer

X = np.random.default_rng(0).normal(size=(5, 4))
ACTIVATIONS = [None, "identity", "logistic", "sigmoid", "tanh", "relu", "softplus", Softplus()]


def replica_of(layer, x, weights=None):
    """Return the layer after one forward pass."""
    replica = Network(layer, x.shape[1:], np.float64, 0).replica(len(x))
    replica.layer.row_weights = weights
    replica.forward(x)
    return replica.layer


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_layer_keeps_its_contract(activation):
    check_layer(ContractiveDense(3, activation, penalty=0.5), (4,))


def test_the_layer_keeps_its_contract_among_others():
    check_layer(ContractiveDense(3, use_bias=False), (4,))
    check_layer(ContractiveDense(3, trainable=False), (4,))
    check_layer(Sequential([Dense(5, "tanh"), ContractiveDense(3, "tanh"), Dense(4)]), (4,))


def squared_jacobian(layer, row, step=1e-5):
    """Return the squared Frobenius norm of the Jacobian, by central differences."""
    total = 0.0
    for i in range(len(row)):
        shift = np.zeros_like(row)
        shift[i] = step
        above = layer.forward((row + shift)[None]).copy()
        below = layer.forward((row - shift)[None]).copy()
        total += np.sum(((above - below) / (2 * step)) ** 2)
    return total


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_penalty_is_the_squared_size_of_the_jacobian(activation):
    layer = replica_of(ContractiveDense(3, activation, penalty=0.7), X)
    added = layer.added_loss
    norms = np.array([squared_jacobian(layer, row) for row in X])
    assert added == pytest.approx(0.7 * norms.mean(), rel=1e-6)
    weights = np.array([2.0, 0.0, 1.0, 0.5, 1.5])
    weighted = replica_of(ContractiveDense(3, activation, penalty=0.7), X, weights)
    assert weighted.added_loss == pytest.approx(0.7 * np.mean(weights * norms), rel=1e-6)


def test_outputs_are_those_of_a_dense_layer():
    contractive = replica_of(ContractiveDense(3, "tanh"), X).forward(X)
    np.testing.assert_array_equal(contractive, replica_of(Dense(3, "tanh"), X).forward(X))


def test_a_row_of_weight_two_counts_as_the_row_twice():
    weighted = replica_of(ContractiveDense(3), X, np.array([2.0, 1, 1, 1, 1])).added_loss
    repeated = replica_of(ContractiveDense(3), np.concatenate([X, X[:1]])).added_loss
    assert 5 * weighted == pytest.approx(6 * repeated)


@pytest.mark.parametrize("activation", ["gelu", "leaky_relu"])
def test_activations_without_known_second_derivative_are_refused(activation):
    with pytest.raises(ValueError, match=f"'tanh', 'relu', .* derivatives .* got '{activation}'"):
        Network(ContractiveDense(3, activation), (4,))


def test_inputs_of_several_axes_are_refused():
    with pytest.raises(ValueError, match=r"expects inputs of shape \(features,\), got \(2, 4\)"):
        Network(ContractiveDense(3), (2, 4))


def test_the_penalty_makes_the_code_less_sensitive():
    rows = np.random.default_rng(0).normal(size=(200, 5))
    norms = []
    for penalty in (0.0, 1.0):
        layers = [("code", ContractiveDense(4, "tanh", penalty=penalty))]
        options = {"learning_rate_init": 0.02, "random_state": 0, "max_iter": 60, "tol": 0}
        network = NeuralRegressor(layers=layers, **options).fit(rows, rows)
        layer = network.network_["code"].replicate()
        layer.allocate(1, np.float64, None)
        norms.append(np.mean([squared_jacobian(layer, row) for row in rows[:20]]))
    assert norms[1] < norms[0] / 2


def test_sparse_rows_train_as_dense_ones():
    rows = np.where(X > 0, X, 0)
    options = {"random_state": 0, "max_iter": 5, "tol": 0}
    network = NeuralClassifier(layers=[ContractiveDense(3)], **options)
    y = [0, 1, 0, 1, 1]
    dense = network.fit(rows, y).loss_curve_
    np.testing.assert_allclose(network.fit(csr_array(rows), y).loss_curve_, dense, rtol=1e-12)
