"""Subclasses whose ``__init__`` has other parameters than that of their base."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralLanguageModel, NeuralRegressor
from sknet.activations import ELU
from sknet.initializers import RandomNormal
from sknet.layers import (
    LSTM,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    LayerNorm,
    Pretrained,
    Residual,
    TransformerBlock,
)
from sknet.losses import FocalLoss
from sknet.optimizers import Adam, AdamW
from sknet.schedules import Cosine
from sknet.testing import check_layer, check_optimizer

X, y = load_iris(return_X_y=True)
X, y = X[::5], y[::5]
TEXTS = ["ab", "abab"] * 3


class Fewer(NeuralClassifier):
    def __init__(self, random_state=None):
        super().__init__((4,), max_iter=2, tol=0, random_state=random_state)


class Deeper(Fewer):
    def __init__(self, extra=1, random_state=None):
        self.extra = extra
        super().__init__(random_state)


class Renamed(NeuralRegressor):
    def __init__(self, width=4, *, epochs=2, random_state=None):
        self.width, self.epochs = width, epochs
        super().__init__((width,), max_iter=epochs, tol=0, random_state=random_state)


class WithLayers(NeuralClassifier):
    def __init__(self, random_state=None):
        layers = [("hidden", Dense(4)), Dense(5)]
        super().__init__(layers=layers, max_iter=2, tol=0, random_state=random_state)


class Code(AutoencoderTransformer):
    def __init__(self, size=2, random_state=None):
        self.size = size
        super().__init__(size, (4,), max_iter=2, tol=0, random_state=random_state)


class Letters(NeuralLanguageModel):
    def __init__(self, random_state=None):
        layers = [Embedding(2), LSTM(3, return_sequences=True)]
        super().__init__("char", 4, layers, max_iter=2, random_state=random_state)


def outputs(estimator):
    name = next(m for m in ("predict", "transform", "score_samples") if hasattr(estimator, m))
    return getattr(estimator, name)(TEXTS if isinstance(estimator, Letters) else X)


@pytest.mark.parametrize("cls", [Fewer, Deeper, Renamed, WithLayers, Code, Letters])
def test_an_estimator_with_other_parameters_works(cls):
    data = (TEXTS,) if cls is Letters else (X, y)
    estimator = clone(cls(random_state=0))
    assert set(estimator.get_params()) == set(estimator.get_params(deep=False))
    assert (
        repr(estimator.set_params(**estimator.get_params())) == f"{cls.__name__}(random_state=0)"
    )
    estimator.fit(*data)
    loaded = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(outputs(loaded), outputs(estimator))
    np.testing.assert_array_equal(outputs(clone(estimator).fit(*data)), outputs(estimator))
    loaded.partial_fit(*data)
    loaded.warm_start = True
    loaded.fit(*data)
    if hasattr(estimator, "score"):
        GridSearchCV(cls(), {"random_state": [0]}, cv=2, error_score="raise").fit(*data)


def test_items_of_a_list_that_is_no_parameter_are_not_reached():
    with pytest.raises(ValueError, match="Invalid parameter 'layers'"):
        WithLayers().set_params(layers__hidden__units=3)


class Small(Dense):
    def __init__(self, units=3):
        super().__init__(units, activation="relu", kernel_initializer=RandomNormal(stddev=0.2))


class Wide(Dense):
    def __init__(self, width=2, *, note=None):
        self.width, self.note = width, note
        super().__init__(2 * width, activation=ELU(0.5))


class Block(Residual):
    def __init__(self, width=4):
        self.width = width
        super().__init__([LayerNorm(), ("dense", Dense(width))])


class FixedBlock(Block):
    def __init__(self):
        super().__init__(4)


class Heads(TransformerBlock):
    def __init__(self):
        super().__init__(2, intermediate_dim=3)


class Image(Conv2D):
    def __init__(self):
        super().__init__(2, 2, padding="same", activation="tanh")


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Small(), (4,)),
        (Wide(), (4,)),
        (Block(), (4,)),
        (FixedBlock(), (4,)),
        (Heads(), (3, 4)),
        (Image(), (3, 3, 2)),
    ],
)
def test_a_layer_with_other_parameters_keeps_the_contract(layer, shape):
    check_layer(layer, shape, batch_size=3)
    if len(shape) == 1:
        network = NeuralClassifier(layers=[layer], max_iter=2, tol=0, warm_start=True).fit(X, y)
        loaded = pickle.loads(pickle.dumps(network))
        np.testing.assert_array_equal(loaded.predict_proba(X), network.predict_proba(X))
        np.testing.assert_array_equal(*(n.fit(X, y).predict_proba(X) for n in (loaded, network)))


def test_what_the_data_has_filled_in_is_pickled_though_it_is_no_parameter():
    class Words(Embedding):
        def __init__(self, length=2):
            self.length = length
            super().__init__(length)

    globals()["Words"] = Words
    Words.__qualname__ = "Words"
    codes = np.arange(12).reshape(6, 2) % 5
    network = NeuralClassifier(layers=[Words(), Flatten()], max_iter=1, tol=0)
    network.fit(codes, codes[:, 0] > 2)
    loaded = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(loaded.predict_proba(codes), network.predict_proba(codes))


class Decaying(AdamW):
    def __init__(self):
        super().__init__(weight_decay=0.5)


class Quick(Adam):
    def __init__(self, memory=0.5):
        self.memory = memory
        super().__init__(beta_1=memory)


class Hard(FocalLoss):
    def __init__(self):
        super().__init__(gamma=1.0)


class Falling(Cosine):
    def __init__(self, end=0.1):
        self.end = end
        super().__init__(final=end)


class Frozen(Pretrained):
    def __init__(self, estimator):
        super().__init__(estimator, trainable=False)


@pytest.mark.parametrize("optimizer", [Decaying(), Quick()])
def test_an_optimizer_with_other_parameters_keeps_the_contract(optimizer):
    check_optimizer(optimizer)


@pytest.mark.parametrize(
    ("name", "preset", "plain"),
    [
        ("solver", Decaying(), AdamW(weight_decay=0.5)),
        ("solver", Quick(), Adam(beta_1=0.5)),
        ("loss", Hard(), FocalLoss(gamma=1.0)),
        ("learning_rate", Falling(), Cosine(final=0.1)),
    ],
)
def test_a_part_with_fixed_values_trains_as_its_base_with_these(name, preset, plain):
    networks = [
        clone(NeuralClassifier((4,), **{name: part}, max_iter=3, tol=0, random_state=0)).fit(X, y)
        for part in (preset, plain)
    ]
    np.testing.assert_array_equal(*(network.predict_proba(X) for network in networks))
    pickle.loads(pickle.dumps(networks[0])).set_params(warm_start=True).fit(X, y)


def test_fixed_values_are_validated():
    class Wrong(NeuralClassifier):
        def __init__(self):
            super().__init__(alpha=-1)

    with pytest.raises(ValueError, match="The 'alpha' parameter of Wrong must be"):
        Wrong().fit(X, y)


def test_a_pretrained_layer_with_fixed_values_is_cloned():
    autoencoder = AutoencoderTransformer(2, (3,), max_iter=1, tol=0).fit(X)
    network = NeuralClassifier(layers=[Frozen(autoencoder)], max_iter=2, tol=0, random_state=0)
    network = clone(network).fit(X, y)
    np.testing.assert_array_equal(network.coefs_[0], autoencoder.coefs_[0])
