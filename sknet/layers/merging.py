"""Merges: what becomes of the outputs of branches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations
from math import prod
from typing import Any

import numpy as np

from ..base import Workspace
from ..typing import Array, Shape


class Merge:
    """Base class of the merges of arrays b_1, .., b_P of shape (N, ..., F).

    Parameters
    ----------
    shapes : list of tuple of int
        Shapes of the branches' outputs, without the batch.

    Attributes
    ----------
    width : int
        Length of the last axis of the result; the others are those of the branches.
    """

    #: Whether the last axes of the branches may differ.
    takes_any_width = False

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self.width: int | None = shapes[0][-1]

    def forward(self, outputs: Sequence[Array], work: Workspace) -> Array:
        """Merge the outputs of a batch.

        Parameters
        ----------
        outputs : list of ndarray of shape (N, ..., F)
            One array a branch; left as they are.
        work : Workspace
            Gives the memory.

        Returns
        -------
        out : ndarray of shape (N, ..., width)
            The result.
        """
        raise NotImplementedError

    def backward(self, grad: Array, outputs: Sequence[Array], work: Workspace) -> Array | None:
        """Yield the gradient of each output, in memory that the next one uses again.

        Parameters
        ----------
        grad : ndarray of shape (N, ..., width)
            Gradient of the result.
        outputs : list of ndarray of shape (N, ..., F)
            As in the last forward pass.
        work : Workspace
            Gives the memory.

        Yields
        ------
        grad : ndarray of shape (N, ..., F)
            Gradient of one output; may be overwritten.
        """
        raise NotImplementedError


class Concatenate(Merge):
    """Outputs side by side: b = [b_1, .., b_P]."""

    takes_any_width = True

    def __init__(self, shapes: Sequence[Shape]) -> None:
        widths = [shape[-1] for shape in shapes]
        ends = np.cumsum(widths).tolist()
        self.width: int = ends[-1]
        self._parts = [slice(end - width, end) for end, width in zip(ends, widths, strict=True)]

    def forward(self, outputs: list[Array], work: Workspace) -> Array:
        """Copy each output to its place."""
        out = work("out", (*outputs[0].shape[:-1], self.width))
        for part, output in zip(self._parts, outputs, strict=True):
            out[..., part] = output
        return out

    def backward(self, grad: Array, outputs: list[Array], work: Workspace) -> Iterator[Any]:
        """Yield the gradient of each output, in memory that the next one uses again."""
        for part in self._parts:
            copy = work("grad_branch", (*grad.shape[:-1], part.stop - part.start))
            np.copyto(copy, grad[..., part])
            yield copy


class Add(Merge):
    """Elementwise sum: b = b_1 + .. + b_P."""

    _operation = np.add

    def forward(self, outputs: list[Array], work: Workspace) -> Array:
        """Apply the operation to one output after the other."""
        out = work("out", outputs[0].shape)
        np.copyto(out, outputs[0])
        for output in outputs[1:]:
            self._operation(out, output, out=out)
        return out

    def backward(self, grad: Array, outputs: list[Array], work: Workspace) -> Iterator[Any]:
        """Yield the gradient of each output, in memory that the next one uses again."""
        for _ in outputs:
            copy = work("grad_branch", grad.shape)
            np.copyto(copy, grad)
            yield copy


class Average(Add):
    """Elementwise mean: b = (b_1 + .. + b_P) / P."""

    def forward(self, outputs: list[Array], work: Workspace) -> Array:
        """Divide the sum by the number of outputs."""
        out = super().forward(outputs, work)
        out *= 1 / len(outputs)
        return out

    def backward(self, grad: Array, outputs: list[Array], work: Workspace) -> Iterator[Any]:
        """Yield the gradient of each output, in memory that the next one uses again."""
        for copy in super().backward(grad, outputs, work):
            copy *= 1 / len(outputs)
            yield copy


class Multiply(Add):
    """Elementwise product: b = b_1 * .. * b_P."""

    _operation = np.multiply

    def backward(self, grad: Array, outputs: list[Array], work: Workspace) -> Iterator[Any]:
        """Yield the gradient of each output, in memory that the next one uses again."""
        # Not grad * b / b_i: outputs may be zero.
        for position, copy in enumerate(super().backward(grad, outputs, work)):
            for other, output in enumerate(outputs):
                if other != position:
                    copy *= output
            yield copy


class Maximum(Add):
    """Elementwise maximum; the first of several equal outputs has the gradient."""

    _operation = np.maximum

    def backward(self, grad: Array, outputs: list[Array], work: Workspace) -> Iterator[Any]:
        """Yield the gradient of each output, in memory that the next one uses again."""
        largest = work("largest", grad.shape)
        np.copyto(largest, outputs[0])
        for output in outputs[1:]:
            np.maximum(largest, output, out=largest)
        is_other = work("is_other", grad.shape, bool)
        for output, copy in zip(outputs, super().backward(grad, outputs, work), strict=True):
            np.not_equal(output, largest, out=is_other)
            np.copyto(copy, 0, where=is_other)
            yield copy
            # No later output equals NaN, so that each maximum has its gradient once.
            np.logical_not(is_other, out=is_other)
            np.copyto(largest, np.nan, where=is_other)


class Dot(Merge):
    """Dot products over the last axis, of all pairs: b_ij = <b_i, b_j>, i < j."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        n = self._n_branches = len(shapes)
        self.width: int = n * (n - 1) // 2

    # Made when they are first needed: building a layer takes no memory for pairs.
    @cached_property
    def _pairs(self):
        n = self._n_branches
        return np.array([i * n + j for i, j in combinations(range(n), 2)])

    @cached_property
    def _positions(self):
        """Where the gradient of <b_i, b_j> stands, for all i and j; anything for i = j."""
        positions = np.zeros((self._n_branches, self._n_branches), np.intp)
        for position, (i, j) in enumerate(combinations(range(self._n_branches), 2)):
            positions[i, j] = positions[j, i] = position
        return positions

    def forward(self, outputs: list[Array], work: Workspace) -> Array:
        """Multiply the outputs of each row with each other."""
        *axes, width = outputs[0].shape
        n_rows, n = prod(axes), self._n_branches
        stacked = work("stacked", (n_rows, n, width))
        for position, output in enumerate(outputs):
            stacked[:, position] = output.reshape(n_rows, width)
        products = work("products", (n_rows, n, n))
        np.matmul(stacked, stacked.transpose(0, 2, 1), out=products)
        out = work("out", (*axes, self.width))
        flat = products.reshape(n_rows, n * n)
        np.take(flat, self._pairs, axis=1, out=out.reshape(n_rows, self.width), mode="clip")
        return out

    def backward(self, grad: Array, outputs: list[Array], work: Workspace) -> Iterator[Any]:
        """Yield the gradient of each output, in memory that the next one uses again."""
        # d b_i = sum over j of g_ij b_j, with g_ij = g_ji and g_ii = 0
        shape, n = outputs[0].shape, self._n_branches
        n_rows = prod(shape[:-1])
        square = work("products", (n_rows, n, n))
        flat, grad = square.reshape(n_rows, n * n), grad.reshape(n_rows, self.width)
        np.take(grad, self._positions.reshape(-1), axis=1, out=flat, mode="clip")
        flat[:, :: n + 1] = 0
        stacked = work("stacked", (n_rows, n, shape[-1]))
        summed = np.matmul(square, stacked, out=work("grad_stacked", stacked.shape))
        for position in range(n):
            copy = work("grad_branch", shape)
            np.copyto(copy.reshape(n_rows, shape[-1]), summed[:, position])
            yield copy


#: The merges by the names under which layers take them.
MERGES: dict[str, type[Any]] = {
    "concatenate": Concatenate,
    "add": Add,
    "multiply": Multiply,
    "average": Average,
    "maximum": Maximum,
    "dot": Dot,
}
