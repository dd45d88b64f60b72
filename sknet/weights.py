"""Weights of rows near the limits of floats, where their sums and products would overflow."""

import numpy as np


def bounded(weights):
    """Return weights so far from the limits of floats that sums and products stay finite.

    Only their ratios count, and a power of two changes none of them. It is always the same one, so
    the weights of several calls keep their ratios too.

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
    if largest > 2.0**500:
        return weights * 2.0**-600
    return weights * 2.0**600 if 0 < largest < 2.0**-500 else weights


def mean_weight(weights):
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
