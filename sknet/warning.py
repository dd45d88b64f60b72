"""Warnings that point to the line of the user's code that led to them."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import joblib
import sklearn

#: Where code lies that stands between the user's and a warning.
_INSIDE = tuple(
    f"{Path(path).parent}{os.sep}" for path in (__file__, sklearn.__file__, joblib.__file__)
)


def warn(message: str, category: type = UserWarning) -> None:
    """Warn whoever called sknet, through a pipeline or a search of scikit-learn if need be.

    Parameters
    ----------
    message : str
        What to tell.
    category : type, default=UserWarning
        Kind of warning.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
