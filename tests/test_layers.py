import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import special, stats
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.utils._param_validation import InvalidParameterError

from sknet import NeuralClassifier, NeuralRegressor
from sknet.activations import ACTIVATIONS, LeakyReLU
from sknet.layers import (
    GLU,
    LSTM,
    Activation,
    AlphaDropout,
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    Layer,
    LayerNorm,
    MaskingNoise,
    PReLU,
    Reshape,
    Residual,
    Sequential,
    SwiGLU,
)
from sknet.network import Network
from sknet.optimizers import AdamW, Group
from sknet.schedules import Progress
from sknet.testing import check_layer

ANY_SHAPE = [
    Activation("gelu"),
    Activation(LeakyReLU(0.2)),
    Dropout(0.0),
    Dropout(0.4),
    AlphaDropout(0.3),
    PReLU(),
    PReLU(-0.5, decay=True),
    GLU(),
    GLU("gelu"),
    SwiGLU(3, use_bias=False),
    GaussianNoise(0.0),
    GaussianNoise(0.3),
    LayerNorm(),
    LayerNorm(epsilon=0.1, trainable=False),
    BatchNorm(),
    BatchNorm(momentum=0.0, epsilon=0.1),
    BatchNorm(trainable=False),
    Flatten(),
    Reshape((2, -1)),
    Dense(3),
    Dense(1, activation="tanh", use_bias=False),
    Dense(5, activation=LeakyReLU(0.3), kernel_initializer="orthogonal", trainable=False),
    Residual([LayerNorm(), 6, Dense(4)]),
    Residual([Residual([Dense(4, activation="tanh")]), Dropout(0.3)], trainable=False),
    Residual([Dropout(0.3)]),
    Residual([]),
    Sequential([]),
    Sequential([("inner", Sequential([3, BatchNorm()])), Activation("silu"), LayerNorm(), 2]),
    Sequential([Flatten(), Reshape((2, -1)), Dense(3, activation="elu"), Flatten(), Dense(2)]),
]


@pytest.fixture(scope="module")
def problem():
    return make_classification(60, 6, random_state=0)


def raw(layer, x, training=False, seed=0, weights=None):
    """Run a layer alone; set the weights that are named."""
    network = Network(clone(layer), x.shape[1:], x.dtype, seed)
    for name, value in (weights or {}).items():
        getattr(network.layer, f"{name}_")[...] = value
    replica = network.replica(len(x), np.random.default_rng(seed))
    return network, replica.forward(x, training).copy()


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(2.0, 3.0, size=shape)


# The contract


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("layer", ANY_SHAPE, ids=lambda layer: repr(layer).replace("\n", ""))
def test_every_layer_keeps_the_contract(layer, shape):
    check_layer(layer, shape)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_dense_keeps_the_contract_with_every_activation(activation):
    check_layer(Dense(3, activation=activation), (4,))
    check_layer(Activation(activation), (4,))


@pytest.mark.parametrize(
    "layer",
    [
        Dense(3, activation="tanh"),
        LayerNorm(),
        Dropout(0.3),
        Residual([Dense(4, activation="gelu"), GaussianNoise()]),
        Sequential([LayerNorm(), 6, Dense(2)]),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_of_single_steps_leave_real_steps_alone(layer):
    check_layer(layer, (5, 4), sequence=True)


@pytest.mark.parametrize("batch_size", [2, 7])
def test_the_contract_holds_for_other_batches_and_seeds(batch_size):
    for seed in (1, 2):
        layer = Sequential([3, BatchNorm(), Dropout(0.2), Dense(2)])
        check_layer(layer, (4,), batch_size=batch_size, random_state=seed)


# Values


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        (None, lambda z: z),
        ("relu", lambda z: z * (z > 0)),
        ("logistic", special.expit),
        ("tanh", np.tanh),
    ],
)
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_dense_works_on_the_last_axis(activation, function, shape):
    x, kernel, bias = draw(5, *shape) / 3, draw(4, 2, seed=1) / 3, draw(2, seed=2)
    weights = {"kernel": kernel, "bias": bias}
    _, out = raw(Dense(2, activation=activation), x, weights=weights)
    expected = np.empty((5, *shape[:-1], 2))
    for index in np.ndindex(*expected.shape):
        z = bias[index[-1]] + sum(x[(*index[:-1], f)] * kernel[f, index[-1]] for f in range(4))
        expected[index] = function(z)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-14)


