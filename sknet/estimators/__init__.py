"""The scikit-learn estimators."""

from .autoencoder import AutoencoderTransformer
from .classifier import NeuralClassifier
from .language_model import NeuralLanguageModel
from .regressor import NeuralRegressor

__all__ = ["AutoencoderTransformer", "NeuralClassifier", "NeuralLanguageModel", "NeuralRegressor"]
