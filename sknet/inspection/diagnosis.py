"""A doctor for networks that do not learn."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_consistent_length

from ..inputs import as_inputs
from ..typing import EstimatorLike
from .models import fitted_part
from .symptoms import (
    symptoms_of_data,
    symptoms_of_network,
    symptoms_of_predictions,
    symptoms_of_training,
)
from .symptoms.finding import Finding


class Diagnosis:
    """What is wrong with a fitted network, its data and its training.

    A text when printed, a table in notebooks.

    Parameters
    ----------
    findings : list of Finding
        What is wrong, each with cause, evidence and cure.

    See Also
    --------
    diagnose : Makes it.

    Examples
    --------
    >>> from sknet.inspection import Diagnosis
    >>> Diagnosis([])
    Nothing found.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = findings

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Return the findings by name.

        Returns
        -------
        findings : dict of str to list of dict
            For each name the findings of that kind, with cause, evidence, cure and value.
        """
        found = {}
        for finding in self.findings:
            details = finding._asdict()
            found.setdefault(details.pop("name"), []).append(details)
        return found

    def __repr__(self) -> str:
        if not self.findings:
            return "Nothing found."
        return "\n".join(
            f"{finding.cause}\n  found: {finding.evidence}\n  try:   {finding.cure}"
            for finding in self.findings
        )

    def _repr_html_(self):
        if not self.findings:
            return "<p>Nothing found.</p>"
        rows = "".join(
            "<tr>"
            + "".join(
                f"<td style='text-align:left'>{escape(text)}</td>"
                for text in (finding.cause, finding.evidence, finding.cure)
            )
            + "</tr>"
            for finding in self.findings
        )
        return (
            "<table><thead><tr><th>cause</th><th>evidence</th><th>what to try</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


def diagnose(
    estimator: EstimatorLike,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    X_val: ArrayLike | None = None,
    y_val: ArrayLike | None = None,
) -> Diagnosis:
    """Look for what keeps a fitted network from learning.

    In the data: features or a target that are not scaled, constant features, a feature that gives
    the target away, classes too rare to be held out, equal rows with different labels, sequences
    that are mostly padding. In the network: dead and saturated units, gradients that vanish or
    explode, batch normalization with tiny batches. In the training: a rate too high or too low,
    too few or too many epochs. In the predictions: outputs that do not vary, overfitting.

    Parameters
    ----------
    estimator : estimator or Pipeline
        A fitted `NeuralClassifier`, `NeuralRegressor` or `AutoencoderTransformer`, or a pipeline
        that ends with one: the data are looked at as the other steps leave them.
    X : array-like of shape (n_samples, ...)
        Training samples as `estimator` takes them.
    y : array-like of shape (n_samples,), default=None
        Their targets; None for autoencoders.
    X_val : array-like of shape (n_samples, ...), default=None
        Samples that were not trained on, to look for overfitting.
    y_val : array-like of shape (n_samples,), default=None
        Their targets.

    Returns
    -------
    diagnosis : Diagnosis
        What was found, with evidence and what to try.

    Raises
    ------
    TypeError
        If there is no fitted network.
    ValueError
        If `X_val` comes without `y_val`, or the other way round.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sknet import NeuralClassifier
    >>> from sknet.inspection import diagnose
    >>> X, y = load_wine(return_X_y=True)
    >>> model = NeuralClassifier(max_iter=20, tol=0, random_state=0).fit(X, y)
    >>> print(diagnose(model, X, y).findings[0].cure)
    Put a StandardScaler before the network in a Pipeline.
    """
    if (X_val is None) != (y_val is None):
        raise ValueError("diagnose expects X_val and y_val together, got one of them.")
    before, part = fitted_part(estimator, "network_", "diagnose")
    check_consistent_length(X, y)
    check_consistent_length(X_val, y_val)
    given = X if before is None else before.transform(X)
    network = part.network_
    x = as_inputs(given, network.input_shape, network.dtype, "diagnose")
    # Of several targets, or targets of steps and pixels, only the scores are looked at.
    targets = np.asarray(y) if y is not None and _is_plain(y) else None
    findings = [
        *symptoms_of_data(part, x, targets),
        *symptoms_of_network(part, x),
        *symptoms_of_training(part),
    ]
    if y is not None and hasattr(estimator, "predict"):
        findings += symptoms_of_predictions(estimator, X, y, X_val, y_val)
    return Diagnosis(findings)


def _is_plain(y):
    """Tell whether there is one target a sample."""
    if hasattr(y, "shape"):
        return len(y.shape) == 1
    return not any(np.ndim(target) for target in y)
