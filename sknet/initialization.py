"""Initial weights that depend on the training rows."""

from __future__ import annotations

import numpy as np

from .batches import Data
from .network import Network
from .settings import single_threaded_blas

#: Rows that are looked at: deviations estimated from as many are good to about one percent.
_N_ROWS = 5000


def initialize_from_data(
    network: Network, data: Data, random_state: int | np.random.SeedSequence
) -> None:
    """Let the initializers that need data set their weights, layer by layer.

    Parameters
    ----------
    network : Network
        A network that has not been trained; its weights are changed.
    data : Data
        Training rows. Of many, some thousands that are evenly spaced are looked at.
    random_state : int or numpy.random.SeedSequence
        Seed of what is drawn.
    """
    if not any(map(_needs_data, network.layer.walk())):
        return
    replica, rng = network.replica(1), np.random.default_rng(random_state)
    for part in filter(_needs_data, replica.layer.walk()):
        part.forward = _initializing(part, rng)
    with single_threaded_blas():
        replica.forward(data.some_X(_N_ROWS))


def _needs_data(layer):
    return any(weight.initializer.needs_data for weight in layer._weights)


def _initializing(layer, rng):
    """Return a `forward` of a layer that sets its weights first, once."""

    def forward(x, training=False, mask=None):
        del layer.forward
        layer.initialize_from(x, rng, mask)
        return layer.forward(x, training, mask)

    return forward
