"""Into and out of sknet: files that hold no code, and what other libraries need to know of it."""

from .allowed import register, trusted_types
from .archive import UnreadableFileError
from .files import load, save
from .keras import from_keras, to_keras
from .torch import from_torch

__all__ = [
    "UnreadableFileError",
    "from_keras",
    "from_torch",
    "load",
    "register",
    "save",
    "to_keras",
    "trusted_types",
]
