"""Conversion to ONNX: onnxruntime gives what the networks give."""

import datetime
import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import MinMaxScaler

from sknet import (
    AutoencoderTransformer,
    FeatureExtractor,
    NeuralClassifier,
    NeuralLanguageModel,
    NeuralOutlierDetector,
    NeuralRegressor,
    NeuralTranscriber,
    NeuralTranslator,
    TabularClassifier,
    TabularRegressor,
    layers,
)
from sknet.activations import ACTIVATIONS, ELU, GELU, FunctionActivation, LeakyReLU
from sknet.base import Workspace
from sknet.inputs import as_inputs
from sknet.interop.onnx import converts, to_onnx
from sknet.layers import (
    GLU,
    GRU,
    LSTM,
    Activation,
    ActivityPenalty,
    AlphaDropout,
    AveragePool1D,
    AveragePool2D,
    AveragePool3D,
    BatchNorm,
    Bidirectional,
    Branch,
    ColumnBranches,
    ContractiveDense,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    Cropping1D,
    Cropping2D,
    Cropping3D,
    CrossAttention,
    Dense,
    DepthwiseConv1D,
    DepthwiseConv2D,
    Dropout,
    Embedding,
    Flatten,
    GaussianCode,
    GaussianNoise,
    GlobalAveragePool1D,
    GlobalAveragePool2D,
    GlobalAveragePool3D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    GlobalMaxPool3D,
    GroupNorm,
    Lambda,
    Layer,
    LayerNorm,
    Masking,
    MaskingNoise,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    MultiHeadAttention,
    Parallel,
    ParametricActivation,
    PeriodicEmbedding,
    Permute,
    PositionalEmbedding,
    PReLU,
    Pretrained,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    RepeatVector,
    Rescaling,
    Reshape,
    Residual,
    Resizing,
    RMSNorm,
    Scaling,
    SeparableConv1D,
    SeparableConv2D,
    Sequential,
    SimpleRNN,
    SourceState,
    SpatialDropout1D,
    SpatialDropout2D,
    SwiGLU,
    TiedSequential,
    TimeDistributed,
    TransformerBlock,
    TransformerDecoderBlock,
    TransposedDense,
    UnitNorm,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
    WeightNorm,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from sknet.layers.base import build_layer
from sknet.losses import (
    REGRESSION_LOSSES,
    CosineSimilarity,
    FunctionLoss,
    KLDivergence,
    Quantile,
    SquaredError,
)
from sknet.network import Network
from sknet.places import real_rows
from sknet.preprocessing import TableEncoder

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

RNG = np.random.default_rng(0)
IMAGE, VOLUME, SEQUENCE = (6, 7, 4), (5, 4, 6, 2), (9, 4)
SAME = [Dense(4), Activation("tanh")]
#: Which of 20 positions attention lets see which; one sees nothing.
SEEN = (np.add.outer(np.arange(20), 3 * np.arange(20)) % 5 < 2) & (np.arange(20) != 2)[:, None]

#: Layers with the shape of a sample.
CASES = [
    *[(Dense(3, activation=name), (4,)) for name in sorted(ACTIVATIONS)],
    *[(Dense(3, activation=each), (4,)) for each in (ELU(0.3), GELU(False), LeakyReLU(0.3))],
    (Dense(3, use_bias=False), (2, 3, 4)),
    (ContractiveDense(3), (4,)),
    (TiedSequential([Dense(2), TransposedDense("tanh")]), (4,)),
    (Activation("mish"), (3, 4)),
    (ParametricActivation("gelu"), (3, 4)),
    (Scaling(), (3, 4)),
    (ActivityPenalty(0.1), (4,)),
    *[(layer, (4,)) for layer in (Dropout(), GaussianNoise(), MaskingNoise(), Flatten())],
    (AlphaDropout(), (4,)),
    *[(layer, IMAGE) for layer in (RandomFlip(), RandomRotation(), RandomTranslation())],
    *[(layer, IMAGE) for layer in (RandomZoom(), RandomContrast(), RandomBrightness())],
    (RandomErasing(), IMAGE),
    *[(RandomCrop(*size), IMAGE) for size in ((3,), (6, 5), (5, 2))],
    *[(Resizing(*size), IMAGE) for size in ((3,), (9, 5))],
    (Resizing(4, 9, interpolation="area"), IMAGE),
    (Rescaling(), IMAGE),
    (Rescaling(3, 0.5), (None, 4)),
    (PReLU(), (3, 4)),
    *[(GLU(name), (None, 6)) for name in ("logistic", "softmax")],
    (SwiGLU(3), (4,)),
    (SwiGLU(3, use_bias=False), (None, 4)),
    (Permute((2, 1)), (3, 4)),
    (Permute((1, 3, 2)), (None, 3, 4)),
    (Permute((3, 1, 2)), IMAGE),
    (RepeatVector(3), (4,)),
    (WeightNorm(Dense(3, activation="tanh")), (4,)),
    (WeightNorm(Conv2D(3, 2)), IMAGE),
    *[(UnitNorm(axis=axis), (3, 4)) for axis in (-1, (-2, -1))],
    *[(norm(axis=(-2, -1)), (3, 4)) for norm in (LayerNorm, RMSNorm)],
    (LayerNorm(axis=(-3, -2, -1)), IMAGE),
    (LayerNorm(axis=(-1, -2)), (None, 3, 4)),
    *[(norm(scale=False), (3, 4)) for norm in (LayerNorm, RMSNorm, BatchNorm)],
    *[(norm(center=False), (3, 4)) for norm in (LayerNorm, BatchNorm)],
    *[(GroupNorm(2, center=on, scale=not on), (3, 4)) for on in (True, False)],
    (SpatialDropout1D(), SEQUENCE),
    (SpatialDropout2D(), IMAGE),
    (Flatten(), IMAGE),
    (Reshape((2, -1)), IMAGE),
    (Reshape((-1, 2, 2)), (None, 4)),
    (GaussianCode(3), (4,)),
    (PeriodicEmbedding(5, 3), (4,)),
    (PeriodicEmbedding(5, 3), (None, 4)),
    (BatchNorm(), (4,)),
    (BatchNorm(), IMAGE),
    *[
        (norm, IMAGE)
        for axis in (1, -2)
        for norm in (BatchNorm(axis=axis), GroupNorm(1, axis=axis))
    ],
    (GroupNorm(-1, axis=2), (None, 4, 3)),
    (LayerNorm(), (3, 4)),
    (RMSNorm(), (3, 4)),
    *[(GroupNorm(groups), shape) for groups in (1, 2, -1) for shape in ((4,), IMAGE, (None, 4))],
    *[(Conv1D(3, 3, padding=p), SEQUENCE) for p in ("valid", "same", "causal")],
    *[(Conv1D(3, 3, padding=p), (None, 4)) for p in ("valid", "same", "causal")],
    (Conv1D(3, 3, 2, "same"), (None, 4)),
    (Conv1D(3, 2, dilation_rate=3, padding="same", activation="relu"), SEQUENCE),
    (Conv1D(6, 3, groups=2, padding="causal", dilation_rate=2), SEQUENCE),
    (Conv2D(3, (2, 3), strides=2, padding="same", activation="elu"), IMAGE),
    (Conv2D(4, 3, groups=4), IMAGE),
    (Conv2D(4, 3, dilation_rate=2, padding="same"), (None, 7, 4)),
    (Conv3D(3, 2, padding="same"), VOLUME),
    *[
        (Conv1D(3, size, strides, padding), shape)
        for padding in ("reflect", "circular")
        for size, strides in ((5, 1), (2, 1), (3, 2), (4, 3), (1, 2))
        for shape in (SEQUENCE, (None, 4))
    ],
    *[(Conv1D(3, 3, padding=p, dilation_rate=2), (None, 4)) for p in ("reflect", "circular")],
    *[(Conv1D(3, 9, padding=p), (3, 4)) for p in ("reflect", "circular")],
    *[(Conv2D(3, (4, 3), (1, 2), p), IMAGE) for p in ("reflect", "circular")],
    (Conv2D(4, 3, padding="reflect", dilation_rate=2), (None, 7, 4)),
    (Conv3D(3, 3, padding="circular"), VOLUME),
    *[
        (DepthwiseConv1D(3, padding=p, depth_multiplier=2, activation="tanh"), (None, 4))
        for p in ("valid", "same", "causal", "reflect")
    ],
    (DepthwiseConv2D((2, 3), 2, "same", use_bias=False), IMAGE),
    (DepthwiseConv2D(3, dilation_rate=2, depth_multiplier=3), IMAGE),
    (SeparableConv1D(3, 3, padding="circular", activation="softmax"), (None, 4)),
    (SeparableConv2D(3, (2, 3), 2, "same", depth_multiplier=2, activation="relu6"), IMAGE),
    (Conv3DTranspose(3, (2, 3, 1), (1, 2, 3), "same"), VOLUME),
    (Conv3DTranspose(3, 2, 2, activation="relu"), (None, 4, 6, 2)),
    *[
        (Conv1DTranspose(3, size, strides, padding, output_padding=more), shape)
        for size, strides, padding, more in (
            (3, 2, "valid", 0),
            (3, 2, "valid", 1),
            (2, 3, "valid", 2),
            (3, 2, "same", 0),
            (3, 2, "same", 1),
            (4, 2, "same", 1),
            (2, 4, "same", 3),
            (1, 4, "same", 2),
            (3, 1, "same", 0),
        )
        for shape in (SEQUENCE, (None, 4))
    ],
    (Conv2DTranspose(3, (4, 3), 2, "same", output_padding=1), IMAGE),
    (Conv3DTranspose(3, 3, 2, "same", output_padding=(0, 1, 0)), VOLUME),
    (Conv3D(3, (2, 1, 3), strides=(1, 2, 1)), VOLUME),
    *[
        (Conv1DTranspose(3, size, strides, padding), shape)
        for size, strides in ((3, 1), (3, 2), (2, 3))
        for padding in ("valid", "same")
        for shape in (SEQUENCE, (None, 4))
    ],
    (Conv2DTranspose(3, (4, 3), 2, "same", activation="relu"), IMAGE),
    (Conv2DTranspose(3, 2, (3, 1), dilation_rate=(1, 2)), IMAGE),
    *[
        (pool(3, strides, padding), SEQUENCE)
        for pool in (MaxPool1D, AveragePool1D)
        for strides in (None, 2)
        for padding in ("valid", "same")
    ],
    *[(pool(2, padding="same"), (None, 4)) for pool in (MaxPool1D, AveragePool1D)],
    *[(pool((2, 3), 2, "same"), IMAGE) for pool in (MaxPool2D, AveragePool2D)],
    *[(pool(2), VOLUME) for pool in (MaxPool3D, AveragePool3D)],
    *[(pool(), (None, 4)) for pool in (GlobalAveragePool1D, GlobalMaxPool1D)],
    *[(pool(), IMAGE) for pool in (GlobalAveragePool2D, GlobalMaxPool2D)],
    *[(pool(), VOLUME) for pool in (GlobalAveragePool3D, GlobalMaxPool3D)],
    (UpSampling1D(3), (None, 4)),
    (UpSampling2D((2, 3)), IMAGE),
    (UpSampling2D((2, 3), interpolation="bilinear"), IMAGE),
    *[(UpSampling3D(size), VOLUME) for size in (2, (1, 3, 2))],
    (ZeroPadding1D((2, 1)), (None, 4)),
    (ZeroPadding2D(((1, 2), (0, 3))), IMAGE),
    (ZeroPadding3D(((1, 2), (0, 3), (1, 1))), VOLUME),
    (Cropping1D((2, 1)), (None, 4)),
    (Cropping2D(((1, 2), (0, 3))), IMAGE),
    (Cropping3D(((1, 2), (0, 3), (1, 0))), VOLUME),
    (SimpleRNN(3, "relu", return_sequences=True), SEQUENCE),
    *[
        (layer(3, **options), shape)
        for layer in (SimpleRNN, LSTM, GRU)
        for options in ({}, {"return_sequences": True, "go_backwards": True}, {"use_bias": False})
        for shape in (SEQUENCE, (None, 4))
    ],
    *[
        (Bidirectional(LSTM(3, return_sequences=several), merge), (None, 4))
        for several in (False, True)
        for merge in ("concat", "sum")
    ],
    (Bidirectional(GRU(3, go_backwards=True)), SEQUENCE),
    (TimeDistributed([Dense(3), LayerNorm()]), (None, 4)),
    (TimeDistributed([Conv2D(2, 3), Flatten()]), (5, *IMAGE)),
    *[
        (MultiHeadAttention(2, 3, 5, causal=causal), shape)
        for causal in (False, True)
        for shape in (SEQUENCE, (None, 4))
    ],
    (MultiHeadAttention(2, use_bias=False), SEQUENCE),
    *[
        (MultiHeadAttention(4, 2, 3, num_key_value_heads=n, rotary=rotary, causal=n == 2), shape)
        for n in (None, 1, 2)
        for rotary in (False, True)
        for shape in (SEQUENCE, (None, 4))
    ],
    *[
        (MultiHeadAttention(2, **options, causal=causal), shape)
        for options in ({"window": 2}, {"attention_mask": SEEN, "window": 3, "rotary": True})
        for causal in (False, True)
        for shape in (SEQUENCE, (None, 4))
    ],
    (TransformerBlock(2, rotary=True, num_key_value_heads=1), (None, 4)),
    *[(TransformerBlock(2, causal=causal), (None, 4)) for causal in (False, True)],
    *[(PositionalEmbedding("sinusoidal"), shape) for shape in (SEQUENCE, (None, 5))],
    (PositionalEmbedding(), SEQUENCE),
    (PositionalEmbedding(max_length=20), (None, 4)),
    (Residual(SAME), (3, 4)),
    *[
        (Parallel([Dense(4), [Dense(3), Dense(4)], Dense(4)], merge), shape)
        for merge in ("concatenate", "add", "average", "multiply", "maximum", "dot")
        for shape in ((4,), (None, 4))
    ],
    (
        ColumnBranches(
            [
                Branch([0, 3], [Dense(2)]),
                Branch(slice(1, 5), [Conv1D(2, 2), Flatten()], input_shape=(2, 2)),
                Branch([-1, 0], [Dense(2)]),
            ]
        ),
        (6,),
    ),
    (Sequential([Conv1D(6, 3), LSTM(4, return_sequences=True), Flatten(), Dense(2)]), SEQUENCE),
]


def named(value):
    return repr(value).replace("\n", "").replace(" ", "")


def network_of(layer, shape, dtype="float32"):
    """Return a network whose weights are all random, those that usually start at 0 or 1 too."""
    network = Network(clone(layer), shape, dtype)
    network.params[:] = np.random.default_rng(1).uniform(0.2, 0.9, len(network.params))
    network.params *= np.random.default_rng(2).choice([-1, 1], len(network.params))
    for part in network.layer.walk():
        if isinstance(part, BatchNorm):
            part.moving_variance_[:] = np.abs(part.moving_variance_)
            part.exponent_[:] = 1
    return network


def session_of(model):
    return onnxruntime.InferenceSession(model.SerializeToString())


def run(session, **inputs):
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs), strict=True))


