"""Schedules that rise again: cycles and restarts."""

from __future__ import annotations

import math
from numbers import Real

from sklearn.utils._param_validation import Interval

from .base import Schedule

_POSITIVE = [Interval(Real, 0, None, closed="neither")]
_FRACTION = [Interval(Real, 0, 1, closed="both")]
# A count of epochs summed up from steps may end a rounding error short of a whole number.
_ROUNDING = 1e-9


class Cyclic(Schedule):
    """Triangles: up from `low` to 1 and down again, once a period [1]_.

    At the part c of a period, the factor is low + (top - low) * (1 - abs(2 c - 1)), where top is
    low + (1 - low) * shrink ** cycles after as many whole periods.

    Parameters
    ----------
    period : float, default=10
        Epochs from one lowest point to the next; above 0.
    low : float, default=0.1
        The factor at the lowest points, in [0, 1].
    shrink : float, default=1.0
        What the height of the triangles is multiplied by each time, in (0, 1].
    warmup : float, default=0.0
        Length in epochs of the linear ramp at the start; at least 0.

    References
    ----------
    .. [1] Smith, "Cyclical learning rates for training neural networks", 2015, arXiv:1506.01186

    Examples
    --------
    >>> from sknet.schedules import Cyclic, Progress
    >>> Cyclic(period=4, low=0.0).factor(Progress(fraction=0.2, epochs=1.0, samples=9, step=0.5))
    0.5
    """

    has_end = True
    _parameter_constraints = {
        **Schedule._parameter_constraints,
        "period": _POSITIVE,
        "low": _FRACTION,
        "shrink": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(
        self, *, period: int = 10, low: float = 0.1, shrink: float = 1.0, warmup: float = 0.0
    ) -> None:
        super().__init__(warmup=warmup)
        self.period = period
        self.low = low
        self.shrink = shrink

    def _factor(self, progress):
        periods = progress.epochs / self.period
        cycles = math.floor(periods + _ROUNDING)
        height = (1.0 - self.low) * self.shrink**cycles
        part = min(max(periods - cycles, 0.0), 1.0)
        return self.low + height * (1.0 - abs(2.0 * part - 1.0))


class CosineRestarts(Schedule):
    """Half a cosine wave from 1 to `final`, again and again, each time longer [1]_.

    At the part c of a period, the factor is
    final + (top - final) * (1 + cos(pi * c)) / 2, where top is 1 at first and is multiplied by
    `shrink` at each restart.

    Parameters
    ----------
    period : float, default=10
        Epochs until the first restart; above 0.
    growth : float, default=2.0
        What the period is multiplied by at each restart; at least 1.
    shrink : float, default=1.0
        What the factor that a period begins with is multiplied by, in (0, 1].
    final : float, default=0.0
        The factor at the end of a period, in [0, 1].
    warmup : float, default=0.0
        Length in epochs of the linear ramp at the start; at least 0.

    References
    ----------
    .. [1] Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2016,
       arXiv:1608.03983

    Examples
    --------
    >>> from sknet.schedules import CosineRestarts, Progress
    >>> schedule = CosineRestarts(period=10)  # which ends at 10, 30, 70, ... epochs
    >>> round(schedule.factor(Progress(fraction=0.2, epochs=20.0, samples=9, step=0.5)), 6)
    0.5
    """

    has_end = True
    _parameter_constraints = {
        **Schedule._parameter_constraints,
        "period": _POSITIVE,
        "growth": [Interval(Real, 1, None, closed="left")],
        "shrink": [Interval(Real, 0, 1, closed="right")],
        "final": _FRACTION,
    }

    def __init__(
        self,
        *,
        period: int = 10,
        growth: float = 2.0,
        shrink: float = 1.0,
        final: float = 0.0,
        warmup: float = 0.0,
    ) -> None:
        super().__init__(warmup=warmup)
        self.period = period
        self.growth = growth
        self.shrink = shrink
        self.final = final

    def _factor(self, progress):
        periods = progress.epochs / self.period + _ROUNDING
        if self.growth == 1:
            restarts = math.floor(periods)
            part = periods - restarts
        else:  # after n restarts (growth ** n - 1) / (growth - 1) first periods have passed
            restarts = math.floor(math.log1p(periods * (self.growth - 1)) / math.log(self.growth))
            begin = (self.growth**restarts - 1) / (self.growth - 1)
            part = (periods - begin) / self.growth**restarts
        top = max(self.shrink**restarts, self.final)
        wave = (1.0 + math.cos(math.pi * min(max(part - _ROUNDING, 0.0), 1.0))) / 2
        return self.final + (top - self.final) * wave
