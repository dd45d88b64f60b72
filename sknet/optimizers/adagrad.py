"""Optimizers with other denominators than Adam's running mean square."""

from __future__ import annotations

import math

import numpy as np

from .base import FRACTION, POSITIVE, Optimizer


def _average(moment, value, decay, out):
    """Replace a moment by decay * moment + (1 - decay) * value; out may be value."""
    np.multiply(value, 1.0 - decay, out=out)
    np.multiply(moment, decay, out=moment)
    np.add(moment, out, out=moment)


class AdaGrad(Optimizer):
    """Gradients divided by the root of the sum of all their squares so far.

    ``v = v + g**2``; then ``p -= rate * g / (sqrt(v) + epsilon)``. Parameters with rare
    gradients, as those of rare words, keep large steps.

    Parameters
    ----------
    epsilon : float, default=1e-8
        Added to the root; above 0.

    References
    ----------
    .. [1] Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and
       stochastic optimization", JMLR 12, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.optimizers import AdaGrad, Group
    >>> params = np.array([1.0, -1.0])
    >>> optimizer = AdaGrad()
    >>> optimizer.build(params, [Group(slice(0, 2), 1.0, True)])
    >>> optimizer.update(params, np.array([4.0, -0.2]), learning_rate=0.1)
    >>> params.round(3)
    array([ 0.9, -0.9])
    """

    n_moments = 1
    _parameter_constraints = {"epsilon": POSITIVE}

    def __init__(self, *, epsilon: float = 1e-8) -> None:
        self.epsilon = epsilon

    def _step(self, grads, moments, out, rate, constants):
        (total,) = moments
        np.multiply(grads, grads, out=out)
        np.add(total, out, out=total)
        np.sqrt(total, out=out)
        np.add(out, float(self.epsilon), out=out)
        np.divide(grads, out, out=out)
        return np.multiply(out, rate, out=out)


class _AdamVariant(Optimizer):
    """Base of optimizers with Adam's moments, m and v."""

    n_moments = 2
    _parameter_constraints = {"beta_1": FRACTION, "beta_2": FRACTION, "epsilon": POSITIVE}

    def __init__(
        self, *, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8
    ) -> None:
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def _constants(self):
        return 1.0 - float(self.beta_1) ** self._t, 1.0 - float(self.beta_2) ** self._t

    def _follow(self, grads, mean, square, out):
        _average(mean, grads, float(self.beta_1), out)
        np.multiply(grads, grads, out=out)
        _average(square, out, float(self.beta_2), out)

    def _quotient(self, mean, square, out, factor, correction):
        """Return factor * mean / (sqrt(square / correction) + epsilon)."""
        np.sqrt(square, out=out)
        np.multiply(out, correction**-0.5, out=out)
        np.add(out, float(self.epsilon), out=out)
        np.divide(mean, out, out=out)
        return np.multiply(out, factor, out=out)


class AMSGrad(_AdamVariant):
    """Adam whose denominator never gets smaller.

    ``m`` and ``v`` are Adam's; ``u = max(u, v)``, and at step t
    ``p -= rate * m / (1 - beta_1**t) / (sqrt(u / (1 - beta_2**t)) + epsilon)``.

    Parameters
    ----------
    beta_1 : float, default=0.9
        Share of the mean of the gradients that is kept each step, in [0, 1).
    beta_2 : float, default=0.999
        Share of their mean square that is kept each step, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root; above 0.

    References
    ----------
    .. [1] Reddi, Kale and Kumar, "On the convergence of Adam and beyond", 2018, arXiv:1904.09237

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.optimizers import AMSGrad, Group
    >>> params = np.array([1.0, -1.0])
    >>> optimizer = AMSGrad()
    >>> optimizer.build(params, [Group(slice(0, 2), 1.0, True)])
    >>> optimizer.update(params, np.array([4.0, -0.2]), learning_rate=0.1)
    >>> params.round(3)
    array([ 0.9, -0.9])
    """

    n_moments = 3

    def _step(self, grads, moments, out, rate, constants):
        mean, square, largest = moments
        self._follow(grads, mean, square, out)
        np.maximum(largest, square, out=largest)
        of_mean, of_square = constants
        return self._quotient(mean, largest, out, rate / of_mean, of_square)


class RAdam(_AdamVariant):
    """Adam whose first steps wait until the denominator is known: a warm-up of its own.

    ``m`` and ``v`` are Adam's. With ``rho = 2 / (1 - beta_2) - 1`` and
    ``rho_t = rho - 2 t beta_2**t / (1 - beta_2**t)``, at step t
    ``p -= rate * m / (1 - beta_1**t)`` while rho_t <= 4, and after that the step is divided by
    ``sqrt(v / (1 - beta_2**t)) + epsilon`` and multiplied by the root of
    ``(rho_t - 4) (rho_t - 2) rho / ((rho - 4) (rho - 2) rho_t)``.

    Parameters
    ----------
    beta_1 : float, default=0.9
        Share of the mean of the gradients that is kept each step, in [0, 1).
    beta_2 : float, default=0.999
        Share of their mean square that is kept each step, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root; above 0.

    References
    ----------
    .. [1] Liu et al., "On the variance of the adaptive learning rate and beyond", 2019,
       arXiv:1908.03265

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.optimizers import Group, RAdam
    >>> params = np.array([1.0, -1.0])
    >>> optimizer = RAdam()
    >>> optimizer.build(params, [Group(slice(0, 2), 1.0, True)])
    >>> optimizer.update(params, np.array([4.0, -0.2]), learning_rate=0.1)
    >>> params.round(3)
    array([ 0.6 , -0.98])
    """

    def _constants(self):
        beta_2, t = float(self.beta_2), self._t
        rho = 2.0 / (1.0 - beta_2) - 1.0
        rho_t = rho - 2.0 * t * beta_2**t / (1.0 - beta_2**t)
        factor = None
        if rho_t > 4.0:
            factor = math.sqrt(
                (rho_t - 4.0) * (rho_t - 2.0) * rho / ((rho - 4.0) * (rho - 2.0) * rho_t)
            )
        return *super()._constants(), factor

    def _step(self, grads, moments, out, rate, constants):
        mean, square = moments
        self._follow(grads, mean, square, out)
        of_mean, of_square, factor = constants
        if factor is None:
            return np.multiply(mean, rate / of_mean, out=out)
        return self._quotient(mean, square, out, rate * factor / of_mean, of_square)
