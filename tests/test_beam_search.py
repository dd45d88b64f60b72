"""The search for target sequences: against all sequences, and against a loop."""

import itertools

import numpy as np
import pytest

from sknet.estimators.beam_search import BeamSearch

END, N_CODES = 2, 4


def table(seed):
    """Return a model of log-probabilities that depend on all codes before."""

    def following(owner, prefix):
        rng = np.random.default_rng([seed, owner, *prefix])
        z = 2 * rng.normal(size=N_CODES)
        return z - np.log(np.exp(z).sum())

    return following


def search(model, n, width, max_length, length_penalty=1.0):
    """Run a search and check that it asks for the rows that it says it keeps."""
    state = [(owner, ()) for owner in range(n)]

    def advance(rows, last):
        nonlocal state
        state = [state[row] for row in rows]
        if last is not None:
            state = [(o, (*p, int(c))) for (o, p), c in zip(state, last, strict=True)]
        return np.array([model(*each) for each in state])

    return BeamSearch(width, END, max_length, length_penalty)(n, advance)


def every_target(model, owner, max_length):
    """Return the log-likelihoods of all targets; those of the largest length may be cut."""
    found = {}
    for length in range(max_length + 1):
        for codes in itertools.product([0, 1, 3], repeat=length):
            log_p = sum(model(owner, codes[:i])[code] for i, code in enumerate(codes))
            if length < max_length:
                log_p += model(owner, codes)[END]
            found[codes] = log_p
    return found


@pytest.mark.parametrize("length_penalty", [0.0, 1.0, 2.0])
def test_a_beam_that_holds_all_beginnings_finds_the_best_target(length_penalty):
    model = table(0)
    found = search(model, 4, 40, 3, length_penalty)
    for owner, candidates in enumerate(found):
        targets = every_target(model, owner, 3)
        scores = {
            codes: log_p / min(len(codes) + 1, 3) ** length_penalty
            for codes, log_p in targets.items()
        }
        assert [tuple(one.ids) for one in candidates] == sorted(scores, key=lambda c: -scores[c])
        for one in candidates:
            assert one.log_p == pytest.approx(targets[tuple(one.ids)])
            assert one.score == pytest.approx(scores[tuple(one.ids)])


def test_a_beam_of_one_takes_the_likeliest_code_each_time():
    model = table(3)
    for owner, (one,) in enumerate(search(model, 8, 1, 6)):
        codes = []
        while len(codes) < 6 and (code := int(model(owner, codes).argmax())) != END:
            codes.append(code)
        assert one.ids.tolist() == codes


def test_what_is_found_does_not_depend_on_the_sources_beside_it():
    def alone(owner):
        return search(lambda _, prefix: table(1)(owner, prefix), 1, 3, 5)[0]

    for owner, candidates in enumerate(search(table(1), 6, 3, 5)):
        for one, other in zip(candidates, alone(owner), strict=True):
            assert one.ids.tolist() == other.ids.tolist() and one.log_p == other.log_p
        assert len(candidates) == 3
        assert all(a.score >= b.score for a, b in itertools.pairwise(candidates))


def test_a_wider_beam_finds_no_worse_a_target():
    narrow, wide = (search(table(5), 20, width, 6, 0.0) for width in (1, 12))
    better = [b[0].log_p - a[0].log_p for a, b in zip(narrow, wide, strict=True)]
    assert min(better) >= -1e-12 and max(better) > 0
