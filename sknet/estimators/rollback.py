"""Fits leave behind a fitted estimator, or it as it was: one at a time, and whole."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

#: Which thread fits which estimator of which process.
_FITTING: dict[tuple[int, int], int] = {}


@contextmanager
def alone(estimator: Any) -> Iterator[Any]:
    """Keep other threads from fitting an estimator that is being fitted.

    Parameters
    ----------
    estimator : BaseEstimator
        Fitted in the block.

    Raises
    ------
    RuntimeError
        If another thread fits it.
    """
    key, thread = (os.getpid(), id(estimator)), threading.get_ident()
    if _FITTING.get(key) == thread:  # a fit that calls another one
        yield
        return
    if _FITTING.setdefault(key, thread) != thread:
        raise RuntimeError(
            f"This {type(estimator).__name__} is being fitted in another thread. Wait for it, or "
            "fit a clone."
        )
    try:
        yield
    finally:
        del _FITTING[key]


@contextmanager
def restored_on_error(estimator: Any) -> Iterator[Any]:
    """Leave an estimator as it was when a fit fails before its first step.

    Where training was resumed, its weights have changed in place from the first step on: then the
    model so far is kept, with the history that belongs to it.

    Parameters
    ----------
    estimator : BaseNeuralEstimator
        Fitted in the block.
    """
    with alone(estimator):
        yield from _restored_on_error(estimator)


def _restored_on_error(estimator):
    before, changed = estimator.__dict__.copy(), _states(estimator)
    try:
        yield
    except BaseException:
        after = estimator.__dict__
        resumed = after.get("network_", estimator) is before.get("network_")
        if resumed and estimator._trainer.samples != before["_trainer"].samples:
            estimator._finish()
            raise
        for put_back, state in changed:
            put_back(state)
        callbacks = {k: v for k, v in after.items() if "callback" in k}
        estimator.__dict__ = {**before, **callbacks}  # at once, whatever else is pressed
        raise


def _states(estimator):
    """Return pairs of what puts a state back and the state, of all that changes in place."""
    states = []
    seed = estimator.random_state
    if isinstance(seed, np.random.RandomState):
        states.append((seed.set_state, seed.get_state()))
    if hasattr(estimator, "network_"):
        params = estimator.network_.params
        states.append((partial(np.copyto, params), params.copy()))
        for rng in estimator._trainer.generators:
            source = rng.bit_generator
            states.append((partial(setattr, source, "state"), source.state))
    return states
