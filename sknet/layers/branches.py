"""Branches: groups of input columns that go through layers of their own."""

from functools import cached_property
from itertools import combinations
from math import prod
from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import StrOptions

from ..cells import named
from .base import build_layer
from .composite import Composite, named_layers


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

    def __init__(self, columns, layers, *, input_shape=None, trainable=True):
        self.columns = columns
        self.layers = layers
        self.input_shape = input_shape
        self.trainable = trainable

    def adapt(self, x):
        """Let the first layer adapt to the branch's columns."""
        try:
            columns = self._resolve(x.shape[1:])
            shape = self._inner_shape(len(columns))
        except ValueError:
            return  # build refuses them and knows where the layer stands
        super().adapt(x[:, columns].reshape(len(x), *shape))

    def resolve_names(self, names):
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

    def build(self, input_shape):
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

    def forward(self, x, training=False, mask=None):
        """Run the layers forward on the branch's columns."""
        self._n_columns = x.shape[1]
        chosen = x if self._takes_all else self._choose(x)
        chosen = chosen.reshape(len(x), *self._shape_inside)
        out = self._forward_children(chosen, training, None, self._children)
        self._shape = out.shape
        return out.reshape(len(out), -1)

    def backward(self, grad_output, input_grad=True):
        """Run the layers backward; columns that the branch does not read have no gradient."""
        if not input_grad:
            self._backward_chosen(grad_output, False)
            return None
        grad_x = self._work("grad_x", (len(grad_output), self._n_columns))
        grad_x.fill(0)
        self._add_gradient(grad_output, grad_x)
        return grad_x

    def compute_mask(self, x, mask):
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