def test_dense_without_bias_has_only_a_kernel():
    network, out = raw(Dense(2, use_bias=False), draw(3, 4), weights={"kernel": 1.0})
    assert network.n_params == 8 and not hasattr(network.layer, "bias_")
    np.testing.assert_allclose(out, draw(3, 4).sum(axis=1, keepdims=True) * [1, 1])


@pytest.mark.parametrize(
    ("activation", "bound"),
    [(None, np.sqrt(6 / (300 + 200))), ("tanh", np.sqrt(6 / 500)), ("relu", np.sqrt(6 / 500))],
)
def test_the_kernel_starts_as_suits_the_activation(activation, bound):
    network, _ = raw(Dense(200, activation=activation), draw(1, 300))
    kernel = network.layer.kernel_
    assert 0.99 * bound < np.abs(kernel).max() <= bound
    assert kernel.var() == pytest.approx(bound**2 / 3, rel=0.02)
    assert not network.layer.bias_.any()


@pytest.mark.parametrize(
    ("factors", "rates"),
    [
        ({}, {"kernel": 1.0, "bias": 1.0}),
        ({"learning_rate_factor": 0.5}, {"kernel": 0.5, "bias": 0.5}),
        ({"bias_learning_rate_factor": 0.1}, {"kernel": 1.0, "bias": 0.1}),
        (
            {"learning_rate_factor": 3, "bias_learning_rate_factor": 2.0},
            {"kernel": 3.0, "bias": 2.0},
        ),
    ],
)
def test_kernel_and_bias_of_dense_have_learning_rates_of_their_own(factors, rates):
    """The first step of Adam is the learning rate, whatever the gradient."""
    X, y = draw(20, 3), np.arange(20.0)
    start = {"kernel_initializer": "ones", "bias_initializer": "ones"}
    model = NeuralRegressor(
        layers=[Dense(4, **start, **factors)],
        batch_size=20,
        max_iter=1,
        tol=0,
        alpha=0.0,
        learning_rate_init=0.01,
        random_state=0,
    ).fit(X, y)
    for name, rate in rates.items():
        moved = np.abs(getattr(model.network_[0], f"{name}_") - 1.0)
        np.testing.assert_allclose(moved, 0.01 * rate, rtol=1e-4)


def test_the_neural_tangent_parametrization_trains_as_a_kernel_over_the_root_of_its_inputs():
    network = Network(Dense(2, parametrization="neural_tangent", use_bias=False), (16,))
    (group,) = network.groups
    kernel = 4.0 * network.params  # K, of which the layer's kernel is K / sqrt(16)
    optimizers = [AdamW(weight_decay=0.5, epsilon=1e-30) for _ in range(2)]
    optimizers[0].build(network.params, [group])
    optimizers[1].build(kernel, [Group(slice(0, 32), 1.0, True)])
    for grads in np.random.default_rng(0).standard_normal((3, 32)):
        optimizers[0].update(network.params, grads.copy(), 0.1)
        optimizers[1].update(kernel, grads / 4.0, 0.1)
    np.testing.assert_allclose(4.0 * network.params, kernel, rtol=1e-6)


def test_layer_norm_is_the_z_score_of_each_step():
    x, gamma, beta = draw(4, 3, 7), draw(7, seed=1), draw(7, seed=2)
    _, out = raw(LayerNorm(epsilon=1e-12), x, weights={"gamma": gamma, "beta": beta})
    np.testing.assert_allclose(out, gamma * stats.zscore(x, axis=-1) + beta, rtol=1e-9)


