"""Padding may stand anywhere: in front of the steps of a sequence, behind them or between."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknet import NeuralClassifier, NeuralRegressor
from sknet.layers import (
    GRU,
    LSTM,
    AveragePool1D,
    AveragePool3D,
    BatchNorm,
    Bidirectional,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Cropping1D,
    Dense,
    Embedding,
    Flatten,
    GaussianNoise,
    GlobalAveragePool1D,
    GlobalAveragePool3D,
    GlobalMaxPool1D,
    GlobalMaxPool3D,
    LayerNorm,
    Masking,
    MaxPool1D,
    MaxPool3D,
    PositionalEmbedding,
    Residual,
    Sequential,
    SimpleRNN,
    SpatialDropout1D,
    TimeDistributed,
    TransformerBlock,
    UpSampling1D,
    ZeroPadding1D,
)
from sknet.network import Network
from sknet.testing import check_layer

N, T = 10, 8
RNG = np.random.default_rng(0)
LENGTHS = RNG.integers(3, T, size=N)
SERIES = [RNG.normal(size=(length, 2)) for length in LENGTHS]
TEXTS = [RNG.integers(1, 6, size=length) for length in LENGTHS]
Y = RNG.normal(size=N)
ENDS = np.arange(T) < LENGTHS[:, None]
PLACES = {"front": ENDS[:, ::-1], "gaps": RNG.permuted(ENDS, axis=1)}
SETTINGS = {"max_iter": 2, "tol": 0, "random_state": 0, "dtype": "float64", "batch_size": 4}
STACKS = {
    "valid": [Conv1D(4, 3, activation="tanh"), GlobalMaxPool1D()],
    "strides": [Conv1D(4, 3, 2, "same"), MaxPool1D(2, padding="same"), GlobalAveragePool1D()],
    "causal": [Conv1D(4, 2, padding="causal", dilation_rate=2), AveragePool1D(2), GRU(3)],
    "residual": [Dense(4), Residual([Conv1D(4, 3, padding="same"), BatchNorm()]), LSTM(3)],
    "borders": [Cropping1D(1), ZeroPadding1D((2, 1)), UpSampling1D(2), Conv1D(3, 4, 3), GRU(2)],
    "transposed": [Conv1DTranspose(3, 3, strides=2), LayerNorm(), GlobalAveragePool1D()],
    "waves": [
        Dense(4),
        PositionalEmbedding("sinusoidal"),
        TransformerBlock(2, causal=True),
        GlobalAveragePool1D(),
    ],
    # A limit on the steps of the sequences, not on the padded length.
    "positions": [Dense(4), PositionalEmbedding(max_length=T - 1), Bidirectional(GRU(2))],
    "steps": [TimeDistributed([Dense(3)]), Conv1D(2, 3), GlobalAveragePool1D()],
}


def padded(sequences, mask, value):
    out = np.full((N, T, *sequences[0].shape[1:]), value, dtype=float)
    out[mask] = np.concatenate(sequences)
    return out


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("layers", STACKS.values(), ids=STACKS)
def test_masking_trains_and_predicts_as_without_padding(layers, place):
    X = padded(SERIES, PLACES[place], -9.0)
    params = {"input_shape": (None, 2), **SETTINGS}
    expected = NeuralRegressor(layers=layers, **params).fit(SERIES, Y)
    model = NeuralRegressor(layers=[Masking(-9.0), *layers], **params).fit(X, Y)
    assert_allclose(model.network_.params, expected.network_.params, rtol=0, atol=1e-10)
    alone = np.concatenate([expected.predict([each]) for each in SERIES])
    assert_allclose(model.predict(X), alone, rtol=0, atol=1e-10)
    at_the_end = padded(SERIES, ENDS, -9.0)
    assert_allclose(model.predict(at_the_end), alone, rtol=0, atol=1e-10)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["valid", "strides", "waves", "positions"])
def test_code_0_anywhere_trains_and_predicts_as_without_padding(name, place):
    X, y = padded(TEXTS, PLACES[place], 0), Y > 0
    layers = [Embedding(3, input_dim=6, mask_zero=True), *STACKS[name]]
    params = {"layers": layers, "input_shape": (None,), **SETTINGS}
    expected = NeuralClassifier(**params).fit(TEXTS, y)
    model = NeuralClassifier(**params).fit(X, y)
    assert_allclose(model.network_.params, expected.network_.params, rtol=0, atol=1e-10)
    alone = np.concatenate([expected.predict_proba([each]) for each in TEXTS])
    assert_allclose(model.predict_proba(X), alone, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Conv2D(1, 2, strides=2, padding="same"), (4, 2, 1)),
        (Conv2DTranspose(1, 2, strides=2), (3, 2, 1)),
        (Conv3D(1, 2), (4, 2, 2, 1)),
        (MaxPool3D(2, 1), (4, 2, 2, 1)),
        (AveragePool3D((2, 1, 1)), (4, 2, 2, 1)),
        (GlobalMaxPool3D(), (3, 2, 2, 1)),
        (GlobalAveragePool3D(), (3, 2, 2, 1)),
        (GlobalMaxPool1D(), (4, 4)),
        (Cropping1D(0), (4, 2)),
        (SpatialDropout1D(0.3), (4, 2)),
        (GaussianNoise(0.3), (4, 2)),
        (Sequential([PositionalEmbedding(max_length=4), Conv1D(2, 2)]), (4, 2)),
        (Residual([Conv1D(2, 2, padding="causal"), Dense(2)]), (4, 2)),
        # Inside, the number of steps changes and comes back.
        (Residual([ZeroPadding1D(1), Conv1D(2, 3)]), (4, 2)),
        (Sequential([MaxPool1D(2), UpSampling1D(3), Cropping1D((0, 1)), GRU(1)]), (4, 1)),
    ],
    ids=repr,
)
def test_layers_of_clips_and_stacks_keep_the_contract(layer, shape):
    check_layer(layer, shape, batch_size=4, sequence=True)


def test_outputs_of_steps_stay_where_the_steps_are():
    x, mask = RNG.normal(size=(2, 5, 3)), np.array([[0, 0, 1, 1, 1], [1, 0, 1, 0, 0]], bool)
    for layer in (Conv1D(2, 3, padding="same"), PositionalEmbedding("sinusoidal"), MaxPool1D(1)):
        replica = Network(layer, (None, 3)).replica(2)
        out = replica.forward(x, mask=mask)
        assert_array_equal(replica.layer.compute_mask(x, mask), mask)
        for row, real in enumerate(mask):
            alone = replica.replica(1).forward(x[row : row + 1, real])[0]
            assert_allclose(out[row, real], alone, rtol=0, atol=1e-12)


def test_a_row_depends_on_no_other_even_if_padded_steps_are_looked_at():
    layers = [Masking(-9.0), Conv1D(3, 3, padding="same"), PositionalEmbedding(), Flatten()]
    X = padded(SERIES, np.where(np.arange(N)[:, None] < 4, ENDS, PLACES["gaps"]), -9.0)
    model = NeuralRegressor(layers=layers, input_shape=(T, 2), **SETTINGS).fit(X, Y)
    alone = np.concatenate([model.predict(row[None]) for row in X])
    assert_allclose(model.predict(X), alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("mask", [[1, 1, 0, 0], [0, 1, 1, 1], [1, 0, 1, 0]], ids=str)
def test_shortcuts_around_layers_that_go_backwards_add_the_same_steps(mask):
    backwards = SimpleRNN(3, return_sequences=True, go_backwards=True)
    network, mask = Network(Residual([Residual([backwards])]), (None, 3)), np.array([mask], bool)
    x, replica = RNG.normal(size=(1, 4, 3)), network.replica(1)
    out = replica.forward(x, mask=mask)
    found = out[replica.layer.compute_mask(x, mask)]
    assert_allclose(found, network.replica(1).forward(x[:, mask[0]])[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("layer", [MaxPool1D(2), ZeroPadding1D(1), Conv1D(3, 3)], ids=repr)
def test_shortcuts_around_layers_that_change_the_number_of_steps_are_refused(layer):
    model = NeuralRegressor(layers=[Residual([layer]), GlobalMaxPool1D()], **SETTINGS)
    with pytest.raises(ValueError, match=r"'layers__0' \(Residual\) .* keep the 4 steps"):
        model.fit([np.ones((4, 3)), np.ones((4, 3)), np.ones((5, 3))], [1.0, 2.0, 3.0])


def test_where_the_number_of_steps_changes_real_ones_come_first():
    x, mask = RNG.normal(size=(2, 6, 3)), np.array([[0, 0, 1, 1, 1, 0], [1, 0, 1, 0, 1, 1]], bool)
    for layer, lengths in {
        Conv1D(2, 2): [2, 3],
        AveragePool1D(2): [1, 2],
        UpSampling1D(2): [6, 8],
        Conv1DTranspose(2, 2, strides=2): [6, 8],
        ZeroPadding1D((1, 0)): [4, 5],
        Cropping1D(1): [1, 2],
    }.items():
        replica = Network(layer, (None, 3)).replica(2)
        out = replica.forward(x, mask=mask)
        expected = np.arange(out.shape[1]) < np.array(lengths)[:, None]
        assert_array_equal(replica.layer.compute_mask(x, mask), expected)


@pytest.mark.parametrize("name", ["valid", "strides", "borders", "waves"])
def test_a_sequence_of_padding_alone_changes_nothing_for_others(name):
    X = padded(SERIES, PLACES["front"], -9.0)
    model = NeuralRegressor(layers=[Masking(-9.0), *STACKS[name]], input_shape=(T, 2), **SETTINGS)
    expected = model.fit(X, Y).predict(X)
    X[3] = -9.0
    found = model.predict(X)
    assert_allclose(np.delete(found, 3), np.delete(expected, 3), rtol=0, atol=1e-12)
    assert np.isfinite(found[3])


def test_a_limit_of_positions_counts_real_steps():
    network = Network(PositionalEmbedding(max_length=3), (None, 2))
    mask = np.array([[False, True, True, True, False]])
    out = network.replica(1).forward(np.zeros((1, 5, 2)), mask=mask)
    assert_array_equal(out[mask], network.params.reshape(3, 2))
    mask[0, 0] = True
    with pytest.raises(ValueError, match="at most max_length=3 steps, got 4"):
        network.replica(1).forward(np.zeros((1, 5, 2)), mask=mask)
