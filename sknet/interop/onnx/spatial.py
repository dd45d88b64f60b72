"""Layers with windows, and those that change the size of images and sequences."""

from ...layers import (
    AveragePool1D,
    AveragePool2D,
    AveragePool3D,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Cropping1D,
    Cropping2D,
    GlobalAveragePool1D,
    GlobalAveragePool2D,
    GlobalAveragePool3D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    GlobalMaxPool3D,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    UpSampling1D,
    UpSampling2D,
    ZeroPadding1D,
    ZeroPadding2D,
)
from .graph import TO_END
from .masks import count, over_steps
from .registry import converts, refuse
from .rows import with_bias


def _channels_first(graph, x, n_axes):
    return graph.op("Transpose", x, perm=[0, n_axes + 1, *range(1, n_axes + 1)])


def _channels_last(graph, x, n_axes):
    return graph.op("Transpose", x, perm=[0, *range(2, n_axes + 2), 1])


def _attributes(layer):
    """Return the attributes of windows; paddings are amounts where these are known."""
    windows = layer._windows
    shape = {"kernel_shape": list(windows.size), "strides": list(windows.strides)}
    if _depends_on_length(layer):
        return shape | {"auto_pad": "SAME_UPPER"}
    lengths = [n or 1 for n in layer.input_shape_[:-1]]  # with strides of 1 any will do
    pairs = [windows._amount(axis, length) for axis, length in enumerate(lengths)]
    return shape | {"pads": [pair[side] for side in (0, 1) for pair in pairs]}


def _depends_on_length(layer):
    is_same, is_free = layer.padding == "same", layer.input_shape_[0] is None
    return is_same and is_free and layer._windows.strides[0] > 1


def _without_masks(layer, mask):
    if mask is not None:
        refuse(
            layer,
            "it would have to leave out masked steps. Remove Masking and mask_zero, or convert "
            "for sequences of one length.",
        )


@converts(Conv1D, Conv2D, Conv3D)
def convolution(graph, layer, x, mask):
    _without_masks(layer, mask)
    n_axes = len(layer._axes)
    if _depends_on_length(layer) and layer._windows.span != layer._windows.size:
        refuse(
            layer,
            "runtimes cannot pad dilated windows with strides where the number of steps is free. "
            "Pass input_shape with that number, or set strides=1.",
        )
    out = graph.op(
        "Conv",
        _channels_first(graph, x, n_axes),
        layer.kernel_.transpose(n_axes + 1, n_axes, *range(n_axes)),
        dilations=list(layer._windows.dilation),
        group=int(layer.groups),
        **_attributes(layer),
    )
    return with_bias(graph, layer, _channels_last(graph, out, n_axes))


@converts(Conv1DTranspose, Conv2DTranspose)
def transposed_convolution(graph, layer, x, mask):
    _without_masks(layer, mask)
    n_axes, windows = len(layer._axes), layer._windows
    pairs = list(zip(windows.span, windows.strides, strict=True))
    excess = [max(span - stride, 0) if layer.padding == "same" else 0 for span, stride in pairs]
    out = graph.op(
        "ConvTranspose",
        _channels_first(graph, x, n_axes),
        layer.kernel_.transpose(n_axes + 1, n_axes, *range(n_axes)),
        kernel_shape=list(windows.size),
        strides=list(windows.strides),
        dilations=list(windows.dilation),
        pads=[n // 2 for n in excess] + [n - n // 2 for n in excess],
        output_padding=[max(stride - span, 0) for span, stride in pairs],
    )
    return with_bias(graph, layer, _channels_last(graph, out, n_axes))


@converts(MaxPool1D, MaxPool2D, MaxPool3D)
def max_pooling(graph, layer, x, mask):
    return _pooling(graph, layer, x, mask, "MaxPool")


@converts(AveragePool1D, AveragePool2D, AveragePool3D)
def average_pooling(graph, layer, x, mask):
    return _pooling(graph, layer, x, mask, "AveragePool")


def _pooling(graph, layer, x, mask, kind):
    _without_masks(layer, mask)
    n_axes = len(layer._axes)
    out = graph.op(kind, _channels_first(graph, x, n_axes), **_attributes(layer))
    return _channels_last(graph, out, n_axes)


def _places(layer):
    return list(range(1, len(layer._axes) + 1))


@converts(GlobalAveragePool1D, GlobalAveragePool2D, GlobalAveragePool3D)
def global_average(graph, layer, x, mask):
    if mask is None:
        return graph.op("ReduceMean", x, _places(layer), keepdims=0), None
    weights = over_steps(graph, mask, len(layer.input_shape_))
    x = graph.op("Mul", x, weights)
    if len(layer._axes) > 1:
        x = graph.op("ReduceMean", x, _places(layer)[1:], keepdims=0)
    n_steps = graph.op("Max", graph.cast(count(graph, mask), graph.dtype), 1.0)
    return graph.op("Div", graph.op("ReduceSum", x, [1], keepdims=0), n_steps), None


@converts(GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D)
def global_max(graph, layer, x, mask):
    if mask is not None:
        later = list(range(2, len(layer.input_shape_) + 1))
        x = graph.op("Where", graph.op("Unsqueeze", mask, later), x, float("-inf"))
    out = graph.op("ReduceMax", x, _places(layer), keepdims=0)
    if mask is not None:
        some = graph.op("Greater", count(graph, mask), 0)
        out = graph.op("Where", some, out, 0.0)
    return out, None


@converts(UpSampling1D, UpSampling2D)
def up_sampling(graph, layer, x, mask):
    n_axes, mode = len(layer._axes), {"mode": "nearest", "nearest_mode": "floor"}
    centres = "asymmetric"
    if getattr(layer, "interpolation", "nearest") != "nearest":
        _without_masks(layer, mask)
        mode, centres = {"mode": "linear"}, "half_pixel"
    scales = graph.constant([1.0, 1.0, *map(float, layer._size)], "float32")
    x = _channels_first(graph, x, n_axes)
    x = graph.op("Resize", x, None, scales, coordinate_transformation_mode=centres, **mode)
    return _channels_last(graph, x, n_axes), _repeated(graph, mask, layer._size[0])


def _repeated(graph, mask, n_times):
    if mask is None:
        return None
    mask = graph.op("Tile", graph.op("Unsqueeze", mask, [-1]), [1, 1, n_times])
    return graph.op("Reshape", mask, [0, -1])


@converts(ZeroPadding1D, ZeroPadding2D)
def zero_padding(graph, layer, x, mask):
    _without_masks(layer, mask)
    before, after = ([pair[i] for pair in layer._amounts] for i in (0, 1))
    return graph.op("Pad", x, [0, *before, 0, 0, *after, 0])


@converts(Cropping1D, Cropping2D)
def cropping(graph, layer, x, mask):
    _without_masks(layer, mask)
    for axis, (before, after) in enumerate(layer._amounts, start=1):
        if before or after:
            x = graph.slice(x, before, -after if after else TO_END, axis)
    return x
