import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from sknet import NeuralClassifier, kernels
from sknet.kernels.numpy_kernels import channels
from sknet.kernels.numpy_kernels import normalization as rows
from sknet.layers import (
    BatchNorm,
    Flatten,
    GroupNorm,
    LayerNorm,
    RMSNorm,
    SpatialDropout1D,
    SpatialDropout2D,
)
from sknet.network import Network
from sknet.testing import check_layer

LENGTHS = np.array([4, 1, 6, 3])
MASK = np.arange(6) < LENGTHS[:, None]


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(2.0, 3.0, size=shape)


def in_blocks(patch, block):
    """Let NumPy's kernels take small blocks, or the chosen kernels run where they are large."""
    if block < 2**16:
        patch.setattr(channels, "_BLOCK_ELEMENTS", block)
        for name in ("channel_sums", "channel_linear", "channel_gradient"):
            patch.setattr(kernels, name, getattr(channels, name))


def step(layer, x, grad, mask=None, weights=None, dtype=np.float64):
    """Return the outputs, the gradient of x, those of the weights, and the network."""
    network = Network(clone(layer), x.shape[1:], dtype)
    for name, value in (weights or {}).items():
        getattr(network.layer, f"{name}_")[...] = value
    replica = network.replica(len(x), np.random.default_rng(0), np.full_like(network.params, 7.0))
    out = replica.forward(x.astype(dtype), True, mask).copy()
    grad_x = replica.layer.backward(grad.astype(dtype)).copy()
    grads = {n: getattr(replica.layer, f"{n}_grad_").copy() for n in ("gamma", "beta")}
    return out, grad_x, grads, network


AFFINE = {"gamma": draw(4, seed=1), "beta": draw(4, seed=2)}


# The contract


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (2, 2, 2, 4)], ids=str)
@pytest.mark.parametrize(
    "layer",
    [
        RMSNorm(),
        RMSNorm(epsilon=0.1, trainable=False),
        GroupNorm(2),
        GroupNorm(1, epsilon=0.1),
        GroupNorm(2, trainable=False),
        BatchNorm(momentum=0.5),
    ],
    ids=repr,
)
def test_normalization_keeps_the_contract(layer, shape):
    check_layer(layer, shape)


@pytest.mark.parametrize("shape", [(5, 4), (4, 2, 4)], ids=str)
@pytest.mark.parametrize(
    "layer",
    [LayerNorm(), RMSNorm(), GroupNorm(2), GroupNorm(-1), BatchNorm(), BatchNorm(trainable=False)],
    ids=repr,
)
def test_normalization_keeps_the_contract_of_sequences(layer, shape):
    check_layer(layer, shape, sequence=True)


@pytest.mark.parametrize("mask", [None, MASK], ids=["full", "masked"])
@pytest.mark.parametrize("layer", [BatchNorm(), GroupNorm(2), LayerNorm()], ids=repr)
@pytest.mark.parametrize("block", [8, 24, 100])
def test_blocks_and_joined_rows_change_no_result(layer, mask, block, monkeypatch):
    x, grad = draw(4, 6, 2, 4), draw(4, 6, 2, 4, seed=3)
    expected = step(layer, x, grad, mask, AFFINE)
    in_blocks(monkeypatch, block)
    monkeypatch.setattr(rows, "_ROW_ELEMENTS", 16)
    monkeypatch.setattr(rows, "_FEWEST_ROWS", 2)
    found = step(layer, x, grad, mask, AFFINE)
    for i in (0, 1):
        np.testing.assert_allclose(found[i], expected[i], rtol=1e-10, atol=1e-12)
    for name, gradient in expected[2].items():
        np.testing.assert_allclose(found[2][name], gradient, rtol=1e-11)
    np.testing.assert_allclose(found[3].params, expected[3].params, rtol=1e-12)


@pytest.mark.parametrize("layer", [SpatialDropout1D(0.4), SpatialDropout1D(0.0)], ids=repr)
def test_spatial_dropout_of_sequences_keeps_the_contract(layer):
    check_layer(layer, (5, 4), sequence=True)


