"""The networks of which an ensemble consists."""

from math import inf
from time import time

import numpy as np

from ..estimators import NeuralClassifier, NeuralRegressor
from .network import tangent_dense


class Member:
    """What the networks of an ensemble share: the output layer, and the best epoch."""

    #: Whether the user has interrupted the training.
    was_interrupted = False

    def _output_layer(self, hidden, width):
        # One log-odds moves as the difference of two logits does.
        factor = 2.0 if self._target.kind in ("binary", "multilabel") else 1.0
        return tangent_dense(width, learning_rate_factor=factor)

    def _judge(self, number, history):
        # Of epochs that are equally good the last one is kept.
        super()._judge(number, history)
        if history["validation_score"] == self._patience.best:
            np.copyto(self._best_params, self.network_.params)
            self._best_epoch = number

    def _warn_of_interruption(self):
        self.was_interrupted = True

    def raw_predictions(self, X):
        """Return the raw outputs for encoded rows.

        Parameters
        ----------
        X : ndarray of float32 of shape (n_samples, n_columns)
            Encoded rows.

        Returns
        -------
        raw : ndarray of shape (n_samples, n_raw)
            Raw outputs.
        """
        return self.network_.predict(X)


class ClassifierMember(Member, NeuralClassifier):
    """A network of a `TabularClassifier`."""


class RegressorMember(Member, NeuralRegressor):
    """A network of a `TabularRegressor`."""


def fit_member(member, X, y, sample_weight, fold, distinct, deadline, rounds):
    """Train one member and predict the rows that it has not seen.

    Parameters
    ----------
    member : Member
        Not fitted.
    X : ndarray of float32 of shape (n_samples, n_columns)
        All encoded rows.
    y : ndarray
        Their targets.
    sample_weight : ndarray of shape (n_samples,) or None
        Their weights.
    fold : Fold
        Which rows to train on and which to hold out.
    distinct : DistinctRows
        Which rows are the same.
    deadline : float or None
        Time (of `time.time`) at which the fit of the ensemble has to end.
    rounds : int
        Number of members that this process still has to train, this one included.

    Returns
    -------
    member : Member
        Trained; without what only further training needs.
    raw : ndarray of shape (n_held, n_raw)
        Raw outputs for the rows that were held out.
    """
    rows, weights = distinct.merged(fold.train, sample_weight)
    held, held_weights = fold.held, None
    if sample_weight is not None:
        held = held[sample_weight[held] > 0]
        held_weights = sample_weight[held]
    member.set_params(random_state=fold.seed)
    if deadline is not None:
        member.set_params(max_time=max((deadline - time()) / rounds, 1e-3))
    member.fit(
        X[rows],
        y[rows],
        sample_weight=weights,
        X_val=X[held],
        y_val=y[held],
        sample_weight_val=held_weights,
    )
    raw = member.raw_predictions(X[fold.held])
    return member.without_training_state(), raw


def rows_of_step(n_samples):
    """Return the number of rows of a step: more for larger tables.

    Parameters
    ----------
    n_samples : int
        Number of rows to train on.

    Returns
    -------
    batch_size : int
        At most 1024, and such that the last step of an epoch has about as many as the others.
    """
    limits = {1024: 64, 8192: 128, 30_000: 256, 100_000: 512}
    size = next((size for limit, size in limits.items() if n_samples <= limit), 1024)
    n_steps = -(-n_samples // size)
    return -(-n_samples // n_steps)


#: All epochs are wanted, and none of them is the last for want of progress.
ALL_EPOCHS = {"tol": 0.0, "n_iter_no_change": inf, "early_stopping": True}
