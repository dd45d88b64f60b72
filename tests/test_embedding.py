import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sknet import NeuralClassifier
from sknet.initializers import Constant
from sknet.layers import (
    Branch,
    ColumnBranches,
    Dense,
    Embedding,
    Flatten,
    Masking,
    PositionalEmbedding,
    Sequential,
    TransformerBlock,
)
from sknet.network import Network
from sknet.testing import check_layer


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def codes(*shape, low=0, high=9, seed=0):
    return np.random.default_rng(seed).integers(low, high, shape)


def step(network, x, grad, mask=None):
    """Return the outputs, the gradient of x and the replica of a training step."""
    replica = network.replica(len(x), np.random.default_rng(0), np.full(network.n_params, 7.0))
    out = replica.forward(x, True, mask).copy()
    return out, replica.layer.backward(grad.copy()), replica


# Embedding


@pytest.mark.parametrize("shape", [(4,), (), (3, 2)], ids=str)
@pytest.mark.parametrize("trainable", [True, False])
def test_embedding_keeps_the_contract(shape, trainable):
    layer = Embedding(3, input_dim=9, trainable=trainable)
    check_layer(layer, shape, x=codes(5, *shape), input_grad=False)


@pytest.mark.parametrize("mask_zero", [True, False])
def test_embedding_leaves_padded_steps_alone(mask_zero):
    layer = Embedding(3, input_dim=9, mask_zero=mask_zero)
    x = codes(5, 6, low=1, high=8)
    check_layer(layer, (6,), x=x, input_grad=False, sequence=True)
    text = Sequential([layer, PositionalEmbedding(max_length=6), TransformerBlock(1)])
    check_layer(text, (6,), x=x, input_grad=False, sequence=True)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    n_rows=st.integers(1, 6),
    shape=st.sampled_from([(), (1,), (5,), (2, 3)]),
    input_dim=st.integers(1, 12),
    output_dim=st.integers(1, 5),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 99),
)
def test_embedding_is_the_product_with_one_hot_codes(
    n_rows, shape, input_dim, output_dim, dtype, seed
):
    network = Network(Embedding(output_dim, input_dim=input_dim), shape, dtype, 0)
    x = codes(n_rows, *shape, high=input_dim, seed=seed)
    one_hot = (x[..., None] == np.arange(input_dim)).astype(dtype)
    grad = draw(*x.shape, output_dim, seed=seed).astype(dtype)
    out, grad_x, replica = step(network, x.astype(dtype), grad)
    np.testing.assert_array_equal(out, one_hot @ network.layer.embeddings_)
    expected = one_hot.reshape(-1, input_dim).T @ grad.reshape(-1, output_dim)
    np.testing.assert_allclose(replica.layer.embeddings_grad_, expected, rtol=1e-4, atol=1e-5)
    assert grad_x.shape == x.shape and not grad_x.any()


def test_embedding_takes_shorter_and_longer_sequences_in_turn():
    network = Network(Embedding(2, input_dim=9), (None,))
    replica = network.replica(4, None, np.empty(network.n_params))
    for n_rows, n_steps in [(4, 3), (2, 8), (4, 1), (3, 5)]:
        x, grad = codes(n_rows, n_steps), draw(n_rows, n_steps, 2)
        np.testing.assert_array_equal(replica.forward(x, True), network.layer.embeddings_[x])
        replica.layer.backward(grad.copy())
        expected = np.zeros((9, 2))
        for code, vector in zip(x.ravel(), grad.reshape(-1, 2), strict=True):
            expected[code] += vector
        np.testing.assert_allclose(replica.layer.embeddings_grad_, expected, atol=1e-12)


def test_embeddings_start_small_and_do_not_decay():
    network = Network(Embedding(30, input_dim=100), (4,), random_state=0)
    assert 0.0499 < np.abs(network.layer.embeddings_).max() <= 0.05
    assert [group.decay for group in network.groups] == [False]


def test_frozen_embeddings_have_no_gradient():
    layer = Embedding(2, input_dim=9, trainable=False, embeddings_initializer=Constant(2.0))
    out, _, replica = step(Network(layer, (4,)), codes(3, 4), draw(3, 4, 2))
    assert (out == 2).all() and (replica.layer.embeddings_grad_ == 7).all()


