"""What all schedules share: the progress of training, and the linear warm-up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Real
from typing import Any, NamedTuple

from sklearn.utils._param_validation import Interval

from ..base import Component
from ..custom import OF_SCHEDULES, check_calls


class Progress(NamedTuple):
    """Where training stands at the start of a step.

    Parameters
    ----------
    fraction : float
        Part of the planned training that is done, in [0, 1].
    epochs : float
        Epochs done, the part of the current one included.
    samples : int
        Rows seen.
    step : float
        Length of one step, in epochs.

    Examples
    --------
    >>> from sknet.schedules import Progress
    >>> Progress(fraction=0.25, epochs=2.5, samples=250, step=0.1).epochs
    2.5
    """

    fraction: float
    epochs: float
    samples: int
    step: float


class Schedule(Component, ABC):
    """How the learning rate changes over training.

    A subclass implements ``_factor(progress)``; the linear warm-up [1]_ is applied here. Its
    ``__init__`` takes `warmup` among its own parameters.

    Parameters
    ----------
    warmup : float, default=0.0
        Length in epochs, at least 0, of a linear ramp from 0 to 1 that multiplies the factor.
        A step gets the height of the ramp at its end, so the first step's rate is not 0.

    References
    ----------
    .. [1] Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", 2017,
       arXiv:1706.02677

    Examples
    --------
    >>> from sknet.schedules import Progress, Schedule
    >>> class Linear(Schedule):
    ...     def _factor(self, progress):
    ...         return 1.0 - progress.fraction
    >>> Linear().factor(Progress(fraction=0.25, epochs=5.0, samples=500, step=0.5))
    0.75
    """

    #: Whether the shape has an end, for which all planned epochs are needed.
    has_end = False
    _hint_by_position = " The learning rate is learning_rate_init of the estimator."
    _parameter_constraints = {"warmup": [Interval(Real, 0, None, closed="left")]}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_calls(cls, OF_SCHEDULES)

    def __init__(self, *, warmup: float = 0.0) -> None:
        self.warmup = warmup

    def factor(self, progress: Progress) -> float:
        """Return what the initial learning rate is multiplied by.

        Parameters
        ----------
        progress : Progress
            Where training stands at the start of the step.

        Returns
        -------
        factor : float
            The factor of this step.
        """
        return float(self._ramp(progress) * self._factor(progress))

    def _ramp(self, progress):
        if self.warmup == 0:
            return 1.0
        return min(1.0, (progress.epochs + progress.step) / self.warmup)

    @abstractmethod
    def _factor(self, progress):
        """Return the factor without the warm-up."""
