"""Schedules made of cosine waves over the planned training."""

from __future__ import annotations

import math
from numbers import Integral, Real

from sklearn.utils._param_validation import Interval

from .base import Schedule


class Cosine(Schedule):
    """Half a cosine wave from 1 to `final` over the planned training [1]_.

    factor = final + (1 - final) * (1 + cos(pi * fraction)) / 2.

    Parameters
    ----------
    final : float, default=0.0
        The factor at the end of training, in [0, 1].
    warmup : float, default=0.0
        Length in epochs of the linear ramp at the start; at least 0.

    References
    ----------
    .. [1] Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2016,
       arXiv:1608.03983

    Examples
    --------
    >>> from sknet.schedules import Cosine, Progress
    >>> round(Cosine().factor(Progress(fraction=0.5, epochs=5.0, samples=500, step=0.5)), 6)
    0.5
    """

    has_end = True
    _parameter_constraints = {
        **Schedule._parameter_constraints,
        "final": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, *, final: float = 0.0, warmup: float = 0.0) -> None:
        super().__init__(warmup=warmup)
        self.final = final

    def _factor(self, progress):
        return _cosine(1.0, self.final, progress.fraction)


class FlatCosine(Schedule):
    """A constant rate, then half a cosine wave from 1 to `final` [1]_.

    The factor is 1 while fraction < flat_fraction, and after that
    final + (1 - final) * (1 + cos(pi * (fraction - flat_fraction) / (1 - flat_fraction))) / 2.

    Parameters
    ----------
    flat_fraction : float, default=0.5
        Part of the training in which the rate is constant, in [0, 1).
    final : float, default=0.0
        The factor at the end of training, in [0, 1].
    warmup : float, default=0.0
        Length in epochs of the linear ramp at the start; at least 0.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn and Steinwart, "Better by default: strong pre-tuned MLPs and
       boosted trees on tabular data", 2024, arXiv:2407.04491

    Examples
    --------
    >>> from sknet.schedules import FlatCosine, Progress
    >>> schedule = FlatCosine()
    >>> schedule.factor(Progress(fraction=0.4, epochs=4.0, samples=400, step=0.5))
    1.0
    >>> round(schedule.factor(Progress(fraction=0.75, epochs=7.5, samples=750, step=0.5)), 6)
    0.5
    """

    has_end = True
    _parameter_constraints = {
        **Schedule._parameter_constraints,
        "flat_fraction": [Interval(Real, 0, 1, closed="left")],
        "final": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self, *, flat_fraction: float = 0.5, final: float = 0.0, warmup: float = 0.0
    ) -> None:
        super().__init__(warmup=warmup)
        self.flat_fraction = flat_fraction
        self.final = final

    def _factor(self, progress):
        falling = max(0.0, progress.fraction - self.flat_fraction)
        return _cosine(1.0, self.final, falling / (1.0 - self.flat_fraction))


class LogCosine(Schedule):
    """Cosine waves between 0 and 1, each twice as long as the one before [1]_.

    factor = (1 - cos(2 * pi * log2(1 + (2**n_cycles - 1) * fraction))) / 2.

    Every cycle rises from 0 to 1 and falls back to 0, so training ends a cycle with a small rate
    several times, early and late, and the best epoch may be chosen among these. The factor is 0
    in the first step and where a step begins exactly at the end of a cycle.

    Parameters
    ----------
    n_cycles : int, default=4
        Number of waves, at least 1. With 4, as in RealMLP, they end after 1/15, 3/15, 7/15 and
        all of the training.
    warmup : float, default=0.0
        Length in epochs of the linear ramp at the start; at least 0.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn and Steinwart, "Better by default: strong pre-tuned MLPs and
       boosted trees on tabular data", 2024, arXiv:2407.04491

    Examples
    --------
    >>> from sknet.schedules import LogCosine, Progress
    >>> schedule = LogCosine(n_cycles=2)
    >>> fractions = [0.0, 1 / 3, 1.0]
    >>> [round(schedule.factor(Progress(f, 3.0, 300, 0.1)), 6) for f in fractions]
    [0.0, 0.0, 0.0]
    """

    has_end = True
    _parameter_constraints = {
        **Schedule._parameter_constraints,
        "n_cycles": [Interval(Integral, 1, 100, closed="both")],
    }

    def __init__(self, *, n_cycles: int = 4, warmup: float = 0.0) -> None:
        super().__init__(warmup=warmup)
        self.n_cycles = n_cycles

    def _factor(self, progress):
        cycles = math.log2(1.0 + (2.0**self.n_cycles - 1.0) * progress.fraction)
        return math.sin(math.pi * cycles) ** 2


class OneCycle(Schedule):
    """One rise and one longer fall of the rate over the planned training [1]_.

    ``learning_rate_init`` is the peak rate. The factor rises along half a cosine wave from
    ``1 / div_factor`` to 1 while fraction < pct_start, then falls along another to
    ``1 / (div_factor * final_div_factor)``, with the defaults of PyTorch's ``OneCycleLR``.

    Parameters
    ----------
    pct_start : float, default=0.3
        Part of the training in which the rate rises, in [0, 1).
    div_factor : float, default=25.0
        The peak rate divided by the first; at least 1.
    final_div_factor : float, default=1e4
        The first rate divided by the last; more than 0.
    warmup : float, default=0.0
        Length in epochs of the linear ramp at the start; at least 0.

    References
    ----------
    .. [1] Smith and Topin, "Super-convergence: very fast training of neural networks using
       large learning rates", 2017, arXiv:1708.07120

    Examples
    --------
    >>> from sknet.schedules import OneCycle, Progress
    >>> schedule = OneCycle()
    >>> schedule.factor(Progress(fraction=0.0, epochs=0.0, samples=0, step=0.5))
    0.04
    >>> schedule.factor(Progress(fraction=0.3, epochs=3.0, samples=300, step=0.5))
    1.0
    """

    has_end = True
    _parameter_constraints = {
        **Schedule._parameter_constraints,
        "pct_start": [Interval(Real, 0, 1, closed="left")],
        "div_factor": [Interval(Real, 1, None, closed="left")],
        "final_div_factor": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        warmup: float = 0.0,
    ) -> None:
        super().__init__(warmup=warmup)
        self.pct_start = pct_start
        self.div_factor = div_factor
        self.final_div_factor = final_div_factor

    def _factor(self, progress):
        first = 1.0 / self.div_factor
        if progress.fraction < self.pct_start:
            return _cosine(first, 1.0, progress.fraction / self.pct_start)
        done = (progress.fraction - self.pct_start) / (1.0 - self.pct_start)
        return _cosine(1.0, first / self.final_div_factor, done)


def _cosine(start, end, fraction):
    """Go from start to end along half a cosine wave."""
    part = (1.0 + math.cos(math.pi * fraction)) / 2.0
    return part * start + (1.0 - part) * end
