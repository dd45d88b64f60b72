"""Axes, scale and shift of the normalizing layers, and unit vectors, against SciPy and NumPy."""

import pickle

import numpy as np
import pytest
from scipy import stats

from sknet import NeuralClassifier
from sknet.layers import (
    BatchNorm,
    Dense,
    Flatten,
    GroupNorm,
    LayerNorm,
    Masking,
    RMSNorm,
    UnitNorm,
)
from sknet.network import Network
from sknet.testing import check_layer

LAYERS = [
    LayerNorm(axis=(-2, -1)),
    LayerNorm(axis=[-1], center=False),
    LayerNorm(scale=False),
    LayerNorm(axis=(-3, -2, -1), center=False, scale=False),
    RMSNorm(scale=False),
    RMSNorm(axis=(-2, -1)),
    BatchNorm(center=False),
    BatchNorm(scale=False),
    BatchNorm(center=False, scale=False, trainable=False),
    BatchNorm(axis=1),
    BatchNorm(axis=-2, momentum=0.5),
    GroupNorm(2, center=False, scale=False),
    GroupNorm(-1, axis=1),
    GroupNorm(2, axis=2),
    UnitNorm(),
    UnitNorm(axis=(-2, -1)),
    UnitNorm(epsilon=3.0),
]


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_they_keep_the_contract(layer):
    check_layer(layer, (3, 2, 4))
    if getattr(layer, "axis", -1) in (-1, [-1]):
        check_layer(layer, (4, 6), sequence=True)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(2.0, 3.0, size=shape)


def run(layer, x, training=False, **weights):
    network = Network(layer, x.shape[1:])
    for name, value in weights.items():
        getattr(network.layer, f"{name}_")[...] = value
    return network, network.replica(len(x), np.random.default_rng(0)).forward(x, training).copy()


@pytest.mark.parametrize("n_axes", [1, 2, 3])
def test_several_axes_are_normalized_together(n_axes):
    x = draw(4, 2, 3, 5)
    shape, axes = x.shape[-n_axes:], tuple(range(-n_axes, 0))
    gamma, beta = draw(*shape, seed=1), draw(*shape, seed=2)
    z = stats.zscore(x, axis=axes)
    _, out = run(LayerNorm(axis=axes, epsilon=1e-12), x, gamma=gamma, beta=beta)
    np.testing.assert_allclose(out, gamma * z + beta, rtol=1e-8)
    _, out = run(RMSNorm(axis=axes, epsilon=1e-12), x, gamma=gamma)
    root = np.sqrt((x**2).mean(axis=axes, keepdims=True))
    np.testing.assert_allclose(out, gamma * x / root, rtol=1e-8)
    _, out = run(UnitNorm(axis=axes), x)
    norm = np.sqrt((x**2).sum(axis=axes, keepdims=True))
    np.testing.assert_allclose(out, x / norm, rtol=1e-12)


@pytest.mark.parametrize("axis", [1, 2, 3, -1, -2, -3])
def test_features_may_stand_on_any_axis(axis):
    x = draw(5, 2, 4, 6)
    n, at = x.shape[axis], axis % 4
    across = tuple({1, 2, 3} - {at})
    shape = [n if each == at else 1 for each in range(4)]
    gamma, beta = draw(n, seed=1), draw(n, seed=2)
    weights, by_axis = {"gamma": gamma, "beta": beta}, (gamma.reshape(shape), beta.reshape(shape))
    options = {"axis": axis, "epsilon": 1e-12}
    network, out = run(BatchNorm(momentum=0.0, **options), x, True, **weights)
    expected = by_axis[0] * stats.zscore(x, axis=(0, *across)) + by_axis[1]
    np.testing.assert_allclose(out, expected, rtol=1e-8)
    later = network.predict(x)  # by the averages, whose variance is the unbiased one
    n_each = x.size // n
    mean = x.mean(axis=(0, *across), keepdims=True)
    deviation = x.std(axis=(0, *across), keepdims=True) * np.sqrt(n_each / (n_each - 1))
    expected = by_axis[0] * (x - mean) / deviation + by_axis[1]
    np.testing.assert_allclose(later, expected, rtol=1e-8)
    _, out = run(GroupNorm(2, **options), x, **weights)
    parts = np.split(x, 2, axis=at)
    expected = np.concatenate([stats.zscore(part, axis=(1, 2, 3)) for part in parts], axis=at)
    np.testing.assert_allclose(out, by_axis[0] * expected + by_axis[1], rtol=1e-8)


