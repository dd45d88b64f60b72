"""Random calls, right and wrong: a small part of ``python -m tests.fuzz``, and what it notices."""

import sys

import numpy as np
import pytest

from sknet import NeuralRegressor

from .fuzz import collect, describe
from .fuzzing import names, verdicts
from .fuzzing.arguments import GOOD_X
from .fuzzing.parameters import LAYERS
from .fuzzing.sequences import Call, Sequence, write_sequence
from .fuzzing.shrinking import shrink
from .fuzzing.state import difference, state_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bounds memory as Linux does")

ESTIMATOR = Call("NeuralRegressor", {"max_iter": "1", "tol": "0", "random_state": "0"}, True)


def rules_broken_by(function, *expressions):
    arguments = dict(enumerate(expressions))
    call = Call(function, arguments, positional=True)
    return [failure.rule for failure in verdicts.run(Sequence(None, [call]))]


def test_random_calls_succeed_or_say_in_a_sentence_what_is_wrong():
    found = collect(seed=102, n_sequences=250)
    if found:
        pytest.fail(describe(102, found), pytrace=False)


@pytest.mark.parametrize(
    "function, expression",
    [
        ("int", "'a'"),  # Python's ValueError
        ("np.stack", "[X, X[:3]]"),  # NumPy's ValueError
        ("np.sort", "as_objects([1, 'a'])"),  # Python's TypeError, inside NumPy
        ("pd.Series([1]).reindex", "[[1], [2, 3]]"),  # pandas
        ("float", "10**400"),  # no type that a user expects
        ("np.empty", "10**10"),  # more memory than is allowed
    ],
)
def test_words_that_are_not_of_sknet_are_noticed(function, expression):
    assert rules_broken_by(function, expression) == ["unreadable error"]


@pytest.mark.parametrize(
    "function, expressions",
    [
        ("NeuralRegressor(alpha=-1).fit", ["X", "TARGET"]),
        ("NeuralRegressor().fit", ["but(X, nan)", "TARGET"]),  # scikit-learn's sentence
        ("NeuralRegressor().predict", ["X"]),  # not fitted
        ("NeuralRegressor(solver='lbfgs').partial_fit", ["X", "TARGET"]),
        ("pad_sequences", ["[]"]),
        ("getattr", ["NeuralRegressor()", "'coefs_'"]),
    ],
)
def test_sentences_are_no_failures(function, expressions):
    assert rules_broken_by(function, *expressions) == []


def test_numbers_that_are_not_finite_are_noticed():
    assert rules_broken_by("np.array", "[1.0, nan]") == ["result is not finite"]
    assert rules_broken_by("np.log", "np.zeros(2)") == ["warning in foreign words"]


def test_a_call_that_takes_long_is_noticed(monkeypatch):
    monkeypatch.setattr(verdicts, "SECONDS", 0.05)
    assert rules_broken_by("all", "(True for _ in iter(int, 1))") == ["takes too long"]


def test_a_change_of_any_part_of_an_estimator_is_noticed():
    estimator = NeuralRegressor((2,), max_iter=1, tol=0, random_state=np.random.RandomState(0))
    estimator.fit(names.X, names.TARGET)
    before = state_of(estimator)
    assert not difference(before, state_of(estimator))
    changes = {
        "params": lambda: estimator.network_.params.__setitem__(0, 7.0),
        "history": lambda: estimator.history_["loss"].append(1.0),
        "random_state": estimator.random_state.random,
        "alpha": lambda: estimator.set_params(alpha=1),
    }
    for part, change in changes.items():
        change()
        after = state_of(estimator)
        assert difference(before, after), part
        before = after


def test_arguments_that_are_changed_are_noticed():
    rules = rules_broken_by("np.ndarray.sort", "X[::-1].copy().ravel()")
    assert rules == ["changes its arguments"]


@pytest.mark.parametrize("kind", LAYERS.keys() - {"codec", "texts", "ids"})
def test_good_layers_suit_their_samples(kind):
    for layers in LAYERS[kind]:
        estimator = eval(f"NeuralRegressor(layers={layers}, max_iter=1, tol=0)", vars(names))
        estimator.fit(eval(GOOD_X[kind][0], vars(names)), names.TARGET)


def test_a_sequence_is_the_same_each_time_and_can_be_shortened():
    assert str(write_sequence(3, 7)) == str(write_sequence(3, 7)) != str(write_sequence(3, 8))
    good = Call("estimator.fit", {"X": "X", "y": "TARGET"})
    bad = Call("int", {"x": "'a'"}, positional=True)
    [failure] = verdicts.run(Sequence(ESTIMATOR, [good, bad, good]))
    assert shrink(Sequence(ESTIMATOR, [good, bad, good]), failure.kind).calls == [bad]
