"""What layers share that add a loss of each row to the objective."""

from __future__ import annotations

import numpy as np

from ...typing import Array
from ..base import Layer


class RowLoss(Layer):
    """Base class of layers whose addition to the loss is a weighted mean over the rows.

    A subclass computes the loss a_i of each row in `forward` and hands it to `_add`; in
    `backward` it multiplies the gradient of a_i by the share of the row, from `_shares`.
    """

    adds_loss = True

    def _shares(self, strength, n_rows):
        """Return strength * w_i / N: an array (N,), or one number where all weights are 1."""
        weights, share = self.row_weights, float(strength) / max(n_rows, 1)
        if weights is None:
            return share
        if len(weights) != n_rows:
            raise ValueError(
                f"Layer {self._label()} expects one row for each sample, got {n_rows} rows for "
                f"{len(weights)} sample weights. Put it where the steps of a sequence are not "
                "rows of their own, or fit without sample_weight."
            )
        shares = self._work("shares", (n_rows,))
        return np.multiply(weights, share, out=shares, casting="same_kind")

    def _add(self, strength, losses):
        """Leave the mean of the rows' losses, each times its weight, in `added_loss`."""
        shares = self._shares(strength, len(losses))
        if self.row_weights is None:
            self.added_loss: float = shares * float(np.add.reduce(losses))
        else:
            self.added_loss = float(np.dot(shares, losses))


def as_column(shares: float | Array, n_axes: int = 2) -> float | Array:
    """View shares of rows so that they multiply an array of `n_axes` axes.

    Parameters
    ----------
    shares : float or ndarray of shape (N,)
        As `RowLoss` makes them.
    n_axes : int, default=2
        Number of axes of the array.

    Returns
    -------
    shares : float or ndarray of shape (N, 1, ...)
        A view.
    """
    return shares if isinstance(shares, float) else shares.reshape(-1, *(1,) * (n_axes - 1))
