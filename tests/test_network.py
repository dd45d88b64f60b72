import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sklearn
from scipy.optimize import approx_fprime, check_grad
from scipy.special import expit, log_softmax, ndtr

from sknet import NeuralClassifier, NeuralRegressor
from sknet.activations import GELU
from sknet.base import Workspace
from sknet.layers import (
    LSTM,
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LayerNorm,
    MultiHeadAttention,
    Reshape,
    Residual,
    Sequential,
    TimeDistributed,
)
from sknet.network import Network
from sknet.optimizers import SGD
from sknet.testing.memory import peak_of


def build(dtype=np.float64, seed=0):
    layers = [
        ("first", Dense(8, activation="tanh")),
        BatchNorm(),
        Residual([LayerNorm(), ("inner", Dense(8, activation="gelu", trainable=False))]),
        Dropout(0.5),
        ("last", Dense(3, use_bias=False)),
    ]
    return Network(Sequential(layers), (5,), dtype, seed)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def place(network, array):
    """Return where in the flat vector an array lies."""
    start = array.ctypes.data - network.params.ctypes.data
    return slice(start // array.itemsize, start // array.itemsize + array.size)


def arrays(network):
    for part in network.layer.walk():
        for weight in part._weights:
            yield part, weight, getattr(part, weight.name + "_")


# The flat vector


def test_weights_are_views_that_fill_the_vector_once():
    network = build()
    covered = np.zeros(network.n_params, int)
    for _, _, array in arrays(network):
        assert np.shares_memory(array, network.params)
        covered[place(network, array)] += 1
        array[...] = 7.0
    assert (covered == 1).all() and (network.params == 7.0).all()


def test_weights_that_are_treated_alike_lie_together_and_buffers_last():
    network = build()
    kinds = {}
    for part, weight, array in arrays(network):
        kind = "decays" if weight.decay else "stays"
        if weight.rate_factor == 0 or not part.trainable:
            kind = "frozen"
        kinds.setdefault(kind, []).append(place(network, array))
    n_decays, n_stays, n_frozen = (
        sum(where.stop - where.start for where in kinds[kind])
        for kind in ("decays", "stays", "frozen")
    )
    assert (n_decays, n_stays) == (5 * 8 + 8 * 3, 8 + 2 * 8 + 2 * 8)
    assert n_frozen == (8 + 8 + 3) + 8 * 8 + 8
    assert max(where.stop for where in kinds["decays"]) == n_decays
    assert max(where.stop for where in kinds["stays"]) == n_decays + n_stays == network.n_trainable
    assert min(where.start for where in kinds["frozen"]) == network.n_trainable


def test_groups_are_slices_in_a_row_with_one_factor_and_decay_each():
    network = build()
    assert [group.where.start for group in network.groups[1:]] == [
        group.where.stop for group in network.groups[:-1]
    ]
    assert network.groups[0].where.start == 0
    assert network.groups[-1].where.stop == network.n_params
    for part, weight, array in arrays(network):
        where = place(network, array)
        (group,) = (g for g in network.groups if g.where.start <= where.start < g.where.stop)
        assert where.stop <= group.where.stop
        assert group.decay == weight.decay
        assert group.rate_factor == (weight.rate_factor if part.trainable else 0.0)


def test_a_rate_factor_makes_a_group_of_its_own():
    class Slow(Layer):
        def build(self, input_shape):
            self.add_weight("slow", (2,), rate_factor=0.1)
            self.add_weight("fast", (3,), rate_factor=2.0, decay=True)
            return input_shape

        def forward(self, x, training=False, mask=None):
            return x

        def backward(self, grad_output, input_grad=True):
            return grad_output

    network = Network(Sequential([Dense(4), Slow()]), (4,))
    summary = [(g.where.stop - g.where.start, g.rate_factor, g.decay) for g in network.groups]
    assert summary == [(3, 2.0, True), (16, 1.0, True), (4, 1.0, False), (2, 0.1, False)]


def test_the_seed_decides_the_weights_and_nothing_else_does():
    np.random.seed(0)  # noqa: NPY002
    first = build(seed=3).params
    np.random.seed(1)  # noqa: NPY002
    np.testing.assert_array_equal(build(seed=3).params, first)
    assert not np.array_equal(build(seed=4).params, first)
    assert build(np.float32, 3).params.dtype == np.float32


def test_gradients_go_to_the_vector_that_the_replica_was_given():
    network = build()
    grads = np.full(network.n_params, np.nan)
    before = network.params.copy()
    replica = network.replica(6, np.random.default_rng(0), grads)
    replica.backward(np.ones_like(replica.forward(draw(6, 5), training=True)))
    assert np.isfinite(grads[: network.n_trainable]).all()
    trained = network.n_trainable
    np.testing.assert_array_equal(network.params[:trained], before[:trained])
    assert not any(name.endswith("_grad_") for name in vars(network.layer.sublayers()[0][1]))


# Copies


def test_a_replica_follows_the_weights_and_a_snapshot_does_not():
    network, x = build(), draw(4, 5)
    before = network.predict(x)
    replica, snapshot = network.replica(4), network.snapshot()
    network.params[:] *= 2
    np.testing.assert_array_equal(replica.forward(x), network.predict(x))
    np.testing.assert_array_equal(snapshot.predict(x), before)
    changed = network.predict(x)
    snapshot.params[:] = 0
    np.testing.assert_array_equal(network.predict(x), changed)


def test_training_a_snapshot_leaves_the_network_alone():
    network, x = build(), draw(6, 5)
    before = network.params.copy()
    snapshot = network.snapshot()
    snapshot.replica(6, np.random.default_rng(0)).forward(x, training=True)
    assert not np.array_equal(snapshot.params, before)  # the moving averages
    np.testing.assert_array_equal(network.params, before)


@pytest.mark.parametrize("copy_of", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_copies_are_exact_and_bind_their_own_vector(copy_of, dtype):
    network, x = build(dtype), draw(9, 5).astype(dtype)
    network.replica(9, np.random.default_rng(0)).forward(x, training=True)
    other = copy_of(network)
    np.testing.assert_array_equal(other.params, network.params)
    np.testing.assert_array_equal(other.predict(x), network.predict(x))
    assert other.groups == network.groups and other.params.dtype == dtype
    assert str(other) == str(network)
    other.params[:] = 0
    assert not other.predict(x).any() and network.predict(x).any()


def test_a_pickle_holds_the_weights_once_and_no_scratch():
    network = Network(Sequential([Dense(100, activation="relu"), Dense(100)]), (100,))
    replica = network.replica(5000, None, np.empty_like(network.params))
    replica.forward(draw(5000, 100), training=True)
    network.predict(draw(5000, 100))
    for kind in (network, replica):
        size = len(pickle.dumps(kind))
        assert network.params.nbytes <= size < network.params.nbytes + 5000


def test_a_pickle_of_another_format_is_refused():
    state = {**build().__getstate__(), "_sknet_format": -1}
    with pytest.raises(ValueError, match=r"This network was pickled by sknet .* in format -1"):
        Network.__new__(Network).__setstate__(state)


# Prediction


class Spy(Layer):
    """Passes its input on and writes down the sizes of the batches."""

    sizes = []

    def build(self, input_shape):
        return input_shape

    def forward(self, x, training=False, mask=None):
        self.sizes.append(len(x))
        return x

    def backward(self, grad_output, input_grad=True):
        return grad_output


@pytest.mark.parametrize("n", [1, 99, 1000])
def test_predict_in_chunks_equals_one_go(n):
    network = Network(Sequential([Dense(50, activation="tanh"), Spy(), Dense(2)]), (5,))
    x = draw(n, 5)
    Spy.sizes.clear()
    whole = network.predict(x)
    assert Spy.sizes == [n]
    Spy.sizes.clear()
    with sklearn.config_context(working_memory=0.02):
        np.testing.assert_allclose(network.predict(x), whole, rtol=1e-12, atol=1e-15)
    assert sum(Spy.sizes) == n
    # 50 + 50 + 2 outputs of 8 bytes a row have to fit into 0.02 MiB, and the outermost 2.
    assert max(Spy.sizes) <= 0.02 * 2**20 / (102 * 8)
    assert len(Spy.sizes) > 1 or n < 30


def test_predict_goes_row_by_row_where_not_even_one_fits_the_memory():
    network = Network(Sequential([Dense(2000), Spy(), Dense(2)]), (5,))
    Spy.sizes.clear()
    with sklearn.config_context(working_memory=1e-6):
        assert network.predict(draw(3, 5)).shape == (3, 2)
    assert Spy.sizes == [1, 1, 1]


def idle_bytes(network):
    """Return the bytes of all arrays that idle replicas keep beside the weights."""
    arrays = {}
    stack = [vars(part) for replica in network._idle for part in replica.layer.walk()]
    while stack:
        for value in stack.pop().values():
            if isinstance(value, Workspace):
                stack.append(value._memory)
            elif isinstance(value, np.ndarray) and not np.may_share_memory(value, network.params):
                base = value if value.base is None else value.base
                arrays[id(base)] = base.nbytes
    return sum(arrays.values())


@pytest.mark.parametrize("free", [False, True])
def test_predict_with_attention_fits_the_memory_and_gives_it_back(free):
    n_steps, heads = 300, 4
    layer = Sequential([MultiHeadAttention(heads, key_dim=1)])
    network = Network(layer, (None if free else n_steps, 4), np.float32, 0)
    x = np.zeros((40, n_steps, 4), np.float32)
    with sklearn.config_context(working_memory=8):
        assert network.chunk_rows(x.reshape(40, -1)) * heads * n_steps**2 * 4 < 8 * 2**20
        assert peak_of(lambda: network.predict(x.reshape(40, -1))) < 12 * 2**20
    assert idle_bytes(network) < 12 * 2**20
    long = np.zeros((1, 1500 * 4), np.float32)
    if free:  # few long rows on a replica of many short ones
        assert peak_of(lambda: network.predict(long)) < 2.5 * heads * 1500**2 * 4
        assert idle_bytes(network) < 12 * 2**20


def test_steps_of_time_distributed_layers_count_in_the_chunks():
    layer = Sequential([TimeDistributed([Dense(500), Dense(1)])])
    network = Network(layer, (100, 2), np.float32, 0)
    assert network.chunk_rows(np.zeros((9999, 200))) * 500 * 100 <= 2**18
    with sklearn.config_context(working_memory=0.5):
        assert network.chunk_rows(np.zeros((9999, 200))) * 500 * 100 * 4 <= 2**19


@pytest.mark.parametrize("free", [False, True])
def test_predict_with_a_recurrent_layer_counts_its_steps_and_gives_the_memory_back(free):
    network = Network(LSTM(64), (None if free else 200, 1), np.float32, 0)
    x = np.zeros((600, 200), np.float32)
    with sklearn.config_context(working_memory=8):
        assert peak_of(lambda: network.predict(x)) < 12 * 2**20
    network.predict(x)
    assert idle_bytes(network) < 2**25


def test_predict_from_many_threads_gives_the_right_answers():
    network = build()
    network.replica(50, np.random.default_rng(0)).forward(draw(50, 5), training=True)
    inputs = [draw(n, 5, seed=n) for n in list(range(1, 60)) * 3]
    expected = [network.snapshot().predict(x) for x in inputs]

    def predict(x):  # scikit-learn's configuration is one of each thread
        with sklearn.config_context(working_memory=0.005):
            return network.predict(x)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(predict, inputs))
    for actual, each in zip(results, expected, strict=True):
        np.testing.assert_allclose(actual, each, rtol=1e-12, atol=1e-14)


class Meeting(Layer):
    """Passes its input on, once as many threads as the barrier asks for are inside."""

    barrier = None

    def build(self, input_shape):
        return input_shape

    def forward(self, x, training=False, mask=None):
        out = self._work("out", x.shape)
        np.copyto(out, x)
        if self.barrier is not None:
            self.barrier.wait(timeout=30)
        return out

    def backward(self, grad_output, input_grad=True):
        return grad_output


def test_threads_that_predict_at_the_same_time_do_not_share_scratch(monkeypatch):
    network = Network(Sequential([Meeting()]), (4,))
    network.predict(np.zeros((3, 4)))  # leaves a copy that the next call takes up
    monkeypatch.setattr(Meeting, "barrier", threading.Barrier(3))
    inputs = [np.full((3, 4), float(i)) for i in range(3)]
    with ThreadPoolExecutor(3) as pool:
        for x, out in zip(inputs, pool.map(network.predict, inputs), strict=True):
            np.testing.assert_array_equal(out, x)


def test_predict_returns_new_arrays():
    network = build()
    for x in (draw(2, 5), draw(500, 5)):
        first = network.predict(x)
        kept = first.copy()
        network.predict(-x)
        np.testing.assert_array_equal(first, kept)


def test_predict_runs_one_layer_by_its_name():
    network = build()
    first = dict(network.layer.sublayers())["first"]
    x = draw(400, 5)
    expected = np.tanh(x @ first.kernel_ + first.bias_)
    np.testing.assert_allclose(network.predict(x, part="first"), expected)
    np.testing.assert_allclose(network.predict(x[:2], part="first"), expected[:2])


def test_rows_are_reshaped_to_the_input_shape():
    network = Network(Sequential([Dense(2, use_bias=False), Flatten()]), (3, 4))
    x = draw(6, 12)
    expected = (x.reshape(6, 3, 4) @ network.layer.sublayers()[0][1].kernel_).reshape(6, 6)
    np.testing.assert_allclose(network.predict(x), expected)


def test_no_rows_give_no_predictions():
    assert build().predict(np.empty((0, 5))).shape == (0, 3)


# The table


def test_the_repr_is_one_line():
    network = Network(Sequential([Dense(3), LSTM(40)]), (None, 2), np.float32)
    n = 2 * 3 + 3 + 4 * 40 * (3 + 40 + 1)
    assert repr(network) == f"<Network (None, 2) -> (40,), {n:,} weights, float32>"


def test_the_summary_lists_layers_shapes_and_numbers_of_weights(capsys):
    layers = [
        ("wide", Dense(300, activation="relu")),
        Residual([("frozen", Dense(300, trainable=False)), LayerNorm()]),
        BatchNorm(),
        Reshape((3, 100)),
        Flatten(),
    ]
    network = Network(Sequential(layers), (40,), np.float32)
    network.summary()
    lines = capsys.readouterr().out.splitlines()
    rows = [tuple(cell.strip() for cell in line.split("  ") if cell.strip()) for line in lines]
    inner = (300 * 300 + 300, 2 * 300)
    counts = (40 * 300 + 300, sum(inner), *inner, 4 * 300 + 3, 0, 0)
    shapes = ["(300,)"] * 5 + ["(3, 100)", "(300,)"]
    names = ["wide (Dense)", "Residual", "frozen (Dense)", "LayerNorm", "BatchNorm", "Reshape"]
    expected = [
        (name, shape, f"{count:,}")
        for name, shape, count in zip([*names, "Flatten"], shapes, counts, strict=True)
    ]
    assert rows[0] == ("layer", "output shape", "weights")
    assert rows[2:9] == expected
    total = counts[0] + counts[1] + counts[4]
    frozen = inner[0] + 2 * 300 + 3
    assert lines[-1] == f"{total:,} weights, {frozen:,} of them not trained, float32"
    assert len({len(line) for line in lines[:-1]}) == 1
    assert lines[4].startswith("  frozen (Dense)")


# The gradient of the whole objective, seen from outside: a step of plain gradient descent


RATE = 1e-3


def step(model, X, y, weight=None):
    """Return weights, loss and gradient of the objective, from one step of an estimator."""
    model.partial_fit(X, y, sample_weight=weight)
    before = model.network_.params.copy()
    model.partial_fit(X, y, sample_weight=weight)
    n = model.network_.n_trainable
    gradient = (before - model.network_.params)[:n] / RATE
    return before, model.loss_, gradient


def descent(estimator, layers, **params):
    fixed = {"solver": SGD(momentum=0.0), "learning_rate_init": RATE}
    return estimator(layers=layers, random_state=1, shuffle=False, **fixed, **params)


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def standardize(x, axis):
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + 1e-5)


