"""Which features an ensemble needs, by permutation of rows that were held out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..typing import Array, Function

#: Rows of a member that are permuted at most.
_MOST_ROWS = 2000


def permutation_importances(
    rows: Sequence[Array], X: Array, columns: Sequence[Array], misfit: Function
) -> Array:
    """Return by how much the loss grows when a feature is permuted.

    Parameters
    ----------
    rows : list of ndarray of int
        Positions of the rows that each member has not seen.
    X : ndarray of shape (n_samples, n_columns)
        Encoded rows.
    columns : list of ndarray of int
        Columns of X that each feature is encoded in.
    misfit : callable
        Given the number of a member, rows and encoded rows, returns the mean loss.

    Returns
    -------
    importances : ndarray of shape (n_features,)
        At least 0; they add up to 1 unless all are 0.

    References
    ----------
    Breiman (2001), Random forests, Machine Learning 45, :doi:`10.1023/A:1010933404324`.
    """
    growth = np.zeros(len(columns))
    rng = np.random.default_rng(0)
    for member, held in enumerate(rows):
        if len(held) > _MOST_ROWS:
            held = np.sort(rng.choice(held, _MOST_ROWS, replace=False))
        part = X[held]
        start = misfit(member, held, part)
        for feature, place in enumerate(columns):
            if len(place):
                changed = part.copy()
                changed[:, place] = part[rng.permutation(len(part))][:, place]
                growth[feature] += misfit(member, held, changed) - start
    growth = np.maximum(growth, 0.0)
    total = growth.sum()
    return growth / total if total > 0 else growth
