"""Which steps of a sequence each step may look at, by their positions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...base import brief
from ...typing import Array
from ..base import Layer
from .packing import real_first


def step_positions(n_steps: int, mask: Array | None) -> Array:
    """Return the position of each step among the real ones.

    Parameters
    ----------
    n_steps : int
        Number of steps.
    mask : ndarray of shape (N, T) of bool or None
        True at real steps.

    Returns
    -------
    positions : ndarray of int of shape (1, T) or (N, T)
        From 0 on; padding has the position of the real step before it.
    """
    if mask is None:
        return np.arange(n_steps)[None]
    return np.maximum(np.cumsum(mask, axis=1) - 1, 0)


class Visibility:
    """Hides steps from each other by a window and a table of positions.

    Parameters
    ----------
    layer : Layer
        The layer of attention, whose `window` and `attention_mask` these are.
    """

    def __init__(self, layer: Any) -> None:
        self._layer, self.window = layer, layer.window
        self.table: Any = None
        if layer.attention_mask is not None:
            self.table = _checked(layer, layer.attention_mask)

    def hide(self, scores: Array, mask: Array | None) -> Array | None:
        """Make scores of keys that queries may not look at -inf, in place.

        Parameters
        ----------
        scores : ndarray of shape (N, heads, keys, queries)
            The queries are those of the last keys.
        mask : ndarray of shape (N, keys) of bool or None
            True at real keys.

        Returns
        -------
        mask : ndarray of shape (N, keys) of bool or None
            The same; all True in place of None where a query may find no key.
        """
        n_rows, _, n_keys, n_queries = scores.shape
        scores += self._hidden(n_keys, n_queries, mask, scores.dtype)[:, None]
        if mask is None and self.table is not None:
            return np.ones((n_rows, n_keys), bool)
        return mask

    def _hidden(self, n_keys, n_queries, mask, dtype):
        """Return -inf where a key is hidden from a query and 0 elsewhere, (N, keys, queries)."""
        if self.table is not None:
            self.check_length(
                n_keys if mask is None else int(np.count_nonzero(mask, 1).max(initial=0))
            )
        # Where the real steps come first, their positions are the same in all sequences.
        keys = step_positions(n_keys, None if real_first(mask) is mask else mask)
        queries = keys[:, None, n_keys - n_queries :]
        return np.where(self.sees(queries, keys[:, :, None]), dtype.type(0), dtype.type(-np.inf))

    def sees(self, queries: Array, keys: Array) -> Array:
        """Tell whether queries may look at keys.

        Parameters
        ----------
        queries, keys : ndarray of int
            Positions, which are broadcast against each other.

        Returns
        -------
        sees : ndarray of bool
            Of the shape that the positions have together.
        """
        sees: Any = True
        if self.window is not None:
            sees = np.abs(keys - queries) < self.window
        if self.table is not None:
            last = len(self.table) - 1  # steps further on are padding
            sees = sees & self.table[np.minimum(queries, last), np.minimum(keys, last)]
        return sees

    def check_length(self, n_steps: int) -> None:
        """Refuse sequences for which the table is too small.

        Parameters
        ----------
        n_steps : int
            Their number of steps.
        """
        if self.table is not None and n_steps > len(self.table):
            self._layer._refuse(
                f"at most as many steps as its attention_mask has, {len(self.table)}",
                n_steps,
                f"Pass an attention_mask for {n_steps} steps or more, or shorten the sequences.",
            )


def _checked(layer: Layer, given: Any) -> Array:
    """Return a table of which positions see which, or refuse it."""
    wanted = "an attention_mask of shape (steps, steps), True where the step of a row may look at"
    wanted += " that of a column"
    try:
        table = np.asarray(given)
    except ValueError:  # rows of unequal length
        table = np.empty(0)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not table.size:
        advice = "Padding is hidden by itself, and a mask for each sample is none of a layer's."
        layer._refuse(wanted, brief(given), advice)
    if table.dtype.kind not in "biuf" or not np.isin(table, (0, 1)).all():
        advice = "Compare it with a number for True and False."
        layer._refuse(wanted, brief(given), advice)
    return table.astype(bool)
