"""Preprocessing: what turns tables, text and series into the arrays that networks take."""

from typing import TYPE_CHECKING

from ..later import imported_later

if TYPE_CHECKING:
    from .conversion import from_channels_first, from_nan_padded, pad_sequences
    from .squashing import SquashingScaler
    from .steps import StepwiseTransformer
    from .table_encoder import TableEncoder
    from .tokenizer import TokenizerTransformer
    from .windows import sliding_windows

__all__ = [
    "SquashingScaler",
    "StepwiseTransformer",
    "TableEncoder",
    "TokenizerTransformer",
    "from_channels_first",
    "from_nan_padded",
    "pad_sequences",
    "sliding_windows",
]

__getattr__, __dir__ = imported_later(
    __name__,
    {
        "conversion": ["from_channels_first", "from_nan_padded", "pad_sequences"],
        "squashing": ["SquashingScaler"],
        "steps": ["StepwiseTransformer"],
        "table_encoder": ["TableEncoder"],
        "tokenizer": ["TokenizerTransformer"],
        "windows": ["sliding_windows"],
    },
)
