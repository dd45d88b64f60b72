"""What the channels of a layer make of one sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..typing import Array, EstimatorLike
from .display import Display, color
from .models import network_and_inputs, one_sample


class ActivationsDisplay(Display):
    """The outputs of a layer for one sample: a map a channel, or a bar a unit.

    Each map is divided by its largest absolute value: red is above zero, blue below.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    activations : ndarray of shape (n_units,), (n_steps, n_channels) or (height, width, n_channels)
        Outputs of the layer.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknet import NeuralClassifier
    >>> from sknet.inspection import ActivationsDisplay
    >>> from sknet.layers import Conv2D, Flatten
    >>> X, y = load_digits(return_X_y=True)
    >>> layers = [Conv2D(8, 3, activation="relu"), Flatten()]
    >>> options = {"input_shape": (8, 8, 1), "max_iter": 2, "tol": 0, "random_state": 0}
    >>> model = NeuralClassifier(layers=layers, **options).fit(X[:200] / 16, y[:200])
    >>> ActivationsDisplay.from_estimator(model, X / 16, layer=0, sample=3).activations.shape
    (6, 6, 8)
    """

    def __init__(self, activations: Array) -> None:
        self.activations = activations

    @classmethod
    def from_estimator(
        cls,
        estimator: EstimatorLike,
        X: ArrayLike,
        layer: int | str,
        *,
        sample: int = 0,
        ax: Any = None,
        n_columns: int | None = None,
    ) -> ActivationsDisplay:
        """Draw the outputs of a layer for a sample.

        Parameters
        ----------
        estimator : estimator, Pipeline or search
            A fitted estimator with a network, or a pipeline or search of one.
        X : array-like of shape (n_samples, ...)
            Samples as `estimator` takes them.
        layer : int or str
            Position of the layer, or its name.
        sample : int, default=0
            Position of the sample in X.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        n_columns : int, default=None
            Number of maps in a row; None is about twice the number of rows.

        Returns
        -------
        display : ActivationsDisplay
            The display, drawn.
        """
        one = one_sample(X, sample)
        network, one = network_and_inputs(estimator, one, cls.__name__)
        return cls(network.activations(one, layer)[0]).plot(ax, n_columns=n_columns)

    def plot(self, ax: Any = None, *, n_columns: int | None = None) -> ActivationsDisplay:
        """Draw the outputs.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        n_columns : int, default=None
            Number of maps in a row; None is about twice the number of rows.

        Returns
        -------
        display : ActivationsDisplay
            The display itself.
        """
        outputs = np.asarray(self.activations, dtype=float)
        while outputs.ndim > 3:  # depth
            outputs = outputs.mean(axis=0)
        if outputs.ndim == 1:
            ax = self._axes(ax)
            ax.bar(np.arange(len(outputs)), outputs, color=color(0))
            ax.set(xlabel="unit", ylabel="output")
            ax.axhline(0, color="0.3", lw=0.8)
            return self
        if outputs.ndim == 2:
            ax, limit = self._axes(ax), np.abs(outputs).max() or 1
            image = ax.imshow(outputs.T, aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit)
            ax.set(xlabel="step", ylabel="channel")
            ax.figure.colorbar(image, ax=ax, label="output")
            return self
        return self._plot_maps(ax, outputs.transpose(2, 0, 1), n_columns)
