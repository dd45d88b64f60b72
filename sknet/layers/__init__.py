"""Layers: the building blocks of networks, as parameter objects that also run."""

from .activation import Activation
from .base import Layer
from .composite import Residual, Sequential
from .dense import Dense
from .dropout import Dropout, GaussianNoise
from .normalization import BatchNorm, LayerNorm
from .reshaping import Flatten, Reshape

__all__ = [
    "Activation",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Flatten",
    "GaussianNoise",
    "Layer",
    "LayerNorm",
    "Reshape",
    "Residual",
    "Sequential",
]
