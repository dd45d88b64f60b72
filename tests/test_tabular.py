import pickle
import threading

import numpy as np
import pandas as pd
import pytest
import sklearn
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import SelectFromModel
from sklearn.metrics import accuracy_score, d2_pinball_score, log_loss, mean_pinball_loss, r2_score
from sklearn.model_selection import KFold, ParameterSampler, TimeSeriesSplit
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.fixes import parse_version

import sknet
from sknet import NeuralRegressor, TabularClassifier, TabularRegressor
from sknet.layers import PeriodicEmbedding
from sknet.losses import Quantile
from sknet.tabular import base as tabular_base
from sknet.tabular import search_space

FAST = {"hidden_layer_sizes": (8,), "max_iter": 3, "cv": 2, "random_state": 0}


def table(n_samples=60):
    """Return a frame with numbers, holes and two kinds of categories, and a number to predict."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=n_samples),
            "hole": np.where(rng.random(n_samples) < 0.3, np.nan, rng.normal(size=n_samples)),
            "few": pd.Categorical(rng.choice(list("abc"), n_samples)),
            "many": pd.Categorical(rng.choice([f"level {i}" for i in range(15)], n_samples)),
        }
    )
    return frame, 2 * frame["number"].to_numpy() + (frame["few"] == "a").to_numpy()


def targets():
    """Return labels of each kind."""
    _, number = table()
    several = np.digitize(number, [0, 1])
    return {
        "binary": np.where(number > 0, "yes", "no"),
        "multiclass": several,
        "multilabel": np.column_stack([number > 0, number > 1]).astype(int),
        "multioutput": np.column_stack([several, (number > 0) + 5]),
    }


@pytest.mark.parametrize("kind", targets())
def test_each_kind_of_label_is_predicted_by_the_mean_of_the_members(kind):
    X, _ = table()
    y = targets()[kind]
    model = TabularClassifier(**FAST).fit(X, y)
    rows = model._encode(X)
    raw = [m.network_.predict(rows) / model.temperature_ for m in model.members_]
    weights = {"axis": 0, "weights": model.member_weights_}
    p, log_p = model.predict_proba(X), model.predict_log_proba(X)
    if kind == "binary":
        expected = np.average([expit(np.hstack([-r, r])) for r in raw], **weights)
    elif kind == "multiclass":
        expected = np.average(softmax(raw, axis=-1), **weights)
    elif kind == "multilabel":
        expected = np.average(expit(raw), **weights)
    else:
        expected = np.average(softmax(np.array(raw)[:, :, :3], axis=-1), **weights)
        p, log_p = p[0], log_p[0]
    assert_allclose(p, expected, rtol=1e-5)
    assert_allclose(np.exp(log_p), expected, rtol=1e-4)
    predicted = model.predict(X)
    assert predicted.shape == y.shape and set(np.unique(predicted)) <= set(np.unique(y))
    right = (predicted == y).reshape(len(y), -1).all(axis=1)
    assert model.score(X, y) == pytest.approx(right.mean())


def quick_waves():
    """Return numbers and a target that only members with periodic embeddings learn."""
    X = np.random.default_rng(0).uniform(0, 1, (900, 2))
    return X, np.sin(25 * X[:, 0]) + X[:, 1]


@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
def test_members_that_learn_less_have_a_part_in_the_mean_that_is_smaller(kind):
    X, y = quick_waves()
    y = y if kind is TabularRegressor else y > 0.5
    options = {"hidden_layer_sizes": (32, 32), "cv": 4, "max_iter": 30, "random_state": 0}
    model = kind(frequency_scale=(0, 3), **options).fit(X[:450], y[:450])
    weights = model.member_weights_
    assert weights[::2].max() < 0.5 * weights[1::2].min()
    judge = model.predict if kind is TabularRegressor else lambda X: model.predict_proba(X)[:, 1]
    error = np.mean((judge(X[450:]) - y[450:]) ** 2)
    model.member_weights_ = np.full(4, 0.25)
    assert error < 0.7 * np.mean((judge(X[450:]) - y[450:]) ** 2)


def test_no_mean_of_probabilities_is_above_one():
    X, _ = table()
    model = TabularClassifier(**{**FAST, "cv": 10, "max_iter": 1}).fit(X, np.zeros(60))
    assert_array_equal(model.predict_proba(X), 1.0)
    weights = np.random.default_rng(0).dirichlet(np.ones(10), 50)
    for model.member_weights_ in weights:
        assert_array_equal(model.predict_proba(X), 1.0)
        assert_allclose(model.predict_log_proba(X), 0.0, atol=1e-15)
        assert model.predict_log_proba(X).max() <= 0


def test_pickles_from_before_there_were_weights_have_equal_ones():
    X, y = table()
    model = TabularRegressor(**FAST).fit(X, y)
    state = model.__getstate__()
    del state["member_weights_"]
    loaded = TabularRegressor.__new__(TabularRegressor)
    loaded.__setstate__(state)
    assert_array_equal(loaded.member_weights_, [0.5, 0.5])


def test_members_are_not_weighed_on_folds_that_differ_by_more_than_chance():
    X, y = quick_waves()
    options = {**FAST, "frequency_scale": (0, 3), "max_iter": 20}
    assert np.ptp(TabularRegressor(**options).fit(X, y).member_weights_) > 0
    by_groups = TabularRegressor(**options).fit(X, y, groups=np.arange(900) // 10)
    assert_array_equal(by_groups.member_weights_, [0.5, 0.5])
    by_splitter = TabularRegressor(**{**options, "cv": KFold(2)}).fit(X, y)
    assert_array_equal(by_splitter.member_weights_, [0.5, 0.5])


def test_intervals_of_counts_do_not_reach_below_zero():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 1))
    model = TabularRegressor(loss="poisson", **FAST).fit(X, rng.poisson(1.0, 200))
    assert model.predict_interval(X)[:, 0].min() == 0


def test_scikit_learn_takes_out_of_fold_probabilities_without_a_warning():
    X, _ = table()
    for y in (targets()["binary"], targets()["multiclass"]):
        model = TabularClassifier(**FAST).fit(X, y)
        assert log_loss(y, model.oof_prediction_) > 0


def test_losses_of_quantiles_are_those_that_scikit_learn_has():
    X, y = table()
    levels = [0.1, 0.5, 0.9]
    model = TabularRegressor(loss=Quantile(levels), **FAST).fit(X, y)
    predicted = model.predict(X)
    expected = np.mean(
        [
            mean_pinball_loss(y, column, alpha=level)
            for level, column in zip(levels, predicted.T, strict=True)
        ]
    )
    assert model._row_losses(y, predicted).mean() == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_out_of_fold_probabilities_are_those_of_the_members_that_have_not_seen_the_row(kind):
    X, _ = table()
    y = targets()[kind]
    splits = list(KFold(3).split(X))
    model = TabularClassifier(**{**FAST, "cv": splits}).fit(X, y)
    rows = model._encode(X)
    for member, (_, held) in zip(model.members_, splits, strict=True):
        raw = member.network_.predict(rows[held]) / model.temperature_ * (1 - 0.125 * 2 / 3)
        expected = expit(np.hstack([-raw, raw])) if kind == "binary" else softmax(raw, axis=1)
        assert_allclose(model.oof_prediction_[held], expected, rtol=1e-4)
    labels = model.classes_[model.oof_prediction_.argmax(axis=1)]
    assert model.oof_score_ == pytest.approx(accuracy_score(y, labels))


def test_a_regressor_predicts_the_mean_of_its_members_within_the_range_of_y():
    X, y = table()
    y = 1e5 + 1e4 * y
    splits = list(KFold(2).split(X))
    model = TabularRegressor(**{**FAST, "cv": splits, "max_iter": 10}).fit(X, y)
    rows = model._encode(X)
    parts = [np.clip(m.predict(rows), y.min(), y.max()) for m in model.members_]
    assert_allclose(model.predict(X), np.mean(parts, axis=0), rtol=1e-6)
    for part, (_, held) in zip(parts, splits, strict=True):
        assert_allclose(model.oof_prediction_[held], part[held], rtol=1e-6)
    assert model.oof_score_ == pytest.approx(r2_score(y, model.oof_prediction_))
    assert model.score(X, y) == pytest.approx(r2_score(y, model.predict(X)))
    far = X.assign(number=1e9)
    assert y.min() <= model.predict(far).min() and model.predict(far).max() <= y.max()


def test_the_standard_deviation_is_that_of_the_errors_and_of_the_members():
    X, y = table()
    model = TabularRegressor(**FAST).fit(X, y)
    mean, std = model.predict(X, return_std=True)
    parts = [np.clip(m.predict(model._encode(X)), y.min(), y.max()) for m in model.members_]
    errors = y - model.oof_prediction_
    assert_allclose(mean, model.predict(X))
    spread = np.average((parts - mean) ** 2, axis=0, weights=model.member_weights_)
    assert_allclose(std, np.sqrt(np.mean(errors**2) + spread), rtol=1e-5)


def test_the_gaussian_loss_gives_a_deviation_to_each_row():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (300, 1))
    y = rng.normal(size=300) * np.where(X[:, 0] > 0, 3.0, 0.3)
    model = TabularRegressor(loss="gaussian", **{**FAST, "max_iter": 20}).fit(X, y)
    _, std = model.predict([[-0.5], [0.5]], return_std=True)
    assert std[1] > 2 * std[0]


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "poisson", "gamma", "quantile"])
def test_all_losses_of_the_regressor_learn(loss):
    X, _ = table(200)
    y = np.exp(X["number"].to_numpy())
    X = X[["number"]]
    model = TabularRegressor(
        loss=loss, **{**FAST, "max_iter": 30, "hidden_layer_sizes": (32,)}
    ).fit(X, y)
    assert np.corrcoef(np.log(model.predict(X)), np.log(y))[0, 1] > 0.9


def test_several_quantiles_are_a_column_each_and_in_order():
    X, y = table()
    model = TabularRegressor(loss=Quantile([0.1, 0.5, 0.9]), **FAST).fit(X, y)
    predicted = model.predict(X)
    assert predicted.shape == model.oof_prediction_.shape == (60, 3)
    assert np.all(np.diff(predicted, axis=1) >= 0)
    assert np.isfinite(model.oof_score_) and np.isfinite(model.score(X, y))
    with pytest.raises(ValueError, match="several quantiles"):
        model.predict_interval(X)


def test_several_targets_have_intervals_each():
    X, y = table()
    model = TabularRegressor(**FAST).fit(X, np.column_stack([y, 1e4 * y]))
    ends = model.predict_interval(X)
    assert ends.shape == (60, 2, 2)
    width = ends[..., 1] - ends[..., 0]
    assert np.all(width[:, 1] > 100 * width[:, 0])


@pytest.mark.parametrize("coverage", [0.6, 0.9])
def test_intervals_and_sets_cover_new_rows(coverage):
    X, y = make_regression(400, 3, noise=20.0, random_state=0)
    options = {**FAST, "max_iter": 10, "cv": 4}
    model = TabularRegressor(**options).fit(X[:200], y[:200])
    low, high = model.predict_interval(X[200:], coverage).T
    hit = (low <= y[200:]) & (y[200:] <= high)
    assert coverage - 0.05 < hit.mean() < coverage + 0.15
    X, y = make_classification(400, 5, n_informative=3, n_classes=3, random_state=0)
    y = np.array(["a", "b", "c"])[y]
    model = TabularClassifier(**options).fit(X[:200], y[:200])
    sets = model.predict_set(X[200:], coverage)
    hit = sets[np.arange(200), np.searchsorted(model.classes_, y[200:])]
    assert coverage - 0.05 < hit.mean() < coverage + 0.15


def test_a_weight_of_two_is_a_row_twice_and_a_weight_of_zero_no_row():
    X, y = table()
    weight = np.random.default_rng(1).integers(0, 4, len(y))
    repeated = np.random.default_rng(2).permutation(np.repeat(np.arange(len(y)), weight))
    weighted = TabularRegressor(**FAST).fit(X, y, weight)
    other = TabularRegressor(**FAST).fit(X.iloc[repeated], y[repeated])
    assert_array_equal(weighted._encode(X), other._encode(X))
    assert_allclose(weighted.predict(X), other.predict(X), rtol=1e-5)


def test_a_few_rows_that_occur_often_with_both_labels_are_learned():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (400, 2))
    y = (X[:, 0] ^ X[:, 1]) ^ (rng.random(400) < 0.1)
    model = TabularClassifier(cv=4, random_state=0).fit(X, y)
    best = np.mean((X[:, 0] ^ X[:, 1]) == y)
    assert model.score(X, y) == best and abs(model.oof_score_ - best) < 0.05
    # The counts of the four rows give the probabilities.
    shares = [y[(row == X).all(axis=1)].mean() for row in X[:20]]
    assert_allclose(model.predict_proba(X[:20])[:, 1], shares, atol=0.1)


@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
def test_the_bits_do_not_depend_on_the_number_of_threads(kind):
    X, y = table()
    y = y if kind is TabularRegressor else targets()["binary"]
    expected = kind(**FAST).fit(X, y).predict(X)
    with parallel_config("threading", n_jobs=2):
        assert_array_equal(kind(**FAST).fit(X, y).predict(X), expected)


def test_the_bits_are_the_same_in_processes():
    X, y = table()
    expected = TabularRegressor(**FAST).fit(X, y).predict(X)
    assert_array_equal(TabularRegressor(**FAST, n_jobs=2).fit(X, y).predict(X), expected)


def test_the_bits_are_the_same_on_a_cluster_of_dask():
    distributed = pytest.importorskip("distributed")
    X, y = table()
    expected = TabularRegressor(**FAST).fit(X, y).predict(X)
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.Client(processes=False, **options),
        parallel_config("dask"),
    ):
        model = TabularRegressor(**FAST, n_jobs=2).fit(X, y)
    assert_array_equal(model.predict(X), expected)


def test_many_rows_are_predicted_in_threads_with_the_same_bits(monkeypatch):
    X, _ = table()
    model = TabularClassifier(**FAST).fit(X, targets()["multiclass"])
    expected = model.predict_log_proba(X)
    threads = set()
    ask = model.members_[1].network_.predict
    monkeypatch.setattr(tabular_base, "_MANY", 1)
    monkeypatch.setattr(
        model.members_[1].network_,
        "predict",
        lambda X: threads.add(threading.get_ident()) or ask(X),
    )
    model.set_params(n_jobs=2)
    assert_array_equal(model.predict_log_proba(X), expected)
    assert threads.isdisjoint({threading.get_ident()})


def test_a_warm_start_adds_the_members_that_a_larger_ensemble_has():
    X, y = table()
    model = TabularRegressor(**FAST, warm_start=True).fit(X, y)
    first = list(model.members_)
    model.set_params(n_members=5).fit(X, y)
    assert model.members_[:2] == first and len(model.members_) == 5
    whole = TabularRegressor(**FAST, n_members=5).fit(X, y)
    assert_array_equal(model.predict(X), whole.predict(X))
    assert_array_equal(model.oof_prediction_, whole.oof_prediction_)
    with pytest.raises(ValueError, match="X, y or sample_weight changed"):
        model.set_params(n_members=6).fit(X, y + 1)
    assert len(model.members_) == 5
    with pytest.warns(UserWarning, match="has 5 members"):
        model.set_params(n_members=5).fit(X, y)


class InterruptingScorer:
    """A scorer at whose n-th call the user presses Ctrl-C."""

    def __init__(self, n):
        self.n_left = n

    def __call__(self, estimator, X, y):
        self.n_left -= 1
        if self.n_left == 0:
            raise KeyboardInterrupt
        return 0.0


def test_an_interruption_keeps_the_members_that_are_trained():
    X, y = table()
    options = {**FAST, "cv": 4, "scoring": InterruptingScorer(8)}  # in the third member
    model = TabularRegressor(**options)
    with pytest.warns(UserWarning, match="the 2 of 4 members"):
        model.fit(X, y)
    assert len(model.members_) == 2
    assert np.isnan(model.oof_prediction_).mean() == 0.5
    assert np.isfinite(model.predict(X)).all()
    low, high = model.predict_interval(X).T
    assert np.all(low < high)


@pytest.mark.parametrize(("max_iter", "patience"), [(20, 6), (80, 8)])
def test_a_member_stops_after_twice_the_epochs_of_its_best_and_some(max_iter, patience):
    X, y = table()
    scores = iter([0.0, 0.0, 1.0, *[0.0] * (max_iter - 3)])

    def scorer(estimator, X, y):
        return next(scores)

    options = {**FAST, "n_members": 1, "max_iter": max_iter}
    member = TabularRegressor(**options, scoring=scorer).fit(X, y).members_[0]
    assert (member.best_iter_, member.n_iter_) == (3, 2 * 3 + patience + 1)


def test_of_equally_good_epochs_the_last_is_kept():
    X, y = table()
    model = TabularRegressor(**FAST, scoring=lambda *_: 1.0).fit(X, y)
    assert [member.best_iter_ for member in model.members_] == [3, 3]


def test_the_time_is_shared_by_the_members():
    X, y = table()
    options = {**FAST, "cv": 3, "max_iter": 1_000_000}
    model = TabularRegressor(**options, max_time=0.6).fit(X, y)
    epochs = [member.n_iter_ for member in model.members_]
    assert len(epochs) == 3 and min(epochs) > 0.2 * max(epochs)


def test_importances_are_large_where_y_depends_on_the_feature_and_select_features():
    X, y = table(200)
    y = X["number"] + 2 * (X["few"] == "a")
    model = TabularRegressor(**{**FAST, "max_iter": 20}).fit(X, y)
    importances = dict(zip(X.columns, model.feature_importances_, strict=True))
    assert min(importances["number"], importances["few"]) > 0.25
    assert max(importances["hole"], importances["many"]) < 0.1
    assert sum(importances.values()) == pytest.approx(1)
    selected = SelectFromModel(clone(model), threshold=0.2).fit(X, y)
    assert selected.get_support().tolist() == [True, False, True, False]


def test_pickles_hold_no_training_rows():
    X, y = table()
    model = TabularRegressor(**FAST).fit(X, y)
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.predict(X), model.predict(X))
    assert_array_equal(loaded.predict_interval(X), model.predict_interval(X))
    y = np.asarray(y, np.float64)
    assert y.tobytes() not in pickle.dumps(model) and y[:9].tobytes() not in pickle.dumps(model)
    with pytest.raises(AttributeError, match="before it was pickled"):
        _ = loaded.feature_importances_
    importances = model.feature_importances_
    assert_array_equal(pickle.loads(pickle.dumps(model)).feature_importances_, importances)


def test_rows_before_the_first_split_of_time_have_no_prediction():
    X, y = table()
    model = TabularRegressor(**{**FAST, "cv": TimeSeriesSplit(3)}).fit(X, y)
    assert_array_equal(np.isnan(model.oof_prediction_), np.arange(60) < 15)
    assert np.isfinite(model.oof_score_)


@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
def test_what_is_held_out_has_no_group_of_what_is_trained_on(kind):
    X, y = table()
    groups = pd.Series(np.repeat(list("abcdefghijkl"), 5))
    y = y if kind is TabularRegressor else targets()["binary"]
    model = kind(**FAST).fit(X, y, groups=groups)
    sides = [set(groups[held]) for held in model._held_rows]
    assert not sides[0] & sides[1] and sides[0] | sides[1] == set("abcdefghijkl")


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        (["a"] * 59, "one value for each of the 60 rows"),
        (["a", None] * 30, "contains None, the first at position 1"),
        ([np.nan] * 60, "contains NaN"),
        (["a"] * 60, "n_groups=1"),
    ],
)
def test_groups_that_cannot_be_held_out_are_refused(groups, sentence):
    X, y = table()
    with pytest.raises(ValueError, match=sentence):
        TabularRegressor(**FAST).fit(X, y, groups=groups)


def test_class_weights_calibrate_as_the_same_sample_weights_do():
    X, y = make_classification(800, 10, weights=[0.9], flip_y=0.1, random_state=0)
    options = {"n_members": 3, "max_iter": 16, "random_state": 0, "frequency_scale": 0}
    by_class = TabularClassifier(class_weight={0: 1, 1: 5}, **options).fit(X, y)
    by_row = TabularClassifier(**options).fit(X, y, sample_weight=np.where(y == 1, 5.0, 1.0))
    assert_allclose(by_class.temperature_, by_row.temperature_, rtol=0.1)


def test_class_weights_take_no_notice_of_labels_without_weight():
    X, _ = table()
    y, weight = np.c_[np.arange(60) % 2, np.arange(60) // 2 % 2], np.ones(60)
    weight[:3] = 0
    model = TabularClassifier(**FAST, class_weight="balanced").fit(X, y, sample_weight=weight)
    expected = model.predict_proba(X)
    y[:3, 0] = 2
    model.fit(X, y, sample_weight=weight)
    assert_array_equal(model.predict_proba(X), expected)


def test_class_weights_raise_the_probability_of_a_class():
    X, y = table(150)[0], (table(150)[1] > 2).astype(int)
    plain = TabularClassifier(**{**FAST, "max_iter": 10}).fit(X, y)
    balanced = clone(plain).set_params(class_weight="balanced").fit(X, y)
    assert balanced.predict(X).mean() > plain.predict(X).mean()


def test_a_class_of_one_row_is_a_class_of_every_member():
    X, _ = table()
    y = np.array(["a"] * 30 + ["b"] * 29 + ["c"])
    model = TabularClassifier(**FAST).fit(X, y)
    assert model.predict_proba(X).shape == (60, 3)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_search_space_holds_valid_parameters(task):
    X, y = table()
    kind = TabularClassifier if task == "classification" else TabularRegressor
    for parameters in ParameterSampler(search_space(task), 2, random_state=0):
        parameters = {**parameters, "max_iter": 1, "hidden_layer_sizes": (4,)}
        kind(cv=2).set_params(**parameters).fit(X, y > 0)
    with pytest.raises(ValueError, match="task must be"):
        search_space("ranking")


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"cv": 1}, InvalidParameterError, "'cv' parameter"),
        ({"cv": []}, ValueError, "gives no splits"),
        ({"cv": [([0, 1], [])]}, ValueError, "2 rows to train on and 0 to hold out"),
        ({"cv": [([0, 1], [99])]}, ValueError, "positions from 0 to 59"),
        ({"cv": [([0, 1], [1, 2])]}, ValueError, "trains on 1 of the rows that it holds out"),
        ({"cv": [([[0, 1]], [2])]}, ValueError, "positions from 0 to 59"),
        ({"cv": [([[0], [1, 2]], [3])]}, ValueError, "positions from 0 to 59"),
        ({"cv": [(np.ones(4, bool), [5])]}, ValueError, "a mask of 60 booleans"),
        ({"cv": [(["a"], ["b"])]}, ValueError, "positions from 0 to 59"),
        ({"cv": [[0, 1, 2]]}, ValueError, "pairs of rows"),
        ({"cv": KFold}, ValueError, "got the class KFold"),
        ({"n_members": 0}, InvalidParameterError, "'n_members' parameter"),
        ({"hidden_layer_sizes": (8, 0)}, ValueError, "ints of at least 1"),
        ({"scoring": "speed"}, ValueError, "speed"),
        ({"frequency_scale": (0.1, -1.0)}, ValueError, "expects frequency_scale"),
        ({"frequency_scale": "high"}, InvalidParameterError, "'frequency_scale' parameter"),
        ({"frequency_scale": ()}, ValueError, "expects frequency_scale"),
        ({"frequency_scale": ("a", 1.0)}, ValueError, "expects frequency_scale"),
        ({"frequency_scale": (0.1, 1e38)}, ValueError, "TabularRegressor expects frequency_scale"),
        ({"frequency_scale": [[1], [1, 2]]}, ValueError, "a number from 0 to 1e6"),
        ({"frequency_scale": 1e7}, InvalidParameterError, "'frequency_scale' parameter"),
        ({"loss": "log_loss"}, InvalidParameterError, "'loss' parameter"),
    ],
)
def test_wrong_parameters_are_refused_and_leave_the_model_as_it_was(options, error, sentence):
    X, y = table()
    model = TabularRegressor(**FAST).fit(X, y)
    before = model.predict(X)
    with pytest.raises(error, match=sentence):
        model.set_params(**options).fit(X, y)
    assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize(
    "X",
    [np.zeros((60, 0)), np.full((60, 3), np.inf), "abc", [[1, 2], [3]], np.zeros((60, 9))],
)
def test_errors_name_the_estimator_that_was_called(X):
    X_train, y = table()
    model = TabularRegressor(**FAST).fit(X_train.to_numpy(), y)
    for call in (model.predict, lambda X: clone(model).fit(X, np.arange(60.0))):
        with pytest.raises((TypeError, ValueError)) as caught:
            call(X)
        assert "TabularRegressor" in str(caught.value)
        assert "TableEncoder" not in str(caught.value)


def test_what_is_not_there_is_said():
    X, y = table()
    with pytest.raises(ValueError, match="y is None"):
        TabularRegressor(**FAST).fit(X, None)
    model = TabularClassifier(**FAST).fit(X, targets()["multilabel"])
    with pytest.raises(ValueError, match="one label a row"):
        model.predict_set(X)
    with pytest.raises(ValueError, match="each of the 60 rows"):
        TabularRegressor(**FAST).fit(X, y, groups=[1, 2])
    with pytest.raises(ValueError, match="n_groups=1"):
        TabularRegressor(**FAST).fit(X, y, groups=["a"] * 60)
    with pytest.raises(ValueError, match="between 0 and 1"):
        TabularRegressor(**FAST).fit(X, y).predict_interval(X, coverage=90)


def test_endless_intervals_are_warned_of():
    model = TabularRegressor(**FAST).fit(np.arange(40.0)[:, None], np.arange(40.0))
    with pytest.warns(UserWarning, match="too few training rows for coverage=0.99, and ends are"):
        ends = model.predict_interval([[3.0]], coverage=0.99)
    assert np.isinf(ends).all()
    assert np.isfinite(model.predict_interval([[3.0]], coverage=0.9)).all()


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.9"), reason="needs scikit-learn 1.9"
)
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_progress_of_members_and_epochs_is_shown(n_jobs, capsys):
    from sklearn.callback import ProgressBar

    X, y = table()
    with parallel_config("threading"):
        model = TabularRegressor(**FAST, n_jobs=n_jobs).set_callbacks(ProgressBar()).fit(X, y)
    shown = capsys.readouterr().out
    assert "TabularRegressor" in shown and "member" in shown
    assert_array_equal(model.predict(X), TabularRegressor(**FAST).fit(X, y).predict(X))


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        (lambda X, y: {"X": X.iloc[:0], "y": y[:0]}, ValueError, "minimum of 2 is required"),
        (lambda X, y: {"X": X[[]]}, ValueError, "0 feature"),
        (lambda X, y: {"X": X.iloc[:1], "y": y[:1]}, ValueError, "nothing to learn from"),
        (lambda X, y: {"X": X.iloc[:, 0]}, ValueError, "2-dimensional container"),
        (lambda X, y: {"X": np.zeros((60, 2, 2))}, ValueError, "dim 3"),
        (lambda X, y: {"X": csr_matrix((60, 3))}, TypeError, "dense"),
        (lambda X, y: {"y": y[:-1]}, ValueError, "inconsistent numbers of samples"),
        (lambda X, y: {"y": np.where(y > 0, np.nan, y)}, ValueError, "Input y contains NaN"),
        (lambda X, y: {"y": np.where(y > 0, "a", "b")}, ValueError, "numbers in y, got strings"),
        (lambda X, y: {"y": np.zeros((60, 2, 2))}, ValueError, "one axis or two"),
        (lambda X, y: {"sample_weight": np.ones(3)}, ValueError, "sample_weight.shape"),
        (lambda X, y: {"sample_weight": -np.ones(60)}, ValueError, "Negative values"),
        (lambda X, y: {"sample_weight": np.zeros(60)}, ValueError, "at least one"),
        (lambda X, y: {"sample_weight": ["a"] * 60}, ValueError, "numbers in sample_weight"),
    ],
)
def test_rows_that_cannot_be_learned_from_are_refused(change, error, sentence):
    X, y = table()
    model = TabularRegressor(**FAST).fit(X, y)
    before = model.predict(X)
    with pytest.raises(error, match=sentence):
        model.fit(**{"X": X, "y": y, **change(X, y)})
    assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (np.linspace(0, 1, 60), "Use a regressor"),
        ([None] * 60, "contains None"),
        (["a", 1] * 30, "y"),
        (np.zeros((60, 0)), "y"),
    ],
)
def test_labels_that_are_none_are_refused(y, sentence):
    with pytest.raises(ValueError, match=sentence):
        TabularClassifier(**FAST).fit(table()[0], y)


def test_cells_under_a_mask_are_missing():
    rng = np.random.default_rng(0)
    cells = np.ma.array(rng.normal(size=(60, 2)), mask=rng.random((60, 2)) < 0.2)
    expected = TabularRegressor(**FAST).fit(cells.filled(np.nan), np.arange(60))
    model = TabularRegressor(**FAST).fit(cells, np.arange(60))
    assert_array_equal(model.predict(cells), expected.predict(cells.filled(np.nan)))
    assert_array_equal(model.predict(list(cells)), expected.predict(cells.filled(np.nan)))


@pytest.mark.parametrize("weight", [["a"] * 60, -np.ones(60), np.zeros(60), np.ones(3)])
@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
def test_the_score_refuses_the_weights_that_fit_refuses(kind, weight):
    X, y = table()
    y = y if kind is TabularRegressor else targets()["binary"]
    model = kind(**FAST).fit(X, y)
    with pytest.raises(ValueError) as of_fit:
        clone(model).fit(X, y, sample_weight=weight)
    with pytest.raises(ValueError) as of_score:
        model.score(X, y, sample_weight=weight)
    assert str(of_score.value) == str(of_fit.value)


def scales_of_members(model):
    """Return the scale of each member's periodic embedding, 0 where it has none."""
    found = []
    for member in model.members_:
        waves = [p for p in member.network_.layer.walk() if isinstance(p, PeriodicEmbedding)]
        found.append(waves[0].frequency_scale if waves else 0)
    return found


