"""Neural networks that are scikit-learn estimators."""

__version__ = "0.1.0"

from typing import TYPE_CHECKING

import sklearn  # noqa: F401  # before SciPy, which saves 0.1 s of loading

from .estimators import NeuralClassifier, NeuralRegressor
from .later import imported_later
from .versions import show_versions

if TYPE_CHECKING:
    from .estimators import (
        AutoencoderTransformer,
        FeatureExtractor,
        NeuralLanguageModel,
        NeuralOutlierDetector,
        NeuralTranscriber,
        NeuralTranslator,
        PlacewiseScorer,
    )
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

__getattr__, __dir__ = imported_later(
    __name__,
    {
        "estimators": [
            "AutoencoderTransformer",
            "FeatureExtractor",
            "NeuralLanguageModel",
            "NeuralOutlierDetector",
            "NeuralTranscriber",
            "NeuralTranslator",
            "PlacewiseScorer",
        ],
        "tabular": ["TabularClassifier", "TabularRegressor"],
        "interop": ["load", "save"],
        "preprocessing": [],
    },
)
