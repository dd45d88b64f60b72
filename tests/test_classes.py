"""The kind of a classifier's target, which is settled once, and its classes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from sknet import NeuralClassifier
from sknet.estimators.classes import as_classes, encode, learn_classes

BRIEF = {"hidden_layer_sizes": (4,), "max_iter": 1, "tol": 0, "random_state": 0}
X = np.random.default_rng(0).normal(size=(24, 3))
BITS = (X > 0).astype(int)
THREE = np.digitize(X, [-0.4, 0.4])


def classifier(**parameters):
    return NeuralClassifier(**{**BRIEF, **parameters})


def kind(y, classes=None):
    return learn_classes(np.asarray(y), classes)[1].kind


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([[0, 1], [1, 1]], "multilabel"),
        ([[True, False]], "multilabel"),
        ([[0.0, 1.0], [1.0, 1.0]], "multilabel"),
        ([[0, 0], [0, 0]], "multilabel"),
        ([[-1, 1], [1, 1]], "multioutput"),
        ([[1, 2], [2, 2]], "multioutput"),
        ([[0.0, 5.0], [5.0, 0.0]], "multioutput"),
        ([["0", "1"], ["1", "1"]], "multioutput"),
        ([[2, 2]], "multioutput"),
        ([0, 5, 0], "binary"),
        ([0, 1, 2], "multiclass"),
        ([7, 7], "multiclass"),
    ],
)
def test_only_columns_of_0_and_1_are_multilabel(y, expected):
    assert kind(y) == expected


@pytest.mark.parametrize("y", [[0.5, 1.5, 0.5], [[0.5, 1.5], [1.5, 0.5]]])
def test_floats_between_integers_are_no_labels(y):
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        kind(y)


@pytest.mark.parametrize(
    "recode",
    [
        lambda bits: 2 * bits - 1,
        lambda bits: bits + 1,
        lambda bits: 5.0 * bits,
        lambda bits: np.array(["no", "yes"])[bits],
        lambda bits: sparse.csr_array(2 * bits),
    ],
    ids=["-1/1", "1/2", "0/5", "words", "sparse"],
)
def test_two_values_a_column_are_learned_and_come_back(recode):
    y = recode(BITS)
    dense = y.toarray() if sparse.issparse(y) else y
    network = classifier(solver="lbfgs", max_iter=40).fit(X, y)
    reference = DecisionTreeClassifier().fit(X, dense).predict(X)
    assert_array_equal(network.predict(X), reference)
    assert network.loss_ >= 0
    # The columns are as those of any two classes: only their names differ.
    codes = classifier(solver="lbfgs", max_iter=40)
    codes.fit(X, np.vstack([BITS, [2, 2, 2]])[:-1] + 1)
    for p, q in zip(network.predict_proba(X), codes.predict_proba(X), strict=True):
        assert_array_equal(p, q)


def test_classes_settle_the_kind_whatever_the_first_rows_hold():
    Y = np.column_stack([THREE[:, 0], BITS[:, 1]])
    first = Y[:, 0] < 2
    network = classifier(learning_rate_init=0.1)
    network.partial_fit(X[first], Y[first], classes=[[0, 1, 2], [0, 1]])
    for _ in range(60):
        network.partial_fit(X, Y)
    assert [c.tolist() for c in network.classes_] == [[0, 1, 2], [0, 1]]
    assert_array_equal(np.unique(network.predict(X)[:, 0]), [0, 1, 2])


def test_a_list_of_zeros_and_ones_an_output_is_several_outputs_as_elsewhere():
    classes = [np.arange(2)] * 3
    network = classifier().partial_fit(X, BITS, classes=classes)
    wrapped = MultiOutputClassifier(MLPClassifier()).partial_fit(X, BITS, classes=classes)
    shapes = [p.shape for p in wrapped.predict_proba(X)]
    assert [p.shape for p in network.predict_proba(X)] == shapes == [(24, 2)] * 3


@pytest.mark.parametrize("classes", [np.arange(3), [0, 1], [False, True]])
def test_the_numbers_or_the_values_of_labels_say_multilabel(classes):
    told = classifier().partial_fit(X, BITS, classes=classes).partial_fit(X, BITS, classes=classes)
    untold = classifier().partial_fit(X, BITS).partial_fit(X, BITS)
    assert_array_equal(told.predict_proba(X), untold.predict_proba(X))


def test_several_classes_stay_so_where_later_rows_hold_zeros_and_ones_alone():
    network = classifier(warm_start=True, early_stopping=True).fit(X, THREE)
    network.fit(X, BITS).fit(X, BITS, X_val=X[:2], y_val=BITS[:2])
    network.set_params(early_stopping=False).partial_fit(X, BITS)
    assert [p.shape for p in network.predict_proba(X)] == [(24, 3)] * 3


@pytest.mark.parametrize(
    "y", [2 * BITS - 1, BITS * 0.5, BITS.astype(str), sparse.csr_array(2 * BITS)]
)
@pytest.mark.parametrize(
    "call",
    [
        lambda network, y: network.partial_fit(X, y),
        lambda network, y: network.fit(X, y),
        lambda network, y: network.fit(X, BITS, X_val=X, y_val=y),
    ],
    ids=["partial_fit", "warm_start", "y_val"],
)
def test_a_multilabel_network_refuses_other_values(call, y):
    network = classifier(warm_start=True).fit(X, BITS)
    with pytest.raises(ValueError, match=r"does not know: .*; it knows \[0, 1\]\. .*multilabel"):
        call(network, y)


@pytest.mark.parametrize("class_weight", [None, "balanced", [{0: 2}, {1: 3}, {}]])
def test_rows_of_weight_zero_may_hold_anything(class_weight):
    weight = np.repeat([0.0, 1.0], [4, 20])
    other = np.where(weight[:, None] == 0, 7, BITS)
    parameters = {"class_weight": class_weight, "warm_start": True}
    a = classifier(**parameters).fit(X, other, weight).fit(X, other, weight)
    b = classifier(**parameters).fit(X[4:], BITS[4:]).fit(X[4:], BITS[4:])
    assert_array_equal(a.predict_proba(X), b.predict_proba(X))


WRONG = {
    "no array": ({0, 1, 2}, "classes must be an array of labels .* got set"),
    "a dict": ({0: 1}, "classes must be an array of labels .* got dict"),
    "a word": ("abc", "classes must be an array of labels .* got str"),
    "an iterator": (iter([0, 1]), "classes must be an array of labels .* got list_iterator"),
    "empty": ([], r"classes must be an array of labels of one axis, got \[\]"),
    "None": ([0, None], "Input classes contains None"),
    "NaN": ([0, 1, np.nan], "Input classes contains NaN"),
    "a fraction": ([0, 0.5], "Unknown label type: continuous.* classes has floats"),
    "several types": ([0, "a"], "classes has labels of several types, int, str"),
}


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(
    ("classes", "message"),
    [
        *WRONG.values(),
        ([[0, 1, 2]], "classes must be one array of labels, as y has one label a row"),
        ([[0, 1, 2], [0, 1]], "classes must be one array of labels"),
    ],
)
def test_classes_of_one_label_a_row_are_checked(classes, message, later):
    y, network = THREE[:, 0], classifier()
    if later:
        network.partial_fit(X, y)
    with pytest.raises(ValueError, match=message):
        network.partial_fit(X, y, classes=classes)
    assert hasattr(network, "classes_") == later


def test_classes_may_be_all_labels_as_they_occur():
    y = THREE[:, 0]
    assert_array_equal(classifier().partial_fit(X[:5], y[:5], classes=y).classes_, [0, 1, 2])


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        *WRONG.values(),
        ([[0, 1, 2]], r"classes must be a list of 2 arrays, .* got \[\[0, 1, 2\]\]"),
        ([0, 1, 2], r"classes must be a list of 2 arrays, .* or np\.arange\(2\) if all columns"),
        (np.zeros((2, 2, 1)), r"classes\[0\] must be an array of labels of one axis"),
        ([[0, 1], None], r"classes\[1\] must be an array of labels .* got NoneType"),
        ([{0, 1}, {0, 1}], r"classes\[0\] must be an array of labels .* got set"),
        ([[0, 1], [0, 1, None]], r"Input classes\[1\] contains None"),
        ([[0, 1], []], r"classes\[1\] must be an array of labels of one axis"),
        ([[0, 1], ["a", "b"]], "classes has labels of several types"),
        ([b"a", b"b"], "Decode them"),
    ],
)
def test_classes_of_several_outputs_are_checked(classes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        as_classes(classes, 2)


@pytest.mark.parametrize(
    ("first", "classes"),
    [
        (BITS, [[0, 1]] * 3),
        (THREE, np.arange(3)),
        (THREE, [[0, 1, 2], [0, 1, 2], [0, 1]]),
        (THREE[:, 0], ["0", "1", "2"]),
        (THREE[:, 0], list(range(1000))),
    ],
)
def test_later_classes_are_those_of_the_first_call(first, classes):
    network = classifier().fit(X, first)
    with pytest.raises(
        ValueError, match=r"NeuralClassifier got classes=.*has been fitted to"
    ) as caught:
        network.partial_fit(X, first, classes=classes)
    assert len(str(caught.value)) < 300
    network.partial_fit(X, first, classes=network.classes_)


@pytest.mark.parametrize(
    ("labels", "classes", "known"),
    [
        (["a", "longer"], ["a", "b"], [True, False]),
        (np.array(["a", "c"], object), ["a", "b"], [True, False]),
        ([0, 1], ["0", "1"], [False, False]),
        ([0.0, 1.0, 1.5, 1e300], [0, 1], [True, True, False, False]),
        ([-1, 2], [False, True], [False, False]),
        ([2**53 + 1, 2**53], np.array([2**53 + 1, 2**64 - 1], np.uint64), [True, False]),
        (
            np.array(["2020-01-01", "2020-06-01"], "M8[D]"),
            np.array(["2020"], "M8[Y]"),
            [True, False],
        ),
        (np.array([1], "m8[D]"), [1], [False]),
    ],
)
def test_labels_are_found_by_value_and_never_by_what_a_cast_makes_of_them(labels, classes, known):
    codes, found = encode(np.asarray(labels), np.asarray(classes))
    assert_array_equal(found, known)
    assert_array_equal(np.asarray(classes)[codes[found]], np.asarray(labels)[found])


@pytest.mark.parametrize("words", [str, object])
@pytest.mark.parametrize("numbers_first", [False, True])
def test_labels_of_another_type_are_not_known(words, numbers_first):
    numbers = THREE[:, 0]
    texts = numbers.astype(str).astype(words)
    first, second = (numbers, texts) if numbers_first else (texts, numbers)
    network = classifier(warm_start=True).fit(X, first)
    message = "y has labels that NeuralClassifier does not know"
    for call in (
        lambda: network.fit(X, second),
        lambda: network.partial_fit(X, second),
        lambda: network.fit(X, first, X_val=X, y_val=second),
        lambda: network.score(X, second),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_dates_and_durations_are_labels():
    days = np.array(["2020-01-01", "2021-01-01"], "M8[D]")
    for labels in (days, days - days[0]):
        network = classifier(early_stopping=True, scoring="accuracy").fit(X, labels[BITS[:, 0]])
        assert_array_equal(network.classes_, labels)
        assert network.predict(X).dtype == labels.dtype
    rare = np.where(np.arange(24) == 3, np.datetime64("1999-12-31"), days[BITS[:, 0]])
    with pytest.raises(ValueError, match="class '1999-12-31' has only 1 row"):
        classifier(early_stopping=True).fit(X, rare)


def subset_accuracy(network, y, weight=None):
    return np.average((network.predict(X) == y).all(axis=1), weights=weight)


@pytest.mark.parametrize("y", [THREE, 2 * BITS - 1, BITS, BITS.astype(str)])
def test_the_score_of_several_outputs_is_the_share_of_rows_that_are_all_right(y):
    network = classifier(max_iter=20).fit(X, y)
    weight = np.arange(24.0)
    assert network.score(X, y) == pytest.approx(subset_accuracy(network, y))
    assert network.score(X, y, weight) == pytest.approx(subset_accuracy(network, y, weight))
    assert network.score(X, network.predict(X)) == 1


def test_labels_that_were_not_there_count_as_wrong_and_other_shapes_are_refused():
    network = classifier().fit(X, BITS)
    assert network.score(X, 2 + BITS) == 0
    assert classifier().fit(X, THREE[:, 0]).score(X, 5 + THREE[:, 0]) == 0
    for y, message in [
        (BITS[:, 0], "fitted to 3 outputs"),
        (BITS[:5], "inconsistent numbers of samples"),
        ([b"a"] * 24, "Decode"),
    ]:
        with pytest.raises((TypeError, ValueError), match=message):
            network.score(X, y)


def test_searches_and_early_stopping_score_several_outputs():
    search = GridSearchCV(classifier(), {"alpha": [1e-4, 1]}, cv=2).fit(X, THREE)
    assert 0 <= search.best_score_ <= 1
    assert np.isfinite(cross_val_score(classifier(), X, 2 * BITS - 1, cv=2)).all()
    network = classifier(early_stopping=True, scoring="accuracy", averaging=0.5)
    weight = np.arange(24.0)
    network.fit(X, THREE, X_val=X, y_val=THREE, sample_weight_val=weight)
    assert_allclose(network.validation_scores_, [subset_accuracy(network, THREE, weight)])