@pytest.mark.parametrize(
    ("kind", "width", "expected"),
    [
        (TabularClassifier, 24, [0.3, 1, 3] * 3 + [0.3]),
        (TabularClassifier, 25, [0, 0.1, 0, 0.3, 0, 1, 0, 3, 0, 0.1]),
        (TabularClassifier, 100, [0, 0.1, 0, 0.3, 0, 1, 0, 3, 0, 0.1]),
        (TabularClassifier, 101, [0] * 10),
        (TabularRegressor, 100, [0.1, 0.3, 1, 3, 10] * 2),
        (TabularRegressor, 101, [0, 0.1, 0, 0.3, 0, 1, 0, 3, 0, 0.1]),
    ],
)
def test_members_take_turns_with_periodic_embeddings(kind, width, expected):
    X, y = make_classification(60, width, random_state=0)
    model = kind(**{**FAST, "cv": 10, "max_iter": 1}).fit(X, y)
    assert scales_of_members(model) == expected


def test_scales_that_are_given_hold_for_tables_of_any_width():
    X, y = make_classification(60, 101, random_state=0)
    model = TabularClassifier(**FAST, frequency_scale=(0.2, 0)).fit(X, y)
    assert scales_of_members(model) == [0.2, 0]


def test_an_interruption_of_the_first_member_leaves_the_model_as_it_was():
    X, y = table()
    model = TabularRegressor(**FAST).fit(X, y)
    before = model.predict(X)
    with pytest.raises(KeyboardInterrupt):
        model.set_params(scoring=InterruptingScorer(2)).fit(X, y)
    assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize("change", [{"class_weight": "balanced"}, {"loss": "focal"}, {"cv": 3}])
