"""Check that an optimizer keeps the contract of `sknet.optimizers.Optimizer`."""

from __future__ import annotations

import pickle

import numpy as np
from sklearn.base import clone

from ..optimizers import Group, Optimizer
from .memory import peak_of

_RATE = 0.05
# Longer than one piece of the vector in either dtype, and no multiple of any power of two.
_LONG = 150_001
# What one update may allocate: room for small objects, not for a part of a vector.
_ALLOWED_BYTES = 16_384


def check_optimizer(
    optimizer: Optimizer, random_state: int = 0, *, learning_rate: float = _RATE
) -> None:
    """Check that an optimizer which works element by element keeps its contract.

    It must minimize a small convex quadratic, write to the vector it is given, leave it alone
    at rate 0 and frozen groups always, take back its last step, multiply the rate by a group's
    factor, resume from a pickle bit for bit, forget its state when cloned or built again, keep
    float32, treat a long vector as several short ones, survive zero gradients and empty
    vectors, allocate nothing after `build`, and decay only the groups that decay.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer with its parameters; it is cloned, never changed.
    random_state : int, default=0
        Seed of the parameters and gradients.
    learning_rate : float, default=0.05
        Rate from which the quadratic is minimized; AdaGrad and its like need a larger one.

    Raises
    ------
    AssertionError
        If a check fails; the message says which.
    TypeError
        If it is not an `Optimizer`.

    Examples
    --------
    >>> from sknet.optimizers import Adam
    >>> from sknet.testing.optimizers import check_optimizer
    >>> check_optimizer(Adam(beta_1=0.8))
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"check_optimizer expects an Optimizer object such as Adam(), got {optimizer!r}."
        )
    optimizer._validate_params()
    for check in _CHECKS:
        check(optimizer, np.random.default_rng(random_state))
    _check_minimizes(optimizer, np.random.default_rng(random_state), learning_rate)


def _require(condition, optimizer, sentence):
    if not condition:
        raise AssertionError(f"{optimizer!r} {sentence}")


def _whole(n_params, rate_factor=1.0, decay=False):
    return [Group(slice(0, n_params), rate_factor, decay)]


def _built(optimizer, params, groups=None):
    optimizer = clone(optimizer)
    optimizer.build(params, _whole(len(params)) if groups is None else groups)
    return optimizer


def _apply(optimizer, params, gradients, rate=_RATE):
    """Apply the gradients, which stay intact, to the parameters in place; return them."""
    for gradient in gradients:
        optimizer.update(params, gradient.copy(), rate)
    return params


def _train(optimizer, start, gradients, groups=None, rate=_RATE):
    """Return the parameters after the gradients, leaving the start and the optimizer alone."""
    params = start.copy()
    return _apply(_built(optimizer, params, groups), params, gradients, rate)


def _problem(rng, n_params=50, n_steps=7):
    return rng.normal(size=n_params), list(rng.normal(size=(n_steps, n_params)))


def _check_minimizes(optimizer, rng, learning_rate):
    curvature, goal = rng.uniform(0.5, 2.0, 20), rng.normal(size=20)
    params = np.zeros(20)
    built = _built(optimizer, params)

    def loss():
        return float(curvature @ (params - goal) ** 2)

    first, n_steps = loss(), 600
    for i in range(n_steps):
        rate = learning_rate * (1.0 - i / n_steps)
        built.update(params, 2.0 * curvature * (params - goal), rate)
    _require(
        loss() < 1e-2 * first,
        optimizer,
        f"must minimize a convex quadratic, but {n_steps} steps took its loss from "
        f"{first:.3g} to {loss():.3g}.",
    )


def _check_in_place(optimizer, rng):
    start, gradients = _problem(rng)
    memory = np.concatenate([[7.0], start, [7.0]])
    params = memory[1:-1]
    _apply(_built(optimizer, params), params, gradients)
    _require(
        np.any(memory[1:-1] != start),
        optimizer,
        "must write to the vector of parameters that it is given, which did not change.",
    )
    _require(
        memory[0] == memory[-1] == 7.0,
        optimizer,
        "must write to its parameters only, but wrote outside of them.",
    )


def _check_undo(optimizer, rng):
    start, (*gradients, last) = _problem(rng, _LONG, 3)
    built = _built(optimizer, start, _whole(_LONG, decay=True))
    params = _apply(built, start.copy(), gradients)
    before = params.copy()
    built.update(params, last, _RATE)
    built.undo(params, last)
    _require(
        np.array_equal(params, before),
        optimizer,
        "must put back the parameters as they were before its last step when undo is called.",
    )


def _check_rate_zero(optimizer, rng):
    start, gradients = _problem(rng)
    _require(
        np.array_equal(_train(optimizer, start, gradients, rate=0.0), start),
        optimizer,
        "must leave the parameters as they are at learning rate 0.",
    )


def _check_frozen_group(optimizer, rng):
    start, gradients = _problem(rng)
    groups = [
        Group(slice(0, 20), 1.0, True),
        Group(slice(20, 30), 0.0, True),
        Group(slice(30, 50), 1.0, True),
    ]
    trained = _train(optimizer, start, gradients, groups)
    _require(
        np.array_equal(trained[20:30], start[20:30]),
        optimizer,
        "must leave groups with rate_factor 0 untouched.",
    )
    alone = _train(optimizer, start[30:], [g[30:] for g in gradients], _whole(20, decay=True))
    _require(
        np.array_equal(trained[30:], alone),
        optimizer,
        "must train a group beside a frozen one as it trains it alone.",
    )


def _check_rate_factor(optimizer, rng):
    start, gradients = _problem(rng)
    halved = _train(optimizer, start, gradients, rate=0.5 * _RATE)
    _require(
        np.array_equal(_train(optimizer, start, gradients, _whole(50, 0.5)), halved),
        optimizer,
        "must multiply the learning rate by a group's rate_factor: rate r with factor 0.5 "
        "differs from rate r / 2.",
    )


def _check_pickle(optimizer, rng):
    start, gradients = _problem(rng)
    through = _train(optimizer, start, gradients)
    params = start.copy()
    built = _built(optimizer, params)
    _apply(built, params, gradients[:4])
    resumed = pickle.loads(pickle.dumps(built))
    _require(
        np.array_equal(_apply(resumed, params, gradients[4:]), through),
        optimizer,
        "must resume from a pickle bit for bit, moments and step counter included.",
    )


def _check_forgets(optimizer, rng):
    start, gradients = _problem(rng)
    fresh = _train(optimizer, start, gradients)
    used = _built(optimizer, start)
    _apply(used, start.copy(), gradients)
    _require(
        np.array_equal(_train(used, start, gradients), fresh),
        optimizer,
        "must forget its state when it is cloned.",
    )
    used.build(start, _whole(len(start)))
    _require(
        np.array_equal(_apply(used, start.copy(), gradients), fresh),
        optimizer,
        "must forget its state when it is built again.",
    )


def _check_float32(optimizer, rng):
    start, gradients = _problem(rng)
    params = start.astype(np.float32)
    built = _built(optimizer, params)
    _apply(built, params, [g.astype(np.float32) for g in gradients])
    _require(
        all(moment.dtype == np.float32 for moment in built._moments),
        optimizer,
        "must keep its moments in the dtype of the parameters, float32.",
    )
    error = float(np.max(np.abs(params - _train(optimizer, start, gradients))))
    _require(
        error < 1e-4,
        optimizer,
        f"must move float32 parameters as it moves float64 ones, but is off by {error:.3g}.",
    )


def _check_pieces(optimizer, rng):
    start, gradients = _problem(rng, _LONG, n_steps=3)
    whole = _train(optimizer, start, gradients)
    cuts = [slice(0, 40_003), slice(40_003, 90_010), slice(90_010, _LONG)]
    parts = [_train(optimizer, start[cut], [g[cut] for g in gradients]) for cut in cuts]
    _require(
        np.allclose(whole, np.concatenate(parts), rtol=1e-13, atol=1e-15),
        optimizer,
        "must treat a long vector as it treats its parts one by one.",
    )
    grouped = _train(optimizer, start, gradients, [Group(cut, 1.0, False) for cut in cuts])
    _require(
        np.allclose(whole, grouped, rtol=1e-13, atol=1e-15),
        optimizer,
        "must not depend on how a vector is cut into groups that are treated alike.",
    )


def _check_degenerate(optimizer, rng):
    start, _ = _problem(rng)
    for dtype in (np.float32, np.float64):
        params = start.astype(dtype)
        _require(
            np.all(np.isfinite(_train(optimizer, params, [np.zeros_like(params)] * 3))),
            optimizer,
            f"must keep {np.dtype(dtype)} parameters finite when the gradient is zero.",
        )
    empty = np.zeros(0)
    try:
        _train(optimizer, empty, [empty], groups=[])
        _train(optimizer, empty, [empty])
    except Exception as error:
        raise AssertionError(f"{optimizer!r} must accept an empty vector.") from error


def _check_no_allocation(optimizer, rng):
    start, gradients = _problem(rng, _LONG, n_steps=3)
    built = _built(optimizer, start)

    def train():
        for gradient in gradients:
            built.update(start, gradient, _RATE)

    allocated = peak_of(train)
    _require(
        allocated < _ALLOWED_BYTES,
        optimizer,
        f"must allocate nothing after build, but its updates took {allocated} bytes.",
    )


def _check_decay(optimizer, rng):
    start, gradients = _problem(rng)
    groups = [Group(slice(0, 25), 1.0, True), Group(slice(25, 50), 1.0, False)]
    decays, plain_groups = "weight_decay" in optimizer.get_params(), groups
    without = optimizer
    if decays:
        without = clone(optimizer).set_params(weight_decay=0.0)
        optimizer = clone(optimizer).set_params(weight_decay=0.5)
    elif optimizer.weight_decay:  # fixed by a subclass
        decays, plain_groups = True, [group._replace(decay=False) for group in groups]
    mixed = _train(optimizer, start, gradients, groups)
    plain = _train(without, start, gradients, plain_groups)
    _require(
        np.array_equal(mixed[25:], plain[25:]),
        optimizer,
        "must not decay groups with decay=False.",
    )
    _require(
        np.all((mixed[:25] != plain[:25]) == decays),
        optimizer,
        f"must {'' if decays else 'not '}decay groups with decay=True.",
    )
    still = [np.zeros(50)]
    _require(
        np.all((np.abs(_train(optimizer, start, still, groups)) < np.abs(start))[:25] == decays),
        optimizer,
        f"must {'' if decays else 'not '}shrink a decaying group when its gradient is zero.",
    )


_CHECKS = (
    _check_in_place,
    _check_rate_zero,
    _check_undo,
    _check_frozen_group,
    _check_rate_factor,
    _check_pickle,
    _check_forgets,
    _check_float32,
    _check_pieces,
    _check_degenerate,
    _check_no_allocation,
    _check_decay,
)
