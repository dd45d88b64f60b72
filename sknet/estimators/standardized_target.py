"""What a regressor does about the scale of y."""

from __future__ import annotations

from copy import copy

import numpy as np

from ..typing import Array
from ..warning import warn
from .target_scale import TargetScale, least_usual, moments


class StandardizedTarget:
    """Mixin of an estimator that learns y standardized, or warns of its scale."""

    @property
    def target_mean_(self) -> Array | None:
        """Means by which y is standardized."""
        return self._target_scale and self._target_scale.mean

    @property
    def target_scale_(self) -> Array | None:
        """Standard deviations by which y is standardized."""
        return self._target_scale and self._target_scale.deviation

    def _standardizes(self):
        """Tell whether the parameters ask for a standardized target."""
        return bool(self.standardize_target) and self._named_loss().takes_standardized

    def _scale_target(self, data, validation, reset):
        if self._targets is not None:
            self._scale_columns(data, validation, reset)
            return
        standardizes = self._standardizes()
        if reset:
            used = data.used_y, data.used_weight
            self._target_scale = TargetScale(*used, data.X.dtype) if standardizes else None
        self._standardize(data)
        if validation is not None:
            self._standardize(validation.data, "y_val")
        is_usual = standardizes and reset
        self._moments = (0.0, 1.0) if is_usual else least_usual(*moments(data.used_y))

    def _standardize(self, data, name="y"):
        dtype, scale = data.X.dtype, self._target_scale
        if self._targets is not None:
            data.y = self._targets.scaled(data.y, dtype, name)
        elif scale is not None:
            data.transform_y(lambda y: scale.standardized(y, dtype, name))

    def _scale_advice(self):
        mean, deviation = self._moments
        near = 0.01 <= deviation <= 100 and abs(mean) <= 100 * deviation
        if near or deviation == 0 or self._loss.link == "exp":
            return ""
        self._told_of_scale = True
        found = f"has mean {mean:.3g} and standard deviation {deviation:.3g}"
        if self._target_scale is not None:
            return (
                f"standardized as in the first call, y {found}: set warm_start=False, or use "
                "clone, to start anew from this y"
            )
        if self._loss.takes_standardized:
            return f"y {found}: set standardize_target=True"
        return (
            f"y {found}: scale y, by "
            "sklearn.compose.TransformedTargetRegressor(transformer=StandardScaler())"
        )

    def _judge_result(self, data):
        told, advice = hasattr(self, "_told_of_scale"), self._scale_advice()
        losses = self.history_["loss"]
        if not told and advice and len(losses) >= 10:
            constant = self._loss_of_constant(data)
            if constant - losses[-1] < 1e-3 * abs(constant):
                warn(
                    f"{self._public_name} has not learned more than a constant, with a loss of "
                    f"{losses[-1]:.3g} where the best constant has {constant:.3g}; {advice}.",
                )

    def _loss_of_constant(self, data):
        y, weight = data.used_y, data.used_weight
        raw = np.empty((len(y), self.n_outputs_), y.dtype)
        raw[:] = self._initial_bias(y, weight)
        loss = copy(self._loss)
        loss.allocate(len(y), y.dtype)
        return loss.value_and_gradient(raw, y, weight)[0]

    def _restored(self, raw):
        predictions, scale = self._loss.inverse_link(raw), self._target_scale
        return predictions if scale is None else scale.restored(predictions)
