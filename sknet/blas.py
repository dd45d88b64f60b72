"""Matrix products whose bits do not depend on the number of BLAS threads.

A multithreaded BLAS cuts a product differently for every number of threads, and the rounding may
change with the cut: a fit inside ``GridSearchCV(n_jobs=2)``, where joblib gives every worker one
thread, would differ from the same fit outside. The bits of `matmul` do not depend on the threads:

- small products run on one thread;
- medium ones on BLAS's threads where a trial has shown that those change no bit;
- large ones are cut into panels by their shape alone, and several threads work on the panels.
"""

import os
import threading
from contextlib import contextmanager
from queue import SimpleQueue

import numpy as np
from threadpoolctl import ThreadpoolController

# Multiply-adds. Measured on two cores: under 2**19 BLAS's threads gain less than switching them on
# and off costs (2 us). Handing a panel to another thread costs 20 to 40 us, so that products of
# 2**24 (0.3 ms in float32) are the least that gain from it, and every panel packs the right
# factor again, so that panels of less than 128 rows lose.
_SMALL = 2**19
_LARGE = 2**24
_PANEL_ROWS = 128
_MAX_PANELS = 16
#: Elements of the result that a trial compares: fewer could agree by chance.
_TRIAL_ELEMENTS = 2000


class _Threads:
    """BLAS's threads and ours, shared by all fits that run at the same time."""

    def __init__(self):
        self._lock = threading.Lock()
        self._libraries = None
        self._depth = 0
        self._trials = {}
        self._tasks = None
        self.allowed = 1

    def enter(self):
        with self._lock:
            if self._libraries is None:
                self._libraries = ThreadpoolController().select(user_api="blas")
            if self._depth == 0:
                controllers = self._libraries.lib_controllers
                # SciPy's wheels bring a BLAS of their own, which np.matmul does not call.
                numpys = [lib for lib in controllers if "numpy" in str(lib.filepath)]
                self._switched = numpys or controllers
                self.allowed = max((lib.num_threads for lib in controllers), default=1)
                self._limiter = self._libraries.limit(limits=1)
            self._depth += 1

    def leave(self):
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                self._limiter.restore_original_limits()
                self.allowed = 1

    def _set(self, n_threads):
        for library in self._switched:
            library.set_num_threads(n_threads)

    def multiply(self, a, b, out):
        """Multiply on BLAS's threads if a trial has shown that they change no bit."""
        key = (a.shape, b.shape[1], _is_transposed(a), _is_transposed(b), a.dtype)
        with self._lock:
            if self._depth == 1:  # no other fit would see the setting change
                if key not in self._trials:
                    self._trials[key] = self._try(a, b)
                if self._trials[key]:
                    self._set(self.allowed)
                    np.matmul(a, b, out=out)
                    self._set(1)
                    return out
        return np.matmul(a, b, out=out)

    def _try(self, a, b):
        """Compare the bits of one thread with those of all, on random factors."""
        rng = np.random.default_rng(0)
        compared = 0
        while compared < _TRIAL_ELEMENTS:
            x, y = _random_like(a, rng), _random_like(b, rng)
            one = np.matmul(x, y)
            self._set(self.allowed)
            several = np.matmul(x, y)
            self._set(1)
            if not np.array_equal(one, several):
                return False
            compared += one.size
        return True

    def share(self, work, n_helpers):
        """Run `work` here and in other threads at the same time."""
        with self._lock:
            if self._tasks is None:
                self._tasks = SimpleQueue()
                for _ in range(max(1, (os.cpu_count() or 2) - 1)):
                    threading.Thread(target=_serve, args=(self._tasks,), daemon=True).start()
        done = SimpleQueue()
        for _ in range(n_helpers):
            self._tasks.put((work, done))
        work()
        for _ in range(n_helpers):
            done.get()


def _is_transposed(matrix):
    return matrix.strides[0] < matrix.strides[1]


def _random_like(matrix, rng):
    shape = matrix.shape[::-1] if _is_transposed(matrix) else matrix.shape
    values = rng.standard_normal(shape).astype(matrix.dtype)
    return values.T if _is_transposed(matrix) else values


def _serve(tasks):
    while True:
        work, done = tasks.get()
        try:
            work()
        finally:
            done.put(None)


_threads = _Threads()


def _forget_threads():
    global _threads
    _threads = _Threads()


if hasattr(os, "register_at_fork"):  # a child process has none of its parent's threads
    os.register_at_fork(after_in_child=_forget_threads)


@contextmanager
def single_threaded_blas():
    """Run the block with BLAS on one thread; the user's setting is restored after it.

    Inside, `matmul` may use as many threads as BLAS was allowed.
    """
    threads = _threads
    threads.enter()
    try:
        yield
    finally:
        threads.leave()


def matmul(a, b, out):
    """Multiply two matrices into `out`: the same bits for any number of threads.

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
    m, k = a.shape
    if k == 1:  # an outer product; BLAS takes three times as long
        return np.multiply(a, b, out=out)
    work = m * k * b.shape[1]
    if work < _SMALL:
        return np.matmul(a, b, out=out)
    threads = _threads
    if work < _LARGE or m < 2:
        return np.matmul(a, b, out=out) if threads.allowed == 1 else threads.multiply(a, b, out)
    return _multiply_panels(a, b, out, threads)


def _multiply_panels(a, b, out, threads):
    n_panels = 2
    while n_panels < _MAX_PANELS and len(a) >= 2 * n_panels * _PANEL_ROWS:
        n_panels *= 2
    rows = -(-len(a) // n_panels)
    panels = [slice(start, start + rows) for start in range(0, len(a), rows)]
    remaining = iter(panels)  # threads may share a list's iterator

    def work():
        for panel in remaining:
            np.matmul(a[panel], b, out=out[panel])

    helpers = min(threads.allowed, len(panels)) - 1
    if helpers > 0:
        threads.share(work, helpers)
    else:
        work()
    return out
