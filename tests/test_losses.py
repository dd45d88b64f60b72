"""Tests of the losses against SciPy, scikit-learn and closed forms."""

import pickle

import numpy as np
import pytest
import scipy.special
import scipy.stats
from sklearn.metrics import (
    log_loss,
    mean_absolute_error,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
)
from sklearn.utils._param_validation import InvalidParameterError

from sknet import NeuralRegressor
from sknet.losses import (
    CLASSIFICATION_LOSSES,
    REGRESSION_LOSSES,
    AbsoluteError,
    CosineSimilarity,
    Dice,
    FocalLoss,
    FunctionLoss,
    Gamma,
    Gaussian,
    Hinge,
    Huber,
    KLDivergence,
    LogLoss,
    Loss,
    Poisson,
    Quantile,
    SquaredError,
    SquaredHinge,
    Target,
    Tversky,
    Tweedie,
    get_loss,
)
from sknet.losses import (
    LogCosh as LogCosh_,
)
from sknet.testing.losses import check_loss
from sknet.testing.memory import peak_of

BINARY = Target("binary", 1, (2,))
THREE = Target("multiclass", 1, (3,))
ONE = Target("continuous", 1)
TWO = Target("continuous", 2)

LOSSES = [
    LogLoss(),
    LogLoss(label_smoothing=0.1),
    FocalLoss(),
    FocalLoss(gamma=0.5),
    FocalLoss(gamma=0),
    FocalLoss(alpha=0.25),
    SquaredError(),
    AbsoluteError(),
    Huber(),
    Huber(delta=0.3),
    Poisson(),
    Gamma(),
    Quantile(),
    Quantile(quantiles=0.9),
    Quantile(quantiles=[0.3]),
    Quantile(quantiles=[0.05, 0.5, 0.6, 0.9]),
    Gaussian(),
    Gaussian(min_variance=0.1),
    Hinge(),
    SquaredHinge(),
    LogCosh_(),
    Tweedie(),
    Tweedie(1.1),
    KLDivergence(),
    CosineSimilarity(),
    Dice(),
    Dice(smooth=0.1),
    Tversky(),
    Tversky(0.2, 1.5, smooth=0.5),
]


def bind(loss, target, n_rows=50, dtype=np.float64):
    loss.build(target)
    loss.allocate(n_rows, dtype)
    return loss


def value_of(loss, target, raw, y, sample_weight=None):
    return bind(loss, target, len(raw)).value_and_gradient(raw, y, sample_weight)[0]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


class LogCosh(Loss):
    """A correct loss of a user's own that writes value_and_gradient alone."""

    def value_and_gradient(self, raw, y, sample_weight=None, out=None):
        residual = np.subtract(raw, y, out=out)
        losses = np.cosh(residual, out=self._work("losses", raw.shape))
        np.log(losses, out=losses)
        np.tanh(residual, out=residual)
        return self.average(losses, residual, sample_weight), residual


class WrongGradient(LogCosh):
    def value_and_gradient(self, raw, y, sample_weight=None, out=None):
        value, gradient = super().value_and_gradient(raw, y, sample_weight, out)
        gradient *= 1.001
        return value, gradient


class DividesByWeight(LogCosh):
    def value_and_gradient(self, raw, y, sample_weight=None, out=None):
        value, gradient = super().value_and_gradient(raw, y, sample_weight, out)
        share = 1.0 if sample_weight is None else float(np.mean(sample_weight))
        gradient /= share
        return value / share, gradient


class WritesRaw(LogCosh):
    def value_and_gradient(self, raw, y, sample_weight=None, out=None):
        result = super().value_and_gradient(raw, y, sample_weight, out)
        raw[0] += 1.0
        return result


class Allocates(LogCosh):
    def value_and_gradient(self, raw, y, sample_weight=None, out=None):
        residual = raw - y
        value = self.average(np.log(np.cosh(residual)), residual, sample_weight)
        residual = raw - y
        gradient = np.tanh(residual, out=out)
        share = np.ones(len(raw)) if sample_weight is None else sample_weight
        gradient *= (share / len(raw))[:, None].astype(raw.dtype)
        return value, gradient


class CountsRows(LogCosh):
    def inverse_link(self, raw):
        return raw[:1].copy()


class InfiniteBias(LogCosh):
    def _best_constant(self, y, weights):
        return np.full(y.shape[1], np.inf)


class WrongBias(SquaredError):
    def _best_constant(self, y, weights):
        return super()._best_constant(y, weights) + 0.1


class UnweightedBias(LogCosh):
    def _best_constant(self, y, weights):
        return y.mean(axis=0)


