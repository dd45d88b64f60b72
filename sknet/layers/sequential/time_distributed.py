"""Layers applied to each step of a sequence."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...typing import Array, Shape
from ..channel_norms import BatchNorm
from ..composite import Composite
from ..spatial.axes import AFTER_RECURRENT


class TimeDistributed(Composite):
    """Apply a stack of layers to each step of a sequence.

    Input shape ``(T, *step)``, output shape ``(T, *out)``, where the layers map samples of shape
    step to shape out. Masked steps do not enter the layers: a normalization inside does not see
    them, their outputs and the gradients of their inputs are zero.

    Parameters
    ----------
    layers : list
        Layers, pairs ("name", layer), or ints: n is short for a dense layer of n units
        with the estimator's activation.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights inside, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights inside.

    Examples
    --------
    >>> from sknet.layers import BatchNorm, Dense, Flatten, Reshape, Sequential, TimeDistributed
    >>> frames = TimeDistributed([Flatten(), Dense(8, activation="relu"), BatchNorm()])
    >>> clips = Sequential([Reshape((4, 4, 4)), frames, Flatten()])
    """

    accepts_sparse = False

    @property
    def is_causal(self) -> bool:
        """Whether no step sees another: only the moments of batches are taken over all steps."""
        return all(part.is_frozen for part in self.walk() if isinstance(part, BatchNorm))

    def adapt(self, x: Array) -> Array | None:
        """Let the first layer adapt to the steps."""
        if x.ndim > 2:
            super().adapt(x.reshape(-1, *x.shape[2:]))

    def resolve_names(self, names: Any) -> Array | None:
        """Do nothing: the inputs are sequences, not columns."""

    def build(self, input_shape: Shape) -> Shape:
        """Build the layers for the shape of a step."""
        if len(input_shape) < 2:
            self._refuse(
                "sequences of shape (steps, ...) with at least one axis more",
                input_shape,
                "Put a Reshape before it or pass input_shape." + AFTER_RECURRENT,
            )
        n_steps, *step_shape = input_shape
        return (n_steps, *super().build(tuple(step_shape)))

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare the layers to run on all steps of a batch."""
        # Where the number of steps is free, scratch memory grows with the first batches.
        n_steps = self.input_shape_[0] or 1
        super().allocate(batch_size * n_steps, dtype, rng)

    def scratch_sizes(self, n_steps: int) -> Iterator[Any]:
        """Yield the elements that a sample takes: outputs, and those of all steps inside."""
        sizes = super().scratch_sizes(n_steps)
        yield next(sizes)
        n_steps = self.input_shape_[0] or n_steps
        yield from (n_steps * size for size in sizes)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Run the layers forward on the steps that are real."""
        self._real = None if mask is None or mask.all() else np.flatnonzero(mask)
        steps = self._gathered("steps", x)
        if not len(steps):
            return self._zeros("out", (*x.shape[:2], *self.output_shape_[1:]))
        out = self._forward_children(steps, training, None, self._children)
        return self._scattered("out", out, x.shape[:2])

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Run the layers backward on the steps that are real."""
        shape = grad_output.shape[:2]
        grad = self._gathered("grad_steps", grad_output)
        if not len(grad):
            self._clear_weight_gradients()
            return self._zeros("grad_x", (*shape, *self.input_shape_[1:])) if input_grad else None
        grad = self._backward_children(grad, input_grad)
        return self._scattered("grad_x", grad, shape) if input_grad else None

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return the mask of the input: steps stay steps."""
        return mask

    def _gathered(self, name, x):
        """Return the real steps of x as samples."""
        steps = x.reshape(-1, *x.shape[2:])
        if self._real is None:
            return steps
        out = self._work(name, (len(self._real), *steps.shape[1:]))
        return np.take(steps, self._real, axis=0, out=out, mode="clip")

    def _scattered(self, name, steps, shape):
        """Put samples back where the real steps are, and zeros elsewhere."""
        shape = (*shape, *steps.shape[1:])
        if self._real is None:
            return steps.reshape(shape)
        out = self._zeros(name, shape)
        out.reshape(-1, *shape[2:])[self._real] = steps
        return out

    def _zeros(self, name, shape):
        # The memory is laid out for samples, not for sequences.
        out = self._work(name, (prod(shape[:2]), *shape[2:]))
        out.fill(0)
        return out.reshape(shape)

    def _clear_weight_gradients(self):
        for layer in self.walk():
            for weight in layer._weights:
                getattr(layer, f"{weight.name}_grad_").fill(0)
