"""The kernels of a convolution, or of a dense layer over images, as pictures."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..typing import Array, EstimatorLike, Shape
from .display import Display
from .models import network_and_inputs


class FiltersDisplay(Display):
    """What the units of a layer look for: their kernels as images.

    Each kernel is divided by its largest absolute weight: red is above zero, blue below. Of
    kernels with several input channels the mean over the channels is drawn.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    filters : ndarray of shape (n_filters, height, width)
        One kernel a filter.

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
    >>> from sknet.inspection import FiltersDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = NeuralClassifier((16,), max_iter=3, tol=0, random_state=0).fit(X / 16, y)
    >>> FiltersDisplay.from_estimator(model, 0, image_shape=(8, 8)).filters.shape
    (16, 8, 8)
    """

    def __init__(self, filters: Array) -> None:
        self.filters = filters

    @classmethod
    def from_estimator(
        cls,
        estimator: EstimatorLike,
        layer: int | str | None = None,
        *,
        image_shape: Shape | None = None,
        ax: Any = None,
        n_columns: int | None = None,
    ) -> FiltersDisplay:
        """Draw the kernels of a layer.

        Parameters
        ----------
        estimator : estimator, Pipeline or search
            A fitted estimator with a network, or a pipeline or search of one.
        layer : int or str, default=None
            Position or name of a layer with a kernel; None is the first one that has.
        image_shape : tuple of int, default=None
            Shape of an image, (height, width) or (height, width, channels), for a dense layer
            over its pixels; None is a square.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        n_columns : int, default=None
            Number of filters in a row; None is about twice the number of rows.

        Returns
        -------
        display : FiltersDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the layer has no kernel, or its weights are no images.
        """
        network, _ = network_and_inputs(estimator, None, cls.__name__)
        if layer is None:
            parts = [part for part in network.layer.walk() if hasattr(part, "kernel_")]
            part = parts[0] if parts else network.layer
        else:
            part = network[layer]
        if not hasattr(part, "kernel_"):
            raise ValueError(
                f"FiltersDisplay expects a layer with a kernel, such as Conv2D or Dense, got "
                f"{type(part).__name__}."
            )
        return cls(_as_filters(part, image_shape)).plot(ax, n_columns=n_columns)

    def plot(self, ax: Any = None, *, n_columns: int | None = None) -> FiltersDisplay:
        """Draw the filters, row by row.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        n_columns : int, default=None
            Number of filters in a row; None is about twice the number of rows.

        Returns
        -------
        display : FiltersDisplay
            The display itself.
        """
        return self._plot_maps(ax, self.filters, n_columns)


def _as_filters(layer, image_shape):
    """Return the kernel of a layer as one image a filter."""
    kernel = np.asarray(layer.kernel_, dtype=float)
    if kernel.ndim == 2 and image_shape is None and layer.input_shape_[0] is not None:
        side = round(kernel.shape[0] ** 0.5)
        image_shape = (side, side)
    if kernel.ndim == 2 and image_shape is not None:
        if prod(image_shape) != kernel.shape[0] or len(image_shape) not in (2, 3):
            raise ValueError(
                f"FiltersDisplay cannot draw kernels of {kernel.shape[0]} weights in the shape "
                f"{tuple(image_shape)}. Pass image_shape=(height, width) or (height, width, "
                "channels)."
            )
        kernel = kernel.reshape(*image_shape, -1)
    while kernel.ndim > 4:  # depth
        kernel = kernel.mean(axis=0)
    if kernel.ndim == 4:
        kernel = kernel.mean(axis=2)
    elif kernel.ndim == 3 and image_shape is None:  # steps, channels, filters
        kernel = kernel.transpose(1, 0, 2)
    if kernel.ndim != 3:
        raise ValueError(
            f"FiltersDisplay cannot draw a kernel of shape {kernel.shape} as images. Pass "
            "image_shape, or as layer one with windows, such as Conv1D or Conv2D."
        )
    return kernel.transpose(2, 0, 1)
