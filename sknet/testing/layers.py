"""The check that every layer has to pass."""

from __future__ import annotations

import pickle
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn.base import clone
from sklearn.exceptions import EfficiencyWarning

from ..base import same
from ..layers import Layer
from ..layers.composite import named_layers
from ..network import Network
from ..typing import Array, Shape
from ..warning import warn
from .added_loss import adding_parts, check_added_loss
from .gradients import check_gradients, trained
from .memory import peak_of
from .sequences import broadcast, check_steps, masks_elsewhere

#: Bytes by which what a call allocates may differ between two sizes of batch.
_ALLOWED_BYTES = 1024


def check_layer(
    layer: Layer,
    input_shape: Shape,
    *,
    batch_size: int = 5,
    x: Array | None = None,
    input_grad: bool = True,
    sequence: bool = False,
    random_state: int = 0,
) -> None:
    """Check that a layer keeps the contract of `sknet.layers.Layer`.

    The layer runs inside a network, in float64, with random weights: outputs have the shape
    that `build` said; the gradients of the input and of every weight agree with central
    differences to 1e-6, the noise of a random layer being held fixed and what layers add to the
    loss included, with and without weights of the rows; where the layer has a kink, as relu
    has, any value between the differences to the left and to the right will do.
    `forward` leaves its input as it is and `backward` the outputs; `backward` assigns the
    gradients of the weights, the same ones without a gradient of the input; at inference a
    short batch gives the first rows of a full one; float32 stays float32 and is near float64;
    replicas do not share memory; clones and unpickled networks give the same outputs; parameters
    can be read and set and are the same after a training step.

    A layer may be right and slower than need be: where all else holds and calls after the first
    still allocate what grows with the batch, it passes with an `EfficiencyWarning`.

    Parameters
    ----------
    layer : Layer
        The layer with its parameters; clones of it are checked, it is never changed.
    input_shape : tuple of int
        Shape of one sample.
    batch_size : int, default=5
        Number of samples, at least 2.
    x : array-like of shape ``(batch_size, *input_shape)``, default=None
        Inputs for layers that do not take any real numbers. None draws normal ones.
    input_grad : bool, default=True
        Whether the layer has a gradient of its input; layers that take codes have none.
    sequence : bool, default=False
        Whether the layer takes sequences of shape (T, ...) and a mask: then the real steps, and
        all gradients, must not depend on the padded ones, and a padded batch must give what a
        network for any number of steps gives for each sequence alone. Padding is put at the
        ends, in front and between the real steps; the layer may refuse the last two with a
        ValueError whose sentence begins with "Layer".
    random_state : int, default=0
        Seed of inputs, weights and noise.

    Raises
    ------
    AssertionError
        If the layer breaks the contract; the message says where.
    TypeError
        If it is not a layer.
    ValueError
        If `input_shape` is not made of ints.

    Warns
    -----
    sklearn.exceptions.EfficiencyWarning
        If the layer keeps the contract and allocates memory in each call.

    See Also
    --------
    sknet.testing.check_loss : The same for a loss.
    sknet.testing.check_optimizer : The same for an optimizer.

    Examples
    --------
    >>> from sknet.layers import Dense
    >>> from sknet.testing import check_layer
    >>> check_layer(Dense(3, activation="tanh"), input_shape=(4,))
    """
    if not isinstance(layer, Layer):
        raise TypeError(f"check_layer expects a layer object such as Dense(8), got {layer!r}.")
    if not all(isinstance(n, Integral) for n in input_shape):
        raise ValueError(f"check_layer expects an input_shape of ints, got {tuple(input_shape)}.")
    rng = np.random.default_rng(random_state)
    drawn = rng.normal(size=(batch_size, *input_shape))
    x = drawn if x is None else np.array(x, dtype=np.float64).reshape(drawn.shape)
    _check_parameters(layer)
    case = _Case(layer, x, sequence, random_state)
    for check in _CHECKS:
        check(case)
    if input_grad:
        _check_backward_of_input(case)
    if sequence:
        case.elsewhere = masks_elsewhere(case)
    check_gradients(case, input_grad)
    check_steps(case)
    _warn_of_memory(case, input_grad)


