"""The classifier for tables."""

from __future__ import annotations

from math import inf
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..activations.base import Activation
from ..compatibility import fit_context
from ..estimators.class_weights import class_factors, times_factors
from ..estimators.classes import encode, learn_classes
from ..estimators.labels import as_labels, family, shown
from ..losses import CLASSIFICATION_LOSSES, LogLoss, Loss
from ..losses.classification import ClassificationLoss
from ..settings import isolated
from ..typing import (
    Array,
    ClassWeight,
    Function,
    NamedActivation,
    NamedClassificationLoss,
    RandomState,
    Samples,
    Sizes,
    Targets,
)
from .bagging import FOR_MANY_NUMBERS
from .base import BaseTabular
from .calibration import fit_temperature, sharpening
from .held_out import likely_classes, relative_weights
from .members import ClassifierMember


class TabularClassifier(ClassifierMixin, BaseTabular):
    """Classifier for tables: an ensemble of networks that takes data frames as they are.

    Numbers with holes, categories, strings, booleans and dates may stand in one frame, pandas or
    polars. Each member is a network by RealMLP's recipe [1]_, trained on all folds but one; the
    epoch that is best on this fold is kept, and the probabilities are averaged. What members
    say of the rows that they have not seen calibrates the probabilities and gives an honest score.

    Parameters
    ----------
    categorical_features : array-like or "from_dtype", default="from_dtype"
        Which columns are categories: their names, positions or a mask, as
        `sklearn.ensemble.HistGradientBoostingClassifier` takes them. "from_dtype" finds out by
        the types of the columns.
    hidden_layer_sizes : int or array-like of int, default=(128, 128, 128)
        Widths of the hidden layers; an int is one layer.
    activation : str or sknet.activations.Activation, default="selu"
        Function of the parametric activations.
    dropout : float, default=0.15
        Rate of the dropout after each hidden layer, in [0, 1); it falls to 0 in the second half
        of the training.
    frequency_scale : float, array-like of float or "auto", default="auto"
        Standard deviation of the frequencies of the periodic embeddings at the start, 0 to 1e6;
        of several values each member in turn takes the next. Larger ones tell closer numbers
        apart; 0 leaves the numbers as they are. "auto" is (0.3, 1, 3) for classification and
        (0.1, 0.3, 1, 3, 10) for regression. With more than 24 numeric columns for classification
        and 100 for regression it is (0, 0.1, 0, 0.3, 0, 1, 0, 3), and with more than 100 for
        classification 0.
    loss : {"log_loss", "focal"} or sknet.losses.Loss, default="log_loss"
        Loss: the cross-entropy, the focal loss, or an object.
    label_smoothing : float, default=0.1
        Share of each label that is spread evenly over the classes while training, in [0, 1); for
        ``loss="log_loss"``. The probabilities are calibrated afterwards.
    batch_size : int or "auto", default="auto"
        Rows of a step; "auto" is 64 for up to 1024 rows, 128 for up to 8192, and more for larger
        tables, at most 1024.
    learning_rate_init : float or "auto", default="auto"
        Largest learning rate, above 0; "auto" is 0.04.
    weight_decay : float, default=0.02
        Share of a weight that is lost in a step, per unit of the learning rate, at least 0; it
        falls to 0 in the second half of the training.
    max_iter : int, default=64
        Number of epochs of each member at most. The schedules are made for as many; a member stops
        after twice the epochs that its best one took and a tenth of all, or 6 if that is more.
    max_time : float, default=None
        Seconds after which `fit` stops with the ensemble it has; the members share it evenly.
    cv : int, splitter or iterable, default=8
        The folds, each of which one member does not see: their number, a scikit-learn splitter,
        or pairs of rows to train on and rows to hold out. An int makes random folds, at most one
        for each row, stratified by class where there are classes. Identical rows are held out
        together, unless the same features occur with another target as well, or the table has few
        distinct rows, which occur more than four times in the mean.
    n_members : int, default=None
        Number of members; None is one for each fold. More go through the folds again; those of
        an int `cv` are then drawn anew.
    scoring : str or callable, default="loss"
        By what the best epoch is chosen: the "loss", or any scikit-learn scorer, such as
        "accuracy" or "roc_auc", which is given encoded rows, or a metric ``f(y, prediction)``.
    class_weight : dict, list of dict or "balanced", default=None
        Weights of the classes, which multiply the sample weights; "balanced" makes them
        inversely proportional to the classes' weighted frequencies. A list has one dict an
        output.
    warm_start : bool, default=False
        Whether `fit` keeps the members that there are and trains those that `n_members` asks for
        in addition, on the same rows.
    n_jobs : int, default=None
        Number of members that train at a time, by joblib; None is 1 unless in a
        `joblib.parallel_config` context. As many predict at a time, in threads, where there are
        many rows. The results do not depend on it.
    random_state : int, RandomState instance or None, default=None
        Source of the folds, the initial weights, the order of rows and the noise. An int gives
        the same bits each time.
    verbose : bool or int, default=False
        Whether to print a line a member.

    Attributes
    ----------
    classes_ : ndarray or list of ndarray
        Class labels; for several outputs one array each. For multilabel targets the numbers of
        the labels.
    temperature_ : float
        What raw outputs are divided by, so that probabilities of unseen rows are calibrated.
    oof_prediction_ : ndarray of shape (n_samples, n_classes) or list of such arrays
        Probabilities of the training rows by the members that have not seen them; NaN in rows
        that all members have seen.
    oof_score_ : float
        Accuracy of these.
    members_ : list of sknet.NeuralClassifier or sknet.NeuralRegressor
        The fitted networks, for encoded rows.
    member_weights_ : ndarray of shape (n_members,)
        Weights of the members in the mean; they fall with the square of the out-of-fold loss.
        They are equal if these losses do not differ significantly, if `cv` is a splitter, and
        if `groups` are given.
    encoder_ : sknet.preprocessing.TableEncoder
        What encodes rows, learned from the training rows without their targets.
    feature_importances_ : ndarray of shape (`n_features_in_`,)
        Growth of the loss when a feature is permuted, in rows that members have not seen; the
        sum is 1. Computed when it is first asked for.
    n_iter_ : int
        Number of epochs of the member that was trained for most.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if X had string names.

    See Also
    --------
    TabularRegressor : The same for regression.
    sknet.NeuralClassifier : One network, whose layers are written by the user.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn and Steinwart (2024), Better by default: strong pre-tuned MLPs
       and boosted trees on tabular data, :arxiv:`2407.04491`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sknet import TabularClassifier
    >>> X = pd.DataFrame({"size": [1.0, None, 3.0, 4.0] * 5, "kind": ["a", "b", "a", "b"] * 5})
    >>> y = ["no", "no", "yes", "yes"] * 5
    >>> model = TabularClassifier(cv=2, max_iter=30, random_state=0).fit(X, y)
    >>> model.predict_proba(X).shape
    (20, 2)
    """

    classes_: Array

    _losses = CLASSIFICATION_LOSSES
    _usual_scales = (24, (0.3, 1.0, 3.0)), (100, FOR_MANY_NUMBERS), (inf, (0.0,))
    _parameter_constraints = {
        **BaseTabular._parameter_constraints,
        "loss": [StrOptions(set(CLASSIFICATION_LOSSES)), Loss],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        *,
        categorical_features: ArrayLike | Literal["from_dtype"] | None = "from_dtype",
        hidden_layer_sizes: Sizes = (128, 128, 128),
        activation: NamedActivation | Activation = "selu",
        dropout: float = 0.15,
        frequency_scale: float | ArrayLike | Literal["auto"] = "auto",
        loss: NamedClassificationLoss | Loss = "log_loss",
        label_smoothing: float = 0.1,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate_init: float | Literal["auto"] = "auto",
        weight_decay: float = 0.02,
        max_iter: int = 64,
        max_time: float | None = None,
        cv: Any = 8,
        n_members: int | None = None,
        scoring: str | Function = "loss",
        class_weight: ClassWeight | None = None,
        warm_start: bool = False,
        n_jobs: int | None = None,
        random_state: RandomState | None = None,
        verbose: bool | int = False,
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
        groups: ArrayLike | None = None,
    ) -> Self:
        """Train the members.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
            Rows, with columns of any kind.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or one column of labels an output. Several columns that hold 0 and 1
            only are multilabel: each says whether a label occurs.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. A row of weight 2 is the same as a row twice, unless the table has
            few distinct rows or the same features with other targets. Only the ratios of weights
            count, but whole numbers of a mean up to 10 also count as rows in how categories are
            encoded.
        groups : array-like of shape (n_samples,), default=None
            Groups of rows, which are held out together; for `cv` that splits by groups, and for an
            int.

        Returns
        -------
        self : TabularClassifier
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight, groups)

    def _read_target(self, y):
        self._refuse_none(y)
        y = as_labels(y)
        return column_or_1d(y, warn=True) if y.shape[1:] == (1,) else y

    def _learn_target(self, y, used):
        self.classes_, self._target = learn_classes(y[used])
        kind = self._target.kind
        if kind == "multioutput":
            columns = zip(y.T, self.classes_, strict=True)
            return np.column_stack([encode(*column)[0] for column in columns])
        if kind == "multilabel":
            return y.astype(np.float64)
        codes = encode(y, self.classes_)[0]
        return codes.astype(np.float64) if kind == "binary" else codes

    def _strata(self, codes):
        if codes.ndim == 1:
            return codes.astype(np.intp)
        return np.unique(codes, axis=0, return_inverse=True)[1].reshape(-1)

    def _new_member(self, **parameters):
        loss = self.loss
        if isinstance(loss, str) and loss == "log_loss":
            loss = LogLoss(label_smoothing=self.label_smoothing)
        member = ClassifierMember(loss=loss, class_weight=self.class_weight, **parameters)
        several = isinstance(self.classes_, list) or self._target.kind == "multilabel"
        return member.expect(self.classes_ if several else np.asarray(self.classes_))

    def _learning_rate(self):
        return 0.04 if self.learning_rate_init == "auto" else self.learning_rate_init

    def _learn_from_held_out(self, rows):
        held = np.concatenate(self._held_rows)
        raw = [
            m.network_.predict(rows.X[h])
            for m, h in zip(self.members_, self._held_rows, strict=True)
        ]
        self._of_members = 1.0
        weight = relative_weights(self._training_weight(rows), held)
        if isinstance(self.members_[0]._loss, ClassificationLoss):
            n_distinct = len(rows.distinct.used(rows.sample_weight))
            self._of_members = fit_temperature(
                self._log_loss(), np.concatenate(raw), rows.codes[held], weight, n_distinct
            )
        self.temperature_: float = self._of_members * sharpening(len(self.members_))
        parts = [
            self._probabilities(member, part)
            for member, part in zip(self.members_, raw, strict=True)
        ]
        if self._target.kind == "multioutput":
            self.oof_prediction_: Array = [
                self._held_out.mean(part) for part in zip(*parts, strict=True)
            ]
        else:
            self.oof_prediction_ = self._held_out.mean(parts)
        if self._target.kind in ("binary", "multiclass"):
            chosen = self._calibration_rows
            codes = rows.codes[chosen].reshape(-1).astype(np.intp)
            self._misses = 1.0 - self.oof_prediction_[chosen, codes]
        known = self._held_out.known
        right = self._all_right(self._decide(self.oof_prediction_), rows.y)[known]
        weight = None if rows.sample_weight is None else rows.sample_weight[known]
        some = weight is None or weight.any()
        self.oof_score_: float = float(np.average(right, weights=weight)) if some else np.nan
        return [
            self._row_losses(part, rows.codes[each])
            for part, each in zip(raw, self._held_rows, strict=True)
        ]

    def _training_weight(self, rows):
        if self.class_weight is None:
            return rows.sample_weight
        classes, weight = self.members_[0]._classes_of_outputs(), np.ones(len(rows.codes))
        weight = weight if rows.sample_weight is None else rows.sample_weight.copy()
        used = np.flatnonzero(weight)  # others may have labels that are no classes
        codes = rows.codes[used].reshape(len(used), -1).astype(np.intp)
        factors = class_factors(self.class_weight, classes, codes, weight[used])
        weight[used] = times_factors(weight[used], factors, codes)
        return weight

    def _log_loss(self):
        loss = LogLoss()
        loss.build(self._target)
        return loss

    def _misfit(self, member, X, codes, sample_weight):
        losses = self._row_losses(member.network_.predict(X), codes)
        return float(np.average(losses, weights=relative_weights(sample_weight, slice(None))))

    def _row_losses(self, raw, codes):
        """Return the log losses of rows by a member's raw outputs."""
        loss, scaled = self._log_loss(), raw / np.float32(self._of_members)
        loss.allocate(len(scaled), scaled.dtype)
        return loss.row_losses(scaled, codes)

    def _probabilities(self, member, raw):
        """Return what a member predicts by itself."""
        return member._loss.inverse_link(raw / np.float32(self._of_members))

    def _scaled(self, member, rows):
        """Return raw outputs of a member of which the ensemble's probabilities are made."""
        return member.network_.predict(rows) / np.float32(self.temperature_)

    @isolated
    def predict_proba(self, X: Samples) -> Array | Any:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
            Rows, with columns of any kind.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes) or list of such arrays
            Probabilities in the order of ``classes_``; one array an output where there are
            several; for multilabel targets the probability of each label. With a loss that has
            none, such as the hinge loss, the shares of the members that vote for a class.
        """
        parts = self._ask_members(X, lambda m, rows: m._loss.inverse_link(self._scaled(m, rows)))
        if self._target.kind == "multioutput":
            return [self._mean(part) for part in zip(*parts, strict=True)]
        return self._mean(parts)

    @isolated
    def predict_log_proba(self, X: Samples) -> Array | Any:
        """Predict the logarithms of the probabilities, exact also where those underflow.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
            Rows, with columns of any kind.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes) or list of such arrays
            As `predict_proba`.
        """
        check_is_fitted(self, "members_")
        if not self.members_[0]._loss.gives_probabilities:
            votes = self.predict_proba(X)
            with np.errstate(divide="ignore"):
                return [np.log(v) for v in votes] if isinstance(votes, list) else np.log(votes)
        parts = self._ask_members(
            X, lambda m, rows: m._loss.log_inverse_link(self._scaled(m, rows))
        )
        if self._target.kind == "multioutput":
            return [self._log_mean(part) for part in zip(*parts, strict=True)]
        return self._log_mean(parts)

    def _log_mean(self, parts):
        """Return the logarithm of the mean of what parts are the logarithms of."""
        weights = self.member_weights_.reshape(-1, *(1,) * parts[0].ndim)
        mean = logsumexp(np.stack(parts), axis=0, b=weights)
        return np.minimum(mean, 0.0).astype(parts[0].dtype)

    @isolated
    def predict(self, X: Samples) -> Array:
        """Predict the classes of some rows.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
            Rows, with columns of any kind.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The most probable class, of each output; for multilabel targets 0 or 1 a label.
        """
        return self._decide(self.predict_proba(X))

    def _decide(self, probabilities):
        kind = self._target.kind
        if kind == "multilabel":
            return (probabilities > 0.5).astype(int)
        if kind != "multioutput":
            return self.classes_[probabilities.argmax(axis=1)]
        columns = zip(self.classes_, probabilities, strict=True)
        return np.stack([classes[p.argmax(axis=1)] for classes, p in columns], axis=1)

    @isolated
    def predict_set(self, X: Samples, coverage: float = 0.9) -> Array:
        """Predict sets of classes that hold the true one with a given probability.

        The sets are those of CV+ [1]_: a class is in the set of a row unless its probability is
        lower than that of the true class is, for nearly all training rows, by the members that
        have not seen those. If rows are exchangeable, and with c the `coverage`, sets hold the
        true class of a new row with a probability of at least 2 c - 1, less a term near
        sqrt(2 / n) for n rows; as a rule with about c.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
            Rows, with columns of any kind.
        coverage : float, default=0.9
            Share of the true classes that the sets are to hold, in (0, 1).

        Returns
        -------
        sets : ndarray of bool of shape (n_samples, n_classes)
            Whether a class is in the set of a row. A set may be empty.

        Raises
        ------
        ValueError
            If there are several labels or outputs a row.

        References
        ----------
        .. [1] Romano, Sesia and Candès (2020), Classification with valid and adaptive coverage,
           :arxiv:`2006.02544`.
        """
        self._check_coverage(coverage)
        if self._target.kind not in ("binary", "multiclass"):
            raise ValueError(
                f"predict_set is for one label a row; this {type(self).__name__} was fitted to "
                f"{self._target.n_outputs} outputs. Fit one for each."
            )
        shares, weights = self._calibrators()
        parts = np.stack(
            self._ask_members(X, lambda m, rows: self._probabilities(m, m.network_.predict(rows)))
        )
        return likely_classes(parts, shares, self._misses, coverage, weights)

    @isolated
    def score(self, X: Samples, y: Targets, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy: the share of rows whose labels are all right.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
            Rows, with columns of any kind.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True labels; those that were not there in `fit` count as wrong.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            Between 0 and 1; greater is better.
        """
        predicted, y = self.predict(X), as_labels(y)
        y = y.ravel() if y.shape[1:] == (1,) else y
        if y.shape[1:] != predicted.shape[1:]:
            raise ValueError(
                f"{type(self).__name__} predicts labels of shape {predicted.shape}, got y of "
                f"shape {y.shape}."
            )
        check_consistent_length(predicted, y)
        if family(predicted) != family(y):
            raise ValueError(
                f"y has labels of another type than those that {type(self).__name__} knows, "
                f"{shown(self._some_classes())}, got {shown(np.unique(y))}."
            )
        right = self._all_right(predicted, y)
        weight = self._read_weights(sample_weight, right)
        return accuracy_score(right, np.ones_like(right), sample_weight=weight)

    def _some_classes(self):
        return self.classes_[0] if isinstance(self.classes_, list) else self.classes_

    def _all_right(self, predicted, y):
        right = predicted == y
        return right if right.ndim == 1 else right.all(axis=1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags
