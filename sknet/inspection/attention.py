"""Which steps of a sequence attend to which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..typing import Array, EstimatorLike
from .display import Display
from .models import fitted_part, network_and_inputs, one_sample


class AttentionDisplay(Display):
    """The attention weights of one sample, with the tokens on the axes.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    weights : ndarray of shape (n_steps, n_steps) or (n_targets, n_sources)
        Weight of each step (column) for each step (row).
    tokens : list of str, default=None
        Names of the steps; None numbers them. With `targets` those of the columns.
    targets : list of str, default=None
        Names of the rows, if they are the steps of another sequence, as in a `NeuralTranslator`.

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

    def __init__(
        self,
        weights: Array,
        *,
        tokens: Sequence[str] | None = None,
        targets: Sequence[str] | None = None,
    ) -> None:
        self.weights = weights
        self.tokens = tokens
        self.targets = targets

    @classmethod
    def from_estimator(
        cls,
        estimator: EstimatorLike,
        X: ArrayLike,
        layer: int | str | None = None,
        *,
        y: ArrayLike | None = None,
        sample: int = 0,
        head: int | None = None,
        tokens: Sequence[str] | None = None,
        ax: Any = None,
        colorbar: bool = True,
    ) -> AttentionDisplay:
        """Draw the attention of a layer within a sample, or from a target to its source.

        Parameters
        ----------
        estimator : estimator, Pipeline or search
            A fitted estimator with a network, or a pipeline or search of one.
        X : array-like of shape (n_samples, ...)
            Samples as `estimator` takes them.
        layer : int or str, default=None
            Position or name of a `MultiHeadAttention` or `TransformerBlock`. Of a
            `NeuralTranslator` the name of a `CrossAttention`, None for its last one.
        y : array-like of shape (n_samples,), default=None
            Targets, for a `NeuralTranslator` alone; None takes those that it predicts.
        sample : int, default=0
            Position of the sample in X.
        head : int, default=None
            Number of the head; None draws the mean of all heads.
        tokens : list of str, default=None
            Names of the steps; padding after them is left out. A `NeuralTranslator` has names.
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
        one, asked = one_sample(X, sample), (layer, head, tokens)
        _, part = fitted_part(estimator, "network_", cls.__name__)
        if hasattr(part, "attention_weights"):
            target = part.predict(one) if y is None else one_sample(y, sample)
            display = cls._of_pair(part, one, target, *asked)
        else:
            display = cls._of_sample(estimator, one, y, *asked)
        return display.plot(ax, colorbar=colorbar)

    @classmethod
    def _of_sample(cls, estimator, one, y, layer, head, tokens):
        if layer is None or y is not None:
            raise ValueError(
                "AttentionDisplay expects the name of a layer, and y for a NeuralTranslator "
                f"alone, got layer={layer!r} and {'no y' if y is None else 'y'}."
            )
        network, one = network_and_inputs(estimator, one, cls.__name__)
        weights = _of_head(network.attention_weights(one, layer)[0], head)
        if tokens is not None:
            tokens = list(tokens)
            if len(tokens) > len(weights):
                raise ValueError(
                    f"AttentionDisplay: {len(tokens)} tokens were given for {len(weights)} steps."
                )
            weights = weights[: len(tokens), : len(tokens)]
        return cls(weights, tokens=tokens)

    @classmethod
    def _of_pair(cls, model, source, target, layer, head, tokens):
        weights = _of_head(model.attention_weights(source, target, layer)[0], head)
        tokens = _names(model.source_tokenizer_, source[0]) if tokens is None else tokens
        return cls(weights, tokens=tokens, targets=_names(model.target_tokenizer_, target[0]))

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
        rows = self.tokens if self.targets is None else self.targets
        if self.tokens is not None:
            ax.set_xticks(np.arange(len(self.tokens)), self.tokens, rotation=90)
        if rows is not None:
            ax.set_yticks(np.arange(len(rows)), rows)
        ax.set(xlabel="attended to", ylabel="step" if self.targets is None else "target")
        if colorbar:
            ax.figure.colorbar(image, ax=ax, label="weight")
        return self


def _of_head(heads, head):
    """Return the weights of a head, or the mean of all."""
    if head is not None and not -len(heads) <= head < len(heads):
        raise ValueError(f"AttentionDisplay: there are {len(heads)} heads, got head={head}.")
    return heads.mean(axis=0) if head is None else heads[head]


def _names(tokenizer, item):
    """Return the tokens of a sequence and its end as str."""
    if tokenizer is None:
        return [*map(str, item), "end"]
    return [*(str(token) for token in tokenizer.tokens_[tokenizer.encode([item])[0]]), "end"]
