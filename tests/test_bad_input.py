"""Wrong uses of the estimators: each is refused by one clear sentence and changes nothing."""

import pickle
import re
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from sklearn.metrics import confusion_matrix, max_error, mean_absolute_error, r2_score
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.validation import check_is_fitted

from sknet import (
    AutoencoderTransformer,
    FeatureExtractor,
    NeuralClassifier,
    NeuralOutlierDetector,
    NeuralRegressor,
    NeuralTranscriber,
    NeuralTranslator,
    PlacewiseScorer,
)
from sknet.activations import FunctionActivation
from sknet.layers import (
    GRU,
    Activation,
    BatchNorm,
    Conv2D,
    CrossAttention,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GroupNorm,
    LayerNorm,
    Masking,
    MaxPool1D,
    MaxPool2D,
    MultiHeadAttention,
    Parallel,
    Permute,
    Pretrained,
    RandomCrop,
    Reshape,
    Residual,
    Sequential,
)
from sknet.losses import FocalLoss, FunctionLoss, Huber, LogLoss, Quantile, SquaredError
from sknet.optimizers import LBFGS, SGD, Adam
from sknet.schedules import Cosine, FunctionSchedule, OneCycle

# Good estimators that were fitted to a frame predict from the array as well, and a cast that
# overflows warns before the error that it leads to.
pytestmark = [
    pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning"),
    pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning"),
]

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 4))
LABELS = np.arange(30) % 3
TARGET = X[:, 0] + 0.1 * RNG.standard_normal(30)
TWO_TARGETS = np.column_stack([TARGET, -TARGET])
TWO_LABELS = np.column_stack([LABELS, LABELS[::-1]])
ZEROS_AND_ONES = (TWO_LABELS > 0).astype(int)
FRAME = pd.DataFrame(X, columns=list("abcd"))
BRIEF = {"max_iter": 2, "tol": 0, "random_state": 0}

ESTIMATORS = {
    NeuralClassifier: LABELS,
    NeuralRegressor: TARGET,
    AutoencoderTransformer: None,
}


def fit(estimator, X=X, y="own", **arguments):
    if isinstance(y, str):
        y = ESTIMATORS[type(estimator)]
    return estimator.fit(X, y, **arguments)


SOURCES, TARGETS = ["ab", "b", "", "aab"], ["x", "yx", "xx", ""]
CLIPS, HEARD = RNG.standard_normal((4, 6, 2)), ["ab", "b", "", "aba"]


def predict(estimator, X=X):
    X = {NeuralTranslator: SOURCES, NeuralTranscriber: CLIPS}.get(type(estimator), X)
    for method in ("predict_proba", "transform", "predict"):
        if hasattr(estimator, method):
            return getattr(estimator, method)(X)


def but(values, position, value):
    """Return a copy of an array with one value replaced."""
    values = np.array(values, dtype=float)
    values[position] = value
    return values


MANY = np.tile(X, (40, 1))
ONE_HOLE = but(MANY, 1, np.nan)  # not among the rows that a sample of two such blocks has


@dataclass
class Misuse:
    """A wrong use: parameters to set on a good estimator, then a call."""

    name: str
    error: type
    match: str
    call: object = fit
    parameters: dict = field(default_factory=dict)
    kind: type = NeuralClassifier
    good: dict = field(default_factory=dict)  # parameters of the good estimator
    good_fit: object = fit
    needs: str = "any"  # state in which the call is wrong: fitted, unfitted or any


WRONG_VALUES = {
    "hidden_layer_sizes": 0,
    "activation": "rellu",
    "layers": Dense(3),
    "input_shape": 4,
    "dropout": 1.0,
    "normalization": "group",
    "loss": "hinges",
    "solver": "adams",
    "alpha": -1e-4,
    "batch_size": 0,
    "learning_rate": "cosinus",
    "learning_rate_init": 0.0,
    "max_iter": 0,
    "max_time": 0,
    "tol": -1.0,
    "n_iter_no_change": 0,
    "early_stopping": "yes",
    "validation_fraction": 1.0,
    "scoring": 3,
    "class_weight": "balance",
    "mixing": "mix",
    "clip_norm": 0.0,
    "clip_value": 0.0,
    "accumulation_steps": 0,
    "averaging": 1.0,
    "shuffle": None,
    "standardize_target": "no",
    "warm_start": "no",
    "random_state": "seed",
    "verbose": "loud",
    "dtype": "float16",
    "n_components": 0,
    "encoder": Dense(3),
    "decoder": Dense(3),
    "tied_weights": "yes",
    "noise": -0.1,
    "noise_type": "salt",
    "sparsity": -0.1,
    "sparsity_type": "l2",
    "sparsity_target": 1.0,
    "contraction": -0.1,
    "variational": "yes",
    "beta": -1.0,
    "handle_missing": "drop",
}
PARAMETERS = [
    Misuse(
        f"{kind.__name__}({name}={WRONG_VALUES[name]!r})",
        InvalidParameterError,
        rf"^The '{name}' parameter of {kind.__name__} must be .*\. Got .* instead\.$",
        parameters={name: WRONG_VALUES[name]},
        kind=kind,
    )
    for kind in ESTIMATORS
    for name in kind().get_params(deep=False)
]

SMALL_MASK = MultiHeadAttention(1, attention_mask=[[True]])
ADDED_MASK = MultiHeadAttention(1, attention_mask=[[0.0, -9.0], [0.0, 0.0]])
SET = dict  # reads as: set these parameters, then fit


def broken_scorer(estimator, X, y):
    raise ValueError("no score today")


VALUES = [
    Misuse(
        "CutMix of rows",
        ValueError,
        r"^mixing='cutmix' expects images or sequences of one length, got samples of shape",
        parameters=SET(mixing="cutmix"),
    ),
    Misuse(
        "CutMix of pixels where the layers end with fewer",
        ValueError,
        r"^mixing='cutmix' expects a target for each of the 2 pixels or steps that it cuts, got 1",
        partial(fit, X=X.reshape(-1, 2, 2), y=np.arange(len(X))[:, None] % 2),
        parameters=SET(mixing="cutmix", layers=[MaxPool1D(2)]),
    ),
    Misuse(
        "an attention mask that is too small",
        ValueError,
        r"^Layer 'layers__1' \(MultiHeadAttention\) expects at most as many steps as its "
        r"attention_mask has, 1, got 2\. Pass an attention_mask for 2 steps or more",
        parameters=SET(layers=[Reshape((2, 2)), SMALL_MASK, Flatten()]),
    ),
    Misuse(
        "an attention mask of numbers to add",
        ValueError,
        r"expects an attention_mask of shape \(steps, steps\), True where the step of a row may "
        r"look at that of a column, got \[\[0\.0, -9\.0\], \[0\.0, 0\.0\]\]\. Compare it with",
        parameters=SET(layers=[Reshape((2, 2)), ADDED_MASK, Flatten()]),
    ),
    Misuse(
        "the samples as the axis of the features",
        ValueError,
        r"^Layer 'layers__0' \(BatchNorm\): axis must be from 1 to 1 or from -1 to -1 for samples",
        parameters=SET(layers=[BatchNorm(axis=0), Dense(3)]),
    ),
    *(
        Misuse(
            f"True as an axis of {type(layer).__name__}",
            InvalidParameterError,
            r"The 'axis' parameter of \w+ must be an int in the range .* Got True instead",
            parameters=SET(layers=[layer, Dense(3)]),
        )
        for layer in (BatchNorm(axis=True), GroupNorm(1, axis=True), LayerNorm(axis=True))
    ),
    *(
        Misuse(
            f"True among the axes of {type(layer).__name__}",
            ValueError,
            sentence,
            parameters=SET(layers=[layer, Flatten(), Dense(3)]),
        )
        for layer, sentence in (
            (LayerNorm(axis=(True,)), r"axis must be -1 or a tuple of the last axes.* \(True,\)"),
            (Reshape((True, 4)), r"expects a target_shape of ints, got \(True, 4\)"),
            (Permute((True,)), r"inputs of 1 axes, of which dims=\(True,\) is an order"),
        )
    ),
    Misuse(
        "MixUp with lbfgs",
        ValueError,
        r"mixing='mixup' is for solvers that train by steps",
        parameters=SET(mixing="mixup", solver="lbfgs"),
    ),
    Misuse(
        "gathered gradients with lbfgs",
        ValueError,
        r"accumulation_steps=2 is for solvers that train by steps",
        parameters=SET(accumulation_steps=2, solver="lbfgs"),
    ),
    Misuse(
        "a constraint of kernels with lbfgs",
        ValueError,
        r"solver='lbfgs' knows no constraints of kernels; leave out the kernel_constraint",
        parameters=SET(layers=[Dense(3, kernel_constraint="max_norm")], solver="lbfgs"),
        needs="unfitted",
    ),
    Misuse(
        "a number as a regularizer",
        ValueError,
        r"'kernel_regularizer' parameter of Dense must be .* Got 0\.1 instead",
        parameters=SET(layers=[Dense(3, kernel_regularizer=0.1)]),
        needs="unfitted",
    ),
    Misuse(
        "a crop larger than the images",
        ValueError,
        r"\(RandomCrop\) expects inputs of shape \(height, width, channels\)",
        parameters=SET(layers=[RandomCrop(9), Flatten()]),
        needs="unfitted",
    ),
    Misuse(
        "a width of zero",
        ValueError,
        r"hidden_layer_sizes must hold ints of at least 1, got \(10, 0\)",
        parameters=SET(hidden_layer_sizes=(10, 0)),
    ),
    Misuse(
        "a width that is no int",
        ValueError,
        r"hidden_layer_sizes must hold ints of at least 1, got \[10, 2\.5\]",
        parameters=SET(hidden_layer_sizes=[10, 2.5]),
    ),
    Misuse(
        "widths in a table",
        ValueError,
        r"hidden_layer_sizes must hold ints of at least 1, got \[\[5\]\]",
        parameters=SET(hidden_layer_sizes=[[5]]),
    ),
    Misuse(
        "widths as a string",
        InvalidParameterError,
        r"'hidden_layer_sizes' parameter of NeuralClassifier must be .* Got '100' instead",
        parameters=SET(hidden_layer_sizes="100"),
    ),
    Misuse(
        "max_iter as a float",
        InvalidParameterError,
        r"'max_iter' parameter of NeuralClassifier must be an int .* Got 10\.0 instead",
        parameters=SET(max_iter=10.0),
    ),
    Misuse(
        "NaN as the rate",
        InvalidParameterError,
        r"'learning_rate_init' parameter of NeuralClassifier must be a float .* Got nan instead",
        parameters=SET(learning_rate_init=np.nan),
    ),
    Misuse(
        "an optimizer's class",
        InvalidParameterError,
        r"'solver' parameter of NeuralClassifier must be .* Got <class .*SGD'> instead",
        parameters=SET(solver=SGD),
    ),
    Misuse(
        "a momentum of two",
        InvalidParameterError,
        r"'momentum' parameter of SGD must be a float in the range \[0\.0, 1\.0\).*Got 2\.0",
        parameters=SET(solver=SGD(momentum=2.0)),
    ),
    Misuse(
        "Adam without epsilon",
        InvalidParameterError,
        r"'epsilon' parameter of Adam must be a float in the range \(0\.0, inf\).*Got 0",
        parameters=SET(solver=Adam(epsilon=0)),
    ),
    Misuse(
        "L-BFGS without evaluations",
        InvalidParameterError,
        r"'max_fun' parameter of LBFGS must be an int .* Got 0",
        parameters=SET(solver=LBFGS(max_fun=0)),
    ),
    Misuse(
        "a schedule's wrong parameter",
        InvalidParameterError,
        r"'final' parameter of Cosine must be a float in the range \[0\.0, 1\.0\]\. Got 2",
        parameters=SET(learning_rate=Cosine(final=2)),
    ),
    Misuse(
        "a negative warm-up",
        InvalidParameterError,
        r"'warmup' parameter of OneCycle must be a float in the range \[0\.0, inf\).*Got -1",
        parameters=SET(learning_rate=OneCycle(warmup=-1)),
    ),
    Misuse(
        "a loss's wrong parameter",
        InvalidParameterError,
        r"'gamma' parameter of FocalLoss must be a float .* Got -1",
        parameters=SET(loss=FocalLoss(gamma=-1)),
    ),
    Misuse(
        "Huber without a width",
        InvalidParameterError,
        r"'delta' parameter of Huber must be a float .* Got 0",
        parameters=SET(loss=Huber(delta=0)),
        kind=NeuralRegressor,
    ),
    Misuse(
        "a regression loss for classes",
        ValueError,
        r"SquaredError expects a continuous target, got a multiclass one\. Choose another loss",
        parameters=SET(loss=SquaredError()),
    ),
    Misuse(
        "a classification loss for numbers",
        ValueError,
        r"LogLoss expects a binary or .* target, got a continuous one\. Choose another loss",
        parameters=SET(loss=LogLoss()),
        kind=NeuralRegressor,
    ),
    Misuse(
        "quantiles that do not increase",
        ValueError,
        r"Quantile expects quantiles .* increasing floats, got \[0\.9, 0\.1\]\. Sort them",
        parameters=SET(loss=Quantile([0.9, 0.1])),
        kind=NeuralRegressor,
    ),
    Misuse(
        "a quantile of one",
        ValueError,
        r"Quantile expects quantiles between 0 and 1, got \[0\.5, 1\.0\]",
        parameters=SET(loss=Quantile([0.5, 1.0])),
        kind=NeuralRegressor,
    ),
    Misuse(
        "no quantiles",
        ValueError,
        r"Quantile expects quantiles to be a float or a sequence .*, got \[\]",
        parameters=SET(loss=Quantile([])),
        kind=NeuralRegressor,
    ),
    Misuse(
        "several quantiles of two targets",
        ValueError,
        r"Quantile with 2 quantiles expects one target, got 2\. Fit one estimator a target",
        call=partial(fit, y=TWO_TARGETS),
        parameters=SET(loss=Quantile([0.1, 0.9])),
        kind=NeuralRegressor,
    ),
    Misuse(
        "counts below zero",
        ValueError,
        r"Poisson expects a target that is zero or positive, got values down to -1\. Transform",
        call=partial(fit, y=but(np.ones(30), 4, -1)),
        parameters=SET(loss="poisson"),
        kind=NeuralRegressor,
    ),
    Misuse(
        "a size of zero under the gamma loss",
        ValueError,
        r"Gamma expects a target that is positive, got values down to 0\. Transform",
        call=partial(fit, y=but(np.ones(30), 4, 0)),
        parameters=SET(loss="gamma"),
        kind=NeuralRegressor,
    ),
    Misuse(
        "an unknown scorer",
        ValueError,
        r"'acuracy'",
        parameters=SET(scoring="acuracy"),
    ),
    Misuse(
        "an unknown scorer for early stopping",
        ValueError,
        r"'acuracy'",
        parameters=SET(scoring="acuracy", early_stopping=True),
    ),
    Misuse(
        "a scorer that fails",
        ValueError,
        r"^no score today$",
        parameters=SET(scoring=broken_scorer, early_stopping=True, validation_fraction=0.2),
    ),
    Misuse(
        "a scorer's name for the autoencoder",
        InvalidParameterError,
        r"'scoring' parameter of AutoencoderTransformer must be .* Got 'r2' instead",
        parameters=SET(scoring="r2"),
        kind=AutoencoderTransformer,
    ),
]

