"""Tests of regressors that learn the columns of a frame with losses of their own."""

import pickle
from copy import deepcopy

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import NeuralClassifier, NeuralRegressor
from sknet.layers import LSTM, Dense
from sknet.losses import LogLoss
from sknet.optimizers import SGD

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = pd.DataFrame(
    {
        "price": 1000 + 300 * X[:, 0],
        "sold": np.where(X[:, 1] > 0, "yes", "no"),
        "rooms": np.digitize(X[:, 2], [-0.5, 0.5]),
    }
)
HOLES = Y.astype({"rooms": float})
HOLES.loc[::5, "price"] = np.nan
HOLES.loc[1::4, "sold"] = None
HOLES.loc[2::6, "rooms"] = np.nan
LOSS = {"price": "squared_error", "sold": ("log_loss", 0.5), "rooms": LogLoss()}
WEIGHT = RNG.uniform(0.5, 1.5, 60)


def model(**parameters):
    return NeuralRegressor(
        **{"hidden_layer_sizes": (8,), "loss": LOSS, "max_iter": 3, "tol": 0, **parameters},
        random_state=0,
    )


def test_predictions_are_a_frame_like_y():
    frame = pd.DataFrame(X, columns=list("abc"), index=np.arange(100, 160))
    network = model(learning_rate_init=0.02, max_iter=150).fit(frame, HOLES)
    predicted = network.predict(frame)
    assert list(predicted.columns) == ["price", "sold", "rooms"]
    assert predicted.index.equals(frame.index)
    assert r2_score(Y["price"], predicted["price"]) > 0.95
    assert np.mean(predicted["sold"].to_numpy() == Y["sold"]) > 0.9
    assert np.mean(predicted["rooms"].to_numpy() == Y["rooms"]) > 0.85
    assert {*predicted["sold"]} == {"no", "yes"}
    probabilities = network.predict_proba(frame)
    assert list(probabilities) == ["sold", "rooms"]
    for name, p in probabilities.items():
        np.testing.assert_allclose(p.sum(axis=1), 1)
        labels = network.classes_[name][p.argmax(axis=1)]
        assert (labels == predicted[name].to_numpy()).all()


def test_frames_of_other_libraries_give_the_same():
    frame = pl.from_pandas(HOLES)
    network = model().fit(X, frame)
    predicted = network.predict(X)
    assert isinstance(predicted, pl.DataFrame)
    pd.testing.assert_frame_equal(
        predicted.to_pandas(), model().fit(X, HOLES).predict(X), check_dtype=False
    )
    assert network.score(X, frame) == model().fit(X, HOLES).score(X, HOLES)
    assert isinstance(pickle.loads(pickle.dumps(network)).predict(X), pl.DataFrame)


def misfit(network, y, weight):
    """The loss of the three columns, from raw predictions and the cells."""
    raw = network.network_.predict(X)
    price = (y["price"] - network.target_mean_[0]) / network.target_scale_[0]
    total = weight * np.nan_to_num((raw[:, 0] - price.to_numpy()) ** 2 / 2)
    signs = y["sold"].map({"yes": -1.0, "no": 1.0}).to_numpy(float)
    known = ~np.isnan(signs)
    total[known] += weight[known] * np.logaddexp(0, signs[known] * raw[known, 1]) / 2
    codes = y["rooms"].fillna(0).to_numpy(int)
    total -= (
        weight
        * y["rooms"].notna().to_numpy()
        * log_softmax(raw[:, 2:], axis=1)[np.arange(60), codes]
    )
    return total.mean()


def test_the_gradient_of_a_network_is_that_of_the_sum_over_known_cells():
    rate, weight = 1e-3, WEIGHT / WEIGHT.mean()
    network = model(
        hidden_layer_sizes=(3,),
        activation="tanh",
        solver=SGD(momentum=0.0),
        alpha=0,
        learning_rate_init=rate,
    ).partial_fit(X, HOLES, WEIGHT)
    params = network.network_.params
    before = params.copy()
    expected, step = np.empty_like(before), 1e-5
    for i in range(len(params)):
        values = []
        for sign in (-1, 1):
            params[i] = before[i] + sign * step
            values.append(misfit(network, HOLES, weight))
        params[i] = before[i]
        expected[i] = (values[1] - values[0]) / (2 * step)
    loss = misfit(network, HOLES, weight)
    network.partial_fit(X, HOLES, WEIGHT)
    assert network.loss_ == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose((before - params) / rate, expected, rtol=1e-6, atol=1e-8)


def test_rows_without_any_target_are_as_good_as_left_out():
    y = HOLES.copy()
    y.loc[::3, :] = None
    y["price"] = y["price"].astype(float)
    kept = y.notna().any(axis=1).to_numpy()
    found = model().fit(X, y, WEIGHT).network_.params
    expected = model().fit(X[kept], HOLES[kept], WEIGHT[kept]).network_.params
    np.testing.assert_array_equal(found, expected)


