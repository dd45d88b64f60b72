"""The weights of a network by the names of its layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .base import brief
from .settings import isolated
from .storage import read_arrays, write_arrays
from .typing import Array


class NamedWeights:
    """Adds to a network its weights by name, and files of them.

    The name of a weight is that of its layer, as ``network[...]`` takes it, a dot, and the name
    of the layer's attribute without the underscore at its end: ``"0.kernel"``,
    ``"block__attention.query_kernel"``.
    """

    def named_weights(self) -> Iterator[Any]:
        """Yield the weights and buffers of all layers, outermost first.

        Yields
        ------
        name : str
            Name of the weight.
        array : ndarray
            View of its values.
        """
        parts = named_parts(self.layer)
        for (path, part), arrays in zip(parts, self.views(self.params), strict=True):
            for weight, array in zip(part._weights, arrays, strict=True):
                yield weight_name(path, weight.name), array

    def get_weights(self) -> dict[str, Array]:
        """Return copies of all weights and buffers, such as moving averages, by name.

        Returns
        -------
        weights : dict of str to ndarray
            In the order of the layers. ``"0.kernel"`` is ``network[0].kernel_``;
            ``"block__attention.query_kernel"`` is that of ``network["block__attention"]``.
        """
        return {name: array.copy() for name, array in self.named_weights()}

    @isolated
    def set_weights(self, weights: Mapping[str, ArrayLike]) -> None:
        """Replace the values of all weights and buffers.

        Parameters
        ----------
        weights : dict of str to array-like
            Exactly the names that `get_weights` returns, with arrays of the same shapes. To set a
            few, pass ``{**network.get_weights(), **few}``.

        Raises
        ------
        TypeError or ValueError
            If names, shapes or values do not fit; the network then keeps its weights.
        """
        self.params[:] = self._vector_of(weights)

    def save_weights(self, path: str | PathLike[str]) -> None:
        """Write all weights and buffers to a file.

        Parameters
        ----------
        path : str or path-like
            Ends in .npz or .safetensors, which needs the package safetensors. A file of this name
            is replaced when all is written.

        Raises
        ------
        ValueError
            If the name has another end.
        """
        write_arrays(path, dict(self.named_weights()))

    def load_weights(self, path: str | PathLike[str]) -> None:
        """Replace the values of all weights and buffers by those of a file.

        Parameters
        ----------
        path : str or path-like
            File that `save_weights` has written, or another one with the same names. It is read
            without pickle: nothing in it is run.

        Raises
        ------
        ValueError
            If the file does not fit; the network then keeps its weights.
        """
        self.set_weights(read_arrays(path))

    def _vector_of(self, weights):
        """Return all weights, given by name, laid out as `params`."""
        if not isinstance(weights, Mapping):
            raise TypeError(
                f"Weights are given as a dict from names to arrays, got {brief(weights)}."
            )
        owner = type(self).__name__
        names = [name for name, _ in self.named_weights()]
        missing = [name for name in names if name not in weights]
        unknown = [name for name in weights if name not in names]
        if missing or unknown:
            self._refuse_names(missing, unknown, names)
        vector = np.empty_like(self.params)
        parts = named_parts(self.layer)
        for (path, part), arrays in zip(parts, self.views(vector), strict=True):
            for weight, array in zip(part._weights, arrays, strict=True):
                name = weight_name(path, weight.name)
                array[...] = checked_values(weights[name], name, array, owner)
        return vector

    def _refuse_names(self, missing, unknown, names):
        found = []
        if missing:
            found.append(f"there is no {_listed(missing)}")
        if unknown:
            found.append(f"there is {_listed(unknown)}, which it does not have")
            close = get_close_matches(str(unknown[0]), missing or names, n=1)
            found[-1] += f" (did you mean {close[0]!r}?)" if close else ""
        raise ValueError(
            f"{type(self).__name__} expects weights by the names that get_weights returns; "
            f"{' and '.join(found)}."
        )

    def rebuilt(self, layer: Any) -> Any:
        """Return a network of the same weights whose layers are trained in another way.

        Parameters
        ----------
        layer : Layer
            The outermost layer, not built, as that of this network but for what says how it is
            trained: `trainable` and factors of the learning rate.

        Returns
        -------
        network : Network
            It shares nothing with this one.
        """
        other = object.__new__(type(self))
        other.layer, other.path = layer, self.path
        other.input_shape, other.dtype = self.input_shape, self.dtype
        other._build()
        shapes = [[array.shape for array in arrays] for arrays in other.views(other.params)]
        if shapes != [[array.shape for array in arrays] for arrays in self.views(self.params)]:
            raise ValueError(
                "Training cannot be resumed: an estimator in a Pretrained layer has other layers "
                "than when this one was fitted. Fit this one anew."
            )
        other.params[:] = other.laid_out(self.params, self)
        return other

    def laid_out(self, vector: Array, network: Any) -> Array:
        """Return a vector that is laid out as the weights of another network as those of this one.

        Parameters
        ----------
        vector : ndarray of shape (n_params,)
            One number a weight of the other network.
        network : Network
            A network of the same layers.

        Returns
        -------
        vector : ndarray of shape (n_params,)
            A copy in the order of this network's `params`.
        """
        ordered = np.empty_like(self.params)
        for targets, sources in zip(self.views(ordered), network.views(vector), strict=True):
            for target, source in zip(targets, sources, strict=True):
                target[...] = source
        return ordered


def named_parts(layer: Any, path: str = "") -> Iterator[Any]:
    """Yield a built layer and all layers inside it with their names, outermost first.

    Parameters
    ----------
    layer : Layer
        The outermost layer.
    path : str, default=""
        Its name.

    Yields
    ------
    name : str
        Names of the layers around it and its own, with two underscores in between.
    layer : Layer
        The layer.
    """
    yield path, layer
    for name, part in layer.sublayers():
        yield from named_parts(part, f"{path}__{name}" if path else name)


def weight_name(path: str, name: str) -> str:
    """Return the name of a weight of a layer.

    Parameters
    ----------
    path : str
        Name of the layer; empty for the outermost one.
    name : str
        Name of the weight in its layer.

    Returns
    -------
    name : str
        Both, with a dot in between.
    """
    return f"{path}.{name}" if path else name


def checked_values(values: ArrayLike, name: str, target: Array, owner: str) -> Array:
    """Return values for a weight, or say what about them does not fit.

    Parameters
    ----------
    values : array-like
        What the user passes.
    name : str
        Name of the weight.
    target : ndarray
        An array of the shape and type that are expected.
    owner : str
        Who expects them, for errors.

    Returns
    -------
    values : ndarray
        Finite numbers of the type of `target`.

    Raises
    ------
    ValueError
        If they are no finite numbers or have another shape.
    """
    expected = f"{owner} expects {name!r} as an array of shape {target.shape}"
    try:
        values = np.asarray(values)
    except ValueError:
        raise ValueError(f"{expected}, got lists of unequal length.") from None
    if values.shape != target.shape:
        raise ValueError(f"{expected}, got one of shape {values.shape}.")
    if values.dtype.kind not in "fiu":
        raise ValueError(f"{expected} with numbers, got one of type {values.dtype}.")
    if not np.isfinite(values).all():
        raise ValueError(f"{expected} with finite numbers, got NaN or infinity in it.")
    with np.errstate(over="ignore"):
        cast = values.astype(target.dtype)
    if not np.isfinite(cast).all():
        raise ValueError(f"{expected}, got numbers in it that overflow {target.dtype}.")
    return cast


def _listed(names):
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(repr(name) for name in names[:3]) + more
