"""Penalties and constraints of kernels, clipping by value and gathered gradients."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknet import NeuralClassifier, NeuralLanguageModel, NeuralRegressor, load, save
from sknet.layers import (
    GRU,
    LSTM,
    BatchNorm,
    ContractiveDense,
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GaussianCode,
    MultiHeadAttention,
    SeparableConv2D,
    SimpleRNN,
    TransformerBlock,
)
from sknet.optimizers import SGD
from sknet.regularization import L1L2, MaxNorm, NonNegative, UnitNorm


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


KERNELS = [
    (Dense(3), (4,)),
    (Conv1D(3, 2), (5, 2)),
    (Conv2D(4, 2, groups=2), (4, 4, 2)),
    (Conv2DTranspose(3, 2), (3, 3, 2)),
    (DepthwiseConv2D(2), (4, 4, 2)),
    (SeparableConv2D(3, 2), (4, 4, 2)),
    (SimpleRNN(3), (4, 2)),
    (LSTM(3), (4, 2)),
    (GRU(3), (4, 2)),
    (MultiHeadAttention(2), (4, 4)),
    (TransformerBlock(2), (4, 4)),
    (ContractiveDense(3), (4,)),
    (GaussianCode(3), (4,)),
]


def trained(layer, shape, **params):
    """Train one layer by one step of plain gradient descent."""
    layers = [("one", clone(layer).set_params(**params))]
    layers += [] if isinstance(layer, SimpleRNN | LSTM | GRU) else [Flatten()]
    X, y = draw(12, *shape), draw(12, seed=1)
    model = NeuralRegressor(
        layers=layers,
        input_shape=shape,
        solver=SGD(momentum=0.0),
        alpha=0.0,
        learning_rate_init=0.1,
        max_iter=1,
        tol=0,
        batch_size=12,
        random_state=0,
    )
    return model.fit(X, y)


def kernels(model):
    return [
        getattr(part, f"{weight.name}_")
        for part in model.network_["one"].walk()
        for weight in part._weights
        if weight.decay
    ]


@pytest.mark.parametrize(("layer", "shape"), KERNELS, ids=lambda v: type(v).__name__)
def test_the_penalty_and_its_gradient_are_those_of_the_formula(layer, shape):
    plain, penalized = (
        trained(layer, shape),
        trained(layer, shape, kernel_regularizer=L1L2(l1=0.02, l2=0.3)),
    )
    start = trained(layer, shape, trainable=False)
    penalty = 0.0
    for w, moved, other in zip(*map(kernels, (start, plain, penalized)), strict=True):
        gradient = 0.02 * np.sign(w) + 0.6 * w
        np.testing.assert_allclose(other, moved - 0.1 * gradient, atol=1e-10)
        penalty += 0.02 * np.abs(w).sum() + 0.3 * (w**2).sum()
    assert penalized.loss_ == pytest.approx(plain.loss_ + penalty, rel=1e-10)


@pytest.mark.parametrize(("layer", "shape"), KERNELS, ids=lambda v: type(v).__name__)
def test_constraints_are_kept_by_every_kernel(layer, shape):
    free = trained(layer, shape)
    for constraint in ("non_negative", MaxNorm(0.4), UnitNorm()):
        bound = trained(layer, shape, kernel_constraint=constraint)
        for w, kept in zip(kernels(free), kernels(bound), strict=True):
            units = -2 if isinstance(layer, Conv2DTranspose) else -1
            inner = tuple(set(range(w.ndim)) - {units % w.ndim})
            norms = np.sqrt((w**2).sum(axis=inner, keepdims=True))
            if constraint == "non_negative":
                expected = np.maximum(w, 0)
            elif isinstance(constraint, MaxNorm):
                expected = w * np.minimum(1, 0.4 / norms)
            else:
                expected = w / norms
            np.testing.assert_allclose(kept, expected, atol=1e-10)


def test_kernels_of_frozen_layers_stay_and_cost_nothing():
    plain = trained(Dense(3), (4,), trainable=False)
    options = {"kernel_regularizer": L1L2(1.0), "kernel_constraint": "non_negative"}
    frozen = trained(Dense(3), (4,), trainable=False, **options)
    np.testing.assert_array_equal(plain.network_.params, frozen.network_.params)
    assert plain.loss_ == frozen.loss_


def test_lbfgs_takes_penalties_and_refuses_constraints():
    X, y = draw(30, 3), draw(30, seed=1)
    model = NeuralRegressor(layers=[Dense(2, kernel_regularizer=L1L2(l2=10.0))], solver="lbfgs")
    assert np.abs(model.fit(X, y).network_["0"].kernel_).max() < 0.01
    model.set_params(layers__0__kernel_constraint="unit_norm")
    with pytest.raises(ValueError, match="solver='lbfgs' knows no constraints of kernels"):
        model.fit(X, y)


def regularized(**params):
    layers = [
        Dense(5, "tanh", kernel_regularizer=L1L2(0.01), kernel_constraint=MaxNorm(0.5)),
        BatchNorm(),
        Dropout(0.3),
        Dense(4, kernel_constraint="non_negative"),
    ]
    options = {"max_iter": 4, "tol": 0, "batch_size": 7, "random_state": 0, "averaging": 0.9}
    options |= {"accumulation_steps": 2, "clip_value": 0.01, "learning_rate_init": 0.05}
    return NeuralClassifier(layers=layers, **(options | params))


def test_training_resumes_exactly_and_survives_files(tmp_path):
    X, y = draw(40, 3), np.arange(40) % 3
    whole = regularized().fit(X, y)
    half = regularized(max_iter=2, warm_start=True).fit(X, y)
    save(half, tmp_path / "half.sknet")
    for copy in (pickle.loads(pickle.dumps(half)), load(tmp_path / "half.sknet"), half):
        np.testing.assert_array_equal(copy.fit(X, y).network_.params, whole.network_.params)


def test_penalties_and_constraints_are_searched():
    X, y = draw(24, 3), np.arange(24) % 2
    grid = {
        "layers__0__kernel_regularizer": [None, L1L2(1.0)],
        "layers__0__kernel_constraint": [None, NonNegative()],
    }
    search = GridSearchCV(regularized(), grid, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    model = regularized().set_params(layers__0__kernel_regularizer__l1=0.5)
    assert model.layers[0].kernel_regularizer.l1 == 0.5


@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("weighted", [False, True])
def test_gathered_gradients_are_those_of_larger_batches(alpha, weighted):
    X, y = draw(50, 3), draw(50, seed=1)
    weight = np.random.default_rng(2).uniform(0.5, 2, size=50) if weighted else None
    layers = [Dense(4, "tanh", kernel_regularizer=L1L2(l1=0.01))]
    options = {"alpha": alpha, "max_iter": 3, "tol": 0, "random_state": 0, "clip_norm": 0.5}
    large = NeuralRegressor(layers=layers, batch_size=12, **options).fit(X, y, weight)
    small = NeuralRegressor(layers=layers, batch_size=4, accumulation_steps=3, **options)
    small.fit(X, y, weight)
    np.testing.assert_allclose(small.network_.params, large.network_.params, atol=1e-10)
    np.testing.assert_allclose(small.loss_curve_, large.loss_curve_, rtol=1e-8)


def test_more_batches_than_there_are_make_one_step():
    X, y = draw(10, 3), draw(10, seed=1)
    one = NeuralRegressor(
        (), max_iter=2, tol=0, batch_size=5, accumulation_steps=9, random_state=0
    ).fit(X, y)
    all_rows = NeuralRegressor((), max_iter=2, tol=0, batch_size=10, random_state=0).fit(X, y)
    np.testing.assert_allclose(one.network_.params, all_rows.network_.params, atol=1e-12)


def test_elements_of_the_gradient_are_clipped_one_by_one():
    X, y = draw(20, 3), 50 * draw(20, seed=1)
    options = {
        "hidden_layer_sizes": (),
        "alpha": 0.0,
        "solver": SGD(momentum=0.0),
        "max_iter": 1,
        "tol": 0,
        "batch_size": 20,
        "random_state": 0,
        "standardize_target": False,
        "learning_rate_init": 0.1,
    }
    start = NeuralRegressor(**(options | {"learning_rate_init": 1e-300})).fit(X, y)
    kernel, bias = start.coefs_[0], start.intercepts_[0]
    error = X @ kernel + bias - y[:, None]
    gradient = np.clip(X.T @ error / 20, -0.5, 0.5)
    clipped = NeuralRegressor(clip_value=0.5, **options).fit(X, y)
    np.testing.assert_allclose(clipped.coefs_[0], kernel - 0.1 * gradient, atol=1e-10)
    both = NeuralRegressor(clip_value=0.5, clip_norm=0.1, **options).fit(X, y)
    mean_error = np.clip(error.mean(), -0.5, 0.5)
    norm = np.hypot(np.linalg.norm(gradient), mean_error)
    expected = kernel - 0.1 * gradient * 0.1 / norm
    np.testing.assert_allclose(both.coefs_[0], expected, atol=1e-10)


def test_language_models_have_the_options_of_steps():
    model = NeuralLanguageModel(
        context_length=8, max_iter=1, tol=0, clip_value=1.0, accumulation_steps=2, random_state=0
    )
    assert model.fit(["tick tock"] * 4).n_iter_ == 1


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        (
            {"layers__0__kernel_regularizer": 0.1},
            "The 'kernel_regularizer' parameter of Dense",
        ),
        ({"layers__0__kernel_regularizer": L1L2(-1.0)}, "The 'l1' parameter of L1L2 must be"),
        (
            {"layers__0__kernel_constraint": "max"},
            "The 'kernel_constraint' parameter of Dense",
        ),
        (
            {"layers__0__kernel_constraint": MaxNorm(0.0)},
            "The 'max_norm' parameter of MaxNorm",
        ),
        ({"clip_value": 0.0}, "The 'clip_value' parameter of NeuralClassifier must be"),
        ({"accumulation_steps": 0}, "The 'accumulation_steps' parameter of NeuralClassifier"),
        ({"solver": "lbfgs", "averaging": None}, "is for solvers that train by steps"),
    ],
)
def test_wrong_uses_have_a_sentence(params, sentence):
    with pytest.raises(ValueError) as caught:
        regularized().set_params(**params).fit(draw(8, 3), np.arange(8) % 2)
    assert sentence in str(caught.value)
