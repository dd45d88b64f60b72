"""Repeating, padding and cropping against NumPy's own functions, each sequence alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from sknet.layers import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    GlobalAveragePool1D,
    Sequential,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from sknet.network import Network
from sknet.testing import check_layer


def run(layer, x, grad=None, mask=None):
    """Run a layer alone; return its output, the mask of the output and the gradient of x."""
    network = Network(layer, x.shape[1:], x.dtype)
    replica = network.replica(len(x), None, network.params.copy())
    out = replica.forward(x, training=True, mask=mask).copy()
    grad_x = None if grad is None else replica.layer.backward(grad.copy()).copy()
    return out, replica.layer.compute_mask(x, mask), grad_x


def transposed(change, x, grad):
    """Return what the transpose of a linear change makes of a gradient, pixel by pixel."""
    result = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        unit = np.zeros_like(x)
        unit[index] = 1.0
        result[index] = np.vdot(change(unit), grad)
    return result


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


amounts = st.integers(0, 3)


@st.composite
def sequences(draw):
    n_steps, seed = draw(st.integers(1, 8)), draw(st.integers(0, 2**20))
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(4, n_steps, draw(st.integers(1, 3))))
    mask = None
    if draw(st.booleans()):
        mask = np.arange(n_steps) < rng.integers(0, n_steps + 1, size=4)[:, None]
    return x, mask, rng


def check_alone(layer, change, inputs):
    """Compare a layer with a change of single samples, also backwards."""
    x, mask, rng = inputs
    shape = run(layer, x)[0].shape
    grad = rng.normal(size=shape)
    kept = None if mask is None else run(layer, x, None, mask)[1]
    if mask is not None:
        grad *= kept[..., None]
    out, _, grad_x = run(layer, x, grad, mask)
    for i, sample in enumerate(x):
        sample = sample if mask is None else sample[mask[i]]
        expected = change(sample)
        n_out = len(expected)
        if mask is not None:
            np.testing.assert_array_equal(kept[i], np.arange(shape[1]) < n_out)
        np.testing.assert_allclose(out[i, :n_out], expected, atol=1e-12)
        expected = transposed(change, sample, grad[i, :n_out])
        np.testing.assert_allclose(grad_x[i, : len(sample)], expected, atol=1e-12)
        assert not grad_x[i, len(sample) :].any()


many = settings(deadline=None, max_examples=60, derandomize=True)


@many
@given(inputs=sequences(), size=st.integers(1, 4))
def test_each_sequence_is_repeated_as_it_would_be_alone(inputs, size):
    check_alone(UpSampling1D(size), lambda x: np.repeat(x, size, axis=0), inputs)


@many
@given(inputs=sequences(), before=amounts, after=amounts)
def test_zeros_stand_around_the_real_steps_of_each_sequence(inputs, before, after):
    layer = ZeroPadding1D((before, after))
    check_alone(layer, lambda x: np.pad(x, [(before, after), (0, 0)]), inputs)


@many
@given(inputs=sequences(), before=amounts, after=amounts)
def test_the_ends_of_each_sequence_are_cut_off(inputs, before, after):
    layer = Cropping1D((before, after))
    if before + after >= inputs[0].shape[1]:
        with pytest.raises(ValueError, match="Cut off less, so that something is left"):
            run(layer, inputs[0])
        return
    check_alone(layer, lambda x: x[before : max(len(x) - after, before)], inputs)


@many
@given(size=st.tuples(st.integers(1, 3), st.integers(1, 4)), seed=st.integers(0, 2**20))
def test_pixels_are_repeated_in_both_directions(size, seed):
    def change(x):
        return np.repeat(np.repeat(x, size[0], axis=1), size[1], axis=2)

    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3, *rng.integers(1, 5, size=2), 2))
    shape = (3, x.shape[1] * size[0], x.shape[2] * size[1], 2)
    grad = rng.normal(size=shape)
    out, _, grad_x = run(UpSampling2D(size), x, grad)
    np.testing.assert_array_equal(out, change(x))
    np.testing.assert_allclose(grad_x, transposed(change, x, grad), atol=1e-12)


@pytest.mark.parametrize("size", [(2, 2), (3, 2), (1, 4)])
@pytest.mark.parametrize("lengths", [(4, 5), (1, 3), (2, 1)])
def test_bilinear_pixels_are_those_of_scipys_zoom(size, lengths):
    def change(x):
        zoom = (1, *size, 1)
        return ndimage.zoom(x, zoom, order=1, mode="nearest", grid_mode=True)

    x = draw(2, *lengths, 2)
    grad = draw(2, lengths[0] * size[0], lengths[1] * size[1], 2, seed=1)
    out, _, grad_x = run(UpSampling2D(size, interpolation="bilinear"), x, grad)
    np.testing.assert_allclose(out, change(x), atol=1e-12)
    np.testing.assert_allclose(grad_x, transposed(change, x, grad), atol=1e-12)


def test_bilinear_rows_end_where_their_mask_ends():
    x, mask = draw(3, 5, 4, 2), np.arange(5) < np.array([[5], [2], [0]])
    layer = UpSampling2D((2, 3), interpolation="bilinear")
    out, mask_out, _ = run(layer, x, mask=mask)
    np.testing.assert_array_equal(mask_out.sum(axis=1), [10, 4, 0])
    for i, n_steps in ((0, 5), (1, 2)):
        alone = run(layer, x[i : i + 1, :n_steps])[0]
        np.testing.assert_allclose(out[i, : 2 * n_steps], alone[0], atol=1e-12)


@pytest.mark.parametrize(
    ("padding", "widths"),
    [
        (2, ((2, 2), (2, 2))),
        ((1, 2), ((1, 1), (2, 2))),
        (((1, 0), (3, 2)), ((1, 0), (3, 2))),
        ([0, [0, 2]], ((0, 0), (0, 2))),
    ],
)
def test_the_border_of_images_is_given_in_three_forms(padding, widths):
    x, grad = draw(3, 4, 5, 2), draw(3, 4 + sum(widths[0]), 5 + sum(widths[1]), 2, seed=1)
    rows = slice(widths[0][0], widths[0][0] + 4)
    columns = slice(widths[1][0], widths[1][0] + 5)
    out, _, grad_x = run(ZeroPadding2D(padding), x, grad)
    np.testing.assert_array_equal(out, np.pad(x, [(0, 0), *widths, (0, 0)]))
    np.testing.assert_array_equal(grad_x, grad[:, rows, columns])
    # Cropping undoes it.
    back, _, grad_out = run(Cropping2D(padding), out, x)
    np.testing.assert_array_equal(back, x)
    np.testing.assert_array_equal(grad_out, out)


def test_cropping_undoes_padding_on_masked_sequences():
    x, mask = draw(4, 6, 2), np.arange(6) < np.array([[6], [3], [1], [0]])
    out, kept, _ = run(ZeroPadding1D((2, 1)), x, mask=mask)
    np.testing.assert_array_equal(kept.sum(axis=1), [9, 6, 4, 3])
    back, kept, _ = run(Cropping1D((2, 1)), out, mask=kept)
    np.testing.assert_array_equal(kept, mask)
    np.testing.assert_array_equal(back[mask], x[mask])


def test_borders_are_those_of_the_real_steps_put_together():
    x, mask = np.ones((1, 4, 1)), np.array([[True, False, True, False]])
    out, kept, _ = run(ZeroPadding1D(1), x, mask=mask)
    np.testing.assert_array_equal(out.ravel(), [0, 1, 1, 0, 0, 0])
    np.testing.assert_array_equal(kept, [[True] * 4 + [False] * 2])
    _, kept, _ = run(Cropping1D((0, 1)), x, mask=mask)
    np.testing.assert_array_equal(kept, [[True, False, False]])


def test_sequences_may_have_any_length():
    layers = [UpSampling1D(2), ZeroPadding1D((1, 2)), Cropping1D(1), GlobalAveragePool1D()]
    network = Network(Sequential(layers), (None, 3))
    shapes = [layer.output_shape_ for _, layer in network.layer.sublayers()]
    assert shapes == [(None, 3)] * 3 + [(3,)]
    replica = network.replica(2)
    for n_steps in (3, 6, 2):
        x = draw(2, n_steps, 3, seed=n_steps)
        expected = 2 * x.sum(axis=1) / (2 * n_steps + 1)
        np.testing.assert_allclose(replica.forward(x), expected)
    replica = Network(Cropping1D(2), (None, 3)).replica(2)
    assert replica.forward(x).shape == (2, 1, 3)  # no step is left
    np.testing.assert_array_equal(replica.layer.compute_mask(x, None), [[False], [False]])


@pytest.mark.parametrize(
    ("layer", "shape", "sentence"),
    [
        (UpSampling2D(2), (64,), "(UpSampling2D) expects inputs of shape (height, width, channel"),
        (UpSampling1D(0), (4, 1), "The 'size' parameter of UpSampling1D must be"),
        (
            UpSampling2D((2, 0)),
            (4, 4, 1),
            "size must be an int or 2 ints of at least 1, got (2, 0",
        ),
        (
            UpSampling2D(2, interpolation="cubic"),
            (4, 4, 1),
            "The 'interpolation' parameter of UpSampling2D",
        ),
        (ZeroPadding1D(-1), (4, 1), "The 'padding' parameter of ZeroPadding1D must be"),
        (ZeroPadding1D((1, 2, 3)), (4, 1), "padding must be an int or a pair (before, after), w"),
        (
            ZeroPadding2D((1, 2, 3)),
            (4, 4, 1),
            "padding must be an int, a pair (height, width) or ",
        ),
        (ZeroPadding2D((1.5, 2)), (4, 4, 1), "ints of at least 0, got (1.5, 2)."),
        (ZeroPadding2D(((1, 2), (3, -4))), (4, 4, 1), "least 0, got ((1, 2), (3, -4))."),
        (Cropping1D((2, 2)), (4, 1), "expects inputs of at least 5 (steps), got 4. Cut off less"),
        (Cropping2D((0, 2)), (4, 4, 1), "inputs of at least 1 x 5 (height, width), got 4 x 4."),
        (Cropping2D("one"), (4, 4, 1), "The 'cropping' parameter of Cropping2D must be"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_refused_in_one_sentence(layer, shape, sentence):
    with pytest.raises(ValueError) as caught:
        Network(layer, shape, path="layers__0")
    assert str(caught.value).startswith("Layer 'layers__0' (")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (UpSampling1D(3), (4, 2)),
        (UpSampling2D((2, 3)), (3, 2, 2)),
        (UpSampling2D(2, interpolation="bilinear"), (3, 4, 2)),
        (ZeroPadding1D((1, 2)), (4, 2)),
        (ZeroPadding2D(((1, 0), (2, 1))), (3, 2, 2)),
        (Cropping1D((1, 2)), (7, 2)),
        (Cropping2D(((1, 0), (0, 1))), (4, 3, 2)),
        (UpSampling3D((2, 1, 3)), (2, 3, 2, 2)),
        (ZeroPadding3D(((1, 0), (0, 2), (1, 1))), (2, 3, 2, 2)),
        (Cropping3D((1, 0, 1)), (4, 2, 3, 2)),
    ],
    ids=str,
)
def test_resampling_keeps_the_contract(layer, shape):
    check_layer(layer, shape)
    check_layer(layer, shape, sequence=True)


def test_videos_are_enlarged_framed_and_cropped():
    x = draw(2, 3, 4, 5, 2)
    expected = x.repeat(2, axis=1).repeat(3, axis=3)
    np.testing.assert_array_equal(run(UpSampling3D((2, 1, 3)), x)[0], expected)
    widths = ((1, 2), (0, 1), (3, 0))
    framed = np.pad(x, [(0, 0), *widths, (0, 0)])
    np.testing.assert_array_equal(run(ZeroPadding3D(widths), x)[0], framed)
    np.testing.assert_array_equal(run(Cropping3D(widths), framed)[0], x)
    with pytest.raises(ValueError, match=r"or three pairs \(before, after\)"):
        run(ZeroPadding3D((1, 2)), x)
