"""Text as integers: the tokens of a text, and the vocabulary that numbers them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..base import Component, brief, stamp, unstamp
from ..cells import as_array
from ..compatibility import fit_context
from ..constraints import Constraints
from ..settings import isolated
from ..typing import Array
from .samples import listed, reread, shape_of
from .splitter import WORDS, TextSplitter

#: The ids that no token of a text has.
PADDING, UNKNOWN = 0, 1
#: What stands for padding and for an unknown token. UTF-8 has no byte 0xff: it is decoded to the
#: same replacement character that the other levels show.
_MARKS = {"word": ("", "\ufffd"), "char": ("", "\ufffd"), "byte": (b"", b"\xff")}
_OF_ENCODE = Constraints({"cut": ["boolean"]})


def check_texts(
    X: Iterable[str],
    owner: str,
    advice: str = "Convert it, or fill missing texts with ''.",
    name: str = "X",
) -> list[str]:
    """Return the texts of an iterable as a list.

    Parameters
    ----------
    X : iterable of str, shape (n_samples,)
        Texts.
    owner : str
        Who takes them, for errors.
    advice : str
        What to do about an item that is no str, for errors.
    name : str, default="X"
        What they are called, for errors.

    Returns
    -------
    texts : list of str
        The same.

    Raises
    ------
    TypeError
        If an item of X is not a str.
    ValueError
        If X is not one-dimensional.
    """
    shape = shape_of(X) or ()
    if len(shape) > 1:
        raise ValueError(
            f"{owner} expects {name} to be a 1-D array-like of str, got shape {tuple(shape)}. "
            f'Pass a single column, such as {name}["text"] or {name}[:, 0].'
        )
    texts = listed(X, owner, f"{name} to be a 1-D array-like of str", single="a single ")
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(
                f"{owner} expects {name} to hold str, got {brief(text)} of type "
                f"{type(text).__name__} at position {position}. {advice}"
            )
    return texts


class TokenizerTransformer(TransformerMixin, Component, BaseEstimator):
    r"""Turn texts into rows of token ids, padded to one length.

    `fit` numbers the tokens of the training texts, `transform` replaces each token by its number:
    n texts become an array (n, length). Id 0 is padding, at the end of a row, and id 1 is any
    token that is not in the vocabulary. The other ids go by falling count in the training texts;
    tokens of the same count are in alphabetical order.

    The vocabulary is taken from the texts as `transform` cuts them, so each of its tokens occurs
    in the rows of the training texts, and the largest of their ids is that of its last token.
    ``Embedding(input_dim=None)``, which is sized by the largest id it is trained on, so gets the
    size of the vocabulary by itself, and `transform` never gives an id beyond it.

    Parameters
    ----------
    level : {"word", "char", "byte"}, default="word"
        What a token is: a match of `token_pattern`, a character, or a byte of the text in UTF-8.
    max_tokens : int, default=None
        Largest size of the vocabulary, at least 3, padding and unknown included: the rarest
        tokens are left out. None is no limit.
    max_length : int, default=None
        Largest number of tokens in a row, at least 1. Rows are as long as the longest training
        text, if that is shorter or this is None; the rest of a longer text is not read.
    lowercase : bool, default=True
        Whether to make texts lower-case first.
    min_count : int, default=1
        Least number of times that a token must occur in the training texts to be in the
        vocabulary, at least 1. From 2 on, the network also sees unknown tokens in training and
        learns what they are worth.
    token_pattern : str, default=r"[^\W\d]++(?:(?!\s)[\p{M}\u200c\u200d]++[^\W\d]*+)*+|\d|[^\w\s]"
        Regular expression of a token, for the level "word". By default a token is a run of
        letters, a single digit, or a single other sign: a number that never came up before is
        a row of known digits. Combining marks, such as accents and the vowel signs of Indic
        scripts, belong to their letters. Where the pattern has a group, the group is the token.
        Within brackets, ``\p{M}`` stands for all combining marks, as in ``r"[\w\p{M}]+"``;
        Python's `re` has no name for them.
    dtype : dtype, default=numpy.int32
        Integer type of the ids.

    Attributes
    ----------
    vocabulary_ : dict
        Tokens and their ids, padding and unknown included; a token is a str, at the level "byte"
        bytes of length 1.
    tokens_ : ndarray of object, shape (n_tokens,)
        The token of each id.
    length_ : int
        Number of columns: of tokens in the longest training text, or `max_length` if that is
        less.

    See Also
    --------
    sklearn.feature_extraction.text.CountVectorizer : Counts of tokens, without their order.

    Notes
    -----
    A text longer than `length_` loses its end. A text without any token becomes a single unknown
    token, so that each row holds something that is not padding: over an empty row a mean or an
    attention would be undefined.

    Examples
    --------
    >>> from sknet.preprocessing import TokenizerTransformer
    >>> tokenizer = TokenizerTransformer()
    >>> tokenizer.fit_transform(["Call 42 now!", "Now or never", "Call me now"])
    array([[3, 6, 5, 2, 4],
           [2, 9, 8, 0, 0],
           [3, 7, 2, 0, 0]], dtype=int32)
    >>> tokenizer.inverse_transform(tokenizer.transform(["Call or write"]))
    array(['call or �'], dtype=object)
    >>> len(tokenizer.vocabulary_)
    10
    """

    _parameter_constraints = {
        "level": [StrOptions(set(_MARKS))],
        "max_tokens": [Interval(Integral, 3, None, closed="left"), None],
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
        "lowercase": ["boolean"],
        "min_count": [Interval(Integral, 1, None, closed="left")],
        "token_pattern": [str],
        "dtype": "no_validation",
    }

    def __init__(
        self,
        level: Literal["word", "char", "byte"] = "word",
        *,
        max_tokens: int | None = None,
        max_length: int | None = None,
        lowercase: bool = True,
        min_count: int = 1,
        token_pattern: str = WORDS,
        dtype: DTypeLike = np.int32,
    ) -> None:
        self.level = level
        self.max_tokens = max_tokens
        self.max_length = max_length
        self.lowercase = lowercase
        self.min_count = min_count
        self.token_pattern = token_pattern
        self.dtype = dtype

    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Iterable[str], y: None = None) -> Self:
        """Learn the vocabulary.

        Parameters
        ----------
        X : iterable of str, shape (n_samples,)
            Training texts.
        y : None
            Ignored.

        Returns
        -------
        self : TokenizerTransformer
            The fitted transformer.

        Raises
        ------
        TypeError
            If an item of X is not a str.
        ValueError
            If X is not one-dimensional, or no token is left for the vocabulary.
        """
        dtype = self._check_dtype()
        splitter = TextSplitter(self.level, self.lowercase, self.token_pattern)
        counts, length = Counter(), 0
        for text in check_texts(X, type(self).__name__):
            tokens = splitter(text, self.max_length)
            counts.update(tokens)
            length = max(length, len(tokens))
        tokens = [*_MARKS[self.level], *self._select(counts)]
        if len(tokens) - 1 > np.iinfo(dtype).max:
            raise ValueError(
                f"{type(self).__name__} found {len(tokens)} tokens, more than dtype="
                f"{dtype.name} can number. Pass a larger dtype, or max_tokens."
            )
        self.tokens_: Array = np.array(tokens, dtype=object)
        self.vocabulary_: dict[Any, int] = {token: id for id, token in enumerate(tokens)}
        self.length_ = length
        # What fit has checked, whatever is set later.
        self._splitter, self._cut, self._dtype = splitter, self.max_length, dtype
        return self

    def fit_transform(self, X: Iterable[str], y: None = None) -> Array:
        """Learn the vocabulary, and replace the tokens of the texts by their ids.

        Parameters
        ----------
        X : iterable of str, shape (n_samples,)
            Training texts; a generator or a file is read once.
        y : None
            Ignored.

        Returns
        -------
        ids : ndarray of int, shape (n_samples, length_)
            Ids of the tokens, then 0; tokens that are not in the vocabulary have id 1.
        """
        X = reread(X)
        return self.fit(X).transform(X)

    def transform(self, X: Iterable[str]) -> Array:
        """Replace the tokens of texts by their ids.

        Parameters
        ----------
        X : iterable of str, shape (n_samples,)
            Texts.

        Returns
        -------
        ids : ndarray of int, shape (n_samples, length_)
            Ids of the tokens, then 0; tokens that are not in the vocabulary have id 1.
        """
        check_is_fitted(self)
        ids = [row if len(row) else [UNKNOWN] for row in self._ids(X, self.length_)]
        padded = np.full((len(ids), self.length_), PADDING, dtype=self._dtype)
        for row, found in zip(padded, ids, strict=True):
            row[: len(found)] = found
        return padded

    def encode(self, X: Iterable[str], *, cut: bool = True) -> list[Array]:
        """Replace the tokens of texts by their ids, text by text, without padding.

        Parameters
        ----------
        X : iterable of str, shape (n_samples,)
            Texts.
        cut : bool, default=True
            Whether texts lose what is beyond `max_length`.

        Returns
        -------
        ids : list of ndarray of int
            Ids of the tokens of each text; an empty text has none.
        """
        _OF_ENCODE.validate({"cut": cut}, f"{type(self).__name__}.encode")
        check_is_fitted(self)
        length = self._cut if cut else None
        return [np.array(row, dtype=self._dtype) for row in self._ids(X, length)]

    def inverse_transform(self, X: ArrayLike) -> Array:
        """Write rows of ids as texts again.

        Words are joined by spaces, characters and bytes by nothing. Padding is left out, and an
        unknown token is shown as the replacement character, U+FFFD.

        Parameters
        ----------
        X : array-like of int, shape (n_samples, length)
            Ids of tokens; rows of any length will do.

        Returns
        -------
        texts : ndarray of object, shape (n_samples,)
            The texts, as str.

        Raises
        ------
        ValueError
            If X is not two-dimensional or holds what is no id of a token.
        """
        check_is_fitted(self)
        X = self._check_ids(X)
        texts = np.empty(len(X), dtype=object)
        texts[:] = [self._join(self.tokens_[row[row != PADDING]]) for row in X]
        return texts

    def get_feature_names_out(self, input_features: None = None) -> Array:
        """Name the columns: token0, token1 and so on.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of str, shape (length_,)
            One name a column.
        """
        check_is_fitted(self)
        return np.array([f"token{column}" for column in range(self.length_)], dtype=object)

    def _ids(self, X, length):
        """Return the list of ids of each text, cut to the length."""
        find = self.vocabulary_.get
        return [[find(token, UNKNOWN) for token in tokens] for tokens in self._split(X, length)]

    def _split(self, X, length):
        """Yield the list of tokens of each text, cut to the length."""
        for text in check_texts(X, type(self).__name__):
            yield self._splitter(text, length)

    def _select(self, counts):
        """Return the tokens of the vocabulary in the order of their ids."""
        marks = _MARKS[self.level]
        for mark in marks:
            counts.pop(mark, None)
        tokens = [token for token, count in counts.items() if count >= self.min_count]
        if not tokens:
            raise ValueError(
                f"{type(self).__name__} found no token that occurs at least min_count="
                f"{self.min_count} times in the training texts. Pass other texts, a smaller "
                "min_count, or another token_pattern."
            )
        tokens.sort(key=lambda token: (-counts[token], token))
        return tokens if self.max_tokens is None else tokens[: self.max_tokens - len(marks)]

    def _join(self, tokens):
        level = self._splitter.level
        if level == "byte":
            return b"".join(tokens).decode("utf-8", "replace")
        return (" " if level == "word" else "").join(tokens)

    def _check_dtype(self):
        try:
            dtype = np.dtype(self.dtype)
        except (TypeError, ValueError):
            dtype = None
        if dtype is None or dtype.kind not in "iu":
            raise ValueError(
                f"{type(self).__name__} expects dtype to be an integer type such as numpy.int32, "
                f"got {self.dtype!r}."
            )
        return dtype

    def _check_ids(self, X):
        ids = as_array(X, "the token ids", type(self).__name__)
        largest = len(self.tokens_) - 1
        if ids.ndim != 2 or ids.dtype == bool:
            raise ValueError(
                f"{type(self).__name__} expects a 2-D array of token ids, got shape {ids.shape} "
                f"and dtype {ids.dtype}. Pass rows such as those that transform gives."
            )
        wrong = (ids < 0) | (ids > largest) | (np.rint(ids) != ids)
        if wrong.any():
            raise ValueError(
                f"{type(self).__name__} expects token ids from 0 to {largest}, got "
                f"{ids[wrong][0]}. Pass ids that the same fitted transformer made."
            )
        return ids.astype(np.intp)

    def __getstate__(self) -> dict[str, Any]:
        return stamp(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(unstamp(state, type(self).__name__))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags
