"""Estimators of sknet that compute what models of Keras compute."""

from __future__ import annotations

from inspect import signature
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from ... import layers
from ...activations import ELU, GELU, LeakyReLU
from ...base import brief
from ...estimators import NeuralClassifier, NeuralRegressor
from ...warning import warn
from ..foreign import ForeignModel, Part, fitted, joined_weights, plain_name, settled_counts
from .table import ACTIVATIONS, HEADS, LAYERS, MERGES

#: Options that change nothing in what a fitted layer computes, or are looked at elsewhere.
_HARMLESS = {
    "activity_regularizer",
    "axis",
    "batch_shape",
    "center",
    "dtype",
    "name",
    "scale",
    "seed",
    "synchronized",
    "trainable",
    "unroll",
    "zero_output_for_mask",
}
#: Further values that options may have.
_ALLOWED = {
    "attention_axes": [(1,), [1]],
    "data_format": ["channels_last"],
    "rms_scaling": [False],
}
#: Weights that layers without them would have.
_ABSENT = {"gamma": np.ones, "beta": np.zeros}


def from_keras(
    model: Any,
    estimator: NeuralClassifier | NeuralRegressor | None = None,
    *,
    classes: ArrayLike | None = None,
) -> NeuralClassifier | NeuralRegressor:
    """Return a fitted estimator with the layers and the weights of a Keras model.

    It predicts as the model does, without Keras. Training is resumed from the weights by `fit`,
    as its `warm_start` is True, or by `partial_fit`, and `sknet.layers.Pretrained` takes its
    layers for another network.

    The function at the end of the model decides: after softmax or sigmoid it is a
    `NeuralClassifier`, of one or of several labels, otherwise a `NeuralRegressor`. A model that
    does not end with a dense layer gets an output layer that starts as the identity.

    Parameters
    ----------
    model : keras.Model
        A built Sequential model, or a functional one of one input and one output, in which layers
        follow one another or run side by side and are merged again.
    estimator : NeuralClassifier or NeuralRegressor, default=None
        Decides what it is to be, and how it is trained further: all its parameters are kept but
        `layers`, `input_shape`, `warm_start` and `standardize_target`. A classifier of a model
        that ends with no function takes its outputs as scores before softmax.
    classes : array-like, default=None
        Labels of the classes in the order of the model's outputs; 0, 1, .. by default.

    Returns
    -------
    estimator : NeuralClassifier or NeuralRegressor
        Fitted estimator in the precision of the model's weights.

    Raises
    ------
    ImportError
        If Keras is not installed.
    TypeError
        If `model` is no Keras model.
    ValueError
        If the model has a layer, or an option of a layer, that sknet does not have.

    See Also
    --------
    to_keras : The way back.
    """
    keras = import_keras("from_keras")
    if not isinstance(model, keras.Model):
        raise TypeError(f"from_keras expects a Keras model, got {brief(model)}.")
    if not model.built or not getattr(model, "outputs", None):
        raise ValueError(
            f"from_keras expects a Sequential or functional model that has been built, got "
            f"{model.name!r}, a {type(model).__name__}. Begin it with keras.Input(...), and write "
            "it without a class of its own."
        )
    return fitted(_Reader(model).read(), estimator, classes)


def import_keras(caller: str) -> Any:
    """Return Keras, or say that it is missing.

    Parameters
    ----------
    caller : str
        Name of the function that needs it.
    """
    try:
        import keras
    except ImportError:
        raise ImportError(f"{caller} needs Keras: run pip install keras.") from None
    return keras


def heeds_masks(layer: Any) -> bool:
    """Tell whether a layer of Keras treats masked steps as sknet does.

    Parameters
    ----------
    layer : keras.layers.Layer
        The layer.
    """
    return (
        getattr(layer, "supports_masking", False) and type(layer).__name__ != "GroupNormalization"
    )


