"""The scikit-learn estimators."""

from .autoencoder import AutoencoderTransformer
from .classifier import NeuralClassifier
from .language_model import NeuralLanguageModel
from .outlier_detector import NeuralOutlierDetector
from .regressor import NeuralRegressor

__all__ = [
    "AutoencoderTransformer",
    "NeuralClassifier",
    "NeuralLanguageModel",
    "NeuralOutlierDetector",
    "NeuralRegressor",
]
