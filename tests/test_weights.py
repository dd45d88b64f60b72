"""Sample weights and class weights."""

from datetime import date

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_blobs
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error
from sklearn.utils.class_weight import compute_sample_weight

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor
from sknet.losses import Quantile

PARAMS = {
    "hidden_layer_sizes": (8,),
    "max_iter": 15,
    "tol": 0,
    "random_state": 0,
    "learning_rate_init": 0.01,
}
LOSSES = [
    (NeuralClassifier, "log_loss"),
    (NeuralClassifier, "focal"),
    (NeuralRegressor, "squared_error"),
    (NeuralRegressor, "absolute_error"),
    (NeuralRegressor, "huber"),
    (NeuralRegressor, "poisson"),
    (NeuralRegressor, "gamma"),
    (NeuralRegressor, Quantile([0.2, 0.7])),
    (NeuralRegressor, "gaussian"),
    (AutoencoderTransformer, "squared_error"),
]


@pytest.fixture(scope="module")
def data():
    X, y = make_blobs(60, n_features=3, centers=3, cluster_std=4.0, random_state=0)
    return X / 5, y


@pytest.fixture(scope="module")
def integers():
    return np.random.default_rng(0).integers(0, 4, size=60)


def outputs(estimator, X):
    for name in ("predict_proba", "predict", "transform"):
        if hasattr(estimator, name):
            return getattr(estimator, name)(X)


def same_training(a, b, X, rtol=1e-7):
    assert_allclose(outputs(a, X), outputs(b, X), rtol=rtol, atol=1e-9)
    assert_allclose(a.loss_curve_, b.loss_curve_, rtol=rtol)


@pytest.mark.parametrize(("cls", "loss"), LOSSES)
@pytest.mark.parametrize("params", [{}, {"solver": "lbfgs"}, {"solver": "sgd", "alpha": 0.5}])
def test_integer_weights_equal_repeated_rows(cls, loss, params, data, integers):
    X, y = data
    y = y + 1
    repeated = np.repeat(np.arange(60), integers)
    weighted = cls(**PARAMS, loss=loss, **params).fit(X, y, integers)
    expected = cls(**PARAMS, loss=loss, **params).fit(X[repeated], y[repeated])
    same_training(weighted, expected, X, rtol=1e-5 if params == {"solver": "lbfgs"} else 1e-7)


@pytest.mark.parametrize(("cls", "loss"), LOSSES)
@pytest.mark.parametrize(
    "params",
    [
        {"batch_size": 7},
        {"dropout": 0.3, "batch_size": 7},
        {"normalization": "batch"},
        {"solver": "lbfgs"},
        {"early_stopping": True, "validation_fraction": 0.3},
    ],
)
def test_rows_of_weight_zero_equal_removed_rows_bit_for_bit(cls, loss, params, data, integers):
    X, y = data
    y, weight = y + 1, integers * 0.37
    if params.get("solver") == "lbfgs":
        params = {"solver": "lbfgs"}
    kept = weight > 0
    with_zeros = cls(**PARAMS, loss=loss, **params).fit(X, y, weight)
    without = cls(**PARAMS, loss=loss, **params).fit(X[kept], y[kept], weight[kept])
    assert_array_equal(outputs(with_zeros, X), outputs(without, X))
    assert with_zeros.loss_curve_ == without.loss_curve_
    assert with_zeros.validation_scores_ == without.validation_scores_


def test_classes_and_targets_of_rows_of_weight_zero_do_not_count(data):
    X, y = data
    network = NeuralClassifier(**PARAMS).fit(X, y, np.where(y == 2, 0.0, 1.0))
    assert network.classes_.tolist() == [0, 1]
    y_bad = np.where(y == 2, -1.0, 1.0)  # out of the range of the loss
    NeuralRegressor(**PARAMS, loss="gamma").fit(X, y_bad, np.where(y == 2, 0.0, 1.0))


@pytest.mark.parametrize("batch_size", ["auto", 7])
def test_only_the_ratios_of_the_weights_count(batch_size, data, integers):
    X, y = data
    params = {**PARAMS, "alpha": 0, "batch_size": batch_size}
    a = NeuralClassifier(**params).fit(X, y, integers)
    b = NeuralClassifier(**params).fit(X, y, 1e6 * integers)
    same_training(a, b, X)
    equal = NeuralClassifier(**params).fit(X, y, np.full(60, 3.0))
    same_training(equal, NeuralClassifier(**params).fit(X, y), X)