def test_layer_norm_adds_epsilon_to_the_variance():
    _, out = raw(LayerNorm(epsilon=3.0), np.array([[1.0, 3.0], [5.0, 5.0]]))
    np.testing.assert_allclose(out, [[-0.5, 0.5], [0.0, 0.0]])


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 4, 3)])
def test_batch_norm_is_the_z_score_of_each_channel_of_a_batch(shape):
    x, gamma, beta = draw(6, *shape), draw(3, seed=1), draw(3, seed=2)
    weights = {"gamma": gamma, "beta": beta}
    _, out = raw(BatchNorm(epsilon=1e-12), x, training=True, weights=weights)
    expected = gamma * stats.zscore(x.reshape(-1, 3), axis=0) + beta
    np.testing.assert_allclose(out.reshape(-1, 3), expected, rtol=1e-9)


@pytest.mark.parametrize("momentum", [0.0, 0.6, 0.99])
def test_batch_norm_predicts_with_moving_averages(momentum):
    network = Network(BatchNorm(momentum=momentum, epsilon=0.5), (2,))
    replica = network.replica(120, np.random.default_rng(0))
    mean, variance = np.zeros(2), np.ones(2)
    for t in range(1, 8):
        x = draw(120, 2, seed=t)
        replica.forward(x, training=True)
        weight = min(momentum, 1 - 1 / t)  # of the past: the first steps take plain averages
        for j in range(2):
            mean[j] = weight * mean[j] + (1 - weight) * sum(x[:, j]) / 120
            spread = sum((x[:, j] - sum(x[:, j]) / 120) ** 2) / 119
            variance[j] = weight * variance[j] + (1 - weight) * spread
    np.testing.assert_allclose(network.layer.moving_mean_, mean)
    np.testing.assert_allclose(network.layer.moving_variance_, variance)
    x = draw(4, 2, seed=9)
    expected = (x - mean) / np.sqrt(variance + 0.5)
    np.testing.assert_allclose(network.replica(4).forward(x), expected)


def test_batch_norm_at_inference_changes_no_average():
    network = Network(BatchNorm(), (2,))
    before = network.params.copy()
    network.replica(5).forward(draw(5, 2))
    np.testing.assert_array_equal(network.params, before)


def test_a_frozen_batch_norm_uses_and_keeps_its_averages_while_training():
    network = Network(BatchNorm(trainable=False, epsilon=1.0), (2,))
    network.layer.moving_mean_[:] = [1.0, -2.0]
    network.layer.moving_variance_[:] = [3.0, 8.0]
    before = network.params.copy()
    x = draw(5, 2)
    out = network.replica(5).forward(x, training=True)
    np.testing.assert_allclose(out, (x - [1.0, -2.0]) / [2.0, 3.0])
    np.testing.assert_array_equal(network.params, before)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_drops_at_its_rate_and_scales_the_rest(rate, dtype):
    x = np.full((400, 100), 3.0, dtype)
    _, out = raw(Dropout(rate), x, training=True)
    kept = out != 0
    np.testing.assert_allclose(out[kept], 3 / (1 - rate), rtol=1e-6)
    # The number kept is binomial; a fair draw is outside of these bounds once in 10**9.
    low, high = stats.binom.interval(1 - 1e-9, kept.size, 1 - rate)
    assert low <= kept.sum() <= high
    counts = kept.sum(axis=0)
    low, high = stats.binom.interval(1 - 1e-9, len(x), 1 - rate)
    assert low <= counts.min() <= counts.max() <= high


@pytest.mark.parametrize("kind", [Dropout, MaskingNoise])
def test_the_rate_of_dropout_follows_its_schedule_in_all_replicas(kind):
    network = Network(kind(0.4, schedule="flat_cosine"), (1000,), random_state=0)
    one, other = (network.replica(1, np.random.default_rng(seed)) for seed in (0, 1))
    for fraction, rate in ((0.25, 0.4), (0.75, 0.2), (1.0, 0.0)):
        one.layer.follow(Progress(fraction, 1.0, 100, 0.1))
        out = other.forward(np.ones((1, 1000)), training=True)
        assert np.mean(out == 0) == pytest.approx(rate, abs=0.05)


