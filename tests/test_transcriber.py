"""The transcriber: reading outputs, training, resumption, containers, bad input."""

import itertools
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils import estimator_checks

import sknet
from sknet import NeuralTranscriber
from sknet.estimators.transcription import beam_search, edit_distance, greedy_path
from sknet.layers import (
    GRU,
    Bidirectional,
    Conv1D,
    Dense,
    GlobalMaxPool1D,
    Masking,
    MaxPool1D,
    TransformerBlock,
)

MARKS = {"a": [1.0, 0, 0], "b": [0, 1.0, 0]}
Y = ["ab", "ba", "aab", "bb", "b", "abab"]


def frames(text, seed=0, silence=1):
    """Return frames of each character, of unequal length, with silence after it."""
    rng = np.random.default_rng([seed, len(text)])
    rows = []
    for mark in text:
        rows += [MARKS[mark]] * rng.integers(1, 4) + [[0, 0, 1.0]] * silence
    return np.array(rows or [[0, 0, 1.0]]) + 0.1 * rng.normal(size=(max(len(rows), 1), 3))


X = [frames(text) for text in Y]


def model(layers=None, **parameters):
    layers = [Conv1D(6, 3, padding="same")] if layers is None else layers
    defaults = {"max_iter": 3, "learning_rate_init": 0.03, "random_state": 0, "tol": 0}
    return NeuralTranscriber(layers, **{**defaults, **parameters})


def reading(path, blank):
    return tuple(code for code, _ in itertools.groupby(path) if code != blank)


def test_a_beam_that_holds_all_beginnings_adds_up_all_paths():
    rng = np.random.default_rng(0)
    for _ in range(5):
        p = rng.dirichlet(np.ones(3), size=5)
        expected = {}
        for path in itertools.product(range(3), repeat=5):
            key = reading(path, 2)
            expected[key] = expected.get(key, 0.0) + np.prod(p[np.arange(5), path])
        found = beam_search(np.log(p), 1000)
        assert len(found) == len(expected)
        for codes, log_p in found:
            assert np.exp(log_p) == pytest.approx(expected[codes])
        best = max(expected, key=expected.get)
        assert found[0][0] == best == beam_search(np.log(p), 6)[0][0]
        assert tuple(greedy_path(np.log(p))) == reading(p.argmax(axis=1), 2)


def test_certain_outputs_are_read_alike_by_both_searches():
    log_p = np.full((6, 3), -np.inf)
    log_p[np.arange(6), [0, 0, 2, 0, 1, 1]] = 0.0
    assert greedy_path(log_p).tolist() == [0, 0, 1]
    assert beam_search(log_p, 3)[0] == ((0, 0, 1), 0.0)


def recursive_distance(a, b):
    if not a or not b:
        return len(a) + len(b)
    changed = recursive_distance(a[1:], b[1:]) + (a[0] != b[0])
    return min(changed, 1 + recursive_distance(a[1:], b), 1 + recursive_distance(a, b[1:]))


def test_the_edit_distance_is_the_least_number_of_changes():
    rng = np.random.default_rng(0)
    assert edit_distance(np.array([], int), np.array([1, 2])) == 2
    assert edit_distance(*(np.array([ord(c) for c in s]) for s in ("kitten", "sitting"))) == 3
    for _ in range(30):
        a, b = (rng.integers(0, 3, rng.integers(0, 6)) for _ in range(2))
        assert edit_distance(a, b) == recursive_distance(a.tolist(), b.tolist())


@pytest.mark.parametrize(
    "layers",
    [
        None,
        [Bidirectional(GRU(6, return_sequences=True))],
        [Conv1D(8, 3, padding="same"), TransformerBlock(2), 4],
    ],
    ids=["convolution", "gru", "transformer"],
)
def test_marks_are_read_though_nobody_says_where_they_are(layers):
    y = Y * 5
    X = [frames(text, seed) for seed, text in enumerate(y)]
    fitted = model(layers, max_iter=60, batch_size=10).fit(X, y)
    assert fitted.score(X, y) > 0.9
    assert fitted.classes_.tolist() == ["a", "b"]
    assert fitted.set_params(beam_size=4).score(X, y) > 0.9


def test_the_score_is_one_less_the_label_error_rate():
    fitted = model(max_iter=10).fit(X, Y)
    predicted = fitted.predict(X)
    errors = [
        edit_distance(np.array(list(a)), np.array(list(b)))
        for a, b in zip(predicted, Y, strict=True)
    ]
    assert fitted.score(X, Y) == pytest.approx(1 - sum(errors) / sum(map(len, Y)))
    weight = np.array([0, 3, 1, 0, 0, 2])
    expected = 1 - weight @ errors / (weight @ [len(text) for text in Y])
    assert fitted.score(X, Y, sample_weight=weight) == pytest.approx(expected)