DATA = [
    Misuse(
        "X of one axis", ValueError, r"Expected 2D array, got 1D array", partial(fit, X=X[:, 0])
    ),
    Misuse("a number for X", ValueError, r"Expected 2D array, got scalar", partial(fit, X=3.0)),
    Misuse(
        "X of three axes without input_shape",
        ValueError,
        r"^NeuralClassifier expects X of shape \(n_samples, n_features\), got \(30, 2, 2\)\. "
        r"Pass input_shape=\(2, 2\)",
        partial(fit, X=X.reshape(30, 2, 2)),
    ),
    Misuse(
        "X of other samples than input_shape",
        ValueError,
        r"expects samples of input_shape=\(4, 1\), got samples of shape \(2, 2\)\. Pass X of",
        partial(fit, X=X.reshape(30, 2, 2)),
        SET(layers=[Flatten(), 5], input_shape=(4, 1)),
    ),
    Misuse(
        "rows that do not fill input_shape",
        ValueError,
        r"input_shape=\(3, 2\) holds 6 values a sample, but X has 4 features",
        parameters=SET(input_shape=(3, 2), layers=[Flatten()]),
    ),
    Misuse(
        "an input_shape of zero",
        ValueError,
        r"input_shape must hold ints of at least 1, got \(4, 0\)",
        parameters=SET(input_shape=(4, 0)),
    ),
    Misuse(
        "an empty input_shape",
        ValueError,
        r"input_shape must hold ints of at least 1, got \(\)",
        parameters=SET(input_shape=()),
    ),
    Misuse(
        "no rows",
        ValueError,
        r"Found array with 0 sample\(s\) \(shape=\(0, 4\)\) while a minimum of 1 is required",
        partial(fit, X=X[:0], y=LABELS[:0]),
    ),
    Misuse(
        "no features",
        ValueError,
        r"Found array with 0 feature\(s\) \(shape=\(30, 0\)\) while a minimum of 1 is required",
        partial(fit, X=X[:, :0]),
    ),
    Misuse(
        "NaN in X", ValueError, r"Input X contains NaN", partial(fit, X=but(X, (3, 1), np.nan))
    ),
    Misuse(
        "infinity in X",
        ValueError,
        r"Input X contains infinity or a value too large for dtype\('float64'\)",
        partial(fit, X=but(X, (3, 1), np.inf)),
    ),
    Misuse(
        "a value too large for the dtype",
        ValueError,
        r"Input X contains infinity or a value too large for dtype\('float32'\)",
        partial(fit, X=but(X, (3, 1), 1e300)),
        SET(dtype="float32"),
    ),
    Misuse(
        "words in X",
        ValueError,
        r"^NeuralClassifier expects numbers in X, got strings in row 0, column 0\. Convert",
        partial(fit, X=np.full((30, 4), "red", dtype=object)),
    ),
    Misuse("complex X", ValueError, r"Complex data not supported", partial(fit, X=X + 1j)),
    Misuse(
        "sparse X for a layer that takes it dense",
        TypeError,
        r"Sparse data was passed for X, but dense data is required\. Use '\.toarray\(\)'",
        partial(fit, X=csr_array(X)),
        SET(layers=[LayerNorm(), 5]),
    ),
    Misuse(
        "sparse X with input_shape",
        TypeError,
        r"Sparse data was passed for X, but dense data is required\. Use '\.toarray\(\)'",
        partial(fit, X=csr_array(X)),
        SET(input_shape=(4,)),
    ),
    Misuse(
        "a longer X than y",
        ValueError,
        r"inconsistent numbers of samples: \[30, 29\]",
        partial(fit, y=LABELS[:29]),
    ),
    Misuse(
        "no y",
        ValueError,
        r"NeuralClassifier estimator requires y to be passed, but the target y is None",
        partial(fit, y=None),
    ),
    Misuse(
        "no targets",
        ValueError,
        r"NeuralRegressor estimator requires y to be passed, but the target y is None",
        partial(fit, y=None),
        kind=NeuralRegressor,
    ),
    Misuse(
        "numbers for classes",
        ValueError,
        r"Unknown label type: continuous\. Maybe you are trying to fit a classifier",
        partial(fit, y=TARGET),
    ),
    Misuse(
        "NaN in labels",
        ValueError,
        r"Input y contains NaN",
        partial(fit, y=but(LABELS, 3, np.nan)),
    ),
    Misuse(
        "NaN in targets",
        ValueError,
        r"Input y contains NaN",
        partial(fit, y=but(TARGET, 3, np.nan)),
        kind=NeuralRegressor,
    ),
    Misuse(
        "NaN in one of two targets",
        ValueError,
        r"Input y contains NaN.*Leave such rows out, or only such cells: pass y as a data frame",
        partial(fit, y=but(TWO_TARGETS, (3, 1), np.nan)),
        kind=NeuralRegressor,
    ),
    Misuse(
        "words for targets",
        ValueError,
        r"^NeuralRegressor expects numbers in y, got strings at position 0\. Convert",
        partial(fit, y=np.array(["a", "b"] * 15, dtype=object)),
        kind=NeuralRegressor,
    ),
    Misuse(
        "y of three axes",
        ValueError,
        r"Found array with dim 3",
        partial(fit, y=np.zeros((30, 2, 2))),
        kind=NeuralRegressor,
    ),
    Misuse(
        "labels of mixed kinds",
        ValueError,
        r"y has labels of several types, int, str; make them all of one type",
        partial(fit, y=np.array(["a", 1, 2] * 10, dtype=object)),
    ),
    Misuse(
        "a ragged list",
        ValueError,
        r"expects .*, got sequences of unequal length",
        partial(fit, X=[[1.0, 2.0], [3.0]] * 15),
    ),
]

WEIGHTS = [
    Misuse(
        "a negative weight",
        ValueError,
        r"Negative values in data passed to `sample_weight`",
        partial(fit, sample_weight=but(np.ones(30), 0, -1)),
    ),
    Misuse(
        "weights of zero",
        ValueError,
        r"^sample_weight is zero in every row; at least one must|^Sample weights .* non-zero",
        partial(fit, sample_weight=np.zeros(30)),
    ),
    Misuse(
        "a weight of NaN",
        ValueError,
        r"Input sample_weight contains NaN",
        partial(fit, sample_weight=but(np.ones(30), 0, np.nan)),
    ),
    Misuse(
        "too few weights",
        ValueError,
        r"sample_weight\.shape == \(29,\), expected \(30,\)",
        partial(fit, sample_weight=np.ones(29)),
    ),
    Misuse(
        "a table of weights",
        ValueError,
        r"Sample weights must be 1D array or scalar",
        partial(fit, sample_weight=np.ones((30, 1))),
    ),
    Misuse(
        "validation weights of zero",
        ValueError,
        r"sample_weight_val is zero in every row|validation set: Sample weights .* non-zero",
        partial(fit, X_val=X, y_val=LABELS, sample_weight_val=np.zeros(30)),
    ),
    Misuse(
        "a negative validation weight",
        ValueError,
        r"In the validation set: Negative values in data passed to `sample_weight`",
        partial(fit, X_val=X, y_val=LABELS, sample_weight_val=but(np.ones(30), 0, -1)),
    ),
    Misuse(
        "weights of classes that do not occur",
        ValueError,
        r"class_weight=\{0: 1\.0, 7: 2\.0\} has labels that do not occur in y, \[7\], and not all "
        r"that do, \[0, 1, 2\]",
        parameters=SET(class_weight={0: 1.0, 7: 2.0}),
    ),
    Misuse(
        "a negative class weight",
        ValueError,
        r"class_weight must hold finite numbers of at least 0, got \{0: -1\.0\}",
        parameters=SET(class_weight={0: -1.0}),
    ),
    Misuse(
        "class weights of words for numbers",
        ValueError,
        r"class_weight=\{'0': 2\} has labels that do not occur in y, \['0'\], and not all that do",
        parameters=SET(class_weight={"0": 2}),
    ),
    Misuse(
        "class weights of zero",
        ValueError,
        r"class_weight makes the weight of every row zero",
        parameters=SET(class_weight={0: 0, 1: 0, 2: 0}),
    ),
    Misuse(
        "a list of class weights for one output",
        ValueError,
        r"class_weight must be 'balanced' or a dict, got \[\{0: 1\}, \{0: 2\}\]",
        parameters=SET(class_weight=[{0: 1}, {0: 2}]),
    ),
    Misuse(
        "one dict of class weights for two outputs",
        ValueError,
        r"class_weight must be 'balanced' or a list of 2 dicts, one an output, got \{0: 2\}",
        partial(fit, y=TWO_LABELS),
        SET(class_weight={0: 2}),
    ),
]

