"""Neural networks that are scikit-learn estimators."""

__version__ = "0.1.0"

from .estimators import AutoencoderTransformer, NeuralClassifier, NeuralRegressor

__all__ = ["AutoencoderTransformer", "NeuralClassifier", "NeuralRegressor", "__version__"]
