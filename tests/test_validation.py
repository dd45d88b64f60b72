"""Validation sets, early stopping, and the history of a training."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from sklearn import config_context
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.metrics import f1_score, log_loss, make_scorer, mean_squared_error, roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor

PARAMS = {
    "hidden_layer_sizes": (8,),
    "max_iter": 15,
    "tol": 0,
    "random_state": 0,
    "learning_rate_init": 0.05,
}


@pytest.fixture(scope="module")
def data():
    X, y = make_classification(120, 5, n_informative=3, n_classes=3, flip_y=0.3, random_state=0)
    return X[:60], y[:60], X[60:], y[60:]


def overfitting(**params):
    """A network whose validation loss turns up after a few epochs."""
    defaults = {**PARAMS, "hidden_layer_sizes": (64,), "max_iter": 60, "early_stopping": True}
    return NeuralClassifier(**{**defaults, **params})


def test_the_best_weights_are_those_kept(data):
    X, y, X_val, y_val = data
    network = overfitting().fit(X, y, X_val=X_val, y_val=y_val)
    losses = network.history_["validation_loss"]
    assert network.best_iter_ == np.argmin(losses) + 1 < network.n_iter_ == len(losses) < 60
    assert log_loss(y_val, network.predict_proba(X_val)) == pytest.approx(min(losses))
    assert network.best_validation_score_ == max(network.validation_scores_) == -min(losses)
    assert network.best_loss_ is None
    # A training of as many epochs as the best has the same weights.
    short = overfitting(early_stopping=False, max_iter=network.best_iter_).fit(X, y)
    assert_array_equal(short.predict_proba(X), network.predict_proba(X))


def test_training_stops_after_more_than_n_iter_no_change_epochs_without_progress(data):
    X, y, X_val, y_val = data
    network = overfitting(n_iter_no_change=4).fit(X, y, X_val=X_val, y_val=y_val)
    assert network.n_iter_ == network.best_iter_ + 5
    needs_much = overfitting(tol=10.0, n_iter_no_change=3).fit(X, y, X_val=X_val, y_val=y_val)
    assert needs_much.n_iter_ == 5


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_a_schedule_with_an_end_goes_on_to_it_unless_stopped_early(schedule, data):
    X, y, X_val, y_val = data
    network = overfitting(
        learning_rate=schedule, tol=10.0, n_iter_no_change=3, max_iter=20, early_stopping=False
    )
    assert network.fit(X, y).n_iter_ == 20
    network.set_params(early_stopping=True)
    assert network.fit(X, y, X_val=X_val, y_val=y_val).n_iter_ == 5


@pytest.mark.parametrize(
    ("scoring", "expected"),
    [
        ("accuracy", lambda network, X, y: network.score(X, y)),
        ("roc_auc_ovr", lambda n, X, y: roc_auc_score(y, n.predict_proba(X), multi_class="ovr")),
        (
            make_scorer(f1_score, average="macro"),
            lambda network, X, y: f1_score(y, network.predict(X), average="macro"),
        ),
        (
            lambda network, X, y: network.predict_proba(X)[:, 0].mean(),
            lambda network, X, y: network.predict_proba(X)[:, 0].mean(),
        ),
    ],
    ids=["name", "probabilities", "scorer", "callable"],
)
def test_early_stopping_watches_any_scorer(scoring, expected, data):
    X, y, X_val, y_val = data
    network = overfitting(scoring=scoring).fit(X, y, X_val=X_val, y_val=y_val)
    assert network.best_validation_score_ == pytest.approx(expected(network, X_val, y_val))
    assert network.best_iter_ == np.argmax(network.validation_scores_) + 1
    assert len(network.history_["validation_loss"]) == network.n_iter_


def test_regressors_and_labels_can_be_scored_too(data):
    X, y, X_val, y_val = data
    network = NeuralRegressor(**PARAMS, early_stopping=True, scoring="neg_mean_squared_error")
    network.fit(X, y, X_val=X_val, y_val=y_val)
    error = mean_squared_error(y_val, network.predict(X_val))
    assert network.best_validation_score_ == pytest.approx(-error)
    standardized = error / 2 / network.target_scale_[0] ** 2
    assert min(network.history_["validation_loss"]) <= standardized + 1e-9
    labels = overfitting(scoring="f1_macro", max_iter=3)
    labels.fit(X, np.eye(3, dtype=int)[y], X_val=X_val, y_val=np.eye(3, dtype=int)[y_val])
    assert len(labels.validation_scores_) == 3


def test_a_validation_set_without_early_stopping_is_only_watched(data):
    X, y, X_val, y_val = data
    params = {**PARAMS, "max_iter": 200, "tol": 1e-3, "n_iter_no_change": 2}
    plain = NeuralClassifier(**params).fit(X, y)
    watched = NeuralClassifier(**params).fit(X, y, X_val=X_val, y_val=y_val)
    assert watched.loss_curve_ == plain.loss_curve_
    assert_array_equal(watched.predict_proba(X), plain.predict_proba(X))
    assert len(watched.validation_scores_) == watched.n_iter_ == watched.best_iter_
    assert watched.best_loss_ == plain.best_loss_ == min(plain.loss_curve_)
    # scikit-learn's log_loss clips probabilities as small as some are here.
    logits = watched.decision_function(X_val)
    exact = np.mean(logsumexp(logits, axis=1) - logits[np.arange(len(y_val)), y_val])
    assert watched.history_["validation_loss"][-1] == pytest.approx(exact)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_history_has_one_entry_an_epoch(solver, data):
    X, y, _, _ = data
    plain = NeuralClassifier(**PARAMS, solver=solver).fit(X, y)
    assert list(plain.history_) == ["loss", "learning_rate", "seconds"]
    network = NeuralClassifier(**PARAMS, solver=solver, early_stopping=True).fit(X, y)
    keys = {"loss", "validation_loss", "validation_score", "learning_rate", "seconds"}
    assert set(network.history_) == keys
    for values in network.history_.values():
        assert len(values) == network.n_iter_
        assert all(type(value) is float for value in values)


@pytest.mark.filterwarnings("ignore:.*interrupted:UserWarning")
def test_the_columns_of_the_history_stay_in_step_when_validation_comes_and_goes(data):
    X, y, X_val, y_val = data
    network = NeuralClassifier(**{**PARAMS, "max_iter": 2}, warm_start=True).fit(X, y)
    network.fit(X, y, X_val=X_val, y_val=y_val)
    network.partial_fit(X, y)
    assert {len(values) for values in network.history_.values()} == {5}
    known = np.isfinite(network.validation_scores_)
    assert_array_equal(known, [False, False, True, True, False])
    assert network.best_validation_score_ == max(network.validation_scores_[2:4])


def held_out(network, X, y):
    """Return the rows that a fit holds out, found by the scorer that sees them."""
    seen = []

    def scorer(network, X, y):
        seen.append((X, y))
        return 0.0

    network.set_params(early_stopping=True, scoring=scorer, max_iter=1).fit(X, y)
    return seen[0]


@pytest.mark.parametrize("fraction", [0.1, 0.25])
def test_the_hold_out_keeps_the_classes_in_proportion(fraction):
    X = np.arange(200.0).reshape(-1, 1)
    y = np.repeat(["a", "b", "c"], [120, 60, 20])
    network = NeuralClassifier(**PARAMS, validation_fraction=fraction)
    X_held, y_held = held_out(network, X, y)
    counts = [np.sum(y_held == label) for label in "abc"]
    assert_array_equal(counts, np.array([120, 60, 20]) * fraction)
    assert_array_equal(y_held, y[X_held[:, 0].astype(int)])


def test_the_hold_out_of_labels_keeps_their_combinations_in_proportion():
    X = np.arange(200.0).reshape(-1, 1)
    Y = np.repeat([[0, 0, 1], [1, 0, 0], [1, 1, 1]], [100, 60, 40], axis=0)
    _, Y_held = held_out(NeuralClassifier(**PARAMS), X, Y)
    assert_array_equal(Y_held.sum(axis=0), [10, 4, 14])


def test_rare_combinations_of_labels_are_no_obstacle():
    X, Y = make_multilabel_classification(40, n_classes=8, random_state=0)
    assert len(np.unique(Y, axis=0)) > 15
    network = NeuralClassifier(**PARAMS, early_stopping=True).fit(X, Y)
    assert np.isfinite(network.history_["validation_loss"]).all()
    several = NeuralClassifier(**PARAMS, early_stopping=True).fit(
        X, Y * [[1, 2, 3, 4, 5, 6, 7, 8]]
    )
    assert np.isfinite(several.validation_scores_).all()


def test_the_hold_out_is_not_trained_on():
    X = np.random.default_rng(0).normal(size=(50, 2))
    y = X[:, 0].copy()
    X_held, y_held = held_out(NeuralRegressor(**PARAMS), X, y)
    changed = y.copy()
    changed[np.isin(X[:, 0], X_held[:, 0])] += 1000
    params = {**PARAMS, "early_stopping": True, "max_iter": 1}
    a, b = NeuralRegressor(**params).fit(X, y), NeuralRegressor(**params).fit(X, changed)
    assert len(y_held) == 5
    assert_array_equal(a.predict(X), b.predict(X))
    assert b.history_["validation_loss"][0] > 1000 * a.history_["validation_loss"][0]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0] * 10 + [1] * 10 + [2], "class 2 has only 1 row"),
        ([0, 1, 2, 3, 4] * 2, "too few for 5 classes"),
        (["a", "b"], "class 'a' has only 1 row"),
        ([0], "cannot hold out"),
    ],
)
def test_a_hold_out_that_cannot_be_is_refused_with_the_remedies(y, message):
    network = NeuralClassifier(**PARAMS, early_stopping=True)
    with pytest.raises(ValueError, match=f"(?s){message}.*early_stopping=False"):
        network.fit(np.arange(len(y), dtype=float).reshape(-1, 1), y)
    assert not hasattr(network, "network_")


@pytest.mark.parametrize("cls", [NeuralClassifier, NeuralRegressor])
def test_validation_targets_without_rows_and_rows_without_targets_are_refused(cls, data):
    X, y, X_val, y_val = data
    with pytest.raises(ValueError, match="without X_val"):
        cls(**PARAMS).fit(X, y, y_val=y_val)
    with pytest.raises(ValueError, match="y"):
        cls(**PARAMS).fit(X, y, X_val=X_val)
    with pytest.raises(ValueError, match="features"):
        cls(**PARAMS).fit(X, y, X_val=X_val[:, :2], y_val=y_val)


def test_unknown_labels_in_the_validation_set_are_refused_by_name(data):
    X, y, X_val, y_val = data
    with pytest.raises(ValueError, match=r"labels that NeuralClassifier does not know: .*99"):
        NeuralClassifier(**PARAMS).fit(X, y, X_val=X_val, y_val=np.where(y_val == 0, 99, y_val))


@pytest.mark.parametrize(
    ("X_val", "y_val", "told"),
    [
        ([["a", "b"]], [0], True),
        (np.ones((1, 7)), [0], True),
        (np.full((1, 2), np.nan), [0], True),
        (np.ones((1, 2)), ["a"], False),
    ],
)
def test_validation_rows_that_do_not_fit_may_have_missed_the_steps_of_a_pipeline(
    X_val, y_val, told
):
    network = NeuralClassifier((2,), max_iter=1, tol=0)
    with pytest.raises(ValueError, match=r"^In the validation set: ") as caught:
        network.fit(np.eye(2), [0, 1], X_val=X_val, y_val=y_val)
    assert ('transform_input=["X_val"]' in str(caught.value)) == told


def make_pipeline(network):
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    return Pipeline([("scale", scaler), ("net", network)], transform_input=["X_val"])


@pytest.mark.parametrize("cls", [NeuralClassifier, NeuralRegressor])
def test_a_pipeline_scales_the_validation_set_too(cls, data):
    X, y, X_val, y_val = data
    X, X_val = 100 * X + 1000, 100 * X_val + 1000
    weight, weight_val = np.linspace(0, 2, 60), np.linspace(2, 0, 60)
    with config_context(enable_metadata_routing=True):
        network = cls(**PARAMS, early_stopping=True).set_fit_request(
            X_val=True, y_val=True, sample_weight=True, sample_weight_val=True
        )
        pipeline = make_pipeline(network).fit(
            X, y, sample_weight=weight, X_val=X_val, y_val=y_val, sample_weight_val=weight_val
        )
    scaler = StandardScaler().fit(X)
    expected = cls(**PARAMS, early_stopping=True).fit(
        scaler.transform(X),
        y,
        weight,
        X_val=scaler.transform(X_val),
        y_val=y_val,
        sample_weight_val=weight_val,
    )
    assert pipeline["net"].validation_scores_ == expected.validation_scores_
    assert_array_equal(pipeline.predict(X), expected.predict(scaler.transform(X)))


def test_a_pipeline_scales_the_validation_set_of_an_autoencoder(data):
    X, _, X_val, _ = data
    with config_context(enable_metadata_routing=True):
        network = AutoencoderTransformer(**PARAMS).set_fit_request(X_val=True)
        pipeline = make_pipeline(network).fit(X + 100, X_val=X_val + 100)
    assert max(pipeline["net"].history_["validation_loss"]) < 10


def test_a_scaler_in_a_pipeline_is_not_fitted_to_the_validation_set(data):
    X, y, X_val, y_val = data
    with config_context(enable_metadata_routing=True):
        network = NeuralClassifier(**PARAMS).set_fit_request(X_val=True, y_val=True)
        with pytest.warns(UserWarning, match="X_val lies far from X in 5 of 5 columns"):
            pipeline = make_pipeline(network).fit(X, y, X_val=X_val + 50, y_val=y_val)
    assert_allclose(pipeline["scale"].mean_, X.mean(axis=0))


def test_the_average_of_the_weights_is_what_is_validated(data):
    X, y, X_val, y_val = data
    network = overfitting(averaging=0.9).fit(X, y, X_val=X_val, y_val=y_val)
    loss = log_loss(y_val, network.predict_proba(X_val))
    assert loss == pytest.approx(min(network.history_["validation_loss"]))


@pytest.mark.parametrize("score", [None, "0.5", 1j, [0.1, 0.2], np.ones(2), 10**400, {}])
def test_a_scorer_returns_a_number(score):
    X = np.arange(12.0)[:, None]
    network = NeuralRegressor((2,), max_iter=1, early_stopping=True, scoring=lambda *_: score)
    with pytest.raises(ValueError, match=r"scoring must return a number, got .* from <function"):
        network.fit(X, X[:, 0])
    assert not hasattr(network, "network_")


@pytest.mark.parametrize("score", [1, np.float32(0.5), np.array(0.5), np.array([0.5])])
def test_a_score_may_be_a_number_of_numpy(score):
    X = np.arange(12.0)[:, None]
    network = NeuralRegressor(
        (2,), max_iter=1, tol=0, early_stopping=True, scoring=lambda *_: score
    )
    assert network.fit(X, X[:, 0]).validation_scores_ == [float(np.ravel(score)[0])]


def test_a_scorer_that_refuses_does_so_before_a_resumed_training():
    X = np.arange(12.0)[:, None]
    network = NeuralRegressor((2,), max_iter=1, tol=0, warm_start=True).fit(X, X[:, 0])
    before, n_iter = network.predict(X), network.n_iter_
    network.set_params(scoring=lambda *_: None)
    with pytest.raises(ValueError, match="scoring must return a number, got None"):
        network.fit(X, X[:, 0], X_val=X, y_val=X[:, 0])
    assert_array_equal(network.predict(X), before)
    assert network.n_iter_ == n_iter


def test_rows_of_a_memoryview_are_held_out():
    X, options = np.arange(12.0).reshape(6, 2), {"max_iter": 1, "tol": 0, "random_state": 0}
    network = NeuralRegressor((2,), early_stopping=True, validation_fraction=0.5, **options)
    expected = network.fit(X, X[:, 0].copy()).history_["validation_score"]
    network.fit(memoryview(X), memoryview(X[:, 0].copy()))
    assert network.history_["validation_score"] == expected


def test_a_class_is_no_scorer():
    network = NeuralRegressor((2,), max_iter=1, early_stopping=True, scoring=str)
    with pytest.raises(ValueError, match="a name or a scorer, got the class str"):
        network.fit(np.ones((8, 1)), np.ones(8))
