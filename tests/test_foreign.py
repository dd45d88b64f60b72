"""What becomes of the models of other frameworks: estimators, classes, training, files."""

import pickle
import sys

import numpy as np
import pytest
from sklearn.base import clone

import sknet
from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor
from sknet.interop import from_keras, from_torch, to_keras
from sknet.interop.foreign import plain_name
from sknet.layers import LSTM, Dense, Dropout, Embedding, Flatten, MaxPool2D, Parallel, Pretrained
from sknet.losses import Quantile

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
HIDDEN = {"a.weight": rng.normal(size=(4, 3)), "a.bias": rng.normal(size=4)}
Z = np.maximum(X @ HIDDEN["a.weight"].T + HIDDEN["a.bias"], 0)


def scores(n_outputs, end=None, **options):
    """Return an estimator of two layers, and the scores that its last one gives."""
    weight, bias = rng.normal(size=(n_outputs, 4)), rng.normal(size=n_outputs)
    layers = [Dense(4, "relu"), Dense(n_outputs, end)]
    state = {**HIDDEN, "b.weight": weight, "b.bias": bias}
    return from_torch(state, layers, **options), Z @ weight.T + bias


def logistic(scores):
    return 1 / (1 + np.exp(-scores))


@pytest.mark.parametrize("classes", [None, ["c", "a", "b"], [5, 1, 3]])
def test_softmax_makes_a_classifier_whose_classes_are_sorted(classes):
    estimator, found = scores(3, "softmax", classes=classes)
    labels = np.arange(3) if classes is None else np.array(classes)
    np.testing.assert_array_equal(estimator.classes_, np.sort(labels))
    np.testing.assert_array_equal(estimator.predict(X), labels[found.argmax(axis=1)])
    shares = np.exp(found) / np.exp(found).sum(axis=1, keepdims=True)
    probabilities = estimator.predict_proba(X)
    np.testing.assert_allclose(probabilities, shares[:, np.argsort(labels)], atol=1e-12)


@pytest.mark.parametrize("classes", [["no", "yes"], ["yes", "no"]])
def test_two_classes_of_one_or_of_two_outputs(classes):
    one, found = scores(1, "logistic", classes=classes)
    second = list(one.classes_).index(classes[1])
    expected = logistic(found[:, 0])
    np.testing.assert_allclose(one.predict_proba(X)[:, second], expected, atol=1e-12)
    two, found = scores(2, classes=classes)
    expected = logistic(found[:, 1] - found[:, 0])
    np.testing.assert_allclose(two.predict_proba(X)[:, second], expected, atol=1e-12)


def test_several_logistic_outputs_are_labels():
    estimator, found = scores(3, "logistic")
    np.testing.assert_allclose(estimator.predict_proba(X), logistic(found), atol=1e-12)
    np.testing.assert_array_equal(estimator.predict(X), found > 0)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_regression(n_outputs):
    estimator, found = scores(n_outputs)
    assert isinstance(estimator, NeuralRegressor)
    np.testing.assert_allclose(estimator.predict(X), np.squeeze(found), atol=1e-12)
    bounded, found = scores(n_outputs, "logistic", estimator=NeuralRegressor())
    np.testing.assert_allclose(bounded.predict(X), np.squeeze(logistic(found)), atol=1e-12)


def test_softmax_inside_a_model():
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=(4, 3)), rng.normal(size=(2, 4))
    layers = [Dense(4, "softmax", use_bias=False), Dense(2, use_bias=False)]
    found = from_torch({"a.weight": first, "b.weight": second}, layers).predict(X)
    powers = np.exp(X @ first.T)
    shares = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, shares @ second.T, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_precision_is_that_of_the_weights_or_of_the_estimator(dtype):
    state = {name: array.astype(dtype) for name, array in HIDDEN.items()}
    assert from_torch(state, [Dense(4)]).predict(X).dtype == dtype
    wide = from_torch(state, [Dense(4)], NeuralRegressor(dtype="float64"))
    assert wide.predict(X).dtype == np.float64


def test_training_is_resumed_from_the_weights_and_the_files_resume_as_well(tmp_path):
    given = NeuralClassifier(max_iter=2, tol=0, random_state=0)
    estimator, _ = scores(2, "softmax", estimator=given, classes=["b", "a"])
    y = np.where(X[:, 0] > 0, "a", "b")
    before = estimator._loss, estimator.predict_proba(X)
    sknet.save(estimator, tmp_path / "model.sknet")
    copies = [sknet.load(tmp_path / "model.sknet"), pickle.loads(pickle.dumps(estimator))]
    start = estimator.get_weights()
    estimator.fit(X, y)
    assert estimator.n_iter_ == 2
    # Adam moves no weight by more than its rate in a step.
    moved = max(abs(w - start[name]).max() for name, w in estimator.get_weights().items())
    assert 0 < moved < 2.1e-3
    for copy in copies:
        np.testing.assert_array_equal(copy.predict_proba(X), before[1])
        np.testing.assert_array_equal(copy.fit(X, y).predict_proba(X), estimator.predict_proba(X))
    assert not hasattr(given, "network_")
    assert not hasattr(clone(estimator), "network_")


def test_partial_fit_and_pretrained_take_it():
    estimator, _ = scores(2, "softmax")
    assert estimator.partial_fit(X, X[:, 0] > 0).n_iter_ == 1
    fitted, _ = scores(3, "softmax")
    layers = [Pretrained(fitted)]
    other = NeuralRegressor(layers=layers, max_iter=1, tol=0).fit(X, X[:, 0])
    np.testing.assert_allclose(other.network_.activations(X, 0), Z, atol=1e-12)


