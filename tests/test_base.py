import copy
import pickle
from functools import partial

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from sknet import NeuralRegressor
from sknet.activations import ACTIVATIONS, Activation, ReLU, get_activation
from sknet.base import Component, Workspace, named_component
from sknet.initializers import INITIALIZERS, HeUniform, Initializer, get_initializer
from sknet.layers import (
    LSTM,
    BatchNorm,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    MultiHeadAttention,
    SimpleRNN,
    TransformerBlock,
    UpSampling2D,
)
from sknet.losses import (
    CLASSIFICATION_LOSSES,
    REGRESSION_LOSSES,
    FocalLoss,
    Huber,
    LogLoss,
    Loss,
    get_loss,
)
from sknet.optimizers import LBFGS, OPTIMIZERS, Adam, Optimizer, get_optimizer
from sknet.preprocessing import StepwiseTransformer
from sknet.schedules import SCHEDULES, Cosine, Schedule, get_schedule

# By what messages call the family: what makes a part, the names, a member and the base.
FAMILIES = {
    "activation": (get_activation, ACTIVATIONS, ReLU, Activation),
    "initializer": (get_initializer, INITIALIZERS, HeUniform, Initializer),
    "learning_rate": (get_schedule, SCHEDULES, Cosine, Schedule),
    "optimizer": (get_optimizer, OPTIMIZERS, Adam, Optimizer),
}

every_family = pytest.mark.parametrize(
    ("parameter", "get", "registry", "member", "base"),
    [
        *((parameter, *family) for parameter, family in FAMILIES.items()),
        *(
            ("loss", partial(get_loss, available=registry), registry, member, Loss)
            for registry, member in [
                (CLASSIFICATION_LOSSES, LogLoss),
                (REGRESSION_LOSSES, Huber),
            ]
        ),
    ],
    ids=[*FAMILIES, "classification loss", "regression loss"],
)


def refusal(get, value):
    with pytest.raises(ValueError) as caught:
        get(value)
    return str(caught.value)


@every_family
@pytest.mark.parametrize("wrong", ["xyzzy", "", 3, 0.1, [], {"name": "relu"}, object, np.ones(2)])
def test_what_is_no_member_is_refused_with_the_choices(
    parameter, get, registry, member, base, wrong
):
    message = refusal(get, wrong)
    assert message.startswith(f"{parameter} must be one of ")
    assert all(repr(name) in message for name in registry)
    assert f"an instance of {base.__name__}" in message
    assert message.endswith(f"got {wrong!r}.")  # and makes no wild guess


@every_family
def test_a_member_of_another_family_is_refused(parameter, get, registry, member, base):
    other = HeUniform() if base is Activation else ReLU()
    assert f"got {other!r}" in refusal(get, other)


@every_family
def test_a_typo_is_answered_with_the_name_that_was_meant(parameter, get, registry, member, base):
    (name,) = (name for name, cls in registry.items() if cls is member)
    for typo in (name[:-1], name.upper()):
        assert refusal(get, typo).endswith(f"Did you mean {name!r}?")


@every_family
def test_a_class_is_answered_with_how_to_write_it(parameter, get, registry, member, base):
    name = member.__name__
    assert refusal(get, member).endswith(f"Write {name}() instead of {name}.")


@pytest.mark.parametrize("get", [get_initializer, get_schedule, get_optimizer])
def test_none_is_no_member_except_of_the_activations(get):
    assert refusal(get, None).endswith("got None.")


def test_a_name_of_the_other_task_is_refused():
    assert "'log_loss', 'focal'" in refusal(
        partial(get_loss, available=CLASSIFICATION_LOSSES), "squared_error"
    )


def test_a_family_may_have_several_bases():
    assert isinstance(get_optimizer(LBFGS()), LBFGS)
    assert "an instance of Optimizer or LBFGS" in refusal(get_optimizer, "newton")


def test_a_named_component_is_a_new_one():
    class Part(Component):
        def __init__(self, size=1):
            self.size = size

    given = Part(size=5)
    given.state_ = "fitted"
    made = named_component(given, {"part": Part}, Part, "part")
    assert made is not given
    assert vars(made) == {"size": 5}
    assert vars(named_component("part", {"part": Part}, Part, "part")) == {"size": 1}


class Labelled(Workspace):
    """A workspace of one's own, with no further state."""


