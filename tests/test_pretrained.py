"""Layers that have been trained before as a layer of another network."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import (
    AutoencoderTransformer,
    NeuralClassifier,
    NeuralLanguageModel,
    NeuralRegressor,
    TabularClassifier,
)
from sknet.layers import (
    GRU,
    Activation,
    BatchNorm,
    Conv2D,
    Dense,
    Embedding,
    GaussianCode,
    GlobalAveragePool2D,
    LayerNorm,
    Pretrained,
    Sequential,
    TransformerBlock,
)
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
    expected = autoencoder.transform(X)  # where it is a mean, in another order of sums
    assert_allclose(network.activations(X, "start"), expected, rtol=1e-12, atol=1e-14)
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
    with pytest.raises(
        ValueError, match=r"'layers__start' \(Pretrained\) expects a fitted est.*Fit"
    ):
        classifier(AutoencoderTransformer(3)).fit(*data)
    with pytest.raises(ValueError, match=r"expects a fitted estimator of sknet, got None"):
        classifier(None).fit(*data)


def test_inputs_of_another_shape_are_refused(data, autoencoder):
    with pytest.raises(ValueError, match=r"expects inputs of shape \(64,\), .* got \(60,\)"):
        classifier(autoencoder).fit(data[0][:, :60], data[1])


BASE = {**PARAMS, "hidden_layer_sizes": (12, 6)}


@pytest.fixture(scope="module")
def bases(data):
    """Return fitted networks with two plain hidden layers, and what holds such a one."""
    X, y = data
    small = NeuralClassifier(**BASE)
    return {
        "classifier": clone(small).fit(X, y),
        "regressor": NeuralRegressor(**BASE, normalization="layer").fit(X, y),
        "pipeline": make_pipeline(StandardScaler(), small).fit(X, y),
        "frozen pipeline": FrozenEstimator(make_pipeline(StandardScaler(), small).fit(X, y)),
        "search": GridSearchCV(small, {"alpha": [0.0, 0.1]}, cv=2).fit(X, y),
    }


def network_of(base):
    """Return the network inside what holds it, by scikit-learn's own attributes."""
    base = base.estimator if isinstance(base, FrozenEstimator) else base
    base = getattr(base, "best_estimator_", base)
    return (base[-1] if hasattr(base, "steps") else base).network_


KINDS = ["classifier", "regressor", "pipeline", "frozen pipeline", "search"]


@pytest.mark.parametrize("kind", KINDS)
def test_any_fitted_network_is_taken_without_its_output_layer(data, bases, kind):
    """Another target and another loss follow."""
    X, y = data
    for model, target in [(NeuralClassifier, y % 3), (NeuralRegressor, X[:, :2])]:
        fitted = model(layers=[("base", Pretrained(bases[kind])), 5], **PARAMS).fit(X, target)
        expected = network_of(bases[kind]).activations(X, -2)
        assert_array_equal(fitted.network_.activations(X, "base"), expected)


@pytest.mark.parametrize(
    ("upto", "layer"),
    [(0, 0), ("hidden_0", 0), (-3, 0), ("hidden_1", 1), (-2, 1), ("output", 2), (-1, 2)],
)
def test_the_last_layer_is_chosen_by_name_or_position(data, bases, upto, layer):
    base = bases["classifier"]
    fitted = NeuralRegressor(layers=[Pretrained(base, upto), 4], **PARAMS).fit(*data)
    expected = base.network_.activations(data[0], layer)
    assert_array_equal(fitted.network_.activations(data[0], 0), expected)


@pytest.mark.parametrize("upto", ["hidden_0", "encoder__hidden_0", 0, -2])
def test_a_layer_of_an_encoder_is_chosen(data, autoencoder, upto):
    fitted = NeuralClassifier(layers=[Pretrained(autoencoder, upto)], **PARAMS).fit(*data)
    expected = autoencoder.network_.activations(data[0], "encoder__hidden_0")
    assert_array_equal(fitted.network_.activations(data[0], 0), expected)


