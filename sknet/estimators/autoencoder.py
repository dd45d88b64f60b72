"""The autoencoder."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Literal, Self

from numpy.typing import ArrayLike
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils._set_output import _get_output_config

from ..activations.base import Activation
from ..compatibility import available_if, fit_context
from ..constraints import is_true
from ..layers.items import LayerItem
from ..losses import REGRESSION_LOSSES, LogLoss, Loss, LossName, SquaredError, get_loss
from ..optimizers.base import Optimizer
from ..optimizers.lbfgs import LBFGS
from ..schedules.base import Schedule
from ..settings import isolated
from ..typing import (
    Array,
    Function,
    NamedActivation,
    NamedOptimizer,
    NamedReconstructionLoss,
    NamedSchedule,
    Precision,
    RandomState,
    RowBlocks,
    Samples,
    Sizes,
)
from .architecture import hidden_sizes
from .base import BaseNeuralEstimator
from .block_training import trains_by_steps
from .coders import Coders
from .input_as_target import InputAsTarget
from .reconstruction import Reconstruction

_LOSSES = {
    "squared_error": REGRESSION_LOSSES["squared_error"],
    "absolute_error": REGRESSION_LOSSES["absolute_error"],
    "huber": REGRESSION_LOSSES["huber"],
    "log_loss": LogLoss,
}


class AutoencoderTransformer(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    InputAsTarget,
    Reconstruction,
    Coders,
    BaseNeuralEstimator,
):
    """Autoencoder: a network that learns to reproduce X through a narrow code.

    The encoder has the given hidden layers and ends with a linear layer of `n_components`; the
    decoder has the same widths in reverse and ends with a linear layer of n_features. `transform`
    gives the code, `inverse_transform` decodes it. Either may be written as a list of layers.

    Parameters
    ----------
    n_components : int, default=2
        Size of the code, at least 1.
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Widths of the plain hidden layers; an int is one layer.
    activation : str or sknet.activations.Activation, default="relu"
        Activation of the hidden layers: identity, logistic (also called sigmoid), tanh, relu,
        leaky_relu, relu6, elu, selu, gelu, silu, hard_swish, mish, softplus, softsign,
        hard_sigmoid, softmax, or an object.
    encoder : list, default=None
        Layers instead of the plain hidden ones of the encoder: `sknet.layers` objects, pairs
        ("name", layer), or ints n, short for ``Dense(n, activation)``; reached as in
        ``encoder__0__units``. The linear layer of `n_components` is added after them, after a
        Flatten where they end with several axes. None takes the hidden layer sizes. For sequences
        of any length there is no Flatten: the code is one vector a sequence or one a step, as the
        layers end.
    decoder : list, default=None
        Layers from the code on, in the same form. A linear layer of n_features is added, after a
        Flatten where they end with several axes; but not if they end with the shape of a sample
        of several axes, as ``Conv2DTranspose(1, 3, padding="same")`` may for images, or with a
        Dense of n_features units without activation. None takes the hidden layer sizes in
        reverse, also where the encoder is given. For sequences of any length it reads a code at
        each step, that of the whole sequence if there is one, and ends with one vector a step.
    tied_weights : bool, default=False
        Whether the decoder uses the kernels of the encoder, transposed; the biases are its own.
        For plain hidden layers, and codes that are not variational.
    input_shape : tuple of int, default=None
        Shape of one sample, such as ``(28, 28, 1)``: the rows of a 2-D X are reshaped to it,
        and an X of shape ``(n_samples, *input_shape)`` is taken as it is.
    dropout : float, default=0.0
        Rate of the dropout after each plain hidden layer, in [0, 1).
    normalization : {"batch", "layer"}, default=None
        Normalization in each plain hidden layer, before the activation.
    noise : float, default=0.0
        Noise on the inputs in training, at least 0, whose target is X as it is: the network
        learns to remove it.
    noise_type : {"gaussian", "masking"}, default="gaussian"
        What `noise` is: the standard deviation of normal noise in units of X, or the part of the
        cells, below 1, that are set to 0.
    sparsity : float, default=0.0
        Strength of a penalty on the code that leaves few of its components active, at least 0.
    sparsity_type : {"l1", "kl"}, default="l1"
        The penalty: the sum of the absolute values of the code, or the divergence of the mean
        activation of each component from `sparsity_target`; the code then has the activation
        logistic.
    sparsity_target : float, default=0.05
        Mean activation that "kl" wants of each component, in (0, 1).
    contraction : float, default=0.0
        Strength of a penalty on the squared Jacobian of the code by the inputs, at least 0. It
        is exact, and known for an encoder of one layer only: `hidden_layer_sizes` must be ().
        The code is then that layer, with `activation`, one of identity, logistic, tanh, relu
        and softplus.
    variational : bool, default=False
        Whether the code of a row is a normal distribution, which training keeps close to the
        standard normal one, so that `sample` can draw new rows. `transform` gives its mean.
        The loss is squared_error, for features with normal noise of variance 1 about the
        reconstruction, or log_loss, for the probabilities of ones. Scale X, or set beta, to
        suit: features in [0, 1] have much less noise than 1.
    beta : float, default=1.0
        Factor of the divergence from the standard normal distribution, at least 0. For squared
        errors it has the effect of noise of variance beta.
    handle_missing : {"error", "ignore"}, default="error"
        What to do about NaN in X: refuse it, or train on the observed cells alone. Then a missing
        cell of the input is 0, so X should be scaled such that this is a middling value, and
        the loss leaves it out; `reconstruct` guesses it, `impute` fills it in.
    loss : str or sknet.losses.Loss, default="squared_error"
        Loss of the reconstruction: squared_error, absolute_error, huber, log_loss, or an object.
        Of a row it is the sum over the features, squares by half.
        The log loss is for X in [0, 1]: reconstructions are then probabilities.
    solver : str or sknet.optimizers.Optimizer, default="adam"
        Optimizer: adam, adamw, nadam, radam, amsgrad, rmsprop, adagrad, sgd, sgdw, lion, muon,
        lamb, lbfgs, or an object, which is where momentum, beta_1, weight_decay, max_fun and the
        like are set.
    alpha : float, default=1e-4
        L2 penalty on the kernels, at least 0: alpha / 2 times the sum of their squares,
        divided by the weight of the rows, is added to the loss.
    batch_size : int, default="auto"
        Rows of one step; "auto" is min(200, n_samples). L-BFGS takes all rows.
    learning_rate : str, sknet.schedules.Schedule or callable, default="constant"
        Shape of the rate over the training, for every solver but lbfgs: constant, invscaling,
        adaptive, cosine, cosine_restarts, flat_cosine, log_cosine, one_cycle, cyclic, polynomial,
        exponential, step, piecewise_constant, inverse_time, an object, or a function of the
        progress in [0, 1] that returns the factor of the rate.
    learning_rate_init : float, default=1e-3
        The rate that the schedule scales, above 0.
    max_iter : int, default=200
        Number of epochs at most; of iterations for lbfgs.
    max_time : float, default=None
        Seconds after which training stops with the model it has.
    tol : float, default=1e-4
        Smallest change of the loss (or of the validation score) that counts as progress;
        for lbfgs, largest element of the gradient at which to stop.
    n_iter_no_change : int, default=10
        Training stops after more than this many epochs in a row without progress. Without early
        stopping, schedules of cosine waves, cycles and powers run to their end.
    early_stopping : bool, default=False
        Whether to judge progress on a validation set, stop when it ends, and keep the weights
        of the best epoch. Without `X_val`, a part of the training set is held out.
    validation_fraction : float, default=0.1
        Part of the rows to hold out, in (0, 1); in proportion to the classes.
    scoring : str or callable, default="loss"
        What validation scores: the negative loss, a scikit-learn scorer, or a metric
        ``f(y, prediction)``. A metric whose name ends in _error, _loss or _deviance is negated;
        of others greater is better.
    clip_norm : float, default=None
        Norm to which a longer gradient is shortened.
    clip_value : float, default=None
        Largest absolute value of an element of the gradient; larger ones are clipped, before
        `clip_norm`.
    accumulation_steps : int, default=1
        Number of batches whose gradients make one step, at least 1: a step sees as many rows as
        with a batch_size so many times as large, in the memory of one batch.
    averaging : float, default=None
        Decay of an exponential average of the weights, in (0, 1), which then predicts.
    shuffle : bool, default=True
        Whether the rows are taken in a new order each epoch.
    warm_start : bool, default=False
        Whether `fit` resumes the last fit, with all of the optimizer's state.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the order of rows, the hold-out and the noise. An int
        gives the same bits each time.
    verbose : bool or int, default=False
        1 or True prints a line an epoch. 2 draws a bar, and in a notebook the curve of the loss.
    dtype : {"float32", "float64"}, default=None
        Precision of the computation and of the predictions; None follows X: float32 stays,
        all else is float64.

    Attributes
    ----------
    network_ : Network
        The network; ``network_.summary()`` prints a table of its layers.
    history_ : dict of list
        One entry an epoch: loss, learning_rate, seconds, and with a validation set
        validation_loss and validation_score.
    n_iter_ : int
        Number of epochs trained, over all calls that continued the training.
    best_iter_ : int
        Number of the epoch whose weights are kept: the best with early stopping, or the last.
    n_outputs_ : int
        Width of the output layer.
    n_features_in_ : int
        Number of features: of samples with several axes, that of the values of one sample; not
        there for sequences of any length, whose steps alone are of one size.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if X had string names.
    loss_, loss_curve_, best_loss_, validation_scores_, best_validation_score_
        As in scikit-learn's MLP, read from `history_`.
    coefs_, intercepts_, n_layers_, out_activation_, t_
        As in scikit-learn's MLP, read from `network_`.

    See Also
    --------
    sklearn.decomposition.PCA : The best linear code.

    References
    ----------
    Hinton and Salakhutdinov (2006), Reducing the dimensionality of data with neural
    networks, Science 313, :doi:`10.1126/science.1127647`.
    Vincent et al. (2010), Stacked denoising autoencoders, JMLR 11.
    Rifai et al. (2011), Contractive auto-encoders, ICML.
    Kingma and Welling (2013), Auto-encoding variational Bayes, :arxiv:`1312.6114`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> from sknet import AutoencoderTransformer
    >>> X, _ = load_digits(return_X_y=True)
    >>> network = AutoencoderTransformer(n_components=2, max_iter=5, tol=0, random_state=0)
    >>> make_pipeline(MinMaxScaler(), network).fit_transform(X).shape
    (1797, 2)
    """

    _losses = _LOSSES
    _on_missing = (
        "{owner} takes NaN only with handle_missing='ignore'; set that to train "
        "on the observed cells, or fill them first, by sklearn.impute.SimpleImputer."
    )
    _on_tables = "Or encode such tables by sknet.preprocessing.TableEncoder in a pipeline."
    _body = "encoder"
    _list_parameters = ("encoder", "decoder")
    _parameter_constraints = {
        **{k: v for k, v in BaseNeuralEstimator._parameter_constraints.items() if k != "layers"},
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "encoder": [list, tuple, None],
        "decoder": [list, tuple, None],
        "tied_weights": ["boolean"],
        "noise": [Interval(Real, 0, None, closed="left")],
        "noise_type": [StrOptions({"gaussian", "masking"})],
        "sparsity": [Interval(Real, 0, None, closed="left")],
        "sparsity_type": [StrOptions({"l1", "kl"})],
        "sparsity_target": [Interval(Real, 0, 1, closed="neither")],
        "contraction": [Interval(Real, 0, None, closed="left")],
        "variational": ["boolean"],
        "beta": [Interval(Real, 0, None, closed="left")],
        "handle_missing": [StrOptions({"error", "ignore"})],
        "loss": [LossName(_LOSSES), Loss],
        "scoring": [StrOptions({"loss"}), callable],
    }

    def __init__(
        self,
        n_components: int = 2,
        hidden_layer_sizes: Sizes = (100,),
        activation: NamedActivation | Activation = "relu",
        *,
        encoder: Sequence[LayerItem] | None = None,
        decoder: Sequence[LayerItem] | None = None,
        tied_weights: bool = False,
        input_shape: Sequence[int | None] | None = None,
        dropout: float = 0.0,
        normalization: Literal["batch", "layer"] | None = None,
        noise: float = 0.0,
        noise_type: Literal["gaussian", "masking"] = "gaussian",
        sparsity: float = 0.0,
        sparsity_type: Literal["l1", "kl"] = "l1",
        sparsity_target: float = 0.05,
        contraction: float = 0.0,
        variational: bool = False,
        beta: float = 1.0,
        handle_missing: Literal["error", "ignore"] = "error",
        loss: NamedReconstructionLoss | Loss = "squared_error",
        solver: NamedOptimizer | Optimizer | LBFGS = "adam",
        alpha: float = 1e-4,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: NamedSchedule | Schedule | Function = "constant",
        learning_rate_init: float = 1e-3,
        max_iter: int = 200,
        max_time: float | None = None,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        scoring: Literal["loss"] | Function = "loss",
        clip_norm: float | None = None,
        clip_value: float | None = None,
        accumulation_steps: int = 1,
        averaging: float | None = None,
        shuffle: bool = True,
        warm_start: bool = False,
        random_state: RandomState | None = None,
        verbose: bool | int = False,
        dtype: Precision | None = None,
    ) -> None:
        self._store(locals())

    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Samples,
        y: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Samples | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train encoder and decoder.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows, or samples of shape `input_shape`.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, or of all places in the form of y. Only their ratios count for the
            loss; a weight of 0 leaves a row or place out.
        X_val : {array-like, sparse matrix} of shape (n_validation, n_features), default=None
            Validation set: scored after each epoch, and used by early stopping.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Its weights.

        Returns
        -------
        self : AutoencoderTransformer
            The fitted estimator.
        """
        return self._fit(X, None, sample_weight, X_val, None, sample_weight_val)

    @available_if(trains_by_steps)
    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Samples, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one pass over some rows, resuming where the last call ended.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of this call.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, or of all places in the form of y. Only their ratios count for the
            loss; a weight of 0 leaves a row or place out.

        Returns
        -------
        self : AutoencoderTransformer
            The estimator.
        """
        return self._partial_fit(X, None, sample_weight)

    @available_if(trains_by_steps)
    @isolated
    @fit_context(prefer_skip_nested_validation=True)
    def fit_blocks(
        self,
        blocks: RowBlocks,
        *,
        X_val: Samples | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train encoder and decoder on rows that are read block by block.

        Parameters
        ----------
        blocks : sequence or iterable of blocks
            Each block is X, or a tuple (X, y, sample_weight) of which y is ignored. Blocks are
            read in every epoch, and once before the first: a generator will not do. If they can be
            reached by position, as in a list, they are taken in a new order each epoch, where
            `shuffle` is True; others come in the order of their iterator. The rows of a block are
            shuffled. A step has rows of one block.
        X_val : {array-like, sparse matrix} of shape (n_validation, n_features), default=None
            Validation set: scored after each epoch, and used by early stopping.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Its weights.

        Returns
        -------
        self : AutoencoderTransformer
            The fitted estimator.
        """
        return self._fit_blocks(blocks, X_val, None, sample_weight_val)

    @isolated
    def transform(self, X: Samples) -> Array | Any:
        """Encode some rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.

        Returns
        -------
        code : ndarray of shape (n_samples, n_components) or list of ndarray
            The code. Where each step of a sequence has one, an array of shape (n_steps,
            n_components) for each, in a list where lengths differ.
        """
        self._require_fit()
        X = self._check_X(X)
        code = self._encode(X)
        return self._codes_of_steps(code, X) if code.ndim > 2 else code

    def _codes_of_steps(self, code, X):
        """Return the codes of the real steps, as a list where lengths differ."""
        form = _get_output_config("transform", self)["dense"]
        if form != "default":
            raise ValueError(
                f"{type(self).__name__}.transform gives a code for each step, which is no table "
                f"for {form}; call set_output(transform='default')."
            )
        if len(set(X.lengths)) == 1:
            return code
        return [row[:n] for row, n in zip(code, X.lengths, strict=True)]

    @property
    def layers(self) -> list[Any]:
        """The layers that take X, if the user has written them: those of the encoder."""
        return self.encoder

    def _check_combinations(self):
        if self.encoder is not None and self.decoder is not None:
            self._refuse_plain_options("encoder", "decoder")
        if self.noise_type == "masking" and self.noise >= 1:
            raise ValueError(
                f"noise_type='masking' expects noise below 1, the part of the cells that are set "
                f"to 0, got noise={self.noise!r}."
            )
        if self.contraction > 0 and self._n_encoder_layers() > 0:
            raise ValueError(
                "contraction > 0 is known for an encoder of one layer, which is the code; set "
                "hidden_layer_sizes=() and leave encoder=None, or use noise instead."
            )
        written = self.encoder is not None or self.decoder is not None
        if self.tied_weights and (written or self.variational):
            raise ValueError(
                "tied_weights=True is for plain hidden layers and a code that is not variational; "
                "set encoder=None, decoder=None and variational=False."
            )
        if self.variational:
            self._check_variational()

    def _uses_activation(self, lists):
        # A contractive code is a layer of its own that has the activation.
        return self.contraction > 0 or super()._uses_activation(lists)

    def _n_encoder_layers(self):
        layers = self.encoder
        return len(hidden_sizes(self.hidden_layer_sizes) if layers is None else layers)

    def _check_variational(self):
        if self.sparsity > 0 or self.contraction > 0:
            raise ValueError(
                "variational=True has its own penalty on the code, whose factor is beta; set "
                "sparsity=0 and contraction=0."
            )
        if not isinstance(get_loss(self.loss, self._losses), SquaredError | LogLoss):
            raise ValueError(
                f"variational=True needs the likelihood of a row, which loss='squared_error' "
                f"and loss='log_loss' have, got loss={self.loss!r}."
            )

    def _takes_sparse(self):
        if self._takes_nan() or _is_positive(self.noise) or is_true(self.variational):
            return False
        return super()._takes_sparse()

    def _takes_nan(self):  # before fit it may be anything
        return isinstance(self.handle_missing, str) and self.handle_missing == "ignore"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._takes_nan()
        tags.transformer_tags.preserves_dtype = (
            ["float64", "float32"] if self.dtype is None else []
        )
        return tags


def _is_positive(value):
    return isinstance(value, Real) and value > 0  # before fit it may be anything