class ForgetsItsScale(LogCosh):
    def __init__(self):
        self._scale = 1.0

    def build(self, target):
        self._scale = 2.0
        return super().build(target)

    def value_and_gradient(self, raw, y, sample_weight=None, out=None):
        value, gradient = super().value_and_gradient(raw, y, sample_weight, out)
        gradient *= self._scale
        return value * self._scale, gradient

    def __getstate__(self):
        return {**self.__dict__, "_scale": 1.0}


def squares(y, prediction):
    return np.sum((prediction - y).reshape(len(y), -1) ** 2, axis=1) / 2


def residuals(y, prediction):
    return prediction - y


@pytest.mark.parametrize(
    "loss",
    [
        FunctionLoss(squares, residuals),  # any number of targets
        FunctionLoss(lambda y, p: np.log(np.cosh(p - y)), lambda y, p: np.tanh(p - y)),  # one
        FunctionLoss(lambda y, p: list(np.abs(p - y)), lambda y, p: np.sign(p - y).astype(int)),
    ],
    ids=["squares", "log-cosh", "other-types"],
)
def test_losses_of_plain_functions_pass_the_check(loss):
    check_loss(loss)


def test_the_check_tells_where_plain_functions_do_not_fit_together():
    loss = FunctionLoss(squares, lambda y, p: 1.001 * (p - y))
    with pytest.raises(AssertionError, match="gradient is not the derivative of value: at y = "):
        check_loss(loss)