class _Case:
    """A layer in a network, with data to call it on."""

    def __init__(self, layer: Any, x: Array, sequence: Any, random_state: int) -> None:
        self.original, self.x, self.random_state = layer, x, random_state
        rng = np.random.default_rng([random_state, 1])
        self.network = self.build(self.copy())
        for part in self.network.layer.walk():
            for weight in part._weights:
                if weight.rate_factor > 0:
                    array = getattr(part, weight.name + "_")
                    array += rng.normal(size=array.shape) / 3
        # Buffers such as moving averages are checked with values that training gave them.
        self.network.replica(len(x), self.noise()).forward(x, training=True)
        self.direction = rng.normal(size=(len(x), *self.network.output_shape))
        self.row_weights = self.mask = None
        self.elsewhere = []
        if sequence:
            n_rows, n_steps = x.shape[:2]
            lengths = 1 + np.arange(n_rows) % n_steps
            self.mask = np.arange(n_steps) < lengths[:, None]

    def copy(self) -> Any:
        """Return a clone of the layer in which no int is short for a layer."""
        [(_, layer)] = named_layers([clone(self.original)])
        return layer

    def build(
        self, layer: Any, dtype: DTypeLike = np.float64, shape: tuple[int, ...] | None = None
    ) -> Network:
        """Return a network of a layer, always with the same initial weights."""
        return Network(layer, shape or self.x.shape[1:], dtype, self.random_state)

    def noise(self, seed: Any = 2) -> Any:
        """Return a generator, always in the same state."""
        return np.random.default_rng([self.random_state, seed])

    def infer(self, network: Any = None, x: Array | None = None, mask: Array | None = None) -> Any:
        """Return a copy of the outputs at inference."""
        network = self.network if network is None else network
        x = self.x if x is None else x
        return network.replica(len(x)).forward(x, False, mask).copy()

    def train(
        self,
        network: Any = None,
        x: Array | None = None,
        mask: Array | None = None,
        start: Any = 0.0,
        backward: Any = Network.backward,
    ) -> Any:
        """Make one training step but for the update; return the outputs and the replica.

        Buffers are as before, and the gradients were `start` before the step.
        """
        network = self.network if network is None else network
        x = self.x if x is None else x
        with _kept(network):
            replica = network.replica(len(x), self.noise(), np.full_like(network.params, start))
            adding_parts(replica, self.row_weights)
            out = replica.forward(x, True, mask)
            copy = out.copy()
            backward(replica, self.weigh(replica, x, mask).astype(network.dtype))
        return copy, replica

    def weigh(self, network: Any, x: Array, mask: Array | None) -> Any:
        """Return a gradient of the outputs that is zero at padded steps."""
        mask = None if mask is None else network.layer.compute_mask(x, mask)
        direction = self.direction[: len(x)]
        return direction.copy() if mask is None else direction * broadcast(mask, direction)

    def objective(self, network: Any, mask: Array | None = None) -> Any:
        """Return the number that the gradients of `train` are gradients of."""
        with _kept(network):
            replica = network.replica(len(self.x), self.noise())
            adding = adding_parts(replica, self.row_weights)
            out = replica.forward(self.x, True, mask)
            added = sum(part.added_loss for part in adding)
            return float(np.vdot(out, self.weigh(replica, self.x, mask))) + added

    def require(self, condition: Any, sentence: Any) -> None:
        if not condition:
            raise AssertionError(f"{self.original!r}: {sentence}.")

    def require_close(self, actual: Any, expected: Any, sentence: Any, rtol: Any = 1e-9) -> None:
        scale = np.max(np.abs(expected), initial=0.0)
        # Not `error > bound`: that would let NaN pass.
        wrong = ~(np.abs(actual - expected) <= rtol * (np.abs(expected) + scale + 1e-3))
        if wrong.any():
            at = tuple(map(int, np.argwhere(wrong)[0]))
            sentence += f", but at {at} {actual[at]:.8g} is not {expected[at]:.8g}"
        self.require(not wrong.any(), sentence)

    def require_same_gradients(
        self, replica: Any, other: Any, sentence: Any, rtol: Any = 1e-9
    ) -> None:
        """Compare the gradients in two replicas; the sentence may have a {name}."""
        for (name, _, actual), (_, _, expected) in zip(
            trained(replica), trained(other), strict=True
        ):
            self.require_close(actual, expected, sentence.format(name=name), rtol)


