"""The doctor finds what was done to a network, and nothing in healthy ones."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, load_wine, make_friedman1
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor, TabularClassifier
from sknet.initializers import RandomNormal
from sknet.inspection import diagnose, learning_rate_range
from sknet.layers import LSTM, BatchNorm, Dense

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(*arguments, **parameters):
    return NeuralClassifier(*arguments, random_state=0, **{"tol": 0, **parameters})


def digits(n=300):
    X, y = load_digits(return_X_y=True)
    return X[:n] / 16, y[:n]


def iris():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def unscaled():
    return classifier(max_iter=5), *load_wine(return_X_y=True)


def far():
    X, y = iris()
    return classifier(max_iter=5), X + 100, y


def constant():
    X, y = iris()
    return classifier(max_iter=5), np.hstack([X, np.zeros((150, 3))]), y


def target():
    X, y = make_friedman1(100, random_state=0)
    return NeuralRegressor(standardize_target=False, max_iter=5, random_state=0), X, 1000 * y


def leak():
    X, y = iris()
    return classifier(max_iter=5), np.column_stack([X, np.cos(y)]), y


def leak_of_a_number():
    X, y = make_friedman1(100, random_state=0)
    model = NeuralRegressor(max_iter=5, tol=0, random_state=0)
    return model, np.column_stack([X, np.exp(y / 10)]), y


def rare():
    X, y = iris()
    return classifier(early_stopping=True, max_iter=5), X[:106], y[:106]


def disagreement():
    X, y = iris()
    return classifier(max_iter=5), np.vstack([X, X[:30]]), np.r_[y, y[:30] + 1]


def padding():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, 1)) for n in [60, *[4] * 39]]
    return classifier(layers=[LSTM(2)], input_shape=(None, 1), max_iter=1), X, np.arange(40) % 2


def dead():
    return classifier((32,), solver="sgd", learning_rate_init=30.0, max_iter=5), *digits()


def saturated():
    X, y = digits()
    return classifier((32,), activation="tanh", max_iter=5), X * 300, y


def vanishing():
    layers = [Dense(16, activation="logistic") for _ in range(8)]
    return classifier(layers=layers, max_iter=2), *digits()


def exploding():
    options = {"activation": "identity", "kernel_initializer": RandomNormal(stddev=1.0)}
    layers = [Dense(64, **options) for _ in range(6)]
    return classifier(layers=layers, max_iter=2, learning_rate_init=1e-6), *digits()


def tiny():
    return classifier(layers=[8, BatchNorm()], batch_size=2, max_iter=1), *digits(100)


def too_high():
    return classifier((16,), activation="tanh", learning_rate_init=3.0, max_iter=20), *digits()


def too_low():
    return classifier((16,), learning_rate_init=1e-6, max_iter=10), *digits()


def too_short():
    return classifier((64,), learning_rate_init=3e-3, batch_size=32, max_iter=5), *digits()


def flat():
    return classifier((32, 32), learning_rate_init=3.0, max_iter=10), *digits()


FAULTS = {
    unscaled: "unscaled_features",
    far: "unscaled_features",
    constant: "constant_features",
    target: "target_scale",
    leak: "leakage",
    leak_of_a_number: "leakage",
    rare: "rare_classes",
    disagreement: "labels_disagree",
    padding: "padding",
    dead: "dead_units",
    saturated: "saturated_units",
    vanishing: "vanishing_gradients",
    exploding: "exploding_gradients",
    tiny: "tiny_batches",
    too_high: "rate_too_high",
    too_low: "rate_too_low",
    too_short: "too_little_training",
    flat: "constant_outputs",
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("make", FAULTS, ids=lambda make: make.__name__)
def test_a_fault_is_found(make):
    model, X, y = make()
    assert FAULTS[make] in diagnose(model.fit(X, y), X, y).to_dict()


def test_what_validation_rows_tell_is_found():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 20)), np.arange(60) % 2
    halves = X[:30], X[30:], y[:30], y[30:]
    model = classifier((50,), max_iter=150, learning_rate_init=0.01)
    model.fit(halves[0], halves[2], X_val=halves[1], y_val=halves[3])
    found = diagnose(model, halves[0], halves[2], X_val=halves[1], y_val=halves[3]).to_dict()
    assert {"overfitting", "too_long_training"} <= set(found)
    gap = model.score(halves[0], halves[2]) - model.score(halves[1], halves[3])
    assert found["overfitting"][0]["value"] == pytest.approx(gap)


def healthy():
    yield make_pipeline(StandardScaler(), classifier(max_iter=300)), *load_iris(return_X_y=True)
    yield classifier((32,), alpha=1.0, max_iter=150), *digits(700)
    yield (
        NeuralRegressor((32,), max_iter=300, random_state=0),
        *make_friedman1(400, random_state=0),
    )


@pytest.mark.parametrize("case", list(healthy()), ids=lambda case: type(case[0]).__name__)
def test_nothing_is_found_in_a_healthy_network(case):
    model, X, y = case
    X_train, X_val, y_train, y_val = train_test_split(X, y, random_state=0)
    model.fit(X_train, y_train)
    diagnosis = diagnose(model, X_train, y_train, X_val=X_val, y_val=y_val)
    assert repr(diagnosis) == "Nothing found."


def test_a_diagnosis_is_a_text_a_table_and_a_dict():
    model, X, y = unscaled()
    diagnosis = diagnose(model.fit(X, y), X, y)
    text = str(diagnosis)
    assert "feature 12" in text and "StandardScaler" in text  # proline, in milligrams
    assert "<td" in diagnosis._repr_html_()
    spread = X.std(axis=0)
    expected = spread.max() / np.median(spread)
    value = diagnosis.to_dict()["unscaled_features"][0]["value"]
    assert value == pytest.approx(expected)


def test_samples_and_targets_have_one_length():
    X, y = iris()
    model = classifier(max_iter=1).fit(X, y)
    for look in (diagnose, learning_rate_range):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            look(model, X, y[:3])
    with pytest.raises(ValueError, match="expects y for a NeuralClassifier"):
        learning_rate_range(model, X)
    with pytest.raises(ValueError, match="at least one sample"):
        learning_rate_range(model, X[:0], y[:0])


def test_an_autoencoder_has_no_target():
    X = digits()[0] * 300
    model = AutoencoderTransformer(2, (8,), activation="tanh", max_iter=3, random_state=0).fit(X)
    assert "saturated_units" in diagnose(model, X).to_dict()


@pytest.mark.parametrize(
    ("model", "options", "error", "sentence"),
    [
        (NeuralClassifier(), {}, NotFittedError, "fitted"),
        (TabularClassifier(), {}, NotFittedError, "fitted"),
        ("model", {}, TypeError, "fitted estimator"),
        (NeuralClassifier(), {"X_val": [[1]]}, ValueError, "together"),
    ],
)
def test_wrong_uses_of_the_doctor_have_a_sentence(model, options, error, sentence):
    with pytest.raises(error, match=sentence):
        diagnose(model, [[1.0]], [1], **options)


def test_the_range_test_finds_where_the_loss_rises():
    X, y = digits(700)
    model = classifier((64,), batch_size=64)
    before = model.get_params()
    display = learning_rate_range(model, X, y, low=1e-4, random_state=0)
    assert model.get_params() == before and not hasattr(model, "network_")
    assert display.losses.argmin() < len(display.losses) - 1
    assert 1e-4 < display.suggestion < display.rates[display.losses.argmin()]
    again = learning_rate_range(model, X, y, low=1e-4, random_state=0)
    assert again.suggestion == display.suggestion
    assert display.plot().ax_.get_legend_handles_labels()[1][0].startswith("learning_rate_init")


def test_the_range_test_takes_pipelines_autoencoders_and_regressors():
    X, y = make_friedman1(100, random_state=0)
    options = {"n_steps": 20, "random_state": 0}
    pipeline = make_pipeline(StandardScaler(), NeuralRegressor((4,), random_state=0))
    direct = learning_rate_range(pipeline[-1], StandardScaler().fit_transform(X), y, **options)
    assert learning_rate_range(pipeline, X, y, **options).suggestion == direct.suggestion
    assert learning_rate_range(AutoencoderTransformer(2, random_state=0), X, **options).suggestion


@pytest.mark.parametrize(
    ("model", "options", "error", "sentence"),
    [
        (classifier(solver="lbfgs"), {}, TypeError, "step by step"),
        (TabularClassifier(), {}, TypeError, "step by step"),
        (classifier(), {"low": 1.0, "high": 0.1}, ValueError, "low must be below high"),
        (classifier(), {"n_steps": 2}, ValueError, "n_steps"),
    ],
)
def test_wrong_uses_of_the_range_test_have_a_sentence(model, options, error, sentence):
    X, y = iris()
    with pytest.raises(error, match=sentence):
        learning_rate_range(model, X, y, **options)


def test_targets_of_steps_and_several_targets_are_taken():
    X = [np.arange(2.0 * n).reshape(n, 2) / 10 for n in (3, 5, 4, 3)]
    y = [np.arange(len(x)) % 3 for x in X]
    layers = [LSTM(3, return_sequences=True)]
    model = classifier(layers=layers, input_shape=(None, 2), max_iter=2, batch_size=2)
    assert learning_rate_range(model, X, y, n_steps=10, random_state=0).suggestion > 0
    assert diagnose(model.fit(X, y), X, y).to_dict() is not None
    several = np.column_stack([digits(60)[1], digits(60)[1] % 2 + 5])
    model = classifier((4,), max_iter=2)
    found = learning_rate_range(model, digits(60)[0], several, n_steps=10, random_state=0)
    assert len(found.losses) == 10
    assert "overfitting" not in diagnose(model.fit(digits(60)[0], several), *digits(60)).to_dict()
