"""A schedule that falls as a power of what is left of the planned training."""

from __future__ import annotations

from numbers import Real

from sklearn.utils._param_validation import Interval

from .base import Schedule


class Polynomial(Schedule):
    """A power of the part of training that is left, from 1 to `final`.

    factor = final + (1 - final) * (1 - fraction) ** power.

    Parameters
    ----------
    power : float, default=1.0
        The exponent, above 0; 1 is a straight line.
    final : float, default=0.0
        The factor at the end of training, in [0, 1].
    warmup : float, default=0.0
        Length in epochs of the linear ramp at the start; at least 0.

    Examples
    --------
    >>> from sknet.schedules import Polynomial, Progress
    >>> Polynomial(power=2).factor(Progress(fraction=0.5, epochs=5.0, samples=500, step=0.5))
    0.25
    """

    has_end = True
    _parameter_constraints = {
        **Schedule._parameter_constraints,
        "power": [Interval(Real, 0, None, closed="neither")],
        "final": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, *, power: float = 1.0, final: float = 0.0, warmup: float = 0.0) -> None:
        super().__init__(warmup=warmup)
        self.power = power
        self.final = final

    def _factor(self, progress):
        return self.final + (1.0 - self.final) * (1.0 - progress.fraction) ** self.power
