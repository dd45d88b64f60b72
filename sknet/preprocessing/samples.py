"""What users pass as samples one by one: lists, columns of arrays, and what is read once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..cells import as_array, without_order
from ..typing import Array, Shape


def reread(X: Any) -> Any:
    """Return what can be read twice: the items of an iterator as a list, anything else as it is.

    Parameters
    ----------
    X : object
        What the user passes.

    Returns
    -------
    X : object
        A list where X was a generator, a file or another iterable without positions.
    """
    is_read_once = hasattr(X, "__iter__") and not hasattr(X, "__getitem__")
    return list(X) if is_read_once and not isinstance(X, set | frozenset | type) else X


def listed(X: Iterable[Any], owner: str, expected: str, single: str = "") -> list[Any]:
    """Return the items of an iterable as a list.

    Parameters
    ----------
    X : iterable
        What the user passes.
    owner : str
        Who takes it, for errors.
    expected : str
        What is expected, for errors.
    single : str, default=""
        What a value that is no list is called, for errors.

    Returns
    -------
    items : list
        Its items in their order.

    Raises
    ------
    ValueError
        If X has no items, or they have no order.
    """
    kind, items, advice = type(X).__name__, "texts" if single else "all samples", without_order(X)
    if isinstance(X, type):
        advice = f"the class {X.__name__}. Pass {items}, in a list."
    elif isinstance(X, str | bytes | bytearray) or not hasattr(X, "__iter__"):
        advice = f"{single}{kind}. Put {items} into a list."
    elif getattr(X, "shape", None) == ():
        advice = f"shape (). Put {items} into a list."
    if advice:
        raise ValueError(f"{owner} expects {expected}, got {advice}")
    return list(X)


def shape_of(X: Any) -> Shape | None:
    """Return the shape of an array or a table.

    Parameters
    ----------
    X : object
        What the user passes.

    Returns
    -------
    shape : tuple of int or None
        None of anything else, such as the class of an array.
    """
    return None if isinstance(X, type) else getattr(X, "shape", None)


def is_ragged(X: Any) -> bool:
    """Tell whether samples come one by one: in a list, an iterator or a column of arrays.

    Parameters
    ----------
    X : object
        What the user passes.

    Returns
    -------
    is_ragged : bool
        False for an array of numbers or a table.
    """
    shape = shape_of(X)
    if shape is None:
        is_text = isinstance(X, str | bytes | bytearray)
        return hasattr(X, "__iter__") and not is_text
    # A polars dtype has no kind.
    return len(shape) == 1 and hasattr(X, "dtype") and getattr(X.dtype, "kind", "O") == "O"


def as_sequences(X: Any, name: str, owner: str) -> list[Array]:
    """Return the samples as a list of numeric arrays.

    Parameters
    ----------
    X : iterable of array-like, or array-like of two axes or more
        Samples one by one, or in the rows of an array or a data frame.
    name : str
        Name of the argument, for errors.
    owner : str
        Who takes them, for errors.

    Returns
    -------
    sequences : list of ndarray
        One array a sample.

    Raises
    ------
    ValueError
        If there are none.
    ValueError or TypeError
        If they do not hold numbers.
    """
    if len(shape_of(X) or ()) > 1:
        sequences = list(as_array(X, name, owner))
    else:
        where = " in the sequence at position {}"
        items = enumerate(listed(X, owner, "a list of arrays"))
        sequences = [as_array(item, name, owner, where.format(i)) for i, item in items]
    if not sequences:
        raise ValueError(f"{owner} expects at least one sequence in {name}, got none.")
    return sequences
