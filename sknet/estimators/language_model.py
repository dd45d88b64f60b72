"""The language model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils._param_validation import Interval, StrOptions

from ..batches import Data
from ..compatibility import available_if, fit_context
from ..layers import Embedding, LayerNorm, PositionalEmbedding, TransformerBlock
from ..layers.composite import named_layers
from ..layers.items import LayerItem
from ..losses import LogLoss, Target
from ..losses.placewise import PlacewiseLoss
from ..optimizers.base import Optimizer
from ..optimizers.lbfgs import LBFGS
from ..places import real_rows
from ..preprocessing import TokenizerTransformer
from ..preprocessing.samples import reread
from ..schedules.base import Schedule
from ..settings import isolated
from ..tokens import scoring_windows, training_windows
from ..typing import (
    Array,
    Function,
    NamedOptimizer,
    NamedSchedule,
    Precision,
    RandomState,
    RowBlocks,
)
from .architecture import warn_of_own_output
from .base import BaseNeuralEstimator
from .block_training import trains_by_steps
from .generation import TextGeneration
from .holdout import hold_out
from .overflow import warn_of_overflow
from .validation import Validation
from .vocabulary import get_vocabulary

_PLAIN = {"hidden_layer_sizes", "activation", "dropout", "normalization", "input_shape", "scoring"}
_SHARED = {k: v for k, v in BaseNeuralEstimator._parameter_constraints.items() if k not in _PLAIN}


class NeuralLanguageModel(TextGeneration, BaseNeuralEstimator):
    r"""Language model: learns from texts which token comes next, scores texts and writes new ones.

    A text is a row of tokens and an end after them. Its probability is the product of those of
    its tokens and its end, each given the tokens before it, as many as the context holds:

    log p(text) = sum_t log softmax(z_t)[token t],

    where the network gives the logits z_t from the tokens before t, and the first ones from a
    start. So the probabilities of all texts add up to 1.

    Parameters
    ----------
    tokenizer : {"char", "byte", "word"} or TokenizerTransformer or None, default="char"
        What a token is. A name is a tokenizer of this level that keeps capitals. None is for
        texts that are given as arrays of tokens, whole numbers from 0 on.
    context_length : int, default=64
        Largest number of tokens that the network looks at, at least 1. In training, longer texts
        are cut into windows of this length, at other places in each epoch. In scoring and
        writing, a context that is full is cut to its last half.
    layers : list, default=None
        Layers from token ids, of shape (T,), to a vector a step, of shape (T, F), none of which
        looks at later steps: an `Embedding`, and recurrent layers with
        ``return_sequences=True``, causal convolutions or Transformer blocks. The output layer
        over the vocabulary is added. Nested parameters are reached by position or name, as in
        ``layers__0__output_dim``. None is a small Transformer: two blocks of width 64.
    solver : str or sknet.optimizers.Optimizer, default="adam"
        Optimizer: adam, adamw, nadam, radam, amsgrad, rmsprop, adagrad, sgd, sgdw, lion, muon,
        lamb, lbfgs, or an object.
    alpha : float, default=1e-4
        L2 penalty on the kernels, at least 0: alpha / 2 times the sum of their squares,
        divided by the number of windows of a step, is added to the loss.
    batch_size : int, default="auto"
        Windows of one step; "auto" is min(32, number of windows).
    learning_rate : str, sknet.schedules.Schedule or callable, default="cosine"
        Shape of the rate over the training: constant, invscaling, adaptive, cosine,
        cosine_restarts, flat_cosine, log_cosine, one_cycle, cyclic, polynomial, exponential,
        step, piecewise_constant, inverse_time, an object, or a function of the progress in
        [0, 1] that returns the factor of the rate.
    learning_rate_init : float, default=1e-3
        The rate that the schedule scales, above 0.
    max_iter : int, default=20
        Number of epochs at most; an epoch sees each token about once.
    max_time : float, default=None
        Seconds after which training stops with the model it has.
    tol : float, default=1e-4
        Smallest change of the loss (or of the validation score) that counts as progress.
    n_iter_no_change : int, default=10
        Training stops after more than this many epochs in a row without progress. Without early
        stopping, schedules of cosine waves, cycles and powers run to their end.
    early_stopping : bool, default=False
        Whether to judge progress on a validation set, stop when it ends, and keep the weights
        of the best epoch. Without `X_val`, a part of the texts is held out, or the end of a
        single one.
    validation_fraction : float, default=0.1
        Part of the texts to hold out, in (0, 1).
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
        Whether windows are cut anew and taken in a new order each epoch.
    warm_start : bool, default=False
        Whether `fit` resumes the last fit, with its vocabulary and all of the optimizer's
        state.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the windows and their order, the hold-out and the noise.
        An int gives the same bits each time.
    verbose : bool or int, default=False
        1 or True prints a line an epoch. 2 draws a bar, and in a notebook the curve of the loss.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the computation.

    Attributes
    ----------
    tokenizer_ : TokenizerTransformer or None
        The fitted tokenizer.
    vocabulary_ : dict or None
        Its tokens and their ids.
    network_ : Network
        The network; ``network_.summary()`` prints a table of its layers. Its inputs are ids: 0
        is padding, 1 an unknown token, the largest the start and end; its outputs stand for the
        ids from 1 on.
    history_ : dict of list
        One entry an epoch: loss (nats a token, penalty included), learning_rate, seconds, and
        with a validation set validation_loss and validation_score.
    n_iter_ : int
        Number of epochs trained, over all calls that continued the training.
    best_iter_ : int
        Number of the epoch whose weights are kept: the best with early stopping, or the last.
    n_outputs_ : int
        Number of tokens that can come next in a text, unknown and end included.
    loss_, loss_curve_, best_loss_, validation_scores_, best_validation_score_
        As in scikit-learn's MLP, read from `history_`.
    coefs_, intercepts_, n_layers_, out_activation_, t_
        As in scikit-learn's MLP, read from `network_`.

    See Also
    --------
    sknet.preprocessing.TokenizerTransformer : Turns texts into rows of token ids.

    Notes
    -----
    Tokens that are not in the vocabulary count as the unknown token, which is never written. Its
    probability is learned where the tokenizer has ``min_count`` of at least 2.

    References
    ----------
    Bengio et al. (2003), A neural probabilistic language model, JMLR 3.

    Examples
    --------
    >>> from sknet import NeuralLanguageModel
    >>> from sknet.layers import GRU, Embedding
    >>> model = NeuralLanguageModel(
    ...     layers=[Embedding(8), GRU(16, return_sequences=True)],
    ...     learning_rate_init=0.02, max_iter=40, random_state=0,
    ... )
    >>> texts = ["tick tock", "tick tock tick tock"] * 8
    >>> model.fit(texts).generate("tick t", temperature=0, max_length=3)
    'tick tock'
    >>> model.perplexity(["tick tock"]) < model.perplexity(["tock tick"])
    True
    """

    loss: str
    scoring: str
    input_shape: None
    activation: str

    _losses = {"log_loss": LogLoss}
    _auto_batch_size = 32
    _surveys_all = True
    _parameter_constraints = {
        **_SHARED,
        "tokenizer": [StrOptions({"char", "byte", "word"}), TokenizerTransformer, None],
        "context_length": [Interval(Integral, 1, None, closed="left")],
        "dtype": [option for option in _SHARED["dtype"] if option is not None],
    }
    #: What the other estimators leave to the user.
    loss, scoring, input_shape, activation = "log_loss", "loss", None, "relu"

    def __init__(
        self,
        tokenizer: Literal["char", "byte", "word"] | TokenizerTransformer | None = "char",
        context_length: int = 64,
        layers: Sequence[LayerItem] | None = None,
        *,
        solver: NamedOptimizer | Optimizer | LBFGS = "adam",
        alpha: float = 1e-4,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: NamedSchedule | Schedule | Function = "cosine",
        learning_rate_init: float = 1e-3,
        max_iter: int = 20,
        max_time: float | None = None,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        clip_norm: float | None = 1.0,
        clip_value: float | None = None,
        accumulation_steps: int = 1,
        averaging: float | None = None,
        shuffle: bool = True,
        warm_start: bool = False,
        random_state: RandomState | None = None,
        verbose: bool | int = False,
        dtype: Precision = "float32",
    ) -> None:
        self._store(locals())

    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Iterable[str] | Sequence[ArrayLike],
        y: Any = None,
        *,
        X_val: Iterable[str] | Sequence[ArrayLike] | None = None,
    ) -> Self:
        """Learn the vocabulary and train the network.

        Parameters
        ----------
        X : iterable of str, of length n_samples, or list of array-like of int
            Texts, read once; arrays of tokens if `tokenizer` is None.
        y : None
            Ignored.
        X_val : iterable of str or list of array-like of int, default=None
            Validation texts: scored after each epoch, and used by early stopping. They are cut
            into windows without overlap, as those of training, so `score` is a little better.

        Returns
        -------
        self : NeuralLanguageModel
            The fitted estimator.
        """
        return self._fit(reread(X), None, None, reread(X_val), None, None)

    @available_if(trains_by_steps)
    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Iterable[str] | Sequence[ArrayLike], y: Any = None) -> Self:
        """Train for one pass over some texts, resuming where the last call ended.

        The first call learns the vocabulary.

        Parameters
        ----------
        X : iterable of str, of length n_samples, or list of array-like of int
            Texts of this call.
        y : None
            Ignored.

        Returns
        -------
        self : NeuralLanguageModel
            The estimator.
        """
        return self._partial_fit(reread(X), None, None)

    @available_if(trains_by_steps)
    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def fit_blocks(
        self,
        blocks: RowBlocks,
        *,
        X_val: Iterable[str] | Sequence[ArrayLike] | None = None,
    ) -> Self:
        """Learn the vocabulary and train the network on texts that are read block by block.

        Parameters
        ----------
        blocks : sequence or iterable of blocks
            Each block is a list of texts. They are read in every epoch, in a new order where
            they can be reached by position. The vocabulary is that of all texts, which are in
            memory while it is learned.
        X_val : iterable of str or list of array-like of int, default=None
            Validation texts, as for `fit`; early stopping needs them.

        Returns
        -------
        self : NeuralLanguageModel
            The fitted estimator.
        """
        return self._fit_blocks(blocks, reread(X_val), None, None)

    @isolated
    def score_samples(self, X: Iterable[str] | Sequence[ArrayLike]) -> Array:
        """Return the log-likelihood of each text.

        Parameters
        ----------
        X : iterable of str, of length n_samples, or list of array-like of int
            Texts.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            Logarithm of the probability of each text, its end included, in nats.
        """
        return self._log_likelihoods(X)[0]

    @isolated
    def score(self, X: Iterable[str] | Sequence[ArrayLike], y: Any = None) -> float:
        """Return the mean log-likelihood of a token.

        Parameters
        ----------
        X : iterable of str, of length n_samples, or list of array-like of int
            Texts.
        y : None
            Ignored.

        Returns
        -------
        score : float
            Sum of the texts' log-likelihoods over their number of tokens, each end counted.
        """
        total, n_tokens = self._log_likelihoods(X)
        return float(total.sum() / n_tokens)

    @isolated
    def perplexity(self, X: Iterable[str] | Sequence[ArrayLike]) -> float:
        """Return exp(-score): the effective number of tokens that the model hesitates between.

        Parameters
        ----------
        X : iterable of str, of length n_samples, or list of array-like of int
            Texts.

        Returns
        -------
        perplexity : float
            At least 1; less is better.
        """
        return float(np.exp(-self.score(X)))

    def _log_likelihoods(self, X):
        """Return the log-likelihood of each text, and the number of all tokens and ends."""
        self._require_fit()
        network, texts = self.network_, self._vocabulary.encode(X)
        windows, owners, overlaps = scoring_windows(
            texts, self._vocabulary.end, self._context_length, network.dtype
        )
        total = np.zeros(len(texts))
        # Windows of one length lie together: there is less padding to compute.
        order = np.argsort(windows.lengths, kind="stable")
        n_rows = network.chunk_rows(windows)
        for start in range(0, len(order), n_rows):
            rows = order[start : start + n_rows]
            batch = windows[rows]
            raw = real_rows(network.predict(batch), batch.lengths)
            log_p = self._loss.log_inverse_link(raw)
            log_p = np.take_along_axis(log_p, batch.targets()[:, None], axis=1)[:, 0]
            log_p[batch.steps() < np.repeat(overlaps[rows], batch.lengths)] = 0.0
            np.add.at(total, np.repeat(owners[rows], batch.lengths), log_p)
        warn_of_overflow(self, total)
        return total, sum(len(text) + 1 for text in texts)

    def _check_combinations(self):
        """Find nothing to refuse: there are no plain hidden layers."""

    def _check_X_y(self, X, y, reset):
        if reset:
            self._vocabulary = get_vocabulary(self.tokenizer, type(self).__name__).fit(X)
            self.tokenizer_: TokenizerTransformer | None = self._vocabulary.tokenizer
            self.vocabulary_: dict[str, int] | None = getattr(self.tokenizer_, "vocabulary_", None)
            self._given_tokenizer = clone(self.tokenizer, safe=False)
            self._context_length, self._input_shape = int(self.context_length), (None,)
        return self._windows(self._vocabulary.encode_more(X)), None

    def _training_loss(self, loss):
        return PlacewiseLoss(loss)

    def _windows(self, texts):
        dtype = np.dtype(self.dtype)
        return training_windows(texts, self._vocabulary.end, self._context_length, dtype)

    def _encode_target(self, data, reset):
        data.y = data.X
        if reset:
            self._target = Target("multiclass", 1, (self._vocabulary.end,))

    def _split(self, data, X, y, sample_weight):
        """Hold out texts, or of a single one its end."""
        texts = self._vocabulary.encode(X)
        if len(texts) > 1:
            rows = np.arange(len(texts))
            kept, held = hold_out(rows, self.validation_fraction, self._split_seed)
            kept, held = [texts[i] for i in kept], [texts[i] for i in held]
        else:
            cut = int(len(texts[0]) * (1 - self.validation_fraction))
            kept, held = [texts[0][:cut]], [texts[0][cut:]]
        data.X = data.y = self._windows(kept)
        held = self._windows(held)
        return Validation(Data(held, held), None, None, None)

    def _hidden_layers(self):
        if self.layers is not None:
            return super()._hidden_layers()
        blocks = [TransformerBlock(num_heads=4, causal=True) for _ in range(2)]
        position = PositionalEmbedding(max_length=int(self.context_length))
        return named_layers([Embedding(64), position, *blocks, LayerNorm()], None)

    def _form(self):
        return {
            **super()._form(),
            "tokenizer": (self.tokenizer, self._given_tokenizer),
            "context_length": (int(self.context_length), self._context_length),
        }

    def _check_network(self):
        name, network = type(self).__name__, self.network_
        shape = network.output_shape
        if len(shape) != 2 or shape[0] is not None:
            found = dict(network.layer.sublayers())["output"].input_shape_
            raise ValueError(
                f"{name} expects layers that give a vector for each step, of shape (T, F), got "
                f"{found}. Begin with an Embedding, set return_sequences=True in recurrent "
                "layers, and leave out layers that join steps."
            )
        for _, layer in network.layer.sublayers():
            if not layer.is_causal:
                raise ValueError(
                    f"{name} expects layers that look at no later steps; layer "
                    f"{layer._label()} does. Set causal=True in attention, padding='causal' in "
                    "convolutions, put LayerNorm in the place of BatchNorm, leave out layers that "
                    "run backwards, and set is_causal=True in custom layers that look back only."
                )
        if self.layers is not None:
            warn_of_own_output(network.layer.sublayers()[:-1], {network.output_shape[-1]}, name)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = self.tokenizer is not None
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = tags.input_tags.three_d_array = False
        return tags

    def _takes_sparse(self):
        return False