def test_spatial_dropout_of_images_keeps_the_contract():
    check_layer(SpatialDropout2D(0.3), (2, 3, 4))


# Batches


def gathered(x):
    return x[MASK]


def test_a_masked_batch_norm_has_the_moments_of_the_real_steps():
    x = draw(4, 6, 4)
    layer = BatchNorm(epsilon=1e-9)
    out, _, _, network = step(layer, x, np.zeros_like(x), MASK, AFFINE)
    real = gathered(x)
    mean, variance = real.mean(axis=0), real.var(axis=0)
    np.testing.assert_allclose(network.layer.moving_mean_, mean, rtol=1e-12)
    np.testing.assert_allclose(
        network.layer.moving_variance_, real.var(axis=0, ddof=1), rtol=1e-12
    )
    expected = AFFINE["gamma"] * (real - mean) / np.sqrt(variance + 1e-9) + AFFINE["beta"]
    np.testing.assert_allclose(gathered(out), expected, rtol=1e-10)


@pytest.mark.parametrize("inner", [(), (2,), (2, 3)], ids=str)
def test_a_masked_batch_gives_what_the_real_steps_give_in_a_row(inner):
    x, grad = draw(4, 6, *inner, 4), draw(4, 6, *inner, 4, seed=3)
    out, grad_x, grads, network = step(BatchNorm(), x, grad, MASK, AFFINE)
    expected = step(BatchNorm(), gathered(x), gathered(grad), None, AFFINE)
    np.testing.assert_allclose(gathered(out), expected[0], rtol=1e-10)
    np.testing.assert_allclose(gathered(grad_x), expected[1], rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(grad_x[~MASK], 0)
    for name in grads:
        np.testing.assert_allclose(grads[name], expected[2][name], rtol=1e-10)
    np.testing.assert_allclose(network.params, expected[3].params, rtol=1e-12)


def test_what_stands_at_padded_steps_changes_nothing():
    x, grad = draw(4, 6, 4), draw(4, 6, 4, seed=3)
    wild = np.where(MASK[..., None], x, 1e30)
    for layer in (BatchNorm(), GroupNorm(2)):
        first, second = (step(layer, values, grad, MASK) for values in (x, wild))
        np.testing.assert_array_equal(first[0][MASK], second[0][MASK])
        np.testing.assert_array_equal(first[1], second[1])


def test_a_batch_without_a_real_step_leaves_the_averages_alone():
    network = Network(BatchNorm(), (3, 2))
    replica = network.replica(4, np.random.default_rng(0), np.empty_like(network.params))
    replica.forward(draw(4, 3, 2), training=True)
    before = network.params.copy()
    out = replica.forward(draw(4, 3, 2, seed=1), True, np.zeros((4, 3), bool))
    assert np.isfinite(out).all()
    grad = replica.layer.backward(np.ones((4, 3, 2)))
    np.testing.assert_array_equal(grad, 0)
    np.testing.assert_array_equal(replica.layer.gamma_grad_, 0)
    np.testing.assert_array_equal(network.params, before)


def test_an_offset_far_above_the_spread_does_not_spoil_the_variance():
    x = draw(3000, 4)
    for layer in (BatchNorm(), GroupNorm(-1)):
        shape = x.shape if isinstance(layer, BatchNorm) else (1, *x.shape)
        expected = step(layer, x.reshape(shape), np.zeros(shape))[0]
        shifted = step(layer, (x + 1e8).reshape(shape), np.zeros(shape))[0]
        np.testing.assert_allclose(shifted, expected, atol=1e-6)
        single = step(layer, (x + 300).reshape(shape), np.zeros(shape), dtype=np.float32)[0]
        np.testing.assert_allclose(single, expected, atol=1e-3)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    n=st.integers(1, 5),
    inner=st.lists(st.integers(1, 5), max_size=2),
    groups=st.sampled_from([1, 2, 3]),
    size=st.integers(1, 3),
    block=st.sampled_from([8, 64, 2**16]),
    seed=st.integers(0, 99),
)
def test_group_norm_is_its_formula(n, inner, groups, size, block, seed):
    channels = groups * size
    shape = (n, *inner, channels)
    x, grad = draw(*shape, seed=seed), draw(*shape, seed=seed + 1)
    weights = {"gamma": draw(channels, seed=3), "beta": draw(channels, seed=4)}
    with pytest.MonkeyPatch.context() as patch:
        in_blocks(patch, block)
        patch.setattr(rows, "_FEWEST_ROWS", 1)
        out, _, grads, _ = step(GroupNorm(groups, epsilon=0.01), x, grad, None, weights)
    x_hat = np.empty(shape)
    for i in range(n):
        for g in range(groups):
            part = x[i, ..., g * size : (g + 1) * size]
            root = np.sqrt(((part - part.mean()) ** 2).mean() + 0.01)
            x_hat[i, ..., g * size : (g + 1) * size] = (part - part.mean()) / root
    np.testing.assert_allclose(out, weights["gamma"] * x_hat + weights["beta"], atol=1e-9)
    axes = tuple(range(len(shape) - 1))
    np.testing.assert_allclose(grads["gamma"], (grad * x_hat).sum(axis=axes), atol=1e-9)
    np.testing.assert_allclose(grads["beta"], grad.sum(axis=axes), atol=1e-9)


