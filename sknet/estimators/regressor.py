"""The regressor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions

from ..activations.base import Activation
from ..cells import as_array
from ..compatibility import available_if, fit_context
from ..finite import check_finite
from ..layers.items import LayerItem
from ..losses import REGRESSION_LOSSES, Gaussian, Loss, LossName, Quantile, Target
from ..mixing import MIXINGS, Mixing
from ..optimizers.base import Optimizer
from ..optimizers.lbfgs import LBFGS
from ..schedules.base import Schedule
from ..settings import isolated
from ..typing import (
    Array,
    Function,
    NamedActivation,
    NamedOptimizer,
    NamedRegressionLoss,
    NamedSchedule,
    Precision,
    RandomState,
    RowBlocks,
    Samples,
    Sizes,
    Targets,
)
from .base import BaseNeuralEstimator
from .block_training import trains_by_steps
from .overflow import warn_of_overflow
from .placewise import PlacewiseTargets
from .regression_scores import regression_score
from .standardized_target import StandardizedTarget
from .target_frame import TargetFrame


class NeuralRegressor(
    TargetFrame, StandardizedTarget, RegressorMixin, PlacewiseTargets, BaseNeuralEstimator
):
    """Neural network for regression of one or several targets.

    A scikit-learn estimator whose parameters are those of `sklearn.neural_network.MLPRegressor`
    where they mean the same, and whose `layers` make it any other network.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Widths of the plain hidden layers; an int is one layer.
    activation : str or sknet.activations.Activation, default="relu"
        Activation of the hidden layers: identity, logistic (also called sigmoid), tanh, relu,
        leaky_relu, relu6, elu, selu, gelu, silu, hard_swish, mish, softplus, softsign,
        hard_sigmoid, softmax, or an object.
    layers : list, default=None
        Layers instead of the plain hidden ones: `sknet.layers` objects, pairs
        ("name", layer), or ints n, short for ``Dense(n, activation)``. The output layer is
        added by the estimator. Nested parameters are reached by position or name, as in
        ``layers__0__units``.
    input_shape : tuple of int, default=None
        Shape of one sample, such as ``(28, 28, 1)``: the rows of a 2-D X are reshaped to it,
        and an X of shape ``(n_samples, *input_shape)`` is taken as it is.
    dropout : float, default=0.0
        Rate of the dropout after each plain hidden layer, in [0, 1).
    normalization : {"batch", "layer"}, default=None
        Normalization in each plain hidden layer, before the activation.
    loss : str, sknet.losses.Loss or dict, default="squared_error"
        Loss: squared_error, absolute_error, huber, log_cosh, poisson, gamma, tweedie, quantile,
        gaussian, kl_divergence, cosine_similarity, or an object, such as
        ``Quantile([0.05, 0.5, 0.95])`` or ``FunctionLoss(value, gradient)``. For a y that is a
        data frame, a dict of the names of its columns and their losses, those of
        `NeuralClassifier` included, such as ``{"price": "squared_error", "sold": "log_loss"}``; a
        pair ``("log_loss", 0.5)`` is a loss and its weight in the sum. Missing values of y do
        not count then.
    standardize_target : bool, default=True
        Whether each target is standardized for training by the weighted mean and standard
        deviation of the training rows. Those of the first call are kept by `partial_fit` and
        ``warm_start=True``. Predictions, standard deviations and scorers are in the unit of y;
        `loss_`, `history_` and `tol` are in that of the standardized y, and so are ``delta`` of
        Huber and ``min_variance`` of Gaussian. It has no effect with the losses poisson, gamma,
        tweedie, kl_divergence and cosine_similarity, nor with a custom loss unless it says so by
        `sknet.losses.Loss.takes_standardized`. Where float32 would lose digits of y, as where
        its mean is more than 100 deviations from 0, predictions are float64 whatever `dtype`.
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
    mixing : {"mixup", "cutmix"} or sknet.mixing.Mixing, default=None
        How each training sample is mixed with another of its batch, and their targets with
        them: by weighted means, or by rectangles of images. Validation is left as it is.
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
    target_mean_, target_scale_ : ndarray of shape (n_targets,) or None
        By which y is standardized; None where it is not. With a loss by columns, 0 and 1 for
        those that are not.
    classes_ : dict of str to ndarray
        With a loss by columns, the sorted labels of those that have a loss for classes.

    See Also
    --------
    NeuralClassifier : The same for classification.
    sknet.losses : What `loss` may be.

    References
    ----------
    Goodfellow, Bengio and Courville (2016), Deep Learning, MIT Press.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet import NeuralRegressor
    >>> X = np.linspace(-2, 2, 200).reshape(-1, 1)
    >>> y = np.sin(2 * X[:, 0])
    >>> network = NeuralRegressor((32, 32), solver="lbfgs", random_state=0).fit(X, y)
    >>> bool(network.score(X, y) > 0.99)
    True
    """

    _losses = REGRESSION_LOSSES
    _on_tables = "Or use TabularRegressor, which takes such tables as they are."
    _has_numeric_target = True
    _parameter_constraints = {
        **BaseNeuralEstimator._parameter_constraints,
        "mixing": [StrOptions(set(MIXINGS)), Mixing, None],
        "loss": [LossName(REGRESSION_LOSSES), Loss, dict],
        "standardize_target": ["boolean"],
    }

    def __init__(
        self,
        hidden_layer_sizes: Sizes = (100,),
        activation: NamedActivation | Activation = "relu",
        *,
        layers: Sequence[LayerItem] | None = None,
        input_shape: Sequence[int | None] | None = None,
        dropout: float = 0.0,
        normalization: Literal["batch", "layer"] | None = None,
        loss: NamedRegressionLoss | Loss | dict[str, Any] = "squared_error",
        standardize_target: bool = True,
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
        mixing: Literal["mixup", "cutmix"] | Mixing | None = None,
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

    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Samples,
        y: Targets,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Samples | None = None,
        y_val: Targets | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows, or samples of shape `input_shape`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets; a data frame for a loss by columns. If the layers end with several vectors a
            sample, one for each step or pixel, y has a value at each of these places: shape
            (n_samples, T) or (n_samples, H, W), or a list of arrays as long as the sequences of X.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, or of all places in the form of y. Only their ratios count for the
            loss; a weight of 0 leaves a row or place out.
        X_val : {array-like, sparse matrix} of shape (n_validation, n_features), default=None
            Validation set: scored after each epoch, and used by early stopping.
        y_val : array-like in the form of y, default=None
            Its targets.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Its weights.

        Returns
        -------
        self : NeuralRegressor
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight, X_val, y_val, sample_weight_val)

    @available_if(trains_by_steps)
    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Samples, y: Targets, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one pass over some rows, resuming where the last call ended.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of this call.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, or of all places in the form of y. Only their ratios count for the
            loss; a weight of 0 leaves a row or place out.

        Returns
        -------
        self : NeuralRegressor
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
        y_val: Targets | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train the network on rows that are read block by block, for data larger than memory.

        Parameters
        ----------
        blocks : sequence or iterable of blocks
            Each block is (X, y) or (X, y, sample_weight), as `fit` takes them. Blocks are read in
            every epoch, and once before the first: a generator will not do. If they can be reached
            by position, as in a list, they are taken in a new order each epoch, where `shuffle` is
            True; others come in the order of their iterator. The rows of a block are shuffled. A
            step has rows of one block.
        X_val : {array-like, sparse matrix} of shape (n_validation, n_features), default=None
            Validation set: scored after each epoch, and used by early stopping.
        y_val : array-like in the form of y, default=None
            Its targets.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Its weights.

        Returns
        -------
        self : NeuralRegressor
            The fitted estimator.
        """
        return self._fit_blocks(blocks, X_val, y_val, sample_weight_val)

    def _readable_y(self, y):
        if y is None:
            return None
        y = as_array(y, "y", type(self).__name__)
        advice = "Leave such rows out."
        if y.ndim == 2 and y.shape[1] > 1:
            advice = (
                "Leave such rows out, or only such cells: pass y as a data frame, and loss as a "
                "dict with a loss for each of its columns."
            )
        check_finite(y, "y", advice)
        return y

    def _y_checks(self):
        return {"y_numeric": True}

    def _make_loss(self):
        return (
            self._targets.loss(self.loss) if isinstance(self.loss, dict) else super()._make_loss()
        )

    def _named_loss(self):
        if isinstance(self.loss, dict):
            return self._targets.loss(self.loss)
        return self.loss if isinstance(self.loss, Loss) else self._losses[self.loss]()

    def _encode_target(self, data, reset):
        if isinstance(self.loss, dict):
            self._encode_columns(data, reset)
            return
        y = np.asarray(data.y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        n_targets = 1 if y.ndim == 1 else y.shape[1]
        if reset:
            self._one_target, self._targets = y.ndim == 1, None
            self._target = Target("continuous", n_targets)
        elif self._targets is not None:
            raise ValueError(
                f"{type(self).__name__} was fitted to a loss for each of the columns "
                f"{', '.join(map(repr, self._targets.names))} and cannot resume training with "
                f"loss={self.loss!r}; set warm_start=False, or use clone, to start anew."
            )
        elif n_targets != self._target.n_outputs:
            fitted = self._target.n_outputs
            raise ValueError(
                f"{type(self).__name__} was fitted to {fitted} target{'s' * (fitted > 1)}, got y "
                f"of shape {y.shape}."
            )
        dtype = data.X.dtype
        if self._standardizes():  # in the precision of y: that of X may not hold it
            dtype = y.dtype if y.dtype in (np.float32, np.float64) else np.float64
        with np.errstate(over="ignore"):
            data.y = y.reshape(len(y), -1).astype(dtype, copy=False)
        check_finite(data.y, "y", "Scale y, as sklearn.compose.TransformedTargetRegressor does.")
        self._named_loss().check_target(data.used_y)

    def _check_same_form(self):
        super()._check_same_form()
        was, now = self._target_scale is not None, self._standardizes()
        if was != now:
            forms = {True: "y standardized", False: "y as it is"}
            raise ValueError(
                f"{type(self).__name__} was fitted to {forms[was]} and cannot resume training "
                f"with standardize_target={self.standardize_target} and loss={self.loss!r}, which "
                f"take {forms[now]}; set warm_start=False, or use clone, to start anew."
            )

    @isolated
    def predict(self, X: Samples, return_std: bool = False) -> Array | Any:
        """Predict the targets of some rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.
        return_std : bool, default=False
            Whether to return the predicted standard deviation as well; for the gaussian loss.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions: means, medians or quantiles, as the loss has them. One column a
            quantile where there are several. With a value at each place, they have the form of y.
            With a loss by columns a data frame of the library and with the columns of y in `fit`,
            which holds labels for classes.
        std : ndarray of the same shape
            Standard deviations, if `return_std`.
        """
        if self._targets is not None:
            return self._predict_frame(X, return_std)
        return self._read(X, self._predictions_and_std if return_std else self._predictions)

    def _predictions(self, raw):
        predictions = self._restored(raw)
        warn_of_overflow(self, raw, predictions)
        return self._shaped(predictions)

    def _predictions_and_std(self, raw):
        predictions = self._restored(raw)
        if not isinstance(self._loss, Gaussian):
            raise ValueError(
                "return_std=True needs loss='gaussian', which predicts a standard deviation; "
                f"this {type(self).__name__} was fitted with {type(self._loss).__name__}. Set "
                "loss='gaussian' and fit again."
            )
        std = self._loss.standard_deviation(raw)
        if self._target_scale is not None:
            std = self._target_scale.restored_spread(std)
        warn_of_overflow(self, raw, predictions, std)
        return self._shaped(predictions), self._shaped(std)

    def _shaped(self, predictions):
        return predictions[:, 0] if predictions.shape[1] == 1 and self._one_target else predictions

    @isolated
    def score(self, X: Samples, y: Targets, sample_weight: ArrayLike | None = None) -> float:
        """Return R^2 of all rows or places; with several quantiles mean D^2 of the pinball loss.

        With a loss by columns it is the mean over the columns of R^2, or of the accuracy where
        they hold classes; missing values do not count.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            At most 1; greater is better.
        """
        if sample_weight is not None:
            sample_weight = self._check_weight(sample_weight, X, "sample_weight")
        if self._targets is not None:
            return self._score_columns(X, y, sample_weight)
        predicted, y, sample_weight = self._judged(X, y, sample_weight)
        y = self._readable_y(y)
        name, levels = f"{type(self).__name__}.score", getattr(self._loss, "quantiles", None)
        return regression_score(name, y, predicted, sample_weight, levels)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        loss = self._losses.get(self.loss) if isinstance(self.loss, str) else self.loss
        levels = loss.quantiles if isinstance(loss, Quantile) else 0.5
        several = len(levels) > 1 if isinstance(levels, list | tuple) else np.size(levels) > 1
        tags.target_tags.multi_output = not several  # several quantiles are those of one target
        tags.target_tags.positive_only = bool(getattr(loss, "positive_target", False))
        return tags
