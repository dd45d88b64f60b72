"""Losses for continuous targets that predict one number an output."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval

from .. import kernels
from ..typing import Array
from .base import Loss, weighted_mean, weighted_quantile

#: The mean that an output whose counts are all zero is given in the initial bias.
_FLOOR_MEAN = 1e-6


class RegressionLoss(Loss):
    """Base class of the losses for continuous targets of shape (N, K).

    A subclass writes `_losses`: the losses of every output of every row and their
    derivatives by the raw predictions. Its `link` is "identity" or "exp".

    See Also
    --------
    Loss : The base class for custom losses.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import Poisson, SquaredError
    >>> SquaredError().inverse_link(np.zeros((1, 2)))
    array([[0., 0.]])
    >>> Poisson().inverse_link(np.zeros((1, 2)))
    array([[1., 1.]])
    """

    exact_bias = True

    def value_and_gradient(
        self, raw: Array, y: Array, sample_weight: Array | None = None, out: Array | None = None
    ) -> tuple[float, Array]:
        """Compute the weighted mean loss of a batch and its gradient.

        Parameters
        ----------
        raw : ndarray of shape (N, n_raw)
            Raw predictions; never written.
        y : ndarray of shape (N, K)
            Target in the dtype of `raw`.
        sample_weight : ndarray of shape (N,), default=None
            Relative weights. None weighs all rows 1.
        out : ndarray of shape (N, n_raw), default=None
            Where to write the gradient. None makes a new array.

        Returns
        -------
        value : float
            ``sum_i w_i l_i / N``; not finite where the loss overflows.
        gradient : ndarray of shape (N, n_raw)
            The gradient of `value` with respect to `raw`: `out` if it was given.
        """
        out = np.empty_like(raw) if out is None else out
        # The training loop sees an overflow in the value; NumPy need not warn of it too.
        with np.errstate(all="ignore"):
            losses = self._losses(raw, y, out)
            return self.average(losses, out, sample_weight), out

    def inverse_link(self, raw: Array) -> Array:
        """Turn raw predictions into predictions.

        Parameters
        ----------
        raw : ndarray of shape (N, n_raw)
            Raw predictions; never written.

        Returns
        -------
        predictions : ndarray of shape (N, K)
            A new array in the dtype of `raw`.
        """
        if self.link == "exp":
            with np.errstate(over="ignore"):
                return np.exp(raw)
        return raw.copy()

    def row_losses(self, raw: Array, y: Any) -> Array:
        """Compute the losses of the rows one by one."""
        with np.errstate(all="ignore"):
            return self._losses(raw, y, np.empty_like(raw)).sum(axis=1, dtype=np.float64)

    @abstractmethod
    def _losses(self, raw, y, slopes):
        """Return losses (N, K) in scratch memory, their derivatives by raw in `slopes`."""


class SquaredError(RegressionLoss):
    """Half the squared error: ``(z - y) ** 2 / 2``, which predicts means.

    Raw predictions z and targets y of shape (N, K) give one loss a row, the sum over the
    outputs.

    See Also
    --------
    Huber : Less sensitive to outliers.
    Gaussian : Predicts the variance as well.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import SquaredError, Target
    >>> loss = SquaredError()
    >>> loss.build(Target("continuous", n_outputs=1))
    1
    >>> loss.allocate(n_rows=1, dtype=np.float64)
    >>> loss.value_and_gradient(np.array([[3.0]]), np.array([[1.0]]))
    (2.0, array([[2.]]))
    """

    takes_standardized = True

    @property
    def compiled(self) -> tuple[int, float] | None:
        """What kernels call the loss, and its smoothing, for a target of one column."""
        is_known = type(self) is SquaredError and self._target.n_outputs == 1
        return (kernels.SQUARED, 0.0) if is_known else None

    def _losses(self, raw, y, slopes):
        np.subtract(raw, y, out=slopes)
        losses = np.multiply(slopes, slopes, out=self._work("losses", raw.shape))
        losses *= 0.5
        return losses


class AbsoluteError(RegressionLoss):
    """Absolute error: ``|z - y|``, which predicts medians.

    Raw predictions z and targets y of shape (N, K) give one loss a row, the sum over the
    outputs. At the kink the derivative is 0.

    See Also
    --------
    Quantile : Predicts other quantiles.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import AbsoluteError, Target
    >>> loss = AbsoluteError()
    >>> loss.build(Target("continuous", n_outputs=1))
    1
    >>> loss.allocate(n_rows=1, dtype=np.float64)
    >>> loss.value_and_gradient(np.array([[3.0]]), np.array([[1.0]]))
    (2.0, array([[1.]]))
    """

    takes_standardized = True

    def _losses(self, raw, y, slopes):
        np.subtract(raw, y, out=slopes)
        losses = np.absolute(slopes, out=self._work("losses", raw.shape))
        np.sign(slopes, out=slopes)
        return losses

    def _best_constant(self, y, weights):
        return weighted_quantile(y, weights, 0.5)


class Huber(RegressionLoss):
    """Huber loss: half the squared error of small residuals, linear for large ones.

    Of the residual r = z - y it is ``r ** 2 / 2`` where ``|r| <= delta`` and
    ``delta * (|r| - delta / 2)`` elsewhere. Raw predictions z and targets y of shape (N, K)
    give one loss a row, the sum over the outputs. The initial bias is the median.

    Parameters
    ----------
    delta : float, default=1.0
        Residual, above 0, from which the loss is linear: in the unit of the target as the loss
        sees it, which is its standard deviation if `NeuralRegressor` standardizes it.

    See Also
    --------
    AbsoluteError : Linear for all residuals.

    References
    ----------
    .. [1] P. J. Huber, "Robust Estimation of a Location Parameter", The Annals of
       Mathematical Statistics 35, 1964. :doi:`10.1214/aoms/1177703732`

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import Huber, Target
    >>> loss = Huber(delta=1.0)
    >>> loss.build(Target("continuous", n_outputs=1))
    1
    >>> loss.allocate(n_rows=1, dtype=np.float64)
    >>> loss.value_and_gradient(np.array([[3.0]]), np.array([[1.0]]))
    (1.5, array([[1.]]))
    """

    takes_standardized = True
    exact_bias = False
    _parameter_constraints = {"delta": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = delta

    def _losses(self, raw, y, slopes):
        # With the residual r clipped to c, both branches are c * (r - c / 2).
        delta = float(self.delta)
        residual = np.subtract(raw, y, out=self._work("residual", raw.shape))
        np.minimum(residual, delta, out=slopes)
        np.maximum(slopes, -delta, out=slopes)
        losses = np.multiply(slopes, -0.5, out=self._work("losses", raw.shape))
        losses += residual
        losses *= slopes
        return losses

    def _best_constant(self, y, weights):
        return weighted_quantile(y, weights, 0.5)


class LogCosh(RegressionLoss):
    """Logarithm of the hyperbolic cosine of the residual: ``log(cosh(z - y))``.

    It is about half the squared error of small residuals and ``|r| - log(2)`` of large ones, and
    smooth throughout. Raw predictions z and targets y of shape (N, K) give one loss a row, the
    sum over the outputs. The initial bias is the median.

    See Also
    --------
    Huber : Turns linear at a residual of your choice.

    References
    ----------
    .. [1] R. A. Saleh and A. K. M. E. Saleh, "Statistical Properties of the log-cosh Loss
       Function Used in Machine Learning", 2022. :arxiv:`2208.04564`

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import LogCosh, Target
    >>> loss = LogCosh()
    >>> loss.build(Target("continuous", n_outputs=1))
    1
    >>> loss.allocate(n_rows=1, dtype=np.float64)
    >>> round(loss.value_and_gradient(np.array([[3.0]]), np.array([[1.0]]))[0], 4)
    1.325
    """

    takes_standardized = True
    exact_bias = False

    def _losses(self, raw, y, slopes):
        # |r| + log(1 + exp(-2 |r|)) - log(2) does not overflow; near 0, where that cancels, the
        # terms after r**2 / 2 are added to it.
        np.subtract(raw, y, out=slopes)
        losses = np.absolute(slopes, out=self._work("losses", raw.shape))
        tail = np.multiply(losses, -2.0, out=self._work("tail", raw.shape))
        np.exp(tail, out=tail)
        np.log1p(tail, out=tail)
        losses += tail
        losses -= np.log(2.0)
        square = np.multiply(slopes, slopes, out=tail)
        small = np.less(square, 1e-3, out=self._work("small", raw.shape, bool))
        series = np.multiply(square, 1 / 45, out=self._work("series", raw.shape))
        series -= 1 / 12
        series *= square
        series += 0.5
        series *= square
        np.copyto(losses, series, where=small)
        np.tanh(slopes, out=slopes)
        return losses

    def _best_constant(self, y, weights):
        return weighted_quantile(y, weights, 0.5)


class _Deviance(RegressionLoss):
    """Half a deviance of the mean ``exp(z)`` from a target that is never negative."""

    link = "exp"
    positive_target = True
    _zero_allowed = False

    def check_target(self, y: Array) -> None:
        """Refuse a target that is negative or, where the loss has no value for it, zero.

        Parameters
        ----------
        y : ndarray of shape (N, K)
            The target.

        Raises
        ------
        ValueError
            If a value is out of range; the message gives the smallest.
        """
        least = np.min(y)
        if least < 0 or (least == 0 and not self._zero_allowed):
            raise ValueError(
                f"{type(self).__name__} expects a target that is "
                f"{'zero or positive' if self._zero_allowed else 'positive'}, got values down "
                f"to {least:g}. Transform the target or choose another loss."
            )

    def _best_constant(self, y, weights):
        means = weighted_mean(y, weights)
        return np.log(np.where(means > 0, means, _FLOOR_MEAN))


class Poisson(_Deviance):
    """Half the Poisson deviance with a log link, for counts and rates.

    Of the mean ``mu = exp(z)`` it is ``y log(y / mu) - y + mu``. Raw predictions z and
    targets y >= 0 of shape (N, K) give one loss a row, the sum over the outputs.

    See Also
    --------
    Gamma : For positive targets whose spread grows with their mean.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import Poisson, Target
    >>> loss = Poisson()
    >>> loss.build(Target("continuous", n_outputs=1))
    1
    >>> loss.allocate(n_rows=1, dtype=np.float64)
    >>> loss.value_and_gradient(np.array([[0.0]]), np.array([[0.0]]))
    (1.0, array([[1.]]))
    """

    _zero_allowed = True

    def _losses(self, raw, y, slopes):
        # With d = z - log(y) the loss is y (exp(d) - 1 - d), and exp(z) where y is 0. Near d = 0
        # that is accurate where the terms y log(y / mu) and mu - y cancel.
        d = np.log(y, out=self._work("d", raw.shape))
        np.subtract(raw, d, out=d)
        losses = np.expm1(d, out=self._work("losses", raw.shape))
        losses -= d
        losses *= y
        np.exp(raw, out=slopes)
        np.copyto(losses, slopes, where=np.equal(y, 0, out=self._work("zero", raw.shape, bool)))
        slopes -= y
        return losses


class Gamma(_Deviance):
    """Half the gamma deviance with a log link, for positive, skewed amounts.

    Of the mean ``mu = exp(z)`` it is ``log(mu / y) + y / mu - 1``, which depends on the ratio
    of y and mu alone. Raw predictions z and targets y > 0 of shape (N, K) give one loss a
    row, the sum over the outputs.

    See Also
    --------
    Poisson : For counts, zeros included.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import Gamma, Target
    >>> loss = Gamma()
    >>> loss.build(Target("continuous", n_outputs=1))
    1
    >>> loss.allocate(n_rows=1, dtype=np.float64)
    >>> loss.value_and_gradient(np.array([[0.0]]), np.array([[1.0]]))
    (0.0, array([[0.]]))
    """

    def _losses(self, raw, y, slopes):
        # With d = z - log(y) the loss is d + exp(-d) - 1.
        losses = np.log(y, out=self._work("losses", raw.shape))
        np.subtract(raw, losses, out=losses)
        np.negative(losses, out=slopes)
        np.expm1(slopes, out=slopes)
        losses += slopes
        np.negative(slopes, out=slopes)
        return losses


class Tweedie(_Deviance):
    """Half the Tweedie deviance with a log link, for amounts of which many are zero.

    Of the mean ``mu = exp(z)`` and the power p it is ``y ** (2 - p) / ((1 - p) (2 - p)) -
    y mu ** (1 - p) / (1 - p) + mu ** (2 - p) / (2 - p)``: sums of a random number of gamma
    distributed amounts, such as the claims of a year, have it. Raw predictions z and targets
    y >= 0 of shape (N, K) give one loss a row, the sum over the outputs.

    Parameters
    ----------
    power : float, default=1.5
        The power p of the mean to which the variance is proportional, in (1, 2); 1 would be
        `Poisson` and 2 `Gamma`.

    See Also
    --------
    Poisson : For counts.
    Gamma : For positive amounts.

    References
    ----------
    .. [1] B. Jørgensen, "Exponential Dispersion Models", Journal of the Royal Statistical
       Society B 49, 1987. :doi:`10.1111/j.2517-6161.1987.tb01685.x`

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import Target, Tweedie
    >>> loss = Tweedie(power=1.5)
    >>> loss.build(Target("continuous", n_outputs=1))
    1
    >>> loss.allocate(n_rows=1, dtype=np.float64)
    >>> loss.value_and_gradient(np.array([[0.0]]), np.array([[0.0]]))
    (2.0, array([[1.]]))
    """

    _zero_allowed = True
    _parameter_constraints = {"power": [Interval(Real, 1, 2, closed="neither")]}

    def __init__(self, power: float = 1.5) -> None:
        self.power = power

    def _losses(self, raw, y, slopes):
        p = float(self.power)
        # With a = mu ** (1 - p) and b = mu ** (2 - p) the derivative by z is b - y a.
        a = np.multiply(raw, 1.0 - p, out=self._work("a", raw.shape))
        np.exp(a, out=a)
        a *= y
        np.multiply(raw, 2.0 - p, out=slopes)
        np.exp(slopes, out=slopes)
        losses = np.power(y, 2.0 - p, out=self._work("losses", raw.shape))
        losses /= (1.0 - p) * (2.0 - p)
        part = np.divide(a, 1.0 - p, out=self._work("part", raw.shape))
        losses -= part
        losses += np.divide(slopes, 2.0 - p, out=part)
        slopes -= a
        return losses