def test_one_group_is_a_layer_norm_of_rows_and_one_a_channel_an_instance_norm():
    x, grad = draw(3, 4), draw(3, 4, seed=3)
    for got, expected in zip(
        step(GroupNorm(1), x, grad, None, AFFINE)[:2],
        step(LayerNorm(), x, grad, None, AFFINE)[:2],
        strict=True,
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)
    x = draw(3, 5, 6, 4)
    expected = (x - x.mean(axis=(1, 2), keepdims=True)) / np.sqrt(
        x.var(axis=(1, 2), keepdims=True) + 1e-5
    )
    for layer in (GroupNorm(-1), GroupNorm(4)):
        np.testing.assert_allclose(step(layer, x, np.zeros_like(x))[0], expected, rtol=1e-9)


@pytest.mark.parametrize("groups", [1, 2, -1])
def test_a_masked_group_norm_gives_what_each_sequence_gives_alone(groups):
    x, grad = draw(4, 6, 4), draw(4, 6, 4, seed=3)
    out, grad_x, grads, _ = step(GroupNorm(groups), x, grad, MASK, AFFINE)
    total = dict.fromkeys(grads, 0.0)
    for row, n in enumerate(LENGTHS):
        alone = step(
            GroupNorm(groups), x[row : row + 1, :n], grad[row : row + 1, :n], None, AFFINE
        )
        np.testing.assert_allclose(out[row, :n], alone[0][0], rtol=1e-9)
        np.testing.assert_allclose(grad_x[row, :n], alone[1][0], rtol=1e-8, atol=1e-11)
        total = {name: total[name] + alone[2][name] for name in total}
    np.testing.assert_array_equal(grad_x[~MASK], 0)
    for name in grads:
        np.testing.assert_allclose(grads[name], total[name], rtol=1e-9)


# Rows


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5)], ids=str)
def test_rms_norm_is_its_formula(shape):
    x, gamma = draw(4, *shape), draw(5, seed=1)
    network = Network(RMSNorm(epsilon=0.3), shape)
    network.layer.gamma_[:] = gamma
    out = network.replica(4).forward(x)
    expected = np.empty_like(x)
    for index in np.ndindex(*x.shape[:-1]):
        square = sum(value * value for value in x[index]) / 5
        expected[index] = gamma * x[index] / np.sqrt(square + 0.3)
    np.testing.assert_allclose(out, expected, rtol=1e-12)
    assert network.n_params == 5


@pytest.mark.parametrize("n_rows", [7, 1024, 1500])
def test_layer_norm_gives_the_same_for_few_rows_and_for_rows_joined(n_rows):
    x, grad = draw(n_rows, 4), draw(n_rows, 4, seed=3)
    out, grad_x, grads, _ = step(LayerNorm(), x, grad, None, AFFINE)
    centred = x - x.mean(axis=1, keepdims=True)
    root = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    x_hat = centred / root
    np.testing.assert_allclose(out, AFFINE["gamma"] * x_hat + AFFINE["beta"], atol=1e-12)
    g = AFFINE["gamma"] * grad
    expected = g - g.mean(axis=1, keepdims=True)
    expected = (expected - x_hat * (g * x_hat).mean(axis=1, keepdims=True)) / root
    np.testing.assert_allclose(grad_x, expected, atol=1e-11)
    np.testing.assert_allclose(grads["gamma"], (grad * x_hat).sum(axis=0), rtol=1e-10)
    np.testing.assert_allclose(grads["beta"], grad.sum(axis=0), rtol=1e-10)


