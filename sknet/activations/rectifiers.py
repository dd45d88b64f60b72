"""Rectifiers: activations that let positive values pass and damp negative ones."""

from numbers import Real

from sklearn.utils._param_validation import Interval

from .. import kernels
from .base import CompiledActivation


class ReLU(CompiledActivation):
    """The rectified linear unit, f(x) = max(x, 0) [1]_; its derivative at 0 is taken as 0.

    References
    ----------
    .. [1] Glorot, Bordes and Bengio, "Deep sparse rectifier neural networks", AISTATS 2011,
       https://proceedings.mlr.press/v15/glorot11a.html

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import ReLU
    >>> activation = ReLU()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x)
    array([[0., 0., 2.]])
    """

    _kind = kernels.RELU


class LeakyReLU(CompiledActivation):
    """The leaky rectifier, f(x) = max(x, negative_slope * x) [1]_.

    Its derivative at 0 is taken as `negative_slope`.

    Parameters
    ----------
    negative_slope : float, default=0.01
        Slope for negative x, in [0, 1].

    References
    ----------
    .. [1] Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic
       models", ICML Workshop on Deep Learning for Audio, Speech and Language Processing, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import LeakyReLU
    >>> activation = LeakyReLU(negative_slope=0.25)
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x)
    array([[-0.25,  0.  ,  2.  ]])
    """

    # A slope in [0, 1] lets the maximum choose the branch and keeps the sign of x in the output.
    _kind = kernels.LEAKY_RELU
    _parameter_constraints = {"negative_slope": [Interval(Real, 0, 1, closed="both")]}

    def __init__(self, negative_slope=0.01):
        self.negative_slope = negative_slope

    def _coefficients(self):
        return float(self.negative_slope), 0.0


class _ExponentialLinear(CompiledActivation):
    """f(x) = slope * x for x > 0, else limit * (exp(x) - 1)."""

    _kind = kernels.EXPONENTIAL


class ELU(_ExponentialLinear):
    """The exponential linear unit, f(x) = x for x > 0, else alpha * (exp(x) - 1) [1]_.

    Its derivative at 0 is taken as `alpha`.

    Parameters
    ----------
    alpha : float, default=1.0
        The value that f tends to for negative x is -alpha; at least 0. The derivative is
        continuous for ``alpha=1``.

    References
    ----------
    .. [1] Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by
       exponential linear units (ELUs)", 2015, arXiv:1511.07289

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import ELU
    >>> activation = ELU()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[-0.632,  0.   ,  2.   ]])
    """

    # A negative alpha would hide the sign of x, which the derivative is read from.
    _parameter_constraints = {"alpha": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def _coefficients(self):
        return 1.0, float(self.alpha)


class SELU(_ExponentialLinear):
    """The scaled exponential linear unit, which keeps activations normalised [1]_.

    f(x) = s * x for x > 0, else s * a * (exp(x) - 1), with s = 1.0507 and a = 1.6733: the pair
    for which mean 0 and variance 1 are a stable fixed point, with kernels drawn by LeCun's
    normal rule.

    References
    ----------
    .. [1] Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks",
       2017, arXiv:1706.02515

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import SELU
    >>> activation = SELU()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[-1.111,  0.   ,  2.101]])
    """

    initializer = "lecun_normal"
    _scale = 1.0507009873554805
    _alpha = 1.6732632423543772

    def _coefficients(self):
        return self._scale, self._scale * self._alpha


class Softplus(CompiledActivation):
    """The softplus, f(x) = log(1 + exp(x)), a smooth rectifier with positive values [1]_.

    References
    ----------
    .. [1] Glorot, Bordes and Bengio, "Deep sparse rectifier neural networks", AISTATS 2011,
       https://proceedings.mlr.press/v15/glorot11a.html

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import Softplus
    >>> activation = Softplus()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[0.313, 0.693, 2.127]])
    """

    _kind = kernels.SOFTPLUS
