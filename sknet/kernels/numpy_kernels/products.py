"""Products of matrices in panels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...typing import Array


def multiply(a: Array, b: Array, out: Array, rows: int, columns: int, share_out: Callable) -> None:
    """Put a @ b into out, in panels of so many rows and columns.

    Each panel is a product of its own, on whatever thread. ``share_out(function, n)`` calls the
    function for numbers below n; the compiled kernel has threads of its own.
    """
    parts = [
        (slice(row, row + rows), slice(column, column + columns))
        for row in range(0, out.shape[0], rows)
        for column in range(0, out.shape[1], columns)
    ]

    def multiply_panel(i):
        down, across = parts[i]
        np.matmul(a[down], b[:, across], out=out[down, across])

    share_out(multiply_panel, len(parts))
