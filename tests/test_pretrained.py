"""An encoder that has been trained before as a layer."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

from sknet import AutoencoderTransformer, NeuralClassifier
from sknet.layers import Conv2D, Dense, Pretrained, Sequential
from sknet.testing import check_layer

PARAMS = {"max_iter": 5, "tol": 0, "random_state": 0}


@pytest.fixture(scope="module")
def data():
    X, y = load_digits(return_X_y=True)
    return X[:300] / 16, y[:300]


@pytest.fixture(scope="module")
def autoencoder(data):
    return AutoencoderTransformer(6, (12,), **PARAMS).fit(data[0])


def classifier(autoencoder, trainable=True, **params):
    layers = [
        ("start", Pretrained(autoencoder, trainable=trainable)),
        Dense(16, activation="relu"),
    ]
    return NeuralClassifier(layers=layers, **{**PARAMS, **params})


def untrained(autoencoder, data, **params):
    """Fit with a rate of next to nothing."""
    return classifier(autoencoder, learning_rate_init=1e-300, **params).fit(*data)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"normalization": "batch"},
        {"hidden_layer_sizes": ()},
        {"noise": 0.2},
        {"noise": 0.2, "noise_type": "masking"},
        {"sparsity": 0.1, "sparsity_type": "kl"},
        {"hidden_layer_sizes": (), "contraction": 0.1, "activation": "tanh"},
        {"variational": True},
        {"encoder": [Sequential([10, Dense(8)])]},
        {"handle_missing": "ignore"},
    ],
    ids=str,
)
def test_the_layer_starts_as_what_transform_gives(data, params):
    X = data[0]
    autoencoder = AutoencoderTransformer(**{"n_components": 6, **PARAMS, **params}).fit(X)
    network = untrained(autoencoder, data, alpha=0, trainable=False).network_
    assert_array_equal(network.activations(X, "start"), autoencoder.transform(X))
    assert not any(part.adds_loss or part.is_stochastic for part in network.layer.walk())


def test_a_convolutional_encoder_is_taken(data):
    X = data[0]
    autoencoder = AutoencoderTransformer(
        4, encoder=[Conv2D(3, 3, activation="relu")], input_shape=(8, 8, 1), **PARAMS
    ).fit(X)
    network = untrained(autoencoder, data, alpha=0, trainable=False, input_shape=(8, 8, 1))
    assert_array_equal(network.network_.activations(X, "start"), autoencoder.transform(X))


def test_training_changes_the_copy_and_not_the_autoencoder(data, autoencoder):
    before = autoencoder.network_.params.copy()
    fitted = classifier(autoencoder).fit(*data)
    assert not np.allclose(
        fitted.network_.activations(data[0], "start"), autoencoder.transform(data[0])
    )
    assert_array_equal(autoencoder.network_.params, before)


def test_frozen_weights_stay_and_the_others_are_trained(data, autoencoder):
    fitted = classifier(autoencoder, trainable=False).fit(*data)
    codes = fitted.network_.activations(data[0], "start")
    assert_array_equal(codes, autoencoder.transform(data[0]))
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0]


def test_a_clone_fits_the_same(data, autoencoder):
    network = classifier(autoencoder)
    expected = network.fit(*data).predict_proba(data[0])
    assert_array_equal(clone(network).fit(*data).predict_proba(data[0]), expected)
    frozen = classifier(FrozenEstimator(autoencoder)).fit(*data)
    assert_array_equal(frozen.predict_proba(data[0]), expected)


def test_a_search_tells_frozen_from_free(data, autoencoder):
    grid = {"layers__start__trainable": [False, True], "layers__1__units": [8, 16]}
    search = GridSearchCV(classifier(autoencoder), grid, cv=2).fit(*data)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert search.best_estimator_.predict(data[0]).shape == (300,)


def test_a_fitted_classifier_is_pickled_with_its_weights(data, autoencoder):
    fitted = classifier(autoencoder).fit(*data)
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(loaded.predict_proba(data[0]), fitted.predict_proba(data[0]))
    loaded = pickle.loads(pickle.dumps(classifier(autoencoder))).fit(*data)
    assert_array_equal(loaded.predict_proba(data[0]), fitted.predict_proba(data[0]))


def test_training_goes_on_where_it_ended(data, autoencoder):
    whole = classifier(autoencoder, max_iter=6).fit(*data)
    halves = classifier(autoencoder, max_iter=3, warm_start=True).fit(*data).fit(*data)
    assert_array_equal(whole.predict_proba(data[0]), halves.predict_proba(data[0]))


def test_single_precision_is_that_of_the_classifier(data, autoencoder):
    X = data[0].astype(np.float32)
    network = untrained(autoencoder, (X, data[1]), trainable=False, alpha=0).network_
    codes = network.activations(X, "start")
    assert codes.dtype == np.float32
    assert_allclose(codes, autoencoder.transform(data[0]), rtol=1e-4, atol=1e-5)


def test_sparse_rows_give_what_dense_rows_give(data, autoencoder):
    X, y = data
    dense, sparse = classifier(autoencoder).fit(X, y), classifier(autoencoder)
    assert_allclose(
        sparse.fit(csr_array(X), y).predict_proba(csr_array(X)), dense.predict_proba(X), rtol=1e-6
    )


def test_gradients_agree_with_central_differences(autoencoder):
    check_layer(Pretrained(autoencoder), (64,))


def test_parameters_of_the_fitted_estimator_are_out_of_reach(autoencoder):
    network = classifier(autoencoder)
    assert "layers__start__estimator__n_components" not in network.get_params()
    with pytest.raises(ValueError, match="'estimator__n_components' of Pretrained: its estimator"):
        network.set_params(layers__start__estimator__n_components=3)


def test_what_is_not_fitted_is_refused(data):
    with pytest.raises(ValueError, match=r"'layers__start' \(Pretrained\) expects a fitted Auto"):
        classifier(AutoencoderTransformer(3)).fit(*data)
    with pytest.raises(ValueError, match=r"expects a fitted AutoencoderTransformer, got None"):
        classifier(None).fit(*data)


def test_inputs_of_another_shape_are_refused(data, autoencoder):
    with pytest.raises(ValueError, match=r"expects inputs of shape \(64,\), .* got \(60,\)"):
        classifier(autoencoder).fit(data[0][:, :60], data[1])
