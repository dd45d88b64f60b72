"""Mirrored and circular padding against NumPy's, each sequence alone."""

import numpy as np
import pytest
from scipy import signal

from sknet import NeuralClassifier
from sknet.layers import Conv1D, Conv2D, Conv3D, DepthwiseConv2D, Flatten, SeparableConv1D
from sknet.network import Network
from sknet.testing import check_layer

MODES = {"reflect": "reflect", "circular": "wrap"}


def convolved(x, kernel, strides, mode):
    """Pad one sample as NumPy does and correlate it with each filter."""
    lengths = x.shape[:-1]
    widths = []
    for n, k, s in zip(lengths, kernel.shape, strides, strict=False):
        total = max((-(-n // s) - 1) * s + k - n, 0)
        widths.append((total // 2, total - total // 2))
    padded = np.pad(x, [*widths, (0, 0)], mode=MODES[mode])
    every = tuple(slice(None, None, s) for s in strides)
    outs = [
        sum(
            signal.correlate(padded[..., c], kernel[..., c, f], "valid")
            for c in range(x.shape[-1])
        )[every]
        for f in range(kernel.shape[-1])
    ]
    return np.stack(outs, axis=-1)


@pytest.mark.parametrize("padding", MODES)
@pytest.mark.parametrize(
    ("kind", "size", "strides", "shape"),
    [
        (Conv1D, (4,), (1,), (7, 2)),
        (Conv1D, (3,), (2,), (8, 2)),
        (Conv1D, (7,), (1,), (3, 2)),  # mirrored more than once
        (Conv1D, (3,), (1,), (1, 2)),
        (Conv2D, (3, 2), (1, 2), (5, 6, 2)),
        (Conv2D, (3, 3), (1, 1), (5, 200, 2)),
        (Conv3D, (2, 3, 1), (1, 1, 1), (3, 4, 2, 2)),
    ],
)
def test_samples_are_padded_by_what_they_hold(kind, size, strides, shape, padding):
    x = np.random.default_rng(0).normal(size=(2, *shape))
    network = Network(kind(3, size, strides, padding, use_bias=False), shape)
    out = network.predict(x)
    for sample, result in zip(x, out, strict=True):
        expected = convolved(sample, network.layer.kernel_, strides, padding)
        np.testing.assert_allclose(result, expected, atol=1e-10)


@pytest.mark.parametrize("padding", MODES)
@pytest.mark.parametrize("strides", [1, 2])
def test_padded_sequences_repeat_their_real_steps(padding, strides):
    x = np.random.default_rng(0).normal(size=(4, 7, 2))
    lengths = [7, 4, 1, 0]
    mask = np.arange(7) < np.array(lengths)[:, None]
    network = Network(Conv1D(3, 3, strides, padding, use_bias=False), (None, 2))
    replica = network.replica(4)
    out = replica.forward(x, mask=mask)
    counts = replica.layer.compute_mask(x, mask).sum(axis=1)
    for i, n in enumerate(lengths[:3]):
        expected = convolved(x[i, :n], network.layer.kernel_, (strides,), padding)
        assert counts[i] == len(expected)
        np.testing.assert_allclose(out[i, : len(expected)], expected, atol=1e-10)
    assert counts[3] == 0


@pytest.mark.parametrize("padding", MODES)
@pytest.mark.parametrize(
    ("layer", "shape", "sequence"),
    [
        (Conv1D(3, 3, activation="tanh"), (5, 2), True),
        (Conv1D(2, 4, 2, dilation_rate=2), (7, 2), True),
        (Conv2D(2, (3, 4)), (4, 5, 2), False),
        (Conv3D(2, 2), (3, 3, 2, 1), True),
        (DepthwiseConv2D(3), (4, 5, 2), False),
        (SeparableConv1D(2, 3), (5, 2), True),
    ],
    ids=str,
)
def test_layers_with_such_padding_keep_the_contract(layer, shape, sequence, padding):
    check_layer(layer.set_params(padding=padding), shape, sequence=sequence)


def test_other_names_are_refused():
    model = NeuralClassifier(layers=[Conv2D(2, 3, padding="mirror"), Flatten()])
    with pytest.raises(ValueError, match="The 'padding' parameter of Conv2D must be"):
        model.fit(np.zeros((4, 5, 5, 1)), [0, 1, 0, 1])
