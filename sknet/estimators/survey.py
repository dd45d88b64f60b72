"""What a first pass over blocks finds out before training."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import issparse, vstack
from sklearn.utils import _safe_indexing, check_consistent_length
from sklearn.utils.validation import _num_samples

from ..base import brief
from ..blocks import Blocks
from ..cells import as_array
from ..typing import Array, Function
from .labels import family

#: Rows of a sample, where no block has more.
_N_ROWS = 1024


class Survey:
    """One pass over blocks: their sizes, their targets, and a sample of their rows.

    Parameters
    ----------
    blocks : Blocks
        Read once.
    kept_target : callable
        Of the y of a block, returns an array to keep, or None if it is too large.
    keeps_all : bool
        Whether the sample is to have all rows. Otherwise it has some, evenly spaced, no more than
        the largest block or than a thousand.

    Attributes
    ----------
    sample : tuple of (X, y, sample_weight)
        The sample, in the form of the blocks.
    n_sample : int
        Its number of rows.
    y : ndarray of shape (n_samples, ...) or None
        Targets of all rows; None if those of a block are not kept.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights of all rows, where `y` is kept or there is none.
    sizes : ndarray of int of shape (n_blocks,)
        Number of rows of each block that has any.
    numbers : list of int
        Positions of these blocks.
    step : int
        How many rows apart those of the sample are.
    """

    def __init__(self, blocks: Blocks, kept_target: Function, keeps_all: bool = False) -> None:
        sizes, targets, weights, forms, sample = [], [], [], {}, _Sample(keeps_all)
        self.numbers: list[int] = []
        for number, (X, y, weight) in blocks.read():
            with blocks.named(number):
                sizes.append(_num_samples(X))
                self.numbers.append(number)
                if isinstance(weight, Real):  # that of every row
                    weight = np.full(sizes[-1], weight)
                check_consistent_length(X, y, weight)
                targets.append(kept_target(y))
                weights.append(weight)
                for what, found in _form(X, targets[-1], weight).items():
                    if forms.setdefault(what, found) != found:
                        raise ValueError(
                            f"{what} {brief(found)}, and in the first block {brief(forms[what])}; "
                            "make all blocks alike."
                        )
                sample.add([X, y, weight])
        if not sizes:
            raise ValueError(f"{blocks.owner} expects at least one block that has rows, got none.")
        self.sizes: Array = np.array(sizes)
        self.sample: tuple[Any, ...] = sample.rows()
        self.n_sample: int = sample.n_rows
        self.step: int = sample.step
        has_targets = all(y is not None for y in targets)
        self.y: Any = np.concatenate(targets) if has_targets else None
        self.sample_weight: Any = None
        if weights[0] is not None and (has_targets or not blocks.has_target):
            arrays = (as_array(each, "sample_weight", blocks.owner) for each in weights)
            self.sample_weight = np.concatenate(list(arrays))

    @property
    def used_y(self) -> Any:
        """Targets of the rows whose weight is not 0."""
        return self.y if self.sample_weight is None else self.y[self.sample_weight != 0]

    def counted(self, rows: Array) -> Array:
        """Count the rows of each block among some of all rows.

        Parameters
        ----------
        rows : ndarray of int
            Their numbers in ascending order.

        Returns
        -------
        sizes : ndarray of int of shape (n_blocks,)
            How many of them each block has.
        """
        return np.diff(np.searchsorted(rows, np.cumsum(self.sizes)), prepend=0)

    def located(self, rows: Array) -> dict[int, Array]:
        """Find the blocks of some of all rows.

        Parameters
        ----------
        rows : ndarray of int
            Their numbers in ascending order.

        Returns
        -------
        located : dict of int to ndarray of int
            By the position of each block, the numbers of its rows in it.
        """
        starts = np.cumsum(self.sizes) - self.sizes
        parts = np.split(rows, np.searchsorted(rows, starts[1:]))
        found = zip(self.numbers, parts, starts, strict=True)
        return {number: part - start for number, part, start in found}


class _Sample:
    """Rows of blocks that are evenly spaced over all blocks seen so far."""

    def __init__(self, keeps_all: Any) -> None:
        self._parts, self.step, self._seen = [], 1, 0  # pairs: number of the first row, and rows
        self._limit = np.inf if keeps_all else _N_ROWS
        self.n_rows = 0

    def add(self, rows: Any) -> None:
        n_rows = _num_samples(rows[0])
        self._limit = max(self._limit, n_rows)
        added = self._thinned([(self._seen, rows)], 1)
        self._seen += n_rows
        self._parts += added
        self.n_rows += _count(added)
        while self.n_rows > self._limit:
            self.step *= 2
            self._parts = self._thinned(self._parts, self.step // 2)
            self.n_rows = _count(self._parts)

    def _thinned(self, parts, step):
        """Keep the rows whose numbers are multiples of the step, of rows `step` apart."""
        kept = []
        for first, rows in parts:
            skipped = -first % self.step
            index = np.arange(skipped // step, _num_samples(rows[0]), self.step // step)
            if len(index):
                kept.append((first + skipped, [taken(each, index) for each in rows]))
        return kept

    def rows(self) -> Any:
        return tuple(map(joined, zip(*(rows for _, rows in self._parts), strict=True)))


def _count(parts):
    return sum(_num_samples(rows[0]) for _, rows in parts)


def _form(X, y, weight):
    """Return by its description what must be the same in all blocks."""
    columns = list(X.columns) if hasattr(X, "columns") else None
    shape = None if columns else tuple(getattr(X, "shape", ())[1:])
    form = {"sample_weight is given:": weight is not None, "X has the columns": columns}
    form["X has samples of shape"] = shape
    if y is not None:
        form.update({"y has values that are": family(y), "y has rows of shape": y.shape[1:]})
    return form


def taken(values: Any, index: Array) -> Any:
    """Return some rows of an array, table, sparse matrix or list, or None of None.

    Parameters
    ----------
    values : object
        Rows in a form that estimators take.
    index : ndarray of int
        Which to return.

    Returns
    -------
    values : object
        A copy: whoever reads the blocks may use the memory again.
    """
    return None if values is None else _safe_indexing(values, index)


def joined(parts: Sequence[Any]) -> Any:
    """Join the rows of arrays, tables, sparse matrices or lists.

    Parameters
    ----------
    parts : sequence
        At least one.

    Returns
    -------
    values : object
        Of the kind of the parts.
    """
    first = parts[0]
    if first is None or len(parts) == 1:
        return first
    if issparse(first):
        return vstack(parts, "csr")
    if isinstance(first, list | tuple):
        return [item for part in parts for item in part]
    # NumPy, pandas, polars and PyTorch have a function of this name.
    library = sys.modules[type(first).__module__.partition(".")[0]]
    return getattr(library, "concat", np.concatenate)(parts)