def test_images_of_another_size_are_taken_where_the_weights_fit(data):
    X, y = data
    layers = [Conv2D(3, 3, activation="relu"), GlobalAveragePool2D()]
    base = NeuralClassifier(layers=layers, input_shape=(8, 8, 1), **PARAMS).fit(X, y)
    larger = np.repeat(np.repeat(X.reshape(-1, 8, 8, 1), 2, axis=1), 2, axis=2)
    fitted = NeuralClassifier(layers=[Pretrained(base), 5], **PARAMS).fit(larger, y)
    assert_array_equal(fitted.network_["0__0"].kernel_, base.network_[0].kernel_)
    with pytest.raises(ValueError, match=r"inputs of shape \(8, 8, 1\), .* got \(64,\)\. Put it"):
        NeuralClassifier(layers=[Pretrained(base)], **PARAMS).fit(X, y)


def test_a_language_model_reads_tokens_for_a_classifier():
    texts, labels = ["abab", "aabb", "baba", "bbaa"], [0, 1, 0, 1]
    blocks = [Embedding(4), TransformerBlock(2, causal=True)]
    base = NeuralLanguageModel(layers=blocks, **PARAMS).fit(texts)
    tokens = base.tokenizer_.transform(texts)
    layers = [("base", Pretrained(base)), GRU(3)]
    fitted = NeuralClassifier(layers=layers, **PARAMS, dtype="float32").fit(tokens, labels)
    table = fitted.get_weights()["base__0.embeddings"]
    assert_array_equal(table, base.get_weights()["0.embeddings"])
    with pytest.raises(ValueError, match=r"'layers__base__0' \(Embedding\) expects codes"):
        clone(fitted).fit([np.array([0, 99]), np.array([1, 1, 0])], [0, 1])


def test_a_base_can_be_the_base_of_a_base(data, bases):
    first = NeuralClassifier(layers=[("base", Pretrained(bases["classifier"])), 5], **PARAMS)
    first.fit(*data)
    second = NeuralClassifier(layers=[Pretrained(first, trainable=True)], **PARAMS).fit(*data)
    kept = second.get_weights()
    for name, array in first.get_weights().items():
        is_frozen = name.startswith("base__")
        if not name.startswith("output"):
            assert np.array_equal(kept[f"0__{name}"], array) == is_frozen


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_file_gives_what_the_estimator_gives(data, bases, tmp_path, suffix):
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
    base, path = bases["regressor"], tmp_path / f"base{suffix}"
    base.save_weights(path)
    given = [("hidden_0", Dense(12)), ("hidden_0_norm", LayerNorm()), Activation("relu"), Dense(3)]
    layers = [("base", Pretrained(path, 2, layers=given)), 5]
    fitted = NeuralClassifier(layers=layers, **PARAMS).fit(*data)
    expected = base.network_.activations(data[0], "hidden_0_activation")
    assert_array_equal(fitted.network_.activations(data[0], "base"), expected)
    path.unlink()  # a pickle has the weights
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(loaded.predict_proba(data[0]), fitted.predict_proba(data[0]))
    loaded.set_params(warm_start=True, layers__base__trainable=True).fit(*data)


def test_a_gaussian_code_in_a_file_becomes_its_mean(data, tmp_path):
    coder = AutoencoderTransformer(3, (4,), variational=True, **PARAMS).fit(data[0])
    path = tmp_path / "coder.npz"
    np.savez(path, **{k.removeprefix("encoder__"): v for k, v in coder.get_weights().items()})
    inner = [("hidden_0", Dense(4, "relu")), ("code", GaussianCode(3))]
    fitted = NeuralClassifier(layers=[Pretrained(path, layers=inner)], **PARAMS).fit(*data)
    codes = fitted.network_.activations(data[0], 0)
    assert_allclose(codes, coder.transform(data[0]), rtol=1e-12)


def test_columns_in_another_order_are_refused(data):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(data[0][:, 20:24], columns=list("abcd"))
    base = NeuralClassifier(**BASE).fit(frame, data[1])
    fitted = NeuralClassifier(layers=[Pretrained(base)], **PARAMS).fit(frame, data[1])
    with pytest.raises(ValueError, match=r"columns in the order of its estimator, .* Reorder X"):
        clone(fitted).fit(frame[list("bacd")], data[1])


