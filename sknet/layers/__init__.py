"""Layers: the building blocks of networks, as parameter objects that also run."""

from .activation import Activation
from .base import Layer
from .branches import Branch, ColumnBranches
from .channel_norms import BatchNorm, GroupNorm
from .composite import Residual, Sequential
from .dense import Dense
from .dropout import (
    AlphaDropout,
    Dropout,
    GaussianNoise,
    MaskingNoise,
    SpatialDropout1D,
    SpatialDropout2D,
)
from .function import Lambda
from .gating import GLU, SwiGLU
from .normalization import LayerNorm, RMSNorm
from .parallel import Parallel
from .parametric_activation import ParametricActivation, PReLU
from .periodic_embedding import PeriodicEmbedding
from .representation.activity import ActivityPenalty
from .representation.contractive import ContractiveDense
from .representation.pretrained import Pretrained
from .representation.tied import TiedSequential, TransposedDense
from .representation.variational import GaussianCode
from .reshaping import Flatten, Permute, RepeatVector, Reshape
from .scaling import Rescaling, Scaling
from .sequential.attention import MultiHeadAttention
from .sequential.bidirectional import Bidirectional
from .sequential.cross_attention import CrossAttention
from .sequential.decoder_block import TransformerDecoderBlock
from .sequential.embedding import Embedding, PositionalEmbedding
from .sequential.gated_recurrent import GRU, LSTM
from .sequential.masking import Masking
from .sequential.simple_recurrent import SimpleRNN
from .sequential.source_state import SourceState
from .sequential.time_distributed import TimeDistributed
from .sequential.transformer import TransformerBlock
from .spatial.augmentation import (
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
)
from .spatial.borders import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from .spatial.convolution import Conv1D, Conv2D, Conv3D
from .spatial.depthwise import (
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)
from .spatial.displacement import RandomRotation, RandomTranslation, RandomZoom
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
from .spatial.resampling import UpSampling1D, UpSampling2D, UpSampling3D
from .spatial.resizing import Resizing
from .spatial.transposed_convolution import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from .unit_norm import UnitNorm
from .weight_norm import WeightNorm

__all__ = [
    "GLU",
    "GRU",
    "LSTM",
    "Activation",
    "ActivityPenalty",
    "AlphaDropout",
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
    "Conv3DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "CrossAttention",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
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
    "Lambda",
    "Layer",
    "LayerNorm",
    "Masking",
    "MaskingNoise",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MultiHeadAttention",
    "PReLU",
    "Parallel",
    "ParametricActivation",
    "PeriodicEmbedding",
    "Permute",
    "PositionalEmbedding",
    "Pretrained",
    "RMSNorm",
    "RandomBrightness",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Residual",
    "Resizing",
    "Scaling",
    "SeparableConv1D",
    "SeparableConv2D",
    "Sequential",
    "SimpleRNN",
    "SourceState",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SwiGLU",
    "TiedSequential",
    "TimeDistributed",
    "TransformerBlock",
    "TransformerDecoderBlock",
    "TransposedDense",
    "UnitNorm",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "WeightNorm",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
]
