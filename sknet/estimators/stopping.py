"""When training has stopped making progress."""

from __future__ import annotations

from math import inf


class Patience:
    """Counts the epochs in a row that brought no progress.

    An epoch brings progress when its score is at least the best so far plus `tol`; that is how
    scikit-learn's MLP counts. A score that is NaN never does.

    Attributes
    ----------
    best : float
        Best score so far; greater is better.
    count : int
        Epochs in a row without progress.
    """

    def __init__(self) -> None:
        self.best: float = -inf
        self.count: int = 0

    def update(self, score: float, tol: float) -> bool:
        """Count one epoch.

        Parameters
        ----------
        score : float
            Score of the epoch, greater is better.
        tol : float
            Smallest change that counts as progress.

        Returns
        -------
        improved : bool
            Whether the score is the best so far, by however little.
        """
        self.count = 0 if score >= self.best + tol else self.count + 1
        improved = score > self.best
        if improved:
            self.best = score
        return improved