@contextmanager
def _kept(network):
    """Let a block change weights and buffers, and undo it."""
    before = network.params.copy()
    try:
        yield
    finally:
        network.params[:] = before


def _check_parameters(layer):
    """Check what scikit-learn asks of parameters: they are kept as given, read and set."""
    try:
        copy = clone(layer)
    except Exception as error:
        raise AssertionError(
            f"{type(layer).__name__}: __init__ has to store its arguments unchanged under "
            f"their names, but clone fails: {error}"
        ) from error
    params = copy.get_params(deep=False)
    copy.set_params(**params)
    if not same(copy.get_params(deep=False), params):
        raise AssertionError(
            f"{layer!r}: set_params has to set what get_params returns, and nothing else."
        )


def _check_outputs(case):
    expected = (len(case.x), *case.network.output_shape)
    for training in (False, True):
        replica = case.network.replica(len(case.x), case.noise())
        x = case.x.copy()
        with _kept(case.network):
            out = replica.forward(x, training)
        case.require(
            np.shape(out) == expected,
            f"build said that outputs have the shape {expected[1:]}, so forward has to return "
            f"{expected}, got {np.shape(out)}",
        )
        case.require(np.isfinite(out).all(), "outputs have to be finite")
        case.require(np.array_equal(x, case.x), "forward must not write to its input")


def _check_memory_of_others(case):
    x, outputs = case.x.copy(), []

    def look_at_outputs(replica, grad):
        out = replica.forward(x, training=True)
        outputs.extend((out, out.copy()))
        replica.backward(grad)

    case.train(x=x, backward=look_at_outputs)
    case.require(np.array_equal(x, case.x), "backward must not write to the input of forward")
    case.require(
        np.array_equal(*outputs), "backward must not write to the outputs that forward returned"
    )


def _check_noise(case):
    first, _ = case.train()
    again, _ = case.train()
    case.require(
        np.array_equal(first, again),
        "training outputs have to be the same for the same rng: noise comes from the rng given "
        "to allocate, and what lasts is declared with add_weight",
    )
    with _kept(case.network):
        other = case.network.replica(len(case.x), case.noise(3)).forward(case.x, True)
    case.require(
        np.array_equal(first, other) or case.network.layer.is_stochastic,
        "is_stochastic has to be True of a layer that draws random numbers",
    )


def _check_rows(case):
    n_short = len(case.x) // 2
    replica = case.network.replica(len(case.x), case.noise())
    expected = replica.forward(case.x)[:n_short].copy()
    short = replica.forward(case.x[:n_short])
    case.require(
        short.shape == expected.shape,
        f"outputs of {n_short} rows have to have the shape {expected.shape}, got {short.shape}",
    )
    sentence = "at inference a short batch has to give the first rows of the full one"
    case.require_close(short, expected, sentence)


def _check_backward(case):
    bound = []

    def look_at_gradients(replica, grad):
        before = trained(replica)
        replica.backward(grad)
        bound.extend(zip(before, trained(replica), strict=True))

    _, replica = case.train(backward=look_at_gradients)
    for (name, _, given), (_, _, found) in bound:
        case.require(
            found is given,
            f"backward has to write the gradient of {name} into the array that is there, by "
            f"self.{name}_grad_[:] = gradient and not by self.{name}_grad_ = gradient",
        )
    _, other = case.train(start=1.0)
    case.require_same_gradients(
        other, replica, "backward has to assign the gradient of {name}, not add to what is there"
    )


def _check_backward_of_input(case):
    shapes = []

    def with_input(replica, grad):
        shapes.append(np.shape(replica.layer.backward(grad, input_grad=True)))

    _, without = case.train()
    _, replica = case.train(backward=with_input)
    case.require(
        shapes[0] == case.x.shape,
        f"backward has to return the gradient of the input, of shape {case.x.shape}, got "
        f"{shapes[0]}",
    )
    case.require_same_gradients(
        without, replica, "the gradient of {name} must not depend on input_grad"
    )


