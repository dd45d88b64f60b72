import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.base import clone

from sknet import NeuralClassifier, NeuralRegressor
from sknet.layers import GRU, LSTM, Bidirectional, Dense, Residual, Sequential, SimpleRNN
from sknet.network import Network
from sknet.testing import check_layer

KINDS = [SimpleRNN, LSTM, GRU]
kinds = pytest.mark.parametrize("kind", KINDS)

# The published equations, a sequence and a step at a time


def simple_step(weights, x, h, fed, c):
    z = x @ weights["kernel"] + fed @ weights["recurrent_kernel"] + weights["bias"]
    return np.tanh(z), c


def relu_step(weights, x, h, fed, c):
    z = x @ weights["kernel"] + fed @ weights["recurrent_kernel"] + weights["bias"]
    return np.maximum(z, 0), c


def lstm_step(weights, x, h, fed, c):
    z = x @ weights["kernel"] + fed @ weights["recurrent_kernel"] + weights["bias"]
    i, f, g, o = np.split(z, 4)
    c = expit(f) * c + expit(i) * np.tanh(g)
    return expit(o) * np.tanh(c), c


def gru_step(weights, x, h, fed, c):
    b, d = weights["bias"]
    x_z, x_r, x_h = np.split(x @ weights["kernel"] + b, 3)
    h_z, h_r, h_h = np.split(fed @ weights["recurrent_kernel"] + d, 3)
    z, r = expit(x_z + h_z), expit(x_r + h_r)
    return z * h + (1 - z) * np.tanh(x_h + r * h_h), c


STEPS = {SimpleRNN: simple_step, LSTM: lstm_step, GRU: gru_step}


def step_of(layer):
    return relu_step if getattr(layer, "activation", None) == "relu" else STEPS[type(layer)]


def transcribed(layer, weights, x, mask=None, scales=None):
    """Return the states after each step of each sequence, in the order of the steps."""
    n, n_steps, _ = x.shape
    if "bias" not in weights:
        width = weights["kernel"].shape[1]
        shape = (2, width) if isinstance(layer, GRU) else width
        weights = {**weights, "bias": np.zeros(shape)}
    order = range(n_steps)[:: -1 if layer.go_backwards else 1]
    outputs = np.zeros((n, n_steps, layer.units))
    for row in range(n):
        h = c = np.zeros(layer.units)
        for position, t in enumerate(order):
            if mask is None or mask[row, t]:
                fed = h if scales is None else h * scales[row]
                h, c = step_of(layer)(weights, x[row, t], h, fed, c)
            outputs[row, position] = h
    return outputs


def made(layer, x, seed=0, dtype=np.float64, n_steps=None):
    """Build a network of a layer, its weights random, and a replica that trains it."""
    network = Network(clone(layer), (n_steps, x.shape[-1]), dtype, seed)
    network.params[:] = np.random.default_rng(seed).normal(size=network.n_params) * 0.7
    return network, network.replica(len(x), np.random.default_rng(seed), network.params * np.nan)


def weights_of(layer):
    return {weight.name: getattr(layer, f"{weight.name}_") for weight in layer._weights}


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def padded(lengths, n_steps):
    return np.arange(n_steps) < np.array(lengths)[:, None]


