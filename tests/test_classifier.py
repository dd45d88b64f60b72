"""The classifier: kinds of target, probabilities, small data, what MLPClassifier's users read."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_softmax
from sklearn.datasets import (
    load_iris,
    make_blobs,
    make_classification,
    make_multilabel_classification,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale

from sknet import NeuralClassifier
from sknet.losses import FocalLoss, LogLoss


def small(**params):
    defaults = {"hidden_layer_sizes": (8,), "max_iter": 20, "tol": 0, "random_state": 0}
    return NeuralClassifier(**{**defaults, **params})


@pytest.fixture(scope="module")
def blobs():
    return make_blobs(90, n_features=3, centers=3, cluster_std=3.0, random_state=0)


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(0)


def test_binary_probabilities_sum_to_one_and_agree_with_predict_and_decision(blobs):
    X, y = blobs
    labels = np.where(y == 0, "no", "yes")
    network = small().fit(X, labels)
    p, scores = network.predict_proba(X), network.decision_function(X)
    assert p.shape == (90, 2)
    assert scores.shape == (90,)
    assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    assert_array_equal(network.classes_[p.argmax(axis=1)], network.predict(X))
    assert_array_equal(np.where(scores > 0, "yes", "no"), network.predict(X))
    assert_allclose(p[:, 1], 1 / (1 + np.exp(-scores)), rtol=1e-12)
    assert network.out_activation_ == "logistic"


@pytest.mark.parametrize("loss", ["log_loss", "focal", LogLoss(0.1), FocalLoss(gamma=1.0)])
def test_multiclass_probabilities_sum_to_one_and_agree_with_predict(blobs, loss):
    X, y = blobs
    network = small(loss=loss).fit(X, y + 5)
    p = network.predict_proba(X)
    assert p.shape == network.decision_function(X).shape == (90, 3)
    assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    assert_array_equal(network.classes_, [5, 6, 7])
    assert_array_equal(network.classes_[p.argmax(axis=1)], network.predict(X))
    assert network.out_activation_ == "softmax"


def test_multilabel_gives_one_probability_a_label():
    X, Y = make_multilabel_classification(80, n_features=6, n_classes=4, random_state=0)
    network = small().fit(X, Y)
    p = network.predict_proba(X)
    assert p.shape == network.decision_function(X).shape == network.predict(X).shape == (80, 4)
    assert_array_equal(p > 0.5, network.predict(X))
    assert_array_equal(network.classes_, np.arange(4))
    assert network.n_outputs_ == 4


def test_multioutput_multiclass_gives_a_list_of_probabilities(blobs):
    X, y = blobs
    Y = np.column_stack([np.array(["a", "b", "c"])[y], np.array(["u", "v"])[y % 2]])
    network = small(max_iter=200, learning_rate_init=0.02).fit(X, Y)
    p, scores, predicted = (
        network.predict_proba(X),
        network.decision_function(X),
        network.predict(X),
    )
    assert [part.shape for part in p] == [part.shape for part in scores] == [(90, 3), (90, 2)]
    for part, classes, column in zip(p, network.classes_, predicted.T, strict=True):
        assert_allclose(part.sum(axis=1), 1, rtol=1e-12)
        assert_array_equal(classes[part.argmax(axis=1)], column)
    assert [c.tolist() for c in network.classes_] == [["a", "b", "c"], ["u", "v"]]
    assert np.mean(predicted == Y) > 0.85


def test_log_probabilities_are_exact_where_probabilities_underflow(blobs):
    X, y = blobs
    network = small().fit(X, y)
    network.coefs_[-1][:] *= 1e4
    scores = network.decision_function(X)
    assert (network.predict_proba(X) == 0).any()
    assert np.isfinite(network.predict_log_proba(X)).all()
    # SciPy rounds the logarithms of probabilities near 1 to 0.
    expected = log_softmax(scores, axis=1)
    assert_allclose(network.predict_log_proba(X), expected, rtol=1e-12, atol=1e-16)


def test_binary_log_probabilities_are_exact_where_probabilities_underflow(blobs):
    X, y = blobs
    network = small().fit(X, y == 1)
    network.coefs_[-1][:] *= 1e5
    s = network.decision_function(X)
    assert np.abs(s).max() > 1000
    expected = np.column_stack([-np.logaddexp(0, s), -np.logaddexp(0, -s)])
    assert_allclose(network.predict_log_proba(X), expected, rtol=1e-12)


def test_log_probabilities_of_labels_and_outputs_have_the_form_of_the_probabilities(blobs):
    X, y = blobs
    several = small().fit(X, np.column_stack([y, y % 2]))
    for log_p, p in zip(several.predict_log_proba(X), several.predict_proba(X), strict=True):
        assert_allclose(np.exp(log_p), p, rtol=1e-12)
    labels = small().fit(X, np.eye(3, dtype=int)[y])
    assert_allclose(np.exp(labels.predict_log_proba(X)), labels.predict_proba(X), rtol=1e-12)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_one_class_is_predicted_with_certainty(solver):
    X = np.random.default_rng(0).normal(size=(10, 2))
    network = small(solver=solver).fit(X, ["only"] * 10)
    assert_array_equal(network.predict(X), ["only"] * 10)
    assert_array_equal(network.predict_proba(X), np.ones((10, 1)))
    assert_array_equal(network.predict_log_proba(X), np.zeros((10, 1)))


def test_a_label_that_never_occurs_is_predicted_absent(blobs):
    X, y = blobs
    Y = np.column_stack([y == 1, np.zeros_like(y), np.ones_like(y)]).astype(int)
    p = small(max_iter=100).fit(X, Y).predict_proba(X)
    assert p[:, 1].max() < 0.5 < p[:, 2].min()


def test_one_row_one_feature_and_a_constant_feature_can_be_fitted(blobs):
    X, y = blobs
    assert small().fit(X[:1], y[:1]).predict(X[:1]) == y[:1]
    assert small().fit(X[:, :1], y).predict_proba(X[:, :1]).shape == (90, 3)
    constant = small(max_iter=300).fit(np.ones((6, 1)), [0, 0, 0, 0, 1, 1])
    assert_allclose(constant.predict_proba(np.ones((1, 1)))[0], [2 / 3, 1 / 3], atol=0.05)
    with_constant = np.column_stack([X, np.full(90, 7.0)])
    assert np.isfinite(small().fit(with_constant, y).predict_proba(with_constant)).all()


def test_training_starts_from_the_base_rates():
    y = np.repeat([0, 1, 2], [10, 20, 60])
    network = small(alpha=0, learning_rate_init=1e-300, max_iter=1).fit(np.zeros((90, 3)), y)
    assert_allclose(network.predict_proba(np.zeros((1, 3)))[0], [1 / 9, 2 / 9, 6 / 9], rtol=1e-9)


def test_a_hundred_thousand_classes_are_taken(rng):
    X = rng.normal(size=(40, 3))
    y = np.tile(rng.integers(100_000, size=10), 4)
    network = small(hidden_layer_sizes=(2,), batch_size=10, solver="sgd")
    network.partial_fit(X, y, classes=np.arange(100_000))
    p = network.predict_proba(X[:3])
    assert p.shape == (3, 100_000)
    assert_allclose(p.sum(axis=1), 1, rtol=1e-9)
    assert network.t_ == 40


@pytest.mark.parametrize("solver", ["adam", "adamw", "nadam", "rmsprop", "sgd", "lion", "lbfgs"])
def test_every_solver_comes_near_logistic_regression_without_hidden_layers(solver):
    X, y = load_iris(return_X_y=True)
    X = scale(X)
    reference = LogisticRegression(C=0.1).fit(X, y)
    network = NeuralClassifier(
        (),
        solver=solver,
        alpha=10.0,
        max_iter=1000,
        tol=1e-6,
        n_iter_no_change=np.inf,
        learning_rate="cosine",
        learning_rate_init=0.3 if solver == "sgd" else 0.03,
        random_state=0,
    )
    p = network.fit(X, y).predict_proba(X)
    tolerance = 0.03 if solver == "adamw" else 5e-3  # its decay comes on top of the penalty
    assert_allclose(p, reference.predict_proba(X), atol=tolerance)


@pytest.mark.parametrize("loss", ["log_loss", "focal"])
def test_every_loss_separates_what_a_line_cannot(loss):
    X, y = make_classification(
        200,
        4,
        n_informative=4,
        n_redundant=0,
        n_clusters_per_class=2,
        class_sep=2.0,
        random_state=0,
    )
    network = NeuralClassifier(
        (32, 32), loss=loss, solver="lbfgs", max_iter=150, tol=1e-3, random_state=0
    ).fit(X, y)
    assert network.score(X, y) > 0.97 > LogisticRegression().fit(X, y).score(X, y)


@pytest.mark.parametrize(
    "params",
    [
        {"normalization": "batch"},
        {"normalization": "layer", "activation": "gelu"},
        {"dropout": 0.1},
        {"clip_norm": 1.0, "averaging": 0.9},
        {"dtype": "float32"},
        {"learning_rate": "one_cycle"},
        {"solver": "lion", "learning_rate_init": 2e-3},
    ],
)
def test_training_options_learn(blobs, params):
    X, y = blobs
    params = {"learning_rate_init": 0.02, **params}
    network = small(max_iter=100, batch_size=30, **params).fit(scale(X), y)
    assert network.score(scale(X), y) > 0.8
    assert network.loss_ < network.loss_curve_[0]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_attributes_of_the_mlp_have_its_shapes_and_types(blobs):
    X, y = blobs
    params = {"hidden_layer_sizes": (7, 4), "max_iter": 5, "random_state": 0}
    ours, theirs = NeuralClassifier(**params).fit(X, y), MLPClassifier(**params).fit(X, y)
    for name in ("n_iter_", "n_layers_", "n_outputs_", "out_activation_", "t_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("coefs_", "intercepts_"):
        shapes = [[a.shape for a in getattr(network, name)] for network in (ours, theirs)]
        assert shapes[0] == shapes[1]
    assert_array_equal(ours.classes_, theirs.classes_)
    assert len(ours.loss_curve_) == 5
    assert ours.loss_ == ours.loss_curve_[-1]
    assert ours.best_loss_ == min(ours.loss_curve_)
    assert ours.validation_scores_ is ours.best_validation_score_ is None


def test_fitted_attributes_are_absent_before_fit():
    network = NeuralClassifier()
    names = (
        "loss_",
        "loss_curve_",
        "best_loss_",
        "validation_scores_",
        "best_validation_score_",
        "coefs_",
        "intercepts_",
        "out_activation_",
        "n_layers_",
        "t_",
        "network_",
        "history_",
        "n_iter_",
        "classes_",
        "n_outputs_",
        "n_features_in_",
        "best_iter_",
    )
    assert [name for name in names if hasattr(network, name)] == []


def test_changing_the_coefficients_changes_the_predictions(blobs):
    X, y = blobs
    network = small().fit(X, y)
    for array in (network.coefs_[-1], network.intercepts_[-1]):
        array[:] = 0
    assert_allclose(network.predict_proba(X), 1 / 3)


def test_predictions_do_not_depend_on_the_chunks(blobs):
    from sklearn import config_context

    X, y = blobs
    X = np.tile(X, (40, 1))
    network = small(hidden_layer_sizes=(300,), max_iter=2).fit(X, np.tile(y, 40))
    whole = network.predict_proba(X)
    with config_context(working_memory=1):
        fresh = small(hidden_layer_sizes=(300,), max_iter=2).fit(X, np.tile(y, 40))
        assert_allclose(fresh.predict_proba(X), whole, rtol=1e-12)
    assert_allclose(network.predict_proba(X[:1]), whole[:1], rtol=1e-12)


def test_verbose_prints_a_line_an_epoch(blobs, capsys):
    X, y = blobs
    network = small(verbose=True, max_iter=3, early_stopping=True).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["Epoch 1", "Epoch 2", "Epoch 3"]
    assert f"loss {network.loss_:#.4g}, validation " in lines[-1]
    small(max_iter=3).fit(X, y)
    assert capsys.readouterr().out == ""


def test_hidden_layer_sizes_may_be_an_int_an_array_or_empty(blobs):
    X, y = blobs
    for sizes, n_layers in [(5, 3), ([5, 4], 4), (np.array([5]), 3), ((), 2)]:
        assert small(hidden_layer_sizes=sizes, max_iter=1).fit(X, y).n_layers_ == n_layers


def test_ints_in_layers_take_the_activation_of_the_estimator(blobs):
    X, y = blobs
    by_layers = small(layers=[8], hidden_layer_sizes=100, activation="tanh").fit(X, y)
    by_sizes = small(hidden_layer_sizes=(8,), activation="tanh").fit(X, y)
    assert_array_equal(by_layers.predict_proba(X), by_sizes.predict_proba(X))


def test_scorers_of_probabilities_are_refused_for_several_outputs():
    X, labels = np.arange(12.0)[:, None], np.arange(12) % 3
    network = NeuralClassifier(
        (2,),
        max_iter=1,
        tol=0,
        early_stopping=True,
        validation_fraction=0.5,
        scoring="neg_log_loss",
    )
    with pytest.raises(ValueError, match="scoring='neg_log_loss' takes one array of prob"):
        network.fit(X, np.column_stack([labels, labels[::-1]]))
    assert not hasattr(network, "network_")


def test_scorers_of_numbers_are_refused_for_strings():
    X = np.arange(12.0)[:, None]
    network = NeuralClassifier(
        (2,), max_iter=1, tol=0, early_stopping=True, validation_fraction=0.5, scoring="r2"
    )
    with pytest.raises(ValueError, match="scoring='r2' compares numbers, and the labels are none"):
        network.fit(X, ["a", "b", "c"] * 4)
    network.fit(X, [0, 1, 2] * 4)  # grades may be compared