VALIDATION = [
    Misuse(
        "X_val without y_val",
        ValueError,
        r"NeuralClassifier\.fit got X_val without y_val; pass y_val with it",
        partial(fit, X_val=X),
    ),
    Misuse(
        "X_val without y_val of a regressor",
        ValueError,
        r"NeuralRegressor\.fit got X_val without y_val; pass y_val with it",
        partial(fit, X_val=X),
        kind=NeuralRegressor,
    ),
    Misuse(
        "y_val without X_val",
        ValueError,
        r"NeuralClassifier\.fit got y_val without X_val; pass X_val with it",
        partial(fit, y_val=LABELS),
    ),
    Misuse(
        "sample_weight_val without X_val",
        ValueError,
        r"AutoencoderTransformer\.fit got sample_weight_val without X_val; pass X_val",
        partial(fit, sample_weight_val=np.ones(30)),
        kind=AutoencoderTransformer,
    ),
    Misuse(
        "X_val with fewer features",
        ValueError,
        r"In the validation set: X has 3 features, but NeuralClassifier is expecting 4 features",
        partial(fit, X_val=X[:, :3], y_val=LABELS),
    ),
    Misuse(
        "X_val with other names",
        ValueError,
        r"In the validation set: The feature names should match those that were passed during fit",
        partial(fit, X=FRAME, X_val=FRAME.rename(columns={"a": "z"}), y_val=LABELS),
    ),
    Misuse(
        "NaN in X_val",
        ValueError,
        r"In the validation set: Input X contains NaN",
        partial(fit, X_val=but(X, (0, 0), np.nan), y_val=LABELS),
    ),
    Misuse(
        "a shorter y_val than X_val",
        ValueError,
        r"In the validation set: .* inconsistent numbers of samples: \[30, 10\]",
        partial(fit, X_val=X, y_val=LABELS[:10]),
    ),
    Misuse(
        "an unknown label in y_val",
        ValueError,
        r"In the validation set: y has labels that NeuralClassifier does not know: \[9\]; it "
        r"knows \[0, 1, 2\]",
        partial(fit, X_val=X[:3], y_val=[0, 1, 9]),
    ),
    Misuse(
        "y_val of two targets",
        ValueError,
        r"NeuralRegressor was fitted to 1 target, got y of shape \(30, 2\)",
        partial(fit, X_val=X, y_val=TWO_TARGETS),
        kind=NeuralRegressor,
    ),
    Misuse(
        "a validation set by position",
        TypeError,
        r"takes from 3 to 4 positional arguments but 6 were given",
        lambda estimator: estimator.fit(X, LABELS, None, X, LABELS),
    ),
    Misuse(
        "early stopping on one row",
        ValueError,
        r"early_stopping=True cannot hold out validation_fraction=0\.1 of n_samples=1 .* "
        r"Pass X_val and y_val, lower validation_fraction, or set early_stopping=False",
        partial(fit, X=X[:1], y=TARGET[:1]),
        SET(early_stopping=True),
        NeuralRegressor,
    ),
    Misuse(
        "early stopping with a class of one row",
        ValueError,
        r"early_stopping=True holds out a stratified part of the rows, but class 7 has only 1 row"
        r"\. Pass X_val and y_val, remove the class, or set early_stopping=False",
        partial(fit, y=but(LABELS, 0, 7).astype(int)),
        SET(early_stopping=True),
    ),
    Misuse(
        "early stopping with a word's class of one row",
        ValueError,
        r"but class 'rare' has only 1 row\.",
        partial(fit, y=["rare"] + ["a", "b"] * 14 + ["b"]),
        SET(early_stopping=True),
    ),
    Misuse(
        "early stopping with fewer rows than classes",
        ValueError,
        r"early_stopping=True splits 6 rows into 5 to train on and 1 to validate on, too few for "
        r"3 classes\. Change validation_fraction, pass X_val",
        partial(fit, X=X[:6], y=LABELS[:6]),
        SET(early_stopping=True),
    ),
]

LAYERS = [
    Misuse(
        "a word for a layer",
        TypeError,
        r"layers__1 must be a layer, a pair \('name', layer\) or an int, got 'relu'\.",
        parameters=SET(layers=[Dense(5), "relu"]),
    ),
    Misuse(
        "a layer's class",
        TypeError,
        r"layers__0 must be a layer, .*Dense'>\. Did you forget the parentheses\?",
        parameters=SET(layers=[Dense]),
    ),
    Misuse(
        "a named layer's class",
        TypeError,
        r"layers__norm must be a layer, .*BatchNorm'>\. Did you forget the parentheses\?",
        parameters=SET(layers=[("norm", BatchNorm)]),
    ),
    Misuse(
        "a triple",
        TypeError,
        r"layers__0 must be a layer, a pair \('name', layer\) or an int, got \('a', Dense",
        parameters=SET(layers=[("a", Dense(3), 4)]),
    ),
    Misuse(
        "a truth value for a layer",
        TypeError,
        r"layers__0 must be a layer, a pair \('name', layer\) or an int, got True",
        parameters=SET(layers=[True]),
    ),
    Misuse(
        "an estimator for a layer",
        TypeError,
        r"layers__0 must be a layer, a pair \('name', layer\) or an int, got NeuralRegressor\(\)",
        parameters=SET(layers=[NeuralRegressor()]),
    ),
    Misuse(
        "a name used twice",
        ValueError,
        r"layers: the name 'a' is used 2 times",
        parameters=SET(layers=[("a", Dense(3)), ("a", Dense(4))]),
    ),
    Misuse(
        "a name with two underscores",
        ValueError,
        r"layers: 'a__b' is not a layer name; use a word that is not a number and has no two",
        parameters=SET(layers=[("a__b", Dense(3))]),
    ),
    Misuse(
        "a number for a name",
        ValueError,
        r"layers: '1' is not a layer name; use a word that is not a number",
        parameters=SET(layers=[("1", Dense(3))]),
    ),
    Misuse(
        "an empty name",
        ValueError,
        r"layers: '' is not a layer name",
        parameters=SET(layers=[("", Dense(3))]),
    ),
    Misuse(
        "the output layer's name",
        ValueError,
        r"layers: 'output' is the name of the layer that NeuralClassifier adds; choose another",
        parameters=SET(layers=[("output", Dense(3))]),
    ),
    Misuse(
        "a name used twice inside",
        ValueError,
        r"layers__block__layers: the name 'a' is used 2 times",
        parameters=SET(layers=[("block", Sequential([("a", Dense(3)), ("a", Dense(4))]))]),
    ),
    Misuse(
        "a word for a layer inside",
        TypeError,
        r"layers__0__layers__1 must be a layer, .* got 'x'",
        parameters=SET(layers=[Residual([4, "x"])]),
    ),
    Misuse(
        "a composite without a list",
        InvalidParameterError,
        r"Layer 'layers__0' \(Sequential\): The 'layers' parameter of Sequential must be .* Got 5",
        parameters=SET(layers=[Sequential(5)]),
    ),
    Misuse(
        "Dense without units",
        InvalidParameterError,
        r"^Layer 'layers__0' \(Dense\): The 'units' parameter of Dense must be an int in the "
        r"range \[1, inf\)\. Got 0 instead",
        parameters=SET(layers=[Dense(0)]),
    ),
    Misuse(
        "zero for a layer",
        InvalidParameterError,
        r"^Layer 'layers__0' \(Dense\): The 'units' parameter of Dense .* Got 0 instead",
        parameters=SET(layers=[0]),
    ),
    Misuse(
        "Dropout of everything",
        InvalidParameterError,
        r"Layer 'layers__drop' \(Dropout\): The 'rate' parameter of Dropout must be a float in "
        r"the range \[0\.0, 1\.0\)\. Got 1\.0 instead",
        parameters=SET(layers=[Dense(3), ("drop", Dropout(1.0))]),
    ),
    Misuse(
        "negative noise",
        InvalidParameterError,
        r"Layer 'layers__0' \(GaussianNoise\): The 'stddev' parameter of GaussianNoise .* Got -1",
        parameters=SET(layers=[GaussianNoise(-1)]),
    ),
    Misuse(
        "an unknown activation in a layer",
        InvalidParameterError,
        r"Layer 'layers__0' \(Dense\): The 'activation' parameter of Dense must be a str among .*"
        r" Got 'rellu' instead",
        parameters=SET(layers=[Dense(3, activation="rellu")]),
    ),
    Misuse(
        "an unknown activation layer",
        InvalidParameterError,
        r"Layer 'layers__1' \(Activation\): The 'activation' parameter .* Got 'rellu' instead",
        parameters=SET(layers=[3, Activation("rellu")]),
    ),
    Misuse(
        "an unknown initializer",
        InvalidParameterError,
        r"Layer 'layers__0' \(Dense\): The 'kernel_initializer' parameter .* Got 'zero' instead",
        parameters=SET(layers=[Dense(3, kernel_initializer="zero")]),
    ),
    Misuse(
        "a wrong layer inside",
        InvalidParameterError,
        r"Layer 'layers__block__layers__0' \(Dense\): The 'units' parameter .* Got -4 instead",
        parameters=SET(layers=[("block", Residual([Dense(-4)]))]),
    ),
    Misuse(
        "Reshape that does not fit",
        ValueError,
        r"Layer 'layers__1' \(Reshape\) expects inputs that fill target_shape=\(2, 2\), got "
        r"\(5,\) with 5 values\. Choose a target_shape",
        parameters=SET(layers=[Dense(5), Reshape((2, 2)), Flatten()]),
    ),
    Misuse(
        "Reshape with two unknowns",
        ValueError,
        r"Layer 'layers__0' \(Reshape\) expects .*target_shape=\(-1, -1\)",
        parameters=SET(layers=[Reshape((-1, -1)), Flatten()]),
    ),
    Misuse(
        "Reshape to words",
        ValueError,
        r"Layer 'layers__0' \(Reshape\) expects a target_shape of ints, got \('a', 'b'\)\.",
        parameters=SET(layers=[Reshape(("a", "b")), Flatten()]),
    ),
    Misuse(
        "Residual that changes the shape",
        ValueError,
        r"Layer 'layers__skip' \(Residual\) expects layers that keep the shape \(4,\) of its "
        r"input, got an output of shape \(6,\)\. Give its last layer that size",
        parameters=SET(layers=[("skip", Residual([8, 6]))]),
    ),
    Misuse(
        "layers that end with two axes",
        ValueError,
        r"The layers end with outputs of shape \(2, 2\); .* Put a Flatten or a global pooling at "
        r"the end of layers, or give a y of shape \(n_samples, 2\)",
        parameters=SET(layers=[Reshape((2, 2))]),
    ),
    Misuse(
        "dense layers on samples of two axes",
        ValueError,
        r"The layers end with outputs of shape \(2, 5\); .*Flatten",
        parameters=SET(layers=[5], input_shape=(2, 2)),
    ),
    Misuse(
        "dropout together with layers",
        ValueError,
        r"dropout=0\.5 is for the plain hidden layers; with layers=\.\.\., put Dropout layers",
        parameters=SET(layers=[5], dropout=0.5),
    ),
    Misuse(
        "normalization together with layers",
        ValueError,
        r"normalization='batch' is for the plain hidden layers; with layers=\.\.\., put BatchNorm",
        parameters=SET(layers=[5], normalization="batch"),
    ),
    Misuse(
        "L-BFGS with dropout",
        ValueError,
        r"solver='lbfgs' needs a loss without noise; remove dropout and noise layers",
        parameters=SET(solver="lbfgs", dropout=0.5),
    ),
    Misuse(
        "L-BFGS with a noise layer inside",
        ValueError,
        r"solver='lbfgs' needs a loss without noise; remove dropout and noise layers",
        parameters=SET(solver=LBFGS(), layers=[Sequential([GaussianNoise(0.1), 5])]),
    ),
]


