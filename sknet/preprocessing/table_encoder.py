"""Tables with numbers, categories, dates and missing values as arrays for networks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import chain
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_array,
    check_is_fitted,
    validate_data,
)

from ..base import Component, brief, stamp, unstamp
from ..cells import named, without_order
from ..settings import isolated
from ..typing import Array, Samples
from .encodings import Parts, encoding_of
from .frames import FEW_ROWS, array_columns, frame_columns, is_frame, labels_of, row_columns
from .levels import declared_categories
from .squashing import SquashingScaler, squash

#: Rows that are scaled at once, so that memory is needed for few of them.
_ROWS = 8192


class TableEncoder(TransformerMixin, Component, BaseEstimator):
    """Encode a table with numbers, categories, dates and missing values for networks.

    Takes a data frame of pandas, polars or any library that narwhals reads, or an array, and
    returns one array, whose columns are in this order:

    1. *Numbers*. Numbers are as they are; time spans and times of the day are seconds; a date
       becomes its year, month, weekday, hour and the days that have elapsed, of which those stay
       that vary in training. A missing number becomes 0, which is the median.
    2. *Indicators*. A category of two levels, such as a boolean, becomes -1 or 1 and a missing or
       unseen one 0; a category of few levels becomes a 1 among zeros, all zeros where it is
       missing or unseen. A column of numbers or dates that had missing values in training has an
       indicator of them.
    3. *Codes*. A category of many levels becomes one integer, for an
       :class:`~sknet.layers.Embedding`: 0 where it is missing, unseen or rare, and from 1 the
       levels in their order.

    Numbers and indicators are scaled by :class:`SquashingScaler`, codes are not. Columns of
    strings and booleans are categories, and columns of strings and numbers too; which columns of
    numbers are, `categorical_features` tells. Columns without a value or with a single one
    vanish, and so do categories all of whose levels are rare, such as names or identifiers.

    Parameters
    ----------
    categorical_features : array-like of {bool, int, str}, "from_dtype" or None, \
            default="from_dtype"
        Which columns are categories whatever they hold: those of the types Categorical or Enum
        in a data frame, a mask, positions, names, or None for no column.
    max_one_hot : int, default=8
        Largest number of different values, a missing one counted as a value, of a category that
        becomes indicators, at least 2.
    min_frequency : int or float, default=3
        Least number of rows of a level that has a code of its own, or their share of all rows if
        it is a float below 1. It holds for categories of more than `max_one_hot` values only.
    max_categories : int, default=1000
        Largest number of codes of a category, 0 included; the most frequent levels have one. None
        is no limit.
    dtype : {np.float32, np.float64}, default=np.float32
        Type of the result. It holds all integers up to 2**24, and thus all codes.

    Attributes
    ----------
    n_numbers_, n_indicators_ : int
        How many columns of the result are numbers, and how many are indicators.
    cardinalities_ : tuple of int
        Number of codes, 0 included, of each column of codes.
    feature_indices_ : ndarray of int of shape (n_columns_out,)
        For each column of the result the position of the column of X that it is made of.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Their names, where X is a data frame whose columns are named by strings.

    See Also
    --------
    SquashingScaler : Scales numbers and indicators.
    TokenizerTransformer : Encodes text.

    Notes
    -----
    `transform` finds the columns of a data frame by their names, in any order. The result is the
    same, bit by bit, for the same data in another library. Infinity is refused: replace it by
    NaN. Dates with a time zone are read from the clocks of the zone of the training rows.

    What the transformer keeps of the training rows are the levels, the scales and the parts of
    dates, not the rows.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart (2024), Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data, :arxiv:`2407.04491`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sknet.preprocessing import TableEncoder
    >>> X = pd.DataFrame({
    ...     "age": [20.0, 30.0, None, 50.0, 40.0],
    ...     "sex": ["f", "m", "m", None, "f"],
    ...     "color": ["red", "blue", "green", "red", "red"],
    ... })
    >>> encoder = TableEncoder().fit(X)
    >>> encoder.get_feature_names_out().tolist()
    ['age', 'age_missing', 'sex', 'color_blue', 'color_green', 'color_red']
    >>> encoder.transform(X[:2]).astype(float).round(2).tolist()
    [[-0.95, 0.0, -0.49, 0.0, 0.0, 0.0], [-0.33, 0.0, 0.49, 1.66, 0.0, -0.95]]
    """

    n_numbers_: int
    n_indicators_: int

    _parameter_constraints = {
        "categorical_features": ["array-like", str, None],
        "max_one_hot": [Interval(Integral, 2, None, closed="left")],
        "min_frequency": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
        ],
        "max_categories": [Interval(Integral, 2, None, closed="left"), None],
        "dtype": "no_validation",
    }

    def __init__(
        self,
        categorical_features: ArrayLike | Literal["from_dtype"] | None = "from_dtype",
        *,
        max_one_hot: int = 8,
        min_frequency: int | float = 3,
        max_categories: int = 1000,
        dtype: type[np.float32] | type[np.float64] = np.float32,
    ) -> None:
        self.categorical_features = categorical_features
        self.max_one_hot = max_one_hot
        self.min_frequency = min_frequency
        self.max_categories = max_categories
        self.dtype = dtype

    @isolated
    def fit(self, X: Samples, y: None = None) -> Self:
        """Learn the levels of categories, the scales of numbers and the parts of dates.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            Training rows.
        y : None
            Ignored.

        Returns
        -------
        self : TableEncoder
            The fitted transformer.
        """
        self._learn(X)
        return self

    @isolated
    def fit_transform(self, X: Samples, y: None = None) -> Array:
        """Learn from a table and encode it, which reads it once.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            Training rows.
        y : None
            Ignored.

        Returns
        -------
        X_encoded : ndarray of shape (n_samples, n_out)
            As `transform` returns it.
        """
        return self._finished(*self._learn(X))

    @isolated
    def transform(self, X: Samples) -> Array:
        """Encode a table.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            Rows with the columns of the training rows, which a data frame may have in any order.

        Returns
        -------
        X_encoded : ndarray of shape (n_samples, n_out)
            Numbers, indicators and codes, in C order.
        """
        return self._transform(X, self)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Return the names of the columns of the result.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of X; those of the training rows by default.

        Returns
        -------
        names : ndarray of str
            Such as "age", "age_missing", "born_year", "color_red".
        """
        check_is_fitted(self, "n_numbers_")
        names_in = _check_feature_names_in(self, input_features)
        parts = [encoding.names(names_in[encoding.position]) for encoding in self._encodings]
        names = []
        for name in chain.from_iterable(_by_kind(parts)):
            while name in names:  # a level may be named like another column
                name += "_"
            names.append(name)
        return np.array(names, dtype=object)

    def _transform(self, X, owner):
        """Encode a table for an estimator, fitted to the same columns, that errors name."""
        check_is_fitted(self, "n_numbers_")
        columns = self._columns(X, owner)
        return self._finished(*_encoded(columns, self._encodings, type(owner).__name__))

    def _learn(self, X, owner=None):
        """Fit to a table, for an owner whom warnings name, and return what `_finished` takes."""
        self._validate_params()
        self._check_dtype()
        owner = owner or type(self).__name__
        columns, names = self._training_columns(X)
        declared = declared_categories(self.categorical_features, columns, names, owner)
        limits = self._limits(len(columns[0]))
        encodings = [
            encoding_of(column, position, is_declared, limits, owner)
            for position, (column, is_declared) in enumerate(zip(columns, declared, strict=True))
        ]
        encodings = [encoding for encoding in encodings if encoding is not None]
        if not encodings:
            raise ValueError(
                f"{owner} finds nothing to learn from in X of {len(columns)} column(s) and "
                f"{len(columns[0])} sample(s): each column is constant or empty, or has rare "
                "categories alone, as identifiers do. Add other columns."
            )
        scaled, codes, n_numbers = _encoded(columns, encodings, owner)
        scaler = SquashingScaler().fit(scaled) if scaled.shape[1] else None
        self._encodings, self._scaler, self._names = encodings, scaler, names
        self.n_numbers_, self.n_indicators_ = n_numbers, scaled.shape[1] - n_numbers
        self.cardinalities_: tuple[int, ...] = tuple(
            e.cardinality for e in encodings if e.cardinality
        )
        origins = [[[e.position] * len(names) for names in e.names("")] for e in encodings]
        self.feature_indices_: Array = np.array(
            list(chain.from_iterable(_by_kind(origins))), np.intp
        )
        self.n_features_in_: int = len(columns)
        vars(self).pop("feature_names_in_", None)
        if names and all(isinstance(name, str) for name in names):
            self.feature_names_in_: Array = np.array(names, dtype=object)
        return scaled, codes, n_numbers

    def _check_dtype(self):
        try:
            is_right = np.dtype(self.dtype) in (np.float32, np.float64) and self.dtype is not None
        except TypeError:
            is_right = False
        if not is_right:
            raise ValueError(
                f"{type(self).__name__} expects dtype=np.float32 or np.float64, got "
                f"{brief(self.dtype)}."
            )

    def _limits(self, n_rows):
        share = self.min_frequency
        return {
            "max_one_hot": self.max_one_hot,
            "min_count": share if isinstance(share, Integral) else share * n_rows,
            "n_most": None if self.max_categories is None else self.max_categories - 1,
        }

    def _training_columns(self, X):
        """Return the columns of a table, and their names if it has any."""
        owner = type(self).__name__
        if not _is_frame(X, owner):
            X = check_array(_as_array(X, owner), **_ANY_CELLS, estimator=self)
            return array_columns(X), None
        names = labels_of(X)
        _check_names(names, owner)
        _check_size(X, names, owner)
        return frame_columns(X, owner), names

    def _columns(self, X, estimator):
        """Return the columns of a table in the order of the training rows."""
        owner = type(estimator).__name__
        if not _is_frame(X, owner):
            X = validate_data(estimator, _as_array(X, owner), reset=False, **_ANY_CELLS)
            return array_columns(X)
        names = labels_of(X)
        _check_size(X, names, owner)
        if self._names is None or names != self._names:
            self._check_columns(X, names, estimator)
        columns = (row_columns if len(X) <= FEW_ROWS else frame_columns)(X, owner)
        if self._names is None or names == self._names:
            return columns
        found = dict(zip(names, columns, strict=True))
        return [found[name] for name in self._names]

    def _check_columns(self, X, names, estimator):
        """Check the names of columns that are not those of the training rows in their order."""
        owner = type(estimator).__name__
        _check_names(names, owner)
        if self._names is None:
            validate_data(estimator, X, reset=False, skip_check_array=True)
            return
        missing = [name for name in self._names if name not in names]
        unseen = [name for name in names if name not in self._names]
        if missing:
            raise ValueError(
                f"{owner} expects the columns that it was fitted to, X lacks {named(missing)}"
                f"{f' and has {named(unseen)}' if unseen else ''}."
            )
        if unseen:
            raise ValueError(
                f"{owner} was fitted without {named(unseen)} of X. Leave out what is new."
            )

    def _finished(self, scaled, codes, n_numbers):
        """Return encoded columns in one array, the first of them scaled."""
        n, n_scaled = scaled.shape
        out = np.empty((n, n_scaled + len(codes)), dtype=self.dtype)
        if n_scaled:
            scales = self._scaler.center_, self._scaler.scale_, self._scaler.max_absolute_value
            for start in range(0, n, _ROWS):
                rows = slice(start, start + _ROWS)
                out[rows, :n_scaled] = squash(scaled[rows], *scales)
            numbers = out[:, :n_numbers]
            numbers[np.isnan(numbers)] = 0
        for position, column in enumerate(codes, start=n_scaled):
            out[:, position] = column
        return out

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return stamp(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(unstamp(state, type(self).__name__))


_ANY_CELLS = {"dtype": None, "ensure_all_finite": False}


def _encoded(columns, encodings, owner):
    """Return the numbers and indicators in one array, the codes, and how many are numbers."""
    parts = [encoding.encode(columns[encoding.position], owner) for encoding in encodings]
    numbers, indicators, codes = _by_kind(parts)
    scaled = np.empty((len(columns[0]), len(numbers) + len(indicators)))
    for position, column in enumerate(numbers + indicators):
        scaled[:, position] = column
    return scaled, codes, len(numbers)


def _by_kind(parts):
    """Return what columns became, first all numbers, then all indicators, then all codes."""
    return [[each for part in parts for each in part[i]] for i in range(len(Parts._fields))]


def _is_frame(X, owner):
    for verb in ("collect", "compute"):
        if hasattr(type(X), verb):  # a column of pandas may have such a name
            raise TypeError(
                f"{owner} expects a table in memory, got a {type(X).__name__}, which has not been "
                f"evaluated. Pass X.{verb}()."
            )
    return is_frame(X)


def _as_array(X, owner):
    """Return lists as an array of their objects, and other arrays as they are."""
    advice = None if issparse(X) else without_order(X)  # a sparse matrix may be a dict
    if advice and isinstance(X, Mapping):
        advice = f"a {type(X).__name__}. Pass pandas.DataFrame(X)."
    is_table = hasattr(X, "__len__") or hasattr(X, "__array__")
    if advice is None and (not is_table or isinstance(X, str | bytes | type)):
        advice = f"a {type(X).__name__}. Pass a data frame or an array of two axes."
    if getattr(getattr(X, "dtype", None), "names", None):
        advice = "an array of records. Pass pandas.DataFrame(X)."
    if advice:
        raise TypeError(f"{owner} expects a table in X, got {advice}")
    if isinstance(X, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(X), None, X.data.astype(object))
    if not isinstance(X, list | tuple):
        return X
    X = [row.tolist() if isinstance(row, np.ma.MaskedArray) else row for row in X]
    if len({len(row) for row in X if hasattr(row, "__len__")}) > 1:
        raise ValueError(
            f"{owner} expects rows of one length in X, got lists that differ in length."
        )
    return np.array(X, dtype=object)  # NumPy would make strings of numbers beside strings


def _check_names(names, owner):
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ValueError(
            f"{owner} expects the columns of X to differ in their names, got {named(repeated)} "
            "more than once. Rename them."
        )
    if len({isinstance(name, str) for name in names}) > 1:
        raise TypeError(
            f"{owner} expects the columns of X to be named by strings only or by none, got "
            f"{brief(names)}. Convert them: X.columns = X.columns.astype(str)."
        )


def _check_size(X, names, owner):
    for size, what in ((len(X), "sample"), (len(names), "feature")):
        if not size:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape=({len(X)}, {len(names)})) while a minimum "
                f"of 1 is required by {owner}."
            )