def test_axes_count_the_samples_as_in_keras():
    x = draw(4, 3, 5)
    for layer, same in [(LayerNorm, 2), (RMSNorm, [1, 2]), (UnitNorm, (2, 1))]:
        axis = -1 if same == 2 else (-2, -1)
        np.testing.assert_array_equal(run(layer(axis=same), x)[1], run(layer(axis=axis), x)[1])


def test_padded_steps_are_no_channels():
    layers = [Masking(), BatchNorm(axis=1), Flatten()]
    X = np.repeat([[1.0, 2.0], [0.0, 3.0]], 3, axis=0)[:, :, None] * np.ones((6, 2, 2))
    with pytest.raises(ValueError, match="expects steps that are all real, as axis=1 makes chan"):
        NeuralClassifier(layers=layers).fit(X, [0, 1] * 3)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("scale", [True, False])
def test_what_is_left_out_is_one_or_zero(center, scale):
    x = draw(8, 4)
    weights = {"gamma": draw(4, seed=1)} if scale else {}
    weights |= {"beta": draw(4, seed=2)} if center else {}
    gamma, beta = weights.get("gamma", 1.0), weights.get("beta", 0.0)
    options = {"center": center, "scale": scale, "epsilon": 1e-12}
    network, out = run(LayerNorm(**options), x, **weights)
    assert network.n_params == 4 * (center + scale)
    np.testing.assert_allclose(out, gamma * stats.zscore(x, axis=1) + beta, rtol=1e-8)
    _, out = run(BatchNorm(**options), x, True, **weights)
    np.testing.assert_allclose(out, gamma * stats.zscore(x, axis=0) + beta, rtol=1e-8)
    _, out = run(GroupNorm(2, **options), x, **weights)
    z = stats.zscore(x.reshape(8, 2, 2), axis=2).reshape(8, 4)
    np.testing.assert_allclose(out, gamma * z + beta, rtol=1e-8)


def test_vectors_of_zeros_stay_zero():
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    np.testing.assert_array_equal(run(UnitNorm(), x)[1], [[0, 0], [0.6, 0.8]])
    np.testing.assert_allclose(run(UnitNorm(epsilon=100.0), x)[1], x / 10)


def test_models_with_such_layers_resume_and_survive_pickles():
    X, y = draw(30, 4, 3), np.arange(30) % 2
    layers = [LayerNorm(axis=(-2, -1), center=False), Flatten(), Dense(6), BatchNorm(scale=False)]
    layers += [UnitNorm()]
    options = {"layers": layers, "tol": 0, "batch_size": 10, "random_state": 0}
    whole = NeuralClassifier(max_iter=4, **options).fit(X, y)
    half = NeuralClassifier(max_iter=2, warm_start=True, **options).fit(X, y)
    for copy in (pickle.loads(pickle.dumps(half)), half):
        np.testing.assert_array_equal(copy.fit(X, y).network_.params, whole.network_.params)


@pytest.mark.parametrize(
    ("layer", "shape", "sentence"),
    [
        (LayerNorm(axis=(-2,)), (3, 2), "axis must be -1 or a tuple of the last axes, such as"),
        (RMSNorm(axis=1), (3, 2), "axis must be -1 or a tuple of the last axes"),
        (UnitNorm(axis=()), (3, 2), "axis must be -1 or a tuple of the last axes"),
        (LayerNorm(axis=(-2, -1)), (None, 2), "inputs whose last axes have known lengths, got"),
        (BatchNorm(axis=0), (3, 2), "axis must be from 1 to 2 or from -2 to -1 for samples of sh"),
        (GroupNorm(2, axis=3), (3, 2), "as axis 0 holds the samples, got 3."),
        (BatchNorm(axis=1), (None, 2), "expects inputs whose axis 1 has a known length, got"),
        (GroupNorm(2, axis=1), (3, 2), "expects a number of channels that groups=2 divides, got"),
        (BatchNorm(axis=(1, 2)), (3, 2), "The 'axis' parameter of BatchNorm must be"),
        (LayerNorm(axis="last"), (3, 2), "The 'axis' parameter of LayerNorm must be"),
        (BatchNorm(center=1), (3, 2), "The 'center' parameter of BatchNorm must be"),
        (UnitNorm(epsilon=0), (3, 2), "The 'epsilon' parameter of UnitNorm must be"),
    ],
)
def test_wrong_uses_have_a_sentence(layer, shape, sentence):
    with pytest.raises(ValueError) as caught:
        Network(layer, shape, path="layers__0")
    assert sentence in str(caught.value)
