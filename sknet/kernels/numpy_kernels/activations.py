"""Bias and activation of the rows of a product, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtr

from ...typing import Array

#: The activations; `enum activation` in arguments.h has the same numbers.
(
    IDENTITY,
    RELU,
    LEAKY_RELU,
    EXPONENTIAL,
    SOFTPLUS,
    LOGISTIC,
    TANH,
    GELU,
    SILU,
    MISH,
    EXACT_GELU,
) = range(11)

#: Outputs below which NumPy's loop over the rows costs more than adding the bias to one.
_FEW_OUTPUTS = 64


def activate(
    kind: int,
    x: Array,
    bias: Array | None,
    out: Array,
    derivative: Array | None,
    slope: float,
    limit: float,
    work: Any,
) -> None:
    """Write f(x + bias) to out, which may be x; bias may be None.

    Gated activations write f' to derivative, if that is not None.
    """
    if bias is not None:
        x = _add_bias(x, bias, out)
    _FORWARD[kind](x, out, derivative, slope, limit, work)


def deactivate(
    kind: int,
    grad: Array,
    out: Array,
    bias_grad: Array | None,
    slope: float,
    limit: float,
    work: Any,
) -> None:
    """Multiply grad by f', given out = f(x), or f' itself for gated activations.

    The sums of its columns are written to bias_grad, if that is not None.
    """
    derivative = _DERIVATIVES.get(kind)
    if derivative is not None:
        out = derivative(out, slope, limit, work)
    if kind != IDENTITY:
        np.multiply(grad, out, out=grad)
    if bias_grad is not None:
        # A column sum as a product with ones is several times faster than sum(axis=0).
        rows = grad.reshape(-1, grad.shape[-1])
        np.matmul(work.ones(len(rows)), rows, out=bias_grad)


def _add_bias(x, bias, out):
    n_outputs = out.shape[-1]
    if out.ndim > 2 and n_outputs < _FEW_OUTPUTS:
        joined = (-1, out.shape[-2] * n_outputs)
        np.add(x.reshape(joined), np.tile(bias, out.shape[-2]), out=out.reshape(joined))
        return out
    return np.add(x, bias, out=out)


def _identity(x, out, derivative, slope, limit, work):
    if out is not x:
        np.copyto(out, x)


def _relu(x, out, derivative, slope, limit, work):
    np.maximum(x, work.zeros(x.shape), out=out)


def _positive(out, work):
    """Return the mask of the positive elements, in scratch memory."""
    return np.greater(out, 0, out=work("positive", out.shape, bool))


def _relu_derivative(out, slope, limit, work):
    return _positive(out, work)


def _leaky_relu(x, out, derivative, slope, limit, work):
    leak = np.multiply(x, slope, out=work("scratch", x.shape))
    np.maximum(x, leak, out=out)


def _leaky_relu_derivative(out, slope, limit, work):
    derivative = work("scratch", out.shape)
    np.multiply(_positive(out, work), 1.0 - slope, out=derivative, dtype=derivative.dtype)
    derivative += slope
    return derivative


def _exponential(x, out, derivative, slope, limit, work):
    zeros = work.zeros(x.shape)
    negative = np.minimum(x, zeros, out=work("scratch", x.shape))
    _subtract_one_from_exp(negative, work)
    negative *= limit
    np.maximum(x, zeros, out=out)
    if slope != 1.0:
        out *= slope
    np.add(out, negative, out=out)


def _subtract_one_from_exp(x, work):
    """Replace x by exp(x) - 1, as exact where x is near 0."""
    if x.dtype != np.float32:
        np.expm1(x, out=x)
        return
    # With t = tanh(x / 2) it is 2 t / (1 - t), and nothing cancels as x is not above 0. NumPy has
    # vector instructions for tanh in single precision and none for expm1.
    x *= 0.5
    t = np.tanh(x, out=x)
    np.divide(t, np.subtract(1.0, t, out=work("exp", x.shape)), out=x)
    x *= 2.0


def _exponential_derivative(out, slope, limit, work):
    # limit * exp(x) = out + limit for x <= 0; for x > 0, slope = 0 + limit + (slope - limit).
    derivative = np.minimum(out, work.zeros(out.shape), out=work("scratch", out.shape))
    derivative += limit
    if slope != limit:
        jump = work("jump", out.shape)
        np.multiply(_positive(out, work), slope - limit, out=jump, dtype=jump.dtype)
        derivative += jump
    return derivative


def _softplus(x, out, derivative, slope, limit, work):
    # max(x, 0) + log(1 + exp(-|x|)) does not overflow.
    correction = np.absolute(x, out=work("scratch", x.shape))
    np.negative(correction, out=correction)
    np.exp(correction, out=correction)
    np.log1p(correction, out=correction)
    np.maximum(x, work.zeros(x.shape), out=out)
    np.add(out, correction, out=out)


def _softplus_derivative(out, slope, limit, work):
    # The derivative, the logistic of x, is 1 - exp(-out).
    derivative = np.negative(out, out=work("scratch", out.shape))
    np.expm1(derivative, out=derivative)
    return np.negative(derivative, out=derivative)


def _logistic(x, out, derivative=None, slope=0.0, limit=0.0, work=None):
    np.negative(x, out=out)
    with np.errstate(over="ignore"):  # 1 / (1 + inf) is 0, as it should be
        np.exp(out, out=out)
    out += 1.0
    np.reciprocal(out, out=out)


def _logistic_derivative(out, slope, limit, work):
    derivative = np.subtract(1.0, out, out=work("scratch", out.shape))
    derivative *= out
    return derivative


def _tanh(x, out, derivative, slope, limit, work):
    np.tanh(x, out=out)


def _tanh_derivative(out, slope, limit, work):
    derivative = np.square(out, out=work("scratch", out.shape))
    return np.subtract(1.0, derivative, out=derivative)


def _gated(gate_of, derivative_of_gate):
    """Return the function f(x) = x gate(x), whose derivative is gate(x) + x gate'(x)."""

    def apply(x, out, derivative, slope, limit, work):
        gate = work("gate", x.shape)
        gate_of(x, gate, slope, limit, work)
        if derivative is not None:
            derivative_of_gate(x, gate, derivative, slope, limit, work)
            derivative *= x
            derivative += gate
        np.multiply(x, gate, out=out)

    return apply


