"""The scikit-learn estimators."""

from .autoencoder import AutoencoderTransformer
from .classifier import NeuralClassifier
from .regressor import NeuralRegressor

__all__ = ["AutoencoderTransformer", "NeuralClassifier", "NeuralRegressor"]
