"""Branches that run side by side on the same input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from sklearn.utils._param_validation import StrOptions

from ..base import named_items
from ..typing import Array, Shape
from .base import OF_TRAINING, build_layer
from .composite import Composite, takes_sparse
from .items import BranchItem
from .merging import MERGES
from .sequential.packing import moved_steps, other_places


class Parallel(Composite):
    """Run several branches on the same input and merge what they return.

    Input shape as the branches take it, of any number of axes. The outputs of all branches have
    one shape, (..., F), but "concatenate" allows a last axis F of its own to each. The output
    shape is (..., sum of all F) for "concatenate" and (..., F) for "add", "multiply", "average"
    and "maximum", which are elementwise. "dot" gives inner products over the last axis, which
    stays: (..., 1) for two branches a and b, the sums over a * b, and (..., P (P - 1) / 2) for
    P branches, all pairs in the order (1, 2), (1, 3), .., (2, 3), ...

    With `Residual` and nesting, this makes U-Nets, Inception blocks, dense blocks and two-tower
    models. All branches must agree on which steps of sequences are real.

    Parameters
    ----------
    branches : list
        Branches or pairs ("name", branch). A branch is a layer, an int, short for a dense layer
        with the estimator's activation, or a list of those, which run one after the other; an
        empty list passes the input on. Parameters are reached as in ``branches__0__1__units``,
        or ``branches__name__1__units``.
    merge : {"concatenate", "add", "multiply", "average", "maximum", "dot"}, \