@pytest.mark.parametrize("cls", [Workspace, Labelled])
@pytest.mark.parametrize("copy_of", [copy.deepcopy, lambda w: pickle.loads(pickle.dumps(w))])
def test_copies_of_a_workspace_keep_its_class_and_drop_its_arrays(cls, copy_of):
    original = cls(10_000, np.float32)
    array = original("scratch", (10_000, 4))
    made = copy_of(original)
    assert type(made) is cls
    assert (made.n_rows, made.dtype) == (10_000, np.float32)
    assert not np.shares_memory(made("scratch", (10_000, 4)), array)
    assert len(pickle.dumps(original)) < 1000


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Embedding(10_000, 64), "takes only output_dim by position, got 2. .* input_dim"),
        (lambda: Dense(3, "relu", True, "auto", "zeros", False), "by position, got 6"),
        (lambda: LSTM(3, "tanh"), "takes only units by position, got 2"),
        (lambda: SimpleRNN(3, "tanh", True), "takes only units, activation by position"),
        (lambda: Conv2D(8, 3, 1, "same", "channels_last"), "by position, got 5"),
        (lambda: BatchNorm(-1), "takes no argument by position, got 1. .* momentum, epsilon"),
        (lambda: MultiHeadAttention(2, 8, 8, 0.1, True), "by position, got 5"),
        (lambda: TransformerBlock(64, 4), "takes only num_heads by position"),
        (lambda: UpSampling2D(2, "channels_last"), "takes only size by position"),
        (lambda: Adam(0.001), "learning_rate_init of the estimator"),
        (lambda: Cosine(0.1, 1000), "learning_rate_init of the estimator"),
        (lambda: FocalLoss(0.25, 2.0), "by name: gamma, alpha"),
        (lambda: Flatten("channels_last"), "takes no argument by position"),
        (lambda: Flatten(data_format="channels_last"), "unexpected keyword argument"),
        (lambda: Embedding(10_000, output_dim=64), "multiple values for argument 'output_dim'"),
    ],
)
def test_arguments_in_the_order_of_keras_are_refused_where_it_differs(make, told):
    with pytest.raises(TypeError, match=told):
        make()


def all_params(estimator):
    return {name: repr(value) for name, value in estimator.get_params().items()}


@pytest.mark.parametrize(
    "params",
    [
        {"alpha": 1, "nothing": 2},
        {"layers__0__units": 7, "layers__9": 2},
        {"layers__0__units": 7, "layers__1__size": 2},
        {"layers__0": Dense(9), "layers__0__size": 2},
        {"solver__beta_1": 0.5, "solver__nothing": 1},
        {"alpha": 1, "solver": "sgd", "solver__beta_1": 0.5},
        {"layers": [Dense(9)], "layers__1__units": 2},
    ],
)
def test_parameters_are_set_all_or_none(params):
    estimator = NeuralRegressor(layers=[Dense(3), ("last", Dense(4))], solver=Adam())
    before, parts = all_params(estimator), [*estimator.layers, estimator.solver]
    with pytest.raises(ValueError, match="Invalid parameter"):
        estimator.set_params(**params)
    assert all_params(estimator) == before
    assert [*estimator.layers, estimator.solver] == parts


def test_parts_that_are_given_are_not_changed_by_a_refusal():
    layer, estimator = Dense(3), NeuralRegressor()
    with pytest.raises(ValueError, match="'layers__1'"):
        estimator.set_params(layers=[layer], layers__0__units=7, layers__1__units=7)
    assert layer.units == 3
    transformer = StepwiseTransformer(StandardScaler())
    with pytest.raises(ValueError, match="nothing"):
        transformer.set_params(transformer__copy=False, transformer__nothing=1)
    assert transformer.transformer.copy is True


@pytest.mark.parametrize(
    "params, message",
    [
        (
            {"solver__beta_1": 0.8},
            r"solver='adam' has no parameters. .* solver=Adam\(beta_1=...\)",
        ),
        ({"learning_rate__warmup": 1}, r"learning_rate=Constant\(warmup=...\)"),
        (
            {"loss__delta": 1},
            "loss='squared_error' has no .* to an object with a parameter 'delta'",
        ),
        ({"alpha__x": 1}, r"alpha=0.0001 has no parameters"),
        ({"layers__0__": 3}, "Invalid parameter '' for estimator Dense"),
    ],
)
def test_a_parameter_of_a_name_is_refused_with_the_object_to_write(params, message):
    with pytest.raises(ValueError, match=message):
        NeuralRegressor(layers=[Dense(3)]).set_params(**params)


def test_a_parameter_that_cannot_be_copied_is_named():
    with pytest.raises(
        TypeError, match="'units' parameter of Dense holds an object of type 'module'"
    ):
        clone(NeuralRegressor(layers=[Dense(np)]))
