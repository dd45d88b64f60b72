"""Layers that turn codes and positions into vectors."""

from __future__ import annotations

from numbers import Integral
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import Interval, StrOptions

from ... import kernels
from ...initializers import INITIALIZERS, Initializer
from ...typing import Array, NamedInitializer, Shape
from ...warning import warn
from ..base import OF_TRAINING, Layer
from ..spatial.axes import LayerOverSteps, OrderedLayer

#: From how many codes on, and from how many for each that occurs, the number is doubted.
_LARGE, _SPARSE = 1_000_000, 100


class Embedding(Layer):
    """Give every code a vector that is learned: out = embeddings[x].

    Codes, such as the token ids of words, are whole numbers from 0 to input_dim - 1. Input
    shape (...), output shape (..., output_dim). There is no gradient of the input.

    Parameters
    ----------
    output_dim : int
        Length of the vectors, at least 1.
    input_dim : int, default=None
        Number of codes, at least 1; in float32 at most 2**24, up to which all whole numbers
        are exact. None takes the largest code of the training data, plus one, with a warning
        where that is more than a million and more than 100 times the number of codes that occur.
    mask_zero : bool, default=False
        Whether 0 is not a code but padding: later layers skip such steps. Only for sequences
        of codes, of shape (T,).
    embeddings_initializer : str or sknet.initializers.Initializer, default="uniform"
        Start of the vectors. "uniform", from -0.05 to 0.05, is small, so that codes that are
        rare in training stay near zero and say little.
    decay : bool, default=False
        Whether the penalty `alpha` and weight decay apply to the vectors, as they do to kernels.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the vectors.

    Attributes
    ----------
    embeddings_ : ndarray of shape (input_dim, output_dim)
        One vector a code.

    References
    ----------
    Bengio et al. (2003), A neural probabilistic language model, JMLR 3.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import Embedding, Flatten
    >>> X = [[1, 2], [2, 0], [3, 1], [0, 3]]
    >>> model = NeuralClassifier(layers=[Embedding(4, input_dim=4), Flatten()], max_iter=2, tol=0)
    >>> model.fit(X, [0, 1, 1, 0]).predict(X).shape
    (4,)
    """

    _parameter_constraints = {
        "output_dim": [Interval(Integral, 1, None, closed="left")],
        "input_dim": [Interval(Integral, 1, None, closed="left"), None],
        "mask_zero": ["boolean"],
        "embeddings_initializer": [StrOptions(set(INITIALIZERS)), Initializer],
        "decay": ["boolean"],
        **OF_TRAINING,
    }
    is_causal = True

    def __init__(
        self,
        output_dim: int,
        *,
        input_dim: int | None = None,
        mask_zero: bool = False,
        embeddings_initializer: NamedInitializer | Initializer = "uniform",
        decay: bool = False,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.output_dim = output_dim
        self.input_dim = input_dim
        self.mask_zero = mask_zero
        self.embeddings_initializer = embeddings_initializer
        self.decay = decay
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    @property
    def marks_steps(self) -> bool:
        """Whether 0 is padding."""
        return bool(self.mask_zero)

    def adapt(self, x: Array) -> Array | None:
        """Refuse what are no codes; take their number from the inputs if it was left open."""
        if not np.size(x):
            return
        if self.input_dim is not None:
            self._check(x, self.input_dim)
        else:
            # The limit keeps a table for what are no codes at all from being made.
            largest = self._check(x, _n_exact(x.dtype))
            self.input_dim = int(largest) + 1
            self._warn_of_gaps(x)

    def _warn_of_gaps(self, x):
        """Warn of a table of millions of vectors where few codes occur, such as ids."""
        if self.input_dim <= _LARGE:
            return
        n_codes = len(np.unique(x))
        if self.input_dim > _SPARSE * n_codes:
            warn(
                f"Layer {self._label()} takes {self.input_dim} codes, as the largest is "
                f"{self.input_dim - 1}, but only {n_codes} occur in X: its table of vectors is "
                "mostly unused. Number the codes that occur from 0 on, by "
                "sklearn.preprocessing.OrdinalEncoder, or pass input_dim.",
            )

    def build(self, input_shape: Shape) -> Shape:
        """Declare the vectors for codes of any shape."""
        if self.input_dim is None:
            self._refuse(
                "to know the number of codes",
                "input_dim=None",
                "Pass input_dim, the largest code plus one; only as the first layer of an "
                "estimator does it find out by itself.",
            )
        if self.mask_zero and len(input_shape) != 1:
            self._refuse(
                "sequences of codes, of shape (T,), with mask_zero=True",
                input_shape,
                "Pass mask_zero=False.",
            )
        shape = (self.input_dim, self.output_dim)
        self.add_weight("embeddings", shape, self.embeddings_initializer, decay=self.decay)
        return (*input_shape, self.output_dim)

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory; refuse more codes than the precision can tell apart."""
        super().allocate(batch_size, dtype, rng)
        limit = _n_exact(dtype)
        if self.input_dim > limit:
            self._refuse(
                f"at most {limit} codes in {np.dtype(dtype)}, which cannot tell more apart",
                f"input_dim={self.input_dim}",
                "Pass dtype='float64'.",
            )
        self._kept = {}

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Look up the vectors of the codes x."""
        if mask is not None:  # whatever stands at padded steps
            real = mask.reshape(mask.shape + (1,) * (x.ndim - mask.ndim))
            x = np.multiply(x, real, out=self._work("real", x.shape, x.dtype))
        self._codes = self._work("codes", x.shape, np.intp)
        if not kernels.read_codes(x, self._codes, self.input_dim, self._work):
            self._check(x, self.input_dim)  # which refuses them
        out = self._work("out", (*x.shape, self.output_dim))
        # The codes are in range, and to clip them is what NumPy does without a buffer.
        return np.take(self.embeddings_, self._codes, axis=0, out=out, mode="clip")

    def _check(self, x, limit):
        """Refuse what is no code below the limit; return the largest code."""
        if not x.size:
            return 0
        low, high = x.min(), x.max()
        if not low >= 0:
            self._refuse_code(low, limit)
        if not high < limit:
            self._refuse_code(high, limit)
        if x.dtype.kind == "f":
            equal = np.rint(x) == x
            if not equal.all():
                self._refuse_code(x[~equal][0], limit)
        return high

    def _refuse_code(self, value, limit):
        value = float(value)
        if value.is_integer() and value >= limit:
            shown = f"{value:.0f}"
            advice = f"Pass input_dim={value + 1:.0f} or more, or give unknown ones a known code."
        else:
            shown = f"{value:g}"
            advice = "Number tokens or categories from 0, for example by OrdinalEncoder."
        last = "on" if self.input_dim is None and value < limit else f"to {limit - 1}"
        self._refuse(f"codes, whole numbers from 0 {last}", shown, advice)

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the sums of the gradients of each code; that of the input is zero."""
        if not self.is_frozen:
            rows = grad_output.reshape(-1, self.output_dim)
            kernels.add_by_code(rows, self._codes, self.embeddings_grad_, self._kept)
        if not input_grad:
            return None
        grad_x = self._work("grad_x", self._codes.shape)
        grad_x.fill(0.0)
        return grad_x

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return which steps are real: with `mask_zero` those that are not 0."""
        if not self.mask_zero:
            return mask
        real = np.not_equal(x, 0, out=self._work("mask", x.shape, bool))
        if mask is not None:
            real &= mask
        return None if real.all() else real


def _n_exact(dtype):
    """Return how many whole numbers from 0 on a dtype represents exactly."""
    dtype = np.dtype(dtype)
    return 2 ** (np.finfo(dtype).nmant + 1) if dtype.kind == "f" else np.iinfo(dtype).max


class PositionalEmbedding(OrderedLayer, LayerOverSteps):
    """Add to every step of a sequence a vector that tells its position.

    kind="learned" adds a table of weights. kind="sinusoidal" adds, at position t and feature
    f of F, sin(t / 10000**(f / F)) for even f, and cos(t / 10000**((f - 1) / F)) for odd f.
    Input shape (T, F), output shape (T, F). Positions count the real steps: padding has none.

    Parameters
    ----------
    kind : {"learned", "sinusoidal"}, default="learned"
        Where the vectors come from. Sinusoids are of size 1, whatever the size of x.
    max_length : int, default=None
        Largest number of steps, at least 1; longer sequences are refused. None takes that of
        the input for learned vectors, which need one for sequences of any length, and sets
        no limit for sinusoids.
    embeddings_initializer : str or sknet.initializers.Initializer, default="uniform"
        Start of learned vectors; "uniform" goes from -0.05 to 0.05.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes learned vectors.

    Attributes
    ----------
    embeddings_ : ndarray of shape (max_length, F)
        Learned vectors; no penalty and no weight decay applies.

    References
    ----------
    Vaswani et al. (2017), Attention is all you need, :arxiv:`1706.03762`.

    Examples
    --------
    >>> from sknet.layers import Embedding, PositionalEmbedding, Sequential, TransformerBlock
    >>> words = [Embedding(64, mask_zero=True), PositionalEmbedding(max_length=100)]
    >>> text = Sequential([*words, TransformerBlock(num_heads=4)])
    """

    _parameter_constraints = {
        "kind": [StrOptions({"learned", "sinusoidal"})],
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
        "embeddings_initializer": [StrOptions(set(INITIALIZERS)), Initializer],
        **OF_TRAINING,
    }
    is_causal = True

    def __init__(
        self,
        kind: Literal["learned", "sinusoidal"] = "learned",
        *,
        max_length: int | None = None,
        embeddings_initializer: NamedInitializer | Initializer = "uniform",
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.kind = kind
        self.max_length = max_length
        self.embeddings_initializer = embeddings_initializer
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    def build(self, input_shape: Shape) -> Shape:
        """Declare the vectors, if they are learned, for inputs of shape (T, F)."""
        self._check_axes(input_shape)
        n_steps, features = input_shape
        self._limit = self.max_length
        if n_steps is not None:
            self._check_length(n_steps)
        if self.kind == "learned":
            length = self._limit = self.max_length or n_steps
            if length is None:
                self._refuse(
                    "a max_length for learned vectors",
                    "sequences of any length",
                    "Pass max_length, or kind='sinusoidal'.",
                )
            self.add_weight("embeddings", (length, features), self.embeddings_initializer)
        return input_shape

    def _check_length(self, n_steps):
        if self._limit is not None and n_steps > self._limit:
            self._refuse(
                f"at most max_length={self._limit} steps",
                n_steps,
                f"Pass max_length={n_steps} or more, or shorten the sequences.",
            )

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory and room for sinusoids."""
        super().allocate(batch_size, dtype, rng)
        self._sinusoids = np.empty((0, 0), dtype)
        self._ones = np.empty(0, dtype)

    def _forward(self, x, training, mask):
        # Real steps come first: with vectors for all steps there is no need to count them.
        enough = self._limit is None or x.shape[1] <= self._limit
        return self._advance(x, {}, None if enough else mask)

    def _advance(self, x, memory, mask):
        """Add to x the vectors of the positions that follow those in memory."""
        # An int, or an array once sequences have had unequal numbers of real steps.
        first = memory.get("n_steps", 0)
        after = first + (x.shape[1] if mask is None else np.count_nonzero(mask, axis=1))
        stop = after if isinstance(after, int) else int(after.max())
        self._check_length(stop)
        memory["n_steps"] = after
        n_rows, n_steps, features = x.shape
        vectors, out = self._table(max(stop, 1), features), self._work("out", x.shape)
        if isinstance(first, int) and first + n_steps == stop:
            return np.add(x, vectors[first:], out=out)
        positions = np.broadcast_to(first, n_rows)[:, None] + np.arange(n_steps)
        np.take(vectors, positions, axis=0, out=out, mode="clip")  # any vector for padding
        return np.add(x, out, out=out)

    def _table(self, n_steps, features):
        if self.kind == "learned":
            return self.embeddings_[:n_steps]
        if len(self._sinusoids) < n_steps:
            # Twice as many, so that sequences that become longer and longer do not cost a table
            # each.
            length = max(n_steps, 2 * len(self._sinusoids))
            self._sinusoids = sinusoids(length, features).astype(self._work.dtype)
        return self._sinusoids[:n_steps]

    def _backward(self, grad_output, input_grad):
        """Assign the gradient of learned vectors; pass on that of x."""
        if self.kind == "learned":
            n_rows, n_steps = grad_output.shape[:2]
            n_steps = min(n_steps, self._limit)  # steps further on are padding
            if len(self._ones) < n_rows:
                self._ones = np.ones(n_rows, grad_output.dtype)
            total = self.embeddings_grad_[:n_steps].reshape(-1)
            steps = grad_output[:, :n_steps].reshape(n_rows, -1)
            np.matmul(self._ones[:n_rows], steps, out=total)
            self.embeddings_grad_[n_steps:] = 0.0
        return grad_output if input_grad else None


def sinusoids(length: int, features: int) -> Array:
    """Return the position vectors of Vaswani et al.

    Parameters
    ----------
    length : int
        Number of positions.
    features : int
        Length F of the vectors.

    Returns
    -------
    table : ndarray of shape (length, F) of float64
        Sines of falling frequency in the even columns, their cosines in the odd ones.
    """
    even = np.arange(0, features, 2)
    angles = np.arange(length)[:, None] * 10000.0 ** (-even / features)
    table = np.empty((length, features))
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles[:, : features // 2])
    return table
