"""Activation functions: elementwise, in place, without allocating."""

from ..base import named_component
from .base import Activation, Identity
from .gated import GELU, Mish, SiLU
from .rectifiers import ELU, SELU, LeakyReLU, ReLU, Softplus
from .saturating import Logistic, Tanh

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "Identity",
    "LeakyReLU",
    "Logistic",
    "Mish",
    "ReLU",
    "SiLU",
    "Softplus",
    "Tanh",
    "get_activation",
]

#: The activations by name.
ACTIVATIONS = {
    "identity": Identity,
    "logistic": Logistic,
    "sigmoid": Logistic,
    "tanh": Tanh,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SiLU,
    "mish": Mish,
    "softplus": Softplus,
}


def get_activation(activation):
    """Return a fresh activation for a name or an activation.

    Parameters
    ----------
    activation : str, Activation or None
        A name in ``ACTIVATIONS``; None for the identity; or an activation, which is cloned.

    Returns
    -------
    activation : Activation
        A new activation, not yet allocated.

    Raises
    ------
    ValueError
        If `activation` is none of these; the message lists the names.

    Examples
    --------
    >>> from sknet.activations import get_activation
    >>> get_activation("leaky_relu")
    LeakyReLU()
    """
    if activation is None:
        return Identity()
    return named_component(activation, ACTIVATIONS, Activation, "activation")