def test_parameters_of_the_layers_of_a_file_are_reached():
    layer = Pretrained("base.npz", layers=[("a", Dense(3)), Dense(4)])
    assert layer.get_params()["layers__a__units"] == 3
    copy = clone(layer.set_params(layers__1__units=5))
    assert copy.layers[1].units == 5 and copy.layers[1] is not layer.layers[1]


def refuses(data, layer, message):
    with pytest.raises(ValueError, match=message):
        NeuralClassifier(layers=[("base", layer)], **PARAMS).fit(*data)


def test_what_holds_no_layers_to_take_is_refused(data, bases):
    X, y = data
    fitted = LogisticRegression(max_iter=500).fit(X, y)
    refuses(data, Pretrained(fitted), r"fitted estimator of sknet, got LogisticR.*no network to t")
    table = TabularClassifier(hidden_layer_sizes=(4,), cv=2, max_iter=1, random_state=0)
    refuses(data, Pretrained(table), r"got TabularC.* Ensembles for tables .* no network to take")
    refuses(data, Pretrained(make_pipeline(NeuralClassifier())), r"got NeuralClassifier.*Fit it")
    linear = NeuralClassifier(hidden_layer_sizes=(), **PARAMS).fit(X, y)
    refuses(data, Pretrained(linear), r"a network with a layer before its output layer, got none")
    for upto in ("hidden_2", 3, -4):
        message = rf"upto to be one of 'hidden_0', 'hidden_1', 'output' .*, got {upto!r}"
        refuses(data, Pretrained(bases["classifier"], upto), message)


def test_a_file_that_does_not_fit_is_refused(data, bases, tmp_path):
    path = tmp_path / "base.npz"
    bases["classifier"].save_weights(path)
    refuses(data, Pretrained(path), r"expects layers with the path of a file.*weights alone")
    both = Pretrained(bases["classifier"], layers=[Dense(3)])
    refuses(data, both, r"without them a fitted estimator, got layers=.*Leave layers=None")
    named = [("hidden_0", Dense(12))]
    wider = Pretrained(path, layers=[("hidden_0", Dense(13))])
    refuses(data, wider, r"\(Pretrained\) expects 'hidden_0\.kernel' .*\(64, 13\), got one of")
    unnamed = Pretrained(path, layers=[Dense(12)])
    refuses(data, unnamed, r"expects '0\.kernel' in base\.npz, which has .*Give layers the names")
    refuses(data, Pretrained(path, "a", layers=named), r"upto to be one of 'hidden_0' .* got 'a'")
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"no zip")
    refuses(data, Pretrained(broken, layers=named), r"broken\.npz holds no arrays")
    weights = bases["classifier"].get_weights()
    np.savez(broken, **{**weights, "hidden_0.bias": np.full(12, np.nan)})
    refuses(data, Pretrained(broken, layers=named), r"'hidden_0\.bias' .* finite numbers, got NaN")
    missing = NeuralClassifier(layers=[Pretrained(tmp_path / "none.npz", layers=named)])
    with pytest.raises(FileNotFoundError):
        missing.fit(*data)


def test_a_base_that_was_fitted_anew_with_other_layers_does_not_go_on(data):
    base = NeuralClassifier(**BASE).fit(*data)
    fitted = NeuralClassifier(layers=[("base", Pretrained(base))], warm_start=True, **PARAMS)
    fitted.fit(*data)
    base.set_params(hidden_layer_sizes=(12, 7)).fit(*data)
    with pytest.raises(ValueError, match="cannot be resumed"):
        fitted.set_params(layers__base__trainable=True).fit(*data)


def test_batch_normalization_in_a_frozen_base_keeps_its_moments(data):
    base = NeuralClassifier(layers=[BatchNorm(), Dense(4)], **PARAMS).fit(*data)
    fitted = NeuralClassifier(layers=[Pretrained(base)], **PARAMS).fit(*data)
    for name in ("moving_mean", "moving_variance", "exponent", "counts"):
        assert_array_equal(fitted.get_weights()[f"0__0.{name}"], base.get_weights()[f"0.{name}"])
