"""What scikit-learn's HTML diagram shows of an estimator: its layers and its training."""

from __future__ import annotations

from reprlib import repr as brief
from typing import Any, Self

from ..base import named_items
from ..compatibility import VisualBlock
from ..layers import Bidirectional, Parallel
from ..layers.base import Layer
from ..layers.composite import LayerList
from .curve import curve_svg


class _Picture(str):
    """HTML that scikit-learn puts where it takes text: `html.escape` works by ``replace``."""

    def replace(self, *args: Any) -> Self:
        return self


class _Block(VisualBlock):
    """A block of a layer, which knows its label and links to the page of the layer."""

    def __init__(
        self, kind: Any, part: Any, label: Any, inside: Any = (), caption: Any = None
    ) -> None:
        self.label = label
        self.details = str(part)
        self._part = part
        if kind == "single":
            super().__init__(
                kind, part, names=label, name_details=self.details, name_caption=caption
            )
        else:
            # Branches are labelled by scikit-learn: a single layer in one needs no second label.
            is_row = kind == "serial"
            names = [b.label if is_row or b.kind != "single" else None for b in inside]
            details = [b.details for b in inside]
            super().__init__(kind, list(inside), names=names, name_details=details)

    def _get_doc_link(self):
        return self._part._get_doc_link() if isinstance(self._part, Layer) else ""


def diagram_of(estimator: Any) -> Any:
    """Return the layers of an estimator as scikit-learn's blocks.

    Parameters
    ----------
    estimator : BaseNeuralEstimator
        The estimator, fitted or not.

    Returns
    -------
    block : VisualBlock
        The layers in a row, each with its output shape and number of weights once they are known,
        and the curve of the training; a single block if the layers are not known.
    """
    network = getattr(estimator, "network_", None)
    # Before fit the parameters may be anything: they are shown as they are.
    lists = [getattr(estimator, name) for name in estimator._list_parameters]
    pairs = [pair for items in lists for pair in named_items(items)]
    pairs = pairs if network is None else network.layer.sublayers()
    if not pairs:
        name = type(estimator).__name__
        return VisualBlock("single", estimator, names=name, name_details=str(estimator))
    blocks = [_block(name, part) for name, part in pairs]
    names = [block.label for block in blocks]
    details = [block.details for block in blocks]
    if network is not None:
        blocks.append(_training(estimator))
        names.append(blocks[-1].names)
        details.append(None)
    return VisualBlock("serial", blocks, names=names, name_details=details)


def _block(name, part):
    kind = type(part).__name__ if isinstance(part, Layer) else brief(part)
    label = name if isinstance(part, LayerList | list) else f"{name}: {kind}"
    inside = [_block(*pair) for pair in _inside(part)]
    if not inside:
        return _Block("single", part, label, caption=_caption(part))
    is_wide = isinstance(part, Parallel | Bidirectional) and len(inside) > 1
    return _Block("parallel" if is_wide else "serial", part, label, inside)


def _inside(part):
    """Return the layers inside one, built or not."""
    if isinstance(part, list | tuple):  # a branch
        return named_items(part)
    if not isinstance(part, Layer):
        return []
    if hasattr(part, "output_shape_"):  # it is built
        return part.sublayers()
    lists = [getattr(part, name) for name in part._reachable_lists()]
    return [pair for items in lists for pair in named_items(items)]


def _caption(part):
    shape = getattr(part, "output_shape_", None)
    if shape is None:
        return None
    n_weights = sum(weight.size for layer in part.walk() for weight in layer._weights)
    numbers = ", ".join("any" if n is None else str(n) for n in shape)
    shape = f"({numbers}{',' if len(shape) == 1 else ''})"
    return f"{shape}, {n_weights:,} weights" if n_weights else shape


def _training(estimator):
    """Return the block of the training: the curve, and its numbers behind a click."""
    history = getattr(estimator, "history_", {})  # a copy for deployment has none
    names = f"{estimator.network_.params.size:,} weights"
    if history:
        names += f", {len(history['loss'])} epochs"
    return VisualBlock(
        "single",
        None,
        names=names,
        name_details="\n".join(f"{name}: {values[-1]:.4g}" for name, values in history.items()),
        name_caption=_Picture(curve_svg(history)),
    )
