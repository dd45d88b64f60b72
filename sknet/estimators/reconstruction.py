"""What a fitted autoencoder gives: codes, reconstructions and scores."""

from __future__ import annotations

from copy import copy
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from scipy.special import ndtri
from sklearn.utils import check_random_state
from sklearn.utils._set_output import ADAPTERS_MANAGER, _get_output_config
from sklearn.utils.validation import _check_feature_names_in

from ..base import written
from ..cells import as_array
from ..compatibility import available_if
from ..finite import checked
from ..inputs import Sequences, in_shape
from ..layers import GaussianCode
from ..layers.representation.variational import LARGEST_LOG_VARIANCE
from ..losses import FunctionLoss, LogLoss
from ..losses.observed import ObservedLoss
from ..losses.sequence import mean_by_sequence, real_steps
from ..settings import isolated, single_threaded_blas
from ..typing import Array, Samples
from .overflow import warn_of_overflow

#: Largest number of rows that are scored at a time.
_ROWS = 1024
#: Rows at which plain functions are checked.
_CHECKED = 10


def fills_missing(estimator: Any) -> bool:
    """Tell `available_if` whether there is an `impute`.

    Parameters
    ----------
    estimator : AutoencoderTransformer
        The estimator.

    Returns
    -------
    available : bool
        True.

    Raises
    ------
    AttributeError
        If the estimator refuses NaN.
    """
    if estimator.handle_missing != "ignore":
        raise AttributeError("impute needs handle_missing='ignore'.")
    return True


def is_variational(estimator: Any) -> bool:
    """Tell `available_if` whether there is a `sample`.

    Parameters
    ----------
    estimator : AutoencoderTransformer
        The estimator.

    Returns
    -------
    available : bool
        True.

    Raises
    ------
    AttributeError
        If the codes have no distribution to draw from.
    """
    if not estimator.variational:
        raise AttributeError("sample needs variational=True.")
    return True


