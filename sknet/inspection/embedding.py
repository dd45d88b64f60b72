"""The outputs of a layer in two dimensions, by class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_consistent_length

from ..typing import Array, EstimatorLike
from .display import Display, color
from .models import network_and_inputs


class EmbeddingDisplay(Display):
    """The samples in two dimensions, as a layer represents them.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    embedding : ndarray of shape (n_samples, 2)
        Place of each sample.
    y : array-like of shape (n_samples,), default=None
        Classes, or numbers, which the colours show.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknet import NeuralClassifier
    >>> from sknet.inspection import EmbeddingDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = NeuralClassifier((16,), max_iter=20, tol=0, random_state=0).fit(X, y)
    >>> EmbeddingDisplay.from_estimator(model, X, y, layer=1).embedding.shape
    (150, 2)
    """

    def __init__(self, embedding: Array, *, y: ArrayLike | None = None) -> None:
        self.embedding = embedding
        self.y = y

    @classmethod
    def from_estimator(
        cls,
        estimator: EstimatorLike,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        layer: int | str = -2,
        reducer: Any = None,
        ax: Any = None,
    ) -> EmbeddingDisplay:
        """Draw what a layer makes of some samples.

        Parameters
        ----------
        estimator : estimator, Pipeline or search
            A fitted estimator with a network, or a pipeline or search of one.
        X : array-like of shape (n_samples, ...)
            Samples as `estimator` takes them.
        y : array-like of shape (n_samples,), default=None
            Classes, or numbers, which the colours show.
        layer : int or str, default=-2
            Position or name of the layer; -2 is the last one before the output layer.
        reducer : transformer, default=None
            What reduces the outputs to two dimensions, such as `sklearn.manifold.TSNE`; None
            is `PCA`. Two outputs are drawn as they are.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : EmbeddingDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the reducer does not give two columns.
        """
        network, X = network_and_inputs(estimator, X, cls.__name__)
        outputs = network.activations(X, layer)
        outputs = outputs.reshape(len(outputs), -1)
        if outputs.shape[1] != 2 or reducer is not None:
            reducer = PCA(min(2, *outputs.shape)) if reducer is None else clone(reducer)
            outputs = np.asarray(reducer.fit_transform(outputs))
        if outputs.ndim != 2 or outputs.shape[1] != 2:
            raise ValueError(
                f"EmbeddingDisplay needs two dimensions, got outputs of shape {outputs.shape} of "
                f"{'the layer' if reducer is None else type(reducer).__name__}."
            )
        return cls(outputs, y=y).plot(ax)

    def plot(self, ax: Any = None) -> EmbeddingDisplay:
        """Draw the samples.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : EmbeddingDisplay
            The display itself.
        """
        ax, options = self._axes(ax), {"s": 12, "alpha": 0.7, "lw": 0}
        y = None if self.y is None else np.asarray(self.y)
        check_consistent_length(self.embedding, y)
        if y is not None and any(label is None for label in y):
            raise ValueError("EmbeddingDisplay expects a label for each sample, got None in y.")
        if y is None:
            ax.scatter(*self.embedding.T, color=color(0), **options)
        elif y.dtype.kind == "f" and len(np.unique(y)) > 20:
            points = ax.scatter(*self.embedding.T, c=y, cmap="viridis", **options)
            ax.figure.colorbar(points, ax=ax)
        else:
            self._draw_classes(ax, y, options)
        ax.set(xticks=[], yticks=[])
        return self

    def _draw_classes(self, ax, y, options):
        """Draw each class in its colour, with its name in its middle: ten hues are too many."""
        for i, label in enumerate(np.unique(y)):
            points = self.embedding[y == label]
            ax.scatter(*points.T, color=color(i), label=str(label), **options)
            box = {"boxstyle": "round,pad=0.2", "fc": "white", "ec": color(i), "alpha": 0.9}
            ax.text(*np.median(points, axis=0), str(label), ha="center", va="center", bbox=box)
