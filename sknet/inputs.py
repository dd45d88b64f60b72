"""The inputs of networks: rows, samples of any shape, and sequences of unequal length."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse

from .base import Workspace
from .cells import as_array, as_numbers, column_of
from .finite import checked
from .sparse import summed
from .typing import Array, Samples, Shape

_FILL = "Fill missing values first, by sklearn.impute.SimpleImputer."


class Sequences:
    """Sequences of any length, one after the other in one array.

    A selection of some of them is a view: only padding copies values.

    Parameters
    ----------
    values : ndarray of shape (total number of steps, ...)
        The steps of all sequences.
    starts, lengths : ndarray of int of shape (n,)
        Where each sequence starts, and how many steps it has.
    """

    values: Array
    starts: Array
    lengths: Array

    def __init__(self, values: Array, starts: Array, lengths: Array) -> None:
        self.values, self.starts, self.lengths = values, starts, lengths

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the padded array: (n, longest, ...)."""
        longest = int(self.lengths.max(initial=0))
        return (len(self.lengths), longest, *self.values.shape[1:])

    @property
    def ndim(self) -> int:
        """Number of axes of the padded array."""
        return self.values.ndim + 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """Element type."""
        return self.values.dtype

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, rows: Any) -> Any:
        return type(self)(self.values, self.starts[rows], self.lengths[rows])

    def redrawn(self, rng: np.random.Generator) -> Sequences:
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

    def joined(self) -> Array:
        """Return the steps of these sequences, one after the other.

        Returns
        -------
        values : ndarray of shape (total number of steps, ...)
            All of `values` where no sequence has been left out.
        """
        return self._joined(self.values)

    def _joined(self, array):
        """Return the part of an array, laid out as `values`, that belongs to these sequences."""
        ends = np.cumsum(self.lengths)
        if len(ends) and ends[-1] == len(array) and (self.starts == ends - self.lengths).all():
            return array
        bounds = zip(self.starts, self.starts + self.lengths, strict=True)
        return np.concatenate([array[start:stop] for start, stop in bounds])

    def padded(self, work: Workspace, n_steps: int | None = None) -> tuple[Array, Array | None]:
        """Return the sequences with zeros after them, and which steps are real.

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


def readable(X: Any, owner: str, on_tables: str = "") -> Any:
    """Return X with its numbers in arrays; samples that come one by one as a list of them.

    Parameters
    ----------
    X : object
        What the user passes.
    owner : str
        Who takes X, for errors.
    on_tables : str, default=""
        What takes tables with strings, dates and time spans, for errors.

    Returns
    -------
    X : ndarray, table, sparse matrix or list of ndarray
        An array of numbers; a table of numbers as it is; a sparse matrix without duplicates; or
        the samples, if they come in a list, in an object array, in a Series or in a table of this
        column alone.

    Raises
    ------
    ValueError
        If there are no samples, or lists in them differ in length.
    TypeError or ValueError
        If X holds what is no number.
    """
    if issparse(X):
        return as_numbers(summed(X, owner), "X", owner)
    X = _only_column(X)
    if not isinstance(X, np.ndarray) or X.dtype == object:
        items = sequence_list(X)
        if items is not None:
            where = " in the sequence at position {}"
            return [as_array(x, "X", owner, where.format(i)) for i, x in enumerate(items)]
        items = _listed(X)
        X = X if items is None else items
    is_table = getattr(X, "ndim", 2) == 2  # lists are tables too, and those of polars have no ndim
    X = as_numbers(X, "X", owner, on_tables=on_tables if is_table else "")
    if isinstance(X, np.ndarray) and X.ndim > 0 and len(X) == 0:
        raise ValueError(
            f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required by "
            f"{owner}."
        )
    return X


def sequence_list(X: Any) -> Sequence[ArrayLike] | None:
    """Return the items of a list, an object array or a Series of arrays; None for anything else.

    Parameters
    ----------
    X : object
        What the user passes.

    Returns
    -------
    items : list of array-like or None
        The samples; None if `X` is an array, a table, or holds rows of one length.
    """
    items = _listed(X)
    if not items or not all(map(_has_steps, items)):
        return None
    if len({len(item) for item in items}) == 1 and _is_flat(items[0]):
        return None  # rows of one length, a table in the form of lists
    return items


def _listed(X):
    """Return what comes one by one as a list, and None for anything else."""
    if isinstance(X, list | tuple):
        return list(X)
    if getattr(X, "ndim", None) == 1 and getattr(X, "dtype", None) == np.dtype(object):
        return list(X)
    # Series of pandas and polars, which have data types of their own.
    if hasattr(type(X), "to_list"):
        return X.to_list()
    is_array = hasattr(type(X), "to_pylist") and not hasattr(X, "column_names")  # of PyArrow
    return X.to_pylist() if is_array else None


def _only_column(X):
    """Return the only column of a table if it holds sequences, and anything else as it is."""
    is_lazy = isinstance(X, type) or hasattr(type(X), "collect")
    if is_lazy or len(getattr(X, "columns", ())) != 1 or len(X) == 0:
        return X
    if hasattr(X, "column_names"):  # of PyArrow
        column = X.column(0)
        return column if hasattr(column.type, "value_type") else X
    column = column_of(X, 0)
    return column if _has_steps(np.asarray(column.head(1))[0]) else X


def _has_steps(item):
    is_other = isinstance(item, str | bytes | dict | set) or issparse(item)
    return hasattr(item, "__len__") and not is_other and getattr(item, "ndim", 1) > 0


def _is_flat(item):
    return item.ndim < 2 if hasattr(item, "ndim") else not any(map(_has_steps, item))


def infer_shape(X: Any) -> Shape | None:
    """Return the shape of the samples of X, for layers to be built for.

    Parameters
    ----------
    X : ndarray, table, sparse matrix or list of ndarray
        What `readable` returns.

    Returns
    -------
    shape : tuple of int or None
        Shape of one sample; None for a table. The first axis is None for sequences of unequal
        length: of vectors (None, F), of tokens, which are integers in all of them, (None,), of
        other numbers (None, 1).
    """
    if not isinstance(X, list):
        return tuple(X.shape[1:]) if len(X.shape) > 2 else None
    if len({item.shape for item in X}) == 1:
        return X[0].shape
    if X[0].ndim != 1:
        return (None, *X[0].shape[1:])
    are_tokens = all(item.dtype.kind in "iub" for item in X if item.size)
    return (None,) if are_tokens else (None, 1)


def as_sequences(items: Sequence[Array], shape: Shape | None, dtype: Any, owner: str) -> Sequences:
    """Check sequences of unequal length and lay them out one after the other.

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
    values = checked(values, items, _FILL, dtype=dtype, estimator=owner)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return Sequences(values.reshape(len(values), *step), starts, lengths)


