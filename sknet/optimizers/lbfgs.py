"""L-BFGS, which chooses its own steps."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.utils._param_validation import Interval

from ..base import Component
from ..typing import Array, Function


class LBFGS(Component):
    """Limited-memory BFGS over the whole training set, by SciPy's L-BFGS-B.

    It chooses its own steps and asks for the loss as often as it needs, so it is not an
    `Optimizer`: it has no rate and no `update`, but `minimize`.

    Parameters
    ----------
    max_fun : int, default=15000
        Number of evaluations of the loss after which to stop, >= 1.
    maxcor : int, default=10
        Number of past steps that approximate the curvature, >= 1.

    References
    ----------
    Byrd et al., "A Limited Memory Algorithm for Bound Constrained Optimization",
    SIAM J. Sci. Comput. 16(5), 1995, https://doi.org/10.1137/0916069

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.optimize import rosen, rosen_der
    >>> from sknet.optimizers import LBFGS
    >>> result = LBFGS().minimize(
    ...     lambda x: (rosen(x), rosen_der(x)), np.zeros(3), max_iter=100, tol=1e-8
    ... )
    >>> result.x.round(3)
    array([1., 1., 1.])
    """

    _parameter_constraints = {
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "maxcor": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, *, max_fun: int = 15000, maxcor: int = 10) -> None:
        self.max_fun = max_fun
        self.maxcor = maxcor

    def minimize(
        self,
        value_and_gradient: Function,
        params: Array,
        max_iter: int,
        tol: float,
        callback: Function | None = None,
    ) -> Any:
        """Minimize a function from the given parameters on.

        Parameters
        ----------
        value_and_gradient : callable
            Maps a float64 vector of shape (P,) to the loss, a float, and its gradient, of
            shape (P,); the gradient may be the same array in every call.
        params : ndarray of shape (P,)
            Where to start, of any float dtype; not written.
        max_iter : int
            Number of iterations after which to stop, >= 1.
        tol : float
            Largest absolute element of the gradient at which to stop, > 0.
        callback : callable, default=None
            Called as ``callback(x, loss)`` after every iteration; returning True stops.

        Returns
        -------
        result : scipy.optimize.OptimizeResult
            Its ``x`` is the float64 solution, ``fun`` the loss there, ``nit`` the number of
            iterations, and ``message`` why it stopped.
        """

        def evaluate(x):
            value, gradient = value_and_gradient(x)
            return float(value), np.asarray(gradient, dtype=np.float64)

        # SciPy hands over the loss only to a callback with exactly this parameter's name.
        def stop_on_true(intermediate_result):
            if callback(intermediate_result.x, float(intermediate_result.fun)):
                raise StopIteration

        return minimize(
            evaluate,
            np.array(params, dtype=np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=None if callback is None else stop_on_true,
            options={
                "maxfun": self.max_fun,
                "maxiter": max_iter,
                "gtol": tol,
                "maxcor": self.maxcor,
            },
        )
