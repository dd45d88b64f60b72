"""The autoencoder."""

from numbers import Integral

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_array, validate_data

from ..layers import Dense, Sequential
from ..losses import REGRESSION_LOSSES, Loss, Target
from .architecture import hidden_sizes, plain_layers
from .base import BaseNeuralEstimator, trains_by_steps
from .documentation import documented

_LOSSES = {name: REGRESSION_LOSSES[name] for name in ("squared_error", "absolute_error", "huber")}


@documented
class AutoencoderTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseNeuralEstimator
):
    """Autoencoder: a network that learns to reproduce X through a narrow code.

    The encoder has the given hidden layers and ends with a linear layer of `n_components`; the
    decoder has the same widths in reverse and ends with a linear layer of n_features. `transform`
    gives the code, `inverse_transform` decodes it.

    Parameters
    ----------
    n_components : int, default=2
        Size of the code, at least 1.
    {architecture}
    {training}
    loss : {"squared_error", "absolute_error", "huber"} or sknet.losses.Loss, \
default="squared_error"
        Loss of the reconstruction.
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
    _list_parameters = ()
    _parameter_constraints = {
        **{k: v for k, v in BaseNeuralEstimator._parameter_constraints.items() if k != "layers"},
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions(set(_LOSSES)), Loss],
        "scoring": [StrOptions({"loss"}), callable],
    }
    #: The encoder and decoder are written by their widths.
    layers = None

    def __init__(
        self,
        n_components=2,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        input_shape=None,
        dropout=0.0,
        normalization=None,
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

    def _check_X_y(self, X, y, reset):
        if reset:
            self._input_shape = self._sample_shape(X)
        if None in (self._input_shape or ()):
            raise ValueError(
                f"{type(self).__name__} needs samples of one shape, got input_shape="
                f"{self._input_shape}."
            )
        X = validate_data(self, self._as_rows(X), reset=reset, **self._X_checks(reset))
        self._check_columns(X)
        return X, X

    def _encode_target(self, data, reset):
        if reset:
            self._target = Target("continuous", data.X.shape[1])

    def _initial_bias(self, y, sample_weight):
        if not issparse(y):
            return super()._initial_bias(y, sample_weight)
        # The columns' losses add up, so a few columns at a time may be made dense.
        columns = y.tocsc()
        starts = range(0, y.shape[1], 64)
        dense = (columns[:, start : start + 64].toarray() for start in starts)
        return np.concatenate([self._loss.initial_bias(block, sample_weight) for block in dense])

    def _hidden_layers(self):
        sizes = hidden_sizes(self.hidden_layer_sizes)
        options = (self.activation, self.normalization, self.dropout)
        code = ("code", Dense(self.n_components))
        encoder = [*self._flattening(), *plain_layers(sizes, *options), code]
        decoder = plain_layers(sizes[::-1], *options)
        return [("encoder", Sequential(encoder)), ("decoder", Sequential(decoder))]

    @property
    def _code_size(self):
        self._require_fit()
        return dict(self.network_.layer.sublayers())["encoder"].output_shape_[-1]

    @property
    def _n_features_out(self):
        return self._code_size

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
        return self.network_.predict(self._check_X(X), "encoder")

    def inverse_transform(self, X):
        """Decode some codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            The rows that the codes stand for.
        """
        self._require_fit()
        code = check_array(X, dtype=self.network_.dtype, order="C", input_name="X")
        width = self._code_size
        if code.shape[1] != width:
            raise ValueError(
                f"{type(self).__name__}.inverse_transform expects codes of {width} components, "
                f"got X of shape {code.shape}."
            )
        raw = self.network_.predict(self.network_.predict(code, "decoder"), "output")
        return self._loss.inverse_link(raw)

    def reconstruct(self, X):
        """Encode some rows and decode the codes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.

        Returns
        -------
        X_reconstructed : ndarray of shape (n_samples, n_features)
            What the network makes of the rows.
        """
        raw = self._raw_predictions(X)
        return self._loss.inverse_link(raw)

    def score(self, X, y=None, sample_weight=None):
        """Return the negative mean squared error of the reconstruction.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            Minus the mean over rows and features; 0 is perfect.
        """
        self._require_fit()
        X = self._check_X(X)
        weight = self._check_weight(sample_weight, X, "sample_weight")
        error = self._loss.inverse_link(self.network_.predict(X))
        error -= X.toarray() if issparse(X) else X
        rows = np.mean(np.square(error, out=error), axis=1, dtype=np.float64)
        return -float(np.average(rows, weights=weight))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = (
            ["float64", "float32"] if self.dtype is None else []
        )
        return tags
