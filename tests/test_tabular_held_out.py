import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknet.losses import LogLoss, Target
from sknet.tabular.calibration import fit_temperature
from sknet.tabular.held_out import (
    HeldOut,
    interval,
    likely_classes,
    member_weights,
    relative_weights,
)


def members(n_rows=23, n_members=4):
    """Return what members predict, the rows that each has not seen, and errors of the rows."""
    rng = np.random.default_rng(0)
    held = [np.arange(n_rows)[m::n_members] for m in range(n_members)]
    return rng.normal(size=(n_members, 5)), held, np.abs(rng.normal(size=n_rows))


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_intervals_are_those_of_the_paper(coverage):
    predictions, held, residuals = members()
    n = len(residuals)
    shares = HeldOut(n, held).shares(np.arange(n))
    ends = interval(predictions, shares, residuals, coverage)
    of_row = np.empty(n, int)
    for member, rows in enumerate(held):
        of_row[rows] = member
    rank = int(np.ceil(coverage * (n + 1)))
    for x in range(5):
        low = -np.sort([residuals[i] - predictions[of_row[i], x] for i in range(n)])[rank - 1]
        high = np.sort([residuals[i] + predictions[of_row[i], x] for i in range(n)])[rank - 1]
        assert_allclose(ends[x], [low, high])


@pytest.mark.parametrize("coverage", [0.6, 0.8])
def test_weights_count_in_intervals_and_sets_as_rows_do(coverage):
    predictions, held, residuals = members()
    n, p = len(residuals), np.random.default_rng(1).dirichlet(np.ones(3), (4, 5))
    times, shares = np.arange(n) % 4 + 1, HeldOut(n, held).shares(np.arange(n))
    weights = relative_weights(times.astype(float), np.arange(n))
    ends = interval(predictions, shares, residuals, coverage, weights)
    # With each row as often as its weight says, and the correction for n rows.
    rank = int(np.ceil(coverage * (n + 1) / n * times.sum()))
    of_rows = np.repeat(predictions.T @ shares, times, axis=1)
    errors = np.repeat(residuals, times)
    assert_allclose(ends[:, 0], -np.sort(errors - of_rows, axis=1)[:, rank - 1])
    assert_allclose(ends[:, 1], np.sort(errors + of_rows, axis=1)[:, rank - 1])
    misses = residuals / residuals.max()
    sets = likely_classes(p, shares, misses, coverage, weights)
    for k in range(3):
        below = np.repeat(misses < 1 - p[:, :, k].T @ shares, times, axis=1).sum(axis=1)
        assert_array_equal(sets[:, k], below < coverage * (n + 1) / n * times.sum())
    assert relative_weights(np.full(n, 3.0), np.arange(n)) is None


def test_few_rows_leave_the_temperature_near_1():
    raw, y = np.full((8, 1), 4.0), np.ones(8, int)
    loss = LogLoss()
    loss.build(Target("binary", 1, (2,)))
    found = [
        fit_temperature(loss, np.tile(raw, (k, 1)), np.tile(y, k), None, 8 * k) for k in (1, 99)
    ]
    # Where all rows are right, only the penalty keeps it from 0: at the minimum its slope is that
    # of the loss.
    for temperature, penalty in zip(found, (1 / 32, 1 / 1000), strict=True):
        scaled = 4.0 / temperature
        slope = scaled / (1 + np.exp(scaled))
        assert 2 * penalty * np.log(temperature) == pytest.approx(-slope, rel=1e-2)
    assert found[1] < found[0] < 1


def test_too_few_rows_make_endless_intervals():
    predictions, held, residuals = members(6, 2)
    shares = HeldOut(6, held).shares(np.arange(6))
    assert_array_equal(np.isinf(interval(predictions, shares, residuals, 0.9)), True)


def test_sets_hold_the_classes_that_are_not_less_likely_than_the_true_ones():
    _, held, misses = members()
    misses /= misses.max()
    n = len(misses)
    shares = HeldOut(n, held).shares(np.arange(n))
    p = np.random.default_rng(1).dirichlet(np.ones(3), (4, 5))
    sets = likely_classes(p, shares, misses, 0.7)
    of_row = np.arange(n) % 4
    for x in range(5):
        for k in range(3):
            below = sum(misses[i] < 1 - p[of_row[i], x, k] for i in range(n))
            assert sets[x, k] == (below < 0.7 * (n + 1))


