"""Going on with a training: warm_start and partial_fit."""

import pickle
from copy import deepcopy

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor
from sknet.layers import Dense
from sknet.losses import Quantile
from sknet.optimizers import SGD, RMSprop

PARAMS = {
    "hidden_layer_sizes": (8,),
    "tol": 0,
    "n_iter_no_change": np.inf,
    "random_state": 0,
    "batch_size": 16,
}
ESTIMATORS = [NeuralClassifier, NeuralRegressor, AutoencoderTransformer]
WAYS = [
    *[{"solver": name} for name in ("adam", "adamw", "nadam", "rmsprop", "sgd", "lion")],
    {"solver": SGD(momentum=0.95, nesterov=False)},
    {"solver": RMSprop(momentum=0.9)},
    {
        "learning_rate": "adaptive",
        "solver": "sgd",
        "n_iter_no_change": 6,
        "tol": 1e-2,
        "learning_rate_init": 0.01,
    },
    {"learning_rate": "invscaling"},
    {"learning_rate": "exponential"},
    {"learning_rate": "step"},
    {"dropout": 0.3},
    {"normalization": "batch"},
    {"averaging": 0.9},
    {"shuffle": False},
    {"clip_norm": 0.1},
    {"dtype": "float32"},
    {"early_stopping": True},
    {"early_stopping": True, "averaging": 0.9, "dropout": 0.2, "learning_rate_init": 0.05},
]


@pytest.fixture(scope="module")
def data():
    return make_classification(60, 5, flip_y=0.2, random_state=0)


def outputs(estimator, X):
    for name in ("predict_proba", "predict", "transform"):
        if hasattr(estimator, name):
            return getattr(estimator, name)(X)


