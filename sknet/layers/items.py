"""The types of lists of layers."""

from collections.abc import Sequence
from typing import TypeAlias

from .base import Layer

#: What a list of layers may hold.
LayerItem: TypeAlias = Layer | int | tuple[str, Layer | int]
#: What a list of branches may hold.
BranchItem: TypeAlias = LayerItem | Sequence[LayerItem] | tuple[str, Sequence[LayerItem]]
