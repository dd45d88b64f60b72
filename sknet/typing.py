"""The types that the annotations of public signatures share."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Any NumPy array; its shape and dtype are in the docstrings.
Array: TypeAlias = NDArray[Any]
#: Shape of an array without the batch; None is any number of steps.
Shape: TypeAlias = tuple[int | None, ...]
#: A function of the user's.
Function: TypeAlias = Callable[..., Any]
#: What a decorator returns as it was given.
F = TypeVar("F", bound=Callable[..., Any])


@runtime_checkable
class SparseLike(Protocol):
    """A sparse matrix or array of SciPy."""

    def tocsr(self, copy: bool = ...) -> Any:
        """Return it by rows."""


@runtime_checkable
class FrameLike(Protocol):
    """A data frame of pandas, polars, PyArrow or another library."""

    def __dataframe__(self, nan_as_null: bool = ..., allow_copy: bool = ...) -> Any: ...


@runtime_checkable
class PositionsLike(Protocol):
    """Items that are reached by position."""

    def __len__(self) -> int: ...

    def __getitem__(self, position: int, /) -> Any: ...


@runtime_checkable
class EstimatorLike(Protocol):
    """An estimator, pipeline or search of scikit-learn's kind."""

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Train it."""

    def get_params(self, deep: bool = ...) -> dict[str, Any]:
        """Return its parameters."""


class ParameterObject:
    """Stands in for scikit-learn's BaseEstimator, which has no annotations, in type checkers."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters."""
        raise NotImplementedError

    def set_params(self, **params: Any) -> Self:
        """Set parameters."""
        raise NotImplementedError

    def _validate_params(self) -> None: ...


#: Blocks of rows that are read again and again.
RowBlocks: TypeAlias = Iterable[Any] | PositionsLike
#: Samples: an array, a data frame, a sparse matrix, or a list of sequences of unequal length.
Samples: TypeAlias = ArrayLike | SparseLike | FrameLike | Sequence[ArrayLike]
#: Targets: an array, a column or several, or a list of one array a sequence.
Targets: TypeAlias = ArrayLike | FrameLike | Sequence[ArrayLike]
#: Widths of hidden layers.
Sizes: TypeAlias = int | Sequence[int] | NDArray[np.integer[Any]]
#: A size along each axis, or the same for all.
Window: TypeAlias = int | Sequence[int]
#: Source of random numbers.
RandomState: TypeAlias = int | np.random.RandomState
#: Precision of a computation.
Precision: TypeAlias = Literal["float32", "float64"] | type[np.float32] | type[np.float64]
#: Weights of classes: by label, "balanced", or one of these an output.
ClassWeight: TypeAlias = dict[Any, float] | list[dict[Any, float]] | Literal["balanced"]

NamedActivation: TypeAlias = Literal[
    "identity",
    "logistic",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "softplus",
    "relu6",
    "hard_sigmoid",
    "hard_swish",
    "softsign",
    "softmax",
]
NamedInitializer: TypeAlias = Literal[
    "zeros",
    "ones",
    "normal",
    "uniform",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "orthogonal",
    "unit_variance",
    "data_points",
]
NamedOptimizer: TypeAlias = Literal[
    "adagrad",
    "adam",
    "adamw",
    "amsgrad",
    "lamb",
    "lbfgs",
    "lion",
    "muon",
    "nadam",
    "radam",
    "rmsprop",
    "sgd",
    "sgdw",
]
NamedSchedule: TypeAlias = Literal[
    "constant",
    "invscaling",
    "adaptive",
    "step",
    "exponential",
    "cosine",
    "flat_cosine",
    "log_cosine",
    "one_cycle",
    "cosine_restarts",
    "polynomial",
    "piecewise_constant",
    "inverse_time",
    "cyclic",
]
NamedClassificationLoss: TypeAlias = Literal[
    "log_loss", "focal", "hinge", "squared_hinge", "dice", "tversky"
]
NamedRegressionLoss: TypeAlias = Literal[
    "squared_error",
    "absolute_error",
    "huber",
    "poisson",
    "gamma",
    "quantile",
    "gaussian",
    "tweedie",
    "log_cosh",
    "kl_divergence",
    "cosine_similarity",
]
NamedReconstructionLoss: TypeAlias = Literal[
    "squared_error", "absolute_error", "huber", "log_loss"
]
