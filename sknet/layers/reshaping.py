"""Layers that change the shape of a sample and nothing else."""

from math import prod
from numbers import Integral

from .base import Layer


class _Reshaping(Layer):
    def forward(self, x, training=False, mask=None):
        """View x in the output shape."""
        return x.reshape(len(x), *self.output_shape_)

    def backward(self, grad_output, input_grad=True):
        """View the gradient in the input shape."""
        return grad_output.reshape(len(grad_output), *self.input_shape_) if input_grad else None

    def compute_mask(self, x, mask):
        """Return None: the output has no axis of steps."""
        return None


class Flatten(_Reshaping):
    """Lay out each sample as one row.

    Input shape any, output shape (product of the input's axes,).

    Examples
    --------
    >>> from sknet.layers import Dense, Flatten, Reshape, Sequential
    >>> rows = Sequential([Reshape((8, 8)), Dense(4, activation="relu"), Flatten()])
    """

    def build(self, input_shape):
        """Take any shape."""
        return (prod(input_shape),)


class Reshape(_Reshaping):
    """Give each sample another shape with the same number of values, in C order.

    Parameters
    ----------
    target_shape : tuple of int
        The new shape, without the batch; one entry may be -1 and is inferred.

    Examples
    --------
    >>> from sknet.layers import Dense, Flatten, Reshape, Sequential
    >>> rows = Sequential([Reshape((8, 8)), Dense(4, activation="relu"), Flatten()])
    """

    _parameter_constraints = {"target_shape": ["array-like"]}

    def __init__(self, target_shape):
        self.target_shape = target_shape

    def build(self, input_shape):
        """Work out the output shape."""
        size = prod(input_shape)
        if not all(isinstance(n, Integral) for n in self.target_shape):
            self._refuse(
                "a target_shape of ints", f"{self.target_shape!r}", "One of them may be -1."
            )
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
