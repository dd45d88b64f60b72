"""The fitted attributes that users of scikit-learn's MLP read, derived from what is kept."""

from __future__ import annotations

from math import isnan, nan

from ..constraints import is_true
from ..typing import Array


class FittedAttributes:
    """Properties over ``network_``, ``history_`` and the loss.

    Before `fit` each raises AttributeError, as a missing attribute does.
    """

    @property
    def loss_(self) -> float:
        """Loss of the last epoch, penalty included."""
        return self.loss_curve_[-1] if self.loss_curve_ else nan

    @property
    def loss_curve_(self) -> list[float]:
        """Loss of every epoch, penalty included."""
        return self.history_.get("loss", [])

    @property
    def best_loss_(self) -> float | None:
        """Smallest training loss; None with early stopping, as scikit-learn's MLP has it."""
        return None if is_true(self.early_stopping) else _best(min, self.loss_curve_)

    @property
    def validation_scores_(self) -> list[float] | None:
        """Validation score of every epoch, greater is better; None without a validation set."""
        return self.history_.get("validation_score")

    @property
    def best_validation_score_(self) -> float | None:
        """Largest validation score; None without a validation set."""
        scores = self.validation_scores_
        return None if scores is None else _best(max, scores)

    @property
    def coefs_(self) -> list[Array]:
        """Kernels of the dense layers, the output layer's last; views of the network's."""
        return [layer.kernel_ for layer in self._dense_layers()]

    @property
    def intercepts_(self) -> list[Array]:
        """Biases of the dense layers, the output layer's last; views of the network's."""
        return [layer.bias_ for layer in self._dense_layers() if hasattr(layer, "bias_")]

    @property
    def n_layers_(self) -> int:
        """Number of layers with a kernel, and one for the input."""
        return len(self._dense_layers()) + 1

    @property
    def out_activation_(self) -> str:
        """Name of the function from raw predictions to predictions."""
        return self._loss.link

    @property
    def t_(self) -> int:
        """Number of training rows seen, those of every epoch counted."""
        return self._trainer.samples

    def _dense_layers(self):
        return [part for part in self.network_.layer.walk() if hasattr(part, "kernel_")]


def _best(choose, values):
    """Return the best of the epochs that were scored."""
    return choose((value for value in values if not isnan(value)), default=nan)
