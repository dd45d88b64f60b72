"""From the same initial weights, scikit-learn's MLP walks the same loss curve."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sknet import NeuralClassifier, NeuralRegressor
from sknet.optimizers import SGD, Adam

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 100
SIZES = (12, 7)


class StartsFrom:
    """A scikit-learn MLP that starts from given weights."""

    def start_from(self, network):
        self.initial = list(zip(network.coefs_, network.intercepts_, strict=True))
        return self

    def _init_coef(self, fan_in, fan_out, dtype):
        coef, intercept = self.initial.pop(0)
        assert coef.shape == (fan_in, fan_out)
        return coef.copy(), intercept.copy()


class Classifier(StartsFrom, MLPClassifier):
    pass


class Regressor(StartsFrom, MLPRegressor):
    pass


def make(kind):
    rng = np.random.default_rng(0)
    if kind == "multilabel":
        return make_multilabel_classification(N, 6, n_classes=3, random_state=0)
    if kind == "regression":
        X = rng.normal(size=(N, 6))
        return X, np.sin(X[:, 0]) + X[:, 1] + 3
    if kind == "regression, two targets":
        X = rng.normal(size=(N, 6))
        return X, np.column_stack([np.sin(X[:, 0]), X[:, 1] + 3])
    n_classes = 2 if kind == "binary" else 4
    return make_classification(N, 6, n_informative=4, n_classes=n_classes, random_state=0)


def train_both(kind, theirs=None, sample_weight=None, **params):
    """Return both networks, trained on one batch from the same weights."""
    X, y = make(kind)
    ours_class, their_class = NeuralClassifier, Classifier
    if kind.startswith("regression"):
        ours_class, their_class = NeuralRegressor, Regressor
    params = {
        "batch_size": N,
        "random_state": 0,
        "tol": 0,
        "max_iter": 40,
        "learning_rate_init": 0.01,
        **params,
    }
    scale = {"standardize_target": False} if kind.startswith("regression") else {}
    ours = ours_class(SIZES, **params, **scale)
    # A rate too small to change a weight shows what the same seed starts from.
    start = ours_class(
        SIZES,
        **{
            **params,
            "solver": "sgd",
            "max_iter": 1,
            "learning_rate": "constant",
            "learning_rate_init": 1e-300,
            **scale,
        },
    )
    start.fit(X, y, sample_weight)
    network = their_class(hidden_layer_sizes=SIZES, **{**params, **(theirs or {})}).start_from(
        start
    )
    weight = {} if sample_weight is None else {"sample_weight": sample_weight}
    return ours.fit(X, y, sample_weight), network.fit(X, y, **weight), X


def assert_same_walk(ours, theirs, X):
    assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)
    assert ours.n_iter_ == theirs.n_iter_
    name = "predict_proba" if hasattr(ours, "predict_proba") else "predict"
    assert_allclose(getattr(ours, name)(X), getattr(theirs, name)(X), rtol=1e-5, atol=1e-6)
    for a, b in zip(ours.coefs_, theirs.coefs_, strict=True):
        assert_allclose(a, b, rtol=1e-4, atol=1e-6)


SOLVERS = {
    "adam": ({"solver": "adam"}, {}),
    "adam, other betas": (
        {"solver": Adam(beta_1=0.8, beta_2=0.99, epsilon=1e-6)},
        {"solver": "adam", "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6},
    ),
    "sgd, nesterov": ({"solver": SGD(momentum=0.9, nesterov=True)}, {"solver": "sgd"}),
    "sgd, momentum": (
        {"solver": SGD(momentum=0.8, nesterov=False)},
        {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": False},
    ),
    "sgd, plain": (
        {"solver": SGD(momentum=0.0, nesterov=False)},
        {"solver": "sgd", "momentum": 0.0},
    ),
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression"])
def test_the_loss_curve_is_the_same_for_every_target(solver, kind):
    ours, theirs = SOLVERS[solver]
    assert_same_walk(*train_both(kind, theirs, **ours))


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_loss_of_several_targets_is_their_sum_where_the_mlp_reports_the_mean(solver):
    # The MLP's gradient is that of the sum, too, so the steps are the same.
    ours, theirs = SOLVERS[solver]
    ours, theirs, X = train_both("regression, two targets", theirs, alpha=0.0, **ours)
    assert_allclose(ours.loss_curve_, 2 * np.array(theirs.loss_curve_), rtol=1e-6)
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_the_loss_curve_is_the_same_for_every_activation_and_penalty(solver, activation, alpha):
    params = {"solver": solver, "activation": activation, "alpha": alpha}
    assert_same_walk(*train_both("multiclass", **params))


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression"])
@pytest.mark.parametrize("max_iter", [1, 3, 10, 20])
def test_lbfgs_reaches_the_same_loss_after_as_many_iterations(kind, max_iter):
    params = {"solver": "lbfgs", "activation": "tanh", "alpha": 0.1, "max_iter": max_iter}
    ours, theirs, _ = train_both(kind, **params)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-6)
    assert ours.n_iter_ == theirs.n_iter_ == max_iter


def test_lbfgs_converges_to_the_same_minimum_in_as_many_iterations():
    params = {
        "solver": "lbfgs",
        "activation": "identity",
        "alpha": 5.0,
        "max_iter": 500,
        "tol": 1e-4,
    }
    ours, theirs, X = train_both("multiclass", **params)
    assert ours.n_iter_ == theirs.n_iter_ < 500
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-6)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("kind", ["binary", "regression"])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_training_converges_after_as_many_epochs(kind, solver):
    params = {"solver": solver, "max_iter": 300, "tol": 1e-3, "n_iter_no_change": 5, "alpha": 0.1}
    ours, theirs, X = train_both(kind, **params)
    assert ours.n_iter_ == theirs.n_iter_ < 300
    assert_same_walk(ours, theirs, X)


def test_an_adaptive_rate_falls_at_the_same_epochs():
    params = {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.2,
        "max_iter": 400,
        "tol": 1e-3,
        "n_iter_no_change": 3,
    }
    ours, theirs, X = train_both("multiclass", **params)
    assert ours.n_iter_ == theirs.n_iter_ < 400
    assert_same_walk(ours, theirs, X)
    assert len(set(ours.history_["learning_rate"])) > 3


def test_batches_in_order_give_the_same_walk():
    params = {"solver": "adam", "batch_size": 30, "shuffle": False}
    assert_same_walk(*train_both("multiclass", **params))
