"""Turns a table of mixed columns into one array of numbers for networks."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from ..base import Component, stamp, unstamp
from .dates import PARTS, date_parts
from .frames import array_columns, frame_columns, is_frame
from .levels import Levels, count_levels, frequent
from .squashing import SquashingScaler


class TableEncoder(TransformerMixin, Component):
    """Encode the columns of a table as numbers for networks."""

    _parameter_constraints = {
        "categorical_features": ["array-like", str, None],
        "max_one_hot": [Interval(Integral, 2, None, closed="left")],
        "min_frequency": [
            Interval(Integral, 1, None, closed="left"),
        ],
        "max_categories": [Interval(Integral, 2, None, closed="left"), None],
        "dtype": "no_validation",
    }

    def __init__(
        self,
        categorical_features="from_dtype",
        *,
        max_one_hot=8,
        min_frequency=3,
        max_categories=1000,
        dtype=np.float32,
    ):
        self.categorical_features = categorical_features
        self.max_one_hot = max_one_hot
        self.min_frequency = min_frequency
        self.max_categories = max_categories
        self.dtype = dtype

    def fit(self, X, y=None):
        """Learn the levels, scales and parts of dates."""
        self._validate_params()
        columns = self._read(X, reset=True)
        declared = self._declared(columns)
        encodings = []
        for position, (column, is_category) in enumerate(zip(columns, declared, strict=True)):
            encoding = self._encoding(position, column, is_category)
            if encoding is not None:
                encodings.append(encoding)
        self._encodings = encodings
        raw = [encoding.encode(columns[encoding.position]) for encoding in encodings]
        numbers, indicators, codes = _by_kind(raw)
        self.n_numbers_, self.n_indicators_ = len(numbers), len(indicators)
        self.cardinalities_ = tuple(e.cardinality for e in encodings if e.cardinality)
        scaled = numbers + indicators
        self._scaler = SquashingScaler().fit(np.column_stack(scaled)) if scaled else None
        return self

    def transform(self, X):
        """Encode X."""
        check_is_fitted(self, "n_numbers_")
        columns = self._read(X, reset=False)
        n = len(columns[0].values)
        raw = [encoding.encode(columns[encoding.position]) for encoding in self._encodings]
        numbers, indicators, codes = _by_kind(raw)
        n_scaled = len(numbers) + len(indicators)
        out = np.empty((n, n_scaled + len(codes)), dtype=self.dtype)
        if n_scaled:
            scaled = self._scaler.transform(np.column_stack(numbers + indicators))
            out[:, :n_scaled] = np.nan_to_num(scaled, nan=0.0)
        for j, column in enumerate(codes, start=n_scaled):
            out[:, j] = column
        return out

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns of the output."""
        check_is_fitted(self, "n_numbers_")
        if hasattr(self, "feature_names_in_"):
            names = list(self.feature_names_in_)
        else:
            names = [f"x{i}" for i in range(self.n_features_in_)]
        named = [encoding.names(names[encoding.position]) for encoding in self._encodings]
        return np.array([name for kind in _by_kind(named) for name in kind], dtype=object)

    def _read(self, X, reset):
        if not is_frame(X):
            if isinstance(X, list | tuple):
                X = np.array(X, dtype=object)
            X = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite=False)
            return array_columns(X)
        columns = frame_columns(X, type(self).__name__)
        names = [column.label for column in columns]
        if reset:
            self._names = names
            self.n_features_in_ = len(names)
            if all(isinstance(name, str) for name in names):
                self.feature_names_in_ = np.array(names, dtype=object)
        elif names != self._names:
            found = dict(zip(names, columns, strict=True))
            columns = [found[name] for name in self._names]
        return columns

    def _declared(self, columns):
        chosen = self.categorical_features
        if isinstance(chosen, str):
            return [column.is_declared for column in columns]
        if chosen is None:
            return [False] * len(columns)
        chosen = np.asarray(chosen)
        if chosen.dtype.kind == "b":
            return chosen.tolist()
        labels = [column.label for column in columns]
        positions = [labels.index(c) if isinstance(c, str) else c for c in chosen.tolist()]
        return [i in positions for i in range(len(columns))]

    def _encoding(self, position, column, is_category):
        if is_category:
            return self._categories(position, column)
        kind = column.kind
        if kind is None:
            return None
        if kind == "categories":
            return self._categories(position, column)
        if kind == "dates":
            return _Dates.fitted(position, column)
        return _Numbers.fitted(position, column)

    def _categories(self, position, column):
        counts, n_missing = count_levels(column.cells())
        kept, has_others = frequent(counts, 1, None), n_missing > 0
        if len(kept) + has_others > self.max_one_hot:
            n_most = None if self.max_categories is None else self.max_categories - 1
            kept = frequent(counts, self.min_frequency, n_most)
            has_others = has_others or len(kept) < len(counts)
        if len(kept) + has_others < 2:
            return None
        levels = Levels(kept, has_others)
        if len(kept) + has_others > self.max_one_hot:
            return _Codes(position, levels)
        return _Indicators(position, levels)

    def __getstate__(self):
        return stamp(super().__getstate__())

    def __setstate__(self, state):
        super().__setstate__(unstamp(state, type(self).__name__))