@pytest.mark.parametrize("target", [ONE, TWO], ids=["one", "two"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_loss_of_plain_functions_is_what_they_are(target, dtype, rng):
    raw, y = rng.normal(size=(2, 20, target.n_outputs)).astype(dtype)
    weights = rng.uniform(size=20).astype(dtype)
    ours, reference = (
        bind(loss, target, dtype=dtype)
        for loss in (FunctionLoss(squares, residuals), SquaredError())
    )
    for found, expected in zip(
        ours.value_and_gradient(raw, y, weights),
        reference.value_and_gradient(raw, y, weights),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == np.float32 else 1e-12)
    np.testing.assert_allclose(ours.row_losses(raw, y), reference.row_losses(raw, y), rtol=1e-6)


@pytest.mark.parametrize("standardize", [False, True])
def test_networks_learn_from_plain_functions_as_from_the_loss_that_they_write(standardize, rng):
    X = rng.normal(size=(30, 2))
    y = 50 + 20 * X
    weights = rng.uniform(size=30)
    plain = FunctionLoss(squares, residuals, takes_standardized=standardize)
    found, expected = (
        NeuralRegressor(
            (4,), loss=loss, standardize_target=standardize, max_iter=3, random_state=0
        )
        .set_params(tol=0)
        .fit(X, y, weights)
        .predict(X)
        for loss in (plain, "squared_error")
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("mean", [0.0, 1e6])
def test_functions_are_checked_at_the_scale_of_the_target(scale, mean, rng):
    y = scale * (mean + rng.normal(size=(50, 2)))
    FunctionLoss(squares, residuals).check_target(y)
    with pytest.raises(ValueError, match=r"of target 1, and central differences of value give"):
        FunctionLoss(squares, lambda y, p: (p - y) * [1.0, 1.01]).check_target(y)


def test_functions_are_checked_at_a_single_row_and_at_equal_ones():
    for y in (np.zeros((1, 1)), np.full((30, 3), 7.0)):
        FunctionLoss(squares, residuals).check_target(y)
        with pytest.raises(ValueError, match="not the derivative"):
            FunctionLoss(squares, lambda y, p: y - p).check_target(y)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_every_loss_passes_the_check(loss):
    check_loss(loss)


def test_every_named_loss_is_checked():
    named = {*CLASSIFICATION_LOSSES.values(), *REGRESSION_LOSSES.values()}
    assert named == {type(loss) for loss in LOSSES}


def test_a_loss_of_ones_own_needs_value_and_gradient_alone():
    check_loss(LogCosh())
    assert LogCosh().build(TWO) == 2


@pytest.mark.parametrize(
    ("loss", "sentence"),
    [
        (WrongGradient(), "central differences"),
        (DividesByWeight(), "linear in the weights"),
        (WritesRaw(), "must not write to raw"),
        (Allocates(), "scratch memory"),
        (CountsRows(), "12 rows"),
        (InfiniteBias(), "initial_bias has to be finite"),
        (WrongBias(), "best constant"),
        (UnweightedBias(), "equal repeated rows"),
        (ForgetsItsScale(), "a pickle has to give the same"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Loss) else "",
)
def test_the_check_rejects_a_loss_that_breaks_the_contract(loss, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_loss(loss)


@pytest.mark.parametrize("weighted", [False, True])
def test_log_loss_is_that_of_scikit_learn(rng, weighted):
    n = 40
    # scikit-learn divides by the sum of the weights, which is n for weights of mean 1.
    weights = rng.uniform(0, 2, n)
    weights = weights * n / weights.sum() if weighted else None
    z = rng.normal(size=(n, 1))
    y = rng.integers(0, 2, n)
    expected = log_loss(y, scipy.special.expit(z[:, 0]), sample_weight=weights)
    assert value_of(LogLoss(), BINARY, z, y, weights) == pytest.approx(expected, rel=1e-12)

    z = rng.normal(size=(n, 5))
    y = rng.integers(0, 5, n)
    p = scipy.special.softmax(z, axis=1)
    expected = log_loss(y, p, sample_weight=weights, labels=range(5))
    actual = value_of(LogLoss(), Target("multiclass", 1, (5,)), z, y, weights)
    assert actual == pytest.approx(expected, rel=1e-12)


def test_multilabel_and_multioutput_losses_are_sums_over_columns(rng):
    z, y = rng.normal(size=(30, 7)), rng.integers(0, 2, (30, 7))
    p = scipy.special.expit(z)
    expected = sum(log_loss(y[:, j], p[:, j], labels=[0, 1]) for j in range(7))
    actual = value_of(LogLoss(), Target("multilabel", 7), z, y.astype(float))
    assert actual == pytest.approx(expected, rel=1e-12)

    codes = np.column_stack([rng.integers(0, 3, 30), rng.integers(0, 4, 30)])
    blocks = [scipy.special.softmax(b, axis=1) for b in (z[:, :3], z[:, 3:])]
    expected = sum(
        log_loss(codes[:, j], p, labels=range(p.shape[1])) for j, p in enumerate(blocks)
    )
    target = Target("multioutput", 2, (3, 4))
    loss = bind(LogLoss(), target)
    assert loss.value_and_gradient(z, codes)[0] == pytest.approx(expected, rel=1e-12)
    for predicted, p in zip(loss.inverse_link(z), blocks, strict=True):
        np.testing.assert_allclose(predicted, p, rtol=1e-12)


def test_label_smoothing_spreads_the_target(rng):
    s, z, codes = 0.2, rng.normal(size=(20, 5)), rng.integers(0, 5, 20)
    smooth = np.eye(5)[codes] * (1 - s) + s / 5
    expected = -(smooth * scipy.special.log_softmax(z, axis=1)).sum(axis=1).mean()
    actual = value_of(LogLoss(s), Target("multiclass", 1, (5,)), z, codes)
    assert actual == pytest.approx(expected, rel=1e-12)

    y = rng.integers(0, 2, 20)
    smooth = y * (1 - s) + s / 2
    log_p, log_q = scipy.special.log_expit(z[:, 0]), scipy.special.log_expit(-z[:, 0])
    expected = -np.mean(smooth * log_p + (1 - smooth) * log_q)
    assert value_of(LogLoss(s), BINARY, z[:, :1], y) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("alpha", [None, 0.25])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_focal_loss_of_labels_is_the_formula_of_the_paper(rng, gamma, alpha):
    z, y = 3 * rng.normal(size=30), rng.integers(0, 2, 30)
    p = np.where(y == 1, scipy.special.expit(z), scipy.special.expit(-z))
    balance = 1.0 if alpha is None else np.where(y == 1, alpha, 1 - alpha)
    expected = np.mean(-balance * (1 - p) ** gamma * np.log(p))
    actual = value_of(FocalLoss(gamma=gamma, alpha=alpha), BINARY, z[:, None], y)
    assert actual == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_of_classes_is_the_formula_of_the_paper(rng, gamma):
    z, y = 3 * rng.normal(size=(30, 4)), rng.integers(0, 4, 30)
    p = scipy.special.softmax(z, axis=1)[np.arange(30), y]
    expected = np.mean(-((1 - p) ** gamma) * np.log(p))
    actual = value_of(FocalLoss(gamma=gamma), Target("multiclass", 1, (4,)), z, y)
    assert actual == pytest.approx(expected, rel=1e-10)


def test_regression_losses_are_those_of_scipy_and_scikit_learn(rng):
    z, y = rng.normal(size=(40, 2)), rng.gamma(2.0, size=(40, 2))
    counts = rng.poisson(1.0, size=(40, 2)).astype(float)
    assert (counts == 0).any()

    def over_columns(metric, target, predicted):
        return sum(metric(target[:, j], predicted[:, j]) for j in range(2))

    mu = np.exp(z)
    cases = [
        (SquaredError(), y, over_columns(mean_squared_error, y, z) / 2),
        (AbsoluteError(), y, over_columns(mean_absolute_error, y, z)),
        (Huber(0.7), y, scipy.special.huber(0.7, z - y).sum() / 40),
        (Poisson(), counts, over_columns(mean_poisson_deviance, counts, mu) / 2),
        (Gamma(), y, over_columns(mean_gamma_deviance, y, mu) / 2),
    ]
    for loss, target, expected in cases:
        assert value_of(loss, TWO, z, target) == pytest.approx(expected, rel=1e-12), loss


def test_pinball_loss_is_that_of_scikit_learn(rng):
    z, y = rng.normal(size=(40, 4)), rng.normal(size=(40, 1))
    expected = mean_pinball_loss(y, z[:, :1], alpha=0.8)
    assert value_of(Quantile(0.8), ONE, z[:, :1], y) == pytest.approx(expected, rel=1e-12)

    levels = [0.1, 0.25, 0.5, 0.9]
    steps = np.column_stack([z[:, 0], np.log1p(np.exp(z[:, 1:]))])
    quantiles = steps.cumsum(axis=1)
    expected = sum(
        mean_pinball_loss(y[:, 0], quantiles[:, j], alpha=t) for j, t in enumerate(levels)
    )
    loss = bind(Quantile(levels), ONE)
    assert loss.value_and_gradient(z, y)[0] == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(loss.inverse_link(z), quantiles, rtol=1e-12)


def test_predicted_quantiles_never_cross(rng):
    loss = bind(Quantile([0.1, 0.5, 0.9]), ONE)
    raw = 100 * rng.normal(size=(1000, 3))
    assert (np.diff(loss.inverse_link(raw), axis=1) >= 0).all()


def test_gaussian_loss_is_the_negative_log_likelihood(rng):
    z, y = rng.normal(size=(40, 4)), rng.normal(size=(40, 2))
    loss = bind(Gaussian(min_variance=0.01), TWO)
    deviation = np.sqrt(np.exp(z[:, 2:]) + 0.01)
    expected = -scipy.stats.norm.logpdf(y, z[:, :2], deviation).sum() / 40
    assert loss.value_and_gradient(z, y)[0] == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(loss.standard_deviation(z), deviation, rtol=1e-12)
    np.testing.assert_array_equal(loss.inverse_link(z), z[:, :2])


def test_gaussian_loss_is_finite_where_the_variance_collapses():
    loss = bind(Gaussian(), ONE, dtype=np.float32)
    raw = np.array([[1.0, -200.0], [1.0, -1e4]], np.float32)
    value, gradient = loss.value_and_gradient(raw, np.array([[2.0], [1.0]], np.float32))
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [LogLoss, FocalLoss])
def test_extreme_logits_give_finite_losses(make, dtype):
    z = np.array([[1e4], [-1e4], [1e4], [-1e4], [0.0]], dtype)
    loss = bind(make(), BINARY, dtype=dtype)
    value, gradient = loss.value_and_gradient(z, np.array([0, 1, 1, 0, 0]))
    focus = 0.25 if make is FocalLoss else 1.0
    assert value == pytest.approx((2e4 + focus * np.log(2)) / 5, rel=1e-6)
    assert gradient[:4, 0] * 5 == pytest.approx([1.0, -1.0, 0.0, 0.0], abs=1e-3)

    z = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]], dtype)
    loss = bind(make(), Target("multiclass", 1, (3,)), dtype=dtype)
    value, gradient = loss.value_and_gradient(z, np.array([1, 1]))
    assert value == pytest.approx(1e4, rel=1e-6)
    assert gradient.ravel() * 2 == pytest.approx([1.0, -1.0, 0.0, 0.0, 0.0, 0.0], abs=1e-6)
    np.testing.assert_allclose(loss.log_inverse_link(z)[0], [0.0, -2e4, -1e4])


@pytest.mark.parametrize("gamma", [0.0, 0.3, 2.0])
def test_focal_loss_is_finite_where_rows_are_certain(gamma):
    loss = bind(FocalLoss(gamma=gamma), Target("multiclass", 1, (3,)))
    value, gradient = loss.value_and_gradient(np.array([[50.0, 0.0, 0.0]]), np.array([0]))
    assert value == pytest.approx(0.0, abs=1e-15)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-15)


