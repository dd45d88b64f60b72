"""Looking into fitted networks: displays of training, layers, predictions and mistakes."""

from .activations import ActivationsDisplay
from .architecture import ArchitectureDisplay
from .attention import AttentionDisplay
from .embedding import EmbeddingDisplay
from .errors import ErrorsDisplay
from .filters import FiltersDisplay
from .importances import ImportancesDisplay
from .intervals import CoverageDisplay, IntervalDisplay
from .latent import LatentDisplay
from .reconstruction import ReconstructionDisplay
from .saliency import SaliencyDisplay
from .training import TrainingDisplay

__all__ = [
    "ActivationsDisplay",
    "ArchitectureDisplay",
    "AttentionDisplay",
    "CoverageDisplay",
    "EmbeddingDisplay",
    "ErrorsDisplay",
    "FiltersDisplay",
    "ImportancesDisplay",
    "IntervalDisplay",
    "LatentDisplay",
    "ReconstructionDisplay",
    "SaliencyDisplay",
    "TrainingDisplay",
]