def samples(shape, n=3, n_steps=8):
    sizes = [n_steps if size is None else size for size in shape]
    return RNG.standard_normal((n, *sizes)).astype(np.float32)


def check(layer, shape, X=None):
    network = network_of(layer, shape)
    session = session_of(to_onnx(network))
    for n in (3, 1, 5):
        x = samples(shape, n, 5 + n) if X is None else X[:n]
        expected = network.predict(x.reshape(len(x), -1))
        found = run(session, X=x)["raw"]
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layer, shape", CASES, ids=named)
def test_onnxruntime_agrees_with_every_layer(layer, shape):
    check(layer, shape)


#: Layers that return a vector a sequence, after those that see which steps are real.
MASKED = [
    *[Conv1D(3, 3, strides, padding) for strides in (1, 2, 3) for padding in ("valid", "same")],
    Conv1D(3, 3, padding="causal", dilation_rate=2),
    Conv1D(3, 3, 2, "same", dilation_rate=2),
    *[
        Conv1D(3, size, strides, padding)
        for size, strides in ((3, 1), (4, 1), (3, 2), (5, 3))
        for padding in ("reflect", "circular")
    ],
    DepthwiseConv1D(3, padding="same"),
    SeparableConv1D(4, 3, 2, "reflect"),
    WeightNorm(Conv1D(4, 3)),
    PReLU(),
    GLU(),
    SwiGLU(4),
    Rescaling(3, 0.5),
    UnitNorm(),
    RMSNorm(scale=False),
    Permute((1, 2)),
    *[
        pool(3, strides, padding)
        for pool in (MaxPool1D, AveragePool1D)
        for strides in (1, 2)
        for padding in ("valid", "same")
    ],
    *[Conv1DTranspose(3, 3, strides, p) for strides in (1, 2) for p in ("valid", "same")],
    *[Conv1DTranspose(3, 3, 2, p, output_padding=1) for p in ("valid", "same")],
    Conv1DTranspose(3, 3, 3, "same", output_padding=0),
    UpSampling1D(2),
    ZeroPadding1D((2, 1)),
    ZeroPadding1D(0),
    Cropping1D((2, 1)),
    GroupNorm(2),
    GroupNorm(-1),
    BatchNorm(),
    LayerNorm(),
    *[
        layer(4, return_sequences=True, go_backwards=backwards)
        for layer in (SimpleRNN, LSTM, GRU)
        for backwards in (False, True)
    ],
    Bidirectional(GRU(4, return_sequences=True)),
    MultiHeadAttention(2),
    MultiHeadAttention(2, causal=True),
    MultiHeadAttention(2, num_key_value_heads=1, rotary=True),
    MultiHeadAttention(2, rotary=True, causal=True),
    MultiHeadAttention(2, window=2),
    MultiHeadAttention(2, attention_mask=SEEN, causal=True),
    TransformerBlock(2),
    PositionalEmbedding("sinusoidal"),
    PositionalEmbedding(max_length=20),
    TimeDistributed([Dense(4)]),
    Residual(SAME),
    Residual([GRU(4, return_sequences=True)]),
    Parallel([Dense(4), Conv1D(2, 3, padding="same")]),
    Reshape((-1, 2, 2)),
]
ENDS = Parallel([GRU(3), LSTM(3, go_backwards=True), GlobalAveragePool1D(), GlobalMaxPool1D()])


