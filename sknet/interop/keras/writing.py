"""Models of Keras that compute what estimators of sknet compute."""

from __future__ import annotations

import re
from inspect import signature
from numbers import Integral
from typing import Any

import numpy as np

from ... import activations, layers
from ...activations import ELU, GELU, LeakyReLU, get_activation
from ...base import brief
from ...estimators import NeuralClassifier, NeuralRegressor
from ...holders import innermost
from ...layers.affine import AffineLayer
from ...layers.sequential.embedding import sinusoids
from ...losses import Gaussian
from ...typing import Array
from ...warning import warn
from .options import keras_constraint, keras_regularizer, prefixed
from .parts import LEAST_NORM, heeds_masks
from .reading import import_keras
from .table import HEADS, LAYERS, MERGES

#: Functions after the last layer, by the names of Keras.
_LINKS = {"logistic": "sigmoid", "softmax": "softmax", "exp": "exponential"}
#: Activations that Keras has by name.
_NAMES = {
    activations.HardSigmoid: "hard_sigmoid",
    activations.HardSwish: "hard_silu",
    activations.Identity: "linear",
    activations.Logistic: "sigmoid",
    activations.Mish: "mish",
    activations.ReLU: "relu",
    activations.ReLU6: "relu6",
    activations.SELU: "selu",
    activations.SiLU: "silu",
    activations.Softmax: "softmax",
    activations.Softplus: "softplus",
    activations.Softsign: "softsign",
    activations.Tanh: "tanh",
}
#: Layers that change nothing in what a network predicts. Keras does not have them, or augments
#: images also where a model is called without training=False.
_IDENTITIES = (
    layers.ActivityPenalty,
    layers.MaskingNoise,
    layers.RandomBrightness,
    layers.RandomContrast,
    layers.RandomErasing,
    layers.RandomFlip,
    layers.RandomRotation,
    layers.RandomTranslation,
    layers.RandomZoom,
)
#: Parameters without a counterpart in Keras that matter in training alone.
_OF_TRAINING = {
    "bias_learning_rate_factor",
    "decay",
    "initial_slope",
    "learning_rate_factor",
    "parametrization",
    "penalty",
    "schedule",
    "trainable",
}
#: Parameters that are given to Keras in another form.
_TRANSLATED = {
    "activation",
    "attention_mask",
    "causal",
    "kernel_constraint",
    "kernel_regularizer",
    "window",
}
#: Parameters that Keras has in some layers; in the others they are in the weights or the formula.
_WRITTEN_OUT = {"epsilon", "scale"}
_NAMED = {cls: name for name, cls in LAYERS.items()}
_MERGED = {merge: name for name, merge in MERGES.items()}
#: Weights that have another name in Keras.
_RENAMED = {"alpha": "slope", "scale": "gamma"}


def to_keras(estimator: Any) -> Any:
    """Return a Keras model with the layers and the weights of a fitted estimator.

    Its outputs are those of `predict_proba` of a classifier, for two classes the probability of
    the second one alone, or of `predict` of a regressor, in columns. The model is not compiled.
    What only training needs is left out where Keras does not have it: penalties on activities,
    masking noise, augmentation, factors of learning rates; penalties and
    constraints of kernels with a warning.

    Parameters
    ----------
    estimator : NeuralClassifier or NeuralRegressor
        Fitted, possibly the last step of a pipeline, of which the network alone is taken.

    Returns
    -------
    model : keras.Model
        A functional model in the precision of the estimator, which takes samples in the shape of
        `input_shape`.

    Raises
    ------
    ImportError
        If Keras is not installed.
    TypeError
        If the estimator is of another kind.
    ValueError
        If it has a layer or a loss that Keras does not have.

    See Also
    --------
    from_keras : The way back.
    """
    keras = import_keras("to_keras")
    estimator = innermost(estimator)
    if not isinstance(estimator, NeuralClassifier | NeuralRegressor):
        raise TypeError(
            f"to_keras expects a NeuralClassifier or a NeuralRegressor, got {brief(estimator)}."
        )
    estimator._require_fit()
    loss = estimator._loss
    if estimator._target.kind in ("multioutput", "several") or isinstance(loss, Gaussian):
        raise ValueError(
            "to_keras writes models with one kind of output, not those of several outputs with "
            "classes each, of a loss by columns or of loss='gaussian'."
        )
    network = estimator.network_
    writer = _Writer(keras, network.dtype.name)
    inputs = keras.Input(network.input_shape, dtype=writer.dtype)
    x = writer.sequence(network.layer, inputs, "")
    if loss.link != "identity":
        x = keras.layers.Activation(_LINKS[loss.link], dtype=writer.dtype)(x)
    model = keras.Model(inputs, x)
    scale = getattr(estimator, "_target_scale", None)
    if scale is not None:
        _unscale(writer.last, scale)
    return model