#: Padding at the end, in front, gaps inside, nothing real, all real.
GAPS = np.array(
    [
        [1, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 1],
        [1, 0, 0, 1, 0, 1],
        [0, 1, 0, 1, 1, 0],
        [0, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 1],
    ],
    dtype=bool,
)


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("mask", [None, GAPS, padded([6, 2, 4, 1, 3, 2], 6)[:, ::-1]])
@kinds
def test_every_step_is_that_of_the_published_equations(kind, mask, go_backwards):
    x = draw(6, 6, 3)
    layer = kind(4, return_sequences=True, go_backwards=go_backwards)
    network, replica = made(layer, x)
    expected = transcribed(layer, weights_of(network.layer), x, mask)
    np.testing.assert_allclose(replica.forward(x, False, mask), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(replica.forward(x, True, mask), expected, rtol=0, atol=1e-12)
    network.layer.set_params(return_sequences=False)
    last = network.replica(6).forward(x, False, mask)
    np.testing.assert_allclose(last, expected[:, -1], rtol=0, atol=1e-12)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    kind=st.sampled_from(KINDS),
    sizes=st.tuples(*[st.integers(1, 5)] * 4),
    options=st.fixed_dictionaries(
        {name: st.booleans() for name in ("return_sequences", "go_backwards", "use_bias")}
    ),
    masked=st.sampled_from([None, "end", "anywhere"]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 99),
)
def test_all_options_together_follow_the_equations(kind, sizes, options, masked, dtype, seed):
    n, n_steps, features, units = sizes
    x = draw(n, n_steps, features, seed=seed).astype(dtype)
    rng = np.random.default_rng(seed)
    mask = {
        None: None,
        "end": padded(rng.integers(0, n_steps + 1, n), n_steps),
        "anywhere": rng.random((n, n_steps)) < 0.6,
    }[masked]
    layer = kind(units, **options)
    if kind is SimpleRNN and seed % 2:
        layer.set_params(activation="relu")
    network, replica = made(layer, x, seed, dtype)
    out = replica.forward(x, True, mask)
    expected = transcribed(layer, weights_of(network.layer), x, mask)
    assert out.dtype == dtype
    tolerance = 1e-12 if dtype == np.float64 else 1e-4
    expected = expected if layer.return_sequences else expected[:, -1]
    np.testing.assert_allclose(out, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("merge_mode", ["concat", "sum"])
@pytest.mark.parametrize("mask", [None, GAPS])
@kinds
def test_both_directions_are_put_in_the_order_of_time(kind, mask, merge_mode):
    x = draw(6, 6, 3)
    for options in ({}, {"go_backwards": True}):
        layer = kind(4, return_sequences=True, **options)
        network, replica = made(Bidirectional(layer, merge_mode), x)
        ways = [
            transcribed(part, weights_of(part), x, mask) for _, part in network.layer.sublayers()
        ]
        ways[1] = ways[1][:, ::-1]
        merged = np.concatenate(ways, axis=-1) if merge_mode == "concat" else sum(ways)
        np.testing.assert_allclose(replica.forward(x, False, mask), merged, rtol=0, atol=1e-12)
        got = replica.layer.compute_mask(x, mask)
        expected = mask[:, ::-1] if mask is not None and options else mask
        np.testing.assert_array_equal(got, expected)


@kinds
def test_both_directions_end_with_their_last_states(kind):
    x = draw(6, 6, 3)
    network, replica = made(Bidirectional(kind(4)), x)
    (_, first), (_, second) = network.layer.sublayers()
    ways = [transcribed(part, weights_of(part), x, GAPS)[:, -1] for part in (first, second)]
    out = replica.forward(x, False, GAPS)
    np.testing.assert_allclose(out, np.concatenate(ways, axis=1), rtol=0, atol=1e-12)
    assert replica.layer.compute_mask(x, GAPS) is None
    assert (first.go_backwards, second.go_backwards) == (False, True)
    assert not np.array_equal(first.kernel_, second.kernel_)


# Gradients

CONTRACT = [
    SimpleRNN(3),
    SimpleRNN(3, activation="relu", return_sequences=True, go_backwards=True),
    SimpleRNN(2, use_bias=False, dropout=0.3, recurrent_dropout=0.3),
    LSTM(3),
    LSTM(2, return_sequences=True, go_backwards=True),
    LSTM(2, use_bias=False, unit_forget_bias=False, return_sequences=True),
    LSTM(3, return_sequences=True, dropout=0.3, recurrent_dropout=0.4),
    GRU(3),
    GRU(2, return_sequences=True, go_backwards=True, recurrent_initializer="glorot_normal"),
    GRU(2, use_bias=False),
    GRU(3, return_sequences=True, dropout=0.3, recurrent_dropout=0.4, trainable=False),
    Bidirectional(LSTM(2, return_sequences=True)),
    Bidirectional(GRU(2, go_backwards=True, recurrent_dropout=0.3), merge_mode="sum"),
    Bidirectional(SimpleRNN(2, return_sequences=True, go_backwards=True), merge_mode="sum"),
    Sequential([GRU(2, return_sequences=True, go_backwards=True), LSTM(2)]),
    Sequential([Bidirectional(LSTM(2, return_sequences=True)), Dense(3), SimpleRNN(2)]),
    Residual([LSTM(3, return_sequences=True), ("top", GRU(3, return_sequences=True))]),
]


@pytest.mark.parametrize("layer", CONTRACT, ids=lambda layer: repr(layer).replace("\n", ""))
def test_every_layer_keeps_the_contract(layer):
    check_layer(layer, (4, 3), sequence=True)


def test_the_contract_holds_for_single_steps_features_and_units():
    for kind in KINDS:
        check_layer(kind(1), (1, 1), batch_size=2, sequence=True)
        check_layer(kind(1, use_bias=False, return_sequences=True), (3, 1), sequence=True)


@pytest.mark.parametrize("return_sequences", [False, True])
@kinds
def test_gradients_agree_with_differences_for_any_gaps(kind, return_sequences):
    # The outputs of masked steps count as well: they repeat the ones before.
    x = draw(6, 6, 2)
    for go_backwards in (False, True):
        layer = kind(2, return_sequences=return_sequences, go_backwards=go_backwards)
        network, replica = made(layer, x)
        out = replica.forward(x, True, GAPS)
        direction = draw(*out.shape, seed=1)

        def slope(values, index, network=network, direction=direction):
            value, results = values[index], []
            for step in (1e-5, -1e-5):
                values[index] = value + step
                results.append(np.vdot(network.replica(6).forward(x, True, GAPS), direction))
            values[index] = value
            return (results[0] - results[1]) / 2e-5

        grad_x = replica.layer.backward(direction.copy())
        for values, grads in [(x, grad_x)] + [
            (values, getattr(replica.layer, f"{name}_grad_"))
            for name, values in weights_of(network.layer).items()
        ]:
            expected = [slope(values, index) for index in np.ndindex(values.shape)]
            np.testing.assert_allclose(grads.ravel(), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("kind", [*KINDS, Bidirectional])
def test_a_padded_batch_equals_each_sequence_alone(kind, return_sequences, go_backwards):
    lengths = [3, 6, 1, 4, 6]
    mask = padded(lengths, 8)
    x = draw(5, 8, 3)
    x[~mask] = 1e30
    options = {"return_sequences": return_sequences, "go_backwards": go_backwards}
    layer = Bidirectional(GRU(4, **options)) if kind is Bidirectional else kind(4, **options)
    network, replica = made(layer, x)
    out = replica.forward(x, True, mask).copy()
    out_mask = replica.layer.compute_mask(x, mask)
    direction = draw(*out.shape, seed=1)
    if return_sequences:
        direction *= out_mask[:, :, None]
    grad_x = replica.layer.backward(direction.copy())
    together = np.concatenate([grads.ravel() for grads in _weight_grads(replica)])
    assert np.all(grad_x[~mask] == 0)
    total = 0
    for row, length in enumerate(lengths):
        alone = network.replica(1, grads=network.params * np.nan)
        single = alone.forward(x[row : row + 1, :length], True)[0]
        real = slice(None) if out_mask is None else out_mask[row]
        np.testing.assert_allclose(out[row, real], single, rtol=0, atol=1e-12)
        where = (row, real) if return_sequences else row
        single_grad = alone.layer.backward(np.ascontiguousarray(direction[where])[None])
        np.testing.assert_allclose(grad_x[row, :length], single_grad[0], rtol=0, atol=1e-12)
        total = total + np.concatenate([grads.ravel() for grads in _weight_grads(alone)])
    np.testing.assert_allclose(together, total, rtol=0, atol=1e-11)


def _weight_grads(network):
    for part in network.layer.walk():
        for weight in part._weights:
            yield getattr(part, f"{weight.name}_grad_")


# Masks and order


@kinds
def test_backwards_over_a_padded_batch_is_forwards_over_each_sequence_reversed(kind):
    lengths = [2, 5, 3]
    x = draw(3, 5, 3)
    network, _ = made(kind(4, go_backwards=True), x)
    out = network.replica(3).forward(x, False, padded(lengths, 5)).copy()
    network.layer.set_params(go_backwards=False)
    for row, length in enumerate(lengths):
        alone = network.replica(1).forward(x[row : row + 1, :length][:, ::-1])
        np.testing.assert_allclose(out[row], alone[0], rtol=0, atol=1e-12)


@kinds
def test_masked_steps_repeat_the_output_before_and_begin_with_zeros(kind):
    x = draw(6, 6, 3)
    _, replica = made(kind(4, return_sequences=True), x)
    out = replica.forward(x, False, GAPS)
    np.testing.assert_array_equal(out[0, 3:], out[0, [2, 2, 2]])
    np.testing.assert_array_equal(out[2, 1:3], out[2, [0, 0]])
    assert np.all(out[1, :2] == 0) and np.all(out[4] == 0)
    assert np.all(out[1, 2] != 0)


def test_the_mask_of_a_reversed_output_is_reversed():
    x, mask = draw(2, 4, 3), padded([2, 4], 4)
    lower = LSTM(3, return_sequences=True, go_backwards=True)
    network, replica = made(Sequential([lower, GRU(2)]), x)
    parts = [part for _, part in network.layer.sublayers()]
    inner = transcribed(parts[0], weights_of(parts[0]), x, mask)
    expected = transcribed(parts[1], weights_of(parts[1]), inner, mask[:, ::-1])[:, -1]
    np.testing.assert_allclose(replica.forward(x, False, mask), expected, rtol=0, atol=1e-12)
    inside = dict(replica.layer.sublayers())
    np.testing.assert_array_equal(inside["0"].compute_mask(x, mask), mask[:, ::-1])
    assert inside["0"].compute_mask(x, None) is None
    assert inside["1"].compute_mask(x, mask) is None


@pytest.mark.parametrize("return_sequences", [False, True])
@kinds
def test_a_batch_without_any_real_step_gives_zeros_and_no_gradients(kind, return_sequences):
    x, mask = draw(2, 3, 3), np.zeros((2, 3), bool)
    _, replica = made(kind(4, return_sequences=return_sequences), x)
    out = replica.forward(x, True, mask)
    assert np.all(out == 0)
    assert np.all(replica.layer.backward(np.ones_like(out)) == 0)
    assert all(np.all(grads == 0) for grads in _weight_grads(replica))


@pytest.mark.parametrize("recurrent_dropout", [0.0, 0.4])
@pytest.mark.parametrize("kind", [*KINDS, Bidirectional])
def test_nothing_is_left_over_from_batches_of_other_shapes(kind, recurrent_dropout):
    options = {"return_sequences": True, "recurrent_dropout": recurrent_dropout}
    layer = Bidirectional(LSTM(3, **options)) if kind is Bidirectional else kind(3, **options)
    network, replica = made(layer, draw(4, 5, 2))
    batches = [(4, 5), (4, 5), (2, 5), (4, 5), (4, 9), (4, 5), (3, 7), (2, 1), (4, 5), (4, 9)]
    for number, (n, n_steps) in enumerate(batches):
        x = draw(n, n_steps, 2, seed=number)
        ragged = padded(np.arange(n) + 1, n_steps)
        for training, mask in ((True, None), (False, None), (True, ragged), (True, None)):
            state = replica.layer._rng.bit_generator.state
            out = replica.forward(x, training, mask).copy()
            rng = np.random.default_rng()
            rng.bit_generator.state = state
            fresh = network.replica(n, rng, np.empty_like(network.params))
            np.testing.assert_array_equal(out, fresh.forward(x, training, mask))
            if training:
                found = replica.layer.backward(out.copy()).copy()
                np.testing.assert_array_equal(found, fresh.layer.backward(out.copy()))
                for ours, theirs in zip(_weight_grads(replica), _weight_grads(fresh), strict=True):
                    np.testing.assert_array_equal(ours, theirs)


def test_no_state_is_kept_between_batches():
    x = draw(3, 4, 2)
    for kind in KINDS:
        _, replica = made(kind(3), x)
        first = replica.forward(x).copy()
        replica.forward(x[::-1] + 1.0)
        np.testing.assert_array_equal(replica.forward(x), first)


@kinds
def test_large_inputs_saturate_and_give_finite_gradients(kind):
    x = draw(3, 4, 2).astype(np.float32) * np.float32(1e6)
    _, replica = made(kind(3), x, dtype=np.float32)
    out = replica.forward(x, training=True)
    assert np.all(np.abs(out) <= 1)
    assert np.isfinite(replica.layer.backward(np.ones_like(out))).all()


# Noise


def test_inputs_are_dropped_at_all_steps_of_a_sequence_alike():
    x = np.ones((400, 5, 3))
    layer = SimpleRNN(3, activation="relu", return_sequences=True, dropout=0.25, use_bias=False)
    network, replica = made(layer, x)
    network.layer.kernel_[:], network.layer.recurrent_kernel_[:] = np.eye(3), 0
    out = replica.forward(x, training=True)
    assert np.all(out == out[:, :1])
    np.testing.assert_allclose(np.unique(out), [0, 1 / 0.75], rtol=1e-12)
    assert np.mean(out == 0) == pytest.approx(0.25, abs=0.04)
    np.testing.assert_array_equal(replica.forward(x), x)


@kinds
def test_states_are_dropped_on_their_way_through_the_recurrent_kernel(kind):
    n, units = 300, 2
    x = draw(n, 4, 3)
    layer = kind(units, return_sequences=True, recurrent_dropout=0.4)
    network, replica = made(layer, x)
    out = replica.forward(x, True)
    weights = weights_of(network.layer)
    kept = 0
    for scales in np.ndindex(2, 2):
        scales = np.tile(np.array(scales) / 0.6, (n, 1))
        expected = transcribed(layer, weights, x, scales=scales)
        same = np.isclose(out, expected, rtol=0, atol=1e-12).all(axis=(1, 2))
        kept = kept + same[:, None] * scales
    # Each sequence follows one of the four ways to drop, the same at all steps.
    assert np.mean(kept > 0) == pytest.approx(0.6, abs=0.06)
    expected = transcribed(layer, weights, x, scales=kept)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-12)
    expected = transcribed(layer, weights, x)
    np.testing.assert_allclose(replica.forward(x), expected, rtol=0, atol=1e-12)


def test_layers_with_dropout_are_stochastic():
    for kind in KINDS:
        built = [kind(2), kind(2, dropout=0.1), kind(2, recurrent_dropout=0.1)]
        assert [layer.is_stochastic for layer in built] == [False, True, True]
        networks = [Network(Bidirectional(layer), (3, 2)) for layer in built]
        assert [n.layer.is_stochastic for n in networks] == [False, True, True]


# Weights


@pytest.mark.parametrize(("kind", "n_gates"), [(SimpleRNN, 1), (LSTM, 4), (GRU, 3)])
def test_weights_start_as_they_should(kind, n_gates):
    layer = Network(kind(5), (None, 3), random_state=0).layer
    assert layer.kernel_.shape == (3, n_gates * 5)
    limit = np.sqrt(6 / (3 + n_gates * 5))
    assert 0.8 * limit < np.abs(layer.kernel_).max() <= limit
    recurrent = layer.recurrent_kernel_
    assert recurrent.shape == (5, n_gates * 5)
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(5), atol=1e-12)
    if kind is not LSTM:
        np.testing.assert_array_equal(layer.bias_, np.zeros(layer.bias_.shape))
    assert layer.bias_.shape == ((2, 15) if kind is GRU else (n_gates * 5,))


