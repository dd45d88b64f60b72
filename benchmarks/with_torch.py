"""The same training in PyTorch: eager, its fused Adam, as many threads as it takes by itself."""

from functools import partial, singledispatch
from time import perf_counter

import numpy as np
import torch
from cases import RATE, order_generator, plain_layers, shuffled
from torch import nn
from torch.nn import functional as F

from sknet import layers

NAME = f"PyTorch {torch.__version__}"

ACTIVATIONS = {"relu": F.relu, "gelu": partial(F.gelu, approximate="tanh"), None: None}


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def set_weights(module, **values):
    """Copy arrays into the parameters of the given names."""
    with torch.no_grad():
        for name, value in values.items():
            getattr(module, name).copy_(torch.from_numpy(np.ascontiguousarray(value)))
    return module


def followed_by(module, activation):
    """Return a module with an activation function behind it."""
    function = ACTIVATIONS[activation]
    return module if function is None else nn.Sequential(module, Function(function))


@singledispatch
def module_of(layer):
    """Return the module that does what a built layer does, with its weights."""
    raise TypeError(f"There is no {type(layer).__name__} for PyTorch here.")


@module_of.register
def _(layer: layers.Dense):
    linear = nn.Linear(*layer.kernel_.shape)
    return followed_by(
        set_weights(linear, weight=layer.kernel_.T, bias=layer.bias_), layer.activation
    )


@module_of.register
def _(layer: layers.Conv2D):
    *size, channels, filters = layer.kernel_.shape
    conv = nn.Conv2d(channels, filters, size, padding=layer.padding)
    set_weights(conv, weight=layer.kernel_.transpose(3, 2, 0, 1), bias=layer.bias_)
    return followed_by(conv, layer.activation)


@module_of.register
def _(layer: layers.Conv1D):
    size, channels, filters = layer.kernel_.shape
    conv = nn.Conv1d(channels, filters, size, padding=layer.padding, bias=False)
    return set_weights(conv, weight=layer.kernel_.transpose(2, 1, 0))


@module_of.register
def _(layer: layers.MaxPool2D):
    return nn.MaxPool2d(2)


@module_of.register
def _(layer: layers.Flatten):
    if len(layer.input_shape_) == 1:
        return nn.Identity()
    # In sknet's order of the axes; a view where the memory has this order, too.
    return Function(lambda x: x.movedim(1, -1).flatten(1))


@module_of.register
def _(layer: layers.BatchNorm):
    kinds = {1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d}
    norm = kinds[len(layer.input_shape_)](len(layer.gamma_), eps=layer.epsilon)
    return set_weights(norm, weight=layer.gamma_, bias=layer.beta_)


@module_of.register
def _(layer: layers.LayerNorm):
    norm = nn.LayerNorm(len(layer.gamma_), eps=layer.epsilon)
    return set_weights(norm, weight=layer.gamma_, bias=layer.beta_)


@module_of.register
def _(layer: layers.Dropout):
    return nn.Dropout(layer.rate)


@module_of.register
def _(layer: layers.Activation):
    return Function(ACTIVATIONS[layer.activation])


@module_of.register
def _(layer: layers.Embedding):
    table = nn.Embedding(*layer.embeddings_.shape)
    return set_weights(table, weight=layer.embeddings_)


class Positions(nn.Module):
    """Adds a learned vector to each step."""

    def __init__(self, layer):
        super().__init__()
        self.table = nn.Parameter(torch.empty(layer.embeddings_.shape))
        set_weights(self, table=layer.embeddings_)

    def forward(self, x):
        return x + self.table[: x.shape[1]]


@module_of.register
def _(layer: layers.PositionalEmbedding):
    return Positions(layer)


class MaskedMean(nn.Module):
    """The mean of the vectors of all codes but 0."""

    def __init__(self, table):
        super().__init__()
        self.table = table

    def forward(self, x):
        real = (x != 0).unsqueeze(-1)
        return (self.table(x) * real).sum(dim=1) / real.sum(dim=1)


class LastState(nn.Module):
    """The last state of a recurrent module, of both directions side by side."""

    def __init__(self, cells):
        super().__init__()
        self.cells = cells

    def forward(self, x):
        state = self.cells(x)[1]
        state = state[0] if isinstance(state, tuple) else state
        return torch.cat(tuple(state), dim=1)


def fill_cells(cells, layer, suffix="_l0"):
    """Copy the weights of a recurrent layer into a direction of a module."""
    blocks = np.arange(layer.kernel_.shape[1]).reshape(-1, layer.units)
    bias = layer.bias_.reshape(-1, layer.kernel_.shape[1])
    if isinstance(layer, layers.GRU):  # its order is reset, update, new
        blocks = blocks[[1, 0, 2]]
    gates = blocks.ravel()
    values = {"weight_ih": layer.kernel_.T[gates], "weight_hh": layer.recurrent_kernel_.T[gates]}
    values |= {"bias_ih": bias[0, gates], "bias_hh": bias[-1, gates]}
    if len(bias) == 1:  # its second bias of an LSTM would only double the first one's steps
        values["bias_hh"] = np.zeros_like(bias[0])
        getattr(cells, f"bias_hh{suffix}").requires_grad_(False)
    set_weights(cells, **{name + suffix: value for name, value in values.items()})


