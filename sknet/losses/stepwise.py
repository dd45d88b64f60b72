"""The log loss of every step of a sequence."""

import numpy as np

from .classification import LogLoss


class StepwiseLogLoss(LogLoss):
    """Log loss of the next token at every step, averaged over the steps that are real.

    Raw predictions are logits of shape (N, T, K). The target is a `sknet.tokens.TokenWindows`,
    which knows the next tokens, where its windows end, and the mean number of steps M of a
    window in the whole data set. The loss of a batch is the sum over its real steps, divided by
    N M: its mean over an epoch is the mean over all real steps of the data set.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        As in `LogLoss`.
    """

    def value_and_gradient(self, raw, y, sample_weight=None, out=None):
        """Compute the mean loss of the real steps of a batch and its gradient.

        Parameters
        ----------
        raw : ndarray of shape (N, T, K)
            Logits; never written.
        y : TokenWindows
            N windows, the longest of T steps.
        sample_weight : ndarray of shape (N,), default=None
            Relative weights of the windows.
        out : ndarray of shape (N, T, K), default=None
            Where to write the gradient. None makes a new array.

        Returns
        -------
        value : float
            The loss.
        gradient : ndarray of shape (N, T, K)
            Its gradient with respect to `raw`; zero at steps that are not real.
        """
        out = np.empty_like(raw) if out is None else out
        codes, is_real = y.targets(self._work)
        shares = np.multiply(
            is_real, 1 / (len(raw) * y.mean_length), out=self._work("shares", codes.shape)
        )
        if sample_weight is not None:
            shares *= sample_weight[:, None]
        flat = (-1, raw.shape[-1])
        value = self._softmax_value(
            raw.reshape(flat), codes.reshape(-1), shares.reshape(-1), out.reshape(flat)
        )
        return value, out

    def log_inverse_link(self, raw):
        """Turn logits into log-probabilities.

        Parameters
        ----------
        raw : ndarray of shape (N, T, K)
            Logits; never written.

        Returns
        -------
        log_probabilities : ndarray of shape (N, T, K)
            Of each token to be the next.
        """
        return super().log_inverse_link(raw.reshape(-1, raw.shape[-1])).reshape(raw.shape)

    def inverse_link(self, raw):
        """Turn logits into probabilities.

        Parameters
        ----------
        raw : ndarray of shape (N, T, K)
            Logits; never written.

        Returns
        -------
        probabilities : ndarray of shape (N, T, K)
            Of each token to be the next.
        """
        return super().inverse_link(raw.reshape(-1, raw.shape[-1])).reshape(raw.shape)

    def initial_bias(self, y, sample_weight=None):
        """Compute the logits of the tokens' frequencies.

        Parameters
        ----------
        y : TokenWindows
            Windows.
        sample_weight : ndarray of shape (N,), default=None
            Weights of the windows.

        Returns
        -------
        bias : ndarray of shape (K,), float64
            Finite logits.
        """
        weight = None if sample_weight is None else np.repeat(sample_weight, y.lengths)
        return super().initial_bias(y.joined_targets(), weight)
