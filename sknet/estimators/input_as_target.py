"""Estimators that learn to reproduce X: their target is X itself."""

from __future__ import annotations

from math import prod

import numpy as np
from scipy.sparse import issparse

from ..base import same
from ..cells import named
from ..finite import located
from ..inputs import Sequences
from ..losses import LogLoss, Target
from ..losses.observed import ObservedLoss
from ..losses.sequence import SequenceLoss
from ..optimizers import get_optimizer
from ..warning import warn

#: Parameters that must have these values for sequences of any length.
_OF_ONE_SHAPE = {
    "variational": False,
    "tied_weights": False,
    "handle_missing": "error",
    "sparsity": 0.0,
    "contraction": 0.0,
}


class InputAsTarget:
    """Mixin of an estimator whose X may lack cells, or hold sequences of any length."""

    def _check_X_y(self, X, y, reset):
        X = self._readable_X(X)
        if reset:
            self._input_shape = self._sample_shape(X)
        if None in (self._input_shape or ()):
            self._check_options_of_sequences()
        if self._has_columns(X):
            checked = self._check_table(X, reset=reset)
            self._check_missing(X, checked, self.handle_missing == "ignore")
        else:
            checked = self._check_any_length(X, reset)
        checked = self._as_steps(checked)
        return checked, checked

    def _check_X(self, X):
        checked = super()._check_X(X)
        if self._has_any_length():
            return self._as_steps(checked)
        self._check_missing(X, checked, self._ignores_missing())
        return checked

    def _has_any_length(self):
        return None in self._input_shape

    def _as_steps(self, X):
        """View rows that hold sequences of any length as such."""
        if isinstance(X, Sequences) or not self._has_any_length():
            return X
        step = self._input_shape[1:]
        n_steps = X.shape[1] // prod(step)
        lengths = np.full(len(X), n_steps)
        return Sequences(X.reshape(-1, *step), np.arange(len(X)) * n_steps, lengths)

    def _check_options_of_sequences(self):
        shape = self._input_shape
        if len(shape) < 2:
            raise ValueError(
                f"{type(self).__name__} expects sequences of vectors, got codes of tokens, whose "
                "numbers it would reproduce. Pass input_shape=(None, 1) if they are numbers."
            )
        for name, value in _OF_ONE_SHAPE.items():
            if not same(getattr(self, name), value):
                raise ValueError(
                    f"{name}={getattr(self, name)!r} is for samples of one shape, got "
                    f"input_shape={shape}; set {name}={value!r}, or cut or pad the sequences to "
                    "one length."
                )

    def _X_checks(self, reset):
        # NaN is refused by `_check_missing`, which knows what to do about it.
        return {**super()._X_checks(reset), "ensure_all_finite": "allow-nan"}

    def _check_missing(self, X, checked, allowed):
        if allowed:
            return
        values = checked.data if issparse(checked) else checked
        # The sum tells most often that there is none, and needs no array.
        with np.errstate(over="ignore", invalid="ignore"):
            suspicious = np.isnan(np.sum(values))
        if suspicious and np.isnan(values).any():
            error = ValueError("Input X contains NaN.")
            X = self._readable_X(X)
            raise located(error, X, checked.dtype, self._missing_advice()) from None

    def _encode_target(self, data, reset):
        kind = "continuous"
        if self.loss == "log_loss" or isinstance(self.loss, LogLoss):
            kind = "multilabel"  # one probability a feature
            self._check_range(data.X if data.rows is None else data.X[data.rows])
        width = prod(self._input_shape[1:]) if self._has_any_length() else data.X.shape[1]
        self._target = Target(kind, width)
        self._check_functions(data)
        if self.handle_missing == "ignore":
            self._check_observed(data.X if data.rows is None else data.X[data.rows], reset)

    def _check_observed(self, X, reset):
        """Refuse rows without any value, and tell which columns have none."""
        is_empty = np.isnan(X).all(axis=0)
        if is_empty.all():
            raise ValueError(
                f"{type(self).__name__} expects some observed cells in X, got NaN in all of them. "
                "Leave such rows out."
            )
        if reset and is_empty.any():
            names = getattr(self, "feature_names_in_", np.arange(len(is_empty)))
            warn(
                f"{type(self).__name__}: X has only NaN in {named(names[is_empty].tolist())}, of "
                "which nothing can be learned: impute fills them with meaningless values. Leave "
                "such columns out.",
            )

    def _check_range(self, X):
        values = X.data if issparse(X) else X.joined() if isinstance(X, Sequences) else X
        with np.errstate(invalid="ignore"):
            within = np.size(values) == 0 or (np.nanmin(values) >= 0 and np.nanmax(values) <= 1)
        if not within:
            raise ValueError(
                f"{type(self).__name__} with the log loss expects X in [0, 1], got values from "
                f"{np.nanmin(values):g} to {np.nanmax(values):g}. Scale X by "
                "sklearn.preprocessing.MinMaxScaler, or choose another loss."
            )

    def _make_loss(self):
        loss = super()._make_loss()
        if self._has_any_length():
            return SequenceLoss(loss)
        return ObservedLoss(loss) if self.handle_missing == "ignore" else loss

    def _initial_bias(self, y, sample_weight):
        if not issparse(y):
            return super()._initial_bias(y, sample_weight)
        # The columns' losses add up, so a few columns at a time may be made dense.
        columns = y.tocsc()
        starts = range(0, y.shape[1], 64)
        dense = (columns[:, start : start + 64].toarray() for start in starts)
        return np.concatenate([self._loss.initial_bias(block, sample_weight) for block in dense])

    def _check_network(self):
        if not self._has_any_length():
            super()._check_network()
        else:
            self._check_noise(get_optimizer(self.solver))
