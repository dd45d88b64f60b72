"""The regressor."""

from copy import copy
from math import isfinite

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from ..cells import as_array, check_finite
from ..losses import REGRESSION_LOSSES, Gaussian, Loss, LossName, Quantile, Target
from ..mixing import MIXINGS, Mixing
from ..settings import isolated
from ..warning import warn
from .base import BaseNeuralEstimator, trains_by_steps
from .documentation import documented
from .overflow import warn_of_overflow
from .placewise import PlacewiseTargets
from .target_frame import TargetFrame
from .target_scale import TargetScale, least_usual, moments


@documented
class NeuralRegressor(TargetFrame, RegressorMixin, PlacewiseTargets, BaseNeuralEstimator):
    """Neural network for regression of one or several targets.

    A scikit-learn estimator whose parameters are those of `sklearn.neural_network.MLPRegressor`
    where they mean the same, and whose `layers` make it any other network.

    Parameters
    ----------
    {architecture}
    {layers}
    {training}
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
    {solver}
    mixing : {"mixup", "cutmix"} or sknet.mixing.Mixing, default=None
        How each training sample is mixed with another of its batch, and their targets with
        them: by weighted means, or by rectangles of images. Validation is left as it is.
    {end}

    Attributes
    ----------
    {attributes}
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
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        layers=None,
        input_shape=None,
        dropout=0.0,
        normalization=None,
        loss="squared_error",
        standardize_target=True,
        solver="adam",
        alpha=1e-4,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=1e-3,
        max_iter=200,
        max_time=None,
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        scoring="loss",
        mixing=None,
        clip_norm=None,
        clip_value=None,
        accumulation_steps=1,
        averaging=None,
        shuffle=True,
        warm_start=False,
        random_state=None,
        verbose=False,
        dtype=None,
    ):
        self._store(locals())

    @isolated
    @_fit_context(prefer_skip_nested_validation=True)
    @documented
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows, or samples of shape `input_shape`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets; a data frame for a loss by columns. If the layers end with several vectors a
            sample, one for each step or pixel, y has a value at each of these places: shape
            (n_samples, T) or (n_samples, H, W), or a list of arrays as long as the sequences of X.
        {fit}
        {validation}

        Returns
        -------
        self : NeuralRegressor
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight, X_val, y_val, sample_weight_val)

    @available_if(trains_by_steps)
    @isolated
    @_fit_context(prefer_skip_nested_validation=True)
    @documented
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one pass over some rows, resuming where the last call ended.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of this call.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        {fit}

        Returns
        -------
        self : NeuralRegressor
            The estimator.
        """
        return self._partial_fit(X, y, sample_weight)

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

    @property
    def target_mean_(self):
        """Means by which y is standardized."""
        return self._target_scale and self._target_scale.mean

    @property
    def target_scale_(self):
        """Standard deviations by which y is standardized."""
        return self._target_scale and self._target_scale.deviation

    def _standardizes(self):
        """Tell whether the parameters ask for a standardized target."""
        return bool(self.standardize_target) and self._named_loss().takes_standardized

    def _make_loss(self):
        return (
            self._targets.loss(self.loss) if isinstance(self.loss, dict) else super()._make_loss()
        )

    def _named_loss(self):
        if isinstance(self.loss, dict):
            return self._targets.loss(self.loss)
        return self.loss if isinstance(self.loss, Loss) else self._losses[self.loss]()

    def _scale_target(self, data, validation, reset):
        if self._targets is not None:
            self._scale_columns(data, validation, reset)
            return
        dtype, standardizes = data.X.dtype, self._standardizes()
        if reset:
            used = data.used_y, data.used_weight
            self._target_scale = TargetScale(*used, dtype) if standardizes else None
        if standardizes:
            data.transform_y(lambda y: self._target_scale.standardized(y, dtype))
            if validation is not None:
                validation.data.transform_y(
                    lambda y: self._target_scale.standardized(y, dtype, "y_val")
                )
        is_usual = standardizes and reset
        self._moments = (0.0, 1.0) if is_usual else least_usual(*moments(data.used_y))

    def _scale_advice(self):
        mean, deviation = self._moments
        near = 0.01 <= deviation <= 100 and abs(mean) <= 100 * deviation
        if near or deviation == 0 or self._loss.link == "exp":
            return ""
        self._told_of_scale = True
        found = f"has mean {mean:.3g} and standard deviation {deviation:.3g}"
        if self._target_scale is not None:
            return (
                f"standardized as in the first call, y {found}: set warm_start=False, or use "
                "clone, to start anew from this y"
            )
        if self._loss.takes_standardized:
            return f"y {found}: set standardize_target=True"
        return (
            f"y {found}: scale y, by "
            "sklearn.compose.TransformedTargetRegressor(transformer=StandardScaler())"
        )

    def _judge_result(self, data):
        told, advice = hasattr(self, "_told_of_scale"), self._scale_advice()
        losses = self.history_["loss"]
        if not told and advice and len(losses) >= 10:
            constant = self._loss_of_constant(data)
            if constant - losses[-1] < 1e-3 * abs(constant):
                warn(
                    f"{type(self).__name__} has not learned more than a constant, with a loss of "
                    f"{losses[-1]:.3g} where the best constant has {constant:.3g}; {advice}.",
                )

    def _loss_of_constant(self, data):
        y, weight = data.used_y, data.used_weight
        raw = np.empty((len(y), self.n_outputs_), y.dtype)
        raw[:] = self._initial_bias(y, weight)
        loss = copy(self._loss)
        loss.allocate(len(y), y.dtype)
        return loss.value_and_gradient(raw, y, weight)[0]

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
    def predict(self, X, return_std=False):
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

    def _restored(self, raw):
        predictions, scale = self._loss.inverse_link(raw), self._target_scale
        return predictions if scale is None else scale.restored(predictions)

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
    def score(self, X, y, sample_weight=None):
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
        score = self._score(y, predicted, sample_weight)
        if not isfinite(score) and len(y) > 1:  # of one row scikit-learn warns
            warn(
                f"{type(self).__name__}.score is {score}: the squares of y, or of its differences "
                "from the predictions, overflow. Scale y.",
                RuntimeWarning,
            )
        return score

    def _score(self, y, predicted, sample_weight):
        loss = self._loss
        if not isinstance(loss, Quantile) or np.ndim(loss.quantiles) == 0:
            return r2_score(y, predicted, sample_weight=sample_weight)
        scores = [
            d2_pinball_score(y, column, sample_weight=sample_weight, alpha=float(quantile))
            for quantile, column in zip(loss.quantiles, predicted.T, strict=True)
        ]
        return float(np.mean(scores))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        loss = self._losses.get(self.loss) if isinstance(self.loss, str) else self.loss
        levels = loss.quantiles if isinstance(loss, Quantile) else 0.5
        several = len(levels) > 1 if isinstance(levels, list | tuple) else np.size(levels) > 1
        tags.target_tags.multi_output = not several  # several quantiles are those of one target
        tags.target_tags.positive_only = bool(getattr(loss, "positive_target", False))
        return tags
