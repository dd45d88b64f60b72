"""Schedules that decay with the epochs or the rows seen, whatever the planned training."""

from __future__ import annotations

import math
from itertools import pairwise
from numbers import Real
from typing import Any

from sklearn.utils._param_validation import Interval

from .base import Schedule

# A count of epochs summed up from steps may end a rounding error short of a whole number.
_ROUNDING = 1e-9


class InvScaling(Schedule):
    """Decay by a power of the rows seen: factor = 1 / (samples + 1)**power_t.

    As in scikit-learn's MLP, the rate changes at the end of an epoch: samples are the rows seen
    in whole epochs.

    Parameters
    ----------
    power_t : float, default=0.5
        The exponent; at least 0.
    warmup : float, default=0.0
        Length in epochs of the linear ramp at the start; at least 0.

    Examples
    --------
    >>> from sknet.schedules import InvScaling, Progress
    >>> InvScaling().factor(Progress(fraction=0.3, epochs=3.0, samples=99, step=0.5))
    0.1
    """

    _parameter_constraints = {
        **Schedule._parameter_constraints,
        "power_t": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, *, power_t: float = 0.5, warmup: float = 0.0) -> None:
        super().__init__(warmup=warmup)
        self.power_t = power_t

    def _factor(self, progress):
        whole = math.floor(progress.epochs + _ROUNDING)
        samples = round(progress.samples * whole / progress.epochs) if whole else 0
        return 1.0 / (samples + 1) ** self.power_t


class Step(Schedule):
    """A drop every few epochs: factor = drop**floor(epochs / every).

    Parameters
    ----------
    drop : float, default=0.5
        What the rate is multiplied by each time, in (0, 1].
    every : float, default=50
        Epochs from one drop to the next; more than 0.
    warmup : float, default=0.0
        Length in epochs of the linear ramp at the start; at least 0.

    Examples
    --------
    >>> from sknet.schedules import Progress, Step
    >>> Step(every=10).factor(Progress(fraction=0.5, epochs=25.0, samples=2500, step=0.5))
    0.25
    """

    _parameter_constraints = {
        **Schedule._parameter_constraints,
        "drop": [Interval(Real, 0, 1, closed="right")],
        "every": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, *, drop: float = 0.5, every: float = 50, warmup: float = 0.0) -> None:
        super().__init__(warmup=warmup)
        self.drop = drop
        self.every = every

    def _factor(self, progress):
        return self.drop ** math.floor((progress.epochs + _ROUNDING) / self.every)


class Exponential(Schedule):
    """Exponential decay: factor = decay**epochs, at every step.

    Parameters
    ----------
    decay : float, default=0.98
        What one epoch multiplies the rate by, in (0, 1].
    warmup : float, default=0.0
        Length in epochs of the linear ramp at the start; at least 0.

    Examples
    --------
    >>> from sknet.schedules import Exponential, Progress
    >>> Exponential(decay=0.5).factor(Progress(fraction=0.2, epochs=2.0, samples=9, step=0.5))
    0.25
    """

    _parameter_constraints = {
        **Schedule._parameter_constraints,
        "decay": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(self, *, decay: float = 0.98, warmup: float = 0.0) -> None:
        super().__init__(warmup=warmup)
        self.decay = decay

    def _factor(self, progress):
        return self.decay**progress.epochs


class InverseTime(Schedule):
    """Decay by the inverse of the time: factor = 1 / (1 + decay * epochs), at every step.

    Parameters
    ----------
    decay : float, default=0.1
        How fast: after 1 / decay epochs the rate is half of what it was; at least 0.
    warmup : float, default=0.0
        Length in epochs of the linear ramp at the start; at least 0.

    References
    ----------
    .. [1] Robbins and Monro, "A stochastic approximation method", The Annals of Mathematical
       Statistics 22, 1951.

    Examples
    --------
    >>> from sknet.schedules import InverseTime, Progress
    >>> InverseTime(decay=0.5).factor(Progress(fraction=0.2, epochs=2.0, samples=9, step=0.5))
    0.5
    """

    _parameter_constraints = {
        **Schedule._parameter_constraints,
        "decay": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, *, decay: float = 0.1, warmup: float = 0.0) -> None:
        super().__init__(warmup=warmup)
        self.decay = decay

    def _factor(self, progress):
        return 1.0 / (1.0 + self.decay * progress.epochs)


class PiecewiseConstant(Schedule):
    """A factor of your choice between each two boundaries.

    The factor is ``factors[i]`` where i boundaries are reached.

    Parameters
    ----------
    boundaries : array-like of float, default=(50, 100, 150)
        Epochs at which the factor changes; above 0 and increasing.
    factors : array-like of float, default=(1.0, 0.1, 0.01, 0.001)
        One factor more than boundaries; at least 0.
    warmup : float, default=0.0
        Length in epochs of the linear ramp at the start; at least 0.

    Examples
    --------
    >>> from sknet.schedules import PiecewiseConstant, Progress
    >>> schedule = PiecewiseConstant(boundaries=[5, 8], factors=[1.0, 0.5, 0.1])
    >>> schedule.factor(Progress(fraction=0.6, epochs=6.0, samples=600, step=0.5))
    0.5
    """

    _parameter_constraints = {
        **Schedule._parameter_constraints,
        "boundaries": ["array-like"],
        "factors": ["array-like"],
    }

    def __init__(
        self,
        *,
        boundaries: Any = (50, 100, 150),
        factors: Any = (1.0, 0.1, 0.01, 0.001),
        warmup: float = 0.0,
    ) -> None:
        super().__init__(warmup=warmup)
        self.boundaries = boundaries
        self.factors = factors

    def _validate_params(self):
        super()._validate_params()
        ends = [0.0, *self.boundaries]
        is_right = all(isinstance(value, Real) for value in (*ends, *self.factors))
        if (
            not is_right
            or len(self.factors) != len(ends)
            or any(a >= b for a, b in pairwise(ends))
            or min(self.factors) < 0
        ):
            raise ValueError(
                "PiecewiseConstant expects boundaries above 0 that increase, and one factor of at "
                f"least 0 more than these; got boundaries={self.boundaries!r} and "
                f"factors={self.factors!r}."
            )

    def _factor(self, progress):
        reached = sum(progress.epochs + _ROUNDING >= end for end in self.boundaries)
        return self.factors[reached]
