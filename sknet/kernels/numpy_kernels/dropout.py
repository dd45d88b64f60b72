"""Random parts of a batch that are set to zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...typing import Array


def dropout(
    x: Array,
    out: Array,
    kept: Array,
    rng: np.random.Generator,
    keep: float,
    factor: float,
    work: Any,
) -> None:
    """Keep a random part of x, times a factor; note which in `kept`, which is broadcast to x.

    The compiled one draws other numbers: those of a generator that one number of rng starts.
    """
    uniform = work("uniform", kept.shape, np.float32)
    rng.random(out=uniform, dtype=np.float32)
    np.less(uniform, np.float32(keep), out=kept)
    np.multiply(x, _scale(kept, factor, work), out=out)


def dropout_backward(grad: Array, kept: Array, factor: float, work: Any) -> None:
    """Keep the same part of the gradient."""
    np.multiply(grad, _scale(kept, factor, work), out=grad)


def _scale(kept, factor, work):
    scale = work("scale", kept.shape)
    scale[...] = kept  # faster than a product of mixed types
    scale *= work.dtype.type(factor)
    return scale
