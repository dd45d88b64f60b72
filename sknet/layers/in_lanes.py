"""Layers of a network that is trained, run on parts of a batch side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike
from scipy.sparse import issparse

from .. import kernels
from ..base import Workspace
from ..blas import side_by_side
from ..lanes import noise_of_a_lane, reseed
from ..typing import Array, Shape
from .base import Layer
from .composite import Composite, Sequential
from .dense import Dense
from .sequential.embedding import Embedding
from .sequential.recurrent import RecurrentLayer

#: Multiply-adds of all layers together from which two threads gain more than they cost, as
#: Transformers and LSTMs do: up to 1.4 times.
_MANY = 3 * 2**25
#: Those of a lane where there are more than two, which makes them few enough to cost little, and
#: the most lanes: each has gradients of its own.
_MANY_IN_LANE = 2**29
_MOST_LANES = 16
#: The small products of a recurrent layer's steps are no work for BLAS's threads: those of one
#: step count so many times. From batches of 64 and 128 units on they gained, with 64 they lost.
_STEP_FACTOR = 32


def put_in_lanes(
    layer: Layer, batch_size: int, dtype: DTypeLike, rng: np.random.Generator
) -> None:
    """Let the large layers of a list run in lanes, as far as they treat each row by itself.

    Parameters
    ----------
    layer : Layer
        The outermost layer of a replica, with memory for its gradients; changed in place if it is
        a `Sequential`.
    batch_size : int
        Largest number of samples of one call.
    dtype : dtype
        Precision.
    rng : numpy.random.Generator
        Source of noise.
    """
    if type(layer) is not Sequential:  # others join their layers in ways of their own
        return
    children = []
    for divisible, run in groupby(layer.sublayers(), lambda pair: _is_divisible(pair[1])):
        run = list(run)
        products = _Products.of(child for _, child in run)
        n_steps = _MANY if None in run[0][1].input_shape_ else 1  # any number may come
        if divisible and products.are_many(batch_size, n_steps):
            lanes = InLanes(run, products, products.n_lanes(batch_size))
            lanes.allocate(batch_size, dtype, rng)
            run = [("lanes", lanes)]
        children += run
    layer._set_children(children)


def _is_divisible(layer):
    if isinstance(layer, Embedding):  # the lanes would add up gradients of all codes
        return False
    return not any(part.mixes_rows or part.adds_loss for part in layer.walk())


class _Products(NamedTuple):
    """Multiply-adds of layers for a sample, or for a step where the number of steps is free.

    Parameters
    ----------
    recurrent : int
        Those of the largest recurrent layer's steps, as far as they count.
    others : int
        Those of all other layers together.
    """

    recurrent: int
    others: int

    @classmethod
    def of(cls, layers: Any) -> Any:
        """Add up those of some layers."""
        recurrent = others = 0
        parts = [part for layer in layers for part in layer.walk()]
        if kernels.COMPILED and all(isinstance(part, Dense) for part in parts if part._weights):
            return cls(0, 0)  # threads share the products of such layers
        for part in parts:
            size = sum(weight.size for weight in part._weights if weight.decay)
            if isinstance(part, RecurrentLayer):
                recurrent = max(recurrent, _STEP_FACTOR * size)
            elif not isinstance(part, Embedding):  # which looks its weights up
                others += size * prod(n or 1 for n in part.output_shape_[:-1])
        return cls(recurrent, others)

    def are_many(self, n_samples: int, n_steps: int) -> bool:
        """Return whether there is enough to do for two threads."""
        return n_samples * max(self.recurrent, self.others * n_steps) >= _MANY

    def n_lanes(self, n_samples: int) -> int:
        """Return into how many parts to cut a batch, whatever the number of threads."""
        most = min(n_samples * self.others // _MANY_IN_LANE, n_samples, _MOST_LANES)
        return 2 ** max(1, most.bit_length() - 1)


class InLanes(Composite):
    """Runs layers on parts of a batch, where that is large.

    Each lane has its own scratch memory, noise and gradients; the weights are shared.

    Parameters
    ----------
    children : list of (str, Layer)
        Built layers with memory for their gradients.
    products : _Products
        Their multiply-adds.
    n_lanes : int
        Number of parts.
    """

    input_shape_: Shape
    output_shape_: Shape

    def __init__(self, children: Sequence[tuple[str, Layer]], products: Any, n_lanes: int) -> None:
        self._children, self._products, self._n_lanes = children, products, n_lanes
        self._weights = []
        first, last = children[0][1], children[-1][1]
        self.input_shape_, self.output_shape_ = first.input_shape_, last.output_shape_

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare the lanes."""
        self._work = Workspace(batch_size, dtype)
        self._rng = rng if self.is_stochastic else None
        self._lanes, self._grads = [], []
        for lane in range(self._n_lanes):
            children = self._children
            if lane:
                children = [(name, layer.replicate()) for name, layer in children]
            self._lanes.append(Sequential._of(children))
            self._lanes[-1].allocate(-(-batch_size // self._n_lanes), dtype, noise_of_a_lane())
            self._grads.append(self._gradients(children, dtype, lane == 0))

    def _gradients(self, children, dtype, present):
        """Return the gradients of all weights in one list; new ones unless present."""
        found = []
        for part in (part for _, layer in children for part in layer.walk()):
            names = [weight.name + "_grad_" for weight in part._weights]
            if not present:
                part.bind([np.zeros(w.shape, dtype) for w in part._weights], "_grad_")
            found += [getattr(part, name) for name in names]
        return found

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Run each lane on its rows and join what they return."""
        n_steps = x.shape[1] if None in self.input_shape_ else 1
        many = len(x) >= self._n_lanes if not issparse(x) else False
        self._is_divided = many and self._products.are_many(len(x), n_steps)
        if self._rng is not None and training:
            for lane in self._lanes:
                reseed(lane._rng, self._rng)
        if not self._is_divided:
            out = self._lanes[0].forward(x, training, mask)
            self._mask = self._lanes[0].compute_mask(x, mask)
            return out
        parts = self._parts(len(x))
        masks = [None if mask is None else mask[part] for part in parts]
        outs = side_by_side(
            lambda i: self._lanes[i].forward(x[parts[i]], training, masks[i]), self._n_lanes
        )
        self._mask = _joined([lane.compute_mask(x, mask) for lane in self._lanes], outs)
        return np.concatenate(outs, out=self._work("out", (len(x), *outs[0].shape[1:])))

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Run each lane back and add up the gradients of the weights."""
        if not self._is_divided:
            return self._lanes[0].backward(grad_output, input_grad)
        parts = self._parts(len(grad_output))
        grads = side_by_side(
            lambda i: self._lanes[i].backward(grad_output[parts[i]], input_grad), self._n_lanes
        )
        if self._grads[0]:
            side_by_side(self._add_gradients, len(self._grads[0]))
        if not input_grad:
            return None
        shape = (len(grad_output), *grads[0].shape[1:])
        return np.concatenate(grads, out=self._work("grad_x", shape))

    def _add_gradients(self, i):
        total, *others = (grads[i] for grads in self._grads)
        for grad in others:
            total += grad

    def _parts(self, n):
        return [
            slice(n * i // self._n_lanes, n * (i + 1) // self._n_lanes)
            for i in range(self._n_lanes)
        ]


def _joined(masks, outs):
    """Return the masks of the lanes as one."""
    if all(mask is None for mask in masks):
        return None
    pairs = zip(masks, outs, strict=True)
    return np.concatenate([np.ones(o.shape[:2], bool) if m is None else m for m, o in pairs])
