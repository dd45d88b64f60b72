"""Axes in another order, repeated vectors, plain functions and kernels as directions."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknet import NeuralClassifier, NeuralRegressor, load, save
from sknet.layers import (
    LSTM,
    Conv1D,
    Conv2D,
    Dense,
    Flatten,
    Lambda,
    Permute,
    RepeatVector,
    Sequential,
    WeightNorm,
)
from sknet.network import Network
from sknet.regularization import L1L2
from sknet.testing import check_layer


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("dims", [(1, 2, 3), (3, 1, 2), (2, 1, 3)])
def test_axes_are_moved(dims):
    x = draw(4, 2, 3, 5)
    np.testing.assert_array_equal(
        Network(Permute(dims), x.shape[1:]).predict(x), x.transpose(0, *dims)
    )
    check_layer(Permute(dims), (2, 3, 4))


def test_masks_stay_where_the_steps_stay():
    x, mask = draw(2, 3, 2, 2), np.array([[True] * 3, [True, False, False]])
    assert Network(Permute((1, 3, 2)), (None, 2, 2)).replica(2).layer.compute_mask(x, mask) is mask
    assert Network(Permute((2, 1, 3)), (3, 2, 2)).replica(2).layer.compute_mask(x, mask) is None
    check_layer(Permute((1, 3, 2)), (3, 2, 2), sequence=True)


def test_vectors_are_repeated():
    x = draw(4, 3)
    np.testing.assert_array_equal(
        Network(RepeatVector(5), (3,)).predict(x), np.repeat(x[:, None], 5, axis=1)
    )
    check_layer(RepeatVector(3), (4,))
    code = Sequential([LSTM(3), RepeatVector(4), LSTM(2, return_sequences=True)])
    assert Network(code, (None, 2)).output_shape == (4, 2)


def squares_and_products(x):
    return np.stack([x[..., 0] ** 2, x[..., 0] * x[..., 1]], axis=-1)


def gradient(x, grad):
    first = 2 * x[..., 0] * grad[..., 0] + x[..., 1] * grad[..., 1]
    return np.stack([first, x[..., 0] * grad[..., 1]], axis=-1)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.EfficiencyWarning")
@pytest.mark.parametrize("shape", [(2,), (3, 2)])
def test_plain_functions_make_a_layer(shape):
    check_layer(Lambda(squares_and_products, gradient), shape)
    x = draw(4, *shape)
    out = Network(Lambda(squares_and_products, gradient), shape).predict(x)
    np.testing.assert_array_equal(out, squares_and_products(x))


def test_the_shape_of_a_functions_output_is_found():
    total = Lambda(
        lambda x: x.sum(axis=1), lambda x, grad: np.broadcast_to(grad[:, None], x.shape)
    )
    assert Network(total, (4, 3)).output_shape == (3,)
    twice = Lambda(lambda x: 2 * x, lambda x, grad: 2 * grad)
    network = Network(twice, (None, 3))
    assert network.output_shape == (None, 3)
    assert network.predict(draw(2, 7, 3)).shape == (2, 7, 3)


@pytest.mark.parametrize(
    ("function", "back", "sentence"),
    [
        (
            lambda x: x**2,
            lambda x, grad: x * grad,
            "expects a gradient that is that of its",
        ),
        (
            lambda x: x.sum(axis=0),
            lambda x, grad: x,
            "a function that makes one output of",
        ),
        (
            lambda x: x - x.mean(),
            lambda x, grad: x,
            "a function that makes one output of",
        ),
        (lambda x: x, lambda x, grad: grad[:, :1], "expects a gradient of the shape of x"),
        (lambda x: np.exp(x, out=x), lambda x, grad: grad, "function writes to its argument"),
        ("exp", lambda x, grad: grad, "The 'function' parameter of Lambda must be"),
    ],
)
def test_functions_that_do_not_fit_are_refused(function, back, sentence):
    with pytest.raises(ValueError) as caught:
        Network(Lambda(function, back), (3,), path="layers__0")
    assert sentence in str(caught.value)


def test_functions_survive_pickles_and_clones():
    layers = [Dense(2), Lambda(lambda x: 3 * x, lambda x, grad: 3 * grad)]
    model = NeuralRegressor(layers=layers, max_iter=2, tol=0, random_state=0, warm_start=True)
    X, y = draw(10, 3), draw(10, seed=1)
    model.fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    np.testing.assert_array_equal(copy.fit(X, y).predict(X), model.fit(X, y).predict(X))
    np.testing.assert_array_equal(clone(model).fit(X, y).coefs_[0].shape, (3, 2))


# Weight normalization


NORMED = [
    (Dense(3, "tanh"), (4,)),
    (Conv1D(3, 2, padding="causal"), (5, 2)),
    (Conv2D(2, 2, groups=2, use_bias=False), (4, 3, 2)),
]


def network_width(layer):
    return getattr(layer, "units", 0) or layer.filters


@pytest.mark.parametrize(("layer", "shape"), NORMED, ids=lambda v: type(v).__name__)
def test_weight_norm_starts_as_the_layer_and_keeps_the_contract(layer, shape):
    x = draw(5, *shape)
    plain = Network(clone(layer), shape, random_state=3)
    normed = Network(WeightNorm(clone(layer)), shape, random_state=3)
    np.testing.assert_allclose(normed.predict(x), plain.predict(x), atol=1e-12)
    assert normed.n_params == plain.n_params + layer.get_params().get(
        "units", layer.get_params().get("filters")
    )
    check_layer(WeightNorm(layer), shape)
    if len(shape) == 2:
        check_layer(WeightNorm(layer), shape, sequence=True)


def test_the_kernel_is_length_times_direction():
    x = draw(5, 4)
    network = Network(WeightNorm(Dense(3)), (4,))
    network.layer.direction_[...] = v = draw(4, 3, seed=1)
    network.layer.length_[:] = length = np.array([1.0, -2.0, 0.5])
    kernel = length * v / np.sqrt((v**2).sum(axis=0))
    np.testing.assert_allclose(network.predict(x), x @ kernel, atol=1e-12)


def test_weight_norm_trains_resumes_and_is_searched(tmp_path):
    X, y = draw(60, 4), np.arange(60) % 2
    model = NeuralClassifier(
        layers=[WeightNorm(Dense(8, "relu")), WeightNorm(Dense(4, "relu"))],
        max_iter=4,
        tol=0,
        batch_size=16,
        random_state=0,
    )
    whole = clone(model).fit(X, y)
    half = clone(model).set_params(max_iter=2, warm_start=True).fit(X, y)
    save(half, tmp_path / "half.sknet")
    for copy in (pickle.loads(pickle.dumps(half)), load(tmp_path / "half.sknet"), half):
        np.testing.assert_array_equal(copy.fit(X, y).network_.params, whole.network_.params)
    search = GridSearchCV(model, {"layers__0__layer__units": [3, 5]}, cv=2).fit(X, y)
    units = search.best_params_["layers__0__layer__units"]
    assert search.best_estimator_.network_["0"].length_.shape == (units,)


def test_the_penalty_is_that_of_the_kernel():
    X, y = draw(20, 3), draw(20, seed=1)
    options = {"alpha": 0.7, "max_iter": 1, "tol": 0, "batch_size": 20, "random_state": 0}
    plain = NeuralRegressor(layers=[Dense(4, "tanh")], **options).fit(X, y)
    normed = NeuralRegressor(layers=[WeightNorm(Dense(4, "tanh"))], **options).fit(X, y)
    assert normed.loss_ == pytest.approx(plain.loss_, rel=1e-10)


@pytest.mark.parametrize(
    ("layer", "shape", "sentence"),
    [
        (
            Permute((1, 1)),
            (3, 2),
            "expects inputs of 2 axes, of which dims=(1, 1) is an ",
        ),
        (
            Permute((2, 1)),
            (None, 2),
            "expects dims that begin with 1 for sequences of",
        ),
        (
            RepeatVector(2),
            (3, 2),
            "expects inputs of shape (features,), got (3, 2)",
        ),
        (RepeatVector(0), (3,), "The 'n' parameter of RepeatVector must be"),
        (WeightNorm(Flatten()), (3,), "The 'layer' parameter of WeightNorm must be"),
        (
            WeightNorm(Dense(3, kernel_regularizer=L1L2(0.1))),
            (3,),
            "expects a layer with one kernel, without a regularizer or constraint of it",
        ),
        (
            WeightNorm(Dense(3, kernel_initializer="unit_variance")),
            (3,),
            "expects a kernel_initializer that needs no training rows, got UnitVariance()",
        ),
    ],
    ids=str,
)
def test_wrong_uses_have_a_sentence(layer, shape, sentence):
    with pytest.raises(ValueError) as caught:
        Network(layer, shape, path="layers__0")
    assert sentence in str(caught.value)


def test_a_lambda_does_not_write_into_the_samples_of_the_user():
    def doubled(x):
        return np.multiply(x, 2, out=x if x.flags.writeable else None)

    X = np.random.default_rng(0).normal(size=(12, 4))
    before = X.copy()
    network = NeuralClassifier(
        layers=[Lambda(doubled, lambda x, grad: 2 * grad)], max_iter=2, tol=0
    )
    network.fit(X, np.arange(12) % 2).predict(X)
    np.testing.assert_array_equal(X, before)
