"""scikit-learn's own checks of estimators, on default parameters and on many others.

With default parameters no check fails and none is expected to. For configured instances the few
checks that cannot hold by definition are listed with the reason; as xfail is strict, an entry of
the list whose check passes is an error.
"""

import unittest

import numpy as np
import pytest
import sklearn
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_estimator,
    estimator_checks_generator,
    parametrize_with_checks,
)
from sklearn.utils.fixes import parse_version

from sknet import (
    AutoencoderTransformer,
    FeatureExtractor,
    NeuralClassifier,
    NeuralOutlierDetector,
    NeuralRegressor,
    TabularClassifier,
    TabularRegressor,
)
from sknet.layers import (
    GRU,
    LSTM,
    Activation,
    BatchNorm,
    Bidirectional,
    Conv1D,
    Dense,
    Dropout,
    GlobalAveragePool1D,
    GlobalMaxPool1D,
    LayerNorm,
    PositionalEmbedding,
    Residual,
    Sequential,
    SimpleRNN,
    TransformerBlock,
)
from sknet.losses import FocalLoss, Quantile
from sknet.optimizers import LBFGS, SGD
from sknet.schedules import Cosine

# Training is short here, and shorter still where a check sets max_iter; some checks have fewer
# rows than a batch.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:batch_size=:UserWarning"),
]


def checked(estimator):
    """Return the results of scikit-learn's checks, if none failed or was expected to."""
    results = check_estimator(estimator, on_skip=None, on_fail=None)
    failed = [
        (result["check_name"], result["exception"])
        for result in results
        if result["status"] not in ("passed", "skipped") or result["expected_to_fail"]
    ]
    assert failed == []
    assert sum(result["status"] == "passed" for result in results) > 50
    return results