# Dropout of channels


@pytest.mark.parametrize(
    ("layer", "inner"), [(SpatialDropout1D(0.3), (7,)), (SpatialDropout2D(0.3), (3, 5))], ids=repr
)
def test_spatial_dropout_drops_whole_channels_at_its_rate(layer, inner):
    x = np.ones((200, *inner, 50))
    network = Network(layer, x.shape[1:])
    replica = network.replica(200, np.random.default_rng(0), np.zeros(0))
    out = replica.forward(x, training=True)
    flat = out.reshape(200, -1, 50)
    np.testing.assert_array_equal(flat, np.broadcast_to(flat[:, :1], flat.shape))
    kept = flat[:, 0] != 0
    np.testing.assert_allclose(flat[:, 0][kept], 1 / 0.7, rtol=1e-6)
    # 10,000 fair draws have a standard deviation of 0.005.
    assert abs(kept.mean() - 0.7) < 0.03
    assert 0.4 < kept.mean(axis=0).min() < kept.mean(axis=0).max() < 0.95
    expected = 2 * out
    np.testing.assert_array_equal(replica.layer.backward(np.full(x.shape, 2.0)), expected)
    np.testing.assert_array_equal(replica.forward(x), x)


# Refusals


@pytest.mark.parametrize(
    ("layer", "shape", "sentence"),
    [
        (
            GroupNorm(),
            (3, 12),
            "Layer 'layers__0' (GroupNorm) expects a number of channels that groups=8 divides, "
            "got 12 channels. Choose groups that divide it; 1 and -1 always do.",
        ),
        (
            SpatialDropout1D(),
            (36,),
            "Layer 'layers__0' (SpatialDropout1D) expects inputs of shape (steps, channels), got "
            "(36,). Put a Reshape before it, pass input_shape, or use Dropout.",
        ),
        (
            SpatialDropout2D(),
            (9, 4),
            "Layer 'layers__0' (SpatialDropout2D) expects inputs of shape (height, width, "
            "channels), got (9, 4). Put a Reshape before it, pass input_shape, or use Dropout.",
        ),
        (GroupNorm(0), (36,), "Layer 'layers__0' (GroupNorm): The 'groups' parameter of Group"),
        (GroupNorm(-2), (36,), "(GroupNorm): The 'groups' parameter of GroupNorm must be an int"),
        (
            RMSNorm(epsilon=0),
            (36,),
            "Layer 'layers__0' (RMSNorm): The 'epsilon' parameter of RMSNorm",
        ),
        (SpatialDropout1D(1.0), (9, 4), "(SpatialDropout1D): The 'rate' parameter"),
    ],
)
def test_wrong_parameters_and_shapes_are_refused_in_one_sentence(layer, shape, sentence):
    model = NeuralClassifier(layers=[layer], input_shape=shape)
    with pytest.raises(ValueError) as caught:
        model.fit(draw(4, 36), [0, 1, 0, 1])
    assert sentence in str(caught.value)


# With one group, as groups take away means of channels, and those are what is to be learned.
@pytest.mark.parametrize("layer", [RMSNorm(), GroupNorm(1), SpatialDropout1D(0.1)], ids=repr)
def test_classifiers_learn_with_the_layer(layer):
    X = np.random.default_rng(0).normal(size=(200, 5, 4))
    y = X[:, :, 0].sum(axis=1) > 0
    layers = [layer, Flatten(), 8]
    params = {"learning_rate_init": 0.02, "max_iter": 40, "tol": 0, "random_state": 0}
    model = NeuralClassifier(layers=layers, input_shape=(5, 4), **params)
    assert model.fit(X, y).score(X, y) > 0.9


