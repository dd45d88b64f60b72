"""Calls of kernels for the tests: arguments that fit, and what the call may write."""

from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sknet import kernels
from sknet.activations.base import _Scratch
from sknet.base import Workspace

#: The activations, with a slope and a limit where they have such.
ACTIVATIONS = {
    "identity": (kernels.IDENTITY, 0.0, 0.0),
    "relu": (kernels.RELU, 0.0, 0.0),
    "leaky_relu": (kernels.LEAKY_RELU, 0.3, 0.0),
    "elu": (kernels.EXPONENTIAL, 1.0, 1.5),
    "selu": (kernels.EXPONENTIAL, 1.05, 1.76),
    "softplus": (kernels.SOFTPLUS, 0.0, 0.0),
    "logistic": (kernels.LOGISTIC, 0.0, 0.0),
    "tanh": (kernels.TANH, 0.0, 0.0),
    "gelu": (kernels.GELU, 0.7978845608, 0.0356774081),
    "silu": (kernels.SILU, 0.0, 0.0),
    "mish": (kernels.MISH, 0.0, 0.0),
    "exact_gelu": (kernels.EXACT_GELU, 0.0, 0.0),
}
CONVOLUTIONS = ("correlate", "correlate_gradient", "depthwise", "depthwise_gradient")
GATED = ("gelu", "silu", "mish", "exact_gelu")


class Call(NamedTuple):
    """Call of a kernel.

    Parameters
    ----------
    name : str
        The kernel.
    arguments : list
        What it is given.
    outputs : tuple of int
        Positions of the arguments that it may write.
    """

    name: str
    arguments: list
    outputs: tuple

    def run(self, functions):
        """Run it with the functions of a module, on copies of the arrays.

        Returns
        -------
        result : float or None
            What the kernel returns.
        outputs : list of ndarray
            What it has written.
        """
        arguments = [a.copy() if isinstance(a, np.ndarray) else a for a in self.arguments]
        with np.errstate(all="ignore"):
            result = getattr(functions, self.name)(*arguments)
        return result, [arguments[i] for i in self.outputs if arguments[i] is not None]


def values(rng, shape, dtype, wild=False):
    """Return normal values, or with `wild` also some that are not finite, huge or subnormal."""
    x = rng.normal(scale=2.0, size=shape).astype(dtype)
    if wild and x.size:
        info = np.finfo(dtype)
        special = [np.nan, np.inf, -np.inf, info.max, -info.max, info.tiny, info.tiny / 8, -0.0]
        chosen = rng.random(x.shape) < 0.3
        x[chosen] = rng.choice(np.array(special, dtype), chosen.sum())
    return x


def update(rng, name, size, dtype, wild=False):
    """Return the update of a vector of parameters by an optimizer."""
    n_moments = {"sgd": 1, "rmsprop": 2, "adam": 2, "lion": 1}[name]
    moments = [values(rng, size, dtype, wild) for _ in range(n_moments)]
    if name in ("adam", "rmsprop"):
        square = 1 if name == "adam" else 0
        np.abs(moments[square], out=moments[square])
    if name in ("sgd", "rmsprop") and rng.random() < 0.5:
        moments[-1] = None
    numbers = {
        "sgd": (0.9, bool(rng.integers(2))),
        "rmsprop": (0.9, 1e-7, 0.8),
        "adam": (0.9, 0.999, 1e-8, float(rng.choice([0.0, 0.9]))),
        "lion": (0.09, 0.99),
    }[name]
    start = [values(rng, size, dtype, wild), values(rng, size, dtype, wild), np.zeros(1, np.int64)]
    shrink = float(rng.choice([1.0, 0.99]))
    arguments = [*start, *moments, np.zeros(size, dtype), shrink, 0.01, *numbers]
    return Call(name, arguments, tuple(range(3 + n_moments)))


