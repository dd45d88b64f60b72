import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sknet.base import Workspace
from sknet.layers.spatial.windows import Windows, per_axis


def windows_of(size, stride, dilation, padding):
    return Windows((size,), (stride,), (dilation,), padding)


def starts_of(length, size, stride, dilation, padding):
    """List where the windows start, relative to the first element."""
    span = (size - 1) * dilation + 1
    if padding == "valid":
        return [t for t in range(0, length, stride) if t + span <= length]
    starts = list(range(0, length, stride))
    if padding == "causal":
        return [t - span + 1 for t in starts]
    missing = max(starts[-1] + span - length, 0)
    return [t - missing // 2 for t in starts]


GEOMETRY = {
    "size": st.integers(1, 5),
    "stride": st.integers(1, 4),
    "dilation": st.integers(1, 3),
    "padding": st.sampled_from(["valid", "same", "causal"]),
}


@settings(deadline=None, max_examples=300, derandomize=True)
@given(length=st.integers(1, 12), **GEOMETRY)
def test_there_are_as_many_windows_as_one_counts(length, size, stride, dilation, padding):
    windows = windows_of(size, stride, dilation, padding)
    expected = len(starts_of(length, size, stride, dilation, padding))
    (found,) = windows.output_lengths((length,))
    assert max(found, 0) == expected
    assert windows.output_lengths((None,)) == (None,)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(n_steps=st.integers(1, 12), data=st.data(), **GEOMETRY)
def test_windows_of_a_padded_batch_are_those_of_each_sequence(
    n_steps, data, size, stride, dilation, padding
):
    lengths = data.draw(st.lists(st.integers(1, n_steps), min_size=1, max_size=4))
    windows = windows_of(size, stride, dilation, padding)
    x = np.arange(1.0, 1 + len(lengths) * n_steps * 2).reshape(len(lengths), n_steps, 2)
    mask = np.arange(n_steps) < np.array(lengths)[:, None]
    padded = windows.pad(x, mask, Workspace(len(x), x.dtype), value=-1.0)
    out_mask = windows.output_mask(x, mask)
    assert out_mask.shape[1] == windows.counts((n_steps,))[0]
    for row, length in enumerate(lengths):
        starts = starts_of(length, size, stride, dilation, padding)
        assert out_mask[row].tolist() == [o < len(starts) for o in range(out_mask.shape[1])]
        for o, start in enumerate(starts):
            for j in range(size):
                t = start + j * dilation
                expected = x[row, t] if 0 <= t < length else [-1.0, -1.0]
                np.testing.assert_array_equal(padded[row, o * stride + j * dilation], expected)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    masked=st.booleans(),
    data=st.data(),
    padding=st.sampled_from(["valid", "same"]),
)
def test_unpad_is_the_adjoint_of_pad(shape, masked, data, padding):
    draw = st.tuples(*[st.integers(1, 4) for _ in shape])
    windows = Windows(data.draw(draw), data.draw(draw), data.draw(draw), padding)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, *shape, 2))
    mask = rng.random((3, shape[0])) < 0.7 if masked else None
    work = Workspace(3, x.dtype)
    padded = windows.pad(x, mask, work).copy()
    grad = rng.normal(size=padded.shape)
    unpadded = windows.unpad(grad, x.shape, mask, work)
    assert unpadded.shape == x.shape and unpadded.flags.c_contiguous
    assert np.vdot(padded, grad) == pytest.approx(np.vdot(x, unpadded))
    if masked:
        assert not unpadded[~mask].any()


def test_same_padding_puts_the_odd_element_at_the_end():
    assert windows_of(4, 1, 1, "same").amounts((9,)) == [(1, 2)]
    assert windows_of(3, 2, 1, "same").amounts((6,)) == [(0, 1)]
    assert windows_of(2, 5, 1, "same").amounts((5,)) == [(0, 0)]


def test_an_int_stands_for_every_axis():
    assert per_axis(3, 2, "strides") == (3, 3)
    assert per_axis([1, 2], 2, "strides") == (1, 2)
    assert per_axis(np.array([1, 2]), 2, "strides") == (1, 2)


@pytest.mark.parametrize("value", [0, -1, (1, 0), (1,), (1, 2, 3), (1.5, 2), (True, 1), ()])
def test_wrong_sizes_are_refused_in_one_sentence(value):
    message = r"strides must be an int or 2 ints of at least 1, got"
    with pytest.raises(ValueError, match=message):
        per_axis(value, 2, "strides")
