"""Scores of regressors that hold for targets of any scale."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
import sklearn

from ..typing import Array
from ..warning import warn
from .target_scale import exponents_of


def regression_score(
    name: str, y: Array, predicted: Array, sample_weight: Any = None, quantiles: Any = None
) -> float:
    """Return R^2, or the mean D^2 of the pinball loss of several quantiles.

    Both are divided by a power of two first, so that the squares of very large targets do not
    overflow, and those of very small ones do not vanish, which scikit-learn takes for a perfect
    score. It warns of a score that is still not finite.

    Parameters
    ----------
    name : str
        What the warning calls the score.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        True targets.
    predicted : ndarray of the shape of y, or of shape (n_samples, n_quantiles)
        Predictions.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the rows.
    quantiles : float or array-like of shape (n_quantiles,), default=None
        Levels of the predictions, if they are quantiles; one of them is scored by R^2.

    Returns
    -------
    score : float
        At most 1; greater is better.
    """
    exponents, levels = exponents_of(y), () if np.ndim(quantiles) == 0 else quantiles
    with np.errstate(over="ignore"):
        y, scaled = (np.ldexp(a, -exponents, dtype=np.float64) for a in (y, predicted))
        if np.isinf(scaled).any() and np.isfinite(predicted).all():
            score = -np.inf
        elif len(levels):
            score = float(np.mean(list(_of_quantiles(y, scaled, sample_weight, levels))))
        else:
            score = float(sklearn.metrics.r2_score(y, scaled, sample_weight=sample_weight))
    if not isfinite(score) and len(y) > 1:  # of one row scikit-learn warns
        warn(
            f"{name} is {score}: predictions are so far from y that the squares of the "
            "differences overflow. Compare their scales.",
            RuntimeWarning,
        )
    return score


def _of_quantiles(y, predicted, sample_weight, quantiles):
    columns = predicted.reshape(len(y), -1).T
    for quantile, column in zip(quantiles, columns, strict=True):
        yield sklearn.metrics.d2_pinball_score(
            y, column, sample_weight=sample_weight, alpha=float(quantile)
        )
