import pickle

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor
from sknet.layers import (
    GRU,
    AveragePool2D,
    BatchNorm,
    Branch,
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool1D,
    GlobalAveragePool2D,
    Masking,
    MaxPool2D,
    Parallel,
    Residual,
    Sequential,
    TiedSequential,
    TimeDistributed,
    TransposedDense,
    UpSampling2D,
)
from sknet.network import Network
from sknet.testing import check_layer

MERGES = ["concatenate", "add", "multiply", "average", "maximum", "dot"]
SHORT = {"max_iter": 2, "tol": 0, "random_state": 0}


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def merged(outputs, merge):
    """Merge arrays (N, ..., F) in plain NumPy."""
    if merge == "concatenate":
        return np.concatenate(outputs, axis=-1)
    if merge == "dot":
        pairs = [(a, b) for i, a in enumerate(outputs) for b in outputs[i + 1 :]]
        return np.concatenate([np.sum(a * b, axis=-1, keepdims=True) for a, b in pairs], axis=-1)
    functions = {"add": np.sum, "multiply": np.prod, "average": np.mean, "maximum": np.max}
    return functions[merge](outputs, axis=0)


# The contract


@pytest.mark.parametrize("merge", MERGES)
def test_every_merge_keeps_the_contract(merge):
    branches = [[], [Dense(5, activation="tanh"), Dense(4)], ("last", Dense(4))]
    check_layer(Parallel(branches, merge), (4,))
    check_layer(Parallel([[], [GRU(3, return_sequences=True)]], merge), (4, 3), sequence=True)
    check_layer(Parallel([[], Conv2D(2, 3, padding="same")], merge), (3, 4, 2))


@pytest.mark.parametrize(
    ("layer", "shape", "options"),
    [
        (Parallel([[]]), (3,), {}),
        (Parallel([[], [], 2]), (3,), {}),
        (Parallel([Dense(2), Dense(3, trainable=False)]), (4,), {}),
        (Parallel([[Dense(4), Dropout(0.4), BatchNorm()], 4], "average"), (3,), {}),
        (Parallel([Parallel([[], 3], "add"), ("in", [Parallel([2, [1]])])]), (3,), {}),
        (Residual([Parallel([[3], [Dense(3, "tanh")]], "multiply")]), (3,), {}),
        (Sequential([4, Parallel([[], [3]]), 2]), (3,), {}),
        (TimeDistributed([Parallel([[], [2]])]), (4, 3), {"sequence": True}),
        (Parallel([Conv1D(2, 3, 2, "same"), Conv1D(3, 1, 2)]), (5, 2), {"sequence": True}),
        (Parallel([GRU(2), [Dense(3), GlobalAveragePool1D()]]), (4, 2), {"sequence": True}),
        (TiedSequential([3, Parallel([[], [3]], "add"), TransposedDense()]), (2,), {}),
    ],
    ids=lambda value: repr(value).replace("\n", ""),
)
def test_other_branches_keep_the_contract(layer, shape, options):
    check_layer(layer, shape, **options)


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (2, 2, 2, 4)])
@pytest.mark.parametrize("merge", MERGES)
def test_outputs_are_merged_as_numpy_merges_them(merge, shape):
    x = draw(5, *shape)
    network = Network(Parallel([[], Dense(4, activation="tanh"), ("b", [4])], merge), shape)
    weights = [part for part in network.layer.walk() if isinstance(part, Dense)]
    first, second = weights
    outputs = [
        x,
        np.tanh(x @ first.kernel_ + first.bias_),
        np.maximum(x @ second.kernel_ + second.bias_, 0),
    ]
    expected = merged(outputs, merge)
    assert network.output_shape == expected.shape[1:]
    assert_allclose(network.predict(x), expected, rtol=1e-12, atol=1e-14)


def test_the_dot_of_two_branches_keeps_its_axis():
    network = Network(Parallel([[], 3], "dot"), (5, 3))
    assert network.output_shape == (5, 1)


