"""The scikit-learn estimators."""

from typing import TYPE_CHECKING

from ..later import imported_later
from .classifier import NeuralClassifier
from .regressor import NeuralRegressor

if TYPE_CHECKING:
    from .autoencoder import AutoencoderTransformer
    from .feature_extractor import FeatureExtractor
    from .language_model import NeuralLanguageModel
    from .outlier_detector import NeuralOutlierDetector
    from .scoring import PlacewiseScorer
    from .transcriber import NeuralTranscriber
    from .translator import NeuralTranslator

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
]

__getattr__, __dir__ = imported_later(
    __name__,
    {
        "autoencoder": ["AutoencoderTransformer"],
        "feature_extractor": ["FeatureExtractor"],
        "language_model": ["NeuralLanguageModel"],
        "outlier_detector": ["NeuralOutlierDetector"],
        "transcriber": ["NeuralTranscriber"],
        "translator": ["NeuralTranslator"],
        "scoring": ["PlacewiseScorer"],
    },
)