class _Reader:
    """Reads the graph of a model from its end to its beginning."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self._seen = set()
        self._names = set()
        self._last = _operation(model.outputs[0])
        while _is_model(self._last):
            self._last = _operation(self._last.outputs[0])

    def read(self) -> Any:
        """Return the layers as those of sknet."""
        self._check_ends(self.model)
        parts = self._chain(self.model.outputs[0], self.model.inputs[0])
        shape = tuple(self.model.inputs[0].shape[1:])
        is_double = str(self.model.outputs[0].dtype) == "float64"
        dtype = np.dtype(np.float64 if is_double else np.float32)
        return ForeignModel(parts, shape, dtype, "from_keras")

    def _check_ends(self, model):
        for name in ("inputs", "outputs"):
            n = len(getattr(model, name))
            if n != 1:
                raise ValueError(
                    f"from_keras expects a model of one input and one output, got {n} {name} of "
                    f"{model.name!r}."
                )

    def _chain(self, end, start):
        """Return the layers between two tensors, as (name, part) pairs."""
        found = []
        while end is not start:
            operation, node = _operation(end), _node(end)
            if type(operation).__name__ in MERGES:
                end, parts = self._merged(operation, node)
            elif _is_model(operation):
                self._check_ends(operation)
                parts = self._chain(operation.outputs[0], operation.inputs[0])
                end = self._only_input(operation, node)
            else:
                parts = [(self._name(operation), self._part(operation, node))]
                end = self._only_input(operation, node)
            found = parts + found
        return [(name, part) for name, part in found if part is not None]

    def _only_input(self, operation, node):
        if id(operation) in self._seen:
            _refuse(operation, "is used twice, and layers of sknet do not share weights")
        self._seen.add(id(operation))
        inputs = _inputs(node)
        if any(each is not inputs[0] for each in inputs):
            _refuse(operation, "takes several different inputs, which sknet has no layer for")
        return inputs[0]

    def _merged(self, operation, node):
        """Return where branches begin that an operation merges, and a layer that runs them."""
        inputs, kind = _inputs(node), MERGES[type(operation).__name__]
        if len(inputs) < 2:
            _refuse(operation, "takes a constant, which sknet has no layer for")
        if kind == "concatenate":
            _check_axis(operation, operation.axis, len(inputs[0].shape))
        paths = [_necks(each) for each in inputs]
        start = next(each for each in paths[0] if all(_holds(path, each) for path in paths))
        branches = [self._chain(each, start) for each in inputs]
        filled = [branch for branch in branches if branch]
        pairs = [[(name, part.layer) for name, part in branch] for branch in branches]
        if kind == "add" and len(branches) == 2 and len(filled) == 1:
            layer, weights = layers.Residual(max(pairs, key=len)), joined_weights(filled[0])
        else:
            layer = layers.Parallel(pairs, merge=kind)
            branches = [Part(None, joined_weights(branch)) for branch in branches]
            weights = joined_weights((str(i), part) for i, part in enumerate(branches))
        return start, [(self._name(operation), Part(layer, weights))]

    def _name(self, operation):
        name = plain_name(operation.name, self._names)
        self._names.add(name)
        return name

    def _part(self, layer, node):
        """Return a layer as sknet has it, with its weights; None where it does nothing."""
        kind = type(layer).__name__
        if not type(layer).__module__.startswith("keras."):
            _refuse(layer, "is none of Keras's own layers, so sknet cannot know what it computes")
        shape = node.input_tensors[0].shape[1:]
        is_masked = getattr(node.input_tensors[0], "_keras_mask", None) is not None
        if is_masked and not heeds_masks(layer):
            _refuse(layer, "ignores in Keras which steps are real, and not in sknet")
        special = getattr(self, f"_read_{kind}", None)
        if special is not None:
            return special(layer, node, shape)
        if kind not in LAYERS:
            _refuse(layer, "is a layer that sknet does not have")
        return self._plain(layer, shape)

    def _plain(self, layer, shape, given=None):
        """Return the layer of sknet with the same parameters and weights."""
        config, cls = layer.get_config() | (given or {}), LAYERS[type(layer).__name__]
        names = [name for name in cls._get_param_names() if not name.endswith("_initializer")]
        params = {name: _plain_value(config[name]) for name in names if name in config}
        if "activation" in params:
            params["activation"] = self._activation(layer, config["activation"])
        _check_options(layer, config, params, len(shape) + 1)
        part = Part(cls(**params), _weights_of(layer))
        self._complete(part, shape)
        return part

    def _complete(self, part, shape):
        """Add weights that the layer of sknet always has."""
        if isinstance(part.layer, layers.RMSNorm):
            part.weights["gamma"] = part.weights.pop("scale")
        if isinstance(part.layer, layers.BatchNorm | layers.LayerNorm | layers.GroupNorm):
            for name, make in _ABSENT.items():
                part.weights.setdefault(name, make(shape[-1]))
        if isinstance(part.layer, layers.BatchNorm):
            part.weights |= settled_counts(part.layer.momentum)

    def _activation(self, layer, name):
        """Return the activation of sknet for what a layer's configuration says."""
        if isinstance(name, dict):
            name = name["config"] if isinstance(name["config"], str) else name["class_name"]
        if name not in ACTIVATIONS:
            _refuse(layer, f"has the activation {name!r}, which sknet does not have")
        found = ACTIVATIONS[name]
        if found in ("softmax", "exp") and layer is not self._last:
            _refuse(layer, f"has the activation {name!r}, which sknet has at the end only")
        return clone(found, safe=False)

    def _read_Activation(self, layer, node, shape):
        return Part(layers.Activation(self._activation(layer, layer.get_config()["activation"])))

    def _read_Softmax(self, layer, node, shape):
        _check_axis(layer, layer.axis, len(shape) + 1)
        return Part(layers.Activation(self._activation(layer, "softmax")))

    def _read_ReLU(self, layer, node, shape):
        config = layer.get_config()
        if config["max_value"] is not None or config["threshold"]:
            _refuse(layer, "has a max_value or a threshold, which sknet does not have")
        slope = float(config["negative_slope"])
        return Part(layers.Activation(LeakyReLU(slope) if slope else "relu"))

    def _read_LeakyReLU(self, layer, node, shape):
        return Part(layers.Activation(LeakyReLU(float(layer.negative_slope))))

    def _read_ELU(self, layer, node, shape):
        return Part(layers.Activation(ELU(float(layer.alpha))))

    def _read_Gelu(self, operation, node, shape):
        return Part(layers.Activation(GELU(approximate=operation.approximate)))

    def _read_Identity(self, layer, node, shape):
        return None

    def _read_Bidirectional(self, layer, node, shape):
        config = layer.get_config()
        if config["merge_mode"] not in ("concat", "sum"):
            _refuse(layer, f"has merge_mode={config['merge_mode']!r}, sknet 'concat' and 'sum'")
        first, second = (
            self._plain(each, shape) for each in (layer.forward_layer, layer.backward_layer)
        )
        mirrored = clone(first.layer).set_params(go_backwards=not first.layer.go_backwards)
        if repr(mirrored) != repr(second.layer):
            _refuse(layer, "has a backward layer that is not like the forward layer")
        weights = joined_weights([("forward", first), ("backward", second)])
        return Part(layers.Bidirectional(first.layer, config["merge_mode"]), weights)

    def _read_Rescaling(self, layer, node, shape):
        return _fixed_affine(layer.scale, layer.offset, 0.0, shape)

    def _read_Normalization(self, layer, node, shape):
        config = layer.get_config()
        _check_axis(layer, config["axis"], len(shape) + 1)
        if config["invert"]:
            _refuse(layer, "has invert=True, which sknet does not have")
        mean, variance = (np.ravel(_as_numpy(each)) for each in (layer.mean, layer.variance))
        return _fixed_affine(1 / np.maximum(np.sqrt(variance), 1e-7), 0.0, mean, shape)

    def _read_DepthwiseConv1D(self, layer, node, shape):
        return self._depthwise(layer, layers.Conv1D, shape)

    def _read_DepthwiseConv2D(self, layer, node, shape):
        return self._depthwise(layer, layers.Conv2D, shape)

    def _depthwise(self, layer, cls, shape):
        """Return a convolution with a group for each channel."""
        config = layer.get_config()
        names = ("kernel_size", "strides", "padding", "dilation_rate", "use_bias", "trainable")
        params = {name: _plain_value(config[name]) for name in names}
        params["activation"] = self._activation(layer, config["activation"])
        _check_options(layer, config, {*params, "depth_multiplier"}, len(shape) + 1)
        kernel, *bias = (weight.numpy() for weight in layer.weights)
        kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)
        found = cls(kernel.shape[-1], groups=shape[-1], **params)
        return Part(found, {"kernel": kernel} | dict(zip(["bias"], bias, strict=False)))

    def _read_TimeDistributed(self, layer, node, shape):
        inner = layer.layer
        if _is_model(inner):
            self._check_ends(inner)
            parts = self._chain(inner.outputs[0], inner.inputs[0])
        else:
            inside = SimpleNamespace(input_tensors=[SimpleNamespace(shape=(None, *shape[1:]))])
            parts = [(plain_name(inner.name, set()), self._part(inner, inside))]
        distributed = layers.TimeDistributed([(name, part.layer) for name, part in parts])
        return Part(distributed, joined_weights(parts))

    def _read_MultiHeadAttention(self, layer, node, shape):
        # Masks that the inputs do not bring along are refused before, as further inputs.
        known = {f"{name}{end}" for name in HEADS for end in ("", "_mask")} | {"use_causal_mask"}
        given = {k for k, v in node.arguments.kwargs.items() if v is not None} - known
        config = layer.get_config()
        if config["output_shape"] not in (None, shape[-1], (shape[-1],)):
            given.add("output_shape")
        if given:
            _refuse(layer, f"is given {min(given)}, which sknet does not have")
        causal = bool(node.arguments.kwargs.get("use_causal_mask"))
        found = self._plain(layer, shape, {"causal": causal})
        arrays = {"/".join(w.path.split("/")[-2:]): w.numpy() for w in layer.weights}
        kernels = [arrays[f"{part}/kernel"] for part in HEADS]
        weights = {
            "kernel": np.hstack([kernel.reshape(len(kernel), -1) for kernel in kernels]),
            "output_kernel": arrays["attention_output/kernel"].reshape(-1, shape[-1]),
        }
        if config["use_bias"]:
            biases = [arrays[f"{part}/bias"].ravel() for part in HEADS]
            weights |= {"bias": np.concatenate(biases)}
            weights |= {"output_bias": arrays["attention_output/bias"]}
        return Part(found.layer, weights)


