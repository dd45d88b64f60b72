"""Which rows early stopping holds out."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import sklearn

from ..typing import Array
from .labels import shown


def hold_out(
    rows: Array,
    fraction: float,
    random_state: np.random.SeedSequence,
    strata: Array | None = None,
    names: Any = None,
) -> tuple[Array, Array]:
    """Split rows into those to train on and those to validate on.

    Parameters
    ----------
    rows : ndarray of int of shape (n,)
        The rows to split.
    fraction : float
        Part to hold out, in (0, 1).
    random_state : numpy.random.SeedSequence
        Seed of the split.
    strata : ndarray of int of shape (n,) or (n, n_labels), default=None
        Class of each row, kept in proportion. With several labels, combinations are kept in
        proportion as far as they occur often enough.
    names : sequence, default=None
        Names of the classes, for errors.

    Returns
    -------
    train, validation : ndarray of int
        The two parts, each in ascending order.

    Raises
    ------
    ValueError
        If there are too few rows, or too few of a class.
    """
    n_validation = ceil(fraction * len(rows))
    if len(rows) < 2 or n_validation >= len(rows):
        raise ValueError(
            f"early_stopping=True cannot hold out validation_fraction={fraction} of "
            f"n_samples={len(rows)} (1 sample is left to train on, or none). Pass X_val and "
            "y_val, lower validation_fraction, or set early_stopping=False."
        )
    if strata is not None and strata.ndim == 2:
        strata = _merge_rare_combinations(strata, n_validation)
    elif strata is not None:
        _check_classes(strata, len(rows), n_validation, names)
    seed = int(random_state.generate_state(1)[0])
    split = sklearn.model_selection.train_test_split(
        rows, test_size=n_validation, random_state=np.random.RandomState(seed), stratify=strata
    )
    return np.sort(split[0]), np.sort(split[1])


def _check_classes(strata, n_rows, n_validation, names):
    counts = np.bincount(strata)
    present = np.flatnonzero(counts)
    smallest = present[np.argmin(counts[present])]
    if counts[smallest] < 2:
        name = int(smallest) if names is None else shown(np.asarray(names)[[smallest]])[0]
        raise ValueError(
            f"early_stopping=True holds out a stratified part of the rows, but class {name!r} has "
            "only 1 row. Pass X_val and y_val, remove the class, or set early_stopping=False."
        )
    if min(n_validation, n_rows - n_validation) < len(present):
        raise ValueError(
            f"early_stopping=True splits {n_rows} rows into {n_rows - n_validation} to train on "
            f"and {n_validation} to validate on, too few for {len(present)} classes. Change "
            "validation_fraction, pass X_val and y_val, or set early_stopping=False."
        )


def _merge_rare_combinations(labels, n_validation):
    """Number the combinations of labels; rare ones share a number. None if that leaves one."""
    _, strata, counts = np.unique(labels, axis=0, return_inverse=True, return_counts=True)
    strata = strata.reshape(-1)
    # The larger combinations come first and as many stay as the smaller part has rows for.
    order = np.argsort(-counts, kind="stable")
    kept = [c for c in order[: max(n_validation - 1, 0)] if counts[c] >= 2]
    number = np.zeros(len(counts), int)
    number[kept] = np.arange(1, len(kept) + 1)
    strata = number[strata]
    if np.count_nonzero(strata == 0) == 1 and kept:
        strata[strata == 0] = 1
    return strata if len(kept) > 0 else None
