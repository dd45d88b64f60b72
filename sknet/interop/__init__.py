"""Into and out of sknet: files that hold no code, and what other libraries need to know of it."""

from . import onnx
from .allowed import register, trusted_types
from .archive import UnreadableFileError
from .files import load, save
from .keras import from_keras, to_keras
from .onnx import to_onnx
from .torch import from_torch

__all__ = [
    "UnreadableFileError",
    "from_keras",
    "from_torch",
    "load",
    "onnx",
    "register",
    "save",
    "to_keras",
    "to_onnx",
    "trusted_types",
]
