"""What the displays share: axes, colours and mosaics of images."""

from __future__ import annotations

from math import ceil
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_scalar
from sklearn.utils._optional_dependencies import check_matplotlib_support

from ..typing import Array, Shape

#: Okabe and Ito's colours, which colour-blind people tell apart.
COLORS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#F0E442",
)


class Display:
    """Base class of the displays: where they are drawn.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.
    """

    ax_: Any
    figure_: Any

    def _axes(self, ax, figsize=None):
        """Use the given axes, or make a figure with one."""
        check_matplotlib_support(f"{type(self).__name__}.plot")
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(figsize=figsize, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        return ax

    def _plot_maps(self, ax, maps, n_columns):
        """Draw maps, each divided by its largest absolute value: red above zero, blue below."""
        if n_columns is None:
            n_columns = min(len(maps), ceil((2 * len(maps)) ** 0.5))
        check_scalar(n_columns, "n_columns", Integral, min_val=1)
        limits = np.abs(maps).max(axis=(1, 2), keepdims=True)
        ax = self._axes(ax, figsize=(6.4, 6.4 * ceil(len(maps) / n_columns) / n_columns))
        picture = mosaic(maps / np.where(limits > 0, limits, 1), n_columns)
        show_images(ax, picture, cmap="RdBu_r", vmin=-1, vmax=1)
        return self


def color(position: int) -> str:
    """Return the colour of a line, point cloud or bar.

    Parameters
    ----------
    position : int
        Which one it is; colours repeat after eight.

    Returns
    -------
    color : str
        A colour of matplotlib.
    """
    return COLORS[position % len(COLORS)]


def mosaic(images: Array, n_columns: int, gap: int = 1) -> Array:
    """Put images of one size into one, row by row.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width) or (n_images, height, width, 3)
        The images.
    n_columns : int
        Number of images in a row.
    gap : int, default=1
        Pixels between images, which are NaN.

    Returns
    -------
    picture : ndarray of shape (height, width) or (height, width, 3)
        All of them, without a margin.
    """
    n, height, width = images.shape[:3]
    n_rows = ceil(n / n_columns)
    shape = (n_rows * (height + gap) - gap, n_columns * (width + gap) - gap, *images.shape[3:])
    picture = np.full(shape, np.nan)
    for i, image in enumerate(images):
        row, column = divmod(i, n_columns)
        top, left = row * (height + gap), column * (width + gap)
        picture[top : top + height, left : left + width] = image
    return picture


def as_images(rows: ArrayLike, shape: Shape | None, owner: str) -> Array:
    """Return samples as images that matplotlib can draw.

    Parameters
    ----------
    rows : array-like of shape (n_images, ...)
        Samples: rows, or images.
    shape : tuple of int or None
        Shape of one image, with or without channels; None takes that of the samples, or a square.
    owner : str
        Who draws, for errors.

    Returns
    -------
    images : ndarray of shape (n_images, height, width) or (n_images, height, width, 3)
        The images. Of other numbers of channels the mean is drawn.

    Raises
    ------
    ValueError
        If rows cannot be images of this shape.
    """
    rows = np.asarray(rows, dtype=float)
    size = int(np.prod(rows.shape[1:]))
    if shape is None:
        side = round(size**0.5)
        shape = rows.shape[1:] if rows.ndim > 2 else (side, side)
    if len(shape) not in (2, 3) or np.prod(shape) != size:
        raise ValueError(
            f"{owner} expects samples that are images, got samples of {size} numbers and the "
            f"shape {tuple(shape)}. Pass image_shape=(height, width) or (height, width, channels)."
        )
    images = rows.reshape(-1, *shape)
    if images.ndim == 4 and images.shape[3] != 3:
        images = images.mean(axis=3)
    return images


def show_images(ax: Any, picture: Array, **options: Any) -> Any:
    """Draw a mosaic in grey levels or in colour, without ticks.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    picture : ndarray of shape (height, width) or (height, width, 3)
        What to draw; NaN stays blank.
    **options : dict
        For `imshow`.

    Returns
    -------
    image : matplotlib AxesImage
        What was drawn.
    """
    if picture.ndim == 3:
        largest = np.nanmax(np.abs(picture))
        picture = np.nan_to_num(picture / (largest if largest > 1 else 1), nan=1.0).clip(0, 1)
    else:
        options = {"cmap": "gray_r", **options}
    image = ax.imshow(picture, **options)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return image
