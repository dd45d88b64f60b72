import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from sklearn.base import clone

from sknet.layers import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Sequential,
)
from sknet.layers.spatial import minimal_correlation
from sknet.network import Network
from sknet.testing import check_layer

CONV = {1: Conv1D, 2: Conv2D, 3: Conv3D}
TRANSPOSED = {1: Conv1DTranspose, 2: Conv2DTranspose}


class Run:
    """A layer with random weights, run on its own."""

    def __init__(self, layer, input_shape, seed=0):
        self.network = Network(clone(layer), input_shape)
        rng = np.random.default_rng(seed)
        self.network.params[:] = rng.normal(size=self.network.n_params)
        self.layer = self.network.layer

    def __call__(self, x, grad=None, mask=None):
        """Return the outputs, and with a gradient those of x, kernel and bias."""
        grads = np.full(self.network.n_params, np.nan)
        replica = self.network.replica(len(x), np.random.default_rng(0), grads)
        out = replica.layer.forward(x, grad is not None, mask).copy()
        if grad is None:
            return out
        grad_x = replica.layer.backward(grad.copy(), input_grad=True)
        bias = getattr(replica.layer, "bias_grad_", np.zeros(0))
        return out, grad_x.copy(), replica.layer.kernel_grad_.copy(), bias.copy()


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def padding_in_front(length, size, stride, dilation, padding):
    """Return the number of windows and the zeros in front of the first element."""
    span = (size - 1) * dilation + 1
    if padding == "valid":
        return len(range(0, length - span + 1, stride)), 0
    count = len(range(0, length, stride))
    if padding == "causal":
        return count, span - 1
    return count, max((count - 1) * stride + span - length, 0) // 2


def terms(lengths, size, strides, dilation, padding):
    """List (output index, input index, tap) of all products, and the output lengths."""
    axes = []
    for length, k, s, d in zip(lengths, size, strides, dilation, strict=True):
        count, before = padding_in_front(length, k, s, d, padding)
        found = [(o, o * s + j * d - before, j) for o in range(count) for j in range(k)]
        axes.append((count, [term for term in found if 0 <= term[1] < length]))
    products = itertools.product(*(found for _, found in axes))
    return [tuple(zip(*term, strict=True)) for term in products], [count for count, _ in axes]


def convolve(x, kernel, bias, grad, groups, **geometry):
    """Compute outputs and gradients term by term; `grad` makes the gradient of the outputs."""
    found, lengths = terms(x.shape[1:-1], kernel.shape[:-2], **geometry)
    n_channels, n_filters = kernel.shape[-2], kernel.shape[-1] // groups
    out = np.zeros((len(x), *lengths, kernel.shape[-1])) + bias
    grad = grad(out.shape)
    grad_x, grad_kernel = np.zeros(x.shape), np.zeros(kernel.shape)
    for o, i, tap in found:
        for g in range(groups):
            c = slice(g * n_channels, (g + 1) * n_channels)
            f = slice(g * n_filters, (g + 1) * n_filters)
            x_i, weights = x[(slice(None), *i, c)], kernel[(*tap, slice(None), f)]
            out[(slice(None), *o, f)] += x_i @ weights
            grad_o = grad[(slice(None), *o, f)]
            grad_x[(slice(None), *i, c)] += grad_o @ weights.T
            grad_kernel[(*tap, slice(None), f)] += x_i.T @ grad_o
    return out, grad_x, grad_kernel, grad.reshape(-1, grad.shape[-1]).sum(axis=0)


