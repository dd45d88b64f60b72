"""The classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import sklearn
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import StrOptions

from ..activations.base import Activation
from ..compatibility import available_if, fit_context
from ..layers.items import LayerItem
from ..losses import CLASSIFICATION_LOSSES, Loss, LossName
from ..mixing import MIXINGS, Mixing
from ..optimizers.base import Optimizer
from ..optimizers.lbfgs import LBFGS
from ..schedules.base import Schedule
from ..settings import isolated
from ..typing import (
    Array,
    ClassWeight,
    Function,
    NamedActivation,
    NamedClassificationLoss,
    NamedOptimizer,
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
from .class_targets import ClassTargets
from .class_weights import ClassWeights
from .labels import as_labels, family
from .metrics import compares_numbers
from .overflow import warn_of_overflow
from .placewise import PlacewiseTargets
from .probabilities import gives_probabilities

#: NumPy compares with it in half of the time that a Python number takes.
_ZERO = np.zeros((), np.float32)
_BY_COLUMNS = (
    "a dict of losses by the columns of y is for NeuralRegressor, and NeuralTranscriber has ctc"
)


class NeuralClassifier(
    ClassifierMixin, ClassTargets, ClassWeights, PlacewiseTargets, BaseNeuralEstimator
):
    """Neural network for classification: binary, multiclass, multilabel, multioutput.

    A scikit-learn estimator whose parameters are those of `sklearn.neural_network.MLPClassifier`
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
    loss : str or sknet.losses.Loss, default="log_loss"
        Loss: log_loss, the cross-entropy; focal; hinge and squared_hinge, without probabilities;
        dice and tversky, for a class at each pixel; or an object.
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
    class_weight : dict, list of dict or "balanced", default=None
        Weights of the classes, which multiply the sample weights; "balanced" makes them
        inversely proportional to the classes' weighted frequencies. A list has one dict an
        output.
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
    classes_ : ndarray or list of ndarray
        Class labels; for several outputs one array each. For multilabel targets the numbers of
        the labels.
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
    NeuralRegressor : The same for regression.
    sknet.layers : What `layers` may hold.

    References
    ----------
    Goodfellow, Bengio and Courville (2016), Deep Learning, MIT Press.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknet import NeuralClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> network = NeuralClassifier(hidden_layer_sizes=(32, 32), max_iter=500, random_state=0)
    >>> model = make_pipeline(StandardScaler(), network).fit(X, y)
    >>> bool(model.score(X, y) > 0.95)
    True
    """

    classes_: Any

    _losses = CLASSIFICATION_LOSSES
    _on_tables = "Or use TabularClassifier, which takes such tables as they are."
    _parameter_constraints = {
        **BaseNeuralEstimator._parameter_constraints,
        "mixing": [StrOptions(set(MIXINGS)), Mixing, None],
        "loss": [LossName(CLASSIFICATION_LOSSES, _BY_COLUMNS), Loss],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
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
        loss: NamedClassificationLoss | Loss = "log_loss",
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
        class_weight: ClassWeight | None = None,
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
            Class labels, or one column of labels an output. Several columns that hold 0 and 1
            only are multilabel: each says whether a label occurs. If the layers end with several
            vectors a sample, one for each step or pixel, y has a label at each of these places:
            shape (n_samples, T) or (n_samples, H, W), or a list of arrays as long as the
            sequences of X.
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
        self : NeuralClassifier
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight, X_val, y_val, sample_weight_val)

    @available_if(trains_by_steps)
    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Samples,
        y: Targets,
        classes: ArrayLike | Sequence[ArrayLike] | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one pass over some rows, resuming where the last call ended.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of this call.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their labels.
        classes : array-like or list of array-like, default=None
            All labels that will come, for the first call on an estimator that is not fitted; by
            default those in y. For several outputs a list of one array each, which may hold 0
            and 1 alone. For multilabel targets of n labels ``np.arange(n)``, or the two values,
            0 and 1.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, or of all places in the form of y. Only their ratios count for the
            loss; a weight of 0 leaves a row or place out.

        Returns
        -------
        self : NeuralClassifier
            The estimator.
        """
        if isinstance(self.class_weight, str) and self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows at once; for partial_fit pass a dict of "
                "weights."
            )
        return self._told_classes(classes, self._partial_fit, X, y, sample_weight)

    @available_if(trains_by_steps)
    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def fit_blocks(
        self,
        blocks: RowBlocks,
        classes: ArrayLike | Sequence[ArrayLike] | None = None,
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
        classes : array-like or list of array-like, default=None
            All labels, as for `partial_fit`; by default those found in the first pass.
        X_val : {array-like, sparse matrix} of shape (n_validation, n_features), default=None
            Validation set: scored after each epoch, and used by early stopping.
        y_val : array-like in the form of y, default=None
            Its targets.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Its weights.

        Returns
        -------
        self : NeuralClassifier
            The fitted estimator.
        """
        validation = X_val, y_val, sample_weight_val
        return self._told_classes(classes, self._fit_blocks, blocks, *validation)

    def _make_scorer(self):
        # scikit-learn's accuracy refuses several outputs of several classes, `score` does not.
        is_accuracy = self.scoring == "accuracy"
        if not isinstance(self.scoring, str):
            is_accuracy = self.scoring is sklearn.metrics.accuracy_score
        return sklearn.metrics.check_scoring(self) if is_accuracy else super()._make_scorer()

    def _check_scorer(self, scorer):
        several, fault = self._target.kind == "multioutput", ""
        scorer = getattr(scorer, "scoring", scorer)  # of places, whose metric is that inside
        if several and getattr(scorer, "_response_method", "predict") != "predict":
            fault = "takes one array of probabilities, and several outputs have one each"
        are_numbers = family(np.concatenate(self._classes_of_outputs())) == "numbers"
        if compares_numbers(scorer) and not are_numbers:
            fault = "compares numbers, and the labels are none"
        if fault:
            raise ValueError(
                f"scoring={self.scoring!r} {fault}. Choose 'loss', 'accuracy' or a callable."
            )

    @isolated
    def score(self, X: Samples, y: Targets, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy: the share of rows, or of places, whose labels are all right.

        For several outputs and for multilabel targets this is the subset accuracy, as
        `sklearn.multioutput.MultiOutputClassifier.score` has it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True labels; those that were not there in `fit` count as wrong.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            Between 0 and 1; greater is better.
        """
        predicted, y, sample_weight = self._judged(X, y, sample_weight)
        y = as_labels(y)
        y = y.ravel() if y.shape[1:] == (1,) else y
        self._check_width(y)
        check_consistent_length(predicted, y)
        if family(predicted) != family(y):
            self._refuse_labels(y, self._classes_of_outputs()[0])
        right = predicted == y
        right = right if right.ndim == 1 else right.all(axis=1)
        if sample_weight is not None:
            sample_weight = self._check_weight(sample_weight, right, "sample_weight")
        return sklearn.metrics.accuracy_score(
            right, np.ones_like(right), sample_weight=sample_weight
        )

    @isolated
    def predict(self, X: Samples) -> Array | Any:
        """Predict the classes of some rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs), or in the form of y of `fit`
            The most probable class, of each output; for multilabel targets 0 or 1 a label. With
            a class for each step, a list of sequences gets a list of arrays.

        Raises
        ------
        ValueError
            If scores are NaN because values overflow: no class is the most probable then.
        """
        return self._read(X, self._most_probable)

    def _most_probable(self, raw):
        warn_of_overflow(self, raw, refuse_nan=True)
        kind = self._target.kind
        if kind == "binary":
            return self.classes_.take(raw[:, 0] > _ZERO)
        if kind == "multilabel":
            return (raw > 0).astype(int)
        if kind == "multiclass":
            return self.classes_[raw.argmax(axis=1)]
        best = [block.argmax(axis=1) for block in self._blocks(raw)]
        columns = [c[codes] for c, codes in zip(self.classes_, best, strict=True)]
        return np.stack(columns, axis=1)

    @available_if(gives_probabilities)
    @isolated
    def predict_proba(self, X: Samples) -> Array | Any:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes) or list of such arrays
            Probabilities in the order of ``classes_``; one array an output where there are
            several; for multilabel targets the probability of each label. With a class for each
            place, the shape is (n_samples, T, n_classes), or that for pixels, and a list of
            sequences gets a list of arrays (T, n_classes).
        """
        return self._read(X, lambda raw: self._loss.inverse_link(self._told(raw)))

    @available_if(gives_probabilities)
    @isolated
    def predict_log_proba(self, X: Samples) -> Array | Any:
        """Predict the logarithms of the probabilities, exact also where those underflow.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes) or list of such arrays
            As `predict_proba`.
        """
        return self._read(X, lambda raw: self._loss.log_inverse_link(self._told(raw)))

    @isolated
    def decision_function(self, X: Samples) -> Array | Any:
        """Return the raw scores of the classes, before the logistic or softmax function.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.

        Returns
        -------
        scores : ndarray of shape (n_samples,), (n_samples, n_classes) or list of such arrays
            For two classes one score, above 0 for the second; else one a class or label.
        """
        return self._read(X, self._decisions)

    def _decisions(self, raw):
        self._told(raw)
        if self._target.kind == "multioutput":
            return self._blocks(raw)
        return raw[:, 0] if self._target.kind == "binary" else raw

    def _told(self, raw):
        """Return raw scores, telling of those that are not finite."""
        warn_of_overflow(self, raw)
        return raw

    def _blocks(self, raw):
        return np.split(raw, np.cumsum(self._target.n_classes)[:-1], axis=1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags
