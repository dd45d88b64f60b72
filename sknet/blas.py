"""Matrix products whose bits do not depend on the number of threads.

A multithreaded BLAS cuts a product differently for every number of threads, and the rounding may
change with the cut: a fit inside ``GridSearchCV(n_jobs=2)``, where joblib gives every worker one
thread, would differ from the same fit outside. So BLAS runs on one thread, and `matmul` cuts a
large product itself, into panels that depend on its shape alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import kernels, settings
from .lanes import is_in_lane, run_in_lanes
from .typing import Array, Function

#: Multiply-adds from which a product is cut, and those an element: thin products are bound by
#: memory, not by arithmetic. Threads of Python take longer to start than those of the kernels.
_MANY = 2**21 if kernels.COMPILED else 2**24
_MANY_AN_ELEMENT = 32
#: Elements of the result above which a panel is cut again, and rows or columns of which half would
#: be too few. Each cut makes BLAS pack a factor once more: on one thread, two panels took 1.03
#: times as long as the whole, smaller ones than these 1.1 times.
_LARGE_PANEL = 2**18
_SHORT_PANEL = 256


def spare_threads() -> int:
    """Return how many threads may help the caller's.

    Returns
    -------
    n_threads : int
        Zero outside `single_threaded_blas`, where other fits run at the same time, and in a lane.
    """
    return 0 if is_in_lane() else settings.blas_setting.n_threads - 1


def side_by_side(function: Function, n_lanes: int) -> list[Any]:
    """Call a function for every lane, on this thread and those that are to spare.

    Parameters
    ----------
    function : callable
        Called with the number of a lane.
    n_lanes : int
        Number of lanes.

    Returns
    -------
    results : list
        What it returns for each lane.
    """
    results = [None] * n_lanes

    def run(lane):
        results[lane] = function(lane)

    run_in_lanes(run, n_lanes, spare_threads() if n_lanes > 1 else 0)
    return results


def matmul(a: Array, b: Array, out: Array) -> Array:
    """Multiply two matrices into `out`.

    Parameters
    ----------
    a : ndarray of shape (M, K)
        Left factor.
    b : ndarray of shape (K, N)
        Right factor.
    out : ndarray of shape (M, N)
        Result; written.

    Returns
    -------
    out : ndarray of shape (M, N)
        The same array.
    """
    if b.shape[0] == 1:  # an outer product, for which BLAS takes three times as long
        return np.multiply(a, b, out=out)
    n_products = a.size * b.shape[1]
    n_elements = a.size + b.size + out.size
    if n_products < max(_MANY, _MANY_AN_ELEMENT * n_elements):
        return np.matmul(a, b, out=out)
    kernels.multiply(a, b, out, *_panel(*out.shape), side_by_side)
    return out


def _panel(rows, columns):
    """Return rows and columns of the panels of a product, by halving the longer side."""
    is_whole = True
    while (is_whole or rows * columns > _LARGE_PANEL) and max(rows, columns) >= _SHORT_PANEL:
        if rows > columns:
            rows = -(-rows // 2)
        else:
            columns = -(-columns // 2)
        is_whole = False
    return rows, columns
