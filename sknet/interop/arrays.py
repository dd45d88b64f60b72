"""Arrays as the bytes of npy files, read only if these are what they claim to be."""

from __future__ import annotations

import io
from math import prod
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike

from ..typing import Array

_KINDS = "biufcSUmM"
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def is_plain(dtype: DTypeLike) -> bool:
    """Tell whether arrays of a dtype are plain bytes: numbers, bools, texts or times."""
    return dtype.kind in _KINDS and dtype.itemsize > 0


def to_npy(array: Any) -> bytes:
    """Return an array as the content of an npy file."""
    file = io.BytesIO()
    npy.write_array(file, array, allow_pickle=False)
    return file.getvalue()


def from_npy(content: bytes) -> Array:
    """Return the array of an npy file, without taking more memory than the file.

    Parameters
    ----------
    content : bytes
        The file.

    Returns
    -------
    array : ndarray
        A new array.

    Raises
    ------
    ValueError
        If the header claims anything but the bytes that follow it.
    """
    file = io.BytesIO(content)
    version = npy.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"an array is in version {version} of npy")
    shape, is_fortran, dtype = _HEADERS[version](file)
    rest = memoryview(content)[file.tell() :]
    if not is_plain(dtype):
        raise ValueError(f"an array has dtype {str(dtype)[:50]}")
    check_shape(shape, len(content))
    if prod(shape) * dtype.itemsize != len(rest):
        raise ValueError(
            f"an array claims shape {shape} and dtype {dtype}, and has {len(rest)} bytes"
        )
    flat = np.frombuffer(rest, dtype)
    return np.array(flat.reshape(shape, order="F" if is_fortran else "C"))


def check_shape(shape: tuple[int, ...], most: Any) -> None:
    """Refuse a shape that is none, or has axes longer than there can be items."""
    if len(shape) > 32 or not all(type(n) is int and 0 <= n <= most for n in shape):
        raise ValueError("an array claims a shape that it cannot have")
