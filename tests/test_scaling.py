import numpy as np
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from sknet import NeuralRegressor
from sknet.layers import Dense, Scaling, Sequential
from sknet.network import Network
from sknet.testing import check_layer


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)], ids=str)
def test_scaling_keeps_the_contract(shape):
    check_layer(Scaling(), shape)
    check_layer(Scaling(trainable=False), shape)


def test_scaling_leaves_padded_steps_alone():
    check_layer(Scaling(), (5, 4), sequence=True)


def test_scaling_starts_as_the_identity_and_multiplies_each_feature():
    network = Network(Scaling(), (2,))
    x = np.array([[1.0, -3.0], [0.5, 2.0]])
    replica = network.replica(2)
    np.testing.assert_array_equal(replica.forward(x), x)
    network.layer.scale_[:] = [2.0, -0.5]
    np.testing.assert_array_equal(replica.forward(x), [[2.0, 1.5], [1.0, -1.0]])


@pytest.mark.parametrize("decay", [True, False])
def test_the_factors_have_a_rate_and_a_decay_of_their_own(decay):
    layers = Sequential([("scaling", Scaling(learning_rate_factor=4.0, decay=decay)), Dense(1)])
    network = Network(layers, (3,))
    first = network.groups[0]
    assert (first.where, first.rate_factor, first.decay) == (slice(0, 3), 4.0, decay)
    assert Scaling().learning_rate_factor == 6.0


def test_the_factor_multiplies_the_step():
    """The first step of Adam is the learning rate, whatever the gradient."""
    X, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20.0)
    model = NeuralRegressor(
        layers=[Scaling(learning_rate_factor=5.0)],
        batch_size=20,
        max_iter=1,
        tol=0,
        alpha=0.0,
        learning_rate_init=0.01,
        random_state=0,
    ).fit(X, y)
    np.testing.assert_allclose(np.abs(model.network_[0].scale_ - 1.0), 0.05, rtol=1e-4)


@pytest.mark.parametrize("value", [0, -1.0, "6", None])
def test_a_wrong_factor_is_refused(value):
    model = NeuralRegressor(layers=[Scaling(learning_rate_factor=value)])
    with pytest.raises(InvalidParameterError, match=r"learning_rate_factor.*of Scaling"):
        model.fit([[1.0], [2.0]], [1.0, 2.0])


def test_sequences_of_numbers_without_features_are_refused():
    with pytest.raises(ValueError, match=r"Scaling.* whose last axis has a known length"):
        Network(Scaling(), (None,))