def activation(rng, name, shape, dtype, wild=False, in_place=False):
    """Return the call of an activation, after a bias half of the time."""
    kind, slope, limit = ACTIVATIONS[name]
    x = values(rng, shape, dtype, wild)
    derivative = np.zeros_like(x) if name in GATED and rng.random() < 0.7 else None
    bias = values(rng, shape[-1], dtype) if rng.random() < 0.5 else None
    work = _Scratch(len(x), dtype)
    out = x if in_place else np.zeros_like(x)
    return Call("activate", [kind, x, bias, out, derivative, slope, limit, work], (3, 4))


def derivative(rng, name, shape, dtype, wild=False):
    """Return the call of an activation's derivative, with the sums of its columns at times."""
    kind, slope, limit = ACTIVATIONS[name]
    grad, out = values(rng, shape, dtype, wild), values(rng, shape, dtype, wild)
    if name == "softplus":
        np.abs(out, out=out)
    bias_grad = np.zeros(shape[-1], dtype) if rng.random() < 0.7 else None
    work = _Scratch(len(out), dtype)
    return Call("deactivate", [kind, grad, out, bias_grad, slope, limit, work], (1, 3))


def softmax(rng, shape, dtype, wild=False):
    """Return the call of the log loss of classes."""
    raw, codes = values(rng, shape, dtype, wild), rng.integers(0, max(shape[1], 1), shape[0])
    weight = np.abs(values(rng, shape[0], dtype)) if rng.random() < 0.5 else None
    smoothing = float(rng.choice([0.0, 0.1]))
    return Call("softmax_loss", [raw, codes, weight, smoothing, np.zeros_like(raw), None], (4,))


def sigmoid(rng, shape, dtype, wild=False):
    """Return the call of the log loss of labels."""
    raw, y = values(rng, shape, dtype, wild), rng.integers(0, 2, shape)
    y = y.astype(dtype) if rng.random() < 0.5 else y
    weight = np.abs(values(rng, shape[0], dtype)) if rng.random() < 0.5 else None
    smoothing = float(rng.choice([0.0, 0.1]))
    work = _Scratch(len(raw), dtype)
    return Call("sigmoid_loss", [raw, y, weight, smoothing, np.zeros_like(raw), work], (4,))


def dropout(rng, shape, dtype, wild=False):
    """Return the call of dropout."""
    x, kept = values(rng, shape, dtype, wild), np.zeros(shape, bool)
    noise, work = np.random.default_rng(rng.integers(2**32)), Workspace(len(x), dtype)
    return Call("dropout", [x, np.zeros_like(x), kept, noise, 0.7, 1 / 0.7, work], (1, 2))


def dropout_backward(rng, shape, dtype, wild=False):
    """Return the call of dropout's derivative."""
    grad, kept = values(rng, shape, dtype, wild), rng.random(shape) < 0.5
    return Call("dropout_backward", [grad, kept, 1.25, Workspace(len(grad), dtype)], (0,))


def blend(rng, shape, dtype, wild=False):
    """Return the call of the mixture of two arrays."""
    x, y = values(rng, shape, dtype, wild), values(rng, shape, dtype, wild)
    return Call("blend", [x, y, values(rng, shape[-1], dtype), np.zeros_like(x)], (3,))


def blend_backward(rng, shape, dtype, wild=False):
    """Return the call of the derivative of the mixture."""
    grad, x, y = (values(rng, shape, dtype, wild) for _ in range(3))
    arguments = [grad, x, y, values(rng, shape[-1], dtype), np.zeros_like(x)]
    return Call("blend_backward", [*arguments, np.zeros(shape[-1], dtype)], (0, 4, 5))


def waves(rng, shape, dtype, wild=False):
    """Return the call of the waves of numbers."""
    x, inner, weights = _of_waves(rng, shape, dtype, wild)
    outputs = [np.zeros((*shape, inner[0]), dtype) for _ in range(2)]
    if rng.random() < 0.3:
        outputs = [None, None]
    phases = rng.uniform(-np.pi, np.pi, weights[0].shape).astype(dtype)
    arguments = [x, *weights, *outputs, phases, values(rng, (shape[1], inner[1]), dtype)]
    arguments += [np.zeros((*shape, 1 + inner[1]), dtype), Workspace(len(x), dtype)]
    return Call("waves", arguments, (3, 4, 7))