def test_the_reported_loss_is_the_weighted_mean(data, integers):
    X, y = data
    params = {**PARAMS, "alpha": 0, "learning_rate_init": 1e-300, "max_iter": 1}
    classifier = NeuralClassifier(**params, batch_size=7).fit(X, y, integers)
    expected = log_loss(y, classifier.predict_proba(X), sample_weight=integers)
    assert classifier.loss_ == pytest.approx(expected)
    regressor = NeuralRegressor(**params, batch_size=7, standardize_target=False)
    regressor.fit(X, y, integers)
    expected = mean_squared_error(y, regressor.predict(X), sample_weight=integers) / 2
    assert regressor.loss_ == pytest.approx(expected)


@pytest.mark.parametrize("given", [True, False])
def test_weights_count_in_the_validation_loss_and_score(given, data, integers):
    X, y = data
    network = NeuralClassifier(**PARAMS, early_stopping=True, scoring="accuracy")
    if given:
        network.fit(X, y, X_val=X[::2], y_val=y[::2], sample_weight_val=integers[::2])
        best = network.best_iter_ - 1
        p, weight = network.predict_proba(X[::2]), integers[::2]
        loss = log_loss(y[::2], p, sample_weight=weight)
        score = accuracy_score(y[::2], network.predict(X[::2]), sample_weight=weight)
        assert network.history_["validation_loss"][best] == pytest.approx(loss)
        assert network.best_validation_score_ == pytest.approx(score)
    else:
        # Only one row of the hold-out has weight to speak of: accuracy is almost 0 or 1.
        network.set_params(validation_fraction=0.2)
        network.fit(X, y, 10.0 ** -np.arange(0, 240, 4))
        assert all(min(s, 1 - s) < 1e-3 for s in network.validation_scores_)


@pytest.mark.parametrize("class_weight", [{0: 1, 1: 2, 2: 5}, {1: 3}, "balanced"])
@pytest.mark.parametrize("with_weight", [False, True])
def test_class_weights_multiply_the_sample_weights(class_weight, with_weight, data, integers):
    X, y = data
    weight = integers + 0.5 if with_weight else np.ones(60)
    if class_weight == "balanced":
        counts = np.bincount(y, weight)
        explicit = (weight.sum() / (3 * counts))[y]
    else:
        explicit = compute_sample_weight(class_weight, y)
    network = NeuralClassifier(**PARAMS, class_weight=class_weight)
    network.fit(X, y, weight if with_weight else None)
    same_training(network, NeuralClassifier(**PARAMS).fit(X, y, explicit * weight), X)


DATES = np.array(["2020", "2021", "2022"], "M8[Y]")


@pytest.mark.parametrize(
    ("labels", "class_weight"),
    [
        (["a", "b", "c"], {"a": 4}),
        (["0", "1", "2"], {"0": 4}),
        (np.array(["5", "10", "20"], dtype=object), {"5": 4}),
        ([5, 6, 7], {np.int8(5): np.float32(4)}),
        ([5.0, 6.0, 7.0], {5: 4, 9: 1, 6: 1, 7: 1}),
        (DATES, {DATES[0]: 4}),
        (DATES, {np.datetime64("2020-01-01"): 4}),
        (DATES, {date(2020, 1, 1): 4}),
        (DATES - DATES[0], {np.timedelta64(0, "Y"): 4}),
    ],
)
def test_class_weights_are_those_of_the_rows_whatever_the_type_of_the_labels(
    labels, class_weight, data
):
    X, y = data
    labels = np.asarray(labels)[y]
    network = NeuralClassifier(**PARAMS, class_weight=class_weight).fit(X, labels)
    explicit = NeuralClassifier(**PARAMS).fit(X, labels, np.where(y == 0, 4.0, 1.0))
    assert_array_equal(network.predict_proba(X), explicit.predict_proba(X))


def test_a_class_weight_of_zero_removes_the_rows_but_not_the_class(data):
    X, y = data
    network = NeuralClassifier(**PARAMS, class_weight={2: 0}).fit(X, y)
    assert network.classes_.tolist() == [0, 1, 2]
    assert network.predict_proba(X)[:, 2].max() < 0.05


