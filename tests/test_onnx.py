"""Conversion to ONNX: onnxruntime gives what the networks give."""

import numpy as np
import pytest
from sklearn.base import clone

from sknet.activations import ACTIVATIONS, ELU, GELU, LeakyReLU
from sknet.interop.onnx import to_onnx
from sknet.layers import (
    GRU,
    LSTM,
    Activation,
    ActivityPenalty,
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
    Cropping1D,
    Cropping2D,
    Dense,
    Dropout,
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
    LayerNorm,
    MaskingNoise,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    MultiHeadAttention,
    Parallel,
    ParametricActivation,
    PeriodicEmbedding,
    PositionalEmbedding,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    Reshape,
    Residual,
    RMSNorm,
    Scaling,
    Sequential,
    SimpleRNN,
    SpatialDropout1D,
    SpatialDropout2D,
    TiedSequential,
    TimeDistributed,
    TransformerBlock,
    TransposedDense,
    UpSampling1D,
    UpSampling2D,
    ZeroPadding1D,
    ZeroPadding2D,
)
from sknet.network import Network

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

RNG = np.random.default_rng(0)
IMAGE, VOLUME, SEQUENCE = (6, 7, 4), (5, 4, 6, 2), (9, 4)
SAME = [Dense(4), Activation("tanh")]

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
    *[(layer, IMAGE) for layer in (RandomFlip(), RandomRotation(), RandomTranslation())],
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
    (ZeroPadding1D((2, 1)), (None, 4)),
    (ZeroPadding2D(((1, 2), (0, 3))), IMAGE),
    (Cropping1D((2, 1)), (None, 4)),
    (Cropping2D(((1, 2), (0, 3))), IMAGE),
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