def test_dropout_drops_anew_for_every_batch_and_not_at_inference():
    x = draw(50, 10)
    network, first = raw(Dropout(0.5), x, training=True)
    replica = network.replica(50, np.random.default_rng(0))
    np.testing.assert_array_equal(replica.forward(x, True), first)
    assert ((replica.forward(x, True) == 0) != (first == 0)).mean() > 0.3
    np.testing.assert_array_equal(replica.forward(x), x)


def test_dropout_passes_gradients_through_what_it_kept():
    network = Network(Dropout(0.25), (40,))
    replica = network.replica(8, np.random.default_rng(0), np.zeros(0))
    out = replica.forward(np.ones((8, 40)), training=True)
    grad = replica.layer.backward(np.full((8, 40), 6.0))
    np.testing.assert_allclose(grad, 6.0 * out)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gaussian_noise_is_normal_with_its_deviation(dtype):
    x = draw(300, 100).astype(dtype)
    _, out = raw(GaussianNoise(0.5), x, training=True)
    noise = (out - x) / 0.5
    assert stats.kstest(noise.ravel(), "norm").pvalue > 1e-6
    np.testing.assert_array_equal(raw(GaussianNoise(0.5), x)[1], x)


def test_flatten_and_reshape_keep_the_order_of_values():
    x = np.arange(48.0).reshape(2, 4, 3, 2)
    np.testing.assert_array_equal(raw(Flatten(), x)[1], np.arange(48.0).reshape(2, 24))
    for target in [(6, 4), (-1, 4), [6, -1]]:
        network, out = raw(Reshape(target), x)
        assert network.output_shape == (6, 4)
        np.testing.assert_array_equal(out.ravel(), np.arange(48.0))


def test_residual_adds_its_input():
    x = draw(5, 3)
    residual = Network(Residual([Dense(7, activation="tanh"), Dense(3)]), (3,), random_state=1)
    inner = Network(Sequential([Dense(7, activation="tanh"), Dense(3)]), (3,), random_state=1)
    np.testing.assert_allclose(residual.predict(x), x + inner.predict(x))
    np.testing.assert_array_equal(Network(Residual([]), (3,)).predict(x), 2 * x)


def test_nesting_changes_no_value():
    x = draw(5, 3)
    flat = Network(
        Sequential([Dense(4, activation="tanh"), LayerNorm(), Dense(2)]), (3,), random_state=1
    )
    nested = [
        Sequential([("a", Dense(4, activation="tanh"))]),
        Sequential([LayerNorm(), Dense(2)]),
    ]
    other = Network(Sequential(nested), (3,), random_state=1)
    np.testing.assert_array_equal(flat.predict(x), other.predict(x))


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance_of_selu_units(rate):
    x = stats.norm.rvs(size=(400, 500), random_state=0)
    _, out = raw(AlphaDropout(rate), x, training=True)
    assert out.mean() == pytest.approx(0, abs=0.02)
    assert out.var() == pytest.approx(1, abs=0.03)
    limit, q = -1.0507009873554805 * 1.6732632423543772, 1 - rate
    scale = (q + limit**2 * q * (1 - q)) ** -0.5
    shift = -scale * limit * (1 - q)
    dropped = np.isclose(out, scale * limit + shift)
    np.testing.assert_allclose(out[~dropped], (scale * x + shift)[~dropped])
    low, high = stats.binom.interval(1 - 1e-9, x.size, rate)
    assert low <= dropped.sum() <= high


def test_slopes_and_gates_are_those_of_the_formulas():
    x = draw(5, 3, 6)
    _, out = raw(PReLU(), x, weights={"slope": np.arange(6.0)})
    np.testing.assert_allclose(out, np.where(x > 0, x, np.arange(6.0) * x))
    assert raw(PReLU(0.3), x)[0].layer.slope_.tolist() == [0.3] * 6
    _, out = raw(GLU(), x)
    np.testing.assert_allclose(out, x[..., :3] * special.expit(x[..., 3:]))
    network, out = raw(SwiGLU(2), x)
    dense = network.layer.sublayers()[0][1]
    value, gate = np.split(x @ dense.kernel_ + dense.bias_, 2, axis=-1)
    np.testing.assert_allclose(out, value * gate * special.expit(gate))
    with pytest.raises(ValueError, match="expects inputs with an even number of features, got"):
        Network(GLU(), (3,))


