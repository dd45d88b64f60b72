"""Mixtures of rows, for minimal filtering."""

import numpy as np


def mix_rows(weights, x, out):
    """Put weights @ x into out: of each tile (n_rows, E), mixtures of its rows."""
    np.matmul(weights, x, out=out)
