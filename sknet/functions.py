"""Plain functions of the user's as parts of a network: copied, pickled, and checked."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from sys import version_info
from typing import Any, Self
from weakref import WeakValueDictionary

import numpy as np

from .base import Component, brief
from .compatibility import cloudpickle
from .typing import Array

#: Relative error of a derivative that passes: central differences of float64 have far less.
_TOLERANCE = 1e-4
#: Functions that have been loaded by value, so that what was one function stays one.
_LOADED = WeakValueDictionary()


class FunctionComponent(Component):
    """Base class of components whose parameters are functions.

    Clones and copies keep the functions themselves. A pickle holds a function by its name where
    other processes can import it, and by value where they cannot, as for one that was defined in
    a notebook.
    """

    def __sklearn_clone__(self) -> Self:
        """Return a new component of the same functions."""
        return type(self)(**self.get_params(deep=False))

    def __copy__(self) -> Self:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def __deepcopy__(self, memo: Any) -> Self:
        other = object.__new__(type(self))
        parameters = self._get_param_names()
        for name, value in vars(self).items():
            other.__dict__[name] = value if name in parameters else deepcopy(value, memo)
        return other

    def __getstate__(self) -> dict[str, Any]:
        return with_picklable_functions(super().__getstate__(), self)

    def _numbers(self, name, result, shape, meaning):
        """Return what a function has returned, or say what it is to return.

        Parameters
        ----------
        name : str
            Parameter that holds the function.
        result : object
            What it has returned.
        shape : tuple of int
            Shape that the result has to have.
        meaning : str
            What the result has to be, for errors.
        """
        try:
            array = np.asarray(result)
        except ValueError:  # lists of unequal length
            array = np.empty(0, object)
        if array.dtype.kind not in "biuf" or array.shape != shape:
            found = f"shape {array.shape}" if array.dtype.kind in "biuf" else brief(result)
            raise ValueError(
                f"{type(self).__name__}: {name} has to return {meaning}, an array of numbers of "
                f"shape {shape}, got {found}."
            )
        return array


def with_picklable_functions(state: dict[str, Any], owner: Component) -> dict[str, Any]:
    """Return a state in which the functions among the parameters can be pickled.

    Parameters
    ----------
    state : dict of str
        Attributes of a component.
    owner : Component
        Whose they are.

    Returns
    -------
    state : dict of str
        The same, but that functions of the main module, or of other functions, are wrapped so that
        the pickle holds their code.

    Raises
    ------
    TypeError
        If a function can be pickled neither by its name nor by its code.
    """
    found = {name: state.get(name) for name in owner._get_param_names()}
    functions = {
        name: _picklable(value, f"{name} of {type(owner).__name__}")
        for name, value in found.items()
        if callable(value)
    }
    return {**state, **functions} if functions else state


def _picklable(function, name):
    if getattr(function, "__module__", None) != "__main__":
        try:
            pickle.dumps(function)
            return function
        except (pickle.PicklingError, AttributeError, TypeError):
            pass
    try:
        return _ByValue(function, cloudpickle.dumps(function))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(
            f"{name} cannot be pickled ({error}). Define it in a module that can be imported, "
            "without what cannot be pickled, such as open files."
        ) from None


class _ByValue:
    """Stands in a state for a function whose code is pickled."""

    def __init__(self, function: Any, code: Any) -> None:
        self._function, self._code = function, code

    def __call__(
        self, *args: Any, **kwargs: Any
    ) -> Any:  # a shallow copy of a component holds this object
        return self._function(*args, **kwargs)

    def __deepcopy__(self, memo: Any) -> Self:
        return self._function

    def __reduce__(self) -> tuple[Any, ...]:
        return _load, (self._code, version_info[:2])


def unwrapped(value: Any) -> Any:
    """Return the function that stands in a state to be pickled by value; other values as they are.

    Parameters
    ----------
    value : object
        A value of a state.

    Returns
    -------
    value : object
        The function, or the value itself.
    """
    return value._function if isinstance(value, _ByValue) else value


def _load(code, version):
    if version != version_info[:2]:
        raise ValueError(
            f"A function was pickled by value with Python {'.'.join(map(str, version))}, and this "
            f"is Python {'.'.join(map(str, version_info[:2]))}. Load it with the same version, or "
            "define the function in a module and fit again."
        )
    function = _LOADED.get(code)
    if function is None:
        function = pickle.loads(code)
        with suppress(TypeError):  # not all objects that can be called can be referred to weakly
            _LOADED[code] = function
    return function


def wrong_slopes(
    slopes: Array, low: Array, high: Array, width: Array
) -> list[tuple[int, float, float]]:
    """Find derivatives that central differences contradict.

    Parameters
    ----------
    slopes : ndarray of shape (n,)
        Derivatives at some points.
    low, high : ndarray of shape (n,)
        Values of the function just below and just above the points.
    width : ndarray of shape (n,)
        Distances between the two.

    Returns
    -------
    wrong : list of (int, float, float)
        Points where the two disagree, with the derivative and the difference. Points where the
        function has no finite value do not count.
    """
    with np.errstate(all="ignore"):
        differences = (high - low) / width
        noise = 16 * np.finfo(float).eps * np.maximum(np.abs(low), np.abs(high)) / np.abs(width)
        known = np.isfinite(differences)
        largest = np.max(np.abs(differences), initial=0.0, where=known)
        bound = _TOLERANCE * np.maximum(np.abs(differences), 0.01 * largest) + noise
        wrong = known & ~(np.abs(slopes - differences) <= bound)  # NaN is wrong, too
    return [(i, float(slopes[i]), float(differences[i])) for i in np.flatnonzero(wrong)]


def read_only(array: Array) -> Array:
    """Return a view of an array that cannot be written.

    Parameters
    ----------
    array : ndarray
        Any array.

    Returns
    -------
    view : ndarray
        The same memory.
    """
    view = array.view()
    view.flags.writeable = False
    return view


@contextmanager
def refusing_writes(sentence: str, error_class: type[ValueError] = ValueError) -> Iterator[None]:
    """Let an error of NumPy, that an array cannot be written, say who writes to it.

    Parameters
    ----------
    sentence : str
        The message in its place.
    error_class : type, default=ValueError
        Kind of the error.
    """
    try:
        yield
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise error_class(sentence) from error