def test_a_warm_start_refuses_members_that_learn_something_else(change):
    X, _ = table()
    y = targets()["binary"]
    model = TabularClassifier(**FAST, n_members=2, warm_start=True).fit(X, y)
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match="warm_start=False"):
        model.set_params(**change, n_members=4).fit(X, y)
    assert_array_equal(model.predict_proba(X), before)


def test_a_target_near_the_limit_of_floats_is_learned():
    X, y = table()
    options = {**FAST, "max_iter": 30}
    model = TabularRegressor(**options).fit(X, y)
    large = TabularRegressor(**options).fit(X, y * 1e39)
    assert large.predict(X).dtype == np.float64
    assert large.score(X, y * 1e39) == pytest.approx(model.score(X, y), abs=0.1)


def test_an_epoch_whose_score_is_nan_warns():
    X, y = table()

    def scorer(estimator, X, y):
        return np.nan

    with pytest.warns(UserWarning, match="gave NaN for the validation set"):
        TabularRegressor(**FAST, scoring=scorer).fit(X, y)


def test_intervals_of_a_low_coverage_are_not_empty():
    X, y = table()
    low, high = TabularRegressor(**FAST).fit(X, y).predict_interval(X, coverage=0.02).T
    assert (low <= high).all()


def test_a_linear_target_is_learned_from_few_rows():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(300, 10))
    y = X @ rng.normal(size=10) + rng.normal(scale=0.3, size=300)
    model = TabularRegressor(random_state=0).fit(X[:150], y[:150])
    assert model.score(X[150:], y[150:]) > 0.965


