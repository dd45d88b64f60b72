"""Neural networks that are scikit-learn estimators."""

__version__ = "0.1.0"

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
from .interop import load, save
from .tabular import TabularClassifier, TabularRegressor
from .versions import show_versions

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
