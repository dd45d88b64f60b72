"""Gated activations: the input times a gate that opens with it."""

import math
from abc import abstractmethod

import numpy as np
from scipy.special import ndtr

from .base import Activation
from .saturating import hard_sigmoid, hard_sigmoid_slope, logistic


class _Gated(Activation):
    """f(x) = x * gate(x), whose derivative gate(x) + x * gate'(x) the output does not tell."""

    @abstractmethod
    def _gate(self, x, gate):
        """Write gate(x) to `gate`."""

    @abstractmethod
    def _gate_derivative(self, x, gate, derivative):
        """Write gate'(x) to `derivative`, given what `_gate` has just written."""

    def forward(self, x, out, training=False):
        gate = self._work("gate", x.shape)
        self._gate(x, gate)
        if training:
            derivative = self._work("derivative", x.shape)
            self._gate_derivative(x, gate, derivative)
            derivative *= x
            derivative += gate
        return np.multiply(x, gate, out=out)

    def backward(self, grad, out):
        return np.multiply(grad, self._work("derivative", grad.shape), out=grad)


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

    def _gate(self, x, gate):
        if not self.approximate:
            ndtr(x, out=gate)
            return
        # (1 + tanh(u)) / 2, which cancels where u is negative, is the logistic of 2 u.
        np.square(x, out=gate)
        gate *= 2.0 * self._cubic
        gate += 2.0 * self._linear
        gate *= x
        logistic(gate, gate)

    def _gate_derivative(self, x, gate, derivative):
        np.square(x, out=derivative)
        if self.approximate:
            # d/dx (1 + tanh(u)) / 2 = 2 * gate * (1 - gate) * u'
            derivative *= 6.0 * self._cubic
            derivative += 2.0 * self._linear
            derivative *= gate
            derivative *= np.subtract(1.0, gate, out=self._work("scratch", x.shape))
        else:
            derivative *= -0.5
            np.exp(derivative, out=derivative)
            derivative *= 1.0 / math.sqrt(2.0 * math.pi)


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

    def _gate(self, x, gate):
        logistic(x, gate)

    def _gate_derivative(self, x, gate, derivative):
        np.subtract(1.0, gate, out=derivative)
        derivative *= gate


class HardSwish(_Gated):
    """The swish with straight lines, f(x) = x * min(max(x / 6 + 1 / 2, 0), 1) [1]_.

    References
    ----------
    .. [1] Howard et al., "Searching for MobileNetV3", 2019, arXiv:1905.02244

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import HardSwish
    >>> activation = HardSwish()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[-0.333,  0.   ,  1.667]])
    """

    def _gate(self, x, gate):
        hard_sigmoid(x, gate)

    def _gate_derivative(self, x, gate, derivative):
        hard_sigmoid_slope(gate, derivative, self._work)


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

    # Above this x, tanh(log(1 + exp(x))) rounds to 1 in float64, and exp(x)**2 is finite.
    _saturation = 20.0

    def _gate(self, x, gate):
        # With e = exp(x) and n = e * (e + 2), tanh(log(1 + e)) = n / (n + 2).
        e = self._work("exp", x.shape)
        e.fill(self._saturation)
        np.minimum(x, e, out=e)
        np.exp(e, out=e)
        np.add(e, 2.0, out=gate)
        gate *= e
        gate /= np.add(gate, 2.0, out=self._work("scratch", x.shape))

    def _gate_derivative(self, x, gate, derivative):
        # (1 - gate**2) * logistic(x); `_gate` has left exp(x).
        e = self._work("exp", x.shape)
        e /= np.add(e, 1.0, out=self._work("scratch", x.shape))
        np.square(gate, out=derivative)
        np.subtract(1.0, derivative, out=derivative)
        derivative *= e