def with_padding(x):
    """Return sequences that end in padding, and have it elsewhere, too, in all but the first."""
    x = x.copy()
    for row, last in enumerate((8, 6, 3, 5, 0)):
        x[row, last:] = 0
        x[row, 1 : row + 1] = 0
    return x


@pytest.mark.parametrize("layer", MASKED, ids=named)
def test_masked_steps_are_left_out(layer):
    shape = build_layer(clone(layer), "", (None, 4))
    end = ENDS if len(shape) == 2 else GlobalMaxPool2D()
    check(Sequential([Masking(), layer, end]), (None, 4), with_padding(samples((8, 4), 5)))


@pytest.mark.parametrize(
    "layer",
    [
        MaxPool1D(3, 1, "same"),
        MaxPool1D(2),
        AveragePool1D(2),
        Conv1D(3, 3, 2, "circular"),
        PositionalEmbedding("sinusoidal"),
        PositionalEmbedding(),
        MultiHeadAttention(2, rotary=True),
        GRU(3, return_sequences=True),
        *[norm(axis=(-2, -1)) for norm in (LayerNorm, RMSNorm, UnitNorm)],
    ],
    ids=named,
)
def test_flat_outputs_hold_the_same_at_masked_steps(layer):
    x = with_padding(samples((8, 4), 5))
    check(Sequential([Masking(), layer, Permute((2, 1)), Flatten()]), (8, 4), x)


