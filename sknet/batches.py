"""Rows to train or validate on, and their batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .base import Workspace
from .inputs import Sequences
from .places import Places
from .typing import Array, Function
from .weights import mean_weight


@dataclass
class Data:
    """Rows to train or validate on.

    Attributes
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features) or Sequences
        Inputs in the network's dtype.
    y : {ndarray, sparse matrix} of shape (n_samples, ...) or Places
        Targets as the loss encodes them; `X` itself for an autoencoder.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights as the user means them; with `Places` the total weight of each row's places.
    rows : ndarray of int or None
        Which rows to use; None for all.
    """

    X: object
    y: object
    sample_weight: object = None
    rows: object = None

    @property
    def n_rows(self) -> int:
        """Number of rows in use."""
        return self.X.shape[0] if self.rows is None else len(self.rows)

    @property
    def used_X(self) -> Any:
        """Inputs of the rows in use."""
        return self.X if self.rows is None else self.X[self.rows]

    @property
    def used_y(self) -> Any:
        """Targets of the rows in use, or of their places, one after the other."""
        y = self.y if self.rows is None else self.y[self.rows]
        return y.targets() if isinstance(y, Places) else y

    @property
    def used_weight(self) -> Array | None:
        """Weights of the rows in use or of their places, with mean 1; None for equal ones."""
        if isinstance(self.y, Places):
            weights = (self.y if self.rows is None else self.y[self.rows]).joined_weights()
            return None if weights is None else weights / mean_weight(weights)
        if self.sample_weight is None:
            return None
        weights = self.sample_weight if self.rows is None else self.sample_weight[self.rows]
        return weights / self.mean_weight

    @property
    def mean_weight(self) -> float:
        """Mean weight of the rows in use."""
        if self.sample_weight is None:
            return 1.0
        weights = self.sample_weight if self.rows is None else self.sample_weight[self.rows]
        return mean_weight(weights)

    def some_X(self, n_rows: int) -> Any:
        """Return inputs of rows in use that are evenly spaced.

        Parameters
        ----------
        n_rows : int
            How many at most.

        Returns
        -------
        X : {ndarray, sparse matrix} of shape (n, n_features) or Sequences
            The inputs.
        """
        rows = np.arange(self.n_rows) if self.rows is None else self.rows
        if len(rows) > n_rows:
            rows = rows[np.linspace(0, len(rows) - 1, n_rows).astype(np.intp)]
        return self.X[rows]

    def batches(self, batch_size: int, mean_weight: float = 1.0) -> Batches:
        """Return the rows in use in batches.

        Parameters
        ----------
        batch_size : int
            Number of rows of a batch.
        mean_weight : float, default=1.0
            Weights are divided by it.

        Returns
        -------
        batches : Batches
            Yields them.
        """
        return Batches(self, batch_size, mean_weight)

    def transform_y(self, function: Function) -> None:
        """Replace the targets, or those of all places, by what a function makes of them.

        Parameters
        ----------
        function : callable
            Of an array, gives another with as many rows.
        """
        y = self.y
        self.y = y.transformed(function) if isinstance(y, Places) else function(y)


class Batches:
    """The rows of a data set in batches; arrays are gathered into buffers that are reused.

    Parameters
    ----------
    data : Data
        The rows.
    batch_size : int
        Number of rows of a batch; the last may be shorter.
    mean_weight : float, default=1.0
        Weights are divided by it.
    """

    def __init__(self, data: Data, batch_size: int, mean_weight: float = 1.0) -> None:
        self.n_rows: int = data.n_rows
        self.batch_size: int = min(batch_size, self.n_rows)
        self._rows = data.rows
        self._arrays = [data.X] if data.y is data.X else [data.X, data.y]
        self._has_weights = data.sample_weight is not None
        if self._has_weights:
            weights = data.sample_weight / mean_weight
            self._arrays.append(weights.astype(data.X.dtype, copy=False))
        self._work = Workspace(self.batch_size, data.X.dtype)

    def __len__(self) -> int:
        return -(-self.n_rows // self.batch_size)

    def __call__(self, rng: np.random.Generator | None = None) -> Any:
        """Yield (x, y, sample_weight), in an order drawn from `rng` if given."""
        order = self._rows
        if rng is not None and len(self) > 1:  # the order within one batch does not matter
            order = np.arange(self.n_rows) if order is None else order.copy()
            rng.shuffle(order)
        # One value a row is cheap to put in order at once; rows of X are gathered by the batch.
        arrays = [self._redrawn(array, rng) for array in self._arrays]
        arrays = [a if order is None or a.ndim > 1 else a[order] for a in arrays]
        gathered = [order is not None and array.ndim > 1 for array in arrays]
        for start in range(0, self.n_rows, self.batch_size):
            batch = slice(start, min(start + self.batch_size, self.n_rows))
            taken = [
                self._gather(i, array, order[batch]) if gathered[i] else array[batch]
                for i, array in enumerate(arrays)
            ]
            weight = taken.pop() if self._has_weights else None
            x, y = taken[0], taken[-1]
            yield x, (y if isinstance(y, (np.ndarray, Sequences)) else y.toarray()), weight

    def _redrawn(self, array, rng):
        is_drawn = rng is not None and isinstance(array, Sequences)
        return array.redrawn(rng) if is_drawn else array

    def _gather(self, name, array, rows):
        if not isinstance(array, np.ndarray):  # sparse, or sequences
            return array[rows]
        buffer = self._work(name, (len(rows), *array.shape[1:]), array.dtype)
        # mode="clip" writes straight into the buffer; "raise" goes through a copy.
        return array.take(rows, axis=0, out=buffer, mode="clip")
