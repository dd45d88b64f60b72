"""Finding the network in a pipeline or a search, and what it is given."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, check_scalar
from sklearn.utils.validation import _num_samples, check_is_fitted

from ..network import Network
from ..typing import EstimatorLike

_OF_MEMBERS = (
    " Pass one of its members_; where X is asked for, pass encoder_.transform(X), which is what "
    "the networks see."
)


def fitted_part(model: Any, attribute: str, owner: str) -> tuple[Any, Any]:
    """Return the estimator of a model that has a fitted attribute, and the steps before it.

    Parameters
    ----------
    model : estimator, Pipeline or search
        A fitted estimator, a pipeline that ends with one, or a search with a best one.
    attribute : str
        What the estimator must have.
    owner : str
        Who asks, for errors.

    Returns
    -------
    before : Pipeline or None
        Steps before the estimator.
    estimator : estimator
        The estimator itself.

    Raises
    ------
    TypeError
        If there is no such estimator.
    NotFittedError
        If it is not fitted.
    """
    model = getattr(model, "best_estimator_", model)
    before, estimator = None, model
    if isinstance(model, Pipeline):
        before, estimator = model[:-1], model[-1]
        before = before if len(before) else None
    if not hasattr(estimator, "fit") or isinstance(estimator, type):
        raise TypeError(
            f"{owner} expects a fitted estimator, or a pipeline or search of one, got {model!r}."
        )
    check_is_fitted(estimator)
    if not hasattr(estimator, attribute):
        raise TypeError(
            f"{owner} expects an estimator with {attribute}, got a {type(estimator).__name__}."
            + (_OF_MEMBERS if attribute == "network_" and hasattr(estimator, "members_") else "")
        )
    return before, estimator


def network_and_inputs(
    model: Any, X: ArrayLike | None, owner: str
) -> tuple[Network, ArrayLike | None]:
    """Return the network of a model, and X as the steps before it leave it.

    Parameters
    ----------
    model : estimator, Pipeline or search
        A fitted one.
    X : array-like of shape (n_samples, ...) or None
        Samples as the model takes them.
    owner : str
        Who asks, for errors.

    Returns
    -------
    network : sknet.network.Network
        The network.
    X : array-like of shape (n_samples, ...) or None
        What the network takes.
    """
    before, estimator = fitted_part(model, "network_", owner)
    if X is not None and before is not None:
        X = before.transform(X)
    return estimator.network_, X


def refuse_places(estimator: EstimatorLike, owner: str) -> None:
    """Refuse an estimator that predicts at each step or pixel.

    Parameters
    ----------
    estimator : estimator
        A fitted one.
    owner : str
        Who asks, for errors.

    Raises
    ------
    TypeError
        If the network ends with more than one vector a sample.
    """
    network = getattr(estimator, "network_", None)
    if network is not None and len(network.output_shape) > 1:
        raise TypeError(
            f"{owner} expects one prediction a sample, got a {type(estimator).__name__} that "
            "predicts at each step or pixel."
        )


def one_sample(X: ArrayLike, sample: int) -> ArrayLike:
    """Return one of some samples.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        Samples.
    sample : int
        Position of the sample.

    Returns
    -------
    X : array-like of shape (1, ...)
        The sample alone.

    Raises
    ------
    TypeError
        If the position is not an int.
    ValueError
        If there is no such sample.
    """
    n = _num_samples(X)
    check_scalar(sample, "sample", Integral, min_val=-n, max_val=n - 1)
    return _safe_indexing(X, [sample])