def exact_losses(margin, gamma=0.0):
    """Return focal losses (log losses for gamma = 0) of margins, and 1 - p, in float64."""
    margin = margin.astype(np.float64)
    miss = scipy.special.expit(-margin)
    return miss**gamma * np.log1p(np.exp(-np.abs(margin))) + np.where(
        margin < 0, -margin * miss**gamma, 0
    ), miss


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_losses_of_confident_labels_are_accurate_in_float32(label, gamma):
    margins = np.linspace(-40, 40, 81, dtype=np.float32)
    raw = (margins if label else -margins).reshape(-1, 1)
    loss = FocalLoss(gamma=gamma) if gamma else LogLoss()
    for kind in ("binary", "multilabel"):
        bind(loss, Target(kind, 1, (2,)), 81, np.float32)
        y = np.full((81, 1), label, np.float32)
        expected, miss = exact_losses(margins, gamma)
        np.testing.assert_allclose(loss.row_losses(raw, y), expected, rtol=5e-6, atol=1e-37)
        if gamma == 0:
            gradient = 81 * loss.value_and_gradient(raw, y)[1].ravel()
            np.testing.assert_allclose(gradient, miss * (1 - 2 * label), rtol=2e-6)
    one = np.array([[10.0], [17.0]], np.float32)
    if label and not gamma:
        found = loss.row_losses(one, np.ones((2, 1), np.float32))
        np.testing.assert_allclose(found, [4.5398899e-05, 4.1399377e-08], rtol=1e-5)