SOME = [layer for layer in MASKED[::3] if not isinstance(layer, Reshape)]  # that ends with images


@pytest.mark.parametrize("layer", SOME, ids=named)
def test_sequences_of_unequal_length_have_a_second_input(layer):
    network = network_of(Sequential([layer, GRU(3)]), (None, 4))
    x, lengths = samples((8, 4), 4), np.array([8, 5, 1, 3])
    sequences = [row[:n] for row, n in zip(x, lengths, strict=True)]
    expected = network.predict(as_inputs(sequences, (None, 4), np.float32, ""))
    found = run(session_of(to_onnx(network, sequences)), X=x, lengths=lengths)["raw"]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_what_several_layers_ask_for_is_computed_once():
    layers = [Masking(), *[Conv1D(4, 3, padding="same") for _ in range(3)], ENDS]
    nodes = to_onnx(network_of(Sequential(layers), (None, 4))).graph.node
    assert sum(node.op_type == "TopK" for node in nodes) == 3  # there, back, and from the end


def test_embeddings_of_zero_are_masked():
    codes = RNG.integers(1, 9, (5, 7)).astype(np.float32)
    codes[2, 4:] = codes[3, 1] = codes[4] = 0
    layers = [Embedding(4, input_dim=9, mask_zero=True), ENDS]
    check(Sequential(layers), (None,), codes)
    both = Parallel([Embedding(2, input_dim=9, mask_zero=True) for _ in range(2)])
    check(Sequential([both, ENDS]), (None,), codes)
    check(Embedding(4, input_dim=9), (7,), codes)


@pytest.mark.parametrize("code", [-1, 9])
def test_codes_out_of_range_are_an_error_of_the_runtime(code):
    session = session_of(to_onnx(network_of(Embedding(4, input_dim=9), (2,))))
    with pytest.raises(Exception, match="indices element out of data bounds, idx=9"):
        run(session, X=np.array([[0, code]], np.float32))


X = samples((5,), 40)
QUICK = {"max_iter": 3, "tol": 0, "random_state": 0}
SHORT = {"hidden_layer_sizes": (6,), **QUICK}
LABELS = {
    "binary": np.array(["no", "yes"])[np.arange(40) % 2],
    "integers": np.arange(40) % 3 * 10,
    "booleans": np.arange(40) % 2 == 0,
    "multilabel": (X[:, :3] > 0).astype(int),
    "multioutput": np.column_stack([np.arange(40) % 3, np.arange(40) % 2]).astype(str),
}


def check_classifier(classifier, X, found):
    """Compare the outputs of a graph with those of a classifier."""
    label, expected = found["label"], classifier.predict(X)
    assert label.shape == expected.shape
    np.testing.assert_array_equal(label, expected)
    if label.dtype == object:
        assert {type(each) for each in label.ravel()} == {str}
    probabilities = classifier.predict_proba(X)
    if isinstance(probabilities, list):
        pairs = [(each, found[f"probabilities_{j}"]) for j, each in enumerate(probabilities)]
    else:
        pairs = [(probabilities, found["probabilities"])]
    for expected, array in pairs:
        np.testing.assert_allclose(array, expected, rtol=1e-5, atol=1e-5)


def check_values(found, expected):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found.reshape(expected.shape), expected, atol=1e-5 * scale)


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("loss", ["log_loss", "focal"])
def test_a_classifier_gives_labels_and_probabilities(kind, loss):
    classifier = NeuralClassifier(**SHORT, loss=loss).fit(X, LABELS[kind])
    session = session_of(to_onnx(classifier))
    for rows in (X, X[:1]):
        check_classifier(classifier, rows, run(session, X=rows))


@pytest.mark.parametrize("kind", ["binary", "integers", "multilabel"])
@pytest.mark.parametrize("loss", ["dice", "tversky"])
def test_a_classifier_with_a_loss_of_overlap_gives_probabilities(kind, loss):
    classifier = NeuralClassifier(**SHORT, loss=loss).fit(X, LABELS[kind])
    check_classifier(classifier, X, run(session_of(to_onnx(classifier)), X=X))


#: Losses whose targets have several columns.
OF_VECTORS = [CosineSimilarity, KLDivergence]


def half_square(y, prediction):
    return (prediction - y) ** 2 / 2


def difference(y, prediction):
    return prediction - y


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_the_scores_of_a_classifier_are_its_decisions(kind, loss):
    classifier = NeuralClassifier(**SHORT, loss=loss).fit(X, LABELS[kind])
    # A loss without probabilities gives scores anyway.
    method = "decision_function" if loss == "log_loss" else None
    found = run(session_of(to_onnx(classifier, method=method)), X=X)
    assert list(found) == ["label", "scores"]
    expected = classifier.decision_function(X)
    if kind in ("binary", "booleans"):
        expected = np.column_stack([-expected, expected])
    check_values(found["scores"], np.hstack(expected) if kind == "multioutput" else expected)
    np.testing.assert_array_equal(found["label"], classifier.predict(X))


@pytest.mark.parametrize(
    "loss",
    [
        *(name for name, loss in REGRESSION_LOSSES.items() if loss not in OF_VECTORS),
        Quantile([0.1, 0.5, 0.9]),
        FunctionLoss(half_square, difference),
    ],
    ids=str,
)
def test_a_regressor_gives_predictions_of_every_loss(loss):
    y = 50 * np.abs(X[:, 0]) + 100
    regressor = NeuralRegressor(**SHORT, loss=loss).fit(X, y)
    found = run(session_of(to_onnx(regressor)), X=X)["variable"]
    check_values(found, regressor.predict(X))


