"""Updates of a vector of parameters by its gradient.

`grads` is left with what `params` were, and `moved` counts that, before these move. With a
`shrink` of 1 there is no weight decay.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...typing import Array


def sgd(
    params: Array,
    grads: Array,
    moved: Any,
    velocity: Array | None,
    work: Any,
    shrink: float,
    rate: float,
    momentum: float,
    nesterov: bool,
) -> None:
    """Step along the gradient or, with a velocity, along a momentum of it.

    The velocity is -momentum * v of the rule, which saves a pass of Nesterov's.
    """
    np.multiply(grads, rate, out=work)
    if velocity is not None:
        np.add(velocity, work, out=velocity)
        if not nesterov:
            np.copyto(work, velocity)
        np.multiply(velocity, momentum, out=velocity)
        if nesterov:
            np.add(work, velocity, out=work)
    take_off(params, grads, moved, work, shrink)


def rmsprop(
    params: Array,
    grads: Array,
    moved: Any,
    square: Array,
    velocity: Array | None,
    work: Any,
    shrink: float,
    rate: float,
    rho: float,
    epsilon: float,
    momentum: float,
) -> None:
    """Divide the gradient by a running root mean square; velocity may be None."""
    np.multiply(grads, grads, out=work)
    _accumulate(square, work, rho)
    np.add(square, epsilon, out=work)
    np.sqrt(work, out=work)
    np.divide(grads, work, out=work)
    np.multiply(work, rate, out=work)
    if velocity is not None:
        _accumulate(velocity, work, momentum)
        work = velocity
    take_off(params, grads, moved, work, shrink)


def adam(
    params: Array,
    grads: Array,
    moved: Any,
    mean: Array,
    square: Array,
    work: Any,
    shrink: float,
    rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    nesterov: float,
) -> None:
    """Divide the mean of the gradients by their root mean square.

    With nesterov, the numerator is nesterov * mean + grads.
    """
    _accumulate(mean, grads, beta_1)
    np.multiply(grads, grads, out=work)
    _accumulate(square, work, beta_2)
    direction = mean
    if nesterov:
        np.multiply(mean, nesterov, out=work)
        direction = np.add(grads, work, out=grads)
    np.sqrt(square, out=work)
    np.add(work, epsilon, out=work)
    np.divide(direction, work, out=work)
    np.multiply(work, rate, out=work)
    take_off(params, grads, moved, work, shrink)


def lion(
    params: Array,
    grads: Array,
    moved: Any,
    mean: Array,
    work: Any,
    shrink: float,
    rate: float,
    weight: float,
    beta_2: float,
) -> None:
    """Step by the rate along the sign of weight * mean + grads."""
    np.multiply(mean, weight, out=work)
    np.add(work, grads, out=work)
    _accumulate(mean, grads, beta_2)
    # sign(work), 0 at 0, exact from 2e-31 up in float32. np.sign branches on every element:
    # one update of 500,000 took 2.5 ms with it.
    np.abs(work, out=grads)
    np.add(grads, float(np.finfo(work.dtype).tiny), out=grads)
    np.divide(work, grads, out=work)
    np.multiply(work, rate, out=work)
    take_off(params, grads, moved, work, shrink)


def take_off(params: Array, grads: Array, moved: Any, step: Array, shrink: float) -> None:
    """Shrink the parameters and take a step off; there is no compiled one."""
    np.copyto(grads, params)
    moved[0] += 1
    if shrink != 1.0:
        np.multiply(params, shrink, out=params)
    np.subtract(params, step, out=params)


def _accumulate(moment, value, decay):
    """Replace a moment by ``decay * moment + value``."""
    np.multiply(moment, decay, out=moment)
    np.add(moment, value, out=moment)
