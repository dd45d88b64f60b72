"""Mean and variance of channels over long columns: the arithmetic of normalization by columns."""

from math import prod

import numpy as np

from ..base import Workspace

#: Elements of a block: it is read, and read again, while it is in a core's cache.
_BLOCK_ELEMENTS = 2**16
#: NumPy pays for every row of a broadcast operation: rows are joined until they are this long.
_ROW_ELEMENTS = 256
#: Rows that have to be left, or joining them only makes the vectors longer.
_FEWEST_ROWS = 256


def rows_to_join(n_rows, width):
    """Return how many rows to view as one, for elementwise operations with a vector.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    width : int
        Elements of a row.

    Returns
    -------
    n_joined : int
        A power of two that divides `n_rows`.
    """
    n_joined = 1
    while (
        width * n_joined < _ROW_ELEMENTS
        and n_rows % (2 * n_joined) == 0
        and n_rows // n_joined > _FEWEST_ROWS
    ):
        n_joined *= 2
    return n_joined


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

    def __init__(self, dtype):
        self._work = Workspace(0, dtype)
        self._known = None

    def lay_out(self, shape, n_segments, n_groups, mask=None):
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
        self._groups = n_groups, channels // n_groups
        self._joined = rows_to_join(n_rows, channels) if mask is None else 1
        self.shape = n_segments, n_rows // self._joined, channels * self._joined
        self._blocks = list(_blocks(*self.shape))
        self._ones = np.ones((1, min(self.shape[1], _BLOCK_ELEMENTS)), self._work.dtype)

    def _weigh(self, mask, n_segments, n_rows):
        self._weights, self.counts = None, n_rows
        if mask is not None:
            n_inner = n_segments * n_rows // mask.size  # rows of a step
            weights = np.repeat(mask.reshape(-1), n_inner).reshape(n_segments, 1, n_rows)
            self._weights = weights.astype(self._work.dtype)
            # A segment without a real row has moments of 0, not of 0 / 0.
            self.counts = np.maximum(weights.sum(axis=2), 1).astype(self._work.dtype)

    def mean(self, x):
        """Return the mean of each group as a vector."""
        return self._group_mean(self._total("mean_total", x, _itself), "mean")

    def centre(self, x, mean):
        """Take the batch and the vector to subtract from it in all that follows."""
        self._x, self._mean, self._kept = x, mean, None
        if len(self._blocks) == 1:  # it stays in the cache as it is
            self._kept = self._centred(x, self._blocks[0], self._work("kept", x.shape))
        return mean

    def variance(self):
        """Return the mean square of each group as a vector."""
        return self._group_mean(self._total("variance_total", self._x, self._square), "variance")

    def inverse_std(self, variance, epsilon):
        """Return 1 / sqrt(variance + epsilon) as a vector."""
        out = np.add(variance, epsilon, out=self._vector("inverse_std"))
        np.sqrt(out, out=out)
        return np.divide(1.0, out, out=out)

    def standardize(self, inverse_std, gamma, beta, out):
        """Compute gamma (x - mean) inverse_std + beta."""
        scale = self._scale(inverse_std, gamma)
        shift = self._constant("shift", self.repeat("beta", beta), scale)
        for at in self._blocks:
            part = np.multiply(self._linear(at), scale[at[0]], out=out[at])
            part += shift[at[0]]
        return out

    def gradient_totals(self, grad):
        """Return the totals of grad and of grad (x - mean); clear grad where weights are 0."""
        total = self._total("grad_total", grad, _itself if self._weights is None else self._clear)
        return total, self._total("product_total", grad, self._product)

    def weight_gradients(self, totals, inverse_std, gamma_grad, beta_grad):
        """Assign the gradients of gamma and beta."""
        total, product_total = totals
        np.add.reduce(total, axis=0, out=beta_grad)
        scaled = self._work("scaled_total", total.shape)
        np.multiply(product_total, self.per_channel(inverse_std), out=scaled)
        np.add.reduce(scaled, axis=0, out=gamma_grad)

    def input_gradient(self, grad, inverse_std, gamma, totals):
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
        scale, constant = self._scale(inverse_std, gamma), self._constant("rest", constant, slope)
        for at in self._blocks:
            part, segments = grad[at], at[0]
            part *= scale[segments]
            part -= np.multiply(self._linear(at), slope[segments], out=self._buffer(part))
            part -= constant[segments]
            if self._weights is not None:
                self._clear(part, at)
        return grad

    def scale_gradient(self, grad, inverse_std, gamma):
        """Turn grad into the gradient of x, on which the moments do not depend."""
        scale = self._scale(inverse_std, gamma)
        for at in self._blocks:
            part = grad[at]
            part *= scale[at[0]]
        return grad

    def repeat(self, name, values):
        """Return values of the channels as a vector, which may be the values themselves."""
        if self.shape[0] == self._joined == 1:
            return values.reshape(1, 1, -1)
        out = self._vector(name)
        out.reshape(-1, values.shape[-1])[...] = values
        return out

    def per_channel(self, vector):
        """View one number a segment and channel of a vector."""
        return vector.reshape(len(vector), self._joined, -1)[:, 0]

    def _vector(self, name):
        return self._work(name, (self.shape[0], 1, self.shape[2]))

    def _buffer(self, part):
        return self._work("buffer", part.shape)

    def _scale(self, inverse_std, gamma):
        repeated = self.repeat("repeated", gamma)
        return np.multiply(repeated, inverse_std, out=self._vector("scale"))

    def _centred(self, part, at, out=None):
        """Return a block of x - mean, to be read only, and 0 where weights are 0."""
        if self._kept is not None:
            return self._kept
        out = self._buffer(part) if out is None else out
        np.subtract(part, self._mean[at[0]], out=out)
        return out if self._weights is None else self._clear(out, at)

    @property
    def _is_raw(self):
        # A linear function of x - mean is one of x, which saves a pass; it adds half to the error
        # that the rounded mean makes. Not with weights, as they hide values that may be wild.
        return self._kept is None and self._weights is None

    def _linear(self, at):
        """Return a block of x, or of x - mean where that is there or weights are 0."""
        return self._x[at] if self._is_raw else self._centred(self._x[at], at)

    def _constant(self, name, constant, slope):
        """Return what to add to slope times `_linear` for constant + slope (x - mean)."""
        if not self._is_raw:
            return constant
        out = np.multiply(self._mean, slope, out=self._vector(name))
        return np.subtract(constant, out, out=out)

    def _square(self, part, at):
        centred = self._centred(part, at)
        return np.multiply(centred, centred, out=self._buffer(part))

    def _product(self, part, at):
        centred = self._centred(self._x[at], at)
        return np.multiply(centred, part, out=self._buffer(part))

    def _clear(self, part, at):
        part *= self._weights[at[0], 0, at[1], None]
        return part

    def _total(self, name, x, function):
        """Return the totals of a function of the blocks of x over the rows that count."""
        wide = self._vector(name)
        many = len(self._blocks) > 1
        if many:
            wide.fill(0)
        for at in self._blocks:
            part = function(x[at], at)
            n_segments, n_rows, width = part.shape
            weights = self._ones[:, :n_rows]
            if self._weights is not None:
                weights = self._weights[at[0], :, at[1]]
            sums = self._work("sums", (n_segments, 1, width)) if many else wide
            # A column sum as a product is several times faster than sum(axis=1).
            np.matmul(weights, part, out=sums)
            if many:
                wide[at[0]] += sums
        parts = wide.reshape(self.shape[0], self._joined, -1)
        if self._joined == 1:
            return parts[:, 0]
        return np.add.reduce(parts, axis=1, out=self._work(f"{name}_folded", parts[:, 0].shape))

    def _group_mean(self, total, name):
        """Return totals as means over the rows and channels of each group, in a vector."""
        n_segments, (n_groups, size), out = len(total), self._groups, self._vector(name)
        if size == self._joined == 1:
            np.divide(total, self.counts, out=out[:, 0])
            return out
        means = self._work("means", (n_segments, n_groups))
        np.add.reduce(total.reshape(n_segments, n_groups, size), axis=2, out=means)
        means /= self.counts
        means /= size
        out.reshape(n_segments, self._joined, n_groups, size)[...] = means[:, None, :, None]
        return out


def _itself(part, at):
    return part


def _blocks(n_segments, n_rows, width):
    """Yield (segments, rows), slices that cover all."""
    n_fitting = max(1, _BLOCK_ELEMENTS // width)
    if n_rows > n_fitting:
        for segment in range(n_segments):
            for row in range(0, n_rows, n_fitting):
                yield slice(segment, segment + 1), slice(row, row + n_fitting)
        return
    step = max(1, n_fitting // max(1, n_rows))
    for segment in range(0, n_segments, step):
        yield slice(segment, segment + step), slice(None)
