"""The inputs of networks: rows, samples of any shape, and sequences of unequal length."""

from math import prod

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array


class Sequences:
    """Sequences of any length, one behind the other in one array.

    A selection of some of them is a view: only padding copies values.

    Parameters
    ----------
    values : ndarray of shape (total number of steps, ...)
        The steps of all sequences.
    starts, lengths : ndarray of int of shape (n,)
        Where each sequence starts, and how many steps it has.
    """

    def __init__(self, values, starts, lengths):
        self.values, self.starts, self.lengths = values, starts, lengths

    @property
    def shape(self):
        """Shape of the padded array: (n, longest, ...)."""
        longest = int(self.lengths.max(initial=0))
        return (len(self.lengths), longest, *self.values.shape[1:])

    @property
    def ndim(self):
        """Number of axes of the padded array."""
        return self.values.ndim + 1

    @property
    def dtype(self):
        """Element type."""
        return self.values.dtype

    def __len__(self):
        return len(self.lengths)

    def __getitem__(self, rows):
        return type(self)(self.values, self.starts[rows], self.lengths[rows])

    def redrawn(self, rng):
        """Return the sequences of another epoch; by default these.

        Parameters
        ----------
        rng : numpy.random.Generator
            Draws where sequences that are cut at random begin.

        Returns
        -------
        sequences : Sequences
            As many sequences.
        """
        return self

    def joined(self):
        """Return the steps of these sequences, one behind the other.

        Returns
        -------
        values : ndarray of shape (total number of steps, ...)
            All of `values` where no sequence has been left out.
        """
        if self.lengths.sum() == len(self.values):
            return self.values
        bounds = zip(self.starts, self.starts + self.lengths, strict=True)
        return np.concatenate([self.values[start:stop] for start, stop in bounds])

    def padded(self, work, n_steps=None):
        """Return the sequences with zeros behind them, and which steps are real.

        Parameters
        ----------
        work : Workspace
            Gives the memory.
        n_steps : int, default=None
            Length to pad to; that of the longest sequence by default.

        Returns
        -------
        x : ndarray of shape (n, T, ...)
            The padded sequences.
        mask : ndarray of shape (n, T) of bool or None
            True at real steps; None when all are.
        """
        n, longest, *step = self.shape
        n_steps = longest if n_steps is None else n_steps
        index = work("index", (n, n_steps), np.intp)
        np.add(self.starts[:, None], np.arange(n_steps), out=index)
        x = work("x", (n, n_steps, *step))
        self.values.take(index, axis=0, out=x, mode="clip")
        if (self.lengths == n_steps).all():
            return x, None
        mask = np.less(
            np.arange(n_steps), self.lengths[:, None], out=work("mask", (n, n_steps), bool)
        )
        x *= mask.reshape(n, n_steps, *(1,) * len(step))
        return x, mask


def sequence_list(X):
    """Return the items of a list or object array of arrays, and None for anything else.

    Parameters
    ----------
    X : object
        What the user passes.

    Returns
    -------
    items : list of ndarray or None
        The samples; None if `X` is an array, a table, or a list of rows of one length.
    """
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1:
        items, whole = list(X), False
    elif isinstance(X, list | tuple):
        items, whole = X, True
    else:
        return None
    if not items or not all(_has_steps(item) for item in items):
        return None
    if whole and len({len(item) for item in items}) == 1 and np.ndim(items[0]) < 2:
        return None  # rows of one length, a table in the form of lists
    return [np.asarray(item) for item in items]


def _has_steps(item):
    return hasattr(item, "__len__") and not isinstance(item, str | bytes | dict)


def n_axes(X):
    """Return the number of axes of an array-like.

    Parameters
    ----------
    X : array-like
        An array, a table, or nested lists of one length.

    Returns
    -------
    n : int
        Number of axes.
    """
    # np.ndim asks what is no array to answer itself, which not everything array-like does.
    return X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim


def infer_shape(X):
    """Return the shape of the samples of X, for layers to be built for.

    Parameters
    ----------
    X : object
        What the user passes.

    Returns
    -------
    shape : tuple of int or None
        Shape of one sample; None for a table. The first axis is None for sequences of unequal
        length: of vectors (None, F), of tokens, which are integers, (None,), of other numbers
        (None, 1).
    """
    items = sequence_list(X)
    if items is None:
        return tuple(X.shape[1:]) if getattr(X, "ndim", 2) > 2 else None
    if len({item.shape for item in items}) == 1:
        return items[0].shape
    first = items[0]
    if first.ndim == 1:
        return (None,) if first.dtype.kind in "iub" else (None, 1)
    return (None, *first.shape[1:])


