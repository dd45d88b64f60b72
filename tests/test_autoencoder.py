"""The autoencoder as a transformer."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from scipy.special import xlogy
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, minmax_scale, scale

from sknet import AutoencoderTransformer
from sknet.layers import Conv2D, Conv2DTranspose, Dense, Reshape
from sknet.losses import Gaussian, LogLoss, SquaredError


@pytest.fixture(scope="module")
def X():
    return scale(load_iris().data)


def small(**params):
    defaults = {"max_iter": 20, "tol": 0, "random_state": 0}
    if None in (params.get("encoder"), params.get("decoder")):
        defaults["hidden_layer_sizes"] = (8,)
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


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:200] / 16


ENCODER = [("conv", Conv2D(3, 3, strides=2, padding="same", activation="gelu"))]
DECODER = [
    Dense(32, activation="relu"),
    Reshape((4, 4, 2)),
    Conv2DTranspose(2, 3, strides=2, padding="same", activation="gelu"),
    Conv2DTranspose(1, 3, padding="same"),
]


def convolutional(**params):
    return small(encoder=ENCODER, decoder=DECODER, input_shape=(8, 8, 1), **params)


#: For comparisons with optima.
THOROUGH = {"learning_rate": "cosine", "learning_rate_init": 0.03, "batch_size": 150}


def untrained(X, **params):
    """Take one step of next to nothing: the loss is that of the weights at hand."""
    return small(max_iter=1, alpha=0, learning_rate_init=1e-300, batch_size=len(X), **params).fit(
        X
    )


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


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_rows_that_are_decoded_or_filled_follow_set_output(X, library):
    pandas, frames = pytest.importorskip("pandas"), pytest.importorskip(library)
    table = pandas.DataFrame(X, columns=list("abcd"), index=range(5, 5 + len(X)))
    network = small(handle_missing="ignore").fit(table)
    holes = table.mask(np.eye(len(table), 4, dtype=bool))
    filled, decoded = network.impute(holes), network.inverse_transform(network.transform(table))
    network.set_output(transform=library)
    for found, expected in (
        (network.impute(holes), filled),
        (network.inverse_transform(network.transform(table)), decoded),
    ):
        assert isinstance(found, frames.DataFrame)
        assert list(found.columns) == list("abcd")
        np.testing.assert_array_equal(found, expected)
    if library == "pandas":
        assert network.impute(holes).index.equals(table.index)
    unnamed = small(handle_missing="ignore").set_output(transform=library).fit(X)
    assert list(unnamed.impute(X).columns) == ["x0", "x1", "x2", "x3"]


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


def test_convolutional_layers_encode_and_decode(digits):
    network = convolutional(n_components=5, max_iter=60, learning_rate_init=0.01)
    network.set_params(batch_size=20).fit(digits)
    assert network.transform(digits).shape == (200, 5)
    assert network.network_["output"].input_shape_ == (64,)
    assert len(network.coefs_) == 5  # no dense output layer
    images = digits.reshape(-1, 8, 8, 1)
    reconstruction = network.reconstruct(digits)
    assert_array_equal(network.reconstruct(images), reconstruction.reshape(images.shape))
    listed = network.reconstruct(list(images[:2]))
    assert [image.shape for image in listed] == [(8, 8, 1)] * 2
    assert_allclose(np.reshape(listed, (2, 64)), reconstruction[:2], rtol=1e-12, atol=1e-14)
    assert_allclose(
        network.inverse_transform(network.transform(digits)), reconstruction, rtol=1e-12
    )
    assert -network.score(digits) < 0.6 * np.var(digits, axis=0).mean()


def test_the_shape_of_samples_is_seen_where_layers_are_given(digits):
    images = digits.reshape(-1, 8, 8, 1)
    seen = small(encoder=ENCODER, max_iter=2).fit(images)
    told = small(encoder=ENCODER, max_iter=2, input_shape=(8, 8, 1)).fit(digits)
    assert_array_equal(seen.transform(images), told.transform(digits))


def test_written_layers_give_what_plain_ones_give(X):
    plain = small(hidden_layer_sizes=(9, 5)).fit(X)
    written = small(
        encoder=[9, Dense(5, activation="relu")], decoder=[5, ("last", Dense(9, "relu"))]
    ).fit(X)
    assert_array_equal(written.transform(X), plain.transform(X))
    assert_array_equal(written.reconstruct(X), plain.reconstruct(X))


def test_the_part_that_is_not_written_has_the_hidden_layer_sizes(X):
    shapes = [k.shape for k in small(hidden_layer_sizes=(6, 5), encoder=[7]).fit(X).coefs_]
    assert shapes == [(4, 7), (7, 2), (2, 5), (5, 6), (6, 4)]
    shapes = [k.shape for k in small(hidden_layer_sizes=(6, 5), decoder=[7]).fit(X).coefs_]
    assert shapes == [(4, 6), (6, 5), (5, 2), (2, 7), (7, 4)]
    assert [k.shape for k in small(encoder=[], decoder=[]).fit(X).coefs_] == [(4, 2), (2, 4)]


def test_a_linear_dense_layer_of_all_features_is_the_output_and_a_hidden_one_is_not(X):
    def n_kernels(decoder):
        return len(small(encoder=[], decoder=decoder, max_iter=1).fit(X).coefs_)

    assert n_kernels([Dense(4)]) == 2
    assert n_kernels([Dense(4, activation="relu")]) == n_kernels([4]) == n_kernels([Dense(3)]) == 3


def test_a_decoder_that_ends_with_another_shape_is_followed_by_a_dense_layer(digits):
    network = convolutional(max_iter=1).set_params(decoder=DECODER[:3]).fit(digits)
    assert network.coefs_[-1].shape == (8 * 8 * 2, 64)


def test_written_layers_are_searched_cloned_pickled_and_resumed(digits):
    grid = {"encoder__conv__filters": [2, 4], "decoder__0__units": [32]}
    search = GridSearchCV(convolutional(max_iter=2), grid, cv=2).fit(digits)
    assert search.best_params_["encoder__conv__filters"] in (2, 4)
    assert ENCODER[0][1].filters == 3
    network = convolutional(max_iter=6).fit(digits)
    expected = network.transform(digits)
    assert_array_equal(pickle.loads(pickle.dumps(network)).transform(digits), expected)
    assert_array_equal(clone(network).fit_transform(digits), expected)
    halves = convolutional(max_iter=3, warm_start=True).fit(digits).fit(digits)
    assert_array_equal(halves.transform(digits), expected)
    with pytest.raises(ValueError, match="cannot resume training with other layers"):
        halves.set_params(encoder__conv__filters=5).fit(digits)
    steps = convolutional(shuffle=False)
    for _ in range(3):
        steps.partial_fit(digits)
    whole = convolutional(max_iter=3, shuffle=False).fit(digits)
    assert_array_equal(steps.transform(digits), whole.transform(digits))


def test_layers_are_refused_by_where_they_stand(digits):
    with pytest.raises(ValueError, match=r"'decoder__1' \(Reshape\)"):
        small(decoder=[8, Reshape((5, 5))]).fit(digits)
    with pytest.raises(ValueError, match=r"'encoder__conv' \(Conv2D\) expects"):
        small(encoder=ENCODER).fit(digits)
    with pytest.raises(ValueError, match=r"and decoder=\.\.\., put Dropout"):
        convolutional(dropout=0.1).fit(digits)


@pytest.mark.parametrize("noise_type, noise", [("gaussian", 0.5), ("masking", 0.5)])
def test_noise_is_on_the_inputs_of_the_training_alone(X, noise_type, noise):
    # Regression with noise on the inputs shrinks: ridge of N sigma^2 for normal noise.
    X = X - X.mean(axis=0)
    params = {"noise": noise, "noise_type": noise_type, "max_iter": 100}
    network = small(n_components=4, hidden_layer_sizes=(), alpha=0, **params, **THOROUGH).fit(
        np.repeat(X, 20, axis=0)
    )
    second = X.T @ X / len(X)
    if noise_type == "gaussian":
        inputs, product = second + noise**2 * np.eye(4), second
    else:
        inputs = (1 - noise) ** 2 * second + noise * (1 - noise) * np.diag(np.diag(second))
        product = (1 - noise) * second
    expected = X @ np.linalg.solve(inputs, product)
    assert_allclose(network.reconstruct(X), expected, atol=0.05)
    assert_array_equal(network.transform(X), network.transform(X))


def test_masking_all_cells_is_refused(X):
    with pytest.raises(ValueError, match="expects noise below 1"):
        small(noise=1.0, noise_type="masking").fit(X)


def test_the_sparsity_penalty_is_added_to_the_loss(X):
    plain = untrained(X)
    code = plain.transform(X)
    penalised = untrained(X, sparsity=0.3)
    added = 0.3 * np.abs(code).sum(axis=1).mean()
    assert penalised.loss_ == pytest.approx(plain.loss_ + added)
    penalised = untrained(X, sparsity=0.3, sparsity_type="kl", sparsity_target=0.1)
    rho = penalised.transform(X).mean(axis=0)
    divergence = xlogy(0.1, 0.1 / rho) + xlogy(0.9, 0.9 / (1 - rho))
    error = np.sum((penalised.reconstruct(X) - X) ** 2, axis=1).mean() / 2
    assert penalised.loss_ == pytest.approx(error + 0.3 * divergence.sum())


def test_sparsity_makes_the_code_sparse(digits):
    def activity(**params):
        network = small(n_components=20, max_iter=60, learning_rate_init=0.01, **params)
        return np.abs(network.fit_transform(digits)).mean()

    assert activity(sparsity=0.3) < 0.5 * activity()
    assert activity(sparsity=1.0, sparsity_type="kl") == pytest.approx(0.05, abs=0.02)


def test_the_contractive_penalty_is_the_squared_jacobian_of_the_code(X):
    params = {"n_components": 3, "hidden_layer_sizes": (), "activation": "tanh"}
    network = untrained(X, contraction=0.7, **params)
    step, squares = 1e-5, 0.0
    for feature in np.eye(4) * step:
        slope = (network.transform(X + feature) - network.transform(X - feature)) / (2 * step)
        squares += np.sum(slope**2, axis=1).mean()
    error = np.sum((network.reconstruct(X) - X) ** 2, axis=1).mean() / 2
    assert network.loss_ == pytest.approx(error + 0.7 * squares, rel=1e-6)


@pytest.mark.parametrize("params", [{}, {"encoder": [3]}])
def test_contraction_of_several_layers_is_refused(X, params):
    with pytest.raises(ValueError, match="known for an encoder of one layer"):
        small(contraction=0.1, **params).fit(X)


def test_the_log_loss_is_that_of_probabilities(digits):
    network = small(loss="log_loss", max_iter=5).fit(digits)
    p = network.reconstruct(digits)
    assert p.min() > 0
    assert p.max() < 1
    entropy = -np.sum(xlogy(digits, p) + xlogy(1 - digits, 1 - p), axis=1)
    assert_allclose(network.score_samples(digits), -entropy, rtol=1e-9)
    by_object = small(loss=LogLoss(), max_iter=5).fit(digits)
    assert_array_equal(by_object.reconstruct(digits), p)
    sparse = small(loss="log_loss", max_iter=5).fit(csr_array(digits))
    assert_allclose(sparse.score_samples(csr_array(digits)), -entropy, rtol=1e-6)


def test_the_log_loss_refuses_what_is_no_probability(digits):
    message = r"expects X in \[0, 1\], got values from 0 to 2. Scale X"
    with pytest.raises(ValueError, match=message):
        small(loss="log_loss").fit(digits * 2)
    fitted = small(loss="log_loss", max_iter=1).fit(digits)
    with pytest.raises(ValueError, match=message):
        fitted.score_samples(digits * 2)
    with pytest.raises(ValueError, match=f"In the validation set: .*{message}"):
        small(loss="log_loss").fit(digits, X_val=digits * 2)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_rows_are_scored_by_minus_their_loss(X, loss):
    network = small(loss=loss, max_iter=3).fit(X)
    r = np.abs(network.reconstruct(X) - X)
    cells = {
        "squared_error": r**2 / 2,
        "absolute_error": r,
        "huber": np.where(r < 1, r**2 / 2, r - 0.5),
    }[loss]
    assert_allclose(network.score_samples(X), -cells.sum(axis=1), rtol=1e-9)


def test_rows_unlike_those_of_the_training_have_low_scores():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    network = small(n_components=8, hidden_layer_sizes=(64,), learning_rate_init=0.01)
    network.set_params(max_iter=40).fit(X[(y == 0)][:120])
    rest = np.concatenate([X[y == 0][120:], X[y == 4]])
    is_zero = np.arange(len(rest)) < np.sum(y == 0) - 120
    assert roc_auc_score(is_zero, network.score_samples(rest)) > 0.97


def test_a_variational_code_is_a_mean_and_its_training_draws(X):
    network = small(variational=True).fit(X)
    assert_array_equal(network.transform(X), network.transform(X))
    assert network.transform(X).shape == (150, 2)
    assert_array_equal(network.reconstruct(X), network.inverse_transform(network.transform(X)))


def linear_bound(network, X):
    """Return the evidence lower bounds of a linear variational autoencoder in closed form."""
    (kernel, weights), (bias, offset) = network.coefs_, network.intercepts_
    moments = X @ kernel + bias
    mean, log_variance = moments[:, :2], moments[:, 2:]
    # E |x - z W - c|^2 = |x - m W - c|^2 + sum_j var_j |W_j|^2 for z of mean m.
    errors = np.sum((X - mean @ weights - offset) ** 2, axis=1)
    errors += np.exp(log_variance) @ np.sum(weights**2, axis=1)
    divergence = 0.5 * np.sum(mean**2 + np.exp(log_variance) - log_variance - 1, axis=1)
    return -0.5 * errors - 0.5 * X.shape[1] * np.log(2 * np.pi) - divergence


def test_the_bound_is_that_of_the_closed_form_and_below_the_likelihood(X):
    params = {"hidden_layer_sizes": (), "variational": True, "alpha": 0, **THOROUGH}
    network = small(max_iter=100, **params).fit(np.repeat(X, 10, axis=0))
    bound = linear_bound(network, X)
    assert_allclose(network.score_samples(X, n_draws=20_000), bound, rtol=0.01)
    assert_allclose(network.score_samples(X), bound, atol=0.1)
    assert network.score_samples(X).mean() == pytest.approx(bound.mean(), abs=0.05)
    # A row is normal with the covariance W'W + 1: probabilistic PCA with a noise of 1.
    weights, offset = network.coefs_[1], network.intercepts_[1]
    covariance = weights.T @ weights + np.eye(4)
    centred = X - offset
    likelihood = -0.5 * np.einsum("ij,jk,ik->i", centred, np.linalg.inv(covariance), centred)
    likelihood -= 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]
    assert np.all(bound <= likelihood + 1e-9)
    # The posterior of a linear model is normal, so the optimal bound is tight on average.
    assert bound.mean() > likelihood.mean() - 0.05


def test_scores_of_rows_do_not_depend_on_the_others(digits):
    network = small(variational=True, loss="log_loss", max_iter=3).fit(digits)
    scores = network.score_samples(digits)
    assert_allclose(network.score_samples(digits[::-1])[::-1], scores, rtol=1e-12)
    assert_allclose(network.score_samples(digits[7:8]), scores[7:8], rtol=1e-12)


def test_samples_are_the_means_of_codes_from_the_standard_normal_distribution(X):
    network = small(hidden_layer_sizes=(), variational=True).fit(X)
    samples = network.sample(20_000, random_state=0)
    weights, offset = network.coefs_[1], network.intercepts_[1]
    assert samples.shape == (20_000, 4)
    assert_allclose(samples.mean(axis=0), offset, atol=0.03)
    assert_allclose(np.cov(samples.T), weights.T @ weights, atol=0.03)
    probabilities = small(variational=True, loss="log_loss").fit(minmax_scale(X)).sample(50)
    assert probabilities.min() > 0
    assert probabilities.max() < 1
    assert_array_equal(network.sample(4, random_state=1), network.sample(4, random_state=1))
    assert network.sample().shape == (1, 4)
    with pytest.raises(ValueError, match="n_samples must be an int of at least 1, got 0"):
        network.sample(0)
    with pytest.raises(ValueError, match="n_draws must be an int of at least 1, got 0"):
        network.score_samples(X, n_draws=0)


def test_beta_weighs_the_divergence(X):
    def divergence(beta):
        network = small(
            hidden_layer_sizes=(), variational=True, beta=beta, max_iter=300, **THOROUGH
        ).fit(X)
        moments = X @ network.coefs_[0] + network.intercepts_[0]
        mean, log_variance = moments[:, :2], moments[:, 2:]
        return np.mean(mean**2 + np.exp(log_variance) - log_variance - 1)

    assert divergence(0.1) > 3 * divergence(2.0)


def test_there_are_samples_of_variational_autoencoders_alone(X):
    assert not hasattr(small(), "sample")
    with pytest.raises(AttributeError, match="sample"):
        small().fit(X).sample()


@pytest.mark.parametrize(
    "params, message",
    [
        ({"sparsity": 0.1}, "whose factor is beta"),
        ({"contraction": 0.1, "hidden_layer_sizes": ()}, "whose factor is beta"),
        ({"loss": "huber"}, "needs the likelihood of a row"),
        ({"solver": "lbfgs"}, "needs a loss without noise"),
    ],
)
def test_what_does_not_go_with_a_variational_code_is_refused(X, params, message):
    with pytest.raises(ValueError, match=message):
        small(variational=True, **params).fit(X)


@pytest.fixture(scope="module")
def gappy(X):
    return np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "log_loss"])
def test_the_loss_counts_observed_cells_alone(gappy, loss):
    rows = minmax_scale(gappy)
    network = untrained(rows, handle_missing="ignore", loss=loss)
    known = ~np.isnan(rows)
    z = network.reconstruct(rows)
    r = np.abs(z - rows)
    cells = {
        "squared_error": r**2 / 2,
        "absolute_error": r,
        "huber": np.where(r < 1, r**2 / 2, r - 0.5),
        "log_loss": -xlogy(rows, z) - xlogy(1 - rows, 1 - z),
    }[loss]
    expected = np.where(known, cells, 0).sum(axis=1)
    assert network.loss_ == pytest.approx(expected.mean())
    assert_allclose(network.score_samples(rows), -expected, rtol=1e-9)
    assert network.score(rows) == pytest.approx(-np.nanmean(r**2))
    weight = np.arange(150)
    squares = np.where(known, r**2, 0)
    weighted = (weight @ squares).sum() / (weight @ known).sum()
    assert network.score(rows, sample_weight=weight) == pytest.approx(-weighted)


def test_without_gaps_the_option_changes_nothing(X):
    plain, option = small().fit(X), small(handle_missing="ignore").fit(X)
    assert_allclose(option.transform(X), plain.transform(X), rtol=1e-9)
    assert_allclose(option.loss_curve_, plain.loss_curve_, rtol=1e-12)
    assert_array_equal(option.impute(X), X)


def test_values_in_the_place_of_gaps_leave_no_trace(gappy):
    # Zero weights for what is not there: the same as rows of less columns where one has no value.
    rows = gappy.copy()
    rows[:, 3] = np.nan
    empty = "X has only NaN in column 3, of which nothing can be learned: impute"
    with pytest.warns(UserWarning, match=empty):
        network = small(handle_missing="ignore", alpha=0).fit(rows)
    with pytest.warns(UserWarning, match=empty):
        start = untrained(rows, handle_missing="ignore")
    assert_array_equal(network.coefs_[0][3], start.coefs_[0][3])
    assert network.intercepts_[-1][3] == 0


def test_rows_without_any_observed_cell_are_no_training_set(gappy):
    nothing = np.full((4, gappy.shape[1]), np.nan)
    network = small(handle_missing="ignore", max_iter=1).fit(gappy)
    with pytest.raises(ValueError, match="expects some observed cells in X, got NaN in all"):
        network.partial_fit(nothing)
    with pytest.raises(ValueError, match=r"score expects some observed cells in X"):
        network.score(nothing)
    assert network.n_iter_ == 1
    assert network.impute(nothing).shape == nothing.shape


def test_gaps_are_filled_from_what_is_observed():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((400, 1)) * [1.0, -1.0, 1.0, -1.0, 1.0]
    rows += 0.05 * rng.standard_normal(rows.shape)
    gaps = np.where(rng.random(rows.shape) < 0.2, np.nan, rows)
    network = small(
        n_components=1, hidden_layer_sizes=(30,), handle_missing="ignore", max_iter=200
    )
    filled = network.set_params(learning_rate_init=0.01, noise=0.2, noise_type="masking")
    filled = filled.fit(gaps).impute(gaps)
    missing = np.isnan(gaps)
    assert_array_equal(filled[~missing], rows[~missing])
    assert np.mean((filled - rows)[missing] ** 2) < 0.1 * np.mean(rows[missing] ** 2)
    assert_array_equal(filled[missing], network.reconstruct(gaps)[missing])


def test_gaps_may_come_with_weights_a_validation_set_and_partial_fit(gappy):
    weight = np.tile([0, 1, 2], 50)
    params = {"handle_missing": "ignore", "max_iter": 10}
    repeated = small(**params).fit(np.repeat(gappy, weight, axis=0))
    weighted = small(**params).fit(gappy, sample_weight=weight)
    assert_allclose(weighted.transform(gappy), repeated.transform(gappy), rtol=1e-7, atol=1e-9)
    validated = small(early_stopping=True, **params).fit(gappy[:100], X_val=gappy[100:])
    expected = validated.score_samples(gappy[100:]).mean()
    assert validated.best_validation_score_ == pytest.approx(expected)
    whole = small(shuffle=False, **params).fit(gappy)
    parts = small(shuffle=False, **params)
    for _ in range(10):
        parts.partial_fit(gappy)
    assert_array_equal(parts.transform(gappy), whole.transform(gappy))
    loaded = pickle.loads(pickle.dumps(whole))
    assert_array_equal(loaded.score_samples(gappy), whole.score_samples(gappy))


def test_gaps_are_refused_without_the_option(X, gappy):
    message = "contains NaN in columns? [0-3, ]*. .* handle_missing='ignore'; .*SimpleImputer"
    with pytest.raises(ValueError, match=message):
        small().fit(gappy)
    fitted = small(max_iter=1).fit(X)
    for method in (fitted.transform, fitted.reconstruct, fitted.score_samples, fitted.score):
        with pytest.raises(ValueError, match=message):
            method(gappy)
    sparse = csr_array(np.nan_to_num(X))
    sparse.data[3] = np.nan
    with pytest.raises(ValueError, match=message):
        small().fit(sparse)
    assert not hasattr(fitted, "impute")


def test_a_loss_of_several_outputs_a_feature_has_no_gaps(gappy):
    with pytest.raises(ValueError, match="Gaussian cannot leave out cells that are missing"):
        small(handle_missing="ignore", loss=Gaussian()).fit(gappy)
    expected = small(handle_missing="ignore").fit(gappy).transform(gappy)
    by_object = small(handle_missing="ignore", loss=SquaredError()).fit(gappy)
    assert_array_equal(by_object.transform(gappy), expected)


@pytest.mark.parametrize("params", [{}, {"normalization": "layer"}, {"noise": 0.1}])
def test_tied_weights_are_those_of_the_encoder_transposed(X, params):
    params = {"tied_weights": True, "hidden_layer_sizes": (9, 5), **params}
    network = small(**params).fit(X)
    kernels = network.coefs_
    assert [kernel.shape for kernel in kernels] == [(4, 9), (9, 5), (5, 2), (2, 5), (5, 9), (9, 4)]
    for encoding, decoding in zip(kernels[:3], kernels[:2:-1], strict=True):
        assert_array_equal(decoding, encoding.T)
    assert network.loss_curve_[-1] < network.loss_curve_[0]
    expected = network.inverse_transform(network.transform(X))
    assert_allclose(network.reconstruct(X), expected, rtol=1e-12)
    loaded = pickle.loads(pickle.dumps(network))
    assert_array_equal(loaded.reconstruct(X), network.reconstruct(X))
    halves = small(max_iter=10, warm_start=True, **params).fit(X).fit(X)
    assert_array_equal(halves.reconstruct(X), network.reconstruct(X))


def test_a_linear_autoencoder_with_tied_weights_finds_the_plane_of_pca(X):
    network = small(hidden_layer_sizes=(), tied_weights=True, alpha=0, solver="lbfgs")
    kernel = network.set_params(max_iter=500, tol=1e-8).fit(X).coefs_[0]
    axes = PCA(2).fit(X).components_.T
    assert_allclose(kernel @ kernel.T, axes @ axes.T, atol=1e-3)


@pytest.mark.parametrize("params", [{"encoder": [8]}, {"decoder": [8]}, {"variational": True}])
def test_weights_that_cannot_be_tied_are_refused(X, params):
    with pytest.raises(ValueError, match="tied_weights=True is for plain hidden layers"):
        small(tied_weights=True, **params).fit(X)
    with pytest.raises(ValueError, match="Gaussian needs 8 for 4 features"):
        small(tied_weights=True, loss=Gaussian()).fit(X)


def test_options_that_are_set_after_the_fit_wait_for_the_next_one():
    X = np.random.default_rng(0).random((40, 4))
    model = small(max_iter=2).fit(X)
    codes = model.transform(X)
    model.set_params(variational=True, handle_missing="ignore")
    np.testing.assert_array_equal(model.transform(X), codes)
    with pytest.raises(ValueError, match=r"sample needs a fit with variational=True.*fit again"):
        model.sample()
    with pytest.raises(ValueError, match="impute needs a fit with handle_missing='ignore'"):
        model.impute(X)
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        model.reconstruct(X)
    assert np.isfinite(model.fit(X).impute(X)).all() and model.sample().shape == (1, 4)


@pytest.mark.parametrize("params", [{"noise": 0.2}, {"handle_missing": "ignore"}])
def test_layers_without_names_go_with_every_option(params):
    X = np.random.default_rng(0).random((40, 4))
    model = small(encoder=[6, 5], decoder=[6], max_iter=2, **params).fit(X)
    assert model.set_params(encoder__0=7, max_iter=1).fit(X).transform(X).shape == (40, 2)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([["1", "2"]], "got strings in row 0, column 0"),
        ([[1, 2], [3]], "lists of one length and depth; item 1 differs"),
        ([[1, 10**400]], "above 1.8e308 in row 0, column 1"),
        ([[1, np.nan]], "Input X contains NaN in column 1"),
    ],
)
def test_codes_that_are_no_numbers_are_refused(X, message):
    rows = np.random.default_rng(0).random((6, 3))
    network = AutoencoderTransformer(hidden_layer_sizes=(), max_iter=1, tol=0).fit(rows)
    with pytest.raises(ValueError, match=message):
        network.inverse_transform(X)


@pytest.mark.parametrize("n", [2**64, 10**400])
def test_more_draws_than_memory_holds_are_refused(n):
    rows = np.random.default_rng(0).random((6, 3))
    network = AutoencoderTransformer(
        hidden_layer_sizes=(), variational=True, max_iter=1, tol=0
    ).fit(rows)
    with pytest.raises(ValueError, match=r"n_samples=about 10.* need more memory"):
        network.sample(n)
    with pytest.raises(ValueError, match=r"n_draws=about 10.* need more memory"):
        network.score_samples(rows, n)
