"""Conversion of series between the forms of other libraries and that of networks."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from ..base import brief
from ..cells import as_array
from ..constraints import Constraints
from ..typing import Array
from .samples import as_sequences, is_ragged

_CONSTRAINTS = Constraints(
    {"length": [Interval(Integral, 1, None, closed="left"), None], "value": [Real]}
)


def from_channels_first(X: ArrayLike | Sequence[ArrayLike]) -> Array | Any:
    """Move the axis of the channels to the end, where networks here expect it.

    An array (n, channels, time), as aeon has it, becomes (n, time, channels), and an array of
    images (n, channels, height, width) becomes (n, height, width, channels). In a list each series
    (channels, time) becomes (time, channels), and each image (height, width, channels).

    Parameters
    ----------
    X : array-like of shape (n_samples, n_channels, ...), or list of (n_channels, ...) arrays
        Samples with the channels first; a list or an object array holds series of any length, or
        images.

    Returns
    -------
    X : ndarray of shape (n_samples, ..., n_channels), or list of (..., n_channels) ndarrays
        A copy with the channels last; a list if a list or an object array came in.

    Raises
    ------
    ValueError
        If X has no axis of channels, or the series differ in their number of channels.

    See Also
    --------
    from_nan_padded : Take off the padding, where that is missing values.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.preprocessing import from_channels_first
    >>> from_channels_first(np.zeros((5, 2, 30))).shape
    (5, 30, 2)
    >>> series = from_channels_first([np.zeros((2, 30)), np.zeros((2, 20))])
    >>> [each.shape for each in series]
    [(30, 2), (20, 2)]
    """
    if is_ragged(X):
        series = as_sequences(X, "X", "from_channels_first")
        for i, each in enumerate(series):
            is_alike = (each.ndim, each.shape[:1]) == (series[0].ndim, series[0].shape[:1])
            if each.ndim not in (2, 3) or not is_alike:
                first = f"{series[0].shape} at position 0 and " if i else ""
                raise ValueError(
                    "from_channels_first expects a list of arrays (channels, time) or (channels, "
                    f"height, width) with the same number of channels, got shape {first}"
                    f"{each.shape} at position {i}. Give series of one channel an axis for it."
                )
        return [np.array(np.moveaxis(each, 0, -1), order="C") for each in series]
    X = as_array(X, "X", "from_channels_first")
    if X.ndim < 3:
        raise ValueError(
            "from_channels_first expects an array (samples, channels, time) or (samples, "
            f"channels, height, width), got shape {X.shape}. Give series of one channel an axis "
            "for it: X[:, None]."
        )
    return np.array(np.moveaxis(X, 1, -1), order="C")


def from_nan_padded(X: ArrayLike) -> list[Array]:
    """Take off the missing values that fill series up to a common length.

    Of each series the steps after the last one that has a value are cut off. Missing values
    before that step stay: they are not padding.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_steps) or (n_samples, n_steps, n_features)
        Series padded with NaN at their ends, channels last.

    Returns
    -------
    sequences : list of ndarrays of shape (n_steps_i,) or (n_steps_i, n_features)
        Copies of the series, each as long as it is.

    Raises
    ------
    ValueError
        If X is not padded to one length, or a series has no value at all.

    See Also
    --------
    from_channels_first : Put the channels last.
    pad_sequences : The way back, with ``value=np.nan``.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.preprocessing import from_nan_padded
    >>> from_nan_padded([[1.0, 2.0, 3.0], [4.0, np.nan, np.nan]])
    [array([1., 2., 3.]), array([4.])]

    aeon's form, channels first and padded, takes two steps:

    >>> from sknet.preprocessing import from_channels_first
    >>> X = np.ones((2, 12, 29))
    >>> X[1, :, 20:] = np.nan
    >>> [series.shape for series in from_nan_padded(from_channels_first(X))]
    [(29, 12), (20, 12)]
    """
    X = as_array(X, "X", "from_nan_padded")
    if X.ndim not in (2, 3):
        raise ValueError(
            "from_nan_padded expects an array (samples, time) or (samples, time, features), got "
            f"shape {X.shape}. Put all series into one array that is padded with NaN."
        )
    present = ~np.isnan(X)
    if X.ndim == 3:
        present = present.any(axis=2)  # (N, T)
    lengths = (present * np.arange(1, X.shape[1] + 1)).max(axis=1, initial=0)
    if not lengths.all():
        raise ValueError(
            "from_nan_padded expects at least one value in each series, got none in the series "
            f"at position {np.argmin(lengths)}. Leave such series out."
        )
    return [series[:length].copy() for series, length in zip(X, lengths, strict=True)]


def pad_sequences(
    sequences: Sequence[ArrayLike], length: int | None = None, *, value: int | float = 0
) -> Array:
    """Put sequences of unequal length into one array.

    Sequences (T_i, ...) become an array (n, T, ...): each is followed by the padding value up to
    the common length. The estimators do that by themselves, and mask the padding; other
    estimators need the array.

    Parameters
    ----------
    sequences : list of array-likes of shape (n_steps_i,) or (n_steps_i, n_features)
        Sequences whose steps have the same shape: a list or a column of a data frame, or the
        rows of an array or a data frame. Missing values (None, pandas.NA) become NaN.
    length : int, default=None
        Number of steps in the result, at least 1; longer sequences lose their end. None is the
        length of the longest.
    value : int or float, default=0
        What follows the end of a sequence, such as 0 or NaN.

    Returns
    -------
    X : ndarray of shape (n_samples, length) or (n_samples, length, n_features)
        The padded sequences, of the smallest type that holds their values and `value` exactly:
        a value such as 0.1, which float32 rounds, makes them float64.

    Raises
    ------
    ValueError
        If there are no sequences, their steps differ in shape, or no type holds all values.

    See Also
    --------
    from_nan_padded : The way back, if `value` is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.preprocessing import pad_sequences
    >>> pad_sequences([[1, 2, 3], [4]])
    array([[1, 2, 3],
           [4, 0, 0]])
    >>> pad_sequences([[1.5], [2.5, 3.5]], value=np.nan)
    array([[1.5, nan],
           [2.5, 3.5]])
    """
    _CONSTRAINTS.validate({"length": length, "value": value}, "pad_sequences")
    sequences = as_sequences(sequences, "sequences", "pad_sequences")
    steps = sequences[0].shape[1:]
    for i, sequence in enumerate(sequences):
        if sequence.ndim == 0:
            raise ValueError(
                f"pad_sequences expects a list of sequences, got shape () at position {i}. Put a "
                "single sequence into a list."
            )
        if sequence.shape[1:] != steps:
            raise ValueError(
                "pad_sequences expects sequences whose steps have the same shape, got shape "
                f"{sequences[0].shape} at position 0 and {sequence.shape} at position {i}. Put "
                "the time on the first axis."
            )
    if length is None:
        length = max(map(len, sequences))
    dtype = _joint_type(sequences, value)
    try:
        X = np.full((len(sequences), int(length), *steps), value, dtype=dtype)
    except (MemoryError, ValueError):  # more than there is, or can be addressed
        raise ValueError(
            f"pad_sequences cannot make {len(sequences)} sequences of length={length}. Pass a "
            "smaller length, or None."
        ) from None
    for row, sequence in zip(X, sequences, strict=True):
        row[: len(sequence)] = sequence[:length]
    return X


def _joint_type(sequences, value):
    """Return the smallest type that holds the values of the sequences and the padding value."""
    kept = {s.dtype for s in sequences if s.size} or {np.dtype(np.float64)}
    smallest = np.result_type(*kept)
    other = np.min_scalar_type(value) if isinstance(value, Integral) else np.float32
    # Of a huge int the type is that of objects.
    larger = [each for each in (np.bool_, other, np.float64) if np.dtype(each).kind in "biuf"]
    dtypes = [np.result_type(smallest, each) for each in larger]
    dtype = next((each for each in dtypes if _holds(each, value)), None)
    if dtype is None:
        raise ValueError(
            f"pad_sequences expects a value that an array can hold, got {brief(value)}. Pass "
            "a float, or an int of at most 64 bits."
        )
    if dtype.kind == "f":
        _check_precision(sequences, dtype)
    return dtype


def _holds(dtype, value):
    if isinstance(value, np.timedelta64):  # an integer for NumPy
        return False
    try:
        with np.errstate(all="ignore"):
            held = np.array(value, dtype=dtype).item()
    except (OverflowError, ValueError):  # an int out of range, NaN as an int
        return False
    return bool(held == value) or (dtype.kind == "f" and value != value)


def _check_precision(sequences, dtype):
    """Refuse whole numbers so large that a float type would round them."""
    limit = 2 ** (np.finfo(dtype).nmant + 1)
    for i, sequence in enumerate(sequences):
        if sequence.dtype.kind not in "iu" or not sequence.size:
            continue
        largest = max(int(sequence.max()), -int(sequence.min()))
        if largest > limit:
            raise ValueError(
                f"pad_sequences needs {dtype} for the sequences and the padding value, which "
                f"rounds ints beyond {limit}, got {largest} at position {i}. Pass an int as the "
                "value, and sequences of one type."
            )
