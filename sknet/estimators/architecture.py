"""From an estimator's parameters to the layers of its network."""

from numbers import Integral

from sklearn.base import clone

from ..activations import get_activation
from ..layers import Activation, BatchNorm, Dense, Dropout, LayerNorm


def hidden_sizes(hidden_layer_sizes):
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


def plain_layers(sizes, activation, normalization=None, dropout=0.0, name="hidden"):
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
