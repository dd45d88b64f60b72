"""Steps of small dense networks, beside those that serve every network."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning

from sknet import NeuralClassifier, NeuralRegressor, kernels
from sknet.dense_step import DenseStep
from sknet.layers import Dense, Dropout, Sequential
from sknet.losses import AbsoluteError, FocalLoss, LogLoss
from sknet.optimizers import SGD
from sknet.regularization import L1L2

X = np.random.default_rng(0).normal(size=(90, 5))
WEIGHTS = np.random.default_rng(1).uniform(0.5, 3.0, 90)
SCORES = X @ [1.0, -2.0, 0.5, 0.0, 1.0] + np.sin(3 * X[:, 0])
TARGETS = {
    "numbers": (NeuralRegressor, SCORES),
    "labels": (NeuralClassifier, (SCORES > 0).astype(int)),
    "classes": (NeuralClassifier, np.digitize(SCORES, [-1.0, 1.0])),
}
OPTIONS = {"max_iter": 4, "tol": 0.0, "batch_size": 32, "random_state": 0}


@pytest.fixture
def taken(monkeypatch):
    """List the losses of the steps of dense networks, with either kernels."""
    losses, gradient = [], kernels.dense_gradient
    monkeypatch.setattr(kernels, "MULTIPLIES", True)
    monkeypatch.setattr(
        kernels, "dense_gradient", lambda *args: losses.append(gradient(*args)) or losses[-1]
    )
    return losses


def fitted(target, weights=None, X=X, **changes):
    estimator, y = TARGETS[target]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator(**{**OPTIONS, **changes}).fit(X, y, sample_weight=weights)


def without_it(monkeypatch, *args, **changes):
    with monkeypatch.context() as patch:
        patch.setattr(DenseStep, "suits", staticmethod(lambda *args: False))
        return fitted(*args, **changes)


def layers(**changes):
    options = {"kernel_regularizer": L1L2(l1=1e-3), "kernel_constraint": "max_norm", **changes}
    return [Dense(7, "tanh", parametrization="neural_tangent"), Dense(4, "gelu", **options)]


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hidden_layer_sizes": ()},
        {"alpha": 0.3, "solver": SGD(momentum=0.9, nesterov=True), "learning_rate_init": 0.05},
        {"layers": layers(), "alpha": 0.1},
        {"clip_norm": 0.1, "clip_value": 0.05, "shuffle": False},
        {"averaging": 0.9, "accumulation_steps": 2, "activation": "silu"},
    ],
    ids=["plain", "no layer", "momentum", "layers", "clipped", "averaged"],
)
def test_the_weights_are_those_of_any_network(taken, monkeypatch, target, weights, changes):
    ours = fitted(target, weights, **changes)
    assert len(taken) == 12
    theirs = without_it(monkeypatch, target, weights, **changes)
    assert len(taken) == 12
    assert_allclose(ours.network_.params, theirs.network_.params, rtol=1e-7, atol=1e-10)
    assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)


@pytest.mark.parametrize("target", ["labels", "classes"])
def test_smoothed_labels_count(taken, monkeypatch, target):
    smoothed = {"loss": LogLoss(label_smoothing=0.2)}
    ours, theirs = fitted(target, **smoothed), without_it(monkeypatch, target, **smoothed)
    assert len(taken) == 12
    assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)


class Halved(LogLoss):
    def _class_losses(self, log_p):
        return -log_p / 2, 0.5


@pytest.mark.parametrize(
    ("target", "changes"),
    [
        ("numbers", {"loss": AbsoluteError()}),
        ("classes", {"loss": FocalLoss()}),
        ("classes", {"loss": Halved()}),
        ("classes", {"mixing": "mixup"}),
        ("classes", {"layers": [Dense(4, "relu"), Dropout(0.1)]}),
        ("classes", {"layers": [Sequential([Dense(4)])]}),
        ("classes", {"layers": [Dense(4, use_bias=False)]}),
        ("classes", {"layers": [Dense(4, trainable=False)]}),
        ("classes", {"layers": [Dense(4, "softsign")]}),
        ("classes", {"hidden_layer_sizes": (4,) * 16}),
        ("classes", {"hidden_layer_sizes": (20_000,)}),
        ("classes", {"solver": "lbfgs"}),
    ],
)
def test_other_networks_take_other_steps(taken, target, changes):
    fitted(target, **{**changes, "max_iter": 1})
    assert taken == []


def test_sparse_rows_take_other_steps(taken):
    rows = np.where(X > 0.5, X, 0.0)
    sparse, dense = (fitted("labels", X=x) for x in (csr_matrix(rows), rows))
    assert len(taken) == 12  # of the dense ones
    assert_allclose(sparse.network_.params, dense.network_.params, rtol=1e-7, atol=1e-10)


def test_several_targets_take_other_steps(taken):
    NeuralRegressor(**OPTIONS).fit(X, np.stack([SCORES, -SCORES], axis=1))
    NeuralClassifier(**OPTIONS).fit(X, np.stack([SCORES > 0, SCORES > 1], axis=1).astype(int))
    assert taken == []


def test_a_loss_that_overflows_ends_training_as_with_any_network(taken, monkeypatch):
    wild = {"X": X * 1e22, "dtype": "float32", "standardize_target": False}
    ours = fitted("numbers", **wild)
    assert taken and not np.isfinite(taken[-1])
    theirs = without_it(monkeypatch, "numbers", **wild)
    assert_array_equal(ours.network_.params, theirs.network_.params)
    assert ours.n_iter_ == theirs.n_iter_
