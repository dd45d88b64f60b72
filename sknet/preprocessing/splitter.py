"""How texts are split into tokens."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import islice
from typing import Any, Literal

import numpy as np

#: A run of letters with their marks, a digit or a sign. The marks may stand with the joiners of
#: Indic and Persian words. Not to go back, and to look for a space first, is faster.
WORDS = r"[^\W\d]++(?:(?!\s)[\p{M}\u200c\u200d]++[^\W\d]*+)*+|\d|[^\w\s]"
_SPACE = re.compile(r"\s")
_SINGLE_BYTES = [bytes([value]) for value in range(256)]


class TextSplitter:
    """Splits texts into tokens.

    Parameters
    ----------
    level : {"word", "char", "byte"}
        What a token is.
    lowercase : bool
        Whether to make texts lower-case first.
    token_pattern : str
        Regular expression of a word; its group if it has one. Within brackets ``\\p{M}`` stands
        for all combining marks.

    Raises
    ------
    ValueError
        If the pattern of a word is not a regular expression, or has several groups.
    """

    lowercase: bool
    token_pattern: str

    def __init__(
        self, level: Literal["word", "char", "byte"], lowercase: bool, token_pattern: str
    ) -> None:
        self.level, self.lowercase, self.token_pattern = level, lowercase, token_pattern
        self.pattern: Any = _compiled(token_pattern) if level == "word" else None

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "pattern"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)

    def __call__(self, text: str, length: int | None) -> Any:
        """Return the first tokens of a text.

        Parameters
        ----------
        text : str
            The text.
        length : int or None
            Largest number of tokens; None is all of them.

        Returns
        -------
        tokens : list of str or bytes
            The tokens.
        """
        if self.level == "word":
            return self._words(text, length)
        beginning = self._lower(text if length is None else next(_pieces(text, length), ""))
        if self.level == "char":
            return list(beginning[:length])
        # A lone surrogate has no UTF-8; its bytes are taken as they would be.
        encoded = beginning[:length].encode("utf-8", "surrogatepass")
        return [_SINGLE_BYTES[value] for value in encoded[:length]]

    def _words(self, text, length):
        size = 64 * (length or 0)
        if length is None or len(text) <= size:  # all at once is faster
            return list(filter(None, self.pattern.findall(self._lower(text))))[:length]
        # Of a long text no more is read than it takes to find the first words.
        parts = map(self._lower, _pieces(text, size))
        if self.token_pattern != WORDS:  # whose words hold no spaces
            parts = ["".join(parts)]
        group = self.pattern.groups
        found = (match[group] for part in parts for match in self.pattern.finditer(part))
        return list(islice(filter(None, found), length))

    def _lower(self, text):
        return text.lower() if self.lowercase else text


def _compiled(token_pattern):
    # Other uses of \p are left for `re` to refuse.
    written = re.sub(
        r"(?<!\\)\[[^\[\]]*\]",
        lambda brackets: brackets[0].replace(r"\p{M}", combining_marks()),
        token_pattern,
    )
    try:
        pattern = re.compile(written)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(
            f"token_pattern={token_pattern!r} is not a regular expression: {error}."
        ) from None
    if pattern.groups > 1:
        raise ValueError(
            f"token_pattern={token_pattern!r} has {pattern.groups} groups, and one at most can "
            "be the token. Write (?:...) instead of (...) for the others."
        )
    return pattern


def _pieces(text, size):
    """Yield a text in pieces of about `size` characters that end with a space.

    Spaces separate words, also for lower case: that of a sigma depends on the letters around it.
    """
    start = 0
    while start < len(text):
        space = _SPACE.search(text, start + size)
        stop = space.end() if space else len(text)
        yield text[start:stop]
        start = stop


@cache
def combining_marks() -> str:
    """Return the accents, vowel signs and other marks of Unicode (its categories M).

    Returns
    -------
    marks : str
        Ranges of characters, as they stand within the brackets of a regular expression.
    """
    # The planes between are ideographs or empty; to look there would take most of the time.
    codes = [*range(0x300, 0x20000), *range(0xE0100, 0xE01F0)]
    kinds = map(unicodedata.category, map(chr, codes))
    marks = np.array([code for code, kind in zip(codes, kinds, strict=True) if kind[0] == "M"])
    runs = np.split(marks, np.flatnonzero(np.diff(marks) > 1) + 1)
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)
