"""Layers that start from an encoder that has been trained before."""

from sklearn.base import clone

from ...initializers import Initializer
from ..composite import Sequential
from ..dense import Dense
from .activity import ActivityPenalty
from .contractive import ContractiveDense
from .variational import GaussianCode


class Pretrained(Sequential):
    """The encoder of a fitted autoencoder, with its weights, as a layer of another network.

    An autoencoder learns from rows without labels; a classifier that starts from its encoder
    needs fewer rows with them. The layers are copies: the autoencoder stays as it is. What it had
    for its own training alone is left out: noise on the inputs, penalties on the code, and the
    draws of a variational one, whose code becomes its mean. Input shape that of the autoencoder,
    output shape (n_components,).

    Parameters
    ----------
    estimator : AutoencoderTransformer
        A fitted one, possibly in a `sklearn.frozen.FrozenEstimator`. It stays fitted when the
        layer, or an estimator that holds it, is cloned; its own parameters are not reached
        through the layer.
    trainable : bool, default=True
        Whether training changes the weights further.

    References
    ----------
    Erhan et al. (2010), Why does unsupervised pre-training help deep learning?, JMLR 11.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknet import AutoencoderTransformer, NeuralClassifier
    >>> from sknet.layers import Dense, Pretrained
    >>> X, y = load_iris(return_X_y=True)
    >>> autoencoder = AutoencoderTransformer(2, (8,), max_iter=5, tol=0, random_state=0).fit(X)
    >>> layers = [Pretrained(autoencoder), Dense(16, activation="relu")]
    >>> classifier = NeuralClassifier(layers=layers, max_iter=5, tol=0, random_state=0)
    >>> classifier.fit(X[::10], y[::10]).predict(X).shape
    (150,)
    """

    _list_parameters = ()
    _parameter_constraints = {"estimator": "no_validation", "trainable": ["boolean"]}

    def __init__(self, estimator, *, trainable=True):
        self.estimator = estimator
        self.trainable = trainable

    def get_params(self, deep=True):
        """Get the parameters; those of the fitted estimator are not among them.

        Parameters
        ----------
        deep : bool, default=True
            Makes no difference.

        Returns
        -------
        params : dict
            Parameter names mapped to their values.
        """
        return super().get_params(deep=False)

    def set_params(self, **params):
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
            raise ValueError(
                f"Invalid parameter {inner[0]!r} of Pretrained: its estimator is fitted and keeps "
                "its parameters. Valid are 'estimator' and 'trainable'."
            )
        return super().set_params(**params)

    def __sklearn_clone__(self):
        # A clone of the estimator would not be fitted.
        return type(self)(**self.get_params())

    def adapt(self, x):
        """Do nothing: the encoder has adapted to its own training rows."""

    def resolve_names(self, names):
        """Do nothing: the encoder has resolved the names of its own training rows."""

    @property
    def layers(self):
        """Copies of the encoder's layers that are not built, as (name, layer) pairs."""
        return [(name, _copied(layer)) for name, layer in self._sources()]

    def _sources(self):
        """Return the encoder's built layers but those that only its own training needed."""
        network = getattr(self.estimator, "network_", None)
        parts = {} if network is None else dict(network.layer.sublayers())
        if "encoder" not in parts:
            return []
        return [
            (name, layer)
            for name, layer in parts["encoder"].sublayers()
            if not isinstance(layer, ActivityPenalty)
        ]

    def build(self, input_shape):
        """Copy the layers of the encoder, which start with its weights."""
        sources = self._sources()
        if not sources:
            got, advice = repr(self.estimator), "Fit it before."
            if hasattr(self.estimator, "network_"):
                got, advice = f"a {type(self.estimator).__name__}", "Only its encoder is reused."
            self._refuse("a fitted AutoencoderTransformer", got, advice)
        expected = sources[0][1].input_shape_
        if input_shape != expected:
            self._refuse(
                f"inputs of shape {expected}, as the estimator in it was fitted to",
                input_shape,
                f"Put it first, with input_shape={expected}.",
            )
        output_shape = self._build_children(input_shape, getattr(self, "_path", ""))
        for (_, copy), (_, source) in zip(self._children, sources, strict=True):
            for part, fitted in zip(copy.walk(), source.walk(), strict=True):
                part._weights = [
                    weight._replace(initializer=_Stored(getattr(fitted, weight.name + "_")))
                    for weight in part._weights
                ]
        return output_shape


class _Stored(Initializer):
    """Initializer that starts from the values of a fitted weight, in any precision."""

    def __init__(self, values):
        self.values = values

    def _values(self, rng, shape, fan_in, fan_out):
        # The weights of the means come first in a Gaussian code.
        return self.values[..., : shape[-1]] if shape else self.values


def _copied(layer):
    """Return a layer of the same parameters, or what it is when it predicts."""
    if isinstance(layer, GaussianCode):
        return Dense(layer.units)
    if isinstance(layer, ContractiveDense):
        return Dense(layer.units, clone(layer.activation, safe=False), layer.use_bias)
    return clone(layer)
