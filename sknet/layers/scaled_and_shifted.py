"""What normalizing layers share: a learned scale and shift."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import Interval

from .base import OF_TRAINING, Layer


class ScaledAndShifted(Layer):
    """Base of layers that scale and shift what they have normalized, where they are to."""

    _parameter_constraints = {
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "center": ["boolean"],
        "scale": ["boolean"],
        **OF_TRAINING,
    }
    center = scale = True

    def _declare(self, shape):
        if self.scale:
            self.add_weight("gamma", shape, "ones")
        if self.center:
            self.add_weight("beta", shape, "zeros")

    def _fill_in(self, shape, dtype):
        """Put ones and zeros in the place of weights that are left out."""
        if not self.scale:
            self.gamma_, self.gamma_grad_ = np.ones(shape, dtype), np.empty(shape, dtype)
        if not self.center:
            self.beta_, self.beta_grad_ = np.zeros(shape, dtype), np.empty(shape, dtype)


def representable(epsilon: float, dtype: DTypeLike) -> Any:
    """Return epsilon, or the smallest normal number where the dtype would make it 0."""
    return max(float(epsilon), float(np.finfo(dtype).tiny))
