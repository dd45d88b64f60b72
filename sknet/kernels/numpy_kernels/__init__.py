"""The kernels in NumPy: the reference of the compiled ones, and the fallback.

A compiled kernel of the same name takes the same arguments. Those called `work` are scratch
memory, which NumPy needs between its passes and the compiled kernels do not.
"""

from .activations import (
    EXACT_GELU,
    EXPONENTIAL,
    GELU,
    IDENTITY,
    LEAKY_RELU,
    LOGISTIC,
    MISH,
    RELU,
    SILU,
    SOFTPLUS,
    TANH,
    activate,
    deactivate,
)
from .dropout import dropout, dropout_backward
from .losses import sigmoid_loss, softmax_loss
from .optimizers import adam, lion, rmsprop, sgd

__all__ = [
    "EXACT_GELU",
    "EXPONENTIAL",
    "GELU",
    "IDENTITY",
    "LEAKY_RELU",
    "LOGISTIC",
    "MISH",
    "RELU",
    "SILU",
    "SOFTPLUS",
    "TANH",
    "activate",
    "adam",
    "deactivate",
    "dropout",
    "dropout_backward",
    "lion",
    "rmsprop",
    "sgd",
    "sigmoid_loss",
    "softmax_loss",
]