def test_means_are_of_the_members_that_have_not_seen_a_row():
    held = HeldOut(4, [np.array([0, 1]), np.array([1, 2])])
    mean = held.mean([np.array([1.0, 2.0]), np.array([4.0, 8.0])])
    assert_array_equal(mean, [1.0, 3.0, 8.0, np.nan])
    assert_array_equal(held.calibration_rows(np.array([1.0, 0.0, 2.0, 1.0])), [0, 2])
    assert_array_equal(held.shares(np.array([1, 2])), [[0.5, 0.0], [0.5, 1.0]])


def test_the_temperature_undoes_a_factor_of_the_logits():
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(4000, 3)) * 2
    p = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    y = (p.cumsum(axis=1) > rng.random((4000, 1))).argmax(axis=1)
    loss = LogLoss()
    loss.build(Target("multiclass", 1, (3,)))
    assert fit_temperature(loss, 3 * raw, y, None, 4000) == pytest.approx(3, rel=0.1)
    # Rows of weight 0 do not count.
    both, weight = np.r_[3 * raw, -raw], np.r_[np.full(4000, 2.0), np.zeros(4000)]
    assert fit_temperature(loss, both, np.r_[y, y], weight, 4000) == pytest.approx(3, rel=0.1)


def test_weights_of_members_fall_with_the_square_of_losses_that_no_chance_explains():
    losses = [np.full(5, 1.0), np.full(7, 2.0), np.full(3, 4.0)]
    weights = member_weights(losses, [None] * 3)
    assert_allclose(weights, np.array([16, 4, 1]) / 21, atol=1e-4)
    assert weights.sum() == pytest.approx(1.0, abs=1e-15)


def test_the_part_of_the_differences_that_chance_explains_is_taken_away():
    losses = [np.array([0.9, 1.1]), np.array([2.9, 3.1])]  # means 1 and 3, whose variance is 2
    chance = 0.1**2  # the variance of either mean: 2 (0.1 / 2)^2 times 2 / 1
    kept = 1 - 3.841 * chance / 2  # the 95 percent point of chi-squared with 1 degree of freedom
    judged = 2 + kept * np.array([-1, 1])
    expected = judged**-2.0 / np.sum(judged**-2.0)
    assert_allclose(member_weights(losses, [None] * 2), expected, atol=1e-4)
    # Rows of any weight, as long as it is the same, and losses of any scale.
    assert_allclose(member_weights(losses, [np.full(2, 3.0)] * 2), expected, atol=1e-4)
    for scale in (1e-300, 1e-160, 1e155, 1e300):
        scaled = [scale * each for each in losses]
        assert_allclose(member_weights(scaled, [None] * 2), expected, atol=1e-4)


def test_members_that_are_equally_good_seldom_have_unequal_weights():
    rng = np.random.default_rng(0)
    for n_members, n_rows in ((8, 100), (8, 20), (3, 50)):
        unequal = [
            np.ptp(member_weights(rng.chisquare(1, (n_members, n_rows)), [None] * n_members)) > 0
            for _ in range(200)
        ]
        assert np.mean(unequal) < 0.1


@pytest.mark.parametrize(
    "losses",
    [
        [[0.0, 10.0], [0.0, 9.0]],  # chance explains it
        [[1.0], [5.0, 5.0]],  # one row tells nothing
        [[], [5.0, 5.0]],
        [[0.0, 0.0], [0.0, 0.0]],
        [[np.inf, 1.0], [1.0, 1.0]],
        [[1.0, 2.0]],
    ],
)
def test_members_that_are_not_told_apart_have_equal_weights(losses):
    found = member_weights([np.array(each) for each in losses], [None] * len(losses))
    assert_array_equal(found, np.full(len(losses), 1 / len(losses)))


def test_a_row_that_weighs_more_judges_more():
    losses = [np.array([1.0, 1.1, 9.0]), np.array([2.0, 2.1, 2.2])]
    weights = [np.array([1.0, 1.0, 1e-9]), np.ones(3)]
    assert member_weights(losses, weights)[0] > 0.7
    # One row that has all the weight tells nothing, however small that of the others.
    losses = [np.array([1.0, 5.0]), np.array([3.0, 3.1])]
    for small in (0.0, 1e-12, 1e-3):
        found = member_weights(losses, [np.array([1.0, small])] * 2)
        assert_array_equal(found, [0.5, 0.5])
