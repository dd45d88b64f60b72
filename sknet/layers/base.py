"""The contract of a layer.

Axis letters, used in every docstring of the package: N batch, T steps, F features in, U units,
H W height and width, C channels, K outputs. The channel or feature axis is the last one, and
shapes passed to ``build`` leave out the batch; T may be None there, any number of steps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from math import prod
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import Interval

from ..base import Component, Workspace
from ..custom import OF_LAYERS, check_calls
from ..functions import with_picklable_functions
from ..initializers import get_initializer
from ..initializers.base import Initializer
from ..schedules.base import Progress
from ..typing import Array, Shape
from .weight import Weight

#: Constraint of what multiplies the learning rate of a weight; 0 is said by ``trainable=False``.
RATE_FACTOR: list[Any] = [Interval(Real, 0, None, closed="neither")]
#: Constraints of the parameters that say how the weights of a layer are trained.
OF_TRAINING: dict[str, Any] = {"learning_rate_factor": RATE_FACTOR, "trainable": ["boolean"]}


class Layer(Component, ABC):
    """Base class of all layers: a parameter object that also runs.

    A subclass stores its parameters in ``__init__``, declares its arrays in `build` with
    `add_weight`, and computes in `forward` and `backward`. The network calls, in this order,
    `build`, once; `bind`, which gives the arrays their memory; `allocate`, on the copy that
    trains or predicts; then `forward` and `backward` for every batch.

    Five rules keep layers fast and composable:

    1. `forward` never writes to its input; `backward` may overwrite `grad_output`.
    2. Gradients of weights are assigned, never accumulated.
    3. A returned array may be scratch memory, valid until the next call of the same method.
    4. Scratch comes from ``self._work(name, shape)``, which allocates once.
    5. What a layer needs in `backward` it keeps only when ``training`` is true.

    Examples
    --------
    >>> from sknet.layers import Layer
    >>> class PassOn(Layer):
    ...     def build(self, input_shape): return input_shape
    ...     def forward(self, x, training=False, mask=None): return x
    ...     def backward(self, grad_output, input_grad=True): return grad_output
    >>> PassOn().build((3,))
    (3,)
    """

    input_shape_: Shape
    output_shape_: Shape

    #: Whether `forward` takes a SciPy sparse matrix.
    accepts_sparse = False
    #: A frozen layer (``trainable=False``) keeps its weights; see the subclasses' parameter.
    trainable = True
    #: Multiplies the learning rate of the layer's weights and of those in the layers inside it.
    learning_rate_factor: float = 1.0
    #: Penalty on the layer's kernels, and what they are brought back to after each step; see the
    #: parameters of layers that have them.
    kernel_regularizer = None
    kernel_constraint = None
    #: The axis of the units in the layer's kernels, whose vectors constraints are about.
    _units_axis = -1
    _inside_frozen = False
    #: Whether an item of the layer's list parameter may be a list of layers.
    _has_branches = False
    # `build_layer` validates a layer, and knows the path for the message.
    _validated_by_holder = False
    #: Whether the layer adds something of its own to the loss, as a penalty on what it returns:
    #: its forward pass then leaves in `added_loss` the mean over the rows, each times its weight
    #: in `row_weights` if that is not None, and its backward pass adds the gradient of that.
    adds_loss = False
    added_loss: float = 0.0
    row_weights = None
    #: Whether predictions for a few rows call BLAS, whose number of threads then matters.
    calls_blas = True
    #: Whether what training makes of a row depends on the other rows of the batch, so that the
    #: batch cannot be divided.
    mixes_rows = False
    #: Whether the built layer gives an output for every step of a sequence, and one that depends
    #: on no later step, in training as well. Such a layer can `advance`.
    is_causal = False

    _had_weights = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_calls(cls, OF_LAYERS)

    @property
    def has_been_built(self) -> bool:
        """Whether the layer, or the one that it was copied from, has had weights of its own."""
        built = "_built" in vars(self) and any(part._weights for part in self.walk())
        return built or self._had_weights

    @property
    def is_frozen(self) -> bool:
        """Whether the layer, or one that it stands in, keeps its weights while training."""
        return self._inside_frozen or not self.trainable

    def adapt(self, x: Array) -> Array | None:
        """Set parameters that were left open to what the inputs ask for, or refuse the inputs.

        Called where the layer sees the inputs as they are given: with those of training before
        `build`, and before each later training with its inputs and those of its validation set.

        Parameters
        ----------
        x : ndarray of shape (n_samples, *input_shape)
            All inputs; those of unequal length as one long sequence.

        Returns
        -------
        x : ndarray or None
            What the layer after it can adapt to, where that is the same values in another
            shape; None in all other layers.
        """

    def resolve_names(self, names: Array) -> Array | None:
        """Replace names of input columns in the parameters by their positions.

        Called before `adapt` where the inputs are the columns of a table, with the same layers.

        Parameters
        ----------
        names : ndarray of str
            Names of the input columns.

        Returns
        -------
        names : ndarray of str or None
            Names of the outputs, if those are the same columns; None in most layers.
        """

    @abstractmethod
    def build(self, input_shape: Shape) -> Shape:
        """Declare the weights for inputs of a shape.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of one sample. The first axis of sequences may be None, any number of steps.

        Returns
        -------
        output_shape : tuple of int
            Shape of one output.

        Raises
        ------
        ValueError
            If the layer does not take inputs of this shape.
        """

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare to run: scratch memory for a batch and the source of noise.

        Parameters
        ----------
        batch_size : int
            Largest number of samples of one call.
        dtype : dtype
            Precision: float32 or float64.
        rng : numpy.random.Generator
            Source of the layer's random numbers.
        """
        self._work = Workspace(batch_size, dtype)
        self._rng = rng

    @abstractmethod
    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Compute the outputs of a batch.

        Parameters
        ----------
        x : ndarray of shape (N, *input_shape)
            Inputs; left as they are.
        training : bool, default=False
            Whether `backward` will follow and noise is wanted.
        mask : ndarray of shape (N, T) of bool, default=None
            True where a step of a sequence is real; None when all are.

        Returns
        -------
        out : ndarray of shape (N, *output_shape)
            Outputs, valid until the next call.
        """

    @abstractmethod
    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradients of the weights and return that of the input.

        Parameters
        ----------
        grad_output : ndarray of shape (N, *output_shape)
            Gradient of the loss with respect to the last training output; may be overwritten.
        input_grad : bool, default=True
            Whether the gradient of the input is wanted.

        Returns
        -------
        grad_input : ndarray of shape (N, *input_shape) or None
            Gradient of the loss with respect to the input.
        """

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return the mask of the layer's output; by default that of its input.

        Parameters
        ----------
        x : ndarray of shape (N, *input_shape)
            Inputs of the last call of `forward`.
        mask : ndarray of shape (N, T) of bool or None
            Mask of the inputs.

        Returns
        -------
        mask : ndarray of shape (N, T) of bool or None
            Mask of the outputs; None when all steps are real or there are none.
        """
        return mask

    def advance(self, x: Array, memory: dict[str, Any], mask: Array | None = None) -> Array:
        """Compute the outputs of the next steps of sequences that are read in pieces.

        They are what `forward`, when not training, gives for these steps of the whole sequences.
        A layer whose steps do not see each other has nothing to remember and inherits this
        method, which calls `forward`.

        Parameters
        ----------
        x : ndarray of shape (N, k, ...)
            The next steps of N sequences, at least one.
        memory : dict
            What the layer keeps of the steps before; empty at the beginning. It belongs to the
            caller, who passes the same one for the same sequences.
        mask : ndarray of shape (N, k) of bool, default=None
            True where a step is real; None when all are.

        Returns
        -------
        out : ndarray of shape (N, k, ...)
            Outputs, valid until the next call.

        Raises
        ------
        ValueError
            If the layer is not causal.
        """
        self._check_causal()
        return self.forward(x, mask=mask)

    def _check_causal(self):
        if not self.is_causal:
            raise ValueError(
                f"Layer {self._label()} cannot read sequences a few steps at a time: that takes "
                "an output for every step, and one that depends on no later step."
            )

    #: Whether the layer finds out by itself which steps are padding, as `Masking` does.
    marks_steps = False

    #: Whether the layer has a schedule and is told by `follow` where training stands.
    is_scheduled = False

    def follow(self, progress: Progress) -> None:
        """Take note of where training stands; called before each step where `is_scheduled`.

        What it changes has to be shared by the replicas of the layer, see `replicate`.

        Parameters
        ----------
        progress : Progress
            Where training stands at the start of the step.
        """

    @property
    def is_stochastic(self) -> bool:
        """Whether the training output is random."""
        return any(layer.is_stochastic for _, layer in self.sublayers())

    def sublayers(self) -> list[tuple[str, Layer]]:
        """Return the built layers inside this one.

        Returns
        -------
        pairs : list of (str, Layer)
            Names and layers, in the order in which they run.
        """
        return []

    def scratch_sizes(self, n_steps: int) -> Iterator[Any]:
        """Yield how many elements a sample takes in the large arrays of a prediction.

        The fewer rows are predicted at a time, the more there are. By default an array is counted
        for the outputs of the layer, and those of each layer inside it.

        Parameters
        ----------
        n_steps : int
            Number of steps where it is free.

        Yields
        ------
        size : int
            Elements of one array.
        """
        yield prod(n_steps if n is None else n for n in self.output_shape_)
        for _, part in self.sublayers():
            yield from part.scratch_sizes(n_steps)

    def add_weight(
        self,
        name: str,
        shape: Shape,
        initializer: str | Initializer = "glorot_uniform",
        *,
        rate_factor: float | None = None,
        decay: float | bool = False,
        fan: tuple[int, int] | None = None,
    ) -> None:
        """Declare an array: after `bind`, ``<name>_`` holds it and ``<name>_grad_`` its gradient.

        Parameters
        ----------
        name : str
            Name of the attribute, without the trailing underscore.
        shape : tuple of int
            Shape of the array.
        initializer : str or Initializer, default="glorot_uniform"
            How it starts.
        rate_factor : float, default=None
            Multiplies the learning rate, None by the layer's `learning_rate_factor`; 0 makes the
            array a buffer that the optimizer leaves alone, such as a moving average.
        decay : float, default=False
            Multiplies the L2 penalty and weight decay; with False neither applies.
        fan : tuple of (int, int), default=None
            Numbers of inputs and outputs for the initializer; from the shape by default.
        """
        initializer = get_initializer(initializer)
        if initializer.needs_data and not self._initializes_from_data(name, initializer):
            self._refuse(
                f"an initializer for {name} that needs no training rows",
                f"{initializer!r}",
                f"It sets the {initializer.needs_data} of dense layers and convolutions.",
            )
        if rate_factor is None:
            rate_factor = self.learning_rate_factor
        fan_in, fan_out = fan or (prod(map(int, shape[:-1])), shape[-1] if shape else 1)
        self._weights.append(
            Weight(
                name,
                tuple(shape),
                initializer,
                float(rate_factor),
                decay,
                fan_in,
                fan_out,
            )
        )

    def _initializes_from_data(self, name, initializer):
        return hasattr(self, "initialize_from") and name == initializer.needs_data

    def bind(self, arrays: Sequence[Array], suffix: str = "_") -> None:
        """Take the memory of the declared arrays.

        Parameters
        ----------
        arrays : list of ndarray
            One array a declared weight, in the order of declaration.
        suffix : str, default="_"
            "_" for values, "_grad_" for gradients.
        """
        for weight, array in zip(self._weights, arrays, strict=True):
            setattr(self, weight.name + suffix, array)

    def replicate(self) -> Layer:
        """Return a copy that shares the weights and has no scratch memory.

        Returns
        -------
        copy : Layer
            A built layer that still has to be given scratch memory by `allocate`.
        """
        copy = object.__new__(type(self))
        kept = self._built | {weight.name + "_" for weight in self._weights}
        copy.__dict__.update((k, v) for k, v in self.__dict__.items() if k in kept)
        return copy

    def walk(self) -> Iterator[Any]:
        """Yield this layer and all layers inside it, outermost first.

        Yields
        ------
        layer : Layer
            This layer, then those inside it.
        """
        yield self
        for _, layer in self.sublayers():
            yield from layer.walk()

    def _refuse(self, expected, got, advice):
        raise ValueError(f"Layer {self._label()} expects {expected}, got {got}. {advice}")

    def _label(self):
        path = getattr(self, "_path", None)
        name = type(self).__name__
        return f"'{path}' ({name})" if path else name

    def __getstate__(self) -> dict[str, Any]:
        # A layer is pickled as it was before it was built: the network keeps weights, once, as
        # one vector.
        given = getattr(self, "_given", vars(self))
        state = {name: value for name, value in vars(self).items() if name in given}
        state = with_picklable_functions(state, self)
        return state | {"_had_weights": True} if self.has_been_built else state

    def __sklearn_clone__(self) -> Self:
        copy = super().__sklearn_clone__()
        if self.has_been_built:
            copy._had_weights = True
        return copy


def validate_layer(layer: Layer, path: str) -> None:
    """Validate the parameters of a layer under the name that errors and summaries show.

    Parameters
    ----------
    layer : Layer
        The layer.
    path : str
        Where the user finds it, such as ``"layers__0"``.

    Raises
    ------
    InvalidParameterError
        If a parameter is wrong.
    """
    layer._path = path
    try:
        layer._validate_params()
    except ValueError as error:
        raise type(error)(f"Layer {layer._label()}: {error}") from None


def build_layer(layer: Layer, path: str, input_shape: Shape) -> Shape:
    """Validate and build one layer under the name that errors and summaries show.

    Parameters
    ----------
    layer : Layer
        The layer; built in place.
    path : str
        Where the user finds it, such as ``"layers__0"``.
    input_shape : tuple of int
        Shape of one sample.

    Returns
    -------
    output_shape : tuple of int
        Shape of one output.
    """
    if not hasattr(layer, "_given"):
        layer._given = frozenset(vars(layer)) - {"_path", "_inside_frozen"}
    validate_layer(layer, path)
    layer._weights = []
    for name in layer._given:
        value = getattr(layer, name)
        if isinstance(value, np.generic):  # ints of Python do not overflow where sizes are summed
            setattr(layer, name, value.item())
    layer.input_shape_ = tuple(input_shape)
    layer.output_shape_ = tuple(layer.build(layer.input_shape_))
    # What there is now makes a replica; what running adds is scratch.
    layer._built = frozenset(vars(layer)) | {"_built"}
    return layer.output_shape_
