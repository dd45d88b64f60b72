"""The transcriber: label sequences from longer sequences that they are not aligned with."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from ..compatibility import available_if, fit_context
from ..layers import GRU, Bidirectional
from ..layers.items import LayerItem
from ..losses import CTC
from ..optimizers.base import Optimizer
from ..optimizers.lbfgs import LBFGS
from ..schedules.base import Schedule
from ..settings import isolated
from ..typing import (
    Array,
    Function,
    NamedOptimizer,
    NamedSchedule,
    Precision,
    RandomState,
    RowBlocks,
    Samples,
)
from ..weights import check_weights
from .base import BaseNeuralEstimator
from .block_training import trains_by_steps
from .overflow import warn_of_overflow
from .transcript_targets import TranscriptTargets
from .transcription import beam_search, edit_distance, greedy_path

_PLAIN = {"hidden_layer_sizes", "activation", "dropout", "normalization"}
_SHARED = {k: v for k, v in BaseNeuralEstimator._parameter_constraints.items() if k not in _PLAIN}


class NeuralTranscriber(TranscriptTargets, BaseNeuralEstimator):
    r"""Transcribe sequences: learn label sequences that are not aligned with the steps of X.

    For speech, handwriting and other sequences of which is known what they say, but not where.
    The network gives at each step of its output the probabilities of all labels and of a blank.
    Connectionist temporal classification (CTC) trains it: the probability of a label sequence is
    the sum over all ways to spread it over the steps, see `sknet.losses.CTC`.

    Parameters
    ----------
    layers : list, default=None
        Layers from sequences, of shape (T, F), to a vector a step, such as recurrent layers with
        ``return_sequences=True`` and convolutions: `sknet.layers` objects, pairs
        ("name", layer), or ints n, short for ``Dense(n)``. Pooling and strides shorten the
        output, which must keep as many steps as there are labels, and one more for each label that
        follows itself. The output layer is added. Nested parameters are reached by position or
        name, as in ``layers__0__units``. None is a bidirectional GRU of 64 units.
    input_shape : tuple of int, default=None
        Shape of one sample, such as ``(None, 32)`` for sequences of vectors of length 32; None
        takes it from X.
    beam_size : int, default=1
        Number of beginnings of a label sequence that `predict` keeps, at least 1. 1 reads the
        likeliest path; more add up the paths of each sequence.
    solver : str or sknet.optimizers.Optimizer, default="adam"
        Optimizer: adam, adamw, nadam, radam, amsgrad, rmsprop, adagrad, sgd, sgdw, lion, muon,
        lamb, lbfgs, or an object, which is where momentum, beta_1, weight_decay, max_fun and the
        like are set.
    alpha : float, default=1e-4
        L2 penalty on the kernels, at least 0: alpha / 2 times the sum of their squares,
        divided by the weight of the rows, is added to the loss.
    batch_size : int, default="auto"
        Rows of one step; "auto" is min(200, n_samples). L-BFGS takes all rows.
    learning_rate : str, sknet.schedules.Schedule or callable, default="constant"
        Shape of the rate over the training, for every solver but lbfgs: constant, invscaling,
        adaptive, cosine, cosine_restarts, flat_cosine, log_cosine, one_cycle, cyclic, polynomial,
        exponential, step, piecewise_constant, inverse_time, an object, or a function of the
        progress in [0, 1] that returns the factor of the rate.
    learning_rate_init : float, default=1e-3
        The rate that the schedule scales, above 0.
    max_iter : int, default=200
        Number of epochs at most; of iterations for lbfgs.
    max_time : float, default=None
        Seconds after which training stops with the model it has.
    tol : float, default=1e-4
        Smallest change of the loss (or of the validation score) that counts as progress;
        for lbfgs, largest element of the gradient at which to stop.
    n_iter_no_change : int, default=10
        Training stops after more than this many epochs in a row without progress. Without early
        stopping, schedules of cosine waves, cycles and powers run to their end.
    early_stopping : bool, default=False
        Whether to judge progress on a validation set, stop when it ends, and keep the weights
        of the best epoch. Without `X_val`, a part of the training set is held out.
    validation_fraction : float, default=0.1
        Part of the rows to hold out, in (0, 1); in proportion to the classes.
    scoring : str or callable, default="loss"
        What validation scores: the negative loss, a scikit-learn scorer, or a metric
        ``f(y, prediction)``. A metric whose name ends in _error, _loss or _deviance is negated;
        of others greater is better.
    clip_norm : float, default=5.0
        Norm to which a longer gradient is shortened; None is no limit.
    clip_value : float, default=None
        Largest absolute value of an element of the gradient; larger ones are clipped, before
        `clip_norm`.
    accumulation_steps : int, default=1
        Number of batches whose gradients make one step, at least 1.
    averaging : float, default=None
        Decay of an exponential average of the weights, in (0, 1), which then predicts.
    shuffle : bool, default=True
        Whether the samples are taken in a new order each epoch.
    warm_start : bool, default=False
        Whether `fit` resumes the last fit, with all of the optimizer's state.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the order of samples, the hold-out and the noise. An int
        gives the same bits each time.
    verbose : bool or int, default=False
        1 or True prints a line an epoch. 2 draws a bar, and in a notebook the curve of the loss.
    dtype : {"float32", "float64"}, default=None
        Precision of the computation; None follows X: float32 stays, all else is float64.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels; the blank is none of them.
    network_ : Network
        The network; ``network_.summary()`` prints a table of its layers.
    history_ : dict of list
        One entry an epoch: loss, learning_rate, seconds, and with a validation set
        validation_loss and validation_score.
    n_iter_ : int
        Number of epochs trained, over all calls that continued the training.
    best_iter_ : int
        Number of the epoch whose weights are kept: the best with early stopping, or the last.
    n_outputs_ : int
        Width of the output layer.
    n_features_in_ : int
        Number of features: of samples with several axes, that of the values of one sample; not
        there for sequences of any length, whose steps alone are of one size.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if X had string names.
    loss_, loss_curve_, best_loss_, validation_scores_, best_validation_score_
        As in scikit-learn's MLP, read from `history_`.
    coefs_, intercepts_, n_layers_, out_activation_, t_
        As in scikit-learn's MLP, read from `network_`.

    See Also
    --------
    NeuralClassifier : Predicts a label at each step, where y has one for each.
    NeuralTranslator : Writes sequences that follow no order of the source.

    References
    ----------
    Graves et al. (2006), Connectionist temporal classification: labelling unsegmented sequence
    data with recurrent neural networks, ICML, :doi:`10.1145/1143844.1143891`.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet import NeuralTranscriber
    >>> from sknet.layers import Conv1D
    >>> marks = {"a": [1, 0, 0], "b": [0, 1, 0]}  # with a pause after each
    >>> y = ["ab", "ba", "aab", "bb"] * 8
    >>> X = [np.array([row for mark in text for row in [marks[mark], [0, 0, 1]]]) for text in y]
    >>> model = NeuralTranscriber(
    ...     layers=[Conv1D(8, 3, padding="same")], learning_rate_init=0.05, max_iter=40,
    ...     random_state=0,
    ... )
    >>> model.fit(X, y).predict(X[:4])
    array(['ab', 'ba', 'aab', 'bb'], dtype=object)
    """

    loss: str
    activation: str

    _losses = {"ctc": CTC}
    _auto_batch_size = 32
    _parameter_constraints = {
        **_SHARED,
        "beam_size": [Interval(Integral, 1, None, closed="left")],
    }
    #: What the other estimators leave to the user.
    loss, activation = "ctc", "relu"

    def __init__(
        self,
        layers: Sequence[LayerItem] | None = None,
        input_shape: Sequence[int | None] | None = None,
        *,
        beam_size: int = 1,
        solver: NamedOptimizer | Optimizer | LBFGS = "adam",
        alpha: float = 1e-4,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: NamedSchedule | Schedule | Function = "constant",
        learning_rate_init: float = 1e-3,
        max_iter: int = 200,
        max_time: float | None = None,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        scoring: str | Function = "loss",
        clip_norm: float | None = 5.0,
        clip_value: float | None = None,
        accumulation_steps: int = 1,
        averaging: float | None = None,
        shuffle: bool = True,
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: bool | int = False,
        dtype: Precision | None = None,
    ) -> None:
        self._store(locals())

    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Samples,
        y: Sequence[str | ArrayLike],
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Samples | None = None,
        y_val: Sequence[str | ArrayLike] | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : list of array-like of shape (n_steps, n_features), of length n_samples
            Sequences, or an array of those of one length.
        y : list of str or array-like, of length n_samples
            The labels of each sequence in their order, of any number: the characters of a str, or
            a 1-D array-like.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples. Only their ratios count; a weight of 0 leaves one out.
        X_val : list of array-like of shape (n_steps, n_features), default=None
            Validation set: scored after each epoch, and used by early stopping.
        y_val : list of str or array-like, default=None
            Its label sequences.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Its weights.

        Returns
        -------
        self : NeuralTranscriber
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight, X_val, y_val, sample_weight_val)

    @available_if(trains_by_steps)
    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Samples, y: Sequence[str | ArrayLike], sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one pass over some sequences, resuming where the last call ended.

        The first call has to hold every label.

        Parameters
        ----------
        X : list of array-like of shape (n_steps, n_features), of length n_samples
            Sequences of this call.
        y : list of str or array-like, of length n_samples
            Their labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        self : NeuralTranscriber
            The estimator.
        """
        return self._partial_fit(X, y, sample_weight)

    @available_if(trains_by_steps)
    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def fit_blocks(
        self,
        blocks: RowBlocks,
        *,
        X_val: Samples | None = None,
        y_val: Sequence[str | ArrayLike] | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train the network on sequences that are read block by block.

        Parameters
        ----------
        blocks : sequence or iterable of blocks
            Each block is (X, y) or (X, y, sample_weight), as `fit` takes them. Blocks are read in
            every epoch, and once before the first: a generator will not do. If they can be reached
            by position, as in a list, they are taken in a new order each epoch, where `shuffle` is
            True; others come in the order of their iterator. The rows of a block are shuffled. A
            step has rows of one block.
        X_val : list of array-like of shape (n_steps, n_features), default=None
            Sequences of a validation set, which early stopping needs.
        y_val : list of str or array-like, default=None
            Their labels.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Their weights.

        Returns
        -------
        self : NeuralTranscriber
            The fitted estimator.
        """
        return self._fit_blocks(blocks, X_val, y_val, sample_weight_val)

    @isolated
    def predict(self, X: Samples) -> Any:
        """Return the label sequence of each sample.

        Parameters
        ----------
        X : list of array-like of shape (n_steps, n_features), of length n_samples
            Sequences.

        Returns
        -------
        y : ndarray of str of shape (n_samples,), dtype object, or list of ndarray
            Label sequences: str if those of `fit` were, or else arrays.
        """
        found = [self._sequences.decode(codes) for codes in self._codes(X)]
        return np.array(found, dtype=object) if self._sequences.are_texts else found

    @isolated
    def predict_proba(self, X: Samples) -> Any:
        """Return the probabilities of the labels at each step of the network's output.

        Parameters
        ----------
        X : list of array-like of shape (n_steps, n_features), of length n_samples
            Sequences.

        Returns
        -------
        probabilities : list of ndarray of shape (n_outputs, n_classes + 1)
            Of the labels in the order of `classes_`, and last of the blank; one array for all
            samples where X is one.
        """
        return self._of_steps(X, self._inverse)

    @isolated
    def predict_log_proba(self, X: Samples) -> Any:
        """Return the log-probabilities of the labels at each step of the network's output.

        Parameters
        ----------
        X : list of array-like of shape (n_steps, n_features), of length n_samples
            Sequences.

        Returns
        -------
        log_probabilities : list of ndarray of shape (n_outputs, n_classes + 1)
            Logarithms of what `predict_proba` returns.
        """
        return self._of_steps(X, self._log_inverse)

    @isolated
    def score_samples(self, X: Samples, y: Sequence[str | ArrayLike]) -> Array:
        """Return the log-likelihood of each label sequence.

        Parameters
        ----------
        X : list of array-like of shape (n_steps, n_features), of length n_samples
            Sequences.
        y : list of str or array-like, of length n_samples
            Label sequences.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            Logarithm of the probability of the labels, in nats; -inf if the network's output has
            too few steps for them.
        """
        self._require_fit()
        checked = self._check_X(X)
        places = self._transcripts(y, self._layout(self.network_, checked))
        found, n = np.empty(len(places)), self.network_.chunk_rows(checked)
        for start in range(0, len(places), n):
            rows = slice(start, start + n)
            raw = self.network_.predict(checked[rows])
            found[rows] = -self._loss.row_losses(raw, places[rows])
        warn_of_overflow(self, np.where(found == -np.inf, 0.0, found))
        return found

    @isolated
    def score(
        self, X: Samples, y: Sequence[str | ArrayLike], sample_weight: ArrayLike | None = None
    ) -> float:
        """Return 1 - the label error rate.

        The label error rate is the number of labels that have to be inserted, deleted or replaced
        to turn the predicted sequences into the true ones, over the number of true labels.

        Parameters
        ----------
        X : list of array-like of shape (n_steps, n_features), of length n_samples
            Sequences.
        y : list of str or array-like, of length n_samples
            True label sequences.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            At most 1; below 0 where there are more errors than labels.
        """
        predicted = list(self._codes(X))
        codes, lengths = self._sequences.encode(y)
        if len(lengths) != len(predicted):
            self._refuse_lengths(len(predicted), len(lengths))
        true = np.split(codes, np.cumsum(lengths)[:-1])
        errors = [edit_distance(a, b) for a, b in zip(predicted, true, strict=True)]
        name = type(self).__name__
        weight = check_weights(sample_weight, lengths, "sample_weight", name)
        weight = np.ones(len(lengths)) if weight is None else weight
        if not weight @ lengths:
            raise ValueError(
                f"{name}.score expects at least one label in y, got empty sequences alone."
            )
        return float(1 - weight @ errors / (weight @ lengths))

    def _codes(self, X):
        """Return the codes of the predicted labels of each sample."""
        for log_p in self._of_steps(X, self._log_inverse, refuse_nan=True):
            if self.beam_size == 1:
                yield greedy_path(log_p)
            else:
                yield np.array(beam_search(log_p, self.beam_size)[0][0], dtype=np.intp)

    def _of_steps(self, X, read, refuse_nan=False):
        found = self._read(X, read)
        steps = found if isinstance(found, np.ndarray) else np.concatenate(found)
        warn_of_overflow(self, steps, refuse_nan=refuse_nan)
        return found

    def _inverse(self, raw):
        return self._loss.inverse_link(raw)

    def _log_inverse(self, raw):
        return self._loss.log_inverse_link(raw)

    def _hidden_layers(self):
        if self.layers is None:
            return [("0", Bidirectional(GRU(64, return_sequences=True)))]
        return super()._hidden_layers()

    def _check_combinations(self):
        """Find nothing to refuse: there are no plain hidden layers."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.three_d_array = True
        tags.input_tags.two_d_array = False
        return tags

    def _takes_sparse(self):
        return False
