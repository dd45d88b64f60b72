"""Importances of features as bars."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_scalar

from ..typing import Array, EstimatorLike
from .display import Display, color
from .models import fitted_part


class ImportancesDisplay(Display):
    """The most important features, as bars.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    importances : ndarray of shape (n_features,)
        Importance of each feature.
    feature_names : sequence of str, default=None
        Names of the features; None numbers them.

    Attributes
    ----------
    bars_ : matplotlib BarContainer
        Bars of the last plot, the least important first.
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from sknet.inspection import ImportancesDisplay
    >>> display = ImportancesDisplay([0.2, 0.7, 0.1], feature_names=["a", "b", "c"]).plot()
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['c', 'a', 'b']
    """

    def __init__(self, importances: Array, *, feature_names: Sequence[str] | None = None) -> None:
        self.importances = importances
        self.feature_names = feature_names

    @classmethod
    def from_estimator(
        cls, estimator: EstimatorLike, *, n_features: int = 15, ax: Any = None
    ) -> ImportancesDisplay:
        """Draw the importances of a fitted estimator.

        Parameters
        ----------
        estimator : estimator, Pipeline or search
            A fitted estimator with `feature_importances_`, as `TabularClassifier` and
            `TabularRegressor` have, or a pipeline or search of one.
        n_features : int, default=15
            Number of features to draw at most.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ImportancesDisplay
            The display, drawn.
        """
        _, estimator = fitted_part(estimator, "feature_importances_", cls.__name__)
        names = getattr(estimator, "feature_names_in_", None)
        display = cls(estimator.feature_importances_, feature_names=names)
        return display.plot(ax, n_features=n_features)

    def plot(self, ax: Any = None, *, n_features: int = 15) -> ImportancesDisplay:
        """Draw the bars, the most important one at the top.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        n_features : int, default=15
            Number of features to draw at most.

        Returns
        -------
        display : ImportancesDisplay
            The display itself.
        """
        importances = np.asarray(self.importances, dtype=float)
        check_scalar(n_features, "n_features", Integral, min_val=1)
        order = np.argsort(importances, kind="stable")[-n_features:]
        names = range(len(importances)) if self.feature_names is None else self.feature_names
        ax = self._axes(ax, figsize=(6.4, 0.28 * len(order) + 1))
        self.bars_: Any = ax.barh(np.arange(len(order)), importances[order], color=color(0))
        ax.set_yticks(np.arange(len(order)), [str(names[i]) for i in order])
        ax.set(xlabel="importance", ylim=(-0.6, len(order) - 0.4))
        ax.grid(alpha=0.3, axis="x")
        return self
