"""The outputs of a layer of a network as features."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from ..compatibility import fit_context
from ..holders import held, innermost
from ..pages import Documented
from ..settings import isolated
from ..typing import Array, EstimatorLike, Samples
from .overflow import warn_of_overflow


class FeatureExtractor(TransformerMixin, MetaEstimatorMixin, Documented, BaseEstimator):
    """Transform samples to the outputs of a layer of a network.

    What a hidden layer has learned often describes a sample better than its columns do: for
    another estimator, a search for neighbours, or a plot.

    Parameters
    ----------
    estimator : estimator
        Classifier, regressor or autoencoder of sknet, or a pipeline that ends with one, whose
        other steps are applied first. `fit` fits a clone of it. To keep one that is fitted
        already as it is, put it into a `sklearn.frozen.FrozenEstimator`.
    layer : int or str, default=None
        Position of the layer, where negative ones count from the end, or its name, as
        ``estimator.network_[...]`` takes it: ``"hidden_0"`` is the first of the plain layers of
        `hidden_layer_sizes`, ``"block__attention"`` is inside ``"block"``, ``"output"`` or -1 is
        the output layer. None is the last layer before the output layer; of an autoencoder, the
        encoder.

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
        "layer": [Interval(Integral, None, None, closed="neither"), str, None],
    }

    def __init__(self, estimator: EstimatorLike, layer: int | str | None = None) -> None:
        self.estimator = estimator
        self.layer = layer

    @isolated
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Samples, y: Any = None, **fit_params: Any) -> Self:
        """Fit the estimator, unless it is frozen.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples, as the estimator takes them.
        y : array-like, default=None
            Targets.
        **fit_params : dict
            Passed to the ``fit`` of the estimator.

        Returns
        -------
        self : FeatureExtractor
            The fitted transformer.

        Raises
        ------
        ValueError
            If the estimator has no such layer, or its outputs differ in length.
        """
        if _routing_enabled():
            fit_params = process_routing(self, "fit", **fit_params).estimator.fit
        estimator = clone(self.estimator).fit(X, y, **fit_params)
        self._layer_of(estimator)
        self.estimator_: Any = estimator
        return self

    @isolated
    def transform(self, X: Samples) -> Array:
        """Return the outputs of the layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, as the estimator takes them.

        Returns
        -------
        features : ndarray of shape (n_samples, n_features_out)
            Outputs. Those of several axes are flattened: the last axis runs fastest.
        """
        check_is_fitted(self)
        layer, _ = self._layer_of(self.estimator_)
        estimator = self.estimator_
        while (inner := held(estimator)) is not None:
            # Without its last step, a pipeline prepares X; one of a single step does nothing.
            if (
                not isinstance(estimator, FrozenEstimator)
                and len(getattr(estimator, "steps", [])) > 1
            ):
                X = estimator[:-1].transform(X)
            estimator = inner
        out = estimator.network_._watch(estimator._check_X(X), layer, lambda part, out: out)
        warn_of_overflow(estimator, out)
        return out.reshape(len(out), -1)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Return the names of the outputs of `transform`.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of X, which are only checked.

        Returns
        -------
        names : ndarray of str
            The name of the layer and the position of the output along each of its axes:
            ``"hidden_0_5"``; ``"conv_2_3_0"`` is channel 0 at row 2 and column 3. A layer without
            a name is called by its class and its position, ``"dense_1"``.
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features, generate_names=False)
        name, part = self._layer_of(self.estimator_)
        *outer, own = name.split("__")
        if own.isdecimal():
            own = f"{type(part).__name__.lower()}_{own}"
        start = "__".join([*outer, own])
        indices = np.ndindex(part.output_shape_)
        return np.array(["_".join([start, *map(str, index)]) for index in indices], dtype=object)

    def _layer_of(self, estimator):
        """Return the name of the layer in a fitted estimator, and the layer."""
        owner = type(self).__name__
        network = getattr(innermost(estimator), "network_", None)
        if network is None:
            raise ValueError(
                f"{owner} expects an estimator with one network, such as NeuralClassifier, got "
                f"{type(innermost(estimator)).__name__}."
            )
        known = network.layer.sublayers()
        layer = self.layer
        if layer is None:
            layer = innermost(estimator)._body or -2
            if len(known) < 2:
                raise ValueError(
                    f"{owner} expects a network with a layer before its output layer, got none. "
                    "Add hidden layers, or pass layer='output'."
                )
        part = network[layer]
        name = known[layer][0] if isinstance(layer, Integral) else layer
        if None in part.output_shape_:
            raise ValueError(
                f"{owner} expects as many outputs for each sample; layer {name!r} has outputs of "
                f"shape {part.output_shape_}, for sequences of any length. Choose a layer after "
                "one that joins the steps, or fix the length by input_shape."
            )
        return name, part

    @property
    def n_features_in_(self) -> int:
        """Number of columns of X."""
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> Array:
        """Names of the columns of X, if they are all strings."""
        return self.estimator_.feature_names_in_

    def get_metadata_routing(self) -> Any:
        """Return how metadata is passed on: to the ``fit`` of the estimator.

        Returns
        -------
        routing : MetadataRouter
            What scikit-learn's metadata routing asks for.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return MetadataRouter(owner=self).add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_tags__(self) -> Any:
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.input_tags, tags.target_tags = inner.input_tags, inner.target_tags
        seeds = (v for k, v in self.get_params().items() if k.endswith("random_state"))
        is_fixed = isinstance(self.estimator, FrozenEstimator)
        tags.non_deterministic = not is_fixed and any(seed is None for seed in seeds)
        follows = getattr(innermost(self.estimator), "dtype", "") is None
        tags.transformer_tags.preserves_dtype = ["float64", "float32"] if follows else []
        return tags