def test_probabilities_are_those_of_each_output_and_add_up_to_likelihoods():
    layers = [Conv1D(4, 3, padding="same"), MaxPool1D(2, padding="same")]
    fitted = model(layers).fit([X[3]] * 2 + X[:3], ["b", "ab", "a", "b", ""])
    probabilities = fitted.predict_proba(X)
    assert [len(each) for each in probabilities] == [-(-len(x) // 2) for x in X]
    for each, logs in zip(probabilities, fitted.predict_log_proba(X), strict=True):
        np.testing.assert_allclose(each.sum(axis=1), 1)
        np.testing.assert_allclose(np.exp(logs), each)
    every = ["".join(c) for n in range(6) for c in itertools.product("ab", repeat=n)]
    log_p = fitted.score_samples([X[4]] * len(every), every)
    assert np.exp(log_p).sum() == pytest.approx(1)
    short = every.index("aaaaa")
    assert log_p[short] == -np.inf or len(probabilities[4]) >= 9


def test_the_loss_of_an_epoch_is_the_mean_of_the_samples_weighted():
    options = {"learning_rate_init": 1e-12, "max_iter": 1, "alpha": 0}
    weight = np.array([1.0, 2, 0, 1, 1, 4])
    fitted = model(**options).fit(X, Y, sample_weight=weight, X_val=X[:2], y_val=Y[:2])
    log_p = fitted.score_samples(X, Y)
    assert fitted.loss_ == pytest.approx(-np.average(log_p, weights=weight))
    assert fitted.history_["validation_loss"][0] == pytest.approx(-log_p[:2].mean())


def test_a_sequence_is_read_alike_alone_and_among_others(tmp_path):
    fitted = model([Bidirectional(GRU(4, return_sequences=True))], max_iter=20).fit(X, Y)
    together, log_p = fitted.predict(X), fitted.score_samples(X, Y)
    for i, x in enumerate(X):
        assert fitted.predict([x]).tolist() == [together[i]]
        assert fitted.score_samples([x], [Y[i]]) == pytest.approx(log_p[i])
    path = tmp_path / "model.sknet"
    sknet.save(fitted, path)
    for copy in (pickle.loads(pickle.dumps(fitted)), sknet.load(path), clone(fitted).fit(X, Y)):
        assert copy.predict(X).tolist() == together.tolist()


def test_masked_steps_are_left_out():
    layers = [Masking(-9.0), GRU(4, return_sequences=True)]
    padded = np.full((6, 20, 3), -9.0)
    for row, x in zip(padded, X, strict=True):
        row[: len(x)] = x
    ragged = model(layers, input_shape=(None, 3)).fit(X, Y)
    uniform = model(layers, input_shape=(20, 3)).fit(padded, Y)
    np.testing.assert_allclose(uniform.network_.params, ragged.network_.params, atol=1e-10)
    np.testing.assert_allclose(uniform.score_samples(padded, Y), ragged.score_samples(X, Y))


def test_labels_are_texts_or_arrays_of_any_labels():
    codes = [[0 if c == "a" else 7 for c in text] for text in Y]
    words = [["one" if c == "a" else "seven" for c in text] for text in Y]
    texts = model(max_iter=20).fit(X, Y)
    for y, labels in (
        (codes, [0, 7]),
        (words, ["one", "seven"]),
        ([np.array(c) for c in codes], [0, 7]),
    ):
        fitted = model(max_iter=20).fit(X, y)
        assert fitted.classes_.tolist() == labels
        assert np.array_equal(fitted.network_.params, texts.network_.params)
        found = fitted.predict(X)
        assert ["".join("ab"[labels.index(c)] for c in row) for row in found] == texts.predict(
            X
        ).tolist()
        assert fitted.score(X, y) == texts.score(X, Y)
    same_length = model(max_iter=1).fit(np.stack([x[:3] for x in X]), np.array([[0, 1]] * 6))
    assert same_length.predict_proba(np.stack([x[:3] for x in X])).shape == (6, 3, 3)


def test_training_in_two_halves_is_training_at_once():
    options = {"batch_size": 2, "averaging": 0.9}
    whole = model(max_iter=4, **options).fit(X, Y)
    parts = model(max_iter=2, warm_start=True, **options).fit(X, Y)
    parts = pickle.loads(pickle.dumps(parts)).fit(X, Y)
    assert np.array_equal(parts.network_.params, whole.network_.params)
    passes = model(max_iter=4, **options)
    for _ in range(4):
        passes.partial_fit(X, Y)
    assert np.array_equal(passes.network_.params, whole.network_.params)


def test_progress_is_judged_on_samples_held_out():
    fitted = model(early_stopping=True, max_iter=3).fit(X * 4, Y * 4)
    assert len(fitted.validation_scores_) == 3
    exact = model(scoring="accuracy").fit(X, Y, X_val=X, y_val=Y)
    assert exact.validation_scores_[-1] == np.mean(exact.predict(X) == np.array(Y, dtype=object))
    with pytest.raises(ValueError, match="scoring"):
        model(scoring="accurate").fit(X, Y)
    search = GridSearchCV(model(), {"layers__0__filters": [2, 4]}, cv=2, error_score="raise")
    search.fit(X * 2, Y * 2)
    assert search.score(X, Y) == search.best_estimator_.score(X, Y)


def test_the_default_network_is_a_bidirectional_gru():
    fitted = NeuralTranscriber(max_iter=1, tol=0, random_state=0).fit(X, Y)
    assert isinstance(fitted.network_[0], Bidirectional)
    assert len(fitted.predict(X)) == 6


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"beam_size": 0}, "'beam_size' parameter"),
        ({"layers": [GRU(4)]}, r"a vector for each step, of shape \(T, F\), got \(4,\)"),
        ({"layers": [GlobalMaxPool1D()]}, r"of shape \(T, F\), got \(3,\)"),
        ({"layers": [MaxPool1D(9, padding="same")]}, "2 for the 2 labels at position 0, got 1"),
        ({"layers": [Dense]}, "layers__0 must be a layer"),
    ],
)
def test_parameters_that_cannot_work_are_refused(parameters, message):
    with pytest.raises((TypeError, ValueError), match=message):
        model(**parameters).fit([frames(text)[:9] for text in Y], Y)


