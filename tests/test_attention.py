import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from sknet import NeuralClassifier
from sknet.layers import Flatten, LayerNorm, MultiHeadAttention, TransformerBlock
from sknet.network import Network
from sknet.testing import check_layer

MASK = np.array([[True] * 5, [True, True, False, False, False], [True, False, True, True, False]])


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def build(layer, shape, dtype=np.float64):
    """Return a network of a layer whose weights, biases included, are all random."""
    network = Network(layer, shape, dtype, 0)
    network.params += np.random.default_rng(5).normal(size=network.n_params) / 3
    return network


def step(network, x, grad, mask=None, seed=0):
    """Return outputs, gradient of x and gradients of the weights of a training step."""
    replica = network.replica(len(x), np.random.default_rng(seed), np.zeros(network.n_params))
    out = replica.forward(x, True, mask).copy()
    grad_x = replica.layer.backward(grad.copy()).copy()
    gradients = [
        getattr(part, weight.name + "_grad_").copy()
        for part in replica.layer.walk()
        for weight in part._weights
    ]
    return out, grad_x, gradients


def attend(layer, x, mask=None):
    """Transcribe the equations for one query at a time; return outputs and weights."""
    heads, (key_dim, _, value_dim) = layer.num_heads, layer._dims
    bias = layer.bias_ if layer.use_bias else np.zeros(layer.kernel_.shape[1])
    starts = np.cumsum([0, heads * key_dim, heads * key_dim])
    n_rows, n_steps, _ = x.shape
    out, weights = np.zeros(x.shape), np.zeros((n_rows, heads, n_steps, n_steps))
    for n in range(n_rows):
        for t in range(n_steps):
            joined = []
            for head in range(heads):

                def project(kind, step, dim, n=n, head=head):
                    at = slice(starts[kind] + head * dim, starts[kind] + (head + 1) * dim)
                    return x[n, step] @ layer.kernel_[:, at] + bias[at]

                query, total, mean = project(0, t, key_dim), 0.0, np.zeros(value_dim)
                for s in range(n_steps):
                    if (layer.causal and s > t) or (mask is not None and not mask[n, s]):
                        continue
                    score = query @ project(1, s, key_dim) / np.sqrt(key_dim)
                    weights[n, head, t, s] = np.exp(score)
                    total += np.exp(score)
                    mean += np.exp(score) * project(2, s, value_dim)
                if total > 0:
                    weights[n, head, t] /= total
                    mean /= total
                joined.append(mean)
            out[n, t] = np.concatenate(joined) @ layer.output_kernel_
            if layer.use_bias:
                out[n, t] += layer.output_bias_
    return out, weights


OPTIONS = [
    {"num_heads": 1},
    {"num_heads": 2, "causal": True},
    {"num_heads": 4, "key_dim": 3},
    {"num_heads": 2, "key_dim": 1, "value_dim": 3, "use_bias": False},
    {"num_heads": 3, "key_dim": 2, "value_dim": 1, "causal": True},
]


# The contract


@pytest.mark.parametrize(
    "layer",
    [
        *(MultiHeadAttention(**options) for options in OPTIONS),
        MultiHeadAttention(2, dropout=0.3),
        MultiHeadAttention(2, kernel_initializer="orthogonal", trainable=False),
        TransformerBlock(2),
        TransformerBlock(1, intermediate_dim=3, key_dim=2, dropout=0.2, causal=True),
        TransformerBlock(2, activation="tanh", epsilon=0.1, trainable=False),
    ],
    ids=lambda layer: re.sub(r"\s+", " ", repr(layer)),
)
def test_layers_of_attention_keep_the_contract(layer):
    check_layer(layer, (5, 4), sequence=True)


def test_a_sequence_may_have_one_step():
    check_layer(MultiHeadAttention(2), (1, 4), sequence=True)
    check_layer(TransformerBlock(1), (1, 2), sequence=True)


