"""Windows and masks of attention, against dense matrices of what each step may look at."""

import pickle

import numpy as np
import pytest
from scipy import special
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknet import NeuralClassifier, NeuralLanguageModel, load, save
from sknet.layers import (
    CrossAttention,
    Embedding,
    GlobalAveragePool1D,
    LayerNorm,
    MultiHeadAttention,
    TransformerBlock,
)
from sknet.network import Network
from sknet.testing import check_layer

STRIPES = np.abs(np.arange(7)[:, None] - np.arange(7)) % 2 == 0
SOME = np.random.default_rng(3).random((7, 7)) < 0.5  # one may see nothing
OPTIONS = [
    {"window": 1},
    {"window": 3},
    {"window": 2, "causal": True},
    {"attention_mask": STRIPES},
    {"attention_mask": SOME.tolist(), "causal": True},
    {"attention_mask": SOME.astype(float), "window": 3, "num_key_value_heads": 1},
    {"attention_mask": STRIPES, "causal": True, "rotary": True, "window": 4},
]
MASKS = [
    None,
    np.array([[True] * 5, [True, True, False, False, False], [True, True, True, True, False]]),
    np.array([[False, True, False, True, True], [False] * 5, [True, False, True, True, False]]),
]


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def build(layer, shape):
    """Return a network of a layer whose weights, biases included, are all random."""
    network = Network(layer, shape, np.float64, 0)
    network.params += np.random.default_rng(5).normal(size=network.n_params) / 3
    return network


def dense(layer, n_steps):
    """Return which of the positions each position sees."""
    t, s = np.indices((n_steps, n_steps))
    sees = np.ones((n_steps, n_steps), bool)
    if layer.causal:
        sees &= s <= t
    if layer.window is not None:
        sees &= (s < t + layer.window) & (s > t - layer.window)
    if layer.attention_mask is not None:
        sees &= np.array(layer.attention_mask, bool)[:n_steps, :n_steps]
    return sees