@pytest.mark.parametrize(("n_categories", "n_seen"), [(0, 8), (8, 48), (9, 8)])
def test_the_output_layer_of_a_regressor_sees_features_but_no_crowd_of_indicators(
    n_categories, n_seen
):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"])  # four waves each
    for j in range(n_categories):
        X[f"category {j}"] = pd.Categorical(rng.choice(list("vwxyz"), 60))
    y = X["a"] > 0
    regressor, classifier = TabularRegressor(**FAST).fit(X, y * 1.0), TabularClassifier(**FAST)
    assert regressor.encoder_.n_indicators_ == 5 * n_categories
    assert regressor.members_[0].get_weights()["output.kernel"].shape == (8 + n_seen, 1)
    assert classifier.fit(X, y).members_[0].get_weights()["output.kernel"].shape == (8, 1)


@pytest.mark.parametrize("unit", [2.0**-600, 2.0**600])
def test_squares_of_a_target_neither_vanish_nor_overflow(unit):
    X, y = table()
    model = TabularRegressor(**FAST).fit(X, y * unit)
    errors = y - model.oof_prediction_ / unit
    assert model.oof_score_ == pytest.approx(r2_score(y, model.oof_prediction_ / unit))
    predicted, std = model.predict(X, return_std=True)
    assert model.score(X, y * unit) == pytest.approx(r2_score(y, predicted / unit))
    members = np.array([m.predict(model._encode(X)) / unit for m in model.members_])
    between = (np.clip(members, y.min(), y.max()) - predicted / unit) ** 2
    variance = np.mean(errors**2) + model.member_weights_ @ between
    assert_allclose(std / unit, np.sqrt(variance), rtol=1e-5)
    assert model.feature_importances_.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("seed", [0, 1])
