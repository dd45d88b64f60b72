"""Penalties on the kernels of single layers, and conditions that they keep."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from .base import Component, named_component
from .custom import OF_CONSTRAINTS, OF_REGULARIZERS, check_calls
from .typing import Array

__all__ = ["L1L2", "KernelConstraint", "MaxNorm", "NonNegative", "Regularizer", "UnitNorm"]

_AT_LEAST_ZERO = [Interval(Real, 0, None, closed="left")]


class Regularizer(Component, ABC):
    """Penalty on a kernel that is added to the mean loss of each batch.

    See Also
    --------
    L1L2 : The one that there is.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.regularization import Regularizer
    >>> class Quartic(Regularizer):
    ...     def penalty(self, kernel, grad):
    ...         grad += 4 * kernel**3
    ...         return float((kernel**4).sum())
    >>> Quartic().penalty(np.ones((2, 2)), np.zeros((2, 2)))
    4.0
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_calls(cls, OF_REGULARIZERS)

    @abstractmethod
    def penalty(self, kernel: Array, grad: Array) -> float:
        """Return the penalty and add its gradient.

        Parameters
        ----------
        kernel : ndarray
            The kernel; left as it is.
        grad : ndarray
            Gradient with respect to the kernel; added to.

        Returns
        -------
        penalty : float
            What is added to the loss.
        """


class L1L2(Regularizer):
    """Sum of absolute values and of squares: ``l1 * sum(abs(w)) + l2 * sum(w ** 2)``.

    It is added to the mean loss of each batch, as in Keras. The parameter `alpha` of the
    estimators is for the kernels of all layers and is divided by the number of rows; with
    `sum(w ** 2)` here, ``l2 = alpha / (2 n)`` is the same penalty.

    Parameters
    ----------
    l1 : float, default=0.0
        Factor of the absolute values, at least 0: small weights are driven to about 0.
    l2 : float, default=0.0
        Factor of the squares, at least 0.

    References
    ----------
    Tibshirani (1996), Regression shrinkage and selection via the lasso, Journal of the Royal
    Statistical Society B 58, :doi:`10.1111/j.2517-6161.1996.tb02080.x`.

    Examples
    --------
    >>> from sknet.layers import Dense
    >>> from sknet.regularization import L1L2
    >>> layer = Dense(64, activation="relu", kernel_regularizer=L1L2(l1=1e-4))
    """

    _parameter_constraints = {"l1": _AT_LEAST_ZERO, "l2": _AT_LEAST_ZERO}

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = l1
        self.l2 = l2

    def penalty(self, kernel: Array, grad: Array) -> Any:
        total = 0.0
        if self.l1:
            grad += float(self.l1) * np.sign(kernel)
            total += float(self.l1) * float(np.abs(kernel).sum())
        if self.l2:
            grad += 2.0 * float(self.l2) * kernel
            total += float(self.l2) * float(np.vdot(kernel, kernel))
        return total


