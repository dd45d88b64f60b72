"""Gated activations: the input times a gate that opens with it."""

import math

from .. import kernels
from .base import CompiledActivation


class _Gated(CompiledActivation):
    """f(x) = x * gate(x), whose derivative gate(x) + x * gate'(x) the output does not tell."""

    _is_gated = True


class GELU(_Gated):
    """The Gaussian error linear unit, f(x) = x * Phi(x), Phi the normal distribution [1]_.

    Parameters
    ----------
    approximate : bool, default=True
        True: Phi(x) = (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2, which moves f by
        less than 5e-4 and is several times faster. False: the exact Phi.

    References
    ----------
    .. [1] Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", 2016, arXiv:1606.08415

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import GELU
    >>> activation = GELU()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[-0.159,  0.   ,  1.955]])
    """

    _parameter_constraints = {"approximate": ["boolean"]}
    _linear = math.sqrt(2.0 / math.pi)
    _cubic = 0.044715 * math.sqrt(2.0 / math.pi)

    def __init__(self, approximate=True):
        self.approximate = approximate

    @property
    def _kind(self):
        return kernels.GELU if self.approximate else kernels.EXACT_GELU

    def _coefficients(self):
        return self._linear, self._cubic


class SiLU(_Gated):
    """The sigmoid linear unit or swish, f(x) = x / (1 + exp(-x)) [1]_.

    References
    ----------
    .. [1] Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function
       approximation in reinforcement learning", 2017, arXiv:1702.03118

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import SiLU
    >>> activation = SiLU()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[-0.269,  0.   ,  1.762]])
    """

    _kind = kernels.SILU


class Mish(_Gated):
    """The mish, f(x) = x * tanh(log(1 + exp(x))) [1]_.

    References
    ----------
    .. [1] Misra, "Mish: a self regularized non-monotonic activation function", 2019,
       arXiv:1908.08681

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import Mish
    >>> activation = Mish()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[-0.303,  0.   ,  1.944]])
    """

    _kind = kernels.MISH