def attend(layer, x):
    """Return the attention of one sequence of real steps, by a matrix of what is seen."""
    dim, n_heads = layer._dims[0], layer.num_heads
    projected, found, start = x @ layer.kernel_ + layer.bias_, [], 0
    for heads in layer._heads:
        part = projected[:, start : start + heads * dim].reshape(len(x), heads, dim)
        start += heads * dim
        found.append(np.repeat(part, n_heads // heads, axis=1).swapaxes(0, 1))
    queries, keys, values = found
    if layer.rotary:
        turns = np.exp(
            1j * np.arange(len(x))[:, None] * 10000.0 ** (-2 * np.arange(dim // 2) / dim)
        )

        def turned(part):
            pairs = (part[..., : dim // 2] + 1j * part[..., dim // 2 :]) * turns
            return np.concatenate([pairs.real, pairs.imag], axis=-1)

        queries, keys = turned(queries), turned(keys)
    scores = queries @ keys.swapaxes(1, 2) / np.sqrt(dim)
    sees = dense(layer, len(x))
    weights = np.where(sees, special.softmax(np.where(sees, scores, -1e300), axis=-1), 0.0)
    return (weights @ values).swapaxes(0, 1).reshape(len(x), -1) @ layer.output_kernel_ + (
        layer.output_bias_
    )


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_they_keep_the_contract(options):
    check_layer(MultiHeadAttention(2, **options), (5, 4), sequence=True)


def test_a_block_keeps_the_contract():
    layer = TransformerBlock(2, window=2, attention_mask=SOME, dropout=0.2, intermediate_dim=3)
    check_layer(layer, (5, 4), sequence=True)


@pytest.mark.parametrize("which", [0, 1, 2], ids=["whole", "padded", "gaps"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_steps_look_at_what_a_dense_matrix_lets_them(options, which):
    x, mask = 2 * draw(3, 5, 4), MASKS[which]
    network = build(MultiHeadAttention(2, **options), (None, 4))
    out = network.replica(3).forward(x, mask=mask)
    for n in range(3):
        real = np.full(5, True) if mask is None else mask[n]
        if real.any():
            expected = attend(network.layer, x[n][real])
            np.testing.assert_allclose(out[n][real], expected, atol=1e-10)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "options", [options for options in OPTIONS if "causal" in options], ids=str
)
def test_steps_that_are_read_in_pieces_see_the_same(options, masked):
    network = build(MultiHeadAttention(2, **options), (None, 4))
    x = draw(2, 7, 4)
    mask = np.array([[1, 1, 0, 1, 1, 0, 1], [0, 1, 1, 1, 1, 1, 1]], bool) if masked else None
    whole = network.replica(2).forward(x, mask=mask).copy()
    replica, memory, parts = network.replica(2), {}, []
    for start, stop in [(0, 3), (3, 4), (4, 7)]:
        part = None if mask is None else mask[:, start:stop]
        parts.append(replica.layer.advance(x[:, start:stop], memory, part).copy())
    real = np.ones((2, 7), bool) if mask is None else mask
    np.testing.assert_allclose(np.hstack(parts)[real], whole[real], atol=1e-12)


def test_a_step_that_may_look_at_nothing_gets_zero():
    network = build(MultiHeadAttention(2, attention_mask=np.zeros((4, 4))), (4, 4))
    out = network.predict(draw(2, 4, 4))
    np.testing.assert_array_equal(out, np.broadcast_to(network.layer.output_bias_, (2, 4, 4)))


def classify(**options):
    """Return a classifier, with 12 sequences of unequal length and their classes."""
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(3 + i % 4, 4)) for i in range(12)]
    layers = [TransformerBlock(2, intermediate_dim=4, dropout=0.1, **options), LayerNorm()]
    model = NeuralClassifier(layers=[*layers, GlobalAveragePool1D()], max_iter=4, tol=0)
    return model.set_params(batch_size=5, random_state=0), X, np.arange(12) % 2


@pytest.mark.parametrize("options", [{"window": 2}, {"attention_mask": SOME}], ids=str)
def test_training_resumes_exactly_and_survives_copies_and_files(options, tmp_path):
    model, X, y = classify(**options)
    whole = clone(model).fit(X, y)
    half = clone(model).set_params(max_iter=2, warm_start=True).fit(X, y)
    save(half, tmp_path / "half.sknet")
    for copy in (pickle.loads(pickle.dumps(half)), load(tmp_path / "half.sknet"), half):
        np.testing.assert_array_equal(copy.fit(X, y).network_.params, whole.network_.params)
    assert (whole.predict_proba(X) != classify()[0].fit(X, y).predict_proba(X)).any()


def test_they_are_searched():
    model, X, y = classify()
    grid = {"layers__0__window": [1, None], "layers__0__attention_mask": [None, STRIPES]}
    search = GridSearchCV(model.set_params(max_iter=1), grid, cv=2, error_score="raise")
    assert len(search.fit(X, y).cv_results_["mean_test_score"]) == 4


def test_a_language_model_with_a_window_sees_nothing_further_back():
    layers = [Embedding(8), TransformerBlock(2, causal=True, window=2, rotary=True), LayerNorm()]
    model = NeuralLanguageModel("char", 8, layers, max_iter=1, random_state=0)
    model.fit(["abcabcabc", "cabcabcab"])
    first, second = model.network_.predict(np.array([[1, 2, 3, 2, 1], [3, 3, 3, 2, 1]]))
    assert (first[:3] != second[:3]).any(axis=1).all()
    np.testing.assert_allclose(first[3:], second[3:], rtol=1e-4)
    assert isinstance(model.generate("ab", max_length=12, random_state=0), str)


SENTENCE = (
    "expects an attention_mask of shape (steps, steps), True where the step of a row may look"
)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"window": 0}, "The 'window' parameter of MultiHeadAttention must be"),
        ({"attention_mask": "causal"}, "The 'attention_mask' parameter of MultiHeadAttention"),
        ({"attention_mask": np.ones((5, 4))}, SENTENCE),
        ({"attention_mask": np.ones((2, 5, 5), bool)}, "is none of a layer's."),
        ({"attention_mask": [[1, 0], [1]]}, SENTENCE),
        ({"attention_mask": SOME - 1.0}, "Compare it with a number for True and False."),
        ({"attention_mask": np.full((5, 5), "yes")}, SENTENCE),
        ({"attention_mask": np.eye(4)}, "at most as many steps as its attention_mask has, 4, got"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_wrong_uses_have_a_sentence(options, sentence):
    with pytest.raises(ValueError) as caught:
        Network(MultiHeadAttention(2, **options), (5, 4), path="layers__0")
    assert sentence in str(caught.value)


def test_longer_sequences_than_the_mask_are_refused():
    network = build(TransformerBlock(2, attention_mask=np.eye(4)), (None, 4))
    with pytest.raises(
        ValueError, match="expects at most as many steps as its attention_mask has, 4"
    ):
        network.predict(draw(1, 5, 4))
    padded = np.arange(6) < np.array([[4], [2]])  # the real ones count
    assert np.isfinite(network.replica(2).forward(draw(2, 6, 4), mask=padded)).all()
    with pytest.raises(TypeError, match="unexpected keyword argument 'window'"):
        CrossAttention(2, window=3)
