"""The outputs of a layer as a transformer."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError

from sknet import (
    AutoencoderTransformer,
    FeatureExtractor,
    NeuralClassifier,
    NeuralLanguageModel,
    NeuralRegressor,
    TabularClassifier,
)
from sknet.layers import GRU, Conv2D, Dense, Embedding, Flatten, Residual

X, Y = load_iris(return_X_y=True)
X, Y = X[::3], Y[::3]
BRIEF = {"max_iter": 5, "tol": 0, "random_state": 0, "n_iter_no_change": np.inf}


def network(**params):
    return NeuralClassifier((6, 3), **{**BRIEF, **params})


FITTED = network().fit(X, Y)


def by_hand(model, X, n_layers):
    """Compute the outputs of plain relu layers with NumPy."""
    weights = model.get_weights()
    for i in range(n_layers):
        X = np.maximum(X @ weights[f"hidden_{i}.kernel"] + weights[f"hidden_{i}.bias"], 0)
    return X


@pytest.mark.parametrize(
    ("layer", "n_layers"), [(None, 2), ("hidden_1", 2), (-2, 2), (1, 2), ("hidden_0", 1), (-3, 1)]
)
def test_features_are_the_outputs_of_the_layer(layer, n_layers):
    extractor = FeatureExtractor(network(), layer)
    features = extractor.fit_transform(X, Y)
    assert_allclose(features, by_hand(FITTED, X, n_layers), rtol=1e-12)
    assert_array_equal(extractor.transform(X), features)
    assert list(extractor.get_feature_names_out()) == [
        f"hidden_{n_layers - 1}_{i}" for i in range(features.shape[1])
    ]


def test_the_output_layer_gives_the_scores_and_the_encoder_the_code():
    assert_allclose(
        FeatureExtractor(network(), "output").fit_transform(X, Y), FITTED.decision_function(X)
    )
    coder = AutoencoderTransformer(2, (4,), noise=0.1, **BRIEF)
    assert_allclose(FeatureExtractor(coder).fit_transform(X), coder.fit(X).transform(X))


def test_a_frozen_estimator_stays_as_it_is():
    before = FITTED.network_.params.copy()
    extractor = FeatureExtractor(FrozenEstimator(FITTED)).fit(X[:5], Y[:5])
    assert_array_equal(FITTED.network_.params, before)
    for each in (extractor, clone(extractor).fit(X), pickle.loads(pickle.dumps(extractor))):
        assert_array_equal(each.transform(X), FITTED.network_.activations(X, "hidden_1"))


def test_the_estimator_is_cloned_and_its_parameters_are_reached():
    model = network()
    extractor = FeatureExtractor(model).set_params(estimator__hidden_layer_sizes=(5,))
    assert extractor.fit(X, Y).transform(X).shape == (len(X), 5)
    assert not hasattr(model, "network_")


def test_steps_of_a_pipeline_come_first():
    inner = make_pipeline(StandardScaler(), network())
    extractor = FeatureExtractor(inner).fit(X, Y)
    fitted = clone(inner).fit(X, Y)
    expected = by_hand(fitted[-1], fitted[0].transform(X), 2)
    assert_allclose(extractor.transform(X), expected, rtol=1e-12)
    frozen = FeatureExtractor(FrozenEstimator(fitted)).fit(X, Y)
    assert_allclose(frozen.transform(X), expected, rtol=1e-12)
    alone = FeatureExtractor(Pipeline([("only", network())])).fit(X, Y)
    assert_allclose(alone.transform(X), by_hand(FITTED, X, 2), rtol=1e-12)


def test_the_layer_is_searched_for_in_a_pipeline():
    chain = make_pipeline(
        StandardScaler(), FeatureExtractor(network()), LogisticRegression(max_iter=500)
    )
    grid = {
        "featureextractor__layer": ["hidden_0", "hidden_1"],
        "featureextractor__estimator__learning_rate_init": [1e-3, 1e-1],
    }
    search = GridSearchCV(chain, grid, cv=2).fit(X, Y)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert search.score(X, Y) > 0.9
    search = GridSearchCV(network(), {"alpha": [0.0, 0.1]}, cv=2)
    found = FeatureExtractor(search).fit(X, Y)
    assert_allclose(found.transform(X), by_hand(found.estimator_.best_estimator_, X, 2))


def test_frames_go_in_and_come_out():
    frame = pd.DataFrame(X, columns=list("abcd"))
    extractor = FeatureExtractor(network()).set_output(transform="pandas").fit(frame, Y)
    assert list(extractor.feature_names_in_) == list("abcd") and extractor.n_features_in_ == 4
    found = extractor.transform(frame)
    assert list(found.columns) == ["hidden_1_0", "hidden_1_1", "hidden_1_2"]
    assert list(found.index) == list(frame.index)
    with pytest.raises(ValueError, match="feature names should match"):
        extractor.transform(frame[list("bacd")])


def test_outputs_of_several_axes_are_flattened_and_named_by_their_places():
    layers = [("conv", Conv2D(2, 2)), ("block", Residual([Flatten(), Dense(2)][1:])), Flatten(), 3]
    model = NeuralRegressor(layers=layers, input_shape=(2, 2, 1), **BRIEF)
    images = X.reshape(-1, 2, 2, 1)
    extractor = FeatureExtractor(model, "conv").fit(images, Y)
    assert list(extractor.get_feature_names_out()) == ["conv_0_0_0", "conv_0_0_1"]
    assert_array_equal(extractor.transform(images), extractor.transform(X))
    wide = NeuralRegressor(layers=[Dense(2), Flatten()], input_shape=(2, 2), **BRIEF)
    extractor = FeatureExtractor(wide, 0).fit(X, Y)
    names = ["dense_0_0_0", "dense_0_0_1", "dense_0_1_0", "dense_0_1_1"]
    assert list(extractor.get_feature_names_out()) == names
    kernel, bias = (extractor.estimator_.get_weights()[f"0.{w}"] for w in ("kernel", "bias"))
    expected = X.reshape(-1, 2, 2) @ kernel + bias
    assert_allclose(extractor.transform(X), expected.reshape(len(X), 4))
    inside = FeatureExtractor(model, "block__0").fit(X, Y)
    assert list(inside.get_feature_names_out()) == ["block__dense_0_0_0_0", "block__dense_0_0_0_1"]


def test_sparse_rows_give_what_dense_rows_give():
    extractor = FeatureExtractor(network()).fit(csr_array(X), Y)
    assert_allclose(extractor.transform(csr_array(X)), extractor.transform(X), rtol=1e-12)


def test_sequences_of_any_length_where_a_layer_joins_their_steps():
    rng = np.random.default_rng(0)
    ragged = [rng.normal(size=(n, 2)) for n in (3, 5, 2, 4)]
    model = NeuralClassifier(layers=[GRU(4, return_sequences=True), GRU(3)], **BRIEF)
    extractor = FeatureExtractor(model).fit(ragged, [0, 1, 0, 1])
    found = extractor.transform(ragged)
    assert_allclose(found[2:3], extractor.transform(ragged[2:3]), rtol=1e-12)
    assert list(extractor.get_feature_names_out()) == ["gru_1_0", "gru_1_1", "gru_1_2"]
    with pytest.raises(ValueError, match=r"layer '0' has outputs of shape \(None, 4\), for seq"):
        FeatureExtractor(model, 0).fit(ragged, [0, 1, 0, 1])


def test_arguments_of_fit_are_passed_on():
    weight = np.arange(len(X)) % 2
    extractor = FeatureExtractor(network()).fit(X, Y, sample_weight=weight)
    expected = network().fit(X, Y, sample_weight=weight)
    assert_array_equal(extractor.transform(X), expected.network_.activations(X, -2))
    with sklearn.config_context(enable_metadata_routing=True):
        routed = FeatureExtractor(network().set_fit_request(sample_weight=True))
        routed.fit(X, Y, sample_weight=weight)
    assert_array_equal(routed.transform(X), extractor.transform(X))


def test_features_vary_only_without_a_seed():
    def varies(estimator):
        return sklearn.utils.get_tags(FeatureExtractor(estimator)).non_deterministic

    assert varies(NeuralClassifier()) and not varies(network())
    assert varies(make_pipeline(NeuralClassifier()))
    assert not varies(FrozenEstimator(NeuralClassifier((2,), max_iter=1, tol=0).fit(X, Y)))


def test_single_precision_stays():
    found = FeatureExtractor(network()).fit_transform(X.astype(np.float32), Y)
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("extractor", "error", "message"),
    [
        (
            FeatureExtractor(network(), "hiden_0"),
            ValueError,
            r"no layer 'hiden_0'.* 'hidden_0', '",
        ),
        (
            FeatureExtractor(network(), 3),
            ValueError,
            r"no layer 3: there is no 3 among 'hidden_0'",
        ),
        (
            FeatureExtractor(network(), 1.5),
            InvalidParameterError,
            r"'layer' parameter .* Got 1\.5",
        ),
        (FeatureExtractor(None), InvalidParameterError, r"'estimator' parameter .* Got None"),
        (
            FeatureExtractor(LogisticRegression()),
            ValueError,
            r"expects an estimator with one network, such as NeuralClassifier, got LogisticR",
        ),
        (
            FeatureExtractor(TabularClassifier(hidden_layer_sizes=(4,), cv=2, max_iter=2)),
            ValueError,
            r"expects an estimator with one network.*got TabularClassifier",
        ),
        (
            FeatureExtractor(NeuralClassifier(hidden_layer_sizes=(), **BRIEF)),
            ValueError,
            r"a layer before its output layer, got none\. Add hidden layers",
        ),
        (
            FeatureExtractor(FrozenEstimator(network())),
            NotFittedError,
            r"not fitted yet",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_has_no_such_layer_is_refused(extractor, error, message):
    with pytest.raises(error, match=message):
        extractor.fit(X, Y)
    assert not hasattr(extractor, "estimator_")


def test_a_language_model_has_no_features_of_one_length():
    model = NeuralLanguageModel(layers=[Embedding(3), GRU(3, return_sequences=True)], **BRIEF)
    with pytest.raises(ValueError, match=r"shape \(None, 3\), for sequences of any length"):
        FeatureExtractor(model).fit(["abba", "baab"])


def test_transform_takes_a_fitted_one_and_other_columns_are_refused():
    with pytest.raises(NotFittedError, match="FeatureExtractor instance is not fitted yet"):
        FeatureExtractor(network()).transform(X)
    with pytest.raises(ValueError, match=r"X has 3 features, but NeuralClassifier is expecting 4"):
        FeatureExtractor(FrozenEstimator(FITTED)).fit(X).transform(X[:, :3])


def test_outputs_that_overflow_are_told():
    model = NeuralClassifier(layers=[Dense(2)], dtype="float32", **BRIEF).fit(X, Y)
    extractor = FeatureExtractor(FrozenEstimator(model)).fit(X)
    with pytest.warns(RuntimeWarning, match="outputs of 1 of 50 rows are inf or NaN"):
        extractor.transform(np.where(np.arange(50)[:, None] == 3, 3e38, X))