# Frozen layers


def fit(layers, X, y, **params):
    params = {"max_iter": 3, "tol": 0, "random_state": 0, "learning_rate_init": 0.1, **params}
    return NeuralClassifier(layers=layers, **params).fit(X, y)


def named_weights(model):
    return {
        f"{part._path}.{weight.name}": getattr(part, weight.name + "_").copy()
        for part in model.network_.layer.walk()
        for weight in part._weights
    }


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "adamw"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_frozen_layers_keep_their_weights_through_a_fit(solver, problem):
    layers = [
        Dense(6, activation="tanh", trainable=False),
        Residual([Dense(6, trainable=False), LayerNorm()]),
        Residual([BatchNorm(), ("inner", Sequential([Dense(6)]))], trainable=False),
        Dense(5, activation="relu"),
    ]
    model = fit(layers, *problem, solver=solver)
    seed = np.random.SeedSequence(0).spawn(3)[0]
    start = Network(clone(model.network_.layer), (6,), random_state=seed, path=model.network_.path)
    start_weights = named_weights(type("Start", (), {"network_": start}))
    frozen, moved = set(), set()
    for name, value in named_weights(model).items():
        same = np.array_equal(value, start_weights[name])
        (frozen if same else moved).add(name)
    expected = {
        "layers__0.kernel",
        "layers__0.bias",
        "layers__1__layers__0.kernel",
        "layers__1__layers__0.bias",
        *(f"layers__2__layers__0.{n}" for n in ("gamma", "beta", "moving_mean")),
        *(f"layers__2__layers__0.{n}" for n in ("moving_variance", "exponent", "counts")),
        "layers__2__layers__inner__layers__0.kernel",
        "layers__2__layers__inner__layers__0.bias",
    }
    assert frozen == expected
    assert moved == set(start_weights) - expected


# Parameters


def nested_model():
    inner = Sequential([("inner", Dense(4)), Dropout(0.1)])
    return NeuralClassifier(layers=[Residual([inner, ("last", Dense(6))]), ("top", Dense(3)), 2])


def test_nested_parameters_are_reached_by_position_and_by_name():
    model = nested_model()
    model.set_params(layers__0__layers__0__layers__inner__units=9, layers__top__activation="tanh")
    params = model.get_params()
    assert params["layers__0__layers__0__layers__inner__units"] == 9
    assert params["layers__0__layers__0__layers__1__rate"] == 0.1
    assert params["layers__top__activation"] == "tanh"
    assert model.layers[0].layers[0].layers[0][1].units == 9
    block = Residual([("a", Sequential([("inner", Dense(2))]))])
    assert block.set_params(layers__0__layers__inner__units=3) is block
    assert block.get_params()["layers__a__layers__inner__units"] == 3


def test_the_keys_of_get_params_are_those_of_the_layers():
    keys = set(nested_model().get_params()) - set(NeuralClassifier().get_params())
    ends = ("", "__layers", "__learning_rate_factor", "__trainable")
    residual = {f"layers__0{end}" for end in ends}
    sequential = {f"layers__0__layers__0{end}" for end in ends}
    start = "layers__0__layers__0__layers__"
    dense = ["activation", "bias_initializer", "kernel_initializer", "trainable", "units"]
    dense += ["kernel_regularizer", "kernel_constraint"]
    dense += ["use_bias", "learning_rate_factor", "bias_learning_rate_factor", "parametrization"]
    dropout = {f"{start}1{end}" for end in ("", "__rate", "__schedule")}
    expected = residual | sequential | {f"{start}inner"} | dropout
    for path in (f"{start}inner", "layers__0__layers__last", "layers__top"):
        expected |= {path, *(f"{path}__{name}" for name in dense)}
    assert keys == expected | {"layers__2"}


