"""The network of a translator: an encoder of sources and a decoder of targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..layers import Sequential
from ..layers.base import build_layer
from ..layers.sequential.source import LooksAtSource
from ..typing import Array


class EncoderDecoder(Sequential):
    """Encoder, decoder and output layer; input (T, 2), the ids of a source and of a target.

    Id 0 is padding. The output has the steps of the longest target of the batch: the decoder reads
    the target, and its layers that take a source look at what the encoder makes of it.
    """

    def adapt(self, x: Array) -> None:
        """Let the encoder adapt to the ids of sources, and the decoder to those of targets."""
        parts = list(self._validated_items())
        for side, part in enumerate(parts[:2]):
            part.adapt(x[..., side])

    def _build_children(self, input_shape, owner):
        children = self._named_layers(self._items())
        shape = (None,)
        for position, (name, layer) in enumerate(children):
            layer._inside_frozen = self.is_frozen
            shape = (None,) if position < 2 else shape  # the encoder and the decoder read ids
            shape = build_layer(layer, f"{owner}__{name}" if owner else name, shape)
        self._set_children(children)
        return shape

    @property
    def _parts(self):
        return [layer for _, layer in self._children]

    @property
    def is_causal(self) -> bool:
        """Whether the output of each step of the target depends on no later one."""
        return all(layer.is_causal for layer in self._parts[1:])

    def _check_causal(self):
        for layer in self._parts[1:]:
            layer._check_causal()

    def _ids(self, name, x, mask, side):
        """Return the ids of one side without the padding of all, and which are real or None."""
        ids = x[:, :, side]
        if mask is not None:
            ids = ids * mask
        is_real = ids != 0
        n_steps = 1 + np.flatnonzero(is_real.any(axis=0)).max(initial=0)
        out = self._work(name, (len(x), n_steps))
        np.copyto(out, ids[:, :n_steps])
        is_real = is_real[:, :n_steps]
        return out, None if is_real.all() else is_real

    def _readers(self):
        return [part for part in self._parts[1].walk() if isinstance(part, LooksAtSource)]

    def _encode(self, x, training, mask):
        """Run the encoder, and let the decoder look at what it returns."""
        encoder = self._parts[0]
        ids, real = self._ids("source", x, mask, 0)
        source = encoder.forward(ids, training, real)
        real = encoder.compute_mask(ids, real)
        for part in self._readers():
            part.source, part.source_mask = source, real

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Encode the sources of x and decode its targets."""
        self._encode(x, training, mask)
        _, decoder, output = self._parts
        ids, mask = self._ids("target", x, mask, 1)
        out = decoder.forward(ids, training, mask)
        self._mask = decoder.compute_mask(ids, mask)
        return output.forward(out, training, self._mask)

    def advance(self, x: Array, memory: dict[str, Any], mask: Array | None = None) -> Array:
        """Decode the next steps of targets; the first call encodes the sources."""
        if not memory:
            self._encode(x, False, mask)
        _, decoder, output = self._parts
        ids, mask = self._ids("target", x, mask, 1)
        out = decoder.advance(ids, memory.setdefault("decoder", {}), mask)
        self._mask = decoder.compute_mask(ids, mask)
        return output.advance(out, memory.setdefault("output", {}), self._mask)

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Run decoder and encoder backward; ids have no gradient."""
        encoder, decoder, output = self._parts
        # All the way: a frozen layer may look at a source that is trained.
        decoder.backward(output.backward(grad_output))
        first, *others = (part.source_grad for part in self._readers())
        for grad in others:
            first += grad
        encoder.backward(first, input_grad=False)
