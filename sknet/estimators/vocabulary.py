"""The ids of a language model: how texts become them, and how they are written again."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from sklearn.base import clone

from ..base import brief
from ..cells import as_array
from ..preprocessing import TokenizerTransformer
from ..preprocessing.samples import listed
from ..preprocessing.tokenizer import UNKNOWN, check_texts
from ..typing import Array
from ..warning import warn

#: Largest number of codes: float32 has all whole numbers up to here.
_MOST_CODES = 2**24 - 2
_NO_TEXT = "Convert it, fill missing texts with '', or set {}=None to pass arrays of tokens."
_CODES = "arrays of tokens, whole numbers from 0 on"


class TextVocabulary:
    """Ids of the tokens of texts: those of a tokenizer, and one more for the end of a text.

    Parameters
    ----------
    tokenizer : str or TokenizerTransformer
        Level of a tokenizer that keeps capitals, or a tokenizer.
    owner : str
        Who takes texts, for errors.
    name : str, default="X"
        What the texts are called, for errors.
    parameter : str, default="tokenizer"
        Name of the parameter, for errors.
    """

    owner: str
    name: str
    parameter: str

    #: Never written, as it stands for no text.
    unwritten: tuple[int, ...] = (UNKNOWN,)

    def __init__(
        self,
        tokenizer: Literal["char", "byte", "word"] | TokenizerTransformer | None,
        owner: str,
        name: str = "X",
        parameter: str = "tokenizer",
    ) -> None:
        is_level = isinstance(tokenizer, str)
        self.tokenizer: TokenizerTransformer = (
            TokenizerTransformer(tokenizer, lowercase=False) if is_level else clone(tokenizer)
        )
        self.owner, self.name, self.parameter = owner, name, parameter

    def fit(self, X: Any) -> Self:
        """Learn the vocabulary of some texts."""
        # A fit within a fit skips this check.
        self.tokenizer._validate_params()
        self.tokenizer.fit(self._check(X))
        return self

    @property
    def end(self) -> int:
        """Id of the end of a text, the largest one."""
        return len(self.tokenizer.tokens_)

    def encode(self, X: Any) -> list[Array]:
        """Return the ids of each text."""
        return self.tokenizer.encode(self._check(X))

    def encode_more(self, X: Any) -> list[Array]:
        """Return the ids of texts to go on with, and warn where none of their tokens is known."""
        found = self.encode(X)
        tokens = np.concatenate(found)
        if len(tokens) and (tokens == UNKNOWN).all():
            warn(
                f"{self.owner} goes on with the vocabulary of its first fit, which has none of "
                f"the tokens of {self.name}. For another vocabulary, set warm_start=False and "
                "call fit."
            )
        return found

    def encode_prompt(self, prompt: Any) -> Array:
        """Return the ids of the beginning of a text."""
        if not isinstance(prompt, str):
            raise TypeError(
                f"{self.owner}.generate expects prompt to be a str, got {brief(prompt)} of "
                f"type {type(prompt).__name__}. Pass one text a call."
            )
        ids = self.tokenizer.encode([prompt], cut=False)[0]
        n_unknown = np.count_nonzero(ids == UNKNOWN)
        if n_unknown:
            warn(
                f"{self.owner}.generate: {n_unknown} of the {len(ids)} tokens of the prompt are "
                "not in the vocabulary, which the training texts made. They are read as the "
                "unknown token, and written as the replacement character, U+FFFD."
            )
        return ids

    def decode(self, ids: Any) -> Any:
        """Return the text that ids stand for."""
        return self.tokenizer.inverse_transform(np.asarray(ids)[None])[0]

    def _check(self, X):
        texts = check_texts(X, self.owner, _NO_TEXT.format(self.parameter), self.name)
        return _check_any(texts, self.owner, self.name)


class CodeVocabulary:
    """Ids of tokens that are numbers already: each number plus 1, and one more for the end.

    Parameters
    ----------
    owner : str
        Who takes arrays of numbers, for errors.
    name : str, default="X"
        What the arrays are called, for errors.
    parameter : str, default="tokenizer"
        Name of the parameter, for errors.
    """

    owner: str
    name: str
    parameter: str

    unwritten: tuple[int, ...] = ()
    tokenizer = None

    def __init__(self, owner: str, name: str = "X", parameter: str = "tokenizer") -> None:
        self.owner, self.name, self.parameter = owner, name, parameter

    def fit(self, X: Any) -> Self:
        """Learn the largest number."""
        rows = self._rows(X)
        largest = max((int(row.max()) for row in rows if len(row)), default=None)
        if largest is None:
            raise ValueError(f"{self.owner} expects at least one token, got only empty arrays.")
        if largest >= _MOST_CODES:
            raise ValueError(
                f"{self.owner} expects tokens below {_MOST_CODES}, got {largest}. Number the "
                "tokens that occur from 0 on, for example by numpy.unique with "
                "return_inverse=True."
            )
        self.n_codes: int = 1 + largest
        return self

    @property
    def end(self) -> int:
        """Id of the end of a text, the largest one."""
        return self.n_codes + 1

    def encode(self, X: Any) -> list[Array]:
        """Return the ids of each array."""
        return [self._ids(row) for row in self._rows(X)]

    #: Numbers that were not in the first fit are refused by `encode`.
    encode_more = encode

    def encode_prompt(self, prompt: Any) -> Array:
        """Return the ids of the first tokens."""
        is_empty = isinstance(prompt, str) and not prompt
        prompt = [] if is_empty else prompt
        return self._ids(_codes(prompt, f"{self.owner}.generate", "", self.parameter))

    def _ids(self, row):
        if len(row) and row.max() >= self.n_codes:
            raise ValueError(
                f"{self.owner} was fitted to tokens from 0 to {self.n_codes - 1}, got "
                f"{row.max()}. Give unknown tokens a known number."
            )
        return row.astype(np.intp) + 1

    def decode(self, ids: Any) -> Array:
        """Return the numbers that ids stand for."""
        return np.asarray(ids, dtype=np.intp) - 1

    def _rows(self, X):
        owner, where = f"{self.owner} with {self.parameter}=None", " in the array at position {}"
        if len(getattr(X, "shape", ())) > 1:
            X = as_array(X, "the tokens", owner)
        items = listed(X, owner, "a list of arrays of tokens")
        rows = [
            _codes(item, self.owner, where.format(i), self.parameter)
            for i, item in enumerate(items)
        ]
        return _check_any(rows, self.owner, self.name)


def _codes(item, owner, where, parameter):
    """Return a row of tokens as an array of int, or refuse what is none."""
    owner = f"{owner} with {parameter}=None"
    row = np.array([]) if isinstance(item, str) else as_array(item, "the tokens", owner, where)
    row = row if row.size else row.astype(np.intp)
    found = None
    if isinstance(item, str):
        found = f"{brief(item)} of type {type(item).__name__}"
    elif row.ndim != 1:
        found = f"shape {row.shape}"
    elif row.dtype.kind not in "iu":
        found = f"dtype {row.dtype}"
    elif len(row) and row.min() < 0:
        found = row.min()
    if found is not None:
        raise ValueError(
            f"{owner} expects {_CODES}, got {found}{where}. Pass lists or 1-D "
            f"arrays of int, or set {parameter}."
        )
    return row


def _check_any(items, owner, name):
    if not len(items):
        raise ValueError(f"{owner} expects {name} to hold at least one text, got none.")
    return items


def get_vocabulary(
    tokenizer: str | TokenizerTransformer | None,
    owner: str,
    name: str = "X",
    parameter: str = "tokenizer",
) -> TextVocabulary | CodeVocabulary:
    """Return the vocabulary for the parameter `tokenizer`, still to be fitted.

    Parameters
    ----------
    tokenizer : str, TokenizerTransformer or None
        The parameter.
    owner : str
        Who takes texts, for errors.
    name : str, default="X"
        What the texts are called, for errors.
    parameter : str, default="tokenizer"
        Name of the parameter, for errors.

    Returns
    -------
    vocabulary : TextVocabulary or CodeVocabulary
        A new one.
    """
    if tokenizer is None:
        return CodeVocabulary(owner, name, parameter)
    return TextVocabulary(tokenizer, owner, name, parameter)
