"""The mistakes that a model was most confident of."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from math import ceil
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_classifier
from sklearn.utils import _safe_indexing, check_scalar
from sklearn.utils.validation import check_consistent_length

from ..typing import Array, EstimatorLike, Shape
from .display import Display, as_images, mosaic, show_images
from .models import fitted_part, refuse_places


class ErrorsDisplay(Display):
    """The worst mistakes: images, texts or rows, with the truth and the prediction.

    Mistakes of classifiers are ordered by the probability of the predicted class, those of
    regressors by the absolute error.

    It is recommended to use :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    samples : sequence of length n_errors
        Samples that were mistaken, the worst first.
    y_true : ndarray of shape (n_errors,)
        Their true targets.
    y_pred : ndarray of shape (n_errors,)
        What was predicted.
    confidence : ndarray of shape (n_errors,), default=None
        Probability of the predicted class.
    n_errors : int, default=None
        Number of mistakes, those included that are not drawn.
    n_samples : int, default=None
        Number of samples that were predicted.
    image_shape : tuple of int, default=None
        Shape of one image, (height, width) or (height, width, channels); None writes samples.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from sknet.inspection import ErrorsDisplay
    >>> X, y = ["a fine film", "dull", "not bad at all"], ["good", "bad", "good"]
    >>> probabilities = [[0.1, 0.9], [0.7, 0.3], [0.8, 0.2]]
    >>> display = ErrorsDisplay.from_predictions(y, probabilities, X, classes=["bad", "good"])
    >>> display.samples
    ['not bad at all']
    """

    def __init__(
        self,
        samples: Sequence[Any],
        y_true: Array,
        y_pred: Array,
        *,
        confidence: Array | None = None,
        n_errors: int | None = None,
        n_samples: int | None = None,
        image_shape: Shape | None = None,
    ) -> None:
        self.samples = samples
        self.y_true = y_true
        self.y_pred = y_pred
        self.confidence = confidence
        self.n_errors = n_errors
        self.n_samples = n_samples
        self.image_shape = image_shape

    @classmethod
    def from_estimator(
        cls,
        estimator: EstimatorLike,
        X: ArrayLike,
        y: ArrayLike,
        *,
        shown: Sequence[Any] | None = None,
        n_shown: int = 16,
        image_shape: Shape | None = None,
        ax: Any = None,
    ) -> ErrorsDisplay:
        """Predict some samples and draw the worst mistakes.

        Parameters
        ----------
        estimator : estimator, Pipeline or search
            A fitted classifier or regressor of one target, or a pipeline or search of one.
        X : array-like of shape (n_samples, ...)
            Samples as `estimator` takes them.
        y : array-like of shape (n_samples,)
            True targets.
        shown : sequence of length n_samples, default=None
            What to draw of each sample, such as its text or picture; None draws X.
        n_shown : int, default=16
            Number of mistakes to draw at most.
        image_shape : tuple of int, default=None
            Shape of one image, (height, width) or (height, width, channels); None draws arrays
            of three or four axes as images, and writes other samples.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ErrorsDisplay
            The display, drawn.
        """
        _, last = fitted_part(estimator, "predict", cls.__name__)
        refuse_places(last, cls.__name__)
        options = {"n_shown": n_shown, "image_shape": image_shape, "ax": ax}
        shown = X if shown is None else shown
        if is_classifier(last) and hasattr(last, "predict_proba"):
            predicted = estimator.predict_proba(X)
            return cls.from_predictions(y, predicted, shown, classes=last.classes_, **options)
        return cls.from_predictions(y, estimator.predict(X), shown, **options)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        shown: Sequence[Any],
        *,
        classes: ArrayLike | None = None,
        n_shown: int = 16,
        image_shape: Shape | None = None,
        ax: Any = None,
    ) -> ErrorsDisplay:
        """Draw the worst mistakes of predictions.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True targets.
        y_pred : array-like of shape (n_samples,) or (n_samples, n_classes)
            Predicted numbers, or probabilities of the classes.
        shown : sequence of length n_samples
            Samples, texts or pictures.
        classes : array-like of shape (n_classes,), default=None
            The classes that the probabilities are of.
        n_shown : int, default=16
            Number of mistakes to draw at most.
        image_shape : tuple of int, default=None
            Shape of one image, (height, width) or (height, width, channels); None draws arrays
            of three or four axes as images, and writes other samples.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ErrorsDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the lengths differ, or probabilities come without classes.
        """
        check_scalar(n_shown, "n_shown", Integral, min_val=1)
        y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
        if y_true.ndim != 1:
            raise ValueError(
                f"{cls.__name__} expects one target a sample, got targets of shape "
                f"{y_true.shape}. Pass one column."
            )
        check_consistent_length(y_true, y_pred, shown)
        confidence = None
        if y_pred.ndim == 2:
            if classes is None or len(classes) != y_pred.shape[1]:
                raise ValueError(
                    f"{cls.__name__} expects the classes of {y_pred.shape[1]} columns of "
                    f"probabilities, got classes={classes!r}."
                )
            confidence = y_pred.max(axis=1)
            y_pred = np.asarray(classes)[y_pred.argmax(axis=1)]
            wrong = np.flatnonzero(y_pred != y_true)
            badness = confidence[wrong]
        elif not {y_true.dtype.kind, y_pred.dtype.kind} <= set("iufb"):
            raise ValueError(
                f"{cls.__name__} orders mistakes of labels by their probabilities; pass these in "
                "y_pred, and classes."
            )
        else:
            badness = np.abs(np.subtract(y_pred, y_true, dtype=float))
            wrong = np.flatnonzero(badness > 0)
            badness = badness[wrong]
        order = wrong[np.argsort(-badness, kind="stable")][:n_shown]
        if image_shape is None and np.ndim(shown) in (3, 4):
            image_shape = np.shape(shown)[1:]
        display = cls(
            _safe_indexing(shown, order),
            y_true[order],
            y_pred[order],
            confidence=None if confidence is None else confidence[order],
            n_errors=len(wrong),
            n_samples=len(y_true),
            image_shape=image_shape,
        )
        return display.plot(ax)

    def plot(self, ax: Any = None) -> ErrorsDisplay:
        """Draw the mistakes.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ErrorsDisplay
            The display itself.
        """
        n, titles = len(self.y_true), self._titles()
        if self.image_shape is None:
            ax = self._axes(ax, figsize=(9, 0.42 * n + 0.6))
            for i, (title, sample) in enumerate(zip(titles, self._written(), strict=True)):
                ax.text(0, -i, title, va="center", fontsize=9, color="#D55E00")
                ax.text(1, -i, sample, va="center", fontsize=9)
            ax.set(xlim=(0, 4), ylim=(-n + 0.4, 0.6))
            ax.axis("off")
        else:
            self._plot_images(ax, titles)
        if self.n_errors is not None and self.confidence is not None:
            self.ax_.set_title(
                f"{self.n_errors:,} of {self.n_samples:,} mistaken, the most confident first",
                fontsize=10,
            )
        return self

    def _plot_images(self, ax, titles):
        images = as_images(np.asarray(self.samples), self.image_shape, type(self).__name__)
        n, (height, width) = len(images), images.shape[1:3]
        n_columns = max(1, min(n, ceil((2 * n) ** 0.5)))
        gap = max(2, height // 3)  # room for the titles
        n_rows = ceil(n / n_columns)
        ax = self._axes(ax, figsize=(10, 10 * n_rows * (height + gap) / n_columns / (width + gap)))
        if not n:
            ax.axis("off")
            return
        picture = mosaic(images, n_columns, gap)
        show_images(ax, picture)
        ax.set_ylim(len(picture) - 0.5, -0.5 - gap)
        for i, title in enumerate(titles):
            row, column = divmod(i, n_columns)
            x, y = column * (width + gap) + width / 2 - 0.5, row * (height + gap) - 0.6
            ax.text(x, y, title, ha="center", va="bottom", fontsize=8)

    def _titles(self):
        """Return for each mistake the truth, what was predicted, and how sure."""
        titles = []
        for i, (truth, predicted) in enumerate(zip(self.y_true, self.y_pred, strict=True)):
            if self.confidence is None:
                titles.append(f"{truth:.4g}, not {predicted:.4g}")
            else:
                titles.append(f"{truth}, not {predicted} ({self.confidence[i]:.0%})")
        return titles

    def _written(self):
        """Return the samples as short texts."""
        if hasattr(self.samples, "columns"):
            names = [str(name) for name in self.samples.columns]
            rows = np.asarray(self.samples, dtype=object)
            texts = [
                ", ".join(f"{k}={_cell(v)}" for k, v in zip(names, row, strict=True))
                for row in rows
            ]
        else:
            texts = [
                sample if isinstance(sample, str) else ", ".join(map(_cell, np.ravel(sample)))
                for sample in self.samples
            ]
        return [textwrap.shorten(text, 84, placeholder=" ...") for text in texts]


def _cell(value):
    return f"{value:.4g}" if isinstance(value, float | np.floating) else f"{value}"