def _fixed_affine(scale, offset, mean, shape):
    """Return a frozen layer that computes (x - mean) scale + offset for each channel."""
    layer = layers.BatchNorm(trainable=False)
    weights = {"gamma": scale, "beta": offset, "moving_mean": mean}
    weights["moving_variance"] = 1 - layer.epsilon  # so that nothing is divided by but 1
    weights = {name: np.broadcast_to(value, shape[-1:]) for name, value in weights.items()}
    return Part(layer, weights | settled_counts(layer.momentum))


def _as_numpy(tensor):
    return tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else np.asarray(tensor)


def _operation(tensor):
    return tensor._keras_history.operation


def _node(tensor):
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def _inputs(node):
    """Return the tensors that an operation takes, without the masks that they bring along."""
    masks = [getattr(each, "_keras_mask", None) for each in node.input_tensors]
    return [each for each in node.input_tensors if not _holds(masks, each)]


def _is_model(operation):
    return hasattr(operation, "inputs") and hasattr(operation, "outputs") and operation.layers


def _necks(tensor):
    """Return the tensors through which all ways to a tensor lead, the nearest first."""
    inputs = _inputs(_node(tensor))
    if not inputs:
        return [tensor]
    first, *others = [_necks(each) for each in inputs]
    return [tensor, *(each for each in first if all(_holds(other, each) for other in others))]


