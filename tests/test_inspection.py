"""The displays show what networks have learned: numbers first, then what is drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import (
    AutoencoderTransformer,
    NeuralClassifier,
    NeuralRegressor,
    NeuralTranslator,
    TabularClassifier,
    TabularRegressor,
    load,
    save,
)
from sknet.inspection import (
    ActivationsDisplay,
    ArchitectureDisplay,
    AttentionDisplay,
    CoverageDisplay,
    EmbeddingDisplay,
    ErrorsDisplay,
    FiltersDisplay,
    ImportancesDisplay,
    IntervalDisplay,
    LatentDisplay,
    ReconstructionDisplay,
    SaliencyDisplay,
    TrainingDisplay,
)
from sknet.layers import (
    LSTM,
    BatchNorm,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool1D,
    Residual,
    TransformerBlock,
)
from sknet.losses import Quantile

FAST = {"max_iter": 3, "tol": 0, "random_state": 0}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 16))
Y = np.where(X[:, 0] > 0, "yes", "no")


def images(**parameters):
    layers = [("conv", Conv2D(3, 2)), Flatten(), ("hidden", Dense(5, activation="tanh"))]
    model = NeuralClassifier(layers=layers, input_shape=(4, 4, 1), **FAST, **parameters)
    return model.fit(X, Y)


def test_curves_of_training_are_those_of_the_history():
    model = images(early_stopping=True)
    display = TrainingDisplay.from_estimator(make_pipeline(StandardScaler(), model).fit(X, Y))
    training, validation = display.lines_["NeuralClassifier"]
    assert_array_equal(training.get_ydata(), model.history_["loss"])
    assert_array_equal(validation.get_ydata(), model.history_["validation_loss"])
    (score,) = TrainingDisplay.from_estimator(model, metric="score").lines_["NeuralClassifier"]
    assert_array_equal(score.get_ydata(), model.validation_scores_)
    best = display.ax_.get_lines()[-1]
    assert best.get_xdata()[0] == model.best_iter_


def test_several_estimators_share_the_axes_and_members_have_a_curve_each():
    model, other = images(), NeuralClassifier((4,), **FAST).fit(X, Y)
    _, ax = plt.subplots()
    display = TrainingDisplay.from_estimator([model, other], ax=ax, learning_rate=True)
    assert list(display.lines_) == ["NeuralClassifier 1", "NeuralClassifier 2"]
    assert display.ax_ is ax
    search = GridSearchCV(NeuralClassifier(**FAST), {"alpha": [0, 1]}, cv=2).fit(X, Y)
    named = TrainingDisplay.from_estimator({"best": search, "plain": model})
    assert list(named.lines_) == ["best", "plain"]
    members = TabularClassifier(hidden_layer_sizes=(4,), cv=2, max_iter=2, random_state=0).fit(
        X, Y
    )
    assert len(TrainingDisplay.from_estimator(members).lines_) == 2


def test_the_architecture_is_a_table_of_layers():
    model = NeuralClassifier(layers=[4, Residual([("inner", Dense(4))])], **FAST).fit(X, Y)
    display = ArchitectureDisplay.from_estimator(model)
    rows = [line.split() for line in repr(display).splitlines()[2:]]
    assert rows[1] == ["0:", "Dense", "(4,)", "68"]
    assert rows[3] == ["inner:", "Dense", "(4,)", "20"]
    assert rows[4] == ["output:", "Dense", "(1,)", "5"]
    assert "<td" in display._repr_html_() and "inner: Dense" in display._repr_html_()
    timed = ArchitectureDisplay.from_estimator(model, X)
    assert sum(row[5] for row in timed.rows if row[0] == 0) == pytest.approx(1)
    assert len(timed.plot().ax_.texts) >= 5


def test_filters_are_the_kernels():
    model = images()
    kernel = model.network_["conv"].kernel_
    assert_array_equal(FiltersDisplay.from_estimator(model).filters[2], kernel[:, :, 0, 2])
    dense = NeuralClassifier((5,), **FAST).fit(X, Y)
    display = FiltersDisplay.from_estimator(dense, 0, n_columns=2)
    assert_array_equal(display.filters[1], dense.coefs_[0][:, 1].reshape(4, 4))
    assert display.ax_.images[0].get_array().shape == (3 * 4 + 2, 2 * 4 + 1)
    series = NeuralClassifier(layers=[Conv1D(3, 2), Flatten()], input_shape=(8, 2), **FAST).fit(
        X, Y
    )
    assert FiltersDisplay.from_estimator(series).filters.shape == (3, 2, 2)


def test_activations_are_those_of_the_network():
    model = images()
    display = ActivationsDisplay.from_estimator(model, X, "conv", sample=3)
    assert_array_equal(display.activations, model.network_.activations(X[3:4], "conv")[0])
    units = ActivationsDisplay.from_estimator(model, X, "hidden")
    assert len(units.ax_.patches) == 5
    series = NeuralClassifier(layers=[Conv1D(3, 2), Flatten()], input_shape=(8, 2), **FAST).fit(
        X, Y
    )
    assert ActivationsDisplay.from_estimator(series, X, 0).ax_.get_ylabel() == "channel"


def attentive():
    codes = RNG.integers(1, 6, (30, 4))
    layers = [Embedding(4, mask_zero=True), ("block", TransformerBlock(2)), GlobalAveragePool1D()]
    model = NeuralClassifier(layers=layers, input_shape=(None,), **FAST)
    return model.fit(codes, codes[:, 0] > 2), codes


def test_attention_has_the_tokens_on_its_axes():
    model, codes = attentive()
    weights = model.network_.attention_weights(codes[2:3], "block")[0]
    display = AttentionDisplay.from_estimator(model, codes, "block", sample=2, head=1)
    assert_array_equal(display.weights, weights[1])
    named = AttentionDisplay.from_estimator(model, codes, "block", tokens=["a", "b", "c"])
    assert named.weights.shape == (3, 3)
    assert [t.get_text() for t in named.ax_.get_xticklabels()] == ["a", "b", "c"]
    with pytest.raises(ValueError, match="2 heads, got head=2"):
        AttentionDisplay.from_estimator(model, codes, "block", head=2)
    with pytest.raises(ValueError, match="5 tokens were given for 4 steps"):
        AttentionDisplay.from_estimator(model, codes, "block", tokens=list("abcde"))
    with pytest.raises(
        ValueError, match="the name of a layer, and y for a NeuralTranslator alone"
    ):
        AttentionDisplay.from_estimator(model, codes)


def test_attention_goes_from_the_tokens_of_a_target_to_those_of_its_source():
    X, y = ["one two", "two"], ["ab", "b"]
    translator = NeuralTranslator("word", max_iter=1, random_state=0).fit(X, y)
    display = AttentionDisplay.from_estimator(translator, X, y=y, head=1)
    weights = translator.attention_weights(X[:1], y[:1])[0][1]
    np.testing.assert_array_equal(display.weights, weights)
    assert (display.tokens, display.targets) == (["one", "two", "end"], ["a", "b", "end"])
    labels = display.ax_.get_xticklabels(), display.ax_.get_yticklabels()
    assert [[label.get_text() for label in each] for each in labels] == [
        ["one", "two", "end"],
        ["a", "b", "end"],
    ]
    written = AttentionDisplay.from_estimator(translator, X, sample=1)
    assert written.targets == [*translator.predict(X)[1], "end"]
    codes = NeuralTranslator(None, None, max_iter=1, random_state=0).fit([[3, 0]], [[1]])
    assert AttentionDisplay.from_estimator(codes, [[3, 0]]).tokens == ["3", "0", "end"]


def test_embeddings_of_two_units_are_drawn_as_they_are_and_others_reduced():
    model = NeuralClassifier(layers=[("plane", Dense(2)), 4], **FAST).fit(X, Y)
    display = EmbeddingDisplay.from_estimator(model, X, Y, layer="plane")
    assert_array_equal(display.embedding, model.network_.activations(X, "plane"))
    reduced = EmbeddingDisplay.from_estimator(model, X, X[:, 0]).embedding
    assert_allclose(reduced.mean(axis=0), 0, atol=1e-12)
    with pytest.raises(ValueError, match="needs two dimensions"):
        EmbeddingDisplay.from_estimator(model, X, reducer=StandardScaler())


def test_reconstructions_stand_below_their_samples():
    model = AutoencoderTransformer(2, **FAST).fit(X)
    display = ReconstructionDisplay.from_estimator(model, X, image_shape=(4, 4), n_samples=3)
    assert_array_equal(display.reconstructions, model.reconstruct(X[:3]))
    picture = display.ax_.images[0].get_array()
    assert picture.shape == (9, 14)
    assert_array_equal(picture[:4, 5:9], X[1].reshape(4, 4))
    lines = ReconstructionDisplay.from_estimator(model, X, targets=X, n_samples=2)
    assert len(lines.ax_.lines) == 6


@pytest.mark.parametrize(
    "options",
    [
        {"variational": True, "beta": 20.0},
        {"sparsity": 20.0},
        {"contraction": 20.0, "hidden_layer_sizes": ()},
        {"sparsity": 20.0, "sparsity_type": "kl", "activation": "logistic"},
    ],
    ids=["variational", "sparse", "contractive", "kl"],
)
def test_saliency_is_that_of_the_prediction_without_penalties_and_draws(options):
    options = {"hidden_layer_sizes": (6,), "activation": "tanh", **options}
    model = AutoencoderTransformer(3, **FAST, **options).fit(X)
    display = SaliencyDisplay.from_estimator(model, X, target=1, method="gradient")
    steps = 1e-6 * np.eye(X.shape[1])
    above, below = (model.reconstruct(X[:1] + sign * steps)[:, 1] for sign in (1, -1))
    assert_allclose(display.saliency, (above - below) / 2e-6, rtol=1e-5, atol=1e-8)


def test_sequences_of_unequal_length_stand_beside_their_reconstructions():
    sequences = [X[:n, :2] for n in (3, 5, 4)]
    model = AutoencoderTransformer(
        2,
        encoder=[LSTM(3)],
        decoder=[LSTM(3, return_sequences=True)],
        input_shape=(None, 2),
        **FAST,
    ).fit(sequences)
    lines = ReconstructionDisplay.from_estimator(model, sequences).ax_.lines
    assert [len(line.get_ydata()) for line in lines] == [6, 6, 10, 10, 8, 8]
    assert_array_equal(lines[2].get_ydata(), sequences[1].ravel())
    with pytest.raises(ValueError, match="has image_shape for samples of one shape"):
        ReconstructionDisplay.from_estimator(model, sequences, image_shape=(2, 2))
    with pytest.raises(ValueError, match="cannot draw a kernel of shape"):
        FiltersDisplay.from_estimator(model)


def test_a_walk_through_the_latent_space_decodes_its_grid():
    model = AutoencoderTransformer(3, **FAST).fit(X)
    display = LatentDisplay.from_estimator(model, X, size=3, components=(2, 0), coverage=1.0)
    codes = model.transform(X)
    corner = np.median(codes, axis=0)
    corner[[2, 0]] = codes[:, 2].min(), codes[:, 0].max()
    assert_allclose(display.images[0], model.inverse_transform([corner])[0], atol=1e-12)
    with pytest.raises(ValueError, match="two different components from 0 to 2"):
        LatentDisplay.from_estimator(model, X, components=(1, 3))


def test_intervals_are_counted():
    y = X[:, 0]
    model = TabularRegressor(hidden_layer_sizes=(4,), cv=2, max_iter=2, random_state=0).fit(X, y)
    low, high = model.predict_interval(X, coverage=0.7).T
    display = IntervalDisplay.from_estimator(model, X, y, coverage=0.7, n_samples=10)
    assert display.covered_ == np.mean((low <= y) & (y <= high))
    assert "70% intended" in display.text_.get_text()
    both = CoverageDisplay.from_estimator(model, X, y, coverages=(0.7, 0.3))
    assert_array_equal(both.coverages, [0.3, 0.7])
    assert both.covered[1] == display.covered_


@pytest.mark.parametrize("loss", ["gaussian", Quantile([0.1, 0.5, 0.9])])
def test_networks_with_a_loss_of_intervals_are_drawn(loss):
    model = NeuralRegressor((4,), loss=loss, **FAST).fit(X, X[:, 0])
    intervals = IntervalDisplay.from_estimator(model, X, X[:, 0], coverage=0.8).intervals
    if loss == "gaussian":
        mean, std = model.predict(X, return_std=True)
        assert_allclose(
            intervals, np.column_stack([mean - 1.28155 * std, mean + 1.28155 * std]), rtol=1e-4
        )
    else:
        assert_array_equal(intervals, model.predict(X)[:, [0, 2]])


def test_importances_are_drawn_from_the_least_to_the_most():
    frame = pd.DataFrame(X[:, :3], columns=["a", "b", "c"])
    model = TabularRegressor(hidden_layer_sizes=(8,), cv=2, max_iter=20, random_state=0).fit(
        frame, X[:, 1]
    )
    display = ImportancesDisplay.from_estimator(model, n_features=2)
    assert display.ax_.get_yticklabels()[-1].get_text() == "b"
    assert display.bars_[-1].get_width() == model.feature_importances_.max()


def test_the_most_confident_mistakes_come_first():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]])
    display = ErrorsDisplay.from_predictions(
        ["b", "a", "a", "a"], probabilities, ["w", "x", "y", "z"], classes=["a", "b"], n_shown=2
    )
    assert display.samples == ["w", "x"] and display.n_errors == 3
    assert_array_equal(display.y_pred, ["a", "b"])
    numbers = ErrorsDisplay.from_predictions([1.0, 2.0, 3.0], [1.0, 4.0, 2.5], np.eye(3))
    assert_array_equal(numbers.y_true, [2.0, 3.0])
    with pytest.raises(ValueError, match="expects the classes of 2 columns"):
        ErrorsDisplay.from_predictions(["a"] * 4, probabilities, list("wxyz"))


def test_mistakes_are_written_or_drawn():
    model = NeuralClassifier((2,), **FAST).fit(X, Y)
    wrong = np.count_nonzero(model.predict(X) != Y)
    display = ErrorsDisplay.from_estimator(model, X, Y, image_shape=(4, 4), n_shown=4)
    assert display.n_errors == wrong and len(display.ax_.texts) == min(4, wrong)
    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(16)])
    written = ErrorsDisplay.from_estimator(model, X, Y, shown=frame)
    assert "f0=" in written.ax_.texts[1].get_text()


LAYERS = {
    "dense": ([Dense(6, activation="tanh"), BatchNorm(), Dropout(0.5), 4], {}),
    "image": ([Conv2D(3, 2, activation="tanh"), Flatten()], {"input_shape": (4, 4, 1)}),
    "steps": ([LSTM(4, dropout=0.3, recurrent_dropout=0.3)], {"input_shape": (8, 2)}),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_gradients_are_those_of_what_is_predicted(kind):
    layers, options = LAYERS[kind]
    model = NeuralClassifier(layers=layers, **options, **FAST).fit(X, Y)
    display = SaliencyDisplay.from_estimator(model, X, sample=5, target="no", method="gradient")
    step, expected = 1e-6, np.zeros(16)
    for i in range(16):
        ends = np.repeat(X[5:6], 2, axis=0)
        ends[:, i] += [-step, step]
        low, high = model.decision_function(ends)
        expected[i] = -(high - low) / (2 * step)  # "no" is the first of two classes
    assert_allclose(display.saliency.ravel(), expected, atol=1e-7)
    assert model.network_.layer.is_stochastic == (kind != "image")


def test_integrated_gradients_add_up_to_the_change_of_the_output():
    model = NeuralRegressor((8,), activation="tanh", **FAST).fit(X, X[:, 0])
    start = X.mean(axis=0)
    display = SaliencyDisplay.from_estimator(model, X, sample=2, baseline=start, n_steps=500)
    network = model.network_
    change = network.predict(X[2:3]) - network.predict(start[None])
    assert display.saliency.sum() == pytest.approx(change.item(), abs=1e-5)


def test_tokens_are_explained_by_their_embeddings():
    codes = RNG.integers(0, 6, (30, 4))
    layers = [Embedding(4), GlobalAveragePool1D(), Dense(5, activation="tanh")]
    model = NeuralClassifier(layers=layers, input_shape=(None,), **FAST).fit(codes, codes[:, 0])
    raw = model.network_.predict(codes[1:2].astype(float))[0]
    display = SaliencyDisplay.from_estimator(
        model, codes, sample=1, target=4, tokens=list("abcd"), n_steps=400
    )
    fewer = SaliencyDisplay.from_estimator(model, codes, sample=1, target=4, tokens=list("ab"))
    assert fewer.saliency.shape == (2,)  # the other steps are padding
    model.network_[0].embeddings_[:] = 0
    change = raw - model.network_.predict(codes[1:2].astype(float))[0]
    assert display.saliency.sum() == pytest.approx(change[4], abs=1e-7)
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == ["d", "c", "b", "a"]


def test_names_of_features_go_through_a_pipeline():
    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(16)])
    model = make_pipeline(StandardScaler(), NeuralRegressor((4,), **FAST)).fit(frame, X[:, 0])
    display = SaliencyDisplay.from_estimator(model, frame, sample=4)
    assert list(display.feature_names) == list(frame.columns)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda m: TrainingDisplay.from_estimator(NeuralClassifier()), NotFittedError, "fitted"),
        (lambda m: TrainingDisplay.from_estimator(3), TypeError, "fitted estimator"),
        (
            lambda m: TrainingDisplay.from_estimator(LogisticRegression().fit(X, Y)),
            TypeError,
            "with history_, got a LogisticRegression",
        ),
        (lambda m: TrainingDisplay.from_estimator(m, metric="score"), ValueError, "validation"),
        (lambda m: TrainingDisplay.from_estimator(m, metric="speed"), ValueError, "'speed'"),
        (lambda m: FiltersDisplay.from_estimator(m, 1), ValueError, "with a kernel"),
        (
            lambda m: FiltersDisplay.from_estimator(m, "hidden", image_shape=(2, 3)),
            ValueError,
            "in the shape",
        ),
        (lambda m: ActivationsDisplay.from_estimator(m, X, "none"), ValueError, "no layer"),
        (lambda m: AttentionDisplay.from_estimator(m, X, 0), ValueError, "MultiHeadAttention"),
        (lambda m: IntervalDisplay.from_estimator(m, X, Y), TypeError, "TabularRegressor"),
        (
            lambda m: IntervalDisplay.from_predictions([1, 2], [[0, 1]]),
            ValueError,
            "two ends of an interval",
        ),
        (lambda m: ImportancesDisplay.from_estimator(m), TypeError, "feature_importances_"),
        (lambda m: ReconstructionDisplay.from_estimator(m, X), TypeError, "reconstruct"),
        (lambda m: SaliencyDisplay.from_estimator(m, X, method="lime"), ValueError, "method"),
        (lambda m: SaliencyDisplay.from_estimator(m, X, target="what"), ValueError, "classes"),
        (lambda m: SaliencyDisplay.from_estimator(m, X, baseline=[1, 2]), ValueError, "baseline"),
        (
            lambda m: ActivationsDisplay.from_estimator(m, X, "conv", sample=40),
            ValueError,
            "sample == 40",
        ),
        (lambda m: FiltersDisplay.from_estimator(m, n_columns=0), ValueError, "n_columns == 0"),
        (
            lambda m: SaliencyDisplay.from_estimator(m, X, baseline=np.nan),
            ValueError,
            "baseline must be finite",
        ),
        (lambda m: SaliencyDisplay.from_estimator(m, X, n_steps=0), ValueError, "n_steps == 0"),
        (lambda m: SaliencyDisplay.from_estimator(m, X, sample="a"), TypeError, "sample must be"),
        (lambda m: EmbeddingDisplay.from_estimator(m, X, Y[:3]), ValueError, "inconsistent"),
        (lambda m: EmbeddingDisplay.from_estimator(m, X, [None] * 40), ValueError, "got None"),
        (lambda m: TrainingDisplay.from_estimator([]), TypeError, "got none"),
        (lambda m: CoverageDisplay.from_predictions([1.0], {}), ValueError, "or more, got {}"),
        (
            lambda m: IntervalDisplay.from_predictions([np.nan], [[0, 1]]),
            ValueError,
            "y_true contains NaN",
        ),
        (
            lambda m: IntervalDisplay.from_predictions([1.0], [[np.nan, 1]]),
            ValueError,
            "intervals without NaN",
        ),
        (
            lambda m: ErrorsDisplay.from_predictions(["a"], ["b"], ["x"]),
            ValueError,
            "by their probabilities",
        ),
        (
            lambda m: ImportancesDisplay([0.5, 0.5]).plot(n_features=0),
            ValueError,
            "n_features == 0",
        ),
    ],
)
def test_wrong_uses_have_a_sentence(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call(images())


def test_of_a_table_a_member_is_looked_into():
    model = TabularRegressor(cv=2, max_iter=2, random_state=0).fit(X[:, :3], X[:, 3])
    with pytest.raises(
        TypeError, match=r"got a TabularRegressor\. Pass one of its members_; where"
    ):
        ArchitectureDisplay.from_estimator(model)
    member = model.members_[0]
    assert len(ArchitectureDisplay.from_estimator(member).rows) > 9
    inputs = model.encoder_.transform(X[:, :3])
    assert SaliencyDisplay.from_estimator(member, inputs).saliency.shape == (3,)


def test_reconstructions_of_a_frame_keep_its_names():
    frame = pd.DataFrame(X[:, :3], columns=list("abc"))
    model = AutoencoderTransformer(2, max_iter=2, tol=0, random_state=0).fit(frame)
    display = ReconstructionDisplay.from_estimator(model, frame)  # warnings are errors
    assert_array_equal(display.reconstructions, model.reconstruct(frame[: len(display.originals)]))


def test_a_file_without_training_state_has_no_history(tmp_path):
    save(images(), tmp_path / "slim.sknet", training_state=False)
    with pytest.raises(ValueError, match="finds no history: a file that was saved with"):
        TrainingDisplay.from_estimator(load(tmp_path / "slim.sknet"))


def steps():
    X = [RNG.normal(size=(n, 2)) for n in (3, 4, 5, 3)]
    layers = [LSTM(3, return_sequences=True)]
    model = NeuralClassifier(layers=layers, input_shape=(None, 2), **FAST)
    return model.fit(X, [np.arange(len(x)) % 2 for x in X]), X


@pytest.mark.parametrize("display", [SaliencyDisplay, ErrorsDisplay])
def test_predictions_at_each_step_are_refused_where_one_is_drawn(display):
    model, X = steps()
    data = (X,) if display is SaliencyDisplay else (X, [np.arange(len(x)) % 2 for x in X])
    with pytest.raises(TypeError, match="predicts at each step or pixel"):
        display.from_estimator(model, *data)


def test_layers_of_sequences_of_unequal_length_are_embedded():
    model, X = steps()
    assert EmbeddingDisplay.from_estimator(model, X, layer=0).embedding.shape == (4, 2)