def test_zero_is_padding_if_the_layer_is_told_so():
    x = np.array([[3, 0, 2, 0], [0, 0, 0, 0], [1, 2, 3, 4]])
    given_mask = np.array([[True, True, True, False], [True] * 4, [True, True, False, False]])
    layer = Network(Embedding(2, input_dim=5, mask_zero=True), (4,)).replica(3).layer
    np.testing.assert_array_equal(layer.compute_mask(x, None), x != 0)
    np.testing.assert_array_equal(layer.compute_mask(x, given_mask), (x != 0) & given_mask)
    assert layer.compute_mask(x[2:], None) is None
    plain = Network(Embedding(2, input_dim=5), (4,)).replica(3).layer
    assert plain.compute_mask(x, None) is None
    assert plain.compute_mask(x, given_mask) is given_mask


@pytest.mark.parametrize("wrong", [-3.0, 77.0, 0.5, 1e30])
def test_padded_steps_may_hold_anything(wrong):
    network = Network(Embedding(2, input_dim=5), (3,))
    x, mask = np.array([[1.0, 2.0, wrong]]), np.array([[True, True, False]])
    out = network.replica(1).forward(x, mask=mask)
    np.testing.assert_array_equal(out[0, :2], network.layer.embeddings_[[1, 2]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_embedding_finds_its_size_from_the_training_data(dtype):
    layer = Embedding(2)
    layer.adapt(np.array([[0, 3], [17, 2]], dtype))
    assert layer.input_dim == 18
    layer.adapt(np.array([[17, 1]], dtype))
    with pytest.raises(ValueError, match="from 0 to 17, got 90"):
        layer.adapt(np.array([[90, 1]], dtype))
    assert layer.input_dim == 18


def test_an_estimator_tells_its_embedding_the_size():
    X, y = codes(60, 6, high=12), np.arange(60) % 2
    layers = [("words", Embedding(3)), Flatten()]
    model = NeuralClassifier(layers=layers, max_iter=2, tol=0, random_state=0).fit(X, y)
    assert layers[0][1].input_dim is None
    assert dict(model.network_.layer.sublayers())["words"].embeddings_.shape == (12, 3)
    with pytest.raises(ValueError) as caught:
        model.predict(X + 4)
    assert str(caught.value) == (
        "Layer 'layers__words' (Embedding) expects codes, whole numbers from 0 to 11, got "
        "15. Pass input_dim=16 or more, or give unknown ones a known code."
    )
    assert model.predict(X).shape == (60,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("wrong", "got", "advice"),
    [
        (250, "got 250. ", "Pass input_dim=251 or more, or give unknown ones a known code."),
        (100, "got 100. ", "Pass input_dim=101 or more"),
        (1234567, "got 1234567. ", "Pass input_dim=1234568 or more"),
        (-1, "got -1. ", "Number tokens or categories from 0, for example by OrdinalEncoder."),
        (0.5, "got 0.5. ", "Number tokens or categories from 0"),
        (100.5, "got 100.5. ", "Number tokens or categories from 0"),
        (np.nan, "got nan. ", "Number tokens or categories from 0"),
        (np.inf, "got inf. ", "Number tokens or categories from 0"),
        (-np.inf, "got -inf. ", "Number tokens or categories from 0"),
    ],
)
def test_what_is_no_code_is_refused_in_a_sentence(wrong, got, advice, dtype):
    replica = Network(Embedding(2, input_dim=100), (3,), dtype, path="layers__e").replica(2)
    x = np.array([[0, 99, 3], [5, wrong, 7]], dtype)
    with pytest.raises(ValueError) as caught:
        replica.forward(x)
    expected = "Layer 'layers__e' (Embedding) expects codes, whole numbers from 0 to 99, "
    assert str(caught.value).startswith(expected + got + advice)


@pytest.mark.parametrize("wrong", [-1.0, 2.5, 2.0**24])
def test_embedding_does_not_adapt_to_what_is_no_code(wrong):
    with pytest.raises(ValueError, match=r"whole numbers from 0 (on|to 16777215), got"):
        Embedding(2).adapt(np.array([[1, wrong]], np.float32))


def test_more_codes_than_float32_can_tell_apart_are_refused():
    layer = Embedding(1, input_dim=2**24 + 1, embeddings_initializer="zeros")
    with pytest.raises(ValueError) as caught:
        Network(layer, (1,), np.float32).replica(1)
    assert str(caught.value) == (
        "Layer Embedding expects at most 16777216 codes in float32, which cannot tell more "
        "apart, got input_dim=16777217. Pass dtype='float64'."
    )


# Positions


@pytest.mark.parametrize("kind", ["learned", "sinusoidal"])
def test_positional_embedding_keeps_the_contract(kind):
    check_layer(PositionalEmbedding(kind, max_length=7), (5, 4), sequence=True)
    check_layer(PositionalEmbedding(kind), (4, 3))
    check_layer(PositionalEmbedding(kind, trainable=False), (1, 1))


@pytest.mark.parametrize("features", [1, 2, 5, 8])
def test_sinusoids_are_those_of_the_paper(features):
    network = Network(PositionalEmbedding("sinusoidal"), (None, features))
    replica = network.replica(2)
    for n_steps in (3, 1, 7, 20, 5):
        x = draw(2, n_steps, features)
        expected = x.copy()
        for pos in range(n_steps):
            for i in range(0, features, 2):
                angle = pos / 10000 ** (i / features)
                expected[:, pos, i] += np.sin(angle)
                if i + 1 < features:
                    expected[:, pos, i + 1] += np.cos(angle)
        np.testing.assert_allclose(replica.forward(x), expected, rtol=1e-12, atol=1e-12)
    assert network.n_params == 0


def test_learned_positions_are_added_and_their_gradients_summed():
    network = Network(PositionalEmbedding(max_length=6), (None, 3), random_state=0)
    assert network.layer.embeddings_.shape == (6, 3) and network.layer.embeddings_.any()
    x, grad = draw(4, 5, 3), draw(4, 5, 3, seed=1)
    out, grad_x, replica = step(network, x, grad)
    np.testing.assert_array_equal(out, x + network.layer.embeddings_[:5])
    np.testing.assert_array_equal(grad_x, grad)
    np.testing.assert_allclose(replica.layer.embeddings_grad_[:5], grad.sum(axis=0), atol=1e-12)
    assert not replica.layer.embeddings_grad_[5:].any()


def test_replicas_do_not_share_sinusoids():
    network = Network(PositionalEmbedding("sinusoidal"), (None, 2))
    first, second = network.replica(1), network.replica(1)
    expected = first.forward(np.zeros((1, 4, 2))).copy()
    second.forward(np.zeros((1, 9, 2)))
    first.layer._sinusoids[:] = 0
    np.testing.assert_array_equal(second.forward(np.zeros((1, 4, 2))), expected)


def test_positions_beyond_the_table_are_refused():
    network = Network(PositionalEmbedding(max_length=4), (None, 2), path="layers__1")
    with pytest.raises(ValueError) as caught:
        network.replica(1).forward(np.zeros((1, 6, 2)))
    assert str(caught.value) == (
        "Layer 'layers__1' (PositionalEmbedding) expects at most max_length=4 steps, got 6. Pass "
        "max_length=6 or more, or shorten the sequences."
    )


# Masking


@pytest.mark.parametrize("shape", [(5, 3), (4, 2, 2)], ids=str)
def test_masking_keeps_the_contract(shape):
    check_layer(Masking(), shape, sequence=True)
    x = draw(5, *shape)
    x[1, 2], x[3, 0] = -1.0, -1.0
    check_layer(Masking(-1.0), shape, x=x)


def test_masking_marks_steps_and_sets_them_to_zero():
    x = np.array([[[5.0, 5.0], [5.0, 1.0], [2.0, 3.0]], [[1.0, 2.0], [5.0, 5.0], [5.0, 5.0]]])
    given_mask = np.array([[True, True, False], [True, True, True]])
    real = np.array([[False, True, True], [True, False, False]])
    for mask, expected in ((None, real), (given_mask, real & given_mask)):
        network = Network(Masking(5.0), (3, 2))
        out, grad_x, replica = step(network, x, np.ones_like(x), mask)
        np.testing.assert_array_equal(out, x * expected[:, :, None])
        np.testing.assert_array_equal(grad_x, np.ones_like(x) * expected[:, :, None])
        np.testing.assert_array_equal(replica.layer.compute_mask(x, mask), expected)


def test_masking_without_padding_has_no_mask():
    replica = Network(Masking(), (3, 2)).replica(2)
    x = draw(2, 3, 2)
    np.testing.assert_array_equal(replica.forward(x), x)
    assert replica.layer.compute_mask(x, None) is None


def test_the_layers_behind_do_not_see_masked_steps():
    layers = [Masking(-1.0), Dense(4), TransformerBlock(2)]
    network = Network(Sequential(layers), (None, 3), random_state=0)
    x = draw(2, 5, 3)
    x[1, 2:] = -1.0
    together = network.replica(2).forward(x)
    alone = network.replica(1).forward(x[1:, :2])
    np.testing.assert_allclose(together[1, :2], alone[0], rtol=1e-12)


# Errors


@pytest.mark.parametrize(
    ("layer", "shape", "sentence"),
    [
        (
            Embedding(2),
            (3,),
            "Layer 'layers__a' (Embedding) expects to know the number of codes, got "
            "input_dim=None. Pass input_dim, the largest code plus one",
        ),
        (
            Embedding(2, input_dim=5, mask_zero=True),
            (3, 2),
            "Layer 'layers__a' (Embedding) expects sequences of codes, of shape (T,), with "
            "mask_zero=True, got (3, 2). Pass mask_zero=False.",
        ),
        (
            Embedding(0, input_dim=5),
            (3,),
            "Layer 'layers__a' (Embedding): The 'output_dim' parameter",
        ),
        (
            Embedding(2, input_dim=0),
            (3,),
            "Layer 'layers__a' (Embedding): The 'input_dim' parameter",
        ),
        (
            Embedding(2, input_dim=5, embeddings_initializer="auto"),
            (3,),
            "The 'embeddings_initializer' parameter of Embedding",
        ),
        (
            PositionalEmbedding(),
            (None, 2),
            "Layer 'layers__a' (PositionalEmbedding) expects a max_length for learned vectors, "
            "got sequences of any length. Pass max_length, or kind='sinusoidal'.",
        ),
        (
            PositionalEmbedding("sinusoidal", max_length=3),
            (4, 2),
            "expects at most max_length=3 steps, got 4. Pass max_length=4 or more",
        ),
        (
            PositionalEmbedding(),
            (4,),
            "expects inputs of shape (steps, features), got (4,). Put a Reshape before",
        ),
        (PositionalEmbedding("random"), (4, 2), "The 'kind' parameter of PositionalEmbedding"),
        (
            Masking(),
            (4,),
            "Layer 'layers__a' (Masking) expects sequences of shape (T, F), got (4,). Pass "
            "input_shape=(T, 1) for one feature a step, or use mask_zero of Embedding",
        ),
        (Masking(np.inf), (4, 2), "The 'mask_value' parameter of Masking must"),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(layer, shape, sentence):
    with pytest.raises(ValueError) as caught:
        Network(layer, shape, path="layers__a")
    assert sentence in str(caught.value)


def test_penalty_and_weight_decay_reach_the_vectors_if_asked_to():
    for decay in (False, True):
        network = Network(Embedding(2, input_dim=3, decay=decay), (1,))
        assert [group.decay for group in network.groups] == [decay]


def test_codes_in_the_first_layer_are_refused_by_its_path():
    X, y = np.array([[0.0], [-1.0]]), [0, 1]
    with pytest.raises(ValueError, match=r"^Layer 'layers__codes' \(Embedding\) expects codes, "):
        NeuralClassifier(layers=[("codes", Embedding(2))]).fit(X, y)
    branches = [("user", Branch([0], [("table", Embedding(2))]))]
    where = r"^Layer 'layers__0__branches__user__layers__table' \(Embedding\)"
    with pytest.raises(ValueError, match=where):
        NeuralClassifier(layers=[ColumnBranches(branches)]).fit(X, y)


@pytest.mark.parametrize(
    ("largest", "others", "warns"),
    [(1_000_000, 9_999, True), (999_999, 1, False), (1_000_000, 10_000, False)],
)
def test_many_more_codes_than_occur_are_warned_of(largest, others, warns):
    codes = np.append(np.arange(others), largest)[:, None]
    layer = Embedding(1)
    if warns:
        with pytest.warns(UserWarning, match="only 10000 occur in X.* by sklearn.*OrdinalEncoder"):
            layer.adapt(codes)
    else:
        layer.adapt(codes)
    assert layer.input_dim == largest + 1
    Embedding(1, input_dim=2_000_000).adapt(codes)


@pytest.mark.parametrize("value", [np.array([1, 2]), "9", 10**400, [9]])
def test_a_wrong_input_dim_is_refused_before_the_codes_are_looked_at(value):
    network = NeuralClassifier(layers=[Embedding(2, input_dim=value), Flatten()], max_iter=1)
    with pytest.raises(ValueError, match=r"Layer 'layers__0' \(Embedding\): The 'input_dim' par"):
        network.fit(np.ones((4, 2)), np.ones(4))
