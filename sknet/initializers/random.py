"""Initializers that draw weights whatever the fan-in and fan-out."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from ..settings import single_threaded_blas
from .base import Initializer


class RandomNormal(Initializer):
    """Weights from a normal distribution, whatever the fan-in and fan-out.

    Parameters
    ----------
    mean : float, default=0.0
        Mean of the distribution.
    stddev : float, default=0.05
        Standard deviation of the distribution; at least 0.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import RandomNormal
    >>> kernel = np.empty((100, 100))
    >>> RandomNormal(stddev=2.0)(np.random.default_rng(0), (100, 100), 100, 100, out=kernel)
    >>> round(kernel.std(), 1)
    np.float64(2.0)
    """

    _parameter_constraints = {
        "mean": [Interval(Real, None, None, closed="neither")],
        "stddev": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean = mean
        self.stddev = stddev

    def _values(self, rng, shape, fan_in, fan_out):
        return rng.normal(self.mean, self.stddev, shape)


class RandomUniform(Initializer):
    """Weights from a uniform distribution, whatever the fan-in and fan-out.

    Parameters
    ----------
    minval : float, default=-0.05
        Lower end of the interval.
    maxval : float, default=0.05
        Upper end of the interval; at least `minval`.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import RandomUniform
    >>> table = np.empty((100, 8))
    >>> RandomUniform(0.0, 1.0)(np.random.default_rng(0), (100, 8), 1, 8, out=table)
    >>> bool(table.min() >= 0.0 and table.max() <= 1.0)
    True
    """

    _parameter_constraints = {
        "minval": [Interval(Real, None, None, closed="neither")],
        "maxval": [Interval(Real, None, None, closed="neither")],
    }

    def __init__(self, minval: float = -0.05, maxval: float = 0.05) -> None:
        self.minval = minval
        self.maxval = maxval

    def _values(self, rng, shape, fan_in, fan_out):
        if self.minval > self.maxval:
            raise ValueError(
                f"RandomUniform expects minval <= maxval, got minval={self.minval} and "
                f"maxval={self.maxval}. Exchange them."
            )
        return rng.uniform(self.minval, self.maxval, shape)


class Orthogonal(Initializer):
    """A random matrix with orthogonal rows or columns, for recurrent and deep layers [1]_.

    Weights of shape ``(..., n)`` are taken as a matrix of shape ``(prod(...), n)``. Its columns
    are orthogonal if it is tall, its rows if it is wide, and they have the length `gain`. The
    matrix is uniformly distributed: Q of the QR decomposition of a normal matrix, with the signs
    that make the diagonal of R positive.

    Parameters
    ----------
    gain : float, default=1.0
        Length of the orthogonal rows or columns; at least 0.

    References
    ----------
    .. [1] Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning
       in deep linear neural networks", 2013, arXiv:1312.6120

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import Orthogonal
    >>> kernel = np.empty((5, 3))
    >>> Orthogonal()(np.random.default_rng(0), (5, 3), 5, 3, out=kernel)
    >>> bool(np.allclose(kernel.T @ kernel, np.eye(3)))
    True
    """

    _parameter_constraints = {"gain": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def _values(self, rng, shape, fan_in, fan_out):
        if not shape:
            raise ValueError(
                "Orthogonal expects weights with at least one axis, got a scalar. "
                "Use another initializer for it."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        normal = rng.standard_normal((max(rows, columns), min(rows, columns)))
        # On one thread, so that the same seed gives the same bits on every machine setting.
        with single_threaded_blas():
            q, r = np.linalg.qr(normal)
        q *= np.copysign(self.gain, np.diagonal(r))
        return (q if rows >= columns else q.T).reshape(shape)
