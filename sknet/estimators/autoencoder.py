"""The autoencoder."""

from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
    clone,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if

from ..base import copied
from ..cells import located, named
from ..constraints import is_true
from ..layers import (
    ActivityPenalty,
    ContractiveDense,
    Dense,
    Flatten,
    GaussianCode,
    GaussianNoise,
    MaskingNoise,
    TiedSequential,
    TransposedDense,
)
from ..layers.composite import named_layers
from ..losses import REGRESSION_LOSSES, LogLoss, Loss, LossName, SquaredError, Target, get_loss
from ..losses.observed import ObservedLoss
from ..settings import isolated
from ..warning import warn
from .architecture import hidden_sizes, plain_layers
from .base import BaseNeuralEstimator, trains_by_steps
from .codec import Decoder, Encoder, ZeroMissing, ends_in_reconstruction, flattened, transposed
from .documentation import documented
from .reconstruction import Reconstruction

_LOSSES = {
    "squared_error": REGRESSION_LOSSES["squared_error"],
    "absolute_error": REGRESSION_LOSSES["absolute_error"],
    "huber": REGRESSION_LOSSES["huber"],
    "log_loss": LogLoss,
}


@documented
class AutoencoderTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, Reconstruction, BaseNeuralEstimator
):
    """Autoencoder: a network that learns to reproduce X through a narrow code.

    The encoder has the given hidden layers and ends with a linear layer of `n_components`; the
    decoder has the same widths in reverse and ends with a linear layer of n_features. `transform`
    gives the code, `inverse_transform` decodes it. Either may be written as a list of layers.

    Parameters
    ----------
    n_components : int, default=2
        Size of the code, at least 1.
    {architecture}
    encoder : list, default=None
        Layers instead of the plain hidden ones of the encoder: `sknet.layers` objects, pairs
        ("name", layer), or ints n, short for ``Dense(n, activation)``; reached as in
        ``encoder__0__units``. The linear layer of `n_components` is added behind them, after a
        Flatten where they end with several axes. None takes the hidden layer sizes.
    decoder : list, default=None
        Layers from the code on, in the same form. A linear layer of n_features is added, after a
        Flatten where they end with several axes; but not if they end with the shape of a sample
        of several axes, as ``Conv2DTranspose(1, 3, padding="same")`` may for images, or with a
        Dense of n_features units without activation. None takes the hidden layer sizes in
        reverse, also where the encoder is given.
    tied_weights : bool, default=False
        Whether the decoder uses the kernels of the encoder, transposed; the biases are its own.
        For plain hidden layers, and codes that are not variational.
    {training}
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
    loss : {"squared_error", "absolute_error", "huber", "log_loss"} or sknet.losses.Loss, \
default="squared_error"
        Loss of the reconstruction: of a row it is the sum over the features, squares by half.
        The log loss is for X in [0, 1]: reconstructions are then probabilities.
    {solver}
    {end}

    Attributes
    ----------
    {attributes}

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
        "AutoencoderTransformer takes NaN only with handle_missing='ignore'; set that to train "
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
        n_components=2,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        encoder=None,
        decoder=None,
        tied_weights=False,
        input_shape=None,
        dropout=0.0,
        normalization=None,
        noise=0.0,
        noise_type="gaussian",
        sparsity=0.0,
        sparsity_type="l1",
        sparsity_target=0.05,
        contraction=0.0,
        variational=False,
        beta=1.0,
        handle_missing="error",
        loss="squared_error",
        solver="adam",
        alpha=1e-4,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=1e-3,
        max_iter=200,
        max_time=None,
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        scoring="loss",
        clip_norm=None,
        averaging=None,
        shuffle=True,
        warm_start=False,
        random_state=None,
        verbose=False,
        dtype=None,
    ):
        self._store(locals())

    @isolated
    @_fit_context(prefer_skip_nested_validation=True)
    @documented
    def fit(self, X, y=None, sample_weight=None, *, X_val=None, sample_weight_val=None):
        """Train encoder and decoder.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows, or samples of shape `input_shape`.
        y : None
            Ignored.
        {fit}
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
    @_fit_context(prefer_skip_nested_validation=True)
    @documented
    def partial_fit(self, X, y=None, sample_weight=None):
        """Train for one pass over some rows, going on from where the last call ended.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of this call.
        y : None
            Ignored.
        {fit}

        Returns
        -------
        self : AutoencoderTransformer
            The estimator.
        """
        return self._partial_fit(X, None, sample_weight)

    @isolated
    def transform(self, X):
        """Encode some rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.

        Returns
        -------
        code : ndarray of shape (n_samples, n_components)
            The code.
        """
        self._require_fit()
        return self._encode(self._check_X(X))

    @property
    def layers(self):
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

    def _check_X_y(self, X, y, reset):
        X = self._readable_X(X)
        if reset:
            self._input_shape = self._sample_shape(X)
        if None in (self._input_shape or ()):
            raise ValueError(
                f"{type(self).__name__} needs samples of one shape, got input_shape="
                f"{self._input_shape}."
            )
        checked = self._check_table(X, reset=reset)
        self._check_missing(X, checked, self.handle_missing == "ignore")
        return checked, checked

    def _check_X(self, X):
        checked = super()._check_X(X)
        self._check_missing(X, checked, self._ignores_missing())
        return checked

    def _X_checks(self, reset):
        # NaN is refused by `_check_missing`, which knows what to do about it.
        return {**super()._X_checks(reset), "ensure_all_finite": "allow-nan"}

    def _check_missing(self, X, checked, allowed):
        if allowed:
            return
        values = checked.data if issparse(checked) else checked
        # The sum tells most often that there is none, and needs no array.
        with np.errstate(over="ignore", invalid="ignore"):
            suspicious = np.isnan(np.sum(values))
        if suspicious and np.isnan(values).any():
            error = ValueError("Input X contains NaN.")
            X = self._readable_X(X)
            raise located(error, X, checked.dtype, self._missing_advice()) from None

    def _encode_target(self, data, reset):
        kind = "continuous"
        if self.loss == "log_loss" or isinstance(self.loss, LogLoss):
            kind = "multilabel"  # one probability a feature
            self._check_range(data.X if data.rows is None else data.X[data.rows])
        self._target = Target(kind, data.X.shape[1])
        self._check_functions(data)
        if self.handle_missing == "ignore":
            self._check_observed(data.X if data.rows is None else data.X[data.rows], reset)

    def _check_observed(self, X, reset):
        """Refuse rows without any value, and tell which columns have none."""
        is_empty = np.isnan(X).all(axis=0)
        if is_empty.all():
            raise ValueError(
                f"{type(self).__name__} expects some observed cells in X, got NaN in all of them. "
                "Leave such rows out."
            )
        if reset and is_empty.any():
            names = getattr(self, "feature_names_in_", np.arange(len(is_empty)))
            warn(
                f"{type(self).__name__}: X has only NaN in {named(names[is_empty].tolist())}, of "
                "which nothing can be learned: impute fills them with meaningless values. Leave "
                "such columns out.",
            )

    def _check_range(self, X):
        values = X.data if issparse(X) else X
        with np.errstate(invalid="ignore"):
            within = np.size(values) == 0 or (np.nanmin(values) >= 0 and np.nanmax(values) <= 1)
        if not within:
            raise ValueError(
                f"{type(self).__name__} with the log loss expects X in [0, 1], got values from "
                f"{np.nanmin(values):g} to {np.nanmax(values):g}. Scale X by "
                "sklearn.preprocessing.MinMaxScaler, or choose another loss."
            )

    def _make_loss(self):
        loss = super()._make_loss()
        return ObservedLoss(loss) if self.handle_missing == "ignore" else loss

    def _initial_bias(self, y, sample_weight):
        if not issparse(y):
            return super()._initial_bias(y, sample_weight)
        # The columns' losses add up, so a few columns at a time may be made dense.
        columns = y.tocsc()
        starts = range(0, y.shape[1], 64)
        dense = (columns[:, start : start + 64].toarray() for start in starts)
        return np.concatenate([self._loss.initial_bias(block, sample_weight) for block in dense])

    def _hidden_layers(self):
        encoder = Encoder([*self._encoder_layers(), *self._code_layers()])
        decoder = Decoder(self._decoder_layers())
        return [*self._input_layers(), ("encoder", encoder), ("decoder", decoder)]

    def _input_layers(self):
        """Return what stands before the encoder."""
        layers = []
        if self.handle_missing == "ignore":
            layers.append(("missing", ZeroMissing()))
        if self.noise > 0:
            kind = GaussianNoise if self.noise_type == "gaussian" else MaskingNoise
            layers.append(("noise", kind(self.noise)))
        return layers

    def _encoder_layers(self):
        if self.encoder is None:
            return [*self._flattening(), *self._plain_layers()]
        layers = self._written_layers("encoder")
        return flattened(layers) if layers else self._flattening()

    def _code_layers(self):
        """Return the layer whose output is the code, and what penalises it."""
        if self.variational:
            return [("code", GaussianCode(self.n_components, beta=self.beta))]
        by_mean = self.sparsity > 0 and self.sparsity_type == "kl"
        activation = "logistic" if by_mean else None
        code = Dense(self.n_components, activation)
        if self.contraction > 0:
            activation = activation or clone(self.activation, safe=False)
            code = ContractiveDense(self.n_components, activation, penalty=self.contraction)
        if self.sparsity == 0:
            return [("code", code)]
        penalty = {"kl" if by_mean else "l1": self.sparsity, "target": self.sparsity_target}
        return [("code", code), ("penalty", ActivityPenalty(**penalty))]

    def _decoder_layers(self):
        if self.decoder is None:
            layers = self._plain_layers(-1)
            return transposed(layers) if self.tied_weights else layers
        return flattened(self._written_layers("decoder"))

    def _plain_layers(self, direction=1):
        sizes = hidden_sizes(self.hidden_layer_sizes)[::direction]
        return plain_layers(sizes, self.activation, self.normalization, self.dropout)

    def _written_layers(self, name):
        layers = copied(list(getattr(self, name)), name)
        return named_layers(layers, self.activation, name)

    def _output_layer(self, hidden, width):
        one_a_feature = width == self._target.n_outputs
        written = self.decoder is not None
        if written and one_a_feature and ends_in_reconstruction(hidden, self._input_shape):
            return Flatten()
        if not self.tied_weights:
            return super()._output_layer(hidden, width)
        if not one_a_feature:
            raise ValueError(
                f"tied_weights=True gives one output a feature, and {type(self._loss).__name__} "
                f"needs {width} for {self._target.n_outputs} features; choose another loss."
            )
        return TransposedDense()

    def _joined(self, layers):
        return TiedSequential(layers) if self.tied_weights else super()._joined(layers)

    def _takes_sparse(self):
        if self._takes_nan() or _is_positive(self.noise) or is_true(self.variational):
            return False
        return super()._takes_sparse()

    def _takes_nan(self):  # before fit it may be anything
        return isinstance(self.handle_missing, str) and self.handle_missing == "ignore"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._takes_nan()
        tags.transformer_tags.preserves_dtype = (
            ["float64", "float32"] if self.dtype is None else []
        )
        return tags


def _is_positive(value):
    return isinstance(value, Real) and value > 0  # before fit it may be anything
