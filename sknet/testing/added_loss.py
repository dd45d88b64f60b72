"""What layers have to do with the weights of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..layers.base import Layer
from ..network import Network
from ..typing import Array


def adding_parts(network: Network, row_weights: Array | None = None) -> list[Layer]:
    """Let the rows have weights in what layers add to the loss.

    Parameters
    ----------
    network : Network
        A replica.
    row_weights : ndarray of shape (N,), default=None
        The weights.

    Returns
    -------
    parts : list of Layer
        The layers inside that add to the loss.
    """
    parts = [part for part in network.layer.walk() if part.adds_loss]
    for part in parts:
        part.row_weights = row_weights
    return parts


def check_added_loss(case: Any) -> None:
    """Check that rows count as their weights, and as 1 without weights.

    Parameters
    ----------
    case : object
        The layer in a network, as `check_layer` makes it.
    """
    added = []
    for weights in (None, np.ones(len(case.x)), np.full(len(case.x), 2.0)):
        replica = case.network.replica(len(case.x))
        parts = adding_parts(replica, weights)
        replica.forward(case.x)
        added.append(sum(part.added_loss for part in parts))
    case.require_close(
        np.array(added),
        added[0] * np.array([1, 1, 2]),
        "added_loss has to be in proportion to row_weights, None being weights of 1",
    )
