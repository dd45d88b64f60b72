"""Rows that come block by block, for data that memory does not hold at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.utils.validation import _num_samples

from .batches import Batches, Data
from .typing import Array, RowBlocks

_READABLE = (
    "Pass a list of blocks, or an object that reads one whenever asked: with __len__ and "
    "__getitem__, or with an __iter__ that starts anew."
)


class Blocks:
    """Blocks of rows that are read again in every epoch.

    Parameters
    ----------
    blocks : sequence or iterable of blocks
        What the user passes.
    owner : str
        Who takes them, for errors.
    has_target : bool
        Whether a block is (X, y) or (X, y, sample_weight); otherwise X alone is one too.

    Attributes
    ----------
    have_positions : bool
        Whether a block can be read by its position, and so is the same in each pass.
    """

    owner: str
    has_target: bool

    def __init__(self, blocks: RowBlocks, owner: str, has_target: bool) -> None:
        self.owner: str = f"{owner}.fit_blocks"
        self.has_target: bool = has_target
        self._blocks = blocks
        kind = type(blocks).__name__
        if isinstance(blocks, Iterator):
            raise TypeError(
                f"{self.owner} reads the blocks in every epoch, and a {kind} can be read only "
                f"once. {_READABLE}"
            )
        is_indexed = hasattr(blocks, "__getitem__") and hasattr(blocks, "__len__")
        self.have_positions: bool = is_indexed
        is_data = hasattr(blocks, "dtype") or hasattr(blocks, "columns")
        is_other = is_data or isinstance(blocks, str | bytes | Mapping | type)
        if is_other or not (self.have_positions or hasattr(blocks, "__iter__")):
            raise TypeError(f"{self.owner} expects blocks of rows, got {kind}. {_READABLE}")

    def read(self, rng: np.random.Generator | None = None) -> Iterator[tuple[int, Any]]:
        """Yield the number and the rows of each block that has any.

        Parameters
        ----------
        rng : numpy.random.Generator, default=None
            Draws the order of the blocks, if they can be reached by position. None takes them
            one after the other.

        Yields
        ------
        number : int
            Position of the block.
        rows : tuple of (X, y, sample_weight)
            Its rows; None stands for what it lacks.
        """
        for number, block in self._numbered(rng):
            rows = self._rows(number, block)
            with self.named(number):
                n_rows = _num_samples(rows[0])
            if n_rows > 0:
                yield number, rows

    def _numbered(self, rng):
        if not self.have_positions:
            return enumerate(self._blocks)
        order = np.arange(len(self._blocks))
        if rng is not None and len(order) > 1:
            rng.shuffle(order)
        return ((number, self._blocks[number]) for number in order.tolist())

    def _rows(self, number, block):
        """Return X, y and sample_weight of a block."""
        fewest, form = 1, "X, or a tuple (X, y, sample_weight) whose y may be None"
        if self.has_target:
            fewest, form = 2, "(X, y) or (X, y, sample_weight)"
        if not isinstance(block, tuple) and not (self.has_target and isinstance(block, list)):
            block = (block,)
        if not fewest <= len(block) <= 3:
            found = type(block[0]).__name__ if len(block) == 1 else f"{len(block)} items"
            raise TypeError(
                f"{self.owner} expects each block to be {form}, got {found} at position {number}. "
                "A single block goes into a list: [(X, y)]."
            )
        return (*block, None, None)[:3]

    @contextmanager
    def named(self, number: int | None = None) -> Iterator[None]:
        """Let errors say which block they are about.

        Parameters
        ----------
        number : int, default=None
            Position of the block; None for a sample of all.
        """
        where = "a sample of the blocks" if number is None else f"block {number}"
        try:
            yield
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"In {where}: {error}") from None


@dataclass
class BlockData(Data):
    """Rows to train on that are read block by block.

    `y` and `sample_weight` are those of all rows, or of a sample where targets are as large as X.

    Attributes
    ----------
    sample : Data
        Some rows, evenly spaced.
    sizes : ndarray of int of shape (n_blocks,)
        Number of rows in use of each block; roughly, where that is only known of the sample.
    n_given : int
        Number of rows of all blocks, whether in use or not.
    blocks : Blocks
        Read in every epoch.
    encode : callable
        Of the number of a block and its rows, returns their `Data`.
    held : dict of int to ndarray of int
        Rows that are held out for validation, by the number of their block.
    """

    sample: Any = None
    sizes: Any = None
    n_given: int = 0
    blocks: Any = None
    encode: Any = None
    held: dict[int, Array] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Number of rows in use."""
        return int(self.sizes.sum())

    @property
    def used_X(self) -> Any:
        """Inputs of the sample."""
        return self.sample.used_X

    def some_X(self, n_rows: int) -> Any:
        """Return inputs of rows that are evenly spaced.

        Parameters
        ----------
        n_rows : int
            How many at most.

        Returns
        -------
        X : {ndarray, sparse matrix} of shape (n, n_features) or Sequences
            The inputs.
        """
        return self.sample.some_X(n_rows)

    def read(self, rng: np.random.Generator | None = None) -> Iterator[tuple[int, Data]]:
        """Yield the number of rows of each block, and those to train on.

        Parameters
        ----------
        rng : numpy.random.Generator, default=None
            Draws the order of the blocks.

        Yields
        ------
        n_given : int
            Number of rows, whether in use or not.
        data : Data
            The rows.
        """
        for number, rows in self.blocks.read(rng):
            data = self.encode(number, rows)
            if number in self.held:
                used = np.arange(data.n_rows) if data.rows is None else data.rows
                data.rows = np.setdiff1d(used, self.held[number])
            yield _num_samples(rows[0]), data

    def batches(self, batch_size: int, mean_weight: float = 1.0) -> BlockBatches:
        """Return the batches of all blocks; none of them has rows of two blocks.

        Parameters
        ----------
        batch_size : int
            Number of rows of a batch at most.
        mean_weight : float, default=1.0
            Weights are divided by it.

        Returns
        -------
        batches : BlockBatches
            Yields them.
        """
        return BlockBatches(self, batch_size, mean_weight)


class BlockBatches:
    """The rows of blocks in batches.

    Parameters
    ----------
    data : BlockData
        The rows.
    batch_size : int
        Number of rows of a batch at most.
    mean_weight : float
        Weights are divided by it.
    """

    batch_size: int

    def __init__(self, data: BlockData, batch_size: int, mean_weight: float) -> None:
        self.n_rows: int = data.n_rows
        self.batch_size: int = min(batch_size, int(data.sizes.max()))
        self._data, self._mean_weight = data, mean_weight

    def __len__(self) -> int:
        return int((-(-self._data.sizes // self.batch_size)).sum())

    def __call__(self, rng: np.random.Generator | None = None) -> Iterator[Any]:
        """Yield (x, y, sample_weight), with blocks and their rows in an order drawn from `rng`."""
        data, n_given, n_rows = self._data, 0, 0
        for n_of_block, block in data.read(rng):
            n_given += n_of_block
            n_rows += block.n_rows
            if block.n_rows:
                yield from Batches(block, self.batch_size, self._mean_weight)(rng)
        if n_given != data.n_given:
            raise ValueError(
                f"{data.blocks.owner} expects the same rows in each pass over the blocks, got "
                f"{data.n_given} rows in the first pass and {n_given} in a later one. {_READABLE}"
            )
        self.n_rows: int = n_rows  # from here on it is exact