def as_sequences(items, shape, dtype, owner):
    """Check sequences of unequal length and lay them out one behind the other.

    Parameters
    ----------
    items : list of ndarray
        The sequences.
    shape : tuple of int or None
        Shape of one sample, whose first axis is None.
    dtype : dtype or tuple of dtype
        Element type of the result, or those to keep.
    owner : str
        Who takes the sequences, for errors.

    Returns
    -------
    sequences : Sequences
        The checked sequences.

    Raises
    ------
    ValueError
        If a sequence has no steps, its steps have another shape or its values are not finite
        numbers.
    """
    step = tuple(shape[1:])
    for position, item in enumerate(items):
        scalars = step == (1,) and item.ndim == 1
        if item.ndim < 1 or not (scalars or item.shape[1:] == step):
            raise ValueError(
                f"{owner} expects sequences of shape {tuple(shape)}, got one of shape "
                f"{item.shape} at position {position}."
            )
        if len(item) == 0:
            raise ValueError(
                f"{owner} expects sequences of at least one step; the one at position {position} "
                "is empty. Leave it out."
            )
    lengths = np.array([len(item) for item in items])
    values = np.concatenate([item.reshape(len(item), -1) for item in items])
    values = check_array(values, dtype=dtype, order="C", input_name="X", estimator=owner)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return Sequences(values.reshape(len(values), *step), starts, lengths)


def as_rows(X, shape, owner):
    """View samples of a shape as rows; an X of two axes is returned as it is.

    Parameters
    ----------
    X : {array-like, sparse matrix}
        Rows, or samples of the shape.
    shape : tuple of int or None
        Shape of one sample.
    owner : str
        Who takes them, for errors.

    Returns
    -------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows.

    Raises
    ------
    ValueError
        If the samples have another shape.
    """
    if issparse(X) or n_axes(X) < 3:
        return X
    X = np.asarray(X)
    fits = X.ndim == len(shape) + 1 and all(
        n in (None, m) for n, m in zip(shape, X.shape[1:], strict=True)
    )
    if not fits:
        raise ValueError(
            f"{owner} expects samples of input_shape={tuple(shape)}, got samples of shape "
            f"{X.shape[1:]}. Pass X of shape {('n_samples', *tuple(shape))} or its rows."
        )
    return X.reshape(len(X), -1)


def check_width(width, shape):
    """Check that rows of a width hold samples of a shape.

    Parameters
    ----------
    width : int
        Number of columns.
    shape : tuple of int or None
        Shape of one sample.

    Raises
    ------
    ValueError
        If they do not.
    """
    step = prod(n for n in shape if n is not None)
    if None in shape and width % step:
        raise ValueError(
            f"input_shape={tuple(shape)} holds {step} values a step, but X has {width} "
            f"features, which is not a multiple of {step}."
        )
    if None not in shape and step != width:
        raise ValueError(
            f"input_shape={shape} holds {step} values a sample, but X has {width} features."
        )


def as_inputs(X, shape, dtype, owner):
    """Check X and return it in the form that networks run on.

    Parameters
    ----------
    X : array-like or list of array-like
        Rows, samples of the shape, or sequences of unequal length.
    shape : tuple of int or None
        Shape of one sample.
    dtype : dtype or tuple of dtype
        Element type of the result, or those to keep.
    owner : str
        Who takes X, for errors.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features) or Sequences
        Checked inputs.

    Raises
    ------
    ValueError
        If X does not fit the shape or its values are not finite numbers.
    """
    items = sequence_list(X)
    if items is not None and None in shape:
        return as_sequences(items, shape, dtype, owner)
    X = X if items is None else np.stack(items)
    X = check_array(as_rows(X, shape, owner), dtype=dtype, order="C", estimator=owner)
    check_width(X.shape[1], shape)
    return X


def in_shape(X, shape):
    """View rows as samples of a shape; sequences as one long one.

    Parameters
    ----------
    X : {ndarray, sparse matrix, Sequences}
        Inputs.
    shape : tuple of int or None
        Shape of one sample.

    Returns
    -------
    x : {ndarray, sparse matrix} of shape (n_samples, *shape)
        The samples.
    """
    if isinstance(X, Sequences):
        return X.joined()[None]
    if len(shape) == 1:
        return X
    if None in shape:
        shape = (prod(X.shape[1:]) // prod(shape[1:]), *shape[1:])
    return X.reshape(len(X), *shape)
