"""The code of variational autoencoders."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval

from ...blas import matmul
from ...initializers import GlorotUniform
from ...regularization import OF_KERNELS, KernelConstraint, Regularizer
from ...typing import Array, Shape
from ..base import OF_TRAINING
from .row_loss import RowLoss, as_column

#: Log-variance above which the layer goes on linearly: exp overflows float32 at 88.
LARGEST_LOG_VARIANCE = 20.0


class _MeansAlone(GlorotUniform):
    """Start of the kernel: all log-variances are 0, whatever the scale of the inputs.

    The exponential of random ones can be so large that the first steps only repair it.
    """

    def _values(self, rng, shape, fan_in, fan_out):
        n_inputs, n_outputs = shape
        means = super()._values(rng, (n_inputs, n_outputs // 2), fan_in, fan_out)
        return np.hstack([means, np.zeros_like(means)])


class GaussianCode(RowLoss):
    """Code of a variational autoencoder: a normal distribution for each row.

    A linear map gives the mean m and the log-variance s of each of the U components. In training
    the output is a draw, m + exp(s / 2) * noise with standard normal noise; otherwise it is m.
    Each row adds beta times its divergence from the standard normal distribution,
    sum over the components of (m^2 + exp(s) - s - 1) / 2, to the loss. For s above 20 the
    deviation of the draw stays at exp(10), and the divergence grows linearly in s. Log-variances
    start at 0.
    Input shape (F,), output shape (U,).

    Parameters
    ----------
    units : int
        Size U of the code, at least 1.
    beta : float, default=1.0
        Factor of the divergence, at least 0. With 1, and the negative log-likelihood of a row
        as its loss, the objective is minus the evidence lower bound.
    kernel_regularizer : sknet.regularization.Regularizer, default=None
        Penalty on the kernel, such as ``L1L2(l1=1e-4)``, in addition to `alpha`.
    kernel_constraint : str or sknet.regularization.KernelConstraint, default=None
        What the kernel is brought back to after each step: max_norm, non_negative, unit_norm, or
        an object.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights.

    Attributes
    ----------
    kernel_ : ndarray of shape (F, 2 * U)
        Weights: of the means, then of the log-variances.
    bias_ : ndarray of shape (2 * U,)
        Bias, in the same order.

    References
    ----------
    Kingma and Welling (2013), Auto-encoding variational Bayes, :arxiv:`1312.6114`.
    Higgins et al. (2017), beta-VAE: learning basic visual concepts with a constrained
    variational framework, ICLR.

    Examples
    --------
    >>> from sknet.layers import Dense, GaussianCode, Sequential
    >>> encoder = Sequential([Dense(64, activation="relu"), ("code", GaussianCode(8))])
    >>> encoder.get_params()["layers__code__beta"]
    1.0
    """

    _parameter_constraints = {
        "units": [Interval(Integral, 1, None, closed="left")],
        "beta": [Interval(Real, 0, None, closed="left")],
        **OF_KERNELS,
        **OF_TRAINING,
    }
    is_stochastic = True

    def __init__(
        self,
        units: int,
        *,
        beta: float = 1.0,
        kernel_regularizer: Regularizer | None = None,
        kernel_constraint: KernelConstraint | None = None,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.units = units
        self.beta = beta
        self.kernel_regularizer = kernel_regularizer
        self.kernel_constraint = kernel_constraint
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    def build(self, input_shape: Shape) -> Shape:
        """Declare kernel and bias for inputs of shape (F,)."""
        if len(input_shape) != 1 or input_shape[0] is None:
            self._refuse("inputs of shape (features,)", input_shape, "Put a Flatten before it.")
        fan = (input_shape[0], self.units)
        shape = (input_shape[0], 2 * self.units)
        self.add_weight("kernel", shape, _MeansAlone(), decay=True, fan=fan)
        self.add_weight("bias", (2 * self.units,), "zeros")
        return (self.units,)

    @property
    def code_mean(self) -> Array:
        """Means of the last forward pass, of shape (N, U); valid until the next."""
        return self._moments[:, : self.units]

    @property
    def code_log_variance(self) -> Array:
        """Log-variances of the last forward pass, of shape (N, U); valid until the next."""
        return self._moments[:, self.units :]

    @property
    def divergence(self) -> Array:
        """Divergence of each row of the last forward pass, of shape (N,), without beta."""
        return self._divergence

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Draw from the distribution of each row when training, else return its mean."""
        n_rows = len(x)
        moments = self._moments = self._work("moments", (n_rows, 2 * self.units))
        matmul(x, self.kernel_, moments)
        moments += self.bias_
        shape = (n_rows, self.units)
        bounded = self._work("bounded", shape)
        np.minimum(self.code_log_variance, LARGEST_LOG_VARIANCE, out=bounded)
        self._diverge(bounded)
        out = self._work("out", shape)
        np.copyto(out, self.code_mean)
        if training:
            self._x = x
            # exp(s / 2) * noise is kept: half of it is the derivative of the draw in s.
            deviation = self._deviation = self._work("deviation", shape)
            bounded *= 0.5
            np.exp(bounded, out=bounded)
            self._rng.standard_normal(out=deviation, dtype=deviation.dtype)
            deviation *= bounded
            out += deviation
        return out

    def _diverge(self, bounded):
        """Leave the divergence of each row, and what it adds to the loss."""
        log_variance = self.code_log_variance
        variance = self._variance = np.exp(bounded, out=self._work("variance", bounded.shape))
        # exp goes on linearly above the bound: exp(b) * (1 + s - b), and s = b below it.
        terms = np.subtract(log_variance, bounded, out=self._work("terms", bounded.shape))
        terms += 1.0
        terms *= variance
        terms -= log_variance
        terms -= 1.0
        squares = np.square(self.code_mean, out=self._work("squares", bounded.shape))
        terms += squares
        terms *= 0.5
        self._divergence = self._work("divergence", (len(terms),))
        np.add.reduce(terms, axis=1, out=self._divergence)
        self._add(self.beta, self._divergence)

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradients of kernel and bias, the divergence's included."""
        share = as_column(self._shares(self.beta, len(grad_output)))
        shape = grad_output.shape
        grad = self._work("grad_moments", self._moments.shape)
        grad_mean, grad_log_variance = grad[:, : self.units], grad[:, self.units :]
        pull = np.multiply(self.code_mean, share, out=self._work("pull", shape))
        np.add(grad_output, pull, out=grad_mean)
        np.multiply(grad_output, self._deviation, out=grad_log_variance)
        # The deviation of the draw is constant above the bound.
        free = self._work("free", shape, bool)
        grad_log_variance *= np.less(self.code_log_variance, LARGEST_LOG_VARIANCE, out=free)
        np.subtract(self._variance, 1.0, out=pull)
        pull *= share
        grad_log_variance += pull
        grad_log_variance *= 0.5
        matmul(self._x.T, grad, self.kernel_grad_)
        np.add.reduce(grad, axis=0, out=self.bias_grad_)
        if not input_grad:
            return None
        return matmul(grad, self.kernel_.T, self._work("grad_x", self._x.shape))
