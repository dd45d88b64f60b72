"""Layers that add noise while training and do nothing otherwise."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from .. import kernels
from ..schedules import SCHEDULES, Schedule, get_schedule
from ..schedules.base import Progress
from ..typing import Array, Function, Shape
from .base import Layer


class Dropout(Layer):
    """Set a random part of the inputs to zero while training.

    The others are multiplied by 1 / (1 - rate), so that the expected output is the input.
    Output shape as the input's.

    Parameters
    ----------
    rate : float, default=0.5
        Probability that an input is set to zero, in [0, 1).
    schedule : str, sknet.schedules.Schedule or callable, default=None
        What multiplies the rate over the training, such as "flat_cosine", or a function of the
        progress in [0, 1]; None keeps it.

    References
    ----------
    Srivastava et al. (2014), Dropout: a simple way to prevent neural networks from
    overfitting, JMLR 15.

    Examples
    --------
    >>> from sknet.layers import Dense, Dropout, Sequential
    >>> block = Sequential([Dense(64, activation="relu"), Dropout(0.2)])
    """

    _parameter_constraints = {
        "rate": [Interval(Real, 0, 1, closed="left")],
        "schedule": [StrOptions(set(SCHEDULES) - {"adaptive"}), Schedule, callable, None],
    }
    is_causal = True

    def __init__(
        self, rate: float = 0.5, *, schedule: str | Schedule | Function | None = None
    ) -> None:
        self.rate = rate
        self.schedule = schedule

    @property
    def is_stochastic(self) -> bool:
        """Whether the training output is random: it is unless the rate is 0."""
        return self.rate > 0

    @property
    def is_scheduled(self) -> bool:
        """Whether the rate follows a schedule."""
        return self.schedule is not None

    def build(self, input_shape: Shape) -> Shape:
        """Take any shape."""
        if self.is_scheduled:
            self._schedule = get_schedule(self.schedule)
            self._present = {"rate": self.rate}  # shared by all replicas
        return input_shape

    def follow(self, progress: Progress) -> None:
        """Take the rate of the schedule."""
        rate = self.rate * self._schedule.factor(progress)
        if rate >= 1:
            raise ValueError(
                f"{type(self).__name__} with rate={self.rate} drops everything where its schedule "
                f"has the factor {rate / self.rate:.6g}. Lower the rate, or keep the factor below "
                f"{1 / self.rate:.6g}."
            )
        self._present["rate"] = rate

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Drop a random part of x when training, else return x itself."""
        if not training or not self.is_stochastic:
            return x
        keep = 1.0 - float(self._present["rate"] if self.is_scheduled else self.rate)
        self._kept = self._work("kept", self._draws(x.shape), bool)
        self._kept_factor = float(self._factor(keep))
        out = self._work("out", x.shape)
        kernels.dropout(x, out, self._kept, self._rng, keep, self._kept_factor, self._work)
        return out

    def _factor(self, keep):
        """Return what is multiplied with the inputs that are kept, a part `keep` of all."""
        return 1 / keep

    def _draws(self, shape):
        """Return the shape of what is drawn; it is broadcast to that of x."""
        return shape

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Pass on the gradient of what was kept."""
        if self.is_stochastic:
            kernels.dropout_backward(grad_output, self._kept, self._kept_factor, self._work)
        return grad_output if input_grad else None


class _SpatialDropout(Dropout):
    """Dropout of whole channels: one draw a sample and channel."""

    #: Names of the axes of a sample.
    _axes = ()

    def build(self, input_shape: Shape) -> Shape:
        """Take shapes with the axes of the layer."""
        if len(input_shape) != len(self._axes):
            self._refuse(
                f"inputs of shape ({', '.join(self._axes)})",
                input_shape,
                "Put a Reshape before it, pass input_shape, or use Dropout.",
            )
        return super().build(input_shape)

    def _draws(self, shape):
        return (shape[0], *(1,) * (len(shape) - 2), shape[-1])


class SpatialDropout1D(_SpatialDropout):
    """Set random channels of sequences to zero, at all steps alike, while training.

    The others are multiplied by 1 / (1 - rate). Neighbouring steps say much the same, so that
    dropping them one by one would hide little. Input shape (T, C), output shape (T, C).

    Parameters
    ----------
    rate : float, default=0.5
        Probability that a channel of a sample is set to zero, in [0, 1).
    schedule : str, sknet.schedules.Schedule or callable, default=None
        What multiplies the rate over the training, such as "flat_cosine", or a function of the
        progress in [0, 1]; None keeps it.

    References
    ----------
    Tompson et al. (2015), Efficient object localization using convolutional networks,
    :arxiv:`1411.4280`.

    Examples
    --------
    >>> from sknet.layers import Dense, Flatten, Reshape, Sequential, SpatialDropout1D
    >>> block = Sequential([Reshape((8, 8)), Dense(16), SpatialDropout1D(0.2), Flatten()])
    """

    _axes = ("steps", "channels")


class SpatialDropout2D(_SpatialDropout):
    """Set random channels of images to zero, at all places alike, while training.

    The others are multiplied by 1 / (1 - rate). Neighbouring pixels say much the same, so that
    dropping them one by one would hide little. Input shape (H, W, C), output shape (H, W, C).

    Parameters
    ----------
    rate : float, default=0.5
        Probability that a channel of a sample is set to zero, in [0, 1).
    schedule : str, sknet.schedules.Schedule or callable, default=None
        What multiplies the rate over the training, such as "flat_cosine", or a function of the
        progress in [0, 1]; None keeps it.

    References
    ----------
    Tompson et al. (2015), Efficient object localization using convolutional networks,
    :arxiv:`1411.4280`.

    Examples
    --------
    >>> from sknet.layers import Dense, Flatten, Reshape, Sequential, SpatialDropout2D
    >>> block = Sequential([Reshape((4, 4, 4)), Dense(16), SpatialDropout2D(0.2), Flatten()])
    """

    _axes = ("height", "width", "channels")


class MaskingNoise(Dropout):
    """Set a random part of the inputs to zero while training, and leave the others as they are.

    At the input of an autoencoder it makes a denoising one, which learns to fill what is missing:
    unlike after `Dropout`, what is left keeps its scale. Output shape as the input's.

    Parameters
    ----------
    rate : float, default=0.3
        Probability that an input is set to zero, in [0, 1).
    schedule : str, sknet.schedules.Schedule or callable, default=None
        What multiplies the rate over the training, such as "flat_cosine", or a function of the
        progress in [0, 1]; None keeps it.

    References
    ----------
    Vincent et al. (2010), Stacked denoising autoencoders: learning useful representations in
    a deep network with a local denoising criterion, JMLR 11.

    Examples
    --------
    >>> from sknet.layers import Dense, MaskingNoise, Sequential
    >>> encoder = Sequential([MaskingNoise(0.3), Dense(64, activation="relu")])
    """

    def __init__(
        self, rate: float = 0.3, *, schedule: str | Schedule | Function | None = None
    ) -> None:
        super().__init__(rate, schedule=schedule)

    def _factor(self, keep):
        return 1.0


class AlphaDropout(Dropout):
    """Dropout that keeps mean 0 and variance 1, as networks of selu units need it.

    Inputs that are dropped become the value that selu tends to for negative x, a = -1.7581, and
    the result goes through an affine map: with q = 1 - rate,
    out = s (x kept + a dropped) - s a (1 - q), s = 1 / sqrt(q + a ** 2 q (1 - q)). Output shape
    as the input's.

    Parameters
    ----------
    rate : float, default=0.1
        Probability that an input is dropped, in [0, 1).
    schedule : str, sknet.schedules.Schedule or callable, default=None
        What multiplies the rate over the training, such as "flat_cosine", or a function of the
        progress in [0, 1]; None keeps it.

    References
    ----------
    Klambauer et al. (2017), Self-normalizing neural networks, :arxiv:`1706.02515`.

    Examples
    --------
    >>> from sknet.layers import AlphaDropout, Dense, Sequential
    >>> block = Sequential([Dense(64, activation="selu"), AlphaDropout(0.1)])
    """

    _limit = -1.7580993408473766

    def __init__(
        self, rate: float = 0.1, *, schedule: str | Schedule | Function | None = None
    ) -> None:
        super().__init__(rate, schedule=schedule)

    def _factor(self, keep):
        return 1 / np.sqrt(keep + self._limit**2 * keep * (1 - keep))

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Drop a random part of x when training, else return x itself."""
        out = super().forward(x, training, mask)
        if out is x:
            return x
        keep = 1.0 - float(self._present["rate"] if self.is_scheduled else self.rate)
        jump = float(self._factor(keep) * self._limit)
        dropped = np.logical_not(self._kept, out=self._work("dropped", x.shape, bool))
        out += np.multiply(dropped, jump, out=self._work("jumps", x.shape), dtype=out.dtype)
        out -= jump * (1 - keep)
        return out


