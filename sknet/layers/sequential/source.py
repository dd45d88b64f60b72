"""What layers of a decoder have in common, which look at a source as well as at their input."""

from __future__ import annotations

from typing import Any


class LooksAtSource:
    """Mixin of layers that look at what an encoder returns.

    Whoever runs such a layer leaves in `source` what the encoder returns, (N, S, C) or (N, C), and
    in `source_mask` which of its steps are real, None for all. `backward` leaves the gradient of
    the source in `source_grad`.
    """

    source: Any = None
    source_mask: Any = None
    source_grad: Any = None
