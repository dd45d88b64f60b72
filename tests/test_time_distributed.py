import numpy as np
import pytest
from sklearn.base import clone

from sknet import NeuralClassifier
from sknet.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNorm,
    Reshape,
    Sequential,
    TimeDistributed,
)
from sknet.network import Network
from sknet.testing import check_layer

LENGTHS = np.array([4, 1, 0, 3])
MASK = np.arange(5) < LENGTHS[:, None]
STACKS = [
    [],
    [Flatten()],
    [Dense(3, activation="tanh")],
    [Flatten(), 3, Dropout(0.3), BatchNorm()],
    [("inner", Sequential([Flatten(), Dense(3)])), LayerNorm()],
]


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def pair(stack, shape):
    """Return networks of the layers distributed over steps and of the layers, of equal weights."""
    step_shape = shape[1:]
    first = Network(TimeDistributed(clone(stack, safe=False)), shape, random_state=1)
    second = Network(Sequential(clone(stack, safe=False)), step_shape, random_state=1)
    np.testing.assert_array_equal(first.params, second.params)
    return first, second


def train(network, x, grad, mask=None):
    grads = np.full_like(network.params, 7.0)
    replica = network.replica(len(x), np.random.default_rng(0), grads)
    out = replica.forward(x, True, mask).copy()
    return out, replica.layer.backward(grad.copy()).copy(), grads[: network.n_trainable]


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 2)], ids=str)
@pytest.mark.parametrize("stack", STACKS, ids=repr)
def test_time_distributed_keeps_the_contract(stack, shape):
    check_layer(TimeDistributed(stack), shape, sequence=True)


def test_a_convolution_over_frames_keeps_the_contract():
    stack = [Conv2D(2, 2, activation="tanh"), Flatten(), Dense(2)]
    check_layer(TimeDistributed(stack), (3, 3, 3, 1), sequence=True)
    check_layer(TimeDistributed([TimeDistributed([Dense(2)])], trainable=False), (3, 2, 2))


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("mask", [None, MASK], ids=["full", "masked"])
def test_each_step_is_what_the_layers_make_of_it(mask, free):
    x = draw(4, 5, 4, 4, 1)
    stack = [Conv2D(3, 3, activation="relu"), Flatten(), Dense(2)]
    network, single = pair(stack, (None if free else 5, 4, 4, 1))
    assert network.output_shape == (None if free else 5, 2)
    out = network.replica(4).forward(x, mask=mask)
    for row, t in np.ndindex(4, 5):
        expected = single.replica(1).forward(x[row, t][None])[0]
        if mask is not None and not mask[row, t]:
            expected = np.zeros(2)
        np.testing.assert_allclose(out[row, t], expected, rtol=1e-12, atol=1e-14)


def test_a_normalization_inside_sees_the_real_steps_alone():
    x, grad = draw(4, 5, 3), draw(4, 5, 2, seed=1)
    x[~MASK] = 1e30
    network, single = pair([Dense(2), BatchNorm(momentum=0.0)], (5, 3))
    out, grad_x, grads = train(network, x, grad, MASK)
    expected = train(single, x[MASK], grad[MASK])
    for got, wanted in ((out[MASK], expected[0]), (grad_x[MASK], expected[1])):
        np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(grads, expected[2])
    np.testing.assert_array_equal(network.params, single.params)
    np.testing.assert_array_equal(out[~MASK], 0)
    np.testing.assert_array_equal(grad_x[~MASK], 0)


def test_a_mask_may_have_gaps_and_is_passed_on():
    x, mask = draw(3, 5, 3), np.random.default_rng(0).random((3, 5)) < 0.5
    network, single = pair([Dense(2, activation="tanh")], (5, 3))
    replica = network.replica(3)
    out = replica.forward(x, mask=mask)
    np.testing.assert_allclose(out[mask], single.predict(x[mask]), rtol=1e-12)
    assert replica.layer.compute_mask(x, mask) is mask
    assert replica.layer.compute_mask(x, None) is None


def test_a_batch_without_a_real_step_gives_zeros_and_no_gradient():
    network, _ = pair([Dense(2), BatchNorm()], (5, 3))
    before = network.params.copy()
    nothing = np.zeros((4, 5), bool)
    out, grad_x, grads = train(network, draw(4, 5, 3), draw(4, 5, 2), nothing)
    assert not out.any() and not grad_x.any() and not grads.any()
    np.testing.assert_array_equal(network.params, before)
    replica = network.replica(4, None, np.empty_like(network.params))
    replica.forward(draw(4, 5, 3), True, nothing)
    assert replica.layer.backward(draw(4, 5, 2), input_grad=False) is None


def test_any_number_of_steps_follows_any_other():
    network, single = pair([Dense(2, activation="tanh")], (None, 3))
    replica = network.replica(2, None, np.zeros_like(network.params))
    for n_steps in (3, 9, 1, 6):
        x = draw(2, n_steps, 3, seed=n_steps)
        out = replica.forward(x, training=True)
        assert out.shape == (2, n_steps, 2)
        np.testing.assert_allclose(out.reshape(-1, 2), single.predict(x.reshape(-1, 3)))
        assert replica.layer.backward(np.ones_like(out)).shape == x.shape


def test_inputs_need_not_be_contiguous():
    x = draw(4, 10, 6)[:, ::2, 1:4]
    network, single = pair([Dense(2)], (5, 3))
    np.testing.assert_allclose(
        network.replica(4).forward(x).reshape(-1, 2), single.predict(x.reshape(-1, 3))
    )


def test_an_embedding_inside_learns_the_number_of_codes():
    X = np.random.default_rng(0).integers(0, 7, (30, 4, 2)).astype(float)
    X[5, 3, 1] = 8
    words = TimeDistributed([Embedding(3), Flatten()])
    model = NeuralClassifier(layers=[words, Flatten()], input_shape=(4, 2), max_iter=2, tol=0)
    model.fit(X, np.arange(30) % 2)
    parts = {type(part): part for part in model.network_.layer.walk()}
    assert parts[Embedding].embeddings_.shape == (9, 3)


def test_parameters_inside_are_reached_and_ints_are_dense_layers_of_the_estimator():
    model = NeuralClassifier(
        layers=[Reshape((3, 2)), TimeDistributed([4, ("top", Dense(2))]), Flatten()],
        activation="tanh",
        max_iter=1,
        tol=0,
    )
    model.set_params(layers__1__layers__top__units=5)
    model.fit(draw(20, 6), np.arange(20) % 2)
    dense = [part for part in model.network_.layer.walk() if isinstance(part, Dense)]
    assert [(part.units, part.activation) for part in dense[:2]] == [(4, "tanh"), (5, None)]


@pytest.mark.parametrize(
    ("layer", "shape", "sentence"),
    [
        (
            TimeDistributed([3]),
            (6,),
            "Layer 'layers__0' (TimeDistributed) expects sequences of shape (steps, ...) with at "
            "least one axis more, got (6,). Put a Reshape before it or pass input_shape.",
        ),
        (
            TimeDistributed([("r", Reshape((5,)))]),
            (3, 2),
            "Layer 'layers__0__layers__r' (Reshape) expects inputs that fill target_shape=(5,)",
        ),
        (TimeDistributed(3), (3, 2), "(TimeDistributed): The 'layers' parameter of TimeDistrib"),
    ],
)
def test_wrong_shapes_and_layers_are_refused_in_one_sentence(layer, shape, sentence):
    model = NeuralClassifier(layers=[layer], input_shape=shape)
    with pytest.raises(ValueError) as caught:
        model.fit(draw(4, 6), [0, 1, 0, 1])
    assert sentence in str(caught.value)
