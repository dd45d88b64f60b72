"""A recurrent layer of a decoder that starts from what the encoder has read."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import Interval

from ...blas import matmul
from ...regularization import OF_KERNELS, KernelConstraint, Regularizer
from ...typing import Array, Shape
from ..base import OF_TRAINING, Layer, build_layer
from .recurrent import RecurrentLayer
from .source import LooksAtSource


class SourceState(LooksAtSource, Layer):
    """Start a recurrent layer from the source, in the decoder of a `NeuralTranslator`.

    The state before the first step, and the cell of an `LSTM`, is tanh(s @ kernel + bias) in place
    of zero, where s is what the encoder returns: one vector, or of several steps the last real
    one. So a recurrent encoder hands its state over. Input and output shape are those of the
    layer.

    Parameters
    ----------
    layer : SimpleRNN, LSTM or GRU
        The recurrent layer, with ``return_sequences=True``.
    source_dim : int, default=None
        Number C of features that the encoder returns, at least 1; None is the layer's U.
    kernel_regularizer : sknet.regularization.Regularizer, default=None
        Penalty on the map's kernel, such as ``L1L2(l1=1e-4)``, in addition to `alpha`.
    kernel_constraint : str or sknet.regularization.KernelConstraint, default=None
        What the map's kernel is brought back to after each step: max_norm, non_negative,
        unit_norm, or an object.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights, those of the layer included, above 0. L-BFGS
        takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights, those of the layer included.

    Attributes
    ----------
    kernel_ : ndarray of shape (C, U) or (C, 2 * U)
        Map from the source to the state, and of an `LSTM` to its cell.
    bias_ : ndarray of shape (U,) or (2 * U,)
        Its bias.

    See Also
    --------
    CrossAttention : Looks at all steps of the source, at each step.

    References
    ----------
    Sutskever, Vinyals and Le (2014), Sequence to sequence learning with neural networks,
    :arxiv:`1409.3215`.

    Examples
    --------
    >>> from sknet.layers import GRU, Embedding, SourceState
    >>> encoder = [Embedding(32), GRU(64, return_sequences=True)]
    >>> decoder = [Embedding(32), SourceState(GRU(64, return_sequences=True))]
    """

    source_grad: Any

    _parameter_constraints = {
        "layer": [RecurrentLayer],
        "source_dim": [Interval(Integral, 1, None, closed="left"), None],
        **OF_KERNELS,
        **OF_TRAINING,
    }

    def __init__(
        self,
        layer: RecurrentLayer,
        source_dim: int | None = None,
        *,
        kernel_regularizer: Regularizer | None = None,
        kernel_constraint: KernelConstraint | None = None,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.layer = layer
        self.source_dim = source_dim
        self.kernel_regularizer = kernel_regularizer
        self.kernel_constraint = kernel_constraint
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    @property
    def is_causal(self) -> bool:
        """Whether the layer is causal."""
        return self.layer.is_causal

    def build(self, input_shape: Shape) -> Shape:
        """Build the layer for inputs of shape (T, F), and declare the map to its start."""
        self.layer._inside_frozen = self.is_frozen
        output_shape = build_layer(self.layer, f"{self._path}__layer", input_shape)
        self._names = ("state", *self.layer._carried)
        units = self.layer.units
        source, width = self.source_dim or units, units * len(self._names)
        self.add_weight("kernel", (source, width), decay=True, fan=(source, units))
        self.add_weight("bias", (width,), "zeros")
        return output_shape

    def sublayers(self) -> list[tuple[str, Layer]]:
        """Return the built layer as a (name, layer) pair."""
        return [("layer", self.layer)]

    def replicate(self) -> Self:
        """Return a copy whose layer shares the weights and has no scratch memory."""
        copy = super().replicate()
        copy.layer = self.layer.replicate()
        return copy

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare the layer to run."""
        super().allocate(batch_size, dtype, rng)
        self.layer.allocate(batch_size, dtype, rng)

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return the mask of the layer's output."""
        return self.layer.compute_mask(x, mask)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Run the layer from the source."""
        return self.layer._run_from(self._start(), x, training, mask)

    def advance(self, x: Array, memory: dict[str, Any], mask: Array | None = None) -> Array:
        """Run the layer on the next steps, at first from the source."""
        if not memory:
            memory.update((name, part.copy()) for name, part in self._start().items())
        return self.layer.advance(x, memory, mask)

    def _start(self):
        """Return what the layer starts from, by name."""
        if self.source is None:
            self._refuse(
                "a source to start from", "none", "Put it into the decoder of a NeuralTranslator."
            )
        if self.source.shape[-1] != len(self.kernel_):
            self._refuse(
                f"a source of {len(self.kernel_)} features",
                self.source.shape[-1],
                "Pass this number as source_dim.",
            )
        self._read = self._last_steps()
        start = self._work("start", (len(self.source), self.kernel_.shape[1]))
        matmul(self._read, self.kernel_, start)
        start += self.bias_
        np.tanh(start, out=start)
        units = self.layer.units
        parts = [start[:, i * units : (i + 1) * units] for i in range(len(self._names))]
        self._squashed = start
        return dict(zip(self._names, parts, strict=True))

    def _last_steps(self):
        """Return the vector of each source, the last real one of several."""
        if self.source.ndim == 2:
            return self.source
        n, n_steps, features = self.source.shape
        last = self._last = self._work("last", (n,), np.intp)
        last.fill(n_steps)
        np.cumsum(last, out=last)  # one further on than the last step of each
        last -= 1
        if self.source_mask is not None:
            last -= np.argmax(self.source_mask[:, ::-1], axis=1)
        read = self._work("read", (n, features))
        return self.source.reshape(-1, features).take(last, axis=0, out=read, mode="clip")

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradients of the map and of the source; return that of x."""
        grad_x = self.layer.backward(grad_output, input_grad)
        grad = self._work("grad_start", self._squashed.shape)
        units = self.layer.units
        for i, name in enumerate(self._names):
            grad[:, i * units : (i + 1) * units] = self.layer._start_gradient(name)
        slopes = np.square(self._squashed, out=self._work("slopes", grad.shape))
        grad *= np.subtract(1.0, slopes, out=slopes)
        matmul(self._read.T, grad, self.kernel_grad_)
        np.sum(grad, axis=0, out=self.bias_grad_)
        of_source = self.source_grad = self._work("source_grad", self.source.shape)
        if self.source.ndim == 2:
            matmul(grad, self.kernel_.T, of_source)
        else:
            of_source.fill(0.0)
            read = matmul(grad, self.kernel_.T, self._work("grad_read", self._read.shape))
            of_source.reshape(-1, read.shape[1])[self._last] = read
        return grad_x
