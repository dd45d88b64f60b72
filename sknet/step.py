"""One step of training, and the weights to go back to when it leads astray."""

from __future__ import annotations

from math import isfinite, sqrt
from typing import Any

import numpy as np
from scipy.linalg import get_blas_funcs

from .base import Workspace
from .layers.base import Layer
from .layers.in_lanes import put_in_lanes
from .schedules.base import Progress
from .typing import Array

#: Rate times gradient from which a step may lead to outputs that overflow: those are looked at.
_LONG_STEP = 10.0


class Step:
    """One step of training: forward, loss, backward, update."""

    def __init__(self, trainer: Any, plan: Any, batch_size: int) -> None:
        network = trainer.network
        self.trainer = trainer
        self.grads: Array = np.zeros_like(network.params)
        self.network: Any = network.replica(batch_size, trainer.noise_rng, self.grads)
        self._scheduled = [part for part in self.network.layer.walk() if part.is_scheduled]
        put_in_lanes(self.network.layer, batch_size, network.dtype, trainer.noise_rng)
        self.params: Array = network.params[: network.n_trainable]
        self.trained_grads: Array = self.grads[: network.n_trainable]
        self.loss: Any = trainer.loss
        self.loss.allocate(batch_size, network.dtype)
        self._adding = adding_parts(self.network)
        self._work = Workspace(batch_size, network.dtype)
        if None not in network.output_shape:  # else outputs have as many steps as the batch
            self._work("grad_raw", (batch_size, *network.output_shape))
        decayed = [g for g in network.groups if g.decay and g.rate_factor > 0]
        self._kernels = [(network.params[g.where], self.grads[g.where], g.decay) for g in decayed]
        self._add_scaled = get_blas_funcs("axpy", dtype=network.dtype)
        self._penalty = plan.alpha / plan.mean_weight
        self._clip_norm = plan.clip_norm
        self._longest_step = float(np.finfo(network.dtype).max) ** 0.5
        self._batch, self.looks_at_outputs = None, False
        self._carried = trainer.carried()
        self._sound = [vector.copy() for vector in self._carried]

    def __call__(
        self, x: Array, y: Any, sample_weight: Any, learning_rate: Any, progress: Progress
    ) -> tuple[float, bool]:
        """Return the loss before the step and whether all of it was finite."""
        for part in self._scheduled:
            part.follow(progress)
        loss = self.gradient(x, y, sample_weight)
        if not isfinite(loss):
            return loss, False
        for kept, vector in zip(self._sound, self._carried, strict=True):
            np.copyto(kept, vector)
        finite = self._clip(learning_rate)
        if finite:
            optimizer = self.trainer.built_optimizer()
            self._batch = x, y, sample_weight
            optimizer.update(self.params, self.trained_grads, learning_rate, progress)
        return loss, finite

    def gradient(self, x: Array, y: Any, sample_weight: Any) -> float:
        """Put the gradient of the batch's penalized loss into `grads`; return the loss.

        It is infinite where an output is, which the loss of confident rows may hide. Where it is
        not finite, `grads` is left alone: it holds the weights to go back to.
        """
        raw, loss, grad = self._forward(x, y, sample_weight, training=True)
        if self.looks_at_outputs and not np.isfinite(raw).all():
            return float("inf")
        factor = self._penalty / len(y)
        loss += self._penalty_of_weights(factor)
        if isfinite(loss):
            self._batch = None  # the weights are sound, and there is nothing to go back to
            self.network.backward(grad)
            self._add_penalty(factor)
        return loss

    def _forward(self, x, y, sample_weight, training):
        for part in self._adding:
            part.row_weights = sample_weight
        raw = self.network.forward(x, training=training)
        out = self._work("grad_raw", raw.shape)
        loss, grad = self.loss.value_and_gradient(raw, y, sample_weight, out)
        return raw, loss + sum(part.added_loss for part in self._adding), grad

    def is_sound(self) -> bool:
        """Return whether outputs and loss are finite after the last step, if that was long."""
        if self._batch is None or not self.looks_at_outputs:
            return True
        raw, loss, _ = self._forward(*self._batch, training=False)
        return isfinite(loss) and bool(np.isfinite(raw).all())

    def restore(self) -> None:
        """Go back to the weights of the last step whose outputs and loss were finite."""
        if self._batch is not None:
            self.trainer.built_optimizer().undo(self.params, self.trained_grads)
        for kept, vector in zip(self._sound, self._carried, strict=True):
            vector[:] = kept

    def _penalty_of_weights(self, factor):
        if factor == 0:
            return 0.0
        kernels = ((decay, weights) for weights, _, decay in self._kernels)
        return 0.5 * factor * sum(decay * float(np.dot(w, w)) for decay, w in kernels)

    def _add_penalty(self, factor):
        if factor == 0:
            return
        for kernels, grads, decay in self._kernels:
            self._add_scaled(kernels, grads, a=factor * decay)

    def _clip(self, learning_rate):
        # One pass tells that every element is finite and that a step of this rate leaves the
        # weights finite: an update never spoils them.
        norm = sqrt(np.dot(self.trained_grads, self.trained_grads))
        if self._clip_norm is not None and norm > self._clip_norm:
            self.trained_grads *= self._clip_norm / norm
            norm = self._clip_norm if isfinite(norm) else norm
        self.looks_at_outputs: bool = learning_rate * norm > _LONG_STEP
        return learning_rate * max(norm, 1.0) < self._longest_step


def adding_parts(network: Any) -> list[Layer]:
    return [part for part in network.layer.walk() if part.adds_loss]
