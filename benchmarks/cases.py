"""The networks that are timed, as estimators of sknet, and the data they are trained on.

All other contestants take the network, its initial weights and the order of the rows from here, so
that they do the same work.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet import (
    AutoencoderTransformer,
    NeuralClassifier,
    NeuralLanguageModel,
    NeuralRegressor,
)
from sknet.layers import (
    GRU,
    LSTM,
    Activation,
    BatchNorm,
    Bidirectional,
    Conv1D,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePool1D,
    LayerNorm,
    MaxPool2D,
    PositionalEmbedding,
    Sequential,
    TransformerBlock,
)

SEED = 0
RATE = 1e-3
#: Moves a weight by less than float32 can tell: a fit at this rate shows the initial weights.
NO_RATE = 1e-30
CODES = 10_000  # size of the vocabulary of the texts
TOKENS = 64  # kinds of tokens of the language model, which adds an end: 65 outputs
CONTEXT = 64


@dataclass
class Case:
    """One network and what it is trained on.

    Parameters
    ----------
    kind : type
        The estimator.
    shape : tuple of int
        Shape of one sample.
    batch : int
        Rows of a step.
    steps : int
        Steps of an epoch: so many that an epoch takes about a tenth of a second.
    network : dict
        Parameters of the estimator that describe the network.
    task : {"binary", "classes", "values", "rows", "tokens"}, default="classes"
        What is predicted: one of two classes, one of several, a number, the row itself, or the
        token that follows.
    n_classes : int, default=10
        Number of classes.
    tolerance : float, default=0.01
        How far the losses of an epoch may lie apart, in units of the first epoch's: rounding adds
        up, most of all in cnn_colour, and dropout draws other numbers in every library.
    """

    kind: type
    shape: tuple
    batch: int
    steps: int
    network: dict
    task: str = "classes"
    n_classes: int = 10
    tolerance: float = 0.01

    @property
    def has_sklearn(self):
        """Whether scikit-learn's MLP can be this network."""
        return set(self.network) == {"hidden_layer_sizes"} or self.task == "rows"

    @property
    def n_rows(self):
        """Rows of an epoch."""
        return self.steps * self.batch

    def model(self, epochs, rate=RATE, dtype="float32", **options):
        """Return the estimator, ready to fit."""
        common = {
            "batch_size": self.batch,
            "max_iter": epochs,
            "tol": 0.0,
            "alpha": 0.0,
            "learning_rate": "constant",
            "learning_rate_init": rate,
            "dtype": dtype,
            "random_state": SEED,
        }
        if self.task == "values":
            common["standardize_target"] = False  # the losses are compared with other libraries'
        return self.kind(**{**self.network, **common, **options})

    def data(self):
        """Return the `Rows` of an epoch."""
        rng = np.random.default_rng(SEED)
        if self.task == "tokens":
            return _token_rows(rng, self.n_rows)
        if self.kind is NeuralClassifier and len(self.shape) == 1 and "layers" in self.network:
            return _text_rows(rng, self.n_rows, self.shape[0], self.n_classes)
        X = rng.standard_normal((self.n_rows, *self.shape), dtype=np.float32)
        if self.task == "rows":
            X = np.tanh(X[:, :16] @ rng.standard_normal((16, X.shape[1]), dtype=np.float32))
            return Rows(X, None, X, X)
        width = 1 if self.task == "values" else self.n_classes
        scores = X.reshape(len(X), -1) @ rng.standard_normal((int(np.prod(self.shape)), width))
        if self.task == "values":
            y = (scores[:, 0] / scores.std()).astype(np.float32)
            return Rows(X, y, X, y[:, None])
        y = scores.argmax(axis=1)
        return Rows(X, y, X, y)


@dataclass
class Rows:
    """What a case is trained on: for sknet, and as arrays for the other libraries.

    Parameters
    ----------
    X, y : array-like
        What `fit` takes.
    inputs, targets : ndarray of shape (n_samples, ...)
        The same as numbers, one row a sample.
    """

    X: Any
    y: Any
    inputs: np.ndarray
    targets: np.ndarray


def _text_rows(rng, n, length, n_classes):
    """Return codes, padded with 0 behind 20 or more of them; each speaks for a class."""
    X = rng.integers(2, CODES, (n, length))
    X[np.arange(length) >= rng.integers(20, length + 1, n)[:, None]] = 0
    y = rng.standard_normal((CODES, n_classes))[X].sum(axis=1).argmax(axis=1)
    return Rows(X, y, X, y)


def _token_rows(rng, n):
    """Return texts one token shorter than the context, so that each is a window with its end."""
    texts = np.zeros((n, CONTEXT - 1), np.int64)
    texts[:, 0] = rng.integers(0, TOKENS, n)
    for step in range(1, CONTEXT - 1):
        texts[:, step] = (5 * texts[:, step - 1] + rng.integers(0, 4, n)) % TOKENS
    texts[0] = np.arange(CONTEXT - 1) + TOKENS - CONTEXT + 1  # the largest token occurs
    end = np.full((n, 1), TOKENS + 1)  # ids begin at 1, as 0 is padding
    return Rows(list(texts), None, np.hstack([end, texts + 1]), np.hstack([texts, end - 1]))


def _layers(*layers, shape=None):
    return {"layers": list(layers), "input_shape": shape}


