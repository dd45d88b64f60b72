"""The scale of a continuous target: a network learns it standardized."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from ..finite import check_finite
from ..typing import Array

#: Deviations that the mean may lie from 0 for float32 to hold predictions as exactly as it made
#: them.
_FARTHEST_MEAN = 100
#: Deviations from its reciprocal to this number are safe in float32.
_LARGEST_DEVIATION = 1e30


class TargetScale:
    """Mean and standard deviation of each target, weighted, over the training rows.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_targets)
        Targets of the training rows.
    sample_weight : ndarray of shape (n_samples,) or None
        Their weights.
    dtype : dtype
        Element type of the network, and of predictions. It is float64 instead if float32 would
        lose digits, as where the mean lies far from 0.

    Attributes
    ----------
    mean, deviation : ndarray of shape (n_targets,), float64
        The scale; the deviation of a constant target is 1.
    """

    mean: Array

    def __init__(self, y: Array, sample_weight: Array | None, dtype: DTypeLike) -> None:
        self.mean, deviation = moments(y, sample_weight)
        self.deviation: Array = np.where(deviation > 0, deviation, 1.0)
        self._dtype = np.dtype(dtype if self.fits_float32 else np.float64)
        self._mean = self.mean.astype(self._dtype)
        self._deviation = self.deviation.astype(self._dtype)

    @property
    def fits_float32(self) -> bool:
        """Whether float32 holds predictions on the target's scale as exactly as it made them."""
        limit = _LARGEST_DEVIATION
        is_near = np.abs(self.mean) <= _FARTHEST_MEAN * self.deviation
        return bool(np.all(is_near & (self.deviation > 1 / limit) & (self.deviation < limit)))

    def standardized(self, y: Array, dtype: DTypeLike, name: str = "y") -> Array:
        """Return targets as the network learns them.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_targets)
            Targets.
        dtype : dtype
            Element type of the network.
        name : str, default="y"
            Name of the argument, for errors.

        Returns
        -------
        y : ndarray of shape (n_samples, n_targets)
            A new array of that type.

        Raises
        ------
        ValueError
            If a value lies so many deviations off that it overflows.
        """
        with np.errstate(over="ignore"):
            y = np.subtract(y, self.mean, dtype=np.float64)
            y /= self.deviation
            y = y.astype(dtype, copy=False)
        advice = "It overflows when it is divided by the weighted deviation of the training rows"
        check_finite(y, name, f"{advice}, {self.deviation.min():.3g}; leave such rows out.")
        return y

    def restored(self, predictions: Array) -> Array:
        """Return predictions of standardized targets in the unit of the targets.

        Parameters
        ----------
        predictions : ndarray of shape (n_samples, n_predictions)
            Predictions, which may be overwritten; one column a target, or several of one target.

        Returns
        -------
        predictions : ndarray of shape (n_samples, n_predictions)
            The same in the unit of the targets.
        """
        predictions = self.restored_spread(predictions)
        predictions += self._mean
        return predictions

    def restored_spread(self, deviations: Array) -> Array:
        """Return standard deviations, which do not move with the mean, in the unit of the targets.

        Parameters
        ----------
        deviations : ndarray of shape (n_samples, n_predictions)
            Standard deviations of standardized targets, which may be overwritten.

        Returns
        -------
        deviations : ndarray of shape (n_samples, n_predictions)
            The same in the unit of the targets.
        """
        deviations = deviations.astype(self._dtype, copy=False)
        deviations *= self._deviation
        return deviations


def moments(y: Array, sample_weight: Array | None = None) -> tuple[Array, Array]:
    """Compute the mean and the standard deviation of each column, without overflow.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_targets)
        Finite numbers.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the rows, not all 0. None weighs all rows 1.

    Returns
    -------
    means, deviations : ndarray of shape (n_targets,), float64
        Weighted means and population deviations; 0 is that of a constant column.
    """
    low, high = _limits(y)
    exponents = exponents_of(y)
    y = np.ldexp(y, -exponents, dtype=np.float64)
    if sample_weight is None:
        shares = np.full(len(y), 1 / len(y))
    else:
        shares = np.divide(sample_weight, np.sum(sample_weight), dtype=np.float64)
    means = shares @ y
    y -= means
    rest = shares @ y  # what rounding has left, as where the mean is large
    y -= rest
    deviations = np.sqrt(np.einsum("i,ij,ij->j", shares, y, y))
    constant = low == high
    means = np.where(constant, low, np.ldexp(means + rest, exponents))
    return means, np.where(constant, 0.0, np.ldexp(deviations, exponents))


def exponents_of(y: Array) -> Array:
    """Return the powers of 2 of the greatest magnitudes, a column each.

    Dividing by such a power changes no digit, and squares then neither overflow nor vanish.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        Finite numbers.

    Returns
    -------
    exponents : ndarray of int of shape () or (n_targets,)
        For `np.ldexp`.
    """
    low, high = _limits(y)
    return np.frexp(np.maximum(np.abs(low), np.abs(high)))[1]


def _limits(y):
    return (np.asarray(f(y, axis=0), np.float64) for f in (np.min, np.max))


def least_usual(means: Array, deviations: Array) -> tuple[float, float]:
    """Return mean and deviation of the target whose deviation is farthest from 1.

    Parameters
    ----------
    means, deviations : ndarray of shape (n_targets,)
        What `moments` returns.

    Returns
    -------
    mean, deviation : float
        Those of one target.
    """
    farthest = np.argmax(np.abs(np.log10(np.where(deviations > 0, deviations, 1.0))))
    return float(means[farthest]), float(deviations[farthest])
