"""The scikit-learn estimators."""

from .autoencoder import AutoencoderTransformer
from .classifier import NeuralClassifier
from .feature_extractor import FeatureExtractor
from .language_model import NeuralLanguageModel
from .outlier_detector import NeuralOutlierDetector
from .regressor import NeuralRegressor
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
