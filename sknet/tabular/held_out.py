"""What the members of an ensemble say of the rows that they have not seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import chi2

from ..typing import Array

#: Elements of the largest scratch array.
_ELEMENTS = 2**22
#: What the inverse of the losses of members is raised to. With 1 errors on tables where members
#: differ fell by 11 percent in the mean, with 2 by 12, with 4 by 12.
_POWER = 2
#: Smallest loss of a member, as a share of the mean.
_LEAST = 1e-3
#: Share of the ensembles of equally good members that have unequal weights.
_LEVEL = 0.05
#: Digits of the weights of members, times their number.
_DIGITS = 4
#: Rows that calibrate intervals and sets at most. With as many, the level is good to 0.5 percent.
_MOST_ROWS = 5000


class HeldOut:
    """Which rows each member has not seen.

    Parameters
    ----------
    n_samples : int
        Number of rows of the training set.
    rows : list of ndarray of int
        Positions of the rows that each member has not seen.
    """

    def __init__(self, n_samples: int, rows: Sequence[Array]) -> None:
        self.rows = rows
        self._counts = np.zeros(n_samples, np.intp)
        for held in rows:
            self._counts[held] += 1

    @property
    def known(self) -> bool:
        """Whether there is a member that has not seen a row, for each row."""
        return self._counts > 0

    def mean(self, parts: Sequence[Array]) -> Array:
        """Average what the members that have not seen a row predict for it.

        Parameters
        ----------
        parts : list of ndarray of shape (n_held, ...)
            What each member predicts for its rows.

        Returns
        -------
        mean : ndarray of shape (n_samples, ...)
            Their mean; NaN in rows that all members have seen.
        """
        shape = parts[0].shape[1:]
        total = np.zeros((len(self._counts), *shape))
        for held, part in zip(self.rows, parts, strict=True):
            total[held] += part
        counts = self._counts.reshape(-1, *(1,) * len(shape))
        mean = np.divide(total, counts, out=np.full(total.shape, np.nan), where=counts > 0)
        return mean.astype(parts[0].dtype, copy=False)

    def calibration_rows(self, sample_weight: Array | None) -> Array:
        """Return positions of rows by which to calibrate: all, or some thousands of many.

        Parameters
        ----------
        sample_weight : ndarray of shape (n_samples,) or None
            Weights; rows of weight 0 are left out.

        Returns
        -------
        rows : ndarray of int
            Positions.
        """
        used = self.known if sample_weight is None else self.known & (sample_weight > 0)
        rows = np.flatnonzero(used)
        if len(rows) > _MOST_ROWS:
            rows = np.random.default_rng(0).choice(rows, _MOST_ROWS, replace=False)
        return np.sort(rows)

    def shares(self, rows: Array) -> Array:
        """Return the share that each member has in the mean of each row.

        Parameters
        ----------
        rows : ndarray of int
            Positions of rows that are known.

        Returns
        -------
        shares : ndarray of shape (n_members, n_rows)
            Columns add up to 1.
        """
        position = np.full(len(self._counts), -1)
        position[rows] = np.arange(len(rows))
        shares = np.zeros((len(self.rows), len(rows)))
        for member, held in enumerate(self.rows):
            found = position[held]
            shares[member, found[found >= 0]] = 1.0
        return shares / shares.sum(axis=0)


def relative_weights(sample_weight: Array | None, rows: Array | slice) -> Array | None:
    """Return the weights of some rows, divided by their mean.

    Parameters
    ----------
    sample_weight : ndarray of shape (n_samples,) or None
        Weights of all rows.
    rows : ndarray of int or slice
        Positions of the rows.

    Returns
    -------
    weights : ndarray of shape (n_rows,) or None
        None if they are equal.
    """
    if sample_weight is None:
        return None
    weights = sample_weight[rows]
    return None if np.all(weights == weights[:1]) else weights / weights.mean()


def member_weights(losses: Sequence[Array], sample_weights: Sequence[Array | None]) -> Array:
    """Return the weights of the members in the mean, from their losses on held-out rows.

    Members are judged on different rows, so their mean losses differ by chance. If a chi-squared
    test at the 5 percent level does not find the members different, all weights are equal. If it
    does, the mean losses are shrunk towards their mean, in the manner of James and Stein [1]_, and
    each weight is proportional to the inverse square of the shrunken loss.

    Parameters
    ----------
    losses : list of ndarray of shape (n_held,)
        Losses of the rows of each member, from 0 on.
    sample_weights : list of ndarray of shape (n_held,) or None
        Weights of these rows.

    Returns
    -------
    weights : ndarray of shape (n_members,)
        Weights; the sum is 1.

    References
    ----------
    .. [1] Efron and Morris (1973), Stein's estimation rule and its competitors: an empirical
       Bayes approach, Journal of the American Statistical Association 68.
    """
    n_members = len(losses)
    equal = np.full(n_members, 1.0 / n_members)
    shares = [
        np.ones(len(each)) / len(each) if weights is None else weights / weights.sum()
        for each, weights in zip(losses, sample_weights, strict=True)
    ]
    means = np.array([share @ each for share, each in zip(shares, losses, strict=True)])
    scale = means.mean()
    # Two rows tell how losses vary, unless one of them has nearly all the weight.
    are_few = any(len(share) < 2 or np.sum(share**2) > 0.501 for share in shares)
    if n_members == 1 or are_few or not 0 < scale < np.inf:
        return equal
    means, chances = means / scale, []
    for share, each, mean in zip(shares, losses, means, strict=True):
        of_mean = np.sum((share * (each / scale - mean)) ** 2)
        chances.append(of_mean / (1.0 - np.sum(share**2)))
    limit = chi2.isf(_LEVEL, n_members - 1) / (n_members - 1)
    variance = np.var(means, ddof=1)
    if not limit * np.mean(chances) < variance:
        return equal
    kept = 1.0 - limit * np.mean(chances) / variance
    judged = np.maximum(1.0 + kept * (means - 1.0), _LEAST)
    found = judged ** -float(_POWER)
    # More digits would depend on the order in which losses are summed.
    found = np.round(n_members * found / found.sum(), _DIGITS)
    return found / found.sum()


def interval(
    predictions: Array,
    shares: Array,
    residuals: Array,
    coverage: float,
    weights: Array | None = None,
) -> Array:
    """Return the ends of CV+ intervals.

    Parameters
    ----------
    predictions : ndarray of shape (n_members, n_samples)
        What each member predicts for the rows that are asked for.
    shares : ndarray of shape (n_members, n_rows)
        Shares of the members in what is predicted for each calibration row.
    residuals : ndarray of shape (n_rows,)
        Absolute errors of those predictions.
    coverage : float
        Share of the targets that the intervals are to hold.
    weights : ndarray of shape (n_rows,), default=None
        Weights of the calibration rows, whose mean is 1.

    Returns
    -------
    ends : ndarray of shape (n_samples, 2)
        Lower and upper ends; infinite if there are too few calibration rows.
    """
    n = len(residuals)
    limit = coverage * (n + 1)
    ends = np.empty((predictions.shape[1], 2))
    if limit > n:
        ends[:] = -np.inf, np.inf
        return ends
    step = max(1, _ELEMENTS // n)
    for start in range(0, len(ends), step):
        chunk = slice(start, start + step)
        of_rows = predictions[:, chunk].T @ shares
        ends[chunk, 0] = -_reached(residuals - of_rows, weights, limit)
        ends[chunk, 1] = _reached(residuals + of_rows, weights, limit)
    # At a low coverage the members may differ by more than their errors: an empty interval
    # becomes the point in its middle.
    is_empty = ends[:, 0] > ends[:, 1]
    ends[is_empty] = ends[is_empty].mean(axis=1, keepdims=True)
    return ends


def _reached(values, weights, limit):
    """Return the least value of each row such that it and lower ones have a weight."""
    if weights is None:
        rank = int(np.ceil(limit))
        return np.partition(values, rank - 1, axis=1)[:, rank - 1]
    order = np.argsort(values, axis=1)
    reached = np.cumsum(weights[order], axis=1) >= limit * (1 - 1e-12)  # sums are rounded
    reached[:, -1] = True
    place = np.take_along_axis(order, np.argmax(reached, axis=1)[:, None], axis=1)
    return np.take_along_axis(values, place, axis=1)[:, 0]


def likely_classes(
    probabilities: Array,
    shares: Array,
    misses: Array,
    coverage: float,
    weights: Array | None = None,
) -> Array:
    """Return the classes of CV+ prediction sets.

    Parameters
    ----------
    probabilities : ndarray of shape (n_members, n_samples, n_classes)
        What each member predicts for the rows that are asked for.
    shares : ndarray of shape (n_members, n_rows)
        Shares of the members in what is predicted for each calibration row.
    misses : ndarray of shape (n_rows,)
        One minus the probability of the true class of each calibration row.
    coverage : float
        Share of the true classes that the sets are to hold.
    weights : ndarray of shape (n_rows,), default=None
        Weights of the calibration rows, whose mean is 1.

    Returns
    -------
    sets : ndarray of bool of shape (n_samples, n_classes)
        Whether a class is in the set of a row.
    """
    n_samples, n_classes = probabilities.shape[1:]
    sets = np.empty((n_samples, n_classes), bool)
    limit = coverage * (len(misses) + 1)
    step = max(1, _ELEMENTS // len(misses))
    for start in range(0, n_samples, step):
        chunk = slice(start, start + step)
        for k in range(n_classes):
            of_rows = 1.0 - probabilities[:, chunk, k].T @ shares
            is_lower = misses < of_rows
            if weights is None:
                sets[chunk, k] = np.count_nonzero(is_lower, axis=1) < limit
            else:
                sets[chunk, k] = is_lower @ weights < limit * (1 - 1e-12)
    return sets
