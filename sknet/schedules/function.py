"""A schedule that a plain function gives."""

from __future__ import annotations

from math import isfinite
from numbers import Real

from ..base import brief
from ..functions import FunctionComponent
from ..typing import Function
from .base import Schedule

#: Where the function is tried before training.
_TRIED = (0.0, 0.25, 0.5, 0.75, 1.0)


class FunctionSchedule(FunctionComponent, Schedule):
    """Schedule that is given by a plain function of the progress.

    Wherever a schedule is taken, the function itself may stand for it. Its value is a factor: the
    rate of a step is ``learning_rate_init`` times what it returns. All planned epochs are trained,
    as the shape may have an end.

    Parameters
    ----------
    function : callable
        ``function(progress)`` returns the factor, a number of at least 0, where the progress is
        the part of the planned training that is done: 0 at the first step, near 1 at the last.
    warmup : float, default=0.0
        Length in epochs of the linear ramp at the start; at least 0.

    See Also
    --------
    Schedule : The base class, for a schedule of epochs or with parameters.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.schedules import FunctionSchedule, Progress
    >>> def linear(progress):
    ...     return 1.0 - progress
    >>> FunctionSchedule(linear).factor(Progress(0.25, epochs=5.0, samples=500, step=0.5))
    0.75
    >>> network = NeuralClassifier(learning_rate=linear)
    """

    has_end = True
    _parameter_constraints = {**Schedule._parameter_constraints, "function": [callable]}

    def __init__(self, function: Function, *, warmup: float = 0.0) -> None:
        super().__init__(warmup=warmup)
        self.function = function

    def check(self) -> None:
        """Refuse a function that does not return a factor.

        Raises
        ------
        ValueError
            If what it returns is no number of at least 0; the message says where.
        """
        for fraction in _TRIED:
            self._at(fraction)

    def _factor(self, progress):
        return self._at(progress.fraction)

    def _at(self, fraction):
        factor = self.function(fraction)
        if not isinstance(factor, Real) or not isfinite(factor) or factor < 0:
            raise ValueError(
                f"{type(self).__name__}: the function of the progress has to return a factor, a "
                f"finite number of at least 0; at a progress of {fraction:.6g} it returned "
                f"{brief(factor)}."
            )
        return factor
