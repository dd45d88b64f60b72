"""Matrix products whose bits do not depend on the number of BLAS threads.

A multithreaded BLAS cuts a product differently for every number of threads, and the rounding may
change with the cut: a fit inside ``GridSearchCV(n_jobs=2)``, where joblib gives every worker one
thread, would differ from the same fit outside. Inside `single_threaded_blas`, the bits of `matmul`
do not depend on the threads:

- small products run on one thread;
- medium ones use BLAS's threads for the rows where a trial has shown that they change no bit;
- large ones are cut into panels by their shape alone, and several threads take the panels.
"""

import os
import threading
from contextlib import contextmanager
from hashlib import blake2b
from queue import SimpleQueue

import numpy as np
from threadpoolctl import ThreadpoolController

#: Multiply-adds. Measured on two cores: from 2**19 on BLAS's threads gain more than the 2 us of
#: switching them on and off; from 2**24 on our threads gain more than the 40 us of handing over.
_MEDIUM = 2**19
_LARGE = 2**24
#: Least number of rows of a panel and largest number of panels: each packs the right factor anew.
_PANEL_ROWS = 128
_MAX_PANELS = 16
#: Kernels of OpenBLAS work on blocks of up to 24 rows: a cut between two threads at a multiple of
#: the block leaves every sum as it was.
_ALIGNMENT = 48
#: Elements of the result that a trial compares: fewer could agree by chance. And of all three
#: matrices at most: thin products of many elements are bound by memory and gain no trial's cost.
_TRIAL_ELEMENTS = 2000
_TRIAL_LIMIT = 2**20


class _Threads:
    """The setting of BLAS, shared by all fits of the process that run at the same time."""

    def __init__(self):
        self._lock = threading.Lock()
        self._libraries = None
        self._depth = 0
        self._safe_rows = {}
        self._calls = None
        self.allowed = 1

    def limit(self):
        with self._lock:
            if self._libraries is None:
                self._libraries = ThreadpoolController().select(user_api="blas")
            if self._depth == 0:
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
                self._limiter.restore_original_limits()
                self.allowed = 1

    def _multiply_on_all(self, a, b, out):
        for library in self._switched:
            library.set_num_threads(self.allowed)
        np.matmul(a, b, out=out)
        for library in self._switched:
            library.set_num_threads(1)

    def multiply(self, a, b, out):
        """Multiply the first rows on all threads, as far as that is safe, and the rest on one."""
        layout = _is_transposed(a), _is_transposed(b), out.dtype, self.allowed
        with self._lock:
            rows = 0
            if self._depth == 1:  # no other fit would see the setting change
                key = (a.shape, b.shape[1], *layout)
                rows = self._safe_rows.get(key)
                if rows is None:
                    rows = self._safe_rows[key] = self._try(a, b, out)
            if rows:
                self._multiply_on_all(a[:rows], b, out[:rows])
        if rows < len(out):
            np.matmul(a[rows:], b, out=out[rows:])

    def _try(self, a, b, out):
        """Return how many first rows all threads may take, by a trial on random factors."""
        if a.size + b.size + out.size > _TRIAL_LIMIT:
            return 0
        rng = np.random.default_rng(0)
        safe = {len(out), len(out) - len(out) % _ALIGNMENT}
        for _ in range(-(-_TRIAL_ELEMENTS // out.size)):
            x, y = _random_like(a, rng), _random_like(b, rng)
            np.matmul(x, y, out=out)
            expected = _digest(out)
            for rows in list(safe):
                self._multiply_on_all(x[:rows], y, out[:rows])
                np.matmul(x[rows:], y, out=out[rows:])
                if _digest(out) != expected:
                    safe.remove(rows)
        return max(safe, default=0)

    def run(self, work):
        """Run `work` in all allowed threads at once; it shares out what there is to do itself."""
        with self._lock:
            if self._calls is None:
                self._calls = SimpleQueue()
                for _ in range((os.cpu_count() or 2) - 1):
                    threading.Thread(target=_serve, args=(self._calls,), daemon=True).start()
        helpers, done = self.allowed - 1, SimpleQueue()
        for _ in range(helpers):
            self._calls.put((work, done))
        try:
            work()
        finally:  # the factors must not change before all have ended
            for _ in range(helpers):
                done.get()


def _serve(calls):
    while True:
        work, done = calls.get()
        try:
            work()
        finally:
            done.put(None)


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


if hasattr(os, "register_at_fork"):  # a child process has none of its parent's threads
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
    if b.shape[0] == 1:  # an outer product, for which BLAS takes three times as long
        return np.multiply(a, b, out=out)
    work = a.size * b.shape[1]
    if work >= _LARGE and len(a) > 1:
        _multiply_panels(a, b, out)
    elif work >= _MEDIUM and _threads.allowed > 1:
        _threads.multiply(a, b, out)
    else:
        np.matmul(a, b, out=out)
    return out


def _multiply_panels(a, b, out):
    n_panels = 2
    while n_panels < _MAX_PANELS and len(a) >= 2 * n_panels * _PANEL_ROWS:
        n_panels *= 2
    rows = -(-len(a) // n_panels)
    panels = iter([slice(start, start + rows) for start in range(0, len(a), rows)])

    def work():
        for panel in panels:  # a list's iterator gives each thread another one
            np.matmul(a[panel], b, out=out[panel])

    if _threads.allowed > 1:
        _threads.run(work)
    else:
        work()
