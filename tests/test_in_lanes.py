"""Large layers run on parts of a batch, and give what they give for the whole of it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from sknet import NeuralClassifier, blas, kernels
from sknet.inputs import as_sequences
from sknet.layers import (
    GRU,
    LSTM,
    Activation,
    BatchNorm,
    Bidirectional,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianCode,
    GlobalAveragePool1D,
    LayerNorm,
    Masking,
    MaxPool2D,
    Parallel,
    Sequential,
    TransformerBlock,
)
from sknet.layers import in_lanes as module
from sknet.layers.in_lanes import InLanes, put_in_lanes
from sknet.layers.sequential import bidirectional
from sknet.network import Network
from sknet.settings import single_threaded_blas


@pytest.fixture(autouse=True)
def divided_whatever_their_size(monkeypatch):
    monkeypatch.setattr(module, "_MANY", 1)


def children(layers, shape):
    """Return the layers of a network, as they run when it is trained."""
    network = Network(Sequential(layers), shape, random_state=0)
    replica = network.replica(8, np.random.default_rng(0), np.zeros_like(network.params))
    put_in_lanes(replica.layer, 8, network.dtype, np.random.default_rng(0))
    return [layer for _, layer in replica.layer.sublayers()]


def objective(network, x, lanes, rng=None):
    """Return the outputs of a batch and the gradient of a fixed function of them."""
    grads = np.zeros_like(network.params)
    rng = np.random.default_rng(0)
    replica = network.replica(len(x), rng, grads)
    if lanes:
        put_in_lanes(replica.layer, len(x), network.dtype, rng)
        assert any(isinstance(layer, InLanes) for _, layer in replica.layer.sublayers())
    with single_threaded_blas():
        out = replica.forward(x, training=True).copy()
        replica.backward(np.cos(np.arange(out.size)).reshape(out.shape))
    return out, grads


SERIES = [np.random.default_rng(n).normal(size=(n, 3)) for n in (5, 2, 7, 7, 1, 4, 3)]
NORMED = [Dense(4), LayerNorm()]
LAYERS = {
    "dense": ([Dense(6, "relu"), LayerNorm(), Dense(3)], (4,)),
    "behind batch statistics": (
        [Dense(6), BatchNorm(), LayerNorm(), Dense(5, "tanh"), Dense(3)],
        (4,),
    ),
    "images": ([Conv2D(4, 3, activation="relu"), MaxPool2D(2), Flatten(), Dense(2)], (6, 6, 2)),
    "attention": ([TransformerBlock(2), GlobalAveragePool1D(), Dense(2)], (5, 4)),
    "branches": ([Parallel([[], [*NORMED], 4], "multiply"), Dense(2)], (4,)),
    "recurrence": ([GRU(5, return_sequences=True), GRU(4)], (5, 3)),
}


@pytest.mark.parametrize("n", [1, 2, 7, 9])
@pytest.mark.parametrize("layers, shape", LAYERS.values(), ids=LAYERS)
def test_parts_of_a_batch_give_the_outputs_and_gradients_of_the_whole(
    layers, shape, n, monkeypatch
):
    monkeypatch.setattr(module, "_MANY_IN_LANE", 1 if n > 7 else 2**30)  # eight lanes, or two
    network = Network(Sequential(layers), shape, random_state=0)
    x = np.random.default_rng(1).normal(size=(n, *shape))
    for expected, found in zip(
        objective(network, x, False), objective(network, x, True), strict=True
    ):
        assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "layers",
    [
        [GRU(5, return_sequences=True), TransformerBlock(1), GlobalAveragePool1D(), Dense(2)],
        [Conv1D(4, 3, padding="same"), Activation("relu"), GRU(4)],
        [Conv1D(4, 3, strides=2, padding="same"), GRU(4, return_sequences=True)],
    ],
)
def test_masks_are_divided_with_the_batch(layers):
    network = Network(Sequential(layers), (None, 3), random_state=0)
    # The second half has sequences of full length only, so one lane may have no mask to pass on.
    for x in (SERIES, SERIES[4:] + [SERIES[2]] * 4):
        x = as_sequences(x, (None, 3), np.float64, "Network")
        for expected, found in zip(
            objective(network, x, False), objective(network, x, True), strict=True
        ):
            assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_padding_in_front_of_some_rows_is_divided_with_the_batch():
    layers = [Masking(), Conv1D(4, 3, padding="same"), Conv1D(3, 3, strides=2), LSTM(2)]
    network = Network(Sequential(layers), (None, 3), random_state=0)
    x = np.random.default_rng(1).normal(size=(6, 7, 3))
    x[4, :2] = x[5, 3:5] = 0.0  # in one lane only
    for expected, found in zip(
        objective(network, x, False), objective(network, x, True), strict=True
    ):
        assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_what_cannot_be_divided_stays_whole():
    kinds = [type(layer) for layer in children([*NORMED, BatchNorm(), *NORMED], (5,))]
    assert kinds == [InLanes, BatchNorm, InLanes]
    kinds = [type(layer) for layer in children([*NORMED, GaussianCode(2), *NORMED], (5,))]
    assert kinds == [InLanes, GaussianCode, InLanes]
    layers = [Embedding(3, input_dim=9), Flatten(), *NORMED]
    assert [type(layer) for layer in children(layers, (5,))] == [Embedding, InLanes]
    frozen = [Dense(4), BatchNorm(trainable=False), Dense(3)]
    assert [type(layer) for layer in children(frozen, (5,))] == [InLanes]


@pytest.mark.parametrize(
    ("compiled", "expected"), [(True, [Dense, Dropout, Dense]), (False, [InLanes])]
)
def test_threads_of_compiled_kernels_share_the_products_of_dense_layers(
    monkeypatch, compiled, expected
):
    monkeypatch.setattr(kernels, "COMPILED", compiled)
    kinds = [type(layer) for layer in children([Dense(4), Dropout(0.5), Dense(4)], (5,))]
    assert kinds == expected


def test_large_work_has_more_lanes(monkeypatch):
    monkeypatch.setattr(module, "_MANY_IN_LANE", 100)
    found = [module._Products(0, 50).n_lanes(n) for n in (1, 2, 7, 8, 15, 16, 10**9)]
    assert found == [2, 2, 2, 4, 4, 8, 16]
    assert module._Products(0, 10**9).n_lanes(6) == 4  # not more than rows
    monkeypatch.setattr(module, "_MANY_IN_LANE", 36)
    (lanes,) = children([*NORMED, Dense(4)], (5,))
    assert [len(range(8)[part]) for part in lanes._parts(8)] == [1] * 8


def test_small_networks_stay_whole(monkeypatch):
    kinds = [Dense, LayerNorm, Dense]
    monkeypatch.setattr(module, "_MANY", 8 * (20 + 16) + 1)
    assert [type(layer) for layer in children([*NORMED, Dense(4)], (5,))] == kinds
    monkeypatch.setattr(module, "_MANY", 8 * (20 + 16))
    assert [type(layer) for layer in children([*NORMED, Dense(4)], (5,))] == [InLanes]


def test_long_sequences_are_no_more_work_for_the_steps_of_a_recurrent_layer(monkeypatch):
    monkeypatch.setattr(module, "_MANY", 10**5)
    assert [type(layer) for layer in children([GRU(2)], (None, 3))] == [GRU]
    assert [type(layer) for layer in children([GRU(20)], (None, 3))] == [InLanes]
    assert [type(layer) for layer in children(NORMED, (None, 3))] == [InLanes]


def test_lanes_draw_noise_of_their_own_and_anew_for_each_batch():
    (lanes,) = children([Dense(50), LayerNorm(), Dropout(0.5)], (5,))
    x = np.tile(np.ones(5), (8, 1))
    first = lanes.forward(x, training=True) == 0
    first_again = lanes.forward(x, training=True) == 0
    assert (first[:4] != first[4:]).any() and (first != first_again).any()
    assert not (lanes.forward(x) == 0).any()


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 40)).astype(np.float32)
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


NETWORKS = {
    "dense": ([Dense(300, "relu"), Dense(512, "relu")], (40,)),  # its products are cut
    "dropout": ([Dense(64, "relu"), LayerNorm(), Dropout(0.2), Dense(64, "relu")], (40,)),
    "convolution": ([Conv2D(9, 3), MaxPool2D(2), BatchNorm(), Flatten()], (10, 4, 1)),
    "series": ([Conv1D(9, 3), Bidirectional(LSTM(5))], (10, 4)),
    "recurrence": ([GRU(5)], (10, 4)),
    "attention": ([TransformerBlock(2), GlobalAveragePool1D()], (10, 4)),
}


@pytest.mark.parametrize("layers, shape", NETWORKS.values(), ids=NETWORKS)
def test_bits_are_those_of_one_thread(table, layers, shape, monkeypatch):
    monkeypatch.setattr(module, "_MANY_IN_LANE", 2**16)  # four lanes, or more
    monkeypatch.setattr(blas, "_MANY", 2**16)
    X, y = table

    def fit():
        options = {"max_iter": 2, "tol": 0, "batch_size": 280, "random_state": 0}
        model = NeuralClassifier(layers=layers, input_shape=shape, **options).fit(X, y)
        return model.predict_proba(X), model.network_.params.copy()

    with threadpool_limits(1):
        expected = fit()
    for n_threads in (2, 3, 5, 8):
        with threadpool_limits(n_threads):
            for found, right in zip(fit(), expected, strict=True):
                assert_array_equal(found, right)


def test_training_in_lanes_resumes_exactly(table):
    options = {
        "layers": [Dense(20, "relu"), LayerNorm(), Dropout(0.3)],
        "tol": 0,
        "random_state": 0,
    }
    whole = NeuralClassifier(max_iter=4, **options).fit(*table)
    parts = NeuralClassifier(max_iter=2, warm_start=True, **options).fit(*table).fit(*table)
    assert_array_equal(parts.network_.params, whole.network_.params)


def test_sparse_rows_are_not_divided(table):
    X, y = np.where(table[0] > 0.5, table[0], 0), table[1]
    models = [NeuralClassifier((20,), max_iter=3, tol=0, random_state=0) for _ in range(2)]
    dense, sparse = models[0].fit(X, y), models[1].fit(csr_array(X), y)
    assert_allclose(sparse.predict_proba(csr_array(X)), dense.predict_proba(X), rtol=1e-4)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("merge_mode", ["concat", "sum"])
def test_both_directions_give_in_two_threads_what_they_give_in_one(
    monkeypatch, merge_mode, dropout
):
    layer = Bidirectional(GRU(5, dropout=dropout, return_sequences=True), merge_mode)
    network = Network(Sequential([layer]), (6, 3), random_state=0)
    x = np.random.default_rng(1).normal(size=(4, 6, 3))
    found = []
    for many in (0, np.inf):
        monkeypatch.setattr(bidirectional, "_MANY", many)
        found.append(objective(network, x, False))
    for one, other in zip(*found, strict=True):
        assert_array_equal(one, other)
