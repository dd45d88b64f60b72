"""What the points of an autoencoder's latent space decode to."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_scalar

from ..typing import Array, EstimatorLike, Shape
from .display import Display, as_images, mosaic, show_images
from .models import fitted_part


class LatentDisplay(Display):
    """Images decoded from a grid in the plane of two latent components.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    images : ndarray of shape (n_rows * n_columns, ...)
        Decoded samples, row by row, the top row first.
    extent : tuple of float
        Range of the two components: left, right, bottom, top.
    image_shape : tuple of int
        Shape of one image, (height, width) or (height, width, channels).
    components : tuple of int, default=(0, 1)
        Which components the axes are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknet import AutoencoderTransformer
    >>> from sknet.inspection import LatentDisplay
    >>> X = load_digits().data / 16
    >>> model = AutoencoderTransformer(2, max_iter=5, tol=0, random_state=0).fit(X)
    >>> LatentDisplay.from_estimator(model, X, image_shape=(8, 8), size=5).images.shape
    (25, 64)
    """

    def __init__(
        self,
        images: Array,
        *,
        extent: tuple[float, ...],
        image_shape: Shape,
        components: Shape = (0, 1),
    ) -> None:
        self.images = images
        self.extent = extent
        self.image_shape = image_shape
        self.components = components

    @classmethod
    def from_estimator(
        cls,
        estimator: EstimatorLike,
        X: ArrayLike,
        *,
        image_shape: Shape | None = None,
        components: Shape = (0, 1),
        size: int = 15,
        coverage: float = 0.98,
        ax: Any = None,
    ) -> LatentDisplay:
        """Decode a grid of codes, as far as the codes of some samples reach.

        Parameters
        ----------
        estimator : estimator, Pipeline or search
            A fitted `AutoencoderTransformer`, or a pipeline or search of one.
        X : array-like of shape (n_samples, ...)
            Samples as `estimator` takes them: their codes say which part of the plane is drawn.
        image_shape : tuple of int, default=None
            Shape of one image; None is the network's input shape, or a square.
        components : tuple of int, default=(0, 1)
            Components of the axes; the others stay at their median.
        size : int, default=15
            Number of images along each axis.
        coverage : float, default=0.98
            Share of the samples' codes, of each component, that lies within the grid, in (0, 1].
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : LatentDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the components are not two different ones of the code.
        """
        before, autoencoder = fitted_part(estimator, "inverse_transform", cls.__name__)
        codes = np.asarray(autoencoder.transform(X if before is None else before.transform(X)))
        check_scalar(size, "size", Integral, min_val=1)
        check_scalar(coverage, "coverage", Real, min_val=0, max_val=1)
        first, second = components if np.shape(components) == (2,) else (0, 0)
        if first == second or not {first, second} <= set(range(codes.shape[1])):
            raise ValueError(
                f"LatentDisplay expects two different components from 0 to {codes.shape[1] - 1}, "
                f"got {components}."
            )
        tail = (1 - coverage) / 2
        low, high = np.quantile(codes[:, [first, second]], [tail, 1 - tail], axis=0)
        across, down = (np.linspace(*ends, size) for ends in zip(low, high, strict=True))
        grid = np.tile(np.median(codes, axis=0), (size * size, 1))
        grid[:, first] = np.tile(across, size)
        grid[:, second] = np.repeat(down[::-1], size)
        if image_shape is None and len(autoencoder.network_.input_shape) > 1:
            image_shape = autoencoder.network_.input_shape
        display = cls(
            autoencoder.inverse_transform(grid),
            extent=(low[0], high[0], low[1], high[1]),
            image_shape=image_shape,
            components=(first, second),
        )
        return display.plot(ax)

    def plot(self, ax: Any = None) -> LatentDisplay:
        """Draw the images at their places.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : LatentDisplay
            The display itself.
        """
        ax = self._axes(ax, figsize=(6.4, 6.4))
        images = as_images(self.images, self.image_shape, type(self).__name__)
        picture = mosaic(images, round(len(images) ** 0.5), gap=0)
        # A few pixels below zero would turn the background grey.
        limits = dict(zip(("vmin", "vmax"), np.percentile(picture, [5, 99.5]), strict=True))
        show_images(ax, picture, extent=self.extent, aspect="auto", **limits)
        left, right, bottom, top = self.extent
        ax.set_xticks(np.linspace(left, right, 5).round(2))
        ax.set_yticks(np.linspace(bottom, top, 5).round(2))
        ax.set(xlabel=f"component {self.components[0]}", ylabel=f"component {self.components[1]}")
        return self