# Attention


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_attention_is_what_its_equations_say(options, mask):
    network = build(MultiHeadAttention(**options), (5, 4))
    x = 2 * draw(3, 5, 4)
    replica = network.replica(3)
    out = replica.forward(x, mask=mask)
    expected, weights = attend(network.layer, x, mask)
    np.testing.assert_allclose(out, expected, atol=1e-10)
    np.testing.assert_allclose(replica.layer.attention_weights, weights, atol=1e-10)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    heads=st.integers(1, 3),
    key_dim=st.integers(1, 3),
    value_dim=st.none() | st.integers(1, 3),
    causal=st.booleans(),
    use_bias=st.booleans(),
    n_steps=st.integers(1, 6),
    has_mask=st.booleans(),
    seed=st.integers(0, 100),
)
def test_attention_is_right_for_all_options(
    heads, key_dim, value_dim, causal, use_bias, n_steps, has_mask, seed
):
    layer = MultiHeadAttention(heads, key_dim, value_dim, causal=causal, use_bias=use_bias)
    network = build(layer, (None, 3))
    rng = np.random.default_rng(seed)
    mask = rng.random((2, n_steps)) < 0.6 if has_mask else None  # gaps, and rows of nothing
    x = rng.normal(size=(2, n_steps, 3))
    replica = network.replica(2)
    out = replica.forward(x, mask=mask)
    expected, weights = attend(layer, x, mask)
    np.testing.assert_allclose(out, expected, atol=1e-10)
    np.testing.assert_allclose(replica.layer.attention_weights, weights, atol=1e-10)


@pytest.mark.parametrize("causal", [False, True])
def test_weights_sum_to_one_over_real_keys_and_are_zero_elsewhere(causal):
    network = build(MultiHeadAttention(2, causal=causal), (5, 4), np.float32)
    replica = network.replica(3)
    replica.forward(draw(3, 5, 4).astype(np.float32), mask=MASK)
    weights = replica.layer.attention_weights
    assert weights.shape == (3, 2, 5, 5)
    np.testing.assert_allclose(weights.sum(axis=3), 1, rtol=1e-6)
    hidden = np.broadcast_to(~MASK[:, None, None, :], weights.shape)
    assert not weights[hidden].any()
    if causal:
        assert not np.triu(weights, 1).any()


def test_weights_are_there_after_a_forward_pass():
    layer = Network(TransformerBlock(2), (5, 4)).layer
    with pytest.raises(AttributeError, match="has attention_weights after a forward pass"):
        _ = layer.attention_weights
    replica = Network(layer, (5, 4)).replica(1)
    replica.forward(draw(1, 5, 4))
    attention = dict(replica.layer.sublayers())["attention"]
    np.testing.assert_array_equal(replica.layer.attention_weights, attention.attention_weights)


@pytest.mark.parametrize("scale", [1e3, 1e10])
@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
def test_large_scores_overflow_nowhere(scale, mask):
    network = build(MultiHeadAttention(2), (5, 4), np.float32)
    x = (scale * draw(3, 5, 4)).astype(np.float32)
    out, grad_x, gradients = step(network, x, np.ones_like(x), mask)
    assert all(np.isfinite(array).all() for array in (out, grad_x, *gradients))


@pytest.mark.parametrize("layer", [MultiHeadAttention(2), TransformerBlock(2, causal=True)])
def test_a_row_without_real_steps_disturbs_nothing(layer):
    mask = MASK.copy()
    mask[1] = False
    network = build(layer, (5, 4))
    x, grad = draw(3, 5, 4), draw(3, 5, 4, seed=1) * mask[:, :, None]
    out, grad_x, gradients = step(network, x, grad, mask)
    others = [0, 2]
    expected = step(network, x[others], grad[others], mask[others])
    np.testing.assert_allclose(out[others], expected[0], rtol=1e-12)
    np.testing.assert_allclose(grad_x[others], expected[1], rtol=1e-12, atol=1e-12)
    for actual, alone in zip(gradients, expected[2], strict=True):
        np.testing.assert_allclose(actual, alone, rtol=1e-10, atol=1e-12)
    assert np.isfinite(out).all() and not grad_x[1].any()


def test_without_real_keys_the_mean_is_zero():
    network = build(MultiHeadAttention(2), (5, 4))
    out = network.replica(1).forward(draw(1, 5, 4), mask=np.zeros((1, 5), bool))
    np.testing.assert_array_equal(out[0], np.tile(network.layer.output_bias_, (5, 1)))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("make", [MultiHeadAttention, TransformerBlock])
