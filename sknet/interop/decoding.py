"""Entries of a file as objects again, each made of those before it."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan
from typing import Any

from . import kinds, objects
from .allowed import Allowed
from .archive import Archive
from .arrays import from_npy
from .extent import Extent
from .outside import from_skops

_NOT_FINITE = {"inf": inf, "-inf": -inf, "nan": nan}


class Decoding:
    """Reads the entries of a file.

    Parameters
    ----------
    allowed : Allowed
        Classes that may be named.
    archive : Archive
        Where arrays are read from.
    """

    allowed: Allowed

    def __init__(self, allowed: Allowed, archive: Archive) -> None:
        self.allowed, self._archive = allowed, archive
        self._values, self._extent = [], Extent()

    def decode(self, entries: Sequence[Any], root: Sequence[int]) -> Any:
        """Return the object that a list of entries makes.

        Parameters
        ----------
        entries : list
            Kinds and parts.
        root : list of int
            Number of the entry that is returned.

        Returns
        -------
        value : object
            The object.
        """
        if type(entries) is not list:
            raise ValueError("its entries are no list")
        for entry in entries:
            if type(entry) is not list or not entry or type(entry[0]) is not str:
                raise ValueError("one of its entries is of another form")
            parts = [self._value(part) for part in entry[1:]]
            self._extent.add(entry)
            self._values.append(self._whole(entry[0], parts))
        return self._value(root)

    def _value(self, part):
        """Return a plain value, or what a list of its number stands for."""
        if type(part) is dict:
            raise ValueError("one of its entries is of another form")
        if type(part) is not list:
            return part
        (item,) = part
        if type(item) is str:
            return _NOT_FINITE[item]
        if type(item) is not int or not 0 <= item < len(self._values):
            raise ValueError("one of its entries is made of an entry that is not there yet")
        return self._values[item]

    def _whole(self, kind, parts):
        if kind == "object":
            return objects.whole(self.allowed, *parts)
        if kind == "array":
            return from_npy(self._archive.read(_member("arrays/{}.npy", *parts)))
        if kind == "skops":
            return from_skops(self._archive.read(_member("skops/{}.skops", *parts)))
        if kind == "named":
            return self.allowed.named(*parts)
        if kind not in kinds.BY_NAME:
            raise ValueError("one of its entries is of a kind that sknet does not know")
        return kinds.BY_NAME[kind].whole(*parts)


def _member(pattern, number):
    return pattern.format(kinds.checked(number, int))