@pytest.mark.parametrize("loss", OF_VECTORS)
def test_a_regressor_gives_distributions_and_directions(loss):
    y = np.abs(X[:, :3]) / np.abs(X[:, :3]).sum(axis=1, keepdims=True)
    regressor = NeuralRegressor(**SHORT, loss=loss()).fit(X, y)
    check_values(run(session_of(to_onnx(regressor)), X=X)["variable"], regressor.predict(X))


@pytest.mark.parametrize("loss", ["squared_error", "gaussian"])
def test_a_regressor_gives_all_targets(loss):
    regressor = NeuralRegressor(**SHORT, loss=loss).fit(X, X[:, :3] * [1, 10, 100])
    check_values(run(session_of(to_onnx(regressor)), X=X)["variable"], regressor.predict(X))


def test_a_target_far_from_zero_is_predicted_in_float64():
    y = 1e9 + X[:, 0].astype(np.float64)
    for regressor in (NeuralRegressor(**SHORT), TabularRegressor(**TABULAR)):
        regressor.fit(X, y)
        if isinstance(regressor, TabularRegressor):
            regressor.member_weights_ = np.array([0.3, 0.7])
        found = run(session_of(to_onnx(regressor)), X=X)["variable"]
        assert found.dtype == np.float64
        check_values(found[:, 0] - 1e9, regressor.predict(X) - 1e9)


def test_a_weight_that_float32_cannot_hold_is_refused():
    network = network_of(Dense(2), (4,), "float64")
    network.params[0] = 1e39
    with pytest.raises(ValueError, match=r"numbers that float32 can hold, got 1e.39 among"):
        to_onnx(network)


def test_targets_with_losses_of_their_own_have_outputs_of_their_own():
    pd = pytest.importorskip("pandas")
    y = pd.DataFrame({"price": 100 * X[:, 0], "sold": LABELS["binary"]})
    loss = {"price": "huber", "sold": "log_loss"}
    regressor = NeuralRegressor(**SHORT, loss=loss).fit(X, y)
    found, expected = run(session_of(to_onnx(regressor)), X=X), regressor.predict(X)
    check_values(found["price"], expected["price"].to_numpy())
    assert found["sold"].tolist() == expected["sold"].tolist()
    probabilities = regressor.predict_proba(X)["sold"]
    check_values(found["sold_probabilities"], np.asarray(probabilities))


def test_an_estimator_that_predicts_at_each_step_converts():
    x, y = samples((7, 4), 20), np.arange(140).reshape(20, 7) % 3
    classifier = NeuralClassifier(**QUICK, layers=[Conv1D(4, 3, padding="same")]).fit(x, y)
    check_classifier(classifier, x, run(session_of(to_onnx(classifier)), X=x))


def test_the_input_has_the_form_of_x():
    x = samples(IMAGE, 12)
    layers = [Conv2D(3, 3), Flatten()]
    classifier = NeuralClassifier(**QUICK, layers=layers).fit(x, np.arange(12) % 2)
    rows = x.reshape(12, -1)
    for given in (None, x, rows):
        model = to_onnx(classifier, given)
        check_classifier(classifier, x, run(session_of(model), X=x if given is None else given))
    gray = x[..., 0]
    classifier = NeuralClassifier(**QUICK, layers=layers).fit(gray, np.arange(12) % 2)
    check_classifier(classifier, gray, run(session_of(to_onnx(classifier, gray)), X=gray))


def test_weights_of_float64_can_be_kept():
    wide = X.astype(np.float64)
    classifier = NeuralClassifier(**SHORT).fit(wide, LABELS["integers"])
    found = run(session_of(to_onnx(classifier, dtype="float64")), X=wide)["probabilities"]
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, classifier.predict_proba(wide), rtol=1e-12)


PLAIN = {"n_components": 3, **SHORT}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"loss": "log_loss", "variational": True},
        {"tied_weights": True, "sparsity": 0.1},
        {"contraction": 0.1, "hidden_layer_sizes": ()},
        {"handle_missing": "ignore", "noise": 0.1},
    ],
    ids=str,
)
def test_encoder_and_decoder_of_an_autoencoder_convert(options):
    x = MinMaxScaler((0.01, 0.99)).fit_transform(X)
    if "handle_missing" in options:
        x[::3, 1] = np.nan
    autoencoder = AutoencoderTransformer(**PLAIN | options).fit(x)
    code = autoencoder.transform(x)
    check_values(run(session_of(to_onnx(autoencoder)), X=x)["variable"], code)
    model = to_onnx(autoencoder, method="inverse_transform")
    expected = autoencoder.inverse_transform(code)
    check_values(run(session_of(model), X=code)["variable"], expected)
    model = to_onnx(autoencoder, method="reconstruct")
    check_values(run(session_of(model), X=x)["variable"], autoencoder.reconstruct(x))


def test_an_autoencoder_of_sequences_converts():
    x = samples((8, 3), 10)
    autoencoder = AutoencoderTransformer(
        encoder=[GRU(4)],
        decoder=[GRU(4, return_sequences=True)],
        input_shape=(None, 3),
        n_components=2,
        max_iter=1,
        tol=0,
        random_state=0,
    ).fit(list(x))
    check_values(run(session_of(to_onnx(autoencoder)), X=x)["variable"], autoencoder.transform(x))
    model = to_onnx(autoencoder, method="reconstruct")
    check_values(run(session_of(model), X=x)["variable"], autoencoder.reconstruct(x))
    with pytest.raises(ValueError, match=r"The decoder of sequences .* a code does not tell"):
        to_onnx(autoencoder, method="inverse_transform")


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "log_loss"])
@pytest.mark.parametrize("missing", [False, True])
def test_an_outlier_detector_gives_labels_and_scores(loss, missing):
    x = MinMaxScaler((0.01, 0.99)).fit_transform(X)
    options = {"handle_missing": "ignore"} if missing else {}
    if missing:
        x[::3, 1] = np.nan
    detector = NeuralOutlierDetector(**PLAIN | options, loss=loss, contamination=0.3).fit(x)
    found = run(session_of(to_onnx(detector)), X=x)
    check_values(found["scores"], detector.score_samples(x))
    assert found["label"].tolist() == detector.predict(x).tolist()


