"""What layers remember of the steps of sequences that are read in pieces."""

from __future__ import annotations

import numpy as np

from ...typing import Array

#: Steps that there is room for at first.
_FEW_STEPS = 16


class PastSteps:
    """Arrays of shape (..., T, F) that become longer.

    There is room for more steps, twice as many whenever it runs out, so that to add one takes the
    same time on average, however many there are.
    """

    def __init__(self) -> None:
        self._memory, self._n_steps = None, 0

    def extend(self, steps: Array) -> Array:
        """Add steps.

        Parameters
        ----------
        steps : ndarray of shape (..., k, F)
            The next steps; copied.

        Returns
        -------
        all_steps : ndarray of shape (..., T, F)
            All steps so far, a view.
        """
        first, stop = self._n_steps, self._n_steps + steps.shape[-2]
        if self._memory is None or stop > self._memory.shape[-2]:
            length = max(stop, 2 * first, _FEW_STEPS)
            longer = np.empty((*steps.shape[:-2], length, steps.shape[-1]), steps.dtype)
            if first:
                longer[..., :first, :] = self._memory[..., :first, :]
            self._memory = longer
        self._memory[..., first:stop, :] = steps
        self._n_steps = stop
        return self._memory[..., :stop, :]

    def keep(self, rows: Array) -> None:
        """Keep some rows, in this order.

        Parameters
        ----------
        rows : ndarray of int
            Positions along the first axis; one may come several times.
        """
        self._memory = self._memory[rows]
