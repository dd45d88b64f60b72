"""Conversion to ONNX of pipelines, by skl2onnx, and of the networks of the examples."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier, StackingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
)

from sknet import (
    AutoencoderTransformer,
    FeatureExtractor,
    NeuralClassifier,
    NeuralLanguageModel,
    NeuralOutlierDetector,
    NeuralRegressor,
    NeuralTranslator,
    TabularClassifier,
    TabularRegressor,
)
from sknet.interop.onnx import register_converters, to_onnx
from sknet.layers import Embedding, GlobalAveragePool1D
from sknet.preprocessing import SquashingScaler, TableEncoder, TokenizerTransformer

pytest.importorskip("onnxruntime")  # before the cases, whose module is skipped without it
from .test_onnx import (
    LABELS,
    RNG,
    SHORT,
    TABULAR,
    X,
    check_classifier,
    check_values,
    feed,
    run,
    samples,
    session_of,
    table,  # noqa: F401 (a fixture)
)

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def skl2onnx():
    """Skip a test of pipelines where the package is not installed."""
    return pytest.importorskip("skl2onnx")


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize(
    "steps",
    [[StandardScaler()], [MinMaxScaler(), PCA(3)], [SimpleImputer(), SquashingScaler()]],
    ids=str,
)
def test_a_pipeline_converts_as_a_whole(skl2onnx, steps, kind):
    pipeline = make_pipeline(*steps, NeuralClassifier(**SHORT)).fit(X, LABELS[kind])
    session = session_of(to_onnx(pipeline))
    for rows in (X, X[:1]):
        check_classifier(pipeline, rows, run(session, X=rows))


def test_pipelines_with_regressors_and_transformers_convert(skl2onnx):
    pipeline = make_pipeline(StandardScaler(), NeuralRegressor(**SHORT)).fit(X, 9 * X[:, 0])
    check_values(run(session_of(to_onnx(pipeline, X)), X=X)["variable"], pipeline.predict(X))
    encoder = AutoencoderTransformer(3, **SHORT)
    pipeline = make_pipeline(StandardScaler(), make_pipeline(encoder, LogisticRegression()))
    pipeline.fit(X, LABELS["integers"])
    check_classifier(pipeline, X, run(session_of(to_onnx(pipeline)), X=X))


def test_a_pipeline_on_the_features_of_a_frozen_network_converts(skl2onnx):
    base = NeuralClassifier(**SHORT).fit(X, LABELS["integers"])
    extractor = FeatureExtractor(FrozenEstimator(base))
    pipeline = make_pipeline(extractor, StandardScaler(), LogisticRegression())
    pipeline.fit(X, LABELS["binary"])
    check_classifier(pipeline, X, run(session_of(to_onnx(pipeline)), X=X))
    extractor = FeatureExtractor(make_pipeline(StandardScaler(), NeuralClassifier(**SHORT)))
    with pytest.raises(ValueError, match="FeatureExtractor of a Pipeline cannot be converted"):
        to_onnx(extractor.fit(X, LABELS["binary"]))


def test_scores_are_not_taken_for_probabilities(skl2onnx):
    pipeline = make_pipeline(StandardScaler(), NeuralClassifier(**SHORT, loss="hinge"))
    pipeline.fit(X, LABELS["binary"])
    found = run(session_of(to_onnx(pipeline)), X=X)
    check_values(found["scores"][:, 1], pipeline.decision_function(X))
    ensemble = BaggingClassifier(pipeline, 2).fit(X, LABELS["binary"])
    with pytest.raises(ValueError, match="it takes the scores of loss='hinge' for probabilities"):
        to_onnx(ensemble)


def test_a_search_converts_its_best_pipeline(skl2onnx):
    pipeline = make_pipeline(StandardScaler(), NeuralClassifier(**SHORT))
    search = GridSearchCV(pipeline, {"neuralclassifier__alpha": [0, 1]}, cv=2)
    search.fit(X, LABELS["integers"])
    check_classifier(search, X, run(session_of(to_onnx(search)), X=X))


def test_the_columns_of_a_frame_are_inputs_of_a_pipeline(skl2onnx, table):  # noqa: F811
    y = np.resize(LABELS["binary"], 60)
    numbers, categories = ["number", "yes"], ["city", "many"]
    encode = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(), categories))
    for first in (encode, TableEncoder()):
        columns = table[numbers + categories].assign(yes=table["yes"] * 1.0)
        pipeline = make_pipeline(first, NeuralClassifier(**SHORT)).fit(columns, y)
        session = session_of(to_onnx(pipeline, columns))
        check_classifier(pipeline, columns, run(session, **feed(columns)))
    with pytest.raises(ValueError, match=r"expects X with the columns .* Reorder them"):
        to_onnx(pipeline, columns[columns.columns[::-1]])


def test_a_table_encoder_alone_converts(table):  # noqa: F811
    encoder = TableEncoder().fit(table)
    found = run(session_of(to_onnx(encoder, table)), **feed(table))["variable"]
    check_values(found, encoder.transform(table))


def test_tabular_estimators_end_pipelines(skl2onnx):
    pipeline = make_pipeline(StandardScaler(), TabularClassifier(**TABULAR))
    pipeline.fit(X, LABELS["integers"])
    check_classifier(pipeline, X, run(session_of(to_onnx(pipeline)), X=X))


@pytest.mark.parametrize("kind", ["binary", "integers"])
@pytest.mark.parametrize(
    "meta",
    [
        CalibratedClassifierCV(NeuralClassifier(**SHORT), cv=2),
        CalibratedClassifierCV(TabularClassifier(**TABULAR), cv=2),
        OneVsRestClassifier(NeuralClassifier(**SHORT)),
        BaggingClassifier(NeuralClassifier(**SHORT), 2),
        StackingClassifier([("a", NeuralClassifier(**SHORT)), ("b", LogisticRegression())], cv=2),
    ],
    ids=lambda meta: f"{type(meta).__name__} {type(getattr(meta, 'estimator', None)).__name__}",
)
def test_classifiers_made_of_classifiers_convert(skl2onnx, meta, kind):
    meta.fit(X, LABELS[kind])
    check_classifier(meta, X, run(session_of(to_onnx(meta)), X=X))


def test_skl2onnx_itself_knows_the_estimators(skl2onnx):
    pipeline = make_pipeline(StandardScaler(), NeuralClassifier(**SHORT)).fit(X, LABELS["binary"])
    register_converters()
    model = skl2onnx.to_onnx(pipeline, X, target_opset={"": 18, "ai.onnx.ml": 3})
    check_classifier(pipeline, X, run(session_of(model), X=X))


@pytest.mark.parametrize(
    "model, sentence",
    [
        (
            TransformedTargetRegressor(NeuralRegressor(**SHORT)),
            "it has no converter for TransformedTargetRegressor. Apply such steps before",
        ),
        (make_pipeline(FunctionTransformer(np.sin), NeuralRegressor(**SHORT)), "Apply such steps"),
    ],
    ids=["target", "function"],
)
def test_what_skl2onnx_cannot_convert_is_refused_by_a_sentence(skl2onnx, model, sentence):
    model.fit(X, X[:, 0])
    with pytest.raises(ValueError, match=f"cannot be converted to ONNX by skl2onnx: .*{sentence}"):
        to_onnx(model)


def test_columns_and_texts_ask_for_rows(skl2onnx):
    frame = pytest.importorskip("pandas").DataFrame({"age": X[:, 0]})
    columns = make_column_transformer((StandardScaler(), ["age"]))
    model = make_pipeline(columns, NeuralRegressor(**SHORT)).fit(frame, X[:, 0])
    with pytest.raises(ValueError, match="without its columns: pass a few rows of the data frame"):
        to_onnx(model)
    layers = [Embedding(2), GlobalAveragePool1D()]
    texts = make_pipeline(
        TokenizerTransformer(), NeuralRegressor(layers=layers, max_iter=2, tol=0)
    )
    with pytest.raises(ValueError, match="expects X for a Pipeline of texts: pass a few of them"):
        to_onnx(texts.fit(["a b", "b"] * 5, [0.0, 1.0] * 5))


def example(name):
    """Import an example."""
    spec = spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def ragged(*lengths, width):
    return [RNG.standard_normal((n, width)).astype(np.float32) for n in lengths]


def codes(*lengths, width=(), n=9):
    return [RNG.integers(1, n, (n_steps, *width)) for n_steps in lengths]


PIXELS = RNG.random((20, 784)).astype(np.float32)
IMAGES = PIXELS.reshape(20, 28, 28, 1)
TEXTS = ["mary", "anna", "joan"] * 4
LENGTHS = (7, 12, 9, 7, 5, 11, 9, 8) * 2
TEN = np.arange(20) % 10

#: What makes the network of each example, and data of its form.
NETWORKS = {
    "anomaly_detection": (lambda m: m.build_model(0), X, None),
    "chorales": (lambda m: m.build_model(0, True), codes(*[40] * 3), None),
    "compression": (lambda m: m.build_model("mnist", 0), PIXELS, None),
    "denoising": (lambda m: m.build_model(0), IMAGES, None),
    "digit_strings": (
        lambda m: m.build_model(0),
        lambda m: ragged(*[n + 20 for n in LENGTHS], width=32),
        ["12", "3"] * 8,
    ),
    "few_labels": (lambda m: m.build_autoencoder("convolutional", 0), IMAGES, None),
    "fine_tuning": (
        lambda m: NeuralClassifier(layers=[*m.body(), *m.head()], **m.TRAINING),
        PIXELS,
        TEN,
    ),
    "forecasting": (lambda m: m.build_model(28), samples((28,), 30), X[:30, 0]),
    "forecasting_with_covariates": (
        lambda m: m.build_model(0),
        lambda m: samples((m.WINDOW + m.HORIZON * len(m.KNOWN),), 10),
        samples((3,), 10),
    ),
    "house_prices": (lambda m: m.build_model(0), X, X[:, 0]),
    "image_recognition": (lambda m: m.build_model(0), PIXELS, TEN),
    "income": (lambda m: m.build_model(0), X, LABELS["binary"]),
    "medical_diagnosis": (
        lambda m: m.build_model(0),
        np.hstack([RNG.integers(0, 3, (40, 3)), X]).astype(np.float32),
        LABELS["binary"],
    ),
    "names": (lambda m: m.build_model("Transformer", 0), TEXTS, None),
    "outlier_detection": (lambda m: m.models()["autoencoder"], PIXELS, None),
    "part_of_speech": (
        lambda m: m.build_model(0),
        codes(*LENGTHS, width=(9,)),
        codes(*LENGTHS, n=4),
    ),
    "python_code": (lambda m: m.build_model(0, True), codes(*[40] * 3), None),
    "quickstart": (lambda m: next(m.jobs())[4], X, LABELS["binary"]),
    "recommendation": (
        lambda m: m.build_model(0, size=4),
        np.hstack([RNG.integers(0, 5, (40, 2)), RNG.random((40, 21))]).astype(np.float32),
        X[:, 0],
    ),
    "segmentation": (
        lambda m: m.build_model(0),
        samples((16, 16, 1), 6),
        RNG.integers(0, 2, (6, 16, 16)),
    ),
    "shakespeare": (lambda m: m.build_model(0), TEXTS, None),
    "speaker_recognition": (
        lambda m: m.build_model("convolutional", 0),
        ragged(*LENGTHS, width=12),
        np.arange(16) % 3,
    ),
    "spoken_digits": (
        lambda m: m.build_model("cnn", 0),
        ragged(*LENGTHS, width=32),
        np.arange(16) % 3,
    ),
    "text_classification": (
        lambda m: m.build_model("Transformer", 0),
        RNG.integers(0, 9, (16, 12)),
        np.arange(16) % 2,
    ),
    "translation": (
        lambda m: m.build_model(next(iter(m.TASKS)), 0),
        ["one", "two"] * 8,
        ["1", "2"] * 8,
    ),
    "variational_digits": (lambda m: m.build_model(0), PIXELS, None),
}


def test_every_example_is_there():
    assert set(NETWORKS) == {path.stem for path in EXAMPLES.glob("*.py")}


def shortened(model):
    """Return the last step of a model, made to train for one epoch."""
    network = model.steps[-1][1] if hasattr(model, "steps") else model
    if isinstance(network, TabularClassifier | TabularRegressor):
        return network.set_params(**TABULAR, n_members=2, n_jobs=None)
    if not isinstance(network, NeuralLanguageModel | NeuralTranslator):
        network.set_params(scoring="loss")
    return network.set_params(max_iter=1, batch_size=8)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_of_every_example_converts(name):
    pytest.importorskip("pandas")
    build, data, y = NETWORKS[name]
    module = example(name)
    data = data(module) if callable(data) else data
    network = shortened(build(module))
    network.fit(data) if y is None else network.fit(data, y)
    if isinstance(network, NeuralLanguageModel):
        ids = np.array([row[:4] for row in network._vocabulary.encode(data)], np.int64)
        expected = network.network_.predict(ids.astype(np.float32))
        check_values(run(session_of(to_onnx(network)), tokens=ids)["logits"], expected)
        return
    if isinstance(network, NeuralTranslator):
        assert to_onnx(network).graph.output[0].name == "logits"  # see test_onnx.py
        return
    given = padded(data) if isinstance(data, list) else {"X": data.astype(np.float32)}
    found = run(session_of(to_onnx(network, data)), **given)
    if isinstance(network, NeuralOutlierDetector):
        check_values(found["scores"], network.score_samples(data))
    elif isinstance(network, AutoencoderTransformer):
        check_values(found["variable"], network.transform(data))
        found = run(session_of(to_onnx(network, data, method="reconstruct")), **given)
        check_values(found["variable"], network.reconstruct(data))
    elif isinstance(network, NeuralRegressor | TabularRegressor):
        check_values(found["variable"], network.predict(data))
    elif not isinstance(y, list) and y.ndim == 1:
        check_classifier(network, data, found)
    elif isinstance(data, list):
        for row, expected in zip(found["probabilities"], network.predict_proba(data), strict=True):
            check_values(row[: len(expected)], expected)
    else:
        check_values(found["probabilities"], network.predict_proba(data))


def padded(sequences):
    lengths = np.array([len(row) for row in sequences])
    x = np.zeros((len(lengths), lengths.max(), *sequences[0].shape[1:]), np.float32)
    for row, values in zip(x, sequences, strict=True):
        row[: len(values)] = values
    return {"X": x, "lengths": lengths}
