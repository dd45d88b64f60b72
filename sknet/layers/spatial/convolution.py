"""Layers whose units each look at a small window of a sequence, an image or a video."""

from __future__ import annotations

from numbers import Integral
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval

from ...activations.base import Activation
from ...initializers.base import Initializer
from ...regularization import KernelConstraint, Regularizer
from ...typing import NamedActivation, NamedInitializer, Shape, Window
from ..affine import AffineLayer
from .axes import OrderedLayer
from .minimal_correlation import correlation_of
from .windows import PADDING, PADDING_OF_CONVOLUTIONS, PADDING_OF_SEQUENCES, SIZE, Windows


class Convolutional(AffineLayer, OrderedLayer):
    """What convolutions and transposed convolutions share."""

    _parameter_constraints = {
        **AffineLayer._parameter_constraints,
        "filters": [Interval(Integral, 1, None, closed="left")],
        "kernel_size": SIZE,
        "strides": SIZE,
        "padding": PADDING,
        "dilation_rate": SIZE,
    }

    def _build_windows(self, input_shape):
        """Check the shape of the inputs and return the geometry of the windows."""
        self._check_axes(input_shape)
        names = ("kernel_size", "strides", "dilation_rate")
        return Windows(*map(self._per_axis, names), self.padding)


class _Convolution(Convolutional):
    """Convolution over any number of axes."""

    _parameter_constraints = {
        **Convolutional._parameter_constraints,
        "padding": PADDING_OF_CONVOLUTIONS,
        "groups": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        filters: int,
        kernel_size: Window,
        strides: Window = 1,
        padding: Literal["valid", "same"] = "valid",
        *,
        dilation_rate: Window = 1,
        groups: int = 1,
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
        self.dilation_rate = dilation_rate
        self.groups = groups
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
        channels = input_shape[-1]
        if channels % self.groups or self.filters % self.groups:
            self._refuse(
                f"numbers of channels and of filters that are multiples of groups={self.groups}",
                f"{channels} channels and {self.filters} filters",
                "Choose a divisor of both for groups.",
            )
        shape = (*self._windows.size, channels // self.groups, self.filters)
        n_window = int(np.prod(self._windows.size))
        fan = (n_window * shape[-2], n_window * self.filters)
        self._declare(shape, self.filters, fan)
        self._correlation = correlation_of(self._windows, self.groups, input_shape)
        return (*self._output_lengths(input_shape[:-1]), self.filters)

    def _output_lengths(self, lengths):
        found = self._windows.output_lengths(lengths)
        if any(n is not None and n < 1 for n in found):
            span = " x ".join(map(str, self._windows.span))
            self._refuse(
                f"inputs of at least {span} ({', '.join(self._axes)})",
                " x ".join("any" if n is None else str(n) for n in lengths),
                'Choose a smaller kernel_size or padding="same".',
            )
        return found

    def _forward(self, x, training, mask):
        lengths = self._windows.counts(x.shape[1:-1])
        padded = self._windows.pad(x, mask, self._work)
        if training:
            self._padded, self._x_shape, self._mask = padded, x.shape, mask
        return self._correlate(padded, lengths, training)

    def _correlate(self, padded, lengths, training=False):
        out = self._work("out", (len(padded), *lengths, self.filters))
        self._correlation.correlate(padded, self.kernel_, out, self._work)
        return self._activate(out, training)

    def _backward(self, grad_output, input_grad):
        grad = self._deactivate(grad_output)
        padded, run = self._padded, self._correlation
        run.kernel_gradient(padded, grad, self.kernel_grad_, self._work)
        if not input_grad:
            return None
        if self._mask is None and run.can_turn and not self._windows.repeats:
            grad_x = self._work("grad_x", self._x_shape)
            amounts = self._windows.amounts(self._x_shape[1:-1])
            run.unpadded_gradient(grad, self.kernel_, amounts, grad_x, self._work)
            return grad_x
        grad_padded = self._work("grad_padded", padded.shape)
        run.input_gradient(grad, self.kernel_, grad_padded, self._work)
        return self._windows.unpad(grad_padded, self._x_shape, self._mask, self._work)

    def _output_mask(self, x, mask):
        return self._windows.output_mask(x, mask)


class Conv1D(_Convolution):
    """Convolution over the steps of a sequence.

    out[o, f] = activation(sum over j, c of x[o strides + j dilation_rate, c] kernel[j, c, f]
    + bias[f]). Input shape (T, C), where T may be None; output shape (T_out, filters), where
    T_out is T - (kernel_size - 1) dilation_rate over strides for padding "valid" and T over
    strides for all others, rounded up. With a mask, the real steps of a sequence are
    neighbours, wherever padding stands, and the mask that is passed on is True at the steps that
    each sequence would have alone.

    Parameters
    ----------
    filters : int
        Number of filters, at least 1.
    kernel_size : int
        Length of the window, at least 1.
    strides : int, default=1
        Steps from one window to the next, at least 1.
    padding : {"valid", "same", "causal", "reflect", "circular"}, default="valid"
        "valid" takes the windows that fit; "same" adds zeros at both ends, "causal" only in
        front, so that no output depends on later steps. "reflect" and "circular" add as much as
        "same": the steps next to the ends, mirrored, or those of the other end.
    dilation_rate : int, default=1
        Steps from one element of a window to the next, at least 1.
    groups : int, default=1
        Number of groups that channels and filters are divided into, at least 1; the filters
        of a group see the channels of that group. It has to divide both numbers.
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
    kernel_ : ndarray of shape (kernel_size, C / groups, filters)
        Weights.
    bias_ : ndarray of shape (filters,)
        Bias.

    References
    ----------
    van den Oord et al. (2016), WaveNet: a generative model for raw audio, :arxiv:`1609.03499`,
    for causal and dilated convolutions.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import Conv1D, Flatten
    >>> layers = [("conv", Conv1D(16, kernel_size=5, activation="relu")), Flatten()]
    >>> model = NeuralClassifier(layers=layers, input_shape=(150, 3))
    >>> model.set_params(layers__conv__filters=32).get_params()["layers__conv__filters"]
    32
    """

    _axes = ("steps",)
    _parameter_constraints = {
        **_Convolution._parameter_constraints,
        "padding": PADDING_OF_SEQUENCES,
    }

    @property
    def is_causal(self) -> bool:
        """Whether there is a window for every step that ends with it."""
        windows = self._windows
        return windows.strides == (1,) and (windows.padding == "causal" or windows.span == (1,))

    def _advance(self, x, memory, mask):
        """Compute the windows that end with the next steps, from the last steps in memory."""
        n_past, n_steps = self._windows.span[0] - 1, x.shape[1]
        padded = self._work("padded", (len(x), n_past + n_steps, x.shape[2]))
        padded[:, :n_past] = memory.get("past", 0.0)
        padded[:, n_past:] = x
        if mask is None:
            memory["past"] = padded[:, n_steps:].copy()
        else:
            padded[:, n_past:][~mask] = 0.0
            last = np.count_nonzero(mask, axis=1)[:, None] + np.arange(n_past)
            memory["past"] = np.take_along_axis(padded, last[..., None], axis=1)
        return self._correlate(padded, (n_steps,))


class Conv2D(_Convolution):
    """Convolution over the height and the width of an image.

    out[o, p, f] = activation(sum over i, j, c of x[o s + i d, p s + j d, c] kernel[i, j, c, f]
    + bias[f]) for strides s and dilation rate d. Input shape (H, W, C), output shape
    (H_out, W_out, filters), where H_out is H - (kernel_size - 1) d over s for padding "valid"
    and H over s for all others, rounded up.

    Parameters
    ----------
    filters : int
        Number of filters, at least 1.
    kernel_size : int or tuple of (int, int)
        Height and width of the window, at least 1.
    strides : int or tuple of (int, int), default=1
        Pixels from one window to the next, at least 1.
    padding : {"valid", "same", "reflect", "circular"}, default="valid"
        "valid" takes the windows that fit; "same" adds zeros around the image; "reflect" and
        "circular" add as much: the pixels next to the edges, mirrored, or those of the other
        side.
    dilation_rate : int or tuple of (int, int), default=1
        Pixels from one element of a window to the next, at least 1.
    groups : int, default=1
        Number of groups that channels and filters are divided into, at least 1; the filters
        of a group see the channels of that group. It has to divide both numbers.
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
    kernel_ : ndarray of shape (kernel height, kernel width, C / groups, filters)
        Weights.
    bias_ : ndarray of shape (filters,)
        Bias.

    References
    ----------
    LeCun et al. (1998), Gradient-based learning applied to document recognition, Proceedings
    of the IEEE 86, :doi:`10.1109/5.726791`.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import Conv2D, Flatten
    >>> layers = [Conv2D(32, 3, activation="relu"), Conv2D(64, 3, strides=2), Flatten()]
    >>> model = NeuralClassifier(layers=layers, input_shape=(28, 28, 1))
    """

    _axes = ("height", "width")


class Conv3D(_Convolution):
    """Convolution over the steps, the height and the width of a video, or over a volume.

    The sum of `Conv2D` over one axis more. Input shape (T, H, W, C), where T may be None,
    output shape (T_out, H_out, W_out, filters), where T_out is T - (kernel_size - 1)
    dilation_rate over strides for padding "valid" and T over strides for all others, rounded up.
    Masked steps are left out, as in `Conv1D`.

    Parameters
    ----------
    filters : int
        Number of filters, at least 1.
    kernel_size : int or tuple of (int, int, int)
        Steps, height and width of the window, at least 1.
    strides : int or tuple of (int, int, int), default=1
        Elements from one window to the next, at least 1.
    padding : {"valid", "same", "reflect", "circular"}, default="valid"
        "valid" takes the windows that fit; "same" adds zeros around; "reflect" and "circular"
        add as much, as in `Conv2D`.
    dilation_rate : int or tuple of (int, int, int), default=1
        Elements from one element of a window to the next, at least 1.
    groups : int, default=1
        Number of groups that channels and filters are divided into, at least 1; the filters
        of a group see the channels of that group. It has to divide both numbers.
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
    kernel_ : ndarray of shape (kernel steps, height, width, C / groups, filters)
        Weights.
    bias_ : ndarray of shape (filters,)
        Bias.

    References
    ----------
    Tran et al. (2015), Learning spatiotemporal features with 3D convolutional networks,
    :arxiv:`1412.0767`.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import Conv3D, Flatten
    >>> layers = [Conv3D(16, (3, 5, 5), strides=(1, 2, 2), activation="relu"), Flatten()]
    >>> model = NeuralClassifier(layers=layers, input_shape=(10, 32, 32, 3))
    """

    _axes = ("steps", "height", "width")
