"""What may be wrong with a network: dead and saturated units, gradients, tiny batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...activations import get_activation
from ...estimators.base import BaseNeuralEstimator
from ...inputs import Sequences, in_shape
from ...layers import Activation, BatchNorm
from ...layers.affine import AffineLayer
from ...settings import single_threaded_blas
from ..saliency import quiet_replica
from .finding import Finding

#: Share of a layer's units that are dead, and of its outputs that are saturated.
_DEAD, _SATURATED = 0.5, 0.5
#: How much larger a gradient may be after the last hidden layer than after the first.
_VANISHED, _EXPLODED = 1e3, 1e3
_LEAST_BATCH = 8
#: Rows that are looked at.
_N_ROWS = 500
#: Of activations with two ends: where they lie.
_ENDS = {"Tanh": (-1.0, 1.0), "Logistic": (0.0, 1.0)}


def symptoms_of_network(estimator: BaseNeuralEstimator, x: Any) -> Iterator[Any]:
    """Yield what is wrong with the layers of a fitted network.

    Parameters
    ----------
    estimator : BaseNeuralEstimator
        A fitted estimator.
    x : ndarray of shape (n_samples, n_features), sparse matrix or Sequences
        What its network takes.

    Yields
    ------
    finding : Finding
        One for each thing that is wrong.
    """
    yield from _tiny_batches(estimator, x.shape[0])
    if isinstance(x, np.ndarray | Sequences):
        outputs, gradients = _passes(estimator.network_, x[:_N_ROWS])
        for layer, kind, out in outputs:
            yield from _dead(layer, kind, out)
            yield from _saturated(layer, kind, out)
        yield from _gradients(gradients)


def _tiny_batches(estimator, n_rows):
    size = min(200, n_rows) if estimator.batch_size == "auto" else estimator.batch_size
    has_norm = any(isinstance(part, BatchNorm) for part in estimator.network_.layer.walk())
    if has_norm and size < _LEAST_BATCH and n_rows >= _LEAST_BATCH:
        yield Finding(
            "tiny_batches",
            "Batch normalization learns from batches that are too small.",
            f"batch_size={size}: means and variances of so few rows are mostly noise.",
            "Raise batch_size to 16 or more, or use LayerNorm.",
            float(size),
        )


def _passes(network, x):
    """Run some rows forward and a random gradient backward, and keep what passes the layers."""
    replica, mask = quiet_replica(network), None
    if isinstance(x, Sequences):
        x, mask = x.padded(replica._work)
    outputs, gradients = [], []
    for part in replica.layer.walk():
        kind = _kind(part)
        if kind is not None:
            part.forward = _kept(part.forward, outputs, part._label(), kind)
    for name, layer in replica.layer.sublayers():
        layer.backward = _measured(layer.backward, gradients, name)
    with single_threaded_blas():
        raw = replica.layer.forward(in_shape(x, network.input_shape), True, mask)
        gradient = np.random.default_rng(0).normal(size=raw.shape).astype(raw.dtype)
        replica.layer.backward(gradient, input_grad=False)
    return outputs, gradients


def _kind(layer):
    """Return the class of a layer's activation, if its outputs are what the activation gives."""
    if isinstance(layer, Activation | AffineLayer) and getattr(layer, "activation", None):
        return type(get_activation(layer.activation)).__name__
    return None


def _kept(forward, outputs, label, kind):
    def kept(x, training=False, mask=None):
        out = forward(x, training, mask)
        outputs.append((label, kind, np.array(out)))
        return out

    return kept


def _measured(backward, gradients, name):
    def measured(grad_output, input_grad=True):
        gradients.append((name, float(np.sqrt(np.mean(np.square(grad_output))))))
        return backward(grad_output, input_grad=input_grad)

    return measured


def _dead(layer, kind, out):
    if kind not in ("ReLU", "Relu"):
        return
    units = out.reshape(-1, out.shape[-1])
    share = np.mean(units.max(axis=0) <= 0)
    if share > _DEAD:
        yield Finding(
            "dead_units",
            "Units are dead: they give 0 for every row, and learn no more.",
            f"{share:.0%} of the {units.shape[1]} units of {layer}.",
            "Lower learning_rate_init, use activation='leaky_relu', or put a BatchNorm before it.",
            float(share),
        )


def _saturated(layer, kind, out):
    if kind not in _ENDS:
        return
    low, high = _ENDS[kind]
    reach = 0.01 * (high - low)
    share = np.mean((out < low + reach) | (out > high - reach))
    if share > _SATURATED:
        yield Finding(
            "saturated_units",
            "Units are saturated: their gradients are near 0.",
            f"{share:.0%} of the outputs of {layer} are within 1 % of {low:g} or {high:g}.",
            "Scale the features, lower learning_rate_init, or raise alpha.",
            float(share),
        )


def _gradients(gradients):
    """Compare the gradients of the first and the last hidden layer's outputs."""
    hidden = [(name, size) for name, size in gradients[1:] if size > 0]  # last layer first
    if len(hidden) < 2:
        return
    (last, behind), (first, front) = hidden[0], hidden[-1]
    if behind / front > _VANISHED:
        yield Finding(
            "vanishing_gradients",
            "Gradients vanish on their way to the first layers.",
            f"At layer {first} they are {behind / front:,.0f} times smaller than at {last}.",
            "Use relu and he_normal weights, Residual blocks, normalization, or fewer layers.",
            float(behind / front),
        )
    elif front / behind > _EXPLODED:
        yield Finding(
            "exploding_gradients",
            "Gradients explode on their way to the first layers.",
            f"At layer {first} they are {front / behind:,.0f} times larger than at {last}.",
            "Set clip_norm=1, lower learning_rate_init, or use normalization or fewer layers.",
            float(front / behind),
        )
