"""Robust scaling of tables, with a smooth limit for outliers."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import FLOAT_DTYPES, check_array, check_is_fitted, validate_data

from ..base import Component, stamp, unstamp
from ..cells import as_numbers, is_single
from ..settings import isolated
from ..typing import Array

#: Scaled values are cut here, so that their squares do not overflow.
_LARGE = 1e150
#: What the tails are multiplied by in turn where the quantiles are equal.
_NARROWER_TAILS = (0.1, 0.02, 0.004, 0.0)


class SquashingScaler(OneToOneFeatureMixin, TransformerMixin, Component, BaseEstimator):
    """Scale each feature by its median and quantiles, and clip outliers smoothly.

    With the median m of a feature and the quantiles q, each value x becomes

        u / sqrt(1 + (u / c)**2),    u = (x - m) / (q_high - q_low),    c = max_absolute_value,

    which is near u where u is small and never beyond c. Where the quantiles are equal, as in
    columns of many zeros, half the difference of values farther out takes the place of theirs.
    By default these are the ends of the middle 95, 99 or 99.8 percent of the values, or the
    smallest and the largest one: the first that differ. Constant features become 0. It takes
    0/1 columns as well, and a few outliers move nothing, so that RealMLP uses it for all columns
    of a table. Missing values are ignored in `fit` and kept in `transform`.

    Parameters
    ----------
    max_absolute_value : float, default=3.0
        The limit c of transformed values, above 0.
    quantile_range : tuple of (float, float), default=(25.0, 75.0)
        Percentages of the lower and the upper quantile, from 0 to 100.

    Attributes
    ----------
    center_ : ndarray of shape (n_features,)
        Medians; 0 for features without values.
    scale_ : ndarray of shape (n_features,)
        What deviations from the medians are divided by; inf for constant features and where
        the differences are too small for a float.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the features, where X is a data frame whose columns are named by strings.

    See Also
    --------
    sklearn.preprocessing.RobustScaler : The same without the limit.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart (2024), Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data, :arxiv:`2407.04491`.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.preprocessing import SquashingScaler
    >>> X = np.array([[1.0], [2.0], [np.nan], [3.0], [4.0], [1000.0]])
    >>> SquashingScaler().fit_transform(X).round(2).ravel().tolist()
    [-0.95, -0.49, nan, 0.0, 0.49, 3.0]
    """

    center_: Array
    scale_: Array

    _parameter_constraints = {
        "max_absolute_value": [Interval(Real, 0, None, closed="neither")],
        "quantile_range": [tuple],
    }

    def __init__(
        self,
        max_absolute_value: float = 3.0,
        *,
        quantile_range: tuple[float, float] = (25.0, 75.0),
    ) -> None:
        self.max_absolute_value = max_absolute_value
        self.quantile_range = quantile_range

    @isolated
    def fit(self, X: ArrayLike, y: None = None) -> Self:
        """Learn the medians and scales.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers; NaN is missing.
        y : None
            Ignored.

        Returns
        -------
        self : SquashingScaler
            The fitted transformer.
        """
        self._validate_params()
        low, high = self._quantiles()
        X = self._check(X, reset=True)
        with np.errstate(all="ignore"):
            found = [_center_and_scale(column, (low, 0.5, high)) for column in X.T]
        center, scale = np.array(found).T
        for column in np.flatnonzero(np.isnan(scale)):
            raise ValueError(
                f"{type(self).__name__} expects features whose quantiles differ by less than "
                f"{np.finfo(float).max:.0e}, which is exceeded in column {column}. Divide it by a "
                "constant."
            )
        self.center_, self.scale_ = center, scale
        return self

    @isolated
    def transform(self, X: ArrayLike) -> Array:
        """Scale X and clip it smoothly.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers; NaN is missing.

        Returns
        -------
        X_transformed : ndarray of shape (n_samples, n_features)
            Values between -max_absolute_value and max_absolute_value; NaN where X is missing.
        """
        check_is_fitted(self, "scale_")
        X = self._check(X, reset=False)
        out = squash(X, self.center_, self.scale_, float(self.max_absolute_value))
        return out.astype(X.dtype, copy=False)

    @isolated
    def inverse_transform(self, X: ArrayLike) -> Array:
        """Undo `transform`.

        Values at or beyond the limit become the farthest ones that can be told apart from it in
        the precision of X; constant features become their median.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Transformed values.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            Values in the units of the features.
        """
        check_is_fitted(self, "scale_")
        owner = type(self).__name__
        X = as_numbers(X, "X", owner)
        X = check_array(X, dtype=FLOAT_DTYPES, ensure_all_finite="allow-nan", estimator=self)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {X.shape[1]} features, but {owner} is expecting {self.n_features_in_} "
                "features as input."
            )
        limit, farthest = float(self.max_absolute_value), 1 - np.finfo(X.dtype).eps
        with np.errstate(all="ignore"):
            out = np.divide(X, limit, dtype=np.float64)
            np.clip(out, -farthest, farthest, out=out)
            out /= np.sqrt((1 - out) * (1 + out))
            out *= limit
            out *= np.where(np.isinf(self.scale_), 0.0, self.scale_)
            out += self.center_
            return out.astype(X.dtype, copy=False)

    def _quantiles(self):
        """Return the quantiles as parts of 1."""
        pair = self.quantile_range
        is_pair = len(pair) == 2 and all(
            isinstance(each, Real) and not isinstance(each, bool) for each in pair
        )
        if not is_pair or not 0 <= pair[0] < pair[1] <= 100:
            raise ValueError(
                f"{type(self).__name__} expects quantile_range as two increasing percentages from "
                f"0 to 100, such as (25.0, 75.0), got {pair!r}."
            )
        return tuple(float(each) / 100 for each in pair)

    def _check(self, X, reset):
        X = as_numbers(X, "X", type(self).__name__)
        dtype = np.float32 if is_single(X) else FLOAT_DTYPES
        return validate_data(self, X, reset=reset, dtype=dtype, ensure_all_finite="allow-nan")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return stamp(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(unstamp(state, type(self).__name__))


def squash(X: Array, center: Array, scale: Array, limit: float) -> Array:
    """Return scaled and smoothly clipped values, as `SquashingScaler` does.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Numbers; NaN is missing.
    center, scale : ndarray of shape (n_features,)
        What is subtracted from the features, and what they are divided by.
    limit : float
        The limit of the result.

    Returns
    -------
    out : ndarray of float64 of shape (n_samples, n_features)
        NaN where X is missing.
    """
    with np.errstate(all="ignore"):
        out = np.subtract(X, center, dtype=np.float64)
        out /= scale
        out /= limit
        np.clip(out, -_LARGE, _LARGE, out=out)
        out /= np.sqrt(1 + out**2)
        out *= limit
        return out


def _center_and_scale(column, quantiles):
    """Return the median of a column and what its values are divided by; NaN if too large."""
    values = column[~np.isnan(column)].astype(np.float64)
    if not len(values):
        return 0.0, np.inf
    low, center, high = np.quantile(values, quantiles)
    if low != high:
        scale = high - low
        return center, scale if scale < np.inf else np.nan
    below, _, above = quantiles
    for share in _NARROWER_TAILS:
        ends = share * below, 1 - share * (1 - above)
        low, high = np.quantile(values, ends, method="inverted_cdf")  # values that occur
        if low < high:
            return center, high / 2 - low / 2 or np.inf  # half the smallest number is 0
    return center, np.inf