def set_unknown(name, value=1):
    return lambda estimator: estimator.set_params(**{name: value})


NAMES = [
    Misuse(
        "an unknown parameter",
        ValueError,
        r"Invalid parameter 'layer' for estimator NeuralClassifier.*Valid parameters are:",
        set_unknown("layer"),
    ),
    Misuse(
        "an item of a list that is not set",
        ValueError,
        r"Invalid parameter 'layers__0' of NeuralClassifier: 'layers' has no items",
        set_unknown("layers__0__units"),
    ),
    Misuse(
        "an item behind the end",
        ValueError,
        r"Invalid parameter 'layers__2' of NeuralClassifier: 'layers' has the items '0', 'b'",
        set_unknown("layers__2__units"),
        good={"layers": [Dense(3), ("b", Dense(4))]},
    ),
    Misuse(
        "an unknown name of an item",
        ValueError,
        r"Invalid parameter 'layers__a' of NeuralClassifier: 'layers' has the items '0', 'b'",
        set_unknown("layers__a"),
        good={"layers": [Dense(3), ("b", Dense(4))]},
    ),
    Misuse(
        "an unknown parameter of an item",
        ValueError,
        r"Invalid parameter 'unit' for estimator Dense.*Valid parameters are: .*units",
        set_unknown("layers__b__unit"),
        good={"layers": [Dense(3), ("b", Dense(4))]},
    ),
    Misuse(
        "a parameter of an int",
        ValueError,
        r"Invalid parameter 'layers__0__units' of NeuralClassifier: 'layers__0' is 5, which has",
        set_unknown("layers__0__units"),
        good={"layers": [5]},
    ),
    Misuse(
        "an unknown item inside",
        ValueError,
        r"Invalid parameter 'layers__1' of Residual: 'layers' has the items 'x'",
        set_unknown("layers__block__layers__1__units"),
        good={"layers": [("block", Residual([("x", Dense(4))]))]},
    ),
    Misuse(
        "an unknown parameter of the solver",
        ValueError,
        r"Invalid parameter 'momentun' for estimator SGD.*Valid parameters are: .*momentum",
        set_unknown("solver__momentun"),
        good={"solver": SGD()},
    ),
    Misuse(
        "an unknown argument of the constructor",
        TypeError,
        r"unexpected keyword argument 'layer'",
        lambda estimator: type(estimator)(layer=[5]),
    ),
]


class Again:
    """Blocks whose iterator starts anew."""

    def __iter__(self):
        return iter([(X, TARGET)])


class ReadOnce:
    """Blocks whose iterators share what they read."""

    def __init__(self):
        self.blocks = iter([(X, TARGET)])

    def __iter__(self):
        return self.blocks


def partial_fit(estimator, X=X, y="own", **arguments):
    if isinstance(y, str):
        y = ESTIMATORS[type(estimator)]
    return estimator.partial_fit(X, y, **arguments)


def load_other_format(estimator):
    state = {**estimator.__getstate__(), "_sknet_format": 999, "_sknet_version": "9.9"}
    object.__new__(type(estimator)).__setstate__(state)


def load_unstamped(estimator):
    state = estimator.__getstate__()
    del state["_sknet_format"], state["_sknet_version"]
    object.__new__(type(estimator)).__setstate__(state)


