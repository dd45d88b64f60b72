"""One step of training, and the weights to go back to when it leads astray."""

from __future__ import annotations

from math import isfinite, sqrt
from typing import Any

import numpy as np
from scipy.linalg import get_blas_funcs

from .base import Workspace
from .inputs import in_shape
from .layers.base import Layer
from .layers.in_lanes import put_in_lanes
from .regularization import RegularizedKernels
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
        self._regularized = RegularizedKernels(self.network.layer)
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
        self._clip_norm, self._clip_value = plan.clip_norm, plan.clip_value
        self._mixing = plan.mixing
        self._n_gathered, self._gathered = 0, None
        self._longest_step = float(np.finfo(network.dtype).max) ** 0.5
        self._batch, self.looks_at_outputs = None, False
        self._sound = [(vector.copy(), vector) for vector in trainer.carried()]

    def __call__(
        self,
        x: Array,
        y: Any,
        sample_weight: Any,
        learning_rate: Any,
        progress: Progress,
        moves: bool = True,
    ) -> tuple[float, bool]:
        """Return the loss before the step and whether all of it was finite.

        Unless it `moves` the weights, the gradient is gathered for the next step that does.
        """
        for part in self._scheduled:
            part.follow(progress)
        loss = self.gradient(x, y, sample_weight, moves)
        if not isfinite(loss):
            return loss, False
        for kept, vector in self._sound:
            np.copyto(kept, vector)
        if self._n_gathered or not moves:
            self._gather(len(y), moves)
        if not moves:
            return loss, True
        finite = self._clip(learning_rate)
        if finite:
            optimizer = self.trainer.built_optimizer()
            self._batch = x, y, sample_weight
            optimizer.update(self.params, self.trained_grads, learning_rate, progress)
            self._regularized.constrain()
        return loss, finite

    def _gather(self, n_rows, moves):
        """Add up gradients, each for as many rows as it has; before a step, make their mean."""
        if self._gathered is None:
            self._gathered = np.empty_like(self.trained_grads)
        self.trained_grads *= n_rows
        if self._n_gathered:
            self.trained_grads += self._gathered
        self._n_gathered += n_rows
        if moves:
            self.trained_grads /= self._n_gathered
            self._n_gathered = 0
        else:
            np.copyto(self._gathered, self.trained_grads)

    def gradient(self, x: Array, y: Any, sample_weight: Any, penalized: bool = True) -> float:
        """Put the gradient of the batch's penalized loss into `grads`; return the loss.

        It is infinite where an output is, which the loss of confident rows may hide. Where it is
        not finite, `grads` is left alone: it holds the weights to go back to.
        """
        raw, loss, grad = self._forward(x, y, sample_weight, training=True)
        if self.looks_at_outputs and not np.isfinite(raw).all():
            return float("inf")
        # The penalty counts once for all rows of a step.
        factor = self._penalty / len(y) if penalized else 0.0
        loss += self._penalty_of_weights(factor)
        if isfinite(loss):
            self._batch = None  # the weights are sound, and there is nothing to go back to
            self.network.backward(grad)
            self._add_penalty(factor)
            loss += self._regularized.penalize()
        return loss

    def _forward(self, x, y, sample_weight, training):
        if training and self._mixing is not None:
            return self._forward_mixtures(x, y, sample_weight)
        for part in self._adding:
            part.row_weights = sample_weight
        raw = self.network.forward(x, training=training)
        out = self._work("grad_raw", raw.shape)
        loss, grad = self.loss.value_and_gradient(raw, y, sample_weight, out)
        for part in self._adding:
            loss += part.added_loss
        return raw, loss, grad

    def _forward_mixtures(self, x, y, sample_weight):
        """Train on mixtures, whose loss is that of the labels of both samples."""
        x = in_shape(x, self.network.input_shape)
        x, partners, shares = self._mixing.mix(x, self.trainer.noise_rng)
        first, *others = self._mixing.terms(y, partners, shares, sample_weight)
        for part in self._adding:
            part.row_weights = sum((weights for _, weights in others), first[1])
        raw = self.network.forward(x, training=True)
        loss, grad = self.loss.value_and_gradient(raw, *first, self._work("grad_raw", raw.shape))
        for targets, weights in others:
            out = self._work("grad_partner", raw.shape)
            of_partners, grad_of_partners = self.loss.value_and_gradient(
                raw, targets, weights, out
            )
            grad += grad_of_partners
            loss += of_partners
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
        for kept, vector in self._sound:
            vector[:] = kept

    def _penalty_of_weights(self, factor):
        if factor == 0:
            return 0.0
        total = 0.0
        for weights, _, decay in self._kernels:
            total += decay * float(np.dot(weights, weights))
        return 0.5 * factor * total

    def _add_penalty(self, factor):
        if factor == 0:
            return
        for kernels, grads, decay in self._kernels:
            self._add_scaled(kernels, grads, a=factor * decay)

    def _clip(self, learning_rate):
        # One pass tells that every element is finite and that a step of this rate leaves the
        # weights finite: an update never spoils them.
        norm = sqrt(self.trained_grads.dot(self.trained_grads))
        if self._clip_value is not None and isfinite(norm):
            limit = self._clip_value
            np.clip(self.trained_grads, -limit, limit, out=self.trained_grads)
            norm = sqrt(np.dot(self.trained_grads, self.trained_grads))
        if self._clip_norm is not None and norm > self._clip_norm:
            self.trained_grads *= self._clip_norm / norm
            norm = self._clip_norm if isfinite(norm) else norm
        self.looks_at_outputs: bool = learning_rate * norm > _LONG_STEP
        return learning_rate * max(norm, 1.0) < self._longest_step


def adding_parts(network: Any) -> list[Layer]:
    return [part for part in network.layer.walk() if part.adds_loss]
