"""Weights and models of PyTorch as estimators of sknet."""

from .reading import from_torch

__all__ = ["from_torch"]