@pytest.mark.parametrize("layer", [None, "0", "1__0"])
def test_a_feature_extractor_gives_the_outputs_of_its_layer(layer):
    layers = [Dense(4, "tanh"), Residual([Dense(4, "relu"), Dense(4)]), Dense(3)]
    extractor = FeatureExtractor(NeuralClassifier(**QUICK, layers=layers), layer)
    features = extractor.fit(X, LABELS["binary"]).transform(X)
    check_values(run(session_of(to_onnx(extractor)), X=X)["variable"], features)


@pytest.fixture(scope="module")
def table():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "number": rng.standard_normal(60) * 1000,
            "holes": np.where(rng.random(60) < 0.2, np.nan, rng.random(60)),
            "constant": np.ones(60),
            "city": np.array(["Rome", "Oslo", "Bern"])[np.arange(60) % 3],
            "many": np.array(list("abcdefghijkl"))[np.arange(60) % 12],
            "two": np.array(["x", "y"])[np.arange(60) % 2],
            "yes": np.arange(60) % 4 == 0,
        }
    )
    frame["grade"] = pd.Categorical(np.arange(60) % 3)
    return frame


def feed(frame):
    """Return the columns of a frame as onnxruntime takes them."""
    columns = {}
    for name in frame:
        values = frame[[name]].to_numpy()
        columns[name] = values.astype(object if isinstance(values[0, 0], str) else np.float32)
    return columns


TABULAR = {"hidden_layer_sizes": (8,), "max_iter": 2, "cv": 2, "random_state": 0}


@pytest.mark.parametrize("kind", LABELS)
def test_a_tabular_classifier_reads_the_columns_of_a_frame(table, kind):
    y = np.resize(LABELS[kind], (60, *LABELS[kind].shape[1:]))
    classifier = TabularClassifier(**TABULAR).fit(table, y)
    check_classifier(classifier, table, run(session_of(to_onnx(classifier, table)), **feed(table)))


@pytest.mark.parametrize("kind", LABELS)
def test_a_tabular_classifier_takes_a_vote_where_there_are_no_probabilities(kind):
    classifier = TabularClassifier(**TABULAR, loss="hinge").fit(X, LABELS[kind])
    check_classifier(classifier, X, run(session_of(to_onnx(classifier)), X=X))


@pytest.mark.parametrize("loss", ["squared_error", "gamma", "gaussian"])
def test_a_tabular_regressor_reads_the_columns_of_a_frame(table, loss):
    y = np.abs(table["number"].to_numpy()) + 1
    regressor = TabularRegressor(**TABULAR, loss=loss).fit(table, y)
    found = run(session_of(to_onnx(regressor)), **feed(table))["variable"]
    check_values(found, regressor.predict(table))


@pytest.mark.parametrize("name", ["label", "probabilities", ""])
def test_columns_called_as_an_output_are_refused(table, name):
    named = table.rename(columns={"number": name})
    classifier = TabularClassifier(**TABULAR).fit(named, np.arange(len(table)) % 2)
    with pytest.raises(ValueError, match=f"TabularClassifier .* the column name '{name}': inputs"):
        to_onnx(classifier)
    graph = to_onnx(TabularClassifier(**TABULAR).fit(table, np.arange(len(table)) % 2)).graph
    for inner in (graph.node[3].output[0], graph.initializer[0].name):
        named = table.rename(columns={"number": inner})
        with pytest.raises(ValueError, match=f"the column name '{inner}': inputs"):
            to_onnx(TabularClassifier(**TABULAR).fit(named, np.arange(len(table)) % 2))


@pytest.mark.parametrize(
    "levels, dtype, reason",
    [
        ([datetime.date(2020, 1, day) for day in (1, 2, 3)], "float32", "of the type date"),
        ([2**24, 2**24 + 1, 5], "float32", "which float32 does not tell"),
        ([2**24, 2**24 + 1, 5], "float64", None),
        ([2**53, 2**53 + 1, 5], "float64", "which float64 does not tell"),
        ([0.1, 0.2, 0.3], "float32", None),
    ],
)
def test_categories_that_onnx_does_not_tell_apart_are_refused(levels, dtype, reason):
    pandas = pytest.importorskip("pandas")
    cells = pandas.Categorical(np.resize(levels, len(X)))
    frame = pandas.DataFrame({"x": X[:, 0], "level": cells})
    classifier = TabularClassifier(**TABULAR).fit(frame, LABELS["integers"])
    if reason is None:
        session = session_of(to_onnx(classifier, dtype=dtype))
        columns = {name: frame[[name]].to_numpy(np.float64) for name in frame}
        found = run(session, **{k: v.astype(dtype) for k, v in columns.items()})
        check_classifier(classifier, frame, found)
        return
    with pytest.raises(ValueError, match=f"position 1 holds categories .*{reason}"):
        to_onnx(classifier, dtype=dtype)


def test_tabular_estimators_of_arrays_have_one_input():
    x = X.copy()
    x[::5, 2] = np.nan
    classifier = TabularClassifier(**TABULAR).fit(x, LABELS["integers"])
    check_classifier(classifier, x, run(session_of(to_onnx(classifier)), X=x))
    regressor = TabularRegressor(**TABULAR).fit(x, X[:, :2])
    check_values(run(session_of(to_onnx(regressor)), X=x)["variable"], regressor.predict(x))


@pytest.mark.parametrize("kind", LABELS)
def test_members_of_unequal_weight_have_it_in_the_graph(kind):
    classifier = TabularClassifier(**TABULAR).fit(X, LABELS[kind])
    regressor = TabularRegressor(**TABULAR).fit(X, X[:, :2])
    classifier.member_weights_ = regressor.member_weights_ = np.array([0.9, 0.1])
    check_classifier(classifier, X, run(session_of(to_onnx(classifier)), X=X))
    check_values(run(session_of(to_onnx(regressor)), X=X)["variable"], regressor.predict(X))


def fresh(session, n):
    """Return the memory of nothing for n rows."""
    types = {"tensor(float)": np.float32, "tensor(int64)": np.int64}
    sizes = {"rows": n, "past": 0}
    return {
        each.name: np.zeros([sizes.get(size, size) for size in each.shape], types[each.type])
        for each in session.get_inputs()
        if each.name.startswith("past")
    }


def step_by_step(session, name, x, sizes):
    """Return the first outputs for parts of sequences, each with the memory of those before."""
    memory, found, start = fresh(session, len(x)), [], 0
    for size in sizes:
        outputs = run(session, **{name: x[:, start : start + size]}, **memory)
        start += size
        found.append(next(iter(outputs.values())))
        memory = {key: outputs[key.replace("past", "present")] for key in memory}
    return np.concatenate(found, axis=1)


