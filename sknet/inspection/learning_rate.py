"""The loss over a range of learning rates, and the rate that it suggests."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.validation import _num_samples, check_consistent_length

from ..typing import Array, EstimatorLike
from .display import Display, color

#: Decay of the moving average of the losses.
_DECAY = 0.9
#: Losses that are smaller than this do not end a training by growing.
_TINY = 1e-9


class LearningRateDisplay(Display):
    """The loss of batches while the learning rate grows from one step to the next.

    It is recommended to use :func:`learning_rate_range`.

    Parameters
    ----------
    rates : ndarray of shape (n_steps,)
        Learning rate of each step.
    losses : ndarray of shape (n_steps,)
        Loss of each step's batch, before the step, smoothed.
    suggestion : float
        A rate to begin with.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.inspection import LearningRateDisplay
    >>> rates = np.geomspace(1e-5, 1, 50)
    >>> display = LearningRateDisplay(rates, (np.log10(rates) + 2) ** 2, suggestion=1e-3)
    >>> display.plot().ax_.get_xscale()
    'log'
    """

    def __init__(self, rates: Array, losses: Array, *, suggestion: float) -> None:
        self.rates = rates
        self.losses = losses
        self.suggestion = suggestion

    def plot(self, ax: Any = None) -> LearningRateDisplay:
        """Draw the losses and mark the suggestion.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : LearningRateDisplay
            The display itself.
        """
        ax = self._axes(ax)
        ax.semilogx(self.rates, self.losses, color=color(0))
        label = f"learning_rate_init={self.suggestion:.2g}"
        ax.axvline(self.suggestion, color=color(1), ls="--", label=label)
        low, high = self.losses.min(), self.losses[0]
        ax.set_ylim(low - 0.1 * (high - low), high + 0.4 * (high - low))
        ax.set(xlabel="learning rate", ylabel="loss of a batch, smoothed")
        ax.grid(alpha=0.3)
        ax.legend()
        return self


@validate_params(
    {
        "estimator": "no_validation",
        "X": "no_validation",
        "y": "no_validation",
        "low": [Interval(Real, 0, None, closed="neither")],
        "high": [Interval(Real, 0, None, closed="neither")],
        "n_steps": [Interval(Integral, 10, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def learning_rate_range(
    estimator: EstimatorLike,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    low: float = 1e-5,
    high: float = 10.0,
    n_steps: int = 150,
    random_state: int | np.random.RandomState | None = None,
) -> LearningRateDisplay:
    """Try a range of learning rates in one short training.

    A copy of the estimator takes one step a batch, with a rate that grows from `low` to `high` by
    a constant factor [1]_. The loss first falls the faster, and rises when the rate is too high.
    The training ends when the loss is four times its minimum. The suggestion is 1/25 of the first
    rate whose smoothed loss is within 2 % of the whole fall from the minimum: that rate is near
    the edge. On ten tables and MNIST with Adam, it was within a factor of four of the best rate
    of a grid, and mostly within two.

    Parameters
    ----------
    estimator : estimator or Pipeline
        A `NeuralClassifier`, `NeuralRegressor` or `AutoencoderTransformer`, or a pipeline that
        ends with one; fitted or not, it stays as it is.
    X : array-like of shape (n_samples, ...)
        Training samples as `estimator` takes them.
    y : array-like of shape (n_samples, ...), default=None
        Their targets; None for autoencoders.
    low : float, default=1e-5
        Learning rate of the first step, above 0.
    high : float, default=10.0
        Learning rate of the last step, above `low`.
    n_steps : int, default=150
        Number of steps at most, at least 10.
    random_state : int, RandomState instance or None, default=None
        Determines the batches.

    Returns
    -------
    display : LearningRateDisplay
        Rates, losses and `suggestion`; drawn by ``display.plot()``.

    Raises
    ------
    TypeError
        If the estimator does not train step by step.
    ValueError
        If `low` is not below `high`.

    References
    ----------
    .. [1] Smith (2017), Cyclical learning rates for training neural networks, WACV,
       :arxiv:`1506.01186`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknet import NeuralClassifier
    >>> from sknet.inspection import learning_rate_range
    >>> X, y = load_digits(return_X_y=True)
    >>> display = learning_rate_range(NeuralClassifier(random_state=0), X / 16, y, random_state=0)
    >>> 1e-3 < display.suggestion < 0.1
    True
    """
    if low >= high:
        raise ValueError(f"low must be below high, got low={low} and high={high}.")
    check_consistent_length(X, y)
    X, model = _prepared(estimator, X, y)
    n, rng = _num_samples(X), check_random_state(random_state)
    size = min(n, 200) if model.batch_size == "auto" else min(n, model.batch_size)
    rates, losses, average = np.geomspace(low, high, n_steps), [], 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        is_labelled = y is not None and is_classifier(model)
        classes = {"classes": _classes(model, X, y)} if is_labelled else {}
        for rate, rows in zip(rates, _batches(n, size, rng), strict=False):
            model.set_params(learning_rate_init=float(rate))
            target = () if y is None else (_safe_indexing(y, rows),)
            model.partial_fit(_safe_indexing(X, rows), *target, **({} if losses else classes))
            loss = model.history_["loss"][-1]
            if not np.isfinite(loss):
                break
            average = _DECAY * average + (1 - _DECAY) * loss
            losses.append(average / (1 - _DECAY ** (len(losses) + 1)))  # without the start's pull
            if losses[-1] > 4 * abs(min(losses)) + _TINY:
                break
    rates, losses = rates[: len(losses)], np.array(losses)
    return LearningRateDisplay(rates, losses, suggestion=_suggested(rates, losses))


def _suggested(rates, losses):
    """Return a part of the first rate whose loss is near the minimum."""
    least = losses.min()
    is_low = losses <= least + 0.02 * (losses[0] - least)
    return float(rates[np.argmax(is_low)] / 25)


def _prepared(estimator, X, y):
    """Return what the network takes, and a copy of the last step that trains step by step."""
    if isinstance(estimator, Pipeline):
        before = clone(estimator[:-1])
        X = before.fit_transform(X, y) if len(before) else X
        estimator = estimator[-1]
    if not hasattr(estimator, "partial_fit") or not hasattr(estimator, "learning_rate_init"):
        raise TypeError(
            "learning_rate_range expects an estimator that trains step by step, such as "
            f"NeuralClassifier with another solver than lbfgs, got {estimator!r}."
        )
    if not _num_samples(X):
        raise ValueError("learning_rate_range expects at least one sample in X, got none.")
    if y is None and (is_classifier(estimator) or is_regressor(estimator)):
        raise ValueError(f"learning_rate_range expects y for a {type(estimator).__name__}.")
    model = clone(estimator)
    model.set_params(early_stopping=False, learning_rate="constant", verbose=False)
    if getattr(model, "class_weight", None) == "balanced":
        model.set_params(class_weight=None)
    return X, model


def _classes(model, X, y):
    """Return all labels in the form in which `partial_fit` takes them."""
    if np.ndim(y[0] if isinstance(y, list) else y) == (0 if isinstance(y, list) else 1):
        return np.unique(y)
    return clone(model).set_params(max_iter=1).fit(X, y).classes_


def _batches(n, size, rng):
    """Yield positions of rows, all of them once before any comes again."""
    while True:
        order = rng.permutation(n)
        for start in range(0, max(1, n - size + 1), size):
            yield order[start : start + size]
