"""Random parts of a batch that are set to zero."""

import numpy as np


def dropout(x, out, kept, rng, keep, factor, work):
    """Keep a random part of x, times a factor; note which in `kept`, which is broadcast to x.

    The compiled one draws other numbers: those of a generator that one number of rng starts.
    """
    uniform = work("uniform", kept.shape, np.float32)
    rng.random(out=uniform, dtype=np.float32)
    np.less(uniform, np.float32(keep), out=kept)
    np.multiply(x, _scale(kept, factor, work), out=out)


def dropout_backward(grad, kept, factor, work):
    """Keep the same part of the gradient."""
    np.multiply(grad, _scale(kept, factor, work), out=grad)


def _scale(kept, factor, work):
    return np.multiply(kept, work.dtype.type(factor), out=work("scale", kept.shape))
