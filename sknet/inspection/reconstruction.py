"""Samples above what an autoencoder makes of them."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import _safe_indexing, check_scalar
from sklearn.utils.validation import _num_samples

from ..typing import Array, EstimatorLike, Shape
from .display import Display, as_images, color, mosaic, show_images
from .models import fitted_part


class ReconstructionDisplay(Display):
    """Samples and their reconstructions: images in two rows, or values of features.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    originals : ndarray of shape (n_samples, ...)
        Samples as the autoencoder takes them.
    reconstructions : ndarray of shape (n_samples, ...)
        What it makes of them.
    image_shape : tuple of int, default=None
        Shape of one image, (height, width) or (height, width, channels); None draws lines over
        the features.
    targets : ndarray of shape (n_samples, ...), default=None
        What the samples were before noise was added, drawn in a third row.

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
    >>> from sknet.inspection import ReconstructionDisplay
    >>> X = load_digits().data / 16
    >>> model = AutoencoderTransformer(8, max_iter=5, tol=0, random_state=0).fit(X)
    >>> display = ReconstructionDisplay.from_estimator(model, X, image_shape=(8, 8))
    >>> display.reconstructions.shape
    (8, 64)
    """

    def __init__(
        self,
        originals: Array,
        reconstructions: Array,
        *,
        image_shape: Shape | None = None,
        targets: Array | None = None,
    ) -> None:
        self.originals = originals
        self.reconstructions = reconstructions
        self.image_shape = image_shape
        self.targets = targets

    @classmethod
    def from_estimator(
        cls,
        estimator: EstimatorLike,
        X: ArrayLike,
        *,
        targets: ArrayLike | None = None,
        n_samples: int = 8,
        image_shape: Shape | None = None,
        ax: Any = None,
    ) -> ReconstructionDisplay:
        """Draw the first samples and their reconstructions.

        Parameters
        ----------
        estimator : estimator, Pipeline or search
            A fitted `AutoencoderTransformer`, or a pipeline or search of one; the samples are
            drawn as the other steps of a pipeline leave them.
        X : array-like of shape (n_samples, ...)
            Samples as `estimator` takes them.
        targets : array-like of shape (n_samples, ...), default=None
            What the samples were before noise was added.
        n_samples : int, default=8
            Number of samples to draw.
        image_shape : tuple of int, default=None
            Shape of one image, (height, width) or (height, width, channels); None draws samples
            of three axes as images, and others as lines over the features.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ReconstructionDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If `image_shape` is given for sequences of unequal length.
        """
        before, autoencoder = fitted_part(estimator, "reconstruct", cls.__name__)
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        rows = np.arange(min(n_samples, _num_samples(X)))
        originals = _safe_indexing(X, rows)
        if before is not None:
            originals = before.transform(originals)
        made = autoencoder.reconstruct(originals)  # of a frame, before its names are gone
        if len({np.shape(sample) for sample in originals}) == 1:
            originals = np.asarray(originals)
        elif image_shape is not None:
            raise ValueError(
                f"{cls.__name__} has image_shape for samples of one shape, got sequences of "
                "unequal length. Leave out image_shape."
            )
        if image_shape is None and np.ndim(originals[0]) > 2:
            image_shape = originals.shape[1:]
        if targets is not None:
            targets = np.asarray(_safe_indexing(targets, rows))
        return cls(originals, made, image_shape=image_shape, targets=targets).plot(ax)

    def plot(self, ax: Any = None) -> ReconstructionDisplay:
        """Draw the samples.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ReconstructionDisplay
            The display itself.
        """
        parts = {"input": self.originals, "reconstruction": self.reconstructions}
        if self.targets is not None:
            parts["target"] = self.targets
        n = len(self.originals)
        if self.image_shape is not None:
            return self._plot_images(ax, parts)
        ax = self._axes(ax)
        for i in range(n):
            for (name, values), style in zip(parts.items(), ("-", "--", ":"), strict=False):
                row = np.asarray(values[i], dtype=float).ravel()
                ax.plot(row, style, color=color(i), label=name if i == 0 else None)
        ax.set(xlabel="feature", ylabel="value")
        ax.legend()
        return self

    def _plot_images(self, ax, parts):
        owner, n = type(self).__name__, len(self.originals)
        images = [as_images(part, self.image_shape, owner) for part in parts.values()]
        height, width = images[0].shape[1:3]
        size = min(12, n)
        ax = self._axes(ax, figsize=(size, len(parts) * size / n * height / width))
        # What is drawn below the darkest and above the brightest original would grey the others.
        clean = images[-1 if self.targets is not None else 0]
        show_images(ax, mosaic(np.concatenate(images), n), vmin=clean.min(), vmax=clean.max())
        middles = [(height + 1) * i + height / 2 for i in range(len(parts))]
        ax.set_yticks(middles, list(parts))
        ax.tick_params(length=0)
        return self
