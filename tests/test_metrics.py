"""Tests of metrics as scoring: they score what scikit-learn's scorers of the same name score."""

from functools import partial

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    check_scoring,
    f1_score,
    get_scorer,
    get_scorer_names,
    hinge_loss,
    log_loss,
    make_scorer,
    max_error,
    mean_absolute_error,
    mean_pinball_loss,
    mean_squared_error,
    ndcg_score,
    r2_score,
    roc_auc_score,
    zero_one_loss,
)
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from sknet import NeuralClassifier, NeuralRegressor, TabularRegressor
from sknet.estimators.metrics import as_scorer, is_metric

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = X[:, 0] + 0.3 * RNG.normal(size=60)
LABELS = np.array(list("abc"))[np.digitize(Y, [-0.5, 0.5])]


@pytest.mark.parametrize("name", get_scorer_names())
def test_metrics_of_scikit_learn_are_scored_as_the_scorers_made_of_them(name):
    expected = get_scorer(name)
    assert is_metric(expected._score_func)
    assert not is_metric(expected)
    metric = partial(expected._score_func, **expected._kwargs)
    found = as_scorer(KNeighborsClassifier(), metric)
    assert (found._sign, found._response_method) == (expected._sign, expected._response_method)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (mean_pinball_loss, (-1, "predict")),
        (zero_one_loss, (-1, "predict")),
        (hinge_loss, (-1, "decision_function")),
        (ndcg_score, (1, ("decision_function", "predict_proba"))),
        (lambda y, prediction: 0.0, (1, "predict")),
        (lambda y, prediction, sample_weight=None: 0.0, (1, "predict")),
    ],
)
def test_names_tell_what_a_metric_takes_and_whether_less_is_better(metric, expected):
    scorer = as_scorer(KNeighborsClassifier(), metric)
    assert (scorer._sign, scorer._response_method) == expected


def of_estimator(estimator, X):
    return 0.0


def without_y(model, X, y=None):
    return 0.0


def weighted(model, X, y, sample_weight=None):
    return 0.0


class Scorer:
    def __call__(self, model, X, y):
        return 0.0


@pytest.mark.parametrize(
    "scorer",
    [of_estimator, without_y, weighted, Scorer(), lambda *_: 0.0, make_scorer(r2_score), "r2"],
)
def test_scorers_are_no_metrics(scorer):
    assert not is_metric(scorer)
    expected = check_scoring(KNeighborsRegressor(), scoring=scorer)
    assert type(as_scorer(KNeighborsRegressor(), scorer)) is type(expected)


def scores(estimator, scoring, y, **arguments):
    estimator = estimator(
        (4,), scoring=scoring, early_stopping=True, max_iter=2, tol=0, random_state=0
    )
    return estimator.fit(X, y, **arguments).history_["validation_score"]


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        (accuracy_score, "accuracy"),
        (partial(f1_score, average="macro"), "f1_macro"),
        (balanced_accuracy_score, "balanced_accuracy"),
        (log_loss, "neg_log_loss"),
        (partial(roc_auc_score, multi_class="ovr"), "roc_auc_ovr"),
        (lambda y, prediction: np.mean(y == prediction), "accuracy"),
    ],
)
def test_classifiers_are_scored_by_metrics(metric, name):
    assert scores(NeuralClassifier, metric, LABELS) == scores(NeuralClassifier, name, LABELS)


def rmse(y, prediction):
    return np.sqrt(np.mean((y - prediction) ** 2))


def my_rmse(y, prediction):
    return rmse(y, prediction)


def neg_rmse(y, prediction):
    return -rmse(y, prediction)


@pytest.mark.parametrize("metric", [rmse, my_rmse, neg_rmse])
def test_metrics_that_are_called_as_errors_are_negated(metric):
    found = scores(NeuralRegressor, metric, Y)
    np.testing.assert_allclose(found, scores(NeuralRegressor, "neg_root_mean_squared_error", Y))


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        (r2_score, "r2"),
        (mean_absolute_error, "neg_mean_absolute_error"),
        (max_error, "neg_max_error"),
    ],
)
def test_regressors_are_scored_by_metrics(metric, name):
    assert scores(NeuralRegressor, metric, Y) == scores(NeuralRegressor, name, Y)


def test_metrics_get_the_weights_of_the_validation_rows():
    weight = RNG.uniform(size=60)
    found, expected = (
        scores(NeuralRegressor, scoring, Y, sample_weight=weight)
        for scoring in (mean_squared_error, "neg_mean_squared_error")
    )
    assert found == expected != scores(NeuralRegressor, mean_squared_error, Y)


def test_the_accuracy_of_several_outputs_is_that_of_score():
    several = np.column_stack([LABELS, LABELS[::-1]])
    found = scores(NeuralClassifier, accuracy_score, several)
    assert found == scores(NeuralClassifier, "accuracy", several)


def test_networks_for_tables_are_scored_by_metrics():
    found, expected = (
        TabularRegressor(
            scoring=scoring, hidden_layer_sizes=(4,), n_members=2, max_iter=2, random_state=0
        )
        .fit(X, Y)
        .members_[0]
        .history_["validation_score"]
        for scoring in (mean_absolute_error, "neg_mean_absolute_error")
    )
    assert found == expected


@pytest.mark.parametrize("scoring", [lambda a: 1, lambda: 1, lambda a, b, c, d: 1])
def test_a_function_of_other_arguments_is_refused(scoring):
    with pytest.raises(ValueError, match=r"scoring must be a scorer .*, got <lambda>\("):
        scores(NeuralRegressor, scoring, Y)
