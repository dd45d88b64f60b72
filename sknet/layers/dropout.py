"""Layers that add noise while training and do nothing otherwise."""

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from .base import Layer


class Dropout(Layer):
    """Set a random part of the inputs to zero while training.

    The others are multiplied by 1 / (1 - rate), so that the expected output is the input.
    Output shape as the input's.

    Parameters
    ----------
    rate : float, default=0.5
        Probability that an input is set to zero, in [0, 1).

    References
    ----------
    Srivastava et al. (2014), Dropout: a simple way to prevent neural networks from
    overfitting, JMLR 15.

    Examples
    --------
    >>> from sknet.layers import Dense, Dropout, Sequential
    >>> block = Sequential([Dense(64, activation="relu"), Dropout(0.2)])
    """

    _parameter_constraints = {"rate": [Interval(Real, 0, 1, closed="left")]}

    def __init__(self, rate=0.5):
        self.rate = rate

    @property
    def is_stochastic(self):
        """Whether the training output is random: it is unless the rate is 0."""
        return self.rate > 0

    def build(self, input_shape):
        """Take any shape."""
        return input_shape

    def forward(self, x, training=False, mask=None):
        """Drop a random part of x when training, else return x itself."""
        if not training or not self.is_stochastic:
            return x
        keep = 1.0 - float(self.rate)
        uniform = self._work("uniform", x.shape, np.float32)
        self._rng.random(out=uniform, dtype=np.float32)
        kept = np.less(uniform, np.float32(keep), out=self._work("kept", x.shape, bool))
        self._scale = np.multiply(kept, x.dtype.type(1 / keep), out=self._work("scale", x.shape))
        return np.multiply(x, self._scale, out=self._work("out", x.shape))

    def backward(self, grad_output, input_grad=True):
        """Pass on the gradient of what was kept."""
        if self.is_stochastic:
            grad_output *= self._scale
        return grad_output if input_grad else None


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

    def __init__(self, stddev=0.1):
        self.stddev = stddev

    @property
    def is_stochastic(self):
        """Whether the training output is random: it is unless the deviation is 0."""
        return self.stddev > 0

    def build(self, input_shape):
        """Take any shape."""
        return input_shape

    def forward(self, x, training=False, mask=None):
        """Add noise to x when training, else return x itself."""
        if not training or not self.is_stochastic:
            return x
        out = self._work("out", x.shape)
        self._rng.standard_normal(out=out, dtype=out.dtype)
        out *= x.dtype.type(self.stddev)
        out += x
        return out

    def backward(self, grad_output, input_grad=True):
        """Pass the gradient on: the noise does not depend on the input."""
        return grad_output if input_grad else None
