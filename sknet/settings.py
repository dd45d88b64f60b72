"""The settings of NumPy and of BLAS under which networks run, whatever the user's are.

The user's settings must come back after every call, one that an interruption ends included.
Python raises KeyboardInterrupt between any two lines, those of ``__exit__`` among them, so nothing
here depends on a single ``finally``: see `isolated` and `single_threaded_blas`. The same holds for
the blocks in which scikit-learn changes warnings and its own configuration.
"""

from __future__ import annotations

import os
import threading
import warnings
from contextvars import Context, ContextVar, copy_context
from ctypes import c_void_p, cast
from functools import wraps
from typing import Any
from weakref import WeakSet

import numpy as np
import sklearn
from threadpoolctl import ThreadpoolController

from . import kernels
from .dispatch import as_numpy, in_kind
from .typing import F


class BlasSetting:
    """The number of BLAS's threads, shared by all calls of the process that run at a time.

    The user's setting is written down before it is changed, and restored when the last call has
    ended. Every step may be repeated: where an interruption has left one out, whoever comes next
    makes up for it.

    Attributes
    ----------
    lock : threading.RLock
        Held while the setting changes. Reentrant, as a signal handler may predict.
    allowed : int
        Number of threads that the user lets NumPy's BLAS use; 1 outside of all calls.
    is_single : bool
        Whether BLAS is on one thread at this moment. While the setting changes it may not be.
    """

    def __init__(self, libraries: Any = None) -> None:
        self.lock: Any = threading.RLock()
        self.allowed, self.is_single = 1, False
        self._libraries = libraries
        self._original = None
        self._holders = WeakSet()  # a holder that was forgotten ends with its call

    @property
    def n_threads(self) -> int:
        """Number of threads that a call may use; 1 where others run at the same time."""
        return self.allowed if len(self._holders) == 1 else 1

    def is_held(self, holder: Any) -> bool:
        """Return whether a call has this setting already."""
        return holder is not None and holder in self._holders

    def take(self, holder: Any) -> None:
        """Set BLAS to one thread for a call."""
        with self.lock:
            if self._libraries is None:
                self._libraries = _Libraries()
            self._holders.add(holder)
            present = self._libraries.read()
            if self._original is None:
                self.allowed: int = self._libraries.n_threads_of_numpy()
                self._original = present
            self._libraries.write([1] * len(present))
            self.is_single: bool = True
            kernels.use_threads(self.n_threads)

    def release(self, holder: Any) -> None:
        """Restore the user's setting unless another call needs one thread."""
        with self.lock:
            self._holders.discard(holder)
            if not self._holders:
                self.restore()
            kernels.use_threads(self.n_threads)

    def restore(self) -> None:
        """Restore the user's setting."""
        if self._original is not None:
            self.is_single = False
            self._libraries.write(self._original)
            self.allowed, self._original = 1, None

    def in_child(self) -> BlasSetting:
        """Return the setting of a forked process, in which none of the calls runs."""
        if self._original is not None:
            self._libraries.write(self._original)
        return BlasSetting(self._libraries)


class _Libraries:
    """The BLAS libraries of the process."""

    def __init__(self) -> None:
        self._all = ThreadpoolController().select(user_api="blas").lib_controllers
        # SciPy's wheels bring a BLAS of their own, which np.matmul does not call.
        self._numpys = [lib for lib in self._all if "numpy" in str(lib.filepath)] or self._all
        if len(self._numpys) == 1:
            kernels.use_blas(*_products_of(self._numpys[0]))

    def read(self) -> Any:
        return [library.num_threads for library in self._all]

    def n_threads_of_numpy(self) -> Any:
        return max((library.num_threads for library in self._numpys), default=1)

    def write(self, counts: Any) -> None:
        for library, n_threads in zip(self._all, counts, strict=True):
            _write(library, n_threads)


def _write(library, n_threads):
    # From version 3.8 on, set_num_threads obeys one thread only until that lets go, whereas here
    # the first call may begin and the last may end in other threads; and it takes a lock that a
    # signal handler, when it predicts, would wait for while its own thread holds it.
    getattr(library, "_real_set_num_threads", library.set_num_threads)(n_threads)