WARM = {"warm_start": True}
ORDER = [
    *(
        Misuse(
            f"{method} before fit",
            NotFittedError,
            rf"This {kind.__name__} instance is not fitted yet",
            lambda estimator, method=method, more=more: getattr(estimator, method)(X, *more),
            kind=kind,
            needs="unfitted",
        )
        for kind, method, more in [
            (NeuralClassifier, "predict", ()),
            (NeuralClassifier, "predict_proba", ()),
            (NeuralClassifier, "predict_log_proba", ()),
            (NeuralClassifier, "decision_function", ()),
            (NeuralClassifier, "score", (LABELS,)),
            (NeuralRegressor, "predict", ()),
            (NeuralRegressor, "score", (TARGET,)),
            (AutoencoderTransformer, "transform", ()),
            (AutoencoderTransformer, "inverse_transform", ()),
            (AutoencoderTransformer, "reconstruct", ()),
            (AutoencoderTransformer, "score", ()),
        ]
    ),
    Misuse(
        "predict of fewer features",
        ValueError,
        r"X has 3 features, but NeuralClassifier is expecting 4 features as input",
        partial(predict, X=X[:, :3]),
        needs="fitted",
    ),
    Misuse(
        "transform of more features",
        ValueError,
        r"X has 8 features, but AutoencoderTransformer is expecting 4 features as input",
        partial(predict, X=np.hstack([X, X])),
        kind=AutoencoderTransformer,
        needs="fitted",
    ),
    Misuse(
        "predict of other names",
        ValueError,
        r"The feature names should match those that were passed during fit",
        partial(predict, X=FRAME.rename(columns={"a": "z"})),
        good_fit=partial(fit, X=FRAME),
        needs="fitted",
    ),
    Misuse(
        "predict of NaN",
        ValueError,
        r"Input X contains NaN",
        partial(predict, X=but(X, (0, 0), np.nan)),
        needs="fitted",
    ),
    Misuse(
        "predict of other samples than input_shape",
        ValueError,
        r"expects samples of input_shape=\(2, 2\), got samples of shape \(4, 1\)",
        partial(predict, X=X.reshape(30, 4, 1)),
        good={"input_shape": (2, 2), "layers": [Flatten(), 5]},
        needs="fitted",
    ),
    Misuse(
        "standard deviations without the gaussian loss",
        ValueError,
        r"return_std=True needs loss='gaussian', which predicts a standard deviation; this "
        r"NeuralRegressor was fitted with SquaredError\. Set",
        lambda estimator: estimator.predict(X, return_std=True),
        kind=NeuralRegressor,
        needs="fitted",
    ),
    Misuse(
        "codes of another width",
        ValueError,
        r"AutoencoderTransformer\.inverse_transform expects codes of 2 components, got X of shape "
        r"\(30, 4\)",
        lambda estimator: estimator.inverse_transform(X),
        kind=AutoencoderTransformer,
        needs="fitted",
    ),
    Misuse(
        "codes of one axis",
        ValueError,
        r"Expected 2D array, got 1D array",
        lambda estimator: estimator.inverse_transform(X[:, 0]),
        kind=AutoencoderTransformer,
        needs="fitted",
    ),
    Misuse(
        "blocks that are a generator",
        TypeError,
        r"NeuralClassifier\.fit_blocks reads the blocks in every epoch, and a generator can be "
        r"read only once\. Pass a list of blocks, or an object that reads one whenever asked",
        lambda estimator: estimator.fit_blocks((X, LABELS) for _ in range(2)),
    ),
    Misuse(
        "blocks that are an array",
        TypeError,
        r"NeuralClassifier\.fit_blocks expects blocks of rows, got ndarray\. Pass a list of",
        lambda estimator: estimator.fit_blocks(X),
    ),
    Misuse(
        "blocks that are a frame",
        TypeError,
        r"NeuralClassifier\.fit_blocks expects blocks of rows, got DataFrame\.",
        lambda estimator: estimator.fit_blocks(FRAME),
    ),
    Misuse(
        "blocks that are a number",
        TypeError,
        r"NeuralClassifier\.fit_blocks expects blocks of rows, got int\.",
        lambda estimator: estimator.fit_blocks(3),
    ),
    Misuse(
        "one block in the place of blocks",
        TypeError,
        r"expects each block to be \(X, y\) or \(X, y, sample_weight\), got ndarray at position "
        r"0\. A single block goes into a list: \[\(X, y\)\]",
        lambda estimator: estimator.fit_blocks((X, LABELS)),
    ),
    Misuse(
        "a block with too many parts",
        TypeError,
        r"expects each block to be X, or a tuple \(X, y, sample_weight\) whose y may be None, got "
        r"4 items at position 1",
        lambda estimator: estimator.fit_blocks([X, (X, None, None, None)]),
        kind=AutoencoderTransformer,
    ),
    Misuse(
        "no blocks",
        ValueError,
        r"NeuralRegressor\.fit_blocks expects at least one block that has rows, got none",
        lambda estimator: estimator.fit_blocks([(X[:0], TARGET[:0])]),
        kind=NeuralRegressor,
    ),
    Misuse(
        "a block with missing values",
        ValueError,
        r"In a sample of the blocks: Input X contains NaN",
        lambda estimator: estimator.fit_blocks([(X, TARGET), (np.full_like(X, np.nan), TARGET)]),
        kind=NeuralRegressor,
    ),
    Misuse(
        "a block with few missing values",
        ValueError,
        r"In block 1: Input X contains NaN",
        lambda estimator: estimator.fit_blocks([(MANY, MANY[:, 0]), (ONE_HOLE, MANY[:, 0])]),
        kind=NeuralRegressor,
    ),
    Misuse(
        "a block of another width",
        ValueError,
        r"In block 1: X has samples of shape \(3,\), and in the first block \(4,\); make all",
        lambda estimator: estimator.fit_blocks([(X, TARGET), (X[:, 1:], TARGET)]),
        kind=NeuralRegressor,
    ),
    Misuse(
        "a block whose parts differ in length",
        ValueError,
        r"In block 1: Found input variables with inconsistent numbers of samples: \[30, 29\]",
        lambda estimator: estimator.fit_blocks([(X, TARGET), (X, TARGET[1:])]),
        kind=NeuralRegressor,
    ),
    Misuse(
        "blocks of which some have weights",
        ValueError,
        r"In block 1: sample_weight is given: False, and in the first block True; make all",
        lambda estimator: estimator.fit_blocks([(X, TARGET, np.ones(30)), (X, TARGET)]),
        kind=NeuralRegressor,
    ),
    Misuse(
        "a block with weights of 0 alone",
        ValueError,
        r"In block 1: (sample_weight is zero in every row|Sample weights must contain at least)",
        lambda estimator: estimator.fit_blocks([(X, TARGET, 1.0), (X, TARGET, np.zeros(30))]),
        kind=NeuralRegressor,
    ),
    Misuse(
        "blocks with labels of several types",
        ValueError,
        r"In block 1: y has values that are 'strings', and in the first block 'numbers'; make all",
        lambda estimator: estimator.fit_blocks([(X, LABELS), (X, LABELS.astype(str))]),
    ),
    Misuse(
        "blocks with targets of several shapes",
        ValueError,
        r"In block 1: y has rows of shape \(2,\), and in the first block \(\); make all blocks",
        lambda estimator: estimator.fit_blocks([(X, TARGET), (X, TWO_TARGETS)]),
        kind=NeuralRegressor,
    ),
    Misuse(
        "blocks that have other rows in a later pass",
        ValueError,
        r"expects the same rows in each pass over the blocks, got 30 rows in the first pass and 0 "
        r"in a later one\. Pass a list of blocks",
        lambda estimator: estimator.fit_blocks(ReadOnce()),
        kind=NeuralRegressor,
    ),
    Misuse(
        "blocks without positions, and no validation set",
        ValueError,
        r"NeuralRegressor\.fit_blocks with early_stopping=True can hold out rows of blocks that "
        r"are reached by position, with one row of X and of y a sample\. Pass X_val",
        lambda estimator: estimator.fit_blocks(Again()),
        SET(early_stopping=True),
        kind=NeuralRegressor,
    ),
    Misuse(
        "partial_fit with L-BFGS",
        AttributeError,
        r"'NeuralClassifier' has no attribute 'partial_fit'.*partial_fit and fit_blocks need a "
        r"solver that trains by steps, not lbfgs",
        partial_fit,
        SET(solver="lbfgs"),
    ),
    Misuse(
        "partial_fit with early stopping",
        ValueError,
        r"partial_fit makes one pass over the rows it is given and cannot stop early; set "
        r"early_stopping=False",
        partial_fit,
        SET(early_stopping=True),
        kind=NeuralRegressor,
    ),
    Misuse(
        "partial_fit with balanced classes",
        ValueError,
        r"class_weight='balanced' needs all rows at once; for partial_fit pass a dict of weights",
        partial_fit,
        SET(class_weight="balanced"),
    ),
    Misuse(
        "partial_fit with an unknown label",
        ValueError,
        r"y has labels that NeuralClassifier does not know: \[9\]; it knows \[0, 1, 2\]\. The "
        r"first partial_fit can be told all of them by classes=",
        partial(partial_fit, y=but(LABELS, 0, 9).astype(int)),
        needs="fitted",
    ),
    Misuse(
        "partial_fit with labels that classes leaves out",
        ValueError,
        r"y has labels that NeuralClassifier does not know: \[2\]; it knows \[0, 1\]",
        partial(partial_fit, classes=[0, 1]),
        needs="unfitted",
    ),
    Misuse(
        "partial_fit with other classes than before",
        ValueError,
        r"NeuralClassifier got classes=\[0, 1, 2, 3\], but has been fitted to "
        r"array\(\[0, 1, 2\]\); leave out classes",
        partial(partial_fit, classes=[0, 1, 2, 3]),
        needs="fitted",
    ),
    Misuse(
        "partial_fit with other values after labels of 0 and 1",
        ValueError,
        r"does not know: \[-1\]; it knows \[0, 1\]\. .* \(multilabel\); for other values, fit",
        partial(partial_fit, y=2 * ZEROS_AND_ONES - 1),
        good_fit=partial(fit, y=ZEROS_AND_ONES),
        needs="fitted",
    ),
    Misuse(
        "partial_fit with one array of classes for two outputs",
        ValueError,
        r"classes must be a list of 2 arrays, the labels of each column of y, .*got \[0, 1, 2\]",
        partial(partial_fit, y=TWO_LABELS, classes=[0, 1, 2]),
        good_fit=partial(fit, y=TWO_LABELS),
    ),
    Misuse(
        "partial_fit of other features",
        ValueError,
        r"X has 3 features, but NeuralRegressor is expecting 4 features as input",
        partial(partial_fit, X=X[:, :3]),
        kind=NeuralRegressor,
        needs="fitted",
    ),
    Misuse(
        "partial_fit of two targets after one",
        ValueError,
        r"NeuralRegressor was fitted to 1 target, got y of shape \(30, 2\)",
        partial(partial_fit, y=TWO_TARGETS),
        kind=NeuralRegressor,
        needs="fitted",
    ),
    Misuse(
        "partial_fit with labels of another type",
        ValueError,
        r"y has labels that NeuralClassifier does not know: \['0', '1', '2'\]; it knows \[0, 1,",
        partial(partial_fit, y=LABELS.astype(str)),
        needs="fitted",
    ),
    Misuse(
        "partial_fit with numbers after words",
        ValueError,
        r"y has labels that NeuralClassifier does not know: \[0, 1, 2\]; it knows \['a', 'b',",
        partial_fit,
        good_fit=partial(fit, y=np.array(["a", "b", "c"])[LABELS]),
        needs="fitted",
    ),
    Misuse(
        "partial_fit of two outputs after one",
        ValueError,
        r"NeuralClassifier was fitted to one label a row, got y of shape \(30, 2\)",
        partial(partial_fit, y=TWO_LABELS),
        needs="fitted",
    ),
    Misuse(
        "partial_fit of one output after two",
        ValueError,
        r"NeuralClassifier was fitted to 2 outputs, got y of shape \(30,\)",
        partial_fit,
        good_fit=partial(fit, y=TWO_LABELS),
        needs="fitted",
    ),
    Misuse(
        "a warm start with other widths",
        ValueError,
        r"NeuralClassifier cannot resume training with other layers than it has been fitted with; "
        r"set warm_start=False",
        parameters=SET(hidden_layer_sizes=(6,)),
        good=WARM,
        needs="fitted",
    ),
    Misuse(
        "a warm start with other layers",
        ValueError,
        r"cannot resume training with other layers than it has been fitted with; set warm_start",
        parameters=SET(layers=[Dense(5, activation="tanh")]),
        good=WARM,
        needs="fitted",
    ),
    Misuse(
        "a warm start with another code",
        ValueError,
        r"AutoencoderTransformer cannot resume training with other layers than it has been fitted",
        parameters=SET(n_components=3),
        good=WARM,
        kind=AutoencoderTransformer,
        needs="fitted",
    ),
    Misuse(
        "a warm start with another dtype",
        ValueError,
        r"was fitted with dtype=float64 and cannot resume training with dtype=float32; set warm",
        parameters=SET(dtype="float32"),
        good=WARM,
        needs="fitted",
    ),
    Misuse(
        "a warm start with a loss of another width",
        ValueError,
        r"NeuralRegressor cannot resume training with loss='gaussian', which needs another output",
        parameters=SET(loss="gaussian"),
        good=WARM,
        kind=NeuralRegressor,
        needs="fitted",
    ),
    Misuse(
        "a warm start on fewer features",
        ValueError,
        r"X has 3 features, but NeuralClassifier is expecting 4 features as input",
        partial(fit, X=X[:, :3]),
        good=WARM,
        needs="fitted",
    ),
    Misuse(
        "a warm start with a new class",
        ValueError,
        r"y has labels that NeuralClassifier does not know: \[9\]; it knows \[0, 1, 2\]",
        partial(fit, y=but(LABELS, 0, 9).astype(int)),
        good=WARM,
        needs="fitted",
    ),
    Misuse(
        "a warm start with noise under L-BFGS",
        ValueError,
        r"solver='lbfgs' needs a loss without noise; remove dropout and noise layers",
        parameters=SET(solver="lbfgs"),
        good={"warm_start": True, "dropout": 0.2},
        needs="fitted",
    ),
    Misuse(
        "a warm start with a new solver and a wrong validation set",
        ValueError,
        r"In the validation set: X has 3 features",
        partial(fit, X_val=X[:, :3], y_val=LABELS),
        SET(solver="sgd"),
        good=WARM,
        needs="fitted",
    ),
    Misuse(
        "a warm start with a new loss and an unknown scorer",
        ValueError,
        r"'acuracy'",
        parameters=SET(loss="absolute_error", scoring="acuracy"),
        good=WARM,
        kind=NeuralRegressor,
        needs="fitted",
    ),
    Misuse(
        "a warm start with a new solver and a wrong schedule",
        InvalidParameterError,
        r"'final' parameter of Cosine",
        parameters=SET(solver="sgd", learning_rate=Cosine(final=2)),
        good=WARM,
        needs="fitted",
    ),
    Misuse(
        "a pickle of another format",
        ValueError,
        r"This NeuralClassifier was pickled by sknet 9\.9 in format 999; this version reads "
        r"format \d+\. Load it with the sknet that wrote it, or fit again",
        load_other_format,
    ),
    Misuse(
        "a pickle without a format",
        ValueError,
        r"This NeuralClassifier was pickled without a format; this version reads",
        load_unstamped,
    ),
]

STEPS = X.reshape(30, 2, 2)  # which X holds as rows
TAGS = (STEPS[..., 0] > 0).astype(int)
RAGGED = [x[: 1 + i % 2] for i, x in enumerate(STEPS)]
RAGGED_TAGS = [y[: 1 + i % 2] for i, y in enumerate(TAGS)]
fit_steps = partial(fit, X=STEPS, y=TAGS)
fit_ragged = partial(fit, X=RAGGED, y=RAGGED_TAGS)
AT_STEPS = {"good": {"layers": [Dense(3)]}, "good_fit": fit_steps}
AT_RAGGED = {"good": {"layers": [GRU(3, return_sequences=True)]}, "good_fit": fit_ragged}

