"""What a network keeps of the steps that it has read, when it reads a few at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .graph import Output, Outputs
from .registry import refuse


class Memory:
    """Inputs ``past_0``, ``past_1`` ... and outputs ``present_0``, ``present_1`` ... of a graph.

    All zeros is the memory of nothing; an axis called ``past`` has the length 0 then.

    Attributes
    ----------
    inputs : list of (str, dtype, tuple)
        Names, element types and shapes of the inputs.
    outputs : dict of Output
        The outputs by their names.
    """

    def __init__(self) -> None:
        self.inputs: list[tuple[str, np.dtype[Any], tuple[Any, ...]]] = []
        self.outputs: Outputs = {}

    def past(
        self, layer: Any, mask: str | None, shape: tuple[int | str | None, ...], dtype: DTypeLike
    ) -> str:
        """Declare a state that a layer starts from.

        Parameters
        ----------
        layer : Layer
            The layer.
        mask : str or None
            Which steps are real; only None will do.
        shape : tuple of int, str or None
            Shape of the state; None for the rows.
        dtype : dtype
            Element type.

        Returns
        -------
        past : str
            The state.
        """
        if mask is not None:
            refuse(layer, "with method='advance' it takes no masks. Leave out Masking.")
        name = f"past_{len(self.inputs)}"
        self.inputs.append((name, np.dtype(dtype), shape))
        return name

    def keep(self, past: str, tensor: str) -> None:
        """Let a tensor be the state from which the next steps start.

        Parameters
        ----------
        past : str
            The state that it follows.
        tensor : str
            The new state.
        """
        _, dtype, shape = next(each for each in self.inputs if each[0] == past)
        shape = tuple("present" if size == "past" else size for size in shape)
        self.outputs[past.replace("past", "present")] = Output(tensor, dtype, shape)
