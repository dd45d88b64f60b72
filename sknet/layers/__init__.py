"""Layers: the building blocks of networks, as parameter objects that also run."""

from .activation import Activation
from .base import Layer
from .branches import Branch, ColumnBranches
from .composite import Residual, Sequential
from .dense import Dense
from .dropout import Dropout, GaussianNoise, MaskingNoise, SpatialDropout1D, SpatialDropout2D
from .normalization import BatchNorm, GroupNorm, LayerNorm, RMSNorm
from .parallel import Parallel
from .parametric_activation import ParametricActivation
from .periodic_embedding import PeriodicEmbedding
from .representation.activity import ActivityPenalty
from .representation.contractive import ContractiveDense
from .representation.pretrained import Pretrained
from .representation.tied import TiedSequential, TransposedDense
from .representation.variational import GaussianCode
from .reshaping import Flatten, Reshape
from .scaling import Scaling
from .sequential.attention import MultiHeadAttention
from .sequential.bidirectional import Bidirectional
from .sequential.cross_attention import CrossAttention
from .sequential.decoder_block import TransformerDecoderBlock
from .sequential.embedding import Embedding, PositionalEmbedding
from .sequential.gated_recurrent import GRU, LSTM
from .sequential.masking import Masking
from .sequential.recurrent import SimpleRNN
from .sequential.source_state import SourceState
from .sequential.time_distributed import TimeDistributed
from .sequential.transformer import TransformerBlock
from .spatial.augmentation import RandomFlip, RandomRotation, RandomTranslation
from .spatial.convolution import Conv1D, Conv2D, Conv3D
from .spatial.global_pooling import (
    GlobalAveragePool1D,
    GlobalAveragePool2D,
    GlobalAveragePool3D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    GlobalMaxPool3D,
)
from .spatial.pooling import (
    AveragePool1D,
    AveragePool2D,
    AveragePool3D,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
)
from .spatial.resampling import (
    Cropping1D,
    Cropping2D,
    UpSampling1D,
    UpSampling2D,
    ZeroPadding1D,
    ZeroPadding2D,
)
from .spatial.transposed_convolution import Conv1DTranspose, Conv2DTranspose

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
    "CrossAttention",
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
    "Parallel",
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
    "SourceState",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "TiedSequential",
    "TimeDistributed",
    "TransformerBlock",
    "TransformerDecoderBlock",
    "TransposedDense",
    "UpSampling1D",
    "UpSampling2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
]
