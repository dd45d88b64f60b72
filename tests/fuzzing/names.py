"""What the expressions of sequences mean: ``from tests.fuzzing.names import *``."""

# ruff: noqa: F401

import pickle
import tempfile
from copy import copy, deepcopy
from datetime import date
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cache
from math import inf, nan

import numpy as np
import pandas as pd
import polars as pl
from scipy.sparse import coo_array, csr_array, csr_matrix, dok_array
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, StandardScaler

from sknet import (
    AutoencoderTransformer,
    NeuralClassifier,
    NeuralLanguageModel,
    NeuralRegressor,
    activations,
    initializers,
    layers,
    losses,
    optimizers,
    schedules,
)
from sknet.preprocessing import (
    StepwiseTransformer,
    TokenizerTransformer,
    from_channels_first,
    from_nan_padded,
    pad_sequences,
    sliding_windows,
)

globals().update({name: getattr(layers, name) for name in layers.__all__})

_RNG = np.random.default_rng(0)

# The number of samples of each good X and y is the same, so that they go together.
N = 12
X = _RNG.standard_normal((N, 4))
UNIT = _RNG.random((N, 4))
IMAGES = _RNG.standard_normal((N, 6, 6, 2))
SERIES = _RNG.standard_normal((N, 8, 2))
RAGGED = [_RNG.standard_normal((3 + i % 4, 2)) for i in range(N)]
TOKENS = _RNG.integers(1, 7, (N, 6))
RAGGED_TOKENS = [_RNG.integers(1, 7, 2 + i % 4) for i in range(N)]
FRONT_PADDED = np.where(np.arange(6) < np.arange(N)[:, None] % 6, 0, TOKENS)
TEXTS = ["tick tock", "tock", "the clock goes tick", "a b", "né 42!", "b a b"] * 2
LABELS = np.arange(N) % 3
BITS = np.arange(N) % 2
TARGET = X[:, 0] + 1.0
FRAME = pd.DataFrame(X, columns=list("abcd"))
DATES = np.arange("2024-01-01", "2024-01-13", dtype="M8[D]")
GAPPED = np.where(np.arange(8) > np.arange(N)[:, None] // 2 + 1, nan, _RNG.random((N, 8)))
Shade = Enum("Shade", ["LIGHT", "DARK"])
MIXED = pd.DataFrame(
    {
        "number": X[:, 0],
        "count": LABELS,
        "flag": BITS == 1,
        "word": [*"abc"] * 4,
    }
)
NULLABLE = pd.DataFrame({name: pd.array([1, None, 3] * 4, dtype="Int64") for name in "abcd"})
SCALES = FRAME.astype({"a": "category"})
DATED = FRAME.assign(a=DATES)


def but(values, value, position=0):
    """Return a copy with one value replaced."""
    changed = np.array(values)
    if changed.dtype.kind in "biu" and isinstance(value, float):
        changed = changed.astype(float)
    changed.flat[position] = value
    return changed


def as_objects(items):
    """Return a one-dimensional array of objects."""
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def read_only(values):
    """Return a copy that cannot be written to."""
    values = np.array(values)
    values.flags.writeable = False
    return values


@cache
def memory_map():
    """Return X in a file."""
    with tempfile.TemporaryFile() as file:
        values = np.memmap(file, dtype=float, shape=X.shape)
    values[:] = X
    return values


def doubled():
    """Return a sparse matrix, each of whose cells is stored in two parts."""
    row, column = np.nonzero(X)
    halves = np.tile(X[row, column] / 2, 2)
    return coo_array((halves, (np.tile(row, 2), np.tile(column, 2))), shape=X.shape).copy()


def doubled_csr():
    """Return a CSR matrix with duplicates."""
    indices = np.tile(np.repeat(np.arange(4), 2), N)
    return csr_array((np.repeat(X.ravel() / 2, 2), indices, np.arange(N + 1) * 8), shape=X.shape)


class Preset(NeuralClassifier):
    """A classifier of other parameters than those of its base."""

    def __init__(self, hidden_layer_sizes=(3,), *, rate=0.01, early_stopping=False, alpha=0.0):
        super().__init__(
            hidden_layer_sizes,
            learning_rate_init=rate,
            early_stopping=early_stopping,
            alpha=alpha,
            warm_start=True,
            max_iter=2,
            tol=0,
            random_state=0,
        )
        self.rate = rate


class NoMore(ValueError):
    """What a callback raises, which the call passes on."""


class Told:
    """A callback that returns the same value after each task, and raises one that is an error."""

    def __init__(self, value):
        self.value = value

    def setup(self, estimator, context):
        """Take note of a fit."""

    def teardown(self, estimator, context):
        """Take note of its end."""

    def on_fit_task_begin(self, estimator, context, **kwargs):
        """Take note of a task."""

    def on_fit_task_end(self, estimator, context, **kwargs):
        """Say whether to stop."""
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def in_pipeline(estimator, X, y, X_val, y_val):
    """Fit an estimator behind a scaler, with a validation set that has not been scaled."""
    pipeline = Pipeline([("scale", StandardScaler()), ("network", clone(estimator))])
    return pipeline.fit(X, y, network__X_val=X_val, network__y_val=y_val).score(X, y)


def with_scaled_target(estimator, X, y):
    """Fit a regressor to a scaled target."""
    return TransformedTargetRegressor(clone(estimator), transformer=StandardScaler()).fit(X, y)


def in_search(estimator, X, y, alpha):
    """Choose a parameter of an estimator."""
    search = GridSearchCV(clone(estimator), {"alpha": [0.0, alpha]}, cv=2, error_score="raise")
    return search.fit(X, y).score(X, y)


def answer():
    """Stand for a function where none is expected."""
    return 42


def squares(y, prediction):
    """Return the squared error of each row."""
    return ((prediction - y) ** 2).reshape(len(y), -1).sum(axis=1)


def doubles(y, prediction):
    """Return the gradient of the squared error of each row."""
    return 2 * (prediction - y)


def shares_of(y, prediction):
    """Return a score of predictions."""
    return np.mean(np.asarray(y) == prediction)


def sine(x):
    """Return the sine."""
    return np.sin(x)


def cosine(x):
    """Return the derivative of the sine."""
    return np.cos(x)


def falling(progress):
    """Return a factor of the learning rate."""
    return 1 - progress


class score_of:
    """A scorer that gives the same value each time."""

    def __init__(self, value):
        self.value = value

    def __call__(self, estimator, X, y=None, sample_weight=None):
        return self.value

    def __repr__(self):
        return f"score_of({self.value!r})"


@cache
def fitted():
    """Return a fitted estimator for `Pretrained`."""
    return AutoencoderTransformer(2, (3,), max_iter=1, tol=0, random_state=0).fit(X)


def without_training_state(estimator):
    """Return a copy that predicts alone, where there is one."""
    slim = getattr(estimator, "without_training_state", None)
    return estimator if slim is None else slim()


def pickled(estimator):
    """Return a copy that went through a pickle."""
    return pickle.loads(pickle.dumps(estimator))
