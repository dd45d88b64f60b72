"""Options of layers, as Keras and sknet have them."""

from __future__ import annotations

from inspect import signature
from typing import Any, NoReturn

from ...base import brief
from ...layers.affine import AffineLayer
from ...regularization import KERNEL_CONSTRAINTS, L1L2, MaxNorm, NonNegative, UnitNorm
from ...warning import warn

#: Options that change nothing in what a fitted layer computes, or are looked at elsewhere.
_HARMLESS = {
    "activity_regularizer",
    "axis",
    "batch_shape",
    "dtype",
    "name",
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
#: What Keras calls the options of kernels; of depthwise convolutions it names them otherwise.
_OF_KERNELS = ("kernel_regularizer", "kernel_constraint")


def check_options(layer: Any, config: dict[str, Any], params: Any) -> None:
    """Refuse options that sknet does not have, if they are not at their defaults.

    Parameters
    ----------
    layer : keras.layers.Layer
        The layer.
    config : dict
        All its options.
    params : dict or set
        Names of those that are carried over.
    """
    defaults = {name: p.default for name, p in signature(type(layer).__init__).parameters.items()}
    dropped = [name for name in config if name.endswith(("_regularizer", "_constraint"))]
    carried = {prefixed(layer, name) for name in _OF_KERNELS if name in params}
    for name in dropped:
        if config[name] is not None and name not in carried:
            warn(
                f"from_keras leaves out {name} of layer {layer.name!r}; it counts in training "
                "alone, where alpha is the penalty on kernels.",
            )
    ignored = _HARMLESS.union(params, dropped)
    for name, value in config.items():
        known = [defaults.get(name), *_ALLOWED.get(name, [])]
        if name not in ignored and not name.endswith("_initializer") and value not in known:
            refuse(layer, f"has {name}={brief(value)}, which sknet does not have")


def last_axes(layer: Any, axis: Any, rank: int) -> int | tuple[int, ...]:
    """Return the last axes, counted from the end, or refuse others.

    Parameters
    ----------
    layer : keras.layers.Layer
        The layer.
    axis : int or list of int
        The axes that it names, the samples' being 0.
    rank : int
        Number of axes of its input.
    """
    axes = [each % rank - rank for each in (axis if isinstance(axis, list | tuple) else [axis])]
    if not axes or axes != list(range(-len(axes), 0)):
        refuse(layer, f"has axis={axis}, sknet the last axes in this order")
    return -1 if axes == [-1] else tuple(axes)


def check_axis(layer: Any, axis: Any, rank: int) -> None:
    """Refuse axes other than the last one.

    Parameters
    ----------
    layer : keras.layers.Layer
        The layer.
    axis : int or list of int
        The axes that it names, the samples' being 0.
    rank : int
        Number of axes of its input.
    """
    axes = axis if isinstance(axis, list | tuple) else [axis]
    if [each % rank for each in axes] != [rank - 1]:
        refuse(layer, f"has axis={axis}, sknet the last axis")


def prefixed(layer: Any, name: str) -> str:
    """Return what Keras calls an option of kernels in a layer.

    Parameters
    ----------
    layer : Layer of either
        The layer.
    name : str
        ``"kernel_regularizer"`` or ``"kernel_constraint"``.
    """
    is_depthwise = type(layer).__name__.startswith("Depthwise")
    return name.replace("kernel", "depthwise") if is_depthwise else name


def kernel_options(layer: Any, cls: type) -> dict[str, Any]:
    """Return the penalty and the constraint of a kernel that sknet has, too.

    Parameters
    ----------
    layer : keras.layers.Layer
        A built layer of one kernel.
    cls : type
        That of sknet.
    """
    if not issubclass(cls, AffineLayer):
        return {}
    found, kernel = {}, layer.weights[0]
    penalty = getattr(layer, prefixed(layer, _OF_KERNELS[0]), None)
    if type(penalty).__name__ in ("L1", "L2", "L1L2"):
        l1, l2 = (float(getattr(penalty, name, 0.0)) for name in ("l1", "l2"))
        found["kernel_regularizer"] = L1L2(l1, l2)
    constraint = getattr(layer, prefixed(layer, _OF_KERNELS[1]), None)
    made = _constraint(constraint, _inner_axes(cls, len(kernel.shape)))
    if made is not None:
        found["kernel_constraint"] = made
    return found


def _inner_axes(cls, rank):
    """Return the axes of a kernel of a layer of sknet that do not count its units."""
    return [each for each in range(rank) if each != cls._units_axis % rank]


def _constraint(constraint, inner_axes):
    """Return a constraint on the vector of each unit, None where sknet has none."""
    kind = type(constraint).__name__
    if kind == "NonNeg":
        return NonNegative()
    axis = getattr(constraint, "axis", None)
    axes = [axis] if isinstance(axis, int) else list(axis or [])
    if [each % (len(inner_axes) + 1) for each in axes] != inner_axes:
        return None
    if kind == "MaxNorm":
        return MaxNorm(float(constraint.max_value))
    return UnitNorm() if kind == "UnitNorm" else None


def keras_regularizer(keras: Any, regularizer: Any) -> Any:
    """Return a penalty of sknet as Keras has it, None where it does not.

    Parameters
    ----------
    keras : module
        The package.
    regularizer : Regularizer or None
        The penalty.
    """
    if type(regularizer) is not L1L2:
        return None
    return keras.regularizers.L1L2(float(regularizer.l1), float(regularizer.l2))


def keras_constraint(keras: Any, constraint: Any, layer: Any) -> Any:
    """Return a constraint of sknet as Keras has it, None where it does not.

    Parameters
    ----------
    keras : module
        The package.
    constraint : KernelConstraint, str or None
        The constraint.
    layer : Layer
        The layer of sknet, built.
    """
    if isinstance(constraint, str):
        constraint = KERNEL_CONSTRAINTS[constraint]()
    axes, found = _inner_axes(type(layer), layer.kernel_.ndim), keras.constraints
    if type(constraint) is MaxNorm:
        return found.MaxNorm(float(constraint.max_norm), axis=axes)
    if type(constraint) is UnitNorm:
        return found.UnitNorm(axis=axes)
    return found.NonNeg() if type(constraint) is NonNegative else None


def refuse(layer: Any, why: str) -> NoReturn:
    """Name a layer of Keras in an error.

    Parameters
    ----------
    layer : keras.layers.Layer
        The layer.
    why : str
        End of the sentence.
    """
    raise ValueError(f"from_keras: layer {layer.name!r} ({type(layer).__name__}) {why}.")
