"""The loss of several targets, each with a loss of its own."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn.base import clone

from ..typing import Array
from .base import Loss, Target


class SeveralLosses(Loss):
    """Weighted sum of the losses of several targets, whose missing values count nowhere.

    The target is an array (N, K) with one column a target: numbers, or codes of classes; NaN where
    it is missing. The raw predictions of the targets stand side by side. With weights v_j the loss
    of a row is the sum of ``v_j l_ij`` over the targets j that are known.

    Parameters
    ----------
    losses : list of Loss
        One a target.
    weights : list of float
        What each loss is multiplied by.
    """

    kinds: tuple[str, ...] = ("several",)

    def __init__(self, losses: Sequence[Loss], weights: Sequence[float]) -> None:
        self.losses = losses
        self.weights = weights

    def build(self, target: Any) -> int:
        """Bind the losses to the columns of a target."""
        self._target = target
        self._members, stop = [], 0
        for j, (loss, n_classes) in enumerate(zip(self.losses, target.n_classes, strict=True)):
            member = _Member(j, clone(loss), n_classes, stop)
            stop = member.block.stop
            self._members.append(member)
        return stop

    @property
    def takes_standardized(self) -> bool:
        """Whether any of the targets may be standardized."""
        return any(loss.takes_standardized for loss in self.losses)

    def allocate(self, n_rows: int, dtype: DTypeLike) -> None:
        """Make the scratch memory of all losses."""
        super().allocate(n_rows, dtype)
        self._members = [
            copy(member) for member in self._members
        ]  # copies of this loss share them
        for member in self._members:
            member.loss = copy(member.loss)
            member.loss.allocate(n_rows, dtype)

    def value_and_gradient(
        self, raw: Array, y: Any, sample_weight: Any = None, out: Array | None = None
    ) -> tuple[float, Array]:
        """Compute the weighted mean loss of the known targets and its gradient."""
        out = np.empty_like(raw) if out is None else out
        out[...] = 0
        value = 0.0
        for member, weight in zip(self._members, self.weights, strict=True):
            rows, known = member.known(y)
            if not len(rows):
                continue
            block = raw[:, member.block]
            part = self._work(f"raw {member.column}", (len(rows), block.shape[1]))
            np.take(block, rows, axis=0, out=part, mode="clip")
            shares = None if sample_weight is None else sample_weight[rows]
            slopes = self._work(f"slopes {member.column}", part.shape)
            loss, slopes = member.loss.value_and_gradient(part, known, shares, slopes)
            share = float(weight) * len(rows) / len(raw)
            value += share * loss
            slopes *= share
            out[rows, member.block] = slopes
        return value, out

    def row_losses(self, raw: Array, y: Any) -> Array:
        """Compute the losses of the rows one by one."""
        losses = np.zeros(len(raw))
        for member, weight in zip(self._members, self.weights, strict=True):
            rows, known = member.known(y)
            if len(rows):
                losses[rows] += weight * member.loss.row_losses(raw[rows, member.block], known)
        return losses

    def inverse_link(self, raw: Array) -> Array | Any:
        """Turn raw predictions into a list with the predictions of each target."""
        return [m.loss.inverse_link(np.ascontiguousarray(raw[:, m.block])) for m in self._members]

    def initial_bias(self, y: Any, sample_weight: Any = None) -> Array:
        """Compute the best constants of the rows in which each target is known."""
        found = []
        for member in self._members:
            rows, known = member.known(y)
            if len(rows):
                weight = None if sample_weight is None else sample_weight[rows]
                found.append(member.loss.initial_bias(known, weight))
            else:
                found.append(np.zeros(member.block.stop - member.block.start))
        return np.concatenate(found)


class _Member:
    """The loss of one target.

    Parameters
    ----------
    column : int
        Position of the target.
    loss : Loss
        Built here.
    n_classes : int
        Number of classes; 0 for numbers.
    start : int
        First column of the raw predictions.
    """

    def __init__(self, column: int, loss: Loss, n_classes: int, start: int) -> None:
        kind = "continuous" if not n_classes else "binary" if n_classes == 2 else "multiclass"
        self.column, self.loss, self._kind = column, loss, kind
        width = loss.build(Target(kind, 1, (n_classes,) if n_classes else ()))
        self.block = slice(start, start + width)

    def known(self, y: Any) -> tuple[Array, Array]:
        """Return the rows in which the target is known, and its values there for the loss."""
        column = y[:, self.column]
        rows = np.flatnonzero(column == column)  # not NaN
        known = column[rows]
        if self._kind == "continuous":
            return rows, known[:, None]
        return rows, known.astype(np.intp) if self._kind == "multiclass" else known
