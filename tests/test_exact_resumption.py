"""Each public part resumes training exactly: n epochs, and k, a pickle and n - k have one result.

The tables hold every public part, so that a new one cannot be left out.
"""

import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from sknet import (
    NeuralClassifier,
    NeuralRegressor,
    NeuralTranslator,
    activations,
    layers,
    losses,
    mixing,
    optimizers,
    regularization,
    schedules,
)
from sknet.layers import (
    GRU,
    LSTM,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNorm,
    TransformerBlock,
)

N = 12


def draw(*shape):
    return np.random.default_rng(0).normal(size=(N, *shape))


VECTOR, STEPS, IMAGE, VOLUME = draw(6), draw(6, 4), draw(6, 6, 2), draw(4, 4, 4, 2)
RAGGED = [draw(4)[: 2 + i % 4] for i in range(N)]
CODES = np.random.default_rng(0).integers(1, 6, (N, 6))
PADDED = np.where(np.arange(6)[:, None] < 4, STEPS, 0.0)
CLASSES = np.arange(N) % 2
PRETRAINED = NeuralClassifier((5,), max_iter=1, tol=0, random_state=0).fit(VECTOR, CLASSES)


def double(x):
    return 2.0 * x


def double_gradient(x, grad):
    return 2.0 * grad


#: For each layer: what `layers` is, and X. A Dropout behind it sees the generator's state.
LAYERS = {
    "Activation": (layers.Activation("gelu"), VECTOR),
    "ActivityPenalty": ([Dense(5), layers.ActivityPenalty()], VECTOR),
    "AlphaDropout": (layers.AlphaDropout(0.3), VECTOR),
    "BatchNorm": (layers.BatchNorm(axis=1), IMAGE),
    "Bidirectional": (layers.Bidirectional(GRU(3)), RAGGED),
    "Branch": (
        layers.Parallel([layers.Branch([0, 2], [Dense(3)]), layers.Branch(4, [2])]),
        VECTOR,
    ),
    "ColumnBranches": (
        layers.ColumnBranches([layers.Branch([0, 1], [4]), layers.Branch([4], [3])]),
        VECTOR,
    ),
    "ContractiveDense": (layers.ContractiveDense(4), VECTOR),
    "Dense": (Dense(5, "relu"), VECTOR),
    "Dropout": (Dropout(0.4), VECTOR),
    "Embedding": (Embedding(4), CODES),
    "Flatten": (Flatten(), IMAGE),
    "GLU": (layers.GLU(), VECTOR),
    "GRU": (GRU(4), RAGGED),
    "GaussianCode": (layers.GaussianCode(3), VECTOR),
    "GaussianNoise": (layers.GaussianNoise(0.3), VECTOR),
    "GroupNorm": (layers.GroupNorm(2), IMAGE),
    "LSTM": (LSTM(4), RAGGED),
    "Lambda": (layers.Lambda(double, double_gradient), VECTOR),
    "LayerNorm": (LayerNorm(), VECTOR),
    "Masking": ([layers.Masking(), GRU(3)], PADDED),
    "MaskingNoise": (layers.MaskingNoise(0.3), VECTOR),
    "MultiHeadAttention": (
        [layers.MultiHeadAttention(2, dropout=0.2, window=3, rotary=True), Flatten()],
        STEPS,
    ),
    "PReLU": (layers.PReLU(), VECTOR),
    "Parallel": (layers.Parallel([Dense(3), [Dense(4), Dense(3)]], "add"), VECTOR),
    "ParametricActivation": (layers.ParametricActivation("tanh"), VECTOR),
    "PeriodicEmbedding": ([layers.PeriodicEmbedding(4), Flatten()], VECTOR),
    "Permute": (layers.Permute((2, 1)), STEPS),
    "PositionalEmbedding": ([Embedding(4), layers.PositionalEmbedding()], CODES),
    "Pretrained": (layers.Pretrained(PRETRAINED, trainable=True), VECTOR),
    "RMSNorm": (layers.RMSNorm(), VECTOR),
    "RandomBrightness": (layers.RandomBrightness(0.3), IMAGE),
    "RandomContrast": (layers.RandomContrast(0.3), IMAGE),
    "RandomCrop": (layers.RandomCrop(4), IMAGE),
    "RandomErasing": (layers.RandomErasing(0.7), IMAGE),
    "RandomFlip": (layers.RandomFlip(), IMAGE),
    "RandomRotation": (layers.RandomRotation(0.1), IMAGE),
    "RandomTranslation": (layers.RandomTranslation(0.3, 0.3, fractional=True), IMAGE),
    "RandomZoom": (layers.RandomZoom(0.2), IMAGE),
    "RepeatVector": (layers.RepeatVector(3), VECTOR),
    "Rescaling": (layers.Rescaling(0.5), VECTOR),
    "Reshape": (layers.Reshape((3, 2)), VECTOR),
    "Residual": (layers.Residual([Dense(6, "tanh")]), VECTOR),
    "Resizing": (layers.Resizing(4), IMAGE),
    "Scaling": (layers.Scaling(), VECTOR),
    "Sequential": (layers.Sequential([Dense(4), Dropout(0.2)]), VECTOR),
    "SimpleRNN": (layers.SimpleRNN(4), RAGGED),
    "SpatialDropout1D": (layers.SpatialDropout1D(0.4), STEPS),
    "SpatialDropout2D": (layers.SpatialDropout2D(0.4), IMAGE),
    "SwiGLU": (layers.SwiGLU(4), VECTOR),
    "TimeDistributed": (layers.TimeDistributed([Dense(3)]), STEPS),
    "TransformerBlock": (
        [TransformerBlock(2, dropout=0.2, attention_mask=np.tri(6)), Flatten()],
        STEPS,
    ),
    "UnitNorm": (layers.UnitNorm(), VECTOR),
    "WeightNorm": (layers.WeightNorm(Dense(4)), VECTOR),
    **{
        f"{kind}{n}D": (getattr(layers, f"{kind}{n}D")(2, 2), x)
        for kind in ("Conv", "SeparableConv", "DepthwiseConv")
        for n, x in enumerate((STEPS, IMAGE, VOLUME), 1)
        if hasattr(layers, f"{kind}{n}D")
    },
    **{
        f"Conv{n}DTranspose": (getattr(layers, f"Conv{n}DTranspose")(2, 3, 2), x)
        for n, x in enumerate((STEPS, IMAGE, VOLUME), 1)
    },
    **{
        f"{kind}{n}D": (getattr(layers, f"{kind}{n}D")(*size), x)
        for kind, size in {
            "AveragePool": (2,),
            "MaxPool": (2,),
            "GlobalAveragePool": (),
            "GlobalMaxPool": (),
            "Cropping": (1,),
            "UpSampling": (2,),
            "ZeroPadding": (1,),
        }.items()
        for n, x in enumerate((STEPS, IMAGE, VOLUME), 1)
    },
}
#: Layers of decoders, for sequences of embedded tokens.
DECODERS = {
    "CrossAttention": [GRU(6, return_sequences=True), layers.CrossAttention(2, dropout=0.2)],
    "SourceState": [layers.SourceState(GRU(6, return_sequences=True))],
    "TransformerDecoderBlock": [layers.TransformerDecoderBlock(2, dropout=0.2)],
}
#: What has tests of its own: the loss of a transcriber, and functions of the user's.
ELSEWHERE = {"CTC", "FunctionLoss", "FunctionSchedule"}


