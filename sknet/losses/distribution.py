"""Losses for continuous targets that predict a distribution: quantiles, or mean and variance."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from ..activations.saturating import logistic
from ..typing import Array
from .base import weighted_mean, weighted_quantile
from .regression import RegressionLoss


class Quantile(RegressionLoss):
    """Pinball loss, which predicts quantiles.

    Of the residual r = y - q it is ``max(t r, (t - 1) r)`` at the level t. One level predicts
    that quantile of each of K outputs: raw predictions and targets of shape (N, K). Several
    levels predict the quantiles of one output, whose target has shape (N, 1): from raw
    predictions z of shape (N, n_quantiles), ``q_0 = z_0`` and
    ``q_j = q_{j-1} + log(1 + exp(z_j))``, so predicted quantiles never cross; the loss of a
    row is the sum over the levels. At the kink the derivative is the middle of its two sides.

    Parameters
    ----------
    quantiles : float or sequence of float, default=0.5
        Level or increasing levels in (0, 1).

    See Also
    --------
    AbsoluteError : Twice the loss of the level 0.5.

    References
    ----------
    .. [1] R. Koenker, G. Bassett, "Regression Quantiles", Econometrica 46, 1978.
       :doi:`10.2307/1913643`

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import Quantile, Target
    >>> loss = Quantile(quantiles=[0.1, 0.5, 0.9])
    >>> loss.build(Target("continuous", n_outputs=1))
    3
    >>> loss.inverse_link(np.array([[1.0, 0.0, 0.0]])).round(3)
    array([[1.   , 1.693, 2.386]])
    """

    takes_standardized = True
    _parameter_constraints = {
        "quantiles": [Interval(Real, 0, 1, closed="neither"), "array-like"],
    }

    def __init__(self, quantiles: float | Sequence[float] | Array = 0.5) -> None:
        self.quantiles = quantiles

    def inverse_link(self, raw: Array) -> Array:
        """Turn raw predictions into quantiles.

        Parameters
        ----------
        raw : ndarray of shape (N, n_raw)
            Raw predictions; never written.

        Returns
        -------
        predictions : ndarray of shape (N, K) or (N, n_quantiles)
            A new array: the quantile of every output, or the quantiles of one output in
            increasing order.
        """
        return self._cumulate(raw, np.empty_like(raw)) if self._several else raw.copy()

    def _count_raw(self, target):
        levels = self._read_levels()
        if not levels or not all(low < high for low, high in pairwise(levels)):
            raise ValueError(
                "Quantile expects quantiles to be a float or a sequence of increasing floats, "
                f"got {self.quantiles!r}. Sort them and drop repeated ones."
            )
        if not 0 < levels[0] <= levels[-1] < 1:
            raise ValueError(
                f"Quantile expects quantiles between 0 and 1, got {self.quantiles!r}. "
                "Leave out 0 and 1."
            )
        self._levels = levels
        self._several = len(levels) > 1
        if self._several and target.n_outputs > 1:
            raise ValueError(
                f"Quantile with {len(levels)} quantiles expects one target, got "
                f"{target.n_outputs}. Fit one estimator a target or ask for one quantile."
            )
        return len(levels) if self._several else target.n_outputs

    def _read_levels(self):
        """Return the levels as a list of floats; an empty one if they are none."""
        try:
            levels = np.asarray(self.quantiles)
        except (TypeError, ValueError, OverflowError):
            return []
        is_right = levels.ndim < 2 and levels.dtype.kind in "iuf"
        return [float(level) for level in np.ravel(levels)] if is_right else []

    @staticmethod
    def _cumulate(raw, out):
        steps = out[:, 1:]
        np.logaddexp(0.0, raw[:, 1:], out=steps)
        out[:, 0] = raw[:, 0]
        for j in range(1, raw.shape[1]):
            out[:, j] += out[:, j - 1]
        return out

    def _losses(self, raw, y, slopes):
        # With r = q - y the loss is |r| / 2 + (1/2 - t) r.
        residual = self._work("residual", raw.shape)
        predicted = self._cumulate(raw, residual) if self._several else raw
        np.subtract(predicted, y, out=residual)
        tilts = np.subtract(0.5, self._levels, dtype=raw.dtype)
        losses = np.absolute(residual, out=self._work("losses", raw.shape))
        losses *= 0.5
        np.multiply(residual, tilts, out=slopes)
        losses += slopes
        np.sign(residual, out=slopes)
        slopes *= 0.5
        slopes += tilts
        if self._several:
            self._chain(raw, slopes, residual)
        return losses

    @staticmethod
    def _chain(raw, slopes, scratch):
        """Turn derivatives by the quantiles into derivatives by the raw predictions."""
        for j in range(raw.shape[1] - 2, -1, -1):
            slopes[:, j] += slopes[:, j + 1]
        # The derivative of log(1 + exp(z)) is the logistic of z.
        steps = logistic(raw, out=scratch)
        steps[:, 0] = 1.0
        slopes *= steps

    def _best_constant(self, y, weights):
        best = np.array([weighted_quantile(y, weights, level) for level in self._levels])
        if not self._several:
            return best[0]
        best = best[:, 0]
        # Equal quantiles lie at raw predictions of minus infinity; stay short of that.
        least = 1e-3 * ((best[-1] - best[0]) or 1.0)
        gaps = np.maximum(np.diff(best), least)
        # The inverse of log(1 + exp(z)) without overflow.
        return np.append(best[:1], gaps + np.log(-np.expm1(-gaps)))


class Gaussian(RegressionLoss):
    """Negative log-likelihood of a normal distribution, which predicts mean and variance.

    With raw predictions of shape (N, 2 K), the K means m first and then K values v,
    and ``variance = exp(v) + min_variance``, it is
    ``(log(2 pi variance) + (y - m) ** 2 / variance) / 2``. Targets have shape (N, K); the
    loss of a row is the sum over the outputs.

    Parameters
    ----------
    min_variance : float, default=1e-6
        Lower bound, above 0, of the predicted variance. It keeps loss and gradient bounded
        where the residuals vanish. Its unit is the square of that of the target as the loss sees
        it: the variance of the target if `NeuralRegressor` standardizes it.

    See Also
    --------
    SquaredError : The same with a constant variance.

    References
    ----------
    .. [1] D. A. Nix, A. S. Weigend, "Estimating the mean and variance of the target
       probability distribution", IEEE International Conference on Neural Networks, 1994.
       :doi:`10.1109/ICNN.1994.374138`

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import Gaussian, Target
    >>> loss = Gaussian()
    >>> loss.build(Target("continuous", n_outputs=1))
    2
    >>> raw = np.array([[3.0, np.log(4.0)]])
    >>> loss.inverse_link(raw)
    array([[3.]])
    >>> loss.standard_deviation(raw).round(3)
    array([[2.]])
    """

    takes_standardized = True
    _parameter_constraints = {"min_variance": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, min_variance: float = 1e-6) -> None:
        self.min_variance = min_variance

    def inverse_link(self, raw: Array) -> Array:
        """Turn raw predictions into means.

        Parameters
        ----------
        raw : ndarray of shape (N, 2 K)
            Raw predictions; never written.

        Returns
        -------
        means : ndarray of shape (N, K)
            A new array in the dtype of `raw`.
        """
        return raw[:, : raw.shape[1] // 2].copy()

    def standard_deviation(self, raw: Array) -> Array:
        """Turn raw predictions into standard deviations.

        Parameters
        ----------
        raw : ndarray of shape (N, 2 K)
            Raw predictions; never written.

        Returns
        -------
        deviations : ndarray of shape (N, K)
            A new array in the dtype of `raw`.
        """
        with np.errstate(over="ignore"):
            variances = np.exp(raw[:, raw.shape[1] // 2 :])
        variances += float(self.min_variance)
        return np.sqrt(variances, out=variances)

    def _count_raw(self, target):
        return 2 * target.n_outputs

    def _losses(self, raw, y, slopes):
        k = raw.shape[1] // 2
        by_mean, by_raw = slopes[:, :k], slopes[:, k:]
        np.subtract(raw[:, :k], y, out=by_mean)
        np.exp(raw[:, k:], out=by_raw)
        variances = np.add(by_raw, float(self.min_variance), out=self._work("variances", y.shape))
        by_raw /= variances
        losses = np.divide(by_mean, variances, out=self._work("losses", y.shape))
        squares = np.multiply(losses, by_mean, out=self._work("squares", y.shape))
        by_mean[...] = losses
        # By v: (1 - squares) / 2 times the derivative exp(v) / variance of log(variance).
        by_raw *= 0.5
        np.log(variances, out=losses)
        losses += squares
        losses += float(np.log(2 * np.pi))
        losses *= 0.5
        np.subtract(1.0, squares, out=squares)
        by_raw *= squares
        return losses

    def _best_constant(self, y, weights):
        means = weighted_mean(y, weights)
        variances = weighted_mean((y - means) ** 2, weights)
        floor = float(self.min_variance)
        return np.concatenate([means, np.log(np.maximum(variances - floor, floor))])
