"""Label sequences: how they are read from what users give, and from outputs step by step."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from math import inf
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ..preprocessing.samples import listed
from ..typing import Array
from .labels import as_labels, family, shown


class LabelSequences:
    """Codes of labels that come in sequences of any length.

    Parameters
    ----------
    owner : str
        Who takes them, for errors.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The labels.
    are_texts : bool
        Whether a sequence is a str, whose characters are the labels.
    """

    are_texts: bool

    def __init__(self, owner: str) -> None:
        self.owner = owner

    def fit(self, y: Any) -> Self:
        """Learn the labels."""
        items, self.are_texts = self._items(y)
        labels = self._labels(items)
        if not len(labels):
            raise ValueError(f"{self.owner} expects at least one label in y, got none.")
        self.classes: Array = np.unique(labels)
        return self

    def encode(self, y: Any) -> tuple[Array, Array]:
        """Return the codes of all labels, one after the other, and the sequences' lengths."""
        items, are_texts = self._items(y)
        labels = self._labels(items)
        if len(labels) and (are_texts, family(labels)) != (self.are_texts, family(self.classes)):
            raise ValueError(
                f"{self.owner} was fitted to labels such as {shown(self.classes)}, got others in "
                f"y: {shown(np.unique(labels))}. Give them the same form."
            )
        unknown = np.setdiff1d(labels, self.classes) if len(labels) else labels
        if len(unknown):
            raise ValueError(
                f"{self.owner} was fitted to the labels {shown(self.classes)}, got in y "
                f"{shown(unknown)} as well. Leave such sequences out, or fit anew."
            )
        codes = np.searchsorted(self.classes, labels) if len(labels) else []
        return np.asarray(codes, np.intp), np.array([len(item) for item in items], np.intp)

    def decode(self, codes: ArrayLike) -> Any:
        """Return the sequence of labels that codes stand for."""
        labels = self.classes[np.asarray(codes, np.intp)]
        return "".join(labels) if self.are_texts else labels

    def _items(self, y):
        """Return the sequences as lists of labels, and whether each is a str."""
        y = np.asarray(y) if isinstance(y, memoryview) else y
        items = listed(y, self.owner, "y to be a list of label sequences", single="a single ")
        if not items:
            raise ValueError(f"{self.owner} expects at least one label sequence in y, got none.")
        are_texts = [isinstance(item, str) for item in items]
        if any(are_texts) != all(are_texts):
            position = are_texts.index(not are_texts[0])
            raise ValueError(
                f"{self.owner} expects y to hold str alone or lists of labels alone, got "
                f"{type(items[0]).__name__} at position 0 and {type(items[position]).__name__} at "
                f"position {position}."
            )
        if all(are_texts):
            return [list(item) for item in items], True
        return [self._listed(item, position) for position, item in enumerate(items)], False

    def _labels(self, items):
        """Return all labels, one after the other."""
        labels = as_labels(list(chain.from_iterable(items)))
        if labels.ndim > 1:
            raise ValueError(
                f"{self.owner} expects y to hold a sequence of labels for each sample, got "
                "sequences of lists. Give each label as one number or str."
            )
        return labels

    def _listed(self, item, position):
        is_sequence = isinstance(item, list | tuple) or getattr(item, "ndim", 0) == 1
        if not is_sequence:
            found = f"shape {item.shape}" if getattr(item, "ndim", 0) else type(item).__name__
            raise ValueError(
                f"{self.owner} expects y to hold a sequence of labels for each sample, a list, a "
                f"1-D array or a str, got {found} at position {position}."
            )
        return item.tolist() if hasattr(item, "tolist") else list(item)


def greedy_path(log_p: Array) -> Array:
    """Read the labels of the likeliest path.

    Parameters
    ----------
    log_p : ndarray of shape (T, K + 1)
        Log-probabilities of the labels and of the blank, the last.

    Returns
    -------
    codes : ndarray of int
        The labels of the path that is likeliest step by step: repetitions are one label.
    """
    path = log_p.argmax(axis=1)
    is_new = np.ones(len(path), bool)
    is_new[1:] = path[1:] != path[:-1]
    return path[is_new & (path != log_p.shape[1] - 1)]


def beam_search(log_p: Array, width: int) -> list[tuple[tuple[int, ...], float]]:
    """Search the label sequence whose paths together are likeliest.

    Parameters
    ----------
    log_p : ndarray of shape (T, K + 1)
        Log-probabilities of the labels and of the blank, the last.
    width : int
        Number of beginnings that are kept after each step.

    Returns
    -------
    found : list of (tuple of int, float)
        Up to `width` sequences and the logarithm of the probability of their paths that have
        been kept, the best first.

    References
    ----------
    A. Hannun et al., "First-pass large vocabulary continuous speech recognition using
    bi-directional recurrent DNNs", 2014. :arxiv:`1408.2873`
    """
    blank = log_p.shape[1] - 1
    # Of each beginning the paths that end with a blank, and those that end with its last label.
    beams = {(): (0.0, -inf)}
    for step in log_p.tolist():
        found = defaultdict(lambda: [-inf, -inf])
        # A label that is less likely than the others by far adds nothing that is kept.
        labels = sorted(range(blank), key=step.__getitem__, reverse=True)[: width + 1]
        for prefix, (with_blank, with_label) in beams.items():
            total = _add(with_blank, with_label)
            here = found[prefix]
            here[0] = _add(here[0], total + step[blank])
            if prefix:
                here[1] = _add(here[1], with_label + step[prefix[-1]])
            for label in labels:
                # The same label again needs a blank between.
                before = with_blank if prefix and label == prefix[-1] else total
                longer = found[(*prefix, label)]
                longer[1] = _add(longer[1], before + step[label])
        best = sorted(found.items(), key=lambda item: -_add(*item[1]))
        beams = dict(best[:width])
    found = [(prefix, _add(*ends)) for prefix, ends in beams.items()]
    return [each for each in found if each[1] > -inf] or found[:1]


def _add(a, b):
    """Return log(exp(a) + exp(b)), faster than NumPy for two numbers."""
    if a < b:
        a, b = b, a
    return a if b == -inf else a + np.log1p(np.exp(b - a)).item()


def edit_distance(a: Array, b: Array) -> int:
    """Count the insertions, deletions and substitutions that turn a sequence into another.

    Parameters
    ----------
    a, b : ndarray of int of shape (n,) and (m,)
        The sequences.

    Returns
    -------
    distance : int
        The least number.
    """
    steps = np.arange(len(b) + 1)
    row = steps.copy()
    for i, item in enumerate(a):
        changed = row[:-1] + (b != item)
        row = np.concatenate([[i + 1], np.minimum(changed, row[1:] + 1)])
        row = np.minimum.accumulate(row - steps) + steps  # insertions, from left to right
    return int(row[-1])
