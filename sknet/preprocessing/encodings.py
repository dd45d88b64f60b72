"""How one column of a table becomes numbers, indicators and codes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from ..warning import warn
from .dates import PARTS, date_parts
from .frames import Column
from .levels import Levels, count_levels, frequent

#: Columns of strings with at least so many words a cell are text, if most cells are different.
WORDS_OF_TEXT = 6
_DATE = re.compile(r"\s*\d{4}-\d\d?-\d\d?([ T]|$)")
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
_DATES = {"dates", "dates with a time zone"}
_KNOWN = {"numbers", "booleans", "strings", "time spans", "times", *_DATES}


class Parts(NamedTuple):
    """What becomes of one column, each a list of columns of the output or of their names."""

    numbers: Sequence[Any] = ()
    indicators: Sequence[Any] = ()
    codes: Sequence[Any] = ()


def encoding_of(
    column: Column, position: int, is_declared: bool, limits: dict[str, Any], owner: str
) -> Any:
    """Learn how to encode a column.

    Parameters
    ----------
    column : Column
        A column of the training rows.
    position : int
        Its position among the columns of the table.
    is_declared : bool
        Whether it is categorical whatever it holds.
    limits : dict
        The parameters `max_one_hot`, `min_count` and `n_most` of `encoded_levels`.
    owner : str
        Who encodes, for errors.

    Returns
    -------
    encoding : Encoding or None
        None for a column that says nothing: one value in all rows, or none.

    Raises
    ------
    ValueError or TypeError
        If its cells cannot be encoded.
    """
    kinds = column.kinds
    if not kinds:
        return None
    if is_declared:
        return encoded_levels(column, position, kinds, **limits, owner=owner)
    if not kinds <= _KNOWN or (len(kinds) > 1 and not kinds <= {"numbers", "booleans", "strings"}):
        raise _unreadable(column, kinds, owner)
    if kinds <= _DATES:
        return DateEncoding.of(column, position, kinds, owner)
    if "strings" in kinds or kinds == {"booleans"}:
        _check_strings(column, limits["max_one_hot"], owner)
        return encoded_levels(column, position, kinds, **limits, owner=owner)
    return NumberEncoding.of(column, position, kinds, owner)


def encoded_levels(
    column: Any,
    position: int,
    kinds: set[str],
    *,
    max_one_hot: int,
    min_count: float,
    n_most: int | None,
    owner: str,
) -> Any:
    """Learn the levels of a categorical column.

    Parameters
    ----------
    column, position, owner
        As for `encoding_of`.
    kinds : set of str
        Kinds of its cells.
    max_one_hot : int
        Largest number of different cells, a missing one included, of a column that is encoded by
        indicators.
    min_count : float
        Least number of cells of a level of other columns.
    n_most : int or None
        Largest number of levels of other columns.

    Returns
    -------
    encoding : Encoding or None
        None if no two levels can be told apart.
    """
    try:
        counts, n_missing = count_levels(column.cells())
    except TypeError:  # lists have no hash
        raise _unreadable(column, kinds, owner) from None
    kept, n_others = frequent(counts), n_missing
    if len(kept) + bool(n_others) > max_one_hot:
        kept = frequent(counts, min_count, n_most)
        n_others += len(counts) - len(kept)
    n_different = len(kept) + bool(n_others)
    if n_different < 2:
        return None
    encoding = IndicatorEncoding if n_different <= max_one_hot else CodeEncoding
    return encoding(position, kinds, Levels(kept))


class Encoding:
    """Turns one column of a table into columns of numbers, indicators and codes.

    Parameters
    ----------
    position : int
        Position of the column.
    kinds : set of str
        Kinds of cells that the column may hold.
    """

    position: int
    kinds: set[str]

    #: Number of codes, 0 for an encoding without.
    cardinality = 0

    def __init__(self, position: int, kinds: set[str]) -> None:
        self.position, self.kinds = position, kinds

    def encode(self, column: Column, owner: str) -> Parts:
        """Encode a column.

        Parameters
        ----------
        column : Column
            The column of other rows.
        owner : str
            Who encodes, for errors.

        Returns
        -------
        parts : Parts of list of ndarray
            Columns of the output before scaling.
        """
        raise NotImplementedError

    def names(self, name: str) -> Parts:
        """Return the names of the columns of the output.

        Parameters
        ----------
        name : str
            Name of the column.

        Returns
        -------
        parts : Parts of list of str
            The names.
        """
        raise NotImplementedError

    def _check(self, column, kinds, owner):
        if not kinds <= self.kinds:
            expected = " or ".join(sorted(self.kinds))
            raise ValueError(
                f"{owner} expects {expected} in column {column.label!r}, as in training, got "
                f"{' and '.join(sorted(kinds - self.kinds))}. Convert them."
            )


class NumberEncoding(Encoding):
    """A number stays one; where training had missing values, an indicator says so.

    Parameters
    ----------
    position, kinds
        As for `Encoding`.
    varies, has_missing : bool
        Whether training had several values, and missing ones.
    """

    varies: bool
    has_missing: bool

    def __init__(self, position: int, kinds: Any, varies: bool, has_missing: bool) -> None:
        super().__init__(position, kinds)
        self.varies, self.has_missing = varies, has_missing

    @classmethod
    def of(cls, column: Any, position: int, kinds: Any, owner: str) -> Self | None:
        """Learn from a column, as `encoding_of`; it has at least one number."""
        kinds = kinds if kinds & {"time spans", "times"} else {"numbers", "booleans"}
        values = _finite(column, owner)
        low, high = np.nanmin(values), np.nanmax(values)
        if high / 2 - low / 2 > np.finfo(float).max / 2:
            raise _too_large(column, owner)
        varies = bool(low < high)
        has_missing = bool(np.isnan(values).any())
        return cls(position, kinds, varies, has_missing) if varies or has_missing else None

    def encode(self, column: Any, owner: str) -> Parts:
        kinds = column.kinds
        self._check(column, kinds, owner)
        values = _finite(column, owner) if kinds else np.full(len(column), np.nan)
        indicators = [np.isnan(values)] * self.has_missing
        return Parts([values] * self.varies, indicators)

    def names(self, name: str) -> Parts:
        return Parts([name] * self.varies, [f"{name}_missing"] * self.has_missing)


class DateEncoding(Encoding):
    """A date becomes those of its parts that vary in training.

    Parameters
    ----------
    position, kinds
        As for `Encoding`.
    zone : str or None
        Time zone of the clocks that it is read from.
    parts : list of str
        Those of `date_parts`.
    has_missing : bool
        Whether training had missing dates.
    """

    zone: str | None
    parts: Sequence[str]
    has_missing: bool

    def __init__(
        self, position: int, kinds: Any, zone: str | None, parts: Sequence[str], has_missing: bool
    ) -> None:
        super().__init__(position, kinds)
        self.zone, self.parts, self.has_missing = zone, parts, has_missing

    @classmethod
    def of(cls, column: Any, position: int, kinds: Any, owner: str) -> Self | None:
        """Learn from a column, as `encoding_of`; it has at least one date."""
        zone = column.zone
        parts = _date_parts(column, zone, owner)
        varying = [part for part in PARTS if np.nanmin(parts[part]) < np.nanmax(parts[part])]
        has_missing = bool(np.isnan(parts["year"]).any())
        return cls(position, kinds, zone, varying, has_missing) if varying or has_missing else None

    def encode(self, column: Any, owner: str) -> Parts:
        kinds = column.kinds
        self._check(column, kinds, owner)
        if not kinds:
            missing = np.full(len(column), np.nan)
            return Parts([missing] * len(self.parts), [np.isnan(missing)] * self.has_missing)
        parts = _date_parts(column, self.zone, owner)
        indicators = [np.isnan(parts["year"])] * self.has_missing
        return Parts([parts[part] for part in self.parts], indicators)

    def names(self, name: str) -> Parts:
        names = [f"{name}_{part}" for part in self.parts]
        return Parts(names, [f"{name}_missing"] * self.has_missing)


class CodeEncoding(Encoding):
    """A category becomes its code; one that is missing, unseen or rare becomes 0.

    Parameters
    ----------
    position, kinds
        As for `Encoding`.
    levels : Levels
        Those that have codes.
    """

    def __init__(self, position: int, kinds: Any, levels: Levels) -> None:
        super().__init__(position, {"numbers", "booleans", *kinds} if _FAMILY & kinds else kinds)
        self.levels = levels

    @property
    def cardinality(self) -> int:
        return 1 + len(self.levels)

    def encode(self, column: Any, owner: str) -> Parts:
        return Parts(codes=[self._codes(column, owner)])

    def names(self, name: str) -> Parts:
        return Parts(codes=[name])

    def _codes(self, column, owner):
        """Return codes; refuse cells of another kind, all of which would be unseen."""
        cells = column.cells()
        try:
            codes = self.levels.codes(cells)
        except TypeError:
            raise _unreadable(column, column.kinds, owner) from None
        if not codes.all():
            kinds = column.kinds
            if kinds and not kinds & self.kinds:
                self._check(column, kinds, owner)
        return codes


class IndicatorEncoding(CodeEncoding):
    """A category of two levels becomes -1 or 1, any other a 1 among zeros; missing is 0."""

    cardinality = 0

    def encode(self, column: Any, owner: str) -> Parts:
        codes = self._codes(column, owner)
        if len(self.levels) == 2:
            return Parts(indicators=[np.array([0, -1, 1])[codes]])
        return Parts(indicators=[codes == code for code in range(1, len(self.levels) + 1)])

    def names(self, name: str) -> Parts:
        levels = self.levels.levels
        return Parts(indicators=[name] if len(levels) == 2 else [f"{name}_{i}" for i in levels])


_FAMILY = {"numbers", "booleans"}


def _finite(column, owner):
    try:
        values = column.numbers()
    except OverflowError:
        raise _too_large(column, owner) from None
    if np.isinf(values).any():
        raise _too_large(column, owner)
    return values


def _too_large(column, owner):
    return ValueError(
        f"{owner} expects finite or missing numbers in X, got infinity or numbers too large for a "
        f"float in column {column.label!r}. Replace them, such as by NaN."
    )


def _date_parts(column, zone, owner):
    try:
        return date_parts(*column.dates(zone))
    except OverflowError:
        raise ValueError(
            f"{owner} expects dates less than 290,000 years away from 1970 in X, got one farther "
            f"away in column {column.label!r}. Replace it, such as by NaT."
        ) from None


def _check_strings(column, max_one_hot, owner):
    """Refuse text, and warn of numbers and dates in the form of strings."""
    texts = [cell for cell in column.cells() if isinstance(cell, str)]
    different = set(texts)
    if len(different) <= max_one_hot:
        return
    if all(map(_DATE.match, different)):
        _warn_of("dates", "pandas.to_datetime", column, owner)
    if len(different) <= len(texts) / 2:
        return
    n_words = sum(len(text.split()) for text in texts) / len(texts)
    if n_words >= WORDS_OF_TEXT:
        raise ValueError(
            f"{owner} expects categories, got text of {n_words:.0f} words a cell in column "
            f"{column.label!r}. Encode it by sknet.preprocessing.TokenizerTransformer, or by "
            "skrub's TextEncoder or StringEncoder, or leave it out."
        )
    if all(map(_NUMBER.fullmatch, different)):
        _warn_of("numbers", "astype(float)", column, owner)


def _warn_of(kind, how, column, owner):
    warn(
        f"{owner} takes column {column.label!r} for a category: it holds {kind} in the form of "
        f"strings. Convert it by {how}, or declare it in categorical_features."
    )


def _unreadable(column, kinds, owner):
    got = " and ".join(sorted(kinds))
    error = ValueError if kinds <= _KNOWN else TypeError
    return error(
        f"{owner} expects numbers, booleans, strings, dates or time spans in X, one of them a "
        f"column, got {got} in column {column.label!r}. Convert them, or leave the column out."
    )
