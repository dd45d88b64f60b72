"""Writing texts with a language model, token by token."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from ..base import written
from ..constraints import Constraints
from ..settings import isolated
from ..tokens import n_dropped
from ..typing import Array
from .overflow import warn_of_overflow

_OPTIONS = {
    "max_length": [Interval(Integral, 0, None, closed="left")],
    "temperature": [Interval(Real, 0, np.inf, closed="left")],
    "top_k": [Interval(Integral, 1, None, closed="left"), None],
    "top_p": [Interval(Real, 0, 1, closed="right"), None],
    "n_samples": [Interval(Integral, 1, None, closed="left"), None],
    "random_state": ["random_state"],
}
_CONSTRAINTS = Constraints(_OPTIONS)


class TextGeneration:
    """Adds ``generate`` to a language model."""

    @isolated
    def generate(
        self,
        prompt: str | ArrayLike = "",
        max_length: int = 100,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        n_samples: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> str | list[str]:
        """Write texts: draw one token after the other, each given those before it.

        What the network keeps of earlier tokens (keys and values of attention, states of
        recurrent layers) is reused, so a token costs the same however long the text. When the
        context holds `context_length` tokens, it is cut to its last half, which is read again.

        Parameters
        ----------
        prompt : str or array-like of int, default=""
            Beginning of the text; array-like if `tokenizer` is None. Tokens that are not in the
            vocabulary are warned of, and written as the replacement character, U+FFFD.
        max_length : int, default=100
            Largest number of tokens to write, at least 0; a text may end before.
        temperature : float, default=1.0
            Log-probabilities are divided by it: below 1, likely tokens become likelier, and at 0
            the likeliest is taken.
        top_k : int, default=None
            Draw from this number of likeliest tokens only, at least 1. None is no limit.
        top_p : float, default=None
            Draw from the likeliest tokens only that are needed for this probability, in (0, 1];
            see [1]_. None is no limit.
        n_samples : int, default=None
            Number of texts, at least 1. None is a single one, not in a list.
        random_state : int, RandomState instance or None, default=None
            Source of the draws. An int gives the same texts each time.

        Returns
        -------
        texts : str, or list of str of length n_samples
            Texts, the prompt in front; arrays of int if `tokenizer` is None.

        References
        ----------
        .. [1] Holtzman et al., "The curious case of neural text degeneration", 2020,
           :arxiv:`1904.09751`.
        """
        given = locals()
        options = {name: given[name] for name in _OPTIONS}
        _CONSTRAINTS.validate(options, f"{type(self).__name__}.generate")
        self._require_fit()
        tokens = self._vocabulary.encode_prompt(prompt)
        rows = self._generate(
            self._repeated(tokens, n_samples),
            max_length,
            lambda logits, rng: draw(logits, rng, temperature, top_k, top_p),
            _generator(random_state),
        )
        texts = [self._vocabulary.decode(row) for row in rows]
        return texts[0] if n_samples is None else texts

    def _repeated(self, tokens, n_samples):
        """Return the prompt of each text, if there is memory for as many."""
        try:
            np.empty((n_samples or 1, self._context_length + len(tokens)))
            return np.tile(tokens, (n_samples or 1, 1))
        except (MemoryError, ValueError):
            raise ValueError(
                f"n_samples={written(n_samples)} texts need more memory than there is; write "
                "fewer at a time."
            ) from None

    def _generate(self, prompt, max_length, choose, rng, cached=True):
        """Return the ids of texts that begin with the rows of `prompt` (N, length)."""
        end, (n, length) = self._vocabulary.end, prompt.shape
        stop = 1 + length + int(max_length)
        ids = np.full((n, min(stop, 128 + length)), end, np.intp)  # all begin with an end
        ids[:, 1 : 1 + length] = prompt
        reader = (_CachedReader if cached else _Reader)(self.network_, n, self._context_length)
        banned = [id - 1 for id in self._vocabulary.unwritten]
        writes = np.ones(n, bool)
        for position in range(1 + length, stop):
            if position == ids.shape[1]:  # room for as many again
                ids = np.pad(ids, [(0, 0), (0, position)], constant_values=end)
            logits = reader(ids[:, :position])
            warn_of_overflow(self, logits, refuse_nan=True)
            logits = logits.astype(np.float64)
            logits[:, banned] = -np.inf
            ids[:, position] = np.where(writes, 1 + choose(logits, rng), end)
            writes &= ids[:, position] != end
            if not writes.any():
                break
        # A prompt holds no end: the first one is where the text ends.
        return [row[: np.argmax(row == end)] if end in row else row for row in ids[:, 1:]]


class _Reader:
    """Reads as many of the last tokens as the context holds, anew each time."""

    def __init__(self, network: Any, n_rows: int, size: Any) -> None:
        self.network, self.size = network, size

    def __call__(self, ids: Any) -> Any:
        """Return the logits (N, V) of the token that follows ids (N, n)."""
        context = ids[:, n_dropped(ids.shape[1], self.size) :]
        return self.network.predict(context.astype(self.network.dtype))[:, -1]


class _CachedReader:
    """Reads each token once, and the last half of the context again when it is full."""

    def __init__(self, network: Any, n_rows: int, size: Any) -> None:
        self.dtype, self.size = network.dtype, size
        self.stepper = network.stepper(n_rows)
        self.start = self.stop = 0

    def __call__(self, ids: Any) -> Any:
        """Return the logits (N, V) of the token that follows ids (N, n)."""
        n = ids.shape[1]
        start = n_dropped(n, self.size)
        if start != self.start:
            self.stepper.reset()
            self.start = self.stop = start
        raw = self.stepper.advance(ids[:, self.stop : n].astype(self.dtype))
        self.stop = n
        return raw[:, -1]


def draw(
    logits: Array,
    rng: np.random.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Array:
    """Draw a token for each row of logits.

    Parameters
    ----------
    logits : ndarray of shape (N, V)
        Log-probabilities of the tokens, up to a constant for each row.
    rng : numpy.random.Generator
        Source of the draws; one number a row.
    temperature : float, default=1.0
        What the logits are divided by; 0 takes the largest.
    top_k : int, default=None
        Number of likeliest tokens to draw from.
    top_p : float, default=None
        Probability of the likeliest tokens to draw from.

    Returns
    -------
    tokens : ndarray of int of shape (N,)
        A column of `logits` for each row.
    """
    chance = rng.random(len(logits))  # drawn in any case: the order of draws stays the same
    order = np.argsort(-logits, axis=1, kind="stable")
    if temperature == 0:
        return order[:, 0]
    falling = np.take_along_axis(logits, order, axis=1)
    with np.errstate(over="ignore"):  # near 0 the others get -inf, as at 0
        p = np.exp((falling - falling[:, :1]) / temperature)
    p /= p.sum(axis=1, keepdims=True)
    if top_k is not None:
        p[:, top_k:] = 0.0
        p /= p.sum(axis=1, keepdims=True)
    if top_p is not None:
        p[np.cumsum(p, axis=1) - p >= top_p] = 0.0
    upto = np.cumsum(p, axis=1)
    rank = np.sum(upto <= chance[:, None] * upto[:, -1:], axis=1)
    rank = np.minimum(rank, np.count_nonzero(p, axis=1) - 1)
    return np.take_along_axis(order, rank[:, None], axis=1)[:, 0]


def _generator(random_state):
    if isinstance(random_state, np.random.RandomState):
        random_state = random_state.randint(2**32, size=4, dtype=np.uint32).tolist()
    return np.random.default_rng(random_state)
