"""Layers that are frozen, thawed or slowed down while training goes on."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralLanguageModel, NeuralRegressor
from sknet import layers as all_layers
from sknet.layers import (
    GRU,
    LSTM,
    BatchNorm,
    Bidirectional,
    Branch,
    ColumnBranches,
    ContractiveDense,
    Conv1D,
    Conv1DTranspose,
    Dense,
    Embedding,
    Flatten,
    GaussianCode,
    GroupNorm,
    LayerNorm,
    MultiHeadAttention,
    ParametricActivation,
    PeriodicEmbedding,
    PositionalEmbedding,
    Pretrained,
    Residual,
    Scaling,
    Sequential,
    SimpleRNN,
    TimeDistributed,
    TransformerBlock,
)
from sknet.network import Network
from sknet.optimizers import SGD

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 4)), RNG.normal(size=40)
LABELS = (Y > 0).astype(int)
BRIEF = {"max_iter": 2, "tol": 0, "random_state": 0, "n_iter_no_change": np.inf, "batch_size": 10}
BASE = NeuralRegressor((6, 5), normalization="batch", **BRIEF).fit(X, Y)


def model(trainable, factor=1.0, **params):
    base = Pretrained(BASE, trainable=trainable, learning_rate_factor=factor)
    layers = [("base", base), ("head", Dense(4, "relu"))]
    return NeuralClassifier(layers=layers, warm_start=True, **{**BRIEF, **params})


def base_of(estimator):
    weights = estimator.get_weights()
    return {name: array for name, array in weights.items() if name.startswith("base__")}


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_a_frozen_base_keeps_every_bit_and_a_thawed_one_moves(solver):
    fitted = model(False, solver=solver).fit(X, LABELS)
    for name, array in base_of(fitted).items():
        assert_array_equal(array, BASE.get_weights()[name.removeprefix("base__")])
    head = fitted.get_weights()["head.kernel"]
    fitted.set_params(layers__base__trainable=True).fit(X, LABELS)
    assert fitted.n_iter_ == 4
    for name in ("hidden_0.kernel", "hidden_1.bias", "hidden_0_norm.moving_mean"):
        assert not np.array_equal(fitted.get_weights()[f"base__{name}"], BASE.get_weights()[name])
    assert not np.array_equal(fitted.get_weights()["head.kernel"], head)
    assert len(fitted.loss_curve_) == 4


def test_thawing_starts_from_the_same_weights():
    fitted = model(False).fit(X, LABELS)
    before, predicted = fitted.get_weights(), fitted.predict_proba(X)
    fitted.set_params(layers__base__trainable=True, learning_rate_init=1e-300, alpha=0)
    fitted.fit(X, LABELS)
    buffers = ("moving_mean", "moving_variance", "exponent", "counts")
    for name, array in fitted.get_weights().items():
        if not name.endswith(buffers):  # the moments of a batch normalization go on
            assert_array_equal(array, before[name])
    assert fitted.network_.n_trainable > model(False).fit(X, LABELS).network_.n_trainable
    frozen = model(False, learning_rate_init=1e-300, alpha=0).fit(X, LABELS)
    frozen.set_weights(before)
    assert_array_equal(frozen.predict_proba(X), predicted)


def test_training_goes_on_after_thawing_as_a_new_optimizer_would_from_these_weights():
    thawed = model(False).fit(X, LABELS)
    weights = thawed.get_weights()
    thawed.set_params(layers__base__trainable=True, shuffle=False).fit(X, LABELS)
    fresh = model(True, shuffle=False, learning_rate_init=1e-300, alpha=0).fit(X, LABELS)
    fresh.set_weights(weights)
    # Another solver begins anew; the same one from here on would keep the moments of its own.
    fresh._trainer.use_optimizer(clone(fresh._trainer.optimizer))
    fresh.set_params(learning_rate_init=1e-3, alpha=1e-4).fit(X, LABELS)
    for name, array in fresh.get_weights().items():
        assert_allclose(array, thawed.get_weights()[name], rtol=1e-12, atol=1e-15)


def test_where_nothing_changes_training_goes_on_bit_for_bit():
    whole = model(True, factor=0.5, max_iter=4).fit(X, LABELS)
    halves = model(True, factor=0.5).fit(X, LABELS).set_params(layers__base__trainable=True)
    halves.fit(X, LABELS)
    assert_array_equal(whole.network_.params, halves.network_.params)


@pytest.mark.parametrize(
    "params", [{"averaging": 0.9}, {"early_stopping": True, "validation_fraction": 0.3}], ids=str
)
def test_weights_kept_for_going_on_are_laid_out_anew(params):
    fitted = model(False, **params).fit(X, LABELS)
    fitted.set_params(layers__base__trainable=True, learning_rate_init=1e-300, alpha=0)
    carried = fitted._trainer._unfinished
    last = fitted.network_.get_weights()
    if carried is not None:
        fitted._trainer.go_on()
        last = fitted.network_.get_weights()
        fitted._trainer._unfinished = None
    fitted.set_params(averaging=None, early_stopping=False).fit(X, LABELS)
    for name in ("head.kernel", "base__hidden_0.kernel", "output.bias"):
        assert_array_equal(fitted.get_weights()[name], last[name])


def test_partial_fit_thaws_and_freezes_as_well():
    fitted = model(False)
    fitted.partial_fit(X, LABELS, classes=[0, 1])
    fitted.set_params(layers__base__trainable=True).partial_fit(X, LABELS)
    moved = base_of(fitted)
    assert not np.array_equal(
        moved["base__hidden_0.kernel"], BASE.get_weights()["hidden_0.kernel"]
    )
    fitted.set_params(layers__base__trainable=False).partial_fit(X, LABELS)
    for name, array in base_of(fitted).items():
        assert_array_equal(array, moved[name])


@pytest.mark.parametrize(
    ("estimator", "data", "name"),
    [
        (AutoencoderTransformer(2, encoder=[("a", Dense(3))]), (X,), "encoder__a__trainable"),
        (
            NeuralLanguageModel(layers=[("a", Embedding(3)), SimpleRNN(3, return_sequences=True)]),
            (["abba", "baab"],),
            "layers__a__trainable",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_estimators_freeze_layers_too(estimator, data, name):
    estimator.set_params(warm_start=True, max_iter=1, tol=0, random_state=0).fit(*data)
    before = estimator.get_weights()
    estimator.set_params(**{name: False}).fit(*data)
    for weight, array in estimator.get_weights().items():
        is_frozen = weight.partition(".")[0] in ("a", "encoder__a")
        assert np.array_equal(array, before[weight]) == is_frozen, weight


def test_a_failed_call_leaves_the_network_as_it_was():
    fitted = model(False).fit(X, LABELS)
    network, predicted = fitted.network_, fitted.predict_proba(X)
    fitted.set_params(layers__base__trainable=True)
    with pytest.raises(ValueError, match="NaN"):
        fitted.fit(np.full_like(X, np.nan), LABELS)
    fitted.set_params(averaging=0.5, solver="lbfgs")
    with pytest.raises(ValueError, match="averaging"):
        fitted.fit(X, LABELS)
    assert fitted.network_ is network and network.n_trainable < network.n_params / 2
    assert_array_equal(fitted.predict_proba(X), predicted)
    fitted.set_params(averaging=None, solver="adam", layers__head__units=7)
    with pytest.raises(ValueError, match="cannot resume training with other layers"):
        fitted.fit(X, LABELS)


@pytest.mark.parametrize("factor", [0.5, 0.1])
def test_a_factor_multiplies_the_step_of_gradient_descent(factor):
    """One full batch: all weights start at the same values, so gradients are the same."""

    def step(factor):
        params = {"solver": SGD(momentum=0.0), "batch_size": 40, "max_iter": 1, "alpha": 0.0}
        fitted = model(True, factor, learning_rate_init=0.1, **params).fit(X, LABELS)
        start = BASE.get_weights()
        names = [f"hidden_{i}.kernel" for i in range(2)] + ["hidden_1_norm.gamma"]
        return fitted, [fitted.get_weights()[f"base__{name}"] - start[name] for name in names]

    (whole, steps), (slowed, shorter) = step(1.0), step(factor)
    for long, short in zip(steps, shorter, strict=True):
        assert np.abs(long).max() > 1e-4
        assert_allclose(short, factor * long, rtol=1e-9, atol=1e-15)
    assert_array_equal(slowed.get_weights()["head.kernel"], whole.get_weights()["head.kernel"])


def test_a_search_tries_freezing_and_factors():
    grid = {
        "layers__base__trainable": [True],
        "layers__base__learning_rate_factor": [0.01, 10.0],
    }
    grids = [grid, {"layers__base__trainable": [False]}]
    search = GridSearchCV(
        model(False, learning_rate_init=0.1), grids, cv=2, scoring="neg_log_loss"
    )
    scores = search.fit(X, LABELS).cv_results_["mean_test_score"]
    assert len(set(scores)) == 3


def test_factors_of_nested_layers_multiply():
    inner = Sequential(
        [Dense(3, learning_rate_factor=0.5, bias_learning_rate_factor=4.0), BatchNorm()],
        learning_rate_factor=0.5,
    )
    network = Network(Residual([inner], learning_rate_factor=0.25), (3,))
    rates = {}
    for group in network.groups:
        vector = np.zeros(network.n_params)
        vector[group.where] = 1
        for (name, _), array in zip(
            network.named_weights(),
            (array for arrays in network.views(vector) for array in arrays),
            strict=True,
        ):
            if array.any():
                rates[name] = group.rate_factor
    assert rates == {
        "0__0.kernel": 0.0625,
        "0__0.bias": 0.5,
        "0__1.gamma": 0.125,
        "0__1.beta": 0.125,
        **{f"0__1.{name}": 0 for name in ("moving_mean", "moving_variance", "exponent", "counts")},
    }
    frozen = Network(Residual([Dense(3)], learning_rate_factor=2.0, trainable=False), (3,))
    assert frozen.n_trainable == 0


BUILT = [
    (Dense(2), (3,)),
    (ContractiveDense(2), (3,)),
    (GaussianCode(2), (3,)),
    (Scaling(), (3,)),
    (ParametricActivation(), (3,)),
    (PeriodicEmbedding(), (3,)),
    (BatchNorm(), (3,)),
    (LayerNorm(), (3,)),
    (GroupNorm(1), (2, 4)),
    (Conv1D(2, 2), (4, 3)),
    (Conv1DTranspose(2, 2), (4, 3)),
    (SimpleRNN(2), (4, 3)),
    (LSTM(2), (4, 3)),
    (GRU(2), (4, 3)),
    (Bidirectional(GRU(2)), (4, 3)),
    (MultiHeadAttention(2), (4, 4)),
    (TransformerBlock(2), (4, 4)),
    (Embedding(2, input_dim=5), (4,)),
    (PositionalEmbedding("learned"), (4, 3)),
    (TimeDistributed([Dense(2)]), (4, 3)),
    (Sequential([Dense(2)]), (3,)),
    (Residual([Dense(3)]), (3,)),
    (Branch([0, 1], [Dense(2)]), (3,)),
    (ColumnBranches([Branch([0, 1], [Dense(2)])]), (3,)),
    (Sequential([Flatten(), Pretrained(BASE, trainable=True)]), (4, 1)),
]


@pytest.mark.parametrize(("layer", "shape"), BUILT, ids=lambda value: type(value).__name__)
def test_every_layer_with_weights_has_a_factor(layer, shape):
    name = "learning_rate_factor"
    slow = clone(layer).set_params(**{name: 0.25 * layer.get_params()[name]})
    rates = [
        sorted({group.rate_factor for group in Network(each, shape).groups} - {0})
        for each in (clone(layer), slow)
    ]
    assert rates[0] and rates[1] == [0.25 * rate for rate in rates[0]]


def test_layers_have_a_factor_where_they_can_be_frozen():
    kinds = [getattr(all_layers, name) for name in all_layers.__all__]
    kinds = [kind for kind in kinds if "trainable" in kind._get_param_names()]
    assert len(kinds) > 25
    assert all("learning_rate_factor" in kind._get_param_names() for kind in kinds)


def test_frozen_layers_at_the_bottom_are_not_run_backward(monkeypatch):
    called = []
    backward = Dense.backward

    def watched(self, grad_output, input_grad=True):
        called.append(self._path)
        return backward(self, grad_output, input_grad)

    monkeypatch.setattr(Dense, "backward", watched)
    model(False, max_iter=1).fit(X, LABELS)
    assert set(called) == {"layers__head", "layers__output"}