def test_of_equal_maxima_the_first_has_the_gradient():
    replica = Network(Parallel([[], [], []], "maximum"), (2,)).replica(1, None, np.empty(0))
    replica.forward(np.array([[1.0, np.nan]]), training=True)
    assert_array_equal(replica.layer.backward(np.array([[2.0, 3.0]]))[:, 0], [2])


# Whole networks, against central differences and plain NumPy


def weights_of(network, kind):
    return [(part.kernel_, part.bias_) for part in network.layer.walk() if type(part) is kind]


def convolve(x, weights, size):
    kernel, bias = weights
    pad = size // 2
    x = np.pad(x, ((0, 0), (pad, size - 1 - pad), (pad, size - 1 - pad), (0, 0)))
    windows = sliding_window_view(x, (size, size), axis=(1, 2))  # (N, H, W, C, size, size)
    kernel = kernel.reshape(size, size, x.shape[-1], -1)
    return np.maximum(np.einsum("nhwcij,ijco->nhwo", windows, kernel) + bias, 0)


def pooled(x, function=np.max):
    n, height, width, channels = x.shape
    return function(x.reshape(n, height // 2, 2, width // 2, 2, channels), axis=(2, 4))


def conv(filters, size=3):
    return Conv2D(filters, size, padding="same", activation="relu")


def test_a_u_net_is_a_list():
    bottom = Parallel([[], ("below", [MaxPool2D(2), conv(3), UpSampling2D(2)])])
    below = [AveragePool2D(2), conv(2), bottom, Conv2DTranspose(2, 2, strides=2)]
    unet = Sequential([conv(2), Parallel([[], ("below", below)]), conv(2)])
    check_layer(unet, (4, 4, 1))
    network, x = Network(unet, (4, 4, 1), random_state=1), draw(3, 4, 4, 1)
    first, second, third, last = weights_of(network, Conv2D)
    [(kernel, bias)] = weights_of(network, Conv2DTranspose)
    top = convolve(x, first, 3)
    middle = convolve(pooled(top, np.mean), second, 3)
    deep = convolve(pooled(middle), third, 3).repeat(2, axis=1).repeat(2, axis=2)
    joined = np.concatenate([middle, deep], axis=-1)
    up = np.zeros((3, 4, 4, 2))
    for i in range(2):
        for j in range(2):
            up[:, i::2, j::2] = joined @ kernel[i, j].T + bias
    expected = convolve(np.concatenate([top, up], axis=-1), last, 3)
    assert_allclose(network.predict(x), expected, rtol=1e-10, atol=1e-12)


def test_an_inception_block_is_a_list():
    branches = [conv(2, 1), [conv(2, 1), conv(3)], [MaxPool2D(3, 1, padding="same"), conv(1, 1)]]
    block = Sequential([Parallel(branches), GlobalAveragePool2D(), 2])
    check_layer(block, (3, 4, 2))
    network, x = Network(block, (3, 4, 2), random_state=1), draw(3, 3, 4, 2)
    one, before, three, after = weights_of(network, Conv2D)
    [(kernel, bias)] = weights_of(network, Dense)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    largest = sliding_window_view(padded, (3, 3), axis=(1, 2)).max(axis=(-1, -2))
    outputs = [
        convolve(x, one, 1),
        convolve(convolve(x, before, 1), three, 3),
        convolve(largest, after, 1),
    ]
    means = np.concatenate(outputs, axis=-1).mean(axis=(1, 2))
    expected = np.maximum(means @ kernel + bias, 0)
    assert_allclose(network.predict(x), expected, rtol=1e-10, atol=1e-12)


def test_dense_blocks_are_a_list():
    block = Sequential([Parallel([[], [Dense(2, activation="tanh")]]) for _ in range(3)])
    check_layer(block, (3,))
    network, x = Network(block, (3,), random_state=1), draw(4, 3)
    seen = x
    for kernel, bias in weights_of(network, Dense):
        seen = np.concatenate([seen, np.tanh(seen @ kernel + bias)], axis=-1)
    assert network.output_shape == (9,)
    assert_allclose(network.predict(x), seen, rtol=1e-12)


def test_two_towers_are_a_list():
    user = Branch([0, 1], [Dense(3, activation="tanh"), Dense(2)])
    item = Branch(slice(2, None), [Dense(2)])
    towers = Parallel([("user", user), ("item", item)], "dot")
    check_layer(towers, (5,))
    network, x = Network(towers, (5,), random_state=1), draw(4, 5)
    (k1, b1), (k2, b2), (k3, b3) = weights_of(network, Dense)
    left, right = np.tanh(x[:, :2] @ k1 + b1) @ k2 + b2, x[:, 2:] @ k3 + b3
    assert_allclose(network.predict(x), np.sum(left * right, axis=1)[:, None], rtol=1e-12)


# Parameters


def unet():
    return [conv(4), Parallel([[], ("below", [MaxPool2D(2), conv(4), UpSampling2D(2)])])]


def test_parameters_are_reached_by_name_and_by_position():
    model = NeuralClassifier(layers=[Parallel([("left", [8, Dense(4)]), Dense(3), [2]])])
    model.set_params(
        layers__0__branches__left__1__units=5,
        layers__0__branches__1__units=6,
        layers__0__branches__2__0=Dense(7),
        layers__0__merge="add",
    )
    params = model.get_params()
    assert params["layers__0__branches__left__1__units"] == 5
    assert params["layers__0__branches__1__units"] == 6
    assert params["layers__0__branches__left__0"] == 8
    assert model.layers[0].branches[2][0].units == 7
    copy = clone(model).set_params(layers__0__branches__0__1__units=1)
    assert model.layers[0].branches[0][1][1].units == 5
    assert copy.layers[0].branches[0][1][1].units == 1
    copy.set_params(layers__0__branches__left=[Dense(9)])
    assert copy.get_params()["layers__0__branches__left__0__units"] == 9
    for name, message in [
        ("layers__0__branches__left__2__units", "'branches__left' has the items '0', '1'"),
        ("layers__0__branches__left__0__units", "'branches__left__0' is 8, which has no param"),
        ("layers__0__branches__right", "'branches' has the items 'left', '1', '2'"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.set_params(**{name: 3, "layers__0__merge": "dot"})
    assert model.layers[0].merge == "add"


def test_ints_in_branches_have_the_estimators_activation():
    X, y = draw(40, 3), np.arange(40) % 2

    def fit(item, activation):
        layers = [Parallel([[item], []]), Dense(2, activation="elu")]
        return NeuralClassifier(layers=layers, activation=activation, **SHORT).fit(X, y)

    short, long = fit(4, "tanh"), fit(Dense(4, activation="tanh"), "relu")
    assert_array_equal(short.network_.params, long.network_.params)
    assert short.layers[0].branches == [[4], []]


def test_a_u_net_is_searched_pickled_and_resumed():
    X, y = load_digits(return_X_y=True)
    X, y = X[:60] / 16, y[:60] % 2
    model = NeuralClassifier(layers=[*unet(), Flatten()], input_shape=(8, 8, 1), **SHORT)
    grid = {"layers__1__branches__below__1__filters": [2, 3]}
    best = GridSearchCV(model, grid, cv=2).fit(X, y).best_estimator_
    assert best.network_["1__below"].output_shape_ == (
        8,
        8,
        best.layers[1].branches[1][1][1].filters,
    )
    assert_array_equal(pickle.loads(pickle.dumps(best)).predict_proba(X), best.predict_proba(X))
    halves = clone(best).set_params(max_iter=1, warm_start=True).fit(X, y).fit(X, y)
    assert_array_equal(halves.network_.params, clone(best).fit(X, y).network_.params)
    pieces = clone(best).partial_fit(X, y, classes=[0, 1]).partial_fit(X, y)
    assert pieces.score(X, y) == halves.score(X, y)


def test_other_estimators_take_branches():
    X = draw(30, 6)
    layers = [Parallel([[], [4]]), Dense(3)]
    assert NeuralRegressor(layers=layers, **SHORT).fit(X, X[:, 0]).predict(X).shape == (30,)
    autoencoder = AutoencoderTransformer(encoder=layers, decoder=layers, **SHORT)
    assert autoencoder.fit_transform(X).shape == (30, 2)


def test_a_frozen_branch_keeps_its_weights():
    X, y = draw(30, 3), draw(30)
    kept = Sequential([Dense(2)], trainable=False)
    model = NeuralRegressor(layers=[Parallel([kept, [Dense(2)]], "add")], **SHORT).fit(X, y)
    started = clone(model).set_params(learning_rate_init=1e-12).fit(X, y)
    (first, _), (second, _), _ = weights_of(model.network_, Dense)
    (start, _), (second_start, _), _ = weights_of(started.network_, Dense)
    assert_array_equal(first, start)
    assert np.abs(second - second_start).min() > 1e-6
    frozen = Network(Parallel([[2], [Dense(2)]], trainable=False), (3,))
    assert frozen.n_trainable == 0


def test_branches_adapt_to_the_input_and_find_columns_by_name():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"code": rng.integers(0, 7, 40), "size": rng.normal(size=40)})
    code = Branch("code", [Embedding(3)])
    layers = [Parallel([[code], ("rest", Branch(["size"], []))])]
    model = NeuralRegressor(layers=layers, **SHORT).fit(X, rng.normal(size=40))
    [embedding] = [p for p in model.network_.layer.walk() if isinstance(p, Embedding)]
    assert embedding.embeddings_.shape == (int(X["code"].max()) + 1, 3)


def test_sparse_rows_go_through_branches_that_take_them():
    X, y = np.maximum(draw(40, 5) - 1, 0), draw(40)
    layers = [Parallel([[Dense(3), 2], Dense(2)], "multiply")]
    dense, sparse = (NeuralRegressor(layers=layers, **SHORT).fit(x, y) for x in (X, csr_array(X)))
    assert_allclose(sparse.predict(csr_array(X)), dense.predict(X), rtol=1e-9)
    with pytest.raises(TypeError, match="Sparse data was passed"):
        NeuralRegressor(layers=[Parallel([[], [2]])], **SHORT).fit(csr_array(X), y)


# Masks


def test_steps_that_a_branch_moves_are_put_back():
    x, mask = draw(2, 5, 3), np.array([[False, False, True, True, True], [True] * 5])
    layer = Parallel([[], GRU(2, return_sequences=True)])
    network = Network(layer, (None, 3), random_state=0)
    replica = network.replica(2)
    out = replica.forward(x, mask=mask)
    assert_array_equal(replica.layer.compute_mask(x, mask), mask)
    assert_array_equal(out[..., :3], x)
    alone = network.replica(1).forward(x[:1, 2:])
    assert_allclose(out[:1, 2:], alone, rtol=1e-12)


def test_branches_that_disagree_on_steps_are_refused():
    x = draw(2, 4, 3)
    x[0, 1] = 0
    network = Network(Parallel([("all", []), ("some", [Masking()])]), (4, 3))
    sentence = (
        "agree on which steps are real, got others from branch 'all' than from branch 'some'"
    )
    with pytest.raises(ValueError, match=sentence):
        network.predict(x)
    assert network.predict(x + 9).shape == (2, 4, 6)
    longer = Network(Parallel([[], ("cut", Conv1D(2, 2))]), (None, 3))
    with pytest.raises(ValueError, match="got 4 from branch '0' and 3 from branch 'cut'"):
        longer.predict(x.reshape(2, 12))
