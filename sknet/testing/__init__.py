"""Checks of custom layers, losses and optimizers, as scikit-learn's `check_estimator`.

Each raises AssertionError with one sentence about the first rule that is broken, and returns
None otherwise. They need no test framework.
"""

from .layers import check_layer
from .losses import check_loss
from .optimizers import check_optimizer

__all__ = ["check_layer", "check_loss", "check_optimizer"]
