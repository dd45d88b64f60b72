"""Out of sknet as ONNX, the format in which many runtimes exchange networks."""

from . import composites, predictors, rows  # noqa: F401 (they register what they convert)
from .conversion import to_onnx
from .graph import OPSET, Graph
from .pipelines import register_converters
from .registry import convert, converts

__all__ = ["OPSET", "Graph", "convert", "converts", "register_converters", "to_onnx"]