CAUSAL = [
    SimpleRNN(4, return_sequences=True),
    LSTM(4, return_sequences=True),
    GRU(4, return_sequences=True),
    Conv1D(4, 3, padding="causal", dilation_rate=2),
    Conv1D(4, 1),
    MultiHeadAttention(2, 3, 5, causal=True),
    TransformerBlock(2, causal=True),
    MultiHeadAttention(4, 2, 3, causal=True, rotary=True, num_key_value_heads=2),
    TransformerBlock(2, causal=True, rotary=True, num_key_value_heads=1),
    TransformerBlock(2, causal=True, rotary=True, window=2),
    MultiHeadAttention(2, causal=True, attention_mask=SEEN),
    DepthwiseConv1D(3, padding="causal"),
    SeparableConv1D(4, 3, padding="causal"),
    WeightNorm(Conv1D(4, 3, padding="causal")),
    SwiGLU(4),
    PositionalEmbedding(max_length=20),
    PositionalEmbedding("sinusoidal"),
    TimeDistributed([Dense(4), LayerNorm()]),
    Residual([Conv1D(4, 2, padding="causal"), GRU(4, return_sequences=True)]),
    Parallel([Dense(4), TransformerBlock(2, causal=True)]),
]


@pytest.mark.parametrize("layer", CAUSAL, ids=named)
def test_a_causal_network_reads_a_few_steps_at_a_time(layer):
    network = network_of(Sequential([layer, Dense(3)]), (None, 4))
    x = samples((9, 4), 2)
    found = step_by_step(session_of(to_onnx(network, method="advance")), "X", x, (1, 3, 1, 4))
    expected = network.predict(x.reshape(2, -1))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_language_model_gives_logits_with_and_without_its_memory():
    texts = ["to be or not to be", "that is the question"]
    model = NeuralLanguageModel(context_length=16, max_iter=1, random_state=0, tol=0).fit(texts)
    ids = np.array([row[:12] for row in model._vocabulary.encode(texts)], np.int64)
    expected = model.network_.predict(ids.astype(np.float32))
    logits = run(session_of(to_onnx(model)), tokens=ids)["logits"]
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5)
    found = step_by_step(session_of(to_onnx(model, method="advance")), "tokens", ids, (5, 1, 6))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def translator(decoder, encoder=None):
    encoder = encoder or [Embedding(8), PositionalEmbedding("sinusoidal"), TransformerBlock(2)]
    model = NeuralTranslator(encoder=encoder, decoder=decoder, max_iter=1, random_state=0)
    return model.fit(["one", "two", "three", "eleven"] * 4, ["1", "2", "3", "11"] * 4)


@pytest.mark.filterwarnings("ignore:.*converged")
@pytest.mark.parametrize(
    "decoder, encoder",
    [
        ([Embedding(8), TransformerDecoderBlock(2)], None),
        ([Embedding(8), GRU(8, return_sequences=True), Residual([CrossAttention(2)])], None),
        ([Embedding(8), SourceState(LSTM(8, return_sequences=True))], None),
        (
            [Embedding(8), SourceState(GRU(8, return_sequences=True))],
            [Embedding(8), Bidirectional(GRU(4))],
        ),
    ],
    ids=named,
)
def test_a_translator_gives_the_logits_of_the_next_token(decoder, encoder):
    model = translator(decoder, encoder)
    data = model._pairs(["one", "eleven", "two"], ["1", "11", "2"])
    x, _ = data.X.padded(Workspace(3, np.float32))
    source, target = (x[:, :, side].astype(np.int64) for side in (0, 1))
    source = source[:, : 1 + np.flatnonzero(source.any(axis=0)).max()]
    target = target[:, : 1 + np.flatnonzero(target.any(axis=0)).max()]
    expected = real_rows(model.network_.predict(data.X), data.y.lengths)
    found = run(session_of(to_onnx(model)), source=source, target=target)["logits"]
    check_values(real_rows(found, data.y.lengths), expected)


def test_a_transcriber_gives_the_probabilities_of_its_steps():
    x = samples((9, 3), 12)
    layers = [GRU(4, return_sequences=True)]
    model = NeuralTranscriber(layers, (None, 3), max_iter=1, tol=0, random_state=0)
    model.fit(x, ["ab", "ba", "a"] * 4)
    check_values(run(session_of(to_onnx(model)), X=x)["probabilities"], model.predict_proba(x))
    sequences = [x[0], x[1, :5], x[2, :7]]
    padded = x[:3] * (np.arange(9)[:, None] < np.array([9, 5, 7])[:, None, None])
    session = session_of(to_onnx(model, sequences))
    found = run(session, X=padded.astype(np.float32), lengths=np.array([9, 5, 7]))["probabilities"]
    for row, expected in zip(found, model.predict_proba(sequences), strict=True):
        check_values(row[: len(expected)], expected)


def public_layers():
    return {getattr(layers, name) for name in layers.__all__} - {Layer}


def test_every_public_layer_is_among_the_cases():
    built = [network_of(layer, shape).layer for layer, shape in CASES]
    seen = {type(part) for layer in built for part in layer.walk()}
    # These have tests of their own.
    apart = {Embedding, Masking, Pretrained, CrossAttention, SourceState, TransformerDecoderBlock}
    apart.add(Lambda)  # is refused
    assert public_layers() - seen == apart


def test_layers_of_another_estimator_convert():
    base = NeuralClassifier(**QUICK, layers=[Dense(4, "tanh")]).fit(X, LABELS["binary"])
    check(Pretrained(base), (5,))


class Doubled(Dense):
    """Its forward is not that of the class that it extends."""

    def forward(self, x, training=False, mask=None):
        return 2 * super().forward(x, training, mask)


class Renamed(Dense):
    """Computes what the class computes that it extends."""


def own_link():
    class Shifted(SquaredError):
        def inverse_link(self, raw):
            return raw + 1

    return NeuralRegressor(**SHORT, loss=Shifted()).fit(X, X[:, 0])


def dated():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"day": pd.date_range("2026-01-01", periods=40)})
    return TableEncoder().fit(frame)