def kernels(model):
    network = model.network_
    return [
        place(network, part.kernel_) for part in network.layer.walk() if hasattr(part, "kernel_")
    ]


def unpack(model, params):
    """Yield for each layer with weights a dict of its arrays in a flat vector."""
    for part in model.network_.layer.walk():
        if part._weights:
            weights = ((w.name, getattr(part, w.name + "_")) for w in part._weights)
            yield {
                name: params[place(model.network_, array)].reshape(array.shape)
                for name, array in weights
            }


def dense(x, weights):
    return x @ weights["kernel"] + weights["bias"]


def normalize(x, weights, axis):
    return weights["gamma"] * standardize(x, axis) + weights["beta"]


def mixed_network(model, params, X):
    """Transcribe the layers of the test below."""
    first, norm, inner_norm, inner, inner_last, third, last = unpack(model, params)
    h = np.maximum(normalize(dense(X, first), norm, 0), 0)
    h = h + dense(gelu(dense(normalize(h, inner_norm, 1), inner)), inner_last)
    return dense(np.tanh(dense(h, third)), last)


def mixed_layers():
    return [
        Dense(6),
        BatchNorm(),
        Activation("relu"),
        Residual([LayerNorm(), Dense(7, activation="gelu"), Dense(6)]),
        Dense(4, activation="tanh"),
    ]