def test_the_forget_gate_starts_open():
    bias = Network(LSTM(3), (None, 2)).layer.bias_
    np.testing.assert_array_equal(bias, [0] * 3 + [1] * 3 + [0] * 6)
    layer = LSTM(3, bias_initializer="normal")
    bias = Network(layer, (None, 2), random_state=0).layer.bias_
    np.testing.assert_array_equal(bias[3:6], 1)
    assert np.all(np.delete(bias, [3, 4, 5]) != 0)
    layer = LSTM(3, bias_initializer="ones", unit_forget_bias=False)
    np.testing.assert_array_equal(Network(layer, (None, 2)).layer.bias_, 1)
    assert not hasattr(Network(LSTM(3, use_bias=False), (None, 2)).layer, "bias_")


@kinds
def test_only_kernels_decay(kind):
    layer = Network(kind(3), (None, 2)).layer
    assert {weight.name: weight.decay for weight in layer._weights} == {
        "kernel": True,
        "recurrent_kernel": True,
        "bias": False,
    }


def test_output_shapes_pass_on_a_free_number_of_steps():
    for n_steps in (None, 7):
        for kind in KINDS:
            assert Network(kind(4), (n_steps, 2)).output_shape == (4,)
            layer = kind(4, return_sequences=True)
            assert Network(layer, (n_steps, 2)).output_shape == (n_steps, 4)
            assert Network(Bidirectional(clone(layer)), (n_steps, 2)).output_shape == (n_steps, 8)
            layer = Bidirectional(clone(layer), merge_mode="sum")
            assert Network(layer, (n_steps, 2)).output_shape == (n_steps, 4)


