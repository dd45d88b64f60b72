"""A block of layers in which every step of a sequence looks at all others."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from sklearn.utils._param_validation import Interval

from ...activations import Activation as ActivationFunction
from ...activations import ActivationName
from ...regularization import OF_KERNELS, KernelConstraint, Regularizer
from ...typing import Array, NamedActivation, Shape
from ..base import OF_TRAINING, Layer, build_layer
from ..composite import Residual
from ..dense import Dense
from ..dropout import Dropout
from ..normalization import LayerNorm
from ..spatial.axes import LayerOverSteps
from .attention import MultiHeadAttention

_AT_LEAST_ONE = Interval(Integral, 1, None, closed="left")


class TransformerBlock(LayerOverSteps):
    """Self-attention and a small network on every step, each added to its input.

    h = x + dropout(attention(norm(x))); out = h + dropout(dense(activation(dense(norm(h))))).
    The normalization comes first, so that many blocks can be stacked; put a LayerNorm after
    the last one. Input shape (T, F), output shape (T, F).

    Parameters
    ----------
    num_heads : int
        Number of heads of the attention, at least 1.
    intermediate_dim : int, default=None
        Number of units between the two dense layers, at least 1; None is 4 F.
    key_dim : int, default=None
        Length of the queries, keys and values of a head, at least 1; None is F / num_heads.
    num_key_value_heads : int, default=None
        Number of heads of keys and values, a divisor of num_heads; None is num_heads. See
        `MultiHeadAttention`.
    dropout : float, default=0.0
        Part of the attention weights, and of what is added to the input, that is set to zero
        while training, in [0, 1).
    causal : bool, default=False
        Whether steps look only at themselves and at steps before them.
    rotary : bool, default=False
        Whether queries and keys are rotated by their positions (RoPE), see `MultiHeadAttention`.
    window : int, default=None
        Number of steps that a step looks at, see `MultiHeadAttention`; None is no limit.
    attention_mask : array-like of shape (steps, steps) of bool, default=None
        Which positions look at which, see `MultiHeadAttention`.
    activation : str or sknet.activations.Activation, default="gelu"
        Activation function between the two dense layers.
    epsilon : float, default=1e-5
        Added to the variances of the normalizations, above 0.
    kernel_regularizer : sknet.regularization.Regularizer, default=None
        Penalty on the kernels inside, such as ``L1L2(l1=1e-4)``, in addition to `alpha`.
    kernel_constraint : str or sknet.regularization.KernelConstraint, default=None
        What the kernels inside are brought back to after each step: max_norm, non_negative,
        unit_norm, or an object.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights inside, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights inside.

    References
    ----------
    Vaswani et al. (2017), Attention is all you need, :arxiv:`1706.03762`.
    Xiong et al. (2020), On layer normalization in the transformer architecture,
    :arxiv:`2002.04745`.

    Examples
    --------
    >>> from sknet.layers import Dense, Flatten, LayerNorm, TransformerBlock
    >>> layers = [Dense(32), TransformerBlock(num_heads=4, dropout=0.1), LayerNorm(), Flatten()]
    """

    _parameter_constraints = {
        "num_heads": [_AT_LEAST_ONE],
        "intermediate_dim": [_AT_LEAST_ONE, None],
        "key_dim": [_AT_LEAST_ONE, None],
        "num_key_value_heads": [_AT_LEAST_ONE, None],
        "rotary": ["boolean"],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "causal": ["boolean"],
        "window": [_AT_LEAST_ONE, None],
        "attention_mask": ["array-like", None],
        "activation": [ActivationName(), ActivationFunction],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        **OF_KERNELS,
        **OF_TRAINING,
    }

    def __init__(
        self,
        num_heads: int,
        *,
        intermediate_dim: int | None = None,
        key_dim: int | None = None,
        num_key_value_heads: int | None = None,
        dropout: float = 0.0,
        causal: bool = False,
        rotary: bool = False,
        window: int | None = None,
        attention_mask: ArrayLike | None = None,
        activation: NamedActivation | ActivationFunction | None = "gelu",
        epsilon: float = 1e-5,
        kernel_regularizer: Regularizer | None = None,
        kernel_constraint: KernelConstraint | None = None,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.key_dim = key_dim
        self.num_key_value_heads = num_key_value_heads
        self.dropout = dropout
        self.causal = causal
        self.rotary = rotary
        self.window = window
        self.attention_mask = attention_mask
        self.activation = activation
        self.epsilon = epsilon
        self.kernel_regularizer = kernel_regularizer
        self.kernel_constraint = kernel_constraint
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    def build(self, input_shape: Shape) -> Shape:
        """Build the two branches for inputs of shape (T, F)."""
        self._check_axes(input_shape)
        features = input_shape[-1]
        attention = MultiHeadAttention(
            self.num_heads,
            key_dim=self.key_dim,
            num_key_value_heads=self.num_key_value_heads,
            dropout=self.dropout,
            causal=self.causal,
            rotary=self.rotary,
            window=self.window,
            attention_mask=self.attention_mask,
            **self._of_kernels(),
        )
        width, kernels = self.intermediate_dim or 4 * features, self._of_kernels()
        intermediate = Dense(width, activation=self.activation, **kernels)
        self._branches = [
            _Branch(
                [
                    ("attention_norm", LayerNorm(epsilon=self.epsilon)),
                    ("attention", attention),
                    ("attention_dropout", Dropout(self.dropout)),
                ]
            ),
            _Branch(
                [
                    ("feedforward_norm", LayerNorm(epsilon=self.epsilon)),
                    ("intermediate", intermediate),
                    ("output", Dense(features, **kernels)),
                    ("output_dropout", Dropout(self.dropout)),
                ]
            ),
        ]
        for branch in self._branches:
            branch._inside_frozen = self.is_frozen
            build_layer(branch, self._path, input_shape)
        return input_shape

    def _of_kernels(self):
        """Return the options of the kernels inside."""
        return {name: getattr(self, name) for name in OF_KERNELS}

    @property
    def is_causal(self) -> bool:
        """Whether steps look only at themselves and at steps before them."""
        return self.causal

    def _check_causal(self):
        for branch in self._branches:
            branch._check_causal()

    @property
    def attention_weights(self) -> Array:
        """Weights of the attention in the last forward pass; see `MultiHeadAttention`."""
        return dict(self.sublayers())["attention"].attention_weights

    def sublayers(self) -> list[tuple[str, Layer]]:
        """Return the layers of both branches as (name, layer) pairs."""
        return [pair for branch in self._branches for pair in branch.sublayers()]

    def replicate(self) -> Self:
        """Return a copy whose layers share the weights and have no scratch memory."""
        copy = super().replicate()
        copy._branches = [branch.replicate() for branch in self._branches]
        return copy

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare the layers to run."""
        super().allocate(batch_size, dtype, rng)
        for branch in self._branches:
            branch.allocate(batch_size, dtype, rng)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Run both branches forward."""
        for branch in self._branches:
            x = branch.forward(x, training, mask)
        return x

    def advance(self, x: Array, memory: dict[str, Any], mask: Array | None = None) -> Array:
        """Run both branches on the next steps."""
        for branch in self._branches:  # the names of their layers differ
            x = branch.advance(x, memory, mask)
        return x

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Run both branches backward."""
        attention, feedforward = self._branches
        return attention.backward(feedforward.backward(grad_output), input_grad)


class _Branch(Residual):
    """A residual branch whose layers are known by the path of the block that it is part of."""

    def build(self, input_shape: Shape) -> Shape:
        return self._build_children(input_shape, self._path)