@module_of.register(layers.LSTM)
@module_of.register(layers.GRU)
def _(layer):
    kind = nn.LSTM if isinstance(layer, layers.LSTM) else nn.GRU
    cells = kind(len(layer.kernel_), layer.units, batch_first=True)
    fill_cells(cells, layer)
    return LastState(cells)


@module_of.register
def _(layer: layers.Bidirectional):
    forward, backward = (part for _, part in layer.sublayers())
    cells = nn.LSTM(len(forward.kernel_), forward.units, batch_first=True, bidirectional=True)
    fill_cells(cells, forward)
    fill_cells(cells, backward, "_l0_reverse")
    return LastState(cells)


class Causal(nn.Module):
    """A block of a Transformer whose steps do not look at later ones."""

    def __init__(self, block):
        super().__init__()
        self.block = block

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.block(x, src_mask=mask, is_causal=True)


@module_of.register
def _(layer: layers.TransformerBlock):
    parts = dict(layer.sublayers())
    attention, wide, narrow = parts["attention"], parts["intermediate"], parts["output"]
    block = nn.TransformerEncoderLayer(
        *(len(narrow.bias_), layer.num_heads, len(wide.bias_)),
        dropout=layer.dropout,
        activation=ACTIVATIONS[layer.activation],
        norm_first=True,
        batch_first=True,
    )
    heads = block.self_attn
    set_weights(heads, in_proj_weight=attention.kernel_.T, in_proj_bias=attention.bias_)
    pairs = [
        (heads.out_proj, attention.output_kernel_.T, attention.output_bias_),
        (block.linear1, wide.kernel_.T, wide.bias_),
        (block.linear2, narrow.kernel_.T, narrow.bias_),
        (block.norm1, parts["attention_norm"].gamma_, parts["attention_norm"].beta_),
        (block.norm2, parts["feedforward_norm"].gamma_, parts["feedforward_norm"].beta_),
    ]
    for module, weight, bias in pairs:
        set_weights(module, weight=weight, bias=bias)
    return Causal(block) if layer.causal else block


def network_of(network):
    """Return the module of a whole network."""
    modules, parts = [], plain_layers(network)
    for part in parts:
        if isinstance(part, layers.GlobalAveragePool1D):
            if isinstance(parts[0], layers.Embedding):
                modules.append(MaskedMean(modules.pop()))
            else:  # channels stand behind the steps, or before them for convolutions
                axis = 2 if isinstance(parts[0], layers.Conv1D) else 1
                modules.append(Function(partial(torch.mean, dim=axis)))
        else:
            modules.append(module_of(part))
    return nn.Sequential(*modules)


LOSSES = {
    "binary": lambda raw, y: F.binary_cross_entropy_with_logits(raw[:, 0], y),
    "classes": F.cross_entropy,
    "tokens": lambda raw, y: F.cross_entropy(raw.flatten(0, 1), y.flatten()),
    "values": lambda raw, y: F.mse_loss(raw, y, reduction="sum") / (2 * len(y)),
    "rows": lambda raw, y: F.mse_loss(raw, y, reduction="sum") / (2 * len(y)),
}


def adam(network, solver):
    """Return the fused optimizer; weight decay is for kernels alone, as in sknet."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    if solver == "adam":
        return torch.optim.Adam(parameters, lr=RATE, fused=True)
    kernels = [p for p in parameters if p.ndim > 1]
    others = [p for p in parameters if p.ndim == 1]
    groups = [{"params": kernels, "weight_decay": 1e-2}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=RATE, fused=True)


class Contestant:
    """Trains one case in PyTorch, from the same start each time.

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
        self.inputs = torch.from_numpy(rows.inputs)
        self.targets = torch.from_numpy(rows.targets)
        if case.task == "binary":
            self.targets = self.targets.to(torch.float32)
        kinds = [type(layer) for layer in plain_layers(start)]
        self.is_image = layers.Conv2D in kinds
        if layers.Conv1D in kinds:
            self.inputs = self.inputs.movedim(-1, 1).contiguous()
        if self.is_image:  # the order in memory stays channels last, which is faster
            self.inputs = self.inputs.movedim(-1, 1)

    def train(self, epochs):
        """Train for some epochs; return the seconds and the loss of each."""
        network = network_of(self.start)
        if self.is_image:
            network = network.to(memory_format=torch.channels_last)
        optimizer = adam(network, self.case.network.get("solver", "adam"))
        loss_function, rng = LOSSES[self.case.task], order_generator()
        seconds, losses = [], []
        for _ in range(epochs):
            begin, total = perf_counter(), 0.0
            order = torch.from_numpy(shuffled(rng, len(self.inputs)))
            for chosen in order.split(self.case.batch):
                optimizer.zero_grad(set_to_none=True)
                loss = loss_function(network(self.inputs[chosen]), self.targets[chosen])
                loss.backward()
                optimizer.step()
                total += loss.item() * len(chosen)
            losses.append(total / len(self.inputs))
            seconds.append(perf_counter() - begin)
        return seconds, losses
