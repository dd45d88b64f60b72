"""Mixtures of rows, for minimal filtering."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...typing import Array


def mix_rows(weights: Any, x: Array, out: Array) -> None:
    """Put weights @ x into out: of each tile (n_rows, E), mixtures of its rows."""
    np.matmul(weights, x, out=out)
