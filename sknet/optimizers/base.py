"""What all optimizers share: groups of parameters, and the walk over pieces of the vector."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from ..base import Component, Workspace
from ..custom import OF_OPTIMIZERS, check_calls
from ..functions import with_picklable_functions
from ..kernels.numpy_kernels.optimizers import take_off
from ..schedules import SCHEDULES, Schedule, get_schedule
from ..schedules.base import Progress
from ..typing import Array

# Bytes of one vector that are worked on at a time: 65,536 elements in float32, 32,768 in
# float64. Microseconds for the ten passes of Adam, best of many, 1 MiB of L2 a core, 32 MiB of L3:
#
#     elements a piece     4k    8k   16k   32k   64k  whole
#     float32    30,000    62    41    31    26           27
#     float32   500,000   977   724   551   468   445    458
#     float32 2,000,000  5381  3678  2750  2371  2246   2354
#     float64    30,000    97    77    71    65           64
#     float64   500,000  1692  1441  1237  1214  1187   1161
#     float64 2,000,000  8034  6586  6045  5805  5924   6945
#
# 2,000 parameters are always one piece (6 and 8 us). Smaller pieces lose to the cost of
# a call; the whole vector loses where it does not fit the cache and needs scratch of its size.
# BLAS axpy for the last step won 0 to 6 percent of the large vectors with such pieces; it may
# fuse multiply and add, and then the last bit could depend on how its threads cut the vector.
_PIECE_BYTES = 2**18

# Steps between two sweeps that set moments near underflow to zero; see Optimizer._flush.
_FLUSH_INTERVAL = 200

# Constraints that several optimizers put on their parameters.
FRACTION: list[Any] = [Interval(Real, 0, 1, closed="left")]
POSITIVE: list[Any] = [Interval(Real, 0, None, closed="neither")]
NON_NEGATIVE: list[Any] = [Interval(Real, 0, None, closed="left")]
# An adaptive schedule is one of the learning rate, which the estimator lowers.
DECAY_SCHEDULE: list[Any] = [StrOptions(set(SCHEDULES) - {"adaptive"}), Schedule, callable, None]


class Group(NamedTuple):
    """Slice of the flat vector whose parameters are treated alike.

    Parameters
    ----------
    where : slice
        The elements of the vector, contiguous.
    rate_factor : float
        Multiplies the learning rate; 0 freezes the group.
    decay : float
        Multiplies weight decay; 0 or False keeps it from the group.
    shapes : tuple of tuple of int, default=()
        Shapes of the arrays that the slice consists of, one after the other, for optimizers that
        treat each array as a whole; empty where that is not known.

    Examples
    --------
    >>> from sknet.optimizers import Group
    >>> Group(slice(0, 6), rate_factor=0.1, decay=False).where.stop
    6
    """

    where: slice
    rate_factor: float
    decay: float
    shapes: tuple = ()


class Optimizer(Component, ABC):
    """Base of the optimizers that take one step for each gradient.

    `build` binds the optimizer to a vector of parameters, `update` moves them. A subclass
    writes `_step`, which returns what to take off one piece of the vector, and states
    `n_moments`, the number of vectors that it keeps between steps. A parameter named
    ``weight_decay`` is applied by this class, decoupled from the gradient:
    ``p *= 1 - learning_rate * weight_decay``. It may follow a schedule of its own, the parameter
    ``weight_decay_schedule``.

    See Also
    --------
    sknet.testing.check_optimizer : Check that a custom optimizer keeps the contract.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet import NeuralRegressor
    >>> from sknet.optimizers import Optimizer
    >>> class Signs(Optimizer):
    ...     def _step(self, grads, moments, out, rate, constants):
    ...         return np.multiply(np.sign(grads, out=out), rate, out=out)
    >>> NeuralRegressor(solver=Signs(), max_iter=2, tol=0).fit(np.eye(3), [1, 2, 3]).n_iter_
    2
    """

    _hint_by_position = " The learning rate is learning_rate_init of the estimator."
    n_moments = 0
    weight_decay: float = 0.0
    weight_decay_schedule = None
    _is_one = False  # whether all parameters are one piece

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_calls(cls, OF_OPTIMIZERS)

    def build(self, params: Array, groups: Iterable[Group]) -> None:
        """Forget all state and bind to a vector of parameters.

        Parameters
        ----------
        params : ndarray of shape (P,)
            The parameters; only their number and dtype are read.
        groups : iterable of Group
            Disjoint slices of the vector. Parameters in no group are never moved.
        """
        self._t = 0
        self._n_moved = np.zeros(1, np.int64)  # an array, so that kernels can count
        schedule = self.weight_decay_schedule
        self._decay_schedule = None if schedule is None else get_schedule(schedule)
        self._moments = [np.zeros_like(params) for _ in range(self.n_moments)]
        length = _PIECE_BYTES // params.dtype.itemsize
        self._pieces = [
            (slice(start, min(start + length, group.where.stop)), group.rate_factor, group.decay)
            for group in self._merge(groups, len(params))
            for start in range(group.where.start, group.where.stop, length)
        ]
        self._is_one = [where for where, _, _ in self._pieces] == [slice(0, len(params))]
        self._work = Workspace(min(length, len(params)), params.dtype)
        self._work("step", (0,))  # made here, so that no update allocates

    def _merge(self, groups, n_params):
        """List the groups that move; neighbours that are treated alike become one."""
        decays = "weight_decay" in vars(self)
        merged = []
        for where, rate_factor, decay, _ in sorted(groups, key=lambda g: _order(g, n_params)):
            start, stop, _ = where.indices(n_params)
            if start >= stop or rate_factor == 0:
                continue
            treatment = float(rate_factor), float(decay) * decays
            if merged and merged[-1].where.stop == start and merged[-1][1:3] == treatment:
                start = merged.pop().where.start
            merged.append(Group(slice(start, stop), *treatment))
        return merged

    def update(
        self, params: Array, grads: Array, learning_rate: float, progress: Progress | None = None
    ) -> None:
        """Take one step, in place.

        Parameters
        ----------
        params : ndarray of shape (P,)
            The parameters; written.
        grads : ndarray of shape (P,)
            Gradient of the loss with respect to the parameters. Where these move, it is
            overwritten by what they were before: `undo` takes them from there.
        learning_rate : float
            Rate of this step; a group's rate is ``learning_rate * rate_factor``.
        progress : Progress, default=None
            Where training stands, for a schedule of the weight decay; None is the start.
        """
        self._t += 1
        self._n_moved[0] = 0
        learning_rate = float(learning_rate)  # a np.float64 would promote float32 arrays
        weight_decay = float(self.weight_decay)
        if progress is not None and self._decay_schedule is not None:
            weight_decay *= self._decay_schedule.factor(progress)
        constants = self._constants()
        for where, rate_factor, decay in self._pieces:
            rate = learning_rate * rate_factor
            piece, gradient, moments = params, grads, self._moments
            if not self._is_one:
                piece, gradient = params[where], grads[where]
                moments = [moment[where] for moment in moments]
            work, shrink = self._work("step", piece.shape), 1.0 - rate * weight_decay * decay
            self._move(piece, gradient, self._n_moved, moments, work, shrink, rate, constants)
        if self._t % _FLUSH_INTERVAL == 0:
            self._flush()

    def undo(self, params: Array, grads: Array) -> None:
        """Put the parameters back as they were before the last `update`, once.

        The moments stay as they are.

        Parameters
        ----------
        params : ndarray of shape (P,)
            The parameters; written.
        grads : ndarray of shape (P,)
            The vector that `update` was given, unchanged since then.
        """
        for where, _, _ in self._pieces[: self._n_moved[0]]:
            np.copyto(params[where], grads[where])
        self._n_moved[0] = 0

    def __getstate__(self) -> dict[str, Any]:
        return with_picklable_functions(super().__getstate__(), self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_moments" in state:  # joblib may have mapped them read-only
            self._moments = [np.array(moment) for moment in self._moments]
            self._n_moved = np.array(self._n_moved)

    def _constants(self):
        """Numbers of this step that all pieces share, as Python floats."""
        return ()

    @abstractmethod
    def _step(self, grads, moments, out, rate, constants):
        """Return what to take off one piece of the parameters, and update its moments in place.

        `out` is scratch of the length of the piece; `grads` may be overwritten as well.
        """

    def _move(self, params, grads, moved, moments, work, shrink, rate, constants):
        """Move one piece of the parameters, leave in `grads` what they were, and count that."""
        take_off(params, grads, moved, self._step(grads, moments, work, rate, constants), shrink)

    def _flush(self):
        """Set moments near underflow to zero.

        A moment that gets no gradient decays until it is subnormal, stays there, as rounding
        undoes the decay, and makes the arithmetic slower for good: in float32 an Adam update
        took 1.2 times as long with one such moment and 1.7 times with both. Adding a number
        and subtracting it again rounds away all that is under `offset` times the dtype's
        epsilon, about 1e-28 in float32 and 1e-298 in float64.
        """
        for moment in self._moments:
            info = np.finfo(moment.dtype)
            offset = float(info.tiny) / float(info.eps) * 1e10
            for where, _, _ in self._pieces:
                piece = moment[where]
                np.add(piece, offset, out=piece)
                np.subtract(piece, offset, out=piece)


def _order(group, n_params):
    return group.where.indices(n_params)


class CompiledOptimizer(Optimizer):
    """Base of the optimizers whose steps are a kernel; a subclass may still write `_step`."""

    def _step(self, grads, moments, out, rate, constants):
        raise NotImplementedError("The step is part of the kernel.")

    def _move(self, params, grads, moved, moments, work, shrink, rate, constants):
        has_step = type(self)._step is not CompiledOptimizer._step
        move = super()._move if has_step else self._call_kernel
        move(params, grads, moved, moments, work, shrink, rate, constants)

    @abstractmethod
    def _call_kernel(self, params, grads, moved, moments, work, shrink, rate, constants):
        """Call the kernel for one piece of the parameters."""
