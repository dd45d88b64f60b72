"""Optimizers: rules that turn gradients into steps of one flat parameter vector, in place."""

import math
from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.utils._param_validation import Interval

from .base import Component, Workspace

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

_FRACTION = [Interval(Real, 0, 1, closed="left")]
_POSITIVE = [Interval(Real, 0, None, closed="neither")]
_NON_NEGATIVE = [Interval(Real, 0, None, closed="left")]


class Group(NamedTuple):
    """Slice of the flat vector whose parameters are treated alike.

    Parameters
    ----------
    where : slice
        The elements of the vector, contiguous.
    rate_factor : float
        Multiplies the learning rate; 0 freezes the group.
    decay : bool
        Whether weight decay applies to the group.
    """

    where: slice
    rate_factor: float
    decay: bool


class Optimizer(Component, ABC):
    """Base of the optimizers that take one step for each gradient.

    `build` binds the optimizer to a vector of parameters, `update` moves them. A subclass
    writes `_move`, which updates one piece of the vector, and states `n_moments`, the number
    of vectors that it keeps between steps. A parameter named ``weight_decay`` is applied by
    this class, decoupled from the gradient: ``p *= 1 - learning_rate * weight_decay``.

    See Also
    --------
    sknet.testing.check_optimizer : Check that an optimizer of one's own keeps the contract.
    """

    n_moments = 0
    weight_decay = 0.0

    def build(self, params, groups):
        """Forget all state and bind to a vector of parameters.

        Parameters
        ----------
        params : ndarray of shape (P,)
            The parameters; only their number and dtype are read.
        groups : iterable of Group
            Disjoint slices of the vector. Parameters in no group are never moved.
        """
        self._t = 0
        self._moments = [np.zeros_like(params) for _ in range(self.n_moments)]
        length = _PIECE_BYTES // params.dtype.itemsize
        self._pieces = [
            (slice(start, min(start + length, group.where.stop)), group.rate_factor, group.decay)
            for group in self._merge(groups, len(params))
            for start in range(group.where.start, group.where.stop, length)
        ]
        self._work = Workspace(min(length, len(params)), params.dtype)
        self._work("step", (0,))  # made here, so that no update allocates

    def _merge(self, groups, n_params):
        """List the groups that move; neighbours that are treated alike become one."""
        decays = "weight_decay" in self.get_params(deep=False)
        merged = []
        for where, rate_factor, decay in sorted(groups, key=lambda g: g.where.indices(n_params)):
            start, stop, _ = where.indices(n_params)
            if start >= stop or rate_factor == 0:
                continue
            treatment = float(rate_factor), bool(decay and decays)
            if merged and merged[-1].where.stop == start and merged[-1][1:] == treatment:
                start = merged.pop().where.start
            merged.append(Group(slice(start, stop), *treatment))
        return merged

    def update(self, params, grads, learning_rate):
        """Take one step, in place.

        Parameters
        ----------
        params : ndarray of shape (P,)
            The parameters; written.
        grads : ndarray of shape (P,)
            Gradient of the loss with respect to the parameters; may be overwritten.
        learning_rate : float
            Rate of this step; a group's rate is ``learning_rate * rate_factor``.
        """
        self._t += 1
        learning_rate = float(learning_rate)  # a np.float64 would promote float32 arrays
        weight_decay = float(self.weight_decay)
        constants = self._constants()
        for where, rate_factor, decay in self._pieces:
            rate = learning_rate * rate_factor
            piece = params[where]
            if decay and weight_decay:
                np.multiply(piece, 1.0 - rate * weight_decay, out=piece)
            moments = [moment[where] for moment in self._moments]
            step = self._work("step", piece.shape)
            self._move(piece, grads[where], moments, step, rate, constants)
        if self._t % _FLUSH_INTERVAL == 0:
            self._flush()

    def _constants(self):
        """Numbers of this step that all pieces share, as Python floats."""
        return ()

    @abstractmethod
    def _move(self, params, grads, moments, step, rate, constants):
        """Update one piece and its moments in place; `step` is scratch of its length."""

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


