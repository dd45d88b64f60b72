"""The regressor for tables."""

from __future__ import annotations

from math import inf
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted

from ..activations.base import Activation
from ..cells import as_array
from ..compatibility import fit_context
from ..estimators.regression_scores import regression_score
from ..estimators.target_scale import exponents_of
from ..finite import check_finite
from ..losses import (
    REGRESSION_LOSSES,
    CosineSimilarity,
    Gaussian,
    KLDivergence,
    Loss,
    LossName,
    Quantile,
    get_loss,
)
from ..settings import isolated
from ..typing import (
    Array,
    Function,
    NamedActivation,
    NamedRegressionLoss,
    RandomState,
    Samples,
    Sizes,
    Targets,
)
from ..warning import warn
from .bagging import FOR_MANY_NUMBERS
from .base import BaseTabular
from .held_out import interval
from .members import RegressorMember, is_delicate

#: Largest distance of neighbouring floats in single precision, in standard deviations of y.
_FINE = 1e-5

_OTHER_LOSSES = (
    "a dict of losses by the columns of y is for NeuralRegressor; for a plain function use "
    "FunctionLoss(value, gradient)"
)


class TabularRegressor(RegressorMixin, BaseTabular):
    """Regressor for tables: an ensemble of networks that takes data frames as they are.

    Numbers with holes, categories, strings, booleans and dates may stand in one frame, pandas or
    polars. Each member is a network by RealMLP's recipe [1]_ whose output layer sees the scaled
    features as well. It is trained on all folds but one; the epoch that is best on this fold is
    kept, and the predictions are averaged. They stay within the range of y. What members say of
    the rows that they have not seen gives an honest score, and intervals.

    Parameters
    ----------
    categorical_features : array-like or "from_dtype", default="from_dtype"
        Which columns are categories: their names, positions or a mask, as
        `sklearn.ensemble.HistGradientBoostingClassifier` takes them. "from_dtype" finds out by
        the types of the columns.
    hidden_layer_sizes : int or array-like of int, default=(128, 128, 128)
        Widths of the hidden layers; an int is one layer.
    activation : str or sknet.activations.Activation, default="mish"
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
    loss : str or sknet.losses.Loss, default="squared_error"
        Loss: squared_error, absolute_error, huber, log_cosh, poisson, gamma, tweedie, quantile,
        gaussian, for several targets also cosine_similarity or kl_divergence, or an object, such
        as ``Quantile([0.05, 0.5, 0.95])``.
    batch_size : int or "auto", default="auto"
        Rows of a step; "auto" is 64 for up to 1024 rows, 128 for up to 8192, and more for larger
        tables, at most 1024.
    learning_rate_init : float or "auto", default="auto"
        Largest learning rate, above 0. "auto" is 0.02 for the losses poisson, gamma and gaussian,
        which take exponentials, and 0.2 for all others.
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
        By what the best epoch is chosen: "loss", any scikit-learn scorer, which is given encoded
        rows, or a metric ``f(y, prediction)``.
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
    oof_prediction_ : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Predictions of the training rows by the members that have not seen them; NaN in rows that
        all members have seen.
    oof_score_ : float
        What `score` gives for these.
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
    TabularClassifier : The same for classification.
    sknet.NeuralRegressor : One network, whose layers are written by the user.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn and Steinwart (2024), Better by default: strong pre-tuned MLPs
       and boosted trees on tabular data, :arxiv:`2407.04491`.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sknet import TabularRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"size": rng.normal(size=60), "kind": rng.choice(["a", "b"], 60)})
    >>> y = 1000 * X["size"] + 500 * (X["kind"] == "b")
    >>> model = TabularRegressor(cv=2, max_iter=30, random_state=0).fit(X, y)
    >>> model.predict_interval(X, coverage=0.9).shape
    (60, 2)
    """

    _losses = REGRESSION_LOSSES
    _is_wide = True
    _usual_scales = (100, (0.1, 0.3, 1.0, 3.0, 10.0)), (inf, FOR_MANY_NUMBERS)
    _parameter_constraints = {
        **BaseTabular._parameter_constraints,
        "loss": [
            LossName(REGRESSION_LOSSES, _OTHER_LOSSES),
            Loss,
        ],
    }

    def __init__(
        self,
        *,
        categorical_features: ArrayLike | Literal["from_dtype"] | None = "from_dtype",
        hidden_layer_sizes: Sizes = (128, 128, 128),
        activation: NamedActivation | Activation = "mish",
        dropout: float = 0.15,
        frequency_scale: float | ArrayLike | Literal["auto"] = "auto",
        loss: NamedRegressionLoss | Loss = "squared_error",
        batch_size: int | Literal["auto"] = "auto",
        learning_rate_init: float | Literal["auto"] = "auto",
        weight_decay: float = 0.02,
        max_iter: int = 64,
        max_time: float | None = None,
        cv: Any = 8,
        n_members: int | None = None,
        scoring: str | Function = "loss",
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
            Targets.
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
        self : TabularRegressor
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight, groups)

    def _read_target(self, y):
        self._refuse_none(y)
        y = self._read_y(y)
        return column_or_1d(y, warn=True) if y.shape[1:] == (1,) else y

    def _learn_target(self, y, used):
        self._lowest, self._highest = y[used].min(axis=0), y[used].max(axis=0)
        # Predictions are of single precision, as all computation is, if that is fine enough for y.
        largest = np.abs(y[used]).max(axis=0)
        with np.errstate(all="ignore"):
            step = np.spacing(largest.astype(np.float32))
            # The step is NaN where y overflows.
            is_fine = y.ndim == 1 and step <= _FINE * y[used].std(axis=0)
        self._dtype = np.float32 if is_fine else np.float64
        return y

    def _read_y(self, y):
        y = as_array(y, "y", type(self).__name__)
        check_finite(y, "y", "Leave such rows out.")
        if y.ndim not in (1, 2) or y.shape[1:] == (0,):
            raise ValueError(f"y must be an array with one axis or two, got shape {y.shape}.")
        return y.astype(np.float64)

    def _strata(self, codes):
        return None

    def _new_member(self, **parameters):
        return RegressorMember(loss=self.loss, **parameters)

    def _learning_rate(self):
        if self.learning_rate_init != "auto":
            return self.learning_rate_init
        return 0.02 if is_delicate(get_loss(self.loss, self._losses)) else 0.2

    def _learn_from_held_out(self, rows):
        parts = [
            self._within(member.predict(rows.X[held]))
            for member, held in zip(self.members_, self._held_rows, strict=True)
        ]
        self.oof_prediction_: Array = self._held_out.mean(parts)
        known = self._held_out.known
        weight = None if rows.sample_weight is None else rows.sample_weight[known]
        y, predicted = rows.y[known], self.oof_prediction_[known]
        some = len(y) > 1 and (weight is None or weight.any())
        self.oof_score_: float = (
            self._score_of("oof_score_", y, predicted, weight) if some else np.nan
        )
        self._exponents = exponents_of(rows.y)
        errors = self._scaled(_beside(y, predicted) - predicted)
        self._oof_variance = np.average(errors**2, axis=0, weights=weight) if some else np.nan
        of_rows = (part[self._calibration_rows] for part in (rows.y, self.oof_prediction_))
        is_comparable = rows.y.shape == self.oof_prediction_.shape  # several quantiles are not
        self._residuals = np.abs(np.subtract(*of_rows)) if is_comparable else None
        return [
            self._row_losses(rows.y[held], part)
            for held, part in zip(self._held_rows, parts, strict=True)
        ]

    def _within(self, predictions):
        """Keep predictions in the range of y, unless they are distributions or directions."""
        if isinstance(self.members_[0]._loss, KLDivergence | CosineSimilarity):
            return predictions.astype(self._dtype)
        return np.clip(predictions, self._lowest, self._highest).astype(self._dtype)

    def _parts(self, X):
        """Return what each member predicts."""
        return [self._within(part) for part in self._ask_members(X, lambda m, X: m.predict(X))]

    def _misfit(self, member, X, codes, sample_weight):
        losses = self._row_losses(codes, self._within(member.predict(X)))
        return float(np.average(losses, weights=sample_weight))

    def _row_losses(self, y, predicted):
        """Return losses of rows: pinball losses of quantiles, else relative squared errors."""
        loss, errors = self.members_[0]._loss, _beside(y, predicted) - predicted
        if isinstance(loss, Quantile):
            levels = np.asarray(loss.quantiles)
            losses = np.maximum(levels * errors, (levels - 1) * errors)
        else:
            losses = self._scaled(errors) ** 2 / np.maximum(self._oof_variance, 1e-300)
        return losses.reshape(len(losses), -1).mean(axis=1)

    @isolated
    def predict(self, X: Samples, return_std: bool = False) -> Array | Any:
        """Predict the targets of some rows.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
            Rows, with columns of any kind.
        return_std : bool, default=False
            Whether to return a standard deviation of the target as well.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions: means, medians or quantiles, as the loss has them.
        std : ndarray of the same shape
            Standard deviations, if `return_std`: the root of the variance between the members,
            plus the variance that the gaussian loss predicts; for all other losses plus the mean
            square of the errors for rows that members have not seen.
        """
        check_is_fitted(self, "members_")
        if return_std and isinstance(self.members_[0]._loss, Gaussian):
            pairs = self._ask_members(X, lambda m, rows: m.predict(rows, return_std=True))
            parts = [self._within(mean) for mean, _ in pairs]
            variance = self._mean([self._scaled(std) ** 2 for _, std in pairs])
        else:
            parts, variance = self._parts(X), self._oof_variance
        mean = self._mean(parts)
        if not return_std:
            return mean
        variance = variance + self._mean([self._scaled(part - mean) ** 2 for part in parts])
        return mean, np.ldexp(np.sqrt(variance), self._exponents).astype(self._dtype)

    def _scaled(self, errors):
        """Return errors in a unit near the largest target, where squares do not overflow."""
        return np.ldexp(errors, -self._exponents, dtype=np.float64)

    @isolated
    def predict_interval(self, X: Samples, coverage: float = 0.9) -> Array:
        """Predict intervals that hold the target with a given probability.

        The intervals are those of CV+ [1]_, made of the errors for training rows of the members
        that have not seen them. If rows are exchangeable, and with c the `coverage`, intervals
        hold the target of a new row with a probability of at least 2 c - 1, less a term near
        sqrt(2 / n) for n rows; as a rule with about c.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
            Rows, with columns of any kind.
        coverage : float, default=0.9
            Share of the targets that the intervals are to hold, in (0, 1).

        Returns
        -------
        ends : ndarray of shape (n_samples, 2) or (n_samples, n_outputs, 2)
            Lower and upper ends; infinite, with a warning, if there are too few training rows
            for them. None is below 0 for the losses poisson, gamma and tweedie.

        Raises
        ------
        ValueError
            If the loss has several quantiles.

        References
        ----------
        .. [1] Barber, Candès, Ramdas and Tibshirani (2021), Predictive inference with the
           jackknife+, Annals of Statistics 49, :arxiv:`1905.02928`.
        """
        self._check_coverage(coverage)
        if self._residuals is None:
            raise ValueError(
                "predict_interval needs one prediction a target, and several quantiles are "
                "predicted; set loss='squared_error', or take the quantiles as ends."
            )
        shares, weights = self._calibrators()
        residuals = self._residuals.reshape(len(self._residuals), -1)
        parts = np.stack(self._parts(X)).astype(np.float64)
        parts = parts.reshape(*parts.shape[:2], -1)
        ends = np.stack(
            [
                interval(parts[:, :, j], shares, residuals[:, j], coverage, weights)
                for j in range(parts.shape[2])
            ],
            axis=1,
        )
        if np.isinf(ends).any():
            warn(
                f"{type(self).__name__}.predict_interval: there are too few training rows for "
                f"coverage={coverage}, and ends are infinite. Lower coverage, or fit more rows."
            )
        if self.members_[0]._loss.link == "exp":  # of targets from 0 on
            ends = np.maximum(ends, 0.0)
        return ends[:, 0] if self._residuals.ndim == 1 else ends

    @isolated
    def score(self, X: Samples, y: Targets, sample_weight: ArrayLike | None = None) -> float:
        """Return R^2, or with several quantiles their mean D^2 of the pinball loss.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
            Rows, with columns of any kind.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            At most 1; greater is better.
        """
        y = self._read_y(y)
        weight = self._read_weights(sample_weight, y)
        return self._score_of("score", y, self.predict(X), weight)

    def _score_of(self, name, y, predicted, sample_weight):
        levels = getattr(self.members_[0]._loss, "quantiles", None)
        name = f"{type(self).__name__}.{name}"
        return regression_score(name, y, predicted, sample_weight, levels)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        loss = self._losses.get(self.loss) if isinstance(self.loss, str) else self.loss
        tags.target_tags.multi_output = True
        tags.target_tags.positive_only = bool(getattr(loss, "positive_target", False))
        return tags


def _beside(y, predictions):
    """Return y in a shape that predictions can be subtracted from, several quantiles too."""
    return y[:, None] if y.ndim < predictions.ndim else y
