"""Neural networks that are scikit-learn estimators."""

__version__ = "0.1.0"

from .estimators import (
    AutoencoderTransformer,
    NeuralClassifier,
    NeuralLanguageModel,
    NeuralRegressor,
)
from .interop import load, save
from .tabular import TabularClassifier, TabularRegressor

__all__ = [
    "AutoencoderTransformer",
    "NeuralClassifier",
    "NeuralLanguageModel",
    "NeuralRegressor",
    "TabularClassifier",
    "TabularRegressor",
    "__version__",
    "load",
    "save",
]