def parts_of(module, base):
    """Return the public classes of a module that derive from one and can be made."""
    found = {name: getattr(module, name) for name in module.__all__}
    return {
        name: cls
        for name, cls in found.items()
        if inspect.isclass(cls) and issubclass(cls, base) and not inspect.isabstract(cls)
    }


def sorted_parts(module, base):
    return sorted(set(parts_of(module, base)) - ELSEWHERE)


def test_no_layer_is_left_out():
    known = set(LAYERS) | set(DECODERS) | {"TiedSequential", "TransposedDense"}
    assert known == set(parts_of(layers, layers.Layer))


def check(model, X, y):
    """Compare a fit of three epochs with one, a pickle, and the other two."""
    model.set_params(random_state=0)
    whole = clone(model).set_params(max_iter=3).fit(X, y)
    part = clone(model).set_params(max_iter=1, warm_start=True).fit(X, y)
    part = pickle.loads(pickle.dumps(part)).set_params(max_iter=2).fit(X, y)
    np.testing.assert_array_equal(part.network_.params, whole.network_.params)
    assert part.history_["loss"] == whole.history_["loss"]
    assert part.n_iter_ == 3


OPTIONS = {"tol": 0, "batch_size": 5}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_resume_exactly(name):
    given, X = LAYERS[name]
    given = given if isinstance(given, list) else [given]
    check(NeuralClassifier(layers=[*given, Dropout(0.2), Flatten()], **OPTIONS), X, CLASSES)


