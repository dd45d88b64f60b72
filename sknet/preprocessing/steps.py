"""Transformers of tables, applied to the steps of sequences."""

import numpy as np
from sklearn.base import TransformerMixin, clone
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..base import Component, stamp, unstamp
from .conversion import as_sequences, is_ragged, numeric_array


def _can_invert(estimator):
    transformer = getattr(estimator, "transformer_", estimator.transformer)
    return transformer is None or hasattr(transformer, "inverse_transform")


class StepwiseTransformer(TransformerMixin, Component):
    """Apply a transformer, such as a scaler, to the steps of sequences.

    The steps of all sequences, one below the other, are the table (total number of steps, F)
    that the transformer is fitted to; its columns are the features. So each feature is scaled
    by its mean over all steps. Sequences may be of any length.

    Parameters
    ----------
    transformer : transformer, default=None
        What is applied to the steps, one row a step, such as an imputer or a scaler; None is
        scikit-learn's `StandardScaler`.

    Attributes
    ----------
    transformer_ : transformer
        The fitted transformer.

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

    def __init__(self, transformer=None):
        self.transformer = transformer

    def fit(self, X, y=None):
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
        steps, _ = self._as_steps(X)
        transformer = StandardScaler() if self.transformer is None else clone(self.transformer)
        self.transformer_ = transformer.fit(steps)
        return self

    def transform(self, X):
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
        return self._on_steps(self.transformer_.transform, X)

    @available_if(_can_invert)
    def inverse_transform(self, X):
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
        return self._on_steps(self.transformer_.inverse_transform, X)

    def _on_steps(self, function, X):
        steps, lengths = self._as_steps(X)
        done = np.asarray(function(steps))
        if lengths is None:
            return done.reshape(*np.shape(X)[:2], -1)
        return np.split(done, np.cumsum(lengths)[:-1])

    def _as_steps(self, X):
        """Return all steps as rows, and the lengths of the sequences that come one by one."""
        owner = type(self).__name__
        if not is_ragged(X):
            X = numeric_array(X, owner)
            if X.ndim != 3:
                raise ValueError(
                    f"{owner} expects sequences of shape (n_samples, T, F) or a list of arrays of "
                    f"shape (T_i, F), got {X.shape}. A table needs no {owner}."
                )
            return X.reshape(-1, X.shape[-1]), None
        sequences = as_sequences(X, owner)
        tables = [each[:, None] if each.ndim == 1 else each for each in sequences]
        for i, each in enumerate(tables):
            if each.ndim != 2 or each.shape[1] != tables[0].shape[1]:
                raise ValueError(
                    f"{owner} expects sequences of shape (T_i, F) with the same F, got shape "
                    f"{tables[0].shape} at position 0 and {each.shape} at position {i}."
                )
        return np.concatenate(tables), [len(each) for each in tables]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    def __getstate__(self):
        return stamp(super().__getstate__())

    def __setstate__(self, state):
        super().__setstate__(unstamp(state, type(self).__name__))
