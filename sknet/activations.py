"""Activation functions: elementwise, in place, without allocating."""

import difflib
import math
from abc import ABC, abstractmethod
from numbers import Real

import numpy as np
from scipy.special import erf
from sklearn.base import clone
from sklearn.utils._param_validation import Interval

from .base import Component, Workspace

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "Identity",
    "LeakyReLU",
    "Logistic",
    "Mish",
    "ReLU",
    "SiLU",
    "Softplus",
    "Tanh",
    "get_activation",
]


def named_component(value, registry, base, parameter):
    """Return a fresh component for a name or for a component.

    Parameters
    ----------
    value : str or component
        A name in `registry`, or an instance of `base`, which is cloned.
    registry : dict of str to class
        The classes by name; each is made with its default parameters.
    base : type
        The class that components of this family derive from.
    parameter : str
        What the family is called in the message.

    Returns
    -------
    component : object
        A new instance of `base`.

    Raises
    ------
    ValueError
        If `value` is neither; the message lists the names.
    """
    if isinstance(value, base):
        return clone(value)
    if isinstance(value, str) and value in registry:
        return registry[value]()
    hint = ""
    if isinstance(value, str):
        close = difflib.get_close_matches(value.lower(), registry, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
    elif isinstance(value, type) and issubclass(value, base):
        hint = f" Pass an object, {value.__name__}(...), instead of the class."
    names = ", ".join(map(repr, registry))
    raise ValueError(
        f"{parameter} must be one of {names}, or an instance of {base.__name__}; "
        f"got {value!r}.{hint}"
    )


class _Zeros(Workspace):
    """Workspace of one array, which is zeroed when it is made and only read after that.

    The ufuncs `maximum` and `minimum` are vectorised for two arrays but not for an array and a
    scalar: a comparison with a kept array of zeros takes a third of the time.
    """

    def __call__(self, shape):
        known = self._arrays.get("zeros")
        zeros = super().__call__("zeros", shape)
        if self._arrays["zeros"] is not known:
            self._arrays["zeros"].fill(0)
        return zeros

    def __reduce__(self):
        return _Zeros, (self.n_rows, self.dtype)


class Activation(Component, ABC):
    """Elementwise function of a layer's output, with its derivative.

    Arrays have any shape ``(N, ...)`` with the batch on the first axis and the dtype given to
    `allocate`. A subclass implements `forward` and `backward`; it takes scratch arrays from
    ``self._work("name", shape)`` and an array of zeros from ``self._zeros(shape)``.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import Activation
    >>> class Square(Activation):
    ...     def forward(self, x, out, training=False):
    ...         if training:
    ...             np.multiply(x, 2.0, out=self._work("derivative", x.shape))
    ...         return np.square(x, out=out)
    ...
    ...     def backward(self, grad, out):
    ...         return np.multiply(grad, self._work("derivative", grad.shape), out=grad)
    >>> square = Square()
    >>> square.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 3.0]])
    >>> square.forward(x, np.empty_like(x), training=True)
    array([[1., 9.]])
    >>> square.backward(np.ones((1, 2)), out=None)
    array([[-2.,  6.]])
    """

    #: Name of the kernel initializer that suits a layer with this activation.
    initializer = "glorot_uniform"

    def allocate(self, n_rows, dtype):
        """Make the scratch memory.

        Parameters
        ----------
        n_rows : int
            Largest number of rows of the batches to come.
        dtype : dtype
            Element type of the batches: float32 or float64.
        """
        self._work = Workspace(n_rows, dtype)
        self._zeros = _Zeros(n_rows, dtype)

    @abstractmethod
    def forward(self, x, out, training=False):
        """Apply the function to every element.

        Parameters
        ----------
        x : ndarray of shape (N, ...)
            Values before the activation.
        out : ndarray of shape (N, ...)
            Result; written. It may be `x` itself.
        training : bool, default=False
            Whether `backward` follows; only then is what it needs stored.

        Returns
        -------
        out : ndarray of shape (N, ...)
            The same array.
        """

    @abstractmethod
    def backward(self, grad, out):
        """Multiply a gradient by the derivative of the last training `forward`.

        Parameters
        ----------
        grad : ndarray of shape (N, ...)
            Gradient with respect to the output; overwritten by the result.
        out : ndarray of shape (N, ...)
            What the last ``forward(..., training=True)`` returned; read only.

        Returns
        -------
        grad : ndarray of shape (N, ...)
            The same array, now the gradient with respect to the input.
        """

    def _positive(self, out):
        """Return the mask of the positive elements, in scratch memory."""
        return np.greater(out, 0, out=self._work("positive", out.shape, bool))


class Identity(Activation):
    """The identity, f(x) = x.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import Identity
    >>> activation = Identity()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x)
    array([[-1.,  0.,  2.]])
    """

    def forward(self, x, out, training=False):
        if out is not x:
            np.copyto(out, x)
        return out

    def backward(self, grad, out):
        return grad


class Logistic(Activation):
    """The logistic sigmoid, f(x) = 1 / (1 + exp(-x)), with values in [0, 1].

    It is computed as (tanh(x / 2) + 1) / 2, which is fast and never overflows; its error is
    absolute, so that values below about 1e-16 (float64) come out as 0.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import Logistic
    >>> activation = Logistic()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[0.269, 0.5  , 0.881]])
    """

    def forward(self, x, out, training=False):
        return _logistic(x, out)

    def backward(self, grad, out):
        derivative = np.subtract(1.0, out, out=self._work("scratch", out.shape))
        derivative *= out
        return np.multiply(grad, derivative, out=grad)


class Tanh(Activation):
    """The hyperbolic tangent, f(x) = tanh(x), with values in [-1, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import Tanh
    >>> activation = Tanh()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[-0.762,  0.   ,  0.964]])
    """

    def forward(self, x, out, training=False):
        return np.tanh(x, out=out)

    def backward(self, grad, out):
        derivative = np.square(out, out=self._work("scratch", out.shape))
        np.subtract(1.0, derivative, out=derivative)
        return np.multiply(grad, derivative, out=grad)


class ReLU(Activation):
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

    initializer = "he_uniform"

    def forward(self, x, out, training=False):
        return np.maximum(x, self._zeros(x.shape), out=out)

    def backward(self, grad, out):
        return np.multiply(grad, self._positive(out), out=grad)


class LeakyReLU(Activation):
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

    initializer = "he_uniform"
    # A slope in [0, 1] lets the maximum choose the branch and keeps the sign of x in the output.
    _parameter_constraints = {"negative_slope": [Interval(Real, 0, 1, closed="both")]}

    def __init__(self, negative_slope=0.01):
        self.negative_slope = negative_slope

    def forward(self, x, out, training=False):
        leak = np.multiply(x, float(self.negative_slope), out=self._work("scratch", x.shape))
        return np.maximum(x, leak, out=out)

    def backward(self, grad, out):
        slope = float(self.negative_slope)
        derivative = self._work("scratch", out.shape)
        np.multiply(self._positive(out), 1.0 - slope, out=derivative, dtype=derivative.dtype)
        derivative += slope
        return np.multiply(grad, derivative, out=grad)


class _ExponentialLinear(Activation):
    """f(x) = slope * x for x > 0, else limit * (exp(x) - 1)."""

    @abstractmethod
    def _coefficients(self):
        """Return (slope, limit) as Python floats."""

    def forward(self, x, out, training=False):
        slope, limit = self._coefficients()
        zeros = self._zeros(x.shape)
        negative = np.minimum(x, zeros, out=self._work("scratch", x.shape))
        np.expm1(negative, out=negative)
        negative *= limit
        np.maximum(x, zeros, out=out)
        if slope != 1.0:
            out *= slope
        return np.add(out, negative, out=out)

    def backward(self, grad, out):
        # limit * exp(x) = out + limit for x <= 0; for x > 0, slope = 0 + limit + (slope - limit).
        slope, limit = self._coefficients()
        derivative = np.minimum(out, self._zeros(out.shape), out=self._work("scratch", out.shape))
        derivative += limit
        if slope != limit:
            jump = self._work("jump", out.shape)
            np.multiply(self._positive(out), slope - limit, out=jump, dtype=jump.dtype)
            derivative += jump
        return np.multiply(grad, derivative, out=grad)


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

    initializer = "he_uniform"
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


class Softplus(Activation):
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

    initializer = "he_uniform"

    def forward(self, x, out, training=False):
        # max(x, 0) + log(1 + exp(-|x|)) does not overflow.
        correction = np.absolute(x, out=self._work("scratch", x.shape))
        np.negative(correction, out=correction)
        np.exp(correction, out=correction)
        np.log1p(correction, out=correction)
        np.maximum(x, self._zeros(x.shape), out=out)
        return np.add(out, correction, out=out)

    def backward(self, grad, out):
        # The derivative, the logistic of x, is 1 - exp(-out).
        derivative = np.negative(out, out=self._work("scratch", out.shape))
        np.expm1(derivative, out=derivative)
        np.negative(derivative, out=derivative)
        return np.multiply(grad, derivative, out=grad)


class _Gated(Activation):
    """f(x) = x * gate(x), whose derivative gate(x) + x * gate'(x) the output does not tell."""

    initializer = "he_uniform"

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
        less than 5e-4 and is several times faster. False: the exact Phi by `erf`.

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
        if self.approximate:
            np.square(x, out=gate)
            gate *= self._cubic
            gate += self._linear
            gate *= x
            np.tanh(gate, out=gate)
        else:
            np.multiply(x, math.sqrt(0.5), out=gate)
            erf(gate, out=gate)
        gate += 1.0
        gate *= 0.5

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
        _logistic(x, gate)

    def _gate_derivative(self, x, gate, derivative):
        np.subtract(1.0, gate, out=derivative)
        derivative *= gate


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


def _logistic(x, out):
    np.multiply(x, 0.5, out=out)
    np.tanh(out, out=out)
    out += 1.0
    out *= 0.5
    return out


#: The activations by name.
ACTIVATIONS = {
    "identity": Identity,
    "logistic": Logistic,
    "sigmoid": Logistic,
    "tanh": Tanh,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SiLU,
    "mish": Mish,
    "softplus": Softplus,
}


def get_activation(activation):
    """Return a fresh activation for a name or an activation.

    Parameters
    ----------
    activation : str, Activation or None
        A name in ``ACTIVATIONS``; None for the identity; or an activation, which is cloned.

    Returns
    -------
    activation : Activation
        A new activation, not yet allocated.

    Raises
    ------
    ValueError
        If `activation` is none of these; the message lists the names.

    Examples
    --------
    >>> from sknet.activations import get_activation
    >>> get_activation("leaky_relu")
    LeakyReLU()
    """
    if activation is None:
        return Identity()
    return named_component(activation, ACTIVATIONS, Activation, "activation")
