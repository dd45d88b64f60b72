"""Layers in which every step of a sequence looks at all others."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from sklearn.utils._param_validation import Interval, StrOptions

from ... import kernels
from ...blas import matmul
from ...initializers import INITIALIZERS, Initializer
from ...regularization import OF_KERNELS, KernelConstraint, Regularizer
from ...typing import Array, NamedInitializer, Shape
from ..base import OF_TRAINING, build_layer
from ..dropout import Dropout
from ..spatial.axes import LayerOverSteps
from .past import PastSteps
from .rotation import Rotation
from .visibility import Visibility, step_positions

_AT_LEAST_ONE = Interval(Integral, 1, None, closed="left")


class MultiHeadAttention(LayerOverSteps):
    """Self-attention: every step becomes a weighted mean of what all steps offer.

    Each head computes from x queries q, keys k and values v, by one affine map each, and
    softmax(q k' / sqrt(key_dim)) v, the softmax over the steps of the keys. An affine map takes
    the results of all heads, side by side, back to F features. Padded steps are not looked at;
    where there is nothing else to look at, the weighted mean is zero. Input shape (T, F),
    output shape (T, F).

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
    num_key_value_heads : int, default=None
        Number of heads of keys and values, a divisor of num_heads: each serves as many heads of
        queries, which takes fewer weights and less memory while text is generated. 1 is
        multi-query attention; None is num_heads.
    causal : bool, default=False
        Whether steps look only at themselves and at steps before them.
    rotary : bool, default=False
        Whether queries and keys are rotated by angles that grow with their position (RoPE), so
        that their product tells how far apart steps are; key_dim must be even. At position t,
        the pair (a_i, a_(i + key_dim / 2)) turns by t / 10000 ** (2 i / key_dim).
    window : int, default=None
        Number of steps that a step looks at, at least 1: at position t the positions s with
        abs(t - s) < window, and of those no later ones if the layer is `causal`. None is no limit.
    attention_mask : array-like of shape (steps, steps) of bool, default=None
        Which positions look at which: row t is True in the columns s that the step at position t
        may look at, if `causal` and `window` let it. Positions are counted among the real steps.
        Shorter sequences take the upper left part, longer ones are refused.
    use_bias : bool, default=True
        Whether the maps have biases.
    kernel_initializer : str or sknet.initializers.Initializer, default="auto"
        Start of the kernels; "auto" is "glorot_uniform", of which queries, keys and values
        each have the bounds of a map of their own.
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
    kernel_ : ndarray of shape (F, width)
        Maps to the queries of all heads, the keys of all heads, and the values of all heads,
        side by side in this order; width is num_heads * key_dim + num_key_value_heads *
        (key_dim + value_dim).
    bias_ : ndarray
        Their biases.
    output_kernel_ : ndarray of shape (num_heads * value_dim, F)
        Map from the results of all heads, side by side.
    output_bias_ : ndarray of shape (F,)
        Its bias.

    References
    ----------
    Vaswani et al. (2017), Attention is all you need, :arxiv:`1706.03762`.
    Su et al. (2021), RoFormer: enhanced Transformer with rotary position embedding,
    :arxiv:`2104.09864`.
    Ainslie et al. (2023), GQA: training generalized multi-query Transformer models from
    multi-head checkpoints, :arxiv:`2305.13245`.
    Beltagy, Peters and Cohan (2020), Longformer: the long-document Transformer,
    :arxiv:`2004.05150`, for `window`.

    Examples
    --------
    >>> from sknet.layers import LayerNorm, MultiHeadAttention, Residual
    >>> block = Residual([LayerNorm(), MultiHeadAttention(num_heads=4, causal=True)])

    Steps of eight that look at those of their own half alone:

    >>> import numpy as np
    >>> half = np.arange(8) // 4
    >>> layer = MultiHeadAttention(4, attention_mask=half[:, None] == half)
    """

    _parameter_constraints = {
        "num_heads": [_AT_LEAST_ONE],
        "key_dim": [_AT_LEAST_ONE, None],
        "value_dim": [_AT_LEAST_ONE, None],
        "num_key_value_heads": [_AT_LEAST_ONE, None],
        "rotary": ["boolean"],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "causal": ["boolean"],
        "window": [_AT_LEAST_ONE, None],
        "attention_mask": ["array-like", None],
        "use_bias": ["boolean"],
        "kernel_initializer": [StrOptions({"auto", *INITIALIZERS}), Initializer],
        "bias_initializer": [StrOptions(set(INITIALIZERS)), Initializer],
        **OF_KERNELS,
        **OF_TRAINING,
    }

    num_key_value_heads, rotary, window, attention_mask = None, False, None, None

    def __init__(
        self,
        num_heads: int,
        key_dim: int | None = None,
        value_dim: int | None = None,
        dropout: float = 0.0,
        *,
        num_key_value_heads: int | None = None,
        causal: bool = False,
        rotary: bool = False,
        window: int | None = None,
        attention_mask: ArrayLike | None = None,
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
        self.num_key_value_heads = num_key_value_heads
        self.causal = causal
        self.rotary = rotary
        self.window = window
        self.attention_mask = attention_mask
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.kernel_constraint = kernel_constraint
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    @property
    def is_causal(self) -> bool:
        """Whether steps look only at themselves and at steps before them."""
        return self.causal

    @property
    def is_stochastic(self) -> bool:
        """Whether the training output is random: it is unless dropout is 0."""
        return self.dropout > 0

    @property
    def attention_weights(self) -> Array:
        """Weights of the last forward pass, before dropout, valid until the next.

        An array of shape (N, num_heads, T, T): for every step in the third axis, how much it
        takes from every step in the last one. They sum to 1 over the steps that are real.
        """
        if not hasattr(self, "_attention"):
            raise AttributeError(
                f"Layer {self._label()} has attention_weights after a forward pass."
            )
        return self._attention.swapaxes(2, 3)

    def build(self, input_shape: Shape) -> Shape:
        """Declare the maps for inputs of shape (T, F)."""
        self._check_axes(input_shape)
        n_steps, features = input_shape
        key_dim = self.key_dim or self._share(features)
        self._dims = key_dim, key_dim, self.value_dim or key_dim
        self._check_heads()
        self._visibility = self._made_visibility(n_steps)
        joined = self.num_heads * self._dims[2]
        width = sum(n * dim for n, dim in zip(self._heads, self._dims, strict=True))
        initializer = self.kernel_initializer
        if isinstance(initializer, str) and initializer == "auto":
            initializer = "glorot_uniform"
        fan = (features, self.num_heads * key_dim)
        self.add_weight("kernel", (features, width), initializer, decay=True, fan=fan)
        self.add_weight("output_kernel", (joined, features), initializer, decay=True)
        if self.use_bias:
            self.add_weight("bias", (width,), self.bias_initializer, fan=fan)
            fan = (joined, features)
            self.add_weight("output_bias", (features,), self.bias_initializer, fan=fan)
        self._dropout = Dropout(self.dropout)
        build_layer(self._dropout, self._path, (self.num_heads, n_steps, n_steps))
        return input_shape

    def _made_visibility(self, n_steps):
        """Return what hides steps from each other besides padding and causality, if anything."""
        if self.window is None and self.attention_mask is None:
            return None
        visibility = Visibility(self)
        visibility.check_length(n_steps or 0)
        return visibility

    @property
    def _heads(self):
        """Numbers of heads of queries, keys and values."""
        of_keys = self.num_key_value_heads or self.num_heads
        return self.num_heads, of_keys, of_keys

    def _check_heads(self):
        if self.num_heads % self._heads[1]:
            self._refuse(
                f"num_key_value_heads that divide num_heads={self.num_heads}",
                self.num_key_value_heads,
                "Choose a divisor; 1 always is.",
            )
        if self.rotary and self._dims[0] % 2:
            self._refuse(
                "an even key_dim, whose halves are rotated",
                self._dims[0],
                "Pass another key_dim or num_heads, or leave out rotary.",
            )

    def _share(self, features):
        if features % self.num_heads:
            self._refuse(
                f"a number of features that num_heads={self.num_heads} divides",
                features,
                "Choose another num_heads, or pass key_dim.",
            )
        return features // self.num_heads

    def scratch_sizes(self, n_steps: int) -> Iterator[Any]:
        """Yield what a sample takes: outputs; queries, keys and values; attention weights."""
        n_steps = self.input_shape_[0] or n_steps
        yield from super().scratch_sizes(n_steps)
        yield sum(n * dim for n, dim in zip(self._heads, self._dims, strict=True)) * n_steps
        yield self.num_heads * n_steps**2

    def replicate(self) -> Self:
        """Return a copy that shares the weights, with a dropout of its own."""
        copy = super().replicate()
        copy._dropout = self._dropout.replicate()
        return copy

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory."""
        super().allocate(batch_size, dtype, rng)
        self._dropout.allocate(batch_size, dtype, rng)
        self._ones = np.empty(0, dtype)
        self._future = np.empty((0, 0), dtype)
        self._rotation = Rotation(self._dims[0], dtype) if self.rotary else None

    def _row_of_ones(self, n):
        # Sums as products with ones are several times faster than np.add.reduce.
        if len(self._ones) < n:
            self._ones = np.ones(n, self._work.dtype)
        return self._ones[:n]

    def _split(self, projected):
        """View queries, keys and values in an array of all, each (N, heads, T, dim)."""
        parts, start = [], 0
        for n_heads, dim in zip(self._heads, self._dims, strict=True):
            stop = start + n_heads * dim
            parts.append(self._by_head(projected[:, :, start:stop], n_heads))
            start = stop
        return parts

    def _by_head(self, joined, n_heads=None):
        """View an array of shape (N, T, heads * dim) as (N, heads, T, dim)."""
        n_heads = self.num_heads if n_heads is None else n_heads
        return joined.reshape(*joined.shape[:2], n_heads, -1).transpose(0, 2, 1, 3)

    def _grouped(self, by_head):
        """View (N, heads, ...) as (N, heads of keys, heads of queries of each, ...)."""
        n_groups = self._heads[1]
        shape = len(by_head), n_groups, by_head.shape[1] // n_groups, *by_head.shape[2:]
        return by_head.reshape(shape)

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Let all steps of x, of shape (N, T, F), look at each other."""
        projected = self._project(x)
        if self.rotary:
            self._rotate(projected, step_positions(x.shape[1], mask))
        kept, context = self._attend(*self._split(projected), training, mask)
        if training:
            self._x, self._projected, self._kept, self._context = x, projected, kept, context
        return self._affine("out", context, self.output_kernel_, "output_bias_")

    def advance(self, x: Array, memory: dict[str, Any], mask: Array | None = None) -> Array:
        """Let the next steps look at themselves and at all before, whose keys are in memory."""
        self._check_causal()
        projected = self._project(x)
        if not memory:
            memory.update(keys=PastSteps(), values=PastSteps(), real=PastSteps())
        real = np.ones(x.shape[:2], bool) if mask is None else mask
        real = memory["real"].extend(real[..., None])[..., 0]
        mask = None if real.all() else real
        if self.rotary:
            self._rotate(projected, step_positions(real.shape[1], mask)[:, -x.shape[1] :])
        queries, *others = self._split(projected)
        keys, values = memory["keys"].extend(others[0]), memory["values"].extend(others[1])
        _, context = self._attend(queries, keys, values, False, mask)
        return self._affine("out", context, self.output_kernel_, "output_bias_")

    def _project(self, x):
        """Return the queries, scaled, the keys and the values of all heads, side by side."""
        projected = self._affine("projected", x, self.kernel_, "bias_")
        self._scale_queries(projected)
        return projected

    def _attend(self, queries, keys, values, training, mask):
        """Return what dropout leaves of the weights of the steps, and the weighted means.

        The queries are those of the last steps of the keys.
        """
        n_rows, _, n_queries, _ = queries.shape
        # (N, heads, steps of keys, steps of queries): sums and maxima over the last axis but one
        # are vectorised, those over short last axes are not.
        shape = (n_rows, self.num_heads, keys.shape[2], n_queries)
        attention = self._attention = self._work("attention", shape)
        # Each head of keys serves a group of those of queries, by broadcasting.
        grouped = self._grouped(queries).swapaxes(-1, -2)
        np.matmul(keys[:, :, None], grouped, out=self._grouped(attention))
        self._softmax(attention, mask)
        kept = self._dropout.forward(attention, training)
        context = self._work("context", (n_rows, n_queries, self.num_heads * self._dims[2]))
        out = self._grouped(self._by_head(context))
        np.matmul(self._grouped(kept).swapaxes(-1, -2), values[:, :, None], out=out)
        return kept, context

    def _affine(self, name, x, kernel, bias):
        out = self._work(name, (*x.shape[:2], kernel.shape[1]))
        matmul(_rows(x), kernel, _rows(out))
        if self.use_bias:
            out += getattr(self, bias)
        return out

    def _rotate(self, projected, positions, back=False):
        """Rotate the queries and the keys, which come first, or gradients of them back."""
        self._positions = positions
        n_heads, dim = sum(self._heads[:2]), self._dims[0]
        pairs = projected[:, :, : n_heads * dim].reshape(*projected.shape[:2], n_heads, dim)
        self._rotation.turn(pairs, positions, back, self._work)

    def _scale_queries(self, projected):
        projected[:, :, : self.num_heads * self._dims[0]] *= self._dims[0] ** -0.5

    def _softmax(self, scores, mask):
        """Normalize the scores of each query, in place, over the keys that it may look at."""
        n_keys, n_queries = scores.shape[2:]
        if self._visibility is not None:
            mask = self._visibility.hide(scores, mask)
        later = self._later_keys(n_queries) if self.causal and n_queries > 1 else None
        kernels.softmax_of_keys(scores, mask, later, self._row_of_ones(n_keys), self._work)

    def _later_keys(self, n_steps):
        """Return -inf for keys after the query and 0 for others, (keys, queries)."""
        if len(self._future) < n_steps:
            hidden = np.full((n_steps, n_steps), -np.inf, self._work.dtype)
            self._future = np.tril(hidden, -1)
        return self._future[:n_steps, :n_steps]

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradients of the maps; return that of x."""
        grad = self._backward_affine("grad_context", self._context, grad_output, "output_")
        grad_projected = self._work("grad_projected", self._projected.shape)
        self._backward_heads(grad, self._split(self._projected), self._split(grad_projected))
        if self.rotary:
            self._rotate(grad_projected, self._positions, back=True)
        self._scale_queries(grad_projected)
        return self._backward_affine("grad_x", self._x, grad_projected, "", input_grad)

    def _backward_affine(self, name, x, grad, prefix, input_grad=True):
        """Assign the gradients of a map, whose weights have a prefix; return that of x."""
        grad = _rows(grad)
        matmul(_rows(x).T, grad, getattr(self, prefix + "kernel_grad_"))
        if self.use_bias:
            bias_grad = getattr(self, prefix + "bias_grad_")
            np.matmul(self._row_of_ones(len(grad)), grad, out=bias_grad)
        if not input_grad:
            return None
        grad_x = self._work(name, x.shape)
        matmul(grad, getattr(self, prefix + "kernel_").T, _rows(grad_x))
        return grad_x

    def _backward_heads(self, grad_context, projected, grads):
        """Write the gradients of queries, keys and values, from that of the heads' results."""
        queries, keys, values = projected
        grad_queries, grad_keys, grad_values = grads
        by_head = self._by_head(grad_context)
        grouped = self._grouped(by_head)
        self._sum_of_groups("of_values", self._kept, grouped, grad_values)
        grad = self._work("grad_scores", self._attention.shape)
        np.matmul(values[:, :, None], grouped.swapaxes(-1, -2), out=self._grouped(grad))
        grad = self._dropout.backward(grad)
        # softmax: d score = a (d a - sum of a d a over the keys), and that sum is the product of
        # the head's result with its gradient, with or without dropout.
        product = np.multiply(
            grad_context, self._context, out=self._work("p", self._context.shape)
        )
        total = self._work("total", (*grad.shape[:2], grad.shape[3]))
        np.matmul(self._by_head(product), self._row_of_ones(self._dims[2]), out=total)
        grad -= total[:, :, None]
        grad *= self._attention
        self._sum_of_groups("of_keys", grad, self._grouped(queries), grad_keys)
        out = self._grouped(grad_queries)
        np.matmul(self._grouped(grad).swapaxes(-1, -2), keys[:, :, None], out=out)

    def _sum_of_groups(self, name, weights, grouped, out):
        """Add up what the heads of queries of each group give to its head of keys or values."""
        if self._heads[0] == self._heads[1]:
            np.matmul(weights, grouped[:, :, 0], out=out)
            return
        shape = *grouped.shape[:3], weights.shape[2], grouped.shape[-1]
        terms = np.matmul(self._grouped(weights), grouped, out=self._work(name, shape))
        np.sum(terms, axis=2, out=out)


def _rows(x):
    """View an array of shape (N, T, F) as a matrix of rows."""
    return x.reshape(-1, x.shape[-1])