def test_one_column_is_the_plain_regressor_or_classifier():
    known = HOLES["price"].notna().to_numpy()
    ours = model(loss={"price": "huber"}).fit(X, HOLES[["price"]])
    plain = model(loss="huber").fit(X[known], Y["price"][known])
    np.testing.assert_array_equal(ours.predict(X)["price"], plain.predict(X))
    assert ours.score(X, HOLES[["price"]]) == plain.score(X[known], Y["price"][known])
    ours = model(loss={"sold": "log_loss"}).fit(X, Y[["sold"]])
    plain = NeuralClassifier((8,), max_iter=3, tol=0, random_state=0).fit(X, Y["sold"])
    np.testing.assert_array_equal(ours.predict_proba(X)["sold"], plain.predict_proba(X))
    assert ours.score(X, Y[["sold"]]) == plain.score(X, Y["sold"])


def test_columns_are_standardized_by_what_is_known_and_only_where_the_loss_allows_it():
    network = model(loss={**LOSS, "price": "poisson"}).fit(X, HOLES)
    assert network.target_mean_ is None
    network = model().fit(X, HOLES, WEIGHT)
    known = HOLES["price"].notna().to_numpy()
    mean = np.average(Y["price"][known], weights=WEIGHT[known])
    spread = np.sqrt(np.average((Y["price"][known] - mean) ** 2, weights=WEIGHT[known]))
    np.testing.assert_allclose(network.target_mean_, [mean, 0, 0])
    np.testing.assert_allclose(network.target_scale_, [spread, 1, 1])
    assert model(standardize_target=False).fit(X, Y.assign(price=X[:, 0])).target_scale_ is None


def test_the_score_is_the_mean_over_columns_of_their_known_rows():
    network = model().fit(X, HOLES)
    predicted = network.predict(X)
    y = HOLES.copy()
    y.loc[3, "sold"] = "never seen"  # counts as wrong
    expected = []
    for name, metric in zip(y, (r2_score, accuracy_score, accuracy_score), strict=True):
        known = y[name].notna().to_numpy()
        true, found = (each[name][known].to_numpy() for each in (y, predicted))
        expected.append(metric(true, found, sample_weight=WEIGHT[known]))
    assert network.score(X, y, WEIGHT) == pytest.approx(np.mean(expected))
    assert network.score(X, y.assign(price=np.nan), WEIGHT) == pytest.approx(np.mean(expected[1:]))
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[5, 5, 5, 60"):
        network.score(X[:5], HOLES)
    with pytest.raises(ValueError, match="all of its cells are missing"):
        network.score(X[:1], HOLES.iloc[:1].assign(price=np.nan, sold=None, rooms=np.nan))


def test_the_order_of_the_columns_and_of_the_losses_does_not_matter_later():
    network = model(warm_start=True).fit(X, Y)
    twin = deepcopy(network)
    turned = Y[["rooms", "price", "sold"]]
    assert network.score(X, turned) == network.score(X, Y)
    network.fit(X, Y)
    twin.set_params(loss=dict(reversed(LOSS.items()))).fit(X, turned)
    np.testing.assert_array_equal(network.network_.params, twin.network_.params)
    assert list(twin.predict(X)) == list(Y)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_training_resumes_exactly(early_stopping):
    parameters = {"early_stopping": early_stopping, "warm_start": True}
    whole = model(max_iter=4, **parameters).fit(X, HOLES)
    half = model(max_iter=2, **parameters).fit(X, HOLES)
    half = pickle.loads(pickle.dumps(half)).fit(X, HOLES)
    np.testing.assert_array_equal(half._trainer.network.params, whole._trainer.network.params)
    assert half.history_["loss"] == whole.history_["loss"]


def test_validation_rows_with_holes_and_scorers_of_the_whole():
    network = model(early_stopping=True, scoring=lambda model, X, y: model.score(X, y))
    network.fit(X, Y, X_val=X[:30], y_val=HOLES[:30][["rooms", "sold", "price"]])
    best = network.best_iter_ - 1
    assert network.validation_scores_[best] == network.score(X[:30], HOLES[:30])
    with pytest.raises(ValueError, match=r"In the validation set: Column 'sold' of y has labels"):
        network.fit(X, Y, X_val=X, y_val=Y.assign(sold="maybe"))


def test_pipelines_searches_and_cross_validation_take_frames():
    pipeline = make_pipeline(StandardScaler(), model())
    grid = {"neuralregressor__loss": [LOSS, {**LOSS, "price": "huber"}]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, HOLES)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] != scores[1]
    assert scores[0] == cross_val_score(clone(pipeline), X, pl.from_pandas(HOLES), cv=2).mean()


