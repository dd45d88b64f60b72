"""Attention in which every step of a target looks at all steps of its source."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal

from sklearn.utils._param_validation import Interval

from ...initializers import Initializer
from ...regularization import KernelConstraint, Regularizer
from ...typing import Array, NamedInitializer, Shape
from ..base import build_layer
from ..dropout import Dropout
from .attention import MultiHeadAttention
from .source import LooksAtSource


class CrossAttention(LooksAtSource, MultiHeadAttention):
    """Attention from a target to its source, in the decoder of a `NeuralTranslator`.

    As in `MultiHeadAttention`, each head computes softmax(q k' / sqrt(key_dim)) v. The queries q
    come from the steps of the input, the target as far as it is known; the keys k and the values v
    come from the steps that the encoder makes of the source. Padded steps of the source are not
    looked at. Input shape (T, F), output shape (T, F).

    Parameters
    ----------
    num_heads : int
        Number of heads, at least 1.
    key_dim : int, default=None
        Length of the queries and keys of a head, at least 1; None is F / num_heads.
    value_dim : int, default=None
        Length of the values of a head, at least 1; None is that of the keys.
    dropout : float, default=0.0
        Part of the weights that is set to zero while training, in [0, 1).
    source_dim : int, default=None
        Number C of features of the encoder's steps, at least 1; None is F.
    use_bias : bool, default=True
        Whether the maps have biases.
    kernel_initializer : str or sknet.initializers.Initializer, default="auto"
        Start of the kernels; "auto" is "glorot_uniform", of which keys and values each have the
        bounds of a map of their own.
    bias_initializer : str or sknet.initializers.Initializer, default="zeros"
        Start of the biases.
    kernel_regularizer : sknet.regularization.Regularizer, default=None
        Penalty on the kernels, such as ``L1L2(l1=1e-4)``, in addition to `alpha`.
    kernel_constraint : str or sknet.regularization.KernelConstraint, default=None
        What the kernels are brought back to after each step: max_norm, non_negative, unit_norm, or
        an object.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights.

    Attributes
    ----------
    kernel_ : ndarray of shape (F, num_heads * key_dim)
        Map to the queries of all heads, side by side.
    bias_ : ndarray of shape (num_heads * key_dim,)
        Its bias.
    source_kernel_ : ndarray of shape (C, num_heads * (key_dim + value_dim))
        Maps of the source to the keys of all heads and the values of all heads.
    source_bias_ : ndarray of shape (num_heads * (key_dim + value_dim),)
        Their biases.
    output_kernel_ : ndarray of shape (num_heads * value_dim, F)
        Map from the results of all heads, side by side.
    output_bias_ : ndarray of shape (F,)
        Its bias.

    See Also
    --------
    TransformerDecoderBlock : Self-attention, cross-attention and a small network.

    References
    ----------
    Bahdanau, Cho and Bengio (2015), Neural machine translation by jointly learning to align and
    translate, :arxiv:`1409.0473`.
    Vaswani et al. (2017), Attention is all you need, :arxiv:`1706.03762`.

    Examples
    --------
    A recurrent decoder that looks at the source after each step:

    >>> from sknet.layers import GRU, CrossAttention, Embedding, Residual
    >>> decoder = [Embedding(64), GRU(64, return_sequences=True), Residual([CrossAttention(4)])]
    """

    is_causal = True
    causal, _visibility = False, None
    _parameter_constraints = {
        **{
            name: constraint
            for name, constraint in MultiHeadAttention._parameter_constraints.items()
            if name not in ("causal", "num_key_value_heads", "rotary", "window", "attention_mask")
        },
        "source_dim": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        num_heads: int,
        key_dim: int | None = None,
        value_dim: int | None = None,
        dropout: float = 0.0,
        *,
        source_dim: int | None = None,
        use_bias: bool = True,
        kernel_initializer: NamedInitializer | Initializer | Literal["auto"] = "auto",
        bias_initializer: NamedInitializer | Initializer = "zeros",
        kernel_regularizer: Regularizer | None = None,
        kernel_constraint: KernelConstraint | None = None,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.num_heads = num_heads
        self.key_dim = key_dim
        self.value_dim = value_dim
        self.dropout = dropout
        self.source_dim = source_dim
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.kernel_constraint = kernel_constraint
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    @property
    def attention_weights(self) -> Array:
        """Weights of the last forward pass, before dropout, valid until the next.

        An array of shape (N, num_heads, T, S): for every step of the target in the third axis,
        how much it takes from every step of the source in the last one. They sum to 1 over the
        steps that are real.
        """
        return super().attention_weights

    def build(self, input_shape: Shape) -> Shape:
        """Declare the maps for inputs of shape (T, F)."""
        self._check_axes(input_shape)
        n_steps, features = input_shape
        key_dim = self.key_dim or self._share(features)
        self._dims = key_dim, key_dim, self.value_dim or key_dim
        queries, _, values = (self.num_heads * dim for dim in self._dims)
        source = self.source_dim or features
        initializer = self.kernel_initializer
        if isinstance(initializer, str) and initializer == "auto":
            initializer = "glorot_uniform"
        maps = [
            ("", (features, queries), (features, queries)),
            ("source_", (source, queries + values), (source, queries)),
            ("output_", (values, features), (values, features)),
        ]
        for prefix, shape, fan in maps:
            self.add_weight(prefix + "kernel", shape, initializer, decay=True, fan=fan)
            if self.use_bias:
                self.add_weight(prefix + "bias", shape[1:], self.bias_initializer, fan=fan)
        self._dropout = Dropout(self.dropout)
        build_layer(self._dropout, self._path, (self.num_heads, n_steps, n_steps))
        return input_shape

    def _check_source(self):
        """Refuse to run where nobody has left a source that fits."""
        if self.source is None:
            self._refuse(
                "a source to look at",
                "none",
                "Put it into the decoder of a NeuralTranslator, in place of MultiHeadAttention.",
            )
        n_features = len(self.source_kernel_)
        if self.source.ndim != 3 or self.source.shape[2] != n_features:
            shape = ", ".join(["steps", *map(str, self.source.shape[2:])])
            self._refuse(
                f"a source of {n_features} features a step",
                f"one of shape ({shape})" if self.source.ndim == 3 else "one vector a sequence",
                "Let the encoder end with a vector of this length for each step, or pass "
                "source_dim.",
            )

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Let all steps of x, of shape (N, T, F), look at the source."""
        self._check_source()
        queries, source = self._project(x), self._affine_of_source()
        kept, context = self._attend(*self._split((queries, source)), training, self.source_mask)
        if training:
            self._x, self._projected = x, (queries, source)
            self._kept, self._context = kept, context
        return self._affine("out", context, self.output_kernel_, "output_bias_")

    def _affine_of_source(self):
        return self._affine("keys_and_values", self.source, self.source_kernel_, "source_bias_")

    def _split(self, projected):
        """View queries, and keys and values of the source, each as (N, heads, steps, dim)."""
        queries, source = projected
        stop = self.num_heads * self._dims[1]
        parts = queries, source[:, :, :stop], source[:, :, stop:]
        return [self._by_head(part) for part in parts]

    def advance(self, x: Array, memory: dict[str, Any], mask: Array | None = None) -> Array:
        """Let the next steps look at the source, whose keys and values are in memory."""
        if not memory:
            self._check_source()
            memory["source"] = self._affine_of_source().copy()
            memory["mask"] = None if self.source_mask is None else self.source_mask.copy()
        parts = self._split((self._project(x), memory["source"]))
        _, context = self._attend(*parts, False, memory["mask"])
        return self._affine("out", context, self.output_kernel_, "output_bias_")

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradients of the maps and of the source; return that of x."""
        grad = self._backward_affine("grad_context", self._context, grad_output, "output_")
        grads = [
            self._work(name, part.shape)
            for name, part in zip(("grad_queries", "grad_of_source"), self._projected, strict=True)
        ]
        self._backward_heads(grad, self._split(self._projected), self._split(grads))
        self._scale_queries(grads[0])
        self.source_grad: Any = self._backward_affine(
            "source_grad", self.source, grads[1], "source_"
        )
        return self._backward_affine("grad_x", self._x, grads[0], "", input_grad)
