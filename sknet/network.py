"""A network: built layers whose weights are views of one flat vector."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from math import prod
from numbers import Integral
from typing import Any

import numpy as np
import sklearn
from numpy.typing import DTypeLike

from .base import Workspace, stamp, unstamp, written
from .inputs import Sequences, as_inputs, in_shape
from .layers.base import Layer, build_layer
from .named_weights import NamedWeights
from .optimizers import Group
from .outline import table_of
from .settings import isolated, single_threaded_blas
from .stepping import Stepper
from .typing import Array, Samples, Shape

#: Elements of the widest activation of one chunk of rows in predict: 1 MB in float32 stays in
#: a core's cache, and larger chunks were not faster on (100000, 100) to (256, 128) units.
_CHUNK_ELEMENTS = 2**18
#: Multiply-adds below which BLAS starts no threads, and those below which some layers call none.
_SMALL_WORK, _SMALL_OWN_WORK = 2**13, 2**18
#: Bytes of scratch memory that may wait for the next prediction.
_IDLE_BYTES = 2**25


class Network(NamedWeights):
    """Built layers over a flat vector of parameters.

    The weights of all layers are views of `params`, ordered so that those with the same rate
    factor and decay lie together: a parameter group is a slice. Buffers (moving averages) and
    frozen weights come last, after the `n_trainable` elements that training changes. The
    network itself holds no scratch memory: to run, take a `replica`.

    Parameters
    ----------
    layer : Layer
        The outermost layer, usually a `Sequential`; built and owned by the network.
    input_shape : tuple of int
        Shape of one sample; None on the first axis is any number of steps.
    dtype : dtype, default=numpy.float64
        Precision: float32 or float64.
    random_state : int, numpy.random.SeedSequence or None, default=None
        Seed of the initial weights.
    path : str, default=""
        Where the user finds `layer`, for errors.

    Attributes
    ----------
    params : ndarray of shape (n_params,)
        All weights and buffers.
    groups : list of Group
        Slices of `params` with one rate factor and one decay each.
    n_trainable : int
        Length of the part of `params` that training changes.
    output_steps : dict
        Numbers of steps of outputs by those of inputs, as far as somebody has found them out.
    """

    output_steps: dict[str, Any]
    groups: list[Any]

    def __init__(
        self,
        layer: Layer,
        input_shape: Shape,
        dtype: DTypeLike = np.float64,
        random_state: int | np.random.SeedSequence | None = None,
        path: str = "",
    ) -> None:
        self.layer = layer
        self.path = path
        self.input_shape: Shape = tuple(None if n is None else int(n) for n in input_shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._build()
        rng = np.random.default_rng(random_state)
        for part, arrays in zip(self.layer.walk(), self.views(self.params), strict=True):
            for weight, array in zip(part._weights, arrays, strict=True):
                weight.initializer(rng, weight.shape, weight.fan_in, weight.fan_out, array)

    def _build(self, stored=None):
        self.output_shape: Shape = build_layer(self.layer, self.path, self.input_shape)
        self._place_weights()
        self.params: Array = self._zeros() if stored is None else self._checked_vector(stored[0])
        self._bind(self.params)
        self._idle, self._scratch, self.output_steps = [], {}, {}
        self._calls_blas = self.layer.calls_blas

    def _zeros(self):
        """Return memory for all weights, or say which layer wants too much of it."""
        try:
            return np.zeros(self._offsets_end, self.dtype)
        except (MemoryError, ValueError, OverflowError):
            largest = max(self.layer.walk(), key=lambda part: sum(w.size for w in part._weights))
            n = sum(weight.size for weight in largest._weights)
            megabytes = written(-(-n * self.dtype.itemsize // 10**6))
            raise ValueError(
                f"Layer {largest._label()} needs {written(n)} weights, {megabytes} MB of memory, "
                "more than there is. Choose fewer units."
            ) from None

    def _place_weights(self):
        """Give every declared weight its slice, groups in a row."""
        declared = []
        for part_index, (part, outer) in enumerate(_with_factors(self.layer)):
            for index, weight in enumerate(part._weights):
                factor = outer * weight.rate_factor
                key = -factor, -float(weight.decay)
                declared.append((key, part_index, index, weight))
        declared.sort(key=lambda item: item[0])
        self._slices, self.groups, start = {}, [], 0
        for (negative_factor, negative_decay), members in groupby(declared, lambda item: item[0]):
            begin = start
            shapes = []
            for _, part_index, index, weight in members:
                self._slices[part_index, index] = slice(start, start + weight.size)
                shapes.append(weight.shape)
                start += weight.size
            where = slice(begin, start)
            self.groups.append(Group(where, -negative_factor, -negative_decay, tuple(shapes)))
        self._offsets_end = start
        trainable = [group.where.stop for group in self.groups if group.rate_factor > 0]
        self.n_trainable: int = max(trainable, default=0)

    def views(self, vector: Array) -> Iterator[Any]:
        """Yield for every layer, outermost first, its arrays in a flat vector.

        Parameters
        ----------
        vector : ndarray of shape (n_params,)
            Laid out as `params`.

        Yields
        ------
        arrays : list of ndarray
            One view a declared weight.
        """
        for part_index, part in enumerate(self.layer.walk()):
            yield [
                vector[self._slices[part_index, index]].reshape(weight.shape)
                for index, weight in enumerate(part._weights)
            ]

    def _bind(self, vector, suffix="_"):
        for part, arrays in zip(self.layer.walk(), self.views(vector), strict=True):
            part.bind(arrays, suffix)

    @property
    def n_params(self) -> int:
        """Number of weights, buffers included."""
        return len(self.params)

    def replica(
        self, batch_size: int, rng: np.random.Generator | None = None, grads: Array | None = None
    ) -> Network:
        """Return a network that shares the weights and has its own scratch memory.

        Parameters
        ----------
        batch_size : int
            Largest number of samples of one call.
        rng : numpy.random.Generator, default=None
            Source of noise; only needed for training.
        grads : ndarray of shape (n_params,), default=None
            Where `backward` puts the gradients; only needed for training.

        Returns
        -------
        replica : Network
            Ready for `forward`, and for `backward` if `grads` is given.
        """
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._idle = []
        copy.layer = self.layer.replicate()
        if grads is not None:
            copy._bind(grads, "_grad_")
        copy.layer.allocate(batch_size, self.dtype, rng)
        copy._work = Workspace(batch_size, self.dtype)
        return copy

    def snapshot(self) -> Network:
        """Return an independent network with the present weights.

        Returns
        -------
        network : Network
            A copy; training either leaves the other as it is.
        """
        copy = self.replica(0)
        copy.params = self.params.copy()
        copy._bind(copy.params)
        return copy

    def forward(self, x: Any, training: bool = False, mask: Array | None = None) -> Array:
        """Compute the raw outputs of a batch, valid until the next call.

        Parameters
        ----------
        x : {ndarray, sparse matrix} of shape (N, n_features) or Sequences
            A batch; rows are reshaped to `input_shape`, sequences padded.
        training : bool, default=False
            Whether `backward` will follow and noise is wanted.
        mask : ndarray of shape (N, T) of bool, default=None
            True where a step of a sequence is real; `Sequences` have their own.

        Returns
        -------
        raw : ndarray of shape (N, *output_shape)
            Raw outputs.
        """
        if isinstance(x, Sequences):
            x, mask = x.padded(self._work)
        elif len(self.input_shape) > 1:
            x = in_shape(x, self.input_shape)
        return self.layer.forward(x, training, mask)

    @property
    def is_causal(self) -> bool:
        """Whether each step of an output depends on no later step of the input."""
        return self.layer.is_causal

    def stepper(self, batch_size: int) -> Stepper:
        """Return what reads sequences a few steps at a time.

        Parameters
        ----------
        batch_size : int
            Number of sequences that are read side by side.

        Returns
        -------
        stepper : Stepper
            With nothing read so far.

        Raises
        ------
        ValueError
            If a layer is not causal.
        """
        return Stepper(self, batch_size)

    def backward(self, grad_output: Array) -> Array | None:
        """Put the gradients of all weights into the vector given to `replica`.

        Parameters
        ----------
        grad_output : ndarray of shape (N, *output_shape)
            Gradient with respect to the raw outputs; may be overwritten.
        """
        self.layer.backward(grad_output, input_grad=False)

    @isolated
    def predict(self, X: Any, part: str | None = None) -> Array:
        """Compute the raw outputs of all rows, a chunk at a time; safe from many threads.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features) or Sequences
            Inputs in the network's dtype.
        part : str, default=None
            Name of a layer of the outermost one, to run that alone.

        Returns
        -------
        raw : ndarray of shape (n_samples, *output_shape)
            Raw outputs.
        """
        return self._outputs(X, part)

    def _outputs(self, X, part=None):
        """Compute what `predict` does, for callers that are `isolated` themselves."""
        n, (largest, total) = X.shape[0], self._scratch_of(X)
        if n * largest <= _CHUNK_ELEMENTS and self._is_small(X, n * len(self.params)):
            return self._run(X, part, n * total)
        rows = min(n, self.chunk_rows(X))
        with single_threaded_blas():
            if rows == n:
                return self._run(X, part, n * total)
            out = self._empty_output(X, self._part(part).output_shape_)
            for chunk in (slice(start, start + rows) for start in range(0, n, rows)):
                self._run(X[chunk], part, rows * total, out[chunk])
        return out

    def _is_small(self, X, work):
        if self._calls_blas or not isinstance(X, np.ndarray) or work <= _SMALL_WORK:
            return work <= _SMALL_WORK
        return work <= _SMALL_OWN_WORK and X.dtype == self.dtype and X.flags.c_contiguous

    def _run(self, x, part, scratch, out=None):
        """Compute the outputs of a chunk on a replica, kept if its scratch elements are few."""
        # list.pop and list.append are atomic: two threads never get the same replica.
        try:
            replica = self._idle.pop()
        except IndexError:
            # Its memory is made for what comes: rows may be many and short, or few and long.
            replica = self.replica(1)
        try:
            if part is None:
                raw = replica.forward(x)
            else:
                padded = x.padded(replica._work) if isinstance(x, Sequences) else (x, None)
                raw = replica._part(part).forward(padded[0], mask=padded[1])
            if out is None:
                return raw.copy()
            out[:, : raw.shape[1]] = raw  # a chunk is as long as the longest sequence in it
        finally:
            if scratch * self.dtype.itemsize <= _IDLE_BYTES:
                self._idle.append(replica)

    def _empty_output(self, X, shape):
        if None not in shape:
            return np.empty((X.shape[0], *shape), self.dtype)
        return np.zeros((X.shape[0], self._n_steps(X), *shape[1:]), self.dtype)

    def _part(self, name):
        return self.layer if name is None else dict(self.layer.sublayers())[name]

    def chunk_rows(self, X: Any) -> int:
        """Return how many rows are predicted at a time, to fit the cache and `working_memory`.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features) or Sequences
            Inputs.

        Returns
        -------
        n : int
            At least 1.
        """
        largest, total = self._scratch_of(X)
        memory = sklearn.get_config()["working_memory"] * 2**20
        return max(1, int(min(memory / (total * self.dtype.itemsize), _CHUNK_ELEMENTS / largest)))

    def _scratch_of(self, X):
        """Return the elements of the largest array that a row takes, and of all together."""
        n_steps = self._n_steps(X) if None in self.input_shape else 1
        found = self._scratch.get(n_steps)
        if found is None:
            sizes = list(self.layer.scratch_sizes(n_steps))
            found = max(1, *sizes), max(1, sum(sizes))
            if len(self._scratch) < 100:  # sequences may be of any length
                self._scratch[n_steps] = found
        return found

    def _n_steps(self, X):
        is_padded = isinstance(X, Sequences)
        return X.shape[1] // (1 if is_padded else prod(self.input_shape[1:]))

    def __getitem__(self, key: int | str) -> Any:
        """Return a layer by its position, or by its name: "conv", "block__attention"."""
        if not isinstance(key, Integral | str):
            raise ValueError(
                "The network's layers are found by an int, their position, or a str, their name; "
                f"got {key!r}."
            )
        layer, names = self.layer, [key] if isinstance(key, Integral) else key.split("__")
        for name in names:
            known = layer.sublayers()
            if isinstance(name, Integral) and -len(known) <= name < len(known):
                layer = known[name][1]
            elif name in dict(known):
                layer = dict(known)[name]
            else:
                valid = ", ".join(repr(name) for name, _ in known) or "none"
                raise ValueError(
                    f"The network has no layer {key!r}: there is no {name!r} among {valid}."
                )
        return layer

    @isolated
    def activations(self, X: Samples, layer: int | str) -> Array:
        """Return what a layer makes of some inputs when the network predicts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or samples of shape `input_shape`
            Inputs as the estimator takes them; after the other steps of a pipeline.
        layer : int or str
            Position of the layer, or its name; ``"block__attention"`` is inside ``"block"``.

        Returns
        -------
        outputs : ndarray of shape (n_samples, ...)
            Outputs of the layer.

        Raises
        ------
        ValueError
            If there is no such layer, or X does not fit the network.
        """
        return self._watch(self._checked(X), layer, lambda part, out: out)

    @isolated
    def attention_weights(self, X: Samples, layer: int | str) -> Array:
        """Return how much each step attends to each other one.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or samples of shape `input_shape`
            Inputs as for `activations`.
        layer : int or str
            A `MultiHeadAttention`, such as ``"block__attention"``, or the last one inside.

        Returns
        -------
        weights : ndarray of shape (n_samples, n_heads, T, T)
            Weights of the steps (last axis) for each step; they add up to 1.

        Raises
        ------
        ValueError
            If there is no such layer, it has no attention, or X does not fit the network.
        """
        if not hasattr(type(self[layer]), "attention_weights"):
            raise ValueError(
                f"Layer {layer!r} is of type {type(self[layer]).__name__}; only layers of type "
                "MultiHeadAttention have attention weights."
            )
        return self._watch(self._checked(X), layer, lambda part, out: part.attention_weights)

    def _checked(self, X):
        return as_inputs(X, self.input_shape, self.dtype, type(self).__name__)

    def _watch(self, X, layer, read):
        """Predict chunk by chunk and collect what `read` finds at a layer."""
        n_steps = X.shape[1] if isinstance(X, Sequences) else None
        rows, replica, found = self.chunk_rows(X), self.replica(1), []
        part = replica[layer]
        forward = part.forward

        def watched(x, training=False, mask=None):
            out = forward(x, training, mask)
            found.append(np.array(read(part, out)))
            return out

        part.forward = watched
        with single_threaded_blas():
            for start in range(0, X.shape[0], rows):
                chunk, mask = X[start : start + rows], None
                if n_steps is not None:  # outputs of one length
                    chunk, mask = chunk.padded(replica._work, n_steps)
                replica.layer.forward(in_shape(chunk, self.input_shape), mask=mask)
        return np.concatenate(found)

    def summary(self) -> None:
        """Print a table of the layers, their output shapes and their numbers of weights.

        The text is ``str(network)``.
        """
        print(self)

    def __repr__(self) -> str:
        shapes = f"{self.input_shape} -> {self.output_shape}"
        return f"<Network {shapes}, {self.n_params:,} weights, {self.dtype}>"

    def __str__(self) -> str:
        return table_of(self)

    def __getstate__(self) -> dict[str, Any]:
        names = ("layer", "path", "input_shape", "dtype", "params")
        return stamp({name: getattr(self, name) for name in names})

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = unstamp(state, "network")
        params = state.pop("params", None)
        self.__dict__.update(state)
        self._build(stored=[params])

    def _checked_vector(self, params):
        """Return a copy of pickled weights, for which no memory is taken before they fit."""
        n, dtype = self._offsets_end, self.dtype
        found = type(params).__name__
        if isinstance(params, np.ndarray):
            found = f"one of shape {params.shape} and type {params.dtype}"
            if params.shape == (n,) and params.dtype.type is dtype.type:
                if np.isfinite(params).all():
                    return np.array(params)
                found = "one with values that are not finite"
        raise ValueError(
            f"The pickled network expects its weights as an array of shape ({n},) and type "
            f"{dtype}, got {found}; the file is damaged: load another copy, or fit again."
        )


def _with_factors(layer, outer=1.0):
    """Yield the layers of `walk`, and what multiplies the rate factors of their own weights."""
    outer = outer if layer.trainable else 0.0
    yield layer, outer
    for _, part in layer.sublayers():
        yield from _with_factors(part, outer * layer.learning_rate_factor)
