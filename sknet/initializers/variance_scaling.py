"""Initializers that set the variance of the weights from fan-in and fan-out."""

from __future__ import annotations

import math

from .base import Initializer


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

    scale: float = 1.0
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

    scale: float = 2.0
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

    scale: float = 2.0


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
