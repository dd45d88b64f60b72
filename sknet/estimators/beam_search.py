"""Search for the likeliest target sequences, token by token."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..typing import Array, Function


class Candidate(NamedTuple):
    """A target that a search has found.

    Attributes
    ----------
    ids : ndarray of int
        Its tokens, without the end.
    log_p : float
        Its log-likelihood, the end included if it has been reached.
    score : float
        The log-likelihood over the number of tokens, by which candidates are compared.
    """

    ids: Array
    log_p: float
    score: float


class BeamSearch:
    """Keeps the likeliest beginnings of each target and extends them by one token at a time.

    Parameters
    ----------
    width : int
        Number of beginnings to keep for each target; 1 is a greedy search.
    end : int
        Code of the end of a target.
    max_length : int
        Largest number of tokens of a target.
    length_penalty : float
        Candidates are compared by their log-likelihood over the number of their tokens, the end
        included, to this power.
    """

    width: int
    end: int
    max_length: int
    length_penalty: float

    def __init__(self, width: int, end: int, max_length: int, length_penalty: float) -> None:
        self.width, self.end = width, end
        self.max_length, self.length_penalty = max_length, length_penalty

    def __call__(self, n: int, advance: Function) -> list[list[Candidate]]:
        """Search the targets of n sources.

        Parameters
        ----------
        n : int
            Number of sources.
        advance : callable
            Of the rows that are kept of those of the call before, and their last codes, or None
            at the start: returns the log-probabilities (rows, V) of the next codes.

        Returns
        -------
        found : list of list of Candidate
            Up to `width` candidates for each source, the best first.
        """
        width = self.width
        found = [[] for _ in range(n)]
        owners = np.arange(n)
        # At the start there is one beginning, the empty one.
        ids, log_p = np.zeros((n, width, 0), np.intp), np.full((n, width), -np.inf)
        log_p[:, 0] = 0.0
        rows, last = np.repeat(owners, width), None
        for _ in range(self.max_length):
            following = advance(rows, last).reshape(len(owners), width, -1)
            total, origin, codes = self._extended(log_p, following)
            ids = np.concatenate([self._picked(ids, origin), codes[:, :, None]], axis=2)
            ended = (codes == self.end) & (np.arange(codes.shape[1]) < width)
            self._collect(found, owners, ids, np.where(ended, total, -np.inf), 1)
            ids, log_p, origin = self._open(ids, total, origin)
            goes_on = ~self._is_done(found, owners, log_p, ids.shape[2])
            rows = (np.arange(len(owners))[:, None] * width + origin)[goes_on].reshape(-1)
            owners, ids, log_p = owners[goes_on], ids[goes_on], log_p[goes_on]
            last = ids[:, :, -1].reshape(-1)
            if not len(owners):
                break
        self._collect(found, owners, ids, log_p, 0)  # cut
        return [sorted(each, key=lambda one: -one.score)[:width] for each in found]

    def _extended(self, log_p, following):
        """Return the likeliest 2 * width extensions: log-likelihoods, origins and codes."""
        n_codes = following.shape[2]
        total = (log_p[:, :, None] + following).reshape(len(log_p), -1)
        n_kept = min(2 * self.width, total.shape[1])
        best = np.argsort(-total, axis=1, kind="stable")[:, :n_kept]
        return np.take_along_axis(total, best, axis=1), best // n_codes, best % n_codes

    def _picked(self, ids, origin):
        return np.take_along_axis(ids, origin[:, :, None], axis=1)

    def _normalized(self, log_p, n_tokens):
        return log_p / n_tokens**self.length_penalty

    def _collect(self, found, owners, ids, log_p, n_ends):
        """Write down the targets whose log-likelihood is finite, without their ends."""
        n_tokens = ids.shape[2]
        for row, column in zip(*np.nonzero(np.isfinite(log_p)), strict=True):
            total, written = float(log_p[row, column]), ids[row, column, : n_tokens - n_ends]
            score = self._normalized(total, n_tokens)
            found[owners[row]].append(Candidate(written, total, score))

    def _open(self, ids, total, origin):
        """Keep the likeliest extensions that have not ended."""
        total = np.where(ids[:, :, -1] == self.end, -np.inf, total)
        kept = np.argsort(-total, axis=1, kind="stable")[:, : self.width]
        log_p = np.take_along_axis(total, kept, axis=1)
        return self._picked(ids, kept), log_p, np.take_along_axis(origin, kept, axis=1)

    def _is_done(self, found, owners, log_p, n_tokens):
        """Tell where there are enough targets, all better than what is still open."""
        done = np.zeros(len(owners), bool)
        for row, owner in enumerate(owners):
            targets = found[owner]
            if len(targets) >= self.width:
                worst = sorted(one.score for one in targets)[-self.width]
                done[row] = self._normalized(log_p[row, 0], n_tokens) <= worst
        return done | ~np.isfinite(log_p[:, 0])
