"""The check that every loss has to pass."""

from __future__ import annotations

import pickle
from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.base import clone

from ..losses import FunctionLoss, Target
from ..losses.base import Loss
from ..places import Layout, Transcripts
from .memory import peak_of

#: Rows of the batches, small because differences are taken one raw prediction at a time.
_N_ROWS = 12
#: Targets that are tried for every kind, the first that the loss can be built for.
_TARGETS = {
    "binary": [Target("binary", 1, (2,))],
    "multiclass": [Target("multiclass", 1, (4,))],
    "multilabel": [Target("multilabel", 3)],
    "multioutput": [Target("multioutput", 2, (3, 2))],
    "continuous": [Target("continuous", 3), Target("continuous", 1)],
    "sequences": [Target("sequences", 1, (2,))],
}
#: Largest numbers of steps of outputs, and of labels, for a target of label sequences.
_N_STEPS, _N_LABELS = 4, 2


def check_loss(loss: Loss, target: Target | None = None, random_state: int = 0) -> None:
    """Check that a loss keeps the contract of `sknet.losses.Loss`.

    On random raw predictions, targets and weights: the gradient agrees with central
    differences of the value; the value is linear in the weights and the mean of its rows'
    values, rows of weight 0 have no gradient, a short batch equals the same rows of a full
    one; `out` is used and returned, inputs are left intact; float32 stays float32 and is
    near float64; nothing that grows with the batch is allocated except vectors of a few
    numbers a row, unless plain functions (`FunctionLoss`) return new arrays or the target is
    one of label sequences; predictions have one row for each row; the initial bias is finite,
    and where the loss says ``exact_bias`` no constant nearby is better; clones and unpickled
    copies give the same values.

    Parameters
    ----------
    loss : Loss
        The loss; a clone of it is checked.
    target : Target, default=None
        Target to check the loss on. None takes one of each kind that it supports.
    random_state : int, default=0
        Seed of the random numbers.

    Raises
    ------
    AssertionError
        If the loss breaks the contract; the message says where.

    Examples
    --------
    >>> from sknet.losses import Huber
    >>> from sknet.testing.losses import check_loss
    >>> check_loss(Huber(delta=0.5))
    """
    targets = [_find_target(loss, kind) for kind in loss.kinds] if target is None else [target]
    for each in targets:
        case = _Case(loss, each, random_state)
        for check in _CHECKS:
            check(case)


class _Case:
    """A loss that is bound to a target, with data to call it on."""

    def __init__(self, loss: Any, target: Any, random_state: int) -> None:
        self.original, self.target, self.random_state = loss, target, random_state
        rng = np.random.default_rng(random_state)
        self.loss = clone(loss)
        self.n_raw = self.loss.build(target)
        self.require(
            isinstance(self.n_raw, int) and self.n_raw > 0,
            f"build has to return the width of the raw predictions, got {self.n_raw!r}",
        )
        self.y = _draw_target(self.loss, target, _N_ROWS, rng)
        steps = (_N_STEPS,) if target.kind == "sequences" else ()
        self.raw = rng.normal(size=(_N_ROWS, *steps, self.n_raw))
        self.weights = rng.uniform(0.2, 2.0, _N_ROWS)
        self.weights[::4] = 0.0
        self.loss.allocate(_N_ROWS, np.float64)

    def require(self, condition: Any, sentence: Any) -> None:
        if not condition:
            kind = self.target.kind
            raise AssertionError(f"{self.original!r} on a {kind} target: {sentence}.")

    def require_close(self, actual: Any, expected: Any, sentence: Any, rtol: Any = 1e-9) -> None:
        actual, expected = np.asarray(actual), np.asarray(expected)
        self.require(
            actual.shape == expected.shape,
            f"{sentence}, but the shapes are {actual.shape} and {expected.shape}",
        )
        scale = np.max(np.abs(expected), initial=0.0)
        error = np.abs(actual - expected)
        # Not `error > bound`: that would let NaN pass.
        wrong = ~(error <= rtol * (np.abs(expected) + 0.01 * scale) + 0.01 * rtol)
        if wrong.any():
            at = tuple(map(int, np.argwhere(wrong)[0]))
            sentence += f", but at {at} {actual[at]} is not {expected[at]}"
        self.require(not wrong.any(), sentence)

    def call(self, rows: Any = slice(None), weights: Any = None) -> Any:
        weights = None if weights is None else weights[rows]
        return self.loss.value_and_gradient(self.raw[rows], self.y[rows], weights)


def _find_target(loss, kind):
    refusal = None
    for target in _TARGETS[kind]:
        try:
            clone(loss).build(target)
            _draw_target(loss, target, _N_ROWS, np.random.default_rng(0))
        except ValueError as error:
            refusal = error
        else:
            return target
    raise AssertionError(f"{loss!r} has {kind!r} in its kinds but refuses it: {refusal}")