@pytest.mark.parametrize("share", [1e-9, 1e-6, 0.3, 1 - 1e-6])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_losses_of_shares_are_accurate_in_float32(share, smoothing):
    raw = np.linspace(-40, 40, 81, dtype=np.float32).reshape(-1, 1)
    y = np.full_like(raw, share)
    loss = bind(LogLoss(smoothing), Target("multilabel", 1, (2,)), 81, np.float32)
    z, t = raw.astype(np.float64), y.astype(np.float64) * (1 - smoothing) + smoothing / 2
    expected = t * np.logaddexp(0, -z) + (1 - t) * np.logaddexp(0, z)
    np.testing.assert_allclose(loss.row_losses(raw, y), expected.ravel(), rtol=2e-6)


@pytest.mark.parametrize("true", [0, 2])
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_losses_of_confident_classes_are_accurate_in_float32(true, gamma):
    margins = np.linspace(-40, 40, 41, dtype=np.float32)
    raw = np.zeros((41, 3), np.float32)
    raw[:, true] = margins
    loss = bind(FocalLoss(gamma=gamma) if gamma else LogLoss(), THREE, 41, np.float32)
    y = np.full(41, true)
    # Two other classes: the margin against both together is less by log(2).
    expected, miss = exact_losses(margins.astype(np.float64) - np.log(2), gamma)
    np.testing.assert_allclose(loss.row_losses(raw, y), expected, rtol=5e-6, atol=1e-37)
    if gamma == 0:
        gradient = 41 * loss.value_and_gradient(raw, y)[1]
        np.testing.assert_allclose(gradient[:, true], -miss, rtol=2e-6)
        log_p = loss.log_inverse_link(raw)[:, true]
        np.testing.assert_allclose(log_p, -expected, rtol=2e-6)


def test_label_smoothing_of_classes_keeps_its_gradient_in_float32(rng):
    raw = rng.normal(scale=8, size=(50, 3)).astype(np.float32)
    y = rng.integers(0, 3, 50)
    loss = bind(LogLoss(0.1), THREE, 50, np.float32)
    gradient = 50 * loss.value_and_gradient(raw, y)[1]
    target = 0.9 * np.eye(3)[y] + 0.1 / 3
    expected = scipy.special.softmax(raw.astype(np.float64), axis=1) - target
    np.testing.assert_allclose(gradient, expected, atol=2e-7)


@pytest.mark.parametrize("y", [1e-3, 1.0, 1000.0])
def test_poisson_losses_near_the_minimum_are_accurate_in_float32(y):
    raw = np.array([[np.log(y) + 0.03]], np.float32)
    exact = np.float64(raw[0, 0]) - np.log(np.float64(np.float32(y)))
    loss = bind(Poisson(), ONE, 1, np.float32)
    expected = y * (np.expm1(exact) - exact)
    found = loss.row_losses(raw, np.array([[y]], np.float32))
    np.testing.assert_allclose(found, expected, rtol=5e-5)


