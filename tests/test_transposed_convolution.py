"""Transposed convolutions against sums over all elements, one after the other."""

import numpy as np
import pytest

from sknet.layers import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from sknet.network import Network
from sknet.testing import check_layer


def spread(x, kernel, strides, dilation, start, lengths):
    """Add up the kernel times each element, cut to some lengths from a start on."""
    n_axes = len(strides)
    out = np.zeros((len(x), *lengths, kernel.shape[-2]))
    for place in np.ndindex(*x.shape[1:-1]):
        for tap in np.ndindex(*kernel.shape[:n_axes]):
            target = tuple(
                o * s + j * d - a
                for o, s, j, d, a in zip(place, strides, tap, dilation, start, strict=True)
            )
            if all(0 <= t < n for t, n in zip(target, lengths, strict=True)):
                out[(slice(None), *target)] += x[(slice(None), *place)] @ kernel[tap].T
    return out


KINDS = {1: Conv1DTranspose, 2: Conv2DTranspose, 3: Conv3DTranspose}


@pytest.mark.parametrize(
    ("shape", "size", "strides", "dilation", "padding"),
    [
        ((4,), (3,), (2,), (1,), (1,)),
        ((4,), (2,), (3,), (1,), (2,)),
        ((3, 4), (3, 2), (2, 3), (1, 2), (0, 1)),
        ((2, 3, 3), (2, 3, 1), (1, 2, 2), (1, 1, 1), (0, 1, 1)),
    ],
)
def test_padded_outputs_have_the_lengths_that_were_asked_for(
    shape, size, strides, dilation, padding
):
    x = np.random.default_rng(0).normal(size=(2, *shape, 3))
    layer = KINDS[len(shape)](
        2, size, strides, output_padding=padding, dilation_rate=dilation, use_bias=False
    )
    network = Network(layer, x.shape[1:])
    spans = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    parts = zip(shape, strides, spans, padding, strict=True)
    lengths = tuple((n - 1) * s + span + p for n, s, span, p in parts)
    assert network.output_shape == (*lengths, 2)
    kernel = network.layer.kernel_
    expected = spread(x, kernel, strides, dilation, (0,) * len(shape), lengths)
    np.testing.assert_allclose(network.predict(x), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("size", "padding", "length"), [(3, 0, 7), (3, 1, 8), (2, 1, 7), (5, 1, 8)]
)
def test_same_padding_tells_apart_the_lengths_that_a_convolution_makes_one_of(
    size, padding, length
):
    x = np.random.default_rng(0).normal(size=(2, 4, 3))
    network = Network(
        Conv1DTranspose(2, size, 2, "same", output_padding=padding, use_bias=False), (4, 3)
    )
    assert network.output_shape == (length, 2)
    start = (3 * 2 + size - length) // 2
    expected = spread(x, network.layer.kernel_, (2,), (1,), (start,), (length,))
    np.testing.assert_allclose(network.predict(x), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Conv1DTranspose(2, 3, 2, output_padding=1, activation="tanh"), (4, 2)),
        (Conv1DTranspose(2, 3, 2, "same", output_padding=0), (4, 2)),
        (Conv2DTranspose(2, 3, (2, 3), "same", output_padding=(1, 0)), (3, 2, 2)),
        (Conv3DTranspose(2, 2, (1, 2, 1), activation="gelu"), (3, 2, 2, 2)),
        (Conv3DTranspose(2, (3, 2, 2), 2, "same"), (2, 2, 2, 1)),
    ],
    ids=str,
)
def test_they_keep_the_contract(layer, shape):
    check_layer(layer, shape)
    check_layer(layer, shape, sequence=True)


@pytest.mark.parametrize(
    ("padding", "output_padding", "sentence"),
    [
        ("valid", 2, "expects an output_padding of 0 to 1 for the strides and the kernel_size of"),
        ("same", 2, "expects an output_padding of 0 to 1"),
        ("valid", (1, 1), "output_padding must be an int of at least 0, got (1, 1)."),
        ("valid", -1, "The 'output_padding' parameter of Conv1DTranspose must be"),
    ],
)
def test_other_lengths_have_a_sentence(padding, output_padding, sentence):
    layer = Conv1DTranspose(2, 3, 2, padding, output_padding=output_padding)
    with pytest.raises(ValueError) as caught:
        Network(layer, (4, 3), path="layers__0")
    assert sentence in str(caught.value)
