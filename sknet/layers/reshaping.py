"""Layers that change the shape of a sample and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from numbers import Integral

from scipy.sparse import issparse

from ..typing import Array, Shape
from .base import Layer


class _Reshaping(Layer):
    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """View x in the output shape."""
        return _view(x, self.output_shape_)

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """View the gradient in the input shape."""
        return _view(grad_output, self.input_shape_) if input_grad else None

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return the mask if the output has the same steps, else None."""
        return mask if self.output_shape_[0] == self.input_shape_[0] else None


def _view(x, shape):
    return x.reshape(len(x), *(-1 if n is None else n for n in shape))


class Flatten(_Reshaping):
    """Lay out each sample as one row.

    Input shape any, output shape (product of the input's axes,).

    Examples
    --------
    >>> from sknet.layers import Dense, Flatten, Reshape, Sequential
    >>> rows = Sequential([Reshape((8, 8)), Dense(4, activation="relu"), Flatten()])
    """

    def build(self, input_shape: Shape) -> Shape:
        """Take any shape without a free axis."""
        if None in input_shape:
            self._refuse(
                "sequences of one length",
                f"inputs of shape {input_shape}, any number of steps",
                "Put a recurrent or a global pooling layer in its place.",
            )
        return (prod(input_shape),)

    def adapt(self, x: Array) -> Array | None:
        """Pass the rows on; sequences of any length have none."""
        return None if issparse(x) else x.reshape(len(x), -1)

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return None: the output has no steps."""
        return None


class Reshape(_Reshaping):
    """Give each sample another shape with the same number of values, in C order.

    Parameters
    ----------
    target_shape : tuple of int
        The new shape, without the batch; one entry may be -1 and is inferred. For inputs of
        any number of steps it begins with -1, and keeps them.

    Examples
    --------
    >>> from sknet.layers import Dense, Flatten, Reshape, Sequential
    >>> rows = Sequential([Reshape((8, 8)), Dense(4, activation="relu"), Flatten()])
    """

    _parameter_constraints = {"target_shape": ["array-like"]}

    def __init__(self, target_shape: Sequence[int]) -> None:
        self.target_shape = target_shape

    def build(self, input_shape: Shape) -> Shape:
        """Work out the output shape."""
        if not all(isinstance(n, Integral) for n in self.target_shape):
            self._refuse(
                "a target_shape of ints", f"{self.target_shape!r}", "One of them may be -1."
            )
        if None in input_shape:
            return self._keep_steps(input_shape)
        size = prod(input_shape)
        shape = [int(n) for n in self.target_shape]
        known = prod(n for n in shape if n != -1)
        if shape.count(-1) == 1 and known > 0 and size % known == 0:
            shape[shape.index(-1)] = size // known
        if any(n < 1 for n in shape) or prod(shape) != size:
            self._refuse(
                f"inputs that fill target_shape={tuple(self.target_shape)}",
                f"{input_shape} with {size} values",
                "Choose a target_shape with as many values.",
            )
        return tuple(shape)

    def adapt(self, x: Array) -> Array | None:
        """Pass on the samples in their new shape."""
        try:
            return x.reshape(len(x), *self.target_shape)
        except (TypeError, ValueError):
            return None  # build refuses them

    def _keep_steps(self, input_shape):
        shape = tuple(map(int, self.target_shape))
        if shape[:1] != (-1,) or prod(shape[1:]) != prod(input_shape[1:]):
            self._refuse(
                f"a target_shape that begins with -1 and holds {prod(input_shape[1:])} values a "
                "step, as its inputs have any number of steps",
                f"{shape}",
                f"Pass for example (-1, {prod(input_shape[1:])}).",
            )
        return (None, *shape[1:])
