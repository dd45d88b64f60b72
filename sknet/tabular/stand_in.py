"""A simple encoder, until there is TableEncoder."""

import numpy as np
import pandas as pd

from ..preprocessing import SquashingScaler


class StandIn:
    def __init__(self, categorical_features="from_dtype"):
        self.categorical_features = categorical_features

    def fit(self, X, y=None):
        X = pd.DataFrame(X)
        self.n_features_in_ = X.shape[1]
        self.numeric_ = [c for c in X if not isinstance(X[c].dtype, pd.CategoricalDtype)]
        cats = [c for c in X if c not in self.numeric_]
        self.onehot_, self.coded_ = [], []
        for c in cats:
            levels = list(X[c].dropna().unique())
            (self.onehot_ if len(levels) + X[c].isna().any() <= 8 else self.coded_).append(
                (c, levels)
            )
        dense = self._dense(X)
        self.median_ = np.nan_to_num(np.nanmedian(dense, axis=0))
        self.n_numbers_ = len(self.numeric_)
        self.n_indicators_ = dense.shape[1] - self.n_numbers_
        self.cardinalities_ = [len(levels) + 1 for _, levels in self.coded_]
        self.scaler_ = SquashingScaler().fit(dense)
        return self

    def _dense(self, X):
        columns = [X[c].to_numpy(float) for c in self.numeric_]
        for c in self.numeric_:
            pass
        for c, levels in self.onehot_:
            if len(levels) == 2:
                columns.append(np.where(X[c].isna(), 0.0, np.where(X[c] == levels[0], -1.0, 1.0)))
            else:
                columns += [(X[c] == level).to_numpy(float) for level in levels]
        return np.column_stack(columns)

    def transform(self, X):
        X = pd.DataFrame(X)
        dense = self._dense(X)
        dense = np.nan_to_num(self.scaler_.transform(dense))
        codes = [
            X[c].map({l: i + 1 for i, l in enumerate(levels)}).astype(float).fillna(0).to_numpy()
            for c, levels in self.coded_
        ]
        return np.column_stack([dense, *codes]).astype(np.float32)
