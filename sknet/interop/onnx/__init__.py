"""Out of sknet as ONNX, the format in which many runtimes exchange networks."""

from . import (
    attention,
    composites,
    language,
    normalization,
    outliers,
    predictors,
    recurrent,
    rows,
    spatial,
    tables,
    transformers,
    translation,
)
from .conversion import to_onnx
from .graph import OPSET, Graph
from .pipelines import register_converters
from .registry import convert, converts

__all__ = ["OPSET", "Graph", "convert", "converts", "register_converters", "to_onnx"]

#: Modules that register what they convert.
FAMILIES = (
    attention,
    composites,
    language,
    normalization,
    outliers,
    predictors,
    recurrent,
    rows,
    spatial,
    tables,
    transformers,
    translation,
)
