"""Weights of rows near the limits of floats, where their sums and products would overflow."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import _check_sample_weight, _num_samples

from .cells import as_array, as_numbers
from .typing import Array


def check_weights(
    sample_weight: ArrayLike | float | None, X: ArrayLike, name: str, owner: str
) -> Array | None:
    """Return the weights of rows as numbers, bounded.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), float or None
        What the user passes; a number is the weight of every row.
    X : array-like of shape (n_samples, ...)
        The rows.
    name : str
        Name of the argument, for errors.
    owner : str
        Who takes it, for errors.

    Returns
    -------
    weights : ndarray of float64 of shape (n_samples,) or None
        None if there are none.

    Raises
    ------
    ValueError
        If weights are not finite, negative, no numbers, as many as there are no rows, or all 0.
    """
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        sample_weight = np.full(_num_samples(X), as_numbers([sample_weight], name, owner))
    sample_weight = as_array(sample_weight, name, owner)
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weight.any():
        raise ValueError(f"{name} is zero in every row; at least one must be above zero.")
    return bounded(weight)


def bounded(weights: Array) -> Array:
    """Return weights so far from the limits of floats that sums and products stay finite.

    Only their ratios count, and a power of two changes none of them, but for weights that are more
    than 10^300 times smaller than others. It is always the same one, so the weights of several
    calls keep their ratios too.

    Parameters
    ----------
    weights : ndarray of float64
        Weights of at least 0.

    Returns
    -------
    weights : ndarray of float64
        `weights` itself, unless the largest is above 1e150 or below 1e-150.
    """
    largest = weights.max(initial=0)
    if largest > 2.0**500:  # a row keeps a weight, though it be the least there is
        return np.where(weights > 0, np.maximum(weights * 2.0**-600, 2.0**-1074), 0.0)
    return weights * 2.0**600 if 0 < largest < 2.0**-500 else weights


def mean_weight(weights: Array) -> float:
    """Return the mean of weights, which is finite where they are.

    Parameters
    ----------
    weights : ndarray
        Weights of at least 0.

    Returns
    -------
    mean : float
        The mean; above 0 if a weight is.
    """
    exponent = np.frexp(weights.max())[1]  # a power of two changes no digit
    return float(np.ldexp(np.mean(np.ldexp(weights, -exponent), dtype=np.float64), exponent))
