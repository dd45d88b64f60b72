"""Correlation with kernels of few rows, in about half as many multiplications."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ... import kernels
from ...base import Workspace
from ...typing import Array, Shape
from .correlation import N_LANES, Correlation, scratch, share_out
from .depthwise_correlation import DepthwiseCorrelation
from .windows import Windows, fill_border, interior

# Winograd's minimal filtering: for six rows d of an array and the r rows g of a kernel, 7 - r rows
# of products are _JOIN @ ((_WEIGHTS @ g) * (_SPLIT @ d)), with six products of rows instead of
# r (7 - r), which is twelve for three rows. The matrices stand for polynomials at the points 0, 1,
# -1, 2, -2 and infinity.
_N_MIXED = 6
_SPLIT = np.array(
    [
        [4.0, 0.0, -5.0, 0.0, 1.0, 0.0],
        [0.0, -4.0, -4.0, 1.0, 1.0, 0.0],
        [0.0, 4.0, -4.0, -1.0, 1.0, 0.0],
        [0.0, -2.0, -1.0, 2.0, 1.0, 0.0],
        [0.0, 2.0, -1.0, -2.0, 1.0, 0.0],
        [0.0, 4.0, 0.0, -5.0, 0.0, 1.0],
    ]
)
# What the first rows of _SPLIT, as polynomials, are at their own points: 4 at 0, and so on.
_SCALES = np.array([4.0, -6.0, -6.0, 24.0, 24.0, 1.0])


def _powers(n):
    """Return the powers 0 to n - 1 of the points, one row a point."""
    return np.vstack([np.vander([0.0, 1.0, -1.0, 2.0, -2.0], n, increasing=True), np.eye(n)[-1]])


#: Elements of the columns of one piece: few large ones, as threads that run side by side wait for
#: the interpreter at each call. Steps took 1.04 times as long with 2**18 and 1.06 with 2**20.
_PIECE_ELEMENTS = 2**19
#: Elements of a row from which mixing rows saves more than it costs: kernels of 3 x 3 and 5 x 5
#: took 0.7 to 0.83 of the time with 384 to 1792, of 8 to 32 channels, and 0.85 to 1.1 with 96 to
#: 224. On sequences it won with 256 channels only, and nothing in a network of 64 and 128.
_LONG_ROW = 384
#: Numbers of rows of a kernel for which six products are far fewer than without mixing.
_N_ROWS = (3, 4, 5)


def correlation_of(windows: Windows, n_groups: int, input_shape: Shape) -> Correlation:
    """Return what multiplies a kernel with windows fastest.

    Parameters
    ----------
    windows : Windows
        Geometry of the windows.
    n_groups : int
        Number of groups.
    input_shape : tuple of int
        Shape of a sample, without padding.

    Returns
    -------
    correlation : Correlation or DepthwiseCorrelation
        `MinimalCorrelation` for kernels of three to five rows and arrays of long ones,
        `DepthwiseCorrelation` for groups of one channel.
    """
    if n_groups > 1 and n_groups == input_shape[-1]:
        return DepthwiseCorrelation(windows)
    can_mix = windows.size[0] in _N_ROWS and windows.strides[0] == windows.dilation[0] == 1
    is_image = n_groups == 1 and len(windows.size) > 1
    if can_mix and is_image and prod(input_shape[1:]) >= _LONG_ROW:
        return MinimalCorrelation(windows)
    return Correlation(windows, n_groups, input_shape[-1] // n_groups)


class MinimalCorrelation(Correlation):
    """Products of a kernel of few rows, with stride 1 between rows, by minimal filtering.

    Tiles of six rows are mixed into six others; the windows of a mixed row, over the other axes,
    are multiplied by a mixture of the kernel's rows, and the six products are mixed into rows of
    the result: four for a kernel of three. Where fewer rows are left, the last tile does without
    those that are missing.

    References
    ----------
    Winograd (1980), Arithmetic complexity of computations, SIAM.

    Lavin and Gray (2016), Fast algorithms for convolutional neural networks, CVPR,
    :arxiv:`1509.09308`.
    """

    def __init__(self, windows: Any) -> None:
        super().__init__(windows)
        self.can_turn: bool = set(windows.strides) == {1}
        self._n_rows = windows.size[0]
        self._n_out = _N_MIXED + 1 - self._n_rows
        self._weights = _powers(self._n_rows) / _SCALES[:, None]
        self._join = np.ascontiguousarray(_powers(self._n_out).T)

    def correlate(self, padded: Array, kernel: Array, out: Array | None, work: Workspace) -> None:
        """Compute the products of all windows with the kernel."""
        if out.shape[1] * self._n_rows <= _N_MIXED:
            super().correlate(padded, kernel, out, work)
            return
        n_filters, dtype = kernel.shape[-1], out.dtype
        weights = self._weights.astype(dtype) @ kernel.reshape(self._n_rows, -1)
        weights = weights.reshape(_N_MIXED, -1, n_filters)
        join = self._join.astype(dtype)

        def run(samples, lane):
            for strip in self._strips(out.shape, samples, padded.shape[-1]):
                columns = self._mixed_columns(padded, strip, out.shape, lane, work)
                tiles = self._tiles(out, strip, strip.height)
                products = _room_for_mixed(tiles, lane, work)
                np.matmul(columns, weights, out=products.reshape(_N_MIXED, -1, n_filters))
                kernels.mix_rows(join[: strip.height], products.transpose(1, 2, 0, 3), tiles)

        share_out(run, len(out), out.size * kernel[..., 0].size)

    def kernel_gradient(
        self, padded: Array, grad: Array, out: Array | None, work: Workspace
    ) -> None:
        """Compute the gradient of the kernel from that of the products."""
        if grad.shape[1] * self._n_rows <= _N_MIXED:
            super().kernel_gradient(padded, grad, out, work)
            return
        n_filters, dtype = grad.shape[-1], grad.dtype
        join = self._join.astype(dtype)
        totals = scratch(work, "totals", (N_LANES, _N_MIXED, out[0, ..., 0].size, n_filters))
        totals[...] = 0.0

        def run(samples, lane):
            terms = scratch(work, f"terms {lane}", totals[lane].shape)
            for strip in self._strips(grad.shape, samples, padded.shape[-1]):
                columns = self._mixed_columns(padded, strip, grad.shape, lane, work)
                tiles = self._tiles(grad, strip, strip.height)
                mixed = _room_for_mixed(tiles, lane, work)
                split = np.ascontiguousarray(join[: strip.height].T)
                kernels.mix_rows(split, tiles, mixed.transpose(1, 2, 0, 3))
                rows = mixed.reshape(_N_MIXED, -1, n_filters)
                np.matmul(columns.transpose(0, 2, 1), rows, out=terms)
                totals[lane] += terms

        share_out(run, len(grad), grad.size * out[..., 0].size)
        total = totals.sum(axis=0).reshape(_N_MIXED, -1)
        np.matmul(self._weights.T.astype(dtype), total, out=out.reshape(self._n_rows, -1))

    def unpadded_gradient(
        self, grad: Array, kernel: Array, amounts: Any, out: Array | None, work: Workspace
    ) -> None:
        """Compute the gradient of what was padded by some amounts, for strides of 1.

        It is the products of the padded gradient with the kernel turned round.
        """
        spans = self.windows.span
        amounts = [(n - 1 - a, n - 1 - b) for n, (a, b) in zip(spans, amounts, strict=True)]
        lengths = [n + a + b for n, (a, b) in zip(grad.shape[1:-1], amounts, strict=True)]
        padded = work("padded_grad", (len(grad), *lengths, grad.shape[-1]))
        fill_border(padded, amounts, 0.0)
        padded[interior(amounts, padded)] = grad
        turned = np.flip(kernel, tuple(range(kernel.ndim - 2))).swapaxes(-1, -2)
        self.correlate(padded, turned, out, work)

    def _mixed_columns(self, padded, strip, shape, lane, work):
        """Return six matrices with the windows of mixed rows as rows."""
        tiles = self._tiles(padded, strip, strip.height + self._n_rows - 1)
        mixed = scratch(work, f"mixed {lane}", (*tiles.shape[:2], _N_MIXED, tiles.shape[-1]))
        kernels.mix_rows(_SPLIT[:, : tiles.shape[2]].astype(padded.dtype, order="C"), tiles, mixed)
        mixed = mixed.reshape(*mixed.shape[:3], *padded.shape[2:])
        steps, size = mixed.strides[3:-1], self.windows.size[1:]
        strides = [s * n for s, n in zip(self.windows.strides[1:], steps, strict=True)]
        strides += [d * n for d, n in zip(self.windows.dilation[1:], steps, strict=True)]
        view = as_strided(
            mixed,
            (*mixed.shape[:3], *shape[2:-1], *size, mixed.shape[-1]),
            (*mixed.strides[:3], *strides, mixed.strides[-1]),
        )
        view = np.moveaxis(view, 2, 0)
        columns = scratch(work, f"columns {lane}", view.shape)
        np.copyto(columns, view)
        return columns.reshape(_N_MIXED, -1, prod(size) * mixed.shape[-1])

    def _strips(self, shape, samples, n_channels):
        """Yield strips of results of the given shape: of some samples, or of a part of one."""
        n_full, n_left = divmod(shape[1], self._n_out)
        of_tile = _N_MIXED * prod(shape[2:-1]) * prod(self.windows.size[1:]) * n_channels
        for first, stop, height in ((0, n_full, self._n_out), (n_full, n_full + 1, n_left)):
            if first == stop or height == 0:
                continue
            n_tiles = min(stop - first, max(1, _PIECE_ELEMENTS // of_tile))
            n_samples = max(1, _PIECE_ELEMENTS // (of_tile * n_tiles))
            for start in range(samples.start, samples.stop, n_samples):
                part = slice(start, min(start + n_samples, samples.stop))
                for tile in range(first, stop, n_tiles):
                    yield _Strip(part, tile, min(n_tiles, stop - tile), height)

    def _tiles(self, array, strip, n_rows):
        """View the first rows of each tile, as an array of shape (N, tiles, n_rows, elements)."""
        rows = array[strip.samples].reshape(
            strip.samples.stop - strip.samples.start, len(array[0]), -1
        )
        rows = rows[:, strip.first * self._n_out :]
        of_sample, of_row, of_element = rows.strides
        return as_strided(
            rows,
            (len(rows), strip.n_tiles, n_rows, rows.shape[-1]),
            (of_sample, self._n_out * of_row, of_row, of_element),
        )


class _Strip(NamedTuple):
    """Neighbouring tiles of some samples, each of as many rows of the result."""

    samples: slice
    first: int
    n_tiles: int
    height: int


def _room_for_mixed(tiles, lane, work):
    """Return memory for six mixed rows of each tile, shape (6, N, tiles, elements)."""
    return scratch(work, f"products {lane}", (_N_MIXED, *tiles.shape[:2], tiles.shape[-1]))