def test_rules_of_a_few_categories_are_learned(seed):
    rng = np.random.default_rng(seed)
    bits, kind = rng.integers(0, 2, (400, 3)), rng.integers(0, 12, 400)
    options = {"random_state": seed}
    X = pd.DataFrame(bits.astype(bool), columns=list("abc"))
    for y in (bits[:, 0] ^ bits[:, 1], bits.sum(axis=1) % 2):
        model = TabularClassifier(**options).fit(X[:300], y[:300])
        assert model.score(X[300:], y[300:]) == 1.0
        assert model.oof_score_ > 0.9
    X = pd.DataFrame({"product": [f"p{k}" for k in kind]})
    price = rng.uniform(1, 100, 12)[kind]
    model = TabularRegressor(**options).fit(X[:300], price[:300])
    assert model.score(X[300:], price[300:]) > 0.99


def test_intervals_hold_the_weighted_share_of_the_targets():
    rng = np.random.default_rng(0)
    x, new = rng.uniform(-1, 1, 400), rng.uniform(-1, 1, 4000)
    spread, of_new = (np.where(values > 0, 2.0, 0.05) for values in (x, new))
    y, of_y = x + spread * rng.normal(size=400), new + of_new * rng.normal(size=4000)
    weight, of_weight = np.where(x > 0, 9, 1), np.where(new > 0, 9, 1)
    model = TabularRegressor(cv=4, max_iter=10, random_state=0)
    model.fit(x[:, None], y, sample_weight=weight)
    low, high = model.predict_interval(new[:, None], 0.8).T
    assert np.average((low <= of_y) & (of_y <= high), weights=of_weight) == pytest.approx(
        0.8, abs=0.05
    )


