"""The translator, from one kind of sequence to another."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils._param_validation import Interval, StrOptions

from ..base import copied
from ..batches import Data
from ..compatibility import available_if, fit_context
from ..initializers import RandomNormal
from ..layers import (
    Embedding,
    LayerNorm,
    PositionalEmbedding,
    TransformerBlock,
    TransformerDecoderBlock,
)
from ..layers.composite import named_layers
from ..layers.items import LayerItem
from ..layers.sequential.source import LooksAtSource
from ..losses import LogLoss, Target
from ..losses.placewise import PlacewiseLoss
from ..optimizers import get_optimizer
from ..optimizers.base import Optimizer
from ..optimizers.lbfgs import LBFGS
from ..places import Places
from ..preprocessing import TokenizerTransformer
from ..preprocessing.samples import reread
from ..schedules.base import Schedule
from ..settings import isolated
from ..tokens import paired
from ..typing import (
    Function,
    NamedOptimizer,
    NamedSchedule,
    Precision,
    RandomState,
    RowBlocks,
)
from ..weights import check_weights
from .architecture import warn_of_own_output
from .base import BaseNeuralEstimator
from .block_training import trains_by_steps
from .codec import Decoder, Encoder
from .encoder_decoder import EncoderDecoder
from .translation import Texts, Translation
from .vocabulary import get_vocabulary

_PLAIN = {"hidden_layer_sizes", "activation", "dropout", "normalization", "input_shape", "layers"}
_SHARED = {k: v for k, v in BaseNeuralEstimator._parameter_constraints.items() if k not in _PLAIN}
#: What a tokenizer may be.
Tokenizer: TypeAlias = Literal["char", "byte", "word"] | TokenizerTransformer | None
_TOKENIZER = [StrOptions({"char", "byte", "word"}), TokenizerTransformer, None]


class NeuralTranslator(Translation, BaseNeuralEstimator):
    r"""Sequence to sequence: learns from pairs to turn a source into its target.

    An encoder reads the source, and a decoder writes the target, one token after the other, each
    given the source and the tokens before it. The probability of a target is the product of those
    of its tokens and its end,

    log p(target | source) = sum_t log softmax(z_t)[token t],

    where the network gives the logits z_t. In training the tokens before t are the true ones
    (teacher forcing); in `predict` they are those that it has written.

    Parameters
    ----------
    source_tokenizer : {"char", "byte", "word"} or TokenizerTransformer or None, default="char"
        What a token of a source is. A name is a tokenizer of this level that keeps capitals. None
        is for sources that are given as arrays of tokens, whole numbers from 0 on.
    target_tokenizer : {"char", "byte", "word"} or TokenizerTransformer or None, default="char"
        The same for targets.
    encoder : list, default=None
        Layers from token ids of the source, of shape (T,), to a vector a step, of shape (T, F):
        an `Embedding`, and recurrent layers with ``return_sequences=True``, convolutions or
        Transformer blocks; or to one vector, for a decoder of `SourceState`. Nested parameters
        are reached by position or name, as in ``encoder__0__output_dim``. None is a small
        Transformer: two blocks of width 64.
    decoder : list, default=None
        Layers from token ids of the target to a vector a step, none of which looks at later
        steps, and some of which look at the source: an `Embedding`, and
        `TransformerDecoderBlock`, or recurrent layers in `SourceState` or followed by
        `CrossAttention`. The output layer over the vocabulary is added. None is the counterpart
        of the default encoder.
    beam_size : int, default=1
        Number of beginnings of a target that `predict` keeps and extends, at least 1. 1 is a
        greedy search: the likeliest token is taken each time.
    length_penalty : float, default=1.0
        Targets are compared by their log-likelihood over the number of their tokens to this
        power, at least 0; at 0 short ones are preferred. For beams of more than 1.
    max_length : int, default=None
        Largest number of tokens that `predict` writes, at least 1; a target that has not ended is
        cut there. None is twice that of the longest training target.
    label_smoothing : float, default=0.0
        Share of each true token's probability that training spreads evenly over all, in [0, 1).
    solver : str or sknet.optimizers.Optimizer, default="adam"
        Optimizer: adam, adamw, nadam, rmsprop, sgd, lion, lbfgs, or an object.
    alpha : float, default=1e-4
        L2 penalty on the kernels, at least 0: alpha / 2 times the sum of their squares,
        divided by the number of pairs of a step, is added to the loss.
    batch_size : int, default="auto"
        Pairs of one step; "auto" is min(64, n_samples).
    learning_rate : str, sknet.schedules.Schedule or callable, default="one_cycle"
        Shape of the rate over the training: constant, invscaling, adaptive, cosine,
        flat_cosine, log_cosine, one_cycle, exponential, step, an object, or a function of the
        progress in [0, 1] that returns the factor of the rate.
    learning_rate_init : float, default=1e-3
        The rate that the schedule scales, above 0.
    max_iter : int, default=20
        Number of epochs at most.
    max_time : float, default=None
        Seconds after which training stops with the model it has.
    tol : float, default=1e-4
        Smallest change of the loss (or of the validation score) that counts as progress.
    n_iter_no_change : int, default=10
        Training stops after more than this many epochs in a row without progress. Without early
        stopping, schedules made of cosine waves run to their end.
    early_stopping : bool, default=False
        Whether to judge progress on a validation set, stop when it ends, and keep the weights
        of the best epoch. Without `X_val`, a part of the pairs is held out.
    validation_fraction : float, default=0.1
        Part of the pairs to hold out, in (0, 1).
    scoring : str or callable, default="loss"
        What validation scores: the negative loss, or a scikit-learn scorer or a metric
        ``f(y, prediction)``, such as "accuracy" for the share of sources that `predict` turns
        into exactly their target.
    clip_norm : float, default=1.0
        Norm to which a longer gradient is shortened; None is no limit.
    clip_value : float, default=None
        Largest absolute value of an element of the gradient; larger ones are clipped, before
        `clip_norm`.
    accumulation_steps : int, default=1
        Number of batches whose gradients make one step, at least 1.
    averaging : float, default=None
        Decay of an exponential average of the weights, in (0, 1), which then predicts.
    shuffle : bool, default=True
        Whether the pairs are taken in a new order each epoch.
    warm_start : bool, default=False
        Whether `fit` resumes the last fit, with its vocabularies and all of the optimizer's
        state.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the order of the pairs, the hold-out and the noise.
        An int gives the same bits each time.
    verbose : bool or int, default=False
        1 or True prints a line an epoch. 2 draws a bar, and in a notebook the curve of the loss.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the computation.

    Attributes
    ----------
    source_tokenizer_, target_tokenizer_ : TokenizerTransformer or None
        The fitted tokenizers.
    network_ : Network
        The network; ``network_.summary()`` prints a table of its layers. Its inputs are pairs of
        ids, of the source and of the target: 0 is padding, 1 an unknown token, the largest the
        end, which also starts a target; its outputs stand for the ids from 1 on.
    history_ : dict of list
        One entry an epoch: loss (nats a token, label smoothing and penalty included),
        learning_rate, seconds, and with a validation set validation_loss and validation_score.
    n_iter_ : int
        Number of epochs trained, over all calls that continued the training.
    best_iter_ : int
        Number of the epoch whose weights are kept: the best with early stopping, or the last.
    n_outputs_ : int
        Number of tokens that can come next in a target, unknown and end included.
    loss_, loss_curve_, best_loss_, validation_scores_, best_validation_score_
        As in scikit-learn's MLP, read from `history_`.
    coefs_, intercepts_, n_layers_, out_activation_, t_
        As in scikit-learn's MLP, read from `network_`.

    See Also
    --------
    NeuralLanguageModel : Texts without a source.
    sknet.layers.TransformerDecoderBlock : Looks at the source by attention.

    Notes
    -----
    Tokens that are not in the vocabulary count as the unknown token, which is never written.

    References
    ----------
    Sutskever, Vinyals and Le (2014), Sequence to sequence learning with neural networks,
    :arxiv:`1409.3215`.
    Vaswani et al. (2017), Attention is all you need, :arxiv:`1706.03762`.

    Examples
    --------
    >>> from sknet import NeuralTranslator
    >>> X, y = ["one two", "two one", "two two"] * 4, ["12", "21", "22"] * 4
    >>> model = NeuralTranslator(
    ...     "word", learning_rate_init=0.003, max_iter=60, random_state=0,
    ... )
    >>> model.fit(X, y).predict(["two one"])
    array(['21'], dtype=object)
    """

    loss: str
    layers: None
    input_shape: None
    activation: str

    _list_parameters = ("encoder", "decoder")
    _losses = {"log_loss": LogLoss}
    _auto_batch_size = 64
    _surveys_all = True
    _parameter_constraints = {
        **_SHARED,
        "source_tokenizer": _TOKENIZER,
        "target_tokenizer": _TOKENIZER,
        "encoder": [list, tuple, None],
        "decoder": [list, tuple, None],
        "beam_size": [Interval(Integral, 1, None, closed="left")],
        "length_penalty": [Interval(Real, 0, None, closed="left")],
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "dtype": [option for option in _SHARED["dtype"] if option is not None],
    }
    #: What the other estimators leave to the user.
    loss, layers, input_shape, activation = "log_loss", None, None, "relu"

    def __init__(
        self,
        source_tokenizer: Tokenizer = "char",
        target_tokenizer: Tokenizer = "char",
        encoder: Sequence[LayerItem] | None = None,
        decoder: Sequence[LayerItem] | None = None,
        *,
        beam_size: int = 1,
        length_penalty: float = 1.0,
        max_length: int | None = None,
        label_smoothing: float = 0.0,
        solver: NamedOptimizer | Optimizer | LBFGS = "adam",
        alpha: float = 1e-4,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: NamedSchedule | Schedule | Function = "one_cycle",
        learning_rate_init: float = 1e-3,
        max_iter: int = 20,
        max_time: float | None = None,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        scoring: str | Function = "loss",
        clip_norm: float | None = 1.0,
        clip_value: float | None = None,
        accumulation_steps: int = 1,
        averaging: float | None = None,
        shuffle: bool = True,
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: bool | int = False,
        dtype: Precision = "float32",
    ) -> None:
        self._store(locals())

    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Texts,
        y: Texts,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Texts | None = None,
        y_val: Texts | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Learn the vocabularies and train the network.

        Parameters
        ----------
        X : iterable of str, of length n_samples, or list of array-like of int
            Sources, read once; arrays of tokens if `source_tokenizer` is None.
        y : iterable of str, of length n_samples, or list of array-like of int
            Their targets; arrays of tokens if `target_tokenizer` is None.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the pairs, and so of each token of their targets.
        X_val : iterable of str or list of array-like of int, default=None
            Sources of a validation set: scored after each epoch, and used by early stopping.
        y_val : iterable of str or list of array-like of int, default=None
            Its targets.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Its weights.

        Returns
        -------
        self : NeuralTranslator
            The fitted estimator.
        """
        X, y, X_val, y_val = map(reread, (X, y, X_val, y_val))
        return self._fit(X, y, sample_weight, X_val, y_val, sample_weight_val)

    @available_if(trains_by_steps)
    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Texts, y: Texts, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one pass over some pairs, resuming where the last call ended.

        The first call learns the vocabularies.

        Parameters
        ----------
        X : iterable of str, of length n_samples, or list of array-like of int
            Sources of this call.
        y : iterable of str, of length n_samples, or list of array-like of int
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the pairs.

        Returns
        -------
        self : NeuralTranslator
            The estimator.
        """
        return self._partial_fit(reread(X), reread(y), sample_weight)

    @available_if(trains_by_steps)
    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def fit_blocks(
        self,
        blocks: RowBlocks,
        *,
        X_val: Texts | None = None,
        y_val: Texts | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Learn the vocabularies and train the network on pairs that are read block by block.

        The vocabularies are those of all pairs, which are in memory while they are learned.

        Parameters
        ----------
        blocks : sequence or iterable of blocks
            Each block is (X, y) or (X, y, sample_weight), as `fit` takes them. Blocks are read in
            every epoch, and once before the first: a generator will not do. If they can be reached
            by position, as in a list, they are taken in a new order each epoch, where `shuffle` is
            True; others come in the order of their iterator. The rows of a block are shuffled. A
            step has rows of one block.
        X_val : iterable of str or list of array-like of int, default=None
            Sources of a validation set, which early stopping needs.
        y_val : iterable of str or list of array-like of int, default=None
            Its targets.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Its weights.

        Returns
        -------
        self : NeuralTranslator
            The fitted estimator.
        """
        return self._fit_blocks(blocks, reread(X_val), reread(y_val), sample_weight_val)

    def _ends(self):
        return self._source_vocabulary.end, self._target_vocabulary.end

    def _check_data(self, X, y, sample_weight, reset, training=True, name="sample_weight"):
        if reset:
            self._learn_vocabularies(X, y)
        data = self._pairs(X, y, training)
        weight = check_weights(sample_weight, data.X, name, type(self).__name__)
        if weight is not None:
            places = data.y
            weights = np.repeat(weight, places.lengths)
            totals = weight * places.lengths
            data.y = Places(places.values, places.starts, places.lengths, weights, None, totals)
            data.rows = None if weight.all() else np.flatnonzero(weight)
        data.sample_weight = data.y.totals
        if training:
            longest = int(data.y.lengths.max())
            self._longest = longest if reset else max(longest, self._longest)
        self._encode_target(data, reset)
        return data

    def _learn_vocabularies(self, X, y):
        self._source_vocabulary = self._vocabulary("source_tokenizer", "X").fit(X)
        self._target_vocabulary = self._vocabulary("target_tokenizer", "y").fit(y)
        self.source_tokenizer_: TokenizerTransformer | None = self._source_vocabulary.tokenizer
        self.target_tokenizer_: TokenizerTransformer | None = self._target_vocabulary.tokenizer
        given = self.source_tokenizer, self.target_tokenizer
        self._given_tokenizers = clone(given, safe=False)
        self._input_shape = (None, 2)

    def _vocabulary(self, parameter, name):
        return get_vocabulary(getattr(self, parameter), type(self).__name__, name, parameter)

    def _pairs(self, X, y, training=False):
        """Return sources and targets as data."""
        read = "encode_more" if training else "encode"
        sources = getattr(self._source_vocabulary, read)(X)
        targets = getattr(self._target_vocabulary, read)(y)
        if len(sources) != len(targets):
            raise ValueError(
                f"{type(self).__name__} expects a target in y for each source in X, got "
                f"{len(sources)} sources and {len(targets)} targets."
            )
        pairs, codes, lengths = paired(sources, targets, self._ends(), np.dtype(self.dtype))
        return Data(pairs, Places(codes, np.cumsum(lengths) - lengths, lengths))

    def _encode_target(self, data, reset):
        if reset:
            self._target = Target("multiclass", 1, (self._target_vocabulary.end,))

    def _make_loss(self):
        return LogLoss(label_smoothing=self.label_smoothing)

    def _training_loss(self, loss):
        return PlacewiseLoss(loss)

    def _adapt(self, layer, data):
        # The layers of `layer` run one after the other; those of a translator do not.
        EncoderDecoder(layer.layers).adapt(data.used_X.joined()[None])

    def _joined(self, layers):
        return EncoderDecoder(layers)

    def _hidden_layers(self):
        encoder = self._written("encoder", [TransformerBlock(4) for _ in range(2)])
        decoder = self._written("decoder", [TransformerDecoderBlock(4) for _ in range(2)])
        return [("encoder", Encoder(encoder)), ("decoder", Decoder(decoder))]

    def _written(self, name, blocks):
        """Return the layers that the user has written, or a Transformer of some blocks."""
        layers = getattr(self, name)
        if layers is None:
            # As large as the sinusoids that are added.
            start = Embedding(64, embeddings_initializer=RandomNormal(stddev=1.0))
            layers = [start, PositionalEmbedding("sinusoidal"), *blocks, LayerNorm()]
        return named_layers(copied(list(layers), name), self.activation, name)

    def _form(self):
        names = "source_tokenizer", "target_tokenizer"
        pairs = zip(names, self._given_tokenizers, strict=True)
        return {
            "dtype": super()._form()["dtype"],
            **{name: (getattr(self, name), given) for name, given in pairs},
        }

    def _check_combinations(self):
        """Find nothing to refuse: there are no plain hidden layers."""

    def _check_shape(self, side, shape, n_axes):
        if len(shape) not in n_axes or (len(shape) == 2 and shape[0] is not None):
            raise ValueError(
                f"{type(self).__name__} expects layers of the {side} that give a vector for each "
                f"step, of shape (T, F), got {shape}. Begin with an Embedding, set "
                "return_sequences=True in recurrent layers, and leave out layers that join steps."
            )

    def _check_network(self):
        name, network = type(self).__name__, self.network_
        parts = dict(network.layer.sublayers())
        self._check_shape("encoder", parts["encoder"].output_shape_, (1, 2))
        self._check_shape("decoder", parts["decoder"].output_shape_, (2,))
        for _, layer in parts["decoder"].sublayers():
            if not layer.is_causal:
                raise ValueError(
                    f"{name} expects layers of the decoder that look at no later steps; layer "
                    f"{layer._label()} does. Use TransformerDecoderBlock, padding='causal' in "
                    "convolutions, LayerNorm in place of BatchNorm, and no layers that run "
                    "backwards."
                )
        if not any(isinstance(part, LooksAtSource) for part in parts["decoder"].walk()):
            raise ValueError(
                f"{name} expects a decoder that looks at the source, got none of its layers that "
                "does. Add a TransformerDecoderBlock, or Residual([CrossAttention(4)]) after a "
                "recurrent layer, or put the layer into SourceState."
            )
        self._check_noise(get_optimizer(self.solver))
        if self.decoder is not None:
            warn_of_own_output(parts["decoder"].sublayers(), {network.output_shape[-1]}, name)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = self.source_tokenizer is not None
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = tags.input_tags.three_d_array = False
        tags.target_tags.required = True
        return tags

    def _takes_sparse(self):
        return False
