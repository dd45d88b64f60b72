"""Layers of sknet that compute what single layers of Keras compute."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import clone

from ... import layers
from ...activations import ELU, GELU, LeakyReLU
from ..foreign import Part, joined_weights, settled_counts
from .options import check_axis, check_options, kernel_options, last_axes, refuse
from .table import ACTIVATIONS, HEADS, LAYERS


def heeds_masks(layer: Any) -> bool:
    """Tell whether a layer of Keras treats masked steps as sknet does.

    Parameters
    ----------
    layer : keras.layers.Layer
        The layer.
    """
    ignores = type(layer).__name__ in ("GroupNormalization", "Softmax")
    return getattr(layer, "supports_masking", False) and not ignores


#: Options whose values have other types in sknet.
_SPECIAL = ("axis", "kernel_regularizer", "kernel_constraint")
#: The least norm that `UnitNormalization` divides by.
LEAST_NORM = 1e-12


class PartReader:
    """Reads one layer after the other."""

    #: The operation at the end of the model.
    _last: Any = None

    def _part(self, layer, node):
        """Return a layer as sknet has it, with its weights; None where it does nothing."""
        kind = type(layer).__name__
        if not type(layer).__module__.startswith("keras."):
            refuse(layer, "is none of Keras's own layers, so sknet cannot know what it computes")
        shape = node.input_tensors[0].shape[1:]
        is_masked = getattr(node.input_tensors[0], "_keras_mask", None) is not None
        if is_masked and not heeds_masks(layer):
            refuse(layer, "ignores in Keras which steps are real, and not in sknet")
        special = getattr(self, f"_read_{kind}", None)
        if special is not None:
            return special(layer, node, shape)
        if kind not in LAYERS:
            refuse(layer, "is a layer that sknet does not have")
        return self._plain(layer, shape)

    def _plain(self, layer, shape, given=None):
        """Return the layer of sknet with the same parameters and weights."""
        config, cls = layer.get_config() | (given or {}), LAYERS[type(layer).__name__]
        names = [
            name
            for name in cls._get_param_names()
            if name in config and not name.endswith(("_initializer", *_SPECIAL))
        ]
        params = {name: _plain_value(config[name]) for name in names}
        if "activation" in params:
            params["activation"] = self._activation(layer, config["activation"])
        rank = len(shape) + 1
        if issubclass(cls, layers.BatchNorm | layers.GroupNorm):
            params["axis"] = int(np.ravel(config["axis"])[0]) % rank - rank
        elif "axis" in config and "axis" in cls._get_param_names():
            params["axis"] = last_axes(layer, config["axis"], rank)
        elif "axis" in config:
            check_axis(layer, config["axis"], rank)
        params |= kernel_options(layer, cls)
        check_options(layer, config, params)
        part = Part(cls(**params), _weights_of(layer))
        self._complete(part)
        return part

    def _complete(self, part):
        """Name weights as sknet does, and add what it counts."""
        if isinstance(part.layer, layers.RMSNorm):
            part.weights["gamma"] = part.weights.pop("scale")
        if isinstance(part.layer, layers.BatchNorm):
            part.weights |= settled_counts(part.layer.momentum)

    def _activation(self, layer, name):
        """Return the activation of sknet for what a layer's configuration says."""
        if isinstance(name, dict):
            name = name["config"] if isinstance(name["config"], str) else name["class_name"]
        if name not in ACTIVATIONS:
            refuse(layer, f"has the activation {name!r}, which sknet does not have")
        found = ACTIVATIONS[name]
        if found == "exp" and layer is not self._last:
            refuse(layer, f"has the activation {name!r}, which sknet has at the end only")
        return clone(found, safe=False)

    def _read_Activation(self, layer, node, shape):
        return Part(layers.Activation(self._activation(layer, layer.get_config()["activation"])))

    def _read_Softmax(self, layer, node, shape):
        check_axis(layer, layer.axis, len(shape) + 1)
        return Part(layers.Activation(self._activation(layer, "softmax")))

    def _read_ReLU(self, layer, node, shape):
        config = layer.get_config()
        slope, largest = float(config["negative_slope"]), config["max_value"]
        if config["threshold"] or largest not in (None, 6) or (largest == 6 and slope):
            refuse(layer, "has a max_value or a threshold that sknet does not have")
        name = "relu" if largest is None else "relu6"
        return Part(layers.Activation(LeakyReLU(slope) if slope else name))

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
            refuse(layer, f"has merge_mode={config['merge_mode']!r}, sknet 'concat' and 'sum'")
        first, second = (
            self._plain(each, shape) for each in (layer.forward_layer, layer.backward_layer)
        )
        mirrored = clone(first.layer).set_params(go_backwards=not first.layer.go_backwards)
        if repr(mirrored) != repr(second.layer):
            refuse(layer, "has a backward layer that is not like the forward layer")
        weights = joined_weights([("forward", first), ("backward", second)])
        return Part(layers.Bidirectional(first.layer, config["merge_mode"]), weights)

    def _read_Rescaling(self, layer, node, shape):
        scale, offset = layer.scale, layer.offset
        if isinstance(scale, Real) and isinstance(offset, Real):
            return Part(layers.Rescaling(float(scale), float(offset)))
        return _fixed_affine(scale, offset, 0.0, shape)

    def _read_Normalization(self, layer, node, shape):
        config = layer.get_config()
        check_axis(layer, config["axis"], len(shape) + 1)
        if config["invert"]:
            refuse(layer, "has invert=True, which sknet does not have")
        mean, variance = (np.ravel(_as_numpy(each)) for each in (layer.mean, layer.variance))
        return _fixed_affine(1 / np.maximum(np.sqrt(variance), 1e-7), 0.0, mean, shape)

    def _read_DepthwiseConv1D(self, layer, node, shape):
        return self._depthwise(layer, shape)

    def _read_DepthwiseConv2D(self, layer, node, shape):
        return self._depthwise(layer, shape)

    def _depthwise(self, layer, shape):
        part = self._plain(layer, shape)
        part.weights["kernel"] = _of_channels(part.weights["kernel"])
        return part

    def _read_SeparableConv1D(self, layer, node, shape):
        return self._separable(layer, shape)

    def _read_SeparableConv2D(self, layer, node, shape):
        return self._separable(layer, shape)

    def _separable(self, layer, shape):
        part = self._plain(layer, shape)
        weights = part.weights
        part.weights = {
            "depthwise.kernel": _of_channels(weights["depthwise_kernel"]),
            "pointwise.kernel": weights["pointwise_kernel"],
        }
        if "bias" in weights:
            part.weights["pointwise.bias"] = weights["bias"]
        return part

    def _read_PReLU(self, layer, node, shape):
        check_options(layer, layer.get_config(), {"shared_axes"})
        slopes = _as_numpy(layer.alpha.numpy())
        if slopes.size != slopes.shape[-1]:
            refuse(
                layer,
                "has slopes of its own at each place, sknet one for each feature. Name all other "
                "axes in shared_axes",
            )
        found = layers.PReLU(trainable=layer.trainable)
        return Part(found, {"slope": np.broadcast_to(slopes.ravel(), shape[-1:])})

    def _read_UnitNormalization(self, layer, node, shape):
        axis = last_axes(layer, layer.get_config()["axis"], len(shape) + 1)
        return Part(layers.UnitNorm(epsilon=LEAST_NORM**2, axis=axis))

    def _read_Resizing(self, layer, node, shape):
        if layer.interpolation != "bilinear":
            refuse(layer, f"has interpolation={layer.interpolation!r}, sknet 'bilinear'")
        return self._plain(layer, shape)

    def _read_RandomRotation(self, layer, node, shape):
        return self._displaced(layer, shape, ("factor",))

    def _read_RandomTranslation(self, layer, node, shape):
        return self._displaced(layer, shape, ("height_factor", "width_factor"), fractional=True)

    def _read_RandomZoom(self, layer, node, shape):
        return self._displaced(layer, shape, ("height_factor", "width_factor"))

    def _displaced(self, layer, shape, names, **given):
        """Return a layer that displaces images by up to a factor to either side."""
        config = layer.get_config()
        if config["fill_mode"] == "wrap":
            refuse(layer, "has fill_mode='wrap', which sknet does not have")
        factors = {name: _largest(layer, name, config[name]) for name in names}
        return self._plain(layer, shape, factors | given)

    def _read_MultiHeadAttention(self, layer, node, shape):
        # Masks that the inputs do not bring along are refused before, as further inputs.
        known = {f"{name}{end}" for name in HEADS for end in ("", "_mask")}
        known |= {"use_causal_mask", "attention_mask"}
        given = {k for k, v in node.arguments.kwargs.items() if v is not None} - known
        config = layer.get_config()
        if config["output_shape"] not in (None, shape[-1], (shape[-1],)):
            given.add("output_shape")
        if given:
            refuse(layer, f"is given {min(given)}, which sknet does not have")
        causal = bool(node.arguments.kwargs.get("use_causal_mask"))
        mask = self._attention_mask(layer, node, causal)
        found = self._plain(layer, shape, {"causal": causal, "attention_mask": mask})
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

    def _attention_mask(self, layer, node, causal):
        """Return the constant mask that attention is given, (steps, steps), or None."""
        mask = node.arguments.kwargs.get("attention_mask")
        if mask is None:
            return None
        if hasattr(mask, "_keras_history"):
            refuse(layer, "is given attention_mask for each sample, sknet has one for all")
        if getattr(node.input_tensors[0], "_keras_mask", None) is not None:
            refuse(layer, "counts padded steps in its attention_mask, and sknet does not")
        mask = _as_numpy(mask).astype(bool)
        mask = mask.reshape(mask.shape[-2:]) if mask.size == np.prod(mask.shape[-2:]) else mask
        sees = np.tril(mask) if causal and mask.ndim == 2 else mask
        if not sees.any(axis=-1).all():
            refuse(layer, "lets a step look at nothing; its mean is zero in sknet, not in Keras")
        return mask


def _fixed_affine(scale, offset, mean, shape):
    """Return a frozen layer that computes (x - mean) scale + offset for each channel."""
    layer = layers.BatchNorm(trainable=False)
    weights = {"gamma": scale, "beta": offset, "moving_mean": mean}
    weights["moving_variance"] = 1 - layer.epsilon  # so that nothing is divided by but 1
    weights = {name: np.broadcast_to(value, shape[-1:]) for name, value in weights.items()}
    return Part(layer, weights | settled_counts(layer.momentum))


def _as_numpy(tensor):
    return tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else np.asarray(tensor)


def _of_channels(kernel):
    """Return the kernel of a depthwise convolution with its filters on the last axis."""
    return kernel.reshape(*kernel.shape[:-2], 1, -1)


def _largest(layer, name, factor):
    """Return the largest displacement to either side, of a number or a pair."""
    if not isinstance(factor, list | tuple):
        return factor
    low, high = factor
    if low != -high:
        refuse(layer, f"has {name}={tuple(factor)}, sknet as much to both sides")
    return high


def _plain_value(value):
    value = tuple(value) if isinstance(value, list | tuple) else value
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def _weights_of(layer):
    return {weight.name: weight.numpy() for weight in layer.weights}
