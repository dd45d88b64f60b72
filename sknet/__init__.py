"""Neural networks that are scikit-learn estimators."""

__version__ = "0.1.0"

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .estimators import (
    AutoencoderTransformer,
    FeatureExtractor,
    NeuralClassifier,
    NeuralLanguageModel,
    NeuralOutlierDetector,
    NeuralRegressor,
    NeuralTranscriber,
    NeuralTranslator,
    PlacewiseScorer,
)
from .versions import show_versions

if TYPE_CHECKING:
    from .interop import load, save
    from .tabular import TabularClassifier, TabularRegressor

__all__ = [
    "AutoencoderTransformer",
    "FeatureExtractor",
    "NeuralClassifier",
    "NeuralLanguageModel",
    "NeuralOutlierDetector",
    "NeuralRegressor",
    "NeuralTranscriber",
    "NeuralTranslator",
    "PlacewiseScorer",
    "TabularClassifier",
    "TabularRegressor",
    "__version__",
    "load",
    "save",
    "show_versions",
]

#: Modules that are imported when they are asked for: the first fit of a process need not wait.
_LATER = {
    "interop": None,
    "tabular": None,
    "load": "interop",
    "save": "interop",
    "TabularClassifier": "tabular",
    "TabularRegressor": "tabular",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_LATER[name] or name}", __name__)
    return getattr(module, name) if _LATER[name] else module


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
