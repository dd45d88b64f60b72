"""The table of a network's layers."""

from __future__ import annotations

from typing import Any


def table_of(network: Any) -> str:
    """Write the layers of a network, their output shapes and their numbers of weights as a table.

    Parameters
    ----------
    network : Network
        The network.

    Returns
    -------
    table : str
        A line a layer, and one with the total.
    """
    rows = [("layer", "output shape", "weights")]
    rows += [
        (f"{'  ' * depth}{label}", str(layer.output_shape_), f"{size:,}")
        for depth, label, layer, size in _outline(network.layer)
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
    lines.insert(1, "-" * len(lines[0]))
    frozen = network.n_params - network.n_trainable
    total = f"{network.n_params:,} weights, {frozen:,} of them not trained, {network.dtype}"
    return "\n".join([*lines, "-" * len(lines[0]), total])


def _outline(layer, depth=0):
    """Yield (depth, label, layer, number of weights) for every layer inside."""
    for name, part in layer.sublayers():
        kind = type(part).__name__
        label = kind if name.isdecimal() else f"{name} ({kind})"
        yield depth, label, part, sum(w.size for sub in part.walk() for w in sub._weights)
        yield from _outline(part, depth + 1)
