"""How deep and how large what a file holds is, once what is shared is followed each time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

DEEPEST = 100
_MOST_REPEATS = 100


class Extent:
    """Depth and size of entries; refuses those that only a hostile file has.

    A list of two references to a list of two references and so on takes few bytes in a file and
    no end of time to walk.
    """

    def __init__(self) -> None:
        self._sizes, self._depths, self._total = [], [], 1000

    def add(self, entry: Sequence[Any]) -> None:
        """Note an entry: the next one.

        Parameters
        ----------
        entry : list
            Kind and parts, in which a list of an int is the number of an entry before.
        """
        inner = [part[0] for part in entry[1:] if type(part) is list and type(part[0]) is int]
        size = len(entry) + sum(self._sizes[number] for number in inner)
        depth = 1 + max((self._depths[number] for number in inner), default=0)
        self._sizes.append(size)
        self._depths.append(depth)
        if depth > DEEPEST:
            raise ValueError(f"objects are nested in more than {DEEPEST} levels")
        self._total += len(entry)
        if size > _MOST_REPEATS * self._total:
            raise ValueError("the same objects are repeated too often")
