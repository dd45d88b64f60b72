"""The loss of sequences of unequal length, a mean over their steps."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn.base import clone

from ..inputs import Sequences
from ..typing import Array
from .base import Loss


class SequenceLoss(Loss):
    """Another loss, of each step of a sequence; a sequence has the mean over its real steps.

    Raw predictions have the shape (N, T, ...), and the target is a `sknet.inputs.Sequences` of
    N sequences, the longest of T steps. The loss of a batch is ``sum_i w_i l_i / N``, where l_i is
    the mean over the steps of sequence i.

    Parameters
    ----------
    loss : Loss
        Gives the losses of the steps.
    """

    def __init__(self, loss: Loss) -> None:
        self.loss = loss

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of target that the loss supports."""
        return self.loss.kinds

    @property
    def link(self) -> Any:
        """The inverse link function."""
        return self._inner.link

    def build(self, target: Any) -> int:
        """Bind the loss to the target of a step."""
        self._inner, self._target = clone(self.loss), target
        return self._inner.build(target)

    def allocate(self, n_rows: int, dtype: DTypeLike) -> None:
        """Make the scratch memory of both losses."""
        super().allocate(n_rows, dtype)
        self._inner = copy(self._inner)  # whoever copied this one shares it until here
        self._inner.allocate(n_rows, dtype)

    def value_and_gradient(
        self,
        raw: Array,
        y: Sequences,
        sample_weight: Array | None = None,
        out: Array | None = None,
    ) -> tuple[float, Array]:
        """Compute the weighted mean loss of the sequences and its gradient.

        Parameters
        ----------
        raw : ndarray of shape (N, T, ...)
            Raw predictions; never written.
        y : Sequences
            N sequences, the longest of T steps.
        sample_weight : ndarray of shape (N,), default=None
            Relative weights of the sequences.
        out : ndarray of shape (N, T, ...), default=None
            Where to write the gradient. None makes a new array.

        Returns
        -------
        value : float
            The loss.
        gradient : ndarray of shape (N, T, ...)
            Its gradient with respect to `raw`; zero at steps that are not real.
        """
        out = np.empty_like(raw) if out is None else out
        steps, target = real_steps(raw, y), _rows(y.joined())
        shares = len(target) / (len(raw) * y.lengths)
        if sample_weight is not None:
            shares *= sample_weight
        weight = np.repeat(shares, y.lengths).astype(raw.dtype)
        value, gradient = self._inner.value_and_gradient(steps, target, weight)
        out[...] = 0
        out[_mask(y)] = gradient.reshape(len(steps), *raw.shape[2:])
        return value, out

    def row_losses(self, raw: Array, y: Any) -> Array:
        """Compute the losses of the sequences one by one."""
        losses = self._inner.row_losses(real_steps(raw, y), _rows(y.joined()))
        return mean_by_sequence(losses, y)

    def inverse_link(self, raw: Array) -> Array | Any:
        """Turn the raw predictions of steps, of shape (n_steps, F), into predictions."""
        return self._inner.inverse_link(raw)

    def initial_bias(self, y: Any, sample_weight: Any = None) -> Array:
        """Compute the best constant prediction of a step."""
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
        weight = np.repeat(weight / y.lengths, y.lengths)
        return self._inner.initial_bias(_rows(y.joined()), weight)


def real_steps(raw: Array, sequences: Sequences) -> Array:
    """Return what belongs to the real steps of padded sequences, one row a step.

    Parameters
    ----------
    raw : ndarray of shape (N, T, ...)
        What a network makes of the sequences.
    sequences : Sequences
        N sequences, the longest of T steps.

    Returns
    -------
    rows : ndarray of shape (number of steps, F)
        Copies, in the order of the sequences.
    """
    return _rows(raw[_mask(sequences)])


def mean_by_sequence(values: Array, sequences: Sequences) -> Array:
    """Return the mean over the steps of each sequence.

    Parameters
    ----------
    values : ndarray of shape (number of steps,)
        One value a step, in the order of the sequences.
    sequences : Sequences
        N sequences.

    Returns
    -------
    means : ndarray of shape (N,)
        The means.
    """
    starts = np.cumsum(sequences.lengths) - sequences.lengths
    return np.add.reduceat(values, starts) / sequences.lengths


def _mask(sequences):
    return np.arange(sequences.shape[1]) < sequences.lengths[:, None]


def _rows(steps):
    return steps.reshape(len(steps), -1)
