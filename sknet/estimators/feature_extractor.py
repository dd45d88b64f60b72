"""The outputs of a layer of a network as features."""

from math import prod
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, _fit_context, clone
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from ..settings import isolated


class FeatureExtractor(TransformerMixin, MetaEstimatorMixin, BaseEstimator):
    """Transform rows to the outputs of a layer of a network.

    What a hidden layer has learned is often a better description of a row than its columns, for
    another estimator, a nearest-neighbour search or a plot.

    Parameters
    ----------
    estimator : estimator
        Classifier, regressor, autoencoder of sknet, or a pipeline that ends with one, whose other
        steps are applied first. It is cloned and fitted by `fit`; one that is fitted already and is
        to stay so is put into a `sklearn.frozen.FrozenEstimator`.
    layer : int or str, default=-2
        Position of the layer, where negative ones count from the end, or its name, as
        ``estimator.network_[...]`` takes it; ``"block__attention"`` is inside ``"block"``. The
        default is the last one before the output layer; the encoder of an autoencoder. The plain
        layers of `hidden_layer_sizes` are called ``"hidden_0"``, ``"hidden_1"`` and so on.

    Attributes
    ----------
    estimator_ : estimator
        The fitted estimator.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X, if they are all strings.

    See Also
    --------
    sknet.layers.Pretrained : Layers of a fitted network inside another one.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknet import FeatureExtractor, NeuralClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> network = NeuralClassifier((16, 3), max_iter=5, tol=0, random_state=0)
    >>> extractor = FeatureExtractor(network, "hidden_1").fit(X, y)
    >>> extractor.transform(X).shape
    (150, 3)
    >>> extractor.get_feature_names_out()
    array(['hidden_1_0', 'hidden_1_1', 'hidden_1_2'], dtype=object)
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit"])],
        "layer": [Integral, str],
    }

    def __init__(self, estimator, layer=-2):
        self.estimator = estimator
        self.layer = layer

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **fit_params):
        """Fit the estimator, unless it is frozen, and find the layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows, as the estimator takes them.
        y : array-like, default=None
            Targets.
        **fit_params : dict
            Passed to ``estimator.fit``.

        Returns
        -------
        self : FeatureExtractor
            The fitted transformer.
        """
        estimator = clone(self.estimator)
        estimator.fit(X, y, **fit_params)
        self.estimator_ = estimator
        return self

    @isolated
    def transform(self, X):
        """Return the outputs of the layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, as the estimator takes them.

        Returns
        -------
        features : ndarray of shape (n_samples, n_features_out)
            Outputs; those of several axes are flattened, the last axis runs fastest.
        """
        check_is_fitted(self)
        out = self.estimator_.network_.activations(X, self.layer)
        return out.reshape(len(out), -1)

    @property
    def n_features_in_(self):
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self):
        return self.estimator_.feature_names_in_

    def get_feature_names_out(self, input_features=None):
        check_is_fitted(self)
        part = self.estimator_.network_[self.layer]
        return np.array([f"f{i}" for i in range(prod(part.output_shape_))], dtype=object)
