"""Optimizers that divide every step by a running root mean square of the gradients."""

import math

from .. import kernels
from .base import DECAY_SCHEDULE, FRACTION, NON_NEGATIVE, POSITIVE, CompiledOptimizer


class RMSprop(CompiledOptimizer):
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

    _parameter_constraints = {"rho": FRACTION, "epsilon": POSITIVE, "momentum": FRACTION}

    def __init__(self, *, rho=0.9, epsilon=1e-7, momentum=0.0):
        self.rho = rho
        self.epsilon = epsilon
        self.momentum = momentum

    @property
    def n_moments(self):
        """Number of vectors kept between steps: 2, or 1 without momentum."""
        return 1 + int(self.momentum > 0)

    def _call_kernel(self, params, grads, moved, moments, work, shrink, rate, constants):
        # The moment is v / (1 - rho), which saves a pass.
        rho = float(self.rho)
        square, velocity = moments if len(moments) == 2 else (*moments, None)
        rate, epsilon = rate / math.sqrt(1.0 - rho), float(self.epsilon) / (1.0 - rho)
        kernels.rmsprop(
            *(params, grads, moved, square, velocity, work),
            *(shrink, rate, rho, epsilon, float(self.momentum)),
        )


class Adam(CompiledOptimizer):
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
    _parameter_constraints = {"beta_1": FRACTION, "beta_2": FRACTION, "epsilon": POSITIVE}

    def __init__(self, *, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
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
        return beta_1, beta_2, scale, float(self.epsilon) / root, 0.0

    def _call_kernel(self, params, grads, moved, moments, work, shrink, rate, constants):
        beta_1, beta_2, scale, epsilon, nesterov = constants
        kernels.adam(
            *(params, grads, moved, *moments, work),
            *(shrink, scale * rate, beta_1, beta_2, epsilon, nesterov),
        )


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
    weight_decay_schedule : str, sknet.schedules.Schedule or callable, default=None
        What multiplies `weight_decay` over the training, such as "flat_cosine", or a function of
        the progress in [0, 1]; None keeps it.

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

    _parameter_constraints = {
        "weight_decay": NON_NEGATIVE,
        **Adam._parameter_constraints,
        "weight_decay_schedule": DECAY_SCHEDULE,
    }

    def __init__(
        self,
        *,
        weight_decay=1e-2,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        weight_decay_schedule=None,
    ):
        super().__init__(beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
        self.weight_decay = weight_decay
        self.weight_decay_schedule = weight_decay_schedule


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
        # scale is Adam's; epsilon is added after the correction of v instead of before it. The
        # numerator of the step, over 1 - beta_1, is that weight times m, plus g.
        beta_1, beta_2, scale, epsilon, _ = super()._constants()
        t = self._t
        nesterov = beta_1 * (1.0 - beta_1**t) / (1.0 - beta_1 ** (t + 1))
        return beta_1, beta_2, scale, epsilon * math.sqrt(1.0 - beta_2**t), nesterov
