"""Losses of how well predicted regions of images overlap with the true ones."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.utils._param_validation import Interval

from ..typing import Array
from .classification import ClassificationLoss

_AT_LEAST_ZERO = [Interval(Real, 0, None, closed="left")]


class Tversky(ClassificationLoss):
    """Tversky loss of the pixels of an image: 1 less an index of overlap.

    With the probabilities p of a class and t = 1 where it is true, over all places of a sample,

    index = (TP + smooth) / (TP + alpha FP + beta FN + smooth),

    where TP = sum of p t, FP = sum of p (1 - t), FN = sum of (1 - p) t. Binary: the index of
    class 1; multiclass and multilabel: the mean over the classes or labels. Where each pixel has
    a class, one loss a sample is averaged, so that a small region counts as much as a large one;
    a target with one class a row, without places, has one place. Weights of places count in the
    sums.

    Parameters
    ----------
    alpha : float, default=0.3
        Weight of false positives, at least 0.
    beta : float, default=0.7
        Weight of false negatives, at least 0.
    smooth : float, default=1.0
        Added to both terms, above 0: without true or predicted pixels the loss is 0.

    See Also
    --------
    Dice : Both weights 1/2.

    References
    ----------
    .. [1] S. Salehi, D. Erdogmus and A. Gholipour, "Tversky loss function for image segmentation
       using 3D fully convolutional deep networks", 2017. :arxiv:`1706.05721`

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import Target, Tversky
    >>> loss = Tversky(alpha=0.5, beta=0.5, smooth=1.0)
    >>> loss.build(Target("binary", n_outputs=1, n_classes=(2,)))
    1
    >>> loss.allocate(n_rows=1, dtype=np.float64)
    >>> round(loss.value_and_gradient(np.array([[0.0]]), np.array([1]))[0], 4)
    0.1429
    """

    kinds = ("binary", "multiclass", "multilabel")
    #: `PlacewiseLoss` calls `value_of_places`: the places of a sample belong together.
    joins_places = True
    _class_losses = _label_losses = None
    _parameter_constraints = {
        "alpha": _AT_LEAST_ZERO,
        "beta": _AT_LEAST_ZERO,
        "smooth": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, alpha: float = 0.3, beta: float = 0.7, smooth: float = 1.0) -> None:
        self.alpha = alpha
        self.beta = beta
        self.smooth = smooth

    def _parameters(self):
        return float(self.alpha), float(self.beta), float(self.smooth)

    def value_and_gradient(
        self, raw: Array, y: Any, sample_weight: Any = None, out: Array | None = None
    ) -> tuple[float, Array]:
        """Compute the weighted mean loss of rows, each of one place."""
        starts = np.arange(len(raw))
        return self.value_of_places(raw, y, starts, None, sample_weight, out)

    def row_losses(self, raw: Array, y: Any) -> Array:
        """Compute the losses of the rows one by one."""
        starts, slopes = np.arange(len(raw)), np.empty_like(raw)
        return self._of_samples(raw, y, starts, None, np.ones(len(raw)), slopes)[0]

    def value_of_places(
        self,
        raw: Array,
        y: Array,
        starts: Array,
        weights: Array | None,
        sample_weight: Array | None = None,
        out: Array | None = None,
    ) -> tuple[float, Array]:
        """Compute the weighted mean loss of samples from those of their places.

        Parameters
        ----------
        raw : ndarray of shape (n_places, n_raw)
            Raw predictions of the places of all samples, one sample after the other.
        y : ndarray
            Encoded targets of the places.
        starts : ndarray of int of shape (N,)
            Where the places of each sample start; each has one at least.
        weights : ndarray of shape (n_places,) or None
            Weights of the places.
        sample_weight : ndarray of shape (N,), default=None
            Relative weights of the samples.
        out : ndarray of shape (n_places, n_raw), default=None
            Where to write the gradient.

        Returns
        -------
        value : float
            ``sum_i w_i l_i / N``.
        gradient : ndarray of shape (n_places, n_raw)
            The gradient of `value` with respect to `raw`.
        """
        out = np.empty_like(raw) if out is None else out
        n = len(starts)
        shares = np.full(n, 1 / n) if sample_weight is None else np.asarray(sample_weight) / n
        losses, p = self._of_samples(raw, y, starts, weights, shares, out)
        if self._blocks:  # the Jacobian of the softmax
            out -= np.vecdot(out, p)[:, None]
        else:
            np.subtract(1.0, p, out=self._work("t", raw.shape))
            out *= self._work("t", raw.shape)
        out *= p
        return float(shares @ losses), out

    def _of_samples(self, raw, y, starts, weights, shares, slopes):
        """Return losses of samples, and probabilities; write the slopes by these."""
        alpha, beta, smooth = self._parameters()
        work, shape = self._work, raw.shape
        p, t = self._probabilities(raw, work("p", shape)), self._indicators(y, work("t", shape))
        sample = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(raw))))

        def total(values, name):
            if weights is not None:
                values = np.multiply(values, weights[:, None], out=slopes)
            return np.add.reduceat(values, starts, axis=0, out=work(name, of_samples))

        def times_of_places(array, values):
            array *= np.take(values, sample, axis=0, out=work("part", shape), mode="clip")

        of_samples = len(starts), shape[1]
        numerator = total(np.multiply(p, t, out=slopes), "hits")
        denominator, missed = total(p, "predicted"), total(t, "true")
        for errors, factor in ((denominator, alpha), (missed, beta)):
            errors -= numerator
            errors *= factor
        numerator += smooth
        denominator += missed
        denominator += numerator
        index = np.divide(numerator, denominator, out=missed)
        losses = 1.0 - index.mean(axis=1)
        # d index / d p = w (t D - N (t + alpha (1 - t) - beta t)) / D**2
        scale = (shares / shape[1])[:, None]
        index /= denominator
        index *= scale
        np.divide(scale, denominator, out=denominator, casting="same_kind")
        np.multiply(t, 1.0 - alpha - beta, out=slopes)
        slopes += alpha
        times_of_places(slopes, index)
        times_of_places(t, denominator)
        slopes -= t
        if weights is not None:
            slopes *= weights[:, None]
        return losses, p

    def _probabilities(self, raw, out):
        if not self._blocks:
            return expit(raw, out=out)
        np.subtract(raw, raw.max(axis=1, keepdims=True), out=out)
        np.exp(out, out=out)
        out /= out.sum(axis=1, keepdims=True)
        return out

    def _indicators(self, y, out):
        if not self._blocks:
            out[...] = y.reshape(out.shape)
            return out
        out.fill(0.0)
        out[np.arange(len(out)), y.reshape(-1)] = 1.0
        return out


class Dice(Tversky):
    """Dice loss of the pixels of an image: 1 less the coefficient of Sørensen and Dice.

    With the probabilities p of a class and t = 1 where it is true, over all places of a sample,

    coefficient = (2 sum of p t + smooth) / (sum of p + sum of t + smooth).

    Binary: that of class 1; multiclass and multilabel: the mean over the classes or labels. It
    is `Tversky` with both weights 1/2, see there for places and weights.

    Parameters
    ----------
    smooth : float, default=1.0
        Added to both terms, above 0: without true or predicted pixels the loss is 0.

    See Also
    --------
    Tversky : Weighs false positives and false negatives differently.

    References
    ----------
    .. [1] F. Milletari, N. Navab and S. Ahmadi, "V-Net: fully convolutional neural networks for
       volumetric medical image segmentation", 2016. :arxiv:`1606.04797`

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import Dice, Target
    >>> loss = Dice()
    >>> loss.build(Target("binary", n_outputs=1, n_classes=(2,)))
    1
    >>> loss.allocate(n_rows=1, dtype=np.float64)
    >>> round(loss.value_and_gradient(np.array([[0.0]]), np.array([1]))[0], 4)
    0.2
    """

    _parameter_constraints = {"smooth": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, smooth: float = 1.0) -> None:
        self.smooth = smooth

    def _parameters(self):
        return 0.5, 0.5, 0.5 * float(self.smooth)
