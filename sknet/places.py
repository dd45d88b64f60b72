"""Targets that have a value at each place of an output: a step of a sequence, a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, compress
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .inputs import Sequences, sequence_list
from .typing import Array, Function, Shape


class Places(Sequences):
    """Encoded targets of the places that count, sample by sample.

    Parameters
    ----------
    values : ndarray of shape (total number of places, ...)
        The targets as the loss takes them.
    starts, lengths : ndarray of int of shape (n,)
        Where the places of each sample start, and how many count.
    weights : ndarray of shape (total number of places,), default=None
        Weights of the places; None weighs all 1.
    positions : ndarray of int of shape (total number of places,), default=None
        Which of a sample's outputs each place is; None if they are the first ones.
    totals : ndarray of shape (n,), default=None
        Total weight of each sample's places; None if there are no weights.
    """

    weights: Array | None
    positions: Array | None

    def __init__(
        self,
        values: Array,
        starts: Array,
        lengths: Array,
        weights: Array | None = None,
        positions: Array | None = None,
        totals: Array | None = None,
    ) -> None:
        super().__init__(values, starts, lengths)
        self.weights, self.positions = weights, positions
        self.totals: Array = lengths.astype(np.float64) if totals is None else totals

    def __getitem__(self, rows: Any) -> Any:
        one = self.starts[rows], self.lengths[rows]
        return type(self)(self.values, *one, self.weights, self.positions, self.totals[rows])

    def transformed(self, function: Function) -> Places:
        """Return the places with what a function makes of all values.

        Parameters
        ----------
        function : callable
            Of an array of shape (total number of places, ...).

        Returns
        -------
        places : Places
            With new values.
        """
        one = self.starts, self.lengths, self.weights, self.positions, self.totals
        return type(self)(function(self.values), *one)

    def chosen(self, partners: Array, taken: Array) -> Places:
        """Return these places with the targets and weights of other samples at some of them.

        Parameters
        ----------
        partners : ndarray of int of shape (n,)
            Which other sample, for each.
        taken : ndarray of bool of shape (number of places,)
            Where to take them.

        Returns
        -------
        places : Places
            New ones; all samples have the same number of places.
        """
        others, lengths = self[partners], self.lengths
        values, other = self.targets(), others.targets()
        values = np.where(taken.reshape(-1, *(1,) * (values.ndim - 1)), other, values)
        weights, totals = self.joined_weights(), None
        if weights is not None:
            weights = np.where(taken, others.joined_weights(), weights)
            totals = weights.reshape(len(self), -1).sum(axis=1)
        return type(self)(values, np.cumsum(lengths) - lengths, lengths, weights, None, totals)

    def targets(self) -> Array:
        """Return the targets of these samples, one after the other.

        Returns
        -------
        targets : ndarray of shape (number of places, ...)
            The values of their places.
        """
        return self.joined()

    def joined_weights(self) -> Array | None:
        """Return the weights of these samples' places, one after the other.

        Returns
        -------
        weights : ndarray of shape (number of places,) or None
            None if all are 1.
        """
        return None if self.weights is None else self._joined(self.weights)

    def shares(self, sample_weight: Array | None, dtype: DTypeLike) -> Array | None:
        """Return what each place counts in the loss of a batch.

        Parameters
        ----------
        sample_weight : ndarray of shape (n,) or None
            Total weight of each sample's places, with mean 1 over the training set. None counts
            the places of these samples alone.
        dtype : dtype
            Element type of the result.

        Returns
        -------
        shares : ndarray of shape (number of places,) or None
            Weights by which a mean over places is multiplied; None if all are 1.
        """
        if sample_weight is None:
            sample_weight = self.totals / self.totals.mean()
        factors = sample_weight * (self.lengths.sum() / (len(self) * self.totals))
        if self.weights is None and (factors == 1).all():
            return None
        shares = np.repeat(factors, self.lengths)
        if self.weights is not None:
            shares *= self.joined_weights()
        return shares.astype(dtype, copy=False)

    def index(self, n_outputs: int) -> Array | None:
        """Return where the places are among the outputs of a batch.

        Parameters
        ----------
        n_outputs : int
            Number of outputs of each sample, padding included.

        Returns
        -------
        index : ndarray of int of shape (number of places,) or None
            Positions among the outputs of all samples; None if all outputs count.
        """
        if (self.lengths == n_outputs).all():
            return None
        firsts = np.repeat(np.arange(len(self)) * n_outputs, self.lengths)
        return firsts + self.steps()

    def steps(self) -> Array:
        """Return which of its sample's outputs each place is.

        Returns
        -------
        steps : ndarray of int of shape (number of places,)
            Positions from 0 on, sample by sample.
        """
        if self.positions is not None:
            return self._joined(self.positions)
        before = np.cumsum(self.lengths) - self.lengths
        return np.arange(self.lengths.sum()) - np.repeat(before, self.lengths)


class Transcripts(Sequences):
    """Encoded label sequences, which are not aligned with the outputs that they are read from.

    Parameters
    ----------
    values : ndarray of int of shape (total number of labels,)
        The labels of all samples.
    starts, lengths : ndarray of int of shape (n,)
        Where the labels of each sample start, and how many there are.
    outputs : Places
        Which outputs of each sample are real; they have no values.
    """

    def __init__(self, values: Array, starts: Array, lengths: Array, outputs: Places) -> None:
        super().__init__(values, starts, lengths)
        self.outputs = outputs

    def __getitem__(self, rows: Any) -> Any:
        one = self.starts[rows], self.lengths[rows]
        return type(self)(self.values, *one, self.outputs[rows])


class Layout:
    """Where the outputs of some samples have places, and which of them count.

    Parameters
    ----------
    steps : ndarray of int of shape (n,)
        Size of the first axis of each sample's places.
    tail : tuple of int, default=()
        Sizes of the others: the width of an image.
    is_list : bool, default=False
        Whether the samples are sequences that come in a list.
    is_real : ndarray of bool of shape (total number of places,), default=None
        Which places count, of all samples, one after the other; None for all.
    """

    steps: Array
    tail: Shape
    is_list: bool
    is_real: Array | None

    def __init__(
        self, steps: Array, tail: Shape = (), is_list: bool = False, is_real: Array | None = None
    ) -> None:
        self.steps, self.tail, self.is_list, self.is_real = steps, tuple(tail), is_list, is_real
        self.counts: Array = steps * prod(tail)
        self._n_axes = 1 + len(self.tail)

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def lengths(self) -> Array:
        """Number of places of each sample that count."""
        if self.is_real is None:
            return self.counts
        sums = np.concatenate([[0], np.cumsum(self.is_real)])
        ends = np.cumsum(self.counts)
        return sums[ends] - sums[ends - self.counts]

    def fold(self, y: ArrayLike | Sequence[ArrayLike], name: str, owner: str) -> Array | list[Any]:
        """Return the values at the places that count, one after the other.

        Parameters
        ----------
        y : array-like of shape (n, *places) or (n, *places, K), or list of array-like
            A value, or several, for each place.
        name : str
            What they are called, for errors.
        owner : str
            Who takes them, for errors.

        Returns
        -------
        values : ndarray or list of shape (number of places,) or (number of places, K)
            The values.

        Raises
        ------
        ValueError
            If there is not a value for each place.
        """
        values = self._joined(y, name, owner)
        if self.is_real is None:
            return values
        if isinstance(values, list):
            return list(compress(values, self.is_real))
        return values[self.is_real]

    def _joined(self, y, name, owner):
        items = sequence_list(y)
        if items is None:
            items = y if hasattr(y, "dtype") else np.array(y, dtype=object)
            is_uniform = np.ndim(items) > 0 and len(set(self.steps.tolist())) <= 1
            if is_uniform and np.shape(items)[: 1 + self._n_axes] == (len(self), *self._shape(0)):
                return self._rows(np.asarray(items), 1)
            if np.ndim(items) < 1 + self._n_axes:
                self._refuse(f"shape {np.shape(items)}", name, owner)
        if len(items) != len(self):
            self._refuse(f"{len(items)} samples", name, owner)
        if self._n_axes == 1 and all(_is_plain_list(item) for item in items):
            for position, item in enumerate(items):
                self._check_item((len(item),), position, name, owner)
            return list(chain.from_iterable(items))
        items = [np.asarray(item) for item in items]
        for position, item in enumerate(items):
            self._check_item(item.shape, position, name, owner)
        rows = [self._rows(item, 0) for item in items]
        if len({each.shape[1:] for each in rows}) > 1:
            self._refuse("several shapes", name, owner)
        return np.concatenate(rows)

    def _shape(self, position):
        return (int(self.steps[position]), *self.tail)

    def _rows(self, array, n_before):
        rest = array.shape[n_before + self._n_axes :]
        return array.reshape(-1, *rest)

    def _check_item(self, shape, position, name, owner):
        expected = self._shape(position)
        if not shape or len(shape) < len(expected):
            self._refuse("one value a sample" if not shape else f"{shape} a sample", name, owner)
        if shape[: self._n_axes] != expected:
            found, needed = (_times(sizes) for sizes in (shape[: self._n_axes], expected))
            raise ValueError(
                f"{owner} expects {name} with a value for each place that its layers end with: "
                f"{needed} for the sample at position {position}, got {found}. Layers with "
                "strides, pooling or windows change the number of places."
            )

    def _refuse(self, found, name, owner):
        form = f"a list of {len(self)} arrays as long as the outputs"
        if not self.is_list and len(self):
            form = f"an array of shape {(len(self), *self._shape(0))}"
        raise ValueError(
            f"{owner} expects {name} with a value for each place that its layers end with, "
            f"{form}; got {found}. Give such a {name}, or put a Flatten or a global pooling at "
            "the end of layers to predict one value a sample."
        )

    def place(self, values: Array, weights: Array | None = None) -> Places:
        """Return encoded values as what the loss of a network takes.

        Parameters
        ----------
        values : ndarray of shape (number of places, ...)
            Encoded values of the places that count.
        weights : ndarray of shape (number of places,), default=None
            Their weights.

        Returns
        -------
        places : Places
            The same with where they are.
        """
        lengths = self.lengths
        starts = np.cumsum(lengths) - lengths
        positions = totals = None
        if self.is_real is not None:
            firsts = np.cumsum(self.counts) - self.counts
            positions = np.flatnonzero(self.is_real) - np.repeat(firsts, lengths)
        if weights is not None:
            owners = np.repeat(np.arange(len(self)), lengths)
            totals = np.bincount(owners, weights, minlength=len(self))
        return Places(values, starts, lengths, weights, positions, totals)

    def unfold(self, values: Array, order: Array) -> Array | Any:
        """Return values of all places in the form of the samples.

        Parameters
        ----------
        values : ndarray of shape (total number of places, ...)
            Values, one after the other.
        order : ndarray of int of shape (n,)
            The samples that they belong to, in this order.

        Returns
        -------
        values : ndarray of shape (n, *places, ...) or list of ndarray
            The same; a list for sequences that come in one.
        """
        rest = values.shape[1:]
        if not self.is_list:
            return values.reshape(len(self), *self._shape(0), *rest)
        found, stop = [None] * len(self), 0
        for row in order:
            start, stop = stop, stop + int(self.counts[row])
            found[row] = values[start:stop].reshape(*self._shape(row), *rest)
        return found


def real_rows(raw: Array, counts: Array) -> Array:
    """Return the outputs of a padded batch as rows, without those of padding.

    Parameters
    ----------
    raw : ndarray of shape (N, ..., K)
        Outputs.
    counts : ndarray of int of shape (N,)
        How many outputs of each sample are no padding.

    Returns
    -------
    rows : ndarray of shape (counts.sum(), K)
        A view where there is no padding.
    """
    rows, n = raw.reshape(-1, raw.shape[-1]), prod(raw.shape[1:-1])
    if (counts == n).all():
        return rows
    return rows[(np.arange(n) < counts[:, None]).reshape(-1)]


def _times(sizes):
    return " x ".join(map(str, sizes))


def _is_plain_list(item):
    return isinstance(item, list | tuple) and not (item and isinstance(item[0], list | tuple))
