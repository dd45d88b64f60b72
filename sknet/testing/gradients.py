"""What the gradients of layers have to agree with."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..layers import Layer, Sequential
from ..network import Network
from ..typing import Array, Shape

#: Step of the central differences, for values of size one in float64.
_STEP = 1e-5
#: Number of random directions along which gradients are compared.
_N_DIRECTIONS = 3


def trained(replica: Network) -> list[tuple[Any, ...]]:
    """List the weights that training changes, with their gradients.

    Layers need not compute the gradients of frozen weights.

    Parameters
    ----------
    replica : Network
        A network with gradients.

    Returns
    -------
    found : list of tuple
        Name, values and gradient of each.
    """
    changed = replica.params[: replica.n_trainable]
    found = []
    for part in replica.layer.walk():
        for weight in part._weights:
            values = getattr(part, weight.name + "_")
            if np.may_share_memory(values, changed):
                found.append((weight.name, values, getattr(part, weight.name + "_grad_")))
    return found


def check_gradients(case: Any, input_grad: bool) -> None:
    """Check the gradients of the input and of all weights against central differences.

    Parameters
    ----------
    case : object
        The layer in a network, as `check_layer` makes it, with its masks if it takes any.
    input_grad : bool
        Whether the layer has a gradient of its input.
    """
    network = _probed(case) if input_grad else case.network
    _compare_all(case, network)
    if any(part.adds_loss for part in network.layer.walk()):
        case.row_weights = np.arange(len(case.x)) / 2 + 0.5
        _compare_all(case, network)
        case.row_weights = None


def _compare_all(case, network):
    masks = [None] if case.mask is None else [None, case.mask]
    if network.layer.is_stochastic:  # of others `check_steps` compares the gradients
        masks += case.elsewhere
    for mask in masks:
        _, replica = case.train(network, mask=mask)
        for name, values, gradient in trained(replica):
            name = "the input" if name == "offset" else name
            _compare(case, network, mask, name, values, gradient.copy())


def _probed(case):
    """Return a network of a probe and the layer, with the weights of the layer's network."""
    network = case.build(Sequential([("probe", _Probe(len(case.x))), ("layer", case.copy())]))
    target = dict(network.layer.sublayers())["layer"]
    for part, source in zip(target.walk(), case.network.layer.walk(), strict=True):
        for weight in part._weights:
            getattr(part, weight.name + "_")[...] = getattr(source, weight.name + "_")
    return network


def _compare(case, network, mask, name, values, gradient):
    """Compare a gradient with the slopes of the objective to the left and to the right."""
    if _agrees_along_directions(case, network, mask, values, gradient):
        return
    centre = case.objective(network, mask)
    left, right = np.empty_like(gradient), np.empty_like(gradient)
    for index in np.ndindex(values.shape):
        value = values[index]
        for slopes, step in ((left, -_STEP), (right, _STEP)):
            values[index] = value + step
            slopes[index] = (case.objective(network, mask) - centre) / step
        values[index] = value
    central = (left + right) / 2
    # Smooth functions differ by the step times their curvature, kinks by much more.
    kink = np.abs(right - left) > 1e-3 * (1 + np.max(np.abs(central), initial=0.0))
    within = np.clip(gradient, np.minimum(left, right), np.maximum(left, right))
    expected = np.where(kink, within, central)
    case.require_close(
        gradient, expected, f"the gradient of {name} has to agree with central differences", 1e-6
    )


def _agrees_along_directions(case, network, mask, values, gradient):
    """Tell whether a gradient agrees with central differences of all elements at once.

    If not, there is a kink, or an element is wrong: then each one has to be looked at. No element
    of a direction is small and no two have the same size, so that an error of any element shows
    and errors do not cancel.
    """
    rng, kept = case.noise(4), values.copy()
    bound = 1e-6 * (np.max(np.abs(gradient), initial=0.0) + 1e-3)
    for _ in range(_N_DIRECTIONS):
        direction = rng.uniform(0.5, 1.0, values.shape) * rng.choice([-1.0, 1.0], values.shape)
        direction /= np.sqrt(max(1, values.size))
        ends = []
        for step in (-_STEP, _STEP):
            values[...] = kept + step * direction
            ends.append(case.objective(network, mask))
        values[...] = kept
        slope = (ends[1] - ends[0]) / (2 * _STEP)
        if not abs(slope - np.vdot(gradient, direction)) <= bound / np.sqrt(max(1, values.size)):
            return False
    return True


class _Probe(Layer):
    """Add an array of its own to x, so that the gradient of x is that of a weight."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size

    def build(self, input_shape: Shape) -> Shape:
        self.add_weight("offset", (self.batch_size, *input_shape), "zeros")
        return input_shape

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        return np.add(x, self.offset_, out=self._work("out", x.shape))

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        self.offset_grad_[:] = grad_output