def _draw_target(loss, target, n_rows, rng):
    """Draw an encoded target (N, ...), for continuous ones in a range the loss accepts."""
    if target.kind == "sequences":
        return _draw_sequences(target, n_rows, rng)
    if target.kind == "continuous":
        shape = (n_rows, target.n_outputs)
        draws = [rng.normal(size=shape), rng.gamma(2.0, size=shape) + 0.1]
        draws.append(rng.uniform(0.05, 0.95, size=shape))
        for y in draws:
            try:
                loss.check_target(y)
            except ValueError as error:
                refusal = error
            else:
                return y
        raise refusal
    if target.kind == "multilabel":
        return rng.integers(0, 2, (n_rows, target.n_outputs)).astype(np.float64)
    n_classes = (2,) if target.kind == "binary" else target.n_classes
    y = rng.integers(0, n_classes, (n_rows, len(n_classes)))
    return y if target.kind == "multioutput" else y[:, 0]


def _draw_sequences(target, n_rows, rng):
    lengths = rng.integers(0, _N_LABELS + 1, n_rows)
    outputs = Layout(rng.integers(2 * _N_LABELS - 1, _N_STEPS + 1, n_rows), is_list=True)
    codes = rng.integers(0, target.n_classes[0], lengths.sum())
    starts = np.cumsum(lengths) - lengths
    return Transcripts(codes, starts, lengths, outputs.place(np.empty(outputs.counts.sum())))


def _check_result(case):
    inputs = (case.raw, case.y, case.weights)
    before = deepcopy(inputs)
    value, gradient = case.call(weights=case.weights)
    expected = gradient.copy()
    case.require(type(value) is float, f"the value has to be a float, got {type(value)}")
    case.require(np.isfinite(value), f"the value has to be finite, got {value}")
    case.require(
        gradient.shape == case.raw.shape,
        f"the gradient has to have the shape {case.raw.shape} of raw, got {gradient.shape}",
    )
    out = np.full_like(case.raw, np.nan)
    _, returned = case.loss.value_and_gradient(*inputs, out=out)
    case.require(returned is out, "value_and_gradient has to return the out that it was given")
    case.require_close(out, expected, "the gradient in out has to be the one without out")
    for name, array, copy in zip(("raw", "y", "sample_weight"), inputs, before, strict=True):
        same = np.array_equal(*(getattr(each, "values", each) for each in (array, copy)))
        case.require(same, f"value_and_gradient must not write to {name}")


def _check_gradient(case, step=1e-5):
    for weights in (None, case.weights):
        gradient = case.call(weights=weights)[1].copy()
        differences = np.empty_like(gradient)
        for index in np.ndindex(case.raw.shape):
            centre = case.raw[index]
            values = []
            for shifted in (centre - step, centre + step):
                case.raw[index] = shifted
                values.append(case.call(weights=weights)[0])
            case.raw[index] = centre
            differences[index] = (values[1] - values[0]) / (2 * step)
        case.require_close(
            gradient, differences, "the gradient has to agree with central differences", 1e-6
        )


def _check_weights(case):
    other = np.linspace(0.1, 2.0, _N_ROWS)
    first, second = case.call(weights=case.weights)[0], case.call(weights=other)[0]
    both = case.call(weights=case.weights + 3.0 * other)[0]
    case.require_close(both, first + 3.0 * second, "the value has to be linear in the weights")
    ones = case.call(weights=np.ones(_N_ROWS))
    case.require_close(case.call()[0], ones[0], "no weights have to equal weights of 1")
    case.require_close(case.call()[1], ones[1], "no weights have to equal weights of 1")
    gradient = case.call(weights=case.weights)[1]
    case.require(not gradient[case.weights == 0].any(), "rows of weight 0 have to have gradient 0")


def _check_rows(case):
    for weights in (None, case.weights):
        value, gradient = case.call(weights=weights)
        gradient = gradient.copy()
        rows = [case.call(slice(i, i + 1), weights)[0] for i in range(_N_ROWS)]
        case.require_close(
            np.mean(rows), value, "the value has to be the mean of the values of its rows"
        )
        short = case.call(slice(0, 5), weights)[1] * (5 / _N_ROWS)
        case.require_close(
            short, gradient[:5], "a short batch has to equal the same rows of a full batch"
        )


def _check_float32(case):
    loss = clone(case.original)
    loss.build(case.target)
    loss.allocate(_N_ROWS, np.float32)
    raw = case.raw.astype(np.float32)
    y = case.y.astype(np.float32) if case.y.dtype.kind == "f" else case.y
    value, gradient = loss.value_and_gradient(raw, y, case.weights.astype(np.float32))
    case.require(
        gradient.dtype == np.float32,
        f"the gradient of float32 predictions has to be float32, got {gradient.dtype}",
    )
    expected_value, expected = case.call(weights=case.weights)
    case.require_close(value, expected_value, "float32 has to be near float64", 1e-4)
    case.require_close(gradient, expected, "float32 has to be near float64", 1e-3)
    for predicted in _as_list(loss.inverse_link(raw)):
        case.require(
            predicted.dtype == np.float32,
            f"predictions from float32 have to be float32, got {predicted.dtype}",
        )


