"""Initializers that look at what the weights make of the training inputs."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval

from ..typing import Array
from .base import Initializer
from .variance_scaling import VarianceScaling


class UnitVariance(VarianceScaling):
    """Normal kernels, scaled so that each unit has variance 1 over the training rows [1]_ [2]_.

    The kernel is drawn as by `LecunNormal`. Before training, the estimator runs training rows
    through the network, layer by layer; the weights of each unit are divided by the standard
    deviation of its product with the rows. A unit that is constant is left as drawn. For the
    kernels of dense layers and convolutions.

    References
    ----------
    .. [1] Salimans and Kingma, "Weight normalization: a simple reparameterization to accelerate
       training of deep neural networks", 2016, arXiv:1602.07868
    .. [2] Holzmüller, Grinsztajn and Steinwart, "Better by default: strong pre-tuned MLPs and
       boosted trees on tabular data", 2024, arXiv:2407.04491

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import Dense
    >>> layers = [Dense(8, kernel_initializer="unit_variance", bias_initializer="data_points")]
    >>> X, y = [[0.0, 300.0], [1.0, 100.0], [3.0, 200.0], [2.0, 400.0]], [0, 1, 0, 1]
    >>> model = NeuralClassifier(layers=layers, max_iter=1, learning_rate_init=1e-9, tol=0)
    >>> products = X @ model.fit(X, y).network_[0].kernel_
    >>> products.std(axis=0).round(3)
    array([1., 1., 1., 1., 1., 1., 1., 1.])
    """

    needs_data = "kernel"

    def initialize_from(self, products: Any, rng: np.random.Generator, out: Array | None) -> None:
        """Scale the kernel, and the products with it."""
        values = products.astype(np.float64)
        deviation = values.std(axis=0)
        # A deviation within the rounding errors of the values is none.
        least = 10 * np.finfo(products.dtype).eps * np.abs(values).max(axis=0)
        scale = np.ones_like(deviation)
        good = np.isfinite(deviation) & (deviation > least)
        np.divide(1.0, deviation, out=scale, where=good)
        out *= scale
        products *= scale


class DataPoints(Initializer):
    """Biases that put the kink of each unit among the training rows [1]_ [2]_.

    Each unit draws `n_points` training rows and a random point between them, uniform in the
    simplex; the bias is minus the unit's product there, so that the activation is taken at 0. It
    is called he+5 where it was published. For the biases of dense layers and convolutions.

    Parameters
    ----------
    n_points : int, default=5
        Number of rows, at least 1.

    References
    ----------
    .. [1] Steinwart, "A sober look at neural network initializations", 2019, arXiv:1903.11482
    .. [2] Holzmüller, Grinsztajn and Steinwart, "Better by default: strong pre-tuned MLPs and
       boosted trees on tabular data", 2024, arXiv:2407.04491

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import DataPoints
    >>> products, bias = np.array([[1.0, 30.0], [2.0, 10.0]]), np.empty(2)
    >>> DataPoints().initialize_from(products, np.random.default_rng(0), bias)
    >>> bool(np.all((-bias >= [1.0, 10.0]) & (-bias <= [2.0, 30.0])))
    True
    """

    _parameter_constraints = {"n_points": [Interval(Integral, 1, None, closed="left")]}
    needs_data = "bias"

    def __init__(self, n_points: int = 5) -> None:
        self.n_points = n_points

    def _values(self, rng, shape, fan_in, fan_out):
        return np.zeros(shape)

    def initialize_from(self, products: Any, rng: np.random.Generator, out: Array | None) -> None:
        """Set the bias of each unit to minus its product at a point between rows."""
        n_rows, n_units = products.shape
        rows = rng.integers(n_rows, size=(self.n_points, n_units))
        shares = rng.dirichlet(np.ones(self.n_points), n_units).T
        out[...] = -np.sum(shares * np.take_along_axis(products, rows, axis=0), axis=0)
