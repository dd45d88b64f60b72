"""The networks of which an ensemble consists."""

from __future__ import annotations

from contextlib import nullcontext
from copy import copy
from math import inf, isfinite
from time import time
from typing import Any, Self

import numpy as np

from ..estimators import NeuralClassifier, NeuralRegressor
from ..losses import Gaussian
from ..losses.base import Loss
from .folds import Fold
from .network import tangent_dense
from .rows import Rows

#: The best epoch is kept; when to stop is for the member to say.
KEEP_BEST: dict[str, Any] = {"tol": 0.0, "n_iter_no_change": inf, "early_stopping": True}

#: A member stops after more than twice the epochs of its best one and this share of all, or this
#: number of them. On inner splits of training rows it saves half of the epochs; the best loss is
#: 0.04 percent higher.
_PATIENCE, _LEAST_PATIENCE = 0.1, 6


class Member:
    """What the networks of an ensemble share: the output layer, and the best epoch."""

    #: Whether the user has interrupted the training.
    was_interrupted: bool = False
    _after_divergence = "Lower learning_rate_init"
    _public_name: str

    def _output_layer(self, hidden, width):
        # One log-odds moves as the difference of two logits does.
        factor = 2.0 if self._target.kind in ("binary", "multilabel") else 1.0
        return tangent_dense(width, learning_rate_factor=factor)

    def _plan(self, data, max_epochs, deadline):
        # Rows of classes of weight 0 are left out, so there may be fewer than a step was to have.
        self.batch_size: int = min(self.batch_size, data.n_rows)
        return super()._plan(data, max_epochs, deadline)

    def _judge(self, number, history):
        # Of epochs that are equally good the last one is kept.
        super()._judge(number, history)
        if history["validation_score"] == self._patience.best:
            np.copyto(self._best_params, self.network_.params)
            self._best_epoch = number

    def _should_stop(self, epoch, plan):
        patience = max(_PATIENCE * plan.max_epochs, _LEAST_PATIENCE)
        stop = super()._should_stop(epoch, plan)
        return stop or self.n_iter_ > 2 * self._best_epoch + patience

    def _warn_of_mismatch(self, data, validation):
        """Folds are of one table, encoded at once; those of groups and times may well differ."""

    def _warn_of_interruption(self):
        self.was_interrupted = True


class ClassifierMember(Member, NeuralClassifier):
    """A network of a `TabularClassifier`."""

    _public_name = "TabularClassifier"

    def expect(self, classes: Any) -> Self:
        """Return the member itself, which will know classes that its rows may lack."""
        self._expected_classes = classes
        return self

    def _validate(self, validation, history):
        # One prediction gives both the loss and the accuracy.
        kind, data = self._target.kind, validation.data
        if self.scoring != "accuracy" or kind == "multioutput":
            return super()._validate(validation, history)
        raw = self.network_.predict(data.X)
        loss, weight = copy(self._loss), None
        if data.sample_weight is not None:
            weight = (data.sample_weight / data.mean_weight).astype(raw.dtype)
        loss.allocate(len(raw), raw.dtype)
        value, _ = loss.value_and_gradient(raw, data.y, weight)
        history["validation_loss"] = history["validation_score"] = -value
        if isfinite(value):
            chosen = raw.argmax(axis=1) if kind == "multiclass" else raw > 0
            right = (chosen.reshape(data.y.shape) == data.y).reshape(len(raw), -1).all(axis=1)
            score = float(np.average(right, weights=validation.sample_weight))
            history.update(validation_loss=value, validation_score=score)
        return history["validation_score"]


class RegressorMember(Member, NeuralRegressor):
    """A network of a `TabularRegressor`."""

    _public_name = "TabularRegressor"

    def _standardize(self, data, name="y"):
        try:
            super()._standardize(data, name)
        except ValueError:  # names the row of the fold, and y_val, which the user has not passed
            farthest = data.y.flat[np.argmax(np.abs(data.y))]
            raise ValueError(
                f"{self._public_name} got {farthest:g} in y, so far from the other targets, by "
                "their weights, that it overflows when it is standardized. Leave such rows out."
            ) from None

    def _output_layer(self, hidden, width):
        if not is_delicate(self._loss):
            return super()._output_layer(hidden, width)
        # Errors in the exponent would be large from the start: it starts from the best constant.
        return tangent_dense(width, kernel_initializer="zeros")


def is_delicate(loss: Loss) -> bool:
    """Tell whether raw outputs are exponents, which large learning rates make overflow.

    Parameters
    ----------
    loss : Loss
        A loss.

    Returns
    -------
    is_delicate : bool
        Whether the loss takes the exponential of an output.
    """
    return loss.link == "exp" or isinstance(loss, Gaussian)


def fit_member(
    member: Member,
    rows: Rows,
    fold: Fold,
    deadline: float | None,
    *,
    rounds: int,
    is_first: bool,
    context: Any,
) -> Member | None:
    """Train one member.

    Parameters
    ----------
    member : Member
        Not fitted.
    rows : Rows
        All rows.
    fold : Fold
        Which of them to train on and which to hold out.
    deadline : float or None
        Time (of `time.time`) at which the fit of the ensemble has to end.
    rounds : int
        Number of members that this process still has to train, this one included.
    is_first : bool
        Whether there is no ensemble without this member, so that time does not matter.
    context : sklearn.callback.CallbackContext or None
        Whom to tell of epochs.

    Returns
    -------
    member : Member or None
        Trained, without what only further training needs; None if the time was up.
    """
    train, weights = rows.distinct.merged(fold.train, rows.sample_weight)
    held, held_weights = fold.held, None
    if rows.sample_weight is not None:
        held = held[rows.sample_weight[held] > 0]
        held_weights = rows.sample_weight[held]
    member.set_params(random_state=fold.seed)
    if deadline is not None:
        left = (deadline - time()) / rounds
        if left <= 0 and not is_first:
            return None
        member.set_params(max_time=max(left, 1e-3))
    with nullcontext() if context is None else context.propagate_callback_context(member):
        member.fit(
            rows.X[train],
            rows.y[train],
            sample_weight=weights,
            X_val=rows.X[held],
            y_val=rows.y[held],
            sample_weight_val=held_weights,
        )
    return member.without_training_state()


def rows_of_step(n_samples: int) -> int:
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
