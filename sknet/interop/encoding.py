"""Objects as a flat list of entries: each names its kind and the entries that it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

import numpy as np

from ..base import brief
from ..functions import unwrapped
from . import kinds, objects
from .allowed import Allowed
from .arrays import is_plain, to_npy
from .extent import DEEPEST, Extent
from .outside import from_scikit_learn, to_skops

#: Longest int, in bits, that Python writes as digits without being told to.
_MOST_BITS = 14_000


class Encoding:
    """The entries of an object; what it holds twice becomes one entry.

    Every entry comes after those that it is made of. So reading takes neither recursion nor
    objects that are there before they are whole.

    Parameters
    ----------
    allowed : Allowed
        Classes that may be named.
    training_state : bool
        Whether to keep what only further training needs.
    """

    allowed: Allowed
    training_state: bool
    entries: list[Any]

    def __init__(self, allowed: Allowed, training_state: bool) -> None:
        self.allowed, self.training_state = allowed, training_state
        self.entries, self._arrays, self._skops = [], [], []
        self._extent = Extent()
        self._numbers, self._open = {}, set()
        self._kept = []  # an object that is gone would leave its id to another

    def members(self) -> Iterator[Any]:
        """Yield the names and contents of the members that hold arrays."""
        for number, array in enumerate(self._arrays):
            yield f"arrays/{number}.npy", to_npy(array)
        for number, content in enumerate(self._skops):
            yield f"skops/{number}.skops", content

    def value(self, value: Any, path: str) -> Any:
        """Return the JSON of a value: itself if it is plain, else a list of its number.

        Parameters
        ----------
        value : object
            Anything.
        path : str
            Where it is found, for errors.
        """
        kind = type(value)
        if value is None or kind in (bool, str):
            return value
        if kind is int:
            if value.bit_length() > _MOST_BITS:
                raise ValueError(f"sknet.save cannot write {path}: an int of too many digits.")
            return value
        if kind is float:
            return value if isfinite(value) else [repr(value)]
        if id(value) not in self._numbers:
            if id(value) in self._open:
                raise ValueError(f"sknet.save cannot write {path}: it contains itself.")
            if len(self._open) >= DEEPEST:
                raise ValueError(
                    f"sknet.save cannot write {path}: objects are nested in more than {DEEPEST} "
                    "levels."
                )
            self._open.add(id(value))
            entry = self._entry(value, path)
            self._open.remove(id(value))
            self._extent.add(entry)
            self._kept.append(value)
            self._numbers[id(value)] = len(self.entries)
            self.entries.append(entry)
        return [self._numbers[id(value)]]

    def _entry(self, value, path):
        value = unwrapped(value)
        if type(value) in (np.ndarray, np.memmap) and is_plain(value.dtype):
            self._arrays.append(value)
            return ["array", len(self._arrays) - 1]
        name = self.allowed.name_of(value) if callable(value) else None
        if name is not None:
            return ["named", name]
        kind = kinds.BY_TYPE.get(type(value))
        if kind is not None:
            return self._of_parts(kinds.NAMES[kind], kind.parts(value), path)
        name = self.allowed.name_of(type(value))
        if name is not None:
            parts = objects.parts(value, name, path, self.training_state, self._kept)
            return self._of_parts("object", parts, path)
        if from_scikit_learn(value):
            self._skops.append(to_skops(value, path))
            return ["skops", len(self._skops) - 1]
        raise TypeError(_cannot(value, path))

    def _of_parts(self, kind, parts, path):
        places = [path] * len(parts)
        if kind == "object":  # attributes and values in turn, after the name of the class
            places[2::2] = [f"{path}.{attribute}" for attribute in parts[1::2]]
        return [kind, *map(self.value, parts, places)]


def _cannot(value, path):
    cls = value if isinstance(value, type) else type(value)
    found = f"{brief(value)} of type {cls.__module__}.{cls.__qualname__}"
    return (
        f"sknet.save cannot write {path}: {found} is unknown to a file without code. If it is a "
        "class or function of yours, use sknet.interop.register or trusted=[...]; else leave it "
        "out, or use pickle."
    )
