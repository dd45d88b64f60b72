"""What predictions tell: outputs that do not vary, and overfitting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .finding import Finding

#: Difference of the scores of training and validation rows that is too much.
_GAP = 0.15
#: Deviation of predictions as a share of the targets' below which they do not vary.
_FLAT = 0.02


def symptoms_of_predictions(
    model: Any, X: ArrayLike, y: ArrayLike, X_val: ArrayLike | None, y_val: ArrayLike | None
) -> Iterator[Any]:
    """Yield what is wrong with the predictions of a model.

    Parameters
    ----------
    model : estimator or Pipeline
        A fitted model.
    X : array-like of shape (n_samples, ...)
        Training samples.
    y : array-like of shape (n_samples,)
        Their targets.
    X_val : array-like of shape (n_samples, ...) or None
        Samples that the model has not seen.
    y_val : array-like of shape (n_samples,) or None
        Their targets.

    Yields
    ------
    finding : Finding
        One for each thing that is wrong.
    """
    if not any(np.ndim(target) for target in np.asarray(y, dtype=object)):
        yield from _flat(model.predict(X), np.asarray(y))
    if X_val is not None:
        train, val = model.score(X, y), model.score(X_val, y_val)
        if train - val > _GAP:
            yield Finding(
                "overfitting",
                "The model has learned its training rows by heart.",
                f"Its score is {train:.3f} for training rows and {val:.3f} for others.",
                "Set early_stopping=True, raise alpha or dropout, use fewer units, or more rows.",
                float(train - val),
            )


def _flat(predicted, y):
    predicted = np.asarray(predicted)
    if predicted.shape != y.shape:
        return
    if y.dtype.kind == "f" and predicted.dtype.kind == "f":
        share = predicted.std() / y.std() if y.std() else 1.0
        evidence = f"Predictions vary by {share:.1%} of what the targets do."
        is_flat = share < _FLAT
    else:
        n_found, n_true = len(np.unique(predicted)), len(np.unique(y))
        share = n_found / n_true
        evidence = f"{n_found} of {n_true} classes is ever predicted."
        is_flat = n_found == 1 < n_true
    if is_flat:
        yield Finding(
            "constant_outputs",
            "The predictions do not depend on the inputs.",
            evidence,
            "Scale features and target, lower learning_rate_init, or train for longer.",
            float(share),
        )