@pytest.mark.parametrize("weighted", [False, True])
def test_the_objective_of_a_mixed_classifier_agrees_with_a_transcription(weighted):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 5)), rng.integers(0, 3, 40)
    weight = rng.uniform(0.1, 3.0, 40) if weighted else None
    w = np.ones(40) if weight is None else weight
    model = descent(NeuralClassifier, mixed_layers(), alpha=0.7)
    params, loss, gradient = step(model, X, y, weight)

    def objective(trained):
        full = np.concatenate([trained, params[len(trained) :]])
        losses = -log_softmax(mixed_network(model, full, X), axis=1)[np.arange(40), y]
        penalty = sum(np.sum(full[where] ** 2) for where in kernels(model))
        return (w @ losses + 0.7 / 2 * penalty) / w.sum()

    trained = params[: len(gradient)]
    assert loss == pytest.approx(objective(trained), rel=1e-12)
    differences = [
        (objective(trained + e) - objective(trained - e)) / 2e-5
        for e in 1e-5 * np.eye(len(trained))
    ]
    scale = np.abs(gradient).max()
    np.testing.assert_allclose(gradient, differences, rtol=1e-6, atol=1e-7 * scale)


def plain_gradient(kernels, biases, X, y, alpha):
    """Forward and backward of three layers, relu, tanh and gelu, and a linear one."""
    n = len(X)
    z1 = X @ kernels[0] + biases[0]
    h1 = np.where(z1 > 0, z1, 0.0)
    h2 = np.tanh(h1 @ kernels[1] + biases[1])
    z3 = h2 @ kernels[2] + biases[2]
    h3 = z3 * ndtr(z3)
    error = h3 @ kernels[3] + biases[3] - y
    value = np.sum(error**2) / (2 * n) + alpha / (2 * n) * sum(np.sum(k**2) for k in kernels)
    d4 = error / n
    density = np.exp(-(z3**2) / 2) / np.sqrt(2 * np.pi)
    d3 = (d4 @ kernels[3].T) * (ndtr(z3) + z3 * density)
    d2 = (d3 @ kernels[2].T) * (1 - h2**2)
    d1 = (d2 @ kernels[1].T) * (z1 > 0)
    pairs = [(X, d1), (h1, d2), (h2, d3), (h3, d4)]
    grad_kernels = [h.T @ d + alpha / n * k for (h, d), k in zip(pairs, kernels, strict=True)]
    return value, grad_kernels, [d.sum(axis=0) for _, d in pairs]


