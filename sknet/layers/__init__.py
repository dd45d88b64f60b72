"""Layers: the building blocks of networks, as parameter objects that also run."""

from .activation import Activation
from .activity import ActivityPenalty
from .attention import MultiHeadAttention, TransformerBlock
from .augmentation import RandomFlip, RandomRotation, RandomTranslation
from .base import Layer
from .bidirectional import Bidirectional
from .branches import Branch, ColumnBranches
from .composite import Residual, Sequential
from .contractive import ContractiveDense
from .convolution import Conv1D, Conv2D, Conv3D
from .dense import Dense
from .dropout import Dropout, GaussianNoise, MaskingNoise, SpatialDropout1D, SpatialDropout2D
from .embedding import Embedding, PositionalEmbedding
from .gated_recurrent import GRU, LSTM
from .global_pooling import (
    GlobalAveragePool1D,
    GlobalAveragePool2D,
    GlobalAveragePool3D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    GlobalMaxPool3D,
)
from .masking import Masking
from .normalization import BatchNorm, GroupNorm, LayerNorm, RMSNorm
from .parametric_activation import ParametricActivation
from .periodic_embedding import PeriodicEmbedding
from .pooling import (
    AveragePool1D,
    AveragePool2D,
    AveragePool3D,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
)
from .pretrained import Pretrained
from .recurrent import SimpleRNN
from .resampling import (
    Cropping1D,
    Cropping2D,
    UpSampling1D,
    UpSampling2D,
    ZeroPadding1D,
    ZeroPadding2D,
)
from .reshaping import Flatten, Reshape
from .scaling import Scaling
from .tied import TiedSequential, TransposedDense
from .time_distributed import TimeDistributed
from .transposed_convolution import Conv1DTranspose, Conv2DTranspose
from .variational import GaussianCode

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "ActivityPenalty",
    "AveragePool1D",
    "AveragePool2D",
    "AveragePool3D",
    "BatchNorm",
    "Bidirectional",
    "Branch",
    "ColumnBranches",
    "ContractiveDense",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Cropping1D",
    "Cropping2D",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianCode",
    "GaussianNoise",
    "GlobalAveragePool1D",
    "GlobalAveragePool2D",
    "GlobalAveragePool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GroupNorm",
    "Layer",
    "LayerNorm",
    "Masking",
    "MaskingNoise",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MultiHeadAttention",
    "ParametricActivation",
    "PeriodicEmbedding",
    "PositionalEmbedding",
    "Pretrained",
    "RMSNorm",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "Reshape",
    "Residual",
    "Scaling",
    "Sequential",
    "SimpleRNN",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "TiedSequential",
    "TimeDistributed",
    "TransformerBlock",
    "TransposedDense",
    "UpSampling1D",
    "UpSampling2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
]
