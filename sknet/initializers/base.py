"""What all initializers share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from ..base import Component
from ..custom import OF_INITIALIZERS, check_calls
from ..typing import Array, Shape


class Initializer(Component, ABC):
    """Rule for the initial values of one weight array.

    A subclass implements ``_values(rng, shape, fan_in, fan_out)``, which returns what the array
    is filled with: a float64 array of the given shape, or anything that broadcasts to it.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import Initializer
    >>> class Eye(Initializer):
    ...     def _values(self, rng, shape, fan_in, fan_out):
    ...         return np.eye(*shape)
    >>> kernel = np.empty((2, 2), dtype="float32")
    >>> Eye()(np.random.default_rng(0), kernel.shape, 2, 2, out=kernel)
    >>> kernel
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """

    #: Name of the weight that `initialize_from` sets before training, "kernel" or "bias"; None of
    #: initializers that need no data.
    needs_data = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_calls(cls, OF_INITIALIZERS)

    def __call__(
        self, rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int, out: Array
    ) -> Any:
        """Fill an array with initial values.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of the random values; advanced by as much whatever the dtype of `out`.
        shape : tuple of int
            Shape of the weights.
        fan_in : int
            Number of inputs that one output is computed from.
        fan_out : int
            Number of outputs that one input has a part in.
        out : ndarray of shape `shape`
            The weights, of any float dtype; written.
        """
        out[...] = self._values(rng, shape, fan_in, fan_out)

    def initialize_from(self, products: Array, rng: np.random.Generator, out: Array) -> None:
        """Set weights from the products of training rows and the kernel; only if `needs_data`.

        Parameters
        ----------
        products : ndarray of shape (n_rows, n_units)
            Outputs of the layer without bias and activation. They are to be what the kernel
            gives when it has been changed.
        rng : numpy.random.Generator
            Source of random values.
        out : ndarray
            The weights, the last axis of which is that of the units; written.
        """

    @abstractmethod
    def _values(self, rng, shape, fan_in, fan_out):
        """Return the values as a float64 array that broadcasts to `shape`."""
