"""What holds an estimator of sknet: pipelines, searches, estimators that are frozen."""

from __future__ import annotations

from typing import Any

from sklearn.frozen import FrozenEstimator


def held(estimator: Any) -> Any:
    """Return the estimator inside one that holds it.

    Parameters
    ----------
    estimator : object
        Anything.

    Returns
    -------
    estimator : object
        What is frozen, the last step of a pipeline, or the best estimator of a fitted search;
        None of anything else.
    """
    if isinstance(estimator, FrozenEstimator):
        return estimator.estimator
    steps = getattr(estimator, "steps", None)
    if isinstance(steps, list) and steps:
        return steps[-1][1]
    return getattr(estimator, "best_estimator_", None)


def innermost(estimator: Any) -> Any:
    """Return the estimator inside all that hold it.

    Parameters
    ----------
    estimator : object
        Anything.

    Returns
    -------
    estimator : object
        `estimator` itself if it holds none.
    """
    while (inner := held(estimator)) is not None:
        estimator = inner
    return estimator