def test_a_padded_batch_gives_what_each_sequence_gives_alone(make, causal):
    network = build(make(2, causal=causal), (None, 4))
    lengths = [5, 2, 1, 4]
    mask = np.arange(5) < np.array(lengths)[:, None]
    x = np.where(mask[:, :, None], draw(4, 5, 4), 100 * draw(4, 5, 4, seed=2))
    grad = draw(4, 5, 4, seed=1) * mask[:, :, None]
    out, grad_x, gradients = step(network, x, grad, mask)
    sums = [0.0 for _ in gradients]
    for n, length in enumerate(lengths):
        alone = step(network, x[n : n + 1, :length], grad[n : n + 1, :length])
        np.testing.assert_allclose(out[n, :length], alone[0][0], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(grad_x[n, :length], alone[1][0], rtol=1e-10, atol=1e-12)
        assert not grad_x[n, length:].any()
        sums = [total + one for total, one in zip(sums, alone[2], strict=True)]
    for actual, expected in zip(gradients, sums, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-12)


def test_causal_outputs_do_not_see_the_future():
    network = build(TransformerBlock(2, causal=True), (6, 4))
    x = draw(2, 6, 4)
    out = network.replica(2).forward(x).copy()
    x[:, 4:] += 1
    changed = network.replica(2).forward(x)
    np.testing.assert_array_equal(changed[:, :4], out[:, :4])
    assert (changed[:, 4:] != out[:, 4:]).all()


def test_without_positions_attention_does_not_see_the_order():
    network = build(TransformerBlock(2), (6, 4))
    x, order = draw(2, 6, 4), np.array([3, 0, 5, 1, 4, 2])
    out = network.replica(2).forward(x).copy()
    np.testing.assert_allclose(network.replica(2).forward(x[:, order]), out[:, order], rtol=1e-12)


def test_dropout_of_weights_keeps_their_expectation():
    x = draw(1, 4, 6)
    plain = build(MultiHeadAttention(2), (4, 6))
    noisy = build(MultiHeadAttention(2, dropout=0.4), (4, 6))
    expected = plain.replica(1).forward(x)
    many = np.repeat(x, 20_000, axis=0)
    out = noisy.replica(len(many), np.random.default_rng(0)).forward(many, training=True)
    error = out.std(axis=0) / np.sqrt(len(many))
    assert (error > 0).all()
    assert (np.abs(out.mean(axis=0) - expected[0]) < 5 * error).all()
    np.testing.assert_array_equal(noisy.replica(1).forward(x), expected)


@pytest.mark.parametrize("make", [MultiHeadAttention, TransformerBlock])
def test_replicas_do_not_disturb_each_other(make):
    network = build(make(2, dropout=0.4), (5, 4))
    x, grad = draw(3, 5, 4), draw(3, 5, 4, seed=1)
    _, expected, gradients = step(network, x, grad)
    grads = np.zeros(network.n_params)
    replica = network.replica(3, np.random.default_rng(0), grads)
    replica.forward(x, training=True)
    kept = grads.copy()
    step(network, x[::-1] + 1, grad[::-1], seed=7)
    np.testing.assert_array_equal(grads, kept)
    np.testing.assert_array_equal(replica.layer.backward(grad.copy()), expected)
    assert sum(np.abs(array).sum() for array in gradients) == pytest.approx(np.abs(grads).sum())


def test_queries_keys_and_values_start_as_glorot_says():
    layer = Network(MultiHeadAttention(4, value_dim=5), (None, 64), np.float64, 0).layer
    bound = np.sqrt(6 / (64 + 64))
    assert layer.kernel_.shape == (64, 64 + 64 + 20)
    for at in (slice(0, 64), slice(64, 128), slice(128, 148)):
        assert 0.97 * bound < np.abs(layer.kernel_[:, at]).max() <= bound
    assert 0.97 < np.abs(layer.output_kernel_).max() / np.sqrt(6 / (20 + 64)) <= 1
    assert not layer.bias_.any() and not layer.output_bias_.any()


def test_kernels_decay_and_biases_do_not():
    network = Network(MultiHeadAttention(2), (5, 4))
    sizes = {group.decay: group.where.stop - group.where.start for group in network.groups}
    assert sizes == {True: 4 * 12 + 4 * 4, False: 12 + 4}


# The block


def normalize(x, layer):
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + layer.epsilon) * layer.gamma_ + layer.beta_


