import pickle
from copy import deepcopy

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralLanguageModel, NeuralRegressor
from sknet.layers import GRU, Bidirectional, Dense, Dropout, Embedding, Residual, Sequential

X, y = load_iris(return_X_y=True)
X, y = X[::5], y[::5]
BRIEF = {"max_iter": 1, "tol": 0, "random_state": 0}


@pytest.mark.parametrize("cls", [NeuralClassifier, NeuralRegressor])
def test_plain_options_beside_layers_are_refused(cls):
    for option in ({"hidden_layer_sizes": (50,)}, {"activation": "tanh"}):
        name = next(iter(option))
        network = cls(layers=[Dense(4)], **option, **BRIEF)
        with pytest.raises(ValueError, match=f"^{name}=.* is for the plain hidden layers"):
            network.fit(X, y)
        with pytest.raises(ValueError, match=f"^{name}=.* is for the plain hidden layers"):
            network.partial_fit(X, y)


@pytest.mark.parametrize("layers", [[3], [Residual([4])], [Dense(3), ("named", 2)]])
def test_the_activation_of_ints_may_be_given(layers):
    NeuralClassifier(activation="tanh", layers=layers, **BRIEF).fit(X, y)


@pytest.mark.parametrize("sizes", [(100,), [100], 100, np.array([100])])
def test_the_default_in_another_form_is_the_default(sizes):
    NeuralClassifier(sizes, layers=[Dense(4)], **BRIEF).fit(X, y)


def test_a_default_of_a_subclass_is_a_default():
    class Small(NeuralClassifier):
        def __init__(self, hidden_layer_sizes=(5,), *, layers=None, random_state=None):
            super().__init__(
                hidden_layer_sizes, layers=layers, random_state=random_state, max_iter=1, tol=0
            )

    Small(layers=[Dense(4)]).fit(X, y)
    with pytest.raises(ValueError, match=r"hidden_layer_sizes=\(6,\) is for"):
        Small((6,), layers=[Dense(4)]).fit(X, y)


def test_an_autoencoder_uses_the_sizes_of_the_part_that_is_not_written():
    AutoencoderTransformer(2, (5,), encoder=[Dense(4)], **BRIEF).fit(X)
    both = {"encoder": [Dense(4)], "decoder": [Dense(4)]}
    with pytest.raises(ValueError, match=r"with encoder=\.\.\. and decoder=\.\.\., put Dense"):
        AutoencoderTransformer(2, (5,), **both, **BRIEF).fit(X)
    with pytest.raises(ValueError, match="activation='tanh' is for"):
        AutoencoderTransformer(2, activation="tanh", **both, **BRIEF).fit(X)
    contractive = {"encoder": [], "decoder": [Dense(4)], "contraction": 0.1}
    AutoencoderTransformer(2, activation="tanh", **contractive, **BRIEF).fit(X)


@pytest.mark.parametrize("option", [{"averaging": 0.9}, {"clip_norm": 1.0}])
def test_options_of_steps_are_refused_for_lbfgs(option):
    with pytest.raises(ValueError, match="is for solvers that train by steps"):
        NeuralClassifier((3,), solver="lbfgs", **option).fit(X, y)
    # A default is no wish.
    model = NeuralLanguageModel(layers=[Embedding(2)], solver="lbfgs", max_iter=1)
    with pytest.warns(UserWarning, match="max_iter"):
        model.fit(["ab", "ba"])


@pytest.fixture(scope="module")
def fitted():
    layers = [("hidden", Dense(3)), Dropout(0.1), Residual([Dense(3)])]
    return NeuralClassifier(layers=layers, **BRIEF).fit(X, y)


@pytest.mark.parametrize(
    "take",
    [
        lambda network: network["hidden"],
        lambda network: ("again", network[2]),
        lambda network: Sequential([network["hidden"]]),
        lambda network: clone(network["hidden"]),
        lambda network: deepcopy(network["hidden"]),
        lambda network: pickle.loads(pickle.dumps(network["hidden"])),
    ],
)
def test_a_fitted_layer_is_refused_and_pretrained_is_named(take, fitted):
    for cls, name in ((NeuralClassifier, "layers"), (AutoencoderTransformer, "encoder")):
        network = cls(**{name: [take(fitted.network_)]}, **BRIEF)
        for candidate in (network, clone(network)):
            with pytest.raises(ValueError, match=rf"^{name}__.*sknet\.layers\.Pretrained"):
                candidate.fit(X, y)


def test_a_fitted_layer_inside_a_wrapper_is_refused():
    texts = NeuralLanguageModel(layers=[Embedding(2), GRU(2, return_sequences=True)], max_iter=1)
    gru = texts.fit(["ab"]).network_[1]
    with pytest.raises(ValueError, match=r"^layers__0__layer \(GRU\) belongs to a fitted network"):
        NeuralClassifier(layers=[Bidirectional(gru)]).fit(X[:, :, None], y)


def test_layers_that_have_no_weights_and_one_object_twice_are_taken(fitted):
    layer = Dense(3)
    layers = [layer, layer, fitted.network_[1]]
    network = NeuralClassifier(layers=layers, **BRIEF).fit(X, y)
    assert network.coefs_[0].shape == (4, 3)
    assert network.coefs_[1].shape == (3, 3)
    GridSearchCV(network, {"layers__0__units": [3]}, cv=2, error_score="raise").fit(X, y)
