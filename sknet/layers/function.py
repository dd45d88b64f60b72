"""A layer that plain functions give."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..functions import read_only, refusing_writes
from ..typing import Array, Shape
from .base import Layer

#: Length of sequences of any length, where the functions are tried.
_N_STEPS = 3
#: Step of the central differences, and the relative error that passes.
_STEP, _TOLERANCE = 1e-5, 1e-3


class Lambda(Layer):
    """Layer without weights that is given by two plain functions, forward and backward.

    Both take batches, and treat each row by itself. `fit` tries them on random numbers: the shape
    of the output is found so, and the gradient is compared with central differences.

    Parameters
    ----------
    function : callable
        ``function(x)`` returns the outputs (N, ...) for inputs x of shape ``(N, *input_shape)``,
        which it must not change.
    gradient : callable
        ``gradient(x, grad)`` returns the gradient with respect to x, given that with respect to
        the outputs: the products of grad with the derivatives of the function at x.

    See Also
    --------
    Layer : The base class, for a layer with weights or that needs no new memory in each step.
    sknet.activations.FunctionActivation : An elementwise function, by its derivative.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.layers import Dense, Lambda, Sequential
    >>> def squares(x):
    ...     return x**2
    >>> def gradient_of_squares(x, grad):
    ...     return 2 * x * grad
    >>> block = Sequential([Dense(8), Lambda(squares, gradient_of_squares)])
    """

    _parameter_constraints = {"function": [callable], "gradient": [callable]}

    def __init__(self, function: Any, gradient: Any) -> None:
        self.function = function
        self.gradient = gradient

    def build(self, input_shape: Shape) -> Shape:
        """Try the functions and find the shape of the output."""
        shape = tuple(_N_STEPS if n is None else n for n in input_shape)
        rng = np.random.default_rng(0)
        x = rng.normal(size=(2, *shape))
        with np.errstate(all="ignore"):
            out = self._called("function", self.function, x)
            if len(out) != 2 or not np.allclose(
                self._called("function", self.function, x[:1]), out[:1], equal_nan=True
            ):
                self._refuse(
                    "a function that makes one output of each row, by itself",
                    f"an array of shape {out.shape} for two rows",
                    "Let it keep the first axis.",
                )
            self._check_gradient(x, out, rng)
        free = input_shape and input_shape[0] is None and out.ndim > 1 and out.shape[1] == _N_STEPS
        return (None, *out.shape[2:]) if free else out.shape[1:]

    def _called(self, name, function, *arrays):
        sentence = (
            f"Layer {self._label()}: {name} writes to its argument; let it compute in an array of "
            "its own."
        )
        with refusing_writes(sentence):
            found = np.asarray(function(*map(read_only, arrays)))
        if found.dtype.kind not in "biuf":
            self._refuse(
                f"a {name} that returns real numbers", f"dtype {found.dtype}", "Return floats."
            )
        return found

    def _check_gradient(self, x, out, rng):
        grad = rng.normal(size=out.shape)
        found = self._called("gradient", self.gradient, x, grad)
        if found.shape != x.shape:
            self._refuse(
                f"a gradient of the shape of x, {x.shape}",
                f"{found.shape}",
                "Return the gradient with respect to x.",
            )
        agrees = []
        for _ in range(3):  # one of them may straddle a kink
            way = rng.normal(size=x.shape)
            ends = [
                np.vdot(self._called("function", self.function, x + sign * _STEP * way), grad)
                for sign in (1, -1)
            ]
            slope, expected = np.vdot(found, way), (ends[0] - ends[1]) / (2 * _STEP)
            scale = 1.0 + np.abs(found * way).sum()
            agrees.append(not abs(slope - expected) > _TOLERANCE * scale)
        if not any(agrees):
            self._refuse(
                "a gradient that is that of its function",
                f"a slope of {slope:.6g} where central differences give {expected:.6g}",
                "Correct one of the two.",
            )

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Call the function."""
        if training:
            self._x = x
        return self._copied("out", self._called("function", self.function, x))

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Call the gradient."""
        if not input_grad:
            return None
        found = self._called("gradient", self.gradient, self._x, grad_output)
        return self._copied("grad_x", found)

    def _copied(self, name, result):
        result = np.asarray(result)
        out = self._work(name, result.shape)
        np.copyto(out, result, casting="same_kind")
        return out

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return the mask if the output may have the same steps, else None."""
        steps = self.output_shape_[:1]
        return mask if len(self.output_shape_) > 1 and steps == self.input_shape_[:1] else None
