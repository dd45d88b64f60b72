"""Estimators of sknet that compute what models of PyTorch compute."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from ...base import brief, copied
from ...estimators import NeuralClassifier, NeuralRegressor
from ...layers import (
    Activation,
    BatchNorm,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GroupNorm,
    LayerNorm,
    MultiHeadAttention,
    PositionalEmbedding,
    PReLU,
    Residual,
    RMSNorm,
    SeparableConv1D,
    SeparableConv2D,
    Sequential,
    TransformerBlock,
)
from ...layers.affine import AffineLayer
from ...layers.base import build_layer
from ...layers.composite import named_layers
from ...layers.items import LayerItem
from ...layers.sequential.recurrent import RecurrentLayer
from ...named_weights import named_parts, weight_name
from ...storage import read_arrays
from ...typing import Array, Shape
from ..foreign import ForeignModel, Part, fitted, identity, joined_weights, plain_name
from .modules import ModuleReader
from .weights import COUNTER, group, weights_of

_SOURCE = "from_torch"
#: How the first array of a layer's module is named, where that is not "weight".
_FIRST = {
    BatchNorm: r"(weight|running_mean)$",
    Bidirectional: r"weight_ih_l\d+$",
    MultiHeadAttention: r"in_proj_weight$",
    TransformerBlock: r"self_attn\.in_proj_weight$",
}
#: Layers that treat each value alone, wherever it stands.
_ELEMENTWISE = (Activation, Dropout, GaussianNoise)
#: Layers that hold others, which run one after the other.
_CHAINS = (Residual, SeparableConv1D, SeparableConv2D, Sequential)
#: Layers with weights that have a counterpart in PyTorch.
_KNOWN = (
    AffineLayer,
    BatchNorm,
    Bidirectional,
    Embedding,
    GroupNorm,
    LayerNorm,
    MultiHeadAttention,
    PositionalEmbedding,
    PReLU,
    RecurrentLayer,
    RMSNorm,
    TransformerBlock,
)


def from_torch(
    model: Any,
    layers: Sequence[LayerItem] | None = None,
    estimator: NeuralClassifier | NeuralRegressor | None = None,
    *,
    input_shape: Shape | None = None,
    classes: ArrayLike | None = None,
) -> NeuralClassifier | NeuralRegressor:
    """Return a fitted estimator with the weights of a PyTorch model.

    It predicts as the model does after ``model.eval()``, without PyTorch. Training is resumed from
    the weights by `fit`, as its `warm_start` is True, or by `partial_fit`, and
    `sknet.layers.Pretrained` takes its layers for another network.

    The axes are sknet's: samples have their channels last, (H, W, C) and (T, C), where PyTorch
    has them first. Weights after `Flatten` are put in this order. Sequences are (T, F), as
    PyTorch has them with ``batch_first=True``.

    Parameters
    ----------
    model : torch.nn.Sequential, dict, str or path-like
        A Sequential, possibly with others in it; or what ``state_dict()`` of any model returns; or
        the path of a file of its arrays that ends in .safetensors or .npz.
    layers : list, default=None
        Needed unless `model` is a Sequential: all layers of the model in terms of sknet, the last
        one included, as `layers` of an estimator takes them. The last one may be
        ``Dense(n, "softmax")``. A pair ``("name", layer)`` takes the weights of the module of
        that name; others take those that come next in the dict. Several layers of a recurrent
        module are as many layers, and `TransformerBlock` is a ``nn.TransformerEncoderLayer`` with
        ``norm_first=True``.
    estimator : NeuralClassifier or NeuralRegressor, default=None
        Decides what it is to be, and how it is trained further: all its parameters are kept but
        `layers`, `input_shape`, `warm_start` and `standardize_target`. None makes a classifier of
        a model that ends with softmax or sigmoid, and where `classes` are given; a classifier
        takes the outputs of a model that ends with neither as scores before softmax.
    input_shape : tuple of int, default=None
        Shape of a sample, channels last; None on the first axis is any number of steps. By
        default that which the first layer needs, if it is dense, recurrent or an embedding.
    classes : array-like, default=None
        Labels of the classes in the order of the model's outputs; 0, 1, .. by default.

    Returns
    -------
    estimator : NeuralClassifier or NeuralRegressor
        Fitted estimator in the precision of the model's weights.

    Raises
    ------
    TypeError
        If `model` is neither a Sequential nor named arrays.
    ValueError
        If there is a module that sknet has no layer for, or weights and layers do not fit.

    See Also
    --------
    from_keras : The same for Keras.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.interop import from_torch
    >>> from sknet.layers import Dense
    >>> state = {"a.weight": np.ones((2, 3)), "a.bias": np.zeros(2), "b.weight": np.eye(2)}
    >>> from_torch(state, [Dense(2, "relu"), Dense(2)]).predict([[1.0, 2.0, 3.0]])
    array([[6., 6.]])
    """
    if hasattr(model, "named_children"):
        reader = _read_modules(model, layers, input_shape)
    else:
        reader = _read_arrays(model, layers, input_shape)
    return fitted(reader.finish(), estimator, classes)


def _read_modules(model, layers, input_shape):
    if layers is not None:
        raise ValueError(f"{_SOURCE}: with layers pass model.state_dict(), not the model.")
    modules = list(_flat(model))
    for name, module in modules[:-1]:
        if type(module).__name__ == "LogSoftmax":
            ModuleReader(module, name, (), None).refuse("is known to sknet at the end alone")
    if not modules:
        raise ValueError(f"{_SOURCE} expects a Sequential with modules in it, got an empty one.")
    shape = _shape_for(*modules[0]) if input_shape is None else _checked_shape(input_shape)
    reader = _Reader({}, shape)
    for name, module in modules:
        reader.add_module(name, module)
    return reader


def _read_arrays(model, layers, input_shape):
    is_file = isinstance(model, str | os.PathLike)
    if not is_file and not isinstance(model, Mapping):
        raise TypeError(
            f"{_SOURCE} expects an nn.Sequential, a dict of weights or the path of a file, got "
            f"{brief(model)}."
        )
    if not isinstance(layers, list | tuple) or not layers:
        raise TypeError(
            f"{_SOURCE} expects layers with a dict or a file of weights, a list of all layers, "
            f"got {brief(layers)}."
        )
    # Files do not keep the order, but the names of modules in a Sequential are numbers.
    state = dict(sorted(read_arrays(model).items(), key=_natural)) if is_file else dict(model)
    pairs = named_layers(copied(list(layers), "layers"))
    shape = None if input_shape is None else _checked_shape(input_shape)
    reader = _Reader(_as_arrays(state), shape, is_file)
    for name, layer in pairs:
        reader.add(name, layer)
    return reader


def _checked_shape(shape):
    sizes = shape if isinstance(shape, list | tuple) else ()
    rest = sizes[1:] if sizes[:1] in ((None,), [None]) else sizes
    if not sizes or not all(isinstance(n, Integral) and n > 0 for n in rest):
        raise ValueError(
            f"{_SOURCE} expects input_shape as a tuple of ints of at least 1, got {shape!r}; only "
            "the first may be None, for any number of steps."
        )
    return tuple(sizes)


def _natural(item):
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in item[0].split(".")]


def _as_arrays(state):
    """Return tensors or arrays by name as arrays, without counters."""
    found = {}
    for name, value in state.items():
        if hasattr(value, "detach"):
            value = value.detach().cpu()
            value = value if value.dtype.itemsize > 2 else value.float()  # NumPy has no bfloat16
        array = np.asarray(value)
        if not isinstance(name, str) or array.dtype.kind not in "fiub":
            raise TypeError(
                f"{_SOURCE} expects real numbers by the names of weights, got {array.dtype} for "
                f"{name!r}."
            )
        if not name.endswith(COUNTER):
            found[name] = array
    return found


def _flat(model, prefix=""):
    """Yield the modules of a Sequential, and of those in it, with their names."""
    if not _is_sequential(model):
        raise ValueError(
            f"{_SOURCE} cannot read how {type(model).__name__} calls its modules. Pass its "
            "state_dict(), and as layers what it does."
        )
    for name, module in model.named_children():
        if _is_sequential(module):
            yield from _flat(module, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", module


def _is_sequential(module):
    names = [cls.__name__ for cls in type(module).__mro__ if "forward" in vars(cls)]
    return names[0] == "Sequential"


def _shape_for(name, module):
    """Return the shape of a sample for a module that comes first."""
    kind = type(module).__name__
    if kind == "Linear":
        return (module.in_features,)
    if kind == "Embedding":
        return (None,)
    raise ValueError(
        f"{_SOURCE} expects input_shape, the shape of a sample with the channels last, for a "
        f"model that begins with {kind}."
    )


class _Reader:
    """Gives layers their weights, one after the other, and follows the shapes.

    Parameters
    ----------
    state : dict of str to ndarray
        Weights by their names in PyTorch, in the order of the layers unless `by_name`.
    input_shape : tuple of int or None
        Shape of a sample; None for what the first layer needs.
    by_name : bool, default=False
        Whether the order of `state` means nothing unless names are numbers.
    """

    def __init__(
        self, state: dict[str, Array], input_shape: Shape | None, by_name: bool = False
    ) -> None:
        self.state = state
        self.input_shape = self.shape = input_shape
        self.by_name = by_name
        self.prefix = None  # of the module whose weights have been taken last
        self.dtypes = set()
        self.parts = []
        # Whether PyTorch has the channels first; and where it has each of the flattened values.
        self.channels_first = self.order = None

    def add_module(self, name: str, module: Any) -> None:
        """Add the layers that compute what a module computes."""
        reader = ModuleReader(module, name, self.shape, self.channels_first)
        found = reader.read()
        if self.channels_first is None and len(self.shape) > 1:
            self.channels_first = reader.leaves_channels_first
        for i, source in enumerate(reader.sources):
            arrays = _as_arrays(source.state_dict())
            self.state |= {f"{name}.{i}.{key}": array for key, array in arrays.items()}
        for layer in found:
            self.add(f"{reader.kind.lower()}_{name}", layer)

    def add(self, name: str, layer: Any) -> None:
        """Add a layer, with the weights that belong to it."""
        if self.shape is None:
            self.input_shape = self.shape = self._needed_shape(name, layer)
        part, self.shape = self._part(name, layer, self.shape)
        taken = {each for each, _ in self.parts}
        name = plain_name(f"layer_{name}" if name.isdecimal() else name, taken)
        self.parts.append((name, part))

    def finish(self) -> Any:
        """Return the model; refuse weights that are left over."""
        if self.state:
            raise ValueError(
                f"{_SOURCE}: no layer takes {', '.join(map(repr, list(self.state)[:3]))} of the "
                "weights. Write layers for all modules."
            )
        if self.order is not None:
            back = identity(len(self.order), _SOURCE)[self.order]
            self.parts.append(("order", Part(Dense(len(back), use_bias=False), {"kernel": back})))
        is_double = np.dtype(np.float64) in self.dtypes
        dtype = np.dtype(np.float64 if is_double else np.float32)
        return ForeignModel(self.parts, tuple(self.input_shape), dtype, _SOURCE)

    def _needed_shape(self, name, layer):
        if isinstance(layer, Embedding):
            return (None,)
        inner = layer.layer if isinstance(layer, Bidirectional) else layer
        if isinstance(inner, Dense | RecurrentLayer):
            width = self.state[self._first_key(name, layer)].shape[-1]
            return (width,) if isinstance(inner, Dense) else (None, width)
        raise ValueError(
            f"{_SOURCE} expects input_shape, the shape of a sample with the channels last, for a "
            f"model that begins with {type(layer).__name__}."
        )

    def _part(self, name, layer, shape):
        """Return a layer with its weights, and the shape of its output."""
        built = clone(layer)
        if getattr(layer, "activation", None) == "softmax":  # at the end it becomes the loss's
            built.set_params(activation="identity")
        output_shape = build_layer(built, f"layers__{name}", shape)
        if type(layer) in _CHAINS:
            parts, inner_shape = [], shape
            for inner_name, inner in named_layers(layer._items()):
                part, inner_shape = self._part(inner_name, inner, inner_shape)
                parts.append((inner_name, part))
            return Part(layer, joined_weights(parts)), output_shape
        weights = {}
        if any(part._weights for _, part in named_parts(built)):
            weights = self._weights(name, layer, shape[-1])
            if isinstance(layer, LayerNorm | RMSNorm) and self.channels_first:
                # Weights of all axes of a sample have the channels first, as it has.
                whole = {k: array for k, array in weights.items() if array.ndim == len(shape)}
                weights |= {key: np.moveaxis(array, 0, -1) for key, array in whole.items()}
            self._check_shapes(name, built, weights)
        self._follow_axes(name, layer, shape, weights)
        return Part(layer, weights), output_shape

    def _weights(self, name, layer, width):
        if not isinstance(layer, _KNOWN):
            self._refuse(name, layer, "has weights that no module of PyTorch has")
        prefix, arrays = self._taken(name, layer)
        self.prefix = prefix
        self.dtypes |= {array.dtype for array in arrays.values()}
        try:
            weights = weights_of(layer, arrays, width)
        except KeyError as error:
            self._refuse(name, layer, f"lacks {prefix}{error.args[0]} among the weights")
        except (ValueError, IndexError):
            self._refuse(name, layer, f"has other weights than {prefix.rstrip('.')}")
        if arrays:
            self._refuse(name, layer, f"has no place for {prefix}{next(iter(arrays))}")
        return weights

    def _check_shapes(self, name, built, weights):
        for path, part in named_parts(built):
            for weight in part._weights:
                label = weight_name(path, weight.name)
                if weights[label].shape != weight.shape:
                    self._refuse(
                        name,
                        built,
                        f"expects {label} of shape {weight.shape}, got {weights[label].shape}",
                    )

    def _taken(self, name, layer):
        """Take the arrays of a layer's module out of the state; return their prefix and them."""
        key = self._first_key(name, layer)
        prefix = re.sub(_first(layer), "", key)
        number = re.search(r"_l(\d+)$", key)
        if number is None:
            return prefix, group(self.state, prefix)
        pattern = re.compile(rf"{re.escape(prefix)}(\w+)_l{number[1]}(_reverse)?$")
        found = {each: pattern.match(each) for each in self.state}
        found = {each: f"{m[1]}{m[2] or ''}" for each, m in found.items() if m}
        return prefix, {short: self.state.pop(each) for each, short in found.items()}

    def _first_key(self, name, layer):
        """Return the name of the first array of a layer's module."""
        known = [key for key in self.state if re.search(rf"(^|\.){_first(layer)}", key)]
        named = [key for key in known if key.startswith(f"{name}.")]
        if named:
            return named[0]
        again = [key for key in known if re.sub(_first(layer), "", key) == self.prefix]
        if again and isinstance(layer, RecurrentLayer):  # the next layer of the same module
            return again[0]
        following = next(iter(self.state), "nothing")
        # In files a bias may come before the kernel.
        known = [key for key in known if following.startswith(re.sub(_first(layer), "", key))]
        if not known:
            self._refuse(name, layer, f"does not fit what comes next in the weights, {following}")
        if self.by_name and not following[0].isdecimal():
            self._refuse(name, layer, "has not the name of a module in the file")
        return known[0]

    def _follow_axes(self, name, layer, shape, weights):
        """Put weights of flattened values in sknet's order, and follow which that is."""
        room = type(layer).__module__.split(".")
        if isinstance(layer, Flatten) and len(shape) > 1:
            if self.channels_first or (self.channels_first is None and len(shape) > 2):
                n = int(np.prod(shape))
                order = np.moveaxis(np.arange(n).reshape(shape[-1], *shape[:-1]), 0, -1).ravel()
                self.order = None if (order == np.arange(n)).all() else order
        elif self.order is not None and isinstance(layer, Dense):
            weights["kernel"], self.order = weights["kernel"][self.order], None
        elif self.order is not None and isinstance(layer, BatchNorm | LayerNorm | PReLU):
            alike = {n for n, array in weights.items() if len(array) == len(self.order)}
            weights.update({n: weights[n][self.order] for n in alike})
        elif self.order is not None and not isinstance(layer, _ELEMENTWISE):
            self._refuse(name, layer, "follows Flatten, which has another order in PyTorch")
        elif "spatial" in room or "sequential" in room:
            self.channels_first = "spatial" in room

    def _refuse(self, name, layer, why):
        raise ValueError(f"{_SOURCE}: layer {name!r} ({type(layer).__name__}) {why}.")


def _first(layer):
    if isinstance(layer, RecurrentLayer):
        return _FIRST[Bidirectional]
    return next((found for cls, found in _FIRST.items() if isinstance(layer, cls)), "weight$")
