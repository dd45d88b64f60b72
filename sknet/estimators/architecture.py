"""From an estimator's parameters to the layers of its network."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from ..activations import Identity, Logistic, Softmax, get_activation
from ..layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    LayerNorm,
    Permute,
    RepeatVector,
    Reshape,
    Sequential,
)
from ..layers.base import Layer
from ..layers.composite import nested_items
from ..layers.spatial.axes import LayerOverAxes, is_channels_first
from ..network import Network
from ..warning import warn

#: Training rows that tell how the axes of sequences lie.
_ROWS_OF_AXES = 100


def hidden_sizes(hidden_layer_sizes: int | ArrayLike) -> list[int]:
    """Return the widths of the plain hidden layers as a list.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int
        One width or several.

    Returns
    -------
    sizes : list of int
        The widths.

    Raises
    ------
    ValueError
        If a width is not an int of at least 1.
    """
    sizes = (
        [hidden_layer_sizes] if isinstance(hidden_layer_sizes, Integral) else hidden_layer_sizes
    )
    sizes = list(sizes)
    if not all(isinstance(n, Integral) and not isinstance(n, bool) and n > 0 for n in sizes):
        raise ValueError(
            f"hidden_layer_sizes must hold ints of at least 1, got {hidden_layer_sizes!r}."
        )
    return [int(n) for n in sizes]


def plain_layers(
    sizes: Sequence[int],
    activation: str | Activation,
    normalization: Literal["batch", "layer"] | None = None,
    dropout: float = 0.0,
    name: str = "hidden",
) -> list[tuple[str, Layer]]:
    """Return plain hidden layers: dense, normalization, activation, dropout for each width.

    Parameters
    ----------
    sizes : list of int
        Widths.
    activation : str or Activation
        Activation function.
    normalization : {"batch", "layer"}, default=None
        Normalization between the product and the activation.
    dropout : float, default=0.0
        Rate of the dropout after each activation.
    name : str, default="hidden"
        Start of the layers' names.

    Returns
    -------
    pairs : list of (str, Layer)
        Names and layers.
    """
    pairs = []
    for position, units in enumerate(sizes):
        prefix = f"{name}_{position}"
        function = clone(activation, safe=False)
        if normalization is None:
            pairs.append((prefix, Dense(units, function)))
        else:
            initializer = get_activation(function).initializer
            pairs += [
                (prefix, Dense(units, kernel_initializer=initializer)),
                (f"{prefix}_norm", BatchNorm() if normalization == "batch" else LayerNorm()),
                (f"{prefix}_activation", Activation(function)),
            ]
        if dropout > 0:
            pairs.append((f"{prefix}_dropout", Dropout(dropout)))
    return pairs


def takes_images(layers: Any) -> bool:
    """Tell whether the first layer that asks for certain axes asks for those of images.

    Parameters
    ----------
    layers : list
        As the user has written them; anything else is False.

    Returns
    -------
    takes : bool
        Whether a sample needs height, width and channels.
    """
    for _, layer in nested_items(layers, "layers"):
        if isinstance(layer, LayerOverAxes):
            return len(layer._axes) == 2
        if isinstance(
            layer, Flatten | Reshape | Permute | RepeatVector
        ):  # what follows has other axes
            return False
    return False


def warn_of_channels_first(network: Network) -> None:
    """Warn where the samples look like images whose channels come first.

    Parameters
    ----------
    network : Network
        The built network.
    """
    shape = network.input_shape
    if len(shape) != 3 or not is_channels_first(shape) or shape[1] != shape[2] or shape[0] == 2:
        return
    parts = (part for part in network.layer.walk() if isinstance(part, LayerOverAxes))
    if any(part.input_shape_ == shape and len(part._axes) == 2 for part in parts):
        warn(
            f"Samples of shape {shape} look like images whose channels come first; here they come "
            f"last, and these are read as images of {shape[0]} x {shape[1]} with {shape[2]} "
            "channels. Put X through sknet.preprocessing.from_channels_first.",
        )


def warn_of_swapped_axes(network: Network, X: object) -> None:
    """Warn where sequences look as if their channels come before their steps.

    The rule: layers over steps get samples of shape (T, F) with at least four features a step;
    over the first rows, values correlate above 0.8 with those of the next feature, as neighbouring
    times do, and below 0.3 with those of the next step. Spectra, whose features are smooth as
    well, change smoothly from step to step, too.

    Parameters
    ----------
    network : Network
        The built network.
    X : ndarray of shape (n_samples, T * F), sparse matrix or Sequences
        Training inputs.
    """
    shape = network.input_shape
    if len(shape) != 2 or not isinstance(X, np.ndarray) or None in shape:
        return
    parts = (part for part in network.layer.walk() if isinstance(part, LayerOverAxes))
    if shape[1] < 4 * shape[0] or not any(part.input_shape_ == shape for part in parts):
        return
    x = X[:_ROWS_OF_AXES].reshape(-1, *shape)
    if _smoothness(x) > 0.8 and _smoothness(x.swapaxes(1, 2)) < 0.3:
        warn(
            f"Samples of shape {shape} look like series of {shape[1]} steps whose channels come "
            f"first; here channels come last, so these are read with {shape[1]} features a step. "
            "Put X through sknet.preprocessing.from_channels_first."
        )


def _smoothness(x):
    """Return the correlation of neighbours along the last axis, where each series has mean 0."""
    with np.errstate(all="ignore"):
        x = x - x.mean(axis=-1, keepdims=True, dtype=np.float64)
        before, after = x[..., :-1].ravel(), x[..., 1:].ravel()
        found = before @ after / np.sqrt((before @ before) * (after @ after))
    return float(np.nan_to_num(found))


def warn_of_own_output(hidden: Sequence[tuple[str, Layer]], widths: set[int], owner: str) -> None:
    """Warn where the last of the user's layers looks like an output layer.

    Parameters
    ----------
    hidden : list of (str, Layer)
        The built layers as the user has written them.
    widths : set of int
        Widths that an output layer may have.
    owner : str
        Who adds the output layer.
    """
    last = hidden[-1][1] if hidden else None
    while type(last) is Sequential and last.sublayers():
        last = last.sublayers()[-1][1]
    if type(last) not in (Dense, Activation):
        return
    activation = get_activation(last.activation)
    outputs = Logistic if isinstance(last, Activation) else (Identity, Logistic)
    has_width = last.output_shape_[-1] in widths
    if isinstance(activation, Softmax) or (has_width and isinstance(activation, outputs)):
        warn(
            f"The last of layers, {last._label()}, looks like an output layer; {owner} adds the "
            "output layer, and softmax or logistic functions, by itself. Leave yours out.",
        )