@pytest.mark.parametrize(
    "y, message",
    [
        ("ab", "y to be a list of label sequences, got a single str"),
        (None, "y to be a list of label sequences"),
        (Y[:3], "a label sequence in y for each sample of X, got 6 samples and 3"),
        ([0, 1, 1, 0, 0, 1], "a sequence of labels for each sample.*got int at position 0"),
        ([np.zeros((2, 2), int)] * 6, r"got shape \(2, 2\) at position 0"),
        ([["a"], "ab"] * 3, "got list at position 0 and str at position 1"),
        ([[0, "a"]] * 6, "labels of several types"),
        ([[0, np.nan]] * 6, "contains NaN"),
        ([""] * 6, "at least one label in y, got none"),
        ([], "at least one label sequence in y, got none"),
        ([[[0, 1], [1, 0]]] * 6, "got sequences of lists. Give each label as one number or str"),
        (["a" * 20] * 6, "39 for the 20 labels at position 0"),
    ],
)
def test_what_are_no_label_sequences_is_refused(y, message):
    with pytest.raises((TypeError, ValueError), match=message):
        model().fit(X, y)


def test_a_failed_call_changes_nothing():
    fitted = model(warm_start=True).fit(X, Y)
    before = pickle.dumps(fitted)
    for y, message in (
        (["c"] * 6, r"fitted to the labels \['a', 'b'\], got in y \['c'\] as well"),
        ([[1]] * 6, r"fitted to labels such as \['a', 'b'\], got others in y: \[1\]"),
        (Y[:2], "6 samples and 2 label sequences"),
    ):
        for call in (fitted.fit, fitted.partial_fit, fitted.score, fitted.score_samples):
            with pytest.raises(ValueError, match=message):
                call(X, y)
    assert pickle.dumps(fitted) == before
    with pytest.raises(ValueError, match="at least one label in y, got empty sequences alone"):
        fitted.score(X[:1], [""])


CHECKS = [
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_mixin_order",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_estimators_unfitted",
]


@pytest.mark.parametrize("check", CHECKS)
def test_scikit_learns_checks_that_need_no_table_pass(check):
    getattr(estimator_checks, check)("NeuralTranscriber", NeuralTranscriber())


def test_nothing_is_read_from_nan_and_probabilities_are_warned_of():
    fitted = model(max_iter=1).fit(X, Y)
    fitted.network_["output"].bias_[:] = np.nan
    with pytest.raises(ValueError, match="NeuralTranscriber cannot choose by scores that are NaN"):
        fitted.predict(X)
    with pytest.warns(RuntimeWarning, match="NeuralTranscriber: the outputs of"):
        fitted.predict_proba(X)
    with pytest.warns(RuntimeWarning, match="NeuralTranscriber: the outputs of 6 of 6 rows"):
        fitted.score_samples(X, Y)


@pytest.mark.parametrize("weight", [np.ones((6, 2)), [[1], [2]] * 3, ["a"] * 6, [1] * 5, [0] * 6])
def test_weights_are_those_of_samples(weight):
    with pytest.raises(ValueError, match=r"(?i)sample_?.?weight"):
        model().fit(X, Y, sample_weight=weight)
