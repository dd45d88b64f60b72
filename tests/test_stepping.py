"""Sequences read in pieces give what they give as a whole."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from sknet.layers import (
    GRU,
    LSTM,
    Activation,
    BatchNorm,
    Bidirectional,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GlobalAveragePool1D,
    GroupNorm,
    LayerNorm,
    Masking,
    MaxPool1D,
    MultiHeadAttention,
    Parallel,
    PositionalEmbedding,
    Residual,
    RMSNorm,
    Sequential,
    SimpleRNN,
    SpatialDropout1D,
    TimeDistributed,
    TransformerBlock,
    UpSampling1D,
)
from sknet.layers.base import Layer
from sknet.layers.sequential.past import PastSteps
from sknet.network import Network
from sknet.testing import check_layer

N_ROWS, N_STEPS, N_FEATURES, N_CODES = 3, 20, 6, 9

CAUSAL = [
    Dense(4, activation="tanh"),
    Activation("gelu"),
    Dropout(0.3),
    GaussianNoise(0.5),
    SpatialDropout1D(0.3),
    LayerNorm(),
    RMSNorm(),
    Masking(),
    PositionalEmbedding("learned", max_length=25),
    PositionalEmbedding("sinusoidal"),
    TimeDistributed([Flatten(), Dense(5, activation="relu"), LayerNorm()]),
    TimeDistributed([BatchNorm()], trainable=False),
    SimpleRNN(4, return_sequences=True, recurrent_dropout=0.3),
    SimpleRNN(4, activation="relu", return_sequences=True, dropout=0.3, use_bias=False),
    LSTM(4, return_sequences=True),
    GRU(4, return_sequences=True),
    MultiHeadAttention(2, causal=True),
    MultiHeadAttention(2, key_dim=3, value_dim=5, causal=True, dropout=0.3, use_bias=False),
    TransformerBlock(3, causal=True, dropout=0.2),
    Conv1D(4, 3, padding="causal"),
    Conv1D(4, 2, padding="causal", dilation_rate=3, groups=2, activation="elu"),
    Conv1D(4, 1),
    Residual([LayerNorm(), Dense(N_FEATURES), Dropout(0.1)]),
    Residual([Conv1D(N_FEATURES, 4, padding="causal"), Activation("tanh")]),
    Sequential([GRU(5, return_sequences=True), Residual([LSTM(5, return_sequences=True)])]),
    Sequential([]),
    Parallel([[], [GRU(4, return_sequences=True)], [Dense(3), Conv1D(2, 3, padding="causal")]]),
    Parallel([[], LSTM(N_FEATURES, return_sequences=True)], "dot"),
]
NOT_CAUSAL = [
    BatchNorm(),
    GroupNorm(2),
    TimeDistributed([BatchNorm()]),
    Bidirectional(GRU(4, return_sequences=True)),
    GRU(4, return_sequences=True, go_backwards=True),
    LSTM(4),
    MultiHeadAttention(2),
    TransformerBlock(2),
    Conv1D(4, 3, padding="same"),
    Conv1D(4, 3),
    Conv1D(4, 3, padding="causal", strides=2),
    MaxPool1D(2),
    UpSampling1D(2),
    GlobalAveragePool1D(),
    Flatten(),
    Sequential([Dense(4), TransformerBlock(2)]),
    Residual([TransformerBlock(2)]),
    Parallel([[], [TransformerBlock(2)]]),
]
CODES = [
    Embedding(4, input_dim=N_CODES),
    Sequential(
        [
            Embedding(8, input_dim=N_CODES),
            PositionalEmbedding(max_length=N_STEPS),
            TransformerBlock(2, causal=True),
            TransformerBlock(4, intermediate_dim=5, causal=True),
            LayerNorm(),
            Dense(N_CODES),
        ]
    ),
    Sequential(
        [
            Embedding(5, input_dim=N_CODES),
            GRU(6, return_sequences=True),
            GRU(7, return_sequences=True),
            Dense(N_CODES),
        ]
    ),
    Sequential([Embedding(5, input_dim=N_CODES), LSTM(6, return_sequences=True)]),
    Sequential(
        [
            Embedding(4, input_dim=N_CODES),
            Conv1D(6, 2, padding="causal", activation="relu"),
            Residual([Conv1D(6, 3, padding="causal", dilation_rate=2, activation="relu")]),
            Residual([Conv1D(6, 2, padding="causal", dilation_rate=5)]),
        ]
    ),
]


def short(value):
    return " ".join(repr(value).split())


def network_of(layer, codes=False, n_steps=None):
    """Return a network of a copy of the layer, whose weights are all random."""
    shape = (n_steps,) if codes else (n_steps, N_FEATURES)
    network = Network(clone(layer), shape, random_state=0)
    rng = np.random.default_rng(1)
    network.params += rng.normal(scale=0.3, size=network.n_params)
    for part in network.layer.walk():
        if isinstance(part, BatchNorm):
            np.square(part.moving_variance_, out=part.moving_variance_)
    return network


def draw_inputs(codes=False, seed=2, n_rows=N_ROWS):
    rng = np.random.default_rng(seed)
    if codes:
        return rng.integers(0, N_CODES, (n_rows, N_STEPS)).astype(float)
    return rng.normal(size=(n_rows, N_STEPS, N_FEATURES))


def read_in_pieces(advance, x, sizes):
    """Join what is returned for pieces of some sizes, repeated to the end."""
    outs, start = [], 0
    while start < x.shape[1]:
        stop = start + sizes[len(outs) % len(sizes)]
        outs.append(np.array(advance(x[:, start:stop])))
        start = stop
    return np.concatenate(outs, axis=1)


WITH_KINDS = [(layer, False) for layer in CAUSAL] + [(layer, True) for layer in CODES]
SIZES = st.lists(st.integers(1, N_STEPS), min_size=1, max_size=5)


@pytest.mark.parametrize("layer, codes", WITH_KINDS, ids=short)
@settings(deadline=None, max_examples=8, derandomize=True)
@given(sizes=SIZES)
def test_a_sequence_read_in_pieces_gives_what_it_gives_as_a_whole(layer, codes, sizes):
    network, x = network_of(layer, codes), draw_inputs(codes)
    expected = network.replica(N_ROWS).forward(x)
    out = read_in_pieces(network.stepper(N_ROWS).advance, x, sizes)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("layer, codes", WITH_KINDS, ids=short)
def test_single_steps_of_one_sequence_in_a_network_of_fixed_length(layer, codes):
    network, x = network_of(layer, codes, N_STEPS), draw_inputs(codes, n_rows=1)
    out = read_in_pieces(network.stepper(1).advance, x, [1])
    np.testing.assert_allclose(out, network.predict(x.reshape(1, -1)), rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    "layers",
    [
        [Dense(4)],
        [GRU(4, return_sequences=True), SimpleRNN(3, return_sequences=True)],
        [LSTM(4, return_sequences=True)],
        [PositionalEmbedding(max_length=N_STEPS), TransformerBlock(2, causal=True)],
        [Conv1D(5, 3, padding="causal"), Residual([Conv1D(5, 2, padding="causal")])],
        [TimeDistributed([Dense(3)])],
    ],
    ids=short,
)
@pytest.mark.parametrize(
    "masking", [Masking(), Embedding(6, input_dim=N_CODES, mask_zero=True)], ids=short
)
@pytest.mark.parametrize("sizes", [[1], [4, 7, 1], [N_STEPS]])
def test_masked_steps_are_skipped_wherever_they_are(layers, masking, sizes):
    codes = isinstance(masking, Embedding)
    network, x = network_of(Sequential([masking, *layers]), codes), draw_inputs(codes)
    real = np.random.default_rng(4).random(x.shape[:2]) < 0.7
    real[0, :6], real[1], real[2, 5:] = False, True, False
    x[~real] = 0.0
    real &= (x if codes else x.any(axis=2)) != 0
    out = read_in_pieces(network.stepper(N_ROWS).advance, x, sizes)
    expected = network.replica(N_ROWS).forward(x)
    np.testing.assert_allclose(out[real], expected[real], rtol=0, atol=1e-10)


def changed_outputs(layer, codes, training):
    """Tell for each step of the input, but the first, whether earlier outputs depend on it."""
    network, x = network_of(layer, codes, N_STEPS), draw_inputs(codes)

    def run(x):
        # What moving averages learn from one pass must not reach the next.
        replica = network.snapshot().replica(N_ROWS, np.random.default_rng(0))
        return replica.forward(x, training).copy()

    before, changed = run(x), []
    for step in range(1, N_STEPS):
        other = x.copy()
        other[:, step:] = (x[:, step:] + 1) % N_CODES
        changed.append(not np.allclose(run(other)[:, :step], before[:, :step], atol=1e-12))
    return changed


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("layer, codes", WITH_KINDS, ids=short)
def test_no_output_of_a_causal_layer_depends_on_later_steps(layer, codes, training):
    assert network_of(layer, codes).is_causal
    assert not any(changed_outputs(layer, codes, training))


@pytest.mark.parametrize("layer", NOT_CAUSAL, ids=short)
def test_outputs_of_other_layers_depend_on_later_steps_or_are_none_of_a_step(layer):
    network = network_of(layer, n_steps=N_STEPS)
    assert not network.is_causal
    by_step = len(network.output_shape) == 2 and network.output_shape[0] == N_STEPS
    assert not by_step or any(changed_outputs(layer, False, training=True))


@pytest.mark.parametrize("layer", [Dense(N_STEPS), LayerNorm(), RMSNorm()], ids=short)
def test_layers_on_the_last_axis_are_not_causal_where_that_holds_the_steps(layer):
    assert not network_of(layer, codes=True, n_steps=N_STEPS).is_causal
    assert any(changed_outputs(layer, True, training=False))


@pytest.mark.parametrize("layer", NOT_CAUSAL, ids=short)
def test_layers_that_are_not_causal_refuse_in_one_sentence(layer):
    network = network_of(layer, n_steps=N_STEPS)
    with pytest.raises(ValueError, match=r"cannot read sequences a few steps at a time: [^.]*\.$"):
        network.stepper(N_ROWS)
    with pytest.raises(ValueError, match="cannot read sequences"):
        network.replica(N_ROWS).layer.advance(draw_inputs()[:, :2], {})


def test_the_layer_that_is_to_blame_is_named():
    network = network_of(Sequential([Dense(4), Residual([("pair", Sequential([BatchNorm()]))])]))
    path = "layers__1__layers__pair__layers__0"
    with pytest.raises(ValueError, match=rf"Layer '{path}' \(BatchNorm\) cannot"):
        network.stepper(1)


@pytest.mark.parametrize("layer", CODES, ids=short)
def test_readers_do_not_disturb_each_other(layer):
    network = network_of(layer, True)
    first, second = draw_inputs(True), draw_inputs(True, seed=5, n_rows=2)
    readers = network.stepper(N_ROWS), network.stepper(2)
    outs = [], []
    for step in range(N_STEPS):
        for reader, x, out in zip(readers, (first, second), outs, strict=True):
            out.append(reader.advance(x[:, step : step + 1]))
    for x, out in zip((first, second), outs, strict=True):
        expected = network.replica(len(x)).forward(x)
        np.testing.assert_allclose(np.concatenate(out, axis=1), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("layer", CODES, ids=short)
def test_one_replica_serves_several_memories_and_copies_of_them(layer):
    network, x = network_of(layer, True), draw_inputs(True)
    other = x.copy()
    other[:, 8:] = (x[:, 8:] + 1) % N_CODES
    run, memory = network.replica(N_ROWS).layer, {}
    run.advance(x[:, :8], memory)
    branch = copy.deepcopy(memory)
    outs = [np.array(run.advance(x[:, 8:], memory))]
    run.forward(draw_inputs(True, seed=6))
    outs.append(np.array(run.advance(other[:, 8:], branch)))
    for out, whole in zip(outs, (x, other), strict=True):
        expected = network.replica(N_ROWS).forward(whole)[:, 8:]
        np.testing.assert_allclose(out, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("layer", CODES, ids=short)
def test_a_stepper_counts_steps_and_forgets_them(layer):
    network, x = network_of(layer, True), draw_inputs(True)
    stepper = network.stepper(N_ROWS)
    assert stepper.n_steps == 0
    first = stepper.advance(x[:, :5])
    kept = first.copy()
    stepper.advance(x[:, 5:9])
    assert stepper.n_steps == 9
    np.testing.assert_array_equal(first, kept)  # not the memory of the layers
    stepper.reset()
    assert stepper.n_steps == 0
    np.testing.assert_array_equal(stepper.advance(x[:, :5]), kept)


@pytest.mark.parametrize("kind", ["learned", "sinusoidal"])
def test_positions_beyond_the_largest_are_refused_and_not_counted(kind):
    stepper = network_of(PositionalEmbedding(kind, max_length=12)).stepper(N_ROWS)
    x = draw_inputs()
    stepper.advance(x[:, :10])
    with pytest.raises(ValueError, match="expects at most max_length=12 steps, got 13"):
        stepper.advance(x[:, 10:13])
    assert stepper.n_steps == 10
    stepper.advance(x[:, 10:12])
    with pytest.raises(ValueError, match="expects at most max_length=12 steps, got 13"):
        stepper.advance(x[:, :1])
    stepper.reset()
    stepper.advance(x[:, :12])


def test_a_table_of_positions_as_long_as_the_input_is_a_limit_too():
    stepper = network_of(PositionalEmbedding(), n_steps=4).stepper(N_ROWS)
    with pytest.raises(ValueError, match="expects at most max_length=4 steps, got 5"):
        stepper.advance(draw_inputs()[:, :5])


@pytest.mark.parametrize("shape", [(2, 1, 6), (3, 0, 6), (3, 1, 5), (3, 6), (3,), ()], ids=str)
def test_steps_of_another_shape_are_refused(shape):
    stepper = network_of(Dense(2)).stepper(N_ROWS)
    with pytest.raises(ValueError, match=r"expects steps of shape \(3, steps, 6\), got \("):
        stepper.advance(np.zeros(shape))


@pytest.mark.parametrize("layer", CODES, ids=short)
def test_float32_stays_float32_and_codes_may_be_integers(layer):
    network, x = network_of(layer, True), draw_inputs(True).astype(int)
    single = Network(clone(layer), (None,), np.float32)
    single.params[:] = network.params
    out = read_in_pieces(single.stepper(N_ROWS).advance, x, [3, 1])
    assert out.dtype == np.float32
    expected = network.replica(N_ROWS).forward(x.astype(float))
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-4)


def test_attention_weights_of_the_last_steps_are_those_of_the_whole():
    network, x = network_of(MultiHeadAttention(2, causal=True)), draw_inputs()
    whole, pieces = network.replica(N_ROWS).layer, network.replica(N_ROWS).layer
    whole.forward(x)
    read_in_pieces(lambda piece, memory={}: pieces.advance(piece, memory), x, [17, 3])
    expected = whole.attention_weights[:, :, 17:]
    np.testing.assert_allclose(pieces.attention_weights, expected, rtol=0, atol=1e-12)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_past_steps_are_all_there_and_copied_seldom(sizes):
    past, n_rooms, memory = PastSteps(), 0, None
    everything = np.random.default_rng(0).normal(size=(2, 3, sum(sizes), 4))
    stop = 0
    for size in sizes:
        start, stop = stop, stop + size
        found = past.extend(everything[..., start:stop, :])
        np.testing.assert_array_equal(found, everything[..., :stop, :])
        n_rooms += memory is None or not np.shares_memory(found, memory)
        memory = found
    assert n_rooms <= 1 + np.log2(max(stop / 16, 1)) + 1


class RunningSum(Layer):
    """A causal layer that `check_layer` accepts: the sum of all steps so far."""

    _parameter_constraints = {}
    is_causal = True

    def build(self, input_shape):
        return input_shape

    def forward(self, x, training=False, mask=None):
        return np.cumsum(x, axis=1, out=self._work("out", x.shape))

    def advance(self, x, memory, mask=None):
        out = self.forward(x)
        out += memory.get("total", 0.0)
        memory["total"] = out[:, -1:].copy()
        return out

    def backward(self, grad_output, input_grad=True):
        grad = self._work("grad", grad_output.shape)
        np.cumsum(grad_output[:, ::-1], axis=1, out=grad[:, ::-1])
        return grad


class ForgetsTheStepsBefore(RunningSum):
    advance = Layer.advance


class KeepsScratchMemory(RunningSum):
    def advance(self, x, memory, mask=None):
        out = super().advance(x, memory)
        memory["total"] = out[:, -1:]
        return out


class SumsFromTheEnd(RunningSum):
    def forward(self, x, training=False, mask=None):
        return np.cumsum(x[:, ::-1], axis=1, out=self._work("out", x.shape))[:, ::-1]

    def backward(self, grad_output, input_grad=True):
        return np.cumsum(grad_output, axis=1, out=self._work("grad", grad_output.shape))


class LooksAheadInTraining(RunningSum):
    def forward(self, x, training=False, mask=None):
        self._training = training
        return SumsFromTheEnd.forward(self, x) if training else super().forward(x)

    def backward(self, grad_output, input_grad=True):
        return SumsFromTheEnd.backward(self, grad_output)


def test_check_layer_reads_in_pieces():
    check_layer(RunningSum(), (5, 4))
    check_layer(RunningSum(), (1, 4))
    check_layer(Sequential([Dense(4), GRU(3, return_sequences=True)]), (5, 4), sequence=True)


@pytest.mark.parametrize("layer", [ForgetsTheStepsBefore(), KeepsScratchMemory()], ids=short)
def test_check_layer_tells_where_pieces_are_not_the_whole(layer):
    with pytest.raises(AssertionError, match="in pieces have to give what they give whole"):
        check_layer(layer, (5, 4))


@pytest.mark.parametrize("layer", [SumsFromTheEnd(), LooksAheadInTraining()], ids=short)
def test_check_layer_tells_where_later_steps_are_seen(layer):
    with pytest.raises(AssertionError, match="must not depend on later steps"):
        check_layer(layer, (5, 4))
