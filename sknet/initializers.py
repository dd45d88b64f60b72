"""Initial values of weights.

Random values are drawn in float64 and then rounded to the dtype of the weights, so that float32
and float64 networks with the same seed start from the same numbers.
"""

import math
from abc import ABC, abstractmethod
from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from .activations import named_component
from .base import Component
from .blas import single_threaded_blas

__all__ = [
    "INITIALIZERS",
    "Constant",
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
    "VarianceScaling",
    "Zeros",
    "get_initializer",
]


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

    def __call__(self, rng, shape, fan_in, fan_out, out):
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

    @abstractmethod
    def _values(self, rng, shape, fan_in, fan_out):
        """Return the values as a float64 array that broadcasts to `shape`."""


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

    _parameter_constraints = {"value": [Real, "array-like"]}

    def __init__(self, value):
        self.value = value

    def _values(self, rng, shape, fan_in, fan_out):
        value = np.asarray(self.value, dtype=np.float64)
        try:
            return np.broadcast_to(value, shape)
        except ValueError:
            raise ValueError(
                f"Constant expects a value that broadcasts to weights of shape {tuple(shape)}, "
                f"got one of shape {value.shape}. Pass a number or an array of that shape."
            ) from None


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

    def __init__(self, mean=0.0, stddev=0.05):
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

    def __init__(self, minval=-0.05, maxval=0.05):
        self.minval = minval
        self.maxval = maxval

    def _values(self, rng, shape, fan_in, fan_out):
        if self.minval > self.maxval:
            raise ValueError(
                f"RandomUniform expects minval <= maxval, got minval={self.minval} and "
                f"maxval={self.maxval}. Exchange them."
            )
        return rng.uniform(self.minval, self.maxval, shape)


class VarianceScaling(Initializer):
    """Base of the rules that set the variance of the weights from fan-in and fan-out.

    The weights have mean 0 and variance ``scale / n``, where n is the fan-in or the mean of
    fan-in and fan-out (at least 1). Normal weights are plain normal, not truncated; uniform ones
    lie in [-sqrt(3 * variance), sqrt(3 * variance)]. A subclass sets three class attributes.

    Attributes
    ----------
    scale : float
        Numerator of the variance.
    fan : {"in", "average"}
        What n is.
    distribution : {"uniform", "normal"}
        The distribution that the weights are drawn from.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import VarianceScaling
    >>> class TwiceHe(VarianceScaling):
    ...     scale = 4.0
    >>> kernel = np.empty((100, 100))
    >>> TwiceHe()(np.random.default_rng(0), (100, 100), 100, 100, out=kernel)
    >>> round(kernel.std(), 2)
    np.float64(0.2)
    """

    scale = 1.0
    fan = "in"
    distribution = "normal"

    def _values(self, rng, shape, fan_in, fan_out):
        n = fan_in if self.fan == "in" else (fan_in + fan_out) / 2
        variance = self.scale / max(1.0, n)
        if self.distribution == "normal":
            return rng.normal(0.0, math.sqrt(variance), shape)
        limit = math.sqrt(3.0 * variance)
        return rng.uniform(-limit, limit, shape)


class GlorotUniform(VarianceScaling):
    """Uniform weights of variance 2 / (fan_in + fan_out), for tanh and logistic layers [1]_.

    References
    ----------
    .. [1] Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
       networks", AISTATS 2010, https://proceedings.mlr.press/v9/glorot10a.html

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import GlorotUniform
    >>> kernel = np.empty((2, 4))
    >>> GlorotUniform()(np.random.default_rng(0), (2, 4), 2, 4, out=kernel)
    >>> bool(abs(kernel).max() <= 1.0)
    True
    """

    fan = "average"
    distribution = "uniform"


class GlorotNormal(VarianceScaling):
    """Normal weights of variance 2 / (fan_in + fan_out), for tanh and logistic layers [1]_.

    The distribution is a plain normal, not a truncated one.

    References
    ----------
    .. [1] Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
       networks", AISTATS 2010, https://proceedings.mlr.press/v9/glorot10a.html

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import GlorotNormal
    >>> kernel = np.empty((100, 100))
    >>> GlorotNormal()(np.random.default_rng(0), (100, 100), 100, 100, out=kernel)
    >>> round(kernel.std(), 2)
    np.float64(0.1)
    """

    fan = "average"


class HeUniform(VarianceScaling):
    """Uniform weights of variance 2 / fan_in, for rectifiers [1]_.

    References
    ----------
    .. [1] He, Zhang, Ren and Sun, "Delving deep into rectifiers: surpassing human-level
       performance on ImageNet classification", 2015, arXiv:1502.01852

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import HeUniform
    >>> kernel = np.empty((6, 4))
    >>> HeUniform()(np.random.default_rng(0), (6, 4), 6, 4, out=kernel)
    >>> bool(abs(kernel).max() <= 1.0)
    True
    """

    scale = 2.0
    distribution = "uniform"


class HeNormal(VarianceScaling):
    """Normal weights of variance 2 / fan_in, for rectifiers [1]_.

    The distribution is a plain normal, not a truncated one.

    References
    ----------
    .. [1] He, Zhang, Ren and Sun, "Delving deep into rectifiers: surpassing human-level
       performance on ImageNet classification", 2015, arXiv:1502.01852

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import HeNormal
    >>> kernel = np.empty((200, 100))
    >>> HeNormal()(np.random.default_rng(0), (200, 100), 200, 100, out=kernel)
    >>> round(kernel.std(), 2)
    np.float64(0.1)
    """

    scale = 2.0


class LecunUniform(VarianceScaling):
    """Uniform weights of variance 1 / fan_in [1]_.

    References
    ----------
    .. [1] LeCun, Bottou, Orr and Müller, "Efficient BackProp", in Neural Networks: Tricks of
       the Trade, 1998, doi:10.1007/3-540-49430-8_2

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import LecunUniform
    >>> kernel = np.empty((3, 4))
    >>> LecunUniform()(np.random.default_rng(0), (3, 4), 3, 4, out=kernel)
    >>> bool(abs(kernel).max() <= 1.0)
    True
    """

    distribution = "uniform"


class LecunNormal(VarianceScaling):
    """Normal weights of variance 1 / fan_in, which SELU needs [1]_.

    The distribution is a plain normal, not a truncated one.

    References
    ----------
    .. [1] LeCun, Bottou, Orr and Müller, "Efficient BackProp", in Neural Networks: Tricks of
       the Trade, 1998, doi:10.1007/3-540-49430-8_2

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import LecunNormal
    >>> kernel = np.empty((100, 100))
    >>> LecunNormal()(np.random.default_rng(0), (100, 100), 100, 100, out=kernel)
    >>> round(kernel.std(), 2)
    np.float64(0.1)
    """


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

    def __init__(self, gain=1.0):
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


#: The initializers by name.
INITIALIZERS = {
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
}


def get_initializer(initializer):
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
