"""Lanes: parts of some work that threads of our own do side by side."""

from __future__ import annotations

import _thread
import os
import threading
from collections import deque
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any

import numpy as np

from . import kernels
from .typing import Function

_local = threading.local()


def run_in_lanes(function: Function, n_lanes: int, n_helpers: int) -> None:
    """Call a function for every lane, on this thread and some helpers.

    The lanes must not write to the same memory. What they compute does not depend on the number
    of threads, as that of the lanes does not.

    Parameters
    ----------
    function : callable
        Called with the number of a lane; most of its time it should spend in NumPy.
    n_lanes : int
        Number of lanes.
    n_helpers : int
        Number of threads that may help, as far as the system gives any.
    """
    waiting, errors = deque(range(n_lanes)), []
    doors = [threading.Lock() for _ in range(min(n_helpers, n_lanes - 1))]

    def work():
        while waiting:
            try:
                lane = waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            function(lane)

    def help_out(door):
        with door:
            try:
                _in_lane(work)
            except BaseException as error:
                waiting.clear()
                errors.append(error)

    def close():
        # Whoever comes in late finds nothing to do; those that are in have to come out.
        waiting.clear()
        for door in doors:
            with door:
                pass

    def work_with_help():
        # The context carries NumPy's error state to the threads.
        _helpers.ask([partial(copy_context().run, help_out, door) for door in doors])
        work()

    try:  # twice, as the first may be interrupted: helpers must not write to memory in later use
        try:
            _in_lane(work_with_help)
        finally:
            close()
    finally:
        close()
    if errors:
        raise errors[0]


def is_in_lane() -> bool:
    """Tell whether this thread works on a lane: there is no other thread to help it.

    Returns
    -------
    is_in_lane : bool
        Whether it is inside `run_in_lanes`.
    """
    return getattr(_local, "depth", 0) > 0


def noise_of_a_lane() -> Any:
    """Return a source of noise for one lane, to be started anew by `reseed` for each batch.

    Returns
    -------
    rng : numpy.random.Generator
        A new one.
    """
    return np.random.Generator(np.random.PCG64(0))


def reseed(rng: np.random.Generator, source: Any) -> None:
    """Start the noise of a lane anew.

    Parameters
    ----------
    rng : numpy.random.Generator
        From `noise_of_a_lane`.
    source : numpy.random.Generator
        Gives the seed.
    """
    state = rng.bit_generator.state
    high, low = source.integers(2**63, size=2).tolist()
    state["state"]["state"] = (high << 64) | low
    state["has_uint32"] = 0
    rng.bit_generator.state = state


def _in_lane(work):
    before = getattr(_local, "depth", 0)
    try:
        _local.depth = before + 1
        kernels.run_alone(True)
        work()
    finally:
        _local.depth = before
        kernels.run_alone(before > 0)


class _Helpers:
    """Threads that wait for work.

    They have no locks but those of C. An interruption or a signal handler that needs them too may
    come while this thread holds one of Python's, as ``ThreadPoolExecutor.submit`` and
    ``threading.Thread.start`` do, and then it waits for ever.
    """

    def __init__(self) -> None:
        self._works, self._n_threads = SimpleQueue(), 0

    def ask(self, works: Any) -> None:
        """Hand works to as many threads, as far as there are any to be had."""
        while self._n_threads < len(works):
            try:  # nobody tells them to end: without work they hold nothing
                _thread.start_new_thread(self._serve, ())
            except RuntimeError:  # the interpreter shuts down, or a limit is reached
                break
            self._n_threads += 1
        for work in works[: self._n_threads]:
            self._works.put(work)

    def _serve(self):
        while True:
            self._works.get()()


_helpers = _Helpers()


def _start_child():
    global _helpers
    _helpers = _Helpers()


if hasattr(os, "register_at_fork"):  # threads do not survive a fork
    os.register_at_fork(after_in_child=_start_child)
