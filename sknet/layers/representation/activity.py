"""A penalty on what a layer returns."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import Interval

from ...typing import Array, Shape
from .row_loss import RowLoss, as_column

#: Distance from 0 and 1 that mean activations keep in logarithms and quotients.
_MARGIN = 1e-7


class ActivityPenalty(RowLoss):
    """Return the input, and add a penalty on it to the loss: sparse codes.

    Two penalties, alone or together. With `l1`, each row h adds ``l1 * sum |h_j|``. With `kl`, the
    batch adds kl * sum_j KL(target || rho_j), where rho_j is the mean of activation j over the
    rows, each counting as its weight, and KL(t || r) = t log(t / r) + (1 - t) log((1 - t) /
    (1 - r)): every unit is active in a part `target` of the rows. It takes activations in
    [0, 1], as of logistic units, and batches large enough to tell that mean. With sample weights
    the penalty of a batch is multiplied by its mean weight, which is 1 for the training set.
    Output shape as the input's, which has no mask.

    Parameters
    ----------
    l1 : float, default=0.0
        Strength of the penalty on absolute values, at least 0.
    kl : float, default=0.0
        Strength of the penalty on mean activations that are not `target`, at least 0.
    target : float, default=0.05
        Mean activation wanted of each unit, in (0, 1).

    References
    ----------
    Ng (2011), Sparse autoencoder, CS294A lecture notes, Stanford University.
    Lee, Ekanadham and Ng (2008), Sparse deep belief net model for visual area V2, NIPS 20.

    Examples
    --------
    >>> from sknet.layers import ActivityPenalty, Dense, Sequential
    >>> code = Sequential([Dense(64, activation="logistic"), ActivityPenalty(kl=0.1)])
    """

    _parameter_constraints = {
        "l1": [Interval(Real, 0, None, closed="left")],
        "kl": [Interval(Real, 0, None, closed="left")],
        "target": [Interval(Real, 0, 1, closed="neither")],
    }

    is_causal = True

    def __init__(self, l1: float = 0.0, *, kl: float = 0.0, target: float = 0.05) -> None:
        self.l1 = l1
        self.kl = kl
        self.target = target

    @property
    def adds_loss(self) -> bool:
        """Whether the layer adds to the loss: it does unless both strengths are 0."""
        return self.l1 > 0 or self.kl > 0

    def build(self, input_shape: Shape) -> Shape:
        """Take any shape."""
        return input_shape

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory."""
        super().allocate(batch_size, dtype, rng)
        self._ones = np.empty(0, dtype)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Return x itself; leave the penalty in `added_loss`."""
        if mask is not None and self.adds_loss:
            self._refuse(
                "inputs without a mask",
                "padded sequences",
                "Put it after a layer that returns one vector for each sequence.",
            )
        if training:
            self._x = x
            if self.kl > 0:
                self._check_range(x)
        self.added_loss: float = 0.0
        if self.l1 > 0:
            sizes = np.absolute(x, out=self._work("sizes", x.shape))
            losses = self._work("losses", (len(x),))
            self._add(self.l1, np.add.reduce(sizes.reshape(len(x), -1), axis=1, out=losses))
        if self.kl > 0:
            self.added_loss += self._diverge(x.reshape(len(x), -1))
        return x

    def _check_range(self, x):
        least, most = x.min(), x.max()
        if least < 0 or most > 1:
            self._refuse(
                "activations in [0, 1] for its penalty kl",
                f"values from {least:.3g} to {most:.3g}",
                "Give the layer before it the activation 'logistic', or use l1.",
            )

    def _diverge(self, x):
        """Return the penalty on mean activations; keep its slope in each."""
        shares = self._shares(self.kl, len(x))
        if isinstance(shares, float):
            if len(self._ones) < len(x):
                self._ones = np.ones(len(x), x.dtype)
            rho, strength = self._ones[: len(x)] @ x / len(x), float(self.kl)
        else:
            strength = float(shares.sum())
            rho = shares @ x / (strength or 1.0)
        rho = np.clip(rho.astype(np.float64), _MARGIN, 1 - _MARGIN)
        target = float(self.target)
        self._slope = ((1 - target) / (1 - rho) - target / rho).astype(x.dtype)
        terms = target * np.log(target / rho) + (1 - target) * np.log((1 - target) / (1 - rho))
        return strength * float(terms.sum())

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Add the gradient of the penalty."""
        if not input_grad:
            return None
        x = self._x
        for strength, derivative in ((self.l1, np.sign), (self.kl, self._mean_slope)):
            if strength > 0:
                term = derivative(x, out=self._work("sizes", x.shape))
                term *= as_column(self._shares(strength, len(x)), x.ndim)
                grad_output += term
        return grad_output

    def _mean_slope(self, x, out):
        np.copyto(out, self._slope.reshape(x.shape[1:]))
        return out
