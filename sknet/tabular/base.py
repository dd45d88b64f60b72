"""What the estimators for tables share: the walk of a fit, and the members."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from numbers import Integral, Real
from time import time
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ..activations import Activation as ActivationFunction
from ..activations import ActivationName
from ..base import Component, copied, same, stamp, unstamp
from ..compatibility import VisualBlock
from ..estimators.labels import as_labels
from ..estimators.rollback import alone
from ..functions import with_picklable_functions
from ..preprocessing.table_encoder import TableEncoder
from ..settings import isolated
from ..typing import Array
from ..weights import check_weights
from .bagging import Bagging
from .folds import make_folds
from .held_out import HeldOut, member_weights, relative_weights
from .importances import permutation_importances
from .rows import DistinctRows, Rows, order_of_rows, repeated

#: Parameters that all members have in common, those of a warm start as well.
_SHARED = ("loss", "class_weight")
#: Encoded elements from which members predict in threads: the start of these takes some ms.
_MANY = 2**17


@contextmanager
def _named_as(estimator, part):
    """Let the errors of a part of an estimator name the estimator, which is what users have."""
    try:
        yield
    except (TypeError, ValueError) as error:
        names = type(part).__name__, type(estimator).__name__
        error.args = tuple(a.replace(*names) if isinstance(a, str) else a for a in error.args)
        raise


class BaseTabular(Bagging, Component, BaseEstimator, ABC):
    """Base class of the estimators for tables.

    A fit goes: read y, learn the encoding of X, make folds, train the members, look at what they
    predict for the rows that they have not seen. Subclasses say how y is read, and how raw
    outputs of members become predictions.
    """

    members_: list[Any]

    _parameter_constraints = {
        "categorical_features": "no_validation",  # the encoder knows
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [ActivationName(), ActivationFunction],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "frequency_scale": [
            StrOptions({"auto"}),
            "array-like",
            Interval(Real, 0, 1e6, closed="both"),
        ],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate_init": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "cv": ["cv_object"],
        "n_members": [Interval(Integral, 1, None, closed="left"), None],
        "scoring": [str, callable],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "warm_start": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }
    #: Attributes that a fit sets.
    _losses = {}

    @classmethod
    def _registry(cls, parameter):
        return cls._losses if parameter == "loss" else {}

    def _store(self, arguments):
        """Store the arguments of ``__init__``, given as its ``locals()``."""
        for name, value in arguments.items():
            if name != "self":
                setattr(self, name, value)

    @abstractmethod
    def _read_target(self, y):
        """Return y as members take it."""

    @abstractmethod
    def _learn_target(self, y, used):
        """Learn the kind of y from the rows in use; return y as numbers."""

    @abstractmethod
    def _strata(self, codes):
        """Return classes that all folds hold in proportion, or None."""

    @abstractmethod
    def _new_member(self, **parameters):
        """Return a member that is not fitted."""

    @abstractmethod
    def _learning_rate(self):
        """Return the largest learning rate."""

    #: Scales of the periodic embeddings of the members in turn, up to a number of numeric columns.
    _usual_scales: tuple[tuple[float, Any], ...]
    #: Whether the output layers of its networks also see the scaled features.
    _is_wide: bool = False

    @abstractmethod
    def _learn_from_held_out(self, rows):
        """Set what is known from rows that members have not seen, and return their losses.

        The losses are a list of arrays of shape (n_held,), one for each member.
        """

    @abstractmethod
    def _misfit(self, member, X, codes, sample_weight):
        """Return the mean loss of a member on encoded rows."""

    def _fit(self, X, y, sample_weight, groups):
        with alone(self):
            return self._fit_alone(X, y, sample_weight, groups)

    def _fit_alone(self, X, y, sample_weight, groups):
        before, began, seed = self.__dict__.copy(), time(), self.random_state
        state = seed.get_state() if isinstance(seed, np.random.RandomState) else None
        try:
            self._fit_rows(X, y, sample_weight, groups, began)
        except BaseException:
            callbacks = {k: v for k, v in self.__dict__.items() if "callback" in k}
            self.__dict__ = {**before, **callbacks}
            if state is not None:
                seed.set_state(state)
            raise
        return self

    def _fit_rows(self, X, y, sample_weight, groups, began):
        grows = self.warm_start and hasattr(self, "members_")
        y = self._read_target(y)
        if not len(y):
            raise ValueError(
                "Found array with 0 sample(s) while a minimum of 2 is required by "
                f"{type(self).__name__}."
            )
        weight = self._read_weights(sample_weight, y)
        used = slice(None) if weight is None or weight.all() else np.flatnonzero(weight)
        codes = self._learn_target(y, used)
        encoder = TableEncoder(self.categorical_features)
        with _named_as(self, encoder):
            encoder._learn(repeated(X, weight), owner=type(self).__name__)
        X = self._take_encoder(encoder, X)
        check_consistent_length(X, y)
        rows = Rows(X, y, codes, weight, DistinctRows(X, codes, weight))
        if grows:
            self._check_same_rows(rows)
        else:
            self._entropy, self.members_, self._held_rows = self._draw_entropy(), [], []
            self._digest = rows.digest()
            self._shared = {n: copied(getattr(self, n, None), n) for n in _SHARED}
        folds = make_folds(
            self.cv,
            self.n_members,
            self._entropy,
            rows.distinct,
            y,
            self._strata(codes),
            self._read_groups(groups, y),
            weight,
        )
        self._check_same_folds(folds)
        self._train(rows, folds, began)
        self._held_out = HeldOut(len(X), self._held_rows)
        self._calibration_rows = self._held_out.calibration_rows(weight)
        self._calibration_weights = relative_weights(weight, self._calibration_rows)
        self._training_rows = rows
        self.__dict__.pop("_importances", None)
        losses = self._learn_from_held_out(rows)
        self.member_weights_: Array = self._weigh(rows, losses, groups)

    def _weigh(self, rows, losses, groups):
        """Return the weights of the members: by their losses, if folds differ by chance alone."""
        n = len(self.members_)
        if groups is not None or not (self.cv is None or isinstance(self.cv, Integral)):
            return np.full(n, 1.0 / n)
        by_row, pairs, weight = np.empty(len(rows.X)), [], self._training_weight(rows)
        for held, each in zip(self._held_rows, losses, strict=True):
            by_row[held] = each
            distinct, weights = rows.distinct.merged(held, weight)
            pairs.append((by_row[distinct], weights))
        return member_weights(*zip(*pairs, strict=True))

    def _training_weight(self, rows):
        """Return the weights by which training counts rows, or None."""
        return rows.sample_weight

    def _mean(self, parts):
        """Return the weighted mean of what the members predict."""
        # One by one, so that the bits are the same for one row and for many, and in float64, so
        # that no mean of probabilities is above 1.
        total = sum(w * part for w, part in zip(self.member_weights_, parts, strict=True))
        return total.astype(parts[0].dtype, copy=False)

    def _refuse_none(self, y):
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )

    def _check_coverage(self, coverage):
        check_is_fitted(self, "members_")
        if not isinstance(coverage, Real) or not 0 < coverage < 1:
            raise ValueError(f"coverage must be a number between 0 and 1, got {coverage!r}.")

    def _calibrators(self):
        """Return shares of the members in what is predicted for calibration rows, and weights."""
        return self._held_out.shares(self._calibration_rows), self._calibration_weights

    def _read_groups(self, groups, y):
        if groups is None:
            return None
        groups = as_labels(groups, "groups")
        if groups.shape != (len(y),):
            raise ValueError(
                f"groups must hold one value for each of the {len(y)} rows, got shape "
                f"{groups.shape}."
            )
        return np.unique(groups, return_inverse=True)[1]

    def _read_weights(self, sample_weight, y):
        return check_weights(sample_weight, y, "sample_weight", type(self).__name__)

    def _take_encoder(self, encoder, X):
        """Use a fitted encoder; return X encoded by it."""
        self.encoder_: TableEncoder = encoder
        self._first_codes = np.cumsum([0, *encoder.cardinalities_[:-1]], dtype=np.float32)
        self.n_features_in_: int = encoder.n_features_in_
        self.__dict__.pop("feature_names_in_", None)
        if hasattr(encoder, "feature_names_in_"):
            self.feature_names_in_: Array = encoder.feature_names_in_
        return self._encode(X)

    def _encode(self, X):
        """Return encoded rows, whose codes no two columns share."""
        check_is_fitted(self, "encoder_")
        X = np.ascontiguousarray(self.encoder_._transform(X, self), dtype=np.float32)
        n_coded = len(self.encoder_.cardinalities_)
        if n_coded > 1:
            X[:, -n_coded:] += self._first_codes
        return X if X.shape[1] else np.zeros((len(X), 1), np.float32)

    def _ask_members(self, X, predict):
        """Return what each member predicts for rows: an array, or several of them.

        The members see the rows in an order that depends on what these hold alone. So the bits do
        not depend on the order of X, which they would in single precision.
        """
        X = self._encode(X)
        if len(X) == 1:
            return [predict(member, X) for member in self.members_]
        order = order_of_rows(X)
        X, place = X[order], np.empty_like(order)
        place[order] = np.arange(len(order))
        found = self._ask_side_by_side(X, predict)
        return [
            part[place] if isinstance(part, np.ndarray) else [each[place] for each in part]
            for part in found
        ]

    def _ask_side_by_side(self, X, predict):
        """Ask some members at a time if there are many rows: threads have one copy of these."""
        if X.size < _MANY or effective_n_jobs(self.n_jobs) == 1:
            return [predict(member, X) for member in self.members_]
        ask = delayed(isolated(predict))
        return Parallel(n_jobs=self.n_jobs, require="sharedmem")(
            ask(member, X) for member in self.members_
        )

    def _columns_of_features(self):
        """Return the columns of encoded rows that each feature is encoded in."""
        origin = self.encoder_.feature_indices_
        return [np.flatnonzero(origin == j) for j in range(self.n_features_in_)]

    def _columns(self):
        """Return how many columns are numbers and indicators, and how many codes there are."""
        encoder = self.encoder_
        found = encoder.n_numbers_, encoder.n_indicators_, int(sum(encoder.cardinalities_))
        return found if any(found) else (0, 1, 0)

    def _draw_entropy(self):
        state = self.random_state
        if isinstance(state, np.random.RandomState):
            return int(state.randint(2**32, dtype=np.uint32))
        # None takes fresh entropy: NumPy's global generator is neither read nor advanced.
        return np.random.SeedSequence().entropy if state is None else int(state)

    def _check_same_rows(self, rows):
        """Refuse to add members that learn something else."""
        changed = [n for n in _SHARED if not same(getattr(self, n, None), self._shared[n])]
        if rows.digest() != self._digest or changed:
            raise ValueError(
                f"{type(self).__name__} with warm_start=True adds members that learn what the "
                f"others have learned, and {changed[0] if changed else 'X, y or sample_weight'} "
                "changed; set warm_start=False, or use clone, to start anew."
            )
        self.members_, self._held_rows = list(self.members_), list(self._held_rows)

    def _check_same_folds(self, folds):
        """Refuse to add members to those that have held out rows of other folds."""
        pairs = zip(folds, self._held_rows, strict=False)
        if not all(np.array_equal(fold.held, held) for fold, held in pairs):
            raise ValueError(
                f"{type(self).__name__} with warm_start=True adds members on the folds of the "
                "others, and cv or groups give other folds now; set warm_start=False, or use "
                "clone, to start anew."
            )

    @property
    def n_iter_(self) -> int:
        """Number of epochs of the member that was trained for most."""
        check_is_fitted(self, "members_")
        return max(member.n_iter_ for member in self.members_)

    @property
    def feature_importances_(self) -> Array:
        """Growth of the loss of rows that were held out when a feature is permuted.

        An array of shape (n_features,); the shares of the features add up to 1. They are computed
        when they are first asked for, and not after loading: pickles and copies hold no rows.
        """
        check_is_fitted(self, "members_")
        if "_importances" not in self.__dict__:
            if "_training_rows" not in self.__dict__:
                raise AttributeError(
                    f"feature_importances_ of this {type(self).__name__} were not asked for "
                    "before it was pickled or copied, and need the training rows, which are left "
                    "out then. Ask for them before, or fit again."
                )
            rows = self._training_rows

            def misfit(member, held, X):
                weight = None if rows.sample_weight is None else rows.sample_weight[held]
                return self._misfit(self.members_[member], X, rows.codes[held], weight)

            self._importances = permutation_importances(
                self._held_rows, rows.X, self._columns_of_features(), misfit
            )
        return self._importances

    def __sklearn_is_fitted__(self) -> bool:
        return "members_" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def _sk_visual_block_(self):
        """Show the encoder and the first member in scikit-learn's HTML diagram."""
        if not self.__sklearn_is_fitted__():
            name = type(self).__name__
            return VisualBlock("single", self, names=name, name_details=str(self))
        parts = [self.encoder_, self.members_[0]]
        names = [type(part).__name__ for part in parts]
        names[1] += f" (member 1 of {len(self.members_)})"
        return VisualBlock("serial", parts, names=names, name_details=list(map(str, parts)))

    def __getstate__(self) -> dict[str, Any]:
        state = with_picklable_functions(stamp(super().__getstate__()), self)
        state.pop("_training_rows", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(unstamp(state, type(self).__name__))
        if hasattr(self, "members_") and not hasattr(self, "member_weights_"):  # pickled before
            self.member_weights_ = np.full(len(self.members_), 1.0 / len(self.members_))