def test_sequences_of_unequal_length_have_several_targets_too():
    sequences = [row[: 1 + i % 3, None] for i, row in enumerate(X)]
    network = model(hidden_layer_sizes=(100,), layers=[LSTM(3)]).fit(sequences, HOLES)
    assert network.predict(sequences[:4]).shape == (4, 3)


def test_lbfgs_and_float32():
    network = model(solver="lbfgs", dtype="float32").fit(X, HOLES)
    predicted = network.predict(X)
    assert predicted["price"].dtype == np.float32
    assert network.loss_ < network.history_["loss"][0]


@pytest.mark.parametrize("kind", [bool, "Int64", "string", "category", "datetime64[us]"])
def test_labels_of_many_types(kind):
    y = (Y["rooms"] > 0).astype(int)
    labels = y.map({0: "a", 1: "b"}) if kind in ("string", "category") else y
    labels = labels.astype(kind)
    network = model(loss={"sold": "log_loss"}, max_iter=60, learning_rate_init=0.05)
    predicted = network.fit(X, labels.to_frame("sold")).predict(X)["sold"]
    assert np.mean(predicted.to_numpy() == labels.to_numpy()) > 0.8


def test_a_fitted_network_goes_on_with_other_losses_only_if_they_fit():
    start = model(warm_start=True).fit(X, HOLES)
    plain = model(warm_start=True, loss="squared_error").fit(X, X)
    for network, loss, y, sentence in [
        (
            start,
            "squared_error",
            X,
            "was fitted to a loss for each of the columns 'price', 'sold'",
        ),
        (plain, LOSS, Y, r"was fitted to one loss and cannot resume training with loss=\{'price'"),
        (start, {**LOSS, "rooms": "huber"}, Y, "classes where there were numbers, than the loss"),
        (start, {**LOSS, "price": "gaussian"}, Y, "which needs another output layer"),
        (start, {**LOSS, "price": "poisson"}, Y, "fitted to column 'price' of y standardized and"),
        (start, {"price": "huber"}, Y[["price"]], "names other columns"),
    ]:
        other = deepcopy(network).set_params(loss=loss)
        with pytest.raises(ValueError, match=sentence):
            other.fit(X, y)
        np.testing.assert_array_equal(other.network_.params, network.network_.params)
    changed = deepcopy(start).set_params(loss={**LOSS, "price": "huber"}).fit(X, HOLES)
    assert changed.n_iter_ == 6


def test_later_chunks_may_lack_targets_but_not_bring_labels():
    network = model().partial_fit(X, Y)
    params = network.network_.params.copy()
    network.partial_fit(X[:5], HOLES[:5].assign(sold=None))
    assert (network.network_.params != params).any()
    with pytest.raises(ValueError, match=r"labels that were not there in the first call: \['x'\]"):
        network.partial_fit(X, Y.assign(sold="x"))
    with pytest.raises(ValueError, match="y has no values: all of its cells"):
        network.partial_fit(X[:2], HOLES[:2].assign(price=np.nan, sold=None, rooms=np.nan))


def test_standard_deviations_are_those_of_one_loss():
    network = model(loss={**LOSS, "price": "gaussian"}).fit(X, Y)
    with pytest.raises(ValueError, match="return_std=True needs loss='gaussian' for all targets"):
        network.predict(X, return_std=True)


def test_probabilities_are_there_where_a_loss_is_for_classes():
    assert hasattr(model(), "predict_proba")
    for loss in ({"price": "huber"}, {"price": "hinge"}, "huber", {}):
        assert not hasattr(model(loss=loss), "predict_proba")
    fitted = model(loss={"price": "huber"}).fit(X, Y[["price"]])
    assert not hasattr(fitted, "predict_proba")
    assert not hasattr(fitted, "classes_")


def test_layers_of_the_user_and_numbers_far_from_zero():
    layers = [Dense(8, "relu")]
    loss = {"price": "squared_error", "sold": "log_loss"}
    network = model(hidden_layer_sizes=(100,), layers=layers, loss=loss, dtype="float32")
    far = Y[["price", "sold"]].assign(price=1e9 + X[:, 0])
    predicted = network.set_params(max_iter=100, learning_rate_init=0.02).fit(X, far).predict(X)
    assert predicted["price"].dtype == np.float64  # float32 would lose the digits
    assert r2_score(far["price"], predicted["price"]) > 0.9


def test_columns_without_string_names_are_no_names():
    with pytest.raises(ValueError, match=r"losses for the columns '0', '1', got y with 0, 1\."):
        model(loss={"0": "huber", "1": "huber"}).fit(X, pd.DataFrame(X[:, :2]))


def test_a_hold_out_of_all_known_values_is_refused():
    y = Y[["price", "rooms"]].copy()
    y.loc[1:, "price"] = np.nan
    network = model(loss={"price": "huber", "rooms": "log_loss"}, early_stopping=True)
    with pytest.raises(ValueError, match="Column 'price' of y has no values in the rows to train"):
        network.set_params(validation_fraction=0.95).fit(X, y)
