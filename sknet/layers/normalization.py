"""Layers that give activations mean zero and variance one."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from numbers import Integral, Real

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import Interval, Options

from .. import kernels
from ..kernels.numpy_kernels.normalization import scale_and_shift
from ..typing import Array, Shape
from .channel_moments import LEAST_SPREAD, ChannelMoments, deviations
from .last_axes import AXES, last_axes
from .scaled_and_shifted import ScaledAndShifted, representable

#: Values of a batch that has the full share in moving averages: moments of fewer are too noisy.
MANY_VALUES = 100
#: How far deviations stay below the root of the largest number.
_ROOM = 2.0**10


class _RowNorm(ScaledAndShifted):
    """Shared arithmetic of layers that divide each row by the root of its mean square."""

    _parameter_constraints = {**ScaledAndShifted._parameter_constraints, "axis": AXES}
    #: Whether the mean is subtracted first, and whether beta is added.
    _centres = True

    axis = -1

    @property
    def is_causal(self) -> bool:
        """Whether each step is treated alone: it is unless the axis of the steps is normalized."""
        return len(self.input_shape_) > len(self._shape)

    def build(self, input_shape: Shape) -> Shape:
        """Declare the weights for inputs of shape (..., F)."""
        self._shape = last_axes(self, input_shape)
        self._declare(self._shape)
        return input_shape

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory."""
        super().allocate(batch_size, dtype, rng)
        self._fill_in(self._shape, dtype)
        length = prod(self._shape)
        numbers = length, -LEAST_SPREAD, representable(self.epsilon, dtype)
        ones = np.ones(length, dtype)
        self._numbers = ones, *(np.array([number], dtype) for number in numbers)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Normalize the last axis of x, or the last ones."""
        rows = x.reshape(-1, prod(self._shape))
        gamma, beta = self.gamma_.reshape(-1), None
        x_hat, out = self._work("x_hat", rows.shape), self._work("out", rows.shape)
        scale = self._work("inverse_std", (len(rows), 1))
        margin = self._work("margin", (len(rows), 1))
        self._x_hat, self._inverse_std = x_hat, scale
        if self._centres:
            beta = self.beta_.reshape(-1)
        epsilon = float(self._numbers[3][0])
        if not kernels.row_norm(
            *(rows, gamma, beta, x_hat, scale, margin, out),
            *(epsilon, self._numbers, self._work),
        ):
            wrong = ~(margin[:, 0] >= 0) if self._centres else ~(scale[:, 0] > 0)
            self._normalize_again(rows, wrong)
            scale_and_shift(x_hat, gamma, beta, out, self._work)
        return out.reshape(x.shape)

    def _normalize_again(self, rows, chosen):
        """Normalize the chosen rows accurately, whatever their size and spread."""
        rows = rows[chosen]
        x_hat, scaling = deviations(rows, rows[:, :1] if self._centres else 0.0, 1)
        if self._centres:
            x_hat -= x_hat.mean(axis=1, keepdims=True)
        variance = np.square(x_hat).mean(axis=1, keepdims=True)
        inverse_std = 1 / np.sqrt(variance + self._numbers[3] * scaling**2)
        x_hat *= inverse_std
        self._work("x_hat", (len(chosen), rows.shape[1]))[chosen] = x_hat
        self._work("inverse_std", (len(chosen), 1))[chosen] = inverse_std * scaling

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradients of the weights; return that of x."""
        grad = grad_output.reshape(-1, prod(self._shape))
        gamma, gamma_grad = self.gamma_.reshape(-1), self.gamma_grad_.reshape(-1)
        beta_grad = self.beta_grad_.reshape(-1) if self._centres else None
        kernels.row_norm_backward(
            *(grad, self._x_hat, self._inverse_std, gamma, gamma_grad),
            *(beta_grad, input_grad, self._numbers, self._work),
        )
        return grad.reshape(grad_output.shape) if input_grad else None


