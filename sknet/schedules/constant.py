"""Schedules whose factor is 1."""

from __future__ import annotations

from numbers import Real

from sklearn.utils._param_validation import Interval

from .base import Schedule


class Constant(Schedule):
    """The same rate throughout: factor = 1.

    Parameters
    ----------
    warmup : float, default=0.0
        Length in epochs of the linear ramp at the start; at least 0.

    Examples
    --------
    >>> from sknet.schedules import Constant, Progress
    >>> Constant(warmup=2.0).factor(Progress(fraction=0.0, epochs=0.0, samples=0, step=0.5))
    0.25
    """

    def _factor(self, progress):
        return 1.0


class Adaptive(Schedule):
    """A constant rate that the training loop lowers when the loss stops falling.

    The factor is 1, for the rate depends on more than progress: where training would stop for
    want of progress, the loop multiplies the rate by `shrink` and continues, until the rate is at
    `min_learning_rate`.

    Parameters
    ----------
    shrink : float, default=0.2
        What the rate is multiplied by each time, in (0, 1). The default divides by 5, as
        scikit-learn's MLP does.
    min_learning_rate : float, default=1e-6
        The rate at which training stops instead; at least 0.
    warmup : float, default=0.0
        Length in epochs of the linear ramp at the start; at least 0.

    Examples
    --------
    >>> from sknet.schedules import Adaptive, Progress
    >>> Adaptive().factor(Progress(fraction=0.5, epochs=5.0, samples=500, step=0.5))
    1.0
    """

    _parameter_constraints = {
        **Schedule._parameter_constraints,
        "shrink": [Interval(Real, 0, 1, closed="neither")],
        "min_learning_rate": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self, *, shrink: float = 0.2, min_learning_rate: float = 1e-6, warmup: float = 0.0
    ) -> None:
        super().__init__(warmup=warmup)
        self.shrink = shrink
        self.min_learning_rate = min_learning_rate

    def _factor(self, progress):
        return 1.0
