"""Rotary positions: pairs of features turned by angles that grow with the step."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...base import Workspace
from ...typing import Array

#: The slowest pair turns once in about 2 pi times as many steps.
_LONGEST = 10_000.0


class Rotation:
    """Turns the pairs (a_i, a_(i + dim / 2)) by their position times a frequency of their own.

    Parameters
    ----------
    dim : int
        Number of features of a head, even.
    dtype : dtype
        Precision.
    """

    def __init__(self, dim: Any, dtype: Any) -> None:
        self._frequencies = _LONGEST ** (-2.0 * np.arange(dim // 2) / dim)
        self._dtype = dtype
        self._tables = np.empty((2, 0, dim // 2), dtype)

    def turn(self, pairs: Array, positions: Array, back: bool, work: Workspace) -> None:
        """Turn vectors, in place.

        Parameters
        ----------
        pairs : ndarray of shape (N, T, heads, dim)
            The vectors; written.
        positions : ndarray of int of shape (1, T) or (N, T)
            Positions of the steps.
        back : bool
            Whether to turn them back.
        work : Workspace
            Gives the memory.
        """
        cosines, sines = self._at(positions)
        sines = -sines if back else sines
        half = pairs.shape[-1] // 2
        first, second = pairs[..., :half], pairs[..., half:]
        # Not in place: NumPy would copy views of which it cannot tell that they don't overlap.
        real, imaginary, part = (work(f"turned_{i}", first.shape) for i in range(3))
        np.multiply(first, cosines, out=real)
        real -= np.multiply(second, sines, out=part)
        np.multiply(second, cosines, out=imaginary)
        imaginary += np.multiply(first, sines, out=part)
        np.copyto(first, real)
        np.copyto(second, imaginary)

    def _at(self, positions):
        """Return cosines and sines of shape (1 or N, T, 1, dim / 2)."""
        n_needed = int(positions.max(initial=-1)) + 1
        if n_needed > self._tables.shape[1]:
            angles = np.arange(max(n_needed, 64) * 3 // 2)[:, None] * self._frequencies
            self._tables = np.array([np.cos(angles), np.sin(angles)], self._dtype)
        return self._tables[:, positions][..., None, :]
