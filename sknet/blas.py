"""Matrix products whose bits do not depend on the number of BLAS threads.

A multithreaded BLAS cuts a product differently for every number of threads, and the rounding may
change with the cut: a fit inside ``GridSearchCV(n_jobs=2)``, where joblib gives every worker one
thread, would differ from the same fit outside. Inside `single_threaded_blas`, `matmul` gives the
bits of one thread; it uses more for the rows where a trial has shown that they change no bit.
"""

from __future__ import annotations

from hashlib import blake2b
from itertools import pairwise
from math import inf
from time import perf_counter
from typing import Any

import numpy as np

from . import settings
from .lanes import is_in_lane, run_in_lanes
from .typing import Array, Function

#: Multiply-adds from which BLAS's threads gain more than waking them costs, measured on two cores,
#: and multiply-adds an element: thin products are bound by memory, not by arithmetic.
_MANY = 2**21
_MANY_AN_ELEMENT = 32
#: The same for threads of our own, which take longer to wake.
_MANY_FOR_LANES = 2**24
#: A product that takes more than this many times as long on all threads as on one has waited for
#: a core that another process keeps busy. After some such in a row the next products do without.
_LATE = 1.5
_MANY_LATE = 3
_REST = 500
#: Kernels of OpenBLAS work on blocks of up to 24 rows: a cut between two threads at a multiple of
#: the block leaves every sum as it was.
_ALIGNMENT = 48
#: Elements of the result that a trial compares: fewer could agree by chance.
_TRIAL_ELEMENTS = 2000


class _Threads:
    """Lets the only fit or prediction that runs use several threads where no bit changes."""

    def __init__(self) -> None:
        self._safe_rows = {}
        self._late = self._rest = 0

    def spare(self) -> Any:
        """Return how many threads may help this one, and tell `multiply` that they do."""
        setting = settings.blas_setting
        if setting.n_holders != 1 or setting.allowed == 1 or is_in_lane():
            return 0
        setting.uses_lanes = True
        return setting.allowed - 1

    def _multiply_on_all(self, a, b, out):
        setting = settings.blas_setting
        # BLAS's threads go on spinning for a while after a product, in the way of helpers.
        if setting.uses_lanes:
            self._multiply_in_lanes(a, b, out, setting.allowed)
            return
        try:
            setting.use(setting.allowed)
            np.matmul(a, b, out=out)
        finally:
            setting.use(1)

    def _multiply_in_lanes(self, a, b, out, n_lanes):
        n_blocks = len(out) // _ALIGNMENT
        cuts = [_ALIGNMENT * (n_blocks * lane // n_lanes) for lane in range(n_lanes)]
        parts = [slice(*pair) for pair in pairwise([*cuts, len(out)])]

        def multiply(lane):
            np.matmul(a[parts[lane]], b, out=out[parts[lane]])

        run_in_lanes(multiply, n_lanes, n_lanes - 1)

    def multiply(self, a: Any, b: Any, out: Array | None) -> None:
        """Multiply the first rows on all threads, as far as that is safe, and the rest on one."""
        rows = 0
        with settings.blas_setting.lock:
            if settings.blas_setting.n_holders == 1:  # no other call would see it change
                rows = self._multiply_safely(a, b, out)
        if rows < len(out):
            np.matmul(a[rows:], b, out=out[rows:])

    def _multiply_safely(self, a, b, out):
        """Multiply the rows that all threads may take; return how many."""
        if self._rest:
            self._rest -= 1
            return 0
        setting = settings.blas_setting
        if setting.uses_lanes and a.size * b.shape[1] < _MANY_FOR_LANES:
            return 0
        threads = setting.allowed, setting.uses_lanes
        layout = _is_transposed(a), _is_transposed(b), out.dtype, *threads
        key = (a.shape, b.shape[1], *layout)
        if key not in self._safe_rows:
            self._safe_rows[key] = self._try(a, b, out)
        rows, seconds = self._safe_rows[key]
        if rows:
            begin = perf_counter()
            self._multiply_on_all(a[:rows], b, out[:rows])
            self._late = self._late + 1 if perf_counter() - begin > _LATE * seconds else 0
            if self._late == _MANY_LATE:
                self._late, self._rest = 0, _REST
        return rows

    def _try(self, a, b, out):
        """Return how many first rows all threads may take, and the seconds of one for all rows.

        By a trial on random factors.
        """
        if a.size * b.shape[1] < _MANY_AN_ELEMENT * (a.size + b.size + out.size):
            return 0, inf
        rng = np.random.default_rng(0)
        safe, seconds = {len(out), len(out) - len(out) % _ALIGNMENT}, inf
        for _ in range(max(2, -(-_TRIAL_ELEMENTS // out.size))):
            x, y = _random_like(a, rng), _random_like(b, rng)
            begin = perf_counter()
            np.matmul(x, y, out=out)
            seconds = min(seconds, perf_counter() - begin)
            expected = _digest(out)
            for rows in list(safe):
                self._multiply_on_all(x[:rows], y, out[:rows])
                np.matmul(x[rows:], y, out=out[rows:])
                if _digest(out) != expected:
                    safe.remove(rows)
        return max(safe, default=0), seconds


def _is_transposed(matrix):
    return matrix.strides[0] < matrix.strides[1]


def _random_like(matrix, rng):
    transposed = _is_transposed(matrix)
    values = rng.standard_normal(matrix.shape[::-1] if transposed else matrix.shape)
    values = values.astype(matrix.dtype)
    return values.T if transposed else values


def _digest(array):
    # A digest, as a copy to compare with would take the memory of a kernel.
    return blake2b(np.ascontiguousarray(array)).digest()


_threads = _Threads()


def spare_threads() -> int:
    """Return how many threads may help the caller's, with products that are not `matmul`'s.

    Returns
    -------
    n_threads : int
        Zero outside `single_threaded_blas`, where BLAS has threads of its own, where other
        fits run at the same time, and in a lane.
    """
    return _threads.spare()


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
    """Multiply two matrices into `out`, with the bits of one thread.

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
    if a.size * b.shape[1] < _MANY or is_in_lane():  # always on one thread
        return np.matmul(a, b, out=out)
    width = _block_width(out)
    for start in range(0, out.shape[1], width):
        block = slice(start, start + width)
        if settings.blas_setting.allowed == 1:
            np.matmul(a, b[:, block], out=out[:, block])
        else:
            _threads.multiply(a, b[:, block], out[:, block])
    return out


def _block_width(out):
    # OpenBLAS's threads share out the longer side, and in single precision only a cut between rows
    # keeps the bits: wide results are made of blocks longer than wide, whatever the threads.
    n_rows, n_columns = out.shape
    if n_columns < n_rows or out.dtype == np.float64:
        return n_columns
    return 128 if n_rows > 144 else 64
