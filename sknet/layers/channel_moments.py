"""Mean and variance of channels over long columns: the arithmetic of normalization by columns."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import kernels
from ..base import Workspace
from ..kernels.numpy_kernels.normalization import least, rows_to_join
from ..typing import Array, Shape

#: Variances below this part of the squared mean are computed again: there the rounding of the
#: mean is no longer small against the deviations from it.
LEAST_SPREAD = 2.0**-14
#: Deviations above this are divided by a power of 2, so that their squares do not overflow.
_LARGE = 2.0**30


def deviations(
    x: Array, first: Array | float, axis: int | Shape, weights: Array | None = None
) -> tuple[Array, Array]:
    """Return x - first in units of powers of 2, of which neither squares nor sums overflow.

    Differences of values that are close are exact, and those of equal values 0, which those
    from a rounded mean are not. This takes more passes than a mean and a variance should need
    where values are of ordinary size.

    Parameters
    ----------
    x : ndarray
        Values.
    first : ndarray or float
        What to subtract: one of the values of each group.
    axis : int or tuple of int
        Axes of a group.
    weights : ndarray, default=None
        Zeros and ones that broadcast to x; values of weight 0 count for nothing.

    Returns
    -------
    centred : ndarray
        The differences, in units; a new array.
    scaling : ndarray
        One over the unit of each group, with axes of length 1.
    """
    out = x * 0.25 - first * 0.25
    if weights is not None:
        out *= weights
    peak = np.abs(out).max(axis=axis, keepdims=True)
    exponents = np.where(4 * peak > _LARGE, np.frexp(peak)[1], -2)
    return np.ldexp(out, -exponents), np.ldexp(x.dtype.type(0.25), -exponents)


class ChannelMoments:
    """A batch seen as (segments, rows, channels), with moments by segment and group of channels.

    Batch normalization has one segment and groups of one channel; group normalization has a
    segment a sample. Rows that count for nothing, such as padded steps, have the weight 0.

    Some rows are viewed as one, so arrays have the shape (segments, rows / joined,
    joined * channels). Vectors have the shape (segments, 1, joined * channels) and repeat what
    belongs to a channel; totals have the shape (segments, channels).

    Parameters
    ----------
    dtype : dtype
        Precision.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self._work = Workspace(0, dtype)
        self._spread = np.array([-LEAST_SPREAD], dtype)
        self._known = None

    def lay_out(
        self, shape: Shape, n_segments: int, n_groups: int, mask: Array | None = None
    ) -> None:
        """Take the shape of a batch.

        Parameters
        ----------
        shape : tuple of int
            Shape (N, ..., C) of the batch.
        n_segments : int
            1 or N.
        n_groups : int
            Number of groups of channels.
        mask : ndarray of shape (N, T) of bool, default=None
            True at the steps that count.
        """
        n_rows, channels = prod(shape[:-1]) // n_segments, shape[-1]
        self._weigh(mask, n_segments, n_rows)
        known = shape, n_segments, n_groups, mask is None
        if known == self._known:
            return
        self._known = known
        if mask is None:
            self._counts = np.array([n_rows], self._work.dtype)
        self._groups = n_groups, channels // n_groups
        self._joined = rows_to_join(n_rows, channels) if mask is None else 1
        self.shape: tuple[int, ...] = n_segments, n_rows // self._joined, channels * self._joined

    def _weigh(self, mask, n_segments, n_rows):
        self._weights, self.n_counted = None, n_segments * n_rows
        if mask is not None:
            n_inner = n_segments * n_rows // mask.size  # rows of a step
            weights = np.repeat(mask.reshape(-1), n_inner).reshape(n_segments, 1, n_rows)
            self._weights = weights.astype(self._work.dtype)
            counts = weights.sum(axis=2)
            self.n_counted: int = int(counts.sum())
            # A segment without a real row has moments of 0, not of 0 / 0.
            self._counts = np.maximum(counts, 1).astype(self._work.dtype)

    def measure(self, x: Array, epsilon: float) -> tuple[Array, Array, Array]:
        """Take the moments of a batch, which is centred in all that follows.

        Returns
        -------
        mean, variance, inverse_std : ndarray
            Vectors. Variance and inverse_std are in units of `scaling`, if that is not None:
            then they are those of the batch times `scaling`.
        """
        self.centre(x, self._mean_of(x))
        mean = self._mean
        variance = self._variance()
        inverse_std = self._inverse_std(variance, epsilon)
        if not self._is_accurate(mean, variance, inverse_std):
            mean = self._centre_again(x)
            variance = self._variance()
            inverse_std = self._inverse_std(variance, epsilon * self.scaling**2)
        return mean, variance, inverse_std

    def centre(self, x: Array, mean: Any) -> None:
        """Take the batch and the vector to subtract from it in all that follows."""
        self._x, self._mean, self.scaling = x, mean, None

    def take(self, x: Array, mean: Any, variance: Any, epsilon: float, unit: Any = 1.0) -> Array:
        """Take a batch with moments from elsewhere, the variance in units of `unit` ** 2.

        Returns
        -------
        inverse_std : ndarray
            Vector.
        """
        self.centre(x, mean)
        inverse_std = self._inverse_std(variance, epsilon / unit / unit)
        if unit != 1:
            inverse_std /= unit
        return inverse_std

    def _is_accurate(self, mean, variance, inverse_std):
        """Return whether no variance has overflowed or drowns in the rounding of its mean."""
        # One number as an array: NumPy takes half a microsecond longer over a Python float.
        margin = np.multiply(mean, self._spread, out=self._vector("margin"))
        margin *= mean
        margin += variance
        margin *= inverse_std  # inf * 0 for a variance that has overflowed
        return least(margin) >= 0

    def _centre_again(self, x):
        """Centre the batch on means of differences, in units of `scaling`; return the means."""
        n_segments = self.shape[0]
        by_group = x.reshape(n_segments, -1, *self._groups)
        weights, at = self._weights, np.zeros(n_segments, np.intp)
        if weights is not None:
            at = weights[:, 0].argmax(axis=1)
            weights = weights[:, 0, :, None, None]
        first = by_group[np.arange(n_segments), at][:, None, :, :1]
        kept, scaling = deviations(by_group, first, (1, 3), weights)
        kept = kept.reshape(self.shape)
        first = self._repeat_groups("first", first)
        self.scaling: Any = self._repeat_groups("scaling", scaling)
        mean = self._mean_of(kept)
        self._x, self._mean = kept, mean.copy()
        mean /= 4 * self.scaling  # by parts: the largest unit is no float
        mean += first / 4
        mean *= 4
        return mean

    def _repeat_groups(self, name, values):
        """Return values (segments, 1, groups, 1) as a vector."""
        out = self._vector(name)
        out.reshape(len(values), self._joined, *self._groups)[...] = values
        return out

    def _mean_of(self, x):
        total = self._vector("mean_total")
        kernels.channel_sums(x, None, None, self._weights, total, None, self._work)
        return self._group_mean(self._folded("mean_total"), "mean")

    def _variance(self):
        total = self._vector("variance_total")
        arrays = self._x, self._mean, None, self._weights
        kernels.channel_sums(*arrays, None, total, self._work)
        return self._group_mean(self._folded("variance_total"), "variance")

    def _inverse_std(self, variance, epsilon):
        """Return 1 / sqrt(variance + epsilon) as a vector."""
        out = np.add(variance, epsilon, out=self._vector("inverse_std"))
        np.sqrt(out, out=out)
        return np.reciprocal(out, out=out)

    def standardize(self, inverse_std: Any, gamma: Any, beta: Any, out: Array | None) -> Array:
        """Compute gamma (x - mean) inverse_std + beta."""
        scale = self._scale(inverse_std, gamma)
        shift = self.repeat("beta", beta)
        kernels.channel_linear(self._x, self._mean, self._weights, scale, shift, out, self._work)
        return out

    def gradient_totals(self, grad: Array) -> tuple[Array, Array]:
        """Return the totals of grad and of grad (x - mean); clear grad where weights are 0."""
        totals = self._vector("grad_total"), self._vector("product_total")
        arrays = self._x, self._mean, grad, self._weights
        kernels.channel_sums(*arrays, *totals, self._work)
        return self._folded("grad_total"), self._folded("product_total")

    def weight_gradients(
        self, totals: Any, inverse_std: Any, gamma_grad: Any, beta_grad: Any
    ) -> None:
        """Assign the gradients of gamma and beta."""
        total, product_total = totals
        np.add.reduce(total, axis=0, out=beta_grad)
        scaled = self._work("scaled_total", total.shape)
        np.multiply(product_total, self.per_channel(inverse_std), out=scaled)
        np.add.reduce(scaled, axis=0, out=gamma_grad)

    def input_gradient(self, grad: Array, inverse_std: Any, gamma: Any, totals: Any) -> Array:
        """Turn grad into the gradient of x, on which the moments depend as well."""
        # d x = s (g - mean(g)) - s**3 (x - mean) mean(g (x - mean)), g = gamma grad, s = 1 / std
        total, product_total = totals
        total *= gamma
        product_total *= gamma
        constant = self._group_mean(total, "constant")
        constant *= inverse_std
        slope = self._group_mean(product_total, "slope")
        for _ in range(3):
            slope *= inverse_std
        vectors = self._scale(inverse_std, gamma), slope, constant
        arrays = grad, self._x, self._mean, self._weights
        kernels.channel_gradient(*arrays, *vectors, self._work)
        if self.scaling is not None:
            grad *= self.scaling
        return grad

    def scale_gradient(self, grad: Array, inverse_std: Any, gamma: Any) -> Array:
        """Turn grad into the gradient of x, on which the moments do not depend."""
        grad *= self._scale(inverse_std, gamma)
        return grad

    def repeat(self, name: str, values: Any) -> Array:
        """Return values of the channels as a vector, which may be the values themselves."""
        if self.shape[0] == self._joined == 1:
            return values.reshape(1, 1, -1)
        out = self._vector(name)
        out.reshape(-1, values.shape[-1])[...] = values
        return out

    def per_channel(self, vector: Any) -> Array:
        """View one number a segment and channel of a vector."""
        return vector.reshape(len(vector), self._joined, -1)[:, 0]

    def _vector(self, name):
        return self._work(name, (self.shape[0], 1, self.shape[2]))

    def _scale(self, inverse_std, gamma):
        repeated = self.repeat("repeated", gamma)
        return np.multiply(repeated, inverse_std, out=self._vector("scale"))

    def _folded(self, name):
        """Return the totals of the channels from those in a vector."""
        parts = self._vector(name).reshape(self.shape[0], self._joined, -1)
        if self._joined == 1:
            return parts[:, 0]
        return np.add.reduce(parts, axis=1, out=self._work(f"{name}_folded", parts[:, 0].shape))

    def _group_mean(self, total, name):
        """Return totals as means over the rows and channels of each group, in a vector."""
        n_segments, (n_groups, size), out = len(total), self._groups, self._vector(name)
        if size == self._joined == 1:
            np.divide(total, self._counts, out=out[:, 0])
            return out
        means = self._work("means", (n_segments, n_groups))
        np.add.reduce(total.reshape(n_segments, n_groups, size), axis=2, out=means)
        means /= self._counts
        means /= size
        out.reshape(n_segments, self._joined, n_groups, size)[...] = means[:, None, :, None]
        return out
