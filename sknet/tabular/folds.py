"""The rows on which each member of an ensemble is trained and judged."""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, check_cv

from ..base import brief


class Fold(NamedTuple):
    """What one member is trained on.

    Parameters
    ----------
    seed : int
        Seed of the member.
    train, held : ndarray of int
        Positions of the rows to train on, and of those held out.
    """

    seed: int
    train: np.ndarray
    held: np.ndarray


def make_folds(cv, n_members, entropy, distinct, y, strata, groups, sample_weight=None):
    """Return the rows and the seed of each member.

    Parameters
    ----------
    cv : int, splitter or iterable
        The estimator's parameter.
    n_members : int or None
        Number of members; None is one for each fold.
    entropy : int
        Source of all seeds.
    distinct : DistinctRows
        Which rows are the same; they are held out together.
    y : ndarray
        Targets, for a splitter.
    strata : ndarray of int of shape (n_samples,) or None
        Classes that each fold holds in proportion.
    groups : array-like of shape (n_samples,) or None
        Rows of one group are held out together.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights; rows of weight 0 have no part in the folds of the others.

    Returns
    -------
    folds : list of Fold
        One for each member. A member's does not depend on how many there are.
    """
    n = len(distinct.number)
    if isinstance(cv, Integral):
        used = distinct.used(sample_weight)
        largest = len(used) if groups is None else len(np.unique(groups))
        n_folds = min(int(cv), largest)
        if n_folds < 2:
            what = "n_samples" if groups is None else "the number of groups"
            raise ValueError(
                f"cv={cv} needs at least 2 different rows, one to train on and one to hold out; "
                f"got {what}={largest}."
            )
    else:
        splits = _splits(cv, y, groups, n)
        n_folds = len(splits)
    folds = []
    for member in range(n_folds if n_members is None else int(n_members)):
        seed = _seed(entropy, 0, member)
        repetition, position = divmod(member, n_folds)
        if isinstance(cv, Integral) and position == 0:
            rng = np.random.RandomState(_seed(entropy, 1, repetition))
            if groups is None:
                number = _random_folds(n_folds, distinct, used, strata, rng)
            else:
                number = _grouped_folds(n_folds, y, strata, groups, rng)
            splits = [
                (np.flatnonzero(number != k), np.flatnonzero(number == k)) for k in range(n_folds)
            ]
        folds.append(Fold(seed, *splits[position]))
    return folds


def _seed(*path):
    return int(np.random.SeedSequence(path).generate_state(1)[0])


def _random_folds(n_folds, distinct, used, strata, rng):
    """Return the number of each row's fold; those of a class go to all folds in turn."""
    order = rng.permutation(used)
    if strata is not None:
        order = order[np.argsort(strata[distinct.first][order], kind="stable")]
    number = np.arange(len(distinct.first)) % n_folds
    number[order] = np.arange(len(order)) % n_folds
    return number[distinct.number]


def _grouped_folds(n_folds, y, strata, groups, rng):
    kind = GroupKFold if strata is None else StratifiedGroupKFold
    labels = y if strata is None else strata
    number = np.empty(len(labels), np.intp)
    splitter = kind(n_folds, shuffle=True, random_state=rng)
    for k, (_, held) in enumerate(splitter.split(np.zeros(len(labels)), labels, groups)):
        number[held] = k
    return number


def _splits(cv, y, groups, n):
    """Return the splits of a splitter or of an iterable, checked."""
    splits = []
    for train, held in check_cv(cv, y).split(np.zeros((n, 1)), y, groups):
        train, held = (_positions(rows, n) for rows in (train, held))
        if not len(train) or not len(held):
            raise ValueError(
                f"cv={brief(cv)} gives a split of {len(train)} rows to train on and {len(held)} "
                "to hold out; each needs one at least."
            )
        splits.append((train, held))
    if not splits:
        raise ValueError(f"cv={brief(cv)} gives no splits.")
    return splits


def _positions(rows, n):
    rows = np.asarray(rows)
    if rows.dtype == bool:
        return np.flatnonzero(rows)
    rows = rows.astype(np.intp) if rows.size == 0 else rows
    if rows.dtype.kind not in "iu" or (rows.size and not 0 <= rows.min() <= rows.max() < n):
        raise ValueError(f"cv has splits with other rows than 0 to {n - 1}: {brief(rows)}.")
    return rows
