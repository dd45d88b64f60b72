"""Validation sets that lie far from the training set, as if they had missed a preprocessing."""

import numpy as np

from ..warning import warn

_ADVICE = {
    "X": "In a pipeline pass X_val through its steps with "
    'Pipeline(..., transform_input=["X_val"]) and metadata routing, '
    "set_fit_request(X_val=True, y_val=True); else transform it as X.",
    "y": "TransformedTargetRegressor scales y alone, and neither transform_input nor metadata "
    "routing changes y_val: pass y_val scaled in the same way.",
}
#: Rows that are drawn of each set; what is looked for shows in few.
_N_ROWS = 500
#: Columns that are looked at, evenly spaced, where there are more.
_N_COLUMNS = 256
#: Rows that a validation set needs to be judged.
_FEWEST = 10
#: Cells of the training range within which two values count as the same.
_N_CELLS = 10_000


def warn_of_mismatch(owner, training, validation, target_is_continuous):
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


def count_foreign(training, validation):
    """Count the columns whose validation values are foreign to the training values.

    At most 500 rows of each set are compared, drawn with a fixed seed. A column is foreign if the
    median of the validation values lies outside the training range by more than 0.3 of it; if at
    least 0.6 of the training values repeat, and hardly any validation value is one of them; or if
    fewer than half repeat, and the interquartile ranges differ by a factor of more than 16.
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
    low, first, third, high = _quantiles(a, [0, 0.25, 0.75, 1])
    first_val, median_val, third_val = _quantiles(b, [0.25, 0.5, 0.75])
    varies = high > low
    if not varies.any():
        return 0, 0
    low, width = low[varies], (high - low)[varies]
    excess = np.abs((median_val[varies] - low) / width - 0.5) - 0.5
    # In units of the training range, which is then from 0 to 1.
    a, b = (a[:, varies] - low) / width, (b[:, varies] - low) / width
    repeats = _share_known(a[1::2], a[::2])
    off = (excess > 0.3) | ((repeats >= 0.6) & (_share_known(b, a) < 0.1 * repeats))
    spread, spread_val = (third - first)[varies], (third_val - first_val)[varies]
    off |= (repeats < 0.5) & (spread_val > 0) & (spread_val < spread / 16)
    off |= (repeats < 0.5) & (spread > 0) & (spread < spread_val / 16)
    if np.mean(off) > 0.5 or (excess > 1).any():
        return int(np.count_nonzero(off)), len(off)
    return 0, len(off)


def _rows(data, name):
    rows = getattr(data, name)
    if not isinstance(rows, np.ndarray):
        return None
    if data.rows is not None:
        rows = rows[data.rows]
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
