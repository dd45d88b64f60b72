"""Transformers of tables, applied to the steps of sequences."""

from __future__ import annotations

from inspect import signature
from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from ..base import Component, stamp, unstamp
from ..cells import as_array
from ..compatibility import available_if
from ..typing import Array, Samples
from .samples import as_sequences, is_ragged, listed, reread


def _can_invert(estimator):
    transformer = getattr(estimator, "transformer_", estimator.transformer)
    return transformer is None or hasattr(transformer, "inverse_transform")


class StepwiseTransformer(TransformerMixin, Component, BaseEstimator):
    """Apply a transformer, such as a scaler, to the steps of sequences.

    The steps of all sequences, one below the other, are the table (total number of steps, F)
    that the transformer is fitted to; its columns are the features. So each feature is scaled
    by its mean over all steps. Sequences may be of any length.

    Parameters
    ----------
    transformer : transformer, default=None
        What is applied to the steps, one row a step, such as an imputer or a scaler; None is
        scikit-learn's `StandardScaler`. It gets an array, so it selects columns by position, and
        no y. It may change the number of features, but not that of steps; a sparse output is
        made dense.

    Attributes
    ----------
    transformer_ : transformer
        The fitted transformer.
    n_features_in_ : int
        Number F of features of a step.
    feature_names_in_ : ndarray of str of shape (F,)
        Names of the features, where all sequences are data frames with the same columns.

    See Also
    --------
    from_nan_padded : Take sequences out of an array that is padded with missing values.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> from sknet.preprocessing import StepwiseTransformer
    >>> series = [np.array([[0.0, 5.0], [10.0, 7.0]]), np.array([[5.0, 6.0]])]
    >>> scaled = StepwiseTransformer(MinMaxScaler()).fit_transform(series)
    >>> scaled[0].tolist(), scaled[1].tolist()
    ([[0.0, 0.0], [1.0, 1.0]], [[0.5, 0.5]])
    """

    _parameter_constraints = {"transformer": [HasMethods(["fit", "transform"]), None]}

    def __init__(self, transformer: Any = None) -> None:
        self.transformer = transformer

    def fit(self, X: Samples, y: None = None) -> Self:
        """Fit the transformer to the steps of all sequences.

        Parameters
        ----------
        X : array-like of shape (n_samples, T, F) or list of arrays of shape (T_i, F)
            Sequences; those of shape (T_i,) have one feature.
        y : None
            Ignored.

        Returns
        -------
        self : StepwiseTransformer
            The fitted transformer.
        """
        self._validate_params()
        steps, _, names = self._as_steps(X)
        transformer = StandardScaler() if self.transformer is None else clone(self.transformer)
        self._refuse_without_y(transformer)
        with np.errstate(invalid="ignore"):  # of the sum by which NaN are looked for
            self.transformer_: Any = transformer.fit(steps)
        self.n_features_in_: int = steps.shape[1]
        self.__dict__.pop("feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = names
        return self

    def fit_transform(self, X: Samples, y: None = None) -> Array | Any:
        """Fit the transformer to the steps of all sequences, and transform them.

        Parameters
        ----------
        X : array-like of shape (n_samples, T, F) or list of arrays of shape (T_i, F)
            Sequences; those of shape (T_i,) have one feature.
        y : None
            Ignored.

        Returns
        -------
        X_transformed : ndarray of shape (n_samples, T, G) or list of such of shape (T_i, G)
            Sequences of as many steps, in the form of `X`.
        """
        X = reread(X)
        return self.fit(X).transform(X)

    def transform(self, X: Samples) -> Array | Any:
        """Transform the steps of each sequence.

        Parameters
        ----------
        X : array-like of shape (n_samples, T, F) or list of arrays of shape (T_i, F)
            Sequences.

        Returns
        -------
        X_transformed : ndarray of shape (n_samples, T, G) or list of such of shape (T_i, G)
            Sequences of as many steps, in the form of `X`.
        """
        check_is_fitted(self, "transformer_")
        steps, lengths, names = self._as_steps(X)
        self._check_width(steps, self.n_features_in_)
        self._check_names(names)
        return self._apply("transform", steps, lengths)

    @available_if(_can_invert)
    def inverse_transform(self, X: Samples) -> Array | Any:
        """Undo `transform`, where the transformer can.

        Parameters
        ----------
        X : array-like of shape (n_samples, T, G) or list of arrays of shape (T_i, G)
            Transformed sequences.

        Returns
        -------
        X_original : ndarray of shape (n_samples, T, F) or list of such of shape (T_i, F)
            Sequences in the form of `X`.
        """
        check_is_fitted(self, "transformer_")
        steps, lengths, _ = self._as_steps(X)
        if hasattr(self.transformer_, "get_feature_names_out"):
            self._check_width(steps, len(self.transformer_.get_feature_names_out()))
        return self._apply("inverse_transform", steps, lengths)

    def _apply(self, method, steps, lengths):
        """Call a method of the transformer and cut the result into sequences."""
        inner = type(self.transformer_).__name__
        with np.errstate(invalid="ignore"):
            done = getattr(self.transformer_, method)(steps)
        done = done.toarray() if issparse(done) else done
        done = as_array(done, f"the output of {inner}.{method}", type(self).__name__)
        done = done[:, None] if done.ndim == 1 else done
        if done.ndim != 2 or len(done) != len(steps):
            raise ValueError(
                f"{type(self).__name__} expects {inner}.{method} to return a row for each of the "
                f"{len(steps)} steps, got shape {done.shape}. Choose a transformer that keeps all "
                "rows."
            )
        if isinstance(lengths, tuple):
            return done.reshape(*lengths, done.shape[1])
        return np.split(done, np.cumsum(lengths)[:-1])

    def _as_steps(self, X):
        """Return all steps as rows, how to cut them into sequences, and the names of features.

        The second is the tuple (n, T) for an array, and a list of lengths for sequences that come
        one by one.
        """
        owner = type(self).__name__
        if not is_ragged(X):
            X = as_array(X, "X", owner)
            if X.ndim != 3 or 0 in X.shape:
                raise ValueError(
                    f"{owner} expects sequences of shape (n_samples, T, F) or a list of arrays of "
                    f"shape (T_i, F), got {X.shape}. A table needs no {owner}."
                )
            return _subtractable(X.reshape(-1, X.shape[-1])), X.shape[:2], None
        X = listed(X, owner, "a list of arrays")
        sequences = as_sequences(X, "X", owner)
        tables = [each[:, None] if each.ndim == 1 else each for each in sequences]
        for i, each in enumerate(tables):
            if each.ndim != 2 or each.shape[1] != tables[0].shape[1]:
                raise ValueError(
                    f"{owner} expects sequences of shape (T_i, F) with the same F, got shape "
                    f"{tables[0].shape} at position 0 and {each.shape} at position {i}."
                )
        steps = np.concatenate(tables)
        if not steps.size:
            raise ValueError(f"{owner} expects at least one step, got shape {tables[0].shape}.")
        return _subtractable(steps), [len(each) for each in tables], self._names(X)

    def _names(self, X):
        """Return the names of the columns that all data frames in a list have, or None."""
        names = [list(getattr(each, "columns", ())) for each in X]
        for i, each in enumerate(names):
            if each != names[0]:
                raise ValueError(
                    f"{type(self).__name__} expects data frames with the same columns, got "
                    f"{names[0]} at position 0 and {each} at position {i}. Select the columns "
                    "in one order."
                )
        is_named = names[0] and all(isinstance(name, str) for name in names[0])
        return np.array(names[0], dtype=object) if is_named else None

    def _check_width(self, steps, n_features):
        if steps.shape[1] != n_features:
            raise ValueError(
                f"{type(self).__name__} expects steps of {n_features} features, as in fit, got "
                f"{steps.shape[1]}."
            )

    def _check_names(self, names):
        fitted = getattr(self, "feature_names_in_", None)
        if names is not None and fitted is not None and not np.array_equal(names, fitted):
            raise ValueError(
                f"{type(self).__name__} was fitted to data frames with the columns "
                f"{list(fitted)}, got {list(names)}. Select the columns of fit in their order."
            )

    def _refuse_without_y(self, transformer):
        """Refuse a transformer that cannot be fitted without y: steps have none."""
        try:
            signature(transformer.fit).bind(None)
        except TypeError:
            needs_y = True
        else:
            needs_y = get_tags(transformer).target_tags.required
        if needs_y:
            raise ValueError(
                f"{type(self).__name__} has no y for the steps of sequences, but "
                f"{type(transformer).__name__} needs one. Choose a transformer that is fitted "
                "without y."
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return stamp(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(unstamp(state, type(self).__name__))


def _subtractable(steps):
    """Return bools as ints, as transformers compute ranges and differences."""
    return steps.astype(int) if steps.dtype == bool else steps
