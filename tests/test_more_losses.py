"""Losses of margins, overlaps and vectors, and two of regression, against their formulas."""

import numpy as np
import pytest
from scipy import special
from sklearn.base import clone
from sklearn.metrics import hinge_loss, mean_tweedie_deviance
from sklearn.model_selection import GridSearchCV

from sknet import NeuralClassifier, NeuralRegressor
from sknet.layers import Conv2D, Dense
from sknet.losses import (
    CLASSIFICATION_LOSSES,
    CosineSimilarity,
    Dice,
    FunctionLoss,
    Hinge,
    KLDivergence,
    LogCosh,
    SquaredHinge,
    Target,
    Tversky,
    Tweedie,
)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def value(loss, kind, raw, y, weight=None, **target):
    """Return the loss of a batch."""
    loss = clone(loss)
    loss.build(Target(kind, target.get("n_outputs", 1), target.get("n_classes", ())))
    loss.allocate(len(raw), raw.dtype)
    return loss.value_and_gradient(raw, y, weight)[0]


def test_hinge_losses_are_those_of_scikit_learn():
    z, y = 2 * draw(30, 1), np.arange(30) % 2
    binary = {"n_classes": (2,)}
    assert value(Hinge(), "binary", z, y, **binary) == pytest.approx(hinge_loss(y, z[:, 0]))
    margins = (2 * y - 1) * z[:, 0]
    squares = np.mean(np.maximum(0, 1 - margins) ** 2)
    assert value(SquaredHinge(), "binary", z, y, **binary) == pytest.approx(squares)
    z, y = 2 * draw(30, 4), np.arange(30) % 4
    several = {"n_classes": (4,)}
    assert value(Hinge(), "multiclass", z, y, **several) == pytest.approx(
        hinge_loss(y, z, labels=range(4))
    )
    z, y = draw(30, 3), (draw(30, 3, seed=1) > 0).astype(float)
    expected = np.maximum(0, 1 - (2 * y - 1) * z).sum(axis=1).mean()
    assert value(Hinge(), "multilabel", z, y, n_outputs=3) == pytest.approx(expected)


def test_log_cosh_is_exact_for_small_and_for_large_residuals():
    r = np.array([0.0, 1e-6, 1e-3, 0.03, 0.0317, 0.5, 20.0])
    loss = clone(LogCosh())
    loss.build(Target("continuous", 1))
    loss.allocate(1, np.float64)
    for x in r:
        found, gradient = loss.value_and_gradient(np.array([[x]]), np.zeros((1, 1)))
        expected = x**2 / 2 - x**4 / 12 if x < 1e-2 else np.log(np.cosh(x))
        assert found == pytest.approx(expected, rel=1e-8)
        assert gradient.item() == pytest.approx(np.tanh(x), rel=1e-12)
    big = value(LogCosh(), "continuous", np.array([[1e4]]), np.zeros((1, 1)))
    assert big == pytest.approx(1e4 - np.log(2))


@pytest.mark.parametrize("power", [1.2, 1.5, 1.9])
def test_tweedie_is_half_the_deviance(power):
    z, y = draw(40, 1), np.random.default_rng(1).gamma(1.0, size=(40, 1))
    y[::3] = 0.0
    expected = mean_tweedie_deviance(y[:, 0], np.exp(z[:, 0]), power=power) / 2
    assert value(Tweedie(power), "continuous", z, y) == pytest.approx(expected, rel=1e-10)


def test_divergences_are_those_of_scipy():
    z, y = draw(20, 4), np.random.default_rng(1).dirichlet(np.ones(4), size=20)
    y[0] = [0, 1, 0, 0]
    p = special.softmax(z, axis=1)
    expected = special.rel_entr(y, p).sum(axis=1).mean()
    assert value(KLDivergence(), "continuous", z, y, n_outputs=4) == pytest.approx(expected)
    # Rows of another sum count as much as that.
    doubled = value(KLDivergence(), "continuous", z, 2 * y, n_outputs=4)
    assert doubled == pytest.approx(2 * expected)