def test_distributions_and_directions_are_not_kept_in_the_range_of_y():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    counts = rng.integers(5, 50, (100, 3)) + 30.0 * (X[:, :1] > 0) * [1, 0, 0]
    p = TabularRegressor(loss="kl_divergence", **FAST).fit(X, counts).predict(X)
    assert_allclose(p.sum(axis=1), 1.0, rtol=1e-6)
    directions = 1000.0 * np.column_stack([np.cos(X[:, 0]), np.sin(X[:, 0])]) + 5000
    model = TabularRegressor(loss="cosine_similarity", **FAST).fit(X, directions)
    assert np.ptp(model.predict(X)[:, 0]) > 0


def test_a_list_of_one_level_is_judged_as_that_level():
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = X[:, 0]
    for kind, options in ((TabularRegressor, FAST), (NeuralRegressor, {"max_iter": 5, "tol": 0})):
        model = kind(loss=Quantile([0.3]), **options).fit(X, y)
        expected = d2_pinball_score(y, model.predict(X), alpha=0.3)
        assert model.score(X, y) == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["labels", "outputs"])
def test_members_vote_where_the_loss_has_no_probabilities(kind):
    X, y = make_classification(80, 4, random_state=0)
    y = y if kind == "labels" else np.column_stack([y + 2, X[:, 0] > 0])
    model = TabularClassifier(loss="hinge", **FAST).fit(X, y)
    p, log_p = model.predict_proba(X), model.predict_log_proba(X)
    for part, log_part in [(p, log_p)] if kind == "labels" else zip(p, log_p, strict=True):
        assert_allclose(part.sum(axis=1), 1.0)
        assert len(np.unique(part)) <= 4  # sums of two weights
        assert_allclose(np.exp(log_part), part)


