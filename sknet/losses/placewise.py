"""A loss averaged over the places of outputs: steps of sequences, pixels of images."""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import DTypeLike

from ..base import Workspace
from ..places import Places
from ..typing import Array
from .base import Loss


class PlacewiseLoss:
    """Average a loss over the places that count: it sees them as rows, of shape (places, K).

    The loss of a batch is ``sum_p w_p l_p / (N M)`` over its places p, where N is its number of
    samples and M the mean weight of a sample, the sum of its places' weights, over the training
    set. So its mean over an epoch is the weighted mean over all places.

    Parameters
    ----------
    loss : Loss
        A loss of rows, which is built.
    """

    def __init__(self, loss: Loss) -> None:
        self.loss: Loss = loss

    def allocate(self, n_rows: int, dtype: DTypeLike) -> None:
        """Make the scratch memory of `value_and_gradient`.

        Parameters
        ----------
        n_rows : int
            Number of samples of the largest batch.
        dtype : dtype
            Element type of the raw predictions.
        """
        self.loss = copy(self.loss)  # which may be another's, with memory of its own
        self.loss.allocate(n_rows, dtype)
        self._work = Workspace(n_rows, dtype)

    def value_and_gradient(
        self, raw: Array, y: Places, sample_weight: Array | None = None, out: Array | None = None
    ) -> tuple[float, Array]:
        """Compute the mean loss of a batch and its gradient.

        Parameters
        ----------
        raw : ndarray of shape (N, ..., K)
            Raw predictions; never written.
        y : Places
            Targets of the places that count.
        sample_weight : ndarray of shape (N,), default=None
            Total weight of each sample's places, with mean 1 over the training set.
        out : ndarray of shape (N, ..., K), default=None
            Where to write the gradient. None makes a new array.

        Returns
        -------
        value : float
            The loss.
        gradient : ndarray of shape (N, ..., K)
            Its gradient with respect to `raw`; zero at places that do not count.
        """
        out = np.empty_like(raw) if out is None else out
        rows, gradient = (a.reshape(-1, raw.shape[-1]) for a in (raw, out))
        if self.loss.joins_places:
            return self._value_of_samples(rows, y, sample_weight, gradient), out
        index = y.index(len(rows) // len(raw))
        weight = y.shares(sample_weight, raw.dtype)
        if index is None:
            return self.loss.value_and_gradient(rows, y.targets(), weight, gradient)[0], out
        shape = (len(index), raw.shape[-1])
        real = np.take(rows, index, axis=0, out=self._work("real", shape), mode="clip")
        value, grad = self.loss.value_and_gradient(
            real, y.targets(), weight, self._work("gradient", shape)
        )
        gradient.fill(0)
        gradient[index] = grad
        return value, out

    def _value_of_samples(self, rows, y, sample_weight, gradient):
        """Return the mean loss of samples that have one each, and write its gradient."""
        index = y.index(len(rows) // len(y))
        index = np.arange(len(rows)) if index is None else index
        counted = y.lengths > 0
        starts = (np.cumsum(y.lengths) - y.lengths)[counted]
        if sample_weight is None:
            sample_weight = y.totals / y.totals.mean()
        weights = y.joined_weights()
        weights = None if weights is None else weights.astype(rows.dtype, copy=False)
        of_samples = np.asarray(sample_weight)[counted] * (counted.sum() / len(y))
        value, grad = self.loss.value_of_places(
            rows[index], y.targets(), starts, weights, of_samples
        )
        gradient.fill(0)
        gradient[index] = grad
        return value
