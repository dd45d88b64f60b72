"""Layers that normalize channels over the rows of a batch or of a sample."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import Interval, Options

from ..typing import Array, Shape
from .channel_moments import ChannelMoments
from .normalized_axes import AXIS, feature_axis
from .scaled_and_shifted import ScaledAndShifted, representable

#: Values of a batch that has the full share in moving averages: moments of fewer are too noisy.
MANY_VALUES = 100
#: How far deviations stay below the root of the largest number.
_ROOM = 2.0**10


class _ChannelNorm(ScaledAndShifted):
    """Shared arithmetic of layers with moments over the rows of a batch or of a sample.

    A subclass computes in `_forward`, where the channels are on the last axis.
    """

    _parameter_constraints = {**ScaledAndShifted._parameter_constraints, "axis": AXIS}

    axis = -1

    def _declare(self, input_shape):
        self._axis = feature_axis(self, input_shape)
        self._channels: Any = input_shape[self._axis]
        super()._declare((self._channels,))

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory."""
        super().allocate(batch_size, dtype, rng)
        self._fill_in((self._channels,), dtype)
        self._moments = ChannelMoments(dtype)
        self._epsilon = representable(self.epsilon, dtype)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Normalize each channel, or group of channels."""
        if self._axis == -1:
            return self._forward(x, training, mask)
        if mask is not None and self._axis == 1 - x.ndim:
            self._refuse(
                f"steps that are all real, as axis={self.axis} makes channels of them",
                "sequences with padding",
                "Leave out axis to normalize the features of each step.",
            )
        out = self._forward(self._moved("x", x, self._axis, -1), training, mask)
        return self._moved("out", out, -1, self._axis)

    def _moved(self, name, x, source, target):
        moved = np.moveaxis(x, source, target)
        out = self._work(f"moved_{name}", moved.shape)
        np.copyto(out, moved)
        return out

    def _normalize(self, x):
        """Normalize x, laid out before, with its own moments; keep what they are."""
        rows = x.reshape(self._moments.shape)
        measured = self._moments.measure(rows, self._epsilon)
        self._mean, self._variance, self._inverse_std = measured
        self._moments_depend_on_x = True
        return self._standardized(x.shape)

    def _standardized(self, shape):
        out = self._work("out", shape)
        wide = out.reshape(self._moments.shape)
        self._moments.standardize(self._inverse_std, self.gamma_, self.beta_, wide)
        return out

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradients of gamma and beta; return that of x."""
        if self._axis == -1:
            return self._backward(grad_output, input_grad)
        grad = self._backward(self._moved("grad", grad_output, self._axis, -1), input_grad)
        return self._moved("grad_x", grad, -1, self._axis) if input_grad else None

    def _backward(self, grad_output, input_grad):
        moments, inverse_std = self._moments, self._inverse_std
        grad = grad_output.reshape(moments.shape)
        totals = moments.gradient_totals(grad)
        moments.weight_gradients(totals, inverse_std, self.gamma_grad_, self.beta_grad_)
        if not input_grad:
            return None
        if self._moments_depend_on_x:
            moments.input_gradient(grad, inverse_std, self.gamma_, totals)
        else:
            moments.scale_gradient(grad, inverse_std, self.gamma_)
        return grad.reshape(grad_output.shape)


