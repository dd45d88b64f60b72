"""Initializers that fill weights with given values."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from .base import Initializer


class Zeros(Initializer):
    """All weights 0.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import Zeros
    >>> bias = np.empty(3)
    >>> Zeros()(np.random.default_rng(0), (3,), 1, 3, out=bias)
    >>> bias
    array([0., 0., 0.])
    """

    def _values(self, rng, shape, fan_in, fan_out):
        return 0.0


class Ones(Initializer):
    """All weights 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import Ones
    >>> gamma = np.empty(3)
    >>> Ones()(np.random.default_rng(0), (3,), 1, 3, out=gamma)
    >>> gamma
    array([1., 1., 1.])
    """

    def _values(self, rng, shape, fan_in, fan_out):
        return 1.0


class Constant(Initializer):
    """Given weights: one number for all, or an array of the weights.

    Parameters
    ----------
    value : float or array-like
        The value, or an array that broadcasts to the shape of the weights.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import Constant
    >>> bias = np.empty(3)
    >>> Constant([1.0, 2.0, 3.0])(np.random.default_rng(0), (3,), 1, 3, out=bias)
    >>> bias
    array([1., 2., 3.])
    """

    _parameter_constraints = {
        "value": [Interval(Real, None, None, closed="neither"), "array-like"]
    }

    def __init__(self, value: float | ArrayLike) -> None:
        self.value = value

    def _values(self, rng, shape, fan_in, fan_out):
        try:
            value = np.asarray(self.value, dtype=np.float64)
        except (TypeError, ValueError):
            value = np.array(np.nan)
        if not np.isfinite(value).all():
            raise ValueError(f"Constant expects value to hold finite numbers, got {self.value!r}.")
        try:
            return np.broadcast_to(value, shape)
        except ValueError:
            raise ValueError(
                f"Constant expects a value that broadcasts to weights of shape {tuple(shape)}, "
                f"got one of shape {value.shape}. Pass a number or an array of that shape."
            ) from None
