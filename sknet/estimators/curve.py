"""The curve of a training as a small inline SVG, which needs no library for plots."""

from __future__ import annotations

from math import isfinite, log10
from typing import Any

#: What is drawn, with the name and the color of each line; both are seen on light and dark.
_LINES = {"loss": ("training", "#0072b2"), "validation_loss": ("validation", "#d55e00")}
#: Points of a line at most: a long history is thinned out.
_MAX_POINTS = 200


def curve_svg(history: Any, width: int = 220, height: int = 60) -> str:
    """Draw the losses of a training.

    Parameters
    ----------
    history : dict of list
        What `history_` holds: loss, and with a validation set validation_loss.
    width, height : int, default=220, 60
        Size in pixels.

    Returns
    -------
    svg : str
        The picture; empty if there are fewer than two epochs with a finite loss.
    """
    lines = {name: _points(history.get(name, ())) for name in _LINES}
    values = [value for points in lines.values() for _, value in points]
    n_epochs = len(history.get("loss", ()))
    if n_epochs < 2 or len(lines["loss"]) < 2:
        return ""
    # Losses fall by powers of ten; those of some fall below zero.
    scale = log10 if min(values) > 0 else float
    low, high = scale(min(values)), scale(max(values))

    def place(epoch, value):
        share = (scale(value) - low) / (high - low) if high > low else 0.5
        x, y = 2 + (width - 4) * epoch / (n_epochs - 1), 3 + (height - 6) * (1 - share)
        return f"{x:.1f},{y:.1f}"

    drawn = [
        f'<polyline points="{" ".join(place(*point) for point in lines[name])}" fill="none" '
        f'stroke="{color}" stroke-width="1.5"><title>{title} loss</title></polyline>'
        f'<text x="{width - 4}" y="{14 * row + 12}" fill="{color}" font-size="11" '
        f'font-family="sans-serif" text-anchor="end">{title} loss</text>'
        for row, (name, (title, color)) in enumerate(_LINES.items())
        if lines[name]
    ]
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="Loss of {n_epochs} epochs">{"".join(drawn)}</svg>'
    )


def _points(values):
    """Return the epochs, counted from 0, and the values that can be drawn."""
    step = -(-len(values) // _MAX_POINTS) or 1
    last = len(values) - 1
    chosen = [i for i in range(len(values)) if i % step == 0 or i == last]
    return [(i, float(values[i])) for i in chosen if isfinite(values[i])]
