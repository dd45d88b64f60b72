import numpy as np
import pytest
from scipy import stats

from sknet import NeuralRegressor
from sknet.layers import Dense, PeriodicEmbedding, Scaling
from sknet.network import Network
from sknet.testing import check_layer


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("n_features", [1, 4, 5, 9])
@pytest.mark.parametrize("parameters", [(3, 4), (1, 2)], ids=str)
def test_it_keeps_the_contract_for_full_and_partly_filled_groups(n_features, parameters):
    check_layer(PeriodicEmbedding(*parameters), (n_features,))


def test_it_keeps_the_contract_with_more_axes_and_when_frozen():
    check_layer(PeriodicEmbedding(2, 3), (2, 3, 5))
    check_layer(PeriodicEmbedding(2, 3, trainable=False), (3,))


def test_padded_steps_are_left_alone():
    check_layer(PeriodicEmbedding(3, 3, frequency_scale=0.5), (5, 3), sequence=True)


@pytest.mark.parametrize("shape", [(3,), (2, 6)], ids=str)
def test_the_vectors_are_those_of_the_formula(shape):
    layer = PeriodicEmbedding(5, 4, frequency_scale=0.7)
    network, x = Network(layer, shape, random_state=0), draw(7, *shape)
    expected = []
    for i in range(shape[-1]):
        angles = 2 * np.pi * x[..., i, None] * layer.frequencies_[i] + layer.phases_[i]
        expected += [x[..., i, None], np.cos(angles) @ layer.kernel_[i] + layer.bias_[i]]
    expected = np.concatenate(expected, axis=-1)
    for training in (False, True):
        out = network.replica(7).forward(x, training)
        np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(out[..., ::4], x)  # the numbers themselves, to the last bit


def test_the_weights_start_as_published():
    layer = PeriodicEmbedding()
    Network(layer, (200,), random_state=0)
    bound = 1 / np.sqrt(16)
    for values, distribution in (
        (layer.frequencies_, stats.norm(scale=0.1)),
        (layer.phases_, stats.uniform(-np.pi, 2 * np.pi)),
        (layer.kernel_, stats.uniform(-bound, 2 * bound)),
        (layer.bias_, stats.uniform(-bound, 2 * bound)),
    ):
        assert stats.kstest(values.ravel(), distribution.cdf).pvalue > 0.01
    assert layer.kernel_.shape == (200, 16, 3) and layer.bias_.shape == (200, 3)
    assert layer.frequencies_.shape == layer.phases_.shape == (200, 16)


def test_all_weights_have_the_rate_and_the_decay():
    [group] = Network(PeriodicEmbedding(), (3,)).groups
    assert (group.where.stop, group.rate_factor, group.decay) == (3 * (16 * 5 + 3), 0.1, True)
    [group] = Network(PeriodicEmbedding(decay=False, learning_rate_factor=2.0), (3,)).groups
    assert (group.rate_factor, group.decay) == (2.0, False)


def test_a_regressor_learns_a_wave_that_dense_layers_of_its_size_do_not():
    x = np.linspace(-2, 2, 200)[:, None]
    y = np.sin(6 * x[:, 0])
    scores = [
        NeuralRegressor(
            layers=[*first, Scaling(), Dense(16, activation="mish")],
            solver="adam",
            learning_rate="log_cosine",
            learning_rate_init=0.05,
            batch_size=50,
            max_iter=60,
            random_state=0,
        )
        .fit(x, y)
        .score(x, y)
        for first in ([], [PeriodicEmbedding(frequency_scale=1.0)])
    ]
    assert scores[0] < 0.9 < 0.97 < scores[1]


def test_sequences_of_numbers_without_features_are_refused():
    with pytest.raises(ValueError, match=r"PeriodicEmbedding.* whose last axis has a known"):
        Network(PeriodicEmbedding(), (None,))
