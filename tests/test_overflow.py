"""What estimators say of outputs that are not finite."""

import warnings

import numpy as np
import pytest

from sknet import (
    AutoencoderTransformer,
    NeuralClassifier,
    NeuralLanguageModel,
    NeuralRegressor,
)

X = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
TARGETS = {
    "binary": (X[:, 0] > 0).astype(int),
    "multiclass": np.arange(30) % 3,
    "multilabel": (X[:, :2] > 0).astype(int),
    "multioutput": np.column_stack([np.arange(30) % 3, np.arange(30) % 4]),
}
OPTIONS = {"max_iter": 1, "tol": 0, "random_state": 0}


def spoilt(estimator, value):
    """Let the outputs of a fitted estimator be a value that is not finite."""
    dict(estimator.network_.layer.sublayers())["output"].bias_[:1] = value
    return estimator


def classifier(kind):
    return NeuralClassifier((2,), **OPTIONS).fit(X, TARGETS[kind])


@pytest.mark.parametrize("kind", TARGETS)
def test_no_class_is_predicted_from_scores_that_are_nan(kind):
    model = spoilt(classifier(kind), np.nan)
    with pytest.raises(ValueError, match="NeuralClassifier cannot choose by scores that are NaN"):
        model.predict(X)


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba", "decision_function"])
def test_scores_that_are_nan_are_warned_of(kind, method):
    model = spoilt(classifier(kind), np.nan)
    with pytest.warns(RuntimeWarning, match="outputs of 30 of 30 rows are inf or NaN"):
        getattr(model, method)(X)


@pytest.mark.parametrize("kind", TARGETS)
def test_infinite_scores_have_a_largest_one(kind):
    model = spoilt(classifier(kind), np.inf)
    with pytest.warns(RuntimeWarning, match="float32; bring X to the scale .* dtype='float64'"):
        predicted = model.predict(X)
    first = {"binary": 1, "multiclass": 0, "multilabel": 1, "multioutput": 0}[kind]
    np.testing.assert_array_equal(predicted.reshape(30, -1)[:, 0], first)


def test_the_rows_that_overflow_are_counted_and_the_warning_points_to_the_caller():
    model = classifier("multiclass")
    model.network_.params[:] = 2.0
    wild = X.copy()
    wild[:4] = 3e38
    with pytest.warns(RuntimeWarning, match="outputs of 4 of 30 rows") as caught:
        model.decision_function(wild)
    assert [record.filename for record in caught] == [__file__]


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "gaussian", "quantile"])
def test_regressors_warn_of_predictions_that_are_not_finite(loss):
    model = NeuralRegressor((2,), loss=loss, **OPTIONS).fit(X, np.abs(X[:, 0]))
    with pytest.warns(RuntimeWarning, match="NeuralRegressor: the outputs of 30 of 30") as caught:
        spoilt(model, np.inf).predict(X, return_std=loss == "gaussian")
    assert len(caught) == 1


def test_overflow_of_the_link_and_of_deviations_is_warned_of():
    options = {**OPTIONS, "max_iter": 1}
    model = NeuralRegressor((2,), loss="poisson", **options).fit(X, np.abs(X[:, 0]))
    with pytest.warns(RuntimeWarning, match="rows are inf or NaN"):
        assert np.isinf(spoilt(model, 100.0).predict(X)).all()
    model = NeuralRegressor((2,), loss="gaussian", **options).fit(X, X[:, 0])
    dict(model.network_.layer.sublayers())["output"].bias_[1] = 1000.0
    with pytest.warns(RuntimeWarning, match="rows are inf or NaN"):
        model.predict(X, return_std=True)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("transform", {}),
        ("reconstruct", {}),
        ("inverse_transform", {}),
        ("score", {}),
        ("score_samples", {}),
        ("impute", {"handle_missing": "ignore"}),
        ("score", {"handle_missing": "ignore"}),
        ("score_samples", {"variational": True}),
        ("sample", {"variational": True}),
    ],
)
def test_autoencoders_warn_of_outputs_that_are_not_finite(method, options):
    model = AutoencoderTransformer(2, (2,), **OPTIONS, **options).fit(X)
    for part in model.network_.layer.walk():
        if hasattr(part, "bias_"):
            part.bias_[:] = np.inf
    data = {"inverse_transform": X[:, :2], "sample": 5}.get(method, X)
    if method == "impute":
        data = np.where(np.arange(3) == 1, np.nan, X)
    with pytest.warns(RuntimeWarning, match="AutoencoderTransformer: the outputs of"):
        getattr(model, method)(data)


def test_a_reconstruction_that_is_nan_is_no_missing_cell():
    model = AutoencoderTransformer(2, (2,), handle_missing="ignore", **OPTIONS).fit(X)
    with pytest.warns(RuntimeWarning):
        assert np.isnan(spoilt(model, np.nan).score(X))


def test_language_models_write_nothing_from_nan_and_warn_of_scores():
    model = NeuralLanguageModel(max_iter=1, random_state=0).fit(["ab", "ba"] * 4)
    spoilt(model, np.nan)
    with pytest.raises(ValueError, match="NeuralLanguageModel cannot choose by scores"):
        model.generate("a", max_length=2)
    with pytest.warns(RuntimeWarning, match="NeuralLanguageModel: the outputs of 1 of 1 rows"):
        assert np.isnan(model.score_samples(["ab"])).all()


def test_large_outputs_that_are_finite_are_not_warned_of():
    model = spoilt(NeuralRegressor((2,), **OPTIONS).fit(X, X[:, 0]), 1e30)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (model.predict(X) > 9e29).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_rows", [1, 3])
def test_values_of_an_array_that_needs_no_conversion_are_checked(dtype, n_rows):
    X = np.eye(4, 3, dtype=dtype)
    network = NeuralClassifier((4,), activation="tanh", max_iter=1, tol=0, dtype=dtype)
    network.fit(X, [0, 1, 0, 1])
    rows = X[:n_rows].copy()
    for value, message in [(np.nan, "contains NaN"), (np.inf, "infinity"), (-np.inf, "infinity")]:
        rows[-1, 1] = value
        with pytest.raises(ValueError, match=message):
            network.predict(rows)
    # Squares overflow, tanh does not.
    rows[-1, 1] = np.finfo(dtype).max / 4
    assert network.predict(rows).shape == (n_rows,)
