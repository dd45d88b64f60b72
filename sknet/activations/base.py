"""What all activations share, and the identity."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import prod
from typing import Any

from numpy.typing import DTypeLike

from .. import kernels
from ..base import Component, Workspace
from ..custom import OF_ACTIVATIONS, check_calls
from ..typing import Array

#: Elements of a sample from which zeros for one serve all: they stay in the cache, so that a
#: comparison takes 0.55 to 0.9 of the time. With 1,024 elements it took up to 1.3 times as long.
_LONG_SAMPLE = 2**12


class _Scratch(Workspace):
    """Workspace that also has zeros and ones, which are made once and only read after that.

    The ufuncs `maximum` and `minimum` are vectorised for two arrays but not for an array and a
    scalar: a comparison with a kept array of zeros takes a third of the time.
    """

    def zeros(self, shape: tuple[int, ...]) -> Any:
        """Return zeros that broadcast to a shape."""
        if prod(shape[1:]) >= _LONG_SAMPLE:
            shape = shape[1:]
        return self._filled("zeros", shape, 0)

    def ones(self, n: Any) -> Any:
        """Return a vector of ones."""
        return self._filled("ones", (n,), 1)

    def _filled(self, name, shape, value):
        known = self._memory.get(name)
        array = self(name, shape)
        if self._memory[name] is not known:
            self._memory[name].fill(value)
        return array


class Activation(Component, ABC):
    """Elementwise function of a layer's output, with its derivative.

    Arrays have any shape ``(N, ...)`` with the batch on the first axis and the dtype given to
    `allocate`. A subclass implements `forward` and `backward`; it takes scratch arrays from
    ``self._work("name", shape)`` and zeros, to read and to broadcast, from
    ``self._zeros(shape)``.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import Activation
    >>> class Square(Activation):
    ...     def forward(self, x: Array, out: Array, training: bool = False) -> Array:
    ...         if training:
    ...             np.multiply(x, 2.0, out=self._work("derivative", x.shape))
    ...         return np.square(x, out=out)
    ...
    ...     def backward(self, grad: Array, out: Array) -> Array:
    ...         return np.multiply(grad, self._work("derivative", grad.shape), out=grad)
    >>> square = Square()
    >>> square.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 3.0]])
    >>> square.forward(x, np.empty_like(x), training=True)
    array([[1., 9.]])
    >>> square.backward(np.ones((1, 2)), out=None)
    array([[-2.,  6.]])
    """

    #: Name of the kernel initializer that suits a layer with this activation: Glorot's, as in
    #: scikit-learn's MLP and in Keras, unless the activation needs another.
    initializer = "glorot_uniform"
    #: Whether each element is treated by itself.
    is_elementwise = True
    #: What kernels call the function, once there is scratch memory: its kind, whether they need
    #: the derivative that `forward` leaves, and two coefficients. None if it is none of theirs.
    compiled = None
    #: Whether it is one of theirs.
    is_compiled = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_calls(cls, OF_ACTIVATIONS)

    def allocate(self, n_rows: int, dtype: DTypeLike) -> None:
        """Make the scratch memory.

        Parameters
        ----------
        n_rows : int
            Largest number of rows of the batches to come.
        dtype : dtype
            Element type of the batches: float32 or float64.
        """
        self._work = _Scratch(n_rows, dtype)
        self._zeros = self._work.zeros

    @abstractmethod
    def forward(self, x: Array, out: Array, training: bool = False) -> Array:
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
    def backward(self, grad: Array, out: Array) -> Array:
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

    def forward_biased(self, x: Array, bias: Array, training: bool = False) -> Array:
        """Add a bias to every row and apply the function, in place.

        Parameters
        ----------
        x : ndarray of shape (N, ..., U)
            Products of a layer; overwritten by the result.
        bias : ndarray of shape (U,)
            What to add.
        training : bool, default=False
            Whether `backward_biased` follows.

        Returns
        -------
        out : ndarray of shape (N, ..., U)
            The same array.
        """
        kernels.activate(kernels.IDENTITY, x, bias, x, None, 0.0, 0.0, self._work)
        return self.forward(x, x, training)

    def backward_biased(self, grad: Array, out: Array, bias_grad: Array) -> Array:
        """Multiply a gradient by the derivative, and add up that of the bias.

        Parameters
        ----------
        grad : ndarray of shape (N, ..., U)
            Gradient with respect to the output; overwritten by the result.
        out : ndarray of shape (N, ..., U)
            What the last ``forward_biased(..., training=True)`` returned; read only.
        bias_grad : ndarray of shape (U,)
            Gradient with respect to the bias; written.

        Returns
        -------
        grad : ndarray of shape (N, ..., U)
            The same array, now the gradient with respect to the product.
        """
        grad = self.backward(grad, out)
        kernels.deactivate(kernels.IDENTITY, grad, grad, bias_grad, 0.0, 0.0, self._work)
        return grad


class CompiledActivation(Activation):
    """Base of the activations that kernels compute, together with the bias of a layer."""

    _kind = kernels.IDENTITY
    _is_gated = False

    def allocate(self, n_rows: int, dtype: DTypeLike) -> None:
        super().allocate(n_rows, dtype)
        if self.is_compiled:
            self.compiled = self._kind, self._is_gated, *self._coefficients()

    @property
    def is_compiled(self) -> bool:
        """Whether kernels compute the function, and not a subclass or NumPy."""
        own = type(self).forward, type(self).backward
        inherited = CompiledActivation.forward, CompiledActivation.backward
        return own == inherited and self._kind != kernels.EXACT_GELU

    def _coefficients(self):
        """Return what the kernel calls slope and limit, as Python floats."""
        return 0.0, 0.0

    def forward(self, x: Array, out: Array, training: bool = False) -> Array:
        self._activate(x, None, out, training)
        return out

    def backward(self, grad: Array, out: Array) -> Array:
        self._deactivate(grad, out, None)
        return grad

    def forward_biased(self, x: Array, bias: Array, training: bool = False) -> Array:
        if type(self).forward is not CompiledActivation.forward:  # a subclass has its own
            return super().forward_biased(x, bias, training)
        self._activate(x, bias, x, training)
        return x

    def backward_biased(self, grad: Array, out: Array, bias_grad: Array) -> Array:
        if type(self).backward is not CompiledActivation.backward:
            return super().backward_biased(grad, out, bias_grad)
        self._deactivate(grad, out, bias_grad)
        return grad

    def _activate(self, x, bias, out, training):
        # The output of a gated activation does not tell its derivative.
        stores = training and self._is_gated
        derivative = self._work("derivative", x.shape) if stores else None
        slope, limit = self._coefficients()
        kernels.activate(self._kind, x, bias, out, derivative, slope, limit, self._work)

    def _deactivate(self, grad, out, bias_grad):
        if self._is_gated:
            out = self._work("derivative", grad.shape)
        slope, limit = self._coefficients()
        kernels.deactivate(self._kind, grad, out, bias_grad, slope, limit, self._work)


class Identity(CompiledActivation):
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

    _work = None  # it needs none, and runs before `allocate`
