"""Which steps of a batch of sequences run together, and where their rows are."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ...typing import Array


def real_first(mask: Array | None) -> Array | None:
    """Return the mask of the same sequences with their real steps first.

    Parameters
    ----------
    mask : ndarray of shape (N, T) of bool or None
        True at real steps; None when all are.

    Returns
    -------
    first : ndarray of shape (N, T) of bool or None
        As many real steps in each row, with no padding before them; `mask` itself if it is so.
    """
    # Counting is faster than `any`, and looked at in every batch.
    if mask is None or not np.count_nonzero(mask[:, 1:] > mask[:, :-1]):
        return mask
    return np.arange(mask.shape[1]) < np.count_nonzero(mask, axis=1)[:, None]


def other_places(mask: Array | None, found: Array | None) -> Array | None:
    """Return where layers have put the real steps of sequences, if elsewhere.

    Parameters
    ----------
    mask : ndarray of shape (N, T) of bool or None
        True at the real steps of their input.
    found : ndarray of shape (N, T) of bool or None
        True at the real steps of their output; some may be left out.

    Returns
    -------
    places : ndarray of shape (N, T) of bool or None
        The steps of `mask` where they are in the output; None where they have stayed.
    """
    if mask is None or found is None or found is mask or not (found > mask).any():
        return None
    places = real_first(mask)
    if (found > places).any() and not (found > mask[:, ::-1]).any():
        return mask[:, ::-1]  # a recurrent layer has gone backwards
    return places


def moved_steps(x: Array, places: Array, new_places: Array, out: Array) -> Array:
    """Move the real steps of sequences, and with them the padded ones.

    A row whose places are the new ones stays as it is, so no row depends on others.

    Parameters
    ----------
    x : ndarray of shape (N, T, ...)
        The sequences.
    places, new_places : ndarray of shape (N, T) of bool
        Where the real steps are and where they go, as many in each row; order is kept.
    out : ndarray of shape (N, T, ...)
        Memory of the result; contiguous.

    Returns
    -------
    out : ndarray of shape (N, T, ...)
        The moved steps.
    """
    # Numbers of steps, made once: indexing arrays by masks takes several times as long.
    source = np.empty(places.size, np.intp)
    source[new_places.reshape(-1)] = np.flatnonzero(places)
    source[~new_places.reshape(-1)] = np.flatnonzero(~places)
    steps = places.size, prod(x.shape[2:])
    np.take(x.reshape(steps), source, axis=0, out=out.reshape(steps), mode="clip")
    return out


def arrange_steps(
    shape: tuple[int, int], mask: Array | None, backwards: bool
) -> AllSteps | RealSteps:
    """Return the steps that a recurrent layer has to run.

    Parameters
    ----------
    shape : tuple of (int, int)
        Numbers of sequences N and of steps T.
    mask : ndarray of shape (N, T) of bool or None
        True at real steps, wherever they are; None when all are.
    backwards : bool
        Whether to start at the end.

    Returns
    -------
    steps : AllSteps or RealSteps
        The order in which rows are computed.
    """
    if mask is None or mask.all():
        return AllSteps(shape, backwards)
    return RealSteps(mask, backwards)


class Steps:
    """Rows of a batch in the order in which they are computed, one block of rows a step.

    Arrays in this order are *packed*: (R, ...), R rows in all, those of the first step first.
    Arrays of *states* have a block of zeros in front, the state before the first step.

    Parameters
    ----------
    counts : list of int
        How many sequences have a first, a second, ... step; never increasing.
    n_sequences : int
        Rows of the block of zeros.
    """

    counts: Sequence[int]
    n_sequences: int

    def __init__(self, counts: Sequence[int], n_sequences: int) -> None:
        self.counts, self.n_sequences = counts, n_sequences
        self.stops: list[int] = np.cumsum(counts, dtype=np.int64).tolist()
        self.starts: list[int] = [
            stop - count for count, stop in zip(counts, self.stops, strict=True)
        ]
        self.n_rows: int = self.stops[-1] if counts else 0

    def blocks(self, packed: Array) -> list[Array]:
        """List the views of an array (..., R, U) that belong to each step."""
        pairs = zip(self.starts, self.stops, strict=True)
        return [packed[..., start:stop, :] for start, stop in pairs]

    def before(self, states: Any) -> list[Array]:
        """List the views of the states that each step starts from."""
        first = [0, *(self.n_sequences + start for start in self.starts)]
        return [states[a : a + n] for a, n in zip(first, self.counts, strict=False)]

    def after(self, states: Any) -> list[Array]:
        """List the views of the states that each step ends with."""
        return self.blocks(states[self.n_sequences :])

    def own_slots(self, flat: Array, n_slots: int, units: int) -> list[Array]:
        """List, for each step, a part of an array of its own as (slots, rows, U)."""
        size = n_slots * units
        return [
            flat[start * size : stop * size].reshape(n_slots, stop - start, units)
            for start, stop in zip(self.starts, self.stops, strict=True)
        ]

    def shared_slots(self, flat: Array, n_slots: int, units: int) -> list[Array]:
        """List, for each step, the start of an array as (slots, rows, U)."""
        size = n_slots * units
        views = {n: flat[: n * size].reshape(n_slots, n, units) for n in set(self.counts)}
        return [views[n] for n in self.counts]

    def heads(self, rows: Any) -> list[Array]:
        """List, for each step, the rows of the sequences that take part in it."""
        return [rows[:n] for n in self.counts]


class AllSteps(Steps):
    """Every step of every sequence.

    Parameters
    ----------
    shape : tuple of (int, int)
        Numbers of sequences N and of steps T.
    backwards : bool
        Whether to start at the end.
    """

    def __init__(self, shape: tuple[int, int], backwards: bool) -> None:
        n_sequences, n_steps = shape
        super().__init__([n_sequences] * n_steps, n_sequences)
        self._shape, self._backwards = shape, backwards

    def _by_step(self, packed):
        """View packed rows as (N, T, ...)."""
        n_sequences, n_steps = self._shape
        return packed.reshape(n_steps, n_sequences, packed.shape[-1]).swapaxes(0, 1)

    def _in_order(self, x):
        return x[:, ::-1] if self._backwards else x

    def pack(self, x: Array, out: Array | None) -> None:
        """Copy x of shape (N, T, F) to packed rows."""
        np.copyto(self._by_step(out), self._in_order(x))

    def unpack(self, packed: Array, out: Array | None) -> None:
        """Copy packed rows to an array of shape (N, T, F), the reverse of `pack`."""
        np.copyto(self._in_order(out), self._by_step(packed))

    def sort(self, rows: Any) -> Array:
        """Return one row a sequence in the order of packed rows."""
        return rows

    def unsort(self, rows: Array) -> Array:
        """Return rows in the order of packed rows as those of the sequences."""
        return rows

    def outputs(self, states: Any, out: Array | None) -> None:
        """Copy the state after each step to an array (N, T, U), the first step first."""
        np.copyto(out, self._by_step(states[self.n_sequences :]))

    def last(self, states: Any, out: Array | None) -> None:
        """Copy the state after the last step of each sequence to an array (N, U)."""
        np.copyto(out, states[len(states) - len(out) :])

    def output_grads(self, grad: Array) -> list[Array]:
        """List, step by step, the rows of the gradient of what `outputs` made."""
        return list(grad.swapaxes(0, 1))


class RealSteps(Steps):
    """The real steps of sequences of unequal length, the longest sequence first.

    What a masked step does, it carries the state over, is the same as leaving it out: each
    sequence runs its real steps in a row, and step t takes only the sequences that are longer
    than t. They are the first ones, as in the packed sequences of PyTorch.

    Parameters
    ----------
    mask : ndarray of shape (N, T) of bool
        True at real steps, wherever they are.
    backwards : bool
        Whether to start at the end.
    """

    def __init__(self, mask: Array, backwards: bool) -> None:
        real = mask[:, ::-1] if backwards else mask
        n_steps = real.shape[1]
        lengths = np.count_nonzero(real, axis=1)
        counts = np.count_nonzero(lengths[:, None] > np.arange(lengths.max()), axis=0)
        super().__init__(counts.tolist(), max(1, np.count_nonzero(lengths)))
        self._order = np.argsort(-lengths, kind="stable")
        place = np.empty_like(self._order)
        place[self._order] = np.arange(len(place))
        n_past = np.cumsum(real, axis=1)
        row = np.array([0, *self.starts])[n_past] + place[:, None]
        self._state_rows = np.where(n_past > 0, self.n_sequences + row, 0)
        self._output_of = np.empty(self.n_rows, np.intp)
        self._output_of[row[real]] = np.flatnonzero(real)
        first = self._output_of // n_steps * n_steps
        last = first + n_steps - 1
        self._input_of = first + last - self._output_of if backwards else self._output_of
        self._masked = ~real

    def pack(self, x: Array, out: Array | None) -> None:
        """Copy the real steps of x of shape (N, T, F) to packed rows."""
        out[...] = x.reshape(-1, x.shape[-1])[self._input_of]

    def unpack(self, packed: Array, out: Array | None) -> None:
        """Copy packed rows to an array of shape (N, T, F) with zeros at masked steps."""
        out[...] = 0.0
        out.reshape(-1, out.shape[-1])[self._input_of] = packed

    def sort(self, rows: Any) -> Array:
        """Return one row a sequence in the order of packed rows."""
        return rows[self._order[: self.n_sequences]]

    def unsort(self, rows: Array) -> Array:
        """Return rows in the order of packed rows as those of the sequences."""
        found = np.zeros_like(rows)  # for sequences without a real step
        found[self._order[: self.n_sequences]] = rows[: self.n_sequences]
        return found

    def outputs(self, states: Any, out: Array | None) -> None:
        """Copy the state after each step, masked ones included, to an array (N, T, U)."""
        np.take(states, self._state_rows, axis=0, out=out, mode="clip")

    def last(self, states: Any, out: Array | None) -> None:
        """Copy the state after the last step of each sequence to an array (N, U)."""
        np.take(states, self._state_rows[:, -1], axis=0, out=out, mode="clip")

    def output_grads(self, grad: Array) -> list[Array]:
        """List, step by step, the rows of the gradient of what `outputs` made."""
        # Masked steps repeat the output of the one before: their gradients are that one's.
        for step in np.flatnonzero(self._masked[:, 1:].any(axis=0))[::-1] + 1:
            grad[:, step - 1] += grad[:, step] * self._masked[:, step, None]
        return self.blocks(grad.reshape(-1, grad.shape[-1])[self._output_of])