def assert_all_close(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@st.composite
def geometries(draw_from, n_axes, paddings=("valid", "same")):
    """Draw the parameters of a layer and lengths of axes that its kernel fits."""

    def ints(high):
        return tuple(draw_from(st.integers(1, high)) for _ in range(n_axes))

    size, dilation = ints(4 if n_axes < 3 else 2), ints(3 if n_axes < 3 else 2)
    extra = ints(6 if n_axes < 3 else 3)
    padding = draw_from(st.sampled_from(paddings))
    spans = [(k - 1) * d for k, d in zip(size, dilation, strict=True)]
    fits = padding != "valid"
    lengths = tuple(n if fits else n + span for n, span in zip(extra, spans, strict=True))
    parameters = {"kernel_size": size, "dilation_rate": dilation, "padding": padding}
    return {**parameters, "strides": ints(3)}, lengths


def of_geometry(parameters):
    return {
        "strides": parameters["strides"],
        "dilation": parameters["dilation_rate"],
        "padding": parameters["padding"],
    }


# The contract


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Conv1D(3, 2), (5, 2)),
        (Conv1D(2, 1, activation="relu"), (5, 3)),
        (Conv1D(4, 3, strides=2, padding="same", groups=2, activation="tanh"), (7, 2)),
        (Conv1D(2, 3, dilation_rate=2, padding="causal", use_bias=False), (6, 2)),
        (Conv1D(2, 5, strides=3), (6, 4)),
        (Conv1DTranspose(3, 4, strides=3), (4, 2)),
        (Conv1DTranspose(2, 2, strides=3, padding="same", activation="relu"), (4, 2)),
        (Conv1DTranspose(2, 3, dilation_rate=2, padding="same", use_bias=False), (4, 2)),
        (Conv1DTranspose(2, 2, strides=3), (4, 2)),
        (Sequential([Conv1D(3, 3, strides=2), Conv1DTranspose(2, 3, strides=2)]), (6, 2)),
    ],
    ids=repr,
)
def test_layers_of_sequences_keep_the_contract(layer, shape):
    check_layer(layer, shape, sequence=True)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Conv2D(3, 2), (4, 5, 2)),
        (Conv2D(2, 3, padding="same", activation="selu"), (4, 3, 6)),
        (Conv2D(4, (3, 2), strides=(1, 2), padding="same", groups=2), (4, 5, 2)),
        (Conv2D(2, (8, 9), padding="same", trainable=False), (4, 4, 1)),
        (Conv2D(2, 1), (3, 2, 3)),
        (Conv3D(2, (2, 1, 2), activation="tanh"), (3, 3, 3, 2)),
        (Conv3D(2, 2, strides=(1, 2, 1), padding="same"), (3, 2, 3, 1)),
        (Conv2DTranspose(3, 3, strides=2, padding="same", activation="tanh"), (3, 3, 2)),
        (Conv2DTranspose(2, (2, 1), strides=(1, 2)), (3, 3, 2)),
    ],
    ids=repr,
)
def test_layers_of_images_keep_the_contract(layer, shape):
    check_layer(layer, shape)


def test_a_masked_video_keeps_the_contract():
    check_layer(Conv3D(2, 2, strides=(2, 1, 1), padding="same"), (4, 2, 2, 1), sequence=True)


# Values


def assert_is_that_of_scipy(run, x, grad, atol):
    """Compare outputs and gradients of a convolution without padding with SciPy's."""
    out, grad_x, grad_kernel, grad_bias = run(x, grad)
    kernel, bias = run.layer.kernel_, run.layer.bias_
    samples, channels, filters = range(len(x)), range(x.shape[-1]), range(grad.shape[-1])
    for n, f in itertools.product(samples, filters):
        one = sum(signal.correlate(x[n, ..., c], kernel[..., c, f], "valid") for c in channels)
        np.testing.assert_allclose(out[n, ..., f], one + bias[f], atol=atol)
    for n, c in itertools.product(samples, channels):
        one = sum(signal.convolve(grad[n, ..., f], kernel[..., c, f]) for f in filters)
        np.testing.assert_allclose(grad_x[n, ..., c], one, atol=atol)
    for c, f in itertools.product(channels, filters):
        one = sum(signal.correlate(x[n, ..., c], grad[n, ..., f], "valid") for n in samples)
        np.testing.assert_allclose(grad_kernel[..., c, f], one, atol=atol)
    for f in filters:
        np.testing.assert_allclose(grad_bias[f], grad[..., f].sum())