def waves_backward(rng, shape, dtype, wild=False):
    """Return the call of the derivative of the waves of numbers."""
    x, inner, weights = _of_waves(rng, shape, dtype, wild)
    angles = rng.uniform(-np.pi, np.pi, (*shape, inner[0]))
    sides = [np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)]
    grad = values(rng, (*shape, 1 + inner[1]), dtype, wild)
    shapes = (shape[1], inner[0]), (shape[1], inner[0]), weights[1].shape, (shape[1], inner[1])
    outputs = [np.zeros(each, dtype) for each in shapes]
    grad_x = np.zeros_like(x) if rng.random() < 0.5 else None
    arguments = [x, *weights, *sides, grad, *outputs, grad_x, Workspace(len(x), dtype)]
    return Call("waves_backward", arguments, (6, 7, 8, 9, 10))


def _of_waves(rng, shape, dtype, wild):
    inner = int(rng.integers(1, 40)), int(rng.integers(1, 5))
    weights = [values(rng, (shape[1], inner[0]), dtype), values(rng, (shape[1], *inner), dtype)]
    return values(rng, shape, dtype, wild), inner, weights


def row_norm(rng, shape, dtype, wild=False):
    """Return the call of the normalization of rows, with or without a mean."""
    rows, gamma = values(rng, shape, dtype, wild), values(rng, shape[1], dtype)
    beta = values(rng, shape[1], dtype) if rng.random() < 0.5 else None
    outputs = [np.zeros_like(rows), *np.zeros((2, len(rows), 1), dtype), np.zeros_like(rows)]
    arguments = [rows, gamma, beta, *outputs, 1e-3, _numbers(shape[1], dtype)]
    return Call("row_norm", [*arguments, Workspace(len(rows), dtype)], (3, 4, 5, 6))


def row_norm_backward(rng, shape, dtype, wild=False):
    """Return the call of the derivative of the normalization of rows."""
    grad, x_hat = values(rng, shape, dtype, wild), values(rng, shape, dtype)
    inverse_std = np.abs(values(rng, (len(grad), 1), dtype))
    gamma, gamma_grad = values(rng, shape[1], dtype), np.zeros(shape[1], dtype)
    beta_grad = np.zeros(shape[1], dtype) if rng.random() < 0.5 else None
    arguments = [grad, x_hat, inverse_std, gamma, gamma_grad, beta_grad, bool(rng.integers(2))]
    arguments += [_numbers(shape[1], dtype), Workspace(len(grad), dtype)]
    return Call("row_norm_backward", arguments, (0, 4, 5))


def _numbers(length, dtype):
    numbers = (length, -(2.0**-14), 1e-3)
    return np.ones(length, dtype), *(np.array([number], dtype) for number in numbers)


def _channels(rng, shape, dtype, wild):
    """Return an array of two segments, and a function that makes vectors."""
    x = values(rng, (2, *shape), dtype, wild)
    return x, lambda: values(rng, (2, 1, shape[1]), dtype)


def channel_sums(rng, shape, dtype, wild=False):
    """Return the call that sums up columns: x, squares, or a gradient and its products."""
    x, vector = _channels(rng, shape, dtype, wild)
    grad, total, products, work = (
        values(rng, x.shape, dtype),
        vector(),
        vector(),
        Workspace(0, dtype),
    )
    arrays = [(None, None, None, total, None), (vector(), None, None, None, products)]
    arrays.append((vector(), grad, None, total, products))
    return Call("channel_sums", [x, *arrays[rng.integers(3)], work], (4, 5))


def channel_linear(rng, shape, dtype, wild=False):
    """Return the call of a linear function of channels."""
    x, vector = _channels(rng, shape, dtype, wild)
    vectors = vector(), None, vector(), vector()
    return Call("channel_linear", [x, *vectors, np.zeros_like(x), Workspace(0, dtype)], (5,))


def channel_gradient(rng, shape, dtype, wild=False):
    """Return the call that turns a gradient into that of what was normalized."""
    x, vector = _channels(rng, shape, dtype, wild)
    vectors = vector(), None, vector(), vector(), vector()
    arguments = [values(rng, x.shape, dtype), x, *vectors, Workspace(0, dtype)]
    return Call("channel_gradient", arguments, (0,))


