"""Dense layers that share a kernel."""

import pickle

import numpy as np
import pytest

from sknet import NeuralRegressor
from sknet.layers import (
    ContractiveDense,
    Dense,
    Reshape,
    Residual,
    Sequential,
    TiedSequential,
    TransposedDense,
)
from sknet.network import Network
from sknet.testing import check_layer

X = np.random.default_rng(0).normal(size=(6, 5))


def autoencoder(hidden=(4,), code=2, activation="tanh"):
    encoder = Sequential([*(Dense(n, activation) for n in hidden), ("code", Dense(code))])
    decoder = Sequential([TransposedDense(activation) for _ in hidden] or [Dense(code)])
    parts = [("encoder", encoder), ("decoder", decoder), ("output", TransposedDense())]
    return TiedSequential(parts)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (TiedSequential([Dense(3, "tanh"), TransposedDense()]), (4,)),
        (TiedSequential([Dense(3), TransposedDense("relu", use_bias=False)]), (4,)),
        (TiedSequential([6, Dense(3, use_bias=False), TransposedDense(), 2]), (4,)),
        (TiedSequential([Dense(3), TransposedDense()]), (2, 4)),
        (TiedSequential([ContractiveDense(3), TransposedDense()]), (4,)),
        (TiedSequential([Residual([3, TransposedDense()])], trainable=False), (4,)),
        (Sequential([5, TiedSequential([Dense(3), TransposedDense()]), 2]), (4,)),
        (autoencoder(), (5,)),
        (autoencoder((6, 4)), (5,)),
    ],
)
def test_tied_layers_keep_the_contract(layer, shape):
    check_layer(layer, shape)


def test_sequences_pass_step_by_step():
    check_layer(TiedSequential([Dense(3, "tanh"), TransposedDense()]), (3, 4), sequence=True)


def test_outputs_are_those_of_the_transposed_kernels():
    network = Network(autoencoder((4,)), (5,), random_state=0)
    encoder = network["encoder"]
    first, code = encoder.sublayers()[0][1].kernel_, network["encoder__code"].kernel_
    hidden = np.tanh(np.tanh(X @ first) @ code @ code.T)
    np.testing.assert_allclose(network.predict(X), hidden @ first.T, rtol=1e-12)
    assert network.n_params == 5 * 4 + 4 * 2 + (4 + 2) + (4 + 5)


def test_encoder_and_decoder_can_be_run_alone():
    network = Network(autoencoder((4,)), (5,), random_state=0)
    code = network.predict(X, "encoder")
    assert code.shape == (6, 2)
    decoded = network.predict(network.predict(code, "decoder"), "output")
    np.testing.assert_array_equal(decoded, network.predict(X))


def test_each_takes_the_last_dense_that_is_left():
    network = Network(autoencoder(()), (5,), random_state=0)
    np.testing.assert_array_equal(network["output"].kernel_, network["decoder__0"].kernel_.T)
    network = Network(TiedSequential([4, 3, TransposedDense(), 2, TransposedDense()]), (5,))
    for user, source in ((2, 1), (4, 3)):
        np.testing.assert_array_equal(network[user].kernel_, network[source].kernel_.T)


def test_gradients_of_two_uses_are_added_up():
    tied = Network(TiedSequential([Dense(3, "tanh"), TransposedDense()]), (5,), random_state=0)
    free = Network(Sequential([Dense(3, "tanh"), Dense(5)]), (5,))
    free[0].kernel_[:], free[1].kernel_[:] = tied[0].kernel_, tied[0].kernel_.T
    found = []
    for network in (tied, free):
        replica = network.replica(6, None, np.ones_like(network.params))
        replica.backward(replica.forward(X, training=True).copy())
        found.append(replica)
    expected = found[1][0].kernel_grad_ + found[1][1].kernel_grad_.T
    np.testing.assert_allclose(found[0][0].kernel_grad_, expected, rtol=1e-12)


def test_snapshots_and_pickles_are_tied_to_their_own_kernels():
    network = Network(autoencoder((4,)), (5,), random_state=0)
    before = network.predict(X)
    for other in (network.snapshot(), pickle.loads(pickle.dumps(network))):
        np.testing.assert_array_equal(other.predict(X), before)
        other.params *= 2
        assert not np.allclose(other.predict(X), before)
        np.testing.assert_array_equal(other["output"].kernel_.base, other.params)
        np.testing.assert_array_equal(network.predict(X), before)


def test_a_tied_autoencoder_learns():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 2)) @ rng.normal(size=(2, 6))
    layers = [TiedSequential([("code", Dense(2)), ("decoder", TransposedDense())])]
    options = {"learning_rate_init": 0.02, "random_state": 0, "max_iter": 200, "tol": 0}
    network = NeuralRegressor(layers=layers, **options).fit(rows, rows)
    assert network.score(rows, rows) > 0.95
    kernels = network.coefs_
    np.testing.assert_array_equal(kernels[0], kernels[1].T)


def test_what_cannot_be_tied_is_refused():
    with pytest.raises(ValueError, match="expects a TiedSequential around it"):
        Network(Sequential([Dense(3), TransposedDense()]), (4,))
    with pytest.raises(ValueError, match="in that a Dense for each TransposedDense"):
        Network(TiedSequential([Dense(3), TransposedDense(), TransposedDense()]), (4,))
    with pytest.raises(ValueError, match=r"inputs of shape \(\.\.\., 3\), as many as the units"):
        Network(TiedSequential([Dense(3), Reshape((3, 1)), TransposedDense()]), (4,))