@pytest.mark.parametrize("activation", ["tanh", "gelu"])
@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
def test_a_block_is_what_its_formula_says(mask, activation):
    network = build(
        TransformerBlock(2, intermediate_dim=7, causal=True, activation=activation), (5, 4)
    )
    x = draw(3, 5, 4)
    part = dict(network.layer.sublayers())
    h = x + attend(part["attention"], normalize(x, part["attention_norm"]), mask)[0]
    z = normalize(h, part["feedforward_norm"]) @ part["intermediate"].kernel_
    z += part["intermediate"].bias_
    gelu = 0.5 * z * (1 + special.erf(z / np.sqrt(2)))
    a, atol = (np.tanh(z), 1e-10) if activation == "tanh" else (gelu, 2e-3)
    expected = h + a @ part["output"].kernel_ + part["output"].bias_
    np.testing.assert_allclose(network.replica(3).forward(x, mask=mask), expected, atol=atol)


def test_the_parts_of_a_block_have_names_and_paths():
    network = Network(TransformerBlock(4, dropout=0.1), (6, 8), path="layers__block")
    parts = dict(network.layer.sublayers())
    assert list(parts) == [
        "attention_norm",
        "attention",
        "attention_dropout",
        "feedforward_norm",
        "intermediate",
        "output",
        "output_dropout",
    ]
    assert [part._path for part in parts.values()] == [f"layers__block__{n}" for n in parts]
    assert parts["intermediate"].units == 32 and parts["output"].units == 8
    assert parts["attention"].dropout == parts["output_dropout"].rate == 0.1
    assert "intermediate (Dense)" in str(network)


def test_only_a_block_with_dropout_is_stochastic():
    assert Network(TransformerBlock(1, dropout=0.1), (3, 2)).layer.is_stochastic
    assert not Network(TransformerBlock(1), (3, 2)).layer.is_stochastic


def test_a_frozen_block_freezes_all_its_parts():
    network = Network(TransformerBlock(1, trainable=False), (3, 2))
    assert network.n_trainable == 0
    assert all(part.is_frozen for part in network.layer.walk())


def test_attention_finds_the_marked_step():
    # The class is the sign of feature 1 at the one step where feature 0 is large.
    rng = np.random.default_rng(0)
    X, at = rng.normal(size=(1500, 8, 4)) / 2, rng.integers(0, 8, 1500)
    X[np.arange(1500), at, 0] = 4.0
    y = X[np.arange(1500), at, 1] > 0
    model = NeuralClassifier(
        layers=[16, TransformerBlock(2, dropout=0.1), LayerNorm(), Flatten()],
        input_shape=(8, 4),
        batch_size=50,
        learning_rate_init=0.005,
        max_iter=12,
        tol=0,
        random_state=0,
    ).fit(X[:1000], y[:1000])
    assert model.score(X[1000:], y[1000:]) > 0.95


# Errors


@pytest.mark.parametrize(
    ("layer", "shape", "sentence"),
    [
        (
            MultiHeadAttention(3),
            (5, 4),
            "Layer 'layers__a' (MultiHeadAttention) expects a number of features that "
            "num_heads=3 divides, got 4. Choose another num_heads, or pass key_dim.",
        ),
        (
            TransformerBlock(3),
            (5, 4),
            "Layer 'layers__a__attention' (MultiHeadAttention) expects a number of features that "
            "num_heads=3 divides, got 4.",
        ),
        (
            MultiHeadAttention(2),
            (4,),
            "Layer 'layers__a' (MultiHeadAttention) expects inputs of shape (steps, features), "
            "got (4,). Put a Reshape before it or pass input_shape. After a recurrent layer, set "
            "its return_sequences=True.",
        ),
        (
            TransformerBlock(2),
            (2, 3, 4),
            "Layer 'layers__a' (TransformerBlock) expects inputs of shape (steps, features), got "
            "(2, 3, 4).",
        ),
        (MultiHeadAttention(0), (5, 4), "The 'num_heads' parameter of MultiHeadAttention must"),
        (MultiHeadAttention(2, key_dim=0), (5, 4), "The 'key_dim' parameter of MultiHead"),
        (MultiHeadAttention(2, dropout=1), (5, 4), "The 'dropout' parameter of MultiHead"),
        (TransformerBlock(2, activation="gelo"), (5, 4), "The 'activation' parameter of Transf"),
        (TransformerBlock(2, epsilon=0), (5, 4), "The 'epsilon' parameter of TransformerBlock"),
        (
            TransformerBlock(2, intermediate_dim=0),
            (5, 4),
            "The 'intermediate_dim' parameter of TransformerBlock",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(layer, shape, sentence):
    with pytest.raises(ValueError) as caught:
        Network(layer, shape, path="layers__a")
    assert sentence in str(caught.value)
