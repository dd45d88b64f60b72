"""Layers that work along the axes between the batch and the channels."""

from .base import Layer
from .windows import per_axis


def is_channels_first(shape):
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
            self._refuse(
                f"inputs of shape ({', '.join(self._axes)}, {self._last_axis})",
                f"{input_shape}",
                "Put a Reshape before it or pass input_shape.",
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