@pytest.mark.parametrize(
    "kind, scoring, reason",
    [
        ("Regressor", "roc_auc", "Regressor has none of the following"),
        ("Regressor", "accuracy", "continuous is not supported"),
        ("Classifier", "roc_auc", "multi_class must be in"),
        ("Classifier", "f1", "Target is multiclass"),
    ],
)
def test_a_scorer_that_does_not_fit_the_target_is_told_of(kind, scoring, reason):
    X = np.random.default_rng(0).normal(size=(90, 3))
    y = X[:, 0] if kind == "Regressor" else np.digitize(X[:, 0], [-0.5, 0.5])
    plain = {"max_iter": 2, "early_stopping": True}
    for name, options in (("Tabular", FAST), ("Neural", plain)):
        model = getattr(sknet, name + kind)(scoring=scoring, **options)
        expected = f"^{name}{kind} cannot be judged by scoring='{scoring}' on this target: .*"
        with pytest.raises(ValueError, match=expected + reason):
            model.fit(X, y)


def test_warnings_of_members_name_the_estimator():
    X, y = table()
    with pytest.warns(ConvergenceWarning, match=r"^TabularRegressor diverged.*_init\.$") as found:
        TabularRegressor(**FAST, learning_rate_init=1e30).fit(X, y)
    assert all(warning.filename == __file__ for warning in found)
