"""Whether a classifier has probabilities."""

from __future__ import annotations

from typing import Any

from ..losses import CLASSIFICATION_LOSSES


def gives_probabilities(classifier: Any) -> bool:
    """Tell `available_if` whether there are probabilities: losses of margins have none.

    Parameters
    ----------
    classifier : NeuralClassifier
        The classifier.

    Returns
    -------
    available : bool
        True.

    Raises
    ------
    AttributeError
        If the loss knows no probabilities.
    """
    loss = classifier.loss  # which may be anything
    named = CLASSIFICATION_LOSSES.get(loss) if isinstance(loss, str) else loss
    if not getattr(named, "gives_probabilities", True):
        raise AttributeError(
            f"loss={loss!r} knows scores and no probabilities. Use decision_function, or put the "
            "estimator into sklearn.calibration.CalibratedClassifierCV."
        )
    return True
