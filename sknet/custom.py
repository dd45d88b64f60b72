"""Checks of custom classes at each call: what breaks the contract is told of where it arises.

Without them, a wrong shape ends in another class, in an error that does not name its cause, or is
broadcast. Classes of sknet are held to the contract by tests, and are not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import isfunction
from math import isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np

from .base import brief
from .functions import read_only, refusing_writes


class BrokenContractError(AssertionError, ValueError):
    """A custom class does not do what its base class asks for.

    To a user who fits an estimator it is a wrong value, to `sknet.testing` a failed assertion.
    """


def check_calls(cls: type, checks: Mapping[str, Callable[..., Any]]) -> None:
    """Let the methods that are not of sknet check their calls.

    Parameters
    ----------
    cls : type
        The class, or a mixin of its, that defines the methods. Calls by ``super()`` are not
        checked.
    checks : dict of str to callable
        By the name of a method, what is called instead: ``check(self, method, *args)``.
    """
    if cls.__module__.startswith("sknet."):
        return
    for name, check in checks.items():
        owner = next((base for base in cls.__mro__ if name in vars(base)), object)
        method = vars(owner).get(name)
        is_checked = getattr(method, "is_checked", False)
        if isfunction(method) and not owner.__module__.startswith("sknet.") and not is_checked:
            setattr(cls, name, _checked(method, name, check))


def _checked(method, name, check):
    @wraps(method)
    def call(self, *args, **kwargs):
        is_own = getattr(type(self), name) is call and args
        return check(self, method, *args, **kwargs) if is_own else method(self, *args, **kwargs)

    call.is_checked = True
    return call


def _taken(found, shape, dtype, caller, what):
    """Return an array of real numbers of a shape, in which None is any length, or refuse it.

    Other precisions are converted: where they meet kernels, they would be refused or misread.
    """
    is_array = isinstance(found, np.ndarray)
    if (
        is_array
        and found.dtype.kind in "biuf"
        and found.ndim == len(shape)
        and all(n in (m, None) for n, m in zip(shape, found.shape, strict=True))
    ):
        return found if found.dtype == dtype else found.astype(dtype)
    got = f"shape {found.shape} and dtype {found.dtype}" if is_array else brief(found)
    raise BrokenContractError(
        f"{caller} has to return an array of real numbers of shape {shape}, {what}, got {got}."
    )


def _written(found, *args):
    """Return what `_taken` does, copied if it cannot be written."""
    found = _taken(found, *args)
    return found if found.flags.writeable else found.copy()


def _seen(x):
    """Return an array that cannot be written; sparse matrices as they are."""
    return read_only(x) if isinstance(x, np.ndarray) else x


def _refusing_writes(caller, sentence):
    advice = "Write to a copy, or to self._work(name, shape)."
    return refusing_writes(f"{caller} {sentence}. {advice}", BrokenContractError)


def _of_layer(layer, name):
    return f"Layer {layer._label()}: {name}"


def _adapt(layer, method, x):
    with _refusing_writes(_of_layer(layer, "adapt"), "must not write to its input"):
        return method(layer, _seen(x))


def _build(layer, method, input_shape):
    shape = method(layer, input_shape)
    if not isinstance(shape, tuple | list) or not all(
        n is None or isinstance(n, Integral) for n in shape
    ):
        raise BrokenContractError(
            f"{_of_layer(layer, 'build')} has to return the shape of an output, a tuple of int, "
            f"got {brief(shape)}."
        )
    return shape


def _forward(layer, method, x, *args, **kwargs):
    caller, seen = _of_layer(layer, "forward"), _seen(x)
    with _refusing_writes(caller, "must not write to its input"):
        out = method(layer, seen, *args, **kwargs)
    if out is seen:
        out = x
    if not hasattr(layer, "output_shape_") or not isinstance(x, np.ndarray):
        return out  # in no network, or of sparse rows
    shape = [x.shape[0], *layer.output_shape_]
    if len(shape) > 1 and x.shape[1:2] != layer.input_shape_[:1]:  # a few steps of a sequence
        shape[1] = None
    return _taken(out, tuple(shape), x.dtype, caller, "as build said")


def _backward(layer, method, grad_output, *args, **kwargs):
    caller = _of_layer(layer, "backward")
    with _refusing_writes(caller, "must not write to the input of forward"):
        grad = method(layer, grad_output, *args, **kwargs)
    input_grad = args[0] if args else kwargs.get("input_grad", True)
    if not input_grad or not hasattr(layer, "input_shape_"):
        return grad
    shape = (len(grad_output), *layer.input_shape_)
    return _written(grad, shape, grad_output.dtype, caller, "the gradient of its input")


def _compute_mask(layer, method, x, mask):
    found = method(layer, x, mask)
    is_mask = isinstance(found, np.ndarray) and found.dtype == bool and found.ndim == 2
    if found is not None and not (is_mask and len(found) == x.shape[0]):
        raise BrokenContractError(
            f"{_of_layer(layer, 'compute_mask')} has to return None, or a mask of bool of shape "
            f"({x.shape[0]}, steps), got {brief(found)}."
        )
    return found


def _value_and_gradient(loss, method, raw, y, *args, **kwargs):
    caller = f"{type(loss).__name__}.value_and_gradient"
    out = args[1] if len(args) > 1 else kwargs.get("out")
    with _refusing_writes(caller, "must not write to raw or y"):
        found = method(loss, raw if raw is out else _seen(raw), _seen(y), *args, **kwargs)
    if not isinstance(found, tuple) or len(found) != 2 or not _is_number(found[0]):
        raise BrokenContractError(
            f"{caller} has to return a pair, the mean loss as a number and the gradient as an "
            f"array, got {brief(found)}."
        )
    value, gradient = found
    gradient = _written(gradient, raw.shape, raw.dtype, caller, "like raw")
    if out is None or gradient is out:
        return value, gradient
    np.copyto(out, gradient)  # where it was asked for
    return value, out


def _is_number(value):
    return isinstance(value, Real) or (
        isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "biuf"
    )


def _activate(activation, method, x, *args, **kwargs):
    out = args[0] if args else kwargs.get("out")
    caller, seen = f"{type(activation).__name__}.forward", x if x is out else _seen(x)
    with _refusing_writes(caller, "must not write to x, if it is not out"):
        found = method(activation, seen, *args, **kwargs)
    return _taken(x if found is seen else found, x.shape, x.dtype, caller, "like x")


def _deactivate(activation, method, grad, *args, **kwargs):
    found = method(activation, grad, *args, **kwargs)
    caller = f"{type(activation).__name__}.backward"
    return _written(found, grad.shape, grad.dtype, caller, "like grad")


def _step(optimizer, method, grads, *args, **kwargs):
    found = method(optimizer, grads, *args, **kwargs)
    caller = f"{type(optimizer).__name__}._step"
    found = _taken(found, grads.shape, grads.dtype, caller, "like grads")
    # The memory of the gradients is needed before the step is taken.
    return found.copy() if np.may_share_memory(found, grads) else found


def _factor(schedule, method, progress):
    found = method(schedule, progress)
    if not isinstance(found, Real) or not isfinite(found) or found < 0:
        raise BrokenContractError(
            f"{type(schedule).__name__}._factor has to return a finite number of at least 0, got "
            f"{brief(found)}."
        )
    return found


def _penalty(regularizer, method, kernel, grad):
    found = method(regularizer, kernel, grad)
    if not _is_number(found):
        raise BrokenContractError(
            f"{type(regularizer).__name__}.penalty has to return the penalty as a number, and to "
            f"add its gradient to grad, got {brief(found)}."
        )
    return found


def _apply(constraint, method, kernel):
    found = method(constraint, kernel)
    if found is not None and found is not kernel:
        raise BrokenContractError(
            f"{type(constraint).__name__}.apply has to change the kernel in place; what it "
            "returns is not used."
        )


def _blend(mixing, method, x, *args):
    caller, x = f"{type(mixing).__name__}._blend", _seen(x)
    with _refusing_writes(caller, "must not write to x"):
        found = method(mixing, x, *args)
    if not isinstance(found, tuple) or len(found) != 2:
        raise BrokenContractError(
            f"{caller} has to return a pair, the mixtures and the shares, got {brief(found)}."
        )
    return found


def _values(initializer, method, rng, shape, *args):
    found = method(initializer, rng, shape, *args)
    values = np.asarray(found)
    if values.dtype.kind not in "biuf" or not _broadcasts(values.shape, shape):
        raise BrokenContractError(
            f"{type(initializer).__name__}._values has to return real numbers that broadcast to "
            f"the shape {tuple(shape)} of the weights, got {brief(found)}."
        )
    return values


def _broadcasts(shape, wanted):
    try:
        return np.broadcast_shapes(shape, wanted) == tuple(wanted)
    except ValueError:
        return False


OF_INITIALIZERS = {"_values": _values}
OF_SCHEDULES = {"_factor": _factor}
OF_REGULARIZERS = {"penalty": _penalty}
OF_CONSTRAINTS = {"apply": _apply}
OF_MIXING = {"_blend": _blend}
OF_LAYERS = {
    "adapt": _adapt,
    "build": _build,
    "forward": _forward,
    "backward": _backward,
    "compute_mask": _compute_mask,
}
OF_LOSSES = {"value_and_gradient": _value_and_gradient}
OF_ACTIVATIONS = {"forward": _activate, "backward": _deactivate}
OF_OPTIMIZERS = {"_step": _step}
