"""Layers that give activations mean zero and variance one."""

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from .base import Layer


class _Normalization(Layer):
    """Shared arithmetic: x_hat = (x - mean) / sqrt(variance + epsilon), out = gamma x_hat + beta.

    Subclasses say along which axes mean and variance are taken, with the input viewed as a
    matrix of rows.
    """

    def _declare(self, features):
        self.add_weight("gamma", (features,), "ones")
        self.add_weight("beta", (features,), "zeros")

    def _vector(self, name, x, axis):
        """Return scratch memory for one number a row of x, but not for one a column."""
        return self._work(name, (len(x), 1)) if axis == 1 else None

    def _mean(self, name, x, axis):
        out = self._vector(name, x, axis)
        mean = np.add.reduce(x, axis=axis, keepdims=True, out=out)
        mean /= x.shape[axis]
        return mean

    def _standardize(self, x, axis):
        """Return x_hat, mean and variance of the rows or columns of a matrix."""
        mean = self._mean("mean", x, axis)
        x_hat = np.subtract(x, mean, out=self._work("x_hat", x.shape))
        square = np.multiply(x_hat, x_hat, out=self._work("out", x.shape))
        variance = self._mean("variance", square, axis)
        scale = self._vector("inverse_std", x, axis)
        scale = np.add(variance, float(self.epsilon), out=scale)
        np.sqrt(scale, out=scale)
        self._inverse_std = np.divide(1.0, scale, out=scale)
        x_hat *= self._inverse_std
        return x_hat, mean, variance

    def _scale_and_shift(self, x_hat):
        out = np.multiply(x_hat, self.gamma_, out=self._work("out", x_hat.shape))
        out += self.beta_
        return out

    def _assign_gradients(self, grad):
        # Not in the memory of the output, which the next layer may still need.
        product = np.multiply(grad, self._x_hat, out=self._work("product", grad.shape))
        np.add.reduce(product, axis=0, out=self.gamma_grad_)
        np.add.reduce(grad, axis=0, out=self.beta_grad_)

    def _backward_rows(self, grad, axis):
        # d x = (g - mean(g) - x_hat mean(g x_hat)) / std with g = gamma d out
        grad *= self.gamma_
        product = np.multiply(grad, self._x_hat, out=self._work("product", grad.shape))
        correlation = self._mean("correlation", product, axis)
        mean = self._mean("mean", grad, axis)
        np.multiply(self._x_hat, correlation, out=product)
        grad -= product
        grad -= mean
        grad *= self._inverse_std
        return grad


class LayerNorm(_Normalization):
    """Normalize each sample (each step of a sequence) over its last axis.

    out = gamma (x - mean) / sqrt(variance + epsilon) + beta. Output shape as the input's.

    Parameters
    ----------
    epsilon : float, default=1e-5
        Added to the variance, above 0.
    trainable : bool, default=True
        Whether training changes gamma and beta.

    References
    ----------
    Ba, Kiros and Hinton (2016), Layer normalization, :arxiv:`1607.06450`.

    Examples
    --------
    >>> from sknet.layers import Activation, Dense, LayerNorm, Sequential
    >>> block = Sequential([Dense(64), LayerNorm(), Activation("relu")])
    """

    _parameter_constraints = {
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "trainable": ["boolean"],
    }

    def __init__(self, epsilon=1e-5, trainable=True):
        self.epsilon = epsilon
        self.trainable = trainable

    def build(self, input_shape):
        """Declare gamma and beta for inputs of shape (..., F)."""
        self._declare(input_shape[-1])
        return input_shape

    def forward(self, x, training=False, mask=None):
        """Normalize the last axis of x."""
        x_hat, _, _ = self._standardize(x.reshape(-1, x.shape[-1]), axis=1)
        self._x_hat = x_hat
        return self._scale_and_shift(x_hat).reshape(x.shape)

    def backward(self, grad_output, input_grad=True):
        """Assign the gradients of gamma and beta; return that of x."""
        grad = grad_output.reshape(-1, grad_output.shape[-1])
        self._assign_gradients(grad)
        if not input_grad:
            return None
        return self._backward_rows(grad, axis=1).reshape(grad_output.shape)


class BatchNorm(_Normalization):
    """Normalize each feature over the batch, and over all axes but the last.

    While training, mean and variance are the batch's; afterwards moving averages of them:
    moving = momentum moving + (1 - momentum) batch. The first updates take a plain average,
    momentum = min(momentum, 1 - 1 / t), so that a short training is not biased to the start.
    Output shape as the input's.

    Parameters
    ----------
    momentum : float, default=0.9
        Weight of the past in the moving averages, in [0, 1).
    epsilon : float, default=1e-5
        Added to the variance, above 0.
    trainable : bool, default=True
        Whether training changes gamma, beta and the averages; a frozen layer uses its
        averages while training, too.

    Attributes
    ----------
    moving_mean_, moving_variance_ : ndarray of shape (C,)
        Moving averages.

    References
    ----------
    Ioffe and Szegedy (2015), Batch normalization, :arxiv:`1502.03167`.

    Examples
    --------
    >>> from sknet.layers import Activation, BatchNorm, Dense, Sequential
    >>> block = Sequential([Dense(64), BatchNorm(), Activation("relu")])
    """

    _parameter_constraints = {
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "trainable": ["boolean"],
    }

    def __init__(self, momentum=0.9, epsilon=1e-5, trainable=True):
        self.momentum = momentum
        self.epsilon = epsilon
        self.trainable = trainable

    def build(self, input_shape):
        """Declare gamma, beta and the moving averages for inputs of shape (..., C)."""
        channels = input_shape[-1]
        self._declare(channels)
        self.add_weight("moving_mean", (channels,), "zeros", rate_factor=0.0)
        self.add_weight("moving_variance", (channels,), "ones", rate_factor=0.0)
        self.add_weight("updates", (1,), "zeros", rate_factor=0.0)
        return input_shape

    def forward(self, x, training=False, mask=None):
        """Normalize with the batch's moments when training, else with the moving ones."""
        rows = x.reshape(-1, x.shape[-1])
        self._uses_batch = training and not self.is_frozen
        if self._uses_batch:
            self._x_hat, mean, variance = self._standardize(rows, axis=0)
            self._update_averages(mean[0], variance[0])
        else:
            x_hat = np.subtract(rows, self.moving_mean_, out=self._work("x_hat", rows.shape))
            self._inverse_std = 1 / np.sqrt(self.moving_variance_ + float(self.epsilon))
            x_hat *= self._inverse_std
            self._x_hat = x_hat
        return self._scale_and_shift(self._x_hat).reshape(x.shape)

    def _update_averages(self, mean, variance):
        self.updates_ += 1
        momentum = min(float(self.momentum), 1 - 1 / float(self.updates_[0]))
        for average, new in ((self.moving_mean_, mean), (self.moving_variance_, variance)):
            average *= momentum
            average += (1 - momentum) * new

    def backward(self, grad_output, input_grad=True):
        """Assign the gradients of gamma and beta; return that of x."""
        grad = grad_output.reshape(-1, grad_output.shape[-1])
        self._assign_gradients(grad)
        if not input_grad:
            return None
        if self._uses_batch:
            grad = self._backward_rows(grad, axis=0)
        else:
            grad *= self.gamma_
            grad *= self._inverse_std
        return grad.reshape(grad_output.shape)