def _check_float32(case):
    network = case.build(case.copy(), np.float32)
    network.params[:] = case.network.params
    x = case.x.astype(np.float32)
    out = case.infer(network, x)
    trained, replica = case.train(network, x)
    for kind, array in (("outputs", out), ("training outputs", trained)):
        case.require(
            array.dtype == np.float32,
            f"{kind} of float32 inputs have to be float32, got {array.dtype}",
        )
    sentence = "float32 has to be near float64"
    case.require_close(out, case.infer(), sentence, 1e-4)
    if not case.network.layer.is_stochastic:  # the two types may draw different noise
        expected, other = case.train()
        case.require_close(trained, expected, sentence, 1e-4)
        case.require_same_gradients(replica, other, sentence + " in the gradient of {name}", 1e-3)


def _warn_of_memory(case, input_grad):
    n_rows = max(64, -(-(2**14) // case.x[0].size))
    peaks = [_second_peak(case, factor * n_rows, input_grad) for factor in (1, 2)]
    for factor in (8, 32):
        if peaks[-1] - peaks[-2] > _ALLOWED_BYTES:
            # NumPy's own buffers grow to some size and no further.
            peaks.append(_second_peak(case, factor * n_rows, input_grad))
    if peaks[-1] - peaks[-2] > _ALLOWED_BYTES:
        warn(
            f"{case.original!r}: the layer is right and could be faster: after the first call, "
            f"forward and backward allocated {peaks[0]:,} bytes for {n_rows} rows and "
            f"{peaks[1]:,} for {2 * n_rows}. Take scratch memory from self._work(name, shape), "
            "and pass it to NumPy as out=.",
            EfficiencyWarning,
        )


def _second_peak(case, n_rows, input_grad):
    """Measure what a second pass over a batch allocates."""
    network, x = case.network, np.resize(case.x, (n_rows, *case.x.shape[1:]))
    replica = network.replica(n_rows, case.noise(), np.empty_like(network.params))
    grad = np.ones((n_rows, *network.output_shape))

    def run():
        replica.forward(x, training=True)
        replica.layer.backward(grad, input_grad)
        replica.forward(x)

    with _kept(network):
        run()
        return peak_of(run)


def _check_replicas(case):
    shared = {id(part) for part in case.network.layer.walk()}
    case.require(
        not any(id(part) in shared for part in case.network.replica(1).layer.walk()),
        "replicate has to replicate the layers inside, too",
    )
    others = case.x[::-1].copy()
    outputs = []

    def disturb(replica, grad):
        out = replica.forward(case.x)
        outputs.append(out.copy())
        case.network.replica(len(others)).forward(others)
        outputs.append(out.copy())
        replica.layer.allocate(len(case.x), replica.dtype, case.noise())
        replica.forward(case.x, training=True)
        case.train(x=others)
        replica.backward(grad)

    _, plain = case.train()
    _, disturbed = case.train(backward=disturb)
    case.require(
        np.array_equal(*outputs),
        "replicas must not share scratch memory: make it in allocate, not in build",
    )
    case.require_same_gradients(
        disturbed, plain, "replicas must not share what the gradient of {name} is computed from"
    )


def _check_copies(case):
    fresh = case.infer(case.build(clone(case.original)))
    layer = case.copy()
    params = clone(layer).get_params(deep=False)
    network = case.build(layer)
    same_outputs = np.array_equal(case.infer(network), fresh)
    case.require(same_outputs, "a clone has to give the same outputs")
    case.train(network)
    case.require(
        same(layer.get_params(deep=False), params),
        "build, forward and backward must not change the parameters of __init__",
    )
    network.params[:] = case.network.params
    case.require(
        np.array_equal(case.infer(pickle.loads(pickle.dumps(network))), case.infer(network)),
        "an unpickled network has to give the same outputs: declare arrays with add_weight and "
        "derive all else in build",
    )


_CHECKS = (
    _check_outputs,
    _check_memory_of_others,
    _check_noise,
    _check_rows,
    _check_backward,
    _check_copies,
    _check_float32,
    check_added_loss,
    _check_replicas,
)
