"""Layers made of layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from ..activations.base import Activation
from ..base import named_items
from ..typing import Array, Shape
from .base import OF_TRAINING, Layer, build_layer, validate_layer
from .dense import Dense
from .items import LayerItem
from .sequential.packing import moved_steps, other_places


def named_layers(
    items: Any,
    activation: str | Activation = "relu",
    owner: str = "layers",
    branches: bool = False,
) -> list[tuple[str, Layer]]:
    """Turn a list parameter into (name, layer) pairs, also inside composites.

    Parameters
    ----------
    items : list
        Layers, pairs ("name", layer), or ints, which are short for dense layers.
    activation : str or Activation, default="relu"
        Activation of the dense layers that ints stand for, those inside composites included.
    owner : str, default="layers"
        Name of the parameter, for errors.
    branches : bool, default=False
        Whether an item may be a list of layers as well; it becomes a layer that runs them.

    Returns
    -------
    pairs : list of (str, Layer)
        The names are the given ones or the positions.

    Raises
    ------
    TypeError
        If an item is not a layer.
    ValueError
        If a name is taken twice, is a number, or contains two underscores.
    """
    pairs = []
    for position, item in enumerate(items):
        named = isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)
        name, layer = item if named else (str(position), item)
        # Its own position is a name that an earlier call may have given to an unnamed item.
        wrong = not name or name.isdecimal() or "__" in name
        if wrong and name != str(position):
            raise ValueError(
                f"{owner}: {name!r} is not a layer name; use a word that is not a number and "
                "has no two underscores in a row."
            )
        if isinstance(layer, int | np.integer) and not isinstance(layer, bool):
            layer = Dense(int(layer), activation=activation)
        if branches and isinstance(layer, list | tuple):
            layer = LayerList(layer)
        if not isinstance(layer, Layer):
            hint = " Did you forget the parentheses?" if isinstance(layer, type) else ""
            if hasattr(layer, "fit"):
                hint = " Write Pretrained(...) around a fitted estimator to take its layers."
            kinds = "a layer, a list of layers" if branches else "a layer"
            raise TypeError(
                f"{owner}__{name} must be {kinds}, a pair ('name', layer) or an int, "
                f"got {layer!r}.{hint}"
            )
        for parameter in layer._list_parameters:
            inner = getattr(layer, parameter)
            if isinstance(inner, list | tuple):
                listed = isinstance(layer, LayerList)
                path = f"{owner}__{name}" if listed else f"{owner}__{name}__{parameter}"
                inner = named_layers(inner, activation, path, layer._has_branches)
                setattr(layer, parameter, inner)
        pairs.append((name, layer))
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"{owner}: the name {name!r} is used {names.count(name)} times; give each layer "
                "its own."
            )
    return pairs


def nested_items(items: Any, path: str) -> Iterator[Any]:
    """Yield the items of a list parameter and those inside them, as the user has written them.

    Parameters
    ----------
    items : object
        As for `named_layers`; anything but a list has no items.
    path : str
        Name of the parameter.

    Yields
    ------
    path : str
        Where the user finds the item, such as ``"layers__0"``.
    item : object
        A layer, an int, or whatever else stands there.
    """
    for name, item in named_items(items):
        where = f"{path}__{name}"
        if isinstance(item, list | tuple):  # a branch
            yield from nested_items(item, where)
            continue
        yield where, item
        if not isinstance(item, Layer):
            continue
        for parameter in item._list_parameters:
            yield from nested_items(getattr(item, parameter), f"{where}__{parameter}")
        for pair in item.get_params(deep=False).items():
            if isinstance(pair[1], Layer):
                yield from nested_items([pair], where)


def takes_sparse(items: Sequence[Any]) -> bool:
    """Tell whether the first of some layers takes a sparse matrix.

    Parameters
    ----------
    items : list
        As for `named_layers`; anything else is False, as is an empty list.

    Returns
    -------
    takes : bool
        Whether a sparse X can be passed.
    """
    if not isinstance(items, list | tuple) or not items:
        return False
    first = items[0]
    if isinstance(first, tuple) and len(first) == 2:
        first = first[1]
    return isinstance(first, int | np.integer) or (
        isinstance(first, Layer) and bool(first.accepts_sparse)
    )


class Composite(Layer):
    """Base class of layers that run a list of layers, one after the other.

    Parameters
    ----------
    layers : list
        Layers, pairs ("name", layer), or ints: n is short for a dense layer of n units
        with the estimator's activation.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights inside, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights inside.
    """

    _list_parameters = ("layers",)
    _parameter_constraints = {"layers": [list, tuple], **OF_TRAINING}

    def __init__(
        self,
        layers: Sequence[LayerItem],
        *,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.layers = layers
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    @property
    def accepts_sparse(self) -> bool:
        """Whether the first layer takes a sparse matrix."""
        return takes_sparse(self._items())

    def adapt(self, x: Array) -> Array | None:
        """Let the first layer adapt, and those after it as long as they see the same values."""
        for layer in self._validated_items():
            x = layer.adapt(x)
            if x is None:
                return

    def resolve_names(self, names: Any) -> Array | None:
        """Let the layers resolve names as long as their inputs have them."""
        for layer in self._validated_items():
            names = layer.resolve_names(names)
            if names is None:
                return None
        return names

    def _validated_items(self):
        """Yield the layers that are not built yet; they know where they stand, for errors."""
        # Wrong parameters are for `build` to refuse.
        items = self._items()
        items = items if isinstance(items, list | tuple) else []
        for name, layer in self._named_layers(items):
            validate_layer(layer, f"{self._owner()}__{name}")
            yield layer

    def _named_layers(self, items):
        return named_layers(items, owner=self._owner(), branches=self._has_branches)

    def _items(self):
        """Return the list of layers that are run, not built yet."""
        return getattr(self, self._list_parameters[0])

    def _owner(self):
        """Return where the user finds the list of layers, for errors."""
        return "__".join(filter(None, [getattr(self, "_path", ""), self._list_parameters[0]]))

    def build(self, input_shape: Shape) -> Shape:
        """Build the layers one after the other."""
        return self._build_children(input_shape, self._owner())

    def _build_children(self, input_shape, owner):
        self._children = named_layers(self._items(), owner=owner)
        for name, layer in self._children:
            layer._inside_frozen = self.is_frozen
            input_shape = build_layer(layer, f"{owner}__{name}" if owner else name, input_shape)
        self._set_children(self._children)
        return input_shape

    def _set_children(self, children):
        """Take built layers to run."""
        self._children = children
        moved = [
            any(part._weights and not part.is_frozen for part in layer.walk())
            for _, layer in children
        ]
        self._first_moved = moved.index(True) if any(moved) else len(moved)

    def sublayers(self) -> list[tuple[str, Layer]]:
        """Return the built layers as (name, layer) pairs."""
        return self._children

    def replicate(self) -> Self:
        """Return a copy whose layers share the weights and have no scratch memory."""
        copy = super().replicate()
        copy._children = [(name, layer.replicate()) for name, layer in self._children]
        return copy

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare the layers to run."""
        super().allocate(batch_size, dtype, rng)
        for _, layer in self._children:
            layer.allocate(batch_size, dtype, rng)

    def _forward_children(self, x, training, mask, children):
        for _, layer in children:
            out = layer.forward(x, training, mask)
            mask = layer.compute_mask(x, mask)
            x = out
        self._mask = mask
        return x

    def _advance_children(self, x, memory, mask):
        for name, layer in self._children:
            out = layer.advance(x, memory.setdefault(name, {}), mask)
            mask = layer.compute_mask(x, mask)
            x = out
        self._mask = mask
        return x

    def _backward_children(self, grad, input_grad):
        # Without a gradient of the input, what stands before the first weight that training moves
        # has nothing to do.
        first = 0 if input_grad else self._first_moved
        for position in range(len(self._children) - 1, first - 1, -1):
            grad = self._children[position][1].backward(grad, input_grad or position > first)
        return grad

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return the mask that the last forward pass ended with."""
        return self._mask


class Sequential(Composite):
    """Run layers one after the other, as one layer.

    Parameters
    ----------
    layers : list
        Layers, pairs ("name", layer), or ints: n is short for a dense layer of n units
        with the estimator's activation.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights inside, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights inside.

    Examples
    --------
    >>> from sknet.layers import Dense, Dropout, Sequential
    >>> block = Sequential([("hidden", Dense(64, activation="relu")), Dropout(0.1)])
    >>> block.set_params(layers__hidden__units=32).get_params()["layers__hidden__units"]
    32
    """

    @classmethod
    def _of(cls, children):
        """Return a layer that runs built ones; it has no parameters."""
        layer = object.__new__(cls)
        layer._weights = []
        layer._set_children(children)
        return layer

    @property
    def calls_blas(self) -> bool:
        """Whether a layer inside calls BLAS."""
        return any(layer.calls_blas for _, layer in self._children)

    @property
    def is_causal(self) -> bool:
        """Whether all layers inside are causal."""
        return all(layer.is_causal for _, layer in self._children)

    def _check_causal(self):
        for _, layer in self._children:
            layer._check_causal()

    def advance(self, x: Array, memory: dict[str, Any], mask: Array | None = None) -> Array:
        """Run the layers on the next steps."""
        return self._advance_children(x, memory, mask)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Run the layers forward."""
        return self._forward_children(x, training, mask, self._children)

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Run the layers backward."""
        return self._backward_children(grad_output, input_grad)


class LayerList(Sequential):
    """A list of layers among the items of a list parameter; errors call it as the user does."""

    def _owner(self):
        return getattr(self, "_path", "")


class Residual(Sequential):
    """Add the input to what the layers make of it: x + f(x).

    The layers must keep the shape of a sample.

    Parameters
    ----------
    layers : list
        Layers, pairs ("name", layer), or ints: n is short for a dense layer of n units
        with the estimator's activation.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights inside, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights inside.

    References
    ----------
    He et al. (2016), Deep residual learning for image recognition, :arxiv:`1512.03385`.

    Examples
    --------
    >>> from sknet.layers import Dense, LayerNorm, Residual
    >>> block = Residual([LayerNorm(), Dense(64, activation="gelu"), Dense(64)])
    """

    accepts_sparse = False

    def build(self, input_shape: Shape) -> Shape:
        """Build the layers and check that they keep the shape."""
        output_shape = super().build(input_shape)
        if output_shape != input_shape:
            self._refuse(
                f"layers that keep the shape {input_shape} of its input",
                f"an output of shape {output_shape}",
                "Give its last layer that size, or put a layer of this size before it.",
            )
        return output_shape

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Compute x + f(x)."""
        inner = self._forward_children(x, training, mask, self._children)
        if inner.shape != x.shape:  # where the number of steps is free, build cannot tell
            self._refuse_length(x, inner)
        return np.add(x, self._in_place(inner, mask), out=self._work("out", x.shape))

    def _refuse_length(self, x, inner):
        self._refuse(
            f"layers that keep the {x.shape[1]} steps of its input",
            f"an output of {inner.shape[1]} steps",
            "Set padding='same' in layers with windows, and no strides or pool_size without it, "
            "or leave out sequences shorter than a window.",
        )

    def _in_place(self, inner, mask):
        """Put outputs to the steps of x if layers have left real steps elsewhere."""
        places = other_places(mask, self._mask)
        self._moves = None if places is None else (mask, places)
        if places is None:
            return inner
        self._mask = moved_steps(self._mask, places, mask, np.empty_like(mask))
        return moved_steps(inner, places, mask, self._work("in_place", inner.shape))

    def advance(self, x: Array, memory: dict[str, Any], mask: Array | None = None) -> Array:
        """Compute x + f(x) for the next steps."""
        inner = self._advance_children(x, memory, mask)
        return np.add(x, inner, out=self._work("out", x.shape))

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Add the gradient through the layers to the gradient past them."""
        inner = grad_output
        if self._moves is not None:
            inner = moved_steps(inner, *self._moves, self._work("in_order", inner.shape))
        if not input_grad:
            return self._backward_children(inner, False)
        grad = self._work("grad_x", grad_output.shape)
        np.copyto(grad, grad_output)
        grad += self._backward_children(inner, True)
        return grad