def test_class_weights_count_in_the_validation_loss(data):
    X, y = data
    network = NeuralClassifier(**PARAMS, class_weight={0: 10}, early_stopping=True)
    network.fit(X, y, X_val=X, y_val=y)
    weight = np.where(y == 0, 10.0, 1.0)
    expected = log_loss(y, network.predict_proba(X), sample_weight=weight)
    assert min(network.history_["validation_loss"]) == pytest.approx(expected)


def test_balanced_weights_of_a_rare_class_move_the_predictions(data):
    X, y = data
    rare = np.flatnonzero((y != 0) | (np.arange(60) % 5 == 0))
    plain = NeuralClassifier(**PARAMS).fit(X[rare], y[rare])
    balanced = NeuralClassifier(**PARAMS, class_weight="balanced").fit(X[rare], y[rare])
    assert balanced.predict_proba(X)[:, 0].mean() > 1.5 * plain.predict_proba(X)[:, 0].mean()


def test_several_outputs_take_a_list_of_class_weights(data):
    X, y = data
    Y = np.column_stack([y, y % 2])
    network = NeuralClassifier(**PARAMS, class_weight=[{0: 3}, {1: 2}]).fit(X, Y)
    explicit = np.where(y == 0, 3.0, 1.0) * np.where(y % 2 == 1, 2.0, 1.0)
    for p, q in zip(
        network.predict_proba(X),
        NeuralClassifier(**PARAMS).fit(X, Y, explicit).predict_proba(X),
        strict=True,
    ):
        assert_allclose(p, q, rtol=1e-7)
    NeuralClassifier(**PARAMS, class_weight="balanced").fit(X, Y)
    labels = NeuralClassifier(**PARAMS, class_weight="balanced").fit(X, np.eye(3, dtype=int)[y])
    assert labels.predict_proba(X).shape == (60, 3)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ([], r"must be 'balanced' or a dict, got \[\]"),
        ([0], r"must be 'balanced' or a dict, got \[0\]"),
        (["balanced"], r"must be 'balanced' or a dict, got \['balanced'\]"),
        ({0: "3"}, "must hold finite numbers of at least 0, got {0: '3'}"),
        ({0: np.nan}, "must hold finite numbers"),
        ({0: 10**400}, "must hold finite numbers"),
        ({0: [1]}, "must hold finite numbers"),
        ({"0": 1, "1": 2}, r"labels that do not occur in y, \['0', '1'\], and not all that do"),
        ({DATES[0]: 2}, r"labels that do not occur in y, \['2020'\]"),
        ({0: 1, "a": 2}, "class_weight has labels of several types, int, str"),
        ({None: 1}, "Input class_weight contains None"),
        ({(0, 1): 1}, "class_weight must map labels to numbers"),
    ],
)
def test_wrong_class_weights_are_refused(class_weight, message):
    network = NeuralClassifier(**PARAMS, class_weight=class_weight)
    with pytest.raises(ValueError, match=message):
        network.fit(np.zeros((6, 1)), [0, 1, 2] * 2)
    assert not hasattr(network, "classes_")


def test_an_empty_dict_weighs_no_class(data):
    X, y = data
    network = NeuralClassifier(**PARAMS, class_weight={}).fit(X, y)
    same_training(network, NeuralClassifier(**PARAMS).fit(X, y), X)


def test_class_weights_of_partial_fit_are_those_of_the_parameter(data):
    X, y = data
    params = {**PARAMS, "max_iter": 3, "shuffle": False}
    explicit = np.where(y == 0, 4.0, 1.0)
    a, b = NeuralClassifier(**params, class_weight={0: 4}), NeuralClassifier(**params)
    for _ in range(3):
        a.partial_fit(X, y)
        b.partial_fit(X, y, sample_weight=explicit)
    same_training(a, b, X)
    with pytest.raises(ValueError, match="class_weight='balanced' needs all rows"):
        NeuralClassifier(class_weight="balanced").partial_fit(X, y)


