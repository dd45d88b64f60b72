"""Layers made of layers."""

from ...layers import Pretrained, Sequential, TiedSequential
from ...layers.composite import LayerList
from .registry import convert, converts


@converts(LayerList, Pretrained, Sequential, TiedSequential)
def sequential(graph, layer, x, mask):
    for _, part in layer.sublayers():
        x, mask = convert(graph, part, x, mask)
    return x, mask
