"""Sparse matrices as users pass them."""

from __future__ import annotations

from typing import Any


def summed(X: Any, owner: str) -> Any:
    """Return a sparse matrix whose duplicate entries are added up.

    Parameters
    ----------
    X : sparse matrix
        Left as it is.
    owner : str
        Who takes it, for errors.

    Returns
    -------
    X : sparse matrix
        `X` itself if it has no duplicates.

    Raises
    ------
    ValueError
        If it has not two axes, or if its places do not lie in its shape, so that to read it would
        be to read memory of others.
    """
    if X.ndim != 2:
        raise ValueError(f"{owner} expects a sparse X of two axes, got shape {X.shape}.")
    try:
        X = _sound(X)
    except (ValueError, IndexError) as error:
        raise ValueError(
            f"{owner} cannot read this sparse X of shape {X.shape}, whose parts do not fit each "
            f"other: {error}. Make it anew from rows, columns and values."
        ) from None
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def _sound(X):
    """Return a matrix of rows or columns whose places lie in its shape."""
    if X.format in ("coo", "dia"):
        parts = (X.row, X.col) if X.format == "coo" else X.offsets
        type(X)((X.data, parts), shape=X.shape)  # raises if they do not
    elif X.format in ("csr", "csc", "bsr"):
        alike = type(X)((X.data, X.indices, X.indptr), shape=X.shape)
        alike.check_format(full_check=True)  # of a copy, as it may change what it checks
        return X if X.format != "bsr" else X.tocsr()
    X = X.tocsr()  # adds up duplicates
    X.check_format(full_check=True)
    return X