@pytest.mark.parametrize("cls", [NeuralClassifier, NeuralRegressor, AutoencoderTransformer])
def test_wrong_weights_are_refused(cls, data):
    X, y = data
    for weight, message in [
        (np.zeros(60), "zero"),
        (-np.ones(60), "[Nn]egative"),
        (np.ones(59), "sample_weight.shape"),
        (np.full(60, np.nan), "NaN"),
    ]:
        with pytest.raises(ValueError, match=message):
            cls(**PARAMS).fit(X, y, weight)


def test_a_batch_of_light_rows_gets_a_small_step(data):
    X, y = data
    weight = np.where(np.arange(60) < 30, 1e-9, 1.0)
    network = NeuralRegressor(
        (), solver="sgd", batch_size=30, shuffle=False, max_iter=1, tol=0, random_state=0, alpha=0
    ).fit(X, y, weight)
    heavy = NeuralRegressor(
        (),
        solver="sgd",
        batch_size=30,
        shuffle=False,
        max_iter=1,
        tol=0,
        random_state=0,
        alpha=0,
        learning_rate_init=2e-3,
    )
    heavy.fit(X[30:], y[30:])
    assert_allclose(network.coefs_[0], heavy.coefs_[0], rtol=1e-5)


@pytest.mark.parametrize("weight", [1e308, 5e-324, 1e-300])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_weights_near_the_limits_of_floats_count_by_their_ratios(weight, class_weight, data):
    X, y = data
    params = PARAMS | {"alpha": 0, "max_iter": 2, "class_weight": class_weight}
    plain = NeuralClassifier(**params).fit(X, y, X_val=X, y_val=y)
    weights = np.full(len(X), weight)
    weighted = NeuralClassifier(**params).fit(
        X, y, weights, X_val=X, y_val=y, sample_weight_val=weights
    )
    assert_allclose(weighted.predict_proba(X), plain.predict_proba(X))
    assert_allclose(weighted.history_["validation_loss"], plain.history_["validation_loss"])


def test_weights_near_the_limits_keep_their_ratios_over_several_calls(data):
    X, _ = data
    chunks = [np.full(60, 1e308), np.full(60, 2e307)]
    params = PARAMS | {"alpha": 0}
    large, small = NeuralRegressor(**params), NeuralRegressor(**params)
    for weights in chunks:
        large.partial_fit(X, X[:, 0], weights)
        small.partial_fit(X, X[:, 0], weights / 1e300)
    assert_allclose(large.predict(X), small.predict(X))


@pytest.mark.parametrize("cls", [NeuralRegressor, AutoencoderTransformer])
def test_scores_take_weights_near_the_limits(cls, data):
    X, _ = data
    network = cls(**PARAMS | {"max_iter": 1}).fit(X, X[:, 0])
    plain = network.score(X, X[:, 0])
    for weight in (1e308, 5e-324):
        assert_allclose(network.score(X, X[:, 0], np.full(60, weight)), plain)


def test_weights_that_nothing_can_be_divided_by_are_refused(data):
    X, _ = data
    network = NeuralRegressor(dtype="float32", **PARAMS)
    with pytest.raises(ValueError, match=r"alpha=0\.0001 is divided by the mean of sample_weight"):
        network.fit(X, X[:, 0], np.full(60, 5e-324))
    for weight in (np.inf, 10**400, "2"):
        with pytest.raises(ValueError, match="sample_weight"):
            network.fit(X, X[:, 0], weight)


def test_of_class_weights_near_the_limit_of_floats_the_ratios_count(data):
    X, y = data
    plain = NeuralClassifier(**PARAMS, alpha=0).fit(X, y)
    huge = NeuralClassifier(**PARAMS, alpha=0, class_weight=dict.fromkeys(range(3), 1e308))
    assert_allclose(huge.fit(X, y).predict_proba(X), plain.predict_proba(X), rtol=1e-12)
    weight = np.full(len(y), 1e308)
    assert huge.fit(X, y, weight).score(X, y, weight) == plain.score(X, y)


def test_weights_far_apart_stay_above_zero():
    X, y = np.eye(4), [0, 0, 1, 1]
    network = NeuralClassifier((2,), max_iter=1, tol=0, random_state=0)
    assert network.fit(X, y, sample_weight=[1e-150, 1e-308, 1e200, 0]).classes_.tolist() == [0, 1]
    assert network.fit(X, y, sample_weight=[0, 0, 1e200, 1]).classes_.tolist() == [1]
