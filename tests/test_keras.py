"""Agreement with Keras: the same outputs on each layer and on whole models."""

import os
from importlib.util import find_spec

import numpy as np
import pytest

BACKEND = os.environ.get("KERAS_BACKEND") or ("torch" if find_spec("torch") else "jax")
if find_spec("torch" if BACKEND == "torch" else "jax") is None:  # its NumPy backend needs JAX, too
    pytest.skip("Keras has no backend", allow_module_level=True)
os.environ["KERAS_BACKEND"] = BACKEND
if BACKEND == "jax":
    os.environ.setdefault("JAX_ENABLE_X64", "1")
keras = pytest.importorskip("keras")

from sklearn.base import clone  # noqa: E402

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor  # noqa: E402
from sknet.interop import from_keras, to_keras  # noqa: E402
from sknet.layers import (  # noqa: E402
    GLU,
    LSTM,
    BatchNorm,
    Bidirectional,
    Conv1D,
    Dense,
    Flatten,
    GlobalAveragePool1D,
    GroupNorm,
    MultiHeadAttention,
    Parallel,
    PositionalEmbedding,
    PReLU,
    RandomCrop,
    RandomZoom,
    Reshape,
    Resizing,
    RMSNorm,
    Scaling,
    SeparableConv1D,
    SwiGLU,
    TimeDistributed,
    TransformerBlock,
    WeightNorm,
)
from sknet.layers import UnitNorm as UnitNormLayer  # noqa: E402
from sknet.regularization import (  # noqa: E402
    L1L2,
    KernelConstraint,
    MaxNorm,
    NonNegative,
    UnitNorm,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

K = keras.layers
STEPS, IMAGE, VOLUME = (7, 6), (9, 8, 4), (5, 6, 4, 3)
#: Parts of the PyTorch backend compute in float32. So do all convolutions of the NumPy backend,
#: in an order of the terms that depends on the processor: sums of up to 81 products that pass 16
#: round by up to 1e-6 at each step, and by about 81 ** 0.5 times that in the end.
ATOL = 1e-6 if BACKEND == "jax" else 1e-5

LAYERS = {
    "dense": (lambda: K.Dense(5, activation="tanh"), (6,)),
    "dense on steps": (lambda: K.Dense(5, activation="relu", use_bias=False), STEPS),
    "conv 1d": (lambda: K.Conv1D(5, 3, strides=2, padding="same", activation="elu"), STEPS),
    "causal": (lambda: K.Conv1D(5, 3, padding="causal", dilation_rate=2), STEPS),
    "conv 2d": (lambda: K.Conv2D(6, (3, 2), strides=(2, 1), padding="same", groups=2), IMAGE),
    "conv 3d": (lambda: K.Conv3D(2, 3, activation="selu"), VOLUME),
    "depthwise 1d": (lambda: K.DepthwiseConv1D(3, depth_multiplier=2), STEPS),
    "depthwise 2d": (lambda: K.DepthwiseConv2D(3, strides=2, use_bias=False), IMAGE),
    "separable 1d": (lambda: K.SeparableConv1D(5, 3, depth_multiplier=2), STEPS),
    "separable 2d": (lambda: K.SeparableConv2D(5, 3, padding="same", activation="relu6"), IMAGE),
    "separable without bias": (lambda: K.SeparableConv2D(5, 3, use_bias=False), IMAGE),
    "rescaling": (lambda: K.Rescaling(1 / 127.5, offset=-1.0), IMAGE),
    "rescaling by channels": (lambda: K.Rescaling([1.0, 2.0, 0.5, 3.0]), IMAGE),
    "normalization": (
        lambda: K.Normalization(mean=[1.0, 2, 3, 4], variance=[0.5, 4, 1, 2]),
        IMAGE,
    ),
    "transposed 1d": (lambda: K.Conv1DTranspose(5, 3, strides=2, padding="same"), STEPS),
    "transposed 2d": (lambda: K.Conv2DTranspose(5, 3, strides=2), IMAGE),
    "transposed 3d": (lambda: K.Conv3DTranspose(2, 3, strides=2), VOLUME),
    "output padding": (
        lambda: K.Conv2DTranspose(5, 3, strides=2, padding="same", output_padding=0),
        IMAGE,
    ),
    "max 1d": (lambda: K.MaxPooling1D(3, strides=2), STEPS),
    "max 2d": (lambda: K.MaxPooling2D((3, 2), padding="same"), IMAGE),
    "max 3d": (lambda: K.MaxPooling3D(2), VOLUME),
    "average 1d": (lambda: K.AveragePooling1D(2), STEPS),
    "average 2d": (lambda: K.AveragePooling2D(2, padding="same"), IMAGE),
    "average 3d": (lambda: K.AveragePooling3D(2), VOLUME),
    "global max 1d": (lambda: K.GlobalMaxPooling1D(), STEPS),
    "global max 2d": (lambda: K.GlobalMaxPooling2D(), IMAGE),
    "global max 3d": (lambda: K.GlobalMaxPooling3D(), VOLUME),
    "global average 1d": (lambda: K.GlobalAveragePooling1D(), STEPS),
    "global average 2d": (lambda: K.GlobalAveragePooling2D(), IMAGE),
    "global average 3d": (lambda: K.GlobalAveragePooling3D(), VOLUME),
    "batch norm": (lambda: K.BatchNormalization(), IMAGE),
    "batch norm without scale": (lambda: K.BatchNormalization(scale=False, center=False), (6,)),
    "batch norm without shift": (lambda: K.BatchNormalization(center=False), IMAGE),
    "layer norm without scale": (lambda: K.LayerNormalization(scale=False), STEPS),
    "layer norm of axes": (lambda: K.LayerNormalization(axis=[1, 2, 3]), IMAGE),
    "group norm without shift": (lambda: K.GroupNormalization(2, center=False), IMAGE),
    "rms norm of axes": (lambda: K.RMSNormalization(axis=[1, 2]), STEPS),
    "unit norm": (lambda: K.UnitNormalization(), STEPS),
    "unit norm of axes": (lambda: K.UnitNormalization(axis=[-2, -1]), STEPS),
    "layer norm": (lambda: K.LayerNormalization(), STEPS),
    "group norm": (lambda: K.GroupNormalization(2), IMAGE),
    "rms norm": (lambda: K.RMSNormalization(), STEPS),
    "simple rnn": (lambda: K.SimpleRNN(4, activation="relu"), STEPS),
    "lstm": (lambda: K.LSTM(4, return_sequences=True), STEPS),
    "lstm backwards": (lambda: K.LSTM(4, go_backwards=True, use_bias=False), STEPS),
    "gru": (lambda: K.GRU(4, return_sequences=True, go_backwards=True), STEPS),
    "bidirectional": (lambda: K.Bidirectional(K.GRU(4, return_sequences=True)), STEPS),
    "bidirectional sum": (lambda: K.Bidirectional(K.LSTM(4), merge_mode="sum"), STEPS),
    "time distributed": (lambda: K.TimeDistributed(K.Conv1D(2, 3)), IMAGE),
    "flatten": (lambda: K.Flatten(), IMAGE),
    "reshape": (lambda: K.Reshape((6, -1)), IMAGE),
    "permute": (lambda: K.Permute((2, 1)), STEPS),
    "repeat": (lambda: K.RepeatVector(3), (6,)),
    "up 3d": (lambda: K.UpSampling3D((1, 2, 3)), VOLUME),
    "padding 3d": (lambda: K.ZeroPadding3D(((1, 0), (2, 1), (0, 2))), VOLUME),
    "cropping 3d": (lambda: K.Cropping3D(((1, 0), (2, 1), (0, 2))), VOLUME),
    "resizing": (lambda: K.Resizing(13, 5), IMAGE),
    "flip": (lambda: K.RandomFlip(), IMAGE),
    "rotation": (lambda: K.RandomRotation(0.1), IMAGE),
    "translation": (lambda: K.RandomTranslation((-0.2, 0.2), 0.1), IMAGE),
    "zoom": (lambda: K.RandomZoom(0.2, fill_mode="nearest"), IMAGE),
    "up 1d": (lambda: K.UpSampling1D(2), STEPS),
    "up 2d": (lambda: K.UpSampling2D((2, 3), interpolation="bilinear"), IMAGE),
    "padding 1d": (lambda: K.ZeroPadding1D((1, 2)), STEPS),
    "padding 2d": (lambda: K.ZeroPadding2D(((1, 0), (2, 1))), IMAGE),
    "cropping 1d": (lambda: K.Cropping1D((1, 2)), STEPS),
    "cropping 2d": (lambda: K.Cropping2D(((1, 0), (2, 1))), IMAGE),
    "dropout": (lambda: K.Dropout(0.5), (6,)),
    "alpha dropout": (lambda: K.AlphaDropout(0.2), (6,)),
    "prelu": (lambda: K.PReLU(), (6,)),
    "prelu of images": (lambda: K.PReLU(shared_axes=[1, 2]), IMAGE),
    "relu up to 6": (lambda: K.ReLU(max_value=6), (6,)),
    "gelu": (lambda: K.Activation("gelu"), (6,)),
    "hard sigmoid": (lambda: K.Activation("hard_sigmoid"), (6,)),
    "hard swish": (lambda: K.Activation("hard_silu"), (6,)),
    "softsign": (lambda: K.Activation("softsign"), (6,)),
    "leaky relu": (lambda: K.LeakyReLU(0.3), (6,)),
    "relu with slope": (lambda: K.ReLU(negative_slope=0.1), (6,)),
}


@pytest.fixture(autouse=True, scope="module")
def double_precision():
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx("float32")


def randomized(model, seed=0):
    """Give all weights random values, also those that start at 0 or 1."""
    rng = np.random.default_rng(seed)
    signs = [1 if "variance" in w.path else rng.choice([-1, 1], w.shape) for w in model.weights]
    sizes = [rng.uniform(0.1, 0.6, w.shape) for w in model.weights]
    model.set_weights([sign * size for sign, size in zip(signs, sizes, strict=True)])
    return model


def example(shape, n=3):
    return np.random.default_rng(1).normal(size=(n, *shape))


@pytest.mark.parametrize("name", LAYERS)
def test_layers_agree(name):
    make, shape = LAYERS[name]
    model = randomized(keras.Sequential([keras.Input(shape), make()]))
    X = example(shape)
    expected = outputs(model, X)
    estimator = from_keras(model)
    assert isinstance(estimator, NeuralRegressor)
    np.testing.assert_allclose(estimator.predict(X), expected, rtol=0, atol=ATOL)


def outputs(model, X):
    # Layers that augment images do so in Keras unless told otherwise.
    return keras.ops.convert_to_numpy(model(X, training=False))


def cnn():
    first = [K.Conv2D(4, 3, padding="same", use_bias=False), K.BatchNormalization(), K.ReLU()]
    base = keras.Sequential([keras.Input(IMAGE), *first, K.MaxPooling2D()], name="base")
    head = [K.Flatten(), K.Dense(8, activation="relu"), K.Dropout(0.5)]
    return keras.Sequential([keras.Input(IMAGE), base, *head, K.Dense(3, activation="softmax")])


def stacked_lstm():
    inputs = keras.Input((None,), dtype="int32")
    x = K.Embedding(20, 6, mask_zero=True)(inputs)
    x = K.Bidirectional(K.LSTM(5, return_sequences=True, dropout=0.2))(x)
    return keras.Model(inputs, K.Dense(1, activation="sigmoid")(K.LSTM(4)(x)))


def transformer():
    inputs = keras.Input((None, 6))
    x = K.Dense(8)(inputs)
    for causal in (True, False):
        attention = K.MultiHeadAttention(2, 4, dropout=0.1)
        x = K.LayerNormalization()(x + attention(x, x, use_causal_mask=causal))
        hidden = K.Dense(16, activation="gelu")(x)
        x = K.LayerNormalization()(K.Add()([x, K.Dense(8)(hidden)]))
    return keras.Model(inputs, K.Dense(2, activation="softmax")(K.GlobalAveragePooling1D()(x)))


def local_transformer():
    inputs, steps = keras.Input(STEPS), np.arange(7)
    near = np.abs(steps[:, None] - steps) < 3
    x = K.BatchNormalization(axis=1)(inputs)
    x = K.MultiHeadAttention(2, 4)(x, x, attention_mask=near[None])
    x = K.MultiHeadAttention(2, 4)(x, x, attention_mask=near, use_causal_mask=True)
    x = K.GroupNormalization(7, axis=1)(x)
    return keras.Model(inputs, K.Dense(2, activation="softmax")(K.GlobalAveragePooling1D()(x)))


def masked_transformer():
    inputs = keras.Input((None,))
    x = K.Embedding(20, 8, mask_zero=True)(inputs)
    x = K.LayerNormalization()(K.Add()([x, K.MultiHeadAttention(2, 4)(x, x)]))
    x = K.Dropout(0.1)(K.Dense(8, activation="relu")(x))
    return keras.Model(inputs, K.Dense(3, activation="softmax")(K.GlobalAveragePooling1D()(x)))


def softmax_inside():
    gates = K.Dense(6, activation="softmax")
    return keras.Sequential(
        [keras.Input(STEPS), gates, K.Softmax(), K.GRU(3), K.Dense(3, "softmax")]
    )


def branches():
    inputs = keras.Input(IMAGE)
    paths = [K.Conv2D(3, k, padding="same")(inputs) for k in (1, 3)]
    x = K.Concatenate()([*paths, inputs])
    x = K.Multiply()([K.Conv2D(5, 1, activation="sigmoid")(x), K.Conv2D(5, 1)(x)])
    return keras.Model(inputs, K.Dense(4, activation="sigmoid")(K.GlobalMaxPooling2D()(x)))


CODES = np.array([[3, 1, 19, 7, 0, 0], [5, 2, 0, 0, 0, 0]])
MODELS = {
    "cnn": (cnn, example(IMAGE)),
    "stacked lstm": (stacked_lstm, CODES),
    "local transformer": (local_transformer, example(STEPS, 3)),
    "masked transformer": (masked_transformer, CODES),
    "transformer": (transformer, example(STEPS)),
    "branches": (branches, example(IMAGE)),
    "softmax inside": (softmax_inside, example(STEPS)),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_agree(name):
    make, X = MODELS[name]
    model = randomized(make())
    estimator = from_keras(model)
    assert isinstance(estimator, NeuralClassifier)
    expected, found = outputs(model, X), estimator.predict_proba(X)
    expected = np.hstack([1 - expected, expected]) if expected.shape[1] == 1 else expected
    np.testing.assert_allclose(found, expected, rtol=0, atol=ATOL)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_come_back_to_keras(name):
    make, shape = LAYERS[name]
    model, X = randomized(keras.Sequential([keras.Input(shape), make()])), example(shape)
    back = to_keras(from_keras(model, NeuralRegressor(dtype="float64")))
    np.testing.assert_allclose(outputs(back, X), outputs(model, X), rtol=0, atol=ATOL)


@pytest.mark.parametrize("name", MODELS)
def test_models_come_back_to_keras(name):
    make, X = MODELS[name]
    model = randomized(make())
    expected, back = outputs(model, X), outputs(to_keras(from_keras(model)), X)
    # Of two classes the model has the second one alone.
    expected = expected[:, 1:] if expected.shape[1] == 2 else expected
    np.testing.assert_allclose(back, expected, rtol=0, atol=ATOL)


def on_steps(*stack):
    return keras.Sequential([keras.Input(STEPS), *stack])


def functional(function, shape=STEPS):
    inputs = keras.Input(shape)
    return keras.Model(inputs, function(inputs))


def with_mask(layer):
    return keras.Sequential([keras.Input((7,)), K.Embedding(5, 3, mask_zero=True), layer])


def twice(x):
    layer = K.Dense(6)
    return layer(layer(x))


class Custom(K.Layer):
    def call(self, x):
        return x


REFUSED = {
    "reset_after=False": lambda: on_steps(K.GRU(3, reset_after=False)),
    "activation='relu'": lambda: on_steps(K.LSTM(3, activation="relu")),
    "return_state=True": lambda: functional(lambda x: K.LSTM(3, return_state=True)(x)[0]),
    "merge_mode='mul'": lambda: on_steps(K.Bidirectional(K.LSTM(3), merge_mode="mul")),
    "data_format='channels_first'": lambda: on_steps(
        K.AveragePooling1D(2, data_format="channels_first")
    ),
    "axis=1, sknet the last axes": lambda: on_steps(K.UnitNormalization(axis=1)),
    "slopes of its own at each place": lambda: on_steps(K.PReLU()),
    "interpolation='nearest', sknet 'bilinear'": lambda: functional(
        K.Resizing(3, 3, interpolation="nearest"), IMAGE
    ),
    "fill_mode='wrap'": lambda: functional(K.RandomZoom(0.1, fill_mode="wrap"), IMAGE),
    "as much to both sides": lambda: functional(K.RandomZoom((-0.1, 0.2)), IMAGE),
    "the activation 'celu'": lambda: on_steps(K.Dense(3, activation="celu")),
    r"'mine' \(GaussianDropout\) is a layer that sknet does not": lambda: on_steps(
        K.GaussianDropout(0.5, name="mine")
    ),
    r"\(Custom\) is none of Keras's own": lambda: on_steps(Custom()),
    "'exponential', which sknet has at the end": lambda: on_steps(
        K.Activation("exponential"), K.Dense(2)
    ),
    "used twice": lambda: functional(twice),
    "takes a constant": lambda: functional(lambda x: x * 2),
    "several different inputs": lambda: functional(
        lambda x: K.MultiHeadAttention(2, 3)(x, K.Dense(6)(x))
    ),
    "lets a step look at nothing": lambda: functional(
        lambda x: K.MultiHeadAttention(2, 3)(x, x, attention_mask=np.zeros((1, 7, 7)))
    ),
    "given attention_mask for each sample": lambda: functional(
        lambda x: K.MultiHeadAttention(2, 3)(x, x, attention_mask=x[:, :, :1] > 0)
    ),
    "counts padded steps in its attention_mask": lambda: functional(
        lambda x: K.MultiHeadAttention(2, 3)(*[K.Masking()(x)] * 2, attention_mask=np.ones((7, 7)))
    ),
    "one input and one output, got 2 outputs": lambda: functional(lambda x: [K.Dense(2)(x)] * 2),
    "ignores in Keras which steps are real": lambda: with_mask(K.GroupNormalization(1)),
    r"Softmax\) ignores in Keras": lambda: with_mask(K.Softmax()),
    "that has been built": lambda: keras.Sequential([K.Dense(3)]),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_sknet_does_not_have_is_named(message):
    with pytest.raises(ValueError, match=message):
        from_keras(REFUSED[message]())


KERNELS = {
    "l2": (lambda: K.Dense(3, kernel_regularizer=keras.regularizers.L2(0.5)), L1L2(0.0, 0.5)),
    "l1 of filters": (
        lambda: K.DepthwiseConv1D(3, depthwise_regularizer=keras.regularizers.L1(0.5)),
        L1L2(0.5, 0.0),
    ),
    "max norm": (
        lambda: K.Conv1D(3, 2, kernel_constraint=keras.constraints.MaxNorm(3, axis=[0, 1])),
        MaxNorm(3.0),
    ),
    "max norm of transposed filters": (
        lambda: K.Conv1DTranspose(3, 2, kernel_constraint=keras.constraints.MaxNorm(3, [0, 2])),
        MaxNorm(3.0),
    ),
    "unit norm": (lambda: K.Dense(3, kernel_constraint="unit_norm"), UnitNorm()),
    "non negative": (lambda: K.Dense(3, kernel_constraint="non_neg"), NonNegative()),
}


@pytest.mark.parametrize("name", KERNELS)
def test_penalties_and_constraints_of_kernels_come_along(name):
    make, expected = KERNELS[name]
    kind = "constraint" if isinstance(expected, KernelConstraint) else "regularizer"
    estimator = from_keras(on_steps(make(), K.ReLU()))
    assert repr(getattr(estimator.layers[0][1], f"kernel_{kind}")) == repr(expected)
    written = to_keras(estimator).layers[1]
    again = from_keras(keras.Sequential([keras.Input(STEPS), clone_of(written), K.ReLU()]))
    assert repr(again.layers[0][1]) == repr(estimator.layers[0][1])


def clone_of(layer):
    return type(layer).from_config(layer.get_config())


@pytest.mark.parametrize(
    ("message", "make"),
    [
        ("out kernel_regularizer of", lambda: K.GRU(3, kernel_regularizer="l2")),
        ("out bias_regularizer of", lambda: K.Dense(3, bias_regularizer="l2")),
        (  # along the wrong axis
            "out kernel_constraint of",
            lambda: K.Conv1D(3, 2, kernel_constraint=keras.constraints.MaxNorm(3, axis=0)),
        ),
        (
            "out depthwise_constraint of",
            lambda: K.SeparableConv1D(3, 2, depthwise_constraint="non_neg"),
        ),
    ],
)
def test_other_regularizers_are_left_out_with_a_warning(message, make):
    with pytest.warns(UserWarning, match=message):
        from_keras(on_steps(make()))


def test_frozen_layers_stay_frozen():
    layers = [K.LSTM(3, trainable=False), K.Dense(4, activation="relu"), K.Dense(1)]
    frozen, dense = from_keras(on_steps(*layers)).layers
    assert (frozen[1].trainable, dense[1].trainable) == (False, True)


S = example(STEPS, 30)
ESTIMATORS = {
    "mlp": NeuralRegressor((6, 4), "gelu", normalization="batch", dropout=0.1),
    "counts": NeuralRegressor((6, 4), "mish", loss="poisson", normalization="layer"),
    "transformer": NeuralRegressor(
        layers=[
            PositionalEmbedding(),
            TransformerBlock(2, num_key_value_heads=2),
            TransformerBlock(3, causal=True, activation="leaky_relu"),
            GlobalAveragePool1D(),
        ]
    ),
    "branches": NeuralRegressor(
        layers=[
            PositionalEmbedding("sinusoidal"),
            Parallel([[8, Dense(3)], [], Dense(4, "elu")]),
            TimeDistributed([8, BatchNorm()]),
            Bidirectional(LSTM(3)),
        ]
    ),
    "local": NeuralRegressor(
        layers=[
            BatchNorm(axis=1),
            TransformerBlock(2, window=3, causal=True),
            MultiHeadAttention(2, attention_mask=np.add.outer(np.arange(9), np.arange(9)) % 3 < 2),
            GroupNorm(7, axis=1),
            GlobalAveragePool1D(),
        ]
    ),
    "norms": NeuralRegressor(
        layers=[PReLU(), RMSNorm(scale=False), UnitNormLayer(epsilon=0.5), Flatten()]
    ),
    "images": NeuralRegressor(
        layers=[Reshape((7, 6, 1)), RandomCrop(4), RandomZoom(0.1), Flatten()]
    ),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_become_models(name, tmp_path):
    estimator = clone(ESTIMATORS[name]).set_params(max_iter=2, tol=0, random_state=0)
    X = S[:, 0] if estimator.layers is None else S
    estimator.fit(X, np.abs(3 + X.reshape(30, -1)[:, 0]))
    model = to_keras(estimator)
    assert model.dtype == "float64"
    np.testing.assert_allclose(outputs(model, X)[:, 0], estimator.predict(X), rtol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(outputs(loaded, X), outputs(model, X))


def test_kernels_lose_what_keras_does_not_have_with_a_warning():
    layer = LSTM(3, kernel_constraint="max_norm")
    estimator = NeuralRegressor(layers=[layer], max_iter=1, tol=0).fit(S, S[:, 0, 0])
    with pytest.warns(UserWarning, match="leaves out kernel_constraint='max_norm' of layer"):
        to_keras(estimator)


class Doubled(Dense):
    def forward(self, x, training=False, mask=None):
        return 2 * super().forward(x, training, mask)


def of_steps(layer):
    """Return a regressor of sequences, or of images for layers that take these."""
    shape = IMAGE if isinstance(layer, Resizing) else STEPS
    return NeuralRegressor(layers=[layer, Flatten()], input_shape=shape)


@pytest.mark.parametrize(
    ("message", "estimator"),
    [
        ("expects a NeuralClassifier or a", AutoencoderTransformer()),
        ("is not fitted yet", NeuralRegressor()),
        (r"'layers__0' \(Scaling\)", NeuralRegressor(layers=[Scaling()])),
        ("rotary=True", of_steps(TransformerBlock(3, rotary=True))),
        ("num_key_value_heads=1", of_steps(MultiHeadAttention(2, num_key_value_heads=1))),
        (
            "does not let a step look at nothing",
            of_steps(MultiHeadAttention(2, attention_mask=np.zeros((7, 7)))),
        ),
        ("padding='reflect'", of_steps(Conv1D(2, 3, padding="reflect"))),
        ("padding='causal'", of_steps(SeparableConv1D(2, 3, padding="causal"))),
        (r"\(GLU\): Keras does not", of_steps(GLU())),
        (r"\(SwiGLU\): Keras does not", of_steps(SwiGLU(4))),
        (r"\(WeightNorm\): Keras does not", of_steps(WeightNorm(Dense(4)))),
        ("Keras does not know what", of_steps(Doubled(4))),
        ("interpolation='area'", of_steps(Resizing(2, interpolation="area"))),
        ("merge='dot'", NeuralRegressor(layers=[Parallel([4, 4], "dot")])),
        ("loss='gaussian'", NeuralRegressor(loss="gaussian")),
    ],
)
def test_what_keras_does_not_have_is_named(message, estimator):
    if "fitted" not in message:
        X = {None: S[:, 0], STEPS: S, IMAGE: example(IMAGE, 30)}[estimator.input_shape]
        estimator = clone(estimator).set_params(max_iter=1, tol=0).fit(X, S[:, 0, 0])
    with pytest.raises((TypeError, ValueError), match=message):
        to_keras(estimator)


def test_the_page_on_frameworks_runs(tmp_path, monkeypatch, double_precision):
    pytest.importorskip("torch")
    from tests.test_docs import ROOT, run

    keras.config.set_floatx("float32")
    monkeypatch.chdir(tmp_path)
    try:
        run((ROOT / "docs/frameworks.md").read_text().replace("```py\n", "```python\n"), "page")
    finally:
        keras.config.set_floatx("float64")
