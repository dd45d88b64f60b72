"""The autoencoder."""

from math import prod
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.metaestimators import available_if

from ..base import same
from ..cells import located, named
from ..constraints import is_true
from ..inputs import Sequences
from ..losses import REGRESSION_LOSSES, LogLoss, Loss, LossName, SquaredError, Target, get_loss
from ..losses.observed import ObservedLoss
from ..losses.sequence import SequenceLoss
from ..optimizers import get_optimizer
from ..settings import isolated
from ..warning import warn
from .architecture import hidden_sizes
from .base import BaseNeuralEstimator, trains_by_steps
from .coders import Coders
from .documentation import documented
from .reconstruction import Reconstruction

_LOSSES = {
    "squared_error": REGRESSION_LOSSES["squared_error"],
    "absolute_error": REGRESSION_LOSSES["absolute_error"],
    "huber": REGRESSION_LOSSES["huber"],
    "log_loss": LogLoss,
}
#: Parameters that must have these values for sequences of any length.
_OF_ONE_SHAPE = {
    "variational": False,
    "tied_weights": False,
    "handle_missing": "error",
    "sparsity": 0.0,
    "contraction": 0.0,
}


@documented
class AutoencoderTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, Reconstruction, Coders, BaseNeuralEstimator
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
    {coders}
    {training}
    {codes}
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
        clip_value=None,
        accumulation_steps=1,
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
        """Train for one pass over some rows, resuming where the last call ended.

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
            self._check_options_of_sequences()
        if self._has_columns(X):
            checked = self._check_table(X, reset=reset)
            self._check_missing(X, checked, self.handle_missing == "ignore")
        else:
            checked = self._check_any_length(X, reset)
        checked = self._as_steps(checked)
        return checked, checked

    def _check_X(self, X):
        checked = super()._check_X(X)
        if self._has_any_length():
            return self._as_steps(checked)
        self._check_missing(X, checked, self._ignores_missing())
        return checked

    def _has_any_length(self):
        return None in self._input_shape

    def _as_steps(self, X):
        """View rows that hold sequences of any length as such."""
        if isinstance(X, Sequences) or not self._has_any_length():
            return X
        step = self._input_shape[1:]
        n_steps = X.shape[1] // prod(step)
        lengths = np.full(len(X), n_steps)
        return Sequences(X.reshape(-1, *step), np.arange(len(X)) * n_steps, lengths)

    def _check_options_of_sequences(self):
        shape = self._input_shape
        if len(shape) < 2:
            raise ValueError(
                f"{type(self).__name__} expects sequences of vectors, got codes of tokens, whose "
                "numbers it would reproduce. Pass input_shape=(None, 1) if they are numbers."
            )
        for name, value in _OF_ONE_SHAPE.items():
            if not same(getattr(self, name), value):
                raise ValueError(
                    f"{name}={getattr(self, name)!r} is for samples of one shape, got "
                    f"input_shape={shape}; set {name}={value!r}, or cut or pad the sequences to "
                    "one length."
                )

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
        width = prod(self._input_shape[1:]) if self._has_any_length() else data.X.shape[1]
        self._target = Target(kind, width)
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
        values = X.data if issparse(X) else X.joined() if isinstance(X, Sequences) else X
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
        if self._has_any_length():
            return SequenceLoss(loss)
        return ObservedLoss(loss) if self.handle_missing == "ignore" else loss

    def _initial_bias(self, y, sample_weight):
        if not issparse(y):
            return super()._initial_bias(y, sample_weight)
        # The columns' losses add up, so a few columns at a time may be made dense.
        columns = y.tocsc()
        starts = range(0, y.shape[1], 64)
        dense = (columns[:, start : start + 64].toarray() for start in starts)
        return np.concatenate([self._loss.initial_bias(block, sample_weight) for block in dense])

    def _check_network(self):
        if not self._has_any_length():
            super()._check_network()
        else:
            self._check_noise(get_optimizer(self.solver))

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
