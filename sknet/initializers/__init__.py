"""Initial values of weights.

Random values are drawn in float64 and then rounded to the dtype of the weights, so that float32
and float64 networks with the same seed start from the same numbers.
"""

from __future__ import annotations

from ..base import named_component
from .base import Initializer
from .fixed import Constant, Ones, Zeros
from .from_data import DataPoints, UnitVariance
from .random import Orthogonal, RandomNormal, RandomUniform
from .variance_scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)

__all__ = [
    "INITIALIZERS",
    "Constant",
    "DataPoints",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "UnitVariance",
    "VarianceScaling",
    "Zeros",
    "get_initializer",
]

#: The initializers by name.
INITIALIZERS: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "normal": RandomNormal,
    "uniform": RandomUniform,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
    "orthogonal": Orthogonal,
    "unit_variance": UnitVariance,
    "data_points": DataPoints,
}


def get_initializer(initializer: str | Initializer) -> Initializer:
    """Return a fresh initializer for a name or an initializer.

    Parameters
    ----------
    initializer : str or Initializer
        A name in ``INITIALIZERS``, or an initializer, which is cloned.

    Returns
    -------
    initializer : Initializer
        A new initializer.

    Raises
    ------
    ValueError
        If `initializer` is neither; the message lists the names.

    Examples
    --------
    >>> from sknet.initializers import get_initializer
    >>> get_initializer("he_uniform")
    HeUniform()
    """
    return named_component(initializer, INITIALIZERS, Initializer, "initializer")
