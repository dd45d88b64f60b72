"""What layers, merges and activations of Keras are called in sknet."""

from typing import Any

from ... import layers
from ...activations import GELU, LeakyReLU
from ...layers.base import Layer

#: Layers of Keras, and those of sknet that compute the same with parameters of the same names.
LAYERS: dict[str, type[Layer]] = {
    "AveragePooling1D": layers.AveragePool1D,
    "AveragePooling2D": layers.AveragePool2D,
    "AveragePooling3D": layers.AveragePool3D,
    "BatchNormalization": layers.BatchNorm,
    "Conv1D": layers.Conv1D,
    "Conv1DTranspose": layers.Conv1DTranspose,
    "Conv2D": layers.Conv2D,
    "Conv2DTranspose": layers.Conv2DTranspose,
    "Conv3D": layers.Conv3D,
    "Cropping1D": layers.Cropping1D,
    "Cropping2D": layers.Cropping2D,
    "Dense": layers.Dense,
    "Dropout": layers.Dropout,
    "Embedding": layers.Embedding,
    "Flatten": layers.Flatten,
    "GaussianNoise": layers.GaussianNoise,
    "GlobalAveragePooling1D": layers.GlobalAveragePool1D,
    "GlobalAveragePooling2D": layers.GlobalAveragePool2D,
    "GlobalAveragePooling3D": layers.GlobalAveragePool3D,
    "GlobalMaxPooling1D": layers.GlobalMaxPool1D,
    "GlobalMaxPooling2D": layers.GlobalMaxPool2D,
    "GlobalMaxPooling3D": layers.GlobalMaxPool3D,
    "GroupNormalization": layers.GroupNorm,
    "GRU": layers.GRU,
    "LayerNormalization": layers.LayerNorm,
    "LSTM": layers.LSTM,
    "Masking": layers.Masking,
    "MaxPooling1D": layers.MaxPool1D,
    "MaxPooling2D": layers.MaxPool2D,
    "MaxPooling3D": layers.MaxPool3D,
    "MultiHeadAttention": layers.MultiHeadAttention,
    "Reshape": layers.Reshape,
    "RMSNormalization": layers.RMSNorm,
    "SimpleRNN": layers.SimpleRNN,
    "SpatialDropout1D": layers.SpatialDropout1D,
    "SpatialDropout2D": layers.SpatialDropout2D,
    "UpSampling1D": layers.UpSampling1D,
    "UpSampling2D": layers.UpSampling2D,
    "ZeroPadding1D": layers.ZeroPadding1D,
    "ZeroPadding2D": layers.ZeroPadding2D,
}
#: Merges of Keras, and the names that `Parallel` has for them.
MERGES = {
    "Add": "add",
    "Average": "average",
    "Concatenate": "concatenate",
    "Maximum": "maximum",
    "Multiply": "multiply",
}
#: Activations of Keras by name; the last two only at the end of a model.
ACTIVATIONS: dict[str, Any] = {
    "elu": "elu",
    "gelu": GELU(approximate=False),
    "leaky_relu": LeakyReLU(0.2),
    "linear": None,
    "mish": "mish",
    "relu": "relu",
    "selu": "selu",
    "sigmoid": "logistic",
    "silu": "silu",
    "softplus": "softplus",
    "tanh": "tanh",
    "softmax": "softmax",
    "exponential": "exp",
}
#: The maps of Keras's attention in the order in which sknet has them side by side.
HEADS = ("query", "key", "value")
