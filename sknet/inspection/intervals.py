"""Predicted intervals beside the truth, and how often they hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm
from sklearn.utils import check_array, check_scalar

from ..base import brief
from ..typing import Array, EstimatorLike
from .display import Display, color
from .models import fitted_part


class IntervalDisplay(Display):
    """Predicted intervals, in the order of their middles, and the true targets.

    It is recommended to use :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,)
        True targets.
    intervals : ndarray of shape (n_samples, 2)
        Lower and upper ends.
    coverage : float, default=None
        Share of the targets that the intervals are to hold.

    Attributes
    ----------
    covered_ : float
        Share of the targets that the intervals hold.
    text_ : matplotlib Text
        The shares, as written in the last plot.
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from sknet.inspection import IntervalDisplay
    >>> intervals = [[0, 2], [1, 3], [2, 4], [3, 5]]
    >>> IntervalDisplay.from_predictions([1.5, 2, 4.5, 4], intervals, coverage=0.8).covered_
    0.75
    """

    def __init__(self, y_true: Array, intervals: Array, *, coverage: float | None = None) -> None:
        self.y_true = y_true
        self.intervals = intervals
        self.coverage = coverage

    @classmethod
    def from_estimator(
        cls,
        estimator: EstimatorLike,
        X: ArrayLike,
        y: ArrayLike,
        *,
        coverage: float = 0.9,
        n_samples: int = 200,
        ax: Any = None,
    ) -> IntervalDisplay:
        """Predict intervals and draw them.

        Parameters
        ----------
        estimator : estimator, Pipeline or search
            A fitted `TabularRegressor`; or a `NeuralRegressor` with ``loss="gaussian"``, or with
            a `Quantile` loss of several quantiles, of which the first and the last are the ends.
        X : array-like of shape (n_samples, ...)
            Samples as `estimator` takes them.
        y : array-like of shape (n_samples,)
            True targets.
        coverage : float, default=0.9
            Share of the targets that the intervals are to hold, in (0, 1); that of quantiles is
            given by them.
        n_samples : int, default=200
            Number of samples to draw at most, evenly spaced in the order of the middles.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : IntervalDisplay
            The display, drawn.
        """
        intervals, coverage = _predicted(estimator, X, coverage, cls.__name__)
        return cls.from_predictions(y, intervals, coverage=coverage, n_samples=n_samples, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        intervals: ArrayLike,
        *,
        coverage: float | None = None,
        n_samples: int = 200,
        ax: Any = None,
    ) -> IntervalDisplay:
        """Draw intervals that have been predicted.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True targets.
        intervals : array-like of shape (n_samples, 2)
            Lower and upper ends.
        coverage : float, default=None
            Share of the targets that the intervals are to hold.
        n_samples : int, default=200
            Number of samples to draw at most, evenly spaced in the order of the middles.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : IntervalDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the shapes do not fit.
        """
        y_true, intervals = _checked(y_true, intervals, cls.__name__)
        return cls(y_true, intervals, coverage=coverage).plot(ax, n_samples=n_samples)

    def plot(self, ax: Any = None, *, n_samples: int = 200) -> IntervalDisplay:
        """Draw the intervals.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        n_samples : int, default=200
            Number of samples to draw at most, evenly spaced in the order of the middles.

        Returns
        -------
        display : IntervalDisplay
            The display itself.
        """
        is_inside = _holds(self.y_true, self.intervals)
        self.covered_: float = float(is_inside.mean())
        order = np.argsort(self.intervals.mean(axis=1), kind="stable")
        if len(order) > n_samples:
            order = order[np.linspace(0, len(order) - 1, n_samples).round().astype(int)]
        ax, place = self._axes(ax), np.arange(len(order))
        low, high = self.intervals[order].T
        ax.vlines(place, low, high, color="#56B4E9", lw=max(0.8, 200 / len(order)), alpha=0.6)
        for inside, hue, label in ((True, color(0), "inside"), (False, color(1), "outside")):
            some = is_inside[order] == inside
            ax.scatter(
                place[some], self.y_true[order][some], s=9, color=hue, label=label, zorder=3
            )
        ax.set(xlabel="samples, in the order of the predictions", ylabel="target")
        goal = "" if self.coverage is None else f", {self.coverage:.0%} intended"
        self.text_: Any = ax.set_title(f"{self.covered_:.1%} inside{goal}", fontsize=10)
        ax.legend()
        return self


class CoverageDisplay(Display):
    """Share of the targets inside of predicted intervals, against the share intended.

    It is recommended to use :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    coverages : ndarray of shape (n_coverages,)
        Shares that were intended.
    covered : ndarray of shape (n_coverages,)
        Shares that were found.
    n_samples : int
        Number of samples of which they were found.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from sknet.inspection import CoverageDisplay
    >>> narrow, wide = [[1, 2], [3, 4]], [[0, 3], [2, 5]]
    >>> CoverageDisplay.from_predictions([1.5, 4.5], {0.5: narrow, 0.9: wide}).covered
    array([0.5, 1. ])
    """

    def __init__(self, coverages: Array, covered: Array, *, n_samples: int) -> None:
        self.coverages = coverages
        self.covered = covered
        self.n_samples = n_samples

    @classmethod
    def from_estimator(
        cls,
        estimator: EstimatorLike,
        X: ArrayLike,
        y: ArrayLike,
        *,
        coverages: Sequence[float] = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95),
        ax: Any = None,
    ) -> CoverageDisplay:
        """Predict intervals of several coverages and draw how often they hold.

        Parameters
        ----------
        estimator : estimator, Pipeline or search
            A fitted `TabularRegressor`, or a `NeuralRegressor` with ``loss="gaussian"``.
        X : array-like of shape (n_samples, ...)
            Samples as `estimator` takes them.
        y : array-like of shape (n_samples,)
            True targets.
        coverages : sequence of float, default=(0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
            Shares of the targets that intervals are to hold, in (0, 1).
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : CoverageDisplay
            The display, drawn.
        """
        intervals = {}
        for coverage in coverages:
            ends, coverage = _predicted(estimator, X, coverage, cls.__name__)
            intervals[coverage] = ends
        return cls.from_predictions(y, intervals, ax=ax)

    @classmethod
    def from_predictions(
        cls, y_true: ArrayLike, intervals: Mapping[float, ArrayLike], *, ax: Any = None
    ) -> CoverageDisplay:
        """Draw how often intervals that have been predicted hold.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True targets.
        intervals : dict of float to array-like of shape (n_samples, 2)
            By the coverage that is intended, the lower and upper ends.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : CoverageDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the shapes do not fit.
        """
        if not isinstance(intervals, dict) or not intervals:
            raise ValueError(
                f"{cls.__name__} expects the intervals of one coverage or more, got "
                f"{brief(intervals)}."
            )
        covered = []
        for coverage in sorted(intervals):
            y, ends = _checked(y_true, intervals[coverage], cls.__name__)
            covered.append(_holds(y, ends).mean())
        return cls(np.sort(list(intervals)), np.array(covered), n_samples=len(y)).plot(ax)

    def plot(self, ax: Any = None) -> CoverageDisplay:
        """Draw the shares; the band holds 95 % of what chance does to the right ones.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : CoverageDisplay
            The display itself.
        """
        ax = self._axes(ax)
        right = np.linspace(0, 1, 101)
        spread = 1.96 * np.sqrt(right * (1 - right) / self.n_samples)
        ax.fill_between(right, right - spread, right + spread, color="0.88", label="chance")
        ax.plot(right, right, "k:", lw=1, label="as intended")
        ax.plot(self.coverages, self.covered, "o-", color=color(0), label="found")
        low = max(0.0, min(*self.coverages, *self.covered) - 0.1)
        ax.set(xlabel="coverage intended", ylabel="share of targets inside")
        ax.set(xlim=(low, 1), ylim=(low, 1), aspect="equal")
        ax.grid(alpha=0.3)
        ax.legend(loc="upper left")
        return self


def _holds(y, ends):
    return (ends[:, 0] <= y) & (y <= ends[:, 1])


def _checked(y_true, intervals, owner):
    y_true = check_array(y_true, ensure_2d=False, dtype=np.float64, input_name="y_true")
    intervals = np.asarray(intervals, dtype=float)  # whose ends may be infinite
    if np.isnan(intervals).any():
        raise ValueError(f"{owner} expects intervals without NaN.")
    if y_true.ndim != 1 or intervals.shape != (len(y_true), 2):
        raise ValueError(
            f"{owner} expects one target and two ends of an interval a sample, got targets of "
            f"shape {y_true.shape} and intervals of shape {intervals.shape}."
        )
    return y_true, intervals


def _predicted(model, X, coverage, owner):
    """Return the intervals that a model predicts, and the coverage that they intend."""
    check_scalar(coverage, "coverage", Real, min_val=0, max_val=1, include_boundaries="neither")
    before, estimator = fitted_part(model, "predict", owner)
    X = X if before is None else before.transform(X)
    if hasattr(estimator, "predict_interval"):
        return estimator.predict_interval(X, coverage=coverage), coverage
    loss = getattr(estimator, "_loss", None)
    quantiles = np.atleast_1d(getattr(loss, "quantiles", []))
    if len(quantiles) > 1:
        predicted = estimator.predict(X)
        ends = [int(np.argmin(quantiles)), int(np.argmax(quantiles))]
        return predicted[:, ends], float(np.ptp(quantiles))
    if getattr(loss, "link", None) is not None and type(loss).__name__ == "Gaussian":
        mean, std = estimator.predict(X, return_std=True)
        reach = norm.ppf((1 + coverage) / 2) * std
        return np.column_stack([mean - reach, mean + reach]), coverage
    raise TypeError(
        f"{owner} expects a TabularRegressor, or a NeuralRegressor with loss='gaussian' or "
        f"several quantiles, got {estimator!r}. Pass intervals of its own to from_predictions."
    )
