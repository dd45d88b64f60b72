"""Modules of PyTorch as lists of layers of sknet."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ... import layers
from ...activations import ELU, GELU, LeakyReLU
from ...layers.base import Layer
from ...typing import Shape

#: Modules that apply a function, and its name.
_FUNCTIONS = {
    "Hardsigmoid": "hard_sigmoid",
    "Hardswish": "hard_swish",
    "LogSoftmax": "softmax",
    "Mish": "mish",
    "ReLU": "relu",
    "ReLU6": "relu6",
    "SELU": "selu",
    "Sigmoid": "logistic",
    "SiLU": "silu",
    "Softmax": "softmax",
    "Softsign": "softsign",
    "Tanh": "tanh",
}
_RETURN_TUPLES = ("GRU", "LSTM", "MultiheadAttention", "RNN")


#: Modules that take the channels before the other axes, whatever their names end with.
_OF_CHANNELS = ("BatchNorm", "GroupNorm", "InstanceNorm")


class ModuleReader:
    """Knows the layers of sknet that compute what a module computes.

    Parameters
    ----------
    module : torch.nn.Module
        The module.
    name : str
        Its name, for errors.
    shape : tuple of int
        Shape of its input as sknet has it.
    channels_first : bool or None
        Whether PyTorch has the channels before the other axes of this input; None for the input
        of the model, which its first module decides about.

    Attributes
    ----------
    sources : list of torch.nn.Module
        Modules that hold the weights of the layers, in their order.
    """

    def __init__(self, module: Any, name: str, shape: Shape, channels_first: bool | None) -> None:
        self.module = module
        self.name = name
        self.shape = shape
        self.channels_first: bool | None = channels_first if len(shape) > 1 else None
        self.kind: str = type(module).__name__
        self.has_axes: bool = self.kind[-2:] in ("1d", "2d", "3d")
        self.sources: list[Any] = [module]

    def read(self) -> list[Layer]:
        """Return the layers, which are not built."""
        module, kind = self.module, self.kind
        if not type(module).__module__.startswith("torch.nn."):
            self.refuse("is none of PyTorch's own modules, so sknet cannot know what it computes")
        if kind in _RETURN_TUPLES:
            self.refuse(
                "returns a tuple, which nn.Sequential cannot pass on. Pass the state_dict, and "
                "layers that say what becomes of the outputs"
            )
        family = kind[:-2] if self.has_axes else kind
        if self._takes_channels_first() and self.channels_first is False:
            self.refuse("takes the steps of sequences for channels. Permute them for sknet too")
        if kind in _FUNCTIONS:
            return self._read_function(module)
        reader = getattr(self, f"_read_{family}", None)
        if reader is None:
            self.refuse("is a module that sknet has no layer for")
        return reader(module)

    @property
    def leaves_channels_first(self) -> bool | None:
        """Whether PyTorch has the channels of the output before its other axes."""
        if self._takes_channels_first():
            return True
        keeps = self.kind in ("Linear", "LayerNorm", "RMSNorm", "Embedding")
        return False if keeps or "Transformer" in self.kind else self.channels_first

    def _takes_channels_first(self):
        family = self.kind[:-2] if self.has_axes else self.kind
        if self.kind == "LayerNorm" or self.kind == "RMSNorm":
            lengths = tuple(self.module.normalized_shape)
            moved = (self.shape[-1], *self.shape[:-1])
            return self.channels_first is None and lengths == moved != tuple(self.shape)
        if self.kind == "PReLU":
            return self.module.num_parameters > 1 and len(self.shape) > 1
        return self.has_axes or family in _OF_CHANNELS

    def refuse(self, why: str) -> NoReturn:
        """Name the module in an error.

        Parameters
        ----------
        why : str
            End of the sentence.
        """
        raise ValueError(f"from_torch: module {self.name!r} ({self.kind}) {why}.")

    def require(self, **expected: object) -> None:
        """Refuse options of the module that have other values.

        Parameters
        ----------
        **expected : object
            Names of options, and the only values that sknet has.
        """
        for option, value in expected.items():
            found = getattr(self.module, option, value)
            if found != value:
                self.refuse(f"has {option}={found!r}, sknet {value!r}")

    def _read_function(self, module):
        if self.kind.endswith("Softmax"):
            self._check_dim(module.dim)
        return [layers.Activation(_FUNCTIONS[self.kind])]

    def _check_dim(self, dim):
        """Refuse an axis that is not the last one in sknet."""
        last = 1 if self.channels_first else len(self.shape)
        if dim not in (last, None if len(self.shape) == 1 else last) and (
            self.channels_first or dim != -1
        ):
            self.refuse(f"has dim={dim}, sknet the axis of the channels")

    def _read_GLU(self, module):
        self._check_dim(module.dim)
        return [layers.GLU()]

    def _read_PReLU(self, module):
        return [layers.PReLU()]

    def _layer(self, family):
        """Return the class of sknet for as many axes as the module has."""
        found = getattr(layers, f"{family}{self.kind[-2]}D", None)
        return found or self.refuse("is a module that sknet has no layer for")

    def _per_axis(self, value):
        n_axes = int(self.kind[-2])
        return tuple(value) if isinstance(value, tuple | list) else (value,) * n_axes

    def _read_Linear(self, module):
        if self.channels_first:
            self.refuse("runs over an axis that is none of channels. Put a Flatten before it")
        return [layers.Dense(module.out_features, use_bias=module.bias is not None)]

    def _read_Conv(self, module):
        padding, before = self._padding(module)
        if padding == "same" or before:
            padding = self._repeated(module, padding)
        layer = self._layer("Conv")(
            module.out_channels,
            module.kernel_size,
            module.stride,
            padding,
            dilation_rate=module.dilation,
            groups=module.groups,
            use_bias=module.bias is not None,
        )
        return [*before, layer]

    def _padding(self, module):
        """Return the padding of a convolution and layers that pad before it."""
        if isinstance(module.padding, str):
            return module.padding, []
        if not any(module.padding):
            return "valid", []
        windows = zip(module.padding, module.kernel_size, module.dilation, strict=True)
        if set(module.stride) == {1} and all(2 * p == d * (k - 1) for p, k, d in windows):
            return "same", []
        return "valid", self._padded(module.padding)

    def _repeated(self, module, padding):
        """Return the padding of a convolution that does not fill up with zeros."""
        if module.padding_mode == "zeros":
            return padding
        is_known = module.padding_mode in ("reflect", "circular")
        if padding != "same" or not is_known:
            self.refuse(
                f"has padding_mode={module.padding_mode!r} and padding={module.padding}, sknet "
                "'reflect' and 'circular' where the length stays"
            )
        return module.padding_mode

    def _padded(self, padding):
        sides = tuple((p, p) for p in self._per_axis(padding))
        layer = self._layer("ZeroPadding")
        return [layer(sides[0] if len(sides) == 1 else sides)]

    def _read_ConvTranspose(self, module):
        self.require(groups=1)
        spans = zip(module.kernel_size, module.dilation, module.stride, strict=True)
        is_beyond = any(d * (k - 1) + 1 < s for k, d, s in spans)  # sknet's outputs are longer
        if any(p >= s for p, s in zip(module.output_padding, module.stride, strict=True)):
            self.refuse("has an output_padding that is not below its stride")
        cls = getattr(layers, f"Conv{self.kind[-2]}DTranspose", None)
        if cls is None:
            self.refuse("is a module that sknet has no layer for")
        layer = cls(
            module.out_channels,
            module.kernel_size,
            module.stride,
            output_padding=self._plain(module.output_padding, is_beyond),
            dilation_rate=module.dilation,
            use_bias=module.bias is not None,
        )
        if not any(module.padding):
            return [layer]
        sides = tuple((p, p) for p in module.padding)
        crop = self._layer("Cropping")(sides[0] if len(sides) == 1 else sides)
        return [layer, crop]

    def _plain(self, output_padding, is_needed):
        return tuple(output_padding) if is_needed or any(output_padding) else None

    def _read_MaxPool(self, module):
        self.require(dilation=1, ceil_mode=False, return_indices=False)
        size, strides = self._per_axis(module.kernel_size), self._per_axis(module.stride)
        padding = self._per_axis(module.padding)
        is_same = set(strides) == {1} and all(
            2 * p == k - 1 for p, k in zip(padding, size, strict=True)
        )
        if any(padding) and not is_same:
            self.refuse("has a padding that sknet does not have")
        return [self._layer("MaxPool")(size, strides, "same" if any(padding) else "valid")]

    def _read_AvgPool(self, module):
        self.require(ceil_mode=False, count_include_pad=True, divisor_override=None)
        size, strides = self._per_axis(module.kernel_size), self._per_axis(module.stride)
        before = self._padded(module.padding) if any(self._per_axis(module.padding)) else []
        return [*before, self._layer("AveragePool")(size, strides)]

    def _read_AdaptiveAvgPool(self, module):
        return [self._layer("AveragePool")(self._adaptive_size(module))]

    def _read_AdaptiveMaxPool(self, module):
        self.require(return_indices=False)
        return [self._layer("MaxPool")(self._adaptive_size(module))]

    def _adaptive_size(self, module):
        lengths = self.shape[:-1]
        wanted = self._per_axis(module.output_size)
        wanted = [n if k is None else k for n, k in zip(lengths, wanted, strict=True)]
        if None in lengths or any(n % k for n, k in zip(lengths, wanted, strict=True)):
            self.refuse(
                f"makes {tuple(wanted)} of {lengths}, for which sknet has no windows of one size"
            )
        return tuple(n // k for n, k in zip(lengths, wanted, strict=True))

    def _read_BatchNorm(self, module):
        self.require(track_running_stats=True)
        if module.momentum is None:
            self.refuse("has momentum=None, sknet a number")
        layer = layers.BatchNorm(
            momentum=1 - module.momentum, epsilon=module.eps, **_learned(module)
        )
        return [layer]

    def _read_InstanceNorm(self, module):
        self.require(track_running_stats=False)
        return [layers.GroupNorm(-1, epsilon=module.eps, **_learned(module))]

    def _read_GroupNorm(self, module):
        return [layers.GroupNorm(module.num_groups, epsilon=module.eps, **_learned(module))]

    def _read_LayerNorm(self, module):
        axis, learned = self._normalized_axes(module), _learned(module)
        return [layers.LayerNorm(epsilon=module.eps, axis=axis, **learned)]

    def _normalized_axes(self, module):
        """Return the last axes that are normalized, all of them where the channels come first."""
        n_axes = len(module.normalized_shape)
        if (self.channels_first or self._takes_channels_first()) and n_axes != len(self.shape):
            self.refuse("normalizes some axes of several, and not the channels")
        return -1 if n_axes == 1 else tuple(range(-n_axes, 0))

    def _read_RMSNorm(self, module):
        axis, scale = self._normalized_axes(module), module.weight is not None
        weights = list(module.parameters())
        name = str(weights[0].dtype).removeprefix("torch.") if weights else "float32"
        epsilon = module.eps or float(np.finfo(name).eps)
        return [layers.RMSNorm(epsilon=epsilon, axis=axis, scale=scale)]

    def _read_Embedding(self, module):
        self.require(max_norm=None)
        layer = layers.Embedding(module.embedding_dim, input_dim=module.num_embeddings)
        return [layer]

    def _read_Flatten(self, module):
        self.require(start_dim=1, end_dim=-1)
        return [layers.Flatten()]

    def _read_Identity(self, module):
        return []

    def _read_Dropout(self, module):
        if self.kind == "Dropout":
            return [layers.Dropout(module.p)]
        return [self._layer("SpatialDropout")(module.p)]

    def _read_AlphaDropout(self, module):
        return [layers.AlphaDropout(module.p)]

    def _read_LeakyReLU(self, module):
        return [layers.Activation(LeakyReLU(module.negative_slope))]

    def _read_ELU(self, module):
        return [layers.Activation(ELU(module.alpha))]

    def _read_GELU(self, module):
        return [layers.Activation(GELU(module.approximate == "tanh"))]

    def _read_Softplus(self, module):
        self.require(beta=1)
        return [layers.Activation("softplus")]

    def _read_ZeroPad(self, module):
        sides = tuple(module.padding)  # the last axis comes first
        pairs = tuple(zip(sides[::2], sides[1::2], strict=True))[::-1]
        return [self._layer("ZeroPadding")(pairs[0] if len(pairs) == 1 else pairs)]

    def _read_Upsample(self, module):
        self.require(size=None, align_corners=None)
        n_axes = len(self.shape) - 1
        factors = module.scale_factor
        factors = tuple(factors) if isinstance(factors, tuple) else (factors,) * n_axes
        sizes = tuple(map(int, factors))
        if sizes != factors or module.mode not in ("nearest", "bilinear"):
            self.refuse(
                f"has scale_factor={module.scale_factor} and mode={module.mode!r}, which "
                "sknet does not have together"
            )
        if n_axes == 1:
            return [layers.UpSampling1D(sizes[0])]
        if n_axes == 3:
            return [layers.UpSampling3D(sizes)]
        return [layers.UpSampling2D(sizes, interpolation=module.mode)]

    def _read_TransformerEncoder(self, module):
        inner = [*module.layers, *([] if module.norm is None else [module.norm])]
        readers = [ModuleReader(each, self.name, self.shape, False) for each in inner]
        found = [layer for reader in readers for layer in reader.read()]
        self.sources = [source for reader in readers for source in reader.sources]
        return found

    def _read_TransformerEncoderLayer(self, module):
        if not module.self_attn.batch_first:
            self.refuse("has batch_first=False, sknet the batch first")
        name = getattr(module.activation, "__name__", type(module.activation).__name__).lower()
        if name not in ("relu", "gelu"):
            self.refuse(f"has the activation {name!r}, which sknet knows in no such module")
        activation = GELU(getattr(module.activation, "approximate", "none") == "tanh")
        activation = "relu" if name == "relu" else activation
        heads, rate, width = module.self_attn.num_heads, module.dropout.p, self.shape[-1]
        inner = module.linear1.out_features
        if module.norm_first:
            self._check_epsilons(module)
            block = layers.TransformerBlock(
                heads,
                intermediate_dim=inner,
                dropout=rate,
                activation=activation,
                epsilon=module.norm1.eps,
            )
            return [block]
        use_bias = module.linear1.bias is not None
        attention = layers.MultiHeadAttention(heads, dropout=rate, use_bias=use_bias)
        dense = layers.Dense(inner, activation, use_bias), layers.Dense(width, use_bias=use_bias)
        self.sources = [
            getattr(module, name) for name in ("self_attn", "norm1", "linear1", "linear2", "norm2")
        ]
        return [
            layers.Residual([attention, layers.Dropout(rate)]),
            layers.LayerNorm(epsilon=module.norm1.eps, **_learned(module.norm1)),
            layers.Residual([dense[0], layers.Dropout(rate), dense[1], layers.Dropout(rate)]),
            layers.LayerNorm(epsilon=module.norm2.eps, **_learned(module.norm2)),
        ]

    def _check_epsilons(self, module):
        if module.norm1.eps != module.norm2.eps:
            self.refuse("has two different eps, sknet one")


def _learned(module):
    """Return which weights of a normalizing layer there are."""
    return {
        "center": getattr(module, "bias", None) is not None,
        "scale": module.weight is not None,
    }
