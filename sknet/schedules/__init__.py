"""Learning-rate schedules: pure functions of the progress of training.

The rate of a step is ``learning_rate_init * schedule.factor(progress)``.
"""

from ..base import named_component
from .base import Progress, Schedule
from .constant import Adaptive, Constant
from .cosine import Cosine, FlatCosine, LogCosine, OneCycle
from .decay import Exponential, InvScaling, Step

__all__ = [
    "SCHEDULES",
    "Adaptive",
    "Constant",
    "Cosine",
    "Exponential",
    "FlatCosine",
    "InvScaling",
    "LogCosine",
    "OneCycle",
    "Progress",
    "Schedule",
    "Step",
    "get_schedule",
]

#: The schedules by name.
SCHEDULES = {
    "constant": Constant,
    "invscaling": InvScaling,
    "adaptive": Adaptive,
    "step": Step,
    "exponential": Exponential,
    "cosine": Cosine,
    "flat_cosine": FlatCosine,
    "log_cosine": LogCosine,
    "one_cycle": OneCycle,
}


def get_schedule(schedule):
    """Return a fresh schedule for a name or a schedule.

    Parameters
    ----------
    schedule : str or Schedule
        A name in ``SCHEDULES``, or a schedule, which is cloned.

    Returns
    -------
    schedule : Schedule
        A new schedule.

    Raises
    ------
    ValueError
        If `schedule` is neither; the message lists the names.

    Examples
    --------
    >>> from sknet.schedules import get_schedule
    >>> get_schedule("one_cycle")
    OneCycle()
    """
    return named_component(schedule, SCHEDULES, Schedule, "learning_rate")
