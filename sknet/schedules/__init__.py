"""Learning-rate schedules: pure functions of the progress of training.

The rate of a step is ``learning_rate_init * schedule.factor(progress)``.
"""

from __future__ import annotations

from ..base import named_component
from ..typing import Function
from .base import Progress, Schedule
from .constant import Adaptive, Constant
from .cosine import Cosine, FlatCosine, LogCosine, OneCycle
from .cyclic import CosineRestarts, Cyclic
from .decay import Exponential, InverseTime, InvScaling, PiecewiseConstant, Step
from .function import FunctionSchedule
from .polynomial import Polynomial

__all__ = [
    "SCHEDULES",
    "Adaptive",
    "Constant",
    "Cosine",
    "CosineRestarts",
    "Cyclic",
    "Exponential",
    "FlatCosine",
    "FunctionSchedule",
    "InvScaling",
    "InverseTime",
    "LogCosine",
    "OneCycle",
    "PiecewiseConstant",
    "Polynomial",
    "Progress",
    "Schedule",
    "Step",
    "get_schedule",
]

#: The schedules by name.
SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "invscaling": InvScaling,
    "adaptive": Adaptive,
    "step": Step,
    "exponential": Exponential,
    "cosine": Cosine,
    "flat_cosine": FlatCosine,
    "log_cosine": LogCosine,
    "one_cycle": OneCycle,
    "cosine_restarts": CosineRestarts,
    "polynomial": Polynomial,
    "piecewise_constant": PiecewiseConstant,
    "inverse_time": InverseTime,
    "cyclic": Cyclic,
}


def get_schedule(schedule: str | Schedule | Function) -> Schedule:
    """Return a fresh schedule for a name, a schedule or a function.

    Parameters
    ----------
    schedule : str, Schedule or callable
        A name in ``SCHEDULES``; a schedule, which is cloned; or a function of the progress in
        [0, 1] that returns the factor. A function is tried at a few places.

    Returns
    -------
    schedule : Schedule
        A new schedule.

    Raises
    ------
    ValueError
        If `schedule` is none of these; the message lists the names. If a function returns
        something else than a number of at least 0.

    Examples
    --------
    >>> from sknet.schedules import get_schedule
    >>> get_schedule("one_cycle")
    OneCycle()
    """
    if callable(schedule) and not isinstance(schedule, type):
        schedule = FunctionSchedule(schedule)
    schedule = named_component(schedule, SCHEDULES, Schedule, "learning_rate")
    if isinstance(schedule, FunctionSchedule):
        schedule.check()
    return schedule
