"""The scikit-learn estimators."""

from .autoencoder import AutoencoderTransformer
from .classifier import NeuralClassifier
from .language_model import NeuralLanguageModel
from .regressor import NeuralRegressor
from .scoring import PlacewiseScorer

__all__ = [
    "AutoencoderTransformer",
    "NeuralClassifier",
    "NeuralLanguageModel",
    "NeuralRegressor",
    "PlacewiseScorer",
]
