"""Layers that look at a source: gradients, masks, their formula, and sentences for misuse."""

import numpy as np
import pytest
from scipy.special import softmax

from sknet.layers import (
    GRU,
    LSTM,
    CrossAttention,
    Dense,
    MultiHeadAttention,
    Residual,
    SimpleRNN,
    SourceState,
    TransformerDecoderBlock,
)
from sknet.layers.composite import Composite
from sknet.layers.sequential.source import LooksAtSource
from sknet.network import Network
from sknet.testing import check_layer


class SelfSourced(Composite):
    """Runs its second layer on x; the source is what its first layer makes of x."""

    def build(self, input_shape):
        self._build_children(input_shape, "layers")
        return self._children[1][1].output_shape_

    def readers(self):
        return [part for part in self._children[1][1].walk() if isinstance(part, LooksAtSource)]

    def forward(self, x, training=False, mask=None):
        (_, source), (_, reader) = self._children
        found = source.forward(x, training, mask)
        for part in self.readers():
            part.source, part.source_mask = found, mask
        out = reader.forward(x, training, mask)
        self._mask = reader.compute_mask(x, mask)
        return out

    def backward(self, grad_output, input_grad=True):
        (_, source), (_, reader) = self._children
        grad = reader.backward(grad_output)
        of_source, *others = (part.source_grad for part in self.readers())
        for other in others:
            of_source += other
        grad += source.backward(of_source)
        return grad if input_grad else None


@pytest.mark.parametrize(
    "layer",
    [
        CrossAttention(2),
        CrossAttention(2, key_dim=3, value_dim=5, dropout=0.3),
        CrossAttention(1, use_bias=False),
        Residual([CrossAttention(4), Dense(4), CrossAttention(2)]),
        TransformerDecoderBlock(2, intermediate_dim=6),
        TransformerDecoderBlock(2, key_dim=3, dropout=0.2, activation="relu"),
        SourceState(GRU(4, return_sequences=True)),
        SourceState(LSTM(3, return_sequences=True, recurrent_dropout=0.2), source_dim=4),
        SourceState(SimpleRNN(4, return_sequences=True)),
        SourceState(GRU(4)),
    ],
    ids=repr,
)
def test_layers_that_look_at_a_source_keep_the_contract(layer):
    check_layer(SelfSourced([Dense(4), layer]), (3, 4), batch_size=3, sequence=True)


def sourced(layer, source, shape, mask=None):
    """Return a replica of a network of a layer, which looks at a source."""
    replica = Network(layer, shape, random_state=0).replica(len(source))
    for part in replica.layer.walk():
        if isinstance(part, LooksAtSource):
            part.source, part.source_mask = source, mask
    return replica


def test_steps_take_the_values_of_the_source_by_their_likeness():
    rng = np.random.default_rng(0)
    x, source = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 5, 6))
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 1, 0]], bool)
    replica = sourced(CrossAttention(2, 3, 5, source_dim=6), source, (None, 4), mask)
    out, layer = replica.forward(x), replica.layer
    expected = np.zeros((2, 3, 4)) + layer.output_bias_
    for n in range(2):
        queries = x[n] @ layer.kernel_ + layer.bias_
        projected = source[n][mask[n]] @ layer.source_kernel_ + layer.source_bias_
        keys, values = projected[:, :6], projected[:, 6:]
        for h in range(2):
            q, k = queries[:, 3 * h : 3 * h + 3], keys[:, 3 * h : 3 * h + 3]
            weights = softmax(q @ k.T / np.sqrt(3), axis=1)
            np.testing.assert_allclose(layer.attention_weights[n, h][:, mask[n]], weights)
            rows = slice(5 * h, 5 * h + 5)
            expected[n] += weights @ values[:, rows] @ layer.output_kernel_[rows]
    np.testing.assert_allclose(out, expected)


def test_with_its_input_as_the_source_it_is_self_attention():
    x = np.random.default_rng(0).normal(size=(2, 5, 4))
    other = Network(MultiHeadAttention(2), (None, 4), random_state=1)
    replica = sourced(CrossAttention(2), x, (None, 4))
    layer, given = replica.layer, other.layer
    layer.kernel_[:], layer.source_kernel_[:] = np.split(given.kernel_, [4], axis=1)
    layer.output_kernel_[:] = given.output_kernel_
    np.testing.assert_allclose(replica.forward(x), other.predict(x.reshape(2, -1)))


@pytest.mark.parametrize(
    "layer",
    [
        CrossAttention(2),
        TransformerDecoderBlock(2),
        SourceState(LSTM(3, return_sequences=True), 4),
        Residual([SourceState(GRU(4, return_sequences=True))]),
    ],
    ids=repr,
)
def test_steps_read_in_pieces_look_at_the_same_source(layer):
    rng = np.random.default_rng(0)
    x, source = rng.normal(size=(2, 5, 4)), rng.normal(size=(2, 3, 4))
    replica = sourced(layer, source, (None, 4), np.array([[1, 1, 1], [1, 1, 0]], bool))
    whole, memory = replica.forward(x).copy(), {}
    pieces = [replica.layer.advance(x[:, i : i + 1], memory).copy() for i in range(5)]
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), whole, rtol=1e-12)


def test_a_missing_source_and_one_of_another_width_are_refused():
    x = np.ones((1, 2, 4))
    with pytest.raises(ValueError, match=r"a source to look at, got none\. Put it into"):
        Network(CrossAttention(2), (None, 4)).predict(x.reshape(1, -1))
    with pytest.raises(ValueError, match=r"4 features a step, got one of shape \(steps, 6\)"):
        sourced(CrossAttention(2), np.ones((1, 3, 6)), (None, 4)).forward(x)
    with pytest.raises(ValueError, match=r"got one vector a sequence\. Let the encoder end"):
        sourced(CrossAttention(2), np.ones((1, 6)), (None, 4)).forward(x)
    with pytest.raises(ValueError, match="that num_heads=3 divides, got 4"):
        Network(CrossAttention(3), (None, 4))


@pytest.mark.parametrize("kind", [GRU, LSTM, SimpleRNN])
def test_the_first_state_is_a_squashed_map_of_the_last_real_step(kind):
    rng = np.random.default_rng(0)
    x, source = rng.normal(size=(2, 2, 5)), rng.normal(size=(2, 4, 6))
    mask = np.array([[1, 1, 1, 1], [1, 0, 1, 0]], bool)
    layer = SourceState(kind(3, return_sequences=True), source_dim=6)
    replica = sourced(layer, source, (None, 5), mask)
    part = replica.layer
    start = np.tanh(source[[0, 1], [3, 2]] @ part.kernel_ + part.bias_)
    assert start.shape == (2, 6 if kind is LSTM else 3)
    memory = {"state": start[:, :3], "cell": start[:, 3:]}
    expected = part.layer.advance(x, memory).copy()
    np.testing.assert_allclose(replica.forward(x), expected)
    alone = sourced(layer, source[[0, 1], [3, 2]], (None, 5))
    np.testing.assert_allclose(alone.forward(x), expected)


def test_a_start_from_no_source_or_one_of_another_width_is_refused():
    layer = SourceState(GRU(3, return_sequences=True))
    with pytest.raises(ValueError, match=r"a source to start from, got none\. Put it into"):
        Network(layer, (None, 4)).predict(np.ones((1, 8)))
    with pytest.raises(ValueError, match=r"a source of 3 features, got 4\. Pass this number"):
        sourced(layer, np.ones((1, 2, 4)), (None, 4)).forward(np.ones((1, 2, 4)))
