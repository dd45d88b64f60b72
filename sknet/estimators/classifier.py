"""The classifier."""

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.metrics import accuracy_score, check_scoring
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from ..base import brief
from ..losses import CLASSIFICATION_LOSSES, Loss, LossName
from ..mixing import MIXINGS, Mixing
from ..settings import isolated
from .base import BaseNeuralEstimator, trains_by_steps
from .class_weights import class_factors
from .classes import as_classes, encode, learn_classes, same_classes
from .documentation import documented
from .labels import as_labels, family, shown
from .metrics import compares_numbers
from .overflow import warn_of_overflow
from .placewise import PlacewiseTargets

_BY_COLUMNS = "a dict of losses by the columns of y is for NeuralRegressor"


def gives_probabilities(classifier):
    """Tell `available_if` whether there are probabilities: losses of margins have none.

    Parameters
    ----------
    classifier : NeuralClassifier
        The classifier.

    Returns
    -------
    available : bool
        True.

    Raises
    ------
    AttributeError
        If the loss knows no probabilities.
    """
    loss = classifier.loss  # which may be anything
    named = CLASSIFICATION_LOSSES.get(loss) if isinstance(loss, str) else loss
    if not getattr(named, "gives_probabilities", True):
        raise AttributeError(
            f"loss={loss!r} knows scores and no probabilities. Use decision_function, or put the "
            "estimator into sklearn.calibration.CalibratedClassifierCV."
        )
    return True


