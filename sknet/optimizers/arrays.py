"""Optimizers that treat each array of weights as a whole."""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval

from ..kernels.numpy_kernels.optimizers import take_off
from ..typing import Array
from .adaptive import Adam
from .base import DECAY_SCHEDULE, FRACTION, NON_NEGATIVE, POSITIVE


class _ArrayOptimizer(Adam):
    """Base of the optimizers that look at whole kernels, and treat all else as AdamW does.

    Kernels are the arrays of at least two axes that weight decay applies to, of groups that
    say which shapes they consist of.
    """

    def build(self, params: Any, groups: int) -> None:
        """Forget all state and bind to a vector, of which each kernel is a piece."""
        groups = sorted(groups, key=lambda group: group.where.indices(len(params)))
        split = [part for group in groups for part in _arrays(group, len(params))]
        super().build(params, [group for group, _ in split])
        decays = "weight_decay" in vars(self)
        pieces = []
        for group, shape in split:
            if shape is not None and group.rate_factor:
                pieces.append(((group.where, group.rate_factor, group.decay * decays), shape))
        kernels = [piece[0] for piece, _ in pieces]
        pieces += [(piece, None) for piece in self._pieces if not _is_inside(piece[0], kernels)]
        self._pieces, self._shapes = [piece for piece, _ in pieces], [s for _, s in pieces]
        longest = max((where.stop - where.start for where, *_ in self._pieces), default=0)
        self._work("step", (longest,))

    def _merge(self, groups, n_params):
        # Each array stays a group of its own.
        merged = []
        for group in groups:
            merged += super()._merge([group], n_params)
        return merged

    def _move(self, params, grads, moved, moments, work, shrink, rate, constants):
        shape = self._shapes[int(moved[0])]
        move = super()._move if shape is None else self._move_kernel(shape)
        move(params, grads, moved, moments, work, shrink, rate, constants)


def _arrays(group, n_params):
    """Yield the parts of a group with their shapes, None for those that are no kernels."""
    start, stop, _ = group.where.indices(n_params)
    if not (group.shapes and group.decay):
        yield group._replace(where=slice(start, stop)), None
        return
    for shape in group.shapes:
        size = math.prod(shape)
        is_kernel = len(shape) > 1
        yield group._replace(where=slice(start, start + size)), shape if is_kernel else None
        start += size


def _is_inside(where, kernels):
    return any(kernel.start <= where.start < kernel.stop for kernel in kernels)


