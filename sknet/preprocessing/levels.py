"""Levels of a categorical column and their codes."""

from collections import Counter
from itertools import repeat
from numbers import Real

import numpy as np

from ..cells import is_missing


class Levels:
    """The frequent levels of a column of categories, in a fixed order.

    Parameters
    ----------
    levels : list
        Values in the order of their codes 1, 2, ...
    has_others : bool
        Whether training had missing or rare values.
    """

    def __init__(self, levels, has_others):
        self.levels, self.has_others = levels, has_others
        self._codes = {level: code for code, level in enumerate(levels, start=1)}

    def __len__(self):
        return len(self.levels)

    def codes(self, cells):
        """Return the codes of cells; 0 for missing, unseen and rare ones.

        Parameters
        ----------
        cells : list
            Values.

        Returns
        -------
        codes : ndarray of int
            From 0 to the number of levels.
        """
        return np.fromiter(map(self._codes.get, cells, repeat(0)), np.int64, len(cells))


def count_levels(cells):
    """Return how many times each value occurs, and how many are missing."""
    counts = Counter(cells)
    missing = [level for level in counts if is_missing(type(level)) or level != level]
    n_missing = sum(counts.pop(level) for level in missing)
    return counts, n_missing


def order(level):
    """Return the sort key of a level: numbers come first, then strings, then anything else."""
    if isinstance(level, Real):
        return 0, level
    return (1, level) if isinstance(level, str) else (2, str(level))


def frequent(counts, min_count, n_most):
    """Return the levels that occur often enough, at most so many, sorted."""
    kept = [level for level, count in counts.items() if count >= min_count]
    kept = sorted(kept, key=order)
    kept = sorted(kept, key=lambda level: -counts[level])[:n_most]
    return sorted(kept, key=order)
