"""The classes that files may name: those of sknet, and those that the user has registered."""

from __future__ import annotations

from inspect import isabstract, isclass, isfunction
from types import MappingProxyType
from typing import Any

import numpy as np

from .. import (
    activations,
    estimators,
    initializers,
    layers,
    losses,
    mixing,
    optimizers,
    preprocessing,
    regularization,
    schedules,
    tabular,
)
from ..base import Workspace, brief
from ..estimators.codec import Decoder, Encoder, RepeatCode, SequenceCodec, ZeroMissing
from ..estimators.encoder_decoder import EncoderDecoder
from ..estimators.several_targets import SeveralTargets
from ..estimators.stopping import Patience
from ..estimators.target_scale import TargetScale
from ..estimators.transcription import LabelSequences
from ..estimators.vocabulary import CodeVocabulary, TextVocabulary
from ..layers.composite import LayerList
from ..losses.base import Target
from ..losses.observed import ObservedLoss
from ..losses.placewise import PlacewiseLoss
from ..losses.sequence import SequenceLoss
from ..losses.several import SeveralLosses, _Member
from ..network import Network
from ..places import Layout
from ..preprocessing.encodings import DateEncoding, IndicatorEncoding, NumberEncoding
from ..preprocessing.levels import Levels
from ..preprocessing.splitter import TextSplitter
from ..tabular.held_out import HeldOut
from ..tabular.members import ClassifierMember, RegressorMember
from ..training import EndedTraining, Trainer

_PUBLIC = (
    activations,
    estimators,
    initializers,
    layers,
    losses,
    mixing,
    optimizers,
    preprocessing,
    regularization,
    schedules,
    tabular,
)
#: What the public classes consist of.
_PARTS = (
    ClassifierMember,
    CodeVocabulary,
    DateEncoding,
    Decoder,
    EndedTraining,
    Encoder,
    EncoderDecoder,
    HeldOut,
    IndicatorEncoding,
    LabelSequences,
    LayerList,
    Layout,
    Levels,
    Network,
    NumberEncoding,
    ObservedLoss,
    Patience,
    PlacewiseLoss,
    RegressorMember,
    RepeatCode,
    SequenceCodec,
    SequenceLoss,
    SeveralLosses,
    SeveralTargets,
    _Member,
    Target,
    TargetScale,
    TextSplitter,
    TextVocabulary,
    Trainer,
    Workspace,
    ZeroMissing,
)
#: Types as parameters: `dtype=np.float32`.
_TYPES = {f"builtins.{each.__name__}": each for each in (bool, int, float, complex, str, object)}
_TYPES |= {f"numpy.{each.__name__}": each for each in set(np.sctypeDict.values())}
#: Splitters of scikit-learn, for `cv`: objects of plain values.
_SPLITTERS = (
    "GroupKFold",
    "GroupShuffleSplit",
    "KFold",
    "LeaveOneGroupOut",
    "LeaveOneOut",
    "LeavePGroupsOut",
    "LeavePOut",
    "PredefinedSplit",
    "RepeatedKFold",
    "RepeatedStratifiedKFold",
    "ShuffleSplit",
    "StratifiedGroupKFold",
    "StratifiedKFold",
    "StratifiedShuffleSplit",
    "TimeSeriesSplit",
)
_ENDS_OF_METRICS = ("_coef", "_deviance", "_error", "_loss", "_score")
_registered = {}


def register(item: Any) -> Any:
    """Let files hold objects of a class of your own, or a function.

    `sknet.save` and `sknet.load` know the classes of sknet alone. Register your own layers,
    losses, optimizers and estimators in the module that defines them: then they are known
    wherever that module has been imported. Loading never imports a module by itself.

    Parameters
    ----------
    item : type or function
        The class, found by its module and its name. Its objects are saved as their attributes,
        or what ``__getstate__`` returns.

    Returns
    -------
    item : type or function
        The same, so that `register` can be used as a decorator.

    Raises
    ------
    TypeError
        If it is neither a class nor a function.
    ValueError
        If another class of that name is registered, or it has no name of its own.

    Examples
    --------
    >>> import sknet
    >>> from sknet.layers import Dense
    >>> @sknet.interop.register
    ... class Wide(Dense):
    ...     pass
    """
    name = named(item)
    if name in _registered and not _is_redefined(_registered[name], item):
        raise ValueError(
            f"Another {brief(name)} is registered already. Give one of them another name."
        )
    _registered[name] = item
    return item