def softmax_of_keys(rng, shape, dtype, wild=False):
    """Return the call of attention's softmax over `shape` of keys and queries."""
    n_keys, n_queries = max(shape), min(shape)
    scores = values(rng, (3, 2, n_keys, n_queries), dtype, wild)
    mask = rng.random((3, n_keys)) < 0.7 if rng.random() < 0.5 else None
    later = None
    if rng.random() < 0.5:
        later = np.tril(np.full((n_queries, n_queries), -np.inf, dtype), -1)
    ones, work = np.ones(n_keys, dtype), Workspace(3, dtype)
    return Call("softmax_of_keys", [scores, mask, later, ones, work], (0,))


def read_codes(rng, shape, dtype, wild=False):
    """Return the call that reads codes, some of which may be none."""
    x = rng.integers(0, 9 if rng.random() < 0.5 else 12, shape).astype(dtype)
    if wild and x.size:
        x.flat[rng.integers(x.size)] = rng.choice([np.nan, np.inf, -1, 0.5, 1e30])
    return Call("read_codes", [x, np.zeros(shape, np.intp), 10, Workspace(len(x), dtype)], (1,))


def add_by_code(rng, shape, dtype, wild=False):
    """Return the call that adds up rows by their codes."""
    codes, rows = rng.integers(0, 7, shape[0]), values(rng, shape, dtype, wild)
    return Call("add_by_code", [rows, codes, np.zeros((7, shape[1]), dtype), {}], (2,))


