"""The same training in JAX: one compiled function does a whole step, Adam included."""

from functools import singledispatch
from time import perf_counter

import jax
import jax.numpy as jnp
import numpy as np
from cases import RATE, order_generator, plain_layers, shuffled
from jax import lax

from sknet import layers

NAME = f"JAX {jax.__version__}"

ACTIVATIONS = {"relu": jax.nn.relu, "gelu": jax.nn.gelu, None: lambda x: x}


@singledispatch
def function_of(layer):
    """Return what a built layer does, as a function of (weights, x, key), and its weights."""
    raise TypeError(f"There is no {type(layer).__name__} for JAX here.")


@function_of.register
def _(layer: layers.Dense):
    function = ACTIVATIONS[layer.activation]

    def dense(w, x, key):
        return function(x @ w["kernel"] + w["bias"])

    return dense, {"kernel": layer.kernel_, "bias": layer.bias_}


@function_of.register(layers.Conv1D)
@function_of.register(layers.Conv2D)
def _(layer):
    function = ACTIVATIONS[layer.activation]
    axes = ("NHWC", "HWIO", "NHWC") if isinstance(layer, layers.Conv2D) else ("NWC", "WIO", "NWC")
    strides = (1,) * (len(axes[0]) - 2)

    def convolution(w, x, key):
        out = lax.conv_general_dilated(
            x, w["kernel"], strides, layer.padding.upper(), dimension_numbers=axes
        )
        return function(out + w["bias"] if "bias" in w else out)

    bias = {"bias": layer.bias_} if layer.use_bias else {}
    return convolution, {"kernel": layer.kernel_, **bias}


@function_of.register
def _(layer: layers.MaxPool2D):
    def pool(w, x, key):  # of a view, with no windows to slide
        n, height, width, channels = x.shape
        x = x[:, : height // 2 * 2, : width // 2 * 2]
        return x.reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))

    return pool, {}


@function_of.register
def _(layer: layers.Flatten):
    return lambda w, x, key: x.reshape(len(x), -1), {}


@function_of.register(layers.BatchNorm)
@function_of.register(layers.LayerNorm)
def _(layer):
    by_row = isinstance(layer, layers.LayerNorm)

    def normalize(w, x, key):
        axes = -1 if by_row else tuple(range(x.ndim - 1))
        centred = x - x.mean(axis=axes, keepdims=True)
        variance = jnp.square(centred).mean(axis=axes, keepdims=True)
        return centred * lax.rsqrt(variance + layer.epsilon) * w["gamma"] + w["beta"]

    return normalize, {"gamma": layer.gamma_, "beta": layer.beta_}


@function_of.register
def _(layer: layers.Dropout):
    def dropout(w, x, key):
        kept = jax.random.bernoulli(key, 1 - layer.rate, x.shape)
        return jnp.where(kept, x / (1 - layer.rate), 0)

    return dropout if layer.rate else lambda w, x, key: x, {}


@function_of.register
def _(layer: layers.Activation):
    function = ACTIVATIONS[layer.activation]
    return lambda w, x, key: function(x), {}


@function_of.register
def _(layer: layers.Embedding):
    return lambda w, x, key: w["table"][x], {"table": layer.embeddings_}


@function_of.register
def _(layer: layers.PositionalEmbedding):
    return lambda w, x, key: x + w["positions"], {"positions": layer.embeddings_}


@function_of.register
def _(layer: layers.GlobalAveragePool1D):
    return lambda w, x, key: x.mean(axis=1), {}


def _recurrent_weights(layer):
    return {"kernel": layer.kernel_, "recurrent": layer.recurrent_kernel_, "bias": layer.bias_}


