"""The loss of label sequences that are not aligned with the steps of the output."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
from scipy.special import log_softmax

from ..typing import Array
from .base import Loss


class CTC(Loss):
    r"""Connectionist temporal classification: the likelihood of a label sequence.

    Each step of the output gives log-probabilities of the K labels and of a blank, the last one.
    A path takes one of them at each step; it reads as the labels that are left when repetitions
    are taken as one and blanks are left out. The loss of a sample is

    -log sum_paths prod_t softmax(z_t)[path_t],

    the sum over all paths that read as its labels. It is computed by the forward-backward
    algorithm, in logarithms and in float64. The gradient of z_t is softmax(z_t) less the
    probability of each label at step t, given that the path reads as the labels.

    See Also
    --------
    sknet.NeuralTranscriber : Trains with this loss, and reads label sequences from outputs.

    References
    ----------
    .. [1] A. Graves, S. Fernandez, F. Gomez, J. Schmidhuber, "Connectionist temporal
       classification: labelling unsegmented sequence data with recurrent neural networks", ICML
       2006. :doi:`10.1145/1143844.1143891`

    Examples
    --------
    >>> from sknet.losses import CTC, Target
    >>> CTC().build(Target("sequences", n_outputs=1, n_classes=(10,)))
    11
    """

    kinds: tuple[str, ...] = ("sequences",)
    link = "softmax"

    def _count_raw(self, target):
        return target.n_classes[0] + 1

    def value_and_gradient(
        self,
        raw: Array,
        y: Any,
        sample_weight: Array | None = None,
        out: Array | None = None,
    ) -> tuple[float, Array]:
        """Compute the weighted mean loss of a batch and its gradient.

        Parameters
        ----------
        raw : ndarray of shape (N, T, K + 1)
            Raw predictions; never written.
        y : Transcripts
            The label sequences of N samples, and which of their outputs are real.
        sample_weight : ndarray of shape (N,), default=None
            Relative weights of the samples.
        out : ndarray of shape (N, T, K + 1), default=None
            Where to write the gradient. None makes a new array.

        Returns
        -------
        value : float
            ``sum_i w_i l_i / N``; infinite where a sequence is too long for its outputs.
        gradient : ndarray of shape (N, T, K + 1)
            Its gradient with respect to `raw`; zero at outputs that are not real.
        """
        out = np.empty_like(raw) if out is None else out
        log_p, index = real_log_probabilities(raw, y)
        log_likelihoods, occupancy = forward_backward(log_p, y)
        weight = np.ones(len(raw)) if sample_weight is None else sample_weight
        shares = weight.astype(np.float64) / len(raw)
        gradient = np.exp(log_p, out=log_p)
        gradient -= occupancy
        gradient *= shares[:, None]
        rows = out.reshape(-1, raw.shape[-1])
        rows.fill(0)
        rows[index] = gradient.swapaxes(0, 1)[_mask(y.outputs.lengths)]
        return float(shares @ -log_likelihoods), out

    def row_losses(self, raw: Array, y: Any) -> Array:
        """Compute the losses of the samples one by one."""
        log_p, _ = real_log_probabilities(raw, y)
        return -forward_backward(log_p, y, backward=False)[0]

    def inverse_link(self, raw: Array) -> Array | Any:
        """Turn raw predictions of shape (..., K + 1) into probabilities."""
        return np.exp(self.log_inverse_link(raw))

    def log_inverse_link(self, raw: Array) -> Array:
        """Turn raw predictions of shape (..., K + 1) into log-probabilities.

        Parameters
        ----------
        raw : ndarray of shape (..., K + 1)
            Raw predictions; never written.

        Returns
        -------
        log_probabilities : ndarray of shape (..., K + 1)
            Of each label, and last of the blank.
        """
        return log_softmax(raw, axis=-1)

    def initial_bias(self, y: Any, sample_weight: Any = None) -> Array:
        """Start from equal probabilities of all labels and the blank."""
        return np.zeros(self._target.n_classes[0] + 1)


def real_log_probabilities(raw: Array, y: Any) -> tuple[Array, Array]:
    """Return the log-probabilities of the real outputs of a batch, steps first.

    Parameters
    ----------
    raw : ndarray of shape (N, T, K + 1)
        Raw predictions.
    y : Transcripts
        Tells which outputs are real.

    Returns
    -------
    log_p : ndarray of float64 of shape (longest, N, K + 1)
        Log-probabilities; the real outputs of each sample come first, padding is zero.
    index : ndarray of int of shape (number of real outputs,)
        Where they are among all outputs.
    """
    rows, outputs = raw.reshape(-1, raw.shape[-1]), y.outputs
    index = outputs.index(raw.shape[1])
    index = np.arange(len(rows)) if index is None else index
    log_p = np.zeros((int(outputs.lengths.max()), len(raw), raw.shape[-1]))
    found = log_softmax(rows[index].astype(np.float64), axis=1)
    log_p.swapaxes(0, 1)[_mask(outputs.lengths)] = found
    return log_p, index


def forward_backward(log_p: Array, y: Any, backward: bool = True) -> tuple[Array, Array | None]:
    """Add up the probabilities of all paths that read as given labels.

    Parameters
    ----------
    log_p : ndarray of shape (T, N, K + 1)
        Log-probabilities of the labels and of the blank, the last.
    y : Transcripts
        Label sequences of N samples.
    backward : bool, default=True
        Whether the occupancy is wanted.

    Returns
    -------
    log_likelihoods : ndarray of shape (N,)
        Logarithm of the sum for each sample; -inf if no path is long enough.
    occupancy : ndarray of shape (T, N, K + 1) or None
        Probability of each label at each step, given that the path reads as the labels.
    """
    states, exists, skips = _states(y, log_p.shape[2] - 1)
    emitted = np.take_along_axis(log_p, states[None], axis=2)  # (T, N, S)
    emitted[:, ~exists] = -inf
    n_steps = y.outputs.lengths
    alpha = np.empty_like(emitted)
    alpha[0], alpha[0, :, :2] = -inf, emitted[0, :, :2]
    for step in range(1, len(alpha)):
        np.add(_reached(alpha[step - 1], skips), emitted[step], out=alpha[step])
    rows = np.arange(len(states))
    final = np.full(states.shape, -inf)  # paths end with the last label or a blank after it
    final[rows, 2 * y.lengths] = 0.0
    final[rows, np.maximum(2 * y.lengths - 1, 0)] = 0.0
    log_likelihoods = np.logaddexp.reduce(alpha[n_steps - 1, rows] + final, axis=1)
    if not backward:
        return log_likelihoods, None
    # Read backward, a path goes from state to state as one read forward does.
    skips_back = np.zeros_like(skips)
    skips_back[:, :-2] = skips[:, 2:]
    beta = np.full(states.shape, -inf)
    finite = np.where(np.isfinite(log_likelihoods), log_likelihoods, 0.0)[:, None]
    for step in reversed(range(len(alpha))):
        if step + 1 < len(alpha):
            beta = _reached((beta + emitted[step + 1])[:, ::-1], skips_back[:, ::-1])[:, ::-1]
        beta = np.where((n_steps == step + 1)[:, None], final, beta)
        alpha[step] += beta - finite
    np.exp(alpha, out=alpha)
    labels = np.arange(log_p.shape[2])
    one_hot = (states[:, :, None] == labels) & exists[:, :, None]
    occupancy = np.matmul(alpha.swapaxes(0, 1), one_hot.astype(np.float64))
    return log_likelihoods, occupancy.swapaxes(0, 1)


def _states(y, blank):
    """Return the states of each sample's paths: its labels, and blanks around each of them.

    Also, which states exist, and which can be reached past the blank before them.
    """
    longest = int(y.lengths.max())
    states = np.full((len(y), 2 * longest + 1), blank, np.intp)
    is_label = _mask(y.lengths, longest)
    states[:, 1::2][is_label] = y.joined()
    exists = _mask(2 * y.lengths + 1, states.shape[1])
    skips = np.zeros(states.shape, bool)
    skips[:, 3::2] = states[:, 3::2] != states[:, 1:-2:2]
    return states, exists, skips & exists


def _reached(values, skips):
    """Return the logarithm of what comes to each state: from itself, the last, the one before."""
    out = values.copy()
    np.logaddexp(values[:, 1:], values[:, :-1], out=out[:, 1:])
    skipped = np.where(skips[:, 2:], values[:, :-2], -inf)
    np.logaddexp(out[:, 2:], skipped, out=out[:, 2:])
    return out


def _mask(lengths, longest=None):
    longest = int(lengths.max()) if longest is None else longest
    return np.arange(longest) < lengths[:, None]
