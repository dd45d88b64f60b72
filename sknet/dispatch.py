"""Arrays of other libraries, such as PyTorch, where scikit-learn dispatches to them."""

from typing import Any

import numpy as np
from sklearn.utils._array_api import _convert_to_numpy, device, get_namespace


def is_foreign(value: object) -> bool:
    """Tell whether a value is an array of another library that follows the array API.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    is_foreign : bool
        Whether it is; not so for arrays and scalars of NumPy, tables and sparse matrices.
    """
    if isinstance(value, np.ndarray | np.generic):
        return False
    # Tensors follow it by way of scikit-learn.
    is_tensor = type(value).__module__.startswith("torch") and hasattr(value, "detach")
    return is_tensor or hasattr(value, "__array_namespace__")


def as_numpy(value: Any) -> Any:
    """Return an array of another library as one of NumPy, and anything else as it is.

    Parameters
    ----------
    value : object
        Anything; arrays may be on a device and need gradients.
    """
    if not is_foreign(value):
        return value
    value = value.detach() if hasattr(value, "detach") else value
    return _convert_to_numpy(value, get_namespace(value)[0])


def in_kind(result: Any, example: object) -> Any:
    """Return arrays of numbers in the library and on the device of another array.

    Parameters
    ----------
    result : object
        Arrays of NumPy, possibly in a list or tuple, become others; anything else stays, such as
        labels that are strings.
    example : object
        Array of that library; anything else changes nothing.
    """
    if not is_foreign(example):
        return result
    if isinstance(result, list | tuple):
        return type(result)(in_kind(each, example) for each in result)
    if not isinstance(result, np.ndarray) or result.dtype.kind not in "biuf":
        return result
    return get_namespace(example)[0].asarray(result, device=device(example))