class LayerNorm(_RowNorm):
    """Normalize each sample (each step of a sequence) over its last axis.

    out = gamma (x - mean) / sqrt(variance + epsilon) + beta. Output shape as the input's.

    Parameters
    ----------
    epsilon : float, default=1e-5
        Added to the variance, above 0.
    axis : int or tuple of int, default=-1
        The last axis, -1, or several last axes, such as (-3, -2, -1) for whole images, that are
        normalized together; gamma and beta have their shape.
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
    gamma_, beta_ : ndarray of shape (F,)
        Scale and shift.

    References
    ----------
    Ba, Kiros and Hinton (2016), Layer normalization, :arxiv:`1607.06450`.

    Examples
    --------
    >>> from sknet.layers import Activation, Dense, LayerNorm, Sequential
    >>> block = Sequential([Dense(64), LayerNorm(), Activation("relu")])
    """

    def __init__(
        self,
        *,
        epsilon: float = 1e-5,
        axis: int | Sequence[int] = -1,
        center: bool = True,
        scale: bool = True,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.epsilon = epsilon
        self.axis = axis
        self.center = center
        self.scale = scale
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable


class RMSNorm(_RowNorm):
    """Divide each sample (each step of a sequence) by the root mean square of its last axis.

    out = gamma x / sqrt(mean(x ** 2) + epsilon). Output shape as the input's.

    Parameters
    ----------
    epsilon : float, default=1e-6
        Added to the mean square, above 0.
    axis : int or tuple of int, default=-1
        The last axis, -1, or several last axes, such as (-3, -2, -1) for whole images, that are
        normalized together; gamma has their shape.
    scale : bool, default=True
        Whether to multiply by gamma.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes gamma.

    Attributes
    ----------
    gamma_ : ndarray of shape (F,)
        Scale.

    References
    ----------
    Zhang and Sennrich (2019), Root mean square layer normalization, :arxiv:`1910.07467`.

    Examples
    --------
    >>> from sknet.layers import Dense, Residual, RMSNorm
    >>> block = Residual([RMSNorm(), Dense(256, activation="gelu"), Dense(64)])
    """

    _centres = center = False

    def __init__(
        self,
        *,
        epsilon: float = 1e-6,
        axis: int | Sequence[int] = -1,
        scale: bool = True,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.epsilon = epsilon
        self.axis = axis
        self.scale = scale
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable


class _ChannelNorm(ScaledAndShifted):
    """Shared arithmetic of layers with moments over the rows of a batch or of a sample."""

    def _declare(self, input_shape):
        super()._declare(last_axes(self, input_shape))

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory."""
        super().allocate(batch_size, dtype, rng)
        self._fill_in(self.input_shape_[-1:], dtype)
        self._moments = ChannelMoments(dtype)
        self._epsilon = representable(self.epsilon, dtype)

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
    """Normalize each feature over the batch, and over all axes but the last.

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
        **ScaledAndShifted._parameter_constraints,
        "momentum": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        *,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        center: bool = True,
        scale: bool = True,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.momentum = momentum
        self.epsilon = epsilon
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
        self.add_weight("moving_mean", input_shape[-1:], "zeros", rate_factor=0.0)
        self.add_weight("moving_variance", input_shape[-1:], "ones", rate_factor=0.0)
        self.add_weight("exponent", (1,), "zeros", rate_factor=0.0)
        # Of the mean, and of the variance: the values that each stands for.
        self.add_weight("counts", (2,), "zeros", rate_factor=0.0)
        return input_shape

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
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
        **ScaledAndShifted._parameter_constraints,
        "groups": [Interval(Integral, 1, None, closed="left"), Options(Integral, {-1})],
    }

    def __init__(
        self,
        groups: int = 8,
        *,
        epsilon: float = 1e-5,
        center: bool = True,
        scale: bool = True,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.groups = groups
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    def build(self, input_shape: Shape) -> Shape:
        """Declare gamma and beta for inputs of shape (..., C)."""
        self._declare(input_shape)
        channels = input_shape[-1]
        self._n_groups = channels if self.groups == -1 else int(self.groups)
        if channels % self._n_groups:
            self._refuse(
                f"a number of channels that groups={self.groups} divides",
                f"{channels} channels",
                "Choose groups that divide it; 1 and -1 always do.",
            )
        return input_shape

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Normalize with the moments of each sample."""
        self._moments.lay_out(x.shape, len(x), self._n_groups, mask)
        return self._normalize(x)
