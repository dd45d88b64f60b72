"""Pooling against loops over the windows of each sequence alone."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sknet.layers import (
    AveragePool1D,
    AveragePool2D,
    AveragePool3D,
    GlobalAveragePool1D,
    GlobalAveragePool2D,
    GlobalAveragePool3D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    GlobalMaxPool3D,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    Sequential,
)
from sknet.network import Network
from sknet.testing import check_layer

WINDOWED = {
    "max": (MaxPool1D, MaxPool2D, MaxPool3D),
    "mean": (AveragePool1D, AveragePool2D, AveragePool3D),
}
GLOBAL = {
    "max": (GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D),
    "mean": (GlobalAveragePool1D, GlobalAveragePool2D, GlobalAveragePool3D),
}


def run(layer, x, grad=None, mask=None, shape=None):
    """Run a layer alone; return its output, the mask of the output and the gradient of x."""
    network = Network(layer, x.shape[1:] if shape is None else shape, x.dtype)
    replica = network.replica(len(x), np.random.default_rng(0), network.params.copy())
    out = replica.forward(x, training=True, mask=mask).copy()
    grad_x = None if grad is None else replica.layer.backward(grad.copy()).copy()
    return out, replica.layer.compute_mask(x, mask), grad_x


def naive_pool(x, grad, size, strides, padding, kind):
    """Pool one sample of shape (*lengths, C); return the output and the gradient of x."""
    lengths = x.shape[:-1]
    ranges = []
    for n, k, s in zip(lengths, size, strides, strict=True):
        if padding == "same":
            n_out = -(-n // s)
            front = max((n_out - 1) * s + k - n, 0) // 2
        else:
            n_out, front = max((n - k) // s + 1, 0), 0
        ranges.append([range(i * s - front, i * s - front + k) for i in range(n_out)])
    out = np.zeros((*map(len, ranges), x.shape[-1]))
    grad_x = np.zeros_like(x)
    for index in np.ndindex(*out.shape):
        window = product(*(r[i] for r, i in zip(ranges, index[:-1], strict=True)))
        inside = [
            (*cell, index[-1])
            for cell in window
            if all(0 <= i < n for i, n in zip(cell, lengths, strict=True))
        ]
        values = [x[cell] for cell in inside]
        if kind == "max":
            out[index] = max(values)
            # The first along the last axis, then along the one before it.
            best = min((c for c in inside if x[c] == out[index]), key=lambda c: c[::-1])
            grad_x[best] += grad[index]
        else:
            out[index] = sum(values) / len(values)
            for cell in inside:
                grad_x[cell] += grad[index] / len(values)
    return out, grad_x


def draw_few_values(rng, shape):
    # Whole numbers, so that equal maxima are common.
    return rng.integers(-3, 4, size=shape).astype(float)


@st.composite
def pooled_inputs(draw):
    n_axes = draw(st.integers(1, 3))
    longest = (9, 6, 4)[n_axes - 1]
    lengths = [draw(st.integers(1, longest)) for _ in range(n_axes)]
    size = tuple(draw(st.integers(1, 4)) for _ in range(n_axes))
    strides = draw(st.none() | st.tuples(*[st.integers(1, 4)] * n_axes))
    padding = draw(st.sampled_from(["valid", "same"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    x = draw_few_values(rng, (4, *lengths, draw(st.integers(1, 3))))
    mask = None
    if draw(st.booleans()):
        real = rng.integers(0, lengths[0] + 1, size=4)
        mask = np.arange(lengths[0]) < real[:, None]
    return x, mask, size, strides, padding, rng


@pytest.mark.parametrize("kind", ["max", "mean"])
@settings(deadline=None, max_examples=150, derandomize=True)
@given(inputs=pooled_inputs())
def test_each_sequence_is_pooled_as_it_would_be_alone(kind, inputs):
    x, mask, size, strides, padding, rng = inputs
    layer = WINDOWED[kind][len(size) - 1](size, strides, padding)
    if padding == "valid" and any(n < k for n, k in zip(x.shape[1:], size, strict=False)):
        with pytest.raises(ValueError, match="expects inputs of at least"):
            run(layer, x)
        return
    network = Network(layer, x.shape[1:])
    grad = rng.normal(size=(len(x), *network.output_shape))
    real_steps = [x.shape[1]] * len(x)
    if mask is not None:
        real_steps = mask.sum(axis=1)
        kept = network.layer.compute_mask(x, mask)
        grad *= kept.reshape(*kept.shape, *(1,) * (grad.ndim - 2))
    out, mask_out, grad_x = run(layer, x, grad, mask)
    assert np.isfinite(out).all()
    for i, n_steps in enumerate(real_steps):
        alone = x[i, :n_steps], grad[i], size, strides or size, padding, kind
        expected, expected_grad = naive_pool(*alone)
        n_out = len(expected)
        if mask is not None:
            assert mask_out[i].tolist() == [t < n_out for t in range(out.shape[1])]
        np.testing.assert_allclose(out[i, :n_out], expected, atol=1e-12)
        np.testing.assert_allclose(grad_x[i, :n_steps], expected_grad, atol=1e-12)
        assert not grad_x[i, n_steps:].any()


@pytest.mark.parametrize("kind", ["max", "mean"])
@pytest.mark.parametrize("n_axes", [1, 2, 3])
@pytest.mark.parametrize("masked", [False, True])
def test_global_pooling_takes_one_window_over_the_real_steps(kind, n_axes, masked):
    rng = np.random.default_rng(n_axes)
    for lengths in ((5, 3, 4), (1, 2, 3), (4, 1, 1), (6, 5, 1)):
        lengths = lengths[:n_axes]
        x = draw_few_values(rng, (4, *lengths, 3))
        grad = rng.normal(size=(4, 3))
        real_steps = np.array([lengths[0], 1, 0, min(2, lengths[0])])
        mask = np.arange(lengths[0]) < real_steps[:, None] if masked else None
        out, mask_out, grad_x = run(GLOBAL[kind][n_axes - 1](), x, grad, mask)
        assert mask_out is None
        for i, n_steps in enumerate(real_steps if masked else [lengths[0]] * 4):
            if n_steps == 0:
                assert not out[i].any() and not grad_x[i].any()
                continue
            sample = x[i, :n_steps]
            ones = (1,) * n_axes
            expected, expected_grad = naive_pool(
                sample, grad[i].reshape(*ones, 3), sample.shape[:-1], ones, "valid", kind
            )
            np.testing.assert_allclose(out[i], expected.reshape(3), atol=1e-12)
            np.testing.assert_allclose(grad_x[i, :n_steps], expected_grad, atol=1e-12)
            assert not grad_x[i, n_steps:].any()


@pytest.mark.parametrize("kind", ["max", "mean"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batches_of_many_blocks_are_pooled_like_small_ones(kind, dtype):
    # More samples than are worked on at a time, with rows and columns that are left over.
    x = np.random.default_rng(0).normal(size=(70, 27, 29, 5)).astype(dtype)
    grad = np.random.default_rng(1).normal(size=(70, 13, 14, 5)).astype(dtype)
    out, _, grad_x = run(WINDOWED[kind][1](2), x, grad)
    cells = x[:, :26, :28].reshape(70, 13, 2, 14, 2, 5)
    expected = cells.max(axis=(2, 4)) if kind == "max" else cells.mean(axis=(2, 4))
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)
    large = [np.repeat(np.repeat(a, 2, axis=1), 2, axis=2) for a in (expected, grad)]
    shared = (x[:, :26, :28] == large[0]) * large[1] if kind == "max" else large[1] / 4
    np.testing.assert_allclose(grad_x[:, :26, :28], shared, rtol=1e-6)
    assert not grad_x[:, 26:].any() and not grad_x[:, :, 28:].any()


def test_padding_is_neither_counted_nor_the_maximum():
    x = np.array([[[-4.0], [-2.0], [-6.0]]])
    np.testing.assert_array_equal(run(MaxPool1D(3, 1, "same"), x)[0].ravel(), [-2, -2, -2])
    np.testing.assert_array_equal(run(AveragePool1D(3, 1, "same"), x)[0].ravel(), [-3, -4, -4])


def test_one_of_several_equal_maxima_gets_the_whole_gradient():
    x = np.zeros((1, 4, 4, 1))
    _, _, grad = run(MaxPool2D(2), x, np.ones((1, 2, 2, 1)))
    np.testing.assert_array_equal(grad[0, :, :, 0], [[1, 0, 1, 0], [0] * 4, [1, 0, 1, 0], [0] * 4])
    x[0, :, :, 0] = [[0, 5, 1, 1], [5, 0, 1, 1], [0, 0, 0, 7], [0, 2, 0, 7]]
    _, _, grad = run(MaxPool2D(2), x, np.ones((1, 2, 2, 1)))
    np.testing.assert_array_equal(
        grad[0, :, :, 0], [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0]]
    )


@pytest.mark.parametrize("layer", [MaxPool1D(2, 1), AveragePool1D(2, 1)], ids=repr)
def test_real_steps_with_gaps_between_them_are_pooled_as_neighbours(layer):
    x = np.array([[[1.0], [100.0], [3.0], [100.0], [100.0], [5.0]]])
    mask = np.array([[True, False, True, False, False, True]])
    weights = np.array([[[1.0], [1.0], [0.0], [0.0], [0.0]]])  # 1, 3, 5 have two windows
    out, out_mask, grad = run(layer, x, weights, mask)
    np.testing.assert_array_equal(out_mask, [[True, True, False, False, False]])
    is_maximum = isinstance(layer, MaxPool1D)
    np.testing.assert_array_equal(out[0, :2, 0], [3, 5] if is_maximum else [2, 4])
    expected = [0, 0, 1, 0, 0, 1] if is_maximum else [0.5, 0, 1, 0, 0, 0.5]
    np.testing.assert_array_equal(grad.ravel(), expected)


@pytest.mark.parametrize(
    ("layer", "channels", "axes"),
    [(MaxPool1D(2), 3, ()), (AveragePool1D(3, 1, "same"), 2, ()), (MaxPool3D(2), 2, (4, 4))],
    ids=str,
)
def test_sequences_may_have_any_length(layer, channels, axes):
    network = Network(layer, (None, *axes, channels))
    assert network.output_shape[0] is None
    replica = network.replica(3, None, np.zeros(0))
    for n_steps in (4, 9, 5):
        x = np.random.default_rng(n_steps).normal(size=(3, n_steps, *axes, channels))
        np.testing.assert_array_equal(replica.forward(x), run(layer, x)[0])
    for each in (GlobalMaxPool1D(), GlobalAveragePool1D()):
        assert Network(each, (None, 3)).output_shape == (3,)


@pytest.mark.parametrize("kind", WINDOWED)
@pytest.mark.parametrize("axes", [(), (2, 2)], ids=["1D", "3D"])
def test_where_all_sequences_are_too_short_for_a_window_their_summary_is_zero(kind, axes):
    pool, summary = WINDOWED[kind][len(axes)], GLOBAL["mean"][len(axes)]
    network = Network(Sequential([pool((4, 1, 1) if axes else 4), summary()]), (None, *axes, 2))
    x, grads = np.ones((2, 3, *axes, 2)), np.zeros(0)
    for mask in (None, np.array([[True, True, False]] * 2), np.array([[False, True, True]] * 2)):
        replica = network.replica(2, None, grads)
        np.testing.assert_array_equal(replica.forward(x, True, mask), np.zeros((2, 2)))
        assert not replica.layer.backward(np.ones((2, 2))).any()


def test_a_sequence_too_short_for_one_window_has_none():
    x = np.ones((1, 3, 2))
    replica = Network(MaxPool1D(4), (None, 2)).replica(1)
    assert replica.forward(x).shape == (1, 1, 2)
    np.testing.assert_array_equal(replica.layer.compute_mask(x, None), [[False]])


@pytest.mark.parametrize(
    ("layer", "shape", "sentence"),
    [
        (
            MaxPool2D(2),
            (64,),
            "(MaxPool2D) expects inputs of shape (height, width, channels), got",
        ),
        (MaxPool1D(2), (4, 4, 1), "expects inputs of shape (steps, channels), got (4, 4, 1). Put"),
        (GlobalMaxPool1D(), (4,), "(GlobalMaxPool1D) expects inputs of shape (steps, channels)"),
        (GlobalAveragePool2D(), (4, 1), "expects inputs of shape (height, width, channels), got"),
        (AveragePool2D(2), (4, None, 1), "expects inputs of shape (height, width, channels)"),
        (AveragePool2D((3, 5)), (4, 4, 1), "expects inputs of at least 3 x 5 (height, width), go"),
        (MaxPool2D((2, 2, 2)), (4, 4, 1), "pool_size must be an int or 2 ints of at least 1, got"),
        (MaxPool2D(2, (1, 0)), (4, 4, 1), "strides must be an int or 2 ints of at least 1, got"),
        (MaxPool1D(0), (4, 1), "The 'pool_size' parameter of MaxPool1D must be"),
        (MaxPool1D(2, padding="causal"), (4, 1), "The 'padding' parameter of MaxPool1D must be"),
    ],
    ids=str,
)
def test_what_cannot_be_pooled_is_refused_in_one_sentence(layer, shape, sentence):
    with pytest.raises(ValueError) as caught:
        Network(layer, shape, path="layers__0")
    assert str(caught.value).startswith("Layer 'layers__0' (")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (MaxPool1D(2), (7, 3)),
        (MaxPool1D(3, 2, "same"), (7, 2)),
        (MaxPool1D(1, 2), (5, 2)),
        (MaxPool1D(1), (5, 2)),
        (AveragePool1D(3, 1), (6, 2)),
        (AveragePool1D(3, 2, "same"), (7, 2)),
        (AveragePool1D(2, 3, "same"), (7, 2)),
        (GlobalMaxPool1D(), (6, 3)),
        (GlobalAveragePool1D(), (6, 3)),
    ],
    ids=str,
)
def test_pooling_of_sequences_keeps_the_contract(layer, shape):
    check_layer(layer, shape)
    check_layer(layer, shape, sequence=True)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (MaxPool2D(2), (6, 5, 2)),
        (MaxPool2D((3, 2), (2, 1), "same"), (5, 4, 2)),
        (AveragePool2D(2), (4, 6, 2)),
        (AveragePool2D(3, 2, "same"), (6, 5, 2)),
        (MaxPool3D((1, 2, 2)), (3, 4, 4, 2)),
        (AveragePool3D(2, 1, "same"), (3, 3, 4, 1)),
        (GlobalMaxPool2D(), (4, 3, 2)),
        (GlobalAveragePool2D(), (4, 3, 2)),
        (GlobalMaxPool3D(), (3, 2, 2, 2)),
        (GlobalAveragePool3D(), (3, 2, 2, 2)),
    ],
    ids=str,
)
def test_pooling_of_images_and_videos_keeps_the_contract(layer, shape):
    check_layer(layer, shape)