def test_cosines_are_those_of_angles():
    angles = np.array([0.0, 0.3, 2.0, np.pi])
    z = np.stack([3 * np.cos(angles), 3 * np.sin(angles)], axis=1)
    y = np.tile([2.0, 0.0], (4, 1))
    found = value(CosineSimilarity(), "continuous", z, y, n_outputs=2)
    assert found == pytest.approx(np.mean(1 - np.cos(angles)))
    zeros = value(CosineSimilarity(), "continuous", np.zeros((4, 2)), y, n_outputs=2)
    assert zeros == 1.0


# Pixels


def overlap(p, t, w, alpha, beta, smooth):
    """Return 1 less Tversky's index of one image and one class."""
    hits, false, missed = (w * p * t).sum(), (w * p * (1 - t)).sum(), (w * (1 - p) * t).sum()
    return 1 - (hits + smooth) / (hits + alpha * false + beta * missed + smooth)


def pixels(n_classes, n=6):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 5, 4, 2))
    return X, rng.integers(0, n_classes, size=(n, 5, 4))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["dice", "tversky"])
def test_each_image_has_an_overlap_of_its_own(name, n_classes, weighted):
    X, y = pixels(n_classes)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, size=y.shape) if weighted else None
    model = NeuralClassifier(
        layers=[Conv2D(3, 3, padding="same", activation="tanh")],
        loss=name,
        alpha=0.0,
        max_iter=1,
        tol=0,
        batch_size=6,
        learning_rate_init=1e-300,
        random_state=0,
    )
    model.fit(X, y, weight)
    p = model.predict_proba(X)
    w = np.ones(y.shape) if weight is None else weight
    options = (0.5, 0.5, 0.5) if name == "dice" else (0.3, 0.7, 1.0)
    classes = [1] if n_classes == 2 else range(3)
    losses = [
        np.mean([overlap(p[i, ..., k], y[i] == k, w[i], *options) for k in classes])
        for i in range(6)
    ]
    totals = w.sum(axis=(1, 2))
    assert model.loss_ == pytest.approx(np.average(losses, weights=totals), rel=1e-9)


def test_dice_is_twice_the_intersection_over_the_sum():
    p, t = np.array([0.9, 0.2, 0.6]), np.array([1.0, 0.0, 1.0])
    loss = clone(Dice(smooth=0.4))
    loss.build(Target("binary", 1, (2,)))
    loss.allocate(3, np.float64)
    found, _ = loss.value_of_places(special.logit(p)[:, None], t, np.array([0]), None)
    assert found == pytest.approx(1 - (2 * (p * t).sum() + 0.4) / (p.sum() + t.sum() + 0.4))


@pytest.mark.parametrize("weights", [None, np.array([1.0, 2.0, 0.5, 1.0, 1.5])])
@pytest.mark.parametrize(("kind", "n_raw"), [("binary", 1), ("multiclass", 3)])
def test_the_gradient_of_places_is_that_of_differences(kind, n_raw, weights):
    loss = clone(Tversky(0.4, 0.8))
    loss.build(Target(kind, 1, (2 if n_raw == 1 else 3,)))
    loss.allocate(5, np.float64)
    raw, y, starts = draw(5, n_raw), np.array([0, 1, 1, 0, 1]), np.array([0, 2])
    samples = np.array([0.7, 1.3])
    _, gradient = loss.value_of_places(raw, y, starts, weights, samples)
    for index in np.ndindex(*raw.shape):
        ends = []
        for sign in (1, -1):
            moved = raw.copy()
            moved[index] += sign * 1e-6
            ends.append(loss.value_of_places(moved, y, starts, weights, samples)[0])
        assert gradient[index] == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-8)


def test_sequences_of_any_length_have_overlaps_of_their_real_steps():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, 2)) for n in (4, 7, 3, 5)]
    y = [rng.integers(0, 2, size=len(x)) for x in X]
    model = NeuralClassifier(
        layers=[Dense(3, "tanh")],
        loss="dice",
        alpha=0.0,
        max_iter=1,
        tol=0,
        batch_size=4,
        learning_rate_init=1e-300,
        random_state=0,
    ).fit(X, y)
    p = model.predict_proba(X)
    losses = [overlap(a[:, 1], b, 1.0, 0.5, 0.5, 0.5) for a, b in zip(p, y, strict=True)]
    assert model.loss_ == pytest.approx(np.average(losses, weights=[4, 7, 3, 5]), rel=1e-9)