class BatchNorm(_ChannelNorm):
    """Normalize each feature over the batch, and over all axes but that of the features.

    While training, mean and variance are the batch's; afterwards moving averages of them:
    moving = (1 - share) moving + share batch. A batch with m values a channel has

    share = m / n, where n = min(n + m, max(n, max(m, 100) / (1 - momentum)))

    is the number of values that the averages stand for, 0 at the start. So the first batches
    give a plain average over their values, and from then on equal batches of at least 100 values
    have the share 1 - momentum. Smaller batches, and the short last one of an epoch, count in
    proportion to their values. The variance that is averaged is the unbiased one, m / (m - 1)
    times that of the batch, and its weight is m - 1: a single value changes no variance.
    Masked steps of sequences count for nothing. Output shape as the input's.

    Parameters
    ----------
    momentum : float, default=0.9
        Weight of the past in the moving averages, in [0, 1), after a batch of at least 100
        values a channel.
    epsilon : float, default=1e-5
        Added to the variance, above 0.
    axis : int, default=-1
        The axis of the features: -1 is the last one, 1 the first one of a sample, as where
        channels come first.
    center : bool, default=True
        Whether to add beta.
    scale : bool, default=True
        Whether to multiply by gamma.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes gamma, beta and the averages; a frozen layer uses its
        averages while training, too.

    Attributes
    ----------
    gamma_, beta_ : ndarray of shape (C,)
        Scale and shift.
    moving_mean_, moving_variance_ : ndarray of shape (C,)
        Moving averages. The variances are ``moving_variance_ * 4 ** exponent_``, where
        `exponent_` is above 0 only if the dtype could not hold them.

    References
    ----------
    Ioffe and Szegedy (2015), Batch normalization, :arxiv:`1502.03167`.

    Examples
    --------
    >>> from sknet.layers import Activation, BatchNorm, Dense, Sequential
    >>> block = Sequential([Dense(64), BatchNorm(), Activation("relu")])
    """

    _parameter_constraints = {
        **_ChannelNorm._parameter_constraints,
        "momentum": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        *,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        axis: int = -1,
        center: bool = True,
        scale: bool = True,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.momentum = momentum
        self.epsilon = epsilon
        self.axis = axis
        self.center = center
        self.scale = scale
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    @property
    def mixes_rows(self) -> bool:
        """Whether training normalizes with the moments of the batch."""
        return not self.is_frozen

    def build(self, input_shape: Shape) -> Shape:
        """Declare gamma, beta and the moving averages for inputs of shape (..., C)."""
        self._declare(input_shape)
        shape = (self._channels,)
        self.add_weight("moving_mean", shape, "zeros", rate_factor=0.0)
        self.add_weight("moving_variance", shape, "ones", rate_factor=0.0)
        self.add_weight("exponent", (1,), "zeros", rate_factor=0.0)
        # Of the mean, and of the variance: the values that each stands for.
        self.add_weight("counts", (2,), "zeros", rate_factor=0.0)
        return input_shape

    def _forward(self, x, training, mask):
        """Normalize with the batch's moments when training, else with the moving ones."""
        uses_batch = training and not self.is_frozen
        # With moments from elsewhere, masked steps do not matter to others.
        self._moments.lay_out(x.shape, 1, x.shape[-1], mask if uses_batch else None)
        if not uses_batch:
            return self._normalize_with_averages(x)
        out = self._normalize(x)
        if self._moments.n_counted:
            self._update_averages()
        return out

    def _normalize_with_averages(self, x):
        moments = self._moments
        mean = moments.repeat("mean", self.moving_mean_)
        variance = moments.repeat("variance", self.moving_variance_)
        self._inverse_std = moments.take(
            x.reshape(moments.shape),
            mean,
            variance,
            self._epsilon,
            2.0 ** float(self.exponent_[0]),
        )
        self._moments_depend_on_x = False
        return self._standardized(x.shape)

    def _update_averages(self):
        moments, n = self._moments, self._moments.n_counted
        mean, variance = (moments.per_channel(m)[0] for m in (self._mean, self._variance))
        if moments.scaling is not None or self.exponent_[0]:
            variance = self._in_units(variance)
        # An average that has its value already stays exactly as it is.
        difference = mean - self.moving_mean_
        difference *= self._share(0, n)
        np.add(self.moving_mean_, difference, out=self.moving_mean_)
        if n > 1:
            share = self._share(1, n - 1)
            np.multiply(self.moving_variance_, 1 - share, out=self.moving_variance_)
            variance = np.multiply(variance, share * n / (n - 1), out=difference)
            np.add(self.moving_variance_, variance, out=self.moving_variance_)

    def _share(self, which, n):
        """Count n values; return their share in the moving mean (0) or variance (1)."""
        count = float(self.counts_[which])
        largest = max(n, MANY_VALUES) / (1 - float(self.momentum))
        count = min(count + n, max(count, largest))
        self.counts_[which] = count
        return n / count

    def _in_units(self, variance):
        """Return a batch's variance over 4 ** `exponent_`, which grows if it has to."""
        deviation = np.sqrt(variance)
        if self._moments.scaling is not None:
            deviation /= self._moments.per_channel(self._moments.scaling)[0]
        largest, unit = deviation.max(), 2.0 ** float(self.exponent_[0])
        if largest / unit > np.sqrt(np.finfo(deviation.dtype).max) / _ROOM:
            exponent = int(np.frexp(largest)[1]) - 1
            self.moving_variance_ *= (unit / 2.0**exponent) ** 2
            self.exponent_[0], unit = exponent, 2.0**exponent
        return np.square(deviation / unit)


class GroupNorm(_ChannelNorm):
    """Normalize each sample over groups of channels, and over all axes but the batch.

    out = gamma (x - mean) / sqrt(variance + epsilon) + beta, with mean and variance of a sample
    and a group. Masked steps of sequences count for nothing. Output shape as the input's.

    Parameters
    ----------
    groups : int, default=8
        Number of groups, a divisor of the number of channels C; 1 normalizes all channels
        together, -1 each of them by itself.
    epsilon : float, default=1e-5
        Added to the variance, above 0.
    axis : int, default=-1
        The axis of the channels: -1 is the last one, 1 the first one of a sample, as where
        channels come first.
    center : bool, default=True
        Whether to add beta.
    scale : bool, default=True
        Whether to multiply by gamma.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes gamma and beta.

    Attributes
    ----------
    gamma_, beta_ : ndarray of shape (C,)
        Scale and shift.

    References
    ----------
    Wu and He (2018), Group normalization, :arxiv:`1803.08494`.
    Ulyanov, Vedaldi and Lempitsky (2016), Instance normalization: the missing ingredient for
    fast stylization, :arxiv:`1607.08022`.

    Examples
    --------
    >>> from sknet.layers import Activation, Dense, GroupNorm, Reshape, Sequential
    >>> block = Sequential([Reshape((8, 8)), Dense(32), GroupNorm(4), Activation("silu")])
    """

    _parameter_constraints = {
        **_ChannelNorm._parameter_constraints,
        "groups": [Interval(Integral, 1, None, closed="left"), Options(Integral, {-1})],
    }

    def __init__(
        self,
        groups: int = 8,
        *,
        epsilon: float = 1e-5,
        axis: int = -1,
        center: bool = True,
        scale: bool = True,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.groups = groups
        self.epsilon = epsilon
        self.axis = axis
        self.center = center
        self.scale = scale
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    def build(self, input_shape: Shape) -> Shape:
        """Declare gamma and beta for inputs of shape (..., C)."""
        self._declare(input_shape)
        channels = self._channels
        self._n_groups = channels if self.groups == -1 else int(self.groups)
        if channels % self._n_groups:
            self._refuse(
                f"a number of channels that groups={self.groups} divides",
                f"{channels} channels",
                "Choose groups that divide it; 1 and -1 always do.",
            )
        return input_shape

    def _forward(self, x, training, mask):
        """Normalize with the moments of each sample."""
        self._moments.lay_out(x.shape, len(x), self._n_groups, mask)
        return self._normalize(x)