def _is_redefined(old, new):
    # A notebook runs the same definition many times.
    return isclass(old) == isclass(new)


def named(cls: Any) -> str:
    """Return the name by which files know a class or function of the user's own."""
    if not isclass(cls) and not isfunction(cls):
        raise TypeError(f"Only classes and functions can be registered, got {brief(cls)}.")
    if "<lambda>" in cls.__qualname__:
        raise ValueError(
            f"{cls.__qualname__} of module {cls.__module__} has no name of its own. Define it by "
            "def, so that a file can name it."
        )
    return f"{cls.__module__}.{cls.__qualname__}"


def _classes():
    """Return the classes of sknet by the names that files give them: part and class."""
    found = [getattr(package, name) for package in _PUBLIC for name in package.__all__]
    found = [cls for cls in found if isclass(cls) and not isabstract(cls)]
    return {
        f"sknet.{cls.__module__.split('.')[1]}.{cls.__name__}": cls for cls in found + list(_PARTS)
    }


CLASSES = MappingProxyType(_classes())


class Allowed:
    """What one file may name.

    Parameters
    ----------
    trusted : iterable of type or function
        Classes of the user's own, besides those that are registered.
    """

    def __init__(self, trusted: Any = ()) -> None:
        own = {named(cls): cls for cls in trusted}
        self._by_name = {**_registered, **own, **CLASSES, **_TYPES}
        self._by_name.update(_of_scikit_learn())
        self._names = {each: name for name, each in self._by_name.items()}

    def name_of(self, value: Any) -> Any:
        """Return the name of a class or function, or None if it is not allowed."""
        return self._names.get(value)

    def named(self, name: str) -> Any:
        """Return the class or function of a name."""
        if type(name) is not str or name not in self._by_name:
            raise ValueError(
                f"it names {brief(name)}, which sknet does not know. If it is yours and you trust "
                "it, import its module, and pass trusted=[cls] or use sknet.interop.register"
            )
        return self._by_name[name]


def _of_scikit_learn():
    """Return what estimators of sknet lie in, and what they take: splitters, scorers, metrics."""
    from sklearn import metrics, model_selection
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
    from sklearn.frozen import FrozenEstimator
    from sklearn.pipeline import FeatureUnion, Pipeline

    containers = (ColumnTransformer, FeatureUnion, FrozenEstimator, Pipeline)
    splitters = [getattr(model_selection, name) for name in _SPLITTERS]
    scorer = type(metrics.make_scorer(metrics.accuracy_score))
    functions = [
        getattr(metrics, name) for name in metrics.__all__ if name.endswith(_ENDS_OF_METRICS)
    ]
    found = (*containers, TransformedTargetRegressor, make_column_selector, *splitters, scorer)
    return {f"sklearn.{item.__name__}": item for item in (*found, *functions)}


def trusted_types() -> list[str]:
    """List the types of sknet for `skops.io.load` and mlflow, which ask whom to trust.

    Returns
    -------
    names : list of str
        Full names of all classes that estimators of sknet consist of, of those that are
        registered, and of two of NumPy's: dtypes and seeds.

    Examples
    --------
    >>> import sknet
    >>> "sknet.layers.dense.Dense" in sknet.interop.trusted_types()
    True
    """
    found = {named(cls) for cls in [*CLASSES.values(), *_registered.values()]}
    return sorted(found | {"numpy.dtype", "numpy.random.bit_generator.SeedSequence"})
