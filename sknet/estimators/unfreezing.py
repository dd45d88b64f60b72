"""Layers that are trained in another way than before when training is resumed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sklearn.base import clone

from ..base import same
from ..layers import Sequential
from ..layers.base import Layer

#: Parameters of layers that say how they are trained, and change nothing that they compute.
_OF_TRAINING = {"trainable", "learning_rate_factor", "bias_learning_rate_factor"}


def changes_of_training(
    layers: Sequence[tuple[str, Layer]], before: Sequence[tuple[str, Layer]]
) -> dict[str, Any] | None:
    """Return what has changed about the way in which layers are trained.

    Parameters
    ----------
    layers, before : list of (str, Layer)
        Layers as the user has written them, now and when they were fitted.

    Returns
    -------
    changes : dict of str to object or None
        Parameters of a `Sequential` of the layers with their new values; None if something else
        has changed as well, and an empty dict if nothing has.
    """
    now, then = (Sequential(clone(each, safe=False)) for each in (layers, before))
    old, settings = then.get_params(), {}
    for name, value in now.get_params().items():
        if name.rpartition("__")[2] in _OF_TRAINING and name.startswith("layers__"):
            settings[name] = value
    if not settings.keys() <= old.keys():
        return None
    if not same(now.set_params(**{name: old[name] for name in settings}), then):
        return None
    return {name: value for name, value in settings.items() if not same(value, old[name])}
