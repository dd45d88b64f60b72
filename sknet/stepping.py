"""Sequences that a network reads a few steps at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .settings import isolated, single_threaded_blas
from .typing import Array


class Stepper:
    """Reads sequences a few steps at a time, with memory of what it has read.

    The outputs are those of `Network.predict` for the whole sequences. It works with the weights
    of the network, which have to stay as they are until all is read, and for one thread.

    Parameters
    ----------
    network : Network
        The network; all its layers have to be causal.
    batch_size : int
        Number of sequences N that are read side by side.

    Attributes
    ----------
    n_steps : int
        Number of steps read since the last `reset`.
    """

    n_steps: int

    def __init__(self, network: Any, batch_size: int) -> None:
        network.layer._check_causal()
        self._replica, self._batch_size = network.replica(batch_size), batch_size
        self.reset()

    def reset(self) -> None:
        """Forget all steps, to begin with other sequences or after an error."""
        self._memory, self.n_steps = {}, 0

    def keep(self, rows: ArrayLike) -> None:
        """Keep some of the sequences, as a search does that drops some and branches at others.

        Parameters
        ----------
        rows : array-like of int
            Which, in this order; one may come several times.
        """
        rows = np.asarray(rows, dtype=np.intp)
        _keep(self._memory, rows)
        self._batch_size = len(rows)

    @isolated
    def advance(self, x: ArrayLike) -> Array:
        """Read the next steps.

        Parameters
        ----------
        x : array-like of shape (N, k, ...)
            The next steps of each sequence, at least one, such as codes of shape (N, k).

        Returns
        -------
        raw : ndarray of shape (N, k, ...)
            Raw outputs for these steps.

        Raises
        ------
        ValueError
            If the steps do not fit the network.
        """
        step_shape = self._replica.input_shape[1:]
        x = np.asarray(x, dtype=self._replica.dtype)
        fits = x.ndim >= 2 and x.shape[1] > 0
        if not fits or (len(x), *x.shape[2:]) != (self._batch_size, *step_shape):
            expected = ", ".join(map(str, (self._batch_size, "steps", *step_shape)))
            raise ValueError(f"The network expects steps of shape ({expected}), got {x.shape}.")
        with single_threaded_blas():
            raw = self._replica.layer.advance(x, self._memory).copy()
        self.n_steps += x.shape[1]
        return raw


def _keep(memory, rows):
    """Select rows in what layers remember: arrays, past steps, memories of other layers."""
    for name, value in memory.items():
        if isinstance(value, np.ndarray):
            memory[name] = value[rows]
        elif isinstance(value, dict):
            _keep(value, rows)
        elif hasattr(value, "keep"):
            value.keep(rows)
