"""Losses: value and gradient from raw predictions, and the link that they own."""

from __future__ import annotations

from typing import Any

from sklearn.utils._param_validation import StrOptions

from ..base import named_component
from .base import Loss, Target
from .classification import ClassificationLoss, FocalLoss, LogLoss
from .ctc import CTC
from .distribution import Gaussian, Quantile
from .function import FunctionLoss
from .margin import Hinge, SquaredHinge
from .overlap import Dice, Tversky
from .regression import (
    AbsoluteError,
    Gamma,
    Huber,
    LogCosh,
    Poisson,
    RegressionLoss,
    SquaredError,
    Tweedie,
)
from .vectors import CosineSimilarity, KLDivergence

__all__ = [
    "CLASSIFICATION_LOSSES",
    "CTC",
    "REGRESSION_LOSSES",
    "AbsoluteError",
    "ClassificationLoss",
    "CosineSimilarity",
    "Dice",
    "FocalLoss",
    "FunctionLoss",
    "Gamma",
    "Gaussian",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "LogLoss",
    "Loss",
    "Poisson",
    "Quantile",
    "RegressionLoss",
    "SquaredError",
    "SquaredHinge",
    "Target",
    "Tversky",
    "Tweedie",
    "get_loss",
]

#: The losses that a classifier takes by name.
CLASSIFICATION_LOSSES: dict[str, type[Loss]] = {
    "log_loss": LogLoss,
    "focal": FocalLoss,
    "hinge": Hinge,
    "squared_hinge": SquaredHinge,
    "dice": Dice,
    "tversky": Tversky,
}

#: The losses that a regressor takes by name.
REGRESSION_LOSSES: dict[str, type[Loss]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "poisson": Poisson,
    "gamma": Gamma,
    "tweedie": Tweedie,
    "log_cosh": LogCosh,
    "kl_divergence": KLDivergence,
    "cosine_similarity": CosineSimilarity,
    "quantile": Quantile,
    "gaussian": Gaussian,
}


#: What makes a loss of a plain function.
_FUNCTION = "for a plain function use FunctionLoss(value, gradient)"


class LossName(StrOptions):
    """Constraint of scikit-learn's parameter validation: the name of a loss."""

    def __init__(self, available: Any, hint: Any = _FUNCTION) -> None:
        super().__init__(set(available))
        self._hint = hint

    def __str__(self) -> str:
        return f"{super().__str__()} ({self._hint})"


def get_loss(loss: str | Loss, available: dict[str, Any]) -> Loss:
    """Make a loss from its name, or clone one.

    Parameters
    ----------
    loss : str or Loss
        Name of a loss with its default parameters, or a loss that is cloned.
    available : dict
        The losses that may be named: `CLASSIFICATION_LOSSES` or `REGRESSION_LOSSES`.

    Returns
    -------
    loss : Loss
        A new loss that is not bound to a target yet.

    Raises
    ------
    ValueError
        If there is no such loss; the message lists the names.

    Examples
    --------
    >>> from sknet.losses import REGRESSION_LOSSES, Huber, get_loss
    >>> get_loss("squared_error", REGRESSION_LOSSES)
    SquaredError()
    >>> get_loss(Huber(delta=2.0), REGRESSION_LOSSES)
    Huber(delta=2.0)
    """
    return named_component(loss, available, Loss, "loss")
