"""Arrays by name in files: NumPy's .npz and .safetensors, neither of which holds code."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path
from secrets import token_hex
from zipfile import BadZipFile

import numpy as np

from .base import brief
from .typing import Array


def write_arrays(path: str | PathLike[str], arrays: dict[str, Array]) -> None:
    """Write named arrays to a file, which is replaced only when all is written.

    Parameters
    ----------
    path : str or path-like
        Ends in .npz or .safetensors.
    arrays : dict of str to ndarray
        What to write.

    Raises
    ------
    ValueError
        If the name has another end.
    ImportError
        If the package safetensors is needed and missing.
    """
    path = _checked_path(path)
    write = _write_safetensors if path.suffix == ".safetensors" else _write_npz
    beside = path.with_name(f".{path.name}.{token_hex(8)}")
    try:
        with open(beside, "xb") as file:
            write(file, arrays)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def read_arrays(path: str | PathLike[str]) -> dict[str, Array]:
    """Read the arrays of a file by name; nothing in the file is run.

    Parameters
    ----------
    path : str or path-like
        Ends in .npz or .safetensors.

    Returns
    -------
    arrays : dict of str to ndarray
        The arrays.

    Raises
    ------
    ValueError
        If the name has another end, or the file holds something else than named arrays.
    ImportError
        If the package safetensors is needed and missing.
    """
    path = _checked_path(path)
    read = _read_safetensors if path.suffix == ".safetensors" else _read_npz
    with open(path, "rb") as file:
        return read(file, path)


def _checked_path(path):
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"A file of weights is given by its path, got {brief(path)}.")
    path = Path(path)
    if path.suffix not in (".npz", ".safetensors"):
        raise ValueError(
            f"A file of weights ends in '.npz' or '.safetensors', got {path.name!r}; give it one "
            "of these names."
        )
    return path


def _write_npz(file, arrays):
    np.savez(file, **arrays)


def _read_npz(file, path):
    try:
        with np.load(file, allow_pickle=False) as found:
            return dict(found)
    except (BadZipFile, ValueError, EOFError, AttributeError, TypeError, KeyError) as error:
        _refuse(path, "numpy.savez", error)


def _write_safetensors(file, arrays):
    file.write(_safetensors().save({k: np.ascontiguousarray(v) for k, v in arrays.items()}))


def _read_safetensors(file, path):
    package = _safetensors()
    try:
        return package.load(file.read())
    except Exception as error:  # of the package, which has one of its own, and of NumPy
        _refuse(path, "safetensors", error)


def _refuse(path, writer, error):
    raise ValueError(
        f"{path.name} holds no arrays as {writer} writes them: {brief(str(error))}. Write it "
        "with save_weights."
    ) from error


def _safetensors():
    try:
        import safetensors.numpy
    except ImportError:
        raise ImportError(
            "A file that ends in '.safetensors' needs the package safetensors: run pip install "
            "safetensors, or choose a name that ends in '.npz'."
        ) from None
    return safetensors.numpy