@documented
class NeuralClassifier(ClassifierMixin, PlacewiseTargets, BaseNeuralEstimator):
    """Neural network for classification: binary, multiclass, multilabel, multioutput.

    A scikit-learn estimator whose parameters are those of `sklearn.neural_network.MLPClassifier`
    where they mean the same, and whose `layers` make it any other network.

    Parameters
    ----------
    {architecture}
    {layers}
    {training}
    loss : str or sknet.losses.Loss, default="log_loss"
        Loss: log_loss, the cross-entropy; focal; hinge and squared_hinge, without probabilities;
        dice and tversky, for a class at each pixel; or an object.
    {solver}
    class_weight : dict, list of dict or "balanced", default=None
        Weights of the classes, which multiply the sample weights; "balanced" makes them
        inversely proportional to the classes' weighted frequencies. A list has one dict an
        output.
    mixing : {"mixup", "cutmix"} or sknet.mixing.Mixing, default=None
        How each training sample is mixed with another of its batch, and their targets with
        them: by weighted means, or by rectangles of images. Validation is left as it is.
    {end}

    Attributes
    ----------
    classes_ : ndarray or list of ndarray
        Class labels; for several outputs one array each. For multilabel targets the numbers of
        the labels.
    {attributes}

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
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        layers=None,
        input_shape=None,
        dropout=0.0,
        normalization=None,
        loss="log_loss",
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
        class_weight=None,
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
            Class labels, or one column of labels an output. Several columns that hold 0 and 1
            only are multilabel: each says whether a label occurs. If the layers end with several
            vectors a sample, one for each step or pixel, y has a label at each of these places:
            shape (n_samples, T) or (n_samples, H, W), or a list of arrays as long as the
            sequences of X.
        {fit}
        {validation}

        Returns
        -------
        self : NeuralClassifier
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight, X_val, y_val, sample_weight_val)

    @available_if(trains_by_steps)
    @isolated
    @_fit_context(prefer_skip_nested_validation=True)
    @documented
    def partial_fit(self, X, y, classes=None, sample_weight=None):
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
        {fit}

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
        if classes is not None and hasattr(self, "network_"):
            self._check_same_classes(classes)
        self._expected_classes = classes
        try:
            return self._partial_fit(X, y, sample_weight)
        finally:
            self.__dict__.pop("_expected_classes", None)

    def _readable_y(self, y):
        return None if y is None else as_labels(y)

    def _weigh_target(self, data, training):
        if training:
            self._class_factors = None
        if self.class_weight is not None:
            codes = np.reshape(data.y, (len(data.y), -1)).astype(np.intp)
            if training:
                self._learn_class_weights(data, codes)
            self._apply_class_weights(data, codes)

    def _encode_target(self, data, reset):
        y = column_or_1d(data.y, warn=True) if data.y.shape[1:] == (1,) else data.y
        if reset:
            used = y if data.rows is None else y[data.rows]
            expected = getattr(self, "_expected_classes", None)
            self.classes_, self._target = learn_classes(used, expected)
        self._check_width(y)
        kind = self._target.kind
        if kind == "multioutput":
            columns = zip(y.T, self.classes_, strict=True)
            data.y = np.column_stack([self._encode(*one, data.rows) for one in columns])
        else:
            data.y = self._encode(y, self._classes_of_outputs()[0], data.rows)
        if kind in ("binary", "multilabel"):  # the loss would turn codes into floats at every step
            data.y = data.y.astype(data.X.dtype)

    def _classes_of_outputs(self):
        """Return the classes of each column of codes."""
        kind = self._target.kind
        if kind == "multilabel":
            return [np.array([0, 1])] * self._target.n_outputs
        return self.classes_ if kind == "multioutput" else [self.classes_]

    def _check_width(self, y):
        several = self._target.kind in ("multilabel", "multioutput")
        if y.shape[1:] != ((self._target.n_outputs,) if several else ()):
            fitted = f"{self._target.n_outputs} outputs" if several else "one label a row"
            raise ValueError(
                f"{type(self).__name__} was fitted to {fitted}, got y of shape {y.shape}."
            )

    def _check_same_classes(self, classes):
        """Refuse a later `partial_fit` with other `classes` than the first had."""
        if not same_classes(as_classes(classes, self._target.n_outputs), self.classes_):
            raise ValueError(
                f"partial_fit got classes={brief(classes)}, but this {type(self).__name__} has "
                f"been fitted to {brief(self.classes_)}; leave out classes, or start anew with "
                "clone."
            )

    def _encode(self, y, classes, rows):
        """Return the positions of labels in `classes`; rows that are not in use may be unknown."""
        codes, known = encode(y, classes)
        unknown = ~known if rows is None else ~known[rows]
        if unknown.any():
            self._refuse_labels((y if rows is None else y[rows])[unknown], classes)
        return codes

    def _refuse_labels(self, labels, classes):
        advice = "The first partial_fit can be told all of them by classes=."
        if self._target.kind == "multilabel":
            advice = (
                "Several columns of 0 and 1 are labels that occur or do not (multilabel); for "
                "other values, fit anew, or give the first partial_fit classes=, a list of one "
                "array an output."
            )
        raise ValueError(
            f"y has labels that {type(self).__name__} does not know: {shown(np.unique(labels))}; "
            f"it knows {shown(classes)}. {advice}"
        )

    def _learn_class_weights(self, data, codes):
        rows = slice(None) if data.rows is None else data.rows
        weight = None if data.sample_weight is None else data.sample_weight[rows]
        classes = self._classes_of_outputs()
        self._class_factors = class_factors(self.class_weight, classes, codes[rows], weight)

    def _apply_class_weights(self, data, codes):
        """Multiply the sample weights by those of the classes."""
        weight = np.ones(len(codes)) if data.sample_weight is None else data.sample_weight
        with np.errstate(over="ignore"):
            for factors, column in zip(self._class_factors, codes.T, strict=True):
                weight = weight * factors[column]
            finite = np.isfinite(weight.sum())
        if not finite:
            raise ValueError(
                "The weights of the rows, sample_weight times class_weight, overflow; only their "
                "ratios count, so divide them by the largest."
            )
        if not weight.any():
            raise ValueError("class_weight makes the weight of every row zero.")
        data.sample_weight = weight
        data.rows = None if weight.all() else np.flatnonzero(weight)

    def _strata(self, y):
        kind = self._target.kind
        names = None if kind in ("multilabel", "multioutput") else self.classes_
        return y.astype(np.intp), names

    def _make_scorer(self):
        # scikit-learn's accuracy refuses several outputs of several classes, `score` does not.
        is_accuracy = self.scoring == "accuracy" or self.scoring is accuracy_score
        return check_scoring(self) if is_accuracy else super()._make_scorer()

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

    def score(self, X, y, sample_weight=None):
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
        return accuracy_score(right, np.ones_like(right), sample_weight=sample_weight)

    @isolated
    def predict(self, X):
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
            return self.classes_[(raw[:, 0] > 0).astype(np.intp)]
        if kind == "multilabel":
            return (raw > 0).astype(int)
        if kind == "multiclass":
            return self.classes_[raw.argmax(axis=1)]
        best = [block.argmax(axis=1) for block in self._blocks(raw)]
        columns = [c[codes] for c, codes in zip(self.classes_, best, strict=True)]
        return np.stack(columns, axis=1)

    @available_if(gives_probabilities)
    @isolated
    def predict_proba(self, X):
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
    def predict_log_proba(self, X):
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
    def decision_function(self, X):
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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags
