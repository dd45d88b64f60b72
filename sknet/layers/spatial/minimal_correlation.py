"""Correlation with kernels of few rows, in about half as many multiplications."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ... import kernels
from ...base import Workspace
from ...typing import Array, Shape
from .correlation import N_LANES, Correlation, scratch, scratch_of, share_out
from .depthwise_correlation import DepthwiseCorrelation
from .windows import Windows

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


#: Mixed elements of one piece, which stay in a core's cache with the products. Convolutions of 32
#: to 128 channels took 1.0 to 1.1 times as long with 2**17 and 1.3 to 1.7 times with 2**15.
_PIECE_ELEMENTS = 2**18
#: Elements of a row, and channels, from which mixing rows saves more than it costs. Compiled
#: kernels of 3 x 3 took 0.6 to 0.75 of the time with 448 elements and more of 32 to 128 channels,
#: 0.9 with 416, 1.0 with 16 channels, 1.2 with 8, and 2 with 1 and 3. On sequences NumPy's won
#: with 256 channels only, and nothing in a network of 64 and 128.
_LONG_ROW, _FEW_CHANNELS = 384, 16
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
    is_image = n_groups == 1 and len(windows.size) > 1 and input_shape[-1] >= _FEW_CHANNELS
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
        self._n_rows = windows.size[0]
        self._n_out = _N_MIXED + 1 - self._n_rows
        self._weights = _powers(self._n_rows) / _SCALES[:, None]
        self._join = np.ascontiguousarray(_powers(self._n_out).T)

    def correlate(self, padded: Array, kernel: Array, out: Array | None, work: Workspace) -> None:
        """Compute the products of all windows with the kernel."""
        if out.shape[1] * self._n_rows <= _N_MIXED:
            super().correlate(padded, kernel, out, work)
            return
        dtype = out.dtype
        weights = self._weights.astype(dtype) @ kernel.reshape(self._n_rows, -1)
        weights = weights.reshape(_N_MIXED, *kernel.shape[1:])
        join = self._join.astype(dtype)

        def run(samples, lane):
            for strip in self._strips(out.shape, samples, padded.shape[-1]):
                mixed = self._mixed_rows(padded, strip, lane, work)
                tiles = self._tiles(out, strip, strip.height)
                products = _room_for_mixed(tiles, lane, work)
                rows = products.reshape(_N_MIXED, -1, *out.shape[2:])
                for arrays in zip(mixed, weights, rows, strict=True):
                    kernels.correlate(*arrays, *self._geometry, scratch_of(work, lane))
                kernels.mix_rows(join[: strip.height], products.transpose(1, 2, 0, 3), tiles)

        share_out(run, len(out), out.size * kernel[..., 0].size)

    def kernel_gradient(
        self, padded: Array, grad: Array, out: Array | None, work: Workspace
    ) -> None:
        """Compute the gradient of the kernel from that of the products."""
        if grad.shape[1] * self._n_rows <= _N_MIXED:
            super().kernel_gradient(padded, grad, out, work)
            return
        dtype = grad.dtype
        join = self._join.astype(dtype)
        totals = scratch(work, "totals", (N_LANES, _N_MIXED, *out.shape[1:]))

        def run(samples, lane):
            term, totals[lane] = scratch(work, f"term {lane}", out.shape[1:]), 0.0
            for strip in self._strips(grad.shape, samples, padded.shape[-1]):
                mixed = self._mixed_rows(padded, strip, lane, work)
                tiles = self._tiles(grad, strip, strip.height)
                split = _room_for_mixed(tiles, lane, work)
                weights = np.ascontiguousarray(join[: strip.height].T)
                kernels.mix_rows(weights, tiles, split.transpose(1, 2, 0, 3))
                rows = split.reshape(_N_MIXED, -1, *grad.shape[2:])
                for x, products, total in zip(mixed, rows, totals[lane], strict=True):
                    arrays = x, products, term, *self._geometry
                    kernels.correlate_gradient(*arrays, scratch_of(work, lane))
                    total += term

        n_lanes = share_out(run, len(grad), grad.size * out[..., 0].size)
        total = totals[:n_lanes].sum(axis=0).reshape(_N_MIXED, -1)
        np.matmul(self._weights.T.astype(dtype), total, out=out.reshape(self._n_rows, -1))

    @property
    def _geometry(self):
        """Strides and dilation of the windows over the other axes."""
        return self.windows.strides[1:], self.windows.dilation[1:]

    def _mixed_rows(self, padded, strip, lane, work):
        """Return six arrays of mixed rows, each of shape (N tiles, ..., C)."""
        tiles = self._tiles(padded, strip, strip.height + self._n_rows - 1)
        shape = (_N_MIXED, *tiles.shape[:2], tiles.shape[-1])
        mixed = scratch(work, f"mixed {lane}", shape)
        split = _SPLIT[:, : tiles.shape[2]].astype(padded.dtype, order="C")
        kernels.mix_rows(split, tiles, mixed.transpose(1, 2, 0, 3))
        return mixed.reshape(_N_MIXED, -1, *padded.shape[2:])

    def _strips(self, shape, samples, n_channels):
        """Yield strips of results of the given shape: of some samples, or of a part of one."""
        n_full, n_left = divmod(shape[1], self._n_out)
        of_tile = _N_MIXED * prod(shape[2:-1]) * n_channels
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
    return scratch(work, f"mixed products {lane}", (_N_MIXED, *tiles.shape[:2], tiles.shape[-1]))