def _convolutions(shape, *layers):
    return _layers(*layers, Flatten(), Dense(128, activation="relu"), shape=shape)


def _conv(filters, kernel_size=3, padding="valid"):
    return Conv2D(filters, kernel_size, padding=padding, activation="relu")


def _series(*sizes):
    layers = []
    for filters, kernel_size in sizes:
        conv = Conv1D(filters, kernel_size, padding="same", use_bias=False)
        layers += [conv, BatchNorm(), Activation("relu")]
    return _layers(*layers, GlobalAveragePool1D(), shape=(150, 3))


def _mlp(shape, batch, steps, hidden, n_classes, **options):
    network = {"hidden_layer_sizes": hidden}
    return Case(NeuralClassifier, shape, batch, steps, network, n_classes=n_classes, **options)


def _recurrent(layer, shape=(50, 8), batch=64, steps=24):
    return Case(NeuralClassifier, shape, batch, steps, _layers(layer, shape=shape))


# The code has an activation here, as every hidden layer of scikit-learn's MLP has.
_AUTOENCODER = {
    "hidden_layer_sizes": (256,),
    "n_components": 32,
    "decoder": [Activation("relu"), 256],
}
_DEEP = {"hidden_layer_sizes": (128,) * 8, "normalization": "batch", "dropout": 0.1}
_TABULAR = {
    "hidden_layer_sizes": (256,) * 3,
    "normalization": "layer",
    "activation": "gelu",
    "dropout": 0.1,
    "solver": "adamw",
}
_LANGUAGE_MODEL = {
    "tokenizer": None,
    "context_length": CONTEXT,
    "clip_norm": None,
    "layers": [
        Embedding(128),
        PositionalEmbedding(max_length=CONTEXT),
        *(TransformerBlock(4, causal=True) for _ in range(4)),
        LayerNorm(),
    ],
}

CASES = {
    "mlp_tiny": _mlp((20,), 200, 400, (100,), 2, task="binary"),
    "mlp_small": _mlp((20,), 128, 400, (64, 64), 5),
    "mlp_medium": _mlp((100,), 256, 100, (256, 128), 10),
    "mlp_wide": _mlp((784,), 512, 10, (1024, 1024), 10),
    "mlp_deep": Case(NeuralRegressor, (50,), 256, 40, _DEEP, "values", 1, tolerance=0.1),
    "tabular": Case(
        NeuralClassifier, (100,), 256, 40, _TABULAR, n_classes=2, task="binary", tolerance=0.05
    ),
    "cnn_digits": Case(
        NeuralClassifier,
        (28, 28, 1),
        128,
        8,
        _convolutions((28, 28, 1), _conv(32), MaxPool2D(2), _conv(64), MaxPool2D(2)),
    ),
    "cnn_colour": Case(
        NeuralClassifier,
        (32, 32, 3),
        64,
        4,
        _convolutions(
            (32, 32, 3),
            *(_conv(32, padding="same"), _conv(32, padding="same"), MaxPool2D(2)),
            *(_conv(64, padding="same"), _conv(64, padding="same"), MaxPool2D(2)),
            BatchNorm(),
        ),
        tolerance=0.05,
    ),
    "cnn_series": Case(NeuralClassifier, (150, 3), 32, 12, _series((64, 8), (128, 5), (64, 3))),
    "lstm": _recurrent(LSTM(64)),
    "gru": _recurrent(GRU(64)),
    "bilstm": _recurrent(Bidirectional(LSTM(64)), steps=12),
    "lstm_wide": _recurrent(LSTM(128), (28, 28), 128, 12),
    "transformer": Case(
        NeuralClassifier,
        (64, 128),
        32,
        6,
        _layers(TransformerBlock(4), TransformerBlock(4), GlobalAveragePool1D(), shape=(64, 128)),
    ),
    "language_model": Case(
        NeuralLanguageModel, (CONTEXT,), 12, 6, _LANGUAGE_MODEL, "tokens", TOKENS + 1
    ),
    "text": Case(
        NeuralClassifier,
        (100,),
        64,
        80,
        _layers(
            Embedding(64, input_dim=CODES, mask_zero=True),
            GlobalAveragePool1D(),
            Dense(64, activation="relu"),
            shape=(100,),
        ),
    ),
    "autoencoder": Case(AutoencoderTransformer, (784,), 256, 30, _AUTOENCODER, "rows"),
}


def initial_network(case, rows):
    """Return the network that a fit starts from, built and with its initial weights."""
    return case.model(1, rate=NO_RATE).fit(rows.X, rows.y).network_


def plain_layers(network):
    """Return the built layers of a network in a row, those of its parts one after the other."""
    return list(_walk(network.layer))


def _walk(layer):
    for _, part in layer.sublayers():
        if isinstance(part, Sequential):
            yield from _walk(part)
        else:
            yield part


def order_generator():
    """Return the generator that a fit with `SEED` shuffles its rows by, at its start.

    It is the first child of the second child of the seed; were it another, the losses would show.
    """
    return np.random.default_rng(np.random.SeedSequence(SEED).spawn(3)[1].spawn(2)[0])


def shuffled(rng, n_rows):
    """Return the order of the rows in the next epoch."""
    order = np.arange(n_rows)
    rng.shuffle(order)
    return order
