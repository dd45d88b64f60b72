"""Numbers that dates are made of."""

import numpy as np

PARTS = ("year", "month", "weekday", "hour", "elapsed")


def date_parts(local, instants):
    """Return the parts of dates as numbers.

    Parameters
    ----------
    local : ndarray of datetime64
        What the clock shows.
    instants : ndarray of datetime64
        The same in universal time.

    Returns
    -------
    parts : dict of str to ndarray of float64
        The year, the month from 1 to 12, the weekday from 0 (Monday) to 6, the hour from 0 to 23,
        and the days that have elapsed since 1970; NaN where a date is missing.
    """
    days = local.astype("M8[D]")
    months = local.astype("M8[M]").astype(np.int64)
    parts = {
        "year": 1970 + months // 12,
        "month": months % 12 + 1,
        "weekday": (days.astype(np.int64) + 3) % 7,
        "hour": (local.astype("M8[h]") - days).astype(np.int64),
        "elapsed": instants.astype("M8[us]").astype(np.int64) / (24 * 3600 * 1e6),
    }
    missing = np.isnat(local)
    return {name: np.where(missing, np.nan, part) for name, part in parts.items()}
