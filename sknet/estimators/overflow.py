"""What users are told of outputs that are not finite."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from ..warning import warn
from .base import BaseNeuralEstimator


def warn_of_overflow(
    estimator: BaseNeuralEstimator, *outputs: Any, refuse_nan: bool = False
) -> None:
    """Warn, once for all, of outputs that are inf or NaN.

    Parameters
    ----------
    estimator : BaseNeuralEstimator
        Whose outputs they are.
    *outputs : ndarray of shape (n_rows, ...)
        What a call has computed: raw outputs, and what was made of them.
    refuse_nan : bool, default=False
        Whether something is to be chosen by the outputs: then those that are NaN are refused.

    Raises
    ------
    ValueError
        If there is a NaN and `refuse_nan`.
    """
    # One product tells most often that there is nothing to tell: 0.8 us for a row.
    for values in outputs:
        if not isfinite(values.item() if values.size == 1 else np.vdot(values, values)):
            break
    else:
        return
    rows = np.reshape(values, (len(values), -1))
    n_nan = np.count_nonzero(np.isnan(rows).any(axis=1))
    n_wrong = np.count_nonzero(~np.isfinite(rows).all(axis=1))
    name, dtype = estimator._public_name, estimator.network_.dtype
    remedy = "bring X to the scale of the training rows"
    if dtype == np.float32:
        remedy += ", or fit with dtype='float64'"
    if n_nan and refuse_nan:
        raise ValueError(
            f"{name} cannot choose by scores that are NaN, which {n_nan} of {len(rows)} rows "
            f"have: values overflow {dtype}; {remedy}."
        )
    if n_wrong:
        warn(
            f"{name}: the outputs of {n_wrong} of {len(rows)} rows are inf or NaN, as values "
            f"overflow {dtype}; {remedy}.",
            RuntimeWarning,
        )
