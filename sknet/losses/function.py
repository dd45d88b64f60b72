"""A loss that plain functions give."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..functions import FunctionComponent, read_only, refusing_writes, wrong_slopes
from ..typing import Array, Function
from .base import Loss

#: Distances of predictions from the target at which the gradient is checked, in deviations.
_DISTANCES = np.array([0.05, 2.0, 0.5, 4.0, 1.0])
#: Columns of the target at most that are checked.
_N_COLUMNS = 4


class FunctionLoss(FunctionComponent, Loss):
    """Loss that is given by two plain functions: the loss of each row, and its derivative.

    The functions see predictions as `NeuralRegressor.predict` returns them, in the unit of y: the
    link is the identity, and networks start at the mean of y. Sample weights and the mean over
    the rows are added. `fit` compares the derivative with central differences of the value, at a
    few targets of the training rows.

    Parameters
    ----------
    value : callable
        ``value(y, prediction)`` returns the loss of each row, an array of shape (n,). `y` and
        `prediction` have shape (n,), or (n, K) for K targets; the function must not change them,
        and may treat no row by what is in others.
    gradient : callable
        ``gradient(y, prediction)`` returns the derivative of each row's loss by its prediction,
        an array of the shape of `prediction`.
    takes_standardized : bool, default=False
        Whether `NeuralRegressor` may standardize y, which trains faster where its deviation is far
        from 1. The functions then see y and predictions less the mean of y, in units of its
        standard deviation: for a loss of ``prediction - y`` alone.

    See Also
    --------
    Loss : The base class, for a loss with parameters, a link or a start of its own.
    sknet.testing.check_loss : Checks more than `fit` does.

    Examples
    --------
    Errors above the target cost three times as much:

    >>> import numpy as np
    >>> from sknet import NeuralRegressor
    >>> from sknet.losses import FunctionLoss
    >>> def cost(y, prediction):
    ...     return np.where(prediction > y, 3.0, 1.0) * (prediction - y) ** 2
    >>> def slope(y, prediction):
    ...     return np.where(prediction > y, 6.0, 2.0) * (prediction - y)
    >>> X = np.linspace(-1, 1, 100).reshape(-1, 1)
    >>> y = np.random.default_rng(0).normal(size=100)
    >>> loss = FunctionLoss(cost, slope)
    >>> network = NeuralRegressor((), loss=loss, solver="lbfgs", random_state=0).fit(X, y)
    >>> bool(np.mean(network.predict(X) > y) < 0.5)
    True
    """

    _parameter_constraints = {
        "value": [callable],
        "gradient": [callable],
        "takes_standardized": ["boolean"],
    }

    def __init__(
        self, value: Function, gradient: Function, *, takes_standardized: bool = False
    ) -> None:
        self.value = value
        self.gradient = gradient
        self.takes_standardized = takes_standardized

    def check_target(self, y: Array) -> None:
        """Refuse functions that do not fit together, at some of the targets.

        Parameters
        ----------
        y : ndarray of shape (N, K)
            The target.

        Raises
        ------
        ValueError
            If a function returns something else than it has to, or if the gradient is not that of
            the value; the message says where.
        """
        rows = np.linspace(0, len(y) - 1, 2 * len(_DISTANCES)).astype(int)
        y = np.asarray(y[rows], np.float64)
        spread = np.std(y, axis=0)
        spread = np.where(spread > 0, spread, np.maximum(np.abs(y[0]), 1.0))
        signs = (-1.0) ** np.add.outer(np.arange(len(y)), np.arange(y.shape[1]))
        distances = np.tile(_DISTANCES, 2)[:, None] * signs * spread
        points = y, y + distances
        slopes = self._checked_slopes(*points)
        values = self._values_of(*points)
        self._check_rows(*points, values)
        for column in range(0, y.shape[1], -(-y.shape[1] // _N_COLUMNS)):
            self._check_column(*points, slopes, column, 1e-5 * spread[column])

    def value_and_gradient(
        self, raw: Array, y: Any, sample_weight: Any = None, out: Array | None = None
    ) -> tuple[float, Array]:
        """Compute the weighted mean loss of a batch and its gradient."""
        out = np.empty_like(raw) if out is None else out
        with np.errstate(all="ignore"):
            losses = self._values_of(y, raw)
            np.copyto(out, self._checked_slopes(y, raw), casting="same_kind")
            return self.average(losses, out, sample_weight), out

    def row_losses(self, raw: Array, y: Any) -> Array:
        """Compute the losses of the rows one by one."""
        return self._values_of(y, raw)

    def _ask(self, name, y, prediction):
        """Return what a function gives for arrays (n, K), which it cannot write to."""
        pair = (y[:, 0], prediction[:, 0]) if y.shape[1] == 1 else (y, prediction)
        function = getattr(self, name)
        sentence = (
            f"{type(self).__name__}: {name} writes to y or to prediction; let it compute in "
            "arrays of its own."
        )
        with refusing_writes(sentence), np.errstate(all="ignore"):
            return function(*map(read_only, pair)), pair[1].shape

    def _values_of(self, y, prediction):
        found, shape = self._ask("value", y, prediction)
        meaning = "the loss of each row" + " (sum over the targets)" * (len(shape) > 1)
        return self._numbers("value", found, shape[:1], meaning).astype(np.float64)

    def _checked_slopes(self, y, prediction):
        found, shape = self._ask("gradient", y, prediction)
        meaning = "the derivative of each row's loss by its prediction"
        found = self._numbers("gradient", found, shape, meaning)
        return found.reshape(y.shape).astype(np.float64)

    def _check_rows(self, y, prediction, values):
        """Refuse values that are nowhere finite, or that depend on other rows."""
        if not np.isfinite(values).any():
            raise ValueError(
                f"{type(self).__name__}: value returns {values[0]} at {_place(y, prediction, 0)}, "
                "and no finite number at other targets. Let it be finite for all predictions."
            )
        tolerance = 1e-9 * np.max(np.abs(values), initial=0.0, where=np.isfinite(values))
        for row in range(len(y)):
            alone = self._values_of(y[row : row + 1], prediction[row : row + 1])[0]
            if np.isfinite(alone) and not np.isclose(alone, values[row], 1e-6, tolerance):
                raise ValueError(
                    f"{type(self).__name__}: value returns {values[row]:.6g} for a row among "
                    f"others, and {alone:.6g} for the same row alone, at "
                    f"{_place(y, prediction, row)}. The loss of a row must not depend on other "
                    "rows; sknet takes the mean."
                )

    def _check_column(self, y, prediction, slopes, column, step):
        low, high = prediction.copy(), prediction.copy()
        low[:, column] -= step
        high[:, column] += step
        width = high[:, column] - low[:, column]
        pair = self._values_of(y, low), self._values_of(y, high)
        for row, slope, difference in wrong_slopes(slopes[:, column], *pair, width):
            of = f" of target {column}" if y.shape[1] > 1 else ""
            raise ValueError(
                f"{type(self).__name__}: gradient is not the derivative of value: at "
                f"{_place(y, prediction, row)} it returns {slope:.6g}{of}, and central "
                f"differences of value give {difference:.6g}. Correct one of the two."
            )


def _place(y, prediction, row):
    """Describe a point."""
    pair = (y[row].round(6).tolist(), prediction[row].round(6).tolist())
    y, prediction = (values[0] if len(values) == 1 else values for values in pair)
    return f"y = {y} and prediction = {prediction}"