@pytest.mark.parametrize("shape", [(9,), (6, 7), (4, 5, 3)], ids=str)
def test_convolution_is_that_of_scipy(shape):
    n_axes = len(shape)
    size = (4, 3, 2)[:n_axes]
    x = draw(3, *shape, 5)
    run = Run(CONV[n_axes](2, size), x.shape[1:])
    grad = draw(3, *(n - k + 1 for n, k in zip(shape, size, strict=True)), 2, seed=1)
    assert_is_that_of_scipy(run, x, grad, 1e-12)


@pytest.mark.parametrize("size", [3, 4], ids=str)
def test_same_padding_of_odd_and_even_kernels_is_that_of_scipy(size):
    x = draw(1, 8, 9, 1)
    run = Run(Conv2D(1, size, padding="same", use_bias=False), x.shape[1:])
    image, kernel = x[0, ..., 0], run.layer.kernel_[..., 0, 0]
    full = signal.correlate(image, kernel, "full")
    first = size - 1 - (size - 1) // 2
    expected = full[first : first + 8, first : first + 9]
    np.testing.assert_allclose(run(x)[0, ..., 0], expected, atol=1e-12)


@pytest.mark.parametrize("n_axes", [1, 2, 3])
@settings(deadline=None, max_examples=120, derandomize=True)
@given(data=st.data())
def test_convolution_is_the_sum_of_its_terms(n_axes, data):
    paddings = ("valid", "same", "causal") if n_axes == 1 else ("valid", "same")
    parameters, lengths = data.draw(geometries(n_axes, paddings))
    groups = data.draw(st.integers(1, 3))
    channels, filters = (groups * data.draw(st.sampled_from([1, 2, 9])) for _ in range(2))
    x = draw(3, *lengths, channels)
    run = Run(CONV[n_axes](filters, groups=groups, **parameters), x.shape[1:])
    layer = run.layer
    expected = convolve(
        x,
        layer.kernel_,
        layer.bias_,
        lambda shape: draw(*shape, seed=1),
        groups,
        **of_geometry(parameters),
    )
    assert layer.output_shape_ == expected[0].shape[1:]
    assert_all_close(run(x, draw(*expected[0].shape, seed=1)), expected)


