"""Weights of layers from those of modules of PyTorch, by their names in the state dict."""

from __future__ import annotations

import numpy as np

from ... import layers
from ...layers.base import Layer
from ...layers.sequential.recurrent import RecurrentLayer
from ...typing import Array
from ..foreign import Part, joined_weights, settled_counts

#: Blocks of the gates of PyTorch in the order of sknet; LSTM has the same in both.
_GATES = {layers.GRU: (1, 0, 2)}
_NORMS = (layers.LayerNorm, layers.GroupNorm, layers.RMSNorm)
#: Number of values that a module counts and no weight.
COUNTER = "num_batches_tracked"


def weights_of(layer: Layer, arrays: dict[str, Array], width: int) -> dict[str, Array]:
    """Return the weights of a layer by name.

    Parameters
    ----------
    layer : Layer
        Not built.
    arrays : dict of str to ndarray
        Those of the module, without its name; those that are used are taken out.
    width : int
        Length of the last axis of the layer's input.

    Returns
    -------
    weights : dict of str to ndarray
        By the names of sknet.

    Raises
    ------
    KeyError
        If an array is missing.
    """
    if isinstance(layer, RecurrentLayer):
        return _recurrent(layer, arrays)
    if isinstance(layer, layers.Bidirectional):
        return _bidirectional(layer, arrays)
    if isinstance(layer, layers.MultiHeadAttention):
        return _attention(layer, arrays, width)
    if isinstance(layer, layers.TransformerBlock):
        return _transformer_block(layer, arrays, width)
    if isinstance(layer, layers.Embedding):
        return {"embeddings": arrays.pop("weight")}
    if isinstance(layer, layers.PositionalEmbedding):
        vectors = arrays.pop("weight")
        return {"embeddings": vectors.reshape(-1, vectors.shape[-1])}
    if isinstance(layer, layers.BatchNorm):
        return _norm(layer, arrays, width) | {
            "moving_mean": arrays.pop("running_mean"),
            "moving_variance": arrays.pop("running_var"),
            **settled_counts(layer.momentum),
        }
    if isinstance(layer, layers.PReLU):  # PyTorch may have one slope for all
        return {"slope": np.broadcast_to(arrays.pop("weight"), (width,))}
    if isinstance(layer, _NORMS):
        return _norm(layer, arrays, width)
    return _affine(layer, arrays)


def _affine(layer, arrays):
    """Return kernel (*window, in, out), or (*window, out, in) if transposed, and bias."""
    kernel = arrays.pop("weight")
    weights = {"kernel": kernel.transpose(*range(2, kernel.ndim), 1, 0)}
    if layer.use_bias:
        n_outputs = getattr(layer, "units", None) or layer.filters
        weights["bias"] = arrays.pop("bias", np.zeros(n_outputs))
    return weights


def _norm(layer, arrays, width):
    weights = {}
    if layer.scale:
        weights["gamma"] = arrays.pop("weight", np.ones(width))
    if layer.center:
        shape = weights["gamma"].shape if layer.scale else width
        weights["beta"] = arrays.pop("bias", np.zeros(shape))
    return weights


def _recurrent(layer, arrays, end=""):
    order = _GATES.get(type(layer))

    def taken(name):
        array = arrays.pop(f"{name}{end}")
        if order is not None:
            blocks = np.split(array, len(order))
            array = np.concatenate([blocks[i] for i in order])
        return array.T

    weights = {"kernel": taken("weight_ih"), "recurrent_kernel": taken("weight_hh")}
    if layer.use_bias and f"bias_ih{end}" in arrays:
        biases = taken("bias_ih"), taken("bias_hh")
        weights["bias"] = np.stack(biases) if isinstance(layer, layers.GRU) else sum(biases)
    elif layer.use_bias:
        shape = (2, weights["kernel"].shape[1])
        weights["bias"] = np.zeros(shape if isinstance(layer, layers.GRU) else shape[1])
    return weights


def _bidirectional(layer, arrays):
    directions = {"forward": "", "backward": "_reverse"}
    parts = [(n, Part(None, _recurrent(layer.layer, arrays, e))) for n, e in directions.items()]
    return joined_weights(parts)


def _attention(layer, arrays, width):
    weights = {
        "kernel": arrays.pop("in_proj_weight").T,
        "output_kernel": arrays.pop("out_proj.weight").T,
    }
    if layer.use_bias:
        weights["bias"] = arrays.pop("in_proj_bias", np.zeros(3 * width))
        weights["output_bias"] = arrays.pop("out_proj.bias", np.zeros(width))
    return weights


def _transformer_block(layer, arrays, width):
    """Return the weights of a block that normalizes first."""
    inside = {
        "attention_norm": (layers.LayerNorm(), "norm1"),
        "attention": (layers.MultiHeadAttention(layer.num_heads), "self_attn"),
        "feedforward_norm": (layers.LayerNorm(), "norm2"),
        "intermediate": (layers.Dense(layer.intermediate_dim or 4 * width), "linear1"),
        "output": (layers.Dense(width), "linear2"),
    }
    parts = []
    for name, (part, prefix) in inside.items():
        of_part = group(arrays, f"{prefix}.")
        parts.append((name, Part(part, weights_of(part, of_part, width))))
    return joined_weights(parts)


def group(arrays: dict[str, Array], prefix: str) -> dict[str, Array]:
    """Take the arrays out of a dict whose names begin with a prefix, and leave the prefix away.

    Parameters
    ----------
    arrays : dict of str to ndarray
        By name.
    prefix : str
        Beginning of the names.
    """
    names = [name for name in arrays if name.startswith(prefix)]
    return {name.removeprefix(prefix): arrays.pop(name) for name in names}