def _products_of(library):
    """Return the addresses that `kernels.use_blas` takes; zeros if it is another kind of BLAS.

    Where OpenBLAS has OpenMP's threads, threads of ours would not see that it is on one.
    """
    if (library.internal_api, getattr(library, "threading_layer", "")) == ("openblas", "pthreads"):
        for prefix, suffix in (("scipy_", "64_"), ("", "64_")):  # with integers of 64 bits
            names = [f"{prefix}cblas_{kind}gemm{suffix}" for kind in "sd"]
            found = [getattr(library.dynlib, name, None) for name in names]
            if None not in found:
                return [cast(function, c_void_p).value for function in found]
    return 0, 0


class _Holder:
    """A call that needs BLAS on one thread."""


#: The setting of this process.
blas_setting: BlasSetting = BlasSetting()
_holder = ContextVar("sknet_holder", default=None)
#: What the innermost `isolated` call has found.
_found = ContextVar("sknet_found", default=None)


def _ignoring_errors():
    context = Context()
    context.run(np.seterr, all="ignore")
    return list(context.items())


#: The variables by which a context tells NumPy to ignore floating-point errors, and their values:
#: to set them takes a hundredth of `np.errstate`, which would be half of a prediction.
_IGNORING_ERRORS = _ignoring_errors()


def _start_child():
    global blas_setting
    blas_setting = blas_setting.in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_child)


class single_threaded_blas:
    """Run a block with BLAS on one thread; the user's setting is restored after it.

    Blocks may be nested: only the outermost of a call changes anything.
    """

    def __enter__(self) -> Any:
        """Take the setting, unless this call has it."""
        self._holder = None
        if not blas_setting.is_held(_holder.get()):
            self._holder = _Holder()
            _holder.set(self._holder)
            blas_setting.take(self._holder)
        elif not blas_setting.is_single:  # a signal handler has come while the setting changes
            blas_setting.take(_holder.get())

    def __exit__(self, *error: Any) -> None:
        """Give it back."""
        if self._holder is not None:
            blas_setting.release(self._holder)


class _Found:
    """The settings of scikit-learn and of warnings that a call has found."""

    def __init__(self) -> None:
        self._filters, self._config = warnings.filters, sklearn.get_config()
        self.dispatches: bool = self._config["array_api_dispatch"]

    def restore(self) -> None:
        if warnings.filters is not self._filters:
            warnings.filters = self._filters
            with warnings.catch_warnings():  # so that Python forgets what it knew of the others
                pass
        sklearn.set_config(**self._config)


def restore_after_interruption() -> None:
    """Restore the settings that the innermost `isolated` call has found.

    For whoever catches KeyboardInterrupt inside one. Blocks of ``warnings.catch_warnings`` and
    ``sklearn.config_context``, which end where the exception passes, may have lost their end.
    """
    _found.get().restore()


def isolated(function: F) -> F:
    """Decorate what users call: run it so that the user's settings neither matter nor change.

    It runs in a context of its own, where NumPy ignores floating-point errors: infinities and
    underflow are looked for where they matter. What it has set there ends with it, whatever
    exception it ends with; and where an interruption has left out the end of a block inside,
    the settings of BLAS, of warnings and of scikit-learn are restored here. So it stands outside
    of scikit-learn's own decorators.

    Under scikit-learn's ``array_api_dispatch``, arrays of other libraries become those of NumPy,
    and arrays of numbers that the call returns become of the kind of X, its first argument.

    Parameters
    ----------
    function : callable
        Function or method.

    Returns
    -------
    function : callable
        With the same signature.
    """

    @wraps(function)
    def call(*args, **kwargs):
        context, found = copy_context(), _Found()
        run = _run_dispatched if found.dispatches and _found.get() is None else _run
        try:
            return context.run(run, found, function, args, kwargs)
        except KeyboardInterrupt:
            found.restore()
            raise
        finally:
            if context.get(_holder) is not _holder.get():
                blas_setting.release(context[_holder])

    return call


def _run_dispatched(found, function, args, kwargs):
    """Run a call from outside on arrays of NumPy; what it returns is of the kind of X."""
    example = args[1] if len(args) > 1 else kwargs.get("X")
    args = [as_numpy(value) for value in args]
    kwargs = {name: as_numpy(value) for name, value in kwargs.items()}
    return in_kind(_run(found, function, args, kwargs), example)


def _run(found, function, args, kwargs):
    _found.set(found)
    for variable, value in _IGNORING_ERRORS:
        variable.set(value)
    return function(*args, **kwargs)