def _by_kind(parts):
    return [[each for part in parts for each in part[kind]] for kind in range(3)]


class _Numbers:
    cardinality = 0

    def __init__(self, position, varies, has_missing):
        self.position, self.varies, self.has_missing = position, varies, has_missing

    @classmethod
    def fitted(cls, position, column):
        values = column.numbers()
        missing = np.isnan(values)
        present = values[~missing]
        varies = present.min() < present.max()
        has_missing = bool(missing.any())
        return cls(position, bool(varies), has_missing) if varies or has_missing else None

    def encode(self, column):
        values = column.numbers()
        indicators = [np.isnan(values).astype(np.float64)] if self.has_missing else []
        return [values] if self.varies else [], indicators, []

    def names(self, name):
        return [name] * self.varies, [f"{name}_missing"] * self.has_missing, []


class _Dates:
    cardinality = 0

    def __init__(self, position, zone, parts, has_missing):
        self.position, self.zone, self.parts = position, zone, parts
        self.has_missing = has_missing

    @classmethod
    def fitted(cls, position, column):
        zone = column.zone
        parts = date_parts(*column.dates(zone))
        varying = [part for part in PARTS if np.nanmin(parts[part]) < np.nanmax(parts[part])]
        has_missing = bool(np.isnan(parts["year"]).any())
        return cls(position, zone, varying, has_missing) if varying or has_missing else None

    def encode(self, column):
        parts = date_parts(*column.dates(self.zone))
        missing = np.isnan(parts["year"])
        indicators = [missing.astype(np.float64)] if self.has_missing else []
        return [parts[part] for part in self.parts], indicators, []

    def names(self, name):
        names = [f"{name}_{part}" for part in self.parts]
        return names, [f"{name}_missing"] * self.has_missing, []


class _Indicators:
    cardinality = 0

    def __init__(self, position, levels):
        self.position, self.levels = position, levels

    def encode(self, column):
        codes = self.levels.codes(column.cells())
        n = len(self.levels)
        if n == 2:
            return [], [np.array([0.0, -1.0, 1.0])[codes]], []
        return [], list((codes == np.arange(1, n + 1)[:, None]).astype(np.float64)), []

    def names(self, name):
        levels = self.levels.levels
        if len(levels) == 2:
            return [], [name], []
        return [], [f"{name}_{level}" for level in levels], []


class _Codes:
    def __init__(self, position, levels):
        self.position, self.levels = position, levels

    @property
    def cardinality(self):
        return len(self.levels) + 1

    def encode(self, column):
        return [], [], [self.levels.codes(column.cells())]

    def names(self, name):
        return [], [], [name]
