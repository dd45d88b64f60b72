"""Optimizers: rules that turn gradients into steps of one flat parameter vector, in place."""

from __future__ import annotations

from typing import Any

from ..base import named_component
from .adagrad import AdaGrad, AMSGrad, RAdam
from .adaptive import Adam, AdamW, Nadam, RMSprop
from .arrays import LAMB, Muon
from .base import Group, Optimizer
from .lbfgs import LBFGS
from .momentum import SGD, SGDW, Lion

__all__ = [
    "LAMB",
    "LBFGS",
    "OPTIMIZERS",
    "SGD",
    "SGDW",
    "AMSGrad",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Group",
    "Lion",
    "Muon",
    "Nadam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "get_optimizer",
]

#: The optimizers by name.
OPTIMIZERS: dict[str, type[Any]] = {
    "adagrad": AdaGrad,
    "adam": Adam,
    "adamw": AdamW,
    "amsgrad": AMSGrad,
    "lamb": LAMB,
    "lbfgs": LBFGS,
    "lion": Lion,
    "muon": Muon,
    "nadam": Nadam,
    "radam": RAdam,
    "rmsprop": RMSprop,
    "sgd": SGD,
    "sgdw": SGDW,
}


def get_optimizer(optimizer: str | Optimizer | LBFGS) -> Optimizer | LBFGS:
    """Return a new optimizer from a name or from an optimizer.

    Parameters
    ----------
    optimizer : str, Optimizer or LBFGS
        One of the names in ``OPTIMIZERS``, or an object, which is cloned.

    Returns
    -------
    optimizer : Optimizer or LBFGS
        An unbuilt optimizer.

    Raises
    ------
    ValueError
        If `optimizer` is neither; the message lists the names.

    Examples
    --------
    >>> from sknet.optimizers import get_optimizer
    >>> get_optimizer("lion")
    Lion()
    """
    return named_component(optimizer, OPTIMIZERS, (Optimizer, LBFGS), "optimizer")