PLACES = [
    Misuse(
        "one label a sample for layers that end in steps",
        ValueError,
        r"The layers end with outputs of shape \(2, 3\); the output layer needs one vector a "
        r"sample, or a y with a value at each of these places\. Put .* or give a y of shape "
        r"\(n_samples, 2\)\.",
        partial(fit, X=STEPS, y=TAGS[:, 0]),
        needs="unfitted",
        **AT_STEPS,
    ),
    Misuse(
        "one label a sequence for layers that end in steps",
        ValueError,
        r"outputs of shape \(None, 3\); .* give a y of shape \(n_samples, T\)",
        partial(fit, X=RAGGED, y=LABELS),
        needs="unfitted",
        **AT_RAGGED,
    ),
    Misuse(
        "labels of steps for layers that end in one vector",
        ValueError,
        r"NeuralClassifier expects y with one value or one row a sample, as its layers end with "
        r"one vector a sample, of shape \(3,\); got a list of arrays of unequal length\. .* set "
        r"return_sequences=True",
        fit_ragged,
        SET(layers=[GRU(3)]),
        **AT_RAGGED,
    ),
    Misuse(
        "labels of pixels for layers that end in one vector",
        ValueError,
        r"as its layers end with one vector a sample, of shape \(6,\); got shape \(30, 2, 1\)\.",
        partial(fit, X=STEPS, y=TAGS[:, :, None]),
        SET(layers=[Dense(3), Flatten()]),
        **AT_STEPS,
    ),
    Misuse(
        "labels of fewer steps",
        ValueError,
        r"expects y with a value for each place that its layers end with: 2 for the sample at "
        r"position 0, got 1\. Layers with strides, pooling or windows change the number of places",
        partial(fit, X=STEPS, y=TAGS[:, :1]),
        **AT_STEPS,
    ),
    Misuse(
        "labels of one step more in a sequence",
        ValueError,
        r"1 for the sample at position 2, got 2\.",
        partial(fit, X=RAGGED, y=[*RAGGED_TAGS[:2], TAGS[2], *RAGGED_TAGS[3:]]),
        **AT_RAGGED,
    ),
    Misuse(
        "labels of fewer samples at steps",
        ValueError,
        r"a list of 30 arrays as long as the outputs; got 29 samples",
        partial(fit, X=RAGGED, y=RAGGED_TAGS[:-1]),
        **AT_RAGGED,
    ),
    Misuse(
        "labels of a step with an axis too many",
        ValueError,
        r"y must be an array of labels with one axis or two, got an array of shape \(60, 1, 1\)",
        partial(fit, X=STEPS, y=TAGS[:, :, None, None]),
        **AT_STEPS,
    ),
    Misuse(
        "a missing label of a step",
        ValueError,
        r"Input y contains NaN",
        partial(fit, X=STEPS, y=but(TAGS, (3, 1), np.nan)),
        **AT_STEPS,
    ),
    Misuse(
        "an infinite target of a step",
        ValueError,
        r"Input y contains infinity",
        partial(fit, X=STEPS, y=but(TAGS, (3, 1), np.inf)),
        kind=NeuralRegressor,
        **AT_STEPS,
    ),
    Misuse(
        "steps that are all padding",
        ValueError,
        r"expects a step that is real; its layers mark every step of X as padding",
        partial(fit, X=0 * STEPS, y=TAGS),
        SET(layers=[Masking(), Dense(3)]),
        needs="unfitted",
        **AT_STEPS,
    ),
    Misuse(
        "weights of fewer steps",
        ValueError,
        r"NeuralClassifier expects sample_weight with a value for each place .*: 2 for the sample "
        r"at position 0, got 1",
        partial(fit, X=STEPS, y=TAGS, sample_weight=np.ones((30, 1))),
        **AT_STEPS,
    ),
    Misuse(
        "negative weights of steps",
        ValueError,
        r"Negative values in data passed to `sample_weight`",
        partial(fit, X=STEPS, y=TAGS, sample_weight=-np.ones((30, 2))),
        **AT_STEPS,
    ),
    Misuse(
        "weights of steps for one label a sample",
        ValueError,
        r"Sample weights must be 1D array or scalar",
        partial(fit, sample_weight=np.ones((30, 4))),
    ),
    Misuse(
        "a validation set with one label a sample for labels of steps",
        ValueError,
        r"In the validation set: NeuralClassifier expects y with a value for each place that its "
        r"layers end with, an array of shape \(30, 2\); got shape \(30,\)",
        partial(fit, X=STEPS, y=TAGS, X_val=STEPS, y_val=TAGS[:, 0]),
        **AT_STEPS,
    ),
    Misuse(
        "partial_fit with an unknown label of a step",
        ValueError,
        r"y has labels that NeuralClassifier does not know: \[7\]",
        lambda estimator: estimator.partial_fit(STEPS, but(TAGS, (0, 1), 7).astype(int)),
        needs="fitted",
        **AT_STEPS,
    ),
    Misuse(
        "partial_fit with one label a sample after labels of steps",
        ValueError,
        r"an array of shape \(30, 2\); got shape \(30,\)\. Give such a y",
        lambda estimator: estimator.partial_fit(STEPS, TAGS[:, 0]),
        needs="fitted",
        **AT_STEPS,
    ),
    Misuse(
        "a score of one label a sample after labels of steps",
        ValueError,
        r"NeuralClassifier expects y with a value for each place",
        lambda estimator: estimator.score(STEPS, TAGS[:, 0]),
        needs="fitted",
        **AT_STEPS,
    ),
    Misuse(
        "a scorer of places for one label a sample",
        ValueError,
        r"was fitted to one value or one row of y a sample, and has no places",
        lambda estimator: PlacewiseScorer("accuracy")(estimator, X, LABELS),
        needs="fitted",
    ),
]


def set_weights(estimator, **changes):
    weights = estimator.get_weights()
    weights |= {name.replace("_dot_", "."): value for name, value in changes.items()}
    estimator.set_weights({name: value for name, value in weights.items() if value is not None})


FITTED = NeuralClassifier((5,), **BRIEF).fit(X, LABELS)
FINE_TUNING = [
    Misuse(
        "weights before fit",
        NotFittedError,
        r"This NeuralClassifier instance is not fitted yet",
        lambda estimator: estimator.get_weights(),
        needs="unfitted",
    ),
    Misuse(
        "weights without one of them",
        ValueError,
        r"^Network expects weights by the names .* returns; there is no 'output\.bias'",
        partial(set_weights, output_dot_bias=None),
        needs="fitted",
    ),
    Misuse(
        "weights of another name",
        ValueError,
        r"there is 'output\.biass', which it does not have \(did you mean 'output\.bias'\?\)\.$",
        partial(set_weights, output_dot_biass=0.0),
        needs="fitted",
    ),
    Misuse(
        "weights of another shape",
        ValueError,
        r"^Network expects 'output\.bias' as an array of shape \(3,\), got one of shape \(4,\)\.$",
        partial(set_weights, output_dot_bias=np.zeros(4)),
        needs="fitted",
    ),
    Misuse(
        "weights with NaN",
        ValueError,
        r"'output\.bias' .* with finite numbers, got NaN or infinity in it\.$",
        partial(set_weights, output_dot_bias=[0.0, np.nan, 0.0]),
        needs="fitted",
    ),
    Misuse(
        "weights of strings",
        ValueError,
        r"'output\.bias' .* with numbers, got one of type <U1\.$",
        partial(set_weights, output_dot_bias=["a", "b", "c"]),
        needs="fitted",
    ),
    Misuse(
        "a file of weights of another kind",
        ValueError,
        r"^A file of weights ends in '\.npz' or '\.safetensors', got 'model\.h5'; give it one of",
        lambda estimator: estimator.save_weights("model.h5"),
        needs="fitted",
    ),
    Misuse(
        "an estimator that is not fitted as a layer",
        ValueError,
        r"'layers__0' \(Pretrained\) expects a fitted estimator of sknet, got Neur.* Fit it",
        parameters=SET(layers=[Pretrained(NeuralClassifier())]),
    ),
    Misuse(
        "an estimator of other columns as a layer",
        ValueError,
        r"expects inputs of shape \(4,\), as the estimator in it was fitted to, got \(3,\)\. Put",
        partial(fit, X=X[:, :3]),
        parameters=SET(layers=[Pretrained(FITTED)]),
    ),
    Misuse(
        "an unknown last layer",
        ValueError,
        r"expects upto to be one of 'hidden_0', 'output' or a position .*, got 'hiden_0'\. Nested",
        parameters=SET(layers=[Pretrained(FITTED, "hiden_0")]),
    ),
    Misuse(
        "a last layer as a float",
        InvalidParameterError,
        r"'upto' parameter of Pretrained must be .* Got 0\.5 instead",
        parameters=SET(layers=[Pretrained(FITTED, 0.5)]),
    ),
    Misuse(
        "a file of weights without layers",
        ValueError,
        r"expects layers with the path of a file, .* A file holds the weights alone\.$",
        parameters=SET(layers=[Pretrained("base.npz")]),
    ),
    Misuse(
        "a rate factor of zero",
        InvalidParameterError,
        r"'learning_rate_factor' parameter of LayerNorm must be a float .*\(0\.0, inf\)\. Got 0",
        parameters=SET(layers=[LayerNorm(learning_rate_factor=0)]),
    ),
    Misuse(
        "a parameter of the estimator in a layer",
        ValueError,
        r"'estimator__alpha' of Pretrained: its estimator is fitted and keeps its parameters",
        set_unknown("layers__0__estimator__alpha"),
        good={"layers": [Pretrained(FITTED)]},
    ),
    Misuse(
        "features of an unknown layer",
        ValueError,
        r"^The network has no layer 'hidden_7': there is no 'hidden_7' among 'hidden_0', 'output'",
        lambda estimator: FeatureExtractor(estimator, "hidden_7").fit(X, LABELS),
    ),
    Misuse(
        "features of a class",
        InvalidParameterError,
        r"'estimator' parameter of FeatureExtractor must be .* Got 3 instead",
        lambda estimator: FeatureExtractor(3).fit(X, LABELS),
    ),
]


def squares(y, prediction):
    return (prediction - y) ** 2


def slopes_of_squares(y, prediction):
    return 2 * (prediction - y)


def clipped_in_place(y, prediction):
    return np.clip(prediction, 0, 1, out=prediction)


def halved(y, prediction):
    return prediction - y


def from_the_mean(y, prediction):
    return (prediction - prediction.mean() - y) ** 2


def unknown(y, prediction):
    return np.full(len(y), np.nan)


def total(y, prediction):
    return np.sum((prediction - y) ** 2)


def late(progress):
    return 1.0 if progress < 0.6 else -1.0


