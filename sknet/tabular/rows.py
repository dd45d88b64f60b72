"""The rows of a training set, and which of them are the same."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from ..typing import Array

#: Mean weight up to which rows are repeated to learn the encoding.
_MOST_REPETITIONS = 10

#: Times that distinct rows occur in the mean from which equal rows count separately.
_OFTEN = 4

#: Rows whose hashes are computed at a time.
_CHUNK = 2**14


class DistinctRows:
    """The distinct rows of a training set, in an order that depends on what they hold alone.

    Rows that are the same, their targets included, count as one row of the sum of their weights.
    So a row of weight 2 is the same as a row twice, whatever is drawn at random for a row, and
    none is held out while its twin trains. There are two exceptions, in which each row counts
    separately. Rows with rivals: where the same features occur with several targets, and all rows
    of one target were held out together, only those of the other target would be left to train
    on, and the held-out rows would contradict the training rows. And tables of few distinct rows,
    which occur more than four times in the mean: new rows are like known ones there, and members
    that are judged by rows of other kinds alone would be stopped before they know theirs.

    Parameters
    ----------
    X : ndarray of float32 of shape (n_samples, n_features)
        Encoded rows.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Numbers that tell the targets apart.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights; rows of weight 0 are no rivals.

    Attributes
    ----------
    number : ndarray of int of shape (n_samples,)
        Number of the distinct row that each row is.
    first : ndarray of int of shape (n_distinct,)
        Position of the first row of each.
    has_rivals : ndarray of bool of shape (n_samples,)
        Whether the features of a row occur with another target as well.
    """

    def __init__(self, X: Array, y: Array, sample_weight: Array | None = None) -> None:
        bits = _bits(X), _bits(y)
        of_x, of_both = _numbered(bits[:1]), _numbered(bits)
        weights = np.bincount(of_both, sample_weight)
        targets = np.zeros(len(weights), np.intp)
        targets[of_both] = of_x
        self.has_rivals: Array = np.bincount(targets, weights > 0)[of_x] > 1
        n_used = len(X) if sample_weight is None else np.count_nonzero(sample_weight)
        is_separate = self.has_rivals | (n_used > _OFTEN * np.count_nonzero(weights))
        order = np.argsort(of_both, kind="stable")
        starts = np.diff(of_both[order], prepend=-1) > 0
        starts |= is_separate[order]
        self.number: Array = np.empty(len(X), np.intp)
        self.number[order] = np.cumsum(starts) - 1
        self.first: Array = order[starts]

    def used(self, sample_weight: Any) -> Array:
        """Return the numbers of the distinct rows whose weight is above 0, in their order."""
        return np.flatnonzero(np.bincount(self.number, sample_weight, minlength=len(self.first)))

    def count(self, rows: Any, sample_weight: Any) -> int:
        """Return the number of rows that `merged` returns."""
        return len(self.merged(rows, sample_weight)[0])

    def merged(self, rows: Array, sample_weight: Array | None) -> tuple[Array, Array | None]:
        """Return rows without repetition, and the sums of their weights.

        Parameters
        ----------
        rows : ndarray of int
            Positions of rows.
        sample_weight : ndarray of shape (n_samples,) or None
            Weights of all rows; those of weight 0 are left out.

        Returns
        -------
        rows : ndarray of int
            Positions of distinct rows.
        sample_weight : ndarray or None
            Their weights; None if all are 1.
        """
        weights = None if sample_weight is None else sample_weight[rows]
        totals = np.bincount(self.number[rows], weights, minlength=len(self.first))
        chosen = np.flatnonzero(totals)
        totals = totals[chosen].astype(np.float64)
        return self.first[chosen], None if np.all(totals == 1) else totals


def _numbered(parts):
    """Return a number for each row, the same where rows are, by an order of what they hold."""
    hashes = _hashes(parts)
    order = np.argsort(hashes, kind="stable")
    starts = np.ones(len(order), bool)
    near = np.flatnonzero(hashes[order[1:]] == hashes[order[:-1]])
    before, after = order[near], order[near + 1]
    same = [np.all(part[before] == part[after], axis=1) for part in parts]
    starts[near + 1] = ~np.logical_and.reduce(same)
    number = np.empty(len(order), np.intp)
    number[order] = np.cumsum(starts) - 1
    return number


def order_of_rows(X: Array) -> Array:
    """Return an order of rows that depends on what they hold alone.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Numbers.

    Returns
    -------
    order : ndarray of int of shape (n_samples,)
        Positions of the rows.
    """
    return np.argsort(_hashes([_bits(X)]), kind="stable")


def _bits(values):
    """Return numbers as rows of unsigned integers; 0 and -0 are the same."""
    values = np.ascontiguousarray(values.reshape(len(values), -1))
    if values.dtype.kind == "f":
        values = values + values.dtype.type(0)
    elif values.dtype.itemsize < 4 or values.dtype.kind not in "iu":
        values = values.astype(np.int64)
    return values.view(f"u{values.dtype.itemsize}")


def _hashes(parts):
    """Return a hash of each row: a sum of random multiples of its mixed elements."""
    rng, n = np.random.default_rng(0), len(parts[0])
    total = np.zeros(n, np.uint64)
    for part in parts:
        factors = rng.integers(2**64, size=part.shape[1], dtype=np.uint64) | np.uint64(1)
        for start in range(0, n, _CHUNK):
            chunk = slice(start, start + _CHUNK)
            mixed = part[chunk].astype(np.uint64) * factors
            mixed ^= mixed >> np.uint64(32)
            mixed *= factors
            total[chunk] += mixed.sum(axis=1, dtype=np.uint64)
    return total


@dataclass
class Rows:
    """The rows of a training set.

    Attributes
    ----------
    X : ndarray of float32 of shape (n_samples, n_columns)
        Encoded rows.
    y : ndarray
        Targets as members take them.
    codes : ndarray
        Targets as numbers.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights.
    distinct : DistinctRows
        Which rows are the same.
    """

    X: np.ndarray
    y: np.ndarray
    codes: np.ndarray
    sample_weight: np.ndarray | None
    distinct: DistinctRows

    def digest(self) -> str:
        """Return what tells whether other rows are these."""
        found = blake2b(digest_size=16)
        for part in (self.X, self.codes, self.sample_weight):
            found.update(b"" if part is None else np.ascontiguousarray(part))
        return found.hexdigest()


def repeated(X: Any, weight: Array | None) -> Any:
    """Return the rows from which the encoding is learned.

    Those of weight 0 are left out; where all weights are small whole numbers, each row is there as
    often as its weight says.

    Parameters
    ----------
    X : data frame or array-like
        Rows.
    weight : ndarray of shape (n_samples,) or None
        Their weights.

    Returns
    -------
    X : data frame or array
        Rows to learn from.
    """
    if weight is None:
        return X
    counts = (weight > 0).astype(np.intp)
    if weight.sum() <= _MOST_REPETITIONS * len(weight) and np.all(weight == np.rint(weight)):
        counts = weight.astype(np.intp)
    if np.all(counts == 1) or len(counts) != _num_samples(X):
        return X
    X = X if hasattr(X, "shape") else np.asarray(X, dtype=object)
    return _safe_indexing(X, np.repeat(np.arange(len(counts)), counts))
