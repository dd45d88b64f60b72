"""Layers that repeat elements of sequences, images or videos."""

from __future__ import annotations

from math import prod

import numpy as np
from sklearn.utils._param_validation import StrOptions

from ...kernels.numpy_kernels.pooling import along
from ...typing import Shape
from .axes import OrderedLayer
from .resizing import bilinear_matrix, transformed
from .windows import SIZE


class _UpSampling(OrderedLayer):
    """Repetition of elements along any number of axes."""

    _parameter_constraints = {"size": SIZE}

    def build(self, input_shape: Shape) -> Shape:
        """Work out the lengths; there are no weights."""
        self._check_axes(input_shape)
        self._size = self._per_axis("size")
        return (*self._lengths(input_shape[:-1]), input_shape[-1])

    def _lengths(self, lengths):
        pairs = zip(lengths, self._size, strict=True)
        return tuple(None if n is None else n * size for n, size in pairs)

    def _output_mask(self, x, mask):
        return None if mask is None else np.repeat(mask, self._size[0], axis=1)

    def _forward(self, x, training, mask):
        """Repeat the elements."""
        out = self._work("out", (len(x), *self._lengths(x.shape[1:-1]), x.shape[-1]))
        repeated, single = [len(x)], [len(x)]
        for length, size in zip(x.shape[1:-1], self._size, strict=True):
            repeated += [length, size]
            single += [length, 1]
        np.copyto(out.reshape(*repeated, x.shape[-1]), x.reshape(*single, x.shape[-1]))
        return out

    def _backward(self, grad_output, input_grad):
        """Sum the gradients of the repetitions of each element."""
        if not input_grad:
            return None
        grad, shape = grad_output, list(grad_output.shape)
        for axis, size in enumerate(self._size):
            shape[1 + axis] //= size
            total = self._work(f"grad_{axis}", tuple(shape))
            # The repetitions of one element, (rows, size, elements after them).
            repetitions = along(grad, axis).reshape(prod(shape[: 2 + axis]), size, -1)
            np.add.reduce(repetitions, axis=1, out=total.reshape(len(repetitions), -1))
            grad = total
        return grad


class UpSampling1D(_UpSampling):
    """Repeat each step of a sequence.

    out[t] = x[t // size]. Input shape (T, C), where T may be None; output shape (T size, C).
    The mask is repeated, too.

    Parameters
    ----------
    size : int, default=2
        How many times each step stands in the output, at least 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.layers import UpSampling1D
    >>> from sknet.network import Network
    >>> Network(UpSampling1D(2), (3, 1)).predict(np.array([[[1.0], [2.0], [3.0]]])).ravel()
    array([1., 1., 2., 2., 3., 3.])
    """

    _axes = ("steps",)

    def __init__(self, size: int = 2) -> None:
        self.size = size


class UpSampling2D(_UpSampling):
    """Enlarge images by whole factors.

    "nearest" repeats each pixel; "bilinear" interpolates between the centres of the pixels and
    takes the nearest one outside of them. Input shape (H, W, C), output shape
    (H size, W size, C).

    Parameters
    ----------
    size : int or tuple of 2 int, default=2
        Factors of height and width, at least 1.
    interpolation : {"nearest", "bilinear"}, default="nearest"
        How the new pixels are made.

    Examples
    --------
    >>> from sknet.layers import Flatten, Reshape, Sequential, UpSampling2D
    >>> larger = Sequential([Reshape((8, 8, 1)), UpSampling2D(2), Flatten()])
    """

    _axes = ("height", "width")
    _parameter_constraints = {
        **_UpSampling._parameter_constraints,
        "interpolation": [StrOptions({"nearest", "bilinear"})],
    }

    def __init__(self, size: int = 2, *, interpolation: str = "nearest") -> None:
        self.size = size
        self.interpolation = interpolation

    def _forward(self, x, training, mask):
        """Repeat the pixels, or interpolate between them."""
        if self.interpolation == "nearest":
            return super()._forward(x, training, mask)
        matrices = self._interpolations(x, mask)
        if training:
            self._matrices = matrices
        return transformed("out", x, *matrices, self._work)

    def _backward(self, grad_output, input_grad):
        """Sum the gradients that each pixel contributes to."""
        if not input_grad or self.interpolation == "nearest":
            return super()._backward(grad_output, input_grad)
        transposed = [matrix.swapaxes(-1, -2) for matrix in self._matrices]
        return transformed("grad_x", grad_output, *transposed, self._work)

    def _interpolations(self, x, mask):
        """Return the matrices of height, one a sample if there is a mask, and of width."""
        n_samples, height, width, _ = x.shape
        rows, columns = self._size
        by_width = bilinear_matrix(width, width * columns)
        if mask is None:
            by_height = bilinear_matrix(height, height * rows)
        else:
            by_height = np.zeros((n_samples, height * rows, height))
            for matrix, length in zip(by_height, mask.sum(axis=1), strict=True):
                matrix[: length * rows, :length] = bilinear_matrix(length, length * rows)
        return by_height.astype(x.dtype), by_width.astype(x.dtype)


class UpSampling3D(_UpSampling):
    """Repeat each element of a video or a volume along all axes.

    Input shape (T, H, W, C), where T may be None; output shape (T size, H size, W size, C).
    The mask is repeated, too.

    Parameters
    ----------
    size : int or tuple of 3 int, default=2
        Factors of steps, height and width, at least 1.

    Examples
    --------
    >>> from sknet.layers import Flatten, Reshape, Sequential, UpSampling3D
    >>> larger = Sequential([Reshape((4, 4, 4, 1)), UpSampling3D((1, 2, 2)), Flatten()])
    """

    _axes = ("steps", "height", "width")

    def __init__(self, size: int = 2) -> None:
        self.size = size
