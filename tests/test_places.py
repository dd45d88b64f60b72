"""Networks that predict at each place: at the steps of sequences, at the pixels of images."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import partial

import numpy as np
import pytest
import sklearn
from scipy.special import softmax
from sklearn.base import clone
from sklearn.metrics import accuracy_score, f1_score, log_loss, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.class_weight import compute_sample_weight

from sknet import NeuralClassifier, NeuralRegressor, PlacewiseScorer
from sknet.layers import (
    GRU,
    BatchNorm,
    Bidirectional,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool1D,
    LayerNorm,
    Masking,
    MaxPool1D,
    Residual,
    TimeDistributed,
    UpSampling1D,
    UpSampling2D,
)
from sknet.losses import LogLoss, Target
from sknet.losses.placewise import PlacewiseLoss
from sknet.places import Layout
from sknet.preprocessing import StepwiseTransformer

RNG = np.random.default_rng(0)
BRIEF = {"random_state": 0, "n_iter_no_change": np.inf}
LENGTHS = [3, 1, 5, 2, 5, 4]
RAGGED = [RNG.normal(size=(n, 3)) for n in LENGTHS]
TAGS = [np.where(x[:, 0] > 0, "noun", np.where(x[:, 1] > 0, "verb", "other")) for x in RAGGED]
TOTALS = [x.cumsum(axis=0)[:, 0] for x in RAGGED]
STEPS = RNG.normal(size=(8, 5, 3))
IMAGES = RNG.normal(size=(6, 4, 6, 2))
RECURRENT = [GRU(4, return_sequences=True)]


def joined(values):
    return np.concatenate(list(values))


def classifier(layers=RECURRENT, **parameters):
    return NeuralClassifier(layers=layers, **{**BRIEF, "max_iter": 3, **parameters})


def regressor(layers=RECURRENT, **parameters):
    return NeuralRegressor(layers=layers, **{**BRIEF, "max_iter": 3, **parameters})


def plain(kind, **parameters):
    """Return a network of dense layers, for which each place is a row of its own."""
    options = {"solver": "sgd", "learning_rate_init": 0.1, "alpha": 0.3, "shuffle": False}
    return kind([Dense(4, activation="tanh")], **{**options, **parameters})


# Each place is a row -----------------------------------------------------------------------------


@pytest.mark.parametrize("X", [STEPS, IMAGES], ids=["steps", "pixels"])
@pytest.mark.parametrize(
    "kind, target, parameters",
    [
        (classifier, lambda x: np.array(["a", "b"])[(x[..., 0] > 0).astype(int)], {}),
        (classifier, lambda x: (x > 0).sum(axis=-1), {"class_weight": {0: 3.0}}),
        (classifier, lambda x: (x > 0).sum(axis=-1), {"class_weight": "balanced"}),
        (classifier, lambda x: (x > 0).astype(int), {}),
        (classifier, lambda x: (x > 0) + [1, 2, 3][: x.shape[-1]], {}),
        (regressor, lambda x: 100 + 20 * x[..., 0], {}),
        (regressor, lambda x: x**2, {"loss": "poisson"}),
        (regressor, lambda x: x[..., 0], {"loss": "gaussian"}),
    ],
)
def test_dense_layers_learn_of_places_what_they_learn_of_rows(X, kind, target, parameters):
    n_places, y = X[0, ..., 0].size, target(X)
    rows = X.reshape(-1, X.shape[-1])
    y_rows = y.reshape(-1, *y.shape[X.ndim - 1 :])
    model = plain(kind, batch_size=2, **parameters).fit(X, y)
    expected = plain(kind, batch_size=2 * n_places, **parameters).fit(rows, y_rows)
    np.testing.assert_allclose(model.network_.params, expected.network_.params, rtol=1e-10)
    np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=1e-12)
    assert model.predict(X).shape == y.shape
    found, wanted = model.predict(X).reshape(y_rows.shape), expected.predict(rows)
    if kind is classifier:
        np.testing.assert_array_equal(found, wanted)
    else:
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert model.score(X, y) == pytest.approx(expected.score(rows, y_rows))


def test_probabilities_and_scores_have_the_form_of_y():
    y = (STEPS > 0).sum(axis=-1)
    model = plain(classifier).fit(STEPS, y)
    scores = model.decision_function(STEPS)
    assert scores.shape == (8, 5, 4)
    np.testing.assert_allclose(model.predict_proba(STEPS), softmax(scores, axis=-1))
    np.testing.assert_allclose(np.exp(model.predict_log_proba(STEPS)), softmax(scores, axis=-1))
    several = plain(classifier).fit(STEPS, np.stack([y, 2 * y], axis=-1))
    assert [p.shape for p in several.predict_proba(STEPS)] == [(8, 5, 4), (8, 5, 4)]
    assert plain(classifier).fit(STEPS, y > 1).decision_function(STEPS).shape == (8, 5)
    gaussian = plain(regressor, loss="gaussian").fit(STEPS, STEPS[..., 0])
    assert [each.shape for each in gaussian.predict(STEPS, return_std=True)] == [(8, 5)] * 2


def test_sequences_of_unequal_length_are_answered_by_lists():
    model = plain(classifier, batch_size=6).fit(RAGGED, TAGS)
    rows = plain(classifier, batch_size=20).fit(joined(RAGGED), joined(TAGS))
    assert model.classes_.tolist() == ["noun", "other", "verb"]
    np.testing.assert_allclose(model.network_.params, rows.network_.params, rtol=1e-10)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        found, expected = (getattr(m, method) for m in (model, rows))
        assert [len(each) for each in found(RAGGED)] == LENGTHS
        compare = np.testing.assert_array_equal
        if method != "predict":
            compare = partial(np.testing.assert_allclose, rtol=1e-9)
        compare(joined(found(RAGGED)), expected(joined(RAGGED)))
    assert model.score(RAGGED, TAGS) == rows.score(joined(RAGGED), joined(TAGS))
    lists = [tags.tolist() for tags in TAGS]
    assert model.score(RAGGED, lists) == model.score(RAGGED, TAGS)
    again = plain(classifier, batch_size=6).fit(RAGGED, lists)
    np.testing.assert_array_equal(again.network_.params, model.network_.params)


def test_each_sample_is_predicted_as_alone_and_in_small_chunks():
    model = regressor([Bidirectional(GRU(3, return_sequences=True))]).fit(RAGGED, TOTALS)
    with sklearn.config_context(working_memory=1e-6):
        chunks = model.predict(RAGGED)
    for x, among_others, in_chunks in zip(RAGGED, model.predict(RAGGED), chunks, strict=True):
        np.testing.assert_allclose(among_others, model.predict([x])[0], rtol=1e-12)
        np.testing.assert_allclose(in_chunks, among_others, rtol=1e-12)
    array = np.stack([RAGGED[2], RAGGED[4]])
    np.testing.assert_allclose(model.predict(array), model.predict(list(array)), rtol=1e-12)
    assert isinstance(model.predict(array), np.ndarray)


# Gradients ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model, X, y",
    [
        (
            classifier([Bidirectional(GRU(3, return_sequences=True)), Dense(3, "tanh")]),
            RAGGED,
            TAGS,
        ),
        (regressor([Conv1D(3, 3, padding="same", activation="tanh"), *RECURRENT]), RAGGED, TOTALS),
        (
            classifier([Masking(), *RECURRENT, TimeDistributed([Dense(3, "tanh")])]),
            np.where(np.arange(5)[:, None] < RNG.integers(1, 6, (8, 1, 1)), STEPS, 0),
            (STEPS > 0).sum(axis=-1),
        ),
        (
            classifier(
                [
                    Conv2D(3, 3, padding="same", activation="tanh"),
                    Residual([Conv2D(3, 3, strides=2, padding="same"), UpSampling2D(2)]),
                ]
            ),
            IMAGES,
            IMAGES[..., 0] > IMAGES[..., 1],
        ),
        (regressor([Conv2D(2, 3, strides=2, activation="tanh")]), IMAGES, IMAGES[:, 1:2, 1:4:2]),
    ],
    ids=["ragged steps", "ragged regression", "masked steps", "pixels", "several targets a pixel"],
)
def test_gradients_agree_with_central_differences(model, X, y):
    n_axes = 2 if isinstance(y, np.ndarray) and y.ndim > 2 else 1
    weights = [RNG.uniform(size=np.shape(each)[:n_axes]) for each in y]
    model = model.set_params(max_iter=1, dtype="float64").fit(X, y)
    data = model._check_data(X, y, weights, reset=False)
    loss, network = model._trainer.loss, model.network_
    weight = data.sample_weight / data.mean_weight
    loss.allocate(len(y), np.float64)
    grads = np.zeros(network.n_params)
    replica = network.replica(len(y), np.random.default_rng(0), grads)
    value, grad = loss.value_and_gradient(replica.forward(data.X, training=True), data.y, weight)
    replica.backward(grad)

    def value_at(k, step):
        network.params[k] += step
        raw = network.replica(len(y)).forward(data.X)
        network.params[k] -= step
        return loss.value_and_gradient(raw, data.y, weight)[0]

    for k in RNG.choice(network.n_trainable, 30, replace=False):
        slope = (value_at(k, 1e-5) - value_at(k, -1e-5)) / 2e-5
        assert grads[k] == pytest.approx(slope, rel=1e-5, abs=1e-8)
    assert value == pytest.approx(value_at(0, 0.0))


def test_the_loss_of_a_batch_counts_its_places_by_their_shares():
    rng = np.random.default_rng(1)
    is_real = np.array([True, False, True, True, True, False, True, True])
    layout = Layout(np.array([3, 1, 4]), is_list=True, is_real=is_real)
    codes, weights = rng.integers(0, 3, 6), rng.uniform(size=6)
    places, raw = layout.place(codes, weights), rng.normal(size=(3, 4, 3))
    rows = LogLoss()
    rows.build(Target("multiclass", 1, (3,)))
    loss = PlacewiseLoss(rows)
    loss.allocate(3, np.float64)
    mean = places.totals.mean()
    value, gradient = loss.value_and_gradient(raw, places, places.totals / mean)
    real = raw[[0, 0, 1, 2, 2, 2], [0, 2, 0, 0, 2, 3]]
    losses = -np.log(softmax(real, axis=1)[np.arange(6), codes])
    assert value == pytest.approx(weights @ losses / (3 * mean))
    assert not gradient[[0, 0, 1, 2], [1, 3, 1, 1]].any()
    # The losses of batches add up to that of all, whatever the order of the samples.
    parts = [([2], 1), ([1, 0], 2)]
    shares = [
        loss.value_and_gradient(raw[k], places[k], places.totals[k] / mean)[0] * n
        for k, n in parts
    ]
    assert sum(shares) / 3 == pytest.approx(value)


# What does not count -----------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["behind", "in front"])
def test_masked_places_count_nowhere(side):
    padded, tags = np.zeros((6, 5, 3)), np.full((6, 5), "padding")
    for row, (x, y) in enumerate(zip(RAGGED, TAGS, strict=True)):
        where = slice(0, len(x)) if side == "behind" else slice(5 - len(x), 5)
        padded[row, where], tags[row, where] = x, y
    options = {"class_weight": "balanced", "alpha": 0.1, "batch_size": 6}
    expected = classifier(**options).fit(RAGGED, TAGS, X_val=RAGGED[:2], y_val=TAGS[:2])
    model = classifier([Masking(), *RECURRENT], **options)
    model.fit(padded, tags, X_val=padded[:2], y_val=tags[:2])
    np.testing.assert_allclose(model.network_.params, expected.network_.params, rtol=1e-9)
    np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=1e-12)
    assert model.classes_.tolist() == expected.classes_.tolist()
    assert model.score(padded, tags) == expected.score(RAGGED, TAGS)
    for name in ("validation_loss", "validation_score"):
        assert model.history_[name] == pytest.approx(expected.history_[name])
    model.set_params(class_weight=None).partial_fit(padded, tags)
    assert model.predict(padded).shape == (6, 5)


def test_codes_of_zero_count_nowhere_with_mask_zero():
    X = np.array([[1, 2, 3], [2, 1, 0], [3, 0, 0]])
    y = np.where(X > 0, 10.0 * X, 1e6)
    model = regressor([Embedding(4, mask_zero=True)], solver="lbfgs", max_iter=200, alpha=0)
    assert model.fit(X, y).score(X, y) > 0.999
    assert model.target_mean_ == pytest.approx([10 * 12 / 6])


def test_places_of_weight_zero_count_nowhere():
    weights = [np.ones(n) for n in LENGTHS]
    strange = [tags.astype("U7") for tags in TAGS]
    for row, step in ((0, 1), (2, 4), (1, 0)):  # the last is a sample of its own
        weights[row][step], strange[row][step] = 0, "strange"
    model = classifier(solver="lbfgs").fit(RAGGED, strange, sample_weight=weights)
    assert "strange" not in model.classes_
    kept = joined(weights) > 0
    right = joined(model.predict(RAGGED)) == joined(TAGS)
    assert model.score(RAGGED, strange, weights) == right[kept].mean()


# Weights -----------------------------------------------------------------------------------------


def test_weights_of_samples_are_those_of_their_places_and_equal_repeated_samples():
    counts = [2, 0, 1, 3, 1, 0]
    repeated = [i for i, n in enumerate(counts) for _ in range(n)]
    options = {"solver": "lbfgs", "alpha": 0.1}
    one = classifier(**options).fit(RAGGED, TAGS, sample_weight=counts)
    each = [np.full(len(x), n) for x, n in zip(RAGGED, counts, strict=True)]
    all_places = classifier(**options).fit(RAGGED, TAGS, sample_weight=each)
    expected = classifier(**options).fit(
        [RAGGED[i] for i in repeated], [TAGS[i] for i in repeated]
    )
    for model in (one, all_places):
        np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=1e-8)
    assert one.score(RAGGED, TAGS, counts) == all_places.score(RAGGED, TAGS, each)
    of_places = np.repeat(counts, LENGTHS)
    predicted = joined(one.predict(RAGGED))
    expected = accuracy_score(joined(TAGS), predicted, sample_weight=of_places)
    assert one.score(RAGGED, TAGS, counts) == pytest.approx(expected)


def test_balanced_classes_are_those_of_all_places():
    weights = np.split(compute_sample_weight("balanced", joined(TAGS)), np.cumsum(LENGTHS)[:-1])
    model = classifier(class_weight="balanced").fit(RAGGED, TAGS)
    expected = classifier().fit(RAGGED, TAGS, sample_weight=weights)
    np.testing.assert_allclose(model.network_.params, expected.network_.params, rtol=1e-10)


def test_r2_is_that_of_all_places():
    model = regressor(max_iter=20, learning_rate_init=0.05).fit(RAGGED, TOTALS)
    expected = r2_score(joined(TOTALS), joined(model.predict(RAGGED)))
    assert model.score(RAGGED, TOTALS) == pytest.approx(expected)
    weights = [RNG.uniform(size=n) for n in LENGTHS]
    weighted = r2_score(
        joined(TOTALS), joined(model.predict(RAGGED)), sample_weight=joined(weights)
    )
    assert model.score(RAGGED, TOTALS, weights) == pytest.approx(weighted)
    assert model.target_mean_ == pytest.approx([joined(TOTALS).mean()])


# The shape that the layers end with --------------------------------------------------------------


def test_the_layers_decide_what_y_means():
    y = (STEPS[..., 0] > 0).astype(int)
    steps = classifier([Dense(4, "relu")]).fit(STEPS, y)
    labels = classifier([Dense(4, "relu"), Flatten()]).fit(STEPS, y)
    assert steps.network_.output_shape == (5, 1) and steps._target.kind == "binary"
    assert labels.network_.output_shape == (5,) and labels._target.kind == "multilabel"
    pooled = classifier([Dense(4, "relu"), GlobalAveragePool1D()]).fit(STEPS, y[:, 0])
    assert pooled.predict(STEPS).shape == (8,)
    again = clone(steps).fit(STEPS, y[:, 0][:, None].repeat(5, axis=1))
    assert again.predict(STEPS).shape == (8, 5)
    steps.set_params(layers=[Flatten()]).fit(STEPS, y[:, 0])
    assert steps.predict(STEPS).shape == (8,)


def test_layers_with_strides_change_the_number_of_places():
    layers = [Conv1D(4, 3, padding="same"), MaxPool1D(2, padding="same")]
    halved = [tags[::2] for tags in TAGS]
    model = classifier(layers).fit(RAGGED, halved)
    assert [len(each) for each in model.predict(RAGGED)] == [(n + 1) // 2 for n in LENGTHS]
    assert model.score(RAGGED, halved) == np.mean(joined(model.predict(RAGGED)) == joined(halved))
    with pytest.raises(ValueError, match="2 for the sample at position 0, got 3"):
        clone(model).fit(RAGGED, TAGS)


def test_layers_that_repeat_steps_have_more_places():
    twice = [np.repeat(tags, 2) for tags in TAGS]
    model = classifier([Conv1D(4, 3, padding="same"), UpSampling1D(2)], batch_size=2)
    model.fit(RAGGED, twice, X_val=RAGGED, y_val=twice)
    assert [len(each) for each in model.predict(RAGGED)] == [2 * n for n in LENGTHS]
    with sklearn.config_context(working_memory=1e-6):
        score = model.score(RAGGED, twice)
    assert (
        score
        == model.score(RAGGED, twice)
        == np.mean(joined(model.predict(RAGGED)) == joined(twice))
    )


def test_samples_may_come_as_rows_of_input_shape():
    y = IMAGES[..., 0] > 0
    layers = [Conv2D(2, 3, padding="same", activation="relu")]
    rows = IMAGES.reshape(6, -1)
    a = classifier(layers, input_shape=(4, 6, 2)).fit(rows, y)
    b = classifier(layers).fit(IMAGES, y)
    np.testing.assert_array_equal(a.predict_proba(rows), b.predict_proba(IMAGES))
    steps = classifier(RECURRENT, input_shape=(None, 3)).fit(
        STEPS.reshape(8, -1), STEPS[..., 0] > 0
    )
    assert steps.predict(STEPS.reshape(8, -1)).shape == (8, 5)
    assert steps.predict(STEPS[:, :2]).shape == (8, 2)


# Around the fit ----------------------------------------------------------------------------------


def test_training_is_resumed_exactly_also_after_pickling():
    layers = [*RECURRENT, Dropout(0.2)]
    expected = classifier(layers, max_iter=6, batch_size=2).fit(RAGGED, TAGS)
    model = classifier(layers, warm_start=True, batch_size=2).fit(RAGGED, TAGS)
    model = deepcopy(pickle.loads(pickle.dumps(model))).fit(RAGGED, TAGS)
    np.testing.assert_array_equal(model.network_.params, expected.network_.params)
    assert model.history_["loss"] == expected.history_["loss"]


def test_partial_fit_takes_the_classes_of_all_chunks():
    model = classifier(batch_size=2)
    for rows in (slice(0, 2), slice(2, 6)):
        model.partial_fit(RAGGED[rows], TAGS[rows], classes=["noun", "other", "verb", "rare"])
    assert model.classes_.tolist() == ["noun", "other", "rare", "verb"]
    assert model.predict_proba(RAGGED)[2].shape == (5, 4)
    numbers = regressor(batch_size=2)
    for _ in range(2):
        numbers.partial_fit(RAGGED, TOTALS)
    expected = regressor(batch_size=2, max_iter=2).fit(RAGGED, TOTALS)
    np.testing.assert_array_equal(numbers.network_.params, expected.network_.params)


@pytest.mark.parametrize("scoring", ["accuracy", "f1_macro", "neg_log_loss", "loss"])
def test_validation_scores_are_those_of_all_places(scoring):
    labels = ["noun", "other", "verb"]
    weights = [RNG.uniform(size=n) for n in LENGTHS]
    model = classifier(scoring=scoring, early_stopping=True, max_iter=2)
    model.fit(RAGGED, TAGS, X_val=RAGGED, y_val=TAGS, sample_weight_val=weights)
    y, p, weight = joined(TAGS), joined(model.predict_proba(RAGGED)), joined(weights)
    loss = log_loss(y, p, sample_weight=weight, labels=labels)
    expected = {
        "accuracy": accuracy_score(y, joined(model.predict(RAGGED)), sample_weight=weight),
        "f1_macro": f1_score(
            y, joined(model.predict(RAGGED)), average="macro", sample_weight=weight
        ),
        "neg_log_loss": -loss,
        "loss": -loss,
    }
    assert model.best_validation_score_ == pytest.approx(expected[scoring])
    assert model.history_["validation_loss"][model.best_iter_ - 1] == pytest.approx(loss)


def test_early_stopping_holds_out_samples():
    model = classifier(early_stopping=True, validation_fraction=0.3, batch_size=2)
    model.fit(RAGGED, TAGS, sample_weight=[np.ones(n) for n in LENGTHS])
    assert len(model.validation_scores_) == 3 and model.t_ == 3 * 4
    images = classifier([Dense(2, "relu"), BatchNorm()], early_stopping=True, scoring="accuracy")
    images.fit(IMAGES, IMAGES[..., 0] > 0)
    assert 0 <= images.best_validation_score_ <= 1


def test_pipelines_and_searches_take_lists():
    pipeline = make_pipeline(StepwiseTransformer(), classifier())
    grid = {"neuralclassifier__layers__0__units": [2, 3]}
    search = GridSearchCV(pipeline, grid, cv=KFold(2), scoring=PlacewiseScorer("f1_macro"))
    search.fit(RAGGED, TAGS)
    assert [len(each) for each in search.predict(RAGGED)] == LENGTHS
    best = clone(pipeline).set_params(**search.best_params_).fit(RAGGED[:3], TAGS[:3])
    expected = f1_score(joined(TAGS[3:]), joined(best.predict(RAGGED[3:])), average="macro")
    assert search.cv_results_["split1_test_score"][search.best_index_] == pytest.approx(expected)
    scores = cross_val_score(regressor(), RAGGED, TOTALS, cv=KFold(2))
    assert scores[1] == regressor().fit(RAGGED[:3], TOTALS[:3]).score(RAGGED[3:], TOTALS[3:])


def test_a_scorer_of_places_leaves_out_masked_ones():
    X = np.array([[1, 2, 3], [2, 1, 0], [3, 1, 0]])
    y = np.array([["b", "a", "b"], ["a", "b", "c"], ["b", "b", "c"]])
    model = classifier([Embedding(2, mask_zero=True)]).fit(X, y)
    real = X > 0
    expected = f1_score(y[real], model.predict(X)[real], average="macro")
    assert PlacewiseScorer("f1_macro")(model, X, y) == pytest.approx(expected)
    p = model.predict_proba(X)[real]
    assert PlacewiseScorer("neg_log_loss")(model, X, y) == pytest.approx(-log_loss(y[real], p))


def test_many_threads_predict_at_once():
    model = regressor().fit(RAGGED, TOTALS)
    expected = joined(model.predict(RAGGED))
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(model.predict, [RAGGED] * 8):
            np.testing.assert_array_equal(joined(found), expected)


def test_layers_in_lanes_learn_the_same_of_places():
    lengths = (40, 30, 50, 40)
    X = [RNG.normal(size=(n, 64)) for n in lengths]
    y = [RNG.integers(0, 3, n) for n in lengths]
    layers = [Dense(900, "relu"), LayerNorm(), Dense(900, "relu")]
    options = {"solver": "sgd", "alpha": 0, "shuffle": False, "max_iter": 2}
    model = classifier(layers, batch_size=4, **options).fit(X, y)
    expected = classifier(layers, batch_size=160, **options).fit(joined(X), joined(y))
    np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=1e-9)
