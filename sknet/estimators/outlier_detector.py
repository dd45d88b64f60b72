"""The detector of outliers."""

from contextlib import contextmanager
from numbers import Real

import numpy as np
from sklearn.base import OutlierMixin
from sklearn.utils._param_validation import Interval, StrOptions

from ..losses.base import weighted_quantile
from .autoencoder import AutoencoderTransformer
from .documentation import documented
from .rollback import restored_on_error

#: Fences lie this many times the distance of the quartiles beyond them.
_FENCE = 1.5


@documented
class NeuralOutlierDetector(OutlierMixin, AutoencoderTransformer):
    """Outlier detector: an autoencoder that finds the rows it cannot reproduce.

    The network is that of `AutoencoderTransformer`, with all its options: noise on the inputs
    makes it a denoising autoencoder, ``variational=True`` a variational one. A row's score is
    minus the loss of its reconstruction, or a bound of its log-likelihood; rows whose score is
    below `offset_` are outliers. The interface is that of scikit-learn's `IsolationForest`.

    Parameters
    ----------
    n_components : int, default=2
        Size of the code, at least 1.
    {architecture}
    contamination : "auto" or float, default="auto"
        Share of outliers in the training set, in (0, 0.5]: that many training rows are below the
        threshold. "auto" assumes no share: the threshold is Tukey's lower fence of the training
        scores, 1.5 times the distance of their quartiles below the first. It cuts off 0.35 % of
        normally distributed scores; those of reconstructions are skewed, and it is often 2 to
        7 %. With `sample_weight`, shares are those of the weight.
    {coders}
    {training}
    {codes}
    {solver}
    {end}

    Attributes
    ----------
    offset_ : float
        Threshold of the scores: ``decision_function(X) = score_samples(X) - offset_``. After
        `partial_fit` it is that of the rows of the last call.
    {attributes}

    See Also
    --------
    AutoencoderTransformer : The same network as a transformer.
    sklearn.ensemble.IsolationForest : Outliers by random trees.

    References
    ----------
    Tukey (1977), Exploratory data analysis, Addison-Wesley.
    Hawkins et al. (2002), Outlier detection using replicator neural networks, DaWaK,
    :doi:`10.1007/3-540-46145-0_17`.
    An and Cho (2015), Variational autoencoder based anomaly detection using reconstruction
    probability, SNU Data Mining Center.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet import NeuralOutlierDetector
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 1)) * [1, 1, -1] + rng.normal(0, 0.1, size=(300, 3))
    >>> detector = NeuralOutlierDetector(1, (), learning_rate_init=0.01, random_state=0).fit(X)
    >>> detector.predict([[1, 1, -1], [1, 1, 1]])
    array([ 1, -1])
    """

    _parameter_constraints = {
        **AutoencoderTransformer._parameter_constraints,
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
    }

    def __init__(
        self,
        n_components=2,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        contamination="auto",
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

    def _fit(self, X, y, sample_weight, *validation):
        with self._threshold_of(X, sample_weight):
            return super()._fit(X, y, sample_weight, *validation)

    def _partial_fit(self, X, y, sample_weight):
        with self._threshold_of(X, sample_weight):
            return super()._partial_fit(X, y, sample_weight)

    @contextmanager
    def _threshold_of(self, X, sample_weight):
        """Set the threshold after a training, also after a resumed one that fails midway."""
        trainer = vars(self).get("_trainer")
        with restored_on_error(self):
            try:
                yield
            finally:
                if vars(self).get("_trainer") is not trainer:  # else all is as it was
                    self._set_offset(X, sample_weight)

    def _set_offset(self, X, sample_weight):
        scores = self.score_samples(X)
        weight = np.ones(len(scores)) if sample_weight is None else np.asarray(sample_weight)
        self.offset_ = _threshold(scores, weight, self.contamination)

    def decision_function(self, X):
        """Return how far the scores of some rows are above the threshold.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            ``score_samples(X) - offset_``, negative for outliers.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Tell outliers from other rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, or samples of shape `input_shape`.

        Returns
        -------
        is_inlier : ndarray of shape (n_samples,)
            -1 for outliers and 1 for all others.
        """
        # A score that overflows to NaN is an outlier's.
        return np.where(self.decision_function(X) >= 0, 1, -1)


def _threshold(scores, weight, contamination):
    """Return the score below which rows are outliers."""
    scores, weight = scores[weight > 0], weight[weight > 0]

    def quantile(share):
        return float(weighted_quantile(scores[:, None], weight, share)[0])

    if isinstance(contamination, str):
        low, high = quantile(0.25), quantile(0.75)
        return low - _FENCE * (high - low)
    last = quantile(contamination)
    others = scores[scores > last]
    # Between two scores, as they differ in the last bits with the rows around them.
    return (last + float(others.min())) / 2 if len(others) else last
