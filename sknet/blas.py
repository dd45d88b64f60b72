"""Matrix products whose bits do not depend on the number of BLAS threads.

A multithreaded BLAS cuts a product differently for every number of threads, and the rounding may
change with the cut: a fit inside ``GridSearchCV(n_jobs=2)``, where joblib gives every worker one
thread, would differ from the same fit outside. Inside `single_threaded_blas`, `matmul` gives the
bits of one thread; it uses more for the rows where a trial has shown that they change no bit.
"""

import os
import threading
from contextlib import contextmanager
from hashlib import blake2b
from itertools import pairwise
from math import inf
from time import perf_counter

import numpy as np
from threadpoolctl import ThreadpoolController

from .lanes import is_in_lane, run_in_lanes

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
    """The setting of BLAS, shared by all fits of the process that run at the same time."""

    def __init__(self):
        self._lock = threading.Lock()
        self._libraries = None
        self._depth = 0
        self._safe_rows = {}
        self._late = self._rest = 0
        self.uses_lanes = False
        self.allowed = 1

    def limit(self):
        with self._lock:
            if self._libraries is None:
                self._libraries = ThreadpoolController().select(user_api="blas")
            if self._depth == 0:
                self._take_control()
                controllers = self._libraries.lib_controllers
                # SciPy's wheels bring a BLAS of their own, which np.matmul does not call.
                numpys = [lib for lib in controllers if "numpy" in str(lib.filepath)]
                self._switched = numpys or controllers
                self.allowed = max((lib.num_threads for lib in self._switched), default=1)
                self._limiter = self._libraries.limit(limits=1)
            self._depth += 1

    def restore(self):
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                self._take_control()
                self._limiter.restore_original_limits()
                self.uses_lanes = False
                self.allowed = 1

    def _take_control(self):
        # Newer versions of threadpoolctl obey one thread only until that lets go; here the first
        # fit may begin and the last may end in other threads.
        for library in self._libraries.lib_controllers:
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)

    def spare(self):
        """Return how many threads may help this one, and tell `multiply` that they do."""
        if self._depth != 1 or self.allowed == 1 or is_in_lane():
            return 0
        self.uses_lanes = True
        return self.allowed - 1

    def _multiply_on_all(self, a, b, out):
        # BLAS's threads go on spinning for a while after a product, in the way of helpers.
        if self.uses_lanes:
            self._multiply_in_lanes(a, b, out)
            return
        try:
            for library in self._switched:
                library.set_num_threads(self.allowed)
            np.matmul(a, b, out=out)
        finally:
            for library in self._switched:
                library.set_num_threads(1)

    def _multiply_in_lanes(self, a, b, out):
        n_blocks = len(out) // _ALIGNMENT
        cuts = [_ALIGNMENT * (n_blocks * lane // self.allowed) for lane in range(self.allowed)]
        parts = [slice(*pair) for pair in pairwise([*cuts, len(out)])]

        def multiply(lane):
            np.matmul(a[parts[lane]], b, out=out[parts[lane]])

        run_in_lanes(multiply, len(parts), self.allowed - 1)

    def multiply(self, a, b, out):
        """Multiply the first rows on all threads, as far as that is safe, and the rest on one."""
        with self._lock:
            rows = 0
            if self._depth == 1:  # no other fit would see the setting change
                rows = self._multiply_safely(a, b, out)
        if rows < len(out):
            np.matmul(a[rows:], b, out=out[rows:])

    def _multiply_safely(self, a, b, out):
        """Multiply the rows that all threads may take; return how many."""
        if self._rest:
            self._rest -= 1
            return 0
        if self.uses_lanes and a.size * b.shape[1] < _MANY_FOR_LANES:
            return 0
        layout = _is_transposed(a), _is_transposed(b), out.dtype, self.allowed, self.uses_lanes
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


def _forget_threads():
    global _threads
    _threads = _Threads()


if hasattr(os, "register_at_fork"):  # a child process must not wait for its parent's fits
    os.register_at_fork(after_in_child=_forget_threads)


@contextmanager
def single_threaded_blas():
    """Run the block with BLAS on one thread; the user's setting is restored after it."""
    threads = _threads
    threads.limit()
    try:
        yield
    finally:
        threads.restore()


def spare_threads():
    """Return how many threads may help the caller's, with products that are not `matmul`'s.

    Returns
    -------
    n_threads : int
        Zero outside `single_threaded_blas`, where BLAS has threads of its own, where other
        fits run at the same time, and in a lane.
    """
    return _threads.spare()


def side_by_side(function, n_lanes):
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


def matmul(a, b, out):
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
        if _threads.allowed == 1:
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
