"""What a regressor adds to learn the columns of a frame with losses of their own."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_consistent_length

from ..base import brief
from ..compatibility import available_if
from ..preprocessing.frames import library_of, make_frame
from ..settings import isolated
from ..typing import Array, Samples
from .overflow import warn_of_overflow
from .several_targets import SeveralTargets, read_columns, read_losses


def _has_classes(estimator):
    """Tell `available_if` whether there are probabilities: where a loss by columns has classes."""
    if hasattr(estimator, "network_"):
        has_classes = estimator._targets is not None and bool(estimator._targets.classes)
    else:
        has_classes = isinstance(estimator.loss, dict) and _names_classes(estimator.loss)
    if not has_classes:
        raise AttributeError(
            "predict_proba needs a loss by columns, such as {'sold': 'log_loss'}, of which one is "
            "for classes."
        )
    return True


def _names_classes(losses):
    try:
        return any("continuous" not in loss.kinds for loss, _ in read_losses(losses).values())
    except ValueError:  # the parameter may be anything
        return False


class TargetFrame:
    """Mixin of an estimator whose parameter `loss` may be a dict of losses by columns of y."""

    #: A `SeveralTargets` where the loss is a dict.
    _targets = None

    @property
    def classes_(self) -> dict[str, Array]:
        """Classes by the names of the columns that have some, for a loss by columns."""
        if self._targets is None or not self._targets.classes:
            raise AttributeError(
                f"{type(self).__name__} has classes_ once it is fitted to a loss by columns, of "
                "which one is for classes."
            )
        return self._targets.classes

    @available_if(_has_classes)
    @isolated
    def predict_proba(self, X: Samples) -> dict[str, Array]:
        """Predict the probabilities of the classes, for columns of y that have a loss for classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.

        Returns
        -------
        p : dict of str to ndarray of shape (n_samples, n_classes)
            By the names of these columns; the classes are in the order of ``classes_[name]``.
        """
        raw = self._raw_predictions(X)
        warn_of_overflow(self, raw)
        return self._targets.probabilities(self._loss.inverse_link(raw))

    def _check_X_y(self, X, y, reset):
        if y is None or not isinstance(self.loss, dict):
            return super()._check_X_y(X, y, reset)
        columns = read_columns(y, read_losses(self.loss), type(self).__name__)
        if reset:
            self._library = library_of(y)
        n_rows = len(next(iter(columns.values())))
        X, _ = super()._check_X_y(X, np.zeros(n_rows), reset)
        return X, columns

    def _encode_columns(self, data, reset):
        if reset:
            self._targets = SeveralTargets(self.loss, data.y, data.rows)
            self._target = self._targets.target
        elif self._targets is None:
            raise ValueError(
                f"{type(self).__name__} was fitted to one loss and cannot resume training with "
                f"loss={self.loss!r}; set warm_start=False, or use clone, to start anew."
            )
        losses = self._targets.loss(self.loss).losses
        data.y = self._targets.encoded(data.y, data.rows)
        data.rows = _rows_in_use(data)
        self._targets.check(data.used_y, losses)

    def _standardized_columns(self):
        """Tell which columns the parameters ask to standardize."""
        found = self._targets.standardizes(self._named_loss().losses)
        return [bool(self.standardize_target) and each for each in found]

    def _scale_columns(self, data, validation, reset):
        dtype, targets = data.X.dtype, self._targets
        if reset:
            chosen = self._standardized_columns()
            targets.learn_scales(data.used_y, data.used_weight, chosen, dtype)
            self._target_scale = targets if any(chosen) else None
        self._standardize(data)
        if validation is not None:
            self._standardize(validation.data, "y_val")
        self._moments = targets.moments(data.used_y)

    def _check_same_form(self):
        super()._check_same_form()
        if self._targets is None:
            return
        was = self._targets.is_standardized
        pairs = zip(self._targets.names, was, self._standardized_columns(), strict=True)
        for name, before, now in pairs:
            if before != now:
                raise ValueError(
                    f"{type(self).__name__} was fitted to column {name!r} of y "
                    f"{'standardized' if before else 'as it is'} and cannot resume training with "
                    f"standardize_target={self.standardize_target} and loss={self.loss!r}; set "
                    "warm_start=False, or use clone, to start anew."
                )

    def _predict_columns(self, X):
        raw = self._raw_predictions(X)
        warn_of_overflow(self, raw, refuse_nan=bool(self._targets.classes))
        return self._targets.decoded(self._loss.inverse_link(raw))

    def _predict_frame(self, X, return_std):
        if return_std:
            raise ValueError(
                "return_std=True needs loss='gaussian' for all targets; this "
                f"{type(self).__name__} was fitted to a loss for each column of y."
            )
        return make_frame(self._predict_columns(X), self._library, X)

    def _score_columns(self, X, y, sample_weight):
        targets = self._targets
        columns = read_columns(y, targets.names, type(self).__name__)
        predicted = self._predict_columns(X)
        check_consistent_length(*predicted.values(), *columns.values())
        coded = [
            np.searchsorted(targets.classes[name], found) if name in targets.classes else found
            for name, found in predicted.items()
        ]
        y = targets.encoded(columns, rows=False)
        return targets.score(y, np.column_stack(coded), sample_weight)

    def _check_scorer(self, scorer):
        if self._targets is not None and hasattr(scorer, "_score_func"):
            raise ValueError(
                f"scoring={brief(self.scoring)} compares one kind of target, and y has columns "
                "with losses of their own. Choose 'loss', or a scorer f(estimator, X, y), such as "
                "one that returns estimator.score(X, y)."
            )


def _rows_in_use(data):
    """Return the rows in use of which any target is known; None for all."""
    known = ~np.isnan(data.y).all(axis=1)
    if data.rows is not None:
        known[np.setdiff1d(np.arange(len(known)), data.rows)] = False
    if not known.any():
        raise ValueError("y has no values: all of its cells, in rows of weight, are missing.")
    return None if known.all() else np.flatnonzero(known)
