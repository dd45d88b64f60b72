"""Layers with windows, and those that change the size of images and sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layers import (
    AveragePool1D,
    AveragePool2D,
    AveragePool3D,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    Cropping1D,
    Cropping2D,
    Cropping3D,
    GlobalAveragePool1D,
    GlobalAveragePool2D,
    GlobalAveragePool3D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    GlobalMaxPool3D,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    RandomCrop,
    Resizing,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from .graph import TO_END, Graph
from .masks import count, first_steps, in_order, n_steps, over_steps, take_steps
from .registry import Found, converts, refuse
from .repetition import missing_steps, repeated
from .rows import with_bias


def _channels_first(graph, x, n_axes):
    return graph.op("Transpose", x, perm=[0, n_axes + 1, *range(1, n_axes + 1)])


def _channels_last(graph, x, n_axes):
    return graph.op("Transpose", x, perm=[0, *range(2, n_axes + 2), 1])


def _windows(layer, padded=False):
    """Return the attributes of windows; with `padded` the steps need no more padding."""
    windows = layer._windows
    shape = {"kernel_shape": list(windows.size), "strides": list(windows.strides)}
    if windows.repeats:
        return shape | {"pads": [0] * 2 * len(windows.size)}
    if _depends_on_length(layer) and not padded:
        return shape | {"auto_pad": "SAME_UPPER"}
    lengths = [n or 1 for n in layer.input_shape_[:-1]]  # with strides of 1 any will do
    pairs = [windows._amount(axis, length) for axis, length in enumerate(lengths)]
    if padded:
        pairs[0] = (0, 0)
    return shape | {"pads": [pair[side] for side in (0, 1) for pair in pairs]}


def _depends_on_length(layer):
    is_same, is_free = layer.padding == "same", layer.input_shape_[0] is None
    return is_same and is_free and layer._windows.strides[0] > 1


def _keeps_steps(layer):
    windows = layer._windows
    return windows.strides[0] == 1 and (windows.padding != "valid" or windows.span[0] == 1)


def _over_windows(graph, layer, x, mask, run, value=0.0):
    """Run a layer over windows of real steps alone; `value` fills what is not real."""

    def masked(x, mask):
        padded = mask is not None
        if layer._windows.repeats:
            x, mask = repeated(graph, layer, x, mask)
        elif padded:
            x, mask = _pad_real(graph, layer._windows, x, mask, value)
        x = _channels_first(graph, x, len(layer._axes))
        return _channels_last(graph, run(x, _windows(layer, padded)), len(layer._axes)), mask

    return in_order(graph, x, mask, _keeps_steps(layer), masked)


def _pad_real(graph, windows, x, mask, value):
    """Pad each sequence by itself, as `Windows.pad` does, and return the mask of the windows."""
    length, counts = n_steps(graph, x), count(graph, mask)
    span, stride = windows.span[0], windows.strides[0]
    if windows.padding == "valid":
        shift, padded = 0, graph.op("Max", length, span)
    elif windows.padding == "causal" or stride == 1:
        shift = windows._amount(0, 1)[0]
        padded = graph.op("Add", length, span - 1)
    else:
        shift = graph.op("Div", missing_steps(graph, counts, span, stride), 2)
        padded = graph.op("Add", length, missing_steps(graph, length, span, stride))
    steps = graph.op("Range", np.int64(0), graph.op("Squeeze", padded), np.int64(1))
    index = graph.op("Sub", steps, shift)
    index = graph.op("Add", index, graph.op("Mul", counts, 0))  # (N, padded)
    inside = graph.op("Less", index, counts)
    inside = graph.op("And", inside, graph.op("GreaterOrEqual", index, 0))
    last = graph.op("Sub", length, 1)
    found = take_steps(graph, x, graph.op("Min", graph.op("Max", index, 0), last))
    axes = list(range(2, len(windows.size) + 2))
    out = graph.op("Where", graph.op("Unsqueeze", inside, axes), found, value)
    first = span - 1 if windows.padding == "valid" else 0
    real = first_steps(graph, graph.op("Max", length, first + 1), counts)
    return out, graph.slice(real, first, TO_END, 1, stride)


@converts(Conv1D, Conv2D, Conv3D)
def _convolution(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    n_axes, dilation = len(layer._axes), list(layer._windows.dilation)
    if mask is None and _depends_on_length(layer) and max(dilation) > 1:
        refuse(
            layer,
            "runtimes cannot pad dilated windows with strides where the number of steps is free. "
            "Pass input_shape with that number, or set strides=1.",
        )
    kernel = layer.kernel_.transpose(n_axes + 1, n_axes, *range(n_axes))

    def run(x, windows):
        groups = int(layer.groups)
        return graph.op("Conv", x, kernel, dilations=dilation, group=groups, **windows)

    if graph.memory is not None:
        x = _with_past(graph, layer, x, mask)
        out = run(_channels_first(graph, x, n_axes), _windows(layer, padded=True))
        out = _channels_last(graph, out, n_axes)
    else:
        out, mask = _over_windows(graph, layer, x, mask, run)
    return with_bias(graph, layer, out), mask


def _with_past(graph, layer, x, mask):
    """Return steps with as many before them as a window reaches back."""
    n_past = layer._windows.span[0] - 1
    if n_past == 0:
        return x
    shape = (None, n_past, layer.input_shape_[-1])
    past = graph.memory.past(layer, mask, shape, graph.dtype)
    x = graph.op("Concat", past, x, axis=1)
    graph.memory.keep(past, graph.slice(x, -n_past, TO_END, 1))
    return x


@converts(Conv1DTranspose, Conv2DTranspose, Conv3DTranspose)
def _transposed_convolution(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    n_axes, windows = len(layer._axes), layer._windows
    before, after = _cut_off(layer)

    def run(x, mask):
        if mask is not None:
            x = graph.op("Mul", x, over_steps(graph, mask, n_axes + 1))
        out = graph.op(
            "ConvTranspose",
            _channels_first(graph, x, n_axes),
            layer.kernel_.transpose(n_axes + 1, n_axes, *range(n_axes)),
            kernel_shape=list(windows.size),
            strides=list(windows.strides),
            dilations=list(windows.dilation),
            pads=before + [max(n, 0) for n in after],
            output_padding=[max(-n, 0) for n in after],
        )
        out = _channels_last(graph, out, n_axes)
        return out, None if mask is None else reached(out, count(graph, mask))

    def reached(out, counts):
        is_some = graph.cast(graph.op("Greater", counts, 0), np.int64)
        ends = graph.op("Add", graph.op("Mul", counts, windows.strides[0]), layer._extra[0])
        return first_steps(graph, n_steps(graph, out), graph.op("Mul", ends, is_some))

    out, mask = in_order(graph, x, mask, _keeps_steps(layer), run)
    return with_bias(graph, layer, out), mask


def _cut_off(layer):
    """Return how much of the sum is cut off at each end of the axes; below 0, what is added."""
    windows, before, after = layer._windows, [], []
    for span, stride, extra in zip(windows.span, windows.strides, layer._extra, strict=True):
        too_long = span - stride - extra
        before.append(max(too_long, 0) // 2)
        after.append(too_long - before[-1])
    return before, after


@converts(MaxPool1D, MaxPool2D, MaxPool3D)
def _max_pooling(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    lowest = float("-inf")
    out, found = _over_windows(
        graph, layer, x, mask, lambda x, windows: graph.op("MaxPool", x, **windows), lowest
    )
    if mask is not None:
        # Some runtimes start the maximum from the lowest finite number.
        none = graph.op("LessOrEqual", out, float(np.finfo(graph.dtype).min))
        out = graph.op("Where", none, 0.0, out)
    return out, found


@converts(AveragePool1D, AveragePool2D, AveragePool3D)
def _average_pooling(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    def average(x, windows):
        return graph.op("AveragePool", x, **windows)

    out, found = _over_windows(graph, layer, x, mask, average)
    if mask is None:
        return out, None
    # Masked steps count as zeros in these averages, which the same averages of ones undo.
    ones = over_steps(graph, mask, len(layer.input_shape_))
    ones = graph.op("Add", graph.op("Mul", x, 0.0), ones)
    shares, _ = _over_windows(graph, layer, ones, mask, average)
    return graph.op("Div", out, graph.op("Max", shares, float(np.finfo(np.float32).tiny))), found


def _places(layer):
    return list(range(1, len(layer._axes) + 1))


@converts(GlobalAveragePool1D, GlobalAveragePool2D, GlobalAveragePool3D)
def _global_average(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    if mask is None:
        return graph.op("ReduceMean", x, _places(layer), keepdims=0), None
    weights = over_steps(graph, mask, len(layer.input_shape_))
    x = graph.op("Mul", x, weights)
    if len(layer._axes) > 1:
        x = graph.op("ReduceMean", x, _places(layer)[1:], keepdims=0)
    n_steps = graph.op("Max", graph.cast(count(graph, mask), graph.dtype), 1.0)
    return graph.op("Div", graph.op("ReduceSum", x, [1], keepdims=0), n_steps), None


@converts(GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D)
def _global_max(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    if mask is not None:
        later = list(range(2, len(layer.input_shape_) + 1))
        x = graph.op("Where", graph.op("Unsqueeze", mask, later), x, float("-inf"))
    out = graph.op("ReduceMax", x, _places(layer), keepdims=0)
    if mask is not None:
        some = graph.op("Greater", count(graph, mask), 0)
        out = graph.op("Where", some, out, 0.0)
    return out, None


@converts(UpSampling1D, UpSampling2D, UpSampling3D)
def _up_sampling(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    n_axes, mode = len(layer._axes), {"mode": "nearest", "nearest_mode": "floor"}
    centres = "asymmetric"
    if getattr(layer, "interpolation", "nearest") != "nearest":
        mode, centres = {"mode": "linear"}, "half_pixel"
        if mask is not None:
            refuse(
                layer,
                "runtimes interpolate over masked steps as well. Set interpolation='nearest', or "
                "leave out Masking and lengths.",
            )
    scales = graph.constant([1.0, 1.0, *map(float, layer._size)], "float32")

    def run(x, mask):
        x = _channels_first(graph, x, n_axes)
        x = graph.op("Resize", x, None, scales, coordinate_transformation_mode=centres, **mode)
        return _channels_last(graph, x, n_axes), _repeated(graph, mask, layer._size[0])

    return in_order(graph, x, mask, layer._size[0] == 1, run)


def _repeated(graph, mask, n_times):
    if mask is None:
        return None
    mask = graph.op("Tile", graph.op("Unsqueeze", mask, [-1]), [1, 1, n_times])
    return graph.op("Reshape", mask, [0, -1])


@converts(ZeroPadding1D, ZeroPadding2D, ZeroPadding3D)
def _zero_padding(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    before, after = ([pair[i] for pair in layer._amounts] for i in (0, 1))
    n_more = before[0] + after[0]

    def run(x, mask):
        if mask is None:
            return graph.op("Pad", x, [0, *before, 0, 0, *after, 0]), None
        x = graph.op("Mul", x, over_steps(graph, mask, len(layer.input_shape_)))
        out = graph.op("Pad", x, [0, *before, 0, 0, *after, 0])
        counts = graph.op("Add", count(graph, mask), n_more)
        return out, first_steps(graph, n_steps(graph, out), counts)

    return in_order(graph, x, mask, n_more == 0, run)


@converts(Cropping1D, Cropping2D, Cropping3D)
def _cropping(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    n_less = sum(layer._amounts[0])

    def run(x, mask):
        for axis, (before, after) in enumerate(layer._amounts, start=1):
            if before or after:
                x = graph.slice(x, before, -after if after else TO_END, axis)
        return x, None if mask is None else graph.slice(mask, n_less, TO_END, 1)

    return in_order(graph, x, mask, n_less == 0, run)


def _of_images(layer, mask):
    if mask is not None:
        refuse(layer, "it does not keep steps, of which some are not real. Leave out Masking.")


@converts(Resizing)
def _resizing(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    _of_images(layer, mask)
    (height, width, channels), (by_height, by_width) = layer.input_shape_, layer._matrices
    tall = graph.op("MatMul", by_height, graph.reshape(x, (height, width * channels)))
    tall = graph.reshape(tall, (len(by_height), width, channels))
    return graph.op("MatMul", by_width, tall), None


@converts(RandomCrop)
def _random_crop(graph: Graph, layer: Any, x: str, mask: str | None) -> Found:
    _of_images(layer, mask)
    for axis, (size, room) in enumerate(zip(layer._size, layer._room, strict=True), start=1):
        x = graph.slice(x, room // 2, room // 2 + size, axis)
    return x, None
