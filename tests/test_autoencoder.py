"""The autoencoder as a transformer."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from sknet import AutoencoderTransformer


@pytest.fixture(scope="module")
def X():
    return scale(load_iris().data)


def small(**params):
    defaults = {"hidden_layer_sizes": (8,), "max_iter": 20, "tol": 0, "random_state": 0}
    return AutoencoderTransformer(**{**defaults, **params})


def test_a_linear_autoencoder_reaches_the_error_of_pca(X):
    network = AutoencoderTransformer(
        2, (), alpha=0, solver="lbfgs", max_iter=500, tol=1e-6, random_state=0
    ).fit(X)
    pca = PCA(2).fit(X)
    error = np.mean((pca.inverse_transform(pca.transform(X)) - X) ** 2)
    assert -network.score(X) == pytest.approx(error, rel=1e-4)


def test_a_curve_is_coded_better_than_by_a_line():
    t = np.linspace(-1, 1, 100)
    X = np.column_stack([t, t**2, t**3])
    network = AutoencoderTransformer(
        1, (16,), activation="tanh", solver="lbfgs", max_iter=500, tol=1e-5, random_state=0
    ).fit(X)
    pca = PCA(1).fit(X)
    linear_error = np.mean((pca.inverse_transform(pca.transform(X)) - X) ** 2)
    assert -network.score(X) < linear_error / 10


@pytest.mark.parametrize(
    "params",
    [{}, {"dropout": 0.2}, {"normalization": "batch"}, {"early_stopping": True, "averaging": 0.9}],
)
def test_fit_transform_equals_fit_then_transform(X, params):
    assert_array_equal(small(**params).fit_transform(X), small(**params).fit(X).transform(X))


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_reconstruct_is_decoding_the_code_and_score_is_minus_its_squared_error(X, loss):
    network = small(loss=loss).fit(X)
    reconstruction = network.reconstruct(X)
    assert_allclose(network.inverse_transform(network.transform(X)), reconstruction, rtol=1e-12)
    assert network.score(X) == pytest.approx(-np.mean((reconstruction - X) ** 2))
    weight = np.arange(150)
    weighted = -np.average(np.mean((reconstruction - X) ** 2, axis=1), weights=weight)
    assert network.score(X, sample_weight=weight) == pytest.approx(weighted)


def test_decoder_mirrors_the_encoder(X):
    network = small(hidden_layer_sizes=(9, 5), n_components=3, max_iter=1).fit(X)
    shapes = [kernel.shape for kernel in network.coefs_]
    assert shapes == [(4, 9), (9, 5), (5, 3), (3, 5), (5, 9), (9, 4)]
    assert network.transform(X).shape == (150, 3)


def test_the_output_has_feature_names_and_follows_set_output(X):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    network = small(n_components=3).fit(X)
    names = [f"autoencodertransformer{i}" for i in range(3)]
    assert network.get_feature_names_out().tolist() == names
    frame = network.set_output(transform="pandas").transform(X)
    assert isinstance(frame, pandas.DataFrame)
    assert frame.columns.tolist() == names
    frame = network.set_output(transform="polars").transform(X)
    assert isinstance(frame, polars.DataFrame)
    assert frame.columns == names


def test_names_are_of_the_fitted_code_whatever_the_parameter_says(X):
    network = small(n_components=3).fit(X).set_params(n_components=1)
    assert len(network.get_feature_names_out()) == 3
    assert network.inverse_transform(network.transform(X)).shape == X.shape


def test_inverse_transform_refuses_codes_of_another_size(X):
    with pytest.raises(ValueError, match="expects codes of 2 components"):
        small().fit(X).inverse_transform(X)


def test_partial_fit_goes_on_where_the_last_call_ended(X):
    whole = small(max_iter=6, shuffle=False).fit(X)
    parts = small(shuffle=False)
    for _ in range(6):
        parts.partial_fit(X)
    assert_array_equal(whole.transform(X), parts.transform(X))


def test_sparse_rows_give_what_dense_rows_give(X):
    X = np.where(np.abs(X) < 0.5, 0, X)
    dense, sparse = small().fit(X), small().fit(csr_array(X))
    assert_allclose(sparse.transform(csr_array(X)), dense.transform(X), rtol=1e-7, atol=1e-9)
    assert sparse.score(csr_array(X)) == pytest.approx(dense.score(X))
    assert_allclose(sparse.loss_curve_, dense.loss_curve_, rtol=1e-9)


def test_weights_and_validation_rows_are_taken(X):
    weight = np.tile([0, 1, 2], 50)
    repeated = small(max_iter=10).fit(np.repeat(X, weight, axis=0))
    weighted = small(max_iter=10).fit(X, sample_weight=weight)
    assert_allclose(weighted.transform(X), repeated.transform(X), rtol=1e-7, atol=1e-9)
    validated = small(early_stopping=True).fit(X[:100], X_val=X[100:])
    scores = validated.validation_scores_
    assert validated.best_iter_ == int(np.argmax(scores)) + 1
    expected = -np.mean(np.sum((validated.reconstruct(X[100:]) - X[100:]) ** 2, axis=1)) / 2
    assert validated.best_validation_score_ == pytest.approx(expected)


def test_the_dtype_is_kept_and_integers_become_float64(X):
    assert small().fit_transform(X.astype(np.float32)).dtype == np.float32
    assert small().fit_transform(X.astype(int)).dtype == np.float64
    assert small(dtype="float32").fit_transform(X).dtype == np.float32


def test_a_code_feeds_the_next_step_of_a_pipeline(X):
    pytest.importorskip("pandas")
    pipeline = make_pipeline(StandardScaler(), small()).set_output(transform="pandas")
    assert pipeline.fit_transform(X).shape == (150, 2)


def test_a_callable_may_score_the_reconstruction(X):
    def worst(network, X, y=None):
        return -np.abs(network.reconstruct(X) - X).max()

    network = small(early_stopping=True, scoring=worst).fit(X[:100], X_val=X[100:])
    assert network.best_validation_score_ == pytest.approx(worst(network, X[100:]))
