"""Writing the targets of sources with a translator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..base import Workspace, brief
from ..layers import CrossAttention, PositionalEmbedding
from ..named_weights import named_parts
from ..places import real_rows
from ..preprocessing.samples import reread
from ..settings import isolated, single_threaded_blas
from ..tokens import paired
from ..typing import Array
from ..weights import check_weights
from .beam_search import BeamSearch
from .overflow import warn_of_overflow

#: Texts, or arrays of tokens.
Texts: TypeAlias = Iterable[str] | Sequence[ArrayLike]


class Translation:
    """Adds to a translator what it says of texts: targets, and how likely they are."""

    @isolated
    def predict(self, X: Texts) -> Any:
        """Return the target of each source that the search finds to be the likeliest.

        Parameters
        ----------
        X : iterable of str, of length n_samples, or list of array-like of int
            Sources.

        Returns
        -------
        y : ndarray of str of shape (n_samples,), dtype object, or list of ndarray of int
            Targets; arrays of tokens if `target_tokenizer` is None.
        """
        found = self._search(X)
        best = [self._target_vocabulary.decode(each[0].ids) for each in found]
        if self._target_vocabulary.tokenizer is None:
            return best
        return np.array(best, dtype=object)

    @isolated
    def candidates(self, X: Texts) -> list[list[tuple[Any, float]]]:
        """Return the targets that the search finds for each source, and how likely they are.

        Parameters
        ----------
        X : iterable of str, of length n_samples, or list of array-like of int
            Sources.

        Returns
        -------
        candidates : list of list of (target, float)
            For each source up to `beam_size` pairs of a target and its log-likelihood in nats,
            the best first.
        """
        found = self._search(X)
        decode = self._target_vocabulary.decode
        return [[(decode(one.ids), one.log_p) for one in each] for each in found]

    def _search(self, X):
        """Return the candidates for each source, the best first."""
        self._require_fit()
        sources = self._source_vocabulary.encode(reread(X))
        end = self._target_vocabulary.end
        search = BeamSearch(self.beam_size, end - 1, self._limit(), self.length_penalty)
        pairs, *_ = paired(sources, [()] * len(sources), self._ends(), self.network_.dtype)
        order = np.argsort(pairs.lengths, kind="stable")
        n_rows = max(1, self.network_.chunk_rows(pairs) // self.beam_size)
        found = [None] * len(sources)
        with single_threaded_blas():
            for start in range(0, len(order), n_rows):
                rows = order[start : start + n_rows]
                reader = _Reader(self, pairs[rows])
                for row, each in zip(rows, search(len(rows), reader), strict=True):
                    found[row] = [one._replace(ids=one.ids + 1) for one in each]
        return found

    def _limit(self):
        """Return the largest number of tokens to write."""
        if self.max_length is not None:
            return int(self.max_length)
        parts = dict(self.network_.layer.sublayers())["decoder"].walk()
        limits = [part.max_length for part in parts if isinstance(part, PositionalEmbedding)]
        return min([2 * self._longest, *filter(None, limits)])

    @isolated
    def attention_weights(
        self, X: Texts, y: Texts | None = None, layer: str | None = None
    ) -> list[Array]:
        """Return how much each token of a target looks at each token of its source.

        Parameters
        ----------
        X : iterable of str, of length n_samples, or list of array-like of int
            Sources.
        y : iterable of str or list of array-like of int, default=None
            Their targets; None takes those that `predict` returns.
        layer : str, default=None
            Name of a `CrossAttention` in the network, such as
            ``"decoder__2__cross_attention"``; None is the last one.

        Returns
        -------
        weights : list of ndarray of shape (n_heads, n_target, n_source)
            For each pair the weights of the source's tokens and its end (last axis) when a token
            of the target, or its end, is to be written; they add up to 1.

        Raises
        ------
        ValueError
            If there is no such layer.
        """
        self._require_fit()
        X = reread(X)
        pairs = self._pairs(X, self.predict(X) if y is None else reread(y)).X
        readers = [
            path
            for path, part in named_parts(self.network_.layer)
            if isinstance(part, CrossAttention)
        ]
        layer = readers[-1] if layer is None and readers else layer
        if not isinstance(layer, str) or layer not in readers:
            known = ", ".join(map(repr, readers)) or "none"
            raise ValueError(
                f"{type(self).__name__}.attention_weights expects layer to be the name of a "
                f"CrossAttention, one of {known}; got {brief(layer)}."
            )
        found = []
        for pair in range(len(pairs)):
            found.append(self.network_.attention_weights([pairs[[pair]].joined()], layer)[0])
        return found

    @isolated
    def score_samples(self, X: Texts, y: Texts) -> Array:
        """Return the log-likelihood of each target, given its source.

        Parameters
        ----------
        X : iterable of str, of length n_samples, or list of array-like of int
            Sources.
        y : iterable of str, of length n_samples, or list of array-like of int
            Targets.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            Logarithm of the probability of each target, its end included, in nats.
        """
        log_p, _, lengths = self._judge_tokens(reread(X), reread(y))
        return np.add.reduceat(log_p, np.cumsum(lengths) - lengths)

    @isolated
    def score(self, X: Texts, y: Texts, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy of single tokens, given the true ones before.

        For the share of sources that `predict` turns into exactly their target, use
        ``accuracy_score(y, model.predict(X))``.

        Parameters
        ----------
        X : iterable of str, of length n_samples, or list of array-like of int
            Sources.
        y : iterable of str, of length n_samples, or list of array-like of int
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the pairs.

        Returns
        -------
        score : float
            Share of the targets' tokens, ends included, to which the network gives the largest
            probability, given the source and the true tokens before.
        """
        _, is_right, lengths = self._judge_tokens(reread(X), reread(y))
        name = type(self).__name__
        weight = check_weights(sample_weight, lengths, "sample_weight", name)
        weights = None if weight is None else np.repeat(weight, lengths)
        return float(np.average(is_right, weights=weights))

    @isolated
    def perplexity(self, X: Texts, y: Texts) -> float:
        """Return the effective number of tokens that the model hesitates between.

        Parameters
        ----------
        X : iterable of str, of length n_samples, or list of array-like of int
            Sources.
        y : iterable of str, of length n_samples, or list of array-like of int
            Targets.

        Returns
        -------
        perplexity : float
            The exponential of minus the mean log-likelihood of a token; at least 1, less is
            better.
        """
        return float(np.exp(-self._judge_tokens(reread(X), reread(y))[0].mean()))

    def _judge_tokens(self, X, y):
        """Return log-likelihoods of all targets' tokens, which are likeliest, and the lengths."""
        self._require_fit()
        network, data = self.network_, self._pairs(X, y)
        lengths = data.y.lengths
        log_p, is_right = np.empty(len(data.y.values)), np.empty(len(data.y.values), bool)
        # Pairs of one length lie together: there is less padding to compute.
        order = np.argsort(data.X.lengths, kind="stable")
        n_rows = network.chunk_rows(data.X)
        for start in range(0, len(order), n_rows):
            rows = order[start : start + n_rows]
            batch = data.y[rows]
            raw = real_rows(network.predict(data.X[rows]), batch.lengths)
            codes = batch.targets()
            where = np.repeat(batch.starts, batch.lengths) + batch.steps()
            each = self._loss.log_inverse_link(raw)
            log_p[where] = np.take_along_axis(each, codes[:, None], axis=1)[:, 0]
            is_right[where] = raw.argmax(axis=1) == codes
        warn_of_overflow(self, log_p)
        return log_p, is_right, lengths


class _Reader:
    """Gives the log-probabilities of the tokens that follow, for a `BeamSearch`."""

    def __init__(self, model: Any, pairs: Any) -> None:
        self.model, self.pairs = model, pairs
        self.stepper = model.network_.stepper(len(pairs))

    def __call__(self, rows: Array, last: Array | None) -> Array:
        dtype = self.pairs.dtype
        if last is None:
            x, _ = self.pairs.padded(Workspace(len(self.pairs), dtype))
            raw = self.stepper.advance(x)[rows, -1]
            self.stepper.keep(rows)
        else:
            self.stepper.keep(rows)
            x = np.zeros((len(rows), 1, 2), dtype)
            x[:, 0, 1] = last + 1
            raw = self.stepper.advance(x)[:, -1]
        warn_of_overflow(self.model, raw, refuse_nan=True)
        log_p = self.model._loss.log_inverse_link(raw.astype(np.float64))
        log_p[:, [id - 1 for id in self.model._target_vocabulary.unwritten]] = -np.inf
        return log_p
