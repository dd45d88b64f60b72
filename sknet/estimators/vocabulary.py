"""The ids of a language model: how texts become them, and how they are written again."""

import numpy as np
from sklearn.base import clone

from ..inputs import sequence_list
from ..preprocessing import TokenizerTransformer
from ..preprocessing.tokenizer import UNKNOWN, check_texts


class TextVocabulary:
    """Ids of the tokens of texts: those of a tokenizer, and one more for the end of a text.

    Parameters
    ----------
    tokenizer : str or TokenizerTransformer
        Level of a tokenizer that keeps capitals, or a tokenizer.
    owner : str
        Who takes texts, for errors.
    """

    #: Never written, as it stands for no text.
    unwritten = (UNKNOWN,)

    def __init__(self, tokenizer, owner):
        is_level = isinstance(tokenizer, str)
        self.tokenizer = (
            TokenizerTransformer(tokenizer, lowercase=False) if is_level else clone(tokenizer)
        )
        self.owner = owner

    def fit(self, X):
        """Learn the vocabulary of some texts."""
        self.tokenizer.fit(self._check(X))
        return self

    @property
    def end(self):
        """Id of the end of a text, the largest one."""
        return len(self.tokenizer.tokens_)

    def encode(self, X):
        """Return the ids of each text."""
        return self.tokenizer.encode(self._check(X))

    def encode_prompt(self, prompt):
        """Return the ids of the beginning of a text."""
        if not isinstance(prompt, str):
            raise TypeError(
                f"{self.owner}.generate expects prompt to be a str, got {prompt!r} of type "
                f"{type(prompt).__name__}."
            )
        return self.tokenizer.encode([prompt])[0]

    def decode(self, ids):
        """Return the text that ids stand for."""
        return self.tokenizer.inverse_transform(np.asarray(ids)[None])[0]

    def _check(self, X):
        return _check_any(check_texts(X, self.owner), self.owner)


class CodeVocabulary:
    """Ids of tokens that are numbers already: each number plus 1, and one more for the end.

    Parameters
    ----------
    owner : str
        Who takes arrays of numbers, for errors.
    """

    unwritten = ()
    tokenizer = None

    def __init__(self, owner):
        self.owner = owner

    def fit(self, X):
        """Learn the largest number."""
        self.n_codes = 1 + max((int(row.max()) for row in self._rows(X) if len(row)), default=0)
        return self

    @property
    def end(self):
        """Id of the end of a text, the largest one."""
        return self.n_codes + 1

    def encode(self, X):
        """Return the ids of each array."""
        rows = self._rows(X)
        for row in rows:
            if len(row) and row.max() >= self.n_codes:
                raise ValueError(
                    f"{self.owner} was fitted to tokens from 0 to {self.n_codes - 1}, got "
                    f"{row.max()}. Give unknown tokens a known number."
                )
        return [row.astype(np.intp) + 1 for row in rows]

    def encode_prompt(self, prompt):
        """Return the ids of the first tokens."""
        return self.encode([[] if isinstance(prompt, str) and not prompt else prompt])[0]

    def decode(self, ids):
        """Return the numbers that ids stand for."""
        return np.asarray(ids, dtype=np.intp) - 1

    def _rows(self, X):
        items = list(X) if isinstance(X, np.ndarray) and X.ndim > 1 else sequence_list(X)
        if items is None and isinstance(X, list | tuple):
            items = X
        rows = [np.asarray(item) for item in items or []]
        rows = [row.astype(np.intp) if row.size == 0 else row for row in rows]
        for row in rows:
            if row.ndim != 1 or row.dtype.kind not in "iu" or (len(row) and row.min() < 0):
                raise ValueError(
                    f"{self.owner} with tokenizer=None expects arrays of tokens, whole numbers "
                    f"from 0 on, got one of shape {row.shape} and dtype {row.dtype}. Pass a list "
                    "of 1-D arrays of int, or set tokenizer."
                )
        return _check_any(rows, self.owner)


def _check_any(items, owner):
    if not len(items):
        raise ValueError(f"{owner} expects X to hold at least one text, got none.")
    return items


def get_vocabulary(tokenizer, owner):
    """Return the vocabulary for the parameter `tokenizer`, still to be fitted.

    Parameters
    ----------
    tokenizer : str, TokenizerTransformer or None
        The parameter.
    owner : str
        Who takes texts, for errors.

    Returns
    -------
    vocabulary : TextVocabulary or CodeVocabulary
        A new one.
    """
    return CodeVocabulary(owner) if tokenizer is None else TextVocabulary(tokenizer, owner)