default="concatenate"
        How outputs are merged.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of all weights inside, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights inside.

    Raises
    ------
    ValueError
        If the outputs of the branches do not fit the merge.

    See Also
    --------
    ColumnBranches : Branches that take columns of their own.
    Residual : Adds the input to what layers return.

    References
    ----------
    Ronneberger et al. (2015), U-Net: convolutional networks for biomedical image segmentation,
    :arxiv:`1505.04597`.
    Szegedy et al. (2015), Going deeper with convolutions, :arxiv:`1409.4842`.
    Huang et al. (2017), Densely connected convolutional networks, :arxiv:`1608.06993`.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import Conv2D, Flatten, MaxPool2D, Parallel, UpSampling2D
    >>> below = [MaxPool2D(2), Conv2D(8, 3, padding="same"), UpSampling2D(2)]
    >>> layers = [Conv2D(4, 3, padding="same"), Parallel([[], ("below", below)]), Flatten()]
    >>> model = NeuralClassifier(layers=layers, input_shape=(8, 8, 1))
    >>> model.set_params(layers__1__branches__below__1__filters=16).layers[1].branches[1][1][1]
    Conv2D(filters=16, kernel_size=3, padding='same')
    """

    _list_parameters = ("branches",)
    _has_branches = True
    _parameter_constraints = {
        "branches": [list, tuple],
        "merge": [StrOptions(set(MERGES))],
        **OF_TRAINING,
    }

    def __init__(
        self,
        branches: Sequence[BranchItem],
        merge: Literal[
            "concatenate", "add", "multiply", "average", "maximum", "dot"
        ] = "concatenate",
        *,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.branches = branches
        self.merge = merge
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    @property
    def accepts_sparse(self) -> bool:
        """Whether every branch takes a sparse matrix."""
        branches = [branch for _, branch in named_items(self.branches)]
        # An empty list passes on what it gets, and only dense arrays are merged.
        return bool(branches) and all(
            takes_sparse(branch if isinstance(branch, list | tuple) else [branch])
            for branch in branches
        )

    @property
    def is_causal(self) -> bool:
        """Whether all branches are causal."""
        return len(self.output_shape_) > 1 and all(b.is_causal for _, b in self._children)

    def adapt(self, x: Array) -> Array | None:
        """Let every branch adapt to the input."""
        for branch in self._validated_items():
            branch.adapt(x)

    def resolve_names(self, names: Any) -> Array | None:
        """Let every branch resolve the names."""
        for branch in self._validated_items():
            branch.resolve_names(names)

    def build(self, input_shape: Shape) -> Shape:
        """Build every branch, and what merges them."""
        self._children = self._named_layers(self.branches)
        self._check_branches()
        for name, branch in self._children:
            branch._inside_frozen = self.is_frozen
            build_layer(branch, f"{self._owner()}__{name}", input_shape)
        fewest = 2 if self.merge == "dot" else 1
        if len(self._children) < fewest:
            self._refuse(
                f"{fewest} or more branches for merge={self.merge!r}",
                len(self._children),
                "Add a branch.",
            )
        shapes = [branch.output_shape_ for _, branch in self._children]
        self._check_shapes(shapes)
        self._merge = MERGES[self.merge](shapes)
        return (*shapes[0][:-1], self._merge.width)

    def _check_branches(self):
        """Refuse what cannot be a branch."""

    def _check_shapes(self, shapes):
        first, *_ = names = [name for name, _ in self._children]
        any_width = MERGES[self.merge].takes_any_width
        for name, shape in zip(names, shapes, strict=True):
            if shape[-1] is None:
                self._refuse(
                    "branches that end with a known number of values",
                    f"the shape {shape} from branch {name!r}",
                    "Put an Embedding before it, or pass input_shape=(None, 1).",
                )
            same_width = any_width or shape[-1] == shapes[0][-1]
            if len(shape) != len(shapes[0]) or shape[:-1] != shapes[0][:-1] or not same_width:
                wanted = "of one shape but for the last axis" if any_width else "of one shape"
                self._refuse(
                    f"branches {wanted} for merge={self.merge!r}",
                    f"{shapes[0]} from branch {first!r} and {shape} from branch {name!r}",
                    self._advice(shape, shapes[0]),
                )

    @staticmethod
    def _advice(shape, first):
        if shape[:-1] == first[:-1]:
            return "End each branch with as many outputs, or merge by 'concatenate'."
        if len(shape) != len(first):
            return "Put a Flatten, a Reshape or a pooling layer at the end of one of them."
        return (
            "Set padding='same' in layers with windows, undo strides and pooling by UpSampling or "
            "a transposed convolution, or crop."
        )

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Run the branches forward and merge their outputs."""
        outputs = [branch.forward(x, training, mask) for _, branch in self._children]
        masks = [branch.compute_mask(x, mask) for _, branch in self._children]
        if None in self.output_shape_:
            self._check_lengths(outputs)
        self._moves = self._put_in_place(outputs, masks, mask)
        self._mask = self._agreed(masks)
        if training:
            self._outputs = outputs
        return self._merge.forward(outputs, self._work)

    def advance(self, x: Array, memory: dict[str, Any], mask: Array | None = None) -> Array:
        """Run the branches on the next steps and merge their outputs."""
        self._check_causal()
        outputs = [
            branch.advance(x, memory.setdefault(name, {}), mask) for name, branch in self._children
        ]
        self._mask = self._agreed([branch.compute_mask(x, mask) for _, branch in self._children])
        return self._merge.forward(outputs, self._work)

    def _check_causal(self):
        for _, branch in self._children:
            branch._check_causal()
        super()._check_causal()

    def _check_lengths(self, outputs):
        """Refuse branches that return different numbers of steps, which `build` cannot know."""
        for (name, _), output in zip(self._children, outputs, strict=True):
            if output.shape[1] != outputs[0].shape[1]:
                self._refuse(
                    "branches that return as many steps",
                    f"{outputs[0].shape[1]} from branch {self._children[0][0]!r} and "
                    f"{output.shape[1]} from branch {name!r}",
                    "Set padding='same' in layers with windows, and give each branch the same "
                    "strides and pool_size.",
                )

    def _put_in_place(self, outputs, masks, mask):
        """Put outputs to the steps of x if branches have left real steps elsewhere."""
        moves = [None] * len(outputs)
        for i, found in enumerate(masks):
            if found is None or mask is None or found.shape != mask.shape:
                continue
            places = other_places(mask, found)
            if places is not None:
                work = self._work(("in_place", i), outputs[i].shape)
                outputs[i] = moved_steps(outputs[i], places, mask, work)
                masks[i] = moved_steps(found, places, mask, np.empty_like(mask))
                moves[i] = mask, places
        return moves

    def _agreed(self, masks):
        """Return the one mask that all branches end with."""
        if len(self.output_shape_) < 2 or all(mask is masks[0] for mask in masks):
            return masks[0] if len(self.output_shape_) > 1 else None
        first, known = next(
            (name, mask)
            for (name, _), mask in zip(self._children, masks, strict=True)
            if mask is not None
        )
        for (name, _), mask in zip(self._children, masks, strict=True):
            if not np.array_equal(known, np.ones_like(known) if mask is None else mask):
                self._refuse(
                    "branches that agree on which steps are real",
                    f"others from branch {name!r} than from branch {first!r}",
                    "Put a Masking before this layer, or give all branches layers that keep, or "
                    "drop, the same steps.",
                )
        return known

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Run the branches backward and add up the gradients of the input."""
        grads = self._merge.backward(grad_output, self._outputs, self._work)
        grad_x = None
        for position, grad in enumerate(grads):
            _, branch = self._children[position]
            if self._moves[position] is not None:
                in_order = self._work("in_order", grad.shape)
                grad = moved_steps(grad, *self._moves[position], in_order)
            grad = branch.backward(grad, input_grad)
            if not input_grad:
                continue
            if grad_x is None:
                grad_x = self._work("grad_x", grad.shape)
                np.copyto(grad_x, grad)
            else:
                grad_x += grad
        return grad_x
