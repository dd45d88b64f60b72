"""The layers of the networks for tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..activations import get_activation
from ..activations.base import Activation
from ..initializers import RandomNormal
from ..layers import (
    Branch,
    ColumnBranches,
    Dense,
    Dropout,
    Embedding,
    ParametricActivation,
    PeriodicEmbedding,
    Scaling,
)
from ..layers.base import Layer

#: Length of the vectors of categories.
_EMBEDDING_DIM = 8
#: Indicators that a path around the dense layers takes at most: more of them overfit.
_FEW_INDICATORS = 40


def table_layers(
    columns: Any,
    hidden_layer_sizes: Sequence[int],
    activation: str | Activation,
    dropout: float,
    frequency_scale: float,
    is_wide: bool = False,
) -> list[tuple[str, Layer]]:
    """Return the hidden layers of RealMLP for an encoded table.

    Numbers go through periodic embeddings, where wanted, and codes through embeddings; all is
    scaled by learned factors and goes through dense layers in the neural tangent
    parametrization, with parametric activations and a dropout that falls to 0 in the second half
    of the training.

    In wide networks the output layer also sees the scaled features themselves, so what is additive
    need not pass through the dense layers: the features of numbers, and those of categories unless
    these have more than 40 indicators.

    Parameters
    ----------
    columns : tuple of (int, int, int)
        Numbers of numeric columns, of indicators and of all codes; the columns come in this order,
        codes as whole numbers that no two columns share.
    hidden_layer_sizes : list of int
        Widths of the dense layers.
    activation : str or sknet.activations.Activation
        Activation function of the dense layers.
    dropout : float
        Rate of the dropout after each dense layer.
    frequency_scale : float
        Standard deviation of the frequencies of the periodic embeddings at the start; 0 is for
        none.
    is_wide : bool, default=False
        Whether the output layer also sees the scaled features.

    Returns
    -------
    layers : list of (str, Layer)
        Names and layers.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart (2024), Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data, :arxiv:`2407.04491`.
    Cheng et al. (2016), Wide & deep learning for recommender systems, :arxiv:`1606.07792`.
    """
    n_numbers, n_indicators, n_codes = columns
    n_dense = n_numbers + n_indicators
    branches = []
    if n_numbers:
        waves = [PeriodicEmbedding(frequency_scale=frequency_scale)] if frequency_scale else []
        branches.append(("numbers", Branch(slice(0, n_numbers), waves)))
    if n_indicators:
        branches.append(("indicators", Branch(slice(n_numbers, n_dense), [])))
    if n_codes:
        vectors = Embedding(
            _EMBEDDING_DIM,
            input_dim=n_codes,
            embeddings_initializer=RandomNormal(stddev=1.0),
            decay=True,
        )
        branches.append(("codes", Branch(slice(n_dense, None), [vectors])))
    deep = []
    for position, units in enumerate(hidden_layer_sizes):
        name = f"hidden_{position}"
        deep.append((name, tangent_dense(units, "data_points")))
        function = get_activation(activation)
        deep.append((f"{name}_activation", ParametricActivation(function)))
        if dropout > 0:
            deep.append((f"{name}_dropout", Dropout(dropout, schedule="flat_cosine")))
    layers = [("columns", ColumnBranches(branches)), ("scaling", Scaling())]
    has_few = n_indicators <= _FEW_INDICATORS
    if not is_wide or not deep or not (has_few or n_numbers):
        return [*layers, *deep]
    width = PeriodicEmbedding().embedding_dim if frequency_scale else 1
    seen = slice(None) if has_few else slice(0, n_numbers * width)
    paths = [("wide", Branch(seen, [])), ("deep", Branch(slice(None), deep))]
    return [*layers, ("paths", ColumnBranches(paths))]


def tangent_dense(
    units: int,
    bias_initializer: str = "zeros",
    *,
    kernel_initializer: str = "unit_variance",
    learning_rate_factor: float = 1.0,
) -> Dense:
    """Return a dense layer in the neural tangent parametrization.

    Parameters
    ----------
    units : int
        Number of outputs.
    bias_initializer : str, default="zeros"
        Start of the bias.
    kernel_initializer : str, default="unit_variance"
        Start of the kernel.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the kernel.

    Returns
    -------
    layer : Dense
        The layer.
    """
    return Dense(
        units,
        kernel_initializer=kernel_initializer,
        bias_initializer=bias_initializer,
        learning_rate_factor=learning_rate_factor,
        bias_learning_rate_factor=0.1,
        parametrization="neural_tangent",
    )
