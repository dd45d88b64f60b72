"""The axes of a sample over which layers normalize, and the one that holds the features."""

from __future__ import annotations

from numbers import Integral

from sklearn.utils._param_validation import Interval

from ..typing import Shape
from .base import Layer

#: Constraint of the parameter that names one. An interval takes no booleans, the class would.
AXIS = [Interval(Integral, None, None, closed="neither")]
#: Constraint of the parameter that names them.
AXES = [*AXIS, tuple, list]


def last_axes(layer: Layer, input_shape: Shape | None) -> Shape:
    """Return the lengths of the axes that a layer names in `axis`, by default the last one.

    Parameters
    ----------
    layer : Layer
        The layer, for its parameter and for errors.
    input_shape : tuple of int or None
        Shape of one sample.

    Returns
    -------
    shape : tuple of int
        Lengths of the axes.

    Raises
    ------
    ValueError
        If they are not the last ones, or of no known length.
    """
    axis = getattr(layer, "axis", -1)
    axes = [axis] if isinstance(axis, Integral) else list(axis)
    is_named = not any(isinstance(each, bool) for each in axes)
    axes = sorted(_from_the_end(each, input_shape) for each in axes)
    n_axes = len(axes)
    if not is_named or axes != list(range(-n_axes, 0)) or n_axes == 0:
        raise ValueError(
            f"Layer {layer._label()}: axis must be -1 or a tuple of the last axes, such as "
            f"(-2, -1), got {axis!r}. Put a Permute before it to move others there."
        )
    shape = tuple(input_shape[-n_axes:])
    if len(shape) < n_axes or None in shape:
        which = "last axis has a known length" if n_axes == 1 else "last axes have known lengths"
        layer._refuse(f"inputs whose {which}", input_shape, "Check input_shape.")
    return shape


def feature_axis(layer: Layer, input_shape: Shape | None) -> int:
    """Return the axis that holds the features, which a layer names in `axis`.

    Parameters
    ----------
    layer : Layer
        The layer, for its parameter and for errors.
    input_shape : tuple of int or None
        Shape of one sample.

    Returns
    -------
    axis : int
        Counted from the end, below 0.

    Raises
    ------
    ValueError
        If there is no such axis, or it has no known length.
    """
    n_axes, axis = len(input_shape), _from_the_end(layer.axis, input_shape)
    if not -n_axes <= axis <= -1:
        raise ValueError(
            f"Layer {layer._label()}: axis must be from 1 to {n_axes} or from {-n_axes} to -1 for "
            f"samples of shape {tuple(input_shape)}, as axis 0 holds the samples, got "
            f"{layer.axis!r}."
        )
    if input_shape[axis] is None:
        which = "last axis" if axis == -1 else f"axis {layer.axis}"
        layer._refuse(
            f"inputs whose {which} has a known length", input_shape, "Check input_shape."
        )
    return axis


def _from_the_end(axis, input_shape):
    """Return an axis counted from the end, also one that counts the samples as axis 0."""
    return axis - len(input_shape) - 1 if isinstance(axis, Integral) and axis >= 0 else axis