def _pooling(rng, shape, dtype, wild):
    """Return x, the values of its windows, and their size and strides, for one to three axes."""
    n_axes = int(rng.integers(1, 4))
    lengths = rng.integers(1, 6, n_axes)
    size = tuple(int(rng.integers(1, n + 1)) for n in lengths)
    strides = tuple(int(n) for n in rng.integers(1, 4, n_axes))
    windows = [(n - k) // s + 1 for n, k, s in zip(lengths, size, strides, strict=True)]
    x = values(rng, (shape[0], *lengths, shape[1]), dtype, wild)
    return x, np.zeros((shape[0], *windows, shape[1]), dtype), (size, strides)


def max_pool(rng, shape, dtype, wild=False):
    """Return the call that takes the maxima of windows."""
    x, out, geometry = _pooling(rng, shape, dtype, wild)
    places = np.zeros(out.shape, np.uint8) if rng.random() < 0.5 else None
    return Call("max_pool", [x, out, places, *geometry, Workspace(1, dtype)], (1, 2))


def max_unpool(rng, shape, dtype, wild=False):
    """Return the call of its derivative, which may overwrite the gradient."""
    x, out, geometry = _pooling(rng, shape, dtype, wild)
    places, work = np.zeros(out.shape, np.uint8), Workspace(1, dtype)
    known = kernels.max_pool(x, out, places, *geometry, work)
    arrays = [values(rng, out.shape, dtype), np.zeros_like(x), places if known else None, x, out]
    return Call("max_unpool", [*arrays, *geometry, work], (0, 1))


def mix_rows(rng, shape, dtype, wild=False):
    """Return the call that mixes rows of tiles."""
    n_in, n_out = (int(n) for n in rng.integers(1, 7, 2))
    x = values(rng, (shape[0], 3, n_in, shape[1]), dtype, wild)
    out = np.zeros((shape[0], 3, n_out, shape[1]), dtype)
    if rng.random() < 0.5:
        x = np.ascontiguousarray(x.transpose(2, 0, 1, 3)).transpose(1, 2, 0, 3)
    return Call("mix_rows", [values(rng, (n_out, n_in), dtype), x, out], (2,))


def multiply(rng, shape, dtype, wild=False):
    """Return the call of a product in panels."""
    inner = int(rng.integers(1, 9))
    a, b = values(rng, (shape[0], inner), dtype, wild), values(rng, (inner, shape[1]), dtype, wild)
    a, b = (np.asfortranarray(x) if rng.random() < 0.5 else x for x in (a, b))
    out, panel = np.zeros(shape, dtype), [int(n) for n in rng.integers(1, 20, 2)]
    return Call("multiply", [a, b, out, *panel, _in_turn], (2,))


def _in_turn(function, n):
    for i in range(n):
        function(i)


def lstm_step(rng, shape, dtype, wild=False):
    """Return the call of a step of an LSTM while training, which writes all slots."""
    cell, slots = values(rng, shape, dtype, wild), values(rng, (5, *shape), dtype, wild)
    outputs, work = np.zeros((2, *shape), dtype), np.zeros((4, *shape), dtype)
    return Call("lstm_step", [slots, cell, *outputs, True, work], (0, 1, 2, 3))


def lstm_step_back(rng, shape, dtype, wild=False):
    """Return the call of its derivative."""
    grad, slope, grad_cell = values(rng, (3, *shape), dtype, wild)
    slots, work = values(rng, (5, *shape), dtype, wild), np.zeros((4, *shape), dtype)
    grad_gates = np.zeros((shape[0], 4 * shape[1]), dtype)
    return Call("lstm_step_back", [grad, slots, slope, grad_cell, grad_gates, work], (3, 4))


def gru_step(rng, shape, dtype, wild=False):
    """Return the call of a step of a GRU while training, which writes all slots."""
    before, slots = values(rng, shape, dtype, wild), values(rng, (5, *shape), dtype, wild)
    work = np.zeros((3, *shape), dtype)
    return Call("gru_step", [slots, before, np.zeros(shape, dtype), True, work], (0, 2))


def gru_step_back(rng, shape, dtype, wild=False):
    """Return the call of its derivative."""
    grad, slots = values(rng, shape, dtype, wild), values(rng, (5, *shape), dtype, wild)
    grad_gates = np.zeros((shape[0], 4 * shape[1]), dtype)
    return Call("gru_step_back", [grad, slots, grad_gates, np.zeros((3, *shape), dtype)], (0, 2))


def convolution(rng, shape, dtype, wild=False, name="correlate"):
    """Return the call of a convolution over one to three axes: `shape` is (rows, channels)."""
    n_axes, channels = int(rng.integers(1, 4)), shape[1]
    counts = np.array([max(1, shape[0] % 7), *rng.integers(1, 6, n_axes - 1)])
    size = rng.integers(1, 4, n_axes)
    strides, dilation = rng.integers(1, 3, (2, n_axes))
    lengths = (counts - 1) * strides + (size - 1) * dilation + 1 + rng.integers(0, 2, n_axes)
    filters = (int(rng.integers(1, 40)),) if name.startswith("correlate") else ()
    n = min(shape[0], 2)
    x = values(rng, (n, *lengths, channels), dtype, wild)
    products = values(rng, (n, *counts, *(filters or (channels,))), dtype, wild)
    taps = values(rng, (*size, channels, *filters), dtype, wild)
    arrays = [x, products, taps] if name.endswith("gradient") else [x, taps, products]
    geometry = [tuple(map(int, strides)), tuple(map(int, dilation))]
    work = [Workspace(1, dtype)] if filters else []
    return Call(name, [*arrays, *geometry, *work], (2,))


def dense(rng, shape, dtype, wild=False):
    """Return the call of a dense layer whose outputs have a shape."""
    kind, slope, limit = ACTIVATIONS[name := str(rng.choice(list(ACTIVATIONS)))]
    n_inputs, work = int(rng.integers(1, 50)), _Scratch(shape[0], dtype)
    x, kernel = (values(rng, size, dtype) for size in ((shape[0], n_inputs), (n_inputs, shape[1])))
    x = values(rng, x.shape, dtype, wild)
    bias = values(rng, shape[1], dtype) if rng.random() < 0.7 else None
    out = np.zeros(shape, dtype)
    derivative = np.zeros_like(out) if name in GATED and rng.random() < 0.7 else None
    arguments = [kind, x, kernel, bias, out, derivative, slope, limit, work]
    return Call("dense", arguments, (4, 5))


def dense_back(rng, shape, dtype, wild=False):
    """Return the call of its derivative, with the gradient of x at times."""
    forward = dense(rng, shape, dtype, wild).arguments
    (kind, x, kernel), (slope, limit, work) = forward[:3], forward[6:]
    grad, out = values(rng, shape, dtype, wild), np.abs(values(rng, shape, dtype))
    bias_grad = np.zeros(shape[1], dtype) if rng.random() < 0.7 else None
    grad_x = np.zeros_like(x) if rng.random() < 0.7 else None
    outputs = np.zeros_like(kernel), bias_grad, grad_x
    arguments = [kind, grad, out, x, kernel, *outputs, slope, limit, work]
    return Call("dense_back", arguments, (1, 5, 6, 7))


def dense_gradient(rng, shape, dtype, wild=False):
    """Return the call of the gradient of up to three layers, the last of shape[1] or one units."""
    n, loss = shape[0], int(rng.integers(3))
    n_outputs = shape[1] if loss == kernels.OF_CLASSES else 1
    widths = [*rng.integers(1, 30, rng.integers(1, 4)).tolist(), n_outputs]
    integers, reals, begin = [], [], 0
    for n_inputs, units in pairwise(widths):
        kind, *coefficients = ACTIVATIONS[str(rng.choice(list(ACTIVATIONS)[:-1]))]
        at_bias = begin + n_inputs * units
        integers.append((units, kind, begin, at_bias))
        reals.append((*coefficients, rng.random()))
        begin = at_bias + units
    x, params = values(rng, (n, widths[0]), dtype, wild), values(rng, begin, dtype) / 8
    y = {
        kernels.OF_CLASSES: rng.integers(0, n_outputs, n),
        kernels.OF_LABELS: rng.integers(0, 2, (n, 1)),
        kernels.SQUARED: values(rng, (n, 1), dtype),
    }[loss]
    shares = np.abs(values(rng, n, dtype)) if rng.random() < 0.5 else None
    memory = np.zeros((n, 3 * sum(widths[1:])), dtype)
    layers = np.array(integers, np.int64), np.array(reals, dtype)
    arguments = [x, y, shares, params, np.zeros_like(params), *layers, memory]
    rest = [float(rng.choice([0.0, 0.1])), float(rng.random()), loss, _Scratch(n, dtype)]
    return Call("dense_gradient", [*arguments, *rest], (4, 7))


#: The calls of kernels for arrays of some shape.
MAKERS = {
    "add_by_code": add_by_code,
    "blend": blend,
    "blend_backward": blend_backward,
    "channel_gradient": channel_gradient,
    "channel_linear": channel_linear,
    "channel_sums": channel_sums,
    "dense": dense,
    "dense_back": dense_back,
    "dense_gradient": dense_gradient,
    **{name: partial(convolution, name=name) for name in CONVOLUTIONS},
    "dropout": dropout,
    "dropout_backward": dropout_backward,
    "gru_step": gru_step,
    "gru_step_back": gru_step_back,
    "lstm_step": lstm_step,
    "lstm_step_back": lstm_step_back,
    "max_pool": max_pool,
    "max_unpool": max_unpool,
    "mix_rows": mix_rows,
    "multiply": multiply,
    "read_codes": read_codes,
    "row_norm": row_norm,
    "row_norm_backward": row_norm_backward,
    "sigmoid_loss": sigmoid,
    "softmax_loss": softmax,
    "softmax_of_keys": softmax_of_keys,
    "waves": waves,
    "waves_backward": waves_backward,
}


def any_call(rng, wild=False):
    """Return a random call whose arguments fit."""
    dtype = rng.choice([np.float32, np.float64])
    shape = (int(rng.integers(0, 20)), int(rng.integers(1, 40)))
    name = rng.choice(kernels.KERNELS)
    if name in ("sgd", "rmsprop", "adam", "lion"):
        return update(rng, str(name), int(rng.integers(0, 300)), dtype, wild)
    if name in MAKERS:
        return MAKERS[name](rng, shape, dtype, wild)
    make = {"activate": activation, "deactivate": derivative}[str(name)]
    return make(rng, str(rng.choice(list(ACTIVATIONS))), shape, dtype, wild)