@pytest.mark.parametrize("name", DECODERS)
def test_layers_of_decoders_resume_exactly(name):
    texts = ["ab", "abba", "b", "aab", "bab"]
    encoder = [Embedding(6), GRU(6, return_sequences=True)]
    options = {"encoder": encoder, "decoder": [Embedding(6), *DECODERS[name]]}
    model = NeuralTranslator(**options, tol=0, batch_size=3, learning_rate="constant")
    check(model, texts, [text[::-1] for text in texts])


def test_layers_of_autoencoders_resume_exactly():
    parts = [Dense(4, "tanh"), Dropout(0.2), layers.TransposedDense()]
    model = NeuralRegressor(layers=[layers.TiedSequential(parts)], **OPTIONS)
    check(model, VECTOR, VECTOR)


@pytest.mark.parametrize(
    "name", sorted(set(parts_of(optimizers, optimizers.Optimizer)) - ELSEWHERE)
)
def test_optimizers_resume_exactly(name):
    cls = getattr(optimizers, name)
    takes_decay = "weight_decay_schedule" in cls._get_param_names()
    solver = cls(weight_decay=0.1, weight_decay_schedule="exponential") if takes_decay else cls()
    check(NeuralClassifier((5,), dropout=0.2, solver=solver, **OPTIONS), VECTOR, CLASSES)


@pytest.mark.parametrize("name", sorted_parts(schedules, schedules.Schedule))
def test_schedules_resume_exactly(name):
    # By passes, as the length of some schedules is that of the whole training.
    schedule = getattr(schedules, name)(warmup=1.5)
    short = {"period": 2, "boundaries": (1.5,), "factors": (1.0, 0.1)}
    known = schedule.get_params()
    schedule.set_params(**{key: value for key, value in short.items() if key in known})
    model = NeuralClassifier((5,), learning_rate=schedule, max_iter=5, random_state=0, **OPTIONS)
    whole = clone(model).fit(VECTOR, CLASSES)
    part = clone(model)
    for _ in range(5):
        part = pickle.loads(pickle.dumps(part.partial_fit(VECTOR, CLASSES)))
    np.testing.assert_array_equal(part.network_.params, whole.network_.params)
    assert part.history_["learning_rate"] == whole.history_["learning_rate"]


@pytest.mark.parametrize("name", sorted_parts(losses, losses.ClassificationLoss))
def test_losses_of_classes_resume_exactly(name):
    check(NeuralClassifier((5,), loss=getattr(losses, name)(), **OPTIONS), VECTOR, CLASSES)


@pytest.mark.parametrize("name", sorted_parts(losses, losses.RegressionLoss))
def test_losses_of_numbers_resume_exactly(name):
    y = np.abs(VECTOR[:, :3]) + 0.1
    y = y / y.sum(axis=1, keepdims=True)
    y = y if name in ("KLDivergence", "CosineSimilarity") else y[:, 0]
    check(NeuralRegressor((5,), loss=getattr(losses, name)(), **OPTIONS), VECTOR, y)


@pytest.mark.parametrize(
    "kernel",
    [
        *({"kernel_constraint": name} for name in regularization.KERNEL_CONSTRAINTS),
        {"kernel_regularizer": regularization.L1L2(0.01, 0.01)},
    ],
    ids=str,
)
def test_kernels_resume_exactly(kernel):
    model = NeuralClassifier(layers=[Conv2D(3, 3, **kernel), Flatten(), Dense(4, **kernel)])
    check(model.set_params(**OPTIONS), IMAGE, CLASSES)


@pytest.mark.parametrize(
    "option",
    [
        {"accumulation_steps": 2},
        {"averaging": 0.9},
        {"clip_norm": 0.1},
        {"clip_value": 0.01},
        *({"mixing": name} for name in mixing.MIXINGS),
        {"mixing": "mixup", "accumulation_steps": 2, "averaging": 0.9, "dtype": "float32"},
    ],
    ids=str,
)
def test_options_of_training_resume_exactly(option):
    model = NeuralClassifier(layers=[Conv1D(3, 2), Dropout(0.2), Flatten()], **OPTIONS, **option)
    check(model, STEPS, CLASSES)


@pytest.mark.parametrize("name", activations.ACTIVATIONS)
def test_activations_resume_exactly(name):
    model = NeuralClassifier(layers=[5, layers.Activation(name), 4], **OPTIONS)
    check(model, VECTOR, CLASSES)
