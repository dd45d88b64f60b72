"""Layers that spread each element over a window: convolution run backward, to enlarge."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval

from ...activations.base import Activation
from ...initializers.base import Initializer
from ...regularization import KernelConstraint, Regularizer
from ...typing import NamedActivation, NamedInitializer, Shape, Window
from .convolution import Convolutional
from .correlation import Correlation
from .windows import per_axis


class _TransposedConvolution(Convolutional):
    """Transposed convolution over any number of axes.

    It is the adjoint of the convolution with the same kernel, from the outputs' shape to the
    inputs': the forward pass of one is the gradient of the input of the other.
    """

    _parameter_constraints = {
        **Convolutional._parameter_constraints,
        "output_padding": [Interval(Integral, 0, None, closed="left"), "array-like", None],
    }
    _units_axis = -2

    def __init__(
        self,
        filters: int,
        kernel_size: Window,
        strides: Window = 1,
        padding: Literal["valid", "same"] = "valid",
        *,
        output_padding: int | Sequence[int] | None = None,
        dilation_rate: Window = 1,
        activation: NamedActivation | Activation | None = None,
        use_bias: bool = True,
        kernel_initializer: NamedInitializer | Initializer | Literal["auto"] = "auto",
        bias_initializer: NamedInitializer | Initializer = "zeros",
        kernel_regularizer: Regularizer | None = None,
        kernel_constraint: KernelConstraint | None = None,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.output_padding = output_padding
        self.dilation_rate = dilation_rate
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.kernel_constraint = kernel_constraint
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    def build(self, input_shape: Shape) -> Shape:
        """Declare kernel and bias for inputs whose last axis holds the channels."""
        self._windows = self._build_windows(input_shape)
        self._extra = self._read_extra()
        channels = input_shape[-1]
        n_window = int(np.prod(self._windows.size))
        shape = (*self._windows.size, self.filters, channels)
        self._declare(shape, self.filters, (n_window * channels, n_window * self.filters))
        self._correlation = Correlation(self._windows)
        return (*self._output_lengths(input_shape[:-1]), self.filters)

    def _read_extra(self):
        """Return for each axis how much longer the output is than strides times the input."""
        windows, axes = self._windows, range(len(self._axes))
        if self.output_padding is None:
            valid = self.padding == "valid"
            spans = zip(windows.span, windows.strides, strict=True)
            return tuple(max(span - stride, 0) if valid else 0 for span, stride in spans)
        try:
            padding = per_axis(self.output_padding, len(axes), "output_padding", minimum=0)
        except (TypeError, ValueError) as error:
            raise ValueError(f"Layer {self._label()}: {error}") from None
        kept = windows.span if self.padding == "valid" else [span % 2 for span in windows.span]
        for axis in axes:
            stride, least = windows.strides[axis], 0 if self.padding == "valid" else 1 - kept[axis]
            most = stride - kept[axis] if self.padding == "same" else stride - 1
            if not least <= padding[axis] <= most:
                self._refuse(
                    f"an output_padding of {least} to {most} for the strides and the kernel_size "
                    f"of its {self._axes[axis]}",
                    padding[axis],
                    "Leave it out for the usual lengths.",
                )
        parts = zip(kept, padding, windows.strides, strict=True)
        return tuple(n + more - stride for n, more, stride in parts)

    def _output_lengths(self, lengths):
        parts = zip(lengths, self._windows.strides, self._extra, strict=True)
        return tuple(n if n is None else n * stride + extra for n, stride, extra in parts)

    def _forward(self, x, training, mask):
        """Add up the kernel times each element of x, and apply the activation."""
        # Masked steps are set to zero here; zeros around x would only add zeros.
        if mask is not None:
            kept = self._work("kept", x.shape)
            kept[...] = 0.0
            x = _copy_real(kept, x, mask)
        shape = (len(x), *self._output_lengths(x.shape[1:-1]), self.filters)
        amounts = self._windows.amounts(shape[1:-1])
        lengths = [n + sum(amount) for n, amount in zip(shape[1:-1], amounts, strict=True)]
        spread = self._work("spread", (len(x), *lengths, self.filters))
        self._correlation.input_gradient(x, self.kernel_, spread, self._work)
        out = self._windows.unpad(spread, shape, None, self._work)
        if training:
            self._x, self._mask = x, mask
        return self._activate(out, training)

    def _backward(self, grad_output, input_grad):
        grad = self._deactivate(grad_output)
        padded, run = self._windows.pad(grad, None, self._work), self._correlation
        run.kernel_gradient(padded, self._x, self.kernel_grad_, self._work)
        if not input_grad:
            return None
        grad_x = self._work("grad_x", self._x.shape)
        run.correlate(padded, self.kernel_, grad_x, self._work)
        if self._mask is not None:
            _copy_real(grad_x, 0.0, ~self._mask)
        return grad_x

    def _output_mask(self, x, mask):
        if mask is None:
            return None
        lengths = np.count_nonzero(mask, axis=1)
        stride, extra = self._windows.strides[0], self._extra[0]
        reached = (lengths * stride + extra) * (lengths > 0)
        n_out = self._output_lengths(x.shape[1:-1])[0]
        return np.arange(n_out) < reached[:, None]


def _copy_real(to, values, mask):
    """Copy values to `to` where the steps of a mask are True."""
    np.copyto(to, values, where=mask.reshape(*mask.shape, *(1,) * (to.ndim - 2)))
    return to


class Conv1DTranspose(_TransposedConvolution):
    """Transposed convolution over the steps of a sequence, which makes it longer.

    out[t strides + j dilation_rate, f] is the sum of x[t, c] kernel[j, f, c] over all t, j
    and c that fall there, plus bias[f], through the activation. Input shape (T, C), where T may
    be None; output shape (T_out, filters), where T_out is T strides for padding "same" and
    T strides + max(span - strides, 0) for "valid", with span = (kernel_size - 1)
    dilation_rate + 1. With a mask, the real steps of a sequence are neighbours, wherever padding
    stands, and the mask that is passed on is True at the steps that each sequence would have
    alone.

    Parameters
    ----------
    filters : int
        Number of filters, at least 1.
    kernel_size : int
        Length of the window, at least 1.
    strides : int, default=1
        Steps of the output for each step of the input, at least 1.
    padding : {"valid", "same"}, default="valid"
        "valid" keeps all of the sum; "same" cuts both ends off, to T strides.
    output_padding : int, default=None
        With it, the output has (T - 1) strides + span + output_padding steps for padding
        "valid" and (T - 1) strides + span % 2 + output_padding for "same": which of the lengths
        that a convolution makes T of. None gives the lengths above.
    dilation_rate : int, default=1
        Steps from one element of a window to the next, at least 1.
    activation : str or sknet.activations.Activation, default=None
        Activation function; None is the identity.
    use_bias : bool, default=True
        Whether to add a bias.
    kernel_initializer : str or sknet.initializers.Initializer, default="auto"
        Start of the kernel; "auto" is "lecun_normal" for selu, which needs it, and
        "glorot_uniform" for all others.
    bias_initializer : str or sknet.initializers.Initializer, default="zeros"
        Start of the bias.
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
    kernel_ : ndarray of shape (kernel_size, filters, C)
        Weights.
    bias_ : ndarray of shape (filters,)
        Bias.

    References
    ----------
    Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning,
    :arxiv:`1603.07285`.

    Examples
    --------
    >>> from sknet.layers import Conv1D, Conv1DTranspose, Sequential
    >>> code = Sequential([Conv1D(8, 4, strides=2, padding="same", activation="relu")])
    >>> back = Sequential([Conv1DTranspose(3, 4, strides=2, padding="same")])
    """

    _axes = ("steps",)


class Conv2DTranspose(_TransposedConvolution):
    """Transposed convolution over the height and the width of an image, which makes it larger.

    The sum of `Conv1DTranspose` over two axes. Input shape (H, W, C), output shape
    (H_out, W_out, filters), where H_out is H strides for padding "same" and H strides +
    max(span - strides, 0) for "valid", with span = (kernel_size - 1) dilation_rate + 1.

    Parameters
    ----------
    filters : int
        Number of filters, at least 1.
    kernel_size : int or tuple of (int, int)
        Height and width of the window, at least 1.
    strides : int or tuple of (int, int), default=1
        Pixels of the output for each pixel of the input, at least 1.
    padding : {"valid", "same"}, default="valid"
        "valid" keeps all of the sum; "same" cuts the borders off, to H strides.
    output_padding : int or tuple of (int, int), default=None
        As in `Conv1DTranspose`, for height and width.
    dilation_rate : int or tuple of (int, int), default=1
        Pixels from one element of a window to the next, at least 1.
    activation : str or sknet.activations.Activation, default=None
        Activation function; None is the identity.
    use_bias : bool, default=True
        Whether to add a bias.
    kernel_initializer : str or sknet.initializers.Initializer, default="auto"
        Start of the kernel; "auto" is "lecun_normal" for selu, which needs it, and
        "glorot_uniform" for all others.
    bias_initializer : str or sknet.initializers.Initializer, default="zeros"
        Start of the bias.
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
    kernel_ : ndarray of shape (kernel height, kernel width, filters, C)
        Weights.
    bias_ : ndarray of shape (filters,)
        Bias.

    References
    ----------
    Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning,
    :arxiv:`1603.07285`.

    Examples
    --------
    >>> from sknet.layers import Conv2D, Conv2DTranspose, Sequential
    >>> code = Sequential([Conv2D(8, 3, strides=2, padding="same", activation="relu")])
    >>> back = Sequential([Conv2DTranspose(1, 3, strides=2, padding="same")])
    """

    _axes = ("height", "width")


class Conv3DTranspose(_TransposedConvolution):
    """Transposed convolution over a video or a volume, which makes it larger.

    The sum of `Conv1DTranspose` over three axes. Input shape (T, H, W, C), where T may be None;
    output shape (T_out, H_out, W_out, filters), with the lengths of `Conv1DTranspose`. Masked
    steps are left out, as there.

    Parameters
    ----------
    filters : int
        Number of filters, at least 1.
    kernel_size : int or tuple of (int, int, int)
        Steps, height and width of the window, at least 1.
    strides : int or tuple of (int, int, int), default=1
        Elements of the output for each of the input, at least 1.
    padding : {"valid", "same"}, default="valid"
        "valid" keeps all of the sum; "same" cuts the borders off, to strides times the length.
    output_padding : int or tuple of (int, int, int), default=None
        As in `Conv1DTranspose`, for steps, height and width.
    dilation_rate : int or tuple of (int, int, int), default=1
        Elements from one element of a window to the next, at least 1.
    activation : str or sknet.activations.Activation, default=None
        Activation function; None is the identity.
    use_bias : bool, default=True
        Whether to add a bias.
    kernel_initializer : str or sknet.initializers.Initializer, default="auto"
        Start of the kernel; "auto" is "lecun_normal" for selu, which needs it, and
        "glorot_uniform" for all others.
    bias_initializer : str or sknet.initializers.Initializer, default="zeros"
        Start of the bias.
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
    kernel_ : ndarray of shape (kernel steps, height, width, filters, C)
        Weights.
    bias_ : ndarray of shape (filters,)
        Bias.

    References
    ----------
    Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning,
    :arxiv:`1603.07285`.

    Examples
    --------
    >>> from sknet.layers import Conv3D, Conv3DTranspose, Sequential
    >>> code = Sequential([Conv3D(8, 3, strides=2, padding="same", activation="relu")])
    >>> back = Sequential([Conv3DTranspose(1, 3, strides=2, padding="same")])
    """

    _axes = ("steps", "height", "width")
