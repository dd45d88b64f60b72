import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from sknet import AutoencoderTransformer, NeuralOutlierDetector
from sknet.layers import GRU, Conv2D

SHORT = {"max_iter": 3, "tol": 0, "random_state": 0}
SHARED = ["decision_function", "fit_predict", "predict", "score_samples"]


def rows(n=60, seed=0):
    """Return rows on a line, and as the last tenth ones that are not."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 1)) * [1, 1, -1] + rng.normal(0, 0.1, size=(n, 3))
    X[-n // 10 :] *= [1, -1, 1]
    return X


def detector(**params):
    return NeuralOutlierDetector(1, (), **{**SHORT, **params})


def test_outliers_are_found_as_the_interface_of_isolation_forest_says():
    X = rows(200)
    model = NeuralOutlierDetector(
        1, (), contamination=0.1, learning_rate_init=0.02, random_state=0
    )
    found = model.fit_predict(X)
    far = np.abs(X[180:]).max(axis=1) > 0.5
    assert_array_equal(found[180:][far], -1)
    assert all(hasattr(IsolationForest, name) and hasattr(model, name) for name in SHARED)
    scores = model.score_samples(X)
    assert_array_equal(model.decision_function(X), scores - model.offset_)
    assert_array_equal(model.predict(X), np.where(scores < model.offset_, -1, 1))
    assert roc_auc_score(np.arange(200) < 180, scores) > 0.9
    expected = -np.sum((X - model.reconstruct(X)) ** 2, axis=1) / 2
    assert_allclose(scores, expected, rtol=1e-9)


@pytest.mark.parametrize("contamination", [0.5, 0.25, 0.1, 1 / 60])
def test_contamination_is_the_share_of_training_rows_below_the_threshold(contamination):
    X = rows()
    model = detector(contamination=contamination).fit(X)
    assert np.mean(model.predict(X) == -1) == pytest.approx(contamination)


def test_auto_is_the_fence_of_tukey():
    X = rows()
    model = detector().fit(X)
    low, high = np.quantile(model.score_samples(X), [0.25, 0.75], method="inverted_cdf")
    assert model.offset_ == pytest.approx(low - 1.5 * (high - low))


@pytest.mark.parametrize("contamination", ["auto", 0.2])
def test_weights_count_as_repeated_rows(contamination):
    X, weight = rows(), np.random.default_rng(1).integers(0, 4, 60)
    params = {"contamination": contamination, "solver": "lbfgs", "max_iter": 20}
    weighted = detector(**params).fit(X, sample_weight=weight)
    repeated = detector(**params).fit(np.repeat(X, weight, axis=0))
    assert weighted.offset_ == pytest.approx(repeated.offset_, rel=1e-6)


def test_equal_scores_are_all_normal():
    X = np.ones((20, 2))
    model = detector(contamination=0.1).fit(X)
    assert_array_equal(model.predict(X), 1)


@pytest.mark.parametrize(
    "params",
    [
        {"noise": 0.1},
        {"variational": True, "beta": 0.1},
        {"handle_missing": "ignore"},
        {"loss": "huber", "dtype": "float32"},
        {"early_stopping": True, "validation_fraction": 0.3},
    ],
    ids=str,
)
def test_the_options_of_the_autoencoder_hold_and_its_scores_are_the_same(params):
    X = rows()
    if "handle_missing" in params:
        X[::7, 1] = np.nan
    params = {**SHORT, "hidden_layer_sizes": (4,), "n_components": 1, **params}
    model = NeuralOutlierDetector(contamination=0.1, **params).fit(X)
    plain = AutoencoderTransformer(**params).fit(X)
    assert_array_equal(model.score_samples(X), plain.score_samples(X))
    assert np.sum(model.predict(X) == -1) == 6
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.decision_function(X), model.decision_function(X))


def test_images_sequences_and_sparse_rows_are_taken():
    rng = np.random.default_rng(0)
    images = rng.random((20, 4, 4, 1))
    model = NeuralOutlierDetector(
        2, encoder=[Conv2D(2, 3)], decoder=[4], contamination=0.25, **SHORT
    )
    assert np.sum(model.fit_predict(images) == -1) == 5
    series = [rng.normal(size=(n, 2)) for n in rng.integers(2, 6, 20)]
    layers = {"encoder": [GRU(3)], "decoder": [GRU(3, return_sequences=True)]}
    model = NeuralOutlierDetector(2, contamination=0.25, **layers, **SHORT)
    assert np.sum(model.fit_predict(series) == -1) == 5
    X = csr_array(np.maximum(rows(), 0))
    assert_array_equal(detector().fit(X).predict(X), detector().fit(X.toarray()).predict(X))


def test_the_threshold_follows_partial_fit_and_resumed_training():
    X = rows()
    pieces = detector(contamination=0.1).partial_fit(X[:30]).partial_fit(X[30:])
    assert np.sum(pieces.predict(X[30:]) == -1) == 3
    halves = detector(max_iter=2, warm_start=True).fit(X).fit(X)
    whole = detector(max_iter=4).fit(X)
    assert halves.offset_ == whole.offset_
    assert_array_equal(halves.score_samples(X), whole.score_samples(X))


def test_a_pipeline_and_a_search_take_it():
    order = np.random.default_rng(0).permutation(60)
    X, y = rows()[order], np.where(order < 54, 1, -1)
    model = make_pipeline(StandardScaler(), detector())
    grid = {"neuraloutlierdetector__contamination": [0.1, 0.3]}
    search = GridSearchCV(model, grid, cv=3, scoring="balanced_accuracy").fit(X, y)
    assert set(search.predict(X)) == {1, -1}
    assert search.best_estimator_.decision_function(X).shape == (60,)


def test_a_fit_that_fails_leaves_the_detector_as_it_was():
    X = rows()
    model = detector().fit(X)
    before = model.decision_function(X)
    with pytest.raises(ValueError, match="contains NaN"):
        model.fit(np.where(X > 1, np.nan, X))
    assert_array_equal(model.decision_function(X), before)


def test_the_threshold_belongs_to_the_weights_that_a_failed_resumption_keeps():
    X, calls = rows(), []

    def scorer(estimator, X, y):
        calls.append(1)
        if len(calls) == 7:
            raise RuntimeError("no more scores")
        return float(len(calls))

    params = {"early_stopping": True, "averaging": 0.5, "scoring": scorer, "warm_start": True}
    model = detector(contamination=0.2, learning_rate_init=0.1, **params).fit(X)
    before = model.offset_
    with pytest.raises(RuntimeError, match="no more"):
        model.fit(X)
    assert model.offset_ != before
    assert np.sum(model.predict(X) == -1) == 12


@pytest.mark.parametrize(
    "params", [{"variational": True}, {"noise": 0.1}, {"contamination": 0.2}], ids=str
)
def test_configured_detectors_pass_the_checks_of_outliers(params):
    model = detector(**params)
    names = set()
    for instance, check in estimator_checks_generator(clone(model)):
        if "outlier" in check.func.__name__:
            names.add(check.func.__name__)
            check(instance)
    assert names >= {"check_outliers_train", "check_outliers_fit_predict"}


def test_scorers_see_no_threshold_of_another_training():
    X = np.random.default_rng(0).normal(size=(60, 3))

    def score(estimator, X, y=None):
        return float(estimator.decision_function(X).mean())

    options = {"scoring": score, "early_stopping": True, "max_iter": 2, "random_state": 0}
    with pytest.raises(ValueError, match="its threshold when the training has ended"):
        NeuralOutlierDetector(**options).fit(X)
    fitted = NeuralOutlierDetector(max_iter=2, tol=0, random_state=0).fit(X)
    before = fitted.offset_
    with pytest.raises(ValueError, match="have score_samples alone"):
        fitted.set_params(**options).fit(10 * X)
    assert fitted.offset_ == before