#: What cannot be converted, with the end of its sentence.
REFUSED = [
    (Doubled(3), (4,), "overrides forward of Dense. Register one by @sknet.interop.onnx.converts"),
    (
        Dense(3, activation=FunctionActivation(np.sin, np.cos)),
        (4,),
        "its activation FunctionActivation is a plain function of Python. Choose one",
    ),
    (
        Conv1D(3, 3, 2, "same", dilation_rate=2),
        (None, 4),
        "runtimes cannot pad dilated windows with strides where the number of steps is free.",
    ),
    (
        Sequential([Masking(), UpSampling2D(interpolation="bilinear")]),
        (None, 4, 2),
        "runtimes interpolate over masked steps as well. Set interpolation='nearest'",
    ),
    (
        Sequential([Masking(), Residual([GRU(4, return_sequences=True, go_backwards=True)])]),
        (None, 4),
        "a layer in it changes which steps are real. Leave out Masking inside it.",
    ),
    (Residual([CrossAttention(2)]), (None, 4), "it looks at a source. Convert the Neural"),
    (
        Lambda(np.cos, lambda x, grad: -np.sin(x) * grad),
        (4,),
        "its function is one of Python. Make it a layer of your own",
    ),
    *[
        (
            Sequential([Masking(), layer]),
            (3, 4, 2),
            "it does not keep steps, of which some are not real. Leave out Masking.",
        )
        for layer in (Resizing(2), RandomCrop(2))
    ],
    (
        Parallel([[Masking(), Dense(4)], Dense(4)]),
        (None, 4),
        "its branches do not agree on which steps are real. Put a Masking before it",
    ),
]


@pytest.mark.parametrize("layer, shape, sentence", REFUSED, ids=lambda each: named(each)[:40])
def test_what_cannot_be_converted_says_which_layer_and_why(layer, shape, sentence):
    with pytest.raises(ValueError, match=f"cannot be converted to ONNX: .*{re.escape(sentence)}"):
        to_onnx(network_of(layer, shape))


@pytest.mark.parametrize(
    "make, arguments, sentence",
    [
        (own_link, {}, "The loss Shifted cannot be converted to ONNX: it overrides inverse_link"),
        (dated, {}, "TableEncoder cannot be converted to ONNX: the column 'day' holds dates"),
        (
            lambda: fitted(),
            {"method": "transform"},
            "expects method=None or 'decision_function' for NeuralClassifier",
        ),
        (lambda: fitted(), {"dtype": "int8"}, "expects dtype 'float32' or 'float64', got 'int8'"),
        (lambda: fitted(), {"X": X[0]}, "expects X as samples of shape (5,) or as rows"),
        (lambda: fitted(), {"X": [X, X[:2]]}, "as rows, got something else."),
        (lambda: variational(), {}, "of variational codes cannot be converted to ONNX."),
    ],
)
def test_a_wrong_call_is_refused(make, arguments, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        to_onnx(make(), **arguments)


def test_a_path_is_no_rows():
    with pytest.raises(TypeError, match=r"got 'model\.onnx'\. It returns the model: write its"):
        to_onnx(fitted(), "model.onnx")


def fitted():
    return NeuralClassifier(**SHORT).fit(X, LABELS["binary"])


def variational():
    return NeuralOutlierDetector(**PLAIN, variational=True).fit(X)


def test_an_estimator_that_predicts_otherwise_is_refused():
    class Never(NeuralClassifier):
        def predict(self, X):
            return np.zeros(len(X))

    class Careful(NeuralClassifier):
        """Predicts as the class does that it extends."""

    careful = Careful(**SHORT).fit(X, LABELS["binary"])
    model = to_onnx(careful.without_training_state())
    check_classifier(careful, X, run(session_of(model), X=X))
    with pytest.raises(
        ValueError, match="Never cannot be converted to ONNX: it overrides predict"
    ):
        to_onnx(Never(**SHORT).fit(X, LABELS["binary"]))


def test_labels_of_floats_keep_their_digits():
    y = np.array([0.0, 1.0])[np.arange(40) % 2] * 16777217
    classifier = NeuralClassifier(**SHORT).fit(X, y)
    check_classifier(classifier, X, run(session_of(to_onnx(classifier)), X=X))


def test_what_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError):
        to_onnx(NeuralClassifier())
    with pytest.raises(TypeError, match="expects a fitted estimator or a network, got 3"):
        to_onnx(3)


def test_layers_of_ones_own_are_registered():
    check(Renamed(3), (4,))

    class Cosine(Activation):
        def forward(self, x, training=False, mask=None):
            return np.cos(x)

    with pytest.raises(ValueError, match="it overrides forward of Activation"):
        to_onnx(network_of(Cosine(), (4,)))

    @converts(Cosine)
    def cosine(graph, layer, x, mask):
        return graph.op("Cos", x)

    check(Cosine(), (4,))
    with pytest.raises(TypeError, match="converts expects classes of layers, got 'Dense'"):
        converts("Dense")


@pytest.mark.parametrize(
    ("classes", "shown"),
    [
        (np.array([0, 2**64 - 1], np.uint64), "18446744073709551615"),
        (np.array(["a\0", "b"], object), r"'a\\x00'"),
        (np.array(["\ud800", "b"], object), r"'\\ud800'"),
    ],
)
def test_labels_that_onnx_cannot_hold_are_refused(classes, shown):
    X = np.eye(4)
    network = NeuralClassifier((2,), max_iter=1, tol=0, random_state=0).fit(X, classes[[0, 1] * 2])
    with pytest.raises(ValueError, match=rf"^ONNX has labels .* got the class .*{shown}"):
        to_onnx(network, X)


def test_labels_at_the_limit_of_onnx_are_kept():
    X, classes = np.eye(4), np.array([0, 2**63 - 1], np.uint64)
    network = NeuralClassifier((2,), max_iter=1, tol=0, random_state=0).fit(X, classes[[0, 1] * 2])
    found = run(session_of(to_onnx(network, X)), X=X.astype(np.float32))["label"]
    np.testing.assert_array_equal(found, network.predict(X).astype(np.int64))


@pytest.mark.parametrize("shape", [(5, 3), (5, 8), (5, 1), (5,), (5, 4, 1)])
def test_samples_of_another_shape_are_refused(shape):
    X = np.eye(4)
    network = NeuralClassifier((2,), max_iter=1, tol=0, random_state=0).fit(X, [0, 1] * 2)
    with pytest.raises(ValueError, match=r"^to_onnx expects X as samples of shape \(4,\) or "):
        to_onnx(network, np.zeros(shape))
