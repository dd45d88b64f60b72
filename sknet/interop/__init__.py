"""Into and out of sknet: files that hold no code, and what other libraries need to know of it."""

from . import onnx
from .allowed import register, trusted_types
from .archive import UnreadableFileError
from .files import load, save
from .onnx import to_onnx

__all__ = [
    "UnreadableFileError",
    "load",
    "onnx",
    "register",
    "save",
    "to_onnx",
    "trusted_types",
]
