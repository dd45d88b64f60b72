"""Dates, time spans and times of the day as numbers."""

from __future__ import annotations

import datetime
import re
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from ..typing import Array

#: What a date becomes, in this order.
PARTS = ("year", "month", "weekday", "hour", "elapsed")
_OFFSET = re.compile(r"(?:UTC)?([-+])(\d\d):(\d\d)")
_MICROSECONDS_PER_DAY = 24 * 3600 * 10**6


def date_parts(local: Array, instants: Array) -> dict[str, Array]:
    """Return the parts of dates as numbers.

    Parameters
    ----------
    local : ndarray of datetime64
        What clocks show.
    instants : ndarray of datetime64
        The same moments in universal time.

    Returns
    -------
    parts : dict of str to ndarray of float64
        The year, the month from 1 to 12, the weekday from 0 (Monday) to 6, the hour from 0 to 23,
        and the days that have elapsed since 1970 as "elapsed"; NaN where a date is missing.
    """
    days = local.astype("M8[D]")
    months = local.astype("M8[M]").astype(np.int64)
    parts = {
        "year": 1970 + months // 12,
        "month": 1 + months % 12,
        "weekday": (days.astype(np.int64) + 3) % 7,  # 1970 began on a Thursday
        "hour": (local.astype("M8[h]") - days).astype(np.int64),
        "elapsed": instants.astype("M8[us]").astype(np.int64) / _MICROSECONDS_PER_DAY,
    }
    is_missing = np.isnat(local)
    return {name: np.where(is_missing, np.nan, part) for name, part in parts.items()}


def in_microseconds(dates: Array) -> Array:
    """Return dates in the unit that all libraries have.

    Parameters
    ----------
    dates : ndarray of datetime64
        Dates in any unit.

    Returns
    -------
    dates : ndarray of datetime64[us]
        The same; nanoseconds are cut off.

    Raises
    ------
    OverflowError
        If a date lies too far away.
    """
    out = dates.astype("M8[us]")
    is_finer = np.datetime_data(dates.dtype)[0] in ("us", "ns", "ps", "fs", "as")
    if not is_finer and not np.array_equal(out.astype(dates.dtype), dates, equal_nan=True):
        raise OverflowError("a date more than 290,000 years away")
    return out


def as_dates(cells: Any, zone: str | None) -> tuple[Any, Any]:
    """Return dates that come one by one as clocks show them, and as instants.

    Parameters
    ----------
    cells : list of date, datetime, datetime64 or None
        None where missing.
    zone : str or None
        Time zone of the clocks; that of each cell if it has no such name.

    Returns
    -------
    local, instants : ndarray of datetime64[us]
        The same for dates without a time zone.
    """
    if not any(getattr(cell, "tzinfo", None) is not None for cell in cells):
        local = np.array(cells, dtype="M8[us]")
        return local, local
    clock = zone_named(zone)
    local = [_on(cell, clock, zone) for cell in cells]
    instants = [_on(cell, datetime.UTC, "UTC") for cell in cells]
    return np.array(local, dtype="M8[us]"), np.array(instants, dtype="M8[us]")


def zone_named(name: str | None) -> Any:
    """Return the time zone of a name, None if there is none.

    Parameters
    ----------
    name : str or None
        Such as "Europe/Berlin".

    Returns
    -------
    zone : ZoneInfo, timezone or None
        The time zone; a timezone for a fixed offset, such as "UTC+02:00".
    """
    offset = _OFFSET.fullmatch(name or "")
    if offset:
        sign, hours, minutes = offset.groups()
        shift = datetime.timedelta(hours=int(hours), minutes=int(minutes))
        return datetime.timezone(-shift if sign == "-" else shift)
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _on(cell, clock, name):
    if cell is None or getattr(cell, "tzinfo", None) is None:
        return cell
    moved = cell if clock is None or str(cell.tzinfo) == name else cell.astimezone(clock)
    return moved.replace(tzinfo=None)


def as_seconds(cell: Any) -> float:
    """Return a time span or a time of the day in seconds.

    Parameters
    ----------
    cell : timedelta, timedelta64 or time
        The time.

    Returns
    -------
    seconds : float
        Those since midnight for a time of the day.
    """
    if isinstance(cell, datetime.time):
        clock = datetime.timedelta(
            hours=cell.hour,
            minutes=cell.minute,
            seconds=cell.second,
            microseconds=cell.microsecond,
        )
        return clock.total_seconds()
    return float(cell / datetime.timedelta(seconds=1))