def test_free_lengths_begin_where_the_layers_can():
    weight = rng.normal(size=(2, 3))
    layers = [MaxPool2D(3), Flatten(), Dense(2)]
    with pytest.raises(ValueError, match="MaxPool2D"):
        from_torch({"a.weight": weight}, layers, input_shape=(None, 2, 1))


EMBEDDED = {"a.weight": np.ones((5, 180))}
WIDE = [Embedding(180, input_dim=5), Flatten()]
STATE = {**HIDDEN, "b.weight": np.eye(4)}
WRONG = [
    ("3 different labels in the order", {"classes": [1, 2]}),
    ("3 different labels in the order", {"classes": [1, 2, 1]}),
    ("got classes for a NeuralRegressor", {"estimator": NeuralRegressor(), "classes": [1, 2, 3]}),
    ("ends with the function 'softmax', and the loss", {"estimator": NeuralRegressor()}),
    ("to be a NeuralClassifier or a", {"estimator": AutoencoderTransformer()}),
    ("one loss for all outputs", {"estimator": NeuralRegressor(loss={"a": "huber"})}),
    ("'alpha' parameter", {"estimator": NeuralClassifier(alpha=-1)}),
    ("put Dense layers into the list", {"estimator": NeuralClassifier((5,))}),
]


@pytest.mark.parametrize(("message", "options"), WRONG)
def test_wrong_estimators_and_classes_are_refused(message, options):
    with pytest.raises((TypeError, ValueError), match=message):
        scores(3, "softmax", **options)


@pytest.mark.parametrize(
    ("message", "model", "layers", "options"),
    [
        ("expects an nn.Sequential, a dict", 3, [Dense(4)], {}),
        ("a list of all layers, got None", STATE, None, {}),
        ("a list of all layers, got", STATE, [], {}),
        ("got object for 'a'|got <U1 for 'a'", {"a": "x"}, [Dense(4)], {}),
        ("no layer takes 'b.weight'", STATE, [Dense(4)], {}),
        ("does not fit what comes next in the weights, nothing", HIDDEN, [4, 4], {}),
        ("does not fit what comes next in the weights, a.weight", HIDDEN, [LSTM(4)], {}),
        (r"expects kernel of shape \(3, 5\), got \(3, 4\)", HIDDEN, [Dense(5)], {}),
        (r"expects kernel of shape \(2, 4\), got \(3, 4\)", HIDDEN, [4], {"input_shape": (2,)}),
        ("has no place for a.bias", HIDDEN, [Dense(4, use_bias=False)], {}),
        (
            "weights that no module of PyTorch has",
            HIDDEN,
            [Parallel([4, 4])],
            {"input_shape": (3,)},
        ),
        ("input_shape as a tuple of ints", HIDDEN, [Dense(4)], {"input_shape": 3}),
        ("expects input_shape, the shape of a sample", HIDDEN, [Dropout(), Dense(4)], {}),
        ("would need 10800 x 10800 weights", EMBEDDED, WIDE, {"input_shape": (60,)}),
        ("finite numbers", {"a.weight": np.full((4, 3), np.nan)}, [Dense(4)], {}),
        ("'.npz' or '.safetensors', got 'a.pt'", "a.pt", [Dense(4)], {}),
    ],
)
def test_what_does_not_fit_is_refused(message, model, layers, options):
    with pytest.raises((TypeError, ValueError), match=message):
        from_torch(model, layers, **options)


@pytest.mark.parametrize(
    ("loss", "message"),
    [("gaussian", "one output for each target"), (Quantile([0.1, 0.9]), "expects one target")],
)
def test_losses_of_several_outputs_for_a_target_are_refused(loss, message):
    with pytest.raises(ValueError, match=message):
        scores(2, estimator=NeuralRegressor(loss=loss))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("conv2d_1", "conv2d_1"),
        ("a__b.c/d", "a_b_c_d"),
        ("0", "layer_0"),
        ("output", "layer_output"),
        ("taken", "taken_1"),
        ("___", "layer"),
    ],
)
def test_names_are_those_that_layers_may_have(name, expected):
    assert plain_name(name, {"taken"}) == expected


def test_what_needs_keras_says_so_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    for function in (from_keras, to_keras):
        with pytest.raises(ImportError, match=f"{function.__name__} needs Keras: run pip install"):
            function(None)


def test_a_failed_call_leaves_the_dict_as_it_was():
    state = dict(STATE)
    with pytest.raises(ValueError, match="no layer takes"):
        from_torch(state, [Dense(4)])
    assert list(state) == list(STATE)


def test_files_take_names_or_numbers(tmp_path):
    numbers, names = tmp_path / "numbers.npz", tmp_path / "names.npz"
    layers = [Dense(4, "relu"), Dense(4)]
    numbered = {name.replace("a.", "2.").replace("b.", "10."): a for name, a in STATE.items()}
    np.savez(numbers, **dict(sorted(numbered.items())))
    np.savez(names, **STATE)
    expected = from_torch(STATE, layers).predict(X)
    named = [("a", Dense(4, "relu")), ("b", Dense(4))]
    np.testing.assert_array_equal(from_torch(numbers, layers).predict(X), expected)
    np.testing.assert_array_equal(from_torch(names, named).predict(X), expected)
    with pytest.raises(ValueError, match="not the name of a module in the file"):
        from_torch(names, layers)
