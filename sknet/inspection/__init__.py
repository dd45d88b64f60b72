"""Looking into fitted networks: displays, and a doctor for those that do not learn."""

from .activations import ActivationsDisplay
from .architecture import ArchitectureDisplay
from .attention import AttentionDisplay
from .diagnosis import Diagnosis, diagnose
from .embedding import EmbeddingDisplay
from .errors import ErrorsDisplay
from .filters import FiltersDisplay
from .importances import ImportancesDisplay
from .intervals import CoverageDisplay, IntervalDisplay
from .latent import LatentDisplay
from .learning_rate import LearningRateDisplay, learning_rate_range
from .reconstruction import ReconstructionDisplay
from .saliency import SaliencyDisplay
from .symptoms import Finding
from .training import TrainingDisplay

__all__ = [
    "ActivationsDisplay",
    "ArchitectureDisplay",
    "AttentionDisplay",
    "CoverageDisplay",
    "Diagnosis",
    "EmbeddingDisplay",
    "ErrorsDisplay",
    "FiltersDisplay",
    "Finding",
    "ImportancesDisplay",
    "IntervalDisplay",
    "LatentDisplay",
    "LearningRateDisplay",
    "ReconstructionDisplay",
    "SaliencyDisplay",
    "TrainingDisplay",
    "diagnose",
    "learning_rate_range",
]