def as_rows(X: Samples, shape: Shape | None, owner: str) -> Any:
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
    if len(X.shape) < 3:
        return X
    got = X.shape[1:]
    if len(got) == 2 and len(shape) == 3 and shape[-1] == 1:  # images without their channel
        got = (*got, 1)
    fits = len(got) == len(shape) and all(n in (None, m) for n, m in zip(shape, got, strict=True))
    if not fits:
        raise ValueError(
            f"{owner} expects samples of input_shape={tuple(shape)}, got samples of shape "
            f"{X.shape[1:]}. {_reshaping_advice(X.shape[1:], tuple(shape))}"
        )
    return X.reshape(len(X), prod(X.shape[1:]))


def _reshaping_advice(got, shape):
    if len(shape) > 1 and got == (shape[-1], *shape[:-1]):
        return "Put the channels last, by sknet.preprocessing.from_channels_first."
    return f"Pass X of shape {('n_samples', *shape)} or its rows."


def check_width(width: int, shape: Shape | None) -> None:
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


def as_inputs(
    X: ArrayLike | Sequence[ArrayLike], shape: Shape | None, dtype: Any, owner: str
) -> Array | Sequences:
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
    X = readable(X, owner)
    if isinstance(X, list) and None in shape:
        return as_sequences(X, shape, dtype, owner)
    rows = as_rows(stacked(X, shape, owner), shape, owner)
    rows = checked(rows, X, _FILL, dtype=dtype, estimator=owner)
    check_width(rows.shape[1], shape)
    return rows


def stacked(X: Any, shape: Shape, owner: str) -> Any:
    """Return samples that come one by one in one array, and anything else as it is.

    Parameters
    ----------
    X : ndarray, table, sparse matrix or list of ndarray
        What `readable` returns.
    shape : tuple of int
        Shape of one sample.
    owner : str
        Who takes X, for errors.

    Returns
    -------
    X : ndarray, table or sparse matrix
        The samples.

    Raises
    ------
    ValueError
        If they differ in shape.
    """
    if not isinstance(X, list):
        return X
    if len({item.shape for item in X}) > 1:
        raise ValueError(
            f"{owner} expects samples of shape {tuple(shape)}, got sequences of unequal length. "
            "Fit it to sequences, with layers that take them and an input_shape that begins with "
            "None."
        )
    return np.stack(X)


def in_shape(X: Any, shape: Shape | None) -> Any:
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