# Rounding and overflow


ALL = [BatchNorm(), LayerNorm(), RMSNorm(), GroupNorm(2)]
SHAPES = [(6, 4), (3, 40, 4)]


def results(layer, x, dtype, mask=None):
    """Return outputs and the gradient of x."""
    network = Network(clone(layer), x.shape[1:], dtype)
    for name in ("gamma", "beta"):
        if hasattr(network.layer, f"{name}_"):
            getattr(network.layer, f"{name}_")[:] = AFFINE[name]
    replica = network.replica(len(x), np.random.default_rng(0), np.zeros_like(network.params))
    grad = np.random.default_rng(3).normal(size=x.shape).astype(dtype)
    with np.errstate(over="ignore", invalid="ignore"):  # as in training
        out = replica.forward(x.astype(dtype), True, mask).copy()
        return out, replica.layer.backward(grad).copy()


@pytest.mark.parametrize("block", [8, 2**16])
@pytest.mark.parametrize("value", [0.1, 10000.1, 1e25, -3e38])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("layer", [BatchNorm(), LayerNorm(), GroupNorm(2), GroupNorm(1)], ids=repr)
def test_equal_values_give_exactly_beta(layer, shape, value, block, monkeypatch):
    in_blocks(monkeypatch, block)
    x = np.full(shape, value)
    for dtype in (np.float32, np.float64):
        out = results(layer, x, dtype)[0]
        np.testing.assert_array_equal(out, np.broadcast_to(AFFINE["beta"].astype(dtype), shape))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", [1e-30, 1e-10, 1e15, 1e20, 1e30, 1e38])
@pytest.mark.parametrize("layer", ALL, ids=repr)
def test_float32_gives_what_float64_gives_whatever_the_size(layer, size, masked):
    x = (size * np.random.default_rng(0).uniform(-3, 3, (4, 6, 4))).astype(np.float32)
    mask = MASK if masked else None
    single, double = (results(layer, x, dtype, mask) for dtype in (np.float32, np.float64))
    kept = MASK if masked else np.ones((4, 6), bool)
    np.testing.assert_allclose(single[0][kept], double[0][kept], rtol=1e-4, atol=1e-5)
    scale = np.abs(double[1][kept]).max()
    np.testing.assert_allclose(single[1][kept] / scale, double[1][kept] / scale, atol=1e-4)


@pytest.mark.parametrize("layer", ALL, ids=repr)
def test_float64_is_scale_free_where_squares_overflow(layer):
    x = np.random.default_rng(0).normal(size=(8, 4))
    expected, huge = results(layer, 1e9 * x, np.float64), results(layer, 1e160 * x, np.float64)
    np.testing.assert_allclose(huge[0], expected[0], rtol=1e-9)
    np.testing.assert_allclose(huge[1] * 1e151, expected[1], rtol=1e-6, atol=1e-22)


