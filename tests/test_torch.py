"""Agreement with PyTorch: the same outputs on each module and on whole models."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
nn = torch.nn

from sknet import NeuralClassifier, NeuralRegressor  # noqa: E402
from sknet.interop import from_torch  # noqa: E402
from sknet.layers import (  # noqa: E402
    GRU,
    LSTM,
    Activation,
    BatchNorm,
    Bidirectional,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNorm,
    MaxPool2D,
    MultiHeadAttention,
    PReLU,
    Residual,
    SeparableConv2D,
    SimpleRNN,
    TransformerBlock,
)

STEPS, IMAGE, VOLUME = (7, 6), (9, 8, 4), (5, 6, 4, 3)

MODULES = {
    "linear": (lambda: nn.Linear(6, 5), (6,)),
    "linear on steps": (lambda: nn.Linear(6, 5, bias=False), STEPS),
    "conv 1d": (lambda: nn.Conv1d(6, 5, 3, stride=2, padding=1), STEPS),
    "conv 2d": (lambda: nn.Conv2d(4, 6, (3, 2), stride=(2, 1), groups=2), IMAGE),
    "conv 2d padded": (lambda: nn.Conv2d(4, 3, 3, stride=2, padding=(1, 2)), IMAGE),
    "conv 2d same": (lambda: nn.Conv2d(4, 3, 3, padding=1), IMAGE),
    "conv 2d by channels": (lambda: nn.Conv2d(4, 8, 3, groups=4), IMAGE),
    "conv 2d reflect": (lambda: nn.Conv2d(4, 3, 3, padding=1, padding_mode="reflect"), IMAGE),
    "conv 1d circular": (
        lambda: nn.Conv1d(6, 5, 4, padding="same", dilation=2, padding_mode="circular"),
        STEPS,
    ),
    "conv 3d": (lambda: nn.Conv3d(3, 2, 3), VOLUME),
    "transposed 1d": (lambda: nn.ConvTranspose1d(6, 5, 3, stride=2, padding=1), STEPS),
    "transposed 2d": (lambda: nn.ConvTranspose2d(4, 5, 3, stride=2, padding=(1, 0)), IMAGE),
    "transposed 3d": (lambda: nn.ConvTranspose3d(3, 2, 3, stride=2, padding=1), VOLUME),
    "output padding": (
        lambda: nn.ConvTranspose2d(4, 5, 3, stride=2, padding=1, output_padding=(1, 0)),
        IMAGE,
    ),
    "stride beyond the kernel": (lambda: nn.ConvTranspose1d(6, 5, 2, stride=3), STEPS),
    "max 1d": (lambda: nn.MaxPool1d(3, stride=2), STEPS),
    "max 2d": (lambda: nn.MaxPool2d(3, stride=1, padding=1), IMAGE),
    "max 3d": (lambda: nn.MaxPool3d(2), VOLUME),
    "average 1d": (lambda: nn.AvgPool1d(2), STEPS),
    "average 2d": (lambda: nn.AvgPool2d(3, stride=2, padding=1), IMAGE),
    "average 3d": (lambda: nn.AvgPool3d(2), VOLUME),
    "adaptive average": (lambda: nn.AdaptiveAvgPool2d((3, 1)), IMAGE),
    "adaptive max": (lambda: nn.AdaptiveMaxPool1d(1), STEPS),
    "batch norm 1d": (lambda: nn.BatchNorm1d(6), (6,)),
    "batch norm 2d": (lambda: nn.BatchNorm2d(4, affine=False), IMAGE),
    "layer norm": (lambda: nn.LayerNorm(6), STEPS),
    "layer norm without bias": (lambda: nn.LayerNorm(6, bias=False), STEPS),
    "layer norm without weights": (lambda: nn.LayerNorm(6, elementwise_affine=False), STEPS),
    "layer norm of images": (lambda: nn.LayerNorm((4, 9, 8)), IMAGE),
    "layer norm of sequences": (lambda: nn.LayerNorm((7, 6)), STEPS),
    "rms norm of sequences": (lambda: nn.RMSNorm((7, 6)), STEPS),
    "instance norm with weights": (lambda: nn.InstanceNorm2d(4, affine=True), IMAGE),
    "group norm": (lambda: nn.GroupNorm(2, 4), IMAGE),
    "instance norm": (lambda: nn.InstanceNorm2d(4), IMAGE),
    "rms norm": (lambda: nn.RMSNorm(6), STEPS),
    "flatten": (lambda: nn.Flatten(), IMAGE),
    "up 2d": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), IMAGE),
    "up 3d": (lambda: nn.Upsample(scale_factor=2), VOLUME),
    "padding 2d": (lambda: nn.ZeroPad2d((1, 2, 0, 3)), IMAGE),
    "dropout": (lambda: nn.Dropout(), (6,)),
    "alpha dropout": (lambda: nn.AlphaDropout(0.2), (6,)),
    "prelu": (lambda: nn.PReLU(), STEPS),
    "prelu of channels": (lambda: nn.PReLU(4), IMAGE),
    "glu": (lambda: nn.GLU(), (6,)),
    "glu of channels": (lambda: nn.Sequential(nn.Conv2d(4, 6, 1), nn.GLU(dim=1)), IMAGE),
    "softsign": (lambda: nn.Softsign(), (6,)),
    "relu6": (lambda: nn.ReLU6(), (6,)),
    "hard sigmoid": (lambda: nn.Hardsigmoid(), (6,)),
    "hard swish": (lambda: nn.Hardswish(), (6,)),
    "softmax inside": (lambda: nn.Sequential(nn.Softmax(dim=-1), nn.Linear(6, 3)), STEPS),
    "gelu": (lambda: nn.GELU(), (6,)),
    "leaky relu": (lambda: nn.LeakyReLU(0.3), (6,)),
    "elu": (lambda: nn.ELU(0.7), (6,)),
    "transformer": (
        lambda: nn.TransformerEncoderLayer(6, 2, 16, batch_first=True, norm_first=True),
        STEPS,
    ),
    "transformer, norms last, without bias": (
        lambda: nn.TransformerEncoderLayer(6, 2, 16, batch_first=True, bias=False),
        STEPS,
    ),
    "transformer, norms last": (
        lambda: nn.TransformerEncoderLayer(6, 2, 16, activation="gelu", batch_first=True),
        STEPS,
    ),
}
#: Those that have sequences of features, whose axes are those of sknet.
LAST = {
    "linear on steps",
    "layer norm",
    "layer norm without bias",
    "layer norm without weights",
    "layer norm of sequences",
    "rms norm",
    "rms norm of sequences",
    "softmax inside",
    "transformer",
    "transformer, norms last",
    "transformer, norms last, without bias",
}


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def randomized(model, seed=0):
    """Give all weights and buffers random values, also those that start at 0 or 1."""
    rng = np.random.default_rng(seed)
    for array in [*model.parameters(), *model.buffers()]:
        if array.dtype.is_floating_point:
            sign = 1 if array.ndim == 1 else rng.choice([-1, 1], array.shape)
            array.data[:] = torch.as_tensor(sign * rng.uniform(0.1, 0.6, array.shape))
    return model.eval()


def example(shape, n=3):
    return np.random.default_rng(1).normal(size=(n, *shape))


def outputs(model, X, channels_first):
    X = np.moveaxis(X, -1, 1) if channels_first else X
    with torch.no_grad():
        out = model(torch.as_tensor(np.ascontiguousarray(X))).numpy()
    return np.moveaxis(out, 1, -1) if channels_first else out


@pytest.mark.parametrize("name", MODULES)
def test_modules_agree(name):
    make, shape = MODULES[name]
    model, X = randomized(nn.Sequential(make())), example(shape)
    estimator = from_torch(model, None, NeuralRegressor(dtype="float64"), input_shape=shape)
    expected = outputs(model, X, len(shape) > 1 and name not in LAST)
    np.testing.assert_allclose(estimator.predict(X), expected, rtol=0, atol=1e-10)


class Stacked(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 6)
        self.lstm = nn.LSTM(6, 5, num_layers=2, batch_first=True)
        self.gru = nn.GRU(5, 4, bidirectional=True, batch_first=True)
        self.rnn = nn.RNN(8, 3, nonlinearity="relu", bias=False, batch_first=True)
        self.norm = nn.LayerNorm(3)
        self.head = nn.Linear(3, 2)

    def forward(self, x):
        x, _ = self.lstm(self.embed(x))
        x, _ = self.gru(x)
        x, _ = self.rnn(x)
        return self.head(self.norm(x[:, -1])).softmax(dim=-1)


STACKED = [
    Embedding(6, input_dim=20),
    LSTM(5, return_sequences=True),
    LSTM(5, return_sequences=True),
    Bidirectional(GRU(4, return_sequences=True)),
    SimpleRNN(3, "relu"),
    LayerNorm(),
    Dense(2, "softmax"),
]
CODES = np.array([[3, 1, 19, 7], [5, 2, 0, 1]])


def test_a_stacked_lstm_agrees_by_order_and_by_name(tmp_path):
    model = randomized(Stacked())
    with torch.no_grad():
        expected = model(torch.as_tensor(CODES)).numpy()
    by_order = from_torch(model.state_dict(), STACKED)
    assert isinstance(by_order, NeuralClassifier)
    np.testing.assert_allclose(by_order.predict_proba(CODES), expected, rtol=0, atol=1e-10)

    safetensors = pytest.importorskip("safetensors.torch")
    safetensors.save_file(model.state_dict(), tmp_path / "weights.safetensors")
    names = ["embed", "lstm", "lstm_1", "gru", "rnn", "norm", "head"]
    layers = list(zip(names, STACKED, strict=True))
    by_name = from_torch(tmp_path / "weights.safetensors", layers)
    np.testing.assert_array_equal(by_name.predict_proba(CODES), by_order.predict_proba(CODES))


def cnn():
    first = [nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2)]
    head = [nn.Flatten(), nn.BatchNorm1d(54), nn.Dropout(), nn.Linear(54, 8), nn.SiLU()]
    return nn.Sequential(nn.Sequential(*first), *head, nn.Linear(8, 3), nn.Softmax(dim=1))


def test_a_cnn_agrees_though_flattened_in_another_order():
    model, X = randomized(cnn()), example(IMAGE)
    estimator = from_torch(model, input_shape=IMAGE)
    expected = model(torch.as_tensor(np.moveaxis(X, -1, 1).copy())).detach().numpy()
    np.testing.assert_allclose(estimator.predict_proba(X), expected, rtol=0, atol=1e-10)
    layers = [Conv2D(6, 3, use_bias=False), BatchNorm(), Activation("relu"), MaxPool2D(2)]
    layers += [Flatten(), BatchNorm(), Dropout(), Dense(8, "silu"), Dense(3, "softmax")]
    written = from_torch(model.state_dict(), layers, input_shape=IMAGE)
    np.testing.assert_allclose(written.predict_proba(X), expected, rtol=0, atol=1e-10)


def test_slopes_after_flatten_and_weights_of_whole_images_are_put_in_order():
    first = [nn.Conv2d(4, 3, 3), nn.LayerNorm((3, 7, 6)), nn.PReLU(3), nn.Flatten()]
    model = randomized(nn.Sequential(*first, nn.PReLU(126), nn.Linear(126, 2)))
    X = example(IMAGE)
    expected = model(torch.as_tensor(np.moveaxis(X, -1, 1).copy())).detach().numpy()
    found = from_torch(model, input_shape=IMAGE).predict(X)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
    layers = [Conv2D(3, 3), LayerNorm(axis=(-3, -2, -1)), PReLU(), Flatten(), PReLU(), Dense(2)]
    written = from_torch(model.state_dict(), layers, input_shape=IMAGE)
    np.testing.assert_allclose(written.predict(X), expected, rtol=0, atol=1e-10)


def test_a_separable_convolution_takes_the_weights_of_two_modules():
    parts = [nn.Conv2d(4, 8, 3, groups=4, bias=False), nn.Conv2d(8, 5, 1)]
    model, X = randomized(nn.Sequential(*parts)), example(IMAGE)
    layers = [SeparableConv2D(5, 3, depth_multiplier=2)]
    found = from_torch(model.state_dict(), layers, input_shape=IMAGE).predict(X)
    np.testing.assert_allclose(found, outputs(model, X, True), rtol=0, atol=1e-10)


def test_options_of_norms_are_those_of_the_modules():
    norms = [nn.LayerNorm(6, bias=False), nn.RMSNorm(6, elementwise_affine=False)]
    norms += [nn.LayerNorm(6), nn.BatchNorm1d(6, affine=False)]
    read = from_torch(nn.Sequential(*norms, nn.Linear(6, 2)), input_shape=(6,)).layers
    layers = [layer for _, layer in read]
    assert [layer.scale for layer in layers] == [True, False, True, False]
    assert [layer.center for layer in layers] == [False, False, True, False]


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_transformer_agrees(norm_first):
    options = {"dim_feedforward": 16, "batch_first": True, "norm_first": norm_first}
    block = nn.TransformerEncoderLayer(8, 2, **options)
    encoder = nn.TransformerEncoder(block, 2, nn.LayerNorm(8), enable_nested_tensor=False)
    model = nn.Sequential(nn.Embedding(20, 8), encoder, nn.Linear(8, 3), nn.Softmax(dim=-1))
    model = randomized(model)
    with torch.no_grad():
        expected = model(torch.as_tensor(CODES)).numpy()
    found = from_torch(model).predict_proba(CODES)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


def test_attention_and_blocks_are_found_in_a_state_dict():
    options = {"dim_feedforward": 16, "batch_first": True, "norm_first": True}
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(6, 2, **options), 2, enable_nested_tensor=False
    )
    encoder, X = randomized(encoder), example(STEPS)
    blocks = [TransformerBlock(2, intermediate_dim=16, activation="relu") for _ in range(2)]
    found = from_torch(encoder.state_dict(), blocks, input_shape=STEPS).predict(X)
    np.testing.assert_allclose(found, outputs(encoder, X, False), rtol=0, atol=1e-10)

    attention = randomized(nn.MultiheadAttention(6, 3, batch_first=True))
    layers = [Residual([MultiHeadAttention(3)])]
    found = from_torch(attention.state_dict(), layers, input_shape=STEPS).predict(X)
    x = torch.as_tensor(X)
    expected = (x + attention(x, x, x)[0]).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("message", "make", "shape"),
    [
        ("'0' \\(Tanhshrink\\) is a module that sknet has no layer for", nn.Tanhshrink, (3,)),
        ("'0' \\(LSTM\\) returns a tuple", lambda: nn.LSTM(6, 2), STEPS),
        (
            "has padding_mode='reflect' and padding=\\(1,\\), sknet",
            lambda: nn.Conv1d(6, 2, 3, stride=2, padding=1, padding_mode="reflect"),
            STEPS,
        ),
        (
            "has padding_mode='replicate'",
            lambda: nn.Conv1d(6, 2, 3, padding=1, padding_mode="replicate"),
            STEPS,
        ),
        (
            "an output_padding that is not below its stride",
            lambda: nn.ConvTranspose1d(6, 2, 3, dilation=2, output_padding=1),
            STEPS,
        ),
        ("LogSoftmax\\) is known", lambda: [nn.LogSoftmax(dim=1), nn.Linear(3, 2)], (3,)),
        ("GLU\\) has dim=-1", lambda: [nn.Conv2d(4, 6, 1), nn.GLU()], IMAGE),
        ("steps of sequences for channels", lambda: [nn.Linear(6, 4), nn.PReLU(7)], STEPS),
        ("has ceil_mode=True", lambda: nn.MaxPool2d(2, ceil_mode=True), IMAGE),
        ("has a padding", lambda: nn.MaxPool2d(3, 2, padding=1), IMAGE),
        ("for which sknet has no windows", lambda: nn.AdaptiveAvgPool2d(4), IMAGE),
        (
            "has track_running_stats=False",
            lambda: nn.BatchNorm1d(3, track_running_stats=False),
            (3,),
        ),
        (
            "normalizes some axes of several",
            lambda: [nn.Conv2d(4, 6, 1), nn.LayerNorm((9, 8))],
            IMAGE,
        ),
        ("batch_first=False", lambda: nn.TransformerEncoderLayer(6, 2), STEPS),
        ("has dim=1, sknet the axis of the channels", lambda: nn.Softmax(dim=1), STEPS),
        ("expects input_shape, the shape of a sample", lambda: nn.Conv2d(1, 2, 3), None),
        ("an axis that is none of channels", lambda: [nn.Conv1d(6, 2, 3), nn.Linear(5, 2)], STEPS),
        (
            "the steps of sequences for channels",
            lambda: [nn.Linear(6, 2), nn.Conv1d(7, 2, 3)],
            STEPS,
        ),
        ("expects a Sequential with modules", lambda: [], STEPS),
    ],
)
def test_modules_without_a_counterpart_are_named(message, make, shape):
    made = make()
    model = nn.Sequential(*made) if isinstance(made, list) else nn.Sequential(made)
    with pytest.raises(ValueError, match=message):
        from_torch(model, input_shape=shape)


def test_other_models_are_read_by_their_state_dict_alone():
    with pytest.raises(ValueError, match="cannot read how Stacked calls its modules"):
        from_torch(Stacked())
    with pytest.raises(ValueError, match="with layers pass model"):
        from_torch(nn.Sequential(nn.Linear(3, 2)), [Dense(2)])
    with pytest.raises(ValueError, match="none of PyTorch's own modules"):
        from_torch(nn.Sequential(Stacked()), input_shape=(4,))
