"""What a fit that fails leaves behind: the estimator as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np


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