@pytest.mark.parametrize("n_axes", [1, 2])
@settings(deadline=None, max_examples=120, derandomize=True)
@given(data=st.data())
def test_transposed_convolution_spreads_each_element(n_axes, data):
    parameters, lengths = data.draw(geometries(n_axes))
    channels, filters = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([1, 2, 17]))
    x = draw(2, *lengths, channels)
    run = Run(TRANSPOSED[n_axes](filters, **parameters), x.shape[1:])
    kernel, bias = run.layer.kernel_, run.layer.bias_
    size, strides = parameters["kernel_size"], parameters["strides"]
    spans = [(k - 1) * d + 1 for k, d in zip(size, parameters["dilation_rate"], strict=True)]
    same = parameters["padding"] == "same"
    wanted = tuple(
        n * s + (0 if same else max(span - s, 0))
        for n, s, span in zip(lengths, strides, spans, strict=True)
    )
    cut = [max(span - s, 0) // 2 if same else 0 for s, span in zip(strides, spans, strict=True)]
    expected = np.zeros((2, *wanted, filters)) + bias
    grad = draw(*expected.shape, seed=1)
    grad_x, grad_kernel = np.zeros(x.shape), np.zeros(kernel.shape)
    for i in np.ndindex(*lengths):
        for tap in np.ndindex(*size):
            rate = parameters["dilation_rate"]
            o = tuple(
                a * s + j * d - c for a, s, j, d, c in zip(i, strides, tap, rate, cut, strict=True)
            )
            if all(0 <= a < n for a, n in zip(o, wanted, strict=True)):
                expected[(slice(None), *o)] += x[(slice(None), *i)] @ kernel[tap].T
                grad_x[(slice(None), *i)] += grad[(slice(None), *o)] @ kernel[tap]
                grad_kernel[tap] += grad[(slice(None), *o)].T @ x[(slice(None), *i)]
    grad_bias = grad.reshape(-1, filters).sum(axis=0)
    assert run.layer.output_shape_ == expected.shape[1:]
    assert_all_close(run(x, grad), (expected, grad_x, grad_kernel, grad_bias))


@pytest.mark.parametrize(
    ("length", "size", "stride", "padding"),
    [
        (9, 3, 2, "valid"),
        (8, 4, 2, "valid"),
        (7, 3, 1, "valid"),
        (8, 3, 2, "same"),
        (9, 4, 3, "same"),
        (7, 3, 1, "same"),
    ],
)
def test_transposed_convolution_is_the_adjoint_of_convolution(length, size, stride, padding):
    options = {"kernel_size": size, "strides": stride, "padding": padding, "use_bias": False}
    down = Run(Conv2D(3, **options), (length, length, 2))
    x = draw(2, length, length, 2)
    y = draw(2, *down.layer.output_shape_, seed=1)
    up = Run(Conv2DTranspose(2, **options), y.shape[1:])
    up.layer.kernel_[...] = down.layer.kernel_
    assert up.layer.output_shape_ == x.shape[1:]
    assert np.vdot(down(x), y) == pytest.approx(np.vdot(x, up(y)))


def test_large_images_are_worked_on_in_parts():
    x = draw(3, 60, 64, 3)
    run = Run(Conv2D(8, 5, strides=(2, 1), padding="same"), x.shape[1:])
    expected = convolve(
        x,
        run.layer.kernel_,
        run.layer.bias_,
        lambda shape: draw(*shape, seed=1),
        1,
        strides=(2, 1),
        dilation=(1, 1),
        padding="same",
    )
    assert_all_close(run(x, draw(*expected[0].shape, seed=1)), expected)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("n_more", [0, 1, 2, 3, 6, 9])
@pytest.mark.parametrize(
    ("n_axes", "size", "strides", "dilation"),
    [
        (2, (3, 3), (1, 1), (1, 1)),
        (2, (3, 2), (1, 1), (1, 2)),
        (2, (3, 4), (1, 2), (1, 1)),
        (2, (4, 3), (1, 1), (1, 1)),
        (2, (5, 2), (1, 1), (1, 1)),
        (3, (3, 1, 2), (1, 1, 1), (1, 1, 1)),
        (3, (3, 2, 2), (1, 1, 2), (1, 2, 1)),
        (3, (5, 1, 2), (1, 1, 1), (1, 1, 1)),
    ],
)
def test_kernels_of_few_rows_are_the_sum_of_their_terms(
    n_axes, size, strides, dilation, n_more, padding
):
    x = draw(2, size[0] + n_more, *(7, 4)[: n_axes - 1], (0, 0, 74, 19)[n_axes])
    geometry = {"strides": strides, "padding": padding}
    run = Run(CONV[n_axes](3, size, dilation_rate=dilation, **geometry), x.shape[1:])
    weights = run.layer.kernel_, run.layer.bias_
    expected = convolve(
        x, *weights, lambda shape: draw(*shape, seed=1), 1, dilation=dilation, **geometry
    )
    assert_all_close(run(x, draw(*expected[0].shape, seed=1)), expected)


def test_large_images_with_kernels_of_few_rows_are_worked_on_in_parts():
    x = draw(2, 30, 70, 40)
    run = Run(Conv2D(2, 3), x.shape[1:])
    grad = draw(2, 28, 68, 2, seed=1)
    assert_is_that_of_scipy(run, x, grad, 1e-11)


@pytest.mark.parametrize("n_rows", [3, 4, 5])
def test_kernels_of_few_rows_are_as_exact_in_single_precision(n_rows):
    x, grad = draw(4, 16, 16, 64), draw(4, 17 - n_rows, 14, 32, seed=1)
    kernel = draw(n_rows, 3, 64, 32, seed=2)
    found = {}
    for dtype in ("float64", "float32"):
        network = Network(Conv2D(32, (n_rows, 3)), x.shape[1:], np.dtype(dtype))
        grads = np.zeros(network.n_params, dtype)
        network.layer.kernel_[...] = kernel
        layer = network.replica(4, np.random.default_rng(0), grads).layer
        out = layer.forward(x.astype(dtype), True).copy()
        grad_x = layer.backward(grad.astype(dtype), True)
        found[dtype] = out, grad_x, layer.kernel_grad_
    for single, double in zip(found["float32"], found["float64"], strict=True):
        assert np.abs(single - double).max() < 1e-5 * np.abs(double).max()


@pytest.mark.parametrize(
    ("layer", "shape", "sequence"),
    [
        (Conv2D(2, 3, activation="tanh"), (7, 4, 2), False),
        (Conv2D(2, (4, 1)), (9, 2, 2), False),
        (Conv2D(2, 5, padding="same"), (6, 4, 2), False),
        (Conv2D(2, (3, 2), strides=(1, 2), padding="same"), (6, 4, 3), False),
        (Conv3D(2, (3, 1, 2), padding="same"), (4, 2, 3, 1), True),
    ],
    ids=repr,
)
def test_kernels_of_few_rows_keep_the_contract(layer, shape, sequence, monkeypatch):
    monkeypatch.setattr(minimal_correlation, "_LONG_ROW", 1)
    check_layer(layer, shape, sequence=sequence)


def test_a_kernel_of_few_rows_takes_views_of_any_strides():
    x = draw(2, 64, 6, 9).transpose(0, 2, 3, 1)
    run, grad = Run(Conv2D(3, 3), x.shape[1:]), draw(2, 4, 7, 3, seed=1)
    assert_all_close(run(x, grad), run(np.ascontiguousarray(x), grad))


def test_a_causal_convolution_does_not_see_what_comes_later():
    x = draw(2, 10, 3)
    run = Run(Conv1D(4, 3, dilation_rate=2, padding="causal"), x.shape[1:])
    before = run(x)
    x[:, 6:] += 1.0
    np.testing.assert_array_equal(run(x)[:, :6], before[:, :6])
    assert not np.any(run(x)[:, 6:] == before[:, 6:])


def test_a_pointwise_convolution_is_a_matrix_product():
    x, grad = draw(3, 4, 5, 6), draw(3, 4, 5, 2, seed=1)
    run = Run(Conv2D(2, 1), x.shape[1:])
    out, grad_x, grad_kernel, _ = run(x, grad)
    kernel = run.layer.kernel_[0, 0]
    np.testing.assert_allclose(out, x @ kernel + run.layer.bias_)
    np.testing.assert_allclose(grad_x, grad @ kernel.T)
    np.testing.assert_allclose(grad_kernel[0, 0], x.reshape(-1, 6).T @ grad.reshape(-1, 2))


def test_inputs_may_be_views_of_any_strides():
    x = draw(3, 2, 6, 7).transpose(0, 2, 3, 1)
    for layer in (Conv2D(3, 2), Conv2D(3, 1), Conv2DTranspose(3, 2), Conv2D(2, 3, groups=2)):
        run = Run(layer, x.shape[1:])
        grad = draw(*run(x).shape, seed=1)
        assert_all_close(run(x, grad), run(np.ascontiguousarray(x), grad))


# Masks


def alone(run, x, grad, lengths):
    """Run each sequence without its padding; the outputs, gradients of x and the weights' sum."""
    outputs, grads, totals = [], [], 0.0
    for row, length in enumerate(lengths):
        n_out = run.layer._output_lengths((length,))[0]
        one = slice(row, row + 1)
        out, grad_x, kernel, bias = run(x[one, :length], grad[one, :n_out])
        outputs.append(out[0])
        grads.append(grad_x[0])
        totals = totals + np.concatenate([kernel.ravel(), bias])
    return outputs, grads, totals


@settings(deadline=None, max_examples=150, derandomize=True)
@given(data=st.data(), transposed=st.booleans())
def test_a_padded_batch_gives_what_each_sequence_gives_alone(data, transposed):
    paddings = ("valid", "same") if transposed else ("valid", "same", "causal")
    parameters, (n_steps,) = data.draw(geometries(1, paddings))
    layer = Conv1DTranspose if transposed else Conv1D
    span = (parameters["kernel_size"][0] - 1) * parameters["dilation_rate"][0] + 1
    shortest = span if parameters["padding"] == "valid" and not transposed else 1
    lengths = data.draw(
        st.lists(st.integers(shortest, n_steps), min_size=1, max_size=4).map(tuple)
    )
    mask = np.arange(n_steps) < np.array(lengths)[:, None]
    x = draw(len(lengths), n_steps, 2)
    run = Run(layer(3, activation="tanh", **parameters), (None, 2))
    assert run.layer.output_shape_ == (None, 3)
    n_out = run(x).shape[1]
    out_mask = run.layer.compute_mask(x, mask)
    grad = draw(len(lengths), n_out, 3, seed=1) * out_mask[..., None]
    outputs, grads, totals = alone(run, x, grad, lengths)
    out, grad_x, kernel, bias = run(x, grad, mask)
    for row, length in enumerate(lengths):
        n_real = len(outputs[row])
        assert out_mask[row].tolist() == [o < n_real for o in range(n_out)]
        np.testing.assert_allclose(out[row, :n_real], outputs[row], atol=1e-12)
        np.testing.assert_allclose(grad_x[row, :length], grads[row], atol=1e-12)
        assert not grad_x[row, length:].any()
    np.testing.assert_allclose(np.concatenate([kernel.ravel(), bias]), totals, atol=1e-9)


@pytest.mark.parametrize(
    "layer",
    [
        Conv1D(2, 3),
        Conv1D(2, 3, padding="same"),
        Conv1D(2, 3, strides=2, padding="same"),
        Conv1D(2, 2, padding="causal", dilation_rate=2),
        Conv1DTranspose(2, 3, strides=2),
    ],
    ids=repr,
)
def test_real_steps_anywhere_give_what_they_give_put_together(layer):
    x, mask = draw(3, 8, 3), np.ones((3, 8), bool)
    mask[0, :4] = mask[1, 3:5] = mask[1, 0] = mask[2, 7] = False
    run = Run(layer, (None, 3))
    out_mask = run.layer.compute_mask(x, mask)
    weights = draw(*run(x).shape, seed=1)
    grad = np.zeros_like(weights)
    grad[out_mask] = np.concatenate(
        [w[:n] for w, n in zip(weights, out_mask.sum(axis=1), strict=True)]
    )
    together = [row[real][None] for row, real in zip(x, mask, strict=True)]
    alone = [
        run(row, w[None, : run(row).shape[1]]) for row, w in zip(together, weights, strict=True)
    ]
    out, grad_x, kernel, bias = run(x, grad, mask)
    assert_all_close(
        (out[out_mask], grad_x[mask], kernel, bias),
        (
            np.concatenate([each[0][0] for each in alone]),
            np.concatenate([each[1][0] for each in alone]),
            sum(each[2] for each in alone),
            sum(each[3] for each in alone),
        ),
    )
    assert not grad_x[~mask].any()
    # Where there is an output for every step, it stands at the place of the step.
    assert run.layer.compute_mask(x, mask) is mask or out.shape[1] != x.shape[1]


def test_a_sequence_without_real_steps_has_no_real_outputs():
    mask = np.array([[False] * 4, [True] * 4])
    for layer in (Conv1D(2, 3, padding="same"), Conv1D(2, 3), Conv1DTranspose(2, 3)):
        run = Run(layer, (None, 1))
        found = run.layer.compute_mask(draw(2, 4, 1), mask)
        assert not found[0].any() and found[1].all()
        assert np.isfinite(run(draw(2, 4, 1), mask=mask)).all()


def test_the_number_of_steps_may_differ_from_call_to_call():
    run = Run(Conv1D(2, 3), (None, 4))
    replica = run.network.replica(2, None, np.empty(run.network.n_params))
    for n_steps in (9, 4, 30, 3):
        x = draw(2, n_steps, 4)
        out = replica.layer.forward(x, training=True).copy()
        np.testing.assert_allclose(out, run(x))
        assert replica.layer.backward(np.ones_like(out)).shape == x.shape


# Errors and beginnings


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (
            Conv2D(4, 3),
            (64,),
            r"Conv2D expects inputs of shape \(height, width, channels\), got \(64,\)\. "
            r"Put a Reshape before it or pass input_shape\.",
        ),
        (Conv1D(4, 3), (8,), r"shape \(steps, channels\), got \(8,\)"),
        (Conv1D(4, 3), (8, None), r"shape \(steps, channels\), got \(8, None\)"),
        (Conv3D(4, 3), (8, 8, 3), r"\(steps, height, width, channels\), got \(8, 8, 3\)"),
        (Conv2DTranspose(4, 3), (8,), r"\(height, width, channels\), got \(8,\)"),
        (Conv2D(4, (3, 5)), (8, 4, 1), r"at least 3 x 5 \(height, width\), got 8 x 4\. Choose"),
        (Conv1D(4, 3, dilation_rate=4), (8, 1), r"at least 9 \(steps\), got 8\. Choose"),
        (Conv1D(4, 3, groups=2), (8, 3), r"multiples of groups=2, got 3 channels and 4 filters"),
        (Conv1D(3, 3, groups=2), (8, 4), r"multiples of groups=2, got 4 channels and 3 filters"),
        (Conv2D(3, (3, 3, 3)), (8, 8, 1), r"Conv2D: kernel_size must be an int or 2 ints"),
        (Conv1D(3, 0), (8, 1), r"kernel_size"),
        (Conv2D(3, 2, strides=(0, 1)), (8, 8, 1), r"strides must be an int or 2 ints"),
        (Conv2D(3, 2, padding="causal"), (8, 8, 1), r"padding"),
        (Conv1DTranspose(3, 2, padding="causal"), (8, 1), r"padding"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        Network(clone(layer), shape)


def test_a_sequence_shorter_than_the_kernel_has_no_window():
    run = Run(Conv1D(2, 4), (None, 1))
    assert run(draw(2, 3, 1)).shape == (2, 1, 2)
    np.testing.assert_array_equal(run.layer.compute_mask(draw(2, 3, 1), None), [[False], [False]])


@pytest.mark.parametrize(
    ("layer", "shape", "n_inputs", "n_outputs"),
    [
        (Conv2D(64, 5), (9, 9, 32), 25 * 32, 25 * 64),
        (Conv1D(64, 25, groups=4), (30, 128), 25 * 32, 25 * 64),
        (Conv2DTranspose(64, 5), (9, 9, 32), 25 * 32, 25 * 64),
    ],
    ids=lambda value: type(value).__name__,
)
def test_kernels_start_as_glorot_says(layer, shape, n_inputs, n_outputs):
    kernel = Network(clone(layer), shape, random_state=0).layer.kernel_
    bound = np.sqrt(6 / (n_inputs + n_outputs))
    assert 0.99 * bound < np.abs(kernel).max() <= bound
    assert kernel.var() == pytest.approx(bound**2 / 3, rel=0.05)
