"""Branches: groups of input columns that go through layers of their own."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from numbers import Integral
from typing import Any

import numpy as np

from ..cells import named
from ..typing import Array, Shape
from .composite import Composite
from .items import LayerItem
from .parallel import Parallel


class Branch(Composite):
    """Run layers on some of the columns of the input.

    Input shape (F,), output shape (product of the axes of what the layers return,).

    Parameters
    ----------
    columns : int, str, list of int, list of str, slice or list of bool
        Columns of the input, as NumPy would index them; negative ints count from the end. Names
        are those of the data frame that the estimator is fitted to. A branch inside a branch
        counts, or names, the columns that the outer one reads.
    layers : list
        Layers, pairs ("name", layer), or ints: n is short for a dense layer of n units
        with the estimator's activation. An empty list passes the columns on.
    input_shape : tuple of int, default=None
        Shape to which the layers see the columns of a row reshaped, such as ``(28, 28, 1)`` for
        an image and ``(None, 2)`` for a series of two values a step, as many steps as fill the
        columns. None is ``(n_columns,)``.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights inside, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights inside.

    See Also
    --------
    ColumnBranches : Several branches side by side.

    Examples
    --------
    >>> from sknet.layers import GRU, Branch, Dense
    >>> numbers = Branch(slice(2, None), [Dense(16, activation="relu")])
    >>> numbers.get_params()["layers__0__units"]
    16
    >>> series = Branch(["mon", "tue", "wed"], [GRU(8)], input_shape=(3, 1))
    """

    _parameter_constraints = {
        "columns": [Integral, str, slice, "array-like"],
        "input_shape": [tuple, list, None],
        **Composite._parameter_constraints,
    }
    accepts_sparse = False

    def __init__(
        self,
        columns: int | str | Sequence[int] | Sequence[str] | slice | Sequence[bool],
        layers: Sequence[LayerItem],
        *,
        input_shape: Sequence[int | None] | None = None,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.columns: Any = columns
        self.layers = layers
        self.input_shape = input_shape
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    def adapt(self, x: Array) -> Array | None:
        """Let the first layer adapt to the branch's columns."""
        try:
            columns = self._resolve(x.shape[1:])
            shape = self._inner_shape(len(columns))
        except ValueError:
            return  # build refuses them and knows where the layer stands
        super().adapt(x[:, columns].reshape(len(x), *shape))

    def resolve_names(self, names: Any) -> Array | None:
        """Find the positions of the branch's columns; the layers see these alone."""
        chosen = np.atleast_1d(np.array(self.columns, dtype=object)).tolist()
        if chosen and all(isinstance(name, str) for name in chosen):
            positions = {name: position for position, name in enumerate(names)}
            unknown = [name for name in chosen if name not in positions]
            if unknown:
                self._refuse(
                    "names of columns of its input",
                    named(unknown),
                    f"The input has {named(list(names))}.",
                )
            self.columns = [positions[name] for name in chosen]
        if self.input_shape is None:
            try:
                columns = self._resolve(names.shape)
            except ValueError:
                return  # build refuses them
            super().resolve_names(names[columns])

    def build(self, input_shape: Shape) -> Shape:
        """Build the layers for the branch's columns."""
        columns = self._resolve(input_shape)
        self._n_chosen, self._runs = len(columns), _runs(columns)
        self._columns = self._runs[0][1] if len(self._runs) == 1 else columns
        n_columns = input_shape[0]
        self._takes_all = len(columns) == n_columns and bool((columns[:-1] < columns[1:]).all())
        self._shape_inside = self._inner_shape(len(columns))
        shape = super().build(self._shape_inside)
        if None in shape:
            self._refuse(
                "layers that return a known number of values", shape, "Let them keep the length."
            )
        return (prod(shape),)

    def _resolve(self, input_shape):
        """Return the numbers of the columns."""
        if len(input_shape) != 1 or input_shape[0] is None:
            self._refuse("rows of shape (features,)", input_shape, "Put a Flatten before it.")
        n_columns, columns = input_shape[0], self.columns
        if isinstance(columns, slice):
            self._check_slice(columns)
            found = np.arange(*columns.indices(n_columns))
        else:
            found = np.arange(n_columns)[self._as_index(n_columns)]
        if not len(found):
            self._refuse(
                "at least one column",
                f"columns={self.columns!r}, none of {n_columns}",
                "Drop the branch or choose columns.",
            )
        return found

    def _inner_shape(self, n_columns):
        """Return the shape in which the layers see the columns."""
        if self.input_shape is None:
            return (n_columns,)
        shape = tuple(self.input_shape)
        sizes = shape[1:] if shape[:1] == (None,) else shape
        if not shape or not all(isinstance(n, Integral) and n > 0 for n in sizes):
            self._refuse(
                "an input_shape of ints of at least 1, of which the first may be None",
                f"input_shape={self.input_shape!r}",
                "Write the shape of one sample.",
            )
        if len(sizes) < len(shape):
            shape = (n_columns // prod(sizes), *sizes)
        if prod(shape) != n_columns or n_columns == 0:
            self._refuse(
                f"as many columns as input_shape={self.input_shape!r} holds values",
                f"{n_columns} columns",
                "Choose other columns or another shape.",
            )
        return shape

    def _check_slice(self, columns):
        bounds = columns.start, columns.stop, columns.step
        if not all(bound is None or isinstance(bound, Integral) for bound in bounds):
            self._refuse("a slice of ints", f"columns={columns!r}", "Count columns from 0.")
        if columns.step == 0:
            self._refuse("a slice of steps other than 0", f"columns={columns!r}", "Leave it out.")

    def _as_index(self, n_columns):
        """Return columns that are no slice as an array that NumPy can index with."""
        # Of objects, so that what is no number stays what it is.
        columns = np.atleast_1d(np.array(self.columns, dtype=object))
        kinds = {type(column) for column in columns.flat}
        if columns.ndim == 1 and kinds and all(issubclass(kind, str) for kind in kinds):
            self._refuse(
                "positions of columns where its input has no names",
                f"columns={self.columns!r}",
                "Fit the estimator to a data frame, with this layer first, or write positions.",
            )
        bools = kinds & {bool, np.bool_}
        if columns.ndim == 1 and kinds == bools and len(columns) == n_columns:
            return columns.astype(bool)
        integers = not bools and all(issubclass(kind, Integral) for kind in kinds)
        if columns.ndim != 1 or not integers:
            self._refuse(
                "columns as an int, a list of ints, a name, a list of names, a slice or a list "
                f"of {n_columns} bools",
                f"columns={self.columns!r}",
                "Negative ints count from the end.",
            )
        self._check_range(columns, n_columns)
        return columns.astype(np.intp)

    def _check_range(self, columns, n_columns):
        wrong = columns[(columns < -n_columns) | (columns >= n_columns)]
        if len(wrong):
            self._refuse(
                f"columns from {-n_columns} to {n_columns - 1}",
                f"column {wrong[0]}",
                f"The input has {n_columns} columns.",
            )

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Run the layers forward on the branch's columns."""
        self._n_columns = x.shape[1]
        chosen = x if self._takes_all else self._choose(x)
        chosen = chosen.reshape(len(x), *self._shape_inside)
        out = self._forward_children(chosen, training, None, self._children)
        self._shape = out.shape
        return out.reshape(len(out), -1)

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Run the layers backward; columns that the branch does not read have no gradient."""
        if not input_grad:
            self._backward_chosen(grad_output, False)
            return None
        grad_x = self._work("grad_x", (len(grad_output), self._n_columns))
        grad_x.fill(0)
        self._add_gradient(grad_output, grad_x)
        return grad_x

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return None: the output has no axis of steps."""
        return None

    def _choose(self, x):
        # Not a view: layers that change the shape would have to copy it, each time anew.
        out = self._work("chosen", (len(x), self._n_chosen), x.dtype)
        if isinstance(self._columns, slice):
            np.copyto(out, x[:, self._columns])
            return out
        return np.take(x, self._columns, axis=1, out=out, mode="clip")

    def _backward_chosen(self, grad_output, input_grad):
        return self._backward_children(grad_output.reshape(self._shape), input_grad)

    def _add_gradient(self, grad_output, grad_x):
        """Run the layers backward and add to the gradients of the columns."""
        grad = self._backward_chosen(grad_output, True).reshape(len(grad_output), -1)
        for chosen, columns in self._runs:
            part = grad_x[:, columns]
            part += grad[:, chosen]


def _runs(columns):
    """Return pairs of slices (of the chosen columns, of all columns), one a run of neighbours."""
    starts = [0, *(np.flatnonzero(np.diff(columns) != 1) + 1).tolist()]
    runs = []
    for start, end in zip(starts, [*starts[1:], len(columns)], strict=True):
        first = int(columns[start])
        runs.append((slice(start, end), slice(first, first + end - start)))
    return runs


class ColumnBranches(Parallel):
    """Send groups of input columns through layers of their own and merge what they return.

    User and item codes become embeddings beside numeric columns; wide and deep parts stand side
    by side. Columns may be shared, left out, and branched again. Input shape (F,). With P
    branches of outputs b_1 .. b_P, the output shape is (sum of their widths,) for "concatenate",
    (width,) for "add", "multiply", "average" and "maximum", elementwise, and (P (P - 1) / 2,) for
    "dot": the products <b_i, b_j> in the order (1, 2), (1, 3), .., (2, 3), .. of factorization
    machines.

    Parameters
    ----------
    branches : list
        `Branch` objects or pairs ("name", Branch).
    merge : {"concatenate", "add", "multiply", "average", "maximum", "dot"}, \
default="concatenate"
        How outputs are merged; all but the first need branches of one width.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights inside, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights inside.

    See Also
    --------
    Branch : The columns and layers of one of them.
    Parallel : Branches that all take the whole input, of any shape.

    References
    ----------
    Rendle (2010), Factorization machines, IEEE International Conference on Data Mining,
    :doi:`10.1109/ICDM.2010.127`.
    Naumov et al. (2019), Deep learning recommendation model for personalization and
    recommendation systems, :arxiv:`1906.00091`.
    Cheng et al. (2016), Wide & deep learning for recommender systems, :arxiv:`1606.07792`.

    Examples
    --------
    >>> from sknet import NeuralRegressor
    >>> from sknet.layers import Branch, ColumnBranches, Dense
    >>> wide = Branch([0, 1], [])
    >>> deep = Branch(slice(2, None), [Dense(16, activation="relu"), Dense(8)])
    >>> model = NeuralRegressor(layers=[ColumnBranches([("wide", wide), ("deep", deep)])])
    >>> model.get_params()["layers__0__branches__deep__layers__0__units"]
    16
    """

    _has_branches = False

    def _check_branches(self):
        for name, branch in self._children:
            if not isinstance(branch, Branch):
                self._refuse(
                    "Branch objects in branches",
                    f"{type(branch).__name__} as {name!r}",
                    "Write Branch(columns, [...]) around the layers, or use Parallel.",
                )

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Run the branches backward and add up the gradients of the columns."""
        if not input_grad:
            return super().backward(grad_output, False)
        grads = self._merge.backward(grad_output, self._outputs, self._work)
        grad_x = self._work("grad_x", (len(grad_output), *self.input_shape_))
        grad_x.fill(0)
        for (_, branch), grad in zip(self._children, grads, strict=True):
            branch._add_gradient(grad, grad_x)
        return grad_x