class Reconstruction:
    """The methods of an autoencoder that need a fitted network."""

    @property
    def _code_size(self):
        self._require_fit()
        return dict(self.network_.layer.sublayers())["encoder"].output_shape_[-1]

    @property
    def _n_features_out(self):
        return self._code_size

    def _encode(self, X):
        code = self.network_.predict(self._as_encoder_input(X), "encoder")
        warn_of_overflow(self, code)
        return code

    def _as_encoder_input(self, X):
        """Return rows in the shape of a sample, missing cells 0."""
        if isinstance(X, Sequences):
            return X
        X = in_shape(X, self.network_.input_shape)
        return np.where(np.isnan(X), 0, X) if self._ignores_missing() else X

    def _ignores_missing(self):
        """Tell whether the network was trained on observed cells alone."""
        return isinstance(self._loss, ObservedLoss)

    def _check_functions(self, data):
        """Let a loss of plain functions be checked at some rows."""
        if isinstance(self.loss, FunctionLoss) and self.handle_missing != "ignore":
            rows = np.arange(data.X.shape[0]) if data.rows is None else data.rows
            some = data.X[rows[:: -(-len(rows) // _CHECKED)]]
            self.loss.check_target(some.toarray() if issparse(some) else some)

    @isolated
    def inverse_transform(self, X: ArrayLike) -> Array:
        """Decode some codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes.

        Returns
        -------
        X_original : ndarray or frame of shape (n_samples, n_features)
            The rows that the codes stand for, in the container that `set_output` asks for.

        Raises
        ------
        ValueError
            If the network was fitted to sequences of any length, which their codes do not tell.
        """
        self._require_fit()
        if None in self._input_shape:
            raise ValueError(
                f"{type(self).__name__}.inverse_transform expects codes of samples of one shape: "
                "a code does not tell how many steps a sequence has. Use reconstruct."
            )
        values = as_array(X, "X", f"{type(self).__name__}.inverse_transform")
        options = {"dtype": self.network_.dtype, "estimator": self}
        code = checked(values, values, "Leave such codes out.", **options)
        width = self._code_size
        if code.shape[1] != width:
            raise ValueError(
                f"{type(self).__name__}.inverse_transform expects codes of {width} components, "
                f"got X of shape {code.shape}."
            )
        return self._in_container(self._linked(self._decode(code)), X)

    def _in_container(self, features, X):
        """Return features as `set_output` asks for, with the names of those of the fit."""
        form = _get_output_config("transform", self)["dense"]
        if form == "default":
            return features
        names = _check_feature_names_in(self, None)
        return ADAPTERS_MANAGER.adapters[form].create_container(features, X, columns=names)

    def _decode(self, code):
        return self.network_.predict(self.network_.predict(code, "decoder"), "output")

    @isolated
    def reconstruct(self, X: Samples) -> Array | Any:
        """Encode some rows and decode the codes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`, which may come as a list.

        Returns
        -------
        X_reconstructed : ndarray or list of ndarray
            What the network makes of them, in the form of X: rows, samples of the same shape, or
            a list of arrays of the same shapes.
        """
        self._require_fit()
        features = self._linked(self._raw_rows(self._check_X(X)))
        X = self._readable_X(X)
        if not isinstance(X, list):
            return features.reshape(X.shape)
        ends = np.cumsum([sample.size for sample in X])[:-1]
        parts = zip(np.split(features.reshape(-1), ends), X, strict=True)
        return [part.reshape(sample.shape) for part, sample in parts]

    def _raw_rows(self, X):
        """Return raw outputs for checked rows; for sequences one row a step."""
        raw = self.network_.predict(X)
        return real_steps(raw, X) if isinstance(X, Sequences) else raw

    def _linked(self, raw):
        """Turn raw outputs into features, telling of those that are not finite."""
        features = self._loss.inverse_link(raw)
        warn_of_overflow(self, raw, features)
        return features

    @available_if(fills_missing)
    @isolated
    def impute(self, X: ArrayLike) -> Array:
        """Fill the missing cells of some rows with those of their reconstruction.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`, NaN where a cell is missing.

        Returns
        -------
        X_filled : ndarray or frame of shape (n_samples, n_features)
            The rows, whose observed cells are as they were, in the container that `set_output`
            asks for.
        """
        self._require_fit()
        if not self._ignores_missing():
            self._refuse_changed("impute", "handle_missing='ignore'")
        rows = self._check_X(X)
        filled = np.where(np.isnan(rows), self._linked(self.network_.predict(rows)), rows)
        return self._in_container(filled, X)

    @isolated
    def score(self, X: Samples, y: None = None, sample_weight: ArrayLike | None = None) -> float:
        """Return the negative mean squared error of the reconstruction.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            Minus the mean over rows and features, missing cells left out; 0 is perfect. Each
            sequence of several has the mean over its steps.
        """
        self._require_fit()
        X = self._check_X(X)
        weight = self._check_weight(sample_weight, X, "sample_weight")
        error = self._loss.inverse_link(self._raw_rows(X))
        error -= _cells(X)
        with np.errstate(over="ignore"):
            np.square(error, out=error)
        if self._ignores_missing():
            known = ~np.isnan(X)
            weight = known if weight is None else known * weight[:, None]
            if not weight.any():
                raise ValueError(
                    f"{type(self).__name__}.score expects some observed cells in X, got NaN in "
                    "all of them."
                )
            error = np.where(known, error, 0)
            warn_of_overflow(self, error)
            return -float(np.average(error, weights=weight))
        warn_of_overflow(self, error)
        rows = np.mean(error, axis=1, dtype=np.float64)
        if isinstance(X, Sequences):
            rows = mean_by_sequence(rows, X)
        return -float(np.average(rows, weights=weight))

    @isolated
    def score_samples(self, X: Samples, n_draws: int = 64) -> Array:
        """Return for each row minus the loss of its reconstruction, or a bound of its likelihood.

        The loss is the one that was trained on, summed over the features (half the squared error
        by default), so that low scores mark rows that differ from those of the training. With
        ``variational=True`` the score is the evidence lower bound: the expected log-likelihood of
        the row given its code, less the divergence of the code (whatever `beta` was) from the
        standard normal distribution; in nats. Missing cells are left out. For sequences of any
        length the loss is the mean over the steps.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.
        n_draws : int, default=64
            Number of codes over which the likelihood is averaged; for variational ones alone.
            They are drawn with the same noise for all rows and in each call, in a Latin hypercube.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Greater is better.
        """
        self._require_fit()
        _check_count("n_draws", n_draws, self._code_size)
        X = self._check_X(X)
        if self._loss.kinds == LogLoss.kinds:
            self._check_range(X)
        loss = copy(self._loss)
        n_rows = min(_ROWS, self.network_.chunk_rows(X))
        loss.allocate(n_rows, self.network_.dtype)
        starts = range(0, X.shape[0], n_rows)
        score = self._bound_rows if self._is_variational() else self._score_rows
        scores = np.concatenate([score(X[i : i + n_rows], loss, n_draws) for i in starts])
        warn_of_overflow(self, scores)
        return scores

    def _is_variational(self):
        return isinstance(self.network_["encoder__code"], GaussianCode)

    def _score_rows(self, X, loss, n_draws):
        return -loss.row_losses(self.network_.predict(X), X.toarray() if issparse(X) else X)

    def _bound_rows(self, X, loss, n_draws):
        """Return the evidence lower bounds of some rows."""
        replica = self.network_.replica(len(X))
        with single_threaded_blas():
            replica["encoder"].forward(self._as_encoder_input(X))
        code = replica["encoder__code"]
        deviation = np.exp(np.minimum(code.code_log_variance, LARGEST_LOG_VARIANCE) / 2)
        losses = np.zeros(len(X))
        for draw in _normal_draws(n_draws, code.units).astype(X.dtype):
            losses += loss.row_losses(self._decode(code.code_mean + deviation * draw), X)
        bounds = -losses / n_draws - code.divergence
        if loss.link == "identity":  # the constant of the normal density
            bounds -= np.log(2 * np.pi) / 2 * np.count_nonzero(~np.isnan(X), axis=1)
        return bounds

    @available_if(is_variational)
    @isolated
    def sample(
        self, n_samples: int = 1, random_state: int | np.random.RandomState | None = None
    ) -> Array:
        """Draw codes from the standard normal distribution and decode them.

        The rows are the means given their codes (probabilities, for the log loss): the noise of
        the single features is not added.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows to draw, at least 1.
        random_state : int, RandomState instance or None, default=None
            Source of the codes.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            New rows.
        """
        self._require_fit()
        if not self._is_variational():
            self._refuse_changed("sample", "variational=True")
        _check_count("n_samples", n_samples, self._code_size)
        rng = check_random_state(random_state)
        return self.inverse_transform(rng.standard_normal((n_samples, self._code_size)))

    def _refuse_changed(self, method, option):
        raise ValueError(
            f"{type(self).__name__}.{method} needs a fit with {option}, which was set after the "
            "last one; fit again."
        )


def _normal_draws(n_draws, n_components):
    """Return standard normal draws, the same each time, in a Latin hypercube.

    Of each component one draw falls into each of `n_draws` intervals of equal probability: the
    mean over the draws is as unbiased as that of independent ones, and varies much less.
    McKay, Beckman and Conover (1979), Technometrics 21.
    """
    rng = np.random.default_rng(0)
    intervals = np.tile(np.arange(n_draws), (n_components, 1))
    intervals = rng.permuted(intervals, axis=1).T
    return ndtri((intervals + rng.uniform(1e-9, 1, intervals.shape)) / n_draws)


def _cells(X):
    """Return checked inputs as rows of numbers; those of sequences one a step."""
    if isinstance(X, Sequences):
        steps = X.joined()
        return steps.reshape(len(steps), -1)
    return X.toarray() if issparse(X) else X


def _check_count(name, value, width):
    """Refuse what is no number of codes, or one of more codes than memory holds."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be an int of at least 1, got {value!r}.")
    try:
        np.empty((value, width))
    except (MemoryError, ValueError, OverflowError):
        raise ValueError(
            f"{name}={written(value)} codes need more memory than there is; choose a smaller one."
        ) from None
