"""Losses of targets whose columns are one thing: a distribution, or a direction."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..typing import Array, Shape
from .base import Loss, weighted_mean


class _VectorLoss(Loss):
    """Base class of the losses of rows of several columns."""

    exact_bias = True

    def build(self, target: Any) -> Shape:
        """Bind the loss to a target of several columns."""
        width = super().build(target)
        if width < 2:
            raise ValueError(
                f"{type(self).__name__} expects a target of at least two columns, got one. Choose "
                "another loss."
            )
        return width

    def row_losses(self, raw: Array, y: Any) -> Array:
        """Compute the losses of the rows one by one."""
        return self._losses(raw, y, np.empty_like(raw)).astype(np.float64)

    def value_and_gradient(
        self, raw: Array, y: Any, sample_weight: Any = None, out: Array | None = None
    ) -> tuple[float, Array]:
        """Compute the weighted mean loss of a batch and its gradient."""
        out = np.empty_like(raw) if out is None else out
        with np.errstate(all="ignore"):
            return self.average(self._losses(raw, y, out), out, sample_weight), out


class KLDivergence(_VectorLoss):
    """Kullback-Leibler divergence of a distribution from that which is predicted.

    The target is a distribution over its K columns, y >= 0, as of the votes of several experts,
    and so is the prediction, p = softmax(z): ``sum over k of y_k log(y_k / p_k)``. Rows of y
    that do not add up to 1 count as much as their sum. Raw predictions z of shape (N, K) give one
    loss a row.

    See Also
    --------
    LogLoss : For targets that are classes.

    References
    ----------
    .. [1] S. Kullback and R. A. Leibler, "On Information and Sufficiency", The Annals of
       Mathematical Statistics 22, 1951. :doi:`10.1214/aoms/1177729694`

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import KLDivergence, Target
    >>> loss = KLDivergence()
    >>> loss.build(Target("continuous", n_outputs=2))
    2
    >>> loss.allocate(n_rows=1, dtype=np.float64)
    >>> round(loss.value_and_gradient(np.zeros((1, 2)), np.array([[1.0, 0.0]]))[0], 4)
    0.6931
    """

    link = "softmax"
    positive_target = True

    def check_target(self, y: Any) -> None:
        """Refuse a target with negative numbers or with rows of zeros."""
        if np.min(y) < 0 or not np.sum(y, axis=1).all():
            raise ValueError(
                "KLDivergence expects distributions as rows of y, not all zero, each value zero "
                f"or positive, got values down to {np.min(y):g}. Transform the target or choose "
                "another loss."
            )

    def _losses(self, raw, y, slopes):
        terms = self._work("terms", raw.shape)
        log_p = np.subtract(raw, raw.max(axis=1, keepdims=True), out=slopes)
        log_p -= np.log(np.exp(log_p, out=terms).sum(axis=1, keepdims=True))
        totals = y.sum(axis=1)
        # 0 log(0) is 0.
        np.log(np.maximum(y, np.finfo(y.dtype).tiny, out=terms), out=terms)
        terms -= log_p
        losses = np.vecdot(terms, y)
        losses -= totals * np.log(totals)
        np.exp(log_p, out=slopes)
        slopes *= totals[:, None]
        slopes -= y
        return losses

    def inverse_link(self, raw: Array) -> Array | Any:
        """Turn raw predictions into distributions."""
        p = np.exp(raw - raw.max(axis=1, keepdims=True))
        return p / p.sum(axis=1, keepdims=True)

    def _best_constant(self, y, weights):
        means = weighted_mean(y, weights)
        logs = np.log(np.maximum(means, 1e-3 * means.max()))
        return logs - logs.mean()

    exact_bias = False  # where a column is always zero


class CosineSimilarity(_VectorLoss):
    """One less the cosine of the angle between target and prediction: directions alone count.

    ``1 - z @ y / (norm(z) norm(y))`` for the rows z and y, of K columns each. A row of zeros has
    the cosine 0, and no gradient. Raw predictions of shape (N, K), which are the predictions,
    give one loss a row.

    See Also
    --------
    SquaredError : Compares lengths, too.

    References
    ----------
    .. [1] C. D. Manning, P. Raghavan and H. Schütze, "Introduction to Information Retrieval",
       Cambridge University Press, 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import CosineSimilarity, Target
    >>> loss = CosineSimilarity()
    >>> loss.build(Target("continuous", n_outputs=2))
    2
    >>> loss.allocate(n_rows=1, dtype=np.float64)
    >>> round(loss.value_and_gradient(np.array([[3.0, 0.0]]), np.array([[1.0, 1.0]]))[0], 4)
    0.2929
    """

    def _losses(self, raw, y, slopes):
        sizes = np.sqrt(np.vecdot(raw, raw))
        of_y = np.sqrt(np.vecdot(y, y))
        sizes[sizes == 0] = np.inf
        of_y[of_y == 0] = np.inf
        cosines = np.vecdot(raw, y) / (sizes * of_y)
        # d cosine / d z = (y / norm(y) - cosine z / norm(z)) / norm(z)
        np.multiply(raw, (cosines / sizes)[:, None], out=slopes)
        slopes -= np.divide(y, of_y[:, None], out=self._work("directions", raw.shape))
        slopes /= sizes[:, None]
        return 1.0 - cosines

    def _best_constant(self, y, weights):
        sizes = np.linalg.norm(np.asarray(y, np.float64), axis=1, keepdims=True)
        mean = weighted_mean(y / np.where(sizes > 0, sizes, np.inf), weights)
        size = np.linalg.norm(mean)
        return mean / size if size > 0 else np.eye(len(mean))[0]
