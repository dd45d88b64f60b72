"""Layers that give activations mean zero and variance one."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, Options

from .base import Layer
from .channel_moments import ChannelMoments, rows_to_join

_POSITIVE = [Interval(Real, 0, None, closed="neither")]


class _RowNorm(Layer):
    """Shared arithmetic of layers that divide each row by the root of its mean square."""

    _parameter_constraints = {"epsilon": _POSITIVE, "trainable": ["boolean"]}
    #: Whether the mean is subtracted first, and whether beta is added.
    _centres = True

    @property
    def is_causal(self):
        """Whether each step is treated alone: it is unless the last axis is that of the steps."""
        return len(self.input_shape_) > 1

    def build(self, input_shape):
        """Declare the weights for inputs of shape (..., F)."""
        if not input_shape:
            self._refuse("inputs of at least one axis", input_shape, "Check input_shape.")
        self.add_weight("gamma", input_shape[-1:], "ones")
        if self._centres:
            self.add_weight("beta", input_shape[-1:], "zeros")
        return input_shape

    def allocate(self, batch_size, dtype, rng):
        """Prepare scratch memory."""
        super().allocate(batch_size, dtype, rng)
        self._ones = np.ones(self.input_shape_[-1], dtype)

    def forward(self, x, training=False, mask=None):
        """Normalize the last axis of x."""
        n_features = x.shape[-1]
        rows = x.reshape(-1, n_features)
        x_hat = self._work("x_hat", rows.shape)
        if self._centres:
            np.subtract(rows, self._row_mean("mean", rows, self._ones), out=x_hat)
            rows = x_hat
        scale = self._work("inverse_std", (len(rows), 1))
        np.vecdot(rows, rows, out=scale[:, 0])
        scale /= n_features
        scale += float(self.epsilon)
        np.sqrt(scale, out=scale)
        np.divide(1.0, scale, out=scale)
        np.multiply(rows, scale, out=x_hat)
        self._x_hat, self._inverse_std = x_hat, scale
        out = self._work("out", x_hat.shape)
        np.multiply(_joined(x_hat), self._tiled("gammas", self.gamma_, x_hat), out=_joined(out))
        if self._centres:
            wide = _joined(out)
            wide += self._tiled("betas", self.beta_, out)
        return out.reshape(x.shape)

    def backward(self, grad_output, input_grad=True):
        """Assign the gradients of the weights; return that of x."""
        x_hat, n_features = self._x_hat, grad_output.shape[-1]
        grad = grad_output.reshape(-1, n_features)
        # Not in the memory of the output, which the next layer may still need.
        product = np.multiply(grad, x_hat, out=self._work("product", grad.shape))
        self._column_sums(product, self.gamma_grad_)
        if self._centres:
            self._column_sums(grad, self.beta_grad_)
        if not input_grad:
            return None
        # d x = (g - mean(g) - x_hat mean(g x_hat)) / std with g = gamma d out
        slope = self._row_mean("slope", product, self.gamma_)
        mean = self._row_mean("mean", grad, self.gamma_) if self._centres else None
        wide = _joined(grad)
        wide *= self._tiled("gammas", self.gamma_, grad)
        np.multiply(x_hat, slope, out=product)
        grad -= product
        if self._centres:
            grad -= mean
        grad *= self._inverse_std
        return grad.reshape(grad_output.shape)

    def _row_mean(self, name, rows, weights):
        """Return the weighted sums of rows, divided by their length; a product is fastest."""
        out = self._work(name, (len(rows), 1))
        np.matmul(rows, weights, out=out[:, 0])
        out /= rows.shape[1]
        return out

    def _column_sums(self, rows, out):
        ones = self._work("ones", (len(rows),))
        ones.fill(1)
        np.matmul(ones, rows, out=out)

    def _tiled(self, name, vector, rows):
        """Repeat a vector for every row that is joined to one."""
        n_joined = rows_to_join(*rows.shape)
        if n_joined == 1:
            return vector
        out = self._work(name, (n_joined * len(vector),))
        out.reshape(n_joined, -1)[...] = vector
        return out


def _joined(rows):
    """View several rows as one where that makes operations with a vector faster."""
    n_joined = rows_to_join(*rows.shape)
    return rows.reshape(-1, n_joined * rows.shape[1])


class LayerNorm(_RowNorm):
    """Normalize each sample (each step of a sequence) over its last axis.

    out = gamma (x - mean) / sqrt(variance + epsilon) + beta. Output shape as the input's.

    Parameters
    ----------
    epsilon : float, default=1e-5
        Added to the variance, above 0.
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

    def __init__(self, *, epsilon=1e-5, trainable=True):
        self.epsilon = epsilon
        self.trainable = trainable