FUNCTIONS = [
    Misuse(
        "a plain function as a loss",
        InvalidParameterError,
        r"'loss' parameter of NeuralRegressor must be .*FunctionLoss\(value, gradient\)\).*Got <",
        parameters=SET(loss=squares),
        kind=NeuralRegressor,
    ),
    *(
        Misuse(
            f"a loss of plain functions: {fault}",
            ValueError,
            rf"^FunctionLoss: {match}",
            parameters=SET(loss=FunctionLoss(value, gradient)),
            kind=NeuralRegressor,
        )
        for fault, value, gradient, match in [
            (
                "a gradient that is half the derivative",
                squares,
                halved,
                r"gradient is not the derivative of value: at y = \S+ and prediction = \S+ it "
                r"returns \S+, and central differences of value give \S+\. Correct one of the two",
            ),
            (
                "a sum over the rows",
                total,
                halved,
                r"value has to return the loss of each row, an",
            ),
            ("writing", squares, clipped_in_place, r"gradient writes to y or to prediction; let"),
            ("NaN", unknown, halved, r"value returns nan at y = .*Let it be finite"),
            (
                "rows that depend on others",
                from_the_mean,
                halved,
                r".*must not depend on other rows",
            ),
            ("a gradient of text", squares, lambda y, p: "up", r"gradient has to .*, got 'up'"),
        ]
    ),
    Misuse(
        "a loss of plain functions that gives a value a target",
        ValueError,
        r"the loss of each row \(sum over the targets\), an array of .* shape \(10,\), got "
        r"shape \(10, 2\)",
        partial(fit, y=TWO_TARGETS),
        SET(loss=FunctionLoss(squares, slopes_of_squares)),
        NeuralRegressor,
    ),
    Misuse(
        "a loss of plain functions for X itself that gives a value a cell",
        ValueError,
        r"FunctionLoss: value has to return the loss of each row",
        parameters=SET(loss=FunctionLoss(squares, slopes_of_squares)),
        kind=AutoencoderTransformer,
    ),
    Misuse(
        "a loss of plain functions of classes",
        ValueError,
        r"FunctionLoss expects a continuous target, got a multiclass one",
        parameters=SET(loss=FunctionLoss(squares, slopes_of_squares)),
    ),
    Misuse(
        "a gradient that is no function",
        InvalidParameterError,
        r"'gradient' parameter of FunctionLoss must be a callable\. Got 2 instead",
        parameters=SET(loss=FunctionLoss(squares, 2)),
        kind=NeuralRegressor,
    ),
    Misuse(
        "a plain function as an activation",
        InvalidParameterError,
        r"'activation' parameter .* for a plain function use FunctionActivation\(f, derivative\)",
        parameters=SET(activation=np.tanh),
    ),
    Misuse(
        "an activation with the derivative of another",
        ValueError,
        r"FunctionActivation: derivative is not that of f: at x = -3\.1 it returns -0\.999135, "
        r"and central differences of f give 0\.00808487",
        parameters=SET(activation=FunctionActivation(np.tanh, np.cos)),
    ),
    Misuse(
        "an activation inside a layer that is not elementwise",
        ValueError,
        r"FunctionActivation: f returns other values for a row among others",
        parameters=SET(layers=[Dense(4, FunctionActivation(lambda x: x / x.sum(), np.cos))]),
    ),
    Misuse(
        "an activation that gives one number",
        ValueError,
        r"FunctionActivation: f has to return one number for each element of x, .* got shape \(\)",
        parameters=SET(activation=FunctionActivation(np.sum, np.cos)),
    ),
    *(
        Misuse(
            f"a rate of {value!r}",
            ValueError,
            r"^FunctionSchedule: the function of the progress has to return a factor, a finite "
            r"number of at least 0; at a progress of 0 it returned ",
            parameters=SET(learning_rate=lambda progress, value=value: value),
        )
        for value in (-1.0, np.nan, np.inf, None, "fast")
    ),
    Misuse(
        "a rate that turns negative",
        ValueError,
        r"at a progress of 0\.75 it returned -1\.0",
        parameters=SET(learning_rate=FunctionSchedule(late)),
    ),
    Misuse(
        "a schedule's class",
        ValueError,
        r"learning_rate must be one of .*Write Cosine\(\) instead of Cosine",
        parameters=SET(learning_rate=Cosine),
    ),
    Misuse(
        "a dropout that drops all",
        ValueError,
        r"Dropout with rate=0\.5 drops everything where its schedule has the factor 2\. Lower",
        parameters=SET(layers=[Dense(4), Dropout(0.5, schedule=lambda progress: 2.0)]),
    ),
    Misuse(
        "a metric of several numbers",
        ValueError,
        r"scoring must return a number, got array\(\[\[",
        parameters=SET(scoring=confusion_matrix, early_stopping=True, validation_fraction=0.2),
    ),
    Misuse(
        "a metric without weights for rows that have some",
        ValueError,
        r"scoring=max_error takes no sample_weight, and the validation rows have weights\. Choose",
        partial(fit, sample_weight=np.ones(30)),
        SET(scoring=max_error, early_stopping=True),
        NeuralRegressor,
    ),
    Misuse(
        "a metric of what is not predicted",
        ValueError,
        r"scoring=r2_score is a metric f\(y, prediction\), and Auto\w+ predicts no y",
        parameters=SET(scoring=r2_score),
        kind=AutoencoderTransformer,
    ),
    Misuse(
        "a metric of numbers for words",
        ValueError,
        r"scoring=.*mean_absolute_error.* compares numbers, and the labels are none",
        partial(fit, y=np.array(list("abc"))[LABELS]),
        SET(scoring=partial(mean_absolute_error, multioutput="uniform_average")),
        needs="unfitted",
    ),
]

COLUMNS = pd.DataFrame({"price": TARGET, "sold": np.where(TARGET > 0, "yes", "no")})
BY_COLUMNS = {"price": "squared_error", "sold": "log_loss"}


def by_columns(fault, match, loss=None, y=COLUMNS, error=ValueError, **parameters):
    """Return the wrong use of a regressor with losses by columns."""
    parameters = SET(loss=BY_COLUMNS if loss is None else loss, **parameters)
    return Misuse(
        f"losses by columns: {fault}", error, match, partial(fit, y=y), parameters, NeuralRegressor
    )


SEVERAL = [
    by_columns("none", r"is a dict of losses by the names of columns of y, got \{\}", loss={}),
    by_columns("positions", r"dict of losses by the names of columns", loss={0: "huber"}),
    by_columns(
        "an array",
        r"NeuralRegressor with a loss for each of the columns 'price', 'sold' expects y as a data "
        r"frame of these columns, got ndarray",
        y=TWO_TARGETS,
    ),
    by_columns(
        "one too few",
        r"has losses for the columns 'price', got y with 'price', 'sold'\. Give each column",
        loss={"price": "huber"},
    ),
    by_columns(
        "an unknown name",
        r"^loss\['price'\] must be one of 'squared_error', .*'tversky', or an instance of Loss; ",
        loss={**BY_COLUMNS, "price": "hinges"},
    ),
    by_columns(
        "a loss without probabilities",
        r"^loss\['sold'\]=Hinge has no probabilities; a column of classes takes 'log_loss' or",
        loss={**BY_COLUMNS, "sold": "hinge"},
    ),
    by_columns(
        "a loss of pixels",
        r"^loss\['sold'\]=Dice is for a class at each pixel; a column of classes takes 'log_loss'",
        loss={**BY_COLUMNS, "sold": "dice"},
    ),
    by_columns(
        "a plain function",
        r"loss\['price'\] is a plain function, and needs its gradient: write FunctionLoss\(value",
        loss={**BY_COLUMNS, "price": squares},
    ),
    by_columns(
        "a wrong gradient",
        r"Column 'price' of y: FunctionLoss: gradient is not the derivative",
        loss={**BY_COLUMNS, "price": FunctionLoss(squares, halved)},
    ),
    by_columns(
        "a parameter out of range",
        r"'delta' parameter of Huber must be a float",
        loss={**BY_COLUMNS, "price": Huber(-1.0)},
        error=InvalidParameterError,
    ),
    *(
        by_columns(
            f"a weight of {weight}",
            rf"loss\['price'\] has the weight {weight}; it must be a number above 0",
            loss={**BY_COLUMNS, "price": ("huber", weight)},
        )
        for weight in (-1.0, 0, np.nan, np.inf)
    ),
    by_columns(
        "several quantiles",
        r"loss\['price'\] has several quantiles, and a column of predictions holds one",
        loss={**BY_COLUMNS, "price": Quantile([0.1, 0.9])},
    ),
    by_columns(
        "words for numbers",
        r"Column 'sold' of y holds strings, and its loss is for numbers\. Give it a loss",
        loss={"price": "huber", "sold": "huber"},
    ),
    by_columns(
        "numbers for classes",
        r"Column 'price' of y holds floats that are no integers, and its loss is for classes",
        loss={"price": "log_loss", "sold": "log_loss"},
    ),
    by_columns(
        "infinity",
        r"Column 'price' of y contains infinity",
        y=COLUMNS.assign(price=but(TARGET, 0, np.inf)),
    ),
    by_columns(
        "what overflows",
        r"Column 'price' of y overflows float32 as the network learns it",
        y=COLUMNS.assign(price=but(TARGET, 0, 1e300)),
        standardize_target=False,
        dtype="float32",
    ),
    by_columns(
        "out of range",
        r"Column 'price' of y: Poisson expects a target that is zero or positive, got values down",
        loss={**BY_COLUMNS, "price": "poisson"},
    ),
    by_columns(
        "labels of two types",
        r"Column 'sold' of y has labels of several types, int, str",
        y=COLUMNS.assign(sold=["yes", 1] * 15),
    ),
    by_columns(
        "a column that is all missing",
        r"Column 'sold' of y has no values in the rows to train on",
        y=COLUMNS.assign(sold=None),
    ),
    by_columns(
        "two classes for the focal loss with alpha",
        r"FocalLoss with alpha=0\.3 expects a binary or multilabel target",
        loss={**BY_COLUMNS, "sold": FocalLoss(alpha=0.3)},
        y=COLUMNS.assign(sold=LABELS),
    ),
    by_columns("too few rows", r"inconsistent numbers of samples: \[30, 29\]", y=COLUMNS[:29]),
    by_columns(
        "a metric for one kind of target",
        r"scoring='r2' compares one kind of target, and y has columns with losses of their own",
        scoring="r2",
    ),
    Misuse(
        "losses by columns of a classifier",
        InvalidParameterError,
        r"a dict of losses by the columns of y is for NeuralRegressor",
        partial(fit, y=COLUMNS),
        SET(loss=BY_COLUMNS),
    ),
    Misuse(
        "probabilities of numbers",
        AttributeError,
        r"predict_proba needs a loss by columns, such as \{'sold': 'log_loss'\}",
        lambda regressor: regressor.predict_proba(X),
        kind=NeuralRegressor,
    ),
]