def test_the_gradient_of_a_plain_network_agrees_with_a_plain_backward_pass():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 5)), rng.normal(size=(40, 2))
    layers = [
        Dense(9, activation="relu"),
        Dense(8, activation="tanh"),
        Dense(7, activation=GELU(approximate=False)),
    ]
    model = descent(NeuralRegressor, layers, alpha=0.3, standardize_target=False)
    params, loss, gradient = step(model, X, y)
    weights = list(unpack(model, params))
    value, grad_kernels, grad_biases = plain_gradient(
        [each["kernel"] for each in weights], [each["bias"] for each in weights], X, y, 0.3
    )
    assert loss == pytest.approx(value, rel=1e-12)
    for each, kernel, bias in zip(unpack(model, gradient), grad_kernels, grad_biases, strict=True):
        np.testing.assert_allclose(each["kernel"], kernel, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(each["bias"], bias, rtol=1e-9, atol=1e-11)


def test_scipy_finds_the_gradient_of_a_network_right():
    network = Network(Sequential(mixed_layers()), (5,), random_state=2)
    X, direction = draw(12, 5), draw(12, 4, seed=1)
    trained = network.n_trainable

    def value(params):
        other = network.snapshot()
        other.params[:trained] = params
        return float(np.sum(direction * other.replica(12).forward(X, training=True)))

    def gradient(params):
        other = network.snapshot()
        other.params[:trained] = params
        grads = np.empty_like(other.params)
        replica = other.replica(12, None, grads)
        replica.forward(X, training=True)
        replica.backward(direction.copy())
        return grads[:trained]

    start = network.params[:trained].copy()
    size = np.linalg.norm(approx_fprime(start, value))
    assert check_grad(value, gradient, start, direction="all") < 1e-5 * size


def test_predictions_of_a_fitted_network_agree_with_a_transcription():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 5)), rng.integers(0, 2, 80)
    model = descent(NeuralClassifier, mixed_layers(), alpha=0.0)
    for _ in range(3):
        model.partial_fit(X, y)
    first, norm, inner_norm, inner, inner_last, third, last = unpack(model, model.network_.params)
    h = (dense(X, first) - norm["moving_mean"]) / np.sqrt(norm["moving_variance"] + 1e-5)
    h = np.maximum(norm["gamma"] * h + norm["beta"], 0)
    h = h + dense(gelu(dense(normalize(h, inner_norm, 1), inner)), inner_last)
    p = expit(dense(np.tanh(dense(h, third)), last))[:, 0]
    np.testing.assert_allclose(model.predict_proba(X), np.column_stack([1 - p, p]), rtol=1e-9)
