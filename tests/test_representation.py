"""What an estimator looks like: repr and the HTML diagram."""

import re
from html import unescape

import numpy as np
import pytest
from sklearn import config_context
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import (
    AutoencoderTransformer,
    FeatureExtractor,
    NeuralClassifier,
    NeuralRegressor,
    TabularClassifier,
)
from sknet.layers import GRU, Bidirectional, Dense, Dropout, Parallel, Residual, Sequential
from sknet.optimizers import SGD
from sknet.tabular.members import ClassifierMember

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


def test_the_diagram_has_shapes_weights_and_the_curve_of_the_training(data):
    X, y = data
    network = NeuralClassifier((4,), max_iter=3, tol=0, random_state=0)
    network.fit(X, y, X_val=X, y_val=y)
    for model in (network, make_pipeline(StandardScaler(), network).fit(X, y)):
        html = model._repr_html_()
        assert html.count("<svg") == 1 and "&lt;svg" not in html
    text = diagram(network)
    for told in ("(4,), 16 weights", "(1,), 5 weights", "21 weights, 3 epochs"):
        assert told in text
    assert f"loss: {network.loss_:.4g}" in text
    assert "21 weights" in diagram(network.without_training_state())


def test_composites_are_drawn_with_what_is_inside(data):
    layers = [
        ("sides", Parallel([[], [3, ("b", Dense(4))], 5])),
        ("block", Residual([6, Dense(12)])),
    ]
    unfitted = NeuralClassifier(layers=layers, max_iter=1, tol=0)
    before, after = diagram(unfitted), diagram(unfitted.fit(*data))
    for text in (before, after):
        for name in ("sides: Parallel", "b: Dense", "block: Residual", "1: Dense"):
            assert name in text
    assert ": LayerList" not in after and "(12,), 84 weights" in after
    html = unfitted._repr_html_()
    assert 'class="sk-parallel"' in html
    sequence = NeuralClassifier(layers=[Bidirectional(GRU(2))], max_iter=1, tol=0)
    text = diagram(sequence.fit(data[0].reshape(20, 3, 1), data[1]))
    assert "forward: GRU" in text and "backward: GRU" in text


def test_a_tabular_estimator_shows_a_member(data):
    model = TabularClassifier(cv=2, max_iter=1, random_state=0)
    assert "TabularClassifier" in diagram(model)
    text = diagram(model.fit(*data))
    assert "TableEncoder" in text and "(member 1 of 2)" in text and "output: Dense" in text


def test_names_are_escaped(data):
    network = NeuralClassifier(layers=[("<b>", Dense(2)), Residual(["<i>"])])
    html = network._repr_html_()
    assert "<b>:" not in html and "<i>" not in html and "&lt;b&gt;: Dense" in html


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (NeuralClassifier(), "sknet.NeuralClassifier"),
        (TabularClassifier(), "sknet.TabularClassifier"),
        (FeatureExtractor(NeuralClassifier()), "sknet.FeatureExtractor"),
        (Dense(3), "sknet.layers.Dense"),
        (SGD(), "sknet.optimizers.SGD"),
        (ClassifierMember(), "sknet.NeuralClassifier"),
    ],
    ids=lambda part: str(part),
)
def test_links_lead_to_the_page_of_the_class(part, name, monkeypatch):
    monkeypatch.setenv("SKNET_DOCS", "https://docs.local/")
    assert part._get_doc_link() == f"https://docs.local/api/generated/{name}.html"
    assert f'href="https://docs.local/api/generated/{name}.html' in part._repr_html_()


def test_there_are_no_links_without_a_site_or_for_classes_of_others(monkeypatch, tmp_path):
    class Mine(NeuralClassifier):
        pass

    monkeypatch.setattr("sknet.pages._BUILT", tmp_path)
    monkeypatch.delenv("SKNET_DOCS", raising=False)
    assert Dense(3)._get_doc_link() == "" and "?" not in diagram(NeuralClassifier((3,)))
    (tmp_path / "index.html").touch()
    assert Dense(3)._get_doc_link() == f"{tmp_path.as_uri()}/api/generated/sknet.layers.Dense.html"
    assert Mine()._get_doc_link() == ""


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
