"""Weights by name: of networks, of estimators, in files."""

import pickle
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralLanguageModel, NeuralRegressor
from sknet.layers import BatchNorm, Bidirectional, Dense, Embedding, Residual, SimpleRNN
from sknet.network import Network

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 4)), RNG.normal(size=40)
LABELS = (Y > 0).astype(int)
BRIEF = {"max_iter": 3, "tol": 0, "random_state": 0, "n_iter_no_change": np.inf}
LAYERS = [("block", Residual([BatchNorm(), ("wide", Dense(4))])), Dense(3, "relu")]


def fitted(**params):
    return NeuralRegressor(layers=LAYERS, **{**BRIEF, **params}).fit(X, Y)


def test_names_are_those_of_the_layers_and_buffers_are_among_them():
    model = fitted()
    weights, network = model.get_weights(), model.network_
    norm = ("gamma", "beta", "moving_mean", "moving_variance", "exponent", "counts")
    assert list(weights) == [
        *(f"block__0.{name}" for name in norm),
        *("block__wide.kernel", "block__wide.bias", "1.kernel", "1.bias"),
        *("output.kernel", "output.bias"),
    ]
    assert_array_equal(weights["block__wide.kernel"], network["block__wide"].kernel_)
    assert_array_equal(weights["block__0.moving_mean"], network["block__0"].moving_mean_)
    weights["1.kernel"][:] = 7  # a copy
    assert not (network["1"].kernel_ == 7).any()


def test_a_network_of_one_layer_has_plain_names():
    assert list(Network(Dense(2), (3,)).get_weights()) == ["kernel", "bias"]


@pytest.mark.parametrize(
    ("model", "data", "name"),
    [
        (NeuralClassifier((3,), **BRIEF), (X, LABELS), "hidden_0.kernel"),
        (AutoencoderTransformer(2, (3,), **BRIEF), (X,), "encoder__code.kernel"),
        (AutoencoderTransformer(2, (3,), tied_weights=True, **BRIEF), (X,), "output.bias"),
        (
            NeuralLanguageModel(
                layers=[Embedding(3), SimpleRNN(3, return_sequences=True)], **BRIEF
            ),
            (["abba", "baab"],),
            "0.embeddings",
        ),
        (
            NeuralRegressor(layers=[Bidirectional(SimpleRNN(2))], input_shape=(2, 2), **BRIEF),
            (X, Y),
            "0__backward.recurrent_kernel",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_estimator_gives_and_takes_its_weights(model, data, name, tmp_path):
    trained = model.fit(*data)
    weights = trained.get_weights()
    assert name in weights
    other = pickle.loads(pickle.dumps(trained)).set_params(random_state=1, max_iter=1).fit(*data)
    assert not np.array_equal(other.network_.params, trained.network_.params)
    assert other.set_weights(weights) is other
    assert_array_equal(other.network_.params, trained.network_.params)
    trained.save_weights(tmp_path / "weights.npz")
    other.fit(*data).load_weights(tmp_path / "weights.npz")
    assert_array_equal(other.network_.params, trained.network_.params)


def test_networks_read_and_write_files_as_well(tmp_path):
    path = tmp_path / "weights.npz"
    networks = [Network(Dense(2), (3,), dtype, seed) for seed, dtype in enumerate(("f8", "f4"))]
    networks[0].save_weights(path)
    networks[1].load_weights(path)
    assert_array_equal(networks[1].params, networks[0].params.astype("f4"))


def test_setting_its_own_weights_changes_nothing_of_what_follows():
    params = {"warm_start": True, "batch_size": 8, "solver": "adam"}
    models = [fitted(**params) for _ in range(2)]
    models[0].set_weights(models[0].get_weights())
    predictions = [model.fit(X, Y).predict(X) for model in models]
    assert_array_equal(*predictions)


@pytest.mark.parametrize(
    "params", [{"averaging": 0.9}, {"early_stopping": True, "validation_fraction": 0.3}], ids=str
)
def test_training_goes_on_from_weights_that_were_set(params):
    """With a rate of next to nothing the weights stay where training starts."""
    model = fitted(warm_start=True, learning_rate_init=0.1, **params)
    weights = {name: np.full_like(array, 0.5) for name, array in model.get_weights().items()}
    model.set_weights(weights).set_params(learning_rate_init=1e-300, alpha=0).fit(X, Y)
    assert_array_equal(model.get_weights()["1.kernel"], weights["1.kernel"])


def test_prediction_without_training_state_takes_weights_too():
    model = fitted()
    slim = fitted(random_state=5).without_training_state()
    assert_array_equal(slim.set_weights(model.get_weights()).predict(X), model.predict(X))


GOOD = fitted().get_weights()


def but(**changes):
    return {**GOOD, **{name.replace("_dot_", "."): value for name, value in changes.items()}}


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([1, 2], TypeError, r"dict from names to arrays, got \[1, 2\]"),
        ({}, ValueError, r"there is no 'block__0\.gamma', 'block__0\.beta', .* and 9 more\.$"),
        (but(output_dot_kernl=0.0), ValueError, r"there is 'output\.kernl', .*'output\.kernel'\?"),
        (
            {k.replace("output.bias", "out.bias"): v for k, v in GOOD.items()},
            ValueError,
            r"there is no 'output\.bias' and there is 'out\.bias', .*did you mean 'output\.bias'",
        ),
        (but(output_dot_bias=np.zeros(2)), ValueError, r"'output\.bias' .* \(1,\), got .* \(2,\)"),
        (but(output_dot_bias=[np.nan]), ValueError, r"finite numbers, got NaN or infinity"),
        (but(output_dot_bias=["a"]), ValueError, r"with numbers, got one of type <U1"),
        (but(output_dot_bias=[1j]), ValueError, r"with numbers, got one of type complex128"),
        (but(output_dot_bias=[[1], [1, 2]]), ValueError, r"got lists of unequal length"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(weights, error, message):
    model = fitted()
    for take in (model.set_weights, model.network_.set_weights):
        with pytest.raises(error, match=message):
            take(weights)
    for name, array in model.get_weights().items():
        assert_array_equal(array, GOOD[name])


def test_numbers_that_overflow_single_precision_are_refused():
    network = Network(Dense(1), (1,), np.float32)
    with pytest.raises(ValueError, match=r"'kernel' .* overflow float32"):
        network.set_weights({"kernel": [[1e300]], "bias": [0]})


def test_whole_numbers_are_taken():
    network = Network(Dense(1), (1,), np.float32)
    network.set_weights({"kernel": [[3]], "bias": [np.int8(2)]})
    assert network.predict(np.float32([[2]])) == 8


@pytest.mark.parametrize("method", ["get_weights", "set_weights", "save_weights", "load_weights"])
def test_weights_take_a_fitted_estimator(method, tmp_path):
    arguments = {"set_weights": ({},), "get_weights": ()}.get(method, (tmp_path / "w.npz",))
    call = partial(getattr(NeuralClassifier(), method), *arguments)
    with pytest.raises(ValueError, match="not fitted yet"):
        call()