@function_of.register
def _(layer: layers.LSTM):
    def lstm(w, x, key):
        def step(state, from_input):
            h, c = state
            i, f, g, o = jnp.split(from_input + h @ w["recurrent"], 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        from_inputs = (x @ w["kernel"] + w["bias"]).swapaxes(0, 1)
        zeros = jnp.zeros((len(x), layer.units), x.dtype)
        return lax.scan(step, (zeros, zeros), from_inputs, reverse=layer.go_backwards)[0][0]

    return lstm, _recurrent_weights(layer)


@function_of.register
def _(layer: layers.GRU):
    def gru(w, x, key):
        def step(h, from_input):
            input_z, input_r, input_h = jnp.split(from_input, 3, axis=1)
            state_z, state_r, state_h = jnp.split(h @ w["recurrent"] + w["bias"][1], 3, axis=1)
            z, r = jax.nn.sigmoid(input_z + state_z), jax.nn.sigmoid(input_r + state_r)
            return z * h + (1 - z) * jnp.tanh(input_h + r * state_h), None

        from_inputs = (x @ w["kernel"] + w["bias"][0]).swapaxes(0, 1)
        return lax.scan(step, jnp.zeros((len(x), layer.units), x.dtype), from_inputs)[0]

    return gru, _recurrent_weights(layer)


@function_of.register
def _(layer: layers.Bidirectional):
    functions, weights = zip(*(function_of(part) for _, part in layer.sublayers()), strict=True)

    def both(w, x, key):
        return jnp.concatenate([run(w[str(i)], x, key) for i, run in enumerate(functions)], axis=1)

    return both, {str(i): w for i, w in enumerate(weights)}


@function_of.register
def _(layer: layers.MultiHeadAttention):
    def attention(w, x, key):
        n, n_steps, _ = x.shape
        joined = (x @ w["kernel"] + w["bias"]).reshape(n, n_steps, 3, layer.num_heads, -1)
        queries, keys, values = (joined[:, :, i] for i in range(3))
        scores = jnp.einsum("nqhd,nkhd->nhqk", queries, keys) / np.sqrt(queries.shape[-1])
        if layer.causal:
            scores = jnp.where(np.tri(n_steps, dtype=bool), scores, -jnp.inf)
        out = jnp.einsum("nhqk,nkhd->nqhd", jax.nn.softmax(scores), values)
        return out.reshape(n, n_steps, -1) @ w["output_kernel"] + w["output_bias"]

    names = ("kernel", "bias", "output_kernel", "output_bias")
    return attention, {name: getattr(layer, f"{name}_") for name in names}


@function_of.register
def _(layer: layers.TransformerBlock):
    parts = dict(layer.sublayers())
    names = (("attention_norm", "attention"), ("feedforward_norm", "intermediate", "output"))
    functions = {name: function_of(parts[name]) for branch in names for name in branch}

    def block(w, x, key):
        for branch in names:
            added = x
            for name in branch:
                added = functions[name][0](w[name], added, key)
            x = x + added
        return x

    return block, {name: weights for name, (_, weights) in functions.items()}


def network_of(network):
    """Return a whole network as a function of (weights, x, key), and its weights."""
    parts = plain_layers(network)
    functions, weights = zip(*map(function_of, parts), strict=True)
    if isinstance(parts[0], layers.Embedding) and parts[0].mask_zero:
        table, _, *head = functions

        def forward(w, x, key):
            real = (x != 0)[:, :, None]
            x = (table(w[0], x, key) * real).sum(axis=1) / real.sum(axis=1)
            for i, function in enumerate(head, start=2):
                x = function(w[i], x, key)
            return x
    else:

        def forward(w, x, key):
            for i, function in enumerate(functions):
                x = function(w[i], x, jax.random.fold_in(key, i))
            return x

    # Copies: a step gives the memory of the weights that it is given to those it returns.
    return forward, jax.tree.map(lambda weight: jnp.array(weight, copy=True), list(weights))


def _log_loss(raw, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(raw), y[..., None], axis=-1).mean()


LOSSES = {
    "binary": lambda raw, y: (jax.nn.softplus(raw[:, 0]) - y * raw[:, 0]).mean(),
    "classes": _log_loss,
    "tokens": _log_loss,
    "values": lambda raw, y: 0.5 * jnp.square(raw - y).sum(axis=1).mean(),
    "rows": lambda raw, y: 0.5 * jnp.square(raw - y).sum(axis=1).mean(),
}


def training_step(forward, loss_function, decay):
    """Return a compiled function that makes one step of Adam, with decay of kernels."""

    def loss_of(weights, x, y, key):
        return loss_function(forward(weights, x, key), y)

    def step(weights, means, squares, t, x, y):
        loss, grads = jax.value_and_grad(loss_of)(weights, x, y, jax.random.key(t))
        means = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, means, grads)
        squares = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, squares, grads)
        rate = RATE * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)

        def moved(w, m, v):
            kept = w * (1 - RATE * decay) if decay and w.ndim > 1 else w
            return kept - rate * m / (jnp.sqrt(v) + 1e-8)

        return jax.tree.map(moved, weights, means, squares), means, squares, loss

    return jax.jit(step, donate_argnums=(0, 1, 2))


class Contestant:
    """Trains one case in JAX, from the same start each time.

    Parameters
    ----------
    case : Case
        What to train.
    rows : Rows
        What to train it on.
    start : Network
        The network with its initial weights.
    """

    def __init__(self, case, rows, start):
        self.case, self.start = case, start
        kind = {"i": np.int32, "f": np.float32}
        self.inputs = rows.inputs.astype(kind[rows.inputs.dtype.kind])
        self.targets = rows.targets.astype(kind[rows.targets.dtype.kind])
        self.forward, _ = network_of(start)
        decay = 1e-2 if case.network.get("solver") == "adamw" else 0.0
        self.step = training_step(self.forward, LOSSES[case.task], decay)

    def train(self, epochs):
        """Train for some epochs; return the seconds and the loss of each."""
        weights = network_of(self.start)[1]
        means, squares = (jax.tree.map(jnp.zeros_like, weights) for _ in range(2))
        rng, t, batch = order_generator(), 0, self.case.batch
        seconds, losses = [], []
        for _ in range(epochs):
            begin, total = perf_counter(), []
            order = shuffled(rng, len(self.inputs))
            for first in range(0, len(order), batch):
                chosen, t = order[first : first + batch], t + 1
                x, y = self.inputs[chosen], self.targets[chosen]
                weights, means, squares, loss = self.step(weights, means, squares, t, x, y)
                total.append(loss)
            losses.append(float(np.mean(jax.device_get(total))))
            seconds.append(perf_counter() - begin)
        return seconds, losses
