"""The layers of a network as boxes, with shapes, weights and shares of time."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..inputs import as_inputs
from ..settings import single_threaded_blas
from ..typing import EstimatorLike, Shape
from .display import Display
from .models import network_and_inputs

#: Rows of X of which the layers are timed, and how often.
_N_TIMED, _N_REPEATS = 64, 5


class ArchitectureDisplay(Display):
    """The layers of a network, with their output shapes and numbers of weights.

    The display is a table in text (its ``repr``) and in notebooks, and boxes when plotted.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    rows : list of tuple
        For each layer (depth, name, class name, output shape, number of weights, share of time);
        the share is None where it was not measured or where the layer holds others.
    input_shape : tuple of int
        Shape of one sample.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknet import NeuralClassifier
    >>> from sknet.inspection import ArchitectureDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = NeuralClassifier((16,), max_iter=5, tol=0, random_state=0).fit(X, y)
    >>> ArchitectureDisplay.from_estimator(model)
    layer            output shape  weights
    --------------------------------------
    input            (4,)
    hidden_0: Dense  (16,)              80
    output: Dense    (3,)               51
    """

    def __init__(self, rows: Sequence[tuple[Any, ...]], *, input_shape: Shape) -> None:
        self.rows = rows
        self.input_shape = input_shape

    @classmethod
    def from_estimator(
        cls, estimator: EstimatorLike, X: ArrayLike | None = None
    ) -> ArchitectureDisplay:
        """Read the layers of a fitted estimator; nothing is drawn before :meth:`plot`.

        Parameters
        ----------
        estimator : estimator, Pipeline or search
            A fitted estimator with a network, or a pipeline or search of one.
        X : array-like of shape (n_samples, ...), default=None
            Samples as `estimator` takes them: prediction of some is timed, layer by layer.

        Returns
        -------
        display : ArchitectureDisplay
            The display.
        """
        network, X = network_and_inputs(estimator, X, cls.__name__)
        seconds = {} if X is None else _seconds_of_layers(network, X)
        total = sum(seconds.values())
        rows = [
            (
                depth,
                name,
                type(layer).__name__,
                layer.output_shape_,
                sum(weight.size for part in layer.walk() for weight in part._weights),
                seconds[name, depth] / total if (name, depth) in seconds else None,
            )
            for depth, name, layer in _outline(network.layer)
        ]
        return cls(rows, input_shape=network.input_shape)

    def _cells(self):
        """Return the header and the rows as strings."""
        has_time = any(share is not None for *_, share in self.rows)
        header = ["layer", "output shape", "weights"] + ["time"] * has_time
        cells = [["input", _shape(self.input_shape), ""] + [""] * has_time]
        for depth, name, kind, shape, n_weights, share in self.rows:
            time = "" if share is None else f"{share:.0%}"
            cells.append(
                [f"{'  ' * depth}{name}: {kind}", _shape(shape), f"{n_weights:,}"]
                + [time] * has_time
            )
        return header, cells

    def __repr__(self) -> str:
        header, cells = self._cells()
        widths = [max(len(row[i]) for row in [header, *cells]) for i in range(len(header))]
        align = [str.ljust, str.ljust, *[str.rjust] * (len(header) - 2)]

        def line(row):
            parts = [put(cell, n) for put, cell, n in zip(align, row, widths, strict=True)]
            return "  ".join(parts).rstrip()

        width = sum(widths) + 2 * (len(widths) - 1)
        return "\n".join([line(header), "-" * width, *map(line, cells)])

    def _repr_html_(self):
        header, cells = self._cells()
        head = "".join(f"<th style='text-align:left'>{cell}</th>" for cell in header)
        body = "".join(
            "<tr>"
            + "".join(
                f"<td style='text-align:{'left' if i < 2 else 'right'};white-space:pre'>"
                f"{escape(cell)}</td>"
                for i, cell in enumerate(row)
            )
            + "</tr>"
            for row in cells
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def plot(self, ax: Any = None) -> ArchitectureDisplay:
        """Draw the layers as boxes from the input down to the output.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ArchitectureDisplay
            The display itself.
        """
        _, cells = self._cells()
        depths = [0, *(row[0] for row in self.rows)]
        shares = [None, *(row[5] for row in self.rows)]
        ax = self._axes(ax, figsize=(6.4, 0.5 * len(cells) + 0.4))
        for i, (row, depth, share) in enumerate(zip(cells, depths, shares, strict=True)):
            self._draw_box(ax, i, row, depth, share)
        ax.set(xlim=(0, 10), ylim=(len(cells) - 0.35, -0.65))
        ax.axis("off")
        return self

    def _draw_box(self, ax, i, row, depth, share):
        from matplotlib.patches import FancyBboxPatch

        left = 0.4 * depth
        style = "round,pad=0,rounding_size=0.08"
        shade = 0 if share is None else share
        box = FancyBboxPatch(
            (left, i - 0.38), 10 - left, 0.76, boxstyle=style, fc="white", ec="0.45", lw=0.8
        )
        ax.add_patch(box)
        if shade:
            fill = FancyBboxPatch(
                (left, i - 0.38),
                (10 - left) * shade,
                0.76,
                boxstyle=style,
                fc="#56B4E9",
                ec="none",
            )
            fill.set_alpha(0.5)
            ax.add_patch(fill)
        ax.text(left + 0.15, i, row[0].strip(), va="center", fontsize=9)
        ax.text(5.2, i, row[1], va="center", fontsize=9)
        n_weights = f"{row[2]} weights" if row[2] not in ("", "0") else ""
        time = f"{row[3]} of the time" if len(row) > 3 and row[3] else ""
        ax.text(
            9.85,
            i,
            ", ".join(filter(None, [n_weights, time])),
            va="center",
            ha="right",
            fontsize=8,
            color="0.25",
        )


def _shape(shape):
    numbers = ["any" if n is None else f"{n}" for n in shape]
    return f"({', '.join(numbers)}{',' if len(numbers) == 1 else ''})"


def _outline(layer, depth=0):
    """Yield (depth, name, layer) of every layer inside, in the order in which they run."""
    for name, part in layer.sublayers():
        yield depth, name, part
        yield from _outline(part, depth + 1)


def _seconds_of_layers(network, X):
    """Return the median seconds of each outermost layer when some rows are predicted."""
    X = as_inputs(X, network.input_shape, network.dtype, type(network).__name__)[:_N_TIMED]
    replica = network.replica(len(X))
    seconds = {}
    for name, layer in replica.layer.sublayers():
        layer.forward = _timed(layer.forward, seconds.setdefault((name, 0), []))
    with single_threaded_blas():
        for _ in range(_N_REPEATS + 1):
            replica.forward(X)
    return {key: float(np.median(found[1:] or [0.0])) for key, found in seconds.items()}


def _timed(forward, found):
    def timed(*arguments, **options):
        begin = perf_counter()
        result = forward(*arguments, **options)
        found.append(perf_counter() - begin)
        return result

    return timed
