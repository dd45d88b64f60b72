"""The last axes of a sample, over which layers normalize."""

from __future__ import annotations

from numbers import Integral

from ..typing import Shape
from .base import Layer

#: Constraint of the parameter that names them.
AXES = [Integral, tuple, list]


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
    axes = [axis] if isinstance(axis, Integral) else sorted(axis)
    n_axes = len(axes)
    if axes != list(range(-n_axes, 0)) or n_axes == 0:
        raise ValueError(
            f"Layer {layer._label()}: axis must be -1 or a tuple of the last axes, such as "
            f"(-2, -1), got {axis!r}. Put a Permute before it to move others there."
        )
    shape = tuple(input_shape[-n_axes:])
    if len(shape) < n_axes or None in shape:
        which = "last axis has a known length" if n_axes == 1 else "last axes have known lengths"
        layer._refuse(f"inputs whose {which}", input_shape, "Check input_shape.")
    return shape
