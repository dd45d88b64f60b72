"""Which steps of a sequence attend to which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..typing import Array, EstimatorLike
from .display import Display
from .models import network_and_inputs, one_sample


class AttentionDisplay(Display):
    """The attention weights of one sample, with the tokens on the axes.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    weights : ndarray of shape (n_steps, n_steps)
        Weight of each step (column) for each step (row).
    tokens : list of str, default=None
        Names of the steps; None numbers them.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet import NeuralClassifier
    >>> from sknet.inspection import AttentionDisplay
    >>> from sknet.layers import Embedding, GlobalAveragePool1D, TransformerBlock
    >>> X, y = np.array([[1, 2, 3], [3, 2, 1], [2, 2, 1], [1, 1, 2]]), [0, 1, 1, 0]
    >>> layers = [Embedding(4), ("block", TransformerBlock(2)), GlobalAveragePool1D()]
    >>> options = {"input_shape": (None,), "max_iter": 2, "tol": 0, "random_state": 0}
    >>> model = NeuralClassifier(layers=layers, **options).fit(X, y)
    >>> display = AttentionDisplay.from_estimator(model, X, "block", tokens=["a", "b", "c"])
    >>> display.weights.sum(axis=1).round(3)
    array([1., 1., 1.])
    """

    def __init__(self, weights: Array, *, tokens: Sequence[str] | None = None) -> None:
        self.weights = weights
        self.tokens = tokens

    @classmethod
    def from_estimator(
        cls,
        estimator: EstimatorLike,
        X: ArrayLike,
        layer: int | str,
        *,
        sample: int = 0,
        head: int | None = None,
        tokens: Sequence[str] | None = None,
        ax: Any = None,
        colorbar: bool = True,
    ) -> AttentionDisplay:
        """Draw the attention of a layer within a sample.

        Parameters
        ----------
        estimator : estimator, Pipeline or search
            A fitted estimator with a network, or a pipeline or search of one.
        X : array-like of shape (n_samples, ...)
            Samples as `estimator` takes them.
        layer : int or str
            Position or name of a `MultiHeadAttention` or `TransformerBlock`.
        sample : int, default=0
            Position of the sample in X.
        head : int, default=None
            Number of the head; None draws the mean of all heads.
        tokens : list of str, default=None
            Names of the steps; padding after them is left out.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        colorbar : bool, default=True
            Whether to draw the scale of colours.

        Returns
        -------
        display : AttentionDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the layer has no attention, or no such head, or there are more tokens than steps.
        """
        one = one_sample(X, sample)
        network, one = network_and_inputs(estimator, one, cls.__name__)
        heads = network.attention_weights(one, layer)[0]
        if head is not None and not -len(heads) <= head < len(heads):
            raise ValueError(f"AttentionDisplay: there are {len(heads)} heads, got head={head}.")
        weights = heads.mean(axis=0) if head is None else heads[head]
        if tokens is not None:
            tokens = list(tokens)
            if len(tokens) > len(weights):
                raise ValueError(
                    f"AttentionDisplay: {len(tokens)} tokens were given for {len(weights)} steps."
                )
            weights = weights[: len(tokens), : len(tokens)]
        return cls(weights, tokens=tokens).plot(ax, colorbar=colorbar)

    def plot(self, ax: Any = None, *, colorbar: bool = True) -> AttentionDisplay:
        """Draw the weights.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        colorbar : bool, default=True
            Whether to draw the scale of colours.

        Returns
        -------
        display : AttentionDisplay
            The display itself.
        """
        ax = self._axes(ax)
        image = ax.imshow(self.weights, cmap="viridis", vmin=0)
        if self.tokens is not None:
            places = np.arange(len(self.tokens))
            ax.set_xticks(places, self.tokens, rotation=90)
            ax.set_yticks(places, self.tokens)
        ax.set(xlabel="attended to", ylabel="step")
        if colorbar:
            ax.figure.colorbar(image, ax=ax, label="weight")
        return self
