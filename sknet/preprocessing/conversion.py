"""Conversion of series between the forms of other libraries and that of networks."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params


def from_channels_first(X):
    """Move the axis of the channels to the end, where networks here expect it.

    An array (n, channels, time), as aeon has it, becomes (n, time, channels), and an array of
    images (n, channels, height, width) becomes (n, height, width, channels). Of series of unequal
    length each (channels, time) becomes (time, channels).

    Parameters
    ----------
    X : array-like of shape (n_samples, n_channels, ...), or list of (n_channels, n_steps) arrays
        Samples with the channels first; a list or an object array holds series of any length.

    Returns
    -------
    X : ndarray of shape (n_samples, ..., n_channels), or list of (n_steps, n_channels) ndarrays
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
        series = as_sequences(X, "from_channels_first")
        for i, each in enumerate(series):
            if each.ndim != 2 or len(each) != len(series[0]):
                raise ValueError(
                    "from_channels_first expects a list of arrays (channels, time) with the same "
                    f"number of channels, got shape {series[0].shape} at position 0 and "
                    f"{each.shape} at position {i}. Pass each series as a 2-D array."
                )
        return [np.array(each.T, order="C") for each in series]
    X = numeric_array(X, "from_channels_first")
    if X.ndim < 3:
        raise ValueError(
            "from_channels_first expects an array (samples, channels, time) or (samples, "
            f"channels, height, width), got shape {X.shape}. Give series of one channel an axis "
            "for it: X[:, None]."
        )
    return np.array(np.moveaxis(X, 1, -1), order="C")


def from_nan_padded(X):
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
    X = numeric_array(X, "from_nan_padded")
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


@validate_params(
    {
        "sequences": "no_validation",
        "length": [Interval(Integral, 1, None, closed="left"), None],
        "value": [Real],
    },
    prefer_skip_nested_validation=True,
)
def pad_sequences(sequences, length=None, *, value=0):
    """Put sequences of unequal length into one array.

    Sequences (T_i, ...) become an array (n, T, ...): each is followed by the padding value up to
    the common length. The estimators do that by themselves, and mask the padding; other
    estimators need the array.

    Parameters
    ----------
    sequences : list of array-likes of shape (n_steps_i,) or (n_steps_i, n_features)
        Sequences whose steps have the same shape.
    length : int, default=None
        Number of steps in the result, at least 1; longer sequences lose their end. None is the
        length of the longest.
    value : int or float, default=0
        What follows the end of a sequence, such as 0 or NaN.

    Returns
    -------
    X : ndarray of shape (n_samples, length) or (n_samples, length, n_features)
        The padded sequences, of a type that holds their values and `value`.

    Raises
    ------
    ValueError
        If there are no sequences, or their steps differ in shape.

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
    sequences = as_sequences(sequences, "pad_sequences")
    steps = sequences[0].shape[1:]
    for i, sequence in enumerate(sequences):
        if sequence.ndim == 0 or sequence.shape[1:] != steps:
            raise ValueError(
                "pad_sequences expects sequences whose steps have the same shape, got shape "
                f"{sequences[0].shape} at position 0 and {sequence.shape} at position {i}. Put "
                "the time on the first axis."
            )
    if length is None:
        length = max(map(len, sequences))
    dtype = np.result_type(*{s.dtype for s in sequences}, np.min_scalar_type(value))
    X = np.full((len(sequences), length, *steps), value, dtype=dtype)
    for row, sequence in zip(X, sequences, strict=True):
        row[: len(sequence)] = sequence[:length]
    return X


def is_ragged(X):
    """Tell whether samples come one by one: in a list or an object array.

    Parameters
    ----------
    X : array-like
        What the user passes.

    Returns
    -------
    is_ragged : bool
        False for an array of numbers or a table.
    """
    dtype = getattr(X, "dtype", None)
    return isinstance(X, list | tuple) if dtype is None else dtype == np.dtype(object)


def as_sequences(X, who):
    """Return the samples as a list of numeric arrays.

    Parameters
    ----------
    X : list or ndarray of object
        Samples one by one.
    who : str
        Who takes them, for errors.

    Returns
    -------
    sequences : list of ndarray
        One array a sample.

    Raises
    ------
    ValueError
        If there are none, or they do not hold numbers.
    """
    if isinstance(X, str | bytes | dict) or not hasattr(X, "__len__"):
        raise ValueError(f"{who} expects a list of arrays, got {type(X).__name__}.")
    if len(X) == 0:
        raise ValueError(f"{who} expects at least one series, got none.")
    return [numeric_array(each, who, f" at position {i}") for i, each in enumerate(X)]


def numeric_array(X, who, where=""):
    """Return numbers as an array, or refuse what is none.

    Parameters
    ----------
    X : array-like
        What the user passes.
    who : str
        The function that takes it, for errors.
    where : str, default=""
        Where in the argument it stands, for errors.

    Returns
    -------
    array : ndarray
        The numbers; `X` itself if it is an array.

    Raises
    ------
    ValueError
        If the elements are not real numbers.
    """
    try:
        array = np.asarray(X)
    except ValueError:  # lists of unequal length, nested too deep
        array = None
    if array is None or array.dtype.kind not in "biuf":
        found = "lists of unequal length" if array is None else f"elements of dtype {array.dtype}"
        raise ValueError(
            f"{who} expects numbers in arrays, got {found}{where}. Pass arrays of floats or ints."
        )
    return array