def _accumulate(moment, value, decay):
    """Replace a moment by ``decay * moment + value``."""
    np.multiply(moment, decay, out=moment)
    np.add(moment, value, out=moment)


class SGD(Optimizer):
    """Stochastic gradient descent with momentum.

    ``v = momentum * v - rate * g``, then ``p += v`` or, with Nesterov's momentum,
    ``p += momentum * v - rate * g``: scikit-learn's rule, step by step.

    Parameters
    ----------
    momentum : float, default=0.9
        Share of the last step that is repeated, in [0, 1); 0 is plain gradient descent.
    nesterov : bool, default=True
        Whether to look ahead by Nesterov's rule.

    References
    ----------
    Sutskever et al., "On the importance of initialization and momentum in deep learning",
    ICML 2013, https://proceedings.mlr.press/v28/sutskever13.html

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.optimizers import SGD, Group
    >>> params = np.array([1.0, -2.0])
    >>> optimizer = SGD(momentum=0.0)
    >>> optimizer.build(params, [Group(slice(0, 2), 1.0, True)])
    >>> optimizer.update(params, np.array([1.0, 1.0]), 0.5)
    >>> params
    array([ 0.5, -2.5])
    """

    _parameter_constraints = {"momentum": _FRACTION, "nesterov": ["boolean"]}

    def __init__(self, momentum=0.9, nesterov=True):
        self.momentum = momentum
        self.nesterov = nesterov

    @property
    def n_moments(self):
        """Number of vectors kept between steps: 1, or 0 without momentum."""
        return int(self.momentum > 0)

    def _move(self, params, grads, moments, step, rate, constants):
        np.multiply(grads, rate, out=step)
        if not moments:
            np.subtract(params, step, out=params)
            return
        # The moment is momentum * v, which saves a pass of Nesterov's rule.
        (velocity,) = moments
        momentum = float(self.momentum)
        np.subtract(velocity, step, out=velocity)
        if self.nesterov:
            np.multiply(velocity, momentum, out=velocity)
            np.add(params, velocity, out=params)
            np.subtract(params, step, out=params)
        else:
            np.add(params, velocity, out=params)
            np.multiply(velocity, momentum, out=velocity)


class RMSprop(Optimizer):
    """Gradients divided by a running root of their mean square.

    ``v = rho * v + (1 - rho) * g**2`` and ``s = rate * g / sqrt(v + epsilon)``; then
    ``p -= s`` or, with momentum, ``b = momentum * b + s`` and ``p -= b``: Keras's rule.

    Parameters
    ----------
    rho : float, default=0.9
        Decay of the mean square, in [0, 1).
    epsilon : float, default=1e-7
        Added under the root, > 0.
    momentum : float, default=0.0
        Share of the last step that is repeated, in [0, 1).

    References
    ----------
    Tieleman and Hinton, "Neural Networks for Machine Learning", lecture 6.5, 2012,
    https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.optimizers import Group, RMSprop
    >>> params = np.array([1.0, -2.0])
    >>> optimizer = RMSprop(rho=0.75)
    >>> optimizer.build(params, [Group(slice(0, 2), 1.0, True)])
    >>> optimizer.update(params, np.array([4.0, -0.5]), 0.25)
    >>> params.round(3)
    array([ 0.5, -1.5])
    """

    _parameter_constraints = {"rho": _FRACTION, "epsilon": _POSITIVE, "momentum": _FRACTION}

    def __init__(self, rho=0.9, epsilon=1e-7, momentum=0.0):
        self.rho = rho
        self.epsilon = epsilon
        self.momentum = momentum

    @property
    def n_moments(self):
        """Number of vectors kept between steps: 2, or 1 without momentum."""
        return 1 + int(self.momentum > 0)

    def _move(self, params, grads, moments, step, rate, constants):
        # The moment is v / (1 - rho), which saves a pass.
        rho = float(self.rho)
        square, *velocity = moments
        np.multiply(grads, grads, out=step)
        _accumulate(square, step, rho)
        np.add(square, float(self.epsilon) / (1.0 - rho), out=step)
        np.sqrt(step, out=step)
        np.divide(grads, step, out=step)
        np.multiply(step, rate / math.sqrt(1.0 - rho), out=step)
        if velocity:
            (step_sum,) = velocity
            _accumulate(step_sum, step, float(self.momentum))
            step = step_sum
        np.subtract(params, step, out=params)


