"""Models of Keras as estimators of sknet, and the way back."""

from .reading import from_keras

__all__ = ["from_keras"]