# Estimators


def test_classifiers_of_margins_have_scores_and_no_probabilities():
    X, y = draw(90, 2), np.arange(90) % 3
    X += 3 * np.eye(3)[y][:, :2]
    model = NeuralClassifier(
        (8,), loss="hinge", max_iter=60, learning_rate_init=0.02, tol=0, random_state=0
    ).fit(X, y)
    assert model.score(X, y) > 0.85
    np.testing.assert_array_equal(model.predict(X), model.decision_function(X).argmax(axis=1))
    for name in ("predict_proba", "predict_log_proba"):
        assert not hasattr(model, name)
    with pytest.raises(AttributeError, match="has no attribute 'predict_proba'"):
        model.predict_proba(X)
    assert hasattr(model.set_params(loss="log_loss"), "predict_proba")


@pytest.mark.parametrize("name", ["hinge", "squared_hinge", "dice", "tversky"])
def test_losses_are_searched_with_their_parameters(name):
    X, y = draw(30, 3), np.arange(30) % 2
    model = NeuralClassifier((4,), max_iter=2, tol=0, random_state=0)
    losses = [name, CLASSIFICATION_LOSSES[name]()]
    search = GridSearchCV(model, {"loss": losses}, cv=2, scoring="accuracy").fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] == scores[1]


def test_distributions_are_predicted_and_directions_learned():
    X = draw(200, 3)
    y = special.softmax(X @ draw(3, 4, seed=1), axis=1)
    options = {
        "learning_rate_init": 0.05,
        "max_iter": 200,
        "n_iter_no_change": 200,
        "tol": 0,
        "alpha": 0.0,
        "random_state": 0,
    }
    model = NeuralRegressor((), loss="kl_divergence", **options).fit(X, y)
    np.testing.assert_allclose(model.predict(X).sum(axis=1), 1)
    assert np.abs(model.predict(X) - y).max() < 0.02
    z = X @ draw(3, 2, seed=2)
    model = NeuralRegressor((), loss="cosine_similarity", **options).fit(X, 100 * z)
    p = model.predict(X)
    cosines = np.vecdot(p, z) / np.linalg.norm(p, axis=1) / np.linalg.norm(z, axis=1)
    assert np.mean(cosines) > 0.99


@pytest.mark.parametrize(
    ("params", "y", "sentence"),
    [
        (
            {"loss": "kl_divergence"},
            draw(9, 2),
            "KLDivergence expects distributions as rows of y",
        ),
        ({"loss": "kl_divergence"}, np.ones(9), "expects a target of at least two columns, got"),
        ({"loss": "cosine_similarity"}, np.ones(9), "expects a target of at least two columns"),
        ({"loss": "tweedie"}, draw(9), "Tweedie expects a target that is zero or positive, got"),
        ({"loss": Tweedie(2.0)}, np.ones(9), "The 'power' parameter of Tweedie must be"),
    ],
)
def test_wrong_uses_have_a_sentence(params, y, sentence):
    with pytest.raises(ValueError) as caught:
        NeuralRegressor((), **params).fit(draw(9, 2), y)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("wrong", ["value", "gradient"])
def test_a_function_that_returns_another_shape_in_training_is_refused(wrong):
    X = np.random.default_rng(0).normal(size=(60, 4))
    calls = []

    def called(name, result):  # the first calls, of the check, are right
        calls.append(name)
        return result[:1] if name == wrong and calls.count(name) > 4 else result

    loss = FunctionLoss(
        lambda y, p: called("value", (y - p) ** 2), lambda y, p: called("gradient", 2 * (p - y))
    )
    network = NeuralRegressor((3,), loss=loss, max_iter=9, tol=0, random_state=0)
    with pytest.raises(
        ValueError, match=rf"FunctionLoss: {wrong} has to return .* got shape \(1,\)"
    ):
        network.fit(X, X[:, 0])
