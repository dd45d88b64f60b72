"""The loss of what has been observed of a target."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn.base import clone

from ..typing import Array
from .base import Loss
from .classification import LogLoss
from .regression import RegressionLoss


class ObservedLoss(Loss):
    """Another loss, of the cells of the target that are not NaN.

    The loss of a row is the sum over the outputs whose target is known, with one raw prediction
    an output.

    Parameters
    ----------
    loss : RegressionLoss or LogLoss
        Gives the losses of the cells.
    """

    def __init__(self, loss: RegressionLoss | LogLoss) -> None:
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
        """Bind the loss to a target."""
        self._inner = clone(self.loss)
        width = self._inner.build(target)
        if width != target.n_outputs or not hasattr(self._inner, "_losses"):
            raise ValueError(
                f"{type(self._inner).__name__} cannot leave out cells that are missing; choose "
                "another loss, such as 'squared_error'."
            )
        self._target = target
        return width

    def allocate(self, n_rows: int, dtype: DTypeLike) -> None:
        """Make the scratch memory of both losses."""
        super().allocate(n_rows, dtype)
        self._inner = copy(self._inner)  # whoever copied this one shares it until here
        self._inner.allocate(n_rows, dtype)

    def value_and_gradient(
        self, raw: Array, y: Any, sample_weight: Any = None, out: Array | None = None
    ) -> tuple[float, Array]:
        """Compute the weighted mean loss of the observed cells and its gradient."""
        out = np.empty_like(raw) if out is None else out
        with np.errstate(all="ignore"):
            return self.average(self._losses(raw, y, out), out, sample_weight), out

    def row_losses(self, raw: Array, y: Any) -> Array:
        """Compute the losses of the rows one by one."""
        with np.errstate(all="ignore"):
            return self._losses(raw, y, np.empty_like(raw)).sum(axis=1, dtype=np.float64)

    def _losses(self, raw, y, slopes):
        missing = np.isnan(y, out=self._work("missing", raw.shape, bool))
        known = self._work("known", raw.shape)
        np.copyto(known, y)
        np.copyto(known, 0, where=missing)
        losses = self._inner._losses(raw, known, slopes)
        np.copyto(losses, 0, where=missing)
        np.copyto(slopes, 0, where=missing)
        return losses

    def inverse_link(self, raw: Array) -> Array | Any:
        """Turn raw predictions into predictions."""
        return self._inner.inverse_link(raw)

    def initial_bias(self, y: Any, sample_weight: Any = None) -> Array:
        """Compute for each output the best constant of the rows where it is observed."""
        bias = np.zeros(y.shape[1])
        for column in range(y.shape[1]):
            known = np.flatnonzero(~np.isnan(y[:, column]))
            if len(known):
                weight = None if sample_weight is None else sample_weight[known]
                cells = y[known, column : column + 1]
                bias[column] = self._inner.initial_bias(cells, weight).item()
        return bias