def test_set_params_replaces_whole_then_items_then_what_is_inside():
    model = nested_model()
    model.set_params(
        layers__a__layers__0__units=8,
        layers__a=Residual([Dense(1)]),
        layers=[("a", Dense(5)), Dense(7)],
        layers__1__units=11,
    )
    name, block = model.layers[0]
    assert (name, type(block), block.layers[0].units) == ("a", Residual, 8)
    assert model.layers[1].units == 11


def test_clones_of_nested_layers_share_nothing():
    model = nested_model()
    copy = clone(model)
    copy.set_params(layers__0__layers__0__layers__inner__units=1)
    assert model.layers[0].layers[0].layers[0][1].units == 4


def test_a_fit_does_not_touch_the_users_layers(problem):
    layers = [Residual([("wide", Sequential([8])), 6]), 4]
    before = repr(layers)
    model = fit(layers, *problem)
    assert repr(layers) == before == repr(model.layers)
    assert set(vars(layers[0])) == {"layers", "learning_rate_factor", "trainable"}


def test_ints_are_dense_layers_with_the_estimators_activation(problem):
    short = [4, Sequential([5, ("b", Residual([5]))])]
    dense = {n: Dense(n, activation="tanh") for n in (4, 5)}
    long = [dense[4], Sequential([dense[5], ("b", Residual([clone(dense[5])]))])]
    first, second = fit(short, *problem, activation="tanh"), fit(long, *problem)
    np.testing.assert_array_equal(first.network_.params, second.network_.params)
    third = fit(short, *problem, activation="elu")
    assert not np.array_equal(first.network_.params, third.network_.params)


@pytest.mark.parametrize("layers", [[np.int64(4)], (4,), [("a", 4)]])
def test_numpy_ints_tuples_and_named_ints_stand_for_layers_too(layers, problem):
    np.testing.assert_array_equal(
        fit(layers, *problem).network_.params, fit([4], *problem).network_.params
    )


# Errors


@pytest.mark.parametrize(
    ("layers", "error", "sentence"),
    [
        ([Dense(0)], ValueError, "Layer 'layers__0' (Dense): The 'units' parameter of Dense must"),
        ([Dense(4, activation="rulu")], ValueError, "'layers__0' (Dense): The 'activation'"),
        ([("a", Dropout(1.0))], ValueError, "Layer 'layers__a' (Dropout): The 'rate' parameter"),
        ([GaussianNoise(-1)], ValueError, "Layer 'layers__0' (GaussianNoise): The 'stddev'"),
        ([BatchNorm(momentum=1.0)], ValueError, "(BatchNorm): The 'momentum' parameter"),
        ([LayerNorm(epsilon=0)], ValueError, "(LayerNorm): The 'epsilon' parameter"),
        ([Dense], TypeError, "layers__0 must be a layer, a pair ('name', layer) or an int, got "),
        ([Dense], TypeError, "Did you forget the parentheses?"),
        (["relu"], TypeError, "layers__0 must be a layer, a pair ('name', layer) or an int"),
        ([True], TypeError, "layers__0 must be a layer, a pair ('name', layer) or an int, got Tr"),
        ([0], ValueError, "Layer 'layers__0' (Dense): The 'units' parameter of Dense must"),
        ([("a", 3), ("a", 3)], ValueError, "layers: the name 'a' is used 2 times"),
        ([("a__b", 3)], ValueError, "layers: 'a__b' is not a layer name; use a word"),
        ([("7", 3)], ValueError, "layers: '7' is not a layer name; use a word that is not a num"),
        ([("", 3)], ValueError, "layers: '' is not a layer name"),
        (
            [Residual([("a", None)])],
            TypeError,
            "layers__0__layers__a must be a layer, a pair ('name', layer) or an int, got None.",
        ),
        (
            [Sequential([("x", Residual([Dense(5)]))])],
            ValueError,
            "Layer 'layers__0__layers__x' (Residual) expects layers that keep the shape (6,) of "
            "its input, got an output of shape (5,).",
        ),
        (
            [4, ("r", Reshape((3, 2)))],
            ValueError,
            "Layer 'layers__r' (Reshape) expects inputs that fill target_shape=(3, 2), got (4,) "
            "with 4 values. Choose a target_shape with as many values.",
        ),
        ([Reshape((-1, -1))], ValueError, "(Reshape) expects inputs that fill target_shape=(-1,"),
        ([Reshape((4, -1))], ValueError, "(Reshape) expects inputs that fill target_shape=(4, -"),
        ([Reshape((0, -1))], ValueError, "(Reshape) expects inputs that fill target_shape=(0, -"),
        ([Residual(3)], ValueError, "Layer 'layers__0' (Residual): The 'layers' parameter of"),
    ],
)
def test_wrong_layers_are_told_where_they_are(layers, error, sentence, problem):
    model = NeuralClassifier(layers=layers)
    with pytest.raises(error) as caught:
        model.fit(*problem)
    assert sentence in str(caught.value)
    model.set_params(layers=[3], max_iter=1, tol=0).fit(*problem)


