"""The softmax over the last axis."""

from __future__ import annotations

import numpy as np

from ..typing import Array
from .base import Activation


class Softmax(Activation):
    """The softmax, f(x)_i = exp(x_i) / sum_j exp(x_j), over the last axis.

    It is the one activation that is not elementwise: the values of a row or of a step are
    positive and sum to 1, as weights of a mixture do. The output layer of a classifier does not
    need it: the estimator adds its own.

    References
    ----------
    .. [1] Bridle, "Probabilistic interpretation of feedforward classification network outputs",
       Neurocomputing, 1990, :doi:`10.1007/978-3-642-76153-9_28`

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import Softmax
    >>> activation = Softmax()
    >>> activation.allocate(n_rows=1, dtype="float64")
    >>> x = np.array([[-1.0, 0.0, 2.0]])
    >>> activation.forward(x, out=x).round(3)
    array([[0.042, 0.114, 0.844]])
    """

    is_elementwise = False

    def forward(self, x: Array, out: Array, training: bool = False) -> Array:
        highest = self._work("highest", (*x.shape[:-1], 1))
        np.max(x, axis=-1, keepdims=True, out=highest)
        np.subtract(x, highest, out=out)
        np.exp(out, out=out)
        total = np.sum(out, axis=-1, keepdims=True, out=highest)
        return np.divide(out, total, out=out)

    def backward(self, grad: Array, out: Array) -> Array:
        # d x_i = f_i (d f_i - sum_j f_j d f_j)
        total = self._work("highest", (*out.shape[:-1], 1))
        np.vecdot(grad, out, out=total[..., 0])
        grad -= total
        return np.multiply(grad, out, out=grad)
