"""Depthwise and separable convolutions against SciPy's correlations of single channels."""

import numpy as np
import pytest
from scipy import signal

from sknet import NeuralClassifier
from sknet.layers import (
    Conv1D,
    Conv2D,
    Conv3D,
    DepthwiseConv1D,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool2D,
    SeparableConv1D,
    SeparableConv2D,
)
from sknet.network import Network
from sknet.testing import check_layer


def by_channel(x, kernel, strides, multiplier):
    """Correlate each channel with its own kernels, SciPy's way."""
    n_axes = kernel.ndim - 2
    every = (slice(None), *(slice(None, None, s) for s in strides))
    outputs = [
        np.stack(
            [
                signal.correlate(image[..., f // multiplier], kernel[..., 0, f], "valid")
                for image in x
            ]
        )[every]
        for f in range(kernel.shape[-1])
    ]
    return np.stack(outputs, axis=n_axes + 1)


@pytest.mark.parametrize("multiplier", [1, 3])
@pytest.mark.parametrize(
    ("kind", "size", "strides", "shape"),
    [
        (DepthwiseConv1D, (4,), (1,), (9, 5)),
        (DepthwiseConv1D, (2,), (3,), (9, 5)),
        (DepthwiseConv2D, (3, 2), (1, 1), (6, 7, 4)),
        (DepthwiseConv2D, (2, 3), (2, 1), (6, 7, 4)),
        (DepthwiseConv2D, (3, 3), (1, 2), (6, 7, 4)),
    ],
)
def test_each_channel_is_correlated_by_itself(kind, size, strides, shape, multiplier):
    x = np.random.default_rng(0).normal(size=(3, *shape))
    network = Network(kind(size, strides, depth_multiplier=multiplier), shape)
    network.layer.bias_[:] = np.arange(shape[-1] * multiplier)
    expected = by_channel(x, network.layer.kernel_, strides, multiplier) + network.layer.bias_
    assert network.output_shape == expected.shape[1:]
    np.testing.assert_allclose(network.predict(x), expected, atol=1e-10)


def test_large_images_are_cut_into_pieces():
    x = np.random.default_rng(0).normal(size=(2, 40, 60, 32))
    network = Network(DepthwiseConv2D(3), x.shape[1:])
    expected = by_channel(x, network.layer.kernel_, (1, 1), 1)
    np.testing.assert_allclose(network.predict(x), expected, atol=1e-10)


@pytest.mark.parametrize("strides", [1, 2])
def test_groups_of_one_channel_are_those_of_a_dense_kernel_with_zeros(strides):
    x = np.random.default_rng(0).normal(size=(3, 6, 5, 4))
    grouped = Network(Conv2D(8, 3, strides, "same", groups=4), x.shape[1:])
    dense = Network(Conv2D(8, 3, strides, "same"), x.shape[1:])
    dense.layer.kernel_[...] = 0.0
    for f in range(8):
        dense.layer.kernel_[:, :, f // 2, f] = grouped.layer.kernel_[:, :, 0, f]
    grads = [np.zeros(network.n_params) for network in (grouped, dense)]
    runs = [n.replica(3, None, g) for n, g in zip((grouped, dense), grads, strict=True)]
    outs = [run.forward(x, training=True) for run in runs]
    np.testing.assert_allclose(outs[0], outs[1], atol=1e-10)
    grad = np.random.default_rng(1).normal(size=outs[0].shape)
    back = [run.layer.backward(grad.copy()) for run in runs]
    np.testing.assert_allclose(back[0], back[1], atol=1e-10)
    for f in range(8):
        expected = runs[1].layer.kernel_grad_[:, :, f // 2, f]
        np.testing.assert_allclose(runs[0].layer.kernel_grad_[:, :, 0, f], expected, atol=1e-10)


def test_a_separable_convolution_is_two():
    x = np.random.default_rng(0).normal(size=(3, 6, 5, 4))
    layer = SeparableConv2D(5, (3, 2), activation="tanh", depth_multiplier=2)
    network = Network(layer, x.shape[1:])
    first, second = (part for _, part in network.layer.sublayers())
    between = by_channel(x, first.kernel_, (1, 1), 2)
    expected = np.tanh(between @ second.kernel_[0, 0] + second.bias_)
    np.testing.assert_allclose(network.predict(x), expected, atol=1e-10)
    assert network.n_params == 3 * 2 * 8 + 8 * 5 + 5


@pytest.mark.parametrize(
    ("layer", "shape", "sequence"),
    [
        (DepthwiseConv1D(3, padding="causal", activation="tanh"), (6, 3), True),
        (DepthwiseConv1D(2, 2, "same", depth_multiplier=2), (7, 2), True),
        (DepthwiseConv2D(3, padding="same", dilation_rate=2), (5, 6, 3), False),
        (DepthwiseConv2D((3, 2), (2, 3), depth_multiplier=2, use_bias=False), (5, 7, 2), False),
        (Conv3D(4, 2, groups=2), (3, 4, 4, 2), True),
        (SeparableConv1D(4, 3, padding="causal", activation="gelu"), (6, 3), True),
        (SeparableConv2D(4, 3, 2, depth_multiplier=2), (5, 6, 2), False),
    ],
    ids=str,
)
def test_they_keep_the_contract(layer, shape, sequence):
    check_layer(layer, shape, sequence=sequence)


def test_they_train_and_are_searched_as_other_layers():
    X = np.random.default_rng(0).normal(size=(20, 6 * 6 * 2))
    y = np.arange(20) % 2
    layers = [SeparableConv2D(3, 3), DepthwiseConv2D(2), GlobalAveragePool2D()]
    model = NeuralClassifier(layers=layers, input_shape=(6, 6, 2), max_iter=2, random_state=0)
    model.set_params(layers__0__filters=5, tol=0).fit(X, y)
    assert model.network_["1"].kernel_.shape == (2, 2, 1, 5)
    assert model.network_["0"].sublayers()[1][1].kernel_.shape == (1, 1, 2, 5)


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (DepthwiseConv2D(3, depth_multiplier=0), "The 'depth_multiplier' parameter of Depthwise"),
        (SeparableConv2D(0, 3), "The 'filters' parameter of SeparableConv2D must be"),
        (DepthwiseConv2D(9), "expects inputs of at least 9 x 9 (height, width), got 6 x 6."),
        (SeparableConv2D(3, 9), "(DepthwiseConv2D) expects inputs of at least 9 x 9"),
    ],
)
def test_wrong_uses_have_a_sentence(layer, sentence):
    model = NeuralClassifier(layers=[layer, Flatten()], input_shape=(6, 6, 1))
    with pytest.raises(ValueError) as caught:
        model.fit(np.zeros((4, 36)), [0, 1, 0, 1])
    assert sentence in str(caught.value)


def test_causal_depthwise_convolutions_read_step_by_step():
    x = np.random.default_rng(0).normal(size=(2, 6, 3))
    for layer in (DepthwiseConv1D(3, padding="causal"), SeparableConv1D(4, 3, padding="causal")):
        network = Network(layer, (None, 3))
        memory = {}
        replica = network.replica(2)
        steps = [replica.layer.advance(x[:, t : t + 2], memory).copy() for t in (0, 2, 4)]
        np.testing.assert_allclose(np.concatenate(steps, axis=1), network.predict(x), atol=1e-10)
    assert not Network(Conv1D(3, 3, groups=3), (6, 3)).is_causal
