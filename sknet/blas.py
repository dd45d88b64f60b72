"""Matrix products whose bits do not depend on the number of BLAS threads.

A multithreaded BLAS cuts a product differently for every number of threads and the rounding
changes with the cut, so a fit inside ``GridSearchCV(n_jobs=2)``, where joblib gives every
worker one thread, would differ from the same fit outside. Here BLAS runs on one thread, and
large products are cut into panels by their shape alone; as many threads as BLAS was allowed
work on the panels.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from threadpoolctl import ThreadpoolController

#: Multiply-adds of one panel. Measured on two cores: handing a panel to another thread costs
#: about 40 us, so panels of 0.3 ms (float32) and up gain nearly all that threads can give.
_PANEL_WORK = 2**24
_MAX_PANELS = 16


class _Threads:
    """The process's BLAS limit, shared by all fits that run at the same time."""

    def __init__(self):
        self._lock = threading.Lock()
        self._controller = None
        self._depth = 0
        self._pool = None
        self.allowed = 1

    def enter(self):
        with self._lock:
            if self._controller is None:
                self._controller = ThreadpoolController().select(user_api="blas")
            if self._depth == 0:
                libraries = self._controller.lib_controllers
                self.allowed = max((lib.num_threads for lib in libraries), default=1)
                self._limiter = self._controller.limit(limits=1)
            self._depth += 1

    def leave(self):
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                self._limiter.restore_original_limits()

    def pool(self):
        with self._lock:
            if self._pool is None:
                workers = max(1, (os.cpu_count() or 2) - 1)
                self._pool = ThreadPoolExecutor(workers, thread_name_prefix="sknet")
            return self._pool


_threads = _Threads()


def _forget_threads():
    global _threads
    _threads = _Threads()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


@contextmanager
def single_threaded_blas():
    """Run the block with BLAS on one thread; the user's setting is restored after it."""
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
    n_panels = min(m * k * b.shape[1] // _PANEL_WORK, m, _MAX_PANELS)
    if n_panels < 2:
        return np.matmul(a, b, out=out)
    rows = -(-m // n_panels)
    panels = [slice(start, start + rows) for start in range(0, m, rows)]
    helpers = min(_threads.allowed, len(panels)) - 1
    if helpers < 1:
        for panel in panels:
            np.matmul(a[panel], b, out=out[panel])
        return out
    remaining = iter(panels)  # list iterators are safe to share between threads

    def work():
        for panel in remaining:
            np.matmul(a[panel], b, out=out[panel])

    pool = _threads.pool()
    futures = [pool.submit(work) for _ in range(helpers)]
    work()
    for future in futures:
        future.result()
    return out