@pytest.mark.parametrize(
    ("estimator", "reference"),
    [
        (NeuralClassifier(), MLPClassifier()),
        (NeuralRegressor(), MLPRegressor()),
        (AutoencoderTransformer(), PCA()),
        (NeuralOutlierDetector(), IsolationForest()),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_default_parameters_pass_every_check_and_skip_none_that_scikit_learn_runs(
    estimator, reference
):
    results = checked(estimator)
    skipped = {result["check_name"] for result in results if result["status"] == "skipped"}
    assert skipped <= checks_skipped_by(reference, among=skipped)


TABULAR = [
    TabularClassifier(hidden_layer_sizes=(32,), cv=3, max_iter=30),
    TabularRegressor(hidden_layer_sizes=(32,), cv=2, max_iter=30),
]


@pytest.mark.parametrize("estimator", TABULAR, ids=lambda estimator: type(estimator).__name__)
def test_small_ensembles_for_tables_pass_every_check(estimator):
    checked(estimator)


EXTRACTORS = [
    FeatureExtractor(NeuralClassifier((8,), max_iter=20, random_state=0)),
    FeatureExtractor(NeuralRegressor((8, 8), max_iter=20, random_state=0), layer="hidden_0"),
    FeatureExtractor(AutoencoderTransformer(max_iter=20, random_state=0), layer="encoder__code"),
    FeatureExtractor(
        make_pipeline(StandardScaler(), NeuralClassifier((8,), max_iter=20, random_state=0))
    ),
]


@pytest.mark.parametrize(
    "estimator", EXTRACTORS, ids=["classifier", "regressor", "autoencoder", "pipeline"]
)
def test_features_of_a_layer_pass_every_check(estimator):
    results = check_estimator(estimator, on_skip=None, on_fail=None)
    failed = [
        (result["check_name"], result["exception"])
        for result in results
        if result["status"] not in ("passed", "skipped") or result["expected_to_fail"]
    ]
    assert failed == []
    assert sum(result["status"] == "passed" for result in results) > 40


def checks_skipped_by(estimator, among):
    """Return those of the named checks that skip for an estimator."""
    names = set()
    for instance, check in estimator_checks_generator(estimator):
        name = check.func.__name__
        if name in among:
            try:
                check(instance)
            except unittest.SkipTest:
                names.add(name)
    return names


def classifier(*, learning_rate_init=0.02, max_iter=30, **parameters):
    if "layers" not in parameters:
        parameters = {"hidden_layer_sizes": (30,), **parameters}
    return NeuralClassifier(
        learning_rate_init=learning_rate_init, max_iter=max_iter, random_state=0, **parameters
    )


def regressor(*, learning_rate_init=0.05, max_iter=40, **parameters):
    if "layers" not in parameters:
        parameters = {"hidden_layer_sizes": (30,), **parameters}
    return NeuralRegressor(
        learning_rate_init=learning_rate_init,
        max_iter=max_iter,
        random_state=0,
        **parameters,
    )


def autoencoder(n_components=2, sizes=(10,), *, max_iter=20, **parameters):
    if {"encoder", "decoder"} <= parameters.keys():
        sizes = (100,)
    return AutoencoderTransformer(
        n_components, sizes, max_iter=max_iter, random_state=0, **parameters
    )


LAYERS = [Dense(20, activation="relu"), LayerNorm(), 10]
NAMED_LAYERS = [
    ("first", Dense(20)),
    ("block", Residual([("inner", Dense(20, activation="tanh")), 20])),
    ("last", Sequential([LayerNorm(), Activation("gelu")])),
]
NOISY_LAYERS = [Dense(30), BatchNorm(), Activation("relu"), Dropout(0.1)]

# Rows of a table as sequences of one feature, which the checks may make of any length.
SERIES = {"input_shape": (None, 1)}
CONVOLUTION = [Conv1D(16, 3, padding="same", activation="relu"), GlobalMaxPool1D()]
CAUSAL = [Conv1D(8, 2, padding="causal", activation="relu"), SimpleRNN(8)]
ATTENTION = [
    Dense(8),
    PositionalEmbedding(kind="sinusoidal"),
    TransformerBlock(2),
    GlobalAveragePool1D(),
]

WEIGHTS = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
)
PARTIAL = (
    "check_fit_score_takes_y",
    "check_n_features_in_after_fitting",
    "check_estimators_partial_fit_n_features",
)

# Each reason with the checks that cannot hold because of it.
DROPOUT = dict.fromkeys(WEIGHTS, "Dropout draws a mask a row: a row twice is not one of weight 2.")
NOISE = {WEIGHTS[0]: "Noise is drawn a row: a row twice is not one of weight 2."}
BATCH_NORM = dict.fromkeys(WEIGHTS, "Batch statistics are of the rows, not of their weights.")
HOLD_OUT = {
    **dict.fromkeys(WEIGHTS, "What is held out depends on the number of rows."),
    **dict.fromkeys(PARTIAL, "partial_fit has no rows to hold out, so it refuses early_stopping."),
}
BALANCED = dict.fromkeys(
    PARTIAL, "partial_fit does not see all rows, so it refuses class_weight='balanced'."
)
BATCHES = dict.fromkeys(WEIGHTS, "Repeated rows make more batches, and other ones.")
SINGLE = dict.fromkeys(WEIGHTS, "The check asks for agreement to 1e-7, float32 has 6e-8 a step.")
WARM_START = dict.fromkeys(
    ("check_supervised_y_2d", "check_classifiers_multilabel_representation_invariance"),
    "The check fits twice and expects the same; a warm start goes on training.",
)
POSITIVE = {
    "check_regressor_multioutput": "The check has negative targets, whatever the tags say.",
}
QUANTILES = dict.fromkeys(
    ("check_regressors_train", "check_estimator_sparse_array", "check_estimator_sparse_matrix"),
    "The check expects predictions of one column; there is one a quantile.",
)

# Instances, each with the checks that it is expected to fail.
CONFIGURED = [
    (classifier(class_weight="balanced"), BALANCED),
    (classifier(early_stopping=True, validation_fraction=0.3), HOLD_OUT),
    (classifier(dtype="float32", learning_rate_init=0.01, max_iter=25), SINGLE),
    (classifier(warm_start=True), WARM_START),
    (classifier(layers=CONVOLUTION, learning_rate_init=0.03, **SERIES), {}),
    (regressor(loss="poisson", max_iter=80), POSITIVE),
    (regressor(loss=Quantile([0.1, 0.5, 0.9])), QUANTILES),
    (autoencoder(encoder=[12, ("last", Dense(6, activation="tanh"))], decoder=[8]), {}),
    (autoencoder(handle_missing="ignore"), {}),
]
# Those that differ from others in what happens after X, y and the weights have been read: for them
# `READING` is left out. Options that have nothing to do with each other share an instance.
TRAINED = [
    (classifier(solver="lbfgs", alpha=1.0), {}),
    (classifier(solver="sgd", learning_rate="adaptive", learning_rate_init=0.05), {}),
    (classifier(solver="rmsprop", loss="focal"), {}),
    (classifier(solver="adamw", normalization="layer"), {}),
    (classifier(solver="nadam", loss=FocalLoss(gamma=1.0), activation="tanh"), {}),
    (classifier(solver="lion", averaging=0.9, clip_norm=1.0, learning_rate_init=0.003), {}),
    (
        classifier(
            layers=LAYERS, solver=SGD(momentum=0.5, nesterov=False), learning_rate_init=0.05
        ),
        {},
    ),
    (classifier(layers=NAMED_LAYERS), {}),
    (classifier(dropout=0.2), DROPOUT),
    (classifier(normalization="batch"), BATCH_NORM),
    (classifier(layers=NOISY_LAYERS), DROPOUT),
    (classifier(batch_size=8, shuffle=False, learning_rate_init=0.005, max_iter=15), BATCHES),
    (classifier(layers=[LSTM(8)], learning_rate_init=0.05, **SERIES), {}),
    (classifier(layers=ATTENTION, **SERIES), {}),
    (regressor(layers=CAUSAL, **SERIES), {}),
    (regressor(layers=[Bidirectional(GRU(8))], **SERIES), {}),
    (regressor(early_stopping=True, scoring="neg_mean_absolute_error"), HOLD_OUT),
    (regressor(loss="gaussian"), {}),
    (regressor(loss="absolute_error", learning_rate="cosine"), {}),
    (
        regressor(loss="huber", learning_rate=Cosine(warmup=5, final=0.1), solver="adamw"),
        {},
    ),
    (regressor(loss="gamma"), POSITIVE),
    (regressor(loss="quantile", learning_rate="one_cycle"), {}),
    (regressor(solver=LBFGS(maxcor=5)), {}),
    (autoencoder(solver="lbfgs", loss="huber"), {}),
    (autoencoder(variational=True), NOISE),
    (autoencoder(1, tied_weights=True), {}),
    (autoencoder(dropout=0.1), DROPOUT),
    (autoencoder(batch_size=8, max_iter=30), BATCHES),
    (autoencoder(noise=0.1, sparsity=0.01), NOISE),
    (autoencoder(noise=0.1, noise_type="masking", sparsity=0.01, sparsity_type="kl"), NOISE),
    (autoencoder(sizes=(), contraction=0.01, activation="tanh"), {}),
]
# Checks of which forms of X, y and weights are read and which are refused, and of what happens
# before: the same code for all networks.
READING = {
    "check_all_zero_sample_weights_error",
    "check_array_api_input",
    "check_classifier_data_not_an_array",
    "check_classifiers_multilabel_representation_invariance",
    "check_classifiers_classes",
    "check_complex_data",
    "check_dict_unchanged",
    "check_dont_overwrite_parameters",
    "check_dtype_object",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_estimator_sparse_tag",
    "check_estimators_dtypes",
    "check_estimators_empty_data_messages",
    "check_estimators_fit_returns_self",
    "check_estimators_nan_inf",
    "check_estimators_overwrite_params",
    "check_estimators_unfitted",
    "check_f_contiguous_array_estimator",
    "check_fit1d",
    "check_fit2d_predict1d",
    "check_fit_check_is_fitted",
    "check_fit_score_takes_y",
    "check_n_features_in",
    "check_n_features_in_after_fitting",
    "check_pipeline_consistency",
    "check_positive_only_tag_during_fit",
    "check_readonly_memmap_input",
    "check_regressor_data_not_an_array",
    "check_sample_weight_equivalence_on_sparse_data",
    "check_sample_weights_list",
    "check_sample_weights_not_an_array",
    "check_sample_weights_not_overwritten",
    "check_sample_weights_pandas_series",
    "check_sample_weights_shape",
    "check_supervised_y_2d",
    "check_transformer_data_not_an_array",
}


def expected_failures(estimator):
    instances = [*CONFIGURED, *TRAINED]
    return next(expected for instance, expected in instances if instance is estimator)


CHECKS = parametrize_with_checks(
    [instance for instance, _ in [*CONFIGURED, *TRAINED]],
    expected_failed_checks=expected_failures,
)


def is_worth_running(case):
    instance, check = getattr(case, "values", case)
    is_alike = any(instance is other for other, _ in TRAINED)
    # Memory that cannot be written to is read as any other; checks in float32 use it as well.
    is_read_only = check.keywords.get("readonly_memmap") and "X_dtype" not in check.keywords
    return not (is_alike and (is_read_only or check.func.__name__ in READING))


# Before 1.8 the decorator holds a generator, which pytest warns of.
CASES = [case for case in CHECKS.args[1] if is_worth_running(case)]


@pytest.mark.parametrize(CHECKS.args[0], CASES, **CHECKS.kwargs)
def test_configured_instances_pass(estimator, check, request):
    try:
        check(estimator)
    except Exception as error:
        if request.node.get_closest_marker("xfail"):  # whose traceback pytest renders for nobody
            error = error.with_traceback(None)
            error.__cause__ = error.__context__ = None
        raise error


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.9"),
    reason="older scikit-learn lacks some of them",
)
def test_every_check_that_is_left_out_is_one_of_scikit_learns():
    names = {getattr(case, "values", case)[1].func.__name__ for case in CASES}
    assert names >= READING


@pytest.mark.parametrize("name", ["variational", "handle_missing", "solver", "early_stopping"])
def test_tags_and_attributes_are_there_whatever_the_parameters(name):
    estimator = AutoencoderTransformer(**{name: np.ones(2)})
    assert get_tags(estimator).transformer_tags is not None
    assert not hasattr(estimator, "best_loss_")