def _gelu_gate(x, gate, slope, limit, work):
    # (1 + tanh(u)) / 2 with u = slope x + limit x**3 cancels where u is negative; it is the
    # logistic of 2 u.
    np.square(x, out=gate)
    gate *= 2.0 * limit
    gate += 2.0 * slope
    gate *= x
    _logistic(gate, gate)


def _gelu_gate_derivative(x, gate, derivative, slope, limit, work):
    # d/dx (1 + tanh(u)) / 2 = 2 * gate * (1 - gate) * u'
    np.square(x, out=derivative)
    derivative *= 6.0 * limit
    derivative += 2.0 * slope
    derivative *= gate
    derivative *= np.subtract(1.0, gate, out=work("scratch", x.shape))


def _exact_gelu_gate(x, gate, slope, limit, work):
    ndtr(x, out=gate)


def _exact_gelu_gate_derivative(x, gate, derivative, slope, limit, work):
    np.square(x, out=derivative)
    derivative *= -0.5
    np.exp(derivative, out=derivative)
    derivative *= 1.0 / np.sqrt(2.0 * np.pi).item()


def _silu_gate(x, gate, slope, limit, work):
    _logistic(x, gate)


def _silu_gate_derivative(x, gate, derivative, slope, limit, work):
    np.subtract(1.0, gate, out=derivative)
    derivative *= gate


#: Above this x, tanh(log(1 + exp(x))) rounds to 1 in float64, and exp(x)**2 is finite.
_MISH_SATURATION = 20.0


def _mish_gate(x, gate, slope, limit, work):
    # With e = exp(x) and n = e * (e + 2), tanh(log(1 + e)) = n / (n + 2).
    e = work("exp", x.shape)
    e.fill(_MISH_SATURATION)
    np.minimum(x, e, out=e)
    np.exp(e, out=e)
    np.add(e, 2.0, out=gate)
    gate *= e
    gate /= np.add(gate, 2.0, out=work("scratch", x.shape))


def _mish_gate_derivative(x, gate, derivative, slope, limit, work):
    # (1 - gate**2) * logistic(x); `_mish_gate` has left exp(x).
    e = work("exp", x.shape)
    e /= np.add(e, 1.0, out=work("scratch", x.shape))
    np.square(gate, out=derivative)
    np.subtract(1.0, derivative, out=derivative)
    derivative *= e


_FORWARD = {
    IDENTITY: _identity,
    RELU: _relu,
    LEAKY_RELU: _leaky_relu,
    EXPONENTIAL: _exponential,
    SOFTPLUS: _softplus,
    LOGISTIC: _logistic,
    TANH: _tanh,
    GELU: _gated(_gelu_gate, _gelu_gate_derivative),
    SILU: _gated(_silu_gate, _silu_gate_derivative),
    MISH: _gated(_mish_gate, _mish_gate_derivative),
    EXACT_GELU: _gated(_exact_gelu_gate, _exact_gelu_gate_derivative),
}
_DERIVATIVES = {
    RELU: _relu_derivative,
    LEAKY_RELU: _leaky_relu_derivative,
    EXPONENTIAL: _exponential_derivative,
    SOFTPLUS: _softplus_derivative,
    LOGISTIC: _logistic_derivative,
    TANH: _tanh_derivative,
}
