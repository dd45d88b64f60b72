"""Layers that change the shape of a sample and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils._param_validation import Interval

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
        if not all(_is_whole(n) for n in self.target_shape):
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


class Permute(Layer):
    """Put the axes of each sample in another order.

    out.shape[i] is x.shape[dims[i]], where the axes of a sample count from 1, as in Keras.
    ``Permute((2, 1))`` turns steps into features and features into steps. Sequences of any
    length keep their first axis.

    Parameters
    ----------
    dims : tuple of int
        A permutation of 1 to the number of axes of a sample.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.layers import Permute
    >>> from sknet.network import Network
    >>> Network(Permute((2, 1)), (2, 3)).predict(np.arange(6.0).reshape(1, 2, 3))
    array([[[0., 3.],
            [1., 4.],
            [2., 5.]]])
    """

    _parameter_constraints = {"dims": ["array-like"]}

    def __init__(self, dims: Any) -> None:
        self.dims = dims

    @property
    def is_causal(self) -> bool:
        """Whether the steps stay where they are."""
        return tuple(self.dims)[:1] == (1,)

    def build(self, input_shape: Shape) -> Shape:
        """Work out the output shape."""
        n_axes = len(input_shape)
        is_order = all(map(_is_whole, self.dims))
        if not is_order or sorted(self.dims) != list(range(1, n_axes + 1)):
            self._refuse(
                f"inputs of {len(self.dims)} axes, of which dims={tuple(self.dims)} is an order",
                f"{n_axes} axes, {input_shape}",
                f"Pass each number from 1 to {n_axes} once.",
            )
        if input_shape[0] is None and self.dims[0] != 1:
            self._refuse(
                "dims that begin with 1 for sequences of any length",
                f"{tuple(self.dims)}",
                "Pass an input_shape without None to move their steps.",
            )
        self._order = 0, *map(int, self.dims)
        return tuple(input_shape[d - 1] for d in self.dims)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Move the axes of x."""
        return self._moved("out", x, self._order)

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Move the axes of the gradient back."""
        if not input_grad:
            return None
        return self._moved("grad_x", grad_output, tuple(np.argsort(self._order).tolist()))

    def _moved(self, name, x, order):
        view = x.transpose(order)
        out = self._work(name, view.shape)
        np.copyto(out, view)
        return out

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return the mask if the steps stay, else None."""
        return mask if self.is_causal else None


class RepeatVector(Layer):
    """Make a sequence of n equal steps of each vector, as a decoder of sequences begins with.

    Input shape (F,), output shape (n, F).

    Parameters
    ----------
    n : int
        Number of steps, at least 1.

    Examples
    --------
    >>> from sknet.layers import LSTM, RepeatVector, Sequential
    >>> autoencoder = Sequential([LSTM(8), RepeatVector(20), LSTM(8, return_sequences=True)])
    """

    _parameter_constraints = {"n": [Interval(Integral, 1, None, closed="left")]}

    def __init__(self, n: Any) -> None:
        self.n = n

    def build(self, input_shape: Shape) -> Shape:
        """Take vectors."""
        if len(input_shape) != 1 or input_shape[0] is None:
            self._refuse(
                "inputs of shape (features,)",
                f"{input_shape}",
                "Put a Flatten before it.",
            )
        return (int(self.n), *input_shape)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Repeat x."""
        out = self._work("out", (len(x), *self.output_shape_))
        np.copyto(out, x[:, None])
        return out

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Add up the gradients of the steps."""
        if not input_grad:
            return None
        grad_x = self._work("grad_x", (len(grad_output), *self.input_shape_))
        return np.sum(grad_output, axis=1, out=grad_x)

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return None: all steps are real."""
        return None


def _is_whole(n):
    """Tell whether n is a whole number; True is one to Python, and a slip here."""
    return isinstance(n, Integral) and not isinstance(n, bool)