IMAGE = Reshape((2, 2, 1))
BRANCHES = [
    Misuse(
        "branches of two widths to add",
        ValueError,
        r"^Layer 'layers__0' \(Parallel\) expects branches of one shape for merge='add', got "
        r"\(3,\) from branch 'left' and \(2,\) from branch '1'\. End each branch with as many "
        r"outputs, or merge by 'concatenate'\.$",
        parameters=SET(layers=[Parallel([("left", [5, 3]), [2]], "add")]),
    ),
    Misuse(
        "branches of two heights to concatenate",
        ValueError,
        r"^Layer 'layers__1' \(Parallel\) expects branches of one shape but for the last axis for "
        r"merge='concatenate', got \(2, 2, 1\) from branch '0' and \(1, 1, 3\) from branch "
        r"'small'\. Set padding='same' in layers with windows, undo strides",
        parameters=SET(layers=[IMAGE, Parallel([[], ("small", [Conv2D(3, 2)])]), Flatten()]),
    ),
    Misuse(
        "branches of two ranks",
        ValueError,
        r"got \(2, 2, 1\) from branch '0' and \(4,\) from branch '1'\. Put a Flatten, a Reshape",
        parameters=SET(layers=[IMAGE, Parallel([[], Flatten()], "dot"), Flatten()]),
    ),
    Misuse(
        "a dot of one branch",
        ValueError,
        r"Layer 'layers__0' \(Parallel\) expects 2 or more branches for merge='dot', got 1\.",
        parameters=SET(layers=[Parallel([[3]], "dot")]),
    ),
    Misuse(
        "no branches",
        ValueError,
        r"expects 1 or more branches for merge='concatenate', got 0\. Add a branch",
        parameters=SET(layers=[Parallel([])]),
    ),
    Misuse(
        "an unknown merge",
        InvalidParameterError,
        r"Layer 'layers__0' \(Parallel\): The 'merge' parameter .* Got 'sum' instead",
        parameters=SET(layers=[Parallel([3, 3], "sum")]),
    ),
    Misuse(
        "a branch that is no layer",
        TypeError,
        r"^layers__0__branches__x must be a layer, a list of layers, a pair \('name', layer\) or "
        r"an int, got 'relu'",
        parameters=SET(layers=[Parallel([[], ("x", "relu")])]),
    ),
    Misuse(
        "what is no layer in a branch",
        TypeError,
        r"^layers__0__branches__x__1 must be a layer, a pair .* got <class .*forget the parenth",
        parameters=SET(layers=[Parallel([[], ("x", [3, Dense])])]),
    ),
    Misuse(
        "a list among layers that have no branches",
        TypeError,
        r"^layers__0 must be a layer, a pair \('name', layer\) or an int, got \[5, 3\]",
        parameters=SET(layers=[[5, 3]]),
    ),
    Misuse(
        "two branches of one name",
        ValueError,
        r"layers__0__branches: the name 'a' is used 2 times; give each layer its own",
        parameters=SET(layers=[Parallel([("a", [3]), ("a", [])])]),
    ),
    Misuse(
        "a layer in a branch that does not take its input",
        ValueError,
        r"^Layer 'layers__0__branches__deep__1' \(MaxPool2D\) expects inputs of shape",
        parameters=SET(layers=[Parallel([[], ("deep", [5, MaxPool2D(2)])])]),
    ),
]
SERIES = [np.ones((n, 2)) * n for n in (2, 3, 4)]
on_series = partial(fit, X=SERIES, y=None)
AS_OUTLIERS = {"kind": NeuralOutlierDetector, "good_fit": partial(fit, y=None)}
OUTLIERS = [
    *(
        Misuse(
            f"contamination={value!r}",
            InvalidParameterError,
            r"The 'contamination' parameter of NeuralOutlierDetector must be .* Got .* instead",
            partial(fit, y=None),
            SET(contamination=value),
            **AS_OUTLIERS,
        )
        for value in (0.0, 0.6, "legacy", None)
    ),
    Misuse(
        "a decision before fit",
        NotFittedError,
        r"This NeuralOutlierDetector instance is not fitted yet",
        lambda estimator: estimator.predict(X),
        needs="unfitted",
        **AS_OUTLIERS,
    ),
    Misuse(
        "a decision on fewer features",
        ValueError,
        r"X has 3 features, but NeuralOutlierDetector is expecting 4 features as input",
        lambda estimator: estimator.decision_function(X[:, :3]),
        needs="fitted",
        **AS_OUTLIERS,
    ),
    Misuse(
        "NaN among rows with outliers",
        ValueError,
        r"Input X contains NaN.*NeuralOutlierDetector takes NaN only with handle_missing='ignore'",
        partial(fit, X=but(X, (0, 0), np.nan), y=None),
        **AS_OUTLIERS,
    ),
    Misuse(
        "one code a sequence and nothing that makes steps of it",
        ValueError,
        r"^decoder=None has no layer that could tell the steps of a sequence apart",
        on_series,
        SET(encoder=[GRU(3)]),
        AutoencoderTransformer,
    ),
    Misuse(
        "a decoder that forgets the steps",
        ValueError,
        r"^The decoder ends with outputs of shape \(3,\); sequences need one vector a step, or "
        r"the shape \(None, 2\)\. Set return_sequences=True",
        on_series,
        SET(encoder=[GRU(3)], decoder=[GRU(3)]),
        AutoencoderTransformer,
    ),
    Misuse(
        "a variational code of sequences",
        ValueError,
        r"^variational=True is for samples of one shape, got input_shape=\(None, 2\); set "
        r"variational=False, or cut or pad the sequences to one length\.$",
        on_series,
        SET(encoder=[GRU(3)], decoder=[GRU(3, return_sequences=True)], variational=True),
        AutoencoderTransformer,
    ),
]

_NARROW = [Embedding(2), GRU(2, return_sequences=True)]
TRANSLATOR = {
    "kind": NeuralTranslator,
    "good": {"encoder": _NARROW, "decoder": [*_NARROW, CrossAttention(1)]},
    "good_fit": partial(fit, X=SOURCES, y=TARGETS),
}
TRANSCRIBER = {
    "kind": NeuralTranscriber,
    "good": {"layers": [GRU(2, return_sequences=True)]},
    "good_fit": partial(fit, X=CLIPS, y=HEARD),
}
PAIRS = [
    Misuse(
        "fewer targets than sources",
        ValueError,
        r"^NeuralTranslator expects a target in y for each source in X, got 4 sources and 3 "
        r"targets\.$",
        partial(fit, X=SOURCES, y=TARGETS[:3]),
        **TRANSLATOR,
    ),
    Misuse(
        "targets that are no texts",
        TypeError,
        r"^NeuralTranslator expects y to hold str, got 3 of type int at position 0\. Convert it, "
        r"fill missing texts with '', or set target_tokenizer=None to pass arrays of tokens\.$",
        partial(fit, X=SOURCES, y=[3, 4, 5, 6]),
        **TRANSLATOR,
    ),
    Misuse(
        "a decoder that never looks at the source",
        ValueError,
        r"^NeuralTranslator expects a decoder that looks at the source, got none of its layers "
        r"that does\. Add a TransformerDecoderBlock, or Residual",
        partial(fit, X=SOURCES, y=TARGETS),
        SET(decoder=_NARROW),
        **TRANSLATOR,
    ),
    Misuse(
        "an encoder of another width",
        ValueError,
        r"^Layer 'decoder__2' \(CrossAttention\) expects a source of 2 features a step, got "
        r"one of shape \(steps, 3\)\. Let the encoder end with a vector of this length for each "
        r"step, or pass source_dim\.$",
        partial(fit, X=SOURCES, y=TARGETS),
        SET(encoder=[Embedding(3)]),
        **TRANSLATOR,
    ),
    Misuse(
        "a beam of nothing",
        InvalidParameterError,
        r"^The 'beam_size' parameter of NeuralTranslator must be an int",
        partial(fit, X=SOURCES, y=TARGETS),
        SET(beam_size=0),
        **TRANSLATOR,
    ),
    Misuse(
        "the attention of no such layer",
        ValueError,
        r"expects layer to be the name of a CrossAttention, one of 'decoder__2'; got 'decoder__1'",
        lambda estimator: estimator.attention_weights(SOURCES, TARGETS, "decoder__1"),
        needs="fitted",
        **TRANSLATOR,
    ),
    Misuse(
        "cross-attention in a network of rows",
        ValueError,
        r"^Layer 'layers__0' \(CrossAttention\) expects a source to look at, got none\. Put it "
        r"into the decoder of a NeuralTranslator, in place of MultiHeadAttention\.$",
        parameters=SET(input_shape=(2, 2), layers=[CrossAttention(1), Flatten()]),
    ),
    Misuse(
        "a translation before fit",
        NotFittedError,
        r"This NeuralTranslator instance is not fitted yet",
        lambda estimator: estimator.predict(SOURCES),
        needs="unfitted",
        **TRANSLATOR,
    ),
]
HEARINGS = [
    Misuse(
        "more labels than steps",
        ValueError,
        r"^NeuralTranscriber expects an output step for each label, and one more for each that "
        r"follows itself: 7 for the 4 labels at position 1, got 6\. Use less pooling",
        partial(fit, X=CLIPS, y=["ab", "bbbb", "", "aba"]),
        **TRANSCRIBER,
    ),
    Misuse(
        "one label a sample",
        ValueError,
        r"^NeuralTranscriber expects y to hold a sequence of labels for each sample, a list, a "
        r"1-D array or a str, got int at position 0\.$",
        partial(fit, X=CLIPS, y=[0, 1, 1, 0]),
        **TRANSCRIBER,
    ),
    Misuse(
        "fewer label sequences than samples",
        ValueError,
        r"^NeuralTranscriber expects a label sequence in y for each sample of X, got 4 samples "
        r"and 2 label sequences\.$",
        partial(fit, X=CLIPS, y=HEARD[:2]),
        **TRANSCRIBER,
    ),
    Misuse(
        "layers that join the steps",
        ValueError,
        r"^NeuralTranscriber expects layers that give a vector for each step, of shape \(T, F\), "
        r"got \(3,\)\. Set return_sequences=True in recurrent layers",
        partial(fit, X=CLIPS, y=HEARD),
        SET(layers=[GRU(3)]),
        **TRANSCRIBER,
    ),
    Misuse(
        "labels that fit has not seen",
        ValueError,
        r"^NeuralTranscriber was fitted to the labels \['a', 'b'\], got in y \['c'\] as well\.",
        lambda estimator: estimator.partial_fit(CLIPS, ["ab", "c", "", "ab"]),
        needs="fitted",
        **TRANSCRIBER,
    ),
    Misuse(
        "rows of a table",
        ValueError,
        r"expects inputs of shape \(steps, features\), got \(4,\)",
        partial(fit, X=X[:4], y=HEARD),
        needs="unfitted",
        **TRANSCRIBER,
    ),
]

TABLE = [
    *PARAMETERS,
    *VALUES,
    *DATA,
    *WEIGHTS,
    *VALIDATION,
    *LAYERS,
    *BRANCHES,
    *OUTLIERS,
    *NAMES,
    *ORDER,
    *PLACES,
    *FINE_TUNING,
    *FUNCTIONS,
    *SEVERAL,
    *PAIRS,
    *HEARINGS,
]


def name(misuse):
    return misuse.name.replace(" ", "-")


def good_estimator(misuse):
    return misuse.kind(**{**BRIEF, **misuse.good})


def refuse(misuse, estimator):
    """Do the wrong thing; check the error, and that the call left the estimator as it was."""
    estimator.set_params(**misuse.parameters)
    attributes, shown = dict(vars(estimator)), repr(estimator)
    with pytest.raises(misuse.error) as caught:
        misuse.call(estimator)
    # What `available_if` hides it explains in the cause.
    message = "\n".join(filter(None, [str(caught.value), str(caught.value.__cause__ or "")]))
    assert re.search(misuse.match, message, re.DOTALL), message
    assert vars(estimator).keys() == attributes.keys()
    assert all(vars(estimator)[key] is value for key, value in attributes.items())
    assert repr(estimator) == shown


def restore(misuse, estimator):
    good = good_estimator(misuse).get_params(deep=False)
    estimator.set_params(**{key: good[key] for key in misuse.parameters})


def test_the_table_has_a_wrong_value_of_every_parameter_of_every_estimator():
    for kind in ESTIMATORS:
        named = {next(iter(row.parameters)) for row in PARAMETERS if row.kind is kind}
        assert named == set(kind().get_params(deep=False))


@pytest.mark.parametrize("misuse", [row for row in TABLE if row.needs != "fitted"], ids=name)
def test_an_unfitted_estimator_refuses_clearly_and_can_still_be_fitted(misuse):
    estimator = good_estimator(misuse)
    refuse(misuse, estimator)
    with pytest.raises(NotFittedError):
        check_is_fitted(estimator)
    restore(misuse, estimator)
    misuse.good_fit(estimator)
    np.testing.assert_array_equal(
        predict(estimator), predict(misuse.good_fit(good_estimator(misuse)))
    )


@pytest.mark.parametrize("misuse", [row for row in TABLE if row.needs != "unfitted"], ids=name)
def test_a_fitted_estimator_refuses_clearly_and_predicts_and_trains_as_before(misuse):
    estimator = misuse.good_fit(good_estimator(misuse))
    twin = pickle.loads(pickle.dumps(estimator))
    before = predict(estimator)
    refuse(misuse, estimator)
    restore(misuse, estimator)
    np.testing.assert_array_equal(predict(estimator), before)
    misuse.good_fit(estimator)
    np.testing.assert_array_equal(predict(estimator), predict(misuse.good_fit(twin)))
