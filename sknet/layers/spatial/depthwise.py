"""Convolutions that give each channel filters of its own."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from sklearn.utils._param_validation import Interval

from ...typing import Shape
from ..composite import Sequential
from .convolution import Conv1D, Conv2D, Convolutional
from .windows import PADDING_OF_CONVOLUTIONS, PADDING_OF_SEQUENCES

_MULTIPLIER = [Interval(Integral, 1, None, closed="left")]


class _DepthwiseConvolution:
    """A convolution with one group a channel."""

    def __init__(
        self,
        kernel_size: Any,
        strides: int = 1,
        padding: str = "valid",
        *,
        depth_multiplier: int = 1,
        dilation_rate: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: str = "auto",
        bias_initializer: str = "zeros",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.depth_multiplier = depth_multiplier
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
        self._check_axes(input_shape)
        self.groups = input_shape[-1]
        self.filters = self.groups * self.depth_multiplier
        return super().build(input_shape)


class DepthwiseConv1D(_DepthwiseConvolution, Conv1D):
    """Convolution of each channel of sequences by itself.

    Filter m of channel c sees that channel alone, and its output is channel
    c * depth_multiplier + m. Input shape (T, C), where T may be None;
    output shape (T_out, C * depth_multiplier), with the lengths and masks of `Conv1D`.

    Parameters
    ----------
    kernel_size : int
        Length of the window, at least 1.
    strides : int, default=1
        Steps from one window to the next, at least 1.
    padding : {"valid", "same", "causal", "reflect", "circular"}, default="valid"
        As in `Conv1D`.
    depth_multiplier : int, default=1
        Number of filters of each channel, at least 1.
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
    kernel_ : ndarray of shape (kernel_size, 1, C * depth_multiplier)
        Weights.
    bias_ : ndarray of shape (C * depth_multiplier,)
        Bias.

    References
    ----------
    Howard et al. (2017), MobileNets: efficient convolutional neural networks for mobile vision
    applications, :arxiv:`1704.04861`.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import DepthwiseConv1D, GlobalAveragePool1D
    >>> layers = [DepthwiseConv1D(5, depth_multiplier=4), GlobalAveragePool1D()]
    >>> model = NeuralClassifier(layers=layers, input_shape=(150, 3))
    """

    _parameter_constraints = {
        **Conv1D._parameter_constraints,
        "depth_multiplier": _MULTIPLIER,
    }


class DepthwiseConv2D(_DepthwiseConvolution, Conv2D):
    """Convolution of each channel of images by itself.

    Filter m of channel c sees that channel alone, and its output is channel
    c * depth_multiplier + m. Input shape (H, W, C), output shape
    (H_out, W_out, C * depth_multiplier), with the lengths of `Conv2D`.

    Parameters
    ----------
    kernel_size : int or tuple of (int, int)
        Height and width of the window, at least 1.
    strides : int or tuple of (int, int), default=1
        Pixels from one window to the next, at least 1.
    padding : {"valid", "same", "reflect", "circular"}, default="valid"
        As in `Conv2D`.
    depth_multiplier : int, default=1
        Number of filters of each channel, at least 1.
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
    kernel_ : ndarray of shape (kernel height, kernel width, 1, C * depth_multiplier)
        Weights.
    bias_ : ndarray of shape (C * depth_multiplier,)
        Bias.

    References
    ----------
    Howard et al. (2017), MobileNets: efficient convolutional neural networks for mobile vision
    applications, :arxiv:`1704.04861`.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import Conv2D, DepthwiseConv2D, GlobalAveragePool2D
    >>> layers = [DepthwiseConv2D(3, padding="same"), Conv2D(64, 1), GlobalAveragePool2D()]
    >>> model = NeuralClassifier(layers=layers, input_shape=(32, 32, 3))
    """

    _parameter_constraints = {
        **Conv2D._parameter_constraints,
        "depth_multiplier": _MULTIPLIER,
    }


class _SeparableConvolution(Sequential):
    """A convolution of each channel by itself, and one of a single element over all channels."""

    _list_parameters = ()
    _parameter_constraints = {
        **Convolutional._parameter_constraints,
        "padding": PADDING_OF_CONVOLUTIONS,
        "depth_multiplier": _MULTIPLIER,
    }
    accepts_sparse = False

    def __init__(
        self,
        filters: Any,
        kernel_size: Any,
        strides: int = 1,
        padding: str = "valid",
        *,
        depth_multiplier: int = 1,
        dilation_rate: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: str = "auto",
        bias_initializer: str = "zeros",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.depth_multiplier = depth_multiplier
        self.dilation_rate = dilation_rate
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.kernel_constraint = kernel_constraint
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    def _owner(self):
        return getattr(self, "_path", "")

    def _items(self):
        depthwise, pointwise = self._kinds
        first = depthwise(
            self.kernel_size,
            self.strides,
            self.padding,
            depth_multiplier=self.depth_multiplier,
            dilation_rate=self.dilation_rate,
            use_bias=False,
            kernel_initializer=self.kernel_initializer,
            kernel_regularizer=self.kernel_regularizer,
            kernel_constraint=self.kernel_constraint,
        )
        second = pointwise(
            self.filters,
            1,
            activation=self.activation,
            use_bias=self.use_bias,
            kernel_initializer=self.kernel_initializer,
            kernel_regularizer=self.kernel_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_initializer=self.bias_initializer,
        )
        return [("depthwise", first), ("pointwise", second)]


class SeparableConv1D(_SeparableConvolution):
    """Depthwise convolution followed by a convolution of windows of one element.

    `DepthwiseConv1D` without bias looks at each channel by itself, and ``Conv1D(filters, 1)``
    combines the channels: the window and the channels in two steps, with far fewer weights
    than `Conv1D`. Input shape (T, C), where T may be None; output shape (T_out, filters), with
    the lengths and masks of `Conv1D`.

    Parameters
    ----------
    filters : int
        Number of filters, at least 1.
    kernel_size : int
        Length of the window, at least 1.
    strides : int, default=1
        Steps from one window to the next, at least 1.
    padding : {"valid", "same", "causal", "reflect", "circular"}, default="valid"
        As in `Conv1D`.
    depth_multiplier : int, default=1
        Number of filters of each channel in the first step, at least 1.
    dilation_rate : int, default=1
        Steps from one element of a window to the next, at least 1.
    activation : str or sknet.activations.Activation, default=None
        Activation function; None is the identity.
    use_bias : bool, default=True
        Whether to add a bias.
    kernel_initializer : str or sknet.initializers.Initializer, default="auto"
        Start of the kernels; "auto" is "lecun_normal" for selu, which needs it, and
        "glorot_uniform" for all others.
    bias_initializer : str or sknet.initializers.Initializer, default="zeros"
        Start of the bias.
    kernel_regularizer : sknet.regularization.Regularizer, default=None
        Penalty on the kernels, such as ``L1L2(l1=1e-4)``, in addition to `alpha`.
    kernel_constraint : str or sknet.regularization.KernelConstraint, default=None
        What the kernels are brought back to after each step: max_norm, non_negative, unit_norm, or
        an object.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights.

    References
    ----------
    Chollet (2017), Xception: deep learning with depthwise separable convolutions,
    :arxiv:`1610.02357`.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import GlobalAveragePool1D, SeparableConv1D
    >>> layers = [SeparableConv1D(32, 5, activation="relu"), GlobalAveragePool1D()]
    >>> model = NeuralClassifier(layers=layers, input_shape=(150, 3))
    """

    _parameter_constraints = {
        **_SeparableConvolution._parameter_constraints,
        "padding": PADDING_OF_SEQUENCES,
    }
    _kinds = DepthwiseConv1D, Conv1D


class SeparableConv2D(_SeparableConvolution):
    """Depthwise convolution followed by a convolution of windows of one element.

    `DepthwiseConv2D` without bias looks at each channel by itself, and ``Conv2D(filters, 1)``
    combines the channels: the window and the channels in two steps, with far fewer weights
    than `Conv2D`. Input shape (H, W, C), output shape (H_out, W_out, filters), with the lengths
    of `Conv2D`.

    Parameters
    ----------
    filters : int
        Number of filters, at least 1.
    kernel_size : int or tuple of (int, int)
        Height and width of the window, at least 1.
    strides : int or tuple of (int, int), default=1
        Pixels from one window to the next, at least 1.
    padding : {"valid", "same", "reflect", "circular"}, default="valid"
        As in `Conv2D`.
    depth_multiplier : int, default=1
        Number of filters of each channel in the first step, at least 1.
    dilation_rate : int or tuple of (int, int), default=1
        Pixels from one element of a window to the next, at least 1.
    activation : str or sknet.activations.Activation, default=None
        Activation function; None is the identity.
    use_bias : bool, default=True
        Whether to add a bias.
    kernel_initializer : str or sknet.initializers.Initializer, default="auto"
        Start of the kernels; "auto" is "lecun_normal" for selu, which needs it, and
        "glorot_uniform" for all others.
    bias_initializer : str or sknet.initializers.Initializer, default="zeros"
        Start of the bias.
    kernel_regularizer : sknet.regularization.Regularizer, default=None
        Penalty on the kernels, such as ``L1L2(l1=1e-4)``, in addition to `alpha`.
    kernel_constraint : str or sknet.regularization.KernelConstraint, default=None
        What the kernels are brought back to after each step: max_norm, non_negative, unit_norm, or
        an object.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights.

    References
    ----------
    Chollet (2017), Xception: deep learning with depthwise separable convolutions,
    :arxiv:`1610.02357`.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import GlobalAveragePool2D, SeparableConv2D
    >>> layers = [SeparableConv2D(32, 3, activation="relu"), GlobalAveragePool2D()]
    >>> model = NeuralClassifier(layers=layers, input_shape=(32, 32, 3))
    """

    _kinds = DepthwiseConv2D, Conv2D
