"""What all activations share, and the identity."""

from abc import ABC, abstractmethod
from math import prod

import numpy as np

from ..base import Component, Workspace

#: Elements of a sample from which zeros for one serve all: they stay in the cache, so that a
#: comparison takes 0.55 to 0.9 of the time. With 1,024 elements it took up to 1.3 times as long.
_LONG_SAMPLE = 2**12


class _Zeros(Workspace):
    """Workspace of one array, which is zeroed when it is made and only read after that.

    The ufuncs `maximum` and `minimum` are vectorised for two arrays but not for an array and a
    scalar: a comparison with a kept array of zeros takes a third of the time.
    """

    def __call__(self, shape):
        if prod(shape[1:]) >= _LONG_SAMPLE:
            shape = shape[1:]
        known = self._memory.get("zeros")
        zeros = super().__call__("zeros", shape)
        if self._memory["zeros"] is not known:
            self._memory["zeros"].fill(0)
        return zeros


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

    #: Name of the kernel initializer that suits a layer with this activation: Glorot's, as in
    #: scikit-learn's MLP and in Keras, unless the activation needs another.
    initializer = "glorot_uniform"
    #: Whether each element is treated by itself.
    is_elementwise = True

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
