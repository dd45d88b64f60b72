"""What a classifier makes of y: its classes, and their codes."""

from __future__ import annotations

import numpy as np
from sklearn.utils import column_or_1d

from ..base import brief
from .classes import as_classes, encode, learn_classes, same_classes
from .labels import as_labels, shown


class ClassTargets:
    """Mixin of an estimator that learns the classes of y, of each output if there are several."""

    def _told_classes(self, classes, train, *args):
        """Train an estimator that is told its classes unless it is fitted."""
        if classes is not None and hasattr(self, "network_"):
            self._check_same_classes(classes)
        self._expected_classes = classes
        try:
            return train(*args)
        finally:
            self.__dict__.pop("_expected_classes", None)

    def _readable_y(self, y):
        return None if y is None else as_labels(y)

    def _encode_target(self, data, reset):
        y = column_or_1d(data.y, warn=True) if data.y.shape[1:] == (1,) else data.y
        if reset:
            used = y if data.rows is None else y[data.rows]
            survey = getattr(self, "_surveyed", None)
            if survey is not None and survey.y is not None and self._grid is None:
                used = survey.used_y
            expected = getattr(self, "_expected_classes", None)
            self.classes_, self._target = learn_classes(used, expected)
        self._check_width(y)
        kind = self._target.kind
        if kind == "multioutput":
            columns = zip(y.T, self.classes_, strict=True)
            data.y = np.column_stack([self._encode(*one, data.rows) for one in columns])
        else:
            data.y = self._encode(y, self._classes_of_outputs()[0], data.rows)
        if kind in ("binary", "multilabel"):  # the loss would turn codes into floats at every step
            data.y = data.y.astype(data.X.dtype)

    def _classes_of_outputs(self):
        """Return the classes of each column of codes."""
        kind = self._target.kind
        if kind == "multilabel":
            return [np.array([0, 1])] * self._target.n_outputs
        return self.classes_ if kind == "multioutput" else [self.classes_]

    def _check_width(self, y):
        several = self._target.kind in ("multilabel", "multioutput")
        if y.shape[1:] != ((self._target.n_outputs,) if several else ()):
            fitted = f"{self._target.n_outputs} outputs" if several else "one label a row"
            raise ValueError(
                f"{type(self).__name__} was fitted to {fitted}, got y of shape {y.shape}."
            )

    def _check_same_classes(self, classes):
        """Refuse to resume training with other `classes` than it began with."""
        if not same_classes(as_classes(classes, self._target.n_outputs), self.classes_):
            raise ValueError(
                f"{type(self).__name__} got classes={brief(classes)}, but has been fitted to "
                f"{brief(self.classes_)}; leave out classes, or start anew with clone."
            )

    def _encode(self, y, classes, rows):
        """Return the positions of labels in `classes`; rows that are not in use may be unknown."""
        codes, known = encode(y, classes)
        unknown = ~known if rows is None else ~known[rows]
        if unknown.any():
            self._refuse_labels((y if rows is None else y[rows])[unknown], classes)
        return codes

    def _refuse_labels(self, labels, classes):
        advice = "The first partial_fit can be told all of them by classes=."
        if self._target.kind == "multilabel":
            advice = (
                "Several columns of 0 and 1 are labels that occur or do not (multilabel); for "
                "other values, fit anew, or give the first partial_fit classes=, a list of one "
                "array an output."
            )
        raise ValueError(
            f"y has labels that {type(self).__name__} does not know: {shown(np.unique(labels))}; "
            f"it knows {shown(classes)}. {advice}"
        )

    def _strata(self, y):
        kind = self._target.kind
        names = None if kind in ("multilabel", "multioutput") else self.classes_
        return y.astype(np.intp), names
