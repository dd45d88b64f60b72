"""Penalties on what a layer returns, and noise that makes denoising autoencoders."""

import numpy as np
import pytest
from scipy.stats import entropy

from sknet import NeuralRegressor
from sknet.layers import ActivityPenalty, Dense, MaskingNoise, Sequential
from sknet.network import Network
from sknet.testing import check_layer

H = np.random.default_rng(0).uniform(0.02, 0.98, size=(5, 4))


def added(layer, x, weights=None, training=False):
    """Return what a layer adds to the loss of a batch."""
    replica = Network(layer, x.shape[1:], x.dtype).replica(len(x))
    replica.layer.row_weights = weights
    replica.forward(x, training)
    return replica.layer.added_loss


@pytest.mark.parametrize(
    "layer",
    [
        ActivityPenalty(),
        ActivityPenalty(l1=0.3),
        ActivityPenalty(kl=0.7, target=0.2),
        ActivityPenalty(l1=0.2, kl=2.0),
        Sequential([Dense(6, "logistic"), ActivityPenalty(kl=0.5, l1=0.1), Dense(3)]),
    ],
)
def test_the_penalty_keeps_the_contract_of_layers(layer):
    check_layer(layer, (4,), x=H)
    if isinstance(layer, ActivityPenalty):
        check_layer(layer, (2, 2), x=H.reshape(5, 2, 2))


def test_l1_is_the_mean_sum_of_absolute_values():
    x = np.array([[1.0, -2.0], [0.5, 0.0]])
    assert added(ActivityPenalty(l1=0.1), x) == pytest.approx(0.1 * (3 + 0.5) / 2)
    weights = np.array([2.0, 0.0])
    assert added(ActivityPenalty(l1=0.1), x, weights) == pytest.approx(0.1 * 2 * 3 / 2)


def test_kl_is_the_divergence_of_mean_activations_from_the_target():
    rho = H.mean(axis=0)
    expected = sum(entropy([0.1, 0.9], [r, 1 - r]) for r in rho)
    assert added(ActivityPenalty(kl=0.5, target=0.1), H) == pytest.approx(0.5 * expected)
    assert added(ActivityPenalty(kl=0.5, target=0.1), np.full((3, 4), 0.1)) == pytest.approx(0)


def test_weights_make_the_mean_activations_a_weighted_mean():
    weights = np.array([0.5, 1.5, 1.0, 2.0, 0.0])
    rho = np.average(H, axis=0, weights=weights)
    expected = sum(entropy([0.05, 0.95], [r, 1 - r]) for r in rho)
    assert added(ActivityPenalty(kl=2.0), H, weights) == pytest.approx(2.0 * expected)


@pytest.mark.parametrize("layer", [ActivityPenalty(l1=0.3), ActivityPenalty(kl=0.7)])
def test_a_row_of_weight_two_counts_as_the_row_twice(layer):
    weighted = added(layer, H, np.array([1.0, 1.0, 1.0, 1.0, 2.0]))
    repeated = added(layer, np.concatenate([H, H[-1:]]))
    assert 5 * weighted == pytest.approx(6 * repeated)
    assert added(layer, H, np.zeros(5)) == 0


def test_kl_is_finite_for_units_that_are_never_or_always_active():
    for dtype in (np.float32, np.float64):
        x = np.tile(np.array([0.0, 1.0], dtype), (3, 1))
        network = Network(ActivityPenalty(kl=1.0), (2,), dtype)
        replica = network.replica(3)
        np.testing.assert_array_equal(replica.forward(x, training=True), x)
        assert np.isfinite(replica.layer.added_loss)
        grad = replica.layer.backward(np.zeros_like(x))
        assert (grad[:, 0] < 0).all() and (grad[:, 1] > 0).all() and np.isfinite(grad).all()


def test_kl_refuses_activations_outside_of_the_unit_interval():
    for x in (H - 0.5, H + 0.5):
        with pytest.raises(ValueError, match=r"expects activations in \[0, 1\] for its penalty"):
            added(ActivityPenalty(kl=0.1), x, training=True)
        # A trained network predicts for whatever comes.
        assert np.isfinite(added(ActivityPenalty(kl=0.1), x))


def test_masked_sequences_are_refused():
    replica = Network(ActivityPenalty(l1=0.1), (3, 4)).replica(2)
    with pytest.raises(ValueError, match="expects inputs without a mask"):
        replica.forward(np.ones((2, 3, 4)), mask=np.ones((2, 3), bool))


def test_a_penalty_of_nothing_adds_nothing():
    assert not ActivityPenalty().adds_loss
    assert added(ActivityPenalty(), H) == 0


def code_of(penalty):
    """Train an autoencoder with a penalty on its code; return the code of its rows."""
    rows = np.random.default_rng(0).normal(size=(200, 6))
    layers = [("code", Sequential([Dense(8, "logistic"), penalty])), Dense(16, "tanh")]
    options = {"learning_rate_init": 0.02, "random_state": 0, "max_iter": 300, "tol": 0}
    network = NeuralRegressor(layers=layers, **options).fit(rows, rows)
    return network.network_.predict(rows, "code")


def test_penalties_make_codes_sparse():
    plain = code_of(ActivityPenalty())
    assert code_of(ActivityPenalty(l1=0.5)).mean() < 0.6 * plain.mean()
    means = code_of(ActivityPenalty(kl=5.0, target=0.1)).mean(axis=0)
    assert np.abs(means - 0.1).max() < 0.03


def test_masking_noise_keeps_the_contract_of_layers():
    check_layer(MaskingNoise(0.4), (4,))
    check_layer(MaskingNoise(0), (2, 3))


def test_masking_noise_sets_inputs_to_zero_and_leaves_the_others():
    x = np.random.default_rng(0).normal(size=(400, 50))
    replica = Network(MaskingNoise(0.3), (50,)).replica(400, np.random.default_rng(0))
    out = replica.forward(x, training=True)
    zero = out == 0
    assert zero.mean() == pytest.approx(0.3, abs=0.01)
    np.testing.assert_array_equal(out[~zero], x[~zero])
    np.testing.assert_array_equal(replica.forward(x), x)
