"""What an estimator looks like: repr and the HTML diagram."""

import re
from html import unescape

import numpy as np
import pytest
from sklearn import config_context
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor
from sknet.layers import Dense, Dropout, Residual, Sequential
from sknet.optimizers import SGD

ESTIMATORS = [NeuralClassifier, NeuralRegressor, AutoencoderTransformer]


def diagram(estimator):
    """Return the text of the diagram, without the text that stands in for it."""
    html = estimator._repr_html_()
    html = html[html.index('class="sk-container"') :]
    html = re.sub(r"(?s)<script.*?</script>", "", html)
    return " ".join(unescape(re.sub("<[^>]*>", " ", html)).split())


@pytest.fixture(scope="module")
def data():
    X = np.random.default_rng(0).normal(size=(20, 3))
    return X, (X[:, 0] > 0).astype(int)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_repr_shows_what_was_changed_and_evaluates_to_the_estimator(cls):
    assert repr(cls()) == f"{cls.__name__}()"
    network = cls(solver=SGD(momentum=0.8), hidden_layer_sizes=(3, 4))
    assert repr(network) == f"{cls.__name__}(hidden_layer_sizes=(3, 4), solver=SGD(momentum=0.8))"
    assert repr(eval(repr(network))) == repr(network)


def test_repr_shows_the_layers():
    layers = [("first", Dense(4)), Dropout(0.1), 3]
    shown = " ".join(repr(NeuralClassifier(layers=layers)).split())
    expected = "NeuralClassifier(layers=[('first', Dense(units=4)), Dropout(rate=0.1), 3])"
    assert shown.replace(" ", "") == expected.replace(" ", "")
    with config_context(print_changed_only=False):
        assert "use_bias=True" in repr(NeuralClassifier(layers=layers))


def test_the_diagram_names_the_layers_before_fit():
    layers = [("first", Dense(4)), Dropout(0.1), 3]
    html = diagram(NeuralClassifier(layers=layers))
    for text in ("first: Dense", "1: Dropout", "2: 3", "rate=0.1"):
        assert text in html


def test_the_diagram_names_the_layers_after_fit(data):
    html = diagram(NeuralClassifier((4, 3), dropout=0.1, max_iter=1, tol=0).fit(*data))
    for text in ("hidden_0: Dense", "hidden_1_dropout: Dropout", "output: Dense"):
        assert text in html
    html = diagram(AutoencoderTransformer(max_iter=1, tol=0).fit(data[0]))
    for text in ("encoder: Encoder", "decoder: Decoder", "output: Dense"):
        assert text in html


def test_a_pipeline_shows_the_layers_inside(data):
    pipeline = make_pipeline(StandardScaler(), NeuralClassifier(layers=[("inner", Dense(2))]))
    assert "inner: Dense" in diagram(pipeline)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_network_without_layers_to_show_is_one_box(cls):
    assert cls.__name__ in diagram(cls())


ODD = [
    {"layers": [object()]}, {"layers": ["dense"]}, {"layers": [Dense]}, {"layers": Dense(3)},
    {"layers": 5}, {"layers": [("a", Dense(1)), ("a", Dense(2))]}, {"layers": [("a", 3, 4)]},
    {"layers": [None]}, {"layers": ()}, {"layers": np.array([1, 2])}, {"layers": "abc"},
    {"layers": [Sequential(7)]}, {"layers": [Dense("wide")]}, {"layers": [("b__c", Dense(1))]},
    {"hidden_layer_sizes": "x"}, {"solver": object()}, {"loss": 3}, {"input_shape": 4},
    {"input_shape": np.array([2, 2])}, {"dtype": "int"}, {"random_state": "seed"},
]  # fmt: skip


@pytest.mark.parametrize("cls", [NeuralClassifier, NeuralRegressor])
@pytest.mark.parametrize("params", ODD, ids=lambda params: str(params)[:30])
def test_odd_parameters_can_be_set_shown_and_read_until_fit(cls, params, data):
    network = cls().set_params(**params)
    repr(network)
    assert cls.__name__ in diagram(network)
    network.get_params()
    network.__sklearn_tags__()
    if params["layers"] != () if isinstance(params.get("layers"), tuple) else True:
        with pytest.raises((ValueError, TypeError)):
            network.fit(*data)
    network._repr_html_()


def test_looking_at_an_estimator_does_not_change_it(data):
    layers = [Residual([3]), Sequential([4])]
    network = NeuralClassifier(layers=layers, activation="tanh")
    before = repr(network)
    network._repr_html_()
    assert repr(network) == before
    assert layers[1].layers == [4]