def assert_same(a, b, X):
    assert_array_equal(outputs(a, X), outputs(b, X))
    for name in ("loss", "learning_rate", "validation_loss"):
        assert a.history_.get(name) == b.history_.get(name)
    assert (a.n_iter_, a.t_, a.best_iter_) == (b.n_iter_, b.t_, b.best_iter_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("pickled", [False, True])
def test_epochs_and_as_many_more_equal_twice_as_many_bit_for_bit(cls, way, pickled, data):
    X, y = data
    n = 25 if "learning_rate" in way else 8  # so that schedules change the rate in both halves
    whole = cls(**{**PARAMS, **way, "max_iter": 2 * n}).fit(X, y)
    parts = cls(**{**PARAMS, **way, "max_iter": n, "warm_start": True}).fit(X, y)
    if pickled:
        parts = pickle.loads(pickle.dumps(parts))
    assert_same(parts.fit(X, y), whole, X)
    assert whole.n_iter_ == 2 * n
    if "tol" in way:
        assert len(set(whole.history_["learning_rate"])) >= 3


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_lbfgs_goes_on_from_where_it_was(cls, data):
    X, y = data
    network = cls(
        hidden_layer_sizes=(8,), solver="lbfgs", max_iter=5, tol=0, warm_start=True, random_state=0
    )
    first = network.fit(X, y).loss_
    assert network.fit(X, y).history_["loss"][5] < first
    assert network.n_iter_ == len(network.loss_curve_) == 10


def test_early_stopping_keeps_the_best_epoch_of_all_calls(data):
    X, y = data
    params = {
        **PARAMS,
        "early_stopping": True,
        "max_iter": 20,
        "solver": SGD(momentum=0, nesterov=False),
    }
    network = NeuralClassifier(**params, warm_start=True).fit(X, y, X_val=X, y_val=y)
    before = network.predict_proba(X)
    network.fit(X, 1 - y, X_val=X, y_val=y)  # each epoch unlearns
    assert network.n_iter_ == 40
    assert network.best_iter_ == np.argmax(network.validation_scores_) + 1 <= 20
    assert_array_equal(network.predict_proba(X), before)


def test_early_stopping_on_other_rows_is_judged_on_those(data):
    X, y = data
    params = {**PARAMS, "early_stopping": True, "learning_rate_init": 0.01, "max_iter": 20}
    network = NeuralClassifier(**params, warm_start=True).fit(X, y, X_val=X, y_val=y)
    network.fit(X, 1 - y, X_val=X, y_val=1 - y)  # the old scores say nothing now
    assert network.best_iter_ == 40
    assert network.history_["validation_loss"][-1] == min(network.history_["validation_loss"][20:])


def test_without_warm_start_a_fit_starts_anew(data):
    X, y = data
    network = NeuralClassifier(**PARAMS, max_iter=5).fit(X, y)
    once = network.predict_proba(X)
    assert_array_equal(network.fit(X, y).predict_proba(X), once)
    assert network.n_iter_ == len(network.loss_curve_) == 5


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("pickled", [False, True])
def test_partial_fit_from_nothing_walks_the_epochs_of_fit(cls, pickled, data):
    X, y = data
    whole = cls(**PARAMS, max_iter=6).fit(X, y)
    parts = cls(**PARAMS)
    for _ in range(6):
        parts.partial_fit(X, y)
        if pickled:
            parts = pickle.loads(pickle.dumps(parts))
    assert_same(parts, whole, X)


@pytest.mark.parametrize("way", [{}, {"solver": "sgd"}, {"dropout": 0.3}, {"averaging": 0.9}])
@pytest.mark.parametrize("pickled", [False, True])
def test_partial_fit_after_fit_goes_on(way, pickled, data):
    X, y = data
    whole = NeuralClassifier(**PARAMS, **way, max_iter=6).fit(X, y)
    parts = NeuralClassifier(**PARAMS, **way, max_iter=4).fit(X, y)
    if pickled:
        parts = pickle.loads(pickle.dumps(parts))
    assert_same(parts.partial_fit(X, y).partial_fit(X, y), whole, X)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_partial_fit_takes_chunks_one_after_the_other(cls, data):
    X, y = data
    whole = cls(**{**PARAMS, "batch_size": 20}, shuffle=False, max_iter=1).fit(X, y)
    parts = cls(**{**PARAMS, "batch_size": 20})
    for start in range(0, 60, 20):
        parts.partial_fit(X[start : start + 20], y[start : start + 20])
    assert parts.t_ == whole.t_ == 60
    assert parts.n_iter_ == 3
    # The steps are the same; they start from the base rates of the first chunk.
    assert np.corrcoef(parts.coefs_[0].ravel(), whole.coefs_[0].ravel())[0, 1] > 0.9999


def test_partial_fit_is_told_the_classes(data):
    X, y = data
    network = NeuralClassifier(**PARAMS)
    network.partial_fit(X[y == 0], y[y == 0], classes=[0, 1, 7])
    assert network.classes_.tolist() == [0, 1, 7]
    assert network.predict_proba(X).shape == (60, 3)
    network.partial_fit(X, y).partial_fit(X, np.full(60, 7), classes=[0, 1, 7])
    with pytest.raises(ValueError, match=r"does not know: \[9\].*classes="):
        network.partial_fit(X, np.full(60, 9))
    assert network.partial_fit(X, y).n_iter_ == 4


def test_partial_fit_without_classes_knows_those_of_the_first_chunk(data):
    X, y = data
    network = NeuralClassifier(**PARAMS).partial_fit(X, y)
    assert network.classes_.tolist() == [0, 1]


def test_partial_fit_of_several_outputs_is_told_a_list_of_classes(data):
    X, y = data
    Y = np.column_stack([y, y + 5])
    network = NeuralClassifier(**PARAMS).partial_fit(X, Y, classes=[[0, 1, 2], [5, 6]])
    assert [part.shape[1] for part in network.predict_proba(X)] == [3, 2]


def test_partial_fit_is_absent_with_lbfgs():
    for cls in ESTIMATORS:
        assert not hasattr(cls(solver="lbfgs"), "partial_fit")
        assert hasattr(cls(), "partial_fit")


def test_partial_fit_with_early_stopping_is_refused(data):
    with pytest.raises(ValueError, match="set early_stopping=False"):
        NeuralClassifier(early_stopping=True).partial_fit(*data)


def test_other_parameters_may_change_between_two_fits(data):
    X, y = data
    network = NeuralClassifier(**PARAMS, max_iter=3, warm_start=True).fit(X, y)
    network.set_params(
        learning_rate_init=1e-5,
        alpha=1.0,
        batch_size=30,
        solver="sgd",
        loss="focal",
        class_weight={0: 2},
    ).fit(X, y)
    assert network.history_["learning_rate"][-1] == 1e-5
    assert network.n_iter_ == 6
    expected = NeuralClassifier(**PARAMS, max_iter=3, warm_start=True).fit(X, y)
    expected.set_params(
        learning_rate_init=1e-5, alpha=1.0, batch_size=30, solver="sgd", loss="focal"
    ).fit(X, y, np.where(y == 0, 2, 1))
    assert_array_equal(network.predict_proba(X), expected.predict_proba(X))


@pytest.mark.parametrize(
    ("cls", "before", "after"),
    [
        (NeuralClassifier, {}, {"hidden_layer_sizes": (9,)}),
        (NeuralClassifier, {}, {"activation": "tanh"}),
        (
            NeuralClassifier,
            {"layers": [Dense(3)], "hidden_layer_sizes": 100},
            {"layers__0__units": 4},
        ),
        (NeuralClassifier, {}, {"dtype": "float32"}),
        (NeuralClassifier, {}, {"input_shape": (5, 1), "layers": None}),
        (NeuralRegressor, {}, {"loss": Quantile([0.1, 0.9])}),
        (AutoencoderTransformer, {}, {"n_components": 3}),
    ],
)
def test_another_network_under_warm_start_is_refused_and_changes_nothing(cls, before, after, data):
    X, y = data
    network = cls(**{**PARAMS, **before}, max_iter=2, warm_start=True).fit(X, y)
    expected = outputs(network, X)
    network.set_params(**after)
    with pytest.raises(ValueError, match=r"cannot resume.*warm_start=False"):
        network.fit(X, y)
    network.set_params(input_shape=None)
    assert_array_equal(outputs(network, X), expected)
    assert network.n_iter_ == 2


def test_other_columns_or_labels_under_warm_start_are_refused(data):
    X, y = data
    network = NeuralClassifier(**PARAMS, max_iter=2, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="features"):
        network.fit(X[:, :2], y)
    with pytest.raises(ValueError, match="does not know"):
        network.fit(X, y + 1)


def test_copies_go_their_own_ways(data):
    X, y = data
    network = NeuralClassifier(**PARAMS, max_iter=2, warm_start=True).fit(X, y)
    before, copy = network.predict_proba(X), deepcopy(network)
    copy.fit(X, y)
    assert_array_equal(network.predict_proba(X), before)
    assert_array_equal(network.fit(X, y).predict_proba(X), copy.predict_proba(X))
    assert not hasattr(clone(network), "network_")


def test_an_epoch_that_was_broken_off_counts_as_one_of_the_history():
    X = np.random.default_rng(0).normal(size=(20_000, 10))
    params = {"batch_size": 8, "max_iter": 2, "tol": 0, "warm_start": True, "random_state": 0}
    network = NeuralClassifier((4,), max_time=1e-9, **params)
    for calls in (1, 2, 3):  # each makes one step of its first epoch
        network.fit(X, X[:, 0] > 0)
        assert network.n_iter_ == network.best_iter_ == len(network.loss_curve_) == calls


def test_sizes_may_be_numbers_of_numpy_later():
    X = np.arange(12.0)[:, None]
    network = NeuralRegressor(layers=[3], warm_start=True, max_iter=1, tol=0, random_state=0)
    first = network.fit(X, X[:, 0]).network_
    assert network.set_params(layers=[Dense(np.int64(3))], activation="relu") is network
    network.set_params(layers__0__activation="relu").fit(X, X[:, 0])
    assert network.network_ is first
