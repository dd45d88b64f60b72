"""Scores of predictions at places, by the metrics of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from functools import wraps
from typing import Any, Self

import sklearn
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import get_tags

from ..typing import Function


class PlacewiseScorer:
    """Let a scorer of scikit-learn judge predictions at places: at steps of sequences, at pixels.

    The metrics of scikit-learn take one label or one number a sample. This scorer lays the places
    of all samples one after another first; those that are padding do not count.

    Parameters
    ----------
    scoring : str or callable
        Name of a scorer, such as "f1_macro", or a scorer ``scoring(estimator, X, y)``, which sees
        the places as samples.

    See Also
    --------
    sklearn.metrics.make_scorer : Make a scorer of a metric.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from sknet import NeuralClassifier, PlacewiseScorer
    >>> from sknet.layers import Dense
    >>> X = np.random.default_rng(0).normal(size=(40, 6, 2))
    >>> y = X[:, :, 0] > 0
    >>> model = NeuralClassifier(layers=[Dense(8, "relu")], solver="lbfgs", random_state=0)
    >>> scores = cross_val_score(model, X, y, scoring=PlacewiseScorer("f1_macro"), cv=3)
    >>> print(f"{scores.min():.1f}")
    1.0
    """

    def __init__(self, scoring: str | Function) -> None:
        self.scoring = scoring

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.scoring!r})"

    def __call__(
        self,
        estimator: Any,
        X: ArrayLike | Sequence[ArrayLike],
        y: ArrayLike | Sequence[ArrayLike],
        sample_weight: ArrayLike | None = None,
    ) -> Any:
        """Return the score.

        Parameters
        ----------
        estimator : NeuralClassifier, NeuralRegressor or Pipeline that ends with one
            A fitted estimator that predicts at places.
        X : array-like or list of array-like
            Samples.
        y : array-like of shape (n_samples, *places) or list of array-like
            True targets.
        sample_weight : array-like, default=None
            Weights of the samples, or of their places in the form of y.

        Returns
        -------
        score : float
            What the scorer makes of the places.
        """
        while isinstance(estimator, sklearn.pipeline.Pipeline):
            X, estimator = estimator[:-1].transform(X) if len(estimator) > 1 else X, estimator[-1]
        rows, y, weight = estimator._as_rows_of_places(X, y, sample_weight)
        view = _PlacesAsSamples(estimator, rows)
        scorer = sklearn.metrics.check_scoring(view, scoring=self.scoring)
        weight = {} if weight is None else {"sample_weight": weight}
        return scorer(view, X, y, **weight)


class _PlacesAsSamples(BaseEstimator):
    """A fitted estimator whose samples are the places of another's."""

    def __init__(self, estimator: Any, rows: Any) -> None:
        self.estimator, self.rows = estimator, rows

    def fit(self, X: Any, y: Any) -> Self:
        """Do nothing: the estimator is fitted."""
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("estimator", "rows"):
            raise AttributeError(name)
        found = getattr(self.estimator, name)
        if name not in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
            return found
        return wraps(found)(lambda X: self.rows(found(X)))

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.estimator)

    def __sklearn_is_fitted__(self) -> bool:
        return True
