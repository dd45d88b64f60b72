"""Categorical columns of a table: which they are, and their levels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import repeat
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..base import brief
from ..typing import Array
from .frames import Column, is_hole


class Levels:
    """The levels of a categorical column that have codes of their own.

    Parameters
    ----------
    levels : list
        Values in the order of their codes 1, 2, ...
    """

    def __init__(self, levels: Sequence[Any]) -> None:
        self.levels: list[Any] = [_plain(level) for level in levels]
        self._codes = {level: code for code, level in enumerate(self.levels, start=1)}

    def __len__(self) -> int:
        return len(self.levels)

    def codes(self, cells: Sequence[Any]) -> Array:
        """Return the codes of cells.

        Parameters
        ----------
        cells : list
            Values.

        Returns
        -------
        codes : ndarray of int
            0 for cells that are missing, unseen or rare.
        """
        return np.fromiter(map(self._codes.get, cells, repeat(0)), np.int64, len(cells))


def _plain(level):
    """Return a whole number as an int: missing values make floats of whole columns."""
    return int(level) if isinstance(level, float) and level.is_integer() else level


def count_levels(cells: Sequence[Any]) -> tuple[dict[str, Any], int]:
    """Return how often each value occurs.

    Parameters
    ----------
    cells : list
        Values, which may be missing.

    Returns
    -------
    counts : dict
        Numbers of cells by value, without missing ones.
    n_missing : int
        How many cells are missing.
    """
    counts = Counter(cells)
    holes = [level for level in counts if is_hole(level)]
    n_missing = sum(counts.pop(hole) for hole in holes)
    return counts, n_missing


def frequent(counts: dict[str, Any], min_count: float = 1, n_most: int | None = None) -> list[Any]:
    """Return the most frequent levels in their order.

    Parameters
    ----------
    counts : dict
        Numbers of cells by level.
    min_count : float, default=1
        Least number of cells.
    n_most : int, default=None
        Largest number of levels; None for no limit.

    Returns
    -------
    levels : list
        Numbers come first, then strings in the order of their letters, then anything else.
    """
    kept = sorted((level for level in counts if counts[level] >= min_count), key=_order)
    kept = sorted(kept, key=counts.get, reverse=True)[:n_most]
    return sorted(kept, key=_order)


def _order(level):
    if isinstance(level, Real):
        return 0, level
    return (1, level) if isinstance(level, str) else (2, str(level))


def declared_categories(
    chosen: str | ArrayLike | None,
    columns: Sequence[Column],
    names: Sequence[Any] | None,
    owner: str,
) -> list[bool]:
    """Tell which columns are declared to be categories.

    Parameters
    ----------
    chosen : str, array-like or None
        The parameter `categorical_features`.
    columns : list of Column
        Those of the table.
    names : list or None
        Their names, if they have any.
    owner : str
        Whose parameter it is, for errors.

    Returns
    -------
    is_declared : list of bool
        One a column.

    Raises
    ------
    ValueError
        If the parameter is wrong, or does not fit the columns.
    """
    if chosen is None:
        return [False] * len(columns)
    if isinstance(chosen, str):
        if chosen != "from_dtype":
            raise ValueError(
                f"{owner} expects categorical_features='from_dtype', None, names, positions or a "
                f"mask, got {chosen!r}. Put a single name into a list."
            )
        return [column.is_declared for column in columns]
    items = np.asarray(chosen, dtype=object)
    if items.ndim != 1:
        raise ValueError(
            f"{owner} expects categorical_features as a flat list, got {items.ndim} axes."
        )
    items = items.tolist()
    if not items:
        return [False] * len(columns)
    if all(isinstance(item, bool | np.bool_) for item in items):
        if len(items) != len(columns):
            raise ValueError(
                f"{owner} expects a mask of {len(columns)} entries in categorical_features, one "
                f"for each column of X, got {len(items)}."
            )
        return list(map(bool, items))
    found = set(_positions(items, columns, names, owner))
    return [position in found for position in range(len(columns))]


def _positions(items, columns, names, owner):
    """Yield the positions of columns that are listed by name or position."""
    n = len(columns)
    are_names = all(isinstance(item, str) for item in items)
    if not are_names and not all(
        isinstance(item, Integral) and not isinstance(item, bool) for item in items
    ):
        raise ValueError(
            f"{owner} expects categorical_features as names, positions or a mask, all of one "
            f"type, got {brief(items)}."
        )
    if are_names and names is None:
        raise ValueError(
            f"{owner} expects positions in categorical_features if X is an array, got names. Pass "
            "a data frame."
        )
    for item in items:
        if are_names and item not in names:
            raise ValueError(
                f"{owner} finds no column {item!r} in X, which categorical_features names. The "
                f"columns are {brief(names)}."
            )
        if not are_names and not 0 <= item < n:
            raise ValueError(
                f"{owner} expects positions from 0 to {n - 1} in categorical_features, got {item}."
            )
        yield names.index(item) if are_names else int(item)