class Adam(Optimizer):
    """Adaptive moment estimation.

    ``m = beta_1 * m + (1 - beta_1) * g`` and ``v = beta_2 * v + (1 - beta_2) * g**2``; at
    step t ``p -= rate_t * m / (sqrt(v) + epsilon)`` with
    ``rate_t = rate * sqrt(1 - beta_2**t) / (1 - beta_1**t)``: scikit-learn's form.

    Parameters
    ----------
    beta_1 : float, default=0.9
        Decay of the mean of the gradients, in [0, 1).
    beta_2 : float, default=0.999
        Decay of the mean of their squares, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root of the mean square, > 0.

    References
    ----------
    Kingma and Ba, "Adam: A Method for Stochastic Optimization", arXiv:1412.6980

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.optimizers import Adam, Group
    >>> params = np.array([1.0, -2.0])
    >>> optimizer = Adam()
    >>> optimizer.build(params, [Group(slice(0, 2), 1.0, True)])
    >>> optimizer.update(params, np.array([4.0, -0.5]), 0.5)
    >>> params.round(3)
    array([ 0.5, -1.5])
    """

    n_moments = 2
    _parameter_constraints = {"beta_1": _FRACTION, "beta_2": _FRACTION, "epsilon": _POSITIVE}

    def __init__(self, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def _constants(self):
        # The moments are m / (1 - beta_1) and v / (1 - beta_2), which saves two passes; the
        # factors go into the rate and into epsilon.
        beta_1, beta_2 = float(self.beta_1), float(self.beta_2)
        root = math.sqrt(1.0 - beta_2)
        correction = math.sqrt(1.0 - beta_2**self._t) / (1.0 - beta_1**self._t)
        scale = correction * (1.0 - beta_1) / root
        return beta_1, beta_2, scale, float(self.epsilon) / root

    def _move(self, params, grads, moments, step, rate, constants):
        beta_1, beta_2, scale, epsilon = constants
        mean, square = moments
        _accumulate(mean, grads, beta_1)
        np.multiply(grads, grads, out=step)
        _accumulate(square, step, beta_2)
        direction = self._direction(mean, grads, step)
        np.sqrt(square, out=step)
        np.add(step, epsilon, out=step)
        np.divide(direction, step, out=step)
        np.multiply(step, scale * rate, out=step)
        np.subtract(params, step, out=params)

    def _direction(self, mean, grads, step):
        """Return the numerator of the step, over ``1 - beta_1``; may overwrite grads, step."""
        return mean


class AdamW(Adam):
    """Adam with decoupled weight decay.

    ``p *= 1 - rate * weight_decay`` on the groups that decay, then Adam's step.

    Parameters
    ----------
    weight_decay : float, default=1e-2
        Share of a weight that is lost in a step, per unit of the rate, >= 0.
    beta_1 : float, default=0.9
        Decay of the mean of the gradients, in [0, 1).
    beta_2 : float, default=0.999
        Decay of the mean of their squares, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root of the mean square, > 0.

    References
    ----------
    Loshchilov and Hutter, "Decoupled Weight Decay Regularization", arXiv:1711.05101

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.optimizers import AdamW, Group
    >>> params = np.array([1.0, -2.0])
    >>> optimizer = AdamW(weight_decay=0.5)
    >>> optimizer.build(params, [Group(slice(0, 1), 1.0, True), Group(slice(1, 2), 1.0, False)])
    >>> optimizer.update(params, np.zeros(2), 0.5)
    >>> params
    array([ 0.75, -2.  ])
    """

    _parameter_constraints = {"weight_decay": _NON_NEGATIVE, **Adam._parameter_constraints}

    def __init__(self, weight_decay=1e-2, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        super().__init__(beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
        self.weight_decay = weight_decay


class Nadam(Adam):
    """Adam with Nesterov's momentum, in the paper's form with a constant beta_1.

    With Adam's moments m and v, at step t
    ``m_hat = beta_1 * m / (1 - beta_1**(t + 1)) + (1 - beta_1) * g / (1 - beta_1**t)``,
    ``v_hat = v / (1 - beta_2**t)`` and ``p -= rate * m_hat / (sqrt(v_hat) + epsilon)``.
    Keras's Nadam adds a schedule of beta_1 to this.

    Parameters
    ----------
    beta_1 : float, default=0.9
        Decay of the mean of the gradients, in [0, 1).
    beta_2 : float, default=0.999
        Decay of the mean of their squares, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root of the corrected mean square, > 0.

    References
    ----------
    Dozat, "Incorporating Nesterov Momentum into Adam", ICLR 2016 workshop,
    https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.optimizers import Group, Nadam
    >>> params = np.array([1.0, -2.0])
    >>> optimizer = Nadam(beta_1=0.0)
    >>> optimizer.build(params, [Group(slice(0, 2), 1.0, True)])
    >>> optimizer.update(params, np.array([4.0, -0.5]), 0.5)
    >>> params.round(3)
    array([ 0.5, -1.5])
    """

    def _constants(self):
        # scale is Adam's; epsilon is added after the correction of v instead of before it.
        beta_1, beta_2, scale, epsilon = super()._constants()
        return beta_1, beta_2, scale, epsilon * math.sqrt(1.0 - beta_2**self._t)

    def _direction(self, mean, grads, step):
        beta_1, t = float(self.beta_1), self._t
        weight = beta_1 * (1.0 - beta_1**t) / (1.0 - beta_1 ** (t + 1))
        np.multiply(mean, weight, out=step)
        return np.add(grads, step, out=grads)


class Lion(Optimizer):
    """Evolved sign momentum: every parameter moves by the rate, up or down.

    ``p -= rate * (sign(beta_1 * m + (1 - beta_1) * g) + weight_decay * p)``, then
    ``m = beta_2 * m + (1 - beta_2) * g``. Rates 3 to 10 times smaller than Adam's suit it.

    Parameters
    ----------
    beta_1 : float, default=0.9
        Weight of the mean against the gradient in a step, in [0, 1).
    beta_2 : float, default=0.99
        Decay of the mean of the gradients, in [0, 1).
    weight_decay : float, default=0.0
        Share of a weight that is lost in a step, per unit of the rate, >= 0.

    References
    ----------
    Chen et al., "Symbolic Discovery of Optimization Algorithms", arXiv:2302.06675

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.optimizers import Group, Lion
    >>> params = np.array([1.0, -2.0, 3.0])
    >>> optimizer = Lion()
    >>> optimizer.build(params, [Group(slice(0, 3), 1.0, True)])
    >>> optimizer.update(params, np.array([4.0, -0.5, 0.0]), 0.25)
    >>> params
    array([ 0.75, -1.75,  3.  ])
    """

    n_moments = 1
    _parameter_constraints = {
        "beta_1": _FRACTION,
        "beta_2": _FRACTION,
        "weight_decay": _NON_NEGATIVE,
    }

    def __init__(self, beta_1=0.9, beta_2=0.99, weight_decay=0.0):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.weight_decay = weight_decay

    def _move(self, params, grads, moments, step, rate, constants):
        # The moment is m / (1 - beta_2), and the argument of the sign is over 1 - beta_1.
        beta_1, beta_2 = float(self.beta_1), float(self.beta_2)
        (mean,) = moments
        np.multiply(mean, beta_1 * (1.0 - beta_2) / (1.0 - beta_1), out=step)
        np.add(step, grads, out=step)
        _accumulate(mean, grads, beta_2)
        # sign(step), 0 at 0, exact from 2e-31 up in float32. np.sign branches on every element:
        # one update of 500,000 took 2.5 ms with it.
        np.abs(step, out=grads)
        np.add(grads, float(np.finfo(step.dtype).tiny), out=grads)
        np.divide(step, grads, out=step)
        np.multiply(step, rate, out=step)
        np.subtract(params, step, out=params)


class LBFGS(Component):
    """Limited-memory BFGS over the whole training set, by SciPy's L-BFGS-B.

    It chooses its own steps and asks for the loss as often as it needs, so it is not an
    `Optimizer`: it has no rate and no `update`, but `minimize`.

    Parameters
    ----------
    max_fun : int, default=15000
        Number of evaluations of the loss after which to stop, >= 1.
    maxcor : int, default=10
        Number of past steps that approximate the curvature, >= 1.

    References
    ----------
    Byrd et al., "A Limited Memory Algorithm for Bound Constrained Optimization",
    SIAM J. Sci. Comput. 16(5), 1995, https://doi.org/10.1137/0916069

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.optimize import rosen, rosen_der
    >>> from sknet.optimizers import LBFGS
    >>> result = LBFGS().minimize(
    ...     lambda x: (rosen(x), rosen_der(x)), np.zeros(3), max_iter=100, tol=1e-8
    ... )
    >>> result.x.round(3)
    array([1., 1., 1.])
    """

    _parameter_constraints = {
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "maxcor": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, max_fun=15000, maxcor=10):
        self.max_fun = max_fun
        self.maxcor = maxcor

    def minimize(self, value_and_gradient, params, max_iter, tol, callback=None):
        """Minimize a function from the given parameters on.

        Parameters
        ----------
        value_and_gradient : callable
            Maps a float64 vector of shape (P,) to the loss, a float, and its gradient, of
            shape (P,); the gradient may be the same array in every call.
        params : ndarray of shape (P,)
            Where to start, of any float dtype; not written.
        max_iter : int
            Number of iterations after which to stop, >= 1.
        tol : float
            Largest absolute element of the gradient at which to stop, > 0.
        callback : callable, default=None
            Called as ``callback(x, loss)`` after every iteration; returning True stops.

        Returns
        -------
        result : scipy.optimize.OptimizeResult
            Its ``x`` is the float64 solution, ``fun`` the loss there, ``nit`` the number of
            iterations, and ``message`` why it stopped.
        """

        def evaluate(x):
            value, gradient = value_and_gradient(x)
            return float(value), np.asarray(gradient, dtype=np.float64)

        # SciPy hands over the loss only to a callback with exactly this parameter's name.
        def stop_on_true(intermediate_result):
            if callback(intermediate_result.x, float(intermediate_result.fun)):
                raise StopIteration

        return minimize(
            evaluate,
            np.array(params, dtype=np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=None if callback is None else stop_on_true,
            options={
                "maxfun": self.max_fun,
                "maxiter": max_iter,
                "gtol": tol,
                "maxcor": self.maxcor,
            },
        )


OPTIMIZERS = {
    "adam": Adam,
    "adamw": AdamW,
    "lbfgs": LBFGS,
    "lion": Lion,
    "nadam": Nadam,
    "rmsprop": RMSprop,
    "sgd": SGD,
}


def get_optimizer(optimizer):
    """Return a new optimizer from a name or from an optimizer.

    Parameters
    ----------
    optimizer : str, Optimizer or LBFGS
        One of the names in ``OPTIMIZERS``, or an object, which is cloned.

    Returns
    -------
    optimizer : Optimizer or LBFGS
        An unbuilt optimizer.

    Raises
    ------
    ValueError
        If it is neither a known name nor an optimizer.

    Examples
    --------
    >>> from sknet.optimizers import get_optimizer
    >>> get_optimizer("lion")
    Lion()
    """
    if isinstance(optimizer, (Optimizer, LBFGS)):
        return clone(optimizer)
    if isinstance(optimizer, str) and optimizer in OPTIMIZERS:
        return OPTIMIZERS[optimizer]()
    raise ValueError(
        f"The optimizer must be one of {', '.join(map(repr, OPTIMIZERS))} or an optimizer "
        f"object such as Adam(), got {optimizer!r}."
    )