def test_binary_probabilities_are_accurate_on_both_sides():
    loss = bind(LogLoss(), BINARY)
    z = np.array([[-40.0], [40.0], [1e4]])
    tiny = np.exp(-40.0)
    np.testing.assert_allclose(loss.inverse_link(z)[:2], [[1.0, tiny], [tiny, 1.0]], rtol=1e-12)
    np.testing.assert_allclose(
        loss.log_inverse_link(z), [[-tiny, -40.0], [-40.0, -tiny], [-1e4, 0.0]], rtol=1e-12
    )


def test_the_softmax_is_that_of_scipy(rng):
    z = 10 * rng.normal(size=(20, 6))
    loss = bind(LogLoss(), Target("multiclass", 1, (6,)))
    np.testing.assert_allclose(loss.inverse_link(z), scipy.special.softmax(z, axis=1), rtol=1e-12)
    np.testing.assert_allclose(loss.inverse_link(z).sum(axis=1), 1.0, rtol=1e-12)
    y = rng.integers(0, 6, 20)
    expected = (scipy.special.softmax(z, axis=1) - np.eye(6)[y]) / 20
    np.testing.assert_allclose(loss.value_and_gradient(z, y)[1], expected, atol=1e-15)


@pytest.mark.parametrize(
    "loss", [LogLoss(), LogLoss(0.1), FocalLoss(), FocalLoss(gamma=0)], ids=repr
)
def test_a_single_class_has_no_loss(loss):
    bind(loss, Target("multiclass", 1, (1,)))
    raw, y = np.array([[3.0], [-2.0]]), np.array([0, 0])
    value, gradient = loss.value_and_gradient(raw, y)
    assert value == 0.0
    np.testing.assert_array_equal(gradient, 0.0)
    np.testing.assert_array_equal(loss.inverse_link(raw), 1.0)
    np.testing.assert_array_equal(loss.initial_bias(y), [0.0])


def test_many_classes_need_little_memory(rng):
    n, k = 20, 50_000
    loss = bind(LogLoss(0.1), Target("multiclass", 1, (k,)), n)
    raw, y, out = rng.normal(size=(n, k)), rng.integers(0, k, n), np.empty((n, k))
    assert peak_of(lambda: loss.value_and_gradient(raw, y, out=out)) < out.nbytes / 4
    value, _ = loss.value_and_gradient(raw, y, out=out)
    # The row sums of a softmax less a distribution are zero.
    np.testing.assert_allclose(out.sum(axis=1), 0.0, atol=1e-12)
    assert value == pytest.approx(np.log(k) + 0.5, abs=1.0)


@pytest.mark.parametrize("loss", [SquaredError(), Poisson(), Gamma(), Gaussian()], ids=repr)
def test_overflow_gives_a_value_that_is_not_finite_without_warnings(loss):
    n_raw = loss.build(ONE)
    loss.allocate(1, np.float32)
    raw = np.full((1, n_raw), -1e30 if isinstance(loss, Gamma) else 1e30, np.float32)
    value, _ = loss.value_and_gradient(raw, np.ones((1, 1), np.float32))
    assert not np.isfinite(value)


def test_exp_links_predict_means():
    loss = bind(Poisson(), ONE)
    assert loss.link == "exp"
    np.testing.assert_allclose(loss.inverse_link(np.log([[3.0]])), [[3.0]])


def test_initial_biases_are_base_rates():
    y = np.array([0, 0, 0, 1])
    np.testing.assert_allclose(bind(LogLoss(), BINARY).initial_bias(y), [np.log(1 / 3)])
    labels = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    bias = bind(LogLoss(), Target("multilabel", 2)).initial_bias(labels)
    np.testing.assert_allclose(bias, [np.log(3), -np.log(3)])
    loss = bind(LogLoss(), Target("multioutput", 2, (2, 3)))
    codes = np.column_stack([y, [0, 1, 2, 2]])
    block = np.log([0.25, 0.25, 0.5])
    expected = [np.log(3) / 2, -np.log(3) / 2, *(block - block.mean())]
    np.testing.assert_allclose(loss.initial_bias(codes), expected)


