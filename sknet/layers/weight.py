"""What a layer declares of its weights."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple


class Weight(NamedTuple):
    """Declaration of one array of a layer, before the network gives it memory."""

    name: str
    shape: tuple[int, ...]
    initializer: Any
    rate_factor: float
    decay: float
    fan_in: int
    fan_out: int

    @property
    def size(self) -> int:
        return prod(map(int, self.shape))
