"""Numbers as vectors of periodic functions, for tables."""

from __future__ import annotations

from collections.abc import Iterator
from math import pi
from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval

from .. import kernels
from ..initializers import RandomNormal, RandomUniform
from ..typing import Array, Shape
from .base import OF_TRAINING, Layer


class PeriodicEmbedding(Layer):
    """Turn each number into a vector: the number, and mixed cosines of it, with learned waves.

    The vector of feature i is [x_i, cos(2 pi frequencies_i x_i + phases_i) @ kernel_i + bias_i],
    where all weights are the feature's own: RealMLP's PBLD embedding (periodic, with bias,
    linear, densely connected). Scale the features before to about -1 to 1.
    Input shape (..., F), output shape (..., F * embedding_dim), feature by feature.

    Parameters
    ----------
    n_frequencies : int, default=16
        Number of cosines P of a feature, at least 1.
    embedding_dim : int, default=4
        Length D of the vector of a feature, its value included; at least 2.
    frequency_scale : float, default=0.1
        Standard deviation of the frequencies at the start, above 0 and at most 1e6. Larger ones
        tell closer values apart from the start, and overfit sooner.
    learning_rate_factor : float, default=0.1
        Multiplies the learning rate of all weights of the layer, above 0. L-BFGS takes no notice
        of it.
    decay : bool, default=True
        Whether the penalty `alpha` and weight decay apply to the weights of the layer.
    trainable : bool, default=True
        Whether training changes the weights.

    Attributes
    ----------
    frequencies_ : ndarray of shape (F, P)
        Frequencies, from a normal distribution at the start.
    phases_ : ndarray of shape (F, P)
        Phases, between -pi and pi at the start.
    kernel_ : ndarray of shape (F, P, D - 1)
        Weights of the cosines, between -1 / sqrt(P) and 1 / sqrt(P) at the start.
    bias_ : ndarray of shape (F, D - 1)
        Added to the mixed cosines; starts as the kernel does.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart (2024), Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data, :arxiv:`2407.04491`.
    Gorishniy, Rubachev and Babenko (2022), On embeddings for numerical features in tabular deep
    learning, :arxiv:`2203.05556`.

    Examples
    --------
    >>> from sknet import NeuralRegressor
    >>> from sknet.layers import Dense, PeriodicEmbedding
    >>> NeuralRegressor(layers=[PeriodicEmbedding(), Dense(64, activation="mish")])
    NeuralRegressor(layers=[PeriodicEmbedding(),
                            Dense(activation='mish', units=64)])
    """

    _parameter_constraints = {
        "n_frequencies": [Interval(Integral, 1, None, closed="left")],
        "embedding_dim": [Interval(Integral, 2, None, closed="left")],
        "frequency_scale": [Interval(Real, 0, 1e6, closed="right")],
        "decay": ["boolean"],
        **OF_TRAINING,
    }

    def __init__(
        self,
        n_frequencies: int = 16,
        embedding_dim: int = 4,
        *,
        frequency_scale: float = 0.1,
        learning_rate_factor: float = 0.1,
        decay: bool = True,
        trainable: bool = True,
    ) -> None:
        self.n_frequencies = n_frequencies
        self.embedding_dim = embedding_dim
        self.frequency_scale = frequency_scale
        self.learning_rate_factor = learning_rate_factor
        self.decay = decay
        self.trainable = trainable

    @property
    def is_causal(self) -> bool:
        """Whether each step is treated alone: it is unless the last axis is that of the steps."""
        return len(self.input_shape_) > 1

    def build(self, input_shape: Shape) -> Shape:
        """Declare the weights for inputs of shape (..., F)."""
        if not input_shape or input_shape[-1] is None:
            self._refuse(
                "inputs whose last axis has a known length", input_shape, "Check input_shape."
            )
        n_features, n_mixed = input_shape[-1], self.embedding_dim - 1
        waves = (n_features, self.n_frequencies)
        bound = self.n_frequencies**-0.5
        for name, shape, initializer in (
            ("frequencies", waves, RandomNormal(stddev=self.frequency_scale)),
            ("phases", waves, RandomUniform(-pi, pi)),
            ("kernel", (*waves, n_mixed), RandomUniform(-bound, bound)),
            ("bias", (n_features, n_mixed), RandomUniform(-bound, bound)),
        ):
            self.add_weight(name, shape, initializer, decay=self.decay)
        return (*input_shape[:-1], n_features * self.embedding_dim)

    def scratch_sizes(self, n_steps: int) -> Iterator[Any]:
        """Yield the elements of the outputs, of the cosines and of the sines."""
        for size in super().scratch_sizes(n_steps):
            waves = size // self.embedding_dim * self.n_frequencies
            yield from (size, waves, waves)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Compute the vectors of all numbers of x, of shape (N, ..., F)."""
        rows = x.reshape(-1, x.shape[-1])
        waves = (*rows.shape, self.n_frequencies)
        cosines = sines = None
        if training:
            cosines, sines = (self._work(name, waves) for name in ("cosines", "sines"))
        out = self._work("out", (*rows.shape, self.embedding_dim))
        weights = self.phases_, self.bias_
        kernels.waves(
            rows, self.frequencies_, self.kernel_, cosines, sines, *weights, out, self._work
        )
        if training:
            self._inputs, self._cosines, self._sines = rows, cosines, sines
        return out.reshape(*x.shape[:-1], -1)

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradients of all weights; return that of x."""
        rows = self._inputs
        kernels.waves_backward(
            rows,
            self.frequencies_,
            self.kernel_,
            self._cosines,
            self._sines,
            grad_output.reshape(*rows.shape, self.embedding_dim),
            self.frequencies_grad_,
            self.phases_grad_,
            self.kernel_grad_,
            self.bias_grad_,
            grad_x := self._work("grad_x", rows.shape) if input_grad else None,
            self._work,
        )
        return grad_x.reshape(*grad_output.shape[:-1], -1) if input_grad else None
