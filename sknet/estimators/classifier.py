"""The classifier."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from ..losses import CLASSIFICATION_LOSSES, Loss, Target
from ..settings import isolated
from .base import BaseNeuralEstimator, trains_by_steps
from .documentation import documented


@documented
class NeuralClassifier(ClassifierMixin, BaseNeuralEstimator):
    """Neural network for classification: binary, multiclass, multilabel, multioutput.

    A scikit-learn estimator whose parameters are those of `sklearn.neural_network.MLPClassifier`
    where they mean the same, and whose `layers` make it any other network.

    Parameters
    ----------
    {architecture}
    {layers}
    {training}
    loss : {"log_loss", "focal"} or sknet.losses.Loss, default="log_loss"
        Loss: the cross-entropy, the focal loss, or an object.
    {solver}
    class_weight : dict, list of dict or "balanced", default=None
        Weights of the classes, which multiply the sample weights; "balanced" makes them
        inversely proportional to the classes' weighted frequencies. A list has one dict an
        output.
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
    _parameter_constraints = {
        **BaseNeuralEstimator._parameter_constraints,
        "loss": [StrOptions(set(CLASSIFICATION_LOSSES)), Loss],
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
        clip_norm=None,
        averaging=None,
        shuffle=True,
        warm_start=False,
        random_state=None,
        verbose=False,
        dtype=None,
    ):
        self._store(locals())

    @_fit_context(prefer_skip_nested_validation=True)
    @documented
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows, or samples of shape `input_shape`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or one column of 0 and 1 a label, or one column of labels an output.
        {fit}
        {validation}

        Returns
        -------
        self : NeuralClassifier
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight, X_val, y_val, sample_weight_val)

    @available_if(trains_by_steps)
    @_fit_context(prefer_skip_nested_validation=True)
    @documented
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one pass over some rows, going on from where the last call ended.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of this call.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their labels.
        classes : array-like, default=None
            All labels that will come, for the first call on an estimator that is not fitted; by
            default those in y. For several outputs a list of arrays.
        {fit}

        Returns
        -------
        self : NeuralClassifier
            The estimator.
        """
        if isinstance(self.class_weight, str):
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

    def _check_data(self, X, y, sample_weight, reset, training=True):
        data = super()._check_data(X, y, sample_weight, reset, training)
        if training:
            self._class_factors = None
        if self.class_weight is not None:
            codes = np.reshape(data.y, (len(data.y), -1)).astype(np.intp)
            if training:
                self._learn_class_weights(data, codes)
            self._apply_class_weights(data, codes)
        return data

    def _encode_target(self, data, reset):
        y = self._as_labels(data.y)
        if reset:
            self._learn_classes(y if data.rows is None else y[data.rows])
        kind = self._target.kind
        if kind == "multilabel":
            self._check_width(y)
            data.y = y.astype(data.X.dtype)
        elif kind == "multioutput":
            self._check_width(y)
            columns = [self._encode(c, k) for c, k in zip(y.T, self.classes_, strict=True)]
            data.y = np.column_stack(columns)
        else:
            if y.ndim > 1:
                raise ValueError(
                    f"{type(self).__name__} was fitted to one label a row, got y of shape "
                    f"{y.shape}."
                )
            data.y = self._encode(y, self.classes_, data.rows)
            if kind == "binary":  # the loss would turn the codes into floats at every step
                data.y = data.y.astype(data.X.dtype)

    def _as_labels(self, y):
        try:
            check_classification_targets(y)
        except TypeError:  # labels that cannot be sorted
            kinds = sorted({type(label).__name__ for label in np.ravel(y)})
            raise ValueError(
                f"y has labels of several types, {', '.join(kinds)}; make them all of one type."
            ) from None
        y = y.toarray() if issparse(y) else np.asarray(y)
        return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _learn_classes(self, y):
        """Set ``classes_`` and ``_target`` from the labels, or from partial_fit's `classes`."""
        expected = getattr(self, "_expected_classes", None)
        if y.ndim == 2 and type_of_target(y, input_name="y") == "multilabel-indicator":
            self.classes_ = np.arange(y.shape[1])
            self._target = Target("multilabel", y.shape[1], (2,) * y.shape[1])
        elif y.ndim == 2:
            labels = y.T if expected is None else expected
            self.classes_ = [np.unique(column) for column in labels]
            counts = tuple(len(classes) for classes in self.classes_)
            self._target = Target("multioutput", y.shape[1], counts)
        else:
            self.classes_ = np.unique(y if expected is None else expected)
            n_classes = len(self.classes_)
            kind = "binary" if n_classes == 2 else "multiclass"
            self._target = Target(kind, 1, (n_classes,))

    def _check_same_classes(self, classes):
        """Refuse a later `partial_fit` with other `classes` than the first had."""
        kind = self._target.kind
        if kind == "multilabel":
            return
        known, given = self.classes_, classes
        if kind != "multioutput":
            known, given = [known], [given]
        agree = len(known) == len(given) and all(
            np.array_equal(a, np.unique(b)) for a, b in zip(known, given, strict=True)
        )
        if not agree:
            raise ValueError(
                f"partial_fit got classes={classes!r}, but this {type(self).__name__} has been "
                f"fitted to {self.classes_!r}; leave out classes, or start anew with clone."
            )

    def _check_width(self, y):
        if y.ndim != 2 or y.shape[1] != self._target.n_outputs:
            raise ValueError(
                f"{type(self).__name__} was fitted to {self._target.n_outputs} outputs, got y of "
                f"shape {y.shape}."
            )

    def _encode(self, y, classes, rows=None):
        """Return the positions of labels in `classes`; rows that are not in use may be unknown."""
        codes = np.searchsorted(classes, y).clip(0, len(classes) - 1)
        known = classes[codes] == y
        if rows is not None:
            known = known[rows]
        if not np.all(known):
            wrong = np.unique((y if rows is None else y[rows])[~known])
            raise ValueError(
                f"y has labels that {type(self).__name__} does not know: {wrong[:5].tolist()}; it "
                f"knows {classes[:10].tolist()}. The first partial_fit can be told all of them by "
                "classes=."
            )
        return codes

    def _learn_class_weights(self, data, codes):
        """Set one array of class weights for each output."""
        kind, n_outputs = self._target.kind, codes.shape[1]
        labels = self.classes_ if kind == "multioutput" else [self.classes_]
        if kind == "multilabel":
            labels = [np.array([0, 1])] * n_outputs
        given = self.class_weight
        given = given if isinstance(given, list) else [given] * n_outputs
        if len(given) != n_outputs or (n_outputs > 1 and isinstance(self.class_weight, dict)):
            allowed = "a dict" if n_outputs == 1 else f"a list of {n_outputs} dicts, one an output"
            raise ValueError(
                f"class_weight must be 'balanced' or {allowed}, got {self.class_weight!r}."
            )
        rows = slice(None) if data.rows is None else data.rows
        weight = None if data.sample_weight is None else data.sample_weight[rows]
        columns = codes[rows].T
        self._class_factors = [
            _class_weights(*one, weight) for one in zip(given, labels, columns, strict=True)
        ]

    def _apply_class_weights(self, data, codes):
        """Multiply the sample weights by those of the classes."""
        weight = np.ones(len(codes)) if data.sample_weight is None else data.sample_weight
        for factors, column in zip(self._class_factors, codes.T, strict=True):
            weight = weight * factors[column]
        if not weight.any():
            raise ValueError("class_weight makes the weight of every row zero.")
        data.sample_weight = weight
        data.rows = None if weight.all() else np.flatnonzero(weight)

    def _strata(self, y):
        kind = self._target.kind
        return y.astype(np.intp), (
            None if kind in ("multilabel", "multioutput") else self.classes_
        )

    @isolated
    def predict(self, X):
        """Predict the classes of some rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The most probable class, of each output; for multilabel targets 0 or 1 a label.
        """
        raw = self._raw_predictions(X)
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
            several; for multilabel targets the probability of each label.
        """
        raw = self._raw_predictions(X)
        return self._loss.inverse_link(raw)

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
        raw = self._raw_predictions(X)
        return self._loss.log_inverse_link(raw)

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
        raw = self._raw_predictions(X)
        if self._target.kind == "multioutput":
            return self._blocks(raw)
        return raw[:, 0] if self._target.kind == "binary" else raw

    def _blocks(self, raw):
        return np.split(raw, np.cumsum(self._target.n_classes)[:-1], axis=1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags


def _class_weights(given, classes, codes, sample_weight):
    """Return the weight of each class of one output."""
    if given == "balanced":
        counts = np.bincount(codes, sample_weight, minlength=len(classes))
        present = counts > 0
        weights = np.ones(len(classes))
        weights[present] = counts.sum() / (np.count_nonzero(present) * counts[present])
        return weights
    labels = classes.tolist()
    unknown = [label for label in given if label not in labels] if isinstance(given, dict) else []
    if unknown and not all(label in given for label in labels):
        raise ValueError(
            f"class_weight={given!r} has labels that do not occur in y, {unknown}, and not all "
            f"that do, {labels[:10]}; correct the labels."
        )
    weights = np.asarray(compute_class_weight(given, classes=classes, y=classes), dtype=float)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(f"class_weight must hold finite numbers of at least 0, got {given!r}.")
    return weights
