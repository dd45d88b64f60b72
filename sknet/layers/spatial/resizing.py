"""Images of another size, by a product of matrices for each axis."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import Interval, StrOptions

from ...base import Workspace
from ...typing import Array, Shape
from .axes import LayerOverAxes

_LENGTH = [Interval(Integral, 1, None, closed="left")]


class Resizing(LayerOverAxes):
    """Give images another height and width.

    Pixels are the cells of a regular grid over the image. "bilinear" interpolates between the
    centers of the old pixels at the centers of the new ones, and takes the nearest one outside
    of them; "area" averages what each new cell covers, which suits smaller images: none of the
    old pixels is passed over. Both are a matrix for each axis, out = R x C'. Input shape
    (H, W, channels), output shape (height, width, channels).

    Parameters
    ----------
    height : int
        Height of the output, at least 1.
    width : int, default=None
        Width of the output, at least 1; None is the height.
    interpolation : {"bilinear", "area"}, default="bilinear"
        How the new pixels are made.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.layers import Resizing
    >>> from sknet.network import Network
    >>> image = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> Network(Resizing(2, interpolation="area"), (4, 4, 1)).predict(image)[0, ..., 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """

    _axes = ("height", "width")
    _parameter_constraints = {
        "height": _LENGTH,
        "width": [*_LENGTH, None],
        "interpolation": [StrOptions({"bilinear", "area"})],
    }

    def __init__(self, height: Any, width: Any = None, *, interpolation: str = "bilinear") -> None:
        self.height = height
        self.width = width
        self.interpolation = interpolation

    def build(self, input_shape: Shape) -> Shape:
        """Work out the matrices; there are no weights."""
        self._check_axes(input_shape)
        if input_shape[0] is None:
            self._refuse("images of one size", f"{input_shape}", "Give input_shape the height.")
        size = int(self.height), int(self.width or self.height)
        matrix = area_matrix if self.interpolation == "area" else bilinear_matrix
        self._matrices = [matrix(*ends) for ends in zip(input_shape, size, strict=False)]
        return (*size, input_shape[-1])

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory, and the matrices in the precision of the inputs."""
        super().allocate(batch_size, dtype, rng)
        self._forth = [matrix.astype(dtype) for matrix in self._matrices]
        self._back = [np.ascontiguousarray(matrix.T) for matrix in self._forth]

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Refuse rows of images that are masked: the output has other rows."""
        if mask is not None and not mask.all():
            self._refuse("images without masked rows", "masked ones", "Put it before the Masking.")
        return None

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Resize the images."""
        return transformed("out", x, *self._forth, self._work)

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Give the gradients to the pixels, by the transposed matrices."""
        return transformed("grad_x", grad_output, *self._back, self._work) if input_grad else None


def bilinear_matrix(length: Any, n_out: Any) -> Any:
    """Return the matrix (n_out, length) that interpolates between centers of cells."""
    centers = np.clip((np.arange(n_out) + 0.5) * length / n_out - 0.5, 0, max(length - 1, 0))
    left = np.floor(centers).astype(int)
    matrix = np.zeros((n_out, length))
    matrix[np.arange(n_out), left] = 1 - (centers - left)
    matrix[np.arange(n_out), np.minimum(left + 1, length - 1)] += centers - left
    return matrix


def area_matrix(length: Any, n_out: Any) -> Any:
    """Return the matrix (n_out, length) of the shares of old cells in the new ones."""
    edges = np.arange(n_out + 1) * (length / n_out)
    cells = np.arange(length)
    ends = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
    return np.maximum(ends, 0.0) * (n_out / length)


def transformed(name: str, x: Array, by_height: Any, by_width: Any, work: Workspace) -> Any:
    """Multiply columns of images by one matrix, or one a sample, and rows by the other."""
    n_samples, height, width, channels = x.shape
    tall = work(f"{name}_tall", (n_samples, by_height.shape[-2], width * channels))
    np.matmul(by_height, x.reshape(n_samples, height, width * channels), out=tall)
    out = work(name, (n_samples, by_height.shape[-2], len(by_width), channels))
    rows = tall.reshape(-1, width, channels)
    np.matmul(by_width, rows, out=out.reshape(-1, len(by_width), channels))
    return out
