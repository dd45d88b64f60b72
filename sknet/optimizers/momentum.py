"""Optimizers that step along a momentum of the gradients."""

from __future__ import annotations

from typing import Any

from .. import kernels
from ..schedules.base import Schedule
from ..typing import Function
from .base import DECAY_SCHEDULE, FRACTION, NON_NEGATIVE, CompiledOptimizer


class SGD(CompiledOptimizer):
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

    _parameter_constraints = {"momentum": FRACTION, "nesterov": ["boolean"]}

    def __init__(self, *, momentum: float = 0.9, nesterov: bool = True) -> None:
        self.momentum = momentum
        self.nesterov = nesterov

    @property
    def n_moments(self) -> int:
        """Number of vectors kept between steps: 1, or 0 without momentum."""
        return int(self.momentum > 0)

    def _call_kernel(self, params, grads, moved, moments, work, shrink, rate, constants):
        velocity = moments[0] if moments else None
        kernels.sgd(
            *(params, grads, moved, velocity, work),
            *(shrink, rate, float(self.momentum), bool(self.nesterov)),
        )


class SGDW(SGD):
    """Stochastic gradient descent with momentum and decoupled weight decay.

    `SGD`, and ``p *= 1 - rate * weight_decay`` before each step, apart from the gradient, so
    that the decay does not go through the momentum.

    Parameters
    ----------
    momentum : float, default=0.9
        Share of the last step that is kept, in [0, 1).
    nesterov : bool, default=True
        Whether to look ahead: Nesterov's momentum.
    weight_decay : float, default=0.01
        Share of the kernels that is taken off in each step, times the rate; at least 0. It does
        not apply to biases and the like.
    weight_decay_schedule : str, sknet.schedules.Schedule or callable, default=None
        What multiplies the weight decay over the training; None keeps it.

    References
    ----------
    .. [1] Loshchilov and Hutter, "Decoupled weight decay regularization", 2017, arXiv:1711.05101

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.optimizers import SGDW, Group
    >>> params = np.array([1.0, -1.0])
    >>> optimizer = SGDW(momentum=0.0, weight_decay=0.5)
    >>> optimizer.build(params, [Group(slice(0, 1), 1.0, True), Group(slice(1, 2), 1.0, False)])
    >>> optimizer.update(params, np.array([1.0, 1.0]), learning_rate=0.1)
    >>> params
    array([ 0.85, -1.1 ])
    """

    _parameter_constraints = {
        **SGD._parameter_constraints,
        "weight_decay": NON_NEGATIVE,
        "weight_decay_schedule": DECAY_SCHEDULE,
    }

    def __init__(
        self,
        *,
        momentum: float = 0.9,
        nesterov: bool = True,
        weight_decay: float = 0.01,
        weight_decay_schedule: Any = None,
    ) -> None:
        super().__init__(momentum=momentum, nesterov=nesterov)
        self.weight_decay = weight_decay
        self.weight_decay_schedule = weight_decay_schedule


class Lion(CompiledOptimizer):
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
    weight_decay_schedule : str, sknet.schedules.Schedule or callable, default=None
        What multiplies `weight_decay` over the training, such as "flat_cosine", or a function of
        the progress in [0, 1]; None keeps it.

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
        "beta_1": FRACTION,
        "beta_2": FRACTION,
        "weight_decay": NON_NEGATIVE,
        "weight_decay_schedule": DECAY_SCHEDULE,
    }

    def __init__(
        self,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        weight_decay: float = 0.0,
        weight_decay_schedule: str | Schedule | Function | None = None,
    ) -> None:
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.weight_decay = weight_decay
        self.weight_decay_schedule = weight_decay_schedule

    def _call_kernel(self, params, grads, moved, moments, work, shrink, rate, constants):
        # The moment is m / (1 - beta_2), and the argument of the sign is over 1 - beta_1.
        beta_1, beta_2 = float(self.beta_1), float(self.beta_2)
        weight = beta_1 * (1.0 - beta_2) / (1.0 - beta_1)
        kernels.lion(params, grads, moved, *moments, work, shrink, rate, weight, beta_2)
