"""Windows of token streams: what a language model is trained and scored on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .inputs import Sequences
from .places import Places
from .typing import Array


class TokenWindows(Places):
    """Windows of texts that lie one after the other in one stream of ids.

    The stream is: end, tokens of the first text, end, tokens of the second text, end, and so on.
    A window's inputs are the ids from its start on; its targets are those one further on, less 1,
    as id 0 is padding and never a target. So the first token of a text is predicted from the end
    before it, and the end from the text's last token.

    Parameters
    ----------
    values : ndarray of shape (n_ids,)
        The stream.
    starts, lengths : ndarray of int of shape (n,)
        Where each window starts, and its number of targets.
    firsts, lasts : ndarray of int of shape (n,)
        Where the window could start at the earliest and at the latest within its text.
    size : int
        Largest number of targets in a window.
    mean_length : float, default=None
        Mean number of targets, by which losses are divided; by default that of these windows.
    """

    firsts: Array
    lasts: Array
    size: int

    def __init__(
        self,
        values: Array,
        starts: Array,
        lengths: Array,
        firsts: Array,
        lasts: Array,
        size: int,
        mean_length: float | None = None,
    ) -> None:
        super().__init__(values, starts, lengths)
        self.firsts, self.lasts, self.size = firsts, lasts, size
        self.mean_length: float = float(lengths.mean()) if mean_length is None else mean_length

    def __getitem__(self, rows: Any) -> Any:
        taken = (a[rows] for a in (self.starts, self.lengths, self.firsts, self.lasts))
        return type(self)(self.values, *taken, self.size, self.mean_length)

    def redrawn(self, rng: np.random.Generator) -> TokenWindows:
        """Return windows whose cuts are shifted at random, all those through one text alike.

        Parameters
        ----------
        rng : numpy.random.Generator
            Draws a shift for each text.

        Returns
        -------
        windows : TokenWindows
            As many windows; at the ends of a text they are moved inside it.
        """
        is_cut = self.lasts > self.firsts
        if not is_cut.any():
            return self
        texts, owners = np.unique(self.firsts, return_inverse=True)
        shifts = rng.integers(-(self.size // 2), self.size - self.size // 2, size=len(texts))
        starts = np.clip(self.starts + shifts[owners], self.firsts, self.lasts)
        lengths = np.where(is_cut, self.size, self.lengths)
        return type(self)(self.values, starts, lengths, self.firsts, self.lasts, self.size)

    def targets(self) -> Array:
        """Return the targets of all windows, one after the other.

        Returns
        -------
        codes : ndarray of int of shape (total number of targets,)
            The ids that follow the inputs, less 1.
        """
        following = Sequences(self.values[1:], self.starts, self.lengths)
        return following.joined().astype(np.intp) - 1

    def shares(self, sample_weight: None, dtype: DTypeLike) -> Array | None:
        """Return what each target counts in the loss of a batch.

        Parameters
        ----------
        sample_weight : None
            Windows have no weights.
        dtype : dtype
            Element type of the result.

        Returns
        -------
        shares : ndarray of shape (number of targets,) or None
            The same for all, by which a mean over targets becomes their sum over the mean number
            of targets in as many windows; None if that is 1.
        """
        n = int(self.lengths.sum())
        share = n / (len(self) * self.mean_length)
        return None if share == 1 else np.full(n, share, dtype)


def _stream(texts, end, dtype):
    """Return the ids of all texts with ends around them, where each starts, its targets."""
    lengths = np.array([len(text) for text in texts], dtype=np.intp) + 1
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.intp)
    values = np.full(int(lengths.sum()) + 1, end, dtype)
    for start, text in zip(starts, texts, strict=True):
        values[start + 1 : start + 1 + len(text)] = text
    return values, starts, lengths


def training_windows(
    texts: Sequence[Array], end: int, size: int, dtype: DTypeLike
) -> TokenWindows:
    """Cut texts into windows, one after the other; a short text is one window.

    Parameters
    ----------
    texts : list of ndarray of int
        Ids of the texts' tokens, at least 1.
    end : int
        Id of the end of a text, which also stands before it.
    size : int
        Largest number of targets in a window.
    dtype : dtype
        Element type of the stream.

    Returns
    -------
    windows : TokenWindows
        Windows that hold each target once.
    """
    values, starts, lengths = _stream(texts, end, dtype)
    counts = -(-lengths // size)
    firsts = np.repeat(starts, counts)
    number = np.arange(len(firsts)) - np.repeat(np.cumsum(counts) - counts, counts)
    lengths = np.repeat(lengths, counts)
    lasts = firsts + np.maximum(lengths - size, 0)
    kept = np.minimum(lengths - number * size, size)
    return TokenWindows(values, firsts + number * size, kept, firsts, lasts, size)


def n_dropped(n_inputs: int, size: int) -> int:
    """Return how many of the first inputs of a text a model has let go of.

    A full context is cut to its last half: so many inputs are read again, once in a while.

    Parameters
    ----------
    n_inputs : int
        Number of inputs so far, the start included.
    size : int
        Largest number of inputs that a model looks at.

    Returns
    -------
    n : int
        Number of inputs before the first that it looks at.
    """
    hop = size - size // 2
    return hop * max(0, -(-(n_inputs - size) // hop))


def scoring_windows(
    texts: Sequence[Array], end: int, size: int, dtype: DTypeLike
) -> tuple[TokenWindows, Array, Array]:
    """Cut texts into windows that overlap by half, as a model sees them when it writes.

    Parameters
    ----------
    texts : list of ndarray of int
        Ids of the texts' tokens, at least 1.
    end : int
        Id of the end of a text.
    size : int
        Largest number of inputs that a model looks at.
    dtype : dtype
        Element type of the stream.

    Returns
    -------
    windows : TokenWindows
        The windows.
    owners : ndarray of int of shape (n,)
        The text of each window.
    overlaps : ndarray of int of shape (n,)
        How many of the window's first targets the window before it has, too.
    """
    values, starts, lengths = _stream(texts, end, dtype)
    hop = size - size // 2
    counts = 1 + np.maximum(0, -(-(lengths - size) // hop))
    owners = np.repeat(np.arange(len(texts)), counts)
    number = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    begins = starts[owners] + number * hop
    kept = np.minimum(lengths[owners] - number * hop, size)
    windows = TokenWindows(values, begins, kept, begins, begins, size)
    return windows, owners, np.where(number > 0, size - hop, 0)


def paired(
    sources: Sequence[Any], targets: Sequence[Any], ends: tuple[int, int], dtype: DTypeLike
) -> tuple[Sequences, Array, Array]:
    """Return pairs of texts as what a network of an encoder and a decoder takes.

    Step t of a pair holds two ids: that of the source at t, and the one that stands before the
    target at t. The source is followed by an end; the target as well, which also begins with one.
    0 pads the shorter of the two.

    Parameters
    ----------
    sources, targets : list of ndarray of int
        Ids of the tokens, at least 1; as many of the ones as of the others.
    ends : tuple of int
        Id of the end of a source and of a target.
    dtype : dtype
        Element type of the steps.

    Returns
    -------
    pairs : Sequences
        Sequences of steps of two ids.
    codes : ndarray of int of shape (total number of targets,)
        The ids of the targets and their ends, one after the other, less 1.
    lengths : ndarray of int of shape (n,)
        Number of targets of each pair, the end included.
    """
    n_sources, lengths = (
        np.array([len(text) + 1 for text in texts], dtype=np.intp) for texts in (sources, targets)
    )
    n_steps = np.maximum(n_sources, lengths)
    starts = np.cumsum(n_steps) - n_steps
    values, codes = np.zeros((int(n_steps.sum()), 2), dtype), []
    for start, source, target in zip(starts, sources, targets, strict=True):
        values[start : start + len(source), 0] = source
        values[start + len(source), 0] = ends[0]
        values[start, 1] = ends[1]
        values[start + 1 : start + 1 + len(target), 1] = target
        codes += [target, ends[1:]]
    return Sequences(values, starts, n_steps), np.concatenate(codes).astype(np.intp) - 1, lengths