def test_initial_biases_of_regression_are_means_and_quantiles(rng):
    y, weights = rng.gamma(2.0, size=(31, 1)), rng.integers(0, 4, 31)
    repeated = np.repeat(y, weights, axis=0)

    def bias_of(loss):
        return bind(loss, ONE).initial_bias(y, weights)

    for loss in (AbsoluteError(), Huber()):
        expected = np.quantile(repeated, 0.5, method="inverted_cdf")
        assert bias_of(loss) == [expected]
    assert bias_of(Quantile(0.9)) == [np.quantile(repeated, 0.9, method="inverted_cdf")]
    np.testing.assert_allclose(bias_of(SquaredError()), [repeated.mean()])
    np.testing.assert_allclose(bias_of(Poisson()), [np.log(repeated.mean())])
    np.testing.assert_allclose(bias_of(Gamma()), [np.log(repeated.mean())])
    loss = Gaussian()
    bias = bias_of(loss)[None]
    np.testing.assert_allclose(loss.inverse_link(bias), [[repeated.mean()]])
    np.testing.assert_allclose(loss.standard_deviation(bias), [[repeated.std()]])
    loss = Quantile([0.1, 0.5, 0.9])
    expected = np.quantile(repeated, loss.quantiles, method="inverted_cdf")
    np.testing.assert_allclose(loss.inverse_link(bias_of(loss)[None])[0], expected)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_initial_biases_do_not_depend_on_the_scale_of_the_weights(loss, rng):
    kind = loss.kinds[0]
    width = 2 if isinstance(loss, KLDivergence | CosineSimilarity) else 1
    target = BINARY if kind == "binary" else Target("continuous", width)
    y = rng.integers(0, 2, 30) if kind == "binary" else rng.gamma(2.0, size=(30, width))
    weights = rng.integers(0, 4, 30)
    scaled = weights / weights.mean()
    bind(loss, target)
    expected = loss.initial_bias(np.repeat(y, weights, axis=0))
    np.testing.assert_allclose(loss.initial_bias(y, scaled), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("level", [0.1, 0.25, 0.5, 0.75])
def test_quantiles_that_fall_on_a_step_ignore_the_rounding_of_weights(level):
    y = np.arange(20.0)[:, None]
    weights = np.full(20, 3) / np.mean(np.full(20, 7.0)) * 0.1
    bias = bind(Quantile(level), ONE).initial_bias(y, weights)
    assert bias == [np.quantile(y, level, method="inverted_cdf")]


def test_initial_biases_are_finite_for_what_never_occurs():
    loss = bind(LogLoss(), BINARY)
    never, always = (loss.initial_bias(np.full(9, code))[0] for code in (0, 1))
    assert never == pytest.approx(-always)
    assert -15 < never < -5
    # An absent class is rarer than the rarest one that is there.
    loss = bind(LogLoss(), Target("multiclass", 1, (5000,)))
    bias = loss.initial_bias(np.arange(4999))
    assert bias[-1] == pytest.approx(bias[0] - np.log(2))
    assert np.isfinite(bind(Poisson(), ONE).initial_bias(np.zeros((5, 1)))).all()
    assert np.isfinite(bind(Gaussian(), ONE).initial_bias(np.full((5, 1), 2.0))).all()
    loss = bind(Quantile([0.1, 0.5, 0.9]), ONE)
    bias = loss.initial_bias(np.full((5, 1), 2.0))
    assert np.isfinite(bias).all()
    np.testing.assert_allclose(loss.inverse_link(bias[None]), 2.0, atol=0.01)


def test_initial_biases_ignore_rows_of_weight_zero():
    weights = np.array([1.0, 1.0, 0.0])
    y = np.array([[1.0], [3.0], [np.nan]])
    np.testing.assert_array_equal(bind(SquaredError(), ONE).initial_bias(y, weights), [2.0])


@pytest.mark.parametrize(
    ("loss", "target", "sentence"),
    [
        (SquaredError(), BINARY, "SquaredError expects a continuous target, got a binary one"),
        (LogLoss(), ONE, "LogLoss expects a binary or multiclass .* got a continuous one"),
        (FocalLoss(alpha=0.5), Target("multiclass", 1, (3,)), "class_weight"),
        (FocalLoss(alpha=0.5), ONE, "got a continuous one"),
        (Quantile([0.1, 0.9]), TWO, "Quantile with 2 quantiles expects one target, got 2"),
        (Quantile([0.9, 0.1]), ONE, "increasing"),
        (Quantile([0.1, 0.1]), ONE, "increasing"),
        (Quantile([]), ONE, "increasing"),
        (Quantile([[0.1]]), ONE, "increasing"),
        (Quantile([0.1, 1.0]), ONE, "between 0 and 1"),
        (Quantile([0.0, 0.5]), ONE, "between 0 and 1"),
    ],
)
def test_build_refuses_what_does_not_fit(loss, target, sentence):
    with pytest.raises(ValueError, match=sentence):
        loss.build(target)


@pytest.mark.parametrize(
    "loss",
    [
        LogLoss(label_smoothing=1.0),
        FocalLoss(gamma=-1.0),
        FocalLoss(alpha=2.0),
        Huber(delta=0.0),
        Quantile(quantiles=1.0),
        Gaussian(min_variance=0.0),
    ],
    ids=repr,
)
def test_parameters_out_of_range_are_refused(loss):
    with pytest.raises(InvalidParameterError):
        loss._validate_params()


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_parameters_in_range_are_accepted(loss):
    loss._validate_params()


@pytest.mark.parametrize("make", REGRESSION_LOSSES.values())
def test_targets_out_of_range_are_refused(make):
    loss = make()
    loss.check_target(np.array([[0.5], [2.0]]))
    if not loss.positive_target:
        loss.check_target(np.array([[-1.0]]))
        return
    with pytest.raises(ValueError, match=r"positive, got values down to -1\."):
        loss.check_target(np.array([[-1.0], [2.0]]))


def test_zeros_are_counts_but_not_amounts():
    zeros = np.zeros((2, 1))
    Poisson().check_target(zeros)
    with pytest.raises(ValueError, match="that is positive, got values down to 0"):
        Gamma().check_target(zeros)


@pytest.mark.parametrize("available", [CLASSIFICATION_LOSSES, REGRESSION_LOSSES])
def test_losses_are_made_by_name(available):
    for name, make in available.items():
        assert type(get_loss(name, available)) is make


def test_a_loss_object_is_cloned():
    loss = Huber(delta=3.0)
    copy = get_loss(loss, REGRESSION_LOSSES)
    assert copy is not loss
    assert copy.get_params() == {"delta": 3.0}


def test_the_link_follows_the_target():
    assert bind(LogLoss(), BINARY).link == "logistic"
    assert bind(LogLoss(), Target("multilabel", 2)).link == "logistic"
    assert bind(LogLoss(), Target("multiclass", 1, (3,))).link == "softmax"
    assert bind(LogLoss(), Target("multioutput", 2, (3, 2))).link == "softmax"


def test_numpy_parameters_do_not_promote_float32():
    for loss in (Huber(np.float64(0.5)), Quantile(np.float64(0.3)), Gaussian(np.float64(0.1))):
        n_raw = loss.build(ONE)
        loss.allocate(4, np.float32)
        _, gradient = loss.value_and_gradient(
            np.ones((4, n_raw), np.float32), np.zeros((4, 1), np.float32)
        )
        assert gradient.dtype == np.float32
        assert all(array.dtype == np.float32 for array in loss._work._memory.values())


def test_a_pickle_holds_no_scratch_memory():
    loss = bind(Huber(), TWO, n_rows=10_000)
    loss.value_and_gradient(np.zeros((10_000, 2)), np.ones((10_000, 2)))
    assert len(pickle.dumps(loss)) < 2000


@pytest.mark.parametrize(
    "loss, target",
    [
        (SquaredError(), TWO),
        (Huber(), TWO),
        (Gaussian(), TWO),
        (LogCosh(), TWO),
        (LogLoss(), Target("multilabel", 2)),
        (LogLoss(), Target("multiclass", 1, (3,))),
        (FocalLoss(), BINARY),
    ],
    ids=str,
)
def test_the_mean_of_the_losses_of_rows_is_the_value(loss, target, rng):
    width = bind(loss, target, 7).build(target)
    raw = rng.standard_normal((7, width))
    y = rng.integers(0, 2, (7, target.n_outputs))
    y = y.astype(float) if target.kind in ("continuous", "multilabel") else y[:, 0]
    losses = loss.row_losses(raw, y)
    assert losses.shape == (7,)
    weight = np.arange(7.0)
    value = loss.value_and_gradient(raw, y, weight)[0]
    assert value == pytest.approx(weight @ losses / 7)


@pytest.mark.parametrize(
    "levels",
    [
        ["a"],
        ["0.1", "0.9"],
        [np.nan],
        [0.1, np.nan],
        [],
        [0.9, 0.1],
        [0.5, 1.5],
        [0.0],
        [None],
        [[0.1], [0.2, 0.3]],
        [[0.1, 0.2]],
        [1j],
        [10**400],
        {0.1, 0.9},
        np.array(["2020"], "M8[D]"),
    ],
)
def test_levels_that_are_none_are_refused_in_words(levels):
    with pytest.raises(ValueError, match=r"^Quantile expects quantiles "):
        bind(Quantile(levels), ONE)


def test_the_initial_bias_does_not_overflow_where_the_mean_does_not():
    y, huge = np.array([[1e308], [1e308], [1.5e308]]), np.full(3, 1e308)
    expected = 1e308 / 3 + 1e308 / 3 + 1.5e308 / 3
    for weight in (None, huge, np.full(3, 5e-324)):
        assert bind(SquaredError(), ONE).initial_bias(y, weight) == pytest.approx([expected])
