"""Validation sets that lie far from the training set, as if they had missed a preprocessing."""

from __future__ import annotations

import numpy as np

from ..batches import Data
from ..typing import Array
from ..warning import warn

_ADVICE = {
    "X": "In a pipeline pass X_val through its steps with "
    'Pipeline(..., transform_input=["X_val"]) and metadata routing, '
    "sklearn.set_config(enable_metadata_routing=True) and "
    "set_fit_request(X_val=True, y_val=True); elsewhere transform it as X.",
    "y": "TransformedTargetRegressor changes y alone, and neither transform_input nor metadata "
    "routing changes y_val: pass y_val scaled in the same way, or scale neither, as "
    "NeuralRegressor standardizes y by itself.",
}
#: Rows that are drawn of each set; what is looked for shows in few.
_N_ROWS = 500
#: Columns that are looked at, evenly spaced, where there are more.
_N_COLUMNS = 256
#: Rows that a validation set needs to be judged.
_FEWEST = 10
#: Cells of the training range within which two values count as the same.
_N_CELLS = 10_000


def warn_of_mismatch(
    owner: str, training: Data, validation: Data, target_is_continuous: bool
) -> None:
    """Warn where a validation set lies far from the training set.

    Parameters
    ----------
    owner : str
        Who is fitted.
    training, validation : Data
        Rows as the network takes them. Only arrays are compared.
    target_is_continuous : bool
        Whether to compare the targets as well.
    """
    compared = ("X", "y") if target_is_continuous else ("X",)
    for name in compared:
        n_off, n_columns = count_foreign(_rows(training, name), _rows(validation, name))
        if n_off:
            warn(
                f"{owner}: {name}_val lies far from {name} in {n_off} of {n_columns} columns, as "
                f"if it had not been transformed as {name} was. {_ADVICE[name]}"
            )


def count_foreign(training: Array | None, validation: Array | None) -> tuple[int, int]:
    """Count the columns whose validation values are foreign to the training values.

    At most 500 rows of each set are compared, drawn with a fixed seed. A column is foreign if the
    median of the validation values lies outside the training range by more than 0.3 of it; if at
    least 0.6 of the training values repeat, and hardly any validation value is one of them; or if
    fewer than half repeat, and the interquartile ranges differ by a factor of more than 16. The
    factor is 4 in columns that look scaled in one of the sets, with a median within 0.5 of 0 and
    an interquartile range from 0.5 to 2, if the factors of these columns are not all alike.
    Columns of one training value do not count.

    Parameters
    ----------
    training, validation : ndarray of shape (n_samples, n_columns) or None
        The rows of both sets.

    Returns
    -------
    n_off : int
        Number of foreign columns, if the sets do not match: if more than half of the columns are
        foreign, or if in any the median lies outside by more than the whole range. Else 0.
    n_columns : int
        Number of columns that were compared.
    """
    if training is None or validation is None or len(validation) < _FEWEST:
        return 0, 0
    a, b = _sample(training), _sample(validation)
    varies = np.greater(*_quantiles(a, [1, 0]))
    if not varies.any():
        return 0, 0
    a, b = a[:, varies], b[:, varies]
    low, *quartiles, high = _quantiles(a, [0, 0.25, 0.5, 0.75, 1])
    quartiles_val = _quantiles(b, [0.25, 0.5, 0.75])
    width = high - low
    excess = np.abs((quartiles_val[1] - low) / width - 0.5) - 0.5
    # In units of the training range, which is then from 0 to 1.
    a, b = (a - low) / width, (b - low) / width
    repeats = _share_known(a[1::2], a[::2])
    off = (excess > 0.3) | ((repeats >= 0.6) & (_share_known(b, a) < 0.1 * repeats))
    off |= _differ_in_spread(quartiles, quartiles_val, repeats < 0.5)
    if np.mean(off) > 0.5 or (excess > 1).any():
        return int(np.count_nonzero(off)), len(off)
    return 0, len(off)


def _differ_in_spread(quartiles, quartiles_val, counts):
    """Tell in which columns the interquartile ranges differ by a large factor."""
    spread, spread_val = quartiles[2] - quartiles[0], quartiles_val[2] - quartiles_val[0]
    counts = counts & (spread > 0) & (spread_val > 0)
    ratios = np.ones_like(spread)
    np.divide(spread, spread_val, out=ratios, where=counts)
    is_scaled = counts & (_looks_scaled(quartiles) | _looks_scaled(quartiles_val))
    # A scaler brings columns together by factors of their own; a series that becomes calm changes
    # all its lags alike.
    own_factors = np.ptp(np.log(ratios[is_scaled])) > np.log(2) if is_scaled.any() else False
    largest = np.where(is_scaled & own_factors, 4, 16)
    return (ratios > largest) | (ratios < 1 / largest)


def _looks_scaled(quartiles):
    first, median, third = quartiles
    return (np.abs(median) <= 0.5) & (third - first >= 0.5) & (third - first <= 2)


def _rows(data, name):
    rows = data.used_X if name == "X" else data.used_y
    if not isinstance(rows, np.ndarray):
        return None
    return rows.reshape(len(rows), -1)[:, :: -(-rows[0].size // _N_COLUMNS)]


def _sample(rows):
    if len(rows) > _N_ROWS:
        rows = rows[np.random.default_rng(0).integers(0, len(rows), _N_ROWS)]
    return np.asarray(rows, dtype=np.float64)


def _quantiles(rows, levels):
    """Return quantiles of each column, one row a level; NaN is left out."""
    ordered = np.sort(rows, axis=0)
    last = np.count_nonzero(~np.isnan(rows), axis=0) - 1
    return [np.take_along_axis(ordered, np.rint(last * q)[None].astype(int), 0)[0] for q in levels]


def _share_known(values, known):
    """Return the part of the values of each column that are among the known ones."""
    columns = np.arange(values.shape[1]) * (10 * _N_CELLS)
    values, known = (
        np.rint(np.clip(np.nan_to_num(rows, nan=-3), -3, 4) * _N_CELLS).astype(np.int64) + columns
        for rows in (values, known)
    )
    return np.isin(values, known).mean(axis=0)
