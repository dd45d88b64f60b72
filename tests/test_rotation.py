"""Rotary positions and grouped queries, against complex numbers and repeated heads."""

import pickle

import numpy as np
import pytest
from scipy import special

from sknet import NeuralClassifier, NeuralLanguageModel
from sknet.layers import Embedding, Flatten, LayerNorm, MultiHeadAttention, TransformerBlock
from sknet.network import Network
from sknet.testing import check_layer


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def build(layer, shape):
    """Return a network of a layer whose weights, biases included, are all random."""
    network = Network(layer, shape, np.float64, 0)
    network.params += np.random.default_rng(5).normal(size=network.n_params) / 3
    return network


def parts(layer, x):
    """Return queries, keys and values, (N, heads, T, dim), by the kernel's columns."""
    projected, found, start = x @ layer.kernel_ + layer.bias_, [], 0
    for n_heads, dim in zip(layer._heads, layer._dims, strict=True):
        stop = start + n_heads * dim
        part = projected[:, :, start:stop].reshape(*x.shape[:2], n_heads, dim)
        found.append(part.transpose(0, 2, 1, 3))
        start = stop
    return found


def joined(layer, weights, values):
    context = np.einsum("nhts,nhsd->nthd", weights, values)
    flat = context.reshape(*context.shape[:2], -1)
    return flat @ layer.output_kernel_ + layer.output_bias_


@pytest.mark.parametrize("heads", [(4, 1), (4, 2), (6, 3)])
def test_heads_of_keys_serve_several_heads_of_queries(heads):
    n_heads, n_groups = heads
    x = draw(3, 5, 12)
    layer = MultiHeadAttention(n_heads, value_dim=3, num_key_value_heads=n_groups)
    network = build(layer, (5, 12))
    queries, keys, values = parts(network.layer, x)
    keys, values = (np.repeat(part, n_heads // n_groups, axis=1) for part in (keys, values))
    scores = np.einsum("nhtd,nhsd->nhts", queries, keys) / np.sqrt(keys.shape[-1])
    weights = special.softmax(scores, axis=-1)
    np.testing.assert_allclose(
        network.predict(x), joined(network.layer, weights, values), atol=1e-10
    )
    assert network.layer.kernel_.shape == (
        12,
        n_heads * (12 // n_heads) + n_groups * (12 // n_heads + 3),
    )


@pytest.mark.parametrize("n_groups", [None, 1])
def test_products_of_rotated_vectors_tell_how_far_apart_steps_are(n_groups):
    x = draw(2, 7, 8)
    layer = MultiHeadAttention(2, rotary=True, causal=True, num_key_value_heads=n_groups)
    network = build(layer, (7, 8))
    queries, keys, values = parts(network.layer, x)
    if n_groups:
        keys, values = (np.repeat(part, 2, axis=1) for part in (keys, values))
    # Pairs as complex numbers: turning by an angle is a product.
    as_complex = [part[..., :2] + 1j * part[..., 2:] for part in (queries, keys)]
    frequencies = 10_000.0 ** (-np.arange(2) / 2)
    apart = np.arange(7)[:, None] - np.arange(7)  # of query t and key s
    turns = np.exp(1j * apart[..., None] * frequencies)
    scores = np.einsum("nhtd,tsd,nhsd->nhts", as_complex[0], turns, as_complex[1].conj()).real / 2
    scores[..., apart < 0] = -np.inf
    weights = special.softmax(scores, axis=-1)
    np.testing.assert_allclose(
        network.predict(x), joined(network.layer, weights, values), atol=1e-10
    )


@pytest.mark.parametrize(
    "layer",
    [
        MultiHeadAttention(2, rotary=True),
        MultiHeadAttention(4, 2, num_key_value_heads=2, dropout=0.3),
        MultiHeadAttention(4, 4, 3, num_key_value_heads=1, rotary=True, causal=True),
        TransformerBlock(2, rotary=True, num_key_value_heads=1, causal=True, key_dim=4),
        TransformerBlock(2, rotary=True),
    ],
    ids=str,
)
def test_they_keep_the_contract(layer):
    check_layer(layer, (5, 4), sequence=True)


@pytest.mark.parametrize("masked", [False, True])
def test_sequences_that_are_read_in_pieces_keep_their_positions(masked):
    x = draw(3, 9, 4)
    mask = np.ones((3, 9), bool)
    if masked:
        mask[1, [0, 3, 4, 5]] = False
        mask[2, :4] = False
    layer = MultiHeadAttention(2, rotary=True, causal=True, num_key_value_heads=1)
    network = build(layer, (None, 4))
    expected = network.replica(3).forward(x, mask=mask).copy()
    replica, memory, pieces = network.replica(3), {}, []
    for start, stop in ((0, 3), (3, 6), (6, 7), (7, 9)):
        piece = mask[:, start:stop] if masked else None
        pieces.append(replica.layer.advance(x[:, start:stop], memory, piece).copy())
    found = np.concatenate(pieces, axis=1)
    np.testing.assert_allclose(found[mask], expected[mask], atol=1e-10)


def test_models_with_rotary_positions_write_resume_and_survive_pickles():
    layers = [Embedding(8), TransformerBlock(2, rotary=True, num_key_value_heads=1, causal=True)]
    layers += [LayerNorm()]
    options = {"context_length": 12, "tol": 0, "random_state": 0, "layers": layers}
    texts = ["tick tock", "tock tick tock"] * 4
    options["learning_rate"] = "constant"
    other = whole = NeuralLanguageModel(max_iter=4, **options).fit(texts)
    half = NeuralLanguageModel(max_iter=2, warm_start=True, **options).fit(texts)
    for copy in (pickle.loads(pickle.dumps(half)), half):
        np.testing.assert_array_equal(copy.fit(texts).network_.params, other.network_.params)
    assert isinstance(whole.generate("ti", max_length=5, random_state=0), str)


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (MultiHeadAttention(4, num_key_value_heads=3), "expects num_key_value_heads that divide"),
        (MultiHeadAttention(4, rotary=True), "expects an even key_dim, whose halves are rotated"),
        (MultiHeadAttention(2, num_key_value_heads=0), "The 'num_key_value_heads' parameter"),
        (TransformerBlock(2, rotary="yes"), "The 'rotary' parameter of TransformerBlock must be"),
    ],
)
def test_wrong_uses_have_a_sentence(layer, sentence):
    model = NeuralClassifier(layers=[layer, Flatten()])
    with pytest.raises(ValueError) as caught:
        model.fit(np.zeros((4, 3, 4)), [0, 1, 0, 1])
    assert sentence in str(caught.value)
