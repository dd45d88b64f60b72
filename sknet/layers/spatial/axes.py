"""Layers that work along the axes between the batch and the channels."""

from __future__ import annotations

from typing import Any

from ...typing import Array, Shape
from ..base import Layer
from ..sequential.packing import moved_steps, real_first
from .windows import per_axis


def is_channels_first(shape: Shape | None) -> bool:
    """Tell whether a shape looks like that of a sample whose channels come first.

    Parameters
    ----------
    shape : tuple of int or None
        Shape of one sample.

    Returns
    -------
    is_channels_first : bool
        Whether the first axis is that of one to four channels, and shorter than all others.
    """
    return None not in shape and len(shape) > 1 and shape[0] < 5 and min(shape[1:]) > shape[0]


#: What else to do where one axis is found in place of two.
AFTER_RECURRENT = " After a recurrent layer, set its return_sequences=True."


class LayerOverAxes(Layer):
    """Base class of layers that take sequences, images or videos, by the axes they name."""

    #: Names of the axes between the batch and the channels; the first may be of any length.
    _axes = ()
    #: What the last axis holds.
    _last_axis = "channels"

    def _refuse(self, expected, got, advice):
        if is_channels_first(getattr(self, "input_shape_", ())):
            advice += (
                " Channels come last here: if they come first in X, put it through "
                "sknet.preprocessing.from_channels_first."
            )
        super()._refuse(expected, got, advice)

    def _check_axes(self, input_shape):
        """Refuse inputs that do not have these axes and a last one of known length."""
        if len(input_shape) != len(self._axes) + 1 or None in input_shape[1:]:
            advice = "Put a Reshape before it or pass input_shape."
            if len(input_shape) == 1 and self._axes == ("steps",):
                advice += AFTER_RECURRENT
            if input_shape == (None,):
                advice = "Put an Embedding before it for codes, or pass other numbers as floats."
            self._refuse(
                f"inputs of shape ({', '.join(self._axes)}, {self._last_axis})",
                f"{input_shape}",
                advice,
            )

    def _per_axis(self, parameter, value=None):
        """Return one int an axis for a parameter, or for a value to use in its place."""
        value = getattr(self, parameter) if value is None else value
        try:
            return per_axis(value, len(self._axes), parameter)
        except ValueError as error:
            raise ValueError(f"Layer {self._label()}: {error}") from None


class LayerOverSteps(LayerOverAxes):
    """Base class of layers that take sequences of vectors, (T, F)."""

    _axes = ("steps",)
    _last_axis = "features"


class OrderedLayer(LayerOverAxes):
    """Base class of layers to which the position or the neighbours of a step matter.

    A subclass computes in `_forward`, `_backward`, `_output_mask` and, if it is causal,
    `_advance`, and needs to know only masks whose real steps come first. A batch with such a
    mask, or none, is handed on as it is. In any other, the real steps are moved to the
    beginning. If there is an output for every step, the outputs are moved back to the places of
    the steps; if not, they stay at the beginning.
    """

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Compute the outputs of the real steps, one after the other."""
        first = real_first(mask)
        if training:
            self._masks = mask, first
        return self._in_order(x, mask, first, lambda x, mask: self._forward(x, training, mask))

    def advance(self, x: Array, memory: dict[str, Any], mask: Array | None = None) -> Array:
        """Compute the outputs of the next real steps, one after the other."""
        self._check_causal()
        first = real_first(mask)
        return self._in_order(x, mask, first, lambda x, mask: self._advance(x, memory, mask))

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradients of the weights; return that of x."""
        mask, first = self._masks
        if first is mask:
            return self._backward(grad_output, input_grad)
        if _has_steps_of(mask, grad_output):
            grad_output = self._moved("ordered_grad", grad_output, mask, first)
        grad = self._backward(grad_output, input_grad)
        return self._moved("placed_grad", grad, first, mask) if input_grad else None

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return which steps of the output a sequence without its padding would have."""
        first = real_first(mask)
        found = self._output_mask(x, first)
        return found if first is mask or found.shape != mask.shape else mask

    def _output_mask(self, x, mask):
        return mask

    def _in_order(self, x, mask, first, run):
        """Return what a function makes of the steps with the real ones first."""
        if first is mask:
            return run(x, mask)
        out = run(self._moved("ordered_x", x, mask, first), first)
        return self._moved("placed_out", out, first, mask) if _has_steps_of(mask, out) else out

    def _moved(self, name, x, places, new_places):
        return moved_steps(x, places, new_places, self._work(name, x.shape, x.dtype))


def _has_steps_of(mask, out):
    """Tell whether outputs have a step for each step of a mask."""
    return out.ndim > 2 and out.shape[1] == mask.shape[1]
