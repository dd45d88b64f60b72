"""Checking what the user gives: X, targets, weights, validation sets."""

from dataclasses import dataclass
from math import isfinite
from numbers import Integral
from re import search

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing, check_X_y, indexable
from sklearn.utils.validation import validate_data

from ..batches import Data
from ..cells import is_single
from ..finite import aligned, checked, located
from ..inputs import as_inputs, as_rows, check_width, infer_shape, readable, stacked
from ..places import Places
from ..weights import check_weights
from .architecture import takes_images
from .holdout import hold_out

_STEPS = (
    "If X goes through other steps of a pipeline first, X_val has to, too: by "
    'Pipeline(..., transform_input=["X_val"]) and metadata routing.'
)


@dataclass
class Validation:
    """A validation set: as the loss takes it, and as the user gave it for a scorer."""

    data: Data
    X: object
    y: object
    sample_weight: object


class DataValidation:
    """Turns the arguments of ``fit`` into `Data` and `Validation`."""

    #: What to do about missing values, and about tables of other cells than numbers, for errors.
    _on_missing = (
        "Fill missing values first, by sklearn.impute.SimpleImputer in a pipeline; for codes of "
        "categories, give missing ones a code of their own."
    )
    _on_tables = ""

    def _check_data(self, X, y, sample_weight, reset, training=True, name="sample_weight"):
        """Return the validated rows, y encoded; rows of weight zero are not in use.

        If they are not all rows of the training, what all of them tell is not learned from them.
        """
        X, y = self._check_X_y(X, y, reset)
        weight = self._check_weight(sample_weight, X, name)
        rows = None if weight is None or weight.all() else np.flatnonzero(weight)
        data = Data(X, y, weight, rows)
        self._encode_target(data, reset)
        self._weigh_target(data, training)
        return data

    def _weigh_target(self, data, training):
        """Multiply the weights of the rows by what their targets count; by default by 1."""

    def _check_X_y(self, X, y, reset):
        """Return X in the form that networks run on, and y checked for its length and type."""
        X, y = self._readable_X(X), self._readable_y(y)
        if reset:
            self._input_shape = self._sample_shape(X)
        checks = {"multi_output": True, **self._y_checks()}
        if not self._has_columns(X):
            X = self._check_any_length(X, reset)
            _, y = check_X_y(np.zeros((len(X), 1)), y, estimator=self, **checks)
            return X, y
        return self._check_table(X, y, reset, **checks)

    def _check_X_alone(self, X, reset):
        """Return X in the form that networks run on, before y can be checked."""
        X = self._readable_X(X)
        if reset:
            self._input_shape = self._sample_shape(X)
        if not self._has_columns(X):
            return self._check_any_length(X, reset)
        return self._check_table(X, reset=reset)

    def _readable_X(self, X):
        return readable(X, type(self).__name__, self._advice_on_tables())

    def _readable_y(self, y):
        return y

    def _y_checks(self):
        return {}

    def _check_table(self, X, y="no_validation", reset=False, **checks):
        """Return a table, and y if given, as scikit-learn checks them."""
        options = self._X_checks(reset)
        if isinstance(options["dtype"], tuple) and is_single(X):
            options["dtype"] = np.float32  # scikit-learn knows that of NumPy's types alone
        try:
            with np.errstate(invalid="ignore"):  # of the sum by which NaN are looked for
                found = validate_data(self, self._as_rows(X), y, reset=reset, **checks, **options)
        except ValueError as error:
            raise located(error, X, options["dtype"], self._missing_advice()) from None
        X, *y = found if isinstance(found, tuple) else (found,)
        self._check_columns(X)
        return (aligned(X), *y) if y else aligned(X)

    def _missing_advice(self):
        advice = self._on_missing.format(owner=type(self).__name__)
        return f"{advice} {self._advice_on_tables()}".rstrip()

    def _advice_on_tables(self):
        # Samples of a shape are no tables.
        shape = getattr(self, "_input_shape", None) or self.input_shape
        return self._on_tables if shape is None or len(shape) == 1 else ""

    def _check_X(self, X):
        if self._is_checked(X):
            return X
        X = self._readable_X(X)
        if not self._has_columns(X):
            return self._check_any_length(X, False)
        if isinstance(X, np.ndarray) and not hasattr(self, "feature_names_in_"):
            # Asking an array for the names of its columns takes a quarter of one prediction.
            options = {"estimator": self, **self._X_checks(False)}
            rows = checked(self._as_rows(X), X, self._missing_advice(), **options)
            if rows.shape[1] == getattr(self, "n_features_in_", None):
                self._check_columns(rows)
                return rows
        return self._check_table(X)

    def _is_checked(self, X):
        """Tell of most arrays that `_check_X` would return them as they are, in little time."""
        return (
            type(X) is np.ndarray
            and X.dtype == self.network_.dtype
            and X.ndim == 2
            and X.shape[1] == getattr(self, "n_features_in_", None)
            and X.flags.c_contiguous
            and X.flags.aligned
            and isfinite(np.vdot(X, X))  # that of no rows is 0
            and len(X) > 0
            and not hasattr(self, "feature_names_in_")
        )

    def _check_columns(self, X):
        if self._input_shape is None:
            self._input_shape = (X.shape[1],)
        check_width(X.shape[1], self._input_shape)

    def _X_checks(self, reset):
        if not reset:
            dtype = self.network_.dtype
        elif self.dtype is None:
            dtype = (np.float64, np.float32)
        else:
            dtype = np.dtype(self.dtype)
        rows = len(self._input_shape or [None]) == 1
        sparse = "csr" if rows and self._takes_sparse() else False
        return {"accept_sparse": sparse, "dtype": dtype, "order": "C"}

    def _has_columns(self, X):
        """Tell whether X has a fixed number of columns, as a table for scikit-learn has."""
        shape = self._input_shape
        if shape is None or None not in shape or issparse(X):
            return True
        # Rows that hold sequences of several axes are a table; sequences as such are not.
        return not isinstance(X, list) and len(X.shape) == 2 and len(shape) > 1

    def _check_any_length(self, X, reset):
        """Return checked sequences of any length, of an array or a list of arrays."""
        if reset:  # such an X has no columns to count or to name
            for name in ("n_features_in_", "feature_names_in_"):
                self.__dict__.pop(name, None)
        dtype = self._X_checks(reset)["dtype"]
        return as_inputs(X, self._input_shape, dtype, type(self).__name__)

    def _as_rows(self, X):
        """View samples of the shape `input_shape` as rows."""
        owner, shape = type(self).__name__, self._input_shape
        return X if shape is None else as_rows(stacked(X, shape, owner), shape, owner)

    def _refuse_samples(self, X, shape):
        owner = f"{type(self).__name__} expects X of shape (n_samples, n_features)"
        if None in shape:
            raise ValueError(
                f"{owner}, got sequences of unequal length. Give it layers for them, such as "
                f"{self._list_parameters[0]}=[LSTM(32)]."
            )
        raise ValueError(
            f"{owner}, got {np.shape(X)}. Pass input_shape={shape} to take such samples."
        )

    def _sample_shape(self, X):
        """Return the shape of one sample, of X where `input_shape` is None; None for a table."""
        if self.input_shape is None:
            shape = infer_shape(X)
            if shape is not None and self.layers is None:
                self._refuse_samples(X, shape)
            return shape and self._with_channel(shape)
        shape = tuple(self.input_shape)
        steps, rest = shape[:1], shape[1:]
        sizes = rest if steps == (None,) else shape
        if not shape or not all(isinstance(n, Integral) and n > 0 for n in sizes):
            raise ValueError(
                f"input_shape must hold ints of at least 1, got {self.input_shape!r}; only the "
                "first may be None, for any number of steps."
            )
        return self._with_channel(shape)

    def _with_channel(self, shape):
        """Return the shape of images with the channel axis that their layers expect."""
        layers = getattr(self, self._list_parameters[0], None)
        is_gray = len(shape) == 2 and None not in shape and takes_images(layers)
        return (*shape, 1) if is_gray else shape

    def _check_weight(self, sample_weight, X, name):
        return check_weights(sample_weight, X, name, type(self).__name__)

    def _check_validation(self, X_val, y_val, sample_weight_val):
        """Return the validation set that the user gave, or None."""
        if X_val is None:
            if y_val is not None or sample_weight_val is not None:
                names = {"y_val": y_val, "sample_weight_val": sample_weight_val}
                given = " and ".join(name for name, value in names.items() if value is not None)
                raise ValueError(
                    f"{type(self).__name__}.fit got {given} without X_val; pass X_val with it."
                )
            return None
        if y_val is None and self.__sklearn_tags__().target_tags.required:
            raise ValueError(
                f"{type(self).__name__}.fit got X_val without y_val; pass y_val with it."
            )
        try:
            given = X_val, y_val, sample_weight_val
            data = self._check_data(*given, False, training=False, name="sample_weight_val")
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            advice = f" {_STEPS}" if search(r"\bX\b", str(error)) else ""
            raise kind(f"In the validation set: {error}{advice}") from None
        weight = self._check_weight(sample_weight_val, data.X, "sample_weight_val")
        return Validation(data, X_val, y_val, weight)

    def _split(self, data, X, y, sample_weight):
        """Hold rows out for validation; `data` keeps the others."""
        rows = np.arange(data.n_rows) if data.rows is None else data.rows
        y_used = data.y[rows]
        strata, names = (None, None) if isinstance(y_used, Places) else self._strata(y_used)
        data.rows, held = hold_out(rows, self.validation_fraction, self._split_seed, strata, names)
        # A memoryview has a shape and takes no list of rows.
        given = (np.asarray(each) if isinstance(each, memoryview) else each for each in (X, y))
        X, y = indexable(*given)
        sample_weight = self._check_weight(sample_weight, data.X, "sample_weight")
        same_y = data.y is data.X
        X_held = data.X[held]
        weight = data.sample_weight
        held_data = Data(
            X_held,
            X_held if same_y else data.y[held],
            None if weight is None else weight[held],
        )
        return Validation(
            held_data,
            _safe_indexing(X, held),
            None if y is None else _safe_indexing(y, held),
            None if sample_weight is None else _safe_indexing(sample_weight, held),
        )

    def _strata(self, y):
        """Return what the hold-out keeps in proportion, and the names of the classes."""
        return None, None
