"""Models of Keras as estimators of sknet, and the way back."""

from .reading import from_keras
from .writing import to_keras

__all__ = ["from_keras", "to_keras"]