class RMSNorm(_RowNorm):
    """Divide each sample (each step of a sequence) by the root mean square of its last axis.

    out = gamma x / sqrt(mean(x ** 2) + epsilon). Output shape as the input's.

    Parameters
    ----------
    epsilon : float, default=1e-6
        Added to the mean square, above 0.
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

    _centres = False

    def __init__(self, *, epsilon=1e-6, trainable=True):
        self.epsilon = epsilon
        self.trainable = trainable


class _ChannelNorm(Layer):
    """Shared arithmetic of layers with moments over the rows of a batch or of a sample."""

    def _declare(self, input_shape):
        if not input_shape:
            self._refuse("inputs of at least one axis", input_shape, "Check input_shape.")
        self.add_weight("gamma", input_shape[-1:], "ones")
        self.add_weight("beta", input_shape[-1:], "zeros")

    def allocate(self, batch_size, dtype, rng):
        """Prepare scratch memory."""
        super().allocate(batch_size, dtype, rng)
        self._moments = ChannelMoments(dtype)

    def _normalize(self, x, averages=None):
        """Normalize x, laid out before, with given moments or else its own; keep what they are."""
        moments = self._moments
        rows = x.reshape(moments.shape)
        self._moments_depend_on_x = averages is None
        if averages is None:
            self._mean = moments.centre(rows, moments.mean(rows))
            self._variance = moments.variance()
        else:
            mean, self._variance = (
                moments.repeat(name, average)
                for name, average in zip(("mean", "variance"), averages, strict=True)
            )
            self._mean = moments.centre(rows, mean)
        self._inverse_std = moments.inverse_std(self._variance, float(self.epsilon))
        out = self._work("out", x.shape)
        wide = out.reshape(moments.shape)
        moments.standardize(self._inverse_std, self.gamma_, self.beta_, wide)
        return out

    def backward(self, grad_output, input_grad=True):
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
    moving = momentum moving + (1 - momentum) batch. The first updates take a plain average,
    momentum = min(momentum, 1 - 1 / t), so that a short training is not biased to the start.
    Masked steps of sequences count for nothing. Output shape as the input's.

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
    gamma_, beta_ : ndarray of shape (C,)
        Scale and shift.
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
        "epsilon": _POSITIVE,
        "trainable": ["boolean"],
    }

    def __init__(self, *, momentum=0.9, epsilon=1e-5, trainable=True):
        self.momentum = momentum
        self.epsilon = epsilon
        self.trainable = trainable

    @property
    def mixes_rows(self):
        """Whether training normalizes with the moments of the batch."""
        return not self.is_frozen

    def build(self, input_shape):
        """Declare gamma, beta and the moving averages for inputs of shape (..., C)."""
        self._declare(input_shape)
        self.add_weight("moving_mean", input_shape[-1:], "zeros", rate_factor=0.0)
        self.add_weight("moving_variance", input_shape[-1:], "ones", rate_factor=0.0)
        self.add_weight("updates", (1,), "zeros", rate_factor=0.0)
        return input_shape

    def forward(self, x, training=False, mask=None):
        """Normalize with the batch's moments when training, else with the moving ones."""
        uses_batch = training and not self.is_frozen
        # With moments from elsewhere, masked steps do not matter to others.
        self._moments.lay_out(x.shape, 1, x.shape[-1], mask if uses_batch else None)
        if not uses_batch:
            return self._normalize(x, (self.moving_mean_, self.moving_variance_))
        out = self._normalize(x)
        if mask is None or mask.any():
            self._update_averages()
        return out

    def _update_averages(self):
        self.updates_ += 1
        momentum = min(float(self.momentum), 1 - 1 / float(self.updates_[0]))
        pairs = (self.moving_mean_, self._mean), (self.moving_variance_, self._variance)
        for average, moment in pairs:
            average *= momentum
            average += (1 - momentum) * self._moments.per_channel(moment)[0]


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
        "groups": [Interval(Integral, 1, None, closed="left"), Options(Integral, {-1})],
        "epsilon": _POSITIVE,
        "trainable": ["boolean"],
    }

    def __init__(self, groups=8, *, epsilon=1e-5, trainable=True):
        self.groups = groups
        self.epsilon = epsilon
        self.trainable = trainable

    def build(self, input_shape):
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

    def forward(self, x, training=False, mask=None):
        """Normalize with the moments of each sample."""
        self._moments.lay_out(x.shape, len(x), self._n_groups, mask)
        return self._normalize(x)
