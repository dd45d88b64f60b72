"""The classifier for tables."""

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context

from ..estimators.classes import encode, learn_classes
from ..estimators.labels import as_labels
from ..losses import LogLoss
from ..settings import isolated
from .base import BaseTabular
from .members import ClassifierMember


class TabularClassifier(ClassifierMixin, BaseTabular):
    """Classifier for tables."""

    def __init__(
        self,
        *,
        categorical_features="from_dtype",
        hidden_layer_sizes=(128, 128, 128),
        activation="selu",
        dropout=0.15,
        loss="log_loss",
        label_smoothing=0.1,
        batch_size="auto",
        learning_rate_init=0.04,
        weight_decay=0.02,
        max_iter=64,
        cv=5,
        n_members=None,
        scoring="accuracy",
        class_weight=None,
        max_time=None,
        warm_start=False,
        n_jobs=None,
        random_state=None,
        verbose=False,
    ):
        self._store(locals())

    @isolated
    def fit(self, X, y, sample_weight=None, *, groups=None):
        return self._fit(X, y, sample_weight, groups)

    def _learn_target(self, y):
        y = as_labels(y)
        self.classes_, self._target = learn_classes(y)
        return y

    def _codes(self, y):
        if self._target.kind == "multioutput":
            return np.column_stack([encode(c, k)[0] for c, k in zip(y.T, self.classes_)])
        if self._target.kind == "multilabel":
            return y.astype(int)
        return encode(y, self.classes_)[0]

    def _strata(self, codes):
        return codes if codes.ndim == 1 else None

    def _member(self, **parameters):
        loss = LogLoss(label_smoothing=self.label_smoothing)
        member = ClassifierMember(loss=loss, scoring=self.scoring, class_weight=self.class_weight, **parameters)
        member._expected_classes = self.classes_
        return member

    def _learn_from_held_out(self, y, weight, folds, raws):
        pass

    @isolated
    def predict_proba(self, X):
        Z = self._encode(X)
        return np.mean([m._loss.inverse_link(m.raw_predictions(Z)) for m in self.members_], axis=0)

    @isolated
    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