def _check_inverse_link(case):
    before = case.raw.copy()
    predictions = _as_list(case.loss.inverse_link(case.raw))
    for predicted in predictions:
        case.require(
            len(predicted) == _N_ROWS,
            f"inverse_link has to return {_N_ROWS} rows, got the shape {predicted.shape}",
        )
        case.require(
            not np.shares_memory(predicted, case.raw), "inverse_link has to return new arrays"
        )
    case.require(np.array_equal(case.raw, before), "inverse_link must not write to raw")
    short = _as_list(case.loss.inverse_link(case.raw[:5]))
    for few, predicted in zip(short, predictions, strict=True):
        case.require_close(few, predicted[:5], "inverse_link has to treat rows one by one")
    if hasattr(case.loss, "log_inverse_link"):
        logs = _as_list(case.loss.log_inverse_link(case.raw))
        for log, predicted in zip(logs, predictions, strict=True):
            case.require_close(
                log, np.log(predicted), "log_inverse_link has to be the log of inverse_link"
            )


def _check_initial_bias(case):
    counts = np.arange(_N_ROWS) % 3
    bias = case.loss.initial_bias(case.y, counts)
    case.require(
        np.shape(bias) == (case.n_raw,) and bias.dtype == np.float64,
        f"initial_bias has to return {case.n_raw} float64 numbers, got {bias!r}",
    )
    case.require(np.isfinite(bias).all(), f"initial_bias has to be finite, got {bias}")
    repeated = case.loss.initial_bias(case.y[np.repeat(np.arange(_N_ROWS), counts)])
    case.require_close(
        repeated, bias, "initial_bias of integer weights has to equal repeated rows", 1e-12
    )
    if not case.loss.exact_bias:
        return
    best = _constant_value(case, bias, counts)
    for shift in np.concatenate([np.eye(case.n_raw), -np.eye(case.n_raw)]):
        for size in (1e-3, 0.3):
            value = _constant_value(case, bias + size * shift, counts)
            case.require(
                value >= best - 1e-12 * (1 + abs(best)),
                f"initial_bias has to be the best constant, but its value {best} is above "
                f"{value} at a distance of {size}",
            )


def _constant_value(case, bias, weights):
    raw = np.tile(bias, (_N_ROWS, 1))
    return case.loss.value_and_gradient(raw, case.y, weights.astype(np.float64))[0]


def _check_copies(case):
    value, gradient = case.call(weights=case.weights)
    gradient = gradient.copy()
    fresh = clone(case.loss)
    fresh.build(case.target)
    fresh.allocate(_N_ROWS, np.float64)
    for name, copy in (("a clone", fresh), ("a pickle", pickle.loads(pickle.dumps(case.loss)))):
        again = copy.value_and_gradient(case.raw, case.y, case.weights)
        same = again[0] == value and np.array_equal(again[1], gradient)
        case.require(same, f"{name} has to give the same value and gradient")


def _check_memory(case, n_rows=4096, n_wide=40, n_vectors=20):
    """Compare the peak of a call with some vectors (N,), for a target that is wide."""
    loss, target = clone(case.original), case.target
    if isinstance(loss, FunctionLoss) or target.kind == "sequences":
        return  # plain functions return new arrays, and how many paths there are depends on y
    wide = target._replace(
        n_outputs=n_wide if target.kind in ("multilabel", "continuous") else target.n_outputs,
        n_classes=(n_wide,) if target.kind == "multiclass" else target.n_classes,
    )
    try:
        n_raw = loss.build(wide)
    except ValueError:
        wide, n_raw = target, loss.build(target)
    loss.allocate(n_rows, np.float64)
    rng = np.random.default_rng(case.random_state)
    y = _draw_target(loss, wide, n_rows, rng)
    raw, weights = rng.normal(size=(n_rows, n_raw)), np.ones(n_rows)
    out = np.empty_like(raw)
    loss.value_and_gradient(raw, y, weights, out)
    peak = peak_of(lambda: loss.value_and_gradient(raw, y, weights, out))
    case.require(
        peak <= n_vectors * n_rows * 8,
        f"value_and_gradient has to take scratch memory from self._work, but it allocated "
        f"{peak} bytes for {n_rows} rows and {n_raw} raw predictions",
    )


def _as_list(predictions):
    return predictions if isinstance(predictions, list) else [predictions]


_CHECKS = (
    _check_result,
    _check_gradient,
    _check_weights,
    _check_rows,
    _check_float32,
    _check_inverse_link,
    _check_initial_bias,
    _check_copies,
    _check_memory,
)