class LAMB(_ArrayOptimizer):
    """Adam with weight decay whose step is as long as the kernel, for large batches.

    With Adam's quotient ``r = m / (1 - beta_1**t) / (sqrt(v / (1 - beta_2**t)) + epsilon)`` and
    ``u = r + weight_decay * p``, a kernel moves by
    ``p -= rate * norm(p) / norm(u) * u``, and by ``rate * u`` where one of the norms is 0. All
    other weights, such as biases, move as with AdamW.

    Parameters
    ----------
    beta_1 : float, default=0.9
        Share of the mean of the gradients that is kept each step, in [0, 1).
    beta_2 : float, default=0.999
        Share of their mean square that is kept each step, in [0, 1).
    epsilon : float, default=1e-6
        Added to the root; above 0.
    weight_decay : float, default=0.01
        Share of the kernels in the step; at least 0. It does not apply to biases and the like.
    weight_decay_schedule : str, sknet.schedules.Schedule or callable, default=None
        What multiplies the weight decay over the training; None keeps it.

    References
    ----------
    .. [1] You et al., "Large batch optimization for deep learning: training BERT in 76 minutes",
       2019, arXiv:1904.00962

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.optimizers import LAMB, Group
    >>> params = np.array([3.0, 4.0])
    >>> optimizer = LAMB(weight_decay=0.0)
    >>> optimizer.build(params, [Group(slice(0, 2), 1.0, True, shapes=((2, 1),))])
    >>> optimizer.update(params, np.array([2.0, 2.0]), learning_rate=0.1)
    >>> params.round(3)
    array([2.646, 3.646])
    """

    _parameter_constraints = {
        **Adam._parameter_constraints,
        "weight_decay": NON_NEGATIVE,
        "weight_decay_schedule": DECAY_SCHEDULE,
    }

    def __init__(
        self,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-6,
        weight_decay: float = 0.01,
        weight_decay_schedule: Any = None,
    ) -> None:
        super().__init__(beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
        self.weight_decay = weight_decay
        self.weight_decay_schedule = weight_decay_schedule

    def _constants(self):
        # epsilon is added after the correction of v, as in the paper, and not before it.
        beta_1, beta_2, scale, epsilon, nesterov = super()._constants()
        return beta_1, beta_2, scale, epsilon * math.sqrt(1.0 - beta_2**self._t), nesterov

    def _move_kernel(self, shape):
        def move(params, grads, moved, moments, work, shrink, rate, constants):
            before = params.copy()
            super(_ArrayOptimizer, self)._move(
                params, grads, moved, moments, work, shrink, rate, constants
            )
            if rate == 0:
                return
            step = before - params  # of AdamW: rate * u
            length, size = float(np.linalg.norm(step)) / rate, float(np.linalg.norm(before))
            if length > 0 and size > 0:
                np.subtract(before, step * (size / length), out=params)

        return move


#: Of the polynomial whose iterations bring singular values to about 1.
_NEWTON_SCHULZ = 3.4445, -4.7750, 2.0315


class Muon(_ArrayOptimizer):
    """Momentum that is made orthogonal, for kernels; Adam for all other weights.

    ``b = momentum * b + g`` and ``d = g + momentum * b``. A kernel is a matrix of M inputs and N
    units; the step is ``0.2 * sqrt(max(M, N)) * rate * o``, where o is d with all singular
    values brought to about 1, by five steps of ``a x + (b x x' + c (x x')**2) x`` from
    d / norm(d). The factor gives it the size of an Adam step, so that one rate suits both.
    Weight decay is decoupled. Vectors, such as biases, and weights without decay, such as
    embeddings, move as with Adam.

    Parameters
    ----------
    momentum : float, default=0.95
        Share of the direction that is kept each step, in [0, 1).
    n_steps : int, default=5
        Iterations that make the step orthogonal, at least 1.
    beta_1 : float, default=0.9
        Of Adam: share of the mean of the gradients that is kept each step, in [0, 1).
    beta_2 : float, default=0.999
        Of Adam: share of their mean square that is kept each step, in [0, 1).
    epsilon : float, default=1e-8
        Of Adam: added to the root; above 0.
    weight_decay : float, default=0.01
        Decay of the kernels, times the rate, each step; at least 0.
    weight_decay_schedule : str, sknet.schedules.Schedule or callable, default=None
        What multiplies the weight decay over the training; None keeps it.

    References
    ----------
    .. [1] Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024,
       https://kellerjordan.github.io/posts/muon
    .. [2] Liu et al., "Muon is scalable for LLM training", 2025, arXiv:2502.16982

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.optimizers import Group, Muon
    >>> params = np.zeros(4)
    >>> optimizer = Muon()
    >>> optimizer.build(params, [Group(slice(0, 4), 1.0, True, shapes=((2, 2),))])
    >>> optimizer.update(params, np.array([3.0, 0.0, 0.0, 1.0]), learning_rate=0.1)
    >>> np.abs(params.reshape(2, 2)).round(2)
    array([[0.02, 0.  ],
           [0.  , 0.03]])
    """

    _parameter_constraints = {
        **Adam._parameter_constraints,
        "momentum": FRACTION,
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "epsilon": POSITIVE,
        "weight_decay": NON_NEGATIVE,
        "weight_decay_schedule": DECAY_SCHEDULE,
    }

    def __init__(
        self,
        *,
        momentum: float = 0.95,
        n_steps: int = 5,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
        weight_decay_schedule: Any = None,
    ) -> None:
        super().__init__(beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
        self.momentum = momentum
        self.n_steps = n_steps
        self.weight_decay = weight_decay
        self.weight_decay_schedule = weight_decay_schedule

    def _move_kernel(self, shape):
        momentum = float(self.momentum)

        def move(params, grads, moved, moments, work, shrink, rate, constants):
            velocity = moments[0]
            velocity *= momentum
            velocity += grads
            np.multiply(velocity, momentum, out=work)
            work += grads
            matrix = work.reshape(-1, shape[-1])
            matrix[...] = orthogonal(matrix, self.n_steps)
            work *= 0.2 * math.sqrt(max(matrix.shape)) * rate
            take_off(params, grads, moved, work, shrink)

        return move


def orthogonal(matrix: Array, n_steps: int) -> Array:
    """Return a matrix with the singular vectors of another, and singular values of about 1.

    Parameters
    ----------
    matrix : ndarray of shape (M, N)
        Left as it is.
    n_steps : int
        Number of iterations.

    Returns
    -------
    matrix : ndarray of shape (M, N)
        Zero where the given one is.
    """
    a, b, c = _NEWTON_SCHULZ
    x = matrix / max(float(np.linalg.norm(matrix)), float(np.finfo(matrix.dtype).tiny))
    is_tall = x.shape[0] > x.shape[1]
    x = x.T if is_tall else x
    for _ in range(n_steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if is_tall else x
