"""The step of training of a list of small dense layers, whose gradient is one call of a kernel."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from . import kernels
from .kernels.numpy_kernels.losses import row_shares
from .layers.composite import Sequential
from .layers.dense import Dense
from .step import Step
from .typing import Array


class DenseStep(Step):
    """One step of training of a network of small dense layers with one of the usual losses.

    Much of the time of such a step passes between kernels, so one call runs all that its gradient
    takes. `Step` does the same for any network.
    """

    def __init__(self, trainer: Any, plan: Any, batch_size: int) -> None:
        super().__init__(trainer, plan, batch_size)
        layers = [layer for _, layer in self.network.layer.sublayers()]
        _, *places = self.network.views(np.arange(len(self.params)))  # the list has no weights
        integers, reals, self._width = [], [], 0
        for layer, (kernel, bias) in zip(layers, places, strict=True):
            kind, is_gated, *coefficients = layer._activation.compiled
            integers.append((layer.units, kind, kernel[0, 0], bias[0]))
            reals.append((*coefficients, layer._weights[0].decay))
            self._width += (2 + is_gated) * layer.units  # outputs, derivatives and gradients
        self._layers = np.array(integers, np.int64), np.array(reals, self.network.dtype)
        self._compiled_loss, self._scratch = self.loss.compiled, layers[0]._activation._work

    @staticmethod
    def suits(trainer: Any, plan: Any, batch_size: int) -> bool:
        """Return whether a network is such a one, and is not trained on mixtures of samples.

        Parameters
        ----------
        trainer : Trainer
            Has the network and the loss.
        plan : Plan
            How to train.
        batch_size : int
            Largest number of rows of a step.

        Returns
        -------
        suits : bool
            Whether the steps may be of this class.
        """
        network = trainer.network
        if not kernels.MULTIPLIES or type(network.layer) is not Sequential:
            return False
        layers = [layer for _, layer in network.layer.sublayers()]
        return (
            all(type(layer) is Dense and layer.is_small(batch_size) for layer in layers)
            and 0 < len(layers) <= kernels.MOST_LAYERS
            and network.n_trainable == network.n_params
            and len(network.input_shape) == 1
            and plan.mixing is None
            and trainer.loss.compiled is not None
        )

    def gradient(self, x: Array, y: Any, sample_weight: Any, penalized: bool = True) -> float:
        """Put the gradient of the batch's penalized loss into `grads`; return the loss."""
        if self.looks_at_outputs or not isinstance(x, np.ndarray):
            return super().gradient(x, y, sample_weight, penalized)
        n, (compiled_loss, smoothing) = len(x), self._compiled_loss
        shares = None if sample_weight is None else row_shares(n, sample_weight, x.dtype)
        memory = self._work("network", (n, self._width))
        factor = self._penalty / n if penalized else 0.0
        loss = kernels.dense_gradient(
            *(x, y, shares, self.params, self.grads, *self._layers, memory),
            *(smoothing, factor, compiled_loss, self._scratch),
        )
        if isfinite(loss):
            self._batch = None  # the weights are sound, and there is nothing to go back to
            loss += self._regularized.penalize()
        return loss
