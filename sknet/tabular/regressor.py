"""The regressor for tables."""

import numpy as np
from sklearn.base import RegressorMixin

from ..settings import isolated
from .base import BaseTabular
from .members import RegressorMember


class TabularRegressor(RegressorMixin, BaseTabular):
    """Regressor for tables."""

    def __init__(
        self,
        *,
        categorical_features="from_dtype",
        hidden_layer_sizes=(128, 128, 128),
        activation="mish",
        dropout=0.15,
        loss="squared_error",
        batch_size="auto",
        learning_rate_init=0.2,
        weight_decay=0.02,
        max_iter=64,
        cv=5,
        n_members=None,
        scoring="loss",
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
        y = np.asarray(y, float)
        self._low, self._high = y.min(axis=0), y.max(axis=0)
        self._mean, self._deviation = y.mean(axis=0), y.std(axis=0) or 1.0
        return (y - self._mean) / self._deviation

    def _codes(self, y):
        return y

    def _strata(self, codes):
        return None

    def _member(self, **parameters):
        return RegressorMember(loss=self.loss, scoring=self.scoring, **parameters)

    def _learn_from_held_out(self, y, weight, folds, raws):
        pass

    @isolated
    def predict(self, X):
        Z = self._encode(X)
        found = [m._loss.inverse_link(m.raw_predictions(Z))[:, 0] for m in self.members_]
        found = [np.clip(p * self._deviation + self._mean, self._low, self._high) for p in found]
        return np.mean(found, axis=0)
