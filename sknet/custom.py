"""Checks of custom classes at each call: what breaks the contract is told of where it arises.

A wrong shape would else end in another class, in an error that does not name its cause, or be
broadcast. Classes of sknet are held to the contract by tests, and are not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from functools import wraps
from numbers import Integral, Real
from typing import Any

import numpy as np

from .base import brief
from .functions import read_only


class BrokenContractError(AssertionError, ValueError):
    """A custom class does not do what its base class asks for.

    For who fits an estimator it is a wrong value, for `sknet.testing` an assertion that fails.
    """


def check_calls(cls: type, checks: Mapping[str, Callable[..., Any]]) -> None:
    """Let the methods that a class defines check their calls, unless the class is of sknet.

    Parameters
    ----------
    cls : type
        The class. Calls by ``super()`` are not checked.
    checks : dict of str to callable
        By the name of a method, what is called instead: ``check(self, method, *args)``.
    """
    if cls.__module__.startswith("sknet."):
        return
    for name, check in checks.items():
        if name in vars(cls):
            setattr(cls, name, _checked(vars(cls)[name], name, check))


def _checked(method, name, check):
    @wraps(method)
    def call(self, *args, **kwargs):
        is_own = getattr(type(self), name) is call and args
        return check(self, method, *args, **kwargs) if is_own else method(self, *args, **kwargs)

    return call


def _require_array(found, shape, caller, what):
    """Refuse what is no array of real numbers of a shape, in which None is any length."""
    is_array = isinstance(found, np.ndarray)
    if (
        is_array
        and found.dtype.kind in "biuf"
        and found.ndim == len(shape)
        and all(n in (m, None) for n, m in zip(shape, found.shape, strict=True))
    ):
        return
    got = f"shape {found.shape} and dtype {found.dtype}" if is_array else brief(found)
    raise BrokenContractError(
        f"{caller} has to return an array of real numbers of shape {shape}, {what}, got {got}."
    )


@contextmanager
def _telling_of_writes(layer, sentence):
    try:
        yield
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise BrokenContractError(
            f"Layer {layer._label()}: {sentence}. Write to a copy, or to self._work(name, shape)."
        ) from error


def _build(layer, method, input_shape):
    shape = method(layer, input_shape)
    if not isinstance(shape, tuple | list) or not all(
        n is None or isinstance(n, Integral) for n in shape
    ):
        raise BrokenContractError(
            f"Layer {layer._label()}: build has to return the shape of an output, a tuple of "
            f"int, got {brief(shape)}."
        )
    return shape


def _forward(layer, method, x, *args, **kwargs):
    seen = read_only(x)
    with _telling_of_writes(layer, "forward must not write to its input"):
        out = method(layer, seen, *args, **kwargs)
    if hasattr(layer, "output_shape_"):  # else it is in no network
        shape = [len(x), *layer.output_shape_]
        if len(shape) > 1 and x.shape[1:2] != layer.input_shape_[:1]:  # a few steps of a sequence
            shape[1] = None
        _require_array(out, tuple(shape), f"Layer {layer._label()}: forward", "as build said")
    return x if out is seen else out


def _backward(layer, method, grad_output, input_grad=True):
    with _telling_of_writes(layer, "backward must not write to the input of forward"):
        grad = method(layer, grad_output, input_grad)
    if input_grad and hasattr(layer, "input_shape_"):
        shape = (len(grad_output), *layer.input_shape_)
        caller = f"Layer {layer._label()}: backward"
        _require_array(grad, shape, caller, "the gradient of its input")
    return grad


def _value_and_gradient(loss, method, raw, *args, **kwargs):
    found = method(loss, raw, *args, **kwargs)
    caller = f"{type(loss).__name__}.value_and_gradient"
    if not isinstance(found, tuple) or len(found) != 2 or not _is_number(found[0]):
        raise BrokenContractError(
            f"{caller} has to return a pair, the mean loss as a number and the gradient as an "
            f"array, got {brief(found)}."
        )
    _require_array(found[1], raw.shape, caller, "like raw")
    return found


def _is_number(value):
    return isinstance(value, Real | np.ndarray) and np.ndim(value) == 0


def _activate(activation, method, x, *args, **kwargs):
    found = method(activation, x, *args, **kwargs)
    _require_array(found, x.shape, f"{type(activation).__name__}.forward", "like x")
    return found


def _deactivate(activation, method, grad, *args, **kwargs):
    found = method(activation, grad, *args, **kwargs)
    _require_array(found, grad.shape, f"{type(activation).__name__}.backward", "like grad")
    return found


def _step(optimizer, method, grads, *args, **kwargs):
    found = method(optimizer, grads, *args, **kwargs)
    _require_array(found, grads.shape, f"{type(optimizer).__name__}._step", "like grads")
    return found


OF_LAYERS = {"build": _build, "forward": _forward, "backward": _backward}
OF_LOSSES = {"value_and_gradient": _value_and_gradient}
OF_ACTIVATIONS = {"forward": _activate, "backward": _deactivate}
OF_OPTIMIZERS = {"_step": _step}