class KernelConstraint(Component, ABC):
    """Condition on a kernel to which it is brought back after each step.

    The kernel of shape (..., units) has one vector for each unit, of all its other axes.

    See Also
    --------
    MaxNorm, NonNegative, UnitNorm : Those that there are.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.regularization import KernelConstraint
    >>> class AtMostOne(KernelConstraint):
    ...     def apply(self, kernel):
    ...         np.minimum(kernel, 1.0, out=kernel)
    >>> kernel = np.array([[0.5, 3.0]])
    >>> AtMostOne().apply(kernel)
    >>> kernel
    array([[0.5, 1. ]])
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_calls(cls, OF_CONSTRAINTS)

    @abstractmethod
    def apply(self, kernel: Array) -> Any:
        """Change a kernel, in place, to the nearest that keeps the condition.

        Parameters
        ----------
        kernel : ndarray of shape (..., units)
            The kernel; written.
        """


def _norms(kernel):
    """Return the norm of the vector of each unit."""
    vectors = kernel.reshape(-1, kernel.shape[-1])
    return np.sqrt(np.einsum("iu,iu->u", vectors, vectors))


class MaxNorm(KernelConstraint):
    """Vectors of units of at most a given norm: longer ones are shortened.

    Parameters
    ----------
    max_norm : float, default=3.0
        Largest norm, above 0.

    References
    ----------
    Srivastava et al. (2014), Dropout: a simple way to prevent neural networks from
    overfitting, JMLR 15.

    Examples
    --------
    >>> from sknet.layers import Dense
    >>> from sknet.regularization import MaxNorm
    >>> layer = Dense(64, activation="relu", kernel_constraint=MaxNorm(2.0))
    """

    _parameter_constraints = {"max_norm": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, max_norm: float = 3.0) -> None:
        self.max_norm = max_norm

    def apply(self, kernel: Array) -> None:
        kernel *= np.minimum(1.0, self.max_norm / np.maximum(_norms(kernel), self.max_norm))


class NonNegative(KernelConstraint):
    """No weights below 0: those are set to 0.

    References
    ----------
    Chorowski and Zurada (2015), Learning understandable neural networks with nonnegative weight
    constraints, IEEE Transactions on Neural Networks and Learning Systems 26,
    :doi:`10.1109/TNNLS.2014.2310059`.

    Examples
    --------
    >>> from sknet.layers import Dense
    >>> from sknet.regularization import NonNegative
    >>> layer = Dense(64, activation="relu", kernel_constraint=NonNegative())
    """

    def apply(self, kernel: Array) -> None:
        np.maximum(kernel, 0.0, out=kernel)


class UnitNorm(KernelConstraint):
    """Vectors of units of norm 1; those of norm 0 stay.

    References
    ----------
    Salimans and Kingma (2016), Weight normalization, :arxiv:`1602.07868`.

    Examples
    --------
    >>> from sknet.layers import Dense
    >>> from sknet.regularization import UnitNorm
    >>> layer = Dense(64, activation="relu", kernel_constraint=UnitNorm())
    """

    def apply(self, kernel: Array) -> None:
        norms = _norms(kernel)
        norms[norms == 0] = 1.0
        kernel /= norms


#: The constraints of kernels by name.
KERNEL_CONSTRAINTS = {"max_norm": MaxNorm, "non_negative": NonNegative, "unit_norm": UnitNorm}

#: Constraints of the parameters by which layers take them.
OF_KERNELS = {
    "kernel_regularizer": [Regularizer, None],
    "kernel_constraint": [StrOptions(set(KERNEL_CONSTRAINTS)), KernelConstraint, None],
}


class RegularizedKernels:
    """The kernels of a network that have penalties or constraints of their own.

    Parameters
    ----------
    layer : Layer
        The outermost layer of a replica that is trained.
    """

    def __init__(self, layer: Any) -> None:
        self._penalized, self._constrained = [], []
        for part in layer.walk():
            if part.is_frozen or not (part.kernel_regularizer or part.kernel_constraint):
                continue
            names = [weight.name for weight in part._weights if weight.decay]
            kernels = [getattr(part, f"{name}_") for name in names]
            by_unit = [np.moveaxis(kernel, part._units_axis, -1) for kernel in kernels]
            if part.kernel_regularizer is not None:
                grads = [getattr(part, f"{name}_grad_") for name in names]
                pairs = zip(kernels, grads, strict=True)
                self._penalized += [(part.kernel_regularizer, *pair) for pair in pairs]
            if part.kernel_constraint is not None:
                constraint = named_component(
                    part.kernel_constraint,
                    KERNEL_CONSTRAINTS,
                    KernelConstraint,
                    "kernel_constraint",
                )
                self._constrained += [(constraint, kernel) for kernel in by_unit]

    def penalize(self) -> float:
        """Add the gradients of the penalties.

        Returns
        -------
        penalty : float
            Sum of the penalties.
        """
        total = 0.0
        for regularizer, *pair in self._penalized:
            total += regularizer.penalty(*pair)
        return total

    def constrain(self) -> None:
        """Bring the kernels back to what they must be."""
        for constraint, kernel in self._constrained:
            constraint.apply(kernel)