def _unscale(layer, scale):
    """Let the output layer give predictions in the unit of the target."""
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel * scale.deviation, bias * scale.deviation + scale.mean])


class _Writer:
    """Calls layers of Keras one after the other, as the layers of a network run.

    Parameters
    ----------
    keras : module
        The package.
    dtype : str
        Precision of the layers.
    """

    def __init__(self, keras: Any, dtype: str) -> None:
        self.keras = keras
        self.dtype = dtype
        self.last = None

    def sequence(self, layer: Any, x: Array, path: Any) -> Any:
        """Return the output of the layers in a layer, which run one after the other."""
        for name, part in layer.sublayers():
            x = self.call(part, x, f"{path}_{name}" if path else name)
        return x

    def call(self, layer: Any, x: Array, path: Any) -> Any:
        """Return the output of a layer."""
        if isinstance(layer, _IDENTITIES):
            return x
        if not type(layer).__module__.startswith("sknet."):
            self._refuse(layer, "does not know what it computes")
        for cls in type(layer).__mro__:
            write = getattr(self, f"_write_{cls.__name__}", None)
            if write is not None:
                return write(layer, x, path)
            if cls in _NAMED:
                made = self._made(layer, path)
                return self._activated(layer, self._called(layer, made, x))
        self._refuse(layer, "does not have it")

    def _refuse(self, layer, why):
        raise ValueError(f"to_keras cannot write layer {layer._label()}: Keras {why}.")

    def _made(self, layer, path, **given):
        """Return the layer of Keras with the same parameters, not called."""
        name = next(_NAMED[cls] for cls in type(layer).__mro__ if cls in _NAMED)
        cls = getattr(self.keras.layers, name)
        known = set(signature(cls.__init__).parameters)
        params = {}
        for name, value in layer.get_params(deep=False).items():
            if name in known and name not in _TRANSLATED:
                params[name] = value
            elif name not in {*given, *_TRANSLATED, *_WRITTEN_OUT, *_OF_TRAINING}:
                self._check_default(layer, name, value)
        params = {k: v for k, v in params.items() if not k.endswith("_initializer")}
        paddings = ("reflect", "circular", *([] if cls.__name__ == "Conv1D" else ["causal"]))
        if params.get("padding") in paddings:
            self._refuse(layer, f"does not have padding={params['padding']!r}")
        if "activation" in known and hasattr(layer, "activation"):
            params["activation"] = self._name_of(get_activation(layer.activation)) or "linear"
        params |= self._of_kernel(layer, known)
        params["trainable"] = not layer.is_frozen
        return cls(**params | given, name=_named(path), dtype=self.dtype)

    def _check_default(self, layer, name, value):
        """Refuse a parameter that Keras does not have, if it changes what is computed."""
        if name == "num_key_value_heads" and value == layer.num_heads:
            return
        if not name.endswith("_initializer") and value != _default(layer, name):
            self._refuse(layer, f"does not have {name}={value!r}")

    def _of_kernel(self, layer, known):
        """Return the penalty and the constraint of a kernel as Keras has them."""
        names = "kernel_regularizer", "kernel_constraint"
        wanted = {name: getattr(layer, name, None) for name in names}
        found = {}
        if isinstance(layer, AffineLayer):
            found[names[0]] = keras_regularizer(self.keras, wanted[names[0]])
            if prefixed(layer, names[1]) == names[1]:  # its vectors are those of the units
                found[names[1]] = keras_constraint(self.keras, wanted[names[1]], layer)
        for name, value in wanted.items():
            if value is not None and found.get(name) is None:
                warn(
                    f"to_keras leaves out {name}={value!r} of layer {layer._label()}, which Keras "
                    "does not have there; it counts in training alone."
                )
        return {prefixed(layer, name): value for name, value in found.items() if value is not None}

    def _called(self, layer, made, x, **given):
        """Return the output of a layer of Keras, which gets its weights."""
        self._check_mask(layer, made, x)
        x = made(x, **given)
        made.set_weights([_array(layer, w.name, w.shape) for w in made.weights])
        self.last = made
        return x

    def _check_mask(self, layer, made, x):
        is_masked = getattr(x, "_keras_mask", None) is not None
        if is_masked and not heeds_masks(made):
            self._refuse(layer, "ignores there which steps are real")

    def _activated(self, layer, x):
        """Apply the activation of a layer if Keras has no name for it."""
        function = get_activation(getattr(layer, "activation", None))
        if self._name_of(function) is not None:
            return x
        if isinstance(layer, layers.SimpleRNN):
            self._refuse(layer, f"has no name for the activation {function!r}")
        return self._apply(function, layer, x)

    def _name_of(self, function):
        if isinstance(function, GELU) and not function.approximate:
            return "gelu"
        return _NAMES.get(type(function))

    def _apply(self, function, layer, x):
        keras = self.keras
        if isinstance(function, GELU):
            return keras.ops.gelu(x, approximate=True)
        if isinstance(function, LeakyReLU):
            return keras.layers.LeakyReLU(function.negative_slope, dtype=self.dtype)(x)
        if isinstance(function, ELU):
            return keras.layers.ELU(function.alpha, dtype=self.dtype)(x)
        self._refuse(layer, f"does not have the activation {function!r}")

    def _write_Activation(self, layer, x, path):
        name = self._name_of(get_activation(layer.activation))
        if name is None:
            return self._activated(layer, x)
        made = self.keras.layers.Activation(name, name=_named(path), dtype=self.dtype)
        return made(x)

    def _write_PReLU(self, layer, x, path):
        shared = list(range(1, len(x.shape) - 1))  # the samples are axis 0
        return self._called(layer, self._made(layer, path, shared_axes=shared or None), x)

    def _write_UnitNorm(self, layer, x, path):
        ops = self.keras.ops
        if layer.epsilon == LEAST_NORM**2:
            return self._made(layer, path)(x)
        axis = layer.axis if isinstance(layer.axis, Integral) else tuple(layer.axis)
        squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
        return ops.divide(x, ops.sqrt(ops.maximum(squares, float(layer.epsilon))))

    def _write_Resizing(self, layer, x, path):
        if layer.interpolation != "bilinear":
            self._refuse(layer, f"does not have interpolation={layer.interpolation!r}")
        return self._made(layer, path, width=layer.width or layer.height)(x)

    def _write_RandomCrop(self, layer, x, path):
        size = layer.height, layer.width or layer.height
        made = self.keras.layers.CenterCrop(*size, name=_named(path), dtype=self.dtype)
        return made(x)

    def _write_Embedding(self, layer, x, path):
        made = self._made(layer, path, input_dim=len(layer.embeddings_))
        return self._called(layer, made, x)

    def _write_Sequential(self, layer, x, path):
        return self.sequence(layer, x, path)

    def _write_SeparableConv1D(self, layer, x, path):
        return self._activated(layer, self._called(layer, self._made(layer, path), x))

    def _write_SeparableConv2D(self, layer, x, path):
        return self._activated(layer, self._called(layer, self._made(layer, path), x))

    def _write_SwiGLU(self, layer, x, path):
        self._refuse(layer, "does not have it")

    def _write_WeightNorm(self, layer, x, path):
        self._refuse(layer, "does not have it")

    def _write_CrossAttention(self, layer, x, path):
        self._refuse(layer, "has it with a second input alone")

    def _write_Branch(self, layer, x, path):
        self._refuse(layer, "does not have it")

    def _write_Residual(self, layer, x, path):
        made = self.keras.layers.Add(name=_named(f"{path}_add"), dtype=self.dtype)
        return made([x, self.sequence(layer, x, path)])

    def _write_TransformerBlock(self, layer, x, path):
        for branch, name in zip(layer._branches, ("attention", "feedforward"), strict=True):
            add = self.keras.layers.Add(name=_named(f"{path}_{name}_add"), dtype=self.dtype)
            x = add([x, self.sequence(branch, x, path)])
        return x

    def _write_Parallel(self, layer, x, path):
        if layer.merge not in _MERGED:
            self._refuse(layer, f"does not have merge={layer.merge!r}")
        branches = [self.call(part, x, f"{path}_{n}") for n, part in layer.sublayers()]
        merge = getattr(self.keras.layers, _MERGED[layer.merge])
        return merge(name=_named(path), dtype=self.dtype)(branches)

    def _write_TimeDistributed(self, layer, x, path):
        step = self.keras.Input(layer.input_shape_[1:], dtype=self.dtype)
        inner = self.keras.Model(step, self.sequence(layer, step, path))
        return self.keras.layers.TimeDistributed(inner, name=_named(path), dtype=self.dtype)(x)

    def _write_Bidirectional(self, layer, x, path):
        (_, forward), (_, backward) = layer.sublayers()
        made = self.keras.layers.Bidirectional(
            self._made(forward, f"{path}_forward"),
            merge_mode=layer.merge_mode,
            name=_named(path),
            dtype=self.dtype,
        )
        self._check_mask(layer, made, x)
        x = made(x)
        for part, half in ((forward, made.forward_layer), (backward, made.backward_layer)):
            half.set_weights([_array(part, w.name, w.shape) for w in half.weights])
        return x

    def _write_MultiHeadAttention(self, layer, x, path):
        key_dim, _, value_dim = layer._dims
        made = self._made(layer, path, key_dim=key_dim, value_dim=value_dim)
        mask = self._attention_mask(layer, x)
        out = made(x, x, use_causal_mask=bool(layer.causal), attention_mask=mask)
        n_joined = layer.num_heads * key_dim
        arrays = {"attention_output/kernel": layer.output_kernel_}
        splits = [n_joined, 2 * n_joined]
        arrays |= _by_head("kernel", np.split(layer.kernel_, splits, axis=1))
        if layer.use_bias:
            arrays["attention_output/bias"] = layer.output_bias_
            arrays |= _by_head("bias", np.split(layer.bias_, splits))
        for weight in made.weights:
            array = arrays["/".join(weight.path.split("/")[-2:])]
            weight.assign(array.reshape(weight.shape))
        return out

    def _attention_mask(self, layer, x):
        """Return which steps look at which, (1, steps, steps), or None for all."""
        visibility, n_steps = layer._visibility, x.shape[1]
        if visibility is None:
            return None
        if n_steps is None:
            self._refuse(layer, "needs the number of steps there. Set it in input_shape")
        if getattr(x, "_keras_mask", None) is not None:
            self._refuse(layer, "counts padded steps in an attention_mask")
        steps = np.arange(n_steps)
        sees = visibility.sees(steps[:, None], steps)
        if not (np.tril(sees) if layer.causal else sees).any(axis=1).all():
            self._refuse(layer, "does not let a step look at nothing")
        return sees[None]

    def _write_PositionalEmbedding(self, layer, x, path):
        n_steps, features = x.shape[1:]
        if n_steps is None:
            self._refuse(layer, "needs the number of steps there. Set it in input_shape")
        is_learned = layer.kind == "learned"
        vectors = layer.embeddings_[:n_steps] if is_learned else sinusoids(n_steps, features)
        return self.keras.ops.add(x, vectors[None].astype(self.dtype))


def _named(path):
    """Return a name that Keras takes, for the path of a layer."""
    name = re.sub(r"\W", "_", path)
    return name if name[0].isalpha() else f"layer_{name}"


def _default(layer, name):
    return signature(type(layer).__init__).parameters[name].default


def _array(layer, name, shape):
    """Return a weight of a layer by its name and its shape in Keras."""
    parts = dict(layer.sublayers())
    if "pointwise" in parts:
        part, _, own = name.rpartition("_")
        layer, name = parts[part or "pointwise"], own
    if name == "scale" and not layer.scale:
        return np.ones(shape)  # Keras always has it
    # The same numbers in the same order, where shapes differ.
    array = getattr(layer, f"{_RENAMED.get(name, name)}_").reshape(shape)
    return array * 4.0**layer.exponent_ if name == "moving_variance" else array


def _by_head(name, arrays):
    return {f"{part}/{name}": array for part, array in zip(HEADS, arrays, strict=True)}
