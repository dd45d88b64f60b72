"""Tests of the loss of several targets against its parts."""

import pickle

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.base import clone

from sknet.losses import AbsoluteError, FunctionLoss, Gaussian, LogLoss, SquaredError, Target
from sknet.losses.several import SeveralLosses

THREE = Target("several", 3, (0, 2, 3))
RNG = np.random.default_rng(0)
RAW = RNG.normal(size=(8, 5))
Y = np.column_stack([RNG.normal(size=8), np.arange(8) % 2, np.arange(8) % 3])
Y[[0, 3], 0] = Y[[0, 1, 2], 1] = Y[[0, 7], 2] = np.nan
WEIGHTS = RNG.uniform(0.5, 1.5, 8)


LOSSES = [SquaredError(), LogLoss(), LogLoss()]


def made(losses=LOSSES, weights=(1.0, 0.5, 2.0), dtype=np.float64):
    loss = SeveralLosses([clone(each) for each in losses], list(weights))
    loss.build(THREE)
    loss.allocate(len(RAW), dtype)
    return loss


def formula(raw, y, shares):
    """The loss as a sum over the known cells, written out."""
    total = 0.0
    for z, (number, label, code), share in zip(raw, y, shares, strict=True):
        parts = [
            (z[0] - number) ** 2 / 2,
            np.logaddexp(0, -z[1] if label == 1 else z[1]) / 2,
            0.0 if np.isnan(code) else -2 * log_softmax(z[2:])[int(code)],
        ]
        total += share * sum(
            p for p, cell in zip(parts, (number, label, 0), strict=True) if cell == cell
        )
    return total / len(raw)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
def test_the_value_is_the_weighted_sum_over_what_is_known(weights):
    value, gradient = made().value_and_gradient(RAW, Y, weights)
    shares = np.ones(8) if weights is None else weights
    assert value == pytest.approx(formula(RAW, Y, shares), rel=1e-12)
    step = 1e-6
    for index in np.ndindex(RAW.shape):
        shift = np.zeros_like(RAW)
        shift[index] = step
        difference = formula(RAW + shift, Y, shares) - formula(RAW - shift, Y, shares)
        assert gradient[index] == pytest.approx(difference / (2 * step), abs=1e-8)
    assert not gradient[0].any()
    rows = made().row_losses(RAW, Y)
    assert np.mean(rows * shares) == pytest.approx(value, rel=1e-12)


def test_it_keeps_the_contract_of_a_loss():
    loss, out, before = made(), np.full_like(RAW, np.nan), RAW.copy()
    value, gradient = loss.value_and_gradient(RAW, Y, WEIGHTS, out)
    assert gradient is out
    assert type(value) is float
    np.testing.assert_array_equal(RAW, before)
    kept = out.copy()
    for same in (pickle.loads(pickle.dumps(loss)), made()):
        found = same.value_and_gradient(RAW, Y, WEIGHTS)
        assert found[0] == value
        np.testing.assert_array_equal(found[1], kept)
    short = made().value_and_gradient(RAW[:3], Y[:3], WEIGHTS[:3])[1]
    np.testing.assert_allclose(short * 3 / 8, kept[:3], rtol=1e-12)
    single = made(dtype=np.float32)
    arrays = (each.astype(np.float32) for each in (RAW, Y, WEIGHTS))
    found = single.value_and_gradient(*arrays)
    assert found[1].dtype == np.float32
    np.testing.assert_allclose(found[1], kept, rtol=1e-4, atol=1e-6)


def test_copies_do_not_share_scratch_memory():
    loss = made()
    other = clone(loss)
    other.build(THREE)
    other.allocate(2, np.float64)
    gradient = loss.value_and_gradient(RAW, Y)[1].copy()
    other.value_and_gradient(RAW[:2] + 1, Y[:2])
    np.testing.assert_array_equal(loss.value_and_gradient(RAW, Y)[1], gradient)


def test_a_batch_in_which_a_target_is_unknown_has_no_gradient_of_it():
    y = Y.copy()
    y[:, 2] = np.nan
    gradient = made().value_and_gradient(RAW, y)[1]
    assert not gradient[:, 2:].any()
    assert gradient[:, :2].any()
    nothing = made().value_and_gradient(RAW, np.full_like(Y, np.nan))
    assert nothing[0] == 0.0
    assert not nothing[1].any()


def test_the_initial_bias_is_that_of_the_known_rows():
    bias = made().initial_bias(Y, WEIGHTS)
    known = ~np.isnan(Y)
    assert bias[0] == pytest.approx(np.average(Y[known[:, 0], 0], weights=WEIGHTS[known[:, 0]]))
    share = np.average(Y[known[:, 1], 1], weights=WEIGHTS[known[:, 1]])
    assert bias[1] == pytest.approx(np.log(share / (1 - share)))
    counts = np.bincount(Y[known[:, 2], 2].astype(int), WEIGHTS[known[:, 2]])
    np.testing.assert_allclose(np.exp(log_softmax(bias[2:])), counts / counts.sum())


def test_blocks_are_as_wide_as_the_losses_need():
    loss = made([Gaussian(), LogLoss(), LogLoss()])
    assert loss.build(THREE) == 2 + 1 + 3
    means, sold, color = loss.inverse_link(np.zeros((4, 6)))
    assert (means.shape, sold.shape, color.shape) == ((4, 1), (4, 2), (4, 3))
    assert made().takes_standardized
    plain = FunctionLoss(lambda y, p: np.abs(y - p), lambda y, p: np.sign(p - y))
    loss = made([plain, LogLoss(), LogLoss()])
    assert not loss.takes_standardized
    reference = made([AbsoluteError(), LogLoss(), LogLoss()])
    np.testing.assert_array_equal(
        loss.value_and_gradient(RAW, Y)[1], reference.value_and_gradient(RAW, Y)[1]
    )
