"""What every part of sknet is built on: parameter objects and scratch memory."""

from __future__ import annotations

from contextlib import contextmanager
from difflib import get_close_matches
from functools import cache
from inspect import Parameter, Signature, signature
from math import log10, prod
from reprlib import repr as shortened
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import DTypeLike
from sklearn.base import clone

from .constraints import Constraints
from .pages import Documented

# Scikit-learn's own class has no annotations: estimators name it as a base once more.
if TYPE_CHECKING:
    from .typing import ParameterObject as BaseEstimator
else:
    from sklearn.base import BaseEstimator

#: Version of the layout of pickled networks and estimators.
FORMAT = 3


class Component(Documented, BaseEstimator):
    """Parameter object whose list parameters can be reached item by item.

    Estimators, layers, losses, optimizers and schedules are components: their ``__init__``
    only stores its arguments, so scikit-learn's `clone`, `get_params`, `set_params` and
    `repr` work on them. In addition, the items of the parameters named in
    ``_list_parameters`` are reached by position or, where an item is a pair
    ``("name", component)``, by name: ``layers__0__units``, ``layers__hidden__units``.
    ``layers__0=...`` replaces the whole item. Items of an item that is a list are reached in the
    same way: ``branches__left__0__units``.

    A subclass may have other parameters than its base and pass on values of its own. What it
    passes on is an attribute and no parameter: it is validated and pickled, and not set by name.
    """

    #: Names of the parameters that are lists of components.
    _list_parameters = ()
    #: Constraints of scikit-learn's parameter validation, one entry a parameter.
    _parameter_constraints = {}
    #: What the refusal of arguments by position adds.
    _hint_by_position = ""
    #: Whether what holds the component as a parameter validates it as well.
    _validated_by_holder = True

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Refuse arguments by position that are taken by name only, and say which those are."""
        if args:
            _check_positional(cls, len(args))
        return super().__new__(cls)

    def __init__(self) -> None:  # what has no parameters takes no arguments, also by name
        pass

    @classmethod
    @cache
    def _get_param_names(cls):
        # Reading a signature takes scikit-learn longer than a step of a small network.
        return super()._get_param_names()

    @classmethod
    def _reachable_lists(cls):
        """Return the list parameters by which items are reached: not those a subclass fixes."""
        return [name for name in cls._list_parameters if name in cls._get_param_names()]

    def _validate_params(self):
        """Validate the parameters, what a subclass has fixed, and the components among them."""
        cls = type(self)
        options = cls._parameter_constraints
        values = self.get_params(deep=False)
        values |= {name: getattr(self, name) for name in options if hasattr(self, name)}
        _constraints(cls).validate(values, cls.__name__)
        for name, value in values.items():
            nested = isinstance(value, Component) and value._validated_by_holder
            if nested and options.get(name) != "no_validation":
                value._validate_params()

    def __sklearn_clone__(self) -> Self:
        """Return a copy that is not fitted, or name the parameter that cannot be copied."""
        try:
            return super().__sklearn_clone__()
        except TypeError:
            for name, value in self.get_params(deep=False).items():
                copied(value, f"The {name!r} parameter of {type(self).__name__}")
            raise

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters, and with `deep` those of the components inside them.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of nested components and of list items.

        Returns
        -------
        params : dict
            Parameter names mapped to their values.
        """
        params = super().get_params(deep=deep)
        if deep:
            for parameter in self._reachable_lists():
                params.update(_reached(getattr(self, parameter), parameter))
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters, those of nested components and list items included.

        Whole parameters are replaced first, then whole items of lists, then the
        parameters inside them.

        Parameters
        ----------
        **params : dict
            Parameter names and their new values.

        Returns
        -------
        self : object
            The component itself.

        Raises
        ------
        ValueError
            If a name is not a parameter; the message lists the valid ones.
        """
        whole = {name: value for name, value in params.items() if "__" not in name}
        nested, items = {}, []
        for name, value in params.items():
            parameter, _, rest = name.partition("__")
            if name not in whole and parameter in self._reachable_lists():
                items.append((rest.count("__"), parameter, rest, value))
            elif name not in whole:
                nested[name] = value
        with _all_or_none(self):
            super().set_params(**whole)
            with _all_or_none(self):  # of the parts that have just been set
                for name in nested:
                    self._check_reachable(name)
                super().set_params(**nested)
                for _, parameter, rest, value in sorted(items, key=lambda item: item[0]):
                    self._set_item(parameter, rest, value)
        return self

    def _check_reachable(self, name):
        """Refuse to set a parameter inside one that is no object."""
        parameter, _, rest = name.partition("__")
        value = getattr(self, parameter, self)
        if parameter not in self._get_param_names() or _is_component(value):
            return  # scikit-learn names the valid parameters
        named = self._registry(parameter).get(value) if isinstance(value, str) else None
        has = named is not None and rest in named._get_param_names()
        example = f", such as {parameter}={named.__name__}({rest}=...)" if has else ""
        raise ValueError(
            f"Invalid parameter {name!r} of {type(self).__name__}: {parameter}={value!r} has no "
            f"parameters. Set {parameter} to an object with a parameter {rest!r}{example}."
        )

    @classmethod
    def _registry(cls, parameter):
        """Return the classes that the names stand for which a parameter may be."""
        return {}

    def _set_item(self, parameter, path, value):
        items = self._with_item(getattr(self, parameter), parameter, path, value)
        setattr(self, parameter, items)

    def _with_item(self, items, parameter, path, value):
        """Return a list in which the path leads to the value."""
        key, goes_on, rest = path.partition("__")
        keys = [name for name, _ in named_items(items)]
        if key in keys:
            position = keys.index(key)
        elif key.isdecimal() and int(key) < len(keys):
            position = int(key)
        else:
            raise ValueError(
                f"Invalid parameter '{parameter}__{key}' of {type(self).__name__}: "
                f"{parameter!r} has {_describe_keys(keys)}."
            )
        if goes_on:
            inner = dict(named_items(items))[keys[position]]
            if _is_component(inner):
                inner.set_params(**{rest: value})
                return items
            if not isinstance(inner, list | tuple):
                raise ValueError(
                    f"Invalid parameter '{parameter}__{path}' of {type(self).__name__}: "
                    f"'{parameter}__{key}' is {inner!r}, which has no parameters."
                )
            value = self._with_item(inner, f"{parameter}__{key}", rest, value)
        named = _is_pair(items[position]) and not _is_pair(value)
        replaced = list(items)
        replaced[position] = (items[position][0], value) if named else value
        return replaced


@contextmanager
def _all_or_none(component):
    """Put the parameters of a component back, and those inside it, when not all can be set."""
    parts = [component, *filter(_is_component, component.get_params().values())]
    before = [(part, vars(part).copy()) for part in parts]
    try:
        yield
    except BaseException:
        for part, state in before:
            part.__dict__ = state
        raise


# `inspect` reads it where a class has no ``__init__``: such a class takes no arguments.
Component.__new__.__signature__ = Signature([Parameter("cls", Parameter.POSITIONAL_ONLY)])


_signature = cache(signature)


def _check_positional(cls, n_given):
    parameters = list(_signature(cls.__init__).parameters.values())[1:]
    if any(p.kind is Parameter.VAR_POSITIONAL for p in parameters):
        return
    first = [p.name for p in parameters if p.kind is not Parameter.KEYWORD_ONLY]
    if n_given <= len(first):
        return
    by_name = [p.name for p in parameters if p.kind is Parameter.KEYWORD_ONLY]
    taken = f"only {', '.join(first)} by position" if first else "no argument by position"
    others = f" Write {'the others' if first else 'them'} by name: {', '.join(by_name)}."
    raise TypeError(
        f"{cls.__name__} takes {taken}, got {n_given}.{others if by_name else ''}"
        f"{cls._hint_by_position}"
    )


@cache
def _constraints(cls):
    return Constraints(cls._parameter_constraints)


def _is_component(value):
    return hasattr(value, "get_params") and not isinstance(value, type)


def _reached(items, path):
    """Yield the items of a list, and what is inside them, with the names that reach them."""
    for key, item in named_items(items):
        where = f"{path}__{key}"
        yield where, item
        if _is_component(item):
            yield from ((f"{where}__{name}", value) for name, value in item.get_params().items())
        else:
            yield from _reached(item, where)


def _is_pair(item):
    return isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)


def named_items(items: Any) -> list[tuple[str, Any]]:
    """List the items of a list parameter with the keys that reach them.

    Parameters
    ----------
    items : list
        Components, or pairs ("name", component); anything but a list has no items.

    Returns
    -------
    pairs : list of (str, object)
        Names or positions, and the items.
    """
    if not isinstance(items, (list, tuple)):
        return []
    return [item if _is_pair(item) else (str(i), item) for i, item in enumerate(items)]


def copied(value: Any, name: str) -> Any:
    """Return a copy of a parameter, in which components are not fitted.

    Parameters
    ----------
    value : object
        The parameter.
    name : str
        What it is called, for errors.

    Returns
    -------
    copy : object
        Shares nothing with `value`.

    Raises
    ------
    TypeError
        If there is something inside that cannot be copied.
    """
    try:
        return clone(value, safe=False)
    except TypeError as error:
        fault = str(error)
        if not fault.startswith("cannot pickle "):
            raise
        found = fault.removeprefix("cannot pickle ").removesuffix(" object")
        raise TypeError(
            f"{name} holds an object of type {found}, which cannot be copied. Write numbers, "
            "texts or components of sknet."
        ) from None


def _describe_keys(keys):
    return f"the items {', '.join(map(repr, keys))}" if keys else "no items"


def named_component(
    value: Any, registry: dict[str, Any], base: type | tuple[type, ...], parameter: str
) -> Any:
    """Return a fresh component for a name or for a component.

    Parameters
    ----------
    value : str or component
        A name in `registry`, or an instance of `base`, which is cloned.
    registry : dict of str to class
        The classes by name; each is made with its default parameters.
    base : type or tuple of type
        The class, or classes, that components of this family derive from.
    parameter : str
        What the family is called in the message.

    Returns
    -------
    component : object
        A new instance of `base`.

    Raises
    ------
    ValueError
        If `value` is neither; the message lists the names.
    """
    if isinstance(value, base):
        return clone(value)
    if isinstance(value, str) and value in registry:
        return registry[value]()
    hint = ""
    if isinstance(value, str):
        close = get_close_matches(value.lower(), registry, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
    elif isinstance(value, type) and issubclass(value, base):
        hint = f" Write {value.__name__}() instead of {value.__name__}."
    names = ", ".join(map(repr, registry))
    bases = base if isinstance(base, tuple) else (base,)
    raise ValueError(
        f"{parameter} must be one of {names}, or an instance of "
        f"{' or '.join(each.__name__ for each in bases)}; got {value!r}.{hint}"
    )


class Workspace:
    """Named scratch arrays that are made once and handed out as views.

    Parameters
    ----------
    n_rows : int
        Number of rows that every array is made for.
    dtype : dtype
        Element type unless a call names another.
    """

    def __init__(self, n_rows: int, dtype: DTypeLike) -> None:
        self.n_rows = n_rows
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._memory = {}
        self._views = {}

    def __call__(self, name: Any, shape: tuple[int, ...], dtype: DTypeLike | None = None) -> Any:
        """Return the array `name` with the given shape; its content is undefined."""
        view = self._views.get((name, shape))
        return self._view(name, shape, dtype) if view is None else view

    def _view(self, name, shape, dtype):
        # Flat memory serves every shape that fits: short batches, and sequences of any length.
        memory, size = self._memory.get(name), prod(shape)
        if memory is None or len(memory) < size:
            size = prod((max(shape[0], self.n_rows), *shape[1:]))
            memory = _memory(size, self.dtype if dtype is None else dtype, shape)
            self._memory[name] = memory
            self._views = {key: view for key, view in self._views.items() if key[0] != name}
        elif len(self._views) > 1000:  # sequences of any length
            self._views.clear()
        return self._views.setdefault((name, shape), memory[: prod(shape)].reshape(shape))

    def __reduce__(self) -> tuple[Any, ...]:
        # Scratch memory is never copied or pickled.
        return type(self), (self.n_rows, self.dtype)


def _memory(size, dtype, shape):
    try:
        return np.empty(size, dtype)
    except (MemoryError, ValueError, OverflowError):
        megabytes = written(-(-size * np.dtype(dtype).itemsize // 10**6))
        raise ValueError(
            f"A layer needs {megabytes} MB of memory to work on an array of shape "
            f"({', '.join(map(written, shape))}), more than there is. Choose smaller layers or a "
            "smaller batch_size."
        ) from None


def written(n: int) -> str:
    """Return an int of any size as a short text.

    Parameters
    ----------
    n : int
        At least 0.

    Returns
    -------
    text : str
        The digits, or a power of ten.
    """
    n = int(n)
    return f"{n:,}" if n < 10**15 else f"about 10**{int((n.bit_length() - 1) * log10(2))}"


def brief(value: Any) -> str:
    """Return a value as an error shows it: short, in one line.

    Parameters
    ----------
    value : object
        Any value.

    Returns
    -------
    text : str
        The beginning and the end of its ``repr``.
    """
    return " ".join(shortened(value).split())


def stamp(state: dict[str, Any]) -> dict[str, Any]:
    """Return a pickled state with the format version and the version of sknet in it."""
    from . import __version__

    return {**state, "_sknet_format": FORMAT, "_sknet_version": __version__}


def unstamp(state: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a loaded state without its stamp, or refuse it.

    Raises
    ------
    ValueError
        If the state was written in a format that this version does not read.
    """
    state = dict(state)
    found, version = (state.pop(key, None) for key in ("_sknet_format", "_sknet_version"))
    if found != FORMAT:
        origin = "without a format" if found is None else f"by sknet {version} in format {found}"
        raise ValueError(
            f"This {name} was pickled {origin}; this version reads format {FORMAT}. Load it with "
            "the sknet that wrote it, or fit again."
        )
    return state


def same(a: Any, b: Any) -> bool:
    """Tell whether two parameters are the same: components by type and parameters.

    A number of NumPy is the same as that of Python.

    Parameters
    ----------
    a, b : object
        Components, arrays, sequences or plain values.

    Returns
    -------
    same : bool
        Whether they would build the same thing.
    """
    a, b = (each.item() if isinstance(each, np.generic) else each for each in (a, b))
    if type(a) is not type(b):
        return False
    if _is_component(a):
        return same(a.get_params(deep=False), b.get_params(deep=False))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b