def test_frozen_directions_keep_their_weights():
    network = Network(Bidirectional(LSTM(2), trainable=False), (None, 2))
    assert network.n_trainable == 0
    assert all(part.is_frozen for part in network.layer.walk())
    network = Network(Bidirectional(LSTM(2, trainable=False)), (None, 2))
    assert network.n_trainable == 0


# Parameters, copies, errors


@pytest.mark.parametrize(
    "layer",
    [
        SimpleRNN(3, activation="relu"),
        LSTM(3, return_sequences=True, go_backwards=True),
        GRU(3, recurrent_dropout=0.2),
        Bidirectional(LSTM(3, return_sequences=True), merge_mode="sum"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_networks_of_recurrent_layers_survive_pickling_and_cloning(layer):
    x, mask = draw(4, 5, 2), padded([2, 5, 1, 3], 5)
    network, _ = made(layer, x)
    expected = network.replica(4).forward(x, False, mask).copy()
    loaded = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(loaded.replica(4).forward(x, False, mask), expected)
    assert repr(loaded.layer) == repr(layer) == repr(clone(network.layer))
    snapshot = network.snapshot()
    network.params[:] = 0
    np.testing.assert_array_equal(snapshot.replica(4).forward(x, False, mask), expected)


def test_parameters_of_the_layer_inside_are_reached_by_name():
    layer = Bidirectional(LSTM(3))
    assert layer.get_params()["layer__units"] == 3
    layer.set_params(layer__units=5, merge_mode="sum")
    assert (layer.layer.units, layer.merge_mode) == (5, "sum")
    model = NeuralClassifier(layers=[("both", Bidirectional(GRU(4))), 3])
    model.set_params(layers__both__layer__dropout=0.5, layers__both__layer=SimpleRNN(2))
    assert model.get_params()["layers__both__layer__units"] == 2
    copy = clone(model)
    copy.set_params(layers__both__layer__units=9)
    assert model.layers[0][1].layer.units == 2


def test_both_directions_have_the_parameters_of_the_layer():
    network = Network(Bidirectional(LSTM(3, dropout=0.2, unit_forget_bias=False)), (4, 2))
    (_, first), (_, second) = network.layer.sublayers()
    assert second.get_params() == {**first.get_params(), "go_backwards": True}


@pytest.mark.parametrize(
    ("layers", "input_shape", "sentence"),
    [
        ([LSTM(3)], (4,), "Layer 'layers__0' (LSTM) expects inputs of shape (steps, features), "),
        ([GRU(3), GRU(3)], (4, 2), "Layer 'layers__1' (GRU) expects inputs of shape (steps, fea"),
        ([Bidirectional(GRU(3))], (2, 2, 2), "Layer 'layers__0__layer' (GRU) expects inputs of "),
        ([SimpleRNN(0)], (4, 2), "Layer 'layers__0' (SimpleRNN): The 'units' parameter"),
        ([SimpleRNN(2, activation="gelu")], (4, 2), "(SimpleRNN): The 'activation' parameter"),
        ([LSTM(2, dropout=1.0)], (4, 2), "(LSTM): The 'dropout' parameter"),
        ([GRU(2, recurrent_dropout=-0.1)], (4, 2), "(GRU): The 'recurrent_dropout' parameter"),
        ([Bidirectional(Dense(3))], (4, 2), "(Bidirectional): The 'layer' parameter"),
        ([Bidirectional(LSTM(3), merge_mode="mul")], (4, 2), "The 'merge_mode' parameter"),
    ],
)
def test_wrong_layers_and_shapes_are_told(layers, input_shape, sentence):
    with pytest.raises(ValueError) as caught:
        Network(Sequential(layers), input_shape, path="")
    assert sentence in str(caught.value)


# Learning


@pytest.mark.parametrize(
    "layers",
    [
        [LSTM(8)],
        [Bidirectional(GRU(6))],
        [GRU(6, return_sequences=True), SimpleRNN(6)],
        [Bidirectional(LSTM(4, return_sequences=True), merge_mode="sum"), LSTM(6)],
    ],
    ids=lambda layers: "-".join(type(layer).__name__ for layer in layers),
)
def test_recurrent_networks_learn_what_came_first(layers):
    X = draw(400, 6, 2)
    y = X[:, 0, 0] > 0
    model = NeuralClassifier(
        layers=layers,
        input_shape=(6, 2),
        learning_rate_init=0.02,
        max_iter=25,
        tol=0,
        batch_size=50,
        random_state=0,
    ).fit(X.reshape(400, 12)[:300], y[:300])
    assert model.score(X.reshape(400, 12)[300:], y[300:]) > 0.9


def test_a_recurrent_network_learns_sums_of_sequences_of_any_length():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, 1)) for n in rng.integers(1, 8, 300)]
    y = np.array([np.tanh(x.sum()) for x in X])
    model = NeuralRegressor(
        layers=[GRU(8)],
        input_shape=(None, 1),
        learning_rate_init=0.02,
        max_iter=30,
        tol=0,
        batch_size=50,
        random_state=0,
    ).fit(X[:200], y[:200])
    assert model.score(X[200:], y[200:]) > 0.9
