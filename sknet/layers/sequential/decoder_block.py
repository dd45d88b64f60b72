"""A block of layers for decoders, which look at their own steps and at the source."""

from __future__ import annotations

from ...activations.base import Activation
from ...regularization import KernelConstraint, Regularizer
from ...typing import Array, NamedActivation, Shape
from ..base import build_layer
from ..dropout import Dropout
from ..normalization import LayerNorm
from .cross_attention import CrossAttention
from .transformer import TransformerBlock, _Branch


class TransformerDecoderBlock(TransformerBlock):
    """Self-attention, attention to the source and a small network, each added to its input.

    h = x + dropout(attention(norm(x))), where steps look only at themselves and at steps before
    them; g = h + dropout(cross_attention(norm(h))), where they look at the source;
    out = g + dropout(dense(activation(dense(norm(g))))). For the decoder of a
    `NeuralTranslator`. Input shape (T, F), output shape (T, F).

    Parameters
    ----------
    num_heads : int
        Number of heads of both attentions, at least 1.
    intermediate_dim : int, default=None
        Number of units between the two dense layers, at least 1; None is 4 F.
    key_dim : int, default=None
        Length of the queries, keys and values of a head, at least 1; None is F / num_heads.
    source_dim : int, default=None
        Number of features of the encoder's steps, at least 1; None is F.
    dropout : float, default=0.0
        Part of the attention weights, and of what is added to the input, that is set to zero
        while training, in [0, 1).
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

    See Also
    --------
    TransformerBlock : The same without a source.

    References
    ----------
    Vaswani et al. (2017), Attention is all you need, :arxiv:`1706.03762`.
    Xiong et al. (2020), On layer normalization in the transformer architecture,
    :arxiv:`2002.04745`.

    Examples
    --------
    >>> from sknet.layers import (
    ...     Embedding, LayerNorm, PositionalEmbedding, TransformerDecoderBlock
    ... )
    >>> position = PositionalEmbedding("sinusoidal")
    >>> decoder = [Embedding(64), position, TransformerDecoderBlock(4), LayerNorm()]
    """

    causal, num_key_value_heads, rotary, window, attention_mask = True, None, False, None, None
    _parameter_constraints = {
        **{
            name: constraint
            for name, constraint in TransformerBlock._parameter_constraints.items()
            if name not in ("causal", "num_key_value_heads", "rotary", "window", "attention_mask")
        },
        "source_dim": CrossAttention._parameter_constraints["source_dim"],
    }

    def __init__(
        self,
        num_heads: int,
        *,
        intermediate_dim: int | None = None,
        key_dim: int | None = None,
        source_dim: int | None = None,
        dropout: float = 0.0,
        activation: NamedActivation | Activation | None = "gelu",
        epsilon: float = 1e-5,
        kernel_regularizer: Regularizer | None = None,
        kernel_constraint: KernelConstraint | None = None,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.key_dim = key_dim
        self.source_dim = source_dim
        self.dropout = dropout
        self.activation = activation
        self.epsilon = epsilon
        self.kernel_regularizer = kernel_regularizer
        self.kernel_constraint = kernel_constraint
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    def build(self, input_shape: Shape) -> Shape:
        """Build the three branches for inputs of shape (T, F)."""
        super().build(input_shape)
        attention = CrossAttention(
            self.num_heads,
            self.key_dim,
            dropout=self.dropout,
            source_dim=self.source_dim,
            **self._of_kernels(),
        )
        branch = _Branch(
            [
                ("cross_attention_norm", LayerNorm(epsilon=self.epsilon)),
                ("cross_attention", attention),
                ("cross_attention_dropout", Dropout(self.dropout)),
            ]
        )
        branch._inside_frozen = self.is_frozen
        build_layer(branch, self._path, input_shape)
        self._branches.insert(1, branch)
        return input_shape

    @property
    def attention_weights(self) -> Array:
        """Weights of the attention to the source in the last pass; see `CrossAttention`."""
        return dict(self.sublayers())["cross_attention"].attention_weights

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Run the branches backward."""
        first, *others = self._branches
        for branch in reversed(others):
            grad_output = branch.backward(grad_output)
        return first.backward(grad_output, input_grad)
