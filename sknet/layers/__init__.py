"""Layers: the building blocks of networks, as parameter objects that also run."""

from typing import TYPE_CHECKING

from ..later import imported_later
from .activation import Activation
from .base import Layer
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
from .normalization import LayerNorm, RMSNorm
from .reshaping import Flatten, Permute, RepeatVector, Reshape

if TYPE_CHECKING:
    from .branches import Branch, ColumnBranches
    from .function import Lambda
    from .gating import GLU, SwiGLU
    from .parallel import Parallel
    from .parametric_activation import ParametricActivation, PReLU
    from .periodic_embedding import PeriodicEmbedding
    from .representation.activity import ActivityPenalty
    from .representation.contractive import ContractiveDense
    from .representation.pretrained import Pretrained
    from .representation.tied import TiedSequential, TransposedDense
    from .representation.variational import GaussianCode
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

__getattr__, __dir__ = imported_later(
    __name__,
    {
        "branches": ["Branch", "ColumnBranches"],
        "function": ["Lambda"],
        "gating": ["GLU", "SwiGLU"],
        "parallel": ["Parallel"],
        "parametric_activation": ["ParametricActivation", "PReLU"],
        "periodic_embedding": ["PeriodicEmbedding"],
        "representation.activity": ["ActivityPenalty"],
        "representation.contractive": ["ContractiveDense"],
        "representation.pretrained": ["Pretrained"],
        "representation.tied": ["TiedSequential", "TransposedDense"],
        "representation.variational": ["GaussianCode"],
        "scaling": ["Rescaling", "Scaling"],
        "sequential.attention": ["MultiHeadAttention"],
        "sequential.bidirectional": ["Bidirectional"],
        "sequential.cross_attention": ["CrossAttention"],
        "sequential.decoder_block": ["TransformerDecoderBlock"],
        "sequential.embedding": ["Embedding", "PositionalEmbedding"],
        "sequential.gated_recurrent": ["GRU", "LSTM"],
        "sequential.masking": ["Masking"],
        "sequential.simple_recurrent": ["SimpleRNN"],
        "sequential.source_state": ["SourceState"],
        "sequential.time_distributed": ["TimeDistributed"],
        "sequential.transformer": ["TransformerBlock"],
        "spatial.augmentation": [
            "RandomBrightness",
            "RandomContrast",
            "RandomCrop",
            "RandomErasing",
            "RandomFlip",
        ],
        "spatial.borders": [
            "Cropping1D",
            "Cropping2D",
            "Cropping3D",
            "ZeroPadding1D",
            "ZeroPadding2D",
            "ZeroPadding3D",
        ],
        "spatial.convolution": ["Conv1D", "Conv2D", "Conv3D"],
        "spatial.depthwise": [
            "DepthwiseConv1D",
            "DepthwiseConv2D",
            "SeparableConv1D",
            "SeparableConv2D",
        ],
        "spatial.displacement": ["RandomRotation", "RandomTranslation", "RandomZoom"],
        "spatial.global_pooling": [
            "GlobalAveragePool1D",
            "GlobalAveragePool2D",
            "GlobalAveragePool3D",
            "GlobalMaxPool1D",
            "GlobalMaxPool2D",
            "GlobalMaxPool3D",
        ],
        "spatial.pooling": [
            "AveragePool1D",
            "AveragePool2D",
            "AveragePool3D",
            "MaxPool1D",
            "MaxPool2D",
            "MaxPool3D",
        ],
        "spatial.resampling": ["UpSampling1D", "UpSampling2D", "UpSampling3D"],
        "spatial.resizing": ["Resizing"],
        "spatial.transposed_convolution": [
            "Conv1DTranspose",
            "Conv2DTranspose",
            "Conv3DTranspose",
        ],
        "unit_norm": ["UnitNorm"],
        "weight_norm": ["WeightNorm"],
    },
)