class ColumnBranches(Composite):
    """Send groups of input columns through layers of their own and merge what they return.

    User and item codes become embeddings beside numeric columns; wide and deep parts stand side
    by side. Columns may be shared, left out, and branched again. Input shape (F,). With P
    branches of outputs b_1 .. b_P, the output shape is (sum of their widths,) for "concatenate",
    (width,) for "sum" and "multiply", elementwise, and (P (P - 1) / 2,) for "dot": the products
    <b_i, b_j> in the order (1, 2), (1, 3), .., (2, 3), .. of factorization machines.

    Parameters
    ----------
    branches : list
        `Branch` objects or pairs ("name", Branch).
    merge : {"concatenate", "sum", "multiply", "dot"}, default="concatenate"
        How outputs are merged; all but the first need branches of one width.
    trainable : bool, default=True
        Whether training changes the weights inside.

    See Also
    --------
    Branch : The columns and layers of one of them.

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

    _list_parameters = ("branches",)
    _parameter_constraints = {
        "branches": [list, tuple],
        "merge": [StrOptions({"concatenate", "sum", "multiply", "dot"})],
        "trainable": ["boolean"],
    }
    accepts_sparse = False

    def __init__(self, branches, merge="concatenate", *, trainable=True):
        self.branches = branches
        self.merge = merge
        self.trainable = trainable

    def adapt(self, x):
        """Let every branch adapt to its columns."""
        for branch in self._validated_items():
            branch.adapt(x)

    def resolve_names(self, names):
        """Let every branch find its columns."""
        for branch in self._validated_items():
            branch.resolve_names(names)

    def _owner(self):
        return "__".join(filter(None, [getattr(self, "_path", ""), "branches"]))

    def build(self, input_shape):
        """Build every branch, and what merges them."""
        owner = self._owner()
        self._children = named_layers(self.branches, owner=owner)
        for name, branch in self._children:
            if not isinstance(branch, Branch):
                self._refuse(
                    "Branch objects in branches",
                    f"{type(branch).__name__} as {name!r}",
                    "Write Branch(columns, [...]) around the layers.",
                )
            branch._inside_frozen = self.is_frozen
            build_layer(branch, f"{owner}__{name}", input_shape)
        fewest = 2 if self.merge == "dot" else 1
        if len(self._children) < fewest:
            self._refuse(
                f"{fewest} or more branches for merge={self.merge!r}",
                len(self._children),
                "Add a Branch.",
            )
        widths = [branch.output_shape_[0] for _, branch in self._children]
        if self.merge != "concatenate" and len(set(widths)) > 1:
            self._refuse(
                f"branches of one width for merge={self.merge!r}",
                f"the widths {', '.join(map(str, widths))}",
                'End each branch with as many outputs, or merge by "concatenate".',
            )
        self._merge = _MERGES[self.merge](widths)
        return (self._merge.width,)

    def forward(self, x, training=False, mask=None):
        """Run the branches forward and merge their outputs."""
        outputs = [branch.forward(x, training) for _, branch in self._children]
        self._n_columns = x.shape[1]
        if training:
            self._outputs = outputs
        return self._merge.forward(outputs, self._work)

    def backward(self, grad_output, input_grad=True):
        """Run the branches backward and add up the gradients of the columns."""
        grads = self._merge.backward(grad_output, self._outputs, self._work)
        if not input_grad:
            for (_, branch), grad in zip(self._children, grads, strict=True):
                branch.backward(grad, input_grad=False)
            return None
        grad_x = self._work("grad_x", (len(grad_output), self._n_columns))
        grad_x.fill(0)
        for (_, branch), grad in zip(self._children, grads, strict=True):
            branch._add_gradient(grad, grad_x)
        return grad_x

    def compute_mask(self, x, mask):
        """Return None: the output has no axis of steps."""
        return None


class _Concatenate:
    """Outputs side by side: b = [b_1, .., b_P]."""

    def __init__(self, widths):
        ends = np.cumsum(widths).tolist()
        self.width = ends[-1]
        self._parts = [slice(end - width, end) for end, width in zip(ends, widths, strict=True)]

    def forward(self, outputs, work):
        out = work("out", (len(outputs[0]), self.width))
        for part, output in zip(self._parts, outputs, strict=True):
            out[:, part] = output
        return out

    def backward(self, grad, outputs, work):
        """Yield the gradient of each output, in memory that the next one uses again."""
        for part in self._parts:
            copy = work("grad_branch", (len(grad), part.stop - part.start))
            np.copyto(copy, grad[:, part])
            yield copy


class _Sum:
    """Elementwise sum: b = b_1 + .. + b_P."""

    operation = np.add

    def __init__(self, widths):
        self.width = widths[0]

    def forward(self, outputs, work):
        out = work("out", outputs[0].shape)
        np.copyto(out, outputs[0])
        for output in outputs[1:]:
            self.operation(out, output, out=out)
        return out

    def backward(self, grad, outputs, work):
        """Yield the gradient of each output, in memory that the next one uses again."""
        for _ in outputs:
            copy = work("grad_branch", grad.shape)
            np.copyto(copy, grad)
            yield copy


class _Multiply(_Sum):
    """Elementwise product: b = b_1 * .. * b_P."""

    operation = np.multiply

    def backward(self, grad, outputs, work):
        """Yield the gradient of each output, in memory that the next one uses again."""
        # Not grad * b / b_i: outputs may be zero.
        for position, copy in enumerate(super().backward(grad, outputs, work)):
            for other, output in enumerate(outputs):
                if other != position:
                    copy *= output
            yield copy


class _Dot:
    """Dot products of all pairs: b_ij = <b_i, b_j>, i < j."""

    def __init__(self, widths):
        self._n_branches = n = len(widths)
        self.width = n * (n - 1) // 2

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

    def forward(self, outputs, work):
        n_rows, n = len(outputs[0]), self._n_branches
        stacked = work("stacked", (n_rows, n, outputs[0].shape[1]))
        for position, output in enumerate(outputs):
            stacked[:, position] = output
        products = work("products", (n_rows, n, n))
        np.matmul(stacked, stacked.transpose(0, 2, 1), out=products)
        out = work("out", (n_rows, self.width))
        flat = products.reshape(n_rows, n * n)
        return np.take(flat, self._pairs, axis=1, out=out, mode="clip")

    def backward(self, grad, outputs, work):
        """Yield the gradient of each output, in memory that the next one uses again."""
        # d b_i = sum over j of g_ij b_j, with g_ij = g_ji and g_ii = 0
        n_rows, n = len(grad), self._n_branches
        square = work("products", (n_rows, n, n))
        flat = square.reshape(n_rows, n * n)
        np.take(grad, self._positions.reshape(-1), axis=1, out=flat, mode="clip")
        flat[:, :: n + 1] = 0
        stacked = work("stacked", (n_rows, n, outputs[0].shape[1]))
        summed = np.matmul(square, stacked, out=work("grad_stacked", stacked.shape))
        for position in range(n):
            copy = work("grad_branch", outputs[0].shape)
            np.copyto(copy, summed[:, position])
            yield copy


_MERGES = {"concatenate": _Concatenate, "sum": _Sum, "multiply": _Multiply, "dot": _Dot}