@pytest.mark.parametrize("layer", [BatchNorm(), LayerNorm(), GroupNorm(1)], ids=repr)
def test_small_spreads_about_a_large_mean_are_accurate_in_float32(layer):
    x = (1e4 + np.random.default_rng(0).normal(size=(40, 4))).astype(np.float32)
    single, double = (results(layer, x, dtype) for dtype in (np.float32, np.float64))
    np.testing.assert_allclose(single[0], double[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(single[1], double[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [1.0, 1e20, 1e37])
def test_batch_norm_in_float32_predicts_at_any_size(size):
    x = (size * draw(200, 4)).astype(np.float32)
    outs = []
    for dtype in (np.float32, np.float64):
        network = Network(BatchNorm(), (4,), dtype)
        replica = network.replica(200, np.random.default_rng(0))
        with np.errstate(over="ignore", invalid="ignore"):
            for batch in (x[:100], x[100:], x[:1]):
                replica.forward(batch.astype(dtype), training=True)
            outs.append(replica.forward(x.astype(dtype)).copy())
    np.testing.assert_allclose(outs[0], outs[1], rtol=1e-4, atol=1e-4)


# Moving averages


def averages_after(batches, layer=None, mask=None):
    network = Network(layer or BatchNorm(), batches[0].shape[1:])
    replica = network.replica(max(map(len, batches)), np.random.default_rng(0))
    for batch in batches:
        replica.forward(batch, training=True, mask=mask)
    return network.layer


def test_the_first_batches_give_the_moments_of_their_rows_together():
    batches = [draw(n, 3, seed=n) for n in (40, 7, 1, 25)]
    layer = averages_after(batches)
    np.testing.assert_allclose(layer.moving_mean_, np.concatenate(batches).mean(axis=0))
    pooled = sum((len(b) - 1) * b.var(axis=0, ddof=1) for b in batches if len(b) > 1)
    np.testing.assert_allclose(layer.moving_variance_, pooled / (39 + 6 + 24))


def test_a_short_batch_counts_in_proportion_to_its_rows():
    batches = [np.zeros((200, 1)), *[draw(200, 1, seed=i) for i in range(12)], draw(50, 1)]
    layer, last = averages_after(batches[:-1]), batches[-1]
    mean, variance = layer.moving_mean_.copy(), layer.moving_variance_.copy()
    layer = averages_after(batches)
    # A full batch has the share 0.1, so 50 of 200 rows, or 49 of 199 degrees of freedom, have:
    np.testing.assert_allclose(layer.moving_mean_, mean + 0.025 * (last.mean() - mean))
    share = 0.1 * 49 / 199
    np.testing.assert_allclose(
        layer.moving_variance_, variance + share * (last.var(ddof=1) - variance)
    )


def test_one_row_changes_no_variance():
    first, one = draw(30, 3), draw(1, 3, seed=1)
    before, after = averages_after([first]), averages_after([first, one])
    np.testing.assert_array_equal(before.moving_variance_, after.moving_variance_)
    np.testing.assert_array_equal(averages_after([one]).moving_variance_, 1)


def test_all_real_steps_of_a_batch_are_counted():
    x = draw(4, 6, 2, 3)
    layer = averages_after([x], mask=MASK)
    np.testing.assert_array_equal(layer.counts_, [28, 27])
    np.testing.assert_allclose(layer.moving_variance_, x[MASK].reshape(-1, 3).var(axis=0, ddof=1))


@pytest.mark.parametrize(("n_rows", "batch_size"), [(120, 2), (121, 3), (101, 100), (90, 32)])
def test_averages_are_those_of_the_data_whatever_the_batch_size(n_rows, batch_size):
    rng = np.random.default_rng(0)
    x = rng.normal(2, 3, size=(n_rows, 8))
    batches = []
    for _ in range(30):
        order = rng.permutation(n_rows)
        batches += [x[order[i : i + batch_size]] for i in range(0, n_rows, batch_size)]
    layer = averages_after(batches)
    np.testing.assert_allclose(layer.moving_variance_ / x.var(axis=0), 1, atol=0.15)
    np.testing.assert_allclose((layer.moving_mean_ - x.mean(axis=0)) / 3, 0, atol=0.15)


def test_the_average_of_a_constant_is_exact():
    layer = averages_after([np.full((7, 2), 10000.1)] * 30)
    np.testing.assert_array_equal(layer.moving_mean_, 10000.1)
    np.testing.assert_array_equal(layer.moving_variance_[:], layer.moving_variance_[0])
    assert layer.moving_variance_[0] == 0


@pytest.mark.parametrize("block", [8, 2**16])
def test_a_constant_feature_is_predicted_as_beta(block, monkeypatch):
    in_blocks(monkeypatch, block)
    x = draw(40, 4).astype(np.float32)
    x[:, 1] = 10000.1
    network = Network(BatchNorm(), (4,), np.float32)
    replica = network.replica(40, np.random.default_rng(0))
    for n in (40, 40, 40, 13, 7):
        replica.forward(x[:n], training=True)
    np.testing.assert_array_equal(replica.forward(x)[:, 1], 0)


@pytest.mark.parametrize("layer", [LayerNorm(), RMSNorm(), BatchNorm(), GroupNorm(1)])
def test_the_last_axis_has_a_known_length(layer):
    with pytest.raises(ValueError, match="expects inputs whose last axis has a known length"):
        Network(layer, (None,))