def test_parameter_errors_of_layers_are_scikit_learns(problem):
    with pytest.raises(InvalidParameterError):
        NeuralClassifier(layers=[Dense(-1)]).fit(*problem)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("layers__5__units", "'layers' has the items '0', 'top', '2'"),
        ("layers__top__wrong", "Invalid parameter 'wrong' for estimator Dense"),
        ("layers__2__units", "'layers__2' is 2, which has no parameters"),
        ("layers__0__layers__nobody", "'layers' has the items '0', 'last'"),
    ],
)
def test_wrong_names_of_nested_parameters_are_told_the_right_ones(name, sentence):
    with pytest.raises(ValueError, match=sentence):
        nested_model().set_params(**{name: 1})


# A layer of a user's own


class PowerLaw(Layer):
    """sign(x) |x| ** exponent with an exponent for each feature, which is learned."""

    def build(self, input_shape):
        self.add_weight("exponent", input_shape[-1:], "ones")
        return input_shape

    def forward(self, x, training=False, mask=None):
        size = np.abs(x, out=self._work("size", x.shape))
        out = np.power(size, self.exponent_, out=self._work("out", x.shape))
        if training:
            self._x, self._out = x, out
        return np.copysign(out, x, out=out)

    def backward(self, grad_output, input_grad=True):
        size = np.abs(self._x, out=self._work("size", self._x.shape))
        grad_output *= self._out
        logarithm = np.log(size, out=self._work("log", size.shape))
        logarithm *= grad_output
        np.add.reduce(logarithm, axis=tuple(range(size.ndim - 1)), out=self.exponent_grad_)
        if not input_grad:
            return None
        grad_output *= self.exponent_
        return np.divide(grad_output, self._x, out=grad_output)


def test_a_layer_of_ones_own_keeps_the_contract():
    check_layer(PowerLaw(), (4,))
    check_layer(Residual([PowerLaw()]), (3, 4))


def test_a_layer_of_ones_own_learns_predicts_and_pickles():
    X = np.random.default_rng(0).uniform(0.2, 2.0, (300, 1))
    model = NeuralRegressor(
        layers=[("power", PowerLaw())], solver="lbfgs", alpha=0, tol=1e-8, random_state=0
    ).fit(X, X[:, 0] ** 2.5)
    power = dict(model.network_.layer.sublayers())["power"]
    assert power.exponent_[0] == pytest.approx(2.5, abs=1e-3)
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_a_layer_of_ones_own_classifies_within_others(problem):
    X, y = problem
    model = fit([8, PowerLaw(), LayerNorm()], X, y, activation="softplus", max_iter=30)
    assert model.score(X, y) > 0.9


def test_sizes_of_few_bits_do_not_overflow():
    X = np.random.default_rng(0).standard_normal((20, 6, 3))
    small, plain = (
        NeuralRegressor(layers=[LSTM(units)], max_iter=1, tol=0, random_state=0).fit(X, X[:, 0, 0])
        for units in (np.int8(40), 40)  # four gates of 40
    )
    assert_array_equal(small.predict(X), plain.predict(X))
    assert type(small.layers[0].units) is np.int8
