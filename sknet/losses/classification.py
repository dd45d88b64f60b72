"""Losses for targets that are classes or labels."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Real
from typing import Any

import numpy as np
from scipy.special import expit, log_expit
from sklearn.utils._param_validation import Interval

from .. import kernels
from ..kernels.numpy_kernels.losses import cross_entropy, row_shares
from ..typing import Array
from .base import Loss

#: The rate that a class or label which never occurs is given in initial biases, unless half
#: of the rarest rate that does occur is lower. A rate, not a count, so that the scale of the
#: weights does not matter.
_FLOOR_RATE = 1e-3


class ClassificationLoss(Loss):
    """Base class of the losses for binary, multiclass, multilabel and multioutput targets.

    Binary targets have one raw prediction, the log-odds of class 1, and multilabel targets
    one a label. Multiclass targets have one raw prediction a class, the logits of a softmax,
    and multioutput targets one block of logits an output, side by side.

    A subclass writes the losses of labels, `_label_losses`, and the losses of classes as
    functions of the log-probability of the true class, `_class_losses`.

    See Also
    --------
    LogLoss : The negative log-likelihood.
    FocalLoss : The log loss that weighs easy rows down.

    Examples
    --------
    >>> from sknet.losses import LogLoss, Target
    >>> LogLoss().build(Target("multioutput", n_outputs=2, n_classes=(3, 4)))
    7
    """

    kinds: tuple[str, ...] = ("binary", "multiclass", "multilabel", "multioutput")
    _smoothing = 0.0
    _blocks = ()

    @property
    def link(self) -> str:
        """The inverse link: "logistic" or "softmax", known after `build`."""
        return "softmax" if self._blocks else "logistic"

    def value_and_gradient(
        self, raw: Array, y: Array, sample_weight: Array | None = None, out: Array | None = None
    ) -> tuple[float, Array]:
        """Compute the weighted mean loss of a batch and its gradient.

        Parameters
        ----------
        raw : ndarray of shape (N, n_raw)
            Raw predictions; never written.
        y : ndarray of shape (N,) or (N, n_outputs)
            Integer codes; for multilabel targets zeros and ones.
        sample_weight : ndarray of shape (N,), default=None
            Relative weights. None weighs all rows 1.
        out : ndarray of shape (N, n_raw), default=None
            Where to write the gradient. None makes a new array.

        Returns
        -------
        value : float
            ``sum_i w_i l_i / N``.
        gradient : ndarray of shape (N, n_raw)
            The gradient of `value` with respect to `raw`: `out` if it was given.
        """
        out = np.empty_like(raw) if out is None else out
        if not self._blocks:
            return self._value_of_labels(raw, y.reshape(raw.shape), sample_weight, out), out
        shares = None if sample_weight is None else row_shares(len(raw), sample_weight, out.dtype)
        if len(self._blocks) == 1 and out.flags.c_contiguous:
            return self._softmax_value(raw, y.reshape(-1), shares, out), out
        value, y = 0.0, y.reshape(len(raw), -1)
        for j, block in enumerate(self._blocks):
            # A contiguous copy: NumPy's argmax would make one of its own.
            logits = self._work(f"logits {j}", (len(raw), block.stop - block.start))
            logits[...] = raw[:, block]
            value += self._softmax_value(logits, y[:, j], shares, logits)
            out[:, block] = logits
        return value, out

    def inverse_link(self, raw: Array) -> Array | Any:
        """Turn raw predictions into probabilities.

        Parameters
        ----------
        raw : ndarray of shape (N, n_raw)
            Raw predictions; never written.

        Returns
        -------
        probabilities : ndarray or list of ndarray
            Binary: (N, 2), the probabilities of both classes, each computed accurately;
            multiclass: (N, K); multilabel: (N, L), the probability of every label;
            multioutput: a list with an array (N, K_j) for every output.
        """
        return self._by_kind(raw, expit, _softmax)

    def log_inverse_link(self, raw: Array) -> Array | Any:
        """Turn raw predictions into log-probabilities, accurate also where they are tiny.

        Parameters
        ----------
        raw : ndarray of shape (N, n_raw)
            Raw predictions; never written.

        Returns
        -------
        log_probabilities : ndarray or list of ndarray
            The logarithms of what `inverse_link` returns, computed from the raw
            predictions.
        """
        return self._by_kind(raw, log_expit, _log_softmax)

    def _value_of_labels(self, raw, y, sample_weight, out):
        """Return the weighted mean loss of labels (N, L), its gradient in `out`."""
        return self.average(self._losses(raw, y, out), out, sample_weight)

    def _losses(self, raw, y, slopes):
        """Return losses of labels (N, L) in scratch memory, their derivatives in `slopes`."""
        losses = self._work("losses", raw.shape)
        self._label_losses(raw, y, losses, slopes)
        return losses

    def row_losses(self, raw: Array, y: Any) -> Array:
        """Compute the losses of the rows one by one."""
        if self._blocks:
            return super().row_losses(raw, y)
        losses = self._losses(raw, y.reshape(raw.shape), np.empty_like(raw))
        return losses.sum(axis=1, dtype=np.float64)

    def _by_kind(self, raw, of_log_odds, of_logits):
        kind = self._target.kind
        if kind == "binary":
            # Both columns from the log-odds: 1 - p loses what is small.
            return of_log_odds(np.concatenate([-raw, raw], axis=1))
        if kind == "multilabel":
            return of_log_odds(raw)
        blocks = [of_logits(raw[:, block]) for block in self._blocks]
        return blocks if kind == "multioutput" else blocks[0]

    def _count_raw(self, target):
        self._blocks = []
        if target.kind in ("binary", "multilabel"):
            return target.n_outputs
        stop = 0
        for n_classes in target.n_classes:
            self._blocks.append(slice(stop, stop + n_classes))
            stop += n_classes
        return stop

    def _best_constant(self, y, weights):
        y = y.reshape(len(y), -1)
        if self._blocks:
            codes = zip(y.T, self._target.n_classes, strict=True)
            counts = [np.bincount(code, weights, minlength=k) for code, k in codes]
            logs = [self._log_rates(count) for count in counts]
            return np.concatenate([log - log.mean() for log in logs])
        # Both classes are summed, so that a label that always occurs is seen as such.
        counts = zip(weights @ (1.0 - y), weights @ y.astype(np.float64), strict=True)
        logs = [self._log_rates(np.array(count)) for count in counts]
        return np.array([log[1] - log[0] for log in logs])

    def _log_rates(self, counts):
        """Return the logarithms of the (smoothed) rates of classes, made finite."""
        seen = counts > 0
        if not seen.any():
            return np.zeros(len(counts))
        rates = counts / counts.sum()
        if self._smoothing and len(rates) > 1:
            rates = rates * (1 - self._smoothing) + self._smoothing / len(rates)
            return np.log(rates)
        rates[~seen] = min(_FLOOR_RATE, rates[seen].min() / 2)
        return np.log(rates)

    def _softmax_value(self, raw, codes, shares, out):
        """Return the weighted loss of one block of logits (N, K), its gradient in `out`.

        `out` is contiguous; `raw` may be `out` itself.
        """
        return kernels.softmax_loss(raw, codes, shares, self._smoothing, out, self._class_losses)

    def _cross_entropy(self, raw, y, losses):
        """Write ``-log p(y)`` of labels in `losses`; return two parts of its derivative."""
        return cross_entropy(raw, y, losses, self._smoothing, self._work)

    @abstractmethod
    def _label_losses(self, raw, y, losses, slopes):
        """Write the losses of labels (N, L) and their derivatives by the log-odds."""

    @abstractmethod
    def _class_losses(self, log_p):
        """Return losses and factors, given the log-probabilities (N,) of the true classes.

        The derivative of a row's loss by its logits is the factor times the softmax less
        the true class, so the factor is minus the derivative of the loss by `log_p`. One
        number is the factor of all rows.
        """


class LogLoss(ClassificationLoss):
    """Log loss, also called cross-entropy: the negative log-likelihood of the classes.

    Binary: ``log(1 + exp(z)) - y z`` of the log-odds z. Multiclass: ``-log softmax(z)_y``
    of the logits z. Multilabel: the sum of the binary losses of the labels. Multioutput:
    the sum of the multiclass losses of the outputs. Raw predictions of shape (N, n_raw)
    give one loss a row. A target with a single class has loss 0.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Share s in [0, 1) of the target that is spread evenly over the K classes: the
        target becomes ``y * (1 - s) + s / K``, for binary targets and every label with
        K = 2.

    See Also
    --------
    FocalLoss : The log loss that weighs easy rows down.

    References
    ----------
    .. [1] C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna, "Rethinking the
       Inception Architecture for Computer Vision", 2015 (label smoothing).
       :arxiv:`1512.00567`

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import LogLoss, Target
    >>> loss = LogLoss()
    >>> loss.build(Target("binary", n_outputs=1, n_classes=(2,)))
    1
    >>> loss.allocate(n_rows=2, dtype=np.float64)
    >>> value, gradient = loss.value_and_gradient(np.zeros((2, 1)), np.array([0, 1]))
    >>> round(value, 4)
    0.6931
    >>> gradient.ravel()
    array([ 0.25, -0.25])
    """

    exact_bias = True
    _parameter_constraints = {"label_smoothing": [Interval(Real, 0, 1, closed="left")]}

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing

    @property
    def _smoothing(self):
        return float(self.label_smoothing)

    @property
    def compiled(self) -> tuple[int, float] | None:
        """What kernels call the loss, and its smoothing, for a target of one column."""
        known = {"multiclass": kernels.OF_CLASSES, "binary": kernels.OF_LABELS}
        kind = known.get(self._target.kind) if type(self) is LogLoss else None
        return None if kind is None else (kind, self._smoothing)

    def _value_of_labels(self, raw, y, sample_weight, out):
        if type(self)._label_losses is not LogLoss._label_losses:  # a subclass has its own
            return super()._value_of_labels(raw, y, sample_weight, out)
        shares = None if sample_weight is None else row_shares(len(raw), sample_weight, out.dtype)
        return kernels.sigmoid_loss(raw, y, shares, self._smoothing, out, self._work)

    def _label_losses(self, raw, y, losses, slopes):
        excess, rest = self._cross_entropy(raw, y, losses)
        np.subtract(excess, rest, out=slopes)

    #: The kernel has the log loss of its own.
    _class_losses = None


class FocalLoss(ClassificationLoss):
    """Focal loss: the log loss times ``(1 - p) ** gamma``, p the probability of the truth.

    Rows that are predicted well count less, which helps where easy rows of a frequent
    class outnumber all others. Binary and multilabel:
    ``-alpha_y (1 - p) ** gamma log(p)``, where ``alpha_y`` is `alpha` for the positive
    class and ``1 - alpha`` for the negative one. Multiclass and multioutput: the same of
    the softmax, without `alpha`. Raw predictions of shape (N, n_raw) give one loss a row.

    Parameters
    ----------
    gamma : float, default=2.0
        How much less easy rows count, from 0: not at all.
    alpha : float in [0, 1], default=None
        Weight of the positive class, for binary and multilabel targets only; the negative
        class has ``1 - alpha``. None weighs both 1.

    See Also
    --------
    LogLoss : The same with gamma = 0.

    References
    ----------
    .. [1] T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar, "Focal Loss for Dense Object
       Detection", 2017. :arxiv:`1708.02002`

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import FocalLoss, Target
    >>> loss = FocalLoss(gamma=2.0)
    >>> loss.build(Target("binary", n_outputs=1, n_classes=(2,)))
    1
    >>> loss.allocate(n_rows=2, dtype=np.float64)
    >>> value, gradient = loss.value_and_gradient(np.zeros((2, 1)), np.array([0, 1]))
    >>> print(round(value / np.log(2), 4))
    0.25
    """

    _parameter_constraints = {
        "gamma": [Interval(Real, 0, None, closed="left")],
        "alpha": [None, Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, *, gamma: float = 2.0, alpha: float | None = None) -> None:
        self.gamma = gamma
        self.alpha = alpha

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of target that the loss supports: without classes if alpha is set."""
        if self.alpha is None:
            return ClassificationLoss.kinds
        return ("binary", "multilabel")

    def _refusal(self, target):
        if target.kind in ClassificationLoss.kinds:
            return (
                f"FocalLoss with alpha={self.alpha!r} expects a binary or multilabel target, "
                f"got a {target.kind} one. Leave alpha=None and weigh the classes by "
                "class_weight."
            )
        return super()._refusal(target)

    def _label_losses(self, raw, y, losses, slopes):
        # With the margin m = (2 y - 1) z, p = expit(m) and q = 1 - p:
        # the slope by m is -q ** gamma (gamma p (-log p) + q), and log q = log p - m.
        gamma = float(self.gamma)
        signs, _ = self._cross_entropy(raw, y, losses)
        np.multiply(y, 2.0, out=signs)
        signs -= 1.0
        log_q = np.multiply(signs, raw, out=self._work("scratch", raw.shape))
        log_q += losses
        np.negative(log_q, out=log_q)
        q = np.exp(log_q, out=self._work("q", raw.shape))
        np.subtract(1.0, q, out=slopes)
        slopes *= losses
        slopes *= gamma
        slopes += q
        focus = np.multiply(log_q, gamma, out=log_q)
        np.exp(focus, out=focus)
        if self.alpha is not None:
            balance = np.multiply(signs, float(self.alpha) - 0.5, out=q)
            balance += 0.5
            focus *= balance
        losses *= focus
        slopes *= focus
        slopes *= signs
        np.negative(slopes, out=slopes)

    def _class_losses(self, log_p):
        # The factor q ** gamma (1 + gamma p (-log p) / q), where (-log p) / q tends to 1.
        gamma = float(self.gamma)
        q = -np.expm1(log_p)
        focus = q**gamma
        losses = np.negative(log_p)
        ratio = losses / np.maximum(q, np.finfo(q.dtype).tiny)
        slopes = focus * (1.0 + gamma * np.exp(log_p) * ratio)
        losses *= focus
        return losses, slopes


def _log_softmax(logits):
    top = logits.argmax(axis=1)[:, None]
    log_p = np.subtract(logits, np.take_along_axis(logits, top, axis=1))
    p = np.exp(log_p)
    np.put_along_axis(p, top, 0, axis=1)  # of 1: the sum of the others tells log p there
    log_p -= np.log1p(p.sum(axis=1, keepdims=True))
    return log_p


def _softmax(logits):
    # SciPy's takes several times as long on one row.
    p = np.subtract(logits, logits.max(axis=1, keepdims=True))
    np.exp(p, out=p)
    p /= p.sum(axis=1, keepdims=True)
    return p
