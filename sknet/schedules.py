"""Learning-rate schedules: pure functions of the progress of training.

The rate of a step is ``learning_rate_init * schedule.factor(progress)``.
"""

import math
from abc import ABC, abstractmethod
from numbers import Real
from typing import NamedTuple

from sklearn.utils._param_validation import Interval

from .base import Component, named_component

__all__ = [
    "SCHEDULES",
    "Adaptive",
    "Constant",
    "Cosine",
    "Exponential",
    "InvScaling",
    "OneCycle",
    "Progress",
    "Schedule",
    "Step",
    "get_schedule",
]

# A count of epochs summed up from steps may end a rounding error short of a whole number.
_ROUNDING = 1e-9


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

    def __init__(self, *, warmup=0.0):
        self.warmup = warmup

    def factor(self, progress):
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

    def __init__(self, *, power_t=0.5, warmup=0.0):
        super().__init__(warmup=warmup)
        self.power_t = power_t

    def _factor(self, progress):
        whole = math.floor(progress.epochs + _ROUNDING)
        samples = round(progress.samples * whole / progress.epochs) if whole else 0
        return 1.0 / (samples + 1) ** self.power_t


class Adaptive(Schedule):
    """A constant rate that the training loop lowers when the loss stops falling.

    The factor is 1, for the rate depends on more than progress: where training would stop for
    want of progress, the loop multiplies the rate by `shrink` and goes on, until the rate is at
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

    def __init__(self, *, shrink=0.2, min_learning_rate=1e-6, warmup=0.0):
        super().__init__(warmup=warmup)
        self.shrink = shrink
        self.min_learning_rate = min_learning_rate

    def _factor(self, progress):
        return 1.0


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

    def __init__(self, *, drop=0.5, every=50, warmup=0.0):
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

    def __init__(self, *, decay=0.98, warmup=0.0):
        super().__init__(warmup=warmup)
        self.decay = decay

    def _factor(self, progress):
        return self.decay**progress.epochs


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

    def __init__(self, *, final=0.0, warmup=0.0):
        super().__init__(warmup=warmup)
        self.final = final

    def _factor(self, progress):
        return _cosine(1.0, self.final, progress.fraction)


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

    def __init__(self, *, pct_start=0.3, div_factor=25.0, final_div_factor=1e4, warmup=0.0):
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


#: The schedules by name.
SCHEDULES = {
    "constant": Constant,
    "invscaling": InvScaling,
    "adaptive": Adaptive,
    "step": Step,
    "exponential": Exponential,
    "cosine": Cosine,
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
