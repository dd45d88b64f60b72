"""Neural networks that are scikit-learn estimators."""

__version__ = "0.1.0"

from .estimators import (
    AutoencoderTransformer,
    NeuralClassifier,
    NeuralLanguageModel,
    NeuralRegressor,
)
from .tabular import TabularClassifier, TabularRegressor
from .versions import show_versions

__all__ = [
    "AutoencoderTransformer",
    "NeuralClassifier",
    "NeuralLanguageModel",
    "NeuralRegressor",
    "TabularClassifier",
    "TabularRegressor",
    "__version__",
    "show_versions",
]
