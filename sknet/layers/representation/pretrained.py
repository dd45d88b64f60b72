"""Layers that start with the weights of a network that has been trained before."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils._param_validation import Interval

from ...base import brief, copied
from ...holders import innermost
from ...initializers import Initializer
from ...named_weights import checked_values, named_parts, weight_name
from ...storage import read_arrays
from ...typing import Array, EstimatorLike, Shape
from ..base import OF_TRAINING
from ..composite import Sequential, named_layers, takes_sparse
from ..dense import Dense
from ..items import LayerItem
from .activity import ActivityPenalty
from .contractive import ContractiveDense
from .variational import GaussianCode


class Pretrained(Sequential):
    """The layers of a fitted estimator, with their weights, as one layer of another network.

    What was learned from much data is used where there is little: the new estimator adds an
    output layer of its own, so classes, targets and loss may be others. The layers are copies:
    the fitted estimator stays as it is. What it had for its own training alone is left out: noise
    on the inputs of an autoencoder, penalties on outputs, and the draws of a variational code,
    which becomes its mean. Input shape that of the fitted estimator, output shape that of the last
    layer taken.

    Parameters
    ----------
    estimator : estimator, str or path-like
        A fitted classifier, regressor, autoencoder or language model of sknet, possibly in a
        `sklearn.frozen.FrozenEstimator`, a search, or as the last step of a pipeline. Of a
        pipeline only the network is taken: scale and encode the new X by the same fitted
        steps, as in ``make_pipeline(FrozenEstimator(fitted[:-1]), NeuralClassifier(...))``. It
        stays fitted when the layer, or an estimator that holds it, is cloned; its own parameters
        are not reached through the layer. Or a file that `save_weights` has written; then `layers`
        says which layers its arrays belong to.
    upto : int or str, default=None
        Last layer to take: its position, where negative ones count from the end, or its name, as
        ``estimator.network_[...]`` takes it; of an autoencoder, a layer of its encoder. None takes
        all but the output layer; of an autoencoder, the encoder.
    layers : list, default=None
        Only with a file: the layers with the names and parameters of those whose weights were
        saved. Weights in the file that belong to no layer of the list are left out.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights inside, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=False
        Whether training changes the weights further. Layers inside that are frozen themselves
        stay so.

    See Also
    --------
    sknet.FeatureExtractor : Outputs of a layer as a transformer.

    References
    ----------
    Erhan et al. (2010), Why does unsupervised pre-training help deep learning?, JMLR 11.
    Yosinski et al. (2014), How transferable are features in deep neural networks?,
    :arxiv:`1411.1792`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import Pretrained
    >>> X, y = load_digits(return_X_y=True)
    >>> first = NeuralClassifier((32, 16), max_iter=5, tol=0, random_state=0)
    >>> first = first.fit(X[y < 5], y[y < 5])
    >>> second = NeuralClassifier(layers=[("base", Pretrained(first))], max_iter=5, tol=0)
    >>> second.fit(X[y >= 5], y[y >= 5]).classes_
    array([5, 6, 7, 8, 9])
    """

    _list_parameters = ("layers",)
    _parameter_constraints = {
        "estimator": "no_validation",
        "upto": [Interval(Integral, None, None, closed="neither"), str, None],
        "layers": [list, tuple, None],
        **OF_TRAINING,
    }

    def __init__(
        self,
        estimator: EstimatorLike | str | PathLike[str],
        upto: int | str | None = None,
        *,
        layers: Sequence[LayerItem] | None = None,
        learning_rate_factor: float = 1.0,
        trainable: bool = False,
    ) -> None:
        self.estimator = estimator
        self.upto = upto
        self.layers = layers
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters; those of the fitted estimator are not among them.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of the items of `layers`.

        Returns
        -------
        params : dict
            Parameter names mapped to their values.
        """
        params = super().get_params(deep=deep)
        return {name: v for name, v in params.items() if not name.startswith("estimator__")}

    def set_params(self, **params: Any) -> Self:
        """Set parameters; those of the fitted estimator cannot be.

        Parameters
        ----------
        **params : dict
            Parameter names and their new values.

        Returns
        -------
        self : Pretrained
            The layer itself.

        Raises
        ------
        ValueError
            If a name is not a parameter.
        """
        inner = [name for name in params if name.startswith("estimator__")]
        if inner:
            valid = ", ".join(repr(name) for name in self._get_param_names())
            raise ValueError(
                f"Invalid parameter {inner[0]!r} of Pretrained: its estimator is fitted and keeps "
                f"its parameters. Valid are {valid}."
            )
        return super().set_params(**params)

    def __sklearn_clone__(self) -> Self:
        # A clone of the estimator would not be fitted.
        params = self.get_params(deep=False)
        kept = {"estimator": params.pop("estimator")} if "estimator" in params else {}
        return type(self)(**{k: copied(v, k) for k, v in params.items()}, **kept)

    def resolve_names(self, names: Array) -> Array | None:
        """Refuse columns in another order; the layers have resolved their own names.

        Parameters
        ----------
        names : ndarray of str
            Names of the input columns.
        """
        fitted = list(getattr(innermost(self.estimator), "feature_names_in_", names))
        if fitted != list(names) and sorted(fitted) == sorted(names):
            self._refuse(
                f"columns in the order of its estimator, {brief(fitted)}",
                brief(list(names)),
                "Reorder X.",
            )

    @property
    def accepts_sparse(self) -> bool:
        """Whether the first layer takes a sparse matrix."""
        return takes_sparse(self.layers if self._is_file else self._fitted_pairs())

    @property
    def _is_file(self):
        return isinstance(self.estimator, str | os.PathLike)

    def _owner(self):
        return getattr(self, "_path", "")

    def _items(self):
        source = self._source()
        return [] if source is None else source.copies()

    def _source(self):
        """Return where layers and weights come from; None if that is no fitted estimator."""
        if self._is_file:
            pairs = named_layers(copied(list(self.layers or []), "layers"))
            return _Source(self._cut(pairs), _File(self.estimator), "")
        pairs = self._fitted_pairs()
        if pairs is None:
            return None
        estimator = innermost(self.estimator)
        if self.upto is None and not estimator._body:
            pairs = pairs[:-1]
        pairs = self._cut(pairs, f"{estimator._body}__")
        return _Source(pairs, estimator.network_, estimator._body)

    def _fitted_pairs(self):
        """Return the layers of the fitted estimator that can be taken; None if it is none."""
        estimator = innermost(self.estimator)
        network, body = getattr(estimator, "network_", None), getattr(estimator, "_body", None)
        if network is None or body is None:
            return None
        pairs = network.layer.sublayers()
        return dict(pairs)[body].sublayers() if body else pairs

    def _cut(self, pairs, prefix=""):
        """Return the layers as far as `upto`."""
        if self.upto is None or not pairs:
            return pairs
        names = [name for name, _ in pairs]
        if isinstance(self.upto, str):
            name = self.upto.removeprefix(prefix)
            found = names.index(name) if name in names else len(names)
        else:
            found = self.upto + len(names) if self.upto < 0 else self.upto
        if not 0 <= found < len(names):
            self._refuse(
                f"upto to be one of {', '.join(map(repr, names))} or a position among these",
                repr(self.upto),
                "Nested layers are taken as a whole.",
            )
        return pairs[: found + 1]

    def build(self, input_shape: Shape) -> Shape:
        """Copy the layers, which start with the weights of the estimator or of the file."""
        if self._is_file == (self.layers is None):
            self._refuse(
                "layers with the path of a file, and without them a fitted estimator",
                f"layers={brief(self.layers)} and estimator={brief(self.estimator)}",
                "A file holds the weights alone." if self._is_file else "Leave layers=None.",
            )
        source = self._source()
        if source is None:
            self._refuse_estimator()
        if not source.pairs:
            self._refuse(
                "a network with a layer before its output layer",
                "none",
                "There is nothing to take.",
            )
        try:
            output_shape = super().build(input_shape)
        except ValueError:
            self._check_shape(input_shape, source)
            raise
        for path, part in named_parts(self):
            part._weights = [
                weight._replace(initializer=_Stored(self, source, weight_name(path, weight.name)))
                for weight in part._weights
            ]
        return output_shape

    def _check_shape(self, input_shape, source):
        expected = getattr(source.weights, "input_shape", input_shape)
        if input_shape != expected:
            self._refuse(
                f"inputs of shape {expected}, as the estimator in it was fitted to",
                input_shape,
                f"Put it first, with input_shape={expected}.",
            )

    def _refuse_estimator(self):
        estimator = innermost(self.estimator)
        advice = "Fit it before."
        if hasattr(estimator, "estimators_") or not hasattr(estimator, "_body"):
            advice = (
                "Ensembles for tables and estimators of other packages have no network to take."
            )
        self._refuse("a fitted estimator of sknet", brief(estimator), advice)


