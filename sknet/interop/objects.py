"""Objects of allowed classes: their names and their states."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ..base import Workspace, brief
from .allowed import Allowed
from .kinds import checked
from .routing import plain_requests, restore_requests, take_requests

#: What only training needs, besides the state of the optimizer.
_OF_TRAINING = {"history_": dict}


def parts(
    value: Any, name: str, path: str, training_state: bool, kept: Sequence[Any]
) -> list[Any]:
    """Return the name of the class of an object, and its state as names and values in turn.

    Parameters
    ----------
    value : object
        Of an allowed class.
    name : str
        Name of the class.
    path : str
        Where it is found, for errors.
    training_state : bool
        Whether to keep what only further training needs.
    kept : list
        Keeps what is made here alive.

    Returns
    -------
    parts : list
        Name, attribute, value, attribute, value and so on.
    """
    if isinstance(value, Workspace):
        state = {"n_rows": value.n_rows, "dtype": value.dtype}
    elif isinstance(value, tuple):
        state = value._asdict()
    else:
        if not training_state:
            value = _slim(value)
            kept.append(value)
        state = _state_of(value)
        check_state(type(value), state, path)
    if not training_state:
        state = _without_history(state)
    return [name, *chain.from_iterable(state.items())]


def _state_of(value):
    state = value.__getstate__()
    if state is None:
        return {}
    if not isinstance(state, dict):
        raise TypeError(
            f"sknet.save cannot write a {type(value).__name__}, whose __getstate__ returns a "
            f"{type(state).__name__}. Return a dict."
        )
    return plain_requests(state)


def _slim(value):
    copied = getattr(value, "without_training_state", None)
    return copied() if copied is not None and hasattr(value, "network_") else value


def _without_history(state):
    found = {name: value for name, value in state.items() if "callback" not in name}
    return found | {name: make() for name, make in _OF_TRAINING.items() if name in found}


def whole(allowed: Allowed, name: str, *rest: Any) -> Any:
    """Return an object of a class that is allowed by name, in a state that is checked.

    Parameters
    ----------
    allowed : Allowed
        The classes.
    name : str
        Name of the class.
    *rest
        Attributes and values in turn.

    Returns
    -------
    value : object
        A new object.
    """
    cls = allowed.named(name)
    if not isinstance(cls, type) or cls.__module__ in ("builtins", "numpy"):
        raise ValueError(f"it has an object of {brief(name)}, which is no class of objects")
    names, values = rest[::2], rest[1::2]
    if not all(type(each) is str for each in names) or len(set(names)) < len(names):
        raise ValueError(f"the attributes of a {cls.__name__} have no names, or the same ones")
    state = dict(zip(names, values, strict=True))
    if issubclass(cls, Workspace):
        return cls(checked(state["n_rows"], int), checked(state["dtype"], np.dtype))
    if issubclass(cls, tuple):
        return cls(**state)
    check_state(cls, state, cls.__name__)
    value, requests = cls.__new__(cls), take_requests(state)
    restore = getattr(value, "__setstate__", None)
    if restore is None:
        value.__dict__.update(state)
    else:
        restore(state)
    restore_requests(value, requests)
    return value


def check_state(cls: type, state: dict[str, Any], path: str) -> None:
    """Refuse attributes that objects of a class do not have.

    Parameters
    ----------
    cls : type
        The class.
    state : dict
        Attributes.
    path : str
        Where the object is found, for errors.
    """
    expected = _parameters(cls)
    for name in state:
        is_method = callable(getattr(cls, name, None)) or isinstance(
            getattr(cls, name, None), property
        )
        if name.startswith("__") or (is_method and name not in expected):
            raise ValueError(f"{path} cannot have an attribute {brief(name)}")
    if not issubclass(cls, BaseEstimator):
        return
    own = set(cls._get_param_names())
    wrong = [n for n in state if n not in expected and not (n[:1] == "_" or n.endswith("_"))]
    if wrong:
        raise ValueError(f"{path} has no parameter {brief(wrong[0])}")
    missing = sorted(own - state.keys())
    if missing:
        raise ValueError(f"{path} lacks the parameter {brief(missing[0])}")


def _parameters(cls):
    """Return the names of the parameters of a class, and of its bases, to which it passes some."""
    bases = [base for base in cls.__mro__ if issubclass(base, BaseEstimator)]
    return {name for base in bases for name in base._get_param_names()}
