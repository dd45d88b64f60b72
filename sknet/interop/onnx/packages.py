"""The packages of the extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def import_package(name: str) -> Any:
    """Import a package of the extra, or say how to install it.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    package : module
        The package.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        raise ImportError(
            f"to_onnx needs {name} here, which is not installed. Install it: pip install {name}."
        ) from None
