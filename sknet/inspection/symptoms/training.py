"""What the course of training tells: the rate, and the number of epochs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...estimators.base import BaseNeuralEstimator
from .finding import Finding

#: Sum of the rises of the loss, as a share of its range, above which it does not settle.
_ROUGH = 1.5
#: Share of the fall in the first half of training that still happens in the second.
_STEADY = 0.6
#: Relative fall of the loss an epoch below which a rate is slow.
_SLOW = 0.01
#: Relative rise of the validation loss above its minimum that is too much.
_RISE = 0.2
_LEAST_EPOCHS = 5


def symptoms_of_training(estimator: BaseNeuralEstimator) -> Iterator[Any]:
    """Yield what is wrong with the course of the losses.

    Parameters
    ----------
    estimator : BaseNeuralEstimator
        A fitted estimator.

    Yields
    ------
    finding : Finding
        One for each thing that is wrong.
    """
    losses = np.asarray(estimator.history_.get("loss", []), dtype=float)
    if len(losses) and not np.isfinite(losses).all():
        yield _rate_too_high("The loss became infinite or NaN.", np.inf)
        return
    if len(losses) >= _LEAST_EPOCHS and type(estimator.solver).__name__ != "LBFGS":
        yield from _roughness(losses)
        yield from _slowness(estimator, losses)
    yield from _too_long(estimator)


def _rate_too_high(evidence, value):
    return Finding(
        "rate_too_high",
        "The learning rate is too high.",
        evidence,
        "Divide learning_rate_init by 10, or set clip_norm=1.",
        float(value),
    )


def _roughness(losses):
    rises = np.maximum(np.diff(losses), 0).sum()
    extent = np.ptp(losses)
    rough = rises / extent if extent > 1e-3 * abs(losses.mean()) else 0.0
    if losses[-1] > 1.02 * losses[0]:
        yield _rate_too_high(
            f"The loss rose from {losses[0]:.4g} to {losses[-1]:.4g}.", losses[-1] / losses[0]
        )
    elif rough > _ROUGH:
        yield _rate_too_high(
            f"The loss jumps: its rises add up to {rough:.1f} times its whole range.", rough
        )


def _slowness(estimator, losses):
    """Tell a rate that is too low from too few epochs, if training ended before it was done."""
    n_epochs = len(losses)
    first, second = losses[0] - losses[n_epochs // 2], losses[n_epochs // 2] - losses[-1]
    is_steady = second > _STEADY * first > 0
    if n_epochs < estimator.max_iter or not is_steady or losses[-1] <= 0:
        return
    speed = 1 - (losses[-1] / losses[0]) ** (1 / (n_epochs - 1)) if losses[0] > 0 else 1.0
    if speed < _SLOW:
        yield Finding(
            "rate_too_low",
            "The learning rate is too low.",
            f"The loss falls steadily, by {speed:.2%} an epoch, and was still falling after "
            f"{n_epochs}.",
            "Multiply learning_rate_init by 10.",
            float(speed),
        )
    else:
        yield Finding(
            "too_little_training",
            "Training ended while the loss was still falling fast.",
            f"It fell by {speed:.1%} an epoch, in the second half of {n_epochs} epochs as well.",
            "Raise max_iter.",
            float(speed),
        )


def _too_long(estimator):
    losses = np.asarray(estimator.history_.get("validation_loss", []), dtype=float)
    if estimator.early_stopping or len(losses) < _LEAST_EPOCHS:
        return
    best = int(np.nanargmin(losses))
    rise = losses[-1] / losses[best] - 1 if losses[best] > 0 else 0.0
    if rise > _RISE and best < len(losses) - 1:
        yield Finding(
            "too_long_training",
            "Training went on after the validation loss had begun to rise.",
            f"It was {losses[best]:.4g} after epoch {best + 1} and {losses[-1]:.4g} at the end.",
            "Set early_stopping=True, which keeps the weights of the best epoch.",
            float(rise),
        )
