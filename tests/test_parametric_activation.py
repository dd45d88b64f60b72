import numpy as np
import pytest

from sknet.activations import ACTIVATIONS, LeakyReLU
from sknet.layers import ParametricActivation
from sknet.network import Network
from sknet.testing import check_layer


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_activation_keeps_the_contract(activation):
    check_layer(ParametricActivation(activation), (4,))


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4)], ids=str)
def test_the_contract_holds_on_the_last_axis_of_any_shape(shape):
    check_layer(ParametricActivation(LeakyReLU(0.2)), shape)
    check_layer(ParametricActivation("tanh", trainable=False), shape)


def test_padded_steps_are_left_alone():
    check_layer(ParametricActivation("mish"), (5, 4), sequence=True)


def test_it_mixes_the_activation_with_the_identity():
    network = Network(ParametricActivation("tanh"), (3,))
    x = np.array([[1.0, -3.0, 0.2], [0.5, 2.0, -4.0]])
    replica = network.replica(2)
    np.testing.assert_allclose(replica.forward(x), np.tanh(x), rtol=1e-14)
    network.layer.mixing_[:] = [0.0, 0.25, -2.0]
    expected = np.column_stack(
        [x[:, 0], (np.tanh(x[:, 1]) + 3 * x[:, 1]) / 4, 3 * x[:, 2] - 2 * np.tanh(x[:, 2])]
    )
    np.testing.assert_allclose(replica.forward(x), expected, rtol=1e-14)
    np.testing.assert_allclose(replica.forward(x, training=True), expected, rtol=1e-14)


def test_the_mixing_weights_have_a_rate_and_a_decay_of_their_own():
    [group] = Network(ParametricActivation(), (3,)).groups
    assert (group.where, group.rate_factor, group.decay) == (slice(0, 3), 0.1, True)
    [group] = Network(ParametricActivation(decay=False, learning_rate_factor=2), (3,)).groups
    assert (group.rate_factor, group.decay) == (2.0, False)
