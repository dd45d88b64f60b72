"""The detector of outliers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from numbers import Real
from typing import Literal

import numpy as np
from sklearn.base import OutlierMixin
from sklearn.utils._param_validation import Interval, StrOptions

from ..activations.base import Activation
from ..layers.items import LayerItem
from ..losses.base import Loss, weighted_quantile
from ..optimizers.base import Optimizer
from ..optimizers.lbfgs import LBFGS
from ..schedules.base import Schedule
from ..settings import isolated
from ..typing import (
    Array,
    Function,
    NamedActivation,
    NamedOptimizer,
    NamedReconstructionLoss,
    NamedSchedule,
    Precision,
    RandomState,
    Samples,
    Sizes,
)
from .autoencoder import AutoencoderTransformer
from .rollback import restored_on_error

#: Fences lie this many times the distance of the quartiles beyond them.
_FENCE = 1.5


class NeuralOutlierDetector(OutlierMixin, AutoencoderTransformer):
    """Outlier detector: an autoencoder that finds the rows it cannot reproduce.

    The network is that of `AutoencoderTransformer`, with all its options: noise on the inputs
    makes it a denoising autoencoder, ``variational=True`` a variational one. A row's score is
    minus the loss of its reconstruction, or a bound of its log-likelihood; rows whose score is
    below `offset_` are outliers. The interface is that of scikit-learn's `IsolationForest`.

    Parameters
    ----------
    n_components : int, default=2
        Size of the code, at least 1.
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Widths of the plain hidden layers; an int is one layer.
    activation : str or sknet.activations.Activation, default="relu"
        Activation of the hidden layers: identity, logistic (also called sigmoid), tanh, relu,
        leaky_relu, relu6, elu, selu, gelu, silu, hard_swish, mish, softplus, softsign,
        hard_sigmoid, softmax, or an object.
    contamination : "auto" or float, default="auto"
        Share of outliers in the training set, in (0, 0.5]: that many training rows are below the
        threshold. "auto" assumes no share: the threshold is Tukey's lower fence of the training
        scores, 1.5 times the distance of their quartiles below the first. It cuts off 0.35 % of
        normally distributed scores; those of reconstructions are skewed, and it is often 2 to
        7 %. With `sample_weight`, shares are those of the weight.
    encoder : list, default=None
        Layers instead of the plain hidden ones of the encoder: `sknet.layers` objects, pairs
        ("name", layer), or ints n, short for ``Dense(n, activation)``; reached as in
        ``encoder__0__units``. The linear layer of `n_components` is added after them, after a
        Flatten where they end with several axes. None takes the hidden layer sizes. For sequences
        of any length there is no Flatten: the code is one vector a sequence or one a step, as the
        layers end.
    decoder : list, default=None
        Layers from the code on, in the same form. A linear layer of n_features is added, after a
        Flatten where they end with several axes; but not if they end with the shape of a sample
        of several axes, as ``Conv2DTranspose(1, 3, padding="same")`` may for images, or with a
        Dense of n_features units without activation. None takes the hidden layer sizes in
        reverse, also where the encoder is given. For sequences of any length it reads a code at
        each step, that of the whole sequence if there is one, and ends with one vector a step.
    tied_weights : bool, default=False
        Whether the decoder uses the kernels of the encoder, transposed; the biases are its own.
        For plain hidden layers, and codes that are not variational.
    input_shape : tuple of int, default=None
        Shape of one sample, such as ``(28, 28, 1)``: the rows of a 2-D X are reshaped to it,
        and an X of shape ``(n_samples, *input_shape)`` is taken as it is.
    dropout : float, default=0.0
        Rate of the dropout after each plain hidden layer, in [0, 1).
    normalization : {"batch", "layer"}, default=None
        Normalization in each plain hidden layer, before the activation.
    noise : float, default=0.0
        Noise on the inputs in training, at least 0, whose target is X as it is: the network
        learns to remove it.
    noise_type : {"gaussian", "masking"}, default="gaussian"
        What `noise` is: the standard deviation of normal noise in units of X, or the part of the
        cells, below 1, that are set to 0.
    sparsity : float, default=0.0
        Strength of a penalty on the code that leaves few of its components active, at least 0.
    sparsity_type : {"l1", "kl"}, default="l1"
        The penalty: the sum of the absolute values of the code, or the divergence of the mean
        activation of each component from `sparsity_target`; the code then has the activation
        logistic.
    sparsity_target : float, default=0.05
        Mean activation that "kl" wants of each component, in (0, 1).
    contraction : float, default=0.0
        Strength of a penalty on the squared Jacobian of the code by the inputs, at least 0. It
        is exact, and known for an encoder of one layer only: `hidden_layer_sizes` must be ().
        The code is then that layer, with `activation`, one of identity, logistic, tanh, relu
        and softplus.
    variational : bool, default=False
        Whether the code of a row is a normal distribution, which training keeps close to the
        standard normal one, so that `sample` can draw new rows. `transform` gives its mean.
        The loss is squared_error, for features with normal noise of variance 1 about the
        reconstruction, or log_loss, for the probabilities of ones. Scale X, or set beta, to
        suit: features in [0, 1] have much less noise than 1.
    beta : float, default=1.0
        Factor of the divergence from the standard normal distribution, at least 0. For squared
        errors it has the effect of noise of variance beta.
    handle_missing : {"error", "ignore"}, default="error"
        What to do about NaN in X: refuse it, or train on the observed cells alone. Then a missing
        cell of the input is 0, so X should be scaled such that this is a middling value, and
        the loss leaves it out; `reconstruct` guesses it, `impute` fills it in.
    loss : str or sknet.losses.Loss, default="squared_error"
        Loss of the reconstruction: squared_error, absolute_error, huber, log_loss, or an object.
        Of a row it is the sum over the features, squares by half.
        The log loss is for X in [0, 1]: reconstructions are then probabilities.
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
    clip_norm : float, default=None
        Norm to which a longer gradient is shortened.
    clip_value : float, default=None
        Largest absolute value of an element of the gradient; larger ones are clipped, before
        `clip_norm`.
    accumulation_steps : int, default=1
        Number of batches whose gradients make one step, at least 1: a step sees as many rows as
        with a batch_size so many times as large, in the memory of one batch.
    averaging : float, default=None
        Decay of an exponential average of the weights, in (0, 1), which then predicts.
    shuffle : bool, default=True
        Whether the rows are taken in a new order each epoch.
    warm_start : bool, default=False
        Whether `fit` resumes the last fit, with all of the optimizer's state.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the order of rows, the hold-out and the noise. An int
        gives the same bits each time.
    verbose : bool or int, default=False
        1 or True prints a line an epoch. 2 draws a bar, and in a notebook the curve of the loss.
    dtype : {"float32", "float64"}, default=None
        Precision of the computation and of the predictions; None follows X: float32 stays,
        all else is float64.

    Attributes
    ----------
    offset_ : float
        Threshold of the scores: ``decision_function(X) = score_samples(X) - offset_``. After
        `partial_fit` it is that of the rows of the last call.
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
    AutoencoderTransformer : The same network as a transformer.
    sklearn.ensemble.IsolationForest : Outliers by random trees.

    References
    ----------
    Tukey (1977), Exploratory data analysis, Addison-Wesley.
    Hawkins et al. (2002), Outlier detection using replicator neural networks, DaWaK,
    :doi:`10.1007/3-540-46145-0_17`.
    An and Cho (2015), Variational autoencoder based anomaly detection using reconstruction
    probability, SNU Data Mining Center.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet import NeuralOutlierDetector
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 1)) * [1, 1, -1] + rng.normal(0, 0.1, size=(300, 3))
    >>> detector = NeuralOutlierDetector(1, (), learning_rate_init=0.01, random_state=0).fit(X)
    >>> detector.predict([[1, 1, -1], [1, 1, 1]])
    array([ 1, -1])
    """

    _parameter_constraints = {
        **AutoencoderTransformer._parameter_constraints,
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
    }

    def __init__(
        self,
        n_components: int = 2,
        hidden_layer_sizes: Sizes = (100,),
        activation: NamedActivation | Activation = "relu",
        *,
        contamination: float | Literal["auto"] = "auto",
        encoder: Sequence[LayerItem] | None = None,
        decoder: Sequence[LayerItem] | None = None,
        tied_weights: bool = False,
        input_shape: Sequence[int | None] | None = None,
        dropout: float = 0.0,
        normalization: Literal["batch", "layer"] | None = None,
        noise: float = 0.0,
        noise_type: Literal["gaussian", "masking"] = "gaussian",
        sparsity: float = 0.0,
        sparsity_type: Literal["l1", "kl"] = "l1",
        sparsity_target: float = 0.05,
        contraction: float = 0.0,
        variational: bool = False,
        beta: float = 1.0,
        handle_missing: Literal["error", "ignore"] = "error",
        loss: NamedReconstructionLoss | Loss = "squared_error",
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
        scoring: Literal["loss"] | Function = "loss",
        clip_norm: float | None = None,
        clip_value: float | None = None,
        accumulation_steps: int = 1,
        averaging: float | None = None,
        shuffle: bool = True,
        warm_start: bool = False,
        random_state: RandomState | None = None,
        verbose: bool | int = False,
        dtype: Precision | None = None,
    ) -> None:
        self._store(locals())

    def _fit(self, X, y, sample_weight, *validation):
        with self._threshold_of(X, sample_weight):
            return super()._fit(X, y, sample_weight, *validation)

    def _partial_fit(self, X, y, sample_weight):
        with self._threshold_of(X, sample_weight):
            return super()._partial_fit(X, y, sample_weight)

    @contextmanager
    def _threshold_of(self, X, sample_weight):
        """Set the threshold after a training, also after a resumed one that fails midway."""
        trainer, offset = (vars(self).get(name) for name in ("_trainer", "offset_"))
        with restored_on_error(self):
            vars(self).pop("offset_", None)  # that of other weights
            try:
                yield
            finally:
                if vars(self).get("_trainer") is not trainer:
                    self._set_offset(X, sample_weight)
                elif offset is not None:  # all is as it was
                    self.offset_ = offset

    def _set_offset(self, X, sample_weight):
        scores = self.score_samples(X)
        weight = np.ones(len(scores)) if sample_weight is None else np.asarray(sample_weight)
        self.offset_: float = _threshold(scores, weight, self.contamination)

    @isolated
    def decision_function(self, X: Samples) -> Array:
        """Return how far the scores of some rows are above the threshold.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            ``score_samples(X) - offset_``, negative for outliers.
        """
        scores = self.score_samples(X)
        if not hasattr(self, "offset_"):
            raise ValueError(
                f"{type(self).__name__} knows its threshold when the training has ended. Scorers "
                "and callbacks have score_samples alone."
            )
        return scores - self.offset_

    @isolated
    def predict(self, X: Samples) -> Array:
        """Tell outliers from other rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.

        Returns
        -------
        is_inlier : ndarray of shape (n_samples,)
            -1 for outliers and 1 for all others.
        """
        # A score that overflows to NaN is an outlier's.
        return np.where(self.decision_function(X) >= 0, 1, -1)


def _threshold(scores, weight, contamination):
    """Return the score below which rows are outliers."""
    scores, weight = scores[weight > 0], weight[weight > 0]

    def quantile(share):
        return float(weighted_quantile(scores[:, None], weight, share)[0])

    if isinstance(contamination, str):
        low, high = quantile(0.25), quantile(0.75)
        return low - _FENCE * (high - low)
    last = quantile(contamination)
    others = scores[scores > last]
    # Between two scores, as they differ in the last bits with the rows around them.
    return (last + float(others.min())) / 2 if len(others) else last