def _holds(tensors, tensor):
    return any(each is tensor for each in tensors)


def _plain_value(value):
    value = tuple(value) if isinstance(value, list | tuple) else value
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def _weights_of(layer):
    return {weight.name: weight.numpy() for weight in layer.weights}


def _check_options(layer, config, params, rank):
    """Refuse options that sknet does not have, if they are not at their defaults."""
    defaults = {name: p.default for name, p in signature(type(layer).__init__).parameters.items()}
    if "axis" in config:
        _check_axis(layer, config["axis"], rank)
    dropped = [name for name in config if name.endswith(("_regularizer", "_constraint"))]
    for name in [name for name in dropped if config[name] is not None]:
        warn(
            f"from_keras leaves out {name} of layer {layer.name!r}; it counts in training alone, "
            "where alpha is the penalty on kernels.",
        )
    ignored = _HARMLESS.union(params, dropped)
    for name, value in config.items():
        known = [defaults.get(name), *_ALLOWED.get(name, [])]
        if name not in ignored and not name.endswith("_initializer") and value not in known:
            _refuse(layer, f"has {name}={brief(value)}, which sknet does not have")


def _check_axis(layer, axis, rank):
    axes = axis if isinstance(axis, list | tuple) else [axis]
    if [each % rank for each in axes] != [rank - 1]:
        _refuse(layer, f"has axis={axis}, sknet the last axis")


def _refuse(layer, why):
    raise ValueError(f"from_keras: layer {layer.name!r} ({type(layer).__name__}) {why}.")
