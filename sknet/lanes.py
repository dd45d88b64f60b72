"""Lanes: parts of some work that threads of our own do side by side."""

import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import numpy as np

_helpers = None
_local = threading.local()


def run_in_lanes(function, n_lanes, n_helpers):
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
        _ask_for_help(help_out, doors)
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


def is_in_lane():
    """Tell whether this thread works on a lane: there is no other thread to help it.

    Returns
    -------
    is_in_lane : bool
        Whether it is inside `run_in_lanes`.
    """
    return getattr(_local, "depth", 0) > 0


def noise_of_a_lane():
    """Return a source of noise for one lane, to be started anew by `reseed` for each batch.

    Returns
    -------
    rng : numpy.random.Generator
        A new one.
    """
    return np.random.Generator(np.random.PCG64(0))


def reseed(rng, source):
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
        work()
    finally:
        _local.depth = before


def _ask_for_help(help_out, doors):
    """Let helpers come in by the doors, as far as there are any to be had."""
    global _helpers
    try:
        for door in doors:
            # The context carries NumPy's error state to the threads.
            _pool().submit(copy_context().run, help_out, door)
    except RuntimeError:  # no more threads: the interpreter shuts down, or a limit is reached
        _helpers = None


def _pool():
    global _helpers
    if _helpers is None:
        _helpers = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="sknet")
    return _helpers


def _forget_pool():
    global _helpers
    _helpers = None


if hasattr(os, "register_at_fork"):  # threads do not survive a fork
    os.register_at_fork(after_in_child=_forget_pool)
