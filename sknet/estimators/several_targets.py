"""Several targets in the columns of a data frame, each with a loss of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..base import brief, named_component
from ..losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES, Loss, Quantile, Target
from ..losses.several import SeveralLosses
from ..preprocessing.frames import Column, frame_columns, is_frame, is_hole, labels_of
from ..typing import Array
from .classes import encode
from .labels import as_labels, family, shown
from .regression_scores import regression_score
from .target_scale import TargetScale, least_usual, moments

_LOSSES = {**REGRESSION_LOSSES, **CLASSIFICATION_LOSSES}


def read_losses(losses: dict[str, Any]) -> dict[str, tuple[Loss, float]]:
    """Return losses and weights by the names of columns.

    Parameters
    ----------
    losses : dict of str
        Losses, names of losses, or pairs of a loss and its weight.

    Returns
    -------
    found : dict of str to (Loss, float)
        New losses, which are not built, and their weights.

    Raises
    ------
    ValueError
        If a loss is none, or a weight is no number above 0.
    """
    if not losses or not all(isinstance(name, str) for name in losses):
        raise ValueError(
            f"A loss by columns is a dict of losses by the names of columns of y, got "
            f"{brief(losses)}. Write loss={{'price': 'squared_error', 'sold': 'log_loss'}}."
        )
    return {name: _read_loss(name, given) for name, given in losses.items()}


def _read_loss(name, given):
    loss, weight = given if isinstance(given, tuple) and len(given) == 2 else (given, 1.0)
    if callable(loss) and not isinstance(loss, type):
        raise ValueError(
            f"loss[{name!r}] is a plain function, and needs its gradient: write "
            "FunctionLoss(value, gradient)."
        )
    is_number = isinstance(weight, Real) and not isinstance(weight, bool)
    if not is_number or not isfinite(weight) or weight <= 0:
        raise ValueError(
            f"loss[{name!r}] has the weight {brief(weight)}; it must be a number above 0."
        )
    loss = named_component(loss, _LOSSES, Loss, f"loss[{name!r}]")
    loss._validate_params()
    if isinstance(loss, Quantile) and np.size(loss.quantiles) > 1:
        raise ValueError(
            f"loss[{name!r}] has several quantiles, and a column of predictions holds one. Ask "
            "for one quantile, or fit an estimator for this target alone."
        )
    if loss.joins_places or not loss.gives_probabilities:
        reason = "is for a class at each pixel" if loss.joins_places else "has no probabilities"
        raise ValueError(
            f"loss[{name!r}]={type(loss).__name__} {reason}; a column of classes takes 'log_loss' "
            "or 'focal'."
        )
    return loss, float(weight)


def read_columns(y: Any, names: Iterable[str], owner: str) -> dict[str, Column]:
    """Return the columns of y by their names.

    Parameters
    ----------
    y : data frame
        Of pandas, polars or another library.
    names : iterable of str
        Columns that it has to have, and no others.
    owner : str
        Who takes it, for errors.

    Returns
    -------
    columns : dict of str to Column
        In the order of y.

    Raises
    ------
    ValueError
        If y is no frame of these columns.
    """
    names = list(names)
    if not is_frame(y):
        raise ValueError(
            f"{owner} with a loss for each of the columns {', '.join(map(repr, names))} expects y "
            f"as a data frame of these columns, got {type(y).__name__}."
        )
    found = labels_of(y)
    if not all(isinstance(label, str) for label in found) or sorted(found) != sorted(names):
        raise ValueError(
            f"{owner} has losses for the columns {', '.join(map(repr, names))}, got y with "
            f"{', '.join(map(repr, found)) or 'none'}. Give each column of y one loss."
        )
    return {column.label: column for column in frame_columns(y, owner)}


class SeveralTargets:
    """What `fit` has learned of the columns of y: their losses, classes and scales.

    Parameters
    ----------
    losses : dict of str
        The parameter `loss` of an estimator.
    columns : dict of str to Column
        The columns of y.
    rows : ndarray of int or None
        Rows in use; None for all.

    Attributes
    ----------
    names : list of str
        Names of the columns, in the order of y.
    classes : dict of str to ndarray
        Sorted classes of the columns with a loss for classes.
    target : Target
        What the loss has to know.
    """

    classes: dict[str, Array]

    def __init__(
        self, losses: dict[str, Any], columns: dict[str, Column], rows: Array | None
    ) -> None:
        found = read_losses(losses)
        self.names: list[str] = list(columns)
        self.classes, self._scales = {}, [None] * len(columns)
        for name, column in columns.items():
            if "continuous" not in found[name][0].kinds:
                cells, _ = _known(column, rows)
                self.classes[name] = _classes(name, cells)
            elif np.isnan(_numbers(name, column)[slice(None) if rows is None else rows]).all():
                _refuse_empty(name)
        n_classes = tuple(len(self.classes.get(name, ())) for name in self.names)
        self.target: Target = Target("several", len(self.names), n_classes)

    def loss(self, losses: dict[str, Any]) -> SeveralLosses:
        """Return the loss of all targets.

        Parameters
        ----------
        losses : dict of str
            The parameter `loss` of an estimator, for the columns that were learned.

        Returns
        -------
        loss : SeveralLosses
            Not built.
        """
        found = read_losses(losses)
        kinds = {name: "continuous" in loss.kinds for name, (loss, _) in found.items()}
        if kinds != {name: name not in self.classes for name in self.names}:
            raise ValueError(
                f"loss={losses!r} names other columns, or classes where there were numbers, than "
                f"the loss of {', '.join(map(repr, self.names))} that was fitted; set "
                "warm_start=False, or use clone, to start anew."
            )
        pairs = [found[name] for name in self.names]
        return SeveralLosses([loss for loss, _ in pairs], [weight for _, weight in pairs])

    def encoded(self, columns: dict[str, Column], rows: Array | None = None) -> Array:
        """Return the columns of y as numbers.

        Parameters
        ----------
        columns : dict of str to Column
            The columns of y.
        rows : ndarray of int or None
            Rows whose labels have to be known; None for all, False for none.

        Returns
        -------
        y : ndarray of shape (n_samples, n_targets), float64
            Numbers, and codes of classes: -1 for labels that are not known. NaN where missing.
        """
        encoded = [self._encoded(name, columns[name], rows) for name in self.names]
        return np.column_stack(encoded)

    def _encoded(self, name, column, rows):
        if name not in self.classes:
            return _numbers(name, column)
        cells, where = _known(column, None)
        codes = np.full(len(column), np.nan)
        if not len(where):
            return codes
        labels, classes = _labels(name, cells), self.classes[name]
        found, known = encode(labels, classes)
        codes[where] = np.where(known, found, -1)
        wrong = np.zeros(len(column), bool)
        wrong[where] = ~known
        if family(labels) != family(classes) or (
            rows is not False and wrong[slice(None) if rows is None else rows].any()
        ):
            raise ValueError(
                f"Column {name!r} of y has labels that were not there in the first call: "
                f"{shown(np.unique(labels[~known]))}; it had {shown(classes)}. Let the first call "
                "of fit or partial_fit have rows of all labels."
            )
        return codes

    def check(self, y: Array, losses: Sequence[Loss]) -> None:
        """Let the losses refuse numbers that are out of their range.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_targets)
            Encoded targets of the rows in use.
        losses : list of Loss
            One a column.

        Raises
        ------
        ValueError
            If a loss refuses its column; the message names it.
        """
        for name, loss, column in zip(self.names, losses, y.T, strict=True):
            known = column[~np.isnan(column)]
            if name not in self.classes and len(known):
                try:
                    loss.check_target(known[:, None])
                except ValueError as error:
                    raise ValueError(f"Column {name!r} of y: {error}") from None

    def standardizes(self, losses: Sequence[Loss]) -> list[bool]:
        """Tell which columns may be standardized.

        Parameters
        ----------
        losses : list of Loss
            One a column.

        Returns
        -------
        standardizes : list of bool
            Those of numbers whose loss allows it.
        """
        pairs = zip(self.names, losses, strict=True)
        return [name not in self.classes and loss.takes_standardized for name, loss in pairs]

    @property
    def is_standardized(self) -> list[bool]:
        """Which columns are standardized, as a list of bools."""
        return [scale is not None for scale in self._scales]

    def learn_scales(
        self, y: Array, sample_weight: Array | None, chosen: Sequence[bool], dtype: DTypeLike
    ) -> None:
        """Learn the scales of the columns that are standardized.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_targets)
            Encoded targets of the training rows.
        sample_weight : ndarray of shape (n_samples,) or None
            Their weights.
        chosen : list of bool
            Which columns to standardize.
        dtype : dtype
            Element type of the network.
        """
        self._scales = [None] * len(self.names)
        for j in np.flatnonzero(chosen):
            known = np.flatnonzero(~np.isnan(y[:, j]))
            if not len(known):  # early stopping may hold out all that are known
                _refuse_empty(self.names[j])
            weight = None if sample_weight is None else sample_weight[known]
            self._scales[j] = TargetScale(y[known, j : j + 1], weight, dtype)

    @property
    def mean(self) -> Array:
        """Means by which columns are standardized; 0 where they are not."""
        return np.array([0.0 if s is None else s.mean[0] for s in self._scales])

    @property
    def deviation(self) -> Array:
        """Deviations by which columns are standardized; 1 where they are not."""
        return np.array([1.0 if s is None else s.deviation[0] for s in self._scales])

    def moments(self, y: Array) -> tuple[float, float]:
        """Return mean and deviation of the numbers that are the least usual for a network.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_targets)
            Scaled targets.

        Returns
        -------
        mean, deviation : float
            Of those that are not standardized; 0 and 1 if there are none.
        """
        columns = [
            y[~np.isnan(y[:, j]), j : j + 1]
            for j, name in enumerate(self.names)
            if name not in self.classes and self._scales[j] is None
        ]
        found = [moments(column) for column in columns if len(column)]
        return least_usual(*map(np.concatenate, zip(*found, strict=True))) if found else (0.0, 1.0)

    def scaled(self, y: Array, dtype: DTypeLike, name: str = "y") -> Array:
        """Return targets as the network learns them.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_targets)
            Encoded targets.
        dtype : dtype
            Element type of the network.
        name : str, default="y"
            Name of the argument, for errors.

        Returns
        -------
        y : ndarray of shape (n_samples, n_targets)
            A new array of that type.
        """
        scaled = (y - self.mean) / self.deviation
        with np.errstate(over="ignore"):
            scaled = scaled.astype(dtype)
        if np.isinf(scaled).any():
            column = self.names[int(np.argwhere(np.isinf(scaled))[0, 1])]
            raise ValueError(
                f"Column {column!r} of {name} overflows {np.dtype(dtype)} as the network learns "
                "it. Leave such rows out, or scale the column."
            )
        return scaled

    def probabilities(self, predictions: Sequence[Array]) -> dict[str, Array]:
        """Return the probabilities of the classes.

        Parameters
        ----------
        predictions : list of ndarray
            What the loss makes of raw predictions.

        Returns
        -------
        probabilities : dict of str to ndarray of shape (n_samples, n_classes)
            By the names of the columns that have classes.
        """
        pairs = zip(self.names, predictions, strict=True)
        return {name: found for name, found in pairs if name in self.classes}

    def decoded(self, predictions: Sequence[Array]) -> dict[str, Array]:
        """Return predictions in the unit of y, and labels.

        Parameters
        ----------
        predictions : list of ndarray
            What the loss makes of raw predictions; may be overwritten.

        Returns
        -------
        columns : dict of str to ndarray of shape (n_samples,)
            By the names of the columns.
        """
        columns = {}
        for name, found, scale in zip(self.names, predictions, self._scales, strict=True):
            if name in self.classes:
                columns[name] = self.classes[name][found.argmax(axis=1)]
            else:
                columns[name] = (found if scale is None else scale.restored(found))[:, 0]
        return columns

    def score(self, y: Array, predicted: Array, sample_weight: Array | None) -> float:
        """Return the mean over the columns of R^2, and of the accuracy for classes.

        Parameters
        ----------
        y, predicted : ndarray of shape (n_samples, n_targets)
            Encoded targets, and predictions encoded alike.
        sample_weight : ndarray of shape (n_samples,) or None
            Weights of the rows.

        Returns
        -------
        score : float
            At most 1. Missing targets do not count, nor columns that hold nothing else.
        """
        scores = []
        for j, name in enumerate(self.names):
            known = np.flatnonzero(~np.isnan(y[:, j]))
            weight = None if sample_weight is None else sample_weight[known]
            if not len(known) or (weight is not None and not weight.any()):
                continue
            true, found = y[known, j], predicted[known, j]
            if name in self.classes:
                scores.append(np.average(true == found, weights=weight))
            else:
                scores.append(regression_score(f"The score of {name!r}", true, found, weight))
        if not scores:
            raise ValueError("y has no values to compare with: all of its cells are missing.")
        return float(np.mean(scores))


def _known(column, rows):
    """Return the cells that are not missing, of the rows in use, and their positions."""
    cells = column.cells()
    used = range(len(cells)) if rows is None else rows
    where = [i for i in used if not is_hole(cells[i])]
    return [cells[i] for i in where], np.array(where, dtype=np.intp)


def _labels(name, cells):
    return as_labels(cells, f"Column {name!r} of y")


def _refuse_empty(name):
    raise ValueError(
        f"Column {name!r} of y has no values in the rows to train on. Leave out the column and "
        "its loss."
    )


def _classes(name, cells):
    if not cells:
        _refuse_empty(name)
    labels = _labels(name, cells)
    if labels.dtype.kind == "f" and (labels != np.floor(labels)).any():
        raise ValueError(
            f"Column {name!r} of y holds floats that are no integers, and its loss is for "
            "classes. Give it a loss for numbers, such as 'squared_error', or make it strings."
        )
    return np.unique(labels)


def _numbers(name, column):
    others = column.kinds - {"numbers", "booleans"}
    if others:
        raise ValueError(
            f"Column {name!r} of y holds {' and '.join(sorted(others))}, and its loss is for "
            "numbers. Give it a loss for classes, such as 'log_loss', or make it numbers."
        )
    numbers = column.numbers()
    if np.isinf(numbers).any():
        raise ValueError(f"Column {name!r} of y contains infinity. Leave such rows out.")
    return numbers
