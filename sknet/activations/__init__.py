"""Activation functions: in place, without allocating; elementwise, but for the softmax."""

from __future__ import annotations

from sklearn.utils._param_validation import StrOptions

from ..base import named_component
from .base import Activation, Identity
from .function import FunctionActivation
from .gated import GELU, Mish, SiLU
from .piecewise import HardSigmoid, HardSwish, ReLU6
from .rectifiers import ELU, SELU, LeakyReLU, ReLU, Softplus
from .saturating import Logistic, Softsign, Tanh
from .softmax import Softmax

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "FunctionActivation",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LeakyReLU",
    "Logistic",
    "Mish",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
    "get_activation",
]

#: The activations by name.
ACTIVATIONS: dict[str, type[Activation]] = {
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
    "relu6": ReLU6,
    "hard_sigmoid": HardSigmoid,
    "hard_swish": HardSwish,
    "softsign": Softsign,
    "softmax": Softmax,
}


#: Where users look for the activation of the output layer.
_OUTPUT = "the output layer and its softmax are added by the estimator, leave them out"
#: What makes an activation of a plain function.
_FUNCTION = "for a plain function use FunctionActivation(f, derivative)"


class ActivationName(StrOptions):
    """Constraint of scikit-learn's parameter validation: the name of an activation."""

    def __init__(self) -> None:
        super().__init__(set(ACTIVATIONS))

    def __str__(self) -> str:
        return f"{super().__str__()} ({_OUTPUT}; {_FUNCTION})"


def get_activation(activation: str | Activation | None) -> Activation:
    """Return a fresh activation for a name or an activation.

    Parameters
    ----------
    activation : str, Activation or None
        A name in ``ACTIVATIONS``; None for the identity; or an activation, which is cloned. Plain
        functions in one are checked.

    Returns
    -------
    activation : Activation
        A new activation, not yet allocated.

    Raises
    ------
    ValueError
        If `activation` is none of these; the message lists the names. If a derivative is wrong.

    Examples
    --------
    >>> from sknet.activations import get_activation
    >>> get_activation("leaky_relu")
    LeakyReLU()
    """
    if activation is None:
        return Identity()
    activation = named_component(activation, ACTIVATIONS, Activation, "activation")
    if isinstance(activation, FunctionActivation):
        activation.check()
    return activation
