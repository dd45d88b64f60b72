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
from .blend import blend, blend_backward
from .channels import channel_gradient, channel_linear, channel_sums
from .correlation import correlate, correlate_gradient, mix_rows
from .dense import dense, dense_back
from .depthwise import depthwise, depthwise_gradient
from .dropout import dropout, dropout_backward
from .losses import sigmoid_loss, softmax_loss
from .network import MOST_LAYERS, OF_CLASSES, OF_LABELS, SQUARED, dense_gradient
from .normalization import row_norm, row_norm_backward
from .optimizers import adam, lion, rmsprop, sgd
from .pooling import max_pool, max_unpool
from .products import multiply
from .recurrent import gru_step, gru_step_back, lstm_step, lstm_step_back
from .sequences import add_by_code, read_codes, softmax_of_keys
from .waves import waves, waves_backward

__all__ = [
    "EXACT_GELU",
    "EXPONENTIAL",
    "GELU",
    "IDENTITY",
    "LEAKY_RELU",
    "LOGISTIC",
    "MISH",
    "MOST_LAYERS",
    "OF_CLASSES",
    "OF_LABELS",
    "RELU",
    "SILU",
    "SOFTPLUS",
    "SQUARED",
    "TANH",
    "activate",
    "adam",
    "add_by_code",
    "blend",
    "blend_backward",
    "channel_gradient",
    "channel_linear",
    "channel_sums",
    "correlate",
    "correlate_gradient",
    "deactivate",
    "dense",
    "dense_back",
    "dense_gradient",
    "depthwise",
    "depthwise_gradient",
    "dropout",
    "dropout_backward",
    "gru_step",
    "gru_step_back",
    "lion",
    "lstm_step",
    "lstm_step_back",
    "max_pool",
    "max_unpool",
    "mix_rows",
    "multiply",
    "read_codes",
    "rmsprop",
    "row_norm",
    "row_norm_backward",
    "sgd",
    "sigmoid_loss",
    "softmax_loss",
    "softmax_of_keys",
    "waves",
    "waves_backward",
]
