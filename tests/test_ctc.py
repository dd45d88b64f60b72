"""CTC: against the sum over all paths, central differences, and edge cases."""

import itertools

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp

from sknet.losses import CTC, Target
from sknet.places import Layout, Transcripts
from sknet.testing import check_loss

N_LABELS = 2
#: Label sequences, and for each how many outputs of the five are real.
LABELS = [[0, 1], [1, 1], [0, 0, 1], [], [1], [0, 1, 0, 1, 0]]
STEPS = np.array([5, 4, 5, 3, 1, 5])


def transcripts(labels=LABELS, steps=STEPS, is_real=None):
    lengths = np.array([len(each) for each in labels])
    layout = Layout(np.asarray(steps), is_list=True, is_real=is_real)
    values = np.array(list(itertools.chain.from_iterable(labels)), dtype=np.intp)
    places = layout.place(np.empty(layout.lengths.sum()))
    return Transcripts(values, np.cumsum(lengths) - lengths, lengths, places)


def loss():
    found = CTC()
    assert found.build(Target("sequences", 1, (N_LABELS,))) == N_LABELS + 1
    found.allocate(len(LABELS), np.float64)
    return found


def reading(path):
    """Return what a path reads as: repetitions are one label, blanks are left out."""
    return [code for code, _ in itertools.groupby(path) if code != N_LABELS]


def by_all_paths(raw, labels):
    """Return the log-likelihood of labels, and how likely each code is at each step given them."""
    log_p, paths = (
        log_softmax(raw, axis=1),
        itertools.product(range(N_LABELS + 1), repeat=len(raw)),
    )
    paths = [path for path in paths if reading(path) == list(labels)]
    logs = np.array([sum(log_p[t, code] for t, code in enumerate(path)) for path in paths])
    total = logsumexp(logs)
    occupancy = np.zeros_like(raw)
    for path, share in zip(paths, np.exp(logs - total), strict=True):
        occupancy[np.arange(len(raw)), list(path)] += share
    return total, np.exp(log_p) - occupancy


def test_the_loss_is_the_sum_over_all_paths():
    raw = 2 * np.random.default_rng(0).normal(size=(6, 5, N_LABELS + 1))
    y, weight = transcripts(), np.array([1, 0.5, 2, 1, 1, 3])
    expected = [by_all_paths(raw[i, :n], LABELS[i]) for i, n in enumerate(STEPS)]
    losses = [-total for total, _ in expected]
    np.testing.assert_allclose(loss().row_losses(raw, y), losses, rtol=1e-12)
    value, gradient = loss().value_and_gradient(raw, y, weight)
    assert value == pytest.approx(np.mean(weight * losses), rel=1e-12)
    for i, n in enumerate(STEPS):
        np.testing.assert_allclose(gradient[i, :n], weight[i] * expected[i][1] / 6, atol=1e-13)
        assert not gradient[i, n:].any()
    assert loss().value_and_gradient(raw, y)[0] == pytest.approx(np.mean(losses))


def test_the_loss_keeps_the_contract():
    check_loss(CTC())


def test_the_gradient_is_that_of_central_differences():
    rng = np.random.default_rng(1)
    raw, y, weight = rng.normal(size=(6, 5, 3)), transcripts(), rng.uniform(size=6)
    given = raw.copy()
    _, gradient = loss().value_and_gradient(raw, y, weight)
    assert np.array_equal(raw, given)
    for index in np.ndindex(raw.shape):
        values = []
        for step in (1e-5, -1e-5):
            raw[index] = given[index] + step
            values.append(loss().value_and_gradient(raw, y, weight)[0])
        raw[index] = given[index]
        assert (values[0] - values[1]) / 2e-5 == pytest.approx(gradient[index], abs=1e-9)


def test_likelihoods_of_all_label_sequences_add_up_to_one():
    raw = np.random.default_rng(2).normal(size=(1, 4, 3))
    every = [list(c) for n in range(5) for c in itertools.product([0, 1], repeat=n)]
    y = transcripts(every, [4] * len(every))
    losses = loss().row_losses(np.repeat(raw, len(every), axis=0), y)
    assert np.exp(-losses).sum() == pytest.approx(1)
    # A label that follows itself takes a blank between.
    too_long = [i for i, each in enumerate(every) if each in ([0, 0, 0], [0, 0, 1, 0])]
    assert np.isinf(losses[too_long]).all()


def test_a_batch_gives_what_its_samples_give_alone_wherever_real_outputs_stand():
    raw = np.random.default_rng(3).normal(size=(2, 5, 3))
    is_real = np.array([1, 0, 1, 1, 0, 0, 1, 1, 0, 1], bool)
    y = transcripts([[0, 1], [1]], [5, 5], is_real)
    value, gradient = loss().value_and_gradient(raw, y)
    parts = []
    for row, labels in enumerate(([0, 1], [1])):
        real = is_real[5 * row : 5 * row + 5]
        alone = transcripts([labels], [3])
        part, grad = loss().value_and_gradient(raw[row : row + 1, real], alone)
        np.testing.assert_allclose(gradient[row, real], grad[0] / 2)
        assert not gradient[row, ~real].any()
        parts.append(part)
    assert value == pytest.approx(np.mean(parts))


def test_long_and_certain_outputs_stay_exact():
    steps = 400
    raw = np.full((1, steps, 3), -60.0)
    raw[0, np.arange(steps), np.where(np.arange(steps) % 2, 2, 0)] = 60.0  # 0, blank, 0, blank ...
    y = transcripts([[0] * (steps // 2)], [steps])
    value, gradient = loss().value_and_gradient(raw, y)
    assert abs(value) < 1e-10 and abs(gradient).max() < 1e-10
    value, gradient = loss().value_and_gradient(raw, transcripts([[1]], [steps]))
    # At each second step a path takes the label 1 or a blank, either of which costs 120.
    assert value == pytest.approx(120 * steps / 2, rel=1e-3) and np.isfinite(gradient).all()
    single = loss().value_and_gradient(raw.astype(np.float32), transcripts([[1]], [steps]))
    assert single[0] == pytest.approx(value, rel=1e-6) and single[1].dtype == np.float32


def test_other_targets_are_refused():
    with pytest.raises(ValueError, match="expects a sequences target, got a multiclass one"):
        CTC().build(Target("multiclass", 1, (3,)))
    start = loss().initial_bias(transcripts())
    assert start.tolist() == [0, 0, 0]