class GaussianNoise(Layer):
    """Add normal noise of a given standard deviation while training.

    Output shape as the input's.

    Parameters
    ----------
    stddev : float, default=0.1
        Standard deviation of the noise, at least 0, in units of the input.

    References
    ----------
    Bishop (1995), Training with noise is equivalent to Tikhonov regularization,
    Neural Computation 7, :doi:`10.1162/neco.1995.7.1.108`.

    Examples
    --------
    >>> from sknet.layers import Dense, GaussianNoise, Sequential
    >>> block = Sequential([GaussianNoise(0.1), Dense(64, activation="relu")])
    """

    _parameter_constraints = {"stddev": [Interval(Real, 0, None, closed="left")]}
    is_causal = True

    def __init__(self, stddev: float = 0.1) -> None:
        self.stddev = stddev

    @property
    def is_stochastic(self) -> bool:
        """Whether the training output is random: it is unless the deviation is 0."""
        return self.stddev > 0

    def build(self, input_shape: Shape) -> Shape:
        """Take any shape."""
        return input_shape

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Add noise to x when training, else return x itself."""
        if not training or not self.is_stochastic:
            return x
        out = self._work("out", x.shape)
        self._rng.standard_normal(out=out, dtype=out.dtype)
        out *= x.dtype.type(self.stddev)
        out += x
        return out

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Pass the gradient on: the noise does not depend on the input."""
        return grad_output if input_grad else None