@dataclass
class _Source:
    """Layers to copy, and where their weights are."""

    pairs: list
    weights: object
    body: str

    def copies(self) -> Any:
        """Return layers of the same parameters that are not built, as (name, layer) pairs."""
        kept = ((n, layer) for n, layer in self.pairs if not isinstance(layer, ActivityPenalty))
        return [(name, _copied(layer)) for name, layer in kept]

    def array(self, name: str) -> Any:
        """Return the stored array of a weight, None if there is none."""
        found = self.arrays.get(f"{self.body}__{name}" if self.body else name)
        layer = dict(self.pairs).get(name.partition(".")[0])
        # The weights of the means come first in a Gaussian code.
        is_code = found is not None and isinstance(layer, GaussianCode)
        return found[..., : layer.units] if is_code else found

    @cached_property
    def arrays(self) -> Any:
        return dict(self.weights.named_weights())


class _File:
    """A file of weights, read when they are wanted: a network that is unpickled has its own."""

    def __init__(self, path: Any) -> None:
        self.path = Path(path)

    def named_weights(self) -> Any:
        return read_arrays(self.path).items()


class _Stored(Initializer):
    """Initializer that starts from the values of a fitted weight, in any precision."""

    def __init__(self, layer: Any, source: Any, name: str) -> None:
        self.layer, self.source, self.name = layer, source, name

    def __call__(
        self,
        rng: np.random.Generator,
        shape: tuple[int, ...],
        fan_in: Any,
        fan_out: Any,
        out: Array | None,
    ) -> Any:
        found = self.source.array(self.name)
        label = f"Layer {self.layer._label()}"
        if found is None:
            known = ", ".join(map(repr, self.source.arrays))
            raise ValueError(
                f"{label} expects {self.name!r} in {self.source.weights.path.name}, which has "
                f"{brief(known)}. Give layers the names that they had when they were saved."
            )
        if found.shape != shape:
            self.layer._check_shape(self.layer.input_shape_, self.source)
        out[...] = checked_values(found, self.name, out, label)

    def _values(self, rng, shape, fan_in, fan_out):
        return self.source.array(self.name)


def _copied(layer):
    """Return a layer of the same parameters, or what it is when it predicts."""
    if isinstance(layer, GaussianCode):
        return Dense(layer.units)
    if isinstance(layer, ContractiveDense):
        return Dense(layer.units, clone(layer.activation, safe=False), layer.use_bias)
    return clone(layer)
