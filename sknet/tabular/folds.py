"""The rows on which each member of an ensemble is trained and judged."""

from __future__ import annotations

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from ..base import brief
from ..typing import Array
from ..warning import warn
from .rows import DistinctRows


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


def make_folds(
    cv: Any,
    n_members: int | None,
    entropy: int,
    distinct: DistinctRows,
    y: Array | None,
    strata: Array | None,
    groups: ArrayLike | None,
    sample_weight: Array | None = None,
) -> list[Fold]:
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
        Which rows are the same and held out together.
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
    cv = 5 if cv is None else cv  # as scikit-learn reads it
    if isinstance(cv, Integral):
        used = distinct.used(sample_weight)
        weighed = slice(None) if sample_weight is None else sample_weight > 0
        largest = len(used) if groups is None else len(np.unique(groups[weighed]))
        n_folds = min(int(cv), largest)
        _warn_of_heavy_rows(distinct, sample_weight, n_folds)
        if n_folds < 2:
            what = "rows" if groups is None else "groups of rows"
            raise ValueError(
                f"cv={cv} needs at least 2 different {what}, to train on and to hold out; got "
                f"n_{'samples' if groups is None else 'groups'}={largest}."
            )
    else:
        splits = _splits(cv, y, groups, sample_weight)
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
                number = _grouped_folds(n_folds, y, strata, groups, weighed, rng)
            splits = [
                (np.flatnonzero(number != k), np.flatnonzero(number == k)) for k in range(n_folds)
            ]
        folds.append(Fold(seed, *splits[position]))
    return folds


def _seed(*path):
    return int(np.random.SeedSequence(path).generate_state(1)[0])


def _warn_of_heavy_rows(distinct, sample_weight, n_folds):
    """Warn if one row is most of a fold and has rivals."""
    if sample_weight is None:
        return
    heaviest = np.max(sample_weight * distinct.has_rivals)
    if 2 * n_folds * heaviest > sample_weight.sum():
        warn(
            f"One row has {heaviest / sample_weight.sum():.0%} of all weights, and occurs with "
            "another target as well. A row is held out as a whole, so the members trained without "
            "this one see only the other target. Repeat each row as often as its weight says, "
            "instead of passing sample_weight."
        )


def _random_folds(n_folds, distinct, used, strata, rng):
    """Return the number of each row's fold; those of a class go to all folds in turn."""
    order = rng.permutation(used)
    if strata is not None:
        order = order[np.argsort(strata[distinct.first][order], kind="stable")]
    number = np.arange(len(distinct.first)) % n_folds
    number[order] = np.arange(len(order)) % n_folds
    return number[distinct.number]


def _grouped_folds(n_folds, y, strata, groups, weighed, rng):
    """Return the number of each row's fold; groups of weight 0 have no part in the others'."""
    kind = GroupKFold if strata is None else StratifiedGroupKFold
    labels = (y if strata is None else strata)[weighed]
    number = np.zeros(groups.max() + 1, np.intp)
    splitter = kind(n_folds, shuffle=True, random_state=rng)
    splits = splitter.split(np.zeros(len(labels)), labels, groups[weighed])
    for k, (_, held) in enumerate(splits):
        number[groups[weighed][held]] = k
    return number[groups]


def _asks_for_groups(cv):
    routing = getattr(cv, "get_metadata_routing", None)
    return routing is not None and routing().split.requests.get("groups") is True


def _splits(cv, y, groups, sample_weight):
    """Return the splits of a splitter or of an iterable, checked."""
    if isinstance(cv, type):
        raise ValueError(f"cv must be a splitter or pairs of rows, got the class {cv.__name__}.")
    if groups is None and _asks_for_groups(cv):
        raise ValueError(f"cv={brief(cv)} splits by groups, and there are none; pass groups.")
    splits, n = [], len(y)
    for split in cv.split(np.zeros((n, 1)), y, groups) if hasattr(cv, "split") else cv:
        if not isinstance(split, list | tuple) or len(split) != 2:
            raise ValueError(
                "cv must give pairs of rows, to train on and to hold out, got the split "
                f"{brief(split)}."
            )
        train, held = (_positions(rows, n) for rows in split)
        n_both = [np.count_nonzero(_weights_of(rows, sample_weight)) for rows in (train, held)]
        if not all(n_both):
            raise ValueError(
                f"cv={brief(cv)} gives a split of {n_both[0]} rows to train on and {n_both[1]} "
                f"to hold out{'' if sample_weight is None else ', of weight above 0'}; each needs "
                "one at least."
            )
        n_shared = len(np.intersect1d(train, held))
        if n_shared:
            raise ValueError(
                f"cv={brief(cv)} gives a split that trains on {n_shared} of the rows that it "
                "holds out; leave them out of one of the parts."
            )
        splits.append((train, held))
    if not splits:
        raise ValueError(f"cv={brief(cv)} gives no splits.")
    return splits


def _weights_of(rows, sample_weight):
    return np.ones(len(rows)) if sample_weight is None else sample_weight[rows]


def _positions(rows, n):
    """Return rows as positions, if they are positions of one axis or a mask."""
    try:
        positions = np.asarray(rows)
    except ValueError:  # ragged
        positions = np.empty(())
    if positions.dtype == bool and positions.shape == (n,):
        return np.flatnonzero(positions)
    if positions.shape == (0,):
        return positions.astype(np.intp)
    is_right = positions.ndim == 1 and positions.dtype.kind in "iu"
    if not is_right or not 0 <= positions.min() <= positions.max() < n:
        raise ValueError(
            f"cv must give rows as positions from 0 to {n - 1}, or as a mask of {n} booleans, got "
            f"{brief(rows)}."
        )
    return positions
