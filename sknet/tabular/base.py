"""What the estimators for tables share: the walk of a fit."""

from abc import ABC, abstractmethod
from math import inf
from numbers import Integral, Real
from time import time

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils._param_validation import Interval
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from ..activations import ActivationName
from ..activations import Activation as ActivationFunction
from ..base import Component
from ..estimators.architecture import hidden_sizes
from ..optimizers import AdamW
from ..settings import isolated
from ..weights import bounded
from .folds import make_folds
from .members import ALL_EPOCHS, fit_member, rows_of_step
from .network import table_layers
from .repeated import DistinctRows
from .stand_in import StandIn as TableEncoder


class BaseTabular(Component, ABC):
    """Base class of the estimators for tables."""

    _parameter_constraints = {
        "categorical_features": "no_validation",
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [ActivationName(), ActivationFunction],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "batch_size": ["boolean", Interval(Integral, 1, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "cv": ["cv_object"],
        "n_members": [Interval(Integral, 1, None, closed="left"), None],
        "scoring": [str, callable, None],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "warm_start": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def _store(self, arguments):
        for name, value in arguments.items():
            if name != "self":
                setattr(self, name, value)

    @abstractmethod
    def _member(self, **parameters):
        """Return a member that is not fitted."""

    def _fit(self, X, y, sample_weight, groups):
        deadline = None if self.max_time is None else time() + self.max_time
        y = self._learn_target(y)
        encoder = TableEncoder(self.categorical_features).fit(X)
        self._encoder = encoder
        self._offsets()
        Z = self._encode(X)
        weight = None
        if sample_weight is not None:
            weight = bounded(_check_sample_weight(sample_weight, Z, dtype=np.float64))
        codes = self._codes(y)
        distinct = DistinctRows(Z, codes)
        entropy = self._entropy()
        folds = make_folds(self.cv, self.n_members, entropy, distinct, y, self._strata(codes), groups)
        template = self._template(distinct, folds)
        self.members_, raws = [], []
        n_jobs = effective_n_jobs(self.n_jobs)
        tasks = (
            delayed(fit_member)(
                template(fold), Z, y, weight, fold, distinct, deadline,
                -(-(len(folds) - i) // n_jobs),
            )
            for i, fold in enumerate(folds)
        )
        for member, raw in Parallel(self.n_jobs, return_as="generator")(tasks):
            self.members_.append(member)
            raws.append(raw)
        self.n_features_in_ = encoder.n_features_in_
        self._learn_from_held_out(y, weight, folds, raws)
        return self

    def _template(self, distinct, folds):
        encoder = self._encoder
        columns = encoder.n_numbers_, encoder.n_indicators_, sum(encoder.cardinalities_)
        sizes = hidden_sizes(self.hidden_layer_sizes)

        def make(fold):
            layers = table_layers(columns, sizes, self.activation, self.dropout)
            batch = self.batch_size
            if batch == "auto":
                batch = rows_of_step(len(np.unique(distinct.number[fold.train])))
            return self._member(
                layers=layers,
                solver=AdamW(
                    weight_decay=self.weight_decay,
                    beta_2=0.95,
                    weight_decay_schedule="flat_cosine",
                ),
                alpha=0.0,
                batch_size=batch,
                learning_rate="log_cosine",
                learning_rate_init=self.learning_rate_init,
                max_iter=self.max_iter,
                dtype="float32",
                **ALL_EPOCHS,
            )

        return make

    def _offsets(self):
        cards = self._encoder.cardinalities_
        self._first_code = np.cumsum([0, *cards[:-1]]) if len(cards) else np.zeros(0)

    def _encode(self, X):
        Z = np.ascontiguousarray(self._encoder.transform(X), np.float32)
        if len(self._first_code):
            Z[:, -len(self._first_code):] += self._first_code
        return Z

    def _entropy(self):
        state = self.random_state
        if isinstance(state, np.random.RandomState):
            return int(state.randint(2**32, dtype=np.uint32))
        if state is None:
            return int(np.random.SeedSequence().generate_state(1)[0])
        return int(state)
