"""Losses of classes that want a margin between scores, and know no probabilities."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from ..typing import Array
from .classification import ClassificationLoss


class _MarginLoss(ClassificationLoss):
    """Shared arithmetic of losses of the margin by which the true class has the highest score."""

    link = "identity"
    gives_probabilities = False
    _class_losses = None

    @abstractmethod
    def _of_violations(self, violations, slopes):
        """Turn violations max(0, 1 - margin) into losses, in place; write the derivatives."""

    def _label_losses(self, raw, y, losses, slopes):
        signs = np.multiply(y, 2.0, out=self._work("signs", raw.shape), dtype=raw.dtype)
        signs -= 1.0
        np.multiply(signs, raw, out=losses)
        np.subtract(1.0, losses, out=losses)
        np.maximum(losses, 0.0, out=losses)
        self._of_violations(losses, slopes)
        slopes *= signs
        np.negative(slopes, out=slopes)

    def _value_of_labels(self, raw, y, sample_weight, out):
        return self.average(self._losses(raw, y, out), out, sample_weight)

    def _softmax_value(self, raw, codes, shares, out):
        n = len(raw)
        rows = np.arange(n)
        true = raw[rows, codes]
        np.copyto(out, raw)
        out[rows, codes] = -np.inf
        others = out.argmax(axis=1)
        violations = np.maximum(1.0 + out[rows, others] - true, 0.0)
        if raw.shape[1] == 1:
            violations[:] = 0.0
        slopes = np.empty_like(violations)
        self._of_violations(violations, slopes)
        slopes *= 1 / n if shares is None else shares
        out[...] = 0.0
        out[rows, others] = slopes
        out[rows, codes] -= slopes
        return float(violations.sum() / n if shares is None else shares @ violations)

    def inverse_link(self, raw: Array) -> Array | Any:
        """Turn raw predictions into votes: 1 for the class that is predicted, 0 for others.

        Parameters
        ----------
        raw : ndarray of shape (N, n_raw)
            Raw predictions; never written.

        Returns
        -------
        votes : ndarray or list of ndarray
            In the form of the probabilities of other losses.
        """
        return self._by_kind(raw, _votes_of_labels, _votes)

    @property
    def log_inverse_link(self) -> None:
        """There are no probabilities."""
        raise AttributeError(f"{type(self).__name__} has no probabilities.")

    def _best_constant(self, y, weights):
        return np.zeros(self._count_raw(self._target))


def _votes_of_labels(raw):
    return (raw > 0).astype(raw.dtype)


def _votes(raw):
    votes = np.zeros_like(raw)
    votes[np.arange(len(raw)), raw.argmax(axis=1)] = 1.0
    return votes


class Hinge(_MarginLoss):
    """Hinge loss, that of support vector machines: ``max(0, 1 - margin)``.

    Binary and multilabel: the margin is z for class 1 and -z for class 0. Multiclass: the score
    of the true class less the highest of the others (Crammer and Singer); multioutput: the sum
    over the outputs. Raw predictions of shape (N, n_raw) give one loss a row. Scores are no
    log-odds: a classifier has `decision_function` and no `predict_proba`.

    See Also
    --------
    SquaredHinge : The same with squares.

    References
    ----------
    .. [1] K. Crammer and Y. Singer, "On the Algorithmic Implementation of Multiclass Kernel-based
       Vector Machines", JMLR 2, 2001.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import Hinge, Target
    >>> loss = Hinge()
    >>> loss.build(Target("binary", n_outputs=1, n_classes=(2,)))
    1
    >>> loss.allocate(n_rows=2, dtype=np.float64)
    >>> loss.value_and_gradient(np.array([[0.5], [3.0]]), np.array([1, 1]))[0]
    0.25
    """

    def _of_violations(self, violations, slopes):
        np.greater(violations, 0.0, out=slopes, casting="unsafe")


class SquaredHinge(_MarginLoss):
    """Squared hinge loss: ``max(0, 1 - margin) ** 2``, with the margins of `Hinge`.

    Raw predictions of shape (N, n_raw) give one loss a row.

    See Also
    --------
    Hinge : The same without squares.

    References
    ----------
    .. [1] K. Crammer and Y. Singer, "On the Algorithmic Implementation of Multiclass Kernel-based
       Vector Machines", JMLR 2, 2001.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import SquaredHinge, Target
    >>> loss = SquaredHinge()
    >>> loss.build(Target("binary", n_outputs=1, n_classes=(2,)))
    1
    >>> loss.allocate(n_rows=2, dtype=np.float64)
    >>> loss.value_and_gradient(np.array([[0.5], [3.0]]), np.array([1, 1]))[0]
    0.125
    """

    def _of_violations(self, violations, slopes):
        np.multiply(violations, 2.0, out=slopes)
        np.multiply(violations, violations, out=violations)
