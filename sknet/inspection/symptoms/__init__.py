"""What the doctor looks for: in the data, in the network, and in the course of training."""

from .data import symptoms_of_data
from .finding import Finding
from .network import symptoms_of_network
from .predictions import symptoms_of_predictions
from .training import symptoms_of_training

__all__ = [
    "Finding",
    "symptoms_of_data",
    "symptoms_of_network",
    "symptoms_of_predictions",
    "symptoms_of_training",
]
