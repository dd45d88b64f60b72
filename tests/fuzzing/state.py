"""The state of objects, as lists that can be compared."""

import numpy as np
import pandas as pd
import polars as pl
from scipy.sparse import issparse

from sknet.base import Workspace

#: What is worked out when it is first asked for.
LAZY = {"_scratch", "_idle", "_work"}
_WALKED = ("sknet", "sklearn", "tests")
_PLAIN = {str, bytes, bool, int, float, complex, type(None)}


def state_of(value, skip=None):
    """Return everything that an object holds, as pairs of a path and a value.

    Parameters
    ----------
    value : object
        An estimator, its parts, or arguments.
    skip : object, default=None
        Where it is met, nothing is said of it.
    """
    found = []
    _walk(value, "", found, {id(skip)} if skip is not None else set())
    return found


def difference(before, after):
    """Return the path of the first difference between two states, or an empty text."""
    if before == after:
        return ""
    for (path, old), (other, new) in zip(before, after, strict=False):
        if path != other or old != new:
            return path if path == other else f"{path} or {other}"
    return "length"


def _walk(value, path, found, seen):
    if type(value) in _PLAIN or isinstance(value, np.generic):
        found.append((path, (type(value).__name__, repr(value))))
    elif isinstance(value, np.ndarray):
        found.append((path, (type(value).__name__, value.dtype.str, value.shape, _content(value))))
    elif id(value) in seen:
        found.append((path, "again"))
    else:
        seen.add(id(value))
        _walk_inside(value, path, found, seen)


def _content(array):
    return repr(array.tolist()) if array.dtype.hasobject else np.asarray(array).tobytes()


def _walk_inside(value, path, found, seen):
    found.append((path, type(value).__name__))
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in LAZY if isinstance(key, str) else True:
                _walk(item, f"{path}.{key}", found, seen)
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            _walk(item, f"{path}.{position}", found, seen)
    elif isinstance(value, np.random.Generator):
        found.append((path, repr(value.bit_generator.state)))
    elif isinstance(value, np.random.RandomState):
        found.append((path, repr(value.get_state(legacy=False))))
    elif isinstance(value, pd.DataFrame | pd.Series | pd.Index):
        found.append((path, repr(value.to_numpy(dtype=object).tolist())))
    elif isinstance(value, pl.DataFrame | pl.Series):
        found.append((path, repr(value.to_numpy().tolist())))
    elif issparse(value):
        found.append((path, (value.shape, value.toarray().tobytes())))
    elif type(value).__module__.startswith(_WALKED) and not isinstance(value, Workspace):
        _walk(getattr(value, "__dict__", None), path, found, seen)
    elif isinstance(value, set | frozenset):
        found.append((path, len(value)))


def is_finite(value):
    """Tell whether all floats are finite in an array, a number, or lists of these."""
    if isinstance(value, dict):
        return all(map(is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(is_finite, value))
    if issparse(value):
        return is_finite(value.data)
    if isinstance(value, pd.DataFrame | pd.Series):
        value = value.to_numpy()
    if isinstance(value, pl.DataFrame | pl.Series):
        value = value.to_numpy()
    if isinstance(value, float | complex | np.inexact):
        return bool(np.isfinite(value))
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "fc":
            return bool(np.isfinite(value).all())
        if value.dtype == object:
            return all(map(is_finite, value.tolist()))
    return True


def holds_missing(value):
    """Tell whether a cell is None, pandas.NA or masked in an array, a table, or lists of these."""
    if isinstance(value, dict):
        return any(map(holds_missing, value.values()))
    if np.ma.is_masked(value):
        return True
    if isinstance(value, pl.DataFrame | pl.Series):
        value = value.to_numpy()
    if isinstance(value, np.ndarray | pd.DataFrame | pd.Series | pd.api.extensions.ExtensionArray):
        value = np.asarray(value, dtype=object).ravel().tolist()
    if isinstance(value, list | tuple):
        return any(map(holds_missing, value))
    return value is None or value is pd.NA
