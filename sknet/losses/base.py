"""What all losses share: the target they are bound to and the weighted mean over rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ..base import Component, Workspace
from ..custom import OF_LOSSES, check_calls
from ..kernels.numpy_kernels.losses import average
from ..typing import Array
from ..weights import bounded


class Target(NamedTuple):
    """What a loss has to know about the target.

    Parameters
    ----------
    kind : {"binary", "multiclass", "multilabel", "multioutput", "continuous", "several", \
"sequences"}
        The kind of target; "several" is one of columns with losses of their own, "sequences" one
        of label sequences that are not aligned with the outputs.
    n_outputs : int
        Number of columns of the target; 1 for a vector.
    n_classes : tuple of int, default=()
        Number of classes of every column, for binary, multiclass and multioutput targets; for
        several ones 0 where a column is continuous.

    See Also
    --------
    Loss : What is bound to a target by `Loss.build`.

    Examples
    --------
    >>> from sknet.losses import Target
    >>> Target("multioutput", n_outputs=2, n_classes=(3, 4)).n_classes
    (3, 4)
    """

    kind: str
    n_outputs: int
    n_classes: tuple[int, ...] = ()


class Loss(Component, ABC):
    """Base class of the losses: value and gradient from raw predictions.

    A loss takes raw predictions, what the last layer gives before any link function, of
    shape (N, n_raw), and owns the link that turns them into predictions. The loss of a
    batch is ``sum_i w_i l_i / N``, where the loss l_i of a row is the sum over its outputs
    or labels. The weights are relative, with mean 1 over the whole training set, so the
    divisor is the number of rows N and never the sum of the weights of a batch.

    A loss for continuous targets needs to write `value_and_gradient` alone: by default
    there is one raw prediction an output, the link is the identity and the initial bias
    is the weighted mean of the target.

    Attributes
    ----------
    kinds : tuple of str
        The kinds of target that the loss supports, see `Target`.
    link : {"identity", "exp", "logistic", "softmax"}
        The inverse link function, known after `build`.
    positive_target : bool
        Whether the target must not be negative.
    takes_standardized : bool
        Whether the target may be standardized for training: predictions must then move and scale
        with it, as those of the squared error do. By default it is left as it is.
    gives_probabilities : bool
        Whether a loss of classes predicts probabilities; else a classifier has none.
    exact_bias : bool
        Whether `initial_bias` is the minimum over all constant raw predictions;
        `sknet.testing.check_loss` then verifies it.

    Examples
    --------
    The pseudo-Huber loss, ``sqrt(1 + r ** 2) - 1`` of the residual r:

    >>> import numpy as np
    >>> from sknet.losses import Loss, Target
    >>> class PseudoHuber(Loss):
    ...     def value_and_gradient(self, raw, y, sample_weight=None, out=None):
    ...         residual = np.subtract(raw, y, out=out)
    ...         losses = np.hypot(residual, 1.0, out=self._work("losses", raw.shape))
    ...         gradient = np.divide(residual, losses, out=residual)
    ...         losses -= 1.0
    ...         return self.average(losses, gradient, sample_weight), gradient
    >>> loss = PseudoHuber()
    >>> loss.build(Target("continuous", n_outputs=1))
    1
    >>> loss.allocate(n_rows=2, dtype=np.float64)
    >>> value, gradient = loss.value_and_gradient(np.zeros((2, 1)), np.array([[0.0], [-1.0]]))
    >>> round(value, 4)
    0.2071
    """

    kinds: tuple[str, ...] = ("continuous",)
    link = "identity"
    positive_target = False
    takes_standardized = False
    exact_bias = False
    gives_probabilities = True
    #: What kernels call the loss, and its smoothing, once there is a target; None if it is none of
    #: theirs.
    compiled: tuple[int, float] | None = None
    #: Whether the loss of a sample with several places is one of all of them together; it then has
    #: a method `value_of_places`, see `Tversky`.
    joins_places = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_calls(cls, OF_LOSSES)

    def build(self, target: Target) -> int:
        """Bind the loss to a target.

        Parameters
        ----------
        target : Target
            Kind and size of the target.

        Returns
        -------
        n_raw : int
            Width of the raw predictions.

        Raises
        ------
        ValueError
            If the loss does not support this kind of target.
        """
        if target.kind not in self.kinds:
            raise ValueError(self._refusal(target))
        self._target = target
        return self._count_raw(target)

    def allocate(self, n_rows: int, dtype: DTypeLike) -> None:
        """Make the scratch memory of `value_and_gradient`.

        Parameters
        ----------
        n_rows : int
            Number of rows of the largest batch.
        dtype : dtype
            Element type of the raw predictions.
        """
        self._work = Workspace(n_rows, dtype)

    def check_target(self, y: Array) -> None:
        """Refuse a target that is out of the range of the loss; by default none is.

        Parameters
        ----------
        y : ndarray
            The encoded target.

        Raises
        ------
        ValueError
            If a value of the target is out of range.
        """

    @abstractmethod
    def value_and_gradient(
        self, raw: Array, y: Array, sample_weight: Array | None = None, out: Array | None = None
    ) -> tuple[float, Array]:
        """Compute the weighted mean loss of a batch and its gradient.

        Parameters
        ----------
        raw : ndarray of shape (N, n_raw)
            Raw predictions; never written.
        y : ndarray
            Encoded target. Binary and multiclass: (N,) integer codes; multilabel: (N, L)
            zeros and ones in the dtype of `raw`; multioutput: (N, n_outputs) integer
            codes; continuous: (N, K) in the dtype of `raw`.
        sample_weight : ndarray of shape (N,), default=None
            Relative weights, with mean 1 over the training set. None weighs all rows 1.
        out : ndarray of shape (N, n_raw), default=None
            Where to write the gradient. None makes a new array.

        Returns
        -------
        value : float
            ``sum_i w_i l_i / N``.
        gradient : ndarray of shape (N, n_raw)
            The gradient of `value` with respect to `raw`: `out` if it was given.
        """

    def row_losses(self, raw: Array, y: Array) -> Array:
        """Compute the losses of the rows one by one.

        Parameters
        ----------
        raw : ndarray of shape (N, n_raw)
            Raw predictions; never written.
        y : ndarray
            Encoded target, as in `value_and_gradient`.

        Returns
        -------
        losses : ndarray of shape (N,), float64
            The losses l_i.
        """
        rows = (slice(i, i + 1) for i in range(len(raw)))
        return np.array([self.value_and_gradient(raw[row], y[row])[0] for row in rows])

    def inverse_link(self, raw: Array) -> Array | Any:
        """Turn raw predictions into predictions.

        Parameters
        ----------
        raw : ndarray of shape (N, n_raw)
            Raw predictions; never written.

        Returns
        -------
        predictions : ndarray, or list of ndarray for multioutput targets
            New arrays with N rows in the dtype of `raw`.
        """
        return raw.copy()

    def initial_bias(self, y: Array, sample_weight: Array | None = None) -> Array:
        """Compute constant raw predictions that a network can start from.

        Parameters
        ----------
        y : ndarray
            Encoded target, as in `value_and_gradient`. Rows of weight 0 are ignored.
        sample_weight : ndarray of shape (N,), default=None
            Weights of any scale. Integer weights equal repeated rows.

        Returns
        -------
        bias : ndarray of shape (n_raw,), float64
            Constant raw predictions; not finite where they overflow.
        """
        y = np.asarray(y)
        weights = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, float)
        weights = bounded(weights)
        counted = weights > 0
        if not counted.all() and counted.any():
            y, weights = y[counted], weights[counted]
        with np.errstate(over="ignore", invalid="ignore"):  # the caller sees what is not finite
            return self._best_constant(y, weights)

    def average(self, losses: Array, gradient: Array, sample_weight: Array | None = None) -> float:
        """Average losses over the rows and scale their gradient to match, in place.

        Parameters
        ----------
        losses : ndarray of shape (N, K) or (N,)
            Losses of the rows, or of every output of every row.
        gradient : ndarray of shape (N, n_raw)
            Derivatives of the rows' losses with respect to the raw predictions;
            overwritten by the gradient of the value.
        sample_weight : ndarray of shape (N,), default=None
            Relative weights.

        Returns
        -------
        value : float
            ``sum_i w_i l_i / N``.
        """
        return average(losses, gradient, sample_weight)

    def _count_raw(self, target):
        return target.n_outputs

    def _refusal(self, target):
        is_of_numbers = self.kinds == ("continuous",)
        own = "; one of your own for classes is a subclass of sknet.losses.ClassificationLoss"
        return (
            f"{type(self).__name__} expects a {' or '.join(self.kinds)} target, got a "
            f"{target.kind} one. Choose another loss{own if is_of_numbers else ''}."
        )

    def _best_constant(self, y, weights):
        """Return `initial_bias` for float64 weights that are positive."""
        return weighted_mean(y, weights)


def weighted_mean(y: Any, weights: Any) -> Array:
    """Return the means (K,) of the columns in float64."""
    total = weights.sum()
    if total == 0:
        weights, total = np.ones_like(weights), len(weights)
    y = np.asarray(y, dtype=np.float64)
    means = weights @ y / total
    return means if np.isfinite(means).all() else (weights / total) @ y  # without overflow


def weighted_quantile(y: Any, weights: Any, quantile: Any) -> Array:
    """Return the quantiles (K,) of the columns in float64 by the inverted CDF.

    That is the smallest value of y up to which lies at least the share `quantile` of the
    weight, so integer weights give exactly what repeated rows give.
    """
    y = np.asarray(y, dtype=np.float64)
    order = np.argsort(y, axis=0, kind="stable")
    cumulated = np.cumsum(weights[order], axis=0)
    # Weights that were scaled to mean 1 miss exact shares by rounding.
    enough = cumulated >= (quantile - 1e-10) * cumulated[-1]
    first = enough.argmax(axis=0)[None]
    return np.take_along_axis(y, np.take_along_axis(order, first, axis=0), axis=0)[0]
